# -*- coding: utf-8 -*-
"""Repair templates: every patch is run. The failed item gets what else there is, the healthy one exactly the same."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import datetime
import json
import re

import pytest

import diagnose_from_report as diagnose

PATH = 'Example.bundle/Contents/Code/__init__.py'
Row = collections.namedtuple('Row', 'name source line error good bad expected')
# source: defines update(metadata, data); line: text of the failing line; expected: fields of the item that failed


class Fields(object):
    """A metadata object: what was set on it, and containers that take add()."""

    def __init__(self):
        self.genres = Container()
        self.roles = Container()
        self.posters = {}

    def filled(self):
        found = {}
        for name, value in vars(self).items():
            if isinstance(value, Container):
                value = [one.filled() if isinstance(one, Fields) else one for one in value]
            if value not in ([], {}):
                found[name] = value
        return found


class Container(list):
    add = list.append

    def new(self):
        made = Fields()
        self.append(made)
        return made


class Node(object):
    """As much of an lxml element as agents use; falsy without children, as there."""

    def __init__(self, text=None, children=(), **attributes):
        self.text, self.children, self.attributes = text, children, attributes

    def __len__(self):
        return len(self.children)

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def find(self, name):
        return next((child for tag, child in self.children if tag == name), None)

    def xpath(self, path):
        return [child for tag, child in self.children if tag == path.strip('/')]


def parse_date(text):
    return datetime.datetime.strptime(text, '%Y-%m-%d') if text else None


def environment(messages):
    """What the sandbox offers, as far as the sources here need it."""
    date = type(str('Datetime'), (), {'ParseDate': staticmethod(parse_date)})
    return {'Log': messages.append, 'Datetime': date, 're': re, 'datetime': datetime, 'basestring': type(''),
            'unicode': type(''),
            'Prefs': {'lang': 'de'}, 'LANGUAGES': {'de': 'German'}, 'reduce': __import__('functools').reduce}


def run(source, data):
    """(fields, log messages) after update(); raises what it raises."""
    messages = []
    names = environment(messages)
    exec(compile(source.encode('utf-8'), 'agent', 'exec', 0, True), names)
    metadata = Fields()
    names['update'](metadata, data)
    return metadata.filled(), messages


def case_for(source, line, error, path=PATH, policy='Elevated', expression=None, kind='own', callee=None):
    read = diagnose.Source(source.encode('utf-8'), path)
    at = source.index(line) + len(line) - len(line.lstrip())
    around = [one for one in diagnose.all_statements(read.tree) if one.start <= at < one.end]
    statement = max(around, key=lambda one: (one.start, -one.end))
    function = diagnose.enclosing(statement, 'FunctionDef') or read.tree
    exception, _, message = error.partition(': ')
    return diagnose.Case(read, function, statement, expression, exception, message, kind, callee, policy,
                         path.endswith('__init__.py'), None)


def patches(case):
    """[(proposal, patched text)], best first."""
    return [(proposal, diagnose.apply_edits(case.source, proposal.edits).decode('utf-8'))
            for proposal in diagnose.propose(case)]


JSON_AGENT = '''
def shorten(text):
    return text.strip()[:23]

def update(metadata, data):
    metadata.title = data['title']
    names = [person['alias'].strip() for person in data['people']]
    for tag in data['tags']:
        metadata.genres.add(tag['name'])
    if data['plot']['long'] != '':
        metadata.summary = shorten(data['plot']['long'])
    elif data['plot']['short'].strip():
        metadata.summary = data['plot']['short']
    metadata.year = int(data['year'])
    for person in data['people']:
        role = metadata.roles.new()
        role.name = person['name']
        role.photo = person['image']['url']
    metadata.content_rating = LANGUAGES[data['language']] + '/' + data['age'][0]
    score = float(data['score']) / 10
    if score > 0.5: metadata.rating = score
    first, last = data['span'].split('-')
    metadata.tagline = '%s to %s' % (first, last)
    metadata.studio = ', '.join(names)
    metadata.originally_available_at = Datetime.ParseDate(data['date']).date()
    metadata.duration = len(data['parts']) * 17
'''
HEALTHY = {'title': 'Eleven', 'people': [{'name': 'Ann', 'alias': ' A ', 'image': {'url': 'u1'}},
                                        {'name': 'Bo', 'alias': 'B', 'image': {'url': 'u2'}}],
           'tags': [{'name': 'Drama'}], 'plot': {'long': ' It begins. ', 'short': 'Begins'}, 'year': '2013',
           'language': 'de',
           'age': ['12', '16'], 'score': '7.9', 'span': '2013-2019', 'date': '2013-05-17', 'parts': ['a', 'b', 'c']}


def without(*path):
    data = __import__('copy').deepcopy(HEALTHY)
    where = data
    for step in path[:-1]:
        where = where[step]
    del where[path[-1]]
    return data


def with_value(value, *path):
    data = __import__('copy').deepcopy(HEALTHY)
    where = data
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value
    return data


GETITEM = {'file': 'Framework/code/sandbox.py', 'function': '<lambda>',
           'text': '_getitem_ = lambda x, y: x.__getitem__(y),'}
NONE_GETITEM = "AttributeError: 'NoneType' object has no attribute '__getitem__'"
NONE_ITER = "AttributeError: 'NoneType' object has no attribute '__iter__'"
JSON_ROWS = [       # (name, failing line, error, what is wrong with the data, fields that the item must still get)
    ('key in a field', "    metadata.title = ", "KeyError: 'title'", without('title'),
     'genres summary year roles studio'),
    ('key in a comprehension', "    names = [", "KeyError: 'alias'", without('people', 0, 'alias'),
     'title genres summary studio'),
    ('None in a comprehension', "    names = [", "AttributeError: 'NoneType' object has no attribute 'strip'",
     with_value(None, 'people', 1, 'alias'), 'title genres summary year studio'),
    ('list missing', "    for tag in", "KeyError: 'tags'", without('tags'), 'title summary year studio duration'),
    ('list is None', "    for tag in", NONE_ITER, with_value(None, 'tags'), 'title summary year studio duration'),
    ('key of an element', "        metadata.genres.add(", "KeyError: 'name'",
     with_value([{'x': 1}, {'name': 'War'}], 'tags'),
     'title genres summary year studio'),
    ('test of an if', "    if data['plot']", "KeyError: 'long'", without('plot', 'long'), 'title year studio'),
    ('test of an elif', "    elif data['plot']", "AttributeError: 'NoneType' object has no attribute 'strip'",
     with_value({'long': '', 'short': None}, 'plot'), 'title year studio'),
    ('int of None', "    metadata.year = ", "TypeError: int() argument must be a string or a number, not 'NoneType'",
     with_value(None, 'year'), 'title roles studio'),
    ('int of a word', "    metadata.year = ", "ValueError: invalid literal for int() with base 10: 'soon'",
     with_value('soon', 'year'),
     'title roles studio'),
    ('int with commas', "    metadata.year = ", "ValueError: invalid literal for int() with base 10: '2,013'",
     with_value('2,013', 'year'), 'title year roles studio'),
    ('None in a chain', "        role.photo = ", NONE_GETITEM, with_value(None, 'people', 0, 'image'),
     'title roles studio'),
    ('key of a table', "    metadata.content_rating = ", "KeyError: 'fr'", with_value('fr', 'language'),
     'title rating studio'),
    ('empty list', "    metadata.content_rating = ", "IndexError: list index out of range", with_value([], 'age'),
     'title rating studio'),
    ('float of a word', "    score = ", "ValueError: could not convert string to float: n/a",
     with_value('n/a', 'score'),
     'title tagline studio'),
    ('float with a comma', "    score = ", "ValueError: could not convert string to float: 7,9",
     with_value('7,9', 'score'),
     'title rating tagline studio'),
    ('unpacking', "    first, last = ", "ValueError: need more than 1 value to unpack", with_value('2013', 'span'),
     'title rating studio duration'),
    ('date of nothing', "    metadata.originally", "AttributeError: 'NoneType' object has no attribute 'date'",
     with_value('', 'date'), 'title studio duration'),
    ('odd date', "    metadata.originally", "ValueError: time data 'May' does not match format '%Y-%m-%d'",
     with_value('May', 'date'), 'title studio duration'),
    ('len of None', "    metadata.duration = ", "TypeError: object of type 'NoneType' has no len()",
     with_value(None, 'parts'),
     'title studio originally_available_at'),
    ('None into a helper', "    return text.strip()", "AttributeError: 'NoneType' object has no attribute 'strip'",
     with_value(None, 'plot', 'long'), 'title year studio'),
]


def variants(source):
    """The same source with tabs, with CRLF, and as a method of a class with a decorator."""
    yield 'plain', source
    yield 'tabs', re.sub(r'(?m)^( {4})+', lambda found: '\t' * (len(found.group()) // 4), source)
    yield 'crlf', source.replace('\n', '\r\n')
    nested = ''.join('    ' + line if line.strip() else line for line in source.splitlines(True))
    yield 'nested', 'def outer():%s\n    return update\n\nupdate = outer()\n' % nested


def check_patch(source, case, proposal, patched, good):
    """What holds for every patch of every row."""
    before, after = source.splitlines(True), patched.splitlines(True)
    assert run(patched, good) == run(source, good), proposal.template
    assert ('\r\n' in source) == ('\r\n' in patched) and patched.count('\r\n') in (0, patched.count('\n'))
    tabs = '\n\t' in source
    assert not tabs or not re.search('(?m)^ ', patched)
    added = [line for line in after if line not in before]
    assert len(added) <= diagnose.MAX_CHANGED_LINES
    assert not any(re.search(r'except( Exception)?:', line) for line in added)
    fresh = diagnose.Source(patched.encode('utf-8'), PATH)
    assert diagnose.check_sandbox(fresh, case.policy == 'Elevated', True) == diagnose.check_sandbox(
        case.source, case.policy == 'Elevated', True)
    assert proposal.summary and proposal.loss and proposal.why and 0 < proposal.prior < 1


@pytest.mark.parametrize('row', JSON_ROWS, ids=[row[0].replace(' ', '-') for row in JSON_ROWS])
def test_first_patch_fills_the_other_fields(row):
    name, line, error, bad, expected = row
    for variant, source in variants(JSON_AGENT):
        marker = line if variant == 'plain' else line.strip()
        with pytest.raises(Exception):
            run(source, bad)
        case = case_for(source, marker, error)
        found = patches(case)
        assert found, (name, variant)
        fields, _ = run(found[0][1], bad)
        assert set(expected.split()) <= set(fields), (variant, found[0][0].template, sorted(fields))
        for proposal, patched in found:
            check_patch(source, case, proposal, patched, HEALTHY)


PAGE_AGENT = '''
def clean(text):
    """The text of a node, or nothing."""
    if text == 'none':
        return ''
    return text.strip()

def update(metadata, data):
    metadata.title = data.xpath('//h1')[0].text.strip()
    studio = data.xpath('//studio')[0].get('name')
    metadata.studio = studio
    found = re.search('([0-9]{4})', data.find('info').text)
    year = found.group(1)
    metadata.year = int(year)
    for actor in data.xpath('//actor'):
        name = actor.find('name').text.strip()
        role = metadata.roles.new()
        role.name = name
        role.photo = 'http://img/' + actor.find('img').get('src')
    metadata.summary = (data.find('plot').text
                        .replace('  ', ' ')
                        .strip())
    if data.find('kind').text == 'series': metadata.tagline = data.find('kind').text
    metadata.genres.add(clean(data.find('genre').text))
    poster = [image.get('src') for image in data.xpath('//img')][0]
    metadata.posters[poster] = 'image of ' + poster
    return True
'''


def page(**changes):
    children = [('h1', Node(' Eleven ')), ('studio', Node(name='Kanal 7')), ('info', Node('of 2013')),
                ('actor', Node(children=[('name', Node(' Ann ')), ('img', Node(src='1.jpg'))])),
                ('actor', Node(children=[('name', Node('Bo')), ('img', Node(src='2.jpg'))])),
                ('plot', Node('It  begins. ')),
                ('kind', Node('series')), ('genre', Node('Drama ')), ('img', Node(src='p.jpg'))]
    made, seen = [], set()
    for tag, node in children:
        if tag in changes and tag not in seen:
            seen.add(tag)
            if changes[tag] is not None:
                made.append((tag, changes[tag]))
        elif tag not in changes or tag == 'actor':
            made.append((tag, node))
    return Node(children=made)


PAGE_ROWS = [
    ('no node', "    metadata.title = ", "IndexError: list index out of range", page(h1=None),
     'studio year roles summary genres'),
    ('node without text', "    metadata.title = ", "AttributeError: 'NoneType' object has no attribute 'strip'",
     page(h1=Node()),
     'studio year roles summary genres'),
    ('no node for a variable', "    studio = ", "IndexError: list index out of range", page(studio=None),
     'title year roles summary'),
    ('no match', "    year = ", "AttributeError: 'NoneType' object has no attribute 'group'", page(info=Node('soon')),
     'title studio roles summary'),
    ('text searched is None', "    found = ", "TypeError: expected string or buffer", page(info=Node()),
     'title studio'),
    ('find gives None', "    found = ", "AttributeError: 'NoneType' object has no attribute 'text'", page(info=None),
     'title studio'),
    ('element of a loop', "        name = ", "AttributeError: 'NoneType' object has no attribute 'text'",
     page(actor=Node(children=[('img', Node(src='x.jpg'))])), 'title studio year roles summary genres'),
    ('sum of text and None', "        role.photo = ", "TypeError: cannot concatenate 'str' and 'NoneType' objects",
     page(actor=Node(children=[('name', Node('Cy')), ('img', Node())])), 'title studio year roles summary genres'),
    ('several lines', "    metadata.summary = ", "AttributeError: 'NoneType' object has no attribute 'replace'",
     page(plot=Node()),
     'title studio year roles genres posters'),
    ('one-line suite', "    if data.find('kind')", "AttributeError: 'NoneType' object has no attribute 'text'",
     page(kind=None),
     'title studio year roles summary genres posters'),
    ('None into a helper', "    return text.strip()", "AttributeError: 'NoneType' object has no attribute 'strip'",
     page(genre=Node()), 'title studio year roles summary posters'),
    ('index of a comprehension', "    poster = ", "IndexError: list index out of range", page(img=None),
     'title studio year roles summary genres'),
]


@pytest.mark.parametrize('row', PAGE_ROWS, ids=[row[0].replace(' ', '-') for row in PAGE_ROWS])
def test_pages_of_other_sites(row):
    name, line, error, bad, expected = row
    case = case_for(PAGE_AGENT, line, error)
    found = patches(case)
    assert found
    for proposal, patched in found:
        check_patch(PAGE_AGENT, case, proposal, patched, page())
    fields, _ = run(found[0][1], bad)
    assert set(expected.split()) <= set(fields), (found[0][0].template, sorted(fields))


def test_guards_log_what_they_skip_and_only_then():
    case = case_for(JSON_AGENT, "    metadata.title = ", "KeyError: 'title'")
    patched = patches(case)[0][1]
    assert run(patched, without('title'))[1] == ['No title: title is missing']
    assert run(patched, HEALTHY)[1] == []


def test_libraries_have_no_log():
    source = JSON_AGENT.replace('Log', 'Nothing')
    for line, error in (("    metadata.title = ", "KeyError: 'title'"),
                        ("    metadata.year = ", "ValueError: invalid literal for "
                                                                         "int() with base 10: 'x'")):
        case = case_for(source, line, error, path='Example.bundle/Contents/Libraries/Shared/reader.py')
        assert all('Log(' not in patched for _, patched in patches(case))


def test_a_file_with_a_log_of_its_own_gets_no_log_line():
    source = 'from tools import write as Log\n' + JSON_AGENT
    case = case_for(source, "    metadata.title = ", "KeyError: 'title'")
    assert patches(case) and all('Log(' not in patched for _, patched in patches(case))


UNSET = '''
def update(metadata, data):
    for part in data['parts']:
        if part.startswith('poster'):
            poster = part
        elif part.startswith('tag'):
            tags = part.split(' ')
    metadata.title = data['title']
    if poster:
        metadata.posters[poster] = 'image'
    for tag in tags:
        metadata.genres.add(tag)
'''


@pytest.mark.parametrize('name,line,parts,value', [
    ('poster', '    if poster', ['tag a b'], 'poster = None'), ('tags', '    for tag in', ['poster 1'], 'tags = []')])
def test_unset_variable(name, line, parts, value):
    bad, good = {'title': 'Eleven', 'parts': parts}, {'title': 'Eleven', 'parts': ['poster 1', 'tag a b']}
    with pytest.raises(UnboundLocalError):
        run(UNSET, bad)
    case = case_for(UNSET, line, "UnboundLocalError: local variable '%s' referenced before assignment" % name)
    found = patches(case)
    assert value in found[0][1]
    for proposal, patched in found:
        check_patch(UNSET, case, proposal, patched, good)
        assert run(patched, bad)[0]['title'] == 'Eleven'


SHAPES = [      # (source, failing line, error, patched line that must appear)
    ("def f(d):\n    n = 3\n    n -= d\n    return n\n", "n -= d", "FrameworkException: Operator '-=' is not supported",
     'n = n - d'),
    ("def f(d):\n    d['a'] += 2 if d else 3\n", "d['a'] +=",
     "SyntaxError: Line 2: Augmented assignment of object items and slices is "
     "not allowed.", "d['a'] = d['a'] + (2 if d else 3)"),
    ("import os\n\ndef f(words, text):\n    if any(word in text for word in words):\n        return all(words)\n", "if any",
     "NameError: global name 'any' is not defined", 'import os\nfrom __builtin__ import all, any\n'),
    ("def f(x):\n    return open(x).read()\n\ndef g(file):\n    return open(file, 'rb'), open()\n", "return open(x)",
     "NameError: global name 'open' is not defined", "return codecs.open(x, 'r').read()\n\ndef g(file):\n"
     "    return codecs.open(file, 'rb'), open()"),
    ("def f(x):\n    setattr(x, 'a', 1)\n", "setattr", "TypeError: attribute-less object (assign or del)",
     'from __builtin__ import setattr\n'),
    ("import os\n\ndef f(x):\n    return re.sub('a', 'b', x)\n", "return re",
     "NameError: global name 're' is not defined",
     'import os\nimport re\n'),
    ("import os\n\ndef f(x):\n    return datetime.now()\n", "return datetime",
     "NameError: global name 'datetime' is not defined", 'from datetime import datetime\n'),
    ("import os\n\ndef f(x):\n    return datetime.datetime.now()\n", "return datetime",
     "NameError: global name 'datetime' is not defined", 'import os\nimport datetime\n'),
    ("def f(x):\n    return urlparse(x).netloc\n", "return urlparse",
     "NameError: global name 'urlparse' is not defined", 'from urlparse import urlparse\n'),
    ("def f(x):\n    return xml.etree.ElementTree.fromstring(x)\n", "return xml",
     "NameError: global name 'xml' is not defined", 'import xml.etree.ElementTree\n'),
    ("def f(x):\n    return json.ObjectFromURL(x)\n", "return json", "NameError: global name 'json' is not defined",
     'return JSON.ObjectFromURL(x)'),
    ("def f(x):\n    return prefs['x']\n", "return prefs", "NameError: global name 'prefs' is not defined",
     "return Prefs['x']"),
    ("def f(x):\n    return unichar(x)\n", "return unichar", "NameError: global name 'unichar' is not defined",
     'return unichr(x)'),
    ("def f(title):\n    return tilte.strip()\n", "return tilte", "NameError: global name 'tilte' is not defined",
     'return title.strip()'),
    ("def f(d):\n    return true\n", "return true", "NameError: global name 'true' is not defined", 'return True'),
    ("class A:\n    def helper(self):\n        return 1\n\n    def run(self):\n        helper()\n        return helper()\n"
     "\n    def other(helper):\n        return helper\n", "return helper()",
     "NameError: global name 'helper' is not defined", '        self.helper()\n        return self.helper()\n\n'
     '    def other(helper):\n        return helper\n'),
    ("class A:\n    def helper(self):\n        return 1\n\n    def run(self):\n        return helper()\n",
     "return helper",
     "NameError: global name 'helper' is not defined", 'return self.helper()'),
    ("def f(x):\n    Log.Warning('odd')\n", "Log.Warning", "AttributeError: 'LogKit' object has no attribute 'Warning'",
     "Log.Warn('odd')"),
    ("def f(a, b):\n    Log('%s and %s' % a, b)\n", "Log(", "TypeError: not enough arguments for format string",
     "Log('%s and %s' % (a, b))"),
    ("def f(n):\n    return 'part ' + n\n", "return 'part", "TypeError: cannot concatenate 'str' and 'int' objects",
     "return 'part ' + '%s' % n"),
    ("def f(x):\n    return str(x.title)\n", "return str", "UnicodeEncodeError: 'ascii' codec can't encode character "
                                                           "u'\\xe9' in "
     "position 1: ordinal not in range(128)", 'return unicode(x.title)'),
    ("def f(x):\n    name = x.encode('utf-8')\n", "name =", "UnicodeDecodeError: 'ascii' codec can't decode byte "
                                                            "0xc3 in position 0: "
     "ordinal not in range(128)", "name = x.encode('utf-8') if isinstance(x, unicode) else x"),
    ("def f(x):\n    return datetime(2013, 5, 17)\n", "return datetime", "TypeError: 'module' object is not callable",
     'return datetime.datetime(2013, 5, 17)'),
    ("def f(d):\n    for k in d:\n        d.pop(k)\n", "for k",
     "RuntimeError: dictionary changed size during iteration",
     'for k in list(d):'),
    ("def f(metadata, x):\n    metadata.year = x\n", "metadata.year",
     'AttributeTypeMismatch: (2101, "Provided content of type \'str\' '
     'is not of the required type \'int\'.")', 'metadata.year = int(x)'),
    ("from urllib.parse import quote\n", "from urllib", "ImportError: No module named parse",
     'from urllib import quote'),
    ("class A:\n    def run(x):\n        return x\n\n    def go(self):\n        return self.run(3)\n",
     "return self.run",
     "TypeError: run() takes exactly 1 argument (2 given)", 'def run(self, x):'),
    ("def f(a):\n    try:\n        return int(a)\n    except TypeError:\n        return 0\n", "return int",
     "ValueError: invalid literal "
     "for int() with base 10: 'x'", 'except (TypeError, ValueError):'),
    ("def f(_x):\n    return _x\n", "return", "SyntaxError: Line 1: \"_x\" is an invalid variable name because it "
                                              "starts with \"_\".",
     'def f(x):\n    return x'),
    ("class Tool:\n    def __init__(self):\n        pass\n\n    def read(self, d):\n        if 'a' in d:\n           "
     "self.names = list(d)\n\n"
     "    def write(self):\n        for name in self.names:\n            Log(name)\n", "for name",
     "AttributeError: Tool instance has no "
     "attribute 'names'", 'class Tool:\n    names = []\n'),
    ("def f(page):\n    for x in page.text:\n        Log(x)\n", "for x",
     "AttributeError: 'str' object has no attribute '__iter__'",
     'for x in list(page.text):'),
    ("def f(page):\n    found = re.search('[0-9]+', page.xpath('//b[last()]')[0] or '')\n    return found\n", "found",
     "TypeError: expected string or buffer", "page.xpath('//b[last()]')[0].text or '')"),
    ("def f():\n    if Prefs['near'].strip():\n        Log('near')\n    if Prefs['far'].strip():\n        Log('far')\n",
     "if Prefs['near']", "AttributeError: 'NoneType' object has no attribute 'strip'",
     "if Prefs['far'] is not None and Prefs['far'].strip():"),
    ("def search(results, rows):\n    for row in rows:\n        results.Append(MetadataSearchResult(id=row['id'], "
     "name='x', year=int(row['year']), score=7))\n", "results.Append", "ValueError: invalid literal for int() with base 10: "
     "''", "year=int(row['year']) if row['year'] else None,"),
    ("def f(d, n):\n    title = d['t']\n    if n:\n        title = '%s %s' % (n, title)\n    else:\n        title = '%s %s' "
     "% (n.strip(), title)\n    return title\n", "        title = '%s %s' % (n.strip", "AttributeError: 'NoneType' "
     "object has no attribute 'strip'", "n.strip(), title) if n is not None else title"),
    ("def f(a, b):\n    return int(a / (a + b) * 100)\n", "return", "TypeError: unsupported operand type(s) for /: "
     "'_ElementStringResult' and 'str'", "int(float(a) / (float(a) + float(b)) * 100)"),
    ("def search(results, rows):\n    for row in rows:\n        found = MetadataSearchResult(row['id'], row['name'], "
     "row['year'], 7, 'en')\n        results.Append(found)\n", "        found", "KeyError: 'year'",
     "row.get('year'), 7"),
    ("def search(results, d):\n    results.add(MetadataSearchResult(id=d, score=7))\n", "results.add", "AttributeError: "
     "'MediaContainer' object has no attribute 'add'", "results.Append(Meta"),
    ("def f(page):\n    return texts(page.xpath('//a'))\n\ndef texts(node, path):\n    return node.xpath(path + "
     "'/text()')\n", "return texts", "TypeError: texts() takes exactly 2 arguments (1 given)", "texts(page, '//a')"),
    ("def f(rows):\n    for row in rows:\n        link = 'http://x' + link.get('href')\n        Log(link)\n", "link = ",
     "UnboundLocalError: local variable 'link' referenced before assignment", "'http://x' + row.get('href')"),
    ("@parallelize\ndef boats(page):\n    Log(page)\n", "def boats", "TypeError: boats() takes exactly 1 argument (0 "
     "given)", "@parallel\ndef boats(page):"),
    ("def f(page):\n    @parallelize\n    def boats(page):\n        Log(page)\n", "    def boats", "TypeError: boats() takes "
     "exactly 1 argument (0 given)", "def boats(page=page):"),
    ("def f(id, name):\n    return found(id=id, name=_name)\n", "return", "SyntaxError: Line 2: \"_name\" is an invalid "
     "variable name because it starts with \"_\"", "name=name)"),
    ("def f(page, items):\n    for row in page:\n        year = row.xpath('span')[0].text.strip()\n        match = "
     "re.search('[0-9]+', year)\n        if match:\n            try:\n                year = match.group(7)\n            "
     "except IndexError:\n                year = ''\n        items.append({'year': year})\n        Log('%s, %d' % (year, "
     "3))\n", "        year = row", "IndexError: list index out of range", "nodes[0].text.strip() if nodes else ''"),
    ("import queue\n\nline = queue.Queue()\n", "import queue", "ImportError: No module named queue",
     "import Queue as queue"),
    ("import urllib.request, os\n\nline = urllib.request.quote(os.name)\n", "import urllib", "ImportError: No module named "
     "request", "import urllib2, os"),
    ("def f(item, metadata):\n    for part in item:\n        days = part.xpath('b')\n        if len(days) == 1:\n"
     "            day = days[0].text\n            metadata.year = day.split('-')[0]\n        hours = part.xpath('i')\n"
     "        if len(hours) == 1:\n            metadata.title = '%s %s' % (day, hours[0].text)\n", "metadata.title",
     "UnboundLocalError: local variable 'day' referenced before assignment", "        day = ''\n        if len(days)"),
    ("def f(n, p):\n    return '%s of %s' (n, p)\n", "return", "TypeError: 'str' object is not callable",
     "'%s of %s' % (n, p)"),
    ("import re\nTAGS = re.compile('<.*?>')\n\ndef f(text):\n    return TAGS('', text)\n", "return",
     "TypeError: '_sre.SRE_Pattern' object is not callable", "return TAGS.sub('', text)"),
    ("def f(text):\n    return map(str.strip, str.split(text or '', ','))\n", "return",
     "TypeError: descriptor 'split' requires a 'str' object but received a 'unicode'",
     "map(lambda text: text.strip(), (text or '').split(','))"),
    ("def f(move):\n    try:\n        move()\n    except IOError, e:\n        raise str(e)\n", "raise",
     "TypeError: exceptions must be old-style classes or derived from BaseException, not str", "e:\n        raise\n"),
    ("def f(move):\n    raise 'it is gone'\n", "raise", "TypeError: exceptions must be old-style classes or derived from "
     "BaseException, not str", "raise Exception('it is gone')"),
    ("def f(move):\n    try:\n        move()\n    except (KeyError, WindowsError):\n        pass\n", "try",
     "NameError: global name 'WindowsError' is not defined", "except (KeyError, OSError):"),
    ("def f(move):\n    try:\n        move()\n    except Expection as e:\n        pass\n", "try",
     "NameError: global name 'Expection' is not defined", "except Exception as e:"),
    ("def f(rows):\n    found = {}\n    for key, tags in rows:\n        found[key] = []\n        found[key] += tags\n"
     "    return found\n", "found[key] +=", "TypeError: 'NoneType' object is not iterable", "+= (tags or [])"),
    ("def f(key):\n    Log('key %s..%s' % (key[0], key[-1]))\n    return ask(key)\n", "Log(",
     "IndexError: string index out of range", "key[-1]) if key else '')"),
    ("def f(part, total):\n    total = total + part.time\n    return total\n", "total =",
     "TypeError: unsupported operand type(s) for +: 'datetime.timedelta' and 'NoneType'", "if part.time is not None:"),
    ("def f(text, source, year):\n    text += ' from ' + source + ' (' + year + ')'\n    return text\n", "text +=",
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "(' from ' + source if source is not None else '') + "
     "(' (' + year + ')' if year is not None else '')"),
    ("def f(force, metadata):\n    if force:\n        metadata.title = boat.title\n", "        metadata.title",
     "NameError: global name 'boat' is not defined", "        Log('title is not set: the code has no value for it')"),
    ("def f(text, title):\n    text = text + ' <b>' + title + '</b>'\n    return text\n", "text =",
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "        text = text + ' <b>' + title + '</b>'"),
    ("def f(date, form):\n    if not form:\n        return date[:4]\n    return date.replace('-', form)\n", "    return date.re",
     "AttributeError: 'NoneType' object has no attribute 'replace'", "return (date or '').replace('-', form)"),
    ("def f(answer):\n    if answer:\n        return answer['result']['version']\n    else:\n        return ask('old')\n",
     "return answer", "KeyError: 'result'", "if answer and 'result' in answer:"),
    ("def f(shows, pick):\n    found = {}\n    for show in shows:\n        best = pick(show)\n        if show in found and "
     "best.score < found[show].score:\n            continue\n        found[show] = best\n    return found\n", "if show in",
     "AttributeError: 'NoneType' object has no attribute 'score'", "        if best is None:\n"),
    ("def f(pier, date):\n    return pier.sail(data)\n", "return", "NameError: global name 'data' is not defined",
     "pier.sail(date)"),
    ("def f(media_type):\n    return 'no %s' % video['type']\n", "return", "NameError: global name 'video' is not defined",
     "'no %s' % media_type"),
    ("def f(row, url):\n    found = ask(row)\n    if found is None:\n        add(url)\n    elif entry[1] != url:\n"
     "        change(url)\n", "elif", "NameError: global name 'entry' is not defined", "elif found[1] != url"),
    ("import datetime\n\ndef f(shows):\n    return sorted(shows, key=lambda show: (show.added, show.name))\n", "return",
     "TypeError: can't compare datetime.datetime to NoneType", "((show.added or datetime.datetime.min), show.name)"),
    ("def f(show, today):\n    if show.aired < today:\n        return 'old'\n    return 'new'\n", "if show",
     "TypeError: can't compare datetime.date to NoneType", "if show.aired is not None and "),
    ("def f(move):\n    try:\n        move(1)\n    except IOError, e:\n        Log(e)\n    try:\n        move(2)\n"
     "    except:\n        Log('no: %s' % e)\n", "        Log('no", "UnboundLocalError: local variable 'e' referenced before "
     "assignment", "    except BaseException as e:\n        Log('no"),
    ("def f(kind):\n    raise NotImplemented(kind)\n", "raise", "TypeError: 'NotImplementedType' object is not callable",
     "raise NotImplementedError(kind)"),
    ("class Meter(object):\n    def f(self, gain, track):\n        return gain.peak_of(gain, track)\n\n    def peak_of(self, "
     "gain, track):\n        return gain.peak(track)\n", "        return gain.peak_of", "AttributeError: 'Gain' object has no "
     "attribute 'peak_of'", "return self.peak_of(gain, track)"),
    ("def f(path):\n    try:\n        media = read(path)\n    except IOError as error:\n        Log(error)\n"
     "    art = media.art\n    clean(path)\n    keep(art)\n", "    art =", "UnboundLocalError: local variable 'media' referenced "
     "before assignment", "        Log(error)\n        return\n"),
    ("def f(url):\n    page = fetch(url)\n    soup = Soup(page)\n    return soup.title\n", "    soup =",
     "TypeError: object of type 'NoneType' has no len()", "Soup(page or '')"),
    ("def f(who, when):\n    logger.info('{who} left {when!r}', who=who, when=when)\n    return who\n", "    logger",
     "TypeError: _log() got an unexpected keyword argument 'who'", "('{who} left {when!r}'.format(who=who, when=when))"),
    ("def f(path):\n    try:\n        book = open(path)\n        return book.read()\n    finally:\n        book.close()\n",
     "        book.close", "UnboundLocalError: local variable 'book' referenced before assignment",
     "    book = None\n    try:\n"),
    ("class Pier(Port):\n    def f(self, x):\n        return Mole(self.town).sail(x)\n\nclass Quay(Port):\n"
     "    def f(self, x):\n        return Mole.sail(x)\n", "        return Mole.sail", "TypeError: unbound method sail() must "
     "be called with Mole instance as first argument (got str instance instead)", "return Mole(self.town).sail(x)\n\nclass"),
    ("def f(boat):\n    kind, sails = 'none', []\n    sails['main'] = boat\n    return kind, sorted(sails.items())\n",
     "    sails[", "TypeError: list indices must be integers, not str", "kind, sails = 'none', {}"),
    ("def f(row):\n    up = int(row[3].text)\n    down = int(row[4].text)\n    return up, down\n", "    up",
     "ValueError: invalid literal for int() with base 10: '4,294'", "down = int(row[4].text.replace(',', ''))"),
    ("def f(rows):\n    rows.sort(key=float)\n    return [float(row['n']) for row in rows]\n", "    return",
     "ValueError: could not convert string to float", "[float(row['n']) for row in rows if row['n']]"),
    ("def f(feed):\n    for row in feed:\n        if not row.day:\n            continue\n        else:\n            keep(row.day)\n",
     "        if not", "AttributeError: object has no attribute 'day'", "if not (hasattr(row, 'day') and row.day):\n"
     "            continue\n        else:\n            keep(row.day)"),
    ("class DataStore(object):\n    def __init__(self, kind=None):\n        self.kind = kind\n\n    def read(self):\n"
     "        return self.kind\n\ndef f():\n    return data_store.read()\n", "    return data_store",
     "NameError: global name 'data_store' is not defined", "    data_store = DataStore()\n    return data_store.read()"),
    ("BOATS = {'sloop': 7, 'yawl': 11}\n\ndef f(add):\n    add({'label': 'The Sloop', 'name': 'sloop', 'id': "
     "BOATS['The Sloop']})\n", "    add", "KeyError: 'The Sloop'", "'id': BOATS['sloop']"),
    ("def f(text, status):\n    return text.format(satus=status)\n", "    return", "KeyError: u'status'", "(status=status)"),
    ("def f(kind, row, cast):\n    if kind == 'boat':\n        sail = cast(row['sail'])\n        name = '%s m2' % sail\n"
     "    else:\n        name = ''\n    return name\n", "        sail", "KeyError: 'sail'", "kind == 'boat' and 'sail' in row"),
    ("def f(row, day):\n    try:\n        x = day(*row['a'])\n    except TypeError:\n        try:\n            x = day(*row["
     "'b'])\n        except TypeError:\n            return None\n    return x\n", "        x = day(*row['a'])", "KeyError: 'a'",
     "        except (TypeError, KeyError):\n            return"),
    ("def f(row, by):\n    if not row['fine']:\n        Log(str(row['error']))\n        return []\n    return row[by]\n",
     "        Log", "KeyError: 'error'", "    return row[by]\n"),
    ("def f(move):\n    try:\n        move()\n    except IOError, (number, words):\n        raise words\n", "        raise",
     "TypeError: exceptions must be old-style classes or derived from BaseException, not str", "raise Exception(words)"),
    ("class Pier(object):\n    def f(self):\n        return 7\n\nclass Quay(object):\n    def g(self):\n        return "
     "Pier().f()\n\nDEPTH = Pier.f()\n", "DEPTH", "TypeError: unbound method f() must be called with Pier instance as first "
     "argument (got nothing instead)", "DEPTH = Pier().f()"),
    ("def f(metadata, row):\n    try:\n        metadata.title = row['t']\n    except ():\n        pass\n", "        metadata",
     "KeyError: 't'", "        if 't' in row:"),
    ("def f(a, depth):\n    return a\n\ndef g(depth):\n    return f(7, )\n", "    return f", "TypeError: f() takes exactly "
     "2 arguments (1 given)", "return f(7, depth, )"),
    ("def f(url):\n    return JSON.ObjectFromURL(url,\n                              )['a']\n", "    return", "URLError: <urlopen "
     "error timed out>", "ObjectFromURL(url, timeout=60.0,\n"),
    ("class Pier(object):\n    def f(self):\n        self._x = 7\n        return getattr(self, '_x')\n", "        self._x",
     "SyntaxError: Line 3: \"_x\" is an invalid attribute name because it starts with \"_\".", "getattr(self, 'x')"),
    ("def f(rows):\n    total = 0\n    for row in rows:\n        total += row['n']\n    return total\n", "        total +=",
     "TypeError: unsupported operand type(s) for +=: 'int' and 'unicode'",
     "total += (int(row['n']) if isinstance(row['n'], basestring) else row['n'])"),
    ("def f(boat, n):\n    return '%s %d%% S%02d' % (boat, n, boat.season)\n", "    return", "TypeError: %d format: a number "
     "is required, not unicode", "'%s %s%% S%02d' % (boat, n, int(boat.season))"),
    ("def f(url):\n    return HTTP.Request(url).read()\n", "    return", "AttributeError: 'HTTPRequest' object has no attribute "
     "'read'", "return HTTP.Request(url).content\n"),
    ("def f(url):\n    page = HTTP.Request(url)\n    return page.read().strip()\n", "    return", "AttributeError: "
     "'HTTPRequest' object has no attribute 'read'", "HTTP.Request(url)\n    return page.content.strip()\n"),
    ("def f(row):\n    boat = row.get('boat') or ''\n    show(boat.get('n'))\n", "    show", "AttributeError: 'str' object "
     "has no attribute 'get'", "if isinstance(boat, dict):"),
    ("import pier\n\ndef f():\n    return pier.boat\n\ndef g(n):\n    pier.boat = n\n", "    return", "AttributeError: "
     "'module' object has no attribute 'boat'", "hasattr(pier, 'boat')"),
    ("import datetime\n\ndef f(x):\n    return datetime.strptime(x, '%Y')\n", "    return", "AttributeError: 'module' object "
     "has no attribute 'strptime'", "return datetime.datetime.strptime(x, '%Y')"),
    ("from datetime import datetime\n\ndef f(x):\n    return x - datetime.timedelta(7)\n", "    return", "AttributeError: type "
     "object 'datetime.datetime' has no attribute 'timedelta'", "import timedelta\n\ndef f(x):\n    return x - timedelta(7)"),
    ("def f(metadata, x):\n    metadata.originaly_available_at = x\n", "    metadata", "AttributeError: 'Movie' object has no "
     "attribute 'originaly_available_at'", "metadata.originally_available_at = x"),
    ("import re\n\ndef f(x):\n    return re.serach('a', x)\n", "    return", "AttributeError: 'module' object has no attribute "
     "'serach'", "return re.search('a', x)"),
    ("def f(page):\n    return page.title().upper()\n", "    return", "TypeError: 'unicode' object is not callable",
     "return page.title.upper()"),
    ("def f(row):\n    return int(row['mode'], 8)\n", "    return", "TypeError: int() can't convert non-string with explicit "
     "base", "int(str(row['mode']), 8)"),
    ("def f(row):\n    return '%s %s' % (row.get('a').strip(), (row.get('b') or '').strip())\n", "    return",
     "AttributeError: 'NoneType' object has no attribute 'strip'", "((row.get('a') or '').strip(), (row.get('b') or '').s"),
    ("def f(url):\n    for row in JSON.FromURL(url)['rows']:\n        show(row)\n", "    for row",
     "AttributeError: 'JSONKit' object has no attribute 'FromURL'", "JSON.ObjectFromURL(url)['rows']"),
    ("def f(pier):\n    boats = boats_at(pier)\n    for boat in boat:\n        show(boat)\n", "    for boat",
     "UnboundLocalError: local variable 'boat' referenced before assignment", "for boat in boats:"),
    ("def f(text):\n    parts = text.split('-')\n    return datetime.date(parts[0], parts[1], 7)\n", "    return",
     "TypeError: an integer is required", "datetime.date(int(parts[0]), int(parts[1]), 7)"),
    ("def f(text):\n    return datetime.date(*text.split('-'))\n", "    return", "TypeError: an integer is required",
     "date(*map(int, text.split('-')))"),
    ("def f(row):\n    for n in range(row['n']):\n        show(n)\n", "    for n",
     "TypeError: range() integer end argument expected, got str.", "range(int(row['n']))"),
    ("def f(page):\n    names = []\n    for node in page.xpath('//b'):\n        name = node.text.strip()\n        if name not in "
     "names:\n            names.append(name)\n    return names\n", "        name =",
     "AttributeError: 'NoneType' object has no attribute 'strip'", "        if node.text is not None:\n            name ="),
    ("def f(page, oc):\n    for node in page.xpath('//b'):\n        title = node.xpath('./i/text()')[0]\n        url = node.xpath("
     "'./a/@href')[0]\n        day = node.xpath('./u/text()')[0]\n        oc.add(VideoClipObject(url=url, title=title, summary="
     "day))\n", "        title", "IndexError: list index out of range", "            continue\n"),
    ("def f(row):\n    return RE_AGE.search(row['text'].group(1))\n", "    return",
     "AttributeError: 'unicode' object has no attribute 'group'", "RE_AGE.search(row['text']).group(1)"),
    ("def f(url):\n    return HTML.ElementFromURL(url.xpath('//b'))\n", "    return",
     "AttributeError: 'str' object has no attribute 'xpath'", "HTML.ElementFromURL(url).xpath('//b')"),
    ("def f(boat, crew):\n    if boat['n']['role'] is not None:\n        show(crew['n']['role'])\n", "    if boat",
     "KeyError: 'role'", "    if crew['n']['role'] is"),
    ("def f(row, name):\n    day = row.xpath('./i/text()')[0].strip()\n    if len(day) > 0:\n        title = name\n"
     "        name += ' ' + day\n    show(title, name)\n", "    day", "IndexError: list index out of range",
     "    else:\n        title = name\n"),
    ("def f(row, form):\n    name = form % int(row['n'])\n    show(name)\n", "    name",
     "ValueError: invalid literal for int() with base 10: ''", "    name = form % int(row['n']) if row['n'] else None\n"),
    ("def f(row):\n    try:\n        thumb = row['a']['b']\n    except KeyError:\n        thumb = ''\n    duration = row['c']['d']\n"
     "    show(thumb, duration)\n", "    duration", "KeyError: 'd'", "row['c'].get('d')\n"),
    # ---- the same in other words: a name for a part, a helper, a test the other way round, a loop that counts
    ("IDS = {'sloop': 7, 'yawl': 11}\n\ndef f():\n    key = 'Yawl'\n    return IDS[key] + 1\n", "    return",
     "KeyError: 'Yawl'", "IDS['yawl'] + 1\n"),
    ("def f(d):\n    return ' '.join(['No', d['x'], 'boats'])\n", "    return",
     "TypeError: sequence item 1: expected string, int found", "['No', '%s' % d['x'], 'boats']"),
    ("def link(page):\n    return page.find('h3').find('a')\n\ndef f(page, metadata):\n    metadata.title = 'x'\n"
     "    metadata.summary = link(page)['href'][7:]\n", "    return", "AttributeError: 'NoneType' object has no attribute "
     "'find'", "    found = link(page)\n    if found is not None:\n        metadata.summary = found['href'][7:]\n"),
    ("def f(boat, metadata):\n    if not ('crew' in boat):\n        metadata.title = boat['name']\n    else:\n"
     "        metadata.title = boat['crew']['name']\n", "        metadata.title = boat['crew']", "AttributeError: 'NoneType' "
     "object has no attribute '__getitem__'", "    if not ('crew' in boat and boat['crew'] is not None):\n"),
    ("def f(boat, metadata):\n    if 'crew' not in boat:\n        return\n    metadata.title = boat['crew']['name']\n",
     "    metadata.title", "AttributeError: 'NoneType' object has no attribute '__getitem__'",
     "    if 'crew' not in boat or boat['crew'] is None:\n"),
    ("def f(boats, found):\n    at = 0\n    while at < len(boats):\n        boat = boats[at]\n        at += 1\n"
     "        if boat.crew > 7:\n            found.append(boat)\n", "        if boat", "AttributeError: 'NoneType' object has "
     "no attribute 'crew'", "        if boat is not None and boat.crew > 7:\n"),
    ("def f(entry):\n    urls = list(entry['urls']) if entry['urls'] else []\n    return urls\n", "    urls",
     "KeyError: 'urls'", "list(entry['urls']) if 'urls' in entry and entry['urls'] else []"),
    ("def f(page):\n    rows = []\n    value = page.find('h3').text[7:]\n    number = value\n    rows.append((number, 100))\n"
     "    return rows\n", "    value", "AttributeError: 'NoneType' object has no attribute 'text'",
     "    if node is None:\n        Log('f: nothing was found')\n        return rows\n    value = node.text[7:]\n"),
    ("def days(text):\n    return int(text.split('-')[0])\n\ndef f(text):\n    try:\n        old = days(text) > 7\n"
     "    except IndexError:\n        old = False\n    return old\n", "    return int",
     "ValueError: invalid literal for int() with base 10: 'x'", "    except (IndexError, ValueError):\n"),
    ("def f(metadata, url):\n    page = PyQuery(url)\n    metadata.link = base + page('a.yard').attr('href')\n"
     "    metadata.number = int(page('a.yard').attr('href').strip('/'))\n", "    metadata.link",
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "    if found is not None:\n"
     "        metadata.link = base + "
     "found\n        metadata.number = int(page('a.yard').attr('href').strip('/'))\n"),
    ("def f(metadata, boats):\n    for boat in boats:\n        trip = metadata.trips[boat.number]\n        try:\n"
     "            day = datetime.strptime(boat.day, '%d.%m.')\n        except TypeError:\n            day = boat.day\n"
     "        trip.originally_available_at = day\n        trip.title = boat.title\n", "            day = datetime",
     "ValueError: time data '' does not match format '%d.%m.'", "            day = boat.day\n"
     "        except ValueError as error:\n"
     "            Log('No day: %r' % error)\n            day = None\n        if day is not None:\n"),
    ("def f(boat, kind, long):\n    row = {}\n    if kind == 'sail':\n"
     "        long = boat['width'] * (float(long) / 100)\n"
     "        long = int(round(long, 0))\n        row['long'] = long\n    row['name'] = boat['name']\n    return row\n",
     "        long = boat", "ValueError: could not convert string to float: wide",
     "        except ValueError as error:\n            Log('No long: %r' % error)\n            long = 0\n"),
    ("def f(self, boat):\n    keys = list(self.yards(boat.yard))\n    if len(keys) < 1:\n        return boat\n"
     "    crews = dict([(one.name, one) for one in self.rows(keys[0])])\n    crew = crews[boat.name]\n    rows = {}\n"
     "    for one in crew.members():\n        rows[one.index] = self.row(one, boat)\n    return rows\n", "    crew =",
     "KeyError: 'Elisabeth'", "        return boat\n    crew ="),
    ("def f(key):\n    if not key:\n        return None, None\n    boat = get(key)\n"
     "    if boat.kind not in ['sail', 'steam']:\n        Log('Not a %s' % boat.kind)\n"
     "        return boat, None\n    yard = yards.find(boat.yard)\n"
     "    return boat, yard\n", "    if boat", "AttributeError: 'NoneType' object has no attribute 'kind'",
     "    if boat is None:\n        Log('f: nothing was found')\n        return None, None\n    if boat.kind not"),
    ("def f(boats, found):\n    name = boat['name']\n    if boat['yard']:\n        name += boat['yard']\n"
     "    for boat in boats:\n"
     "        found.append((boat['id'], name))\n"
     "    return found\n", "    name = boat", "UnboundLocalError: local variable 'boat' "
     "referenced before assignment", "    for boat in boats:\n        name = boat['name']\n        if boat['yard']:\n"
     "            name += "
     "boat['yard']\n        found.append((boat['id'], name))\n    return"),
    ("def f(number):\n    boat = get(number)\n    if boat:\n        found = Found()\n        found.id = boat['id']\n"
     "        found.title = '[' + found.id + ']'\n        return [found]\n    return []\n", "        found.title",
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "        if found.id is None:\n"
     "            Log('f: there is no "
     "value')\n            return []\n"),
    ("def f(text, more):\n    tons = None\n    if text.isdigit():\n        tons = int(text)\n    if tons is not None:\n"
     "        return tons\n    if more:\n        tons = (int(re.sub('[^0-9]', '', text)) + more) * 100\n    else:\n"
     "        tons = 7\n"
     "    return tons\n", "        tons = (", "ValueError: invalid literal for int() with base 10: ''",
     "(int(re.sub('[^0-9]', '', text) or 0) + more) * 100\n"),
    ("def place(cells, word):\n    for number in range(len(cells)):\n        if word in cells[number].text:\n            return number\n"
     "    raise ValueError('other layout')\n\ndef f(pages):\n    rows = []\n    for page in pages:\n"
     "        cells = page.find('tr').findAll('td')\n        tide = place(cells, 'tide')\n"
     "        for row in page.findAll('tr'):\n            rows.append(row.findAll('td')[tide].text)\n    return rows\n",
     "        cells = ", "AttributeError: 'NoneType' object has no attribute 'findAll'",
     "        if node is None:\n            Log('Skipped one cells: nothing was found')\n            continue\n"),
    ("def f(rows, show, out):\n    for row in rows:\n        episode = int(row['number'])\n        out.append(show.get_episode("
     "2, episode))\n", "        episode", "ValueError: invalid literal for int() with base 10: ''",
     "            out.append(show.get_episode(2, episode))\n        else:\n"),
    ("def f(path):\n    parts = re.findall('(.+)/([0-9]+)', path)[0]\n    parts[1] = int(parts[1])\n    return parts\n", '    parts[1]',
     "TypeError: 'tuple' object does not support item assignment", "    parts = parts[:1] + (int(parts[1]),) + parts[2:]\n"),
    ("def f(text):\n    parts = text.partition(':')\n    parts[0] = parts[0].strip()\n    return parts\n", '    parts[0]',
     "TypeError: 'tuple' object does not support item assignment", "    parts = (parts[0].strip(),) + parts[1:]\n"),
    ("def f(text):\n    parts = text.partition(':')\n    parts[0] = 1, 2\n    parts[2] = 3\n    return parts\n", '    parts[0]',
     "TypeError: 'tuple' object does not support item assignment",
     "    parts = ((1, 2),) + parts[1:]\n    parts = parts[:2] + (3,) + parts[3:]\n"),
    ("def f(mark, name):\n    if not name:\n        return False\n    if mark.match(name[-1]):\n        name = name[:-1]\n"
     "    if mark.match(name[0]):\n        name = name[1:]\n    keep(name)\n    return True\n", '    if mark.match(name[0]',
     "IndexError: string index out of range", "    if not name:\n        return False\n    if mark.match(name[0]):\n"),
    ("def f(text, piles):\n    out = []\n    for at, sign in enumerate(text):\n        if sign == ')':\n"
     "            begin = piles[0].pop()\n            out.append((begin, at))\n    return out\n", '            begin',
     "IndexError: pop from empty list", "            if piles[0]:\n                begin = piles[0].pop()\n"
     "                out.append((begin, at))\n"),
    ("def f(base, rows, out):\n    for row in rows:\n        url = row.get('href') or row['url']\n"
     "        page_url = url if url.startswith('http') else base + '/' + url\n        out.append(dict(page=page_url))\n",
     '        url', "KeyError: 'url'", "        except KeyError as error:\n            Log('Skipped one url: %r' % error)\n"
     "            continue\n"),
    ("from __builtin__ import iter\n\ndef f(rows):\n    row = next(filter(None, rows))\n    return row['a']\n", '    row',
     "TypeError: list object is not an iterator", "    row = next(iter(filter(None, rows)))\n"),
    ("def f(page, rows):\n    base = page.find('head').attrib['base']\n"
     "    rows.extend([{'url': base, 'name': one.get('name')} for one in page.findall('b')])\n    return rows\n", '    base',
     "AttributeError: 'NoneType' object has no attribute 'attrib'",
     "    if node is not None:\n        base = node.attrib['base']\n        rows.extend("),
    ("def f(rows, out):\n    for row in rows:\n        wide, high = [int(x) for x in row.get('size', '').split('x')]\n"
     "        out.append({'url': row['url'], 'width': wide, 'height': high})\n    return out\n", '        wide',
     "ValueError: need more than 1 value to unpack", "            high = None\n            wide = None\n        out.append("),
    # the n-th entries of lists that are answered together belong together
    ("def f(page):\n    names, texts = [], []\n    for row in page.findall('row'):\n        names.append(row.get('name'))\n"
     "        texts.append(row.findall('text')[0].text)\n    return names, texts\n", '        texts',
     "IndexError: list index out of range", "        texts.append(found[0].text if found else '')\n"),
    ("def f(rows):\n    names, sizes = [], []\n    for row in rows:\n        names.append(row['name'])\n"
     "        sizes.append(int(row['size']))\n    return names, sizes\n", '        sizes',
     "ValueError: invalid literal for int() with base 10: 'big'", "        sizes.append(number)\n"),
    ("def f(row):\n    text = row.get('score')\n    if text is None:\n        return None\n    score = round(float(text), 1)\n"
     "    return score\n\ndef g(row):\n    return f(row)\n", '    score', "ValueError: could not convert string to float: N/A",
     "        score = None\n"),
    ("def update(metadata, row):\n    metadata.year = int(row['year'])\n    metadata.title = row['title']\n",
     '    metadata.year', "UnicodeEncodeError: 'decimal' codec can't encode characters in position 5-6: invalid decimal "
     "Unicode string", "    except ValueError as error:\n"),
    ("def update(metadata, row):\n    day = row['aired'].split('T')[0]\n    metadata.title = row['title']\n"
     "    metadata.originally_available_at = Datetime.ParseDate(day).date()\n", '    day',
     "AttributeError: 'NoneType' object has no attribute 'split'", "        day = None\n    metadata.title = row['title']\n"
     "    if day is not None:\n        metadata.originally"),
    ("def update(metadata, row):\n    day = datetime.datetime.strptime(row['day'], '%d.%m.%Y').strftime('%Y-%m-%d')\n"
     "    metadata.title = row['title']\n    metadata.originally_available_at = Datetime.ParseDate(day).date()\n", '    day',
     "ValueError: time data 'soon' does not match format '%d.%m.%Y'", "        day = None\n    metadata.title = row['title']\n"
     "    if day is not None:\n        metadata.originally"),
    ("def update(metadata, row):\n    metadata.summary = row['plot']\n    if Prefs['score']:\n"
     "        metadata.rating = float(row['score']) * 2\n    if Prefs['stars']:\n"
     "        metadata.summary = '%s %s' % (round(metadata.rating, 1), metadata.summary)\n    metadata.title = row['title']\n",
     '        metadata.rating', "TypeError: float() argument must be a string or a number",
     "        if metadata.rating is not None:\n            metadata.summary = '%s %s'"),
    ("class Boat(object):\n    def __init__(self, row):\n        self.originally_available_at = read(row)\n"
     "        self.year = self.originally_available_at.year\n\ndef keep(metadata, boat):\n    for name in NAMES:\n"
     "        setattr(metadata, name, getattr(boat, name))\n\ndef g(boat):\n    year = boat.originally_available_at.year\n"
     "    return '%d' % year\n", '        self.year', "AttributeError: 'NoneType' object has no attribute 'year'",
     "originally_available_at is not None else None\n"),
    ("def f(row):\n    tags = []\n    for tag in row['tags']:\n        name = tag['name']\n        if name in SKIPPED:\n"
     "            continue\n        tags.append(name.title())\n    row['tags'] = tags\n    return row\n\ndef g(rows):\n"
     "    boats = []\n    for row in rows:\n        boat = f(row)\n        boats.append(boat)\n    return boats\n",
     '        name', "KeyError: 'name'", "        if 'name' not in tag:\n            Log('Skipped one name: name is missing')\n"),
    # bytes of a path are no key of JSON's; what is plain ASCII, or a key of bytes, is asked for as it was
    ("import json\n\ndef f(text, name):\n    boats = json.loads(text)\n    boat = boats[name]\n    return boat['sail']\n",
     '    boat = boats', "KeyError: 'J\\xc3\\xbcrgen'",
     "    boat = boats[name if name in boats else name.decode('utf-8')]\n"),
]


@pytest.mark.parametrize('row', SHAPES, ids=['%d-%s' % (number, row[2].split(':')[0]) for number,
                                             row in enumerate(SHAPES)])
def test_rewritten_line(row):
    source, line, error, wanted = row
    below = {'kind': 'call', 'callee': '__init__'} if 'no len' in error else {}
    found = patches(case_for(source, line, error, **below))
    assert wanted in found[0][1], [patched for _, patched in found]


def test_what_was_no_text_is_none_behind_what_makes_it_one():
    source = ("import re\n\ndef f(boat):\n    boat = plain(boat)\n    boat = re.sub('[^a-z]', '', boat)\n"
              "    boat = ' '.join(boat.split())\n    return boat.lower()\n")
    case = case_for(source, '    boat = re', 'TypeError: expected string or buffer')
    found = [patched for one, patched in patches(case) if one.template == 'field guard']
    assert found and all("\n        boat = ''\n" in patched for patched in found)


def test_what_is_not_filled_yet_is_no_answer_for_who_asks_it_for_more():
    source = ("def f(page):\n    found = {}\n    part = page.find('b').text.lower()\n    found['part'] = part\n"
              "    return found\n\n"
              "def g(page):\n    return f(page)['part'].strip()\n")
    error = "AttributeError: 'NoneType' object has no attribute 'text'"
    assert not any('return found\n    part' in patched for _, patched in patches(case_for(source, '    part', error)))
    source = source.replace("['part'].strip()", '')
    assert any('return found\n    part' in patched for _, patched in patches(case_for(source, '    part', error)))


def test_what_is_put_before_an_empty_text_is_kept():
    source = ("def f(metadata, boat):\n    metadata.summary = boat['story']\n"
              "    metadata.summary = boat['stars'] + metadata.summary\n")
    proposal, text = patches(case_for(source, "    metadata.summary = boat['stars']",
                                      "TypeError: cannot concatenate 'str' and 'NoneType' objects"))[0]
    assert "boat['stars'] + (metadata.summary or '')" in text and proposal.risk == 'low'


def test_what_a_call_was_to_give_when_it_failed_is_not_asked_for():
    source = ("def update(metadata, boats):\n    for boat in boats:\n"
              "        metadata.genres.add(', '.join(sorted(rig_of(boat))))\n"
              "    metadata.studio = 'Atlas'\n")
    found = patches(case_for(source, '        metadata', "TypeError: expected string or buffer", kind='call',
                             callee='rig_of'))
    assert 'except TypeError as error:' in found[0][1] and not any('is not None' in patched for _, patched in found)


def test_what_was_handed_over_is_not_kept_for_what_was_to_be_made_of_it():
    source = ("def f(day, form):\n    ms = int(day.split('(')[1])\n    day = datetime.datetime.fromtimestamp(ms)\n"
              "    return datetime.datetime.strftime(day, form)\n")
    found = patches(case_for(source, '    ms =', "ValueError: invalid literal for int() with base 10: '7+2)'"))
    assert [proposal.template for proposal, _ in found] == ['early return']


def test_a_name_that_a_file_binds_to_itself_is_no_text():
    tree = diagnose.Source(b"Core = Core\nA = 'seven'\n\ndef f():\n    Log(Core, A)\n", 'a.py').tree
    names = [node for node in diagnose.walk(tree) if node.kind == 'Name' and node.ctx == 'Load']
    assert sorted((node.id, diagnose.constant_text(node)) for node in names if node.id != 'Log') == [
        ('A', 'seven'), ('Core', None), ('Core', None)]


NEVER = [
    # what is no UTF-8, or in no JSON, is not asked for as text
    ("import json\n\ndef f(text, name):\n    boats = json.loads(text)\n    return boats[name]\n", '    return',
     "KeyError: 'J\\xfcrgen'", '.decode('),
    ("def f(boats, name):\n    return boats[name]\n", '    return', "KeyError: 'J\\xc3\\xbcrgen'", '.decode('),
    # what else stands in a dict is not given up for one of its values
    ("def f(name, year):\n    form = {'name': name, 'from': year, 'to': int(year) + 1}\n    page = ask(BASE, values=form)\n"
     "    return page\n", '    form', "ValueError: invalid literal for int() with base 10: 'None'", 'form = {}'),
    # a count of rounds is no element that a line means
    ("def f(page):\n    for level in range(7):\n        node = node.up()\n    return node\n", '        node',
     "UnboundLocalError: local variable 'node' referenced before assignment", 'level.'),
    # no more is taken where too little is given
    ("class Pier(object):\n    def of(this, x):\n        return this.y + x\n\n    def f(self):\n        return self.of()\n",
     '        return self', "TypeError: of() takes exactly 2 arguments (1 given)", 'of(self'),
    # today stands for no missing day
    ("def f(row):\n    try:\n        day = Datetime.ParseDate(row).date()\n    except ValueError:\n"
     "        day = Datetime.Now().date()\n    keep(day)\n", '        day = Datetime.P',
     "AttributeError: 'NoneType' object has no attribute 'date'", '(ValueError'),
    # the metadata are not meant where the media are at hand
    ("def f(media):\n    for s in media.seasons:\n        metadata.seasons[s].title = media.seasons[s].id\n", '        metadata',
     "NameError: global name 'metadata' is not defined", '        media.seasons'),
    # what nothing can have set yet is not left out for good
    ("def f(page, d):\n    d.title = name.strip()\n    d.keep(page)\n    name = page.name()\n    d.name = name\n", '    d.title',
     "UnboundLocalError: local variable 'name' referenced before assignment", 'name is not None'),
    # an except clause that asks the same None for something is no answer, and what a try only tries is not passed over
    ("def f(page):\n    try:\n        page[0]\n    except IndexError:\n        show(page.attrib)\n        return\n    keep(page)\n",
     '        page[0]', "AttributeError: 'NoneType' object has no attribute '__getitem__'", 'IndexError,'),
    ("def f(page):\n    try:\n        page[0]\n    except IndexError:\n        show(page.attrib)\n        return\n    keep(page)\n",
     '        page[0]', "AttributeError: 'NoneType' object has no attribute '__getitem__'", 'page is not None'),
    # what is asked for something further on may be the module
    ("import piers\n\ndef f(kind):\n    piers = [one for one in piers.ALL if one.kind == kind]\n    return piers.NAMES\n",
     '    piers', "UnboundLocalError: local variable 'piers' referenced before assignment", 'piers_here'),
    # a loop that does something with its element may mean the other one all the same
    ("def f(rows, old):\n    for row in rows:\n        boat = Boat(row)\n    for number in old:\n"
     "        remove(number, boat.number())\n", '        remove',
     "UnboundLocalError: local variable 'boat' referenced before assignment", 'remove(number, number)'),
    # what a method of the bundle was called is not left out because something of its name was set
    ("class Boat(object):\n    def sink(self):\n        self.leave()\n\ndef f(boat):\n    boat.sink()\n    other.sink = True\n",
     '    boat.sink', "TypeError: 'bool' object is not callable", '    boat.sink\n'),
    ("class Boat(object):\n    def run(self):\n        later(self.sink)\n\n    def sink(self):\n        self.sink = True\n\n"
     "def f(boat):\n    boat.sink()\n", '    boat.sink', "TypeError: 'bool' object is not callable", 'sink_set'),
    # before it is set there is the method, which is true; a method that is handed on is no flag; nor is what is asked by name
    ("class Boat(object):\n    def run(self):\n        if self.sink:\n            self.leave()\n\n    def sink(self):\n"
     "        self.sink = True\n\ndef f(boat):\n    boat.sink()\n", '    boat.sink', "TypeError: 'bool' object is not callable",
     'sink_set'),
    ("class Boat(object):\n    def sink(self):\n        self.sink = True\n\n    def ways(self):\n        return [self.sink]\n\n"
     "def f(boat):\n    boat.sink()\n", '    boat.sink', "TypeError: 'bool' object is not callable", 'sink_set'),
    ("class Boat(object):\n    def __init__(self):\n        self.sink = False\n\n    def sink(self):\n        self.sink = True\n\n"
     "    def known(self, way):\n        return getattr(self, way)\n\ndef f(boat):\n    boat.sink()\n", '    boat.sink',
     "TypeError: 'bool' object is not callable", 'sink_set'),
    ("class Boat(object):\n    def sink(self):\n        self.sink = True\n\ndef f(boat):\n    boat.sink()\n"
     "    return getattr(boat, 'sink')\n", '    boat.sink', "TypeError: 'bool' object is not callable", 'sink_set'),
    ("class Boat(object):\n    @property\n    def sink(self):\n        return 3\n\n    def leave(self):\n        self.sink = True\n\n"
     "def f(boat):\n    boat.sink()\n", '    boat.sink', "TypeError: 'bool' object is not callable", 'sink_set'),
    # what is done where nothing is left of a text is not done again after something was begun, or for all that follow
    ("def f(lock, name):\n    if not name:\n        return False\n    lock.acquire()\n    name = name[1:]\n"
     "    if name[0] == 'x':\n        keep(name)\n    lock.release()\n    return True\n", '    if name[0]',
     "IndexError: string index out of range", '    if not name:\n        return False\n    if name'),
    ("def f(lock, name):\n    if not name:\n        return False\n    name = name[1:]\n    if lock:\n        lock.acquire()\n"
     "        keep(name[0])\n        lock.release()\n    return True\n", '        keep', "IndexError: string index out of range",
     '        if not name:\n            return False\n'),
    ("def f(page, out):\n    while True:\n        line = page.readline()\n        if not line:\n            break\n"
     "        line = line.strip()\n        out.append(line[0])\n", '        out', "IndexError: string index out of range",
     '        if not line:\n            break\n        out'),
    ("def f(names, out):\n    at = 0\n    while at < len(names):\n        name = names[at]\n        if not name:\n"
     "            continue\n        name = name[1:]\n        out.append(name[0])\n        at += 1\n", '        out',
     "IndexError: string index out of range", '            continue\n        out'),
    ("def f(name):\n    if not name:\n        return\n    name = name[1:]\n    yield name[0]\n    yield 'end'\n", '    yield name',
     "IndexError: string index out of range", '    if not name:\n        return\n    yield'),
    ("def fill(metadata, page):\n    node = page.find('a')\n    if node is None:\n        return\n    node = node.find('b')\n"
     "    metadata.title = node.text\n    metadata.year = 3\n", '    metadata.title',
     "AttributeError: 'NoneType' object has no attribute 'text'", '    if node is None:\n        return\n    metadata'),
    ("def update(metadata, name):\n    if not name:\n        return\n    name = name[1:]\n    metadata.studio = name[0]\n"
     "    metadata.year = 3\n", '    metadata.studio', "IndexError: string index out of range", '    if not name:\n        return\n    metadata'),
    # the one that a branch or a search left is meant, and so is what is asked with arguments, and further on
    ("def f(rows, season, out):\n    if season:\n        show = season\n    for title in rows:\n        out.append(show.title)\n",
     '        out', "UnboundLocalError: local variable 'show' referenced before assignment", 'out.append(title)'),
    ("def f(rows, names, out):\n    for show in rows:\n        if show.fits():\n            break\n    for title in names:\n"
     "        out.append(show.title)\n", '        out', "UnboundLocalError: local variable 'show' referenced before assignment",
     'out.append(title)'),
    ("def f(rows, names, out):\n    for show in rows:\n        keep(show)\n    for title in names:\n"
     "        out.append(show.title(new=True))\n", '        out',
     "UnboundLocalError: local variable 'show' referenced before assignment", 'out.append(title)'),
    ("def f(rows, names, out):\n    for show in rows:\n        keep(show)\n    for title in names:\n        out.append(show.title)\n"
     "    return show\n", '        out', "UnboundLocalError: local variable 'show' referenced before assignment",
     'out.append(title)'),
    ("import piers\n\ndef f(kind):\n    piers = [one for one in piers.ALL if one.kind == kind]\n    return '%(piers)s' % locals()\n",
     '    piers', "UnboundLocalError: local variable 'piers' referenced before assignment", 'piers_here'),
    ("import piers\n\ndef f(kind):\n    piers = piers.all(kind)\n    def g(piers):\n        return piers\n    return g(piers=3)\n",
     '    piers', "UnboundLocalError: local variable 'piers' referenced before assignment", 'piers_here'),
    ("def f(metadata, row):\n    if 'picture' in row or row['pictures']:\n        metadata.posters[row['picture']] = 3\n", '    if',
     "KeyError: 'pictures'", "row['picture']:"),
    # a list that has a name begins anew each time, for ever; and not everything has an iterator
    ("from __builtin__ import iter\n\ndef f(rows, out):\n    while True:\n        out.append(next(rows))\n", '        out',
     'TypeError: list object is not an iterator', 'iter(rows)'),
    ("from __builtin__ import iter\n\ndef f(rows):\n    return next(find(rows)), next(filter(None, rows))\n", '    return',
     'TypeError: NoneType object is not an iterator', 'iter('),
    ("def iter(rows):\n    return 3\n\ndef f(rows):\n    return next(filter(None, rows))\n", '    return next',
     'TypeError: list object is not an iterator', 'next(iter('),
    # a tuple that may be the caller's list, or lacks that part; what is yielded there
    ("def f(text, parts=None):\n    if parts is None:\n        parts = text.partition(':')\n    parts[0] = text.strip()\n    return 3\n",
     '    parts[0]', "TypeError: 'tuple' object does not support item assignment", '+ parts'),
    ("def f(text):\n    parts = text.partition(':')\n    parts[3] = text.strip()\n    return parts\n", '    parts[3]',
     "TypeError: 'tuple' object does not support item assignment", '+ parts'),
    ("def f(text):\n    parts = text.partition(':')\n    parts[0] = yield text\n    yield parts\n", '    parts[0]',
     "TypeError: 'tuple' object does not support item assignment", '+ parts'),
    # what reads an entry of dict() finds it as it does one of {}
    ("def f(row, out):\n    wide, high = row['size'].split('x')\n    one = dict(url=row['url'], width=wide, height=high)\n"
     "    if int(one['width']) > 100:\n        out.append(one)\n    return out\n", '    wide',
     "ValueError: need more than 1 value to unpack", 'wide = None'),
    # what is no text, or fails itself on the bytes
    ("def f(data):\n    answer = json.loads(data)\n    return answer\n", '    answer',
     "UnicodeDecodeError: 'utf8' codec can't decode byte 0x8b in position 1: invalid start byte", 'cp1252'),
    ("def f(data):\n    answer = json.loads(data.decode('utf-8'))\n    return answer\n", '    answer',
     "UnicodeDecodeError: 'utf8' codec can't decode byte 0xe4 in position 1: invalid start byte", 'cp1252'),
]


@pytest.mark.parametrize('source,line,error,never', NEVER)
def test_no_patch_holds_what_would_do_harm(source, line, error, never):
    found = patches(case_for(source, line, error))
    assert never not in source and all(never not in patched for _, patched in found)
    assert found or 'Datetime' not in source


REFUSED = [     # nothing is known that would make these succeed
    ("def f(oc):\n    for row in page.xpath('//tr'):\n        for x in row.xpath('.//td'):\n            oc.add(x)\n",
     "for row", "NameError: global name 'page' is not defined"),
    ("def f(row):\n    dir.Append(row)\n", "dir",
     "AttributeError: 'builtin_function_or_method' object has no attribute 'Append'"),
    ("def f(rows):\n    n = len(dir)\n    return n\n", "n = len",
     "TypeError: object of type 'builtin_function_or_method' has no len()"),
    ("def f(x):\n    page = ROOT % Prefs['kind'].lower()\n    boat = JSON.ObjectFromURL(page)\n    return boat['x']\n",
     "page =", "AttributeError: 'NoneType' object has no attribute 'lower'"),
    ("def f(url, at):\n    page = JSON.ObjectFromURL(url)\n    return page['names'][at]\n", "return", "KeyError: 0"),
    ("class Mark(object):\n    pass\n\ndef f(marks):\n    x = 0.0\n    for i in marks:\n        x = x + i\n    return x\n",
     "x = x", "TypeError: unsupported operand type(s) for +: 'float' and 'Mark'"),
    ("import time\n\ndef f(x):\n    return time.now()\n", "    return", "AttributeError: 'module' object has no attribute 'now'"),
    ("def f(x):\n    return frobnicate(x)\n", "return", "NameError: global name 'frobnicate' is not defined"),
    ("def f(metadata, s):\n    metadata.seasons[s].title = 'x'\n", "metadata", "KeyError: '3'"),
    ("def f(x):\n    raise x\n", "raise", "KeyboardInterrupt: "),
    ("def f(k, v):\n    setattr(k, v)\n", "setattr", "TypeError: setattr expected 3 arguments, got 2"),
    ("def f(item, format):\n    return format(item)\n", "return", "TypeError: 'str' object is not callable"),
    ("class Pier(object):\n    def f(self, x):\n        return self.find_boat(x)\n\n    def find_ship(self):\n        pass\n",
     "        return self", "AttributeError: 'Pier' object has no attribute 'find_boat'"),
    ("def Recordings():\n    pass\n\ndef f(cursor, sql):\n    rows = cursor.open()\n    rows.ask(sql, (recording_id, ))\n"
     "    return [row for row in rows]\n", "    rows.ask", "NameError: global name 'recording_id' is not defined"),
    ("def f(ask):\n    boat = ask()\n    boat['sail'] = 1\n    return boat\n", "    boat['sail']",
     "TypeError: list indices must be integers, not str"),
    ("class Boat():\n    def __init__(self):\n        self.name = 'Ann'\n\ndef f(text, boat):\n    if '%N' in text:\n"
     "        text = text.replace('%N', str(boat.number))\n    return text\n", "        text",
     "AttributeError: Boat instance has no attribute 'number'"),
    ("def f(boat):\n    return boat.sail == 0\n", "    return", "AttributeError: 'list' object has no attribute 'sail'"),
    ("BOATS = {'sloop': 7, 'yawl': 11}\n\ndef f():\n    return BOATS['galleon'] + 1\n", "    return", "KeyError: 'galleon'"),
    ("def ask(text):\n    return []\n\ndef f(text):\n    rows, x = ask(text), None\n    for row in ask(text):\n"
     "        x = row[0]\n    return x\n", "        x = row[0]", "KeyError: 0"),
]


@pytest.mark.parametrize('source,line,error', REFUSED)
def test_no_patch_is_an_answer(source, line, error):
    assert patches(case_for(source, line, error)) == []


def test_a_test_that_guards_a_use_of_the_same_value_comes_out_false():
    source = ("def update(metadata, data):\n    if not data['studio'] is None:\n        metadata.studio = "
              "data['studio']['name']\n"
              "    metadata.title = 'Eleven'\n")
    for proposal, patched in patches(case_for(source, '    if not', "KeyError: 'studio'")):
        if proposal.template != 'early return':
            assert run(patched, {})[0] == {'title': 'Eleven'}, proposal.template


def test_the_same_defect_further_on_is_mended_too():
    source = ("def update(metadata, data):\n    found = re.search('(a+)(b*)', data)\n    metadata.title = "
              "found.group(1)\n"
              "    metadata.year = 2013\n    metadata.studio = found.group(2)\n")
    proposal, patched = patches(case_for(source, '    metadata.title',
                                         "AttributeError: 'NoneType' object has no attribute 'group'"))[0]
    assert run(patched, 'xyz')[0] == {'year': 2013} and 'line 5' in proposal.summary


def test_an_early_return_from_update_is_never_the_first_choice():
    for source, rows in ((JSON_AGENT, JSON_ROWS), (PAGE_AGENT, PAGE_ROWS)):
        for row in rows:
            case = case_for(source, row[1], row[2])
            assert case.function.name != 'update' or patches(case)[0][0].template != 'early return', row[0]
    source = "def update(metadata, data):\n    metadata.studio = data['yard']['name']\n    yards = [data['yard']['name']]\n" \
             "    number = data['yard']['id']\n    metadata.summary = data['text']\n    metadata.tagline = yards[number]\n"
    assert patches(case_for(source, 'metadata.studio', "KeyError: 'yard'"))[0][0].template != 'early return'


def test_the_value_that_a_helper_answers_suits_its_callers():
    source = ("def names(data):\n    if not data:\n        return []\n    return data['names'].split(',')\n\n"
              "def update(metadata, data):\n    for name in names(data):\n        metadata.genres.add(name)\n")
    found = patches(case_for(source, "    return data['names']", "KeyError: 'names'"))
    assert found
    for proposal, patched in found:
        assert run(patched, {'x': 1})[0] == {} or run(patched, {'x': 1})[0] == {'genres': ['']}, proposal.template
    assert run(found[0][1], {'x': 1})[0] == {}


HARMFUL = [     # what looks like a known mistake and is none, and what must not be written for it
    ("def f(data):\n    if data['plot'].find('The') == 0:\n        return 1\n    return 2\n", '    if', "KeyError: 'plot'",
     'not in data or'),
    ("def f(data, metadata):\n    if data['size'] > 10:\n        data['size'] = 10\n        metadata.title = 'large'\n",
     '    if', "KeyError: 'size'", 'not in data or'),
    ("def f(row):\n    stamp = row.get('x')\n    stamp -= 3600\n    return Datetime.FromTimestamp(stamp)\n", '    stamp -=',
     "TypeError: unsupported operand type(s) for -=: 'NoneType' and 'int'", '(stamp or 0) -'),
    ("def f(s, d):\n    parts = s.split(' ')\n    parts = parts[0] + d['k']\n    return parts\n", '    parts = parts',
     "KeyError: 'k'", 'else parts'),
    ('class A:\n    def f(self):\n        for self in selfs:\n            self.x()\n', '        for',
     "NameError: global name 'selfs' is not defined", 'def f(selfs)'),
    ('def f(media, metadata):\n    metadata.title = media_title\n', '    metadata',
     "NameError: global name 'media_title' is not defined", 'metadata.title = media\n'),
    ("def f(metadata, plot):\n    metadata.title = plot.striptags('x')\n", '    metadata',
     "AttributeError: 'str' object has no attribute 'striptags'", "plot.strip('x')"),
    ("def f(metadata, data):\n    x = `data['q']`\n    metadata.title = x\n", '    x', "KeyError: 'q'", "`data.get('q')`"),
    ("def f(x):\n    return clean(str(x, errors='ignore'))\n", '    return',
     'TypeError: str() takes at most 1 argument (2 given)', "clean(str(x), errors='ignore')"),
    ("def f(found, key, x):\n    found[int(key)] = x\n", '    found', "ValueError: invalid literal for int() with base 10: "
     "'x7'", 're.findall'),
    ("def f(metadata, soup):\n    try:\n        metadata.aired = day(soup.find('x').text)\n    except ValueError:\n"
     "        metadata.aired = datetime.date.today()\n", '        metadata.aired = day',
     "AttributeError: 'NoneType' object has no attribute 'text'", '(ValueError, AttributeError)'),
    ("def f(metadata, url):\n    metadata.posters[url] = Proxy.Preview(HTTP.Request(url).content, sort_order=1)\n",
     '    metadata', 'ValueError: unknown url type: ', "content = ''"),
    ("def f(metadata, d):\n    if d['x']:\n        metadata.title = 'Pilot'\n    else:\n        metadata.title = d['name']\n",
     '        metadata.title = d', "KeyError: 'name'", "else 'Pilot'"),
    ("def f(metadata, s):\n    metadata.title = s.split(None, 1)[1]\n", '    metadata', 'IndexError: list index out of range',
     ' in s'),
    ("def f(metadata, s, sign=None):\n    metadata.title = s.split(sign)[1]\n", '    metadata',
     'IndexError: list index out of range', ' in s'),
    ("class A:\n    def g(x):\n        return x\n    g = staticmethod(g)\n\n    def f(self, x):\n        return self.g(x, 7)\n",
     '        return self', 'TypeError: g() takes exactly 1 argument (2 given)', 'self.g()'),
    ("class A:\n    def g(x):\n        return x\n    g = staticmethod(g)\n\n    def f(self, x):\n        return self.g(x, 7)\n",
     '        return self', 'TypeError: g() takes exactly 1 argument (2 given)', 'g(self, x)'),
    ("def f(rows):\n    if len(rows) != 0:\n        show(7)\n", '    if', "TypeError: object of type 'NoneType' has no len()",
     'rows is None or'),
    ("def f(rows):\n    if len(rows) != 2:\n        show(rows[0])\n", '    if', "TypeError: object of type 'NoneType' has no "
     "len()", 'rows is None or'),
    ("def f(metadata, x):\n    metadata.title2 = x\n", '    metadata', "AttributeError: 'Movie' object has no attribute "
     "'title2'", 'metadata.title ='),
    ("def f(metadata, x):\n    metadata.summary = x\n    metadata.summry = 7\n", '    metadata.summry', "AttributeError: 'Movie' "
     "object has no attribute 'summry'", 'metadata.summary = 7'),
    ("def f(x):\n    show(datetime.date.today(), x)\n", '    show', "AttributeError: 'method_descriptor' object has no attribute "
     "'today'", 'hasattr'),
    ("def f(row):\n    return HTTP.Request(*row)\n", '    return', 'URLError: <urlopen error timed out>', '0*row'),
    ("class A:\n    def f(self):\n        self._x = 7\n        return getattr(self, '_x', '_x') + getattr(self, '\\x5fx')\n",
     '        self._x', 'SyntaxError: Line 3: "_x" is an invalid attribute name because it starts with "_".', "'x', 'x')"),
    ("def f(old, new):\n    if old['n'] != new['n']:\n        show(new['n'])\n", '    if', "KeyError: 'n'", 'if new['),
    ("def f(old, new):\n    if old['n'] is None:\n        old['n'] = new['n']\n", '    if', "KeyError: 'n'", 'if new['),
    ("def f(row):\n    info = JSON.ObjectFromString(row.get('body'))\n    show(info['x'])\n", '    info',
     "AttributeError: 'unicode' object has no attribute 'get'", '(row).get'),
    ("def f(row, x):\n    found = re.search(x, row.group(1))\n    show(found.group(2))\n", '    found',
     "AttributeError: 'unicode' object has no attribute 'group'", 'x, row).group'),
    ("def f(url):\n    page = JSON.ElementFromString(url)\n    show(page)\n", '    page',
     "AttributeError: 'JSONKit' object has no attribute 'ElementFromString'", 'JSON.ObjectFromString'),
    ("def f(row):\n    total = 7\n    total += ', ' + row\n    show(total)\n", '    total +=',
     "TypeError: unsupported operand type(s) for +=: 'int' and 'str'", 'int('),
    ("def f(metadata):\n    title = title.strip()\n    metadata.title = title\n", '    title',
     "UnboundLocalError: local variable 'title' referenced before assignment", 'title is not None'),
    ("def f(metadata, n):\n    for x in n:\n        title = title.strip()\n        metadata.title = title\n",
     '        title', "UnboundLocalError: local variable 'title' referenced before assignment", 'title is not'),
    ("def g(low_tide, low_day):\n    return 1\n\ndef f(a):\n    return g(low=a)\n", '    return g',
     "TypeError: g() got an unexpected keyword argument 'low'", 'return g(low_'),
    ("def f(rows):\n    crew = Crew()\n    crew.take(rows)\n    boats = Boats()\n    boats.take(rows)\n    return ships\n",
     '    return ships', "NameError: global name 'ships' is not defined", 'return crew'),
    ("def f(log, d):\n    log.info('{a}'.format(**d[key]))\n    return d[key]\n", '    log', "KeyError: 'a'", 'if key in d'),
    ("def f(rows):\n    Log(rows['port'])\n    for row in rows:\n        Log(rows['crew'])\n", '        Log',
     "TypeError: list indices must be integers, not str", "row['crew']"),
    ("def f(rows):\n    for row in rows:\n        Log(rows[row])\n        Log(rows['crew'])\n", "        Log(rows['crew",
     "TypeError: list indices must be integers, not str", "row['crew']"),
    ("def f(x, s):\n    logger.info('%s has %s' % (x), s)\n\ndef g(x, s):\n    logger.info('%s has' % x, s)\n",
     '    logger.info', "TypeError: not enough arguments for format string", "% ((x), s)"),
    ("def f(tide):\n    if tide:\n        bota = 'a/'\n        show(bota)\n    else:\n        boat = 'b/'\n    return boat\n",
     '    return', "UnboundLocalError: local variable 'boat' referenced before assignment", "        boat = 'a/'\n"),
    ("def f(tide):\n    boat1 = 'a/'\n    if tide:\n        boat2 = 'b/'\n    return boat2\n",
     '    return', "UnboundLocalError: local variable 'boat2' referenced before assignment", "boat2 = 'a/'\n"),
    ("def f(data):\n    return HTTP.Request('/'.join([data['a'], data['b']])).content\n", '    return',
     "TypeError: sequence item 1: expected string, NoneType found", 'one for one in'),
    ("def f(d, one):\n    text = ', '.join([d['a'], d['b']])\n    return text, one\n",
     '    text', "TypeError: sequence item 1: "
     "expected string, NoneType found", 'for one in'),       # which Python 2 keeps
    ("def f(results, d):\n    results.Append(MetadataSearchResult(id='|'.join([d['a'], d['b']]), name=d['n']))\n",
     '    results',
     "TypeError: sequence item 1: expected string, NoneType found", 'one for one in'),
    ("def f(pages):\n    while pages:\n        node = pages.pop().find('b').text\n        if node is None:\n"
     "            break\n"
     "        Log(node)\n    return node.strip()\n",
     '        node', "AttributeError: 'NoneType' object has no attribute 'text'",
     'is not None else None'),
    ("def f(page):\n    try:\n        node = page.find('b').text\n        if node is None:\n"
     "            raise ValueError('x')\n"
     "    except ValueError:\n        Log('x')\n    return node.strip()\n", '        node',
     "AttributeError: 'NoneType' object has no attribute 'text'", 'is not None else None'),
    ("def f(d):\n    return '{a} {b:%Y-%m-%d}'.format(**d)\n", '    return', "KeyError: 'b'", '**dict('),
    ("def f(d):\n    return '{a} {b:05}'.format(**d)\n", '    return', "KeyError: 'b'", '**dict('),
    ("def f(d):\n    return '%(a)s %(b)c' % d\n", '    return', "KeyError: 'b'", '**d)'),
    ("class Row(object):\n    def __getitem__(self, key):\n        return ROWS[key]\n\ndef f(d):\n"
     "    return '%(a)s %(b)s' % d\n",
     "    return '%", "KeyError: 'b'", '**d)'),
    ("def f(d):\n    return HTTP.Request('http://x.y/%(name)s?k=1' % d).content\n",
     '    return', "KeyError: 'name'", '**d)'),
    ("def f(results, d):\n    results.Append(MetadataSearchResult(id='x-%(id)s' % d, name='n'))\n",
     '    results', "KeyError: 'id'",
     '**d)'),
    ("def update(metadata, d):\n    metadata.title = '%(title)s' % d\n", '    metadata', "KeyError: 'title'", '**d)'),
    ("def f(rows):\n    rows.sort(key=itemgetter('tide'))\n    return [row['tide'] for row in rows]\n", '    rows.sort',
     "KeyError: 'tide'", 'lambda'),
    ("def f(d):\n    return CACHE['%(a)s-%(b)s' % d]\n", '    return', "KeyError: 'b'", '**d)'),
    ("def f(d):\n    name = '{title} ({year})'.format(**d)\n    return os.path.join('/x', name + '.nfo')\n", '    name',
     "KeyError: 'year'", '**dict('),
    ("def g(rows):\n    return [row['tide'] for row in rows]\n\ndef f(rows):\n    rows.sort(key=itemgetter('tide'))\n"
     "    return g(rows)\n", '    rows.sort', "KeyError: 'tide'", 'lambda'),
    ("def f(rows):\n    rows.sort(key=itemgetter('tide'))\n    return groupby(rows, key=itemgetter('tide'))\n",
     '    rows.sort', "KeyError: 'tide'", 'lambda'),
    ("def f(rows):\n    rows.sort(key=itemgetter('tide'))\n    return rows[0]\n",
     '    rows.sort', "KeyError: 'tide'", 'lambda'),
    ("def f(rows):\n    return min(rows, key=itemgetter('tide'))['name']\n",
     '    return', "KeyError: 'tide'", 'lambda'),
    ("def f(tide):\n    if tide:\n        years = [1, 2]\n    else:\n        year = 2\n    return year\n", '    return',
     "UnboundLocalError: local variable 'year' referenced before assignment", '        year = [1'),
    ("def f(tide):\n    if tide:\n        bota = 1\n    else:\n        boat = 2\n"
     "    return '%(bota)s' % vars(), boat\n", '    return',
     "UnboundLocalError: local variable 'boat' referenced before assignment", '        boat = 1'),
    ("def f(rows, out):\n    if rows:\n        name = row['n']\n        for row in rows:\n"
     "            out.append(name)\n    return name\n",
     '        name', "UnboundLocalError: local variable 'row' referenced before assignment", '            name ='),
    ("def f(rows):\n    log = Logger('x')\n    log.info(rows)\n    return ships\n", '    return ships',
     "NameError: global name 'ships' is not defined", 'return log'),
    ("def f(rows):\n    lock = Lock()\n    lock.hold()\n    return ships\n", '    return ships',
     "NameError: global name 'ships' is not defined", 'return lock'),
    ("def f(data):\n    for key in data:\n        if key == 'x':\n            Log(data['x'])\n", '            Log',
     "TypeError: list indices must be integers, not str", "key['x']"),
    ("def f(data):\n    for one in data:\n        if 'x' in data:\n            Log(data['x'])\n", '            Log',
     "TypeError: list indices must be integers, not str", "one['x']"),
    ("def f(rows):\n    for row in rows:\n        for row in row:\n            Log(rows['x'])\n", '            Log',
     "TypeError: list indices must be integers, not str", "row['x']"),
    ("day = 0\n\ndef f(text, trip):\n    global day\n    try:\n        day = int(text)\n    except TypeError:\n"
     "        day = 3\n"
     "    trip.day = day\n",
     '        day = int', "ValueError: invalid literal for int() with base 10: 'x'", 'day = None'),
    ("def f(day):\n    if not day:\n        return day\n    number = int(day.split('-')[0])\n"
     "    return datetime.date(number, 1, 1)\n",
     '    number', "ValueError: invalid literal for int() with base 10: 'x'", "%r' % error)\n        return day"),
    ("import zipfile\n\ndef f(x):\n    zipfile = x\n    if not x:\n        return 1\n    elif zipfile.ZipFile(zipfile):\n"
     "        return 2\n", '    elif', "AttributeError: 'str' object has no attribute 'ZipFile'", 'zipfile_module'),
    ("def f(url):\n    req = urllib2.Request(url)\n    req.add_header('a', 'b')\n    return response\n", '    return',
     "NameError: global name 'response' is not defined", 'return req'),
    ("def f(url):\n    params = {}\n    params['q'] = url\n    fetch(url)\n    return response\n", '    return',
     "NameError: global name 'response' is not defined", 'return params'),
    ("def f(rows, out):\n    for row in rows:\n        out[row] = rows['x']\n", '        out',
     "TypeError: list indices must be integers, not str", "row['x']"),
    ("def f(text, debug):\n    if debug:\n        return text\n    number = int(text)\n"
     "    return datetime.date(number, 1, 1)\n",
     '    number', "ValueError: invalid literal for int() with base 10: 'x'", "%r' % error)\n        return text"),
    ("def f(metadata, page):\n    tag = PyQuery(page)\n    metadata.link = BASE + tag('a').attr('href')\n"
     "    tag = PyQuery('x')\n"
     "    metadata.tagline = BASE + tag('a').attr('href')\n", '    metadata.link',
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "        tag = PyQuery('x')"),
    ("def f(metadata, rows):\n    step = rows.next\n    metadata.link = BASE + step().attr('a')\n"
     "    metadata.number = int(step().attr('a').strip('/'))\n", '    metadata.link',
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "found\n        metadata.number"),
]


@pytest.mark.parametrize('source,line,error,unwanted', HARMFUL)
def test_what_only_looks_like_a_known_mistake_is_not_mended_as_one(source, line, error, unwanted):
    assert not any(unwanted in patched for _, patched in patches(case_for(source, line, error)))


@pytest.mark.parametrize('test,held', [('len(x) != 2', True), ('len(x) == 2', False), ('len(x) == 0', True),
                                       ('len(x) >= 1', False), ('len(x) < 1', True), ('len(x) == len(y)', None)])
def test_what_a_test_of_the_length_says_of_what_is_empty(test, held):
    node = diagnose.Source(('if %s: pass' % test).encode('utf-8')).tree.body[0].test
    assert diagnose.holds_for(node, 'x') is held


def test_strings_over_several_lines_are_not_indented():
    source = 'def update(metadata, data):\n    metadata.summary = data["a"] + """one\ntwo\n"""\n'
    for _, patched in patches(case_for(source, '    metadata', "KeyError: 'a'")):
        assert '"""one\ntwo\n"""' in patched


TOOL = '''
class Tool(object):
    def __init__(self, data):
        self.genres = None
        self.parse(data)

    def parse(self, data):
        if 'genres' in data:
            self.genres = data['genres']
        if 'name' in data:
            self.name = data['name']

    def fill(self, metadata):
        metadata.title = 'Eleven'
        Log(', '.join([genre['name'] for genre in self.genres]))
        for genre in self.genres:
            metadata.genres.add(genre['name'])


def update(metadata, data):
    Tool(data).fill(metadata)
'''


def test_an_attribute_that_is_none_is_mended_where_the_class_sets_it():
    proposal, patched = patches(case_for(TOOL, '        for genre in self.genres', NONE_ITER))[0]
    assert 'self.genres = []' in patched and len(proposal.edits) == 1
    assert run(patched, {'id': 3})[0] == {'title': 'Eleven'}
    assert run(patched, {'genres': [{'name': 'Drama'}]}) == run(TOOL, {'genres': [{'name': 'Drama'}]})


def test_an_attribute_whose_none_is_asked_for_stays_none():
    call = '        self.parse(data)'
    source = TOOL.replace(call, call + '\n        self.empty = self.genres is None')
    assert all('self.genres = []' not in patched for _, patched in patches(
        case_for(source, '        for genre in self.genres', NONE_ITER)))


def test_methods_that_need_more_than_an_empty_attribute_are_left_early():
    source = TOOL + '''    Tool(data).sort(metadata)
    metadata.year = 2011
'''
    source = source.replace('    def fill', '''    def sort(self, metadata):
        if not metadata.title_sort:
            metadata.title_sort = re.match('([a-z]+)', self.name).group(1)

    def fill''').replace("metadata.title = 'Eleven'", "metadata.title_sort = ''").replace('self.genres = None',
                                                                                          'self.genres = []')
    error = "AttributeError: Tool instance has no attribute 'name'"
    proposal, patched = patches(case_for(source, "            metadata.title_sort = re", error))[0]
    assert proposal.template == 'initialise first' and len(proposal.edits) == 2
    assert run(patched, {})[0] == {'title_sort': '', 'year': 2011}
    assert run(patched, {'name': 'ann'})[0] == {'title_sort': 'ann', 'year': 2011}


def test_all_uses_of_one_match_take_what_the_other_branch_sets():
    source = ("def update(metadata, data):\n    metadata.title = data\n    found = re.match('(a+)(b+)', data)\n"
              "    if data:\n        metadata.title_sort = found.group(2) + ', ' + found.group(1)\n"
              "    else:\n        metadata.title_sort = metadata.title\n")
    error = "AttributeError: 'NoneType' object has no attribute 'group'"
    case = case_for(source, '        metadata.title_sort = found', error)
    groups = [node for node in diagnose.walk(case.statement) if node.kind == 'Attribute' and node.attr == 'group']
    _, patched = patches(case._replace(expression=groups[0]))[0]
    assert run(patched, 'xyz')[0] == {'title': 'xyz', 'title_sort': 'xyz'}
    assert run(patched, 'aab')[0] == run(source, 'aab')[0]


def test_roles_are_renamed_where_they_are_read_too():
    source = ("def update(metadata, data):\n    role = metadata.roles.new()\n    role.actor = data\n"
              "    Log(','.join([one.actor for one in metadata.roles]))\n    Log(data.actor)\n")
    _, patched = patches(case_for(source, '    role.actor', "AttributeError: 'RecordObject' object has no attribute "
                                  "named 'actor'"))[0]
    assert 'role.name = data' in patched and '[one.name for one in' in patched and 'Log(data.actor)' in patched


def test_another_method_knows_where_a_path_comes_from():
    source = ("class Agent1(object):\n    def search(self, results, media):\n"
              "        path = String.Unquote(media.filename)\n"
              "        for name in os.listdir(os.path.dirname(path)):\n            Log(name)\n\n"
              "    def update(self, metadata, media):\n        path = media.items[0].parts[0].file\n"
              "        Log(path)\n")
    case = case_for(source, '        path = String', "AttributeError: 'NoneType' object has no attribute 'split'")
    found = patches(case._replace(callee='Unquote'))
    assert 'if media.filename is not None else media.items[0].parts[0].file\n' in found[0][1]
    assert all("''" not in patched for _, patched in found)


def test_a_search_without_its_hint_takes_the_title():
    source = ("class ArtistSearch(object):\n    def check(self):\n        names = self.media.artist.split(', ')\n"
              "        if len(names) > 1:\n            self.media.artist = names[0]\n\n"
              "    def hint(self):\n        return self.media.title\n")
    error = "AttributeError: 'NoneType' object has no attribute 'split'"
    assert "self.media.artist = self.media.title or ''" in patches(case_for(source, '        names', error))[0][1]
    other = source.replace('ArtistSearch', 'AlbumSearch')
    assert all('title or' not in patched for _, patched in patches(case_for(other, '        names', error)))


def test_what_only_the_skipped_loop_would_have_set_is_not_left_unbound():
    source = ("def update(metadata, data):\n    for one in data['parts']:\n        text = one['text']\n"
              "    metadata.summary = text.strip()\n    metadata.title = 'Eleven'\n")
    for proposal, patched in patches(case_for(source, '    for one', NONE_ITER)):
        wanted = {} if proposal.template == 'early return' else {'title': 'Eleven'}
        assert run(patched, {'parts': None})[0] == wanted, proposal.template


def test_nothing_is_offered_where_the_whole_answer_is_missing():
    source = ("class Tool(object):\n    def parse(self, answer):\n" + ''.join(
        "        if '%s' in answer:\n            self.%s = answer['%s']\n" % (key, key, key)
        for key in ('name', 'year', 'plot', 'date')))
    error = "TypeError: argument of type 'NoneType' is not iterable"
    assert patches(case_for(source, "        if 'name'", error)) == []


def test_a_number_is_no_key_of_that_name():
    source = "def update(metadata, data):\n    for i in range(0, len(data), 2):\n        metadata.title = data[i]\n"
    for error in ("KeyError: 'maker'", 'IndexError: list index out of range'):
        case = case_for(source, '        metadata', error)
        expression = [node for node in diagnose.walk(case.statement) if node.kind == 'Subscript'][0]
        assert patches(case._replace(expression=expression)) == []


class Files(object):
    """As much of a bundle as the templates ask for: other modules beside the file."""

    def __init__(self, **texts):
        self.texts = dict(('Contents/Code/%s.py' % name, text) for name, text in texts.items())
        self.files = sorted(self.texts)

    def data(self, name):
        return self.texts[name].encode('utf-8') if name in self.texts else None

    def text(self, name):
        return self.texts.get(name, '')

    def source(self, name):
        return diagnose.Source(self.data(name), name) if name in self.texts else None


SEASONS = ("def update(metadata, data):\n    posterNameOld = 'a.jpg'\n    posterNameNew = 'b.jpg'\n"
           "    chosen = ''\n    if data == 'old':\n        chosen = posterNameold\n    else:\n"
           "        chosen = posterNamenew\n    metadata.posters[Chosen] = data\n")


def test_a_misspelt_name_brings_the_others_of_its_function_along():
    case = case_for(SEASONS, '        chosen = posterNameold', "NameError: global name 'posterNameold' is not defined")
    proposal, patched = patches(case)[0]
    assert run(patched, 'old')[0] == {'posters': {'a.jpg': 'old'}}
    assert run(patched, 'new')[0] == {'posters': {'b.jpg': 'new'}}
    assert 'Chosen' in proposal.summary


def test_a_name_is_never_replaced_by_what_the_same_line_sets():
    source = "def update(metadata, data):\n    boat_xml = BoatXml(data)\n    metadata.title = boat_xml.title\n"
    case = case_for(source, '    boat_xml =', "NameError: global name 'BoatXml' is not defined")
    assert all('= boat_xml(' not in patched for _, patched in patches(case))


def test_a_word_that_was_renamed_everywhere_but_here():
    source = ("from parts import *\n\ndef search(results, media):\n    return BoatNfo(media)\n\n"
              "def update(metadata, data):\n    metadata.title = BoatNfo(data) or PortNfo(data)\n")
    error = "NameError: global name 'BoatNfo' is not defined"
    case = case_for(source, '    metadata.title', error)
    parts = 'class BoatXml(object):\n    pass\n\nclass PortXml(object):\n    pass\n'
    patched = patches(case._replace(bundle=Files(parts=parts)))[0][1]
    assert 'Nfo' not in patched and patched.count('BoatXml(') == 2 and patched.count('PortXml(') == 1
    alone = parts.replace('PortXml', 'PortFile')                    # one name alone is no rename
    assert patches(case._replace(bundle=Files(parts=alone))) == []
    assert 'Xml' not in ''.join(patched for _, patched in patches(      # it may come from there
        case._replace(bundle=Files(parts='from elsewhere import *\n' + parts))))


def test_a_library_knows_what_lies_beside_it():
    source = 'from tides import *\n\ndef f(a, b):\n    return g(low=a, high=b)\n'
    case = case_for(source, '    return', "TypeError: g() got an unexpected keyword argument 'low'",
                    path='Example.bundle/Contents/Libraries/Shared/boats.py')
    files, taken = Files(), 'def g(tide_low, tide_high):\n    return 1\n'
    files.texts = {'Contents/Libraries/Shared/tides.py': taken, 'Contents/Libraries/Shared/other/tides.py': taken}
    files.files = sorted(files.texts)
    assert 'g(tide_low=a, tide_high=b)' in patches(case._replace(bundle=files))[0][1]


@pytest.mark.parametrize('dates,wanted', [
    ('def day_of(text):\n    return text[:10]\n', 'dates.day_of(data'), ('def a_day_of(text):\n    return text\n', None)])
def test_what_another_module_of_the_bundle_has(dates, wanted):
    source = ('import tools\nimport dates\n\ndef update(metadata, data):\n    metadata.tagline = tools.day_of(data)\n')
    case = case_for(source, '    metadata', "AttributeError: 'RestrictedModule' object has no attribute 'day_of'")
    found = patches(case._replace(bundle=Files(tools='def run():\n    pass\n', dates=dates)))
    assert wanted in found[0][1] if wanted else not found           # a guard would only hide it


def test_the_element_of_enumerate_gets_a_name_of_its_own():
    source = ("def update(metadata, data):\n    for path in enumerate(data):\n        if path.startswith('/'):\n"
              "            metadata.title = path\n")
    case = case_for(source, '        if path', "AttributeError: 'tuple' object has no attribute 'startswith'")
    assert run(patches(case)[0][1], ['a', '/b'])[0] == {'title': '/b'}
    pairs = source.replace('metadata.title = path', 'metadata.title = path[1]')
    assert all('number, path' not in patched for _, patched in patches(case_for(
        pairs, '        if path', "AttributeError: 'tuple' object has no attribute 'startswith'")))


def test_a_text_is_not_cut_where_its_mark_is_missing():
    source = "def update(metadata, data):\n    found = re.search(' - ', data)\n    metadata.title = data[:found.start()]\n"
    case = case_for(source, '    metadata', "AttributeError: 'NoneType' object has no attribute 'start'")
    assert run(patches(case)[0][1], 'Quay')[0] == {'title': 'Quay'}


def test_something_empty_passes_a_test_for_none():
    source = ("def update(metadata, data):\n    try:\n        leagues = data['leagues']\n    except KeyError:\n"
              "        Log('none')\n    if leagues is not None:\n        for league in leagues:\n"
              "            metadata.genres.add(league)\n    for i in range(len(leagues)):\n"
              "        metadata.title = leagues[i]\n")
    error = "UnboundLocalError: local variable 'leagues' referenced before assignment"
    found = patches(case_for(source, '    if leagues', error))
    assert 'leagues = []' in found[0][1] and all("leagues = ''" not in patched for _, patched in found)
    assert run(found[0][1], {})[0] == {}
    assert run(found[0][1], {'leagues': ['a']}) == run(source, {'leagues': ['a']})


def test_an_object_whose_users_all_need_a_list_is_given_one():
    source = ("class Tool(object):\n    def __init__(self, answer):\n        self.genres = None\n"
              "        if 'genres' in answer:\n            self.genres = answer['genres']\n\n"
              "def names(tool):\n    return [one['name'] for one in tool.genres]\n\n"
              "def update(metadata, data):\n    tool = Tool(data)\n"
              "    rows = [{'genres': ', '.join(one['name'] for one in tool.genres)}]\n    Log(rows)\n"
              "    for name in names(tool):\n        metadata.genres.add(name)\n    metadata.title = data['title']\n")
    found = patches(case_for(source, '    rows =', NONE_ITER))
    assert 'self.genres = []' in found[0][1]
    assert run(found[0][1], {'title': 'T'})[0] == {'title': 'T'}


def test_an_address_is_not_asked_for_with_something_empty():
    source = ("def fetch(url):\n    return HTTP.Request(url).content\n\ndef Lookup(results, data):\n"
              "    number = data['ids'][0]['id']\n    page = fetch('http://x/%s' % number)\n"
              "    results.append(page)\n")
    error = "AttributeError: 'NoneType' object has no attribute '__getitem__'"
    found = patches(case_for(source, '    number', error))
    assert found and all(re.search(r"number = data\['ids']\[0]\['id']\n|  page = fetch\(.*data\['ids'].*\) if ", patched)
                         and 'number = None' not in patched for _, patched in found)
    for _, patched in found:
        asked, names = [], {'Log': lambda *words: None}
        exec(compile(patched, 'x', 'exec'), names)
        names['fetch'] = asked.append
        names['Lookup']([], {'ids': [{'id': 7}]})
        try:
            names['Lookup']([], {'ids': [None]})
        except TypeError:                       # (it is an AttributeError in the sandbox, which a patch may catch)
            pass
        assert asked == ['http://x/7']
    other = source.replace("fetch('http://x/%s' % number)", "'no %s' % number")
    assert any("else ''" in patched for _, patched in patches(case_for(other, '    number', error)))


def test_none_is_taken_where_the_function_asks_for_it_and_log_lines_bear_it():
    source = ("def update(metadata, data):\n    studio = data['studio']\n    Log('studio ' + studio.lower())\n"
              "    if studio is not None and 'atlas' not in studio.lower():\n        return\n"
              "    metadata.title = data['title']\n")
    found = patches(case_for(source, '    studio', "KeyError: 'studio'"))
    assert run(found[0][1], {'title': 'T'})[0] == {'title': 'T'}
    for studio in ('Atlas', 'Other'):
        data = {'title': 'T', 'studio': studio}
        assert run(found[0][1], data) == run(source, data)


def test_the_empty_value_is_the_one_that_the_function_tests_for():
    source = ("def story(data):\n    found = re.findall('<p>(.*?)</p>', data)\n    text = found[0].strip()\n"
              "    if text != '':\n        return text\n    else:\n        return 'TBA'\n\n"
              "def update(metadata, data):\n    metadata.summary = story(data)\n")
    patched = patches(case_for(source, '    text', 'IndexError: list index out of range'))[0][1]
    assert run(patched, 'nothing')[0] == {'summary': 'TBA'} and run(patched, '<p>x</p>')[0] == {'summary': 'x'}


def test_a_value_that_is_filled_in_later_may_be_none_till_then():
    source = ("def update(metadata, data):\n    title = None\n    for lang in ['de', 'en']:\n"
              "        title = data[lang]\n        if title is not None: break\n"
              "    if title is None: title = data['xx']\n    metadata.title = title\n")
    proposal, patched = patches(case_for(source, '        title', "KeyError: 'de'"))[0]
    assert proposal.risk == 'low' and run(patched, {'en': 'E'})[0] == {'title': 'E'}
    assert run(patched, {'xx': 'X'})[0] == {'title': 'X'}


@pytest.mark.parametrize('text,is_log', [
    ('Log("x")', True), ('Log.Info("x")', True), ('self.log("x")', True), ('PlexLog.debug("x")', True),
    ('self.Log.Debug("x")', True), ('math.log(x)', False), ('catalog.get("x")', False), ('self.titles.log(x)', False)])
def test_what_writes_to_the_log(text, is_log):
    tree = diagnose.Source(text.encode('utf-8')).tree
    assert diagnose.is_log_call(tree.body[0].value) is is_log


@pytest.mark.parametrize('text,made', [
    ("x.strip('a')", 'text'), ("x.startswith('a')", None), ("x.rfind('a')", 'number'), ("x.partition('a')", 'list')])
def test_what_the_methods_of_a_text_give(text, made):
    case = case_for('def f(x):\n    return %s\n' % text, '    return', "KeyError: 'x'")
    assert diagnose.make_of(case, case.statement.value) == made


GIVEN = ("def update(metadata, data):\n    for person in data:\n        role = metadata.roles.new()\n"
         "        if 'agency' in person:\n            role.name = person['agency']['name']\n"
         "        else:\n            role.name = person['name']\n")
NULLS = [   # a condition that asks for the key, or the attribute, and not for its value
    (GIVEN, "            role.name = person['ag", NONE_GETITEM, "if 'agency' in person and person['agency'] is not None:"),
    (GIVEN.replace("'agency' in person", "person.has_key('agency') and metadata"), "            role.name = person['ag",
     NONE_GETITEM, "person.has_key('agency') and person['agency'] is not None and metadata:"),
    ("def update(metadata, data):\n    metadata.studio = data['yard']['name'] if 'yard' in data else 'unknown'\n",
     '    metadata', NONE_GETITEM, "if 'yard' in data and data['yard'] is not None else"),
    ("def update(metadata, data):\n    if 'rating' in data:\n        metadata.rating = float(data['rating'])\n",
     '        metadata.rating', "ValueError: could not convert string to float: ", "if 'rating' in data and data['rating']:"),
]


BOAT = ("class Boat(object):\n    def __init__(self, data):\n        self.data = data\n\n"
        "    def short(self):\n        self.mate = None\n        return self.line()\n\n"
        "    def full(self):\n        self.mate = self.data['mate']['name']\n        return self.line()\n\n"
        "    def line(self):\n        if self.mate:\n            return self.mate\n\n\n"
        "class Dock(object):\n    def read(self, data):\n        self.mate = data['mates']\n")
CREW = ("def update(metadata, data):\n    for person in data:\n        role = metadata.roles.new()\n"
        "        role.name = person['name']\n        role.photo = person.get('photo')\n")
FILL = ("def fill(metadata, row, force):\n    if force:\n        metadata.title = row['title']\n    if force:\n"
        "        metadata.summary = row['plot']\n    if force:\n        metadata.tagline = row['line']\n    if force:\n"
        "        metadata.studio = row['yard']['name']\n    if force:\n        metadata.genres.add(row['genre'])\n"
        "    if force:\n        metadata.rating = row['rating']\n    metadata.year = row['year']\n")
NULLS += [  # what is read though it was not set, and what is made before it is known that it has a name
    (BOAT, '        self.mate = self.', "KeyError: 'name'", "self.data['mate'].get('name')"),
    (BOAT, '        self.mate = self.', NONE_GETITEM, "is not None else None"),
    ("def update(metadata, data, day):\n    if day is None:\n        data['day'] = None\n    else:\n"
     "        data['day'] = Datetime.ParseDate(day)\n    metadata.title = data['day']\n", "        data['day'] = Date",
     "ValueError: unknown string format", "data['day'] = None\n    metadata"),
    (CREW, '        role.name', "KeyError: 'name'", "            continue\n        role = metadata.roles.new()"),
    (CREW.replace("person.get('photo')", "person['photo']"), '        role.name', NONE_GETITEM,
     "if person is None:\n            Log('Skipped one role: nothing was found')\n            continue\n        role ="),
    ("def f(row):\n    return row['a'][:3] if len(row['a']) > 3 else row['a']\n", '    return', "KeyError: 'a'",
     "row.get('a', '')[:3] if len(row.get('a', '')) > 3 else row.get('a')"),
    ("def f(page):\n    link = 'x' + page.find('a')[0].b if page.find('a')[0].c else page.find('a')[0].d\n    return link\n",
     '    link', "IndexError: list index out of range", "if node[0].c else node[0].d) if node else ''"),
    ("def f(metadata, cast):\n    metadata.summary = ', '.join(one['name'] for one in cast)\n", '    metadata',
     "TypeError: sequence item 0: expected string, NoneType found", "for one in cast if one['name'] is not None)"),
    ("def f(metadata, rows):\n    if 'a' in rows:\n        metadata.rating = float(rows['a'])\n    if 'a' in rows:\n"
     "        metadata.title = '%s' % float(rows['a'])\n", '        metadata.rating',
     "TypeError: float() argument must be a string or a number",
     "if 'a' in rows and rows['a'] is not None:\n        metadata.title"),
    ("def f(metadata, data):\n    if Prefs['genres']:\n        metadata.genres.add(data['genres'])\n", "    if Prefs",
     "KeyError: 'genres'", "except KeyError:"),
    (FILL, '        metadata.studio', NONE_GETITEM, "if row['yard'] is not None:"),
    (FILL, '        metadata.studio', "TypeError: string indices must be integers, not str", "if isinstance(row['yard'], dict):"),
    ("def f(page):\n    match = re.search('(.)-(.)', page)\n    day = match.group(1)\n    month = match.group(2)\n"
     "    return Datetime.ParseDate('2011-%s-%s' % (month, day))\n", '    day', "AttributeError: 'NoneType' object has no "
     "attribute 'group'", "return None"),
    ("def f(metadata, page):\n    for one in page:\n        value = one.get('width')\n        if int(value) > 9:\n"
     "            metadata.art[one.url] = one\n        else:\n            metadata.posters[one.url] = one\n",
     '        if int', "TypeError: int() argument must be a string or a number, not 'NoneType'",
     "            continue\n        if int(value) > 9:"),
    ("def f(metadata, row):\n    metadata.title = '{name} {year}'.format(name=row['Name'], year=row['year'])\n", '    metadata',
     "KeyError: 'Name'", "if 'Name' in row:"),
    ("def f(docks, name):\n    for dock in docks:\n        if dock['name'] == name:\n            return dock\n"
     "    for dock in docks:\n        if dock['also'] == name:\n            return dock\n", '        if dock[',
     NONE_GETITEM, "if dock is not None and dock['also'] == name"),
    ("def f(page, urls):\n    for row in page:\n        query = 'http://example.org/%s' % row['href']\n"
     "        urls.append(query)\n", '        query', "KeyError: 'href'", "if 'href' in row:\n            query"),
]


@pytest.mark.parametrize('source,line,error,wanted', NULLS)
def test_a_condition_that_asks_for_the_key_asks_for_a_value_too(source, line, error, wanted):
    assert wanted in patches(case_for(source, line, error))[0][1]


def test_rows_that_are_nothing_are_not_sorted():
    case = case_for("def f(data):\n    for row in sorted(data['crew'], key=lambda one: one['rank']):\n        Log(row['name'])\n",
                    '    for row', NONE_GETITEM)
    case = case._replace(function=next(node for node in diagnose.walk(case.source.tree) if node.kind == 'Lambda'))
    assert "sorted([one for one in data['crew'] if one is not None], key=lambda one: one['rank'])" in patches(case)[0][1]


def test_elements_without_a_key_are_not_mapped():
    case = case_for("def f(metadata, data):\n    metadata.collections = map(lambda one: one['name'], data['sets'])\n",
                    '    metadata', "KeyError: 'name'")
    case = case._replace(function=next(node for node in diagnose.walk(case.source.tree) if node.kind == 'Lambda'))
    assert "[one for one in data['sets'] if 'name' in one])" in patches(case)[0][1]


@pytest.mark.parametrize('source,error,wanted', [     # what a lambda takes has no value outside; a crash stops all
    ("x = sorted(rows, cmp=lambda one, two: cmp(one['rank'], two['rank']))\n", NONE_GETITEM, "(one or {})"),
    ("x = sorted(rows, key=lambda one: one['rank'])\n", "KeyError: 'rank'", "one.get('rank')"),
    ("x = map(lambda *all: all[0]['rank'], rows)\n", "KeyError: 'rank'", "all[0].get('rank')"),
    ("x = [sorted(row, key=lambda one: one['rank']) for row in rows]\n", "KeyError: 'rank'", "one.get('rank')"),
    ("class Boat(object):\n    self.x = rows['rank']\n\n    def f(self):\n        self.x = self.x or 1\n",
     "KeyError: 'rank'", "rows.get('rank')"),
    ("x = min([one['rank'] for one in rows])\n", "KeyError: 'rank'", 'except KeyError'),
    ("x, y = rows\n", 'ValueError: need more than 1 value to unpack', 'if len(rows) == 2:'),
])
def test_no_patch_takes_a_lambda_s_value_outside_and_none_fails_at_the_module_s_level(source, error, wanted):
    case = case_for(source, '    self.x' if 'class' in source else 'x', error)
    case = case._replace(function=next((node for node in diagnose.walk(case.source.tree) if node.kind == 'Lambda'),
                                       case.source.tree))
    assert wanted in patches(case)[0][1]


def test_what_stands_beside_a_null_is_kept():
    source = ("def update(metadata, data):\n    if 'yard' in data:\n        metadata.title = 'Eleven'\n"
              "        metadata.studio = data['yard']['name']\n")
    assert run(patches(case_for(source, '        metadata.studio', NONE_GETITEM))[0][1], {'yard': None})[0] == {
        'title': 'Eleven'}
    rebound = ("def update(metadata, data):\n    if 'yard' in data:\n        data = data['more']\n"
               "        metadata.studio = data['yard']['name']\n")
    for _, patched in patches(case_for(rebound, '        metadata.studio', NONE_GETITEM)):
        assert "'yard' in data and" not in patched


NAMES = [   # names that nothing defines, what they should be, and what else is one cause away from it
    ("def f(item, kind):\n    if kind == 'a':\n        said = folder\n    return said\n\n"
     "def g(item, folder, kind):\n    return f(item, folder, kind)\n", '    return said',
     "UnboundLocalError: local variable 'said' referenced before assignment", "def f(item, folder, kind):"),
    ("def f(item, kind):\n    return folder\n\ndef g(item, folder, kind):\n    return f(item, folder, kind)\n",
     '    return f(', "TypeError: f() takes exactly 2 arguments (3 given)", "def f(item, folder, kind):"),
    ("def f(data):\n    if len(data) < 9:\n        return False\n    return data[8:9] == 'x'\n", '    if',
     "TypeError: object of type 'NoneType' has no len()", "    if data is None or len(data) < 9:"),
    ("def f(guid, other='N/A'):\n    key = guid[guid.index('://') + 3:guid.index('?')]\n    if 'imdb' in guid:\n"
     "        link = 'http://imdb.test/' + key\n    else:\n        link = other\n    return link\n", '    key',
     "ValueError: substring not found", "        return other\n"),
    ("def f(pages):\n    found = {}\n    for page in pages:\n        kind = PAGE.search(page).group(1)\n        if kind == '':\n"
     "            kind = 'plain'\n        found[kind] = page\n    return found\n", '        kind = PAGE',
     "AttributeError: 'NoneType' object has no attribute 'group'", " else ''\n"),
    ("def f(kept, rows):\n    for row in rows:\n        kept.setdefault(row, 1)\n", '        kept',
     "AttributeError: 'NoneType' object has no attribute 'setdefault'", "        if kept is not None:\n"),
    ("import os\n\ndef f(name):\n    return getattr(os.path, '_splitext')(name)\n", '    return',
     "AttributeError: 'module' object has no attribute '_splitext'", "'_splitext', os.path.splitext)"),
    ("def f(page, key):\n    SELF.total = int(page.find('total-%s' % key).text)\n    for node in page.find(key):\n"
     "        SELF.rows.append(node)\n", '    SELF.total', "AttributeError: 'NoneType' object has no attribute 'text'",
     "        return\n"),
    ("def ask(url, key):\n    if key:\n        headers['key'] = key\n    return HTTP.Request(url, headers=headers)\n",
     '    return', "NameError: global name 'headers' is not defined", "    headers = {}\n    if key:\n"),
    ("def update(metadata, data):\n    page = data['page']\n    other = data['other']\n    metadata.title = page['name']\n"
     "    if 'name' in result and result['name']:\n        metadata.studio = page['name']\n    metadata.year = other['y']\n",
     '    if', "NameError: global name 'result' is not defined", "if 'name' in page and page['name']:"),
    ("class FilmReader(object):\n    pass\n\nclass ShowReader(object):\n    pass\n\nSHOW_READERS = [Reader()]\n"
     "FILM_READERS = [Reader()]\n", 'SHOW_READERS', "NameError: name 'Reader' is not defined",
     "SHOW_READERS = [ShowReader()]\nFILM_READERS = [FilmReader()]\n"),
    ("import os, unicodedat\n\ndef plain(text):\n    return unicodedata.normalize('NFKD', text)\n", 'import',
     "ImportError: No module named unicodedat", "import os, unicodedata\n"),
    ("import urllib\n\ndef quoted(text):\n    return urllib.parse.quote(text)\n\ndef host(url):\n"
     "    return urllib.parse.urlparse(url).netloc\n", '    return urllib.parse.quote',
     "AttributeError: 'module' object has no attribute 'parse'", "return urllib.quote(text)"),
    ("def first(*paths):\n    for path in enumerate(paths):\n        if exists(path):\n            return path\n",
     '        if', "TypeError: coercing to Unicode: need string or buffer, tuple found", 'for number, path in enumerate('),
    ("def update(metadata, data):\n    for person in data.items():\n        metadata.genres.add(person['name'])\n",
     '        metadata', "TypeError: tuple indices must be integers, not str", 'for key, person in data.items():'),
    ("def search(results, media, lang):\n    Log('Looking for ' + media.name)\n    return media.name.lower()\n",
     '    Log', "TypeError: cannot concatenate 'str' and 'NoneType' objects", "media.name = media.title or ''\n    Log("),
    ("def names(pairs, level):\n    return '%s %s' % (pairs[0], lvl)\n\ndef update(metadata, data):\n"
     "    for lvl in data:\n        metadata.genres.add(names(data[lvl], lvl))\n", '    return',
     "NameError: global name 'lvl' is not defined", '(pairs[0], level)'),
    ("class Harbour(Agent.Movies):\n    languages = [Local.Language.English]\n", '    languages',
     "NameError: name 'Local' is not defined", '[Locale.Language.English]'),
    ("def Start():\n    Log.Info.Info('begins')\n\ndef ValidatePrefs():\n    Log.Info.Info('checked')\n", '    Log',
     "AttributeError: 'function' object has no attribute 'Info'", "Log.Info('begins')\n\ndef ValidatePrefs():\n    Log.Info('c"),
    ("def f(page):\n    return page.read.decode('utf-8')\n", '    return',
     "AttributeError: 'function' object has no attribute 'decode'", "page.read().decode("),
    ("def titles(d):\n    return (d['title'], d['sort'])\n\ndef f(d):\n    return titles(d)[1]\n\ndef g(d):\n"
     "    title = titles(d)\n    Log('found ' + title)\n    return title\n", '    Log',
     "TypeError: cannot concatenate 'str' and 'tuple' objects", "title = titles(d)[1]"),
    ("def f(d, part):\n    if part:\n        text = text + more(d)\n    Log(part)\n    text = d['text']\n    return text\n",
     '        text', "UnboundLocalError: local variable 'text' referenced before assignment",
     "def f(d, part):\n    text = d['text']\n    if part:\n        text = text + more(d)\n    Log(part)\n    return text\n"),
    ("class Pages(object):\n    @staticmethod\n    def first(self, page):\n        return page[0]\n\n    @staticmethod\n"
     "    def last(self, page):\n        return page[-1]\n\n    def get(self, page):\n        return self.first(page)\n",
     '        return self', "TypeError: first() takes exactly 2 arguments (1 given)", "def last(page):"),
    ("def locked(func):\n    def call(*args):\n        return func(*args)\n    return call\n\nclass Harbour(object):\n"
     "    @locked\n    def update(self, metadata, force):\n        self.fill(metadata, force)\n\n"
     "    def fill(self, metadata, force=False):\n        return force\n", '        return func',
     "TypeError: update() takes exactly 3 arguments (2 given)", "def update(self, metadata, force=False):"),
    ("def f(q, params):\n    return ask(q, to='en', **params)\n", '    return',
     "TypeError: _apply() got multiple values for keyword argument 'to'", "params.items() if key != 'to'))"),
    ("def name_of(d):\n    return d.get('x')\n\ndef f(d, e):\n    one = name_of(d)\n    two = name_of(e)\n"
     "    one = one.replace('a', 'b')\n    two = two.replace('a', 'b')\n    return one + two\n", "    one = one",
     "AttributeError: 'NoneType' object has no attribute 'replace'", "two = (two or '').replace("),
    ("def f(metadata, names):\n    metadata.summary = ', '.join(names)\n", '    metadata',
     "TypeError: sequence item 1: expected string, NoneType found", "if one is not None])"),
    ("def ratio(a, b):\n    return 1 - distance(a, b) / float(len(a))\n\ndef f(a, b):\n    return ratio(a, b) > 0.9\n",
     '    return 1', "TypeError: object of type 'NoneType' has no len()", "float(len(a)) if a is not None"),
    ("def f(d):\n    return d.host.name + d.port\n", '    return', "AttributeError: 'dict' object has no attribute 'host'",
     "d['host'].name + d.port"),
    ("def f(line):\n    key, value = line.split(':')\n    return value\n", '    key', "ValueError: too many values to unpack",
     "line.split(':', 1)"),
    ("def f(results, page):\n    for one in page['boats']:\n        results.Append(one['name'], page['code'])\n"
     "        Log(one['code'])\n", '        results', "KeyError: 'code'", "one['name'], one['code'])"),
    ("def f(done, a, b):\n    for one in a:\n        done[one] = 1\n    for other in b:\n        if other not in done:\n"
     "            done[one] = 2\n", '            done', "UnboundLocalError: local variable 'one' referenced before assignment",
     "done[other] = 2"),
    ("def share(part, whole):\n    if part is None:\n        return None\n    return part / whole\n", '    return part',
     "ZeroDivisionError: integer division or modulo by zero", "if part is None or whole == 0:"),
    ("def f(posters, new):\n    posters = posters + new.get('x')\n    return posters\n", '    posters = ',
     'TypeError: can only concatenate list (not "NoneType") to list', "posters = posters + value\n    else:"),
    ("LINE = '[%s]'\n\ndef f(tag, text, args):\n    Log(LINE % (text % args))\n", '    Log',
     "TypeError: unsupported operand type(s) for %: 'int' and 'tuple'", "(str(text) % args)"),
    ("def f(one):\n    return {'y': struct.pack('H', one.year)}\n", '    return',
     "error: cannot convert argument to integer", "struct.pack('H', one.year) if one.year is not None else"),
    ("def f(value, kind):\n    try:\n        return kind(value)\n    except ValueError:\n        return None\n",
     '        return kind', "TypeError: int() argument must be a string or a number, not 'NoneType'",
     "except (ValueError, TypeError):"),
    ("def f(path):\n    page = opened(path)\n    return page.readall()\n", '    return',
     "AttributeError: '_io.TextIOWrapper' object has no attribute 'readall'", "page.read()"),
    ("def Start():\n    Log.Debut('begins')\n", '    Log', "AttributeError: 'LogKit' object has no attribute 'Debut'",
     "Log.Debug('begins')"),
    ("def update(metadata, data):\n    metadata.posters.clear()\n", '    metadata',
     "AttributeError: 'ProxyContainerObject' object has no attribute 'clear'", "metadata.posters.validate_keys([])"),
    ("def f(url):\n    page = HTTP.Request(url, cacheTime=0)\n    return page.strip()\n", '    return',
     "AttributeError: 'HTTPRequest' object has no attribute 'strip'", "HTTP.Request(url, cacheTime=0).content\n"),
    ("def f(url):\n    page = urllib2.urlopen(url)\n    Log(page.headers)\n    return re.findall('a', page)\n", '    return',
     "TypeError: expected string or buffer", "re.findall('a', page.read())"),
    ("def f(boats):\n    for boat in boats:\n        oc.add(DirectoryObject(title=boat['name'], summary='In ' + boat['port'] +\n"
     "               ' since ' + boat['year']))\n", '        oc.add',
     "TypeError: cannot concatenate 'str' and 'NoneType' objects", "summary='In ' + (boat['port'] or '') +"),
    ("def f(boats):\n    for boat in boats:\n        oc.add(DirectoryObject(key=Callback(g, name=boat['name'], thumb=boat['pic'])"
     ", title=boat['name'],\n               thumb=boat['pic']))\n", '        oc.add', "KeyError: 'pic'", "thumb=boat.get('pic')))"),
    ("def f(metadata, rows):\n    mark = None\n    for row in rows:\n        mark = row['mark']['of']\n        name = row['name']\n"
     "    metadata.title = name\n    metadata.rating = float(mark)\n", '        mark', "KeyError: 'mark'",
     "    if mark is not None:\n        metadata.rating = float(mark)\n"),
    ("__version__ = '1.1'\n\ndef Start():\n    Log(__version__)\n", '__version__',
     'SyntaxError: Line 1: "__version__" is an invalid variable name because it starts with "_"', "    Log(version_)"),
    ("def f(title):\n    oc = ObjectContainter(title2=title)\n    return oc or ObjectContainter(header='x')\n", '    oc',
     "NameError: global name 'ObjectContainter' is not defined", "oc or ObjectContainer(header"),
    ("def f(page):\n    for one in page.xpath('//div'):\n        link = one.xpath('a')\n        url = link.xpath('@href')[0]\n"
     "        oc.add(url)\n", '        url', "AttributeError: 'list' object has no attribute 'xpath'", "one.xpath('a')[0]\n"),
    ("def f(page):\n    for one in page.xpath('//a'):\n        try:\n            name = name.xpath('text()')[0]\n"
     "            link = name.xpath('@href')[0]\n        except:\n            continue\n        oc.add(name, link)\n"
     "    return [name]\n", '    return', "UnboundLocalError: local variable 'name' referenced before assignment",
     "one.xpath('text()')[0]\n            link = one.xpath("),
    ("def f(url):\n    if url.contains('a'):\n        return 1\n    elif not url.contains('b'):\n        return 2\n", '    if',
     "AttributeError: 'str' object has no attribute 'contains'", "if 'a' in url:\n        return 1\n    elif not ('b' in url):"),
    ("def f(boats):\n    for boat in boats:\n        name = boat['name']\n        if name.split(':')[1] != '':\n"
     "            name = name.partition(':')[2]\n        oc.add(name)\n", '        if', 'IndexError: list index out of range',
     "if ':' in name and name.split(':')[1] != '':"),
    ("def f(page):\n    for one in page.xpath('//li'):\n        date = one.xpath('i/text()')\n        oc.add(PhotoObject(\n"
     "            key=Callback(g, url=one.get('url')),\n            originally_available_at=Datetime.ParseDate(date[0]) if date "
     "else None))\n", '            originally', 'ValueError: unknown string format',
     "        except ValueError:\n            originally_available_at = None\n"),
    ("def f():\n    del Dict['a']\n    del Dict['b']\n    HTTP.ClearCache()\n", "    del Dict['a']", "KeyError: 'a'",
     "    if 'a' in Dict:\n        del Dict['a']\n    if 'b' in Dict:\n        del Dict['b']\n    HTTP"),
    ("def f(boat):\n    return 'at %d' % (int(boat['a']['x']) + int(boat['b']))\n", '    return', "KeyError: 'a'",
     "int(boat['a']['x'] if 'a' in boat else 0) + int(boat.get('b', 0))"),
    ("def f(boat):\n    o = EpisodeObject(key='/x')\n    o.title = boat['name']\n    o.show = boat['title']\n"
     "    o.season = boat['season']\n    return o\n", '    o.title', "KeyError: 'name'", "    o.season = boat.get('season')\n"),
    ("def f(n, boat):\n    Dict[n + 'mast'] = boat['mast']\n    Dict[n + 'keel'] = boat['keel']\n    return 1\n",
     '    Dict', "KeyError: 'mast'", "    if 'keel' in boat:\n        Dict[n + 'keel'] = boat['keel']\n"),
    ("def f(page):\n    return page.xpath('.//a[contains(@x, \"p\"]/td/')\n", '    return',
     'XPathEvalError: Invalid predicate', "'.//a[contains(@x, \"p\")]/td'"),
    ("def f(page):\n    return page.xpath('./@href)')\n", '    return', 'XPathEvalError: Invalid expression', "'./@href'"),
    ("def f(title):\n    oc.add(InputDirectoryObject(key=g(lang='x')), title=title, prompt='p')\n\n"
     "def g(query, lang):\n    return query + lang\n", '    oc.add', "TypeError: g() takes exactly 2 arguments (1 given)",
     "oc.add(InputDirectoryObject(key=Callback(g, lang='x'), title=title, prompt='p'))\n"),
    ("def f(page, title):\n    for one in page.xpath('//a'):\n        title = one.get('title')\n"
     "        oc.add(DirectoryObject(key=Callback(g, title=unit), title=unit))\n", '        oc.add',
     "NameError: global name 'unit' is not defined", "Callback(g, title=title), title=title))"),
    ("PIERS = (\n    ('a', 'A')\n    ('b', 'B'),\n)\n", 'PIERS', "TypeError: 'tuple' object is not callable",
     "    ('a', 'A'),\n    ('b', 'B'),\n"),
    ("def f(a, b):\n    if a | b:\n        return 1\n", '    if', "TypeError: unsupported operand type(s) for |: 'bool' and 'str'",
     "if a or b:"),
    ("def f():\n    word = Prefs['w']\n    url = 'http://a/?' + hashlib.md5(word).hexdigest()\n    if word is not None:\n"
     "        return HTTP.Request(url)\n", '    url', "TypeError: new() argument 1 must be string or buffer, not None",
     "md5(word or '')"),
    ("def f(d):\n    d['year'] = int(d['year'])\n    return d\n", '    d[', "ValueError: invalid literal for int() with base "
     "10: '2010-2012 '", "int(d['year'].strip()[:4] if isinstance(d['year'], basestring) else d['year'])"),
    ("def f(d):\n    d['year'] = int(d['year'])\n    return d\n\ndef g(metadata, d):\n    metadata.year = f(d)['year']\n", '    d[',
     "ValueError: invalid literal for int() with base 10: 'soon'", "        Log('No value: %r' % error)\n        d['year'] = None\n"),
    ("def f(line):\n    return line.strip('#', '')\n", '    return', "TypeError: strip() takes at most 1 argument (2 given)",
     "line.replace('#', '')"),
    ("def f(d):\n    return urllib.quote(d)\n", '    return', "KeyError: u'\\xe9'",
     "urllib.quote(d.encode('utf-8') if isinstance(d, unicode) else d)"),
    ("def f(d):\n    return unicode(d)\n", '    return', "UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3",
     "return (d if isinstance(d, unicode) else str(d).decode('utf-8', 'replace'))"),
    ("import DateTime\nimport re\n\ndef f(a):\n    return re.sub('a', 'b', a)\n", 'import D',
     "ImportError: No module named DateTime", "import datetime\n"),
    ("def f(boat):\n    name = boat['n']\n    Log(name or '')\n    try:\n        boat['n']\n    except:\n        boat['n'] = ''\n",
     '    name', "KeyError: 'n'", "    try:\n        boat['n']\n"),
    ("def update(self, metadata, media, lang):\n    metadata.collection.clear()\n    metadata.collection.add('x')\n",
     '    metadata', "AttributeError: 'Movie' object has no attribute 'collection'", "metadata.collections.add("),
    ("def f(piers, boats):\n    if piers:\n        p = piers[0]\n        show('a', p['id'])\n    if boats:\n        b = boats[0]\n"
     "        show('a', p['id'])\n        show('b', b['n'])\n", "        show('a', p['id'])\n        show('b'",
     "UnboundLocalError: local variable 'p' referenced before assignment", "show('a', b['id'])\n        show('b'"),
    ("def f(boats):\n    for boat in boats:\n        if boat['x']:\n            sunk = True\n    return sunk\n", '    return',
     "UnboundLocalError: local variable 'sunk' referenced before assignment", "def f(boats):\n    sunk = False\n"),
    ("def f(boat):\n    Log(boat.title)\n    return make(name=title, of=boat.pier)\n", '    return',
     "NameError: global name 'title' is not defined", "make(name=boat.title, of"),
    ("def f(boat):\n    for boat in boats:\n        show(boat)\n", '    for', "NameError: global name 'boats' is not defined",
     "def f(boats):\n    for boat in boats:"),
    ("def f(titles):\n    Log('of %s' % titlesgiven)\n    return titles\n", '    Log',
     "NameError: global name 'titlesgiven' is not defined", "Log('of %s' % titles)"),
    ("def dump(a):\n    return a\n\ndef f(a):\n    return dumps(a)\n", '    return dumps',
     "NameError: global name 'dumps' is not defined", "from json import dumps"),
    ("class A(object):\n    def remove(self, kind, number):\n        boat = self.get(kind)\n        self.boats.remove(boat)\n\n"
     "class B(A):\n    def remove(self, kind, number):\n        A.remove(self, kind, number)\n        self.client.sink(boat['id'])\n",
     '        self.client', "NameError: global name 'boat' is not defined", "Log('left out: there is no boat')"),
    ("def f(names):\n    names = names.sort()\n    for name in names:\n        show(name)\n", '    for',
     "TypeError: 'NoneType' object is not iterable", "    names.sort()\n"),
    ("def f(names):\n    first = names.sort(key=len)\n    return first[0]\n", '    return',
     "AttributeError: 'NoneType' object has no attribute '__getitem__'", "first = sorted(names, key=len)"),
    ("def f(boats, names=[]):\n    for boat in boats:\n        names[boat['id']] = boat['name']\n    return names\n", '        names[',
     "TypeError: list indices must be integers, not unicode", "names={}):"),
    ("def f(row):\n    count = row.get('n')\n    count += 1\n    return count\n", '    count +=',
     "TypeError: unsupported operand type(s) for +=: 'NoneType' and 'int'", "count = (count or 0) + 1"),
    ("def f(name):\n    return ask('all boats' % name)\n", '    return',
     "TypeError: not all arguments converted during string formatting", "ask('all boats')"),
    ("def f(name, pier):\n    return '{0} at {1}' % (name, pier)\n", '    return',
     "TypeError: not all arguments converted during string formatting", "'{0} at {1}'.format(name, pier)"),
    ("def f(boat):\n    show(str(boat['n'], again=True))\n", '    show', "TypeError: str() takes at most 1 argument (2 given)",
     "show(str(boat['n']), again=True)"),
    ("class A(object):\n    def menu(self, rows):\n        rows = []\n        return rows\n\n    def f(self):\n        return self.menu()\n",
     '        return self', "TypeError: menu() takes exactly 2 arguments (1 given)", "def menu(self):"),
    ("class Entry(object):\n    def __init__(self, title='', thumbnailImage=''):\n        self.title = title\n\n"
     "def f(x):\n    return Entry(title=x, thumbImage=x)\n", '    return',
     "TypeError: __init__() got an unexpected keyword argument 'thumbImage'", "thumbnailImage=x)\n"),
    ("def order(text):\n    return text.lower()\n\ndef f(d):\n    return sorted(d.items(), key=order)\n", '    return text',
     "AttributeError: 'tuple' object has no attribute 'lower'", "key=lambda pair: order(pair[0]))"),
    ("class Boat(object):\n    def __init__(self):\n        self.crew = []\n\ndef f():\n    for one in Boat().crews:\n        show(one)\n",
     '    for', "AttributeError: 'Boat' object has no attribute 'crews'", "in Boat().crew:"),
    ("def f(text):\n    return text.lowercase()\n", '    return', "AttributeError: 'str' object has no attribute 'lowercase'",
     "text.lower()"),
    ("def f(lines):\n    for line in lines:\n        if line.startswith('#') or line in SEEN:\n            continue\n        show(line)\n",
     '        if', "AttributeError: 'NoneType' object has no attribute 'startswith'", "if line is None or line.startswith"),
    ("def f(d):\n    if not d.has_key('pier') and d.has_key('crew'):\n        if d['crew'][0] == d['name']:\n            return 1\n"
     "    else:\n        return d['pier']\n", '        if', 'IndexError: list index out of range', "if d['crew'] and d['crew'][0] =="),
    ("def f(d):\n    return d['name'] + ' - ' + d['crew'][0]\n", '    return', 'IndexError: list index out of range',
     "d['name'] + (' - ' + d['crew'][0] if d['crew'] else '')"),
    ("class A(object):\n    def f(self, d):\n        self.rows = d.get('rows', [])\n        self.size = d.get('size', '')\n"
     "        self.rows = self.old + make(self.rows)\n", "        self.rows = d",
     "AttributeError: 'NoneType' object has no attribute 'get'", "d.get('rows', []) if d is not None else []\n"),
    ("def f(d):\n    for boat in d:\n        photo = boat['photo']\n        role = metadata.roles.new()\n"
     "        role.name = boat['name']\n        role.photo = photo\n", '        photo', "KeyError: 'photo'", "boat.get('photo', '')"),
    ("def f(self, d):\n    name, key = self.parts(d)\n    HTTP.Request('http://a/', values={'n': name, 'k': key})\n    return True\n",
     '    name', "TypeError: 'bool' object is not iterable", "        return None\n"),
    ("class A(object):\n    def parts(self):\n        found = {}\n        found['a'] = 1\n        return found\n\n"
     "    def f(self):\n        for key, value in self.parts():\n            show(key, value)\n", '        for',
     "ValueError: too many values to unpack", "in self.parts().items():"),
    ("def name_of(boat):\n    return boat.get('n')\n\ndef f(boats):\n    return [name_of(boats) for boat in boats]\n",
     '    return boat.get', "AttributeError: 'list' object has no attribute 'get'", "[name_of(boat) for boat in boats]"),
    ("class Boat(object):\n    def __init__(self):\n        self.title = self.photo = ''\n\ndef f(boat):\n    Log(boat.title)\n"
     "    return make(name=title, photo=photo)\n", '    return', "NameError: global name 'title' is not defined",
     "make(name=boat.title, photo=boat.photo)"),
    ("class Base(object):\n    def __init__(self):\n        self.n = 7\n\nclass A(Base):\n    def __init__(self, x):\n"
     "        Base.__init__()\n", '        Base.__init__()', "TypeError: unbound method __init__() must be called with Base "
     "instance as first argument (got nothing instead)", "Base.__init__(self)"),
    ("class Log(object):\n    def note(self, boat, kind, day):\n        pass\n\nclass A(object):\n    def __init__(self):\n"
     "        self.kind = self.day = 3\n\n    def f(self, boat):\n        self.log.note(boat, self.day)\n", '        self.log',
     "TypeError: note() takes exactly 4 arguments (3 given)", "self.log.note(boat, self.kind, self.day)"),
    ("from piers import PierFinder\n\ndef f(url):\n    return pierfinder.PierFinder().get(url)\n", '    return',
     "NameError: global name 'pierfinder' is not defined", "return PierFinder().get(url)"),
    ("def f(a, b):\n    return 'pier://%s/a%2Fb/%s' % (a, b)\n", '    return', "TypeError: float argument required, not str",
     "'pier://%s/a%%2Fb/%s' % (a, b)"),
    ("class Tide(object):\n    def __init__(self):\n        self.high = 1\n\nclass Crew(object):\n    def __init__(self):\n"
     "        self.names = []\n\nclass pier(object):\n    TIDE = Tide()\n    CREW = Crew()\n\ndef f():\n    return pier.TIDE.names\n",
     '    return', "AttributeError: 'Tide' object has no attribute 'names'", "return pier.CREW.names"),
    ("def f(page):\n    length = page.xpath('//i/text()')[0]\n    length = length.strip()\n    length = Datetime."
     "MillisecondsFromString(length)\n    oc.add(VideoClipObject(url='u', title='t', duration=length))\n", '    length = page',
     'IndexError: list index out of range', "    if nodes:\n        length = nodes[0]\n        length = length.strip()\n"),
    ("def f(log, d):\n    log.info('{a} and {b:d}'.format(**d['x']))\n    return d['x']\n", '    log', "KeyError: u'a'",
     "**dict({'a': '', 'b': 0}, **d['x'])"),
    ("def f(d):\n    return '%(a)s of %(b)s' % d\n", '    return', "KeyError: 'b'", "% dict({'a': '', 'b': ''}, **d)"),
    ("def f(rows, vessel_id):\n    vessel_row = rows[vessel_id]\n    Log(vessel_row['port'])\n    return vessel['crew']\n",
     '    return', "NameError: global name 'vessel' is not defined", "return vessel_row['crew']"),
    ("def f(text):\n    tide = re.match('a', text)\n    low = tide.group('low')\n    return low, highTide.group('low')\n",
     '    return', "NameError: global name 'highTide' is not defined", "return low, tide.group('low')"),
    ("def f(path, name):\n    if exists(join(path, name)):\n        return [join(path, boat)]\n", '        return',
     "NameError: global name 'boat' is not defined", "[join(path, name)]"),
    ("def f(rows):\n    crew = Crew()\n    crew.take(rows)\n    return ships\n", '    return ships',
     "NameError: global name 'ships' is not defined", "return crew\n"),
    ("def g(tide_low, tide_high, day_number):\n    return 1\n\ndef f(a, b):\n    return g(low=a, high=b, day=3)\n",
     '    return g', "TypeError: g() got an unexpected keyword argument 'low'", "g(tide_low=a, tide_high=b, day_number=3)"),
    ("def f(rows):\n    for row in rows:\n        if getattr(rows, 'crew'):\n            Log(row.crew)\n", '        if',
     "AttributeError: 'list' object has no attribute 'crew'", "if getattr(row, 'crew'):"),
    ("def f(rows):\n    rows.sort()\n    return [rows['crew'] for row in rows if rows['tide']]\n", '    return',
     "TypeError: list indices must be integers, not str", "[row['crew'] for row in rows if row['tide']]"),
    ("try:\n    import zipfile\nexcept ImportError:\n    import boats as zipfile\n\ndef f(name):\n    zipfile = name + '.zip'\n"
     "    with zipfile.ZipFile(zipfile, 'w', zipfile.ZIP_STORED) as x:\n        return x\n", '    with',
     "AttributeError: 'unicode' object has no attribute 'ZipFile'",
     "zipfile_module.ZipFile(zipfile, 'w', zipfile_module.ZIP_STORED)"),
    ("def f(tide, port):\n    if tide:\n        bota = 'a/'\n    else:\n        boat = 'b/'\n    boat = boat + port\n    return boat\n",
     '    boat = boat', "UnboundLocalError: local variable 'boat' referenced before assignment", "        boat = 'a/'\n"),
    ("class Vessels(object):\n    RED = 'x'\n\ndef f():\n    return Vessel.RED\n", '    return',
     "NameError: global name 'Vessel' is not defined", "return Vessels.RED"),
    ("def f(port, tide):\n    return port + '/b?' + + tide\n", '    return', "TypeError: bad operand type for unary +: 'str'",
     "'/b?' + tide"),
    ("def f(q):\n    row = find(q)\n    if not q or not row.get('name'):\n        return []\n    return [row.get('name')]\n",
     '    if not', "AttributeError: 'NoneType' object has no attribute 'get'",
     "    if not q or not (row is not None and row.get('name')):\n        return []\n    return [row.get('name')]\n"),
    ("def f(rows, out):\n    name = row['n']\n    for row in rows:  # each\n        out.append(name)\n    return out\n",
     '    name', "UnboundLocalError: local variable 'row' referenced before assignment",
     "    for row in rows:  # each\n        name = row['n']\n        out"),
    ("def info(url):\n    try:\n        found = {'name': get(url).name}\n    except IOError as e:\n        Log(e)\n    return found\n\n"
     "def f(url, found=None):\n    if not found:\n        found = info(url)\n        if not found:\n            return []\n"
     "    return [found['name']]\n", '    return found', "UnboundLocalError: local variable 'found' referenced before assignment",
     "    found = {}\n    try:\n"),
    ("import operator\n\ndef f(rows):\n    rows.sort(key=operator.itemgetter('tide'), reverse=True)\n    return rows\n",
     '    rows.sort', "KeyError: 'tide'", "rows.sort(key=lambda row: row.get('tide'), reverse=True)"),
    ("def update(metadata, data):\n    metadata.summary = ' '.join([data['a'], data['b'], data['c']])\n", '    metadata',
     "TypeError: sequence item 1: expected string, NoneType found",
     "' '.join([one for one in [data['a'], data['b'], data['c']] if one is not None])"),
    ("def f(rows, old):\n    for row in rows:\n        boat = Boat(row)\n        keep(boat.number())\n    for number in old:\n"
     "        remove(number=boat.number())\n", '        remove',
     "UnboundLocalError: local variable 'boat' referenced before assignment", "        remove(number=number)\n"),
    ("from . import piers\n\ndef f(kind):\n    piers = [one for one in piers.ALL if one.kind == kind]\n"
     "    for pier in piers:\n        keep(pier)\n", '    piers',
     "UnboundLocalError: local variable 'piers' referenced before assignment",
     "    piers_here = [one for one in piers.ALL if one.kind == kind]\n    for pier in piers_here:\n"),
    ("def f(metadata, row):\n    if 'picture' in row and row['pictures'] is not None:\n        for one in row['picture']:\n"
     "            metadata.posters[one] = one\n", '    if', "KeyError: 'pictures'",
     "    if 'picture' in row and row['picture'] is not None:\n"),
    ("class Boat(object):\n    sink = False\n\n    def run(self):\n        while not self.sink:\n            self.row()\n\n"
     "    def sink(self):\n        self.sink = True\n        self.leave()\n\ndef f(boat):\n    boat.sink()\n    return boat\n",
     '    boat.sink', "TypeError: 'bool' object is not callable",
     "    sink_set = False\n\n    def run(self):\n        while not self.sink_set:\n            self.row()\n\n"
     "    def sink(self):\n        self.sink_set = True\n        self.leave()\n\ndef f(boat):\n    boat.sink()\n"),
]


@pytest.mark.parametrize('source,line,error,wanted', NAMES)
def test_the_name_that_was_meant(source, line, error, wanted):
    found = patches(case_for(source, line, error))
    assert found and wanted in found[0][1], [patched for _, patched in found]


@pytest.mark.parametrize('source,line,error', [
    ("class Boat(object):\n    def __init__(self):\n        self.crew = []\n\ndef update(metadata, data):\n"
     "    for one in Boat().passengers():\n        metadata.roles.add(one)\n", '    for one',
     "AttributeError: 'Boat' object has no attribute 'passengers'"),
    ("def row_of(n):\n    return {'n': n}\n\ndef f(n):\n    row = row_of(n)\n    try:\n        top = row[3]\n    except TypeError:\n"
     "        return None\n    return top\n", '        top', 'KeyError: 3'),
    ("def f(ask, number):\n    boat = ask(number)\n    try:\n        key = boat[3]\n        sail = boat[4]\n    except TypeError:\n"
     "        key = sail = make(number)\n    keep(key, sail)\n", '        key', 'KeyError: 3'),
    ("def f(parts):\n    parts[1] = int(parts[1])\n    return parts\n", '    parts[1]',
     "TypeError: 'tuple' object does not support item assignment"),
    ("def f(rows):\n    row = next(filter(None, rows))\n    return row['a']\n", '    row',
     'TypeError: list object is not an iterator'),
    ("def f(rows):\n    for key, value in rows():\n        show(key, value)\n", '    for key',
     'ValueError: too many values to unpack'),
    ("def f():\n    d = {}\n    d['a'] = 1\n    d = sorted(d.items())\n    for key, value in d:\n        show(key, value)\n",
     '    for key', 'ValueError: too many values to unpack'),
    ("import json\n\ndef f(text):\n    name = json.parse(text)\n    return name\n", '    name',
     "AttributeError: 'module' object has no attribute 'parse'"),
    ("def f(metadata, node):\n    title = node.text.strip()\n    metadata.title = title.get('name')\n", '    metadata',
     "AttributeError: 'unicode' object has no attribute 'get'"),
    ("def f():\n    name = Client.Pier\n    return name\n", '    name',
     "AttributeError: 'ClientKit' object has no attribute 'Pier'"),
])
def test_what_can_never_work_is_not_hidden(source, line, error):
    assert patches(case_for(source, line, error)) == []


def test_what_rests_on_a_name_that_nothing_defines_has_never_run():
    source = ("def update(metadata, data):\n    small = False\n    if txt.startswith('t1'):\n        small = True\n"
              "    metadata.title = data['title']\n")
    error = "NameError: global name 'txt' is not defined"
    proposal, patched = patches(case_for(source, '    if', error))[0]
    assert run(patched, {'title': 'Eleven'}) == ({'title': 'Eleven'}, ['left out: there is no txt'])
    assert proposal.risk == 'high'
    for needed in (source.replace("    small = False\n", '').replace("data['title']", 'small'),
                   source.replace('small = True', 'return'), source.replace("    metadata.title", "    else:\n        "
                                                                            "small = 7\n    metadata.title")):
        assert patches(case_for(needed, '    if', error)) == []


def test_two_values_that_a_name_could_stand_for_are_no_answer():
    source = ("def update(metadata, data):\n    page, other = data\n    metadata.title = page['name'] + other['name']\n"
              "    metadata.studio = result['name']\n")
    found = patches(case_for(source, '    metadata.studio', "NameError: global name 'result' is not defined"))
    assert all(proposal.template in ('never worked', 'leave out') for proposal, _ in found)


def test_a_handler_that_tries_again_without_end_is_left_alone():
    source = ("import urllib\n\ndef ask(url):\n    try:\n        return HTTP.Request(url).content\n"
              "    except urllib.error.HTTPError, e:\n        return ask(url)\n")
    error = "AttributeError: 'module' object has no attribute 'error'"
    assert all('urllib2' not in patched for _, patched in patches(case_for(source, '    try', error)))
    assert 'except urllib2.HTTPError, e' in patches(case_for(source.replace('return ask(url)', 'return None'), '    try',
                                                             error))[0][1]
    assert patches(case_for(source, '        return', 'RuntimeError: maximum recursion depth exceeded')) == []


def test_bytes_that_are_no_utf_8_are_read_as_what_they_mostly_are():
    source = ("def update(metadata, data):\n    metadata.summary = data.read()\n    metadata.title = 'Eleven'\n")
    error = "UnicodeDecodeError: 'utf8' codec can't decode byte 0xe4 in position 1: invalid continuation byte"
    proposal, patched = patches(case_for(source, '    metadata.summary', error))[0]
    assert "metadata.summary = text.decode('cp1252', 'replace')" in patched and patched.count('data.read()') == 1


@pytest.mark.parametrize('value, wanted', [
    ('data', "    try:\n        answer = json.loads(data)\n    except UnicodeDecodeError:\n"
             "        Log('No UTF-8 for loads(): its letters are replaced, or read as cp1252')\n"
             "        coding = 'cp1252' if data.decode('utf-8', 'ignore') == data.decode('ascii', 'ignore') else 'utf-8'\n"
             "        answer = json.loads(data.decode(coding, 'replace'))\n    return answer"),
    ('ask(data)', "    text = ask(data)\n    try:\n        answer = json.loads(text)\n    except UnicodeDecodeError:\n"
                  "        Log('No UTF-8 for loads(): its letters are replaced, or read as cp1252')\n"
                  "        coding = 'cp1252' if text.decode('utf-8', 'ignore') == text.decode('ascii', 'ignore') else 'utf-8'\n"
                  "        answer = json.loads(text.decode(coding, 'replace'))\n    return answer"),
])
def test_json_that_is_no_utf_8_is_read_as_what_it_mostly_is(value, wanted):
    source = 'def f(data):\n    answer = json.loads(%s)\n    return answer\n' % value
    error = "UnicodeDecodeError: 'utf8' codec can't decode byte 0xe4 in position 1: invalid continuation byte"
    assert wanted in patches(case_for(source, '    answer', error))[0][1]


@pytest.mark.parametrize('data, wanted', [
    (b'["M\xe4r", "Gr\xf6\xdfe"]', ['M\xe4r', 'Gr\xf6\xdfe']), (b'["M\xc3\xa4r \xe6\x97\xa5\xe6"]', ['M\xe4r \u65e5\ufffd'])])
def test_json_of_which_some_letters_are_utf_8_keeps_them(data, wanted):
    source = 'def f(data):\n    answer = json.loads(data)\n    return answer\n'
    error = "UnicodeDecodeError: 'utf8' codec can't decode byte 0xe4 in position 1: invalid continuation byte"
    names = dict(environment([]), json=json, Log=lambda text: None)
    exec(compile(patches(case_for(source, '    answer', error))[0][1], 'x', 'exec'), names)
    assert names['f'](data) == wanted


SHARED_LINE = '''
def update(metadata, data):
    metadata.title = data['title']; metadata.year = int(data['year'])
    if data['tags']: metadata.summary = data['plot']['long']; metadata.duration = 3
    metadata.studio = studio_of(data)

def studio_of(data): return data['people'][0]['name']
'''


@pytest.mark.parametrize('line, error, bad, expected', [
    ("metadata.title", "KeyError: 'title'", without('title'), 'duration studio summary year'),
    ("metadata.year", "ValueError: invalid literal for int() with base 10: 'soon'", with_value('soon', 'year'),
     'duration studio summary title'),
    ("metadata.summary", "KeyError: 'long'", without('plot', 'long'), 'duration studio title year'),
    ("return data['people']", "IndexError: list index out of range", with_value([], 'people'),
     'duration summary title year')])
def test_a_statement_that_shares_its_line_is_unfolded(line, error, bad, expected):
    for shape, source in variants(SHARED_LINE):
        found = patches(case_for(source, line, error, kind='getitem' if error[:3] in ('Key', 'Ind') else 'own'))
        filled = run(found[0][1], bad)[0]
        assert set(expected.split()) <= set(filled), (shape, found[0][1])
        for proposal, patched in found:
            assert run(patched, HEALTHY) == run(source, HEALTHY), (shape, proposal.template)
            assert '\r\n' not in source or patched.count('\r\n') == patched.count('\n')


def test_a_use_that_sees_another_value_by_then_is_left_alone():
    source = ("def update(metadata, data):\n    person = data['person']\n    metadata.title = person['name']\n"
              "    if data['x']:\n        person = 'Ann'\n        metadata.studio = person['name'].upper()\n")
    found = patches(case_for(source, '    metadata.title', NONE_GETITEM, kind='getitem'))
    assert found and all("        metadata.studio = person['name'].upper()\n" in patched for _, patched in found)


def test_the_same_call_further_on_is_guarded_too():
    source = ("def update(metadata, data):\n    metadata.title = data.find('a').text\n"
              "    metadata.summary = data.find('a').text + '!'\n    metadata.studio = 'Atlas'\n")
    found = patches(case_for(source, '    metadata.title', "AttributeError: 'NoneType' object has no attribute 'text'"))
    assert run(found[0][1], Node())[0]['studio'] == 'Atlas'
    whole = Node(children=[('a', Node('Eleven'))])
    assert all(run(patched, whole) == run(source, whole) for _, patched in found)


def test_no_fallback_crashes_in_what_is_done_with_it():
    source = "def f(item):\n    item.getparent().remove(item)\n    Log('done')\n"
    found = patches(case_for(source, '    item', "AttributeError: 'NoneType' object has no attribute 'getparent'"))
    assert found and all('[]' not in patched for _, patched in found)
    source = "def f(d):\n    score = 60 + len(d)\n    score += 100 // int(d['rank'])\n    return score\n"
    found = patches(case_for(source, '    score +=', 'ZeroDivisionError: integer division or modulo by zero'))
    assert found and all("else ''" not in patched for _, patched in found)


@pytest.mark.parametrize('made', ["['G', 'PG']", "collections.defaultdict(list)", "('G', 'PG')"])
def test_what_has_no_keys_to_miss_is_no_place_of_a_key_error(made):
    source = diagnose.Source(("LEVELS = %s\n\ndef f(page):\n    a = LEVELS[page['level']]\n    b = page['start']\n"
                              "    return a, b\n" % made).encode('utf-8'), PATH)
    seen = diagnose.Frame('Contents/Code/__init__.py', 'f', [6], {}, [GETITEM], [])
    places = diagnose.locate(source.functions_named('f')[0], seen, 'KeyError', "'start'")
    assert [place.line for place in places] == [5]


UNREADABLE = [      # (source, line that the log names, what makes it readable or None)
    ("def f(pages):\n    n = 0\n    for page in pages:\n        page.show(n++)\n", 4, "        n += 1\n        page.show(n)\n"),
    ("def f(pages):\n    n = 0\n    for page in pages: n++\n", 3, "    for page in pages: n += 1\n"),
    ("def f(n, page):\n    while page(n++): Log(n)\n", 2, None),
    ("def f(n, page):\n    page[n++] = n\n    self.n++\n", 2, None),
    ("def f(n, page):\n    page[n++] = 7\n", 2, "    n += 1\n    page[n - 1] = 7\n"),
    ("def f(n, page):\n    try: page.show(n++)\n    except: pass\n", 2, "    n += 1\n    try: page.show(n)\n"),
    ("def f(d):\n    d.add(g(1,\n        h(2))\n\n    return d\n\ndef g(a)\n    return 7\n", 5,
     "        h(2)))\n\n    return d\n\ndef g(a):\n"),
    ("def f(d):\n    Log('a' % d\n\n    for a, \\\n            b in d:\n        Log(a)\n", 5, "    Log('a' % d)\n"),
    ("def f(d):\n    try:\n        Log(d)\n    except as e:\n        Log(e)\n", 4, "    except Exception as e:\n"),
    ("def f(page_url):\n    return ask(pag  e_url, log=True)\n", 2, "ask(page_url, log=True)"),
    ("def f(d):\n    x = get(d 'a', {})\n    return x\n", 2, "get(d, 'a', {})"),
    ("def f(d):\n    x = get(d, quote(d)\n    return x\n", 3, "quote(d))\n"),
    ("def f(d):\n    try    # it may\n        x = d\n    except KeyError:\n        x = 1\n", 2, "    try:    # it may"),
    ("def f(d):\n    if d = 1:\n        return 7\n", 2, "if d == 1:"),
    ("def f(self, d: str, n: int = 1) -> str:\n    return d\n", 1, "def f(self, d, n = 1):\n"),
    ("A = {\n    'a': 'one'\n    'b': 'two',\n}\n", 3, "'a': 'one',\n"),
    ("def f(d):\n    x = 1\n      y = 2\n    return x\n", 3, "    y = 2\n    return"),
    ("def f(d):\n    return d.find('//b[@id=\"x\"])[0].text.split(',')\n", 2, """find('//b[@id="x"]')[0].text"""),
    ("def Start():\n\nclass Harbour(object):\n    pass\n", 3, "def Start():\n    pass\n"),
    ("def f(d):\n    return ask(d, log=True, keep)\n", 2, "ask(d, log=True)"),
    ("def f(d, keep):\n    return ask(d, log=True, keep)\n", 2, "log=True, keep=keep)"),
    ("def f(d):\n    if d:\n        return 7\n    else if d == 1:\n        return 8\n", 4, "    elif d == 1:"),
    ("def f(d):\n    try:\n        x = d\n    except KeyError as e:\n        raise ValueError(d) from e\n", 5, "Error(d)\n"),
    ("def f(d):\n    try:\n        x = d\n    return 7\n", 4, "        x = d\n    finally:\n        pass\n    return 7\n"),
    ("def f(d):\n    try:\n    x = d\n    x += 1\n    except:\n    x = 1\n", 3, "        x += 1\n    except:\n        x = 1\n"),
    ("def f(d):\n    if d = 1:\n        return 7\n    else if d = 2:\n        return 8\n", 2, "    elif d == 2:"),
    ("def f(d):\n    return [{'a': d,\n             'b' 'two'}]\n", 3, "'b': 'two'}"),
    ("def f(self, d):\n    if d:\n        #self.x = 1\n    else:\n        self.x = 2\n", 4, "        self.x = 1\n    else"),
    ("def f(d):\n    return [d, 'a, 'b']\n", 2, None),
    ("def f(d):\n    if d:\n    return 7\n", 3, None),
    ("def f(d):\n    x = d d\n    return x\n", 2, None),
    ("def f(d):\n    return f'{d=}'\n", 2, None),
]


@pytest.mark.parametrize('source,line,wanted', UNREADABLE)
def test_the_one_small_change_that_makes_a_file_readable(source, line, wanted):
    read = diagnose.Source(source.encode('utf-8'), PATH)
    found = [diagnose.apply_edits(read, edits).decode('utf-8') for edits, _ in diagnose.readable_again(read, line)]
    assert len(found) == (0 if wanted is None else 1) and all(wanted in text for text in found), found


def test_no_log_line_is_guarded_where_the_work_behind_it_fails_on_the_same_value():
    source = ("def update(metadata, data):\n    boats = data['boats']\n    Log('boats: %d' % len(boats))\n"
              "    if len(boats) > 3:\n        metadata.title = 'many'\n    metadata.year = 1999\n")
    error = "TypeError: object of type 'NoneType' has no len()"
    assert all(one.template != 'log guard' for one, _ in patches(case_for(source, '    Log', error)))
    alone = source.replace("    if len(boats) > 3:\n        metadata.title = 'many'\n", '')
    assert any(one.template == 'log guard' for one, _ in patches(case_for(alone, '    Log', error)))


def test_the_same_lookups_right_behind_are_made_tolerant_too():
    source = ("def add(field, values):\n    for value in values:\n        field.add(value)\n\n"
              "def update(metadata, data):\n    add(metadata.genres, data['kinds'])\n    add(metadata.roles, data['crew'])\n"
              "    metadata.year = int(data['year'])\n    metadata.title = 'Eleven'\n")
    proposal, patched = [pair for pair in patches(case_for(source, '    add(metadata.genres', "KeyError: 'kinds'"))
                         if pair[0].template == 'tolerant lookup'][0]
    assert run(patched, {'year': '13'})[0] == {'year': 13, 'title': 'Eleven'}
    assert 'the same for crew' in proposal.summary and "int(data['year'])" in patched


def test_a_text_asked_for_a_key_is_the_wrong_variable():
    source = ("def update(metadata, data):\n    names = {'by': data['by'], 'at': 'x'}\n    url = 'http://a/%s' % data['id']\n"
              "    metadata.title = url['by']\n    metadata.studio = url['at']\n\ndef other(names):\n"
              "    return names['by'] + names['at']\n")
    error = "TypeError: string indices must be integers, not str"
    patched = patches(case_for(source, '    metadata.title', error))[0][1]
    assert "metadata.title = names['by']\n    metadata.studio = names['at']" in patched
    told = source.replace("'http://a/%s' % data['id']", "data['url']")     # that may be what the data is like
    assert all("metadata.title = names['by']" not in text for _, text in patches(case_for(
        told, '    metadata.title', error)))


HANDED = ("def fill(self, metadata, media):\n    for code in media.seasons:\n        season_metadata = metadata.seasons[code]\n"
          "        cover(season_metadata, metadata, code)\n\ndef cover(metadata, media, code):\n    path = path_of(media)\n"
          "    metadata.posters[path] = code\n\ndef path_of(media):\n    for one in media.seasons:\n"
          "        return media.seasons[one].items[0].file\n")


def test_the_argument_that_was_meant_is_handed_over():
    error = "AttributeError: 'RecordObject' object has no attribute 'items'"
    assert 'cover(season_metadata, media, code)' in patches(case_for(HANDED, '        return media', error))[0][1]
    error = "AttributeError: 'RecordObject' object has no attribute 'posters'"
    found = patches(case_for(HANDED, '    metadata.posters', error))
    assert 'metadata.thumbs[path] = code' in found[0][1]
    assert all('    cover(season_metadata,' in patched for _, patched in found)    # season_metadata is meant


def test_no_class_of_the_framework_is_asked_for_a_key():
    source = ("def update(metadata, data):\n    page = data['page']\n    metadata.title = page['yard']\n"
              "    metadata.studio = searchResult['yard']\n")
    patched = patches(case_for(source, '    metadata.studio', "NameError: global name 'searchResult' is not defined"))
    assert patched[0][1].endswith("metadata.studio = page['yard']\n") and 'SearchResult[' not in str(patched)


def test_a_number_that_is_a_text_is_written_as_one():
    source = "def ask(number):\n    return HTTP.Request('http://boats.example/%d?x=%%d' % number)\n"
    for kind in ('str', 'unicode'):
        error = 'TypeError: %%d format: a number is required, not %s' % kind
        assert "'http://boats.example/%s?x=%%d' % number" in patches(case_for(source, '    return', error))[0][1]
    error = 'TypeError: %d format: a number is required, not NoneType'
    assert all('%s?x' not in patched for _, patched in patches(case_for(source, '    return', error)))


def test_a_field_that_this_kind_of_item_lacks_costs_nothing_else():
    source = ("def update(metadata, data):\n    metadata.year = int(data['year'])\n    metadata.title = data['title']\n")
    error = "AttributeError: 'TV_Show' object has no attribute named 'year'"
    proposal, patched = patches(case_for(source, '    metadata.year', error))[0]
    assert run(patched, {'year': '13', 'title': 'Eleven'})[0] == {'year': 13, 'title': 'Eleven'}     # a film has it
    assert 'except AttributeError' in patched and proposal.template == 'field guard'


def test_what_was_an_object_and_is_a_text_now_is_that_text():
    source = ("def update(metadata, data):\n    for tag in data['tags']:\n        metadata.genres.add(tag['name'])\n"
              "    metadata.title = 'Eleven'\n")
    error = 'TypeError: string indices must be integers, not str'
    patched = patches(case_for(source, '        metadata.genres', error))[0][1]
    for tags in ([{'name': 'sea'}, {'name': 'pier'}], ['sea', 'pier']):
        assert run(patched, {'tags': tags})[0] == {'genres': ['sea', 'pier'], 'title': 'Eleven'}
    more = source.replace("add(tag['name'])", "add(tag['name'] + tag['kind'])")
    assert all('else tag)' not in text for _, text in patches(case_for(more, '        metadata.genres', error)))


PLAIN_NAME = '''
class Search(object):
    def __init__(self, media):
        self.media = media

    def plain_name(self):
        self.name = self.media['name'].lower()

    def arguments(self):
        return 'title=' + self.name

    def check(self):
        self.plain_name()
        return self.name

def update(metadata, data):
    metadata.title = Search(data).arguments()
'''


def test_the_method_that_sets_an_attribute_is_called_first():
    error = "AttributeError: 'Search' object has no attribute 'name'"
    proposal, patched = patches(case_for(PLAIN_NAME, '        return \'title', error))[0]
    assert run(patched, {'name': 'Eleven'})[0] == {'title': 'title=eleven'} and 'plain_name()' in proposal.summary
    asks = PLAIN_NAME.replace("self.media['name'].lower()", "HTTP.Request(self.media['name']).content")
    assert "self.plain_name()\n        return 'title" not in patches(case_for(asks, "        return 'title", error))[0][1]


def test_bytes_in_an_xpath_become_text():
    source = "def text_of(page, query):\n    return page.xpath('string(' + query + ')')\n"
    error = 'ValueError: All strings must be XML compatible: Unicode or ASCII, no NULL bytes or control characters'
    assert "(query.decode('utf-8', 'replace') if isinstance(query, str) else query)" in patches(
        case_for(source, '    return', error))[0][1]


def test_a_position_that_was_not_found_is_asked_for_before_it_is_used():
    source = ("def update(metadata, data):\n    spot = None\n    for number, text in enumerate(data['marks']):\n"
              "        if text == 'at':\n            spot = number\n    metadata.title = data['title']\n"
              "    metadata.studio = data['marks'][spot + 0 if spot else spot]\n    metadata.year = data['year']\n")
    source = source.replace('spot + 0 if spot else spot', 'spot')
    case = case_for(source, '    metadata.studio', 'TypeError: list indices must be integers, not NoneType')
    _, patched = patches(case)[0]
    data = {'marks': ['in', 'at'], 'title': 'T', 'year': 1999}
    assert run(patched, data)[0] == {'title': 'T', 'studio': 'at', 'year': 1999}
    assert run(patched, dict(data, marks=['in']))[0] == {'title': 'T', 'year': 1999}


def test_fields_that_nothing_gives_a_value_are_left_out():
    source = ("def update(metadata, data):\n    metadata.title = data['title']\n    metadata.index = part_number\n"
              "    metadata.season = season_number\n    metadata.year = data['year']\n")
    proposal, patched = patches(case_for(source, '    metadata.index',
                                         "NameError: global name 'part_number' is not defined"))[0]
    fields, messages = run(patched, {'title': 'T', 'year': 1999})
    assert fields == {'title': 'T', 'year': 1999} and len(messages) == 2 and proposal.loss.startswith('index and season')


def test_the_list_that_the_condition_around_a_loop_is_about():
    source = ("def update(metadata, data):\n    parts = data['parts']\n    other = data['other']\n"
              "    if isinstance(parts, list):\n        for part in found_parts:\n            metadata.title = part\n")
    error = "NameError: global name 'found_parts' is not defined"
    _, patched = patches(case_for(source, '        for part', error))[0]
    assert run(patched, {'parts': ['x'], 'other': 1})[0] == {'title': 'x'}
    assert patches(case_for(source.replace('isinstance(parts, list)', 'True'), '        for part', error)) == []


CROSSED = ("def update(metadata, media, lang):\n    covers(metadata, media)\n    banner(metadata, metadata, 'b')\n\n"
          "def covers(record, media):\n    record.title = path_of(media)\n\n"
          "def banner(record, media, kind):\n    record.studio = path_of(media)\n\n"
          "def path_of(media):\n    for part in media.parts:\n        return part\n")


def test_a_call_that_hands_over_another_variable_than_the_parameter_is_called():
    error = "AttributeError: 'RecordObject' object has no attribute 'parts'"
    proposal, patched = patches(case_for(CROSSED, '    for part', error))[0]
    assert proposal.template == 'right arguments' and "banner(metadata, media, 'b')" in patched
    for kept in (CROSSED.replace('update(metadata, media', 'update(metadata, item'),       # nothing of that name
                 CROSSED.replace('covers(metadata, media)', 'covers(metadata, metadata)')):     # two that could be meant
        assert all(one.template != 'right arguments' for one, _ in patches(case_for(kept, '    for part', error)))


def test_an_attribute_that_is_no_method_says_nothing_of_a_dict():
    source = ("def update(metadata, data):\n    for part in data['all']:\n        metadata.title = part.items[0]\n"
              "        metadata.year = 1999\n")
    error = "AttributeError: 'Media' object has no attribute 'items'"
    found = patches(case_for(source, '        metadata.title', error))
    assert all('isinstance(part, dict)' not in patched for _, patched in found)


def test_a_frame_in_which_an_object_is_asked_for_an_attribute_is_no_call():
    frame = collections.namedtuple('Frame', 'callees')
    for name, kind in (('__getattribute__', 'own'), ('__getattr__', 'own'), ('fetch', 'call')):
        assert diagnose.frame_kind(frame([{'function': name, 'file': 'Framework/modelling/templates.py'}]))[0] == kind
    dotted = {'function': 'lxml.etree._Attrib.__getitem__', 'file': 'src/lxml/etree.pyx'}
    assert diagnose.frame_kind(frame([dotted])) == ('call', '__getitem__')


def test_tests_that_ask_one_object_alike_first_ask_whether_the_key_is_there():
    source = ("def update(metadata, data):\n    metadata.title = 'Pier'\n    if data['index']:\n"
              "        metadata.year = data['index']\n    if data['rating'] and data['day']:\n"
              "        metadata.rating = data['rating']\n    if 'crew' in data and data['crew']:\n"
              "        metadata.studio = data['crew']\n    if len(data['long']) > 2:\n        metadata.summary = data['long']\n")
    proposal, patched = patches(case_for(source, "    if data['rating']", "KeyError: 'rating'"))[0]
    assert run(patched, {'long': 'day'})[0] == {'title': 'Pier', 'summary': 'day'}
    assert patched.count("'crew' in data") == 1 and "'long' in" not in patched
    assert patched.count("'rating' in data") == 1       # what the condition asks is not asked again below it
    assert 'the same for index and day' in proposal.summary
    assert run(patched, {'long': '', 'index': 3, 'rating': 2, 'day': 1})[0] == {'title': 'Pier', 'year': 3, 'rating': 2}
    other = source.replace("    if data['rating']", "    data = other(data)\n    if data['rating']")
    assert "'index' in" not in patches(case_for(other, "    if data['rating']", "KeyError: 'rating'"))[0][1]


def test_a_switch_that_only_an_if_turns_on_is_off_otherwise():
    source = ("def update(metadata, data):\n    if data['long']:\n        long = 'y'\n    if data['short']:\n"
              "        short = 'y'\n    metadata.title = '%s/%s/%s' % (data['id'], long, short)\n")
    error = "UnboundLocalError: local variable 'long' referenced before assignment"
    for setup in ('', '    url = 1\n'):
        _, patched = patches(case_for(source.replace('    if data', setup + '    if data', 1), '    metadata.title', error))[0]
        assert run(patched, {'long': 0, 'short': 0, 'id': 7})[0]['title'] in ('7//', '7/None/None')
        assert run(patched, {'long': 1, 'short': 1, 'id': 7})[0] == {'title': '7/y/y'}
    asked = source.replace("metadata.title = '", "metadata.title = JSON.ObjectFromURL('").replace('short)', 'short))')
    assert '    long = None\n    short = None\n' in patches(case_for(asked, '    metadata.title', error))[0][1]


def test_the_update_of_a_show_takes_the_file_of_an_episode():
    source = ("class Shows(Agent.TV_Shows):\n    def update(self, metadata, media, lang):\n"
              "        path = media.items[0].parts[0].file\n        metadata.title = path.upper()\n")
    error = 'IndexError: list index out of range'
    taken = '[media.seasons[s].episodes[e].items[0] for s in media.seasons for e in media.seasons[s].episodes][0].parts[0]'
    assert taken in patches(case_for(source, '        path', error))[0][1]
    assert all(taken not in patched for _, patched in patches(case_for(
        source.replace('TV_Shows', 'Movies'), '        path', error)))


def test_a_key_that_the_code_itself_writes_with_a_number_has_that_number():
    source = ("def search(results, boats):\n    boats.append({'wide': 0, 'high': 0, 'name': 'x'} if not results else\n"
              "                 {'wide': results, 'high': results, 'name': 'y'})\n\n"
              "def update(metadata, data):\n    wide = data['wide']\n    high = data['high']\n    name = data['name']\n"
              "    metadata.title = '%s %d' % (name, wide * high)\n")
    proposal, patched = patches(case_for(source, '    wide', "KeyError: 'wide'"))[0]
    assert run(patched, {'name': 'Eleven'})[0] == {'title': 'Eleven 0'} and "data['name']" in patched
    assert proposal.summary == '0 where wide is missing and 0 where high is missing'
    other = source.replace("'wide': results", "'wide': 7")
    assert all('wide is missing and' not in one.summary for one, _ in patches(
        case_for(other, '    wide', "KeyError: 'wide'")))


def test_a_module_of_python_3_that_nothing_imports_is_the_one_of_python_2():
    source = "import urllib2\n\ndef ask(url):\n    return type(url) is urllib.request.Request\n"
    found = patches(case_for(source, '    return', "NameError: global name 'urllib' is not defined"))
    assert len(found) == 1 and found[0][1].endswith('type(url) is urllib2.Request\n')


@pytest.mark.parametrize('settings,fits', [("contributes_to = ['com.plexapp.agents.none']", True),
                                           ('primary_provider = True', True), ('primary_provider = False', False)])
def test_an_item_that_no_other_agent_matched_first_has_an_id_of_its_own(settings, fits):
    source = ("class Own(Agent.Movies):\n    %s\n    def search(self, results, media, lang):\n"
              "        results.Append(MetadataSearchResult(id=media.primary_metadata.id, score=100))\n" % settings)
    error = "AttributeError: 'NoneType' object has no attribute 'id'"
    found = patches(case_for(source, '        results', error))
    assert any('media.primary_metadata.id if media.primary_metadata is not None else media.id,' in patched
               for _, patched in found[:1]) == fits


def test_a_name_that_the_class_has_a_method_for():
    source = ("class Own(object):\n    def parse(self, text):\n        for shape in shapes:\n            text = shape(text)\n"
              "        return [text] + shapes\n\n    def getShapes(self):\n        return []\n")
    error = "NameError: global name 'shapes' is not defined"
    assert patches(case_for(source, '        for shape', error))[0][1].count('self.getShapes()') == 2
    other = source.replace('getShapes(self)', 'getShapes(self, text)')
    assert all('self.getShapes' not in patched for _, patched in patches(case_for(other, '        for shape', error)))


def test_a_test_that_calls_a_function_first_asks_whether_the_key_is_there():
    source = ("def update(metadata, data):\n    if first(data['days'][data['kind']]):\n        metadata.year = 1987\n"
              "    metadata.title = 'Pier'\n\ndef first(values):\n    return values[0]\n")
    _, patched = patches(case_for(source, '    if first', 'KeyError: None'))[0]
    assert run(patched, {'days': {}, 'kind': None})[0] == {'title': 'Pier'}
    assert run(patched, {'days': {1: [2]}, 'kind': 1})[0] == {'title': 'Pier', 'year': 1987}


TEXTS_OF_PYTHON_3 = (
    ("title = f'{name} of {data[\"kind\"]!r}'\n", "title = u'{} of {!r}'.format(name, data[\"kind\"])\n"),
    ("title = f'{size:.2f} {{x}}' # it's\n", "title = u'{:.2f} {{x}}'.format(size) # it's\n"),
    ("title = ('a{b}'\n         f'{name(1)}' '%')\n", "title = ('a{{b}}'\n         u'{}' '%'.format(name(1)))\n"),
    ("title = f'plain {{}}'\nother = rf\"\\d{name}\"\n", "title = u'plain {}'\nother = r\"\\d{}\".format(name)\n"),
    ("title = f'{name:{size}}'\n", None),
    ("title = f'{name=}'\n", None))


@pytest.mark.parametrize('source,wanted', TEXTS_OF_PYTHON_3)
def test_texts_of_python_3_with_names_in_them(source, wanted):
    read = diagnose.Source(source.encode('utf-8'), PATH)
    found = [diagnose.apply_edits(read, edits).decode('utf-8') for edits, _ in diagnose.readable_again(read, 1)]
    assert found == ([wanted] if wanted else [])


MENU = """
def Boats(data):
    oc = ObjectContainer()
    for boat in data['boats']:
        number = boat['mooring']['id']
        oc.add(DirectoryObject(key=Callback(Boat, id=number), title=boat['name']))
    if 'next' in data:
        oc.add(NextPageObject(key=Callback(Boats, page=data['next'][0]['page'])))
    for boat in data['boats']:
        if boat['id'] != '':
            summary = story(boat['id'])
        if summary == '' and boat['name'] != '':
            summary = story(boat['name'])
        oc.title2 = summary
    return oc

