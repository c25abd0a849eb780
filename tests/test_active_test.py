# -*- coding: utf-8 -*-
"""The active test on a server, a log and a clock of our own: what it asks for, how it waits, when it stops."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import hashlib
import io
import json
import os

import pytest

import aggregate_plex_logs as logs
import implement_fix
import test_fix_actively as active

AGENT = 'com.plexapp.agents.example'
TARGET = 'p1-target'


def guid_of(key):
    return '%s://m%s?lang=en' % (AGENT, key)


class Clock(object):
    def __init__(self):
        self.now = 1700000000.

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += max(seconds, .001)


class World(object):
    """A server and its agent's log in one: behave[key] says what a refresh of that item does."""

    def __init__(self, count=7):
        self.clock = Clock()
        self.agent = AGENT
        self.items = dict((str(key), {'fields': {'title': 'Title %s' % key}, 'locked': []})
                          for key in range(101, 101 + count))
        self.behave = {}
        self.refreshed = []
        self.log = []                       # (time, 'call' or 'event' or 'start', record)
        self.refreshed_at = {}
        self.flying = []
        self.most_flying = 0
        self.away = lambda now: False
        self.marks = []
        self.gap = None
        self.debug = True

    # -- as a PlexServer
    def check(self):
        if self.away(self.clock.now):
            raise implement_fix.ServerError('http://127.0.0.1:32400 does not answer (refused)')

    def identity(self):
        return {'machine_identifier': 'm', 'version': '1.40'}

    def sections(self):
        self.check()
        return [{'key': '1', 'type': 'movie', 'agent': AGENT}, {'key': '2', 'type': 'movie', 'agent': AGENT},
                {'key': '3', 'type': 'movie', 'agent': 'other'}]

    def items_of(self, key, number=None):
        return [self.item(rating_key) for rating_key in sorted(self.items) if str(1 + int(rating_key) % 2) == key]

    def item(self, rating_key):
        self.check()
        self.finish_what_is_due()
        item = self.items.get(rating_key)
        return item and {'rating_key': rating_key, 'guid': guid_of(rating_key), 'type': 'movie',
                         'title': 'Title %s' % rating_key, 'section_key': str(1 + int(rating_key) % 2),
                         'fields': dict(item['fields']), 'locked': list(item['locked']), 'updated_at': 7}

    def tree_times(self, rating_key):
        self.check()
        self.finish_what_is_due()
        return {'refreshed_at': self.refreshed_at.get(rating_key), 'updated_at': 7}

    def refresh(self, rating_key):
        self.check()
        self.refreshed.append((self.clock.now, rating_key))
        behave = self.behave.get(rating_key, {})
        if not behave.get('ignored'):
            call = {'kind': 'update', 'guid': guid_of(rating_key), 'rating_key': rating_key, 'ended': False,
                    'start': self.clock.now, 'end': None, 'thread': '7f'}
            if self.debug:
                self.log.append((self.clock.now, 'call', call))
            self.flying.append((self.clock.now + behave.get('seconds', 1), rating_key, call))
            self.most_flying = max(self.most_flying, len(self.flying))

    def finish_what_is_due(self):
        for entry in [entry for entry in self.flying if entry[0] <= self.clock.now]:
            end, key, call = entry
            behave = self.behave.get(key, {})
            names = {'possible': [{'rating_key': name, 'guid': guid_of(name)} for _, name, _ in self.flying]
                     } if behave.get('threads') else {'rating_key': key, 'guid': guid_of(key)}
            self.flying.remove(entry)
            if behave.get('hangs'):
                continue
            for event in behave.get('events', ()):
                self.log.append((end, 'event', dict(event, **names)))
            self.items[key]['fields'].update(behave.get('gains', {}))
            self.refreshed_at[key] = int(end)
            call.update(ended=True, end=end)

    def activities(self):
        self.check()
        return [{'rating_key': key} for _, key, _ in self.flying]

    def update_queue_size(self, section):
        self.check()
        return 0

    def matches(self, key):
        self.check()
        self.log.append((self.clock.now, 'call', {'kind': 'search', 'guid': None, 'rating_key': key, 'ended': True,
                                                  'start': self.clock.now, 'end': self.clock.now}))
        for event in self.behave.get(key, {}).get('events', ()):
            self.log.append((self.clock.now, 'event', dict(event, rating_key=key, guid=None)))
        return self.behave.get(key, {}).get('matches', [])

    def write_log_mark(self, text):
        self.marks.append(text)

    # -- as a LogWatch
    def position(self):
        return len(self.log)

    def read(self, kind, position):
        self.finish_what_is_due()
        return [record for _, what, record in self.log[position or 0:] if what == kind]

    def events(self, position):
        return self.read('event', position)

    def calls(self, position):
        return self.read('call', position)

    def starts(self, position=None):
        return self.read('start', position)

    def calls_since_start(self):
        return self.calls(0)

    def holds_calls(self):
        return self.debug


def event(pattern=TARGET, exception='KeyError', message="'year'", noise=None):
    return {'pattern': pattern, 'exception': exception, 'message': message, 'noise': noise, 'agent': AGENT,
            'guid': None, 'rating_key': None, 'time': None}


def options(**changes):
    return argparse.Namespace(**dict({'concurrency': 2, 'pause': 2., 'timeout': 60.}, **changes))


def rows_for(world, role='failing'):
    return [{'rating_key': key, 'guid': guid_of(key), 'title': 'Title %s' % key, 'type': 'movie', 'section': '1',
             'role': role} for key in sorted(world.items)]


def measure(world, mode='refresh', rows=(), **changes):
    kept = []
    tester = active.Tester(world, world, options(**changes), None, clock=world.clock,
                           keep=lambda found: kept.append(len(found)))
    found = tester.measure(rows_for(world), mode, rows)
    assert kept and kept[-1] == len(found)
    return tester, active.last_rows(found)


