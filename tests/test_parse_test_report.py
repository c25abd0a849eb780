# -*- coding: utf-8 -*-
"""Reading a test report back: what it tolerates, and what it refuses."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import re

import pytest

import aggregate_plex_logs as logs
import compare_metrics as compare
import parse_test_report as reader
from test_compare_metrics import POOR, RICH, decide, failing, healthy, row


def verdict(fixed=11, silenced=2):
    count = fixed + silenced
    return decide([failing(key) for key in range(count)] + [healthy(901)],
                  [row(key, after=RICH if key < fixed else POOR) for key in range(count)] + [healthy(901)])


def text(**counts):
    return compare.report_text(verdict(**counts), 2)


def test_the_key_numbers_come_back():
    found = reader.parse_report(text())
    assert found['decision'] == 'KEEP' and found['success_percent'] == 84.6 and found['weak_evidence'] is False
    assert [found[name] for name in ('measured', 'fixed', 'silenced', 'still_failing', 'broken', 'regressions')] == [
        13, 11, 2, 0, 0, 0]
    assert found['reason'].startswith('11 of 13 measured items')


def test_what_markdown_would_read_comes_back_as_it_was():
    error = {'pattern': 'p2', 'exception': 'AttributeError', 'message': "no attribute '__getitem__' *of* a_b \\_x | <i>"}
    found = decide([failing(1), healthy(901)], [row(1, after=RICH), healthy(901, errors=[error])])
    report = compare.report_text(found, 1)
    assert report.count("'\\_\\_getitem\\_\\_' \\*of\\* a_b") == 3 and "'__" not in report
    assert reader.parse_report(report)['reason'] == found['reason'].replace('|', '/')


@pytest.mark.parametrize('change', [
    lambda report: report.replace('\n', '\r\n'), lambda report: report.replace('\n', '   \n'),
    lambda report: '\ufeff' + report,
    lambda report: report.replace('\n## Numbers', '\nA remark of mine.\n\n## Numbers'),
    lambda report: report.replace('| Fixed | 11 |', '|Fixed|11|\n| Mood | 17 |'), lambda report: report.rstrip('\n'),
    lambda report: report.replace('**Decision: KEEP**', 'Decision: keep')])
def test_what_editors_do_to_a_report_is_tolerated(change):
    assert reader.parse_report(change(text())) == reader.parse_report(text())


@pytest.mark.parametrize('old, new, words', [
    ('Decision: KEEP', 'Decision: ROLLBACK', 'means KEEP'), ('Decision: KEEP', 'Decision: MAYBE', 'no single decision'),
    ('**Decision: KEEP**', '', 'no single decision'),
    ('**Decision: KEEP**', '**Decision: KEEP**\n\n**Decision: ROLLBACK**', 'no single decision'),
    ('| Fixed | 11 |', '| Fixed | 12 |', 'add up'),
    ('| Success | 84.6 % |', '| Success | 84.7 % |', '84.7 %, but 11 of 13'),
    ('| Success | 84.6 % |', '| Success | not measured |', 'nothing measured, but 11 of 13'),
    ('| Regressions | 0 |', '| Regressions | 1 |', 'means ROLLBACK'),
    ('| Measured | 13 |', '', 'does not give: measured'),
    ('| Of these, further on | 0 |', '', 'an earlier version wrote it'),
    ('| Weak evidence | no |', '| Weak evidence | yes |', 'weak evidence'),
    ('| Fixed | 11 |', '| Fixed | 11 |\n| Fixed | 11 |', 'twice'),
    ('| Fixed | 11 |', '| Fixed | -11 |', '"-11" for "Fixed"'),
    ('| Undecided | no |', '| Undecided | perhaps |', 'perhaps')])
def test_a_report_that_contradicts_itself_is_refused_in_one_sentence(old, new, words):
    report = text()
    assert old in report
    with pytest.raises(logs.Problem) as refusal:
        reader.parse_report(report.replace(old, new))
    assert words in refusal.value.sentence and refusal.value.code == 5 and '\n' not in refusal.value.sentence


def write(folder, found):
    logs.write_file(compare.test_report_path(str(folder), 2, '.md'), compare.report_text(found, 2))
    logs.write_json(compare.test_report_path(str(folder), 2), found, compare.TEST_REPORT_SCHEMA)


def test_from_the_command_line(tmpdir, capsys):
    write(tmpdir, verdict())
    assert reader.main(['--run-dir', str(tmpdir), '--iteration', '2', '--json']) == 0
    by_run = json.loads(capsys.readouterr()[0])
    assert by_run['decision'] == 'KEEP'
    assert reader.main([compare.test_report_path(str(tmpdir), 2, '.md')]) == 0
    assert json.loads(capsys.readouterr()[0]) == by_run
    tmpdir.join('test_report_iteration_2.json').remove()
    assert reader.main([compare.test_report_path(str(tmpdir), 2, '.md')]) == 0


@pytest.mark.parametrize('name, value', [('decision', 'ROLLBACK'), ('fixed', 7), ('success_percent', 84.5),
                                         ('regressions', [{'kind': 'x', 'sentence': 'y'}]), ('healed', None)])
def test_the_json_beside_it_must_say_the_same(tmpdir, capsys, name, value):
    write(tmpdir, verdict())
    changed = dict(verdict(), **{name: value})
    logs.write_json(compare.test_report_path(str(tmpdir), 2), changed, compare.TEST_REPORT_SCHEMA)
    assert reader.main(['--run-dir', str(tmpdir), '--iteration', '2']) == 5
    out, err = capsys.readouterr()
    assert out == '' and 'differ in ' + name in err and len(err.splitlines()) == 1


def test_a_missing_report_is_one_sentence(tmpdir, capsys):
    assert reader.main(['--run-dir', str(tmpdir), '--iteration', '2']) == 4
    err = capsys.readouterr()[1]
    assert 'run compare_metrics.py first' in err and len(err.splitlines()) == 1


def test_a_report_on_nothing_measured_reads_back(tmpdir):
    found = decide([failing(1)], [])
    read_back = reader.parse_report(compare.report_text(found, 2))
    assert read_back['success_percent'] is None and read_back['decision'] == 'ROLLBACK'
    assert re.search('nothing could be measured', read_back['reason'])