def kind(boat):
    if not boat.hull.get('kind'):
        return None
    name = boat.hull.get('kind')
    if boat.hull.get('sails'):
        return name + boat.hull.get('sails')
    return name
"""


def test_an_entry_of_a_menu_without_what_it_leads_to_is_left_out():
    proposal, patched = patches(case_for(MENU, "        number = boat['mooring']", "KeyError: 'mooring'"))[0]
    assert "if 'mooring' in boat:" in patched or 'continue' in patched


def test_a_list_that_is_asked_for_and_empty_is_asked_for_an_element_too():
    patched = patches(case_for(MENU, "        oc.add(NextPage", 'IndexError: list index out of range'))[0][1]
    assert "if 'next' in data and data['next']:" in patched


def test_a_name_begins_with_what_the_code_takes_for_nothing():
    case = case_for(MENU, "        if summary == ''", "UnboundLocalError: local variable 'summary' referenced before "
                                                      "assignment")
    assert "        summary = ''\n        if boat['id'] != '':" in patches(case)[0][1]


def test_what_returns_without_the_value_needs_no_guard_behind_it():
    case = case_for(MENU, '    if not boat.hull.get', "AttributeError: 'NoneType' object has no attribute 'get'")
    patched = patches(case)[0][1]
    assert "if not (boat.hull is not None and boat.hull.get('kind')):" in patched
    assert patched.count('is not None') == 1


def test_a_file_is_not_written_below_whatever_folder_the_process_runs_in():
    source = """