# ----------------------------------------------------------------------------------------------------- what is recorded
def test_an_error_is_tied_to_its_item_and_noise_is_kept_apart():
    world = World(7)
    world.behave['103'] = {'events': [
        event(), event('p1-noise', None, 'Cannot read model from /x', 'harmless'), event()]}
    tester, rows = measure(world)
    assert [row['outcome'] for row in rows.values()] == ['ok', 'ok', 'error', 'ok', 'ok', 'ok', 'ok']
    assert [error['pattern'] for error in rows['103']['errors']] == [TARGET]
    assert [error['pattern'] for error in rows['103']['noise']] == ['p1-noise']
    assert rows['104']['errors'] == rows['104']['noise'] == []
    assert rows['103']['started'] < rows['103']['ended']


def test_what_the_item_has_is_read_before_and_after():
    world = World(2)
    world.behave['101'] = {'gains': {'summary': 'A story', 'Genre': 3, 'rating': '0.0', 'leafCount': 5}}
    _, rows = measure(world)
    assert rows['101']['before']['fields'] == {'title': 'Title 101'}
    assert rows['101']['after']['fields'] == {'title': 'Title 101', 'summary': 'A story', 'Genre': 3}


@pytest.mark.parametrize('others', [False, True])
def test_who_else_refreshed_an_item_with_the_fix_in_place_is_seen(others):
    world = World(4)
    world.refresh('103')                        # before the test begins, and in its course
    world.finish_what_is_due()
    tester = active.Tester(world, world, options(concurrency=1), None, clock=world.clock, others=others)
    begin, world.refresh = world.refresh, lambda key: (begin(key), begin('104')) if key == '101' else begin(key)
    rows = active.last_rows(tester.measure(rows_for(world), 'refresh'))
    assert [key for key, row in sorted(rows.items()) if row['touched']] == (['103', '104'] if others else [])


def test_an_error_that_is_logged_after_the_end_is_still_found():
    world = World(1)
    late = dict(event(), rating_key='101', guid=guid_of('101'))
    original = world.clock.sleep

    def sleep(seconds):
        if world.refreshed_at and not world.events(0):
            world.log.append((world.clock.now, 'event', late))
        original(seconds)
    world.clock.sleep = sleep
    _, rows = measure(world)
    assert rows['101']['outcome'] == 'error'


def test_refreshes_are_paced_and_bounded():
    world = World(7)
    world.behave = dict((key, {'seconds': 11}) for key in world.items)
    measure(world, concurrency=2, pause=3.)
    times = [time for time, _ in world.refreshed]
    assert world.most_flying == 2 and len(times) == 7
    assert min(later - earlier for earlier, later in zip(times, times[1:])) >= 3


def test_without_spans_in_the_log_the_server_proves_the_end():
    world = World(3)
    world.debug = False
    _, rows = measure(world)
    assert [(row['outcome'], row['proof']) for row in rows.values()] == [('ok', 'the server refreshed it')] * 3


# -------------------------------------------------------------------------------------------------- broken measurements
def test_a_refresh_without_end_is_tried_twice_and_then_a_timeout():
    world = World(3)
    world.behave['102'] = {'hangs': True}
    _, rows = measure(world)
    assert rows['102']['outcome'] == 'timeout' and rows['102']['attempt'] == 2
    assert 'still at work' in rows['102']['reason'] and rows['102']['before'] is not None
    assert rows['103']['outcome'] == 'ok'


def test_too_many_timeouts_stop_the_test():
    world = World(11)
    world.behave = dict((key, {'hangs': True}) for key in world.items)
    tester, rows = measure(world)
    assert 'did not end' in tester.stopped
    assert len(rows) == 11 and set(row['outcome'] for row in rows.values()) == {'timeout', 'not_measured'}
    assert len(world.refreshed) <= active.TIMEOUTS_ALLOWED + 3


@pytest.mark.parametrize('message, words', [
    ('HTTP Error 429: Too Many Requests', 'HTTP 429'), ('<error code="500">banned</error>', 'ban')])
def test_a_ban_stops_the_test_at_once(message, words):
    world = World(11)
    world.behave['103'] = {'events': [event('p1-ban', 'HTTPError', message)]}
    tester, rows = measure(world, concurrency=1)
    assert words in tester.stopped and [key for _, key in world.refreshed] == ['101', '102', '103']
    assert rows['104']['outcome'] == 'not_measured' and rows['104']['reason'] == tester.stopped
    assert rows['101']['outcome'] == 'ok' and rows['101']['after']


def test_three_refusals_in_a_row_stop_the_test_and_two_do_not():
    for count, stopped in ((2, False), (3, True)):
        world = World(7)
        for key in sorted(world.items)[:count]:
            world.behave[key] = {'events': [event('p1-403', 'HTTPError', 'HTTP Error 403: Forbidden')]}
        tester, rows = measure(world, concurrency=1)
        assert bool(tester.stopped) == stopped
        assert rows['101']['outcome'] == 'error' and rows['101']['upstream'] == ['HTTP 403']


def test_a_status_that_the_agent_coped_with_and_a_warning_are_no_errors():
    world = World(3)
    world.behave['101'] = {'events': [event('p1-url', None, "Error opening URL 'http://a.example/1.jpg'"),
                                      dict(event('p1-warning', None, 'Error decoding with simplejson'), level='WARNING')]}
    world.behave['102'] = {'events': [event('p1-own', None, 'Failed to read the page')]}
    _, rows = measure(world)
    assert [row['outcome'] for row in rows.values()] == ['ok', 'error', 'ok'] and len(rows['101']['noise']) == 2


def test_a_404_is_an_answer_and_no_failure_of_the_provider():
    assert active.upstream_failures([event('p', 'HTTPError', 'HTTP Error 404: Not Found')]) == []
    assert active.upstream_failures([event('p', 'KeyError', "'banned'"), event('p', 'TypeError', 'Timeout() takes')]) == []
    assert active.upstream_failures([event('p', 'timeout', 'timed out'), event('p', 'URLError', '<urlopen error x>'),
                                     event('p', 'HTTPError', 'HTTP Error 503: Busy'), event('p', 'BadStatusLine', "''")]) == [
        'HTTP 503', 'no connection', 'time-out']


