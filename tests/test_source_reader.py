# -*- coding: utf-8 -*-
"""The reader of Python 2 source in diagnose_from_report.py: grammar, spans, bytes, scopes, the sandbox's rules.

bundles/Grammar/grammar.py holds every construct; grammar.tree beside it is the tree that 2.7's own `ast` makes of it.
Under 2.7 the tests make sure of that again; under Python 3, which cannot parse the file, they rely on it.
Write it anew (with 2.7) by: python tests/test_source_reader.py > tests/bundles/Grammar/grammar.tree
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import ast
import io
import os
import random
import re
import sys
import time

import pytest
import six

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import diagnose_from_report as diagnose                                                             # noqa: E402
from diagnose_from_report import Source, SourceError, apply_edits, bindings, check_sandbox, walk    # noqa: E402

GRAMMAR = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bundles', 'Grammar')
EXPRESSIONS = frozenset('BoolOp BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Compare '
                        'Call Repr Num Str Attribute Subscript Name List Tuple'.split())
FIELDS = {                                      # what 2.7's ASDL has beside the nodes below
    'FunctionDef': ['name'], 'ClassDef': ['name'], 'AugAssign': ['op'], 'Print': ['nl'],
    'ImportFrom': ['module', 'level'], 'Global': ['names'], 'BoolOp': ['op'], 'BinOp': ['op'], 'UnaryOp': ['op'],
    'Compare': ['ops'], 'keyword': ['arg'], 'Num': ['n'], 'Str': ['s'], 'Attribute': ['attr', 'ctx'],
    'Subscript': ['ctx'], 'Name': ['id', 'ctx'],
    'List': ['ctx'], 'Tuple': ['ctx'], 'arguments': ['vararg', 'kwarg'], 'alias': ['name', 'asname'],
}


def read_grammar(name='grammar.py'):
    with io.open(os.path.join(GRAMMAR, name), 'rb') as handle:
        return handle.read()


def source_of(text):
    return Source(text.encode('utf-8'))


def kind_of(node):
    return node.kind if isinstance(node, diagnose.Node) else node.__class__.__name__


def plain(value):
    """A field that is no node, in the same words for both trees and both Pythons."""
    if isinstance(value, list):
        return '[%s]' % ' '.join(plain(part) for part in value)
    if isinstance(value, (ast.operator, ast.boolop, ast.unaryop, ast.cmpop, ast.expr_context)):
        return kind_of(value)
    if isinstance(value, six.text_type):
        return value.encode('unicode_escape').decode('ascii')
    if isinstance(value, bytes):
        try:
            return plain(value.decode('utf-8'))
        except UnicodeError:
            return plain(value.decode('latin-1'))
    return repr(value).rstrip('L')


def is_node(value):
    return isinstance(value, diagnose.Node) or (isinstance(value, ast.AST) and kind_of(value) in diagnose.CHILD_FIELDS)


def dump(node, depth=0):
    """A tree as text, one node a line: for comparison, and to be read by whoever has to find a difference."""
    kind = kind_of(node)
    words = ['%s=%s' % (field, plain(getattr(node, field))) for field in FIELDS.get(kind, ())]
    if kind == 'Str':
        text = node.s if isinstance(node, ast.AST) else ('' if not node.is_bytes else b'')
        words.append('bytes' if isinstance(text, bytes) else 'unicode')
    lines = ['  ' * depth + ' '.join([kind] + words)]
    for field in diagnose.CHILD_FIELDS[kind]:
        value = getattr(node, field)
        if kind == 'Slice' and field == 'step' and is_node(value) and kind_of(value) == 'Name' and value.id == 'None':
            continue                            # 2.7 puts a None there for a[1:2:]
        for child in value if isinstance(value, list) else [value]:
            if child is not None and is_node(child):
                lines.append('  ' * depth + ' .' + field)
                lines.extend(dump(child, depth + 1))
    return lines


def loaded(node):
    """The dump of an expression, as if nothing in it were assigned to."""
    return [re.sub('=(Store|Del|Param)', '=Load', line) for line in dump(node)]


def committed_tree():
    return read_grammar('grammar.tree').decode('ascii').splitlines()


# -------------------------------------------------------------------------------------------------------------- grammar
@pytest.mark.skipif(not six.PY2, reason='only 2.7 can say what 2.7 makes of it')
def test_the_committed_tree_is_what_2_7_itself_makes_of_the_grammar():
    assert dump(ast.parse(read_grammar())) == committed_tree()


def test_every_construct_is_read_as_2_7_reads_it():
    assert dump(Source(read_grammar()).tree) == committed_tree()


@pytest.mark.parametrize('newline', ['\r\n', '\r'])
def test_other_line_ends_give_the_same_tree(newline):
    data = read_grammar().replace(b'\n', newline.encode('ascii'))
    source = Source(data)
    assert dump(source.tree) == committed_tree()
    assert source.newline == newline
    assert apply_edits(source, []) == data


def test_all_kinds_of_nodes_stand_in_the_grammar():
    kinds = set(node.kind for node in walk(Source(read_grammar()).tree))
    assert kinds == set(diagnose.CHILD_FIELDS)


@pytest.mark.parametrize('text, expected', [
    ('from __future__ import print_function\nprint("a", end="")', 'Call'),
    ('print("a")', 'Print'),
    ('try: a\nexcept: b\nexcept: c', 'TryExcept'),                  # CPython refuses two bare ones, Plex runs them
    ('x = 1\f\n\fy = 2', 'Assign'),
])
def test_what_plex_takes_is_read(text, expected):
    assert source_of(text).tree.body[-1].kind in (expected, 'Expr')
    assert expected in [node.kind for node in walk(source_of(text).tree)]


def test_unicode_literals_hold_for_the_docstring_in_front_too():
    tree = source_of("'doc'\nfrom __future__ import unicode_literals\nx = 'a' + b'c'").tree
    assert [node.is_bytes for node in walk(tree) if node.kind == 'Str'] == [False, False, True]


@pytest.mark.parametrize('text, line', [
    ("x = 'abc", 1), ('x = (1,\n2', 2), ('if a:\nb', 2), ('if a:\n    b\n  c', 3), ('a b', 1), ('f() = 1', 1),
    ('\n  x', 2), ('x = $', 1), ('def f(a=1, b): pass', 1), ('f(a=1, 2)', 1), ('x = 08', 1), ('try: a\nb', 2),
    ('print >>', 1), ("x = '\\x4'", 1), ("u'\\N{no such letter at all}'", 1), ('None = 1', 1), ('a\n\\', 2),
    ('f(x for x in y, 1)', 1), ('class', 1), ('def f(:', 1), ('x = f"{a}"', 1), ('def f(a: int): pass', 1),
    ('"""a\n\n', 1), ('nonlocal x', 1), ('x = 0\nasync def f(): pass', 2), ('() = c', 1), ('a + 1 += 2', 1),
    ('@a\nx', 2), ('(' * 300 + ')' * 300, 1),
])
def test_what_python_2_refuses_is_refused_with_its_line(text, line):
    with pytest.raises(SourceError) as refused:
        source_of(text).tree
    assert refused.value.line == line
    assert refused.value.sentence and '\n' not in refused.value.sentence


