# -*- coding: utf-8 -*-
"""implement_fix.py as users and cron start it, and the token: planted everywhere, found nowhere."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import shutil
import signal
import subprocess
import sys

import pytest
import six

import implement_fix as fix
from implement_rig import CODE, ENTRY, ROOT, TOKEN, Rig, Stub, write

PLOT = ("data['plot']", "data.get('plot')")
CRON = {str('PATH'): str('/usr/bin:/bin')}


@pytest.fixture
def rig(tmpdir):
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    yield Rig(str(tmpdir))
    for number, handler in kept:
        signal.signal(number, handler)


def everything_written(rig):
    """All that lies below the run directories, as one bytes."""
    parts = []
    for folder, names, files in os.walk(rig.runs):
        for name in names + files:
            parts.append(name.encode('utf-8') if not isinstance(name, bytes) else name)
        for name in files:
            with io.open(os.path.join(folder, name), 'rb') as source:
                parts.append(source.read())
    return b'\n'.join(parts)


def test_the_token_is_in_no_output_and_no_artifact(rig, capsys, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    token_file = os.path.join(rig.root, 'token')
    write(token_file, TOKEN + '\n')
    write(os.path.join(rig.home, '.LocalAdminToken'), TOKEN)
    for name in ('PLEX_TOKEN', 'PLEXTOKEN'):
        monkeypatch.setenv(str(name), str(TOKEN))
    monkeypatch.setattr(fix, 'START_PATIENCE', .1)
    texts = []

    def call(*words):
        code = rig.main(*words)
        texts.extend(capsys.readouterr())
        return code
    restart = '/:/plugins/com.plexapp.agents.sample/restart'
    for answers in ({restart: (500, '<html>%s</html>' % TOKEN)}, {restart: (302, '', {str('Location'): str('http://h/' + TOKEN)})},
                    {restart: (401, TOKEN)}, {}):
        with Stub(rig, answers=answers):
            for words in (['a', '--dry-run'], ['--status', '--json'], ['--recover'], ['no-such-fix'], ['a'],
                          ['a', '--token-file', token_file], ['--rollback', 'a', '--json']):
                call(*words)
    for url in ('http://u:%s@127.0.0.1' % TOKEN, 'http://127.0.0.1/?X-Plex-Token=' + TOKEN, 'http://127.0.0.1:%s/' % TOKEN):
        rig.url = url
        assert call('a') == 2
    rig.url = 'http://127.0.0.1:9'
    assert call('a', '--token-file', os.path.join(rig.root, TOKEN)) == 4
    assert TOKEN not in ''.join(texts)
    assert TOKEN.encode('utf-8') not in everything_written(rig)


BUG = '''
import sys
sys.path.insert(0, %r)
import implement_fix as fix
fix.find_python27 = lambda option: None
def fail(self, *words):
    raise RuntimeError('a bug')
fix.PlexServer.restart_plugin = fail
sys.exit(fix.main())
'''


def test_a_bug_shows_a_traceback_without_the_token_and_leaves_no_fix(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    environment = dict(os.environ, **{str('PLEX_TOKEN'): str(TOKEN)})
    code, out, err = rig.call(line=[sys.executable, '-c', BUG % ROOT] + rig.words('a'), env=environment)
    assert code == 1 and 'RuntimeError: a bug' in err and TOKEN not in out + err
    assert rig.content() == CODE.encode('utf-8')
    assert TOKEN.encode('utf-8') not in everything_written(rig)


@pytest.mark.parametrize('locale', [{}, {'LC_ALL': 'C'}])
def test_under_cron(rig, locale):
    rig.offer('a', {ENTRY: [PLOT]}, loss='a title like caf\u00e9')
    environment = dict(CRON, **dict((str(name), str(value)) for name, value in locale.items()))
    with Stub(rig):
        for words in (['a', '--dry-run'], ['a'], ['--status'], ['--rollback', 'a'], ['--recover']):
            code, out, err = rig.call(*words, env=environment)
            assert (code, err) == (0, ''), words
    assert rig.content() == CODE.encode('utf-8')


@pytest.mark.parametrize('locale', ['C', 'C.UTF-8'])
def test_paths_beyond_ascii_work_or_are_one_sentence(tmpdir, locale):
    """2.7 and 3.6 cannot name such a path under LC_ALL=C; what is done about it is said, and nothing else is done."""
    rig = Rig(os.path.join(str(tmpdir), 'M\u00e9dia \u4e2d'))
    rig.offer('a', {ENTRY: [PLOT]})
    environment = dict(CRON, **{str('LC_ALL'): str(locale)})
    with Stub(rig):
        for words in (['a', '--dry-run'], ['a'], ['--status'], ['--rollback', 'a']):
            code, out, err = rig.call(*words, env=environment)
            if locale == 'C' and sys.version_info < (3, 7):
                assert code == 4 and 'LC_ALL=C.UTF-8' in err and len(err.splitlines()) == 1
            else:
                assert (code, err) == (0, '')
    assert rig.content() == CODE.encode('utf-8')


def test_a_bundle_with_a_name_beyond_ascii(rig):
    entry = ENTRY.replace('Sample', 'M\u00e9dia')
    environment = dict(CRON, **{str('LC_ALL'): str('C.UTF-8')})
    os.rename(os.path.join(rig.plug_ins, 'Sample.bundle'), rig.path('M\u00e9dia.bundle'))
    rig.offer('a', {entry: [PLOT]})
    code, out, err = rig.call('a', '--no-restart', env=environment)
    assert code == 3 and 'Traceback' not in err
    assert b"data.get('plot')" in rig.content(entry)
    code, out, err = rig.call('--rollback', 'a', '--no-restart', env=environment)
    assert code == 3 and 'Traceback' not in err and rig.content(entry) == CODE.encode('utf-8')


def test_from_another_folder_with_a_relative_run_directory_and_no_standard_input(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    words = ['a', '--run-dir', os.path.join('runs', os.path.basename(rig.run_dir)), '--plex-home', 'Plex Media Server']
    with Stub(rig) as stub:
        line = ['sh', '-c', 'exec "$0" "$@" <&-', sys.executable, os.path.join(ROOT, 'implement_fix.py')]
        process = subprocess.Popen(line + words + ['--plex-url', stub.url], cwd=rig.root, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        out, err = process.communicate()
        assert (process.returncode, err) == (0, b'')
        assert fix.fixes_in_place(rig.run_dir)['a']['state'] == 'after'     # the journal's paths are whole ones
        assert rig.call('--rollback', 'a')[0] == 0


@pytest.mark.parametrize('words', [['--status'], ['a', '--dry-run']])
def test_a_reader_that_has_seen_enough_is_no_error(rig, words):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        rig.call('a')
    process = subprocess.Popen(rig.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    err = process.stderr.read()
    assert (process.wait(), err) == (0, b'')


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() == 0, reason='root may write everywhere')
def test_a_read_only_folder_is_one_sentence(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    folder = os.path.dirname(rig.path())
    os.chmod(folder, 0o555)
    try:
        code, out, err = rig.call('a')
    finally:
        os.chmod(folder, 0o755)
    assert code == 4 and len(err.splitlines()) == 1 and rig.content() == CODE.encode('utf-8')


@pytest.mark.parametrize('name', ['diagnostic_report.json', 'fixes/a.patch'])
@pytest.mark.parametrize('data', [b'', b'\xff\xfe\x00nonsense', b'{"schema": 99, "patterns": []}', b'[]', None])
def test_damaged_input_is_one_sentence(rig, name, data):
    rig.offer('a', {ENTRY: [PLOT]})
    path = os.path.join(rig.run_dir, *name.split('/'))
    os.remove(path)
    if data is not None:
        write(path, data)
    code, out, err = rig.call('a')
    assert code in (4, 5) and out == '' and len(err.splitlines()) == 1 and 'Traceback' not in err
    assert rig.content() == CODE.encode('utf-8') and fix.read_journal(rig.run_dir) == []


def test_nothing_is_left_in_the_temporary_folder(rig, tmpdir):
    rig.offer('a', {ENTRY: [PLOT]})
    folder = tmpdir.mkdir('tmp')
    environment = dict(os.environ, **{str('TMPDIR'): str(folder)})
    with Stub(rig):
        assert rig.call('a', env=environment)[0] == 0
    assert folder.listdir() == []


def test_texts_are_text():
    """2.7 would let bytes and text mix until the first accent."""
    assert isinstance(fix.environment('PATH'), six.text_type)
    assert isinstance(fix.run_name(str('/x/2026-11-22T103000Z')), (str, six.text_type))


def test_a_year_of_nights_is_read_once(rig, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
    for day in range(30):
        shutil.copytree(rig.run_dir, os.path.join(rig.runs, '2026-10-%02dT033000Z' % (day + 1)))
    read, seen = fix.read_journal, []
    monkeypatch.setattr(fix, 'read_journal', lambda run_dir: seen.append(run_dir) or read(run_dir))
    runs = fix.runs_beside(rig.run_dir)
    found = fix.fixes_of_runs(runs)
    assert len(runs) == 31 and found[runs[-1]]['a']['state'] == 'after' and len(seen) <= 2 * 31
    del seen[:]
    with Stub(rig):
        assert rig.main('--rollback', 'a') == 0 and len(seen) <= 10 * 31   # of each some times, never all for each
