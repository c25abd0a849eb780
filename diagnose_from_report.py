#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Say what is really wrong behind each error, and offer patches that help.

Reads:   aggregated_logs_iteration_N.json and fix_history.json of the run
         directory, and the installed bundles
Writes:  diagnostic_report.md and .json and fixes/*.patch in the run directory;
         the report of an earlier iteration stays under its number

Usage:
  diagnose_from_report.py [--run-dir DIR] [--plex-home DIR | --plug-ins FOLDER]

Examples:
  diagnose_from_report.py                    # the newest run, this server
  diagnose_from_report.py --top 3 --plug-ins ~/Plug-ins     # the three worst
  diagnose_from_report.py --adopt my.patch --pattern p1-4711  # your own patch

Exit codes:
  0 done   2 usage   3 a bug cost a part of the report   4 nothing to read
  5 a patch to adopt was refused   6 no fix could be offered   130 interrupted
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import bisect
import codecs
import collections
import itertools
import os
import re
import sys

try:
    import aggregate_plex_logs as logs
except ImportError as missing:
    if 'aggregate_plex_logs' not in str(missing):
        raise
    sys.stderr.write('%s: aggregate_plex_logs.py must lie beside it; copy the whole folder\n'
                     % os.path.basename(sys.argv[0]))
    sys.exit(4)

import six

DIAGNOSIS_SCHEMA = 1
FIX_HISTORY_SCHEMA = 1
MAX_CHANGED_LINES = 12          # a patch that a person can read at a glance; longer ones are a rewrite
SHORTLIST = 10                  # patterns that get a diagnosis when --top is not given; of more, those with a fix
LONGEST_LOOK = 300              # seconds for those that are more
FIXES_PER_PATTERN = 5
SAMPLE = 20                     # failing items that the active test takes

# The way through this file, section by section, as a pattern of the log goes: the source of the bundles is read (a
# parser of Python 2, scopes, the sandbox's rules) and asked; an error gets its family and class from the log alone
# (judge); the place is found (Hunt, locate) by who can raise such an error (WORDINGS), what held before and which lines
# the sandbox reports for it; the value is followed back (find_cause). Then the templates: what becomes of a value that
# is put in (effect), what of the statement is at fault (WORDINGS), the ways to mend it (GUARDS, SPECIAL_WAYS, propose).
# Of their proposals patches are made and ranked (fixes_for); diagnose() does all this for one pattern. Last the report.


# ------------------------------------------------------------------------------------------- reading Python 2 source
# Agents are Python 2.7, and the Python that runs this may be unable to parse that. So here is a reader of our own: it
# keeps every byte, knows where every expression begins and ends, and gives the tree in the shape of 2.7's own `ast`.

class SourceError(Exception):
    """Source that even Python 2 refuses, or an edit that cannot be made: one sentence, and the line (from 1) or 0."""

    def __init__(self, sentence, line=0):
        Exception.__init__(self, sentence)
        self.sentence = sentence
        self.line = line


# What may stand below each kind of node, in the order of 2.7's ASDL.
CHILD_FIELDS = {
    'Module': ('body',), 'FunctionDef': ('decorator_list', 'args', 'body'),
    'ClassDef': ('decorator_list', 'bases', 'body'), 'Return': ('value',), 'Delete': ('targets',),
    'Assign': ('targets', 'value'), 'AugAssign': ('target', 'value'), 'Print': ('dest', 'values'),
    'For': ('target', 'iter', 'body', 'orelse'), 'While': ('test', 'body', 'orelse'), 'If': ('test', 'body', 'orelse'),
    'With': ('context_expr', 'optional_vars', 'body'), 'Raise': ('type', 'inst', 'tback'),
    'TryExcept': ('body', 'handlers', 'orelse'), 'TryFinally': ('body', 'finalbody'),
    'ExceptHandler': ('type', 'name', 'body'), 'Assert': ('test', 'msg'), 'Import': ('names',),
    'ImportFrom': ('names',), 'Exec': ('body', 'globals', 'locals'), 'Global': (), 'Expr': ('value',), 'Pass': (),
    'Break': (), 'Continue': (), 'BoolOp': ('values',), 'BinOp': ('left', 'right'), 'UnaryOp': ('operand',),
    'Lambda': ('args', 'body'), 'IfExp': ('body', 'test', 'orelse'), 'Dict': ('keys', 'values'), 'Set': ('elts',),
    'ListComp': ('elt', 'generators'), 'SetComp': ('elt', 'generators'), 'DictComp': ('key', 'value', 'generators'),
    'GeneratorExp': ('elt', 'generators'), 'comprehension': ('target', 'iter', 'ifs'), 'Yield': ('value',),
    'Compare': ('left', 'comparators'), 'Call': ('func', 'args', 'keywords', 'starargs', 'kwargs'),
    'keyword': ('value',), 'Repr': ('value',), 'Num': (), 'Str': (), 'Attribute': ('value',),
    'Subscript': ('value', 'slice'), 'Index': ('value',), 'Slice': ('lower', 'upper', 'step'), 'ExtSlice': ('dims',),
    'Ellipsis': (), 'Name': (), 'List': ('elts',), 'Tuple': ('elts',), 'arguments': ('args', 'defaults'), 'alias': (),
}
STATEMENTS = frozenset('FunctionDef ClassDef Return Delete Assign AugAssign Print For While If With Raise TryExcept '
                       'TryFinally Assert Import ImportFrom Exec Global Expr Pass Break Continue'.split())
SCOPES = frozenset(['Module', 'FunctionDef', 'ClassDef', 'Lambda', 'GeneratorExp', 'SetComp', 'DictComp'])
FRAMES = ('FunctionDef', 'ClassDef', 'Lambda', 'GeneratorExp')
OUTERMOST = FRAMES + ('Module',)
COMPREHENSIONS = ('ListComp', 'SetComp', 'DictComp', 'GeneratorExp')
COMPOUND = ('If', 'For', 'While', 'With', 'TryExcept', 'TryFinally', 'FunctionDef', 'ClassDef', 'ExceptHandler')
Suite = collections.namedtuple(str('Suite'), str('name start header_end body'))


class Node(object):
    """A node with the kind and the fields of 2.7's ast, and where it stands.

    start, end: character offsets in source.text (parentheses around an expression left out; a tuple's own are in).
    Statements have inline (on its header's line or behind `;`), logical_start (offset where its logical line begins)
    and, where they are compound, header_end (just behind the colon) and suites.
    """

    # what every node has: beside its fields in one dict it would take twice the memory
    __slots__ = ('kind', 'start', 'end', 'parens', 'parent', 'source', 'at', 'past', '__dict__')
    inline = is_elif = False
    suites = ()

    def __init__(self, kind, start, end, fields):
        self.__dict__ = fields
        self.kind = kind
        self.start = start
        self.end = end
        self.parens = self.parent = None

    @property
    def line(self):
        """Line of its first character, from 1."""
        return self.source.line_of(self.start)

    @property
    def end_line(self):
        """Line of its last character, from 1."""
        return self.source.line_of(max(self.start, self.end - 1))

    @property
    def text(self):
        """Its part of the source, without parentheses around it."""
        return self.source.text[self.start:self.end]

    @property
    def outer(self):
        """(start, end) together with all the parentheses around it."""
        return self.parens or (self.start, self.end)

    @property
    def indent(self):
        """The white space in front of the logical line that this statement stands on."""
        start = self.source.offset_of_line(self.source.line_of(self.logical_start))
        return self.source.text[start:self.logical_start]


# ---------------------------------------------------------------------------------------------- walking and asking
def kept(make):
    """The same function of a node, Source or Bundle, whose answer is made once and kept on it."""
    name = 'kept %s' % make.__name__

    def answer(place):
        if name not in place.__dict__:
            place.__dict__[name] = make(place)
        return place.__dict__[name]

    answer.__doc__ = make.__doc__
    return answer


def kept_for(make):
    """The same for functions of a node and texts."""
    name = 'kept %s' % make.__name__

    def answer(place, *asked):
        known = place.__dict__.setdefault(name, {})
        if asked not in known:
            known[asked] = make(place, *asked)
        return known[asked]

    answer.__doc__ = make.__doc__
    return answer


def kept_on(part):
    """The same for functions of a case and texts or nodes: the answers are kept on the case's source or bundle. A large
    bundle is asked for the same names many thousand times."""
    def keeping(make):
        def answer(case, *asked):
            place = getattr(case, part)
            if place is None:
                return make(case, *asked)
            known = place.__dict__.setdefault('kept %s' % make.__name__, {})
            asked_of = asked + (case.bundle is None,)
            if asked_of not in known:
                known[asked_of] = make(case, *asked)
            return known[asked_of]

        answer.__doc__ = make.__doc__
        return answer
    return keeping


COMPILED = {}


def searched(shape, text):
    """re.search() for the shapes that stand in tables: each is compiled when it is first asked for, and kept. The cache
    of re itself holds a hundred, and forgets all of them at the next one."""
    if shape not in COMPILED:
        COMPILED[shape] = re.compile(shape)
    return COMPILED[shape].search(text)


def grouped(pairs):
    """{key: [values]} of pairs, in their order."""
    found = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def as_list(value):
    return value if isinstance(value, list) else [value]


def each_once(values):
    return list(collections.OrderedDict.fromkeys(values))


def children(node):
    """The nodes directly below, in the order of CHILD_FIELDS."""
    found, fields = [], node.__dict__
    for field in CHILD_FIELDS[node.kind]:
        value = fields[field]
        if value.__class__ is list:
            found.extend(value)
        elif value is not None:
            found.append(value)
    return found


def walk(node):
    """The node and everything below it, each before what it contains."""
    return node.source.nodes[node.at:node.past]


def ancestors(node):
    """The nodes around it, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def levels(node):
    """[(inner, outer)] of a node and what is around it, each with what it stands in, up to the frame that runs it."""
    while node.parent is not None and node.parent.kind not in OUTERMOST:
        yield node, node.parent
        node = node.parent


def is_in(node, around):
    return around.start <= node.start and node.end <= around.end


def in_any(node, others):
    """Whether a node stands in one of some others."""
    return any(is_in(node, one) for one in others)


def in_block(node, block):
    """The same for statements that follow each other, and nodes of whatever file."""
    return block[0].start <= node.start and node.end <= block[-1].end and node.source is block[0].source


def enclosing(node, *kinds):
    """The nearest node around it of one of these kinds, or None."""
    return nearest(node.parent, kinds)


def nearest(node, kinds):
    """A node itself or the nearest one around it that is of one of these kinds; or None. (Asked a million times.)"""
    while node is not None and node.kind not in kinds:
        node = node.parent
    return node


def function_around(node):
    """The FunctionDef that a node stands in, or else the Module."""
    return enclosing(node, 'FunctionDef') or node.source.tree


def name_around(node):
    """The name of the function that a node stands in; None where it is the module's."""
    return getattr(function_around(node), 'name', None)


def statement_of(node):
    """The statement that the node is, or is part of; None for a module."""
    return nearest(node, STATEMENTS)


def loop_over(node):
    """The For or part of a comprehension around a variable that takes it from what it goes through; or None."""
    for around in ancestors(node) if node.kind == 'Name' else ():
        for loop in [around] if around.kind == 'For' else getattr(around, 'generators', ()):
            if is_name(loop.target, node.id) and not is_in(node, loop.iter):
                return loop
    return None


def handler_around(node):
    """The except clause, of the same frame, that a node stands in; or None."""
    return next((outer for _, outer in levels(node) if outer.kind == 'ExceptHandler'), None)


def caught_as(handler):
    """The variable that an except clause puts the error into, or None."""
    return handler.name.id if handler.name is not None and handler.name.kind == 'Name' else None


def frame_of(node):
    """The scope whose frame runs this node (a Module, FunctionDef, Lambda, ClassDef or generator expression)."""
    return nearest(node.parent, SCOPES)


@kept
def statements(node):
    """The statements below, in the order of the text, but for those of nested functions and classes."""
    return statements_below(node, False)


@kept
def all_statements(node):
    """The same with those of nested functions and classes."""
    return statements_below(node, True)


def statements_below(node, nested):
    found, waiting = [], [node]
    while waiting:
        current = waiting.pop()
        if current is not node and current.kind in STATEMENTS:
            found.append(current)
            if current.kind in ('FunctionDef', 'ClassDef') and not nested:
                continue
        if current.kind not in ('Lambda', 'IfExp', 'Exec'):         # their body is an expression
            below = [child for field in ('body', 'handlers', 'orelse', 'finalbody')
                     for child in current.__dict__.get(field) or ()]
            waiting.extend(reversed(below))
    return found


def own_parts(scope):
    """What the scope's own frame runs, and (second) what of it is evaluated outside, where the scope is made."""
    kind = scope.kind
    if kind == 'FunctionDef':
        return scope.args.args + scope.body, scope.decorator_list + scope.args.defaults
    if kind == 'Lambda':
        return scope.args.args + [scope.body], scope.args.defaults
    if kind == 'ClassDef':
        return scope.body, scope.decorator_list + scope.bases
    if kind == 'Module':
        return scope.body, []
    first = scope.generators[0]                 # a generator's first iterable is evaluated where it is written
    inside = [scope.elt] if kind != 'DictComp' else [scope.key, scope.value]
    return inside + [first.target] + first.ifs + scope.generators[1:], [first.iter]


@kept
def own_nodes(scope):
    """Every node that runs in the frame of this scope; a nested scope itself is given, its inside is not."""
    found, waiting = [], own_parts(scope)[0][::-1]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if CHILD_FIELDS[node.kind]:
            below = own_parts(node)[1] if node.kind in SCOPES else children(node)
            waiting.extend(below[::-1])
    return found


@kept
def bindings(scope):
    """{name: [nodes that bind it]} of one scope, without the nested ones.

    The nodes are: Name (assigned, a loop's or comprehension's target, a parameter, after `as`, deleted), arguments
    (of *name and **name), alias (imported), FunctionDef, ClassDef and Global (the name is the module's, not ours).
    """
    pairs = []
    if scope.kind in ('FunctionDef', 'Lambda'):
        pairs = [(name, scope.args) for name in (scope.args.vararg, scope.args.kwarg) if name]
    for node in own_nodes(scope):
        kind = node.kind
        if kind == 'Name':
            if node.ctx != 'Load':
                pairs.append((node.id, node))
        elif kind in ('FunctionDef', 'ClassDef'):
            pairs.append((node.name, node))
        elif kind == 'alias':
            name = node.asname or (node.name if node.parent.kind == 'ImportFrom' else node.name.split('.')[0])
            pairs.append((name, node))
        elif kind == 'Global':
            pairs.extend((name, node) for name in node.names)
    return grouped(pairs)


def parameter_names(function):
    """The names of a def's or lambda's parameters."""
    names = set(node.id for part in function.args.args for node in walk(part) if node.kind == 'Name')
    return names | set(name for name in (function.args.vararg, function.args.kwarg) if name)


def plain_parameters(function):
    """The names of a def's parameters in their order, without tuples, *name and **name."""
    return [one.id for one in function.args.args if one.kind == 'Name']


def given_parameters(function):
    """The names of the parameters that a call fills, in their order: without the object that a method gets first."""
    names = plain_parameters(function)
    return names[1:] if function.parent.kind == 'ClassDef' and not has_decorator(function, 'staticmethod') else names


def gap_between(call, parameters):
    """The place of the one parameter that a call leaves out between others that are called as its arguments; or None.
    """
    names = [getattr(one, 'attr', None) or getattr(one, 'id', None) for one in call.args]
    places = [at for at in range(len(names)) if names == parameters[:at] + parameters[at + 1:]]
    return places[0] if len(places) == 1 and not call.keywords else None


def has_decorator(function, *names):
    """Whether a node is a def with one of some decorators."""
    return function.kind == 'FunctionDef' and any(is_name(one, *names) for one in function.decorator_list)


def takes_self(function):
    """Whether a node is a def whose first parameter is self."""
    return function.kind == 'FunctionDef' and plain_parameters(function)[:1] == ['self']


@kept
def local_names(scope):
    """The names that a scope binds for itself, those it declares global left out."""
    return set(name for name, nodes in bindings(scope).items() if not any(node.kind == 'Global' for node in nodes))


@kept
def free_names(scope):
    """{name: first node that reads it} of what a scope and the ones in it read but do not bind."""
    free = {}
    local = local_names(scope) if scope.kind != 'Module' else ()
    hidden = () if scope.kind == 'ClassDef' else local          # a method does not see the names of its class
    for node in own_nodes(scope):
        if node.kind == 'Name' and node.ctx == 'Load' and node.id not in local:
            free.setdefault(node.id, node)
        elif node.kind in SCOPES:
            for name, reader in free_names(node).items():
                if name not in hidden:
                    free.setdefault(name, reader)
    return free


def is_generator(function):
    """True for a def with a yield of its own."""
    return any(node.kind == 'Yield' for node in own_nodes(function))


# ----------------------------------------------------------------------------------------------- bytes, text, lines
ENCODING_COOKIE = re.compile(br'^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)')
LINE_END = re.compile('\r\n|\r|\n')
STEP_FALLBACK = '    '


def declared_encoding(body):
    """The name in the encoding cookie of a file's first two lines (the second only below a comment), or None."""
    for line in re.split(b'\r\n|\r|\n', body[:1000], maxsplit=2)[:2]:
        cookie = ENCODING_COOKIE.match(line)
        if cookie:
            return cookie.group(1).decode('ascii', 'replace').lower().replace('_', '-')
        if line.strip(b' \t\f') and not line.lstrip(b' \t\f').startswith(b'#'):
            return None
    return None


def decode_source(data):
    """(text, codec, has BOM) of a source file, so that text.encode(codec) gives the same bytes again.

    Plex takes bytes beyond ASCII without a cookie, and 2.7 never checks those of a file that says UTF-8. So where these
    are no UTF-8, Latin-1 stands in: it maps every byte to one character and back.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8):] if bom else data
    if b'\0' in body:
        raise SourceError('the file holds NUL bytes, so it is no Python source (damaged, or UTF-16)', 1)
    declared = declared_encoding(body) or 'utf-8'
    if bom and not declared.startswith('utf'):
        raise SourceError('the file begins as UTF-8 and names another encoding: %s' % declared, 1)
    lenient = re.match('(utf-?8|latin-?1|iso-8859-1|iso-latin-1)(-|$)', declared)
    if lenient:
        candidates = ('utf-8', 'latin-1') if declared.startswith('utf') else ('latin-1',)
    else:
        candidates = (declared,)
    for codec in candidates:
        try:
            text = body.decode(codec)
            if text.encode(codec) == body:
                return text, codec, bom
        except UnicodeError:
            continue
        except Exception:                       # unknown, or (rot13, hex, zlib) no text encoding: each in its own way
            raise SourceError('the file names an encoding that Python does not know: %s' % declared, 1)
    raise SourceError('the file is not in the encoding %s that it names' % declared, 1)


class Source(object):
    """One file of agent source. data is bytes; path is for messages and for the rules of `__init__.py`.

    text: as it stands in the file, line ends included; encoding, bom, newline (the one used most); lines: without ends.
    Errors: SourceError from the constructor (undecodable) and from .tree (even Python 2 would refuse it).
    """

    def __init__(self, data, path='Contents/Code/__init__.py'):
        self.data = data
        self.path = path
        self.text, self.encoding, self.bom = decode_source(data)
        ends = LINE_END.findall(self.text)
        self.newline = max(('\n', '\r\n', '\r'), key=ends.count)
        self.lines = LINE_END.split(self.text)
        self.line_starts = [0] + [end.end() for end in LINE_END.finditer(self.text)]

    @property
    @kept
    def tree(self):
        """The Module node."""
        return parse(self)

    def line_of(self, offset):
        """The line (from 1) that a character offset lies in."""
        return bisect.bisect_right(self.line_starts, offset)

    def offset_of_line(self, number):
        """Where line `number` (from 1) begins."""
        return self.line_starts[number - 1]

    def line_text(self, number):
        """Line `number` (from 1) without its end; '' beyond the file."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ''

    @kept
    def indent_unit(self):
        """The step by which this file indents most often: a tab or blanks."""
        steps = collections.Counter()
        for node in all_statements(self.tree):
            if node.suites and not node.suites[0].body[0].inline:
                inner, outer = node.suites[0].body[0].indent, node.indent
                if inner.startswith(outer) and inner != outer:
                    steps[inner[len(outer):]] += 1
        return max(sorted(steps), key=steps.get) if steps else STEP_FALLBACK

    def functions_named(self, name):
        """The scopes that a traceback calls by this name; '<lambda>' with or without the sandbox's number."""
        if name == '<module>':
            return [self.tree]
        if name.startswith('<lambda') or name == '<genexpr>':       # the sandbox calls both lambda
            return [node for node in walk(self.tree) if node.kind in ('Lambda', 'GeneratorExp')]
        if name in ('<dictcomp>', '<setcomp>'):
            return [node for node in walk(self.tree) if node.kind.lower() == name[1:-1]]
        return sorted(nodes_named(self, 'FunctionDef', name) + nodes_named(self, 'ClassDef', name),
                      key=lambda node: node.at)


def apply_edits(source, edits):
    """The file's bytes with each (start, end, replacement text) made; every other byte stays.

    Errors: SourceError where edits overlap, lie outside, or hold characters that the file's encoding lacks.
    """
    try:
        return (codecs.BOM_UTF8 if source.bom else b'') + with_edits(source.text, edits).encode(source.encoding)
    except UnicodeError:
        raise SourceError('the change holds characters that the encoding of the file (%s) lacks' % source.encoding)


def with_edits(text, edits, at=0):
    """A text from an offset on with each (start, end, replacement text) made. Errors: see apply_edits()."""
    pieces = []
    for start, end, replacement in sorted(edits, key=lambda edit: edit[:2]):
        if not at <= start <= end <= len(text):
            raise SourceError('two edits overlap, or one lies outside of the file', 0)
        pieces.extend((text[at:start], replacement))
        at = end
    return ''.join(pieces + [text[at:]])


# ---------------------------------------------------------------------------------------------------------- tokens
KEYWORDS = dict((word, word) for word in (
    'and as assert break class continue def del elif else except exec finally for from global if import in is lambda '
    'not or pass print raise return try while with yield').split())
SHORT_STRING = r"(?!{0}{0}{0}){0}[^{0}\\\r\n]*(?:\\(?:\r\n|[\s\S])[^{0}\\\r\n]*)*{0}"
LONG_STRING = r"{0}{0}{0}[^{0}\\]*(?:(?:\\[\s\S]|{0}(?!{0}{0}))[^{0}\\]*)*{0}{0}{0}"
BLANK_LINES = r'(?:[ \t\f]*(?:\#[^\r\n]*)?(?:\r\n|\r|\n))*'
TOKEN = re.compile(r'''
    (?: [ \t\f]+ | \\(?:\r\n|\r|\n) )*
    (?: (?P<name>(?![uUbB]?[rR]?['"])[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>0[xX][0-9a-fA-F]+[lL]? | 0[oO][0-7]+[lL]? | 0[bB][01]+[lL]?
         | (?: \d+\.\d* | \.\d+ ) (?:[eE][-+]?\d+)? [jJ]? | \d+ (?: [eE][-+]?\d+ [jJ]? | [jJ] | [lL] )?)
      | (?P<string>[uUbB]?[rR]?(?: %s | %s | %s | %s ))
      | (?P<operator>\*\*=? | //=? | >>=? | <<=? | <> | [-+*/%%&|^=!<>]= | [-+*/%%&|^~<>()\[\]{},:.;=`@])
      | (?P<newline>(?:\#[^\r\n]*)?(?:\r\n|\r|\n)%s)(?P<indentation>[ \t\f]*)
      | (?P<comment>\#[^\r\n]*)
      | (?P<stray>[^ \t\f\r\n])
    )''' % (LONG_STRING.format("'"), LONG_STRING.format('"'), SHORT_STRING.format("'"), SHORT_STRING.format('"'),
            BLANK_LINES), re.VERBOSE)
FIRST_LINE = re.compile(BLANK_LINES + r'([ \t\f]*)')
DEPTH = {'(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1}


def indent_width(space):
    """The column that white space at the start of a line leads to: tabs to the next 8, a form feed back to 0."""
    column = 0
    for character in space:
        column = 0 if character == '\f' else (column // 8 + 1) * 8 if character == '\t' else column + 1
    return column


def tokenize(source):
    """(kinds, starts, ends) of the tokens. A kind is 'name', 'number', 'string', 'newline', 'indent', 'dedent', 'end',
    or, for keywords and operators, the text itself."""
    text = source.text
    kinds, starts, ends = [], [], []
    indents, widths, depth = [0], {'': 0}, 0

    def add(kind, start, end):
        kinds.append(kind)
        starts.append(start)
        ends.append(end)

    def change_indent(space, at):
        width = widths.setdefault(space, indent_width(space))
        if width > indents[-1]:
            indents.append(width)
            add('indent', at, at)
        while width < indents[-1]:
            indents.pop()
            add('dedent', at, at)
        if width != indents[-1]:
            raise SourceError('the line is indented to no level that is open', source.line_of(at))

    first = FIRST_LINE.match(text)
    if first.end() < len(text) and text[first.end()] != '#':
        change_indent(first.group(1), first.end())
    for token in TOKEN.finditer(text, first.end()):
        group = token.lastgroup
        start, end = token.span(group)
        if group == 'name':
            kinds.append(KEYWORDS.get(text[start:end], 'name'))
        elif group == 'operator':
            kind = text[start:end]
            kinds.append(kind)
            depth += DEPTH.get(kind, 0)
        elif group == 'indentation':
            if depth <= 0:
                add('newline', token.start('newline'), token.end('newline'))
                if end < len(text) and text[end] != '#':        # only a last line can be a bare comment
                    change_indent(text[start:end], end)
            continue
        elif group in ('string', 'number'):
            kinds.append(group)
        elif group == 'comment':
            continue
        else:
            raise SourceError('a string is not closed' if text[start] in '\'"' else
                              'the character %s cannot stand here' % text[start], source.line_of(start))
        starts.append(start)
        ends.append(end)
    if depth > 0:
        raise SourceError('a bracket is still open at the end of the file', source.line_of(len(text)))
    if kinds and kinds[-1] not in ('newline', 'dedent'):
        add('newline', len(text), len(text))
    change_indent('', len(text))
    add('end', len(text), len(text))
    return kinds, starts, ends


# -------------------------------------------------------------------------------------------------------- literals
SIMPLE_ESCAPES = {'\n': '', '\\': '\\', "'": "'", '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r',
                  't': '\t', 'v': '\v'}
ESCAPE = re.compile(r'\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})?|u([0-9a-fA-F]{4})?|U([0-9a-fA-F]{8})?|N(?:\{([^}]*)\})?'
                    r'|([\s\S]))')
ESCAPED_BYTE = 0xDC00           # marks \xNN in a byte string until the whole is known: no file has halves of pairs
ESCAPED_BYTES = re.compile('([\udc80-\udcff])')
RAW_UNICODE_ESCAPE = re.compile(r'(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})')


def character(number):
    """The text of a code point, also of those beyond what unichr() takes on a narrow 2.7."""
    return ('\\U%08x' % number).encode('ascii').decode('unicode-escape')


def unescape(body, is_bytes):
    """What stands between quotes with its escapes undone; in a byte string, \\xNN beyond ASCII stays marked.

    Errors: ValueError or KeyError where Python 2 refuses an escape.
    """
    def replace(found):
        octal, two, four, eight, name, single = found.groups()
        letter = found.group()[1]
        if octal or two:
            number = int(octal, 8) if octal else int(two, 16)
            return six.unichr(ESCAPED_BYTE | number & 255 if is_bytes and number & 128 else number)
        if letter == 'x' or (letter in 'uUN' and not is_bytes and not (four or eight or name)):
            raise ValueError('an escape after \\%s is not complete' % letter)
        if letter in 'uUN':
            if is_bytes:
                return found.group()
            if name:
                import unicodedata
                return unicodedata.lookup(name)
            return character(int(four or eight, 16))
        return SIMPLE_ESCAPES.get(single, '\\' + single)

    return ESCAPE.sub(replace, body)


def bytes_as_text(value, encoding):
    """The text of a byte string with marked bytes: read as UTF-8 where the whole of it is UTF-8, else as Latin-1."""
    data = b''.join(six.int2byte(ord(part) & 255) if ESCAPED_BYTES.match(part) else part.encode(encoding)
                    for part in ESCAPED_BYTES.split(value))
    try:
        return data.decode('utf-8')
    except UnicodeError:
        return data.decode('latin-1')


def string_value(token, unicode_literals):
    """(text, is_bytes) of one string token, prefix and quotes included; see unescape()."""
    quote_at = min(at for at in (token.find("'"), token.find('"')) if at >= 0)
    prefix = token[:quote_at].lower()
    width = 3 if token[quote_at:quote_at + 3] in ("\'\'\'", '"""') and len(token) >= quote_at + 6 else 1
    body = token[quote_at + width:-width]
    is_bytes = 'b' in prefix or not ('u' in prefix or unicode_literals)
    if '\r' in body:
        body = LINE_END.sub('\n', body)
    if '\\' not in body:
        return body, is_bytes
    if 'r' not in prefix:
        return unescape(body, is_bytes), is_bytes
    if not is_bytes:
        body = RAW_UNICODE_ESCAPE.sub(lambda found: found.group(1) + character(int(found.group(2), 16)), body)
    return body, is_bytes


def number_value(token):
    """The number that a token stands for: int (2.7: long where it says L), float or complex."""
    low = token.lower()
    if low[-1] == 'j':
        return complex(low)
    if low[:2] == '0x' or not set(low) & set('.e'):
        digits = low.rstrip('l')
        base = {'0x': 16, '0o': 8, '0b': 2}.get(digits[:2], 8 if len(digits) > 1 and digits[0] == '0' else 10)
        value = int(digits, base)
        return six.integer_types[-1](value) if low[-1] == 'l' else value
    return float(low)


# ---------------------------------------------------------------------------------------------------------- parser
# One function for all operators, by binding strength: a name between two commas is the common case, and fifteen calls
# deep for each (as the grammar has it) would cost most of the time that a large bundle takes.
OR, AND, NOT, COMPARE, BITS, UNARY = 1, 2, 3, 4, 5, 11
STRENGTH = {'or': OR, 'and': AND, '|': BITS, '^': 6, '&': 7, '<<': 8, '>>': 8, '+': 9, '-': 9, '*': 10, '/': 10,
            '%': 10, '//': 10, '==': COMPARE, '!=': COMPARE, '<>': COMPARE, '<': COMPARE, '<=': COMPARE, '>': COMPARE,
            '>=': COMPARE, 'in': COMPARE, 'is': COMPARE, 'not': COMPARE}
BINARY = {'|': 'BitOr', '^': 'BitXor', '&': 'BitAnd', '<<': 'LShift', '>>': 'RShift', '+': 'Add', '-': 'Sub',
          '*': 'Mult', '/': 'Div', '%': 'Mod', '//': 'FloorDiv', '**': 'Pow'}
COMPARISONS = {'==': 'Eq', '!=': 'NotEq', '<>': 'NotEq', '<': 'Lt', '<=': 'LtE', '>': 'Gt', '>=': 'GtE', 'in': 'In',
               'is': 'Is', 'not': 'NotIn'}
PREFIXES = {'-': 'USub', '+': 'UAdd', '~': 'Invert'}
AUGMENTED = dict((sign + '=', name) for sign, name in BINARY.items())
STARTS_EXPRESSION = frozenset(['name', 'number', 'string', '(', '[', '{', '`', '-', '+', '~', 'not', 'lambda'])
ENDS_EXPRESSION = frozenset([',', ')', ']', '}', ':', '=', ';', 'newline', 'for', 'else'])


def parse(source):
    """The Module node of a Source, every node knowing its parent and its source. Errors: SourceError."""
    parser = Parser(source)
    try:
        module = parser.module()
    except RuntimeError:                        # RecursionError on Python 3; 2.7's own parser overflows much earlier
        raise SourceError('the source is nested too deeply', source.line_of(parser.starts[parser.at]))
    link(module, source)
    return module


def link(module, source):
    """Give every node its parent and its source, and the source all its nodes, each before what it contains: those of
    one are source.nodes[node.at:node.past]. Written out, as this is a third of the time that reading takes."""
    nodes, waiting = [], [module]
    source.nodes = nodes
    while waiting:
        node = waiting.pop()
        node.source, node.at = source, len(nodes)
        nodes.append(node)
        node.past = len(nodes)
        if CHILD_FIELDS[node.kind]:             # (half of them are names and constants)
            below = children(node)
            for child in below:
                child.parent = node
            below.reverse()
            waiting.extend(below)
    for node in nodes[:0:-1]:
        if node.past > node.parent.past:
            node.parent.past = node.past


class Parser(object):
    """A recursive-descent parser of the grammar of Python 2.7; methods are named after what they read."""

    def __init__(self, source):
        self.source = source
        self.text = source.text
        self.kinds, self.starts, self.ends = tokenize(source)
        self.at = 0
        self.unicode_literals = False
        self.logical_start = 0
        self.compound_of_kind = dict.fromkeys(('def', 'class', '@'), self.definition)
        self.leaf_of_kind = {'name': self.name, 'string': self.string, 'number': self.number}
        self.simple_of_kind = dict.fromkeys(('pass', 'break', 'continue'), self.keyword_alone)
        for words, readers in (('if while for try with', self.compound_of_kind),
                               ('print del return raise global exec assert import from', self.simple_of_kind)):
            readers.update((word, getattr(self, word + '_statement')) for word in words.split())

    # ------------------------------------------------------------------------------------------------- tokens
    def refuse(self, sentence='invalid syntax', at=None):
        raise SourceError(sentence, self.source.line_of(self.starts[self.at if at is None else at]))

    def take(self, kind):
        """Step over a token of this kind; its index."""
        if self.kinds[self.at] != kind:
            found = self.text[self.starts[self.at]:self.ends[self.at]].strip()
            self.refuse('%s is missing%s' % (kind, ' before %s' % found[:20] if found else ''))
        return self.step()

    def step(self):
        """Step over the next token, whatever it is; its index."""
        self.at += 1
        return self.at - 1

    def has(self, kind):
        """Step over a token if it is of this kind; whether it was."""
        if self.kinds[self.at] != kind:
            return False
        self.at += 1
        return True

    def word(self):
        """The text of the next token, which must be a name."""
        at = self.take('name')
        return self.text[self.starts[at]:self.ends[at]]

    def node(self, kind, first, **fields):
        """A node from token `first` to the last one read."""
        return Node(kind, self.starts[first], self.ends[self.at - 1], fields)

    # --------------------------------------------------------------------------------------------- statements
    def module(self):
        body = []
        while self.kinds[self.at] != 'end':
            body.extend(self.statement())
        if self.unicode_literals and body[0].kind == 'Expr':        # it holds for the docstring in front of it, too
            self.at = 0
            again = self.statement()
            body[:len(again)] = again
        return Node('Module', 0, len(self.text), {'body': body, 'logical_start': 0, 'header_end': 0,
                                                  'suites': [Suite('body', 0, 0, body)]})

    def statement(self):
        """The statements of one logical line (or one compound statement) as a list."""
        self.logical_start = self.starts[self.at]
        compound = self.compound_of_kind.get(self.kinds[self.at])
        return [compound()] if compound else self.simple_line(False)

    def simple_line(self, inline):
        found = []
        logical_start = self.logical_start
        while True:
            statement = self.simple_of_kind.get(self.kinds[self.at], self.expression_statement)()
            statement.inline = inline or bool(found)
            statement.logical_start = logical_start
            found.append(statement)
            if not self.has(';') or self.kinds[self.at] == 'newline':
                break
        if self.kinds[self.at] == 'indent':
            self.refuse('the line is indented without need')
        self.take('newline')
        return found

    def compound(self, kind, first, suites, keyword=None, **fields):
        """A compound statement or handler whose suites were read. keyword: the first token of its logical line."""
        fields.update({'suites': suites, 'header_end': suites[0].header_end, 'body': suites[0].body,
                       'logical_start': self.starts[first if keyword is None else keyword]})
        return Node(kind, self.starts[first], suites[-1].body[-1].end, fields)

    def suite(self, name, first):
        """`:` and the statements behind it. first: the token that begins the header."""
        header_end = self.ends[self.take(':')]
        if self.kinds[self.at] != 'newline':
            self.logical_start = self.starts[first]
            return Suite(name, self.starts[first], header_end, self.simple_line(True))
        self.at += 1
        if self.kinds[self.at] != 'indent':
            self.refuse('an indented block is missing')
        self.at += 1
        body = []
        while self.kinds[self.at] != 'dedent':
            if self.kinds[self.at] == 'end':
                self.refuse()
            body.extend(self.statement())
        self.at += 1
        return Suite(name, self.starts[first], header_end, body)

    def optional_suite(self, keyword, name, suites):
        """The body below `else` or `finally`, [] where there is none; added to the suites."""
        if self.kinds[self.at] != keyword:
            return []
        self.at += 1
        suites.append(self.suite(name, self.at - 1))
        return suites[-1].body

    def if_statement(self):
        chain = []                              # (first token, test, suites) of if and every elif
        while not chain or self.kinds[self.at] == 'elif':
            first, test = self.step(), self.test()
            chain.append((first, test, [self.suite('body', first)]))
        orelse = self.optional_suite('else', 'orelse', chain[-1][2])
        while True:
            first, test, suites = chain.pop()
            made = self.compound('If', first, suites, test=test, orelse=orelse)
            if not chain:
                return made
            made.is_elif = True
            orelse = [made]
            chain[-1][2].append(Suite('orelse', made.start, made.header_end, orelse))

    def while_statement(self):
        first, test = self.step(), self.test()
        suites = [self.suite('body', first)]
        orelse = self.optional_suite('else', 'orelse', suites)
        return self.compound('While', first, suites, test=test, orelse=orelse)

    def for_statement(self):
        first = self.step()
        target = self.store(self.targets())
        self.take('in')
        iterated = self.tests()
        suites = [self.suite('body', first)]
        orelse = self.optional_suite('else', 'orelse', suites)
        return self.compound('For', first, suites, target=target, iter=iterated, orelse=orelse)

    def try_statement(self):
        first = self.step()
        suites = [self.suite('body', first)]
        handlers = []
        while self.kinds[self.at] == 'except':
            handlers.append(self.handler())
        orelse = self.optional_suite('else', 'orelse', suites) if handlers else []
        made = None
        if handlers:
            made = self.compound('TryExcept', first, suites, handlers=handlers, orelse=orelse)
            made.end = max(made.end, handlers[-1].end)
            suites = [Suite('body', suites[0].start, suites[0].header_end, [made])]
        elif self.kinds[self.at] != 'finally':
            self.refuse('a try needs except or finally')
        finalbody = self.optional_suite('finally', 'finalbody', suites)
        return self.compound('TryFinally', first, suites, finalbody=finalbody) if finalbody else made

    def handler(self):
        first = self.step()
        caught = name = None
        if self.kinds[self.at] != ':':
            caught = self.test()
            if self.has('as') or self.has(','):
                name = self.store(self.test())
        return self.compound('ExceptHandler', first, [self.suite('body', first)], type=caught, name=name)

    def with_statement(self):
        items = []
        while not items or self.has(','):
            if not items:
                self.at += 1
            first = self.at
            context = self.test()
            items.append((first, context, self.store(self.expression(BITS)) if self.has('as') else None))
        keyword = items[0][0] - 1
        suite = self.suite('body', keyword)
        for first, context, variables in reversed(items):
            first = keyword if first == keyword + 1 else first
            made = self.compound('With', first, [suite], keyword, context_expr=context, optional_vars=variables)
            suite = Suite('body', made.start, suite.header_end, [made])
        return made

    def definition(self):
        """A def or class, with its decorators."""
        start, decorators = self.at, []
        while self.has('@'):
            first = self.at
            made = self.name()
            while self.has('.'):
                made = self.attribute(made, first)
            if self.has('('):
                made = self.call(made, first)
            decorators.append(made)
            self.take('newline')
        at = self.at
        kind = {'def': 'FunctionDef', 'class': 'ClassDef'}.get(self.kinds[at])
        if kind is None:
            self.refuse('a decorator must stand before def or class')
        self.at += 1
        fields = {'name': self.word(), 'decorator_list': decorators, 'def_at': self.starts[at]}
        if kind == 'FunctionDef':
            self.take('(')
            fields['args'] = self.parameters(')')
            self.take(')')
        else:
            fields['bases'] = []
            if self.has('('):
                fields['bases'] = self.comma_list(self.test, ')') if self.kinds[self.at] != ')' else []
                self.take(')')
        return self.compound(kind, start, [self.suite('body', at)], **fields)

    def parameters(self, closing):
        """The arguments node of a def or lambda, up to `)` or `:`."""
        first = self.at
        names, defaults, vararg, kwarg = [], [], None, None
        while self.kinds[self.at] != closing:
            if self.has('*'):
                vararg = self.word()
                if not (self.has(',') and self.kinds[self.at] == '**'):
                    break
            if self.has('**'):
                kwarg = self.word()
                break
            names.append(self.parameter())
            if self.has('='):
                defaults.append(self.test())
            elif defaults:
                self.refuse('a parameter without a default follows one with a default')
            if not self.has(','):
                break
        start = self.starts[first]
        end = self.ends[self.at - 1] if self.at > first else start
        return Node('arguments', start, end, {'args': names, 'vararg': vararg, 'kwarg': kwarg, 'defaults': defaults})

    def parameter(self, ctx='Param'):
        """A Name, or a Tuple of them (`def f(a, (b, c))`)."""
        first = self.at
        if not self.has('('):
            made = self.name()
            made.ctx = ctx
            self.refuse_none(made, first)
            return made
        inner = self.at
        items = self.comma_list(lambda: self.parameter('Store'), ')')
        comma = self.kinds[self.at - 1] == ','
        self.take(')')
        if len(items) == 1 and not comma:
            if items[0].kind == 'Name':
                items[0].ctx = ctx
            return items[0]
        return Node('Tuple', self.starts[inner - 1], self.ends[self.at - 1], {'elts': items, 'ctx': 'Store'})

    # -------------------------------------------------------------------------------------- simple statements
    def keyword_alone(self):
        return self.node(self.kinds[self.at].capitalize(), self.step())

    def print_statement(self):
        first = self.step()
        dest, values, newline = None, [], True
        if self.has('>>'):
            dest = self.test()
            if not self.has(','):
                return self.node('Print', first, dest=dest, values=[], nl=True)
            if self.kinds[self.at] not in STARTS_EXPRESSION:
                self.refuse()
        while self.kinds[self.at] in STARTS_EXPRESSION:
            values.append(self.test())
            newline = not self.has(',')
            if newline:
                break
        return self.node('Print', first, dest=dest, values=values, nl=newline)

    def del_statement(self):
        return self.node('Delete', self.step(), targets=[
            self.store(target, 'Del') for target in self.comma_list(lambda: self.expression(BITS))])

    def return_statement(self):
        return self.node('Return', self.step(), value=self.optional_tests())

    def raise_statement(self):
        first, parts = self.step(), []
        if self.kinds[self.at] in STARTS_EXPRESSION:
            parts = [self.test()]
            while len(parts) < 3 and self.has(','):
                parts.append(self.test())
        kind, inst, tback = (parts + [None, None, None])[:3]
        return self.node('Raise', first, type=kind, inst=inst, tback=tback)

    def global_statement(self):
        return self.node('Global', self.step(), names=self.listed(self.word))

    def exec_statement(self):
        first = self.step()
        parts = [self.expression(BITS), None, None]
        if self.has('in'):
            parts[1] = self.test()
            if self.has(','):
                parts[2] = self.test()
        elif parts[0].kind == 'Tuple' and len(parts[0].elts) in (2, 3):     # exec(code, globals) as a call
            parts = (parts[0].elts + [None])[:3]
        return self.node('Exec', first, body=parts[0], globals=parts[1], locals=parts[2])

    def assert_statement(self):
        return self.node('Assert', self.step(), test=self.test(), msg=self.test() if self.has(',') else None)

    def dotted_name(self):
        return '.'.join(self.listed(self.word, '.'))

    def listed(self, read, separator=','):
        """What read() gives, once or more, with the separator between."""
        items = [read()]
        while self.has(separator):
            items.append(read())
        return items

    def alias(self, read_name):
        return self.node('alias', self.at, name=read_name(), asname=self.word() if self.has('as') else None)

    def import_statement(self):
        return self.node('Import', self.step(), names=self.listed(lambda: self.alias(self.dotted_name)))

    def from_statement(self):
        first = self.step()
        level = 0
        while self.has('.'):
            level += 1
        module = self.dotted_name() if self.kinds[self.at] != 'import' or not level else None
        self.take('import')
        star = self.at
        if self.has('*'):
            names = [self.node('alias', star, name='*', asname=None)]
        elif self.has('('):
            names = self.comma_list(lambda: self.alias(self.word), ')')
            self.take(')')
        else:
            names = self.listed(lambda: self.alias(self.word))
        if module == '__future__':
            self.change_grammar(name.name for name in names)
        return self.node('ImportFrom', first, module=module, names=names, level=level)

    def change_grammar(self, features):
        """Obey `from __future__ import` for the rest of the file."""
        for feature in features:
            if feature == 'unicode_literals':
                self.unicode_literals = True
            elif feature == 'print_function':
                self.kinds[self.at:] = ['name' if kind == 'print' else kind for kind in self.kinds[self.at:]]

    def expression_statement(self):
        first = self.at
        value = self.value()
        kind = self.kinds[self.at]
        if kind in AUGMENTED:
            if value.kind not in ('Name', 'Attribute', 'Subscript'):
                self.refuse('this cannot be assigned to with %s' % kind)
            self.at += 1
            return self.node('AugAssign', first, target=self.store(value), op=AUGMENTED[kind], value=self.value())
        if kind != '=':
            return self.node('Expr', first, value=value)
        targets = []
        while self.has('='):
            targets.append(self.store(value))
            value = self.value()
        return self.node('Assign', first, targets=targets, value=value)

    def value(self):
        """What may stand on either side of `=`."""
        return self.yielded() if self.kinds[self.at] == 'yield' else self.tests()

    def store(self, node, ctx='Store'):
        """Turn an expression into a target."""
        waiting = [node]
        while waiting:
            target = waiting.pop()
            if target.kind in ('Tuple', 'List'):
                if target.kind == 'Tuple' and not target.elts:
                    self.refuse('() cannot be assigned to')
                waiting.extend(target.elts)
            elif target.kind == 'Name':
                self.refuse_none(target)
            elif target.kind not in ('Attribute', 'Subscript'):
                self.refuse('this cannot be assigned to')
            target.ctx = ctx
        return node

    def refuse_none(self, name, first=None):
        if name.id == 'None':
            self.refuse('None cannot be assigned to', first)

    # ------------------------------------------------------------------------------------------- expressions
    def comma_list(self, read, closing=None):
        """What read() gives, once or more, separated by commas; a last comma may stand."""
        items = [read()]
        while self.has(','):
            if self.kinds[self.at] == closing or (closing is None and self.kinds[self.at] not in STARTS_EXPRESSION):
                break
            items.append(read())
        return items

    def tests(self, read=None):
        """One expression, or the Tuple of several without parentheses."""
        first = self.at
        made = (read or self.test)()
        if self.kinds[self.at] != ',':
            return made
        self.at += 1
        items = [made]
        if self.kinds[self.at] in STARTS_EXPRESSION:
            items += self.comma_list(read or self.test)
        return self.node('Tuple', first, elts=items, ctx='Load')

    def optional_tests(self):
        return self.tests() if self.kinds[self.at] in STARTS_EXPRESSION else None

    def targets(self):
        """What stands between for and in."""
        return self.tests(lambda: self.expression(BITS))

    def yielded(self):
        return self.node('Yield', self.step(), value=self.optional_tests())

    def test(self):
        kinds, first = self.kinds, self.at
        kind = kinds[first]
        if kind in self.leaf_of_kind and kinds[first + 1] in ENDS_EXPRESSION:
            return self.leaf_of_kind[kind]()
        if kind == 'lambda':
            return self.lambda_expression(self.test)
        made = self.expression(OR)
        if kinds[self.at] != 'if':
            return made
        self.at += 1
        condition = self.expression(OR)
        self.take('else')
        return self.node('IfExp', first, test=condition, body=made, orelse=self.test())

    def old_test(self):
        """A test without a bare conditional: what may stand behind the `if` of a comprehension."""
        return self.lambda_expression(self.old_test) if self.kinds[self.at] == 'lambda' else self.expression(OR)

    def lambda_expression(self, read_body):
        first = self.step()
        arguments = self.parameters(':')
        self.take(':')
        return self.node('Lambda', first, args=arguments, body=read_body())

    def expression(self, floor):
        """Operators that bind at least as strongly as floor."""
        kinds, first = self.kinds, self.at
        kind = kinds[first]
        if kind in PREFIXES:
            made = self.signed(kind)
        elif kind == 'not' and floor <= NOT:
            self.at += 1
            made = self.node('UnaryOp', first, op='Not', operand=self.expression(NOT))
        else:
            made = self.power()
        while True:
            kind = kinds[self.at]
            strength = STRENGTH.get(kind)
            if strength is None or strength < floor:
                return made
            if strength == COMPARE:
                if kind == 'not' and kinds[self.at + 1] != 'in':
                    return made
                made = self.comparison(made, first)
            elif strength in (OR, AND):
                values = [made]
                while self.has(kind):
                    values.append(self.expression(strength + 1))
                made = self.node('BoolOp', first, op=kind.capitalize(), values=values)
            else:
                self.at += 1
                made = self.node('BinOp', first, left=made, op=BINARY[kind], right=self.expression(strength + 1))

    def signed(self, sign):
        first = self.at
        kinds = self.kinds
        self.at += 1
        if sign == '-' and kinds[first + 1] == 'number' and kinds[first + 2] not in ('.', '(', '[', '**'):
            number = self.number()              # as 2.7 does: -1 is a number, not an operation
            number.start = self.starts[first]
            number.n = complex(0.0, -number.n.imag) if isinstance(number.n, complex) else -number.n
            return number
        return self.node('UnaryOp', first, op=PREFIXES[sign], operand=self.expression(UNARY))

    def comparison(self, left, first):
        operators, right = [], []
        while self.kinds[self.at] in COMPARISONS:
            kind = self.kinds[self.at]
            self.at += 1
            if kind == 'not':
                self.take('in')
            operators.append('IsNot' if kind == 'is' and self.has('not') else COMPARISONS[kind])
            right.append(self.expression(BITS))
        return self.node('Compare', first, left=left, ops=operators, comparators=right)

    def power(self):
        kinds, first = self.kinds, self.at
        made = self.name() if kinds[first] == 'name' else self.atom()
        while True:
            kind = kinds[self.at]
            if kind == '.':
                self.at += 1
                made = self.attribute(made, first)
            elif kind == '(':
                self.at += 1
                made = self.call(made, first)
            elif kind == '[':
                self.at += 1
                made = self.subscript(made, first)
            elif kind == '**':
                self.at += 1
                return self.node('BinOp', first, left=made, op='Pow', right=self.expression(UNARY))
            else:
                return made

    def attribute(self, value, first):
        return self.node('Attribute', first, value=value, attr=self.word(), ctx='Load')

    def call(self, func, first):
        """Arguments and `)`; the opening one is read already."""
        args, keywords, starargs, kwargs = [], [], None, None
        kinds = self.kinds
        while kinds[self.at] != ')':
            if self.has('**'):
                kwargs = self.test()
                self.has(',') and self.refuse('nothing may follow the **argument')
                break
            if self.has('*'):
                if starargs:
                    self.refuse('there may be one *argument')
                starargs = self.test()
            else:
                argument = self.argument()
                if argument.kind == 'keyword':
                    keywords.append(argument)
                elif keywords or starargs:
                    self.refuse('a plain argument follows a keyword or *argument')
                else:
                    args.append(argument)
                if kinds[self.at] == 'for':
                    if len(args) != 1 or argument.kind == 'keyword':
                        self.refuse('a generator expression among other arguments needs parentheses')
                    inner = self.generator(argument)
                    if kinds[self.at] != ')':
                        self.refuse('a generator expression among other arguments needs parentheses')
                    args = [inner]
            if not self.has(','):
                break
            if starargs and kinds[self.at] == ')':
                self.refuse('nothing but keywords may follow a *argument')
        self.take(')')
        return self.node('Call', first, func=func, args=args, keywords=keywords, starargs=starargs, kwargs=kwargs)

    def argument(self):
        first = self.at
        made = self.test()
        if self.kinds[self.at] != '=':
            return made
        if made.kind != 'Name':
            self.refuse('a keyword argument needs a name before =')
        self.refuse_none(made)
        self.at += 1
        return self.node('keyword', first, arg=made.id, value=self.test())

    def subscript(self, value, first):
        """What stands between brackets, and `]`; the opening one is read already."""
        inside = self.at
        dims = self.comma_list(self.dimension, ']')
        comma = self.kinds[self.at - 1] == ','
        if len(dims) == 1 and not comma:
            made = dims[0]
        elif any(dim.kind != 'Index' for dim in dims):
            made = self.node('ExtSlice', inside, dims=dims)
        else:
            items = self.node('Tuple', inside, elts=[dim.value for dim in dims], ctx='Load')
            made = self.node('Index', inside, value=items)
        self.take(']')
        return self.node('Subscript', first, value=value, slice=made, ctx='Load')

    def dimension(self):
        first, kinds = self.at, self.kinds
        if kinds[first] == '.':
            for _ in range(3):
                self.take('.')
            return self.node('Ellipsis', first)
        lower = self.test() if kinds[first] != ':' else None
        if lower is not None and kinds[self.at] != ':':
            return self.node('Index', first, value=lower)
        self.take(':')
        upper = self.test() if kinds[self.at] in STARTS_EXPRESSION else None
        step = self.test() if self.has(':') and kinds[self.at] in STARTS_EXPRESSION else None
        return self.node('Slice', first, lower=lower, upper=upper, step=step)

    # -------------------------------------------------------------------------------------------------- atoms
    def name(self):
        at = self.at
        if self.kinds[at] != 'name':
            self.take('name')
        self.at = at + 1
        start, end = self.starts[at], self.ends[at]
        return Node('Name', start, end, {'id': self.text[start:end], 'ctx': 'Load'})

    def number(self):
        at = self.at
        self.at += 1
        try:
            return self.node('Num', at, n=number_value(self.text[self.starts[at]:self.ends[at]]))
        except ValueError:
            self.refuse('this is no number', at)

    def string(self):
        first = self.at
        values, byte_strings = [], True
        while self.kinds[self.at] == 'string':
            token = self.text[self.starts[self.at]:self.ends[self.at]]
            try:
                value, is_bytes = string_value(token, self.unicode_literals)
            except (ValueError, KeyError):
                self.refuse('a string holds an escape that means nothing')
            values.append(value)
            byte_strings = byte_strings and is_bytes
            self.at += 1
        value = ''.join(values)
        if byte_strings and ESCAPED_BYTES.search(value):
            value = bytes_as_text(value, self.source.encoding)
        return self.node('Str', first, s=value, is_bytes=byte_strings)

    def atom(self):
        kind = self.kinds[self.at]
        if kind == 'string':
            return self.string()
        if kind == 'number':
            return self.number()
        if kind == '(':
            return self.parenthesised()
        if kind == '[':
            return self.list_display()
        if kind == '{':
            return self.dict_or_set()
        if kind == '`':
            first, value = self.step(), self.tests()
            self.take('`')
            return self.node('Repr', first, value=value)
        self.refuse('an expression is missing' if kind in ('newline', ')', ']', '}', ',', ':') else 'invalid syntax')

    def parenthesised(self):
        first = self.step()
        kind = self.kinds[self.at]
        if self.has(')'):
            return self.node('Tuple', first, elts=[], ctx='Load')
        if kind == 'yield':
            made = self.yielded()
        else:
            made = self.test()
            if self.kinds[self.at] == 'for':
                made = self.generator(made)
                self.take(')')
                made.start, made.end = self.starts[first], self.ends[self.at - 1]
                return made
            if self.has(','):
                items = [made]
                if self.kinds[self.at] != ')':
                    items += self.comma_list(self.test, ')')
                self.take(')')
                return self.node('Tuple', first, elts=items, ctx='Load')
        self.take(')')
        made.parens = (self.starts[first], self.ends[self.at - 1])
        return made

    def list_display(self):
        first = self.step()
        if self.has(']'):
            return self.node('List', first, elts=[], ctx='Load')
        items = [self.test()]
        if self.kinds[self.at] == 'for':
            generators = self.comprehensions(lambda: self.tests(self.old_test))
            self.take(']')
            return self.node('ListComp', first, elt=items[0], generators=generators)
        if self.has(',') and self.kinds[self.at] != ']':
            items += self.comma_list(self.test, ']')
        self.take(']')
        return self.node('List', first, elts=items, ctx='Load')

    def dict_or_set(self):
        first = self.step()
        if self.has('}'):
            return self.node('Dict', first, keys=[], values=[])
        keys, is_dict = [self.test()], self.has(':')
        values = [self.test()] if is_dict else []
        if self.kinds[self.at] == 'for':
            generators = self.comprehensions(lambda: self.expression(OR))
            self.take('}')
            if is_dict:
                return self.node('DictComp', first, key=keys[0], value=values[0], generators=generators)
            return self.node('SetComp', first, elt=keys[0], generators=generators)
        while self.has(',') and self.kinds[self.at] != '}':
            keys.append(self.test())
            if is_dict:
                self.take(':')
                values.append(self.test())
        self.take('}')
        return self.node('Dict', first, keys=keys, values=values) if is_dict else self.node('Set', first, elts=keys)

    def generator(self, element):
        generators = self.comprehensions(lambda: self.expression(OR))
        return Node('GeneratorExp', element.outer[0], self.ends[self.at - 1],
                    {'elt': element, 'generators': generators})

    def comprehensions(self, read_iterated):
        """`for x in y if z` once or more."""
        found = []
        while self.kinds[self.at] == 'for':
            first = self.step()
            target = self.store(self.targets())
            self.take('in')
            iterated, conditions = read_iterated(), []
            while self.has('if'):
                conditions.append(self.old_test())
            found.append(self.node('comprehension', first, target=target, iter=iterated, ifs=conditions))
        return found


# --------------------------------------------------------------------------------------------------------- sandbox
# The framework compiles Contents/Code with RestrictedPython. What that refuses keeps the whole plug-in from starting.
ALLOWED_UNDERSCORE = frozenset('_ __init__ __call__ __str__ __repr__'.split())
ALLOWED_ELEVATED = ALLOWED_UNDERSCORE | frozenset(
    '__getitem__ __getattr__ __getattribute__ __setitem__ __setattr__ __delitem__ __delattr__ __iter__ __len__ '
    '__name__ __eq__ __ne__ __enter__ __exit__'.split())

# What a name can mean without being defined: read out of the environment of framework 2.6.3, Elevated and Standard.
SANDBOX_BUILTINS = frozenset(
    'False None True abs basestring bool callable chr classmethod cmp complex delattr dict divmod enumerate filter '
    'float hash hex hexlify id int isinstance issubclass len list long map max min object oct ord pow property range '
    'reduce repr reversed round set setattr sorted staticmethod str tuple unhexlify unichr unicode xrange zip __name__ '
    'ArithmeticError AssertionError AttributeError BaseException BufferError BytesWarning DeprecationWarning EOFError '
    'EnvironmentError Exception FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning '
    'IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError NotImplementedError '
    'OSError OverflowError PendingDeprecationWarning ReferenceError RuntimeError RuntimeWarning StandardError '
    'StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TypeError UnboundLocalError '
    'UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError '
    'Warning WindowsError ZeroDivisionError'.split())
FRAMEWORK_NAMES = frozenset(
    'AMF Agent AlbumObject Archive ArtistObject AudioCodec AudioStreamObject BehindTheScenesObject CACHE_1DAY '
    'CACHE_1HOUR CACHE_1MINUTE CACHE_1MONTH CACHE_1WEEK Cache Callback Cipher Client ClientPlatform ConcertVideoObject '
    'Container ContainerContent ContextMenu D Data DataObject Datetime DeletedSceneObject Dict DirectoryItem '
    'DirectoryObject E EmbedURL EpisodeObject Ex External F FeaturetteObject FrameworkException Function HTML HTTP '
    'HTTPLiveStreamURL Hash IndirectFunction IndirectResponse InputDirectoryItem InputDirectoryObject InterviewObject '
    'JSON L LiveMusicVideoObject Locale Log LyricMusicVideoObject Media MediaContainer MediaObject MessageContainer '
    'Metadata MetadataItem MetadataSearchResult MovieObject MusicVideoObject Network NextPageObject Notify Object '
    'ObjectContainer OtherObject PartObject PhotoAlbumObject PhotoItem PhotoObject Platform Player PlaylistObject '
    'Plist Plugin PopupDirectoryItem PopupDirectoryObject Prefs PrefsItem PrefsObject Protocol ProviderObject Proxy R '
    'RSS RTMPVideoItem RTMPVideoURL Redirect Regex RelatedContentService Request Resource Response Route S '
    'SceneOrSampleObject SearchDirectoryItem SearchDirectoryObject SearchResult SearchService SeasonObject '
    'ServerPlatform SharedCodeService ShortObject String SummaryTextType TVShowObject Thread TrackItem TrackObject '
    'TrailerObject URLService Util VideoClipObject VideoCodec VideoItem VideoStreamObject ViewType WebVideoItem '
    'WebVideoURL WindowsMediaVideoItem WindowsMediaVideoURL XML XMLContainer XMLObject XMLRPC YAML deferred event '
    'expose handler indirect lock locks parallel parallelize route source spawn task thread trigger'.split())
ELEVATED_NAMES = frozenset('CloudObject Core Factory FactoryClass Framework Helper Session Stream User dir getattr '
                           'hasattr super type'.split())
ABSENT_BUILTINS = frozenset(
    'all any apply buffer bytearray bytes coerce compile delattr dir eval execfile file format frozenset getattr '
    'globals hasattr input intern iter locals memoryview next open print raw_input reload slice sum super type vars '
    'NotImplemented Ellipsis'.split())


REFUSED = {'Exec': 'Exec statements are not allowed.', 'Yield': 'Yield statements are not allowed.'}


def check_sandbox(source, elevated, is_entry):
    """[(line, sentence)] of everything that keeps Plex from loading this file, in the framework's words, by line.

    elevated: the policy in Info.plist; is_entry: it is Contents/Code/__init__.py, which is always held to the short
    list of names (FRAMEWORK 4). What the grammar refuses, source.tree raises.
    """
    allowed = ALLOWED_ELEVATED if elevated and not is_entry else ALLOWED_UNDERSCORE
    found = []

    def refuse(node, sentence):
        found.append((node.line, sentence))

    def check_name(node, name, what='variable'):
        if name[0] == '_' and name not in allowed:
            refuse(node, '"%s" is an invalid %s name because it starts with "_"%s'
                   % (name, what, '.' if what == 'attribute' else ''))
        if name.endswith('__roles__'):
            refuse(node, '"%s" is an invalid %s name because it ends with "__roles__".' % (name, what))
        if name == 'printed' and what == 'variable':
            refuse(node, '"printed" is a reserved name.')

    for node in walk(source.tree):
        kind = node.kind
        if kind == 'Name':
            if node.id != 'printed' or node.ctx != 'Load':
                check_name(node, node.id)
        elif kind == 'Attribute':
            check_name(node, node.attr, 'attribute')
        elif kind in REFUSED:
            refuse(node, REFUSED[kind])
        elif kind in ('FunctionDef', 'ClassDef'):
            check_name(node, node.name)
        elif kind == 'Global' and frame_of(node).kind == 'FunctionDef':
            for name in set(node.names) & parameter_names(frame_of(node)):
                refuse(node, '%s in %s is global and parameter' % (name, frame_of(node).name))
        elif kind == 'List' and node.ctx == 'Store' and not node.elts:
            refuse(node, "can't assign to []")
        elif kind == 'arguments':
            for name in filter(None, (node.vararg, node.kwarg)):
                check_name(node, name)
            tuples = [part for part in node.args if part.kind == 'Tuple']
            if any(node.parent.kind == 'Lambda' or 'Tuple' in [item.kind for item in part.elts] for part in tuples):
                refuse(node, "AttributeError: 'tuple' object has no attribute 'startswith'")    # in its own compiler
        elif kind == 'Import':
            for name in filter(None, (name for alias in node.names for name in (alias.name, alias.asname))):
                check_name(node, name)
        elif kind == 'AugAssign' and node.target.kind != 'Name':
            refuse(node, 'Augmented assignment of %s is not allowed.' % (
                'attributes' if node.target.kind == 'Attribute' else 'object items and slices'))
        elif kind in ('Break', 'Continue', 'Return') and misplaced_jump(node):
            refuse(node, misplaced_jump(node))
    return sorted(found)


def misplaced_jump(node):
    """Why a break, continue or return may not stand where it does, or None."""
    below = node
    for around in ancestors(node):
        if around.kind in ('FunctionDef', 'ClassDef', 'Module'):
            if node.kind == 'Return':
                return None if around.kind == 'FunctionDef' else 'return stands outside of a function'
            return '%s stands outside of a loop' % node.kind.lower()
        if node.kind != 'Return' and around.kind in ('For', 'While') and below not in around.orelse:
            return None
        if node.kind == 'Continue' and around.kind == 'TryFinally' and below in around.finalbody:
            return "'continue' not allowed inside 'finally' clause"
        below = around


def module_names(source):
    """The names that a file defines for its module; '*' among them where it takes all that another one has."""
    return local_names(source.tree).union(name for node in walk(source.tree) for name in (
        node.names if node.kind == 'Global' else [node.name] if node.kind == 'alias' and node.name == '*' else ()))


def undefined_names(source, known):
    """{name: node that reads it first} of the names of a file that are not known; {} where '*' may bring any."""
    free = free_names(source.tree) if '*' not in known else {}
    return dict((name, node) for name, node in free.items() if name not in known)


# ------------------------------------------------------------------------------------------------ asking the source
NOTHING, NO_TEXT, NO_LIST, NO_DICT, ZERO, FALSE = 'None', "''", '[]', '{}', '0', 'False'
BY_KIND = SOME, TEXT, NUMBER = 'some', 'text', 'number'         # values known by their kind only
SPLIT = "['']"

TEXT_METHODS = frozenset(
    'capitalize center count decode encode endswith expandtabs find format index isalnum isalpha isdigit islower '
    'isspace istitle isupper join ljust lower lstrip partition replace rfind rindex rjust rpartition rsplit rstrip '
    'split splitlines startswith strip swapcase title translate upper zfill'.split())
SHARED_METHODS = frozenset(                     # elements, dates and lists have such methods too
    'count find index replace items keys values get copy pop update'.split())
SPLITTERS = frozenset('split rsplit splitlines'.split())
# functions that take bytes or text, and nothing else
HASHES = ('md5', 'sha1', 'sha224', 'sha256', 'sha512', 'new', 'b64encode', 'hexlify', 'crc32', 'update')
DICT_METHODS = frozenset('get items iteritems iterkeys itervalues keys values has_key copy update setdefault'.split())
LIST_METHODS = frozenset('append extend insert sort reverse remove'.split())
LIST_ASKED = frozenset(('attribute', name) for name in LIST_METHODS | set(['index', 'count', 'pop']))
PURE_CALLS = frozenset(
    'get find findall findtext xpath cssselect group groups groupdict search match split rsplit splitlines strip '
    'lstrip rstrip lower upper replace encode decode startswith endswith getparent getchildren iterchildren getnext '
    'getprevious keys values items len str unicode int float bool list sorted set text_content tostring join partition '
    'rpartition get_text find_all findAll find_next findNext find_parent findParent select select_one attr has_key '
    'isinstance Callback L R ContentsOfURLWithFallback'.split())
FETCHES = frozenset('Request urlopen ElementFromURL ObjectFromURL StringFromURL FeedFromURL request post open'.split())
PARSES = frozenset('ElementFromString ObjectFromString fromstring loads XML parseString FeedFromString '
                   'strptime'.split())
TO_LIST = frozenset('list sorted set tuple reversed enumerate zip filter iter'.split())
TEXT_TOOLS = frozenset(
    'quote unquote quote_plus unquote_plus unescape StripTags StripDiacritics escape normalize URLEncode Quote Unquote '
    'CapitalizeWords normpath basename dirname splitext urlparse'.split())
FIELDS = frozenset(
    'title title_sort original_title summary year rating rating_image audience_rating audience_rating_image '
    'originally_available_at tagline studio content_rating content_rating_age duration index trivia quotes genres '
    'collections countries tags directors writers producers roles guest_stars posters art banners themes thumbs '
    'chapters trailers rating_count absolute_index available_at artist album season producers name role photo reviews '
    'author source image link similar lyrics extras styles moods subtype'.split())
ONE_TEXT = 'it is one text, no list'
NOT_ALL_TEXT = 'not all of it is text'
LOOSE = frozenset('BinOp BoolOp UnaryOp Compare IfExp Lambda Yield'.split())       # need parentheses inside of others
SIMPLE = frozenset('Assign AugAssign Expr Delete Print'.split())
WRAPPED_LINES = 9                               # a block that is moved in by one step stays readable up to here


@kept
def flat(node):
    """A node's text without blanks and line breaks and with one kind of quotes, to compare expressions."""
    return re.sub(r'\s+', '', node.text).replace('"', "'")


def last_name(node):
    """'Request' of HTTP.Request, HTTP.Request(...) or Request; None for anything else."""
    if node.kind == 'Call':
        return last_name(node.func)
    if node.kind == 'Attribute':
        return node.attr
    return node.id if node.kind == 'Name' else None


def root_name(node):
    """The variable that a chain like a.b[c].d() starts from; None."""
    while node is not None and node.kind in ('Attribute', 'Subscript', 'Call'):
        node = node.func if node.kind == 'Call' else node.value
    return node.id if node is not None and node.kind == 'Name' else None


def stored(node):
    """Whether a Name, Attribute or Subscript is assigned or deleted here, not read."""
    return getattr(node, 'ctx', 'Load') != 'Load'


def unpacked(node):
    """The Tuple or List that a statement unpacks into, or None."""
    targets = node.targets if node.kind == 'Assign' else [node.target] if node.kind in ('For', 'comprehension') else ()
    return next((target for target in targets if target.kind in ('Tuple', 'List')), None)


def is_indexed(node):
    """Whether a node is what is asked for a key or index: the x of x[i]."""
    return node.parent.kind == 'Subscript' and node.parent.value is node


def index_of(node):
    """The single index expression of a Subscript, or None for slices."""
    inner = node.slice
    return inner.value if inner.kind == 'Index' else None


def text_at(node):
    """The text that an expression is: as it stands there, or the one that its name, or its object's class, has been
    given once and for all; None."""
    if node.kind == 'Str':
        return node.s
    scopes, name = [], getattr(node, 'id', None)
    if node.kind == 'Name' and node.ctx == 'Load':
        scopes = [frame_of(node), node.source.tree] * (name not in global_names(node.source.tree))
    elif node.kind == 'Attribute' and is_name(node.value, 'self', 'cls') and not stored(node):
        scopes, name = [enclosing(node, 'ClassDef')] * (node.attr not in redefined(node.source)), node.attr
    given = next((bindings(scope)[name] for scope in scopes if scope is not None and name in bindings(scope)), ())
    value = given[0].parent.value if len(given) == 1 and given[0].parent.kind == 'Assign' else None
    return value.s if value is not None and value.kind == 'Str' else None


@kept
def redefined(source):
    """The attributes that a file sets on an object, or in more than one class."""
    names = collections.Counter(name for one in classes_of(source) for name in bindings(one))
    return set(name for name in names if names[name] > 1) | set(
        one.attr for one in walk(source.tree) if one.kind == 'Attribute' and stored(one))


def key_of(node):
    """The text 'a' of x['a'], or of x[KEY] where KEY is nothing but 'a'; None for whatever is not such a Subscript."""
    index = index_of(node) if node.kind == 'Subscript' else None
    return text_at(index) if index is not None else None


NAMED_BY = {'Call': last_name, 'FunctionDef': lambda node: node.name, 'ClassDef': lambda node: node.name,
            'Attribute': lambda node: node.attr,
            'Subscript': lambda node: key_of(node) if node.ctx == 'Load' else None, 'ExceptHandler': lambda node: None}


def unquoted(text):
    """The text of a repr such as u'x', and whether it was one; else the text as it is."""
    found = re.match(r'^u?b?([\'"])(.*)\1$', text.strip(), re.S)
    return (found.group(2), True) if found else (text.strip(), False)


@kept
def own_part(statement):
    """The nodes that a statement evaluates itself, in the order of the text; those of its suites are left out."""
    found, waiting = [], [statement]
    while waiting:
        node = waiting.pop()
        if node is not statement and (node.kind in STATEMENTS or node.kind == 'ExceptHandler'):
            continue
        found.append(node)
        waiting.extend(reversed(children(node)))
    return found


@kept
def name_table(scope):
    """{name: [Name nodes]} of a function or module and all that is nested in it."""
    return grouped((node.id, node) for node in walk(scope) if node.kind == 'Name')


def name_nodes(scope, name):
    """The Name nodes of a variable in a function or module and all that is nested in it."""
    return name_table(scope).get(name, [])


def reads(scope, name):
    """The Name nodes in a function or module, and in all that is nested in it, that read a variable."""
    return [node for node in name_nodes(scope, name) if node.ctx == 'Load']


@kept
def kinds_table(source):
    """{(kind, name): [nodes]} of what nodes_named() finds."""
    return grouped(((node.kind, NAMED_BY[node.kind](node)), node) for node in walk(source.tree)
                   if node.kind in NAMED_BY)


def nodes_named(source, kind, name):
    """The nodes of a kind in a file by name: calls of `name` and `x.name`, defs, attributes, and the x['name'] that are
    read."""
    return kinds_table(source).get((kind, name), [])


@kept
def stored_table(source):
    """{(kind, text): [nodes]} of what is assigned or deleted in a file."""
    return grouped(((node.kind, node.text), node) for node in walk(source.tree) if stored(node))


def stored_alike(target):
    """The nodes of its file that are assigned or deleted and read as a target does."""
    return stored_table(target.source).get((target.kind, target.text), [])


def is_called(node):
    """Whether a node is what a call calls: the `f` of f(x)."""
    return node.parent.kind == 'Call' and node.parent.func is node


def is_call(node, *names):
    """Whether a node calls one of these functions (by the last part of the name)."""
    return node.kind == 'Call' and last_name(node.func) in names


def is_op(node, *ops):
    """Whether a node is one of these operations: arithmetic, `and`, `or`, `not`."""
    return node.kind in ('BinOp', 'BoolOp', 'UnaryOp') and node.op in ops


def is_name(node, *names):
    return node is not None and node.kind == 'Name' and node.id in names


def is_sandboxed(place):
    """Whether the file of a case or node runs in Plex's sandbox; what lies under Libraries is plain Python."""
    return 'Libraries/' not in place.source.path


def call_of(statement):
    """The call that a statement is, and whose answer nobody takes; or None."""
    return statement.value if statement.kind == 'Expr' and statement.value.kind == 'Call' else None


@kept
def seats(compound):
    """{statement: (its suite, its place there)} of those that stand in the suites of another one."""
    return dict((one, (suite.body, at)) for suite in compound.suites for at, one in enumerate(suite.body))


def seat(statement):
    """(the suite that a statement stands in, its place there)."""
    return seats(statement.parent).get(statement) or ([statement], 0)


def siblings(statement):
    """The statements of the suite that a statement stands in."""
    return seat(statement)[0]


def earlier_siblings(node):
    """The statements in front of one in its suite; [] for what is no statement."""
    suite, at = seat(node) if node.kind in STATEMENTS else ([], 0)
    return suite[:at]


def later_siblings(statement):
    """The statements behind one in its suite."""
    suite, at = seat(statement)
    return suite[at + 1:]


def own_end(statement):
    """Where what a statement evaluates itself ends: its header where it has suites."""
    return statement.header_end if statement.suites else statement.end


def names_in(node):
    return set(one.id for one in walk(node) if one.kind == 'Name')


def bound_names(*block):
    """Names that statements, with all that is below them, bind; what they import is left out."""
    return set().union(*map(names_bound_by, block))


@kept
def names_bound_by(statement):
    return frozenset(node.id if node.kind == 'Name' else node.name for node in walk(statement)
                     if node.kind in ('FunctionDef', 'ClassDef') or
                     node.kind == 'Name' and node.ctx == 'Store' and not in_comprehension(node))


def sets_self(node):
    """Whether a node is the `self.x` that a method sets."""
    return node.kind == 'Attribute' and node.ctx == 'Store' and is_name(node.value, 'self')


def in_comprehension(node):
    around = enclosing(node, 'comprehension', *STATEMENTS)
    return around is not None and around.kind == 'comprehension'


def is_same(node, text):
    """Whether an expression is the one of a text; x.get('k') is x['k'] where either has a value."""
    return node.text == text or '.get(' in node.text + text and as_item(node.text) == as_item(text)


def as_item(text):
    return re.sub(r'\.get\(([\'"]\w+[\'"])(?:, *None)?\)', r'[\1]', text)


def holds_for(test, text, value=NOTHING):
    """Whether a condition holds where an expression has an empty value; None where that does not show."""
    if is_op(test, 'Not'):
        held = holds_for(test.operand, text, value)
        return None if held is None else not held
    if test.kind == 'BoolOp':
        held = [holds_for(one, text, value) for one in test.values]
        stops = test.op == 'Or'
        return stops if stops in held else None if None in held else not stops
    if is_same(test, text) or is_call(test, 'len', 'bool', 'isinstance') and test.args and is_same(test.args[0], text):
        return is_call(test, 'isinstance') and bool(names_in(test.args[-1]) & set(TYPES_OF.get(value, '').split()))
    if test.kind != 'Compare' or len(test.ops) > 1:
        return None
    op, given = test.ops[0], literal_value(test.comparators[0])
    if is_length_check(test, text):
        zero = given == ZERO
        return None if given == SOME and op in ('Eq', 'NotEq') else zero if op in ('Eq', 'GtE') else \
            op == 'LtE' or op in ('NotEq', 'Lt') and not zero
    if not is_same(test.left, text):
        return None
    if given != SOME and op in ('Eq', 'Is', 'NotEq', 'IsNot'):
        return (given == value) == (op in ('Eq', 'Is'))
    if op == 'In' and test.comparators[0].kind in LITERALS:
        return value in map(literal_value, getattr(test.comparators[0], 'elts', ()))
    if op == 'Gt' and value in TYPES_OF and test.comparators[0].kind == 'Num':
        return value != ZERO                    # (Python 2 has any text, list and dict above the numbers)
    return False if op in ('Gt', 'IsNot') else None


TYPES_OF = {NO_TEXT: 'basestring str unicode', NO_LIST: 'list', NO_DICT: 'dict', ZERO: 'int float long'}


def is_length_check(test, text):
    """Whether a test compares len(x)."""
    return test.kind == 'Compare' and is_call(test.left, 'len') and \
        bool(test.left.args) and is_same(test.left.args[0], text)


def says_there(test, holds, text, value=NOTHING):
    """Whether an expression has a value where a condition holds, or where it does not."""
    return holds_for(test, text, value) is (not holds)


EXITS = ('Return', 'Continue', 'Break', 'Raise')


def conditions_at(node):
    """[(test, whether it holds)] of what is known where a node is evaluated, the nearest first: of an if, an `and`, an
    `or` or a comprehension around it, and of an if before it that leads away, as long as its names keep their values.
    """
    below, names = node, names_in(node)
    while below.kind not in ('FunctionDef', 'ClassDef', 'Module'):
        for one in reversed(earlier_siblings(below)):
            if one.kind == 'If' and one.body[-1].kind in EXITS:
                yield one.test, False
            if names & bound_names(one):
                return
        around = below.parent
        if around.kind in ('If', 'While', 'IfExp') and below is not around.test:
            yield around.test, below in as_list(around.body)
        elif around.kind == 'BoolOp':
            for one in around.values[:around.values.index(below)]:
                yield one, around.op == 'And'
        elif around.kind == 'For' and below in around.body and names & names_in(around.target):
            return
        elif around.kind == 'comprehension' and below in around.ifs:
            for one in around.ifs[:around.ifs.index(below)]:
                yield one, True
        elif around.kind in COMPREHENSIONS and below not in around.generators:
            for one in around.generators[-1].ifs:
                yield one, True
        below = around


def is_checked(case, use, text, value=NOTHING):
    """Whether a use of an expression is only reached where it has a value (or where a failure is caught anyway)."""
    return any(says_there(test, holds, text, value) for test, holds in conditions_at(use)) or any(
        outer.kind == 'TryExcept' and outer not in case.logged and inner in outer.body and any(
            one.type is None or is_name(one.type, 'Exception', 'StandardError') for one in outer.handlers)
        for inner, outer in levels(use))


def unchecked(case, nodes):
    """Those of some expressions whose value is used without a check."""
    return [node for node in nodes if not is_checked(case, node, node.text)]


def was_used_before(case, bad):
    """Whether something that surely ran before an expression of the statement already needed the value suspected."""
    text = bad.text

    def needed(one):
        asked = refuses_none(one)
        return asked is not None and asked.text == text

    if any(outer.kind == 'IfExp' and inner is not outer.test and any(
            needed(one) and always_evaluated(one, outer.test) for one in walk(outer.test))
           for inner, outer in levels(bad) if is_in(outer, case.statement)):
        return True
    return any(map(needed, evaluated_before(case.statement, names_in(bad))))


def later_uses(case, name, statement):
    """Name nodes that read a variable after a statement bound it, up to where it is surely bound anew."""
    return uses_behind(statement, name, case.function)


@kept_for
def uses_behind(statement, name, function):
    limit = None
    node = statement
    while limit is None and node.parent is not None and node is not function:
        limit = next((one for one in later_siblings(node) if one.kind == 'Assign' and name in bound_names(one) or
                      one.kind == 'For' and name in names_in(one.target)), None)
        if limit is None and node.parent.kind == 'ExceptHandler':
            node = node.parent
        node = node.parent
    found = []
    for use in reads(function, name):
        if use.start >= own_end(statement):
            if limit is not None and use.start >= limit.start:
                first = limit.value if limit.kind == 'Assign' else limit.iter
                if not first.start <= use.start < first.end:
                    continue
            if not bound_between(use, own_end(statement)):
                found.append(use)
    return found


def bound_between(use, start):
    """Whether a statement behind `start` gives a variable another value on every way to this use of it."""
    node = statement_of(use)
    while node.parent is not None and node.kind not in SCOPES:
        if node.kind == 'For' and node.start >= start and not is_in(use, node.iter) and use.id in names_in(node.target):
            return True
        for one in reversed(earlier_siblings(node)):
            if one.start < start:
                break
            if one.kind == 'Assign' and use.id in bound_names(one):
                return True
        node = node.parent
    return False


def bound_before(case, name, statement):
    """Whether a variable surely has a value of this round when a statement is reached."""
    if case.function.kind not in ('FunctionDef', 'Lambda'):
        return False
    node = statement
    while node is not case.function and node.parent is not None:
        if node.kind in STATEMENTS:
            if any(one in earlier_siblings(node) for one in assignments(case.function, name)):
                return True
            if node.parent.kind in ('For', 'While'):    # what was bound outside may be of an earlier round
                return False
        node = node.parent
    return name in names_in(case.function.args)


def assigned_before(case, name, start):
    """Values of the plain assignments to a variable in the function, those before `start` first."""
    return sorted((one.value for one in assignments(case.function, name)), key=lambda value: value.start >= start)


def values_before(case, name, start):
    """Values of the plain assignments to a variable in the function that stand before an offset."""
    return [value for value in assigned_before(case, name, start) if value.start < start]


@kept_for
def values_given(scope, name):
    """[(statement, value)] of what gives a variable a value in a function, class or module; the value is None where no
    plain assignment tells it."""
    return [(statement_of(node), node.parent.value if node.parent.kind == 'Assign' else None)
            for node in name_nodes(scope, name) if node.ctx == 'Store' and not in_comprehension(node)]


def assignments(scope, name):
    """The plain assignments to a variable in a function, class or module."""
    return [statement for statement, value in values_given(scope, name) if value is not None]


def make_of(case, node, depth=0):
    """What kind of thing an expression gives: 'text', 'list', 'dict', 'json', 'element', 'elements', 'match', 'number',
    'date' or None."""
    if depth > 4:
        return None
    kind = node.kind
    if kind in MADE_BY_KIND:
        return MADE_BY_KIND[kind]
    if kind == 'BinOp':
        kinds = (make_of(case, node.left, depth + 1), make_of(case, node.right, depth + 1))
        if node.op in ('Mod', 'Add', 'Mult') and 'text' in kinds:
            return 'text'
        if node.op in ('Div', 'FloorDiv', 'Pow') or node.op == 'Add' and 'number' in kinds or kinds == ('number',) * 2:
            return 'number'
        return None
    if kind == 'BoolOp':
        return make_of(case, node.values[0], depth + 1) or make_of(case, node.values[-1], depth + 1)
    if kind == 'IfExp':
        return make_of(case, node.body, depth + 1)
    if kind == 'Attribute':
        return MADE_BY_ATTRIBUTE.get(node.attr)
    if kind == 'Subscript':
        base = make_of(case, node.value, depth + 1)
        if node.slice.kind != 'Index':
            return base
        return {'json': 'json', 'elements': 'element', 'text': 'text'}.get(base)
    if kind == 'Call':
        return make_of_call(case, node, depth)
    if kind == 'Name':
        return make_of_name(case, node, depth)
    return None


# what kind of thing an expression gives, as make_of() calls it: by its own kind, by its attribute, by what it calls
MADE_BY_KIND = {'Str': 'text', 'Num': 'number', 'Dict': 'dict', 'DictComp': 'dict', 'List': 'list', 'ListComp': 'list',
                'Tuple': 'list', 'Repr': 'text'}
MADE_BY_ATTRIBUTE = {'text': 'text', 'tail': 'text', 'content': 'text', 'string': 'text', 'attrib': 'dict',
                     'headers': 'dict', 'environ': 'dict'}
MADE_BY_CALL = dict((name, made) for made, names in (
    ('json', 'ObjectFromString ObjectFromURL loads load json'),
    ('element', 'ElementFromString ElementFromURL fromstring XML getroot getparent getnext getprevious HTML Element '
                'SubElement'),
    ('elements', 'xpath cssselect findall getchildren iterchildren find_all select'), ('match', 'search match'),
    ('list', 'split rsplit splitlines partition rpartition keys values items list sorted range groups'),
    ('dict', 'dict groupdict'), ('number', 'int float long len round mktime rfind rindex'),
    ('date', 'ParseDate strptime Now Today Delta timedelta FromTimestamp fromtimestamp'),
    ('text', 'str unicode group read repr join format ' + ' '.join(TEXT_TOOLS))) for name in names.split())


def make_of_call(case, node, depth):
    name = last_name(node.func)
    base = node.func.value if node.func.kind == 'Attribute' else None
    if name in MADE_BY_CALL:
        return 'list' if MADE_BY_CALL[name] == 'elements' and is_name(base, 're', 'Regex') else MADE_BY_CALL[name]
    if base is not None and name in ('get', 'pop', 'setdefault'):
        given = MADE_BY_KIND.get(node.args[1].kind) if len(node.args) > 1 else None
        return given or {'json': 'json', 'element': 'text'}.get(make_of(case, base, depth + 1))
    if base is not None and name == 'find':
        return 'element' if make_of(case, base, depth + 1) in ('element', None) else 'number'
    if name in TEXT_METHODS - SHARED_METHODS and not name.startswith(('is', 'starts', 'ends')):
        return 'text'
    own = nodes_named(case.source, 'FunctionDef', name) if base is None or is_name(base, 'self') else ()
    if len(own) == 1:                           # what one of the file gives, where that is of one kind
        inner = case._replace(function=own[0])
        kinds = [make_of(inner, one.value, depth + 1) for one in returns_of(own[0])
                 if one.value is not None and not is_name(one.value, 'None')]
        return kinds[0] if len(set(kinds)) == 1 else None
    return 'date' if name == 'date' and base is not None and make_of(case, base, depth + 1) == 'date' or name in (
        'date', 'datetime') and len(node.args) > 2 else None


def make_of_name(case, node, depth):
    loop = loop_over(node)
    if loop is not None:
        return {'elements': 'element', 'json': 'json', 'text': 'text'}.get(make_of(case, loop.iter, depth + 1))
    values = assigned_before(case, node.id, node.start) or [
        one.value for one in assignments(case.source.tree, node.id) if one.parent is case.source.tree][:1]
    kinds = [make_of(case, value, depth + 1) for value in values if not is_name(value, 'None')]
    return next((kind for kind in kinds if kind), None)


def is_mapping(case, node):
    """Whether an expression surely is a dict (or JSON object) where it is not None, so that it has .get()."""
    if make_of(case, node) in ('dict', 'json'):
        return True
    text = node.text
    return any(key_of(one) is not None and one.value.text == text and one.value is not node
               for one in walk(case.function))


def is_field(target):
    """Whether an assignment's target is a field of the metadata (or of a role, season, episode made from it)."""
    if target.kind != 'Attribute' or target.attr not in FIELDS:
        return False
    if root_name(target) not in ('self', 'cls'):
        return True
    return any(node.kind == 'Attribute' and node.attr == 'metadata' for node in walk(target.value))


def is_model(node):
    """Whether an expression is part of the metadata model: its containers make what is asked for, so none of them fails
    on a missing key, and `in` is no test of whether it may be asked."""
    return node.kind in ('Attribute', 'Subscript') and root_name(node) == 'metadata'


def field_of(statement):
    """The metadata field that a statement fills: 'genres' of `metadata.genres.add(x)`, or None."""
    target = target_of(statement)
    if target is not None and is_field(target):
        made = target.value                     # of `metadata.roles.new().name = x`, the roles
        return made.func.value.attr if is_call(made, 'new') and \
            made.func.value.kind == 'Attribute' else target.attr
    if target is not None and target.kind == 'Subscript' and is_field(target.value):
        return target.value.attr
    call = call_of(statement)
    if call is not None and call.func.kind == 'Attribute':
        target = call.func.value
        if is_field(target) and call.func.attr in FILLERS:
            return target.attr
    return None


FILLERS = ('add', 'append', 'clear', 'new', 'extend', 'setcontent')


def is_log_call(node):
    """Whether a call only writes to the log: Log(...), Log.Info(...), PlexLog.debug(...), self.log(...)."""
    if node.kind != 'Call':
        return False
    root = root_name(node.func) or ''
    if root == 'self':
        first = [one for one in walk(node.func) if one.kind == 'Attribute' and is_name(one.value, 'self')]
        root = first[0].attr if first else ''
    return root.lower() in ('log', 'logger', 'logging', 'dlog') or root.endswith('Log')


def in_log_call(node):
    while node is not None and node.kind not in STATEMENTS:
        if is_log_call(node):
            return True
        node = node.parent
    return node is not None and node.kind == 'Print'


# ----------------------------------------------------------------------------------------------------------- bundles
class Bundle(object):
    """An installed plug-in: its folder, what it calls itself, its policy and its source files (read when asked for)."""

    def __init__(self, path, identifier, policy):
        self.path = path
        self.folder = os.path.basename(path)
        self.identifier = identifier
        self.policy = policy
        self.outer = None                       # the folder of Plug-ins that it lies in, where it is one level too deep
        self.twins = []                         # the folders of others that call themselves the same
        self.log_level = None                   # as its Info.plist names it: what lies below stays out of the log
        self._sources = {}
        self._violations = {}

    @property
    @kept
    def files(self):
        """Source files from the bundle on ('Contents/Code/__init__.py'), sorted."""
        found = []
        for top in ('Code', 'Libraries'):
            for folder, _, names in os.walk(logs.walkable(os.path.join(self.path, 'Contents', top))):
                below = os.path.relpath(logs.to_text(folder), self.path).replace(os.sep, '/')
                found.extend('%s/%s' % (below, name) for name in map(logs.to_text, names) if name.endswith('.py'))
        return sorted(found)

    def data(self, name):
        """The bytes of a file named from the bundle on; None where it cannot be read."""
        try:
            with open(logs.walkable(os.path.join(self.path, *name.split('/'))), 'rb') as source:
                return source.read()
        except (IOError, OSError):
            return None

    def source(self, name):
        """The parsed Source of a file named from the bundle on; None where it is missing or cannot be parsed."""
        if name not in self._sources:
            data = self.data(name)
            self._sources[name] = None if data is None else parsed(data, name)
        return self._sources[name]

    @kept_for
    def text(self, name):
        """The text of a file named from the bundle on; '' where it cannot be read."""
        return logs.to_text(self.data(name) or b'')

    def code(self, text=''):
        """[(name, Source)] of the files under Contents/Code that can be read and in which a text occurs: to read them
        all takes seconds in a large bundle."""
        found = [(name, self.source(name)) for name in self.files
                 if name.startswith('Contents/Code/') and text in self.text(name)]
        return [row for row in found if row[1] is not None]

    @kept
    def preferences(self):
        """{name: True or False} of the switches as set, from DefaultPrefs.json and the user's own file."""
        found = dict((row['id'], logs.to_text(row.get('default', '')).lower() == 'true')
                     for row in default_preferences(self) if row.get('type') == 'bool')
        path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(self.path))), 'Plug-in Support',
                            'Preferences', self.identifier + '.xml')
        try:
            with open(logs.walkable(path), 'rb') as source:
                text = logs.to_text(source.read())
        except (IOError, OSError):
            return found
        for name, value in re.findall(r'<([\w.-]+)>\s*(true|false)\s*</', text):
            if name in found:
                found[name] = value == 'true'
        return found

    def is_terse(self):
        """Whether the plug-in's own setting keeps what it logs as information out of its log."""
        return self.log_level in ('Critical', 'Error', 'Warning')

    def known_violations(self, name):
        """What the sandbox's rules already say about a file as it is installed; a patch is not to blame for that."""
        if name not in self._violations:
            source = self.source(name)
            found = sandbox_violations(source, self, name) if source else ()
            self._violations[name] = set(sentence for _, sentence in found)
        return self._violations[name]

    @kept
    def broken(self):
        """Sentences about files that make this installation a broken copy; [] when it looks whole."""
        sentences = []
        if not self.folder.endswith('.bundle'):
            sentences.append('the folder is called %s, and the server only takes names that end in .bundle'
                             % self.folder)
        if self.outer:
            sentences.append('it lies inside the folder %s, and the server only looks for bundles in Plug-ins itself, '
                             'so it does not run this copy'
                             % self.outer)
        for name in self.files:
            if not name.startswith('Contents/Code/'):
                continue
            data = self.data(name)
            if data is None:
                sentences.append('%s cannot be read' % name)
            elif re.match(br'\s*(<!DOCTYPE|<html|<\?xml)', data[:200], re.I):
                sentences.append('%s is a web page, not source' % name)
        if 'Contents/Code/__init__.py' not in self.files:
            sentences.append('Contents/Code/__init__.py is missing')
        return sentences

    def missing_import(self, module):
        """Whether no file of this bundle provides the module ('common' or 'lib.part')."""
        last = module.split('.')[-1]
        return not any(name.endswith(('/%s.py' % last, '/%s/__init__.py' % last)) for name in self.files)


def default_preferences(bundle):
    """The rows of a bundle's DefaultPrefs.json; [] where it is damaged or holds comments: the framework cannot read it
    either."""
    import json
    try:
        rows = json.loads(logs.to_text(bundle.data('Contents/DefaultPrefs.json') or b'[]'))
    except ValueError:
        return []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get('id'), type(''))] if isinstance(
        rows, list) else []


def parsed(data, name):
    """The Source of a file's bytes, with its tree; None where even Python 2 would refuse it."""
    try:
        source = Source(data, name)
        return source if source.tree is not None else None
    except SourceError:
        return None


def plist_value(text, key):
    """The string under a key of a property list, as text; None. Tolerates comments, HTML and a missing header."""
    text = re.sub(r'<!--.*?-->', '', text, flags=re.S)
    found = re.search(r'<key>\s*%s\s*</key>\s*<string>\s*(.*?)\s*</string>' % re.escape(key), text, re.S)
    return found.group(1) if found else None


def names_below(folder):
    """What a folder holds, as text, sorted; [] for what is no folder that can be read."""
    try:
        return sorted(map(logs.to_text, os.listdir(logs.walkable(folder))))
    except (IOError, OSError):
        return []


def find_bundles(plug_ins):
    """{identifier: Bundle} of the bundles under a Plug-ins folder.

    A folder counts when it holds Contents/Code or Contents/Info.plist, itself or in a folder of its own name, as copies
    by hand leave it. Without an identifier the folder's name stands in for it, as where another bundle has the same.
    """
    bundles = {}
    if not os.access(logs.walkable(plug_ins), os.R_OK):
        raise logs.Problem('there is no folder %s; name the folder of the bundles with --plug-ins' % plug_ins)
    for name in names_below(plug_ins):
        path = os.path.join(logs.to_text(plug_ins), name)
        inner = [os.path.join(path, below) for below in names_below(path) if '.bundle' in below]
        for folder in [path] + inner:
            bundle = read_bundle(folder)
            if bundle:
                bundle.outer = None if folder == path else os.path.basename(path)
                better = bundles.get(bundle.identifier)
                if better is None or better.outer or not better.folder.endswith('.bundle'):
                    bundles[bundle.identifier] = bundle
                elif not bundle.outer and bundle.folder.endswith('.bundle'):
                    bundles[bundle.folder] = bundle
                    bundle.twins, better.twins = [better.folder], better.twins + [bundle.folder]
                break
    return bundles


def read_bundle(path):
    """The Bundle in a folder, or None when the folder is none."""
    contents, plist, code = [logs.walkable(os.path.join(path, *names)) for names in (
        ('Contents',), ('Contents', 'Info.plist'), ('Contents', 'Code'))]
    if not os.path.isdir(contents):
        return None
    try:
        with open(plist, 'rb') as source:
            text = logs.to_text(source.read())
    except (IOError, OSError):
        text = ''
        if not os.path.isdir(code):
            return None
    policy = 'Elevated' if plist_value(text, 'PlexPluginCodePolicy') == 'Elevated' else 'Standard'
    bundle = Bundle(path, plist_value(text, 'CFBundleIdentifier') or os.path.basename(path), policy)
    bundle.log_level = plist_value(text, 'PlexPluginLogLevel')
    return bundle


def bundle_of(pattern, bundles):
    """The installed Bundle that a pattern's frames lie in, or None."""
    names = [frame['file'].split('/')[0] for frame in pattern.get('own_frames') or () if '/' in frame.get('file', '')]
    names.append(os.path.basename((pattern.get('bundle') or '').rstrip('/')))
    stems = set(name.split('.bundle')[0] for name in names if name)
    found = [one for one in bundles.values() if one.folder in names] + [bundles.get(pattern.get('agent'))] + [
        one for one in bundles.values() if one.folder.split('.bundle')[0] in stems]
    return next((one for one in found if one is not None), None)


class Patched(Bundle):
    """A plug-in as it would be with a patch. Problem where that does not fit its files (any more)."""

    def __init__(self, bundle, patch):
        Bundle.__init__(self, bundle.path, bundle.identifier, bundle.policy)
        self.outer, self.twins, self.log_level = bundle.outer, bundle.twins, bundle.log_level
        self.changed = {}
        for path, hunks in parse_patch(patch):
            name = path.partition('/')[2]
            self.changed[name] = patched(bundle.data(name) or b'', hunks, path)

    def data(self, name):
        return self.changed[name] if name in self.changed else Bundle.data(self, name)


# ----------------------------------------------------------------------------------------------------- error families
# What an error means before any source is read. The first row that fits decides; `wrapper` is searched in the words
# of the record that carried the error, `error` in "Type: message". Only class code is ever offered a patch.
Family = collections.namedtuple('Family', 'name cls wrapper error meaning people')

FAMILIES = (
    # ---- noise: counted, never ranked
    Family('start-up race', 'noise', r'hosted resource hashes', r'',
           'The plug-in asked the System plug-in for something before that was ready.',
           'everybody ignores it; it comes at every start'),
    Family('first update', 'noise', r'Cannot read model from', r'', 'The agent has no data for this item yet.',
           'ignore, unless it repeats for a saved item'),
    Family('optional function', 'noise', r"Function named '\w+' couldn't be found", r'',
           'The agent does not define a function that it need not define.', 'ignore'),
    Family('parser fallback', 'noise', r'Error parsing with lxml, falling back|using demjson instead', r'',
           'The first parser gave up and the second one was tried.', 'ignore'),
    # ---- platform: the server's side
    Family('two threads', 'platform', r'', r"has no attribute '_strptime'",
           'Python 2.7 loads its reader of dates at the first date; two threads that do so at once disturb each other.',
           'refresh these items again'),
    Family('deleted item', 'platform', r'constructing media object', r'', 'The server could not give the media tree '
           'of an item, mostly because the item was deleted or merged while its refresh was queued. The agent is then '
           'called without media.',
           'empty the trash, refresh again; agents that return early without media only hide the line'),
    Family('registration', 'platform', r'starting plug-in', r'HTTPError|URLError|timed out',
           'The plug-in could not register because the System plug-in did not answer at that moment.',
           'restart the plug-in'),
    Family('system bundle', 'platform', r'Unable to reach the system bundle|retrieve the machine identifier', r'',
           'The plug-in started before the System plug-in answered.', 'restart the plug-in'),
    Family('no item', 'platform', r'No database ID provided', r'',
           'The System plug-in named no item, and the framework made an empty media object for the agent.',
           'nothing, unless an exception follows'),
    Family('unknown address', 'platform', r'Could not find route matching|Exception matching route', r'',
           'A player asked a plug-in for a page that it does not have, mostly one of an older version.',
           'open the plug-in anew in the player'),
    Family('agent not registered', 'platform', r'Unable to find metadata agent provider', r'',
           'The server (1.43 or newer) asked for an agent that is not loaded or does not serve this kind of item.',
           'make the agent load; legacy agents are hidden for new libraries unless the setting shows them'),
    Family('hung agent', 'platform', r'Exception in update for|messaging/function', r'',
           'The System plug-in gave up waiting for the agent, which hung or died.',
           'restart the plug-in; add time-outs where the agent waits'),
    Family('slow server', 'platform', r'notifying the media server', r'',
           'The server took too long to read what the agent had prepared.', 'wait and refresh again'),
    Family('missing picture', 'platform', r'PhotoTranscoder|/system/agents/media/get', r'',
           'A picture that the agent promised could not be produced.', 'refresh again'),
    Family('plug-in pipe', 'platform', r'plug-in pipe|reading configuration for|failed to read line', r'',
           'The plug-in process died or hung while the server talked to it.', 'restart the plug-in'),
    Family('agent reply', 'platform', r'Error parsing (search results|content|file)|match metadata on item', r'',
           'The server could not read what an agent answered; mostly the echo of an error in that agent.',
           'mend the error in the agent'),
    Family('server', 'platform', r'^Plex Media Server itself$', r'',
           'The server itself reports this; no plug-in code is named.', 'look at the lines around it in its log'),
    Family('metadata provider', 'platform', r'tv\.plex\.agents\.custom|/media/providers|'
           r'response from (GET|POST) \S*(/matches|/library/metadata/)', r'',
           'A modern metadata provider, a web service, did not answer as expected. Its code is not in the server.',
           'restart or update the provider'),
    # ---- environment: this installation
    Family('bundle not found', 'environment', r"but it doesn't exist|Couldn't check file: .*\.bundle", r'',
           'The server does not find the plug-in: wrong folder name, nested folder, wrong owner or a failed start.',
           'rename to NAME.bundle, give it to the plex user, restart'),
    Family('broken preferences', 'environment', r'^Exception loading$|loading( user)? preferences|'
           r'dictionary file is corrupt|loading HTTP cookies|trimming cache|Empty or non-existant', r'',
           'A file of the plug-in support folder, or the Info.plist, is damaged or empty.',
           'delete the damaged file or install the bundle again'),
    Family('web page as source', 'environment', r'', r'SyntaxError[\s\S]*<(!DOCTYPE|html)',
           'A source file is a web page that was saved in its place.', 'download the whole bundle again'),
    Family('foreign binary', 'environment', r'', r'DLL load failed|not a valid Win32|failed to map segment|'
           r'wrong ELF class|cannot open shared object|undefined symbol',
           'A compiled library does not fit this system.', 'install the right build; remount without noexec'),
    Family('no permission', 'environment', r'', r'Errno 13|Permission denied|Errno 1\](?! _ssl)|Errno 30|'
           r'Read-only file|\[Error 5\]',
           'The plex user may not read or write a file.', 'give it to the plex user'),
    Family('system limits', 'environment', r'', r'Errno 28|No space left|Errno 24|Too many open files|MemoryError',
           'The disk is full, or the system ran out of something.', 'clean up, restart'),
    Family('database', 'environment', r'', r'database (table )?is locked|disk I/O error|busy DB|'
           r'disk image is malformed|unable to open database',
           'A database on this machine is busy or damaged, or cannot be opened.',
           'wait and refresh again; where it stays, check the disk and the owner of the file'),
    Family('framework part', 'environment', r'^Exception starting$', r'',
           'A part of the plug-in framework itself did not come up, so this plug-in does half of its work or none.',
           'restart the server; where it stays, install it again'),
    Family('support folder', 'environment', r'Exception (reading|writing)', r'', 'A file could not be read or written.',
           'install the bundle again; check rights'),
    Family('incomplete metadata', 'environment', r'Unable to deserialize object at|Exception deserializing',
           r'', 'What was stored for an item is not whole: a refresh or the disk failed while it was written.',
           'refresh the item once more; where it stays, check the disk'),
    Family('locale', 'environment', r'', r"^Unicode(En|De)codeError: 'ascii' codec(?=[\s\S]*@@filesystem)",
           'The server runs with an ASCII locale and met a file name with other letters.',
           'start the server with a UTF-8 locale'),
    Family('own server refused', 'environment', r'', r'HTTP Error 401(?=[\s\S]*@@own server)',
           'The agent asked this very server without a valid token.', 'give it a token'),
    # ---- upstream: somebody else's server
    Family('web page as answer', 'upstream', r'', r'^(JSON\w*|ValueError|XMLSyntaxError)\b[\s\S]*<(!DOCTYPE|html)',
           'The provider answered with a web page, mostly of an error, where data was asked for.', 'wait'),
    Family('banned', 'upstream', r'', r'\bbanned\b|\bban\b.*\bIP\b',
           'The provider has banned this address for asking too often.', 'wait a day, refresh more slowly'),
    Family('refused', 'upstream', r'', r'HTTP Error 40[13]|HTTP Error 407|HTTP Error 451|Cloudflare',
           'The provider refuses the requests: key, login or a block against robots.', 'change the key or wait'),
    Family('rate limit', 'upstream', r'', r'HTTP Error 4(20|29)|quota|Too Many Requests',
           'The provider allows only so many requests.', 'wait, refresh more slowly'),
    Family('provider down', 'upstream', r'', r'HTTP Error 5\d\d|HTTP Error 30\d|BadStatusLine|IncompleteRead|'
           r'Not a gzipped file|RemoteDisconnected', 'The provider has a fault of its own.', 'wait'),
    Family('time-out', 'upstream', r'', r'timed? ?out|Timeout', 'The provider did not answer in time.',
           'wait; a longer time-out or a retry'),
    Family('TLS', 'upstream', r'', r'SSLError|SSLV3|_ssl\.c:|CertificateError|CERTIFICATE_VERIFY|tlsv1|handshake',
           "The provider's encryption and that of the server's old Python do not fit.",
           'update the server; some agents ship newer certificates'),
    Family('name or route', 'upstream', r'', r'URLError|getaddrinfo|Name or service not known|gaierror|'
           r'Connection (refused|reset|aborted)|ConnectionError|No route to host|'
           r'Errno (32|10[14]|11[013]|-[235]|100[56]\d|11001)\b',
           'The provider cannot be reached: its name, its address or the network.',
           'wait, or update the agent when the provider has moved'),
    Family('bad address', 'code', r"Error opening URL '[^']*[/=,]None(?=$|[/?&.,;#'-])", r'',
           'A value was missing, and the code put the word None in its place into the address that it asked for.',
           'do not ask without it'),
    Family('failed request', 'upstream', r'Error opening URL', r'', 'The provider answered a request with an error '
           'status. What the agent made of it, if it failed, is in its other patterns.', 'look at its other patterns'),
    Family('no answer', 'upstream', r'(?!)', r'', 'The request right before it failed, so there was nothing to read.',
           'wait; where it is always the same items, the provider has nothing for them'),
    Family('gone', 'code', r'', r'HTTP Error 4(04|10|00|06)|Not ?Found\b',
           'The provider has no such page (any more), and the agent gives up all that comes after it.',
           'treat it as "no data" and go on'),
    Family('page not there', 'upstream', r'(?!)', r'',
           'The provider has no such page (any more), and the plug-in says so in a line of its own.',
           'look at what follows from it'),
    # ---- data: what was fed in
    Family('scanner', 'data', r'Error in Python|Running scanner|Looking up module', r'',
           'A scanner failed, mostly on a file or folder name, or on a pattern a person wrote.',
           'rename it, or mend the pattern'),
    Family('bad pattern', 'data', r'', r'bad character range|sre_constants',
           'A search pattern is not valid.', 'mend the pattern'),
    Family('own report', 'data', r'(?!)', r'', 'The agent checked something, found it wanting, wrote this line about '
           'it and went on. No error stands behind it.', 'give the item what is asked for, or leave it'),
    # ---- code: the only class that is patched
    Family('does not load', 'code', r'while loading code', r'',
           'The plug-in does not load at all: its source breaks a rule of the sandbox or of Python 2.',
           'rewrite the line'),
    Family('not serialisable', 'code', r'serializing|not serializable', r'', 'The framework cannot write down what the '
           'agent gave it: a value of a wrong kind, or text with letters that it cannot store.', 'convert it'),
    Family('sandbox rule', 'code', r'', r'\bSyntaxError|IndentationError|TabError|Operator \'\S+\' is not supported',
           'The source breaks a rule of the sandbox or of Python 2.', 'rewrite the line'),
    Family('field of an entry', 'code', r"Exception setting attribute '", r'', 'A field of an entry of a menu got '
           'what cannot be stored, mostly text with letters beyond ASCII that was not decoded; the field stays empty.',
           'decode it once'),
    Family('missing value', 'code', r'', r"'NoneType'|None for|NoneType",
           'Something has no value (None), and the code used it as if it had one.',
           'guard it, and go on with what there is'),
    Family('string as list', 'code', r'', r"AttributeError: '(str|unicode)' object has no attribute '__iter__'",
           'The sandbox cannot step through the letters of a text.', 'make a list of it first'),
    Family('missing key', 'code', r'', r'KeyError', 'The code asks for an entry, by its name, that is not there.',
           'ask with a default'),
    Family('empty list', 'code', r'', r'IndexError', 'There is less in a list or text than the code relies on.',
           'guard the index'),
    Family('unset name', 'code', r'', r'UnboundLocalError',
           'A variable is used where the code came by without giving it a value.', 'set it first'),
    Family('unknown name', 'code', r'', r'NameError',
           'The code uses a name that does not exist, or that the sandbox does not offer.',
           'import it, spell it right, or use what the sandbox has'),
    Family('wrong number or date', 'code', r'', r'ValueError: (invalid literal|could not convert|time data|unconverted|'
           r'unknown string|day is out|month must|year)|(int|float|long)\(\) argument',
           'What should be a number or a date is not one.', 'a tolerant conversion'),
    Family('not permitted', 'code', r'', r'FrameworkException', 'The framework does not do what the code asks of it.',
           'ask in another way'),
    Family('no such file', 'code', r'', r'Errno 2\]|\[Error [23]\]',
           'A file or folder that the code relies on is not there.', 'look first whether it is there'),
    Family('not in there', 'code', r'', r'ValueError: (list\.remove|substring not found|.* is not in (list|tuple))',
           'What the code looks for in a text or list is not in there.', 'look first whether it is there'),
    Family('bad expression', 'code', r'', r'XPath\w*Error',
           'A search expression is written wrongly, so no page could satisfy it.', 'write it right'),
    Family('division', 'code', r'', r'ZeroDivisionError', 'The code divides by a number that is 0.',
           'look first whether it is 0'),
    Family('wrong count', 'code', r'', r'^ValueError: (too many values|need more than)',
           'Something is taken apart into more or fewer parts than it has.', 'look first how many there are'),
    Family('unreadable answer', 'code', r'', r'XMLSyntaxError|JSONDecodeError|No JSON object|Expecting|ParseError|'
           r'Extra data|JSONError|Document is empty|Expected \'\S+\' delimiter|not a zip file|while decompressing|'
           r'CRC check failed|cannot identify image',
           'An answer or a file is not of the form that it should have (XML, JSON, packed data, a picture).',
           'check it before parsing'),
    Family('large answer', 'code', r'', r'^APIException: .*Data of size', 'An answer is larger than what '
           'the framework reads: 5 MB, where the code does not say otherwise.', 'allow more'),
    Family('encoding', 'code', r'', r'Unicode(En|De)codeError|strings must be XML compatible',
           'A text has letters that do not fit the alphabet it is read or written in.', 'decode or encode once'),
    Family('missing module', 'code', r'', r'ImportError', 'A module that the code asks for is not there.',
           'copy the whole bundle'),
    Family('endless calls', 'code', r'', r'maximum recursion depth', 'A function calls itself without end.',
           'count the tries'),
    Family('wrong arguments', 'code', r'', r'TypeError: \w+\(\) (takes|got (an unexpected|multiple))',
           'A function was called with other arguments than it takes.', 'make the two fit'),
    Family('wrong kind', 'code', r'', r'TypeError|AttributeTypeMismatch',
           'A value is of another kind than the code expects.', 'test or convert it'),
    Family('missing attribute', 'code', r'', r'AttributeError',
           'The code asks something of an object that this kind of object does not have.',
           'hand over the right object, or spell it right'),
    Family('language code', 'code', r'contains the invalid language code', r'', 'The agent names a language that Plex '
           'does not know, and is not offered for it.', 'mend the list of languages of the agent'),
    Family('cut record', 'code', r'^$', r'^$',
           'The log breaks off in the middle of this error, so which one it was is not in it.',
           'refresh an item: then the log has it whole'),
    Family('own words', 'code', r'(?!)', r'',
           'The plug-in wrote this line about something that went wrong, and no more is in the log.', 'depends'),
    Family('other defect', 'code', r'', r'', 'The code failed in a way that is none of the known ones.', 'depends'),
)

NONE_IN_ADDRESS = re.compile(r'[/=,]None(?=$|[/?&.,;#-])')
HTTP_WORDS = {400: 'bad request', 401: 'not authorised', 403: 'forbidden', 404: 'not found', 410: 'gone',
              429: 'too many requests', 500: 'internal error', 502: 'bad gateway', 503: 'unavailable',
              504: 'gateway time-out', 522: 'time-out'}
FILE_SYSTEM_FRAMES = r'(^|/)(os|posixpath|ntpath|genericpath|shutil|glob|fnmatch|zipfile|io)\.pyc?$'
OWN_SERVER = r'^(127\.0\.0\.1|localhost|\[?::1\]?)(:\d+)?$'


NAMED_IN_ERROR = re.compile(r"(has no attribute|keyword argument|global name|local variable|cannot import name|"
                            r"No module named|KeyError:) u?'?[\w.]+'?|\b(TypeError:) [\w.]+\(\)|"
                            r"((?:KeyError|ValueError|base \d+|to float):|time data) (?:u?'[^']*'|(?<=float: ).+)")


ERROR_IN_HEAD = re.compile(r'\b([A-Z]\w*(?:Error|Exception|Mismatch)\b.*?):?\s*(?:\(most recent call last\)|$)', re.M)


def is_cut(pattern):
    """Whether the log breaks off before it says which error a traceback is of."""
    message, wrapper = pattern.get('message') or '', pattern.get('wrapper') or ''
    return not pattern.get('exception') and (bool(pattern.get('own_frames')) and not message or wrapper.startswith(
        ('Exception', 'Error loading')) and (message or wrapper).startswith(wrapper))


def family_of(pattern):
    """The first row of FAMILIES that fits a pattern of the aggregate."""
    marks = []
    callees = ((pattern.get('own_frames') or [{}])[-1].get('callee_frames')) or ()
    if any(re.search(FILE_SYSTEM_FRAMES, callee.get('file') or '') for callee in callees):
        marks.append('@@filesystem')
    if any(re.match(OWN_SERVER, row.get('host') or '') and row.get('status') == 401
           for row in pattern.get('preceding') or ()):
        marks.append('@@own server')
    if pattern.get('exception') == 'SyntaxError':
        marks += [seen.get('text') or '' for frame in (pattern.get('own_frames') or ())[-1:]
                  for seen in frame.get('reported_lines') or ()]
    error = '%s: %s %s' % (pattern.get('exception') or '', pattern.get('message') or '', ' '.join(marks))
    wrapper = pattern.get('wrapper') or ''
    if not pattern.get('exception'):
        wrapper += ' ' + (pattern.get('message') or '')
    named = NAMED_IN_ERROR.sub(                 # no attribute 'timeout': that is a name, and nobody was slow
        lambda one: one.group(one.lastindex), error)
    for family in FAMILIES:
        if searched(family.wrapper, wrapper) and searched(family.error, named if (
                family.cls == 'upstream' or family.name == 'gone') else error):
            break
    if family is FAMILIES[-1] and is_cut(pattern):
        return named_family('cut record')
    if family is FAMILIES[-1] and pattern.get('kind') == 'server':
        return named_family('server')           # whatever it is, it is no plug-in's code
    if not pattern.get('exception') and not pattern.get('own_frames'):
        if family.name == 'gone':
            return named_family('page not there')
        if family is FAMILIES[-1]:
            return named_family('own words')
    return family


# -------------------------------------------------------------------------------------------------- class of a pattern
Verdict = collections.namedtuple('Verdict', 'cls family evidence against advice')

# records that no bundle's code can be blamed for, by their kind or their log, and the family they belong to
WHERE = {'scanner': 'scanner', 'system': 'server', 'media': 'deleted item', 'com.plexapp.system': 'server',
         'Plex Media Server': 'server', 'Plex Media Scanner': 'scanner'}

# families whose error can be the mere echo of a request that failed a moment before
ECHOES = ('missing value', 'missing key', 'empty list', 'unreadable answer', 'string as list', 'wrong number or date',
          'missing attribute', 'other defect', 'wrong kind', 'unset name', 'not serialisable', 'wrong count',
          'not in there')


def number_of_items(pattern):
    return max(pattern.get('items_total') or 0, len(pattern.get('items') or ()))


def agent_row(document, identifier):
    return next((row for row in document.get('agents') or () if row.get('identifier') == identifier), {})


def counted_calls(pattern, agent):
    """(how many, of how many) calls of this agent, of the pattern's kind, it came in; (0, 0) when it is not known."""
    if pattern.get('rotated_away'):             # and so are the calls: those in the log are later ones
        return 0, 0
    since_fix = pattern.get('resolved') or {}   # its errors are then counted from the fix on, and so are the calls
    calls = since_fix.get(calls_meant(pattern), agent.get(calls_meant(pattern))) or 0
    return min(calls, pattern.get(calls_meant(pattern)) or pattern.get('count') or 0), calls


def calls_meant(pattern):
    """What kind of calls a pattern is of, as the aggregate counts them."""
    return 'searches' if pattern.get('kind') == 'search' else 'updates'


def failed_requests(pattern):
    """[(host, status, count, is it the media tree)] of the requests that failed just before, most frequent first."""
    rows = []
    for row in pattern.get('preceding') or ():
        status = row.get('status')
        if status in (None, '', 200, '200'):
            continue
        number = int(status) if logs.to_text(str(status)).isdigit() else None
        if number is not None and number < 400:
            continue
        own = bool(re.match(OWN_SERVER, row.get('host') or ''))
        if own and 'resourceHashes' in (row.get('url_shape') or ''):
            continue                            # the framework asks for them at each start, mostly too early
        tree = own and 'tree' in (row.get('url_shape') or '')
        rows.append((row.get('host'), number or logs.to_text(str(status)), row.get('count') or 0, tree))
    return sorted(rows, key=lambda row: (-row[2], row[0] or ''))


def bad_address(pattern):
    """The address with a None in it that most records asked their provider for in vain just before; or None."""
    found = []
    for row in pattern.get('exemplars') or ():
        asked = [text.partition("'")[2].rstrip("'") for text in row.get('said') or () if text.startswith('Requesting ')]
        found.extend([url for url in asked if NONE_IN_ADDRESS.search(url)][-1:])
    hosts = [url.split('/')[2] for url in found if url.count('/') > 2]
    failed = sum(row[2] for row in failed_requests(pattern) if row[0] in hosts)
    if len(found) * 5 >= len(pattern.get('exemplars') or ()) * 3 and failed * 5 >= (
            pattern.get('looked_back') or pattern.get('count') or 1) * 3:
        return found[0]
    return None


STATUS_WORDS = {'failed': 'an error status', 'time-out': 'no answer in time', 'unreachable': 'no connection'}


def answer_words(status, host):
    """What a request to a host was answered with: '403 (forbidden) from boats.example'."""
    return '%s %s %s' % ('%s (%s)' % (status, HTTP_WORDS[status]) if status in HTTP_WORDS else STATUS_WORDS.get(
        status, status), 'to' if status == 'unreachable' else 'from', host)


def verdict_of(family, evidence, against=()):
    return Verdict(family.cls, family, evidence, against, family.people)


def day_and_minute(time):
    """'2026-11-22 10:30' of a time in UTC; '' of none."""
    return (time or '')[:16].replace('T', ' ')


def judge(pattern, agent):
    """The Verdict on a pattern from the log alone: its class, with evidence in numbers."""
    family, items, message = family_of(pattern), number_of_items(pattern), pattern.get('message') or ''
    if pattern.get('noise'):
        return Verdict('noise', family, ['known noise: %s' % pattern['noise']], [],
                       'nothing; it is counted and left out')
    since = day_and_minute(pattern.get('first_seen'))
    evidence, against, cls = ['%s, %s since %s' % (
        number_text(pattern.get('count') or 0, 'record'), number_text(items, 'item') if items else 'no item named,',
        since or 'the start of the log')], [], family.cls
    if cls == 'code' and (pattern.get('kind') in WHERE or pattern.get('agent') in WHERE):
        return verdict_of(named_family(WHERE.get(pattern.get('kind')) or WHERE[pattern['agent']]), evidence)
    failed, (hit, calls), address = failed_requests(pattern), counted_calls(pattern, agent), bad_address(pattern)
    share = hit / calls if calls else None
    if address and (family.name in ECHOES or re.match(r'HTTP Error 4(0[04]|1\d|22)|HTTP Error 500', message)):
        return verdict_of(named_family('bad address'), evidence + [
            'what was asked for just before, and is not there: %s' % address])
    if cls == 'code' and pattern.get('own_frames') and family.name in ECHOES and not message.startswith(
            "'module' object"):
        echo = judged_by_requests(pattern, family, failed, share, evidence, against)
        if echo:
            return echo
    if share is not None:
        evidence.append('it came in %d of %s of this agent in the log' % (hit, number_text(
            calls, {'searches': 'search', 'updates': 'update'}[calls_meant(pattern)])))
    if family.name == 'gone' and share is not None and share >= 0.8 and items >= 5:
        cls = 'upstream'
        evidence.append('nearly every item is hit, so most likely the provider has moved or closed the service')
    flaky = family.name == 'time-out' or re.match(r'HTTP Error 5(?!03)\d\d', message)
    if flaky and share is not None and share < 0.5 and pattern.get('own_frames'):
        cls = 'code'
        evidence.append('most items are answered in time, so a second try can help')
    if cls != 'upstream':
        return Verdict(cls, family, evidence, against, family.people)
    if family.name != 'failed request':         # that one names the address itself
        host = upstream_host(pattern, failed)
        evidence.append(cut(message if re.search(r'\w', message) else pattern.get('exception') or '', 160) + (
            ' from %s' % host if host and not re.search("host='|://", message) else ''))
    return Verdict(cls, family, evidence, against, 'do not patch; %s' % family.people)


def judged_by_requests(pattern, family, failed, share, evidence, against):
    """The Verdict on an error that is the mere echo of requests that failed just before; None where it is none, and
    what the requests tell is added to the evidence for or against."""
    looked = pattern.get('looked_back') or pattern.get('count') or 0    # of how many records the requests are known
    words = number_text(looked, 'record') + (' looked at' if looked != (pattern.get('count') or 0) else '')
    told = [row for row in failed if row[0] is None]        # such a one may be of another site than what failed
    failed = [row for row in failed if row not in told]
    (evidence if told and told[0][1] in (404, 410) else against).extend(
        'the plug-in told just before, in %d of %s, of a request that had failed (%s)' % (
            row[2], words, STATUS_WORDS.get(row[1], row[1])) for row in told[:1])
    few = share is not None and share < 0.5     # a status that was not logged is a missing page when few calls are hit
    blocked = [row for row in failed if not row[3] and row[1] not in (404, 410) and not (
        row[1] == 'failed' and few and (family.name != 'missing value' or row[2] * 5 < looked * 4))]
    trees, troubled = sum(row[2] for row in failed if row[3]), sum(row[2] for row in blocked)
    if trees * 2 >= max(looked, 1):
        return verdict_of(named_family('deleted item'), evidence + [
            'the media tree of the item could not be read just before, in %d of %s' % (trees, words)], against)
    host, status, times, _ = (blocked or failed or [(None,) * 4])[0]
    if troubled * 5 >= max(looked, 1) * 3:
        source = upstream_family(status) if status != 'failed' else named_family('no answer')
        return Verdict('upstream', source, evidence + ['%s%s just before, in %d of %s; there was no answer to read' % (
            answer_words(status, host), ' and other failures' * (troubled > times), min(troubled, looked), words)],
                       against, 'do not patch; %s' % source.people)
    if troubled:
        against.append('a request had failed just before in %d of %s' % (troubled, words))
    elif failed:
        host, status, times, _ = failed[0]
        evidence.append('%s just before in %d of %s: most likely the item is not there, and the code does not expect '
                        'that' % (answer_words(status, host), times, words))
    elif any(not (row.get('host') or '127.').startswith('127.') for row in pattern.get('preceding') or ()):
        evidence += ['the log shows no failed request just before'] * (not told)
    return None


def with_cause(verdict, pattern, document):
    """The Verdict on what follows from another pattern: a cascade is one problem, at its root."""
    failed = next((row for row in document.get('patterns') or () if row is not pattern and row.get('kind') in (
        'load', 'start') and row.get('agent') == pattern.get('agent') and (row.get('last_seen') or '9') >= (
            pattern.get('first_seen') or '')[:10]), None)       # (not one of days before: it may have started since)
    if failed is not None and verdict.family.name in ('plug-in pipe', 'bundle not found', 'agent not registered'):
        return verdict._replace(evidence=verdict.evidence + ['its own log says that it did not start: %s' % ': '.join(
            one_line(failed[part]) for part in ('exception', 'message') if failed.get(part))],
                                advice='look at pattern %s first; this follows from it' % failed['pattern'])
    cause = pattern.get('caused_by')
    cause = cause.get('pattern') if isinstance(cause, dict) else cause
    root = next((row for row in document.get('patterns') or () if row['pattern'] == cause), None) if cause else None
    if root is None or verdict.cls != 'code':
        return verdict
    first = judge(root, agent_row(document, root.get('agent')))
    if first.cls in ('code', 'noise'):
        return verdict
    return first._replace(evidence=verdict.evidence + ['it follows from pattern %s: %s'
                                                       % (cause, first.family.meaning)])


def named_family(name):
    return next(row for row in FAMILIES if row.name == name)


def upstream_family(status):
    error = 'HTTP Error %s' % status if isinstance(status, int) else 'timed out' if status == 'time-out' else 'URLError'
    rows = [row for row in FAMILIES if row.cls == 'upstream' and not row.wrapper]
    return next((row for row in rows if searched(row.error, error)),
                next(row for row in rows if row.name == 'name or route'))


def upstream_host(pattern, failed):
    hosts = [row[0] for row in failed] + [row.get('host') for row in pattern.get('preceding') or ()]
    return next((host for host in hosts if host and not re.match(OWN_SERVER, host)), None)


def number_text(number, noun):
    return '%d %s%s' % (number, noun, '' if number == 1 else 'es' if noun.endswith('ch') else 's')


# -------------------------------------------------------------------------------------------------- divergence point
Frame = collections.namedtuple('Frame', 'name function lines quoted callees starts')
# name: file from the bundle on; lines: every line reported, sorted; quoted: {line: text of the log};
# callees: [{'file', 'function', 'text'}] below it, None for a frame that no traceback showed; starts: [{line: text of
# the log}] per plug-in start

Frame.__new__.__defaults__ = ((), {}, None, ())
Case = collections.namedtuple('Case', 'source function statement expression exception message frame_kind callee policy '
                              'is_entry bundle logged')
Case.__new__.__defaults__ = ((),)               # logged: the try statements of which one caught the error and logged it
Place = collections.namedtuple('Place', 'statement expression line confidence reasons message')
# one statement that can have raised the error, the line of it that does, how sure (0..1), what speaks against it,
# and the message of the records that it explains


def read_frame(row, callees):
    """A Frame from one row of own_frames."""
    quoted, starts = {}, {}
    for seen in row.get('reported_lines') or ():
        line = seen.get('line')
        if not line:
            continue
        quoted[line] = (seen.get('text') or '').strip() or quoted.get(line) or ''
        starts.setdefault(seen.get('start'), {})[line] = quoted[line]
    name = row['file'].split('/', 1)[1] if '.bundle' in row['file'].split('/')[0] else row['file']
    return Frame(name, row.get('function') or '<module>', sorted(quoted), quoted, callees,
                 [starts[start] for start in sorted(starts, key=str)])


def own_chain(pattern):
    """The bundle's own frames as [Frame], outermost first; each knows what stood right below it."""
    rows = pattern.get('own_frames') or []
    frames = []
    for number, row in enumerate(rows):
        below = row.get('callee_frames') or []
        if number + 1 < len(rows) and not below:
            after = rows[number + 1]
            below = [{'file': after['file'], 'function': after.get('function'), 'text': '', 'own': True}]
        frames.append(read_frame(row, below))
    return frames


def fault_frame(chain, bundle=None):
    """Index of the frame that a patch belongs to: the last one in Contents/Code, or in a library that is the plug-in's
    own work, else the last one; None for []."""
    return next((index for index in range(len(chain) - 1, -1, -1) if '/Code/' in '/' + chain[index].name or
                 is_own_library(bundle, chain[index].name)), len(chain) - 1 if chain else None)


# libraries that plug-ins bring along, which are not mended for one of them
FOREIGN = frozenset(
    'BeautifulSoup PIL apsw babelfish bs4 caper certifi cfscrape chardet cherrypy cloudscraper concurrent cookielib '
    'dateutil decorator enum enzyme feedparser fuzzywuzzy guessit html5lib httplib2 idna jinja2 js2py jsonpickle lxml '
    'mechanize mock mutagen oauth2 oauthlib peewee pkg_resources plexapi psutil pychromecast pytz raven rarfile rebulk '
    'requests setuptools simplejson six socks soupsieve stevedore subliminal tmdbsimple tornado tvdb_api unidecode '
    'unrar urllib3 websocket werkzeug ws4py xmltodict yaml youtube_dl zope'.split())
SIGNED = re.compile(r'(?im)^__(version|author|license|copyright)\w*__ *=|copyright|\blicen[sc]e[ds]?\b')


def is_own_library(bundle, name):
    """Whether a file under Contents/Libraries is the plug-in's own work: no name, version or licence says otherwise."""
    found = re.match(r'(Contents/Libraries/\w+/)(\w+)', name)
    if bundle is None or found is None or found.group(2) in FOREIGN or bundle.source(name) is None:
        return False
    return not any(SIGNED.search(logs.to_text((bundle.data(one) or b'')[:3000]))
                   for one in (name, found.group() + '/__init__.py'))


def frame_kind(frame):
    """('own'|'getitem'|'getiter'|'apply'|'call', name of the function called or None) from what stood below; 'unknown'
    where no traceback tells."""
    if frame.callees is None:
        return 'unknown', None
    below = [callee for callee in frame.callees if callee.get('function')]
    if not below:
        return 'own', None
    first = below[0]
    text = first.get('text') or ''
    if (first.get('file') or '').endswith('sandbox.py'):
        if '_getitem_' in text or '__getitem__' in text:
            return 'getitem', None
        if '_getiter_' in text or '__iter__' in text:
            return 'getiter', None
        if first['function'] == '<lambda>':
            # where the text is missing: line 107 of the sandbox's lambdas iterates, 108 indexes (framework 2.6.3)
            return 'getiter' if first.get('line') == 107 else 'getitem', None
        if first['function'] == '_apply':
            return 'apply', below[1]['function'] if len(below) > 1 else None
        if first['function'] == '_inplacevar':  # `name += value` is added up there
            return 'own', None
    if first['function'] in ('__getattribute__', '__getattr__'):
        return 'own', None                      # no call stands there, an object was asked for an attribute
    return 'call', first['function'].rsplit('.', 1)[-1]     # (lxml says lxml.etree._Attrib.__getitem__)


def name_in_log(function):
    """How a traceback calls a FunctionDef, a ClassDef or the Module."""
    return getattr(function, 'name', '<module>')


def function_named(source, frame):
    """The function (or Module) of a frame in the installed source, by name, nearest to the lines reported; or None.

    Where the file was changed since, those that still hold what the log quotes come first.
    """
    lowest = min(frame.lines or frame.quoted or [None])
    found = source.functions_named(frame.function)
    if not frame.lines:
        texts = set(frame.quoted.values()) - set([''])
        found = [node for node in found if texts & set(
            line.strip() for line in source.lines[node.line - 1:node.end_line])] or found
    if not found:
        return None
    if lowest is None:
        return found[0]
    inside = [node for node in found if node.line <= lowest <= node.end_line]
    if inside:
        return max(inside, key=lambda node: node.line)
    return min(found, key=lambda node: abs(node.line - lowest))


def without_callers(source, frame):
    """The frame without the lines of a function that called itself, or another one of its own name: a report has them
    and the innermost one, where the error arose, in one row."""
    for call in (r'\b%s *\(', r'(?<![\w.])((self|cls)\.)?%s *\('):     # (`line.split()` in split() is another one)
        own = [line for line in frame.lines if not re.search(call % frame.function, frame.quoted.get(line) or '')]
        inner, outer = [set(node for node in source.functions_named(frame.function) if any(
            node.line <= line <= node.end_line for line in lines)) for lines in (own, set(frame.lines) - set(own))]
        if not inner or outer - inner:
            break
    if not inner or not outer:
        return frame
    return frame._replace(lines=own, quoted=dict((line, frame.quoted[line]) for line in own), starts=[
        dict(pair for pair in start.items() if pair[0] in own) for start in frame.starts])


def drift(source, frame):
    """(state, the frame with the lines that count): 'same' where the file still shows what the log quoted, else 'moved'
    when it does elsewhere, 'changed', or 'unknown'.

    Where some starts of the plug-in ran this file and others another one (an older version, or one with a patch of ours
    that is out again), the lines of the others say nothing.
    """
    if not any(frame.quoted.values()):
        return 'unknown', frame
    own = [start for start in frame.starts
           if all(source.line_text(line).strip() == text for line, text in start.items() if text)]
    if any(any(start.values()) for start in own):
        return 'same', frame._replace(lines=sorted(set(line for start in own for line in start)))
    stripped = set(line.strip() for line in source.lines)
    moved = all(text in stripped for text in frame.quoted.values())
    return 'moved' if moved else 'changed', frame._replace(lines=[])


def lines_now(source, frame, function):
    """Where the lines of a function that the log quotes stand now that the file has changed; [] unless each of them
    stands there once."""
    found = []
    for text in set(frame.quoted.values()) - set(['']):
        at = [line for line in range(function.line, function.end_line + 1) if source.line_text(line).strip() == text]
        if len(at) != 1:
            return []
        found.extend(at)
    return sorted(found)


# ---------------------------------------------------------------------------------------- who can have raised the error
# The sandbox and CPython word their errors in few ways, and each wording can only come from certain expressions.
# Each rule, a row of WORDINGS names it, is a function (expression, hunt) -> weight 0..1.
SEQUENCE_CALLS = frozenset('split rsplit splitlines xpath findall cssselect getchildren keys values items groups '
                           'findAll find_all select sorted list getElementsByTagName iterfind'.split())
NODE_CALLS = SEQUENCE_CALLS - frozenset(['values', 'items', 'groups', 'sorted', 'list'])
NEVER_NONE = SEQUENCE_CALLS | TO_LIST | TEXT_METHODS - frozenset(['find', 'index']) | frozenset(
    'str unicode int float long len range repr strftime isoformat dict bool isinstance quote urlencode min max abs '
    'round sum map xrange'.split())
ALWAYS_THERE = ('self', 'metadata', 'Log', 'HTTP', 'JSON', 'XML', 'HTML', 'Prefs', 'Dict', 'Datetime', 'Proxy',
                'String', 're', 'os')
OFTEN_NONE = frozenset('find get search match getparent getnext getprevious group first load find_one '
                       'get_element_by_id Attr getItem select_one'.split())
OFTEN_NONE_FIELDS = frozenset('text tail string originally_available_at summary title group'.split())
LITERALS = ('Str', 'Num', 'List', 'Tuple', 'Dict', 'ListComp', 'DictComp', 'SetComp', 'GeneratorExp', 'Compare',
            'Lambda', 'BinOp', 'Repr', 'Set')
Hunt = collections.namedtuple('Hunt', 'function exception message kind callee preferences rule found')
# what is known when a function is searched for the expression that raised: the error, what stood below (as frame_kind
# has it), {name: what a preference is set to}, and the rule for such errors with its match (see WORDINGS)


def hunt_for(function, frame, exception, message, preferences=None):
    """The Hunt for an error in a function, by its Frame."""
    return Hunt(*(function, exception, message) + frame_kind(frame) + (preferences or {},) + by_wording(
        '%s: %s' % (exception, message), RAISER))


def none_weight(hunt, base, depth=0):
    """How easily an expression is None: 0 never .. 1 often."""
    if base.kind in LITERALS:
        return 0.0
    if never_none(base):
        return 0.02
    if base.kind == 'Call':
        name = last_name(base.func)
        if name == 'get' and len(base.args) == 2 and not is_name(base.args[1], 'None'):
            return 0.4                          # no more than a null
        if name in OFTEN_NONE:
            return 1.0
        own = nodes_named(base.source, 'FunctionDef', name)
        if any(returns_none(node) for node in own):
            return 0.9
        return 0.3 if own else 0.5
    if base.kind == 'Attribute':
        return 0.9 if base.attr in OFTEN_NONE_FIELDS else 0.35
    if base.kind == 'Subscript':
        return {'metadata': 0.02, 'Prefs': 0.7}.get(root_name(base), 0.5)
    if base.kind == 'Name' and depth < 3:
        weights = [element_weight(one.target, one.iter) if one.kind == 'For' else 0.3 if value is None else
                   none_weight(hunt, value, depth + 1) for one, value in values_given(hunt.function, base.id)
                   if one.start < base.start or shares_loop(one, base)]
        weights = weights or [element_weight(part.target, part.iter) for around in ancestors(base)
                              for part in getattr(around, 'generators', ()) if base.id in names_in(part.target)]
        return max(weights or [0.45])
    if is_op(base, 'Or'):
        return none_weight(hunt, base.values[-1], depth)
    if base.kind == 'IfExp':
        return max(none_weight(hunt, base.body, depth), none_weight(hunt, base.orelse, depth))
    return 0.4


def element_weight(target, values):
    """How easily what a loop gets from some values is None."""
    return 0.3 if target.kind != 'Name' else 0.03 if is_call(values, *NODE_CALLS) else 0.2


def never_none(node):
    """Whether an expression is something that hardly ever is None; in capitals, a constant of the module."""
    if node.kind == 'Name':
        return node.id.isupper() and len(node.id) > 1 or node.id in ALWAYS_THERE
    if is_op(node, 'Or'):                       # x or ''
        return node.values[-1].kind in ('Str', 'Num', 'Dict', 'List', 'Tuple')
    return node.kind == 'Call' and last_name(node.func) in NEVER_NONE


def returns_none(function):
    """Whether a function can answer None: by saying so, by a bare return, or by running off its end."""
    last = function.body[-1]
    if last.kind not in ('Return', 'Raise'):
        return True
    return any(node.value is None or is_name(node.value, 'None') for node in returns_of(function))


MADE_AS = {'Dict': 'dict', 'DictComp': 'dict', 'dict': 'dict', 'OrderedDict': 'dict', 'List': 'sequence',
           'Tuple': 'sequence', 'ListComp': 'sequence', 'Str': 'sequence', 'list': 'sequence', 'tuple': 'sequence',
           'sorted': 'sequence', 'defaultdict': 'filled on demand', 'Counter': 'filled on demand'}


def made_as(hunt, node):
    """'dict', 'sequence' or 'filled on demand' for a name that is bound to nothing else; None for all others."""
    if node.kind != 'Name':
        return None
    around = hunt.function if node.id in local_names(hunt.function) else node.source.tree
    bound = bindings(around).get(node.id, ())
    values = [one.parent.value if one.parent.kind == 'Assign' and one in one.parent.targets else None for one in bound]
    kinds = set(MADE_AS.get(last_name(value) if value.kind == 'Call' else value.kind) if value else None
                for value in values)
    return kinds.pop() if len(kinds) == 1 and not (around.kind == 'Module' and
                                                   node.id in global_names(around)) else None


@kept
def global_names(module):
    """The names that functions of a module declare global."""
    return set(name for one in walk(module) if one.kind == 'Global' for name in one.names)


def shares_loop(node, other):
    """Whether a loop stands around both."""
    return any(loop.kind in ('For', 'While') and loop.start <= node.start < loop.end for loop in ancestors(other))


MODEL = ('metadata', 'Prefs', 'Dict')           # the framework's: what they hold is there, or made on demand


def raises_asked(*kinds):
    """A rule for errors of a value of the wrong type that nodes of some kinds ask for something."""
    return lambda node, hunt: typed_weight(hunt, refuses_none(node), hunt.found.group('type')) if (
        node.kind in kinds and refuses_none(node) is not None) else 0


def raises_iteration(node, hunt):
    kind = hunt.found.group('type')
    if node.kind in ('For', 'comprehension', 'GeneratorExp'):
        return max(0.05, typed_weight(hunt, (node.generators[0] if node.kind == 'GeneratorExp' else node).iter, kind))
    if unpacked(node) is not None and node.kind == 'Assign':
        return 0.8 * typed_weight(hunt, node.value, kind)
    if node.kind == 'AugAssign' and node.op == 'Add':           # a list is extended by it
        return 0.8 * typed_weight(hunt, node.value, kind)
    if hunt.kind == 'own' and node.kind == 'Call' and node.args and last_name(node.func) in (
            'list', 'set', 'tuple', 'sorted', 'dict', 'enumerate', 'max', 'min', 'map', 'filter', 'zip', 'join',
            'extend', 'update', 'reversed'):
        return 0.8 * typed_weight(hunt, node.args[-1], kind)
    return 0


def typed_weight(hunt, node, kind):
    """How well the value of an expression can be of the type that the message names."""
    if kind == 'NoneType':
        return none_weight(hunt, node)
    if kind in ('str', 'unicode'):
        return 0.1 if node.kind in ('List', 'Dict', 'ListComp') else 0.6
    return 0.5


def raises_attribute(node, hunt):
    name = hunt.found.group('name')
    if node.kind == 'Attribute' and node.attr == name:
        shape = re.match(r"'?([\w.]+)'? (object|instance)", hunt.message)
        return max(0.02, typed_weight(hunt, node.value, shape.group(1) if shape else 'NoneType'))
    if is_call(node, 'getattr', 'setattr') and len(node.args) >= 2:
        return 0.6 if node.args[1].kind == 'Str' and node.args[1].s == name or node.args[1].kind != 'Str' else 0
    return 0


def raises_key(node, hunt):
    key, quoted = unquoted(hunt.found.group('key'))
    if node.kind == 'Subscript':
        index = index_of(node)
        if index is None or is_call(node.value, *SEQUENCE_CALLS) or \
                root_name(node) == 'metadata' or made_as(hunt, node.value) in ('sequence', 'filled on demand'):
            return 0
        if is_sandboxed(node) and hunt.kind == 'own' and node.ctx != 'Del':
            return 0.02 if not stored(node) else 0
        known = is_name(node.value, 'Prefs')    # a preference that is asked for is in DefaultPrefs.json, as a rule
        return (0.02 if known else 1.0) * key_weight(index, key, quoted)
    if node.kind == 'Call' and node.func.kind == 'Attribute':
        if node.func.attr in ('pop', 'remove') and node.args and len(node.args) == 1:
            return 0.8 * key_weight(node.args[0], key, quoted)
        if node.func.attr in ('format', 'format_map'):
            text = node.func.value
            return 0.5 if text.kind != 'Str' or '{' + key in text.s else 0
    if is_op(node, 'Mod'):
        return 0.5 if node.left.kind != 'Str' or '%(' + key + ')' in node.left.s else 0
    return 0


def key_weight(index, key, quoted):
    """How well an index can be the key that a KeyError names: 0 for not at all .. 1."""
    if text_at(index) is not None:
        return 1.0 if quoted and text_at(index) == key else 0
    if index.kind in ('Num', 'UnaryOp'):
        text = logs.to_text(str(index.n)) if index.kind == 'Num' else flat(index)
        return 1.0 if not quoted and text == key else 0
    if index.kind == 'Tuple':
        return 0.4 if not quoted else 0
    return 0 if index.kind in LITERALS and index.kind != 'BinOp' or quoted and is_counter(index) else 0.4


KNOWN_OF_ALL = frozenset('title title_sort id url link href'.split())


def raises_index(node, hunt):
    what = hunt.found.group('what')
    if node.kind == 'Subscript':
        if what == 'pop' or 'assignment' in what:
            return 0.8 if 'assignment' in what and stored(node) else 0
        if stored(node):
            return 0
        index = index_of(node)
        if index is None or index.kind == 'Str' or node.value.kind == 'Dict' or \
                made_as(hunt, node.value) in ('dict', 'filled on demand'):
            return 0
        if is_sandboxed(node) and hunt.kind == 'own':
            return 0.02
        name = last_name(node.value) if node.value.kind == 'Call' else None
        if name in ('split', 'rsplit', 'splitlines') and index.kind == 'Num' and index.n == 0:
            return 0.02
        if name in SEQUENCE_CALLS or name in ('find', 'xpath'):
            around = statement_of(node)         # what had no title and no address would hardly have been found
            return 0.5 if around.kind == 'Assign' and last_name(around.targets[0]) in KNOWN_OF_ALL else 1.0
        return 0.8 if index.kind in ('Num', 'UnaryOp') else 0.5
    if node.kind == 'Call' and node.func.kind == 'Attribute':
        if node.func.attr == 'pop' and (what == 'pop' or 'pop' in what):
            return 0.9
        if node.func.attr == 'group' and what == 'group':
            return 1.0
        if node.func.attr == 'format' and 'tuple' in what:
            return 0.7
    return 0


def raises_name(node, hunt):
    return 1.0 if node.kind == 'Name' and node.id == hunt.found.group('name') and (
        not stored(node) or node.parent.kind in ('Delete', 'AugAssign')) else 0


def raises_where(can_raise, weight=1.0):
    """A rule for errors that any expression of a kind raises. can_raise: node -> bool."""
    return lambda node, hunt: weight if can_raise(node) else 0


def raises_call(*names):
    """A rule for errors that only calls of these functions raise (by the last part of the name)."""
    return raises_where(lambda node: is_call(node, *names))


def raises_no_text(node, hunt):
    """re.search() and json.loads() of what is no text: unless it was made by what always makes one."""
    if node.kind != 'Call' or last_name(node.func) not in SEARCHES + ('loads', 'ObjectFromString'):
        return 0
    text = text_argument(node)
    if text is not None and text.kind == 'Name':
        before = [value for statement, value in values_given(hunt.function, text.id)
                  if statement.start < node.start and statement.parent in list(ancestors(node))]
        text = before[-1] if before and before[-1] is not None else text
    made = text is not None and (text.kind == 'Str' or of_xpath(text) == 'text' or
                                 is_call(text, 'sub', 'subn', 'str', 'unicode', 'strip', 'lower', 'replace', 'join',
                                         'format', 'encode', 'decode', 'read', 'text_content') or
                                 text.kind == 'Attribute' and text.attr == 'content')
    return 0.1 if made else 1.0


def raises_conversion(node, hunt):
    if node.kind != 'Call':
        return 0
    name, wanted = last_name(node.func), hunt.found.group('name')
    if name == wanted:
        sure = node.args and (node.args[0].kind == 'Num' or is_op(node.args[0], 'Div', 'FloorDiv', 'Sub', 'Pow'))
        return 0.1 if sure else 1.0             # (what comes out of a division is a number)
    if name == 'map' and node.args and last_name(node.args[0]) == wanted:
        return 0.9
    takes = parameter_names(hunt.function) if hunt.function.kind == 'FunctionDef' else ()
    return 0.5 if node.func.kind == 'Name' and node.func.id in takes else 0     # kind(value)


def raises_operator(node, hunt):
    op = hunt.found.group('op')                 # `-=` in the sandbox's own words
    able = node.kind == 'AugAssign' or node.kind == 'BinOp' and not op.endswith('=')
    return operand_weight(node, hunt) if able and node.op == BINARY.get(op.rstrip('=')) else 0


def raises_joining(node, hunt):
    """str + something: additions, augmented ones, and calls that join paths or texts."""
    if node.kind in ('BinOp', 'AugAssign') and node.op == 'Add':
        return operand_weight(node, hunt)
    return 0.5 if is_call(node, 'join', 'unicode', 'open', 'load', 'exists') else 0


def operand_weight(node, hunt):
    """How easily an operand of an operation is the None that the message speaks of."""
    if 'NoneType' not in hunt.message:
        return 1.0
    right = getattr(node, 'right', None) or node.value
    left = node.left if node.kind == 'BinOp' else node.target
    if re.search(r"NoneType'? (and|objects)|: 'NoneType'", hunt.message) and \
            not re.search(r"and '?NoneType", hunt.message):
        return none_weight(hunt, left)
    return none_weight(hunt, right)


def raises_formatting(node, hunt):
    if is_op(node, 'Mod'):
        return 1.0
    return 0.4 if node.kind == 'Call' and root_name(node.func) == 'Log' and len(node.args) > 1 else 0


TAKE_NUMBERS = ('date', 'datetime', 'time', 'timedelta', 'fromtimestamp', 'utcfromtimestamp', 'FromTimestamp', 'gmtime',
                'localtime', 'ctime', 'sleep', 'Sleep', 'chr', 'unichr', 'range', 'xrange', 'round', 'floor', 'ceil')


def raises_number_wanted(node, hunt):
    return 1.0 if is_call(node, *TAKE_NUMBERS) and (node.args or node.starargs) else raises_formatting(node, hunt)


def raises_wrong_index(node, hunt):
    """A list or a text that is asked for a key."""
    if node.kind != 'Subscript' or root_name(node) in MODEL:
        return 0
    index = index_of(node)
    if index is None or (index.kind in ('Num', 'UnaryOp') and 'indices' in hunt.message):
        return 0
    return 1.0 if index.kind == 'Str' or 'indices' not in hunt.message else 0.4


def raises_arguments(node, hunt):
    if hunt.found.group('name') == '_apply':         # the sandbox's own: what is called with * or **
        return 1.0 if node.kind == 'Call' and (node.starargs or node.kwargs) else 0
    name, wanted = hunt.found.group('name'), re.search(r"keyword argument '(\w+)'", hunt.message)
    if node.kind == 'Call' and wanted and not node.kwargs and wanted.group(1) not in [one.arg for one in node.keywords]:
        return 0
    return 1.0 if is_call(node, name) else 0.6 if node.kind == 'Call' and name == '__init__' else 0


def raises_unicode(node, hunt):
    if node.kind == 'Call':
        name = last_name(node.func)
        if name in ('encode', 'decode', 'unicode', 'str'):
            return 1.0
        if name in ('format', 'join', 'replace', 'quote', 'urlencode', 'normalize', 'startswith', 'endswith', 'find'):
            return 0.6
        return 0.3 if root_name(node.func) in ('Log', 'os', 'String') else 0.05
    if is_op(node, 'Add', 'Mod'):
        return 0.6
    return 0.2 if node.kind == 'Compare' else 0


def raises_import(node, hunt):
    wanted = hunt.found.group('name').split('.')[-1]
    if node.kind == 'Import':
        return 1.0 if any(wanted in alias.name.split('.') for alias in node.names) else 0
    if node.kind == 'ImportFrom':
        parts = (node.module or '').split('.') + [alias.name for alias in node.names]
        return 1.0 if wanted in parts else 0
    return 0.3 if is_call(node, '__import__') else 0


# the fields of the framework's model that are no text, by the type that its message names (FRAMEWORK.md 4)
FIELD_TYPES = {'float': ('rating', 'audience_rating'), 'date': ('originally_available_at', 'available_at'),
               'int': ('year', 'duration', 'index', 'absolute_index', 'rating_count', 'content_rating_age')}


def type_of_field(name):
    return next((kind for kind, fields in FIELD_TYPES.items() if name in fields), 'str')


def raises_field(node, hunt):
    """The framework's typed metadata fields: an assignment to an attribute, or add/append on one."""
    fields = [one.attr for one in walk_targets(node) if one.kind == 'Attribute' and root_name(one) != 'self'] \
        if node.kind == 'Assign' else ()
    if not fields:
        return 0.6 if is_call(node, 'add', 'append', 'clear', 'new') else 0
    wanted = re.search(r"required type '(\w+)'", hunt.message)
    kind = wanted and {'unicode': 'str', 'datetime': 'date', 'long': 'int'}.get(wanted.group(1), wanted.group(1))
    return 0.9 if wanted is None or kind in map(type_of_field, fields) else 0.02


def walk_targets(node):
    """The single targets of an assignment."""
    for target in node.targets:
        for part in target.elts if target.kind in ('Tuple', 'List') else [target]:
            yield part


REQUEST = FETCHES | frozenset('get send content headers load read PropertyListObjectFromURL'.split())


def raises_request(node, hunt):
    if node.kind == 'Attribute' and node.attr in ('content', 'headers') and not stored(node):
        return 0.9
    if node.kind != 'Call':
        return 0
    name = last_name(node.func)
    if name in REQUEST:
        return 0.9
    return 0.4 if name in ('str', 'ObjectFromString', 'ElementFromString') else 0.05


raises_parsing = raises_call('ObjectFromURL', 'ElementFromURL', 'load', 'parse', 'decode', 'json', 'HTML',
                             *(PARSES - frozenset(['strptime'])))


def fitting_nodes(hunt):
    """The nodes of a function that can fit the frame that stood right below (see expression_weight()), and some more.
    """
    nodes, kinds = frame_nodes(hunt.function), {'getitem': 'Subscript', 'apply': 'Call'}.get(hunt.kind)
    if kinds:
        return [node for node in nodes if node.kind in (kinds, 'FunctionDef')]
    if hunt.kind == 'call' and re.match('[^<_]', hunt.callee or '') and hunt.callee not in ('set', 'load_module'):
        names = (hunt.callee,) + STANDS_BEHIND.get(hunt.callee, ())
        return [node for node in nodes if node.kind in ('Call', 'FunctionDef') or
                node.kind == 'Attribute' and node.attr in names]
    return nodes


def callee_weight(node, hunt):
    """How well an expression fits the frame that stood right below: 0 for not at all."""
    if hunt.kind == 'getitem':
        return 1.0 if node.kind == 'Subscript' and not stored(node) else 0
    if hunt.kind == 'getiter':
        return 1.0 if node.kind in ('For', 'comprehension', 'GeneratorExp') or unpacked(node) is not None else 0
    if hunt.kind == 'apply':
        if node.kind != 'Call' or not (node.starargs or node.kwargs):
            return 0
        return 1.0 if not hunt.callee or last_name(node.func) in (hunt.callee, None) else 0.3
    if hunt.kind == 'call':
        return call_weight(node, hunt.callee)
    return 1.0


# functions of the framework and of the standard library that show under another name than the one that was called
STANDS_BEHIND = {
    '_strptime': ('strptime',),
    'load': ('content', 'headers', 'Request', 'str', 'ObjectFromURL', 'ElementFromURL'),
    '_http_request': ('Request', 'content'),
    'content': ('Request', 'ObjectFromString', 'ElementFromString', 'str'),
    '__str__': ('str', 'ObjectFromString', 'ElementFromString', 'decode', 'content'),
    'raw_decode': ('loads', 'load'), 'decode': ('loads', 'decode'),
    '_compile': ('compile', 'search', 'match', 'sub', 'findall', 'split'),
}


def call_weight(node, callee):
    if callee is None:
        return 0.5
    if callee.startswith('<'):
        return 0.5 if node.kind in ('Call', 'GeneratorExp') else 0
    if node.kind == 'Call':
        return 1.0 if is_call(node, callee) else 0.8 if is_call(node, *STANDS_BEHIND.get(callee, ())) else \
            0.5 if callee in ('__init__', '__call__', '__new__') else 0.04
    if node.kind == 'Attribute' and (node.attr == callee or node.attr in STANDS_BEHIND.get(callee, ())):
        return 0.9
    if node.kind == 'Attribute' and callee == '__setattr__':
        return 0.9 if stored(node) else 0
    if node.kind == 'Assign' and callee in ('__setattr__', '__set__', 'set', '_set'):
        return 0.5 if any(target.kind == 'Attribute' for target in walk_targets(node)) else 0
    if node.kind == 'Subscript' and callee == '__delitem__':
        return 1.0 if node.ctx == 'Del' else 0
    if node.kind in ('Subscript', 'Compare') and callee in ('__getitem__', '__setitem__', '__eq__', '__contains__',
                                                            '__cmp__'):
        return 0.7
    if node.kind in ('Import', 'ImportFrom') and callee in ('__import__', 'load_module', '<module>'):
        return 1.0
    if node.kind in ('BinOp', 'Compare', 'For') and callee.startswith('__'):
        return 0.4
    return 0


# ------------------------------------------------------------------------------------------ what held before this place
# what a header evaluates
HEADERS = {'If': 'test', 'While': 'test', 'For': 'iter', 'With': 'context_expr'}


def held_conditions(statement):
    """The texts of the conditions that a statement stands under."""
    return frozenset(flat(one) for inner, outer in levels(statement) if outer.kind == 'If' and inner in outer.body
                     for one in and_operands(outer.test))


def passed_before(statement, known=frozenset()):
    """The statements, and headers around, that were surely passed before this one in the same call, nearest first.

    known: texts of conditions that hold, besides those that the statement itself stands under.
    """
    place, known = statement, known | held_conditions(statement)
    while statement.kind not in OUTERMOST:
        for earlier in reversed(earlier_siblings(statement)):
            if earlier.kind == 'If' and all(flat(one) in known for one in and_operands(earlier.test)) and not any(
                    earlier.start < one.start < place.start for name in names_in(earlier.test)
                    for one, _ in values_given(frame_of(place), name)):
                for one in reversed(earlier.body):
                    yield one
            yield earlier
        around = statement.parent
        if around.kind == 'If' or around.kind in ('For', 'While', 'With') and statement in around.body:
            yield around
        statement = around


def evaluated_before(statement, names):
    """The expressions that were certainly evaluated before a statement in the same call, nearest first, since the last
    of some variables got its value."""
    for earlier in passed_before(statement):
        around = is_in(statement, earlier)
        if not (around and earlier.kind in ('If', 'With')) and names & names_bound_by(earlier):
            return
        held = and_operands(earlier.test) if around and earlier.kind == 'If' and in_any(
            statement, earlier.body) else [earlier]
        for part in [part for one in held for part in surely_evaluated(one)]:
            if earlier.kind != 'For' or around or not is_in(part, earlier.target):      # (there may be no round)
                yield part


@kept
def surely_evaluated(node):
    """What a statement or expression evaluates itself, whatever else in it is true."""
    return [part for part in own_part(node) if node.kind not in ('FunctionDef', 'ClassDef') and
            always_evaluated(part, node)]


def refuses_none(node):
    """The expression that a node asks for an attribute, an item, its elements or its length, which None has not; None.
    """
    if node.kind in ('Attribute', 'Subscript'):
        return node.value if not stored(node) else None
    if node.kind in ('For', 'comprehension'):
        return node.iter
    if node.kind == 'Compare':
        return node.comparators[-1] if node.ops[-1] in ('In', 'NotIn') else None
    return node.args[0] if is_call(node, 'len') and node.args else None


def asked_value(hunt, node):
    """The text of what a node asks, where each question to it fails; None where this one alone does."""
    asked = refuses_none(node) if "'NoneType'" in hunt.message or (
        by_base(hunt) and node.kind in ('Attribute', 'Subscript')) else None
    return None if asked is None else flat(asked)


def held_before(hunt, node, statement):
    """Whether this very expression, or a use of it that would have failed as well, went well just before."""
    text, base = flat(node), asked_value(hunt, node)
    unbound = hunt.exception in ('NameError', 'UnboundLocalError')      # then a value more is none less
    kinds, root = ('Name',) if unbound else ('Attribute', 'Subscript', 'Call'), refuses_none(node) or node
    first = first_met(frame_of(statement))
    return min(first.get(one, node.start) for one in (text, base)) < node.start and any(
        part.start < node.start and (part.kind in kinds and flat(part) == text or
                                     base is not None and asked_value(hunt, part) == base)
        for part in evaluated_before(statement, set() if unbound else set([root_name(root)])))


@kept
def first_met(scope):
    """{text: where an expression that reads so first stands} in a function or module."""
    return dict((flat(node), node.start) for node in reversed(walk(scope))
                if node.kind in ('Name', 'Attribute', 'Subscript', 'Call'))


def switched_off(hunt, node):
    """Whether the preferences say that this place is not reached: it lies under `if Prefs['x']:` and x is off."""
    for inner, outer in levels(node) if hunt.preferences else ():
        if outer.kind in ('If', 'IfExp') and inner is not outer.test:
            value = preference_value(hunt, outer.test)
            if value is not None and value != (inner in as_list(outer.body)):
                return True
    return False


def preference_value(hunt, test):
    """What a condition made of preferences is: True, False, or None where it is not known."""
    if test.kind == 'Subscript' and root_name(test) == 'Prefs' and test.value.kind == 'Name':
        return hunt.preferences.get(key_of(test))
    if is_op(test, 'Not'):
        value = preference_value(hunt, test.operand)
        return None if value is None else not value
    if test.kind == 'Name' and hunt.function is frame_of(test):
        values = [value for _, value in values_given(hunt.function, test.id)]
        return preference_value(hunt, values[0]) if len(values) == 1 and values[0] is not None and \
            values[0].kind == 'Subscript' else None
    if test.kind == 'BoolOp':
        values = [preference_value(hunt, one) for one in test.values]
        stops = test.op == 'Or'
        return stops if stops in values else None if None in values else not stops
    return None


Voice = collections.namedtuple('Voice', 'statement parts whole is_log asks')
# text that a statement hands to a call: its literal parts, whether these are all that the log line holds, and whether a
# server is asked for it there


ADDRESSED = ('HTTP.Request', 'JSON.ObjectFromURL', 'HTML.ElementFromURL', 'XML.ElementFromURL')
# calls whose text is a path or a pattern, which is neither logged nor asked for
LOOKS_FOR = frozenset('xpath find findall findtext iterfind cssselect Regex compile search match sub split replace '
                      'strip lstrip rstrip startswith endswith get'.split())


@kept
def voices(function):
    """[Voice] of what a function says in the log or asks a server for, in the order of the text."""
    found = []
    for node in own_nodes(function):
        text = constant_text(node)
        call, above = enclosing(node, 'Call'), node.parent
        if not text or '\n' in text or (call or enclosing(node, 'Assign')) is None or \
                (node.kind == 'Name' and '/' not in text) or last_name(call or node) in LOOKS_FOR:
            continue
        parts = re.split(r'%[-#0-9.]*[sdrfix]|\{[^{}]*\}', text)
        is_log = call is not None and root_name(call.func) == 'Log'
        whole = is_log and call.args[:1] in ([node], [above]) and (above is call or is_op(above, 'Mod'))
        size = sum(len(part.strip()) for part in parts)
        if size >= (12 if call is None else 4) or (whole and size):
            asks = call is not None and '/' in text and ('://' in text or flat(call.func) in ADDRESSED)
            found.append(Voice(statement_of(node), parts, whole, is_log, asks and not is_log))
    return sorted(found, key=lambda voice: voice.statement.start)


def constant_text(node):
    """The text that a string is, or a name that the file itself binds once, at its top, to strings; None."""
    if node.kind == 'Str':
        return node.s
    if is_op(node, 'Add'):
        left, right = constant_text(node.left), constant_text(node.right)
        return left + right if left is not None and right is not None else None
    if node.kind != 'Name' or node.ctx != 'Load':
        return None
    bound, around = bindings(node.source.tree).get(node.id, ()), frame_of(node)
    return constant_text(bound[0].parent.value) if len(bound) == 1 and bound[0].kind == 'Name' and \
        bound[0].parent.kind == 'Assign' and bound[0].parent.end <= node.start and (
            around.kind == 'Module' or node.id not in local_names(around)) else None


SAID_MOST = 200                 # letters that the aggregate keeps of what was said


def fits(voice, text):
    """Whether a log line can be what a statement said; the end of a long line is missing."""
    if voice.whole:
        return re.match('.*'.join(re.escape(part) for part in voice.parts) + '$', text) is not None
    place = 0
    for part in voice.parts:
        at = text.find(part, place)
        if at < 0:
            tail = text[text.find(part[:12]):] if part[:12] in text[place:] else None
            return len(text) >= SAID_MOST and (place > 0 if tail is None else part.startswith(tail))
        place = at + len(part)
    return True


def last_heard(function, texts):
    """The statements of a function that can have said the newest of these texts that any of them fits; [] for none."""
    for at, text in reversed(list(enumerate(texts))):
        best = []
        for voice in voices(function):
            size = sum(len(part.strip()) for part in voice.parts)
            if fits(voice, text) and size >= (best[0][0] if best else 0):
                best = [row for row in best if row[0] == size] + [(size, voice.statement)]
        if best:
            return [statement for _, statement in best]
        if text.startswith("Requesting '"):
            earlier = last_heard(function, texts[:at])
            return earlier and [node for node in plain_requests(function) if node.start > earlier[0].start] or earlier
    return []


def plain_requests(function):
    """The statements that ask for an address that is not written there."""
    return [statement_of(node) for node in own_nodes(function) if node.kind == 'Call' and
            flat(node.func) in ADDRESSED and not any('/' in (constant_text(below) or '') for below in walk(node))]


def said_weight(hunt, statement, last):
    """How well a place fits that `last` spoke last, or nothing of the function where it is the function: it is not
    before it, nor behind another statement that speaks."""
    if statement is last:
        return 0.7
    if statement.start < last.start:
        return 0.25 if shares_loop(last, statement) else 0.03
    if last is not hunt.function and exclusive(statement, last):
        return 0.05
    known = frozenset(text for text in held_conditions(last) if re.match(r'(Prefs\b.*|[A-Z_\d]+)$', text))
    for passed in passed_before(statement, known):
        if passed.start > last.start and passed is not statement and passed.kind not in COMPOUND:
            call = call_of(passed)
            if call is not None and root_name(call.func) == 'Log':
                return 0.05
            if passed in asking(hunt.function):
                return 0.15                     # a request, unless its answer came from the cache
    return 0.7 ** min(4, silent_between(hunt, last, statement, known))


@kept
def asking(function):
    """The statements of a function that ask for an address."""
    return set(voice.statement for voice in voices(function) if voice.asks)


def silent_between(hunt, last, statement, known):
    """How many Log calls lie on the way that only a condition can have kept silent."""
    others = [voice.statement for voice in voices(hunt.function) if voice.is_log]
    return sum(last.start < other.start < statement.start and not exclusive(other, statement) and
               not unlikely_branch(other, known) and not switched_off(hunt, other) for other in others)


def unlikely_branch(statement, known):
    """Whether a statement lies in a handler, in an else, or under a condition for debugging that is not known to hold.
    """
    for inner, outer in levels(statement):
        if outer.kind == 'ExceptHandler':
            return True
        if outer.kind == 'If' and (inner not in outer.body or outer.test.kind == 'UnaryOp' or re.search(
                'debug', flat(outer.test), re.I) and flat(outer.test) not in known):
            return True
    return False


def by_base(hunt):
    """Whether the error tells of the value that is asked, so that every earlier question to it had failed too."""
    return "'NoneType'" in hunt.message or 'indices must be' in hunt.message


def earlier_uses(hunt, node):
    """A factor for how many other uses would have failed before this one, had they been reached."""
    asked = refuses_none(node)
    if asked is None:
        return 1.0
    base = asked_value(hunt, node)
    text = base or flat(node)
    root, factor = root_name(asked), 1.0
    shown = (None, catching_try(node, hunt.exception))          # what another try catches is not seen
    for other in reads_of(hunt.function).get(text, ()):
        if other.start >= node.start or factor < 0.1:
            break
        if (asked_value(hunt, other) if base else other.kind == node.kind and flat(other)) == text and \
                catching_try(other, hunt.exception) in shown and not exclusive(other, node) and \
                not switched_off(hunt, other) and not any(
                    other.start < one.start < node.start for one, _ in values_given(hunt.function, root)):
            factor *= 0.6
    return factor


@kept
def reads_of(function):
    """{text: [nodes]} of the nodes of a function that ask a value for something, in the order of the text: by their own
    text and by that of the value."""
    nodes = sorted((node for node in frame_nodes(function) if refuses_none(node)), key=lambda node: node.start)
    return grouped((text, node) for node in nodes for text in set([flat(node), flat(refuses_none(node))]))


def exclusive(node, other):
    """Whether two nodes lie in different branches of one if, so that never both run."""
    both = next((around for around in ancestors(node) if around.start <= other.start < around.end), None)
    if both is None or both.kind not in ('If', 'IfExp'):
        return False
    suites = [(name, as_list(getattr(both, name))) for name in ('body', 'orelse')]
    return ['body', 'orelse'] == [name for name, suite in suites for part in (node, other)
                                  if suite and suite[0].start <= part.start < suite[-1].end]


def guarded(hunt, node):
    """Whether a condition already makes sure that an expression does not raise: `if x:`, `'k' in d`, `len(x) > 1`."""
    base = node.args[0] if is_call(node, 'len', 'int', 'float', 'long') and node.args else getattr(node, 'value', None)
    if node.kind not in ('Attribute', 'Subscript', 'Call') or base is None:
        return False

    def makes_sure(test, holds):
        if 'NoneType' in hunt.message:
            return says_there(test, holds, base.text)
        if hunt.exception == 'IndexError':
            return is_length_check(test, base.text) or node.kind == 'Subscript' and flat(node.slice) in (
                '0', '-1') and says_there(test, holds, base.text, NO_LIST)
        while is_op(test, 'Not'):
            test, holds = test.operand, not holds
        return any(asks_for(one, node, holds) for one in same_operands(test, 'And' if holds else 'Or'))

    return any(makes_sure(test, holds) for test, holds in conditions_at(node))


def catching_try(node, exception):
    """The try around the node, in the same function, that catches this exception and does not raise it again; or None.
    """
    for inner, outer in levels(node):
        if outer.kind == 'TryExcept' and inner in outer.body:
            for handler in outer.handlers:
                if catches(handler, exception):
                    return None if any(below.kind == 'Raise' for below in walk(handler)) else outer
    return None


PARENTS = {'KeyError': ('LookupError',), 'IndexError': ('LookupError',), 'UnboundLocalError': ('NameError',),
           'UnicodeDecodeError': ('UnicodeError', 'ValueError'), 'UnicodeEncodeError': ('UnicodeError', 'ValueError'),
           'HTTPError': ('URLError', 'IOError', 'EnvironmentError'), 'URLError': ('IOError', 'EnvironmentError'),
           'JSONDecodeError': ('ValueError',), 'ZeroDivisionError': ('ArithmeticError',), 'ImportError': ()}


def catches(handler, exception):
    if handler.type is None:
        return True
    named = handler.type.elts if handler.type.kind == 'Tuple' else [handler.type]
    wanted = (exception, 'Exception', 'StandardError', 'BaseException') + PARENTS.get(exception, ())
    return any(last_name(name) in wanted for name in named)


# ------------------------------------------------------------------------------------- lines that the sandbox reports
# Plex compiles agent code with the `compiler` package of 2.7. Its line table cannot step back, and the order of its
# blocks comes from iterating a set, so it changes from one plug-in start to the next. What it can report for a place
# follows from the shape of the code: the blocks below are laid out as that package does, in many possible orders.
# Source: pycodegen.py and pyassem.py (order_blocks, LineAddrTable.nextLine) of CPython 2.7.18, and RestrictedPython.
ORDERS = 160                    # block orders tried for each function; of 40, one line in ten that is seen is in none


class Block(object):
    """A run of code: the line numbers set in it, the block that must follow at once, and those that must come later."""

    def __init__(self, number):
        self.number = number
        self.lines = []
        self.next = None
        self.later = []         # targets of relative jumps: must be laid out after this block
        self.targets = []       # any jump: makes the target reachable


class SandboxTable(object):
    """What lines a traceback can show for each place of one sandboxed function, and how often."""

    def __init__(self, function):
        self.blocks = []
        self.entry = self.block = self.new_block()
        self.places = {}        # id of a node: (block, number of lines set in it when the node's own operation runs)
        self.last_line = None
        self.loops = []
        self.set_line(function.line)
        self.lay_function(function)
        self.orders = self.lay_out()
        self.hits = {}          # place: {line reported: in how many of the orders}

    def chance(self, node, statement, line):
        """How probable it is (0..1) that an error of this node is reported at this line."""
        place = self.places.get(id(node)) or self.places.get(id(statement))
        if place is None or place[0] not in self.orders[0]:
            return 0.3 if node.line <= line <= node.end_line else 0.01
        hits = self.hits.setdefault(place, {})
        if not hits:
            for order in self.orders:
                shown = self.reported(order, *place)
                hits[shown] = hits.get(shown, 0) + 1
        chance = hits.get(line, 0) / len(self.orders)
        if statement.line <= line <= head_end(statement):
            chance = max(chance, 0.02)
        return max(chance, 0.001)

    def true_line(self, node, statement):
        """The line that the compiler had set when the node's own operation runs, before the line table spoils it."""
        block, count = self.places.get(id(node)) or (None, 0)
        line = block.lines[count - 1] if count else statement.line
        return line if statement.line <= line <= statement.end_line else statement.line

    def reported(self, order, block, count):
        return max([order[block]] + block.lines[:count])

    # ---- laying out: pyassem.order_blocks, LineAddrTable
    def lay_out(self):
        """[{block: highest line set before it}], one dict per order tried; what is never reached is left out."""
        import random
        reached, waiting = set(), [self.entry]
        while waiting:
            block = waiting.pop()
            if block not in reached:
                reached.add(block)
                waiting.extend(block.targets + ([block.next] if block.next else []))
        chains, chain_of = [], {}
        followed = set(block.next for block in reached if block.next)
        heads = [block for block in self.blocks if block in reached and block not in followed]
        for block in heads:
            chain = []
            while block:
                chain.append(block)
                chain_of[block] = len(chains)
                block = block.next
            chains.append(chain)
        before = [set() for _ in chains]
        for block in reached:
            for target in block.later:
                if target in chain_of and chain_of[target] != chain_of[block]:
                    before[chain_of[target]].add(chain_of[block])
        self.after = [[number for number, needed in enumerate(before) if one in needed] for one in range(len(chains))]
        chance = random.Random(11)              # seeded: the same report every time
        return [self.one_order(chains, before, chance) for _ in range(ORDERS if len(chains) > 2 else 1)]

    def one_order(self, chains, before, chance):
        """One layout: as in a set's fixed order by address, the first free chain comes next."""
        import heapq
        ranks, missing = [chance.random() for _ in chains], [len(needed) for needed in before]
        highest, order, now, left = 0, {}, 0, set(range(1, len(chains)))
        free = [(ranks[number], number) for number in left if not missing[number]]
        heapq.heapify(free)
        while True:
            for block in chains[now]:
                order[block] = highest
                highest = max([highest] + block.lines)
            for number in self.after[now]:
                missing[number] -= 1
                if not missing[number] and number in left:
                    heapq.heappush(free, (ranks[number], number))
            if not left:
                return order
            now = heapq.heappop(free)[1] if free else min(left, key=ranks.__getitem__)
            left.remove(now)

    # ---- building blocks: pycodegen
    def new_block(self):
        self.blocks.append(Block(len(self.blocks)))
        return self.blocks[-1]

    def next_block(self, block=None):
        block = block or self.new_block()
        self.block.next = block
        self.block = block

    def jump(self, target, relative=False):
        self.block.targets.append(target)
        if relative:
            self.block.later.append(target)

    def set_line(self, line, force=False):
        if line != self.last_line or force:
            self.block.lines.append(line)
            self.last_line = line

    def mark(self, node):
        self.places[id(node)] = (self.block, len(self.block.lines))

    def lay_function(self, function):
        if function.kind == 'Lambda':
            self.visit(function.body)
        elif function.kind == 'GeneratorExp':
            self.comprehension_body(function, outermost=True)
        else:
            first = function.body[0]
            has_docstring = function.kind != 'ClassDef' and first.kind == 'Expr' and first.value.kind == 'Str'
            self.visit_all(function.body[has_docstring:])

    def visit_all(self, nodes):
        for node in nodes:
            self.visit(node)

    def visit(self, node):
        """Lay out a node; what no method is written for evaluates its children in order."""
        method = getattr(self, 'visit_' + node.kind, None)
        if method:
            method(node)
            self.places.setdefault(id(node), (self.block, len(self.block.lines)))
        else:
            if node.kind in STATEMENTS and node.kind not in ('Delete', 'Global'):
                self.set_line(node.line)
            self.visit_all(children(node))
            self.mark(node)

    def visit_Name(self, node):
        if node.ctx in ('Load', 'Del'):
            self.set_line(node.line)

    def visit_Call(self, node):
        self.set_line(compiler_line(node))
        self.visit_all(children(node))

    def display(self, node):
        below = children(node)
        self.set_line(compiler_line(below[0]) if below else node.line)
        self.visit_all(below)

    visit_List = visit_Set = visit_Dict = display

    def visit_Tuple(self, node):
        if node.ctx == 'Load':
            self.display(node)
        else:
            self.visit_all(node.elts)

    def made_here(self, node):
        self.set_line(node.line)
        self.visit_all(own_parts(node)[1])

    visit_Lambda = visit_FunctionDef = visit_ClassDef = made_here

    def visit_Expr(self, node):
        self.set_line(compiler_line(node.value))
        self.visit(node.value)

    def visit_Assign(self, node):
        self.set_line(node.targets[0].end_line)
        self.visit(node.value)
        self.mark(node)
        self.visit_all(node.targets)

    def visit_AugAssign(self, node):
        self.set_line(node.target.end_line)
        self.visit(node.value)

    def visit_If(self, node):
        end = self.new_block()
        while True:
            if node.test.kind not in ('Attribute', 'Subscript'):    # the sandbox rewrites these, and their line is lost
                self.set_line(compiler_line(node.test))
            self.visit(node.test)
            self.mark(node)
            otherwise = self.new_block()
            self.jump(otherwise)
            self.next_block()
            self.visit_all(node.body)
            self.jump(end, relative=True)
            self.block = otherwise
            if len(node.orelse) == 1 and node.orelse[0].is_elif:
                node = node.orelse[0]
                continue
            break
        self.visit_all(node.orelse)
        self.next_block(end)

    def visit_While(self, node):
        self.set_line(node.line)
        loop, otherwise, after = self.new_block(), self.new_block(), self.new_block()
        self.jump(after, relative=True)
        self.next_block(loop)
        self.loops.append(loop)
        self.set_line(node.line, force=True)
        self.visit(node.test)
        self.mark(node)
        self.jump(otherwise)
        self.next_block()
        self.visit_all(node.body)
        self.jump(loop)
        self.block = otherwise
        self.loops.pop()
        self.visit_all(node.orelse)
        self.next_block(after)

    def visit_For(self, node):
        start, anchor, after = self.new_block(), self.new_block(), self.new_block()
        self.loops.append(start)
        self.set_line(node.line)
        self.jump(after, relative=True)
        self.visit(node.iter)
        self.mark(node)
        self.next_block(start)
        self.set_line(node.line, force=True)
        self.jump(anchor, relative=True)
        self.visit(node.target)
        self.visit_all(node.body)
        self.jump(start)
        self.next_block(anchor)
        self.loops.pop()
        self.visit_all(node.orelse)
        self.next_block(after)

    def visit_Continue(self, node):
        self.set_line(node.line)
        if self.loops:
            self.jump(self.loops[-1])
        self.next_block()

    def visit_TryExcept(self, node):
        body, handlers, end = self.new_block(), self.new_block(), self.new_block()
        otherwise = self.new_block() if node.orelse else end
        self.set_line(node.line)
        self.jump(handlers, relative=True)
        self.next_block(body)
        self.visit_all(node.body)
        self.jump(otherwise, relative=True)
        self.block = handlers
        for handler in node.handlers:
            following = None
            if handler.type is not None:
                self.set_line(handler.type.line)
                self.visit(handler.type)
                following = self.new_block()
                self.jump(following)
                self.next_block()
            if handler.name is not None:
                self.visit(handler.name)
            self.visit_all(handler.body)
            self.jump(end, relative=True)
            self.next_block(following)
        if node.orelse:
            self.next_block(otherwise)
            self.visit_all(node.orelse)
        self.next_block(end)

    def with_end(self, node, begin, block, end):
        body, final = self.new_block(), self.new_block()
        self.set_line(node.line)
        self.visit_all(begin)
        self.mark(node)
        self.jump(final, relative=True)
        self.next_block(body)
        self.visit_all(block)
        self.next_block(final)
        self.visit_all(end)

    def visit_TryFinally(self, node):
        self.with_end(node, (), node.body, node.finalbody)

    def visit_With(self, node):
        self.with_end(node, [node.context_expr], as_list(node.optional_vars or []) + node.body, ())

    def visit_BoolOp(self, node):
        end = self.new_block()
        for value in node.values[:-1]:
            self.visit(value)
            self.jump(end)
            self.next_block()
        self.visit(node.values[-1])
        self.next_block(end)

    def visit_IfExp(self, node):
        end, otherwise = self.new_block(), self.new_block()
        self.visit(node.test)
        self.jump(otherwise)
        self.visit(node.body)
        self.jump(end, relative=True)
        self.next_block(otherwise)
        self.visit(node.orelse)
        self.next_block(end)

    def visit_ListComp(self, node):
        self.set_line(node.generators[0].line)
        self.comprehension_body(node)

    visit_SetComp = visit_DictComp = visit_ListComp

    def visit_GeneratorExp(self, node):
        self.set_line(node.generators[0].line)
        self.visit(node.generators[0].iter)
        self.mark(node)
        self.mark(node.generators[0])

    def comprehension_body(self, node, outermost=False):
        open_loops = []
        for number, part in enumerate(node.generators):
            start, anchor = self.new_block(), self.new_block()
            if not (outermost and number == 0):
                self.visit(part.iter)
                self.mark(part)
            self.next_block(start)
            self.set_line(part.line, force=True)
            self.jump(anchor, relative=True)
            self.next_block()
            self.visit(part.target)
            skip = self.new_block() if part.ifs else None
            for test in part.ifs:
                self.set_line(test.line, force=True)
                self.visit(test)
                self.jump(skip)
            open_loops.insert(0, (start, skip, anchor))
        self.visit_all([node.elt] if node.kind != 'DictComp' else [node.value, node.key])
        for start, skip, anchor in open_loops:
            if skip:
                self.next_block(skip)
            self.jump(start)
            self.block = anchor


def compiler_line(node):
    """The line that the compiler package gives an expression (transformer.py), which is not always its first."""
    if node.kind == 'Call':                     # that of the first argument, or of the closing parenthesis
        arguments = children(node)[1:]
        return min(argument.line for argument in arguments) if arguments else node.end_line
    if node.kind == 'Compare':                  # that of the last operator
        left = ([node.left] + node.comparators)[-2]
        between = node.source.text[left.outer[1]:node.comparators[-1].outer[0]]
        return node.source.line_of(left.outer[1] + len(between) - len(between.lstrip(' \t\\\r\n')))
    if node.kind == 'Attribute' or (node.kind == 'Str' and node.text.lstrip('uUbBrR')[:3] in ('\'\'\'', '"""')):
        return node.end_line
    return node.line


# --------------------------------------------------------------------------------------------------- the true statement
@kept
def frame_nodes(scope):
    """Every node that runs in the frame of a function; the sandbox also runs set and dict comprehensions there."""
    return list(itertools.chain.from_iterable([node] + (frame_nodes(node) if node.kind in (
        'SetComp', 'DictComp') and is_sandboxed(scope) else []) for node in own_nodes(scope)))


def locate(function, frame, exception, message, mixed=False, said=(), preferences=None, logged=()):
    """The places in a function that can have raised this error, as [Place], most probable first; confidences sum to 1.

    mixed: the lines were reported for several messages, so each place need only explain one of them.
    said: [[what the thread logged last before a record, oldest first]]; preferences: {name: what it is set to}.
    logged: the try statements of which one caught the error and logged it.
    """
    hunt = hunt_for(function, frame, exception, message, preferences)
    heard = [statement for texts in said for statement in last_heard(function, texts) or (
        [function] if len(texts) < logs.MOST_SAID else ())]
    rows, table = [], line_table(function)
    for node in fitting_nodes(hunt):
        weight, statement, reasons = expression_weight(node, hunt), statement_of(node), []
        chances = [table.chance(node, statement, line) if statement.line <= line else 0
                   for line in frame.lines if weight]
        if not weight or not max(chances or [1]):
            continue                            # (most of a long function; what follows costs more than these two)
        holder = catching_try(node, exception)
        if holder not in logged if logged else holder is not None:
            weight *= 0.01                      # it is caught elsewhere
        elif guarded(hunt, node):
            weight *= 0.03
            reasons.append('a condition around it already makes sure')
        elif held_before(hunt, node, statement):
            weight *= 0.02
            reasons.append('the same expression went well just before')
        else:
            # what is met first fails first: further up in its function, and in fewer compound statements
            way_down = (statement.start - function.start) / max(1, function.end - function.start)
            deep = sum(outer.kind in COMPOUND for _, outer in levels(statement))
            weight *= earlier_uses(hunt, node) * 0.9 ** deep * (1.0 - 0.2 * way_down)
        if switched_off(hunt, node):
            weight *= 0.05
            reasons.append('a preference switches it off')
        if heard:
            weight *= max(said_weight(hunt, statement, last) for last in heard)
        rows.append((weight, chances, statement, node, reasons))
    mixed = mixed or failed_apart(rows, frame)
    weights = [(row[0] * (max(row[1] or [1]) if mixed else product(row[1])),) + row[2:] for row in rows]
    return ranked_places([row for row in weights if row[0]], table, message)


def failed_apart(rows, frame):
    """Whether several places explain the lines that were reported better than one does; in one start, each place has
    one line. rows: (weight, [chance of each line], ...) of the places."""
    most = max([row[0] for row in rows] or [0])
    if len(frame.lines) < 2 or not most:
        return False
    one = max(row[0] / most * product(row[1]) for row in rows)
    apart = product(max(row[0] / most * row[1][number] for row in rows) for number in range(len(frame.lines)))
    return apart * (1 if any(len(start) > 1 for start in frame.starts) else 0.05 ** (len(frame.lines) - 1)) > one


def product(numbers):
    found = 1.0
    for number in numbers:
        found *= number
    return found


def places_of(pattern, function, frame, bundle, logged=()):
    """The places for all messages of a pattern (all KeyErrors at one place are one), by their share of records."""
    messages = [(row['text'], row.get('count') or 1) for row in (pattern.get('messages') or ())[:3]]
    messages = messages or [(pattern.get('message') or '', 1)]
    total, best = sum(count for _, count in messages), {}
    said = [texts for texts in said_before(pattern) if texts or not bundle.is_terse()]
    for text, count in messages:
        for place in locate(function, frame, pattern.get('exception') or '', text, len(messages) > 1, said,
                            bundle.preferences(), logged):
            share = round(place.confidence * count / total, 3)
            known = best.get(place.statement.start)
            if known is None:
                best[place.statement.start] = place._replace(confidence=share)
            else:
                best[place.statement.start] = known._replace(confidence=round(known.confidence + share, 3))
    return sorted(best.values(), key=lambda place: (-place.confidence, place.statement.start))


def said_before(pattern):
    """[[what the thread logged last before a record, oldest first]] of the records that are kept whole."""
    return [row['said'] for row in pattern.get('exemplars') or () if row.get('said') is not None]


MISSED_BY_PROBE = 0.02          # the weight of a place whose probe was silent, and 2.5 times it for a place unheard of


def settled(places, named, silent=()):
    """The places after a probe: the lines that it named come first, those at which it kept silent hardly count."""
    shares = [named.count(place.line) / len(named) if named else 0 for place in places]
    if any(shares):
        sure = [0.99 * share + 0.01 * place.confidence for place, share in zip(places, shares)]
    elif silent:
        sure = [place.confidence * (MISSED_BY_PROBE if place.line in silent else 1) for place in places]
        total = sum(sure) + 2.5 * MISSED_BY_PROBE
        sure = [one / total for one in sure]
    else:
        return places
    rows = [place._replace(confidence=round(one, 3)) for place, one in zip(places, sure)]
    return sorted(rows, key=lambda place: (-place.confidence, place.statement.start))


def with_those_behind(places, history, pattern, function):
    """The places after a fix for the first one with which items failed further on: half the chance is the others'."""
    further = [row for row in history if row.get('further') and row.get('decision') == 'ROLLBACK']
    if len(places) < 2 or (pattern, function) not in [(row.get('pattern'), row.get('function')) for row in further]:
        return places
    return [places[0]._replace(confidence=0.5)] + in_shares(places[1:], 0.5)


def in_shares(places, whole=1.0):
    """The places with their confidences in proportion, so that they sum to `whole`."""
    total = sum(place.confidence for place in places)
    return [place._replace(confidence=round(whole * (place.confidence / total if total else 1.0 / len(places)), 3))
            for place in places]


def expression_weight(node, hunt):
    """How well an expression can have raised the error: 0 for not at all .. 1."""
    if node.kind == 'Raise':
        return raise_weight(node, hunt)
    if node.kind == 'FunctionDef':              # a decorator that calls it at once
        return 1.0 if node.decorator_list and hunt.message.startswith('%s() takes ' % node.name) and \
            hunt.message.endswith('(0 given)') else 0
    fits = callee_weight(node, hunt)
    if not fits:
        return 0
    if hunt.rule is None:
        return fits if hunt.kind in ('call', 'apply') else 0.3 if node.kind == 'Call' else 0
    able = hunt.rule(node, hunt)
    if hunt.kind == 'own' and hunt.rule in (raises_parsing, raises_request):
        able *= 0.1                             # these are Python functions, whose frames would stand below
    named = hunt.rule is raises_attribute and hunt.callee in ('__getattribute__', '__setattr__')
    if hunt.callee == 'join' and node.kind in ('Call', 'Attribute') and last_name(node) == 'join' and re.search(
            "'NoneType'.*'(starts|ends)with'", hunt.message):
        if node.kind == 'Attribute':
            return 0
        best = max([none_weight(hunt, part) for part in joined_parts(node, hunt.message)] or [0])
        return best if best > 0.1 else 0
    if hunt.kind in ('call', 'apply') and hunt.rule is not raises_field and not named:
        # raised further down: what this expression could raise itself says little
        return fits * (0.5 + 0.5 * able)
    return fits * able


def joined_parts(call, message):
    """The arguments of os.path.join() that can have been None: it asks the first one for `endswith`, the others for
    `startswith`."""
    return [part for part in (call.args[1:] if 'startswith' in message else call.args[:1]) if part.kind != 'Str']


def raise_weight(node, hunt):
    """A raise shows no frame below it; `raise error` in a handler hides where the error really came from."""
    if hunt.kind not in ('own', 'unknown') or node.type is None:
        return 0
    if last_name(node.type) == hunt.exception:
        return 1.0
    handler = enclosing(node, 'ExceptHandler')
    return 0.4 if handler is not None and last_name(node.type) == caught_as(handler) is not None else 0


class PlainTable(object):
    """Reported lines as CPython's own compiler gives them, or unknown ones: near is better."""

    def __init__(self, exact):
        self.exact = exact

    def chance(self, node, statement, line):
        if node.line <= line <= (head_end(node) if node.kind in COMPOUND else node.end_line):
            return 1.0
        if statement.line <= line <= head_end(statement):
            return 0.9
        if self.exact:
            return 0.001
        return 0.05 / (1.0 + 0.02 * max(0, line - statement.line))

    def true_line(self, node, statement):
        return min(max(node.end_line, statement.line), head_end(statement))


def head_end(statement):
    """The last line of a simple statement, or of a compound one's header."""
    return statement.source.line_of(max(statement.start, own_end(statement) - 1))


@kept
def line_table(function):
    """What says how probable each reported line is for each place of a function."""
    if not is_sandboxed(function) or function.kind == 'Module':
        return PlainTable(not is_sandboxed(function))
    return SandboxTable(function)


def ranked_places(weights, table, message):
    """[Place] from (weight, statement, expression, reasons): one per statement, with its best expression."""
    best = {}
    for weight, statement, node, reasons in weights:
        row = best.setdefault(statement.start, [0, 0, statement, node, reasons])
        if weight > row[1]:
            row[1], row[3], row[4] = weight, node, reasons
        row[0] += 0.1 * weight
    for row in best.values():                   # one expression decides; others in the same statement help a little
        row[0] += 0.9 * row[1]
    total = sum(row[0] for row in best.values())
    rows = sorted(best.values(), key=lambda row: (-row[0], row[2].start))
    return [Place(row[2], row[3], table.true_line(row[3], row[2]), round(row[0] / total, 3), row[4],
                  message) for row in rows]


# --------------------------------------------------------------------------------------------------------------- cause
ORIGINS = (
    (r'^(HTTP\.Request|urlopen|urllib2?\.|requests\.|HTTPRequest)|\.urlopen\(|Request\(|^(JSON|XML|HTML|YAML|RSS|Plist)'
     r'\.\w+FromURL', 'request', 'the answer to a request'),
    (r'^(JSON|XML|HTML|YAML|RSS|Plist)\.\w+FromString|^json\.loads|fromstring\(', 'document',
     'the data that was read'),
    (r'^Core\.storage\.load|^open\(|^(json|pickle|Data)\.load\(', 'file', 'a file on disk'),
    (r'^re\.|\.(search|match|finditer)\(|^Regex\(', 'match', 'a search for a pattern in a text'),
    (r'\.(xpath|find|findall|cssselect|iterfind|findtext)\(', 'element', 'a search in the page or data'),
    (r'^Prefs\[|^Prefs\.', 'preference', 'a preference'),
    (r'^media\b', 'media', 'what the server said about the item'),
    (r'\.(get|pop)\(', 'field', 'a field of the data'),
    (r'^(?!(len|int|long|float|str|unicode|round|abs|min|max|sum|repr|range|zip|map|filter|dict|list|tuple|set|getattr|'
     r'next|iter|sorted)\()(self\.)?\w+\(',
     'function', 'the answer of another function of the plug-in'),
)
ORIGIN_WORDS = dict([(name, words) for _, name, words in ORIGINS] + [('argument', 'an argument of the function')])
VALUES = (
    ('None', r"NoneType"), ('missing key', r'^KeyError'), ('index', r'^IndexError'), ('unbound', r'^UnboundLocal'),
    ('undefined name', r'^NameError|^ImportError'), ('upstream', r'^(HTTPError|URLError|timeout|SSLError)'),
    ('text', r'^(ValueError|Unicode\w+Error|XMLSyntaxError|JSONDecodeError)'), ('type', r'^(TypeError|AttributeError)'))

Cause = collections.namedtuple('Cause', 'value expression origin steps calls')
Cause.__new__.__defaults__ = ((),)
# value: as value_known() says; expression: text of what had the bad value; origin: words for what it comes from, or
# None; steps: [{'file', 'function', 'line', 'text'}] from the failing place back to where the value came from, or where
# a variable gets one; calls: those on that way
MOST_STEPS = 12


def value_known(exception, message):
    """What is known of the bad value: 'None', 'missing key', 'index', 'text', 'type', ... or 'unknown'."""
    error = '%s: %s' % (exception, message)
    return next((value for value, shape in VALUES if searched(shape, error)), 'unknown')


ARGUMENTS = re.compile(r'\w+\(\) (takes|got) ')


def suspect(node, message=''):
    """The sub-expression whose value was bad."""
    if ARGUMENTS.match(message):
        return node
    if node.kind == 'Call' and ('not callable' in message or is_call(node, 'encode', 'decode')):
        return node.func.value if node.func.kind == 'Attribute' and 'not callable' not in message else node.func
    if is_op(node, 'Mod') and node.left.kind == 'Str':
        return node.right
    if node.kind in ('Attribute', 'Subscript'):
        return node.value
    if node.kind == 'Call':
        return text_argument(node) or (node.args[0] if node.args else node)
    if node.kind == 'GeneratorExp':
        return node.generators[0].iter
    if node.kind == 'Compare' and node.ops[0] in ('In', 'NotIn'):
        return node.comparators[0]
    parts = [getattr(node, name, None) for name in ('iter', 'value', 'left', 'right', 'test')]
    parts = [part for part in parts if isinstance(part, Node)]
    return next((part for part in parts if part.kind not in LITERALS), (parts + [node])[0])


def bad_values(case):
    """The expressions of a Case's statement of which one had the bad value: those that may have failed so and were not
    asked for a value before; of those that failed, where that leaves too many."""
    failed = case.expression
    if failed.kind == 'Raise':
        return [failed]
    if case.statement.kind == 'Assign' and failed in case.statement.targets and re.match(
            'Unicode|AttributeTypeMismatch', case.exception):
        return [case.statement.value]           # what was to be stored there
    if last_name(failed) == 'join' and re.search("'(starts|ends)with'", case.message):
        return joined_parts(failed, case.message)[-1:] or [suspect(failed, case.message)]
    faults = [one for one in faults_of(case) if one.bad is not None and one.what != FAILED]
    faults = [one for one in faults if not is_checked(case, one.bad, one.bad.text) and not was_used_before(
        case, one.bad)] or faults
    groups = [faults, [one for one in faults if one.node is failed or is_in(failed, one.node)]]
    for group in groups if 'None' in case.message else reversed(groups):
        found = [suspect(one.bad) if is_call(one.bad, 'encode', 'decode') else one.bad for at, one in enumerate(group)
                 if not same_value(one, group[:at])]
        found = [one for one in found if one.kind != 'BinOp' or not any(
            other is not one and is_in(other, one) for other in found)]
        if 0 < len(found) < 3:
            return found
    return [suspect(failed, case.message)]


def find_cause(case, chain=()):
    """Follow the bad value back through the assignments of its function, to those that handed it over and into what
    answered it. chain: the Frames above that of the case, outermost first.
    """
    value = value_known(case.exception, case.message)
    if case.expression is None:
        return Cause(value, '', None, [])
    if value == 'unbound':                      # what it should have been says nothing
        name = case.expression.text
        givers = [node.parent if node.parent.kind == 'ExceptHandler' else statement_of(node)
                  for node in name_nodes(case.function, name) if node.ctx == 'Store' and not in_comprehension(node)]
        return Cause(value, name, None, [step_at(one) for one in sorted(givers, key=lambda one: one.start)])
    nodes = bad_values(case)
    text = '" or "'.join(one_line(node.text) for node in nodes)
    if len(nodes) > 1 or value == 'undefined name' or nodes[0] is case.expression and ARGUMENTS.match(case.message):
        return Cause(value, text, None, [])
    steps, answered, calls, callers, seen, words, known = [], None, [], list(chain), [], '', value
    behind = nodes[:1]
    while len(behind) == 1 and behind[0] not in seen and len(seen) < MOST_STEPS:
        seen.append(behind[0])
        node = carried(behind[0], known == 'None')
        steps.append(step_at(node, words))
        asked = asked_first(node)
        calls += plain_calls(node)
        if asked.kind == 'Call' and answered is None and (steps[1:] or asked is not node):
            answered = one_line(asked.text)
        origin, behind, words = came_from(case, node, known, callers)
        if words or node.kind != 'Name' and not (node.kind == 'Call' and behind and 'Return' in (
                behind[0].kind, behind[0].parent.kind)):
            known = 'type'                      # it was asked for the value
    steps += [step_at(one, 'or else ' if at else '') for at, one in enumerate(behind) if len(behind) > 1]
    source = 'what %s answered' % answered if origin in ('unknown', 'function') and answered else \
        ORIGIN_WORDS.get(origin)
    comes = 'comes from' if seen[1:] or origin == 'argument' and node.kind != 'Name' else 'is'
    return Cause(value, text, source and 'which %s %s' % (comes, source), steps, calls)


def step_at(node, words=''):
    """One step of a Cause; words: what stands before its text."""
    if node.kind == 'FunctionDef':
        return {'file': node.source.path, 'function': node.name, 'line': node.line,
                'text': '%sthe end of it, without an answer' % words}
    return {'file': node.source.path, 'function': name_in_log(function_around(node)), 'line': node.line,
            'text': one_line(words + header_text(node).rstrip(':'))}


def asked_first(node):
    """What a chain like a(b).c[d] asks first: a(b)."""
    while node.kind in ('Attribute', 'Subscript'):
        node = node.value
    return node


def came_from(case, node, value, callers):
    """(origin, the nodes that its value can have come from, words before them) of an expression. callers: [Frame or
    statement] that called the function of the node, the last one directly; changed to be those of the answer's."""
    segment, root = one_line(node.text), root_name(node)
    origin = next((name for shape, name, _ in ORIGINS if searched(shape, segment)), 'unknown')
    if node.kind == 'Subscript' and (root == 'Prefs' or origin in ('unknown', 'media')):
        origin = 'preference' if root == 'Prefs' else 'field'
    if origin in ('request', 'file', 'preference') or root is None:
        return origin, [], ''
    name = next(below for below in walk(node) if is_name(below, root))
    function, loop = nearest(node, ('FunctionDef', 'Lambda', 'Module')), loop_over(name)
    given = loop if loop is not None and loop.kind == 'comprehension' else last_assignment(
        function, name, value if node.kind == 'Name' else 'type')
    if given is not None and given.kind != 'Assign':        # (not followed: `for x in x`)
        behind = [] if is_in(node, given.iter) else [given.iter]
        return 'element' if origin == 'unknown' else origin, behind, 'each of '
    if given is not None:
        return origin, [given.value] if node.kind == 'Name' or origin in ('unknown', 'field', 'function') else [], ''
    if function.kind != 'Module' and root in names_in(function.args) - set(['self', 'cls']):
        if root == 'media' or origin not in ('unknown', 'field', 'function'):
            return 'media' if root == 'media' else origin, [], ''
        return 'argument' if origin == 'unknown' else origin, handed_over(case, function, root, callers), ''
    asked = asked_first(node)
    behind = answers_of(case, asked, value == 'None' and asked is node, callers) or set_in_object(
        node, callers, value == 'None')
    return 'unknown' if origin == 'field' else origin, behind, ''      # (a field of a table of the code itself)


def handed_over(case, function, name, callers):
    """What a function's one known caller gives for a parameter, as [node]; [] where it is not known."""
    if function.kind != 'FunctionDef':
        return []
    called, caller = function.parent.name if function.name == '__init__' else function.name, None
    if callers:
        caller = callers.pop()
        caller = statement_calling(case.bundle, caller) if isinstance(caller, Frame) else caller
    calls = [one for one in own_part(caller) if is_call(one, called)] if caller is not None else [
        one for one in bundle_nodes(case, 'Call', called) if surely_means(one, function)]
    if len(calls) != 1:
        return []
    call, names = calls[0], given_parameters(function)
    at = names.index(name) if name in names else len(call.args)
    return call.args[at:at + 1] or [one.value for one in call.keywords if one.arg == name]


def answers_of(case, call, is_none, callers):
    """What the one function of the bundle that a call leads to can have answered, as [node]: the values of its returns,
    or a Return that has none; [] where too much is possible. is_none: it answered None."""
    found = functions_meant(case.bundle, call) if call.kind == 'Call' else []
    function = found[0][1] if len(found) == 1 else None
    if function is None or not surely_means(call, function) or any(
            node.kind == 'Yield' for node in own_nodes(function)):
        return []
    empty = [one for one in returns_of(function) if one.value is None or is_name(one.value, 'None')]
    answers = [one.value for one in returns_of(function) if one not in empty and not (
        is_none and never_none(one.value) or is_call(one.value, function.name))]
    answers += empty + [function] * runs_off(function.body) if is_none else []
    callers.append(statement_of(call))
    return answers if len(answers) < 5 else []


def runs_off(block):
    """Whether the end of some statements can be reached, as far as loops are left."""
    last = block[-1]
    if last.kind == 'If' and last.orelse or last.kind in ('TryExcept', 'TryFinally', 'With'):
        ends = [suite.body for suite in last.suites if suite.name != 'finalbody']
        return any(map(runs_off, ends + [one.body for one in getattr(last, 'handlers', ())]))
    return last.kind not in ('Return', 'Raise') and not (last.kind == 'While' and flat(last.test) in ('1', 'True'))


OF_DATA = TEXT_METHODS | SHARED_METHODS | DICT_METHODS | LIST_METHODS | SEQUENCE_CALLS | OFTEN_NONE


def surely_means(call, function):
    """Whether a call of a function's name means it: by the object, class or module asked, or as no data have such a
    method: `row.get()` is none of the bundle's get()."""
    base = call.func.value if call.func.kind == 'Attribute' else None
    return base is None or call.func.attr not in OF_DATA or is_name(
        base, 'self', 'cls', getattr(function.parent, 'name', None),
        os.path.basename(function.source.path).partition('.')[0])


def set_in_object(node, callers, is_none):
    """The one value that the class gives an attribute which a chain starts with, as [node]; is_none: the chain is None,
    and where it is nothing but that attribute, all values that can be. [] where others set it."""
    owner, part = enclosing(node, 'ClassDef'), node
    while part.kind in ('Call', 'Attribute', 'Subscript') and not (
            part.kind == 'Attribute' and is_name(part.value, 'self')):
        part = part.func if part.kind == 'Call' else part.value
    del callers[:]                              # another method set it, and who called that is not known
    if part.kind != 'Attribute' or owner is None:
        return []
    given = [one for one in nodes_named(node.source, 'Attribute', part.attr) if stored(one) and not (
        sets_self(one) and enclosing(one, 'ClassDef') is not owner)] + bindings(owner).get(part.attr, [])
    is_none = is_none and part is node
    values = [one.parent.value for one in given if one.parent.kind == 'Assign' and not (
        never_none(one.parent.value) if is_none else is_name(one.parent.value, 'None'))]
    return values if len(values) < (5 if is_none else 2) and all(
        one.parent.kind == 'Assign' and (one.kind == 'Name' or sets_self(one)) for one in given) else []


def carried(node, is_none=False):
    """What an expression only hands on: x of enumerate(x), x.items(), `x or []`, [one for one in x if one]. is_none: it
    is None, and then so is y of `x or y`."""
    while True:
        if node.kind == 'BoolOp':
            node = node.values[-1 if is_none and is_op(node, 'Or') else 0]
        elif node.kind in COMPREHENSIONS and len(node.generators) == 1 and is_name(
                getattr(node, 'elt', None), getattr(node.generators[0].target, 'id', '')):
            node = node.generators[0].iter
        elif node.kind == 'Call' and node.args and is_name(node.func, 'enumerate', 'sorted', 'list', 'reversed', 'set',
                                                           'tuple', 'iter', 'dict'):
            node = node.args[0]
        elif node.kind == 'Call' and node.func.kind == 'Attribute' and not node.args and is_call(
                node, 'items', 'iteritems', 'values', 'itervalues', 'keys', 'iterkeys', 'copy'):
            node = node.func.value
        else:
            return node


def header_text(node):
    """A node's own text: of a loop or condition without what is in it."""
    return node.source.text[node.start:getattr(node, 'header_end', node.end)] if node.kind in COMPOUND else node.text


def last_assignment(function, name, value):
    """The Assign or For nearest before a Name that binds it, or None. value: what is known of it, as in Cause."""
    found = [(one, given) for one, given in values_given(function, name.id) if one.start < name.start and (
        one.kind == 'For' or given is not None and one.end <= name.start and not (
            never_none(given) if value == 'None' else value == 'type' and is_name(given, 'None')))]
    if value not in ('None', 'index'):          # what came from elsewhere, rather than an empty dict to begin with
        found = [row for row in found if row[1] is None or row[1].kind not in ('Str', 'Num', 'Dict', 'List')] or found
    return max((one for one, _ in found), key=lambda one: one.start) if found else None


def one_line(text):
    return cut(re.sub(r'\s+', ' ', text).strip(), 90)


def cut(text, most):
    """A text of at most so many letters."""
    return text if len(text) <= most else text[:most - 3].rstrip() + '...'


# -------------------------------------------------------------------------------------------------- repair templates
# A template is a way in which maintainers mend such a line. Each one asks first what would become of the value it puts
# in (`effect`): a patch that only moves the crash a few lines on, or to the caller, is not offered.

Proposal = collections.namedtuple('Proposal', 'template edits summary loss risk prior why path others wide')
Proposal.__new__.__defaults__ = (None, (), False)
# one way to mend a place; edits: [(start, end, text)] on source.text; loss: what the items do without; risk: 'low',
# 'medium' or 'high'; prior: chance of success, 0..1; path: the file, from the bundle on, where it is not the case's
# own; others: {path: edits} of further files; wide: it mends several places that may have failed
# The priors stand on one ladder: 0.9 and more where the program itself shows what is meant; 0.8 to 0.88 where it is
# known that all goes well with the new value, the smaller the change the higher; 0.5 to 0.75 where that is not known;
# below that what stores something empty, or gives up the rest of a function.


def cure(template, edits, summary, prior, why, path=None, others=()):
    """A Proposal without a loss and of low risk."""
    return Proposal(template, edits, summary, 'nothing', 'low', prior, why, path, others)


Fault = collections.namedtuple('Fault', 'node bad test soft what')
# node: the expression that raises; bad: the one whose value is not as expected; test: text of bad -> (text of a
# condition under which node does not raise, text of its opposite), or None where no condition can tell; what: words;
# soft: [(edits, node, value)] ways to write it so that it cannot raise, and what that node is worth then

FAILED = 'it failed'                            # what: where only the call itself can tell
CRASH, HOLLOW, OPEN, FINE = range(4)            # effects of a value, worst first; HOLLOW: stores nothing for something


# --------------------------------------------------------------------------------------- what becomes of a value
def effect(case, node, value, depth=0):
    """What happens where an expression has a certain value: CRASH, HOLLOW, OPEN (not known) or FINE."""
    if depth > 12:
        return OPEN
    if value not in BY_KIND and (is_raised_for(case, node, value) or leaves_unset(case, node, value)):
        return CRASH
    rule = EFFECTS.get(node.parent.kind, OPEN)
    return rule(case, node, node.parent, value, depth) if callable(rule) else rule


def is_raised_for(case, node, value):
    """Whether the `if` or assert that asks for an expression raises an error of its own where this is empty; those
    that the framework has for its users are none."""
    test, suite = statement_of(node), None
    while test.kind in ('If', 'Assert') and (suite is None or is_in(node, test) or node.text in test.test.text):
        held = holds_for(test.test, node.text, value)
        if held is None or test.kind == 'Assert':
            return held is False and test.kind == 'Assert'
        suite = test.body if held else test.orelse
        test = suite[0] if len(suite) == 1 else suite[-1] if suite and suite[-1].kind == 'Raise' else node
    return test.kind == 'Raise' and suite is not None and test.type is not None and not test.type.text.startswith(
        'Ex.') and catching_try(test, last_name(test.type) or '') is None


def leaves_unset(case, node, value):
    """Whether the `if` that asks for an expression then leaves a variable unset that is read behind it."""
    test = statement_of(node)
    if test.kind != 'If' or test.orelse or not is_in(node, test.test) or holds_for(
            test.test, node.text, value) is not False or function_around(test) is not case.function:
        return False
    return any(use.start >= test.end for name in bound_names(*test.body) if not bound_before(case, name, test)
               for use in later_uses(case, name, test))


def effect_of_attribute(case, node, parent, value, depth):
    call = parent.parent if is_called(parent) else None
    result = method_result(value, parent.attr, call)
    return CRASH if result is None else effect(case, call or parent, result, depth + 1)


def method_result(value, name, call):
    """What value.name(...) gives for such a value; None where it raises."""
    if value == SOME:
        return SOME
    if call is None:
        return None
    if value in (NO_TEXT, TEXT) and name in TEXT_METHODS:
        if name in SPLITTERS:
            return NO_LIST if name == 'splitlines' or not call.args else SPLIT
        if name in ('find', 'rfind', 'count'):
            return NUMBER
        if name in ('index', 'rindex'):
            return None
        if name.startswith(('is', 'startswith', 'endswith')):
            return FALSE
        return SOME if 'partition' in name else value
    if value == NO_DICT and name in DICT_METHODS:
        if name == 'get':
            default = call.args[1] if len(call.args) > 1 else None
            return NOTHING if default is None else literal_value(default)
        if name == 'has_key':
            return FALSE
        return SOME if name in ('copy', 'update', 'setdefault') else NO_LIST
    if value in (NO_LIST, SPLIT) and name in LIST_METHODS and name != 'remove':
        return SOME
    return None


def literal_value(node):
    """The value that a literal stands for among the few that effect() knows."""
    if node.kind == 'Str':
        return TEXT if node.s else NO_TEXT
    if node.kind == 'Num':
        return NUMBER if node.n else ZERO
    if node.kind in ('List', 'Tuple'):
        return SOME if node.elts else NO_LIST
    if node.kind == 'Dict':
        return SOME if node.keys else NO_DICT
    if node.kind == 'Name' and node.id in ('None', 'False'):
        return node.id
    return SOME


def effect_of_subscript(case, node, parent, value, depth):
    if parent.value is not node:
        return CRASH
    if parent.slice.kind != 'Index':
        return CRASH if value in (NOTHING, NO_DICT, ZERO, FALSE, NUMBER) else effect(case, parent, value, depth + 1)
    index = index_of(parent)
    counted = counted_by(index) if value in (NO_LIST, NO_TEXT) else None
    if counted is not None and any(is_name(one.func, 'len') and node.text == code_of(one.args[0])
                                   for one in walk(counted) if one.kind == 'Call' and len(one.args) == 1):
        return FINE                             # a loop over its length does not get here
    if value == SPLIT and index.kind == 'Num' and index.n in (0, -1):
        return effect(case, parent, NO_TEXT, depth + 1)
    return effect(case, parent, SOME, depth + 1) if value == SOME else CRASH


def effect_of_argument(case, node, call, value, depth):
    """A value as an argument (or as the function) of a call."""
    if node is call.func:
        return CRASH
    if is_log_call(call):
        return FINE
    if is_name(call.func, RESULT) and node in call.args[:len(RESULT_PARTS)]:
        return effect_in_result(RESULT_PARTS[call.args.index(node)], value)
    name = last_name(call.func) or ''
    receiver = root_name(call.func)
    empty = value in (NO_TEXT, NO_LIST, NO_DICT)
    if value not in BY_KIND and is_act(call) and (
            node in call.args[:1] or node in call.args and re.match('(?i)move|rename', name) or LEADS_TO.search(
                getattr(node, 'arg', last_name(node) or ''))):
        return CRASH                            # what is deleted or played then is another thing, or nothing
    if value == NO_TEXT and node in call.args[:1] and call.func.kind == 'Attribute' and (
            name in NEEDS_TEXT or name in SEARCHES) and (is_name(call.func.value, 're') or name in NEEDS_TEXT and
                                                         receiver not in ('re', 'Regex')):
        return CRASH if name in SPLITTERS and receiver != 're' else HOLLOW      # '' is in any text
    if name == 'validate_keys' and empty:
        return HOLLOW                           # that removes the pictures that are there
    if name == 'join' and receiver == 'os' and empty and (node in call.args[:1] or is_address(case, call)):
        return HOLLOW                           # a file below whatever folder the process happens to run in, or all
    if receiver == 'Proxy' and node in call.args[:1] and value not in (SOME, TEXT):
        return CRASH                            # an empty picture is stored, and counts as one
    if name in ('str', 'unicode'):
        return CRASH if value == NOTHING else effect(       # or the text "None" is taken for a value
            case, call, value if value in (NO_TEXT, TEXT) else TEXT, depth + 1)
    if name in ('map', 'reduce') and len(call.args) > 1 and node is not call.args[0]:
        return effect(case, call, NO_LIST, depth + 1) if empty else OPEN if value == SOME else CRASH
    if name in ('isinstance', 'bool', 'callable', 'repr', 'type', 'hasattr', 'id'):
        return FINE
    of_class = call.func.kind == 'Attribute' and last_name(call.func.value) in ('date', 'datetime')    # else time's
    if name == 'strftime' and (node in call.args[1:]) != of_class and len(call.args) > 1 or \
            name == 'get' and receiver == 'requests':
        return OPEN if value == SOME else CRASH
    if name in ('min', 'max', 'sum') and len(call.args) == 1:
        return effect(case, call, ZERO, depth + 1) if name == 'sum' and value in (NO_LIST, NO_DICT) else \
            OPEN if value == SOME else CRASH
    if name in SEARCHES and call.func.kind == 'Attribute' and (
            receiver in ('re', 'Regex') or len(call.args) == 1 or name in ('sub', 'subn') and value == NOTHING):
        return effect_of_pattern(case, node, call, value, name, depth)
    if name == 'join' and receiver not in ('os', 'Core', 'path'):
        return effect(case, call, NO_TEXT, depth + 1) if empty else OPEN if value in (SOME, SPLIT) else CRASH
    if name in ('copy', 'deepcopy') and receiver == 'copy':
        return effect(case, call, value, depth + 1)
    if name in ('append', 'Append', 'add', 'insert', 'extend', 'update'):
        return HOLLOW if value in OTHERWISE and is_one_of_many(case, node, call) else effect_of_adding(
            call, value, name)
    if name == 'format':
        if value not in BY_KIND and (is_address(case, call) or makes_date(case, call, value)):
            return CRASH                        # what is asked for then is another thing, or nothing
        return effect_of_words(case, call, call.func.value, value, depth) if value != NOTHING else HOLLOW
    if name in ('get', 'setdefault', 'pop', 'has_key'):
        if name == 'get' and [node] == call.args[:1] and value not in BY_KIND:
            default = call.args[1] if len(call.args) > 1 else None
            return effect(case, call, NOTHING if default is None else literal_value(default), depth + 1)
        return FINE if call.args and node is call.args[0] else OPEN
    if name in TAKES and (name != 'dict' or node in call.args):
        made = TAKES[name].get(value, CRASH)
        return made if isinstance(made, int) else effect(case, call, made, depth + 1)
    if receiver == 'os' or name in ('listdir', 'scandir', 'makedirs'):
        return OPEN if value in (TEXT, SOME) or value == NO_TEXT and 'path' in flat(call.func).split('.') else CRASH
    found = effect_in_callee(case, node, call, value, name, depth)
    if value in BY_KIND or found <= HOLLOW:
        return found
    if found == OPEN and any(is_name(one, 'metadata') for one in call.args):
        return HOLLOW                           # `set_field(metadata, 'rating', 0)`
    leads = node in call.args[:1] or LEADS_TO.search(getattr(node, 'arg', getattr(node, 'id', '')))
    if found == OPEN and value in OTHERWISE and node.kind == 'Name' and NUMBERED.intersection(
            one.lower() for one in words_of(node.id)):
        return HOLLOW                           # that is none, or another one: the specials are season 0
    return HOLLOW if leads and is_request(case, call) else found    # nothing is asked for, which costs a request


def is_act(call):
    """Whether a call does away with something, or plays it."""
    name = last_name(call.func) or ''
    return (words_of(name)[:1] or [''])[0].lower() in ACTS or 'Resolved' in name


def acts_in(block):
    """Whether some statements, or what is below them, do away with something or play it."""
    return any(is_act(node) for one in block for node in walk(one) if node.kind == 'Call')


ACTS = frozenset('delete remove unlink rmtree rmdir erase wipe purge rename move play'.split())
NEEDS_TEXT = frozenset('replace split rsplit find rfind index count startswith endswith'.split())


# function -> {value of its argument: what it then gives, or the effect where that is not known}; any other crashes
TAKES = dict((name, made) for names, made in (
    ('int float long round abs', {ZERO: ZERO, NUMBER: NUMBER, FALSE: NUMBER, SOME: NUMBER}),
    ('min max', {ZERO: ZERO, NUMBER: NUMBER, SOME: SOME}),
    ('range xrange sum chr unichr divmod pow', {ZERO: SOME, NUMBER: SOME, SOME: SOME}),
    ('len', {NO_TEXT: ZERO, NO_LIST: ZERO, NO_DICT: ZERO, TEXT: ZERO, SOME: ZERO, SPLIT: ZERO}),
    ('dict', {NO_TEXT: NO_DICT, NO_LIST: NO_DICT, NO_DICT: NO_DICT, SOME: OPEN}),
    (' '.join(TO_LIST), {NO_TEXT: NO_LIST, NO_LIST: NO_LIST, NO_DICT: NO_LIST, SOME: OPEN, TEXT: OPEN, SPLIT: OPEN}),
    ('ParseDate', {NOTHING: NOTHING, NO_TEXT: NOTHING, NO_LIST: NOTHING, NO_DICT: NOTHING, TEXT: SOME, SOME: SOME}),
    (' '.join(FETCHES | PARSES), {SOME: OPEN}),
    (' '.join(TEXT_TOOLS), {NO_TEXT: NO_TEXT, TEXT: TEXT, SOME: SOME}),
    ('localtime gmtime', {ZERO: HOLLOW, NOTHING: HOLLOW, NUMBER: OPEN, SOME: OPEN}),    # 1970, and now
    ('fromtimestamp utcfromtimestamp FromTimestamp', {ZERO: HOLLOW, NUMBER: OPEN, SOME: OPEN}),
    ('mktime', {SOME: OPEN}), ('choice', {SOME: OPEN, TEXT: OPEN}), ('date datetime', {SOME: OPEN, NUMBER: OPEN}),
    ('MillisecondsFromString', {SOME: SOME}),
    ('replace startswith endswith find split strip xpath count decode encode', {NO_TEXT: OPEN, TEXT: OPEN, SOME: OPEN})
) for name in names.split())


def effect_of_pattern(case, node, call, value, name, depth):
    if value not in (NO_TEXT, TEXT, SOME):
        return CRASH
    if name in ('findall', 'finditer', 'split'):
        return effect(case, call, NO_LIST if name != 'split' else SPLIT, depth + 1)
    if name in ('sub', 'subn'):
        return effect(case, call, value, depth + 1)
    return effect(case, call, NOTHING, depth + 1)


def is_one_of_many(case, node, call):
    """Whether a loop fills a list with nothing but the values of a variable, and no other list goes along with it."""
    loop, value = enclosing(call, 'For'), node
    while is_call(value, *TEXT_METHODS) and value.func.kind == 'Attribute':
        value = value.func.value
    return loop is not None and is_in(case.statement, loop) and value.kind == 'Name' and is_call(call, 'append') and \
        call.func.value.kind == 'Name' and not any(map(is_in_step, later_uses(case, call.func.value.id, loop))) and all(
            [arg.text for arg in one.args] == [node.text] for one in walk(loop) if one.kind == 'Call' and
            one.func.text == call.func.text)


def effect_of_adding(call, value, name):
    target = call.func.value if call.func.kind == 'Attribute' else None
    made = last_name(call.args[-1].func) if call.args and call.args[-1].kind == 'Call' else None
    if (name == 'Append' or made and made[0].isupper()) and value != SOME:
        return CRASH                            # an object among objects is never a text
    if name == 'update':                        # a dict, or the hash of a text
        return OPEN if value in (SOME, TEXT, NO_TEXT, NO_DICT) else CRASH
    if name == 'extend':
        return FINE if value in (NO_LIST, NO_DICT, SPLIT) else OPEN if value == SOME else CRASH
    if target is not None and is_field(target):
        return CRASH if value in (NOTHING, NO_LIST, NO_DICT) else HOLLOW if value != SOME else OPEN
    if value in OTHERWISE and re.search(r'(?i)url|link|href', call.func.text + call.args[-1].text):
        return HOLLOW                           # an address that leads nowhere, to be asked for
    return OPEN if value not in (NOTHING, NO_LIST, NO_DICT) else HOLLOW    # an empty record among whole ones


def effect_in_callee(case, node, call, value, name, depth):
    """A value handed to a function: of the bundle's only one of that name, what its parameter goes through; else not
    known."""
    found = nodes_named(case.source, 'FunctionDef', name) or bundle_nodes(case, 'FunctionDef', name)
    if not found:                               # (an object is made: what its class begins with gets the value)
        owners = [enclosing(call, 'ClassDef')] if name == 'cls' else bundle_nodes(case, 'ClassDef', name)
        found = [one for owner in owners if owner is not None for one in owner.body
                 if one.kind == 'FunctionDef' and one.name == '__init__']
    if len(found) != 1 or call.starargs or depth > 6:
        return OPEN
    function = found[0]
    parameters = given_parameters(function)
    given = dict(zip(call.args, parameters))
    given.update((one, keyword.arg) for keyword in call.keywords for one in (keyword, keyword.value))
    parameter = given.get(node)
    if parameter not in parameters:
        return OPEN
    if value in (NO_TEXT, NO_LIST, NO_DICT) and raises_for_nothing(function, parameter, call):
        return CRASH
    worst = parameter_effect(case, function, parameter, value, depth + 6)
    if function.name == '__init__':             # (an object about nothing at all, or one that lacks a part)
        about = value in (NOTHING, NO_LIST, NO_DICT) and make_of(case, node) in ('json', 'element')
        return min(worst, HOLLOW) if about else worst if worst == CRASH else OPEN
    if value not in BY_KIND and worst > HOLLOW and returns_none(function) and \
            effect(case, call, NOTHING, depth + 1) == CRASH:
        return HOLLOW                           # it may find nothing for what is empty
    return worst


def raises_for_nothing(function, parameter, call):
    """Whether a function goes through what it is given, answers from there only, and raises where that held nothing."""
    last = function.body[-1]
    loops = [one for one in function.body if one.kind == 'For' and parameter in names_in(one.iter)]
    return last.kind == 'Raise' and last.type is not None and bool(loops) and not last.type.text.startswith('Ex.') and \
        all(in_any(one, loops) for one in returns_of(function)) and catching_try(
            call, last_name(getattr(last.type, 'func', last.type)) or '') is None


def effect_in_dict(case, made, key, value, depth):
    """What becomes of a value that a dict which is made here, {'x': value} or dict(x=value), has for a key."""
    if is_only_logged(case, made):
        return FINE
    if value not in BY_KIND and key in ('url', 'link', 'href') and (
            made.parent.kind == 'ListComp' or is_call(made.parent, 'append')):
        return HOLLOW                           # an entry that leads nowhere
    return min(OPEN, effect_of_entry(case, key, value, depth + 4))


def effect_of_keyword(case, node, parent, value, depth):
    call = parent.parent
    if is_name(call.func, 'dict'):
        return effect_in_dict(case, call, parent.arg, value, depth)
    if is_name(call.func, RESULT):
        return effect_in_result(parent.arg, value)
    if value not in BY_KIND and any(LEADS_TO.search(name) for name in [parent.arg] + [
            one.id for one in [node] if one.kind == 'Name']) and not (is_shown(node) or is_shown(call)) and re.search(
            r'^(Callback|Function)$|(Object|Item)$', last_name(call.func) or ''):
        return HOLLOW                           # an entry of a menu that leads nowhere
    if value in OTHERWISE and parent.arg == 'title' and is_entry(call) and enclosing(call, 'For') is not None:
        return HOLLOW                           # or that nobody can tell from others
    if value in (NOTHING, NO_TEXT, TEXT) and is_shown(node) or \
            value == NOTHING and parent.arg in COUNTED and is_entry(call):
        return FINE
    return effect_of_argument(case, parent, call, value, depth)


RESULT = 'MetadataSearchResult'
RESULT_PARTS = 'id name year score lang thumb'.split()      # (in the order of the framework's parameters)


def effect_in_result(part, value):
    """A value as a part of a search result: without year, language and picture it is still one."""
    if part in ('year', 'lang', 'thumb'):
        return HOLLOW if (part, value) == ('year', ZERO) else FINE
    return OPEN if value == SOME or (part, value) in (('name', TEXT), ('score', NUMBER)) else CRASH


def is_entry(node):
    """Whether an expression makes an entry of a menu: DirectoryObject(...), EpisodeObject(...)."""
    return node.kind == 'Call' and re.search(r'(Object|Item)$', last_name(node.func) or '') is not None


def is_shown(node):
    """Whether a value, or the text that it is a part of, is what an entry of a menu shows beside its title."""
    while is_op(node.parent, 'Add'):
        node = node.parent
    given, call = node.parent, node.parent.parent
    return given.kind == 'keyword' and given.arg in BESIDE and (is_entry(call) or is_call(call, 'Callback'))


BESIDE = frozenset('summary tagline subtitle infoLabel thumb art duration source_title originally_available_at'.split())


NUMBERED = frozenset('season episode ep disc track volume chapter issue'.split())
COUNTED = frozenset('season index absolute_index year rating bitrate'.split())
LEADS_TO = re.compile(r'^(id|url|key|guid|link|href|slug)$|_(id|url|key)$|[a-z](Id|Url|Key)$')


def effect_of_operator(case, node, parent, value, depth):
    other = parent.right if node is parent.left else parent.left
    if parent.op == 'Add' and value == NO_TEXT and makes_date(case, parent, value):
        return CRASH
    if parent.op == 'Add':
        kind = make_of(case, other)
        if value in (NO_TEXT, TEXT) and kind not in ('number', 'date', 'list', 'dict'):
            worth = effect(case, parent, TEXT, depth + 1)
            if value == NO_TEXT and (is_address(case, parent) or is_kept_as_address(parent)) and not is_shown(node):
                return CRASH                    # what is asked for then is another thing, or nothing
            if value == NO_TEXT and node is parent.right and is_base(other):
                return HOLLOW                   # the home page of a site is no picture
            return worth if is_shown(node) else min(OPEN, worth)
        if value in (ZERO, NUMBER) and kind in ('number', None) and not (value == ZERO and moves_loop_on(
                [statement_of(node)])):
            return min(OPEN, effect(case, parent, NUMBER, depth + 1))
        if value in (NO_LIST, SPLIT) and kind in ('list', None) and make_of(case, node) != 'text' and not (
                kind is None and is_op(parent.parent, 'Add') and make_of(case, parent.parent) == 'text'):
            field = target_of(parent.parent)        # (a list is nothing for a field that takes a text or number)
            return min(FINE if kind else OPEN, effect(case, parent, NO_LIST if kind is None or field is not None and
                                                      is_model(field) else SOME, depth + 1))
        return OPEN if value == SOME else CRASH
    if parent.op == 'Mod':
        if node is parent.left:
            return CRASH if value != SOME else OPEN
        return effect_of_formatting(case, parent, other, value, node, depth)
    if value in (ZERO, NUMBER, SOME) and not (parent.op in ('Div', 'FloorDiv') and node is parent.right):
        made = ZERO if value == ZERO and parent.op in ('Mult', 'Div', 'FloorDiv') else NUMBER
        worth = effect(case, parent, made, depth + 1)
        return min(worth, HOLLOW) if value == ZERO and (made == NUMBER or parent.op == 'Mult' and other.kind in (
            'Name', 'Attribute', 'Subscript')) else worth       # 1 - 0 says something else, and size * 0 nothing
    return CRASH


def effect_of_formatting(case, operation, form, value, node, depth):
    fields = re.findall(r'%[-+ 0#]*\d*(?:\.\d+)?(\w)', form.s.replace('%%', '')) if form.kind == 'Str' else []
    values = as_list(operation.right.elts if operation.right.kind == 'Tuple' else operation.right)
    if len(fields) == len(values):              # the field that this very value is written into
        fields = [field for field, one in zip(fields, values) if one is node]
    number = is_call(node, 'int', 'float', 'long')
    if (set(fields) & set('dfgeixX') or not fields and number) and value not in (ZERO, NUMBER, SOME) or \
            value not in BY_KIND and makes_date(case, operation, value):
        return CRASH
    if in_log_call(operation):
        return FINE
    if value not in BY_KIND and is_address(case, operation):
        return CRASH                            # what is asked for then is another thing, or nothing
    before = values[:values.index(node)][-1:] if node in values else ()
    return HOLLOW if value in (NOTHING, NO_LIST, NO_DICT) or number and value == ZERO or value not in BY_KIND and any(
        map(is_base, before)) else effect_of_words(case, operation, form, value, depth)


def effect_of_words(case, text, form, value, depth):
    """What becomes of a text that the function writes something empty into: among words, or as 0, it says what is not.
    """
    odd = form.kind == 'Str' and value != SOME and depth < 4 and not (
        value == NO_TEXT and re.match(r'(\s|%s|\{\w*\})*$', form.s))
    return HOLLOW if odd and effect(case, text, TEXT, depth + 1) == HOLLOW else OPEN


def is_base(node):
    """Whether a text begins with a constant that addresses begin with, by its name."""
    while is_op(node, 'Add'):
        node = node.left
    name = last_name(node) or ''
    return name.isupper() and re.search('URL|BASE|HOST|SITE|DOMAIN', name) is not None


def is_address(case, node):
    """Whether a text that is put together says what a request asks for: it looks like that, or it is handed to one, or
    kept for one."""
    form = node.left if node.kind == 'BinOp' else node.func.value if is_call(node, 'format') else node
    if form.kind == 'Str' and re.match(r'\w+://', form.s):
        return True
    while node.parent.kind not in STATEMENTS:
        if node.parent.kind == 'Call' and node is not node.parent.func and (
                is_request(case, node.parent) or is_act(node.parent)):
            return True
        node = node.parent
    if node.parent.kind != 'Assign' or node.parent.targets[0].kind != 'Name':
        return False
    return any(use.parent.kind == 'Call' and use is not use.parent.func and (
        is_request(case, use.parent) or is_act(use.parent))
               for use in later_uses(case, node.parent.targets[0].id, node.parent))


def is_kept_as_address(node):
    """Whether a text that is put together is kept under a name that ends in url: `url = base + '/' + path`."""
    while node.parent.kind in ('IfExp', 'BinOp'):
        node = node.parent
    return node.parent.kind == 'Assign' and re.search(r'(?i)(^|_)ur[li]$', last_name(node.parent.targets[0]) or '') \
        is not None


def makes_date(case, node, value):
    """Whether a text that is put together is read as a date: where a part is empty, the parser takes today's, and it
    raises for anything else that stands for nothing (which of its callers has nothing is not known of a function)."""
    if value != NO_TEXT and not is_in(case.statement, case.function):
        return False
    while node.parent.kind not in STATEMENTS:
        if is_call(node.parent, 'ParseDate', 'strptime') and node in node.parent.args:
            return True
        node = node.parent
    name = set_from(node)
    return name is not None and any(is_call(use.parent, 'ParseDate', 'strptime') and use in use.parent.args
                                    for use in later_uses(case, name, node.parent))


def is_request(case, call):
    """Whether a call fetches something, itself or in a function of this file."""
    name = last_name(call.func)
    if name in FETCHES and name != 'open' or name == 'get' and root_name(call.func) == 'requests':
        return True
    return any(last_name(node.func) in FETCHES and last_name(node.func) != 'open'
               for function in nodes_named(case.source, 'FunctionDef', name) if name
               for node in walk(function) if node.kind == 'Call')


def effect_of_unary(case, node, parent, value, depth):
    if parent.op == 'Not':
        return FINE
    return effect(case, parent, NUMBER, depth + 1) if value in (ZERO, NUMBER, SOME) else CRASH


def effect_of_boolean(case, node, parent, value, depth):
    if node is parent.values[-1] or (parent.op == 'And' and value not in BY_KIND):
        return effect(case, parent, value, depth + 1)
    return FINE if parent.op == 'Or' else OPEN


def effect_of_comparison(case, node, parent, value, depth):
    if node is not parent.left:
        position = parent.comparators.index(node)
        if parent.ops[position] in ('In', 'NotIn'):
            if value in (NO_LIST, NO_DICT, SPLIT):
                return FINE
            return OPEN if value in (NO_TEXT, TEXT, SOME) else CRASH
    if parent.ops[0] in ('Lt', 'LtE', 'Gt', 'GtE') and value not in BY_KIND:
        if value != ZERO and 'date' in [make_of(case, one) for one in [parent.left] + parent.comparators]:
            return CRASH
        if fields_of(way_of_nothing(parent, node)):
            return HOLLOW
        if value != ZERO:
            return OPEN                         # Python 2 compares anything, but seldom as one means
    if node is parent.left and parent.ops[0] in ('In', 'NotIn') and value in (NOTHING, NO_TEXT) and \
            make_of(case, parent.comparators[0]) == 'text':
        return CRASH if value == NOTHING else HOLLOW    # '' is in any text
    return FINE


def way_of_nothing(compared, node):
    """The branch of an `if` that a value is sent to for being less than a number, as nothing and 0 are."""
    test, first = compared.parent, node is compared.left
    number = compared.comparators[0] if first else compared.left
    return () if test.kind != 'If' or number.kind != 'Num' else test.body if first == (
        compared.ops[0] in ('Lt', 'LtE')) else test.orelse


def effect_of_iteration(case, node, parent, value, depth):
    """A value that a loop or comprehension goes through."""
    if node is not parent.iter:
        left_out = parent.kind == 'comprehension' and node in parent.ifs and value not in BY_KIND
        return min(FINE, effect(case, parent.parent, NO_LIST, depth + 1)) if left_out else FINE
    if value in (NO_LIST, NO_DICT):
        return effect_of_no_round(case, parent, depth) if parent.kind == 'For' else effect(case, parent.parent, NO_LIST,
                                                                                           depth + 1)
    if value == NO_TEXT and not is_sandboxed(case):
        return FINE
    if value == SPLIT:                          # one round, with an empty text
        found = uses_effect(in_frame_of(case, parent), [use for name in names_in(parent.target) for use in reads(
            parent.parent if parent.kind == 'comprehension' else parent, name)], NO_TEXT, depth)
        return HOLLOW if found == HOLLOW else OPEN
    return OPEN if value == SOME else CRASH


def effect_of_no_round(case, loop, depth=0):
    """What becomes of a function that finds its answer in a loop when there is nothing to go through."""
    function = loop.parent
    if any(is_call(use.parent, 'validate_keys') and use.start > loop.end for call in calls_of(walk(loop), 'append')
           for use in reads(case.function, root_name(call.func))):
        return HOLLOW                           # the pictures that are there would go
    if function.kind != 'FunctionDef' or function.body[-1] is not loop or not any(
            is_in(node, loop) and node.value is not None for node in returns_of(function)):
        return FINE
    return returned_effect(case, function, NOTHING, depth)


def effect_of_assignment(case, node, parent, value, depth):
    worst = FINE
    for target in parent.targets:
        if target.kind == 'Name':
            worst = min(worst, name_effect(case, target.id, value, parent, depth + 1) if value in BY_KIND or
                        not moves_loop_on([parent]) or ends_loop(parent, target.id, value) else CRASH)
        elif is_entry_field(case, parent) and (value == NOTHING and target.attr in COUNTED | BESIDE or value in (
                NO_TEXT, TEXT) and target.attr in BESIDE):
            worst = min(worst, read_effect(case, target, value, depth))
        elif is_field(target) or target.kind == 'Attribute' and is_record(target.value):
            beside = value == NO_TEXT and target.attr in ('photo', 'role') and is_record(target.value)
            if is_model(target) and target.value.kind == 'Name' and not fits_field(target.attr, value):
                return CRASH
            worst = min(worst, OPEN if value == SOME or beside else HOLLOW, read_effect(case, target, value, depth))
        elif target.kind == 'Subscript' and is_field(target.value) and not is_made_here(case, root_name(target)):
            worst = min(worst, CRASH)
        elif target.kind in ('Tuple', 'List'):
            worst = min(worst, OPEN if value == SOME else CRASH)
        elif sets_self(target) and depth < 8:
            becomes = worst_effect(case, readers_of(case, target), value, depth + 4)
            worst = min(worst, OPEN, FINE if becomes > CRASH and value in emptied_elsewhere(target) else becomes)
        elif target.kind == 'Subscript' and key_of(target) is not None and depth < 8:
            worst = min(worst, OPEN, worst_effect(case, unchecked(case, [
                node for node in nodes_named(case.source, 'Subscript', key_of(target))
                if node.value.text == target.value.text and not is_in(node, parent)]), value, depth + 4))
        else:
            worst = min(worst, OPEN)
    return worst


def fits_field(name, value):
    """Whether a field of the metadata takes a value: each has its type, and takes None."""
    return value in (SOME, NOTHING) + {'date': (), 'str': (NO_TEXT, TEXT)}.get(type_of_field(name), (ZERO, NUMBER))


def is_made_here(case, name):
    """Whether a variable only holds what a class or function of the plug-in makes, which is none of the metadata."""
    values = [one.value for one in assignments(case.function, name)] if name else []
    return bool(values) and all(value.kind == 'Call' and value.func.kind == 'Name' for value in values)


def readers_of(case, target):
    """The places in the bundle that read what a method puts into self.x, and do not check it: those of its class, and
    those that read it of another object, unless a class of their own file has such an attribute, or that is a date."""
    owner = enclosing(target, 'ClassDef')
    nodes = [node for _, source in sources_with(case, target.attr) if source is target.source or target.attr not in
             set_on_self(source) for node in nodes_named(source, 'Attribute', target.attr)
             if type_of_field(last_name(node.value)) != 'date']
    return unchecked_reads(case, [node for node in nodes if not is_name(node.value, 'self') or owner is not None and
                                  is_in(node, owner)])


@kept
def set_on_self(source):
    """The names of the attributes that the classes of a file set on their own objects."""
    return set(node.attr for node in walk(source.tree) if sets_self(node))


def read_effect(case, target, value, depth=0, after=0):
    """What becomes of the value of an attribute where the function reads it again further on, behind an offset."""
    text = target.text
    uses = [node for node in nodes_named(case.source, 'Attribute', target.attr) if node.ctx == 'Load' and
            node.start > max(target.end, after) and is_in(node, case.function) and node.text == text]
    return min([FINE] + [effect(case, use, value, depth + 4) for use in unchecked(case, uses)])


def name_effect(case, name, value, statement, depth=0, after=0):
    """What becomes of a variable's value in what follows a statement. after: an offset, for the uses behind it only."""
    worst = uses_effect(case, itertools.chain((
        use for use in later_uses(case, name, statement) if use.start >= after and (
            value in BY_KIND or not is_refilled(case, use, name, value, statement))),
        deferred_uses(case, name, statement)), value, depth)
    if worst > CRASH and is_global(case, name) and depth < 8:
        worst = min(worst, worst_effect(case, unchecked(case, [
            use for use in reads(case.source.tree, name) if is_unbound(use) and not is_in(use, case.function)]),
            value, depth + 4))
    return worst


def deferred_uses(case, name, statement):
    """The reads of a variable in functions that are made before a statement sets it, and called behind it."""
    return [use for use in reads(case.function, name) if use.start < statement.start and frame_of(
        use) is not case.function and frame_of(use).kind in ('FunctionDef', 'Lambda') and name not in local_names(
            frame_of(use))]


def parameter_effect(case, function, name, value, depth=0):
    """What becomes of the value of a function's parameter."""
    uses = (use for use in reads(function, name) if not bound_between(use, function.body[0].start))
    return uses_effect(case._replace(source=function.source, function=function), uses, value, depth)


def uses_effect(case, uses, value, depth):
    """What becomes of a variable's value where it is used and not checked, at the worst."""
    worst = FINE
    for use in uses:
        if value in BY_KIND or not is_checked(case, use, use.id, value):
            worst = min(worst, effect(case, use, value, depth + 1))
            if worst == CRASH:
                break
    return worst


def is_refilled(case, use, name, value, statement):
    """Whether `if x is None: x = ...` gives a variable another value between a statement and a use, or leaves."""
    def settles(one, leaving=EXITS):
        if one.kind != 'If':
            return one.kind in leaving or one.kind == 'Assign' and literal_value(one.value) != value and any(
                is_name(target, name) for target in one.targets)
        held = holds_for(one.test, name, value)
        return (held is False or any(settles(each, leaving) for each in one.body)) and (
            held or any(settles(each, leaving) for each in one.orelse))

    node = use
    while node.parent is not None and node is not case.function:
        if any(one.start > statement.end and one.kind == 'If' and settles(one) for one in earlier_siblings(node)):
            return True
        node = node.parent
    node = statement                            # (what comes out of the suite that sets it has gone past these)
    while node.parent is not None and node is not case.function and not is_in(use, node.parent):
        for one in later_siblings(node):
            if one.kind == 'If' and settles(one, ('Return',)):
                return True
            if any(each.kind in EXITS and each.kind != 'Return' for each in walk(one)):
                return False                    # some ways out of the suite do not come by what stands below
        if node.parent.kind == 'TryExcept':
            return False
        node = node.parent
    return False


def effect_of_augmented(case, node, parent, value, depth):
    if parent.op != 'Add' or value == ZERO and moves_loop_on([parent]):
        return FINE if value == ZERO and parent.op in ('Sub', 'Mult') else CRASH
    kind = 'list' if parent is case.statement and 'is not iterable' in case.message else make_of(case, parent.target)
    fits = {'text': (NO_TEXT, TEXT), 'number': (ZERO, NUMBER), 'list': (NO_LIST, SPLIT)}.get(kind)
    if fits is None:
        return OPEN if value != NOTHING else CRASH
    return FINE if value in fits else CRASH


def returned_effect(case, function, value, depth=0):
    """What the callers in this file make of a value that a function answers; those in others that surely mean it (by
    its module, or because no other function has the name) only say whether they fail."""
    return OPEN if function is None else effect_of_answer(function, case, value, depth)


@kept_for
def effect_of_answer(function, case, value, depth):
    worst, calls, module = FINE, 0, function.source.path.rsplit('/', 1)[-1].rsplit('.', 1)[0]
    own = nodes_named(function.source, 'Call', function.name)
    meant = bundle_nodes(case, 'Call', function.name) if len(
        bundle_nodes(case, 'FunctionDef', function.name)) == 1 else [
            one for _, source in sources_with(case, module) for one in nodes_named(source, 'Call', function.name)
            if root_name(one.func) == module]
    for call in own + [one for one in meant if one.source is not function.source]:
        found = effect(in_frame_of(case, call), call, value, depth + 5)
        calls += call.source is function.source and not is_in(call, function)
        if found == CRASH:
            return CRASH
        if call.source is function.source:
            worst = min(worst, found)
    if not calls:
        normal = [literal_value(one.value) if one.value is not None else NOTHING for one in returns_of(function)]
        return FINE if value in normal else OPEN
    return worst


@kept
def returns_of(function):
    return [node for node in own_nodes(function) if node.kind == 'Return']


def effect_in_display(case, node, parent, value, depth):
    """An element of a tuple, list, dict or set."""
    around = parent.parent
    if parent.kind == 'Tuple' and is_op(around, 'Mod') and around.right is parent:
        return effect_of_formatting(case, around, around.left, value, node, depth)
    if parent.kind == 'Tuple' and around.kind == 'Return' and depth < 8 and value not in BY_KIND:
        calls = nodes_named(case.source, 'Call', name_around(node))
        at, size = parent.elts.index(node), len(parent.elts)
        return CRASH if any(effect_of_part(case, call, at, size, value, depth + 4) == CRASH for call in calls) else OPEN
    if parent.kind == 'Dict' and depth < 8 and node in parent.values:
        key = parent.keys[parent.values.index(node)]
        if key.kind == 'Str':
            return effect_in_dict(case, parent, key.s, value, depth)
    if is_call(around, 'join') and value not in (SOME, TEXT):
        return HOLLOW if value == NO_TEXT else CRASH        # texts are joined, and nothing else
    if parent.kind in ('List', 'Set') and around.kind == 'Return' and value not in BY_KIND or value in OTHERWISE and \
            parent.kind == 'Tuple' and len(parent.elts) == 2 and is_call(around, 'append'):
        return HOLLOW                           # who goes through the answer finds an element that is nothing, or half
    return OPEN


def effect_of_entry(case, key, value, depth):
    """What becomes of what a dict has for a key where the bundle asks for it without a check."""
    function = function_around(case.statement)
    worst = worst_effect(case, unchecked(case, [node for node in nodes_named(
        function.source, 'Subscript', key) if function_around(node) is function]), value, depth)
    for _, source in sources_with(case, key):
        if worst > CRASH:
            worst = min(worst, effect_in_file(source, function if source is function.source else None, key,
                                              case.bundle, case.logged, value, depth))
    return worst


@kept_for
def effect_in_file(source, function, key, *where):
    """The same for what of one file is not in a function."""
    return min([FINE] + [effect_elsewhere(node, *where) for node in nodes_named(source, 'Subscript', key)
                         if function_around(node) is not function])


@kept_for
def effect_elsewhere(node, bundle, logged, value, depth):
    """The same for one place, whichever statement failed. (The modules of a large bundle use the same few keys: to
    follow each of them anew from every other one took hours.)"""
    tree = node.source.tree
    case = Case(node.source, function_around(node), tree, None, '', '', '', '', '', False, bundle, logged)
    return FINE if is_checked(case, node, node.text) else effect(case, node, value, depth)


def effect_of_part(case, call, place, size, value, depth):
    """What becomes of one of the values that a call answers, where they are unpacked at once."""
    target, inner = unpacked(call.parent), in_frame_of(case, call)
    name = target.elts[place].id if call.parent.kind == 'Assign' and target is not None and len(
        target.elts) == size and target.elts[place].kind == 'Name' else None
    if name is None or any(is_call(enclosing(use, 'Call'), RESULT) for use in later_uses(inner, name, call.parent)
                           if enclosing(use, 'Call') is not None):
        return OPEN                             # (a result may come without a name)
    return name_effect(inner, name, value, call.parent, depth)


def target_of(statement):
    """What an assignment sets (the first of several); None for any other statement."""
    return statement.targets[0] if statement.kind == 'Assign' else None


def name_assigned(statement):
    """The one variable that an assignment sets; None where it is no such statement."""
    is_one = statement.kind == 'Assign' and len(statement.targets) == 1 and statement.targets[0].kind == 'Name'
    return statement.targets[0].id if is_one else None


def is_only_logged(case, node):
    """Whether a dict or list is written to be logged, and for nothing else."""
    if in_log_call(node):
        return True
    name = name_assigned(statement_of(node))
    uses = reads(case.function, name)
    return bool(uses) and all(in_log_call(use) for use in uses)


def effect_of_element(case, node, parent, value, depth):
    """The element of a comprehension."""
    call = parent.parent
    if is_call(call, 'join') and value not in (NO_TEXT, TEXT, SOME) or is_call(call, 'sum') and value not in (
            ZERO, NUMBER, SOME) or is_call(call, 'min') and value not in (TEXT, NUMBER, SOME):
        return CRASH                            # (nothing would be the least)
    name = name_assigned(call) if call.kind == 'Assign' else None
    uses = later_uses(case, name, call) if name else [parent]
    if value not in BY_KIND and any(
            use.parent.kind == 'Call' and use in use.parent.args and is_act(use.parent) for use in uses):
        return CRASH
    return HOLLOW if value == NO_TEXT and effect(case, parent, SPLIT, depth + 1) == HOLLOW else OPEN


def effect_of_lambda(case, node, parent, value, depth):
    """What a lambda gives, of use where it is called by a name."""
    if value not in BY_KIND and is_call(parent.parent.parent, 'min'):
        return CRASH                            # nothing would be the least
    calls = nodes_named(case.source, 'Call', name_assigned(parent.parent))
    return min([OPEN] + [effect(in_frame_of(case, call), call, value, depth + 5) for call in calls])


EFFECTS = {
    'Attribute': effect_of_attribute, 'Subscript': effect_of_subscript, 'Call': effect_of_argument,
    'keyword': effect_of_keyword, 'BinOp': effect_of_operator, 'UnaryOp': effect_of_unary,
    'BoolOp': effect_of_boolean, 'Compare': effect_of_comparison, 'If': FINE,
    'Index': lambda case, node, parent, value, depth: OPEN if value in BY_KIND else CRASH,
    'Slice': lambda case, node, parent, value, depth: FINE if value in (NOTHING, ZERO, NUMBER, SOME) else CRASH,
    'IfExp': lambda case, node, parent, value, depth: FINE if node is parent.test else effect(
        case, parent, value, depth + 1),
    'Return': lambda case, node, parent, value, depth: returned_effect(
        case, enclosing(parent, 'FunctionDef'), value, depth),
    'While': FINE, 'Assert': FINE, 'For': effect_of_iteration, 'comprehension': effect_of_iteration, 'Expr': FINE,
    'Assign': effect_of_assignment, 'AugAssign': effect_of_augmented, 'Print': FINE,
    'Repr': lambda case, node, parent, value, depth: FINE if in_log_call(parent) else effect(
        case, parent, TEXT, depth + 1) if value not in (NOTHING, NO_LIST, NO_DICT) else CRASH,      # the text "None"
    'Lambda': effect_of_lambda,
    'Raise': CRASH, 'Delete': CRASH, 'With': CRASH, 'Exec': CRASH, 'Tuple': effect_in_display,
    'List': effect_in_display, 'Set': effect_in_display, 'Dict': effect_in_display, 'ListComp': effect_of_element,
    'SetComp': effect_of_element, 'GeneratorExp': effect_of_element, 'DictComp': effect_of_element,
}


# ----------------------------------------------------------------------------------------------- writing the change
def code_of(node):
    """The text of an expression on one line, or None where that is not safe (a comment or a long string in it)."""
    text = node.text
    if '\n' not in text and '\r' not in text:
        return text
    if '#' in text or '"""' in text or "'''" in text or any(
            one.kind == 'Str' and one.line != one.end_line for one in walk(node)):
        return None
    text = re.sub(r'\s*\\?[\r\n]+\s*\.', '.', re.sub(r'([(\[{])\s*[\r\n]+\s*', r'\1', text))
    text = re.sub(r',?\s*[\r\n]+\s*([)\]}])', r'\1', text)
    return re.sub(r'\s*\\?[\r\n]+\s*', ' ', text)


def value_of(node):
    """The text of an expression as the value of an assignment of its own, where no brackets stand around it."""
    return code_of(node) or '(%s)' % node.text


def operand(node):
    """code_of, in parentheses where an operator next to it would bind more strongly."""
    text = code_of(node)
    return '(%s)' % text if text is not None and node.kind in LOOSE else text


def step_of(statement):
    """The white space by which the suite that a statement stands in is indented further than its header."""
    around = statement.parent
    if around.kind != 'Module' and not statement.inline:
        outer, inner = around.indent, statement.indent
        if inner.startswith(outer) and len(inner) > len(outer):
            return inner[len(outer):]
    return statement.source.indent_unit()


def line_start(statement):
    """Where the line begins that a statement's logical line begins on."""
    return statement.source.offset_of_line(statement.source.line_of(statement.logical_start))


def line_end(node):
    """The end of the line that a node ends on, without its line break."""
    found = LINE_END.search(node.source.text, node.end)
    return found.start() if found else len(node.source.text)


def can_insert(statement):
    return not statement.is_elif and not (statement.inline and statement.kind not in SIMPLE and
                                                            statement.kind != 'Return')


def put_before(statement, lines):
    """Edits that put lines in front of a statement; in front of one that is inline, simple statements."""
    if not lines:
        return []
    if statement.inline:
        return [(statement.start, statement.start, ''.join(line + '; ' for line in lines))]
    text = ''.join(statement.indent + line + statement.source.newline for line in lines)
    at = line_start(statement)
    return [(at, at, text)]


def put_after(statement, lines):
    """Edits that put lines behind a statement, at its own indentation."""
    at = line_end(statement)
    text = ''.join(statement.source.newline + statement.indent + line for line in lines)
    return [(at, at, text)]


def can_wrap(block):
    """Whether statements stand on lines of their own (or are the only one behind a colon)."""
    last = block[-1]
    if re.match(r'[ \t]*(;[ \t]*[^ \t#\r\n]|\\)', last.source.text[last.end:line_end(last)]):
        return False
    if not any(one.inline for one in block):
        return not any(one.is_elif for one in block) and \
            last.end_line - block[0].line < WRAPPED_LINES
    return len(block) == 1 and len(siblings(last)) == 1 and last.parent.suites and last.parent.kind != 'Module'


def wrap(block, before, tail):
    """Edits that put statements below a header. before: lines in front (the last one is the header); tail: lines
    behind, one step in where they begin with a tab character."""
    source, first, last = block[0].source, block[0], block[-1]
    newline = source.newline
    if first.inline:
        suite = next(one for one in first.parent.suites if first in one.body)
        step = step_of(first.parent) if first.parent.kind != 'Module' else source.indent_unit()
        outer = first.indent + step
        head = ''.join(newline + outer + line for line in before) + newline + outer + step
        edits = [(suite.header_end, first.start, head)]
    else:
        step, outer = step_of(first), first.indent
        edits = [(line_start(first), line_start(first), ''.join(outer + line + newline for line in before))]
        kept = set()                            # lines inside of a string are the program's data, not layout
        for one in block:
            for node in walk(one):
                if node.kind == 'Str':
                    kept.update(range(node.line + 1, node.end_line + 1))
        for number in range(first.line, last.end_line + 1):
            if number not in kept and source.line_text(number).strip():
                at = source.offset_of_line(number)
                if source.line_text(number).startswith(outer):
                    at += len(outer)            # blanks in front of a tab would not move it
                edits.append((at, at, step))
    at = line_end(last)
    edits.append((at, at, ''.join(newline + outer + line.replace('\t', step) for line in tail)))
    return edits


def fresh_name(case, wish):
    """A name that the function and the module do not use yet."""
    used = bindings(case.source.tree)
    name, number = wish, 1
    while name in used or name_nodes(case.function, name) or name_nodes(case.source.tree, name) and \
            case.function.kind != 'FunctionDef' or keyword_like(name):
        number += 1
        name = '%s%d' % (wish, number)
    return name


def keyword_like(name):
    return name in KEYWORDS or name in ('Log', 'XML', 'HTML', 'JSON', 'HTTP', 'printed')


def local_name_for(node):
    """A name that says what an expression gives."""
    name = last_name(node.func) if node.kind == 'Call' else None
    return {'xpath': 'nodes', 'cssselect': 'nodes', 'findall': 'found', 'find_all': 'nodes', 'find': 'node',
            'search': 'match', 'match': 'match', 'split': 'parts', 'rsplit': 'parts', 'splitlines': 'lines',
            'getparent': 'parent', 'get': 'value'}.get(name, 'found')


def repeatable(node):
    """Whether an expression can be evaluated twice: no calls but such as only look."""
    for one in walk(node):
        if one.kind == 'Call':
            own = nodes_named(one.source, 'FunctionDef', last_name(one.func))       # a get() that asks a server
            if last_name(one.func) not in PURE_CALLS or own and not all(each.kind == 'Str' for each in one.args) or \
                    root_name(one.func) in ('HTTP', 'JSON', 'requests', 'urllib2'):
                return False
        elif one.kind in COMPREHENSIONS + ('Lambda', 'Yield'):
            return False
    return True


def answers_the_same(node):
    """Whether an expression that the source itself evaluates again, further on, is of the same value there: it only
    looks, or asks a variable with constants: page('a.series').attr('href')."""
    return repeatable(node) or all(
        one.kind not in COMPREHENSIONS + ('Lambda', 'Yield') and (one.kind != 'Call' or not (
            one.keywords or one.starargs or one.kwargs) and all(each.kind in ('Str', 'Num') for each in one.args) and (
                last_name(one.func) in PURE_CALLS or one.func.kind == 'Name' and is_of_calls(one.func)))
        for one in walk(node))


def is_of_calls(node):
    """Whether a Name stands for what its function has made by calls: no method of something, such as its next()."""
    given = values_given(frame_of(node), node.id)
    return bool(given) and all(value is not None and value.kind == 'Call' for _, value in given)


def has_call(node):
    return any(one.kind == 'Call' for one in walk(node))


def can_hoist(node, statement):
    """Whether an expression can be evaluated in a statement of its own just before this one."""
    return can_insert(statement) and statement.kind not in ('While', 'FunctionDef', 'ClassDef') and \
        always_evaluated(node, statement) and not any(
            one.kind == 'Call' and one.end <= node.start and not repeatable(one) for one in own_part(statement))


def always_evaluated(node, statement):
    """Whether a statement evaluates an expression whatever else in it is true, with names known before it."""
    below = node
    while below is not statement:
        around = below.parent
        if around.kind in COMPREHENSIONS and below is not around.generators[0] or around.kind == 'Lambda' or \
                around.kind == 'comprehension' and below is not around.iter:
            return False
        if around.kind == 'BoolOp' and below is not around.values[0]:
            return False
        if around.kind == 'IfExp' and below is not around.test:
            return False
        if around.kind == 'Compare' and below is not around.left and len(around.comparators) > 1:
            return False
        below = around
    return True


def is_own_log(node):
    """Whether what binds the name Log leaves it the framework's: `Log = Log`, or a stand-in where Plex is not."""
    return node.parent.kind == 'Assign' and is_name(node.parent.value, 'Log') or \
        node.parent.kind == 'ImportFrom' and (node.parent.module or '').startswith('plexhints')


def log_line(case, words, value='', form='%r'):
    """[a line that writes words and a value to the agent's log], or [] where the file has no Log of the framework's."""
    if not is_sandboxed(case):
        return []
    for scope in (case.source.tree, case.function):
        if scope.kind in ('Module', 'FunctionDef') and not all(map(is_own_log, bindings(scope).get('Log', ()))):
            return []
    text = re.sub(r"[^ -~]|['\\]", '', words)
    return ["Log('%s: %s' %% %s)" % (text.replace('%', '%%'), form, value) if value else "Log('%s')" % text]


Condition = collections.namedtuple('Condition', 'text opposite before edits')
# text: holds where nothing raises, opposite: where something does; before: lines that must stand in front of it;
# edits: what these lines replace


def condition(case, faults, hoist=True, outside=False):
    """The Condition under which none of the faults of one statement raises; None where none can be told.

    hoist: lines may be put in front of the statement; outside: it is asked before the statement begins.
    """
    sure = [fault.bad.text for fault in faults if always_evaluated(fault.bad, case.statement)] if outside else ()
    if outside and (case.statement.kind == 'While' or not all(fault.bad.text in sure for fault in faults)):
        return None
    tests, before, edits, names = [], [], [], {}
    for fault in sorted(faults, key=lambda fault: (not can_hoist(fault.bad, case.statement), fault.bad.end)):
        if fault.test is None:
            return None
        if fault.test('@') == fault.test('?'):      # it asks something else than the value itself
            tests.append(fault.test(''))
            continue
        text = operand(fault.bad)
        if text is None and not hoist:
            return None
        plain = fault.bad.text
        if has_call(fault.bad) and hoist and (plain in names or can_hoist(fault.bad, case.statement)):
            if any(is_in(one.node, fault.bad) for one in faults):
                return None                     # it would be evaluated before anything is asked
            if plain not in names:
                names[plain] = fresh_name(case, local_name_for(fault.bad))
                before.append('%s = %s' % (names[plain], value_of(fault.bad)))
            edits.append(fault.bad.outer + (names[plain],))
            text = names[plain]
        elif text is None or not repeatable(fault.bad):
            return None
        test = fault.test(text)
        if test not in tests:
            tests.append(test)
    if len(names) > 1:
        return None                             # two locals for one line: no maintainer writes that
    return Condition(' and '.join(holds for holds, _ in tests), ' or '.join(fails for _, fails in tests), before, edits)


# --------------------------------------------------------------------------------------------------- finding faults
def frame_part(case):
    """The expressions of the statement that run in the frame of the case's function, in the order of the text."""
    nodes = own_part(case.statement)
    if case.function.kind in ('Lambda', 'GeneratorExp'):
        inside = [node for node in nodes if case.function.start <= node.start and node.end <= case.function.end]
        return inside or nodes
    # (the y of the first `for x in y` of a generator expression is read outside of it)
    return [node for node in nodes if frame_of(node.parent if node.parent.kind == 'GeneratorExp' and
                                               node is node.parent.generators[0] else node) is case.function] or nodes


def enclose(node, before, behind):
    """Edits that put text in front of an expression, its parentheses included, and behind it."""
    start, end = node.outer
    return [(at, at, text) for at, text in ((start, before), (end, behind)) if text]


def or_default(node, value):
    """Edits that turn x into (x or value)."""
    if is_op(node, 'Or'):
        return [(node.end, node.end, ' or %s' % value)]
    loose = is_loose(node)
    bare = is_apart(node, 'For', 'If', 'comprehension') and not (node.parens and node.kind in LOOSE)
    return enclose(node, '(' * (not bare) + '(' * loose, ')' * loose + ' or %s' % value + ')' * (not bare))


def is_loose(node):
    """Whether an expression needs parentheses where an operator stands next to it, and has none."""
    return node.kind in LOOSE and not node.parens


def is_apart(node, *kinds):
    """Whether an operator may stand behind a node without parentheses: where nothing else of its line binds it. kinds:
    of nodes around it that allow that, too."""
    parent = node.parent
    return parent.kind in ('Assign', 'Return', 'keyword', 'Index', 'Dict', 'List') + kinds or \
        parent.kind == 'Call' and node is not parent.func and node is not parent.starargs and node is not parent.kwargs


def none_soft(case, bad, name=None):
    """Ways to put something empty in the place of None. name: the attribute asked for, where there is one."""
    values, call = [NO_TEXT, NO_LIST, NO_DICT, ZERO], bad.parent.parent
    if name == 'replace' and call.kind == 'Call' and len(call.args) == 2 and not call.keywords:
        values = [NO_TEXT]                      # a date's replace() takes keywords
    elif name in SHARED_METHODS:
        values = [NO_DICT] if is_mapping(case, bad) else [NO_TEXT] if make_of(case, bad) == 'text' else []
    elif name is not None:                      # what is added to a list that nobody keeps is lost without a word
        values = [NO_TEXT] if name in TEXT_METHODS else [NO_DICT] if name in DICT_METHODS else []
    preset = preset_text(case, bad) if name is None or name in TEXT_METHODS else None
    ways = [(or_default(bad, preset), bad, TEXT)] if preset is not None else []
    return ways + [(or_default(bad, value), bad, value) for value in values]


def preset_text(case, node):
    """The text that DefaultPrefs.json has for the preference that a node reads, as a literal; or None."""
    key = key_of(node)
    if key is None or not is_name(node.value, 'Prefs') or case.bundle is None:
        return None
    value = [row.get('default') for row in default_preferences(case.bundle) if row['id'] == key and
             row.get('type') != 'bool']
    plain = value and isinstance(value[0], type('')) and re.match(r'[\w .:/-]+$', value[0])
    return "'%s'" % value[0] if plain and not re.search(r'[^ -~]', value[0]) else None


def test_of(holds, fails):
    """A Fault's test of a value, made of what is written for it to hold and of the opposite."""
    return lambda text: (holds.replace('@', text), fails.replace('@', text))


none_test, truth_test = test_of('@ is not None', '@ is None'), test_of('@', 'not @')
zero_test, text_none_test = test_of('@ != 0', '@ == 0'), test_of("@ != 'None'", "@ == 'None'")


def type_test(*types):
    wanted = types[0] if len(types) == 1 else '(%s)' % ', '.join(types)
    return test_of('isinstance(@, %s)' % wanted, 'not isinstance(@, %s)' % wanted)


def none_fault(case, node, bad, what, name=None):
    """The Fault of an expression that fails on a None. name: the attribute asked for, where there is one."""
    return Fault(node, bad, none_test, none_soft(case, bad, name), what)


def attribute_faults(case, found):
    """'NoneType' object has no attribute 'x'."""
    name = found.group('name')
    for node in frame_part(case):
        if node.kind == 'Attribute' and node.attr == name:
            yield Fault(node, node.value, none_test, none_soft(case, node.value, name) if node.ctx == 'Load' else [],
                        'nothing was found')


def subscript_faults(case, found):
    """None[...], under the sandbox's wording or CPython's."""
    for node in frame_part(case):
        if node.kind == 'Subscript' and node.ctx == 'Load' and not is_model(node):
            soft = none_soft(case, node.value) if index_of(node) is None else []
            if key_of(node) is not None:
                soft = [(or_default(node.value, NO_DICT) + get_edits(node, None), node, NOTHING)]
            yield Fault(node, node.value, none_test, soft, 'nothing was found')


def iteration_faults(case, found):
    """What is gone through, unpacked or searched is None."""
    below = list(callee_faults(case, found)) if case.frame_kind == 'call' and any(
        is_call(node, case.callee) for node in frame_part(case)) else []
    for fault in below:
        yield fault                             # a function of a library went through it, not this line
    for node in frame_part(case) if not below else ():
        if node.kind in ('For', 'comprehension'):
            yield none_fault(case, node, node.iter, 'there is no list')
        elif node.kind == 'Assign' and unpacked(node) is not None:
            yield Fault(node, node.value, none_test, [], 'there is nothing to unpack')
        elif node.kind == 'AugAssign':
            yield none_fault(case, node, node.value, 'there is no list')
        elif node.kind == 'Compare' and node.ops[-1] in ('In', 'NotIn'):
            bad = node.comparators[-1]
            yield none_fault(case, node, bad, 'there is nothing to search')
        elif node.kind == 'Call' and node.args and case.frame_kind != 'getiter' and \
                last_name(node.func) in TO_LIST | frozenset(('map', 'join', 'extend', 'max', 'min', 'sum', 'dict',
                                                             'update')):
            yield none_fault(case, node, node.args[-1], 'there is no list')


def calls_of(nodes, *names):
    """Those of some nodes that call one of these functions."""
    return [node for node in nodes if is_call(node, *names)]


def faults_where(pick, test, what):
    """A finder of what cannot be written so that it does not raise. pick: (case, node) -> the expressions whose value
    is not as expected; test, what: of the Faults."""
    return lambda case, found: [Fault(node, bad, test, [], what) for node in frame_part(case)
                                for bad in pick(case, node)]


def argument_faults(*names):
    """A finder for calls of these functions whose argument must not be None."""
    def finder(case, found):
        for node in calls_of(frame_part(case), *names):
            bad = text_argument(node)
            if bad is not None:
                yield none_fault(case, node, bad, 'there is no value')
    return finder


def text_argument(call):
    """The argument that a function works on: the text of re.search(pattern, text), the first one elsewhere."""
    name = last_name(call.func)
    if root_name(call.func) in ('re', 'Regex') and call.func.kind == 'Attribute' and call.func.value.kind == 'Name':
        position = {'sub': 2, 'subn': 2}.get(name, 1)
        return call.args[position] if len(call.args) > position else None
    if name in ('sub', 'subn') and len(call.args) > 1:
        return call.args[1]
    return call.args[0] if call.args else None


def callee_faults(case, found):
    """None went into a function of a library, which failed on it."""
    made = [last_name(node.func) or '' for node in own_part(case.statement) if node.kind == 'Call'] if (
        case.callee == '__init__') else []      # an object: `BeautifulSoup(None)` fails in its __init__
    for node in calls_of(frame_part(case), case.callee, *(TEXT_TOOLS | PARSES | set(
            name for name in made if name[:1].isupper()))):
        for bad in joined_parts(node, case.message) if case.callee == 'join' else [text_argument(node)]:
            if bad is not None:
                yield none_fault(case, node, bad, 'there is no value')


def key_faults(case, found):
    """KeyError of d[key], d.pop(key), del d[key]."""
    key, quoted = unquoted(found.group('key'))
    nodes = frame_part(case)
    named = [node for node in nodes if key_of(node) == key and node.ctx == 'Load']
    named = [node for node in named if not is_name(node.value, 'Prefs')] or named      # its keys are known beforehand
    if quoted and not named and any(key in fields_of_text(node) for node in nodes):
        return                                  # a text asks for it, whatever else is looked up there
    for node in nodes:
        if is_model(node) or quoted and named and node.kind == 'Subscript' and node not in named:
            continue                            # a key that stands there is meant, not one that a variable may hold
        if node.kind == 'Subscript' and index_of(node) is not None and node.ctx != 'Store':
            index = index_of(node)
            if not key_weight(index, key, quoted) or quoted and is_number(case, index):
                continue
            test = in_test(operand(index)) if operand(index) and repeatable(index) and not is_name(
                node.value, 'Prefs') else None  # (`in` is never true of these)
            soft = []
            if node.ctx == 'Load' and has_get(case, node, index):
                plural = by_plural(index.s) if index.kind == 'Str' else []
                soft = [(get_edits(node, default), node, default or NOTHING)
                        for default in plural + [None, NO_TEXT, NO_LIST, NO_DICT, ZERO]] + chained_get(node)
            elif node.ctx == 'Del':
                test = test if node.parent.targets == [node] else None
            yield Fault(node, node.value, test, soft, '%s is missing' % (key or 'the key'))
        elif is_call(node, 'pop') and len(node.args) == 1 and key_weight(node.args[0], key, quoted):
            at = node.args[0].outer[1]
            soft = [([(at, at, ', None')], node, NOTHING)]
            yield Fault(node, node.func.value, None, soft, '%s is missing' % key)


def fields_of_text(node):
    """{key: what may stand for a missing one} of '{key} {size:d}'.format(**x) and '%(key)s' % x, where x is no dict
    that is written out there; {} of other expressions."""
    if is_call(node, 'format') and node.func.kind == 'Attribute' and node.func.value.kind == 'Str' and node.kwargs:
        given = set(one.arg for one in node.keywords)
        found = re.findall(r'\{([a-zA-Z_]\w*)(?:![rs])?(?::([^{}]*))?\}', node.func.value.s.replace('{{', ''))
        found = [row for row in found if FORM.match(row[1])]        # (a date, a grouped number: nothing stands for it)
    elif is_op(node, 'Mod') and node.left.kind == 'Str' and node.right.kind not in ('Dict', 'Tuple'):
        given, found = (), re.findall(r'%\((\w+)\)[-+ #0]*([\d.]*[sriduoxXeEfFgG])', node.left.s.replace('%%', ''))
    else:
        return {}
    return collections.OrderedDict((key, '0' if form[-1:] in list('dioxXeEfFgGn%') and form else NO_TEXT)
                                   for key, form in found if key not in given)


def is_handed_on(case, node):
    """Whether a text, or the variable that it is put into, goes to some call or leads to an entry: a path, a key, a
    hash, a query. Nothing of that may be about another thing."""
    for one in ancestors(node):
        if one.kind in STATEMENTS:
            break
        if one.kind in ('Subscript', 'Dict') or one.kind == 'Call' and not is_log_call(one) and not (
                one.func.kind == 'Attribute' and is_in(node, one.func) and one.func.attr in TEXT_METHODS):
            return True
    name = name_assigned(statement_of(node))
    return name is not None and any(is_handed_on(case, use) for use in later_uses(case, name, statement_of(node))
                                    if use.start >= statement_of(node).end)


OF_OTHER_DICTS = ('__getitem__', '__missing__', 'defaultdict')
OBJECTS = ('self', 'Prefs', 'Dict', 'Data', 'Locale', 'Platform')
FORM = re.compile(r'([<>^]?([1-9]\d*)?(\.\d+)?s?|[<>=^]?[-+ ]?#?\d*(\.\d+)?[dioxXeEfFgGn%])$')


def blank_in_text(case, found):
    """'{movies} {shows}'.format(**counts), where counts has no shows: the text has a blank there."""
    key, _ = unquoted(found.group('key'))
    for node in frame_part(case):
        fields = fields_of_text(node)
        values = node.kwargs if node.kind == 'Call' else getattr(node, 'right', None)
        if key not in fields or any(key_of(one) == key for one in frame_part(case)) or not in_log_call(node) and (
                LEADS_TO.search(key) or is_address(case, node) or is_handed_on(case, node) or effect(
                    case, node, NO_TEXT if len(fields) == 1 else TEXT) <= HOLLOW):
            continue
        if node.kind != 'Call' and not is_call(values, 'locals', 'vars') and (
                values.kind not in ('Name', 'Attribute', 'Subscript') or root_name(values) in OBJECTS or any(
                    texts_with(case, word) or word in case.source.text for word in OF_OTHER_DICTS)):
            continue                            # only a dict can be copied, with all that it answers
        text = 'dict({%s}, **%s)' % (', '.join("'%s': %s" % row for row in fields.items()), operand(
            values) or '(%s)' % code_of(values))
        yield Proposal('empty default', [values.outer + (text,)], 'the text says nothing of %s where there is none' % (
            key), 'what the text would say of %s' % key, 'low', 0.87,
                       'the text asks for %s, and what is put into it need not have it' % key)


def written_keys(case, node):
    """{key: as it is written} of the dict that a file writes out once and never changes, where it is asked for a text;
    or None."""
    name = node.value.id if key_of(node) is not None and node.value.kind == 'Name' else None
    nodes = bindings(case.source.tree).get(name, ()) if name and name not in bindings(case.function) else ()
    value = nodes[0].parent.value if len(nodes) == 1 and nodes[0].parent.kind == 'Assign' else None
    if value is None or value.kind != 'Dict' or any(one.kind != 'Str' for one in value.keys) or any(
            use.ctx != 'Load' and use not in nodes or is_indexed(use) and stored(use.parent) or
            use.parent.kind == 'Attribute' and use.parent.attr in ('update', 'setdefault')
            for use in name_nodes(case.source.tree, name)):
        return None
    return collections.OrderedDict((one.s, one.text) for one in value.keys)


def key_meant(case, found):
    """`IDS['Own name']` where IDS has no such key ever, and the statement names one that it has, or one like it."""
    for node in own_part(case.statement):
        keys = written_keys(case, node) if key_of(node) == unquoted(found.group('key'))[0] else None
        if keys and key_of(node) not in keys:
            named = [one.s for one in walk(case.statement) if one.kind == 'Str' and one.s in keys]
            near = [one for one, _ in near_names(key_of(node), keys)] or named
            if len(set(near)) == 1:
                index = index_of(node)
                yield cure('right name', [(index.start, index.end, keys[near[0]])], '%s is asked for' % near[0],
                           0.88, 'the file itself says what %s has' % node.value.id)


def decoded_key(case, found):
    """`boats[name]` where the name is UTF-8 bytes, of a path, and the keys are JSON's texts: only those that are plain
    ASCII are equal to bytes."""
    key = found.group('key')
    if key.startswith('u') or not re.search(r'\\x[89a-f]', key):
        return
    try:
        re.sub(r'\\x([0-9a-f]{2})', lambda one: character(int(one.group(1), 16)), unquoted(key)[0]).encode(
            'latin-1').decode('utf-8')
    except UnicodeError:
        return
    asked = [node for node in own_part(case.statement) if node.kind == 'Subscript' and node.ctx == 'Load' and
             node.value.kind == 'Name' and getattr(index_of(node), 'kind', None) == 'Name']
    made = [values_before(case, node.value.id, node.start)[-1:] for node in asked]
    if len(asked) == 1 and made[0] and is_call(made[0][0], 'loads', 'load', 'ObjectFromString', 'ObjectFromURL'):
        index = index_of(asked[0])
        yield cure('text encoding', [index.outer + ("%s if %s in %s else %s.decode('utf-8')" % (
            index.id, index.id, asked[0].value.id, index.id),)], '%s is asked for as text' % index.id, 0.9,
            'the keys of what was read as JSON are texts, and these bytes are none')


def tested_for_another(case, found):
    """`if person['role'] is not None: role.role = staff['role']`: the test is about what its suite takes."""
    for node in own_part(case.statement) if case.statement.kind == 'If' else ():
        key, root = key_of(node), root_name(node)
        if key != unquoted(found.group('key'))[0] or not root or not node.text.startswith(root) or (
                node.parent.kind != 'Compare' or literal_value(node.parent.comparators[0]) not in (NOTHING, NO_TEXT)):
            continue                            # (`if Prefs['photo']:` is a switch)
        asked = [one for one in walk(case.function) if key_of(one) == key and one is not node]
        others = set(root_name(one) for one in asked if in_any(one, case.statement.body))
        right = others.pop() if len(others) == 1 else None
        if right not in (None, root) and right not in bound_names(case.statement) and root not in map(
                root_name, asked) and all(one.ctx == 'Load' and one.text == right + node.text[len(root):]
                                          for one in asked if is_in(one, case.statement)):
            first = next(one for one in walk(node) if is_name(one, root))
            yield rename([first], right, 0.93, 'it is %s that is asked for %s below' % (right, key))


def tested_nearly(case, found):
    """`if 'picture' in row and row['pictures']:`, with a key that nothing else has: the one tested for."""
    wrong = unquoted(found.group('key'))[0]
    for node in own_part(case.statement) if case.statement.kind in ('If', 'While') else ():
        if key_of(node) != wrong or node.ctx != 'Load' or index_of(node).kind != 'Str':
            continue
        tested = [one.left.s for one in own_part(case.statement) if one.kind == 'Compare' and one.ops == ['In'] and
                  one.left.kind == 'Str' and one.comparators[0].text == node.value.text and one.end <= node.start and
                  is_op(one.parent, 'And') and is_in(node, one.parent)]
        right = [near for near in tested if near_names(wrong, [near])]
        if len(right) == 1 and wrong not in tested and sum(
                len(re.findall(r'[\'"]%s[\'"]' % re.escape(wrong), source.text))
                for _, source in sources_with(case, wrong)) == 1 and any(
                    key_of(one) == right[0] and one.value.text == node.value.text for one in walk(case.function)):
            yield cure('right name', [(index_of(node).start, index_of(node).end, repr(str(right[0])))],
                       '%s is asked for' % right[0], 0.93, 'that is tested for, and nothing else is called %s' % wrong)


def gone_already(case, found):
    """`del d['a']`, and the lines that do the same for other keys: each only where there is something to delete."""
    statement, edits = case.statement, []
    for one in [statement] + later_siblings(statement)[:3] if statement.kind == 'Delete' else ():
        target = one.targets[0] if one.kind == 'Delete' and len(one.targets) == 1 else None
        if target is None or key_of(target) is None or target.value.text != statement.targets[0].value.text or \
                not repeatable(target.value) or not can_wrap([one]) or one.inline:
            break
        edits += wrap([one], ['if %s in %s:' % (code_of(index_of(target)), code_of(target.value))], [])
    if edits and key_of(statement.targets[0]) == unquoted(found.group('key'))[0]:
        yield cure('field guard', edits, 'only what is there is deleted', 0.9, 'what is not there need not be deleted')


def written_default(case, found):
    """d['key'], where the bundle itself writes {'key': 0} when it has nothing to put there."""
    key, _ = unquoted(found.group('key'))
    edits, words = [], []
    for one in [case.statement] + later_siblings(case.statement)[:4]:
        nodes = [node for node in own_part(one) if key_of(node) is not None and node.ctx == 'Load']
        default = own_default(case, key_of(nodes[0])) if len(nodes) == 1 and (
            edits or key_of(nodes[0]) == key) and has_get(case, nodes[0], index_of(nodes[0])) else None
        if default is None or edits and not (one.kind == case.statement.kind == 'Assign' and one.value is nodes[0] and
                                             nodes[0].value.text == first.value.text):
            break
        first = first if edits else nodes[0]
        edits += get_edits(nodes[0], default)
        words.append('%s where %s is missing' % (default, key_of(nodes[0])))
    if edits:
        yield cure('tolerant lookup', edits, ' and '.join(words), 0.87,
                   'the code itself writes that where it has no better value')


def sorted_by_get(case, found):
    """`rows.sort(key=itemgetter('score'))`: those without a score come where None belongs."""
    key, _ = unquoted(found.group('key'))
    if len(calls_of(walk(case.function), 'itemgetter')) > 1:
        return                                  # the next one would ask them for it
    for call in calls_of(own_part(case.statement), 'itemgetter'):
        around = call.parent.parent
        if call.parent.kind == 'keyword' and call.parent.arg == 'key' and is_call(
                around, 'sort', 'sorted', 'max') and len(call.args) == 1 and key == getattr(
                    call.args[0], 's', None) and not chosen_of(case, around) and not unchecked(case, [
                        node for node in nodes_named(case.source, 'Subscript', key) if node.ctx == 'Load']):
            name = fresh_name(case, 'row')
            text = 'lambda %s: %s.get(%s)' % (name, name, call.args[0].text)
            yield Proposal('tolerant lookup', [(call.start, call.end, text)], 'what has no %s comes before what has '
                           'one' % key, 'nothing', 'low', 0.87, 'all rows are kept, and the others sorted as before')


def chosen_of(case, call):
    """Whether the function takes one of sorted rows by its place: the first would be one without a value."""
    name = root_name(call.func.value) if is_call(call, 'sort') else set_from(call)
    return is_indexed(call) or name is not None and any(
        is_indexed(use) or is_called(use.parent) and use.parent.attr == 'pop' for use in reads(case.function, name)
        if use.start > call.start and use.parent.kind in ('Subscript', 'Attribute'))


def begun_entry(case, found):
    """`groups[key].append(x)` and `rows[key]['a'] = x`, where groups is a dict that is filled here: what is not there
    yet begins empty."""
    call, target = call_of(case.statement), target_of(case.statement)
    node = call.func.value if call is not None and call.func.kind == 'Attribute' else getattr(target, 'value', None)
    if node is None or node.kind != 'Subscript' or index_of(node) is None or node.value.kind != 'Name' or not (
            call is None and target.kind == 'Subscript' or is_put_into(case, node)) or any(
                one is not node and key_of(one) == unquoted(case.message)[0] for one in own_part(case.statement)):
        return                                  # (the key stands in what is put there)
    made = values_before(case, node.value.id, node.start)
    if made and all(one.kind == 'Dict' and not one.keys or is_call(one, 'dict') and not one.args for one in made):
        start, end = index_of(node).outer
        empty = NO_LIST if call is not None and last_name(call) in ('append', 'extend', 'insert') else NO_DICT
        yield cure('empty default', [(node.value.outer[1], start, '.setdefault('), (end, node.end, ', %s)' % empty)],
                   'a new one begins as %s' % value_words(empty), 0.92, '%s is filled here, and nothing has made this '
                   'part of it' % node.value.id)


@kept_on('source')
def own_default(case, key):
    """The one literal that dicts written out in the bundle have for a key, or None."""
    found = [numbers_of_keys(source).get(key, ()) for _, source in sources_with(case, key)]
    values = set().union(*[some for some in found if some != set([None])])
    return values.pop() if len(values) == 1 else None


@kept
def numbers_of_keys(source):
    """{key: the numbers, as they are written, that the dicts written out in a file have for it}; None for a text."""
    return dict((key, set(values)) for key, values in grouped(
        (name.s, value.text if value.kind == 'Num' else None) for node in walk(source.tree) if node.kind == 'Dict'
        for name, value in zip(node.keys, node.values) if name.kind == 'Str' and value.kind in ('Num', 'Str')).items())


def is_number(case, node):
    """Whether an index surely is a number: `i` of `for i in range(...)`, `i + 1`."""
    if is_op(node, 'Add', 'Sub'):
        return is_number(case, node.left) or is_number(case, node.right)
    return make_of(case, node) == 'number' or is_counter(node)


def is_counter(node):
    """Whether a variable counts the rounds of a loop: `i` of `for i in range(...)`, `for i, x in enumerate(...)`."""
    return counted_by(node) is not None or any(
        loop.kind == 'For' and is_call(loop.iter, 'enumerate') and loop.target.kind == 'Tuple' and is_name(
            loop.target.elts[0], node.id) for loop in (ancestors(node) if node.kind == 'Name' else ()))


def counted_by(node):
    """The call of range() that a For around takes a name from, or None."""
    loop = loop_over(node)
    return loop.iter if loop is not None and is_call(loop.iter, 'range', 'xrange') else None


def has_get(case, node, index):
    """Whether what was indexed surely has .get(): it raised KeyError on a text, and is none of Plex's own stores."""
    if root_name(node.value) in ('Prefs', 'Dict', 'metadata', 'Data') and make_of(case, node.value) != 'dict':
        return False
    return text_at(index) is not None or is_mapping(case, node.value) or make_of(case, index) == 'text'


def get_edits(node, default):
    """Edits that turn d[key] into d.get(key) or d.get(key, default)."""
    start, end = index_of(node).outer
    return [(node.value.outer[1], start, '.get('), (end, node.end, ')' if default is None else ', %s)' % default)]


def chained_get(node):
    """d['a']['b'] with a missing 'a': both steps made tolerant."""
    step = node.parent
    if step.kind != 'Subscript' or step.value is not node or step.ctx != 'Load' or key_of(step) is None or \
            is_indexed(step):
        return []                               # three steps deep is clearer as a condition
    return [(get_edits(node, NO_DICT) + get_edits(step, None), step, NOTHING)]


def index_faults(case, found):
    """IndexError of x[0], x.pop(), match.group(2)."""
    what = found.group('what')
    for node in frame_part(case):
        if node.kind == 'Subscript' and index_of(node) is not None and 'pop' not in what and (
                index_of(node).kind in ('Num', 'UnaryOp') if node.ctx == 'Store' else 'assignment' not in what):
            index = index_of(node)
            if index.kind in ('Str', 'Dict', 'Tuple') or never_short(node, index) or make_of(case, index) in (
                    'text', 'json'):
                continue
            if is_mapping(case, node.value) and (index.kind != 'Num' or make_of(case, node.value) != 'json'):
                continue                        # JSON has no numbers as keys
            yield Fault(node, node.value, index_test(node, index), [], 'there are too few')
        elif is_call(node, 'pop') and 'pop' in what:
            yield Fault(node, node.func.value, truth_test, [], 'the list is empty')


def index_asked(case, node):
    """The i of x[i] that may be None."""
    index = index_of(node) if node.kind == 'Subscript' else None
    return [index] if index is not None and index.kind not in ('Num', 'Str', 'UnaryOp', 'BinOp') else []


def furthest(faults):
    """Index faults without those of the same list that ask for less: where x[1] is there, x[0] is."""
    def reach(fault):
        index = index_of(fault.node) if fault.node.kind == 'Subscript' else None
        return abs(index.n + (index.n >= 0)) if index is not None and index.kind == 'Num' else None
    def is_step(fault):
        """x[i] in x[i][1], with i counted: either can be the one, and to ask for x[i][1] alone would raise again."""
        return counted_by(index_of(fault.node)) is not None and any(
            reach(other) is not None and is_in(fault.node, other.node) for other in faults)
    if any(reach(fault) is not None for fault in faults):   # x[d['a']] + y[0]: the plain number is the likelier one
        faults = [fault for fault in faults if fault.node.kind != 'Subscript' or index_of(fault.node).kind == 'Num' or
                  is_step(fault)]
    return [fault for fault in faults if reach(fault) is None or not any(
        reach(other) is not None and reach(other) > reach(fault) and
        other.bad.text == fault.bad.text for other in faults)]


def asking_most(case, faults, others):
    """The faults of a list, each with the test of what other statements ask the same list for, if that is more."""
    more = [fault for one in others for fault in echoes(case, one, faults)] if case.exception == 'IndexError' else []
    most = [furthest([fault] + [one for one in more if one.bad.text == fault.bad.text]) for fault in faults]
    return [fault if fault in found else fault._replace(test=found[-1].test) for fault, found in zip(faults, most)]


def never_short(node, index):
    """x.split(':')[0] is always there, and x[i] with i out of range(len(x))."""
    counted = counted_by(index)
    if counted is not None and any(one.kind == 'Call' and is_name(one.func, 'len') and one.args and
                                   one.args[0].text == node.value.text for one in counted.args):
        return True
    return is_call(node.value, 'split', 'rsplit', 'partition', 'splitext') and \
        bool(node.value.args) and index.kind == 'Num' and index.n in (0, -1)


def index_test(node, index):
    """The condition under which node (x[index]) is there, as a function of the text of x."""
    base = node.value
    if index.kind == 'Num' and index.n in (0, -1):
        return truth_test
    if index.kind == 'Num' and isinstance(index.n, six.integer_types):
        if index.n == 1 and is_call(base, 'split') and base.args and base.args[0].kind == 'Str' and repeatable(base):
            separator, text = code_of(base.args[0]), operand(base.func.value)   # (None would divide at all blanks)
            if separator and text:
                return lambda unused: in_test(separator)(text)
        least = index.n + 1 if index.n > 0 else -index.n
        return test_of('len(@) >= %d' % least, 'len(@) < %d' % least)
    text = operand(index)
    if text is None or not repeatable(index) or index.kind == 'UnaryOp':
        return None
    return lambda base_text: ('%s < len(%s)' % (text, base_text), '%s >= len(%s)' % (text, base_text))


def conversion_faults(case, found):
    """int(), long() or float() of None or of a text that is no number."""
    name = found.group('name')
    missing = 'NoneType' in case.message or 'argument must be' in case.message
    for node in frame_part(case):
        bad = node.args[0] if node.kind == 'Call' and is_name(node.func, name, 'long') and node.args else None
        if bad is not None and bad.kind != 'Str' and make_of(case, bad) != 'number':
            soft, test = [], None
            if missing or re.search(r"(:\s*(u?''|u?\"\")?|float)\s*$", case.message) or 'empty string' in case.message:
                soft, test = [(or_default(bad, ZERO), bad, ZERO)], none_test if missing else truth_test
            yield Fault(node, bad, test, soft, 'it is no number')


READS_DATES = ('strptime', 'ParseDate', 'parse', 'date', 'datetime', 'strftime', 'replace', 'fromtimestamp')


def any_call_faults(*names):
    """A finder for calls of these functions, where no condition can tell beforehand whether they raise."""
    return faults_where(lambda case, node: calls_of([node], *names), None, 'it cannot be read')


def operator_faults(case, found):
    """None in an addition, a formatting or a calculation."""
    for node in frame_part(case):
        if node.kind in ('BinOp', 'AugAssign') and node.op != 'Mod':
            parts = (node.left, node.right) if node.kind == 'BinOp' else (node.value,)
            if re.search(r"cannot concatenate|coercing to|: 'NoneType' found|and 'NoneType'$|only concatenate",
                         case.message):
                parts = parts[-1:]              # it is the right one
            elif re.search(r": 'NoneType' and", case.message):
                parts = parts[:1]
            for bad in parts:
                if bad.kind == 'BinOp' or bad.kind == 'Call' and make_of(case, bad) in ('text', 'number'):
                    continue
                other = re.search(r"(?!'NoneType)'([\w.]+)'|\b(list|int|float|long)\b", case.message)
                fitting = EMPTY_LIKE.get(other.group(1) or other.group(2), NOTHING) if other else None
                soft = [way for way in none_soft(case, bad) if fitting in (None, way[2])]
                yield Fault(node, bad, none_test, [(with_its_words(case, bad) or way[0],) + way[1:] if way[
                    2] == NO_TEXT else way for way in soft], 'there is no value')


def plus_twice(case, found):
    """`'a' + + name`: the second plus is one too many."""
    nodes = [node for node in own_part(case.statement) if node.kind == 'UnaryOp' and node.op == 'UAdd' and is_op(
        node.parent, 'Add') and node is node.parent.right]
    if nodes:
        yield cure('right operator', [(node.start, node.operand.outer[0], '') for node in nodes],
                   'one plus puts the texts together', 0.95, 'a text has no sign')


def nothing_to_add_to(case, found):
    """`count['x'] += 1` where what is counted is None still: it begins with nothing of the kind that is added."""
    node, empty = case.statement, EMPTY_LIKE.get(found.group('right'))
    if node.kind == 'AugAssign' and node.op == 'Add' and empty not in (None, NOTHING) and not field_of(node) and \
            not is_field(node.target) and repeatable(node.target) and not any(
            is_name(node.target, name_assigned(one)) and one.value.kind in ('Str', 'Num', 'List')
            for one in earlier_siblings(node)):
        text, loose = code_of(node.target), is_loose(node.value)
        start, end = node.value.outer
        yield cure('empty default', [(node.target.outer[1], start, ' = (%s or %s) %s %s' % (
            text, empty, SIGNS[node.op], '(' * loose)), (end, end, ')' * loose)], '%s counts as %s where it is None' % (
                text, value_words(empty)), 0.87, 'what is added says what it begins with')


def changed_in_place(case, found):
    """`rows = rows.sort()`: that answers None, and what it changes is at hand."""
    for name in sorted(set(root_name(one.bad) for one in faults_of(case) if one.bad is not None) - set([None])):
        values = values_before(case, name, case.statement.start)
        call = values[-1] if values else None
        if call is None or call.kind != 'Call' or name_assigned(call.parent) != name or functions_behind(case, call):
            continue
        called, base = last_name(call.func), call.func.value if call.func.kind == 'Attribute' else None
        changed = call.args[0] if called == 'shuffle' and len(call.args) == 1 else base if called in (
            'sort', 'reverse', 'append', 'extend', 'insert', 'update') else None
        if changed is not None and is_name(changed, name):
            yield cure('right value', [(call.parent.start, call.outer[0], '')], '%s is changed where it is' % name,
                       0.94, '%s() changes it in place, and answers None' % called)
        elif changed is not None and called == 'sort':
            yield cure('right value', [(call.start, call.func.end + 1,
                                        'sorted(%s%s' % (code_of(base), ', ' * bool(call.args or call.keywords)))],
                       '%s is a sorted copy' % name, 0.92, 'sort() sorts in place, and answers None')


def with_its_words(case, bad):
    """Edits that leave a part of a sum of texts out together with the words that stand before it for its sake, and the
    bracket behind it: ' (' + year + ')'. None where there are no such words."""
    total, text = bad.parent, operand(bad)
    words = total.left if total.kind == 'BinOp' and total.right is bad else None
    if words is not None and is_op(words, 'Add') and not words.parens:
        words = words.right
    elif case.statement.kind != 'AugAssign':
        return None                             # what a text begins with says what it is about
    if words is None or words.kind != 'Str' or text is None or not repeatable(bad) or re.search(r'[)\]}>]', words.s):
        return None
    last = bad
    if re.search('[(\\[{<"\']', words.s):      # what they open is closed again behind it, and by nothing more
        around = total.parent
        last = around.right if around.kind == 'BinOp' and around.op == 'Add' and around.left is total and \
            not total.parens else bad
        if last.kind != 'Str' or last.s not in (')', ']', '}', '"', "'"):
            return None
    return [(words.outer[0],) * 2 + ('(',), (last.outer[1],) * 2 + (' if %s else %s)' % (none_test(text)[0], NO_TEXT),)]


# what can be added to what an error names beside None
EMPTY_LIKE = {'list': NO_LIST, 'str': NO_TEXT, 'unicode': NO_TEXT, 'int': ZERO, 'float': ZERO, 'long': ZERO}


def split_once(case, found):
    """`name, value = line.split(':')`, where the value holds the sign too: only the first ones divide."""
    node = case.statement
    call = node.value if node.kind == 'Assign' else None
    target = unpacked(node) if call is not None else None
    if target is None or call.kind != 'Call' or last_name(call.func) not in ('split', 'rsplit') or call.keywords or \
            not call.args or is_name(call.func.value, 're', 'Regex') or target.elts[-1].kind == 'Name' and name_effect(
                case, target.elts[-1].id, TEXT, node) == CRASH:
        return                                  # (a rest with the sign in it is no number)
    number = len(target.elts) - 1
    limit = call.args[1] if len(call.args) == 2 else None
    if limit is None or limit.text.startswith('-'):
        edits = [limit.outer + (str(number),)] if limit is not None else [
            (call.args[0].outer[1], call.args[0].outer[1], ', %d' % number)]
        yield cure('right split', edits, 'it is divided %s, and the rest stays together'
                   % ('once' if number == 1 else '%d times' % number), 0.87,
                   'the last part may hold the sign that divides')


def unpack_faults(case, found):
    """need more than n values to unpack, too many values."""
    for node in frame_part(case):
        target = unpacked(node) if node.kind == 'Assign' else None
        if target is not None and all(one.kind == 'Name' for one in target.elts):
            number = len(target.elts)
            yield Fault(node, node.value, test_of('len(@) == %d' % number, 'len(@) != %d' % number), [],
                        'there are not %d parts' % number)


# ---------------------------------------------------------------------------------- ways to mend, from small to large
def soften(case, faults):
    """Write the failing expressions so that they give something empty instead of raising."""
    edits, worst, values = [], FINE, []
    for fault in faults:
        ways = [(effect(case, node, value), way, value) for way, node, value in fault.soft
                if not (is_put_into(case, node) or goes_on(case, node, value))]
        ways += none_but_for_logs(case, fault)
        if not ways:
            return
        best = max(ways, key=lambda one: one[0])
        worst = min(worst, best[0])
        edits.extend(best[1])
        values.append(best[2])
    if worst == CRASH or suite_needs(case, faults) or case.statement.kind == 'For' and left_unbound(case):
        return
    is_lookup = '.get(' in ''.join(edit[2] for edit in edits)
    prior = {FINE: 0.86, OPEN: 0.62, HOLLOW: 0.24}[worst]
    if worst == HOLLOW and relied_on(case, [case.statement]):
        prior = 0.5                             # the function itself relies on the field a few lines on
    if faults[0].what == ONE_TEXT and not uses_parts(faults[0].node):
        prior = 0.8
    sure = faults[0].what == NOT_ALL_TEXT or values[0] == TEXT
    if sure:
        prior = 0.88                            # the rest of the list; what the preference is where nobody set it
    if worst > HOLLOW and edits[-1][2].startswith(' if '):
        prior = 0.84                            # the rest of the text, and of the function, goes on
    grown = case.statement.kind == 'Assign' and case.statement.targets[0].text in (
        faults[0].bad.text, faults[0].node.text)
    is_added_to = worst > CRASH and grown and is_op(faults[0].bad.parent, 'Add')
    if worst > CRASH and grown:
        prior = 0.88                            # text is added to a field that was empty, or one is counted
        worst = max(worst, OPEN) if is_added_to else worst      # (what is added to it is stored)
    if worst == OPEN and all(value == NO_TEXT and is_part_of_text(fault.node) or is_detail(fault.node)
                             for value, fault in zip(values, faults)):
        prior = max(prior, 0.8)                 # what else it says is not lost for the one part
    if worst == OPEN and all(value == ZERO and is_part_of_sum(fault.node) for value, fault in zip(values, faults)):
        prior = max(prior, 0.8)                 # what else is added up counts
    if emptied_before(case, [case.statement]):
        prior = min(prior, 0.8)                 # and would stay empty
    if is_lookup and worst > CRASH and is_usual(case, faults[0].node, values[0], worst):
        prior = 0.89
    yield Proposal('tolerant lookup' if is_lookup else 'empty default', edits, '%s is taken where %s'
                   % (value_words(values[0]), faults[0].what), loss_words(case), 'medium' if worst < FINE and
                   not (sure or is_added_to) else 'low', prior,
                   'the smallest change, and the rest of the function goes on' if worst > HOLLOW else
                   'it goes on, but may store an empty value')


def is_part_of_text(node):
    """Whether a value is written into a text beside others that are no constants."""
    while is_called(node) or node.parent.kind == 'Attribute' and node.parent.attr in TEXT_METHODS:
        node = node.parent
    text = node.parent.parent if node.parent.kind == 'Tuple' else node.parent
    parts = text.right.elts if is_op(text, 'Mod') and text.right is node.parent else text.args if is_call(
        text, 'format') else ()
    return node in parts and any(one is not node and one.kind not in ('Str', 'Num') for one in parts)


def is_part_of_sum(node):
    """Whether a number is added to another one that is no constant: int(hours) * 60 + minutes."""
    while is_op(node.parent, 'Mult') and node.parent.left is node and node.parent.right.kind == 'Num':
        node = node.parent
    around = node.parent
    return is_op(around, 'Add') and (around.right if around.left is node else around.left).kind not in ('Num', 'Str')


def is_detail(node):
    """Whether a value is one of several of a record, and one that it can do without: no title, no address."""
    around = node.parent
    if around.kind == 'Dict' and node in around.values:
        name, size = getattr(around.keys[around.values.index(node)], 's', ''), len(around.values)
    elif around.kind == 'keyword':
        name, size = around.arg, len(around.parent.keywords)
    else:
        return False
    return size > 2 and DETAILS.match(name) is not None


DETAILS = re.compile(r'(?i)(plot|summary|desc|overview|synopsis|tagline|outline|rating|vote|year|thumb|poster|fanart|'
                     r'art$|backdrop|image|img|picture|cover|icon|banner|studio|director|writer|genre|cast|actor|'
                     r'runtime|duration|mpaa|date|aired|premier|release|country|language|trailer|width|height)')


def is_put_into(case, node):
    """Whether the statement puts something into an expression: in a new list, which nobody holds, it is lost."""
    call = call_of(case.statement)
    return call is not None and node is getattr(call.func, 'value', None) and last_name(call) in (
        'append', 'extend', 'insert', 'setdefault', 'update')


def goes_on(case, node, value):
    """Whether the statement is a `while` that does not surely end where a part of its test has an empty value, or an
    `if` below which its function then calls itself."""
    held = holds_for(case.statement.test, node.text, value) if case.statement.kind in ('While', 'If') else False
    return held is not False and (case.statement.kind == 'While' or held and calls_itself(case))


def calls_itself(case):
    """Whether the suite of an `if` calls the function that it stands in."""
    return any(is_call(node, getattr(case.function, 'name', None)) for one in getattr(case.statement, 'body', ())
               for node in walk(one))


def begins_as(statement):
    """The empty value that the statements right before one give to the same attribute, or None."""
    target = target_of(statement)
    values = [literal_value(one.value) for one in earlier_siblings(statement) if one.kind == 'Assign' and
              target is not None and target.kind == 'Attribute' and one.targets[0].text == target.text]
    return values[-1] if values and values[-1] in OTHERWISE else None


def also(names):
    """Words for what a proposal mends in the same way."""
    return '; the same for %s' % and_words(names) if names else ''


def and_words(words):
    """'a, b and c' of some words."""
    return ' and '.join([', '.join(words[:-1])] * bool(words[1:]) + words[-1:])


def none_but_for_logs(case, fault):
    """[(effect, edits, None)] where the function asks whether a variable is None, and only log lines cannot bear it."""
    statement = case.statement
    name = name_assigned(statement)
    if name is None or NOTHING not in compared_with(later_uses(case, name, statement)):
        return []
    uses = unchecked(case, later_uses(case, name, statement))
    logged = [use for use in uses if in_log_call(use) and effect(case, use, NOTHING) == CRASH]
    worst = min([FINE] + [effect(case, use, NOTHING) for use in uses if use not in logged])
    if not logged or worst == CRASH or any(effect(case, use, NO_TEXT) == CRASH for use in logged):
        return []
    more = [edit for use in logged for edit in or_default(use, NO_TEXT)]
    return [(worst, list(way) + more, value) for way, node, value in fault.soft
            if value == NOTHING and node is statement.value]


def left_unbound(case):
    """Whether what follows the outermost loop around stores something that only the case's loop may have set."""
    loop, function = case.statement, enclosing(case.statement, 'FunctionDef')
    if function is None:
        return False
    outer = top_of(loop, function)
    before = function.body[:function.body.index(outer)]
    known = names_in(function.args) | set(target.id for one in before if one.kind == 'Assign'
                                          for target in one.targets if target.kind == 'Name')
    return any(use.start > outer.end and not is_checked(case, use, name) and not bound_between(use, outer.end)
               for name in bound_names(loop) - known for use in reads(function, name)
               if not any(one.start > outer.end and one.start <= use.start and name in bound_names(one) and
                          not is_in(use, one) for one in function.body))


def uses_parts(loop):
    """Whether a loop asks its elements for keys or attributes, which a text does not have."""
    target = loop.target.id if loop.kind == 'For' and loop.target.kind == 'Name' else None
    return any(node.kind in ('Attribute', 'Subscript') and is_name(node.value, target) for node in walk(loop))


def suite_needs(case, faults):
    """Whether a test guards a suite that fails on the same value: then it must come out false, not just not raise."""
    return case.statement.kind in ('If', 'While') and (is_only_way_out(case) or acts_in(
        case.statement.body + case.statement.orelse) or any(
        needs_value(case, one, faults) for one in case.statement.body))


def best_value(values, fares):
    """(effect, value) of the first of some values that fares best."""
    best = None
    for value in each_once(values):
        found = fares(value)
        if best is None or found > best[0]:
            best = found, value
        if found == FINE:
            break
    return best


def value_words(value):
    return {NOTHING: 'nothing', NO_TEXT: 'an empty text', NO_LIST: 'an empty list', NO_DICT: 'an empty dict',
            ZERO: '0', SOME: 'what can be made of it', TEXT: 'its text'}.get(value, value)


def fields_of(block):
    """The metadata fields that statements, and what is below them, fill; sorted."""
    return sorted(set(field_of(node) for one in block for node in walk(one)) - set([None]))


def loss_words(case, block=()):
    """What the items that failed so far do without. block: the statements that are not run, the failing one first."""
    if any(is_log_call(node) for node in own_part(case.statement) if node.kind == 'Call'):
        return 'nothing but a part of a log line'
    statement, target = case.statement, target_of(case.statement)
    fields = fields_of(block or [statement])
    if len(fields) == 1 and fields[0] == field_of(statement):
        return ('%s stays as it was for these items' if block else '%s may stay empty or lack a part for these items'
                ) % fields[0]
    sets = target is not None and not grows(statement)
    if sets and target.kind == 'Name' and not fields:
        fields = fields_of([statement_of(use) for use in later_uses(case, target.id, statement)])
    if call_of(statement):
        fields = fields or [one.attr for one in call_of(statement).args if is_field(one)]
    if 0 < len(fields) < 6:
        return '%s may stay empty for these items' % and_words(fields)
    if sets:
        return '%s is %s for these items' % (one_line(target.text), 'not set' if block else 'empty or lacks a part')
    return 'what %s, or a part of it, for these items' % (
        '%s would have answered' % case.function.name if statement.kind == 'Return' and
        case.function.kind == 'FunctionDef' else 'depends on this condition' if hasattr(statement, 'test') else
        'this line would have added' if grows(statement) else 'this loop does' if statement.kind == 'For' else
        'this line does')


def grows(statement):
    """Whether a statement adds to a variable: `x += y`, `x = x + y`."""
    return statement.kind == 'AugAssign' or target_of(statement) is not None and is_op(
        statement.value, 'Add') and flat(target_of(statement)) in read_in(statement.value)


def expression_chain(node):
    """The node and the expressions around it that a conditional could replace, inside out."""
    found = []
    while node.kind not in STATEMENTS:
        if node.kind not in ('Index', 'Slice', 'ExtSlice', 'keyword', 'comprehension', 'arguments') and not (
                node.parent.kind == 'Call' and node is node.parent.func) and node.parent.kind != 'Expr' and \
                getattr(node, 'ctx', 'Load') == 'Load':
            found.append(node)
        if node.kind in ('Lambda', 'GeneratorExp') or node.parent.kind in COMPREHENSIONS + ('Lambda', 'comprehension'):
            break
        node = node.parent
    return found


def chain_top(node):
    """The whole of a.b[c].d() for any part of it."""
    while True:
        parent = node.parent
        if parent.kind in ('Attribute', 'Subscript') and parent.value is node and parent.ctx == 'Load' or \
                is_called(node):
            node = parent
        else:
            return node


def set_from(region):
    """The variable that an assignment gives the value of a whole expression, or None."""
    target = target_of(region.parent)
    return target.id if target is not None and target.kind == 'Name' and region is region.parent.value else None


def defaults_for(case, region):
    """Texts of values to try in the place of a region, the most fitting first."""
    statement, wished, name = case.statement, [], set_from(region)
    if statement.kind == 'Assign' and region is statement.value:
        if borrowed(case) is not None:
            return [borrowed(case)]
        if name is not None:
            if is_sum(statement, name) and not moves_loop_on([statement]) and any(
                    name not in names_in(fault.bad) for fault in faults_of(case)[:1]):
                return [name]                   # what was gathered so far: it failed on something else
            wished = given_up(case, name) + compared_with(later_uses(case, name, statement)) + [
                literal_value(value) for value in assigned_before(case, name, statement.start)
                if value is not statement.value]
        elif statement.targets[0].kind in ('Tuple', 'List'):
            return tuple_defaults(case, statement)
        elif grows(statement) and not any(fault.node.text == statement.targets[0].text for fault in faults_of(case)):
            return [statement.targets[0].text]  # not what it began with
        else:
            wished = [value for value in [begin_value(case, statement.targets[0])] if value] + emptied_elsewhere(
                statement.targets[0])
    elif statement.kind == 'Return' and region is statement.value:
        wished = [value for value in [normal_empty(case)] if value]
    kind = make_of(case, region)
    wished = [value for value in wished if value not in BY_KIND]
    by_kind = [EMPTY_OF[kind]] if kind in EMPTY_OF else []
    if kind == 'date':
        return wished + by_kind                 # no text, and no number, is reckoned with as a date is
    return wished + by_kind + (by_plural(name) if name else []) + OTHERWISE


def given_up(case, name, here=False):
    """What the except clauses of the file, those of the function first, set a variable of this name to, or one that is
    made in the same way: something empty, or a constant of the module that nothing is asked for by. here: those of the
    function only."""
    made, found = shape_of_texts(case.statement.value), []
    known = FRAMEWORK_NAMES | set(bindings(case.source.tree))
    inside = [one for one in walk(case.function) if one.kind == 'ExceptHandler']
    for handler in inside + [one for one in handlers_setting(case.source).get(name, ()) if one not in inside]:
        tried = dict((name_assigned(one), one.value) for one in handler.parent.body if name_assigned(one))
        own = is_in(handler, case.function)
        for one in handler.body:
            given = name_assigned(one)
            if given is None or here and (not own or given != name) or (
                    given != name or not own and given not in tried) and not (
                    own and given in tried and shape_of_texts(tried[given]) == made and
                    type_of_field(given) == type_of_field(name)):
                continue
            if literal_value(one.value) in OTHERWISE:
                found.append(literal_value(one.value))
            elif (one.value.kind == 'Name' or is_call(one.value, 'R', 'L')) and names_in(one.value) <= known and \
                    not LEADS_TO.search(name):
                found.append(code_of(one.value))
    return [value for value in each_once(found) if value]


@kept
def handlers_setting(source):
    """{variable: [the except clauses of a file that set it]}."""
    return grouped((name, handler) for handler in nodes_named(source, 'ExceptHandler', None)
                   for name in each_once(map(name_assigned, handler.body)) if name)


def emptied_elsewhere(target):
    """The empty values that another branch of the function gives to the same key of the same dict, or another method to
    the same attribute of self."""
    around = enclosing(target, 'ClassDef') if sets_self(target) else enclosing(target, 'FunctionDef')
    if around is None or not sets_self(target) and key_of(target) is None:
        return []
    return each_once(literal_value(one.parent.value) for one in stored_alike(target) if is_in(one, around) and
                     one.parent.kind == 'Assign' and one.parent.targets[0] is one and
                     literal_value(one.parent.value) in OTHERWISE)


def shape_of_texts(node):
    """An expression's text without the texts in it."""
    return re.sub(r'(["\']).*?\1', '', node.text)


def compared_with(uses):
    """The empty values that a variable is tested for: what the function itself takes for nothing."""
    return [literal_value(use.parent.comparators[0]) for use in uses
            if use.parent.kind == 'Compare' and use.parent.left is use and use.parent.ops[0] in (
                'Eq', 'NotEq', 'Is', 'IsNot') and literal_value(use.parent.comparators[0]) in OTHERWISE]


def borrowed(case):
    """The text of what the program itself takes elsewhere for what an assignment sets, or None."""
    target = target_of(case.statement)
    if target is None:
        return None
    found = other_method(case, target.id) if target.kind == 'Name' else other_branch(case)
    return code_of(found) if found is not None else None


def other_branch(case):
    """The field of the metadata that the other branch of an `if` gives to the same attribute; anything else that it
    gives is for other items."""
    statement = case.statement
    around = statement.parent
    if around.kind != 'If' or statement.targets[0].kind != 'Attribute':
        return None
    others = around.orelse if statement in around.body else around.body
    values = [one.value for one in others if one.kind == 'Assign' and one.targets[0].text == statement.targets[0].text]
    return values[0] if len(values) == 1 and values[0].kind == 'Attribute' and is_model(values[0]) else None


def other_method(case, name):
    """What another method of the class takes for a variable, from the same argument: `media.items[0].parts[0].file`."""
    owner, value = enclosing(case.function, 'ClassDef'), case.statement.value
    if owner is None or case.function.kind != 'FunctionDef':
        return None
    roots = set(names_in(value)) & set(names_in(case.function.args)) - set(('self', 'metadata'))
    found = [one.value for one in assignments(owner, name) if not is_in(one, case.function)]
    found = [one for one in found if one.kind in ('Attribute', 'Subscript') and not has_call(one) and
             names_in(one) <= roots and one.text != value.text]
    return found[0] if found and len(set(one.text for one in found)) == 1 else None


def tuple_defaults(case, statement):
    """['None, ''...'] for an unpacking: to each name what its uses bear best."""
    values = []
    for target in statement.targets[0].elts:
        if target.kind != 'Name':
            return []
        best = best_value(OTHERWISE, lambda value: name_effect(case, target.id, value, statement))
        if best[0] == CRASH:
            return []
        values.append(best[1])
    return ['(%s)' % ', '.join(values)]


def choose(case, faults, beside=True):
    """`x if it is there else something empty`, for as small a part of the statement as can be. beside: and for what
    the statement asks the same list for beside it."""
    chain = [region for region in expression_chain(faults[0].node)
             if all(region.start <= fault.node.start and fault.node.end <= region.end for fault in faults) and
             (region is not faults[0].node or case.exception != NO_ADDRESS)]
    if not chain or case.statement.kind in ('Delete', 'With') or suite_needs(case, faults):
        return
    top, best = chain_top(chain[0]), None
    alone = top.parent.kind == 'List' and top.parent.elts == [top] and top.parent in chain  # then the list is empty
    begins = begin_value(case, case.statement.targets[0]) if case.statement.kind == 'Assign' else None
    for rank, region in enumerate(chain):
        kept = [name for name in [kept_name(case, region, faults)] if name and not moves_loop_on([case.statement])]
        for order, default in enumerate(kept + defaults_for(case, region)):
            if case.exception == 'ValueError' and enclosing(region, 'Slice', 'Subscript', *STATEMENTS).kind == 'Slice':
                continue                        # what stands before or behind nothing is not the whole text
            if is_put_into(case, region) or goes_on(case, region, default) or alone and is_in(
                    region, top) or region.kind in (
                    'Dict', 'List', 'Tuple', 'Set') and region.parent.kind in ('Call', 'BinOp') or \
                    default != NO_TEXT and is_log_call(region.parent):
                continue                        # an empty record among whole ones is nothing that its readers expect
            name = set_from(region)
            if name_assigned(case.statement) and region is case.statement.value and moves_loop_on(
                    [case.statement]) and not ends_loop(case.statement, name_assigned(case.statement), default):
                continue                        # that loop would have no end
            known = is_usual(case, region, default) or default == begins and region is case.statement.value
            value = effect(case, region, default) if default in OTHERWISE else FINE if default in kept or known and all(
                is_shown(use) and is_entry(use.parent.parent)
                for use in later_uses(case, name, case.statement)) else OPEN
            score = (value, known, region is top, -rank, -order)
            if value > CRASH and (best is None or score > best[0]):
                best = (score, region, default)
    found = condition(case, faults) if best is not None else None
    if found is None:
        return
    (value, _, _, _, _), region, default = best
    start, end = with_separator(region) if default == NO_TEXT else region.outer
    parts = conditional_edits(region, found.text, default) if (start, end) == region.outer else [
        (start, start, '('), (end, end, ' if %s else %s)' % (found.text, default))]
    edits = found.edits + parts + put_before(case.statement, found.before)
    along = []
    for other in faults_of(case) if case.exception == 'IndexError' and beside else ():
        if same_value(other, faults) and not (is_in(other.node, region) or is_guarded(case, other)):
            more = next(choose(case, [other], False), None)
            at = [edit[0] for edit in more.edits] if more is not None else []
            if at and (min(at) < start < max(at) < end or start < min(at) < end < max(at)):
                for proposal in choose(case, faults + [other]):
                    yield proposal              # (one bracket would close within the other)
                return
            if more is None or in_each_others_way(edits, more.edits):
                return
            along.append(more)
            edits += [edit for edit in more.edits if edit not in edits]
    prior = 0.88 if is_usual(case, region, default, value) else 0.85 if default == borrowed(case) or (
        default == begins and region is case.statement.value) else {FINE: 0.84, OPEN: 0.6, HOLLOW: 0.22}[value]
    if is_log_call(region.parent):
        prior = min(prior, 0.7)                 # an empty line in the log tells nobody anything
    yield Proposal(template_of(faults), edits, '%s is taken where %s' % (value_words(default), faults[0].what),
                   loss_words(case), max([one.risk for one in along] + ['low' if value == FINE else 'medium'], key=(
                       'low', 'medium', 'high').index), min([prior] + [one.prior for one in along]),
                   'only this expression is guarded, and the rest of the function goes on')


def is_usual(case, region, default, worth=FINE):
    """Whether except clauses set the variable that a region is put into to a default; to one that is of little worth,
    those of the function."""
    name = set_from(region)
    return name is not None and default in given_up(case, name, here=worth <= HOLLOW)


def with_separator(region):
    """Where a part of a sum of texts begins and ends, with the ' - ' that stands between it and another part."""
    total = region.parent
    start, end = region.outer
    if is_op(total, 'Add') and total.right is region and is_op(total.left, 'Add') and not total.left.parens and \
            is_separator(total.left.right):
        return total.left.right.outer[0], end
    if is_op(total, 'Add') and total.left is region and is_separator(total.right) and is_op(
            total.parent, 'Add') and total.parent.left is total and not total.parens:
        return start, total.right.outer[1]
    return start, end


def is_separator(node):
    return node.kind == 'Str' and re.match(r'[\s,;:/|.-]+$', node.s) is not None


def kept_name(case, region, faults):
    """`title = '%s - %s' % (number.zfill(2), title)`: the variable that a statement puts something to and that needs
    nothing of what fails, or None. It stays as it was."""
    name = set_from(region) if name_assigned(case.statement) else None
    made = region.func.value if is_call(region, 'format') and \
        region.func.kind == 'Attribute' else region
    return name if name in names_in(region) and made.kind in ('BinOp', 'Str') and not takes_one(region, name) and \
        not any(name in names_in(fault.node) for fault in faults) else None


def takes_one(node, name):
    """Whether a variable is only asked for one of its parts in an expression: `parts[0] + ': '`."""
    return all(is_indexed(use) and index_of(use.parent) is not None for use in walk(node) if is_name(use, name))


def template_of(faults):
    """The name of a guard after what it guards against."""
    if faults[0].what == 'nothing was found' or 'there is no' in faults[0].what:
        return 'None guard'
    return 'index guard' if faults[0].what in ('there are too few', 'the list is empty') else 'guard'


def conditional_edits(region, test, default):
    """Edits that turn x into (x if test else default)."""
    loose = region.kind in ('Lambda', 'IfExp', 'Yield') and not region.parens
    apart = region.kind == 'Tuple' or takes_conditional(region)
    return enclose(region, '(' * (not apart) + '(' * loose,
                   ')' * loose + ' if %s else %s' % (test, default) + ')' * (not apart))


def takes_conditional(node):
    """Whether `a if b else c` may stand where the node stands, without parentheses."""
    return is_apart(node, 'AugAssign', 'Expr') or node.parent.kind == 'ListComp' and node is node.parent.elt


def other_way(case, faults):
    """`if answer:` with an else, where the one statement below needs a part of the answer: it asks for that too."""
    around, root = case.statement.parent, root_name(faults[0].bad)
    if around.kind != 'If' or not around.orelse or around.orelse[0].is_elif or root is None:
        return
    holds = case.statement in around.body       # (else it stands below the else of `if not answer:`)
    mine, other = (around.body, around.orelse) if holds else (around.orelse, around.body)
    empty = mine[0] is case.statement and all(
        one.kind == 'Assign' and (is_empty_literal(one.value) or is_name(one.value, 'None')) for one in other)
    spoilt = bound_names(case.statement) if empty else set()
    for one in mine[1:] if empty else ():
        spoilt = spoilt | (bound_names(one) if spoilt.intersection(names_in(one)) else set())
    if empty and not any(stored(node) and node.kind != 'Name' or node.kind in EXITS + ('Expr',)
                         for one in mine for node in walk(one)) and all(
            name in spoilt.intersection(bound_names(*other)) or not later_uses(case, name, around)
            for name in bound_names(*mine)):
        pass                                    # all that the suite makes needs it, and is empty there
    elif faults[0].bad.kind == 'Name' and faults[0].test is none_test and makes_the_same(case, mine, other, faults):
        pass
    elif mine != [case.statement] or not says_there(around.test, holds, root) or any(
            needs_value(case, one, faults) for one in other) or case.statement.kind != 'Return' and any(
            has_exit(one) for one in other):
        return                                  # (for one key, not all that follows)
    found = condition(case, faults, hoist=False, outside=True)
    if found is not None and not found.before:
        start, end = around.test.outer
        loose = around.test.kind in ('IfExp', 'Lambda') or is_op(around.test, 'Or' if holds else 'And')
        edits = [(start, start, '(')] * loose + [(end, end, ')' * loose + (
            ' and ' + found.text if holds else ' or ' + found.opposite))]
        yield Proposal(template_of(faults), edits, TIGHTENED, loss_words(case), 'low', 0.9 if empty else 0.88,
                       'its else already says what to do without')


def makes_the_same(case, mine, other, faults):
    """Whether both suites of an `if` only make the same of the same, or what was made before, and the first alone needs
    the value that is nothing."""
    if mine[0] is not case.statement or any(one.kind != 'Assign' for one in mine + other) or not all(
            names_in(one.value) or is_empty_literal(one.value) for one in other) or not set().union(
            *[names_in(one.value) for one in other]) <= set().union(*map(names_in, mine)) - set([faults[0].bad.id]):
        return False
    made, again, before = [[target for one in suite if one.kind == 'Assign' for target in one.targets]
                           for suite in (mine, other, earlier_siblings(case.statement.parent))]
    known = set(one.text for one in again + before)
    return any(one.text == target.text for one in made for target in again) and all(
        one.text in known or one.kind == 'Name' and not later_uses(case, one.id, case.statement.parent) for one in made)


TIGHTENED = 'the condition first asks whether it is there'
MADE_GOOD = 'what is not there is made as well'


def is_way_out(case, faults, tested):
    """Whether a part of a test leads out of what follows, which needs the value:
    `if len(a) < 9: return` before a[8]."""
    test, bad = case.statement, faults[0].bad
    if test.kind != 'If' or test.orelse or test.is_elif or test.body[-1].kind not in ('Return', 'Continue') or \
            tested is not test.test and not (tested.parent is test.test and is_op(test.test, 'Or')):
        return False
    if any(needs_value(case, one, faults) for one in test.body):
        return False
    loop = innermost_loop(case)
    if bad.kind == 'Name' and faults[0].test is none_test and getattr(loop, 'kind', None) == 'For' and is_name(
            loop.target, bad.id) and test.body[0].kind == 'Continue':
        # an element that is nothing is as little meant as those left out here
        return any(not is_checked(case, use, bad.id) for use in later_uses(case, bad.id, test) if is_in(use, loop))
    return any(needs_value(case, one, faults) or bad.kind == 'Name' and faults[0].test is none_test and any(
        effect(case, use, NOTHING) == CRASH for use in reads(one, bad.id)) for one in later_siblings(test)[:1])


def is_only_way_out(case):
    """Whether nothing but a test ends the loop around: `while True: ... if page['last']: break`."""
    test, loop = case.statement, loop_around(case.statement)
    if test.kind != 'If' or loop is None or loop.kind != 'While' or any(
            one.kind in ('Break', 'Return', 'Raise') and not is_in(one, test) and loop_around(one) is loop
            for one in statements(loop)):
        return False
    asked, negated = (loop.test.operand, True) if is_op(loop.test, 'Not') else (loop.test, False)
    ends = [one for one in statements(loop) if is_name(asked, name_assigned(one))]
    if ends:                                    # `while more: ... if page['last']: more = False`
        return all(is_in(one, test) and is_name(one.value, 'True' if negated else 'False') for one in ends)
    return test.body[-1].kind in ('Break', 'Return') and asked.kind in ('Num', 'Name')


def loop_around(statement):
    """The innermost loop of the same frame in whose body a statement stands, or None."""
    return next((outer for inner, outer in levels(statement) if outer.kind in ('For', 'While') and
                 inner in outer.body), None)


def moves_loop_on(block):
    """Whether a `while` would have no end without some statements: they alone set what its end depends on."""
    loop = loop_around(block[0])
    if loop is None or loop.kind != 'While':
        return False
    asked = names_in(loop.test).union(*[names_in(one.test) for one in ways_out(loop)])
    return any(all(in_any(node, block) for node in name_nodes(loop, name) if node.ctx == 'Store')
               for name in bound_names(*block) & asked)


def ends_loop(statement, name, value):
    """Whether the `while` around a statement surely ends where this gives a variable a value."""
    loop = loop_around(statement)
    return holds_for(loop.test, name, value) is False or any(holds_for(one.test, name, value) for one in ways_out(loop))


def ways_out(loop):
    """The tests of a loop below which it is left, or the next round begins."""
    return [one for one in statements(loop) if one.kind == 'If' and has_exit(one)]


def sets_what_is_missing(case, faults):
    """Whether the suite below a test makes what is not there: `if now > d['expires']: d['expires'] = ...`."""
    missing = [fault.node.text for fault in faults]
    empty = [one.left.text for one in walk(getattr(case.statement, 'test', case.statement)) if one.kind == 'Compare' and
             one.ops == ['Eq'] and literal_value(one.comparators[0]) in OTHERWISE]      # (what is '' is made, too)
    return case.exception == 'KeyError' and case.statement.kind == 'If' and any(
        target.text in missing for one in case.statement.body for inner in [one] + statements(one)
        if inner.kind == 'Assign' and (inner.value.kind in ('Call', 'BinOp') or set(empty).intersection(missing))
        for target in inner.targets) and not any(
            one.kind == 'Compare' and (one.ops[0] in ('Gt', 'GtE') and one.left.text in missing or one.ops[0] in (
                'Lt', 'LtE') and one.comparators[-1].text in missing) for one in walk(case.statement.test))


def tighten(case, faults):
    """`if it is there and ...`: one more condition in a test."""
    operand_node = tested_operand(faults[0].node)
    while operand_node is not None and not all(is_in(fault.node, operand_node) for fault in faults):
        operand_node = operand_node.parent if is_op(operand_node.parent, 'And', 'Or', 'Not') else None
    found = condition(case, faults) if operand_node is not None else None
    if found is None:
        return
    edits = found.edits + put_before(case.statement, found.before)
    around = operand_node.parent
    body = case.statement.body if case.statement.kind == 'If' else ()
    body_needs = any(needs_value(case, one, faults) for one in body) or 'no len()' in case.message and any(
        is_same(asked, faults[0].bad.text) for one in body for asked in map(refuses_none, walk(one)) if asked)
    if acts_in(getattr(case.statement, 'orelse', ())):
        return
    if around.kind == 'UnaryOp' and (is_none_check(operand_node) or body_needs or acts_in(getattr(
            case.statement, 'body', ()))):
        operand_node, around = around, around.parent        # the body needs it as well
    start, end = operand_node.outer
    absent = operand_node.kind == 'Compare' and operand_node.ops[0] in ('NotEq', 'NotIn') and not (acts_in(getattr(
        case.statement, 'body', ())) or case.statement.kind == 'If' and calls_itself(case)) and \
        case.statement.kind != 'While' and not is_empty_literal(operand_node.comparators[0]) and not body_needs and \
        holds_for(operand_node, faults[0].bad.text) is not False                # (len(x) != 0)
    if operand_node.kind == 'Compare' and is_call(operand_node.left, 'find', 'rfind'):
        absent = not body_needs and (operand_node.ops[0] == 'Lt' or operand_node.ops[0] == 'Eq' and flat(
            operand_node.comparators[0]) in ('-1', 'None'))             # -1 says that it is not there
    if is_none_check(operand_node) or is_way_out(case, faults, operand_node) or not body_needs and (
            sets_what_is_missing(case, faults) or is_only_way_out(case) and around.kind != 'UnaryOp'):
        absent = True                           # what is not there at all counts as None, or as too little
    text, word = (found.opposite, 'or') if absent else (found.text, 'and')
    loose = around.kind == 'UnaryOp' or around.kind == 'BoolOp' and around.op.lower() != word
    inner = not operand_node.parens and (operand_node.kind in ('IfExp', 'Lambda') or operand_node.kind == 'BoolOp' and
                                         operand_node.op.lower() != word)
    edits += [(start, start, '%s%s %s %s' % ('(' * loose, text, word, '(' * inner)), (end, end, ')' * (inner + loose))]
    past = not absent and case.statement.kind == 'If' and case.statement.test is operand_node and operand_node.kind == \
        'Compare' and operand_node.ops[0] in ('NotEq', 'NotIn') and body[-1].kind in EXITS and faults[0].bad.kind == \
        'Name' and faults[0].test is none_test and any(
            faults[0].bad.id in names_in(one) for one in later_siblings(case.statement))    # what weeds out lets it by
    yield Proposal(template_of(faults), [edit for edit in edits if edit[0] != edit[1] or edit[2]],
                   MADE_GOOD if absent and sets_what_is_missing(case, faults) and any(
                       target.text == faults[0].node.text for one in body if one.kind == 'Assign'
                       for target in one.targets) else TIGHTENED,
                   'nothing; what the condition says for others is taken' if around.kind == 'IfExp' else
                   loss_words(case), 'medium' if past else 'low', 0.3 if past else 0.87,
                   'the test answers as for any other item that does not match')


def stores_either_way(case):
    """Whether a test in a loop says which of two fields an element goes to: one that cannot be told goes to none."""
    ways = [fields_of(way) for way in (case.statement.body, case.statement.orelse)] if case.statement.kind == 'If' and \
        innermost_loop(case) is not None and not case.statement.is_elif else [[]]
    return all(ways) and ways[0] != ways[-1]


def ask_value(case, faults):
    """`if 'a' in d:` around d['a'], which is there and None: the same condition asks for a value too. So do
    `if 'a' not in d: return` in front of it, and the else of `if 'a' not in d:`."""
    found = [(fault.bad, fault.test, around, asked, holds) for fault in faults if fault.test in (
        none_test, truth_test) and repeatable(fault.bad) for around, asked, holds in asking_tests(case, fault.bad)][:1]
    if not found or not all(is_in(fault.bad, found[0][0]) or fault.bad.text == found[0][0].text for fault in faults):
        return
    bad, test, around, asked, holds = found[0]
    inside, ways = is_in(bad, around), [as_list(around.body), as_list(around.orelse)]
    mine, other = (ways if in_any(bad, ways[0]) else ways[::-1]) if inside else (later_siblings(around), ways[0])
    if acts_in(other):
        return
    ends = loop_around(around) is not None and any(one.kind in ('Break', 'Return') for one in other)
    beside = [part for part in same_operands(asked) if part is not asked]
    kept = ends or around.kind == 'If' and (any(not is_in(bad, one) and not echoes(case, one, faults) for one in mine)
                                    if not (inside and other) else any(
                                        root_name(bad) in names_in(part) for part in beside))
    loose = is_op(asked.parent, 'Not') and not asked.parens
    (start, at), text = (asked.start, asked.end) if is_op(asked.parent, 'Not') else asked.outer, test(bad.text)
    yield Proposal('None guard', [(start, start, '(')] * loose + [
        (at, at, (' and %s' % text[0] if holds else ' or %s' % text[1]) + ')' * loose)],
                   'what is there without a value counts as not there', loss_words(case), 'low', 0.78 if kept else 0.89,
                   'the code already says what to do for an item that has none')


def asking_tests(case, bad):
    """[(if, condition, whether it holds)] around an expression, or before it, that only ask whether it is there, the
    inner ones first."""
    found = []
    for test, holds in conditions_at(bad):
        around = test.parent
        while is_op(test, 'Not'):
            test, holds = test.operand, not holds
        if around.kind in ('If', 'IfExp') and is_in(around, case.function) and not any(
                other.start < bad.start and names_in(bad) & bound_names(other)
                for other in (statements(around) if around.kind == 'If' else ())):
            found += [(around, one, holds) for one in same_operands(test, 'And' if holds else 'Or')
                      if asks_for(one, bad, holds)]
    return found


def and_operands(test):
    """The conditions that all hold where a test does."""
    return same_operands(test, 'And')


def same_operands(test, op=None):
    """The conditions that a test joins by one operator; by default by the one that it stands below."""
    top = test
    while op is None and is_op(top.parent, 'And', 'Or'):
        top = top.parent
    op = op or getattr(top, 'op', None)
    return [part for value in top.values for part in same_operands(value, op)] if is_op(top, op) else [top]


def asks_for(test, bad, holds=True):
    """Whether a condition asks whether something has what `bad` reads from it, and not what value that has; or whether
    `bad` is something else than nothing of another kind: None is not '' either. holds: whether it holds then."""
    if test.kind == 'Compare' and test.ops[0] == ('NotEq' if holds else 'Eq') and literal_value(
            test.comparators[0]) in OTHERWISE[1:]:
        return bad.text == test.left.text
    if test.kind == 'Compare' and len(test.ops) == 1 and test.ops[0] == ('In' if holds else 'NotIn'):
        key, owner = test.left, test.comparators[0]
    elif is_call(test, 'has_key') and len(test.args) == 1 and holds:
        key, owner = test.args[0], test.func.value
    else:
        return False
    index = index_of(bad) if bad.kind == 'Subscript' else bad.args[0] if is_call(bad, 'get') and bad.args else None
    base = bad.func.value if bad.kind == 'Call' and index is not None else getattr(bad, 'value', None)
    return index is not None and (index.text == key.text or text_at(key) == text_at(index) is not None) and \
        base.text == owner.text


def is_none_check(node):
    return node.kind == 'Compare' and node.ops[0] in ('Is', 'Eq') and is_name(node.comparators[0], 'None')


def needs_value(case, statement, faults):
    """Whether a statement, or one below it, would fail on the same value."""
    return any(echoes(case, one, faults) for one in [statement] + statements(statement))


def tested_operand(node):
    """The nearest boolean operand around a node in a test, or None."""
    while node.kind not in STATEMENTS:
        parent = node.parent
        if is_op(parent, 'And', 'Or', 'Not') or node is getattr(parent, 'test', None) or \
                parent.kind == 'comprehension' and node in parent.ifs:
            top = parent
            while is_op(top, 'And', 'Or', 'Not'):
                top = top.parent
            return node if top.kind in ('If', 'While', 'IfExp', 'comprehension') else None
        if parent.kind in COMPREHENSIONS + ('Lambda', 'keyword') or parent.kind == 'Call' and node is not parent.func \
                and parent.func.kind != 'Name' and not repeatable(parent):
            return None
        node = parent
    return None


def filter_element(case, faults):
    """`[f(x) for x in xs if it is there]`: a comprehension leaves the elements out that have nothing."""
    element, found = faults[0].node, condition(case, faults, hoist=False)
    inner, rows, edits, prior = enclosing(element, 'Lambda', *STATEMENTS), None, [], 0.88
    if found is None:
        return
    if inner is not None and inner.kind == 'Lambda' and [arg.kind for arg in inner.args.args] == ['Name']:
        call = inner.parent.parent if inner.parent.kind == 'keyword' else inner.parent
        one = inner.args.args[0].id
        if is_call(call, 'sorted') and call.args and all(
                is_name(fault.bad, one) and fault.test is none_test for fault in faults):
            rows = call.args[0]                 # what is nothing cannot be sorted, and nothing is made of it behind
        elif is_call(call, 'map') and call.args[:1] == [inner] and len(call.args) == 2 and all(
                one in names_in(fault.bad) for fault in faults) and not is_kept_in_step(case, call):
            rows = call.args[1]
    if rows is not None:
        if operand(rows) is not None:
            edits = [rows.outer + ('[%s for %s in %s if %s]' % (one, one, operand(rows), found.text),)]
    else:
        while element.kind not in STATEMENTS and element.parent.kind not in STATEMENTS and \
                element.parent.kind not in COMPREHENSIONS:
            element = element.parent
        around = element.parent
        if element.kind in STATEMENTS or around.kind in STATEMENTS or element.kind == 'comprehension' or \
                len(around.generators) != 1 or any(
                    not around.start <= fault.node.start < around.end for fault in faults) or \
                inner.kind == 'Lambda' and is_in(inner, around):
            return                              # (what a lambda takes has no value outside)
        if not is_kept_in_step(case, around) and effect(
                case, around, NO_DICT if around.kind == 'DictComp' else NO_LIST) > CRASH:
            edits = also_if(around.generators[0], found.text)           # (it may leave out all of them)
            prior = 0.6 if around.kind == 'DictComp' or is_call(around.parent, 'dict') else 0.85
    if edits:
        yield Proposal('skip element', edits, 'elements where %s are left out' % faults[0].what,
                       'these elements, and only these', 'low', prior, 'the other elements still come through')


def also_if(loop, test):
    """Edits that make the `for` of a comprehension leave out what fails a test."""
    last = (loop.ifs or [loop.iter])[-1]
    joined = loop.ifs and (last.parens or last.kind not in ('BoolOp', 'IfExp', 'Lambda'))
    return enclose(last, '', (' and %s' if joined else ' if %s') % test)


def is_kept_in_step(case, node):
    """Whether a list that an expression makes must keep its places: see is_in_step()."""
    name = name_assigned(node.parent)
    return any(map(is_in_step, later_uses(case, name, node.parent) if name else [node]))


def is_put_in_step(case):
    """Whether a loop fills such a list."""
    call, loop = call_of(case.statement), innermost_loop(case)
    return loop is not None and call is not None and is_call(call, 'append') and call.func.value.kind == 'Name' and (
        any(map(is_in_step, later_uses(case, call.func.value.id, loop))) or is_column(case, call.func.value.id))


def is_column(case, name):
    """Whether a list is answered together with others that the suite of the statement appends to as well: the n-th
    entries of all of them belong together."""
    filled = [call_of(one) for one in siblings(case.statement)]
    filled = set(one.func.value.id for one in filled if one is not None and is_call(one, 'append') and
                 one.func.value.kind == 'Name')
    together = [names_in(one.value) for one in returns_of(case.function) if one.value is not None and
                one.value.kind == 'Tuple'] if case.function.kind == 'FunctionDef' else []
    return any(name in names and len(filled & set(names)) > 1 for names in together)


def is_in_step(use):
    """Whether a list is gone through side by side with another one, or asked for its n-th element, but the first or
    last: where one is left out, the others do not fit any more."""
    index, loop = index_of(use.parent) if is_indexed(use) else None, use.parent.parent
    if is_call(use.parent, 'enumerate') and getattr(loop, 'iter', None) is use.parent and loop.target.kind == 'Tuple':
        number = getattr(loop.target.elts[0], 'id', None)
        return any(is_name(index_of(one), number) for one in walk(
            loop if loop.kind == 'For' else loop.parent) if one.kind == 'Subscript' and index_of(one) is not None)
    return is_call(use.parent, 'zip', 'izip', 'map', 'izip_longest') and len(use.parent.args) > 1 or \
        index is not None and index.kind not in ('UnaryOp', 'Str') and getattr(index, 'n', 1) != 0


def dependents(case, faults):
    """([statements], {name: default}) that must be guarded together with the failing one, or None.

    The names say what has to be set where the block is not run, because something behind it reads them.
    """
    suite, found, hollow = siblings(case.statement), None, None
    first = suite.index(case.statement)
    several = len(set(frozenset(asked_for(echoes(case, one, faults))) for one in suite[
        first + 1:first + WRAPPED_LINES]) - set([frozenset()])) > 2     # too many to be asked for one by one
    for last in range(first, min(len(suite), first + WRAPPED_LINES)):
        block = suite[first:last + 1]
        if block[-1].end_line - block[0].line >= WRAPPED_LINES or not can_wrap(block):
            break
        names = bound_names(*block)
        again = echoes(case, block[-1], faults)
        alike = again and (several or asked_for(again) == asked_for(faults))
        if last > first and not names & names_in(block[-1]) and not (alike or again and found is None) and \
                not reads_field(block[-1], block[:-1]) or any(has_exit(one) for one in block[1:]):
            if is_passed_over(block[-1]):
                continue
            break
        needed = left_unset(case, block, [fault.bad for fault in faults])
        if needed is not None and found is None and stays_empty(case, block):
            hollow = hollow or (block, needed)
        elif needed is not None and (found is None or alike or relied_on(case, found[0])):
            found = block, needed
    return found or hollow


def asked_for(faults):
    """The texts of the conditions under which some faults do not raise."""
    return set(fault.test(fault.bad.text) if fault.test else fault.bad.text for fault in faults)


# what a function says of an argument that is None, or no text either
NO_TEXT_AT_ALL = re.compile(r'NoneType|expected string or buffer|must be a string or a number')


def stays_empty(case, block):
    """Whether what a block sets was set to nothing before, and that nothing would be stored behind it."""
    for name in bound_names(*block):
        values = [literal_value(value) for value in values_before(case, name, block[0].start)]
        if values and values[-1] in (NOTHING, NO_TEXT) and bound_before(case, name, block[0]) and name_effect(
                case, name, values[-1], block[-1], after=block[-1].end) == HOLLOW:
            return True
    return False


def is_passed_over(statement):
    """Whether a statement costs nothing if it is not run: it empties a field, makes an empty record, or logs."""
    if statement.kind == 'Assign' and is_call(statement.value, 'new'):
        return is_model(statement.value.func)
    call = call_of(statement)
    return call is not None and (is_log_call(call) or last_name(call.func) == 'clear' and bool(field_of(statement)))


def stored_attributes(block):
    """The attributes that statements set, as {text: node}."""
    return dict((node.text, node) for one in block for node in walk(one)
                if node.kind == 'Attribute' and node.ctx == 'Store')


def reads_field(statement, block):
    """Whether a statement reads an attribute that others set."""
    stored = stored_attributes(block)
    return any(node.kind == 'Attribute' and node.ctx == 'Load' and node.text in stored for node in walk(statement))


def left_unset(case, block, bad=()):
    """{name: literal} of what a block sets and something behind it reads, for when the block is not run; None where
    nothing would do."""
    needed, end = {}, block[-1].end
    if moves_loop_on(block):
        return None
    for name in sorted(bound_names(*block)):
        uses = [use for use in later_uses(case, name, block[-1]) if use.start >= end]
        uses += deferred_uses(case, name, block[0])
        kept = was_set(case, name, block[0], uses) and not is_stale(case, name, block) and not any(
            is_name(one, name) for one in bad) or is_sum(block[0], name) and not NO_TEXT_AT_ALL.search(case.message)
        kept = kept and not is_narrowed(name, block)
        if not uses or kept and not any(
                name_assigned(one) == name and (converts_itself(one) or changes_kind(case, one)) for one in block):
            continue
        if case.exception == NO_ADDRESS and case.expression is getattr(block[0], 'value', None):
            return None                         # nothing else is an address either
        if copied_in(case, name, block):
            needed[name] = copied_in(case, name, block)
            continue
        made = [one.value for one in block if name_assigned(one) == name]
        if any(one.kind in ('Dict', 'List', 'Set') and len(children(one)) > 2 for one in made):
            return None                         # what else stands in it would be lost
        kind = next((make_of(case, one) for one in made), None)
        usual = [normal_empty(case)] if all(use.parent.kind == 'Return' for use in uses) else []
        usual = [value for value in usual if value == NOTHING]      # the function has no number where it has none
        others = [NOTHING, EMPTY_OF[kind]] if kind in ('dict', 'list', 'date') else OTHERWISE      # no text for a dict
        best = best_value(usual + wished_values(case, name, block) + others,
                          lambda value: name_effect(case, name, value, block[-1], after=end))
        if best[0] <= HOLLOW or best[1] != NOTHING and any(
                node.kind == 'Attribute' and is_name(node.value, name) and node.ctx == 'Store'
                for one in block for node in walk(one)):
            return None                         # (nor is a text or list an object whose attributes are set)
        needed[name] = best[1]
    for target in [target for one in block if one.kind == 'Assign' for target in one.targets]:
        if key_of(target) is not None and converts_itself(statement_of(target)):
            readers = [node for node in unchecked(case, bundle_nodes(case, 'Subscript', key_of(target)))
                       if not in_any(node, block)]
            value = next((one for one in (NOTHING, ZERO) if worst_effect(case, readers, one, 4) > CRASH), None)
            if value is None:
                return None
            needed[target.text] = value
        elif target.kind == 'Subscript' and statement_of(target).parent is not case.function:
            needed.update((target.text, value) for value in emptied_elsewhere(target)[:1])
        readers = left_readers(case, target, block)
        if not readers and sets_self(target) and name_around(target) == '__init__' and is_only_setter(
                case, target, block):
            needed[target.text] = NOTHING       # every object of a class has what its others have
        if readers:
            given = [value for value in [begin_value(case, target)] if value] + emptied_elsewhere(target)
            given = [value for value in given if worst_effect(case, readers, value, 4) > CRASH]
            best = (OPEN, given[0]) if given else best_value(
                wished_values(case, last_name(target) or '', block) + OTHERWISE,
                lambda value: worst_effect(case, readers, value, 4))
            if best[0] <= (CRASH if target.kind == 'Attribute' and not is_name(target.value, 'self') else HOLLOW):
                return None
            needed[target.text] = best[1]
    return needed


def is_narrowed(name, block):
    """Whether `page = page.xpath('//div')[0]` takes a part of what a variable holds: the whole holds other things."""
    return any(name_assigned(one) == name and one.value.kind == 'Subscript' and is_call(
        one.value.value, 'xpath', 'cssselect', 'findall', 'find_all', 'findAll', 'select') and is_name(
            getattr(one.value.value.func, 'value', None), name) for one in block)


def copied_in(case, name, block):
    """The variable that a block gives to another one as it was in front of the block, and nothing else; or None."""
    values = [value for _, value in values_given(case.function, name) if value is not None and in_any(value, block)]
    root = values[0].id if len(values) == 1 and values[0].kind == 'Name' else None
    return root if root is not None and bound_before(case, root, block[0]) and not any(
        node.ctx == 'Store' and node.start < values[0].start and in_any(node, block)
        for node in name_nodes(case.function, root)) else None


def left_readers(case, target, block):
    """The places that read what an assignment sets for longer than its function runs, if it would otherwise be missing
    there, be what another item has left, or fail."""
    if any(node.text == target.text for node in walk(getattr(target.parent, 'value', target)) if node is not target):
        return []                               # what was gathered so far stays
    if target.kind == 'Attribute' and is_name(target.value, 'self'):
        readers = readers_of(case, target)
        if is_only_setter(case, target, block):
            return readers
        begins, owner = begin_value(case, target), enclosing(target, 'ClassDef')
        wanted = owner is not None and (is_lasting(case, target, block) or (
            begins is not None and worst_effect(case, readers, begins, 4) == CRASH))
    elif target.kind == 'Attribute' and target.value.kind == 'Name' and is_made_here(case, target.value.id):
        owners = [one for value in assigned_before(case, target.value.id, target.start)
                  for one in classes_called(case, last_name(value.func))]
        readers = unchecked_reads(case, bundle_nodes(case, 'Attribute', target.attr))
        wanted = len(owners) == 1 and target.attr not in members_of(owners[0]) and not any(
            node.ctx == 'Store' and node is not target and not of_the_server(node)
            for node in bundle_nodes(case, 'Attribute', target.attr))
    elif key_of(target) is not None and target.value.kind == 'Name' and (
            is_name(target.value, 'Dict') or is_of_module(case, target.value.id)):
        readers = unchecked(case, [node for node in bundle_nodes(case, 'Subscript', key_of(target))
                                   if node.value.text == target.value.text])
        wanted = is_lasting(case, target, block)
    elif target.kind == 'Name' and is_global(case, target.id):
        readers = unchecked(case, [node for node in reads(case.source.tree, target.id) if is_unbound(node)])
        wanted = is_lasting(case, target, block)
    else:
        return []
    return [node for node in readers if not in_block(node, block)] if wanted else []


def is_lasting(case, target, block):
    """Whether what an assignment sets outlives the item, and nothing sets it anew for the next one."""
    others = [node for node in stored_alike(target) if node.parent.kind == 'Assign' and not in_block(node, block)]
    owner = enclosing(target, 'ClassDef') if target.kind == 'Attribute' else None
    if any(function_around(node) is case.function and node.end < block[0].start or is_empty_literal(
            node.parent.value) and name_around(node) not in (None, '__init__', 'Start')
           for node in others):
        return False
    return owner is None or not any(enclosing(call, 'FunctionDef') for call in bundle_nodes(case, 'Call', owner.name))


def is_global(case, name):
    """Whether a variable of the function is the module's."""
    return case.function.kind == 'FunctionDef' and any(
        node.kind == 'Global' for node in bindings(case.function).get(name, ()))


def is_of_module(case, name):
    """Whether a name is one of the module, and no local one."""
    return name in bindings(case.source.tree) and case.function.kind == 'FunctionDef' and name not in local_names(
        case.function)


def begin_value(case, target):
    """The text of the constant that an attribute of an object, or a variable of the module, has to begin with; or None.
    """
    owner = enclosing(target, 'ClassDef')
    if target.kind == 'Attribute' and is_name(target.value, 'self') and owner is not None:
        values = [one.value for one in assignments(owner, target.attr) if one.parent is owner] + [
            node.parent.value for node in nodes_named(target.source, 'Attribute', target.attr) if is_in(
                node, owner) and sets_self(node) and node.parent.kind == 'Assign' and name_around(node) == '__init__']
    elif target.kind == 'Name' and is_global(case, target.id):
        values = [one.value for one in assignments(case.source.tree, target.id) if one.parent is case.source.tree]
    else:
        return None
    plain = values and (values[0].kind in ('Str', 'Num') or is_empty_literal(values[0]))
    return code_of(values[0]) if plain else None


def was_set(case, name, statement, uses):
    """Whether a variable surely has a value where a statement is not run: also one from before a loop that sets it for
    what comes behind."""
    return bound_before(case, name, statement) or any(
        loop.kind in ('For', 'While') and bound_before(case, name, loop) and not any(is_in(use, loop) for use in uses)
        for loop in ancestors(statement) if is_in(loop, case.function))


def is_stale(case, name, block):
    """Whether a block fetches a page anew under a name: what it was before is another page; or finds another address
    when what it was has been asked for."""
    def fetched(value):
        return value.kind == 'Call' and last_name(value.func) in FETCHES | PARSES
    given = [one.value for one in block if name_assigned(one) == name]
    asked = [use for use in reads(case.function, name) if use.start < block[-1].end and fetched(
        use.parent) and use in use.parent.args]
    return any(map(fetched, values_before(case, name, block[0].start))) and any(map(fetched, given)) or bool(
        asked and given and not any(name in names_in(value) for value in given))


def unset_still(case, block):
    """[edits] for what reads behind a block that is not run what was set to None before it; None where nothing mends
    that."""
    edits, end = [], block[-1].end
    for name in sorted(bound_names(*block)):
        values = values_before(case, name, block[0].start)
        more = guarded_uses(case, name, [use for use in later_uses(case, name, block[-1]) if use.start >= end], CRASH) \
            if values and is_name(values[-1], 'None') else []
        if more is None:
            return None
        edits.extend(more)
    return edits


def guarded_uses(case, name, uses, worst):
    """Edits that leave out those uses of a variable whose effect is the worst, or worse, where it is None; None where
    they cannot be."""
    edits, done = [], 0
    for use in sorted(uses, key=lambda one: one.start):
        if use.start < done or is_checked(case, use, name, NOTHING) or effect(case, use, NOTHING) > worst:
            continue
        inner = case._replace(statement=statement_of(use), expression=None, exception='AttributeError',
                              message="'NoneType' object")
        same = [none_fault(case, use.parent, use, 'there is no %s' % name)]
        ways = [one for way in (choose, fence) for one in way(inner, same) if one.prior > 0.65]
        if not ways:
            return None
        edits.extend(max(ways, key=lambda one: one.prior).edits)
        done = max(edit[1] for edit in edits)
    return edits


def is_sum(statement, name):
    """Whether a statement makes a variable from itself: without it, what it was stays. (x = x[0] takes one of many.)"""
    return statement.kind == 'Assign' and name in bound_names(statement) and name in names_in(
        statement.value) and not takes_one(statement.value, name)


def converts_itself(statement):
    """`year = int(year)`: what it was is of a kind that nothing behind it expects."""
    return statement.kind == 'Assign' and len(statement.targets) == 1 and any(
        one.text == statement.targets[0].text for call in calls_of(
            walk(statement.value), 'int', 'float', 'long', 'ParseDate', 'strptime', 'MillisecondsFromString')
        for one in call.args)


def changes_kind(case, statement):
    """Whether an assignment gives a variable another kind of thing than it held: parts = text.split(), then a text."""
    name = name_assigned(statement)
    before = values_before(case, name, statement.start)
    kinds = [make_of(case, value) for value in before[-1:] + [statement.value]]
    if not before and name in parameter_names(case.function) and any(
            is_called(use.parent) and use.parent.attr in TEXT_METHODS - SHARED_METHODS
            for use in reads(case.function, name) if use.start < statement.end and use.parent.kind == 'Attribute'):
        kinds.insert(0, 'text')                 # what was handed over was asked for what a text has
    return len(kinds) == 2 and kinds[0] != kinds[1] and all(
        kind in ('text', 'number', 'list', 'dict', 'date') for kind in kinds)    # (an XPath's element may be a text)


def is_only_setter(case, target, block):
    """Whether an object lacks an attribute that is read where a block is not run: nothing surely sets it before."""
    owner = enclosing(target, 'ClassDef')
    if owner is None or target.attr in bound_names(*owner.body):
        return False
    nodes = bundle_nodes(case, 'Attribute', target.attr)
    return any(node.ctx == 'Load' and not of_the_server(node) and (
        is_in(node, owner) or not is_name(node.value, 'self')) for node in nodes) and not any(
            not in_any(node, block) and (name_around(node) in ('__init__', name_around(block[0])) if is_in(node, owner)
                                         else are_kin(owner, enclosing(node, 'ClassDef')))
            for node in set_by_methods(case, target.attr))


@kept_on('source')
def set_by_methods(case, name):
    """The places in the bundle that set self.x."""
    return [node for node in bundle_nodes(case, 'Attribute', name) if sets_self(node)]


def are_kin(one, other):
    """Whether one of two classes is made from the other, by their names."""
    return other is not None and any(last_name(base) == child.name for parent, child in ((one, other), (other, one))
                                     for base in parent.bases)


def echoes(case, statement, faults):
    """The Faults of a statement that would fail on the same value as the failing one."""
    return echo_faults(case._replace(statement=statement, expression=None), faults)


def wished_values(case, name, block):
    """The empty values of what the function gives to a variable, elsewhere first."""
    values = assigned_before(case, name, block[0].start)
    found = sorted(values, key=lambda value: block[0].start <= value.start < block[-1].end)
    return empty_values(case, found) + by_plural(name)


def empty_values(case, values):
    """What is empty of the same kinds as some expressions."""
    found = [EMPTY_OF.get(make_of(case, value), literal_value(value)) for value in values]
    return [value for value in found if value not in BY_KIND]


EMPTY_OF = {'text': NO_TEXT, 'list': NO_LIST, 'dict': NO_DICT, 'elements': NO_LIST, 'number': ZERO, 'date': NOTHING}
OTHERWISE = [NOTHING, NO_TEXT, NO_LIST, NO_DICT, ZERO]


# what ends as a plural does, or as `list`, and promises no list: words in the singular, verbs, and quantities
NO_PLURALS = frozenset(
    'series news address canvas alias atlas lens basis analysis always exists contains needs uses allows supports '
    'starts ends begins equals includes wants gets takes makes requires expires belongs means appears seems fails '
    'works hides enables disables keeps seconds minutes hours votes views likes bytes pixels'.split())


def by_plural(name):
    """[[]] for a name in the plural, which promises a list."""
    words = [word.lower() for word in words_of(name)]
    plural = re.search(r'[a-rtv-z]s$|[Ll]ist$', name) and len(name) > 3 and words[-1] not in NO_PLURALS
    return [NO_LIST] if plural and words[0] not in ('is', 'has', 'had', 'was', 'can', 'does', 'uses') else []


def has_exit(statement):
    return any(node.kind in EXITS for node in walk(statement))


def relied_on(case, block):
    """Whether the function needs behind a block what this sets: an attribute, or the key of a dict of its own."""
    if any(read_effect(case, target, NOTHING, after=block[-1].end) == CRASH or root_name(target) == 'self' and
           not is_field(target) and any(reads_field(one, block) for one in later_siblings(block[-1]))
           for target in stored_attributes(block).values()):
        return True                             # (what an object held before would be taken for the new)
    target = target_of(case.statement)
    if target is None or target.kind != 'Subscript' or target.value.kind != 'Name' or any(
            one.text == target.text for one in walk(case.statement.value)) and not any(
                fault.node.text == target.text for fault in faults_of(case)):
        return False                            # (a sum stays what it was)
    uses, key = later_uses(case, target.value.id, case.statement), key_of(target)
    return any(is_indexed(use) and use.parent.ctx == 'Load' or use.parent.kind == 'Call' and use in use.parent.args and
               not is_log_call(use.parent) and case.statement.parent is case.function or
               use.parent.kind == 'Return' and key is not None and
               any(not is_in(node, case.function) for node in unchecked(case, bundle_nodes(case, 'Subscript', key)))
               for use in uses)


def fence(case, faults):
    """`if it is there:` around the statement, and around what needs its result."""
    if case.statement.kind not in SIMPLE and case.statement.kind != 'For' or is_probe(case.statement):
        return
    together = dependents(case, faults)
    found = condition(case, asking_most(case, faults, together[0][1:]), outside=True) if together is not None else None
    if found is None or case.statement.kind == 'For' and effect_of_no_round(case, case.statement) == CRASH:
        return
    block, needed = together
    block = with_entry(case, emptied_before(case, block) + block, needed)
    if block is None:
        return
    behind = unset_still(case, block)
    if behind is None or needed and len(block) == 1 and case.statement.kind == 'Assign':
        return                                  # a conditional expression says the same in one line
    tail = settings(needed) + log_line(case, 'No %s: %s' % (subject_words(block), faults[0].what))
    lines = ['else:'] + ['\t' + line for line in tail] if tail else []
    field = field_of(case.statement) or len(block) > 1
    read = relied_on(case, block) and begins_as(case.statement) is None
    moved = wrap(block, found.before + ['if %s:' % found.text], lines)
    edits = found.edits + [edit for edit in moved if not any(one[0] < edit[0] < one[1] for one in found.edits)] + behind
    used = ', and used,' if len(block) > 1 and not field_of(case.statement) else ''
    if any(name.startswith('self.') for name in needed):
        read = True                             # what is made of it behind would be lost with it
    loop = innermost_loop(case)
    whole = loop is not None and block[-1] is loop.body[-1] and len(block) > 2      # no more than to skip the element
    subject = subject_words(block)
    summary = 'this line only runs' if subject == NAMELESS else '%s is only set%s' % (subject, used)
    yield Proposal('field guard' if field else template_of(faults), edits, summary + ' where it is there',
                   loss_words(case, block), 'low', 0.4 if read else 0.1 if is_put_in_step(case) else 0.57 if whole
                   else 0.83 if field else 0.7, 'what is there is kept, and the other fields are still filled')


def record_begun(block):
    """The `role = metadata.roles.new()` in front of statements that name this record (else it is none); or None."""
    for target in stored_attributes(block).values():
        made = [one for one in earlier_siblings(block[0]) if name_assigned(one) == root_name(target)]
        if target.attr in ('name', 'actor') and made and is_record(target.value) and is_passed_over(made[-1]):
            return made[-1]
    return None


def with_entry(case, block, needed):
    """A block with what makes the entry that it names, and fills it else; None where a nameless one would stay."""
    begun = record_begun(block)
    if begun is None:
        return block
    suite, name = siblings(begun), name_assigned(begun)
    own = [one for one in suite if one.start >= begun.start and (one in block or name in names_in(one))]
    return own if own == suite[suite.index(begun):suite.index(own[-1]) + 1] and left_unset(
        case, own) == needed and own[-1].end_line - begun.line < WRAPPED_LINES else None


def emptied_before(case, block):
    """The statements right before a block that empty what it fills: where it is not run, what was there stays."""
    filled = set(node.func.value.text for one in block for node in calls_of(walk(one), 'add', 'append', 'new', 'extend')
                 if node.func.kind == 'Attribute')
    found, suite = [], siblings(block[0])
    for one in reversed(suite[:suite.index(block[0])]):
        call = call_of(one)
        if call is None or not is_call(call, 'clear') or call.func.kind != 'Attribute' or \
                call.func.value.text not in filled:
            break
        found.insert(0, one)
    return found


def settings(values):
    """Lines that set what is told as {name: literal}."""
    return ['%s = %s' % pair for pair in sorted(values.items())]


def subject_words(block):
    """What a block of statements sets, in the words of the source."""
    fields = [field_of(node) for one in block for node in walk(one) if node.kind in SIMPLE and field_of(node)]
    attributes = [one.attr for one in (walk_targets(block[0]) if block[0].kind == 'Assign' else ())
                  if one.kind == 'Attribute']
    return fields[0] if fields else ' and '.join(attributes) or min(bound_names(*block) or [NAMELESS])


NAMELESS = 'value'


def fence_apart(case, faults):
    """`x = None` where it cannot be made, or a field that stays as it was, and the fields further on that are made of
    it are left out then."""
    statement, target = case.statement, target_of(case.statement)
    name, is_attribute = name_assigned(statement), target is not None and target.kind == 'Attribute'
    field = field_of(statement) if is_attribute and is_model(target) else None
    if name is None and field is None or case.function.kind != 'FunctionDef' or is_probe(statement) or grows(
            statement) or innermost_loop(case) is not None or not fills_else(case, faults):
        return
    if name is not None and (is_global(case, name) or deferred_uses(case, name, statement) or
                             dependents(case, faults) is not None):
        return
    uses = later_uses(case, name, statement) if name else [node for node in nodes_named(
        case.source, 'Attribute', target.attr) if node.ctx == 'Load' and node.text == target.text and
        node.start > statement.end and is_in(node, case.function)]
    tail, name = ['%s = %s' % (target.text, NOTHING)] if name else [], name or target.text
    edits = guarded_uses(case, name, uses, HOLLOW if tail else CRASH)
    worst = [use for use in uses if not is_checked(case, use, name, NOTHING) and effect(case, use, NOTHING) <= (
        HOLLOW if tail else CRASH)]
    if not edits or any(use.start < statement.end or field_of(statement_of(use)) is None for use in worst):
        return
    found = condition(case, faults, outside=True)
    fields = fields_of([statement_of(use) for use in worst + [statement]])
    if found is not None:
        other = tail or log_line(case, 'No %s: %s' % (field, faults[0].what))
        own = wrap([statement], found.before + ['if %s:' % found.text], ['else:'] * bool(other) + [
            '\t' + line for line in other])
        own = found.edits + [edit for edit in own if not any(one[0] < edit[0] < one[1] for one in found.edits)]
    elif exception_name(case) is not None and all(fault.test is None for fault in faults):
        own = wrap([statement], ['try:'], handler_lines(case, exception_name(case), 'No %s' % name, tail))
    else:
        return
    yield Proposal('field guard', own + edits, '%s is %s where %s, and what is made of it is left out then' % (
        name, 'None' if tail else 'not set', faults[0].what), '%s stays as it was for these items' % and_words(fields),
                   'low' if found is not None else 'medium', 0.82 if found is not None else 0.79,
                   'what is there is kept, and the other fields are still filled')


def exception_name(case):
    """How an except clause of this file names the exception that was raised, or None."""
    name = SAME_EXCEPTION.get(case.exception, case.exception)
    if name == 'UnicodeEncodeError' and "'decimal' codec" in case.message:
        return 'ValueError'                     # int() of a text that is no number, like any other
    if name in BUILTIN_EXCEPTIONS:
        return name
    if is_sandboxed(case) and name in EXCEPTIONS_OF_EX:
        return 'Ex.' + EXCEPTIONS_OF_EX[name]
    module, imported = EXCEPTION_MODULE.get(name), bindings(case.source.tree)
    return name if name in imported else '%s.%s' % (module, name) if module in imported else bundle_exception(case)[0]


# lxml's and ElementTree's are SyntaxErrors, the JSON ones ValueErrors
SAME_EXCEPTION = {'JSONDecodeError': 'ValueError', 'JSONError': 'ValueError', 'XMLSyntaxError': 'SyntaxError',
                  'ParseError': 'SyntaxError'}
# what the framework offers as Ex.NAME, and under which name
EXCEPTIONS_OF_EX = dict({'timeout': 'SocketTimeout'}, **dict((name, name) for name in (
    'SocketTimeout', 'HTTPError', 'URLError', 'IncompleteRead', 'RedirectError', 'AttributeTypeMismatch',
    'FrameworkException')))
EXCEPTION_MODULE = {'HTTPError': 'urllib2', 'URLError': 'urllib2', 'timeout': 'socket', 'SSLError': 'ssl',
                    'BadStatusLine': 'httplib', 'IncompleteRead': 'httplib'}


def bundle_exception(case):
    """(how the file can name an exception of a module of the bundle that it imports, the edits that this needs)."""
    name, deeper = case.exception, None
    for node in walk(case.source.tree) if case.bundle and re.match(r'[A-Z]\w+$', name) else ():
        if node.kind != 'alias' or node.parent.parent is not case.source.tree or getattr(node.parent, 'level', 0):
            continue
        if node.parent.kind == 'Import':
            if binds(case.bundle, node.name, name):
                return '%s.%s' % (node.asname or node.name, name), []
            inner = [one[len('Contents/Libraries/Shared/'):-len('.py')].replace('/', '.') for one in case.bundle.files
                     if one.startswith('Contents/Libraries/Shared/%s/' % node.name.replace('.', '/'))]
            inner = [] if node.asname else [one for one in inner if binds(case.bundle, one, name)]
            deeper = deeper or ['%s.%s' % (one, name) for one in inner][:1]
        elif binds(case.bundle, '%s.%s' % (node.parent.module, node.name), name):
            return '%s.%s' % (node.asname or node.name, name), []
        elif binds(case.bundle, node.parent.module, name):
            last = node.parent.names[-1]
            return name, [] if last.name == '*' else [(last.end, last.end, ', ' + name)]
    if name == 'ExpatError' and not deeper:     # minidom's, which has no name for it
        return name, add_import(case, 'from xml.parsers.expat import ExpatError')
    return deeper[0] if deeper else None, []


def binds(bundle, module, name):
    """Whether a module of the bundle has a name."""
    sources = [bundle.source(path % module.replace('.', '/')) for path in (
        'Contents/Code/%s.py', 'Contents/Libraries/Shared/%s.py', 'Contents/Libraries/Shared/%s/__init__.py')]
    return any(source is not None and name in bindings(source.tree) for source in sources)


BUILTIN_EXCEPTIONS = frozenset(
    'AttributeError KeyError IndexError TypeError ValueError UnicodeDecodeError UnicodeEncodeError NameError IOError '
    'OSError UnboundLocalError ZeroDivisionError OverflowError StopIteration AssertionError RuntimeError LookupError '
    'Exception ImportError UnicodeError SyntaxError EOFError'.split())


def is_probe(statement):
    """Whether a statement of a try does nothing but to ask a value for something, `page[0]`, to see whether it has it:
    what would be passed over here, goes on as if it had."""
    around = statement.parent
    return statement.kind == 'Expr' and statement.value.kind in ('Subscript', 'Attribute') and \
        around.kind == 'TryExcept' and statement in around.body


def try_around(case, faults):
    """A narrow try around the statement (and what needs its result) that logs and goes on."""
    name = exception_name(case)
    if case.statement.kind not in SIMPLE or name is None or is_probe(case.statement):
        return
    together = dependents(case, faults)
    if together is None or unset_still(case, together[0]) != []:
        return                                  # (what stays None would raise another exception further on)
    block, needed = with_entry(case, *together), together[1]
    if block is None:
        return
    lines = handler_lines(case, name, 'No %s' % subject_words(block), settings(needed))
    field = field_of(case.statement) or len(block) > 1
    no_test = all(fault.test is None for fault in faults)
    given = target_of(case.statement)           # what has a value all the same can be relied on
    lost = relied_on(case, block) and (given is None or given.text not in needed)
    parts = given.elts if given is not None and given.kind == 'Tuple' and not field else ()
    spare = [use for one in parts for use in later_uses(case, last_name(one), case.statement)]
    spare = len(spare) >= len(parts) > 0 and all(map(is_detail, spare))
    lost = lost or len(needed) > 1 and bool(parts) and not spare        # nothing is left
    prior = 0.35 if lost else (0.8 if field or spare else 0.72) if no_test else 0.56
    if is_put_in_step(case):
        prior = 0.1
    if re.search(r'\bresults\.(Append|Add)\(', case.statement.text):
        prior *= 0.75                           # a search result is lost for one of its fields
    yield Proposal('field guard' if field else 'tolerant parse' if no_test else 'narrow try',
                   wrap(block, ['try:'], lines), 'an error %s is logged, and the rest goes on'
                   % ('here' if subject_words(block) == NAMELESS else 'while %s is set' % subject_words(block)),
                   loss_words(case, block), 'medium', prior, 'only this one exception at this one place is caught' +
                   ('; no condition can tell beforehand' if no_test else ''))


def innermost_loop(case):
    """The For around the statement, no `finally` or def between, or the While that has moved on by then; or None."""
    for inner, outer in levels(case.statement):
        if outer.kind in ('For', 'While') and inner in outer.body:
            return outer if outer.kind == 'For' or any(
                moves_loop_on([one]) for one in earlier_siblings(inner)) else None
        if outer.kind == 'TryFinally' and inner in outer.finalbody:
            return None
    return None


ABSENCE = ('AttributeError', 'IndexError', 'KeyError', 'TypeError')     # what a missing part raises


def widen_handler(case, faults):
    """The except clause that already stands around the statement takes this exception too."""
    name = exception_name(case)
    around = enclosing(case.statement, 'TryExcept', 'FunctionDef')
    if name is None or around in (None,) + case.logged or around.kind != 'TryExcept' or not in_any(
            case.statement, around.body) or around.body[-1].end_line - around.body[0].line > 6:
        return
    for handler in around.handlers:
        if handler.type is None or handler.type.text == '()' or handler.type.kind not in (
                'Name', 'Tuple', 'Attribute') or any(node.kind == 'Raise' for node in walk(handler)):
            continue
        if asks_none_again(case, handler, faults):
            continue
        if name in ABSENCE and re.search(r'(?i)\b(to|utc)?(day|now)\(\)', handler.text):
            continue                            # the day of today stands for a text that says so, not for no text
        if handler.type.kind == 'Name' and any(
                node.kind == 'Attribute' and is_name(node.value, caught_as(handler)) for node in walk(handler)) or \
                is_for_its_own_error(case, around, handler) or hands_text_on(case, handler) or leaves_bare(
                    case, around, handler):
            continue                            # it asks the exception for what only its own kind has
        if handler.type.kind == 'Tuple':
            at = handler.type.elts[-1].outer[1]
            edits = [(at, at, ', ' + name)]
        else:
            start, end = handler.type.outer
            edits = [(start, end, '(%s, %s)' % (handler.type.text, name))]
        for one in handler.body if handler.type.kind != 'Tuple' else ():    # and what is tried instead
            edits += [inner.type.outer + ('(%s, %s)' % (inner.type.text, name),) for inner in walk(one)
                      if inner.kind == 'ExceptHandler' and inner.type and inner.type.text == handler.type.text]
        yield Proposal('wider handler', edits, 'the except clause around it takes %s too' % name,
                       'what the except clause leaves out', 'low',
                       0.88 if len(edits) > 1 and bound_names(case.statement).intersection(bound_names(*handler.body))
                       else 0.8, 'the code already says what to do when this line fails in another way')
        return


def further_handler(case, faults):
    """An except clause beside those around the statement, whose answer does not suit this error: as with theirs, its
    variable has a value behind them, None, and what needs more than that is left out."""
    name, target = exception_name(case), name_assigned(case.statement)
    around = enclosing(case.statement, 'TryExcept', 'FunctionDef')
    if None in (name, target, around) or around.kind != 'TryExcept' or around in case.logged or around.orelse or \
            around.body != [case.statement] or case.statement.inline or is_global(case, target) or bound_before(
                case, target, around) or not all(
                one.type is not None and not one.body[-1].inline and any(
                    sets_surely(inner, target) for inner in one.body) for one in around.handlers):
        return
    edits = guarded_uses(case, target, later_uses(case, target, around), HOLLOW)
    if edits is None:
        return
    source, at, step = case.source, line_end(around.handlers[-1].body[-1]), step_of(case.statement)
    lines = handler_lines(case, name, 'No %s' % target, ['%s = None' % target])
    lines = ''.join(source.newline + around.indent + line.replace('\t', step) for line in lines)
    yield Proposal('tolerant parse', [(at, at, lines)] + edits, '%s is None where it cannot be had' % target,
                   loss_words(case), 'low', 0.8, 'the except clauses around it go on with a value too')


def asks_none_again(case, handler, faults):
    """Whether an except clause asks the value that is None for something: it would fail there."""
    return 'NoneType' in case.message and any(
        asked is not None and is_same(asked, fault.bad.text) for one in handler.body
        for asked in map(refuses_none, walk(one)) for fault in faults)


def leaves_bare(case, around, handler):
    """Whether what stands behind a try reads a variable that it then lacks: the except clause sets none and goes on."""
    unset = bound_names(*[one for one in around.body if one.end >= case.statement.end]) - bound_names(*handler.body)
    return handler.body[-1].kind not in EXITS and any(
        use.start >= around.end for name in unset if not bound_before(case, name, around)
        for use in later_uses(case, name, around))


def is_for_its_own_error(case, around, handler):
    """Whether an except clause tries again, keeps the fault for good or undoes what went well: no other error fits."""
    loop = next((outer for inner, outer in levels(around) if outer.kind in ('For', 'While')), None)
    again = calls_of(walk(handler), 'Sleep', 'sleep', getattr(case.function, 'name', 'sleep'))
    lasting = [node for node in walk(handler) if sets_self(node) or node.kind == 'Name' and node.ctx == 'Store' and
               'Global' in [one.kind for one in bindings(case.function).get(node.id, ())]]
    done = stored_attributes([one for one in around.body if one.end <= case.statement.start])
    return bool(again or lasting) or bool(set(stored_attributes(handler.body)) & set(done)) or (
        loop is not None and loop.kind == 'While' and handler.body[-1].kind not in ('Return', 'Break', 'Raise') and
        not bound_names(*handler.body) & names_in(loop.test))


def hands_text_on(case, handler):
    """Whether an except clause hands the text that cannot be read on to a field that takes dates only."""
    return any(field_of(use.parent) in ('originally_available_at', 'available_at') for one in handler.body
               if one.kind == 'Assign' and one.targets[0].kind == 'Name' and not is_empty_literal(one.value)
               for use in later_uses(case, one.targets[0].id, one) if use.parent.kind == 'Assign')


def round_of(case):
    """The function of a case where a loop does nothing with its elements but to call it for each; or None."""
    function = case.function
    if function.kind != 'FunctionDef' or loop_around(case.statement) is not None or any(
            one.value is not None for one in returns_of(function)):
        return None
    inner, call = called_there(case, function, function.name)
    return function if inner is not None and inner.statement.kind == 'Expr' and inner.statement.value is call and (
        inner.statement.parent.kind == 'For' and inner.statement.parent.body == [inner.statement]) else None


def skip_round(case, faults):
    """Leave the rest of this round of the loop out and go on with the next element."""
    loop = innermost_loop(case) or round_of(case)
    if loop is None or case.statement.inline or case.statement.is_elif or \
            case.statement.kind == 'For' and left_unbound(case):
        return
    rest = [one for inner, _ in levels(case.statement) if is_in(inner, loop) and inner is not loop
            for one in later_siblings(inner)]   # (behind an `else:`, too, in which it stands)
    depends = bound_names(case.statement) & set().union(*map(names_in, rest))
    adds = case.statement.kind == 'Expr' and re.search(r'\.(append|Append|add)\(', case.statement.text)
    prior = 0.66 if adds else 0.58 if depends else 0.4
    if any(use.start >= loop.end for one in later_siblings(case.statement)
           for name in bound_names(one) for use in later_uses(case, name, one)):
        prior = 0.3                             # what the rest of the round finds is used behind the loop
    other = depends and is_other_row(case, faults)
    if other:
        prior = 0.88
    if stores_either_way(case) or is_put_in_step(case):
        prior = 0.86 if case.statement.kind == 'If' else 0.1
    words = 'Skipped one %s' % subject_words([case.statement])
    kept = [fault for fault in faults if is_kept_later(case, fault)]
    found = condition(case, kept) if kept else condition(case, faults, outside=True)
    begun = record_begun([case.statement]) if found is not None and not found.before else None
    if begun is not None:
        words = 'Skipped one %s' % name_assigned(begun)
    between = [one for one in earlier_siblings(case.statement) if begun is not None and one.start >= begun.end]
    late = bound_names(*between) & set().union(*[names_in(fault.bad) for fault in faults])
    place = case._replace(statement=begun) if begun is not None and not late else case._replace(
        statement=with_tests(case.statement, kept[0].bad.id)) if kept and not found.before else case
    edits = exit_edits(place, found, words, faults[0].what, 'return' if loop is case.function else 'continue')
    if edits is None or found is None and case.statement.kind == 'Return':
        return
    text, start, end = case.source.text, line_start(begun or case.statement), line_end(begun or case.statement)
    name = name_assigned(begun) if begun is not None else None
    if late and (begun.line != begun.end_line or between[0].line == begun.line or text[start:begun.start].strip() or
                 any(name in names_in(one) or has_exit(one) for one in between)):
        begun, prior = None, 0.3                # an entry without a name stays
    elif late:                                  # what is asked for is not there yet: the entry is made behind that
        edits = [(start, end + len(case.source.newline), '')] + edits[:-1] + [
            edits[-1][:2] + (edits[-1][2] + case.statement.indent + text[begun.start:end] + case.source.newline,)]
    if begun is not None and begun.parent is loop and all(
            name in names_in(one) or is_passed_over(one) or name_assigned(one) for one in later_siblings(begun)):
        prior = 0.89                            # all that the round does is to fill an entry that has no name
    if kept:
        prior = 0.88                            # nothing but the error stands between it and what is kept
    yield Proposal('skip element', edits, 'the loop goes on with the next element',
                   'this element of the list, where %s' % faults[0].what, 'low' if kept or other else 'medium',
                   prior, 'the other elements still come through')


def end_loop(case, faults):
    """`while at < len(text):` ends where what moves it on cannot be had."""
    if not case.statement.inline and case.statement.kind in SIMPLE | frozenset(['For']) and (
            moves_loop_on([case.statement]) or any(moves_loop_on([one]) and (
                bound_names(case.statement) & names_in(one) or echoes(case, one, faults))
                for one in later_siblings(case.statement))):
        edits = exit_edits(case, condition(case, faults, outside=True), 'The loop ends', faults[0].what, 'break')
        if edits is not None:
            yield Proposal('end of loop', edits, 'the loop ends there', 'what this loop would have found behind it',
                           'medium', 0.75, 'without this value it cannot go on, and would have no end')


def is_other_row(case, faults):
    """Whether a round takes most of what it needs out of one list, by number, and that list is too short at once."""
    text, rest = faults[0].bad.text, [case.statement] + later_siblings(case.statement)
    if case.statement.kind == 'Assign' and unpacked(case.statement) is not None and case.exception == 'ValueError':
        return len(unpacked(case.statement).elts) > 2
    asked = [[index_of(node).text for node in walk(one) if node.kind == 'Subscript' and node.value.text == text and
              index_of(node) is not None] for one in rest]
    return case.exception == 'IndexError' and sum(map(bool, asked)) > 2 and len(set(sum(asked, []))) > 2 and not any(
        text == node.text and is_indexed(node) for one in earlier_siblings(case.statement) for node in walk(one))


def with_tests(statement, name):
    """The outermost `if` that does nothing but to hold a statement (`if a: if a.b:` is one `if`), and asks for nothing
    but a variable (another thing may let it through as it is); else this itself."""
    while statement.parent.kind == 'If' and statement.parent.body == [statement] and not statement.parent.orelse and \
            names_in(statement.parent.test) == set([name]):
        statement = statement.parent
    return statement


def is_kept_later(case, fault):
    """Whether the loop puts the value that is None into a list or dict further on, as it would any other."""
    bad, top = fault.bad, with_tests(case.statement, getattr(fault.bad, 'id', None))
    if bad.kind != 'Name' or fault.test is not none_test or not all(
            bad.id in names_in(one) or is_passed_over(one) for one in later_siblings(top)):
        return False                            # (what else the round does needs none of it)
    return any((is_call(use.parent, 'append') or use.parent.kind == 'Assign' and use.parent.value is use and
                use.parent.targets[0].kind == 'Subscript') and not is_checked(case, use, bad.id) and
               siblings(statement_of(use)) is siblings(top) for use in later_uses(case, bad.id, case.statement))


def normal_empty(case):
    """The text of what the function answers when it has nothing, or None where it does not show."""
    function = case.function
    if function.kind != 'FunctionDef':
        return None
    answers = returns_of(function)
    with_value = [node for node in answers if node.value is not None]
    if not with_value:
        return ''
    if given_back(case) is not None:
        return given_back(case)
    given = names_in(function.args)
    empty = [node.value for node in with_value if is_empty_literal(node.value)] or [
        node.value for node in with_value if node.value.kind == 'Tuple' and any(map(is_empty_literal, node.value.elts))
        and all(is_empty_literal(one) or is_name(one, *given) for one in node.value.elts)]
    if empty:
        return code_of(empty[0])
    gathered = set(node.value.id if node.value.kind == 'Name' else None for node in answers if node.value is not None)
    if len(gathered) == 1 and None not in gathered and len(with_value) == len(answers):
        stores = [node for node in name_nodes(function, min(gathered)) if node.ctx != 'Load']
        if len(stores) == 1 and stores[0].parent.kind == 'Assign' and stores[0].parent.parent is function and \
                stores[0].parent.value.kind in ('Call', 'List', 'Dict') and stores[0].end < case.statement.start:
            return min(gathered)                # what was gathered so far
    if len(answers) == 1 and answers[0] is not case.statement:
        names = set(names_in(with_value[0].value)) & local_names(function)
        if names and names <= set(names_in(function.args)) and all(
                len(bindings(function)[name]) == 1 and any(use.parent.kind == 'Attribute' and is_call(
                    use.parent.parent, 'add', 'append', 'Append', 'extend', 'update') for use in reads(function, name))
                for name in names):
            return code_of(with_value[0].value)     # made of nothing but what was handed in to be filled
    if len(with_value) < len(answers):
        return NOTHING
    kinds = set(make_of(case, node.value) for node in with_value)
    return begun_empty(case) or default_taken(function) or (
        EMPTY_OF.get(kinds.pop()) if len(kinds) == 1 and 'number' not in kinds else None)


def given_back(case):
    """The parameter that each `if`, by which a function that makes something else gives up before the statement, hands
    back; None."""
    guards = [one for one in earlier_siblings(case.statement) if one.kind == 'If' and not one.orelse and
              one.body[-1].kind == 'Return'] if case.statement.parent is case.function else []
    texts = set(code_of(one.body[-1].value) if one.body[-1].value is not None else '' for one in guards)
    name = texts.pop() if len(texts) == 1 else None
    made = bound_names(*case.function.body)
    if any(name in names_in(one.test) or not made & names_in(one.test) for one in guards):
        return None                             # (`if not day: return day`, where it is empty; `if self.off: ...`)
    return name if name in parameter_names(case.function) and len(bindings(case.function)[name]) == 1 and not all(
        one.value is not None and is_name(one.value, name) for one in returns_of(case.function)) else None


def begun_empty(case):
    """The variable that the function answers and that began empty before the statement; None for no such."""
    answers = [node.value for node in returns_of(case.function) if node.value is not None and node.value.kind == 'Name']
    return next((one.id for one in answers for value in assigned_before(case, one.id, case.statement.start)[:1]
                 if is_empty_literal(value) and value.end < case.statement.start and
                 statement_of(value).parent is case.function), None)


def only_gathered(case, value):
    """Whether all that still happens is that what the statement makes is put into the list that the function answers:
    an entry of nothing would be one too many."""
    name, begun = name_assigned(case.statement), begun_empty(case)
    uses = later_uses(case, name, case.statement) if name else []
    rest = [one for one in statements(case.function) if one.start > case.statement.end and not exclusive(
        one, case.statement)]
    return begun is not None and value in (begun, NO_LIST) and bool(uses) and not any(
        is_checked(case, use, name) for use in uses) and all(one.kind == 'Return' or name in names_in(one) and re.match(
            r'%s\.(append|add)\(' % begun, one.text) for one in rest)


def default_taken(function):
    """The parameter, one that may be left out, that a function answers where it has nothing else; None."""
    args = function.args.args[len(function.args.args) - len(function.args.defaults):]
    answers = [node.value.id for node in returns_of(function) if node.value is not None and node.value.kind == 'Name']
    answers += [node.value.id for node in own_nodes(function) if node.kind == 'Assign' and node.value.kind == 'Name' and
                is_name(node.targets[0], *answers)]
    found = [one.id for one in args if one.kind == 'Name' and one.id in answers and
             len(bindings(function).get(one.id, ())) == 1]
    return found[0] if len(found) == 1 else None


def is_asked_again(case, bad):
    """Whether a search that found nothing is followed by another one, for the same, whose result is needed."""
    if bad.kind != 'Call' or bad.func.kind != 'Attribute' or case.statement.parent is not case.function:
        return False
    sought = set(names_in(bad)) - set(names_in(bad.func))
    return any(node.kind == 'Call' and node.start > bad.end and node.func.text == bad.func.text and
               sought & set(names_in(node)) and effect(case, node, NOTHING) == CRASH
               for node in own_nodes(case.function)) if sought else False


def is_empty_literal(node):
    if node.kind == 'Tuple' and node.elts:
        return all(is_empty_literal(one) for one in node.elts)
    return literal_value(node) in (NO_TEXT, NO_LIST, NO_DICT, NOTHING, FALSE) and node.kind != 'Num'


def leave(case, faults):
    """Answer what the function answers when it has nothing. Only where nothing useful can follow."""
    rest = [one for one in statements(case.function) if one.end > case.statement.start]
    if case.function.kind != 'FunctionDef' or case.statement.inline or case.statement.is_elif or any(
            node.start >= case.statement.start and left_readers(case, node, rest)
            for node in own_nodes(case.function) if stored(node) and node.kind in ('Name', 'Attribute', 'Subscript')):
        return                                  # (the object would lack what its users read)
    value = normal_empty(case)
    value = NOTHING if value is None else value     # then the callers say whether they can live with that
    if value == NOTHING and returned_effect(case, case.function, NOTHING) == CRASH:
        value = begun_empty(case) or value
    known = value if value in (NOTHING, NO_TEXT, NO_LIST, NO_DICT, ZERO, FALSE) else empty_still(case, value)
    outcome = returned_effect(case, case.function, known) if value else FINE
    faults = asking_most(case, faults, same_defects(case, faults, case.statement.end))
    edits = leaving_edits(case, faults, value)
    if edits is None:
        return
    loss = 'everything that follows in %s, for these items' % case.function.name
    if outcome == CRASH or outcome == HOLLOW and value in (NOTHING, NO_TEXT):
        found = caller_way(case)
        if found is not None and (outcome == CRASH or found[1] > 0.5):
            callers, prior, loss = found
            if innermost_loop(case) is not None:
                prior *= 0.5                    # the elements that come after this one would be lost too
            yield Proposal('early return', leaving_edits(case, faults, NOTHING) + callers,
                           '%s answers None, and who calls it goes on without' % case.function.name, loss,
                           'high' if prior < 0.5 else 'medium', prior,
                           'nothing can be answered here, and the caller is told so')
    if outcome == CRASH or any(root_name(fault.bad) == 'Prefs' for fault in faults):
        return                                  # it is not set for any item
    entry = case.function.name.lower() in ('update', 'search') or 'metadata' in names_in(case.function.args) and any(
        field_of(one) for one in statements(case.function) if one.start > case.statement.end)
    prior = 0.12 if entry else {FINE: 0.5, OPEN: 0.38, HOLLOW: 0.36}[outcome]
    if nothing_follows(case, faults) and outcome > HOLLOW and not (entry and fills_else(case, faults)):
        prior = 0.62 if entry else 0.78
    rests = outcome > HOLLOW and (all_rests_on(case, faults) or only_gathered(case, value)) and not (
        known == SOME and is_none_still(case, value))   # (which no other way out of the function answers)
    if rests:
        prior = 0.87
    if value == default_taken(case.function) is not None and outcome > HOLLOW:
        prior = 0.86
    said = value == given_back(case) is not None and outcome > HOLLOW and not entry
    if said:
        prior = max(prior, 0.84)
    if not entry and value in ('', NOTHING) and outcome > HOLLOW and is_asked_again(case, faults[0].bad):
        prior = 0.8
    if innermost_loop(case) is not None:
        prior *= 0.5                            # the elements that come after this one would be lost too
    yield Proposal('early return', edits, '%s answers as it does when it has nothing' % case.function.name, loss,
                   'low' if rests else 'high' if entry else 'medium', prior,
                   'all that follows in the function is made of it' if rests else
                   'the function already says what it answers where something is missing' if said else
                   'what follows in the function is given up for these items')


def empty_still(case, name):
    """The empty value that a variable surely still has at the statement, as nothing came near it since; SOME else."""
    given = [(statement, value) for statement, value in values_given(case.function, name)]
    loops = [outer for _, outer in levels(case.statement) if outer.kind in ('For', 'While')]
    end = loops[-1].end if loops else case.statement.start
    if len(given) != 1 or given[0][1] is None or not is_empty_literal(given[0][1]) or any(
            use.start < end for use in reads(case.function, name)):
        return SOME
    return literal_value(given[0][1])


def is_none_still(case, name):
    """Whether a variable is surely None at the statement: an `if` right before left the function where it is not."""
    for inner in [case.statement] + [outer for _, outer in levels(case.statement)]:
        for one in reversed(earlier_siblings(inner)):
            if one.kind == 'If' and one.test.text in (name, '%s is not None' % name) and one.body[-1].kind == 'Return':
                return True
            if name in bound_names(one):
                return False
    return False


def fills_object(case, faults):
    """Whether a method takes the attributes of its object out of an argument, and this argument is what is missing."""
    bad = faults[0].bad if faults else None
    if bad is None or bad.kind != 'Name' or case.function.kind != 'FunctionDef' or \
            bad.id not in names_in(case.function.args) or not nothing_follows(case, faults):
        return False
    taken = [one for one in walk(case.function) if one.kind == 'Assign' and one.targets[0].kind == 'Attribute' and
             is_name(one.targets[0].value, 'self') and bad.id in names_in(one.value)]
    return len(taken) >= 3


def nothing_follows(case, faults):
    """Whether so much of the rest needs the same value that nothing useful can follow without it."""
    return len(same_defects(case, faults, case.statement.start)) >= 3


def fills_else(case, faults):
    """Whether something behind the failing statement fills a field with what is not made of the missing value."""
    made = set(bound_names(case.statement))
    for one in statements(case.function):
        if one.start < case.statement.end:
            continue
        source = getattr(one, 'test', None) or getattr(one, 'iter', None) or getattr(one, 'value', None) or one
        if made & names_in(source) or echoes(case, one, faults) or any(
                around.kind in ('If', 'For') and made & names_in(getattr(around, 'test', None) or around.iter)
                for around in ancestors(one) if is_in(around, case.function)):
            made.update(bound_names(one))
        elif one.kind == 'Assign' and field_of(one) and names_in(one.value):
            return True
    return False


def all_rests_on(case, faults, filled=False):
    """Whether the function has nothing to do behind an assignment without what that sets, so that nothing is lost where
    it is left. A test of the value itself, or a value from before, says that the function has an answer for that.
    filled: what it answers may be filled with nothing else."""
    node, made, needing = case.statement, set(bound_names(case.statement)), []
    name = name_assigned(node)
    if name is None or bound_before(case, name, node) and not any(is_name(fault.bad, name) for fault in faults) or any(
            around.kind != 'If' for around in ancestors(node) if is_in(around, case.function) and
            around is not case.function and around.kind in STATEMENTS) or any(
                is_tested(use) for use in later_uses(case, name, node)):
        return False

    def needs(part):
        """Whether an expression is made of the value, and would be nothing without it."""
        if part.kind in ('Attribute', 'Subscript'):
            return needs(part.value)
        if is_call(part, 'sorted', 'enumerate', 'reversed') and part.args:
            return needs(part.args[0])
        if part.kind == 'Call':
            asked = [text_argument(part)] + [one.value for one in part.keywords if LEADS_TO.search(one.arg)]
            return part.func.kind == 'Attribute' and needs(part.func) or any(needs(one) for one in asked if one)
        if part.kind in ('BinOp', 'Tuple'):
            return bool(made & names_in(part)) and is_address(case, part)
        return part.kind == 'Name' and part.id in made

    def is_filled(name, answer):
        return name not in names_in(case.function.args) and all(
            in_any(use, needing + [answer]) for use in reads(case.function, name))

    def rest(suite):
        for one in suite:
            source = getattr(one, 'test', None) or getattr(one, 'iter', None) or getattr(one, 'value', None)
            if source is None or is_log_call(source) or source.kind == 'Str' or is_empty_literal(source):
                if one.kind not in SIMPLE | frozenset(['Return']) and not all(rest(inner.body) for inner in one.suites):
                    return False
            elif needs(source) or one.kind == 'If' and made & names_in(source):
                made.update(name for name in bound_names(one) if not (is_sum(one, name) or one.kind == 'If' and (
                    bound_before(case, name, one) or copied_in(case, name, [one]))))      # (these stay)
                needing.append(one)
            elif filled and one.kind == 'Return' and (
                    source.kind == 'Call' and any(is_name(arg, *made) for arg in source.args) or
                    source.kind == 'Name' and is_filled(source.id, one)):
                continue
            elif not (one.kind == 'Assign' and one.targets[0].kind == 'Name' and not made & names_in(source)) and (
                    one.kind not in ('If', 'While', 'For') or not all(rest(inner.body) for inner in one.suites)):
                return False                    # what is made of something else would be lost
        return True

    while node is not case.function:
        if not rest(later_siblings(node)):
            return False
        node = node.parent
    return len(needing) > (not filled)


def is_tested(use):
    """Whether a variable is asked for being there: `if x`, `x is None`, `x == ''`, `x or y`."""
    around = use.parent
    if around.kind == 'Compare':
        return any(literal_value(one) in OTHERWISE for one in around.comparators)
    return around.kind in ('If', 'While', 'BoolOp', 'UnaryOp', 'IfExp') and use is not getattr(around, 'body', None)


def join_guard(case, faults):
    """`if a is None: return b`, with which the function begins, asks for this as well."""
    function, found = case.function, condition(case, faults, outside=True)
    if function.kind != 'FunctionDef' or function.name in ('update', 'search') or found is None or found.before:
        return
    top = top_of(case.statement, function)
    before = earlier_siblings(top) if top is not None else []
    guards = [one for one in before if one.kind == 'If' and not one.orelse and len(one.body) == 1 and
              one.body[0].kind == 'Return']
    asked = [node for fault in faults for node in walk(fault.bad) if node.kind == 'Name']
    known = set(names_in(function.args))
    if not guards or any(not (one in guards or one.kind == 'Expr' and one.value.kind == 'Str' or is_log_call(getattr(
            one, 'value', one))) for one in before) or any(node.id not in known for node in asked) or any(
                has_call(fault.bad) or field_of(case.statement) for fault in faults):
        return
    guard, answer = guards[-1], guards[-1].body[0].value
    if answer is not None and any(node.id in names_in(answer) for node in asked) or returned_effect(
            case, function, NOTHING if answer is None else literal_value(answer)) == CRASH:
        return                                  # what it answers is made of what is missing, or fails at the caller
    parts = guard.test.values if is_op(guard.test, 'Or') else [guard.test]
    if not all(is_none_check(part) or part.kind == 'UnaryOp' for part in parts) or \
            answer is not None and has_call(answer):
        return
    edits = found.edits + [(guard.test.outer[1], guard.test.outer[1], ' or ' + found.opposite)]
    yield Proposal('early return', edits, 'the condition that the function begins with asks for this as well',
                   'what %s would answer' % function.name, 'low', 0.88,
                   'the function already says what it answers where something is missing')


def as_before(case, faults):
    """`if not x: return y` stands a few lines on, and nothing but x is set anew since: the same once more."""
    found, bad = condition(case, faults, hoist=False, outside=True), faults[0].bad
    if found is None or found.before or found.edits or bad.kind != 'Name' or not can_insert(case.statement) or any(
            fault.bad.text != bad.text for fault in faults) or case.function.kind != 'FunctionDef' or \
            case.statement.inline or case.function.name in ('update', 'search') or any(
                node.kind == 'Yield' for node in own_nodes(case.function)) or any(
                    field_of(one) for one in statements(case.function) if one.end > case.statement.start):
        return                                  # (what else is filled in, or handed out, would be lost)
    for inner in [case.statement] + [outer for _, outer in levels(case.statement)]:
        if inner.kind in ('For', 'While') and inner is not case.statement:
            return
        for guard in reversed(earlier_siblings(inner)):
            if only_sets(guard, bad.id):
                continue
            way, loop = guard.body[-1] if guard.kind == 'If' and not guard.orelse else None, loop_around(guard)
            if way is None or guard.test.text != found.opposite:
                return                          # what was begun there may have an end further on
            # (in a loop, what ends it says that there is no more, and not that this one is empty; and what begins a
            # `while` again may stand on the same one for ever)
            if way.kind == ('Return' if loop is None else loop.kind == 'For' and 'Continue') and code_of(
                    way) is not None and all(is_log_call(getattr(one, 'value', one)) for one in guard.body[:-1]) and \
                    bad.id not in names_in(way) and any(guard.end <= one.start < inner.end
                                                        for one, _ in values_given(case.function, bad.id)):
                yield Proposal('early return', put_before(case.statement, [
                    'if %s:' % found.opposite, step_of(case.statement) + code_of(way)]),
                               'the same is done as at line %d, where the same was asked for' % guard.line,
                               'what follows, for these items', 'low', 0.9,
                               'the code itself shows what it does without')
            return


def only_sets(statement, name):
    """Whether a statement does nothing but to set a variable, if anything, or to log."""
    if statement.kind == 'If':
        return all(only_sets(one, name) for one in statement.body + statement.orelse)
    return statement.kind == 'Pass' or is_name(target_of(statement), name) or statement.kind == 'Expr' and is_log_call(
        statement.value)


def as_elsewhere(case, faults):
    """Where the bundle asks the same function elsewhere, `if not x: return y` stands right behind: the same here."""
    bad = faults[0].bad
    if bad.kind != 'Name' or any(fault.bad.text != bad.text or fault.test not in (none_test, truth_test)
                                 for fault in faults) or case.function.kind != 'FunctionDef':
        return
    origins = [value for value in values_before(case, bad.id, case.statement.start) if value.kind == 'Call']
    if not origins or name_assigned(origins[-1].parent) != bad.id or origins[-1].parent.inline or last_name(
            origins[-1].func) in OFTEN_NONE:
        return
    origin = origins[-1]
    kinds = set(make_of(case, one.value) for one in returns_of(case.function) if one.value is not None)
    exits = [one for call in bundle_nodes(case, 'Call', last_name(origin.func))
             if call.func.text == origin.func.text and call is not origin for one in exits_behind(call.parent)
             if code_of(one) and (one.source is case.source or not names_in(one))]
    exits = [one for one in exits if one.value is None or is_name(one.value, 'None') or is_in(one, case.function) or
             one.value.kind == 'Call' and kinds <= set([None]) or kinds == set([make_of(case, one.value)])]
    if not exits or not all_rests_on(case._replace(statement=origin.parent, expression=None), faults, filled=True):
        return                                  # (what another kind of function answers is no answer here)
    texts = [code_of(one) for one in exits]
    answer = max(each_once(texts), key=texts.count)
    lines = ['if %s:' % faults[0].test(bad.id)[1]] + [step_of(origin.parent) + line for line in log_line(
        case, '%s: %s' % (case.function.name, faults[0].what)) + [answer]]
    yield Proposal('early return', put_after(origin.parent, lines),
                   'the same is done as at line %d, where the same was asked for' % exits[texts.index(answer)].line,
                   'what follows, for these items', 'low', 0.9, 'the code itself shows what it does without')


def exits_behind(statement):
    """[the return] of an `if` right behind an assignment that asks whether it got nothing."""
    name = name_assigned(statement)
    return [one.body[-1] for one in (later_siblings(statement)[:1] if name else ())
            if one.kind == 'If' and not one.orelse and len(one.body) < 4 and holds_for(one.test, name) and
            one.body[-1].kind == 'Return' and all(inner.kind in SIMPLE for inner in one.body[:-1]) and
            not names_in(one.body[-1]) & local_names(function_around(one))]


def leaving_edits(case, faults, value):
    """Edits that return a value (None: just return) where the statement would fail; None where that cannot be told."""
    answer = 'return %s' % value if value else 'return'
    plain = nothing_follows(case, faults) and faults[0].bad.kind == 'Name'
    return exit_edits(case, condition(case, faults, outside=not plain), case.function.name, faults[0].what, answer)


def exit_edits(case, found, words, what, answer):
    """Edits that log words and leave with an answer where the statement would fail, by a Condition or a try; None."""
    if found is not None:
        step = step_of(case.statement)
        return found.edits + put_before(case.statement, found.before + ['if %s:' % found.opposite] + [
            step + line for line in log_line(case, '%s: %s' % (words, what)) + [answer]])
    name = exception_name(case)
    if name is None or case.statement.kind not in SIMPLE | frozenset(['Return']) or not can_wrap([case.statement]):
        return None
    return wrap([case.statement], ['try:'], handler_lines(case, name, words, [answer]))


def handler_lines(case, name, words, body):
    """Lines of an except clause that logs the error; body lines are one step in."""
    error = fresh_name(case, 'error')
    log = log_line(case, words, error)
    return ['except %s%s:' % (name, ' as ' + error if log else '')] + ['\t' + line for line in log + body or ['pass']]


def caller_way(case):
    """(edits, prior, loss) of how the callers in the file can live with an answer of None, or None."""
    name = case.function.name
    calls = nodes_named(case.source, 'Call', name)
    if not 0 < len(calls) <= 2 or any(is_in(call, case.function) for call in calls):
        return None
    several = any(node.value is not None and node.value.kind in ('Dict', 'Tuple', 'List') and
                  len(children(node.value)) > 1 for node in returns_of(case.function))
    for way, prior, loss in (
            (around_uses, 0.2 if several else 0.6, 'what is made of the answer of %s, for these items' % name),
            (exit_after, 0.15 if several else 0.42, 'everything that follows in %s and its caller, for these items'
             % name)):
        edits = [caller_edits(case, call, way) for call in calls]
        if None not in edits:
            return sum(edits, []), prior, loss
    return None


def caller_edits(case, call, way):
    """The edits of a way to live with None where a call's answer is kept, or of a fence where it is used; or None."""
    statement, around = statement_of(call), enclosing(call, 'FunctionDef')
    if around is None or statement.inline:
        return None
    inner = case._replace(statement=statement, function=around, expression=None)
    if name_assigned(statement) is not None and statement.value is call:
        return way(inner, name_assigned(statement))
    fault = Fault(call.parent, call, none_test, [], '%s found nothing' % case.function.name)
    return next((proposal.edits for proposal in fence(inner, [fault])), None)


def called_there(case, function, name):
    """The Case of the one statement of another function that calls a function of the file, and that call; or Nones."""
    calls = [call for call in nodes_named(case.source, 'Call', name) if call.func.kind in ('Name', 'Attribute')]
    around = enclosing(calls[0], 'FunctionDef') if len(calls) == 1 else None
    if around is None or around is function or is_in(calls[0], function) or len(
            name_nodes(case.source.tree, name)) > 2 or sum(
                one.value.text == calls[0].func.value.text for one in nodes_named(case.source, 'Attribute', name)
                if calls[0].func.kind == 'Attribute') > 1 or bindings(function_around(function)).get(name, [0])[1:]:
        return None, None
    return case._replace(statement=statement_of(calls[0]), function=around, expression=None), calls[0]


def mended_there(case, function, name):
    """The Proposal that mends the one caller of a function that does nothing but answer an expression, as if it
    answered None; None for no such."""
    inner, call = called_there(case, function, name)
    if inner is None or getattr(inner.statement, 'value', None) is call:
        return None
    inner = inner._replace(exception='AttributeError', message="'NoneType' object has no attribute ''")
    fault = none_fault(inner, call.parent, call, '%s found nothing' % name)
    return next((proposal for proposal in ranked(inner, list(guarded_ways(inner, [fault]))) if not any(
        'Error' in edit[2] for edit in proposal.edits)), None)     # (no error is raised there then)


def argument_ways(inner, call, function, faults):
    """Proposals for the argument of a call that a function fails on, where who calls it needs the same value again."""
    given = dict(zip(given_parameters(function), call.args))
    bad = given.get(faults[0].bad.id) if faults and faults[0].bad.kind == 'Name' else None
    asked = [Fault(call, bad, faults[0].test, [], faults[0].what)] if bad is not None and all(
        fault.bad.text == faults[0].bad.text for fault in faults) else []
    return guarded_ways(inner, asked) if asked and same_defects(inner, asked, inner.statement.end) else ()


def at_caller(case, faults):
    """A function that does nothing but answer an expression is one of its caller's that has got a name: that is mended
    as if it stood there, where the argument is missing, or what is made of it; and where that is caught."""
    function = case.function
    inner, call = called_there(case, function, function.name) if function.kind == 'FunctionDef' and [
        one for one in function.body if not is_passed_over(one)] == [case.statement] else (None, None)
    if inner is None:
        return
    for proposal in argument_ways(inner, call, function, faults):
        yield proposal
    edits = leaving_edits(case, faults, NOTHING)
    there = mended_there(case, function, function.name) if edits is not None else None
    if there is not None and returned_effect(case, function, NOTHING) == CRASH:
        yield there._replace(edits=edits + there.edits, summary='%s answers None; %s' % (function.name, there.summary))
    for proposal in widen_handler(inner, faults):
        yield proposal


def answers_none(case, faults):
    """`pick = lambda row: row.a.b` answers None where that is not there, and who calls it goes on without; where no
    condition tells it, the error is met there."""
    function = case.function
    name = name_assigned(function.parent)
    found = condition(case, faults, hoist=False)
    there = mended_there(case, function, name) if found is not None and not found.before else None
    if there is not None:
        yield there._replace(edits=conditional_edits(function.body, found.text, NOTHING) + there.edits,
                             summary='%s answers None; %s' % (name, there.summary))
    inner, call = called_there(case, function, name)
    if inner is not None:
        for proposal in itertools.chain(argument_ways(inner, call, function, faults), guarded_ways(
                inner, [Fault(call.parent, call, None, [], FAILED)])):
            yield proposal


def around_uses(case, name):
    """Edits that leave out the block behind the case's assignment that uses a variable, where it is None; or None."""
    suite, uses = siblings(case.statement), later_uses(case, name, case.statement)
    using = [number for number, one in enumerate(suite) if any(is_in(use, one) for use in uses)]
    if not using or using[0] <= suite.index(case.statement) or any(
            not in_any(use, [suite[number] for number in using]) for use in uses):
        return None
    last = using[-1] + 1
    while last < len(suite) and reads_field(suite[last], suite[using[0]:last]):
        last += 1
    block, needs = suite[using[0]:last], set([name])
    copy = name_assigned(block[0]) if len(block) == 1 else None
    if copy and is_name(block[0].value, name):
        return around_uses(case._replace(statement=block[0]), copy)
    for one in block:
        if has_exit(one) or not needs & names_in(one) and not reads_field(one, block):
            return None
        needs |= bound_names(one)
    unset = left_unset(case, block)
    if unset is None or relied_on(case, block) or not can_wrap(block) or \
            block[-1].end_line - block[0].line >= WRAPPED_LINES:
        return None
    tail = settings(unset)                      # the log line stands where None is answered
    return wrap(block, ['if %s is not None:' % name], ['else:'] * bool(tail) + ['\t' + line for line in tail])


def exit_after(case, name):
    """Edits that leave the function or the round of its loop where a variable was set to None."""
    value, loop = normal_empty(case), innermost_loop(case)
    if value is None and loop is None:
        return None
    answer = 'continue' if loop is not None else 'return %s' % value if value else 'return'
    step = step_of(case.statement)
    return put_after(case.statement, ['if %s is None:' % name] + [
        step + line for line in log_line(case, 'No %s' % name) + [answer]])


def left_at_error(case, name, binders):
    """An except clause that says what went wrong, and goes on to what needs the result, leaves with what is usual."""
    value, loop = normal_empty(case), innermost_loop(case)
    value = NOTHING if value is None else value
    outcome = returned_effect(case, case.function, value) if value and loop is None else FINE
    before = [binder for binder in binders if binder.start < case.statement.start]
    if loop is None and case.function.name in ('update', 'search') or any(
            holds_for(one.test, name) is not None for one in own_nodes(case.function) if one.kind == 'If'):
        return                                  # the rest is worth it, or asks whether it is there
    for around in earlier_siblings(case.statement):
        handlers = [one for one in around.handlers if not (bound_names(*one.body) or has_exit(one) or is_silent(
            one) or one.body[-1].inline)] if around.kind == 'TryExcept' else []
        if handlers and outcome > HOLLOW and before and all(is_in(binder, around) for binder in before):
            answer = 'continue' if loop is not None else ('return %s' % value).rstrip()
            yield Proposal('early return', sum((put_after(one.body[-1], [answer]) for one in handlers), []),
                           'it ends where the error is logged', 'everything that follows, as without it', 'low',
                           0.84 if outcome == FINE else 0.7, 'what follows needs what could not be had')


def unset_name(case, found):
    """UnboundLocalError: a value before the branches, which the later uses bear."""
    name = found.group('name')
    if case.function.kind != 'FunctionDef':
        return
    binders = [node for node in bindings(case.function).get(name, ()) if node.kind in ('Name', 'FunctionDef', 'alias')
               and not is_in(node, case.function.args)]
    uses = reads(case.function, name)
    if not binders or not uses or any(node.kind == 'Name' and node.ctx == 'Param' for node in binders):
        return
    here = [use for use in uses if is_in(use, case.statement)] or uses
    for proposal in itertools.chain(
            misspelt_target(case, name, binders), copied_block(case, name, binders),
            lost_parameter(case, case.function), bound_too_late(case, name), begun_too_late(case, name),
            loop_variable(case, name, uses), own_loop_variable(case, name, uses), hidden_by_itself(case, name, binders),
            own_element(case, name, binders), made_from_itself(case, name, binders),
            caught_error(case, here, name), left_at_error(case, name, binders), closed_if_made(case, name, binders)):
        yield proposal
    own = getattr(case.statement, 'iter', None) or getattr(case.statement, 'value', None)
    made_of = [use for use in here if own is not None and is_in(use, own)]
    if made_of and name not in bindings(case.source.tree) and all(statement_of(one) is case.statement and
                                                                  one.parent.kind != 'AugAssign' for one in binders):
        for proposal in spelt_alike(case, name, made_of):
            yield proposal
        if case.statement.kind == 'For':
            return                              # nothing else ever sets it, and without it there is no round
    first = min(binders + uses, key=lambda node: node.start)
    of_module = [one.value for one in assignments(case.source.tree, name) if one.parent is case.source.tree]
    place = first_statement(case, first)
    sums = [node for node in binders if node.parent.kind == 'AugAssign']
    while place.parent.kind in ('For', 'While') and (any(loop_around(node.parent) is place.parent for node in sums) or (
            not any(comes_before(statement_of(node), here[0]) for node in binders if is_in(node, place.parent)))):
        place = first_statement(case, place.parent)     # one round hands it on to the next
    readers = [use for use in uses if not in_any(use, map(statement_of, binders)) and not bound_between(use, 0) or
               is_op(use.parent, 'Add') and is_in(use, case.statement)] or uses
    value = literal_value(of_module[0]) if len(of_module) == 1 else SOME
    is_cache = value == NOTHING and NOTHING in compared_with(uses) or all(
        node.parent.kind == 'AugAssign' for node in binders)    # (count += 1 is about the one that is there)
    if value != SOME and (is_cache or not any(
            effect(case, use, value) == CRASH for use in readers if not is_checked(case, use, name, value))):
        yield cure('initialise first', put_before(behind_docstring(case.function.body), [
            'global %s' % name if is_cache else '%s = %s' % (name, code_of(of_module[0]))]), '%s is the one of the '
            'module' % name if is_cache else '%s begins as the module has it' % name, 0.88,
            'what the function sets is a variable of its own, which the one of the module does not reach')
    flags = [one for one in names_in_order(case.statement) if is_flag(case, one)] if is_flag(case, name) else []
    best, (mates, along) = HOLLOW, ([], []) if flags else set_beside(case, name, binders)
    for order, value in enumerate(initial_values(case, name, uses)):
        outcome = FINE
        for use in readers:
            if not is_checked(case, use, name, value):
                outcome = min(outcome, effect(case, use, value))
        if outcome == CRASH or along is None or sums and value == NOTHING:     # (the next one would fail as it did)
            continue
        best, prior = max(best, outcome), {FINE: 0.85, OPEN: 0.7, HOLLOW: 0.35}[outcome] - 0.02 * order
        alike = [one for one in flags if one != name and all(
            effect(case, use, value) >= outcome for use in reads(case.function, one))]
        if alike:
            place = first_use(case, [name] + alike)
        lines = ['%s = %s' % (one, value) for one in flags or [name] if one == name or one in alike]
        lines += ['%s = %s' % pair for pair in mates]
        yield Proposal('initialise first', put_before(place, lines) + along, '%s is %s unless a branch sets it%s'
                       % (' and '.join([name] + alike), value_words(value), also([other for other, _ in mates])),
                       '%s is empty on the ways that do not set it' % name, 'low' if outcome == FINE else 'medium',
                       prior, 'a value before the branches, of the kind that the rest of the function expects')
    can_be_set = any(node.start < here[0].start or any(around.kind in ('For', 'While') and is_in(
        node, around) for around in ancestors(here[0])) for node in binders if statement_of(node) is not case.statement)
    edits = guarded_uses(case, name, readers, HOLLOW) if best == HOLLOW and can_be_set and not flags and not (
        sums or any(is_op(use.parent, 'Add', 'Mod') for use in uses)) else None
    if edits and len(edits) < 40 and along is not None and not in_each_others_way(edits, along):
        lines = ['%s = %s' % pair for pair in [(name, NOTHING)] + mates]
        yield Proposal('initialise first', put_before(place, lines) + edits + along, '%s is None unless a branch sets '
                       'it, and what needs it is left out then' % name, 'what is made of %s, on the ways that do not '
                       'set it' % name, 'medium', 0.8, 'nothing empty would do in its place')
    if flags and all(is_formatted(use) for one in flags for use in reads(case.function, one)):
        lines = ['%s = None' % one for one in flags]
        yield Proposal('initialise first', put_before(first_use(case, flags), lines),
                       '%s is None unless a branch sets it' % ' and '.join(flags),
                       'nothing: None is written where the switch is off', 'medium', 0.6,
                       'it is a switch, and it is off otherwise')


def comes_before(statement, use):
    """Whether a statement can have run before a use, with no way back to the head of a loop between."""
    node = statement
    if node.start > use.start or is_in(use, node) and node.kind in SIMPLE or exclusive(node, use):
        return False
    while node.parent is not None and not is_in(use, node.parent):
        if node.kind in STATEMENTS and siblings(node)[-1].kind in EXITS:
            return False
        node = node.parent
    return True


def misspelt_target(case, name, binders):
    """`if x: ulr = 'a'` and `else: url = 'b'`, where nothing reads an ulr: the url is meant there, too."""
    found = []
    for other, nodes in sorted(bindings(case.function).items()):
        slips = len(name) == len(other) > 2 and (sorted(name) == sorted(other) or sum(
            a != b for a, b in zip(name, other)) == 1)
        if other != name and (slips or near_names(name, [other])) and not re.search(r'\d', name + other) and \
                not reads(case.function, other) and all(node.kind == 'Name' and node.ctx == 'Store' and comes_before(
                    statement_of(node), case.statement) and is_target(node) and any(
                        exclusive(node, one) for one in binders) for node in nodes):
            found.append((other, nodes))
    found = [row for row in found if row[0] + 's' != name and name + 's' != row[0]]     # a list of them, and one
    if len(found) == 1 and not re.search(r'\b(locals|vars|eval|exec)\b', case.function.text):
        yield rename(found[0][1], name, 0.93, 'nothing reads a %s, and %s is not set on that way' % (found[0][0], name))


def is_target(node):
    """Whether a name is what a plain assignment sets."""
    return node.parent.kind == 'Assign' and node in node.parent.targets


def closed_if_made(case, name, binders):
    """`finally: x.close()` where x is made in the try: it is None in front of it, and closed where it was made."""
    around, call = case.statement.parent, call_of(case.statement)
    if around.kind == 'TryFinally' and case.statement in around.finalbody and all(in_any(one, around.body) for one in (
            binders + reads(case.function, name)) if not is_in(one, case.statement)) and call is not None and \
            case.statement.kind == 'Expr' and is_name(getattr(call.func, 'value', None), name) and can_insert(around) \
            and can_wrap([case.statement]):
        yield cure('initialise first', put_before(around, ['%s = None' % name]) + wrap(
            [case.statement], ['if %s is not None:' % name], []), '%s is None until it is made' % name, 0.93,
            'what the finally does is for what was made only, and else hides the error that came first')


def set_beside(case, name, binders):
    """[(name, value)] of the other variables that only the very suites set which set this one, and that are read behind
    them: the next of them would fail as it does; and (second) edits for what bears no empty value, None without any."""
    suites, found, edits = [siblings(statement_of(node))[0] for node in binders], [], []
    for other, nodes in sorted(bindings(case.function).items()):
        if other == name or any(node.kind != 'Name' or node.ctx != 'Store' for node in nodes) or [
                siblings(statement_of(node))[0] for node in nodes] != suites:
            continue
        uses = [use for use in reads(case.function, other) if use.start > nodes[-1].end and not bound_between(use, 0)]
        best = best_value(initial_values(case, other, uses), lambda value: min(
            [FINE] + [effect(case, use, value) for use in uses if not is_checked(case, use, other, value)]))
        if uses and best[0] > HOLLOW:
            found.append((other, best[1]))
        elif uses:
            found.append((other, NOTHING))
            more = guarded_uses(case, other, uses, HOLLOW)
            edits = None if edits is None or not more or in_each_others_way(edits, more) else edits + more
    return found, edits


def copied_block(case, name, binders):
    """`e = shows[0]; f(m['id'])` beside `m = movies[0]; f(m['id'])`: a copied block that speaks of the other's m."""
    suite, statement = siblings(case.statement), case.statement
    for binder in binders:
        origin = statement_of(binder)
        other = siblings(origin)
        if other is suite or origin.kind != 'Assign' or not is_name(origin.targets[0], name) or not any(
                one.text == statement.text for one in other):
            continue
        for one in suite[:suite.index(statement)]:
            mine = name_assigned(one)
            if one.kind == 'Assign' and mine not in (None, name) and other.index(origin) == suite.index(one) and \
                    re.sub(r'\w+', '', one.value.text) == re.sub(r'\w+', '', origin.value.text):
                uses = [use for use in reads(case.function, name) if in_any(use, suite)]
                if not all(map(asked_of, uses)):
                    continue                    # that one is what it is called
                yield rename(uses, mine, 0.93, 'the block is like that of line %d, where %s is what %s is here' % (
                    origin.line, name, mine))


def bound_too_late(case, name):
    """What surely sets a name stands behind what reads it, and needs nothing of what is between: it goes in front."""
    place = case.statement
    while place.parent.kind in ('If', 'For', 'While', 'With') and not place.inline and not any(
            name in bound_names(one) for one in later_siblings(place)):
        place = place.parent
    between = [place] + later_siblings(place)
    late = next((one for one in between[1:] if sets_surely(one, name)), None)
    if late is None or place.inline or late.inline or place.is_elif or \
            late.logical_start <= place.end:
        return
    between = between[:between.index(late)]
    earlier = values_before(case, name, place.start)
    given = [one.value.text for one in walk(late) if one.kind == 'Assign']
    if place.parent.kind == 'While' or place.parent.kind == 'For' and (any(
            one.value.text in place.text for one in walk(late) if one.kind == 'Assign') or any(
                enclosing(use, 'Compare', 'BoolOp', 'UnaryOp', *STATEMENTS).kind not in SIMPLE
                for use in reads(place, name))):
        return                                  # it is what the round before has left
    if any(name in bound_names(one) and one is not place
           for one in between) or names_in(late) - set([name]) & bound_names(*between) or any(
               not is_pure(one) for one in walk(late)) or any(value.text not in given for value in earlier):
        return
    begin, end = line_start(late), line_end(late)
    text, at = case.source.text[begin:end] + case.source.newline, line_start(place)
    behind = LINE_END.match(case.source.text, end)
    yield cure('initialise first', [(at, at, text), (begin, behind.end() if behind else end, '')],
               '%s is set before it is used, not behind it' % name, 0.92, 'what sets it stands a few lines too low')


def begun_too_late(case, name):
    """What is made of the variable of a loop stands right in front of it: the loop begins there."""
    place, loops = case.statement, [node.parent for node in bindings(case.function)[name]]
    loop = loops[0] if len(loops) == 1 and loops[0].kind == 'For' and is_name(loops[0].target, name) else None
    if loop is None or loop not in later_siblings(place) or loop.orelse or place.inline or loop.body[0].inline or \
            loop.line != loop.body[0].line - 1:
        return
    suite = siblings(place)
    moved = suite[suite.index(place):suite.index(loop)]
    made = bound_names(*moved)
    if not can_wrap(moved) or any(has_exit(one) or not names_in(one) & (made | set([name])) for one in moved) or any(
            use.start > loop.end for other in made for use in reads(case.function, other)) or made & names_in(
                loop.iter):
        return                                  # (what else stands there is done once)
    begin, end = line_start(loop), line_start(loop.body[0])
    yield cure('initialise first', wrap(moved, [case.source.text[loop.start:end].rstrip()], []) + [(begin, end, '')],
               'the loop over %s begins in front of what is made of it' % name, 0.88,
               'nothing else sets %s, and what is made of it is only used in the loop' % name)


def loop_variable(case, name, uses):
    """The variable of another loop as a key of something that the own loop asks for its own one."""
    loops = [node.parent for node in bindings(case.function)[name] if node.kind == 'Name']
    if not loops or any(loop.kind not in ('For', 'comprehension') for loop in loops):
        return
    edits, words = [], set()
    for use in uses:
        if in_any(use, [loop if loop.kind == 'For' else loop.parent for loop in loops]):
            continue
        own = next((one for one in ancestors(use) if one.kind == 'For' and one.target.kind == 'Name'), None)
        slot = use.parent.parent if use.parent.kind == 'Index' else use.parent
        if own is None or slot.kind != 'Subscript' or use is slot.value or not any(
                one.kind == 'Compare' and is_name(one.left, own.target.id) and one.ops[0] in ('In', 'NotIn') and
                one.comparators[0].text == slot.value.text for one in walk(own)):
            return
        edits.append((use.start, use.end, own.target.id))
        words.add(own.target.id)
    yield right_name(edits, ' and '.join(sorted(words)), name, 0.9,
                     '%s belongs to another loop, which may have had no round' % name)


def own_loop_variable(case, name, uses):
    """`for number in old: remove(number=row.number())`, with the row of an earlier loop: the own loop takes a number
    and does nothing with it, and what is asked for is called the same."""
    loop = innermost_loop(case)
    asked = [use.parent for use in uses if loop is not None and is_in(use, loop)]
    if not asked or loop.kind != 'For' or loop.target.kind != 'Name' or reads(loop, loop.target.id):
        return
    others = [around_of_element(node) for node in bindings(case.function)[name]]
    if any(one is None or one.end > loop.start for one in others) or not all(in_any(use, others + [loop])
                                                                             for use in uses):
        return                                  # (what a branch or a search left is meant as it is)
    right = loop.target.id
    if not all(node.kind == 'Attribute' and node.attr == right and not stored(node) for node in asked):
        return
    nodes = [node.parent if is_called(node) and not (node.parent.args or node.parent.keywords or
                                                     node.parent.starargs or node.parent.kwargs) else node
             for node in asked]
    if not any(is_called(node) for node in nodes):      # (with arguments, it is no mere field)
        yield right_name([node.outer + (right,) for node in nodes], right, nodes[0].text, 0.93,
                         'the loop takes %s and does nothing with it, and %s belongs to another one' % (right, name))


def around_of_element(node):
    """The loop whose every round sets a variable, as its own or first of all, and that goes on to its end; or None."""
    statement = statement_of(node)
    loop = statement if statement.kind == 'For' else statement.parent
    if loop.kind == 'For' and (statement is loop and is_in(node, loop.target) or statement in loop.body) and not any(
            one.kind == 'Break' for one in walk(loop)):
        return loop
    return None


def hidden_by_itself(case, name, binders):
    """`dates = (one for one in dates.ALL)`, with dates an import of the module: the variable gets another name."""
    statement = case.statement
    imported = [one for one in bindings(case.source.tree).get(name, ()) if one.kind == 'alias']
    if not imported or statement.kind != 'Assign' or not is_name(target_of(statement), name) or not can_insert(
            statement):
        return
    inside = [use for use in reads(case.function, name) if is_in(use, statement.value)]
    others = [use for use in name_nodes(case.function, name) if use not in inside]
    if not inside or any(use.parent.kind != 'Attribute' for use in inside) or any(
            use.start < statement.start or use.ctx == 'Param' or use.ctx == 'Load' and use.parent.kind == 'Attribute'
            for use in others) or asks_by_text(case.function):
        return                                  # (what is asked for something further on may be the module)
    own = fresh_name(case, '%s_here' % name)
    yield right_name(written(others, own), own, name, 0.92,
                     '%s is a module that the file imports, and the variable of that name hides it' % name)


def asks_by_text(scope):
    """Whether something in a function or class asks for variables or attributes by their names, as texts."""
    return any(node.kind == 'Exec' or is_call(node, 'locals', 'vars', 'eval', 'dir', 'getattr', 'setattr', 'hasattr',
                                              'delattr') or node.kind == 'Attribute' and node.attr == '__dict__'
               for node in walk(scope))


def own_element(case, name, binders):
    """`for row in rows: link = link.get('href')`, where nothing else uses row: row is what is meant."""
    statement = case.statement
    nodes = [node for node in reads(case.function, name) if is_in(node, statement)]
    loop = enclosing(statement, 'For')
    if loop is None or loop.target.kind != 'Name' or statement.kind != 'Assign' or is_call(
            loop.iter, 'range', 'xrange') or not any(is_in(one, statement) for one in binders) or not all(
                node.parent.kind in ('Attribute', 'Subscript') and node.parent.value is node for node in nodes):
        return
    right = loop.target.id
    if right != name and not any(is_in(one, loop) for one in reads(case.function, right)):
        alike = set(node.parent.attr for node in nodes if node.parent.kind == 'Attribute')
        nodes += [node for one in later_siblings(statement) for node in walk(one) if is_name(node, name) and
                  node.parent.kind == 'Attribute' and node.parent.attr in alike and alike <= set(ELEMENT_SEARCHES)]
        yield cure('right name', written(nodes, right), '%s is asked in place of %s' % (right, name), 0.93,
                   'the loop takes %s and does nothing with it, and %s is only made here' % (right, name))


ELEMENT_SEARCHES = ('xpath', 'cssselect', 'findall', 'find')        # an element has them, and what they find has not


def made_from_itself(case, name, binders):
    """`title = title.xpath('a')`, the only line that sets title, in a try that hides its error: see own_element."""
    maker = statement_of(binders[0])
    return own_element(case._replace(statement=maker, expression=None), name, binders) if maker.kind == 'Assign' and \
        maker is not case.statement and all(statement_of(one) is maker for one in binders) and \
        name in names_in(maker.value) else ()


def spelt_alike(case, name, nodes):
    """`for show in show:`, behind `shows = ...`: that is what is meant, and surely so where nothing else reads it."""
    before = set(name_assigned(one) for one in statements(case.function) if one.end < case.statement.start)
    before = sorted((one for one in before if one), key=lambda one: (bool(reads(case.function, one)), one))
    for right, _ in [row for one in before for row in near_names(name, [one])][:1]:
        yield right_name([(use.start, use.end, right) for use in nodes], right, name,
                         0.85 if reads(case.function, right) else 0.93, '%s is only made here' % name)


def sets_surely(statement, name):
    """Whether a statement does nothing else than to set a name, on each of its ways."""
    if statement.kind == 'Assign':
        return len(statement.targets) == 1 and is_name(statement.targets[0], name) and name not in names_in(
            statement.value)
    return statement.kind == 'If' and bool(statement.orelse) and all(
        len(suite) == 1 and sets_surely(suite[0], name) for suite in (statement.body, statement.orelse))


def is_pure(node):
    """Whether to evaluate a node changes nothing, wherever it is done."""
    return node.kind != 'Call' or last_name(node.func) in PURE_CALLS | TEXT_METHODS | TEXT_TOOLS


def into_branch(case, found):
    """`x.validate_keys(names)` right behind the one branch that sets names belongs into it: else all is kept."""
    before = (earlier_siblings(case.statement) or [case.statement])[-1]
    if before.kind == 'If' and not before.orelse and not before.body[0].inline and case.statement.kind == 'Expr' and \
            case.statement.line == case.statement.end_line and '.validate_keys(' in case.statement.text and all(
                is_in(node, before) for node in bindings(case.function)[found.group('name')]):
        start = line_start(case.statement)
        yield cure('into the branch', [(start, case.statement.start, before.body[0].indent)],
                   'old pictures are only removed where new ones were looked for', 0.87,
                   'that branch alone sets %s, and the pictures of other items stay' % found.group('name'))


def first_use(case, names):
    """The first statement of the function that has to do with one of some names."""
    return first_statement(case, min((node for name in names for node in name_nodes(case.function, name)),
                                     key=lambda node: node.start))


def names_in_order(node):
    """The names that a node reads, each once, in the order of the text."""
    return each_once(one.id for one in walk(node) if one.kind == 'Name' and one.ctx == 'Load')


def is_flag(case, name):
    """Whether all that sets a name is `if <a test>: name = <a short text>`, without another branch."""
    stores = bindings(case.function).get(name)
    return bool(stores) and all(
        node.kind == 'Name' and node.parent.kind == 'Assign' and node.parent.value.kind in ('Str', 'Num') and
        node.parent.parent.kind == 'If' and not node.parent.parent.orelse and not is_in(
            case.statement, node.parent.parent) for node in stores)


def is_formatted(use):
    """Whether a use is a part of `'...' % (...)` or of `'...'.format(...)`."""
    around = use.parent.parent if use.parent.kind in ('Tuple', 'keyword') else use.parent
    return is_op(around, 'Mod') and use is not around.left or is_call(around, 'format') and not is_in(use, around.func)


def set_in_turn(case, owner, setters):
    """The other attributes that the same `if` sets, one on each of its ways and nothing else does, and that the case's
    function reads too."""
    around = [outer for _, outer in levels(setters[0]) if outer.kind == 'If'][-1:] if setters else []
    inside, outside = [set(node.attr for node in walk(owner) if sets_self(node) and is_in(node, one) == within)
                       for one in around for within in (True, False)] or ((), ())
    asked = set(node.attr for node in walk(case.function) if node.kind == 'Attribute' and node.ctx == 'Load')
    return sorted(asked.intersection(inside).difference(outside, [setters[0].attr])) if around else []


def unset_attribute(case, found):
    """An attribute of the bundle's own class that only some ways set: something empty in the class for the others."""
    name = found.group('name')
    owners = [node for node in bundle_classes(case, 'class ' + found.group('type'))
              if node.name == found.group('type') and name in node.source.text]
    if len(owners) != 1 or owners[0].body[0].inline or any(re.search(
            r'(hasattr|getattr)\([^)]*[\'"]%s[\'"]' % name, source.text) for _, source in sources_with(case, name)):
        return
    owner, nodes = owners[0], bundle_nodes(case, 'Attribute', name)
    family = [owner] + [one for base in owner.bases for one in classes_of(owner.source) if one.name == last_name(base)]
    setters = [node for one in family for node in walk(one) if sets_self(node) and node.attr == name]
    if not setters and not any(node.ctx == 'Store' and not sets_self(node) for node in nodes):
        return                                  # (what another class sets on itself is its own)
    readers, path = unchecked_reads(case, nodes), path_of(case, owner)
    for proposal in set_by_method(case, family, setters, name):
        yield proposal
    first = behind_docstring(owner.body)
    exits = exits_without(case, readers) if path is None else None
    if exits:
        yield Proposal('initialise first', put_before(first, ["%s = ''" % name]) + exits,
                       '%s is an empty text unless something sets it, and what cannot do with that is left out' % name,
                       '%s, and what is made of it, for these items' % name, 'medium', 0.84,
                       'the class gives it a value, and who needs more than an empty one does nothing')
    given = [node.parent.value for node in setters if node.parent.kind == 'Assign']
    wished = [value for one in given for value in empty_values(in_frame_of(case, one), [one]) if value != ZERO]
    filled = [node for node in nodes if gets_more(node)]
    mates = set_in_turn(case, owner, setters)
    for number, value in enumerate(each_once(wished + by_plural(name) + OTHERWISE[:4]), 1):
        outcome, place, text = worst_effect(case, readers, value), first, name
        if filled and value in (NO_LIST, NO_DICT):      # all objects of the class would have the same one
            made = [one for one in owner.body if takes_self(one) and one.name == '__init__']
            place, text = behind_docstring(made[0].body) if made else None, 'self.' + name
        if outcome > CRASH and place is not None and not place.inline:
            along = [one for one in mates if worst_effect(
                case, unchecked_reads(case, bundle_nodes(case, 'Attribute', one)), value) > CRASH]
            yield Proposal('initialise first', put_before(place, ['%s = %s' % (
                text[:-len(name)] + one, value) for one in [name] + along]),
                           '%s is %s unless something sets it%s' % (name, value_words(value), also(along)),
                           '%s is empty for these items' % name, 'low' if outcome == FINE else 'medium',
                           {FINE: 0.9, OPEN: 0.86, HOLLOW: 0.82 if len(readers) > 1 else 0.45}[outcome] -
                           0.01 * number, 'the class gives it a value, of the kind that its users expect', path)


def gets_more(node):
    """Whether something is put into what an expression is."""
    around = node.parent
    return is_indexed(node) and around.ctx != 'Load' or around.kind == 'Attribute' and is_called(around) and \
        around.attr in ('append', 'extend', 'insert', 'update', 'setdefault', 'add', 'pop', 'remove')


def set_by_method(case, family, setters, name):
    """The one method that sets an attribute, and surely does, is called first where it was not."""
    methods = [one.parent.parent for one in setters if one.parent.kind == 'Assign']
    method = methods[0] if len(methods) == 1 == len(setters) and methods[0].kind == 'FunctionDef' else None
    if method is None or method.parent not in family or method.name in ('__init__', case.function.name) or len(
            method.args.args) != 1 or method.decorator_list or enclosing(case.function, 'ClassDef') is None or \
            case.statement.inline or case.statement.is_elif or not any(
                is_name(node.value, 'self') for node in own_part(case.statement)
                if node.kind == 'Attribute' and node.attr == name):
        return
    called = [last_name(node.func) for node in walk(method) if node.kind == 'Call']
    if set(called) & FETCHES or case.function.name in called or not nodes_named(method.source, 'Call', method.name):
        return
    yield cure('initialise first', put_before(case.statement, ['self.%s()' % method.name]),
               '%s() is called first, which sets %s' % (method.name, name), 0.92,
               'only %s() sets it, and was not called on this way' % method.name)


def exits_without(case, readers):
    """Edits that leave the methods early that cannot do with an empty attribute; None where one has more to do."""
    edits, left = [], []
    if max(worst_effect(case, readers, value) for value in OTHERWISE[:4]) > CRASH:
        return None
    for node in sorted(readers, key=lambda one: one.start):
        inner = in_frame_of(case, node)
        if effect(inner, node, NO_TEXT) > CRASH or inner.function in left:
            continue
        top = top_of(node, inner.function)
        if node.source is not case.source or inner.function.kind != 'FunctionDef' or normal_empty(inner) != '' or \
                top is not inner.function.body[-1] or top.inline or len(left) == 3:
            return None
        left.append(inner.function)
        inner = inner._replace(statement=top)
        step, text = step_of(top), node.text
        log = log_line(inner, '%s: there is no %s' % (inner.function.name, node.attr))
        edits += put_before(top, ['if not %s:' % text] + [step + line for line in log + ['return']])
    return edits


@kept_on('source')
def sources_with(case, text=''):
    """[(path, Source)] of the case's own file (path None) and the bundle's others in which a text occurs: those of
    Contents/Code, and those beside the own one where that is a library."""
    own = [(None, case.source)] if text in case.source.text else []
    folder = re.sub(r'^.*?(?=Contents/)', '', case.source.path.rpartition('/')[0] + '/')
    beside = files_with(case, text, folder, '/') if folder.startswith('Contents/Libraries/') else []
    return own + [row for row in files_with(case, text) + beside if not case.source.path.endswith(row[0])]


@kept_on('bundle')
def files_with(case, text, folder='Contents/Code/', below=None):
    """[(path, Source)] of the bundle's files in a folder that can be read and in which a text occurs; below: what the
    rest of their path must not hold, '/' for those of the folder itself."""
    return [(path, case.bundle.source(path)) for path, _ in texts_with(case, text) if path.startswith(folder) and not (
        below and below in path[len(folder):]) and case.bundle.source(path) is not None]


@kept_on('bundle')
def texts_with(case, text):
    """[(path, text)] of the bundle's files in which a text occurs; 'def x' is sought where x is, as both are asked for.
    """
    word = text.split(' ')[-1]
    return [row for row in (bundle_texts(case) if word == text else texts_with(case, word)) if text in row[1]]


@kept_on('source')
def bundle_nodes(case, kind, name):
    """The nodes that nodes_named() finds in the case's own file and in the bundle's others."""
    text = {'FunctionDef': 'def ', 'ClassDef': 'class '}.get(kind, '') + (name or '')
    return [node for _, source in sources_with(case, text) for node in nodes_named(source, kind, name)]


def bundle_classes(case, text):
    """The classes of the case's own file and of the bundle's others in which a text occurs."""
    return [one for _, source in sources_with(case, text) for one in classes_of(source)]


def path_of(case, node):
    """The file of a node, from the bundle on; None for the case's own."""
    return node.source.path if node.source is not case.source else None


def unchecked_reads(case, nodes):
    """Those of some attributes that are read of the bundle's own objects without a check."""
    return unchecked(case, [node for node in nodes if node.ctx == 'Load' and not of_the_server(node)])


def worst_effect(case, nodes, value, depth=0):
    """What becomes of a value at the worst of some nodes, of whatever file."""
    worst = FINE
    for node in nodes:
        worst = min(worst, effect(in_frame_of(case, node), node, value, depth))
        if worst == CRASH:
            break
    return worst


def in_frame_of(case, node):
    """The case as seen from the function that a node stands in, of whatever file."""
    return case._replace(source=node.source, function=function_around(node))


def of_the_server(node):
    """Whether an attribute is the metadata's or the media's, or a method: the same name, but not the bundle's own."""
    return is_called(node) or any(is_name(one, 'metadata', 'media') or one.kind == 'Attribute' and
                                  one.attr in ('metadata', 'media') for one in walk(node.value))


def files_of(case):
    """The source files of the case's bundle, from the bundle on; () where there is none."""
    return case.bundle.files if case.bundle is not None else ()


def code_files(case):
    """The bundle's modules under Contents/Code, from the bundle on."""
    return [path for path in files_of(case) if path.startswith('Contents/Code/')]


def other_files(case):
    """The same without the case's own."""
    return [path for path in code_files(case) if not case.source.path.endswith(path)]


@kept
def classes_of(source):
    return [one for one in walk(source.tree) if one.kind == 'ClassDef']


def top_of(node, function):
    """The statement of a function's own body that a node stands in, or None."""
    return next((one for one in function.body if is_in(node, one)), None)


def first_statement(case, node):
    """The statement of the function's own body (or of the innermost loop that holds all of it) a node stands in."""
    statement = statement_of(node)
    while statement.parent is not case.function:
        if statement.parent.kind in ('For', 'While') and is_in(case.statement, statement.parent) and \
                not statement.is_elif and statement in statement.parent.body:
            return statement
        statement = statement.parent
    return statement


def initial_values(case, name, uses):
    """Values for a variable that nothing was assigned to, the likeliest first."""
    values = assigned_before(case, name, case.statement.start)
    from_zero = ZERO in map(literal_value, values)
    wished = [NOTHING if value == ZERO and not from_zero else value for value in empty_values(case, values)]
    raised = [FALSE] if values and all(is_name(value, 'True') for value in values) else []     # a flag, not raised yet
    return each_once(raised + compared_with(uses) + wished + OTHERWISE)


# --------------------------------------------------------------------------------------- names that nobody defines
STANDARD_MODULES = frozenset(
    're os sys time datetime json urllib urllib2 urlparse string random math copy hashlib base64 unicodedata traceback '
    'threading subprocess socket ssl httplib cookielib collections itertools functools operator codecs io shutil glob '
    'tempfile locale calendar struct zlib gzip zipfile htmlentitydefs HTMLParser StringIO cStringIO inspect difflib '
    'platform logging types csv sqlite3 decimal uuid xmlrpclib ConfigParser Queue fnmatch textwrap pickle'.split())
MODULE_OF = dict((name, module) for module, names in {      # a well-known name -> the module that has it
    'collections': 'Counter OrderedDict defaultdict deque namedtuple', 'copy': 'copy deepcopy',
    'datetime': 'date datetime timedelta', 'dateutil': 'parser', 'decimal': 'Decimal', 'difflib': 'SequenceMatcher',
    'functools': 'partial wraps', 'glob': 'glob', 'hashlib': 'md5 sha1', 'HTMLParser': 'HTMLParser',
    'itertools': 'chain groupby islice izip product', 'json': 'dumps loads', 'lxml': 'etree',
    'math': 'ceil floor sqrt', 'operator': 'itemgetter', 'os.path': 'basename dirname splitext',
    'random': 'choice randint shuffle uniform', 'StringIO': 'StringIO', 'threading': 'Lock Thread',
    'time': 'sleep strptime time', 'traceback': 'format_exc',
    'urllib': 'quote quote_plus unquote unquote_plus urlencode', 'urllib2': 'HTTPError URLError urlopen',
    'urlparse': 'parse_qs urljoin urlparse', 'uuid': 'uuid4', 'xml.dom': 'minidom',
    'xml.etree': 'ElementTree cElementTree', 'xml.sax': 'saxutils'}.items() for name in names.split())
MODULES_USED_BARE = frozenset(['etree', 'parser', 'ElementTree', 'cElementTree', 'minidom', 'saxutils'])
PACKAGES = ('xml.etree.ElementTree', 'xml.etree.cElementTree', 'xml.dom.minidom', 'xml.sax.saxutils', 'dateutil.parser',
            'lxml.etree', 'lxml.html')
OF_THE_PATH = frozenset('abspath basename dirname exists getmtime getsize isdir isfile join normpath splitext'.split())
OF_THE_CLASS = frozenset('combine fromordinal fromtimestamp now strptime today utcfromtimestamp utcnow'.split())
LITERAL_NAMES = {'true': 'True', 'false': 'False', 'null': 'None', 'none': 'None', 'nil': 'None', 'NULL': 'None',
                 'TRUE': 'True', 'FALSE': 'False', 'NONE': 'None', 'undefined': 'None'}
API = {
    'Log': 'Debug Info Warn Error Critical Exception Stack',
    'String': 'Quote Unquote URLEncode StripTags StripDiacritics LevenshteinDistance LongestCommonSubstring Encode '
              'Decode UUID CapitalizeWords Clean ParseQueryString Pluralize',
    'HTTP': 'Request CacheTime Headers Cookies ClearCache RandomizeUserAgent SetPassword PreCache ClearCookies',
    'JSON': 'ObjectFromString ObjectFromURL StringFromObject',
    'XML': 'ElementFromString ElementFromURL StringFromElement ObjectFromString ObjectFromURL StringFromObject Element',
    'HTML': 'ElementFromString ElementFromURL StringFromElement Element',
    'Datetime': 'ParseDate Now UTCNow Timestamp TimestampFromDatetime FromTimestamp Delta MillisecondsFromString',
    'Thread': 'Create Sleep Lock AcquireLock ReleaseLock Block Unblock', 'Proxy': 'Media Preview LocalFile Remote',
    'Locale': 'Language Match CurrentLocale DefaultLocale Geolocation'}


def unknown_name(case, found):
    """NameError: another language's literal, a missing import, `self.`, a built-in that the sandbox lacks, a typo."""
    name = found.group('name')
    uses = reads(case.function, name)
    uses = [node for node in uses if is_in(node, case.statement)] or uses
    if not uses:
        return []
    same = reads(case.source.tree, name)
    ways = [rename(same, LITERAL_NAMES[name], 0.9, 'Python writes it %s' % LITERAL_NAMES[name])] if (
        name in LITERAL_NAMES) else []
    if name in ABSENT_BUILTINS:
        return ways + list(absent_builtin(case, uses, name))
    if all(use.parent.kind == 'Attribute' and module_of('%s.%s' % (name, use.parent.attr), '') for use in uses):
        return ways + list(newer_path(case, None))      # urllib.request: importing urllib would not bring it
    twice = [use.parent for use in same if use.parent.kind == 'Attribute' and use.parent.value is use]
    if len(twice) == len(same) and len(set(one.attr for one in twice)) == 1 and twice[0].attr in bindings(
            case.source.tree) and twice[0].attr.lower() == name.replace('_', '').lower():
        return ways + [rename(twice, twice[0].attr, 0.94, '%s itself is at hand, with no module around it' % (
            twice[0].attr))]
    elsewhere = list(missing_import(case, uses, name)) + list(missing_self(case, uses, name)) + list(
        caught_error(case, uses, name))
    ways += elsewhere
    if name in bindings(case.source.tree) or set_elsewhere(case.source, case.function, name) or (
            'free variable' in case.message):
        return ways                             # it is no typo where something else binds it
    here = [use for use in same if enclosing(use, 'FunctionDef') is enclosing(uses[0], 'FunctionDef')]
    known = visible_names(case, uses[0]).difference(unfit_functions(case, here))
    near = idle_parameter(name, enclosing(uses[0], 'FunctionDef')) or [
        row for row in near_names(name, known) if module_has(case, row[0], here)] + near_interface(
            name, same, known, is_sandboxed(case))
    family = first_fitting(
        overwritten_parameter(case, here, name), renamed_word(case, name), preference_elsewhere(case, here, name),
        lost_parameter(case, enclosing(uses[0], 'FunctionDef')), callers_name(case, here, name),
        taken_along(case, here, name), object_not_made(case, here, name))
    near = [(other, prior) for other, prior in near if not is_other_number(here, name, other) or any(
        one.name == other and set().union(*map(asked_of, here)) <= set(('attribute', word) for word in members_of(one))
        for one in classes_of(case.source))]
    ways += family + [with_other_typos(case, name, rename(
        here, other, prior, 'nothing is called %s here, and %s is %s' % (
            name, other, 'what it is a kind of' if name == 'WindowsError' else 'one letter or two away')))
        for other, prior in near]
    longer = [] if near or family else first_fitting(
        as_tested(case, here, name), kept_to_itself(case, here, name), last_word_of(case, here, name),
        part_asked(case, here, name), longer_name(case, here, name, known), same_use(case, here, name),
        without_quotes(case, here, name), tested_instead(case, here, name), part_of_name(here),
        called_alike(case, here, name), shorter_name(here, name))
    ways += longer
    if is_indexed(here[0]) and here[0].parent.ctx == 'Store':
        place = first_statement(case, here[0])
        return ways + [cure('initialise first', put_before(place, ['%s = {}' % name]), '%s begins empty' % name, 0.88,
                            'it is filled here, and nothing has made it')]
    if not (elsewhere or near or family or longer or any(re.search(
            r'(?m)^(def|class) %s\b' % name, case.bundle.text(path)) for path in files_of(case))):
        ways += list(never_worked(case, uses, name)) + list(unset_fields(case, name))
    return ways


def is_other_number(uses, name, other):
    """Whether a name is a list's and one of its elements is asked for, or the other way round: item and items."""
    name, other = name.lower(), other.lower()
    if name.rstrip('s') != other.rstrip('s') or bool(by_plural(name)) == bool(by_plural(other)):
        return False
    as_list_used = [use.parent.kind in ('For', 'comprehension') and use is use.parent.iter or is_call(
        use.parent, 'len', 'enumerate', 'sorted', 'join') for use in uses]
    return any(as_list_used) if by_plural(name) else any(
        asked not in LIST_METHODS for use in uses for _, asked in asked_of(use))


def first_fitting(*ways):
    """[Proposal] of the first of some ways that offers one."""
    return next((found for found in map(list, ways) if found), [])


def idle_parameter(name, function):
    """[(name, prior)] of the one parameter that a function never reads, where it is one letter away: date for data."""
    found = [one for one in parameter_names(function) if not reads(function, one) and len(one) == len(name) and sum(
        letter != other for letter, other in zip(one, name)) == 1] if function is not None else []
    return [(found[0], 0.9)] if len(found) == 1 else []


def without_quotes(case, uses, name):
    """`if role in cast:` and `cast[role]` where the function asks the same one for 'role'."""
    asked = [use.parent.comparators[0] if use.parent.kind == 'Compare' and use.parent.left is use else
             use.parent.value if use.parent.kind == 'Subscript' else None for use in uses]
    keyed = set(node.value.text for node in walk(case.function) if node.kind == 'Subscript' and key_of(node) == name)
    if keyed and all(one is not None and one.text in keyed for one in asked):
        yield right_name(written(uses, "'%s'" % name), "'%s'" % name, name, 0.9,
                         'nothing is called %s here, and it is a key of %s' % (name, asked[0].text))


def part_of_name(uses):
    """`video['type']` where there is no video, but a parameter called video_type, media_type or type that holds it."""
    edits, texts, function = [], [], enclosing(uses[0], 'FunctionDef')
    known = parameter_names(function) if function is not None else ()
    for use in uses:
        key = key_of(use.parent) if use.parent.kind == 'Subscript' else None
        found = [one for one in known if key and (one == key or one.endswith('_' + key))]
        if len(found) != 1 or use.parent.ctx != 'Load':
            return
        edits.append((use.parent.start, use.parent.end, found[0]))
        texts.append(found[0])
    yield right_name(edits, texts[0], uses[0].parent.text, 0.82,
                     'nothing is called %s here, and %s holds what it was asked for' % (uses[0].id, texts[0]))


def near_interface(name, uses, known, sandboxed):
    """[(name, prior)] of built-ins, where it is always called, and of the framework's interface in other letters."""
    called = all(is_called(use) for use in uses)
    near = near_names(name, SANDBOX_BUILTINS - known) if called else []
    if all('ExceptHandler' in (use.parent.kind, use.parent.parent.kind) for use in uses):
        near += [('OSError', 0.9)] if name == 'WindowsError' else near_names(name, BUILTIN_EXCEPTIONS)
    for row in near_names(name, FRAMEWORK_NAMES - known) if sandboxed else ():
        alike = row[0].lower() == name.lower() and (called or row[0] in ('Prefs', 'Dict', 'Platform', 'Data', 'Ex'))
        alike = alike or called and len(name) > 8 and name[0].isupper() or row[0].lower() == name.lower() and all(
            use.parent.kind == 'Attribute' and use.parent.attr.isupper() for use in uses)    # Container.MP4
        if alike and row[0] not in API or row[0] in API and all(
                use.parent.attr in API[row[0]].split() if use.parent.kind == 'Attribute' else row[0] == 'Log'
                for use in uses):
            near.append(row)
    return near


def module_has(case, name, uses):
    """Whether the module of the bundle that a name stands for has what is asked of it; True where it is none."""
    source, asked = module_behind(case, name), set(use.parent.attr for use in uses if use.parent.kind == 'Attribute')
    return source is None or '*' in module_names(source) or asked <= module_names(source)


def object_not_made(case, uses, name):
    """`data_store.read()` with no data_store, where a DataStore that is made of nothing has a read()."""
    asked = set(use.parent.attr if is_called(use.parent) and use.parent.kind == 'Attribute' else None for use in uses)
    if any((words_of(one or '') or [''])[0].lower() in ('save', 'store', 'write', 'dump', 'flush') for one in asked):
        return                                  # (what was made just now holds nothing yet)
    around = [case.source.tree] + ([case.function] if case.function.kind == 'FunctionDef' else [])
    rows = [('', one) for one in classes_of(case.source) if one.parent.kind == 'Module'] + [
        (module + '.', one) for scope in around for module in sorted(bindings(scope))
        for source in [module_behind(case, module)] if source is not None for one in classes_of(source)]
    rows = [(text, one) for text, one in rows if one.name.lower() == name.replace('_', '').lower() and
            asked <= members_of(one) and set(map(flat, one.bases)) <= set(['object']) and not any(
                inner.kind == 'FunctionDef' and inner.name == '__init__' and len(inner.args.args) > 1 + len(
                    inner.args.defaults) for inner in one.body)]
    if len(rows) == 1 and case.function.kind == 'FunctionDef' and can_insert(statement_of(uses[0])):
        made = rows[0][0] + rows[0][1].name
        yield cure('initialise first', put_before(statement_of(uses[0]), ['%s = %s()' % (name, made)]),
                   '%s is made first' % name, 0.9, 'nothing makes it, and a %s has what it is asked for' % made)


def unfit_functions(case, uses):
    """The names of the file's functions that a name cannot be meant for which is never called nor handed over."""
    if any(is_called(use) or use.parent.kind in ('Call', 'keyword', 'Assign', 'Return') for use in uses):
        return ()
    return [one.name for one in walk(case.source.tree) if one.kind == 'FunctionDef']


def caught_error(case, uses, name):
    """`except X:` whose body speaks of an e that it has not got."""
    handler = handler_around(uses[0])
    if handler is None or handler.name is not None or not re.match(r'e$|ex$|exc$|err|exception', name, re.I) or any(
            one.parent.kind != 'ExceptHandler' for one in bindings(case.function).get(name, ())):
        return
    at = handler.type.outer[1] if handler.type else case.source.text.index('except', handler.start) + len('except')
    yield cure('right name', [(at, at, ('' if handler.type else ' BaseException') + ' as ' + name)],    # all, as before
               'the error that is caught is called %s' % name, 0.9 if handler.type else 0.88,
               'what goes on when it is caught asks for %s' % name)


def preference_elsewhere(case, uses, name):
    """What another file of the bundle binds the unknown name to, where that is a preference: it is read here too."""
    texts = set()
    for _, source in sources_with(case, name):
        for node in name_nodes(source.tree, name):
            if node.ctx != 'Load':
                value = node.parent.value if node.parent.kind == 'Assign' and source is not case.source else None
                texts.add(value.text if value is not None and value.kind == 'Subscript' and
                          is_name(value.value, 'Prefs') and key_of(value) else None)
    if len(texts) == 1 and None not in texts:
        yield rename(uses, texts.pop(), 0.88, '%s is what other files of the bundle call this preference' % name)


def lost_parameter(case, function):
    """All callers hand a variable over that a function reads and does not take: each behind it gets another's value."""
    if function is None or function.kind != 'FunctionDef' or function.args.vararg:
        return
    names = [one.id if one.kind == 'Name' else None for one in function.args.args]
    own = int(function.parent.kind == 'ClassDef' and names[:1] == ['self'])
    calls = [[one.id if one.kind == 'Name' else None for one in call.args]
             for call in bundle_nodes(case, 'Call', function.name)]
    for name in sorted(set(calls[0]) - set(names) - set([None])) if calls and len(calls[0]) > 2 else ():
        at = calls[0].index(name)
        if name in free_names(function) and name not in bindings(case.source.tree) and at + own < len(names) and all(
                given[at:at + 1] == [name] and given[:at] + given[at + 1:] == names[own:own + len(given) - 1]
                for given in calls):
            start = function.args.args[at + own].start
            yield cure('right arguments', [(start, start, name + ', ')], '%s takes %s too' % (function.name, name),
                       0.93, 'who calls it hands %s over there, and it is read in it' % name)


def callers_name(case, uses, name):
    """The parameter that the callers hand a variable of the unknown name over for: the lines once stood there."""
    function, found = enclosing(uses[0], 'FunctionDef'), set()
    names = given_parameters(function) if function is not None else []
    for call in bundle_nodes(case, 'Call', function.name) if names else ():
        if not (call.starargs or call.kwargs) and not len(names) - len(function.args.defaults) <= len(
                call.args) + len(call.keywords) <= len(names):
            continue                            # another function of that name is called, that of a list maybe
        pairs = list(zip(names, call.args[:0] if call.starargs else call.args))
        pairs += [(one.arg, one.value) for one in call.keywords if one.arg in names]
        found.update(parameter for parameter, value in pairs if is_name(value, name))
    if len(found) == 1 and not any(min(found) in names_in(statement_of(use)) for use in uses):
        yield rename(uses, min(found), 0.88, 'nothing is called %s here; those who call %s hand their %s over as '
                     '%s' % (name, function.name, name, min(found)))


def taken_along(case, uses, name):
    """A variable that every caller of a function has, and none hands over: the lines once stood there."""
    function = enclosing(uses[0], 'FunctionDef')
    asked = [node for _, source in sources_with(case, function.name) for node in walk(source.tree)
             if function.name in (getattr(node, 'id', ''), getattr(node, 'attr', ''))] if function is not None else []
    calls, of_class = [node.parent for node in asked], function is not None and function.parent.kind == 'ClassDef'
    if not 0 < len(calls) < 4 or function.args.defaults or function.args.vararg or function.args.kwarg or \
            function.decorator_list or len(bundle_nodes(case, 'FunctionDef', function.name)) > 1 or any(
                not is_called(node) or node.source is not case.source or is_name(
                    getattr(node, 'value', None), 'self') != of_class or call.starargs or call.kwargs or
                call.keywords or not 0 < len(call.args) == len(given_parameters(function)) or not (
                    name in parameter_names(enclosing(call, 'FunctionDef') or function) or any(
                        name in bound_names(one) for inner, _ in levels(call) if inner.kind in STATEMENTS
                        for one in earlier_siblings(inner) if one.kind == 'Assign'))
                for node, call in zip(asked, calls)):
        return                                  # (what is handed on itself, or elsewhere, gets as much as before)
    edits = [(one[-1].outer[1], one[-1].outer[1], ', ' + name) for one in [function.args.args] + [
        call.args for call in calls]]
    yield cure('right arguments', sorted(edits), '%s is handed over' % name, 0.88,
               'nothing is called %s here, and who calls %s has one' % (name, function.name))


def part_asked(case, uses, name):
    """`title` in a function that asks its `item`, and nothing else, for item.title: the same, and others like it."""
    function = enclosing(uses[0], 'FunctionDef')
    if function is None or any(is_called(use) for use in uses):
        return

    def owners(word):
        return set(node.value.id for node in nodes_named(case.source, 'Attribute', word) if node.ctx == 'Load' and
                   not is_called(node) and node.value.kind == 'Name' and (word != name or is_in(node, function)))

    found = sorted(owner for owner in owners(name) if owner != 'self' and owner in bindings(function) and
                   owner in visible_names(case, uses[0]))
    found = [owner for owner in found if owner in plain_parameters(function)] or [owner for owner in found if not any(
        statement_of(node).kind == 'For' and not is_in(uses[0], statement_of(node))
        for node in bindings(function)[owner])]  # (behind its loop, it is the last one)
    if len(found) != 1:
        return
    kinds = [members_of(one) for one in bundle_classes(case, name)]
    more = [(other, node) for other, nodes in sorted(undefined_here(case).items()) for node in nodes
            if other != name and is_in(node, function) and not is_called(node) and (found[0] in owners(other) or any(
                name in kind and other in kind for kind in kinds))]
    edits = sorted((node.start, node.start, found[0] + '.') for node in uses + [node for _, node in more])
    yield cure('right name', edits, '%s.%s is written in place of %s%s' % (found[0], name, name, also(
        sorted(set(other for other, _ in more)))), 0.86, 'nothing is called %s here, and %s has one' % (name, found[0]))


def overwritten_parameter(case, uses, name):
    """`def f(entry): for entry in entries:`, where nobody reads the entry that is handed over: it is the entries."""
    function, statement = case.function, case.statement
    target = statement.target if statement.kind == 'For' else target_of(statement)
    if function.kind != 'FunctionDef' or target is None or target.kind != 'Name' or len(uses) != 1 or \
            target.id not in given_parameters(function) or any(
                use.start < target.start for use in reads(function, target.id)):
        return
    calls, at = bundle_nodes(case, 'Call', function.name), given_parameters(function).index(target.id)
    if is_called(uses[0]) or name.isupper() or any(one.arg == target.id for call in calls for one in call.keywords) or \
            any(one.kind == 'Str' or target.id in (key_of(one), last_name(one)) for call in calls
                for one in call.args[at:at + 1]):
        return                                  # (who calls it says that it is what it is called)
    if statement.kind != 'For' and target.id[:4].lower() != name[:4].lower():
        return                                  # the unknown one may be anything
    given = next(one for one in function.args.args if is_name(one, target.id))
    yield cure('right name', written([given], name), 'what is handed over is called %s' % name, 0.9,
               'nothing is called %s here, and the %s that is handed over is not read' % (name, target.id))


def shorter_name(uses, name):
    """The one parameter that the unknown name begins or ends with: a line that was copied from elsewhere."""
    function = enclosing(uses[0], 'FunctionDef')
    found = [one for one in parameter_names(function) if len(one) > 4 and
             (name.endswith(one) or name.startswith(one) and name[len(one)].islower())] if function is not None else []
    if len(found) == 1 and not any(field_of(use.parent) not in (None, found[0]) for use in uses):
        yield rename(uses, found[0], 0.75, 'nothing is called %s here, and %s is handed over' % (name, found[0]))


def longer_name(case, uses, name, known):
    """The one of several names that end or begin in the unknown one: `Parser` for `PARSERS = [...]`, and the one that
    is asked for keys, as the unknown one is: page_data of page_data and page_number, for `page['x']`."""
    longer = sorted(other for other in known if len(name) >= 5 and other != name and (
        re.search(r'(?:^|_|[a-z0-9](?=[A-Z]))%s$' % re.escape(name), other) or
        re.match(r'%s(?=_|[A-Z]|$)' % re.escape(name), other)) and not any(
            other in FIELDS and field_of(use.parent) not in (None, other) for use in uses))     # another field
    wanted = set(kind for use in uses for kind, _ in asked_of(use))
    alike = [other for other in longer if wanted and any(wanted <= set(kind for kind, _ in asked_of(
        node)) for node in reads(case.function, other))] if len(longer) > 1 else []
    longer = alike if len(alike) == 1 else longer
    if not longer or len(longer) > 4:
        return
    chosen = []
    for use in uses:
        words = ' '.join(bound_names(statement_of(use))).lower()
        fitting = [other for other in longer if words and other.replace(name, '').strip('_').lower()[:5] in words]
        chosen.append(fitting[0] if len(fitting) == 1 else longer[0] if len(longer) == 1 else None)
    why = 'nothing is called %s here, and %s is the same with a word more' % (name, ' or '.join(longer))
    if None not in chosen:
        edits = [edit for use, other in zip(uses, chosen) for edit in written([use], other)]
        yield Proposal('right name', edits, '%s %s written in place of %s' % (
            ' and '.join(sorted(set(chosen))), 'are' if len(set(chosen)) > 1 else 'is', name),
                       'nothing', 'medium', 0.8, why)
        return
    for other in longer:
        yield rename(uses, other, 0.5, why)


def same_use(case, uses, name):
    """The one variable that the function asks for the very keys or attributes that the unknown one is asked for."""
    if case.function.kind != 'FunctionDef':
        return
    wanted = set().union(*map(asked_of, uses))
    names = set(names_in_order(case.function)) & local_names(case.function) & visible_names(case, uses[0])
    fitting = [other for other in sorted(names) if other not in ('self', name) and not set([other, name]) <= set([
        'metadata', 'media', 'results']) and wanted and wanted <= set().union(*[
        asked_of(node) for node in name_nodes(case.function, other) if getattr(node.parent, 'ctx', 'Load') == 'Load'])]
    if len(fitting) == 1 and not (len(wanted) == 1 and wanted <= COMMON and any(
            field_of(statement_of(use)) for use in uses)) and not all(
                kind == 'attribute' and asked in SHARED_METHODS for kind, asked in wanted):
        yield rename(uses, fitting[0], 0.8, 'nothing is called %s here, and of the variables only %s is asked '
                     'for %s' % (name, fitting[0], ' and '.join(sorted(asked for _, asked in wanted))))


# what nearly anything can be asked for, which says nothing about what is meant
COMMON = frozenset((kind, word) for kind in ('key', 'attribute')
                   for word in 'title name id url key type text value'.split())


def tested_instead(case, uses, name):
    """`if row is None: add() else: compare(entry[1])`: the variable that the `if` around is about."""
    inner = [one for one in ancestors(uses[0]) if one.kind in STATEMENTS]
    for below, around in zip(inner, inner[1:]):
        if around.kind != 'If' or below not in around.body + around.orelse:
            continue
        branch = around.body if below in around.body else around.orelse
        asked = sorted(one for one in set(names_in(around.test)) & set(bindings(case.function)) if
                       says_there(around.test, branch is around.body, one))
        if len(asked) != 1 or any(asked[0] in names_in(one) for one in branch) or not all(
                in_any(use, branch) for use in uses):
            return
        is_loop = len(uses) == 1 and uses[0].parent.kind == 'For' and uses[0].parent.iter is uses[0]
        if is_loop or all(asked_of(use) or is_indexed(use) for use in uses) \
                and any(value.kind == 'Call' for value in assigned_before(case, asked[0], uses[0].start)):
            yield rename(uses, asked[0], 0.84, 'nothing is called %s here, and the condition around it is about %s' % (
                name, asked[0]))
        return


def as_tested(case, uses, name):
    """`if exists(join(path, one)): rows = [join(path, unknown)]`: the test around it has the same with one."""
    found = set()
    for use in uses:
        tests = [one.test for below, one in levels(use) if one.kind == 'If' and below in one.body]
        whole = [one for one in ancestors(use) if one.end <= statement_of(use).end and (
            one.kind == 'Call' and len(one.args) > 1 or one.kind == 'Subscript' and is_in(use, one.slice))]
        found.add(next((other.id for one in whole for test in tests for node in walk(test) if node.kind == one.kind
                        for other in walk(node) if other.kind == 'Name' and other.id != name and node.text == re.sub(
                            r'(?<![.\w])%s\b' % re.escape(name), other.id, one.text)), None))
    if len(found) == 1 and None not in found:
        right = found.pop()
        yield rename(uses, right, 0.86, 'nothing is called %s here, and the condition around it asks for the same '
                     'with %s' % (name, right))


def kept_to_itself(case, uses, name):
    """`return unknown`, where a function has made one thing, put all into it, and gives it to nobody."""
    if case.function.kind != 'FunctionDef' or not all(use.parent.kind == 'Return' for use in uses):
        return
    found = []
    for other, nodes in sorted(bindings(case.function).items()):
        made = nodes[0].parent if len(nodes) == 1 else None
        if made is None or made.kind != 'Assign' or made.value.kind not in ('Call', 'List', 'Dict') or \
                statement_of(made) not in case.function.body or HANDED_OVER.search(other) or made.value.kind == 'Call' \
                and (root_name(made.value.func) in STANDARD_MODULES or HANDED_OVER.search(made.value.func.text)):
            continue
        told = reads(case.function, other)
        if told and all(use.start < uses[0].start and (
                is_indexed(use) and stored(use.parent) or use.parent.kind == 'Attribute' and is_called(use.parent) and
                use.parent.parent.args and use.parent.attr not in TOOLS and
                statement_of(use).kind == 'Expr' and call_of(statement_of(use)) is use.parent.parent) for use in told):
            found.append(other)
    if len(found) == 1:
        yield rename(uses, found[0], 0.88, 'nothing is called %s here, and %s is filled and given to nobody' % (
            name, found[0]))


# what is made to be handed to a server or a worker, and no answer either
HANDED_OVER = re.compile(r'(?i)request|session|opener|param|header|option|payload|cookie|query|thread|lock|timer|logg')
# what is told these is a log, a lock, a database or a file, and no answer
TOOLS = frozenset('debug info warn warning error critical exception log Debug Info Warn Error acquire execute '
                  'executemany executescript commit write writelines seek sleep join start setLevel addHandler'.split())


def last_word_of(case, uses, name):
    """`dateMatch.group('year')` where the function asks its `match` for the same: a line from elsewhere."""
    words = words_of(name)
    ends = set(''.join(words[at:]).lower() for at in range(1, len(words)))
    wanted = set().union(*map(asked_of, uses))
    found = [other for other in sorted(visible_names(case, uses[0])) if other.replace('_', '').lower() in ends and
             len(other) > 3 and wanted and wanted <= set().union(*map(asked_of, reads(case.function, other)))]
    if len(found) == 1 and all(map(asked_of, uses)):
        yield rename(uses, found[0], 0.86, 'nothing is called %s here, and %s is asked for the same' % (name, found[0]))


def called_alike(case, uses, name):
    """`title=unknown`, everywhere: the variable title, where the loop or the function has just set one."""
    wanted = set(use.parent.arg if use.parent.kind == 'keyword' else None for use in uses)
    right = wanted.pop() if len(wanted) == 1 else None
    nodes = [node for node in bindings(case.function).get(right, ()) if node.kind == 'Name' and node.ctx == 'Store' and
             node.start < uses[0].start] if right is not None and case.function.kind == 'FunctionDef' else []
    around = [one for one in ancestors(uses[0]) if one.kind == 'For' and is_in(one, case.function)][:1]
    if nodes and all(is_in(node, one) for node in nodes for one in around):
        yield rename(uses, right, 0.84, 'nothing is called %s here, and what is handed over is called %s, as is '
                     'what was made just before' % (name, right))


def asked_of(use):
    """{('key' or 'attribute', name)} that a use of a name asks it for."""
    around = use.parent
    if around.kind == 'Attribute':
        call = around.parent
        if around.attr in ('get', 'has_key') and call.kind == 'Call' and call.args and call.args[0].kind == 'Str':
            return set([('key', call.args[0].s)])
        return set([('attribute', around.attr)])
    if key_of(around) is not None and around.value is use:
        return set([('key', key_of(around))])
    if around.kind == 'Compare' and around.ops[0] in ('In', 'NotIn') and around.left.kind == 'Str':
        return set([('key', around.left.s)])
    return set()


def never_worked(case, uses, name):
    """What stands on a name that nothing defines has never run: it is left out, where nothing behind it needs it."""
    statement, shown = case.statement, [one for use in reads(case.function, name) for one in ancestors(use)
                                        if one.kind == 'keyword' and one.arg in BESIDE and is_entry(one.parent)]
    calls = [one.parent for one in shown if len(one.parent.keywords) > 1]
    if len(calls) == len(reads(case.function, name)) < 9:
        edits = []
        for one, call in zip(shown, calls):
            given = sorted(call.args + call.keywords, key=lambda part: part.start)
            at = given.index(one)
            edits.append((given[at - 1].end, one.end, '') if at else (one.start, given[1].start, ''))
        yield Proposal('leave out', edits, 'the entry comes without its %s' % shown[0].arg, shown[0].arg, 'low', 0.75,
                       'nothing here defines %s, and the entry works without' % name)
        return
    if any(not is_in(node, statement) for node in reads(case.function, name)):
        return                                  # the next one would fail
    if statement.kind not in ('If', 'Expr') or statement.inline or statement.is_elif or \
            statement.kind == 'If' and (statement.orelse or not any(is_in(use, statement.test) for use in uses)) or \
            statement.end_line - statement.line > 4 or case.function.kind != 'FunctionDef':
        return
    if any(not bound_before(case, one, statement) for one in bound_names(statement)) or any(
            has_exit(one) for one in getattr(statement, 'body', ())):
        return
    asked = root_name(call_of(statement).func) if call_of(statement) is not None else None
    if asked is not None and bindings(case.function).get(asked) and later_uses(case, asked, statement):
        return                                  # what is asked behind it would have nothing to tell
    log = log_line(case, 'left out: there is no %s' % name)
    if log:
        yield Proposal('never worked', [(statement.start, statement.end, log[0])], 'the statement is left out',
                       'what this statement was for; it has never run in this version', 'high', 0.5,
                       'nothing here tells what %s should be, and the rest of the function does not need it' % name)


def unset_fields(case, name):
    """A field that is set from a name that nobody defines: leaving the line out loses nothing, the rest is filled."""
    if case.function.kind != 'FunctionDef':
        return
    edits, fields, missing = [], [], [node for nodes in undefined_here(case).values() for node in nodes]
    for one in statements(case.function):
        target = target_of(one)
        if target is not None and len(one.targets) == 1 and target.kind == 'Attribute' and not one.inline and \
                not is_name(target.value, 'self') and one.value.kind in ('Name', 'Attribute', 'Subscript') and any(
                    node in missing for node in walk(one.value)):
            log = log_line(case, '%s is not set: the code has no value for it' % target.attr)
            edits += written([one], log[0] if log else 'pass')
            fields.append(target.attr)
    if not edits or len(edits) > 4 or not any(is_within((case.statement.start, case.statement.end), edit)
                                              for edit in edits):
        return
    yield Proposal('leave out', edits, '%s stays unset, and the lines after it are run' % ' and '.join(fields),
                   '%s, which was never set' % ' and '.join(fields), 'medium', 0.6,
                   'nothing defines %s, so this line has never worked' % name)


def undefined_here(case):
    """{name: [nodes that read it]} of what nothing in the case's file or in what it may see defines."""
    entry = case.bundle.source('Contents/Code/__init__.py') if case.bundle is not None else None
    seen = names_seen(case.bundle, case.source).union(names_seen(case.bundle, entry) if entry is not None else ())
    known = seen | SANDBOX_BUILTINS | FRAMEWORK_NAMES | ABSENT_BUILTINS | ELEVATED_NAMES
    return dict((name, reads(case.source.tree, name)) for name in undefined_names(case.source, known))


def names_seen(bundle, source, met=()):
    """The names that a file defines or gets by `import *`; '*' where it takes all of a module from elsewhere."""
    names = module_names(source) - set('*')
    for node in walk(source.tree):
        if node.kind == 'ImportFrom' and node.names[0].name == '*':
            path = 'Contents/Code/%s.py' % (node.module or '').replace('.', '/')
            other = bundle.source(path) if bundle is not None else None
            if other is None:
                names.add('*')
            elif path not in met:
                names |= names_seen(bundle, other, met + (path,))
    return names


def words_of(name):
    """The parts of a name: ['Tv', 'Nfo'] of TvNfo, ['tv', 'nfo'] of tv_nfo."""
    return re.findall(r'[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])', name)


def renamed_word(case, name):
    """One word of several names was changed everywhere but here: TvNfo and MovieNfo for what is TvXml and MovieXml."""
    known, missing = names_seen(case.bundle, case.source), undefined_here(case)
    if name not in missing:
        return
    mine = words_of(name)
    for other in sorted(known):
        pairs = list(zip(mine, words_of(other)))
        changed = [pair for pair in pairs if pair[0] != pair[1]]
        if len(changed) != 1 or len(pairs) != len(mine) or len(words_of(other)) != len(mine) or len(mine) < 2:
            continue
        old, new = changed[0]
        family = [one for one in missing if old in words_of(one)]
        if len(family) > 1 and all(one.replace(old, new) in known for one in family):
            edits = [edit for one in family for edit in written(missing[one], one.replace(old, new))]
            yield cure('right name', sorted(edits),
                       '%s is written in place of %s in %d names' % (new, old, len(family)), 0.9,
                       '%s are not defined, and all of them are with %s' % (' and '.join(sorted(family)), new))
            return


def with_other_typos(case, name, proposal):
    """The proposal, extended to the function's other names that nobody defines and that are as near to one."""
    if proposal.prior < 0.78 or case.function.kind != 'FunctionDef':
        return proposal
    edits, words = list(proposal.edits), []
    for other, nodes in sorted(undefined_here(case).items()):
        nodes = [node for node in nodes if is_in(node, case.function)]
        near = near_names(other, visible_names(case, nodes[0])) if nodes and other != name else []
        if near and near[0][1] >= 0.78 and len(edits) + len(nodes) <= 6:
            edits.extend(written(nodes, near[0][0]))
            words.append('%s in place of %s' % (near[0][0], other))
    return proposal._replace(edits=sorted(edits), summary='; '.join([proposal.summary] + words)) if words else proposal


def written(nodes, text):
    """Edits that put a text in the place of some nodes."""
    return [(node.start, node.end, text) for node in nodes]


def rename(nodes, text, prior, why):
    """A Proposal that puts another name in the place of some nodes."""
    return right_name(written(nodes, text), text, nodes[0].text, prior, why)


def right_name(edits, right, wrong, prior, why):
    """A Proposal whose edits write the right name in the place of a wrong one."""
    return Proposal('right name', edits, '%s is written in place of %s' % (right, wrong), 'nothing',
                    'low' if prior > 0.7 else 'medium', prior, why)


def near_names(name, known):
    """[(name, prior)] of known names that differ by case, by an underscore or by a letter or two; best first."""
    import difflib
    found = []
    for other in known:
        if other == name or len(other) < 2:
            continue
        plain, other_plain = name.replace('_', '').lower(), other.replace('_', '').lower()
        if plain == other_plain:
            found.append((other, 0.86))
        elif min(len(name), len(other)) >= 4 and abs(len(name) - len(other)) <= 2:
            likeness = difflib.SequenceMatcher(None, plain, other_plain).ratio()
            if sorted(plain) == sorted(other_plain):
                found.append((other, 0.8))      # two letters changed places
            elif likeness >= 0.85 or (likeness >= 0.8 and len(plain) <= 6
                                      and plain.rstrip('s') == other_plain.rstrip('s')):
                found.append((other, 0.78 if plain.rstrip('s') == other_plain.rstrip('s') else 0.3 + 0.5 * likeness))
    found.sort(key=lambda pair: (-pair[1], pair[0]))
    return found[:2]


def visible_names(case, use):
    """Names that a function can read at a use: bound before it in the function or around it, or in the module."""
    rows = [row for around in ancestors(use) if around.kind == 'FunctionDef' for row in bindings(around).items()]
    return set(bindings(case.source.tree)).union(name for name, nodes in rows if any(
        node.kind == 'arguments' or node.start < use.start and not (
            statement_of(node).kind in SIMPLE and is_in(use, statement_of(node)) or
            node.parent.kind == 'For' and is_in(use, node.parent.iter)) for node in nodes))


def missing_import(case, uses, name):
    """An import line for a module that is used as `name.something`, or for a well-known name of one."""
    same = [use for use in reads(case.source.tree, name) if is_unbound(use)]
    dotted = set(flat(one) for use in uses for one in ancestors(use) if one.kind == 'Attribute')
    package = [one for one in PACKAGES if one in dotted]
    attributes = [use.parent.attr for use in uses if use.parent.kind == 'Attribute' and use.parent.value is use]
    of_class = OF_THE_CLASS.intersection(attributes) if name == 'datetime' else ()
    if attributes and any(kit.lower() == name.lower() and set(attributes) <= set(API[kit].split()) for kit in API):
        return                                  # the interface is meant, in other letters
    line = prior = None
    if package:
        line, prior = 'import %s' % package[0], 0.9
    elif attributes and not of_class and (name in STANDARD_MODULES or name in bundle_modules(case)):
        line, prior = 'import %s' % name, 0.92
    elif name in MODULE_OF and (not attributes or of_class or name in MODULES_USED_BARE):
        line, prior = 'from %s import %s' % (MODULE_OF[name], name), 0.84
    if line:
        yield cure('missing import', add_import(case, line), '"%s" is added' % line, prior,
                   '%s is used here, and nothing imports it' % ('it' if line.startswith('from') else 'the module'))
        return
    for other in idle_imports(case, uses):
        yield rename(uses, other, 0.9, 'the function imports %s, uses it nowhere, and it takes what is handed over '
                     'here' % other)
    module, how = defining_module(case, name) if may_be_called(case, uses, name) else (None, None)
    if how == 'imported':
        yield with_others_of(case, module, name, rename(
            same, '%s.%s' % (module, name), 0.85, '%s is defined in %s, which this file imports' % (name, module)))
    elif how:
        yield cure('missing import', add_import(case, 'from %s import %s' % (module, name)), '%s is imported from %s'
                   % (name, module), 0.82, '%s is defined in %s of the same bundle' % (name, module))


def with_others_of(case, module, name, proposal):
    """The proposal, extended to what else the file reads of a module without naming the module."""
    more = [node for other, nodes in sorted(undefined_here(case).items()) for node in nodes
            if other != name and defining_module(case, other) == (module, 'imported')]
    if not more or len(proposal.edits) + len(more) > 8:
        return proposal
    return proposal._replace(edits=sorted(proposal.edits + [(node.start, node.start, module + '.') for node in more]),
                             summary=proposal.summary + also(sorted(set(node.id for node in more))))


def idle_imports(case, uses):
    """The names that the function itself imports from a module of the bundle and then does not use."""
    for node in own_nodes(case.function):
        name = node.asname or node.name if node.kind == 'alias' and node.parent.kind == 'ImportFrom' else None
        if name and uses[0].parent.kind == 'Call' and not reads(case.function, name) and may_be_called(
                case, uses, node.name, True):
            yield name


def may_be_called(case, uses, name, known=False):
    """Whether a function of the bundle takes as many arguments as it is given; known: there must be one."""
    functions = [one for one in bundle_nodes(case, 'FunctionDef', name) if one.parent.kind == 'Module']
    calls = [use.parent for use in uses if is_called(use)]
    return not functions and not known or any(all(
        call.starargs or call.kwargs or one.args.vararg or one.args.kwarg or len(one.args.args) - len(
            one.args.defaults) <= len(call.args) + len(call.keywords) <= len(one.args.args) for call in calls)
        for one in functions)


def bundle_modules(case):
    """Names of the bundle's own modules: beside the file, and under Elevated the libraries that it brings."""
    found = set(name.rsplit('/', 1)[1][:-3] for name in code_files(case) if not name.endswith('/__init__.py'))
    libraries = 'Contents/Libraries/Shared/'
    return found | set(name[len(libraries):].split('/')[0].replace('.py', '') for name in files_of(case)
                       if case.policy == 'Elevated' and name.startswith(libraries))


def defining_module(case, name):
    """(module, 'imported' or 'known') of the one module of the bundle that defines a name; (None, None) for none."""
    found, imports, folder = [], {}, case.source.path.rsplit('/', 1)[0]
    for path in code_files(case) if '/Libraries/' not in folder else [
            one for one in files_of(case) if folder.endswith(one.rsplit('/', 1)[0]) and
            'absolute_import' not in case.source.text]:
        stem, text = path.rsplit('/', 1)[1][:-3], case.bundle.text(path)
        imports[stem] = set(re.findall(r'\w+', ' '.join(re.findall(r'(?m)^[ \t]*(?:from|import) (.*)', text))))
        if stem == '__init__' or case.source.path.endswith(path) or not re.search(r'\b%s\b' % re.escape(name), text):
            continue
        source = case.bundle.source(path)
        if source and any(node.kind != 'alias' for node in bindings(source.tree).get(name, ())):
            found.append(stem)
    if len(found) != 1 or found[0] in bindings(case.source.tree):
        return (found[0], 'imported') if len(found) == 1 else (None, None)
    here, waiting, reached = case.source.path.rsplit('/', 1)[-1][:-3], found[:], set()
    while waiting:                              # a module that imports this one in turn would be met half done
        stem = waiting.pop()
        if stem == here:
            return None, None
        if stem not in reached:
            reached.add(stem)
            waiting.extend(imports.get(stem, ()))
    return found[0], 'known'


@kept_on('bundle')
def bundle_texts(case):
    """[(path, text)] of the bundle's files."""
    return [(path, case.bundle.text(path)) for path in files_of(case)]


def behind_docstring(body):
    """The first of some statements that is no docstring; the docstring where nothing else stands there."""
    return body[1 if body[0].kind == 'Expr' and body[0].value.kind == 'Str' and len(body) > 1 else 0]


def add_import(case, line):
    """Edits that add an import below the file's first imports, or above its first statement but the docstring."""
    body = case.source.tree.body
    imports = [one for one in body if one.kind in ('Import', 'ImportFrom') and not one.inline]
    if imports:
        last = imports[0]
        for one in imports:                     # the first run of imports; later ones may depend on what stands between
            if one.line > last.end_line + 2:
                break
            last = one
        at = line_end(last)
        if case.source.text[last.end:at].strip()[:1] == ';':
            return [(last.start, last.start, line + '; ')]
        return [(at, at, case.source.newline + line)]
    at = line_start(behind_docstring(body))
    return [(at, at, line + case.source.newline)]


def import_of(case, module):
    """Edits that import a module where the file does not do so yet."""
    return add_import(case, 'import %s' % module) if module not in bindings(case.source.tree) else []


def missing_self(case, uses, name):
    """`self.name` where the class around defines it and the method has a self; the other such names of it as well."""
    function, owner = enclosing(uses[0], 'FunctionDef'), enclosing(uses[0], 'ClassDef')
    if function is None or owner is None or not takes_self(function):
        return
    members = set(one.name for one in owner.body if one.kind in ('FunctionDef', 'ClassDef'))
    members |= bound_names_of_class(owner)
    methods = [one for one in owner.body if takes_self(one)]
    getters = [one.name for one in methods if len(one.args.args) == 1 and not one.args.vararg and
               not one.decorator_list and one.name.lower() in ('get' + name.lower(), 'get_' + name.lower())]
    if name in members or len(getters) == 1:
        same = [use for one in methods for use in reads(one, name) if is_unbound(use) and
                use.start >= one.body[0].start and enclosing(use, 'ClassDef') is owner]
        if name in members and same:
            edits = [edit for other, nodes in undefined_here(case).items() if other != name and other in members
                     for node in nodes if is_in(node, function) for edit in written([node], 'self.' + other)]
            yield right_name(sorted(edits + written(same, 'self.' + name)), 'self.' + name, name, 0.88,
                             '%s belongs to the class, so it needs self.' % name)
        elif same and function.name != getters[0]:
            yield rename(same, 'self.%s()' % getters[0], 0.84, 'the class has a method that gives it')


@kept
def bound_names_of_class(owner):
    """What a class defines for its objects: names in its body and attributes that are set on self."""
    names = bound_names(*[one for one in owner.body if one.kind == 'Assign'])
    return names | frozenset(node.attr for node in walk(owner) if sets_self(node))


IMPORTABLE = frozenset(             # what the sandbox lacks, and agents mean no harm with
    'all any apply buffer bytearray bytes coerce delattr dir format frozenset getattr hasattr intern iter memoryview '
    'next print setattr slice sum super type Ellipsis NotImplemented'.split())


def absent_builtin(case, uses, name):
    """A built-in that the sandbox lacks, from the module that has it: exactly the same, all through the file."""
    if name in ('open', 'file'):                # that one does not work in the sandbox
        calls = [use.parent for use in reads(case.source.tree, name) if is_unbound(use) and is_called(use) and
                 0 < len(use.parent.args) <= 2 and not use.parent.keywords and not use.parent.starargs and
                 not use.parent.kwargs]
        if not all(use.parent in calls for use in uses):
            return
        edits = written([call.func for call in calls], 'codecs.open')
        edits += [edit for call in calls if len(call.args) == 1 for edit in enclose(call.args[0], '', ", 'r'")]
        edits += import_of(case, 'codecs')
        yield cure('sandbox built-in', edits, 'codecs.open() is taken for %s()' % name, 0.88,
                   'the sandbox has no %s(); without an encoding this one does the same' % name)
    if name in IMPORTABLE and is_sandboxed(case):
        there = local_names(case.source.tree) | (ELEVATED_NAMES if case.policy == 'Elevated' else set(['setattr']))
        lacking = set(free_names(case.source.tree)) & IMPORTABLE - there | set([name])
        line = 'from __builtin__ import %s' % ', '.join(sorted(lacking))
        yield cure('sandbox built-in', add_import(case, line), '"%s" is added' % line, 0.9,
                   'the sandbox has no %s, and this is the one that is meant' % name)


def is_unbound(use):
    """Whether no function around a name binds it."""
    return not any(around.kind in SCOPES and around.kind != 'ClassDef' and use.id in local_names(around)
                   for around in ancestors(use))


def barred_builtin(case, found):
    """TypeError: attribute-less object: what setattr() and delattr() of the sandbox always say."""
    funcs = [call.func for call in calls_of(own_part(case.statement), 'setattr', 'delattr') if call.func.kind == 'Name']
    return absent_builtin(case, funcs[:1], funcs[0].id) if funcs else ()


# ------------------------------------------------------------------------------------------- attributes and types
def private_elsewhere(case, found):
    """getattr(os.path, '_splitext'), which Plex's own os.path has on some systems only."""
    for node in calls_of(own_part(case.statement), 'getattr'):
        if len(node.args) == 2 and not node.keywords and node.args[1].kind == 'Str' and \
                node.args[1].s == '_' + found.group('name') and repeatable(node.args[0]):
            text = '%s.%s' % (operand(node.args[0]), found.group('name'))
            yield cure('empty default', enclose(node.args[1], '', ', ' + text), '%s is taken where there is no %s'
                       % (text, node.args[1].s), 0.9, 'the one with the underscore is there on some systems only')


Asked = collections.namedtuple('Asked', 'owner name node alike same')
# what an object of the type `owner` was asked for and lacks: the attribute's name, the node, those of the name in the
# file, and (same) those of them that are asked of the same


def unknown_attribute(case, found):
    """'X' object has no attribute 'y', where y is nearly the name of something that X has."""
    owner, name = found.group('type'), found.group('name')
    node = next((one for one in own_part(case.statement) if one.kind == 'Attribute' and one.attr == name), None)
    if owner == 'NoneType' or node is None:
        return
    alike = nodes_named(case.source, 'Attribute', name)
    asked = Asked(owner, name, node, alike, [one for one in alike if one.value.text == node.value.text])
    below = class_below(asked)
    if below:
        same = [one.value for one in asked.same if is_unbound(one.value) == is_unbound(node.value)]
        yield rename(same, below, 0.92, '%s itself has no %s' % (node.value.text, name))
        return                                  # (a function may have imported the other for itself)
    if '.' in owner and MODULE_OF.get(name) == owner.split('.')[0]:
        if name not in bindings(case.function):
            edits = [] if name in bindings(case.source.tree) else add_import(case, 'from %s import %s' % (
                MODULE_OF[name], name))
            yield right_name(edits + written(asked.same, name), name, node.text, 0.92,
                             'the class is asked for what its module has')
        return
    ways = [name_of_record]
    if owner in MODELS or not any(one.ctx == 'Store' for one in alike):
        ways += [asked_as_key] + ([asked_of_function] if owner in FUNCTION_TYPES else [own_member, near_member])
    for way in ways:                            # (it is no typo where something sets it, which models refuse)
        for proposal in way(case, asked):
            yield proposal


def class_below(asked):
    """'os.path' or 'datetime.datetime', where os or datetime, the module, is asked for what that has; or None."""
    root = asked.node.value.text
    if asked.owner != 'module':
        return None
    return 'os.path' if root == 'os' and asked.name in OF_THE_PATH else 'datetime.datetime' if (
        root == 'datetime' and asked.name in OF_THE_CLASS) else None


def name_of_record(case, asked):
    """`role.role` for an object that calls it otherwise."""
    same = [node for node in asked.alike if (asked.name not in PICTURES or is_in(node, case.function)) and (
        node in asked.same or is_record(node.value))] if (
            asked.owner == 'RecordObject' and asked.name in RECORD_NAMES) else []
    if same:
        yield respelt(same, RECORD_NAMES[asked.name], 0.9, 'an episode has thumbs' if asked.name in PICTURES else
                      'the framework calls it .%s since roles have names and photos' % RECORD_NAMES[asked.name])


def asked_as_key(case, asked):
    """`data.title` for `data['title']`."""
    if asked.owner in ('dict', 'DictObject') and not is_called(asked.node):
        same = [node for node in asked.same if enclosing(node, 'FunctionDef') is enclosing(asked.node, 'FunctionDef')]
        yield cure('right brackets', [(node.value.outer[1], node.end, "['%s']" % asked.name) for node in same],
                   '%s is asked for as a key' % asked.name, 0.88, 'a dict has keys, and no such attribute')


FUNCTION_TYPES = ('function', 'instancemethod', 'builtin_function_or_method', 'method')


def asked_of_function(case, asked):
    """`x.text.text`, or `x.getroot.find()` for `x.getroot().find()`."""
    function = asked.node.value
    twice = [node for node in asked.same if node.value.kind == 'Attribute' and node.value.attr == asked.name]
    if twice:
        yield cure('right name', [(node.value.end, node.end, '') for node in twice], 'it is written once', 0.92,
                   '.%s stands there twice' % asked.name)
    elif function.kind == 'Attribute' and function.attr in ARGUMENTLESS and (
            asked.name in TEXT_METHODS | DICT_METHODS | LIST_METHODS):
        yield cure('right name', [(function.end, function.end, '()')], 'it is called first', 0.92,
                   'a function is asked for what its answer has')


def own_member(case, asked):
    """`page.fetch(x)` for the method self.fetch(x), or `self.page` for a variable of the method."""
    name, node, around = asked.name, asked.node, enclosing(case.statement, 'ClassDef')
    of_self, called = is_name(node.value, 'self'), is_called(node)
    own = [one for one in around.body if one.kind == 'FunctionDef' and one.name == name and len(
        parameter_names(one)) == len(node.parent.args) + 1] if around is not None and called else []
    if own and not of_self and 'self' in parameter_names(case.function):
        yield cure('right name', [node.value.outer + ('self',)], 'it is a method of the object itself', 0.93,
                   '%s is none of %s, and the class has one that takes as much' % (name, node.value.text))
    if of_self and not called and any(
            one.end < case.statement.start for one in bindings(case.function).get(name, ())):
        yield cure('right name', written([one for one in asked.same if is_in(one, case.function)], name),
                   '%s is written without self.' % name, 0.9,
                   'the object has no %s, and the method has one of its own' % name)


def near_member(case, asked):
    """Something of nearly the name that the object has."""
    name, node, owner = asked.name, asked.node, asked.owner
    gone, pairs = INSTEAD.get((owner, name)), members_near(case, asked)
    if gone and is_called(node) and not node.parent.args:
        yield cure('right name', [(node.end - len(name), node.parent.end, gone)],
                   '.%s is written in place of .%s()' % (gone, name), 0.9,
                   'the framework has no %s() for it, and takes out so what is not named' % name)
    if name.lower() in ('add', 'append', 'push') and ADDED_BY.get(owner) not in (None, name):
        pairs = [(ADDED_BY[owner], 0.95)]
    if is_name(node.value, 'Log') and name.lower() == 'warning':
        pairs = [('Warn', 0.95)]                # the one that everybody expects and the framework does not have
    for near, prior in pairs:
        if node.ctx == 'Store' and (name.rstrip('0123456789') == near or any(
                one.ctx == 'Store' and one.value.text == node.value.text and is_in(one, case.function)
                for one in nodes_named(case.source, 'Attribute', near))):
            continue                            # what is set already would be lost
        yield respelt(asked.same, near, prior, 'there is no %s, and %s is there' % (name, near))


def members_near(case, asked):
    """[(name, prior)] of what the object has and that can have been meant."""
    name, node, owner, called = asked.name, asked.node, asked.owner, is_called(asked.node)
    methods, around = set(one.name for one in walk(case.source.tree) if one.kind == 'FunctionDef'), enclosing(
        case.statement, 'ClassDef')
    known = attributes_of(case, node, owner)
    pairs = near_names(name, [one for one in known if called or one not in methods])
    if not pairs and called and around is not None and is_name(node.value, 'self'):
        mine = words_of(name)
        shorter = [mine[:at] + mine[at + 1:] for at in range(len(mine)) if len(mine) > 3]
        pairs = [(one, 0.84) for one in inherited(around) if one in methods and words_of(one) in shorter and not is_act(
            node.parent) and all(0 <= len(given_parameters(other)) - len(
                node.parent.args + node.parent.keywords) <= len(other.args.defaults)
                                 for other in nodes_named(case.source, 'FunctionDef', one))]
        pairs *= len(pairs) == 1
    if not pairs and (is_name(node.value, *API) or owner.split('.')[-1] in MEMBERS or owner in ('str', 'unicode')):
        pairs = [(one, 0.85) for one in sorted(known, key=len, reverse=True) if len(one) > 3 and (
            name.startswith(one) and len(name) - len(one) < 5 and (
                owner not in ('str', 'unicode') or name[len(one):] == 'case') or len(one) == len(name) and sum(
                a != b for a, b in zip(one, name)) == 1)][:1]
        alike_ends = [one for one in known if owner.endswith('Kit') and words_of(one)[-2:] == words_of(name)[-2:] and
                      not any(name in members.split() for members in API.values())]
        pairs = pairs or [(one, 0.88) for one in alike_ends if len(alike_ends) == 1 and len(words_of(name)) > 1]
    return pairs


def inherited(owner, met=()):
    """What a class, and those of its file that it is made of, define; met: those that were looked at."""
    kin = [one for base in owner.bases for one in classes_of(owner.source) if one.name == last_name(base) and
           one not in met]
    return members_of(owner).union(*[inherited(one, met + (owner, one)) for one in kin])


def module_behind(case, name):
    """The file of the bundle that a name of the case's module is imported from; None for none or several."""
    stems = each_once([node.name.split('.')[-1] for scope in (case.source.tree, case.function)
                       for node in bindings(scope).get(name, ()) if node.kind == 'alias'])
    paths = [path for path in files_of(case) if len(stems) == 1 and path.endswith('/%s.py' % stems[0])]
    return case.bundle.source(paths[0]) if len(paths) == 1 else None


def module_asked(case, name):
    """[nodes] of the statement that ask a module of the bundle for a name that it does not define."""
    found = []
    for node in own_part(case.statement):
        if node.kind == 'Attribute' and node.attr == name and node.value.kind == 'Name':
            source = module_behind(case, node.value.id)
            if source is not None and not module_names(source) & set([name, '*']) and not any(
                    one.ctx == 'Store' for one in bundle_nodes(case, 'Attribute', name)):
                found.append(node)
    return found


def module_beside(case, found):
    """`tools.day_of(x)`, where only `dates`, which the file imports too, has a day_of, or the file itself."""
    name = found.group('name')
    for node in module_asked(case, name)[:1]:
        same = [one for one in nodes_named(case.source, 'Attribute', name) if one.text == node.text]
        others = [(other, module_behind(case, other)) for other in sorted(bindings(case.source.tree))]
        others = [other for other, source in others if source is not None and name in module_names(source)]
        longer = [one for one in sorted(module_names(module_behind(case, node.value.id))) if one.startswith(
            name + '_') or one.endswith('_' + name)]
        why = '%s has no %s' % (node.value.id, name)
        if name in bindings(case.source.tree):
            yield rename(same, name, 0.93, why + ', and this file has one')
        elif len(others) == 1:
            yield rename(same, '%s.%s' % (others[0], name), 0.93, '%s, and %s has one' % (why, others[0]))
        elif len(longer) == 1:
            yield rename(same, '%s.%s' % (node.value.id, longer[0]), 0.8, why)


def closed_too_late(case, found):
    """`search(text.group(1))`, where the text has no group() and what search() gives has."""
    def is_asked(nodes, members):
        return any(use.parent.kind == 'Attribute' and use.parent.attr in members for use in nodes)
    for base in [node.value for node in own_part(case.statement) if found.group('type') in TEXT_TYPES and
                 node.kind == 'Attribute' and node.attr == found.group('name')]:
        node = base.parent
        used = node.parent if is_called(node) else node
        call = used.parent
        if call.kind != 'Call' or call.args[-1:] != [used] or call.keywords or call.starargs or call.kwargs:
            continue
        made, name, text = make_of(case, call), name_assigned(call.parent), base.text.rpartition('.')[2]
        members = {'match': MEMBERS['SRE_Match'], 'element': ELEMENT_MEMBERS, 'json': 'get items keys values'}.get(
            made, MEMBERS['HTTPRequest'] * is_call(call, 'Request')).split()
        others = [use for use in reads(case.function, base.id) if use is not base] if base.kind == 'Name' else []
        if node.attr in members and not (is_asked(others, members) or is_asked(
                [call] + (later_uses(case, name, case.statement) if name else []), members) or made == 'json' and (
                    make_of(case, base) != 'text' and not LEADS_TO.search(text))):   # (a row may be a text for once)
            end = base.outer[1]
            yield cure('right brackets', [(end, end, ')'), (used.end, call.end, '')],
                       '.%s is asked of what %s() gives' % (node.attr, last_name(call.func)), 0.92,
                       'the bracket is closed too late: what stands before the dot has none')


def object_beside(case, found):
    """`app.STATE.paths`, where STATE has none, and an object of the one class that has is called app.SYNC."""
    owner, name = found.group('type').split('.')[-1], found.group('name')
    holders = [one for one in bundle_classes(case, name) if name in members_of(one)] if lacks_member(
        case, owner, name) else ()
    if len(holders) != 1 or holders[0].name == owner:
        return
    made = [one.parent for one in bundle_nodes(case, 'Call', holders[0].name) if one.parent.kind == 'Assign']
    names = set(getattr(target, 'attr', None) or getattr(target, 'id', None) for one in made for target in one.targets)
    wrong = set(name_assigned(one.parent) for one in bundle_nodes(case, 'Call', owner)
                if one.parent.parent.kind in ('Module', 'ClassDef'))
    nodes = [node.value for node in own_part(case.statement) if node.kind == 'Attribute' and node.attr == name and
             last_name(node.value) in wrong - local_names(function_around(node)) and len(made) == 1]
    if len(names) == 1 and None not in names and nodes and nodes[0].kind in ('Attribute', 'Name'):
        other = names.pop()
        right = other if nodes[0].kind == 'Name' else '%s.%s' % (code_of(nodes[0].value), other)
        if nodes[0].kind == 'Attribute' or other in visible_names(case, nodes[0]):
            yield cure('right name', written([node for node in nodes if node.text == nodes[0].text], right),
                       '%s is asked in place of %s' % (right, nodes[0].text), 0.91,
                       'only %s has a %s' % (holders[0].name, name))


def respelt(nodes, text, prior, why):
    """A Proposal that gives attributes another name."""
    edits = [(node.end - len(node.attr), node.end, text) for node in nodes]
    return right_name(edits, '.' + text, '.' + nodes[0].attr, prior, why)


# what objects of the framework and of the standard library have; who asks for anything else means one of these
ELEMENT_MEMBERS = 'get set find findall findtext iter itertext iterchildren iterancestors xpath cssselect text tail ' \
    'tag attrib getparent getchildren getnext getprevious items keys values text_content append remove insert'
FILE_MEMBERS = 'read readline readlines write writelines close flush seek tell name mode closed truncate'
MEMBERS = {
    'file': FILE_MEMBERS, 'TextIOWrapper': FILE_MEMBERS, 'BufferedReader': FILE_MEMBERS, 'BufferedWriter': FILE_MEMBERS,
    'StringIO': FILE_MEMBERS + ' getvalue', 'StringI': FILE_MEMBERS + ' getvalue', 'StringO': FILE_MEMBERS +
    ' getvalue', 'addinfourl': 'read readline readlines close info geturl getcode code msg headers url',
    'HTTPRequest': 'content headers load', 'ProxyContainerObject': 'keys validate_keys',
    'MapObject': 'keys validate_keys', 'SetObject': 'add clear new find',
    'SRE_Match': 'group groups groupdict start end span expand pos endpos string re',
    'SRE_Pattern': 'search match findall finditer sub subn split pattern flags groups groupindex',
    'HtmlElement': ELEMENT_MEMBERS + ' find_class get_element_by_id drop_tag drop_tree', '_Element': ELEMENT_MEMBERS,
    'datetime': 'year month day hour minute second microsecond tzinfo date time timetuple strftime isoformat weekday '
                'isoweekday replace ctime toordinal utctimetuple astimezone',
    'date': 'year month day strftime isoformat weekday isoweekday replace ctime toordinal timetuple',
    'timedelta': 'days seconds microseconds total_seconds'}
# what agents ask these modules of Python for
MODULES = {
    're': 'compile search match findall finditer sub subn split escape IGNORECASE DOTALL MULTILINE UNICODE VERBOSE',
    'json': 'load loads dump dumps', 'time': 'time sleep strftime strptime localtime gmtime mktime clock ctime',
    'urllib': 'quote quote_plus unquote unquote_plus urlencode urlopen urlretrieve pathname2url',
    'urllib2': 'urlopen Request HTTPError URLError build_opener install_opener HTTPCookieProcessor ProxyHandler',
    'urlparse': 'urlparse urljoin urlsplit urlunparse urlunsplit parse_qs parse_qsl',
    'datetime': 'datetime date time timedelta tzinfo', 'hashlib': 'md5 sha1 sha256 sha512',
    'random': 'random randint choice shuffle sample uniform', 'base64': 'b64encode b64decode'}
# how the framework says what its containers of pictures and seasons lack
INSTEAD = {('ProxyContainerObject', 'clear'): 'validate_keys([])', ('MapObject', 'clear'): 'validate_keys([])'}
# type -> how something is put into it; the results of a search are a MediaContainer
ADDED_BY = {'MediaContainer': 'Append', 'list': 'append', 'set': 'add', 'ObjectContainer': 'add'}
# methods that are called without anything
ARGUMENTLESS = frozenset('read readlines json strip lower upper items keys values copy getroot now today'.split())


def newer_path(case, found):
    """`urllib.parse.quote`: from where Python 2 has what Python 3 keeps in a module of that name."""
    edits, imports = [], set()
    for node in walk(case.source.tree):
        if node.kind == 'Attribute' and node.value.kind == 'Attribute' and node.value.value.kind == 'Name':
            module = module_of(node.value.text, node.attr)
            if module:
                handler, function = node.parent, enclosing(node, 'FunctionDef')
                if handler.kind == 'ExceptHandler' and function is not None and any(
                        is_call(one, function.name) for one in walk(handler)):
                    return                      # the function would try again without end
                edits += written([node.value], module)
                imports.add(module)
    edits += [edit for module in sorted(imports) for edit in import_of(case, module)]
    yield cure('right name', edits, 'it is asked for where Python 2 has it', 0.92,
               'the module has that part in Python 3 only')


def wrong_argument(case, found):
    """What has no such attribute came as an argument: a caller with a variable of its name gives another one."""
    nodes = [node for node in own_part(case.statement) if node.kind == 'Attribute' and node.attr == found.group('name')]
    roots = set(one for node in nodes for one in parameters_behind(case.function, node.value))
    calls = [call for root in sorted(roots) for call in crossed_calls(case, case.function, root, 3)]
    if len(calls) == 1:
        argument, name = calls[0]
        yield cure('right arguments', [argument.outer + (name,)],
                   '%s is handed over in place of %s' % (name, argument.text), 0.88,
                   'the parameter is called %s, and so is a variable at hand' % name, path_of(case, argument))


def hidden_module(case, found):
    """`json.dumps(x)` where a parameter or variable of the function is called json too: the module, by another name."""
    asked = found.group('name')
    nodes = [node for node in own_part(case.statement) if node.kind == 'Attribute' and node.attr == asked and
             node.value.kind == 'Name' and case.function.kind == 'FunctionDef']
    name = nodes[0].value.id if nodes else None
    imported = [one for one in bindings(case.source.tree).get(name, ()) if one.kind == 'alias' and not one.asname and
                one.parent.kind == 'Import'] if name else []
    listed = MODULES.get(name, '').split()
    fitting = asked in listed or not listed and name in STANDARD_MODULES and asked[:1].isupper()
    nodes += [node for node in own_part(case.statement) if not listed and node.kind == 'Attribute' and is_name(
        node.value, name) and node.attr != asked and node.attr[:1].isupper()]       # its constants
    other = '%s_module' % name
    if not imported or not fitting or not can_insert(case.statement) or other in case.source.text or \
            name not in parameter_names(case.function) | bound_names(*case.function.body) or \
            listed and len(set(map(flat, nodes))) > 1:
        return
    edits = written(sorted([node.value for node in nodes], key=lambda node: node.start), other)
    yield cure('right name', edits + put_before(case.statement, ['import %s as %s' % (name, other)]),
               'the module is asked for by another name', 0.9, '%s is something else in this function' % name)


def parameters_behind(function, node, depth=0):
    """The parameters of a function that an expression is read from, through its variables."""
    if function.kind != 'FunctionDef':
        return set()
    own, found = set(one.id for one in function.args.args if one.kind == 'Name'), set()
    for name in names_in(node):
        if name in own:
            found.add(name)
        elif depth < 3:
            for one in name_nodes(function, name):
                origin = one.parent.value if one.parent.kind == 'Assign' else one.parent.iter \
                    if one.parent.kind == 'For' else None
                if one.ctx == 'Store' and origin is not None:
                    found |= parameters_behind(function, origin, depth + 1)
    return found - set(['self'])


def crossed_calls(case, function, parameter, depth):
    """[(argument, name)] of calls, direct or passed on, that give something else than the caller's own of that name."""
    names, found = given_parameters(function), []
    position = names.index(parameter) if parameter in names and function.name != '__init__' else None
    for call in bundle_nodes(case, 'Call', function.name) if position is not None else ():
        caller = enclosing(call, 'FunctionDef')
        if caller is None or position >= len(call.args) or call.starargs or call.args[position].kind != 'Name' or \
                is_name(call.args[0], 'self'):  # (Base.method(self, ...): the object is handed over there)
            continue
        given = call.args[position]
        if given.id != parameter:               # episode_metadata for metadata is what is meant
            if parameter not in words_of(given.id) and parameter in names_in(caller.args) and not any(
                    is_name(arg, parameter) for one in nodes_named(call.source, 'Call', function.name)
                    if is_in(one, caller) for arg in one.args):
                found.append((given, parameter))
        elif depth and caller is not function and parameter in plain_parameters(caller):
            found.extend(crossed_calls(case, caller, parameter, depth - 1))
    return found


def is_record(node):
    """Whether a name is an element of the metadata: `for actor in metadata.roles`, `role = metadata.roles.new()`."""
    function, loop = enclosing(node, 'FunctionDef') if node.kind == 'Name' else None, loop_over(node)
    made = [one.value for one in assignments(function, node.id)] if function else []
    return bool(made) and all(is_call(value, 'new') and is_model(value.func) for value in made) or (
        loop is not None and is_model(loop.iter))


# what older frameworks called the fields of a role; of all records, only an episode has no posters
RECORD_NAMES = {'actor': 'name', 'thumb': 'photo', 'character': 'role', 'posters': 'thumbs'}
PICTURES = ('posters',)


def attributes_of(case, node, owner):
    """Names that what stands before the dot surely has."""
    root = node.value.id if node.value.kind == 'Name' else None
    if root in API and root not in bindings(case.source.tree):
        return API[root].split()
    by_type = {'str': TEXT_METHODS, 'unicode': TEXT_METHODS, 'dict': DICT_METHODS | frozenset(['pop', 'clear',
                                                                                               'fromkeys']),
               'list': LIST_METHODS | frozenset(['pop', 'count', 'index'])}.get(owner)
    if by_type or owner.split('.')[-1] in MEMBERS:
        return by_type or MEMBERS[owner.split('.')[-1]].split()
    if root == 'metadata' or owner in ('Movie', 'TV_Show', 'Artist', 'Album', 'Episode', 'Season'):
        return FIELDS
    owners = classes_called(case, owner)
    if owners:
        return members_of(owners[0])
    if owner in ('module', 'RestrictedModule') and root:
        source = module_behind(case, root)
        return module_names(source) if source is not None else MODULES.get(root, '').split()
    return ()


def other_mapping(case, found):
    """`url['key']` of a text that was put together here: the one variable that this file asks for that very key."""
    for node in own_part(case.statement):
        if key_of(node) is None or node.value.kind != 'Name' or case.function.kind != 'FunctionDef':
            continue
        name, key = node.value.id, key_of(node)
        values = assigned_before(case, name, node.start)
        if not values or not all(value.kind == 'Str' or is_op(value, 'Mod', 'Add') or
                                 is_call(value, 'format') for value in values):
            continue                            # what it is may lie in the data
        uses = [one for one in name_nodes(case.function, name) if key_of(one.parent) is not None and
                one.parent.value is one]
        wanted = set(('key', key_of(one.parent)) for one in uses)
        others = [other for other, bound in sorted(bindings(case.function).items()) if other != name and any(
            one.kind == 'arguments' or one.start < node.start for one in bound) and wanted <= set().union(
                *map(asked_of, name_nodes(case.source.tree, other)))]
        if len(others) == 1:
            yield rename(uses, others[0], 0.9, '%s is a text here, and %s is what this file asks for %s' % (
                name, others[0], key))
        return


def row_of_loop(case, found):
    """`for row in rows: ... rows['title']` and `rows.title`, where rows is a list: the row is meant."""
    asked = found.groupdict().get('name')
    for node in own_part(case.statement):
        if node.kind == 'Attribute':
            rows = node.value if node.attr == asked and node.ctx == 'Load' else None
        elif is_call(node, 'getattr') and len(node.args) > 1:
            rows = node.args[0] if getattr(node.args[1], 's', None) == asked is not None else None
        else:
            rows = node.value if asked is None and key_of(node) is not None and node.ctx == 'Load' else None
        if rows is None or rows.kind != 'Name':
            continue
        for around in ancestors(node):
            loops = around.generators if around.kind in COMPREHENSIONS else [around] if around.kind == 'For' and \
                in_any(node, around.body) else []
            loops = [one for one in loops if is_name(one.iter, rows.id) and one.target.kind == 'Name']
            if len(loops) != 1 or rows.id in bound_names(*getattr(around, 'body', ())):
                continue
            row = loops[0].target.id
            if row in bound_names(*getattr(around, 'body', ())) or any(
                    is_text_or_number(use) for use in reads(around, row)) or asks_for_kind(case, rows.id):
                return                          # (a key or a number of a dict: what is a list here is a mistake)
            uses = [use for use in reads(around, rows.id) if use is not loops[0].iter and (
                use is rows or asked_of(use) and not asked_of(use) & LIST_ASKED)]
            bound = [one.start for one in bindings(case.function).get(rows.id, ())]
            others = [use for use in reads(case.function, rows.id) if use not in uses and not any(
                min(use.start, around.start) < one < max(use.start, around.start) for one in bound)]
            if any(asked_of(use) - LIST_ASKED or is_indexed(use) and row in names_in(use.parent.slice)
                   for use in others):
                return                          # it is a dict as a rule
            yield rename(uses, row, 0.93, 'the loop goes through %s, and each %s is asked for that' % (rows.id, row))
            return


def is_text_or_number(use):
    """Whether a variable is used as only a text or a number is."""
    around = use.parent
    compared = [around.left] + around.comparators if around.kind == 'Compare' and around.ops[0] not in (
        'In', 'NotIn') else ()
    return around.kind in ('Index', 'BinOp') or any(one.kind in ('Str', 'Num') for one in compared) or \
        around.kind == 'Attribute' and is_called(around) and around.attr in TEXT_METHODS - SHARED_METHODS


def asks_for_kind(case, name):
    """Whether a function asks what kind of thing a variable holds, or whether a dict has a key."""
    return any(is_call(use.parent, 'isinstance', 'type', 'hasattr') or use.parent.kind == 'Compare' and isinstance(
        use.parent.ops, (list, tuple)) and use in use.parent.comparators and use.parent.ops[0] in ('In', 'NotIn') and
        use.parent.left.kind == 'Str' for use in reads(case.function, name))


def element_meant(case, found):
    """`page['id']` in `for one in page['items']:`, where the other lines of the loop ask the element for that key."""
    for node in own_part(case.statement):
        key = index_of(node) if node.kind == 'Subscript' and node.value.kind == 'Name' and node.ctx == 'Load' else None
        if key is None or key.kind != 'Str' or key.s != found.group('key'):
            continue
        for loop in ancestors(node):
            if loop.kind != 'For' or loop.target.kind != 'Name' or not in_any(node, loop.body) or \
                    node.value.id not in names_in(loop.iter):
                continue
            asked = [use for use in name_nodes(case.function, loop.target.id) if is_in(use, loop)]
            uses = name_nodes(case.function, node.value.id)
            through = set([('key', key.s)]).union(*[asked_of(use) for use in uses if is_in(use, loop.iter)])
            if any(asked_of(use) - through for use in uses):
                return                          # it has parts of its own, and this may be one
            if any(('key', key.s) in asked_of(use) for use in asked):
                yield rename([node.value], loop.target.id, 0.92, 'the other lines of the loop ask %s for %s' % (
                    loop.target.id, key.s))
            return


def typed_faults(case, found):
    """An attribute or index of a thing of the wrong type: a text where a dict was expected, and so on."""
    groups = found.groupdict()
    name = groups.get('name')
    for node in frame_part(case):
        if name and name != '__getitem__':
            if node.kind != 'Attribute' or node.attr != name or node.value.kind in ('Str', 'Dict', 'List'):
                continue
            test, soft = attribute_type_test(case, node) if node.ctx == 'Load' else (None, [])
        elif node.kind == 'Subscript' and node.ctx != 'Store' and index_of(node) is not None:
            index = index_of(node)
            if index.kind == 'Num' and 'indices' in case.message or \
                    index.kind == 'Str' and 'not NoneType' in case.message:
                continue
            soft = []
            if index.kind != 'Str' and re.search(r'^list indices must be integers, not (str|unicode|float)',
                                                 case.message):
                soft = [([(index.start, index.start, 'int('), (index.end, index.end, ')')], node, SOME)]
            test = type_test('dict') if index.kind == 'Str' else type_test('list', 'tuple', 'basestring') \
                if "has no attribute '__getitem__'" in case.message or 'unsubscriptable' in case.message else None
        else:
            continue
        yield Fault(node, node.value, test, soft, 'it is of another kind')


def decoded_already(case, found):
    """unicode(x, 'utf-8'), where x is unicode: lxml gives bytes for plain letters only."""
    for node in own_part(case.statement):
        if node.kind == 'Call' and is_name(node.func, 'unicode') and node.args and repeatable(node.args[0]) and (
                node.args[1:] or node.keywords):
            text = code_of(node.args[0])
            yield cure('right type', [(node.start, node.start, '(%s if isinstance(%s, unicode) else ' % (text, text)),
                                      (node.end, node.end, ')')],
                       '%s is taken as it is where it is unicode already' % text, 0.88, 'only bytes can be decoded')


def text_already(case, found):
    """`names.append(one["name"])`, where one is the name: it was an object once, and is a text now."""
    for node in own_part(case.statement):
        loop = loop_over(node.value) if key_of(node) is not None else None
        uses = reads(loop, node.value.id) if loop is not None else ()
        call = node.parent
        if len(uses) == 1 and call.kind == 'Call' and call.args == [node] and last_name(call.func) in ('append', 'add'):
            name = node.value.id
            yield cure('right type', [(node.end, node.end, ' if isinstance(%s, dict) else %s' % (name, name))],
                       '%s itself is taken where it is a text' % name, 0.86,
                       'it is asked for %s only, which it is itself now' % key_of(node))


def attribute_type_test(case, node):
    """(a test that what stands before the dot has the attribute, ways to make it so)."""
    name, bad = node.attr, node.value
    call = is_called(node)
    if name in TEXT_METHODS - SHARED_METHODS and call:
        text = operand(bad)
        soft = []
        if text and repeatable(bad) and re.match(r"'(int|float|long|bool)'", case.message):
            start, end = bad.outer
            soft = [([(start, end, '(%s if isinstance(%s, basestring) else str(%s))' % (text, text, code_of(bad)))],
                     bad, TEXT)]
        return type_test('basestring'), soft
    if name in ('get', 'items', 'iteritems', 'keys', 'values', 'has_key', 'iterkeys', 'itervalues') and call and \
            make_of(case, bad) not in ('element', 'match'):
        return type_test('dict'), []
    if name in LIST_METHODS and call:
        return type_test('list'), []
    if not is_sandboxed(case) or case.policy == 'Elevated':
        return test_of("hasattr(@, '%s')" % name, "not hasattr(@, '%s')" % name), []
    return None, []


def text_iteration_faults(case, found):
    """for x in 'text': the sandbox cannot step through a text."""
    for node in frame_part(case):
        bad = node.iter if node.kind in ('For', 'comprehension') else node.value if node.kind == 'Assign' and \
            unpacked(node) is not None else None
        if bad is None or bad.kind in ('List', 'Tuple', 'Dict', 'ListComp'):
            continue
        text = code_of(bad)
        letters, one = (enclose(bad, 'list(', ')'), bad, SOME), None
        if text and repeatable(bad) and node.kind != 'Assign':
            one = ([bad.outer + ('([%s] if isinstance(%s, basestring) else %s)' % (text, text, text),)], bad, SOME)
        soft = [letters] if make_of(case, bad) == 'text' or one is None else [one, letters]
        yield Fault(node, bad, type_test('list', 'tuple') if node.kind != 'Assign' else None, soft, ONE_TEXT)


def joined_types(case, found):
    """'a' + 1: the number as text; `%s` keeps a text as it is."""
    handler = handler_around(case.statement)
    for node in own_part(case.statement):
        if node.kind not in ('BinOp', 'AugAssign') or node.op != 'Add':
            continue
        if found.groupdict().get('kind'):       # an error that is caught
            bad = node.right if node.kind == 'BinOp' else node.value
            if handler is not None and is_name(bad, caught_as(handler)):
                yield cure('right type', enclose(bad, 'str(', ')'), 'the error becomes text before it is joined', 0.9,
                           'its text is wanted, and an error is none')
            continue
        first = re.search(r"operand type\(s\) for \+=?: '(int|float|long)' and '(str|unicode)'", case.message)
        if first and ('+=:' in case.message) != (node.kind == 'AugAssign'):
            continue
        begun = [one.value for one in statements(case.function) if one.kind == 'Assign' and
                 one.end < case.statement.start and case.statement.target.text in [
                     target.text for target in one.targets]] if case.statement.kind == 'AugAssign' else []
        bad = node.left if first and node.kind == 'BinOp' else node.right if node.kind == 'BinOp' else \
            begun[-1] if first and begun else node.value
        is_sum = node.kind == 'AugAssign' and make_of(case, node.target) == 'number'
        if not is_sum and (bad.kind in ('Str', 'BinOp', 'Tuple') or
                           make_of(case, bad) == 'text' and bad.kind != 'Name'):
            continue
        total = node
        while is_op(total.parent, 'Add'):
            total = total.parent
        numbers = [part for part in summands(total) if make_of(case, part) == 'number' or case.statement.kind == (
            'Assign') and part.text == case.statement.targets[0].text and first]
        if is_sum or node.kind == 'BinOp' and numbers and not any(part.kind == 'Str' or make_of(case, part) == 'text'
                                                                  for part in summands(total)):
            parts = [node.value] * bool(first) if is_sum else [part for part in summands(total) if part not in numbers]
            texts = [part for part in parts if code_of(part) and repeatable(part) and part.kind not in ('Str', 'BinOp')]
            if texts and (is_sum or node.left.kind != 'BinOp'):     # (a float is no whole number)
                make = 'float' if first and first.group(1) == 'float' else 'int'
                yield cure('right type', [part.outer + ('(%s(%s) if isinstance(%s, basestring) else %s)' % (
                    (make,) + (code_of(part),) * 3),) for part in texts], 'it becomes a number first', 0.84,
                           'it is added to a number, and came as text')
            continue
        loose = is_loose(bad)
        edits, how = (enclose(bad, 'str(', ')'), 'str()') if make_of(case, bad) == 'number' else (
            enclose(bad, "'%s' % " + '(' * loose, ')' * loose), '%s')
        if node.kind == 'BinOp' and begun and begun[-1].kind == bad.kind and root_name(begun[-1]) == root_name(bad):
            edits = sorted(edits + enclose(begun[-1], "'%s' % ", ''))   # from the same place, so of the same kind
        yield cure('text of a number', edits, '%s becomes text before it is joined' % (code_of(bad) or 'it'), 0.86,
                   'the number is wanted as text, and %s leaves a text as it is' % how)


WORDS_FOR = {'|': 'or', '&': 'and'}


def text_in_calculation(case, found):
    """'80' / 10: a number that came as text; where both did, all that the calculation reads. `uri | name`, where
    the two are no numbers: `or` is meant."""
    sides = [TEXT if found.group(side) in TEXT_TYPES else found.group(side) for side in ('left', 'right')]
    sign, number = found.group('sign'), [one for one in sides if one in ('int', 'float', 'long')]
    for node in own_part(case.statement):
        if node.kind != 'BinOp' or SIGNS.get(node.op) != sign:
            continue
        if sign in WORDS_FOR:
            text, word = case.source.text, WORDS_FOR[sign]
            at = text.index(sign, node.left.outer[1])
            if node.parent.kind in ('If', 'While', 'IfExp', 'BoolOp', 'UnaryOp') or is_apart(node):
                word = word.join('' if text[beside].isspace() else ' ' for beside in (at - 1, at + 1))
                yield cure('right operator', [(at, at + 1, word)], '%s is written in place of %s' % (
                    word.strip(), sign), 0.9, '%s is for numbers and sets' % sign)
            continue
        if sign == '%' and found.group('right') in ('tuple', 'dict') and node.left.kind == 'Name' and \
                node.left.id not in bindings(case.source.tree):
            yield cure('right type', enclose(node.left, 'str(', ')'), 'it becomes a text first', 0.86,
                       'what is formatted is a text, as a rule')
        bad = [one for one, kind in zip((node.left, node.right), sides) if kind == TEXT]
        if len(bad) == 2 and sign in '-/*':
            number = ['float'] if sign == '/' else ['int']
            bad = [one for side in bad for one in summands(side)]
        if not bad or not number or any(one.kind in ('Num', 'Str') for one in bad):
            continue
        edits = [edit for one in bad for edit in enclose(one, '%s(' % number[0], ')')]
        yield cure('right type', edits, 'it becomes a number first', 0.84, 'the number came as text')


def summands(node):
    """What a calculation is made of."""
    return summands(node.left) + summands(node.right) if node.kind == 'BinOp' else [node]


TEXT_TYPES = frozenset('str unicode _ElementStringResult _ElementUnicodeResult'.split())


def pairs_of_dict(case, found):
    """`for key, value in d`, where d is a dict: that gives the keys alone."""
    for node in frame_part(case):
        if node.kind in ('For', 'comprehension') and node.target.kind in ('Tuple', 'List') and len(
                node.target.elts) == 2 and is_dict(case, node.iter):
            yield cure('right value', enclose(node.iter, '', '.items()'), 'the pairs of key and value are read', 0.93,
                       'a dict gives its keys alone')


def is_dict(case, node):
    """Whether an expression, or all that the functions behind a call answer, is a dict."""
    if node.kind == 'Name':
        values = [value for value in values_before(case, node.id, node.start) if value.kind != 'Name']
        return bool(values) and all(is_dict(case, value) for value in values)
    if make_of(case, node) == 'dict':
        return True
    answers = [(function, one.value) for function in functions_behind(case, node) for one in returns_of(function)]
    return bool(answers) and all(value is not None and make_of(case._replace(
        source=function.source, function=function), value) == 'dict' for function, value in answers)


def paired_element(case, found):
    """`for x in enumerate(y)`, where x is taken for the element alone: the number gets a name of its own."""
    for loop in [one for one in ancestors(case.statement) if one.kind == 'For'] + [case.statement]:
        if loop.kind != 'For' or loop.target.kind != 'Name' or loop.iter.kind != 'Call':
            continue
        uses = [node for node in reads(case.function, loop.target.id) if is_in(node, loop)]
        if any(is_indexed(node) and index_of(node.parent) is not None and index_of(node.parent).kind == 'Num'
               for node in uses) or not any(is_in(node, case.statement) for node in uses):
            continue                            # the parts of the pair are asked for
        method = last_name(loop.iter.func)
        if method == 'enumerate' or method in ('items', 'iteritems') and any(asked_of(node) for node in uses):
            first = fresh_name(case, 'number' if method == 'enumerate' else 'key')
            yield cure('name the pair', [(loop.target.start, loop.target.start, first + ', ')],
                       '%s is the element alone, as it is used' % loop.target.id, 0.93,
                       '%s() gives pairs of a %s and an element' % (method, first.rstrip('0123456789')))


def key_of_pair(case, found):
    """`sorted(d.items(), key=f)`, where f takes the key alone."""
    function = case.function
    taken = plain_parameters(function) if function.kind == 'FunctionDef' else []
    if not taken or taken[0] not in names_in(case.statement):
        return
    for _, source in sources_with(case, function.name):
        for use in name_nodes(source.tree, function.name):
            call = use.parent.parent if use.parent.kind == 'keyword' and use.parent.arg == 'key' else None
            rows = last_name(call.args[0].func) if call is not None and call.args and call.args[0].kind == 'Call' and \
                is_name(call.func, 'sorted', 'min', 'max') else None
            if rows in ('items', 'iteritems', 'enumerate'):
                asked = [word for one in reads(function, taken[0]) for _, word in asked_of(one)]
                half = rows == 'enumerate' or any(one not in TEXT_METHODS for one in asked)
                yield cure('right value', enclose(use, 'lambda pair: ', '(pair[%d])' % half),
                           '%s gets one half of the pair' % function.name, 0.93, '%s() gives pairs, and %s takes one '
                           'value' % (rows, function.name), path_of(case, use))


def list_for_element(case, found):
    """`[f(rows) for row in rows]`, where f fails on a list: the row is meant."""
    function = case.function
    taken = given_parameters(function) if function.kind == 'FunctionDef' else []
    if not taken or taken[0] not in names_in(case.statement):
        return
    for _, source in sources_with(case, ' in '):
        for loop in walk(source.tree):
            around = loop.parent if loop.kind == 'comprehension' else loop if loop.kind == 'For' else None
            if around is None or loop.target.kind != 'Name' or loop.iter.kind != 'Name':
                continue
            calls = [one for one in walk(around) if one.kind == 'Call' and one.args and is_name(
                one.args[0], loop.iter.id) and (last_name(one.func) == function.name or one.func.kind == 'Name' and any(
                    one.func.id in parameter_names(outer) for outer in ancestors(loop) if outer.kind == 'FunctionDef'))]
            if calls and not any(is_name(node, loop.target.id) and node.ctx == 'Load' for node in walk(around)):
                yield cure('right value', written([one.args[0] for one in calls], loop.target.id),
                           '%s is handed over, one at a time' % loop.target.id, 0.93,
                           'the loop does not use its %s, and hands all of them over' % loop.target.id,
                           path_of(case, around))


def part_of_answer(case, found):
    """`name = f(x)` where f answers a tuple, and the others who call it take one of its parts: the same part."""
    for name in names_in_order(case.statement):
        origins = [one for one in statements(case.function) if one.kind == 'Assign' and one.start < case.statement.start
                   and is_name(one.targets[0], name)]
        call = origins[-1].value if origins else None
        parts = set()
        for function in functions_behind(case, call) if call is not None else ():
            answers = [one.value for one in returns_of(function)]
            if not answers or any(one is None or one.kind != 'Tuple' for one in answers):
                return
            asked = [index_of(one.parent) for one in bundle_nodes(case, 'Call', function.name) if is_indexed(one)]
            parts.update(one.s if one.kind == 'Str' else one.text for one in asked if one is not None)
            parts.update(str(number) for answer in answers for number, one in enumerate(answer.elts)
                         if len(answers) == 1 and is_name(one, name))
        if len(parts) == 1 and min(parts).isdigit():
            yield cure('right value', [(call.end, call.end, '[%s]' % min(parts))],
                       '%s is the part of the answer that is meant' % name, 0.93,
                       '%s() answers several values at once' % last_name(call.func))


def other_beginning(case, found):
    """What begins as [] and is only used as a dict, or the other way round: it begins as the other."""
    wrong, right, methods = ('[]', '{}', DICT_METHODS) if 'list' in found.group() else ('{}', '[]', LIST_METHODS)
    function = case.function
    for node in own_part(case.statement) if function.kind == 'FunctionDef' else ():
        if node.kind not in ('Attribute', 'Subscript') or node.value.kind != 'Name' or \
                node.kind == 'Subscript' and not (node.ctx == 'Store' and node.parent.kind == 'Assign'):
            continue                            # an empty dict has none of it either
        name, args = node.value.id, function.args
        binders = bindings(function).get(name, ())
        given = [one.value for one in (statement_of(one) for one in binders if one.kind == 'Name')
                 if one.kind == 'Assign']
        pairs = [one for one in binders if one.parent.kind == 'Tuple' and one.parent.parent.kind == 'Assign']
        if pairs and len(given) == len(pairs):  # a, b = '', []
            given = [value for one in pairs for whole in [one.parent.parent.value] if whole.kind == 'Tuple'
                     for value in whole.elts[one.parent.elts.index(one):][:1]]
        given += [value for one, value in zip(reversed(args.args), reversed(args.defaults)) if is_name(one, name)]
        uses = [one for one in name_nodes(function, name) if one.ctx == 'Load'] if given else ()
        if uses and [one.text for one in given] == [wrong] and all(
                one.parent.kind in ('Return', 'Compare') or is_call(one.parent, 'copy', 'sorted', 'len', 'update') or
                one.parent.kind == 'Attribute' and one.parent.attr in methods or is_indexed(one) and (
                    right == '{}') == (index_of(one.parent) is not None and index_of(one.parent).kind != 'Num')
                for one in uses):
            yield cure('right type', [(given[0].start, given[0].end, right)], '%s begins as %s' % (name, right), 0.9,
                       'all that is done with it is done with %s' % ('a dict' if right == '{}' else 'a list'))
            return


def first_of_list(case, found):
    """`link = item.xpath('a')`, and link is asked for what an element has: its first one."""
    name = found.group('name')
    for node in own_part(case.statement) if name in MEMBERS['HtmlElement'].split() else ():
        made = found_by_search(case, node.value) if node.kind == 'Attribute' and node.attr == name else None
        if made is None:
            continue
        uses = [use for use in later_uses(case, node.value.id, statement_of(made)) if use.ctx == 'Load'] \
            if made is not node.value else []
        asked = [use for use in uses if use.parent.kind == 'Attribute' and use.parent.attr in MEMBERS[
            'HtmlElement'].split()]
        where = [made] if len(asked) == len(uses) or not any(is_list_use(use) for use in uses) else asked
        yield cure('right value', [(one.outer[1], one.outer[1], '[0]') for one in where],
                   'the first of what was found is taken', 0.92, 'a search gives a list, and one element is meant')
        return


def found_by_search(case, node):
    """The call of a search for elements that an expression is, or that its variable was surely set to; or None."""
    if node.kind == 'Name':
        values = values_before(case, node.id, node.start)
        node = values[-1] if values and len(set(value.kind for value in values)) == 1 else node
    return node if is_call(node, 'xpath', 'cssselect', 'findall') and root_name(
        node.func) not in ('re', 'Regex') else None


def is_list_use(use):
    """Whether a variable is used there as a list: an index, a length, a loop, a test."""
    around = use.parent
    return around.kind in ('Subscript', 'For', 'comprehension', 'If', 'UnaryOp', 'BoolOp', 'IfExp', 'Compare') or \
        around.kind == 'Call' and is_name(around.func, 'len', 'list', 'sorted', 'enumerate', 'reversed')


def other_language(case, found):
    """`url.contains('x')`, `names.length`: what other languages have, as Python writes it."""
    name, edits = found.group('name'), []
    first = next((node for node in own_part(case.statement) if node.kind == 'Attribute' and node.attr == name), None)
    for node in nodes_named(case.source, 'Attribute', name) if name in OTHERWISE_WRITTEN and first is not None else ():
        call = node.parent if is_called(node) else None
        base, argument = operand(node.value), call.args[0].text if call is not None and call.args else ''
        shape, takes = OTHERWISE_WRITTEN[name]
        if base is None or node.value.text != first.value.text or function_around(node) is not function_around(first) \
                or call is not None and len(call.args) != takes or call is None and takes:
            continue
        whole = call or node
        text = shape.format(base, argument)
        loose = shape[-1] not in ')]' and not whole.parens and whole.parent.kind in LOOSE and \
            whole.parent.kind != 'BoolOp' or is_apart(whole, 'Attribute', 'Subscript')
        edits.append((whole.start, whole.end, '(%s)' % text if loose else text))
    if edits:
        yield cure('right name', edits, '%s is written as Python has it' % name, 0.93,
                   'no text or list of Python has a %s' % name)


# what other languages have for texts and lists -> how Python writes it, and the number of arguments
OTHERWISE_WRITTEN = {
    'contains': ('{1} in {0}', 1), 'includes': ('{1} in {0}', 1), 'length': ('len({0})', 0), 'size': ('len({0})', 0),
    'trim': ('{0}.strip()', 0), 'toLowerCase': ('{0}.lower()', 0), 'toUpperCase': ('{0}.upper()', 0),
    'indexOf': ('{0}.find({1})', 1), 'lastIndexOf': ('{0}.rfind({1})', 1), 'equals': ('{0} == {1}', 1),
    'charAt': ('{0}[{1}]', 1), 'push': ('{0}.append({1})', 1), 'isEmpty': ('not {0}', 0)}


def readable_path(case, found):
    """An XPath that stands there with a bracket too many or too few, or a slash at its end."""
    edits = []
    for call in calls_of(own_part(case.statement), 'xpath'):
        text = call.args[0] if call.args else None
        if text is None or text.kind != 'Str' or text.s not in text.text:
            continue
        better = mended_path(text.s)
        if better is not None:
            at = text.start + text.text.index(text.s)
            edits.append((at, at + len(text.s), better))
    yield cure('right value', edits, 'the XPath is written so that it can be read', 0.9,
               'its brackets do not fit, or nothing stands behind its last slash')


def mended_path(path):
    """An XPath without a bracket that nothing opens or a slash that leads nowhere; None where it seems right."""
    open_ones, kept = [], []
    for part in re.findall(r'(?s)"[^"]*"|\'[^\']*\'|.', path):
        if part in CLOSED_BY:
            open_ones.append(CLOSED_BY[part])
        elif part in ')]' and part not in open_ones:
            continue
        while part in ')]' and open_ones[-1] != part or part == '/' and ']' in open_ones and kept[-1][0] in '"\'':
            kept.append(open_ones.pop())        # what stands behind a text within brackets is a step of its own
        open_ones = open_ones[:-1] if part in ')]' else open_ones
        kept.append(part)
    text = re.sub(r'([^/\s])/+\s*$', r'\1', ''.join(kept)) + ''.join(reversed(open_ones))
    return text if text != path else None


CLOSED_BY = {'(': ')', '[': ']', '{': '}'}


def way_to_text(node):
    """The end of what asks an answer for its text, as others have it: `.read()`, `.text`; None for whatever else."""
    asked = node.parent if node.parent.kind == 'Attribute' and node.parent.attr in ('read', 'content', 'text') else None
    return asked and (asked.parent if is_called(asked) else asked).end


def text_of_answer(case, found):
    """`page = HTTP.Request(url)`, and page is used as if it were the text that came: that is its content."""
    for node in own_part(case.statement):
        call = node
        if node.kind == 'Name' and node.ctx == 'Load':
            values = values_before(case, node.id, node.start)
            call = values[-1] if values else node
        made = ANSWERS.get(last_name(call.func)) if call.kind == 'Call' else None
        if made is None or made[0] and root_name(call.func) != made[0] or node.parent.kind == 'Attribute' and \
                node.parent.attr in MEMBERS[made[2]].split():
            continue
        as_object = call is not node and any(
            use.parent.kind == 'Attribute' and use.parent.attr in MEMBERS[made[2]].split()
            for use in name_nodes(case.function, node.id) if use.ctx == 'Load')
        asked = [use for use in (name_nodes(case.function, node.id) if call is not node else ()) if way_to_text(use)]
        edits = [(one.outer[1], way_to_text(one) or one.outer[1], made[1])
                 for one in (asked if node in asked else [node if as_object else call])]
        yield cure('right value', edits,
                   'the text of the answer is taken, not the request', 0.93,
                   '%s() gives an object, and the text that came is its %s' % (last_name(call.func), made[1]))
        return


# what asks for a page -> (on what it is called, how the text is had from what it gives, what that is)
ANSWERS = {'Request': ('HTTP', '.content', 'HTTPRequest'), 'urlopen': (None, '.read()', 'addinfourl')}


def functions_behind(case, call):
    """The bundle's own functions of the name that is called."""
    name = last_name(call.func) if call.kind == 'Call' else None
    return bundle_nodes(case, 'FunctionDef', name) if name else []


def text_of_element(case, found):
    """re.search(pattern, node.xpath('./a')[0]): the text of the element."""
    for call in frame_part(case):
        asked = text_argument(call) if is_call(call, *SEARCHES) else None
        bad = asked.values[0] if asked is not None and is_op(asked, 'Or') else asked
        if bad is None or of_xpath(bad) != 'element':
            continue
        edits = enclose(bad, '', '.text') if bad is not asked else enclose(bad, '(', ".text or '')")
        yield cure('right value', edits, 'the text of the element is searched, not the element', 0.88,
                   'an XPath without text() or an @attribute finds elements, which no pattern can search')


SEARCHES = ('search', 'match', 'findall', 'finditer', 'sub', 'subn', 'split')


def of_xpath(node):
    """'element' or 'text' for one of what an XPath that stands there finds; None for anything else."""
    made = node.value if node.kind == 'Subscript' and index_of(node) is not None else None
    if made is None or made.kind != 'Call' or last_name(made.func) != 'xpath' or not made.args:
        return None
    path = made.args[0].left if is_op(made.args[0], 'Mod') else made.args[0]
    if path.kind != 'Str' or '|' in path.s:
        return None
    return 'text' if re.search(r'(text\(\)|@[\w:-]+|string\(.*\))$', path.s.strip()) else 'element'


def not_callable(case, found):
    """'X' object is not callable: parentheses too many, or the module's name in place of its class."""
    owner = found.group('type')
    for call in sorted([one for one in own_part(case.statement) if one.kind == 'Call'], key=lambda one: one.end):
        func = call.func                        # (what is called first comes first)
        if func.kind in ('Tuple', 'List', 'Dict') and call.parent.kind in ('Tuple', 'List', 'Set', 'Call') and \
                re.match(r'[ \t]*(#.*)?[\r\n]', case.source.text[func.outer[1]:call.end]):
            yield cure('right brackets', [(func.outer[1], func.outer[1], ',')], 'a comma stands between the two', 0.95,
                       'the one in front is no function, and the next line is the next of the list')
        elif func.kind == 'Str' and '%' in func.s and call.args and not call.keywords:
            yield cure('right format', [(func.outer[1], func.outer[1], ' %')], 'the values are put into the text', 0.95,
                       'a text is not called; what is missing before its values is the %')
        elif owner == 'NotImplementedType' and is_name(func, 'NotImplemented'):
            yield cure('right name', [(func.end, func.end, 'Error')], 'NotImplementedError is raised', 0.95,
                       'NotImplemented is a value, which cannot be called')
        elif owner.endswith('SRE_Pattern') and len(call.args) == 2 and call.args[0].kind == 'Str':
            yield cure('right method', [(func.end, func.end, '.sub')], 'the pattern puts one text for another', 0.9,
                       'a pattern is not called; with a text to put in, sub() is meant')
        elif owner == 'module' and func.kind == 'Name' and func.id in ('datetime', 'time', 'copy', 'glob', 'random',
                                                                     'StringIO'):
            yield cure('right name', [(func.end, func.end, '.' + func.id)], '%s.%s is called in place of the module'
                       % (func.id, func.id), 0.85, 'the module is no function, and holds one of its own name')
        elif owner in ('list', 'dict', 'tuple') and len(call.args) == 1 and not (
                call.keywords or spread(case, call) or is_name(func, owner)):
            opening = case.source.text.index('(', func.outer[1])
            yield cure('right brackets', [(opening, opening + 1, '['), (call.end - 1, call.end, ']')],
                       'it is indexed, not called', 0.8, 'a %s is indexed with square brackets' % owner)
        elif owner in ('str', 'unicode', 'int', 'float', 'bool', 'NoneType', 'list', 'dict', 'tuple',
                       '_ElementUnicodeResult',
                       '_ElementStringResult') and func.kind == 'Attribute' and not (
                           call.args or call.keywords or is_method_too(case, func.attr)):
            yield Proposal('right brackets', [(func.end, call.end, '')], 'the parentheses behind .%s are taken away'
                           % func.attr, 'nothing', 'low' if owner != 'NoneType' else 'medium',
                           0.8 if owner != 'NoneType' else 0.3, '.%s is a value, no function' % func.attr)


def methods_of_bundle(case, name):
    """The methods of a name that the classes of the bundle have."""
    return [one for one in bundle_nodes(case, 'FunctionDef', name) if one.parent.kind == 'ClassDef']


def is_method_too(case, name):
    """Whether something of the bundle sets an attribute that a class of it has as a method: that is what was meant."""
    return bool(methods_of_bundle(case, name)) and any(stored(one) for one in bundle_nodes(case, 'Attribute', name))


def set_over_method(case, found):
    """`self.stop = True` in `def stop(self)`: from then on there is no stop() any more. The attribute gets another
    name, where it is set and where it is read."""
    for func in [one.func for one in own_part(case.statement) if one.kind == 'Call' and one.func.kind == 'Attribute']:
        name, methods = func.attr, methods_of_bundle(case, func.attr)
        owner, new = methods[0].parent if len(methods) == 1 else None, '%s_set' % name
        if owner is None or new in owner.source.text or methods[0].decorator_list or asks_by_text(owner) or any(
                re.search(r'[\'"]%s[\'"]' % name, source.text) for _, source in sources_with(case, name)):
            continue
        flags = [one for one in bundle_nodes(case, 'Attribute', name) if not is_called(one)]
        flags += [node for one in owner.body if one.kind == 'Assign' for node in one.targets if is_name(node, name)]
        if not any(map(sets_self, flags)) or not all(is_in(one, owner) and one.source is owner.source and (
                one.kind == 'Name' or is_name(one.value, 'self')) and one.parent.kind not in ('Call', 'keyword')
                for one in flags):
            continue                            # (what is handed over may be the method)
        asked = [one for one in flags if one.ctx == 'Load']
        begun = [one for one in flags if one.kind == 'Name' or sets_self(one) and statement_of(one) in getattr(
            enclosing(one, 'FunctionDef'), 'body', ()) and enclosing(one, 'FunctionDef').name == '__init__']
        if not all(is_tested(one) for one in asked) or asked and not begun:
            continue                            # (before it is set there was the method, which is true)
        yield cure('right name', [(one.end - len(name), one.end, new) for one in flags], 'the attribute is called %s'
                   % new, 0.9, '%s is a method, and what is set under its name hides it' % name, path_of(case, owner))


NEW_LISTS = 'filter map zip sorted range list keys values items findall split splitlines readlines'.split()


def turned_iterator(case, found):
    """`next(filter(f, rows))`, a list in Python 2: its iterator. (One that has a name would begin anew each time.)"""
    given = bindings(case.source.tree).get('iter', ())
    if 'Contents/Code/' in '/' + case.source.path and not given or any(one.kind != 'alias' for one in given):
        return                                  # the sandbox has no iter()
    edits = [edit for call in calls_of(own_part(case.statement), 'next') if call.func.kind == 'Name' and call.args and (
        call.args[0].kind == 'ListComp' or is_call(call.args[0], *NEW_LISTS)) for edit in enclose(
            call.args[0], 'iter(', ')')]
    if edits and found.group('type') == 'list':
        yield cure('right type', edits, 'the first of them is asked for', 0.92,
                   'next() takes an iterator, which a %s is not' % found.group('type'))


def raised_text(case, found):
    """`raise str(error)`: below an except, the error itself; elsewhere, an Exception that says so."""
    statement = case.statement
    if statement.kind == 'Raise' and statement.type is not None and statement.inst is None:
        start, end = statement.type.outer
        handler = enclosing(statement, 'ExceptHandler', 'FunctionDef')
        again = handler is not None and handler.kind == 'ExceptHandler' and caught_as(handler) in names_in(
            statement.type)
        yield cure('right exception', [(statement.start + len('raise'), end, '')] if again else [
            (start, start, 'Exception('), (end, end, ')')], 'the error that was caught is raised again' if again else
            'what is raised is an Exception', 0.9, 'a text cannot be raised')


def unbound_method(case, found):
    """descriptor 'split' requires a 'str' object but received a 'unicode': the value's own method, whatever it is."""
    edits = []
    for node in own_part(case.statement):
        if node.kind != 'Attribute' or not is_name(node.value, found.group('type')):
            continue
        call = node.parent
        if not (call.kind == 'Call' and call.func is node):
            edits.append((node.start, node.end, 'lambda text: text.%s()' % node.attr))      # handed over
        elif call.args and not call.args[0].kind == 'Lambda':
            first, rest = call.args[0], (call.args[1:] + [call])[0]
            end = rest.outer[0] if rest is not call else first.outer[1]
            loose = is_loose(first)
            edits += [(node.start, first.outer[0], '(' * loose),
                      (first.outer[1], end, '%s.%s(' % (')' * loose, node.attr))]
    yield cure('right method', edits, 'the method of the value itself is called', 0.93,
               'a text from elsewhere may be str or unicode, and both have the method')


def wrong_arguments(case, found):
    """f() takes exactly n arguments, or got an unexpected keyword argument."""
    name, unexpected = found.group('name'), re.search(r"unexpected keyword argument '(\w+)'", case.message)
    definitions, calls = nodes_named(case.source, 'FunctionDef', name), calls_of(own_part(case.statement), name)
    ways = [] if calls else run_at_once(case, definitions) or list(behind_wrapper(case, definitions))
    ways += handed_over_twice(case)
    if name == '__init__':
        calls = [node for node in own_part(case.statement) if node.kind == 'Call' and (
            not unexpected or unexpected.group(1) in [one.arg for one in node.keywords])]
        definitions = [one for call in calls[:1] for owner in classes_called(case, last_name(call.func) or '')
                       for one in owner.body if one.kind == 'FunctionDef' and one.name == name]
        calls = calls if len(calls) == 1 else []
    if name in ('str', 'int', 'float', 'len', 'repr', 'bool', 'list') and not definitions:
        ways += [cure('right arguments', [(call.args[0].outer[1],) * 2 + (')',), (call.end - 1, call.end, '')],
                      'the bracket of %s() closes behind its value' % name, 0.92, 'what stands behind it is meant for '
                      'the call around') for call in calls if len(call.args) == 1 and call.keywords and
                 call.parent.kind == 'Call' and call.parent.args[-1:] == [call] and not call.parent.keywords and not (
                     last_name(call.parent.func) in TEXT_METHODS or any(one.arg in (
                         'encoding', 'errors', 'base', 'key', 'reverse', 'default') for one in call.keywords))]
    if name == 'strip' and not definitions:
        ways += [cure('right name', [(call.func.end - len(name), call.func.end, 'replace')], 'one text is put for the '
                      'other', 0.92, 'strip() takes one text only; with two, replace() is meant')
                 for call in calls if [one.kind for one in call.args] == ['Str', 'Str']]
    if not definitions and unexpected and calls:
        elsewhere = [one for one in bundle_nodes(case, 'FunctionDef', name) if one.parent.kind == 'Module' or any(
            call.func.kind == 'Attribute' for call in calls)]
        return ways + list(keywords_as_taken(elsewhere[0], calls)) if len(elsewhere) == 1 else ways
    if len(definitions) != 1:
        return ways
    ways += list(keywords_as_taken(definitions[0], calls)) if unexpected else []
    ways += list(called_at_once(calls, definitions[0]))
    function = definitions[0]
    own = list(object_taken(case, function))
    if own:
        return ways + own
    if unexpected:
        return ways + list(unexpected_keyword(function, calls, unexpected.group(1)))
    return ways + [way for call in calls if not (call.starargs or call.kwargs) for way in fitted(case, function, call)]


def of_own_object(case, found):
    """`Base.__init__()` in a method of what is made of Base: the object goes with it."""
    for call in calls_of(own_part(case.statement), found.group('name')):
        name, owner = found.group('type'), case.function.parent
        given = [given_parameters(one) for base in classes_called(case, name) for one in base.body
                 if one.kind == 'FunctionDef' and one.name == found.group('name')]
        if takes_self(case.function) and owner.kind == 'ClassDef' and name in map(last_name, owner.bases) and \
                call.func.kind == 'Attribute' and last_name(call.func.value) == name and not any(
                    len(call.args) > len(one) for one in given) and not (call.args and is_name(call.args[0], 'self')):
            at = call.func.outer[1] + 1
            yield cure('right arguments', [(at, at, 'self, ' if call.args or call.keywords or call.starargs or
                                            call.kwargs else 'self')], 'the object itself is handed over', 0.94,
                       'a method that is called of its class gets no object by itself')
            continue
        made = [one for one in nodes_named(case.source, 'Call', name) if is_name(one.func, name) and not (
            one.keywords or spread(case, one)) and all(is_name(getattr(part, 'value', None), 'self') or part.kind in (
                'Str', 'Num') for part in one.args)]
        kin = [enclosing(one, 'ClassDef') for one in made]
        kin = [one is owner or takes_self(case.function) and one is not None and owner.kind == 'ClassDef' and set(map(
            flat, one.bases)).intersection(map(flat, owner.bases)) - set(['object']) for one in kin]
        made = set(one.text[len(name):] for one in made)
        if len(made) == 1 and is_name(call.func.value, name) and (all(kin) or made == set(['()'])):
            at = call.func.value.end
            yield cure('right arguments', [(at, at, made.pop())], 'an object of %s is made for it' % name, 0.88,
                       'a method needs one, and the file makes one so elsewhere')


def called_at_once(calls, function):
    """`key=F(x=1)` of an entry of a menu, where F takes more: a Callback is meant."""
    for call in calls:
        entry = call.parent.parent if call.parent.kind == 'keyword' and call.parent.arg == 'key' else None
        if entry is None or not is_entry(entry) or call.starargs or call.kwargs or not set(
                one.arg for one in call.keywords) <= names_in(function.args):
            continue
        edits = [(call.start, call.func.end + 1, 'Callback(%s%s' % (call.func.text, ', ' * bool(
            call.args or call.keywords)))]
        around = entry.parent
        if around.kind == 'Call' and around.args == [entry] and around.keywords and last_name(around.func) == 'add':
            edits += [(entry.end - 1, entry.end, ''), (around.end, around.end, ')')]
        yield cure('right arguments', edits, '%s is called when the entry is opened' % call.func.text, 0.92,
                   'it stands there to be called later, and does not get all that it takes')


def handed_over_twice(case):
    """f(a=1, **values), where values holds an `a` too."""
    twice = re.search(r"multiple values for keyword argument '(\w+)'", case.message)
    for call in own_part(case.statement) if twice else ():
        if call.kind == 'Call' and call.kwargs is not None and any(one.arg == twice.group(1) for one in call.keywords):
            text = "dict((key, value) for key, value in %s.items() if key != '%s')" % (call.kwargs.text, twice.group(1))
            yield cure('right arguments', [call.kwargs.outer + (text,)], '%s is handed over once, as it is written '
                       'there' % twice.group(1), 0.9, 'the dict behind the asterisks may hold it too')


def argument_counts(case):
    """[how many arguments a function takes, how many it was given], as the error says; fewer where it says less."""
    return [int(number) for number in re.findall(r'(\d+)(?= argument| given)', case.message)]


def object_taken(case, function):
    """A static method that asks for a self, or another one that does not and gets one argument more than it takes."""
    names, counts = plain_parameters(function), argument_counts(case)
    if has_decorator(function, 'staticmethod') and names[:1] == ['self']:
        edits = [edit for one in function.parent.body if has_decorator(one, 'staticmethod')
                 for edit in without_self(one)]
        if edits and not name_nodes(function, 'self')[1:]:
            yield cure('right arguments', edits, '%s takes no self' % function.name, 0.92,
                       'a static method gets no object')
    elif function.parent.kind == 'ClassDef' and 'self' not in names and names[:1] not in (['cls'], ['this']) and not (
            has_decorator(function, 'staticmethod', 'classmethod') or counts[1:] and counts[0] > counts[1]) and len(
                bindings(function.parent).get(function.name, ())) == 1:     # (get = staticmethod(get))
        at = function.source.text.index('(', function.def_at) + 1
        yield cure('right arguments', [(at, at, 'self, ' if names else 'self')], '%s takes self' % function.name, 0.9,
                   'a method of a class gets its object first')


def fitted(case, function, call):
    """Ways to make a call and the one function of its name fit, where there are too few or too many arguments."""
    name, parameters, given = function.name, plain_parameters(function), given_parameters(function)
    named = set(keyword.arg for keyword in call.keywords)
    absent = [one for one in given[:len(given) - len(function.args.defaults)][len(call.args):] if one not in named]
    idle = [one for one in function.args.args if absent and is_name(one, absent[0])]
    first = min([node for node in name_nodes(function, absent[0]) if node not in idle] if idle else [],
                key=lambda node: node.start) if idle and reads(function, absent[0]) else None
    at = function.args.args.index(idle[0]) if idle else 0
    if first is not None and len(absent) == 1 and first.ctx == 'Store' and statement_of(first) in function.body and \
            at and all(len(one.args) + len(one.keywords) < len(given) for one in bundle_nodes(case, 'Call', name)) and \
            all(is_called(one) for one in name_nodes(case.source.tree, name)):      # (elsewhere it may get one)
        yield cure('right arguments', [(function.args.args[at - 1].outer[1], idle[0].outer[1], '')],
                   '%s takes no %s' % (name, absent[0]), 0.9, 'it sets it itself, and nobody hands one over')
        return
    gap = gap_between(call, given) if len(absent) == 1 else None
    if gap is not None:
        around = enclosing(case.statement, 'ClassDef') if takes_self(case.function) else None
        own = around is not None and (given[gap] in bound_names_of_class(around) or any(
            is_name(node.value, 'self') and is_in(node, around)
            for node in nodes_named(case.source, 'Attribute', given[gap])))
        text = given[gap] if given[gap] in visible_names(case, call) else 'self.' + given[gap] if own else None
        if text:
            at = call.args[gap].outer[0]
            yield cure('right arguments', [(at, at, text + ', ')], '%s is handed over' % text, 0.93,
                       '%s needs it there, and what else is handed over is called as its parameters' % name)
        return
    bears_none = len(absent) == 1 and parameter_effect(case, function, absent[0], NOTHING) > CRASH
    constants = set(one.targets[0].id for one in case.source.tree.body if name_assigned(one) and one.value.kind in (
        'Str', 'Num')) - set(
            one for around in ancestors(call) if around.kind == 'FunctionDef' for one in bindings(around))
    if absent and set(absent) <= visible_names(case, call) - constants:
        words = ', '.join('%s=%s' % (one, one) if named else one for one in absent)
        yield cure('right arguments', one_more(call, words), '%s is handed over' % ' and '.join(absent), 0.84,
                    '%s needs it, and a variable of that name is at hand' % name)
    elif bears_none and absent[0] == parameters[-1] and not function.args.defaults and not function.args.vararg:
        yield Proposal('right arguments', enclose(function.args.args[-1], '', '=None'),
                       '%s may be left out' % absent[0], 'what %s would do with %s' % (name, absent[0]), 'medium', 0.4,
                       'one call leaves it out; None stands in')
    inner = call.args[0] if len(call.args) == 1 and len(absent) == 1 and not named else None
    if inner is not None and inner.kind == 'Call' and inner.func.kind == 'Attribute' and len(inner.args) == 1 and \
            not inner.keywords and any(
                one.func.kind == 'Attribute' and is_name(one.func.value, given[0]) and any(
                    given[1] in names_in(other) for other in one.args)
                for one in calls_of(walk(function), inner.func.attr)):
        base, asked = inner.func.value.outer, inner.args[0].outer
        yield cure('right arguments', [(base[1], asked[0], ', '), (asked[1], inner.outer[1], '')],
                   '%s and %s are handed over apart' % tuple(given[:2]), 0.93,
                   '%s calls .%s() itself' % (name, inner.func.attr))
    counts, lost = argument_counts(case), list(lost_parameter(case, function))
    extra = min([len(call.args) - len(given)] + [got - takes for takes, got in zip(counts, counts[1:]) if got > takes])
    for proposal in lost:
        yield proposal
    if extra > 0 and not (lost or is_act(call) or function.args.vararg) and all(map(repeatable, call.args[-extra:])):
        start = call.args[-extra - 1].outer[1] if len(call.args) > extra else call.args[0].outer[0]
        yield Proposal('right arguments', [(start, call.args[-1].outer[1], '')],
                       'what %s does not take is no longer handed over' % name, 'nothing', 'medium', 0.55,
                       '%s takes %d and gets %d' % (name, len(given), len(call.args)))


def one_more(call, text):
    """Edits that hand one more argument, or several, over, behind the others that are no starred ones."""
    given = call.args + [one.value for one in call.keywords]
    at = max(one.outer[1] for one in given) if given else call.source.text.index('(', call.func.outer[1]) + 1
    starred = call.starargs is not None or call.kwargs is not None
    return [(at, at, ', ' * bool(given) + text + ', ' * (starred and not given))]


def without_self(function):
    """Edits that take the self away that a static method asks for and does not use."""
    args = function.args.args
    if not args or not is_name(args[0], 'self') or name_nodes(function, 'self')[1:]:
        return []
    return [(args[0].start, args[1].start if args[1:] else args[0].end, '')]


def run_at_once(case, definitions):
    """[Proposal] for @parallelize, which calls its function at once, with nothing: what that needs is bound there; or
    @parallel is meant, which runs the tasks at each call."""
    function = definitions[0] if len(definitions) == 1 and case.message.endswith('(0 given)') else None
    if function is None or [last_name(one) for one in function.decorator_list] != ['parallelize']:
        return []
    args, around = function.args.args, enclosing(function, 'FunctionDef')
    bare = [one for one in args[:len(args) - len(function.args.defaults)] if one.kind == 'Name']
    if around is not None and all(one.id in bindings(around) for one in bare):
        return [cure('right arguments', [(one.end, one.end, '=' + one.id) for one in bare],
                     '%s is bound where the function is defined' % ' and '.join(one.id for one in bare), 0.92,
                     '@parallelize calls the function itself, with nothing')]
    start, end = function.decorator_list[0].start, function.decorator_list[0].end
    return [cure('right name', [(start, end, 'parallel')], '@parallel is written in place of @parallelize', 0.92,
                 '@parallelize calls its function where it is defined, with nothing')]


def behind_wrapper(case, definitions):
    """`func(*args, **kwargs)` of a decorator: the functions of that name do without what their caller leaves out."""
    counts = argument_counts(case)
    edits, words = [], set()
    for function in definitions if len(counts) == 2 and counts[0] > counts[1] else ():
        args = [one for one in function.args.args if one.kind == 'Name']
        if len(args) != counts[0] or function.args.defaults or function.args.vararg or not function.decorator_list:
            continue
        for one in args[counts[1]:]:
            value = usual_default(case, one.id)
            if value == 'None' and parameter_effect(case, function, one.id, NOTHING) == CRASH:
                return
            edits.append((one.outer[1], one.outer[1], '=' + value))
            words.add(one.id)
    if edits:
        yield cure('right arguments', edits, '%s may be left out' % ' and '.join(sorted(words)), 0.88,
                   'the caller hands %d of %d over, and the wrapper passes on what it gets' % (counts[1], counts[0]))


def usual_default(case, name):
    """What the functions of the file take for a parameter that is left out: 'None' where none says it."""
    rows = [row for function in walk(case.source.tree) if function.kind == 'FunctionDef'
            for row in zip(reversed(function.args.args), reversed(function.args.defaults))]
    return next((value.text for one, value in rows if is_name(one, name) and not has_call(value)), 'None')


def keywords_as_taken(function, calls):
    """f(show=a, season=b) of a `def f(show_name, season_number)`: each is handed over as what the function calls it."""
    takes, edits, words = given_parameters(function), [], []
    for call in calls if not (function.args.kwarg or function.args.vararg) else ():
        given = [one.arg for one in call.keywords]
        spare = [one for one in takes[len(call.args):] if one not in given]
        for one in call.keywords if not (call.starargs or call.kwargs) else ():
            fitting = [other for other in spare if one.arg not in takes and (
                set(words_of(one.arg.lower())) < set(words_of(other.lower())) or near_names(one.arg, [other]))]
            if one.arg not in takes and len(fitting) == 1:
                edits.append((one.start, one.start + len(one.arg), fitting[0]))
                words.append(fitting[0])
    if edits and len(set(words)) == len(words) and all(
            one.arg in takes or (one.start, one.start + len(one.arg)) in [edit[:2] for edit in edits]
            for call in calls for one in call.keywords):
        yield cure('right arguments', edits, 'what is handed over is called %s' % ' and '.join(words), 0.92,
                   '%s takes them by these names' % function.name)


def unexpected_keyword(function, calls, keyword_name):
    """The parameter that a keyword is nearly called, or one more of its name."""
    spare = [one for one in plain_parameters(function) if not any(one == other.arg for call in calls
                                                                  for other in call.keywords)]
    parts = words_of(keyword_name)
    alike = [(one, 0.84) for one in spare if len(parts) > 1 and len(words_of(one)) == len(parts) and all(
        a[:4].lower() == b[:4].lower() for a, b in zip(parts, words_of(one)))]
    for near, prior in near_names(keyword_name, plain_parameters(function)) or alike * (len(alike) == 1):
        edits = [(keyword.start, keyword.start + len(keyword_name), near) for call in calls for keyword in call.keywords
                 if keyword.arg == keyword_name]
        yield cure('right arguments', edits, '%s= is written in place of %s=' % (near, keyword_name), prior,
                   '%s has no %s, and has %s' % (function.name, keyword_name, near))
    if function.args.args and not (function.args.kwarg or function.args.vararg or function.name == '__init__' or any(
            map(is_act, calls))):
        last = (function.args.defaults or function.args.args)[-1]
        at = last.outer[1]
        yield Proposal('right arguments', [(at, at, ', %s=None' % keyword_name)],
                       '%s takes %s' % (function.name, keyword_name),
                       'nothing', 'medium', 0.6, 'the caller hands it over; what the function does stays the same')


def wrong_format(case, found):
    """% with too many or too few values."""
    for node in own_part(case.statement):
        if not is_op(node, 'Mod') or node.left.kind not in ('Str', 'Name'):
            continue
        made = [node.left] if node.left.kind == 'Str' else assigned_before(
            case._replace(function=case.source.tree), node.left.id, 0)
        form = ''.join(one.s for value in made if len(made) == 1 for one in walk(value) if one.kind == 'Str')
        wanted = len(re.findall(r'%(?!%)[-+ #0]*(?:\d+|\*)?(?:\.\d+)?[a-zA-Z]', form.replace('%%', '')))
        values = as_list(node.right.elts if node.right.kind == 'Tuple' else node.right)
        call = node.parent
        following = call.args[call.args.index(node) + 1:] if call.kind == 'Call' and node in call.args else []
        if following and any(other is not call and list(map(flat, other.args[1:])) == list(map(flat, following))
                             for other in nodes_named(case.source, 'Call', last_name(call.func))):
            continue                            # who is called so elsewhere, too, takes it beside the text
        if len(values) + len(following) == wanted and following and node.right.kind != 'Tuple':
            start, end = node.right.outer[0], following[-1].outer[1]
            yield cure('right format', [(start, start, '('), (end, end, ')')], 'all values go into the text', 0.92,
                       'the values behind the comma belong to the format')
        elif node.left.kind != 'Str':
            continue                            # what else is put into a text of elsewhere is not known
        elif wanted == 1 and node.right.kind in ('Name', 'Attribute', 'Subscript', 'Call'):
            yield cure('right format', enclose(node.right, '(', ',)'), 'the value goes in as one', 0.8,
                       'a tuple as the only value must itself be in a tuple')
        elif not wanted and '%' not in node.left.s and not is_address(case, node):
            start, end = node.left.outer[1], node.right.outer[1]
            named = '.format(%s)' % ', '.join(code_of(one) for one in values)
            places = bool(re.search(r'\{\w*\}', node.left.s))
            yield cure('right format', [(start, end, named * places)], 'the values go where the text has its places'
                       if places else 'the text stands as it is', 0.88, 'the text has no place for a value')


def named_in_log(case, found):
    """`logger.info('{who} left', who=name)`: a logger of Python's own takes no such values, the text does."""
    own, edits = call_of(case.statement), []
    for call in nodes_named(case.source, 'Call', last_name(own.func)) if own is not None and is_log_call(own) else ():
        fields = re.findall(r'\{(\w+)[^{}]*\}', call.args[0].s) if [one.kind for one in call.args] == ['Str'] else ()
        given = set(one.arg for one in call.keywords)
        if given and given == set(fields) and root_name(call.func) == root_name(own.func):
            edits += [(call.args[0].outer[1], call.keywords[0].start, '.format('), (call.end - 1, call.end - 1, ')')]
    if any(is_within((case.statement.start, case.statement.end), edit) for edit in edits):
        yield cure('right format', edits, 'the values go into the text itself', 0.9,
                   'a log call takes no values by name, and the text has a place for each')


def named_alike(case, found):
    """'{status}'.format(satus=x): what is handed over is nearly called as the text has it."""
    key, _ = unquoted(found.group('key'))
    for call in calls_of(own_part(case.statement), 'format'):
        near = [one for one in call.keywords if one.arg and near_names(one.arg, [key])]
        text = call.func.value if call.func.kind == 'Attribute' else None
        if text is not None and len(near) == 1 and key not in [one.arg for one in call.keywords] and (
                text.kind != 'Str' or re.search(r'\{%s\b' % re.escape(key), text.s)):
            start, wrong = near[0].start, near[0].arg
            yield right_name([(start, start + len(wrong), key)], key + '=', wrong + '=', 0.9, 'the text asks for it')


def escaped_in_format(case, found):
    """'/a%2Fb/%s' % x: the signs of an address that is written in its escaped form are none of the format."""
    for node in own_part(case.statement):
        if is_op(node, 'Mod') and node.left.kind in ('Name', 'Attribute', 'Subscript') and make_of(
                case, node.right) not in ('list', 'dict') and node.right.kind != 'Tuple' and not any(
                    value.kind == 'Tuple' for value in values_before(case, root_name(node.right), node.start)
                ) and 'format character' in case.message and code_of(node.left) and code_of(node.right):
            value = code_of(node.right) if make_of(case, node.right) == 'text' else "'%%s' %% %s" % (
                operand(node.right) or code_of(node.right))
            text = "%s.replace('%%s', %s)" % (code_of(node.left), value)
            edits = wrap([case.statement], ['try:'], ['except ValueError:', '\t%s = %s' % (' = '.join(
                one.text for one in case.statement.targets), text)]) if case.statement.kind == 'Assign' and node is (
                    case.statement.value) and can_wrap([case.statement]) else [(node.start, node.end, text)]
            yield cure('right format', edits, 'the value is put where %s stands', 0.86,
                'the text has other signs of that kind, which are none of the places of a format')
        if is_op(node, 'Mod') and node.left.kind == 'Str':
            start, text = node.left.start, node.left.text
            values = as_list(node.right.elts if node.right.kind == 'Tuple' else node.right)
            places = [start + one.start() for one in re.finditer(r'(?<!%)%[0-9A-F][0-9A-F]', text)]
            plain = re.sub(r'%%|%[0-9A-F][0-9A-F]', '', text)
            if places and '/' in text and len(re.findall(r'%[sdrif]', plain)) == len(values):
                yield cure('right format', [(at, at, '%') for at in places], 'the escaped signs stand as they are',
                           0.93, 'they are none of the places of the format')


def escaped_in_pattern(case, found):
    """re.compile('.*%s.*' % title): the signs of a text that is put into a pattern stand for themselves."""
    for call in calls_of(own_part(case.statement), 'compile', 'search', 'match', 'findall', 'finditer', 'split', 'sub'):
        made = call.args[0] if call.args and is_name(getattr(call.func, 'value', None), 're') else None
        if made is not None and made.kind == 'Name':
            kept = made.id                      # (what else it is used for takes it as it was)
            values = assigned_before(case, kept, call.start)
            made = values[0] if len(values) == len(reads(case.function, kept)) == 1 else None
        parts = [] if made is None else made.args if is_call(made, 'format') else summands(made) if is_op(
            made, 'Add') else as_list(getattr(made.right, 'elts', made.right)) if is_op(made, 'Mod') else []
        plain = [one for one in parts if one.kind not in ('Str', 'Num', 'Dict') and make_of(
            case, one) != 'number' and not may_be_pattern(case, one)]
        texts = [one for one in plain if len(plain) == 1 or is_op(made, 'Add') or make_of(case, one) == 'text']
        if len(texts) < len(plain) and re.search(r'%[-+ 0#]*\d*[dfi]', made.text):
            continue                            # (one of them may have to be a number)
        edits = [edit for one in plain for edit in enclose(one, *(('re.escape(', ')') if one in texts else (
            "re.escape('%s' % " + '(' * is_loose(one), ')' * is_loose(one) + ')')))]    # (of a number as well)
        if edits:
            yield cure('right format', edits, 'its signs stand for themselves', 0.9,
                       'the text of an item is no pattern')


def may_be_pattern(case, node, depth=0):
    """Whether what is put into a pattern may be one itself: a preference, what an object or the module keeps, or what
    is made of a text with such signs, also by a caller."""
    root, function = root_name(node), case.function
    makers = nodes_named(case.source, 'FunctionDef', last_name(node)) if node.kind == 'Call' else []
    if any(re.search(r'[.*+?|[(\\]', one.s) if one.kind == 'Str' else re.search(
            '(?i)escape|pattern|regex', last_name(one)) for part in [node] + makers for one in walk(part)
           if one.kind in ('Str', 'Name', 'Attribute')):
        return True
    if root is None:
        return depth < 3 and any(may_be_pattern(case, one, depth + 1) for one in children(node))
    if node.kind == 'Call' and depth:
        return bool(assignments(case.source.tree, root))
    if root in ('self', 'Prefs') or root in bindings(case.source.tree) or function.kind != 'FunctionDef':
        return True
    origins = [getattr(one, 'iter', getattr(one, 'value', None)) for one, _ in values_given(function, root)] + [
        loop.iter for loop in map(loop_over, walk(node)) if loop is not None]
    at = given_parameters(function).index(root) if root in given_parameters(function) else None
    origins += [call.args[at] for call in bundle_nodes(case, 'Call', function.name) if len(call.args) > at
                ] if at is not None else []
    return depth < 3 and any(may_be_pattern(in_frame_of(case, one), one, depth + 1) for one in origins
                             if one is not None)


def number_format(case, found):
    """'%d' with what is no number: '%s' writes a whole number the same way; for '%02d' a text becomes one."""
    is_text = re.search(r'not (str|unicode)$', case.message)
    for node in own_part(case.statement):
        if is_op(node, 'Mod') and node.left.kind == 'Str' and (in_log_call(node) or is_text):
            start, text = node.left.start, node.left.text.replace('%%', '  ')
            edits = [(start + one.start(), start + one.end(), '%s') for one in re.finditer(r'%[di]', text)]
            places, values = re.findall(PERCENT, text), as_list(getattr(node.right, 'elts', node.right))
            wide = [value for place, value in zip(places, values) if re.match(r'%0?\d+[di]', place) and
                    value.kind != 'Num'] if is_text and len(places) == len(values) else []
            yield cure('right format', edits + [edit for value in wide for edit in enclose(value, 'int(', ')')],
                       'a number is made of the text' if wide else '%s in place of %d', 0.85,
                       'whole numbers look the same, and other values are written too')


# -------------------------------------------------------------------------------------------------- text and bytes
def text_and_bytes(case, found):
    """Unicode errors: str() of text beyond ASCII, encode of bytes, decode of text."""
    for node in calls_of(own_part(case.statement), 'str', 'unicode', 'encode', 'decode'):
        name, text = last_name(node.func), code_of(node.args[0]) if len(node.args) == 1 else None
        if is_name(node.func, 'str') and len(node.args) == 1 and case.exception == 'UnicodeEncodeError':
            yield cure('text encoding', [(node.func.start, node.func.end, 'unicode')], 'it stays text', 0.82,
                       'str() cannot hold letters beyond ASCII, unicode() can')
        elif name == 'unicode' and text and case.exception == 'UnicodeDecodeError' and repeatable(node.args[0]):
            decoded = "(%s if isinstance(%s, unicode) else str(%s).decode('utf-8', 'replace'))" % (text, text, text)
            yield cure('text encoding', [(node.start, node.end, decoded)], 'bytes are read as UTF-8', 0.8,
                       'the bytes are UTF-8, or have a letter replaced')
        elif name in ('encode', 'decode') and node.func.kind == 'Attribute' and len(node.args) <= 1:
            inner = node.func.value
            if name == 'decode' and is_call(inner, 'encode') and case.statement.kind == 'Assign' and node is (
                    case.statement.value) and can_wrap([case.statement]) and code_of(inner.func.value) and repeatable(
                        inner.func.value):
                targets = ' = '.join(one.text for one in case.statement.targets)
                yield Proposal('text encoding', wrap([case.statement], ['try:'], [
                    'except %s:' % case.exception, '\t%s = %s' % (targets, code_of(inner.func.value))]),
                    'a text that is none of those is taken as it is', 'nothing', 'low', 0.85,
                    'it mends what was read in the wrong alphabet, and here nothing was')
            for proposal in tolerant_codec(case, node, name):
                yield proposal


def bytes_for_field(case, found):
    """`metadata.title = x`, where x is bytes that are no UTF-8: they are read as what Windows writes."""
    statement, target = case.statement, target_of(case.statement)
    if target is None or not is_field(target) or len(statement.targets) > 1 or statement.inline or \
            statement.value.kind not in ('Name', 'Attribute', 'Subscript', 'Call') or not can_wrap([statement]) or \
            calls_of(walk(statement.value), 'decode', 'encode', 'unicode', 'str', 'normalize'):
        return                                  # (what fails itself on the bytes would do so again)
    value, before = code_of(statement.value), []
    if value and has_call(statement.value) and not repeatable(statement.value):
        name = fresh_name(case, 'text')
        value, before = name, ['%s = %s' % (name, value)]
    if value:
        tail = log_line(case, 'No UTF-8 for %s: read as cp1252' % target.text)
        tail += ["%s = %s.decode('cp1252', 'replace')" % (target.text, value)]
        edits = wrap([statement], before + ['try:'], ['except UnicodeDecodeError:'] + ['\t' + line for line in tail])
        edits += [statement.value.outer + (value,)] * bool(before)
        yield Proposal('text encoding', edits, 'bytes that are no UTF-8 are read as cp1252', 'letters of other '
                       'alphabets', 'low', 0.85, 'the field takes text, and gets bytes that are not UTF-8')


def bytes_for_json(case, found):
    """`answer = json.loads(data)`, where data is bytes that are no UTF-8: they are read as what Windows writes. Where
    some letters are UTF-8 all the same, what is broken is replaced: the whole ones must not become others."""
    statement = case.statement
    call = statement.value if statement.kind in ('Assign', 'Return') else None
    if call is None or not is_call(call, 'loads') or len(call.args) != 1 or call.keywords or not can_wrap(
            [statement]) or root_name(call.func) not in ('json', 'simplejson') or statement.inline or \
            statement.line != statement.end_line or PACKED.search(case.message) or calls_of(
                walk(call.args[0]), 'decode', 'unicode', 'dumps', 'open'):
        return                                  # (no text at all, or what fails itself on the bytes)
    argument, before = call.args[0], []
    data = code_of(argument)
    if argument.kind not in ('Name', 'Attribute', 'Subscript') or not repeatable(argument):
        name = fresh_name(case, 'text')
        data, before = name, ['%s = %s' % (name, data)]
    coding = fresh_name(case, 'coding')
    again = "%s.decode(%s, 'replace')" % (data, coding)
    line = statement.text[:argument.outer[0] - statement.start] + again + statement.text[
        argument.outer[1] - statement.start:]
    edits = wrap([statement], before + ['try:'], ['except UnicodeDecodeError:'] + [
        '\t' + one for one in log_line(case, 'No UTF-8 for loads(): its letters are replaced, or read as cp1252') + [
            "%s = 'cp1252' if %s.decode('utf-8', 'ignore') == %s.decode('ascii', 'ignore') else 'utf-8'" % (
                coding, data, data), line]])
    edits += [argument.outer + (data,)] * bool(before)
    yield Proposal('text encoding', edits, 'bytes that are no UTF-8 are read as cp1252, or without what is broken',
                   'letters of other alphabets', 'low', 0.85, 'loads() takes bytes for UTF-8, and these are none')


# gzip, and UTF-16 in both orders
PACKED = re.compile('byte 0x8b in position 1:|byte 0xf[ef] in position 0:')


def quoted_text(case, found):
    """quote() of text beyond ASCII: it is encoded first."""
    for node in calls_of(own_part(case.statement), 'quote', 'quote_plus'):
        text = code_of(node.args[0]) if node.args else None
        if text and repeatable(node.args[0]):
            encoded = "%s.encode('utf-8') if isinstance(%s, unicode) else %s" % (operand(node.args[0]), text, text)
            yield cure('text encoding', [node.args[0].outer + (encoded,)], 'the text is encoded before it is quoted',
                       0.86, 'quote() takes bytes')


def bytes_for_lxml(case, found):
    """Bytes beyond ASCII in an XPath or a text of an element: lxml takes text only."""
    for call in own_part(case.statement):
        if is_call(call, 'xpath', 'find', 'findall', 'findtext', 'fromstring'):
            names = [node for argument in call.args for node in walk(argument) if node.kind == 'Name' and
                     node.parent.kind in ('BinOp', 'Call') and getattr(node.parent, 'func', None) is not node]
            if len(names) == 1:
                text = names[0].id
                yield Proposal('text encoding', [(names[0].start, names[0].end, "(%s.decode('utf-8', 'replace') if "
                                                  "isinstance(%s, str) else %s)" % (text, text, text))],
                               'bytes become text first', 'letters that are no UTF-8', 'low', 0.86,
                               'lxml takes text, or bytes of ASCII only')


def tolerant_codec(case, call, name):
    """x.encode('ascii') and x.decode('utf-8') of what does not fit."""
    base = operand(call.func.value)
    other_way = (name == 'encode') == (case.exception == 'UnicodeDecodeError')
    if other_way and not case.message.startswith("'ascii' codec"):
        return                                  # (the step that Python adds is in ASCII: x.encode('latin1').decode())
    if other_way and (base is None or not repeatable(call.func.value)):
        return
    if other_way:                               # encode of bytes decodes them first, as ASCII, and the other way round
        kind = 'unicode' if name == 'encode' else 'str'
        inner = '%s if isinstance(%s, %s) else %s' % (call.text, base, kind, base)
        yield cure('text encoding', [(call.start, call.end, inner if takes_conditional(call) else '(%s)' % inner)],
                   'only what is not yet %sd is %sd' % (name, name), 0.86,
                   'it is %s already for these items' % ('bytes' if name == 'encode' else 'text'))
    elif name == 'encode' and call.args and call.args[0].kind == 'Str' and effect(case, call, NO_TEXT) == CRASH:
        yield cure('text encoding', written(call.args, "'utf-8'"), 'all letters are kept, as UTF-8', 0.8,
                   'what is asked for without some of its letters is another thing, or all there is')
    elif call.args and call.args[0].kind == 'Str':
        at = call.args[0].outer[1]
        mode = 'ignore' if call.args[0].s.lower() in ('ascii', 'us-ascii') else 'replace'
        yield Proposal('text encoding', [(at, at, ", '%s'" % mode)], 'letters that do not fit are %s' % (
            'left out' if mode == 'ignore' else 'replaced'), 'the letters that do not fit', 'low', 0.78,
            'the rest of the text is kept')


def text_put_together(case, node):
    """What may mix bytes and text."""
    return [node] if is_op(node, 'Add', 'Mod') else calls_of(
        [node], 'str', 'unicode', 'encode', 'decode', 'format', 'join', 'normalize', 'quote', 'Request')


# -------------------------------------------------------------------------------------------------- sandbox rules
SIGNS = dict((name, sign) for sign, name in BINARY.items())


def augmented(case, found):
    """`n -= 1`, which the sandbox refuses when it runs, written out in the whole function."""
    edits = written_out([node for node in walk(case.function) if node.kind == 'AugAssign' and node.op != 'Add'])
    yield cure('sandbox operator', edits, 'written out, as the sandbox wants it', 0.95,
               'the sandbox refuses the short form; the long one does the same')


def written_out(nodes):
    """Edits that write augmented assignments in the long form, where the target may be evaluated twice."""
    edits = []
    for node in nodes:
        if repeatable(node.target):
            start, end = node.value.outer
            loose = is_loose(node.value)
            edits.append((node.target.outer[1], start, ' = %s %s %s' % (node.target.text, SIGNS[node.op], '(' * loose)))
            edits.append((end, end, ')' * loose))
    return edits


def within_rules(case, found):
    """Source that the sandbox does not load, as it takes it: the file, and others that it would refuse next."""
    source, templates = obedient(case)
    if not templates:
        return
    others, worse, names = {}, [], set(node.name.split('.')[-1] for _, one in case.bundle.code() for node in walk(
        one.tree) if node.kind == 'alias') | set(node.module for _, one in case.bundle.code() for node in walk(one.tree)
                                                 if node.kind == 'ImportFrom') if case.bundle else ()
    for path in other_files(case):
        stem, other = os.path.splitext(os.path.basename(path))[0], case.bundle.source(path)
        if other is not None and (stem in names or stem == '__init__') and sandbox_violations(other, case.bundle, path):
            changed, more = obedient(case._replace(source=other, is_entry=path == 'Contents/Code/__init__.py'))
            templates = [one for one in RULES if one in templates + more]
            others[path] = edits_between(other, changed.text)
            worse += [] if more else [path]
    lazy = 'sandbox generator' in templates
    words = ' and '.join(RULES[one][1] for one in RULES if one in templates) + ', as the sandbox wants it'
    words += ''.join('; also in %s' % path for path in sorted(others) if path not in worse)
    yield Proposal(templates[0] if len(templates) == 1 else 'sandbox rules', edits_between(case.source, source.text),
                   words, 'nothing; what was made one by one is now made at once' if lazy else 'nothing',
                   'high' if worse else 'medium' if lazy else 'low', 0.2 if worse else 0.8 if lazy else 0.92,
                   'the plug-in does not start as it is; this does the same' + ''.join(
                       '; but %s breaks the rules too, and must be rewritten by a person' % path for path in worse),
                   None, dict((path, edits) for path, edits in others.items() if edits))


def obedient(case):
    """(source, templates used) of a file written as the sandbox takes it; (source, []) where that cannot be done."""
    source, templates = case.source, []
    for template, (change, _) in RULES.items():
        edits = change(case._replace(source=source))
        if edits:
            source = Source(apply_edits(source, edits), source.path)
            templates.append(template)
    if check_sandbox(source, case.policy == 'Elevated', case.is_entry):
        return case.source, []
    return source, templates


def edits_between(source, text):
    """Edits of whole lines that make a file's text another one."""
    import difflib
    old, new = source.text.splitlines(True), text.splitlines(True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    return [(starts[one], starts[two], ''.join(new[three:four])) for tag, one, two, three, four in
            difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if tag != 'equal']


def rename_private(case):
    """Edits that rename what the sandbox refuses for its name; [] where a name is not this file's own."""
    source, edits = case.source, []
    refused = [re.match(r'"(_\w+|printed)" is ', sentence) for _, sentence in check_sandbox(
        source, case.policy == 'Elevated', case.is_entry)]
    taken = set(re.findall(r'\w+', source.text)).union(SANDBOX_BUILTINS, FRAMEWORK_NAMES, ELEVATED_NAMES,
                                                       ABSENT_BUILTINS, AGENT_NAMES)
    names = {}
    for name in sorted(set(one.group(1) for one in refused if one and (
            not one.group(1).endswith('__') or is_constant(case, one.group(1))))):
        new = name.strip('_')
        while new in taken or not re.match('[A-Za-z]', new) or keyword_like(new):
            new = new + '_' if re.match('[A-Za-z]', new) else 'x' + new
        taken.add(new)
        names[name] = new
    own, classes = set(), set(one.name for one in classes_of(source))
    for node in walk(source.tree):
        if node.kind == 'Attribute' and node.ctx == 'Store':
            own.add(node.attr)
        elif node.kind in SCOPES:
            own.update(bindings(node))
        if node.kind == 'FunctionDef' and node.name in names and node.parent.kind == 'ClassDef' and any(
                root_name(base) not in classes | set(['object', 'Agent']) for base in node.parent.bases):
            return []                           # it may stand for one of the class that it inherits from
    for name in set(names) - own:
        uses, plain = [node for node in walk(source.tree) if node.kind == 'Name' and node.id == name], name.strip('_')
        if not uses or not all(plain in bindings(enclosing(use, 'FunctionDef') or source.tree) for use in uses):
            return []
        names[name] = plain                     # it was left over when the variable was called otherwise
    for node in walk(source.tree):
        name, at = NAME_AT[node.kind](node) if node.kind in NAME_AT else (None, 0)
        if name in names:
            edits.append((at, at + len(name), names[name]))
        elif node.kind == 'alias' and node.name in names and node.parent.kind == 'ImportFrom':
            return []                           # it is called so elsewhere
        elif node.kind == 'Global' or node.kind == 'arguments' and node.parent.kind == 'FunctionDef':
            shape, span, marked = (r'\b(%s)\b', (node.start, node.end), node.names) if node.kind == 'Global' else (
                r'\*\s*(%s)\b', (node.parent.def_at, node.parent.body[0].start), [node.vararg, node.kwarg])
            for name in set(marked) & set(names):
                found = re.compile(shape % name).search(source.text, *span)
                edits += [found.span(1) + (names[name],)] if found else []
    return edits


# where the name stands that a node of a kind writes: (name, offset)
NAME_AT = {'Str': lambda node: (node.s if is_call(node.parent, 'getattr', 'hasattr', 'setattr', 'delattr') and
                                node.parent.args[1:2] == [node] and node.s in node.text else None,
                                node.start + node.text.find(node.s)),
           'Name': lambda node: (node.id, node.start), 'Attribute': lambda node: (node.attr, node.end - len(node.attr)),
           'keyword': lambda node: (node.arg, node.start),
           'alias': lambda node: (node.asname, node.end - len(node.asname or '')),
           'FunctionDef': lambda node: (node.name, node.source.text.index(node.name, node.def_at)),
           'ClassDef': lambda node: (node.name, node.source.text.index(node.name, node.def_at))}


def is_constant(case, name):
    """Whether a name like __version__ is a constant of this file that no other one asks for."""
    return [node.kind for node in bindings(case.source.tree).get(name, ())] == ['Name'] and not any(
        name in case.bundle.text(path) for path in other_files(case))


AGENT_NAMES = frozenset('name languages primary_provider fallback_agent accepts_from contributes_to media_types prefs '
                        'version persist_stored_files search update'.split())


def collect_yields(case):
    """Edits that make a list of what a function yields, in each function whose generators are only gone through."""
    source, edits = case.source, []
    for function in [node for node in walk(source.tree) if node.kind == 'FunctionDef' and is_generator(node)]:
        own = own_nodes(function)
        yields = [node for node in own if node.kind == 'Yield']
        endless = [node for node in own if node.kind == 'While' and node.test.kind in ('Num', 'Name') and not any(
            one.kind in ('Break', 'Return') for one in walk(node))]
        asked = [call for call in nodes_named(source, 'Call', function.name) if call.parent.kind == 'Attribute' or
                 is_call(call.parent, 'next', 'iter')]
        first, last = function.body[0], function.body[-1]
        if function.decorator_list or first.inline or endless or asked or any(
                one.parent.kind != 'Expr' or one.value is None for one in yields) or any(
                    statement.inline and statement.kind == 'Return' for statement in function.body):
            continue
        first, name = behind_docstring(function.body), 'found'
        while re.search(r'\b%s\b' % name, function.text):
            name += '_'
        at = source.offset_of_line(first.line)
        edits.append((at, at, '%s%s = []%s' % (first.indent, name, source.newline)))
        for node in yields:
            start, end = node.value.outer
            bare = node.value.kind == 'Tuple' and not node.value.parens
            edits.extend([(node.start, start, '%s.append(' % name + '(' * bare), (end, end, ')' + ')' * bare)])
        edits.extend((node.end, node.end, ' ' + name) for node in own if node.kind == 'Return' and node.value is None)
        if last.kind != 'Return':
            at = line_end(last)
            edits.append((at, at, source.newline + first.indent + 'return ' + name))
    return edits


RULES = collections.OrderedDict((
    ('sandbox name', (rename_private, 'names get no underscore in front')),
    ('sandbox operator', (lambda case: written_out([
        node for node in walk(case.source.tree) if node.kind == 'AugAssign' and node.target.kind != 'Name']),
                          'operators are written out')),
    ('sandbox generator', (collect_yields, 'a list is made where there was a generator'))))


def foreign_constant(case, found):
    """`from _version import __version__`: the text itself, as the sandbox lets neither file have the name."""
    name = found.group('name')
    for statement in case.source.tree.body:
        if statement.kind != 'ImportFrom' or [alias.name for alias in statement.names] != [name] or statement.inline:
            continue
        path = 'Contents/Code/%s.py' % (statement.module or '').replace('.', '/')
        texts = re.findall(r"""^%s *= *(u?'[^'\n]*'|u?"[^"\n]*"|[\d.]+)[ \t\r]*$""" % name, case.bundle.text(path),
                           re.M) if path in files_of(case) else ()
        uses = reads(case.source.tree, statement.names[0].asname or name)
        if len(texts) == 1 and uses:
            end = LINE_END.search(case.source.text, statement.end)
            edits = [(line_start(statement), end.end() if end else statement.end, '')]
            yield cure('sandbox name', edits + written(uses, texts[0]), '%s is written out' % name, 0.88,
                       'the sandbox refuses names that begin with an underscore, here and where it is defined')


# -------------------------------------------------------------------------------------------------- typed fields
def field_type(case, found):
    """AttributeTypeMismatch: the value in the type that the field has."""
    given, wanted = found.group('given'), found.group('wanted')
    statement = case.statement
    if statement.kind != 'Assign' or not is_field(statement.targets[0]):
        return
    text, after = given in TEXT_TYPES, ').date()' if wanted == 'date' else ')'
    before = {'int': 'int(', 'float': 'float(', 'date': 'Datetime.ParseDate(' * text, 'bool': 'bool(' * (
        given == 'int')}.get(wanted) if text or given in ('int', 'float', 'long') else None
    if before:
        edits = enclose(statement.value, before, after)
        if statement.value.kind in ('Name', 'Attribute', 'Subscript') and code_of(statement.value):
            edits[-1] = edits[-1][:2] + ('%s if %s%s else None' % (
                after, code_of(statement.value), ' is not None' * (wanted != 'date')),)
        yield cure('right type', edits, 'it becomes a %s first' % wanted, 0.86 if not text else 0.8,
                   'the field takes a %s only' % wanted)
        if text and can_wrap([statement]):
            tail = handler_lines(case, 'ValueError', 'No %s' % statement.targets[0].attr, [])
            yield Proposal('right type', edits + wrap([statement], ['try:'], tail), 'it becomes a %s first' % wanted,
                           '%s stays as it was where it is no %s' % (statement.targets[0].attr, wanted), 'low', 0.84,
                           'the field takes a %s only, and what is none leaves it as it was' % wanted)


# -------------------------------------------------------------------------------------------------- numbers and dates
def number_wanted(case, found):
    """`datetime(parts[0], parts[1], 1)`, where the parts are of a text: each becomes a number first."""
    def is_part(node):
        base = node.value if node.kind == 'Subscript' else None
        values = assigned_before(case, base.id, node.start) if base and base.kind == 'Name' else [base] if base else []
        return make_of(case, node) == 'text' or bool(values) and all(is_call(one, *SPLITTERS) for one in values) or (
            'got ' in case.message and [node] == node.parent.args)
    for call in calls_of(own_part(case.statement), *TAKE_NUMBERS):
        kind, parts = 'float' if 'float' in found.group() else 'int', [one for one in call.args if is_part(one)]
        edits = sum([enclose(one, kind + '(', ')') for one in parts], [])
        if call.starargs is not None and make_of(case, call.starargs) == 'list':
            edits += enclose(call.starargs, 'map(%s, ' % kind, ')')
        if edits:
            yield cure('right type', edits, 'what is part of a text becomes a number first', 0.92,
                       '%s takes numbers only' % last_name(call.func))


def tidy_number(case, found):
    """'1,234' or '7.0' in int(), '7,5' in float(): the text is tidied first."""
    literal, name = found.group('literal'), 'float' if 'float' in case.message else 'int'
    for node in calls_of(own_part(case.statement), name):
        text = code_of(node.args[0]) if len(node.args) == 1 and node.func.kind == 'Name' else None
        if not text:
            continue
        bad = node.args[0]
        tidied = next((row for row in TIDIED if re.match(row[0], literal) and row[1] in (None, name)), None)
        if tidied:
            _, _, new, summary, prior, why = tidied
            alike = [other.args[0] for one in siblings(case.statement) if one.kind == 'Assign' for other in calls_of(
                own_part(one), name) if other.args and is_shaped_alike(other.args[0], bad) and (
                    bad.kind == 'Attribute' or bad.kind == 'Call' and not is_call(bad, 'get'))]    # (a text as well)
            alike += [one.args[0] for one in calls_of(own_part(case.statement), name) if one is not node and
                      one.parent is node.parent and one.parent.kind == 'BinOp' and one.args and
                      one.args[0].kind == bad.kind and one.args[0] not in alike]    # int(a) - int(b): of one kind
            edits = [one.outer + (new % operand(one) + (
                ' if isinstance(%s, basestring) else %s' % ((operand(one),) * 2) if repeatable(one) and (
                    make_of(case, one) != 'text' or one.kind in ('BoolOp', 'IfExp')) and not new.startswith('float')
                else ''),)                      # a number is one already, and None none
                     for one in alike + [bad]]
            yield cure('tolerant parse', sorted(edits), summary, prior, why)
        elif node.parent.kind != 'Index' and len(re.findall(r'\d+(?:[.,]\d+)*', literal)) == 1 and re.search(
                '[A-Za-z]', literal) and re.search(
                r'(?<![\d.,-])\d+%s(?![.,]?\d)' % ('' if name == 'int' else r'(\.\d+)?'), literal) and not (
                    SCALES.search(literal) or LEADS_TO.search(key_of(bad) or last_name(bad) or '')):
            shape = r"r'-?\d+'" if name == 'int' else r"r'-?\d*\.?\d+(?:[eE][-+]?\d+)?'"
            words = text if make_of(case, bad) == 'text' else "'%%s' %% %s" % operand(bad)
            new = '(re.findall(%s, %s) or [%s])[0]' % (shape, words,
                                                       text if repeatable(bad) and len(text) < 40 else "''")
            yield cure('tolerant parse', [bad.outer + (new,)] + import_of(case, 're'),
                       'the number is picked out of the words around it', 0.85,
                       'the text is a number with words around it')


def ordered_last(case, found):
    """`key=lambda x: int(x[:-1])`: what is no number counts as 0 in the order, and is not lost for it."""
    for node in calls_of(walk(case.statement), 'int'):
        made = enclosing(node, 'Lambda')
        use = made.parent if made is not None and made.body is node and len(node.args) == 1 else None
        if use is not None and repeatable(node.args[0]) and (use.kind == 'keyword' and re.match(
                'key$|sort', use.arg) or is_call(use, 'sort', 'sorted') and made in use.args):
            text = operand(node.args[0])
            asked = "%s.strip().lstrip('-').isdigit()" % text
            if node.args[0].kind != 'Subscript' or index_of(node.args[0]) is not None:
                asked = 'not isinstance(%s, basestring) or %s' % (text, asked)      # (a part of it is a text for sure)
            yield cure('tolerant parse', enclose(node, '', ' if %s else 0' % asked),
                       'what is no number counts as 0 in the order', 0.9, 'the order needs one, and nothing else')


def is_shaped_alike(node, other):
    """Whether two expressions differ in the numbers and texts they ask for only: cells[3].text and cells[4].text."""
    texts = [re.sub(r"\d+|'[^']*'", '', flat(one)) for one in (node, other)]
    return node is not other and texts[0] == texts[1] and flat(node) != texts[0] and bool(operand(node))


# words that say that the number before them is not the number that is meant
SCALES = re.compile(r'(?i)\d\s*(k|m|bn?|mio|mln|mrd|million|billion|thousand|tsd|h|hrs?|hours?|std|s|secs?|seconds?|'
                    r'days?|weeks?|[kmg]i?b)\b')
# a text that is nearly a number, in which conversion, what is converted in its place, and the words for it
TIDIED = ((r'\d{1,3}(,\d{3})+\.\d+$', 'int', "float(%s.replace(',', ''))", 'the commas between thousands are taken out',
           0.88, 'the text is a number but for its commas'),
          (r'\d{1,3}(,\d{3})+(\.\d+)?$', None, "%s.replace(',', '')", 'the commas between thousands are taken out',
           0.88, 'the text is a number but for its commas'),
          (r'\d+,\d+$', 'float', "%s.replace(',', '.')", 'the comma is read as a decimal point', 0.86,
           'the text is a number but for its comma'),
          (r'\s*\d{4} *[-/] *\d{4}\s*$', 'int', '%s.strip()[:4]', 'the first year of the two is taken', 0.86,
           'the text is a range of years'),
          (r'-?(?!\d{1,3}\.\d{3}$)\d+\.\d+$', 'int', 'float(%s)', 'a number with a decimal point is read too', 0.87,
           'the text is a number, but no whole one'))


def text_for_base(case, found):
    """int(755, 8): what is a number already is meant digit by digit."""
    for node in calls_of(own_part(case.statement), 'int', 'long'):
        if len(node.args) == 2 and case.expression in (None, node):
            yield cure('right type', enclose(node.args[0], 'str(', ')'), 'it is read as a text', 0.9,
                       'with a base, int() takes a text only')


def parse_first(case, faults):
    """The conversion in a try of its own in front of the statement, where no condition can tell beforehand."""
    fault = faults[0]
    node = fault.node
    name = exception_name(case)
    if fault.test is not None or node.kind not in ('Call', 'Attribute', 'Subscript') or name is None or \
            getattr(node, 'ctx', 'Load') != 'Load' or case.statement.inline or 'to unpack' in case.message:
        return                                  # (what is unpacked is had without an error)
    while node.kind not in STATEMENTS and not (node.kind in ('Call', 'IfExp', 'BoolOp', fault.node.kind) and can_hoist(
            node, case.statement)):
        node = node.parent
    if node.kind in STATEMENTS:
        return
    others = [one for one in faults if not is_in(one.node, node) and one.node.text != node.text]
    if node is getattr(case.statement, 'value', None) and case.statement.kind != 'Return':
        return                                  # there a try around the whole statement says the same
    outcome, default = best_value([EMPTY_OF.get(make_of(case, node), NOTHING)] + OTHERWISE,
                                  lambda value: effect(case, node, value))
    if outcome <= HOLLOW:
        return
    wish = {'int': 'number', 'float': 'number', 'strptime': 'date', 'ParseDate': 'date'}.get(
        last_name(fault.node), 'found')
    wish = node.attr if node.kind == 'Attribute' else node.parent.arg if node.parent.kind == 'keyword' else wish
    local = fresh_name(case, wish)
    step = step_of(case.statement)
    edits = put_before(case.statement, [
        'try:', step + '%s = %s' % (local, value_of(node)), 'except %s:' % name,
        step + '%s = %s' % (local, default)] + [
            step + line for line in log_line(case, '%s: %s' % (local, fault.what))])
    same = [one.node for one in faults if one.node.text == node.text and one.node is not node]
    edits += [one.outer + (local,) for one in [node] + same]
    yield Proposal('tolerant parse', edits, '%s is taken where %s' % (value_words(default), fault.what),
                   loss_words(case), 'medium', (0.76 if outcome == FINE else 0.7) * (0.9 if others else 1.0),
                   'only the conversion is guarded')


# -------------------------------------------------------------------------------------------------- requests
def answer_asked(case, node):
    """What fetches or parses the answer of another server."""
    if node.kind == 'Attribute' and node.attr in ('content', 'headers') and node.ctx == 'Load':
        return [node]
    return calls_of([node], case.callee or 'get', 'load', 'json', 'parse', 'read', 'get', *(FETCHES | PARSES))


no_answer = faults_where(answer_asked, None, 'the answer could not be had')
NO_ADDRESS = 'None in an address'    # in place of an exception


def address_faults(case, found):
    """What puts an address together, of which a value is None: it must not be asked for without that."""
    for node in frame_part(case):
        if node is case.expression or is_put_together(node) and is_address(case, node):
            test = none_test if found.group('kind') == 'None' else text_none_test
            for value in [one for one in walk(node) if one.text == found.group('value')][:1]:
                yield Fault(node, value, test, [], 'nothing was found')


def is_put_together(node):
    """Whether an expression makes a text of parts, and is no part itself."""
    return (is_op(node, 'Add', 'Mod') or is_call(node, 'format')) and node.parent.kind != 'BinOp'


def longer_wait(case, found):
    """A time-out: the framework's own is 20 seconds; a slow provider gets a minute."""
    for node in own_part(case.statement):
        if is_call(node, 'Request', 'ElementFromURL', 'ObjectFromURL') and \
                root_name(node.func) in ('HTTP', 'XML', 'HTML', 'JSON') and not node.kwargs and \
                not any(keyword.arg == 'timeout' for keyword in node.keywords):
            yield Proposal('longer time-out', one_more(node, 'timeout=60.0'), 'the provider gets a minute to answer',
                           'nothing; a refresh of these items takes longer', 'low', 0.5,
                           'the answer came too late, not never')


BOUND_IN_SIZE = ('ElementFromString', 'ElementFromURL', 'ObjectFromString', 'ObjectFromURL', 'FeedFromString',
                 'FeedFromURL')
MOST_MEGABYTES = 64


def larger_answer(case, found):
    """The framework reads 5 MB, or what a call says (max_size of its parsekit): twice what came is allowed."""
    megabytes = 2 * (int(found.group('size')) // 2 ** 20 + 1)
    for node in own_part(case.statement) if megabytes <= MOST_MEGABYTES else ():
        if is_call(node, *BOUND_IN_SIZE) and root_name(node.func) in ASKERS and not node.kwargs and \
                not any(keyword.arg == 'max_size' for keyword in node.keywords):
            yield Proposal('larger answer', one_more(node, 'max_size=%d * 1024 * 1024' % megabytes),
                           'answers of up to %d MB are read' % megabytes, 'nothing', 'low', 0.8,
                           'the answer is whole, and only larger than what the framework reads')


ASKERS = ('HTTP', 'HTML', 'JSON', 'XML', 'RSS', 'YAML', 'urllib', 'urllib2', 'requests')
PAUSE = 5                       # seconds; with the framework's own 20 for each try a refresh stays below a minute


def second_try(case, found):
    """A provider that gives no answer, or has a fault of its own, is asked once more after a pause: never one that
    refuses (403, 429) or may do so (503), and only where one request is all that is repeated."""
    statement, name = case.statement, exception_name(case)
    text, parts = statement.text, list(own_part(statement))
    asked = [node for node in parts if is_call(node, *FETCHES) and root_name(node.func) in ASKERS or
             node.kind == 'Attribute' and node.attr == 'content' and node.value.kind == 'Name']
    if statement.kind not in ('Assign', 'Expr', 'Return') or name is None or not is_sandboxed(case) or \
            len(asked) != 1 or re.search(r'[\n\t]', text) or not can_wrap([statement]) or \
            'Thread' in bindings(case.source.tree):
        return
    first = asked[0]
    if first.kind == 'Call' and (len(first.args) > 1 or any(word.arg in ('values', 'data', 'method', 'json')
                                                            for word in first.keywords)):
        return                                  # what is sent may do something there
    before = set(id(node) for node in walk(first)) - {id(first)}
    if any(node.kind in COMPREHENSIONS + ('Lambda',) or node.kind == 'Call' and
           (id(node) in before or node.start < first.start and not is_in(first, node)) and not is_pure(node)
           for node in parts):
        return
    error = fresh_name(case, 'error')
    other = '%s.code < 500 or %s.code == 503' % (error, error) if found.group('status') else \
        "'timed out' not in str(%s)" % error if name != 'Ex.SocketTimeout' else None
    lines = ['if %s:' % other, '\traise'] if other else []
    lines += log_line(case, 'No answer, asking once more', error, '%s') + ['Thread.Sleep(%d)' % PAUSE, text]
    yield Proposal('second try', wrap([statement], ['try:'], ['except %s as %s:' % (name, error)] + [
        '\t' + line for line in lines]), 'the provider is asked once more after %d seconds' % PAUSE,
        'nothing; a refresh of these items takes longer', 'low', 0.45,
        'most items are answered, so this one may be on the second try')


def changed_while_read(case, found):
    """RuntimeError: dictionary changed size during iteration."""
    for node in own_part(case.statement):
        if node.kind == 'For':
            yield cure('copy first', enclose(node.iter, 'list(', ')'), 'the loop goes through a copy', 0.9,
                       'the loop changes what it goes through')


# modules that only Python 3 has -> where Python 2 has most of what is in them
MOVED = {'urllib.parse': 'urllib', 'urllib.request': 'urllib2', 'urllib.error': 'urllib2', 'http.client': 'httplib',
         'http.cookiejar': 'cookielib', 'html.parser': 'HTMLParser', 'configparser': 'ConfigParser', 'queue': 'Queue',
         'html.entities': 'htmlentitydefs', 'parse': 'urllib', 'request': 'urllib2', 'http': 'httplib'}


def module_of(path, name):
    """Python 2's module for a name in a module of Python 3, or None."""
    if path == 'urllib.parse' and name in ('urlparse', 'urljoin', 'parse_qs', 'urlsplit', 'urlunparse', 'parse_qsl',
                                           'urlunsplit'):
        return 'urlparse'
    return 'urllib' if path == 'urllib.request' and name in ('urlretrieve', 'pathname2url') else MOVED.get(path)


def moved_module(case, found):
    """ImportError of a name that only Python 3 has."""
    statement, edits = case.statement, []
    if statement.kind == 'ImportFrom' and statement.module in MOVED and not statement.level:
        modules = set(module_of(statement.module, alias.name) for alias in statement.names)
        if len(modules) == 1:
            at = case.source.text.index(statement.module, statement.start)
            edits = [(at, at + len(statement.module), modules.pop())]
    for alias in statement.names if statement.kind == 'Import' else ():
        if alias.name in MOVED and alias.name.split('.')[-1] == found.group('name').split('.')[-1]:
            text = alias.asname or alias.name
            uses = [node for node in walk(case.source.tree) if node.kind == 'Attribute' and node.value.text == text]
            modules = sorted(set(module_of(alias.name, node.attr) for node in uses)) or [MOVED[alias.name]]
            if '.' in text:
                edits += [(node.value.start, node.value.end, module_of(alias.name, node.attr)) for node in uses]
            if '.' in text or len(modules) == 1:
                edits.append((alias.start, alias.end, ', '.join(modules) if '.' in text else '%s as %s' % (
                    modules[0], text)))
    yield cure('missing import', edits, 'it is imported from where Python 2 has it', 0.9,
               'the module has that name in Python 3 only')


def misspelt_module(case, found):
    """`import jsno`, where the file goes on with `json.loads`: the name that it uses and nothing defines."""
    for right in spelt_right(case.source, found.group('name')):
        nodes = [node for node in own_part(case.statement)
                 if node.kind == 'alias' and node.name == found.group('name') and not node.asname]
        if nodes and case.statement.kind == 'Import':
            yield cure('right name', written(nodes, right), 'the module %s is imported' % right, 0.94,
                       'there is no module %s, and the file goes on to use %s' % (found.group('name'), right))


def renamed_module(case, found):
    """An import of a module that the bundle has under a name that differs by a letter: in all files that do so."""
    wrong = found.group('name')
    right = near_module(case.bundle, case.source, wrong) if case.bundle else None
    if right:
        edits = dict((path, [edit for node in walk(source.tree) for edit in import_edits(node, wrong, right)])
                     for path, source in [(case.source.path, case.source)] + [
                         (path, case.bundle.source(path)) for path in other_files(case)] if source)
        yield cure('right name', edits.pop(case.source.path), 'the module %s is imported' % right, 0.9,
                   'the bundle has %s.py, with all that is used of %s, and no %s.py' % (right, wrong, wrong), None,
                   dict(row for row in edits.items() if row[1]))


def import_edits(node, wrong, right):
    """The edits that make an import of one module one of another, which keeps its name."""
    if node.kind == 'ImportFrom' and node.module == wrong and not node.level:
        at = node.source.text.index(wrong, node.start + len('from'))
        return [(at, at + len(wrong), right)]
    if node.kind == 'alias' and node.parent.kind == 'Import' and node.name == wrong:
        return [(node.start, node.start + len(wrong), right if node.asname else '%s as %s' % (right, wrong))]
    return []


def near_module(bundle, source, module):
    """The module beside a file that is nearly called as a missing one, and has all that is used of it; or None."""
    beside = dict((os.path.splitext(os.path.basename(name))[0], other) for name, other in bundle.code()
                  if name.count('/') == 2 and other is not source)
    for name, prior in near_names(module, set(beside) - set(['__init__'])) if bundle.missing_import(module) else ():
        used = set(alias.name for node in walk(source.tree) if node.kind == 'ImportFrom' and node.module == module
                   for alias in node.names)
        local = [node.asname or module for node in walk(source.tree) if node.kind == 'alias' and node.name == module]
        used.update(node.attr for node in walk(source.tree) if node.kind == 'Attribute' and is_name(node.value, *local))
        known = module_names(beside[name])
        if prior >= 0.75 and used and ('*' not in known and used <= known | set(['*'])):
            return name
    return None


def spelt_right(source, module):
    """[the name that a file uses for a module that it imports under a wrong one]; [] where that does not show."""
    nodes = free_names(source.tree)
    used = [name for name, node in nodes.items() if node.parent.kind == 'Attribute' and node.parent.value is node and
            name not in FRAMEWORK_NAMES | ELEVATED_NAMES | SANDBOX_BUILTINS]
    return [] if module in nodes else [name for name, prior in near_names(module, used) if prior >= 0.75][:1] or [
        module.lower()] * (module != module.lower() and module.lower() in STANDARD_MODULES)


def membership_faults(case, found):
    """x.index(y), x.remove(y): whether y is in x."""
    for call in calls_of(frame_part(case), 'index', 'rindex', 'remove'):
        text = operand(call.args[0]) if call.args else None
        if call.func.kind == 'Attribute' and text is not None and all(code_of(one) and repeatable(one)
                                                                      for one in call.args):
            part = '[%s:%s]' % tuple([code_of(one) for one in call.args[1:3]] + [''])[:2] if call.args[1:] else ''
            yield Fault(call, call.func.value, in_test(text, part), [], 'it is not in there')


def date_faults(case, found):
    """A date compared with None, by < and > or by the key of a sort, where the earliest date takes its place."""
    names = bindings(case.source.tree)
    least = 'datetime.min' if any(node.kind == 'alias' and node.parent.kind == 'ImportFrom' for node in names.get(
        'datetime', ())) else 'datetime.datetime.min' if 'datetime' in names else None
    for node in own_part(case.statement):
        if node.kind == 'Compare' and node.ops[0] in ('Lt', 'LtE', 'Gt', 'GtE') and len(node.ops) == 1:
            for bad in (node.left, node.comparators[0]):
                if bad.kind in ('Name', 'Attribute', 'Subscript'):
                    yield Fault(node, bad, none_test, [], 'there is no date')
        elif node.kind == 'keyword' and node.arg == 'key' and node.value.kind == 'Lambda' and least and \
                "datetime.datetime " in case.message:
            body = node.value.body
            for bad in body.elts if body.kind == 'Tuple' else [body]:
                if bad is body or re.search(r'(?i)date|time|seen|aired|added|released|_at$', last_name(bad) or ''):
                    yield Fault(bad, bad, none_test, [(or_default(bad, least), bad, SOME)], 'there is no date')


def in_test(text, part=''):
    """A test of whether something is in the value, or in a part of it."""
    return lambda base: ('%s in %s%s' % (text, base, part), '%s not in %s%s' % (text, base, part))


def sought(case, node):
    """The x of `x in text`."""
    return [node.left] if node.kind == 'Compare' and node.ops[0] in ('In', 'NotIn') else []


def chosen_from(case, node):
    """The x of max(x) and min(x)."""
    return [call.args[0] for call in calls_of([node], 'max', 'min')
            if len(call.args) == 1 and call.args[0].kind != 'GeneratorExp']


def packed(case, node):
    """What struct.pack() puts together, and may be None."""
    return [one for call in calls_of([node], 'pack') for one in call.args[1:]
            if one.kind in ('Name', 'Attribute', 'Subscript')]


def spread(case, node):
    """The x of f(*x) and f(**x)."""
    return [one for one in (node.starargs, node.kwargs) if one is not None] if node.kind == 'Call' else []


def divisor(case, node):
    """What a division divides by, and may be 0."""
    return [node.right] if is_op(node, 'Div', 'FloorDiv', 'Mod') and node.right.kind not in (
        'Num', 'Str', 'Tuple') else []


def join_faults(case, found):
    """', '.join(x) where x holds what is no text."""
    new = '[one for one in %s if one is not None]' if 'NoneType' in case.message else "['%%s' %% one for one in %s]"
    new = re.sub(r'\bone\b', fresh_name(case, 'one'), new)     # Python 2 keeps it behind the list
    for node in calls_of(frame_part(case), 'join'):
        bad = node.args[0] if len(node.args) == 1 else None
        text = operand(bad) if bad is not None else None
        parts = bad.elts[int(re.search(r'\d+', case.message).group()):] if bad is not None and bad.kind in (
            'List', 'Tuple') else ()            # ''.join(['a', b]): it says which one
        if parts and 'NoneType' in case.message and len(bad.elts) > 1 and text is not None and is_call(
                node, 'join') and re.match(r'[|.-]*[\s,;]+([|.-]+\s+)?$', getattr(node.func.value, 's', '')):
            yield Fault(node, parts[0], None, [([bad.outer + (new % text,)], bad, SOME)], NOT_ALL_TEXT)
        elif parts and 'NoneType' in case.message:
            yield none_fault(case, node, parts[0], 'there is no value')
        elif parts and not re.search('(tuple|list|dict|set) found', case.message):
            loose = is_loose(parts[0])
            yield Fault(node, parts[0], None, [(enclose(parts[0], "'%s' % " + '(' * loose, ')' * loose), parts[0],
                                                TEXT)], NOT_ALL_TEXT)
        elif not parts and bad is not None and bad.kind in ('GeneratorExp', 'ListComp'):
            if 'NoneType' in case.message and len(bad.generators) == 1 and repeatable(bad.elt):
                edits = also_if(bad.generators[0], '%s is not None' % code_of(bad.elt))
                yield Fault(node, bad.elt, None, [(edits, bad, SOME)], NOT_ALL_TEXT)
        elif text is not None and not parts and not is_op(bad, 'Mult'):     # ['?'] * 7
            yield Fault(node, bad, None, [([bad.outer + (new % text,)], bad, SOME)], NOT_ALL_TEXT)


def store_faults(case, found):
    """None[key] = value, 'text'[key] = value."""
    wanted = none_test if 'NoneType' in case.message else type_test('dict')
    return [Fault(node, node.value, wanted, [], 'there is nothing to put it into') for node in frame_part(case)
            if node.kind == 'Subscript' and node.ctx in ('Store', 'Del') and not (
                wanted is not none_test and is_number_written(index_of(node)))]     # (it is a row, and no dict either)


def is_number_written(index):
    """Whether an index is a number that stands there: 3, -1."""
    return index is not None and re.match(r'-?\d+$', index.text) is not None


def put_into_tuple(case, found):
    """`parts[1] = int(parts[1])`, where parts is what a search with groups or partition() gives: a tuple anew, here and
    where another part of it is set."""
    target = target_of(case.statement)
    name = target.value.id if target is not None and target.kind == 'Subscript' and target.value.kind == 'Name' else ''
    made = [one for _, one in values_given(case.function, name)]
    if not made or not all(one is not None and makes_tuple(one) for one in made) or any(
            node.ctx == 'Param' for node in name_nodes(case.function, name)):
        return                                  # (a list in other cases may be known by another name too)
    sizes = [size for size in map(size_of_tuple, made) if size is not None]
    edits = part_anew(case.statement, sizes)
    for node in own_nodes(case.function) if edits else ():
        if node.kind == 'Subscript' and is_name(node.value, name) and node is not target and target_of(
                node.parent) is node:
            edits += part_anew(node.parent, sizes)
    yield cure('right type', edits, '%s is made anew, with another part' % name, 0.9,
               '%s is a tuple, of which no part can be set' % name)


def part_anew(statement, sizes):
    """The edits by which `parts[1] = x` makes a tuple anew; [] where they cannot be told."""
    target, value = target_of(statement), getattr(statement, 'value', None)
    index = index_of(target)
    if statement.kind != 'Assign' or len(statement.targets) != 1 or index is None or not re.match(
            r'\d+$', index.text) or code_of(value) is None or value.kind == 'Yield' or any(
                index.n >= size for size in sizes):
        return []
    name, number = target.value.id, index.n
    bare = value.kind == 'Tuple' and bool(value.elts) and value.outer[0] == value.elts[0].outer[0]      # `1, 2`
    before = ('%s[:%d] + (' % (name, number) if number else '(') + '(' * bare
    return [target.outer + (name,)] + enclose(value, before, ')' * bare + ',) + %s[%d:]' % (name, number + 1))


def makes_tuple(node):
    """Whether an expression gives a tuple, or what a search found once: a tuple where it has more than one group."""
    if node.kind == 'Subscript' and is_number_written(index_of(node)):
        return is_call(node.value, 'findall')
    if is_op(node, 'Add'):
        return makes_tuple(node.left) or makes_tuple(node.right)
    return node.kind == 'Tuple' or is_call(node, 'tuple', 'groups', 'partition', 'rpartition', 'divmod', 'splitext')


def size_of_tuple(node):
    """How many parts a tuple has that an expression gives, where that is known; else None."""
    if node.kind == 'Tuple':
        return len(node.elts)
    return 3 if is_call(node, 'partition', 'rpartition') else 2 if is_call(node, 'divmod', 'splitext') else None


def any_faults(case, found):
    """Errors that only the raising call can tell: the expression that is known, or all calls of the statement."""
    if case.expression is not None and case.expression.kind == 'Subscript' and (
            cannot_miss(case, case.expression) or stored(case.expression) and (
                'indices must be' in case.message or 'assignment index' in case.message)):
        return                                  # (what is put into a thing of another kind is lost, and the rest too)
    if case.expression is not None and case.expression.kind in ('Call', 'Subscript', 'Attribute', 'BinOp'):
        yield Fault(case.expression, case.expression, None, [], FAILED)
        return
    calls = [node for node in frame_part(case) if node.kind == 'Call' and not is_log_call(node)]
    for node in calls[:1]:
        yield Fault(node, node, None, [], FAILED)


def cannot_miss(case, node):
    """Whether x[i] surely cannot raise this KeyError or IndexError: a number is no key 'a', and i is in range."""
    index = index_of(node)
    if index is None:
        return False
    if case.exception == 'KeyError':
        return unquoted(case.message)[1] and is_number(case, index)
    return case.exception == 'IndexError' and never_short(node, index)


def leave_log_out(case, found):
    """A crash inside a log call: nothing but the log line is left out, unless the work behind it needs the value."""
    statement, name = case.statement, exception_name(case)
    call = call_of(statement)
    if call is None or not is_log_call(call) or name is None or statement.inline or not can_wrap([statement]):
        return
    faults, missed = faults_of(case), re.search(r"(?:name|variable) '(\w+)' ", case.message)
    if faults and same_defects(case, faults, statement.end) or missed and case.exception in (
            'NameError', 'UnboundLocalError') and not all(map(in_log_call, reads(case.function, missed.group(1)))) or \
            re.search(r"'(tuple|list|dict|instance)'", case.message) and any(
                not in_log_call(use) for one in names_in(call) for use in later_uses(case, one, statement)):
        return                                  # (what comes after the log line wants another kind of value too)
    yield Proposal('log guard', wrap([statement], ['try:'], ['except %s:' % name, '\t' + (
        log_line(case, 'a log line could not be written') or ['pass'])[0]]), 'only the log line is left out',
        'nothing but this log line', 'low', 0.6, 'the work itself is not concerned')


# -------------------------------------------------------------------------------------------------- from error to ways
# How errors, as "Type: message", are worded; who can raise such a one, a function (expression, hunt) -> weight 0..1;
# and what of a statement is at fault then, a function (case, match) -> Faults. None: a row further down says it.
RAISER, FINDER = 1, 2
WORDINGS = (
    # ---- what is asked of None, or of another kind of thing
    (r"^(AttributeError|TypeError): 'NoneType' object (has no attribute '__getitem__'|is (not |un)subscriptable)",
     None, subscript_faults),
    (r"^(AttributeError|TypeError): '?(?P<type>[\w.]+)'? (object|instance)( has no attribute|.*)'__getitem__'",
     raises_asked('Subscript'), None),
    (r"^AttributeError: 'NoneType' object has no attribute '__iter__'", None, iteration_faults),
    (r"^AttributeError: '(str|unicode|\w*StringResult|\w*UnicodeResult)' object has no attribute '__iter__'",
     None, text_iteration_faults),
    (r"^AttributeError: '?(?P<type>[\w.]+)'? (object|instance) has no attribute '__iter__'", raises_iteration, None),
    (r"^TypeError: ('NoneType' object is not iterable|argument of type 'NoneType' is not iterable)",
     None, iteration_faults),
    (r"^TypeError: argument of type '(?P<type>\w+)' is not iterable", raises_asked('Compare'), faults_where(
        lambda case, node: node.comparators[-1:] if node.kind == 'Compare' and node.ops[-1] in ('In', 'NotIn') else [],
        type_test('basestring', 'list', 'tuple', 'dict', 'set'), 'it is of another kind')),
    (r"^TypeError: '?(?P<type>[\w.]+)'? object is not iterable", raises_iteration, None),
    (r"^TypeError: 'in <string>' requires string", raises_where(lambda node: bool(sought(None, node))),
     faults_where(sought, none_test, 'there is no value')),
    (r"^TypeError: can only join an iterable", None, argument_faults('join')),
    (r"^AttributeError: 'NoneType' object has no attribute '(?P<name>\w+)'", None, attribute_faults),
    (r"^AttributeError: .*has no attribute (?:named )?'(?P<name>\w+)'", raises_attribute, None),
    (r"^AttributeError: (object )?has no attribute (named )?'(?P<name>\w+)'", None, typed_faults),
    (r"^(AttributeError|TypeError): '?(?P<type>[\w.]+)'? (object|instance) "
     r"(has no attribute (named )?'(?P<name>\w+)'|is (not |un)sub)", None, typed_faults),
    (r"^TypeError: object of type 'NoneType' has no len", None, argument_faults('len')),
    (r"^TypeError: object of type '(?P<type>\w+)' has no len", raises_asked('Call'), None),
    (r"^TypeError: '(?P<type>\w+)' object does not support item (assignment|deletion)",
     raises_where(lambda node: node.kind == 'Subscript' and stored(node)), store_faults),
    # ---- what is not there
    (r"^TypeError: (list|string|tuple) indices must be integers, not NoneType",
     None, faults_where(index_asked, none_test, 'nothing was found')),
    (r"^TypeError: \w+ indices must be", raises_wrong_index, typed_faults),
    (r"^TypeError: (unhashable type|'\w+' object (is unsubscriptable|is not subscriptable))",
     raises_wrong_index, None),
    (r"^KeyError: (?P<key>.+)$", raises_key, key_faults),
    (r"^IndexError: (?P<what>.*)$", raises_index, index_faults),
    (r"^(NameError|UnboundLocalError): (global name|local variable|name|free variable) '(?P<name>\w+)'",
     raises_name, None),
    (r"^ImportError: (No module named|cannot import name) (?P<name>[\w.]+)", raises_import, None),
    (r"^ValueError: (substring not found|.* is not in (list|tuple)|(list|tuple)\.index)",
     raises_call('index', 'rindex'), membership_faults),
    (r"^ValueError: list\.remove", raises_call('remove'), membership_faults),
    (r"^ValueError: (max|min)\(\) arg", raises_call('max', 'min'),
     faults_where(chosen_from, truth_test, 'there is nothing to choose from')),
    (r"^ValueError: (need more than \d+ value|too many values)",
     raises_where(lambda node: unpacked(node) is not None), unpack_faults),
    (r"^StopIteration", raises_call('next'), None),
    # ---- numbers, dates and texts
    (r"^(ValueError|TypeError|OverflowError): .*?\b(?P<name>int|float|long)\(\)", raises_conversion, conversion_faults),
    (r"^ValueError: (could not convert string to|empty string for) (?P<name>float)",
     raises_conversion, conversion_faults),
    (r"^ValueError: (time data|unconverted data)",
     raises_call('strptime', 'ParseDate', 'parse_date', 'ParseTime'), any_call_faults(*READS_DATES)),
    (r"^ValueError: (unknown string|year is out|month must|day is out|hour must|year=)",
     raises_call(*READS_DATES), any_call_faults(*READS_DATES)),
    (r"^TypeError: can't compare ", None, date_faults),
    (r"^TypeError: None object cannot be quoted", None, argument_faults('Quote', 'quote', 'quote_plus')),
    (r"^(TypeError): ((strptime\(\) argument \d )?must be string, not None|expected string or buffer|must be str|"
     r"expected a character buffer)", None, argument_faults(
         'strptime', 'search', 'match', 'findall', 'finditer', 'sub', 'split', 'loads', 'compile', 'ParseDate',
         'ObjectFromString', 'ElementFromString', 'normalize', 'replace', 'startswith', 'endswith', 'join')),
    (r"^TypeError: expected string or buffer", raises_no_text, None),
    (r"^TypeError: .*argument after \*\*? must be .*, not NoneType", None, faults_where(
        spread, none_test, 'there is nothing to hand over')),
    (r"^TypeError: \w+\(\) argument 1 must be (string or buffer|convertible to a buffer|read-only character buffer), "
     r"not None", None, argument_faults(*HASHES)),
    (r"^TypeError: (new|b2a_base64|hexlify|crc32|update)\(\) argument", raises_call(*HASHES), None),
    (r"^TypeError: sequence item \d+: expected", raises_call('join'), join_faults),
    (r"^TypeError: .*NoneType", None, operator_faults),
    (r"^TypeError: unsupported operand type\(s\) for (?P<op>\*\*|//|<<|>>|[-+*/%&|^])=?:", raises_operator, None),
    (r"^TypeError: (cannot concatenate|coercing to Unicode|can only concatenate)", raises_joining, None),
    (r"^(TypeError|ValueError): (not all arguments|not enough arguments|.*format: a number|format requires|"
     r"float argument required|unsupported format|incomplete format)", raises_formatting, None),
    (r"^TypeError: ((an integer|a float) is required|.*integer (\w+ )?argument expected)", raises_number_wanted,
     any_call_faults(*TAKE_NUMBERS)),
    (r"^ZeroDivisionError",
     raises_where(lambda node: node.kind in ('BinOp', 'AugAssign') and node.op in ('Div', 'FloorDiv', 'Mod')),
     faults_where(divisor, zero_test, 'there is nothing to divide by')),
    (r"^(struct\.)?error: (required argument is not|cannot convert argument to) ",
     None, faults_where(packed, none_test, 'there is no value')),
    (r"^Unicode(En|De)codeError", raises_unicode, faults_where(text_put_together, None, 'the text cannot be read')),
    # ---- calls
    (r"^TypeError: .*is not callable", raises_where(lambda node: node.kind == 'Call', 0.7), None),
    (r"^TypeError: (?P<name>\w+)\(\) (takes|got|argument)", raises_arguments, None),
    (r"^AssertionError", raises_where(lambda node: node.kind == 'Assert'), None),
    # ---- Plex, and other servers
    (r"^FrameworkException: Operator '(?P<op>\S+)' is not supported", raises_operator, None),
    (r"^AttributeTypeMismatch|^FrameworkException: Set item|not serializable", raises_field, None),
    (r"^APIException: .*Data of size", raises_call(*BOUND_IN_SIZE), None),
    (r"^%s: (?P<kind>None|the text None) is '(?P<value>[^\n]+)'$" % NO_ADDRESS, None, address_faults),
    (r"^(HTTPError|URLError|timeout|SSLError|BadStatusLine|IncompleteRead|SocketTimeout)", raises_request, no_answer),
    (r"^(ConnectionError|ReadTimeout|ConnectTimeout|error)\b", raises_request, None),
    (r"^(XMLSyntaxError|JSONDecodeError|ParseError|ExpatError|JSONError|ValueError: (No JSON|Expecting|Extra data))",
     raises_parsing, no_answer),
    (r"^ValueError: (Invalid|Unterminated|unknown url type)", None, no_answer),
    (r"^(IOError|OSError|ValueError|TypeError|StopIteration|RuntimeError|error|PlexError|OverflowError|LookupError)",
     None, any_faults),
)


def by_wording(error, column):
    """(what a column of WORDINGS says to an error, the match); (None, None) where it says nothing."""
    for row in WORDINGS:
        found = searched(row[0], error) if row[column] is not None else None
        if found:
            return row[column], found
    return None, None


# the error, and ways to mend it that are no guards
SPECIAL_WAYS = (
    (r"^UnboundLocalError: local variable '(?P<name>\w+)'", unset_name, into_branch),
    (r"^NameError: (global name|name|free variable) '(?P<name>\w+)'", unknown_name),
    (r"^AttributeError: '?(?P<type>[\w.]+)'? (object|instance)( has no attribute)?( named)? '(?P<name>\w+)'",
     unknown_attribute, object_beside, closed_too_late),
    (r"^AttributeError: 'module' object has no attribute '_(?P<name>[a-z]\w*)'", private_elsewhere),
    (r"^AttributeError: '(module|RestrictedModule)' object has no attribute '(?P<name>\w+)'", module_beside),
    (r"^AttributeError: 'module' object has no attribute '(parse|request|error|client|cookiejar|parser|entities)'",
     newer_path),
    (r"^AttributeError: '(?!NoneType)\w+' object has no attribute '(?P<name>\w+)'", wrong_argument, hidden_module),
    (r"^AttributeError: '?(?P<type>\w+)'? (object|instance) has no attribute '(?P<name>\w+)'", unset_attribute),
    (r"^AttributeError: type object '(?P<type>[\w.]+)' has no attribute '(?P<name>\w+)'", unknown_attribute),
    (r"^(TypeError|AttributeError): .*\btuple\b|^TypeError: expected string or buffer", paired_element, key_of_pair),
    (r"^(TypeError|AttributeError): .*\btuple\b", part_of_answer),
    (r"^TypeError: 'tuple' object does not support item assignment", put_into_tuple),
    (r"^TypeError: expected string or buffer", text_of_element),
    (r"^AttributeError: 'list' object has no attribute|^TypeError: list indices must be integers, not (str|unicode)",
     list_for_element),
    (r"^AttributeError: 'list' object has no attribute '(?P<name>\w+)'", first_of_list),
    (r"^AttributeError: '(list|tuple|ResultSet)' object has no attribute '(?P<name>\w+)'|^TypeError: (list|tuple) "
     r"indices must be integers, not (str|unicode)", row_of_loop),
    (r"^AttributeError: '(list|dict)' object has no attribute|^TypeError: list indices must be "
     r"integers, not (str|unicode)", other_beginning),
    (r"^AttributeError: '(str|unicode|list|dict|tuple|_Element(String|Unicode)Result)' object has no attribute "
     r"'(?P<name>\w+)'", other_language),
    (r"^XPathEvalError: ", readable_path),
    (r"HTTPRequest|addinfourl|^TypeError: (expected string or buffer|expected a character buffer)", text_of_answer),
    (r"^TypeError: (?:cannot concatenate 'str' and '|coercing to Unicode: need string or buffer, )"
     r"(?P<kind>[\w.]*(Error|Exception|timeout|Warning))'?( objects| found)", joined_types),
    (r"^TypeError: (cannot concatenate 'str' and '(int|float|long|bool)'|coercing to Unicode: need string or buffer, "
     r"(int|float|long|bool) found|unsupported operand type\(s\) for \+=?: '(int|float|long)' and '(str|unicode)')",
     joined_types),
    (r"^TypeError: unsupported operand type\(s\) for (?P<sign>[-*/%|&]|//|\*\*)=?: '(?P<left>\w+)' and "
     r"'(?P<right>\w+)'",
     text_in_calculation),
    (r"^TypeError: unsupported operand type\(s\) for [-+*/]+=?: 'NoneType' and '(?P<right>\w+)'", nothing_to_add_to),
    (r"^TypeError: bad operand type for unary \+: '(str|unicode)'", plus_twice),
    (r"NoneType|can only join an iterable", changed_in_place),
    (r"^TypeError: string indices must be integers", other_mapping, text_already),
    (r"^KeyError: (?P<key>u?['\"].+)$", written_default, gone_already, key_meant, decoded_key, named_alike,
     tested_for_another, tested_nearly, blank_in_text, sorted_by_get),
    (r"^KeyError: ", begun_entry),
    (r"^TypeError: decoding Unicode is not supported", decoded_already),
    (r"^ValueError: too many values to unpack", split_once),
    (r"^ValueError: (too many values to|need more than 1 value to) unpack", pairs_of_dict),
    (r"^KeyError: u?['\"](?P<key>.+)['\"]$", element_meant),
    (r"^TypeError: '(?P<type>[\w.]+)' object is not callable", set_over_method, not_callable),
    (r"^TypeError: '?(?P<type>\w+)'? object is not an iterator", turned_iterator),
    (r"^TypeError: exceptions must be .*, not (str|unicode)$", raised_text),
    (r"^TypeError: descriptor '\w+' requires an? '(?P<type>str|unicode)' object", unbound_method),
    (r"^TypeError: (?P<name>\w+)\(\) (takes|got an unexpected|got multiple)", wrong_arguments, named_in_log),
    (r"^TypeError: unbound method (?P<name>\w+)\(\) must be called with (?P<type>\w+) instance", of_own_object),
    (r"^TypeError: (not all arguments converted|not enough arguments)", wrong_format),
    (r"^(TypeError|ValueError): (not enough arguments|float argument required|unsupported format|incomplete format|"
     r"%[di] format|int argument required|an integer is required)", escaped_in_format),
    (r"^TypeError: ((an integer|a float) is required|.*integer (\w+ )?argument expected, got (str|unicode))",
     number_wanted),
    (r"^error: (multiple repeat|nothing to repeat|unbalanced parenthesis|unexpected end of reg|bogus escape)",
     escaped_in_pattern),
    (r"^TypeError: (%[di] format: a number|int argument required|.*format requires)", number_format),
    (r"^Unicode(En|De)codeError", text_and_bytes),
    (r"^UnicodeDecodeError", bytes_for_field),
    (r"^UnicodeDecodeError: 'utf-?8' codec", bytes_for_json),
    (r"^UnicodeEncodeError|^KeyError: u'", quoted_text),
    (r"^ValueError: All strings must be XML compatible", bytes_for_lxml),
    (r"^FrameworkException: Operator", augmented),
    (r"^SyntaxError: .*\bLine \d+: ", within_rules),
    (r"^SyntaxError: .*[\"'](?P<name>__\w+__)[\"'] is an invalid", foreign_constant),
    (r"^AttributeTypeMismatch: .*type '(?P<given>\w+)' is not of the required type '(?P<wanted>\w+)'", field_type),
    (r"^ValueError: (invalid literal for (\w+\(\) with base 10|float\(\))|could not convert string to float): ?"
     r"u?['\"]?(?P<literal>[^'\"]*)", tidy_number, ordered_last),
    (r"^TypeError: int\(\) can't convert non-string with explicit base", text_for_base),
    (r"^(URLError|timeout|SSLError|SocketTimeout|HTTPError).*timed? ?out", longer_wait),
    (r"^APIException: .*Data of size (?P<size>\d+) is greater", larger_answer),
    (r"^(?:(?:URLError|timeout|SSLError|SocketTimeout): .*timed out|HTTPError: HTTP Error (?P<status>5\d\d))",
     second_try),
    (r"^RuntimeError: dictionary changed size|^RuntimeError: Set changed size", changed_while_read),
    (r"^ImportError: No module named (?P<name>[\w.]+)", moved_module),
    (r"^ImportError: No module named (?P<name>\w+)$", misspelt_module, renamed_module),
    (r"^TypeError: attribute-less object", barred_builtin),
    (r"^(?!SyntaxError)", leave_log_out),
)


# how these say that there is no more: with a value in its place a loop over the object would have no end
END_OF = {'__getitem__': ('IndexError', 'KeyError'), '__getattr__': ('AttributeError',), 'next': ('StopIteration',)}


def propose(case):
    """The Proposals for a Case, best first; [] where no template fits without doing harm."""
    if case.message.startswith('maximum recursion depth') or case.exception in END_OF.get(name_in_log(
            case.function), ()):
        return []                               # where it ends is not where it goes wrong
    faults, given = faults_of(case), case
    if case.function.kind in ('Lambda', 'GeneratorExp'):        # from here on, the function that it stands in counts
        case = case._replace(function=function_around(case.function))
    proposals = [proposal for row in SPECIAL_WAYS for found in [searched(row[0], error_text(case))] if found
                 for way in row[1:] for proposal in spared(way, case, found)]
    guards = list(spared(guarded_ways, case, faults))
    if given.function.kind == 'Lambda' and name_assigned(given.function.parent):    # it runs where it is called
        guards = [proposal for proposal in guards if all(is_within(given.function.body.outer, edit)
                                                         for edit in proposal.edits)]
        guards += spared(answers_none, given, faults)
    found = ranked(case, proposals + guards)
    named, edits = bundle_exception(case) if found and case.exception not in BUILTIN_EXCEPTIONS else (None, [])
    if edits:                                   # what is caught must be imported as well
        found = [proposal._replace(edits=proposal.edits + edits) if any(
            'except %s' % named in edit[2] for edit in proposal.edits) else proposal for proposal in found]
    known = priors_of(found)
    others = list(spared(other_readings, given, max([0] + list(known.values()))))
    seen, use = priors_of(others), read_next(case.statement)
    if seen and use is not None and is_copied(use):     # it is for the other variable that all of them are weighed
        found = [proposal._replace(prior=seen.get(proposal[:1] + proposal[2:3], min(
            proposal.prior, max(seen.values())) * 0.95)) for proposal in found]
    found += [proposal for proposal in others if proposal.prior > known.get(proposal[:1] + proposal[2:3], 0)]
    return sorted(found, key=lambda proposal: -proposal.prior)


def priors_of(proposals):
    """{(template, summary): prior}, the first of each."""
    return dict((proposal[:1] + proposal[2:3], proposal.prior) for proposal in reversed(proposals))


BUGS = []                           # tracebacks of rules of ours that failed in this run
LONGEST_SEARCH = 90                 # seconds of processor time for one pattern; the slowest known take a few


class TookTooLong(BaseException):
    """Raised in the middle of whatever takes too long; no rule's own handler is meant."""


class TimeLimit(object):
    """For `with`: TookTooLong after some seconds of processor time, where the system has such a clock (not on Windows).
    A rule that does not end must not cost a night all the other patterns.
    """

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        self.set(self.seconds)

    def __exit__(self, *exception):
        self.set(0)

    def set(self, seconds):
        import signal
        if hasattr(signal, 'setitimer'):
            signal.signal(signal.SIGVTALRM, self.end)
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1)     # again, where what it raises got lost (a __del__)

    @staticmethod
    def end(number, frame):
        raise TookTooLong()


def spared(rule, *given):
    """The rows that a rule gives, up to where a bug of ours in it ends them: that must not cost a night all the other
    patches. It looks like a bug all the same: on stderr, in the report and by the exit code.
    """
    try:
        for row in rule(*given):
            yield row
    except (logs.Problem, IOError, OSError):
        raise
    except Exception:
        import traceback
        BUGS.append(logs.to_text(traceback.format_exc()))


def other_readings(case, most):
    """What could be proposed if the statement, and those behind it, did not share their lines with others; and if what
    the next statement alone reads stood in that one: a copy, a test, a call, or where nothing else is likely (`most`).
    """
    views = [Unfolded(case.source, case.statement), Inlined(case.source, case.statement, most)]
    for view in views + [Inlined(case.source, one, 0) for one in earlier_siblings(case.statement)[-1:]
                         if not most and 'None' in case.message]:
        inner = case._replace(source=view.new, statement=view.moved(case.statement), function=view.moved(
            case.function), expression=case.expression and view.moved(case.expression), logged=tuple(filter(
                None, map(view.moved, case.logged)))) if view.new is not case.source else None
        if inner is not None and inner.statement is not None and inner.function is not None:
            for proposal in propose(inner):
                if not proposal.path:
                    yield view.folded(proposal, most)


def is_copied(use):
    """Whether a variable is read only to be put into another one."""
    return use.parent.kind == 'Assign' and use.parent.value is use


def read_next(given):
    """Where the next statement, and nothing else, reads the variable that a statement sets; None."""
    name, behind = name_assigned(given), later_siblings(given)[:1]
    function = enclosing(given, 'FunctionDef')
    uses = [node for node in walk(function) if is_name(node, name)] if name and function is not None and behind else ()
    text = given.source.text
    if len(uses) != 2 or uses[-1] not in own_part(behind[0]) or given.inline or given.line != given.end_line or \
            text[line_start(given):given.start].strip() or text[given.end:line_start(behind[0])].strip() or \
            line_start(behind[0]) < given.end or given.value.kind in ('Tuple', 'List', 'Dict') or stored(
            uses[-1]) or 'Prefs' in names_in(given.value) or not can_hoist(uses[-1], behind[0]) or any(
                node.kind in ('Lambda', 'Yield') for node in walk(given.value)):
        return None                             # (a preference that is not set is not for one use alone)
    return uses[-1]


class Inlined(object):
    """A source in which what only the statement behind the given one reads stands in that one: `a = b.c` `d = a[0]`
    is `d = b.c[0]`."""

    def __init__(self, source, given, most):
        self.source = self.new = source
        use = read_next(given) if not hasattr(source, 'is_view') and len(source.text) < 200000 else None
        if use is None or most > 0.5 and not is_copied(use) and statement_of(use).kind not in ('If', 'Expr'):
            return                              # (its name may tell something; and what is long takes long to read)
        self.given, self.behind, self.is_copied, text = given, statement_of(use), is_copied(use), source.text
        loose = is_loose(given.value) and not is_apart(use, 'For', 'If')
        self.first, self.last = given.value.outer
        self.start, after = line_start(given), line_start(self.behind)
        self.place = use.outer[0] - after + self.start + loose
        self.after = self.place + self.last - self.first
        self.header = self.behind.suites[0].header_end - 1 if self.behind.suites else self.behind.end
        self.less = after - self.start + use.outer[1] - use.outer[0] - 2 * loose - self.last + self.first
        self.new = Source((text[:self.start] + text[after:use.outer[0]] + '(' * loose + text[self.first:self.last] +
                           ')' * loose + text[use.outer[1]:]).encode(source.encoding), source.path)
        self.new.is_view = True                 # (one step is enough: more of them make another text of it)

    def moved(self, node):
        """The same node in the new text; the statement behind for the given one."""
        joined = node in (self.given, self.behind)
        at = self.behind.start - line_start(self.behind) + self.start if joined else \
            node.start - self.first + self.place if is_in(node, self.given) else node.start
        kind = self.behind.kind if joined else node.kind
        found = [one for one in walk(self.new.tree) if one.start == at and one.kind == kind]
        return next((one for one in found if kind in COMPOUND + ('Module',) or joined or one.text == node.text), None)

    def back(self, at):
        """Where a place of the new text stands in the old one; None where that would come too late, or where it may
        belong to what is around."""
        return at if at <= self.start else at - self.place + self.first if self.place < at < self.after else \
            at + self.less if at + self.less > self.header else None

    def folded(self, proposal, most):
        """A proposal for the new text as one for the old; the two statements stay one where it needs that."""
        edits = [(self.first if start == self.place and end > start else self.back(start),
                  self.last if end == self.after and end > start else self.back(end), words)
                 for start, end, words in proposal.edits]
        apart = all(None not in edit[:2] and (edit[1] != self.start or edit[2].endswith('\n')) for edit in edits)
        if most > 0.5 and not (self.is_copied or apart and self.behind.kind == 'If'):
            proposal = proposal._replace(prior=min(proposal.prior, most * 0.97), risk=min(
                proposal.risk, 'medium', key=RISK_FACTOR.get))
        if apart:
            return proposal._replace(edits=edits)
        lines = decode_source(apply_edits(self.new, proposal.edits))[0].splitlines(True)
        one = self.new.line_text(self.new.line_of(self.start)).strip()
        same = [number for number, line in enumerate(lines) if line.strip() == one]
        if len(same) == 1 and self.behind.line == self.source.line_of(self.header):     # it is only moved: two again
            line = lines[same[0]]
            lines[same[0]:same[0] + 1] = [line.replace(one, text) for text in (
                self.given.text, self.source.line_text(self.behind.line).strip())]
        return proposal._replace(edits=edits_between(self.source, ''.join(lines)))


class Unfolded(object):
    """A source in which no line holds several statements, and the given one stands behind no header."""

    def __init__(self, source, mended):
        self.source, lines = source, list(joined_lines(source))
        line = [one for one in siblings(mended) if one.logical_start == mended.logical_start]
        if line[0].inline and mended.kind not in COMPOUND and line not in lines:
            lines.append(line)
        self.groups = []
        for line in lines:
            first = line[0]
            lead = source.newline + first.indent + (source.indent_unit() if first.inline else '')
            header = [suite.header_end for suite in first.parent.suites if first in suite.body]
            ends = (header if first.inline else [None]) + [one.end for one in line]
            self.groups.append([(end, one.start, lead) for end, one in zip(ends, line) if end is not None])
        self.edits = sorted(sum(self.groups, []))
        self.new = Source(apply_edits(source, self.edits), source.path) if self.groups else source

    def at(self, offset):
        """Where what stood at an offset stands now."""
        return offset + sum(len(text) - (end - start) for start, end, text in self.edits if end <= offset)

    def moved(self, node):
        """The same node in the unfolded text."""
        at = self.at(node.start)
        return next((one for one in walk(self.new.tree) if one.start == at and one.kind == node.kind and
                     (one.kind in COMPOUND + ('Module',) or one.text == node.text)), None)

    def folded(self, proposal, most):
        """A proposal for the unfolded text as one for the text as it is; lines left alone are folded again."""
        new, changes = self.new, list(proposal.edits)
        for group in self.groups:
            breaks = [(self.at(end) - len(text), self.at(end)) for _, end, text in group]
            low, high = new.offset_of_line(new.line_of(breaks[0][0] - 1)), new.line_of(breaks[-1][1])
            high = new.offset_of_line(high) + len(new.line_text(high))
            inside = [edit for edit in changes if edit[0] < high and edit[1] > low or low < edit[0] == edit[1] < high]
            steps = [edit for edit in inside if edit[0] == edit[1] and edit[2] and not edit[2].strip(' \t') and not
                     new.text[new.offset_of_line(new.line_of(edit[0])):edit[0]].strip()]
            if inside == steps and len(steps) in (0, len(breaks) + 1):
                changes = [edit for edit in changes if edit not in steps[1:]]
                changes += [pair + (self.source.text[start:end],) for pair, (start, end, _) in zip(breaks, group)]
        text = decode_source(apply_edits(new, changes))[0]
        return proposal._replace(edits=edits_between(self.source, text))


@kept
def joined_lines(source):
    """[[statements]] of the lines of a file that hold several, none of them behind a header."""
    lines = grouped((one.logical_start, one) for one in (
        all_statements(source.tree) if ';' in source.text else ()))
    return [line for _, line in sorted(lines.items()) if len(line) > 1 and not line[0].inline and
            line[0].kind not in COMPOUND]


def error_text(case):
    return '%s: %s' % (case.exception, case.message)


def faults_of(case):
    """The Faults in the case's statement that can have raised its error."""
    finder, found = by_wording(error_text(case), FINDER)
    if finder is None:
        return list(any_faults(case, None)) if bundle_exception(case)[0] else []
    faults = [fault for fault in could_be_none(finder(case, found)) if not (
        is_handed_down(case, fault.node) or is_made_in_call(case, fault))]
    if not faults and 'None' in case.message:
        faults = could_be_none(callee_faults(case, found))
    return faults or list(any_faults(case, found))


def is_handed_down(case, node):
    """Whether an expression was worked out for a call of the bundle's own, in which the error then arose."""
    return case.frame_kind == 'call' and bool(bundle_nodes(case, 'FunctionDef', case.callee)) and any(
        is_in(node, part) for call in calls_of(own_part(case.statement), case.callee)
        for part in call.args + [one.value for one in call.keywords])


def is_made_in_call(case, fault):
    """Whether the value that a Fault is about was still being worked out, by the call in which the error arose."""
    return case.frame_kind == 'call' and not is_call(fault.node, case.callee) and any(
        is_in(call, fault.bad) for call in calls_of(own_part(case.statement), case.callee))


def fails_elsewhere(case, bad):
    """Whether other functions fail on the same None, which a class of the bundle gives its objects to begin with."""
    if bad.kind != 'Attribute' or of_the_server(bad) or 'NoneType' not in case.message:
        return False
    nodes = bundle_nodes(case, 'Attribute', bad.attr)
    if not any(sets_self(node) and node.parent.kind == 'Assign' and is_name(node.parent.value, 'None')
               for node in nodes):
        return False
    return any(enclosing(node, 'FunctionDef') is not case.function and worst_effect(case, [node], NOTHING) == CRASH
               for node in unchecked_reads(case, nodes))


def could_be_none(faults):
    """Faults without those of literals, and of what never is None where there are others."""
    faults = [fault for fault in faults if fault.bad.kind not in ('Str', 'Num', 'Dict', 'List', 'Tuple', 'ListComp',
                                                                  'Lambda', 'GeneratorExp', 'SetComp', 'DictComp')]
    return [fault for fault in faults if fault.test is not none_test or not never_none(fault.bad)] or faults


# for all items alike: a guard would only hide that
MISFIT = re.compile(r"TypeError: (\w+\(\) (takes|got) |unbound method |\w+ expected (at \w+ )?\d+ arguments?, got |"
                    r"'(str|unicode|int|float|bool|list|dict|tuple|module)' object is not callable|not enough arg|"
                    r"'tuple' object does not support item |'?\w+'? object is not an iterator|"
                    r"argument of type '(type|function|instancemethod|module|builtin_\w+)')"
                    r"|(TypeError|AttributeError): .*'(builtin_function_or_method|function|instancemethod)'")


def asks_by_place(case, node):
    """Whether a function asks a thing that comes from elsewhere for its parts by several written numbers: it takes it
    for a row. A dict in its place has the parts by other names, and is not one without them."""
    same = [one for one in walk(case.function) if one.kind == 'Subscript' and one.value.text == node.value.text and
            is_number_written(index_of(one))]
    values = assigned_before(case, root_name(node) or '', node.start)
    return is_number_written(index_of(node)) and len(set(index_of(one).text for one in same)) > 1 and not (
        any(map(stored, same)) or any(make_of(case, value) == 'dict' for value in values))


def is_other_form(case, node):
    """Whether an object of a JSON answer, whose keys are texts, is asked for a number as a list would be."""
    if case.exception != 'KeyError' or not re.match(r'-?\d+$', case.message) or node.kind != 'Subscript':
        return False
    root, index = root_name(node), index_of(node)
    values = assigned_before(case, root, node.start) if root else []
    loop = loop_over(node.value) if root and not values else None
    if loop is not None:                        # its rows
        values = [loop.iter] if loop.iter.kind == 'Call' else assigned_before(
            case, root_name(loop.iter) or '', node.start)
    # (a row was a tuple once, or is one elsewhere)
    return asks_by_place(case, node) or bool(values) and (all(re.match(
        r'JSON\.|json\.loads', value.text) for value in values) or (
        index is not None and index.kind == 'Num' and node.value.kind == 'Name' and all(
            functions_behind(case, value) for value in values)))


MODELS = ('Movie', 'TV_Show', 'Season', 'Episode', 'Artist', 'Album', 'Track')


def never_has(case):
    """Whether no object of the kind that the error names ever has what it was asked for: a guard would hide that."""
    found = re.match(r"'?(?:\w+\.)*(?P<type>\w+)'? (?:object|instance) has no attribute '(?P<name>\w+)'", case.message)
    if found is None:
        return False
    owner, name = found.groups()
    if owner in MODELS and name not in FIELDS or owner.endswith(('Kit', '_descriptor')) or owner in (
            'module', 'RestrictedModule') and (module_asked(case, name) or is_imported(case, name)):
        return True                             # JSON, HTTP and what is imported are the same for all items
    if lacks_member(case, owner, name):
        return not is_flag_asked(case, name)
    asked = [node for node in own_part(case.statement) if node.kind == 'Attribute' and node.attr == name]
    if owner in ('list', 'tuple', 'int', 'float', 'bool') and not any(map(is_called, asked)) or owner in (
            'str', 'unicode') and any(is_always_text(case, node.value) for node in asked):
        return True                             # something else altogether was handed over, or it is always a text
    return name not in MEMBERS.get(owner, name).split() or any(
        True for way in (first_of_list, other_language, unknown_attribute) for _ in way(case, found)
        if owner in ('list', 'str', 'unicode') or owner == 'dict' and way is not unknown_attribute)


def is_always_text(case, node):
    """Whether an expression, or all that gives a variable its value, makes a text and nothing else."""
    values = [value for _, value in values_given(case.function, node.id)] if node.kind == 'Name' else [node]
    return bool(values) and all(value is not None and value.kind not in ('BoolOp', 'IfExp', 'Name') and
                                make_of(case, value) == 'text' for value in values)


def is_imported(case, name):
    """Whether a statement asks what an import binds, and nothing else, for an attribute."""
    asked = [root_name(node) for node in own_part(case.statement) if node.kind == 'Attribute' and node.attr == name]
    return not name.startswith('_') and any(asked) and all(one.kind == 'alias' for root in asked for one in bindings(
        case.function).get(root) or bindings(case.source.tree).get(root) or [case.statement]) and not any(
            one.ctx == 'Store' for one in bundle_nodes(case, 'Attribute', name))


def lacks_member(case, owner, name):
    """Whether the bundle's classes that are called so, and their bases, lack a member that nothing ever sets."""
    kin, met = [owner], set(['object'])
    while kin:
        found = classes_called(case, kin[-1])
        met.add(kin.pop())
        if not found or any(name in members_of(one) or re.search(r'\b(setattr|vars)\(|__(dict|getattr|getattribute)__',
                                                                 one.text) for one in found):
            return False
        kin += [last_name(base) for one in found for base in one.bases if last_name(base) not in met]
    return not any(node.ctx == 'Store' and not sets_self(node) for node in bundle_nodes(
        case, 'Attribute', name)) and not is_set_anywhere(case, name)


@kept_on('bundle')
def is_set_anywhere(case, name):
    """Whether a file of the bundle sets an attribute of another object than its own."""
    return any(re.search(r'(?<!self)\.%s\s*=(?!=)' % name, case.bundle.text(path)) for path in files_of(case))


def is_flag_asked(case, name):
    """Whether an `if` or isinstance() only asks for an attribute: then what nothing ever sets counts as not set."""
    if case.statement.kind == 'Assign':
        return any(is_call(node, 'isinstance') and [one.attr for one in node.args[:1] if one.kind == 'Attribute'] == [
            name] for node in walk(case.statement.value)) and any(
                       name in members_of(one) for one in bundle_classes(case, name))
    return case.statement.kind == 'If' and any(
        node.kind == 'Attribute' and node.attr == name and not is_called(node) and tested_operand(node) in (
            node, node.parent) for node in walk(case.statement.test))


def classes_called(case, name):
    """The classes of a name in the case's file, else those in the other files of the bundle, Libraries too."""
    return [one for one in classes_of(case.source) if one.name == name] or [
        one for path, source in files_with(case, 'class %s' % name, '') if not case.source.path.endswith(path)
        for one in classes_of(source) if one.name == name]


@kept
def members_of(owner):
    """What the body of a class, and its methods on self, define."""
    return bound_names_of_class(owner) | set(one.name for one in owner.body if one.kind in ('FunctionDef', 'ClassDef'))


def is_own_object(case):
    """Whether an object of the bundle's own stood where a number or text is wanted: what is meant is a part of it."""
    found = re.match(r"unsupported operand type\(s\) for .*: '(\w+)' and '(\w+)'", case.message)
    return found is not None and any(one.name == name for name in found.groups() for one in bundle_classes(case, name))


def guarded_ways(case, faults):
    """Proposals of all guards for the faults of a statement; those that look alike are mended together."""
    first = [fault for fault in faults if case.exception == 'KeyError' or not was_used_before(case, fault.bad)]
    again = [fault for fault in faults if fault not in first and any(
        one.node.text == fault.node.text and is_test_around(one.node, fault.node) for one in first)]
    faults = first + again or faults            # a[0].b if a[0].c else a[0].d: the other way reads it too
    faults = [fault for fault in faults if not any(     # a['x'].b if a['x'] else '': what the test lets through has it
        one.node.text == fault.node.text and any(
            around.kind == 'IfExp' and is_in(one.node, around.test) and is_in(fault.node, around.body) and not (is_op(
                around.test, 'Not') or any(is_in(other.node, around.orelse) for other in faults))
            for around in ancestors(fault.node)) for one in faults)]
    known = [fault for fault in faults if fault.test is none_test]
    if known:                                   # [a.x, a.y]: what guards one of them only would fail at the other
        faults = faults + [fault for fault in echo_faults(case, known) if not any(
            fault.bad is one.bad or exclusive(fault.bad, one.bad) for one in faults)]
    if case.exception == 'IndexError':
        faults = furthest(faults)
    chosen = [fault for fault in faults if case.expression is None or fault.node is case.expression or
              is_in(case.expression, fault.node) or is_in(fault.node, case.expression)]
    chosen = [fault for fault in faults if fault in chosen + again or fault.test in (none_test, truth_test) and
              same_value(fault, chosen)]        # both groups of one match, the first and the last of one list
    if fills_object(case, faults) or MISFIT.match(error_text(case)) or is_own_object(case) or never_has(case) or \
            any(is_other_form(case, fault.node) or case.exception == 'KeyError' and fault.node.kind == 'Subscript' and
                key_of(fault.node) not in (written_keys(case, fault.node) or [key_of(fault.node)]) for fault in faults):
        return                                  # an object that nothing was filled into fails at its next user
    found = re.match(r"'?(?:\w+\.)*(\w+)'? (?:object|instance) has no attribute '(\w+)'", case.message)
    flag = found and is_flag_asked(case, found.group(2)) and lacks_member(case, *found.groups())
    groups = [group for group in (faults, chosen) if group]
    groups = groups[:1] if len(chosen) == len(faults) else groups
    within = [fault for fault in faults if not any(fault.bad is not other.bad and is_in(fault.bad, other.bad)
                                                   for other in faults)]
    if len(within) < len(faults) and len(same_defects(case, faults, case.statement.end)) > 1:
        groups.insert(0, within)                # a['x']['y']: so much is asked of a that it hardly is what is missing
    elif 0 < len(within) < len(faults):
        groups.append(within)                   # a().get('x').get('y'): rather what it was asked for
    told = False
    for number, group in enumerate(groups):
        if group is within and number and told:
            break
        for way in GUARDS:
            for proposal in spared(way, case, group):
                told = True
                if number:
                    proposal = proposal._replace(prior=proposal.prior * 0.95)
                if flag:
                    proposal = doubted(proposal, 0.75, 'nothing ever sets it')
                if way in (soften, choose, fence, try_around) and (names_person(case) or any(
                        is_identity(case, fault.bad) for fault in chosen)):
                    proposal = doubted(proposal, 0.5, 'the entry would be nameless, or lead nowhere')
                if way is not skip_round and stores_either_way(case):
                    proposal = doubted(proposal, 0.75, 'either way it would be stored as something')
                if way is not default_attribute and any(fails_elsewhere(case, fault.bad) for fault in chosen):
                    proposal = doubted(proposal, 0.75, 'other methods fail on the same value')
                if way not in NO_ECHOES and (way is not skip_round or case.exception == 'IndexError'):
                    proposal = with_echoes(case, group, proposal, way is skip_round)
                yield with_alike(case, group[0], proposal, way) if way in ALIKE_WAYS and len(group) == 1 else proposal


def is_identity(case, bad):
    """Whether a value is the id of an object that the function has made, and gives to its callers."""
    return bad.kind == 'Attribute' and bad.attr in ('id', 'guid') and any(
        statement_of(use).kind == 'Return' or is_call(use.parent, 'append', 'add', 'Append')
        for use in uses_of_made(case, bad.value))


def names_person(case):
    """Whether a statement names an object that the function has made, and puts to the roles or the like."""
    target = target_of(case.statement)
    return target is not None and target.kind == 'Attribute' and target.attr in ('name', 'actor') and any(
        is_call(use.parent, 'append', 'add') and PEOPLE.search(use.parent.func.text)
        for use in uses_of_made(case, target.value))


PEOPLE = re.compile('(?i)role|actor|actress|cast|person|people')


def uses_of_made(case, node):
    """The later uses of a variable that holds what the function has made of a class; [] for any other."""
    made = [value for _, value in values_given(case.function, node.id)] if node.kind == 'Name' else []
    return later_uses(case, node.id, case.statement) if made and all(
        value is not None and value.kind == 'Call' and (last_name(value.func) or '')[:1].isupper()
        for value in made) else []


def is_test_around(node, other):
    """Whether a node stands in the test of a conditional expression that another one is a way of."""
    return any(one.kind == 'IfExp' and is_in(node, one.test) and not is_in(other, one.test) for one in ancestors(other))


def doubted(proposal, factor, words):
    """The Proposal with a smaller chance, a high risk and the reason for both."""
    return proposal._replace(prior=proposal.prior * factor, risk='high', why='%s; but %s' % (proposal.why, words))


def with_echoes(case, faults, proposal, is_exit=False):
    """The proposal, extended to the places further on that would fail on the very same value; to those that ask for
    more of it, where it leaves what follows."""
    if proposal.summary == MADE_GOOD:
        return proposal
    first = min(edit[0] for edit in proposal.edits)
    last = max(edit[1] for edit in proposal.edits)
    lines, covered = [], [guarded_body(case.statement, proposal)] + [
        (one.body[0].start, one.body[-1].end) for one in ancestors(case.statement)
        if one.kind == 'If' and one.test.start <= last <= one.test.outer[1] and in_any(case.statement, one.body)]
    for statement in sorted(same_defects(case, faults, last), key=lambda one: one.start):
        again = echoes(case, statement, faults)
        if statement.start < last or (is_exit or any(start <= statement.start < end for start, end in covered)) and (
                asked_for(asking_most(case, faults, [statement])) == asked_for(faults)):
            continue                            # what was mended before covers it
        if len(lines) > 2:                      # then the function cannot do much without the value
            return doubted(proposal, 0.55, 'much of the function uses the same value')
        inner = case._replace(statement=statement, expression=None)
        ways = [one for way in (ask_value,) + ALIKE_WAYS for one in way(inner, again)]
        best = max(ways, key=lambda one: one.prior) if ways else None
        if best is None or best.prior < 0.5 or min(edit[0] for edit in best.edits) < last and \
                max(edit[1] for edit in best.edits) > first:
            return doubted(proposal, 0.6, 'line %d uses the same value' % statement.line)
        lines.append(statement.line)
        proposal = proposal._replace(edits=proposal.edits + best.edits, loss=joined_losses([proposal.loss, best.loss]))
        covered.append(guarded_body(statement, best))
        last = max(edit[1] for edit in proposal.edits)
    return proposal._replace(summary=proposal.summary + '; the same at ' + line_words(lines)) if lines else proposal


def is_entry_field(case, statement):
    """Whether a statement sets a field of an entry of a menu that the function has made: o = EpisodeObject(...)."""
    target = target_of(statement)
    return target is not None and len(statement.targets) == 1 and target.kind == 'Attribute' and \
        target.value.kind == 'Name' and any(
        is_entry(value) for value in assigned_before(case, target.value.id, statement.start))


def with_alike(case, fault, proposal, own):
    """The proposal, extended to the places nearby that ask in the same way for something else."""
    edits, words, losses = list(proposal.edits), [], [proposal.loss]
    for statement, asked in alike_places(case, fault) if proposal.prior > 0.55 else ():
        inner = case._replace(statement=statement, expression=None, function=frame_of(asked), message="'%s'" % key_of(
            asked) if case.exception == 'KeyError' else case.message)
        same = [one for one in faults_of(inner) if asked in (one.node, one.bad) and not is_guarded(inner, one)]
        inner = inner._replace(function=function_around(asked))
        ways = [[one for way in some for one in way(inner, same) if one.prior > 0.55]
                for some in ((ALIKE_WAYS,) if own is fence else (ALIKE_WAYS[:-1], ALIKE_WAYS[-1:])) if same]
        best = max(next(found for found in ways if found), key=lambda one: one.prior) if any(ways) else None
        if best is not None and not in_each_others_way(edits, best.edits) and len(words) < 8:
            edits += [edit for edit in best.edits if edit not in edits]
            words.append(key_of(asked) or asked.text)
            losses.append(best.loss)
    return proposal._replace(edits=edits, summary=proposal.summary + also(each_once(words)),
                             loss=joined_losses(losses)) if words else proposal


def joined_losses(losses):
    """The losses of several places in one."""
    losses = each_once(losses)
    found = [re.match(r'(\w+(?:(?:,| and) \w+)*) (?:may stay empty|stays as it was) for these items$', one)
             for one in losses]
    return '; '.join(losses[:4]) if None in found or not losses[1:] else '%s may stay empty for these items' % (
        and_words(each_once(sum([re.split(', | and ', one.group(1)) for one in found], []))))


def alike_places(case, fault):
    """[(statement, expression)] of the places nearby that ask in the same way for something else than a fault does."""
    asked = fault.node if case.exception == 'KeyError' else fault.bad
    if asked.kind == 'Name':
        return other_variables(case, asked)
    if root_name(asked) == 'self' and is_all_of_it(case.statement):
        return [(one.body[-1], part) for one in case.function.parent.body
                if one is not case.function and one.kind == 'FunctionDef' and is_all_of_it(one.body[-1])
                for part in own_part(one.body[-1]) if part.text == asked.text and part.kind == asked.kind][:4]
    if key_of(asked) is None or case.exception != 'KeyError' and fault.test is not none_test:
        return []
    return other_keys(case, asked)


def is_all_of_it(statement):
    """Whether a method does nothing but return what a statement says."""
    method = statement.parent
    return statement.kind == 'Return' and method.kind == 'FunctionDef' and method.parent.kind == 'ClassDef' and \
        [one for one in method.body if one.kind != 'Expr'] == [statement]


def other_variables(case, asked):
    """Another variable, which comes from the same function, in the statements right behind."""
    def makers(name):
        return set(last_name(value) for value in values_before(case, name, case.statement.start)
                   if functions_behind(case, value))
    found, own = [], makers(asked.id)
    for one in later_siblings(case.statement)[:3] if own and case.statement.kind in SIMPLE else ():
        others = [part for part in own_part(one) if part.kind == 'Name' and part.ctx == 'Load' and
                  part.id != asked.id and own & makers(part.id)]
        if others and one.kind == case.statement.kind and shape_of(one, others[0]) == shape_of(case.statement, asked):
            found.append((one, others[0]))
    return found


def other_keys(case, asked):
    """Another key of the same object, in the same sum, in the statements right behind and in the tests of the suite."""
    def others(node):
        return [part for part in own_part(node) if key_of(part) not in (None, key) and part.ctx == 'Load' and
                part.value.text == asked.value.text]
    place, key = case.statement, key_of(asked)
    sums = [one for one in ancestors(asked) if is_op(one, 'Add')]
    found = [(place, part) for part in (others(sums[-1]) if sums else ())]
    for one in later_siblings(place)[:4] if place.kind in ('Assign', 'Expr') and case.exception == 'KeyError' else ():
        parts = others(one)
        if len(parts) != 1 or shape_of(one, parts[0]) != shape_of(place, asked):
            break
        found.append((one, parts[0]))
    if place.kind == 'If' and asked.value.kind == 'Name' and is_in(asked, place.test):
        own = next(one for one in and_operands(place.test) if is_in(asked, one))
        found += [(one, parts[0]) for one in as_long_as(place, asked.value.id) if one.kind == 'If'
                  for test in and_operands(one.test) for parts in [others(test)] if len(parts) == 1 and
                  test is not own and shape_of(test, parts[0]) == shape_of(own, asked)]
    return [row for row in found if key_of(row[1]) not in KNOWN_OF_ALL]


def as_long_as(statement, name):
    """The statements of a suite around one of them, as long as a variable keeps its value."""
    suite = siblings(statement)
    at = suite.index(statement)
    binders = [number for number, one in enumerate(suite) if name in bound_names(one)]
    return suite[max([number for number in binders if number < at] or [0]):
                 min([number for number in binders if number >= at] or [len(suite)])]


def shape_of(node, part):
    """The text of a statement or test without a key or variable, and without the fields that it stores to."""
    text = part.id if part.kind == 'Name' else index_of(part).text
    return re.sub(r'\.\w+(?=\s*[,=)])', '', re.sub(r'(?<!\w)%s(?!\w)' % re.escape(text), '', node.text))


def guarded_body(statement, proposal):
    """(start, end) of the suite that a tightened `if` only enters where the value is there; (0, 0) where it is none."""
    if statement.kind != 'If' or not proposal.summary.startswith(TIGHTENED):
        return (0, 0)
    text, node = statement.source.text, statement.test
    edits = [edit for edit in proposal.edits if is_within(node.outer, edit)]
    words = [edit[2] for edit in edits]
    part = next((one for one in node.values if all(is_within(one.outer, edit) for edit in edits)), node) if is_op(
        node, 'Or') else node
    if is_op(part, 'Not') and (statement.orelse or statement.body[-1].kind in EXITS) \
            and all(' and ' in word or set(word) <= set('()') for word in words):
        rest = siblings(statement)              # `if not (x is not None and ...): return`: behind it x is there
        return (statement.body[-1].end, (statement.orelse or rest)[-1].end)
    if not is_op(node, 'And', 'Not') and statement.body[-1].kind in EXITS and not statement.orelse and any(
            word.endswith(' or ') for word in words):
        return (statement.end, siblings(statement)[-1].end)     # `if x is None or ...: break`
    if is_op(node, 'Or') or any(' or ' in word for word in words) or any(
            word.startswith('(') and text[max(0, start - 4):start] == 'not ' for start, _, word in edits):
        return (0, 0)
    return (statement.body[0].start, statement.body[-1].end)


def is_within(span, edit):
    return span[0] <= edit[0] and edit[1] <= span[1]


def same_value(fault, faults):
    text = fault.bad.text
    return any(one.bad.text == text or is_path_below(fault.bad, one.bad) for one in faults)


def is_path_below(node, other):
    """Whether an XPath asks the same element for something below what another one asks for: ./a/@href and ./a."""
    if not all(one.kind == 'Call' and one.func.kind == 'Attribute' and one.func.attr == 'xpath' and
               len(one.args) == 1 and one.args[0].kind == 'Str' for one in (node, other)):
        return False
    return node.func.text == other.func.text and node.args[0].s.startswith(other.args[0].s + '/')


def echo_faults(case, faults):
    """The Faults of another statement that come from the very value that made the first one fail."""
    first = statement_of(faults[0].node)
    faults = faults + [fault._replace(bad=one) for fault in faults for one in other_names(fault.bad, case.function)]
    text = case.source.text[case.statement.start:own_end(case.statement)]
    if not any((one.bad.func if one.bad.kind == 'Call' else one.bad).text in text for one in faults):
        return []                               # (asked of every statement of a function; most have nothing of it)
    found = [fault for fault in faults_of(case) if same_value(fault, faults) and (
        fault.what != FAILED or 'NoneType' not in case.message) and (
        case.exception != 'KeyError' or key_of(fault.node) is not None or fault.node.text in [
            one.node.text for one in faults])]   # (a key that some other variable holds need not be the one)
    if case.message.startswith('sequence item'):
        return found                            # it is there: one of its elements is not
    if 'NoneType' in case.message or case.message.startswith((
            'expected string', 'must be str', 'can only join an iterable')):
        known = [fault.bad for fault in found]
        for node in own_part(case.statement):
            if (node.kind == 'Call' or getattr(node, 'ctx', '') == 'Load') and node not in known and any(
                    one.bad.text == node.text for one in faults) and \
                    effect(case, node, NOTHING) == CRASH and node.parent.kind not in STATEMENTS:
                name = node.parent.attr if node.parent.kind == 'Attribute' else None
                found.append(none_fault(case, node.parent, node, faults[0].what, name))
    return [fault for fault in found if not is_guarded(case, fault) and not is_set_between(
        case, fault.bad, first) and (
        fault.bad.kind != 'BinOp' and answers_the_same(fault.bad) or
        any(is_path_below(fault.bad, one.bad) for one in faults))]


def is_set_between(case, node, first):
    """Whether a variable that an expression of the statement asks is set anew behind an earlier statement."""
    return node.kind != 'Name' and any(
        value is not None and first.end <= one.start < case.statement.start
        for name in sorted(names_in(node)) for one, value in values_given(case.function, name))


@kept_for
def other_names(node, function):
    """What else a function knows a value by: `a['b']` for x, and x for `a['b']`, where x is set to nothing else."""
    if node.kind == 'Name':
        given = [value for _, value in values_given(function, node.id)]
        return [one for one in given if one is not None and one.kind in ('Subscript', 'Attribute', 'Call') and
                repeatable(one)] if len(given) == 1 else []
    name = last_name(node.func) if node.kind == 'Call' else key_of(node) or last_name(node)
    setters = [one.parent for one in (nodes_named(node.source, node.kind, name) if repeatable(node) else ())
               if one.text == node.text and name_assigned(one.parent) and one.parent.value is one]
    return [one.targets[0] for one in setters if is_in(one, function) and len(values_given(
        function, name_assigned(one))) == 1]


def is_guarded(case, fault):
    """Whether a fault's place is only reached where the fault's own condition holds."""
    if fault.test in (None, none_test, truth_test):
        return is_checked(case, fault.bad, fault.bad.text)
    condition_text = fault.test(fault.bad.text)[0]
    return any(holds and condition_text in test.text for test, holds in conditions_at(fault.bad))


def same_defects(case, faults, behind):
    """Statements behind an offset that fail on the same value, as long as nothing gives it another one."""
    for around in itertools.chain(*[ancestors(fault.bad) for fault in faults]):
        own = plain_parameters(around) if around.kind == 'Lambda' else [
            name for loop in getattr(around, 'generators', ()) for name in names_in(loop.target)]
        if any(root_name(fault.bad) in own for fault in faults):
            return []                           # the `x` of another lambda or comprehension is something else
    found, anew = [], set(bound_names(case.statement) if case.statement.kind in SIMPLE | frozenset(['For']) else ())
    anew -= set(bound_names(*case.statement.orelse)) if case.statement.kind == 'For' else set()
    # (what a statement itself sets is another value behind it; what the suites of an `if` set is not, for its elif)
    for one in statements(case.function):
        around = catching_try(one, case.exception)
        if one.start < behind or one is case.statement or exclusive(case.statement, one) or \
                around is not None and not is_in(case.statement, around):
            continue                            # what catches it there may well do something about it
        for fault in echo_faults(case._replace(statement=one, expression=None), faults):
            roots = [next((node for node in walk(bad) if node.kind == 'Name'), None) for bad in [
                fault.bad] + other_names(fault.bad, case.function)]
            if any(root.id not in anew and (root in later_uses(case, root.id, case.statement) or any(
                    goes_through_again(node, root) for one in faults for node in walk(one.bad)))
                   for root in roots if root is not None):
                found.append(one)
                break
    return found


def goes_through_again(node, other):
    """Whether two loops go through the same list, one behind the other, and call its elements alike."""
    loops = loop_over(node), loop_over(other)
    return None not in loops and loops[0] is not loops[1] and loops[0].iter.text == loops[1].iter.text and \
        repeatable(loops[0].iter) and node.id == other.id and not is_in(loops[1], loops[0])


def begin_empty(case, faults):
    """`x.append(y)` where x is None, and is kept, answered or handed on behind that: it begins empty."""
    bad, call = faults[0].bad, case.statement.value if case.statement.kind == 'Expr' else None
    value = NO_LIST if call is not None and is_call(call, 'append', 'extend', 'insert') else NO_DICT if (
        call is not None and (is_call(call, 'setdefault') or is_call(call, 'update') and (call.keywords or (
            call.args and call.args[0].kind not in ('Str', 'List', 'ListComp', 'Call'))))) else None
    if value is None or make_of(case, bad) not in (None, 'json', 'list' if value == NO_LIST else 'dict'):
        return                                  # an element, a set or a digest takes other things
    if bad.kind != 'Name' or call.func.kind != 'Attribute' or call.func.value is not bad or \
            faults[0].test is not none_test or not can_insert(case.statement) or \
            case.function.kind == 'FunctionDef' and bad.id in names_in(case.function.args) and any(
                one.parent.kind == 'Expr' for one in bundle_nodes(case, 'Call', case.function.name)) or not any(
            use.parent.kind in ('Assign', 'Return', 'Call', 'keyword') for use in later_uses(
                case, bad.id, case.statement)):
        return
    step = step_of(case.statement)
    yield Proposal('None guard', put_before(case.statement, [
        'if %s is None:' % bad.id, '%s%s = %s' % (step, bad.id, value)]), '%s begins as %s where there is none yet' % (
            bad.id, value_words(value)), 'nothing', 'low', 0.9, 'what is put into it is kept')


def other_hint(case, faults):
    """A search for an artist, album or show that came without this hint: its title says the same."""
    bad, owner = faults[0].bad, enclosing(case.statement, 'ClassDef')
    if bad.kind != 'Attribute' or bad.attr not in ('artist', 'album', 'show', 'name') or case.statement.inline or \
            last_name(bad.value) != 'media' or faults[0].test is not none_test or \
            case.statement.is_elif or bad.attr != 'name' and (
                owner is None or bad.attr.capitalize() not in owner.name):
        return
    text, base = bad.text, bad.value.text
    stores = [node for node in nodes_named(case.source, 'Attribute', bad.attr)
              if node.ctx == 'Store' and node.text == text]
    if bad.attr == 'name' and not (is_name(bad.value, 'media') and case.function.name.lower() == 'search') or \
            bad.attr != 'name' and not (stores and base + '.title' in case.source.text):
        return                                  # the file shows that a hint may be set, and that there is a title
    step = step_of(case.statement)
    yield Proposal('None guard', put_before(case.statement,
                                            ['if %s is None:' % text, "%s%s = %s.title or ''" % (step, text, base)]),
                   'the title is taken where there is no %s' % bad.attr, 'nothing where the title is the same',
                   'low', 0.9, 'the search goes on with the hint that Plex gave in its place')


def default_attribute(case, faults):
    """`self.genres = []` in place of `= None` where the class sets it up, when it is used in several places."""
    bad = faults[0].bad
    if bad.kind != 'Attribute' or of_the_server(bad) or len(set(one.bad.text for one in faults)) > 1:
        return
    nodes = bundle_nodes(case, 'Attribute', bad.attr)
    setters = [node for node in nodes if sets_self(node) and node.parent.kind == 'Assign' and
               is_name(node.parent.value, 'None')]
    readers = [node for node in nodes if node.ctx == 'Load' and not of_the_server(node)]
    unchecked = unchecked_reads(case, readers)
    if len(set(node.source for node in setters)) != 1 or len(setters) > 4 or len(unchecked) < 2 or any(
            node.parent.kind == 'Compare' and any(is_name(one, 'None') for one in node.parent.comparators)
            for node in readers):
        return                                  # somebody tells None from empty
    outcome, value = best_value(by_plural(bad.attr) + OTHERWISE[1:4],
                                lambda value: worst_effect(case, unchecked, value))
    if outcome > HOLLOW:
        edits = [node.parent.value.outer + (value,) for node in setters]
        yield Proposal('initialise first', edits, '%s is %s unless something sets it' % (bad.attr, value_words(value)),
                       '%s is empty for these items' % bad.attr, 'low' if outcome == FINE else 'medium', 0.9
                       if outcome == FINE else 0.87, 'mended where the class sets it up, for all %d places that use it'
                       % len(unchecked), path_of(case, setters[0]))


def first_episode(case, faults):
    """`media.items[0]` in the update of a show, which has no files of its own: the item of an episode."""
    owner = enclosing(case.function, 'ClassDef')
    if case.function.kind != 'FunctionDef' or case.function.name != 'update' or owner is None or not any(
            last_name(base) == 'TV_Shows' for base in owner.bases) or case.exception != 'IndexError':
        return
    node = next((part for part in walk(faults[0].node) if part.kind == 'Subscript' and part.value.kind == 'Attribute'
                 and part.value.attr == 'items' and part.value.value.kind == 'Name'), None)
    if node is None or node.value.value.id not in names_in(case.function.args):
        return
    season, episode, media = fresh_name(case, 's'), fresh_name(case, 'e'), node.value.value.id
    text = '[{0}.seasons[{1}].episodes[{2}].items[0] for {1} in {0}.seasons for {2} in {0}.seasons[{1}].episodes][0]'
    yield cure('wrong variable', [(node.start, node.end, text.format(media, season, episode))],
               'the item of its first episode is taken, as a show has none of its own', 0.9,
               'everything that is made of this path can be filled')


def own_id(case, faults):
    """`media.primary_metadata.id` as the id of a result of an agent for items that no other agent matches first."""
    owner, call = enclosing(case.function, 'ClassDef'), chain_top(faults[0].node).parent
    given = code_of(chain_top(faults[0].node)) or ''
    found = re.match(r'^(\w+)\.primary_metadata\.id$', given)
    call = call.parent if call.kind == 'keyword' and call.arg == 'id' else call
    if len(faults) != 1 or faults[0].test is not none_test or found is None or owner is None or \
            case.function.kind != 'FunctionDef' or call.kind != 'Call' or \
            last_name(call.func) != 'MetadataSearchResult':
        return
    settings = ' '.join(code_of(one) or '' for one in owner.body if one.kind == 'Assign')
    if 'com.plexapp.agents.none' not in settings and not re.search(r'primary_provider *= *True', settings):
        return
    yield cure('None guard', conditional_edits(chain_top(faults[0].node), '%s.primary_metadata is not None' % (
        found.group(1)), '%s.id' % found.group(1)), "the item's own id is taken where no other agent matched it first",
        0.9, 'the item is matched all the same')


GUARDS = (first_episode, own_id, as_before, as_elsewhere, soften, begin_empty, default_attribute, other_hint,
          ask_value, choose, other_way, tighten, filter_element, fence, fence_apart, try_around, parse_first,
          widen_handler, further_handler, skip_round, end_loop, join_guard, leave, at_caller)
# in which places further on, and nearby, are mended as well
ALIKE_WAYS = (tighten, filter_element, soften, choose, fence)
# what these leave behind is not reached any more, or mended at its source
NO_ECHOES = (first_episode, own_id, as_before, as_elsewhere, begin_empty, end_loop, join_guard, leave,
             widen_handler, default_attribute, other_hint, other_way, at_caller)


def ranked(case, proposals):
    """Proposals without those that cannot be applied, the likeliest first."""
    kept, seen = [], set()
    for proposal in proposals:
        key = tuple(sorted(proposal.edits))
        if key not in seen and proposal.edits:
            seen.add(key)
            kept.append(proposal)
    if case.function.kind == 'FunctionDef' and case.function.name in ('update', 'search') and all(
            proposal.template == 'early return' for proposal in kept):
        return []                               # without the error, and without anything else: nothing is gained
    return sorted(kept, key=lambda proposal: -proposal.prior)


# ------------------------------------------------------------------------------------------------------------- patches
def split_lines(data):
    """Lines of bytes with their ends; only LF ends a line, so that nothing else of the file is touched."""
    lines = data.split(b'\n')
    return [line + b'\n' for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def unified_diff(name, before, after):
    """A unified diff of bytes with paths from the Plug-ins folder on, as bytes; exact for any line end."""
    first, last = ends_alike(before, after)
    skipped = before.count(b'\n', 0, first)
    old, new = split_lines(before[first:len(before) - last]), split_lines(after[first:len(after) - last])
    end = '\t\n' if ' ' in name else '\n'      # as patch(1) wants it
    out = []
    for hunk in hunks_between(old, new):
        spans = []
        for start, stop in ((hunk[0][1], hunk[-1][2]), (hunk[0][3], hunk[-1][4])):
            start, stop = start + skipped, stop + skipped
            spans.append('%d' % (start + 1) if stop - start == 1 else '%d,%d' % (start + (stop > start), stop - start))
        out.append(('@@ -%s +%s @@\n' % tuple(spans)).encode('ascii'))
        for tag, old_start, old_stop, new_start, new_stop in hunk:
            out += [(b' ' if tag == 'equal' else b'-') + line for line in old[old_start:old_stop]]
            out += [b'+' + line for line in new[new_start:new_stop] if tag != 'equal']
    head = ['--- a/%s%s' % (name, end), '+++ b/%s%s' % (name, end)] if out else []
    return b''.join([line.encode('utf-8') for line in head] + [
        line if line.endswith(b'\n') else line + b'\n\\ No newline at end of file\n' for line in out])


def same_at_first(one, other):
    """How much two texts or lists begin with that is the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def ends_alike(before, after):
    """(bytes, bytes) of whole lines that no hunk shows: the same at the begin, and at the end, of two files."""
    first = before.rfind(b'\n', 0, same_at_first(before, after)) + 1
    last = min(same_at_first(before[::-1], after[::-1]), len(before) - first, len(after) - first)
    for _ in range(3):
        first = before.rfind(b'\n', 0, max(0, first - 1)) + 1
    for _ in range(4):                          # (the first of these lines may differ at its begin)
        last = len(before) - (before.find(b'\n', len(before) - last) + 1 or len(before))
    return first, last


def hunks_between(old, new):
    """What difflib's get_grouped_opcodes() gives for two lists of lines. Only those between the first and the last that
    differ are compared, and frequent ones are landmarks too: else a long file's patch would rewrite what it keeps.
    """
    import difflib
    first, last = [same_at_first(old[::step], new[::step]) for step in (1, -1)]
    last = min(last, len(old) - first, len(new) - first)
    ends = len(old) - last, len(new) - last
    matcher = difflib.SequenceMatcher(None, old[first:ends[0]], new[first:ends[1]], autojunk=False)
    matcher.opcodes = [('equal', 0, first, 0, first)][:first] + [
        (row[0],) + tuple(first + at for at in row[1:]) for row in matcher.get_opcodes()] + [
            ('equal', ends[0], len(old), ends[1], len(new))][:last]
    return matcher.get_grouped_opcodes()


def changed_lines(patch):
    """Lines that a reader of the patch must look at: the larger of those taken away and those put in."""
    body = [line for line in patch.split(b'\n') if not line.startswith((b'--- ', b'+++ '))]
    return max(sum(line.startswith(b'+') for line in body), sum(line.startswith(b'-') for line in body))


LOGGED = re.compile(br"""(?m)^\+.*\bLog(?:\.\w+)?\([ur]?(['"])((?:(?!\1|[%\\]).){5,})""")


def words_logged(patch):
    """[fixed text] that the lines which a patch puts in write to the log: it stands there when they had to act."""
    old = b'\n'.join(line for line in patch.split(b'\n') if not line.startswith(b'+'))
    found = [match.group(2) for match in LOGGED.finditer(patch)]
    return sorted(set(logs.to_text(words) for words in found if words not in old))


def fix_id(template, patch, before=b''):
    """A name made from the change and its place in the file before: the same in every run, wherever lines move."""
    import hashlib
    body = b'\n'.join(line for line in patch.split(b'\n') if not line.startswith(b'@@'))
    for start, marked in parse_patch(patch)[0][1] if before else ():
        body += b'again' * times_above(start, before, b''.join(line[1:] for line in marked if line[:1] in (b' ', b'-')))
    return '%s-%s' % (re.sub(r'[^a-z0-9]+', '-', template.lower()).strip('-'), hashlib.sha256(body).hexdigest()[:10])


def times_above(number, data, lines):
    """How often some lines stand in a file above line `number` (from 1)."""
    data, lines = b'\n' + data, b'\n' + lines
    found, at = 0, data.find(lines) if lines.endswith(b'\n') else -1
    while at >= 0 and data.count(b'\n', 0, at) < number - 1:
        found, at = found + 1, data.find(lines, at + 1)
    return found


def sha256(data):
    import hashlib
    return hashlib.sha256(data).hexdigest()


@kept
def version_of(source):
    """The digest of a file as it was read."""
    return sha256(source.data)


HUNK_HEAD = re.compile(br'@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@')


def parse_patch(data):
    """[(path, [(old start, [lines with their mark])])] of a unified diff in bytes as people have them, with mails,
    commit messages, UTF-16 or blank lines that lost their blank; else Problem."""
    files, lines, at, extended = [], split_lines(in_utf8(data)), 0, False
    if lines and not lines[-1].endswith(b'\n'):
        lines[-1] += b'\n'
    while at < len(lines):
        line, following = lines[at], lines[at + 1] if at + 1 < len(lines) else b''
        extended = (extended or line.startswith(b'diff --git ')) and not line.startswith(b'--- ')
        if line.startswith(b'--- ') and following.startswith(b'+++ '):
            old, new = path_in_patch(line), path_in_patch(following)
            if '/dev/null' in (old, new):
                raise logs.Problem('the patch %s %s; it can only change files that are there' % (
                    ('makes', new) if old == '/dev/null' else ('removes', old)), logs.UNSAFE)
            files.append((new, []))
            at += 2
        elif line.startswith(b'@@'):
            if not files:
                raise logs.Problem('this is no unified diff: line %d; make it with diff -u' % (at + 1), logs.UNSAFE)
            hunk, at = hunk_at(lines, at)
            files[-1][1].append(hunk)
        elif extended and re.match(br'(rename|copy) |(new|deleted) file |Binary files |GIT binary ', line):
            raise logs.Problem('the patch makes, removes or renames a file, or changes one that is no text (line %d); '
                               'it can only change files that are there' % (at + 1), logs.UNSAFE)
        else:
            at += 1
    if not files or not all(hunks for _, hunks in files):
        raise logs.Problem('the patch changes nothing; make it with diff -u', logs.UNSAFE)
    return files


def in_utf8(data):
    if data[:2] in (b'\xff\xfe', b'\xfe\xff'):
        data = data.decode('utf-16', 'replace').encode('utf-8')
    return data[3:] if data.startswith(b'\xef\xbb\xbf') else data


def path_in_patch(line):
    """The path in a head line, without a/ or b/ before it; git writes one that is not ASCII in quotes and octal."""
    path = line[4:].split(b'\t')[0].strip()
    if path[:1] == b'"' == path[-1:]:
        path = re.sub(br'\\([0-7]{3}|.)', lambda found: six.int2byte(int(found.group(1), 8))
                      if len(found.group(1)) == 3 else found.group(1), path[1:-1])
    path = logs.to_text(path)
    return path[2:] if path[:2] in ('a/', 'b/') else path


def hunk_at(lines, at):
    """((old start, [lines with their mark]), index of the line behind it) of the hunk whose head is at an index."""
    head = HUNK_HEAD.match(lines[at])
    if not head:
        raise logs.Problem('this is no unified diff: line %d; make it with diff -u' % (at + 1), logs.UNSAFE)
    start, old, new = (1 if number is None else int(number) for number in head.groups())
    marked, at = [], at + 1
    while old > 0 or new > 0 or lines[at:at + 1] and lines[at].startswith(b'\\'):
        line = lines[at] if at < len(lines) else b''
        line = b' ' + line if line in (b'\n', b'\r\n') else line
        if line.startswith(b'\\') and marked:           # "\ No newline at end of file" is about the line before it
            end = b'\r\n' if line.endswith(b'\r\n') and marked[-1].endswith(b'\r\n') else b'\n'
            marked[-1] = marked[-1][:-len(end)] if marked[-1].endswith(end) else marked[-1]
        elif line[:1] in (b' ', b'-', b'+'):
            marked.append(line)
            old, new = old - (line[:1] != b'+'), new - (line[:1] != b'-')
        else:
            old = -1
        if old < 0 or new < 0:
            raise logs.Problem('the patch is damaged at line %d; make it again with diff -u' % (at + 1), logs.UNSAFE)
        at += 1
    return (start, marked), at


def patched(data, hunks, name):
    """The bytes after the hunks of one file; Problem where a hunk does not fit: its context, but for line ends, must be
    there, the nearest place counts, and without context only the line that the head names."""
    lines, shift, done, ends = split_lines(data), 0, 0, common_line_end(data)
    for start, marked in hunks:
        if ends:
            marked = [re.sub(br'\r?\n$', ends, line) for line in marked]
        old = [line[1:] for line in marked if line[:1] in (b' ', b'-')]
        new = [line[1:] for line in marked if line[:1] in (b' ', b'+')]
        wanted = max(0, start - (1 if old else 0) + shift)
        places = [at for at in range(done, len(lines) - len(old) + 1) if lines[at:at + len(old)] == old
                  and (at == wanted or any(line[:1] == b' ' for line in marked))]
        if not places:
            raise logs.Problem('the patch does not fit %s near line %d; make it against the installed version'
                               % (name, start), logs.UNSAFE)
        at = min(places, key=lambda place: abs(place - wanted))
        lines[at:at + len(old)] = new
        shift, done = at + len(new) - len(old) - wanted + shift, at + len(new)
    return b''.join(lines)


def common_line_end(data):
    """What ends every line of a file; None where they differ."""
    count = data.count(b'\r\n')
    return b'\n' if not count else b'\r\n' if count == data.count(b'\n') else None


def fix_patch_path(run_dir, name):
    """Where the patch of a fix id lies."""
    return os.path.join(run_dir, 'fixes', '%s.patch' % name)


def safety_problems(bundle, name, after, source=None, edits=()):
    """Sentences on what a change would break; source, edits: what it was made of, then only the statements that the
    edits lie in are read again."""
    parts, found = changed_parts(source, edits) if source is not None else None, []
    for part in parts or [after]:
        try:
            new = Source(part, name)
            new.tree
        except SourceError as problem:
            return ['the patched file cannot be read as Python 2: %s' % problem.sentence]
        if name.startswith('Contents/Code/'):
            found += [('' if parts else ' (line %d)' % line, sentence)
                      for line, sentence in sandbox_violations(new, bundle, name)]
    known = bundle.known_violations(name) if found else ()
    return ['the sandbox would refuse it%s: %s' % row for row in found if row[1] not in known]


def changed_parts(source, edits):
    """The bytes of what edits lie in, each with them, as files of their own: the statements of a def, with the one in
    front, which a clause may be added to, or all of the def; None where one lies in none."""
    inside, defs = {}, outermost_defs(source)
    for edit in edits:
        at = bisect.bisect_right(defs, (edit[0], len(source.text))) - 1
        if at < 0 or edit[1] > defs[at][1]:
            return None
        inside.setdefault(at, []).append(edit)
    parts = []
    for at in sorted(inside):
        start, end, function = defs[at]
        lines = [source.offset_of_line(source.line_of(one.logical_start)) for one in function.body] + [end]
        first = bisect.bisect_left(lines, min(edit[0] for edit in inside[at])) - 1
        head = '# -*- coding: utf-8 -*-' + source.newline
        if first < 0 or function.body[0].inline:
            head += 'class Around:' + source.newline if source.text[start] in ' \t' else ''
        else:
            head += 'def %s(%s):%s' % (function.name, function.args.text, source.newline)
            start = lines[max(0, first - 1)]
            end = (lines + [end])[bisect.bisect_right(lines, max(edit[1] for edit in inside[at]))]
        parts.append((head + with_edits(source.text[:end], inside[at], start) + source.newline).encode('utf-8'))
    return parts


@kept
def outermost_defs(source):
    """[(where its first line begins, its end, its node)] of the defs of a file that stand in no other; [] where it is
    damaged, or print is a name in it."""
    try:
        nodes = walk(source.tree) if 'print_function' not in source.text else ()
    except SourceError:
        return []
    return [(source.offset_of_line(node.line), node.end, node) for node in nodes
            if node.kind == 'FunctionDef' and enclosing(node, 'FunctionDef') is None]


def sandbox_violations(source, bundle, name):
    return check_sandbox(source, bundle.policy == 'Elevated', name == 'Contents/Code/__init__.py')


# ----------------------------------------------------------------------------------------------------- earlier verdicts
# what is read of a row of the history has these types, for logs.fits(); the coordinator's own rows hold them too
HISTORY_ROW = dict([(name + '?', logs.STRING) for name in (
    'pattern', 'agent', 'template', 'exception', 'run', 'time', 'reason', 'function', 'home_run', 'summary', 'loss',
    'risk', 'live')], **{
        'id': logs.STRING, 'decision?': logs.STRING, 'success_percent?': (int, float), 'measured?': int,
        'further?': int, 'iteration?': int, 'contains?': [logs.STRING],
        'probed?': {'lines': [int], 'version': logs.STRING}})


def fix_history_path(run_dir):
    return os.path.join(run_dir, 'fix_history.json')


def write_fix_history(run_dir, rows):
    """Write [{id, pattern, agent, template, exception, decision, success_percent, measured, run, time, reason}]."""
    logs.write_json(fix_history_path(run_dir), {'fixes': rows}, FIX_HISTORY_SCHEMA)


def read_fix_history(run_dir):
    """The rows of write_fix_history; [] where there is no such file."""
    path = fix_history_path(run_dir)
    if not os.path.exists(path):
        return []
    return logs.read_json(path, FIX_HISTORY_SCHEMA, 'loop_coordinator.py', {'fixes?': [HISTORY_ROW]}).get('fixes') or []


def tried_before(history, pattern, name, template, function, wide=False):
    """The row of a rollback, or undo by hand, that forbids this fix for this pattern, or None. wide: it covers more
    than one after which the items failed further on, which had cured its own place."""
    for row in history:
        if row.get('decision') in ('ROLLBACK', 'UNDONE') and row.get('pattern') == pattern:
            if row.get('id') == name or (row.get('template') == template and row.get('function') == function
                                         and function and not (wide and row.get('further'))):
                return row
    return None


def brought_further(row):
    """Whether a fix was undone though it cured its own place: with the items that failed further on, at another one, it
    would have cured half. The rest may be beyond help.
    """
    measured = row.get('measured') or 0
    left = int(measured * (100 - (row.get('success_percent') or 0)) / 100 + .0005)      # percent are cut: 33.3, 5 of 15
    return row.get('decision') == 'ROLLBACK' and bool(row.get('further')) and 2 * row['further'] >= 2 * left - measured


def standing_fix(history, pattern):
    """The newest verdict on a fix for this pattern that left it in place (KEEP or MONITOR), or None."""
    newest = dict((row.get('id'), row) for row in history if row.get('pattern') == pattern)
    standing = [row for row in newest.values() if row.get('decision') in ('KEEP', 'MONITOR')]
    return max(standing, key=lambda row: (row.get('time') or '', row['id'])) if standing else None


def standing_now(history, pattern):
    """The same, but for one after which the pattern came back."""
    return None if (pattern.get('resolved') or {}).get('came_back') else standing_fix(history, pattern['pattern'])


def learned(history, template, exception):
    """(factor, sentence or None): how earlier verdicts of a template on such errors move its rank; 1.0 without any.

    A fix that was undone because its items failed further on did cure its own place, and says nothing.
    """
    rows = [row for row in history if row.get('template') == template and row.get('exception') == exception and not
            brought_further(row)]
    if not rows:
        return 1.0, None
    kept = sum({'KEEP': 1.0, 'MONITOR': 0.5}.get(row.get('decision'), 0.0) for row in rows)
    factor = (2.0 * kept + 2.0) / (len(rows) + 2.0)
    return factor, 'earlier verdicts on such errors: %s kept or watched of %d' % (
        ('%.1f' % kept).rstrip('0').rstrip('.'), len(rows))


# --------------------------------------------------------------------------------------------------------------- fixes
RISK_FACTOR = {'low': 1.0, 'medium': 0.9, 'high': 0.7}


Scene = collections.namedtuple('Scene', 'pattern bundle history source frame function places logged')
# where fixes are sought: the pattern, the file, its frame and function, the places there that may have failed, and
# (logged) the try statements of which one caught the error and logged it
Scene.__new__.__defaults__ = ((),)


def fixes_for(scene, templates=None):
    """(fix records best first, [why one was dropped], {id: patch bytes}) for a Scene. templates: only these."""
    records, dropped, patches, is_guess = [], [], {}, False
    for score, place, case, proposal in scored_proposals(scene):
        if templates and proposal.template not in templates:
            continue
        record, patch, why_not = fix_record(scene, case, place, proposal)
        if why_not:
            dropped.append('%s at line %d: %s' % (proposal.template, place.line, why_not))
        elif record['id'] not in patches:
            is_guess = is_guess if records else not proposal.wide and place.confidence < 0.5
            records.append(dict(record, score=round(score, 4)))
            patches[record['id']] = patch
            if len(records) == FIXES_PER_PATTERN:
                break
    if scene.places[0].confidence < PROBE_BELOW and len(scene.places) > 1:
        record, patch = probe_for(scene)
        if record:                              # of such guesses two in three are wrong: it stands before them
            is_guess = is_guess and records[0]['predicted']['success_percent'] < GUESSED_BELOW
            records.insert(0 if is_guess else len(records), record)
            patches[record['id']] = patch
    return records, dropped, patches


def case_at(scene, statement, expression=None, message=''):
    """The Case of one statement of a Scene."""
    kind, callee = frame_kind(scene.frame)
    exception, is_entry = scene.pattern.get('exception') or '', scene.frame.name == 'Contents/Code/__init__.py'
    return Case(scene.source, scene.function, statement, expression, exception, message, kind, callee,
                scene.bundle.policy, is_entry, scene.bundle, scene.logged)


def scored_proposals(scene):
    """[(score, place, case, proposal)] of all templates at all places that are sure enough, best first."""
    rows, wide = [], []
    for number, place in enumerate(scene.places[:4]):
        chosen = rows if place.confidence >= SURE_ENOUGH and number < 3 else wide
        if place.confidence < WORTH_A_GUARD:
            continue
        case = case_at(scene, place.statement, place.expression, place.message)
        for proposal in propose(case):
            factor = learned(scene.history, proposal.template, case.exception)[0] * RISK_FACTOR[proposal.risk]
            chosen.append((place.confidence * proposal.prior * factor, place, case, proposal))
    rows = list(at_every_place(rows + wide, scene.places) if rows else ()) + [
        within_try(row, scene.places) for row in rows]
    # of equals the earlier place, without which the later one is not reached; stable: a template's own order stays
    return sorted(rows, key=lambda row: (-round(row[0], 2), row[1].line, row[1].statement.start))


def within_try(row, places):
    """The row of a proposal whose try stands around other places that may have failed as well: they count for it."""
    score, place, case, proposal = row
    bounds = [edit[0] for edit in proposal.edits if re.search(r'^\s*(try:|except )', edit[2], re.M)]
    sure = sum(other.confidence for other in places
               if other is place or len(bounds) > 1 and bounds[0] <= other.statement.start < bounds[1])
    return score * sure / place.confidence, place._replace(confidence=sure), case, proposal


def at_every_place(rows, places):
    """A row that guards all the places that may have failed: a guard costs the ones that did not fail nothing."""
    chosen, edits = [], []
    several = len(set(place.message for place in places)) > 1
    for row in sorted(rows, key=lambda row: (-row[1].confidence, row[1].line, -row[0])):
        proposal = row[3]
        if proposal.risk != 'high' and proposal.path is None and proposal.prior >= 0.5 and \
                not any(row[1].statement is one[1].statement for one in chosen) and \
                not in_each_others_way(edits, proposal.edits):
            chosen.append(row)
            edits += proposal.edits
    if places[0].confidence >= 0.9 or len(chosen) < 2:
        return
    for rows in [chosen, chosen[:3], chosen[:2]][-min(3, len(chosen) - 1):]:     # all may be too long a patch
        first, sure = rows[0], sum(row[1].confidence for row in rows)
        words = line_words(set(row[1].line for row in rows))
        words = 'the ' + words if words.startswith('lines') else 'the statements of ' + words
        lost = [row[3].loss for row in rows if row[3].loss != 'nothing']
        edits, done = [], []                    # an import that both need is added once
        for row in rows:
            done += [part for part in row[3].summary.split('; ') if part not in done]
            edits += [edit for edit in row[3].edits if edit not in edits or edit[0] == edit[1] and edit[2] in '()']
        yield (sure * min(row[0] / row[1].confidence for row in rows), first[1]._replace(confidence=sure), first[2],
               first[3]._replace(wide=True, edits=sorted(edits), prior=min(row[3].prior for row in rows),
                                 risk=min((row[3].risk for row in rows), key=RISK_FACTOR.get),
                                 loss='; '.join(sorted(set(lost))) or 'nothing', summary='; '.join(done),
                                 why=('the log shows errors of this kind at each of %s' if several
                                      else 'any of %s can have failed, and a guard costs the others nothing') % words))


def in_each_others_way(edits, more):
    """Whether two proposals touch the same text, or one puts lines into what the other moves."""
    def is_amid(inner, outer):
        def moves(near):                        # what stands beside one of these is moved in as well
            return bool(near) and near[0][2] != '' and not near[0][2].strip(' \t')
        return any(moves([row for row in sorted(outer, reverse=True) if row[0] <= edit[0]]) or moves(
            [row for row in sorted(outer) if row[0] >= edit[0]]) for edit in inner if LINE_END.search(
                edit[2]) and edit not in outer)

    if any(one[0] < other[1] and other[0] < one[1] or one[0] == other[0] and one != other
           for one in edits for other in more):
        return True
    return is_amid(edits, more) or is_amid(more, edits)


SURE_ENOUGH = 0.2               # a patch at a place less sure than this would be a guess
WORTH_A_GUARD = 0.15            # and one less sure than this is not guarded along with others
PROBE_BELOW = 0.65              # a probe is offered when the first place is less sure than this
GUESSED_BELOW = 40              # and stands first when the best patch, at one place, promises less percent than this


PROBED_PLACES = 4


def probe_for(scene):
    """(record, patch) of a patch that changes nothing but logs which of several places, not asked yet, raised, by line
    and version of the file (see probed_lines); (None, None) without, and for a plug-in that logs no more than
    errors."""
    if scene.bundle.is_terse():
        return None, None
    source, places = scene.source, scene.places
    asked = asked_lines(scene.history, scene.pattern, source)
    case = case_at(scene, places[0].statement)
    named = exception_name(case) or 'Exception'
    edits, lines, shown = [], [], (None,) + case.logged
    handled = [place.expression is not None and catching_try(place.expression, case.exception) not in shown
               for place in places]
    for place, is_handled in zip(places, handled):
        if is_handled != handled[0]:
            continue                            # what speaks there and is caught would be taken for the fault
        log = log_line(case, PROBE_SAYS % (place.line, version_mark(source)))
        added = probe_edits(case, place, named, log) if log and place.confidence >= 0.01 else None
        if added and place.line not in lines and place.line not in asked:
            edits.extend((edit[0], place.line, edit) for edit in added)
            lines.append(place.line)
            if len(lines) == PROBED_PLACES:
                break
    if len(lines) < 2:
        return None, None
    edits = [edit for _, _, edit in sorted(edits, key=lambda row: row[:2])]     # what is asked first comes first
    proposal = cure('probe', edits, 'nothing is changed; the log says which of the %s failed' % line_words(lines), 0.0,
                    'the place is not sure, and one more refresh settles it')
    record, patch, _ = fix_record(scene, case, places[0], proposal)
    if record:
        record['kind'] = 'probe'
        record['probed'] = {'lines': sorted(lines), 'version': version_mark(source)}
        record['predicted'] = {'items': number_of_items(scene.pattern), 'success_percent': 0, 'fields': [],
                               'sentence': 'the same errors, each with a line in the log that names the place'}
    return record, patch


def probe_edits(case, place, named, log):
    """The edits that log when this place raises, and raise again: on one line each; None where that is not possible."""
    statement, source = place.statement, case.source
    handler = 'except %s: %s; raise' % (named, log[0])
    if statement.inline or statement.logical_start != statement.start:
        return None
    if statement.kind in COMPOUND:
        return header_probe(case, place, log[0], handler)
    rest = source.text[statement.end:line_end(statement)].strip()
    return None if rest and not rest.startswith('#') else [
        (statement.start, statement.start, 'try: ')] + put_after(statement, [handler])


def header_probe(case, place, log, handler):
    """The edits for what an if or for evaluates: asked once more before it where that is all the same, else named; of
    what a for goes through it is asked whether it is the None that the message names."""
    statement, source = place.statement, case.source
    asked = [getattr(statement, HEADERS[statement.kind])] if statement.kind in HEADERS else []
    elements = place.expression is statement and "'NoneType'" in place.message
    if not asked or place.expression is None or not elements and not is_in(place.expression, asked[0]):
        return None
    while statement.is_elif:
        statement = statement.parent
        asked.insert(0, statement.test)
    name, newline = fresh_name(case, 'probed'), source.newline
    twice = statement.kind in ('If', 'For') and all(map(repeatable, asked))
    if statement.kind == 'While' or statement.inline or statement.logical_start != statement.start or (
            len(asked) > 1 and not twice):
        return None
    lines = ['try: %s%s' % ('' if twice else name + ' = ', ' or '.join('(%s)' % one.text for one in asked)),
             handler, '']
    if elements:
        value = '(%s)' % asked[0].text
        lines = ([] if twice else ['%s = %s' % (name, value)]) + [
            'if %s is None: %s' % (value if twice else name, log), '']
    edits = [(statement.start, statement.start, (newline + statement.indent).join(lines))]
    start, end = asked[0].outer
    return edits if twice else edits + [(start, end, name if source.text[start - 1] in ' \t' else ' ' + name)]


PROBE_SAYS = 'probe: line %d raised (%s)'       # aggregate_plex_logs.PROBE is how it begins


def version_mark(source):
    """A word for this version of a file: the lines that a probe named mean no other one."""
    return version_of(source)[:8]


def probed_lines(said, source):
    """Lines of this version of a file that probes have named, by what the threads said last before they failed."""
    found = []
    for texts in said:
        named = [int(text.split()[2]) for text in texts if re.match(r'probe: line \d+ raised \(%s\)$'
                                                                    % version_mark(source), text)]
        found.extend(named[-1:])
    return found


def asked_lines(history, pattern, source):
    """Lines of this version of a file that a probe watched while the pattern's error came again, if the log still goes
    back so far: each start of the plug-in takes its oldest part away, and with it what the probe said."""
    rows = [row['probed'] for row in history if row.get('decision') == 'PROBED' and row.get('evidence') and
            row.get('pattern') == pattern['pattern'] and row.get('probed') and
            (pattern.get('first_seen') or '') <= (row.get('time') or '')]
    return set(line for row in rows if row['version'] == version_mark(source) for line in row['lines'])


def silent_lines(history, pattern, source):
    """Those at which no probe spoke."""
    return asked_lines(history, pattern, source) - set(probed_lines(said_before(pattern), source))


def line_words(lines):
    """'lines 3, 5 and 7' of some numbers."""
    return 'line%s %s' % ('s' * (len(lines) > 1), and_words(['%d' % line for line in sorted(lines)]))


def patch_of(bundle, changes):
    """(the patch, what the record of a fix says of its files) of [(file, its bytes before, after)]."""
    patch, files = b'', []
    for name, before, after in changes:
        path, source = '%s/%s' % (bundle.folder, name), bundle.source(name)
        patch += unified_diff(path, before, after)
        files.append({'path': path, 'sha256_before': version_of(source) if source is not None and
                      source.data is before else sha256(before), 'sha256_after': sha256(after)})
    return patch, files


def fix_record(scene, case, place, proposal):
    """(record, patch, None) of one proposal, or (None, None, why it cannot be offered)."""
    pattern, bundle, history = scene.pattern, scene.bundle, scene.history
    target = proposal.path or scene.frame.name  # the class of a missing attribute may lie in another file
    changes = []
    for name, edits in [(target, proposal.edits)] + sorted(dict(proposal.others).items()):
        source = case.source if name == target and not proposal.path else bundle.source(name)
        try:
            after = apply_edits(source, edits)
        except SourceError as problem:
            return None, None, 'its edits do not fit (%s)' % problem.sentence
        before = source.data
        if after == before:
            return None, None, 'it changes nothing'
        unsafe = safety_problems(bundle, name, after, source, edits)
        if unsafe:
            return None, None, unsafe[0]
        changes.append((name, before, after))
    patch, files = patch_of(bundle, changes)
    lines = changed_lines(patch)
    if lines > MAX_CHANGED_LINES:
        return None, None, 'it changes %d lines, and more than %d are not allowed' % (lines, MAX_CHANGED_LINES)
    name, function = fix_id(proposal.template, patch, changes[0][1]), name_in_log(case.function)
    forbidden = tried_before(history, pattern['pattern'], name, proposal.template, function, proposal.wide)
    if forbidden:
        return None, None, 'it was undone by hand' if forbidden['decision'] == 'UNDONE' else \
            'it was rolled back on %s' % (day_and_minute(forbidden.get('time')) or 'an earlier day')
    factor, learned_text = learned(history, proposal.template, case.exception)
    chance = min(0.97, place.confidence * proposal.prior * factor)
    sure = ['the place is only %d %% sure' % in_percent(place.confidence)] if place.confidence < 0.9 else []
    if proposal.loss == 'nothing' and chance:   # the program was wrong, not the data: one such fault in four hid more
        chance, sure = chance * 0.8, sure + ['what follows has not run like this before']
    return {'id': name, 'kind': 'fix', 'template': proposal.template, 'file': files[0]['path'],
            'line': place.statement.line, 'function': function, 'patch': 'fixes/%s.patch' % name,
            'bundle': bundle.folder, 'agent': pattern.get('agent'), 'pattern': pattern['pattern'],
            'risk': proposal.risk, 'predicted': prediction(pattern, case, chance, proposal.loss),
            'summary': proposal.summary, 'loss': proposal.loss, 'changed_lines': lines, 'score': 0.0,
            'why_this_rank': '; '.join(filter(None, [proposal.why] + sure + [learned_text])),
            'files': files}, patch, None


def prediction(pattern, case, chance, loss):
    """What should happen, in numbers, written before anything is changed; what the fix gives up is not promised."""
    items = number_of_items(pattern)
    lost = re.findall(r'\w+(?=(?:(?:,| and) \w+)* (?:may stay empty|stays as it was))', loss)
    fields = [name for name in fields_after(case) if name not in lost and not loss.startswith('everything that')]
    is_search = 'search' in (pattern.get('kind'), pattern.get('call'))
    percent = in_percent(chance * FOUND_SHARE if is_search else chance)
    gain = ', '.join(fields[:3]) + (' and more' if len(fields) > 3 else '')
    said = 'this error should not come again%s' % (', and what follows can be filled: %s' % gain if gain else '')
    if items:                                   # they fail at one place, and go through together or not at all
        said = '%s %s go through without this error%s (chance: %d %%)' % (
            'this item' if items == 1 else 'all %d items' % items, 'should' if percent >= 50 else 'may',
            ' and find a match' if is_search else ' and gain %s' % gain if gain else '', percent)
    said = {'items': items, 'success_percent': percent, 'sentence': said}
    if fields or name_in_log(case.function) in ('update', 'search'):    # else its callers fill in, nobody knows what
        said['fields'] = fields
    return said


FOUND_SHARE = 0.7               # of the chance: a search that got through often finds nothing, or only what is similar


def in_percent(share):
    """A share as a whole number of percent; round() differs between 2.7 and 3."""
    return int(100 * share + 0.5)


def fields_after(case):
    """Names of the metadata fields that the function fills, or hands on to be filled, from the failing statement on."""
    return sorted(set(node.attr for node in walk(case.function) if node.kind == 'Attribute' and
                      is_name(node.value, 'metadata') and node.end >= case.statement.start and (
                          stored(node) or node.parent.kind in ('Subscript', 'keyword') or is_called(node.parent) and
                          node.parent.attr in FILLERS or node.parent.kind == 'Call' and not in_log_call(node)))
                  - set(['id', 'guid']))


# -------------------------------------------------------------------------------------------------- one pattern, whole
Diagnosis = collections.namedtuple('Diagnosis', 'record patches')


Inquiry = collections.namedtuple('Inquiry', 'pattern bundle history record chain index')
# one pattern of a code defect that is looked into: the record is filled on the way; chain: the bundle's own frames,
# index: the one of them that a patch belongs to, None where the log names none


def diagnose(pattern, document, bundles, history):
    """The Diagnosis of one pattern: the record for diagnostic_report.json, and the patches of its fixes by id."""
    agent, bugs = agent_row(document, pattern.get('agent')), len(BUGS)
    bundle = bundle_of(pattern, bundles)
    confessed = confession(pattern, bundle) if bundle is not None else None
    told = dict(pattern, exception=confessed.exception, message=confessed.message) if confessed else pattern
    verdict = with_cause(judge(told, agent), pattern, document)
    if verdict.cls == 'upstream' and left_by_handler(pattern, bundle):
        verdict = Verdict('code', named_family('unset name'), verdict.evidence + [
            'the code catches that itself and goes on, and lacks the variable that it then asks'], [],
            named_family('unset name').people)
    evidence = list(verdict.evidence)
    if bundle is not None and bundle.twins:
        evidence.append('%s, too, is %s, and the server runs only one of them; keep %s, which is the one that failed'
                        % (', '.join(bundle.twins), bundle.identifier, bundle.folder))
    if bundle is not None and verdict.cls == 'code':
        broken = bundle.broken() + missing_modules(pattern, bundle)
        if broken:
            verdict = verdict._replace(cls='environment', advice='install the bundle again; it is a broken copy')
            evidence.extend(broken)
    record = {'pattern': pattern['pattern'], 'agent': pattern.get('agent'), 'class': verdict.cls,
              'family': verdict.family.name, 'exception': pattern.get('exception'), 'message': pattern.get('message'),
              'wrapper': pattern.get('wrapper'), 'kind': pattern.get('kind'), 'count': pattern.get('count') or 0,
              'items_total': number_of_items(pattern), 'first_seen': pattern.get('first_seen'),
              'last_seen': pattern.get('last_seen'), 'meaning': verdict.family.meaning, 'advice': verdict.advice,
              'divergence_point': None, 'fixes': [], 'no_fix_because': None, 'cause': [],
              'confidence': None, 'bundle': bundle.folder if bundle else None, 'test_plan': plan_test(pattern, agent),
              'evidence': evidence, 'evidence_against': list(verdict.against)}
    patches, chain = {}, own_chain(pattern)
    index = fault_frame(chain, bundle)
    if index is not None:
        record['divergence_point'] = point_from_log(chain, index)
    if verdict.family.name == 'cut record':
        no_fix = 'the log breaks off before it says which error it was'
        named = ERROR_IN_HEAD.search((pattern.get('exemplars') or [{}])[0].get('text', '').partition('\n  File ')[0])
        if named:
            no_fix += ', but the words in front name it: %s' % one_line(named.group(1))
        if record['divergence_point']:
            record['divergence_point']['candidates'] = []       # what stood below this frame is not known either
    elif verdict.cls != 'code':
        facts = evidence[-1:] + evidence[:1] if len(evidence) > 1 else evidence     # what says so, and how often
        no_fix = 'the fault is not in the code (%s): %s' % (verdict.cls, '; '.join(facts + [verdict.advice]))
    elif bundle is not None:
        inquiry = Inquiry(pattern, bundle, history, record, chain, index)
        no_fix, patches = (list(spared(lambda: [mend(inquiry, confessed)])) or [(None, None)])[0]
        if patches is None:
            record['fixes'], patches = [], {}
    else:
        no_fix = NO_LINE if index is None else NO_BUNDLE
    if record.get('hidden_lines'):
        patches = dict(patches, **mend_hidden(Inquiry(pattern, bundle, history, record, chain, index), document))
    if no_fix == COPED and not record['fixes']:     # as does what a patch of ours logs: nobody has to look into it
        record.update({'class': 'noise', 'meaning': 'The plug-in catches this error itself and goes on.',
                       'advice': 'nothing; the plug-in copes with it'})
    note_new_form(record, *counted_calls(pattern, agent))
    record['hypothesis'] = hypothesis(record)
    if not record['fixes']:
        record['no_fix_because'] = OWN_BUG if len(BUGS) > bugs else no_fix or why_no_template(record)
    return Diagnosis(record, patches)


def mend_together(pattern, record, bundles, history, run_dir):
    """Put first into a record what mends its place and the next one: where a fix that was rolled back only brought the
    items further, or cured too few, what they failed with then is mended in the source as that fix left it. Returns
    {fix id: patch}.
    """
    bundle = bundle_of(pattern, bundles)
    others = [row for row in history if row.get('pattern') != pattern['pattern']]
    open_now = bundle is not None and record['class'] == 'code' and not standing_now(history, pattern)
    for row in reversed(history if open_now else []):
        if row.get('pattern') != pattern['pattern'] or not brought_further(row):
            continue
        try:
            half = Patched(bundle, read_patch(run_dir, row))
            behind, document = next_error(pattern, row, run_dir)
        except (logs.Problem, KeyError, TypeError, AttributeError, ValueError):     # that run is deleted or damaged, or
            continue                            # the plug-in is another version by now
        if not changes_function(half, bundle, record['divergence_point']):
            continue                            # by now it fits a copy of that alone
        found = diagnose(behind, document, {half.identifier: half}, others) if behind else None
        for fix in [one for one in found.record['fixes'] if one['kind'] == 'fix'] if found else ():
            joined, patch = continued(bundle, half, row, fix, found.patches[fix['id']])
            if joined['changed_lines'] > MAX_CHANGED_LINES or tried_before(
                    history, pattern['pattern'], joined['id'], joined['template'], None):
                continue
            # a probe has nothing to find any more
            record['fixes'] = [joined] + [one for one in record['fixes'] if one['kind'] != 'probe']
            record['evidence'].append('with fix %s, %s still failed: %s' % (
                row['id'], logs.count_text(row['further'], 'item'),
                ': '.join(filter(None, [behind.get('exception'), behind.get('message')]))))
            if behind['pattern'] != pattern['pattern']:
                record['hides'] = behind['pattern']
            record['no_fix_because'] = None
            return {joined['id']: patch}
    return {}


def continued(bundle, half, row, fix, patch):
    """(fix record, patch) of a fix in the history and of another, made for the source as that one leaves it (half)."""
    both = Patched(half, patch)
    names = sorted(set(half.changed) | set(both.changed))
    patch, files = patch_of(bundle, [(name, bundle.data(name), both.data(name) if name in both.changed else
                                      half.data(name)) for name in names])
    template = '%s and %s' % (row.get('template'), fix['template'])
    name, percent = fix_id(template, patch, bundle.data(names[0])), fix['predicted'].get(
        'cured_percent', fix['predicted']['success_percent'])       # what lies between is gained in any case
    losses = set([row.get('loss') or 'nothing', fix['loss']]) - set(['nothing'])
    return dict(
        fix, id=name, template=template, pattern=row['pattern'], patch='fixes/%s.patch' % name, files=files,
        file=files[0]['path'], changed_lines=changed_lines(patch), function=row.get('function'), score=1.0,
        contains=(row.get('contains') or []) + [row['id']], loss='; '.join(sorted(losses)) or 'nothing',
        summary='; '.join(collections.OrderedDict.fromkeys('; '.join(filter(None, (
            row.get('summary'), fix['summary']))).split('; '))),
        risk=min([row.get('risk') or 'medium', fix['risk']], key=RISK_FACTOR.get),
        predicted=dict(fix['predicted'], success_percent=percent, sentence='the items should go through without this '
                       'error and the one behind it, and have what is filled in between and after (chance: %d %%)'
                       % percent),
        why_this_rank='with the first of its two parts alone %s still failed, with an error that the second is for'
                      % logs.count_text(row['further'], 'item')), patch


def read_patch(run_dir, row):
    """The patch of a fix in the history; Problem where it cannot be read."""
    path = os.path.join(os.path.dirname(os.path.abspath(run_dir)), row.get('home_run') or '', 'fixes',
                        '%s.patch' % row.get('id'))
    try:
        with open(path, 'rb') as source:
            return source.read()
    except (IOError, OSError) as problem:
        raise logs.Problem('%s cannot be read (%s)' % (path, problem.strerror))


def changes_function(half, bundle, point):
    """Whether a patch changes the function at a divergence point, where it changes that file at all."""
    line = (point['candidates'] or [{}])[0].get('statement_line') if point and point['file'] in half.changed else 0
    source = bundle.source(point['file']) if line else None
    if source is None:
        return line == 0
    function = function_around(next((one for one in all_statements(source.tree) if one.line == line),
                                    source.tree))
    old, new = split_lines(source.data), split_lines(half.data(point['file']))
    above, below = [len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(*pair))))
                    for pair in ((old, new), (old[::-1], new[::-1]))]
    return function.kind == 'Module' or above <= function.end_line and len(old) - below >= function.line - 1


def next_error(pattern, row, run_dir):
    """(the pattern, the aggregate that it is from) of what most items of a pattern failed with while a fix of the
    history was tested; (None, ...) for none."""
    home = os.path.join(os.path.dirname(os.path.abspath(run_dir)), row.get('run') or '')
    document = logs.read_aggregate(logs.aggregate_path(home, row.get('iteration') or 0, True))

    def shared(one):
        return len(guids_of(one) & guids_of(pattern))

    rows = [one for one in document['patterns'] if one.get('agent') == pattern.get('agent') and not (
        one.get('noise') or one.get('echo_of')) and one.get('kind') == pattern.get('kind') and
        2 * shared(one) >= row['further']]
    return max(rows, key=lambda one: (shared(one), one['pattern'])) if rows else None, document


def guids_of(pattern):
    """The guids of the items that a pattern hit."""
    return set(item['guid'] for item in pattern.get('items') or () if item.get('guid'))


def left_by_handler(pattern, bundle):
    """Whether an except that goes on leaves a variable unset that the function then asks whether there is one."""
    missed = re.match(r"local variable '(\w+)' referenced", pattern.get('message') or '')
    chain = own_chain(pattern) if missed and bundle is not None else []
    frame = chain[fault_frame(chain, bundle)] if chain else None
    source = bundle.source(frame.name) if frame else None
    function = function_named(source, frame) if source is not None else None
    if function is None:
        return False
    name = missed.group(1)
    handlers = [handler for one in statements(function) if one.kind == 'TryExcept' and any(
        name in bound_names(inner) for inner in one.body) for handler in one.handlers]
    return any(not any(sets_surely(one, name) for one in handler.body) and handler.body[-1].kind not in EXITS
               for handler in handlers) and any(map(is_tested, reads(function, name)))


COPED = 'the code already goes on without it, and nothing else is lost'
NO_LINE = "the log names no line of the plug-in's own code"
NO_BUNDLE = 'the bundle is not at hand, so the place is known from the traceback alone'
TOO_LONG = 'the search for one did not end, which is a bug in diagnose_from_report.py; please report it'
OWN_BUG = 'a bug in diagnose_from_report.py itself ended the search for one; please report it'


def mend(inquiry, confessed):
    """Find the place and what can be done there, fill the record. Returns (why there is no fix or None, patches)."""
    pattern, bundle, record, index = inquiry.pattern, inquiry.bundle, inquiry.record, inquiry.index
    standing = standing_fix(inquiry.history, pattern['pattern'])
    if standing and not standing_now(inquiry.history, pattern):
        record['evidence'].append('all of it came after fix %s was put in place (%s), so it is what that one does not '
                                  'cure' % (standing['id'], standing['decision']))
    elif standing:
        if record['divergence_point']:
            record['divergence_point']['source'] = 'patched'
        return 'fix %s for it is in place since %s (%s), and nothing else is tried meanwhile' % (
            standing['id'], day_and_minute(standing['time']), standing['decision']), {}
    if confessed:
        return mend_confessed(inquiry._replace(pattern=dict(
            pattern, exception=confessed.exception, message=confessed.message, messages=[])), confessed)
    built = address_built(bundle, inquiry.chain, bad_address(pattern) or pattern.get('message') or '') if \
        record['family'] == 'bad address' else None
    if built:
        return mend_address(inquiry, built)
    called = called_by_framework(pattern, bundle) if index is None else None
    if called:
        return mend_signature(inquiry, *called)
    refused = load_fault(pattern, bundle)
    if refused:
        return mend_load_fault(inquiry, *refused)
    if re.match(r'Line \d+: ', pattern.get('message') or ''):
        return 'no file of %s breaks this rule at that line (any more): changed since' % bundle.folder, {}
    if index is None:
        return said_by(inquiry) or NO_LINE, {}
    why_none, patches = look_into_source(inquiry)
    if why_none is None and not record['fixes'] and index and record['family'] in MISSING_DATA and \
            why_no_template(record) == NOT_KNOWN and not re.match(r'-?\d+L?$', pattern.get('message') or ''):
        patches = look_above(inquiry)           # (a number is no name of a field: it is a thing of another kind)
    return why_none, patches


def look_above(inquiry):
    """Where a function has nothing that it could answer instead: what its caller can do without it. The patches."""
    chain, at = inquiry.chain, inquiry.index - 1
    record = dict(inquiry.record, divergence_point=dict(inquiry.record['divergence_point']), evidence=[],
                  evidence_against=[])
    _, patches = look_into_source(inquiry._replace(record=record, index=at))
    fixes = [row for row in record['fixes'] if row['kind'] == 'fix' and row['template'] in MERE_GUARDS + (
        'tolerant parse',) and row['predicted']['success_percent'] >= GUESSED_BELOW]
    if record['class'] != 'code' or not fixes:
        return {}
    inquiry.record['fixes'] = fixes
    inquiry.record['evidence'].append('%s has nothing that it could answer instead, so %s, which calls it, has to go '
                                      'on without' % (chain[at + 1].function, chain[at].function))
    return dict((row['id'], patches[row['id']]) for row in fixes)


def offer(inquiry, frame, function, places, logged=(), templates=None):
    """Fill the fixes for places (see Scene) into the record. Returns (why every one was dropped or None, patches)."""
    scene = Scene(inquiry.pattern, inquiry.bundle, inquiry.history, function.source, frame, function, places, logged)
    records, dropped, patches = fixes_for(scene, templates)
    inquiry.record.update({'fixes': records, 'dropped': dropped})
    reasons = sorted(set(dropped), key=dropped.index)
    return ('no patch is left that could be tried: ' + '; '.join(reasons) if reasons else None), patches


def offer_one(inquiry, scene, case, place, proposal):
    """The same for one Proposal at one Place."""
    row, patch, why_not = fix_record(scene, case, place, proposal)
    inquiry.record['fixes'] = [dict(row, score=proposal.prior)] if row else []
    return why_not, {row['id']: patch} if row else {}


def note_cause(inquiry, frame, function, first, logged):
    """Fill the Cause at the first Place into the record. Returns why a patch would gain nothing, or None."""
    scene = Scene(inquiry.pattern, inquiry.bundle, inquiry.history, function.source, frame, function, [], logged)
    cause = find_cause(case_at(scene, first.statement, first.expression, first.message),
                       inquiry.chain[:inquiry.index])
    inquiry.record.update({'cause': cause.steps, 'origin': cause.origin, 'suspect': cause.expression,
                           'value': cause.value})
    return lost_answer(inquiry, cause.calls)


def lost_answer(inquiry, calls):
    """Fill in that what was asked had just logged a failed request. Returns why there is no fix, or None."""
    pattern, record, status = inquiry.pattern, inquiry.record, None
    told = [row for row in failed_requests(pattern) if row[0] is None and row[1] not in (404, 410)]
    looked = pattern.get('looked_back') or pattern.get('count') or 1
    said = [text for texts in said_before(pattern) for text in texts[-2:]]
    if told and told[0][2] * 5 >= looked * 3:
        asked = [function for call in calls for _, function in functions_meant(inquiry.bundle, call)]
        asked += [below for one in asked for call in plain_calls(one)
                  for _, below in functions_meant(inquiry.bundle, call)]
        status = next((told[0][1] for one in asked for row in log_calls(one.source) if is_in(row.call, one) and
                       handler_around(row.call) and any(map(row.rule.match, said))), None)
    if status is None:
        return None
    family = upstream_family(status)
    record.update({'class': family.cls, 'family': family.name, 'meaning': family.meaning,
                   'advice': 'do not patch; %s' % family.people, 'evidence_against': []})
    record['evidence'].append('what should have answered here logged just before, in %d of %s, that its request had '
                              'failed (%s)' % (told[0][2], number_text(looked, 'record'),
                                               STATUS_WORDS.get(status, status)))
    return 'the fault is not in the code (upstream): %s; %s' % (record['evidence'][-1], record['advice'])


OF_PROVIDER = tuple(ORIGIN_WORDS[name] for name in ('request', 'document', 'element', 'match'))


def note_new_form(record, hit, calls):
    """Fill in that nearly every call fails on what the provider answers: then a patch keeps the rest at best."""
    if record['class'] == 'code' and record['items_total'] >= 5 and calls and hit >= 0.9 * calls and (
            record.get('origin') or '').endswith(OF_PROVIDER):
        record['evidence'].append("nearly every call fails there, so most likely the provider's pages or data have "
                                  'another form by now')
        look = 'where the value stands now, a person has to look up: a patch only keeps the rest'
        record['advice'] = look if record['advice'] == 'depends' else '%s; %s' % (record['advice'], look)


def note_place(record, frame, first, named):
    """Fill the first Place into the record. named: the lines that probes have named."""
    record['confidence'] = first.confidence
    if first.line in named:
        record['evidence'].append('a probe ran over the failing items, and the log says that line %d failed'
                                  % first.line)
    record['evidence'].append('line %d of %s can fail in exactly this way: %s' % (
        first.line, frame.function, one_line(header_text(first.expression))))
    if frame.lines and is_sandboxed(first.statement) and not any(
            first.statement.line <= line <= head_end(first.statement) for line in frame.lines):
        record['evidence'].append('the log says line %s; the lines that it gives for such code are often too high'
                                  % ', '.join('%d' % line for line in frame.lines))


def note_hidden(record, statement):
    """Fill in where another error came first, when this one arose in what handles it."""
    hiding = hides_another(statement)
    if hiding is not None:
        tried = hiding if hiding.kind == 'TryFinally' else hiding.parent
        record['hidden_lines'] = [tried.body[0].line, tried.body[-1].end_line]
        record['evidence'].append('it arose in the %s, so another error came first, which the log does not show' % (
            'except at line %d' % hiding.line if hiding is not tried else
            'finally at line %d' % hiding.source.line_of(hiding.suites[-1].start)))


def why_no_template(record):
    """The sentence for a code defect that no template fits."""
    if record['family'] == 'endless calls':
        return 'what should end the calls must be written by a person'
    candidates = (record['divergence_point'] or {}).get('candidates') or [{}]
    text = candidates[0].get('text') or ''
    if text.startswith('raise '):
        return 'the code gives up on purpose there (%s); what it lacks must be written by a person' % text
    return NOT_KNOWN


NOT_KNOWN = 'none of the known repairs fits here without doing harm'


def point_from_log(chain, index):
    """The divergence point as far as the traceback alone tells it."""
    frame = chain[index]
    return {'file': frame.name, 'function': frame.function, 'source': 'not read', 'reported_lines': frame.lines,
            'chain': ['%s in %s' % (one.name, one.function) for one in chain],
            'candidates': [{'line': line, 'confidence': round(1.0 / len(frame.lines), 3),
                            'text': frame.quoted.get(line) or ''} for line in frame.lines[:1]]}


def point_found(frame, places, chain=()):
    """The divergence point at places that were found in the source; chain: what the log says, where it does."""
    return dict(point_from_log([frame], 0), source='unknown', candidates=candidate_rows(places),
                chain=['%s in %s' % (one.name, one.function) for one in chain or [frame]])


def candidate_rows(places):
    """The first places as the record has them."""
    return [{'line': place.line, 'statement_line': place.statement.line, 'confidence': place.confidence,
             'text': one_line(place.statement.source.line_text(place.line))} for place in places[:5]]


def missing_modules(pattern, bundle):
    """Sentences when an ImportError names a module that this bundle should bring and does not."""
    found = re.match(r'(No module named|cannot import name) ([\w.]+)', pattern.get('message') or '')
    if pattern.get('exception') != 'ImportError' or not found:
        return []
    module = found.group(2)
    deeper = [name for name in bundle.files if name.startswith('Contents/Code/') and name.count('/') > 2 and
              name.endswith('/%s.py' % module.split('.')[-1])]
    if deeper:
        return ['%s lies in a folder inside Contents/Code, from where the framework imports nothing' % deeper[0]]
    if found.group(1).startswith('cannot') or module.split('.')[0] in STANDARD_MODULES | frozenset(
            ['lxml']) or module in MOVED:
        return []
    chain = own_chain(pattern)
    source = bundle.source(chain[fault_frame(chain)].name) if chain else None
    if source is not None and (spelt_right(source, module) or near_module(bundle, source, module)):
        return []                               # nothing is missing but a letter
    if bundle.missing_import(module):
        return ['the module %s, which the code imports, is in no file of %s' % (module, bundle.folder)]
    if bundle.policy != 'Elevated' and any('Libraries/' in name and module.split('.')[-1] in name
                                           for name in bundle.files):
        return ['the module %s lies in Libraries, which only bundles of the Elevated policy may use' % module]
    return []


def look_into_source(inquiry):
    """Find the place and the cause in the function that the log names. Returns (why there is no fix, patches)."""
    pattern, bundle, history, record, chain, index = inquiry
    frame, point = chain[index], record['divergence_point']
    evidence, against = record['evidence'], record['evidence_against']
    source = bundle.source(frame.name)
    if source is None:
        return mend_unreadable(inquiry)
    named, silent = probed_lines(said_before(pattern), source), silent_lines(history, pattern, source)
    state, frame = drift(source, without_callers(source, frame))
    point['source'] = 'same' if named else state
    if state in ('moved', 'changed') and not named:
        against.append('the bundle was changed since: the log quotes text that %s'
                       % ('now stands elsewhere' if state == 'moved' else 'is no longer there'))
    function = function_named(source, frame)
    if function is None:
        return 'the function %s is gone from %s: changed upstream, nothing to patch' % (frame.function, frame.name), {}
    if state == 'moved':
        frame = frame._replace(lines=lines_now(source, frame, function))
    logged = trying_to_log(pattern, function) if index == 0 else ()
    if logged:
        evidence.append('the plug-in caught the error itself and logged it: it arose in a try whose except does that')
    places = settled(places_of(pattern, function, frame, bundle, logged), named, silent)
    places = with_those_behind(places, history, pattern['pattern'], name_in_log(function))
    if not places:
        called = called_by_framework(pattern, bundle) if state == 'same' else None
        if called and is_handed_over(called[1]):
            return mend_signature(inquiry, *called)
        reason = 'no statement of %s can raise this error' % frame.function
        return (reason + ' any more: changed upstream, nothing to patch') if state != 'same' else reason, {}
    point['candidates'] = candidate_rows(places)
    first = places[0]
    record['confidence'] = first.confidence
    holder = catching_try(first.statement, pattern.get('exception') or '') if logged else None
    if holder is not None and record['family'] in MISSING_DATA and not gains_behind(holder, first):
        return COPED, {}
    if silent and first.line not in named:
        against.append('the error came again while a probe watched %s, and none of them failed' % line_words(silent))
    note_place(record, frame, first, named)
    against.extend('line %d: %s' % (first.line, reason) for reason in first.reasons)
    note_hidden(record, first.statement)
    again = raised_again(first.statement)
    if again is not None:
        return mend_confessed(inquiry, Confession(frame.name, again, pattern.get('exception') or '', first.message))
    lost = record['family'] in ALL_OR_NOTHING and nothing_left(bundle, chain, index, first)
    patient = lost or record['family'] == 'provider down'   # to go on without an answer would empty what was there
    if lost and record['family'] != 'time-out':
        record.update({'class': 'upstream', 'advice': 'see whether the address asked for is right; if it is, wait'})
        evidence.append('everything that the agent fills in depends on this one answer, so a patch could gain nothing')
        return 'the provider has no usable answer for these items, and nothing else could be filled in', {}
    unanswered = note_cause(inquiry, frame, function, first, logged)
    if unanswered:
        return unanswered, {}
    why_none, patches = offer(inquiry, frame, function, places, logged, PATIENT if patient else None)
    if 'update' in (pattern.get('kind'), pattern.get('call')) and not logged:
        expect_no_gain(inquiry, first)
    if silent and not record['dropped'] and first.line in silent:
        return 'the place is not known: ' + against[-1], patches
    missed = re.match(r"global name '(\w+)' is not defined", pattern.get('message') or '')
    setters = set_elsewhere(source, function, missed.group(1)) if missed and not record['dropped'] and not [
        row for row in record['fixes'] if row['kind'] != 'probe'] else []
    if setters:
        record['fixes'] = []                    # (a probe would only tell which line misses it first)
        return '%s makes it, and did not run, or not so far: what went wrong there comes first' % (
            ' or '.join(setters)), {}
    return why_none, patches


Built = collections.namedtuple('Built', 'name node value is_text')
# where an address is put together: the file, the whole expression, what was None in it, or (is_text) the word None


def address_built(bundle, chain, url):
    """The Built of the one expression that makes an address with a None in it; or None."""
    rows = []
    for name, source in bundle.code():
        for node in walk(source.tree):
            if is_put_together(node):
                parts = text_parts(node)
                nodes = [part for part in parts if not isinstance(part, six.text_type)]
                shape = ''.join(re.escape(part) if isinstance(part, six.text_type) else '(.*)' if part is parts[0] else
                                '([^/?&]*)' for part in parts)
                found = re.search(shape + r'(?=$|[/?&\'])', url) if None not in nodes else None
                values = [part for part, text in zip(nodes, found.groups()) if text == 'None'] if found else ()
                if values:
                    size = sum(len(re.findall(r'\w', part)) for part in parts if part not in nodes)
                    near = any(one.function == name_in_log(function_around(node)) and one.name == name for one in chain)
                    rows.append(((near, size), Built(name, node, values[0], values[0].parent.kind == 'BinOp' and
                                                     values[0].parent.op == 'Add')))
    rows = sorted([row for row in rows if row[0][1] > 1], key=lambda row: row[0])
    if not rows or rows[-2:-1] and rows[-2][0] == rows[-1][0]:
        return None
    built = rows[-1][1]
    made = [one.value for one in own_nodes(function_around(built.node))
            if one.kind == 'Assign' and one.end <= built.node.start and any(is_name(target, getattr(
                built.value, 'id', '')) for target in one.targets)][-1:]
    is_text = made and (made[0].kind == 'Call' and is_name(made[0].func, 'str', 'unicode') or is_put_together(made[0]))
    return built._replace(is_text=True) if is_text else built


def mend_address(inquiry, built):
    """Fill the record for an address that is made without its value. Returns (why there is no fix, patches)."""
    pattern, bundle, _, record, chain, index = inquiry
    function = function_around(built.node)
    frame = next((one for one in chain if one.name == built.name and one.function == name_in_log(function)),
                 Frame(built.name, name_in_log(function)))
    place = Place(statement_of(built.node), built.node, built.node.line, 0.95, [], "%s is '%s'" % (
        'None' if not built.is_text else 'the text None', built.value.text))
    record.update({'confidence': 0.95, 'suspect': one_line(built.value.text), 'value': 'None',
                   'divergence_point': point_found(frame, [place], chain)})
    record['evidence'].append('line %d of %s puts the address together, and %s was None there' % (
        place.line, frame.function, record['suspect']))
    if index is not None and chain[index] is frame and nothing_left(bundle, chain, index, place):
        return 'without this value there is nothing to ask for, and nothing else could be filled in', {}
    inquiry = inquiry._replace(pattern=dict(pattern, exception=NO_ADDRESS, message=place.message))
    return offer(inquiry, frame, function, [place])


def set_elsewhere(source, function, name):
    """Names of the other functions that set a global name."""
    return [one.name for one in walk(source.tree) if one.kind == 'FunctionDef' and one is not function and any(
        node.kind == 'Global' and name in node.names for node in own_nodes(one)) and any(
            node.ctx == 'Store' for node in name_nodes(one, name))]


def hides_another(statement):
    """The except clause, or finally that reads what its try sets, that a statement hides another error in; or None."""
    for inner, outer in levels(statement) if statement.kind != 'Raise' else ():
        if outer.kind == 'ExceptHandler' or outer.kind == 'TryFinally' and inner in outer.finalbody and bound_names(
                *outer.body).intersection(names_in_order(statement)):
            return outer
    return None


def mend_hidden(inquiry, document):
    """Patches of the error that a pattern has hidden, where a fix that was rolled back has brought it to light."""
    pattern, bundle, history, record, chain, index = inquiry
    low, high = record['hidden_lines']
    for other in document['patterns'] if any(row.get('further') and row.get('pattern') == pattern['pattern']
                                             for row in history) else ():
        frames = own_chain(other)
        at = fault_frame(frames, bundle)
        frame = None if at is None else frames[at]
        if other is pattern or frame is None or frame[:2] != chain[index][:2]:
            continue
        source = bundle.source(frame.name)
        function = function_named(source, frame)
        places = [place for place in places_of(other, function, frame, bundle)
                  if low <= place.statement.line <= high]
        if places:
            places = in_shares(places)
            fixes, _, patches = fixes_for(Scene(dict(other, pattern=pattern['pattern']), bundle, history, source, frame,
                                                function, places))
            record['fixes'] = [fix for fix in fixes if fix['kind'] == 'fix'] + record['fixes']
            record['evidence'].append('once a patch kept it away, the error behind it showed: %s' % other['pattern'])
            record['hides'] = other['pattern']
            return patches
    return {}


def raised_again(statement):
    """The except clause that raises the very error that it has caught, or None: it does not come from there."""
    handler = enclosing(statement, 'ExceptHandler') if statement.kind == 'Raise' else None
    return handler if handler is not None and is_name(statement.type, caught_as(handler)) else None


def load_fault(pattern, bundle):
    """(file, line) of what the sandbox refused when the plug-in was loaded, which the log does not name; or None."""
    found = re.search(r'\bLine (\d+): ', pattern.get('message') or '')
    if pattern.get('exception') != 'SyntaxError' or not found:
        return None
    rows = [(sentence in pattern['message'], name, line) for name, source in bundle.code()
            for line, sentence in sandbox_violations(source, bundle, name) if line == int(found.group(1))]
    return max(rows, key=lambda row: row[0])[1:] if rows else None


def mend_load_fault(inquiry, name, line):
    """Fill the record for source that the sandbox refuses. Returns (why there is no fix, patches)."""
    statement = statement_at(inquiry.bundle.source(name), line)
    function = function_around(statement)
    frame = Frame(name, name_in_log(function), [line], {}, [])
    place = Place(statement, None, line, 1.0, [], inquiry.pattern['message'])
    inquiry.record.update({'confidence': 1.0, 'divergence_point': point_found(frame, [place])})
    inquiry.record['evidence'].append('line %d of %s breaks the very rule that the log names; the log names no file'
                                      % (line, name))
    return offer(inquiry, frame, function, [place])


def statement_at(source, line):
    """The last statement that begins at a line or before it."""
    return max((node for node in all_statements(source.tree) if node.line <= line),
               key=lambda node: node.start)


# the text of an error, as Python 2 words it -> its type
SAID_ERRORS = (
    (r"(list|string|tuple|pop) (assignment )?index out of range$|pop from empty list$|no such group$|"
     r"list assignment index", 'IndexError'),
    (r"'?[\w.]+'? (object|instance) has no attribute '\w+'$|'module' object has no attribute", 'AttributeError'),
    (r"'[\w.]+' object is |(list|string|tuple) indices must be|expected (a )?(string|character|str|buffer)|cannot "
     r"concatenate|(can only|must be) |object of type '\w+' has no len|unsupported operand|"
     r"argument of type|coercing to Unicode|not (all|enough) "
     r"arguments|an integer is required|a float is required|int\(\) argument|float\(\) argument|\w+\(\) (takes|got) |"
     r"unhashable type|sequence item \d+|decoding Unicode|strptime\(\) argument|[\w.]+ indices must be", 'TypeError'),
    (r"could not convert string to float|invalid literal for |need more than \d+ value|too many values to|No JSON "
     r"object could|time data |unconverted data|substring not found|Expecting |Extra data|Invalid (control|\\)|"
     r"\w+ is out of range|\w+ must be in |list.remove|'.*' is not in list|Unterminated string|unknown url type|All "
     r"strings must be XML|empty separator|year=?.* is (before|out)", 'ValueError'),
    (r"(global )?name '\w+' is not defined", 'NameError'), (r"local variable '\w+' referenced", 'UnboundLocalError'),
    (r"'[\w-]+' codec can't encode", 'UnicodeEncodeError'), (r"'[\w-]+' codec can't decode", 'UnicodeDecodeError'),
    (r"u?'[^']*'$|u?\"[^\"]*\"$|-?\d+L?$", 'KeyError'), (r'No module named |cannot import name ', 'ImportError'),
    (r'HTTP Error \d\d\d', 'HTTPError'), (r'<urlopen error', 'URLError'),
    (r'timed out|The read operation timed', 'timeout'),
    (r'(integer |float )?division or modulo by zero|division by zero', 'ZeroDivisionError'))

PERCENT = r'%(?:\(\w+\))?[-#0-9.+ ]*[sdrifxg]'

Confession = collections.namedtuple('Confession', 'name handler exception message')
# the file and except clause that logs the error that it has caught in a line of its own, and that error


def said_error(text):
    """(type, text) of an error of which only the text was logged; None where the text is nobody's."""
    text = text.strip()
    found = re.match(r"([A-Z]\w*(?:Error|Exception))(?:\((['\"])(.*)\2,?\)| ?: (.*))$", text)
    if found:
        return found.group(1), found.group(3) if found.group(3) is not None else found.group(4)
    return next(((name, text) for shape, name in SAID_ERRORS if searched('^(?:%s)' % shape, text)), None)


def confession(pattern, bundle):
    """The Confession that a log line without a traceback is, or None."""
    if pattern.get('exception') or pattern.get('own_frames') or pattern.get('noise'):
        return None
    where = [re.search(r'\(([\w.]+):(\d+)\) - ', row.get('text') or '') for row in pattern.get('exemplars') or ()]
    where = [(found.group(1), int(found.group(2))) for found in where if found][:1]
    rows, vague = [], []
    for name, source in bundle.code():
        for handler in walk(source.tree):
            if handler.kind != 'ExceptHandler' or caught_as(handler) is None:
                continue
            for call in walk(handler):
                found = heard_error(call, caught_as(handler), pattern.get('message') or '', bundle)
                if found:
                    module, line = where[0] if where else (None, call.line)
                    near = name.endswith('/%s.py' % module)
                    kept = rows if found[0] >= 4 or near and call.line < line + 4 else vague
                    kept.append(((found[0], near, -abs(line - call.line)), name, handler, found[1]))
    if not rows and all(row[2] is vague[0][2] for row in vague):
        rows = vague                            # nobody else can have said it
    if len(rows) > 1:                           # what was said last was said in the try, and the try can fail so
        rows = [(key[:2] + (said_in(handler.parent, pattern), bool(failing_in(
            handler.parent, dict(pattern, exception=error[0], message=error[1]), bundle))) + key[2:], name, handler,
            error) for key, name, handler, error in rows]
    rows.sort(key=lambda row: row[0])
    if not rows or rows[-2:-1] and rows[-2][0] == rows[-1][0] and rows[-2][2] is not rows[-1][2]:
        return None                             # none, or two that say the same
    (kind, text), (_, name, handler, _) = rows[-1][3], rows[-1]
    if handler.type is not None and handler.type.kind in ('Name', 'Attribute') and \
            last_name(handler.type) not in ('Exception', 'StandardError', 'BaseException'):
        kind = last_name(handler.type)
    return Confession(name, handler, kind, text)


def said_in(around, pattern):
    """Whether what the log holds last before a record was said, or asked for, in the body of a try."""
    return any(in_any(statement, around.body) for texts in said_before(pattern)
               for statement in last_heard(frame_of(around), texts))


def failing_in(around, pattern, bundle):
    """The Places in the body of a try that can have raised what its except clause logged."""
    function = function_around(around)
    places = places_of(pattern, function, Frame(around.source.path, name_in_log(function)),
                       bundle, (around,))
    return [place for place in places if in_any(place.statement, around.body) and not raised_again(place.statement)]


def heard_error(call, name, message, bundle):
    """(letters that the code itself says, error) when a call can have said a message in which an error is named."""
    if call.kind != 'Call' or not call.args:
        return None
    parts = said_parts(call.args[0], call.args[1:], name)
    if [(True,)] in [said_parts(one, (), name) for one in call.args] and functions_meant(bundle, call):
        own = [one.s for one in call.args if one.kind == 'Str']      # a function of its own puts it together
        ends = [message[at.end():] for at in re.finditer(r'^|[\s:(\[]+|\W\s', message) if all(
            one in message[:at.end()] for one in own)]
        error = next((error for error in [said_error(end) for end in ends] if error), None)
        if error or (True,) not in parts:
            return (sum(map(len, own)), error) if error else None
    if not (is_log_call(call) or re.search(r'(?i)log|error|debug|info|warn|crit|exception|print',
                                           last_name(call.func) or '')):
        return None
    shape = ''.join(re.escape(part) if not isinstance(part, tuple) else '(.*)' if part[0] else '.*?' for part in parts)
    shape = re.sub(r'(?:\\? )+', r'\\s*', shape)
    found = re.search(shape + r'\s*$', message.strip()) if (True,) in parts else None
    error = said_error(found.group(1)) if found else None
    if error is None:
        return None
    return sum(len(part.strip()) for part in parts if not isinstance(part, tuple)), error


def said_parts(node, more, name):
    """What an expression that is logged says, in parts: its own words, (True,) for the error, (False,) for the rest."""
    return [(part is not None and is_name(part.value if part.kind == 'Attribute' and part.attr in ('message', 'args')
                                          else part, name),) if part is None or isinstance(part, Node) else part
            for part in text_parts(node, more)]


def text_parts(node, more=()):
    """What a text is put together from: its own words, and the nodes between (None: not known). more: its values."""
    if node.kind == 'Str':
        return filled_in(node.s, PERCENT, more) if more else [node.s]
    if is_op(node, 'Add'):
        return text_parts(node.left) + text_parts(node.right)
    if is_op(node, 'Mod') and node.left.kind == 'Str':
        return filled_in(node.left.s, PERCENT, as_list(node.right.elts if node.right.kind == 'Tuple' else node.right))
    if node.kind == 'Call' and node.func.kind == 'Attribute' and node.func.attr == 'format' and \
            node.func.value.kind == 'Str':
        named, values = dict((one.arg, one.value) for one in node.keywords), []
        for number, field in enumerate(re.findall(r'\{(\w*)[^{}]*\}', node.func.value.s)):
            at = int(field) if field.isdigit() else number
            values.append(named.get(field) or (node.args[at] if at < len(node.args) and not field.isalpha() else None))
        return filled_in(node.func.value.s, r'\{[^{}]*\}', values)
    if node.kind == 'Call' and is_name(node.func, 'str', 'unicode', 'repr') and len(node.args) == 1:
        return text_parts(node.args[0])
    if node.kind == 'IfExp' and node.orelse.kind == 'Str' and not node.orelse.s:
        return text_parts(node.body)
    return [node]


def filled_in(text, shape, values):
    """The parts of a format string with its values in place."""
    words, parts = re.split(shape, text), []
    for number, word in enumerate(words):
        parts.append(word.replace('%%', '%'))
        if number + 1 < len(words):
            value = values[number] if number < len(values) else None
            parts += text_parts(value) if value is not None else [None]
    return parts


# what keeps an error from being raised, but makes no value of what raised it
MERE_GUARDS = ('None guard', 'index guard', 'guard', 'field guard', 'narrow try', 'early return', 'tolerant lookup',
               'empty default', 'skip element', 'wider handler', 'leave out', 'never worked', 'log guard')


def mend_confessed(inquiry, confessed):
    """Fill the record for an error that the agent caught and logged. Returns (why there is no fix, patches)."""
    pattern, bundle, history, record, _, _ = inquiry
    around = confessed.handler.parent
    function = function_around(around)
    frame = Frame(confessed.name, name_in_log(function))
    again = any(raised_again(one) for one in all_statements(confessed.handler))
    record['evidence'].append('the except at line %d of %s caught it and %s; it came from %s' % (
        confessed.handler.line, confessed.name, 'raised it again' if again else 'wrote this line', tried_words(around)))
    found = failing_in(around, pattern, bundle)
    if not found or sum(place.confidence for place in found) * 0.3 > found[0].confidence:
        below = called_places(pattern, bundle, around, last_heard(function, sum(said_before(pattern), [])),
                              record['message'] or '')
        if len(below) == 1:                     # no statement of the try itself stands out
            found, function, frame = below[0]
        elif below and not found:
            return 'the log does not say which of these failed: %s' % ', '.join(
                'line %d of %s' % (places[0].line, where.name) for places, _, where in below[:5]), {}
    if not found:
        return 'nothing between the try at line %d of %s and its except can raise this error by itself' % (
            around.line, confessed.name), {}
    found, source = [place for place in found if not raised_again(place.statement)] or found, function.source
    named, silent = probed_lines(said_before(pattern), source), silent_lines(history, pattern, source)
    places = settled(in_shares(found), named, silent)
    record['divergence_point'] = point_found(frame, places)
    note_place(record, frame, places[0], named)
    note_cause(inquiry, frame, function, places[0], (around,))
    why_none, patches = offer(inquiry, frame, function, places, (around,))
    here = frame.function == getattr(enclosing(around, 'FunctionDef'), 'name', None)
    idle = here and not again and not gains_behind(around, places[0])
    record['fixes'] = [row for row in record['fixes'] if not idle or row['template'] not in MERE_GUARDS + ('probe',)]
    if idle and not record['fixes'] and not record['dropped']:
        return COPED, {}
    return why_none, dict((row['id'], patches[row['id']]) for row in record['fixes'])


def called_places(pattern, bundle, around, heard, message):
    """[(places, function, frame)] in functions that a try calls after what was heard last, and that can have raised."""
    passed = max([0] + [one.start for one in heard if in_any(one, around.body)])
    calls = [call for one in around.body for call in plain_calls(one) if call.start > passed]
    rows, met = [], []
    for call in calls:
        for name, function in functions_meant(bundle, call) if len(met) < 40 else ():
            if function not in met:
                met.append(function)
                frame = Frame(name, function.name)
                places = places_of(pattern, function, frame, bundle)
                if places and places[0].confidence >= 0.4:
                    rows.append((places, function, frame))
                calls.extend(plain_calls(function))
    if len(rows) > 1:                           # the classes or modules that are named as the record says
        rows = [row for row in rows if is_tagged(row[1], message)] or rows
        rows.sort(key=lambda row: -ability(pattern, row))
    return rows[:1] if len(rows) > 1 and ability(pattern, rows[0]) > 4 * ability(pattern, rows[1]) else rows


def ability(pattern, row):
    """How well the first place of a row of called_places can have raised the error, as expression_weight has it."""
    places, function, frame = row
    hunt = hunt_for(function, frame, pattern.get('exception') or '', places[0].message)
    return expression_weight(places[0].expression, hunt) * (0.03 if guarded(hunt, places[0].expression) else 1)


def functions_meant(bundle, call):
    """[(file, FunctionDef)] that a call can lead to: by name, and of the object's classes or the module, if any."""
    if call.func.kind == 'Attribute' and is_name(call.func.value, *(STANDARD_MODULES | frozenset(API))):
        return []                               # re.search() is no search() of the bundle
    asked = last_name(call.func) or ''
    found = [(name, function) for name, source in bundle.code('def ' + asked)
             for function in nodes_named(source, 'FunctionDef', asked)]
    owner, base = enclosing(call, 'ClassDef'), call.func.value if call.func.kind == 'Attribute' else None
    if not found and call.func.kind == 'Name' and call.func.id in bindings(function_around(call)):
        nodes = list(walk(call.source.tree))    # one that was handed over
        names = set(last_name(one) for node in nodes if node.kind == 'Call' for one in node.args if one.kind != 'Call')
        return [(call.source.path, one) for one in nodes if one.kind == 'FunctionDef' and one.name in names]
    if len(found) < 2 or base is None or base.kind != 'Name':
        return found
    better = [row for row in found if row[0].endswith('/%s.py' % base.id)]
    if base.id == 'self' and owner is not None:
        bases = dict((one.name, set(map(last_name, one.bases))) for _, source in bundle.code('class')
                     for one in classes_of(source))
        kin, above = set([owner.name]), set([owner.name])
        for _ in bases:
            kin.update([name for name in bases if bases[name] & kin])
            above.update(*[bases[name] for name in above if name in bases])
        better = [row for row in found if getattr(row[1].parent, 'name', None) in kin | above]
    return better or found


def is_tagged(function, message):
    """Whether a record names the class, the file, or a text that the class is known by, of a function."""
    owner = enclosing(function, 'ClassDef')
    texts = [os.path.splitext(os.path.basename(function.source.path))[0]]
    if owner is not None:
        texts += [owner.name] + [one.value.s for one in owner.body if one.kind == 'Assign' and one.value.kind == 'Str']
    return any(len(text) > 3 and re.search(r'(?<!\w)%s(?!\w)' % re.escape(text), message) for text in texts)


def plain_calls(node):
    """The calls in a node that can be the bundle's own: f() and a.f(), but not f().search(), which is a pattern's."""
    return [call for call in walk(node) if call.kind == 'Call' and (
        call.func.kind == 'Name' or call.func.kind == 'Attribute' and call.func.value.kind == 'Name')]


LETTERS_TO_KNOW = 8             # of a log call's own words, to know it again in a record
LOGS_BY_NAME = re.compile(r'(?i)(?:^|\.)\w*log\w*(?:\.|$)'
                          r'|\.(?:debug|info|warn|warning|error|critical|exception)$')
LogCall = collections.namedtuple('LogCall', 'call rule longest size')


@kept
def log_calls(source):
    """[LogCall] of what a file can log, those with the most words of their own first."""
    rows = []
    for node in walk(source.tree):
        if node.kind != 'Call' or not node.args or not LOGS_BY_NAME.search(flat(node.func)):
            continue
        parts = said_parts(node.args[0], node.args[1:], None)
        own = [part for part in parts if not isinstance(part, tuple)]
        size = sum(letter.isalnum() for part in own for letter in part)
        if size >= LETTERS_TO_KNOW:
            rule = ''.join('.*?' if isinstance(part, tuple) else re.escape(part) for part in parts)
            rule = re.sub(r'(?:\\? )+', r'\\s+', rule.rstrip('\\: '))    # as the aggregate keeps a line
            rows.append(LogCall(node, re.compile('(?s)' + rule + r'[\s:]*$'),
                                max((word for part in own for word in part.split()), key=len), size))
    return sorted(rows, key=lambda row: -row.size)


def said_by(inquiry):
    """Why there is no fix where only one log call can have written the record, which is noted as the place; or None."""
    evidence, text, best = inquiry.record['evidence'], inquiry.pattern.get('message') or '', []
    for name, source in inquiry.bundle.code():
        for row in log_calls(source):
            if best and row.size < best[0][0].size:
                break
            if row.longest in text and row.rule.match(text):
                best = [one for one in best if one[0].size == row.size] + [(row, name, source)]
    if inquiry.pattern.get('kind') != 'log' or len(best) != 1:
        return None
    (row, name, source), line = best[0], best[0][0].call.line
    handler, frame = handler_around(row.call), Frame(name, name_in_log(function_around(row.call)), [])
    inquiry.record['divergence_point'] = point_found(frame, [Place(statement_of(row.call), None, line, 1.0, [], '')])
    if handler is None:
        evidence.append('line %d of %s logs it after a check of its own' % (line, name))
        family, hidden = named_family('own report'), hiding_except(inquiry.bundle, row.call)
        if hidden:
            evidence.append('the except at line %d of %s can hide the error behind it' % (
                hidden.line, os.path.basename(hidden.source.path)))
        else:
            inquiry.record.update({'class': family.cls, 'family': family.name, 'meaning': family.meaning,
                                   'advice': family.people})
        return 'the plug-in itself reports this at line %d of %s, and goes on' % (line, name)
    tried = tried_words(handler.parent, ' of ' + name)
    evidence.append('line %d of %s logs what goes wrong in %s' % (line, name, tried))
    named = re.search(r'\b[A-Z]\w+(?:Error|Exception)\b', text)
    return '%s; it arose in %s' % ('the plug-in caught this %s itself' % named.group() if named
                                   else 'the log does not say which error it was', tried)


def tried_words(around, where=''):
    """'lines 3 to 7, or what is called there' of the body of a try. where: words behind the numbers."""
    lines = sorted(set([around.body[0].line, around.body[-1].end_line]))
    return 'line%s %s%s, or what is called there' % ('s' if lines[1:] else '', ' to '.join('%d' % one for one in lines),
                                                     where)


def hiding_except(bundle, call):
    """The except clause that an agent's report can come from: around its caller, or a silent one before it; or None."""
    function = function_around(call)
    callers = [one for _, source in bundle.code() for one in nodes_named(source, 'Call', getattr(function, 'name', ''))]
    found = [one for one in map(handler_around, callers) if one is not None]
    below = [one for asked in plain_calls(function) for _, one in functions_meant(bundle, asked)]
    found += [one for one in own_nodes(function) if one.kind == 'ExceptHandler' and one.start < call.start
              and is_silent(one)]
    found += [one for place in below for one in own_nodes(place) if one.kind == 'ExceptHandler' and is_silent(one)]
    return found[0] if found else None


def is_silent(handler):
    """Whether an except clause neither raises nor logs."""
    return not any(one.kind == 'Raise' or one.kind == 'Call' and LOGS_BY_NAME.search(flat(one.func))
                   for one in walk(handler))


def trying_to_log(pattern, function):
    """The try statements of a function that can have logged the traceback, those that say its first line if any."""
    if pattern.get('kind') != 'log' or pattern.get('wrapper'):
        return ()
    rows = [node for node in own_nodes(function) if node.kind == 'TryExcept' and any(
        logs_traceback(below) for handler in node.handlers for below in walk(handler))]
    heads = [re.sub(r'^\S+ \S+ \([^)]*\) : +\w+ \([^)]*\) - |\s*(?:Traceback )?\(most recent call last\):\s*$', '',
                    row['text'].partition('\n')[0]) for row in pattern.get('exemplars') or () if row.get('text')]
    calls = [row.call for row in log_calls(function.source) if any(row.rule.match(head) for head in heads if head)]
    said = [node for node in rows if any(handler.start <= call.start < handler.end for handler in node.handlers
                                         for call in calls)]
    return tuple(said or rows)


def logs_traceback(node):
    """Whether a node writes a traceback, or gets one to write it: Log.Exception(), traceback.format_exc()."""
    return node.kind == 'Attribute' and (node.attr in ('Exception', 'exception', 'exc_info') or
                                         is_name(node.value, 'traceback')) or \
        node.kind == 'Name' and node.id in ('format_exc', 'print_exc', 'exc_info')


def mend_unreadable(inquiry):
    """Fill the record for a file that Python itself refuses. Returns (why there is no fix, patches)."""
    pattern, bundle, history, record, chain, index = inquiry
    frame = chain[index]
    name, data = frame.name, bundle.data(frame.name)
    if data is None or not frame.lines:
        return '%s is not in the installed bundle' % name, {}
    try:
        broken = Source(data, name)
        found = readable_again(broken, frame.lines[0])
    except SourceError as problem:
        return '%s cannot be read as Python 2: %s; install the bundle again' % (name, problem.sentence), {}
    if not found:
        return ('%s cannot be read as Python 2 at line %d (%s), and no small change mends that; install the bundle '
                'again, or another version of it' % (name, frame.lines[0], pattern.get('message'))), {}
    record['evidence'].append('Python refuses the file at line %d, and reads it whole after a small change'
                              % frame.lines[0])
    record['divergence_point']['source'] = drift(broken, frame)[0]
    edits, words = found[0]
    whole, at = Source(apply_edits(broken, edits), name), broken.line_of(edits[0][0])
    scene = Scene(pattern, bundle, history, broken, frame, whole.tree, [])
    place = Place(statement_at(whole, at), None, at, 1.0, [], '')
    proposal = Proposal('readable again', edits, words, 'nothing', 'medium', 0.8,
                        'of all changes of this size, only this one makes the file readable')
    record['confidence'] = 1.0
    return offer_one(inquiry, scene, case_at(scene, place.statement), place, proposal)


def read_in(node):
    """The texts of the names and attributes that a node reads."""
    return set(flat(one) for one in walk(node) if one.kind in ('Name', 'Attribute') and not stored(one))


def gains_behind(around, place):
    """Whether something behind a statement of a try, that does not need what it gives, works on the metadata."""
    statement = place.statement
    spoilt = set(spoilt_names(statement))
    bad = suspect(place.expression) if place.expression is not None else None
    spoilt.update([bad.id] if bad is not None and bad.kind == 'Name' else ())
    inside = [inner for inner, _ in levels(statement) if is_in(inner, around) and inner is not around]
    for one in itertools.chain(*map(later_siblings, inside)):
        if read_in(one) & spoilt:
            spoilt.update(spoilt_names(one))
        elif one.kind == 'Return' and one.value is not None and not is_name(one.value, 'None') or \
                one.kind not in ('Return', 'Raise') and (
                    fills(one) if one.kind == 'If' else names_in(one) & set(('metadata', 'results'))):
            return True
    inner = [node for node in ancestors(statement) if node.kind == 'For' and is_in(node, around)]
    return bool(inner)                          # the other elements


def called_by_framework(pattern, bundle):
    """(file, FunctionDef) of what the framework could not call with what a request or callback brings; or None."""
    found = re.match(r'(\w+)\(\) (takes|got an unexpected)', pattern.get('message') or '')
    if pattern.get('exception') != 'TypeError' or not found:
        return None
    rows = [(name, one) for name, source in bundle.code() for one in nodes_named(source, 'FunctionDef', found.group(1))]
    return rows[0] if len(rows) == 1 else None


def is_handed_over(function):
    """Whether a function is given away as a value in its file, for others to call it."""
    uses = name_nodes(function.source.tree, function.name) + nodes_named(function.source, 'Attribute', function.name)
    return any(use.ctx == 'Load' and (use.parent.kind in ('keyword', 'Assign') or use.parent.kind == 'Call' and
                                      use is not use.parent.func) for use in uses)


def mend_signature(inquiry, name, function):
    """Fill the record for a function that a request cannot be handed to. Returns (why there is no fix, patches)."""
    pattern, bundle, record = inquiry.pattern, inquiry.bundle, inquiry.record
    source = function.source
    frame = Frame(name, function.name, [function.line], {function.line: one_line(source.line_text(function.line))}, [])
    scene = Scene(pattern, bundle, inquiry.history, source, frame, function, [])
    record['divergence_point'] = dict(point_from_log([frame], 0), source='unknown')
    record['evidence'].append('%s is called by the framework, with what the request brings' % function.name)
    unexpected = re.search(r"keyword argument '(\w+)'", pattern['message'])
    case = case_at(scene, function, None, pattern['message'])
    handed = unexpected and older_keyword(case, unexpected.group(1))
    if unexpected and not handed and any(re.search(r'\b%s\s*=' % unexpected.group(1), one.text)
                                         for _, one in bundle.code()):
        return '%s does not take %s, which the plug-in itself hands over' % (function.name, unexpected.group(1)), {}
    proposal = handed or fitting_request(case, unexpected or ' no arguments ' in pattern['message'])
    if proposal is None:
        return 'the request and %s do not fit, and the log does not say which argument is meant' % function.name, {}
    return offer_one(inquiry, scene, case, Place(function, None, function.line, 0.9, [], ''), proposal)


def older_keyword(case, name):
    """`Callback(F, input=...)`, where F has no input, but an input_name that nothing gives: the Proposal, or None."""
    calls = [call for call in callbacks_of(case) if any(one.arg == name for one in call.keywords)]
    meant = [one for one in plain_parameters(case.function) if (name in one.split('_') or near_names(name, [one])) and
             all(one != keyword.arg for call in calls for keyword in call.keywords)]
    if calls and len(meant) == 1:
        edits = [(one.start, one.start + len(name), meant[0]) for call in calls for one in call.keywords
                 if one.arg == name]
        return cure('right arguments', edits, '%s= is written in place of %s=' % (meant[0], name), 0.9,
                    '%s has no %s, and nothing else gives it %s' % (case.function.name, name, meant[0]))
    return None


def callbacks_of(case):
    """The calls of Callback() in the file that make an address of the case's function."""
    return [call for call in nodes_named(case.source, 'Call', 'Callback') if call.args and not call.kwargs and is_name(
        call.args[0], case.function.name)]


def nameless(case):
    """`Callback(F, url)`, of which the framework hands over what has a name only: the Proposal, or None."""
    edits = []
    for call in callbacks_of(case):
        named = [keyword.arg for keyword in call.keywords]
        for one, name in zip(call.args[1:], [one for one in plain_parameters(case.function) if one not in named]):
            edits.append((one.outer[0], one.outer[0], name + '='))
    return cure('right arguments', edits, 'what a Callback hands over has a name', 0.92,
                'the framework forgets what has none') if edits else None


def fitting_request(case, brings_more):
    """The Proposal that makes the case's function take what a request brings (more than it takes, or less); or None."""
    function, parameters = case.function, [one for one in case.function.args.args if one.kind == 'Name']
    counts = argument_counts(case)
    required = parameters[:len(parameters) - len(function.args.defaults)]
    last = (function.args.defaults or function.args.args or [None])[-1]
    first = case.source.text.index('(', function.def_at) + 1
    end, takes_all = last.outer[1] if last else first, function.args.kwarg or function.args.vararg
    if brings_more and not takes_all:
        return cure('right arguments', [(end, end, ', **kwargs' if parameters else '**kwargs')],
                    '%s takes whatever else a request brings' % function.name, 0.8,
                    'a request may bring more than the function asks for')
    named = nameless(case)
    if named is not None:
        return named
    callbacks = [call for call in callbacks_of(case) if len(call.args) == 1 and call.keywords]
    short = [(call, one.id) for call in callbacks for one in required
             if one.id not in [keyword.arg for keyword in call.keywords]]
    if len(short) == 1 and short[0][1] in visible_names(case, short[0][0]):
        call, missing = short[0]
        return cure('right arguments', enclose(call.keywords[-1].value, '', ', %s=%s' % (missing, missing)),
                    'the one Callback that leaves %s out hands it over' % missing, 0.85,
                    'line %d makes the address of %s without it' % (call.line, function.name))
    if len(counts) == 2 and counts[0] == counts[1] + 1 and required:
        name = required[-1].id
        return Proposal('right arguments', enclose(required[-1], '', '=None'), '%s may be left out' % name,
                        'what %s would show of %s' % (function.name, name), 'medium', 0.6,
                        'the last argument is the likeliest to be left out') if parameter_effect(
                            case, function, name, NOTHING) > CRASH else None
    if len(counts) == 2 and counts[1] > counts[0] and is_handed_over(function) and not takes_all:
        method = function.parent.kind == 'ClassDef' and not function.decorator_list and not is_name(
            parameters[0] if parameters else None, 'self', 'cls')
        edit = (first, first, 'self, ' if parameters else 'self') if method else (
            end, end, ', *args' if parameters else '*args')
        return cure('right arguments', [edit], '%s takes whatever else it is called with' % function.name, 0.8,
                    'it is handed over, and who calls it has more to say')
    return None


def readable_again(source, line, steps=3):
    """[(edits, words)] of the one small change, or few in turn, with which Python 2 reads the file; [] if not sure."""
    good, further = [], []
    for order, edits, words in small_changes(source, line):
        if good and order > good[0][0]:
            break
        try:
            fixed = Source(apply_edits(source, edits), source.path)
            fixed.tree
        except SourceError as problem:
            closed = order == 0 and left_open(source) == line and left_open(fixed) is None
            further_on = problem.line > line + 1 or problem.line == line and words == TWISTED[0][2] or closed
            if further_on and order < 3 and fixed.text not in [row[3].text for row in further]:
                further.append((order, edits, words, fixed, left_open(fixed) or problem.line))
            continue
        if not any(fixed.text == other[3].text for other in good):
            good.append((order, edits, words, fixed))
    if good or not further or steps == 1:
        return [row[1:3] for row in good] if len(good) == 1 else []
    likeliest = [row for row in further if row[0] == further[0][0]]
    if len(likeliest) > 1:
        return []
    _, edits, words, fixed, line = likeliest[0]
    return [(edits_between(source, Source(apply_edits(fixed, others), source.path).text), '%s; %s' % (words, more))
            for others, more in readable_again(fixed, line, steps - 1)]


HEADER_WORDS = re.compile(r'[ \t]*(if|elif|else|try|except|finally|for|while|def|class|with)\b')
GAP = re.compile(r"""('[^']*'|"[^"]*"|\w+|[\])}])(?=[ \t]+('|"|\w+|\[|\{|\())""")
ANNOTATION = re.compile(r'[ \t]*->[^:]+(?=:[ \t]*$)|:[ \t]*[\w.]+(?:\[[^\]]*\])?(?=[ \t]*[,=)])')


def small_changes(source, line):
    """[(order, edits, words)] of what may be missing or too much at a line or the one before it; likeliest first."""
    above = [number for number in range(line - 1, 0, -1) if bare_code(source.line_text(number))]
    below = [number for number in range(line + 1, len(source.lines) + 1) if bare_code(source.line_text(number))]
    rows = [(0, edits, 'texts of Python 3, with names in them, are written with format()') for edits in
            formatted_texts(source.text) if edits]
    rows += [(0, edits, '+= 1 is written in place of ++') for edits in [counted_up(source)] if edits]
    rows += [(0, edits, 'the bracket that line %d leaves open is closed' % number)
             for number, edits in closed_again(source, line)]
    for number in [line] + above[:1]:
        if not 0 < number <= len(source.lines):
            continue
        code, begin = bare_code(source.line_text(number)), source.offset_of_line(number)
        end = begin + len(code)
        rows.extend((1, [(begin + gap.end(1), begin + gap.end(1), ',')], 'a comma is added in line %d' % number)
                    for gap in GAP.finditer(code) if not set(KEYWORDS) & set(gap.groups()) and
                    (opened(code[:gap.end(1)]) > 0 or opened(code) < 0))
        rows.extend((1, [(begin + gap.end(1), begin + gap.end(1), ':')], 'a colon is added in line %d' % number)
                    for gap in GAP.finditer(code) if gap.group(1)[0] in '\'"' and gap.group(2) in '\'"')
        rows.extend((0, [(begin + gap.end(1), begin + gap.start(2), '')], '%s is one name' % ''.join(gap.groups()))
                    for gap in re.finditer(r'\b([A-Za-z_]\w*)[ \t]+(\w+)', code)
                    if not set(KEYWORDS) & set(gap.groups()) and re.search(
                        r'\b%s\b' % ''.join(gap.groups()), source.text))
        rows.extend((0, [(begin + one.start(), begin + one.end(), right)], '%s is what the framework calls %s' % (
            right, one.group())) for one in re.finditer(r'(?<![\w.])\d+[A-Za-z]\w*', code)
                    for right in sorted(FRAMEWORK_NAMES)
                    if sorted(right.split('_')) == sorted(one.group().upper().split('_')))
        rows.extend((1, edits, 'the missing quote in line %d is added' % number)
                    for edits in quote_added(source.line_text(number).rstrip(), begin))
        rows.extend((1, [(begin + one.start(), begin + one.end(), text)], words) for shape, text, words in TWISTED
                    for one in re.finditer(shape, code))
        if HEADER_WORDS.match(code) and code.endswith(':') and (number != line or not below):
            indent = re.match(r'[ \t]*', code).group()
            after = source.line_text(below[0] if number == line else line) if below or number != line else ''
            if len(after) - len(after.lstrip()) < len(indent) or not after or re.match(
                    indent + r'(def|class|elif|else|except|finally)\b|@', after):
                at = begin + len(source.line_text(number))
                note = re.match(r'\s*?(#[ \t]*)([\w.]+) *= *[^=]', source.text[at:])
                if note and re.search(r'(?m)^[ \t]+%s *=[^=]' % re.escape(note.group(2)), source.text):
                    rows.append((0, [(at + note.start(1), at + note.end(1), '')],
                                 'what stands below line %d counts again: the other branches set it too' % number))
                rows.append((1, [(at, at, source.newline + indent + first_indent(source) + 'pass')],
                             'what line %d begins is empty, and says so' % number))
        for lone in re.finditer(r',[ \t]*([A-Za-z_]\w*)[ \t]*(?=[,)])', code) if re.search(r'\w=(?!=)', code) else ():
            known = len(re.findall(r'\b%s\b' % lone.group(1), source.text)) > 1
            if re.search(r'[(,][ \t]*\w+[ \t]*=[^=]', code[:lone.start()]):
                rows.append((1, [(begin + lone.start(), begin + lone.end(), ', {0}={0}'.format(lone.group(1)) if known
                                  else '')], 'an argument without a name behind one with a name is %s' % (
                                      'named' if known else 'taken away: nothing is called so')))
        if number == line:
            rows.extend((1,) + row for row in of_a_try(source, number))
        if HEADER_WORDS.match(code) and not code.endswith(':'):
            rows.append((1, [(end, end, ':')], 'the colon at the end of line %d is added' % number))
        if opened(code) > 0:
            at = end - 1 if code.endswith(':') else end
            rows.extend((1, [(at, at, one)], 'the closing bracket at the end of line %d is added' % number)
                        for one in ')]}')
        if opened(code) < 0 and code[-1] in ')]}':
            rows.append((1, [(end - 1, end, '')], 'a closing bracket too many in line %d is taken away' % number))
        if number != line and code[-1:].isalnum() or code.endswith(tuple('"\')]}')):
            rows.append((2, [(end, end, ',')], 'the comma at the end of line %d is added' % number))
        if re.match(r'[ \t]*(if|elif|while)\b', code):
            rows.extend((2, [(begin + one.start(), begin + one.end(), '==')], '== is written in place of =')
                        for one in re.finditer(r'(?<![=!<>])=(?!=)', code))
        if re.match(r'[ \t]*def\b', code):
            rows.append((2, [(begin + one.start(), begin + one.end(), '') for one in ANNOTATION.finditer(code)],
                         'the types, which only Python 3 can read, are taken away'))
        for other in above[:1] + below[:1] if number == line else ():
            wanted = re.match(r'[ \t]*', source.line_text(other)).group()
            indent = re.match(r'[ \t]*', code).end()
            rows.append((3, [(begin, begin + indent, wanted)], 'line %d is indented like line %d' % (line, other)))
    return sorted(rows, key=lambda row: row[0])


def first_indent(source):
    """The white space by which a file that cannot be parsed indents first."""
    found = re.search(r'(?m)^([ \t]+)\S', source.text)
    return found.group(1) if found else STEP_FALLBACK


def left_open(source):
    """The first line that begins a statement inside of a bracket that an earlier one leaves open; or None."""
    left = 0
    for number in range(1, len(source.lines) + 1):
        code = bare_code(source.line_text(number))
        if left > 0 and re.match(r'[ \t]*(def|class|return|import|try|except)\b', code):
            return number
        left = max(0, left + opened(code))
    return None


def closed_again(source, line):
    """[(line, edits)] that close a bracket which an earlier line leaves open, where the next begins a statement."""
    left, codes = 0, {}
    for number in range(line - 1, max(0, line - 15), -1):
        codes[number] = bare_code(source.line_text(number))
        left += opened(codes[number])
        if left > 0:
            break
    first = min(codes) if left > 0 else line
    begins, open_ones = re.match(r'[ \t]*', codes.get(first, '')).end(), []
    for number in range(first, line):
        for one in codes[number]:
            if one in CLOSED_BY:
                open_ones.append(CLOSED_BY[one])
            elif one in ')]}' and open_ones:
                open_ones.pop()
        after = next((text for text in (bare_code(source.line_text(below)) for below in range(
            number + 1, len(source.lines) + 1)) if text), 'pass')
        if codes[number] and open_ones and BEGINS_STATEMENT.match(after) and re.match(r'[ \t]*', after).end() <= begins:
            at = source.offset_of_line(number) + len(codes[number])
            return [(number, [(at, at, ''.join(reversed(open_ones)))])]
    return []


BEGINS_STATEMENT = re.compile(r'[ \t]*((if|elif|else|try|except|finally|for|while|def|class|with|return|raise|import|'
                              r'from|pass|continue|break|print|global|del)\b|@\w|[\w.]+[ \t]*[-+]?=[^=]|[\w.]+\()')


def of_a_try(source, line):
    """[(edits, words)] for a `try:` or `except:` whose lines stand no deeper than it, and for a try without except."""
    rows = [(source.offset_of_line(number), bare_code(source.line_text(number))) for number in range(
        1, len(source.lines) + 1)]
    indents = [len(code) - len(code.lstrip()) if code else None for _, code in rows]
    step = first_indent(source)
    here, found = indents[line - 1], []
    if here is None:
        return []
    above = next((number for number in range(line - 1, 0, -1) if rows[number - 1][1]), None)
    if above is not None and re.match(r'[ \t]*(try|except\b.*):$', rows[above - 1][1]) and indents[above - 1] == here:
        below = []
        for number in range(line, len(rows) + 1):
            code = rows[number - 1][1]
            if code and (indents[number - 1] < here or indents[number - 1] == here and re.match(
                    r'[ \t]*(except|finally|else)\b', code)):
                break
            below += [number] if code else []
        if number <= len(rows):
            found.append(([(rows[one - 1][0], rows[one - 1][0], step) for one in below],
                          'what %s holds is indented' % rows[above - 1][1].strip().rstrip(':')))
    for number in range(line - 1, 0, -1):
        code = rows[number - 1][1]
        if code and indents[number - 1] <= here and re.match(r'[ \t]*(except|finally)\b|[ \t]*(def|class)\b', code):
            break
        if re.match(r'[ \t]*try:$', code) and indents[number - 1] >= here:
            end = rows[above - 1][0] + len(source.line_text(above))
            indent = code[:indents[number - 1]]
            # which errors its author meant to catch is not known, so none is
            found.append(([(end, end, source.newline.join(['', indent + 'finally:', indent + step + 'pass']))],
                          'the try that lacks its except gets a finally that does nothing, so no error is hidden'))
            break
    return found


def counted_up(source):
    """Edits that write all of a file's `i++` as `i += 1`, in front of the line where it is a part of a statement."""
    edits = []
    for number in range(1, len(source.lines) + 1) if '++' in source.text else ():
        code, begin = bare_code(source.line_text(number)), source.offset_of_line(number)
        for one in re.finditer(r'(?<![.\w])([A-Za-z_]\w*)\+\+(?=[ \t]*([]),;]|$))', code):
            indent = re.match(r'[ \t]*', code).group()
            alone = re.search(r'(^|[:;])[ \t]*$', code[:one.start()]) and one.group(2) in ('', ';')
            if not alone and HEADER_WORDS.match(code) and not re.match(r'[ \t]*try[ \t]*:[^;]*$', code[:one.start()]):
                return []                       # what a header asks, or does, may be another time or often
            if not alone:
                edits.append((begin, begin, '%s%s += 1%s' % (indent, one.group(1), source.newline)))
            edits.append((begin + one.end(1), begin + one.end(), ' += 1' if alone else ' - 1' * (one.group(2) == ']')))
    return edits


# what other languages, or Python 3, write otherwise
TWISTED = ((r'\belse[ \t]+if\b', 'elif', 'elif is written in place of else if'),
           (r'\bexcept[ \t]+as\b', 'except Exception as', 'an except that names its error says of which kind it is'),
           (r'[ \t]+from[ \t]+(None|\w+)[ \t]*$', '', 'what only Python 3 can say of an error is taken away'),
           (r'(?<=\()\*,[ \t]*', '', 'the lone asterisk, which only Python 3 can read, is taken away'),
           (r'(?<=\w):[ \t]*[\w.]+(\[[^\]]*\])?(?=[ \t]*=[^=])', '', 'the type, which only Python 3 can read, is taken '
            'away'))
TEXTS = re.compile(r"""#[^\n]*|(?<!\w)(?P<prefix>[A-Za-z]{0,2})(?P<quote>'{3}|"{3}|'|")"""
                   r'(?P<body>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)', re.DOTALL)
NAMED = re.compile(r"""\{\s*((?:'[^']*'|"[^"]*"|\([^(){}]*\)|\[[^\[\]{}]*\]|[^{}!:'"()\[\]=]|[=!<>]=)+?)\s*"""
                   r'(![rsa])?(:[^{}]*)?\}')


def formatted_texts(text):
    """[edits] that write all of a file's f'{name}' as u'{}'.format(name), or [] where one of them cannot be."""
    edits, group = [], []
    tokens = [one for one in TEXTS.finditer(text) if one.group('quote')]
    for number, token in enumerate(tokens):
        group.append(token)
        behind = tokens[number + 1].start() if number + 1 < len(tokens) else len(text)
        if not re.sub(r'#[^\n]*|[\s\\]', '', text[token.end():behind]) and behind < len(text):
            continue                            # the next one is a part of the same text
        if any('f' in one.group('prefix').lower() for one in group):
            parts = [split_fields(one.group('body')) if 'f' in one.group('prefix').lower() else
                     (re.sub(r'([{}])', r'\1\1', one.group('body')), []) for one in group]
            if None in parts:
                return []
            values = sum([names for _, names in parts], [])
            for one, (body, _) in zip(group, parts):
                prefix = re.sub('[fF]', '' if 'r' in one.group('prefix').lower() else 'u', one.group('prefix'))
                body = body if values else body.replace('{{', '{').replace('}}', '}')
                edits.append((one.start(), one.end(), prefix + one.group('quote') + body + one.group('quote')))
            if values:
                edits[-1] = edits[-1][:2] + ('%s.format(%s)' % (edits[-1][2], ', '.join(values)),)
        group = []
    return [edits]


def split_fields(body):
    """('{} of {}', ['a', 'b']) of '{a} of {b}'; None where it cannot be told."""
    made, values, at = '', [], 0
    while at < len(body):
        if body[at:at + 2] in ('{{', '}}') or body[at] not in '{}':
            step = 2 if body[at] in '{}' else 1
            made, at = made + body[at:at + step], at + step
            continue
        found = NAMED.match(body, at)
        if found is None or 'lambda' in found.group(1):
            return None
        values.append(found.group(1))
        made += '{%s%s}' % ((found.group(2) or '').replace('a', 'r'), found.group(3) or '')
        at = found.end()
    return made, values


def quote_added(text, begin):
    """[edits] that close a text that a line leaves open, where no text of the line then holds half a bracket."""
    rest = re.sub(r'"[^"]*"|\'[^\']*\'', '', text)
    for quote in '\'"' if rest.count('"') + rest.count("'") == 1 and '"""' not in text and "'''" not in text else '':
        for at in range(len(text)) if quote in rest else ():
            texts = re.findall(r'"[^"]*"|\'[^\']*\'', text[:at] + quote + text[at:])
            if text[at] in ')],:' and all(is_nested(one) for one in texts):
                yield [(begin + at, begin + at, quote)]


def is_nested(text):
    """Whether each bracket of a text is closed by one of its kind."""
    text, before = re.sub(r'[^][(){}]', '', text), None
    while text != before:
        text, before = re.sub(r'\(\)|\[\]|\{\}', '', text), text
    return not text


def opened(code):
    """How many brackets stay open behind a piece of code."""
    return sum(code.count(one) for one in '([{') - sum(code.count(one) for one in ')]}')


def bare_code(text):
    """A line without its comment and the blanks at its end; the inside of texts is made blank, its length kept."""
    text = re.sub(r'"[^"]*"|\'[^\']*\'', lambda one: one.group()[0] + '_' * (len(one.group()) - 2) + one.group()[-1],
                  text)
    return re.sub(r'#.*', '', text).rstrip()


# families where something in an answer is missing or of an odd form
MISSING_DATA = ('missing value', 'missing key', 'empty list', 'wrong number or date', 'string as list')
# families where one answer of the provider is missing as a whole
ALL_OR_NOTHING = ('gone', 'unreadable answer', 'time-out')
PATIENT = ('second try', 'longer time-out')     # templates that get the answer itself


def expect_no_gain(inquiry, first):
    """Lower what the fixes of an update promise where nothing is filled in behind the first Place.

    What stood before it is saved although the update fails, so then the error goes and the items gain nothing; the
    verdict counts that as a success only for items that lack nothing.
    """
    passed = passed_over(inquiry.bundle, inquiry.chain, inquiry.index, first)
    if passed is None:
        return
    own, above = passed[0], passed[1:]
    answers = bool(above) and any(node.kind == 'Return' and node.value is not None for node in walk(frame_of(own)))
    ends = not answers and not fills_behind(own, spoilt_by(own)) and not any(fills_behind(one, ()) for one in above)
    direct = above[:1]                          # (who called the caller gets an answer as ever)
    ends_given_up = not any(fills_behind(one, map(flat, one.targets) if one in direct and one.kind == 'Assign' else ())
                            for one in above)
    for fix in inquiry.record['fixes']:
        given_up = fix['loss'].startswith('everything that follows')
        if fix['kind'] == 'fix' and fix['line'] == own.line and fix['loss'] != 'nothing' and (
                ends_given_up if given_up else ends):
            percent = fix['predicted']['success_percent']
            fix['predicted'] = dict(fix['predicted'], fields=[], sentence=NO_GAIN, cured_percent=percent,
                                    success_percent=int(NO_GAIN_SHARE * percent))


NO_GAIN = ('this error should not come again, but nothing is filled in after it that these items lack, so they gain '
           'nothing; only those that have all already will count as fixed')
NO_GAIN_SHARE = 0.2             # of the chance: some items lack nothing, and are right as soon as the error is gone


def nothing_left(bundle, chain, index, place):
    """Whether nothing could be filled in without the statement: no loop goes on, no other work follows in any frame."""
    passed = passed_over(bundle, chain, index, place)
    return passed is not None and not any(fills_behind(statement, spoilt_by(statement)) for statement in passed)


def passed_over(bundle, chain, index, place):
    """The failing statement and, frame by frame, those that called it; None where one of these is not known."""
    rows = [place.statement]
    for frame in reversed(chain[:index]):
        statement = statement_calling(bundle, frame)
        if statement is None:
            return None
        rows.append(statement)
    return rows


def statement_calling(bundle, frame):
    """The likeliest statement of a Frame by its lines and what it called; None. Kept, as the ways to many errors go
    through the same few functions."""
    source = bundle.source(frame.name)
    function = function_named(source, frame) if source else None
    if function is None:
        return None
    known = function.__dict__.setdefault('kept statement_calling', {})
    asked = tuple(frame.lines), any(len(start) > 1 for start in frame.starts), frame_kind(frame)
    if asked not in known:
        kind, callee = asked[-1]
        calls = nodes_named(source, 'Call', callee) if kind == 'call' else ()
        calls = [one for one in calls if frame_of(one) is function]
        known[asked] = statement_of(calls[0]) if len(calls) == 1 else next((
            place.statement for place in locate(function, frame, '', '')), None)
    return known[asked]


def fills_behind(statement, spoilt):
    """Whether something is still filled in when a statement is passed over: a loop goes on, or later statements of the
    function fill in metadata or results without needing what is spoilt (names, as flat() gives them)."""
    function, spoilt = frame_of(statement), set(spoilt)
    if any(outer.kind in ('For', 'While') for _, outer in levels(statement)):
        return True
    for later in statements(function):
        loop = later.kind == 'For'
        if later.start <= statement.start or exclusive(statement, later) or (later.kind in COMPOUND and not loop):
            continue
        if read_in(later.iter if loop else later) & spoilt:
            spoilt.update(spoilt_names(later))
        elif not loop and fills(later):
            return True
    return False


def spoilt_by(statement):
    """What cannot be had when a statement fails; asking again for the same item gives nothing either."""
    return set(spoilt_names(statement)).union(flat(node) for node in walk(statement) if node.kind == 'Attribute' and
                                              node.attr == 'id' and not stored(node))


def spoilt_names(statement):
    """What a statement would have set: its targets, and whatever it hands to a call whose result it does not keep."""
    if statement.kind == 'Assign':
        return [flat(target) for target in statement.targets]
    if statement.kind == 'For':
        return [flat(node) for node in walk(statement.target) if node.kind == 'Name']
    if call_of(statement) is not None:
        return [flat(node) for node in call_of(statement).args if node.kind in ('Name', 'Attribute') and
                not is_name(node, 'metadata', 'results')]       # those take more, whatever came of this
    return []


def fills(statement):
    """Whether a statement gives something to the metadata or to the results of a search; emptying a field is none."""
    return any(node.kind == 'Call' and root_name(node.func) == 'results' or node.kind == 'Attribute' and root_name(
        node) == 'metadata' and node.attr not in ('id', 'guid', 'clear') and (
            stored(node) or node.parent.kind == 'Subscript' or node.parent.kind == 'Attribute' and
            node.parent.attr != 'clear') for node in walk(statement))


def plan_test(pattern, agent):
    """Which items to try, which more may fail the same way, and which healthy ones must stay as they are."""
    search = 'search' in (pattern.get('kind'), pattern.get('call')) and pattern.get('kind') != 'update'
    failing = set(item.get(name) for item in pattern.get('items') or () for name in ('guid', 'rating_key')) - {None}
    healthy = [item for item in agent.get('healthy_items') or ()        # one that fails has had a good day, too
               if (item.get('kind') or 'update') == ('search' if search else 'update') and not failing.intersection(
                   (item.get('guid'), item.get('rating_key')))]
    pick = lambda item: {'guid': item.get('guid'), 'rating_key': item.get('rating_key')}    # noqa: E731
    return {'mode': 'match' if search else 'refresh', 'items': [pick(item) for item in pattern.get('items') or ()],
            'possible': [pick(item) for item in pattern.get('possible_items') or ()],
            'healthy': [pick(item) for item in healthy]}


def hypothesis(record):
    """The root cause as one or two sentences a user without Python understands."""
    sentences = [record['meaning']]
    if record.get('suspect') and record['class'] == 'code':
        sure = record['confidence'] or 0
        alike = [row for row in (record['divergence_point'] or {}).get('candidates', ())[1:]
                 if row['confidence'] > sure - 0.02]
        first = '' if sure >= 0.9 else '%s (%d %%): ' % (
            'Several places can fail so, and which one did is not known; one of them' if alike else
            'Of the places that can fail so, this is the likeliest', in_percent(sure))
        source = ', %s' % record['origin'] if record.get('origin') else ''
        kind = re.match(r"'?(?!NoneType|module)([\w.]+)'? (?:object|instance) has no attribute (?:named )?'(\w+)'",
                        record['message'] or '')
        if kind:
            lacks = {'__getitem__': 'parts that could be asked for', '__iter__': 'parts to go through'}.get(
                kind.group(2), kind.group(2))
            words = '"%s" is of the kind %s there, which has no %s.' % (record['suspect'], kind.group(1), lacks)
        elif record['suspect'].startswith('raise '):
            words = 'the code gives up by itself: it met something that it was not written for.'
        elif record.get('value') == 'missing key':
            words = '%s was looked for in "%s"%s, and is not there.' % (record['message'], record['suspect'], source)
        else:
            words = 'what failed is "%s"%s.' % (record['suspect'], source)
        sentences.append(first + words if first else words[0].upper() + words[1:])
    return ' '.join(sentences)


# --------------------------------------------------------------------------------------------------------- the report
def diagnosis_path(run_dir, suffix='.json'):
    """Where the current diagnostic report lies."""
    return os.path.join(run_dir, 'diagnostic_report' + suffix)


DIAGNOSIS_SHAPE = {'patterns': [{'pattern': logs.STRING, 'fixes?': [{
    'id': re.compile(r'\w[\w.-]*$'),            # it becomes a file's name and a word of a command line
    'files?': [{'path': logs.STRING, 'sha256_before?': logs.STRING, 'sha256_after?': logs.STRING}]}]}]}


def read_diagnosis(path):
    """The dict of a diagnostic_report.json. Problem where it is missing, damaged or newer."""
    return logs.read_json(path, DIAGNOSIS_SCHEMA, 'diagnose_from_report.py', DIAGNOSIS_SHAPE)


def keep_earlier_report(run_dir, iteration):
    """Give the report of another iteration its number, before the new one takes its place."""
    path = diagnosis_path(run_dir)
    if not os.path.exists(path):
        return
    try:
        earlier = read_diagnosis(path).get('iteration')
    except logs.Problem:
        earlier = None
    if earlier in (None, iteration):
        return
    for suffix in ('.json', '.md'):
        if os.path.exists(diagnosis_path(run_dir, suffix)):
            kept = os.path.join(run_dir, 'diagnostic_report_iteration_%d%s' % (earlier, suffix))
            with open(diagnosis_path(run_dir, suffix), 'rb') as source:
                logs.write_file(kept, source.read())


def write_report(run_dir, document, patches):
    """Write the patches, then the Markdown, then the JSON that says that they are there."""
    folder = os.path.join(run_dir, 'fixes')
    if patches and not os.path.isdir(folder):
        os.makedirs(folder)
    for name, patch in sorted(patches.items()):
        logs.write_file(fix_patch_path(run_dir, name), patch, alone=False)
    if patches:
        logs.sync_folder(folder)
    for fix in (fix for record in document['patterns'] for fix in record['fixes']
                if fix['id'] in patches and fix['kind'] == 'fix'):      # what a person logs can mean anything
        fix['says'] = words_logged(patches[fix['id']])
    logs.write_file(diagnosis_path(run_dir, '.md'), report_text(document))
    logs.write_json(diagnosis_path(run_dir), document, DIAGNOSIS_SCHEMA)


BLANKS = re.compile('[\\s\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+')      # of all Pythons
# an underscore within a word is no mark; Pythons differ on which signs beyond ASCII are of a word
MARKS = re.compile(r'([`*<>]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\](?=\()|\\(?=[!-/:-@\[-`{-~]))')


def cell(text):
    """Text for a table cell: one line, no bars."""
    return BLANKS.sub(' ', logs.to_text(text if text is not None else '')).replace('|', '/').strip()


def prose(text):
    """Text from a log or a source file, safe inside a paragraph: one line, no marks that Markdown would read."""
    return MARKS.sub(r'\\\1', cell(text))


CLASS_WORDS = (                 # for whoever reads the report without knowing any code
    ('code', 'the agent itself is at fault, or does not expect what it got, as far as the log tells; a patch can help '
             'where the place is known'),
    ('upstream', 'the site that the agent asks is at fault; no patch helps'),
    ('environment', 'something is wrong or missing on this machine'),
    ('platform', 'Plex itself or its plug-in framework is at fault'),
    ('data', 'single files or titles of the library are at fault'),
    ('noise', 'looks like an error, and does no harm'))


def proposal_words(record):
    if record['fixes']:
        best = record['fixes'][0]
        return '%s (%s)' % (best['summary'], best['id'])
    why = record.get('no_fix_because') or ''
    if why.startswith('the fault is not in the code'):      # which class it is of, and how often it came, stand beside
        said = [one for one in record['evidence'][1:] if not one.startswith('it came in ')][-1:]
        why = '; '.join((said or [record['meaning'].rstrip('.')]) + [record['advice'].replace('do not patch; ', '')])
    return 'no patch: %s' % why


def report_text(document):
    """diagnostic_report.md: a table on top, then six sections for each pattern. A function of the JSON alone."""
    lines = ['# Diagnostic report, iteration %d' % document['iteration'], '',
             'Made %s from %s.' % (document['made'], document['aggregate']), '',
             '| # | pattern | agent | error | items | class | proposed |', '|---|---|---|---|---|---|---|']
    for number, record in enumerate(document['patterns'], 1):
        lines.append('| %d | %s | %s | %s | %s | %s | %s |' % (
            number, prose(record['pattern']), prose((record['agent'] or 'the server').split('.')[-1]),
            prose(cut(cell(error_words(record)), 60)), record['items_total'] or 'none named', record['class'],
            prose(proposal_words(record))))
    if not document['patterns']:
        lines.append('| - | nothing to diagnose | | | | | |')
    kinds = set(record['class'] for record in document['patterns'])
    lines += [''] + ['- %s: %s.' % pair for pair in CLASS_WORDS if pair[0] in kinds]
    if document.get('ended'):
        lines += ['', 'Not logged since a fix for it was put in place: %s.' % '; '.join(
            prose('%s of %s (%s)' % (row['exception'] or 'the error', row['agent'], row['fix'] or row['pattern']))
            for row in document['ended'])]
    for number, record in enumerate(document['patterns'], 1):
        lines.extend([''] + pattern_text(number, record))
    return '\n'.join(lines) + '\n'


def error_words(record):
    return logs.readable(': '.join(part for part in (record['exception'], record['message']) if part) or
                         error_named(record))


def error_named(record):
    return record['exception'] or record['message'] or (record['wrapper'] or 'traceback') + ', cut off'


def pattern_text(number, record):
    """The six sections of one pattern."""
    error = cut(cell(error_named(record)), 60)
    lines = ['## %d. %s: %s' % (number, prose(record['agent'] or 'the server'), prose(error)), '',
             'Pattern %s, class **%s**, family %s.' % (prose(record['pattern']), record['class'], record['family']), '']
    for head, body in (('1. Observed', [observed_text(record)]), ('2. Expected', [expected_text(record)]),
                       ('3. Divergence point', point_text(record)), ('4. Root-cause hypothesis', cause_text(record)),
                       ('5. Fix proposal', fixes_text(record)), ('6. Active test plan', [test_text(record)])):
        lines += ['### ' + head, ''] + body + ['']
    return lines[:-1]


def observed_text(record):
    first, last = record['first_seen'] or 'unknown', record['last_seen'] or 'unknown'
    when = 'from %s to %s' % (first, last) if first != last else 'at a time that the log does not tell' if (
        first == 'unknown') else 'at %s' % first
    return '%s on %s, %s: "%s".' % (
        number_text(record['count'], 'record'), number_text(record['items_total'], 'item') if record['items_total'] else
        'no item that the log names', when, prose(cut(error_words(record), 300)))


def expected_text(record):
    words = {'search': 'A search answers with candidates, or with none, and logs no error.',
             'update': 'A refresh runs to its end, fills all that the provider has data for, and logs no error.',
             'load': 'The plug-in loads and starts.', 'start': 'The plug-in starts and registers.',
             'server': 'The server does its work and logs no error.', 'scanner': 'The scanner reads every file.'}
    return words.get(record['kind'], 'The plug-in does its work and logs no error.')


def point_text(record):
    point = record['divergence_point']
    if not point:
        return ['The log names no line of a plug-in\'s own code.']
    lines = ['In %s, %s.' % (prose(point['file']), 'outside any function' if point['function'] == '<module>' else
                             'function ' + prose(point['function']))]
    state = {'same': 'The installed file is the version that failed.',
             'moved': 'The installed file was changed since; the quoted text now stands at other lines.',
             'changed': 'The installed file was changed since; the quoted text is no longer in it.',
             'unknown': 'The log quotes no source text, so the version that failed is not known.',
             'patched': 'A fix for it is in place, so the file is no longer the one that failed; the report that '
                        'offered the fix shows how the place was found.',
             'not read': 'The source was not read; the place comes from the traceback alone.'}
    lines[0] += ' ' + state[point['source']]
    if point['candidates']:
        lines += ['', '| line | sure | statement |', '|---|---|---|']
        lines += ['| %d | %d %% | %s |' % (row['line'], in_percent(row['confidence']), prose(row['text']))
                  for row in point['candidates'] if row['confidence'] >= 0.01 or row is point['candidates'][0]]
    return lines


def place_words(step, point):
    """Where a step of the cause stands, as far as that is not the function that failed."""
    if (step['file'], step['function']) == (point['file'], point['function']):
        return ''
    return ' of ' + prose(step['function']) + (' in ' + prose(step['file']) if step['file'] != point['file'] else '')


def cause_text(record):
    lines = [prose(record['hypothesis']), '']
    unset, steps = record.get('value') == 'unbound', '; '.join(
        'line %d%s, %s' % (step['line'], place_words(step, record['divergence_point']), prose(step['text']))
        for step in record['cause'])
    if unset and steps:
        lines += ['It gets a value here only: %s.' % steps, '']
    elif record['cause'][1:]:
        lines += ['The value, traced back: %s.' % steps, '']
    counted = number_text(record['count'], 'record')        # that is said above
    lines += ['- for: %s' % prose(sentence) for sentence in record['evidence'] if not sentence.startswith(counted)]
    lines += ['- against: %s' % prose(sentence) for sentence in record['evidence_against']]
    if record['advice'] != 'depends':
        lines += [''] * bool(lines[-1]) + ['What to do: %s.' % prose(record['advice'])]
    return lines


def fixes_text(record):
    if not record['fixes']:
        return ['No patch: %s.' % ('the fault is not in the code' if record['no_fix_because'].startswith(
            'the fault is not in the code') else prose(record['no_fix_because']).rstrip('.'))]     # 4 says the rest
    lines = ['| rank | fix | what it does | lost | risk | expected |', '|---|---|---|---|---|---|']
    for rank, fix in enumerate(record['fixes'], 1):
        lines.append('| %d | %s | %s | %s | %s | %s |' % (
            rank, prose(fix['patch']), prose(fix['summary']), prose(fix['loss']), fix['risk'],
            prose(fix['predicted']['sentence'])))
    if any(fix['kind'] == 'probe' for fix in record['fixes']):
        lines += ['', 'The failing line is not certain yet, so the probe runs first; it only writes to the log, and is '
                      'taken out again.']
    lines += ['', 'Why in this order: %s.' % '; '.join(
        '%d: %s' % (rank, prose(fix['why_this_rank'])) for rank, fix in enumerate(record['fixes'], 1))]
    return lines


def test_text(record):
    plan = record['test_plan']
    if not record['fixes']:
        return 'Nothing to test without a patch.'
    if not plan['items'] and plan.get('possible'):
        return ("The agent's own threads log this error, and name no item. To see which fail, refresh one by one what "
                'was worked on then: %s.' % number_text(len(plan['possible']), 'item'))
    if not plan['items']:
        return 'The log names no item to refresh. With the patch in place, do what failed again and read the log.'
    verb = 'Ask for matches of' if plan['mode'] == 'match' else 'Refresh'
    failed, healthy = len(plan['items']), len(plan['healthy'])
    sample = number_text(failed, 'item') if failed <= SAMPLE else '%d of the %d items' % (SAMPLE, failed)
    kept = ', and a few healthy items (%d known), which must stay as they are' % healthy if healthy else ''
    return '%s %s that failed, before and after%s.' % (verb, sample, kept)


# --------------------------------------------------------------------------------------------------------------- adopt
def adopt(options, run_dir, bundles):
    """Give a person's patch a fix id: check it like a fix of our own and put it first for its pattern."""
    document = read_diagnosis(diagnosis_path(run_dir))
    try:
        report_text(document)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise logs.Problem('%s is damaged; run diagnose_from_report.py again' % diagnosis_path(run_dir))
    record = next((row for row in document['patterns'] if row['pattern'] == options.pattern), None)
    ended = next((row for row in document.get('ended') or () if row.get('pattern') == options.pattern), None)
    if record is None and ended is not None:
        raise logs.Problem('pattern %s was not logged any more since fix %s for it is in place; take that one out first'
                           % (options.pattern, ended.get('fix')), logs.USAGE)
    if record is None:
        raise logs.Problem('no pattern %s in %s; see its first table'
                           % (options.pattern, diagnosis_path(run_dir, '.md')), logs.USAGE)
    try:
        with open(options.adopt, 'rb') as source:
            given = source.read()
    except (IOError, OSError) as problem:
        raise logs.Problem('%s cannot be read (%s)' % (options.adopt, problem.strerror))
    home = next((one for one in bundles.values() if one.folder == record['bundle']), bundles.get(record['agent']))
    if home is None:
        raise logs.Problem('the bundle of %s is not installed here, or --plex-home names another server'
                           % (record['agent'] or 'the server itself'), logs.UNSAFE)
    texts, first_line = {}, None
    for path, hunks in parse_patch(given):
        name = file_meant(path, home, bundles)
        before, after = texts.get(name) or (home.data(name), home.data(name))
        texts[name] = (before, patched(after, hunks, path))
        first_line = first_line or hunks[0][0]
    for name, (before, after) in sorted(texts.items()):
        unsafe = ['it changes nothing in %s' % name] if before == after else safety_problems(home, name, after)
        if unsafe:
            raise logs.Problem('the patch is refused: %s' % unsafe[0], logs.UNSAFE)
    patch, files = patch_of(home, [(name,) + pair for name, pair in sorted(texts.items())])
    name = fix_id('adopted', patch)
    record['fixes'] = [fix for fix in record['fixes'] if fix['id'] != name]
    record['fixes'].insert(0, {
        'id': name, 'kind': 'adopted', 'template': 'adopted', 'file': files[0]['path'], 'line': first_line,
        'function': (record['divergence_point'] or {}).get('function'), 'patch': 'fixes/%s.patch' % name,
        'bundle': files[0]['path'].split('/')[0], 'agent': record['agent'], 'pattern': record['pattern'],
        'predicted': {'items': record['items_total'], 'success_percent': 75,
                      'sentence': 'what its author expects; at least three of four items should go through'},
        'risk': 'medium', 'summary': 'a patch made by a person', 'loss': 'as its author meant it',
        'why_this_rank': 'a person made it for this pattern', 'changed_lines': changed_lines(patch), 'score': 1.0,
        'files': files})
    record['no_fix_because'] = None
    write_report(run_dir, document, {name: patch})
    return record['fixes'][0]


def file_meant(path, home, bundles):
    """The file of the home bundle that a path in a person's patch means, from the bundle's folder on where that stands
    in it, else by its longest tail that is one file of the bundle; Problem for none."""
    words = [word for word in path.replace('\\', '/').split('/') if word not in ('', '.')]
    found = []
    for at, word in enumerate(words):
        other = next((one.folder for one in bundles.values() if one.folder == word), None)
        if other not in (None, home.folder):
            raise logs.Problem('%s is in %s, but the pattern is one of %s, in %s'
                               % (path, other, home.identifier, home.folder), logs.UNSAFE)
        tail = '/'.join(words[at + 1:] if other else words[at:])
        found = [name for name in home.files if name == tail or not other and name.endswith('/' + tail)]
        if found or other:
            break
    if len(found) != 1:
        raise logs.Problem('%s %s the .py files in Code and Libraries of %s; a patch can change only those' % (
            path, 'may be %d of' % len(found) if found else 'is none of', home.folder), logs.UNSAFE)
    return found[0]


# --------------------------------------------------------------------------------------------------------- command line
def build_parser():
    parser = logs.parser_for(__doc__, 'diagnose_from_report.py')
    logs.add_shared_options(parser, '--run-dir', '--iteration', '--plex-home', '--quiet', '--json')
    parser.add_argument('--plug-ins', metavar='FOLDER',
                        help='the folder of the bundles (default: Plug-ins in --plex-home)')
    parser.add_argument('--top', metavar='N', type=int, help='diagnose only the first N patterns of the shortlist '
                                                             '(default: %d, and others with a fix)' % SHORTLIST)
    parser.add_argument('--adopt', metavar='PATCH', help="take a person's unified diff as a fix (with --pattern)")
    parser.add_argument('--pattern', metavar='ID', help='diagnose only this pattern, or the one that --adopt is for')
    return parser


def plug_ins_folder(options):
    """The Plug-ins folder, or None when there is none and logs alone are diagnosed."""
    if options.plug_ins:
        return options.plug_ins
    try:
        folder = os.path.join(logs.find_plex_home(options.plex_home), 'Plug-ins')
    except logs.Problem:
        if options.plex_home:
            raise
        return None
    return folder if os.path.isdir(folder) else None


def only_in_trials(pattern, history):
    """Whether a pattern was logged only while fixes that were undone since were in place: it is their own doing, or
    what another error keeps away without them (see mend_together)."""
    trials = [(row['live'][:19], row['time']) for row in history if row.get('decision') == 'ROLLBACK' and
              row.get('agent') == pattern.get('agent') and row.get('live') and row.get('time')]
    times = [one.get('time') for one in pattern.get('exemplars') or ()] + [pattern.get('first_seen'),
                                                                           pattern.get('last_seen')]
    return all(time and any(begin <= time <= end for begin, end in trials) for time in times)


def chosen_patterns(document, options, history=()):
    """The patterns to diagnose, in the order of the shortlist, then by items; noise only when it is asked for."""
    by_id = dict((row['pattern'], row) for row in document.get('patterns') or ())
    if options.pattern:
        if options.pattern not in by_id:
            raise logs.Problem('no pattern %s in the aggregate; its text file lists them' % options.pattern, logs.USAGE)
        return [by_id[options.pattern]]
    names = [name for name in document.get('shortlist') or () if name in by_id]
    names += [row['pattern'] for row in document.get('patterns') or () if row['pattern'] not in names]
    rows = [by_id[name] for name in names if not by_id[name].get('noise') and not by_id[name].get('echo_of') and
            not is_ended(by_id[name]) and not only_in_trials(by_id[name], history)]
    return rows[:options.top]


def is_ended(pattern):
    """Whether a fix that is in place has ended a pattern."""
    return bool(pattern.get('resolved')) and not pattern['resolved'].get('came_back')


def summary_lines(document):
    """The result for a terminal: one line per pattern."""
    return [('%-11s %10s  %-24s %s' % (
        record['class'], number_text(record['items_total'], 'item'), (record['exception'] or record['family'])[:24],
        record['fixes'][0]['id'] if record['fixes'] else 'no patch'))[:80] for record in document['patterns']]


def run(options):
    run_dir = logs.find_run_dir(options.run_dir)
    iteration = logs.current_iteration(run_dir, options.iteration)
    if bool(options.adopt) and not options.pattern:
        raise logs.Problem('--adopt needs --pattern, the pattern that the patch is for', logs.USAGE)
    folder = plug_ins_folder(options)
    bundles = find_bundles(folder) if folder else {}
    if options.adopt:
        fix = adopt(options, run_dir, bundles)
        if not options.quiet:
            logs.say('adopted as %s' % fix['id'])
        return logs.DONE
    path = logs.aggregate_path(run_dir, iteration)
    aggregate = logs.read_aggregate(path)
    if options.plug_ins and not bundles:
        raise logs.Problem('no bundle is in %s; name the folder of the bundles with --plug-ins' % folder)
    history = read_fix_history(run_dir)
    records, patches, hit = [], {}, {}
    began = logs.seconds_now()
    for number, pattern in enumerate(chosen_patterns(aggregate, options, history)):
        beyond = number >= SHORTLIST and not options.top        # what cannot be mended must not hide what can
        if beyond and (sum(bool(record['fixes']) for record in records) >= SHORTLIST or
                       logs.seconds_now() > began + LONGEST_LOOK):
            break
        hit[pattern['pattern']] = guids_of(pattern)
        try:
            with TimeLimit(LONGEST_SEARCH):
                found = list(spared(lambda: [diagnose(pattern, aggregate, bundles, history)]))
                joined = [more for one in found for more in spared(
                    lambda: [mend_together(pattern, one.record, bundles, history, run_dir)])]
        except TookTooLong:
            bundles = find_bundles(folder) if folder else {}    # what is known about the old ones may be half done
            found, joined = [one._replace(record=dict(one.record, no_fix_because=TOO_LONG)) for one in spared(
                lambda: [diagnose(pattern, aggregate, {}, history)])], []
            BUGS.append('pattern %s: no end after %d s' % (pattern['pattern'], LONGEST_SEARCH))
        if beyond and not any(one.record['fixes'] for one in found) and not any(
                pattern['pattern'] in (record['advice'] or '') for record in records):
            continue
        records += [one.record for one in found]
        for more in [one.patches for one in found] + joined:
            patches.update(more)
    for record in records:
        hiding = [row['pattern'] for row in records if row.get('hides') == record['pattern'] and row['fixes'] and
                  hit[record['pattern']] <= hit[row['pattern']]]
        if hiding:
            record.update({'fixes': [], 'mended_with': hiding[0],
                           'no_fix_because': 'it only shows where another error is kept away; the patch for pattern %s '
                                             'mends both' % hiding[0]})
    firsts = {}
    for record in records:
        for first in [firsts.setdefault(fix['id'], record['pattern']) for fix in record['fixes'][:1]]:
            record['evidence'] += ['pattern %s is the same defect, and its first fix this one' % first] * (
                first != record['pattern'])
    document = {'iteration': iteration, 'made': logs.utc_text(), 'aggregate': os.path.basename(path),
                'bundles': len(bundles), 'patterns': records, 'window': aggregate.get('window'),
                'ended': [{'pattern': row['pattern'], 'agent': row.get('agent'), 'exception': row.get('exception'),
                           'fix': (standing_fix(history, row['pattern']) or {}).get('id')}
                          for row in aggregate['patterns'] if is_ended(row)]}
    keep_earlier_report(run_dir, iteration)
    write_report(run_dir, document, patches)
    if options.json:
        import json
        logs.say(json.dumps(document, sort_keys=True, indent=2, separators=(',', ': ')))
    elif not options.quiet:
        for line in summary_lines(document):
            logs.say(line)
        logs.say(diagnosis_path(run_dir, '.md'))
    for text in BUGS:
        logs.say(text, sys.stderr)
    if BUGS:
        logs.warn('diagnose_from_report.py', 'a bug in this script broke off %s (tracebacks above); the rest of the '
                  'report stands; please report the bug' % logs.count_text(len(BUGS), 'search', 'searches'))
        return logs.INCOMPLETE
    return logs.DONE if any(record['fixes'] for record in records) else logs.NEGATIVE


def main(argv=None):
    import gc
    gc.set_threshold(1000000, 10, 10)           # trees of sources live to the end; to look through them took a fifth
    return logs.run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