def test_damaged_source_is_refused_in_one_sentence_and_never_hangs():
    generator = random.Random(4711)
    whole = read_grammar()
    began = time.time()
    for _ in range(211):
        start, end = sorted(generator.randrange(len(whole)) for _ in range(2))
        damaged = generator.choice([whole[:start], whole[start:], whole[:start] + whole[end:], whole[start:end],
                                    whole[:start] + b'\x00\xff' + whole[start:], whole[:start] + b'(' + whole[start:]])
        try:
            source = Source(damaged)
            assert source.text.encode(source.encoding) == damaged
            for node in walk(source.tree):
                assert 0 <= node.start <= node.end <= len(source.text)
        except SourceError as refused:
            assert '\n' not in refused.sentence
            assert 0 < refused.line <= damaged.count(b'\n') + damaged.count(b'\r') + 1
    assert time.time() - began < 30             # a tenth of it on a slow machine


def test_a_long_sum_and_a_long_elif_chain_need_no_deep_stack():
    long_sum = source_of('x = ' + ' + '.join(['a'] * 3001))
    assert len([node for node in walk(long_sum.tree) if node.kind == 'BinOp']) == 3000
    chain = source_of('if a: pass\n' + 'elif b: pass\n' * 2003)
    assert len(diagnose.statements(chain.tree)) == 2 * 2004


