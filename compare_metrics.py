#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Decide on a fix by its tests before and after: KEEP, MONITOR or ROLLBACK.

Reads:   active_test_iteration_N_before.json and _after.json, and, where there,
         aggregated_logs_iteration_N.json and _postfix.json
Writes:  test_report_iteration_N.md and .json in the run directory

Usage:
  compare_metrics.py [--run-dir DIR] [--iteration N] [options]

Examples:
  compare_metrics.py                                        # the newest run
  compare_metrics.py --run-dir runs/2026-11-22T103000Z --iteration 2 --json

Exit codes:
  0 KEEP   2 usage   3 MONITOR, or the measurement does not allow a verdict
  4 a test is missing   6 ROLLBACK   130 interrupted
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import math
import os
import re
import sys

try:
    import aggregate_plex_logs as logs
    import test_fix_actively as active_test
except ImportError as missing:
    gone = [name for name in ('aggregate_plex_logs', 'test_fix_actively') if name in str(missing)]
    if not gone:
        raise
    sys.stderr.write('%s: %s.py must lie beside it; copy the whole folder\n'
                     % (os.path.basename(sys.argv[0]), gone[0]))
    sys.exit(4)
from aggregate_plex_logs import (DONE, INCOMPLETE, NEGATIVE, Problem, add_shared_options, parser_for, read_json,
                                 run_script, say, write_file, write_json)

import six

TEST_REPORT_SCHEMA = 1
KEEP_PERCENT = 75
MONITOR_PERCENT = 50
WEAK_BELOW = active_test.ENOUGH     # a KEEP on fewer measured items is tested again by the next run
TYPICAL_SHARE = 80                  # percent of the healthy items that have a field, for an item to "should have" it
Z_95 = 1.959963984540054            # two-sided 95 % of the normal distribution, for Wilson's interval
JUDGED = ('fixed', 'silenced', 'still_failing', 'broken')
FINDS_OTHERS = 'no error, but it finds something else: '
FURTHER_ON = 'another error: '     # of an item that fails, but no longer as it did
COUNTS = ('measured', 'fixed', 'silenced', 'still_failing', 'broken', 'healed', 'not_measured')
AGENT_MARK = 'agent: '              # before the names of what the agent wrote by itself
LEAVES = (AGENT_MARK + 'episodes', AGENT_MARK + 'tracks')       # and 'agent: episodes.summary', each a number of them
FAILED_REQUEST = re.compile(r"Error opening URL '?\w+://([^/'\s]+)")   # the framework's own line (PLEX 3.1, F14)
ANSWERED_ERROR = re.compile(r'HTTP Error \d{3}')
AT_A_STRETCH = 3                    # so many items that one host fails, one after the other, are no chance
OVERLAP = 2                         # so many others may end in between: some are refreshed at a time
PLAIN_ATTRIBUTES = ('title', 'summary', 'tagline', 'year', 'studio', 'rating', 'art')     # both call them the same


# --------------------------------------------------------------------------------------------------------- the artifact
def test_report_path(run_dir, iteration, suffix='.json'):
    """Where the report of an iteration lies; suffix '.md' for the one that people read."""
    return os.path.join(run_dir, 'test_report_iteration_%d%s' % (iteration, suffix))


def read_test_report(path):
    """The dict of a test report. Problem where it is missing, damaged or newer."""
    return read_json(path, TEST_REPORT_SCHEMA, 'compare_metrics.py')


# -------------------------------------------------------------------------------------------------------------- numbers
def percent_of(part, whole):
    """part of whole in percent, cut (never rounded up) after one decimal; None of nothing. 74.97 is 74.9."""
    return None if not whole else part * 1000 // whole / 10


def reaches(part, whole, percent):
    """Is part/whole at least that percentage? In whole numbers: the boundary is exact."""
    return part * 100 >= percent * whole


def wilson_interval(part, whole):
    """(low, high) of the 95 % Wilson score interval in percent, one decimal; None of nothing."""
    if not whole:
        return None
    share, square = part / whole, Z_95 * Z_95
    middle = share + square / (2 * whole)
    reach = Z_95 * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 100 / (1 + square / whole)
    return tuple(float('%.1f' % min(100, max(0, scale * bound))) for bound in (middle - reach, middle + reach))


def sign_test(better, worse):
    """Exact one-sided probability of at least `better` out of better + worse when both are equally likely; or None."""
    count = better + worse
    if not count:
        return None
    ways, total = 1, 0                  # ways: binomial coefficient of count over k, for k = count down to better
    for k in range(count, better - 1, -1):
        total += ways
        ways = ways * k // (count - k + 1)
    return float('%.4f' % (total / 2 ** count))


# ------------------------------------------------------------------------------------------------------ what items have
def field_of(name):
    """The server's name, in lower case, of a field, of a lock, or of what an agent wrote."""
    return active_test.field_of(name[len(AGENT_MARK):] if name.startswith(AGENT_MARK) else name)


def is_shown(attribute):
    """Can an item show this attribute of an agent at all? Others are the agent's own data, or seasons and the like."""
    return attribute in active_test.FIELDS_BY_ATTRIBUTE or attribute in PLAIN_ATTRIBUTES


def is_locked(name, *snapshots):
    return field_of(name) in set(field_of(lock) for snapshot in snapshots for lock in snapshot['locked'])


