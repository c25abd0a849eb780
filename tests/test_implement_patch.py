# -*- coding: utf-8 -*-
"""Patches: applied byte for byte or refused, merged by hunks, and only where a patch may go."""
from __future__ import absolute_import, division, print_function, unicode_literals

import itertools
import os
import random

import pytest

import diagnose_from_report as diagnose
import implement_fix as fix
from aggregate_plex_logs import Problem
from implement_rig import CODE, ENTRY, write

TEXTS = {
    'plain': b'one\ntwo\nthree\nfour\nfive\nsix\nseven\n',
    'crlf': b'one\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\r\n',
    'mixed ends': b'one\r\ntwo\nthree\rstill three\nfour\n',
    'no end': b'one\ntwo\nthree',
    'crlf, no end': b'one\r\ntwo\r\nthree',
    'bom': b'\xef\xbb\xbfone\ntwo\nthree\n',
    'latin-1': b'# -*- coding: latin-1 -*-\nx = "caf\xe9"\ntwo\n',
    'tabs': b'if a:\n\tb\n\tc\n        d\n',
    'looks like a diff': b'--- a\n+++ b\n@@ -1 +1 @@\n\\ No newline\n-- two\n',
    'form feed': b'one\n\x0c\ntwo\x0bx\n\xe2\x80\xa8three\n',
    'empty': b'',
}
CHANGES = {
    'replace': lambda lines: lines[:1] + [b'NEW' + line for line in lines[1:2]] + lines[2:],
    'insert at the start': lambda lines: [b'-- new\n'] + lines,
    'delete the first': lambda lines: lines[1:],
    'delete the last': lambda lines: lines[:-1],
    'change the last': lambda lines: lines[:-1] + [b'++ last'],
    'end the last': lambda lines: lines[:-1] + [line.rstrip(b'\r\n') + b'\n' for line in lines[-1:]],
    'first and last': lambda lines: [b'A\n'] + lines[1:-1] + [b'B\n'],
    'delete all': lambda lines: [],
}


@pytest.mark.parametrize('text, change', sorted(itertools.product(TEXTS, CHANGES)))
def test_a_patch_gives_exactly_the_bytes_it_was_made_from(text, change):
    before = TEXTS[text]
    after = b''.join(CHANGES[change](diagnose.split_lines(before)))
    if before == after:
        return
    files = fix.parse_patch(diagnose.unified_diff(ENTRY, before, after))
    assert [path for path, _ in files] == [ENTRY]
    assert fix.apply_hunks(before, files[0][1], ENTRY) == after


def test_random_changes_survive_the_patch():
    chance = random.Random(17)
    for _ in range(101):
        lines = [chance.choice([b'a\n', b'b\r\n', b'-- c\n', b'\n', b'\td\n']) for _ in range(chance.randrange(23))]
        new = [line for line in lines if chance.random() > .2]
        for _ in range(chance.randrange(4)):
            new.insert(chance.randrange(len(new) + 1), chance.choice([b'+x\n', b'-y\r\n', b'a\n']))
        before, after = b''.join(lines), b''.join(new)
        if before != after:
            files = fix.parse_patch(diagnose.unified_diff(ENTRY, before, after))
            assert fix.apply_hunks(before, files[0][1], ENTRY) == after


def test_several_files_in_one_patch():
    other = 'Sample.bundle/Contents/Libraries/Shared/caf\u00e9.py'
    patch = diagnose.unified_diff(ENTRY, b'a\n', b'b\n') + diagnose.unified_diff(other, b'c', b'd')
    files = fix.parse_patch(patch)
    assert [path for path, _ in files] == [ENTRY, other]
    assert fix.apply_hunks(b'c', files[1][1], other) == b'd'


