# -*- coding: utf-8 -*-
"""The verdict: its exact boundaries, its corner cases, and what must hold for any rows whatever."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy
import json
import os
import random
import re
import subprocess
import sys

import pytest

import aggregate_plex_logs as logs
import compare_metrics as compare
import parse_test_report as reader
import test_fix_actively as active

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = 'p1-target'
ERROR = {'pattern': TARGET, 'exception': 'KeyError', 'message': "'year'"}
OTHER = {'pattern': 'p1-other', 'exception': 'IndexError', 'message': 'list index out of range'}
POOR, RICH = {'title': 'T'}, {'title': 'T', 'summary': 'S', 'year': '2001', 'Genre': 3}


def snap(fields, locked=(), agent=None):
    return {'fields': dict(fields), 'locked': list(locked), 'agent': agent}


def row(key, role='failing', outcome='ok', before=POOR, after=POOR, errors=(), **more):
    shape = lambda what: what if what is None or 'fields' in what else snap(what)           # noqa: E731
    return dict({'rating_key': str(key), 'guid': 'a://%s' % key, 'title': 'Title %s' % key, 'type': 'movie',
                 'section': '1', 'role': role, 'attempt': 1, 'outcome': 'error' if errors else outcome, 'reason': None,
                 'errors': list(errors), 'noise': [], 'upstream': [], 'before': shape(before), 'after': shape(after)},
                **more)


def failing(key, **more):
    return row(key, errors=[ERROR], **more)


def healthy(key, **more):
    return row(key, 'healthy', **dict({'before': RICH, 'after': RICH}, **more))


def before_document(rows, **changes):
    return dict({'phase': 'before', 'fix': 'fix-1', 'template': 'guard', 'pattern': TARGET, 'agent': 'a',
                 'mode': 'refresh', 'bundle': 'A.bundle', 'server': {'machine_identifier': 'm', 'version': '1.40'},
                 'bundle_digest': 'd',
                 'in_place': 'before', 'baseline_patterns': [TARGET],
                 'patterns_seen': [dict(ERROR, count=5, noise=None)],
                 'predicted': {'items': 5, 'success_percent': 80, 'fields': ['summary'], 'sentence': 's'}, 'rows': rows,
                 'stopped': None, 'complete': True, 'window': {'from': 'x', 'to': 'y'}}, **changes)


def after_document(rows, **changes):
    return dict(before_document(rows), **dict({
        'phase': 'after', 'in_place': 'after', 'in_place_at_end': 'after', 'patterns_seen': [],
        'plug_in': {'starts': 0, 'failed_starts': 0, 'last_start_ok': True}, 'retest': False}, **changes))


def decide(first, second, first_changes=(), second_changes=(), **aggregates):
    return compare.decide(before_document(first, **dict(first_changes)), after_document(second, **dict(second_changes)),
                          **aggregates)


def rate(fixed, silenced):
    """A verdict on so many fixed and so many silenced items."""
    count = fixed + silenced
    return decide([failing(key) for key in range(count)],
                  [row(key, after=RICH if key < fixed else POOR) for key in range(count)])


def verdict_of(first, second, others=(), **changes):
    """The verdict of one item, with two healthy ones that have everything."""
    held_out = [healthy(901), healthy(902)]
    found = decide([first] + held_out + list(others), [second] + held_out + list(others), **changes)
    return found['items'][0]['verdict'], found


# -------------------------------------------------------------------------------------------------------------- numbers
@pytest.mark.parametrize('fixed, silenced, decision, percent', [
    (3, 1, 'KEEP', 75.0), (299, 100, 'MONITOR', 74.9), (749, 251, 'MONITOR', 74.9), (7499, 2501, 'MONITOR', 74.9),
    (15, 5, 'KEEP', 75.0), (1, 1, 'MONITOR', 50.0), (499, 501, 'ROLLBACK', 49.9), (4999, 5001, 'ROLLBACK', 49.9),
    (0, 7, 'ROLLBACK', 0.0), (7, 0, 'KEEP', 100.0), (11, 5, 'MONITOR', 68.7)])
def test_the_boundaries_are_exact_and_nothing_is_rounded_up(fixed, silenced, decision, percent):
    found = {'fixed': fixed, 'measured': fixed + silenced, 'regressions': [],
             'success_percent': compare.percent_of(fixed, fixed + silenced)}
    assert compare.choose_decision(found, [], {})[0] == decision
    assert found['success_percent'] == percent
    if fixed + silenced < 500:
        assert (rate(fixed, silenced)['decision'], rate(fixed, silenced)['success_percent']) == (decision, percent)


@pytest.mark.parametrize('part, whole, low, high', [(3, 4, 30.1, 95.4), (6, 8, 40.9, 92.9), (15, 20, 53.1, 88.8),
                                                    (10, 20, 29.9, 70.1), (0, 7, 0.0, 35.4), (7, 7, 64.6, 100.0)])
def test_wilson_interval(part, whole, low, high):
    assert compare.wilson_interval(part, whole) == (low, high)


@pytest.mark.parametrize('better, worse, p', [
    (4, 0, .0625), (5, 0, .0312), (6, 1, .0625), (8, 1, .0195), (10, 3, .0461), (0, 3, 1.0)])
def test_sign_test_is_exact(better, worse, p):
    assert compare.sign_test(better, worse) == p
    assert compare.sign_test(0, 0) is None and compare.wilson_interval(0, 0) is None


def test_a_keep_on_few_items_is_weak_evidence():
    assert [rate(fixed, 0)['weak_evidence'] for fixed in (7, 8)] == [True, False]
    assert rate(1, 1)['weak_evidence'] is False         # a MONITOR is tested again anyway
    sick = dict(outcome='not_measured', after=None)
    for last, weak in ([healthy(98, **sick), healthy(99, **sick)], True), ([healthy(98, **sick), healthy(99)], False):
        found = decide([failing(key) for key in range(8)] + [healthy(98), healthy(99)],
                       [row(key, after=RICH) for key in range(8)] + last)
        assert (found['decision'], found['weak_evidence']) == ('KEEP', weak)
        report = compare.report_text(found, 1)
        assert reader.parse_report(report)['weak_evidence'] == weak and ('nothing shows that it does no harm' in report) == weak


def test_a_cell_is_the_same_bytes_on_any_python():
    assert compare.cell_text('a\u2028b\x85c\xa0\x1cd\n|') == 'a b c d /'
    assert compare.cell_text('ä_b, a_b, \u0663_x, _a') == 'ä\\_b, a_b, \u0663\\_x, \\_a'


# ------------------------------------------------------------------------------------------------------------- one item
def test_fixed_is_more_than_without_an_error():
    assert verdict_of(failing(1), row(1, after=RICH))[0] == 'fixed'
    assert verdict_of(failing(1), row(1))[0] == 'silenced'
    assert verdict_of(failing(1), failing(1))[0] == 'still_failing'
    name, found = verdict_of(failing(1), row(1, errors=[dict(ERROR, message="'genre'")]))
    assert name == 'still_failing' and found['further'] == 1 and "another error: 'genre'" in found['items'][0]['note']
    assert 'got past this place' in compare.report_text(found, 1)
    found = decide([failing(1), failing(2)], [failing(1), failing(2)], second_changes={'said': 1})
    assert (found['still_failing'], found['further']) == (2, 1)         # the patch spoke: the same error, further on
    found = decide([failing(1), failing(2)], [failing(1), row(2, after=RICH)], second_changes={'said': 1})
    assert (found['still_failing'], found['further']) == (1, 0)         # it spoke of the item that is fixed


def test_a_partial_gain_is_a_gain():
    assert verdict_of(failing(1), row(1, after=dict(POOR, summary='S')))[0] == 'fixed'


@pytest.mark.parametrize('fix, guid, fields, verdict, words', [
    ('fix-1', 'a://1', dict(POOR, year='2001'), 'fixed', 'when it was tried before: year'),
    ('fix-0', 'a://1', dict(POOR, year='2001'), 'not_measured', 'fix fix-0, undone since, had filled it'),
    ('fix-part', 'a://1', dict(POOR, year='2001'), 'fixed', 'when it was tried before: year'),
    ('fix-1', 'a://1', POOR, 'silenced', 'nothing gained'),             # what it gave then is gone
    ('fix-1', 'a://2', dict(POOR, year='2001'), 'silenced', 'nothing gained')])         # matched anew
def test_what_an_earlier_try_filled_in_cannot_be_gained_once_more(fix, guid, fields, verdict, words):
    filled = {'1': {'fix': fix, 'guid': guid, 'without': snap(POOR), 'with': snap(dict(POOR, year='2001'))}}
    name, found = verdict_of(failing(1, before=fields, after=fields), row(1, before=fields, after=fields),
                             first_changes={'filled': filled, 'contains': ['fix-part']})
    assert name == verdict and words in found['items'][0]['note']
    filled['1']['with'] = None                                          # its end was not seen: what the item has now
    assert verdict_of(failing(1, before=fields, after=fields), row(1, before=fields, after=fields),
                      first_changes={'filled': filled, 'contains': ['fix-part']})[0] == name
    first, second = failing(1, before=fields, after=fields), row(1, before=fields, after=fields)
    second['after']['locked'] = ['year']                                # a person has filled it in, not that try
    assert verdict_of(first, second, first_changes={'filled': filled})[0] == 'silenced'
    assert verdict_of(failing(1), failing(1), first_changes={'filled': filled})[0] == 'still_failing'


def test_an_item_that_had_everything_and_loses_only_the_error_is_fixed():
    first, second = failing(1, before=RICH, after=RICH), row(1, before=RICH, after=RICH)
    assert verdict_of(first, second)[0] == 'fixed'
    lacks = dict(RICH)
    del lacks['year']
    assert verdict_of(failing(1, before=lacks, after=lacks), row(1, before=lacks, after=lacks))[0] == 'silenced'


def test_without_healthy_kin_all_that_it_should_have_is_what_was_predicted():
    full = dict(POOR, summary='S')
    found = decide([failing(1, before=full, after=full)], [row(1, before=full, after=full)])
    assert found['fixed'] == 1
    found = decide([failing(1)], [row(1)])
    assert found['silenced'] == 1
    found = decide([failing(1, before=full, after=full)], [row(1, before=full, after=full)], {'predicted': None})
    assert found['silenced'] == 1


def test_another_kind_of_item_is_no_kin():
    full = dict(POOR, summary='S')
    first = failing(1, before=full, after=full, type='show')
    assert verdict_of(first, row(1, before=full, after=full, type='show'))[0] == 'fixed'


def test_what_came_in_late_from_the_before_test_is_no_gain():
    late = dict(POOR, summary='S')
    assert verdict_of(failing(1), row(1, before=late, after=late))[0] == 'silenced'


def test_what_somebody_elses_refresh_with_the_fix_gave_or_took_counts_for_it():
    late = dict(POOR, summary='S')
    assert verdict_of(failing(1), row(1, before=late, after=late, touched=True))[0] == 'fixed'
    assert verdict_of(failing(1, before=late, after=late), row(1, before=POOR, after=POOR, touched=True))[0] == 'broken'
    found = decide([failing(1), healthy(3)], [row(1, after=RICH), healthy(3, before=POOR, after=POOR, touched=True)])
    assert found['healthy']['broken'] == 1


def test_in_a_re_test_the_gain_is_counted_from_the_state_without_the_fix():
    found = verdict_of(failing(1), row(1, before=dict(POOR, summary='S'), after=dict(POOR, summary='S')),
                       second_changes={'retest': True})
    assert found[0] == 'fixed' and found[1]['retest'] is True


def test_another_error_is_still_failing_and_a_new_pattern_a_regression():
    name, found = verdict_of(failing(1), row(1, errors=[OTHER]),
                             second_changes={'patterns_seen': [dict(OTHER, count=1, noise=None)]})
    assert name == 'still_failing' and found['decision'] == 'ROLLBACK'
    assert [entry['kind'] for entry in found['regressions']] == ['new error']


@pytest.mark.parametrize('known', [
    {'first_changes': {'baseline_patterns': [TARGET, 'p1-other']}},
    {'first_changes': {'patterns_seen': [dict(OTHER, count=1, noise=None)]}},
    {'baseline': {'patterns': [{'pattern': 'p1-other', 'agent': 'a'}]}}])
def test_a_pattern_that_was_there_before_is_no_regression(known):
    found = verdict_of(failing(1), row(1, after=RICH), second_changes={
        'patterns_seen': [dict(OTHER, count=1, noise=None)]}, **known)[1]
    assert found['regressions'] == [] and found['decision'] == 'KEEP'


def test_a_new_pattern_in_the_post_fix_aggregate_is_a_regression_unless_it_is_noise_or_the_providers_or_anothers():
    for change, count in (({}, 1), ({'noise': 'harmless'}, 0), ({'agent': 'other'}, 0), ({'level': 'WARNING'}, 0), ({'kind': 'server'}, 0),
                          ({'exception': None, 'message': "Error opening URL 'http://a.example'"}, 0),
                          ({'exception': 'HTTPError', 'message': 'HTTP Error 503: Busy'}, 0)):
        postfix = {'patterns': [dict(dict(OTHER, agent='a'), **change)]}
        found = verdict_of(failing(1), row(1, after=RICH), postfix=postfix)[1]
        assert len(found['regressions']) == count, change


def test_lost_metadata_is_a_regression_and_a_locked_field_is_not():
    name, found = verdict_of(failing(1, before=RICH, after=RICH), row(1, before=RICH, after=dict(RICH, year='')))
    assert name == 'broken' and found['decision'] == 'ROLLBACK' and found['items'][0]['lost'] == ['year']
    lost = dict(RICH)
    del lost['Genre']
    second = row(1, before=snap(RICH, ['genre']), after=snap(lost, ['genre']))
    name, found = verdict_of(failing(1, before=RICH, after=RICH), second)
    assert name == 'fixed' and found['regressions'] == []


def test_the_lock_of_the_roles_is_called_actor():
    assert compare.is_locked('Role', snap({}, ['actor'])) and compare.is_locked('agent: roles', snap({}, ['actor']))
    assert compare.is_locked('agent: posters', snap({}, ['thumb']))
    assert not compare.is_locked('Role', snap({}, ['title']))


def test_a_list_that_lost_more_than_half_is_lost():
    assert compare.lost_fields(snap({'Role': 7}), snap({'Role': 4})) == []
    assert compare.lost_fields(snap({'Role': 7}), snap({'Role': 3})) == ['Role']


def test_what_the_agent_wrote_counts_where_its_file_can_be_read():
    poor, rich = snap(POOR, agent={'title': 'T'}), snap(POOR, agent={'title': 'T', 'summary': 'S'})
    assert compare.gained_fields([poor, poor], rich) == ['agent: summary']
    assert compare.gained_fields([snap(POOR), poor], rich) == []
    assert compare.lost_fields(rich, poor) == ['agent: summary']
    assert compare.lost_fields(rich, snap(POOR)) == []
    assert compare.lost_fields(dict(rich, locked=['summary']), dict(poor, locked=['summary'])) == []


def test_every_episode_counts():
    few, more, fewer = [snap(POOR, agent={'title': 'T', 'episodes': total, 'episodes.summary': have})
                        for total, have in ((12, 9), (12, 12), (11, 8))]
    assert compare.gained_fields([few, few], more) == ['agent: episodes.summary']
    assert compare.gained_fields([few, more], more) == compare.gained_fields([more], few) == []
    assert compare.gained_fields([few], more, retest=True) == []        # a new one was aired meanwhile
    assert compare.lost_fields(more, few) == ['agent: episodes.summary']
    assert compare.lost_fields(few, fewer) == []            # an episode was deleted
    one, none = [snap(POOR, agent={'episodes': total, 'episodes.thumbs': have}) for total, have in ((9, 1), (8, 0))]
    assert compare.lost_fields(one, none) == []             # the only one that had any
    assert compare.lost_fields(more, few, retest=True) == compare.lost_fields(more, dict(few, agent=None)) == []
    item = snap(POOR, agent={'title': 'T', 'episodes': 9, 'episodes.summary': 8})
    for own, kin, has_all in ((None, 8, True), (8, 8, True), (9, 8, False), (9, 9, True)):      # in the library
        typical = compare.typical_fields([healthy(2, after=dict(item, leaves=kin))])
        assert compare.has_all_it_should(row(1, after=dict(item, leaves=own)), typical, None) == has_all
    assert compare.lost_fields(more, dict(few, agent={'episodes': 12, 'episodes.summary': 5}), retest=True)


def test_what_healthy_items_lose_without_any_fix_is_the_providers_doing():
    lost = dict(RICH)
    del lost['year']
    first = [failing(1, before=RICH, after=RICH), healthy(901, after=lost), healthy(902)]
    second = [row(1, before=RICH, after=dict(lost, tagline='new')), healthy(901, before=lost, after=lost),
              healthy(902, after=lost)]
    found = decide(first, second)
    assert found['regressions'] == [] and found['decision'] == 'KEEP'
    first[1] = healthy(901)
    assert decide(first, second)['decision'] == 'ROLLBACK'


# ----------------------------------------------------------------------------------------------------------- the sample
def test_what_heals_by_itself_leaves_the_sample():
    first = [failing(key) for key in range(14)] + [row(key) for key in range(14, 20)]
    second = [row(key, after=RICH if key < 7 else POOR) for key in range(20)]
    found = decide(first, second)
    assert (found['healed'], found['measured'], found['fixed'], found['decision']) == (6, 14, 7, 'MONITOR')


def test_an_item_that_failed_for_another_reason_proves_nothing():
    found = decide([failing(1), row(2, errors=[OTHER])], [row(1, after=RICH), row(2, errors=[OTHER])])
    assert (found['measured'], found['not_measured'], found['decision']) == (1, 1, 'KEEP')


@pytest.mark.parametrize('outcome', ['timeout', 'outage', 'gone', 'not_measured'])
def test_a_broken_measurement_is_counted_neither_way(outcome):
    broken = row(2, outcome=outcome, after=None, reason='the server was away')
    found = decide([failing(1), failing(2)], [row(1, after=RICH), broken])
    assert (found['measured'], found['not_measured'], found['decision']) == (1, 1, 'KEEP')
    found = decide([failing(1), dict(broken, errors=[])], [row(1, after=RICH)])
    assert (found['measured'], found['not_measured']) == (1, 1)


def test_of_several_refreshes_of_an_item_the_last_counts():
    first_try = row(1, outcome='timeout')
    found = decide([failing(1)], [first_try, row(1, after=RICH, attempt=2)])
    assert found['fixed'] == 1


def test_the_provider_is_not_blamed_on_the_fix_unless_it_was_so_before():
    down = {'pattern': 'p1-503', 'exception': 'HTTPError', 'message': 'HTTP Error 503'}
    second = row(1, errors=[down], upstream=['HTTP 503'])
    assert verdict_of(failing(1), second)[0] == 'not_measured'
    assert verdict_of(failing(1, upstream=['HTTP 503']), second)[0] == 'still_failing'
    assert verdict_of(failing(1), row(1, after=RICH, upstream=['HTTP 503']))[0] == 'fixed'
    assert verdict_of(failing(1), row(1, upstream=['time-out']))[0] == 'not_measured'
    found = decide([failing(1), healthy(9)], [row(1, after=RICH), healthy(9, errors=[down], upstream=['HTTP 503'])])
    assert found['regressions'] == [] and found['healthy']['not_measured'] == 1


def test_a_healthy_item_that_breaks_is_a_regression_whatever_the_rate():
    second = [row(key, after=RICH) for key in range(11)]
    found = decide([failing(key) for key in range(11)] + [healthy(901)], second + [healthy(901, errors=[ERROR])])
    assert found['success_percent'] == 100.0 and found['decision'] == 'ROLLBACK'
    assert found['broken'] == 0 and found['healthy']['broken'] == 1 and 'Title 901' in found['reason']
    found = decide([failing(key) for key in range(11)] + [healthy(901)], second + [healthy(901, after=POOR)])
    assert found['decision'] == 'ROLLBACK'


def test_a_healthy_item_that_failed_before_is_none():
    found = decide([failing(1), healthy(901, errors=[OTHER])], [row(1, after=RICH), healthy(901, errors=[OTHER])])
    assert found['decision'] == 'KEEP' and found['healthy']['not_healthy'] == 1


def test_a_plug_in_that_does_not_come_back_is_a_regression():
    found = decide([failing(1)], [row(1, outcome='not_measured')],
                   second_changes={'plug_in': {'starts': 1, 'failed_starts': 1, 'last_start_ok': False}})
    assert found['decision'] == 'ROLLBACK' and 'did not come back' in found['reason']
    assert decide([failing(1)], [row(1, after=RICH)], second_changes={'plug_in': None})['decision'] == 'KEEP'


def test_no_data_is_no_success():
    for first, second, words in (
            ([failing(1)], [], 'not refreshed'), ([row(1)], [row(1)], 'no error without the fix'), ([], [], 'empty'),
            ([failing(1)], [row(1, outcome='timeout', reason='no end within 60 s')], 'no end within 60 s')):
        found = decide(first, second)
        assert (found['decision'], found['success_percent'], found['measured']) == ('ROLLBACK', None, 0)
        assert 'nothing could be measured' in found['reason'] and words in found['reason']
    assert 'banned' in decide([failing(1)], [], second_changes={'stopped': 'the provider banned us'})['reason']


@pytest.mark.parametrize('change, words', [
    ({'server': {'machine_identifier': 'm', 'version': '1.41'}}, 'from 1.40 to 1.41'),
    ({'bundle_digest': 'e'}, 'other files of A.bundle'), ({'in_place': 'other'}, 'not as it left them'),
    ({'in_place_at_end': 'before'}, 'not as it left them'), ({'changed_meanwhile': True}, 'changed other code of A.bundle'),
    ({'in_place_at_end': 'before', 'changed_meanwhile': True}, 'during the after-test')])
def test_what_is_not_attributable_is_undecided(change, words):
    found = decide([failing(1), healthy(2)], [row(1, after=RICH), healthy(2, after=POOR)], second_changes=change)
    assert found['undecided'] is True and found['decision'] == 'ROLLBACK' and words in found['reason']
    assert (found['measured'], found['not_measured'], found['regressions']) == (0, 1, [])
    assert compare.exit_code(found) == 3 and found['reason'].count('after-test') < 2
    reader.parse_report(compare.report_text(found, 1))


def test_in_a_re_test_other_fixes_of_ours_may_stand_in_the_bundle():
    found = decide([failing(1)], [row(1, after=RICH)], second_changes={'bundle_digest': 'e', 'retest': True})
    assert found['decision'] == 'KEEP'


def test_search_is_judged_by_its_matches():
    match, nothing = {'fields': {'matches': 3}, 'locked': [], 'agent': None}, snap({})
    first = dict(failing(1, after=nothing), before=None)
    held_out = dict(healthy(9, after=match), before=None)
    found = decide([first, held_out], [dict(row(1, after=match), before=None), held_out])
    assert found['fixed'] == 1 and found['regressions'] == []
    found = decide([first, held_out], [dict(row(1, after=nothing), before=None), held_out])
    assert found['silenced'] == 1
    own, other = [dict(match, fields=dict(match['fields'], **more)) for more in ({'own title': 1}, {'best match': 'South Pier'})]
    beside = dict(held_out, after=own)
    found = [decide([first, beside], [dict(row(1, after=after), before=None), beside]) for after in (own, other)]
    assert [one['fixed'] for one in found] == [1, 0] and 'South Pier' in found[1]['items'][0]['note']
    assert 'gained nothing' not in compare.report_text(found[1], 1) and 'called otherwise' in compare.report_text(found[1], 1)
    found = decide([first, held_out], [dict(row(1, after=match), before=None), dict(held_out, after=nothing)])
    assert found['decision'] == 'ROLLBACK' and found['healthy']['broken'] == 1


# ----------------------------------------------------------------------------------------------------------- properties
def random_documents(random_source):
    """Two documents as an active test may leave them, drawn anew each time."""
    fields = ['title', 'summary', 'year', 'Genre', 'thumb']

    def some():
        return snap(dict((name, random_source.choice([1, 7])) for name in fields if random_source.random() < .7),
                    [name.lower() for name in fields if random_source.random() < .1],
                    random_source.choice([None, {'title': 'T'}, {'title': 'T', 'genres': 5}]))

    def refreshed(key, role):
        errors = random_source.choice([[], [], [ERROR], [OTHER], [ERROR, OTHER]])
        outcome = 'error' if errors else random_source.choice(['ok', 'ok', 'ok', 'timeout', 'outage', 'gone',
                                                               'not_measured'])
        found = row(key, role, outcome, errors=errors, reason=None if outcome in ('ok', 'error') else 'why not',
                    upstream=random_source.choice([[], [], [], ['HTTP 503']]),
                    type=random_source.choice(['movie', 'show']))
        found['before'], found['after'] = some(), some() if outcome in ('ok', 'error') else None
        return found
    roles = [(str(key), 'failing') for key in range(random_source.randrange(0, 23))] + [
        (str(key), 'healthy') for key in range(900, 900 + random_source.randrange(0, 5))]
    first = [refreshed(key, role) for key, role in roles]
    second = [refreshed(key, role) for key, role in roles if random_source.random() < .9]
    return before_document(first), after_document(
        second, patterns_seen=[dict(OTHER, count=1, noise=None)] if random_source.random() < .2 else [],
        plug_in={'last_start_ok': random_source.choice([True, True, True, None, False])})


@pytest.mark.parametrize('seed', range(7))
def test_what_must_hold_for_any_rows(seed):
    random_source = random.Random(seed)
    for _ in range(101):
        before, after = random_documents(random_source)
        frozen = copy.deepcopy((before, after))
        found = compare.decide(before, after)
        assert (before, after) == frozen                        # nothing of the input is changed
        assert found['fixed'] + found['silenced'] + found['still_failing'] + found['broken'] == found['measured']
        failing_rows = sum(row['role'] == 'failing' for row in before['rows'])
        assert found['measured'] + found['healed'] + found['not_measured'] == failing_rows
        if found['decision'] != 'ROLLBACK':
            assert found['measured'] and not found['regressions'] and found['broken'] == 0
        if found['decision'] == 'KEEP':
            assert 4 * found['fixed'] >= 3 * found['measured']
        if found['decision'] == 'MONITOR':
            assert found['measured'] <= 2 * found['fixed'] and 4 * found['fixed'] < 3 * found['measured']
        read_back = reader.parse_report(compare.report_text(found, 3))
        reader.check_against_twin(read_back, json.loads(json.dumps(found)))
        assert read_back['decision'] == found['decision'] and read_back['regressions'] == len(found['regressions'])


@pytest.mark.parametrize('seed', range(5))
def test_one_more_fixed_item_never_worsens_a_verdict_and_one_more_failure_never_betters_it(seed):
    random_source, order = random.Random(seed), ['ROLLBACK', 'MONITOR', 'KEEP']
    for _ in range(23):
        before, after = random_documents(random_source)
        now = order.index(compare.decide(before, after)['decision'])
        second = [entry for entry in after['rows'] if entry['rating_key'] != '777']
        better = compare.decide(dict(before, rows=before['rows'] + [failing(777, after=snap({}), type='album')]),
                                dict(after, rows=second + [row(777, after=RICH, before=snap({}), type='album')]))
        worse = compare.decide(dict(before, rows=before['rows'] + [failing(777)]),
                               dict(after, rows=second + [failing(777)]))
        assert order.index(better['decision']) >= now
        assert order.index(worse['decision']) <= now


# ------------------------------------------------------------------------------------------------------------ the files
def write_run(folder, first, second, postfix=None):
    logs.write_json(active.active_test_path(str(folder), 2, 'before'), first, active.ACTIVE_TEST_SCHEMA)
    logs.write_json(active.active_test_path(str(folder), 2, 'after'), second, active.ACTIVE_TEST_SCHEMA)
    if postfix:
        logs.write_json(logs.aggregate_path(str(folder), 2, postfix=True), postfix, 1)


def call(*words, **environment):
    environment = dict(os.environ, **dict((str(key), str(value)) for key, value in environment.items()))
    command = [sys.executable, os.path.join(ROOT, 'compare_metrics.py')] + [str(word) for word in words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    out, err = process.communicate()
    return process.returncode, out.decode('utf-8'), err.decode('utf-8')


def big_run(folder):
    first = [failing(key, title='Tït|e `%d` # *x*' % key) for key in range(13)] + [healthy(901)]
    write_run(folder, before_document(first), after_document(
        [row(key, after=RICH if key < 11 else POOR) for key in range(13)] + [healthy(901)]))


def test_the_same_files_give_the_same_bytes_anywhere(tmpdir):
    found = []
    for place, seed in ((tmpdir.mkdir('one'), 0), (tmpdir.mkdir('the other one'), 12345)):
        big_run(place)
        assert call('--run-dir', place, '--iteration', 2, PYTHONHASHSEED=seed, TZ='UTC+%d' % (seed % 7))[0] == 0
        found.append([place.join('test_report_iteration_2' + suffix).read_binary() for suffix in ('.md', '.json')])
    assert found[0] == found[1]
    assert b'the other one' not in found[1][0] + found[1][1]
    assert not re.search(b'\\d{4}-\\d\\d-\\d\\d', found[0][0])


def test_the_report_is_prose_and_its_tables_are_whole(tmpdir):
    big_run(tmpdir)
    code, out, err = call('--run-dir', tmpdir, '--iteration', 2)
    text = tmpdir.join('test_report_iteration_2.md').read_binary().decode('utf-8')
    assert (code, err) == (0, '') and out.startswith('KEEP: 11 of 13')
    assert '`' not in text and not re.search(r'^(    |\t)', text, re.M)
    for line in text.splitlines():
        if line.startswith('|') and 'Tït' in line:
            assert line.count('|') == 6
    assert text.index('Decision') < text.index('## Numbers') < text.index('## Why?') < text.index('What remains')


@pytest.mark.parametrize('fixed, code', [(13, 0), (7, 3), (5, 6)])
def test_exit_codes_follow_the_decision(tmpdir, fixed, code):
    write_run(tmpdir, before_document([failing(key) for key in range(13)]),
              after_document([row(key, after=RICH if key < fixed else POOR) for key in range(13)]))
    assert call('--run-dir', tmpdir, '--iteration', 2, '--quiet') == (code, '', '')
    found = compare.read_test_report(compare.test_report_path(str(tmpdir), 2))
    assert found['fixed'] == fixed and found['iteration'] == 2


def test_bad_input_is_one_sentence_that_says_what_to_do(tmpdir):
    code, out, err = call('--run-dir', tmpdir, '--iteration', 2)
    assert code == 4 and 'run test_fix_actively.py first' in err and len(err.splitlines()) == 1
    write_run(tmpdir, before_document([failing(1)]), after_document([row(1)], fix='other'))
    code, out, err = call('--run-dir', tmpdir, '--iteration', 2)
    assert code == 4 and 'different fixes' in err and len(err.splitlines()) == 1
    write_run(tmpdir, before_document([failing(1)]), after_document([row(1)], window={'from': 'x', 'to': None}))
    code, out, err = call('--run-dir', tmpdir, '--iteration', 2)
    assert code == 3 and 'interrupted' in err and len(err.splitlines()) == 1
    write_run(tmpdir, before_document([failing(1)]), after_document([{'rating_key': '1'}]))
    code, out, err = call('--run-dir', tmpdir, '--iteration', 2)
    assert code == 4 and 'lacks' in err and len(err.splitlines()) == 1
    tmpdir.join('active_test_iteration_2_after.json').write('{"schema": 99}')
    code, out, err = call('--run-dir', tmpdir, '--iteration', 2)
    assert code == 4 and 'schema 99' in err and len(err.splitlines()) == 1
    assert sorted(path.basename for path in tmpdir.listdir()) == ['active_test_iteration_2_after.json',
                                                                  'active_test_iteration_2_before.json']


@pytest.mark.parametrize('said, words', [(None, None), (0, 'never logged'), (7, None)])
def test_a_patch_that_never_had_anything_to_do_may_have_met_items_that_healed(said, words):
    found = decide([failing(key) for key in range(9)], [row(key, after=RICH) for key in range(9)],
                   second_changes={'said': said})
    assert found['decision'] == 'KEEP' and (words is None or words in found['reason'])
    assert ('healed' in found['reason']) == (said == 0)
    assert ('logged for 7 items' in compare.report_text(found, 1)) == (said == 7)
    again = decide([failing(1)], [row(1, after=RICH)], {'said': 3}, {'said': said})
    assert again['said'] is None and 'logged' not in again['reason']    # the agent says so without the fix, too


# ---------------------------------------------------------------------------------------------------- seen without it again
EMPTY = {'title': 'T'}


@pytest.mark.parametrize('with_fix, again, weather, lost', [
    ([row(1, after=EMPTY), healthy(2, after=EMPTY), healthy(3, after=EMPTY)], [healthy(2), healthy(3)], False, []),
    ([row(1, after=EMPTY), healthy(2, after=EMPTY), healthy(3, after=EMPTY)],
     [healthy(2, before=EMPTY, after=EMPTY), healthy(3, before=EMPTY, after=EMPTY)], True, ['2', '3']),
    ([row(1, after=EMPTY), healthy(2, after=EMPTY), healthy(3)], [healthy(2), healthy(3)], False, []),
    ([failing(1), healthy(2, errors=[OTHER]), healthy(3)], [healthy(2, errors=[OTHER])], True, []),
    ([failing(1), healthy(2, after=EMPTY, errors=[OTHER]), healthy(3)], [healthy(2, outcome='timeout', after=None)], False, ['2']),
    ([failing(1), healthy(2, errors=[OTHER]), healthy(3, errors=[OTHER])], [
        healthy(2, errors=[OTHER]), healthy(3, outcome='outage', after=None)], True, []),     # what is known tells
    ([row(1, errors=[OTHER]), healthy(2), healthy(3)], [failing(1)], False, []),        # only with the fix
    ([row(1, errors=[OTHER]), healthy(2), healthy(3)], [row(1, errors=[OTHER])], True, []),
    # one that lost something by the provider is there to get it back, and tells nothing
    ([failing(1), healthy(2, errors=[OTHER]), healthy(3, after=EMPTY, upstream=['HTTP 503'])], [
        healthy(2, errors=[OTHER]), healthy(3)], True, []),
    ([failing(1), healthy(2, errors=[OTHER]), healthy(3, after=EMPTY, upstream=['HTTP 503'])], [
        healthy(2), healthy(3, after=EMPTY)], False, ['3'])])
def test_what_is_wrong_without_the_fix_too_was_not_its_doing(with_fix, again, weather, lost):
    seen = [dict(error, count=1, noise=None) for item in with_fix for error in item['errors']]
    before, after = before_document([failing(1), healthy(2), healthy(3)]), after_document(with_fix, patterns_seen=seen)
    verdict = compare.decide(before, after)
    assert verdict['decision'] == 'ROLLBACK'
    if verdict['regressions']:
        keys = compare.broken_items(verdict, after)
        undone = after_document([item for item in again if item['rating_key'] in keys])
        found, items = compare.seen_without(verdict, before, undone)
        assert (found, [item['rating_key'] for item in items]) == (weather, lost)
    else:
        assert not weather


NOT_FOUND = {'pattern': 'p1-404', 'exception': 'HTTPError', 'message': 'HTTP Error 404: Not Found'}
OPENING = {'pattern': 'p1-url', 'exception': None, 'message': "Error opening URL 'http://a.example/film/1'"}
ELSEWHERE = dict(OPENING, message="Error opening URL 'http://b.example/film/1'")


def cut_off(key, role='failing', noise=(OPENING,), **more):
    return row(key, role, **dict({'before': RICH, 'after': RICH, 'errors': [NOT_FOUND], 'noise': list(noise)}, **more))


@pytest.mark.parametrize('first, second, words', [
    ([failing(1), failing(2)], [cut_off(1), cut_off(2)], 'a.example failed 4 items'),
    ([failing(1), failing(2)], [row(1, after=RICH), cut_off(2)], 'a.example failed 3 items'),
    ([failing(1), failing(2)], [cut_off(1, noise=()), cut_off(2, noise=())], None),        # of the healthy ones it is known
    ([failing(1), failing(2)], [row(1, after=RICH), row(2, after=RICH)], None),             # it spared what fails: a patch can
    ([failing(1), failing(2)], [cut_off(1), row(2, after=RICH)], 'a.example failed 3 items'),       # two at a time
    ([failing(key) for key in (1, 2, 5, 6)], [cut_off(1)] + [row(key, after=RICH) for key in (2, 5, 6)], None),     # no stretch
    ([dict(failing(key), noise=[OPENING]) for key in (1, 2)], [cut_off(1), cut_off(2)], None),  # it was so without the fix
    ([failing(1), failing(2)], [cut_off(1, noise=[ELSEWHERE]), cut_off(2, noise=[ELSEWHERE])], None)])
@pytest.mark.parametrize('retest', [False, True])
def test_a_host_that_fails_all_at_once_is_no_fault_of_the_fix(first, second, words, retest):
    found = decide(first + [healthy(3), healthy(4)], second + [cut_off(3, 'healthy'), cut_off(4, 'healthy', after=EMPTY)],
                   second_changes={'retest': retest})
    assert found['decision'] == 'ROLLBACK' and found['undecided'] == bool(words) and found['stays'] == bool(words and retest)
    after = after_document([cut_off(4, 'healthy', after=EMPTY)])
    assert not words or compare.broken_items(found, after) == ['4']         # to get back what it lost, when the fix is out
    assert not words or words in found['reason'] and [item['lost'] for item in found['items']][-1] == ['Genre', 'summary', 'year']
    assert ('stays in place with the verdict' in compare.report_text(found, 1)) == found['stays']
    assert reader.parse_report(compare.report_text(found, 1))['undecided'] == bool(words)
    only_a_picture = [dict(row(key, after=RICH), noise=[OPENING]) for key in (1, 2)]
    found = decide([failing(1), failing(2), healthy(3), healthy(4)], only_a_picture + [
        dict(healthy(key), noise=[OPENING]) for key in (3, 4)], second_changes={'retest': retest})
    assert (found['decision'], found['outage']) == ('KEEP', None)
    assert not decide(first + [healthy(3), healthy(4)], second + [cut_off(3, 'healthy'), cut_off(4, 'healthy')], second_changes={
        'retest': retest, 'plug_in': {'last_start_ok': False}})['stays']        # what is down does not stay in place
    one_harmed_elsewhere = decide(first + [healthy(3), healthy(4), healthy(5)], second + [
        cut_off(3, 'healthy'), cut_off(4, 'healthy'), healthy(5, errors=[OTHER])])
    assert not one_harmed_elsewhere['undecided']


@pytest.mark.parametrize('through, again, by_fix', [
    ([], [healthy(3), healthy(4)], True), ([row(5, after=RICH)], [healthy(3), healthy(4)], False),
    ([], [healthy(3), healthy(4, after=EMPTY)], False), ([], [healthy(3), healthy(4, outcome='timeout', after=None)], False),
    ([], [healthy(3), healthy(4, errors=[NOT_FOUND], upstream=['HTTP 503'])], False)])
def test_a_patch_that_breaks_the_address_is_known_by_what_is_well_again_without_it(through, again, by_fix):
    before = before_document([failing(5)] * len(through) + [failing(1), failing(2), healthy(3), healthy(4)])
    after = after_document(through + [cut_off(1), cut_off(2)] + [cut_off(key, 'healthy', after=EMPTY) for key in (3, 4)])
    verdict = compare.decide(before, after)
    assert verdict['outage'] and compare.broken_items(verdict, after) == ['3', '4']
    assert compare.is_cut_off(verdict, before, after, after_document(again)) == by_fix
    assert not compare.is_cut_off(dict(verdict, outage=None), before, after, after_document(again))


@pytest.mark.parametrize('second, changes, stays', [
    ([row(1, outcome='timeout', after=None), failing(2, upstream=['HTTP 503'])], {}, True),
    ([row(1, outcome='outage', after=None), row(2, outcome='not_measured', after=None)], {'stopped': 'gone'}, True),
    ([row(1, outcome='gone', after=None), row(2, outcome='gone', after=None)], {}, False),
    ([row(1, outcome='timeout', after=None), failing(2)], {}, False),
    ([failing(1), row(2, after=RICH)], {'changed_meanwhile': True}, True),
    ([failing(1), row(2, after=RICH)], {'changed_meanwhile': True, 'in_place_at_end': 'before'}, False),
    ([row(1, outcome='timeout', after=None)], {'in_place_at_end': 'other'}, False),
    ([row(1, outcome='timeout', after=None)], {'plug_in': {'last_start_ok': False}}, False)])
def test_a_night_in_which_nothing_can_be_measured_undoes_nothing_that_was(second, changes, stays):
    for retest in (True, False):
        found = decide([failing(1), failing(2)], second, second_changes=dict(changes, retest=retest))
        assert (found['decision'], found['stays']) == ('ROLLBACK', stays and retest)
        assert found['undecided'] or not found['stays']


def test_items_that_fail_and_lost_something_excuse_no_fix_that_spared_the_healthy_ones():
    rich = [failing(1, before=RICH, after=RICH), healthy(2), healthy(3)]
    before, after = before_document(rich), after_document([row(1, before=RICH, after=EMPTY), healthy(2, after=EMPTY), healthy(3)])
    verdict = compare.decide(before, after)
    assert sorted(compare.broken_items(verdict, after)) == ['1', '2']
    gone = after_document([failing(1, before=EMPTY, after=EMPTY), healthy(2, before=EMPTY, after=EMPTY)])
    found, items = compare.seen_without(verdict, before, gone)
    assert not found and [item['rating_key'] for item in items] == ['1', '2']