def contents(snapshot):
    """{name: value} of what an item has, and of what the agent wrote for it (free of other agents and of locks)."""
    if not snapshot:
        return {}
    return dict(snapshot['fields'], **dict((AGENT_MARK + name, value)
                                           for name, value in (snapshot['agent'] or {}).items()))


def part_of(name):
    """'agent: episodes' for 'agent: episodes.summary', how many episodes have one; None for what is no such count."""
    return name.rpartition('.')[0] or None if name.startswith(AGENT_MARK) else None


def lost_fields(before, after, retest=False):
    """Names of what was there and is not any more, of lists that lost more than half, and of what fewer episodes (or
    seasons, albums) have, but for those that are gone themselves: in a re-test, days later, less than half of them.
    Locked fields never count.
    """
    if not before or not after:
        return []
    had, now = contents(before), contents(after)
    return sorted(name for name in had if is_lost(name, had, now, retest) and not is_locked(name, before, after)
                  and not (name.startswith(AGENT_MARK) and after['agent'] is None))     # the file could not be read


def is_lost(name, had, now, retest):
    value, part = had[name], part_of(name)
    if not part:
        return is_less(value, now.get(name))
    value -= max(0, had.get(part, 0) - now.get(part, 0))
    return value > 0 and (is_less(value, now.get(name)) if retest else now.get(name, 0) < value)


def is_less(value, now):
    """A list counts as lost when less than half of it is left: providers add and drop an entry or two every day."""
    if not now:
        return True
    return isinstance(value, int) and isinstance(now, int) and now * 2 < value


def gained_fields(earlier, after, retest=False):
    """Names of what the item has in `after` and in none of the earlier snapshots, or what more episodes have then: not
    in a re-test, days later, for a series that goes on has more of them in any case.
    """
    had = [contents(snapshot) for snapshot in earlier]
    comparable = all(snapshot and snapshot['agent'] is not None for snapshot in earlier)
    return sorted(name for name, value in contents(after).items()
                  if all(name not in one or part_of(name) and not retest and one[name] < value for one in had)
                  and (comparable or not name.startswith(AGENT_MARK)))


def complete_names(snapshot):
    """Names of what an item has, of its episodes or tracks only what each has that is in the library."""
    leaves = (snapshot or {}).get('leaves') or 0
    return set(name for name, value in contents(snapshot).items() if not name.startswith(LEAVES) or
               not isinstance(value, int) or value >= leaves)


def typical_fields(rows):
    """{item type: names of what at least TYPICAL_SHARE of the healthy items of the type have}."""
    by_type = {}
    for row in rows:
        by_type.setdefault(row['type'], []).append(complete_names(row['after']))
    return dict((kind, set(name for name in set().union(*found)
                           if reaches(sum(name in names for names in found), len(found), TYPICAL_SHARE)))
                for kind, found in by_type.items())


def has_all_it_should(row, typical, predicted):
    """Has the item what its healthy kin typically have, or, where there is no kin, all that was predicted?

    A locked field is somebody's own choice, also when that is an empty one.
    """
    after = row['after']
    has = complete_names(after)
    if row['type'] in typical:
        should = typical[row['type']]
    else:
        has = set(field_of(name) for name in has)
        should = set(field_of(name) for name in (predicted or {}).get('fields') or () if is_shown(name))
    return bool(should) and all(name in has or is_locked(name, after) for name in should
                                if after['agent'] is not None or not name.startswith(AGENT_MARK))


# --------------------------------------------------------------------------------------------------- one item's verdict
# What an item is judged by: the pattern under test; is it a re-test; what healthy items have, by type; what they lose
# without any fix; the prediction; the fix under test and those it is a continuation of; what earlier ones filled in.
Rules = collections.namedtuple('Rules', 'target retest typical unstable predicted fixes filled')


def provider_failed_anew(before, after):
    """What the provider did to the item after the fix and had not done to it before: not the fix's doing."""
    return sorted(set(after.get('upstream') or ()) - set(before.get('upstream') or ()))


def state_before(before, after):
    """What the item was like before the refresh with the fix. A search leaves no state: then what it found without; nor
    does somebody else's refresh, with the fix in place, just before.
    """
    return before['after'] if after.get('touched') else after['before'] or before['after']


def why_unmeasured(row):
    """Why a refresh is no measurement, or None."""
    if row is None:
        return 'not refreshed with the fix'
    if not active_test.is_measured(row) or row['outcome'] == 'gone':
        return row['reason'] or 'not read after the refresh'
    return None