def name_of(title, places):
    place = places.xpath('//place')[0].get('path')
    return os.path.join(place, 'boats', title)
"""
    found = patches(case_for(source, '    place =', 'IndexError: list index out of range'))
    assert not any("place = ''" in patched for _, patched in found[:1])


CALLS = """
def clip(title, url, depth, thumb, container=False, **more):
    return dict(title=title, url=url, depth=depth, thumb=thumb)

def Menu(data):
    for boat in data.findall('boat'):
        name = unicode(boat.text, errors='replace')
        oc.add(clip(title=name, url=boat.get('url'), thumb=boat.get('thumb')))
    return oc

def pictures(boat, wanted):
    for mast in boat.masts:
        if wanted:
            kept = list()
            kept.append(mast.url)
        mast.thumbs.validate_keys(kept)

def login():
    global Session
    Session = requests.Session()

def page(url):
    if not Session.cookies:
        login()
    return Session.get(url).text
"""


@pytest.mark.parametrize('line, error, wanted', [
    ('        name =', 'TypeError: decoding Unicode is not supported',
     "(boat.text if isinstance(boat.text, unicode) else unicode(boat.text, errors='replace'))"),
    ('        mast.thumbs', "UnboundLocalError: local variable 'kept' referenced before assignment",
     '            kept.append(mast.url)\n            mast.thumbs.validate_keys(kept)'),
    ('    if not Session', "NameError: global name 'Session' is not defined", None)])
def test_what_fails_for_every_item_is_not_hidden_but_made_right(line, error, wanted):
    found = patches(case_for(CALLS, line, error))
    assert wanted in found[0][1] if wanted else not found


def test_a_try_that_logged_the_error_is_no_guard_for_what_needs_the_value():
    source = ("def update(metadata, data):\n    try:\n        text = data['long']\n        metadata.summary = text.strip()\n"
              "        metadata.title = 'Pier'\n    except Exception:\n        Log('lost')\n")
    case = case_for(source, '        text =', "KeyError: 'long'")
    around, = [node for node in diagnose.walk(case.source.tree) if node.kind == 'TryExcept']
    assert run(patches(case)[0][1], {}) == ({}, ['lost'])           # what it catches on the next line does no harm
    assert run(patches(case._replace(logged=(around,)))[0][1], {})[0]['title'] == 'Pier'


HARBOUR = """
def logged_in(headers):
    if Prefs['key'] != '':
        headers['Key'] = 'Bearer ' + Prefs['key']
    return headers