def test_an_outage_is_waited_for_and_what_was_in_the_air_is_measured_again():
    world = World(7)
    began = world.clock.now
    world.away = lambda now: began + 5 <= now < began + 31
    tester, rows = measure(world)
    assert tester.stopped is None
    assert [row['outcome'] for row in rows.values()] == ['ok'] * 7
    assert set(row['outcome'] for row in tester.rows if row['attempt'] == 1) == {'ok', 'outage'}


def test_a_server_that_does_not_come_back_stops_the_test_and_keeps_what_was_measured():
    world = World(7)
    began = world.clock.now
    world.away = lambda now: now >= began + 7
    tester, rows = measure(world)
    assert 'did not come back' in tester.stopped
    outcomes = [row['outcome'] for row in rows.values()]
    assert outcomes[:2] == ['ok', 'ok'] and rows['101']['after']
    assert 'outage' in outcomes and set(outcomes[4:]) == {'not_measured'} and len(outcomes) == 7


def test_without_a_pause_the_next_item_begins_when_one_has_ended():
    world = World(7)
    world.behave = dict.fromkeys(world.items, {'seconds': .04})
    tester, _ = measure(world, pause=0, concurrency=1)
    assert len(tester.rows) == 7 and round(world.clock.now - 1700000000, 2) == .35      # .05 each: a look, no rest


def test_a_dropped_connection_is_no_outage():
    world = World(5)
    drops = [True]

    def away(now):
        return len(world.refreshed) == 2 and bool(drops) and drops.pop()
    world.away = away
    tester, rows = measure(world)
    assert not drops and tester.stopped is None
    assert [(row['outcome'], row['attempt']) for row in rows.values()] == [('ok', 1)] * 5


def test_a_plug_in_that_restarts_meanwhile_breaks_the_measurement():
    world = World(1)
    world.behave['101'] = {'hangs': True}
    original = world.refresh

    def refresh(key):
        original(key)
        if len(world.refreshed) == 1:
            world.log.append((world.clock.now + 1, 'start', {'time': world.clock.now + 1, 'ok': True}))
            world.behave.clear()
            world.flying[:] = []
    world.refresh = refresh
    tester, rows = measure(world)
    assert [row['outcome'] for row in tester.rows] == ['not_measured', 'ok']
    assert 'restarted' in tester.rows[0]['reason']


def test_an_agent_that_is_not_called_is_no_success():
    world = World(3)
    world.behave['103'] = {'ignored': True}
    original = world.refresh

    def refresh(key):
        original(key)
        if key == '103':
            world.refreshed_at[key] = int(world.clock.now)
    world.refresh = refresh
    _, rows = measure(world)
    assert rows['103']['outcome'] == 'not_measured' and 'did not call the agent' in rows['103']['reason']


def test_what_may_be_of_two_items_is_found_out_by_refreshing_them_one_by_one():
    world = World(4)
    world.behave = dict((key, {'seconds': 5}) for key in world.items)
    world.behave['102'].update(events=[event()], threads=True)
    tester, rows = measure(world)
    assert (world.most_flying, tester.concurrency) == (2, 1)
    assert [(rows[key]['outcome'], rows[key]['attempt']) for key in sorted(rows)] == [
        ('ok', 1), ('error', 2), ('ok', 2), ('ok', 1)]
    one, other = [{'guid': None, 'rating_key': key} for key in '12']
    found = dict(event(), time=15., possible=[one, other])      # the other may have left a thread at work
    call = dict(other, start=1., end=9., ended=True)
    busy = [dict(call, end=None, ended=False), dict(call, end=16.), dict(call, end=14.9)]
    assert active.events_of_item([found], one) == ([], [found])
    assert active.events_of_item([found], one, [call], True) == ([found], [])
    assert [active.events_of_item([found], one, [still], True) for still in busy] == [([], [found])] * 3
    found['possible'] = [one]
    assert active.events_of_item([found], one) == ([found], [])
    assert active.events_of_item([found], one, busy[:1]) == ([], [found])


def test_a_log_with_a_gap_is_no_proof_that_nothing_was_logged():
    world = World(2)
    world.gap = 'Permission denied'
    world.behave['102'] = {'events': [event()]}
    _, rows = measure(world)
    assert rows['101']['outcome'] == 'not_measured' and 'Permission denied' in rows['101']['reason']
    assert rows['102']['outcome'] == 'error'


def test_what_a_log_that_was_rotated_away_has_spoiled_is_measured_once_more():
    world = World(3)
    read = world.events

    def events(position):                   # lost is what only the last look at everything reads anew
        world.gap = 'rotated away' if position == 0 and len(world.refreshed) == 3 and not world.flying and len(
            read(0)) == 0 and world.clock.now > world.refreshed[-1][0] + 4 else None
        return read(position)
    world.events = events
    _, rows = measure(world)
    assert [(row['outcome'], row['attempt']) for row in rows.values()] == [('ok', 2)] * 3
    assert len(world.refreshed) == 6


def test_nothing_is_asked_of_a_plug_in_that_is_down():
    world = World(5)
    world.log.append((world.clock.now, 'start', {'time': world.clock.now, 'ok': False, 'error': 'SyntaxError: x'}))
    tester, rows = measure(world)
    assert world.refreshed == [] and 'SyntaxError: x' in tester.stopped
    assert set(row['outcome'] for row in rows.values()) == {'not_measured'}


def test_an_item_that_is_deleted_is_gone():
    world = World(3)
    original = world.refresh

    def refresh(key):
        original(key)
        world.items.pop('102', None)
        world.flying[:] = [entry for entry in world.flying if entry[1] != '102']
    world.refresh = refresh
    _, rows = measure(world, concurrency=1)
    assert [row['outcome'] for row in rows.values()] == ['ok', 'gone', 'ok']


def test_a_search_is_tested_by_its_matches_and_nothing_is_refreshed():
    world = World(3)
    world.behave = {'101': {'matches': [{'guid': 'g', 'name': 'n', 'year': 2001, 'score': 90}]},
                    '102': {'events': [event()]}}
    _, rows = measure(world, mode='match')
    assert world.refreshed == []
    assert [row['outcome'] for row in rows.values()] == ['ok', 'error', 'ok']
    assert rows['101']['after']['fields'] == {'matches': 1, 'best match': 'n'} and rows['103']['after']['fields'] == {}


