# -*- coding: utf-8 -*-
"""implement_fix.py killed at every write in turn: the files are always one of two versions, and the next start goes on."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import signal
import subprocess
import sys
import time
import warnings

import pytest

import implement_fix as fix
from implement_rig import CODE, ENTRY, ROOT, Rig, Stub, write

HELPER = 'Sample.bundle/Contents/Libraries/Shared/helper.py'
HELPER_CODE = 'def f(x):\n    return x[0]\n'
EDITS = {ENTRY: [("data['plot']", "data.get('plot')")], HELPER: [('x[0]', 'x and x[0]')]}
SYSTEM_CALLS = ('fsync', 'rename', 'replace', 'remove', 'unlink', 'mkdir', 'utime', 'chmod')
DEAD = 137
HALF_WAY = []

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')


@pytest.fixture
def new_rig(tmpdir, monkeypatch):
    monkeypatch.setattr(fix, 'find_python27', lambda option: None)
    monkeypatch.setattr(fix, 'START_PATIENCE', .3)
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    made = []

    def make():
        rig = Rig(str(tmpdir.mkdir('rig %d' % len(made))))
        made.append(rig)
        write(rig.path(HELPER), HELPER_CODE)
        rig.before = {ENTRY: rig.content(), HELPER: rig.content(HELPER)}
        rig.offer('a', EDITS)
        rig.after = dict((path, content.replace(*(word.encode('utf-8') for word in EDITS[path][0])))
                         for path, content in rig.before.items())
        return rig
    yield make
    for number, handler in kept:
        signal.signal(number, handler)


def die_at(call_number, rig, *words):
    """Run main(*words) in a child that is gone, without any clean-up, before its n-th call that changes the disk."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                     # 3.12 and later warn of forks beside threads; ours only waits
        child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert os.WIFEXITED(status)
        return os.WEXITSTATUS(status)
    signal.alarm(60)
    left = [call_number]

    def counted(call):
        def wrapper(*words, **named):
            left[0] -= 1
            if left[0] == 0:
                os._exit(DEAD)
            return call(*words, **named)
        return wrapper
    code = 99
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        for name in SYSTEM_CALLS:
            if hasattr(os, name):
                setattr(os, name, counted(getattr(os, name)))
        code = rig.main(*words)
    finally:
        os._exit(code)


def leftovers(rig):
    return [os.path.join(folder, name) for folder, _, names in os.walk(rig.plug_ins) for name in names
            if not name.endswith(('.py', '.plist'))]


def each_is_one_of_two(rig):
    for path in rig.before:
        assert rig.content(path) in (rig.before[path], rig.after[path]), path


def all_are(rig, contents):
    return all(rig.content(path) == content for path, content in contents.items())


def deaths(new_rig, prepare, *words):
    """(rig, n) for n = 1, 2, ... after each death at the n-th call, until the command gets through."""
    for call_number in range(1, 400):
        rig = new_rig()
        with Stub(rig):
            prepare(rig)
            code = die_at(call_number, rig, *words)
            if code != DEAD:
                assert code == 0 and call_number > 13
                return
            each_is_one_of_two(rig)
            yield rig, call_number


def test_killed_while_putting_in_place(new_rig, capsys):
    ends = set()
    for rig, call_number in deaths(new_rig, lambda rig: None, 'a'):
        assert rig.main('--recover') == 0
        assert 'Traceback' not in ''.join(capsys.readouterr())
        assert all(row['live'] or row['ended'] == 'abandoned' for row in fix.fixes_in_place(rig.run_dir).values())
        is_in = all_are(rig, rig.after)
        assert is_in or all_are(rig, rig.before)            # never half a fix
        assert leftovers(rig) == []
        found = fix.fixes_in_place(rig.run_dir)
        assert found.get('a', {'state': 'before'})['state'] == ('after' if is_in else 'before')
        ends.add(is_in)
        assert rig.main('--recover') == 0                   # and there is nothing left to say
        assert 'Nothing' in capsys.readouterr()[0]
        if call_number % 5 == 0:                            # and life goes on
            assert rig.main('a') == 0 and all_are(rig, rig.after)
            assert rig.main('--rollback', 'a') == 0 and all_are(rig, rig.before)
    assert ends == {True, False}


