#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Refresh failing and healthy items of an agent, and record what each refresh did.

Reads:   diagnostic_report.json, the server's API, the agent's log and its files
Writes:  active_test_iteration_N_before.json, _after.json or _undone.json in the
         run directory
Changes: asks the server to refresh some 25 items, nothing else

Usage:
  test_fix_actively.py --phase before --fix ID [options]    without the fix
  test_fix_actively.py --phase after --fix ID [options]     same items, with it
  test_fix_actively.py --phase undone --fix ID --only KEYS  some, when it is out

Examples:
  test_fix_actively.py --phase before --fix 3f2a90c1-1
  test_fix_actively.py --phase after --fix 3f2a90c1-1 --pause 5
  test_fix_actively.py --phase after --fix 3f2a90c1-1 \\
      --sample runs/2026-11-22T103000Z/active_test_iteration_2_before.json

Exit codes:
  0 done   2 usage   3 incomplete: some items could not be measured
  4 no report, logs or server   5 refused: the fix is in place already
  6 no failing item can be measured
  130 interrupted: what was measured is kept, the same command goes on there
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import hashlib
import io
import os
import re
import sys
import time

try:
    import aggregate_plex_logs as logs
except ImportError as missing:
    if 'aggregate_plex_logs' not in str(missing):
        raise
    sys.stderr.write('%s: aggregate_plex_logs.py must lie beside it; copy the whole folder\n'
                     % os.path.basename(sys.argv[0]))
    sys.exit(4)
from aggregate_plex_logs import (DONE, INCOMPLETE, NEGATIVE, UNSAFE, USAGE, Problem, add_shared_options, parser_for,
                                 read_json, run_script, say, utc_text, warn, write_json)

import six

__test__ = False                    # the name begins with test_, and this is no test

ACTIVE_TEST_SCHEMA = 1
PHASES = ('before', 'after')
WORDS_OF_PHASE = {'before': 'Before the fix', 'after': 'After the fix', 'undone': 'With the fix out again'}
ITEM = ('rating_key', 'guid', 'title', 'type', 'section', 'role')       # what of a row is the same in every test
DOCUMENT = ('fix', 'template', 'pattern', 'agent', 'exception', 'bundle', 'mode', 'predicted', 'own_files', 'says',
            'baseline_patterns')    # of a before-test: what its after-test takes over
ATTEMPTS = 2                        # a broken measurement is made once more, then it is reported as not measured
TIMEOUTS_ALLOWED = 3                # more refreshes than that without an end: the agent or its provider hangs
REFUSALS_ALLOWED = 3                # so many items in a row answered with 403: the provider has shut us out
ENOUGH = 8                          # items that fail, for a verdict that is no weak evidence
LOOKUPS_PER_ITEM = 5                # how many of the plan's items are looked up for one that is taken
MOST_PARTS = 10000                  # files of seasons and episodes that are read for an item
LONGEST_VALUE = 300                 # characters of a field's value that are kept
MOST_ROTATIONS = 50                 # readings of a log, each broken off by a rotation, before that is an error

# What the server fills by itself or counts from its files: it says nothing about an agent.
SERVER_FIELDS = frozenset((
    'addedAt', 'updatedAt', 'childCount', 'leafCount', 'viewedLeafCount', 'viewCount', 'lastViewedAt', 'duration',
    'index', 'parentIndex', 'guid', 'ratingKey', 'key', 'type', 'titleSort', 'librarySectionID', 'media'))
METADATA_FOLDERS = {'movie': 'Movies', 'show': 'TV Shows', 'artist': 'Artists', 'album': 'Albums', 'photo': 'Photos'}
TYPE_NUMBERS = {'artist': (8, 9)}     # a music agent is asked about artists and albums, others about one kind of item
FIELDS_BY_ATTRIBUTE = {             # the names that agents use, where the server has others; locks have a third kind
    'genres': 'Genre', 'roles': 'Role', 'actor': 'Role', 'directors': 'Director', 'writers': 'Writer',
    'producers': 'Producer', 'collections': 'Collection', 'countries': 'Country', 'moods': 'Mood', 'styles': 'Style',
    'posters': 'thumb', 'banners': 'banner', 'themes': 'theme', 'original_title': 'originalTitle',
    'originally_available_at': 'originallyAvailableAt', 'content_rating': 'contentRating'}
WORD = re.compile('(?u)[{0}]|[^\\W_{0}]+'.format('\u0e00-\u0eff\u1100-\u11ff\u3040-\u9fff'))    # Thai to Chinese
OWN_TITLE = 'own title'             # of what a search found
ESSENTIAL = {'title', 'summary', 'thumb'}               # what nearly every agent sets


# --------------------------------------------------------------------------------------------------------- the artifact
# types in it, for logs.fits(): what was damaged meanwhile is told in one sentence
SEEN = {'pattern': logs.STRING, 'exception?': logs.STRING, 'message': logs.STRING}
STATE = {'fields': dict, 'locked': [logs.STRING], 'leaves?': int, 'agent?': dict}
SHAPE = {'patterns_seen?': [SEEN], 'window?': dict, 'plug_in?': dict, 'baseline_patterns?': [logs.STRING],
         'says?': list, 'predicted?': {'fields?': [logs.STRING], 'success_percent?': (int, float)},
         'contains?': [logs.STRING], 'server?': dict,
         'filled?': dict, 'said?': int, 'changed_meanwhile?': bool, 'own_files?': [logs.STRING],
         'rows?': [dict(dict.fromkeys([name + '?' for name in ITEM + ('outcome', 'reason')], logs.STRING), **{
             'errors?': [SEEN], 'noise?': [SEEN], 'upstream?': [logs.STRING], 'before?': STATE, 'after?': STATE})]}


def active_test_path(run_dir, iteration, phase):
    """Where the rows of a phase ('before', 'after' or 'undone') of an iteration lie."""
    return os.path.join(run_dir, 'active_test_iteration_%d_%s.json' % (iteration, phase))


def read_active_test(path):
    """The dict that this script wrote. Problem where it is missing, damaged or newer.

    Keys: phase, fix, pattern, agent, mode, predicted, baseline_patterns, server {version}, bundle_digest, in_place,
    changed_meanwhile (did any code of the bundle change during the test),
    plug_in {starts, failed_starts, last_start_ok}, says (what the patch itself logs), said (for how many items it did,
    None where nobody could hear it), window {from, to}, patterns_seen, stopped, complete, rows. A row:
    rating_key, guid, title, type, section, role, attempt, outcome, reason, errors, noise, upstream, before, after,
    started, ended, restarts, proof, touched (of an after-test: was it refreshed with the fix in place already, so that
    `before` is no state without it). Of a before-test also filled, as filled_before() gives it, and contains: the ids
    of fixes, undone since, that this one is a continuation of.
    """
    document = read_json(path, ACTIVE_TEST_SCHEMA, 'test_fix_actively.py', SHAPE)
    absent = [name for name in ('phase', 'fix', 'pattern', 'agent', 'server', 'window', 'patterns_seen', 'complete',
                                'rows') if name not in document]
    absent += [name for row in document.get('rows') or () for name in ITEM + (
        'outcome', 'reason', 'errors', 'upstream', 'before', 'after') if name not in row or name in (
            'errors', 'upstream') and row[name] is None]
    if absent:
        raise Problem('%s lacks %s; run test_fix_actively.py again' % (path, absent[0]))
    states = [row[when] for row in document['rows'] for when in ('before', 'after') if row[when]]
    if not all('agent' in state and isinstance(value, (logs.STRING, int)) for state in states
               for fields in (state['fields'], state.get('agent') or {}) for value in fields.values()):
        raise Problem('%s is damaged; run test_fix_actively.py again' % path)
    return document


