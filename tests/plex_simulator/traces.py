# -*- coding: utf-8 -*-
"""Tracebacks as the framework writes them: its own frames where the simulator's stand, agent lines as misreported.

The words and line numbers of framework and library frames are those that show in real logs of Framework 2.6.3.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import sys

import six

from . import wording

HERE = os.path.dirname(os.path.abspath(__file__))
RESOURCES = '/usr/lib/plexmediaserver/Resources/Plug-ins-fb6452ebf/Framework.bundle/Contents/Resources'
FRAMEWORK = RESOURCES + '/Versions/2/Python/Framework'
SHARED = RESOURCES + '/Platforms/Shared/Libraries'
PYTHON = '/usr/lib/plexmediaserver/Resources/Python/python27.zip'

LOAD = (FRAMEWORK + '/components/networking.py', 159, 'load', 'f = self._opener.open(req, timeout=self._timeout)')
COMPILE = [
    (FRAMEWORK + '/code/loader.py', 47, 'load', 'code = self.compile(str(source), str(uni(filename)), elevated)'),
    (FRAMEWORK + '/code/loader.py', 52, 'compile',
     "return RestrictedPython.compile_restricted(source, name, 'exec', elevated=elevated)"),
    (SHARED + '/RestrictedPython/RCompile.py', 115, 'compile_restricted', 'gen.compile()'),
    (SHARED + '/RestrictedPython/RCompile.py', 68, 'compile', 'tree = self._get_tree()')]
PARSE = [(SHARED + '/RestrictedPython/RCompile.py', 59, '_get_tree', 'tree = self.parse()'),
         (SHARED + '/RestrictedPython/RCompile.py', 56, 'parse',
          'return niceParse(self.source, self.filename, self.mode)'),
         (SHARED + '/RestrictedPython/RCompile.py', 38, 'niceParse', 'compile(source, filename, mode)')]
REFUSE = [(SHARED + '/RestrictedPython/RCompile.py', 62, '_get_tree', 'raise SyntaxError, self.rm.errors[0]')]
OPEN_FAILS = [(PYTHON + '/urllib2.py', 429, 'open', None), (PYTHON + '/urllib2.py', 447, '_open', None),
              (PYTHON + '/urllib2.py', 407, '_call_chain', None), (PYTHON + '/urllib2.py', 1228, 'http_open', None)]
GET_RESPONSE = OPEN_FAILS + [(PYTHON + '/urllib2.py', 1201, 'do_open', None),
                             (PYTHON + '/httplib.py', 1161, 'getresponse', None),
                             (PYTHON + '/httplib.py', 448, 'begin', None)]
FROM_URL = [(FRAMEWORK + '/api/networkkit.py', 67, '_http_request',
             'req = self._core.networking.http_request(url, *args, **kwargs)'),
            (FRAMEWORK + '/components/networking.py', 352, 'http_request',
             'return HTTPRequest(self._core, url, data, h, url_cache, encoding, errors, timeout, immediate, sleep, '
             'opener, follow_redirects, method)'),
            (FRAMEWORK + '/components/networking.py', 119, '__init__', 'self.load()')]
SETATTR = (FRAMEWORK + '/modelling/attributes.py', 31, '__setattr__', 'self._attributes[name]._setcontent(value)')
MISMATCH = ("raise Framework.exceptions.AttributeTypeMismatch(\"Provided content of type '%s' is not of the required "
            "type '%s'.\" % (type(content).__name__, type(self)._type.__name__))")
RAISE_PARSE_ERROR = ('parser.pxi', 638, 'lxml.etree._raiseParseError (src/lxml/lxml.etree.c:102638)', None)
DEMJSON = [(FRAMEWORK + '/components/data.py', 180, 'from_string', 'return demjson.decode(jsonstring, encoding)'),
           (SHARED + '/demjson.py', 2135, 'decode', 'obj = j.decode( unitxt )'),
           (SHARED + '/demjson.py', 1706, 'decode',
            'r = self.decodeobj(txt, 0, only_object_or_array=not self._allow_any_type_at_start)')]

# (module of the simulator, function) -> the frames that the real thing has there: (path, line, function, source text)
FRAMES = {
    ('plugin', 'call_update'): [(FRAMEWORK + '/api/agentkit.py', 1093, '_update',
                                 'agent.update(obj, media, lang, **kwargs)')],
    ('plugin', 'call_search'): [(FRAMEWORK + '/api/agentkit.py', 1011, '_search', 'agent.search(*f_args, **f_kwargs)')],
    ('plugin', 'load_code'): [(FRAMEWORK + '/core.py', 563, 'load_code',
                               'self.init_code = self.loader.load(self.init_path, elevated, use_xpython = '
                               'Framework.constants.flags.use_xpython in self.sandbox.flags)')],
    ('plugin', 'run_code'): [(FRAMEWORK + '/core.py', 608, 'start', 'self.sandbox.execute(self.init_code)')],
    ('plugin', 'call_named'): [(FRAMEWORK + '/code/sandbox.py', 290, 'call_named_function',
                                'result = f(*args, **kwargs)')],
    ('plugin', 'resource_hashes'): [
        (FRAMEWORK + '/components/runtime.py', 1293, 'get_resource_hashes',
         'json = self._core.networking.http_request("http://127.0.0.1:32400/:/plugins/com.plexapp.system/'
         'resourceHashes", timeout=10).content')],
    ('sandbox', 'execute'): [(FRAMEWORK + '/code/sandbox.py', 256, 'execute', 'exec(code) in self.environment')],
    ('sandbox', 'load_module'): [(FRAMEWORK + '/code/sandbox.py', 333, '__import__', 'return mod.load_module(_name)'),
                                 (FRAMEWORK + '/code/sandbox.py', 44, 'load_module',
                                  'module = RestrictedModule(name, path, sandbox)')],
    ('sandbox', 'compile_module'): [(FRAMEWORK + '/code/loader.py', 20, '__init__', 'code = sandbox._core.loader.load('
                                     'filename, sandbox.policy.elevated_execution)')],
    ('sandbox', 'run_module'): [(FRAMEWORK + '/code/loader.py', 30, '__init__', 'exec(code) in self.__dict__')],
    ('shims', 'import_plain'): [(FRAMEWORK + '/code/sandbox.py', 345, '__import__', 'raise e')],
    ('sandbox', 'compile_restricted'): COMPILE,
    ('sandbox', 'getitem_'): [(FRAMEWORK + '/code/sandbox.py', 108, '<lambda>',
                               '_getitem_           = lambda x, y: x.__getitem__(y),')],
    ('sandbox', 'getiter_'): [(FRAMEWORK + '/code/sandbox.py', 107, '<lambda>',
                               '_getiter_           = lambda x: x.__iter__(),')],
    ('sandbox', 'apply_'): [(FRAMEWORK + '/code/sandbox.py', 19, '_apply', 'return apply(f, args, kwargs)')],
    ('sandbox', 'inplacevar_'): [(FRAMEWORK + '/code/sandbox.py', 24, '_inplacevar',
                                  'raise Framework.exceptions.FrameworkException("Operator \'%s\' is not supported" '
                                  '% op)')],
    ('api', 'content'): [(FRAMEWORK + '/components/networking.py', 243, 'content', 'return self.__str__()'),
                         (FRAMEWORK + '/components/networking.py', 221, '__str__', 'self.load()')],
    ('api', 'load'): [LOAD],
    ('api', 'immediately'): FROM_URL,
    ('api', 'raise_status'): [(PYTHON + '/urllib2.py', 435, 'open', None),
                              (PYTHON + '/urllib2.py', 548, 'http_response', None),
                              (PYTHON + '/urllib2.py', 473, 'error', None),
                              (PYTHON + '/urllib2.py', 407, '_call_chain', None),
                              (PYTHON + '/urllib2.py', 556, 'http_error_default', None)],
    ('api', 'raise_unreachable'): OPEN_FAILS + [(PYTHON + '/urllib2.py', 1198, 'do_open', None)],
    ('api', 'raise_timeout'): GET_RESPONSE + [(PYTHON + '/httplib.py', 404, '_read_status', None),
                                              (PYTHON + '/socket.py', 480, 'readline', None)],
    ('api', 'raise_dropped'): GET_RESPONSE + [(PYTHON + '/httplib.py', 412, '_read_status', None)],
    ('api', 'json_from_url'): [(FRAMEWORK + '/api/parsekit.py', 146, 'ObjectFromURL',
                                ').content, encoding, max_size=max_size)')],
    ('api', 'json_request'): [(FRAMEWORK + '/api/parsekit.py', 145, 'ObjectFromURL', 'method=method,')],
    ('api', 'json_from_string'): [(FRAMEWORK + '/api/parsekit.py', 97, 'ObjectFromString',
                                   'return self._core.data.json.from_string(string, encoding)')],
    ('api', 'demjson_object'): DEMJSON + [
        (SHARED + '/demjson.py', 1666, 'decodeobj', 'obj, i = self.decode_composite(txt, i, imax)'),
        (SHARED + '/demjson.py', 1632, 'decode_composite',
         "raise JSONDecodeError('object literal (dictionary) is not terminated',txt[starti:])")],
    ('api', 'demjson_value'): DEMJSON + [(SHARED + '/demjson.py', 1697, 'decodeobj',
                                          "raise JSONDecodeError('can not decode value',txt[i:])")],
    ('api', 'xml_from_url'): [(FRAMEWORK + '/api/parsekit.py', 345, 'ElementFromURL',
                               ').content, encoding=encoding, max_size=max_size)')],
    ('api', 'xml_request'): [(FRAMEWORK + '/api/parsekit.py', 344, 'ElementFromURL', 'method=method,')],
    ('api', 'xml_from_string'): [
        (FRAMEWORK + '/api/parsekit.py', 301, 'ElementFromString',
         'return self._core.data.xml.from_string(string, encoding = encoding)'),
        (FRAMEWORK + '/components/data.py', 162, 'from_string',
         'return etree.fromstring(markup, parser=(xml_parser if remove_blank_text else None))')],
    ('markup', 'xml_element'): [('lxml.etree.pyx', 3092, 'lxml.etree.fromstring (src/lxml/lxml.etree.c:70473)', None),
                                RAISE_PARSE_ERROR],
    ('api', 'html_request'): [(FRAMEWORK + '/api/parsekit.py', 482, 'ElementFromURL', 'method=method,')],
    ('api', 'lxml_fromstring'): [(FRAMEWORK + '/components/data.py', 157, 'from_string',
                                  'return html.fromstring(markup, parser=html_parser)')],
    ('markup', 'html_element'): [RAISE_PARSE_ERROR],
    ('api', 'parse_date'): [
        (FRAMEWORK + '/api/utilkit.py', 421, 'ParseDate', 'result = dateutil.parser.parse(date)'),
        (SHARED + '/dateutil/parser.py', 700, 'parse', 'return DEFAULTPARSER.parse(timestr, **kwargs)'),
        (SHARED + '/dateutil/parser.py', 302, 'parse', 'raise ValueError, "unknown string format"')],
    ('api', 'preference'): [(FRAMEWORK + '/api/runtimekit.py', 432, '__getitem__',
                             'return self._sandbox.preferences.get()[name]'),
                            (FRAMEWORK + '/code/preferences.py', 332, '__getitem__',
                             'raise KeyError("No preference named \'%s\' found." % name)')],
    ('models', 'missing_attribute'): [(FRAMEWORK + '/modelling/attributes.py', 17, '__getattribute__',
                                       'return object.__getattribute__(self, name)')],
    ('models', 'unknown_attribute'): [
        (FRAMEWORK + '/modelling/attributes.py', 37, '__setattr__',
         'raise AttributeError("\'%s\' object has no attribute named \'%s\'" % (type(self).__name__, name))')],
    ('models', 'set_value'): [SETATTR, (FRAMEWORK + '/modelling/attributes.py', 120, '_setcontent', MISMATCH)],
    ('models', 'set_set'): [SETATTR, (FRAMEWORK + '/modelling/attributes.py', 691, '_setcontent',
                                      'ContainerObject._setcontent(self, content)')],
    ('models', 'set_container'): [
        (FRAMEWORK + '/modelling/attributes.py', 247, '_setcontent', 'raise Framework.exceptions.'
                  'FrameworkException("Container-type attributes can\'t be assigned directly.")')],
    ('models', 'set_map'): [SETATTR],
    ('models', '__setitem__'): [
        (FRAMEWORK + '/modelling/attributes.py', 577, '__setitem__', 'raise Framework.exceptions.FrameworkException('
         '"Incorrect value type (%s): Must be a Proxy object." % type(value))')],
    ('plugin', 'run_thread'): [(FRAMEWORK + '/components/runtime.py', 1126, '_start_thread', 'f(*args, **kwargs)')],
    ('plugin', 'run_task'): [(FRAMEWORK + '/components/runtime.py', 295, '_run', 'self._func(*self._args, '
                              '**self._kwargs)')],
}
# frames of the standard library in Python 2.7; others of the running interpreter's are left out
LIBRARY = {('_strptime.py', '_strptime'): 332, ('re.py', 'search'): 146, ('re.py', 'match'): 141, ('re.py', 'sub'): 155,
           ('re.py', 'findall'): 181, ('__init__.py', 'search'): 146, ('__init__.py', 'match'): 141,
           ('__init__.py', 'sub'): 155}
INLINED = ('<listcomp>', '<setcomp>', '<dictcomp>')     # no frame of their own in Python 2


def raw_line(path, number):
    """The line as it stands on disk now (also where older code runs), '' where there is none."""
    try:
        with io.open(path, encoding='utf-8', errors='replace') as source:
            for index, line in enumerate(source, 1):
                if index == number:
                    return line.rstrip('\n')
    except (IOError, OSError):
        pass
    return ''


def source_line(path, number):
    """The text of a frame, None where there is nothing to show."""
    return raw_line(path, number).strip() or None


def to_text(path):
    return path.decode('utf-8') if isinstance(path, bytes) else path


def own_frame(code):
    """(module, function) of a frame of the simulator, None for other code."""
    path = to_text(code.co_filename)
    if os.path.dirname(os.path.abspath(path)) != HERE:
        return None
    return os.path.splitext(os.path.basename(path))[0], to_text(code.co_name)


def frames_of(trace, sandbox):
    """[(path, line, function, source text or None)] of a traceback, outermost first."""
    frames = []
    while trace is not None:
        code, line = trace.tb_frame.f_code, trace.tb_lineno
        trace = trace.tb_next
        own = own_frame(code)
        if own:
            frames.extend(FRAMES.get(own, ()))
            continue
        path, name = to_text(code.co_filename), to_text(code.co_name)
        if '.bundle/Contents/' not in path:
            number = LIBRARY.get((os.path.basename(path), name))
            if number:
                frames.append((PYTHON + '/' + ('re.py' if path.endswith('__init__.py') else os.path.basename(path)),
                               number, name, None))
            continue
        if path in sandbox.lines:
            if name in INLINED:
                continue
            if name in ('<lambda>', '<genexpr>'):
                name = '<lambda.%d>' % (line % 89 + 1)
            line = sandbox.reported_line(path, line)
        frames.append((path, line, name, source_line(path, line)))
    return frames


def format_exception(problem, trace, sandbox):
    """The lines after '(most recent call last):', and an empty one, as the framework's log has them."""
    from .sandbox import Refused
    frames = frames_of(trace, sandbox)
    lines = []
    if isinstance(problem, SyntaxError) and frames and frames[-1][2] == 'compile':
        frames += REFUSE if isinstance(problem, Refused) else PARSE
    for path, line, function, text in frames:
        lines.append('  File "%s", line %d, in %s' % (path, line, function))
        if text:
            lines.append('    ' + text)
    if isinstance(problem, SyntaxError) and not isinstance(problem, Refused) and problem.lineno:
        return '\n'.join(lines + syntax_lines(problem)) + '\n'
    in_function = not frames or frames[-1][2] != '<module>'
    return '\n'.join(lines + [wording.last_line(problem, in_function)]) + '\n'


