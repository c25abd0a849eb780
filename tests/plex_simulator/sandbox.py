# -*- coding: utf-8 -*-
"""The framework's sandbox: what agent code may not say, what it means otherwise than in Python, and who it can see.

Real code goes through RestrictedPython on Python 2.7. Here the running interpreter's own `ast` makes the same changes:
indexing, iterating, unpacking, `+=` and calls with stars go through functions of the sandbox, which fail as the real
ones do. Agent code must be valid Python 2 and 3; what Python 2.7 would not compile is refused as it would refuse it.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import ast
import binascii
import functools
import io
import itertools
import os
import random
import sys
import types
import warnings

import six
from six.moves import builtins

from . import shims

SHORT_LIST = frozenset('__init__ __call__ __str__ __repr__'.split())
LONG_LIST = SHORT_LIST | frozenset('__getitem__ __getattr__ __getattribute__ __setitem__ __setattr__ __delitem__ '
                                   '__delattr__ __iter__ __len__ __name__ __eq__ __ne__ __enter__ __exit__'.split())
OPERATORS = {'Add': '+=', 'Sub': '-=', 'Mult': '*=', 'Div': '/=', 'FloorDiv': '//=', 'Mod': '%=', 'Pow': '**=',
             'LShift': '<<=', 'RShift': '>>=', 'BitOr': '|=', 'BitXor': '^=', 'BitAnd': '&='}
NOT_IN_PYTHON_2 = ('JoinedStr', 'AnnAssign', 'AsyncFunctionDef', 'AsyncFor', 'AsyncWith', 'Await', 'Nonlocal',
                   'Starred', 'YieldFrom', 'NamedExpr', 'Match', 'TryStar', 'TypeAlias')
BUILTINS_BOTH = ('False None True abs bool callable chr complex divmod float hash hex id int isinstance issubclass len '
                 'oct ord pow repr round object set str min max list dict tuple staticmethod classmethod property '
                 'sorted reversed enumerate').split()
ELEVATED = 'getattr hasattr setattr dir type super'.split()
SMALL_FUNCTION = 10                             # statements; nearly all of these are reported where they are
DRIFTING_SHARE = .19                            # of the statements of larger functions: 18 % over all


class FrameworkException(Exception):
    pass


class Refused(SyntaxError):
    """What RestrictedPython will not compile: 'Line N: reason', and no file name."""


# ----------------------------------------------------------------- what the rewritten code calls (frames of sandbox.py)
def getiter_(value):
    """`for`, comprehensions and unpacking: text has no __iter__ in Python 2, None never."""
    if isinstance(value, (six.text_type, bytes)):
        raise AttributeError("'%s' object has no attribute '__iter__'" % kind_of(value))
    return value.__iter__()


def getitem_(value, key):
    """`value[key]`: the words of the refusal are those of 2.7's sequences."""
    if isinstance(value, (list, tuple, six.text_type, bytes)) and not isinstance(key, (slice,) + six.integer_types):
        name = 'string' if isinstance(value, (six.text_type, bytes)) else type(value).__name__
        raise TypeError('%s indices must be integers, not %s' % (name, kind_of(key)))
    return value.__getitem__(key)


def apply_(function, *arguments, **keywords):
    return function(*arguments, **keywords)


def inplacevar_(operator, left, right):
    if operator == '+=':
        return left + right
    raise FrameworkException("Operator '%s' is not supported" % operator)


def unpack_(value, shape):
    """What `a, (b, c) = value` iterates over; shape: None for a name, a list for a nested target."""
    if not any(shape):
        return getiter_(value)
    items = list(getiter_(value))
    if len(items) != len(shape):                # the assignment itself will say so
        return items
    return [unpack_(item, inner) if inner else item for item, inner in zip(items, shape)]


def unpack_each_(values, shape):
    for value in getiter_(values):
        yield unpack_(value, shape)


def refuse_(*_arguments):
    raise TypeError('attribute-less object (assign or del)')


def kind_of(value):
    """The name of the type of a value in Python 2."""
    if isinstance(value, six.text_type):
        return 'str' if all(ord(letter) < 128 for letter in value) else 'unicode'
    return type(value).__name__


