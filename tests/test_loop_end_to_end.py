# -*- coding: utf-8 -*-
"""The whole loop on the simulated Plex: real scripts as subprocesses, a real server, agents whose code really runs."""
from __future__ import absolute_import, division, print_function, unicode_literals

import difflib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import six

from implement_fix import FolderLock, PlexServer
from plex_simulator import start_simulator

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def plex(tmpdir):
    """The scenario 'small', whose seven failing items have failed once, so that the logs have something to say."""
    with start_simulator(tmpdir.join('Plex ä')) as running:
        refresh_all(running)
        yield running


@pytest.fixture
def doubtful(tmpdir):
    """The scenario 'doubtful': seven items fail at one of three places that look alike, and the log names none."""
    with start_simulator(tmpdir.join('Plex ä'), 'doubtful') as running:
        yield running


@pytest.fixture(scope='module')
def kept(tmpdir_factory):
    """(a server whose one fix was kept by a first run, its reports): whoever uses it leaves both as they are."""
    folder = tmpdir_factory.mktemp('kept')
    with start_simulator(folder.join('Plex ä')) as running:
        refresh_all(running)
        assert run_loop(running, folder.join('runs'))[0] == 0
        yield running, folder.join('runs')


def refresh_all(plex):
    server = PlexServer(plex.url, plex.token)
    for section in server.sections():
        for item in server.items(section['key']):
            server.refresh(item['rating_key'])
    wait_for(lambda: not server.activities())


def words_for(plex, runs, *more):
    words = [sys.executable, os.path.join(ROOT, 'loop_coordinator.py'), '--plex-home', plex.plex_home, '--plex-url',
             plex.url, '--runs', six.text_type(runs), '--pause', '0', '--timeout', '20'] + list(more)
    return [word.encode('utf-8') if six.PY2 else word for word in words]


def bare_environment():
    """What cron gives, and a locale that knows ASCII only."""
    return {str('PATH'): str('/usr/bin:/bin'), str('HOME'): str('/nonexistent'), str('LC_ALL'): str('C.UTF-8')}


