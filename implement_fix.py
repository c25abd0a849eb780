#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Put one fix into a bundle and prove that it runs, or take it out again.

Reads:   diagnostic_report.json, fixes/FIX_ID.patch, the bundle, its log
Writes:  the .py files that the patch names, each with a backup; in the run
         directory journal.jsonl, backups/, implementation_log_iteration_N.md;
         what undo needs of them also in .in_place/ beside it
Changes: nothing else; restarts that one plug-in, without sudo

Usage:
  implement_fix.py FIX_ID [options]               put a fix in place
  implement_fix.py --rollback FIX_ID [options]    take it out, any time later
  implement_fix.py --status                       what is in place, of all runs
  implement_fix.py --recover [options]            tidy up after a killed process

Examples:
  implement_fix.py none-guard-3f9a --dry-run      # the diff, what would happen
  implement_fix.py --rollback none-guard-3f9a --run-dir runs/2026-11-22T103000Z

Exit codes:
  0 in place (or undone) and live   2 usage   3 not known whether it is live
  4 something needed is missing   5 refused as unsafe, nothing was written
  6 the plug-in did not come up with it, so it was undone
  75 a run or another one is at work here   130 interrupted, and undone
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import errno
import io
import json
import os
import re
import stat
import sys
import time

try:
    import aggregate_plex_logs as logs
    import diagnose_from_report as diagnose
except ImportError as missing:
    if not re.search('aggregate_plex_logs|diagnose_from_report', str(missing)):
        raise
    sys.stderr.write('%s: %s.py must lie beside it; copy the whole folder\n'
                     % (os.path.basename(sys.argv[0]),
                        re.search('aggregate_plex_logs|diagnose_from_report', str(missing)).group()))
    sys.exit(4)
from aggregate_plex_logs import (DONE, INCOMPLETE, LOCKED, NEGATIVE, NO_ENVIRONMENT, UNSAFE, USAGE, Problem,
                                 add_shared_options, on_signals, parser_for, run_script, say, utc_text, warn)

import six

JOURNAL_SCHEMA = 1
BACKUP_SCHEMA = 1
START_PATIENCE = 60             # seconds until a restarted plug-in must have shown its start; a NAS takes 20 to 30
SECOND_TRY = 15                 # after so many without a sign the other way of restarting is tried as well
JUDGE_PATIENCE = 60             # seconds for one compile in a 2.7 subprocess
OF_A_RUN = 'PLEX_LOOP_RUN'      # set for what the coordinator starts: it holds the lock on the server itself


# ------------------------------------------------------------------------------------------ the Plex Media Server, HTTP
class ServerError(Problem):
    """The server did not do what was asked. status: the HTTP status or None; starting: it may answer in a moment."""

    def __init__(self, sentence, status=None, starting=False):
        Problem.__init__(self, sentence)
        self.status = status
        self.starting = starting or status == 503


# Fields compared before and after a refresh (PLEX.md 5.3). The server leaves out what is empty. A picture's address
# ends in a time stamp, so only its presence counts.
VALUE_FIELDS = ('title', 'originalTitle', 'summary', 'tagline', 'year', 'originallyAvailableAt', 'studio',
                'contentRating', 'rating', 'leafCount')
PICTURE_FIELDS = ('thumb', 'art', 'banner', 'theme')
TAG_FIELDS = ('Genre', 'Role', 'Director', 'Writer', 'Producer', 'Collection', 'Country', 'Mood', 'Style', 'Similar')
PAGE = 500                      # items asked for at a time
STARTING_ERRORS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)


class PlexServer(object):
    """The HTTP interface of one server. Every method raises ServerError with one sentence, never with the token in it.

    timeout: seconds that one connection may stay silent. patience: seconds for which a server that is starting (503, or
    no connection after there was one) is waited for. renew: gives the token anew when the server refuses it, since
    .LocalAdminToken changes at each start of the server.
    """

    def __init__(self, url, token=None, timeout=20, patience=60, renew=None):
        self.url = checked_url(url)
        self.timeout = timeout
        self.patience = patience
        self._token = token
        self._renew = renew
        self._opener = None
        self._was_there = False

    # -- what the loop asks for
    def identity(self):
        """-> {machine_identifier, version}; needs no token."""
        root = self._xml('GET', '/identity')
        return {'machine_identifier': root.get('machineIdentifier'), 'version': root.get('version')}

    def sections(self):
        """-> [{key, type, title, agent, language, locations, refreshing}] of the libraries."""
        return [{'key': row.get('key'), 'type': row.get('type'), 'title': row.get('title'), 'agent': row.get('agent'),
                 'language': row.get('language'), 'refreshing': row.get('refreshing') == '1',
                 'locations': [place.get('path') for place in row.iter('Location')]}
                for row in self._xml('GET', '/library/sections').iter('Directory')]

    def items(self, section_key, type_number=None):
        """-> summaries of a section's items, shaped as item() gives them (with fewer fields)."""
        found, query = [], [('type', type_number)] if type_number is not None else []
        while True:
            root = self._xml('GET', '/library/sections/%s/all' % quoted(section_key), query,
                             {'X-Plex-Container-Start': len(found), 'X-Plex-Container-Size': PAGE})
            page = [read_item(row, root) for row in root if row.get('ratingKey')]
            found += page
            total = number(root.get('totalSize'))
            if not page or total is None or len(found) >= total:
                return found

    def item(self, rating_key):
        """-> {rating_key, guid, type, title, section_key, fields {name: value or count}, locked [names], updated_at}.

        None when the server has no such item. Reading starts no work there (PLEX.md 5.3: skipRefresh, checkFiles).
        """
        try:
            root = self._xml('GET', '/library/metadata/%s' % quoted(rating_key),
                             [('skipRefresh', 1), ('checkFiles', 0)])
        except ServerError as problem:
            if problem.status == 404:
                return None
            raise
        return next((read_item(row, root) for row in root if row.get('ratingKey')), None)

    def tree_times(self, rating_key):
        """-> {refreshed_at, updated_at} in epoch seconds or None: refreshed_at also moves when nothing changed."""
        root = self._xml('GET', '/library/metadata/%s/tree' % quoted(rating_key))
        row = next((row for row in root.iter('MetadataItem') if row.get('id') in (None, six.text_type(rating_key))),
                   root)
        return {'refreshed_at': number(row.get('refreshedAt')), 'updated_at': number(row.get('updatedAt'))}

    def refresh(self, rating_key):
        """Ask for a forced metadata refresh; the server answers at once and works later."""
        self._ask('PUT', '/library/metadata/%s/refresh' % quoted(rating_key), [('force', 1)])

    def activities(self):
        """-> [{uuid, type, title, progress, rating_key}] of what the server works on; rating_key may be None."""
        found = []
        for row in self._xml('GET', '/activities').iter('Activity'):
            context = row.find('Context')
            key = re.match(r'/library/metadata/(\d+)', (context.get('key') or '') if context is not None else '')
            found.append({'uuid': row.get('uuid'), 'type': row.get('type'), 'title': row.get('title'),
                          'progress': number(row.get('progress')), 'rating_key': key.group(1) if key else None})
        return found

    def update_queue_size(self, section_key):
        """-> how many items of a section wait for an update; None where the server does not say."""
        try:
            root = self._xml('GET', '/library/sections/%s/timeline' % quoted(section_key))
        except ServerError as problem:
            if problem.status == 404:
                return None
            raise
        return number(root.get('updateQueueSize'))

    def plugins(self):
        """-> [{identifier, state}]; state '0' is a running process."""
        return [{'identifier': row.get('identifier'), 'state': row.get('state')}
                for row in self._xml('GET', '/:/plugins').iter('Plugin')]

    def restart_plugin(self, identifier):
        """Ask for the restart of one plug-in; it is back after 2 to 5 s, which only its log proves."""
        self._ask('GET', '/:/plugins/%s/restart' % quoted(identifier))

    def wake_plugin(self, identifier):
        """Make the server start a plug-in that it has not needed yet."""
        self._ask('GET', '/:/plugins/%s' % quoted(identifier))

    def write_log_mark(self, text):
        """Put a line into "Plex Media Server.log"."""
        self._ask('PUT', '/log', [('level', 3), ('source', 'plex-loop'), ('message', text)])

    def matches(self, rating_key):
        """-> [{guid, name, year, score}]; runs the agent's search() and changes nothing."""
        root = self._xml('GET', '/library/metadata/%s/matches' % quoted(rating_key), [('manual', 1)])
        return [{'guid': row.get('guid'), 'name': row.get('name'), 'year': number(row.get('year')),
                 'score': number(row.get('score'))} for row in root.iter('SearchResult')]

    # -- how it is asked
    def _xml(self, method, path, query=(), headers=None):
        from xml.etree import ElementTree
        data = self._ask(method, path, query, headers)
        try:
            return ElementTree.fromstring(data)
        except (ElementTree.ParseError, ValueError, LookupError):
            raise self._error('%s did not answer %s in XML; is this address a Plex Media Server?' % (self.url, path))

    def _ask(self, method, path, query=(), headers=None):
        """-> the answer's bytes; waits for a server that is starting."""
        deadline, pause = logs.seconds_now() + self.patience, .1
        while True:
            try:
                return self._ask_once(method, path, query, headers)
            except ServerError as problem:
                if problem.status == 401 and self._token_changed():
                    continue
                worth_waiting = problem.status == 503 or problem.starting and self._was_there
                if not worth_waiting or logs.seconds_now() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2, pause * 2)

    def _token_changed(self):
        token, self._token = self._token, self._renew() if self._renew else self._token
        return token != self._token

    def _ask_once(self, method, path, query, headers):
        from six.moves.http_client import HTTPException
        from six.moves.urllib.error import HTTPError, URLError
        from six.moves.urllib.parse import urlencode
        from six.moves.urllib.request import Request
        words = urlencode([(name, logs.to_bytes(six.text_type(value))) for name, value in query])
        request = Request(str(self.url + path + ('?' + words if words else '')))
        request.get_method = lambda: str(method)        # 2.7 has no argument for it
        for name, value in dict(headers or {}, **{'Accept': 'application/xml', 'X-Plex-Token': self._token}).items():
            if value is not None:
                request.add_header(str(name), str(value))
        if self._opener is None:
            self._opener = opener_without_proxies(self.url)
        try:
            answer = self._opener.open(request, timeout=self.timeout)
            try:
                data = answer.read()
            finally:
                answer.close()
        except HTTPError as problem:
            problem.close()
            raise self._error(status_sentence(self.url, path, problem.code), problem.code)
        except (EnvironmentError, HTTPException, ValueError) as problem:
            reason = problem.reason if isinstance(problem, URLError) else problem
            refused = getattr(reason, 'errno', None) in STARTING_ERRORS or type(reason).__name__ in (
                'BadStatusLine', 'RemoteDisconnected')
            raise self._error('%s does not answer (%s); is the server running, is --plex-url right?'
                              % (self.url, reason_words(reason)), starting=refused)
        self._was_there = True
        return data

    def _error(self, sentence, status=None, starting=False):
        """A ServerError in which even a server that repeats our token back to us cannot place it."""
        if self._token:
            sentence = sentence.replace(self._token, '<token>')
        return ServerError(sentence, status, starting)