def hash_of(word):
    text = word.encode('utf-8')
    digest = hashlib.sha1()
    digest.update(text)
    return digest.hexdigest()

def of_fleet(boat):
    fleet = ''
    fleet = boat['fleet']
    if fleet != '':
        boat['others'] = JSON.ObjectFromURL(ADDRESS + fleet)
    return boat

def hours(boat):
    opens = 0
    opens = time.strftime('%H:%M', time.localtime(int(boat['opens'])))
    return '%s %s' % (boat['name'], opens)

def details(name):
    key = name.replace('-', '').lower()
    address = ADDRESSES.get(key)
    request = urllib2.Request(address, headers=HEADERS)
    return JSON.ObjectFromString(urllib2.urlopen(request).read())

def story(page):
    first = page.xpath('//h5')[0].text + ' '
    second = page.xpath('//p')[0].text
    both = first + second
    return both.strip()

def keywords(name):
    found = re.search('[A-Z]+', name)
    return [found.group().lower()]

def Pier(data):
    oc = ObjectContainer()
    boat = ships.first(data)
    oc.add(DirectoryObject(key=Callback(Boat, number=boat.id), title='Boat'))
    return oc

def berths(data):
    for boat in data['yachts']:
        berth = Berth()
        berth.name = boat['name']
        data['named'].append(berth)
    boats = data['dinghies']
    if boats:
        for boat in boats:
            berth = Berth()
            data['named'].append(berth)
    return data