def test_killed_while_taking_out(new_rig, capsys):
    ends = set()
    for rig, _ in deaths(new_rig, lambda rig: rig.main('a'), '--rollback', 'a'):
        capsys.readouterr()
        assert rig.main('--rollback', 'a') == 0             # no --recover first: any start begins with it
        assert 'Traceback' not in ''.join(capsys.readouterr())
        assert all_are(rig, rig.before) and leftovers(rig) == []
        found = fix.fixes_in_place(rig.run_dir)['a']
        assert (found['state'], found['ended']) == ('before', 'rolled back')
        ends.add(found['live'])
    assert ends == {True}


def test_killed_while_a_failed_start_is_rolled_back(new_rig, capsys):
    def poison(rig):
        rig.fixes[rig.run_dir] = []
        rig.offer('a', {ENTRY: [("data['plot']", "'poison'")]})
        rig.before, rig.after = {ENTRY: rig.before[ENTRY]}, {ENTRY: rig.before[ENTRY].replace(b"data['plot']", b"'poison'")}
    for call_number in range(1, 400, 3):
        rig = new_rig()
        poison(rig)
        with Stub(rig):
            code = die_at(call_number, rig, 'a')
            each_is_one_of_two(rig)
            if code != DEAD:
                assert code == 6
                return
            assert rig.main('--recover') in (0, 6)          # 6: it was in place, was restarted, and did not come up
            assert rig.main('--rollback', 'a') == 0
            assert all_are(rig, rig.before) and leftovers(rig) == []


def test_killed_while_recovering(new_rig, capsys):
    """A death in the second file leaves half a fix; recovery itself then dies at each of its calls."""
    number = half_way(new_rig)
    for call_number in range(1, 100, 2):
        rig = new_rig()
        with Stub(rig):
            assert die_at(number, rig, 'a') == DEAD
            code = die_at(call_number, rig, '--recover')
            each_is_one_of_two(rig)
            assert rig.main('--recover') == 0
            assert all_are(rig, rig.before) and leftovers(rig) == []
            assert fix.fixes_in_place(rig.run_dir)['a']['state'] == 'before'
            if code != DEAD:
                assert code == 0
                return


def half_way(new_rig):
    """The number of the call before which one of the two files is replaced and the other not: the same in every rig."""
    while not HALF_WAY:
        number = next(number for number in range(20, 200) if is_half(new_rig(), number))
        HALF_WAY.append(number)
    return HALF_WAY[0]


def is_half(rig, number):
    with Stub(rig):
        die_at(number, rig, 'a')
    return not all_are(rig, rig.before) and not all_are(rig, rig.after)


def test_someone_elses_edit_between_death_and_recovery_is_left_alone(new_rig, capsys):
    rig = new_rig()
    number = half_way(new_rig)
    with Stub(rig):
        assert die_at(number, rig, 'a') == DEAD
        replaced = next(path for path in rig.before if rig.content(path) == rig.after[path])
        write(rig.path(replaced), 'mine = 1\n')
        assert rig.main('--recover') == 0
        assert 'someone else' in capsys.readouterr()[0]
    assert rig.content(replaced) == b'mine = 1\n'
    assert fix.fixes_in_place(rig.run_dir)['a']['state'] == 'other'


def test_recovery_covers_the_runs_beside_this_one(new_rig):
    rig = new_rig()
    number = half_way(new_rig)
    second = rig.new_run('2026-11-23T103000Z')
    with Stub(rig):
        assert die_at(number, rig, 'a') == DEAD
        write(os.path.join(second, 'diagnostic_report.json'), '{"schema": 1, "patterns": []}')
        assert rig.main('no-such-fix', run_dir=second) == 4
    assert all_are(rig, rig.before)