def quoted(value):
    from six.moves.urllib.parse import quote
    return quote(logs.to_bytes(six.text_type(value)), safe=str(''))


def number(text):
    """The whole number in an attribute; None for anything else."""
    try:
        return int(float(text))
    except (TypeError, ValueError, OverflowError):
        return None


def checked_url(url):
    """The address without a closing slash; Problem for what is none, or holds a secret, which messages would show."""
    from six.moves.urllib.parse import urlsplit
    try:
        parts = urlsplit(logs.to_text(url).strip())
        parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ('http', 'https') or not parts.hostname:
        raise Problem('--plex-url must look like http://127.0.0.1:32400', USAGE)
    if parts.query or parts.fragment or '@' in parts.netloc:
        raise Problem('--plex-url takes the bare address of the server; a token goes into --token-file', USAGE)
    try:
        return (parts.scheme + '://' + parts.netloc + parts.path.rstrip('/')).encode('ascii').decode('ascii')
    except UnicodeError:
        raise Problem('--plex-url must be ASCII; write the host name as the network knows it', USAGE)


def opener_without_proxies(url):
    """An opener that goes straight to the server, whatever the environment says, and takes the token nowhere else."""
    from six.moves.urllib.parse import urlsplit
    from six.moves.urllib.request import (HTTPDefaultErrorHandler, HTTPErrorProcessor, HTTPHandler, HTTPRedirectHandler,
                                          HTTPSHandler, OpenerDirector)

    def origin(url):
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port

    class SameServer(HTTPRedirectHandler):
        def redirect_request(self, request, answer, code, message, headers, url):
            if origin(url) != origin(request.get_full_url()):
                return None                     # urllib then reports the 30x itself, as an HTTPError
            return HTTPRedirectHandler.redirect_request(self, request, answer, code, message, headers, url)

    opener = OpenerDirector()                   # build_opener() would also read all certificates, 0.2 s for plain HTTP
    handlers = [HTTPHandler, HTTPDefaultErrorHandler, HTTPErrorProcessor, SameServer]
    for handler in handlers + ([HTTPSHandler] if url.startswith('https:') else []):
        opener.add_handler(handler())
    return opener


def status_sentence(url, path, status):
    if status == 401:
        return '%s refuses the token (401); name a file with a valid one with --token-file' % url
    if status == 403:
        return "%s knows the token but it is not the owner's (403); name another with --token-file" % url
    if status == 503:
        return '%s is starting or in maintenance (503); try again in some minutes' % url
    if 300 <= status < 400:
        return '%s sends us to another server (%d); give the right address with --plex-url' % (url, status)
    return '%s answered %s with status %d; "Plex Media Server.log" says why' % (url, path, status)


def reason_words(reason):
    """What went wrong on the way, in words without addresses."""
    if 'timed out' in six.text_type(reason) or 'timeout' in type(reason).__name__.lower():
        return 'no answer in time'
    return logs.to_text(getattr(reason, 'strerror', None) or type(reason).__name__)


def read_item(row, root):
    fields = dict((name, row.get(name)) for name in VALUE_FIELDS if row.get(name))
    fields.update((name, 1) for name in PICTURE_FIELDS if row.get(name))
    for name in TAG_FIELDS:
        count = len(row.findall(name))
        if count:
            fields[name] = count
    return {'rating_key': row.get('ratingKey'), 'guid': row.get('guid'), 'type': row.get('type'),
            'title': row.get('title'), 'fields': fields,
            'section_key': row.get('librarySectionID') or root.get('librarySectionID'),
            'locked': sorted(field.get('name') or '' for field in row.findall('Field') if field.get('locked') == '1'),
            'updated_at': number(row.get('updatedAt'))}


def connect(options):
    """The PlexServer that --plex-url, --token-file and --plex-home name; nothing is asked yet."""
    url = options.plex_url or environment('PLEX_URL') or 'http://127.0.0.1:32400'
    try:
        home = logs.find_plex_home(options.plex_home)
    except Problem:
        home = None                             # a server elsewhere: the token comes from a file or the environment
    home = home and checked_path(home)
    return PlexServer(url, find_token(options.token_file, home), renew=lambda: find_token(options.token_file, home))


def checked_path(path):
    """A whole path as text; Problem as in nameable()."""
    return nameable(logs.to_text(os.path.abspath(path)))


def nameable(path):
    """The path itself; Problem where Python cannot name it in this locale (2.7 and 3.6 under LC_ALL=C, as in cron)."""
    try:
        path.encode(sys.getfilesystemencoding() or 'ascii')
        path.encode('utf-8')                    # 3.6 has smuggled in what it could not decode
    except UnicodeError:
        raise Problem('this locale cannot name %s; set LC_ALL=C.UTF-8 and run it again' % path)
    return path


def environment(name):
    """An environment variable as text; None where it is unset or empty."""
    value = os.environ.get(str(name))
    return logs.to_text(value) if value else None


def find_token(token_file, plex_home):
    """The server's token or None: --token-file, PLEX_TOKEN, Preferences.xml, .LocalAdminToken (PLEX.md 5.2)."""
    if token_file:
        try:
            with io.open(token_file, 'rb') as source:
                text = source.read(4096)
        except (IOError, OSError) as problem:
            raise Problem('the file named by --token-file cannot be read (%s)' % logs.to_text(problem.strerror))
        return checked_token(text, '--token-file')
    if environment('PLEX_TOKEN'):
        return checked_token(environment('PLEX_TOKEN'), 'PLEX_TOKEN')
    return plex_home and (token_in_preferences(plex_home) or local_admin_token(plex_home))


def checked_token(value, where):
    """The token without white space around it. What cannot stand in a header is refused here: urllib would show it."""
    token = logs.to_text(value).strip().lstrip('\ufeff')
    if not re.match(r'^[!-~]{1,2048}$', token):
        raise Problem('%s does not hold a token; it must be one line of ASCII without blanks' % where)
    logs.learn_secret(token)
    return token


def preference(plex_home, name):
    """The text of one of the server's own settings; None where it cannot be read."""
    from xml.etree import ElementTree
    try:
        with io.open(os.path.join(plex_home, 'Preferences.xml'), 'rb') as source:
            return ElementTree.fromstring(source.read()).get(name)
    except (IOError, OSError, ElementTree.ParseError, ValueError, LookupError):
        return None


def token_in_preferences(plex_home):
    token = preference(plex_home, 'PlexOnlineToken')
    try:
        return checked_token(token, 'Preferences.xml') if token else None
    except Problem:
        return None


def local_admin_token(plex_home):
    try:
        with io.open(os.path.join(plex_home, '.LocalAdminToken'), 'rb') as source:
            return checked_token(source.read(4096), '.LocalAdminToken')
    except (IOError, OSError, Problem):
        return None


# ------------------------------------------------------------------------------------------------------------ the patch
Hunk = collections.namedtuple('Hunk', 'start old new')  # start: index of the line where old stands; lists of lines
HUNK_HEAD = re.compile(br'@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@')


def parse_patch(data):
    """-> [(path from Plug-ins on, [Hunk])] of a unified diff in bytes. Problem 5 for anything but changes to files."""
    lines, files, at = diagnose.split_lines(data), [], 0
    while at < len(lines):
        if not (lines[at].startswith(b'--- ') and at + 1 < len(lines) and lines[at + 1].startswith(b'+++ ')):
            raise Problem('the patch is no plain unified diff (line %d); diagnose again' % (at + 1), UNSAFE)
        old, new = patch_path(lines[at], b'a/'), patch_path(lines[at + 1], b'b/')
        if old != new:
            raise Problem('the patch makes, removes or renames a file (%s, %s); only changes are taken' % (old, new),
                          UNSAFE)
        at += 2
        hunks = []
        while at < len(lines) and lines[at].startswith(b'@@'):
            hunk, at = read_hunk(lines, at)
            hunks.append(hunk)
        if not hunks or new in [path for path, _ in files]:
            raise Problem('the patch changes nothing in %s, or names it twice; diagnose again' % new, UNSAFE)
        files.append((new, hunks))
    if not files:
        raise Problem('the patch is empty; diagnose again', UNSAFE)
    return files


def patch_path(line, side):
    name = line[4:].split(b'\t')[0].rstrip(b'\r\n')
    return logs.to_text(name[2:] if name.startswith(side) else name)


def read_hunk(lines, at):
    """-> (Hunk, index of the line after it); the counts in its head say how long it is, so content cannot end it."""
    head = HUNK_HEAD.match(lines[at])
    if not head:
        raise Problem('the patch has a damaged hunk head (line %d); diagnose again' % (at + 1), UNSAFE)
    start, old_count, _, new_count = (1 if group is None else int(group) for group in head.groups())
    at += 1
    old, new, last = [], [], None
    while len(old) < old_count or len(new) < new_count or lines[at:at + 1] and lines[at].startswith(b'\\'):
        mark = lines[at][:1] if at < len(lines) else b''
        if mark == b'\\' and last:              # "\ No newline at end of file" is about the line before it
            for side in {b' ': (old, new), b'-': (old,), b'+': (new,)}[last]:
                side[-1] = side[-1][:-1]
        elif mark not in (b' ', b'-', b'+'):
            raise Problem('the patch ends in the middle of a hunk (line %d); diagnose again' % (at + 1), UNSAFE)
        else:
            last = mark
            if mark != b'+':
                old.append(lines[at][1:])
            if mark != b'-':
                new.append(lines[at][1:])
        at += 1
    if len(old) != old_count or len(new) != new_count:
        raise Problem('the patch has a hunk whose counts do not fit (line %d); diagnose again' % at, UNSAFE)
    return Hunk(start - 1 if old_count else start, old, new), at


def apply_hunks(before, hunks, name):
    """The bytes after the hunks, every byte of old lines where the hunk says. Problem 5 where one does not fit."""
    lines, out, done = diagnose.split_lines(before), [], 0
    for hunk in hunks:
        end = hunk.start + len(hunk.old)
        if hunk.start < done or lines[hunk.start:end] != hunk.old:
            raise Problem('the patch does not fit %s at line %d; the file changed since the diagnosis, diagnose again'
                          % (name, hunk.start + 1), UNSAFE)
        out += lines[done:hunk.start] + hunk.new
        done = end
    out += lines[done:]
    if not all(line.endswith(b'\n') for line in out[:-1]):
        raise Problem('the patch would join two lines of %s; diagnose again' % name, UNSAFE)
    return b''.join(out)


def changes(old, new):
    """[(start, end, new lines)]: what to replace in the list of lines old to get the list new."""
    import difflib
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    matcher = difflib.SequenceMatcher(None, old[same:len(old) - tail], new[same:len(new) - tail], autojunk=False)
    return [(same + a, same + b, new[same + c:same + d]) for word, a, b, c, d in matcher.get_opcodes()
            if word != 'equal']


def merge(base, ours, theirs):
    """Three-way merge of bytes by lines -> bytes, or None where both changed the same place in different ways.

    An insertion beside another change counts as the same place: which of them comes first would be a guess.
    """
    lines = diagnose.split_lines(base)
    mine, yours = (changes(lines, diagnose.split_lines(side)) for side in (ours, theirs))
    yours = [change for change in yours if change not in mine]
    if collide(mine, yours) or any((a == b or c == d) and a <= d and c <= b for a, b, _ in mine for c, d, _ in yours):
        return None
    out, done = [], 0
    for start, end, text in sorted(mine + yours, key=lambda change: change[:2]):
        out += lines[done:start] + text
        done = end
    return b''.join(out + lines[done:])


