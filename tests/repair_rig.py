# -*- coding: utf-8 -*-
"""Runs the agents of bundles/Harness as Plex would, on upstream data of our own (Python 2.7 only, as they are).

The sandbox is imitated the way it works: the source is compiled with 2.7's `compiler` package after iteration, item
access, unpacking and augmented assignment were turned into calls, so that errors have the types and the (often wrong)
line numbers of Plex (FRAMEWORK 3 and 4). A second run, compiled by CPython itself, tells the true line.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy
import datetime
import io
import json
import os
import sys
import traceback
import types
import xml.etree.ElementTree as etree

import diagnose_from_report as diagnose

BUNDLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bundles', 'Harness')
SANDBOX = 'Framework.bundle/Contents/Resources/Versions/2/Python/Framework/code/sandbox.py'
GUARDS = """
def make():
    return dict(
      _getiter_           = lambda x: x.__iter__(),
      _getitem_           = lambda x, y: x.__getitem__(y),
      _apply_             = _apply,
      _inplacevar_        = _inplacevar)

def _apply(f, *args, **kwargs):
    return apply(f, args, kwargs)

def _inplacevar(op, arg1, arg2):
    if op == '+=':
        return arg1 + arg2
    raise Exception("Operator '%s' is not supported" % op)
"""
GUARDS_CODE = compile(GUARDS, '/plex/' + SANDBOX, 'exec', 0, True)


# -------------------------------------------------------------------------------------------------- a sandboxed compile
def compile_sandboxed(data, path):
    """The code object that the framework would make of agent source."""
    import compiler
    from compiler import ast, consts, misc, pycodegen, syntax

    def call(name, *arguments):
        return ast.CallFunc(ast.Name(str(name)), list(arguments))

    def mutate(node):
        for field, value in list(vars(node).items()):
            if isinstance(value, ast.Node):
                setattr(node, field, mutate(value))
            elif isinstance(value, (list, tuple)):
                setattr(node, field, type(value)(mutated(item) for item in value))
        if isinstance(node, (ast.For, ast.ListCompFor)):
            node.list = call('_getiter_', node.list)
        elif isinstance(node, ast.GenExprFor):
            node.iter = call('_getiter_', node.iter)
        elif isinstance(node, ast.Subscript) and node.flags == consts.OP_APPLY:
            return call('_getitem_', node.expr, node.subs[0] if len(node.subs) == 1 else ast.Tuple(node.subs))
        elif isinstance(node, ast.Slice) and node.flags == consts.OP_APPLY:
            ends = [ast.Const(None) if end is None else end for end in (node.lower, node.upper)]
            return call('_getitem_', node.expr, ast.Sliceobj(ends))
        elif isinstance(node, ast.CallFunc) and (node.star_args or node.dstar_args):
            node.args.insert(0, node.node)
            node.node = ast.Name(str('_apply_'))
        elif isinstance(node, ast.AugAssign) and isinstance(node.node, ast.Name):
            made = ast.Assign([ast.AssName(node.node.name, consts.OP_ASSIGN)],
                              call('_inplacevar_', ast.Const(node.op), ast.Name(node.node.name), node.expr))
            made.lineno = node.lineno
            return made
        return node

    def mutated(item):
        if isinstance(item, (list, tuple)):
            return type(item)(mutated(part) for part in item)
        return mutate(item) if isinstance(item, ast.Node) else item

    class Unpacking:                            # not of object: the generators of 2.7 are old-style classes
        def unpack_safely(self, node):
            if pycodegen.findOp(node) != 'OP_DELETE':
                self.emit('LOAD_GLOBAL', str('_getiter_'))
                self.emit('ROT_TWO')
                self.emit('CALL_FUNCTION', 1)
                self.emit('UNPACK_SEQUENCE', len(node.nodes))
            for child in node.nodes:
                self.visit(child)
        visitAssTuple = visitAssList = unpack_safely

    class Functions(Unpacking, pycodegen.FunctionCodeGenerator):
        pass

    class Modules(Unpacking, pycodegen.ModuleCodeGenerator):
        def initClass(self):
            pycodegen.ModuleCodeGenerator.initClass(self)
            self.__class__.FunctionGen = Functions

    text = b'\n'.join(data.splitlines()) + b'\n'
    tree = mutate(compiler.parse(text))
    misc.set_filename(path.encode('utf-8'), tree)
    syntax.check(tree)
    return Modules(tree).getCode()


# ------------------------------------------------------------------------------------------------ the framework's names
class Element(etree.Element if isinstance(etree.Element, type) else object):
    """An element that knows __iter__ and xpath(), as lxml's do."""

    def __iter__(self):
        return iter(list(self._children))

    def xpath(self, path):
        """The XPath that agents use most, on top of ElementTree's: it may end in /@attribute."""
        path, _, attribute = path.partition('/@')
        nodes = self.findall(path)
        return [node.get(attribute) for node in nodes if node.get(attribute) is not None] if attribute else nodes

    def text_content(self):
        return ''.join(self.itertext())