# ---------------------------------------------------------------------------------------------------------------- spans
def test_every_expression_stands_where_it_says():
    """Read again, alone and in parentheses, its text gives the same tree."""
    source = Source(read_grammar())
    checked = 0
    for node in walk(source.tree):
        if node.kind not in EXPRESSIONS:
            continue
        for start, end in set([(node.start, node.end), node.outer]):
            again = source_of('# coding: utf-8\n(%s\n)' % source.text[start:end]).tree.body[0].value
            assert loaded(again) == loaded(node), source.text[start:end]
            checked += 1
    assert checked > 700


def test_parents_lines_and_columns():
    source = Source(read_grammar())
    lines = source.text.split('\n')
    for node in walk(source.tree):
        for child in diagnose.children(node):
            assert child.parent is node
        if node.kind in diagnose.STATEMENTS:
            assert lines[node.line - 1][node.start - source.offset_of_line(node.line):].startswith(
                node.text.split('\n')[0][:7])
            assert not node.indent.strip()
    assert source.line_text(1) == '# -*- coding: utf-8 -*-' and source.line_text(9999) == ''
    assert source.lines[2] == source.line_text(3)
    assert source.offset_of_line(2) == len(source.lines[0]) + 1


def test_statements_know_their_logical_line_and_their_suites():
    source = source_of('class A:\n\tdef f(self):\n\t\tif a: b; c\n\t\telif (d and\n e): f\n\t\telse:\n\t\t\tg ; h\n')
    function = source.functions_named('f')[0]
    first, second = function.body[0], function.body[0].orelse[0]
    assert not first.is_elif and second.is_elif
    assert [(suite.name, source.text[suite.start:suite.header_end]) for suite in first.suites] == [
        ('body', 'if a:'), ('orelse', 'elif (d and\n e):')]
    assert source.text[second.start:second.header_end] == 'elif (d and\n e):'
    assert source.text[second.suites[1].start:second.suites[1].header_end] == 'else:'
    told = [(node.text, node.inline, node.indent, source.text[node.logical_start:node.start])
            for node in diagnose.statements(function) if node.kind == 'Expr']
    assert told == [('b', True, '\t\t', 'if a: '), ('c', True, '\t\t', 'if a: b; '),
                    ('f', True, '\t\t', 'elif (d and\n e): '),
                    ('g', False, '\t\t\t', ''), ('h', True, '\t\t\t', 'g ; ')]
    assert source.indent_unit() == '\t'
    assert source_of('x').indent_unit() == '    '


def test_try_with_everything_is_two_nodes_and_two_withs_nest():
    source = source_of('try: a\nexcept A, b: c\nelse: d\nfinally: e\nwith a as b, c: d')
    whole, nested = source.tree.body
    inner = whole.body[0]
    assert (whole.kind, inner.kind) == ('TryFinally', 'TryExcept')
    assert [suite.name for suite in whole.suites] == ['body', 'finalbody']
    assert inner.text == 'try: a\nexcept A, b: c\nelse: d'
    assert inner.handlers[0].text == 'except A, b: c'
    assert (nested.kind, nested.body[0].kind) == ('With', 'With')


# -------------------------------------------------------------------------------------------------- bytes and encodings
@pytest.mark.parametrize('data, encoding, word', [
    (b'# -*- coding: utf-8 -*-\nx = "Am\xc3\xa9lie"\n', 'utf-8', 'Amélie'),
    (b'\xef\xbb\xbfx = "Am\xc3\xa9lie"\r\n', 'utf-8', 'Amélie'),
    (b'# coding=latin-1\nx = "Am\xe9lie"', 'latin-1', 'Amélie'),
    (b'#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = "\x80 Am\xe9lie"', 'cp1252', '€ Amélie'),
    (b'x = "Am\xc3\xa9lie"', 'utf-8', 'Amélie'),                # no cookie: CPython refuses, Plex runs it
    (b'x = "Am\xe9lie"', 'latin-1', 'Amélie'),
    (b'# -*- coding: utf-8 -*-\nx = "Am\xe9lie"', 'latin-1', 'Amélie'),
    (b'# coding: iso-8859-15\nx = "\xa4"', 'iso-8859-15', '€'),
    (b'x = 1\n# coding: ascii\ny = "Am\xc3\xa9lie"', 'utf-8', 'Amélie'),
])
def test_every_byte_survives_an_edit(data, encoding, word):
    source = Source(data)
    text = [node for node in walk(source.tree) if node.kind == 'Str'][0]
    assert (source.encoding, text.s) == (encoding, word)
    assert apply_edits(source, []) == data
    name = [node for node in walk(source.tree) if node.kind == 'Name'][0]
    changed = apply_edits(source, [(name.start, name.end, 'title')])
    at = changed.index(b'title')
    assert changed[:at] + data[at:at + 1] + changed[at + 5:] == data
    assert source.bom == data.startswith(b'\xef\xbb\xbf')