def collide(mine, yours):
    """Whether any two changes of the two lists are at the same lines, or insert at the same place."""
    return any(a < d and c < b or (a, b) == (c, d) for a, b, _ in mine for c, d, _ in yours)


def presence(content, before, after):
    """Whether a change from before to after is in content, a version by someone else: 'there', 'lost' or 'conflict'."""
    old, new, theirs = (diagnose.split_lines(side) for side in (before, after, content))
    there = not collide(changes(new, old), changes(new, theirs))
    lost = not collide(changes(old, new), changes(old, theirs))
    return 'conflict' if there == lost else 'there' if there else 'lost'


# ---------------------------------------------------------------------------------------------------- files of a bundle
Target = collections.namedtuple('Target', 'path real data sha256 status')   # path: from Plug-ins on; status: os.stat


def read_target(plug_ins, path):
    """The Target of a path in a patch. Problem 5 unless it is a plain .py file of a bundle's Code or Libraries.

    Links are resolved first; one that leads out of its bundle's folder below Plug-ins is refused.
    """
    words = nameable(path).split('/')
    if (len(words) < 4 or words[1] != 'Contents' or words[2] not in ('Code', 'Libraries') or not path.endswith('.py')
            or any(word in ('', '.', '..') or re.search('[\\\\:\0]', word) for word in words)):
        raise Problem('%s is refused: a patch may only change .py files in Contents/Code and Contents/Libraries of a '
                      'bundle' % path, UNSAFE)
    root = os.path.join(os.path.realpath(plug_ins), words[0], 'Contents')
    real = os.path.realpath(os.path.join(plug_ins, *words))
    allowed = [os.path.join(root, name) + os.sep for name in ('Code', 'Libraries')]
    if not real.startswith(tuple(allowed)) or not real.endswith('.py'):
        raise Problem('%s is refused: a link leads out of the Code and Libraries of its bundle' % path, UNSAFE)
    try:
        status = os.stat(real)
        if not stat.S_ISREG(status.st_mode):
            raise Problem('%s is refused: it is no plain file' % path, UNSAFE)
        with io.open(real, 'rb') as source:
            data = source.read()
    except (IOError, OSError) as problem:
        raise Problem('%s cannot be read (%s); is the bundle still installed?' % (path, logs.to_text(problem.strerror)))
    return Target(path, real, data, diagnose.sha256(data), status)


def temporary_name(real):
    """Where the new content of a file is put together: fixed, so that recover() finds what a crash left."""
    return os.path.join(os.path.dirname(real), '.%s.implementing' % os.path.basename(real))


def replace_file(target, data):
    """Put data in the place of a target so that, at any moment, the old or the whole new file is there, on disk.

    Keeps owner, group, mode and, where Python offers it, extended attributes. Problem, with nothing changed, where the
    owner cannot be kept or the file is a mount of its own (renaming onto it says EBUSY; writing into it would not be
    atomic).
    """
    import shutil
    temporary = temporary_name(target.real)
    if os.path.lexists(temporary):
        os.remove(temporary)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, 'O_BINARY', 0), 0o600)
    try:
        with os.fdopen(handle, 'wb') as out:
            out.write(data)
            out.flush()                         # before the times are set: writing sets them too
            keep_owner(temporary, target)
            shutil.copystat(target.real, temporary)
            stamp = newer_than_bytecode(target.real)
            os.utime(temporary, (stamp, stamp))
            os.fsync(out.fileno())
        if os.name == 'nt' and six.PY2:         # 2.7 on Windows cannot rename over a file
            os.remove(target.real)
        (os.rename if six.PY2 else os.replace)(temporary, target.real)
    except BaseException as problem:
        if os.path.lexists(temporary):
            os.remove(temporary)
        logs.name_file(problem, target.real)
        if isinstance(problem, OSError) and problem.errno == errno.EBUSY:
            raise Problem('%s is a mount of its own (a single file mounted into a container) and cannot be replaced '
                          'safely; mount its folder instead' % target.path, UNSAFE)
        raise
    logs.sync_folder(os.path.dirname(target.real))


def keep_owner(temporary, target):
    if not hasattr(os, 'chown'):
        return
    made = os.stat(temporary)
    if (made.st_uid, made.st_gid) != (target.status.st_uid, target.status.st_gid):
        try:
            os.chown(temporary, target.status.st_uid, target.status.st_gid)
        except OSError as problem:
            raise Problem('%s would change its owner (%s); run as the user that owns the Plug-ins folder'
                          % (target.path, logs.to_text(problem.strerror)))


def newer_than_bytecode(real):
    """A modification time, now or later, that no .pyc beside the file was made for or is newer than."""
    stamp, taken = time.time(), []
    for ending in 'co':
        try:
            stamp = max(stamp, os.stat(real + ending).st_mtime + 1)
            with io.open(real + ending, 'rb') as source:
                taken.append(source.read(8)[4:])
        except (IOError, OSError):
            pass
    import struct
    while struct.pack(str('<L'), int(stamp) & 0xffffffff) in taken:
        stamp += 1
    return stamp


# What is put in by hand while a run is at work would be measured with the run's own fix. To take one out is allowed at
# any time: the run sees that its bundle was changed.
RUN_AT_WORK = 'a run (or another implement_fix.py) is at work on %s; wait for it to end, only --rollback is taken now'


class FolderLock(object):
    """One run per server, one implementer per Plug-ins folder: a kernel lock on a folder leaves nothing behind.
    Problem 75 with these words where another process holds it, and has not let it go after patience seconds.
    """

    def __init__(self, folder, patience=0, words='another process of the loop works on %s; wait for it to end'):
        self.folder, self.patience, self.words = folder, patience, words

    def __enter__(self):
        self.handle = None
        if os.name == 'nt' or self.folder is None:
            return self                         # Windows cannot lock a folder; there the coordinator's lock must do
        import fcntl
        deadline = logs.seconds_now() + self.patience
        while True:
            try:
                self.handle = os.open(self.folder, os.O_RDONLY)
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (IOError, OSError) as problem:
                self.__exit__()
                if problem.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
                    if logs.seconds_now() < deadline:
                        time.sleep(.2)
                        continue
                    raise Problem(self.words % self.folder, LOCKED)
            return self                         # else it may not be read, or a network file system has no locks

    def __exit__(self, *_):
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


# -------------------------------------------------------------------------------------------------- journal and backups
def journal_path(run_dir):
    return os.path.join(run_dir, 'journal.jsonl')


def journal_time():
    """UTC with microseconds: journals of several runs are put into one order by it."""
    now = time.time()
    return '%s.%06dZ' % (utc_text(now)[:-1], now % 1 * 1e6)


def write_step(run_dir, step, **facts):
    """Add a line to the journal and wait until it is on disk; only then may the step be done."""
    path = journal_path(run_dir)
    line = json.dumps(dict(facts, schema=JOURNAL_SCHEMA, time=journal_time(), step=step), sort_keys=True)
    is_new = not os.path.exists(path)
    with io.open(path, 'ab+') as out:
        if out.tell():                          # a line that a crash left unfinished must not swallow this one
            out.seek(-1, os.SEEK_END)
            if out.read(1) != b'\n':
                out.write(b'\n')
        out.write(logs.to_bytes(logs.without_secrets(line)) + b'\n')
        out.flush()
        os.fsync(out.fileno())
    if is_new:
        logs.sync_folder(run_dir)


def read_journal(run_dir):
    """The steps of a run's journal, oldest first, as dicts; [] where there is none. Problem where it cannot be read.

    A line that is not whole JSON was being written when the process died, so its step was not begun: it is left out.
    """
    try:
        with io.open(journal_path(run_dir), 'rb') as source:
            lines = source.read().split(b'\n')
    except (IOError, OSError) as problem:
        if problem.errno == errno.ENOENT:
            return []
        raise Problem('%s cannot be read (%s); until it can be, what is in place is not known, and nothing is changed'
                      % (journal_path(run_dir), logs.to_text(problem.strerror)))
    steps = []
    for line in lines:
        try:
            step = json.loads(logs.to_text(line))
        except ValueError:
            continue
        if not logs.fits(step, {'step': logs.STRING, 'schema?': int}):
            continue
        if (step.get('schema') or 0) > JOURNAL_SCHEMA:
            raise Problem('%s has schema %s, this version knows %d; update the whole folder of scripts'
                          % (journal_path(run_dir), step['schema'], JOURNAL_SCHEMA))
        steps.append(step)
    return steps


INTENT = dict(dict.fromkeys(('time', 'action', 'fix', 'bundle', 'plug_ins', 'made_in?'), logs.STRING),
              files=[{'path': logs.STRING, 'before': logs.STRING, 'after': logs.STRING, 'carries': [logs.STRING]}])
ENDINGS = ('verified', 'unproven', 'rolled back', 'abandoned')


def read_operations(run_dir):
    """The changes that a run's journal tells of, oldest first: each intent line with run, run_dir, and ended.

    action: 'implement' or 'undo'. files: [{path, before, after, carries}]; carries: which fixes, as 'run/fix id', the
    before version holds. ended: the name of the step that ended it, or None when the process died before.
    """
    operations, name = [], run_name(run_dir)
    for step in read_journal(run_dir):
        if step['step'] == 'intent' and logs.fits(step, INTENT):    # a damaged line cannot say what to undo
            if operations and operations[-1]['ended'] is None:
                operations[-1]['ended'] = 'superseded'      # the new intent is what brought it to an end
            operations.append(dict(step, run_dir=run_dir, run=name, ended=None, live=None))
        elif operations and step['step'] in ENDINGS and step.get('fix') == operations[-1]['fix']:
            operations[-1].update(ended=step['step'], live=step.get('live'))
    return operations


def run_name(run_dir):
    return os.path.basename(os.path.realpath(run_dir))


def runs_beside(run_dir):
    """The run directories beside this one, itself included: their fixes may lie in the same files."""
    home = os.path.realpath(run_dir)
    runs = os.path.dirname(home)
    beside = [os.path.join(runs, name) for name in os.listdir(runs) if name[:2] == '20']
    return sorted(set([home] + [path for path in beside if os.path.exists(journal_path(path))]))


def all_operations(run_dir, plug_ins):
    """The operations of all runs beside a run on one Plug-ins folder, oldest first."""
    found, here = [], {}
    for path in runs_beside(run_dir):
        latest = ''                             # a clock that was set back must not turn a run's own order round
        for row in read_operations(path):
            latest = max(latest, row['time'])
            if row['plug_ins'] not in here:
                here[row['plug_ins']] = same_folder(row['plug_ins'], plug_ins)
            if here[row['plug_ins']]:
                found.append((latest, len(found), row))
    return [row for _, _, row in sorted(found, key=lambda entry: entry[:2])]


def same_folder(recorded, plug_ins):
    """A folder that is gone was moved or is mounted elsewhere now: then the given one is taken for it."""
    return os.path.realpath(recorded) == os.path.realpath(plug_ins) or not os.path.isdir(recorded)


