# -*- coding: utf-8 -*-
"""The rules of the house: one direction of imports, silence at import, the same edge for all seven scripts."""
from __future__ import absolute_import, division, print_function, unicode_literals

import ast
import io
import os
import re
import subprocess
import sys

import pytest
import six

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ORDER = ['aggregate_plex_logs', 'diagnose_from_report', 'implement_fix', 'test_fix_actively', 'compare_metrics',
         'parse_test_report', 'loop_coordinator']
FUTURE = {'absolute_import', 'division', 'print_function', 'unicode_literals'}


def source_of(script):
    with io.open(os.path.join(ROOT, script + '.py'), encoding='utf-8') as source:
        return source.read()


TREES = {}                                      # each script is parsed once


def tree_of(script):
    if script not in TREES:
        text = source_of(script)
        TREES[script] = ast.parse(text.encode('utf-8') if six.PY2 else text)
    return TREES[script]


def call(script, *words, **how):
    """-> (exit code, stdout, stderr) of a script run as a user would; how: cwd, env."""
    environment = dict(os.environ, **{str('PLEX_HOME'): str('/nonexistent')})
    environment.pop(str('PLEX_TOKEN'), None)
    process = subprocess.Popen([sys.executable, os.path.join(ROOT, script + '.py')] + list(words),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=how.get('cwd', ROOT), env=how.get('env', environment))
    out, err = process.communicate()
    return process.returncode, out.decode('utf-8'), err.decode('utf-8')


def siblings_imported(tree):
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            if name in ORDER:
                yield name


@pytest.mark.parametrize('script', ORDER)
def test_imports_go_to_the_left_only(script):
    for name in siblings_imported(tree_of(script)):
        assert ORDER.index(name) < ORDER.index(script), '%s imports %s' % (script, name)


def test_nothing_else_stands_at_the_top_level():
    allowed = set(name + '.py' for name in ORDER) | {'tests', 'runs', 'README.md', 'setup.cfg'}
    listed = subprocess.Popen(['git', 'ls-files'], cwd=ROOT, stdout=subprocess.PIPE).communicate()[0].decode('utf-8')
    top = set(line.split('/')[0] for line in listed.splitlines() if not line.startswith('.'))
    assert top <= allowed


@pytest.mark.parametrize('script', ORDER)
def test_future_imports_stand_in_every_script(script):
    names = set(alias.name for node in ast.walk(tree_of(script)) if isinstance(node, ast.ImportFrom)
                and node.module == '__future__' for alias in node.names)
    assert names >= FUTURE


@pytest.mark.parametrize('script', ORDER)
def test_at_module_level_stand_definitions_and_constants_only(script):
    for node in tree_of(script).body:
        allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.ClassDef)
        is_docstring = isinstance(node, ast.Expr) and isinstance(ast.literal_eval(node.value), (bytes, six.text_type))
        is_import_guard = isinstance(node, getattr(ast, 'Try', getattr(ast, 'TryExcept', None)))
        is_main_guard = isinstance(node, ast.If)
        assert isinstance(node, allowed) or is_docstring or is_import_guard or is_main_guard, node.lineno


@pytest.mark.parametrize('script', ORDER)
def test_no_name_is_given_twice_at_module_level(script):
    names = []
    for node in tree_of(script).body:
        targets = [node] if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else getattr(node, 'targets', [])
        for target in targets:
            names += [getattr(one, 'name', None) or getattr(one, 'id', None)
                      for one in getattr(target, 'elts', [target])]
    assert [name for name in set(names) if name and names.count(name) > 1] == []


@pytest.mark.skipif(six.PY2, reason='says the same of the same files as Python 3')
@pytest.mark.parametrize('script', ORDER)
def test_calls_fit_the_functions_of_their_script(script):
    wrong = []
    functions = dict((node.name, node.args) for node in tree_of(script).body if isinstance(node, ast.FunctionDef))
    local = set(node.arg for node in ast.walk(tree_of(script)) if isinstance(node, ast.arg))
    for node in ast.walk(tree_of(script)):
        if not isinstance(node, ast.Call) or getattr(node.func, 'id', None) not in set(functions) - local or any(
                isinstance(one, ast.Starred) for one in node.args) or None in [one.arg for one in node.keywords]:
            continue
        takes = functions[node.func.id]
        names, given = [one.arg for one in takes.args], [one.arg for one in node.keywords]
        lacks = set(names[len(node.args):len(names) - len(takes.defaults)]) - set(given)
        if lacks or not takes.vararg and len(node.args) > len(names) or not takes.kwarg and \
                set(given) - set(names[len(node.args):]):
            wrong.append('line %d: %s()' % (node.lineno, node.func.id))
    assert wrong == []