def judge_failing(before, after, rules):
    """(verdict, note, gained, lost) of an item that the before-test was to find failing."""
    why = why_unmeasured(before)
    if why:
        return 'not_measured', why, [], []
    if before['outcome'] == 'ok':
        return 'healed', 'no error without the fix', [], []
    if rules.target not in patterns_of(before):
        return 'not_measured', 'failed before for another reason: ' + error_words(before['errors']), [], []
    why = why_unmeasured(after)
    if why:
        return 'not_measured', why, [], []
    lost = [name for name in lost_fields(state_before(before, after), after['after'], rules.retest)
            if name not in rules.unstable]
    # in a re-test the fix was in place already when the item was read before the refresh
    gained = gained_fields([before['after']] + ([] if rules.retest else [state_before(before, after)]), after['after'],
                           rules.retest)
    verdict, note = 'silenced', 'no error, but nothing gained'
    if lost:
        verdict, note = 'broken', 'lost ' + names_text(lost)
    elif rules.target in patterns_of(after):
        new = messages_of(after, rules.target) - messages_of(before, rules.target)
        verdict, note = 'still_failing', '%s%s' % (FURTHER_ON, ', '.join(sorted(new))) if new else 'the same error'
    elif after['errors']:
        verdict, note = 'still_failing', FURTHER_ON + error_words(after['errors'])
    elif finds_others_only(after, rules):
        note = FINDS_OTHERS + (after['after']['fields'].get('best match') or 'no name')
    elif gained:
        verdict, note = 'fixed', 'no error, gained ' + names_text(gained)
    elif has_all_it_should(after, rules.typical, rules.predicted):
        verdict, note = 'fixed', 'no error, and it has all that it should have'
    else:
        verdict, note = filled_earlier(rules.filled.get(before['rating_key']), before, after, rules.fixes) or (
            verdict, note)
    upstream = provider_failed_anew(before, after)
    if upstream and verdict != 'fixed':
        verdict, note = 'not_measured', 'the provider failed: ' + ', '.join(upstream)
    return verdict, note, gained, lost


def finds_others_only(row, rules):
    """Did a search find what is not called like the item, where that of healthy ones does? To skip the record that
    failed, and to take the next film for it, is no cure.
    """
    return active_test.OWN_TITLE in rules.typical.get(row['type'], ()) and 'matches' in row['after']['fields'] and \
        active_test.OWN_TITLE not in row['after']['fields']


def filled_earlier(filled, before, after, fixes):
    """(verdict, note) of an item that could gain nothing, as a fix that was undone since had filled it; or None.

    fixes: ids of the one under test and of those that it holds as they were. They are seen to leave in place what they
    gave; of another one it is not known what it would give. Where the end of that try was not seen, what the item has
    more now than before it counts for what it gave.
    """
    names = [name for name in gained_fields([filled['without']], filled['with'] or before['after'])
             if name in contents(after['after']) and not is_locked(name, after['after'])     # what a person wrote is
             ] if filled and filled['guid'] == after['guid'] else []
    if not names:
        return None
    if filled['fix'] in fixes:
        return 'fixed', 'no error, and it has what this fix gave it when it was tried before: ' + names_text(names)
    return 'not_measured', 'fix %s, undone since, had filled it already' % filled['fix']


def judge_healthy(before, after, rules):
    """(verdict, note, gained, lost) of a healthy item: 'intact', 'broken', 'not_measured' or 'not_healthy'."""
    if before['outcome'] == 'error':
        return 'not_healthy', 'failed without the fix: ' + error_words(before['errors']), [], []
    why = why_unmeasured(before) or why_unmeasured(after)
    if why:
        return 'not_measured', why, [], []
    lost = [name for name in lost_fields(state_before(before, after), after['after'], rules.retest)
            if name not in rules.unstable]
    gained = gained_fields([before['after'], after['before']], after['after'])
    harm = ['fails: ' + error_words(after['errors'])] if after['errors'] else []
    harm += ['lost ' + names_text(lost)] if lost else []
    upstream = provider_failed_anew(before, after)
    if harm and upstream:
        return 'not_measured', 'the provider failed: ' + ', '.join(upstream), gained, lost
    if harm:
        return 'broken', '; '.join(harm), gained, lost
    now = after['after']['fields']
    changed = sorted(name for name, value in state_before(before, after)['fields'].items()
                     if isinstance(value, six.text_type) and now.get(name, value) != value)
    return 'intact', 'other text in ' + ', '.join(changed) if changed else 'as before', gained, lost


def patterns_of(row):
    return [error['pattern'] for error in row['errors']]


def messages_of(row, pattern):
    """What the errors of one pattern said at an item: two keys that a function misses are one pattern."""
    return set(error['message'] for error in row['errors'] if error['pattern'] == pattern)


def names_text(names):
    """Field names as a list; what the agent wrote is named only where the item does not show it."""
    shown = [name for name in names if not name.startswith(AGENT_MARK)]
    hidden = set(field_of(name) for name in shown)
    return ', '.join(shown + [name for name in names if name.startswith(AGENT_MARK) and field_of(name) not in hidden])


def error_words(errors):
    return '; '.join('%s: %s' % (error['exception'], error['message']) if error.get('exception') else error['message']
                     for error in errors)


# ---------------------------------------------------------------------------------------------------------- the verdict
def failed_hosts(row):
    """Hosts that answered a request for an item with an error status, or with nothing; '' for one that is not named."""
    messages = [error['message'] or '' for error in row['errors'] + (row.get('noise') or [])]
    hosts = set(match.group(1) for match in map(FAILED_REQUEST.match, messages) if match)
    return hosts or set('' for message in messages if row['upstream'] or ANSWERED_ERROR.search(message))