def aired(metadata, data):
    date = moment(data.get('aired'))
    metadata.year = date.year
    metadata.tagline = data.get('tagline')
    set_field(metadata, 'rating', data['score'] * 2)
    year = date.year
    return numbered(data['name'], year)

def listed(results, media, data):
    for boat in data['boats']:
        result = MetadataSearchResult(id=boat['id'], name=boat['name'], score=boat['score'])
        results.Append(result)

def score(media, boat):
    worth = 80
    worth += (2 - min(2, abs(int(media.year) - boat['year']))) * 10
    return worth

def heads(parts):
    for part in parts:
        end = part.find(';')
        if end == -1:
            continue
        parts.remove(part[:end])

def is_known(name):
    if name in str(KNOWN):
        return True
    return False

def rated(metadata, data):
    metadata.content_rating = rating_of(data['rating'], Prefs['rating'])
    metadata.title = data['name']

def crew(metadata, people):
    metadata.roles.clear()
    for person in people:
        metadata.roles.new().name = person

def page_of(address):
    try:
        return HTML.ElementFromURL(address)
    except Exception:
        return None

def berthed(data):
    match = re.search('[0-9]+', data)
    page = page_of('%s/berth' % match.group())
    if not page:
        return None
    return page.text

def first_of(data, name):
    link = 'http://example.org/?name={0}'.format(String.Quote(data[name]))
    return JSON.ObjectFromURL(link)['first']

