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
import sys
import textwrap
import threading
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
from plex_simulator.scenarios import SCENARIOS, Scenario, Site
from plex_simulator.server import Item, PlexServer
from plex_simulator.upstream import Upstream

AGENT = 'com.plexapp.agents.lab'
RECORD = re.compile(r'^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \((-?[0-9a-f]+)\) :  '
                    r'(DEBUG|INFO|WARNING|ERROR|CRITICAL) \(([^():]*):(\d+)\) - (.*)$')
SERVER_RECORD = re.compile(r'^[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d:\d\d\.\d{3} \[\d+\] (ERROR|WARN|INFO|DEBUG|VERBOSE) - ')
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


# ---------------------------------------------------------------------------------------------------- faults in the sandbox
# FRAMEWORK.md 4: what the same code raises in the sandbox, in the words of Python 2.7. Function of the last frame, last line.
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
    ("metadata.year = '2001'", '_setcontent', "AttributeTypeMismatch: (2101, \"Provided content of type 'str' is not of "
                                              "the required type 'int'.\")"),
    ("metadata.rating = 5", '_setcontent', "AttributeTypeMismatch: (2101, \"Provided content of type 'int' is not of "
                                           "the required type 'float'.\")"),
    ("metadata.posters['x'] = 'abc'", '__setitem__',
     "FrameworkException: Incorrect value type (<type 'str'>): Must be a Proxy object."),
    ("metadata.genres = None", '_setcontent', "FrameworkException: Container-type attributes can't be assigned directly."),
    ("return metadata.nothing", '__getattribute__', "AttributeError: 'Movie' object has no attribute 'nothing'"),
    ("metadata.nothing = 1", '__setattr__', "AttributeError: 'Movie' object has no attribute named 'nothing'"),
    ("return Datetime.ParseDate('notadate')", 'parse', "ValueError: unknown string format"),
    ("return Prefs['x']", '__getitem__', "KeyError: \"No preference named 'x' found.\""),
    ("return HTTP.Request('http://lab.example/gone').content", 'http_error_default', "HTTPError: HTTP Error 404: Not Found"),
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