def mark_of(operation):
    """A fix's name in all journals. It tells where the fix was made: somebody may have copied or renamed that since."""
    return '%s/%s' % (operation.get('made_in') or operation['run'], operation['fix'])


def known_versions(operations):
    """{path: {sha256: marks of the fixes in that version}} of every version that the journals know."""
    versions = {}
    for row in operations:
        for entry in row['files']:
            of_file = versions.setdefault(entry['path'], {})
            carried = set(entry['carries'])
            of_file[entry['before']] = frozenset(carried)
            of_file[entry['after']] = frozenset(carried | {mark_of(row)} if row['action'] == 'implement'
                                                else carried - {mark_of(row)})
    return versions


def backup_path(run_dir, sha256):
    return os.path.join(run_dir, 'backups', sha256)


def places_told(about):
    """The places that the note beside a backup tells; [] where there is none, or it is damaged, which must not stop an
    undo; None where a newer version wrote it.
    """
    try:
        with io.open(about, encoding='utf-8') as source:
            told = json.load(source)
    except (IOError, OSError, ValueError):
        return []
    if not logs.fits(told, {'schema': int, 'places': [{'path': logs.STRING}]}):
        return []
    return told['places'] if told['schema'] <= BACKUP_SCHEMA else None


def back_up(run_dir, target, data=None):
    """Keep a version of a file (default: the one in place) by its SHA-256, and beside it what restores it by hand."""
    content = target.data if data is None else data
    sha256 = diagnose.sha256(content)
    path = backup_path(run_dir, sha256)
    if not os.path.isdir(os.path.dirname(path)):
        os.mkdir(os.path.dirname(path))
        logs.sync_folder(run_dir)
    status, about = target.status, path + '.json'
    places = places_told(about)
    if places is not None and target.path not in [place['path'] for place in places]:
        places.append({'path': target.path, 'real_path': target.real, 'mode': '%04o' % stat.S_IMODE(status.st_mode),
                       'user_id': status.st_uid, 'group_id': status.st_gid, 'modified': utc_text(status.st_mtime),
                       'saved': utc_text(), 'was_in_place': data is None})
        logs.write_json(about, {'places': places}, BACKUP_SCHEMA)
    if not os.path.exists(path) or diagnose.sha256(read_bytes(path)) != sha256:
        logs.write_file(path, content, 0o600)


def read_backup(run_dirs, sha256):
    """The content of a version; None where no run, nor its second copy, holds it whole."""
    for folder in sum(([run_dir, second_copy(run_dir)] for run_dir in run_dirs), []):
        if is_whole(backup_path(folder, sha256)):
            return read_bytes(backup_path(folder, sha256))
    return None


def is_whole(path):
    """Whether a file has the SHA-256 that is its name."""
    try:
        return diagnose.sha256(read_bytes(path)) == os.path.basename(path)
    except (IOError, OSError):
        return False


def read_bytes(path):
    with io.open(path, 'rb') as source:
        return source.read()


# ----------------------------------------------------------------------------------------------- second copies for undo
# Whoever deletes an old run directory does not think of the fix that it put in place: what undo, and a second test,
# need of such a run is also kept in runs/.in_place/, and put back from there. The journal, which makes a copy whole,
# comes last.
IN_PLACE = '.in_place'
NEEDED = ('backups/*', 'fixes/*', 'active_test_iteration_*.json', 'lessons_learned.json', 'loop_state.json',
          'journal.jsonl')
VITAL = ('backups', 'journal.jsonl')            # without these there is no undo


def second_copy(run_dir):
    home = os.path.realpath(run_dir)
    return os.path.join(os.path.dirname(home), IN_PLACE, os.path.basename(home))


def remember(run_dir):
    """Bring the second copy of what undo needs of a run up to date; none is kept when all its fixes are out again."""
    import shutil
    copy, is_out = second_copy(run_dir), {}
    try:
        if is_cut_short(run_dir, copy):         # nothing is learnt from it; bring_back() mends it
            return
        for row in read_operations(run_dir):
            is_out[row['fix']] = row['ended'] == 'rolled back' or (
                row['action'], row['ended']) == ('implement', 'abandoned')
        if is_out and all(is_out.values()):
            shutil.rmtree(copy, ignore_errors=True)
        elif is_out and logs.RUN_NAME.match(run_name(run_dir)):     # else its parent is not ours
            copy_files(run_dir, copy, is_changed)
    except (Problem, IOError, OSError):         # a full disk, say: the first copy is whole, the next run tries again
        pass


def is_changed(source, target):
    if not os.path.exists(target):
        return True
    one, other = os.stat(source), os.stat(target)
    differs = one.st_size != other.st_size or abs(one.st_mtime - other.st_mtime) > 1e-3     # 2.7 rounds it
    return differs and not is_whole(target)     # a backup never changes: the one that did is damaged


def is_cut_short(run_dir, copy):
    """Whether a run's journal is only the beginning of that in its second copy: an older state was put back, say."""
    try:
        whole = read_bytes(journal_path(copy))      # first: what is written meanwhile makes the other one the longer
        own = read_bytes(journal_path(run_dir))
    except (IOError, OSError):
        return False
    return len(own) < len(whole) and whole.startswith(own)


def copy_files(source, target, wanted):
    """Copy the NEEDED files for which wanted(from, to) is true, so that each is there as it was or whole."""
    import fnmatch
    import shutil
    for pattern in NEEDED:
        folder, _, name = pattern.rpartition('/')
        here, there = os.path.join(source, folder), os.path.join(target, folder)
        for found in sorted(fnmatch.filter(os.listdir(here), name)) if os.path.isdir(here) else ():
            one, other = os.path.join(here, found), os.path.join(there, found)
            if wanted(one, other):
                if not os.path.isdir(there):
                    os.makedirs(there)
                logs.write_file(other, read_bytes(one), stat.S_IMODE(os.stat(one).st_mode), alone=False)
                shutil.copystat(one, other)


def bring_back(runs):
    """Put back what was deleted of runs whose fixes are in place -> sentences on what was."""
    sentences, folder = [], os.path.join(runs, IN_PLACE)
    for name in sorted(filter(logs.RUN_NAME.match, os.listdir(folder) if os.path.isdir(folder) else ())):
        copy, run_dir = os.path.join(folder, name), os.path.join(runs, name)
        is_older = is_cut_short(run_dir, copy)
        lost = is_older or [one for one in VITAL if os.path.exists(os.path.join(copy, one))
                            and not os.path.exists(os.path.join(run_dir, one))]
        there = [fix for fix, found in sorted(fixes_in_place(copy).items()) if found['state'] in ('after', 'partial')
                 or found['patch'] in ('there', 'conflict')] if lost else ()
        if there:
            copy_files(copy, run_dir, is_changed if is_older else lambda _, target: not os.path.exists(target))
            sentences.append('run directory %s was %s while %s of it %s in place; what undo needs was put back' % (
                name, 'exchanged for an older state' if is_older else 'deleted', ('fix ' if len(there) == 1 else
                'fixes ') + ', '.join(there), 'is' if len(there) == 1 else 'are'))
    return sentences


# --------------------------------------------------------------------------------------------------------------- judges
# Runs under Python 2.7, also Plex's own, which only takes a script file. Without a task it prints its version and path.
# Task: {framework (folder or null), files [{before, after (files), sandboxed, elevated}]}; it prints, for each file,
# {judge: [what it says of before, what of after]}, where null is "accepted". 'grammar' is the compiler package alone.
JUDGE = r'''
import json, os, re, sys
if len(sys.argv) < 2:
    sys.stdout.write('%d.%d %s' % (sys.version_info[:2] + (sys.executable,)))
    sys.exit(0)
def said(judge, text):
    try:
        judge(text)
    except Exception as problem:
        return '%s: %s' % (problem.__class__.__name__, problem)
task = json.load(open(sys.argv[1]))
answers, RModule = [], None
out, sys.stdout = sys.stdout, open(os.devnull, 'w')
if task['framework']:
    sys.path.insert(0, task['framework'])
    try:
        from RestrictedPython.RCompile import RModule
    except Exception:
        pass
for row in task['files']:
    def python(text):
        compile(text, 'agent', 'exec', 0, True)
        if not row['sandboxed'] and not text.startswith('\xef\xbb\xbf') and re.search('[\x80-\xff]', text) \
                and not re.match('(.*\n)?[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+', text):
            raise SyntaxError('Non-ASCII text without a coding line')     # import sees that, compile() does not
    def grammar(text):
        import compiler
        compiler.compile(text, 'agent', 'exec')
    judges = {'Python 2.7': python}
    if row['sandboxed']:
        judges['grammar'] = grammar
        def plex(text):
            RModule(text, 'agent', row['elevated']).compile()
        if RModule:
            judges['Plex'] = plex
    texts = [open(row[side], 'rb').read() for side in ('before', 'after')]
    answers.append(dict((name, [said(judge, text) for text in texts]) for name, judge in judges.items()))
json.dump(answers, out)
'''
SCRIPT_HOST_PLACES = ('/usr/lib/plexmediaserver', '/usr/local/share/plexmediaserver', '/snap/plexmediaserver/current',
                      '/var/packages/PlexMediaServer/target', '/var/packages/Plex Media Server/target',
                      '/share/CACHEDEV1_DATA/.qpkg/PlexMediaServer',
                      '/Applications/Plex Media Server.app/Contents/MacOS',
                      r'C:\Program Files\Plex\Plex Media Server', r'C:\Program Files (x86)\Plex\Plex Media Server')
ENTRY_FILE = 'Contents/Code/__init__.py'        # held to the Standard rules whatever the policy (FRAMEWORK.md 4)
SHARED_LIBRARIES = ('Contents', 'Resources', 'Platforms', 'Shared', 'Libraries')
Verdict = collections.namedtuple('Verdict', 'judge passed sentence')     # passed: True, False, None (not available)


def python27_places(option):
    """Interpreters that may be a Python 2.7, best first."""
    for given in (option, environment('PLEX_PYTHON27')):
        if given:
            return [logs.to_text(given)]
    places = [sys.executable] if sys.version_info[:2] == (2, 7) else []
    versions = os.path.join(environment('PYENV_ROOT') or os.path.expanduser('~/.pyenv'), 'versions')
    if os.path.isdir(versions):                 # before PATH: its shims there are slow and may stand for nothing
        places += [os.path.join(versions, name, 'bin', 'python') for name in sorted(os.listdir(versions), reverse=True)
                   if logs.to_text(name).startswith('2.7')]
    folders = (environment('PATH') or os.defpath).split(os.pathsep)
    names = ['python2.7', 'python2'] if os.name != 'nt' else ['python2.7.exe', 'python2.exe']
    places += [os.path.join(folder, name) for name in names for folder in folders]
    places.append(r'C:\Python27\python.exe')
    places += [os.path.join(folder, name) for folder in SCRIPT_HOST_PLACES
               for name in ('Plex Script Host', 'PlexScriptHost.exe')]
    return [place for place in places if place and os.path.isfile(place)]