def last_rows(rows):
    """{rating key: the row that counts}: of several refreshes of an item, the last one."""
    return collections.OrderedDict((row['rating_key'], row) for row in rows)


def is_shut_out(document):
    """Did a test end because the provider refuses more requests? Then each further one would make it worse."""
    return bool(document.get('stopped')) and any(set(row['upstream']).intersection(SHUT_OUT + ('HTTP 403',))
                                             for row in document['rows'])


# ---------------------------------------------------------------------------------------------- what the log says of it
UPSTREAM = (
    (re.compile(r'HTTP Error (403|429|5\d\d)'), 'HTTP %s'),
    (re.compile(r'(?i)\bbanned\b'), 'ban'),
    (re.compile(r'(?i)too many requests|(?<!disk )quota.?exceeded'), 'HTTP 429'),
    (re.compile(r'(?i)\bURLError\b|Connection ?(?:Error|Refused|Reset|Aborted)|getaddrinfo|Name or service not known|'
                r'\b(?:BadStatusLine|IncompleteRead|RemoteDisconnected|ChunkedEncodingError)\b'), 'no connection'),
    (re.compile(r'(?i)\btimed out\b|\bTimeout\b'), 'time-out'),
    (re.compile(r'\bSSLError\b'), 'no connection'))
SHUT_OUT = ('HTTP 429', 'ban')      # going on would make it worse
# what these say is of the data and names in the code: KeyError: 'banned' is no ban
NEVER_UPSTREAM = frozenset(('KeyError', 'IndexError', 'AttributeError', 'TypeError', 'NameError', 'UnboundLocalError',
                            'UnicodeDecodeError', 'UnicodeEncodeError'))


def upstream_failures(events):
    """What the provider did to an item's calls, sorted: 'HTTP 429', 'ban', 'time-out' ... A 404 is an answer."""
    found = set()
    for event in events:
        if event.get('exception') in NEVER_UPSTREAM:
            continue
        text = '%s: %s' % (event.get('exception') or '', event.get('message') or '')
        for regex, words in UPSTREAM:
            match = regex.search(text)
            if match:
                found.add(words % match.groups() if '%' in words else words)
                break
    return sorted(found)


def names_item(record, row):
    """Does a log event or call name this item? A search names the rating key, most records of an update the guid."""
    if record.get('rating_key') and six.text_type(record['rating_key']) == row['rating_key']:
        return True
    return bool(record.get('guid')) and record['guid'] == row['guid']


def events_of_item(events, row, others=(), alone=False):
    """(the events of the item, those that may be of it or of another one).

    What an agent's own threads log names no item (PLEX 4); the aggregation tells which ones it may be about. others:
    the calls for other items, where the item was refreshed alone: what was logged in none of them is its own.
    """
    own, shared = [], []
    for event in events:
        possible = event.get('possible') or ()
        if names_item(event, row):
            own.append(event)
        elif any(names_item(item, row) for item in possible):
            free = not any(was_open(call, event, logs.AT_ONCE) for call in others)
            (own if free and (alone or len(possible) == 1) else shared).append(event)
    return own, shared


def was_open(call, event, late=0):
    """Was the call being served when the event was logged?"""
    if event['time'] is None or call['start'] is None or event['time'] < call['start']:
        return False
    return call['end'] is None or event['time'] <= call['end'] + late


def items_spoken_of(lines, calls):
    """For how many items the agent logged these lines: in a loop it logs one several times for each.

    A line of a worker thread belongs to one of the calls that were open; one that was logged outside of all of them
    stands for an item, too.
    """
    items = set()
    for line in lines:
        at_work = [call for call in calls if was_open(call, line)]
        own = [call for call in at_work if call['thread'] == line['thread']] or at_work
        names = [call['rating_key'] or call['guid'] for call in own] or [None]
        items.add(next((name for name in names if name not in items), names[0]))
    return len(items)


def is_error(event):
    """Does an event, or a pattern, of the log say that something went wrong?

    Not noise, not a warning, and not the framework's own line on a URL that answered with an error status: the agent
    may have expected that, and when it did not, a traceback follows (PLEX 3.1, F14).
    """
    if event.get('noise') or event.get('level', 'ERROR') not in ('ERROR', 'CRITICAL'):
        return False
    return bool(event.get('exception')) or not (event.get('message') or '').startswith('Error opening URL')


def errors_of(events):
    """(errors, noise): distinct [{pattern, exception, message}] in the order in which they were logged."""
    errors, noise = collections.OrderedDict(), collections.OrderedDict()
    for event in events:
        kept = errors if is_error(event) else noise
        kept.setdefault(event['pattern'], {'pattern': event['pattern'], 'exception': event.get('exception'),
                                           'message': shortened(event.get('message') or '')})
    return list(errors.values()), list(noise.values())


def shortened(text):
    text = logs.redact(logs.to_text(text))
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE - 1] + '\u2026'


def patterns_seen(events):
    """[{pattern, exception, message, noise, level, count}] of all the events of the agent in the window, sorted."""
    found = {}
    for event in events:
        row = found.setdefault(event['pattern'], {
            'pattern': event['pattern'], 'exception': event.get('exception'), 'noise': event.get('noise'),
            'level': event.get('level'), 'message': shortened(event.get('message') or ''), 'count': 0})
        row['count'] += 1
    return [found[pattern] for pattern in sorted(found)]