@pytest.mark.parametrize('before', [b'one\ntwo\nfour\n', b'zero\none\ntwo\nthree\n', b'one\r\ntwo\r\nthree\r\n', b'', b'one\ntwo'])
def test_a_hunk_that_does_not_fit_exactly_is_refused(before):
    hunks = fix.parse_patch(diagnose.unified_diff(ENTRY, b'one\ntwo\nthree\n', b'one\nTWO\nthree\n'))[0][1]
    with pytest.raises(Problem) as refusal:
        fix.apply_hunks(before, hunks, ENTRY)
    assert refusal.value.code == 5 and 'diagnose again' in refusal.value.sentence


HEAD = b'--- a/B.bundle/Contents/Code/a.py\n+++ b/B.bundle/Contents/Code/a.py\n'


@pytest.mark.parametrize('patch', [
    b'', b'hello\n', HEAD, HEAD + b'@@ -1 +1 @@\n-a\n', HEAD + b'@@ -1 +1 @@\n-a\n+b\n+c\n', HEAD + b'@@ -x +1 @@\n-a\n+b\n',
    HEAD + b'@@ -1,2 +1 @@\n-a\n+b\nrubbish\n', HEAD + b'@@ -1 +1 @@\n-a\n+b\n' + HEAD + b'@@ -1 +1 @@\n-a\n+b\n',
    b'--- /dev/null\n+++ b/B.bundle/Contents/Code/a.py\n@@ -0,0 +1 @@\n+b\n',
    b'--- a/B.bundle/Contents/Code/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n',
    b'--- a/B.bundle/Contents/Code/a.py\n+++ b/B.bundle/Contents/Code/b.py\n@@ -1 +1 @@\n-a\n+b\n',
    HEAD + b'@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n'])
def test_what_is_no_plain_change_is_refused(patch):
    with pytest.raises(Problem) as refusal:
        fix.parse_patch(patch)
    assert refusal.value.code == 5


def test_hunks_out_of_order_are_refused():
    hunks = [fix.Hunk(2, [b'c\n'], [b'C\n']), fix.Hunk(0, [b'a\n'], [b'A\n'])]
    with pytest.raises(Problem):
        fix.apply_hunks(b'a\nb\nc\n', hunks, ENTRY)


def test_a_patch_that_would_join_lines_is_refused():
    with pytest.raises(Problem):
        fix.apply_hunks(b'a\nb\n', [fix.Hunk(0, [b'a\n'], [b'A'])], ENTRY)


# ------------------------------------------------------------------------------------------------------------- merging
def test_changes_at_different_places_merge_in_both_directions():
    base = b''.join(b'line %d\n' % number for number in range(23))
    ours, theirs = base.replace(b'line 3\n', b'three\nand more\n'), base.replace(b'line 17\n', b'')
    both = ours.replace(b'line 17\n', b'')
    assert fix.merge(base, ours, theirs) == both == fix.merge(base, theirs, ours)
    assert fix.merge(ours, both, base) == theirs            # what an undo does


@pytest.mark.parametrize('ours, theirs', [
    (b'a\nX\nc\n', b'a\nY\nc\n'), (b'a\nX\nb\nc\n', b'a\nY\nb\nc\n'), (b'a\nX\nb\nc\n', b'a\nY\nc\n'), (b'a\nc\n', b'a\nX\nc\n'),
    (b'X\n', b'a\nb\nY\nc\n')])
def test_changes_at_one_place_do_not_merge(ours, theirs):
    assert fix.merge(b'a\nb\nc\n', ours, theirs) is None
    assert fix.merge(b'a\nb\nc\n', theirs, ours) is None


def test_the_same_change_on_both_sides_is_one_change():
    assert fix.merge(b'a\nb\n', b'a\nB\n', b'a\nB\n') == b'a\nB\n'


def test_neighbouring_lines_merge():
    assert fix.merge(b'a\nb\nc\nd\n', b'a\nB\nc\nd\n', b'a\nb\nC\nd\n') == b'a\nB\nC\nd\n'


