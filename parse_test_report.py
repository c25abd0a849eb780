#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Read the decision and the key numbers back out of a test report.

Reads:   test_report_iteration_N.md, and the .json of that name when beside it
Writes:  nothing; the numbers go to standard output as JSON

Usage:
  parse_test_report.py [REPORT.md] [--run-dir DIR] [--iteration N]

Examples:
  parse_test_report.py                                    # the newest run
  parse_test_report.py runs/2026-11-22T103000Z/test_report_iteration_2.md

Exit codes:
  0 done   2 usage   4 there is no report   5 refused: it contradicts itself
  130 interrupted
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import sys

try:
    import aggregate_plex_logs as logs
    import compare_metrics as compare
except ImportError as missing:
    gone = [name for name in ('aggregate_plex_logs', 'compare_metrics') if name in str(missing)]
    if not gone:
        raise
    sys.stderr.write('%s: %s.py must lie beside it; copy the whole folder\n'
                     % (os.path.basename(sys.argv[0]), gone[0]))
    sys.exit(4)
from aggregate_plex_logs import DONE, UNSAFE, Problem, add_shared_options, parser_for, run_script, say

from future.utils import raise_from

DECISIONS = ('KEEP', 'MONITOR', 'ROLLBACK')
LABELS = {'success': 'success_percent', 'measured': 'measured', 'fixed': 'fixed', 'silenced': 'silenced',
          'still failing': 'still_failing', 'of these, further on': 'further', 'broken': 'broken',
          'healed by themselves': 'healed',
          'not measured': 'not_measured', 'regressions': 'regressions', 'healthy items intact': 'healthy_intact',
          'healthy items broken': 'healthy_broken', 'healthy items not measured': 'healthy_not_measured',
          'weak evidence': 'weak_evidence', 'undecided': 'undecided'}
HEALTHY = 'healthy_'                # of the JSON these are numbers of their own
DECISION_LINE = re.compile(r'\**\s*Decision:\s*\**\s*([A-Za-z]+)\s*\**\s*\.?$')
TABLE_ROW = re.compile(r'\|\s*([^|]+?)\s*\|\s*([^|]*?)\s*\|$')


def refuse(sentence):
    return Problem('%s; run compare_metrics.py again, and do not act on this report' % sentence, UNSAFE)


# ---------------------------------------------------------------------------------------------------------- the reading
def parse_report(text):
    """{decision, success_percent, measured, ... reason} of the Markdown. Problem when it contradicts itself.

    CRLF, blanks at the ends of lines and lines that it does not know are no obstacle; a second decision is.
    """
    decisions, values, reason = [], {}, None
    in_numbers = False
    for line in text.replace('\ufeff', '').splitlines():
        line = line.strip()
        if line.startswith('#'):
            in_numbers = line.strip('# ').lower() == 'numbers'
        elif DECISION_LINE.match(line):
            decisions.append(DECISION_LINE.match(line).group(1).upper())
        elif line.startswith('Reason:') and reason is None:
            reason = line[len('Reason:'):].strip()
        elif in_numbers and TABLE_ROW.match(line):
            label, value = TABLE_ROW.match(line).groups()
            name = LABELS.get(label.lower())
            if name and name in values:
                raise refuse('the report gives "%s" twice' % label)
            if name:
                values[name] = read_value(name, label, value)
    if not decisions or len(set(decisions)) > 1 or decisions[0] not in DECISIONS:
        raise refuse('the report has no single decision of KEEP, MONITOR and ROLLBACK (found: %s)'
                     % (', '.join(sorted(set(decisions))) or 'none'))
    absent = sorted(label for label, name in LABELS.items() if name not in values)
    if absent:
        raise refuse('the report does not give: %s (an earlier version wrote it, or somebody changed it)'
                     % ', '.join(absent))
    reason = re.sub(r'\\([!-/:-@\[-`{-~])', r'\1', reason or '')      # what keeps Markdown from reading it
    found = dict(values, decision=decisions[0], reason=reason.rstrip('.'))
    check_numbers(found)
    return found