class LogWatch(object):
    """The logs of one agent from a position on; the only way in which this script looks at logs."""

    def __init__(self, folder, agent):
        self.folder = os.path.join(folder, 'PMS Plugin Logs')
        self.agent = agent
        self.gap = None             # why the last reading may have missed something

    def paths(self):
        """The agent's log and its rotated files only: this is read several times a second, also on a slow NAS."""
        try:
            names = os.listdir(self.folder)
        except OSError as problem:
            raise Problem('%s cannot be read (%s); the log is the only witness of an error'
                          % (self.folder, problem.strerror))
        return sorted(os.path.join(self.folder, name) for name in names     # 2.7: names that are not UTF-8 are bytes
                      if isinstance(name, six.text_type) and name.startswith(self.agent + '.log'))

    def steady(self, read):
        """read(paths) of a moment in which no log was rotated: while all are being renamed (the plug-in does that at
        each of its starts) one is missing and another is met twice or never.
        """
        for _ in range(MOST_ROTATIONS):
            paths = self.paths()
            try:
                before = [os.stat(path).st_ino for path in paths]
                found = read(paths)
                if self.paths() == paths and [os.stat(path).st_ino for path in paths] == before:
                    return found
            except (Problem, OSError):
                if all(os.path.exists(path) for path in paths) and self.paths() == paths:
                    raise                       # not a rotation
            time.sleep(.02)
        raise Problem('the logs of %s were rotated again and again while they were being read; is the plug-in '
                      'restarting in a loop?' % self.agent)

    def position(self):
        return self.steady(logs.log_position)

    def events(self, position):
        events, notes = self.steady(lambda paths: logs.read_events(paths, position=position))
        self.gap = notes[0]['why'] if notes else self.no_room()
        return events

    def no_room(self):
        """Why nothing can be logged, or None: on a full disk an agent fails, and goes on, without a word."""
        folder = logs.to_bytes(self.folder) if six.PY2 else self.folder     # 2.7 takes text here in ASCII only
        room = os.statvfs(folder) if hasattr(os, 'statvfs') else None
        if room and room.f_blocks and not room.f_bavail:        # some file systems tell no sizes
            return 'the disk of %s is full' % self.folder

    def calls(self, position):
        return self.steady(lambda paths: logs.read_calls(paths, position=position)).get(self.agent, [])

    def calls_since_start(self):
        """The calls in the newest log: a plug-in begins a new one at each of its starts."""
        return self.steady(lambda paths: logs.read_calls([path for path in paths if path.endswith('.log')])
                           ).get(self.agent, [])

    def holds_calls(self):
        """Whether the newest log is at DEBUG, so that each call shows in it; one that is empty does not tell."""
        return bool(self.steady(lambda paths: [path for path in paths if path.endswith('.log') and re.search(
            b' :  DEBUG \\(', logs.read_from(logs.LogFile(path, path), 0))]))

    def lines_with(self, words, position):
        return self.steady(lambda paths: logs.read_words(paths, words, position))

    def starts(self, position=None):
        return self.steady(lambda paths: logs.plugin_starts(paths, self.agent, position=position))


# ---------------------------------------------------------------------------------------------- what an item looks like
def snapshot(item, plex_home, agent):
    """{fields, locked, leaves, agent}: an item's metadata as the server shows it, and what the agent wrote by itself.

    fields: {name: text, number or count}, empty ones left out; locked: names that no refresh changes; agent: the same
    as fields, out of the agent's own Info.xml (free of other agents and of locks), or None where it cannot be read.
    """
    fields = dict((name, kept_value(value)) for name, value in item['fields'].items()
                  if name not in SERVER_FIELDS and not is_empty(value))
    return {'fields': fields, 'locked': sorted(item.get('locked') or ()), 'leaves': leaves_of(item),
            'agent': agent_fields(plex_home, agent, item.get('type'), item['guid'])}


def leaves_of(item):
    """How many episodes, or tracks, the library has of an item; None where it does not say."""
    found = six.text_type(item['fields'].get('leafCount') or '')
    return int(found) if re.match('[0-9]+$', found) else None


def is_empty(value):
    """No metadata: absent, '', 0 or an empty list; PMS leaves out what is empty, and 0 means that nobody rated."""
    return not value or isinstance(value, six.text_type) and value.strip() in ('', '0', '0.0')


def kept_value(value):
    return shortened(value) if isinstance(value, six.text_type) else value


def metadata_bundle(plex_home, item_type, guid):
    """The folder of an item's metadata: the guid's SHA-1, cut after its first digit (PLEX: metadata bundle on disk)."""
    kind = METADATA_FOLDERS.get(item_type)
    if not kind or not plex_home:
        return None
    digest = hashlib.sha1(guid.encode('utf-8')).hexdigest()
    return os.path.join(plex_home, 'Metadata', kind, digest[0], digest[1:] + '.bundle')


def agent_fields(plex_home, agent, item_type, guid):
    """{attribute: text or number of entries} that this agent wrote for the item, or None.

    What it wrote for seasons and episodes, or for albums, lies beside that in files of their own (seasons/1.xml,
    seasons/1/episodes/2.xml): 'episodes': how many there are, 'episodes.summary': how many of them have one.
    """
    folder = metadata_bundle(plex_home, item_type, guid)
    root = xml_root(os.path.join(folder, 'Contents', agent, 'Info.xml')) if folder else None
    if root is None:
        return None
    counts, read = collections.Counter(), 0
    waiting = collections.deque(parts_of(root, os.path.join(folder, 'Contents', agent)))
    while waiting and read < MOST_PARTS:
        kind, below = waiting.popleft()
        part = xml_root(below + '.xml')
        read += 1
        if part is not None:
            counts[kind] += 1
            counts.update('%s.%s' % (kind, name) for name in filled(part))
            waiting.extend(parts_of(part, below))
    found = filled(root)
    found.update(counts)
    return found


def xml_root(path):
    """The root element of a file of the server's, or None where it cannot be read."""
    from xml.etree import ElementTree
    try:
        return ElementTree.parse(path).getroot()
    except (IOError, OSError, ElementTree.ParseError, ValueError, LookupError):      # an encoding that is none
        return None


def filled(element):
    """{attribute: text or number of entries} of what is not empty in a metadata file."""
    values = ((child.tag, sum(not is_hollow(item) for item in child) or logs.to_text(child.text or ''))
              for child in element)
    return dict((logs.to_text(name), kept_value(value)) for name, value in values if not is_empty(value))


def is_hollow(item):
    """A role, say, that an agent made just before it failed, without a name: to lose that one is no loss."""
    return not any(set(part.keys()) - {'index'} or (part.text or '').strip() for part in item.iter())


def parts_of(element, folder):
    """(kind, path without .xml) of the files of their own that a metadata file names, always in the same order: of too
    many, the same ones are read each time. Albums are named by the SHA-1 of their key.
    """
    found = [(logs.to_text(child.tag), logs.to_text(item.get('key'))) for child in element for item in child
             if item.get('extension') == 'xml' and item.get('key')]
    for kind, key in sorted(found, key=lambda part: (len(part[1]), part)):
        name = hashlib.sha1(key.encode('utf-8')).hexdigest() if kind == 'albums' else key
        if not re.search(r'[/\\]', name):
            yield kind, os.path.join(folder, kind, name)


def field_of(name):
    """The server's name, in lower case, of a field, of an agent's attribute or of a lock."""
    return FIELDS_BY_ATTRIBUTE.get(name, name).lower()


def is_all_locked(item):
    """True when no refresh can show anything on this item: what it has and what agents set first of all is locked."""
    names = ESSENTIAL.union(name for name in item['fields'] if name not in SERVER_FIELDS)
    return set(field_of(name) for name in names) <= set(field_of(name) for name in item.get('locked') or ())