def outage(before, after):
    """Words on a host that failed all items of the after-test for a while, or None; a 404 alone is an answer.

    Healthy and failing ones one after the other, none of which it had failed without the fix, and no healthy one came
    to harm but there; where each says by itself that the provider failed, no more is to be told. A patch that asks for
    what does not exist may look the same: so this is no ground to keep one.
    """
    first, second = [active_test.last_rows(document['rows']) for document in (before, after)]
    rows = [row for row in second.values() if row['rating_key'] in first and not why_unmeasured(row)]
    hurt = [row for row in rows if is_hurt(first[row['rating_key']], row)]
    struck = [failed_hosts(row) - failed_hosts(first[row['rating_key']]) if row in hurt else set() for row in rows]
    for host in sorted(set().union(*struck)):
        places = [place for place, hosts in enumerate(struck) if host in hosts]
        roles = [rows[place]['role'] for place in places
                 if not provider_failed_anew(first[rows[place]['rating_key']], rows[place])]
        harmed = [place for place, row in enumerate(rows) if row['role'] == 'healthy' and row in hurt]
        if len(places) >= AT_A_STRETCH and places[-1] - places[0] < len(places) + OVERLAP and set(harmed) <= set(
                places) and set(roles) == {'failing', 'healthy'} and roles.count('healthy') > 1:
            return '%s failed %s one after the other, healthy ones too' % (
                host or 'the provider', logs.count_text(len(places), 'item'))


def is_hurt(before, after):
    """Is an item worse off than it was, or no better where it was to be mended? A picture that is not there may not be
    the whole of it.
    """
    return bool(after['errors'] or lost_fields(state_before(before, after), after['after']) or
                after['role'] == 'failing' and not gained_fields([before['after']], after['after']))


def is_broken_measurement(after, verdict):
    """Was nothing measured because the provider or a server failed, or nothing came to an end, and for no other reason?
    Items that are gone, or fail no more, will be measured no better another time.
    """
    rows = [row for row in active_test.last_rows(after['rows']).values() if row['role'] == 'failing']
    return not verdict['measured'] and not verdict['regressions'] and (bool(verdict['outage']) or any(
        row['upstream'] or not active_test.is_measured(row) for row in rows))


def why_not_attributable(before, after):
    """Sentences on what else changed between the two tests, so that a difference would prove nothing."""
    found = []
    if before['server'] != after['server']:
        found.append('the server changed from %s to %s between the tests'
                     % (before['server'].get('version'), after['server'].get('version')))
    digests = before.get('bundle_digest'), after.get('bundle_digest')
    # in a re-test, days later, other fixes of ours may stand in the bundle; the files of this one are looked at below
    if all(digests) and digests[0] != digests[1] and not after.get('retest'):
        found.append('other files of %s changed between the tests' % before.get('bundle'))
    if before.get('in_place') == 'after':
        found.append('the fix was already in place in the before-test')
    if any(after.get(name) in ('before', 'other') for name in ('in_place', 'in_place_at_end')):
        found.append('the files of the fix were not as it left them during the after-test')
    if is_changed_beside(after):
        found.append('somebody changed other code of %s during the after-test' % before.get('bundle'))
    return found + list(filter(None, [outage(before, after)]))


def is_changed_beside(after):
    """Did the bundle change during the after-test, while the fix itself stayed? By an undo of another one, say."""
    return bool(after.get('changed_meanwhile')) and after.get('in_place_at_end') not in ('before', 'other')


def new_patterns(before, after, baseline, postfix):
    """[{pattern, exception, message}] that the agent shows with the fix and never showed without it, sorted.

    Noise does not count, nor does what a provider did, or what the server says of itself: a ban, or a restart of the
    server, must not be blamed on a fix.
    """
    known = set(before.get('baseline_patterns') or ()) | set(row['pattern'] for row in before['patterns_seen'])
    known |= set(row['pattern'] for row in (baseline or {}).get('patterns') or ())
    found = {}
    for row in list(after['patterns_seen']) + [row for row in (postfix or {}).get('patterns') or ()
                                               if row.get('agent') == after['agent'] and row.get('kind') != 'server']:
        if row['pattern'] not in known and active_test.is_error(row) and not active_test.upstream_failures([row]):
            found[row['pattern']] = dict((name, row.get(name)) for name in ('pattern', 'exception', 'message'))
    return [found[pattern] for pattern in sorted(found)]