def python27_environment(path):
    """What the interpreter needs around it; Plex's own finds its libraries only so (PLEX.md 6.4)."""
    kept = dict((name, value) for name, value in os.environ.items()
                if name not in ('PYTHONPATH', 'PYTHONHOME', 'PYTHONSTARTUP', 'PLEX_TOKEN', 'PLEXTOKEN'))
    extra = {'PYTHONDONTWRITEBYTECODE': '1'}
    folder, name = os.path.split(path)
    if name.replace(' ', '').startswith('PlexScriptHost'):
        homes = [os.path.join(folder, *words) for words in (('Resources', 'Python'), ('..', 'Resources', 'Python'))]
        extra['PYTHONHOME'] = next((home for home in homes if os.path.isdir(home)), homes[0])
        extra['LD_LIBRARY_PATH'] = os.pathsep.join([os.path.join(folder, 'lib'), folder])
    kept.update((native(name), native(value)) for name, value in extra.items())
    return kept


def native(text):
    """Text as this Python wants it in argument lists and environments (2.7: bytes)."""
    return logs.to_bytes(text) if six.PY2 else text


def run_judge(python27, folder, task=None):
    """-> what the judge script printed, or None: it could not run, failed, or took too long."""
    import subprocess
    script = os.path.join(folder, 'judge.py')
    if not os.path.exists(script):
        logs.write_file(script, JUDGE)
    words = [python27, script]
    if task is not None:
        logs.write_file(os.path.join(folder, 'task.json'), json.dumps(task))
        words.append(os.path.join(folder, 'task.json'))
    try:
        with io.open(os.path.join(folder, 'answer'), 'wb+') as out, io.open(os.devnull, 'wb') as nowhere:
            process = subprocess.Popen([native(word) for word in words], stdin=subprocess.PIPE, stdout=out,
                                       stderr=nowhere, env=python27_environment(python27), cwd=native(folder),
                                       close_fds=os.name != 'nt')
            process.stdin.close()
            deadline = logs.seconds_now() + JUDGE_PATIENCE
            while process.poll() is None and logs.seconds_now() < deadline:
                time.sleep(.005)
            if process.poll() is None:
                process.kill()
            if process.wait():
                return None
            out.seek(0)
            return logs.to_text(out.read())
    except OSError:
        return None


def find_python27(option):
    """The path of a Python 2.7 that runs here: the option, PLEX_PYTHON27, PATH, pyenv, Plex Script Host; else None.

    Problem where the option or PLEX_PYTHON27 names something else: silently taking another one would surprise.
    """
    import shutil
    import tempfile
    places = python27_places(option)
    folder = tempfile.mkdtemp(prefix='implement-fix-')
    try:
        for place in places:
            version, _, itself = (run_judge(place, folder) or '').partition(' ')
            if version == '2.7':                # a shim names what it stands for; Plex Script Host names nothing
                return itself if os.path.isfile(itself) else place
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if option or environment('PLEX_PYTHON27'):
        raise Problem('%s is no Python 2.7 that runs here; name another with --python27 or leave it out' % places[0])
    return None


def find_framework(option):
    """The folder of Plex's own RestrictedPython, in --framework, PLEXBUNDLEDPLUGINSPATH, a known place; or None."""
    import glob
    if option:
        places = [option]
    else:
        places = [os.path.join(environment('PLEXBUNDLEDPLUGINSPATH') or '', 'Framework.bundle')]
        for folder in SCRIPT_HOST_PLACES:
            for resources in ('Resources', os.path.join('..', 'Resources')):
                places += sorted(glob.glob(os.path.join(folder, resources, 'Plug-ins-*', 'Framework.bundle')))
    for place in places:
        libraries = os.path.join(logs.to_text(place), *SHARED_LIBRARIES)
        if os.path.isdir(os.path.join(libraries, 'RestrictedPython')):
            return libraries
    if option:
        raise Problem("%s holds no RestrictedPython; --framework must name the server's Framework.bundle" % option)
    return None


def validate_source(bundle, files, python27=None, framework=None):
    """[Verdict] of every judge there is on [(path from Plug-ins on, bytes before, bytes after)] of one Bundle.

    A refusal counts against a patch only when the old text is not refused in the same words: Plex accepts some files
    that CPython does not (two bare excepts, non-ASCII without a coding line).
    """
    verdicts = [own_reader(bundle, files)]
    if python27 is None:
        return verdicts + [Verdict(name, None, 'no Python 2.7 was found; name one with --python27')
                           for name in ('Python 2.7', "Plex's own compiler")]
    answers = ask_python27(bundle, files, python27, framework)
    if answers is None:
        return verdicts + [Verdict('Python 2.7', None, '%s did not run the check to its end' % python27)]
    verdicts.append(python_verdict(files, answers))
    if framework is None:
        verdicts.append(Verdict("Plex's own compiler", None, 'no Framework.bundle was found; name it with --framework'))
    else:
        verdicts.append(compare_sayings("Plex's own compiler", 'Plex', files, answers))
    return verdicts


def own_reader(bundle, files):
    """The Verdict of diagnose_from_report.py's reader of Python 2 and of the sandbox's rules."""
    for path, before, after in files:
        old, new = (sandbox_sentences(bundle, path, data) for data in (before, after))
        fresh = [row for row in new if row[1] not in [sentence for _, sentence in old]]
        if fresh:
            return Verdict("the suite's reader", False, '%s, line %d: %s' % ((path,) + fresh[0]))
    return Verdict("the suite's reader", True, 'reads as Python 2, no new breach of the sandbox rules')


def sandbox_sentences(bundle, path, data):
    """[(line, sentence)] of what the reader has against a file; for one that it cannot read, the reason alone."""
    name = path.split('/', 1)[1]
    try:
        source = diagnose.Source(data, name)
        source.tree
    except diagnose.SourceError as problem:
        return [(problem.line, problem.sentence)]
    if not name.startswith('Contents/Code/'):
        return []                               # plain Python, outside the sandbox
    return diagnose.check_sandbox(source, bundle.policy == 'Elevated', name == ENTRY_FILE)


def ask_python27(bundle, files, python27, framework):
    """The judge's answers, in the order of files; None where it failed."""
    import shutil
    import tempfile
    folder = tempfile.mkdtemp(prefix='implement-fix-')
    try:
        rows = []
        for count, (path, before, after) in enumerate(files):
            row = {'sandboxed': path.split('/')[2] == 'Code', 'before': os.path.join(folder, 'before-%d' % count),
                   'after': os.path.join(folder, 'after-%d' % count),
                   'elevated': bundle.policy == 'Elevated' and path.split('/', 1)[1] != ENTRY_FILE}
            for side, data in (('before', before), ('after', after)):
                with io.open(row[side], 'wb') as out:
                    out.write(data)
            rows.append(row)
        answer = run_judge(python27, folder, {'files': rows, 'framework': framework})
        try:
            return json.loads(answer) if answer else None
        except ValueError:
            return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def python_verdict(files, answers):
    """CPython's verdict; where it refuses old and new alike, that of its grammar alone, which is what Plex goes by."""
    rows = [dict(answer, **{'Python 2.7': answer['grammar']}) if answer['Python 2.7'][0] and 'grammar' in answer
            and same_words(*answer['Python 2.7']) else answer for answer in answers]
    return compare_sayings('Python 2.7', 'Python 2.7', files, rows)


def compare_sayings(judge, key, files, answers):
    asked = [(path, answer[key]) for (path, _, _), answer in zip(files, answers) if key in answer]
    for path, (before, after) in asked:
        if after and not (before and same_words(before, after)):
            return Verdict(judge, False, '%s: %s' % (path, after))
    if not asked:
        return Verdict(judge, None, 'it could not be loaded, or the patch touches nothing that it compiles')
    return Verdict(judge, True, 'compiles')


def same_words(before, after):
    return bool(after) and re.sub(r'\d+', '', before) == re.sub(r'\d+', '', after)


# ------------------------------------------------------------------------------------------------ restart and its proof
Live = collections.namedtuple('Live', 'state sentence')         # state: True, False (it failed), None (not known)


class Site(object):
    """Where one command works: the run directory, the Plug-ins folder, the folder of plug-in logs (or None)."""

    def __init__(self, options, run_dir):
        self.options = options
        self.run_dir = run_dir
        self.server = connect(options)          # a bad address or token file must show before anything changes
        self.server.patience = SECOND_TRY
        home = checked_path(logs.find_plex_home(options.plex_home))
        self.plug_ins = os.path.join(home, 'Plug-ins')
        if not os.path.isdir(self.plug_ins):
            raise Problem('there is no folder %s; name the "Plex Media Server" folder with --plex-home' % self.plug_ins)
        try:
            self.plugin_logs = os.path.join(checked_path(logs.find_log_folder(home)), 'PMS Plugin Logs')
        except Problem:
            self.plugin_logs = None

    def bundle(self, folder):
        """The installed Bundle in a folder below Plug-ins; Problem where there is none."""
        for bundle in diagnose.find_bundles(self.plug_ins).values():
            if bundle.folder == folder:
                return bundle
        raise Problem('there is no bundle %s in %s; is it still installed?' % (folder, self.plug_ins))

    def log_files(self, identifier):
        """The log of a plug-in with its rotated files; [] where there is none yet."""
        if self.plugin_logs is None or not os.path.isdir(self.plugin_logs):
            return []
        shape = re.compile(re.escape(identifier) + r'\.log(\.\d+)?$')
        return sorted(os.path.join(self.plugin_logs, name) for name in os.listdir(self.plugin_logs)
                      if shape.match(name))

    def log_position(self, identifier):
        """Where the log of a plug-in ends now."""
        for _ in range(7):
            try:
                return logs.log_position(self.log_files(identifier))
            except (Problem, IOError, OSError):     # rotated between listing and reading
                time.sleep(.1)
        return logs.log_position(self.log_files(identifier))

    def starts_since(self, identifier, position):
        """The starts of a plug-in after a position, as plugin_starts() gives them."""
        try:
            return logs.plugin_starts(self.log_files(identifier), identifier, position)
        except (Problem, IOError, OSError):         # as above; the next look will see them
            return []


def restart_and_prove(site, bundle):
    """Restart one plug-in and wait until its log shows how it came up -> Live.

    First by URL, then, where the server does not do it, by a new modification time of Info.plist, which the server
    watches (FRAMEWORK.md 5). No sudo, nothing but that plug-in. /system/agents would be no proof: a plug-in that failed
    to load stays listed there.
    """
    position = site.log_position(bundle.identifier)
    began = logs.seconds_now()
    deadline = began + START_PATIENCE
    asked = restart_by_url(site, bundle)
    touched = not asked and touch_info_plist(bundle)
    pause, woken = .05, False
    if site.plugin_logs is None:
        return Live(None, 'the plug-in was asked to restart, but there is no log folder that could prove it')
    while True:
        starts = site.starts_since(bundle.identifier, position)
        if any(start['ok'] is False for start in starts):
            error = next(start['error'] for start in starts if start['ok'] is False)
            return Live(False, 'the plug-in did not come up: %s' % (error or 'its log says why'))
        if any(start['ok'] for start in starts):
            return Live(True, 'the plug-in started %.1f s after it was asked to, and entered its run loop'
                        % (logs.seconds_now() - began))
        if logs.seconds_now() >= deadline:
            break
        if not woken and logs.seconds_now() - began > 2:      # the server starts some only when they are needed
            woken = True
            wake(site, bundle)
        if not touched and logs.seconds_now() - began > SECOND_TRY:
            touched = touch_info_plist(bundle)
        time.sleep(pause)
        pause = min(1, pause * 1.5)
    ways = [words for done, words in ((asked, 'by URL'), (touched, 'by the time of Info.plist')) if done]
    return Live(None, 'no start of %s showed in its log within %d s (asked %s); restart the server by hand'
                % (bundle.identifier, logs.seconds_now() - began,
                   ' and '.join(ways) or 'in no way: no server, no right to touch Info.plist'))