@pytest.mark.parametrize('names, own', [
    ([('North Pier', 90), ('South Pier', 80)], True), ([('North Pier', 80), ('South Pier', 90)], False),
    ([('South Pier', 90), ('\u5317 north-pier!', 90)], True), ([('', None)], False), ([(None, 5)], False),
    ([('No\u0308rth Pie\u0301r', 9)], True), ([('Jet\xe9e', 9)], True), ([('Autre chose', 9, 1999)], True),
    ([('Autre chose', 9, 1998)], False), ([('North Piers', 9)], False), ([('Lanorth Pier', 9)], False),
    ([('Site: North-Pier (1987)', 9)], True), ([('\u5317North Pier\u5317\u6d77', 9)], True), ([('Northpier', 9)], True), ([('Autre chose', 9, None, 'x://4?lang=fr')], True)])
def test_what_a_search_holds_for_the_best_may_be_the_item(names, own):
    found = active.found_fields([dict(zip(('name', 'score', 'year', 'guid'), row + (None, None))) for row in names], {
        'title': 'N\xf6rth Pier', 'guid': 'x://4?lang=en', 'fields': {'year': '1999', 'originalTitle': 'La Jet\xe9e'}})
    assert (found['matches'], 'own title' in found) == (len(names), own)


# ----------------------------------------------------------------------------------------------------------- the sample
class Library(active.Library):
    def summaries(self):
        for section in self.server.sections():
            for item in self.server.items_of(section['key']):
                yield item


def choose(world, plan, failing=5, healthy=2, bad=()):
    return active.choose_sample(Library(world, AGENT), plan, failing, healthy, set(bad))


def entries(*keys):
    return [{'rating_key': str(key), 'guid': guid_of(key)} for key in keys]


def test_the_sample_is_spread_over_the_sections():
    world = World(23)
    rows = choose(world, {'items': entries(101, 103, 105, 107, 109, 102)}, failing=3, healthy=0)
    assert [row['rating_key'] for row in rows] == ['101', '102', '103']


@pytest.mark.parametrize('sure, chosen', [(0, '101 102 103 104'), (2, '101 102 103 104'), (8, '101 102 103 104 105')])
def test_where_few_are_known_to_fail_those_are_tried_that_were_worked_on(sure, chosen):
    plan = {'items': entries(*range(101, 101 + sure)), 'possible': entries(103, 101, 104, 102)}
    rows = choose(World(23), plan, failing=5 if sure == 8 else 9, healthy=0)
    assert sorted(row['rating_key'] for row in rows) == chosen.split()


def test_deleted_rematched_locked_and_doubled_items_are_not_chosen():
    world = World(11)
    world.items['103']['locked'] = ['title', 'summary', 'thumb']
    world.items['104']['locked'] = ['title']
    matched_anew = {'rating_key': '102', 'guid': 'com.example://other'}
    plan = {'items': entries(101, 101) + [matched_anew] + entries(103, 999, 104)}
    rows = choose(world, plan, healthy=0)
    assert sorted(row['rating_key'] for row in rows) == ['101', '104']
    searched = active.choose_sample(Library(world, AGENT, 'match'), plan, 5, 0, set())      # changes no field
    assert sorted(row['rating_key'] for row in searched) == ['101', '102', '103', '104']


def test_an_item_without_a_rating_key_is_found_by_its_guid():
    world = World(5)
    rows = choose(world, {'items': [{'rating_key': None, 'guid': guid_of(104)}]}, healthy=0)
    assert [row['rating_key'] for row in rows] == ['104']


def test_healthy_items_come_from_the_plan_and_then_from_the_library_but_never_from_a_pattern():
    world = World(11)
    rows = choose(world, {'items': entries(101), 'healthy': entries(102)}, healthy=3,
                  bad=['103', '105', guid_of(104)])
    assert [row['role'] for row in rows] == ['failing'] + ['healthy'] * 3
    healthy = set(row['rating_key'] for row in rows[1:])
    assert '102' in healthy and not healthy & {'101', '103', '104', '105'}


def test_only_what_failed_and_what_stayed_healthy_is_measured_again():
    rows = [{'rating_key': str(number), 'guid': 'g', 'title': 't', 'type': 'movie', 'section': '1', 'role': role,
             'outcome': outcome} for number, (role, outcome) in enumerate([
                 ('failing', 'error'), ('failing', 'ok'), ('failing', 'timeout'), ('healthy', 'ok'),
                 ('healthy', 'error')])]
    assert [row['rating_key'] for row in active.items_to_repeat({'rows': rows})] == ['0', '3']


# ---------------------------------------------------------------------------------------------------------------- files
def test_the_agents_own_file_is_read_where_plex_keeps_it(tmpdir):
    guid = 'com.plexapp.agents.hama://anidb-345?lang=en'
    folder = active.metadata_bundle('/plex', 'show', guid)
    assert folder.replace(os.sep, '/').startswith('/plex/Metadata/TV Shows/3/ace69ab')
    guid = guid_of(101)
    digest = hashlib.sha1(guid.encode('utf-8')).hexdigest()
    home = tmpdir.join('Plex Media Server')
    home.ensure('Metadata', 'Movies', digest[0], digest[1:] + '.bundle', 'Contents', AGENT, 'Info.xml').write_binary(
        '<?xml version="1.0"?><Movie id="m"><title>Ünï</title><summary/><genres><item>a</item><item><tag url="b"/></item></genres><year>0</year>'
        '<roles><item index="0"><name/><role> </role></item></roles>'
        '</Movie>'.encode('utf-8'))
    assert active.agent_fields(str(home), AGENT, 'movie', guid) == {'title': 'Ünï', 'genres': 2}
    assert active.agent_fields(str(home), AGENT, 'movie', guid_of(102)) is None