def test_random_merges_never_lose_a_change():
    chance = random.Random(29)
    merged_count = 0
    for _ in range(211):
        base = [b'line %d\n' % number for number in range(13)]
        sides = []
        for mark in (b'A', b'B'):
            side, place = list(base), chance.randrange(13)
            side[place:place + chance.randrange(3)] = [mark + b'%d\n' % chance.randrange(97)]
            sides.append(side)
        ours, theirs = (b''.join(side) for side in sides)
        merged = fix.merge(b''.join(base), ours, theirs)
        if merged is not None:
            merged_count += 1
            lines = merged.split(b'\n')
            for side, text in zip(sides, (ours, theirs)):
                assert all(line[:-1] in lines for line in side if line[:1] in (b'A', b'B'))
            assert fix.merge(ours, merged, b''.join(base)) == theirs
    assert merged_count > 97


@pytest.mark.parametrize('content, found', [
    (b'new\na\nFIX\nc\nd\nFIX\n', 'there'), (b'new\na\nb\nc\nd\ne\n', 'lost'), (b'a\nelse\nc\nd\nFIX\n', 'conflict'),
    (b'a\nb\nc\nd\nFIX\n', 'conflict'), (b'a\nb\nc\nd\ne\n', 'lost'), (b'rewritten\n', 'conflict'), (b'', 'conflict'),
    (b'a\nFIX\nc\nnew\nd\nFIX\n', 'there'), (b'a\nb\nnew\nc\nd\ne\n', 'lost')])
def test_whether_a_change_is_in_somebody_elses_version(content, found):
    assert fix.presence(content, b'a\nb\nc\nd\ne\n', b'a\nFIX\nc\nd\nFIX\n') == found


# --------------------------------------------------------------------------------------------------- where it may write
@pytest.fixture
def plug_ins(tmpdir):
    folder = str(tmpdir.mkdir('Plug-ins'))
    for name in ('B.bundle/Contents/Code/a.py', 'B.bundle/Contents/Code/deep/b.py', 'B.bundle/Contents/Libraries/Shared/c.py',
                 'B.bundle/Contents/Code/data.txt', 'B.bundle/Contents/Info.plist', 'B.bundle/Contents/Resources/r.py',
                 'C.bundle/Contents/Code/a.py', 'loose.py'):
        write(os.path.join(folder, *name.split('/')), 'x = 1\n')
    write(str(tmpdir.join('outside.py')), 'x = 1\n')
    return folder


@pytest.mark.parametrize('path', ['B.bundle/Contents/Code/a.py', 'B.bundle/Contents/Code/deep/b.py',
                                  'B.bundle/Contents/Libraries/Shared/c.py'])
def test_code_and_libraries_of_a_bundle_may_be_patched(plug_ins, path):
    target = fix.read_target(plug_ins, path)
    assert target.data == b'x = 1\n' and target.sha256 == diagnose.sha256(b'x = 1\n')


@pytest.mark.parametrize('path', [
    'loose.py', '../outside.py', 'B.bundle/Contents/Code/../../../../outside.py', 'B.bundle/Contents/Code/data.txt',
    'B.bundle/Contents/Info.plist', 'B.bundle/Contents/Resources/r.py', '/etc/x.py', 'B.bundle/Contents/Code//a.py',
    'B.bundle/Contents/Code/./a.py', 'B.bundle\\Contents\\Code\\a.py', 'C:/Contents/Code/a.py', 'B.bundle/Contents/Code/a\0.py', '',
    '../Plug-ins/Contents/Code/a.py', 'B.bundle/Contents/Code/.py/../a.py'])
def test_nothing_else_may_be_patched(plug_ins, path):
    with pytest.raises(Problem) as refusal:
        fix.read_target(plug_ins, path)
    assert refusal.value.code == 5


def test_a_file_that_is_not_there_is_the_environments_fault(plug_ins):
    with pytest.raises(Problem) as refusal:
        fix.read_target(plug_ins, 'B.bundle/Contents/Code/gone.py')
    assert refusal.value.code == 4