def restart_by_url(site, bundle):
    try:
        site.server.restart_plugin(bundle.identifier)
        return True
    except ServerError:
        return False


def wake(site, bundle):
    try:
        site.server.wake_plugin(bundle.identifier)
    except ServerError:
        pass                                    # a plug-in that failed to load answers 404; its log says so


def touch_info_plist(bundle):
    try:
        os.utime(os.path.join(bundle.path, 'Contents', 'Info.plist'), None)
        return True
    except OSError:
        return False


# ----------------------------------------------------------------------------------------------------- putting in place
def find_fix(run_dir, fix_id):
    """The fix record of an id, from the newest diagnosis that has it; Problem where none has."""
    names = ['diagnostic_report.json'] + sorted(
        (name for name in os.listdir(run_dir) if re.match(r'diagnostic_report_iteration_\d+\.json$', name)),
        key=lambda name: -int(re.search(r'\d+', name).group()))
    for count, name in enumerate(names):
        path = os.path.join(run_dir, name)
        if count and not os.path.exists(path):
            continue
        for pattern in diagnose.read_diagnosis(path)['patterns']:
            for fix in pattern.get('fixes') or ():
                if fix['id'] == fix_id:
                    return fix
    raise Problem('no fix %s in %s; its ids stand in diagnostic_report.md' % (fix_id, run_dir))


def prepare(site, fix):
    """-> (Bundle, [(Target, bytes after)]): the patch applied in memory. Problem 5 where anything does not fit."""
    try:
        patch = read_bytes(diagnose.fix_patch_path(site.run_dir, fix['id']))
    except (IOError, OSError) as problem:
        raise Problem('the patch of %s cannot be read (%s); diagnose again'
                      % (fix['id'], logs.to_text(problem.strerror)))
    recorded = dict((row['path'], row) for row in fix.get('files') or ())
    files = parse_patch(patch)
    if sorted(recorded) != sorted(path for path, _ in files) or len(set(path.split('/')[0] for path in recorded)) != 1:
        raise Problem('the patch of %s names other files than the diagnosis; diagnose again' % fix['id'], UNSAFE)
    changed = []
    for path, hunks in files:
        target = read_target(site.plug_ins, path)
        if target.sha256 != recorded[path].get('sha256_before'):
            raise Problem('%s is not the file that was diagnosed (its SHA-256 differs); diagnose again' % path, UNSAFE)
        after = apply_hunks(target.data, hunks, path)
        if diagnose.sha256(after) != recorded[path].get('sha256_after'):
            raise Problem('the patch of %s does not give the file that the diagnosis promised; diagnose again'
                          % fix['id'], UNSAFE)
        changed.append((target, after))
    return site.bundle(files[0][0].split('/')[0]), changed


def require_writable(changed):
    for target, _ in changed:
        if not os.access(os.path.dirname(target.real), os.W_OK):
            raise Problem('the folder of %s cannot be written; run as the user that owns the Plug-ins folder'
                          % target.path)


def require_owner(changed):
    for target, _ in changed:
        if hasattr(os, 'geteuid') and os.geteuid() not in (0, target.status.st_uid):
            raise Problem('%s would change its owner; run as the user that owns it' % target.path)


def require_audible(bundle):
    """Problem where the log of a plug-in keeps its starts to itself, so that nothing could prove new code live."""
    if bundle.is_terse():
        raise Problem('the Info.plist of %s keeps all below %s out of its log, so nothing would show that new code is '
                      'live; take PlexPluginLogLevel out of it' % (bundle.folder, bundle.log_level))


def judge_change(site, bundle, changed):
    """[Verdict]; Problem 5 with the first refusal."""
    verdicts = validate_source(bundle, [(target.path, target.data, after) for target, after in changed],
                               find_python27(site.options.python27), find_framework(site.options.framework))
    for verdict in verdicts:
        if verdict.passed is False:
            raise Problem('refused by %s, nothing was written: %s' % (verdict.judge, verdict.sentence), UNSAFE)
    return verdicts


def carry_out(site, fix_id, action, bundle, changed, carries, **facts):
    """Journal, back up and replace the files of one change; the caller restarts and writes how it ended."""
    write_step(site.run_dir, 'intent', action=action, fix=fix_id, bundle=bundle.folder, agent=bundle.identifier,
               plug_ins=site.plug_ins,
               files=[{'path': target.path, 'before': target.sha256, 'after': diagnose.sha256(after),
                       'carries': sorted(carries[target.path])} for target, after in changed], **facts)
    for target, after in changed:
        write_step(site.run_dir, 'backup', fix=fix_id, path=target.path, sha256=target.sha256)
        back_up(site.run_dir, target)
        back_up(site.run_dir, target, after)
    remember(site.run_dir)                      # before the first byte changes
    for target, after in changed:
        put_in_place(site.run_dir, site.plug_ins, fix_id, target, after)


def put_in_place(run_dir, plug_ins, fix_id, target, after):
    """Replace one file, unless it is not any more what was read: someone else's change is never overwritten."""
    write_step(run_dir, 'replace', fix=fix_id, path=target.path, before=target.sha256, after=diagnose.sha256(after))
    if read_target(plug_ins, target.path).sha256 != target.sha256:
        raise Problem('%s was changed by someone else a moment ago; nothing of theirs was overwritten' % target.path,
                      UNSAFE)
    replace_file(target, after)


def carried_marks(site, target, operations):
    """The marks of the fixes that a file in place holds, also when its version is someone else's."""
    known = known_versions(operations).get(target.path, {})
    if target.sha256 in known:
        return known[target.sha256]
    meant = {}                                  # what was put in and not taken out again
    for row in operations:
        for entry in row['files']:
            if entry['path'] == target.path and row['action'] == 'implement':
                meant[mark_of(row)] = (row['run_dir'], entry)
            elif row['ended'] == 'rolled back':
                meant.pop(mark_of(row), None)
    return frozenset(mark for mark, (run_dir, entry) in meant.items()
                     if entry_presence(target.data, run_dir, entry) == 'there')


def entry_presence(content, run_dir, entry):
    """presence() of one file's change as the journal records it; 'conflict' where its backups are gone."""
    before, after = (read_backup([run_dir], entry[side]) for side in ('before', 'after'))
    return 'conflict' if before is None or after is None else presence(content, before, after)


def implement(site, fix_id):
    """Put one fix in place and prove it live -> (exit code, result dict)."""
    options = site.options
    fix = find_fix(site.run_dir, fix_id)
    iteration = logs.current_iteration(site.run_dir, options.iteration)
    operations = all_operations(site.run_dir, site.plug_ins)
    name = run_name(site.run_dir)
    state = fix_states(site.plug_ins, [row for row in operations if row['run'] == name], known_versions(operations)
                       ).get(fix_id)
    if state and state['state'] == 'after':
        return prove_again(site, fix_id, operations)
    bundle, changed = prepare(site, fix)
    require_writable(changed)
    require_owner(changed)
    require_audible(bundle)
    verdicts = judge_change(site, bundle, changed)
    if options.dry_run:
        return DONE, dry_run_result(site, fix, bundle, changed, verdicts)
    carries = dict((target.path, carried_marks(site, target, operations)) for target, _ in changed)
    log = ImplementationLog(site.run_dir, iteration)
    log.predict(fix, bundle, changed, verdicts)
    done = []
    try:
        carry_out(site, fix_id, 'implement', bundle, changed, carries, iteration=iteration, pattern=fix.get('pattern'),
                  made_in=name)
        done.append('%s replaced' % ', '.join(target.path for target, _ in changed))
        live = restart_now(site, fix_id, bundle)
    except BaseException as problem:            # Ctrl-C, a full disk, someone else's change: nothing half done stays
        on_signals('ignore')              # a second Ctrl-C must not break off the clean-up after the first
        done += recover(site.run_dir, site.plug_ins, undo=True)
        if read_operations(site.run_dir)[-1]['ended'] == 'rolled back' and not restart_by_url(site, bundle):
            touch_info_plist(bundle)
        log.conclude(['it was broken off (%s)' % type(problem).__name__] + done)
        raise
    kept = files_kept(site, changed)
    if live.state and not kept:
        live = MEDDLED
    log.conclude(done, live, kept)
    if live.state is False:
        return undo_failed_start(site, fix_id, live)
    write_step(site.run_dir, 'verified' if live.state else 'unproven', fix=fix_id, live=live.state)
    return (DONE if live.state else INCOMPLETE), result_of(fix_id, 'in place', live, verdicts, bundle, changed)


def restart_now(site, fix_id, bundle):
    if site.options.no_restart:
        return Live(None, 'the plug-in was not restarted (--no-restart), so it still runs the code it started with')
    write_step(site.run_dir, 'restart', fix=fix_id, agent=bundle.identifier)
    return restart_and_prove(site, bundle)


MEDDLED = Live(None, 'the plug-in started, but someone else changed the file meanwhile')


def files_kept(site, changed):
    """Whether the files are still what was written: only then does a start prove anything."""
    return all(read_target(site.plug_ins, target.path).sha256 == diagnose.sha256(after) for target, after in changed)


def newest_operation(site, fix_id, operations):
    return [row for row in operations if row['fix'] == fix_id and row['run'] == run_name(site.run_dir)][-1]


def prove_again(site, fix_id, operations):
    """The fix is in place already: proven live before, or restarted and proven now."""
    last = newest_operation(site, fix_id, operations)
    bundle = site.bundle(last['bundle'])
    if last['ended'] == 'verified' or site.options.dry_run:
        live = Live(True, 'it was in place before; nothing to do')
        return DONE, result_of(fix_id, 'in place already', live, (), bundle, ())
    live = restart_now(site, fix_id, bundle)
    log = ImplementationLog(site.run_dir, last.get('iteration') or 1)
    log.conclude(['the fix was in place, but not proved live'], live, True)
    if live.state is False:
        return undo_failed_start(site, fix_id, live)
    write_step(site.run_dir, 'verified' if live.state else 'unproven', fix=fix_id, live=live.state)
    return (DONE if live.state else INCOMPLETE), result_of(fix_id, 'in place already', live, (), bundle, ())


def undo_failed_start(site, fix_id, live):
    """The plug-in does not come up with the fix: take it out, restart -> (6, result)."""
    write_step(site.run_dir, 'unproven', fix=fix_id, live=False, error=live.sentence)
    code, result = roll_back(site, fix_id)
    result['sentence'] = '%s; the fix was undone: %s' % (live.sentence, result['sentence'])
    result['live'] = False
    return (NEGATIVE if code in (DONE, INCOMPLETE) else code), result