def bundle_digest(plug_ins, bundle, own_files):
    """One SHA-256 over a bundle's code but the files that the fix changes: has the agent been updated meanwhile?

    Only code: some plug-ins rewrite their own Info.plist (PLEX 6.1). None where it cannot be read.
    """
    if not bundle:
        return None
    digest = hashlib.sha256()
    own = set(os.path.realpath(os.path.join(plug_ins, path)) for path in own_files)     # one may be a link to another
    try:
        for top in ('Code', 'Libraries'):
            for folder, folders, names in os.walk(logs.walkable(os.path.join(plug_ins, bundle, 'Contents', top))):
                folders.sort()
                for name in sorted(map(logs.to_text, names)):
                    path = os.path.join(logs.to_text(folder), name)
                    relative = os.path.relpath(path, plug_ins).replace(os.sep, '/')
                    if name.endswith('.py') and os.path.realpath(path) not in own:
                        with io.open(path, 'rb') as source:
                            digest.update(logs.to_bytes('%s %s\n' % (
                                relative, hashlib.sha256(source.read()).hexdigest())))
    except (IOError, OSError):
        return None
    return digest.hexdigest()


# -------------------------------------------------------------------------------------------------- choosing the sample
def spread(candidates, count):
    """The first `count` of the candidates (each with 'section'), taken from the sections in turn."""
    sections = collections.OrderedDict()
    for candidate in candidates:
        sections.setdefault(candidate['section'], collections.deque()).append(candidate)
    chosen = []
    while sections and len(chosen) < count:
        for section in list(sections):
            if len(chosen) < count:
                chosen.append(sections[section].popleft())
            if not sections[section]:
                del sections[section]
    return chosen


class Library(object):
    """Finds the items of a test plan in the library."""

    def __init__(self, server, agent, mode='refresh'):
        self.server = server
        self.agent = agent
        self.mode = mode
        self.by_guid = None

    def summaries(self):
        """Summaries of the items of the sections that use the agent, section by section."""
        for section in self.server.sections():
            if section['agent'] == self.agent:
                for number in TYPE_NUMBERS.get(section['type'], (None,)):
                    for item in self.server.items(section['key'], number):
                        yield item

    def key_of(self, guid):
        """The rating key of a guid; the log of a call does not always name it."""
        if self.by_guid is None:
            self.by_guid = dict((item['guid'], six.text_type(item['rating_key'])) for item in self.summaries())
        return self.by_guid.get(guid)

    def candidate(self, wanted, role):
        """A row to be measured for {guid, rating_key} of a plan, or None: deleted, matched anew, or all locked.

        A search changes nothing, so it hits no lock; its guid is a hint, often another agent's ('tt0111161').
        """
        key = wanted.get('rating_key') or self.key_of(wanted.get('guid'))
        item = self.server.item(six.text_type(key)) if key else None
        if item is None or self.mode != 'match' and (
                wanted.get('guid') and item['guid'] != wanted['guid'] or is_all_locked(item)):
            return None
        return {'rating_key': six.text_type(item['rating_key']), 'guid': item['guid'], 'title': item.get('title') or '',
                'type': item.get('type'), 'section': six.text_type(item.get('section_key') or ''), 'role': role}

    def choose(self, wanted, role, count, taken):
        """Up to `count` rows for the items of a plan, spread over the sections.

        taken: rating keys and guids that are not to be used; those that are looked up here join them.
        """
        found = []
        for entry in wanted:
            if len(found) >= count * LOOKUPS_PER_ITEM:
                break
            if entry.get('rating_key') in taken or entry.get('guid') in taken:
                continue
            row = self.candidate(entry, role)
            if row and not taken.intersection((row['rating_key'], row['guid'])):
                found.append(row)
                taken.update((row['rating_key'], row['guid']))
        return spread(found, count)


def choose_sample(library, plan, failing, healthy, known_bad, filled=()):
    """Rows of the failing items of a plan, and of healthy ones: from the plan, else any item without a known error.

    Where few are known to fail, the test itself shows which of those do that were worked on when the error was logged.
    known_bad: rating keys and guids of all items that any pattern of the agent names; filled: rating keys of those
    that come last, as an earlier fix filled them.
    """
    items = sorted(plan.get('items') or (), key=lambda item: item.get('rating_key') in filled)
    rows = library.choose(items, 'failing', failing, set())
    if len(rows) < min(failing, ENOUGH):
        rows += library.choose(plan.get('possible') or (), 'failing', failing - len(rows), set(
            row[name] for row in rows for name in ('rating_key', 'guid')))
    taken = known_bad.union(row[name] for row in rows for name in ('rating_key', 'guid'))
    held_out = library.choose(plan.get('healthy') or (), 'healthy', healthy, taken)
    if len(held_out) < healthy:
        others = (item for item in library.summaries() if not item['guid'].startswith('local:'))
        held_out += library.choose(others, 'healthy', healthy - len(held_out), taken)
    return rows + held_out