def chapters(rows):
    found = []
    for row in rows:
        begins = seconds(row['begin'] + row['shift'])
        chapter = {'begins': begins, 'name': row.get('name')}
        found.append(chapter)
    return found

def series(rows):
    page = HTML.ElementFromURL('http://example.org')
    anchor = page.find('a')
    page = HTML.ElementFromURL('http://example.org/%s' % anchor['href'])
    for boat in page.xpath('//boat'):
        rows.append(boat)
    return rows

def all_names(self):
    names = []
    names = self.joined(names, self.data['short'])
    names = self.joined(names, self.data['others'])
    self.names = names
    self.known = names[:1]

def linked(page):
    kept = []
    for row in page.xpath('//tr'):
        names = row.xpath('.//h5')
        boat = Boat()
        boat.label = names[0].text.strip() + row.get('id')
        kept.append(boat)
    return kept

ICON = 'icon.png'

def Yards(name):
    yards = listing('yards', name)
    if not yards:
        return Nothing()
    try:
        thumb = yards['thumb']
    except KeyError:
        thumb = R(ICON)
    return ObjectContainer(title1=yards['title'], thumb=thumb)

def Docks(name, title):
    docks = listing('docks', name)
    oc = ObjectContainer(title2=title)
    for dock in docks['data']:
        oc.add(DirectoryObject(title=dock))
    return oc