@pytest.mark.skipif(not hasattr(os, 'symlink') or os.name == 'nt', reason='links')
@pytest.mark.parametrize('link, to', [
    ('B.bundle/Contents/Code/link.py', '../../../../outside.py'), ('B.bundle/Contents/Code/link.py', '../../../C.bundle/Contents/Code/a.py'),
    ('B.bundle/Contents/Code/link.py', '../Info.plist'), ('B.bundle/Contents/Code/link', '../../../..'), ('D.bundle', 'C.bundle'),
    ('B.bundle/Contents/Code/link.py', '/dev/zero')])
def test_a_link_that_leads_elsewhere_is_refused(plug_ins, link, to):
    os.symlink(to, os.path.join(plug_ins, *link.split('/')))
    path = {'D.bundle': 'D.bundle/Contents/Code/a.py', 'B.bundle/Contents/Code/link': link + '/outside.py'}.get(link, link)
    with pytest.raises(Problem) as refusal:
        fix.read_target(plug_ins, path)
    assert refusal.value.code == 5


@pytest.mark.skipif(not hasattr(os, 'symlink') or os.name == 'nt', reason='links')
def test_a_link_inside_the_code_changes_what_it_points_to(plug_ins):
    os.symlink('a.py', os.path.join(plug_ins, 'B.bundle', 'Contents', 'Code', 'link.py'))
    target = fix.read_target(plug_ins, 'B.bundle/Contents/Code/link.py')
    fix.replace_file(target, b'y = 1\n')
    assert os.path.islink(os.path.join(plug_ins, 'B.bundle', 'Contents', 'Code', 'link.py'))
    assert fix.read_target(plug_ins, 'B.bundle/Contents/Code/a.py').data == b'y = 1\n'


@pytest.mark.skipif(not hasattr(os, 'symlink') or os.name == 'nt', reason='links')
def test_a_linked_plug_ins_folder_is_as_good_as_a_real_one(plug_ins, tmpdir):
    os.symlink(plug_ins, str(tmpdir.join('linked')))
    assert fix.read_target(str(tmpdir.join('linked')), 'B.bundle/Contents/Code/a.py').data == b'x = 1\n'


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='pipes')
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(plug_ins):
    os.mkfifo(os.path.join(plug_ins, 'B.bundle', 'Contents', 'Code', 'pipe.py'))
    with pytest.raises(Problem) as refusal:
        fix.read_target(plug_ins, 'B.bundle/Contents/Code/pipe.py')
    assert refusal.value.code == 5


# ------------------------------------------------------------------------------------------------------------ replacing
def target_of(plug_ins, path='B.bundle/Contents/Code/a.py'):
    return fix.read_target(plug_ins, path)


@pytest.mark.parametrize('mode', [0o644, 0o600, 0o664, 0o755, 0o400])
def test_a_replaced_file_keeps_its_mode(plug_ins, mode):
    target = target_of(plug_ins)
    os.chmod(target.real, mode)
    fix.replace_file(target_of(plug_ins), b'new\n')
    status = os.stat(target.real)
    assert status.st_mode & 0o7777 == mode
    assert os.listdir(os.path.dirname(target.real)).count('a.py') == 1 and len(os.listdir(os.path.dirname(target.real))) == 3


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() != 0, reason='only root can give files away')
def test_a_replaced_file_keeps_its_owner(plug_ins):
    target = target_of(plug_ins)
    os.chown(target.real, 1017, 1019)
    fix.replace_file(target_of(plug_ins), b'new\n')
    status = os.stat(target.real)
    assert (status.st_uid, status.st_gid) == (1017, 1019)