# ------------------------------------------------------------------------------------------------------ the measurement
class Refresh(object):
    """One forced refresh of one item, from before the request until it is known to have ended."""

    def __init__(self, tester, item, attempt):
        self.tester = tester
        self.row = dict(item, attempt=attempt, outcome=None, reason=None, errors=[], noise=[], upstream=[],
                        before=item.get('before'), after=None, started=None, ended=None, restarts=0, proof=None,
                        touched=bool(item.get('touched')))
        self.quiet_since = None
        self.alone = False

    def begin(self):
        """Take the marks that the end is recognised by, and ask for the refresh."""
        tester, row = self.tester, self.row
        item = tester.server.item(row['rating_key'])
        row['started'] = utc_text(tester.clock.time())
        if item is None or item['guid'] != row['guid']:
            return self.close('gone', 'it was deleted or matched to something else')
        if row['before'] is None:               # else it was read before an earlier attempt, which may have changed it
            row['before'] = snapshot(item, tester.plex_home, tester.agent)
            row['touched'] = tester.others is not None and any(
                names_item(call, row) for call in tester.others + tester.watch.calls(tester.position))
        self.alone = tester.concurrency == 1
        self.refreshed_at = tester.server.tree_times(row['rating_key']).get('refreshed_at')
        self.position = tester.watch.position()
        self.began = tester.now()
        tester.server.refresh(row['rating_key'])

    def poll(self):
        """See whether the refresh is over.

        No single signal is reliable (PLEX 5.3). The agent's log tells that the agent has ended; that the server has
        taken in what it wrote follows from refreshedAt, or from silence: no activity for the item and no queue, twice.
        """
        tester, row = self.tester, self.row
        calls = [call for call in tester.watch.calls(self.position) if names_item(call, row)]
        at_work = any(not call['ended'] for call in calls)
        if at_work:
            self.quiet_since = None
            if self.was_killed(calls):
                self.close('not_measured', 'the plug-in restarted meanwhile')
        elif calls and self.has_moved() or self.is_quiet() and (calls or self.has_moved()):
            row['proof'] = 'the agent ended its call' if calls else 'the server refreshed it'
            self.look()
        if row['outcome'] is None and tester.now() - self.began >= tester.timeout:
            self.read_log()                     # a hung agent may have said why
            self.close('timeout', 'no end within %g s%s'
                       % (tester.timeout, '; the agent is still at work' if at_work else ''))

    def was_killed(self, calls):
        """Did the plug-in start anew after a call had begun that has no end?"""
        began = min(call['start'] for call in calls if not call['ended'])
        return any(start['time'] >= began for start in self.tester.watch.starts(self.position))

    def has_moved(self):
        """Did refreshedAt of the item change since the request?"""
        return self.tester.server.tree_times(self.row['rating_key']).get('refreshed_at') != self.refreshed_at

    def is_quiet(self):
        """Has the server had nothing to do with the item and its section for long enough?"""
        server, key, now = self.tester.server, self.row['rating_key'], self.tester.now()
        if (any(activity['rating_key'] == key for activity in server.activities())
                or server.update_queue_size(self.row['section'])):
            self.quiet_since = None
            return False
        self.quiet_since = now if self.quiet_since is None else self.quiet_since
        return now - self.quiet_since >= self.tester.quiet

    def close(self, outcome, reason=None):
        self.row.update(outcome=outcome, reason=reason, ended=self.row['ended'] or utc_text(self.tester.clock.time()))

    def look(self):
        """Read what a refresh that ran to its end left behind: the item, and what the agent's log says about it."""
        tester, row = self.tester, self.row
        item = tester.server.item(row['rating_key'])
        if item is None:
            return self.close('gone', 'it was deleted meanwhile')
        row['after'] = snapshot(item, tester.plex_home, tester.agent)
        row['restarts'] = len(tester.watch.starts(self.position))
        self.read_log()
        self.conclude()

    def read_log(self, events=None, calls=None):
        """Tie what the agent logged since the request to the item. events, calls: what was read already."""
        row, tester = self.row, self.tester
        events = tester.watch.events(self.position) if events is None else events
        calls = tester.watch.calls(self.position) if calls is None else calls
        others = [call for call in tester.watch.calls(tester.position) if not names_item(call, row)]
        found, shared = events_of_item(events, row, others, self.alone)
        self.shared = any(is_error(event) for event in shared)
        if self.shared:                         # from now on it is to be told whose they are
            tester.concurrency, tester.apart = 1, max(2 * logs.AT_ONCE, tester.pause)
        row['errors'], row['noise'] = errors_of(found)
        row['upstream'] = upstream_failures(found)
        self.called = any(names_item(call, row) for call in calls)
        tester.calls_are_logged = tester.calls_are_logged or self.called

    def conclude(self):
        self.close(*judge(self.row, self.called, self.tester.calls_are_logged, self.tester.watch.gap, self.shared))


def judge(row, called, calls_are_logged, gap, shared=False):
    """(outcome, reason) of a refresh that ran to its end. Without an error it takes a whole log that shows the call.

    shared: an error was logged that may be this item's or another one's.
    """
    if shared and (row['attempt'] < ATTEMPTS or not row['errors']):
        return 'not_measured', "an error in the agent's own threads may be of this item or of another one"
    if row['errors']:
        return 'error', None
    if gap:
        return 'not_measured', 'the log is not whole: ' + gap
    if called or not calls_are_logged and not row['restarts']:
        return 'ok', None
    return 'not_measured', 'the plug-in restarted meanwhile' if row['restarts'] else 'the server did not call the agent'


def words_of(text):
    """' the words of a title ' without accents, which a Mac writes in file names as signs of their own; '' of none.
    Where a script puts no blanks between words, each letter is one.
    """
    import unicodedata
    signs = unicodedata.normalize('NFKD', logs.to_text(text or '')).lower()
    words = WORD.findall(''.join(sign for sign in signs if not unicodedata.combining(sign)))
    return ' %s ' % ' '.join(words) if words else ''


def found_fields(found, item):
    """What a search found for an item, as fields: OWN_TITLE where what it ranks first may be the item."""
    if not found:
        return {}
    highest = max(row['score'] or 0 for row in found)
    best = [row for row in found if (row['score'] or 0) == highest]
    fields = {'matches': len(found), 'best match': shortened(logs.to_text(best[0]['name'] or '')),
              OWN_TITLE: int(any(may_be(row, item) for row in best))}
    return dict((name, value) for name, value in fields.items() if value)


def may_be(row, item):
    """Is what a search found called like the item, or the record that it is matched with, or at least of its year? A
    provider in another language calls it otherwise.
    """
    name, year = words_of(row['name']), item['fields'].get('year')
    titles = filter(None, map(words_of, (item['title'], item['fields'].get('originalTitle'))))
    return bool(name) and any(name in title or title in name or name.replace(' ', '') == title.replace(' ', '')
                              for title in titles) or bool(year) and (
        six.text_type(row['year']) == six.text_type(year)) or bool(row['guid']) and (
            row['guid'].partition('?')[0] == item['guid'].partition('?')[0])


class Match(Refresh):
    """One look for matches of an item: calls the agent's search() at once, and changes nothing."""

    def begin(self):
        from implement_fix import ServerError
        tester, row = self.tester, self.row
        row['started'] = utc_text(tester.clock.time())
        item = tester.server.item(row['rating_key'])
        if item is None:
            return self.close('gone', 'it was deleted')
        self.alone, self.position = True, tester.watch.position()      # nothing else is asked for until it answers
        try:
            found = tester.server.matches(row['rating_key'])
        except ServerError as problem:
            if problem.status or problem.starting:
                raise
            return self.close('timeout', 'search() did not answer in time')
        row['after'] = {'fields': found_fields(found, item), 'locked': [], 'agent': None}
        row['proof'] = 'search() was called and answered'
        self.read_log()
        self.conclude()

    def poll(self):
        """Nothing to wait for."""