def test_what_the_first_part_of_a_fix_filled_in_counts_though_its_items_failed_further_on(monkeypatch):
    import implement_fix
    monkeypatch.setattr(implement_fix, 'all_operations', lambda *_words: [
        {'action': 'implement', 'fix': fix, 'pattern': 'p1', 'run_dir': fix, 'iteration': 1}
        for fix in ('in vain', 'other', 'part')])
    fields = {'in vain': {}, 'other': {'year': '2001'}, 'part': {'summary': 'S'}}

    def test_of(path):
        fix, after = path.split(os.sep)[0], 'after' in path
        row = {'rating_key': '1', 'guid': 'a://1', 'outcome': 'ok' if after and fix == 'in vain' else 'error',
               'after': fields[fix] if after else {}}
        return {'fix': fix, 'server': {}, 'rows': [dict(row, **(hung if after else {}))]}

    hung = {}
    monkeypatch.setattr(active, 'read_active_test', test_of)
    for contains, first in (([], 'other'), (['part'], 'part'), (['in vain'], 'other')):
        found = active.filled_before('', '', {'fix': 'both', 'contains': contains, 'pattern': 'p1', 'server': {}})
        assert (found['1']['fix'], found['1']['with']) == (first, fields[first])
    hung = {'outcome': 'timeout', 'after': None, 'started': 'x'}        # the agent may have gone on, unseen
    found = active.filled_before('', '', {'fix': 'both', 'contains': ['part'], 'pattern': 'p1', 'server': {}})
    assert found['1'] == {'fix': 'part', 'guid': 'a://1', 'without': {}, 'with': None}


def test_what_the_agent_wrote_for_episodes_is_counted(tmpdir):
    digest = hashlib.sha1(guid_of(101).encode('utf-8')).hexdigest()
    folder = tmpdir.ensure('Metadata', 'TV Shows', digest[0], digest[1:] + '.bundle', 'Contents', AGENT, dir=True)
    item = '<item external="True" extension="xml" key="%s"/>'
    for name, text in (('Info', '<TV_Show><seasons>%s</seasons></TV_Show>' % (item % '1' + item % '2' + item % '../../x')),
                       ('seasons/1', '<Season><episodes>%s</episodes></Season>' % (item % 'é' + item % '5')),
                       ('seasons/1/episodes/é', '<Episode><summary>S</summary><title>T</title></Episode>'),
                       ('seasons/1/episodes/5', '<Episode><summary/><title>T</title></Episode>'),
                       ('seasons/1/episodes/6', '<Episode><title>of an earlier refresh</title></Episode>')):
        folder.ensure(*(name + '.xml').split('/')).write_binary(text.encode('utf-8'))
    assert active.agent_fields(str(tmpdir), AGENT, 'show', guid_of(101)) == {
        'seasons': 1, 'seasons.episodes': 1, 'episodes': 2, 'episodes.summary': 1, 'episodes.title': 2}
    folder = active.metadata_bundle(str(tmpdir), 'artist', guid_of(102)) + '/Contents/' + AGENT
    key = 'com.example.albums://7/é'
    for name, text in (('Info', '<Artist><albums>%s</albums></Artist>' % (item % key)), (
            'albums/' + hashlib.sha1(key.encode('utf-8')).hexdigest(), '<Album><title>T</title></Album>')):
        tmpdir.join(os.path.relpath(folder, str(tmpdir)), name + '.xml').write_binary(text.encode('utf-8'), ensure=True)
    assert active.agent_fields(str(tmpdir), AGENT, 'artist', guid_of(102)) == {'albums': 1, 'albums.title': 1}


def test_another_version_of_the_agent_is_noticed_and_the_fix_is_not(tmpdir):
    code = tmpdir.ensure('A.bundle', 'Contents', 'Code', 'a.py')
    other = tmpdir.ensure('A.bundle', 'Contents', 'Code', 'b.py')
    own = ['A.bundle/Contents/Code/a.py']
    first = active.bundle_digest(str(tmpdir), 'A.bundle', own)
    code.write('patched')
    tmpdir.ensure('A.bundle', 'Contents', 'Code', 'a.pyc')
    assert active.bundle_digest(str(tmpdir), 'A.bundle', own) == first
    other.write('updated')
    assert active.bundle_digest(str(tmpdir), 'A.bundle', own) != first
    assert active.bundle_digest(str(tmpdir), None, own) is None
    if os.name != 'nt':                         # what is patched is what a link leads to
        code.move(tmpdir.join('A.bundle', 'Contents', 'Code', 'main.py'))
        os.symlink('main.py', str(code))
        first = active.bundle_digest(str(tmpdir), 'A.bundle', own)
        code.write('patched otherwise')
        assert active.bundle_digest(str(tmpdir), 'A.bundle', own) == first


@pytest.mark.parametrize('change', [
    {'plug_in': 'é'}, {'server': 'x'}, {'predicted': {'fields': [[]]}}, {'patterns_seen': [{'pattern': 'p', 'message': 7}]}] + [
    {'rows': [dict(dict.fromkeys(active.ITEM + ('outcome', 'reason', 'before', 'after')), **dict({'errors': [], 'upstream': []}, **more))]}
    for more in ({'errors': None}, {'errors': [{'pattern': 'p'}]}, {'rating_key': [7]}, {'title': True}, {'upstream': [7]},
                 {'after': {'fields': {'year': [7]}, 'locked': [], 'agent': None}}, {'after': {'fields': {'year': 7}, 'locked': []}},
                 {'before': {'fields': {}, 'locked': [], 'agent': {'year': {}}}})])
def test_a_test_that_was_damaged_is_one_sentence(tmpdir, change):
    document = dict.fromkeys(('phase', 'fix', 'pattern', 'agent', 'server', 'complete'), 'x')
    path = active.active_test_path(str(tmpdir), 1, 'after')
    for facts in ({}, change):
        logs.write_json(path, dict(dict(document, rows=[], window={}, server={}, patterns_seen=[]), **facts), active.ACTIVE_TEST_SCHEMA)
        if not facts:
            assert active.read_active_test(path)['rows'] == []
    with pytest.raises(logs.Problem) as problem:
        active.read_active_test(path)
    assert 'run test_fix_actively.py again' in problem.value.sentence