@pytest.mark.parametrize('data, words', [
    (b'# coding: klingon\nx', 'klingon'), (b'# coding: hex\nx', 'hex'), (b'# coding: ascii\n"\xe9"', 'ascii'),
    (b'\xef\xbb\xbf# coding: latin-1\nx', 'latin-1'), (b'x\0', 'NUL'), ('x = 1'.encode('utf-16'), 'NUL'),
])
def test_undecodable_files_are_refused(data, words):
    with pytest.raises(SourceError) as refused:
        Source(data).tree
    assert words in refused.value.sentence


def test_edits_that_cannot_be_made_are_refused():
    source = Source(b'# coding: latin-1\nabc = 1\n')
    at = source.text.index('abc')
    assert apply_edits(source, [(at + 1, at + 2, 'x'), (at, at, '>'), (at + 3, at + 3, '<')]).endswith(b'\n>axc< = 1\n')
    for edits in ([(at, at + 2, 'x'), (at + 1, at + 3, 'y')], [(at, 9999, '')], [(at, at, '€')]):
        with pytest.raises(SourceError):
            apply_edits(source, edits)


# --------------------------------------------------------------------------------------------------------------- scopes
SCOPES = '''
import os.path, json as simple
from urllib import quote
LIMIT = 17
class Agent:
    kind = LIMIT
    @staticmethod
    def search(results, (year, title), lang=kind, *args, **kw):
        global FOUND
        FOUND = [entry for entry in results if entry.score > LIMIT]
        for index, row in enumerate(rows): total += row
        try: pass
        except (IOError, KeyError), error: pass
        with lock as held: import xml.dom
        def inner(x): return x + year + outside
        picked = (score for score in sorted(FOUND, key=lambda item: item.rank))
        return picked, {one: two for one, two in kw}
    def pages(self):
        yield 1
lang = lambda page: page.xpath(search)
'''


def test_bindings_of_a_function():
    source = source_of(SCOPES)
    search, = source.functions_named('search')
    found = dict((name, [node.kind for node in nodes]) for name, nodes in bindings(search).items())
    assert found == {
        'results': ['Name'], 'year': ['Name'], 'title': ['Name'], 'lang': ['Name'], 'args': ['arguments'],
        'kw': ['arguments'], 'FOUND': ['Global', 'Name'], 'entry': ['Name'], 'index': ['Name'], 'row': ['Name'],
        'total': ['Name'], 'error': ['Name'], 'held': ['Name'], 'xml': ['alias'], 'inner': ['FunctionDef'],
        'picked': ['Name']}
    assert diagnose.local_names(search) == set(found) - set(['FOUND'])
    assert sorted(diagnose.free_names(search)) == [
        'FOUND', 'IOError', 'KeyError', 'LIMIT', 'enumerate', 'lock', 'outside', 'rows', 'sorted']
    assert sorted(bindings(source.tree)) == ['Agent', 'LIMIT', 'lang', 'os', 'quote', 'simple']


def test_functions_and_their_names():
    source = source_of(SCOPES)
    frames = [node for node in diagnose.walk(source.tree) if node.kind in ('Module', 'FunctionDef', 'Lambda')]
    assert [diagnose.name_in_log(scope) for scope in frames if scope.kind != 'Lambda'] == [
        '<module>', 'search', 'inner', 'pages']
    assert [diagnose.is_generator(scope) for scope in frames] == [False, False, False, False, True, False]
    assert len(source.functions_named('<lambda.23>')) == 3          # the generator expression is one, too
    assert source.functions_named('<module>') == [source.tree]
    inner, = source.functions_named('inner')
    returned = inner.body[0]
    assert diagnose.enclosing(returned, 'ClassDef').name == 'Agent'
    assert diagnose.frame_of(returned.value) is inner
    assert diagnose.statement_of(returned.value.left) is returned
    assert returned not in diagnose.statements(source.tree)
    assert returned in diagnose.all_statements(source.tree)