class Field(list):
    """A list or dict of the metadata, both in one: add, clear, new, item assignment, iteration, `in`."""

    def __init__(self):
        list.__init__(self)
        self.items_by_key = {}

    def add(self, value):
        self.append(value)

    def clear(self):
        del self[:]

    def new(self):
        made = Record()
        self.append(made)
        return made

    def Append(self, value):
        self.append(value)

    def __setitem__(self, key, value):
        self.items_by_key[key] = value

    def __getitem__(self, key):
        if key not in self.items_by_key:
            self.items_by_key[key] = Record()
        return self.items_by_key[key]

    def __contains__(self, key):
        return key in self.items_by_key or list.__contains__(self, key)

    def __iter__(self):
        return iter(sorted(self.items_by_key)) if self.items_by_key else list.__iter__(self)


class Record(object):
    """Metadata: what is assigned is kept, what is only read becomes a Field."""

    LISTS = frozenset('genres roles directors writers countries collections tags posters art seasons episodes '
                      'guest_stars results'.split())

    def __init__(self, **values):
        self.__dict__.update(values)

    def __getattr__(self, name):
        if name in self.LISTS:
            self.__dict__[name] = Field()
            return self.__dict__[name]
        if name.startswith('__'):
            raise AttributeError(name)
        return None