def run_loop(plex, runs, *more):
    process = subprocess.Popen(words_for(plex, runs, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=bare_environment())
    out, err = process.communicate()
    return process.returncode, out.decode('utf-8'), err.decode('utf-8')


def start_loop(plex, runs):
    """A run that is to be stopped in the midst of a test: with a pause, a test cannot be over before that."""
    return subprocess.Popen(words_for(plex, runs, '--pause', '.05'), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def read(path, mode='rb'):
    with io.open(path, mode) as source:
        return source.read()


def code_of(plex):
    """What the one bundle's __init__.py holds now."""
    plug_ins = os.path.join(plex.plex_home, 'Plug-ins')
    bundle, = [name for name in os.listdir(plug_ins) if name.endswith('.bundle')]
    return read(os.path.join(plug_ins, bundle, 'Contents', 'Code', '__init__.py'))


def newest(runs):
    return os.path.join(six.text_type(runs), sorted(name for name in os.listdir(six.text_type(runs)) if name[0] == '2')[-1])


def json_of(folder, name):
    return json.loads(read(os.path.join(folder, name)).decode('utf-8'))


def wait_for(what, seconds=40):
    deadline = time.time() + seconds
    while time.time() < deadline:
        found = what()
        if found:
            return found
        time.sleep(.02)
    raise AssertionError('did not happen within %d s' % seconds)


def phase_of(runs):
    try:
        return json_of(newest(runs), 'loop_state.json')['phase']
    except (IOError, OSError, IndexError, ValueError):
        return None


def test_a_session_finds_patches_tests_and_keeps_and_the_next_one_tests_weak_evidence_again(plex, tmpdir):
    original, runs = code_of(plex), tmpdir.join('runs')
    code, out, err = run_loop(plex, runs)
    assert (code, err) == (0, ''), err
    run_dir = newest(runs)
    state = json_of(run_dir, 'loop_state.json')
    assert [(row['decision'], row['success_percent'], row['measured']) for row in state['fixes']] == [('KEEP', 100, 7)]
    assert state['ended'] == 'goal' and 'KEEP' in out
    assert code_of(plex) != original
    check_artifacts(run_dir, plex.token)

    check_that_the_verdict_can_be_computed_anywhere(run_dir, tmpdir)

    code, out, err = run_loop(plex, runs, '--quiet')
    assert (code, out, err) == (0, '', '')
    again = json_of(newest(runs), 'loop_state.json')['fixes']
    assert [(row['decision'], row['retest'], row['measured']) for row in again] == [('KEEP', True, 7)]

    assert run_loop(plex, runs, '--dry-run')[1].startswith('No pattern has a fix to try.')
    undo(plex, run_dir, state['fixes'][0]['id'])
    assert code_of(plex) == original


def undo(plex, run_dir, fix_id):
    process = subprocess.Popen([sys.executable, os.path.join(ROOT, 'implement_fix.py'), '--rollback', fix_id, '--run-dir',
                                run_dir, '--plex-home', plex.plex_home, '--plex-url', plex.url],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.communicate()[1] == b'' and process.returncode == 0


def check_artifacts(run_dir, token):
    """What every run directory must hold, and what no file in it, nor in the second copies beside it, may."""
    names = set(os.listdir(run_dir))
    assert {'run_manifest.md', 'loop_state.json', 'aggregated_logs_iteration_1.txt', 'aggregated_logs_iteration_1.json',
            'aggregated_logs_iteration_1_postfix.json', 'diagnostic_report.md', 'diagnostic_report.json', 'fixes',
            'active_test_iteration_1_before.json', 'active_test_iteration_1_after.json', 'journal.jsonl', 'backups',
            'implementation_log_iteration_1.md', 'test_report_iteration_1.md', 'test_report_iteration_1.json',
            'lessons_learned.md', 'lessons_learned.json', 'loop.log'} <= names
    assert '.in_place' in os.listdir(os.path.dirname(run_dir))
    for folder, _, files in os.walk(os.path.dirname(run_dir)):
        for name in files:
            data = read(os.path.join(folder, name))
            assert token.encode('ascii') not in data, name
            assert not (name.endswith('.md') and b'```' in data), name
            if name.endswith('.json') and name not in ('resolved_patterns.json',):
                assert isinstance(json.loads(data.decode('utf-8'))['schema'], int), name


def check_that_the_verdict_can_be_computed_anywhere(run_dir, tmpdir):
    elsewhere = six.text_type(tmpdir.join('elsewhere'))
    shutil.copytree(run_dir, elsewhere)
    before = [read(os.path.join(elsewhere, 'test_report_iteration_1' + suffix)) for suffix in ('.md', '.json')]
    subprocess.Popen([sys.executable, os.path.join(ROOT, 'compare_metrics.py'), '--run-dir', elsewhere, '--iteration', '1'],
                     cwd=six.text_type(tmpdir), stdout=subprocess.PIPE).communicate()
    assert before == [read(os.path.join(elsewhere, 'test_report_iteration_1' + suffix)) for suffix in ('.md', '.json')]


def test_a_dry_run_shows_the_patch_and_changes_nothing(plex, tmpdir):
    original = code_of(plex)
    code, out, err = run_loop(plex, tmpdir.join('runs'), '--dry-run')
    assert (code, err) == (0, '')
    assert '+++ b/Filmkontor.bundle/Contents/Code/__init__.py' in out
    assert b'| plug-ins |' in read(os.path.join(newest(tmpdir.join('runs')), 'run_manifest.md'))
    assert code_of(plex) == original


@pytest.mark.skipif(os.name == 'nt', reason='signals')
def test_a_run_that_is_killed_is_cleaned_up_by_the_next_one(plex, tmpdir):
    original, runs = code_of(plex), tmpdir.join('runs')
    process = start_loop(plex, runs)
    wait_for(lambda: phase_of(runs) == 'after-test')
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert code_of(plex) != original                        # nobody could undo it
    killed = newest(runs)
    wait_for(lambda: not still_testing(killed))
    code, out, err = run_loop(plex, runs, '--iterations', '0')
    assert (code, err) == (0, ''), err
    assert code_of(plex) == original
    row, = json_of(killed, 'loop_state.json')['fixes']
    assert row['decision'] == 'ROLLBACK' and 'killed' in row['reason']
    assert json_of(killed, 'loop_state.json')['ended'] == 'failed'

    assert run_loop(plex, runs)[0] == 0                     # what it gave then is still there, and counts for it
    again, = json_of(newest(runs), 'loop_state.json')['fixes']
    assert (again['id'], again['decision'], again['success_percent']) == (row['id'], 'KEEP', 100)
    undo(plex, newest(runs), row['id'])
    assert run_loop(plex, runs)[0] == 0                     # what a person has undone does not come back by itself
    assert row['id'] not in [fix['id'] for fix in json_of(newest(runs), 'loop_state.json')['fixes']]


def still_testing(run_dir):
    """Whether the active test that the killed coordinator had started still runs: it is in a group of its own, and is
    not called so before it has got beyond its fork.
    """
    listed = subprocess.Popen(['ps', 'ax', '-o', 'args='], stdout=subprocess.PIPE).communicate()[0].decode('utf-8', 'replace')
    return any(os.path.dirname(run_dir) in line for line in listed.splitlines())


@pytest.mark.skipif(os.name == 'nt', reason='signals')
def test_ctrl_c_during_the_test_undoes_the_fix(plex, tmpdir):
    original, runs = code_of(plex), tmpdir.join('runs')
    process = start_loop(plex, runs)
    wait_for(lambda: phase_of(runs) == 'after-test')
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert code_of(plex) == original
    assert b'Traceback' not in err
    assert json_of(newest(runs), 'loop_state.json')['fixes'][0]['decision'] == 'ROLLBACK'


def test_a_server_that_is_down_is_one_sentence(plex, tmpdir):
    plex.stop()
    code, out, err = run_loop(plex, tmpdir.join('runs'))
    assert (code, out) == (4, '') and len(err.strip().splitlines()) == 1, err


def test_the_demo_shows_each_outcome_by_the_behaviour_of_its_agents():
    process = subprocess.Popen([sys.executable, os.path.join(ROOT, 'loop_coordinator.py'), '--demo', '--json'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b'')
    lessons = json.loads(out.decode('utf-8'))
    assert {row['decision'] for row in lessons['fixes']} == {'KEEP', 'MONITOR', 'ROLLBACK'}
    assert {'upstream', 'code'} <= {row['class'] for row in lessons['refused']}
    assert any(re.match(r'ValueError: .* of com\.plexapp\.agents\.heimkino', sentence) for sentence in lessons['person'])
    assert os.path.isfile(os.path.join(lessons['run_dir'], 'diagnostic_report.md'))
    shutil.rmtree(os.path.dirname(os.path.dirname(lessons['run_dir'])))


@pytest.mark.skipif(os.name == 'nt', reason='signals')
def test_a_fix_that_should_have_been_undone_is_undone_by_the_next_run(plex, tmpdir):
    original, runs = code_of(plex), tmpdir.join('runs')
    assert run_loop(plex, runs)[0] == 0
    assert code_of(plex) != original
    for name in ('loop_state.json', 'lessons_learned.json'):        # as if the run had died between verdict and undo
        path = os.path.join(newest(runs), name)
        document = json.loads(read(path).decode('utf-8'))
        document['fixes'][0]['decision'] = 'ROLLBACK'
        with io.open(path, 'wb') as out:
            out.write(json.dumps(document).encode('utf-8'))
    code, out, err = run_loop(plex, runs, '--iterations', '0')
    assert (code, err) == (0, '')
    assert code_of(plex) == original


@pytest.mark.skipif(os.name == 'nt', reason='signals')
def test_ctrl_c_during_a_second_test_leaves_the_kept_fix_and_its_verdict(kept):
    plex, runs = kept
    patched = code_of(plex)
    process = start_loop(plex, runs)
    wait_for(lambda: phase_of(runs) == 'after-test')
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130 and code_of(plex) == patched
    row, = json_of(newest(runs), 'loop_state.json')['fixes']
    assert (row['decision'], row['weak_evidence'], row['measured']) == ('KEEP', True, 7)


def test_a_night_without_the_volume_of_the_plug_ins_forgets_and_undoes_nothing(kept):
    plex, runs = kept
    patched, plug_ins = code_of(plex), os.path.join(plex.plex_home, 'Plug-ins')
    os.rename(plug_ins, plug_ins + '.away')
    os.mkdir(plug_ins)
    try:
        code, out, err = run_loop(plex, runs, '--quiet')
        assert (code, out, err.count('\n')) == (4, '', 1) and 'is its volume mounted?' in err
        told = read(os.path.join(newest(runs), 'lessons_learned.md')).decode('utf-8')
        assert 'KEEP, in place' in told and 'did not get to see the files' in told and '- there is no bundle in ' in told
        code, out, err = run_loop(plex, runs, '--dry-run')
        assert code == 0 and 'is its volume mounted?' in out and 'KEEP, in place' in read(
            os.path.join(newest(runs), 'lessons_learned.md')).decode('utf-8')
    finally:
        os.rmdir(plug_ins)
        os.rename(plug_ins + '.away', plug_ins)
    assert run_loop(plex, runs, '--iterations', '0', '--quiet') == (0, '', '')
    assert [row['decision'] for row in json_of(newest(runs), 'loop_state.json')['fixes']] == ['KEEP']
    assert code_of(plex) == patched


def test_a_run_that_was_deleted_with_its_fix_in_place_is_known_again(plex, tmpdir):
    runs, original = tmpdir.join('runs'), code_of(plex)
    assert run_loop(plex, runs)[0] == 0
    first = newest(runs)
    shutil.rmtree(first)
    code, out, err = run_loop(plex, runs, '--quiet')
    assert (code, out, err.count('\n')) == (0, '', 1) and 'what undo needs was put back' in err
    row, = json_of(newest(runs), 'loop_state.json')['fixes']
    assert (row['decision'], row['retest'], row['home_run']) == ('KEEP', True, os.path.basename(first))
    undo(plex, first, row['id'])
    assert code_of(plex) == original


# ------------------------------------------------------------------------------------------------- a person's own patch
def own_patch(plex, tmpdir, new="pick.text(page, '//div[@id=\"plot\"]/p/text()') or ''"):
    """(file of a patch as git diff writes it inside the bundle, the code with it)."""
    before = code_of(plex).decode('utf-8')
    after = before.replace("page.xpath('//div[@id=\"plot\"]/p/text()')[0]", new)
    assert after != before
    name = 'Contents/Code/__init__.py'
    tmpdir.join('my own.patch').write_binary(''.join(difflib.unified_diff(
        before.splitlines(True), after.splitlines(True), 'a/' + name, 'b/' + name)).encode('utf-8'))
    return six.text_type(tmpdir.join('my own.patch')), after.encode('utf-8')


@pytest.fixture
def failing_pattern(kept):
    """The pattern that the scenario 'small' fails with: by its content, so the same on each server."""
    first = os.path.join(six.text_type(kept[1]), min(name for name in os.listdir(six.text_type(kept[1])) if name[0] == '2'))
    return json_of(first, 'loop_state.json')['fixes'][0]['pattern']


def test_a_persons_own_patch_goes_through_the_loop(plex, tmpdir, failing_pattern):
    pattern, runs = failing_pattern, tmpdir.join('runs')
    patch, after = own_patch(plex, tmpdir)
    code, out, err = run_loop(plex, runs, '--adopt', patch, '--pattern', pattern, '--goal', '101')
    assert (code, err) == (0, ''), err
    state = json_of(newest(runs), 'loop_state.json')
    assert [(row['template'], row['decision']) for row in state['fixes']] == [('adopted', 'KEEP')]
    assert state['ended'] == 'no_fix_left' and code_of(plex) == after


def test_a_persons_patch_that_does_not_fit_is_one_sentence(plex, tmpdir, failing_pattern):
    pattern, runs, original = failing_pattern, tmpdir.join('runs'), code_of(plex)
    patch, _ = own_patch(plex, tmpdir, 'no such (')
    for words, number in ((('--adopt', patch, '--pattern', pattern), 5), (('--adopt', patch, '--pattern', 'p1-none'), 2),
                          (('--adopt', patch + 'x', '--pattern', pattern), 4)):
        code, out, err = run_loop(plex, runs, *words)
        assert (code, out, err.count('\n')) == (number, '', 1), err
    assert code_of(plex) == original


# ------------------------------------------------------------------------------------------------- what cannot be patched
@pytest.mark.skipif(os.name == 'nt', reason='links')
def test_a_bundle_that_is_a_link_to_elsewhere_costs_no_refresh(plex, tmpdir):
    bundle = os.path.join(plex.plex_home, 'Plug-ins', 'Filmkontor.bundle')
    shutil.move(bundle, six.text_type(tmpdir.join('elsewhere.bundle')))
    os.symlink(six.text_type(tmpdir.join('elsewhere.bundle')), bundle)
    original, refreshes = code_of(plex), plex.control('state')['refreshes']
    code, out, err = run_loop(plex, tmpdir.join('runs'))
    assert (code, err) == (0, ''), err
    fixes = json_of(newest(tmpdir.join('runs')), 'loop_state.json')['fixes']
    assert fixes and all(row['decision'] == 'NOT_TRIED' and 'a link leads out' in row['reason'] for row in fixes)
    assert code_of(plex) == original and plex.control('state')['refreshes'] == refreshes


def test_two_runs_on_one_server_exclude_each_other_wherever_their_reports_lie(plex, tmpdir):
    with FolderLock(plex.plex_home):
        code, out, err = run_loop(plex, tmpdir.join('runs'))
    assert (code, out, err.count('\n')) == (75 if os.name != 'nt' else 0, '', 1), err


def test_a_fix_of_another_server_is_not_tested_here(kept, tmpdir):
    plex, runs = kept
    patched = code_of(plex)
    with start_simulator(tmpdir.join('another'), seed=8) as other:
        code, out, err = run_loop(other, tmpdir.join('none'), '--plex-url', plex.url)     # one's folder, the other's address
        assert (code, out, err.count('\n')) == (4, '', 1) and 'must name the same one' in err
        refresh_all(other)
        original = code_of(other)
        assert run_loop(other, runs, '--iterations', '0')[0] == 0
        assert json_of(newest(runs), 'loop_state.json')['fixes'] == []
        assert (code_of(other), code_of(plex)) == (original, patched)


def test_a_dry_run_whose_phase_fails_is_one_sentence(plex, tmpdir):
    shutil.rmtree(os.path.join(plex.plex_home, 'Logs'))
    code, out, err = run_loop(plex, tmpdir.join('runs'), '--dry-run')
    assert (code, out, err.count('\n')) == (4, '', 1), err


# ------------------------------------------------------------------------------------------------------------ the probe
def last_diagnosis(runs, iteration):
    pattern, = [row for row in json_of(newest(runs), 'diagnostic_report_iteration_%d.json' % iteration)['patterns']
                if row['exception'] == 'KeyError']
    return pattern


def test_where_the_place_is_in_doubt_a_probe_finds_it_and_its_test_serves_as_the_before_test(doubtful, tmpdir):
    refresh_all(doubtful)
    original, runs = code_of(doubtful), tmpdir.join('runs')
    code, out, err = run_loop(doubtful, runs)
    assert (code, err) == (0, ''), err
    probe, fix = json_of(newest(runs), 'loop_state.json')['fixes']
    assert (probe['template'], probe['decision'], probe['evidence']) == ('probe', 'PROBED', True)
    assert (fix['decision'], fix['success_percent'], fix['measured']) == ('KEEP', 100, 7)
    at_first, then = last_diagnosis(runs, 1), last_diagnosis(runs, 2)
    assert at_first['confidence'] < .5 and at_first['fixes'][0]['id'] != fix['id']      # unasked, it would have been wrong
    assert then['confidence'] > .9 and "film['distributor']" in then['divergence_point']['candidates'][0]['text']
    assert b'probe' not in code_of(doubtful) and code_of(doubtful) != original
    refreshes = doubtful.control('state')['refreshes']
    assert set(refreshes.values()) == {3}, refreshes    # at first, with the probe, with the fix: none was for the probe


def test_a_fix_that_only_brings_the_items_further_is_undone_and_then_mended_together_with_the_next_place(doubtful, tmpdir):
    doubtful.control('fault', ids=['f%d' % number for number in range(101, 108)], fault='nameless original')
    refresh_all(doubtful)                               # what the fix lets through fails at the next place that looks alike
    original, runs = code_of(doubtful), tmpdir.join('runs')
    code, out, err = run_loop(doubtful, runs, '--iterations', '1')
    assert (code, err) == (0, ''), err
    assert [row['decision'] for row in json_of(newest(runs), 'loop_state.json')['fixes']] == ['PROBED', 'ROLLBACK']
    assert code_of(doubtful) == original                # and nothing of the probe is left
    code, out, err = run_loop(doubtful, runs, '--iterations', '1')
    fix, = json_of(newest(runs), 'loop_state.json')['fixes']
    assert (code, err, fix['decision'], fix['success_percent'], fix['measured']) == (0, '', 'KEEP', 100, 7), (out, err)
    assert ' and ' in fix['template'] and code_of(doubtful).count(b'Log(') >= original.count(b'Log(') + 2


def test_what_a_kept_fix_does_not_cure_gets_a_fix_of_its_own(doubtful, tmpdir):
    doubtful.control('fault', ids=['f101'], fault='nameless original')      # one of seven fails at two places
    refresh_all(doubtful)
    runs = tmpdir.join('runs')
    code, out, err = run_loop(doubtful, runs)
    assert (code, err) == (0, ''), err
    first, second = [row for row in json_of(newest(runs), 'loop_state.json')['fixes'] if row['decision'] != 'PROBED']
    assert (first['decision'], first['success_percent'], first['measured']) == ('KEEP', 85.7, 7)
    assert (second['decision'], second['success_percent'], second['measured']) == ('KEEP', 100, 1)
    assert second['pattern'] == first['pattern'] and json_of(newest(runs), 'loop_state.json')['ended'] == 'goal'


@pytest.mark.skipif(os.name == 'nt', reason='signals')
@pytest.mark.parametrize('number', ['SIGINT', 'SIGTERM', 'SIGKILL'])
def test_a_probe_is_taken_out_when_the_run_ends_in_between(doubtful, tmpdir, number):
    refresh_all(doubtful)
    original, runs = code_of(doubtful), tmpdir.join('runs')
    process = start_loop(doubtful, runs)
    wait_for(lambda: phase_of(runs) == 'probe')
    assert b'probe: line' in code_of(doubtful)
    if number == 'SIGKILL':                             # what it has started goes on without it
        wait_for(lambda: os.path.exists(os.path.join(newest(runs), 'active_test_iteration_1_before.json')))
    process.send_signal(getattr(signal, number))
    process.communicate()
    ended = newest(runs)
    if number == 'SIGKILL':
        wait_for(lambda: not still_testing(ended))
        code, out, err = run_loop(doubtful, runs, '--iterations', '0')
        assert (code, err) == (0, ''), err
    assert code_of(doubtful) == original
    row, = json_of(ended, 'loop_state.json')['fixes']
    assert (row['template'], row['decision'], row['evidence']) == ('probe', 'ROLLBACK', False)
    if number == 'SIGKILL':                             # the test that it ran in went on, so the log has the answer
        assert run_loop(doubtful, runs, '--iterations', '1')[0] == 0
        assert [row['decision'] for row in json_of(newest(runs), 'loop_state.json')['fixes']] == ['KEEP']