def test_where_the_plug_ins_are_not_mounted_nothing_is_ended(new_rig, capsys):
    rig = new_rig()
    fix.write_step(rig.run_dir, 'intent', action='undo', fix='a', bundle='Sample.bundle', agent='x', plug_ins=rig.plug_ins,
                   files=[{'path': 'Sample.bundle/Contents/Code/__init__.py', 'before': 'b', 'after': 'a', 'carries': []}])
    os.rename(rig.plug_ins, rig.plug_ins + '.away')
    os.mkdir(rig.plug_ins)
    assert rig.main('--recover') == 4 and 'is its volume mounted?' in capsys.readouterr()[1]
    assert [row['step'] for row in fix.read_journal(rig.run_dir)] == ['intent']


def test_dry_run_reports_what_is_unfinished_and_leaves_it(new_rig, capsys):
    rig = new_rig()
    number = half_way(new_rig)
    with Stub(rig):
        assert die_at(number, rig, 'a') == DEAD
        contents = dict((path, rig.content(path)) for path in rig.before)
        assert rig.main('--recover', '--dry-run') == 0
        assert 'unfinished' in ' '.join(capsys.readouterr()[0].split())
        assert all_are(rig, contents)
        assert rig.main('--status') == 0
        assert '--recover' in capsys.readouterr()[0]


KILLER = '''
import os, signal, sys
sys.path.insert(0, %r)
import implement_fix as fix
fix.find_python27 = lambda option: None
left = [int(sys.argv.pop(1))]
rename = os.rename
def die(*words):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(*words)
os.rename = os.replace = die
sys.exit(fix.main())
'''


@pytest.mark.parametrize('number', [1, 3, 8, 11, 12, 13])
def test_a_process_that_is_really_killed(new_rig, number):
    rig = new_rig()
    with Stub(rig):
        code, _, err = rig.call(line=[sys.executable, '-c', KILLER % ROOT, str(number)] + rig.words('a'))
        assert code in (-signal.SIGKILL, 0), err
        each_is_one_of_two(rig)
        assert rig.main('a') == 0 and all_are(rig, rig.after) and leftovers(rig) == []
        assert rig.main('--rollback', 'a') == 0 and all_are(rig, rig.before)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_during_the_restart_the_fix_is_taken_out(new_rig, number):
    rig = new_rig()
    running = []

    def interrupt(handler):
        if running:
            running.pop().send_signal(number)
            time.sleep(.3)
        return 200, ''
    with Stub(rig, answers={'/:/plugins/com.plexapp.agents.sample/restart': interrupt}):
        process = subprocess.Popen(rig.command('a'), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        running.append(process)
        out, err = process.communicate()
    assert process.returncode == 130 and b'Traceback' not in err, err
    assert all_are(rig, rig.before) and leftovers(rig) == []
    assert fix.fixes_in_place(rig.run_dir)['a']['ended'] == 'rolled back'


@pytest.mark.parametrize('name, number', [('fsync', 28), ('rename', 13), ('mkdir', 28)])
def test_a_full_disk_is_one_sentence_and_changes_nothing(new_rig, capsys, monkeypatch, name, number):
    rig = new_rig()
    real, left = getattr(os, name), [3 if name == 'fsync' else 1]

    def fail(*words, **named):
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(number, os.strerror(number), str('somewhere'))
        return real(*words, **named)
    monkeypatch.setattr(os, name, fail)
    if name == 'rename':
        monkeypatch.setattr(os, 'replace', fail, raising=False)
    with Stub(rig):
        assert rig.main('a') == 4
    err = capsys.readouterr()[1]
    assert 'somewhere' in err and 'Traceback' not in err
    assert all_are(rig, rig.before) and leftovers(rig) == []
    assert CODE.encode('utf-8') == rig.content()
