# -*- coding: utf-8 -*-
"""The active test and its verdict against the simulated Plex: real agent code, real logs, a server that misbehaves."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import aggregate_plex_logs as logs
import compare_metrics as compare
import implement_fix
import parse_test_report as reader
import test_fix_actively as active
from plex_simulator import start_simulator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AGENT = 'com.plexapp.agents.filmkontor'
FAULT = "plot = page.xpath('//div[@id=\"plot\"]/p/text()')[0]"
GUARDED = "plot = (page.xpath('//div[@id=\"plot\"]/p/text()') or [''])[0]"
RETURNED = "if not page.xpath('//div[@id=\"plot\"]/p/text()'):\n            return\n        " + FAULT
HARMFUL = GUARDED + "\n        plot = ''"
UNREADABLE = "plot = page.xpath(("


class Rig(object):
    """A simulated Plex whose library was refreshed once, and a run directory that says what to test."""

    def __init__(self, folder, kind='update'):
        self.folder = folder.mkdir('run')
        self.plex = start_simulator(folder, 'small')
        self.server = implement_fix.PlexServer(self.plex.url, self.plex.token)
        self.code = os.path.join(self.plex.plex_home, 'Plug-ins', 'Filmkontor.bundle', 'Contents', 'Code', '__init__.py')
        self.watch = active.LogWatch(logs.find_log_folder(self.plex.plex_home), AGENT)
        self.items = self.server.items('1')
        if kind == 'search':
            self.plex.control('fault', ids=['f101', 'f102', 'f103'], fault='no year in hits')
        for item in self.items:
            (self.server.refresh if kind == 'update' else self.server.matches)(item['rating_key'])
        self.wait(lambda: [call['ended'] for call in self.watch.calls(None)] == [True] * len(self.items))
        self.pattern, bad = self.find_pattern(kind)
        self.write_run(bad, 'refresh' if kind == 'update' else 'match')

    def find_pattern(self, kind):
        """(fingerprint, rating keys) of the items that raise."""
        found = [event for event in self.watch.events(None) if event['exception'] == 'IndexError' and event['kind'] == kind]
        assert len(set(event['pattern'] for event in found)) == 1
        by_guid = dict((item['guid'], item['rating_key']) for item in self.items)
        return found[0]['pattern'], set(event['rating_key'] or by_guid[event['guid']] for event in found)

    def write_run(self, bad, mode):
        entries = [{'guid': item['guid'], 'rating_key': item['rating_key']} for item in self.items]
        failing = [entry for entry in entries if entry['rating_key'] in bad]
        healthy = [entry for entry in entries if entry['rating_key'] not in bad]
        fix = {'id': 'fix-1', 'agent': AGENT, 'template': 'guard', 'bundle': 'Filmkontor.bundle',
               'files': [{'path': 'Filmkontor.bundle/Contents/Code/__init__.py'}],
               'predicted': {'items': 7, 'success_percent': 75, 'fields': ['genres', 'roles'], 'sentence': 's'}}
        logs.write_json(str(self.folder.join('diagnostic_report.json')), {'patterns': [
            {'pattern': self.pattern, 'agent': AGENT, 'exception': 'IndexError', 'fixes': [fix],
             'test_plan': {'mode': mode, 'items': failing, 'healthy': healthy}}]}, 1)
        logs.write_json(logs.aggregate_path(str(self.folder), 1), {'patterns': [
            {'pattern': self.pattern, 'agent': AGENT, 'noise': None, 'items': failing}]}, 1)

    @staticmethod
    def wait(fact, seconds=20):
        end = time.time() + seconds
        while not fact():
            assert time.time() < end, 'it did not come true'
            time.sleep(.05)

    def patch(self, new, old=FAULT):
        """Change the agent's code and restart it; what implement_fix.py does, without its care."""
        with io.open(self.code, encoding='utf-8') as source:
            text = source.read()
        assert old in text
        with io.open(self.code, 'w', encoding='utf-8') as target:
            target.write(text.replace(old, new))
        position = self.watch.position()
        self.server.restart_plugin(AGENT)
        self.wait(lambda: [start['ok'] for start in self.watch.starts(position)] in ([True], [False]))

    def command(self, phase, *words):
        return ['--phase', phase, '--fix', 'fix-1', '--run-dir', str(self.folder), '--iteration', '1', '--plex-home',
                self.plex.plex_home, '--plex-url', self.plex.url, '--pause', '0', '--concurrency', '3', '--timeout',
                '20'] + list(words)

    def measure(self, phase, *words):
        return active.main(self.command(phase, *words))

    def start(self, phase, *words):
        """The same in a process of its own, up to its first row."""
        process = subprocess.Popen([sys.executable, os.path.join(ROOT, 'test_fix_actively.py')]
                                   + self.command(phase, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait(lambda: process.poll() is not None or os.path.exists(self.path(phase)) and self.read(phase)['rows'])
        return process

    def path(self, phase):
        return active.active_test_path(str(self.folder), 1, phase)

    def read(self, phase):
        return active.read_active_test(self.path(phase))

    def outcomes(self, phase, role='failing'):
        return [row['outcome'] for row in active.last_rows(self.read(phase)['rows']).values() if row['role'] == role]

    def decide(self):
        """The verdict as the coordinator gets it: through the written report."""
        code = compare.main(['--run-dir', str(self.folder), '--iteration', '1', '--quiet'])
        with io.open(compare.test_report_path(str(self.folder), 1, '.md'), encoding='utf-8') as source:
            found = reader.parse_report(source.read())
        reader.check_against_twin(found, compare.read_test_report(compare.test_report_path(str(self.folder), 1)))
        return code, found


@pytest.fixture
def rig(tmpdir):
    made = Rig(tmpdir)
    yield made
    made.plex.stop()


def test_a_good_fix_is_kept_and_what_healed_or_hung_is_left_out(rig, capsys):
    rig.plex.control('hang', paths=['/film/f103'])
    rig.plex.control('heal', ids=['f101', 'f102'])
    assert rig.measure('before', '--timeout', '2') == 3
    assert sorted(rig.outcomes('before')) == ['error'] * 4 + ['ok'] * 2 + ['timeout']
    assert rig.outcomes('before', 'healthy') == ['ok'] * 5
    rig.plex.control('hang', paths=[])
    rig.patch(GUARDED)
    assert rig.measure('after') == 0
    rows = rig.read('after')['rows']
    assert len(rows) == 9 and all(row['proof'] for row in rows) and rig.read('after')['patterns_seen'] == []
    assert 'genres' in rows[0]['after']['agent'] and 'genres' not in rows[0]['before']['agent']
    code, found = rig.decide()
    assert (code, found['decision'], found['fixed'], found['healed'], found['not_measured']) == (0, 'KEEP', 4, 2, 1)
    assert found['weak_evidence'] is True

    sample, rig.folder = rig.path('before'), rig.folder.dirpath().mkdir('the next run')
    assert rig.measure('after', '--sample', sample) == 0        # the items have by now what the fix gave them
    assert rig.decide() == (code, found)


def test_what_silences_or_does_not_load_or_harms_is_rolled_back(rig, capsys):
    assert rig.measure('before') == 0
    rig.patch(RETURNED)
    assert rig.measure('after') == 0
    code, found = rig.decide()
    assert (code, found['decision'], found['silenced'], found['success_percent']) == (6, 'ROLLBACK', 7, 0.0)

    rig.patch(UNREADABLE, RETURNED)
    began = time.time()
    assert rig.measure('after') == 3
    assert time.time() - began < 15 and 'the plug-in is down' in rig.read('after')['stopped']
    code, found = rig.decide()
    assert (code, found['decision'], found['measured']) == (6, 'ROLLBACK', 0) and 'did not come back' in found['reason']

    rig.patch(HARMFUL, UNREADABLE)
    assert rig.measure('after') == 0
    code, found = rig.decide()
    assert (code, found['decision'], found['regressions']) == (6, 'ROLLBACK', 5) and 'summary' in found['reason']
    assert found['success_percent'] == 100.0


def test_an_outage_and_dropped_connections_break_nothing(rig, capsys):
    process = rig.start('before', '--concurrency', '1', '--pause', '.1')     # else it might be over by then
    rig.plex.control('pms', kind='drop', times=2)
    time.sleep(.2)
    rig.plex.control('pms', kind='status', status=503, lasting=2)
    assert process.wait() == 0, process.stderr.read()
    assert sorted(rig.outcomes('before')) == ['error'] * 7 and rig.outcomes('before', 'healthy') == ['ok'] * 5


def test_a_token_that_is_refused_stops_the_test_and_keeps_what_was_measured(rig, capsys):
    process = rig.start('before', '--timeout', '2', '--concurrency', '1', '--pause', '.1')
    rig.plex.control('pms', kind='status', status=401)
    out, err = process.communicate()
    rig.plex.control('pms', kind=None)
    assert process.returncode in (3, 6) and b'401' in err and b'Traceback' not in err and len(err.splitlines()) <= 2
    found = rig.read('before')
    assert '401' in found['stopped'] and not found['complete'] and rig.plex.token not in json.dumps(found)
    measured = [row['rating_key'] for row in found['rows'] if active.is_measured(row)]
    assert measured and rig.measure('before') == 0          # the same command goes on
    assert len(rig.outcomes('before')) == 7 and rig.read('before')['complete']
    refreshes = rig.plex.control('state')['refreshes']
    assert [refreshes[key] for key in measured] == [2] * len(measured)


def test_a_ban_ends_the_requests(rig, capsys):
    rig.plex.control('fault', ids=['f1%02d' % number for number in range(1, 13)], fault='banned')
    before = rig.plex.control('state')['refreshes']
    assert rig.measure('before', '--concurrency', '1') in (3, 6)
    found = rig.read('before')
    assert found['stopped'] and any(row['upstream'] for row in found['rows'])
    after = rig.plex.control('state')['refreshes']
    assert sum(after.values()) - sum(before.values()) <= 4


def test_ctrl_c_keeps_what_was_measured_and_the_same_command_goes_on(rig, capsys):
    process = rig.start('before', '--concurrency', '1', '--pause', '1')
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130 and len(err.splitlines()) == 1
    measured = [row['rating_key'] for row in rig.read('before')['rows']]
    assert 0 < len(measured) < 12
    assert rig.measure('before') == 0 and len(rig.read('before')['rows']) == 12
    refreshes = rig.plex.control('state')['refreshes']
    assert [refreshes[key] for key in measured] == [2] * len(measured)


def test_late_ingest_and_a_deleted_item_are_coped_with(rig, capsys):
    assert rig.measure('before') == 0
    rig.patch(GUARDED)
    rig.plex.control('ingest', seconds=.7)
    rig.plex.control('delete', rating_key=int(rig.read('before')['rows'][0]['rating_key']))
    assert rig.measure('after') == 0
    code, found = rig.decide()
    assert (code, found['fixed'], found['not_measured']) == (0, 6, 1)


def test_a_search_is_repaired_without_refreshing_anything(tmpdir, capsys):
    rig = Rig(tmpdir, 'search')
    try:
        assert rig.measure('before') == 0
        failing = rig.outcomes('before').count('error')
        assert failing >= 3
        rig.patch("found_year = pick.number((row.xpath('./span[@class=\"year\"]/text()') or ['0'])[0])",
                  "found_year = pick.number(row.xpath('./span[@class=\"year\"]/text()')[0])")
        assert rig.measure('after') == 0
        code, found = rig.decide()
        assert (code, found['fixed']) == (0, failing) and rig.plex.control('state')['refreshes'] == {}
    finally:
        rig.plex.stop()