@pytest.mark.skipif(not hasattr(os, 'chown'), reason='owners')
def test_an_owner_that_cannot_be_kept_stops_the_change(plug_ins, monkeypatch):
    target = target_of(plug_ins)
    target = target._replace(status=os.stat_result(list(target.status[:4]) + [1017, 1019] + list(target.status[6:10])))

    def refuse(*_):
        raise OSError(1, 'Operation not permitted')
    monkeypatch.setattr(os, 'chown', refuse)
    with pytest.raises(Problem) as refusal:
        fix.replace_file(target, b'new\n')
    assert 'owner' in refusal.value.sentence
    monkeypatch.setattr(os, 'geteuid', lambda: target.status.st_uid + 1)
    with pytest.raises(fix.Problem) as refusal:             # known before a refresh is spent on it
        fix.require_owner([(target, b'')])
    assert 'owner' in refusal.value.sentence
    assert target_of(plug_ins).data == b'x = 1\n' and not os.path.exists(fix.temporary_name(target.real))


def test_a_mount_point_is_refused_and_left_as_it_was(plug_ins, monkeypatch):
    target = target_of(plug_ins)

    def busy(*_):
        raise OSError(16, 'Device or resource busy')
    monkeypatch.setattr(os, 'rename', busy)
    monkeypatch.setattr(os, 'replace', busy, raising=False)
    with pytest.raises(Problem) as refusal:
        fix.replace_file(target, b'new\n')
    assert refusal.value.code == 5 and 'mount' in refusal.value.sentence
    assert target_of(plug_ins).data == b'x = 1\n' and not os.path.exists(fix.temporary_name(target.real))


@pytest.mark.skipif(not hasattr(os, 'symlink') or os.name == 'nt', reason='links')
def test_a_link_planted_under_the_temporary_name_is_not_followed(plug_ins, tmpdir):
    target = target_of(plug_ins)
    os.symlink(str(tmpdir.join('outside.py')), fix.temporary_name(target.real))
    fix.replace_file(target, b'new\n')
    assert tmpdir.join('outside.py').read() == 'x = 1\n' and target_of(plug_ins).data == b'new\n'


@pytest.mark.parametrize('ahead', [-7, 0, 3, 101])
def test_bytecode_beside_a_library_is_never_taken_for_the_new_source(plug_ins, ahead):
    import struct
    import time
    path = 'B.bundle/Contents/Libraries/Shared/c.py'
    target = target_of(plug_ins, path)
    made_for = int(time.time()) + ahead
    for ending in 'co':
        write(target.real + ending, b'\x03\xf3\r\n' + struct.pack(str('<L'), made_for) + b'rest')
        os.utime(target.real + ending, (made_for, made_for))
    fix.replace_file(target, b'new\n')
    stamp = os.stat(target.real).st_mtime
    assert stamp > made_for and int(stamp) != made_for


def test_undo_in_any_order_gives_back_the_first_bytes_or_stops():
    """Random edits that repairs are made of, each on top of the others, taken out in random order."""
    chance = random.Random(31)
    first = diagnose.split_lines(CODE.encode('utf-8'))
    stopped = 0
    for _ in range(307):
        lines, made = list(first), []
        for number in range(chance.randrange(2, 5)):
            before, at = b''.join(lines), chance.randrange(len(lines))
            lines[at:at + 1] = chance.choice([
                [b'changed_%d = 1\n' % number], [b'if x is None:\n', b'    return\n', lines[at]], [],
                [b'try:\n', b'    ' + lines[at], b'except KeyError:\n', b'    pass\n']])
            made.append((before, b''.join(lines)))
        content, left = b''.join(lines), list(made)
        chance.shuffle(left)
        while left:
            able = [(pair, fix.merge(pair[1], content, pair[0])) for pair in left]
            able = [(pair, merged) for pair, merged in able if merged not in (None, content)]
            if not able:
                stopped += 1
                break
            pair, content = able[0]
            left.remove(pair)
        else:
            assert content == CODE.encode('utf-8')
    assert stopped < 31
