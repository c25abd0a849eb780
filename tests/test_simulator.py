# -*- coding: utf-8 -*-
"""The simulated Plex does what PLEX.md and FRAMEWORK.md say the real one does: server, plug-ins, sandbox, logs.

The expected lines were held against the real framework (its log of the same bundles, record by record).
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import ast
import base64
import io
import json
import os
import random
import re
import textwrap
import time

import pytest
import six
from six.moves.urllib.error import HTTPError
from six.moves.urllib.request import ProxyHandler, Request, build_opener

from plex_simulator import start_simulator
from plex_simulator.markup import html_element, xml_element
from plex_simulator.plugin import RUNNING
from plex_simulator.records import Clock, cereal, payload
from plex_simulator.sandbox import Refused, StatementLines, compile_restricted
from plex_simulator.scenarios import Scenario, Site
from plex_simulator.server import Item, PlexServer
from plex_simulator.upstream import Upstream

AGENT = 'com.plexapp.agents.lab'
RECORD = re.compile(r'^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \((-?[0-9a-f]+)\) :  '
                    r'(DEBUG|INFO|WARNING|ERROR|CRITICAL) \(([^():]*):(\d+)\) - (.*)$')
SERVER_RECORD = re.compile(r'^[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d:\d\d\.\d{3} \[\d+\] '
                           r'(ERROR|WARN|INFO|DEBUG|VERBOSE) - ')
FRAME = re.compile(r'^  File "(.+)", line (\d+), in (.+)$')
PLIST = ('<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>%s'
         '</string><key>PlexPluginCodePolicy</key><string>%s</string></dict></plist>\n')
ENTRY = '''\
# -*- coding: utf-8 -*-
import re
%s

class LabAgent(Agent.Movies):
    name = 'Lab'
    languages = ['en']

    def search(self, results, media, lang, manual=False):
        results.Append(MetadataSearchResult(id='9', name=media.name, year=media.year, score=90, lang=lang))

    def update(self, metadata, media, lang, force=False):
        metadata.title = 'Set before'
        fault(metadata, media)
        metadata.tagline = 'Set after'
'''


class Pages(Site):
    """{path: (status, content type, body)}"""

    def __init__(self, pages):
        Site.__init__(self, 'lab.example')
        self.pages = pages

    def page(self, path, query):
        return self.pages.get(path)


class Lab(object):
    """A server in this process with one bundle of ours, 'Lab', and three films."""

    def __init__(self, folder, code, pages=(), policy='Elevated', modules=(), whole=False):
        self.home = os.path.join(str(folder), 'Plex Media Server')
        self.bundle = os.path.join(self.home, 'Plug-ins', 'Lab.bundle')
        self.write('__init__.py', code if whole else ENTRY % textwrap.dedent(code))
        for name, text in dict(modules).items():
            self.write(name, textwrap.dedent(text))
        with io.open(os.path.join(self.bundle, 'Contents', 'Info.plist'), 'w', encoding='utf-8') as plist:
            plist.write(PLIST % (AGENT, policy))
        os.makedirs(os.path.join(self.home, 'Plug-in Support', 'Preferences'))
        scenario = Scenario(7)
        scenario.section('movie', 'Films', 'Lab', AGENT)
        scenario.items = [Item(number, 'movie', '1', 'Film %d' % number, '%s://%d?lang=en' % (AGENT, number), 1999,
                               '/data/%d.mkv' % number) for number in (11, 13, 17, 19, 23)]
        self.upstream = Upstream({'lab.example': Pages(dict(pages))})
        self.server = PlexServer(self.home, scenario, Clock(), self.upstream, 7)
        self.server.start()

    def write(self, name, text):
        path = os.path.join(self.bundle, 'Contents', 'Code', name)
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        with io.open(path, 'wb') as target:
            target.write(text.encode('utf-8'))

    @property
    def plugin(self):
        return self.server.plugins[AGENT]

    def refresh(self, *keys):
        for key in keys or (11,):
            self.server.request_refresh(self.server.items[key])
        self.server.wait_until_idle()

    def log(self, name=AGENT, end=''):
        with io.open(os.path.join(self.home, 'Logs', 'PMS Plugin Logs', name + '.log' + end), encoding='utf-8') as log:
            return log.read()

    def records(self, name=AGENT):
        """[(level, place, whole message)]"""
        found = []
        for line in self.log(name).split('\n'):
            head = RECORD.match(line)
            if head:
                found.append([head.group(3), '%s:%s' % (head.group(4), head.group(5)), head.group(6)])
            elif found:
                found[-1][2] += '\n' + line
        return [tuple(record) for record in found]

    def fault(self):
        """(message of the record, frames [(file, function)], last line) of the one fault in an update."""
        found = [text for _level, place, text in self.records() if place == 'agentkit:1095']
        assert len(found) == 1, self.log()[-3000:]
        lines = found[0].rstrip('\n').split('\n')
        frames = [(match.group(1).rpartition('/')[2], match.group(3)) for match in map(FRAME.match, lines) if match]
        return lines[0], frames, lines[-1]

    def close(self):
        self.server.close()
        self.upstream.close()


@pytest.fixture
def lab(tmpdir):
    opened = []

    def make(code, **how):
        opened.append(Lab(tmpdir.join('lab %d' % len(opened)), code, **how))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


# ------------------------------------------------------------------------------------------------ faults in the sandbox
# What the code raises in the sandbox, in the words of Python 2.7: code, function of the last frame, last line.
# The real framework's tracebacks of these are the same, frame by frame.
FAULTS = [
    ("return None['a']", '<lambda>', "AttributeError: 'NoneType' object has no attribute '__getitem__'"),
    ("return None[0:2]", '<lambda>', "AttributeError: 'NoneType' object has no attribute '__getitem__'"),
    ("return (5)[0]", '<lambda>', "AttributeError: 'int' object has no attribute '__getitem__'"),
    ("for x in None: pass", '<lambda>', "AttributeError: 'NoneType' object has no attribute '__iter__'"),
    ("a, b = None", '<lambda>', "AttributeError: 'NoneType' object has no attribute '__iter__'"),
    ("return [x for x in None]", '<lambda>', "AttributeError: 'NoneType' object has no attribute '__iter__'"),
    ("for a, b in [(1, 2), None]: pass", '<lambda>', "AttributeError: 'NoneType' object has no attribute '__iter__'"),
    ("for c in 'abc': pass", '<lambda>', "AttributeError: 'str' object has no attribute '__iter__'"),
    ("a, b = 'ab'", '<lambda>', "AttributeError: 'str' object has no attribute '__iter__'"),
    ("None['a'] = 1", 'fault', "TypeError: 'NoneType' object does not support item assignment"),
    ("return None()", 'fault', "TypeError: 'NoneType' object is not callable"),
    ("return [][0]", '<lambda>', "IndexError: list index out of range"),
    ("return (1, 2)[5]", '<lambda>', "IndexError: tuple index out of range"),
    ("return 'abc'['a']", '<lambda>', "TypeError: string indices must be integers, not str"),
    ("return [1]['a']", '<lambda>', "TypeError: list indices must be integers, not str"),
    ("return {}['a']", '<lambda>', "KeyError: 'a'"),
    ("return {}[u'a\\xe9']", '<lambda>', "KeyError: u'a\\xe9'"),
    ("return None.strip()", 'fault', "AttributeError: 'NoneType' object has no attribute 'strip'"),
    ("return int(None)", 'fault', "TypeError: int() argument must be a string or a number, not 'NoneType'"),
    ("return int('x1')", 'fault', "ValueError: invalid literal for int() with base 10: 'x1'"),
    ("return float(None)", 'fault', "TypeError: float() argument must be a string or a number"),
    ("return float('abc')", 'fault', "ValueError: could not convert string to float: abc"),
    ("if metadata is None:\n        q = 1\n    return q", 'fault',
     "UnboundLocalError: local variable 'q' referenced before assignment"),
    ("return nothing_of_the_kind", 'fault', "NameError: global name 'nothing_of_the_kind' is not defined"),
    ("return any([1])", 'fault', "NameError: global name 'any' is not defined"),
    ("return sum([1])", 'fault', "NameError: global name 'sum' is not defined"),
    ("return open('x')", 'fault', "NameError: global name 'open' is not defined"),
    ("n = 1\n    n -= 1", '_inplacevar', "FrameworkException: Operator '-=' is not supported"),
    ("return 'a' + None", 'fault', "TypeError: cannot concatenate 'str' and 'NoneType' objects"),
    ("return ' '.join([1])", 'fault', "TypeError: sequence item 0: expected string, int found"),
    ("a, b = [1, 2, 3]", 'fault', "ValueError: too many values to unpack"),
    ("a, b = [1]", 'fault', "ValueError: need more than 1 value to unpack"),
    ("return max([])", 'fault', "ValueError: max() arg is an empty sequence"),
    ("return 1 / 0", 'fault', "ZeroDivisionError: integer division or modulo by zero"),
    ("return re.search('a', None)", 'search', "TypeError: expected string or buffer"),
    ("return '%d' % 'x'", 'fault', "TypeError: %d format: a number is required, not str"),
    ("return u'caf\\xe9'.encode('ascii')", 'fault',
     "UnicodeEncodeError: 'ascii' codec can't encode character u'\\xe9' in position 3: ordinal not in range(128)"),
    ("import nosuchmodule", '__import__', "ImportError: No module named nosuchmodule"),
    ("assert False", 'fault', "AssertionError"),
    ("raise KeyError", 'fault', "KeyError"),
    ("Log.Warning('x')", 'fault', "AttributeError: 'LogKit' object has no attribute 'Warning'"),
    ("metadata.year = '2001'", '_setcontent',
     "AttributeTypeMismatch: (2101, \"Provided content of type 'str' is not of the required type 'int'.\")"),
    ("metadata.rating = 5", '_setcontent', "AttributeTypeMismatch: (2101, \"Provided content of type 'int' is not of "
                                           "the required type 'float'.\")"),
    ("metadata.posters['x'] = 'abc'", '__setitem__',
     "FrameworkException: Incorrect value type (<type 'str'>): Must be a Proxy object."),
    ("metadata.genres = None", '_setcontent',
     "FrameworkException: Container-type attributes can't be assigned directly."),
    ("return metadata.nothing", '__getattribute__', "AttributeError: 'Movie' object has no attribute 'nothing'"),
    ("metadata.nothing = 1", '__setattr__', "AttributeError: 'Movie' object has no attribute named 'nothing'"),
    ("return Datetime.ParseDate('notadate')", 'parse', "ValueError: unknown string format"),
    ("return Prefs['x']", '__getitem__', "KeyError: \"No preference named 'x' found.\""),
    ("return HTTP.Request('http://lab.example/gone').content", 'http_error_default',
     "HTTPError: HTTP Error 404: Not Found"),
    ("return JSON.ObjectFromURL('http://nohost.example/')", 'do_open',
     "URLError: <urlopen error [Errno -2] Name or service not known>"),
    ("return JSON.ObjectFromURL('http://lab.example/half')", 'decode_composite',
     "JSONDecodeError: ('object literal (dictionary) is not terminated', u'{\"a\": 1, \"title\": \"T\"')"),
    ("return JSON.ObjectFromURL('http://lab.example/page')", 'decodeobj',
     "JSONDecodeError: ('can not decode value', u'<html>no</html>')"),
    ("return HTML.ElementFromURL('http://lab.example/page').xpath('//h2')[0]", '<lambda>',
     "IndexError: list index out of range"),
]
PAGES = {'/half': (200, 'application/json', b'{"a": 1, "title": "T"'), '/page': (200, 'text/html', b'<html>no</html>')}


@pytest.fixture(scope='module')
def faults_lab(tmpdir_factory):
    """One start of one bundle with all the faults, one film for each."""
    functions = ''.join('def fault_%d(metadata):\n    %s\n\n' % (number, code)
                        for number, (code, _function, _line) in enumerate(FAULTS))
    table = 'FAULTS = {%s}\n' % ', '.join("'%d': fault_%d" % (number, number) for number in range(len(FAULTS)))
    one = Lab(tmpdir_factory.mktemp('faults'), functions + table + 'def fault(metadata, media):\n'
              '    FAULTS[metadata.id](metadata)\n', PAGES)
    one.server.items.clear()
    for number in range(len(FAULTS)):
        one.server.items[number] = Item(number, 'movie', '1', 'Film', '%s://%d?lang=en' % (AGENT, number))
    one.refresh(*range(len(FAULTS)))
    by_guid = {}
    for _level, place, text in one.records():
        if place == 'agentkit:1095':
            by_guid[int(re.search(r'://(\d+)\?', text).group(1))] = text.rstrip('\n').split('\n')
    yield by_guid
    one.close()


@pytest.mark.parametrize('number', range(len(FAULTS)))
def test_a_fault_is_logged_as_the_framework_logs_it(faults_lab, number):
    _code, function, last = FAULTS[number]
    lines = faults_lab[number]
    assert lines[0] == ("Exception in the update function of agent named 'Lab', called with guid '%s://%d?lang=en' "
                        "(most recent call last):" % (AGENT, number))
    frames = [FRAME.match(line) for line in lines if FRAME.match(line)]
    assert frames[0].group(1).endswith('/agentkit.py') and frames[0].group(3) == '_update'
    assert frames[-1].group(3) == ('fault_%d' % number if function == 'fault' else function)
    assert lines[-1] == last


# -------------------------------------------------------------------------------------------------- the sandbox's rules
REFUSALS = [
    ("d['a'] += 1", 'Line 1: Augmented assignment of object items and slices is not allowed.'),
    ("x = 5\nd.a += 1", 'Line 2: Augmented assignment of attributes is not allowed.'),
    ("_x = 1", 'Line 1: "_x" is an invalid variable name because it starts with "_"'),
    ("def f(_a): pass", 'Line 1: "_a" is an invalid variable name because it starts with "_"'),
    ("def _f(): pass", 'Line 1: "_f" is an invalid variable name because it starts with "_"'),
    ("class _C(object): pass", 'Line 1: "_C" is an invalid variable name because it starts with "_"'),
    ("import re as _r", 'Line 1: "_r" is an invalid variable name because it starts with "_"'),
    ("x = a.__class__", 'Line 1: "__class__" is an invalid attribute name because it starts with "_".'),
    ("printed = 1", 'Line 1: "printed" is a reserved name.'),
    ("def f():\n    yield 1", 'Line 2: Yield statements are not allowed.'),
]


@pytest.mark.parametrize('source, sentence', REFUSALS)
def test_what_the_sandbox_refuses_has_a_line_and_no_file(source, sentence):
    with pytest.raises(Refused) as refusal:
        compile_restricted(source.encode('utf-8'), 'x.py', True)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize('source', ['_ = 1', 'x = [a for a in b]', 'n = 1\nn += 1', 'a.__init__(1)',
                                    'x = list(a for a in b)', 'try:\n    pass\nexcept Exception as e:\n    raise',
                                    'f(*a, **k)', 'x = "caf\u00e9"'])
def test_what_the_sandbox_accepts(source):
    compile_restricted(source.encode('utf-8'), 'x.py', False)


@pytest.mark.parametrize('source', ['x: int = 5', 'def f(a, *, b): pass', 'def f():\n    nonlocal x', 'a, *b = c',
                                    'if x', 'def f() -> int: pass', 'x = f"{y}"', 'raise a from b'])
def test_what_python_2_could_not_read_is_a_syntax_error(source):
    with pytest.raises(SyntaxError) as refusal:
        compile_restricted(source.encode('utf-8'), 'x.py', True)
    assert not isinstance(refusal.value, Refused)


def test_the_long_list_of_names_is_for_modules_of_elevated_bundles_only(lab):
    code = 'def name_of(x):\n    return type(x).__name__\n'
    entry, modules = 'import names\ndef fault(m, media): Log(names.name_of(5))', {'names.py': code}
    assert lab(entry, modules=modules).plugin.state == RUNNING
    assert lab(code + 'def fault(m, media): pass').plugin.state == 'failed'
    assert lab(entry, modules=modules, policy='Standard').plugin.state == 'failed'


@pytest.mark.parametrize('name', ['getattr', 'hasattr', 'type', 'super', 'dir'])
def test_the_standard_policy_lacks_names(lab, name):
    one = lab('def fault(m, media): %s' % name, policy='Standard')
    one.refresh()
    assert one.fault()[2] == "NameError: global name '%s' is not defined" % name


def test_modules_share_the_names_that_stood_before_their_import(lab):
    one = lab('BEFORE = 5\nimport part\nAFTER = 7\nimport re\ndef fault(m, media):\n    '
              'Log("%s" % part.look())\n    part.late()',
              modules={'part.py': 'def look(): return BEFORE\ndef late(): return AFTER\n'})
    one.refresh()
    assert '(__init__:8) - 5' in one.log()
    assert one.fault()[1:] == ([('agentkit.py', '_update'), ('__init__.py', 'update'), ('__init__.py', 'fault'),
                                ('part.py', 'late')], "NameError: global name 'AFTER' is not defined")


def test_a_module_of_the_bundle_wins_over_the_standard_library(lab):
    one = lab('import json\ndef fault(m, media): Log(json.WHOSE)', modules={'json.py': 'WHOSE = "ours"\n'})
    one.refresh()
    assert ' - ours\n' in one.log()


def test_a_failed_import_is_silent_the_second_time(lab):
    one = lab('try:\n    import part\nexcept NameError:\n    Log("failed")\nimport part\ndef fault(m, media): part.x',
              modules={'part.py': 'x = nothing\n'})
    one.refresh()
    assert one.fault()[2] == "AttributeError: 'NoneType' object has no attribute 'x'"


# ----------------------------------------------------------------------------------------------------- starts that fail
LOAD_FAILURES = [
    ('def f()\n    pass\n', {}, 'Exception while loading code', 'niceParse', 'SyntaxError: invalid syntax'),
    ("def f(d):\n    d['a'] += 1\n", {}, 'Exception while loading code', '_get_tree',
     'SyntaxError: Line 2: Augmented assignment of object items and slices is not allowed.'),
    ('import part\n', {'part.py': 'x = a._b\n'}, 'Exception starting plug-in', '_get_tree',
     'SyntaxError: Line 1: "_b" is an invalid attribute name because it starts with "_".'),
    ('import nosuchthing\n', {}, 'Exception starting plug-in', '__import__',
     'ImportError: No module named nosuchthing'),
    ('nothing()\n', {}, 'Exception starting plug-in', '<module>', "NameError: name 'nothing' is not defined"),
]


@pytest.mark.parametrize('code, modules, wrapper, function, last', LOAD_FAILURES)
def test_a_start_that_fails(lab, code, modules, wrapper, function, last):
    one = lab(code, modules=modules, whole=True)
    level, place, text = [record for record in one.records() if record[2].startswith(wrapper)][0]
    lines = text.rstrip('\n').split('\n')
    assert (level, place) == ('CRITICAL', 'core:569' if 'loading' in wrapper else 'core:615')
    assert lines[0] == wrapper + ' (most recent call last):' and lines[-1] == last
    assert [FRAME.match(line).group(3) for line in lines if FRAME.match(line)][-1] == function
    assert one.plugin.state == 'failed' and 'Started plug-in' not in one.log()
    one.refresh()                               # the server goes on, the item keeps what it had
    assert 'success=0' in one.log('com.plexapp.system') and one.server.items[11].fields == {'title': 'Film 11'}


def test_a_language_error_shows_file_line_and_caret(lab):
    one = lab('x = 1\ndef f()\n    pass\n', whole=True)
    shown = one.log().split('\n')
    place = [number for number, line in enumerate(shown) if line.endswith('Code/__init__.py", line 2')][0]
    assert shown[place + 1:place + 4] == ['    def f()', '          ^', 'SyntaxError: invalid syntax']


# ------------------------------------------------------------------------------------------------------------ refreshes
def test_half_filled_metadata_is_written_and_the_refresh_is_a_success(lab):
    one = lab("def fault(m, media): {}['x']")
    one.refresh()
    places = [place for _level, place, _text in one.records()]
    assert places[-3:] == ['agentkit:1095', 'model:229', 'runtime:924']
    fields = one.server.items[11].fields
    assert fields['title'] == 'Set before' and 'tagline' not in fields
    system = one.log('com.plexapp.system')
    assert 'Metadata preparation for %s://11?lang=en complete' % AGENT in system and '&id=11&success=1&' in system
    assert 'KeyError' not in system
    with io.open(os.path.join(one.home, 'Logs', 'Plex Media Server.log'), encoding='utf-8') as log:
        lines = log.read().splitlines()
    assert lines[-1].endswith(' DEBUG - Done with metadata update for 11')
    assert all(SERVER_RECORD.match(line) for line in lines)


def test_at_most_three_updates_run_at_a_time(lab):
    one = lab("def fault(m, media): HTTP.Request('http://lab.example/page').content", pages=PAGES)
    one.upstream.delay = .1
    one.refresh(11, 13, 17, 19, 23)
    assert one.server.most_at_once == 3
    assert sorted(one.server.refreshes.items()) == [(key, 1) for key in (11, 13, 17, 19, 23)]


def test_an_item_in_work_is_not_taken_twice(lab):
    one = lab("def fault(m, media): HTTP.Request('http://lab.example/page').content", pages=PAGES)
    one.upstream.delay = .2
    one.refresh(11, 11, 11)
    assert one.server.refreshes[11] == 1
    assert one.log('com.plexapp.system').count('Not adding %s://11?lang=en to the update list because it already exists'
                                               % AGENT) == 2


def test_the_lines_of_a_refresh_in_the_system_log(lab):
    one = lab('def fault(m, media): pass')
    one.refresh()
    text = one.log('com.plexapp.system')
    marks = ['Handling request GET /system/agents/update?mediaType=1&force=1', 'Adding com',
             'Response: [200] InitiateUpdate', 'Acquiring GUID mutex for', 'Acquired GUID mutex',
             'Preparing metadata for Movie in', ':/metadata/processing?id=11', 'X0FnZW50S2l0OlVwZGF0ZU1ldGFkYXRh',
             'complete', 'notifying the media server', '/:/metadata/notify?guid=',
             'Removing com', 'Releasing GUID mutex', "We're done with the mutex"]
    places = [text.index(mark) for mark in marks]
    waits = places.pop(2)                       # the answer and the work are on different threads
    assert places == sorted(places) and waits > places[1]


def test_code_is_picked_up_at_a_restart_only_but_shown_from_disk(lab):
    one = lab("def fault(m, media):\n    return {}['boom']\n")
    one.write('__init__.py', ENTRY % "def fault(m, media):\n    pass  # repaired\n")
    one.refresh()
    lines = one.log().split('\n')
    assert '    pass  # repaired' in lines and "KeyError: 'boom'" in lines
    one.server.restart(one.plugin)
    assert "KeyError: 'boom'" in one.log(end='.1') and 'KeyError' not in one.log()
    one.refresh()
    assert 'KeyError' not in one.log() and one.server.items[11].fields['tagline'] == 'Set after'


def test_a_touched_plist_restarts_the_plug_in(lab):
    one = lab('def fault(m, media): pass')
    one.server.in_background(one.server.watch)
    time.sleep(.3)
    os.utime(one.plugin.plist_path, (time.time() - 99, time.time() - 99))
    end = time.time() + 5
    while one.plugin.starts < 2 and time.time() < end:
        time.sleep(.05)
    assert one.plugin.starts == 2
    assert one.log(end='.1').endswith('INFO (pipeinterface:87) - Stopping plug-in\n')


def test_what_hangs_blocks_neither_the_server_nor_the_others(lab):
    one = lab("def fault(m, media):\n    if m.id == '11': HTTP.Request('http://lab.example/hang').content\n",
              pages={'/hang': (200, 'text/html', b'x')})
    one.upstream.hanging.add('/hang')
    one.server.request_refresh(one.server.items[11])
    for key in (13, 17, 19):
        one.server.request_refresh(one.server.items[key])
    end = time.time() + 5
    while len(one.server.refreshes) < 4 or len(one.server.working) > 1 and time.time() < end:
        time.sleep(.02)
    assert [item.rating_key for item in one.server.working] == [11]
    assert one.server.items[19].fields['tagline'] == 'Set after'
    one.server.restart(one.plugin)              # the hung call ends with the process that served it
    one.server.wait_until_idle()
    assert 'Exception in update for %s://11?lang=en' % AGENT in one.log('com.plexapp.system')
    assert one.server.items[11].fields == {'title': 'Film 11'}
    one.upstream.hanging.clear()
    one.refresh(11)
    assert one.server.items[11].fields['tagline'] == 'Set after'


def test_a_fault_in_a_search_carries_the_rating_key(lab):
    one = lab('def fault(m, media): pass', whole=False)
    one.write('__init__.py', ENTRY.replace('results.Append', "media['name']\n        results.Append") % '')
    one.server.restart(one.plugin)
    item = one.server.items[13]
    assert one.server.find_matches(item)[1] == []
    _level, _place, text = [record for record in one.records() if record[1] == 'agentkit:1018'][0]
    assert text.startswith("Exception in the search function of agent named 'Lab', called with keyword arguments "
                           "{'id': '13', 'name': 'Film 13', 'year': '1999', ")
    assert item.refreshed_at is None and item.fields == {'title': 'Film 13'}


UPSTREAM_FAULTS = [({'kind': 'status', 'status': 403}, 'HTTPError: HTTP Error 403: Forbidden', 1),
                   ({'kind': 'drop'}, "BadStatusLine: ''", 0),
                   ({'kind': 'slow', 'seconds': .5}, 'timeout: timed out', 0)]


@pytest.mark.parametrize('mode, last, said', UPSTREAM_FAULTS)
def test_the_net_can_misbehave(lab, mode, last, said):
    one = lab("def fault(m, media): HTTP.Request('http://lab.example/page', timeout=.2).content", pages=PAGES)
    one.upstream.modes['lab.example'] = dict(mode, until=time.time() + 60)
    one.refresh()
    assert one.fault()[2] == last
    assert one.log().count("ERROR (networking:197) - Error opening URL 'http://lab.example/page'") == said
    one.upstream.modes['lab.example']['until'] = 0
    one.refresh()
    assert one.log().count(last) == 1 and one.server.items[11].fields['tagline'] == 'Set after'


def test_pages_are_cached_over_restarts_pictures_are_not(lab):
    code = ("def fault(m, media):\n    HTTP.CacheTime = CACHE_1HOUR\n    "
            "HTTP.Request('http://lab.example/page').content\n    HTTP.Request('http://lab.example/p.jpg').content\n")
    one = lab(code, pages=PAGES)
    one.refresh()
    one.server.restart(one.plugin)
    one.refresh()
    assert "Fetching 'http://lab.example/page' from the HTTP cache" in one.log()
    assert "(networking:176) - Not caching 'http://lab.example/p.jpg' (content type 'image/jpeg' not " in one.log()


def test_threads_and_tasks_that_fail_do_not_end_the_call(lab):
    one = lab('def bad(): [][3]\ndef fault(m, media):\n    Thread.Create(bad).join()\n    @parallelize\n    '
              'def all_of_it():\n        @task\n        def one():\n            {}["k"]\n')
    one.refresh()
    heads = [text.split('\n')[0] for level, _place, text in one.records() if level == 'CRITICAL']
    assert "Exception in thread named 'bad' (most recent call last):" in heads
    assert 'Exception in task thread (most recent call last):' in heads
    assert one.server.items[11].fields['tagline'] == 'Set after'


# ---------------------------------------------------------------------------------------------------------- the records
def test_every_line_of_a_plug_in_log_is_a_head_or_belongs_to_a_record(lab):
    one = lab("def fault(m, media): Log(u'caf\\xe9 %s', 5); return {}['x']")
    one.refresh(11, 13)
    records = one.records()
    assert one.log().startswith(re.match(r'[^\n]*Starting framework core - Version: 2.6.3', one.log()).group(0))
    assert 'caf\u00e9 5' in [text for _level, _place, text in records]
    assert 'Traceback' not in one.log()
    for _level, _place, text in records:
        if '(most recent call last):' in text:
            assert text.endswith('\n') and not text.endswith('\n\n')    # one empty line after a traceback
    assert records[-1][2] == 'Response: [200] str, 16 bytes\n'


def test_the_noise_of_a_start_is_there(lab):
    text = lab('def fault(m, media): pass').log()
    assert "CRITICAL (sandbox:298) - Function named 'Start' couldn't be found in the current environment" in text
    assert 'CRITICAL (runtime:1299) - Exception getting hosted resource hashes (most recent call last):' in text
    assert 'Started plug-in' in text and text.index('Started plug-in') < text.index('Entering run loop')


def test_a_log_rolls_over_by_size_without_splitting_a_record(tmpdir):
    from plex_simulator.records import AgentLog
    log = AgentLog(str(tmpdir.join('x.log')), Clock(), limit=1000)
    for number in range(61):
        log.write('INFO', ('m', 1), 'number %d\nand a second line' % number)
    log.close()
    names = ['x.log.5', 'x.log.4', 'x.log.3', 'x.log.2', 'x.log.1', 'x.log']
    assert sorted(os.path.basename(str(path)) for path in tmpdir.listdir()) == sorted(names)
    found = []
    for name in names:
        text = tmpdir.join(name).read_binary().decode('utf-8')
        assert len(text) <= 1000 and RECORD.match(text.split('\n')[0]) and text.endswith('and a second line\n')
        found += [int(number) for number in re.findall(r'number (\d+)', text)]
    assert found == list(range(61))[-len(found):] and len(found) > 40


def test_the_payload_is_the_one_of_real_logs():
    import collections
    arguments = collections.OrderedDict([
        ('lang', 'en'), ('force', True), ('periodic', False), ('dbid', '42'), ('version', 0), ('parentGUID', None),
        ('parentID', None), ('media_type', 'Movie'), 
        ('guid', 'com.plexapp.agents.example://4711?lang=en'), ('id', '4711')])
    text = payload(cereal(arguments)).replace('%40', '@')
    assert text.startswith('Y2VyZWFsMQoxCmRpY3QKMTAKczIKZW5zNApsYW5nYjFzNQpmb3JjZWIwczgKcGVyaW9kaWNzMgo0MnM0')
    assert base64.b64decode(text.replace('@', '/').replace('*', '+').replace('_', '=')).endswith(b's4\n4711s2\nidr0\n')
    assert payload(b'_AgentKit:Search') == 'X0FnZW50S2l0OlNlYXJjaA__'
    assert payload(cereal([])) == 'Y2VyZWFsMQoxCmxpc3QKMApyMAo_'


# ---------------------------------------------------------------------------------------------------- misreported lines
def big_function(statements):
    body = ''.join('    if a > %d:\n        a = a + %d\n' % (number, number) for number in range(statements // 2))
    return 'def small(a):\n    return a\n\n\ndef big(a):\n' + body + '    return a\n'


def test_lines_are_misreported_below_the_true_place_within_the_function():
    tree = ast.parse(big_function(400).encode('utf-8') if six.PY2 else big_function(400))
    lines = StatementLines(tree)
    lines.shuffle(random.Random(5))
    _first, last, statements = [row for row in lines.functions if len(row[2]) > 10][0]
    moved = [line for line in statements if lines.line(line) != line]
    assert all(line < lines.line(line) <= last for line in moved)
    assert .12 < len(moved) / len(statements) < .25
    assert lines.line(2) == 2                   # small functions are reported where they are
    before = dict(lines.reported)
    lines.shuffle(random.Random(6))
    assert lines.reported != before
    lines.shuffle(random.Random(5))
    assert lines.reported == before


def test_the_same_fault_moves_from_start_to_start(lab):
    code = 'def fault(m, media):\n' + ''.join('    if m.id == "x%d":\n        Log("no")\n' % n for n in range(9)) + (
        '    {}["k"]\n') + ''.join('    Log("after %d")\n' % n for n in range(9))
    one = lab(code)
    seen = set()
    for _number in range(13):
        one.refresh()
        seen.update(int(line) for line in re.findall(r'line (\d+), in fault\n', one.log()))
        one.server.restart(one.plugin)
    true = (ENTRY % textwrap.dedent(code)).split('\n').index('    {}["k"]') + 1
    assert true in seen and min(seen) == true and max(seen) <= true + 9 and len(seen) > 1


# ------------------------------------------------------------------------------------------------- a process of its own
@pytest.fixture(scope='module')
def plex(tmpdir_factory):
    with start_simulator(tmpdir_factory.mktemp('small'), 'small') as running:
        yield running


def call(plex, path, method='GET', token=None, accept='application/json'):
    request = Request(plex.url + path, headers={'X-Plex-Token': plex.token if token is None else token,
                                                'Accept': accept})
    request.get_method = lambda: method
    return build_opener(ProxyHandler({})).open(request, timeout=20).read().decode('utf-8')


def status_of(plex, *arguments, **how):
    try:
        call(plex, *arguments, **how)
        return 200
    except HTTPError as problem:
        return problem.code


def refresh(plex, key):
    call(plex, '/library/metadata/%d/refresh' % key, 'PUT')
    end = time.time() + 20
    while json.loads(call(plex, '/activities'))['MediaContainer']['size'] and time.time() < end:
        time.sleep(.02)


def metadata(plex, key):
    return json.loads(call(plex, '/library/metadata/%d' % key))['MediaContainer']['Metadata'][0]


def test_who_may_ask_what(plex):
    assert status_of(plex, '/identity', token='') == 200
    assert status_of(plex, '/library/sections', token='wrong') == 401
    assert status_of(plex, '/library/sections?X-Plex-Token=' + plex.token, token='') == 200
    assert status_of(plex, '/library/metadata/1008/refresh') == 405
    assert status_of(plex, '/library/metadata/1009', 'GET') == 404
    assert status_of(plex, '/:/plugins/com.plexapp.agents.none/restart') == 404
    with io.open(os.path.join(plex.plex_home, 'Preferences.xml'), encoding='utf-8') as preferences:
        assert 'PlexOnlineToken="%s"' % plex.token in preferences.read()


def test_what_is_empty_is_not_there(plex):
    before = metadata(plex, 1078)
    assert 'updatedAt' not in before and 'thumb' not in before and before['summary'] == ''
    refresh(plex, 1078)
    after = metadata(plex, 1078)
    assert after['thumb'].startswith('/library/metadata/1078/thumb/') and after['Genre'] and after['summary']
    failing = metadata(plex, 1008)
    refresh(plex, 1008)
    assert set(metadata(plex, 1008)) - set(failing) <= {'year', 'updatedAt'}
    tree = call(plex, '/library/metadata/1008/tree', accept='text/xml')
    assert int(re.search(r'refreshedAt="(\d+)"', tree).group(1)) >= time.time() - 60
    assert '<MediaPart ' in tree


def test_sections_and_pages(plex):
    section = json.loads(call(plex, '/library/sections'))['MediaContainer']['Directory'][0]
    assert (section['agent'], section['type']) == ('com.plexapp.agents.filmkontor', 'movie')
    page = json.loads(call(plex, '/library/sections/1/all?X-Plex-Container-Start=7&X-Plex-Container-Size=3'))
    assert [page['MediaContainer'][name] for name in ('totalSize', 'size', 'offset')] == [12, 3, 7]
    assert 'updateQueueSize' in call(plex, '/library/sections/1/timeline')


def test_a_locked_field_stays(plex):
    plex.control('lock', rating_key=1085, fields=['title'])
    title = metadata(plex, 1085)['title']
    plex.control('fault', ids=['f112'], fault='empty page')
    refresh(plex, 1085)
    found = metadata(plex, 1085)
    assert found['title'] == title and found['Field'] == [{'locked': True, 'name': 'title'}]


def test_candidates_come_at_once_and_change_nothing(plex):
    before = metadata(plex, 1071)
    found = json.loads(call(plex, '/library/metadata/1071/matches?manual=1'))['MediaContainer']['SearchResult']
    assert found[0]['guid'] == 'com.plexapp.agents.filmkontor://f110?lang=en' and found[0]['score'] > 90
    assert metadata(plex, 1071) == before


def test_a_healed_item_works_and_nothing_else_changes(plex):
    refresh(plex, 1015)
    assert 'studio' not in metadata(plex, 1015)
    plex.control('heal', ids=['f102'])
    refresh(plex, 1015)
    assert metadata(plex, 1015)['studio']
    refresh(plex, 1022)
    assert 'studio' not in metadata(plex, 1022)


def test_the_server_can_misbehave_towards_its_clients(plex):
    plex.control('pms', kind='status', status=503, times=2)
    assert [status_of(plex, '/identity') for _number in range(3)] == [503, 503, 200]
    plex.control('pms', kind='status', status=401, times=1)
    assert status_of(plex, '/library/sections') == 401
    plex.control('pms', kind='drop', times=1)
    with pytest.raises(Exception):
        call(plex, '/identity')
    assert status_of(plex, '/identity') == 200


def test_a_restart_by_its_url_answers_before_it_is_done(plex):
    starts = plex.control('state')['plugins']['com.plexapp.agents.filmkontor']['starts']
    began = time.time()
    call(plex, '/:/plugins/com.plexapp.agents.filmkontor/restart')
    assert time.time() - began < .3
    end, state = time.time() + 5, {}
    while (state.get('starts'), state.get('state')) != (starts + 1, RUNNING) and time.time() < end:
        time.sleep(.05)
        state = plex.control('state')['plugins']['com.plexapp.agents.filmkontor']
    assert state == {'starts': starts + 1, 'state': RUNNING}


def test_a_line_can_be_put_into_the_server_log(plex):
    call(plex, '/log?level=3&message=mark-17&source=test', 'PUT')
    with io.open(os.path.join(plex.plex_home, 'Logs', 'Plex Media Server.log'), encoding='utf-8') as log:
        assert 'DEBUG - [test] mark-17' in log.read()


def test_it_ends_with_its_standard_input(tmpdir):
    running = start_simulator(tmpdir, 'small')
    running.process.stdin.close()
    end = time.time() + 10
    while running.process.poll() is None and time.time() < end:
        time.sleep(.05)
    assert running.process.poll() == 0
    running.process.stdout.close()


def test_the_demo_has_a_past_and_patterns_of_many_items(tmpdir):
    with start_simulator(tmpdir, 'demo') as running:
        logs = os.path.join(running.plex_home, 'Logs', 'PMS Plugin Logs')
        items = {}
        for name in os.listdir(logs):
            with io.open(os.path.join(logs, name), encoding='utf-8') as log:
                text = log.read()
            for guid, last in re.findall(r"called with guid '([^']+)' \(most .*\n(?:  .*\n)+(\S.*)\n", text):
                items.setdefault((name.split('.log')[0], last.split(':')[0]), set()).add(guid)
        assert os.path.exists(os.path.join(logs, 'com.plexapp.agents.filmkontor.log.3'))
    assert sorted((name.rpartition('.')[2], kind, len(found)) for (name, kind), found in items.items()) == [
        ('filmkontor', 'IndexError', 23), ('heimkino', 'ValueError', 13), ('kinothek', 'KeyError', 19),
        ('plattenschrank', 'HTTPError', 19), ('serienwelt', 'KeyError', 23), ('serienwelt', 'ValueError', 13)]


def test_the_bundles_are_good_for_the_sandbox_of_plex():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'plex_simulator', 'bundles')
    seen = 0
    for path, _folders, names in os.walk(folder):
        for name in names:
            if name.endswith('.py'):
                with io.open(os.path.join(path, name), 'rb') as source:
                    compile_restricted(source.read(), os.path.join(path, name), False)
                seen += 1
    assert seen >= 11


# --------------------------------------------------------------------------------------------------------------- markup
@pytest.mark.parametrize('path, found', [
    ('//h1/text()', ['T']), ('//dt[.="Year"]/following-sibling::dd[1]/text()', ['2001']), ('//ul/li[2]/text()', ['b']),
    ('//a/@href', ['/x']), ('//h1[contains(@class,"b")]/@class', ['a b']), ('//li[last()]/text()', ['b']),
    ('//dt[contains(text(), "at")]/following-sibling::dd[1]/a/@href', ['/x']),
    ('//h1[@class="a b" and not(@id)]/text()', ['T']),
    ('//nothing | //h1/text()', ['T']), ('//p/text()', ['x & y', 'z']), ('/html/body/h1/text()', ['T']),
    ('//dd[not(a)]/text()', ['2001'])])
def test_xpath(path, found):
    page = html_element('<html><body><h1 class="a b">T</h1><dl><dt>Year</dt><dd>2001</dd><dt>Date</dt><dd><a '
                        'href="/x">5</a></dd></dl><ul><li>a<li>b</ul><p>x &amp; y<br/>z</p></body></html>')
    assert page.xpath(path) == found


def test_broken_xml_has_lxmls_words():
    with pytest.raises(Exception) as problem:
        xml_element('not xml')
    assert str(problem.value) == "Start tag expected, '<' not found, line 1, column 1"
