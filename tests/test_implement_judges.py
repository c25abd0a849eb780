# -*- coding: utf-8 -*-
"""Who judges a patch before it is written: the suite's reader, CPython 2.7, Plex's own compiler where there is one."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import stat
import sys
from argparse import Namespace

import pytest

import diagnose_from_report as diagnose
import implement_fix as fix
from aggregate_plex_logs import Problem
from implement_rig import AGENT, CODE, ENTRY, Rig, write

PYTHON27 = fix.find_python27(None)
needs_python27 = pytest.mark.skipif(PYTHON27 is None, reason='needs a Python 2.7 to validate with')
BEFORE = CODE.encode('utf-8')
# Stands in for Plex's RestrictedPython: same call, one of its rules
RESTRICTED = '''
import compiler
class RModule(object):
    def __init__(self, text, name, elevated):
        self.text, self.elevated = text, elevated
    def compile(self):
        compiler.parse(self.text)
        for number, line in enumerate(self.text.split('\\n')):
            if '__class__' in line or '__name__' in line and not self.elevated:
                raise SyntaxError('Line %d: it is an invalid attribute name' % (number + 1))
'''


@pytest.fixture
def bundle(tmpdir):
    return diagnose.find_bundles(Rig(str(tmpdir), 'Elevated').plug_ins)[AGENT]


@pytest.fixture
def framework(tmpdir):
    folder = str(tmpdir.join('Framework.bundle'))
    libraries = os.path.join(folder, *fix.SHARED_LIBRARIES)
    write(os.path.join(libraries, 'RestrictedPython', '__init__.py'), '')
    write(os.path.join(libraries, 'RestrictedPython', 'RCompile.py'), RESTRICTED)
    return folder


def passed(verdicts):
    return dict((verdict.judge, verdict.passed) for verdict in verdicts)


def judge(bundle, after, before=BEFORE, path=ENTRY, python27=PYTHON27, framework=None):
    return passed(fix.validate_source(bundle, [(path, before, after)], python27, framework))


def changed(old, new, text=BEFORE):
    assert old in text
    return text.replace(old, new)


@needs_python27
def test_a_good_change_passes_all_judges(bundle, framework):
    after = changed(b"data['plot']", b"data.get('plot')")
    assert judge(bundle, after, framework=fix.find_framework(framework)) == {
        "the suite's reader": True, 'Python 2.7': True, "Plex's own compiler": True}


def test_without_a_python_2_7_the_reader_judges_alone_and_says_so(bundle):
    found = fix.validate_source(bundle, [(ENTRY, BEFORE, BEFORE + b'x = 1\n')], None, None)
    assert passed(found) == {"the suite's reader": True, 'Python 2.7': None, "Plex's own compiler": None}
    assert '--python27' in found[1].sentence
    assert judge(bundle, BEFORE + b'x = (\n', python27=None)["the suite's reader"] is False


@needs_python27
@pytest.mark.parametrize('new', [b'data[', b"f'{data}'", b'data["a"] if', b'(yield)\x00'])
def test_what_python_2_7_refuses_is_refused(bundle, new):
    assert judge(bundle, changed(b"data['plot']", new))['Python 2.7'] is False


@needs_python27
def test_plexs_own_compiler_sees_what_python_does_not(bundle, framework):
    framework = fix.find_framework(framework)
    found = fix.validate_source(bundle, [(ENTRY, BEFORE, changed(b"data['plot']", b'data.__class__'))], PYTHON27, framework)
    assert passed(found)['Python 2.7'] is True and passed(found)["Plex's own compiler"] is False
    assert 'Line 18' in found[-1].sentence
    module = ENTRY.replace('__init__', 'module')
    after = changed(b"data['plot']", b'data.__name__')
    assert judge(bundle, after, framework=framework)["Plex's own compiler"] is False        # the entry file is never elevated
    assert judge(bundle, after, path=module, framework=framework)["Plex's own compiler"] is True
    bundle.policy = 'Standard'
    assert judge(bundle, after, path=module, framework=framework)["Plex's own compiler"] is False


TWO_EXCEPTS = BEFORE + b'\ntry:\n    pass\nexcept:\n    pass\nexcept:\n    pass\n'
NO_COOKIE = BEFORE.split(b'\n', 1)[1] + b"\nx = 'caf\xc3\xa9'\n"


@needs_python27
@pytest.mark.parametrize('before', [TWO_EXCEPTS, NO_COOKIE])
def test_what_python_refused_before_is_not_the_patchs_fault(bundle, before):
    assert judge(bundle, b'\n' + changed(b"data['plot']", b"data.get('plot')", before), before)['Python 2.7'] is True
    # behind the old refusal a new one would hide from compile(); the grammar alone still sees it
    assert judge(bundle, changed(b"data['plot']", b'data[', before), before)['Python 2.7'] is False


@needs_python27
def test_a_new_refusal_of_python_counts(bundle):
    assert judge(bundle, TWO_EXCEPTS, BEFORE)['Python 2.7'] is False


@needs_python27
@pytest.mark.parametrize('head, expected', [(b'', False), (b'# coding: utf-8\n', True), (b'\n# -*- coding: utf-8 -*-\n', True),
                                            (b'\xef\xbb\xbf', True), (b'\n\n# coding: utf-8\n', False)])
def test_a_library_needs_its_coding_line(bundle, head, expected):
    path = 'Sample.bundle/Contents/Libraries/Shared/helper.py'
    assert judge(bundle, head + b"x = 'caf\xc3\xa9'\n", b'x = 1\n', path)['Python 2.7'] is expected
    assert judge(bundle, head + b"x = 'caf\xc3\xa9'\n", b'x = 1\n')['Python 2.7'] is True      # the sandbox does not mind


@needs_python27
def test_a_sandbox_breach_that_was_there_before_is_not_the_patchs_fault(bundle, framework):
    before = changed(b"data['title']", b'data.__class__')
    after = b'\n' + changed(b"data['plot']", b"data.get('plot')", before)
    assert False not in judge(bundle, after, before, framework=fix.find_framework(framework)).values()


@needs_python27
@pytest.mark.parametrize('text', [BEFORE.replace(b'\n', b'\r\n'), b'\xef\xbb\xbf' + BEFORE, BEFORE.rstrip(b'\n'), b'',
                                  BEFORE.replace(b'utf-8', b'latin-1') + b"x = 'caf\xe9'\n", BEFORE.replace(b'    ', b'\t')])
def test_line_ends_encodings_and_tabs_are_no_reason_to_refuse(bundle, framework, text):
    assert False not in judge(bundle, text + b'\nx = 1\n', text, framework=fix.find_framework(framework)).values()


@needs_python27
def test_libraries_are_judged_by_python_alone(bundle, framework):
    path = 'Sample.bundle/Contents/Libraries/Shared/helper.py'
    found = judge(bundle, b'def f():\n    yield f.__class__\n', b'', path, framework=fix.find_framework(framework))
    assert found == {"the suite's reader": True, 'Python 2.7': True, "Plex's own compiler": None}


@needs_python27
def test_a_framework_that_cannot_be_loaded_leaves_the_other_judges(bundle, framework):
    framework = fix.find_framework(framework)
    write(os.path.join(framework, 'RestrictedPython', 'RCompile.py'), 'import no_such_module\n')
    assert judge(bundle, BEFORE, framework=framework) == {
        "the suite's reader": True, 'Python 2.7': True, "Plex's own compiler": None}


@needs_python27
def test_every_file_of_a_patch_is_judged(bundle):
    other = ENTRY.replace('__init__', 'other')
    found = fix.validate_source(bundle, [(ENTRY, BEFORE, BEFORE), (other, b'', b'x = [\n')], PYTHON27, None)
    assert [verdict.passed for verdict in found[:2]] == [False, False] and other in found[1].sentence


@needs_python27
def test_deep_nesting_is_an_answer_and_no_crash(bundle):
    assert judge(bundle, b'x = ' + b'(' * 300 + b')' * 300 + b'\n')['Python 2.7'] in (True, False)


def test_a_judge_that_hangs_or_fails_is_not_available(bundle, tmpdir, monkeypatch):
    monkeypatch.setattr(fix, 'JUDGE_PATIENCE', .3)
    for name, lines in (('hangs', 'sleep 20'), ('fails', 'exit 3'), ('babbles', 'echo hello')):
        path = str(tmpdir.join(name))
        write(path, '#!/bin/sh\n%s\n' % lines)
        os.chmod(path, 0o755)
        assert judge(bundle, BEFORE, python27=path)['Python 2.7'] is None
        with pytest.raises(Problem) as refusal:
            fix.find_python27(path)
        assert '--python27' in refusal.value.sentence


# ------------------------------------------------------------------------------------------------------------- finding
@needs_python27
def test_the_interpreter_is_found_by_option_environment_and_path(tmpdir, monkeypatch):
    assert os.path.isfile(fix.find_python27(PYTHON27))
    for name in ('PYENV_ROOT', 'HOME'):
        monkeypatch.setenv(str(name), str(tmpdir))
    monkeypatch.setattr(fix, 'SCRIPT_HOST_PLACES', ())
    monkeypatch.setattr(sys, 'version_info', (3, 99))
    monkeypatch.setenv(str('PATH'), str(tmpdir))
    assert fix.find_python27(None) is None
    wrapper = str(tmpdir.join('python2'))
    write(wrapper, '#!/bin/sh\nexec "%s" "$@"\n' % PYTHON27)
    os.chmod(wrapper, 0o755)
    assert os.path.realpath(fix.find_python27(None)) == os.path.realpath(PYTHON27)
    monkeypatch.setenv(str('PLEX_PYTHON27'), str('/nonexistent'))
    with pytest.raises(Problem):
        fix.find_python27(None)


def test_a_python_3_that_calls_itself_2_7_is_not_taken(tmpdir, monkeypatch):
    for name in ('PYENV_ROOT', 'HOME', 'PATH'):
        monkeypatch.setenv(str(name), str(tmpdir))
    monkeypatch.setattr(fix, 'SCRIPT_HOST_PLACES', ())
    monkeypatch.setattr(sys, 'version_info', (3, 99))
    path = str(tmpdir.join('python2.7'))
    write(path, '#!/bin/sh\necho 3.11 /usr/bin/python\n')
    os.chmod(path, stat.S_IRWXU)
    assert fix.find_python27(None) is None


def test_plex_script_host_gets_its_libraries():
    found = fix.python27_environment('/usr/lib/plexmediaserver/Plex Script Host')
    assert found['PYTHONHOME'] == '/usr/lib/plexmediaserver/Resources/Python'
    assert found['LD_LIBRARY_PATH'].startswith('/usr/lib/plexmediaserver/lib')
    assert 'PYTHONHOME' not in fix.python27_environment('/usr/bin/python2.7')


def test_the_judge_never_sees_the_token(monkeypatch):
    monkeypatch.setenv(str('PLEX_TOKEN'), str('sEcReT'))
    assert 'sEcReT' not in fix.python27_environment('/usr/bin/python2.7').values()


@needs_python27
def test_script_host_itself_runs_the_judges(bundle, tmpdir):
    """A stand-in for Plex's interpreter: it refuses to run without the two variables that the real one needs."""
    host = str(tmpdir.join('Plex Script Host'))
    write(host, '#!/bin/sh\ntest -n "$PYTHONHOME" -a -n "$LD_LIBRARY_PATH" || exit 1\nunset PYTHONHOME LD_LIBRARY_PATH\n'
                'exec "%s" "$@"\n' % PYTHON27)
    os.chmod(host, 0o755)
    assert judge(bundle, BEFORE, python27=host)['Python 2.7'] is True