def result_of(fix_id, state, live, verdicts, bundle, changed):
    return {'fix': fix_id, 'state': state, 'live': live.state, 'sentence': live.sentence, 'agent': bundle.identifier,
            'files': [target.path for target, _ in changed],
            'judges': [{'judge': verdict.judge, 'passed': verdict.passed, 'sentence': verdict.sentence}
                       for verdict in verdicts]}


def dry_run_result(site, fix, bundle, changed, verdicts):
    result = result_of(fix['id'], 'would be put in place', Live(None, 'nothing was changed'), verdicts, bundle, changed)
    result['diff'] = logs.to_text(read_bytes(diagnose.fix_patch_path(site.run_dir, fix['id'])))
    return result


# ----------------------------------------------------------------------------------------------------------------- undo
def roll_back(site, fix_id):
    """Take one fix out, whatever was put on top of it -> (exit code, result dict). Problem 5 where that is not safe."""
    operations = all_operations(site.run_dir, site.plug_ins)
    last = made_by(site, fix_id, operations)
    if last is None:
        fix = find_fix(site.run_dir, fix_id)
        return DONE, {'fix': fix_id, 'state': 'was never put in place', 'live': None, 'agent': fix.get('agent'),
                      'sentence': 'there is nothing to undo', 'files': [], 'judges': []}
    if not os.path.lexists(os.path.join(site.plug_ins, last['bundle'])):
        require_bundles(site.plug_ins)
        return DONE, {'fix': fix_id, 'state': 'not in place', 'live': None, 'agent': last.get('agent'), 'files': [],
                      'judges': [], 'sentence': '%s is not installed any more, so there is nothing to undo'
                                                % last['bundle']}
    bundle = site.bundle(last['bundle'])
    changed, carries = [], {}
    for entry in last['files']:
        if not os.path.lexists(os.path.join(site.plug_ins, *entry['path'].split('/'))):
            continue                            # the bundle's new version has no such file: the fix went with it
        target = read_target(site.plug_ins, entry['path'])
        after = content_without(site, last, entry, target, operations)
        if after is not None:
            changed.append((target, after))
            carries[target.path] = carried_marks(site, target, operations)
    if not changed:
        return nothing_to_undo(site, fix_id, operations)
    require_writable(changed)
    known = known_versions(operations)
    new = [row for row in changed if diagnose.sha256(row[1]) not in known[row[0].path]]
    verdicts = judge_change(site, bundle, new) if new else ()   # what ran before needs no judge to run again
    if site.options.dry_run:
        result = result_of(fix_id, 'would be undone', Live(None, 'nothing was changed'), verdicts, bundle, changed)
        result['diff'] = logs.to_text(b''.join(diagnose.unified_diff(target.path, target.data, after)
                                               for target, after in changed))
        return DONE, result
    try:
        carry_out(site, fix_id, 'undo', bundle, changed, carries, iteration=last.get('iteration'),
                  made_in=last.get('made_in') or last['run'])
    except BaseException:                       # an undo that was begun is finished
        on_signals('ignore')              # a second Ctrl-C must not break off the clean-up after the first
        recover(site.run_dir, site.plug_ins)
        raise
    live = restart_now(site, fix_id, bundle)
    if live.state and not files_kept(site, changed):
        live = MEDDLED
    return undone(site, fix_id, last, live, result_of(fix_id, 'undone', live, verdicts, bundle, changed))


def nothing_to_undo(site, fix_id, operations):
    """The files do not hold the fix. Where they were put back without proof, the plug-in may still run it: restart."""
    last = newest_operation(site, fix_id, operations)
    bundle = site.bundle(last['bundle'])
    if last['ended'] == 'rolled back' and not last['live'] and not site.options.dry_run:
        live = restart_now(site, fix_id, bundle)
        return undone(site, fix_id, last, live, result_of(fix_id, 'undone before', live, (), bundle, ()))
    live = Live(last['live'], 'it is not in place (any more); nothing to do')
    return DONE, result_of(fix_id, 'not in place', live, (), bundle, ())


def undone(site, fix_id, operation, live, result):
    write_step(site.run_dir, 'rolled back', fix=fix_id, live=live.state)
    ImplementationLog(site.run_dir, operation.get('iteration') or 1).undone(fix_id, live)
    return {True: DONE, None: INCOMPLETE, False: NEGATIVE}[live.state], result


def made_by(site, fix_id, operations):
    """What last put a fix in place: in this run, else in the newest other, which the site moves to; or None."""
    made = [row for row in operations if row['fix'] == fix_id and row['action'] == 'implement']
    of_run = [row for row in made if row['run'] == run_name(site.run_dir)]
    if not made:
        return None
    last = (of_run or made)[-1]
    site.run_dir = last['run_dir']
    return last


def content_without(site, operation, entry, target, operations):
    """The bytes of a file without one fix; None where it does not hold it. Problem 5 where that is not safe."""
    known = known_versions(operations).get(entry['path'], {})
    mark = mark_of(operation)
    if target.sha256 in known and mark not in known[target.sha256]:
        return None
    before, after = (read_backup(runs_beside(site.run_dir), entry[side]) for side in ('before', 'after'))
    if before is None or after is None:
        raise Problem('the backups of fix %s are gone or damaged; put %s back from another copy'
                      % (operation['fix'], entry['path']), UNSAFE)
    if target.sha256 not in known:
        found = presence(target.data, before, after)
        if found == 'lost':
            return None
        raise Problem('%s was changed by someone else and %s; it is left alone, undo fix %s by hand'
                      % (entry['path'], 'still holds the fix' if found == 'there' else
                         'touches the same lines as the fix', operation['fix']), UNSAFE)
    merged = merge(after, target.data, before)
    if merged in (None, target.data):           # the same text once more from a later fix: whose is whose is a guess
        later = sorted(known[target.sha256] - {mark})
        raise Problem('fix %s cannot be undone alone: a later one touched the same lines (%s); undo that first'
                      % (operation['fix'], ', '.join(later)), UNSAFE)
    return merged


# -------------------------------------------------------------------------------------------------- status and recovery
def fixes_in_place(run_dir, plug_ins=None):
    """{fix id: {state, files {path: state}, patch, bundle, agent, iteration, ended, live, times, since}} of what a run
    implemented; times: how often it did so, since: when for the last time.

    state: 'after' (the fix is in the files), 'before' (it is not), 'partial' (in some of them), 'other' (a file is
    someone else's version or gone; patch then says 'there', 'lost' or 'conflict'). plug_ins: default as recorded.
    """
    return fixes_of_runs([run_dir], plug_ins)[run_dir]


def fixes_of_runs(run_dirs, plug_ins=None):
    """{run directory: what fixes_in_place() gives} of some that lie beside each other: each journal is read once."""
    found, read = {}, {}
    for run_dir in run_dirs:
        own = read_operations(run_dir)
        folder = plug_ins or own and own[-1]['plug_ins']
        if own and folder not in read:
            operations = all_operations(run_dir, folder)
            read[folder] = operations, known_versions(operations)
        operations, known = read[folder] if own else ([], {})
        name = run_name(run_dir)
        found[run_dir] = fix_states(folder, [row for row in operations if row['run'] == name], known)
    return found


def fix_states(plug_ins, operations, known):
    """The same of a run's own operations; known: known_versions() of all."""
    states = {}
    for row in operations:
        if row['action'] == 'implement':
            rows = [file_state(plug_ins, row, entry, known) for entry in row['files']]
            states[row['fix']] = {
                'state': one_state(state for state, _ in rows), 'patch': one_patch(patch for _, patch in rows),
                'files': dict((entry['path'], state) for entry, (state, _) in zip(row['files'], rows)),
                'bundle': row['bundle'], 'agent': row['agent'], 'iteration': row.get('iteration'),
                'times': states.get(row['fix'], {}).get('times', 0) + 1, 'since': row['time']}
        found = states.get(row['fix'], {'state': None, 'times': 0})     # the line that it was put in by may be damaged
        found.update(ended=row['ended'], live=row['live'])
        if row['ended'] == 'rolled back' and found['state'] == 'other':
            found.update(state='before', patch=None)        # what became of the file later is not our business
    return states


def file_state(plug_ins, operation, entry, known):
    """-> ('before', 'after' or 'other', presence or None)."""
    try:
        target = read_target(plug_ins, entry['path'])
    except Problem:
        return 'other', 'lost'
    marks = known.get(entry['path'], {}).get(target.sha256)
    if marks is None:
        return 'other', entry_presence(target.data, operation['run_dir'], entry)
    return ('after' if mark_of(operation) in marks else 'before'), None


def one_state(states):
    states = set(states)
    if 'other' in states:
        return 'other'
    return states.pop() if len(states) == 1 else 'partial'


def one_patch(patches):
    found = set(patches) - {None}
    return None if not found else found.pop() if len(found) == 1 else 'conflict'


def recover(run_dir, plug_ins, undo=False):
    """Bring what a dead process left unfinished to a consistent state -> sentences on what was found and done.

    A fix that is in all its files stays, one that is in some is taken out; an undo is finished. undo: also take out a
    fix that is in all its files. Someone else's version is left alone and reported.
    """
    sentences = []
    for operation in all_operations(run_dir, plug_ins):
        if operation['run'] == run_name(run_dir) and operation['ended'] is None:
            sentences += recover_operation(operation, plug_ins, undo)
    return sentences


def recover_operation(operation, plug_ins, undo):
    """End one operation as recover() says; what it does is journalled like any other change."""
    run_dir, fix_id, is_undo = operation['run_dir'], operation['fix'], operation['action'] == 'undo'
    with_fix, without_fix = ('before', 'after') if is_undo else ('after', 'before')
    holding, sentences = [], []
    for entry in operation['files']:
        try:
            target = read_target(plug_ins, entry['path'])
        except Problem as problem:
            sentences.append(problem.sentence)
            continue
        leftover = temporary_name(target.real)
        if os.path.lexists(leftover):
            os.remove(leftover)
        if target.sha256 == entry[with_fix]:
            holding.append((target, entry))
        elif target.sha256 != entry[without_fix]:
            sentences.append('%s was changed by someone else while fix %s was put in or taken out; it is left alone'
                             % (entry['path'], fix_id))
    contents = [read_backup([run_dir], entry[without_fix]) for _, entry in holding]
    if not is_undo and not undo and len(holding) == len(operation['files']):
        step, words = 'unproven', 'fix %s is in place, but whether the plug-in runs it is not known'
    elif not holding and not is_undo:
        step, words = 'abandoned', 'fix %s is not in place: the process died before it was'
    elif None in contents:                      # no backup yet, so nothing was replaced yet
        step, words = 'abandoned', 'the undo of fix %s was not begun; it is still in place'
    else:
        step, words = 'rolled back', 'fix %s was left half done and is taken out now; its plug-in must be restarted'
        take_out(operation, plug_ins, holding, contents)
    write_step(run_dir, step, fix=fix_id, live=None, recovered=True)
    return sentences + [words % fix_id]


def take_out(operation, plug_ins, holding, contents):
    """Put back the contents of the files that hold a fix; to end an implementation, that is an undo of its own."""
    if operation['action'] == 'implement' and holding:
        facts = dict((name, operation[name]) for name in ('fix', 'bundle', 'agent', 'plug_ins', 'iteration', 'made_in')
                     if name in operation)
        files = [{'path': entry['path'], 'before': entry['after'], 'after': entry['before'],
                  'carries': sorted(set(entry['carries']) | {mark_of(operation)})} for _, entry in holding]
        write_step(operation['run_dir'], 'intent', action='undo', files=files, **facts)
    for (target, _), content in zip(holding, contents):
        put_in_place(operation['run_dir'], plug_ins, operation['fix'], target, content)


