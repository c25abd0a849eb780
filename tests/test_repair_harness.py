# -*- coding: utf-8 -*-
"""Every patch that diagnose_from_report.py offers, tried on agents that really fail (issue: "Must hold").

For each row of repair_cases.FAILURES the agent runs in an imitated sandbox until it fails; its traceback becomes a row
of the aggregate; the diagnosis proposes patches; the patched agent runs again on the same data and on whole data.
Agents are Python 2, so the running is done under 2.7; bundles/Harness/patterns.json keeps what was seen there, so that
Python 3 diagnoses the same patterns and must come to the same patches.
Write it anew (with 2.7) by: python tests/test_repair_harness.py > tests/bundles/Harness/patterns.json
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import difflib
import hashlib
import io
import json
import os
import sys

import pytest
import six

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import diagnose_from_report as diagnose         # noqa: E402
import repair_rig as rig                        # noqa: E402
from repair_cases import FAILURES, GONE, PAGES, broken_page     # noqa: E402

only_2_7 = pytest.mark.skipif(not six.PY2, reason='agents are Python 2')
PATTERNS = os.path.join(rig.BUNDLES, 'patterns.json')


def name_of(row):
    return '%s %s %s %s' % (row[0], row[1], row[2][:23], 'gone' if row[3] is GONE else ('%s' % (row[3],))[:17])


def seen_failure(row):
    """{'pattern': row of the aggregate, 'true_line': where CPython itself fails} of a failure, seen by running it."""
    folder, kind = row[0] + '.bundle', row[1]
    page = broken_page(*row[:4])
    run = rig.run_agent(folder, kind, page)
    pattern = rig.pattern_of(folder, kind, run)
    assert pattern, '%s does not fail' % name_of(row)
    pattern['pattern'] = hashlib.sha1(name_of(row).encode('utf-8')).hexdigest()[:10]
    fault = pattern['own_frames'][-1]
    try:
        plain = rig.run_agent(folder, kind, page, compiling=rig.compile_plainly)
    except SyntaxError:                         # two bare excepts: CPython cannot say
        plain = rig.Run(None, [])
    lines = [line for path, line, function, _ in plain.frames
             if diagnose.logs.to_text(path).endswith(fault['file']) and not function.startswith('<')]
    return {'row': name_of(row), 'pattern': pattern, 'true_line': lines[-1] if lines else None}


def committed():
    with io.open(PATTERNS, encoding='utf-8') as handle:
        return dict((seen['row'], seen) for seen in json.load(handle))


def diagnosed(pattern):
    """The Diagnosis of one pattern of the harness."""
    document = {'agents': [{'identifier': pattern['agent'], 'bundle': pattern['bundle'], 'searches': 23, 'updates': 41,
                            'starts': 1, 'failed_starts': 0, 'healthy_items': []}], 'patterns': [pattern]}
    return diagnose.diagnose(pattern, document, diagnose.find_bundles(rig.BUNDLES), [])


def apply_patch(folder, patch):
    """{file from the bundle on: its bytes after the patch} of a unified diff."""
    changed = {}
    for name, hunks in diagnose.parse_patch(patch):
        path = os.path.join(rig.BUNDLES, *name.split('/'))
        with io.open(path, 'rb') as handle:
            changed[name.split('/', 1)[1]] = diagnose.patched(handle.read(), hunks, name)
    return changed


def static_complaints(folder, changed):
    """What is wrong with patched files without running them."""
    complaints = []
    for name, after in changed.items():
        with io.open(os.path.join(rig.BUNDLES, folder, *name.split('/')), 'rb') as handle:
            before = handle.read()
        old, new = diagnose.Source(before, name), diagnose.Source(after, name)
        is_entry = name.endswith('/__init__.py')
        elevated = folder.startswith('Teilmodul')
        if set(diagnose.check_sandbox(new, elevated, is_entry)) - set(diagnose.check_sandbox(old, elevated, is_entry)):
            complaints.append('the sandbox refuses it')
        policy = 'Elevated' if elevated else 'Standard'
        if set(diagnose.undefined_names(new, policy=policy)) - set(diagnose.undefined_names(old, policy=policy)):
            complaints.append('it uses names that nothing defines')
        added = [line for line in difflib.ndiff(before.splitlines(True) if False else split(before), split(after))
                 if line[:2] in ('+ ', '- ')]
        if max(len([line for line in added if line[0] == sign]) for sign in '+-') > diagnose.MAX_CHANGED_LINES:
            complaints.append('it changes %d lines' % len(added))
        ends = set(line[len(line.rstrip('\r\n')):] for line in split(after)[:-1])
        if ends != set([old.newline]) or new.bom != old.bom or new.encoding != old.encoding:
            complaints.append('line ends or encoding are not what they were')
        if six.PY2 and compiles(before) and not compiles(after):
            complaints.append('CPython refuses it')
    return complaints


def split(data):
    return data.decode('latin-1').splitlines(True)


def compiles(data):
    try:
        compile(data, 'x', 'exec', 0, True)
        return True
    except SyntaxError:
        return False


def live_complaints(row, changed):
    """What is wrong with patched files when they run: on the data that failed, and on whole data."""
    folder, kind, lost = row[0] + '.bundle', row[1], row[4].split()
    sources = rig.sources_of(folder)
    for name, data in changed.items():
        sources[name.split('/')[-1][:-3]] = data
    page = broken_page(*row[:4])
    complaints = []
    for (bundle, call), whole in sorted(PAGES.items()):
        if bundle == row[0]:
            before, after = rig.run_agent(folder, call, whole), rig.run_agent(folder, call, whole, sources)
            if rig.as_json(before.fields) != rig.as_json(after.fields) or after.error:
                complaints.append('a healthy %s comes out otherwise' % call)
            elif before.messages != after.messages:
                complaints.append('a healthy %s logs otherwise' % call)
    healthy = rig.run_agent(folder, kind, PAGES[row[0], kind])
    failed, mended = rig.run_agent(folder, kind, page), rig.run_agent(folder, kind, page, sources)
    if mended.error:
        return complaints + ['it still fails: %s %s' % (mended.error, mended.message)]
    had, has = rig.filled(failed.fields), rig.filled(mended.fields)
    wanted = had | set(name for name in rig.filled(healthy.fields) if name.split('.')[0] not in lost)
    if kind == 'search':
        wanted = had | set('%d.id' % number for number in range(len(healthy.fields) - 1))
        wanted = set() if isinstance(row[3], type(None)) and row[2] == 'results' else wanted
    if wanted - has:
        complaints.append('it leaves empty: %s' % ', '.join(sorted(wanted - has)))
    return complaints


@pytest.fixture(scope='module')
def seen():
    return committed()


ROWS = dict((name_of(row), row) for row in FAILURES)


def test_the_rows_have_names_of_their_own():
    assert len(ROWS) == len(FAILURES)
    assert len(set(row[0] for row in FAILURES)) >= 7


@only_2_7
@pytest.mark.parametrize('bundle, call', sorted(PAGES))
def test_whole_data_goes_through(bundle, call):
    run = rig.run_agent(bundle + '.bundle', call, PAGES[bundle, call])
    assert (run.error, run.message) == ('', '')
    assert len(rig.filled(run.fields)) > 7


@only_2_7
@pytest.mark.parametrize('name', sorted(ROWS))
def test_the_committed_patterns_are_what_is_seen(name, seen):
    now, then = seen_failure(ROWS[name]), seen[name]
    assert now['true_line'] == then['true_line']
    for key in ('exception', 'message', 'kind', 'agent'):
        assert now['pattern'][key] == then['pattern'][key]
    assert [(frame['file'], frame['function']) for frame in now['pattern']['own_frames']] == [
        (frame['file'], frame['function']) for frame in then['pattern']['own_frames']]


@pytest.mark.parametrize('name', sorted(ROWS))
def test_every_patch_keeps_the_rules(name, seen):
    found = diagnosed(seen[name]['pattern'])
    for fix in found.record['fixes']:
        complaints = static_complaints(ROWS[name][0] + '.bundle', apply_patch(fix['bundle'], found.patches[fix['id']]))
        assert not complaints, (fix['template'], complaints)


@only_2_7
@pytest.mark.parametrize('name', sorted(ROWS))
def test_the_first_patch_makes_the_item_succeed_and_no_patch_harms(name, seen):
    row = ROWS[name]
    found = diagnosed(seen[name]['pattern'])
    for number, fix in enumerate(found.record['fixes']):
        complaints = live_complaints(row, apply_patch(fix['bundle'], found.patches[fix['id']]))
        if number:                              # a later one may fill less, or be for another cause
            complaints = [complaint for complaint in complaints if 'healthy' in complaint]
        assert not complaints, (number, fix['template'], complaints)


if __name__ == '__main__':
    text = json.dumps([seen_failure(row) for row in FAILURES], indent=1, sort_keys=True, separators=(',', ': '))
    sys.stdout.write(text + '\n')