# ----------------------------------------------------------------------------------------------------- the static rules
class Rules(ast.NodeVisitor):
    """Collects what the sandbox refuses when it loads a file, in the order in which it walks the file."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.errors = []

    def error(self, node, sentence):
        self.errors.append('Line %d: %s' % (node.lineno, sentence))

    def name(self, node, name):
        if name.startswith('_') and name != '_' and name not in self.allowed:
            self.error(node, '"%s" is an invalid variable name because it starts with "_"' % name)
        elif name.endswith('__roles__'):
            self.error(node, '"%s" is an invalid variable name because it ends with "__roles__".' % name)
        elif name == 'printed':
            self.error(node, '"printed" is a reserved name.')

    def visit_Name(self, node):
        self.name(node, node.id)

    def visit_Attribute(self, node):
        if node.attr.startswith('_') and node.attr != '_' and node.attr not in self.allowed:
            self.error(node, '"%s" is an invalid attribute name because it starts with "_".' % node.attr)
        elif node.attr.endswith('__roles__'):
            self.error(node, '"%s" is an invalid attribute name because it ends with "__roles__".' % node.attr)
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.name(node, node.name)
        self.arguments(node, node.args)
        self.generic_visit(node)

    def visit_Lambda(self, node):
        self.arguments(node, node.args)
        self.generic_visit(node)

    def arguments(self, node, arguments):
        named = [getattr(argument, 'arg', None) for argument in getattr(arguments, 'args', ())]
        for star in (arguments.vararg, arguments.kwarg):
            named.append(getattr(star, 'arg', star))
        for name in named:
            if name:
                self.name(node, name)

    def visit_ClassDef(self, node):
        self.name(node, node.name)
        self.generic_visit(node)

    def visit_Import(self, node):
        for alias in node.names:
            self.name(node, alias.asname or alias.name)

    visit_ImportFrom = visit_Import

    def visit_AugAssign(self, node):
        if isinstance(node.target, ast.Attribute):
            self.error(node, 'Augmented assignment of attributes is not allowed.')
        elif isinstance(node.target, ast.Subscript):
            self.error(node, 'Augmented assignment of object items and slices is not allowed.')
        self.generic_visit(node)

    def visit_Exec(self, node):
        self.error(node, 'Exec statements are not allowed.')

    def visit_Yield(self, node):
        self.error(node, 'Yield statements are not allowed.')


def refuse_newer_python(tree, filename, text):
    """SyntaxError where Python 2.7 could not read the file."""
    for node in ast.walk(tree):
        kind = type(node).__name__
        is_new = kind in NOT_IN_PYTHON_2
        is_new |= kind == 'arguments' and bool(getattr(node, 'kwonlyargs', None) or getattr(node, 'posonlyargs', None))
        is_new |= kind == 'arg' and node.annotation is not None
        is_new |= kind == 'FunctionDef' and getattr(node, 'returns', None) is not None
        is_new |= kind == 'Raise' and getattr(node, 'cause', None) is not None
        if is_new and kind == 'Starred' and isinstance(node.ctx, ast.Load):
            is_new = False                      # Python 3 says so of f(*arguments) as well
        if is_new:
            line = getattr(node, 'lineno', 1)
            raise SyntaxError('invalid syntax', (filename, line, 1, text.splitlines()[line - 1]))


# -------------------------------------------------------------------------------------------------------- the rewriting
class Rewriter(ast.NodeTransformer):
    """Puts the sandbox's functions where the language's own indexing, iteration and so on stood."""

    def call(self, name, node, *arguments):
        function = ast.Name(id=str(name), ctx=ast.Load())
        if six.PY2:
            new = ast.Call(func=function, args=list(arguments), keywords=[], starargs=None, kwargs=None)
        else:
            new = ast.Call(func=function, args=list(arguments), keywords=[])
        ast.copy_location(new, node)
        return ast.fix_missing_locations(new)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        return self.call('_getitem_', node, node.value, self.key(node.slice, node))

    def key(self, part, node):
        if isinstance(part, ast.Slice):
            bounds = [bound if bound is not None else self.none() for bound in (part.lower, part.upper, part.step)]
            return self.call('_slice_', node, *bounds)
        if type(part).__name__ == 'ExtSlice':
            return ast.Tuple(elts=[self.key(inner, node) for inner in part.dims], ctx=ast.Load())
        return part.value if type(part).__name__ == 'Index' else part

    def none(self):
        if six.PY2:
            return ast.Name(id=str('None'), ctx=ast.Load())
        return ast.Constant(None) if sys.version_info >= (3, 8) else ast.NameConstant(None)

    def shape(self, target):
        """The AST of the shape that unpack_ takes."""
        if isinstance(target, (ast.Tuple, ast.List)):
            return ast.List(elts=[self.shape(inner) for inner in target.elts], ctx=ast.Load())
        return self.none()

    def iterated(self, values, target, node):
        if isinstance(target, (ast.Tuple, ast.List)):
            return self.call('_unpack_each_', node, values, self.shape(target))
        return self.call('_getiter_', node, values)

    def visit_For(self, node):
        self.generic_visit(node)
        node.iter = self.iterated(node.iter, node.target, node.iter)
        return node

    def visit_comprehension(self, node):
        self.generic_visit(node)
        node.iter = self.iterated(node.iter, node.target, node.iter)
        return node

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, (ast.Tuple, ast.List)) and not (isinstance(node.value, ast.Tuple)):
                node.value = self.call('_unpack_', node.value, node.value, self.shape(target))
                break
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        old = ast.copy_location(ast.Name(id=node.target.id, ctx=ast.Load()), node)
        sign = ast.copy_location(ast.Str(OPERATORS[type(node.op).__name__]) if sys.version_info < (3, 8)
                                 else ast.Constant(OPERATORS[type(node.op).__name__]), node)
        value = self.call('_inplacevar_', node, sign, old, node.value)
        return ast.copy_location(ast.Assign(targets=[node.target], value=value), node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if six.PY2:
            starred = node.starargs is not None or node.kwargs is not None
        else:
            starred = any(isinstance(argument, ast.Starred) for argument in node.args) or any(
                keyword.arg is None for keyword in node.keywords)
        if starred:
            node.args.insert(0, node.func)
            node.func = ast.copy_location(ast.Name(id=str('_apply_'), ctx=ast.Load()), node)
        return node


def compile_restricted(data, filename, elevated):
    """(code, tree) of agent source. SyntaxError: of the language, with the file's name, or of the sandbox (Refused)."""
    text = data.decode('utf-8', 'replace')
    name = filename.encode('utf-8') if six.PY2 else filename
    if six.PY2:                                 # the real compiler takes non-ASCII source without a coding line
        tree = ast.parse(b'\xef\xbb\xbf' + data.replace(b'\r\n', b'\n').lstrip(b'\xef\xbb\xbf'), name)
    else:
        tree = ast.parse(text.lstrip('\ufeff'), filename)
    refuse_newer_python(tree, filename, text)
    rules = Rules(LONG_LIST if elevated else SHORT_LIST)
    rules.visit(tree)
    if rules.errors:
        raise Refused(rules.errors[0])
    lines = StatementLines(tree)
    tree = ast.fix_missing_locations(Rewriter().visit(tree))
    with warnings.catch_warnings():             # newer interpreters guess at mistakes; agents are full of them
        warnings.simplefilter('ignore')
        return compile(tree, name, 'exec', dont_inherit=True), lines