def Quay(page):
    thumb = page.xpath('//img/@src')[0]
    return DirectoryObject(key=Callback(Docks), title='Quay', thumb=thumb)

def is_old(row):
    began = Datetime.ParseDate(row['began'])
    return began + Datetime.Delta(days=7) < Datetime.Now()

def worth(cache, name, again):
    known = None
    known = cache['worth']
    if again:
        if known is not None:
            return known[name]
        else:
            known = {}
    else:
        known = {}
    known[name] = 7
    return known

def more(oc, page):
    title = page['next']['title'] + ' (%d)' % page['next']['number']
    oc.add(title)
    oc.title2 = title.upper()
    return oc if len(oc) else Nothing()

def Fleets(page):
    dir = MediaContainer()
    for row in page.xpath('//tr'):
        anchor = row.xpath('.//a')[0]
        fleet_url = anchor.get('href')
        cells = row.xpath('.//td')
        dir.Append(Function(DirectoryItem(Fleet, title='%d' % len(cells)), arg=fleet_url))
    return dir

BOATS_URL = 'http://boats.test/list?%s&page=%d'

def any_boat(data):
    boats = data['boats']
    boat = random.choice(boats)
    return boat['name']

def listed_at(number, page):
    rows = JSON.ObjectFromURL(BOATS_URL % number, page)
    return rows

def login(now):
    if now > int(Dict['session']['ends']):
        Dict['session']['ends'] = now + 7
    return Dict['session']

def starred(name):
    stars = Dict['stars']
    stars.append(name)
    Dict['stars'] = stars

def berth_page(url):
    page = HTML.ElementFromURL(url)
    more = page.xpath('//a/@href')[0]
    page = HTML.ElementFromURL(url + more)
    for row in page.xpath('//tr'):
        Log(row.text)

def sailed(row):
    day = row['day'].split('-')
    day = '%s-%s' % (day[1], day[2])
    return Datetime.ParseDate(day)

def posters(metadata, page):
    names = []
    pictures = page.xpath('//div')[0].xpath('./img/@src')
    for picture in pictures:
        names.append(picture)
    metadata.posters.validate_keys(names)

def kind_of(file):
    if file == 'mp3':
        codec = 'mp3'
        box = container.MP3
    elif file == 'mp4':
        codec = 'aac'
        box = container.MP4
    return MediaObject(container=box, audio_codec=codec)

def Fleet(title):
    oc = ObjectContainer()
    oc.add(DirectoryObject(key=Callback(Docks), title=title, thumb=R(FLEET_PICTURE)))
    return oc

def berths_of(self, match):
    self.number = None
    self.number = match.group('number').strip()
    Log('berth ' + str(self.number))
    self.label = 'Berth %s' % self.number

def streams(link, kept):
    if link.find('pier') != -1 and kept:
        link = 'x'
    elif link.find('boat') == -1:
        kept = None
    return kept

def first_flag(page):
    flags = page.xpath('//flag/@name')
    flags = flags[0]
    return flags.upper()

def letters(page):
    dir = MediaContainer()
    for row in page.xpath('//entry'):
        letter = row.xpath('./title')[0].text
        dir.Append(Function(DirectoryItem(Fleet, letter), pageurl=SITE_URL + 'az/?id=' + letter))
    return dir

def meta(number):
    url = 'http://boats.test/%d' % number
    meta = HTML.ElementFromURL(url).xpath('//meta/@content')[0]
    url = JSON.ObjectFromString(meta)['url']
    return (url, 'x')

def banner(page):
    item = {'name': 'x', 'thumb': '%s%s' % (SITE_URL, page.xpath('//img/@src')[0])}
    return item
