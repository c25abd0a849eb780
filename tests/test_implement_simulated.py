# -*- coding: utf-8 -*-
"""implement_fix.py on the simulated Plex: agents that really load or really fail to, logs as the framework writes them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import signal

import pytest

import aggregate_plex_logs as logs
import diagnose_from_report as diagnose
import implement_fix as fix
from implement_rig import Rig, write
from plex_simulator import start_simulator

BUNDLE = 'Filmkontor.bundle'
AGENT = 'com.plexapp.agents.filmkontor'
ENTRY = BUNDLE + '/Contents/Code/__init__.py'


class SimulatedRig(Rig):
    """A Rig on a simulated Plex's own folder."""

    def __init__(self, root, plex):
        self.root, self.plex = root, plex
        self.home, self.url = plex.plex_home, plex.url
        self.plug_ins = os.path.join(self.home, 'Plug-ins')
        self.runs = os.path.join(root, 'runs')
        self.run_dir = self.new_run('2026-11-22T103000Z')
        self.fixes, self.python27 = {}, None

    def offer(self, fix_id, edits, **facts):
        return Rig.offer(self, fix_id, edits, bundle=BUNDLE, agent=AGENT, **facts)

    def starts(self):
        return logs.plugin_starts([os.path.join(self.home, 'Logs')], AGENT)


@pytest.fixture
def rig(tmpdir, monkeypatch):
    monkeypatch.setattr(fix, 'find_python27', lambda option: None)
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with start_simulator(str(tmpdir.mkdir('simulated'))) as plex:
        yield SimulatedRig(str(tmpdir), plex)
    for number, handler in kept:
        signal.signal(number, handler)


def test_a_fix_goes_live_and_comes_out_again(rig):
    before, starts = rig.content(ENTRY), len(rig.starts())
    after = rig.offer('a', {ENTRY: [("VERSION = '1.3'", "VERSION = '1.3 patched'")]})
    assert rig.main('a') == 0
    assert rig.content(ENTRY) == after
    newest = rig.starts()[-1]
    assert newest['ok'] is True and len(rig.starts()) == starts + 1
    with open(os.path.join(rig.home, 'Logs', 'PMS Plugin Logs', AGENT + '.log'), 'rb') as source:
        assert b'Filmkontor 1.3 patched' in source.read()       # the agent itself says what it runs
    assert rig.main('--rollback', 'a') == 0
    assert rig.content(ENTRY) == before and len(rig.starts()) == starts + 2


@pytest.mark.parametrize('old, new', [
    ("VERSION = '1.3'", "VERSION = no_such_name"),                       # raises at import: "Exception starting plug-in"
    ("import re\n", "import re\nimport no_such_module\n")])
def test_an_agent_that_does_not_start_is_rolled_back_and_runs_again(rig, old, new, capsys):
    before = rig.content(ENTRY)
    rig.offer('a', {ENTRY: [(old, new)]})
    assert rig.main('a') == 6
    assert rig.content(ENTRY) == before and rig.starts()[-1]['ok'] is True
    assert 'did not come up' in capsys.readouterr()[1]
    assert fix.fixes_in_place(rig.run_dir)['a']['state'] == 'before'


def test_a_refused_token_leaves_the_time_of_the_plist(rig, tmpdir):
    """Without the owner's token the URL does not work, but the server still watches Info.plist."""
    write(str(tmpdir.join('token')), 'wrong')
    rig.offer('a', {ENTRY: [("VERSION = '1.3'", "VERSION = '1.5'")]})
    plist = os.path.join(rig.plug_ins, BUNDLE, 'Contents', 'Info.plist')
    content = diagnose.sha256(open(plist, 'rb').read())
    assert rig.main('a', '--token-file', str(tmpdir.join('token'))) == 0
    assert diagnose.sha256(open(plist, 'rb').read()) == content


def test_a_server_in_maintenance_is_waited_for(rig):
    rig.offer('a', {ENTRY: [("VERSION = '1.3'", "VERSION = '1.5'")]})
    rig.plex.control('pms', kind='status', status=503, lasting=1)
    assert rig.main('a') == 0


def test_the_client_reads_the_simulated_library(rig):
    plex = fix.PlexServer(rig.plex.url, rig.plex.token)
    assert plex.identity()['machine_identifier']
    section = [row for row in plex.sections() if row['agent'] == AGENT][0]
    items = plex.items(section['key'])
    item = plex.item(items[0]['rating_key'])
    assert item['guid'].startswith(AGENT + '://') and item['section_key'] == section['key']
    plex.refresh(item['rating_key'])
    assert AGENT in [row['identifier'] for row in plex.plugins()]
    assert plex.item('999999') is None
    with pytest.raises(fix.ServerError) as refusal:
        fix.PlexServer(rig.plex.url, 'wrong', patience=0).sections()
    assert refusal.value.status == 401