# ------------------------------------------------------------------------------------------------------- reported lines
class StatementLines(object):
    """Which line a traceback of the real framework would show for a line of the source.

    The framework compiles agents with a compiler whose line table cannot step back and whose order of blocks is chance:
    in larger functions a statement is often reported at a later line of the same function, and another one after the
    next start. Measured: 18 % of all statements, never above the true place.
    """

    def __init__(self, tree):
        self.functions = []                     # [(first line, last line, [first line of each statement])]
        self.starts = {}                        # line -> first line of its statement
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                inner = list(statements_below(node))
                self.functions.append((node.lineno, end_line(node), sorted(set(one.lineno for one in inner))))
        every = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        for node in sorted(every, key=lambda node: node.lineno):
            for line in range(node.lineno, end_line(node) + 1):
                self.starts[line] = node.lineno
        self.reported = {}

    def shuffle(self, chance, share=DRIFTING_SHARE):
        """Choose anew what is misreported, as a start of the plug-in does; chance: random.Random."""
        self.reported = {}
        for _first, _last, lines in self.functions:
            if len(lines) <= SMALL_FUNCTION:
                continue
            for index, line in enumerate(lines[:-1]):
                if chance.random() < share:
                    self.reported[line] = chance.choice(lines[index + 1:])

    def line(self, line):
        start = self.starts.get(line, line)
        return self.reported.get(start, start)


def statements_below(function):
    """The statements of a function's own frame: nested suites too, nested functions and classes not entered."""
    pending = list(function.body)
    while pending:
        node = pending.pop(0)
        yield node
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        for field in ('body', 'orelse', 'finalbody'):
            pending.extend(getattr(node, field, None) or [])
        for handler in getattr(node, 'handlers', None) or []:
            pending.extend(handler.body)


def end_line(node):
    return max(getattr(inner, 'lineno', 0) for inner in ast.walk(node))