def test_the_framework_is_found_by_option_environment_and_install_folder(tmpdir, framework, monkeypatch):
    libraries = os.path.join(framework, *fix.SHARED_LIBRARIES)
    assert fix.find_framework(framework) == libraries
    monkeypatch.delenv(str('PLEXBUNDLEDPLUGINSPATH'), raising=False)
    monkeypatch.setattr(fix, 'SCRIPT_HOST_PLACES', (str(tmpdir.join('plexmediaserver')),))
    assert fix.find_framework(None) is None
    monkeypatch.setenv(str('PLEXBUNDLEDPLUGINSPATH'), str(tmpdir))
    assert fix.find_framework(None) == libraries
    monkeypatch.delenv(str('PLEXBUNDLEDPLUGINSPATH'))
    installed = tmpdir.join('plexmediaserver', 'Resources', 'Plug-ins-8ae34a0', 'Framework.bundle')
    installed.dirpath().ensure(dir=True)
    os.rename(framework, str(installed))
    assert fix.find_framework(None) == os.path.join(str(installed), *fix.SHARED_LIBRARIES)
    with pytest.raises(Problem) as refusal:
        fix.find_framework(str(tmpdir))
    assert '--framework' in refusal.value.sentence


@needs_python27
@pytest.mark.skipif(not os.environ.get('REALFW_FRAMEWORK'), reason='REALFW_FRAMEWORK names no real Framework.bundle')
def test_the_real_compiler_of_plex(bundle):
    framework = fix.find_framework(os.environ['REALFW_FRAMEWORK'])
    for new, expected in ((b"data.get('plot')", True), (b'data.__class__', False), (b'data._x', False)):
        assert judge(bundle, changed(b"data['plot']", new), framework=framework)["Plex's own compiler"] is expected
    after = BEFORE + b"x = {}\nx['a'] += 1\n"
    assert judge(bundle, after, framework=framework)["Plex's own compiler"] is False
    assert judge(bundle, b'\n' + TWO_EXCEPTS, TWO_EXCEPTS, framework=framework)["Plex's own compiler"] is True


def test_options_reach_the_judges(tmpdir, framework, monkeypatch):
    asked = []
    monkeypatch.setattr(fix, 'find_python27', lambda option: asked.append(option))
    rig = Rig(str(tmpdir.mkdir('rig')))
    options = Namespace(python27='/p', framework=framework, plex_home=rig.home, plex_url=None, token_file=None)
    site = fix.Site(options, rig.run_dir)
    target = fix.read_target(rig.plug_ins, ENTRY)
    fix.judge_change(site, site.bundle('Sample.bundle'), [(target, target.data)])
    assert asked == ['/p']