def test_only_an_unfinished_test_of_the_same_fix_is_continued(tmpdir):
    path = active.active_test_path(str(tmpdir), 1, 'after')
    document = {'phase': 'after', 'fix': 'f', 'pattern': TARGET, 'server': {'version': '1'}, 'bundle_digest': None,
                'in_place': 'after', 'retest': False, 'complete': False, 'rows': [], 'agent': AGENT, 'window': {},
                'patterns_seen': []}
    assert active.unfinished(path, document) is None
    logs.write_json(path, document, active.ACTIVE_TEST_SCHEMA)
    assert active.unfinished(path, document)['rows'] == []
    assert active.unfinished(path, dict(document, fix='other')) is None
    assert active.unfinished(path, dict(document, server={'version': '2'})) is None
    logs.write_json(path, dict(document, complete=True), active.ACTIVE_TEST_SCHEMA)
    assert active.unfinished(path, document) is None


PAYLOAD = (                         # the test vector of PLEX 4: an update of dbid 42, example://4711
    'Y2VyZWFsMQoxCmRpY3QKMTAKczIKZW5zNApsYW5nYjFzNQpmb3JjZWIwczgKcGVyaW9kaWNzMgo0MnM0CmRiaWRpMApzNwp2ZXJzaW9ubnMxMApw'
    'YXJlbnRHVUlEbnM4CnBhcmVudElEczUKTW92aWVzMTAKbWVkaWFfdHlwZXM0MQpjb20ucGxleGFwcC5hZ2VudHMuZXhhbXBsZTovLzQ3MTE@bGFu'
    'Zz1lbnM0Cmd1aWRzNAo0NzExczIKaWRyMAo_')
CALLED = {'rating_key': '42', 'guid': 'com.plexapp.agents.example://4711?lang=en'}
HANDLING = ('DEBUG (runtime:717) - Handling request GET /:/plugins/%s/messaging/function/'
            'X0FnZW50S2l0OlVwZGF0ZU1ldGFkYXRh/Y2VyZWFsMQoxCmxpc3QKMApyMAo_/%s' % (AGENT, PAYLOAD))
RAISED = """CRITICAL (agentkit:1095) - Exception in the update function of agent named 'Example', called with guid \
'%s' (most recent call last):
  File "/x/Framework.bundle/Contents/Resources/Versions/2/Python/Framework/api/agentkit.py", line 1093, in _update
    agent.update(obj, media, lang, **kwargs)
  File "/plex/Plex Media Server/Plug-ins/Example.bundle/Contents/Code/__init__.py", line 23, in update
    metadata.year = page['year']
KeyError: 'year'
""" % CALLED['guid']

STARTING = 'INFO (core:349) - Starting framework core - Version: 2.6.3, Build: 2b1b51d (Thu Aug 26 08:46:10 UTC 2021)'


def test_the_watch_reads_real_log_lines_from_a_position_on_and_through_a_restart(tmpdir):
    log = tmpdir.ensure('PMS Plugin Logs', AGENT + '.log')

    def write(second, text):
        with io.open(str(log), 'a', encoding='utf-8') as out:
            out.write('2026-11-22 10:00:%02d,%03d (7f4ccbff8b38) :  %s\n' % (second, 113, text))
    write(1, STARTING)
    write(2, RAISED)
    watch = active.LogWatch(str(tmpdir), AGENT)
    position = json.loads(json.dumps(watch.position()))
    assert watch.calls(position) == watch.events(position) == watch.starts(position) == [] and not watch.holds_calls()
    write(3, HANDLING)
    assert watch.holds_calls()
    assert [(call['ended'], active.names_item(call, CALLED)) for call in watch.calls(position)] == [(False, True)]
    write(4, RAISED)
    write(5, 'DEBUG (runtime:924) - Response: [200] NoneType, 16 bytes')
    assert [call['ended'] for call in watch.calls(position)] == [True]
    events = active.events_of_item(watch.events(position), CALLED)[0]
    assert [error['exception'] for error in active.errors_of(events)[0]] == ['KeyError'] and watch.gap is None
    log.move(tmpdir.join('PMS Plugin Logs', AGENT + '.log.1'))
    write(6, STARTING)
    write(7, 'INFO (core:611) - Started plug-in')
    write(8, 'INFO (pipeinterface:25) - Entering run loop')
    assert [start['ok'] for start in watch.starts(position)] == [True] and len(watch.events(position)) == 1
    assert active.plug_in_facts(watch, position) == {'starts': 1, 'failed_starts': 0, 'last_start_ok': True}
    lines = watch.lines_with(['Started plug', 'Response: [200]'], position)
    assert [line['thread'] for line in lines] == ['7f4ccbff8b38'] * 2 and lines[1]['time'] - lines[0]['time'] == 2
    assert watch.lines_with(['No value', 'plug-in', '[200]'], position) == []          # not at the beginning


def test_what_the_patch_logged_is_counted_by_items():
    def call(key, thread, start, end):
        return {'rating_key': key, 'guid': None, 'thread': thread, 'start': start, 'end': end, 'ended': True}
    calls = [call('1', 'a', 10, 20), call('2', 'b', 12, 30), call('1', 'a', 40, 50)]
    lines = [{'thread': thread, 'time': time} for thread, time in (('a', 11), ('a', 13), ('b', 14), ('a', 41))]
    assert active.items_spoken_of(lines, calls) == 2
    worker = {'thread': 'w', 'time': 15}
    assert active.items_spoken_of([worker], calls) == 1 and active.items_spoken_of([worker] * 5, calls) == 2
    assert active.items_spoken_of([{'thread': 'a', 'time': 60}], calls) == 1 and active.items_spoken_of([], calls) == 0


def test_an_agent_that_never_logged_has_an_empty_watch(tmpdir):
    folder = tmpdir.ensure('PMS Plugin Logs', dir=True)
    open(os.path.join(logs.to_bytes(str(folder)), b'\xff.log'), 'wb').close()
    watch = active.LogWatch(logs.to_text(str(tmpdir)), AGENT)
    position = watch.position()
    assert watch.calls(position) == watch.events(position) == watch.starts() == []
    with pytest.raises(logs.Problem):
        active.LogWatch(str(tmpdir.join('gone')), AGENT).position()