# ------------------------------------------------------------------------------------------------- the code of a bundle
class RestrictedModule(types.ModuleType):
    """A module of Contents/Code. It sees the names that stood in the environment when it was first imported."""

    def __getattr__(self, name):
        raise AttributeError("'RestrictedModule' object has no attribute '%s'" % name)


def listed(function):
    """map, filter, zip and range give lists in Python 2."""
    @functools.wraps(function)
    def call(*arguments):
        return list(function(*arguments))
    return function if six.PY2 else call


class Sandbox(object):
    """Loads and runs the code of one bundle, compiled once per start of its plug-in."""

    def __init__(self, bundle, elevated, api, seed, drifting_share=DRIFTING_SHARE):
        self.drifting_share = drifting_share
        self.code_folder = os.path.join(bundle, 'Contents', 'Code')
        self.libraries = os.path.join(bundle, 'Contents', 'Libraries', 'Shared')
        self.elevated = elevated
        self.chance = random.Random(seed)
        self.modules = {}
        self.lines = {}                         # path -> StatementLines
        self.lambdas = itertools.count(1)
        self.environment = self.make_environment(api)
        self.entry = None

    def make_environment(self, api):
        names = dict((name, getattr(builtins, name)) for name in BUILTINS_BOTH)
        names.update((name, kind) for name, kind in vars(builtins).items()
                     if isinstance(kind, type) and issubclass(kind, BaseException))
        names.update(basestring=six.string_types[0], unicode=six.text_type,
                     long=six.integer_types[-1], unichr=six.unichr, xrange=six.moves.range, reduce=functools.reduce,
                     range=listed(six.moves.range), map=listed(six.moves.map), filter=listed(six.moves.filter),
                     zip=listed(six.moves.zip), cmp=lambda left, right: (left > right) - (left < right),
                     hexlify=binascii.hexlify, unhexlify=binascii.unhexlify, setattr=refuse_, delattr=refuse_)
        if not six.PY2:
            names['print'] = functools.partial(print, file=sys.stderr)
            names['__build_class__'] = builtins.__build_class__
        if self.elevated:
            names.update((name, getattr(builtins, name)) for name in ELEVATED)
        names['__import__'] = self.import_
        environment = dict(api)
        environment.update({'__builtins__': dict((str(name), value) for name, value in names.items()),
                            '__name__': str('__code__'), '_getiter_': getiter_, '_getitem_': getitem_,
                            '_apply_': apply_, '_inplacevar_': inplacevar_, '_unpack_': unpack_,
                            '_unpack_each_': unpack_each_, '_slice_': slice, 'FrameworkException': FrameworkException})
        return dict((str(name), value) for name, value in environment.items())

    def compile_file(self, path, elevated):
        with io.open(path, 'rb') as source:
            code, lines = compile_restricted(source.read(), path, elevated)
        lines.shuffle(self.chance, self.drifting_share)
        self.lines[path] = lines
        return code

    def load_entry(self):
        """Compile Contents/Code/__init__.py: always with the short list of allowed names, also under Elevated."""
        self.entry = self.compile_file(os.path.join(self.code_folder, '__init__.py'), False)

    def execute(self):
        six.exec_(self.entry, self.environment)

    def import_(self, name, globals_=None, locals_=None, fromlist=(), level=0):
        """`import name`: a module of Contents/Code of that last name wins over everything, also over the stdlib."""
        last = name.rpartition('.')[2]
        for path in (os.path.join(self.code_folder, last + '.py'), os.path.join(self.code_folder, last, '__init__.py')):
            if os.path.exists(path):
                return self.load_module(str(last), path)
        if level > 0 or not name:
            raise ImportError('No module named %s' % (name or (fromlist or [''])[0]))
        return shims.import_plain(name, fromlist, self.libraries if self.elevated else None)

    def load_module(self, name, path):
        if name in self.modules:                # None after a failed import: the next one binds it silently
            return self.modules[name]
        self.modules[name] = None
        code = self.compile_module(path)
        module = RestrictedModule(name)
        vars(module).update(self.environment)
        vars(module)['__name__'] = name
        self.modules[name] = module
        try:
            self.run_module(code, module)
        except BaseException:
            self.modules[name] = None
            raise
        return module

    def compile_module(self, path):
        return self.compile_file(path, self.elevated)

    def run_module(self, code, module):
        six.exec_(code, vars(module))

    def reported_line(self, path, line):
        lines = self.lines.get(path)
        return lines.line(line) if lines else line