class Tester(object):
    """Measures rows one after the other, a few at a time, and stops where going on would do harm.

    server: PlexServer; watch: LogWatch; clock: has time() and sleep(); keep(rows): called after every change; others:
    whether it matters who else has refreshed an item since the plug-in started.
    """

    def __init__(self, server, watch, options, plex_home, clock=time, keep=lambda rows: None, others=False):
        self.server, self.watch, self.plex_home, self.clock, self.keep = server, watch, plex_home, clock, keep
        self.now = logs.seconds_now if clock is time else clock.time
        server.patience = 0                 # from here on an outage is ours to see
        self.position = watch.position()    # where the log stood before the first refresh
        # Plex refreshes by itself at night, too: then an item has what a fix gives it before it is its turn
        self.others = watch.calls_since_start() if others else None
        self.agent = watch.agent
        self.concurrency, self.pause, self.timeout = options.concurrency, options.pause, options.timeout
        self.poll_every = min(1., max(.05, options.pause / 4))
        self.quiet = min(2., max(.2, options.pause))                    # PLEX 5.3: two looks, 2 s apart
        self.settle = 2 * options.pause     # the server may take in late what the agent wrote
        self.calls_are_logged = watch.holds_calls()     # at log levels above DEBUG the log has no spans
        self.next_start, self.apart = self.now(), 0     # apart: seconds between the end of one and the next
        self.rows = []
        self.refreshes = {}
        self.stopped = None
        self.refusals = self.timeouts = 0

    def measure(self, items, mode, rows=()):
        """Rows for all items; rows: those of an earlier, interrupted test, which are kept."""
        self.rows = list(rows)
        if mode == 'match':
            self.server.timeout = self.timeout      # the answer comes when the agent's search() has ended
        self.stop_when_plug_in_is_down()
        self.work_off(collections.deque((item, 1) for item in items), Match if mode == 'match' else Refresh)
        if mode != 'match':
            self.look_again()
            broken = [self.once_more(row) for row in last_rows(self.rows).values() if row['outcome'] == 'not_measured'
                      and row['attempt'] < ATTEMPTS and row['rating_key'] in self.refreshes]
            if broken and not self.stopped:         # by a log that was lost meanwhile
                self.work_off(collections.deque(broken), Refresh)
                self.look_again()
        return self.rows

    def once_more(self, row):
        return dict((name, row[name]) for name in ITEM + ('before', 'touched')), row['attempt'] + 1

    def work_off(self, queue, kind):
        """Refresh, or look for matches of, each (item, attempt) of a queue; what is to be made once more joins it."""
        flying = []
        while queue or flying:
            while queue and self.stopped:
                self.give_up(*queue.popleft())
            while self.may_begin(queue, flying):
                flying.append(kind(self, *queue.popleft()))
                self.attend(flying[-1], flying[-1].begin, flying, queue)
                self.next_start = self.now() + self.pause
            for refresh in list(flying):
                if refresh in flying:           # an outage ends all of them at once
                    self.attend(refresh, refresh.poll, flying, queue)
            if (flying or queue) and not self.may_begin(queue, flying):
                self.clock.sleep(self.poll_every)

    def may_begin(self, queue, flying):
        return (queue and len(flying) < self.concurrency and self.now() >= self.next_start) and not self.stopped

    def attend(self, refresh, action, flying, queue):
        """Begin or poll a refresh, and land it when it is over.

        When the server is away, wait for it, and measure again what was in the air.
        """
        from implement_fix import ServerError
        for _ in range(3):                      # a single dropped connection is no outage
            try:
                action()
                break
            except ServerError as problem:
                if problem.status == 404:
                    refresh.close('gone', 'it was deleted')
                    break
                said, waited = logs.redact(problem.sentence), self.wait_for_server()
                if waited is None:
                    self.stop('the server did not come back within %g s (%s)' % (self.timeout, said))
                if waited != 0:
                    for lost in flying:
                        lost.close('outage', 'the server was away (%s)' % said)
                    break
        else:
            refresh.close('outage', 'the server broke off three times')
        for landed in [one for one in flying if one.row['outcome'] is not None]:
            flying.remove(landed)
            self.finish(landed, queue)

    def wait_for_server(self):
        """How many times the server had to be asked again until it answered with our token; None: it never did."""
        from implement_fix import ServerError
        deadline, times = self.now() + self.timeout, 0
        while True:
            try:
                self.server.sections()
                return times
            except ServerError:
                times += 1
                if self.now() >= deadline:
                    return None
                self.clock.sleep(min(5., max(self.poll_every, self.pause)))

    def finish(self, refresh, queue):
        """Keep the row; a broken measurement is made once more; see whether to go on at all."""
        row, self.next_start = refresh.row, max(self.next_start, self.now() + self.apart)
        self.rows.append(row)
        self.refreshes[row['rating_key']] = refresh
        self.refusals = self.refusals + 1 if 'HTTP 403' in row['upstream'] else 0
        self.timeouts += row['outcome'] == 'timeout'
        shut_out = [words for words in row['upstream'] if words in SHUT_OUT]
        if shut_out:
            self.stop('the provider refuses more requests (%s); wait for a day before the next test' % shut_out[0])
        elif self.refusals >= REFUSALS_ALLOWED:
            self.stop('the provider answered %d items in a row with HTTP 403' % self.refusals)
        elif row['outcome'] == 'timeout':
            self.stop_when_plug_in_is_down()
        if self.timeouts > TIMEOUTS_ALLOWED:
            self.stop('%d refreshes did not end; the agent or its provider hangs' % self.timeouts)
        if row['outcome'] in ('timeout', 'outage', 'not_measured') and row['attempt'] < ATTEMPTS and not self.stopped:
            queue.append(self.once_more(row))
        self.keep(self.rows)

    def stop_when_plug_in_is_down(self):
        starts = self.watch.starts()
        if starts and starts[-1]['ok'] is False:
            self.stop('the plug-in is down: %s' % starts[-1]['error'])

    def stop(self, sentence):
        self.stopped = self.stopped or sentence

    def give_up(self, item, attempt):
        """A row for an item that is not refreshed any more; a first attempt that was broken stands as it is."""
        if attempt == 1:
            row = Refresh(self, item, attempt).row
            row.update(outcome='not_measured', reason=self.stopped)
            self.rows.append(row)
            self.keep(self.rows)

    def look_again(self):
        """When all is over and has settled, read once more what came in late: into the log, and into the items."""
        from implement_fix import ServerError
        self.clock.sleep(self.settle)
        events, calls = self.watch.events(self.position), self.watch.calls(self.position)
        for row in last_rows(self.rows).values():
            refresh = self.refreshes.get(row['rating_key'])
            if refresh is None or row['after'] is None:
                continue
            if row['attempt'] == 1:             # else the log since then also holds what broke the first attempt
                refresh.read_log(events, calls)
            else:
                refresh.read_log()
            refresh.conclude()
            try:
                item = self.server.item(row['rating_key']) if self.settle else None
            except ServerError:                 # what was read at its end stands
                item = None
            if item is not None:
                row['after'] = snapshot(item, self.plex_home, self.agent)
        self.keep(self.rows)


# ------------------------------------------------------------------------------------------------------------- the edge
def find_target(diagnosis, fix_id, pattern_id):
    """(pattern record, fix record or None) of the diagnosis. Problem names what to look up."""
    for pattern in diagnosis['patterns']:
        if fix_id is None and pattern['pattern'] == pattern_id:
            return pattern, None
        for fix in pattern.get('fixes') or ():
            if fix_id is not None and fix['id'] == fix_id:
                return pattern, fix
    raise Problem('the diagnosis has no %s; the ids stand in diagnostic_report.md'
                  % ('fix %s' % fix_id if fix_id else 'pattern %s' % pattern_id))