def test_importing_all_seven_says_and_writes_nothing(tmpdir):
    code = 'import sys; sys.path.insert(0, sys.argv[1])\n' + '\n'.join('import ' + name for name in ORDER)
    process = subprocess.Popen([sys.executable, '-c', code, ROOT], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=str(tmpdir))
    assert process.communicate() == (b'', b'')
    assert process.returncode == 0
    assert tmpdir.listdir() == []


@pytest.mark.parametrize('script', ORDER)
def test_help_is_the_docstring_and_fits_a_terminal(script):
    code, out, err = call(script, '--help')
    assert (code, err) == (0, '')
    for word in ('Reads:', 'Writes:', 'Usage:', 'Examples:', 'Exit codes:'):
        assert word in out, word
    assert max(len(line) for line in out.splitlines()) <= 80
    assert ast.get_docstring(tree_of(script)).splitlines()[0] in out


def test_all_scripts_have_one_version():
    said = [call(script, '--version') for script in ORDER]
    assert len(set((out or err).split()[-1] for _, out, err in said)) == 1       # 2.7's argparse says it on stderr


@pytest.mark.parametrize('script', ORDER)
def test_an_unknown_option_is_a_usage_error(script):
    code, out, err = call(script, '--no-such-option')
    assert code == 2 and out == '' and 'Traceback' not in err and script in err


@pytest.mark.parametrize('script', ORDER[1:])
def test_a_missing_run_directory_is_one_sentence_and_exit_4(script, tmpdir):
    words = ['--run-dir', str(tmpdir.join('gone'))]
    if script == 'loop_coordinator':
        words = ['--plex-home', str(tmpdir.join('gone'))]
    if script == 'implement_fix':
        words.append('fix-0')
    if script == 'test_fix_actively':
        words += ['--phase', 'before', '--fix', 'fix-0']
    code, out, err = call(script, *words)
    assert (code, out) == (4, ''), err
    assert len(err.strip().splitlines()) == 1 and 'gone' in err


def test_logs_alone_are_read_into_a_new_folder_and_diagnosed(tmpdir):
    tmpdir.join('com.plexapp.agents.a.log').write(
        "2026-11-22 10:00:00,000 (7f1) :  CRITICAL (agentkit:1095) - Exception in the update function of agent named 'A', "
        "called with guid 'com.plexapp.agents.a://1?lang=en' (most recent call last):\n"
        '  File "/p/Plug-ins/A.bundle/Contents/Code/__init__.py", line 3, in update\n    x(y)\nKeyError: 3\n\n')
    words = ['--run-dir', str(tmpdir.join('some-folder'))]
    code, out, err = call('aggregate_plex_logs', '--logs', str(tmpdir), *words)
    assert (code, err) == (0, '') and 'KeyError' in out
    code, out, err = call('diagnose_from_report', *words, env={})
    assert code == 6 and tmpdir.join('some-folder', 'diagnostic_report.md').check()
    code, out, err = call('aggregate_plex_logs', '--logs', str(tmpdir), '--run-dir', str(tmpdir.join('no', 'such')))
    assert code == 4 and err.count('\n') == 1


def test_without_plex_the_coordinator_names_the_two_ways_on(tmpdir):
    code, out, err = call('loop_coordinator', cwd=str(tmpdir))
    assert (code, out) == (4, '')
    assert '--plex-home' in err and '--demo' in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize('script', ORDER)
def test_the_edge_holds_as_under_cron(script, tmpdir):
    bare = {str('PATH'): str('/usr/bin:/bin'), str('LC_ALL'): str('C')}
    code, out, err = call(script, '--help', cwd=str(tmpdir), env=bare)
    assert (code, err) == (0, '') and 'Exit codes:' in out