def decide(before, after, baseline=None, postfix=None):
    """The verdict: DESIGN's fields, and items, healthy, wilson, sign_test, prediction, weak_evidence, undecided.

    before, after: documents of read_active_test(); baseline, postfix: aggregates or None. A pure function: the same
    documents give the same verdict anywhere, any time.
    """
    obstacles = why_not_attributable(before, after)
    items = [dict(item, verdict='not_measured', note='not attributable', gained=[]) if obstacles else item
             for item in judge_items(before, after)]
    sample = [item for item in items if item['role'] == 'failing']
    counts = dict((name, sum(item['verdict'] == name for item in sample)) for name in COUNTS)
    counts['measured'] = counts['fixed'] + counts['silenced'] + counts['still_failing'] + counts['broken']
    regressions = [] if obstacles else find_regressions(items, before, after, baseline, postfix)
    verdict = dict(counts, items=items, regressions=regressions, undecided=bool(obstacles),
                   outage=outage(before, after),
                   success_percent=percent_of(counts['fixed'], counts['measured']),
                   wilson=wilson_interval(counts['fixed'], counts['measured']),
                   healthy=dict((name, sum(item['verdict'] == name for item in items if item['role'] == 'healthy'))
                                for name in ('intact', 'broken', 'not_measured', 'not_healthy')))
    failing = [item['note'].startswith(FURTHER_ON) for item in sample if item['verdict'] == 'still_failing']
    # where the patch had to do for more items than got through, the same error comes from a place behind it
    verdict['said'] = None if before.get('said') else after.get('said')      # words that it has itself say nothing
    more = (verdict['said'] or 0) - counts['measured'] + counts['still_failing']
    verdict['further'] = sum(failing) + max(0, min(failing.count(False), more - sum(failing)))
    verdict['sign_test'] = sign_test(counts['fixed'], counts['broken'] + verdict['healthy']['broken'])
    verdict['decision'], verdict['reason'] = choose_decision(verdict, obstacles, after)
    # what was measured before, and stays in place, is not undone by a night in which nothing can be
    beside = is_changed_beside(after)
    changed = len(obstacles) > bool(verdict['outage']) + beside
    verdict['stays'] = bool(after.get('retest')) and not changed and not plug_in_is_down(after) and (
        beside or is_broken_measurement(after, verdict))
    verdict['undecided'] = verdict['undecided'] or verdict['stays']
    verdict['weak_evidence'] = verdict['decision'] == 'KEEP' and is_weak(
        counts['measured'], verdict['healthy']['intact'], verdict['healthy']['not_measured'])
    verdict['prediction'] = judge_prediction(before, after, verdict)
    for name in ('fix', 'pattern', 'agent', 'template'):
        verdict[name] = before.get(name)
    verdict['retest'] = bool(after.get('retest'))
    if verdict['said'] == 0 and verdict['fixed']:
        verdict['reason'] += ('; the patch never logged that it had something to do, so they may have healed by '
                              'themselves')
    return verdict


def is_weak(measured, intact, healthy_not_measured):
    """Is a KEEP to be tested again, for too few items, or for not one healthy item that was seen unharmed, though some
    were to be refreshed? They come last, where a test that is broken off ends.
    """
    return measured < WEAK_BELOW or not intact and healthy_not_measured > 0


def judge_items(before, after):
    """One row per item of the before-test, in its order."""
    first, second = active_test.last_rows(before['rows']), active_test.last_rows(after['rows'])
    healthy = [row for row in first.values() if row['role'] == 'healthy' and row['outcome'] == 'ok' and row['after']]
    rules = Rules(target=before['pattern'], retest=bool(after.get('retest')), typical=typical_fields(healthy),
                  unstable=set(name for row in healthy for name in lost_fields(row['before'], row['after'])),
                  predicted=before.get('predicted'), fixes=[before['fix']] + (before.get('contains') or []),
                  filled=before.get('filled') or {})
    return [item_row(row, *(judge_healthy if row['role'] == 'healthy' else judge_failing)(row, second.get(key), rules))
            for key, row in first.items()]


def item_row(row, verdict, note, gained, lost):
    return {'rating_key': row['rating_key'], 'title': row['title'] or '', 'role': row['role'], 'verdict': verdict,
            'note': note, 'gained': gained, 'lost': lost}


def find_regressions(items, before, after, baseline, postfix):
    """[{kind, sentence}] in a fixed order."""
    found = [{'kind': 'healthy item broke' if item['role'] == 'healthy' else 'metadata lost',
              'sentence': '%s item %s (%s): %s' % (item['role'], item['rating_key'], item['title'], item['note'])}
             for item in items if item['verdict'] == 'broken']
    found += [{'kind': 'new error', 'pattern': row['pattern'],
               'sentence': 'pattern %s, which the baseline does not have: %s' % (row['pattern'], error_words([row]))}
              for row in new_patterns(before, after, baseline, postfix)]
    if plug_in_is_down(after):
        found.append({'kind': 'plug-in down', 'sentence': 'the plug-in did not come back: its last start failed'})
    return found


def broken_items(verdict, after):
    """Rating keys of the items that broke with a fix, lost something for whatever reason, or showed an error that the
    baseline does not have.
    """
    new, rows = set(row.get('pattern') for row in verdict['regressions']), active_test.last_rows(after['rows'])
    return [item['rating_key'] for item in verdict['items'] if item['verdict'] == 'broken' or item['lost'] or
            item['rating_key'] in rows and new.intersection(patterns_of(rows[item['rating_key']]))]


def seen_without(verdict, before, undone):
    """(was it not the fix's doing, [items that have not got back what they lost]), of a test of broken_items() without.

    It was not where nothing that went wrong is right again. What could not be measured says nothing, nor that an item
    which fails in any case gets nothing back, nor one that lost something by the provider; and where such items lost
    something, no healthy one may have been spared.
    """
    new, rows = set(row.get('pattern') for row in verdict['regressions']), active_test.last_rows(undone['rows'])
    again, same, lost = judge_undone(before, undone), [], []
    for item in verdict['items']:
        now, row = again[item['rating_key']], rows.get(item['rating_key'])
        bad = now['verdict'] == 'broken' or bool(row and new.intersection(patterns_of(row)))
        by_provider = now['verdict'] == 'not_measured'      # of one that was measured: it fails by that, too
        to_restore = item['lost'] and item['verdict'] == 'not_measured'     # it is here for no other reason
        if row and not why_unmeasured(row) and not to_restore and (item['role'] == 'healthy' or not item['lost'] and (
                bad or not by_provider)):
            same.append(bad or by_provider)
        if item['lost'] and (now['verdict'] == 'not_measured' or now['lost']):
            lost.append(item)
    lossy = any(item['role'] == 'failing' and item['lost'] for item in verdict['items'])
    return bool(same) and all(same) and not (lossy and verdict['healthy']['intact']), lost