# -------------------------------------------------------------------------------------------------------------- sandbox
@pytest.mark.parametrize('text, standard, elevated', [              # measured with the framework's own compiler
    ('x._y', '"_y" is an invalid attribute name', True), ('_x = 1', '"_x" is an invalid variable name', True),
    ('_ = x._', None, None), ('x.__class__', '"__class__"', True), ('x.__name__', '"__name__"', None),
    ('class A:\n def __init__(self): self.__str__()', None, None), ('def __getitem__(a): pass', '"__getitem__"', None),
    ('import _socket', '"_socket"', True), ('import a as _b', '"_b"', True), ('from a import _b', None, None),
    ('f(_x=1)', None, None), ('global _x', None, None), ('def f(*_a): pass', '"_a"', True),
    ('def f(a, (_b, c)): pass', '"_b"', True), ('lambda (a, b): a', 'AttributeError', True),
    ('def f((a, (b, c))): pass', 'AttributeError', True), ('def f((a, b)): pass', None, None),
    ('exec "a"', 'Exec statements', True), ('def f(): yield 1', 'Yield statements', True),
    ('(a for a in b)', None, None), ('a.b += 1', 'Augmented assignment of attributes', True),
    ('a[1] += 1', 'Augmented assignment of object items', True),
    ('a[1:2] += 1', 'Augmented assignment of object items', True), ('a += 1; a -= 1', None, None),
    ('print printed', None, None), ('printed = 1', '"printed" is a reserved name.', True),
    ('x.a__roles__', '"a__roles__"', True),
    ('for a in b:\n try: c\n finally: continue', "'continue' not allowed", True),
    ('for a in b:\n try: continue\n finally: pass', None, None),
    ('for a in b:\n try: c\n except D: continue', None, None),
    ('try: a\nfinally:\n for a in b: continue', None, None), ('continue', 'outside of a loop', True),
    ('while 1: pass\nelse: break', 'outside of a loop', True),
    ('def f(a):\n global a', 'global and parameter', True),
    ('try: a\nexcept: b\nexcept: c', None, None), ('return', 'outside of a function', True),
    ('[] = a', "can't assign to []", True), ('with a as b, c: print >>d, `e`', None, None),
])
def test_load_rules_of_the_sandbox(text, standard, elevated):
    source = source_of(text)
    for is_elevated, is_entry, expected in ((False, True, standard), (True, False, standard if elevated else None),
                                            (True, True, standard)):            # __init__.py: always the short list
        found = check_sandbox(source, is_elevated, is_entry)
        assert bool(found) == bool(expected)
        assert not expected or expected in found[0][1]


def test_the_refused_line_is_named():
    assert check_sandbox(source_of('a\nb\nc._d\ne._f'), False, True)[0][0] == 3


NAMES = '''
import Media.sub
def f(media): return [all(x) for x in media] + open(y) + getattr(z, 'a') + Log(HTTP) + shared + late + typo
def g():
    global late
    late = 1
class A(Agent.Movies): name = IOError
any = None; any(1)
count = 1; count -= 1
'''


def test_undefined_names():
    source = source_of(NAMES)
    known = diagnose.SANDBOX_BUILTINS | diagnose.FRAMEWORK_NAMES | diagnose.module_names(source)
    assert sorted(diagnose.undefined_names(source, known)) == ['all', 'getattr', 'open', 'shared', 'typo', 'y', 'z']
    known |= diagnose.ELEVATED_NAMES.union(['shared', 'y', 'z'])
    assert sorted(diagnose.undefined_names(source, known)) == ['all', 'open', 'typo']
    assert diagnose.undefined_names(source, ['*']) == {}
    assert diagnose.module_names(source_of('from a import *\nx = y')) == set(['*', 'x'])


if __name__ == '__main__':
    sys.stdout.write('\n'.join(dump(ast.parse(read_grammar()))) + '\n')