EVERYDAY = {'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}
SURROUNDINGS = {
    'bare': {'env': {}}, 'ascii': {'env': {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}},
    'elsewhere': {'env': EVERYDAY, 'cwd': os.path.abspath(os.sep)}, 'no stdin': {'env': EVERYDAY, 'preexec_fn': lambda: os.close(0)}}


@pytest.mark.skipif(os.name == 'nt', reason='closing of stdin')
@pytest.mark.parametrize('around', sorted(SURROUNDINGS))
@pytest.mark.parametrize('script', ORDER)
def test_what_is_missing_is_one_sentence_wherever_the_script_is_called(script, around, tmpdir):
    folder = six.text_type(tmpdir.mkdir('Ordner \xe4 \u2603'))
    words = {'aggregate_plex_logs': ['--plex-home', folder + '/none'], 'loop_coordinator': ['--plex-home', folder + '/none'],
             'implement_fix': ['x-1'], 'test_fix_actively': ['--phase', 'before', '--fix', 'x-1']}.get(script, [])
    words += ['--runs' if script == 'loop_coordinator' else '--run-dir', folder]
    how = dict(SURROUNDINGS[around])
    how['env'] = dict((str(name), str(value)) for name, value in how['env'].items())
    process = subprocess.Popen([word.encode('utf-8') if six.PY2 else word for word in
                                [sys.executable, os.path.join(ROOT, script + '.py')] + words],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
    out, err = process.communicate()
    assert process.returncode == 4 and out == b'' and err.count(b'\n') == 1 and b'Traceback' not in err, err
    assert err.startswith((script + '.py: ').encode('ascii')), err


@pytest.mark.parametrize('known_from', ['Preferences.xml', '--token-file'])
def test_the_servers_own_token_is_hidden_also_where_nothing_around_tells_that_it_is_one(tmpdir, known_from):
    token = 'qZ7vTn2xLw9Kd4RfYb8M'
    home, run_dir = tmpdir.mkdir('Plex Media Server'), tmpdir.mkdir('run')
    home.mkdir('Plug-ins')
    home.mkdir('Logs').mkdir('PMS Plugin Logs').join('com.plexapp.agents.a.log').write(
        "2026-11-22 10:00:00,000 (7f1) :  CRITICAL (agentkit:1095) - Exception in the update function of agent named 'A', "
        "called with guid 'com.plexapp.agents.a://1?lang=en' (most recent call last):\n"
        '  File "/p/Plug-ins/A.bundle/Contents/Code/__init__.py", line 3, in update\n    x(y)\n'
        'ValueError: no answer from /x/%s/y\n\n' % token)
    if known_from == '--token-file':
        tmpdir.join('token').write(token + '\n')
        said = [call('loop_coordinator', '--dry-run', '--since', '9999d', '--plex-home', str(home), '--runs', str(run_dir),
                     '--token-file', str(tmpdir.join('token')))]
    else:
        home.join('Preferences.xml').write('<?xml version="1.0"?><Preferences PlexOnlineToken="%s"/>' % token)
        where = ['--run-dir', str(run_dir), '--plex-home', str(home)]
        said = [call('aggregate_plex_logs', *where), call('aggregate_plex_logs', '--json', *where),
                call('diagnose_from_report', *where), call('diagnose_from_report', '--json', *where)]
        assert [code for code, _, _ in said] == [0, 0, 6, 6], said
        assert '/x/<token>/y' in said[1][1]
    assert token not in ''.join(out + err for _, out, err in said)
    written = [path.read('rb') for path in run_dir.visit() if path.isfile()]
    assert [data for data in written if b'/x/<token>/y' in data]
    assert not [data for data in written if token.encode('ascii') in data]


@pytest.mark.parametrize('script', ORDER)
def test_exit_codes_in_the_help_are_the_ones_of_the_design(script):
    known = {0, 1, 2, 3, 4, 5, 6, 75, 130}
    text = ast.get_docstring(tree_of(script)).split('Exit codes:')[1]
    codes = set(int(number) for number in re.findall(r'(?:^|  )\s*(\d+) [a-zA-Z]', text))
    assert codes and codes <= known


def test_a_script_alone_says_that_the_folder_is_missing(tmpdir):
    for script in ORDER[1:]:
        copy = tmpdir.join(script + '.py')
        copy.write(source_of(script).encode('utf-8'), 'wb')
        process = subprocess.Popen([sys.executable, str(copy)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=str(tmpdir))
        out, err = process.communicate()
        assert process.returncode == 4, err
        assert b'copy the whole folder' in err and b'Traceback' not in err
        copy.remove()


def test_pytest_does_not_take_the_active_test_for_a_test():
    tree = tree_of('test_fix_actively')
    assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
                and node.name.startswith('test_')]
    assert '__test__ = False' in source_of('test_fix_actively')


@pytest.mark.parametrize('script', ORDER)
def test_lines_are_readable(script):
    long_lines = [number for number, line in enumerate(source_of(script).splitlines(), 1) if len(line) > 120]
    assert long_lines == []