def syntax_lines(problem):
    """Place, line, caret and words of a fault of the language, as Python 2.7 shows them."""
    path = to_text(problem.filename)
    raw = raw_line(path, problem.lineno)
    before = len(raw[:problem.offset or 0].lstrip())
    words = problem.msg.partition(' after ')[0] if isinstance(problem, IndentationError) else 'invalid syntax'
    return ['  File "%s", line %d' % (path, problem.lineno), '    ' + raw.strip(), '   ' + ' ' * before + '^',
            '%s: %s' % (type(problem).__name__, words)]


def current_problem(sandbox):
    """format_exception of the exception being handled."""
    _kind, problem, trace = sys.exc_info()
    return format_exception(problem, trace, sandbox)


def caller_of_api(sandbox):
    """(module, line) of the agent's code that calls a function of the API, as (module:line) shows it in a record."""
    frame = sys._getframe(1)
    while frame is not None:
        own = own_frame(frame.f_code)
        if own == ('sandbox', 'apply_'):
            return 'sandbox', 19
        path = to_text(frame.f_code.co_filename)
        if own is None and '.bundle/Contents/' in path:
            return os.path.splitext(os.path.basename(path))[0], sandbox.reported_line(path, frame.f_lineno)
        frame = frame.f_back
    return 'core', 574


def stack_text(sandbox):
    """What Log.Stack writes: the frames of the agent's code that are being run."""
    frames, frame = [], sys._getframe(1)
    while frame is not None:
        path = to_text(frame.f_code.co_filename)
        if '.bundle/Contents/' in path and own_frame(frame.f_code) is None:
            line = sandbox.reported_line(path, frame.f_lineno)
            frames.insert(0, '  File "%s", line %d, in %s' % (path, line, to_text(frame.f_code.co_name)))
            text = source_line(path, line)
            if text:
                frames.insert(1, '    ' + text)
        frame = frame.f_back
    return '\n'.join(frames) + '\n'


def text_of(value):
    """Text of whatever an agent logs; UnicodeDecodeError for bytes that are not UTF-8, as in the framework."""
    if isinstance(value, bytes):
        return value.decode('utf-8')
    return value if isinstance(value, six.text_type) else six.text_type(value)