def judge_undone(before, undone):
    """{rating key: row of judge_items()} of a test of items when a fix is out again, held against what they were."""
    rows = [dict(row, before=None) for row in active_test.last_rows(undone['rows']).values()]
    return dict((item['rating_key'], item) for item in judge_items(before, dict(undone, rows=rows)))


def is_cut_off(verdict, before, after, undone):
    """Was it the fix that looked like an outage? No item came through with it, and all that lost something, a healthy
    one among them, have it back at once without.
    """
    first, second = [active_test.last_rows(document['rows']) for document in (before, after)]
    through = [key for key, row in second.items() if key in first and not why_unmeasured(row) and
               not is_hurt(first[key], row)]
    again = judge_undone(before, undone)
    now = [again[item['rating_key']] for item in verdict['items'] if item['lost']]
    return bool(verdict['outage']) and not through and any(item['verdict'] == 'intact' for item in now) and all(
        item['verdict'] != 'not_measured' and not item['lost'] for item in now)


def plug_in_is_down(after):
    return (after.get('plug_in') or {}).get('last_start_ok') is False


def choose_decision(verdict, obstacles, after):
    """(decision, reason), of what excludes the others first.

    There are three decisions and no fourth: a test that proves nothing, because something else changed too, has
    measured nothing, and without data no fix stays. `undecided` says so beside the decision: it may be tried again.
    """
    if obstacles:
        return 'ROLLBACK', 'nothing could be measured that is attributable to the fix: %s' % '; '.join(obstacles)
    if verdict['regressions']:
        more = len(verdict['regressions']) - 1
        return 'ROLLBACK', 'regression: %s%s' % (verdict['regressions'][0]['sentence'],
                                                ' (and %d more)' % more if more else '')
    if not verdict['measured']:
        return 'ROLLBACK', 'nothing could be measured: %s' % (after.get('stopped') or most_frequent_obstacle(verdict))
    fixed, measured = verdict['fixed'], verdict['measured']
    words = '%d of %d measured items are fixed, %.1f %%' % (fixed, measured, verdict['success_percent'])
    if reaches(fixed, measured, KEEP_PERCENT):
        return 'KEEP', '%s; %d %% are enough' % (words, KEEP_PERCENT)
    if reaches(fixed, measured, MONITOR_PERCENT):
        return 'MONITOR', '%s; at least %d %%, below %d %%' % (words, MONITOR_PERCENT, KEEP_PERCENT)
    return 'ROLLBACK', '%s; below %d %%' % (words, MONITOR_PERCENT)


def most_frequent_obstacle(verdict):
    """The note that most of the unmeasured items of the sample share; of equals, the first in the alphabet."""
    notes = [item['note'] for item in verdict['items'] if item['role'] == 'failing' and item['verdict'] in
             ('not_measured', 'healed')]
    return min(set(notes), key=lambda note: (-notes.count(note), note)) if notes else 'the sample is empty'


def judge_prediction(before, after, verdict):
    """[{what, expected, actual, met}] of what was written down before anything was changed; met None: not known."""
    predicted = before.get('predicted') or {}
    rows = []

    def add(what, expected, actual, met):
        rows.append({'what': what, 'expected': expected, 'actual': actual, 'met': met if verdict['measured'] else None})

    if predicted.get('success_percent') is not None:
        success = verdict['success_percent']
        add('success', 'at least %s %%' % number_text(predicted['success_percent']),
            'not measured' if success is None else '%s %%' % number_text(success),
            success is not None and success >= predicted['success_percent'])
    first = active_test.last_rows(before['rows'])
    judged = [item for item in verdict['items'] if item['role'] == 'failing' and item['verdict'] in JUDGED]
    for name in predicted.get('fields') or ():
        if not is_shown(name):
            continue                        # the agent's own data, or what no item shows
        lacked = [item for item in judged if field_of(name) not in
                  [field_of(other) for other in first[item['rating_key']]['after']['fields']]]
        gained = sum(field_of(name) in [field_of(other) for other in item['gained']] for item in lacked)
        add('%s appears' % name, 'where it is missing',
            'in %d of the %s that lacked it' % (gained, logs.count_text(len(lacked), 'item')) if lacked else
            'no item lacked it', reaches(gained, len(lacked), MONITOR_PERCENT) if lacked else None)
    count = dict((row['pattern'], row['count']) for row in after['patterns_seen']).get(before['pattern'], 0)
    was = dict((row['pattern'], row['count']) for row in before['patterns_seen']).get(before['pattern'], 0)
    add('pattern %s' % before['pattern'], 'no longer logged', 'logged %s, %s before'
        % (logs.count_text(count, 'time'), logs.count_text(was, 'time')), count == 0)
    healthy = verdict['healthy']
    add('healthy items', 'none changes for the worse', '%d intact, %d broken' % (healthy['intact'], healthy['broken']),
        not healthy['broken'])
    return rows


def number_text(value):
    return '%g' % value