def snapshot(value):
    """Metadata as plain data, for comparison."""
    if isinstance(value, Field):
        return snapshot(value.items_by_key) if value.items_by_key else [snapshot(item) for item in list.__iter__(value)]
    if isinstance(value, Record):
        return dict((name, snapshot(part)) for name, part in vars(value).items())
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    if isinstance(value, dict):
        return dict((diagnose.logs.to_text(key), snapshot(part)) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return [snapshot(part) for part in value]
    return value if isinstance(value, (int, float, type(''), type(None))) else '%s' % value


def leaves(fields, prefix=''):
    """{'year': 2013, 'roles.0.name': 'Anna', ...} of what a snapshot holds, empty values left out."""
    if isinstance(fields, (dict, list)):
        found = {}
        for name, value in fields.items() if isinstance(fields, dict) else enumerate(fields):
            found.update(leaves(value, '%s%s.' % (prefix, name)))
        return found
    return {} if fields in (None, '') else {prefix[:-1]: fields}


def parse_xml(text):
    parser = etree.XMLParser(target=etree.TreeBuilder(element_factory=Element))
    parser.feed(diagnose.logs.to_bytes(text))
    return parser.close()


class Media(object):
    """What Plex says about the user's files: two seasons with two episodes each, and one file."""

    name, show, year = b'Der Film', b'Serie', b'2013'

    def __init__(self):
        part = types.ModuleType(str('part'))
        part.file = b'/video/Der Film (2013).mkv'
        self.items = [Record(parts=[part])]
        self.seasons = dict((season, Record(episodes={b'1': None, b'2': None})) for season in (b'1', b'2'))


def framework(page, messages):
    """The names that the framework puts into every agent's module; page: what each request is answered with."""
    def text_page(*arguments, **options):
        return diagnose.logs.to_bytes(page) if not isinstance(page, dict) else b'binary'

    def request(url, *arguments, **options):
        if not url:
            raise ValueError('unknown url type: %s' % url)
        return Record(content=text_page())

    def json_page(*arguments, **options):
        return copy.deepcopy(page)

    def xml_page(*arguments, **options):
        if page == 'no such file':
            raise IOError('no such file')
        return parse_xml(page)

    def parse_date(text):
        if not text:
            return None
        for form in ('%Y-%m-%d', '%d.%m.%Y'):
            try:
                return datetime.datetime.strptime(text, str(form))
            except ValueError:
                continue
        raise ValueError('unknown string format')

    def log(text, *arguments):
        messages.append(text % arguments if arguments else text)

    log.Debug = log.Info = log.Warn = log.Error = log.Critical = log.Exception = log
    base = type(str('Base'), (object,), {})
    return dict(
        Agent=Record(Movies=base, TV_Shows=base, Album=base, Artist=base), Log=log, CACHE_1WEEK=604800,
        HTTP=Record(Request=request), JSON=Record(ObjectFromURL=json_page),
        XML=Record(ElementFromURL=xml_page, ElementFromString=parse_xml), Datetime=Record(ParseDate=parse_date),
        Locale=Record(Language=Record(NoLanguage='xn', English='en', German='de')),
        String=Record(Quote=lambda text: text.replace(b' ', b'%20')),
        Proxy=Record(Media=lambda data, **k: 'media', Preview=lambda data, **k: 'preview %s' % k.get('sort_order')),
        MetadataSearchResult=lambda **values: Record(**values))


# ------------------------------------------------------------------------------------------------------------ one run
class Run(object):
    """What one call of an agent came to: fields (a snapshot), error ('' or its type), message, frames, messages."""

    def __init__(self, fields, messages):
        self.fields = fields
        self.messages = messages
        self.error = self.message = ''
        self.frames = []


def sources_of(folder):
    """{'__init__': bytes, ...} of the modules in a bundle's Contents/Code."""
    code = os.path.join(BUNDLES, folder, 'Contents', 'Code')
    found = {}
    for name in sorted(os.listdir(code)):
        if name.endswith('.py'):
            with io.open(os.path.join(code, name), 'rb') as handle:
                found[name[:-3]] = handle.read()
    return found


COMPILED = {}                                   # compiling costs more than running


def load(folder, sources, names, compiling, elevated):
    """The agent class of a bundle whose modules are in sources."""
    def code_of(name):
        key = (compiling.__name__, folder, name, sources[name])
        if key not in COMPILED:
            COMPILED[key] = compiling(sources[name], path_of(name))
        return COMPILED[key]

    import __builtin__ as builtins
    allowed = set(diagnose.SANDBOX_BUILTINS) | (set(diagnose.ELEVATED_NAMES) if elevated else set())
    modules = {}
    environment = dict(names, __builtins__=dict((str(name), getattr(builtins, name)) for name in allowed
                                                if hasattr(builtins, name)))

    def path_of(name):
        return '/plex/Plug-ins/%s/Contents/Code/%s.py' % (folder, name)

    def import_module(name, *rest):
        if name in sources:
            if name not in modules:
                module = types.ModuleType(str(name))
                module.__dict__.update(environment)
                modules[name] = module
                exec(code_of(name), module.__dict__)
            return modules[name]
        return __import__(name)

    environment['__builtins__']['__import__'] = import_module
    guards = {}
    exec(GUARDS_CODE, guards)
    environment.update(guards['make']())
    environment['__name__'] = '__code__'
    exec(code_of('__init__'), environment)
    return next(value for value in environment.values()
                if isinstance(value, type) and hasattr(value, 'primary_provider'))


def compile_plainly(data, path):
    """As CPython compiles it: exact lines, and the errors of plain Python."""
    return compile(data, path.encode('utf-8'), 'exec', 0, True)


def line_limit(lines=20011):
    """A trace function that stops agent code which a patch made run for ever."""
    left = [lines]

    def trace(frame, event, argument):
        if '/Plug-ins/' not in frame.f_code.co_filename:
            return None
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError('runs for ever')
        return trace
    return trace


def run_agent(folder, kind, page, sources=None, compiling=compile_sandboxed):
    """A Run of search or update over one page of upstream data."""
    elevated = folder.startswith('Teilmodul')
    messages = []
    metadata = Record(id=b'4711') if kind == 'update' else Field()
    run = Run(None, messages)
    try:
        made = load(folder, sources or sources_of(folder), framework(page, messages), compiling, elevated)()
        out, sys.stdout = sys.stdout, io.BytesIO()
        outer_trace = sys.gettrace()
        if sources:                             # what was not patched ends, and a trace changes the lines of tracebacks
            sys.settrace(line_limit())
        try:
            if kind == 'update':
                made.update(metadata, Media(), 'de')
            else:
                made.search(metadata, Media(), 'de', False)
        finally:
            sys.settrace(outer_trace)
            sys.stdout = out
    except Exception as error:
        run.error, run.message = type(error).__name__, '%s' % diagnose.logs.to_text(str(error))
        run.frames = traceback.extract_tb(sys.exc_info()[2])
    run.fields = snapshot(metadata)
    return run


def pattern_of(folder, kind, run):
    """The row of the aggregate that a run with an error would become, or None where it has no own frame."""
    own, below = [], []
    for path, line, function, text in run.frames:
        path = diagnose.logs.to_text(path)
        if '/Plug-ins/' in path:
            below = []
            file_name = path.split('/Plug-ins/')[1]
            own.append({'file': file_name, 'function': diagnose.logs.to_text(function), 'callee_frames': below,
                        'reported_lines': [{'line': line, 'text': quoted(file_name, line), 'start': 0, 'count': 7}]})
        else:
            text = GUARDS.splitlines()[line - 1].strip() if path.endswith('sandbox.py') else text or ''
            below.append({'file': path, 'function': diagnose.logs.to_text(function),
                          'text': diagnose.logs.to_text(text)})
    if not own:
        return None
    name = folder.split('.')[0]
    items = [{'guid': 'com.example.agents.%s://%d?lang=de' % (name.lower(), number), 'rating_key': number}
             for number in (101, 103, 107)]
    called = 'keyword arguments {}' if kind == 'search' else "guid '%s'" % items[0]['guid']
    wrapper = "Exception in the %s function of agent named '%s', called with %s" % (kind, name, called)
    return {'pattern': '%s-%s-%d' % (name, run.error, own[-1]['reported_lines'][0]['line']), 'kind': kind,
            'agent': 'com.example.agents.' + name.lower(), 'bundle': folder, 'exception': run.error,
            'message': run.message, 'wrapper': wrapper, 'own_frames': own, 'count': 7, 'items': items, 'items_total': 3,
            'first_seen': '2026-11-22T10:00:00Z', 'last_seen': '2026-11-22T11:00:00Z', 'noise': None, 'preceding': []}


def quoted(file_name, line):
    """The text that a traceback quotes for a line of a bundle."""
    source = sources_of(file_name.split('/')[0])[file_name.split('/')[-1][:-3]].splitlines()
    return diagnose.Source(source[line - 1]).text.strip() if line <= len(source) else ''


def as_json(value):
    return json.dumps(value, sort_keys=True)