def plan_test(run_dir, iteration, options):
    """(document without rows, test plan, known bad items) of a before-test, from the diagnosis and the baseline."""
    from diagnose_from_report import diagnosis_path, read_diagnosis
    pattern, fix = find_target(read_diagnosis(diagnosis_path(run_dir)), options.fix, options.pattern)
    fix = fix or {}
    agent = fix.get('agent') or pattern.get('agent')
    if not agent:
        raise Problem('pattern %s is of no agent, so no refresh can test it' % pattern['pattern'])
    patterns = [row for row in logs.read_aggregate(logs.aggregate_path(run_dir, iteration))['patterns']
                if row.get('agent') == agent]
    plan = pattern.get('test_plan') or {}
    items = [item for row in patterns if not row.get('noise')
             for item in (row.get('items') or []) + (row.get('possible_items') or [])]
    known_bad = set(item[name] for item in items for name in ('rating_key', 'guid') if item.get(name))
    document = {'fix': fix.get('id'), 'template': fix.get('template'), 'pattern': pattern['pattern'], 'agent': agent,
                'exception': pattern.get('exception'), 'bundle': fix.get('bundle'),
                'mode': plan.get('mode') or 'refresh', 'predicted': fix.get('predicted'),
                'contains': fix.get('contains') or [],
                'own_files': sorted(row['path'] for row in fix.get('files') or ()), 'says': fix.get('says') or [],
                'baseline_patterns': sorted(row['pattern'] for row in patterns)}
    return document, plan, known_bad


def filled_before(run_dir, plug_ins, document):
    """{rating key: {fix, guid, without, with}} of what earlier tries of fixes for a pattern, undone since, filled in.

    without, with: snapshots after the refreshes of that try, also where it only brought an item further, to another
    error; with is None where no end of a refresh was seen. What was filled in stays, so these items cannot gain it once
    more. Of several tries, those of the fix itself and of what it is a continuation of come first.
    """
    from implement_fix import all_operations
    found, server = {}, document['server']
    own = [document['fix']] + document['contains']
    for row in sorted(all_operations(run_dir, plug_ins), key=lambda row: row['fix'] not in own):
        if row['action'] != 'implement' or row.get('pattern') != document['pattern']:
            continue
        try:
            tests = [read_active_test(active_test_path(row['run_dir'], row.get('iteration') or 1, phase))
                     for phase in PHASES]
        except Problem:
            continue                            # it came to no test, or what is left of it is damaged
        if any(test['fix'] != row['fix'] or test['server'].get('machine_identifier') != server.get('machine_identifier')
               for test in tests):
            continue
        first, second = [last_rows(test['rows']) for test in tests]
        for key, treated in second.items():
            failed = first.get(key)
            measured = treated['after'] and treated['outcome'] in ('ok', 'error')
            unseen = not measured and treated.get('started') and treated['outcome'] != 'gone'
            if failed and failed['outcome'] == 'error' and (unseen or measured and treated['after'] != failed['after']):
                found.setdefault(key, {'fix': row['fix'], 'guid': treated['guid'], 'without': failed['after'],
                                       'with': treated['after'] if measured else None})
    return found


def items_to_repeat(before):
    """The items of a before-test that the after-test measures: those that failed, and the healthy ones that did not.

    What healed by itself or could not be measured has left the sample: no request is spent on it.
    """
    return [dict((name, row[name]) for name in ITEM) for row in last_rows(before['rows']).values()
            if row['outcome'] == ('error' if row['role'] == 'failing' else 'ok')]


def unfinished(path, document):
    """An interrupted test of the same fix on the same server, as read_active_test() gives it, or None."""
    if not os.path.exists(path):
        return None
    earlier = read_active_test(path)
    same = all(earlier.get(name) == document.get(name)
               for name in ('fix', 'pattern', 'server', 'bundle_digest', 'in_place', 'retest'))
    return earlier if same and not earlier['complete'] else None


def is_measured(row):
    return row['outcome'] == 'gone' or row['outcome'] in ('ok', 'error') and row['after'] is not None


def fix_state(folder, fix_id, plug_ins=None):
    """'before', 'after' or 'other' as the journal of a run directory has it, or None when nothing is known."""
    from implement_fix import fixes_in_place
    return (fixes_in_place(folder, plug_ins).get(fix_id) or {}).get('state') if fix_id else None


def plug_in_facts(watch, position):
    """{starts, failed_starts} since position, and last_start_ok: True, False, or None when no start is in the logs."""
    here, ever = watch.starts(position), watch.starts()
    return {'starts': len(here), 'failed_starts': sum(start['ok'] is False for start in here),
            'last_start_ok': ever[-1]['ok'] if ever else None}


def build_parser():
    parser = parser_for(__doc__, 'test_fix_actively.py')
    parser.add_argument('--phase', choices=PHASES + ('undone',), required=True,
                        help='without the fix, with it in place, or when it is out again')
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument('--fix', metavar='ID', help='the fix under test')
    target.add_argument('--pattern', metavar='ID', help='the pattern under test, when there is no fix')
    parser.add_argument('--sample', metavar='FILE',
                        help='a before-test to take over: with --phase after that of an earlier run, to test its fix '
                             'again; with --phase before one of the same pattern that a probe ran in')
    parser.add_argument('--only', metavar='KEYS', help='with --phase undone: rating keys of the items, with commas')
    parser.add_argument('--items', metavar='N', type=int, default=20, help='failing items (default: 20)')
    parser.add_argument('--healthy', metavar='N', type=int, default=5, help='healthy items (default: 5)')
    parser.add_argument('--concurrency', metavar='N', type=int, default=2, help='refreshes at a time (default: 2)')
    parser.add_argument('--pause', metavar='SECONDS', type=float, default=2,
                        help='between two requests for a refresh (default: 2)')
    parser.add_argument('--timeout', metavar='SECONDS', type=float, default=120,
                        help='for one refresh, and for a server that is away (default: 120)')
    add_shared_options(parser, '--run-dir', '--iteration', '--plex-home', '--plex-url', '--token-file', '--dry-run',
                       '--quiet', '--json')
    return parser


def check_amounts(options):
    """Problem 2 for what no test can be made with; NaN is neither more nor less than anything."""
    if options.items < 1 or options.healthy < 0 or options.concurrency < 1 or not 0 <= options.pause < float('inf') \
            or not 0 < options.timeout < float('inf'):
        raise Problem('--items and --concurrency count from 1, --healthy and --pause from 0, --timeout above 0', USAGE)


def check_options(options):
    check_amounts(options)
    if (options.phase == 'undone') != bool(options.only):
        raise Problem('--phase undone needs --only, and no other phase takes it', USAGE)


def prepare_before(run_dir, iteration, options):
    """(document without rows, function from the server to the items) of a test without the fix."""
    document, plan, known_bad = plan_test(run_dir, iteration, options)
    if fix_state(run_dir, document['fix']) == 'after':
        raise Problem('fix %s is in place already; undo it with implement_fix.py --rollback before a test without it'
                      % document['fix'], UNSAFE)
    return document, lambda server: choose_sample(Library(server, document['agent'], document['mode']), plan,
                                                  options.items, options.healthy, known_bad, document['filled'])


def take_over(sample, document):
    """A test of the same pattern, made with a probe in place, as the before-test of a fix; Problem where it is none."""
    probed = read_active_test(sample)
    if probed['phase'] != 'before' or any(probed[name] != document[name] for name in ('pattern', 'agent', 'server')):
        raise Problem('%s is no before-test of pattern %s on this server; leave --sample out'
                      % (sample, document['pattern']))
    return dict(probed, **dict((name, value) for name, value in document.items() if name != 'window'))