# --------------------------------------------------------------------------------------------------- the log for people
CHECKPOINT = {                  # why, and what follows from it, by whether the plug-in runs the new code
    True: 'The new code is what runs now, so the test measures the fix.',
    False: 'The fix keeps the plug-in from starting: the diagnosis missed what the framework refuses or what runs at '
           'import. It is taken out again.',
    None: 'Nothing proves that the new code runs, so a test would measure nothing.'}


class ImplementationLog(object):
    """implementation_log_iteration_N.md: what is expected, written before anything changes; what was seen, and why."""

    def __init__(self, run_dir, iteration):
        self.path = os.path.join(run_dir, 'implementation_log_iteration_%d.md' % iteration)

    def append(self, lines):
        """Add lines; what stands there already stays as it is."""
        try:
            old = read_bytes(self.path) + b'\n'
        except (IOError, OSError):
            old = b''
        text = logs.for_people(logs.redact('\n'.join(lines), keep_paths=True))
        logs.write_file(self.path, old + logs.to_bytes(text + '\n'))

    def predict(self, fix, bundle, changed, verdicts):
        """The first part: on disk before the first byte of the bundle changes."""
        predicted = fix.get('predicted') or {}
        fields = ', '.join(predicted.get('fields') or ()) or ('none' if fix.get('kind') == 'probe' or predicted.get(
            'fields') == [] else 'not known')
        lines = ['# Implementation log of fix %s' % fix['id'], '',
                 'Pattern %s of %s, template %s, risk %s. The change itself is in fixes/%s.patch.'
                 % (fix.get('pattern'), bundle.identifier, fix.get('template'), fix.get('risk'), fix['id']), '',
                 '## Expected (written %s, before anything was changed)' % utc_text(), '']
        lines += ['- In the test: %s.' % diagnose.prose(predicted.get('sentence') or 'no prediction was recorded'
                                                         ).rstrip('.'),
                  '- Items: %s fail now; at least %s %% of those measured should be fixed.'
                  % (predicted.get('items', 'an unknown number'), predicted.get('success_percent', 75)),
                  '- Fields that should appear: %s.' % diagnose.prose(fields),
                  '- What it costs: %s.' % diagnose.prose(fix.get('loss') or 'nothing is known').rstrip('.'),
                  '- Must not move: the metadata of healthy items, and every other pattern of this bundle.',
                  '- Just after the restart: a new start in the log of %s, then its run loop, no failure to load or to '
                  'start, and the files still with the SHA-256 given below.' % bundle.identifier, '',
                  '## Validation', '', '| Judge | Result | What it said |', '| --- | --- | --- |']
        lines += ['| %s | %s | %s |' % (verdict.judge, {True: 'passed', None: 'not available'}[verdict.passed],
                                        diagnose.prose(verdict.sentence)) for verdict in verdicts]
        lines += ['', '## Files', '', '| File | SHA-256 before | SHA-256 after | Mode | Owner |',
                  '| --- | --- | --- | --- | --- |']
        lines += ['| %s | %s | %s | %04o | %d:%d |' % (
            diagnose.prose(target.path), target.sha256, diagnose.sha256(after), stat.S_IMODE(target.status.st_mode),
            target.status.st_uid, target.status.st_gid) for target, after in changed]
        lines += ['', 'Both versions are kept in backups/ under their SHA-256; every step is in journal.jsonl.']
        self.append(lines)

    def conclude(self, done, live=None, kept=None):
        """What was done, and the immediate checkpoint: expected against seen. live None: there is nothing to check."""
        lines = ['## What was done (%s)' % utc_text(), ''] + ['- %s.' % diagnose.prose(words).rstrip('.')
                                                              for words in done]
        if live is not None:
            answer = {True: 'yes', False: 'no', None: 'not known'}
            lines += ['', '## Why? The immediate checkpoint', '', '| Expected just after the restart | Came true |',
                      '| --- | --- |', '| The plug-in starts anew and enters its run loop | %s |' % answer[live.state],
                      '| The files still have the SHA-256 that was written | %s |' % answer[kept], '',
                      'Seen: %s. %s' % (diagnose.prose(live.sentence).rstrip('.'),
                                        CHECKPOINT[live.state if kept else None])]
        self.append(lines)

    def undone(self, fix_id, live):
        self.append(['## Undone (%s)' % utc_text(), '',
                     'Fix %s was taken out of its files; %s.' % (fix_id, diagnose.prose(live.sentence).rstrip('.'))])


# --------------------------------------------------------------------------------------------------------- command line
def build_parser():
    parser = parser_for(__doc__, 'implement_fix.py')
    parser.add_argument('fix_id', metavar='FIX_ID', nargs='?', help='a fix of diagnostic_report.md to put in place')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--rollback', metavar='FIX_ID', help='take this fix out')
    mode.add_argument('--status', action='store_true', help='list the fixes of all runs and whether they are in place')
    mode.add_argument('--recover', action='store_true', help='bring what a killed process left into a consistent state')
    parser.add_argument('--no-restart', action='store_true', help='do not restart the plug-in (exit code 3)')
    parser.add_argument('--framework', metavar='DIR', help="the server's Framework.bundle, whose compiler judges "
                                                           '(default: searched)')
    add_shared_options(parser, '--run-dir', '--iteration', '--plex-home', '--plex-url', '--token-file', '--python27',
                       '--dry-run', '--quiet', '--json')
    return parser


def run(options):
    options.fix_id, options.rollback = (word and logs.to_text(word) for word in (options.fix_id, options.rollback))
    if bool(options.fix_id) + bool(options.rollback) + options.status + options.recover != 1:
        raise Problem('name one fix, or one of --rollback FIX_ID, --status, --recover; --help says more', USAGE)
    of_a_run = environment(OF_A_RUN)
    runs = os.path.dirname(os.path.abspath(options.run_dir)) if options.run_dir else logs.RUNS
    for sentence in () if of_a_run else bring_back(runs):
        warn('implement_fix.py', sentence)
    run_dir = checked_path(logs.find_run_dir(options.run_dir))
    if options.status:
        return show_status(options, run_dir)
    site = Site(options, run_dir)
    beside_a_run = of_a_run or options.rollback or options.dry_run
    with FolderLock(None if beside_a_run else os.path.dirname(site.plug_ins), words=RUN_AT_WORK), FolderLock(
            site.plug_ins, 2 * START_PATIENCE if of_a_run or options.rollback else 0):      # for an undo by hand, or so
        try:
            if options.recover:
                return recover_all(site)
            for sentence in unfinished(site) if options.dry_run else recover_runs(site):
                warn('implement_fix.py', sentence)
            code, result = roll_back(site, options.rollback) if options.rollback else implement(site, options.fix_id)
        finally:
            if not options.dry_run:
                remember(site.run_dir)
    show_result(options, result, code)
    if code != DONE:
        warn('implement_fix.py', '%s %s: %s' % (result['fix'], result['state'], result['sentence']))
    return code


def recover_runs(site):
    broken_off = sorted(set(row['run_dir'] for row in all_operations(site.run_dir, site.plug_ins)
                            if row['ended'] is None))
    if broken_off:
        require_bundles(site.plug_ins)
    return sum((recover(run_dir, site.plug_ins) for run_dir in broken_off), [])


def require_bundles(plug_ins):
    """Problem where a Plug-ins folder is empty or away: nothing that was in there is gone, it will be back."""
    if not os.path.isdir(plug_ins) or not diagnose.find_bundles(plug_ins):
        raise Problem('there is no bundle in %s; is its volume mounted?' % plug_ins)


def unfinished(site):
    return ['fix %s of run %s was left unfinished by a process that died; --recover brings it to an end'
            % (row['fix'], row['run']) for row in all_operations(site.run_dir, site.plug_ins) if row['ended'] is None]


def recover_all(site):
    """--recover: consistent files, and the plug-ins that were worked on restarted and proved."""
    if site.options.dry_run:
        show_sentences(site.options, unfinished(site))
        return DONE
    broken_off = set((row['run_dir'], row['fix']) for row in all_operations(site.run_dir, site.plug_ins)
                     if row['ended'] is None)
    sentences, code = recover_runs(site), DONE
    for run_dir, fix_id in sorted(broken_off):
        site.run_dir = run_dir
        operations = all_operations(run_dir, site.plug_ins)
        ended = newest_operation(site, fix_id, operations)['ended']
        if ended != 'abandoned':
            prove = prove_again if ended == 'unproven' else nothing_to_undo
            code_of_one, result = prove(site, fix_id, operations)
            sentences.append('%s %s: %s' % (fix_id, result['state'], result['sentence']))
            code = code or code_of_one
    show_sentences(site.options, sentences)
    if code != DONE:
        warn('implement_fix.py', sentences[-1])
    return code


def show_sentences(options, sentences):
    import textwrap
    if options.json:
        say(json.dumps({'sentences': sentences}, sort_keys=True, indent=2, separators=(',', ': ')))
    elif not options.quiet:
        for sentence in sentences or ['Nothing was left unfinished.']:
            for line in textwrap.wrap(sentence, 80, break_on_hyphens=False):
                say(line)


def show_result(options, result, code):
    import textwrap
    if options.json:
        say(json.dumps(result, sort_keys=True, indent=2, separators=(',', ': ')))
        return
    if options.quiet and code == DONE:
        return
    if 'diff' in result:
        say(result['diff'].rstrip('\n'))
    for line in textwrap.wrap('%s %s: %s' % (result['fix'], result['state'], result['sentence']), 80,
                              break_on_hyphens=False):
        say(line)
    for row in result['judges']:
        words = {True: 'passed', False: 'refused', None: 'not available'}[row['passed']]
        for line in textwrap.wrap('%s: %s (%s)' % (row['judge'], words, row['sentence']), 78, subsequent_indent='  '):
            say('  ' + line)


STATE_WORDS = {'after': 'in place', 'before': 'not in place', 'partial': 'half in place: run --recover'}
PATCH_WORDS = {'there': 'file changed by someone, the fix is still there',
               'lost': 'file changed by someone or gone, the fix is not in it',
               'conflict': 'file changed by someone, same lines'}


def show_status(options, run_dir):
    rows = []
    for path, of_run in sorted(fixes_of_runs(runs_beside(run_dir)).items()):
        for fix_id, found in sorted(of_run.items()):
            rows.append(dict(found, fix=fix_id, run=run_name(path)))
    if options.json:
        say(json.dumps({'fixes': rows}, sort_keys=True, indent=2, separators=(',', ': ')))
        return DONE
    for row in rows:
        words = STATE_WORDS.get(row['state']) or PATCH_WORDS[row['patch']]
        say('%s  %s' % (row['run'], row['fix']))
        unproven = row['state'] == 'after' and not row['live']
        say('    %s: %s%s' % (row['bundle'], words, ', not proven live' if unproven else ''))
    if not rows and not options.quiet:
        say('No run has put a fix in place.')
    return DONE


def main(argv=None):
    return run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