# ----------------------------------------------------------------------------------------------------------- the report
def table(heads, rows):
    """Lines of a Markdown table."""
    lines = ['| ' + ' | '.join(heads) + ' |', '|' + ' --- |' * len(heads)]
    return lines + ['| ' + ' | '.join(cell_text(cell) for cell in row) + ' |' for row in rows]


def cell_text(cell):
    """Text that stays within its cell: one line, no bar, no backtick (a code span is code), no mark of Markdown."""
    from diagnose_from_report import prose
    return prose(six.text_type(cell).replace('`', "'"))


WORDS = {'fixed': 'fixed', 'silenced': 'silenced', 'still_failing': 'still failing', 'broken': 'broken',
         'healed': 'healed by itself', 'not_measured': 'not measured', 'intact': 'intact',
         'not_healthy': 'not healthy before'}


MEANINGS = (                    # under the table of numbers, for whoever reads one for the first time
    ('Success', 'fixed items in percent of the measured ones; from %d %% on KEEP, from %d %% on MONITOR, below ROLLBACK'
     % (KEEP_PERCENT, MONITOR_PERCENT)),
    ('Measured', 'items that failed without the fix and were refreshed to the end with it: fixed, silenced, still '
                 'failing and broken together'),
    ('Fixed', 'no error any more, and metadata gained or complete; silenced: no error, but nothing gained; broken: '
              'metadata lost'),
    ('Healed by themselves', 'no error without the fix either, so they prove nothing; not measured: a time-out, an '
                             'outage, a deleted item'),
    ('95 % interval', 'where the true share lies, as far as so few items can tell'),
    ('Sign test', 'how likely such a result is by mere chance'),
    ('Healthy items', 'refreshed too, though they never failed, to see that the fix does no harm'),
    ('Weak evidence', 'a KEEP on fewer than %d items, or with no healthy item measured, which the next run tests again'
     % WEAK_BELOW),
    ('Undecided', 'something else changed between the two tests, or a second test could measure nothing, so they say '
                  'nothing about the fix'))


def numbers(verdict):
    """Rows (name, value) of the table that parse_test_report.py reads back."""
    success, wilson, sign = verdict['success_percent'], verdict['wilson'], verdict['sign_test']
    healthy = verdict['healthy']
    return [('Success', 'not measured' if success is None else '%.1f %%' % success),
            ('Measured', verdict['measured']), ('Fixed', verdict['fixed']), ('Silenced', verdict['silenced']),
            ('Still failing', verdict['still_failing']), ('Of these, further on', verdict['further']),
            ('Broken', verdict['broken']),
            ('Healed by themselves', verdict['healed']), ('Not measured', verdict['not_measured']),
            ('Regressions', len(verdict['regressions'])),
            ('95 % interval (Wilson)', 'none' if wilson is None else '%.1f to %.1f %%' % tuple(wilson)),
            ('Sign test, one-sided', 'none' if sign is None else 'p = %.4f' % sign if sign >= .0001 else 'p < 0.0001'),
            ('Healthy items intact', healthy['intact']), ('Healthy items broken', healthy['broken']),
            ('Healthy items not measured', healthy['not_measured']),
            ('Weak evidence', 'yes' if verdict['weak_evidence'] else 'no'),
            ('Undecided', 'yes' if verdict['undecided'] else 'no')]


def report_text(verdict, iteration):
    """test_report_iteration_N.md."""
    lines = ['# Test report of iteration %d' % iteration, '', '**Decision: %s**' % verdict['decision'], '',
             'Reason: %s.' % cell_text(verdict['reason']), '',
             'Fix %s (%s) for pattern %s of %s%s.' % (verdict['fix'], verdict['template'] or 'no template',
                                                    verdict['pattern'], verdict['agent'],
                                                    ', tested again' if verdict['retest'] else ''), '',
             '## Numbers', ''] + table(('What', 'Value'), numbers(verdict)) + [''] + [
                 '- %s: %s.' % pair for pair in MEANINGS]
    lines += ['', '## Why?', ''] + why_sentences(verdict)
    lines += ['', '### Expected against actual', ''] + table(('What', 'Expected', 'Actual', 'Met'), [
        (row['what'], row['expected'], row['actual'], {True: 'yes', False: 'no', None: '-'}[row['met']])
        for row in verdict['prediction']])
    lines += ['', '### Regressions', '']
    lines += ['- %s: %s' % (row['kind'], cell_text(row['sentence'])) for row in verdict['regressions']] or ['None.']
    lines += ['', '### Item by item', ''] + table(('Item', 'Title', 'Role', 'Verdict', 'Why'), [
        (item['rating_key'], logs.fit(item['title']), item['role'], WORDS[item['verdict']], item['note'])
        for item in verdict['items']])
    if any(AGENT_MARK in item['note'] for item in verdict['items']):
        lines += ['', 'What follows "%s" the agent wrote, and the item itself does not show it; episodes.summary, say, '
                      'is how many episodes have a summary.' % AGENT_MARK.strip()]
    lines += ['', '## What remains', ''] + remaining_sentences(verdict)
    return '\n'.join(lines) + '\n'


