# -*- coding: utf-8 -*-
"""One fix put in place, proved and taken out: the whole command against a stub of the server."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import itertools
import json
import os
import shutil
import signal
import threading

import pytest

import diagnose_from_report as diagnose
import implement_fix as fix
from aggregate_plex_logs import Problem
from implement_rig import AGENT, CODE, ENTRY, Rig, Stub, read, write

PLOT = ("data['plot']", "data.get('plot')")
YEAR = ("int(data['year'])", "int(data.get('year') or 0)")
STUDIO = ("data['studio']['name']", "(data.get('studio') or {}).get('name')")


@pytest.fixture
def rig(tmpdir, monkeypatch):
    rig = Rig(str(tmpdir))
    monkeypatch.setattr(fix, 'find_python27', lambda option: None)      # test_implement_judges.py has the other judges
    for name in ('PLEX_TOKEN', 'PLEX_URL', 'PLEX_HOME', 'PLEX_PYTHON27', 'PLEXBUNDLEDPLUGINSPATH'):
        monkeypatch.delenv(str(name), raising=False)
    monkeypatch.setattr(fix, 'START_PATIENCE', .3)
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    yield rig
    for number, handler in kept:
        signal.signal(number, handler)


def steps(rig, run_dir=None):
    return [(row['fix'], row['step']) for row in fix.read_journal(run_dir or rig.run_dir)]


def state(rig, fix_id, run_dir=None):
    return fix.fixes_in_place(run_dir or rig.run_dir)[fix_id]['state']


def log_text(rig, iteration=1):
    with io.open(os.path.join(rig.run_dir, 'implementation_log_iteration_%d.md' % iteration), encoding='utf-8') as source:
        return source.read()


# -------------------------------------------------------------------------------------------------------- putting in place
def test_a_fix_is_put_in_place_and_proved(rig, capsys):
    after = rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig) as stub:
        assert rig.main('a') == 0
        assert stub.seen == ['GET /:/plugins/%s/restart' % AGENT]
    assert rig.content() == after
    assert steps(rig) == [('a', step) for step in ('intent', 'backup', 'replace', 'restart', 'verified')]
    assert state(rig, 'a') == 'after'
    out = capsys.readouterr()[0]
    assert 'a in place' in out and max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.parametrize('fields, words', [(['summary'], 'summary'), ([], 'none'), (None, 'not known')])
def test_the_prediction_stands_before_the_change_and_the_checkpoint_after_it(rig, monkeypatch, fields, words):
    rig.offer('a', {ENTRY: [PLOT]}, loss='an item | without a plot', predicted={'fields': fields, 'sentence': '18 of 23 will'})
    seen = []
    replace = fix.replace_file
    monkeypatch.setattr(fix, 'replace_file', lambda *words: (seen.append(log_text(rig)), replace(*words)))
    with Stub(rig):
        assert rig.main('a') == 0
    assert 'Fields that should appear: %s.' % words in seen[0]
    assert '## Expected' in seen[0] and '18 of 23' in seen[0] and '## What was done' not in seen[0]
    text = log_text(rig)
    assert text.startswith(seen[0].rstrip('\n')) and 'run loop | yes |' in text and text.count('| yes |') == 2
    assert '```' not in text and '\n    ' not in text


def test_a_second_time_changes_nothing(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig) as stub:
        assert rig.main('a') == 0
        before, text, time = steps(rig), log_text(rig), os.stat(rig.path()).st_mtime
        assert rig.main('a') == 0
        assert (steps(rig), log_text(rig), os.stat(rig.path()).st_mtime) == (before, text, time)
        assert stub.starts == 1


def test_dry_run_shows_the_diff_and_changes_nothing(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    before = sorted(os.listdir(rig.run_dir))
    with Stub(rig) as stub:
        assert rig.main('a', '--dry-run') == 0
        assert stub.seen == []
    out = capsys.readouterr()[0]
    assert "+        metadata.summary = data.get('plot')" in out and 'would be put in place' in out
    assert rig.content() == CODE.encode('utf-8') and sorted(os.listdir(rig.run_dir)) == before


def test_json_and_quiet(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a', '--json') == 0
        found = json.loads(capsys.readouterr()[0])
        assert (found['fix'], found['live'], found['files']) == ('a', True, [ENTRY])
        assert rig.main('--rollback', 'a', '--quiet') == 0
        assert capsys.readouterr()[0] == ''


def test_a_fix_of_an_earlier_iteration_is_found(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    os.rename(diagnose.diagnosis_path(rig.run_dir), os.path.join(rig.run_dir, 'diagnostic_report_iteration_1.json'))
    rig.fixes[rig.run_dir] = []
    rig.offer('b', {ENTRY: [YEAR]})
    with Stub(rig):
        assert rig.main('a') == 0


def test_several_files_are_one_fix(rig):
    other = 'Sample.bundle/Contents/Libraries/Shared/helper.py'
    write(rig.path(other), 'def f(x):\n    return x[0]\n')
    rig.offer('a', {ENTRY: [PLOT], other: [('x[0]', 'x and x[0]')]})
    with Stub(rig):
        assert rig.main('a') == 0
        assert b'x and x[0]' in rig.content(other) and state(rig, 'a') == 'after'
        assert rig.main('--rollback', 'a') == 0
    assert rig.content(other) == b'def f(x):\n    return x[0]\n' and rig.content() == CODE.encode('utf-8')


@pytest.mark.parametrize('code', [CODE.replace('\n', '\r\n'), '\ufeff' + CODE, CODE.rstrip('\n'), CODE.replace('    ', '\t'),
                                  CODE.encode('utf-8').replace(b'utf-8', b'latin-1').replace(b"'up'", b"'caf\xe9'")])
def test_line_ends_bom_encoding_and_tabs_stay(rig, code):
    write(rig.path(), code)
    before = rig.content()
    after = rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        assert rig.content() == after == before.replace(b"data['plot']", b"data.get('plot')")
        assert rig.main('--rollback', 'a') == 0
    assert rig.content() == before


def test_mode_and_the_plist_stay_but_for_its_time(rig):
    os.chmod(rig.path(), 0o640)
    plist = os.path.join(rig.plug_ins, 'Sample.bundle', 'Contents', 'Info.plist')
    before = read(plist)
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        rig.main('a')
    assert os.stat(rig.path()).st_mode & 0o7777 == 0o640
    assert read(plist) == before


# -------------------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize('old, new, judge', [
    ("data['plot']", "data.__class__", "the suite's reader"), ("data['plot']", "data[", "the suite's reader"),
    ("metadata.title = data['title']", "data['n'] += 1", "the suite's reader")])
def test_what_plex_would_refuse_is_not_written(rig, capsys, old, new, judge):
    rig.offer('a', {ENTRY: [(old, new)]})
    assert rig.main('a') == 5
    assert judge in capsys.readouterr()[1]
    assert rig.content() == CODE.encode('utf-8') and steps(rig) == []


def test_a_file_that_changed_since_the_diagnosis_is_refused(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    write(rig.path(), CODE + '# mine\n')
    assert rig.main('a') == 5
    assert 'diagnose again' in capsys.readouterr()[1] and steps(rig) == []


def test_a_plug_in_whose_log_would_not_show_its_start_is_left_alone(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    plist = rig.path('Sample.bundle/Contents/Info.plist')
    write(plist, read(plist).replace(b'<dict>', b'<dict><key>PlexPluginLogLevel</key><string>Error</string>', 1))
    assert rig.main('a', '--dry-run') == rig.main('a') == 4
    assert 'below Error' in capsys.readouterr()[1] and steps(rig) == []


@pytest.mark.parametrize('text', ['{"schema": 1}', 'no JSON', '{"schema": 1, "places": [{}]}'])
def test_a_damaged_note_beside_a_backup_stops_nothing(rig, text):
    target = fix.read_target(rig.plug_ins, ENTRY)
    about = fix.backup_path(rig.run_dir, target.sha256) + '.json'
    write(about, text)
    fix.back_up(rig.run_dir, target)
    assert [place['path'] for place in json.loads(read(about).decode('utf-8'))['places']] == [ENTRY]


def test_a_patch_that_does_not_keep_its_promise_is_refused(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    patch = diagnose.fix_patch_path(rig.run_dir, 'a')
    write(patch, read(patch).replace(b'.get', b'.pop'))
    assert rig.main('a') == 5 and steps(rig) == []


@pytest.mark.parametrize('facts', [{'files': []}, {'files': [{'path': 'Other.bundle/Contents/Code/__init__.py',
                                                              'sha256_before': '', 'sha256_after': ''}]}])
def test_a_record_that_names_other_files_than_the_patch_is_refused(rig, facts):
    rig.offer('a', {ENTRY: [PLOT]}, **facts)
    assert rig.main('a') == 5 and steps(rig) == []


@pytest.mark.parametrize('words, code', [(['nonsense'], 4), (['--rollback', 'nonsense'], 4), ([], 2), (['a', '--status'], 2),
                                         (['--rollback', 'a', '--recover'], 2), (['../../etc/x'], 4)])
def test_an_unknown_fix_or_two_orders_at_once_are_one_sentence(rig, capsys, words, code):
    rig.offer('a', {ENTRY: [PLOT]})
    assert rig.main(*words) == code
    assert 'Traceback' not in capsys.readouterr()[1]


def test_a_newer_schema_is_refused_in_one_sentence(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    write(fix.journal_path(rig.run_dir), '{"schema": 99, "step": "intent"}\n')
    assert rig.main('a') == 4
    assert 'schema 99' in capsys.readouterr()[1] and rig.content() == CODE.encode('utf-8')


@pytest.mark.parametrize('patterns', ['null', '5', '[5]', '[{"pattern": 5}]', '[{"pattern": "p", "fixes": [5]}]'] + [
    '[{"pattern": "p", "fixes": [{"id": "%s"}]}]' % name for name in ('../../x', '--recover', '', 'a b')] + [
    '[{"pattern": "p", "fixes": [{"id": "a", "files": %s}]}]' % files for files in ('5', '[5]', '[{"path": 5}]')])
def test_a_damaged_or_forged_diagnosis_is_one_sentence(rig, capsys, patterns):
    rig.offer('a', {ENTRY: [PLOT]})
    write(diagnose.diagnosis_path(rig.run_dir), '{"schema": 1, "patterns": %s}' % patterns)
    assert rig.main('a') == 4
    err = capsys.readouterr()[1]
    assert 'is damaged' in err and err.count('\n') == 1 and steps(rig) == []


def test_a_damaged_intent_in_the_journal_is_none(rig):
    line = ('{"schema": 1, "step": "intent", "time": %s, "action": "%s", "fix": "a", "bundle": "b", "plug_ins": "c", '
            '"files": %s}\n')
    write(fix.journal_path(rig.run_dir), line % (6, 'implement', 5) + line % ('"6"', 'undo', '[]') +
          '{"step": "rolled back", "fix": "a"}\n{"step": "restart", "schema": [1]}\n{"step": 7}\n')
    assert rig.main('--status') == 0 and rig.main('--recover') == 0


def test_a_second_implementer_waits(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    with fix.FolderLock(rig.plug_ins):
        assert rig.main('a') == 75
    assert 'another process of the loop' in capsys.readouterr()[1] and steps(rig) == []


def hold_for_a_moment(rig):
    held = fix.FolderLock(rig.plug_ins)
    held.__enter__()
    threading.Timer(.3, held.__exit__).start()


@pytest.mark.skipif(os.name == 'nt', reason='folders cannot be locked')
def test_beside_a_run_only_its_own_phases_and_an_undo_are_taken(rig, capsys, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        with fix.FolderLock(rig.home):          # as a run holds it, wherever its reports lie
            assert [rig.main(*words) for words in (['a'], ['--recover'])] == [75, 75]
            err = capsys.readouterr()[1]
            assert err.count('\n') == 2 and 'a run (or another implement_fix.py) is at work' in err and steps(rig) == []
            assert [rig.main(*words) for words in (['a', '--dry-run'], ['--status'])] == [0, 0]
            monkeypatch.setenv(str(fix.OF_A_RUN), str('1'))
            hold_for_a_moment(rig)              # an undo of somebody
            assert rig.main('a') == 0
            monkeypatch.delenv(str(fix.OF_A_RUN))
            hold_for_a_moment(rig)              # a phase of the run
            assert rig.main('--rollback', 'a') == 0 and rig.content() == CODE.encode('utf-8')
        assert rig.main('a') == 0


def test_a_folder_that_cannot_be_written_is_refused_before_anything_happens(rig, capsys, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    access = os.access
    monkeypatch.setattr(os, 'access', lambda path, how: 'Sample.bundle' not in path and access(path, how))
    assert rig.main('a') == 4
    assert 'owns the Plug-ins folder' in capsys.readouterr()[1] and steps(rig) == []


def test_a_bad_address_shows_before_anything_is_written(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    rig.url = 'nonsense'
    assert rig.main('a') == 2 and steps(rig) == []


# ----------------------------------------------------------------------------------------------------- restart and proof
def test_a_plug_in_that_does_not_come_up_is_rolled_back(rig, capsys):
    rig.offer('a', {ENTRY: [("data['plot']", "'poison'")]})
    with Stub(rig) as stub:
        assert rig.main('a') == 6
        assert stub.starts == 2
    assert rig.content() == CODE.encode('utf-8') and state(rig, 'a') == 'before'
    assert 'SyntaxError: Line 5' in capsys.readouterr()[0]
    assert 'run loop | no |' in log_text(rig) and 'Undone' in log_text(rig)
    assert steps(rig)[-1] == ('a', 'rolled back')


def test_without_a_sign_in_the_log_it_is_not_known_and_the_fix_stays(rig, capsys):
    after = rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig, silent=True):
        assert rig.main('a') == 3
    assert rig.content() == after and steps(rig)[-1] == ('a', 'unproven')
    assert 'no start' in capsys.readouterr()[1]
    assert 'run loop | not known |' in log_text(rig)


def test_what_was_unproven_is_proved_by_running_it_again(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig, silent=True) as stub:
        assert rig.main('a') == 3
        stub.silent = False
        assert rig.main('a') == 0
        assert rig.main('a') == 0
        assert stub.starts == 1
    assert steps(rig)[-1] == ('a', 'verified')


def test_what_was_unproven_and_then_does_not_come_up_is_rolled_back(rig):
    rig.offer('a', {ENTRY: [("data['plot']", "'poison'")]})
    with Stub(rig, silent=True) as stub:
        assert rig.main('a') == 3
        stub.silent = False
        assert rig.main('a') == 6
    assert rig.content() == CODE.encode('utf-8')


def failing_first(function):
    left = [Problem('there is no x.log.1'), OSError(2, 'No such file', 'x.log.1')]

    def wrapper(*words):
        if left:
            raise left.pop()
        return function(*words)
    return wrapper


def test_a_log_that_is_rotated_while_it_is_read_is_read_again(rig, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    for name in ('log_position', 'plugin_starts'):
        monkeypatch.setattr(fix.logs, name, failing_first(getattr(fix.logs, name)))
    with Stub(rig):
        assert rig.main('a') == 0


def test_a_start_before_the_change_is_no_proof(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig, silent=True) as stub:
        stub.start_plug_in()
        assert rig.main('a') == 3


def test_without_a_server_the_time_of_the_plist_is_moved(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    plist = os.path.join(rig.plug_ins, 'Sample.bundle', 'Contents', 'Info.plist')
    os.utime(plist, (1000000007, 1000000007))
    assert rig.main('a') == 3
    assert os.stat(plist).st_mtime > 1700000000


def test_a_server_that_watches_the_plist_is_proof_enough(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    import threading
    import time
    stub = Stub(rig)
    plist = os.path.join(rig.plug_ins, 'Sample.bundle', 'Contents', 'Info.plist')
    os.utime(plist, (1000000007, 1000000007))

    def watch():
        end = time.time() + 10
        while os.stat(plist).st_mtime < 1700000000 and time.time() < end:
            time.sleep(.01)
        stub.start_plug_in()
    thread = threading.Thread(target=watch)
    thread.start()
    fix.START_PATIENCE = 10                     # monkeypatch of the fixture puts it back
    assert rig.main('a') == 0
    thread.join()


def test_no_restart_leaves_the_plug_in_alone(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig) as stub:
        assert rig.main('a', '--no-restart') == 3
        assert stub.seen == []
    assert state(rig, 'a') == 'after'


def test_a_file_changed_by_someone_during_the_start_is_no_proof(rig, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    prove = fix.restart_and_prove

    def meddle(*words):
        live = prove(*words)
        write(rig.path(), 'mine = 1\n')
        return live
    monkeypatch.setattr(fix, 'restart_and_prove', meddle)
    with Stub(rig):
        assert rig.main('a') == 3
    assert rig.content() == b'mine = 1\n'


# ------------------------------------------------------------------------------------------------------------------ undo
@pytest.mark.parametrize('order', list(itertools.permutations('abc')))
def test_fixes_are_taken_out_in_any_order(rig, order):
    contents = {'': rig.content()}
    with Stub(rig):
        for fix_id, change in zip('abc', (PLOT, ("'up'", "'here'"), STUDIO)):
            rig.offer(fix_id, {ENTRY: [change]})
            assert rig.main(fix_id) == 0
        left = ['a', 'b', 'c']
        for fix_id in order:
            assert rig.main('--rollback', fix_id) == 0
            left.remove(fix_id)
            assert [name for name in 'abc' if state(rig, name) == 'after'] == left
            for name, (old, new) in zip('abc', (PLOT, ("'up'", "'here'"), STUDIO)):
                assert (new.encode('utf-8') in rig.content()) == (name in left)
    assert rig.content() == contents['']


def test_where_a_later_fix_changed_the_same_lines_undo_stops_and_names_it(rig, capsys):
    with Stub(rig):
        rig.offer('a', {ENTRY: [PLOT]})
        assert rig.main('a') == 0
        after = rig.offer('b', {ENTRY: [("data.get('plot')", "data.get('plot') or ''")]})
        assert rig.main('b') == 0
        capsys.readouterr()
        assert rig.main('--rollback', 'a') == 5
        assert '/b)' in capsys.readouterr()[1] and rig.content() == after
        assert rig.main('--rollback', 'b') == 0
        assert rig.main('--rollback', 'a') == 0
    assert rig.content() == CODE.encode('utf-8')


def test_fixes_of_several_runs_in_one_file(rig):
    second = rig.new_run('2026-11-23T103000Z')
    with Stub(rig):
        rig.offer('a', {ENTRY: [PLOT]})
        assert rig.main('a') == 0
        rig.offer('b', {ENTRY: [("'up'", "'here'")]}, run_dir=second)
        assert rig.main('b', run_dir=second) == 0
        assert state(rig, 'a') == 'after' and state(rig, 'b', second) == 'after'
        assert rig.main('--rollback', 'a') == 0
        assert state(rig, 'a') == 'before' and state(rig, 'b', second) == 'after'
        assert rig.main('--rollback', 'b', run_dir=second) == 0
    assert rig.content() == CODE.encode('utf-8')


def test_one_fix_id_in_two_runs_is_two_changes(rig):
    second = rig.new_run('2026-11-23T103000Z')
    with Stub(rig):
        rig.offer('a', {ENTRY: [PLOT]})
        assert rig.main('a') == 0
        assert rig.main('--rollback', 'a') == 0
        rig.offer('a', {ENTRY: [PLOT]}, run_dir=second)
        assert rig.main('a', run_dir=second) == 0
        assert state(rig, 'a') == 'before' and state(rig, 'a', second) == 'after'
        after = rig.content()
        assert rig.main('--rollback', 'a') == 0
        assert rig.content() == after               # it is the second run's business


def test_undo_and_again(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        for _ in range(2):
            assert rig.main('a') == 0 and state(rig, 'a') == 'after'
            assert rig.main('--rollback', 'a') == 0 and state(rig, 'a') == 'before'
            before = steps(rig)
            assert rig.main('--rollback', 'a') == 0 and steps(rig) == before
    assert rig.content() == CODE.encode('utf-8')


def test_undo_shows_its_diff_first(rig, capsys):
    after = rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        capsys.readouterr()
        assert rig.main('--rollback', 'a', '--dry-run') == 0
    assert "-        metadata.summary = data.get('plot')" in capsys.readouterr()[0] and rig.content() == after


def test_undo_is_proved_live_too(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig) as stub:
        assert rig.main('a') == 0
        stub.silent = True
        assert rig.main('--rollback', 'a') == 3
        assert fix.fixes_in_place(rig.run_dir)['a']['live'] is None
    assert rig.content() == CODE.encode('utf-8')


def test_undo_needs_no_diagnosis_and_no_patch(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        os.remove(diagnose.diagnosis_path(rig.run_dir))
        os.remove(diagnose.fix_patch_path(rig.run_dir, 'a'))
        assert rig.main('--rollback', 'a') == 0
    assert rig.content() == CODE.encode('utf-8')


def test_undo_goes_back_to_a_version_that_no_judge_would_pass(rig):
    write(rig.path(), CODE.replace("data['plot']", 'data.__class__'))
    before = rig.content()
    rig.offer('a', {ENTRY: [('data.__class__', 'data')]})
    with Stub(rig):
        assert rig.main('a') == 0
        assert rig.main('--rollback', 'a') == 0
    assert rig.content() == before


def test_undo_finds_the_run_that_made_the_fix(rig):
    second = rig.new_run('2026-11-23T103000Z')
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        assert rig.main('--rollback', 'a', run_dir=second) == 0
    assert rig.content() == CODE.encode('utf-8') and state(rig, 'a') == 'before'


def test_damaged_backups_stop_an_undo(rig, capsys):
    after = rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        for run_dir in (rig.run_dir, fix.second_copy(rig.run_dir)):
            folder = os.path.join(run_dir, 'backups')
            for name in os.listdir(folder):
                write(os.path.join(folder, name), 'damaged')
        assert rig.main('--rollback', 'a') == 5
    assert 'backups' in capsys.readouterr()[1] and rig.content() == after


def test_damaged_backups_of_which_a_second_copy_is_whole_do_not_stop_it(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        folder = os.path.join(rig.run_dir, 'backups')
        for name in os.listdir(folder):
            write(os.path.join(folder, name), 'damaged')
        fix.remember(rig.run_dir)               # what is damaged takes the place of nothing
        assert rig.main('--rollback', 'a') == 0 and rig.content() == CODE.encode('utf-8')


def test_backups_say_what_they_are(rig):
    before = diagnose.sha256(rig.content())
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
    path = fix.backup_path(rig.run_dir, before)
    assert read(path) == CODE.encode('utf-8')
    about = json.loads(read(path + '.json').decode('utf-8'))
    assert about['schema'] == 1 and len(about['places']) == 1
    assert about['places'][0]['path'] == ENTRY and about['places'][0]['mode'] == '0644'


def test_one_content_in_two_files_is_one_backup_that_names_both(rig):
    other = ENTRY.replace('__init__', 'twin')
    write(rig.path(other), CODE)
    rig.offer('a', {ENTRY: [PLOT], other: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        assert rig.main('--rollback', 'a') == 0
    about = json.loads(read(fix.backup_path(rig.run_dir, diagnose.sha256(rig.content())) + '.json').decode('utf-8'))
    assert [place['path'] for place in about['places']] == [ENTRY, other]
    assert rig.content() == rig.content(other) == CODE.encode('utf-8')


def test_undo_of_what_was_never_put_in_place_is_done(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    assert rig.main('--rollback', 'a') == 0
    assert 'never put in place' in capsys.readouterr()[0]


# ---------------------------------------------------------------------------------------------------- someone else's edits
@pytest.mark.parametrize('gone', ['', 'backups', 'journal.jsonl'])
def test_a_run_that_was_deleted_with_a_fix_in_place_is_put_back_for_its_undo(rig, capsys, gone):
    rig.offer('a', {ENTRY: [PLOT]})
    copy, another = os.path.join(rig.runs, fix.IN_PLACE), rig.new_run('2026-11-23T103000Z')
    with Stub(rig):
        assert rig.main('a') == 0 and os.listdir(copy) == ['2026-11-22T103000Z']
        path = os.path.join(rig.run_dir, gone)
        (os.remove if '.' in gone else shutil.rmtree)(path)
        capsys.readouterr()
        assert rig.main('--status', run_dir=another) == 0
        out, err = capsys.readouterr()
        assert 'Sample.bundle: in place' in out and 'was deleted while fix a' in err and err.count('\n') == 1
        assert rig.main('--status') == 0 and capsys.readouterr()[1] == ''
        (os.remove if '.' in gone else shutil.rmtree)(path)
        assert rig.main('--rollback', 'a') == 0 and rig.content() == CODE.encode('utf-8')
    assert os.listdir(copy) == []               # what is out needs no memory
    shutil.rmtree(rig.run_dir)
    capsys.readouterr()
    assert rig.main('--status') == 4 and 'no run directory' in capsys.readouterr()[1]


def test_an_older_state_of_a_run_that_was_put_back_forgets_no_fix(rig, capsys):
    older, both = rig.root + '/older', []
    with Stub(rig):
        rig.offer('a', {ENTRY: [PLOT]})
        assert rig.main('a') == 0
        shutil.copytree(rig.run_dir, older)
        rig.offer('b', {ENTRY: [YEAR]})
        assert rig.main('b') == 0
        for state_of_journal in ('older', 'half copied'):
            shutil.rmtree(rig.run_dir)
            shutil.copytree(older, rig.run_dir)
            if state_of_journal == 'half copied':
                write(fix.journal_path(rig.run_dir), read(fix.journal_path(rig.run_dir))[:70])
            fix.remember(rig.run_dir)           # by a run that was at work meanwhile: nothing is learnt from it
            capsys.readouterr()
            assert rig.main('--status') == 0
            out, err = capsys.readouterr()
            both.append(out)
            assert 'for an older state while fixes a, b of it are in place' in err and err.count('\n') == 1
        assert both[0] == both[1] and both[0].count('in place') == 2
        assert [rig.main('--rollback', name) for name in 'ab'] == [0, 0] and rig.content() == CODE.encode('utf-8')


@pytest.mark.parametrize('name', ['2026-11-22T103000Z.bak', '2026-11-22T103000Z copy', '2026-11-22T103001Z'])
def test_somebodys_copy_of_a_run_directory_beside_it_does_not_hide_its_fix(rig, name):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        copy = os.path.join(rig.runs, name)
        shutil.copytree(rig.run_dir, copy)
        assert state(rig, 'a') == 'after'
        assert rig.main('--rollback', 'a', run_dir=copy) == 0 and rig.content() == CODE.encode('utf-8')
        assert state(rig, 'a') == 'before'


def test_what_undo_needs_is_kept_twice_before_anything_changes(rig, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})

    def restart(site, bundle):                  # killed in here, say, and then the run is deleted
        if rig.content() != CODE.encode('utf-8'):
            shutil.rmtree(rig.run_dir)
            assert len(fix.bring_back(rig.runs)) == 1 and state(rig, 'a') == 'after'
        return fix.Live(True, 'up')
    monkeypatch.setattr(fix, 'restart_and_prove', restart)
    assert rig.main('a') == 0 and rig.main('--rollback', 'a') == 0 and rig.content() == CODE.encode('utf-8')


def test_what_a_run_left_is_not_put_back_where_its_fix_is_gone_or_its_disk_is_away(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
    shutil.rmtree(rig.run_dir)
    fix.remember(rig.run_dir)                   # by a run that was at work meanwhile: no reason to forget
    os.rename(rig.plug_ins, rig.plug_ins + '.away')
    os.mkdir(rig.plug_ins)
    assert fix.bring_back(rig.runs) == []
    os.rmdir(rig.plug_ins)
    os.rename(rig.plug_ins + '.away', rig.plug_ins)
    patched = rig.content()
    write(rig.path(), CODE.replace('int(', 'float('))       # a new version of the bundle
    assert fix.bring_back(rig.runs) == []
    write(rig.path(), patched)
    assert len(fix.bring_back(rig.runs)) == 1 and state(rig, 'a') == 'after'


def test_a_file_that_someone_changed_after_the_fix_is_never_overwritten(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        mine = rig.content() + b'# mine\n'
        write(rig.path(), mine)
        assert rig.main('--rollback', 'a') == 5
    assert rig.content() == mine and 'someone else' in capsys.readouterr()[1]
    found = fix.fixes_in_place(rig.run_dir)['a']
    assert (found['state'], found['patch']) == ('other', 'there')


@pytest.mark.parametrize('code, patch, code_of_undo', [
    (CODE + '# version 2\n', 'lost', 0), (CODE.replace(*PLOT) + '# version 2\n', 'there', 5),
    (CODE.replace("data['plot']", "data['story']"), 'conflict', 5), (None, 'lost', 0)])
def test_a_bundle_updated_by_someone(rig, capsys, code, patch, code_of_undo):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        os.remove(rig.path())
        if code is not None:
            write(rig.path(), code)
        found = fix.fixes_in_place(rig.run_dir)['a']
        assert (found['state'], found['patch']) == ('other', patch)
        assert rig.main('--rollback', 'a') == code_of_undo
    assert (rig.content() if code is not None else None) == (code and code.encode('utf-8'))
    capsys.readouterr()
    assert rig.main('--status') == 0
    assert 'changed by someone' in capsys.readouterr()[0]


def test_with_a_bundle_that_is_not_installed_any_more_the_fix_is_gone(rig, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        shutil.rmtree(rig.path('Sample.bundle'))
        capsys.readouterr()
        assert rig.main('--rollback', 'a') == 4         # with no bundle at all, most likely its volume is away
        assert 'is its volume mounted?' in capsys.readouterr()[1]
        write(rig.path('Other.bundle/Contents/Code/__init__.py'), CODE)
        assert rig.main('--rollback', 'a') == 0
    assert 'is not installed any more' in capsys.readouterr()[0]


def test_a_bundle_put_back_by_hand_is_not_in_place(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        write(rig.path(), CODE)
        assert state(rig, 'a') == 'before'
        assert rig.main('--rollback', 'a') == 0


def test_a_fix_on_top_of_someones_edit_is_taken_out_and_the_edit_stays(rig):
    with Stub(rig):
        rig.offer('a', {ENTRY: [PLOT]})
        assert rig.main('a') == 0
        write(rig.path(), rig.content().replace(b"'up'", b"'mine'"))
        rig.offer('b', {ENTRY: [STUDIO]})
        assert rig.main('b') == 0
        assert state(rig, 'a') == 'after' == state(rig, 'b')
        assert rig.main('--rollback', 'a') == 0
        assert rig.main('--rollback', 'b') == 0
    assert rig.content() == CODE.replace("'up'", "'mine'").encode('utf-8')


def test_someone_who_changes_the_file_at_the_last_moment_wins(rig, monkeypatch, capsys):
    rig.offer('a', {ENTRY: [PLOT]})
    write_step = fix.write_step

    def meddle(run_dir, step, **facts):
        write_step(run_dir, step, **facts)
        if step == 'replace':
            write(rig.path(), 'mine = 1\n')
    monkeypatch.setattr(fix, 'write_step', meddle)
    with Stub(rig):
        assert rig.main('a') == 5
    assert rig.content() == b'mine = 1\n' and 'someone else' in capsys.readouterr()[1]
    assert steps(rig)[-1] == ('a', 'abandoned')


# -------------------------------------------------------------------------------------------------------------- status
def test_status_lists_the_fixes_of_all_runs(rig, capsys):
    second = rig.new_run('2026-11-23T103000Z')
    assert rig.main('--status') == 0
    assert 'No run' in capsys.readouterr()[0]
    with Stub(rig, silent=True):
        rig.offer('fix-a', {ENTRY: [PLOT]})
        assert rig.main('fix-a') == 3
        rig.offer('fix-b', {ENTRY: [("'up'", "'here'")]}, run_dir=second)
        assert rig.main('fix-b', run_dir=second) == 3
        assert rig.main('--rollback', 'fix-b', run_dir=second) == 3
    capsys.readouterr()
    assert rig.main('--status') == 0
    out = capsys.readouterr()[0]
    assert out.index('fix-a') < out.index('not proven live') < out.index('fix-b') < out.index('not in place')
    assert max(len(line) for line in out.splitlines()) <= 80
    assert rig.main('--status', '--json') == 0
    assert [row['fix'] for row in json.loads(capsys.readouterr()[0])['fixes']] == ['fix-a', 'fix-b']


def test_status_works_without_a_server_and_without_a_plex_folder(rig, capsys, monkeypatch):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
    capsys.readouterr()
    monkeypatch.setenv(str('PLEX_HOME'), str('/nonexistent'))
    assert fix.main(['--status', '--run-dir', rig.run_dir]) == 0
    assert 'in place' in capsys.readouterr()[0]


def test_a_plug_ins_folder_that_moved_is_still_the_one(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
        new_home = os.path.join(rig.root, 'moved')
        os.rename(rig.home, new_home)
        rig.home, rig.plug_ins = new_home, os.path.join(new_home, 'Plug-ins')
        rig.log = os.path.join(new_home, 'Logs', 'PMS Plugin Logs', AGENT + '.log')
        assert rig.main('--rollback', 'a') == 0
    assert rig.content() == CODE.encode('utf-8')


def test_read_journal_skips_a_line_that_a_crash_cut_off(rig):
    rig.offer('a', {ENTRY: [PLOT]})
    with Stub(rig):
        assert rig.main('a') == 0
    path = fix.journal_path(rig.run_dir)
    before = fix.read_journal(rig.run_dir)
    with io.open(path, 'ab') as out:
        out.write(b'{"schema": 1, "step": "inte')
    assert fix.read_journal(rig.run_dir) == before
    with Stub(rig):
        assert rig.main('--rollback', 'a') == 0
    assert [row['step'] for row in fix.read_journal(rig.run_dir)][-5:] == [
        'intent', 'backup', 'replace', 'restart', 'rolled back']


def test_a_run_without_a_journal_has_no_fixes(rig):
    assert fix.read_journal(rig.run_dir) == [] and fix.fixes_in_place(rig.run_dir) == {}
    os.mkdir(fix.journal_path(rig.run_dir))
    with pytest.raises(fix.Problem):            # one that cannot be read is none of these
        fix.read_journal(rig.run_dir)
    with pytest.raises(Problem):
        fix.find_fix(rig.run_dir, 'a')