def read_value(name, label, value):
    """A number, a percentage (None for 'not measured') or yes/no of a table cell."""
    try:
        if name in ('weak_evidence', 'undecided'):
            return {'yes': True, 'no': False}[value.lower()]
        if name == 'success_percent':
            return None if value.lower() == 'not measured' else float(re.match(r'(\d+(?:\.\d+)?)\s*%$', value).group(1))
        return int(re.match(r'\d+$', value).group())
    except (AttributeError, KeyError):
        raise_from(refuse('the report has "%s" for "%s"' % (value, label)), None)


def check_numbers(found):
    """Problem when the counts do not add up, or the decision does not follow from the numbers."""
    parts = [found[name] for name in ('fixed', 'silenced', 'still_failing', 'broken')]
    if sum(parts) != found['measured']:
        raise refuse('the report says %d measured items, but its parts add up to %d' % (found['measured'], sum(parts)))
    if compare.percent_of(found['fixed'], found['measured']) != found['success_percent']:
        raise refuse('the report says a success of %s, but %d of %d are fixed'
                     % (percent_words(found['success_percent']), found['fixed'], found['measured']))
    expected = expected_decision(found)
    if found['decision'] != expected:
        raise refuse('the report says %s, but %s with %d regressions means %s'
                     % (found['decision'], percent_words(found['success_percent']), found['regressions'], expected))
    if found['weak_evidence'] != (expected == 'KEEP' and compare.is_weak(
            found['measured'], found['healthy_intact'], found['healthy_not_measured'])):
        raise refuse('the report says weak evidence: %s, with %d measured items, %d intact healthy ones and the '
                     'decision %s' % ('yes' if found['weak_evidence'] else 'no', found['measured'],
                                      found['healthy_intact'], expected))


def expected_decision(found):
    if found['undecided'] or found['regressions'] or not found['measured']:
        return 'ROLLBACK'
    for decision, percent in (('KEEP', compare.KEEP_PERCENT), ('MONITOR', compare.MONITOR_PERCENT)):
        if compare.reaches(found['fixed'], found['measured'], percent):
            return decision
    return 'ROLLBACK'


def percent_words(percent):
    return 'nothing measured' if percent is None else '%.1f %%' % percent


def check_against_twin(found, twin):
    """Problem when the JSON beside the Markdown says something else."""
    healthy = twin.get('healthy')
    for name in sorted(set(LABELS.values()) | {'decision'}):
        said = len(twin[name]) if name == 'regressions' and isinstance(twin.get(name), list) else twin.get(name)
        if name.startswith(HEALTHY):
            said = healthy.get(name[len(HEALTHY):]) if isinstance(healthy, dict) else None
        if said != found[name]:
            raise refuse('the report and the JSON beside it differ in %s (%s, %s)' % (name, found[name], said))


# ------------------------------------------------------------------------------------------------------------- the edge
def read_text(path):
    try:
        with io.open(path, 'rb') as source:
            return logs.to_text(source.read())
    except (IOError, OSError) as problem:
        raise_from(Problem('%s cannot be read (%s); run compare_metrics.py first' % (path, problem.strerror)), None)


def build_parser():
    parser = parser_for(__doc__, 'parse_test_report.py')
    parser.add_argument('report', metavar='REPORT.md', nargs='?', help='default: the one of the run and the iteration')
    add_shared_options(parser, '--run-dir', '--iteration', '--json')
    return parser


def run(options):
    import json
    path = options.report
    if path is None:
        run_dir = logs.find_run_dir(options.run_dir)
        path = compare.test_report_path(run_dir, logs.current_iteration(run_dir, options.iteration), '.md')
    found = parse_report(read_text(path))
    twin = os.path.splitext(path)[0] + '.json'
    if os.path.exists(twin):
        check_against_twin(found, compare.read_test_report(twin))
    say(json.dumps(found, sort_keys=True, indent=2, separators=(',', ': ')))
    return DONE


def main(argv=None):
    return run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