@pytest.mark.parametrize('moment', ['before the reading', 'after it'])
def test_the_watch_reads_again_when_the_log_was_rotated_meanwhile(tmpdir, monkeypatch, moment):
    log = tmpdir.ensure('PMS Plugin Logs', AGENT + '.log')
    old = '2026-11-22 10:00:02,113 (7f4ccbff8b38) :  ' + RAISED
    log.write_text(old, 'utf-8')
    watch = active.LogWatch(str(tmpdir), AGENT)
    position = dict(watch.position(), streams={})
    real, read = logs.read_events, []

    def rotating(paths, **named):
        found = real(paths, **named) if read or moment == 'after it' else None
        read.append(paths)
        if len(read) == 1:
            log.move(tmpdir.join('PMS Plugin Logs', AGENT + '.log.1'))
            if moment == 'after it':
                log.write_text(old.replace('10:00', '10:05'), 'utf-8')
        return found or real(paths, **named)
    monkeypatch.setattr(logs, 'read_events', rotating)
    assert len(watch.events(position)) == (2 if moment == 'after it' else 1) and len(read) == 2


@pytest.mark.skipif(not hasattr(os, 'statvfs'), reason='only where the room left can be asked for')
def test_a_full_disk_is_a_gap_in_the_log(tmpdir, monkeypatch):
    tmpdir.ensure('PMS Plugin Logs', AGENT + '.log')
    watch = active.LogWatch(str(tmpdir), AGENT)
    assert watch.events(None) == [] and watch.gap is None
    monkeypatch.setattr(os, 'statvfs', lambda path: argparse.Namespace(f_bavail=0, f_blocks=9))
    assert watch.events(None) == [] and 'is full' in watch.gap


def test_a_log_that_is_rotated_without_end_is_named(tmpdir, monkeypatch):
    log = tmpdir.ensure('PMS Plugin Logs', AGENT + '.log')
    numbers = iter(range(1000))
    monkeypatch.setattr(logs, 'read_events', lambda paths, position: log.move(
        tmpdir.join('PMS Plugin Logs', '%s.log.%d' % (AGENT, next(numbers)))) or log.ensure())
    monkeypatch.setattr(active.time, 'sleep', Clock().sleep)
    with pytest.raises(logs.Problem) as problem:
        active.LogWatch(str(tmpdir), AGENT).events(None)
    assert 'again and again' in problem.value.sentence


# ------------------------------------------------------------------------------------------------------------- the edge
class Run(object):
    """A run directory and a Plex folder for main(), with the World in place of server and log."""

    def __init__(self, tmpdir, monkeypatch, world):
        self.world, self.folder = world, tmpdir.mkdir('run')
        self.home = tmpdir.mkdir('Plex Media Server')
        self.home.ensure('Logs', 'PMS Plugin Logs', dir=True)
        self.code = self.home.ensure('Plug-ins', 'A.bundle', 'Contents', 'Code', 'a.py')
        world.items_in_section = world.items_of
        monkeypatch.setattr(implement_fix, 'connect', lambda options: world)
        monkeypatch.setattr(implement_fix, 'fixes_in_place', lambda run_dir, plug_ins: {'fix-1': {'state': world.state}})
        monkeypatch.setattr(active, 'LogWatch', lambda folder, agent: world)
        monkeypatch.setattr(active, 'Library', Library)
        monkeypatch.setattr(active.time, 'time', world.clock.time)
        monkeypatch.setattr(active.logs, 'seconds_now', world.clock.time)
        monkeypatch.setattr(active.time, 'sleep', world.clock.sleep)
        world.state = 'before'
        keys = sorted(world.items)
        diagnosis = {'patterns': [{'pattern': TARGET, 'agent': AGENT, 'exception': 'KeyError', 'fixes': [
            {'id': 'fix-1', 'agent': AGENT, 'template': 'guard', 'bundle': 'A.bundle',
             'files': [{'path': 'A.bundle/Contents/Code/a.py'}],
             'predicted': {'items': 5, 'success_percent': 80, 'fields': ['summary'], 'sentence': 's'}}],
            'test_plan': {'mode': 'refresh', 'items': entries(*keys[:5]), 'healthy': entries(*keys[5:])}}]}
        logs.write_json(str(self.folder.join('diagnostic_report.json')), diagnosis, 1)
        logs.write_json(logs.aggregate_path(str(self.folder), 1), {'patterns': [
            {'pattern': TARGET, 'agent': AGENT, 'noise': None, 'items': entries(*keys[:5])}]}, 1)

    def call(self, *words):
        return active.main(['--run-dir', str(self.folder), '--plex-home', str(self.home), '--iteration', '1']
                           + [str(word) for word in words])

    def read(self, phase):
        return active.read_active_test(active.active_test_path(str(self.folder), 1, phase))


def test_before_and_after_from_the_command_line(tmpdir, monkeypatch, capsys):
    world = World(7)
    for key in sorted(world.items)[:4]:
        world.behave[key] = {'events': [event()]}
    run = Run(tmpdir, monkeypatch, world)
    assert run.call('--phase', 'before', '--fix', 'fix-1') == 0
    before = run.read('before')
    assert [row['role'] for row in before['rows']].count('failing') == 5 and before['complete']
    assert before['patterns_seen'][0]['count'] == 4 and before['baseline_patterns'] == [TARGET]
    world.state = 'after'
    world.behave = dict((key, {'gains': {'summary': 'S'}}) for key in world.items)
    world.refreshed[:] = []
    refresh = world.refresh
    assert run.call('--phase', 'after', '--fix', 'fix-1') == 0 and not run.read('after')['changed_meanwhile']
    world.refreshed[:], world.refresh = [], lambda key: (run.code.write('undone by hand'), refresh(key))
    assert run.call('--phase', 'after', '--fix', 'fix-1') == 0 and run.read('after')['changed_meanwhile']
    after = run.read('after')
    assert sorted(key for _, key in world.refreshed) == ['101', '102', '103', '104', '106', '107']
    assert after['in_place'] == after['in_place_at_end'] == 'after' and after['patterns_seen'] == []
    out, err = capsys.readouterr()
    undone = ['--phase', 'undone', '--fix', 'fix-1', '--only']
    assert run.call(*undone + ['101']) == 5             # it is still in place
    world.state, world.refreshed[:] = 'before', []
    assert [run.call(*undone + [keys]) for keys in ('105', '101, 106')] == [2, 0]      # 105 had healed
    assert sorted(key for _, key in world.refreshed) == ['101', '106'] == sorted(
        row['rating_key'] for row in run.read('undone')['rows'])
    assert capsys.readouterr()[1].count('\n') == 2
    assert 'failing' in out and err == '' and max(len(line) for line in out.splitlines() if line[:5] != 'Read:') <= 80