"""


@pytest.mark.parametrize('line, error, wanted, unwanted', [
    ("        headers['Key']", "TypeError: cannot concatenate 'str' and 'NoneType' objects",
     "if Prefs['key'] != '' and Prefs['key'] is not None:", ''),
    ('    text = word', "AttributeError: 'NoneType' object has no attribute 'encode'", "(word or '').encode", ''),
    ("    fleet = boat['fleet']", "KeyError: 'fleet'", '', ".get('fleet')\n"),
    ('    opens = time', "KeyError: 'opens'", "if 'opens' in boat:", ''),
    ('    key = name', "AttributeError: 'NoneType' object has no attribute 'replace'", 'return None\n    key = name', ''),
    ('    second =', 'IndexError: list index out of range', "if nodes else ''\n    both", ''),
    ('    return [found', "AttributeError: 'NoneType' object has no attribute 'group'",
     '.lower()] if found is not None else []', ''),
    ('    oc.add(DirectoryObject', "AttributeError: 'NoneType' object has no attribute 'id'", 'if boat is not None:', ''),
    ("    for boat in data['yachts']", "AttributeError: 'NoneType' object has no attribute '__iter__'",
     "in data['yachts'] or []:", ''),
    ('        boat.label', 'IndexError: list index out of range', '', "boat = ''"),
    ('    metadata.year = date', "AttributeError: 'NoneType' object has no attribute 'year'", 'if date is not None:', ''),
    ('    year = date', "AttributeError: 'NoneType' object has no attribute 'year'", 'if date is not None else', ''),
    ('    set_field', "KeyError: 'score'", "if 'score' in data:", ''),
    ('        result = Meta', "KeyError: 'score'", "if 'score' in boat:\n", ''),
    ('    worth +=', "TypeError: int() argument must be a string or a number, not 'NoneType'",
     'if media.year is not None', "- boat['year'] if"),
    ('        end = part', "AttributeError: 'NoneType' object has no attribute 'find'", '', "else ''"),
    ('    if name in', "TypeError: 'in <string>' requires string as left operand, not NoneType",
     'if name is not None and name in', ''),
    ('    metadata.content_rating = rating', "KeyError: 'rating'", "in data:", ''),
    ('    for person in people', "AttributeError: 'NoneType' object has no attribute '__iter__'",
     'if people is not None:\n        metadata.roles.clear()\n', ''),
    ('    page = page_of', "AttributeError: 'NoneType' object has no attribute 'group'",
     'match.group()) if match is not None else None', ''),
    ('    link = ', 'TypeError: None object cannot be quoted', '', "data[name] or ''"),
    ('        begins = seconds', "KeyError: 'begin'", '', "chapter = ''"),
    ("    names = self.joined(names, self.data['short'])", "KeyError: 'short'", '', 'return\n    names'),
    ("    page = HTML.ElementFromURL('http://example.org/%s", "KeyError: 'href'",
     "if 'href' in anchor:\n        page", ''),
    ("    for dock in docks", "AttributeError: 'NoneType' object has no attribute '__getitem__'",
     "', name)\n    if docks is None:\n        Log('Docks: nothing was found')\n        return Nothing()\n", ' or []'),
    ("    thumb = page", "IndexError: list index out of range", 'nodes[0] if nodes else R(ICON)', ''),
    ("    began = Date", "KeyError: 'began'", '', "else ''"),
    ("    known = cache", "KeyError: 'worth'", "cache.get('worth')", ''),
    ("    title = page['next']", "KeyError: 'next'", '', 'return None\n    title'),
    ("        anchor = row", "IndexError: list index out of range", '', "fleet_url = ''"),
    ("    boats = data['boats']\n    boat =", "KeyError: 'boats'", '', "get('boats'"),
    ("    rows = JSON", "TypeError: not enough arguments for format string", '% (number, page))', ''),
    ("    if now >", "KeyError: 'ends'", "if 'ends' not in Dict['session'] or now >", ''),
    ("    stars.append", "AttributeError: 'NoneType' object has no attribute 'append'", 'stars = []\n    stars.app', ''),
    ("    more = page", "IndexError: list index out of range", '', 'there are too few\')\n    for row'),
    ("    day = '%s", "IndexError: list index out of range", '', "day[2])\n    else:\n        Log"),
    ("    pictures = page", "IndexError: list index out of range", '', 'else []'),
    ("    return MediaObject(container=box", "UnboundLocalError: local variable 'box' referenced before assignment",
     'box = None\n    codec = ', ''),
    ("        box = container.MP3", "NameError: global name 'container' is not defined", 'box = Container.MP3', ''),
    ("    oc.add(DirectoryObject(key=Callback(Docks), title", "NameError: global name 'FLEET_PICTURE' is not defined",
     'title=title))', ''),
    ("    self.number = match", "AttributeError: 'NoneType' object has no attribute 'strip'", 'is not None:\n', ''),
    ("    if link.find", "AttributeError: 'NoneType' object has no attribute 'find'",
     "if link is not None and link.find('pier') != -1 and kept:\n        link = 'x'\n    elif link is None or", ''),
    ("    flags = flags[0]", "IndexError: list index out of range", '', 'flags = flags[0]\n    else:\n        Log'),
    ("        dir.Append(Function(DirectoryItem(Fleet, letter", "TypeError: cannot concatenate 'str' and 'NoneType' objects",
     '', "else '')"),
    ("    meta = HTML", "IndexError: list index out of range", '', "['url']\n    else:\n        Log"),
    ("    item = {'name'", "IndexError: list index out of range", '', "(nodes[0]")])
def test_what_stands_in_for_nothing_is_what_the_code_takes_for_that(line, error, wanted, unwanted):
    case = case_for(HARBOUR, line, error)
    patched = patches(case)[0][1]
    assert wanted in patched and (not unwanted or unwanted not in patched)
    answer = diagnose.normal_empty(case)
    assert answer == {'Pier': 'oc', 'more': 'oc if len(oc) else Nothing()'}.get(case.function.name, answer)


@pytest.mark.parametrize('statement,error,wanted', [
    ('pair = [boat.mast, boat.keel]', "AttributeError: 'NoneType' object has no attribute 'mast'", 'if boat is not None:'),
    ("metadata.studio = '%s %s' % (boat.text, boat.tail)", "AttributeError: 'NoneType' object has no attribute 'text'",
     'if boat is not None:'),
    ('pair = len(boat) or boat.text', "TypeError: object of type 'NoneType' has no len()", 'if boat is not None:'),
    ("if boat.text == 'Star' or boat.tail: metadata.studio = 'Yard'",
     "AttributeError: 'NoneType' object has no attribute 'text'",
     "if boat is not None and (boat.text == 'Star' or boat.tail):")])
def test_a_guard_covers_all_that_fails_on_the_same_nothing(statement, error, wanted):
    source = "def update(metadata, data):\n    boat = data.find('boat')\n    pair = None\n    %s\n" \
             "    metadata.title = pair\n" % statement
    assert wanted in patches(case_for(source, statement, error))[0][1]


def test_a_name_in_the_plural_promises_a_list_and_a_verb_or_a_number_does_not():
    assert all(diagnose.by_plural(name) == ['[]'] for name in ('genres', 'actorNames', 'tag_list'))
    assert not any(diagnose.by_plural(name) for name in ('exists', 'has_genres', 'hasGenres', 'votes', 'series', 'artist'))


# the first patch (None: there is none) and what of it, after a change that looks as good, would do harm
HARM = [
    ("def f(rows, out):\n    for row in rows:\n        if row['kind'] == 'deck':\n            deck = row['n']\n        else:\n"
     "            out.append('%s-%s' % (deck, row['n']))\n", "            out.", "UnboundLocalError: local variable 'deck' "
     "referenced before assignment", "def f(rows, out):\n    deck = ''\n    for"),
    ("def f(rows):\n    n = 0\n    while True:\n        if n > 3 and tries > 2:\n            break\n        n = n + 1\n"
     "        tries = n\n", "        if n", "UnboundLocalError: local variable 'tries' referenced before assignment",
     "    tries = 0\n    while True"),
    ("def f(rows):\n    for row in rows:\n        total = total + row['n']\n    return total\n\n\ndef update(metadata, d):\n"
     "    metadata.year = f(d)\n", "        total", "UnboundLocalError: local variable 'total' referenced before assignment",
     "def f(rows):\n    total = 0\n"),
    ("def update(metadata, d):\n    for boat in d:\n        if boat['main']:\n            best = boat\n    metadata.title = "
     "best['name']\n", '    metadata', "UnboundLocalError: local variable 'best' referenced before assignment",
     "    if best is not None:\n        metadata.title = best['name']"),
    ("def f(n):\n    while True:\n        page = ask(n)\n        if page['last']:\n            break\n        n = n + 1\n",
     '        if page', "KeyError: 'last'", "if 'last' not in page or page['last']:"),
    ("def f(d):\n    more = True\n    while more:\n        page = ask(d)\n        if page['last'] == 1:\n            more = "
     "False\n", '        if page', "KeyError: 'last'", "if 'last' not in page or page['last'] == 1:"),
    ("def f(text, shape, out):\n    at = 0\n    while at < len(text):\n        found = shape.search(text, at)\n"
     "        out.append(found.group(1))\n        at = found.end()\n", '        out', "AttributeError: 'NoneType' object has "
     "no attribute 'group'", "if found is None:\n            Log('The loop ends: nothing was found')\n            break"),
    ("def f(url):\n    try:\n        return ask(url)['name'].strip()\n    except IOError:\n        return f(url)\n",
     '        return ask', "AttributeError: 'NoneType' object has no attribute 'strip'", '    except IOError:'),
    ("def f(d):\n    name = d['name'].strip()\n    if not name:\n        raise ValueError('no name')\n    return name\n\n\n"
     "def update(metadata, d):\n    metadata.title = f(d)\n", '    name', "AttributeError: 'NoneType' object has no "
     "attribute 'strip'", "return None"),
    ("def f(d):\n    key = d['key'].strip()\n    Data.Remove('boat-' + key)\n    return True\n", '    key',
     "AttributeError: 'NoneType' object has no attribute 'strip'", "        Data.Remove("),
    ("def f(d):\n    url = d['url']\n    play(url)\n    return True\n", '    url', "KeyError: 'url'",
     "    if 'url' in d:\n        url = d['url']\n        play(url)"),
    ("def f(d):\n    if not d['keep']:\n        delete(d['id'])\n", '    if', "KeyError: 'keep'",
     "if 'keep' in d and not d['keep']:"),
    ("def f(path):\n    delete(path)\n\n\ndef g(d):\n    f(d)\n    delete(d, True)\n\n\ndef delete(path):\n    pass\n",
     '    delete(d, ', "TypeError: delete() takes exactly 1 argument (2 given)", None),
    ("class Boat(Agent.Movies):\n    year = None\n\n    def update(self, metadata, d, lang):\n        self.load(d)\n"
     "        metadata.year = self.year\n\n    def load(self, d):\n        self.year = int(d['year'])\n",
     '        self.year', "KeyError: 'year'", "int(d['year']) if 'year' in d else None"),
    ("class Boat(object):\n    def __init__(self, d):\n        if d:\n            self.crew = []\n\n    def board(self, one):\n"
     "        self.crew.append(one)\n\n\ndef f(d):\n    boat = Boat(d)\n    boat.board(d)\n    return boat.crew\n",
     '        self.crew.', "AttributeError: 'Boat' object has no attribute 'crew'",
     "def __init__(self, d):\n        self.crew = []\n        if d:"),
    ("def f(d):\n    names = [one['name'] for one in d]\n    faces = [one['face'] for one in d]\n    return zip(names, faces)"
     "\n", '    faces', "KeyError: 'face'", "[one.get('face') for one in d]"),
    ("def update(metadata, d):\n    metadata.year = max([one['year'] for one in d])\n", '    metadata', "KeyError: 'year'",
     "    if|max([one.get('year') for one in d])"),
    ("def update(metadata, d):\n    for one in d['crew']:\n        role = metadata.roles.new()\n        role.photo = one['face']"
     "\n        role.name = one['name']\n", '        role.name', "KeyError: 'name'",
     "            continue\n        role = metadata.roles.new()"),
    ("def update(metadata, d):\n    metadata.year = int(d['n'])\n", '    metadata', "ValueError: invalid literal for int() "
     "with base 10: '5 million'", 'except ValueError'),
    ("def update(metadata, d):\n    base = 100\n    metadata.year = base + d['votes']\n", '    metadata', "TypeError: "
     "unsupported operand type(s) for +: 'int' and 'str'", "base + (int(d['votes']) if isinstance(d['votes'], "),
    ("def update(metadata, d):\n    for one in d['crew']:\n        role = metadata.roles.new()\n        parts = one.split('|')"
     "\n        role.name = parts[1]\n", '        role.name', "IndexError: list index out of range",
     "            continue\n        role = metadata.roles.new()\n        role.name"),
    ("def update(metadata, d):\n    names = []\n    for one in d['crew']:\n        names.append(one['name'].strip())\n    for a, b in "
     "zip(names, d['crew']):\n        metadata.genres.add(a + b['id'])\n", '        names', "AttributeError: 'NoneType' object "
     "has no attribute 'strip'", "append((one['name'] or '')"),
    ("def update(metadata, d):\n    done, n = False, 0\n    while not done:\n        n += 1\n        page = d.get(n)\n        "
     "for one in page['crew']:\n            metadata.genres.add(one)\n        done = page['last']\n", '        for', "TypeError: "
     "'NoneType' object has no attribute '__getitem__'", 'if page is None:'),
    ("def update(metadata, d):\n    for p in d['crew']:\n        if p['job'].lower() == 'a': metadata.genres.add(p['id'])\n    "
     "for p in d['crew']:\n        if p['job'].lower() == 'b': metadata.tags.add(p['id'])\n", '        if', "AttributeError: "
     "'NoneType' object has no attribute 'lower'", "p['job'] is not None and p['job'].lower() == 'b'"),
    ("def update(metadata, d):\n    n = 1\n    metadata.year = 1900 + n + d['votes']\n", '    metadata', "TypeError: "
     "unsupported operand type(s) for +: 'int' and 'str'", "+ n + (int(d['votes']) if isinstance(d['votes'], "),
    ("def update(metadata, d):\n    at = 0\n    while at < len(d):\n        end = d.index(';', at)\n        at = end + 1\n"
     "        metadata.genres.add(end)\n", '        end', "ValueError: substring not found", "';' not in d[at:]"),
    ("def update(metadata, d):\n    if d:\n        a = d[0]\n        b = d[1]\n    metadata.title = a.strip()\n"
     "    metadata.tagline = b.strip()\n    metadata.summary = b.lower()\n", '    metadata.title', "UnboundLocalError: "
     "local variable 'a' referenced before assignment", 'b = None'),
    ("asked = 0\ndef update(metadata, d):\n    asked += 1\n    metadata.year = asked\n", '    asked', "UnboundLocalError: "
     "local variable 'asked' referenced before assignment", '    global asked'),
    ("rows = fetch()\nrows.append(1)\nshow(rows)\n", 'rows.a', "AttributeError: 'NoneType' object has no attribute "
     "'append'", 'rows = []'),
    ("def update(metadata, d):\n    title = d['title']\n    for one in titles:\n        metadata.genres.add(one)\n",
     '    for', "NameError: global name 'titles' is not defined", None),
    ("def f(metadata, d):\n    boat = d['boat']\n    for one in boat['crew']:\n        metadata.genres.add(one['id'] + "
     "boat['motto'])\n        metadata.tags.add(boat['id'])\n", '        metadata.tags', "KeyError: 'id'",
     "        if 'id' in boat:"),
    ("def f(metadata, d):\n    fill(metadata, *d['pair'])\n    return d\n", '    fill', "TypeError: fill() argument after * "
     "must be an iterable, not NoneType", "    if d['pair'] is not None:"),
    ("def f(text):\n    parts = text.split(' ')\n    return parts[0], parts[1]\n\n\ndef g(d):\n    first, last = f(d)\n"
     "    return last.upper() + first\n", '    return parts', 'IndexError: list index out of range', "else ''"),
    ("def update(metadata, d):\n    metadata.year = d['year']\n", '    metadata', "AttributeTypeMismatch: (2101, \"Provided "
     "content of type 'str' is not of the required type 'int'.\")", "int(d['year']) if d['year'] is not None else None"),
    ("def f(rows):\n    crews = {}\n    for row in rows:\n        crews[row['deck']].append(row['name'])\n    return crews\n",
     '        crews', "KeyError: 'bow'", "crews.setdefault(row['deck'], []).append("),
    ("def f(rows):\n    crews = {}\n    for row in rows:\n        crews[row['deck']].append(row['name'])\n    return crews\n",
     '        crews', "KeyError: 'deck'", "if 'deck' in row:"),
    ("def f(rows):\n    count = {}\n    for row in rows:\n        count[row] = count[row] + 1\n    return count['bow']\n",
     '        count', "KeyError: 'bow'", "count.get(row, 0) + 1"),
    ("LEAST = 5\n\n\ndef f(d):\n    if d > LEAST:\n        LEAST = d\n    return LEAST\n", '    if d', "UnboundLocalError: local "
     "variable 'LEAST' referenced before assignment", "def f(d):\n    LEAST = 5\n"),
    ("boats = None\n\n\ndef f(url):\n    if boats is None:\n        boats = ask(url)\n    return boats\n", '    if boats',
     "UnboundLocalError: local variable 'boats' referenced before assignment", "def f(url):\n    global boats\n"),
    ("def f(metadata, d):\n    if d:\n        words = d.split()\n        text = d.strip()\n    for one in words:\n        Log(one)\n"
     "    metadata.title = text\n", '    for', "UnboundLocalError: local variable 'words' referenced before assignment",
     "    if text is not None:\n        metadata.title = text"),
    ("def f(metadata, rows):\n    def show():\n        metadata.genres.add(best)\n    for best in rows:\n        pass\n    show()\n",
     '        metadata', "NameError: free variable 'best' referenced before assignment in enclosing scope", None),
    ("def f(rows, out):\n    for n, row in enumerate(rows):\n        out[n] = row\n    return out\n", '        out',
     'IndexError: list assignment index out of range', None),
    ("def f(pages, first):\n    pages[0] = first\n    return pages\n", '    pages', 'IndexError: list assignment index out of range',
     "    if pages:\n        pages[0] = first"),
    ("class Boat(object):\n    def __init__(self, d):\n        self.name = d['name']\n        self.port = d['port']\n\n"
     "    def __repr__(self):\n        return '%s of %s' % (name, port)\n", '        return', "NameError: global name 'name' is not "
     "defined", "% (self.name, self.port)"),
    ("def f(role, d):\n    if kind in d:\n        role.role = d['kind']\n", '    if', "NameError: global name 'kind' is not defined",
     "if 'kind' in d:"),
    ("class Log(object):\n    def read(self, log):\n        trip = log.last()\n        return self.trip.miles()\n", '        return',
     "AttributeError: 'Log' object has no attribute 'trip'", "return trip.miles()"),
    ("class Box(object):\n    def _read_shared_box(self):\n        return 1\n\n    def f(self):\n"
     "        return self._read_from_shared_box()\n", '        return self',
     "AttributeError: 'Box' object has no attribute '_read_from_shared_box'", "return self._read_shared_box()"),
    ("def kind_of(d):\n    raise Problem(d, page)\n\ndef f(page):\n    return kind_of(page['d'])\n", '    raise',
     "NameError: global name 'page' is not defined", "return kind_of(page['d'], page)"),
    ("def f(d):\n    for n in range(7):\n        quality = ''\n        if d == 's':\n            rank = 0\n        elif d == 'm':\n"
     "            rank = 1\n        show(rank)\n", '        show', "UnboundLocalError: local variable 'rank' referenced before "
     "assignment", "rank = 0\n        if d"),
    ("class Rows(object):\n    def __getitem__(self, n):\n        return self.rows[n]\n", '        return',
     'IndexError: list index out of range', None),
    ("def f(metadata, link, words):\n    url = link % words\n    metadata.tagline = ask(url)\n", '    url',
     "ValueError: unsupported format character 'b' (0x62) at index 7", "    except ValueError:\n        url = link.replace('%s', '%s' % words)"),
    ("def f(boat, d):\n    boat.name = d['name'].encode('latin1').decode('utf8')\n", '    boat',
     "UnicodeDecodeError: 'utf8' codec can't decode byte 0xf6 in position 2: invalid start byte",
     "    except UnicodeDecodeError:\n        boat.name = d['name']\n"),
    ("def f(rows, out):\n    for row in rows:\n        cells = row.findall('td')\n        boat = cells[3].text\n"
     "        port = cells[1].text\n        miles = cells[2].text\n        out.append((boat, port, miles))\n", '        boat',
     'IndexError: list index out of range', "        if len(cells) < 4:\n            Log('Skipped one boat: there are too few')\n"
     "            continue\n"),
    ("def f(page):\n    found = []\n    boat = page.find('b').text\n    found.append((boat, 7))\n    return found\n", '    boat',
     "AttributeError: 'NoneType' object has no attribute 'text'", "        return found\n    boat"),
    ("def f(d, page):\n    d['crew'] = [page.find('b').text.strip()]\n    d['port'] = 'x'\n    return d\n", "    d['crew']",
     "AttributeError: 'NoneType' object has no attribute 'text'", "] if node is not None else []|    if node is not None:"),
    ("def f(out, d):\n    out['size'] = d['w']\n    out['size'] += 'x' + d['h']\n    return out\n", "    out['size'] +=",
     "TypeError: cannot concatenate 'str' and 'int' objects", "out['size'] = '%s' % d['w']"),
    ("def f(d):\n    text = d['w']\n    text += ' px'\n    return text\n", '    text +=',
     "TypeError: unsupported operand type(s) for +=: 'int' and 'str'", "    text = '%s' % d['w']"),
    ("class Part(object):\n    def __init__(self, d):\n        if d.get('boat'):\n            self.boat = d['boat']\n"
     "        elif d.get('port'):\n            self.port = d['port']\n\ndef f(part):\n    if part.boat:\n        return part.boat\n"
     "    return part.port or 'x'\n", '    if part', "AttributeError: 'Part' object has no attribute 'boat'", "boat = None\n    port = None"),
    ("import re\n\ndef f(d, title):\n    found = re.search('^%s (x+)' % title, d)\n    return found\n", '    found', 'error: multiple repeat',
     "% re.escape(title), d)"),
    ("def f(d):\n    boats = d['boats']\n    d['name'] = boats[0] + ' / ' + boats[1]\n    d['port'] = 'x'\n    return d\n", "    d['name']",
     'IndexError: list index out of range', "boats[0] + ' / ' + boats[1] if boats and len(boats) >= 2 else ''|    if len(boats) >= 2:"),
    ("def f(boats):\n    return ', '.join([boats[2] or boats[0], boats[1]])\n\ndef update(metadata, d):\n    metadata.title = f(d)\n",
     '    return', 'IndexError: list index out of range', "    if len(boats) < 3:"),
    ("import re\n\ndef rule_of(text):\n    return text.replace(' ', '[ _]')\n\ndef f(d):\n    rule = rule_of(d['k'])\n"
     "    return re.findall('^' + rule, d['t'])\n", '    return re', 'error: multiple repeat', None),
    ("import re\n\ndef f(d, n):\n    return re.search('%s. %s' % (n, d['t']), d['s'])\n", '    return', 'error: multiple repeat',
     "re.escape('%s' % n), re.escape('%s' % d['t'])"),
    ("import re\n\ndef f(metadata, d):\n    words = 'Film: ' + d['t']\n    metadata.title = words\n"
     "    return re.search(words, d['s'])\n", '    return', 'error: multiple repeat', None),
    ("import re\n\ndef f(d):\n    return re.search('^(%s)' % Prefs['skip'], d)\n", '    return', 'error: nothing to repeat', None),
    ("import re\n\ndef f(mark, d):\n    return re.search('^' + mark, d)\n\ndef g(d):\n    return f('[a-z]', d), f(d['t'], d)\n",
     '    return re', 'error: multiple repeat', None),
    ("import re\n\ndef f(d):\n    for mark in ['a+', 'b']:\n        d = re.sub(mark + d, '', d)\n    return d\n", '        d',
     'error: multiple repeat', "re.sub(mark + re.escape(d), ''"),
    ("def kind_of(d):\n    return d, page\n\ndef f(d):\n    page = ask(d)\n    return kind_of(d), map(kind_of, page)\n", '    return d',
     "NameError: global name 'page' is not defined", None),
    ("def kind_of(d):\n    return d, page\n\ndef f(d):\n    if d:\n        page = ask(d)\n    return kind_of(d)\n", '    return d',
     "NameError: global name 'page' is not defined", None),
    ("def kind_of():\n    return page\n\ndef f(d):\n    page = ask(d)\n    return d.kind_of(page)\n", '    return page',
     "NameError: global name 'page' is not defined", None),
    ("class Box(object):\n    def get_red_box(self, a, b):\n        return a\n\n    def f(self, d):\n"
     "        return self.get_old_red_box(d)\n", '        return self',
     "AttributeError: 'Box' object has no attribute 'get_old_red_box'", None),
    ("def f(d):\n    year = d['y'].strip()\n    if isinstance(year, basestring):\n        d['n'] = int(year)\n    return d\n", '    year',
     "AttributeError: 'NoneType' object has no attribute 'strip'", "is not None else None"),
    ("def f(d):\n    a = b = d['n'].encode('latin1').decode('utf8')\n    return a, b\n", '    a =',
     "UnicodeDecodeError: 'utf8' codec can't decode byte 0xf6 in position 2: invalid start byte", "        a = b = d['n']\n"),
    ("import re\n\ndef f(d, title):\n    words = title.replace(' ', '.*')\n    return re.search('%s$' % words, d)\n", '    return',
     'error: multiple repeat', None),
    ("def f(show):\n    for one in show['parts']:\n        add('/%s/' % show['id'] + one['id'], show['name'])\n", '        add',
     "KeyError: 'id'", "'id' in show"),
    ("def f(url):\n    page = ask(url)\n    if page['state'] != 'ok':\n        return f(url)\n    return page\n", '    if page',
     "KeyError: 'state'", "if 'state' in page and page['state'] != 'ok':"),
    ("def f(url):\n    while ask(url)['state'] != 'ready':\n        wait()\n    return True\n", '    while', "KeyError: 'state'",
     None),
    ("def update(metadata, d):\n    metadata.tagline = d['raw'].decode('utf-8')\n", '    metadata', "UnicodeDecodeError: 'utf8' "
     "codec can't decode byte 0xe9 in position 0: unexpected end of data", "'utf-8', 'replace')|Error as error:"),
    ("def f(d):\n    name = d['name'].encode('ascii')\n    return JSON.ObjectFromURL('http://example.org/?q=' + name)\n",
     '    name', "UnicodeEncodeError: 'ascii' codec can't encode character u'\\xe9' in position 0: ordinal not in range(128)",
     "encode('utf-8')"),
    ("def update(metadata, d):\n    metadata.title = d[0]\n    metadata.tagline = d[1]\n    metadata.year = d[-3]\n",
     '    metadata.title', "IndexError: list index out of range", "if len(d) >= 2:\n        metadata.tagline = d[1]\n    else:"),
    ("def update(metadata, d):\n    a = d[0]\n    b = d[1]\n    metadata.title = a.text\n    metadata.tagline = b.text\n",
     '    a =', "IndexError: list index out of range", "if len(d) >= 2:\n        a = d[0]"),
    ("def update(metadata, d):\n    metadata.title = d[1]\n    metadata.tagline = d[2]\n    metadata.studio = d[3]\n"
     "    metadata.year = d[4]\n    metadata.rating = d[5]\n", '    metadata.title', "IndexError: list index out of range",
     "if len(d) >= 6:\n        metadata.title = d[1]"),
    ("def update(metadata, d):\n    for one in d:\n        parts = one.split('|')\n        role = metadata.roles.new()\n        "
     "role.name = parts[1]\n        role.role = parts[2]\n", '        role.name', "IndexError: list index out of range",
     "        if len(parts) >= 3:\n            role.role = parts[2]"),
    ("def f(d):\n    a = d[0]\n    b = d[1]\n    return a.strip() + b.strip()\n\n\ndef update(metadata, d):\n    metadata.title = "
     "f(d)\n", '    a =', "IndexError: list index out of range", "    if len(d) < 2:"),
    ("def f(d):\n    return d[0], d[0]['x'], d[1]\n\n\ndef g(d):\n    return f(d)\n", '    return d[0]',
     "IndexError: list index out of range", "return (d[0] if d else None), (d[0]['x'] if d else None), (d[1] if len"),
    ("def f(d):\n    return {'bow': d[0], 'deck': d[1]}\n\n\ndef g(d):\n    return f(d)['bow']\n", '    return {',
     "IndexError: list index out of range", "{'bow': d[0] if d else None, 'deck': d[1] if len(d) >= 2"),
    ("def update(metadata, d):\n    title = d['title']\n    year = d['year']\n    metadata.title = '%s (%s)' % (title, year)\n",
     '    year', "KeyError: 'year'", "year = d['year']\n        metadata.title"),
    ("def update(metadata, d):\n    n = int(d['n'])\n    metadata.title = 'Boat {0}'.format(n)\n", '    n =', "TypeError: int() "
     "argument must be a string or a number, not 'NoneType'", "n = int(d['n'])\n        metadata.title"),
    ("def update(metadata, d):\n    crew = [one.strip() for one in d['crew'].split(',')]\n    for one in crew:\n"
     "        metadata.genres.add(one)\n", '    crew', "AttributeError: 'NoneType' object has no attribute 'split'",
     "d['crew'].split(',') if d['crew'] is not None else []"),
    ("def update(metadata, d):\n    long = d['long']\n    if long < 9:\n        metadata.genres.add('Boat')\n", '    long',
     "KeyError: 'long'", "    if 'long' in d:\n        long = d['long']\n        if"),
    ("def update(metadata, d):\n    metadata.studio = d['boat']['name']\n    metadata.title = d['title']\n    for one in d['crew']:"
     "\n        metadata.genres.add(one)\n    metadata.year = d['year']\n    metadata.summary = d['plot']\n", '    metadata.studio',
     "TypeError: 'NoneType' object has no attribute '__getitem__'", "    if d['boat'] is not None:\n        metadata.studio = "
     "d['boat']['name']\n    else:"),
    ("def update(metadata, d):\n    metadata.title = d.find('boat').text\n    boat = d.find('boat')\n    metadata.studio = "
     "boat.get('name')\n", '    metadata.title', "AttributeError: 'NoneType' object has no attribute 'text'",
     "if boat is not None:\n        metadata.studio = boat.get('name')"),
    ("def update(metadata, d):\n    a = d['a']\n    b = d['b']\n    metadata.title = a + b\n", '    b =', "KeyError: 'b'",
     "b = d['b']\n        metadata.title"),
    ("def f(d):\n    if not d['on']:\n        return ''\n    return d['crew']['names']\n\n\ndef update(metadata, d):\n    for one in "
     "f(d):\n        metadata.genres.add(one)\n", "    return d", "TypeError: 'NoneType' object has no attribute '__getitem__'",
     "if d['crew'] is not None else []"),
    ("def update(metadata, page):\n    metadata.title = (page.find('a')\n                      .parent()\n                      "
     ".get('x'))\n    metadata.year = 3\n", "    metadata.title", "AttributeError: 'NoneType' object has no attribute 'get'",
     "    found = page.find('a').parent()\n    if found is not None:"),
    ("def f(metadata, row):\n    cells = []\n    for cell in row:\n        cells.append(cell.text.strip())\n"
     "    metadata.studio = cells[1]\n", '        cells', "AttributeError: 'NoneType' object has no attribute 'strip'",
     "append((cell.text or '').strip())"),
    ("def update(metadata, d):\n    try:\n        crew = [one['name'] for one in d]\n    except IOError:\n        pass\n    "
     "metadata.tags = crew\n", "        crew", "KeyError: 'name'", "one.get('name')|if 'name' in one]"),
    # a part of a page is not asked for in the whole of it
    ("def update(metadata, page):\n    page = page.xpath('//div')[0]\n    metadata.title = page.xpath('.//h1')[0].text\n", '    page',
     'IndexError: list index out of range', "if nodes:\n        page = nodes[0]\n        metadata.title = page"),
    # a row is not lost for one part of it, and what is nothing but this part is left out
    ("def f(d):\n    rows = []\n    for one in d:\n        rows.append({'title': one['a'], 'plot': one['b'], 'url': one['c']})\n"
     "    return rows\n", '        rows', "KeyError: 'b'", "one.get('b')"),
    ("def f(d):\n    rows = []\n    for one in d:\n        rows.append('%s | %s' % (one['a'], one['b'].strip()))\n    return rows\n",
     '        rows', "AttributeError: 'NoneType' object has no attribute 'strip'", "(one['b'] or '').strip()"),
    ("def f(d, whole):\n    crew = []\n    for one in d:\n        name = one['name']\n        if whole:\n            crew.append(name)\n"
     "        else:\n            crew.append(name)\n    return crew\n", '        name', "KeyError: 'name'", "continue|if 'name' in one:"),
    # both of a sum, what comes behind a loop, and what others of the class ask for
    ("def f(a, b):\n    return int(a) - int(b)\n", '    return', "ValueError: invalid literal for int() with base 10: '7.5'",
     'int(float(a)) - int(float(b))'),
    ("def f(d):\n    data = d.get('a')\n    for c in data.rstrip('='):\n        if c not in 'xyz':\n            break\n    else:\n"
     "        data = data.decode('base64')\n    return data\n", '    for', "AttributeError: 'NoneType' object has no attribute "
     "'rstrip'", "(data or '').decode"),
    ("class A(object):\n    def a(self):\n        return float(self.d['x']['a'])\n    def b(self):\n        return float("
     "self.d['x']['b'])\n", "        return float(self.d['x']['a'])", "KeyError: 'x'", "self.d['x']['b'] if 'x' in self.d"),
    # what is nothing is made as what is empty, or goes the way that needs it not
    ("def f(d):\n    if d['a'] == '':\n        d['a'] = d['b']\n    return d['a']\n", '    if', "KeyError: 'a'",
     "if 'a' not in d or d['a'] == '':\n        d['a'] = d['b']\n    return d['a']"),
    ("def f(d, name, part, item):\n    if item != part:\n        d['title'] = name + str(int(part))\n    else:\n        d['title'] = "
     "name\n", "        d['title'] = name + ", "TypeError: int() argument must be a string or a number, not 'NoneType'",
     'if item != part and part is not None'),
    ("def f(rows):\n    return best(rows, key=lambda x: int(x[:-1]))\n", '    return', "ValueError: invalid literal for int() with "
     "base 10: 'Aut'", "int(x[:-1]) if x[:-1].strip().lstrip('-').isdigit() else 0)"),
    # what the function calls like a module hides it; no guard makes a class one that can be searched
    ("import json\n\ndef f(url, d, json=True):\n    return post(url, json.dumps(d) if json else d)\n", '    return',
     "AttributeError: 'bool' object has no attribute 'dumps'", 'json_module.dumps(d) if json'),
    # what another test lets pass as it is is kept; a break would end it for the others; what a number finds in each list
    ("def f(rows, found):\n    for row in rows:\n        x = row.get('x')\n        if row['ok']:\n            if x.lower() == 'a':\n"
     "                x = 'A'\n        found.append(x)\n", '            if x.lower', "AttributeError: 'NoneType' object has no "
     "attribute 'lower'", 'if x is not None and x.lower()'),
    ("def f(rows, metadata):\n    for row in rows:\n        if 'a' not in row:\n            break\n        "
     "metadata.genres.add(row['a'].strip())\n", '        metadata', "AttributeError: 'NoneType' object has no attribute 'strip'",
     "        if row['a'] is not None:\n"),
    ("def f(rows, out):\n    names = []\n    for row in rows:\n        x = row['x'].strip()\n        names.append(x)\n"
     "    for i, name in enumerate(names):\n        out.add(name, rows[i])\n", '        x =', "AttributeError: 'NoneType' object "
     "has no attribute 'strip'", "x = (row['x'] or '').strip()"),
    ("KEY = 'a'\n\ndef g():\n    global KEY\n    KEY = 'b'\n\ndef f(d, metadata):\n    metadata.title = d[KEY]\n",
     '    metadata', "KeyError: 'b'", 'if KEY in d:'),
    ("def f(d, metadata):\n    if 'a' in d['x']:\n        metadata.title = 'A'\n", "    if", "TypeError: argument of type 'int' "
     "is not iterable", "isinstance(d['x'], (basestring, list, tuple, dict, set)) and"),
    ("def f(d, metadata):\n    metadata.title = ''.join(['a', d['b']])\n", '    metadata', "TypeError: sequence item 1: expected "
     "string, tuple found", 'except TypeError'),
    ("def look(d):\n    x = d['a'].get('x')\n    return x\n\ndef f(d, metadata):\n    n = look(d)\n    m = n\n    metadata.title = "
     "m.strip()\n    metadata.year = 3\n", '    x =', "AttributeError: 'NoneType' object has no attribute 'get'",
     '    if m is not None:\n'),
    ("def f(d, metadata):\n    n = d['n']\n    if d['tv']:\n        x = n.strip()\n        metadata.title = x\n    else:\n"
     "        metadata.title = 'other'\n", '        x =', "AttributeError: 'NoneType' object has no attribute 'strip'",
     '        if n is not None:\n'),
    ("def f(url, g):\n    page = HTML.ElementFromURL(url)\n    h = lambda: page\n    page = page.xpath('//a')[0]\n"
     "    return page.text\n", '    page = page.xpath', "IndexError: list index out of range", 'if not nodes:\n'),
    ("def f(d, out):\n    if d['a'] == '':\n        for r in d['rows']:\n            out.append(r['a'])\n    return out\n", '    if d',
     "KeyError: 'a'", "if 'a' in d and d['a'] == ''"),
    ("def f(x):\n    return 'boat' in type(x)\n", '    return', "TypeError: argument of type 'type' is not iterable", ''),
    ("class A(Base):\n    def __init__(self, film, parent):\n        Base.__init__(self, film.url, parent)\n        self.day = "
     "'' + film.day.strftime('%Y')\n", '        self.day', "AttributeError: 'int' object has no attribute 'strftime'",
     ''),
]


@pytest.mark.parametrize('source,line,error,wanted', HARM)
def test_what_looks_like_a_cure_and_does_harm_is_not_the_first_patch(source, line, error, wanted):
    found = patches(case_for(source, line, error))
    assert any(one in found[0][1] for one in wanted.split('|')) if wanted else not found, [patch for _, patch in found]


def test_a_key_that_the_file_writes_out_keeps_its_letters():
    source = (u"# -*- coding: utf-8 -*-\nIDS = {'Se\xf1orita': 1, u'Caf\xe9 Nord': 2}\n\ndef read(metadata):\n"
              u"    metadata.year = IDS['Cafe Nord']\n")
    _, text = patches(case_for(source, "    metadata.year = IDS['Cafe Nord']", "KeyError: 'Cafe Nord'"))[0]
    assert text == source.replace("IDS['Cafe Nord']", u"IDS[u'Caf\xe9 Nord']")