def why_sentences(verdict):
    """The full checkpoint, as prose."""
    sentences = []
    if verdict['stays']:
        sentences.append('This says nothing about the fix: it stays as the earlier test of it left it, and is tested '
                         'again.')
    elif verdict['undecided']:
        sentences.append('The two tests do not differ by the fix alone, so no difference between them is evidence for '
                         'or against it. It is taken out without a verdict on its merit; lessons_learned.md tells '
                         'whether it is tried again.')
    elif not verdict['measured']:
        sentences.append('No data is not success: a fix that nobody has seen work does not stay on a server.')
    others = sum(item['note'].startswith(FINDS_OTHERS) for item in verdict['items'])
    if others:
        sentences.append('For %s the search now finds only what is called otherwise; to be matched with that would be '
                         'worse than no match.' % logs.count_text(others, 'item'))
    if verdict['silenced'] > others:
        sentences.append('%s lost the error and gained nothing: an error that is only silenced is no success.'
                         % logs.count_text(verdict['silenced'] - others, 'item'))
    if verdict['further']:
        sentences.append('%s got past this place and failed further on: the next diagnosis sees both, and can '
                         'mend them together.' % logs.count_text(verdict['further'], 'item'))
    if verdict['healed']:
        sentences.append('%s did not fail without the fix, which proves nothing.'
                         % logs.count_text(verdict['healed'], 'item'))
    if verdict['not_measured'] and not verdict['undecided']:
        sentences.append('%s could not be measured; a broken measurement is counted neither way.'
                         % logs.count_text(verdict['not_measured'], 'item'))
    missed = [row['what'] for row in verdict['prediction'] if row['met'] is False]
    if missed:
        sentences.append('The prediction did not come true for: %s.' % cell_text(', '.join(missed)))
    elif verdict['measured']:
        sentences.append('All that was predicted came true.')
    if verdict['said']:
        sentences.append('The patch itself logged for %s that it had something to do, so what failed before did come '
                         'up again.' % logs.count_text(verdict['said'], 'item'))
    elif verdict['said'] == 0 and verdict['fixed']:
        sentences.append('The patch logs when it has something to do, and it never did. What failed before did not '
                         'come up again, or the items went another way through the code: look at them.')
    if verdict['weak_evidence']:
        sentences.append('%s: weak evidence, so the next run tests it again.' % (
            'Fewer than %d items were measured' % WEAK_BELOW if verdict['measured'] < WEAK_BELOW else
            'No healthy item was measured, so nothing shows that it does no harm'))
    return [' '.join(sentences) or 'There was nothing to judge.']


def remaining_sentences(verdict):
    lines = []
    for kind in ('still_failing', 'silenced', 'broken', 'not_measured'):
        keys = [item['rating_key'] for item in verdict['items']
                if item['role'] == 'failing' and item['verdict'] == kind]
        if keys:
            lines.append('- %s: %s' % (WORDS[kind].capitalize(), ', '.join(keys)))
    lines += {'KEEP': [], 'MONITOR': ['- The fix stays in place; every later run tests it first, until it is kept or '
                                      'undone.'],
              'ROLLBACK': ['- The fix stays in place with the verdict that it had; the next run tests it again.'
                           if verdict['stays'] else
                           '- The fix is to be taken out again and the plug-in restarted. The loop does that at once; '
                           'lessons_learned.md says where it could not.']}[verdict['decision']]
    return lines or ['Nothing.']


# ------------------------------------------------------------------------------------------------------------- the edge
def build_parser():
    parser = parser_for(__doc__, 'compare_metrics.py')
    add_shared_options(parser, '--run-dir', '--iteration', '--quiet', '--json')
    return parser


def read_aggregate_if_there(path):
    return logs.read_aggregate(path) if os.path.exists(path) else None


def run(options):
    run_dir = logs.find_run_dir(options.run_dir)
    iteration = logs.current_iteration(run_dir, options.iteration)
    before, after = [active_test.read_active_test(active_test.active_test_path(run_dir, iteration, phase))
                     for phase in active_test.PHASES]
    if after['window']['to'] is None:
        raise Problem('the after-test of iteration %d was interrupted; run test_fix_actively.py --phase after again'
                      % iteration, INCOMPLETE)
    if (before['fix'], before['pattern']) != (after['fix'], after['pattern']):
        raise Problem('the two tests of iteration %d are about different fixes (%s, %s); run both again'
                      % (iteration, before['fix'], after['fix']))
    baseline, postfix = [read_aggregate_if_there(logs.aggregate_path(run_dir, iteration, postfix=postfix))
                         for postfix in (False, True)]
    verdict = decide(before, after, baseline, postfix)
    write_json(test_report_path(run_dir, iteration), dict(verdict, iteration=iteration), TEST_REPORT_SCHEMA)
    write_file(test_report_path(run_dir, iteration, '.md'), report_text(verdict, iteration))
    if options.json:
        import json
        say(json.dumps(dict(verdict, iteration=iteration), sort_keys=True, indent=2, separators=(',', ': ')))
    elif not options.quiet:
        import textwrap
        for line in textwrap.wrap('%s: %s' % (verdict['decision'], verdict['reason']), 79):
            say(line)
        say('Read: %s' % test_report_path(run_dir, iteration, '.md'))
    return exit_code(verdict)


def exit_code(verdict):
    """0 KEEP, 3 MONITOR or undecided, 6 ROLLBACK."""
    if verdict['undecided']:
        return INCOMPLETE
    return {'KEEP': DONE, 'MONITOR': INCOMPLETE, 'ROLLBACK': NEGATIVE}[verdict['decision']]


def main(argv=None):
    return run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