def test_a_volume_that_goes_away_in_the_midst_says_nothing_about_a_fix(tmpdir, monkeypatch, capsys):
    world = World(7)
    run, refresh = Run(tmpdir, monkeypatch, world), world.refresh
    world.refresh = lambda key: (run.code.check() and run.home.join('Plug-ins').remove(), refresh(key))
    assert [run.call('--phase', 'before', '--fix', 'fix-1') for _ in range(2)] == [4, 4]
    assert len(world.refreshed) == 7 and not run.read('before')['complete']
    assert capsys.readouterr()[1].count('is its volume mounted?') == 2


def test_when_nothing_fails_any_more_the_answer_is_negative(tmpdir, monkeypatch, capsys):
    run = Run(tmpdir, monkeypatch, World(7))
    assert run.call('--phase', 'before', '--fix', 'fix-1') == 6
    assert 'no item fails now' in capsys.readouterr()[1]


def test_an_interruption_keeps_what_was_measured_and_the_same_command_goes_on(tmpdir, monkeypatch, capsys):
    world = World(7)
    world.behave = dict((key, {'events': [event()]}) for key in sorted(world.items)[:5])
    run = Run(tmpdir, monkeypatch, world)
    original = world.refresh

    def refresh(key):
        if len(world.refreshed) == 3:
            raise KeyboardInterrupt
        original(key)
    world.refresh = refresh
    assert run.call('--phase', 'before', '--fix', 'fix-1') == 130
    found = run.read('before')
    assert 0 < len(found['rows']) < 7 and found['complete'] is False and all(row['after'] for row in found['rows'])
    measured = set(row['rating_key'] for row in found['rows'])
    world.refresh = original
    world.refreshed[:] = []
    assert run.call('--phase', 'before', '--fix', 'fix-1') == 0
    assert not measured & set(key for _, key in world.refreshed)
    assert len(run.read('before')['rows']) == 7 and run.read('before')['complete']


def test_a_fix_of_an_earlier_run_is_tested_again_on_its_own_sample(tmpdir, monkeypatch, capsys):
    world = World(7)
    world.behave = dict((key, {'events': [event()]}) for key in sorted(world.items)[:5])
    run = Run(tmpdir, monkeypatch, world)
    assert run.call('--phase', 'before', '--fix', 'fix-1') == 0
    sample = active.active_test_path(str(run.folder), 1, 'before')
    run.folder = tmpdir.mkdir('later run')
    world.state = 'after'
    assert run.call('--phase', 'after', '--fix', 'fix-1', '--sample', sample) == 0
    assert run.read('after')['retest'] is True and run.read('before')['sampled_in'] == 'run'
    assert run.read('before')['rows'] == active.read_active_test(sample)['rows']


def test_a_dry_run_refreshes_and_writes_nothing(tmpdir, monkeypatch, capsys):
    world = World(7)
    run = Run(tmpdir, monkeypatch, world)
    assert run.call('--phase', 'before', '--fix', 'fix-1', '--dry-run') == 0
    assert world.refreshed == world.marks == [] and not run.folder.join('active_test_iteration_1_before.json').check()
    assert len(capsys.readouterr()[0].splitlines()) == 7


def test_a_pattern_of_no_agent_cannot_be_tested(tmpdir):
    logs.write_json(str(tmpdir.join('diagnostic_report.json')), {'patterns': [{'pattern': 'p1', 'agent': None}]}, 1)
    options = active.build_parser().parse_args(['--phase', 'before', '--pattern', 'p1'])
    with pytest.raises(logs.Problem) as refused:
        active.plan_test(str(tmpdir), 1, options)
    assert 'no agent' in refused.value.sentence


def test_a_test_without_the_fix_is_refused_while_the_fix_is_in_place(tmpdir, monkeypatch, capsys):
    world = World(7)
    run = Run(tmpdir, monkeypatch, world)
    world.state = 'after'
    assert run.call('--phase', 'before', '--fix', 'fix-1') == 5
    assert 'in place already' in capsys.readouterr()[1] and world.refreshed == []


@pytest.mark.parametrize('words, code, sentence', [
    (['--phase', 'before', '--fix', 'gone'], 4, 'has no fix gone'),
    (['--phase', 'after', '--fix', 'fix-1'], 4, 'run test_fix_actively.py first'),
    (['--phase', 'before', '--fix', 'fix-1', '--items', '0'], 2, 'count from 1'),
    (['--phase', 'before', '--fix', 'fix-1', '--timeout', 'nan'], 2, 'count from 1'),
    (['--phase', 'before', '--fix', 'fix-1', '--pause', 'inf'], 2, 'count from 1'),
    (['--phase', 'before', '--fix', 'fix-1', '--sample', 'x'], 4, 'run test_fix_actively.py first'),
    (['--phase', 'before'], 2, '--fix')])
def test_bad_input_is_one_sentence(tmpdir, monkeypatch, capsys, words, code, sentence):
    run = Run(tmpdir, monkeypatch, World(7))
    assert run.call(*words) == code
    err = capsys.readouterr()[1]
    assert sentence in err and 'Traceback' not in err


def test_nothing_secret_reaches_the_rows(tmpdir, monkeypatch):
    world = World(7)
    world.behave['101'] = {'events': [event(message='at http://127.0.0.1:32400/x?X-Plex-Token=sEcReT9876543210')]}
    run = Run(tmpdir, monkeypatch, world)
    run.call('--phase', 'before', '--fix', 'fix-1')
    with io.open(active.active_test_path(str(run.folder), 1, 'before'), encoding='utf-8') as source:
        text = source.read()
    assert 'sEcReT9876543210' not in text and json.loads(text)['rows']
