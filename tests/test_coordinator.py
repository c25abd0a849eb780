# -*- coding: utf-8 -*-
"""The coordinator's choices, its lock, its phases and its post-mortem, without any Plex."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import signal
import sys
import time

import pytest

import diagnose_from_report as diagnose
import loop_coordinator as loop
from aggregate_plex_logs import Problem


def fix_row(fix_id, decision, **more):
    row = {'id': fix_id, 'pattern': 'p-' + fix_id, 'iteration': 1, 'decision': decision, 'success_percent': 80.0,
           'measured': 11, 'agent': 'com.plexapp.agents.example', 'template': 'none_guard', 'exception': 'KeyError',
           'run': '2026-11-22T103000Z', 'home_run': '2026-11-22T103000Z', 'home_iteration': 1,
           'time': '2026-11-22T10:31:00Z', 'reason': 'because', 'retest': False, 'weak_evidence': False, 'evidence': True}
    return dict(row, **more)


def pattern_row(name, items, fixes=(), kind='code'):
    return {'pattern': name, 'class': kind, 'items_total': items, 'fixes': [
        {'id': fix, 'kind': 'probe' if fix == 'probe' else 'fix', 'predicted': {'success_percent': 12 if fix == 'vain' else 70}}
        for fix in fixes]}


def test_the_best_untried_fix_is_chosen():
    diagnosis = {'patterns': [pattern_row('p1', 7, ['a', 'b']), pattern_row('p2', 5, ['c'])]}
    assert loop.choose_fix(diagnosis, set(), set())[1]['id'] == 'a'
    assert loop.choose_fix(diagnosis, set(), {'a'})[1]['id'] == 'b'
    assert loop.choose_fix(diagnosis, {'p1'}, set())[1]['id'] == 'c'
    assert loop.choose_fix(diagnosis, {'p1'}, {'c'}) is None
    assert [loop.choose_fix(diagnosis, set(), {'a'}, failed=['p1'] * times)[1]['id'] for times in (1, 2)] == ['b', 'c']
    diagnosis = {'patterns': [pattern_row('p1', 7, ['vain', 'a']), pattern_row('p2', 5, ['c'])]}
    assert [loop.choose_fix(diagnosis, set(), tried)[1]['id'] for tried in (set(), {'a'}, {'a', 'c'})] == ['a', 'c', 'vain']


def test_a_probe_comes_before_the_fixes_whose_place_is_not_sure():
    diagnosis = {'patterns': [pattern_row('p1', 7, ['a', 'probe'])]}
    assert loop.choose_fix(diagnosis, set(), set())[1]['id'] == 'probe'
    assert loop.choose_fix(diagnosis, set(), {'probe'})[1]['id'] == 'a'


def test_the_goal_weighs_success_with_items_and_leaves_out_what_is_not_code():
    diagnosis = {'patterns': [pattern_row('p-a', 30), pattern_row('p-b', 10), pattern_row('up', 99, kind='upstream')]}
    assert loop.goal_percent(diagnosis, []) == 0
    assert loop.goal_percent(diagnosis, [fix_row('a', 'KEEP', success_percent=80.0)]) == 60
    assert loop.goal_percent(diagnosis, [fix_row('a', 'KEEP'), fix_row('a', 'ROLLBACK')]) == 0
    assert loop.goal_percent(diagnosis, [fix_row('a', 'KEEP'), fix_row('a2', 'KEEP', pattern='p-a', success_percent=50.0)]) == 67.5
    assert loop.goal_percent(diagnosis, [fix_row('a', 'KEEP', retest=True)]) == 0      # its items are no more among these
    assert loop.goal_percent({'patterns': [pattern_row('up', 99, kind='upstream')]}, []) is None


@pytest.mark.parametrize('further, fixed, failing, regressions, broken, more', [
    (2, 0, 6, 1, 0, 2), (0, 2, 8, 0, 0, 8), (0, 1, 9, 0, 0, 0), (0, 3, 6, 1, 0, 0), (0, 0, 9, 0, 0, 0),
    (0, 9, 0, 0, 0, 0), (2, 0, 6, 2, 1, 0), (2, 0, 6, 1, 'healthy', 0)])
def test_what_a_fix_did_not_cure_is_for_the_next_one_to_mend_as_well(further, fixed, failing, regressions, broken, more):
    assert loop.in_need_of_more(
        {'further': further, 'success_percent': 100 * fixed / (fixed + failing), 'still_failing': failing,
         'regressions': regressions, 'broken': int(broken == 1), 'healthy_broken': int(broken == 'healthy')}) == more


def test_only_the_newest_verdict_of_a_fix_decides_whether_it_is_tested_again():
    rows = [fix_row('a', 'MONITOR'), fix_row('b', 'KEEP', weak_evidence=True), fix_row('c', 'KEEP'),
            fix_row('d', 'MONITOR'), fix_row('d', 'ROLLBACK')]
    assert [row['id'] for row in loop.to_retest(rows)] == ['a', 'b']
    assert loop.to_retest(rows + [fix_row('a', 'KEEP')]) == [rows[1]]


def test_a_test_that_cannot_be_read_any_more_holds_up_nothing(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.past, session.places_of = [fix_row('a', 'MONITOR')], lambda rows: {}
    session.retest_undecided()
    assert session.state['fixes'] == [] and 'fix a of run' in session.troubles[0] and 'cannot be read' in session.troubles[0]


def test_a_bug_in_a_search_for_patches_is_a_persons_business_once(tmpdir, monkeypatch):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    monkeypatch.setattr(session, 'aggregate', lambda number: None)
    monkeypatch.setattr(session, 'phase', lambda script, *words, **how: (
        loop.INCOMPLETE, '', 'a bug in this script broke off 1 search') if loop.INCOMPLETE in how['accept'] else 1 / 0)
    monkeypatch.setattr(diagnose, 'read_diagnosis', lambda path: {'patterns': []})
    assert [session.look(number)['patterns'] for number in (1, 2)] == [[], []]
    assert session.troubles == ['diagnose_from_report.py: a bug in this script broke off 1 search'] == session.person_list()


def test_undecided_cycles_count_in_a_row():
    rows = [fix_row('a', word) for word in ('MONITOR', 'KEEP', 'MONITOR', 'MONITOR')]
    assert loop.cycles(rows, 'a') == 2
    broken_off = dict(rows[-1], was={'time': rows[-1]['time']})
    assert loop.cycles(rows + [broken_off, dict(broken_off, time='2026-11-23T10:31:00Z')], 'a') == 3
    assert loop.cycles(rows, 'b') == 0


@pytest.mark.parametrize('weather, server, live, shut_out', [
    (True, True, True, False), (False, True, True, False), (False, False, True, False), (False, True, False, False),
    (True, True, True, True), (False, True, 'down', False)])
def test_what_was_wrong_without_it_too_is_no_verdict_on_a_fix(tmpdir, monkeypatch, weather, server, live, shut_out):
    import compare_metrics
    import test_fix_actively as active
    session, asked = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir)), []
    lost = [{'rating_key': '7', 'title': 'Seven', 'verdict': 'broken', 'lost': ['year']}]
    monkeypatch.setattr(session, 'phase', lambda *words, **how: (0, '', ''))
    monkeypatch.setattr(session, 'read_verdict', lambda number: {
        'decision': 'ROLLBACK', 'reason': 'regression', 'success_percent': 0.0, 'measured': 3, 'weak_evidence': False,
        'further': 0, 'fixed': 0, 'still_failing': 3, 'regressions': 1, 'broken': 1, 'undecided': False, 'healthy_broken': 0})
    monkeypatch.setattr(active, 'read_active_test', os.path.basename)
    monkeypatch.setattr(active, 'is_shut_out', lambda test: shut_out)
    monkeypatch.setattr(compare_metrics, 'read_test_report', lambda path: {
        'items': lost, 'outage': None, 'measured': 3, 'regressions': [{}]})
    monkeypatch.setattr(compare_metrics, 'broken_items', lambda verdict, after: ['7'])
    monkeypatch.setattr(compare_metrics, 'seen_without', lambda verdict, before, undone: (weather, lost))

    def test(when, number, *words):
        asked.append((when,) + words)
        if when == 'undone' and not server:
            raise loop.PhaseFailed('test_fix_actively.py', 4, 'gone')
        if when == 'undone':                        # killed in here, it is known that it is out
            assert (row['decision'], row['evidence'], 'not seen' in row['reason']) == ('ROLLBACK', False, True)
    session.test, row, session.places_of = test, fix_row('a', None), lambda rows: {}
    session.roll_back = lambda row: {True: loop.DONE, False: loop.INCOMPLETE, 'down': loop.NEGATIVE}[live]
    session.after_test_and_verdict(1, row, ())
    assert bool(row['outage']) == (weather and live)
    weather = weather or live == 'down'         # the plug-in does not run without it either
    assert asked[-1] == (('undone', '--fix', 'a', '--only', '7') if live is True and not shut_out else ('after', '--fix', 'a'))
    assert session.shut_out == ({row['agent']} if shut_out else set()) and ('refused more' in row['reason']) == shut_out
    assert (row['decision'], row['evidence'], session.put_off_patterns == {'p-a'}) == ('ROLLBACK', not weather, weather)
    assert '7: Seven' in session.troubles[0] and loop.verdicts_of([row]) == [row] * (not weather)


def test_what_a_killed_run_was_refreshing_without_the_fix_the_next_one_refreshes(tmpdir, monkeypatch):
    killed, asked = tmpdir.mkdir('2026-11-22T103000Z').strpath, []
    loop.write_json(loop.state_path(killed), {
        'run': os.path.basename(killed), 'phase': 'undone-test', 'iteration': 1, 'plex_home': None, 'ended': None, 'started': 'then',
        'goal': {'percent': 95, 'reached_percent': None}, 'fixes': [fix_row('a', 'ROLLBACK', evidence=False)]}, 1)
    loop.write_json(loop.lessons_path(killed), {'troubles': ['told'], 'fixes': []}, 1)
    session = loop.Session(loop.build_parser().parse_args([]), tmpdir.mkdir('2026-11-23T103000Z').strpath, tmpdir.strpath)
    monkeypatch.setattr(loop.Session, 'phase', lambda *words, **how: (0, '', ''))
    monkeypatch.setattr(loop.Session, 'same_without', lambda self, *words: asked.append(words))
    session.clean_up_after_killed_runs()
    assert [(words[0], words[1]['id'], words[2]) for words in asked] == [(1, 'a', True)]
    assert session.troubles == ['told'] and loop.verdicts_of(session.past) == []
    assert 'was killed in phase undone-test' in tmpdir.join(os.path.basename(session.run_dir), 'loop.log').read()


@pytest.mark.parametrize('rows, quiet', [
    ([('error', ['p2'], []), ('ok', [], [])], True), ([('error', ['p2'], ['HTTP 503']), ('ok', [], [])], False),
    ([('error', ['p2'], [])], False), ([('ok', [], [])], True), ([('ok', ['p1'], [])], False)])
def test_bad_weather_in_a_before_test_puts_no_pattern_to_rest(tmpdir, rows, quiet):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    named = ('phase', 'fix', 'pattern', 'agent', 'server', 'window')
    loop.write_json(loop.home_sample(str(tmpdir), 1), dict(
        dict.fromkeys(named, {}), pattern='p1', patterns_seen=[], complete=True, stopped=None, rows=[dict(
            dict.fromkeys(('rating_key', 'guid', 'title', 'type', 'section', 'reason', 'before', 'after')), role='failing',
            outcome=outcome, errors=[{'pattern': name, 'message': ''} for name in errors], upstream=upstream)
            for outcome, errors, upstream in rows]), 1)
    assert session.stopped_test(1, 0, '')[1] == quiet and session.troubles == []
    document = json.loads(tmpdir.join('active_test_iteration_1_before.json').read())
    loop.write_json(loop.home_sample(str(tmpdir), 1), dict(
        document, agent='a', stopped='the plug-in is down: x', plug_in={'last_start_ok': False}), 1)
    assert session.stopped_test(1, 0, '')[0] and session.stopped_test(1, 0, '')[0]
    assert session.troubles == ['the plug-in is down: x of a; repair its bundle or install it again, and restart the server']


@pytest.mark.parametrize('nights, weak, intact', [(1, True, 0), (2, False, 0), (2, False, 1)])
def test_a_fix_that_is_kept_night_after_night_on_few_items_is_tested_no_more(tmpdir, monkeypatch, nights, weak, intact):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    monkeypatch.setattr(session, 'phase', lambda *words, **how: (0, '', ''))
    monkeypatch.setattr(session, 'read_verdict', lambda number: {
        'decision': 'KEEP', 'reason': '3 of 3', 'success_percent': 100.0, 'measured': 3, 'weak_evidence': True, 'further': 0,
        'fixed': 3, 'still_failing': 0, 'regressions': 0, 'broken': 0, 'undecided': False, 'healthy_broken': 0,
        'healthy_intact': intact, 'healthy_not_measured': 2})
    session.past = [fix_row('a', 'KEEP', measured=3, weak_evidence=True)] * nights
    row = fix_row('a', None, retest=True)
    session.after_test_and_verdict(1, row, ())
    assert (row['decision'], row['weak_evidence'], 'not tested again' in row['reason']) == ('KEEP', weak, not weak)
    assert loop.to_retest([row]) == [row] * weak
    told = ['fix a stays, though' in sentence for sentence in session.troubles]
    assert told == [True] * (not weak and not intact)           # that it does no harm was never seen


@pytest.mark.parametrize('live, evidence', [(False, False), (None, True)])
def test_a_plug_in_that_does_not_come_up_without_the_fix_either_is_a_persons_business(tmpdir, live, evidence):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.phase, row = lambda *words, **how: (loop.NEGATIVE, '', 'a undone: no module x'), fix_row('a', None)
    session.places_of = lambda rows: {rows[0]['home_run']: {'a': {'live': live}}}
    assert not session.implement(1, row) and row['decision'] == 'ROLLBACK' and session.put_off_patterns == {'p-a'}
    assert (row['evidence'], 'not without it either' in row['reason']) == (evidence, not evidence)
    assert session.troubles[0].startswith('com.plexapp.agents.example: no module x; repair')


def test_a_second_test_in_an_outage_leaves_the_fix_its_verdict_and_says_what_was_lost(tmpdir, monkeypatch):
    import compare_metrics
    import test_fix_actively as active
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    monkeypatch.setattr(session, 'phase', lambda *words, **how: (0, '', ''))
    monkeypatch.setattr(session, 'roll_back', lambda row: 1 / 0)
    monkeypatch.setattr(session, 'read_verdict', lambda number: {
        'decision': 'ROLLBACK', 'reason': 'nothing could be measured', 'success_percent': None, 'measured': 0,
        'weak_evidence': False, 'further': 0, 'fixed': 0, 'still_failing': 0, 'regressions': 0, 'broken': 0,
        'undecided': True, 'healthy_broken': 0})
    monkeypatch.setattr(active, 'read_active_test', lambda path: {'stopped': None, 'rows': [{'upstream': ['HTTP 500']}]})
    monkeypatch.setattr(compare_metrics, 'read_test_report', lambda path: {'stays': True, 'measured': 0, 'items': [
        {'rating_key': '7', 'title': 'Seven', 'verdict': 'not_measured', 'lost': ['year']}]})
    was = fix_row('a', 'MONITOR')
    row = dict(was, retest=True, decision=None, was=dict((name, was[name]) for name in loop.STANDING))
    for night in (1, 2, 3):
        session.past.append(row)
        row = dict(row)
        session.after_test_and_verdict(1, row, ())
        assert (row['decision'], row['time'], session.put_off_patterns) == ('MONITOR', was['time'], {'p-a'})
        assert loop.untested([was] + session.past[1:] + [row], 'a') == night
    assert len(row['outage']) == 2 and 'not tested again: nothing' in row['reason'] and '7: Seven' in session.troubles[0]
    assert loop.to_retest([row]) == [row] and loop.cycles([was, row], 'a') == 1


@pytest.mark.parametrize('out, asked_again, by_fix', [
    (loop.DONE, True, False), (loop.DONE, True, True), (loop.UNSAFE, False, True), (loop.NEGATIVE, False, True)])
def test_what_was_lost_in_an_outage_is_refreshed_when_the_fix_is_out(tmpdir, monkeypatch, out, asked_again, by_fix):
    import compare_metrics
    import test_fix_actively as active
    session, asked = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir)), []
    lost = [{'rating_key': '7', 'title': 'Seven', 'verdict': 'not_measured', 'lost': ['year']}]
    monkeypatch.setattr(session, 'phase', lambda *words, **how: (0, '', ''))
    monkeypatch.setattr(session, 'read_verdict', lambda number: {
        'decision': 'ROLLBACK', 'reason': 'nothing could be measured', 'success_percent': None, 'measured': 0,
        'weak_evidence': False, 'further': 0, 'fixed': 0, 'still_failing': 0, 'regressions': 0, 'broken': 0,
        'undecided': True, 'healthy_broken': 0})
    monkeypatch.setattr(active, 'read_active_test', lambda path: {'stopped': None, 'rows': []})
    monkeypatch.setattr(compare_metrics, 'read_test_report', lambda path: {
        'stays': False, 'measured': 0, 'outage': 'a host', 'items': lost, 'regressions': []})
    monkeypatch.setattr(compare_metrics, 'seen_without', lambda *tests: (False, []))        # it got it back
    monkeypatch.setattr(compare_metrics, 'is_cut_off', lambda *tests: by_fix)
    session.test, session.places_of = lambda when, *words: asked.append((when,) + words), lambda rows: {}
    session.roll_back, row = lambda row: out, fix_row('a', None)
    session.after_test_and_verdict(1, row, ())
    assert (('undone', 1, '--fix', 'a', '--only', '7') in asked, bool(session.troubles)) == (asked_again, not asked_again)
    by_fix = by_fix and asked_again
    assert (row['decision'], row['evidence'], 'it was the fix' in row['reason']) == ('ROLLBACK', by_fix, by_fix)
    assert bool(row['outage']) != by_fix and loop.verdicts_of([row]) == [row] * by_fix


@pytest.mark.parametrize('nights, words', [(1, 'the weather; it may be tried again'), (
    3, 'the weather; that was so 3 times in a row, so it is not tried again')])
def test_whether_it_is_tried_again_is_told_as_the_next_run_will_do(tmpdir, monkeypatch, nights, words):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    monkeypatch.setattr(session, 'phase', lambda *words, **how: (0, '', ''))
    monkeypatch.setattr(session, 'roll_back', lambda row: loop.DONE)
    session.read_verdict = lambda number: {
        'decision': 'ROLLBACK', 'reason': 'the weather', 'success_percent': None, 'measured': 0, 'weak_evidence': False,
        'further': 0, 'fixed': 0, 'still_failing': 0, 'regressions': 0, 'broken': 0, 'undecided': True, 'healthy_broken': 0}
    session.past, session.places_of = [fix_row('a', 'ROLLBACK', evidence=False)] * (nights - 1), lambda rows: {}
    row = fix_row('a', None)
    session.after_test_and_verdict(1, row, ())
    assert row['reason'] == words and bool(loop.verdicts_of(session.past + [row])) == (nights == 3)


@pytest.mark.parametrize('decision, words', [('ROLLBACK', '--adopt has been tried'), ('NOT_TRIED', 'could not be tried')])
def test_who_has_a_patch_of_his_own_gets_that_one_tried_and_no_other(tmpdir, decision, words):
    session, tried = loop.Session(loop.build_parser().parse_args(['--pattern', 'p']), str(tmpdir), str(tmpdir)), []
    diagnosis = {'patterns': [dict(pattern_row('p', 7, ['own', 'b']), last_seen=None)]}
    diagnosis['patterns'][0]['fixes'][0]['kind'] = 'adopted'
    session.look = lambda number: setattr(session, 'adopted', True) or diagnosis
    session.try_fix = lambda number, pattern, fix: tried.append(fix['id']) or session.state['fixes'].append(
        fix_row(fix['id'], decision, template='adopted', pattern='p'))
    assert session.improve() == 'iterations' and tried == ['own']
    assert words in loop.ending_words(dict(session.state, ended='iterations'))


@pytest.mark.parametrize('ended, decision', [('rolled back', 'UNDONE'), ('verified', 'KEEP')])
def test_what_a_person_undoes_while_a_run_is_at_work_is_not_told_as_in_place(tmpdir, ended, decision):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    own = fix_row('b', 'KEEP', run=session.state['run'])
    session.past, session.state['fixes'] = [fix_row('a', 'MONITOR')], [own]
    session.places_of = lambda rows: {rows[0]['home_run']: dict((name, {
        'state': 'before' if ended == 'rolled back' else 'after', 'patch': None, 'ended': ended, 'times': 1}) for name in 'ab')}
    session.notice_undos()
    assert (own['decision'], len(session.past)) == (decision, 2 if decision == 'UNDONE' else 1)
    session.write_lessons()
    assert ('No patch of this loop' in tmpdir.join('lessons_learned.md').read()) == (decision == 'UNDONE')


def test_a_provider_that_refuses_more_requests_is_asked_for_no_other_pattern_tonight(tmpdir, monkeypatch):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    diagnosis = {'patterns': [dict(pattern_row(name, 7, [name]), agent=agent, last_seen=None) for name, agent in (
        ('a', 'x'), ('b', 'x'), ('c', 'y'))]}
    monkeypatch.setattr(session, 'look', lambda number: diagnosis)
    tried = []
    monkeypatch.setattr(session, 'try_fix', lambda number, pattern, fix: (tried.append(fix['id']), session.shut_out.add('x')))
    assert session.improve() == 'no_fix_left' and tried == ['a', 'c']
    found = [dict(pattern, no_fix_because=None) for pattern in diagnosis['patterns']]
    session.remember_refusals({'patterns': found})
    assert [(row['pattern'], row['class']) for row in session.refused] == [('a', 'put off'), ('b', 'put off')]
    assert session.person_list() == []


@pytest.mark.parametrize('newest, name', [
    ('2100-01-01T235959Z', '2100-01-02T000000Z'), ('2100-99-01T235959Z', None), ('2001-01-01T000000Z', None)])
def test_a_clock_that_was_set_back_turns_no_order_of_runs_round(tmpdir, newest, name):
    tmpdir.mkdir(newest)
    made = os.path.basename(loop.new_run_dir(str(tmpdir)))
    assert made == name or name is None and loop.RUN_NAME.match(made) and made != newest


@pytest.mark.parametrize('decision', ['ROLLBACK', None])
def test_a_dry_run_says_what_a_run_would_take_out_and_not_that_it_could_not(tmpdir, decision):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.past = [fix_row('a', decision)]
    session.places_of = lambda rows: {rows[0]['home_run']: {'a': {
        'state': 'after', 'patch': None, 'ended': 'verified', 'times': 1, 'since': '2026-11-22T10:30:00Z'}}}
    session.compare_with_the_files(undo=False)
    session.state['dry_run'] = True
    session.write_lessons()
    written = tmpdir.join('lessons_learned.md').read()
    assert 'a run takes it out first' in written and 'NOT' not in written and 'None' not in written
    assert 'was a dry one' in written and 'ended' not in written and 'Each can be taken out' in written


def test_what_was_only_logged_in_an_outage_of_a_test_is_no_pattern_to_mend(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.past = [fix_row('a', 'KEEP', outage=['2026-11-22T10:30:00Z', '2026-11-22T10:40:00Z']), fix_row('b', 'KEEP', outage=[])]
    found = [dict(pattern_row(name, 12, ['f']), first_seen='2026-11-22T10:%s:00Z' % first, last_seen='2026-11-22T10:39:00Z',
                  agent=agent, no_fix_because='none fits') for name, first, agent in (
        ('p', '31', fix_row('a', 'KEEP')['agent']), ('q', '29', fix_row('a', 'KEEP')['agent']), ('r', '31', 'another'))]
    session.remember_refusals({'patterns': found})
    assert [(row['pattern'], row['class']) for row in session.refused] == [('q', 'code'), ('r', 'code'), ('p', 'quiet')]
    session.look = lambda number: {'patterns': found[:1]}
    assert session.improve() == 'no_fix_left' and session.person_list() == []
    session.past.append(fix_row('a', 'KEEP', outage=['2026-11-23T10:30:00Z', '2026-11-23T10:40:00Z']))
    found[0]['last_seen'] = '2026-11-23T10:35:00Z'                      # in the next night's test again
    assert [session.is_of_an_outage(pattern) for pattern in found] == [True, False, False]
    session.elsewhere.add('p')                                          # and in between
    assert not session.is_of_an_outage(found[0])


def test_what_kept_the_plug_in_from_starting_is_known_as_logged_in_a_trial(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.phase, row = lambda *words, **how: (loop.NEGATIVE, '', ''), fix_row('a', None)
    session.places_of = lambda rows: {rows[0]['home_run']: {'a': {'live': True}}}
    assert not session.implement(1, row) and row['evidence'] and not session.troubles
    seen = {'agent': row['agent'], 'first_seen': row['time'], 'last_seen': row['time']}
    assert diagnose.only_in_trials(seen, [loop.history_row(row)]) and row['time'] > fix_row('a', None)['time']
    session.implement, session.roll_back = lambda *words: True, lambda row: True
    session.test, session.stopped_test = lambda *words: (0, '', ''), lambda *words: (None, False)
    probe = fix_row('b', None)
    session.probe(2, probe)
    assert probe['decision'] == 'PROBED' and probe['time'] >= row['time']   # what failed in its test came before
    assert not diagnose.only_in_trials(dict(seen, first_seen='2026-11-22T10:31:00Z'), [loop.history_row(row)])


def test_a_plateau_counts_fixes_that_gained_nothing():
    assert loop.gained_nothing([fix_row(word, word) for word in ('KEEP', 'ROLLBACK', 'NOT_TRIED')]) == 2
    assert loop.gained_nothing([fix_row('a', 'ROLLBACK'), fix_row('b', 'MONITOR')]) == 0
    led_on = fix_row('c', 'ROLLBACK', success_percent=0.0, further=6)       # of 11
    assert loop.gained_nothing([led_on] * 3) == 0 and loop.template_counts([led_on]) == {}
    assert loop.gained_nothing([fix_row('a', 'ROLLBACK'), led_on, dict(led_on, further=5)]) == 2
    assert loop.gained_nothing([dict(led_on, measured=15, success_percent=33.3, further=5)]) == 0
    assert [loop.gained_nothing([dict(led_on, measured=12, success_percent=25.0, further=count)]) for count in (2, 3)] == [1, 0]


def test_the_lock_is_held_once_and_named(tmpdir):
    with loop.Lock(str(tmpdir)):
        with pytest.raises(Problem) as refusal:
            loop.Lock(str(tmpdir)).__enter__()
        assert refusal.value.code == 75
        assert 'process %d' % os.getpid() in refusal.value.sentence
    with loop.Lock(str(tmpdir)):
        pass


def test_two_runs_in_one_second_have_two_directories(tmpdir):
    first, second = loop.new_run_dir(str(tmpdir)), loop.new_run_dir(str(tmpdir))
    assert first != second and os.path.isdir(first) and os.path.isdir(second)


def test_a_phase_gives_its_code_and_both_streams():
    code, out, err = loop.run_limited([sys.executable, '-c', 'import sys; print("a" * 99999); sys.stderr.write("b");'
                                                             'sys.exit(6)'], 20)
    assert (code, len(out.strip()), err) == (6, 99999, 'b')


@pytest.mark.skipif(os.name == 'nt', reason='signals')
def test_a_phase_that_is_just_being_started_when_ctrl_c_comes_does_not_go_on_alone(monkeypatch):
    import subprocess
    begun, popen = [], subprocess.Popen

    def start(*words, **how):
        begun.append(popen(*words, **how))
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(.05)
        return begun[0]
    monkeypatch.setattr(subprocess, 'Popen', start)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        loop.run_limited([sys.executable, '-c', 'import time; time.sleep(60)'], 20)
    assert begun[0].poll() is not None and signal.getsignal(signal.SIGINT) == handler


@pytest.mark.skipif(os.name == 'nt', reason='signals')
def test_a_phase_that_hangs_is_interrupted_and_has_no_code():
    began = time.time()
    code, out, err = loop.run_limited([sys.executable, '-c', 'import time; time.sleep(60)'], .5)
    assert code is None and 'KeyboardInterrupt' in err and time.time() - began < 10


def test_the_post_mortem_is_prose_and_says_what_was_tried_and_what_was_left():
    fixes = [fix_row('a', 'KEEP', weak_evidence=True), fix_row('b', 'NOT_TRIED', success_percent=None, measured=0)]
    lessons = {'run': 'r', 'ended': 'no_fix_left', 'fixes': fixes, 'person': ["look at '__getitem__'"], 'templates': loop.template_counts(fixes),
               'in_place': fixes[:1], 'troubles': [],
               'goal': {'percent': 95, 'reached_percent': 61.5},
               'refused': [{'pattern': 'p9', 'agent': 'x', 'class': 'upstream', 'exception': 'HTTPError', 'items': 13,
                            'why': '403 from a.example for 13 items'}]}
    text = loop.lessons_text(lessons, {'started': '2026-11-22T10:30:00Z'})
    assert '```' not in text
    for words in ('80 % of 11', '61.5 %', '403 from a.example', 'weak evidence', "- look at '\\_\\_getitem\\_\\_'", 'KEEP 1'):
        assert words in text, words
    assert 'Nothing.' in loop.lessons_text(dict(lessons, person=[]), {'started': '2026-11-22T10:30:00Z'})


def test_the_summary_fits_a_terminal():
    fixes = [fix_row('a', 'KEEP', reason='word ' * 40, agent='com.plexapp.agents.' + 'long' * 20)]
    lessons = {'fixes': fixes, 'refused': [], 'troubles': ['look ' * 30]}
    lessons['in_place'] = [{'id': 'a'}, {'id': 'of the night before'}]
    lines = loop.summary_lines({'ended': 'goal'}, lessons, '/runs/x')
    assert 'in place   1 fix of earlier runs' in lines
    assert loop.summary_lines({'ended': 'goal'}, dict(lessons, fixes=[]), '/runs/x')[0] == 'No fix was tried.'
    assert max(len(line) for line in lines) <= 80


def test_bad_weather_is_no_verdict_until_it_lasts():
    rows = [fix_row('a', 'ROLLBACK', evidence=False), fix_row('b', 'ROLLBACK'), fix_row('c', 'NOT_TRIED')]
    assert [row['id'] for row in loop.verdicts_of(rows)] == ['b']
    assert [row['id'] for row in loop.verdicts_of(rows[:1] * 3)] == ['a'] * 3
    assert loop.verdicts_of(rows[:1] * 2 + [fix_row('a', 'KEEP')] + rows[:1]) == []      # three nights, but not in a row
    for end in (['GONE'], ['GONE', 'NOT_TRIED'], ['ROLLBACK']):      # it is out now, and may be tried again
        assert loop.verdicts_of([fix_row('d', 'KEEP')] + [fix_row('d', name, evidence=False) for name in end]) == []
    assert [row['decision'] for row in loop.verdicts_of([fix_row('d', 'KEEP'), fix_row('d', 'UNDONE')])] == ['KEEP', 'UNDONE']


def test_a_pattern_that_no_item_shows_any_more_rests_until_it_is_logged_again(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.past = [fix_row('a', 'PROBED', quiet=True), fix_row('b', 'NOT_TRIED', quiet=False)]
    found = [dict(pattern_row('p-' + name, 7, [name]), last_seen='2026-11-22T10:%02d:00Z' % minute, no_fix_because=None)
             for name, minute in (('a', 31), ('b', 31), ('a', 32))]
    assert session.quiet_patterns({'patterns': found[:2]}) == {'p-a'}
    assert session.quiet_patterns({'patterns': found[2:]}) == set()
    session.remember_refusals({'patterns': found[:2]})
    assert [row['class'] for row in session.refused] == ['quiet'] and session.person_list() == []
    session.options.pattern = 'p-a'
    assert session.quiet_patterns({'patterns': found}) == set()
    session.options.pattern, session.past = None, [fix_row('a', 'PROBED', quiet=True, time='2999-01-01T00:00:00Z')]
    assert session.quiet_patterns({'patterns': found}) == set()         # by a clock that was set back since


@pytest.mark.parametrize('decision, ended, times, there', [
    ('KEEP', 'verified', 2, 'in place'), ('ROLLBACK', 'verified', 1, 'in place'), ('ROLLBACK', 'verified', 2, 'by hand'),
    ('ROLLBACK', 'rolled back', 1, 'by hand'), ('NOT_TRIED', 'verified', 1, 'by hand'),
    ('ROLLBACK', 'rolled back', 0, 'undone'), ('KEEP', 'rolled back', 0, 'undone')])
def test_what_a_person_puts_in_against_a_verdict_or_without_one_stays(tmpdir, decision, ended, times, there):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    row, undone = fix_row('a', decision, still_there=True, by_hand=True), []         # as it was in an earlier run
    session.past, session.roll_back = [row], undone.append
    places = {row['home_run']: {'a': {'state': 'after' if times else 'before', 'patch': None, 'ended': ended, 'times': times,
                                       'since': '2026-11-23T01:00:00Z'}}}
    session.places_of = lambda rows: places
    assert loop.whereabouts(row, places) == there
    session.compare_with_the_files()
    assert (len(undone), bool(row.get('by_hand'))) == (decision == 'ROLLBACK' and there == 'in place', there == 'by hand')
    session.write_lessons()
    written = tmpdir.join('lessons_learned.md').read()
    assert ('put in by hand' in written, 'NOT be taken out' in written) == (there == 'by hand', False)
    assert ('No patch of this loop' in written) == (there == 'undone' or bool(undone))
    loop.write_resolved(str(tmpdir), session.past)
    assert ('"2026-11-23T01' in tmpdir.join('resolved_patterns.json').read()) == (there == 'by hand')


def test_what_a_person_put_in_and_no_run_tried_is_named_as_in_place(tmpdir):
    tmpdir.mkdir('2026-11-22T103000Z').join('loop_state.json').write('{}')
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.places_of = lambda rows: dict((row['home_run'], dict((name, {
        'state': state, 'agent': 'x', 'ended': 'verified', 'times': 1, 'since': '2026-11-22T10:30:00Z'})
        for name, state in (('a', 'after'), ('b', 'before'), ('c', 'after')))) for row in rows)
    session.compare_with_the_files()
    session.state['fixes'] = [fix_row('c', 'ROLLBACK')]         # this run has tried it by now
    session.write_lessons()
    assert '| a | x | - | put in by hand | - | 2026-11-22T103000Z |' in tmpdir.join('lessons_learned.md').read()
    lessons = loop.read_json(loop.lessons_path(str(tmpdir)), loop.LESSONS_SCHEMA, 'loop_coordinator.py')
    assert [row['id'] for row in lessons['in_place']] == ['a']


@pytest.mark.parametrize('found', [True, False])
def test_a_check_as_json_and_a_quiet_one_that_says_nothing_of_what_is_well(monkeypatch, capsys, found):
    monkeypatch.setattr(loop, 'look_around', lambda options: [('logs', found, 'there'), ('token', None, 'no')])
    code = loop.DONE if found else loop.NO_ENVIRONMENT
    assert loop.main(['--check', '--json']) == code
    rows = json.loads(capsys.readouterr()[0])
    assert (rows['complete'], rows['rows'][1]) == (found, {'what': 'token', 'found': None, 'sentence': 'no'})
    assert loop.main(['--check', '--quiet']) == code
    assert (capsys.readouterr()[0] == '') == found


def test_a_patch_that_is_not_there_is_said_before_anything_is_begun(tmpdir, capsys):
    assert loop.main(['--adopt', str(tmpdir.join('x')), '--pattern', 'p', '--runs', str(tmpdir)]) == loop.NO_ENVIRONMENT
    assert 'there is no file %s; name the patch with --adopt' % tmpdir.join('x') in capsys.readouterr()[1]


def test_what_needs_a_person_is_named_by_its_pattern_as_advice_and_options_name_it(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.refused = [{'pattern': 'p1-7', 'agent': 'x', 'class': 'code', 'exception': 'KeyError', 'message': "'a'",
                        'items': 3, 'why': 'none fits'}]
    assert session.person_list() == ["KeyError: 'a' of x (p1-7), 3 items: none fits"]


def test_a_pattern_that_nobody_knows_is_told(tmpdir):
    session = loop.Session(loop.build_parser().parse_args(['--pattern', 'p9']), str(tmpdir), str(tmpdir))
    for known, told in (['p9'], 0), (['p8'], 1):
        session.look_for_the_pattern({'patterns': [pattern_row(name, 3, []) for name in known]})
        assert len(session.troubles) == told


def test_whether_a_rewritten_file_still_holds_what_could_not_be_taken_out_is_for_a_person_to_see(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir), str(tmpdir))
    session.past = [fix_row('a', 'ROLLBACK', still_there=True), fix_row('b', 'KEEP')]
    session.places_of = lambda rows: {rows[0]['home_run']: dict((name, {
        'state': state, 'patch': patch, 'ended': 'verified', 'times': 1, 'since': '2026-11-22T10:30:00Z', 'bundle': 'A.bundle'})
        for name, state, patch in (('a', 'other', 'conflict'), ('b', 'after', None)))}
    session.compare_with_the_files()
    session.write_lessons()
    written = tmpdir.join('lessons_learned.md').read()
    assert 'ROLLBACK; whether its file still holds it is not clear' in written and 'each other one can be' in written
    assert 'see whether A.bundle still holds it' in session.troubles[0] and 'Nothing but what needs a person' in written


def test_what_cured_too_few_and_harmed_none_is_named_to_the_person_who_gets_the_rest(tmpdir):
    session = loop.Session(loop.build_parser().parse_args([]), str(tmpdir.mkdir('r')), str(tmpdir.mkdir('runs')))
    session.past = [fix_row(name, 'ROLLBACK', pattern='p', measured=9, success_percent=percent, cured=cured)
                    for name, percent, cured in (('a', 11.1, 1), ('b', 33.3, 3), ('c', 44.4, 0))]
    session.remember_refusals({'patterns': [dict(pattern_row(name, 9), no_fix_because='none is left', last_seen=None)
                                            for name in ('p', 'q')]})
    assert [('Fix b' in row['why'], '3 of 9' in row['why'], 'runs/2026' in row['why']) for row in session.refused] == [
        (True,) * 3, (False,) * 3]


@pytest.mark.parametrize('words, code', [
    (['--timeout', 'nan'], 2), (['--pause', '-1'], 2), (['--goal', 'nan'], 2), (['--iterations', '-1'], 2),
    (['--runs', os.path.join(__file__, 'x')], 4)])
def test_what_a_user_can_get_wrong_is_one_sentence_and_nothing_is_begun(tmpdir, capsys, words, code):
    tmpdir.mkdir('Plug-ins'), tmpdir.mkdir('Logs')
    assert loop.main(['--plex-home', str(tmpdir), '--runs', str(tmpdir.join('runs'))] + words) == code
    assert len(capsys.readouterr()[1].splitlines()) == 1 and not tmpdir.join('runs').exists()


def test_a_pattern_that_is_in_no_log_is_named(tmpdir):
    session = loop.Session(loop.build_parser().parse_args(['--pattern', 'nope']), str(tmpdir), str(tmpdir))
    session.look = lambda number: {'patterns': [dict(pattern_row('p', 7, ['a']), last_seen=None)]}
    assert session.improve() == 'no_fix_left' and 'no pattern nope' in session.troubles[0]
    session.options.pattern, session.past, session.troubles = 'p-b', [fix_row('b', 'KEEP')], []
    assert session.improve() == 'no_fix_left' and session.troubles == []       # its fix is in place


def test_the_last_aggregate_of_the_same_logs_is_looked_for_from_the_newest_on(tmpdir):
    options = loop.build_parser().parse_args(['--plex-home', 'here'])
    for name, iteration, home, whole in (('01', 2, 'here', [1]), ('02', 3, 'here', [1, 2]), ('03', 1, 'there', [1]),
                                         ('04', 'x', None, [1])):
        folder = tmpdir.mkdir('2026-10-%sT000000Z' % name)
        state = {'ended': 'goal', 'fixes': [], 'iteration': iteration, 'plex_home': home and os.path.realpath(home)}
        loop.write_json(folder.join('loop_state.json').strpath, state, 1)
        for number in whole:
            loop.write_json(loop.logs.aggregate_path(folder.strpath, number), {'patterns': []}, 1)
    run_dir = tmpdir.mkdir('2026-10-05T000000Z')
    session = loop.Session(options, run_dir.strpath, tmpdir.strpath)
    full = tmpdir.join('2026-10-02T000000Z', 'aggregated_logs_iteration_2.json').strpath
    assert session.earlier_aggregates(1) == [full]
    own = run_dir.join('aggregated_logs_iteration_1.json')
    for since, more in (('2026-10-01T00:00:00Z', []), (loop.utc_text(), [full])):       # by hand, with a short --since
        loop.write_json(own.strpath, {'patterns': [], 'window': {'asked': {'since': since}}}, 1)
        assert session.earlier_aggregates(2) == [own.strpath] + more


@pytest.mark.parametrize('name', ['loop_state.json', 'lessons_learned.json'])
@pytest.mark.parametrize('text', ['', '{"schema": 1}', '{"schema": 1, "fixes": [{}], "ended": null}', '{"schema": 99}',
                                  json.dumps({'schema': 1, 'ended': 'goal', 'fixes': [fix_row('a', 'KEEP', time=7)]}),
                                  json.dumps({'schema': 1, 'ended': 'goal', 'fixes': [fix_row('a', 'KEEP', iteration=None)]}),
                                  json.dumps({'schema': 1, 'ended': 'goal', 'fixes': [dict(
                                      (name, value) for name, value in fix_row('a', 'KEEP').items() if name != 'template')]})])
def test_a_damaged_earlier_run_is_named_and_stops_nothing(tmpdir, name, text):
    document = {'ended': 'goal', 'fixes': [fix_row('a', 'KEEP')]}
    for whole in ('loop_state.json', 'lessons_learned.json'):
        loop.write_json(str(tmpdir.join(whole)), document, 1)
    tmpdir.join(name).write(text)
    state, rows, sentences = loop.read_earlier(str(tmpdir))
    assert [row['id'] for row in rows] == ['a']
    assert len(sentences) == 1 and name in sentences[0]
    assert (state is None) == (name == 'loop_state.json')


def test_a_run_directory_that_is_taken_away_meanwhile_is_one_sentence(tmpdir, monkeypatch):
    def run(session):
        os.rmdir(session.run_dir)
        session.save()
    monkeypatch.setattr(loop.Session, 'run', run)
    with pytest.raises(loop.Problem) as problem:
        loop.loop(loop.build_parser().parse_args(['--plex-home', str(tmpdir)]), str(tmpdir.join('runs')))
    assert 'put it back' in problem.value.sentence


def test_without_lessons_the_state_tells_what_is_in_place(tmpdir):
    loop.write_json(str(tmpdir.join('loop_state.json')), {'ended': 'goal', 'fixes': [fix_row('a', 'KEEP')]}, 1)
    assert [row['id'] for row in loop.read_earlier(str(tmpdir))[1]] == ['a']


@pytest.mark.parametrize('home, words', [
    ('/var/lib/plexmediaserver/Library/Application Support/Plex Media Server', 'Linux package'),
    ('/volume1/PlexMediaServer/AppData/Plex Media Server', 'Synology or Asustor package'),
    ('/config/Library/Application Support/Plex Media Server', 'container'), ('/srv/plex', 'folder of its own')])
def test_the_install_style_is_told_by_the_data_folder(home, words):
    assert loop.install_style(home, 'posix', lambda mark: False) == words
    assert loop.install_style(home, 'posix', lambda mark: True) == 'container'
    assert loop.install_style(home, 'nt') == 'Windows'


def test_what_a_person_was_told_last_night_is_no_news(tmpdir):
    def work(why, cls='code', troubles=()):
        return loop.persons_work([{'pattern': 'p1', 'class': cls, 'why': why}], troubles)
    assert work('4 records since 10:30', troubles=['fix a of run 2026-11-22T103000Z: no']) == work(
        '9 records since 11:30', troubles=['fix a of run 2026-11-23T103000Z: no'])
    assert work('', troubles=['fix a: no']) - work('') and work('', 'environment') - work('')
    assert work('', 'upstream') == set()


def test_what_is_missing_is_said_as_it_is(tmpdir, monkeypatch):
    monkeypatch.delenv(str('PLEX_TOKEN'), False)
    rows = dict((row[0], row[1:]) for row in loop.look_around(loop.build_parser().parse_args(
        ['--plex-home', str(tmpdir), '--plex-url', 'http://127.0.0.1:9'])))
    assert rows['plug-ins'] == (False, 'there is no %s; is --plex-home right?' % tmpdir.join('Plug-ins'))
    assert rows['token'][0] is None and 'holds no token' in rows['token'][1]
    assert '--plex-home' in rows['logs'][1] and rows['server'][0] is False


def test_of_two_tokens_the_file_wins_and_both_are_hidden(tmpdir, monkeypatch):
    monkeypatch.setattr(loop.logs, 'KNOWN_SECRETS', set())
    monkeypatch.setattr(loop, 'loop', lambda options, runs: 0)
    for name, value in (('PLEX_TOKEN', 'token-of-old'), (loop.UNUSED_TOKEN, '')):
        monkeypatch.setenv(str(name), str(value))
    monkeypatch.delenv(str(loop.UNUSED_TOKEN))
    tmpdir.join('token').write('token-of-file\n')
    options = loop.build_parser().parse_args(['--plex-home', str(tmpdir), '--token-file', str(tmpdir.join('token'))])
    assert loop.run(options) == 0 and os.environ['PLEX_TOKEN'] == 'token-of-file'
    assert 'PLEX_TOKEN is set too, and not used' in loop.describe_token(options)
    loop.logs.KNOWN_SECRETS.clear()
    loop.logs.find_plex_home(str(tmpdir))               # as a phase does, which has the environment alone
    assert loop.logs.without_secrets('token-of-old token-of-file') == '<token> <token>'