def prepare_after(run_dir, iteration, options):
    """The same for a test with the fix in place; leaves the before-test that it belongs to in the run directory."""
    path = active_test_path(run_dir, iteration, 'before')
    before = read_active_test(options.sample or path)
    if (before['fix'], before['pattern']) != (options.fix or before['fix'], options.pattern or before['pattern']):
        raise Problem('%s is about fix %s of pattern %s; name that one, or run the before-test'
                      % (options.sample or path, before['fix'], before['pattern']))
    if options.sample and os.path.abspath(options.sample) != os.path.abspath(path) and not options.dry_run:
        write_json(path, dict(before, sampled_in=os.path.basename(fix_home(run_dir, options))), ACTIVE_TEST_SCHEMA)
    document = dict((name, before[name]) for name in DOCUMENT if name in before)
    return dict(document, retest=bool(options.sample)), lambda server: items_to_repeat(before)


def prepare_undone(run_dir, iteration, options):
    """The same for some items of an after-test, when the fix is out again: they get back what it took from them, or it
    was not its doing.
    """
    document, choose = prepare_after(run_dir, iteration, options)
    keys = set(key.strip() for key in logs.to_text(options.only).split(','))
    if fix_state(fix_home(run_dir, options), document['fix']) == 'after':
        raise Problem('fix %s is in place; undo it with implement_fix.py --rollback first' % document['fix'], UNSAFE)
    if not keys.intersection(item['rating_key'] for item in choose(None)):
        raise Problem('none of the items of --only was refreshed with the fix; their keys stand in %s'
                      % active_test_path(run_dir, iteration, 'after'), USAGE)
    return document, lambda server: [item for item in choose(server) if item['rating_key'] in keys]


def fix_home(run_dir, options):
    """The run directory that the fix was made in: its journal knows the fix."""
    return os.path.dirname(os.path.abspath(options.sample)) if options.sample else run_dir


def run(options):
    import implement_fix
    check_options(options)
    run_dir = logs.find_run_dir(options.run_dir)
    iteration = logs.current_iteration(run_dir, options.iteration)
    prepare = {'before': prepare_before, 'after': prepare_after, 'undone': prepare_undone}[options.phase]
    document, choose = prepare(run_dir, iteration, options)
    plex_home = logs.find_plex_home(options.plex_home)
    watch = LogWatch(logs.find_log_folder(plex_home), document['agent'])
    server = implement_fix.connect(options)
    home, plug_ins = fix_home(run_dir, options), os.path.join(plex_home, 'Plug-ins')
    document.update(phase=options.phase, server=server.identity(), in_place=fix_state(home, document['fix'], plug_ins),
                    bundle_digest=bundle_digest(plug_ins, document['bundle'], document['own_files']))
    if options.phase == 'before':
        document['filled'] = filled_before(run_dir, plug_ins, document)
    path = active_test_path(run_dir, iteration, options.phase)
    if options.sample and options.phase == 'before':
        document = take_over(options.sample, document)
        if not options.dry_run:
            write_json(path, document, ACTIVE_TEST_SCHEMA)
        return report(options, document, path)
    items = choose(server)
    if options.dry_run:
        for item in items:
            say('%-8s %-8s %.60s' % (item['role'], item['rating_key'], item['title']))
        return DONE

    earlier = unfinished(path, document) or {'rows': [], 'window': {'from': utc_text()}}
    known = last_rows(earlier['rows'])
    kept = [row for row in known.values() if is_measured(row)]
    done = set(row['rating_key'] for row in kept)
    items = [dict(item, **dict((name, known.get(item['rating_key'], {}).get(name)) for name in ('before', 'touched')))
             for item in items if item['rating_key'] not in done]
    document.update(window={'from': earlier['window']['from'], 'to': None}, complete=False, stopped=None,
                    patterns_seen=[], plug_in=None)

    def keep(rows):
        write_json(path, dict(document, rows=rows), ACTIVE_TEST_SCHEMA)

    implement_fix.require_bundles(plug_ins)     # a night without its volume says nothing about a fix
    tester = Tester(server, watch, options, plex_home, keep=keep, others=options.phase == 'after' and not
                    document['retest'])
    code = bundle_digest(plug_ins, document['bundle'], ())
    position = document['log_position'] = earlier.get('log_position') or tester.position
    keep(kept)
    mark(server, 'active test %s fix %s begins' % (options.phase, document['fix']))
    rows = tester.measure(items, document['mode'], kept)
    mark(server, 'active test %s fix %s ends' % (options.phase, document['fix']))
    implement_fix.require_bundles(plug_ins)
    document.update(
        window=dict(document['window'], to=utc_text()), stopped=tester.stopped,
        patterns_seen=patterns_seen(watch.events(position)), plug_in=plug_in_facts(watch, position),
        in_place_at_end=fix_state(home, document['fix'], plug_ins),
        changed_meanwhile=code != bundle_digest(plug_ins, document['bundle'], ()),
        said=items_spoken_of(watch.lines_with(document['says'], position), watch.calls(position))
        if document.get('says') and tester.calls_are_logged and not watch.gap else None,    # heard at DEBUG only
        complete=all(is_measured(row) for row in last_rows(rows).values()))
    keep(rows)
    return report(options, dict(document, rows=rows), path)


def mark(server, text):
    """A line in the server's own log, for whoever reads that one later; a server that refuses it is no obstacle."""
    from implement_fix import ServerError
    try:
        server.write_log_mark(text)
    except ServerError:
        pass


def report(options, document, path):
    """Say what came out, and return the exit code."""
    rows = last_rows(document['rows']).values()
    counts = collections.Counter((row['role'], row['outcome']) for row in rows)
    if document['stopped']:
        warn('test_fix_actively.py', 'stopped: ' + document['stopped'])
    if options.json:
        import json
        say(json.dumps(document, sort_keys=True, indent=2, separators=(',', ': ')))
    elif not options.quiet:
        say('%s: %d items of %s' % (WORDS_OF_PHASE[document['phase']], len(rows), document['agent']))
        for role, outcome in sorted(counts):
            say('  %-8s %-13s %4d' % (role, outcome, counts[role, outcome]))
        say('Read: %s' % path)
    if document['phase'] == 'before' and not counts['failing', 'error']:
        warn('test_fix_actively.py', nothing_fails(counts))
        return NEGATIVE
    return DONE if document['complete'] and not document['stopped'] else INCOMPLETE


def nothing_fails(counts):
    """Why a before-test leaves no item to test a fix on."""
    if not any(role == 'failing' for role, _ in counts):
        return 'none of the failing items is in the library any more, so there is nothing to test a fix on'
    if set(outcome for role, outcome in counts if role == 'failing') == {'ok'}:
        return 'no item fails now without a fix, so there is nothing to test one on'
    return 'no failing item could be measured, so there is nothing to test a fix on; try again later'


def main(argv=None):
    return run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
