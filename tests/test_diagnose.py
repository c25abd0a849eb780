# -*- coding: utf-8 -*-
"""Diagnosis: error families, bundles, the true statement, causes, refusals, version drift, history, probe, adopt."""
from __future__ import absolute_import, division, print_function, unicode_literals

import difflib
import io
import json
import os
import random
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import aggregate_plex_logs as logs                                                                  # noqa: E402
import diagnose_from_report as diagnose                                                             # noqa: E402
import implement_fix                                                                                # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AGENT = 'com.plexapp.agents.harbour'
CODE = 'Harbour.bundle/Contents/Code/__init__.py'
GETITEM = {'file': 'Framework/code/sandbox.py', 'function': '<lambda>',
           'text': '_getitem_ = lambda x, y: x.__getitem__(y),'}
GETITER = {'file': 'Framework/code/sandbox.py', 'function': '<lambda>', 'text': '_getiter_ = lambda x: x.__iter__(),'}
PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<!-- <key>CFBundleIdentifier</key><string>wrong</string> -->
<plist version="1.0"><dict><key>CFBundleIdentifier</key>
  <string>%s</string><key>PlexPluginCodePolicy</key><string>Elevated</string></dict></plist>
""" % AGENT
SOURCE = """import re

def Start():
  HTTP.CacheTime = 3600

class HarbourAgent(Agent.Movies):
  name = 'Harbour'

  def search(self, results, media, lang):
    page = HTML.ElementFromURL('http://boats.example/find?q=' + media.name)
    for row in page.xpath('//li'):
      results.Append(MetadataSearchResult(id=row.get('id'), name=row.text, score=83))

  def update(self, metadata, media, lang):
    boat = self.fetch(metadata.id)
    metadata.title = boat['title']
    self.fill(metadata, boat)

  def fetch(self, number):
    return JSON.ObjectFromURL('http://boats.example/boat/' + number)

  def fill(self, metadata, boat):
    metadata.genres.clear()
    for genre in boat['genres']:
      metadata.genres.add(genre['name'])
    metadata.studio = boat['yard']['name']
    metadata.tagline = boat['motto']
    found = re.search('([0-9]{4})', boat['launched'])
    metadata.year = int(found.group(1))
    metadata.summary = boat['story']

  def people(self, metadata, boat):
    for person in boat['crew']:
      role = metadata.roles.new()
      role.name = person['name']
      role.photo = self.picture(person['id'])
    metadata.rating = float(boat['stars'])

  def picture(self, number):
    return HTTP.Request('http://boats.example/face/' + number).content
"""


def line_of(text, source=SOURCE):
    return [number for number, line in enumerate(source.splitlines(), 1) if text in line][0]


def make_plug_ins(tmpdir, source=SOURCE, folder='Harbour.bundle', plist=PLIST):
    code = tmpdir.join('Plug-ins', folder, 'Contents', 'Code')
    code.ensure(dir=True)
    code.join('__init__.py').write_binary(source.encode('utf-8'))
    code.dirpath('Info.plist').write_binary(plist.encode('utf-8'))
    return str(tmpdir.join('Plug-ins'))


def frame(function, line, text='', callees=(), file=CODE, source=SOURCE):
    return {'file': file, 'function': function, 'callee_frames': list(callees), 'reported_lines': [
        {'line': line, 'text': text or source.splitlines()[line - 1].strip(), 'start': '2026-11-20T10:00:00Z',
         'count': 7}]}


def pattern(exception='KeyError', message="'motto'", frames=(), items=19, **more):
    row = {'pattern': 'p1-harbour', 'agent': AGENT, 'exception': exception, 'message': message, 'kind': 'update',
           'wrapper': 'Exception in the update function of agent named', 'own_frames': list(frames), 'count': items,
           'items': [{'guid': '%s://%d' % (AGENT, number), 'rating_key': '%d' % number} for number in range(items)],
           'items_total': items, 'first_seen': '2026-11-20T02:10:00Z', 'last_seen': '2026-11-20T03:00:00Z',
           'noise': None,
           'bundle': 'Harbour.bundle', 'updates': items, 'searches': 0, 'preceding': []}
    row.update(more)
    return row


def document(*patterns, **more):
    agents = [{'identifier': AGENT, 'updates': more.get('updates', 31), 'searches': 7, 'healthy_items': [
        {'guid': '%s://0' % AGENT, 'rating_key': '0', 'kind': 'update'},        # it fails, and had a good day, too
        {'guid': '%s://97' % AGENT, 'rating_key': '97', 'kind': 'update'},
        {'guid': '%s://89' % AGENT, 'rating_key': '89', 'kind': 'search'}]}]
    return {'patterns': list(patterns), 'agents': agents, 'shortlist': [row['pattern'] for row in patterns],
            'window': {}}


def look(row, tmpdir=None, source=SOURCE, history=(), **more):
    bundles = diagnose.find_bundles(make_plug_ins(tmpdir, source)) if tmpdir else {}
    return diagnose.diagnose(row, document(row, **more), bundles, list(history))


UPDATE = 'Exception in the update function of agent named'


def missing_motto(line=None, **more):
    line = line or line_of("boat['motto']")
    return pattern(frames=[frame('update', line_of('self.fill(metadata')), frame('fill', line, callees=[GETITEM])],
                   **more)


# ------------------------------------------------------------------------------------------------------------ families
FAMILIES = [
    ('code', 'KeyError', "'motto'", {}),
    ('code', 'UnboundLocalError', "local variable 'x' referenced before assignment", {}),
    ('code', 'FrameworkException', "Operator '-=' is not supported", {}),
    ('code', 'AttributeError', "'Pool' object has no attribute 'timeout'", {}),
    ('code', 'TypeError', "moor() got an unexpected keyword argument 'timeout'", {}),
    ('code', 'TypeError', 'moorTimeout() takes no arguments (1 given)', {}),
    ('code', '', "Cannot moor: 'Pool' object has no attribute 'timeout'", {'kind': 'log', 'wrapper': ''}),
    ('upstream', 'HTTPError', 'HTTP Error 403: Forbidden', {}),
    ('upstream', 'HTTPError', 'HTTP Error 429: Too Many Requests', {}),
    ('upstream', 'HTTPError', 'HTTP Error 503: Service Unavailable', {}),
    ('upstream', 'URLError', '<urlopen error [Errno -2] Name or service not known>', {}),
    ('upstream', 'SSLError', "('The handshake operation failed',)", {}),
    ('upstream', 'SSLError', '[Errno 1] _ssl.c:510: error:14077410:SSL routines', {}),
    ('upstream', 'error', '[Errno 32] Broken pipe', {}),
    ('environment', 'WindowsError', "[Error 5] Access is denied: u'C:\\\\x'", {}),
    ('upstream', '', "Error opening URL 'http://boats.example/3'", {}),
    ('environment', 'IOError', "[Errno 13] Permission denied: u'/x'", {}),
    ('environment', 'ImportError', 'DLL load failed: The specified module could not be found.', {}),
    ('environment', 'SyntaxError', 'invalid syntax (<!DOCTYPE html>)', {}),
    ('environment', 'HTTPError', 'HTTP Error 401: Unauthorized', {'preceding': [
        {'host': '127.0.0.1:32400', 'status': 401, 'url_shape': '/library/sections', 'count': 19}]}),
    ('upstream', 'HTTPError', 'HTTP Error 401: Unauthorized', {'preceding': [      # that own server was asked says nothing
        {'host': '127.0.0.1:32400', 'status': None, 'url_shape': '/library/metadata/<n>/tree', 'count': 19}]}),
    ('environment', 'OperationalError', 'database is locked', {}),
    ('platform', 'HTTPError', 'HTTP Error 404: Not Found',
     {'wrapper': 'Exception when constructing media object for dbid'}),
    ('platform', 'URLError', '<urlopen error timed out>', {'wrapper': 'Exception starting plug-in'}),
    ('environment', 'KeyError', "'networking'", {'wrapper': 'Exception starting'}),         # ... component
    ('environment', 'EOFError', '', {'wrapper': 'Exception loading'}),                      # preferences, cookies
    ('platform', '', "Unable to find metadata agent provider for identifier 'com.plexapp.agents.x'", {}),
    ('platform', '', 'HTTP/1.1 (0.2s) 500 response from POST http://<address>:8080/library/metadata/matches',
     {'kind': 'server'}),
    ('platform', '', 'something that only the server knows', {'kind': 'server'}),
    ('environment', '', "Warning: Couldn't check file: /apps/Plug-ins/Harbour.bundle/Contents/Code", {'kind': 'server'}),
    ('platform', '', 'No database ID provided - faking the media object', {'kind': 'log', 'wrapper': ''}),
    ('platform', '', 'Could not find route matching /video/boats/7', {'kind': 'log', 'wrapper': ''}),
    ('data', 'error', 'bad character range', {'wrapper': 'Error in Python: Running scanner:'}),
    ('upstream', '', 'HTTP Error 404: Not Found', {'own_frames': []}),
    ('code', '', "Exception setting attribute 'title' of object <Harbour> to B\xe5t (type: <type 'str'>)", {}),
    ('noise', 'HTTPError', 'HTTP Error 404: Not Found', {'wrapper': 'Exception getting hosted resource hashes'}),
]


@pytest.mark.parametrize('cls, exception, message, more', FAMILIES)
def test_each_family_has_its_class(cls, exception, message, more):
    assert diagnose.judge(pattern(exception, message, [frame('fill', 23)], **more), {}).cls == cls


@pytest.mark.parametrize('cls, exception, message, more', [row for row in FAMILIES if row[0] != 'code'])
def test_no_patch_for_what_is_not_a_code_defect(tmpdir, cls, exception, message, more):
    found = look(pattern(exception, message, [frame('fill', line_of('boat[\'motto\']'))], **more), tmpdir)
    assert found.record['class'] == cls
    assert found.record['fixes'] == [] and found.patches == {} and found.record['no_fix_because']


FETCH = "return JSON.ObjectFromURL('http://boats.example/boat/' + number)"
LOAD = {'file': 'Framework/components/networking.py', 'function': 'load', 'text': 'f = self._opener.open(req)'}


def unanswered(tmpdir, exception, message, updates=97, source=SOURCE, line=FETCH):
    """The Diagnosis of a provider that does not answer 19 of the updates."""
    ask = line_of(line, source)
    function = re.findall(r'(?m)^ *def (\w+)', '\n'.join(source.splitlines()[:ask]))[-1]
    row = pattern(exception, message, [frame('update', line_of('self.fetch'), source=source),
                                       frame(function, ask, callees=[LOAD], source=source)])
    return look(row, tmpdir, source, updates=updates)


class Provider(object):
    """Answers the requests in turn; an exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def ObjectFromURL(self, url, **more):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class HTTPError(Exception):
    def __init__(self, code):
        Exception.__init__(self, 'HTTP Error %d: words' % code)
        self.code = code


def patched_fetch(found, template, source=SOURCE):
    """The function `fetch` after the patch of this template: (provider) -> (answer or exception, pauses, log)."""
    name = [fix['id'] for fix in found.record['fixes'] if fix['template'] == template][0]
    (path, hunks), = diagnose.parse_patch(found.patches[name])
    text = diagnose.patched(source.encode('utf-8'), hunks, path).decode('utf-8')
    body = re.search(r'(?ms)^  def fetch\(.*?(?=^  def )', text).group()

    def fetch(*answers):
        pauses, said = [], []
        names = {'JSON': Provider(*answers), 'Log': said.append,
                 'Ex': type(str('Ex'), (), {'HTTPError': HTTPError, 'URLError': IOError, 'SocketTimeout': OSError}),
                 'Thread': type(str('Thread'), (), {'Sleep': staticmethod(pauses.append)})}
        exec(compile('class A(object):\n' + body, 'agent', 'exec', 0, True), names)
        try:
            return names['A']().fetch('3'), pauses, said
        except Exception as problem:
            return problem, pauses, said
    return fetch


def test_a_provider_that_fails_now_and_then_is_asked_once_more(tmpdir):
    found = unanswered(tmpdir, 'HTTPError', 'HTTP Error 500: Internal Server Error')
    assert [fix['template'] for fix in found.record['fixes']] == ['second try'], found.record['no_fix_because']
    fetch = patched_fetch(found, 'second try')
    assert fetch('boat') == ('boat', [], [])
    answer, pauses, said = fetch(HTTPError(502), 'boat')
    assert (answer, pauses, len(said)) == ('boat', [5], 1)
    again = fetch(HTTPError(500), HTTPError(500), 'never asked')
    assert again[0].code == 500 and again[1] == [5]
    for refusal in (403, 404, 429, 503):
        problem, pauses, said = fetch(HTTPError(refusal), 'never asked')
        assert (problem.code, pauses, said) == (refusal, [], [])


def test_a_time_out_gets_more_time_or_a_second_try_also_where_all_depends_on_the_answer(tmpdir):
    for exception, message in (('URLError', '<urlopen error timed out>'), ('timeout', 'timed out')):
        found = unanswered(tmpdir, exception, message)
        assert [fix['template'] for fix in found.record['fixes']] == ['longer time-out', 'second try']
    late = unanswered(tmpdir, 'URLError', '<urlopen error timed out>')
    fetch = patched_fetch(late, 'second try')
    assert fetch(IOError('<urlopen error timed out>'), 'boat')[:2] == ('boat', [5])
    assert fetch(IOError('no route'), 'boat')[1] == []


def test_an_answer_that_the_framework_takes_for_too_large_is_allowed(tmpdir):
    found = unanswered(tmpdir, 'APIException', "(2103, 'Data of size 7340032 is greater than the maximum size 5242880')")
    assert found.record['fixes'][0]['template'] == 'larger answer'
    assert b"number, max_size=16 * 1024 * 1024)\n" in found.patches[found.record['fixes'][0]['id']]
    found = unanswered(tmpdir, 'APIException', "(2103, 'Data of size 99614720 is greater than the maximum size 5242880')")
    assert 'larger answer' not in [fix['template'] for fix in found.record['fixes']]


@pytest.mark.parametrize('exception, message, wrapper, family', [
    ('XMLSyntaxError', 'Document is empty, line 1, column 1', UPDATE, 'unreadable answer'),
    ('BadZipfile', 'File is not a zip file', UPDATE, 'unreadable answer'),
    ('URLError', '<urlopen error [Errno 8] _ssl.c:504: EOF occurred in violation of protocol>', UPDATE, 'TLS'),
    ('WindowsError', '[Error 3] The system cannot find the path specified', UPDATE, 'no such file'),
    ('FrameworkException', "Set item 'x' is not serializable!", "Exception serializing Movie with guid 'x'",
     'not serialisable'),
    (None, "Attribute 'rating' is not serializable.", '', 'not serialisable'),
    ('TypeError', "Argument must be bytes or unicode, got 'int'", 'Exception serializing', 'not serialisable'),
    (None, 'Unable to deserialize object at /x/y', '', 'incomplete metadata'),
    (None, "The agent named 'Boats' contains the invalid language code 'xx'", '', 'language code')])
def test_the_family_of_an_error_is_the_one_it_tells(exception, message, wrapper, family):
    kind = 'update' if wrapper == UPDATE else 'log'
    row = pattern(exception, message, [frame('fill', 23)] if exception else [], kind=kind, wrapper=wrapper)
    assert diagnose.judge(row, {}).family.name == family


@pytest.mark.parametrize('exception, message, updates', [
    ('HTTPError', 'HTTP Error 503: Service Unavailable', 97), ('HTTPError', 'HTTP Error 429: Too Many Requests', 97),
    ('HTTPError', 'HTTP Error 403: Forbidden', 97), ('URLError', '<urlopen error [Errno 111] Connection refused>', 97),
    ('HTTPError', 'HTTP Error 500: Internal Server Error', 23), ('timeout', 'timed out', 23)])
def test_no_second_try_where_the_provider_refuses_or_answers_hardly_anyone(tmpdir, exception, message, updates):
    found = unanswered(tmpdir, exception, message, updates)
    assert found.record['class'] == 'upstream' and found.patches == {}


@pytest.mark.parametrize('line', [
    "return JSON.ObjectFromURL(self.next_boat(number))", "return [JSON.ObjectFromURL(one) for one in number]",
    "return JSON.ObjectFromURL('http://boats.example/', values={'boat': number})",
    "return self.both(JSON.ObjectFromURL('http://a.example'), JSON.ObjectFromURL('http://b.example'))"])
def test_no_second_try_where_more_than_the_request_would_be_repeated(tmpdir, line):
    found = unanswered(tmpdir, 'HTTPError', 'HTTP Error 500: x', source=SOURCE.replace(FETCH, line), line=line)
    assert found.patches == {}


def test_two_threads_that_ask_for_the_first_date_are_not_the_agents_fault():
    message = "'module' object has no attribute '_strptime'"
    assert diagnose.judge(pattern('AttributeError', message, [frame('fill', 23)]), {}).cls == 'platform'


def test_unicode_error_below_the_file_system_is_the_locale():
    below = {'file': '/usr/lib/python2.7/genericpath.py', 'function': 'exists', 'text': 'os.stat(path)'}
    message = "'ascii' codec can't encode character u'\\xe9' in position 7: ordinal not in range(128)"
    assert diagnose.judge(pattern('UnicodeEncodeError', message, [frame('fill', 23, callees=[below])]),
                          {}).cls == 'environment'
    assert diagnose.judge(pattern('UnicodeEncodeError', message, [frame('fill', 23)]), {}).cls == 'code'


# ---------------------------------------------------------------------------------------- upstream behind a code symptom
def before(status, count, host='boats.example', shape='/boat/<n>'):
    return [{'host': host, 'status': status, 'url_shape': shape, 'count': count}]


def test_a_crash_after_refused_requests_is_upstream(tmpdir):
    found = look(missing_motto(preceding=before(403, 17)), tmpdir)
    assert found.record['class'] == 'upstream' and found.patches == {}
    assert any('403' in sentence and 'boats.example' in sentence and '17 of 19' in sentence
               for sentence in found.record['evidence'])


def test_a_failed_request_that_the_code_catches_is_code_where_it_then_lacks_its_variable(tmpdir):
    source = SOURCE.replace("    boat = self.fetch(metadata.id)", "    try:\n      boat = self.fetch(metadata.id)\n"
                            "    except:\n      Log('not there')\n    if %s:\n      Log('there')")
    message = "local variable 'boat' referenced before assignment"
    for test, cls in (('boat', 'code'), ('boat.ready', 'upstream')):
        text = source % test
        row = pattern('UnboundLocalError', message, [frame('update', line_of('if boat', text), source=text)],
                      preceding=before(403, 17))
        assert look(row, tmpdir, text).record['class'] == cls


def test_calls_are_not_counted_for_what_an_earlier_aggregate_told():
    agent = document()['agents'][0]
    for away, words in ((None, 'in 19 of 31 updates'), (True, 'in 19 of')):
        evidence = '; '.join(diagnose.judge(pattern(rotated_away=away), agent).evidence)
        assert (words in evidence) is not bool(away)


def test_a_function_that_calls_another_one_of_its_name_is_not_the_place(tmpdir):
    source = SOURCE.replace('class Harbour', 'class Other(object):\n  def fill(self, boat):\n    return Harbour.fill(boat)\n\n'
                            'class Harbour')
    lines = [line_of(text, source) for text in ('return Harbour.fill', "boat['motto']")]
    both = frame('fill', lines[0], source=source)
    both['reported_lines'] += frame('fill', lines[1], source=source)['reported_lines']
    found = look(pattern(frames=[both]), tmpdir, source)
    assert found.record['divergence_point']['candidates'][0]['line'] == lines[1]


def test_refused_requests_are_counted_among_the_records_looked_at(tmpdir):
    found = look(missing_motto(preceding=before(403, 9), looked_back=9), tmpdir)
    assert found.record['class'] == 'upstream'
    assert any('in 9 of 9 records looked at' in sentence for sentence in found.record['evidence'])


def test_a_crash_after_answered_requests_is_code(tmpdir):
    assert look(missing_motto(preceding=before(None, 19)), tmpdir).record['class'] == 'code'
    start = before('failed', 19, '127.0.0.1:32400', '/:/plugins/com.plexapp.system/resourceHashes')
    assert look(missing_motto(preceding=start), tmpdir).record['class'] == 'code'


def test_a_few_refused_requests_do_not_excuse_the_code(tmpdir):
    found = look(missing_motto(preceding=before(503, 3) + before(None, 16)), tmpdir)
    assert found.record['class'] == 'code' and found.record['fixes']
    assert any('3 of 19' in sentence or 'in 3 of' in sentence for sentence in found.record['evidence_against'])


def test_a_failed_request_that_nothing_ties_to_the_error_speaks_against_it_and_no_more(tmpdir):
    found = look(missing_motto(preceding=before('unreachable', 19, None, '')), tmpdir)
    assert found.record['class'] == 'code' and found.record['fixes']
    assert found.record['evidence_against'] == ['the plug-in told just before, in 19 of 19 records, of a request that '
                                                'had failed (no connection)']


def test_what_was_not_answered_is_upstream_where_the_function_asked_logged_so(tmpdir):
    source = SOURCE.replace("    return JSON.ObjectFromURL('http://boats.example/boat/' + number)\n", """
    try:
      return json.loads(urllib2.urlopen('http://boats.example/boat/' + number).read())
    except Exception as error:
      Log.Error('The harbour is silent: %s' % error)
""")
    for said, status, cls in (('The harbour is silent: <urlopen error timed out>', 'time-out', 'upstream'),
                              ('The harbour is silent: HTTP Error 404: Not Found', 404, 'code'),
                              ('The lighthouse is silent: <urlopen error timed out>', 'time-out', 'code')):
        row = pattern('AttributeError', "'NoneType' object has no attribute '__getitem__'", [
            frame('update', line_of("metadata.title = boat", source), callees=[GETITEM], source=source)],
                      preceding=before(status, 19, None, ''), exemplars=[{'said': [said]}])
        found = look(row, tmpdir.mkdir('%s%d' % (cls, len(said))), source)
        assert (found.record['class'], not found.patches) == (cls, cls == 'upstream')


def test_errors_are_of_the_family_that_says_what_is_true():
    web = frame('fill', 23, '<!DOCTYPE html>')
    for family, exception, message, more in (
            ('TLS', 'URLError', '<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed>', {}),
            ('web page as source', 'SyntaxError', 'invalid syntax', {'own_frames': [web]}),
            ('not serialisable', 'ValueError', 'All strings must be XML compatible: Unicode or ASCII',
             {'wrapper': "Exception serializing Movie with guid 'x'"}),
            ('encoding', 'ValueError', 'All strings must be XML compatible: Unicode or ASCII', {}),
            ('time-out', 'SSLError', 'The read operation timed out', {}),
            ('not in there', 'ValueError', "'quota' is not in list", {}),
            ('wrong count', 'ValueError', 'need more than 1 value to unpack', {}),
            ('missing picture', '', 'Metadata /system/agents/media/get request failed', {'kind': 'server'})):
        row = dict(pattern(exception, message, [frame('fill', 23)]), **more)
        assert diagnose.family_of(row).name == family


def test_a_plug_in_that_the_server_does_not_find_is_told_by_its_own_failed_start():
    load = pattern('ImportError', 'No module named pier', kind='load')
    row = pattern('', "Request for plug-in [x] but it doesn't exist.", kind='server', wrapper='')
    row['pattern'] = 'p1-server'
    record = diagnose.diagnose(row, document(row, load), {}, []).record
    assert record['advice'].startswith('look at pattern p1-harbour first')
    assert record['evidence'][-1] == 'its own log says that it did not start: ImportError: No module named pier'
    load.update(last_seen='2000-01-01T00:00:00Z')       # it has started since
    assert 'p1-harbour' not in diagnose.diagnose(row, document(row, load), {}, []).record['advice']


CAUSES = [
    # source of fill(), error, its line, what the hypothesis says
    ("if self.mast:\n      x = int(self.mast) - int(boat['mast'])", 'TypeError',
     "int() argument must be a string or a number, not 'NoneType'", 'x = int(', 'What failed is "boat[\'mast\']", which'),
    ("x = self.mast.lower() + self.keel.lower()", 'AttributeError', "'NoneType' object has no attribute 'lower'", 'x = ',
     'What failed is "self.mast" or "self.keel".'),
    ("if boat:\n      x = 7\n    print x", 'UnboundLocalError', "local variable 'x' referenced before assignment",
     'print x', 'What failed is "x".'),
    ("for at, one in enumerate(boat['crew']):\n      x = one['name']", 'KeyError', "'name'", "x = one['name']",
     '\'name\' was looked for in "one", which comes from a field of the data, and is not there.'),
    ("x = COLOURS[boat][0]", 'AttributeError', "'int' object has no attribute '__getitem__'", 'x = ',
     '"COLOURS[boat]" is of the kind int there, which has no parts that could be asked for.'),
    ("x = 'pier %d' % boat", 'TypeError', '%d format: a number is required, not str', 'x = ',
     'What failed is "boat", which is an argument of the function.'),
    ("x = self.sails('')", 'TypeError', "'_sre.SRE_Pattern' object is not callable", 'x = ',
     'What failed is "self.sails".'),
]


@pytest.mark.parametrize('body, exception, message, text, said', CAUSES)
def test_the_hypothesis_names_what_can_have_been_bad(tmpdir, body, exception, message, text, said):
    source = SOURCE.replace('  def picture(', '  def hoist(self, boat):\n    %s\n    return x\n\n  def picture(' % body)
    callees = [GETITEM] if 'getitem' in message or exception == 'KeyError' else []
    found = look(pattern(exception, message, [frame('hoist', line_of(text, source), callees=callees, source=source)]),
                 tmpdir, source)
    assert said in found.record['hypothesis']
    if exception == 'UnboundLocalError':
        assert [(step['line'], step['text']) for step in found.record['cause']] == [(line_of('x = 7', source), 'x = 7')]


PIER = """class Pier(object):
  def __init__(self, page):
    self.page = page; self.colour = ''

  def update(self, metadata, media, lang):
    boats = [row for row in self.fetch(metadata.id) if row]
    for boat in boats:
      self.fill(metadata, boat, crew=boat['crew'])
    self.berth(Pier(boats)); self.flag(boats)

  def fill(self, metadata, boat, crew=None):
    metadata.title = boat['name']
    metadata.studio = crew['first']
    metadata.summary = self.motto(boat).strip()

  def fetch(self, number):
    if not number:
      return None
    return JSON.ObjectFromURL('http://boats.example/%s' % number)

  def get(self, boat):
    return 'a pier'

  def motto(self, boat):
    if boat.get('quiet'):
      return None
    return boat.get('motto')

  def berth(self, other):
    return self.page['berth'] + RIGS.get(other.rig).lower()

  def flag(self, boats):
    self.colour, self.size = boats
    return self.shape(boats).strip() + self.colour.lower()

  def shape(self, boats):
    if boats:
      return boats['shape']
"""
TRACES = [
    # the line that failed, in which function, the error; the steps of its cause, and where the value comes from
    ("= boat['name']", 'fill', 'KeyError', "'name'",
     ['12 fill boat', '8 update boat', '7 update each of boats', '6 update self.fetch(metadata.id)',
      "19 fetch JSON.ObjectFromURL('http://boats.example/%s' % number)"], 'which comes from the answer to a request'),
    ("= crew['first']", 'fill', 'KeyError', "'first'",
     ['13 fill crew', "8 update boat['crew']", '7 update each of boats', '6 update self.fetch(metadata.id)',
      "19 fetch JSON.ObjectFromURL('http://boats.example/%s' % number)"], 'which comes from the answer to a request'),
    ('.strip()', 'fill', 'AttributeError', "'NoneType' object has no attribute 'strip'",
     ['14 fill self.motto(boat)', "27 motto boat.get('motto')", '26 motto or else return None'],
     'which is the answer of another function of the plug-in'),
    ("self.page['berth']", 'berth', 'KeyError', "'berth'",
     ['30 berth self.page', '3 __init__ page', '9 update boats', '6 update self.fetch(metadata.id)',
      "19 fetch JSON.ObjectFromURL('http://boats.example/%s' % number)"], 'which comes from the answer to a request'),
    ('RIGS.get', 'berth', 'AttributeError', "'NoneType' object has no attribute 'lower'",
     ['30 berth RIGS.get(other.rig)'], None),
    ('self.shape(', 'flag', 'AttributeError', "'NoneType' object has no attribute 'strip'",
     ['34 flag self.shape(boats)', "38 shape boats['shape']", '36 shape or else the end of it, without an answer'],
     'which is the answer of another function of the plug-in'),
    ('self.colour.lower', 'flag', 'AttributeError', "'NoneType' object has no attribute 'lower'", ['34 flag self.colour'], None),
]


@pytest.mark.parametrize('text, function, exception, message, steps, origin', TRACES)
def test_a_value_is_traced_through_calls_to_where_it_came_from(tmpdir, text, function, exception, message, steps, origin):
    frames = [frame('update', line_of('self.%s(' % function, PIER), source=PIER),
              frame(function, line_of(text, PIER), source=PIER, callees=[GETITEM] if exception == 'KeyError' else [])]
    record = look(pattern(exception, message, frames), tmpdir, PIER).record
    assert ['%d %s %s' % (step['line'], step['function'], step['text']) for step in record['cause']] == steps
    assert record['origin'] == origin
    assert ('; line 8 of update, ' in '\n'.join(diagnose.cause_text(record))) == ('8 update' in ' '.join(steps))


@pytest.mark.parametrize('text, updates, items, told', [
    ("boat['name']", 20, 19, True), ("boat['name']", 31, 19, False), ("boat['name']", 4, 4, False),
    ('RIGS.get', 20, 19, False)])           # what the plug-in itself brings along does not change
def test_where_nearly_every_item_fails_on_what_the_provider_answers_it_is_said_to_have_changed(
        tmpdir, text, updates, items, told):
    function, error = ('fill', ('KeyError', "'name'")) if 'name' in text else (
        'berth', ('AttributeError', "'NoneType' object has no attribute 'lower'"))
    frames = [frame('update', line_of('self.%s(' % function, PIER), source=PIER),
              frame(function, line_of(text, PIER), source=PIER, callees=[GETITEM] if 'name' in text else [])]
    record = look(pattern(error[0], error[1], frames, items=items), tmpdir, PIER, updates=updates).record
    assert ('another form by now' in ' '.join(record['evidence'])) == told
    assert ('a person has to look up' in record['advice']) == told
    unknown = {'class': 'code', 'items_total': 9, 'origin': 'which is the answer to a request', 'evidence': [],
               'advice': 'depends'}
    diagnose.note_new_form(unknown, 9, 9)
    assert unknown['advice'].startswith('where the value stands now')


def test_text_of_logs_and_sources_stays_itself_in_markdown():
    assert diagnose.prose('a_b __init__ d[k](x) \\(\\d+\\) u\\xe9 <b>') == (
        'a_b \\_\\_init\\_\\_ d[k\\](x) \\\\(\\d+\\\\) u\\xe9 \\<b\\>')


def test_a_missing_media_tree_is_the_platform(tmpdir):
    row = missing_motto(preceding=before(404, 19, '127.0.0.1:32400', '/library/metadata/<n>/tree'))
    assert look(row, tmpdir).record['class'] == 'platform'


def test_404_that_nothing_else_depends_on_is_code_and_the_rest_is_filled(tmpdir):
    frames = [frame('people', line_of('self.picture(person')),
              frame('picture', line_of('/face/'),
                    callees=[{'file': 'Framework/components/networking.py', 'function': 'content',
                                                            'text': 'x'}])]
    found = look(pattern('HTTPError', 'HTTP Error 404: Not Found', frames, items=3), tmpdir)
    assert found.record['class'] == 'code'


def test_404_of_the_answer_that_everything_depends_on_is_upstream(tmpdir):
    frames = [frame('update', line_of('self.fetch(')),
              frame('fetch', line_of('/boat/'),
                    callees=[{'file': 'Framework/api/parsekit.py', 'function': 'ObjectFromURL',
                                                          'text': 'x'}])]
    found = look(pattern('HTTPError', 'HTTP Error 404: Not Found', frames, items=3), tmpdir)
    assert found.record['class'] == 'upstream' and found.patches == {}


@pytest.mark.parametrize('made, error, guard', [
    ("crew = JSON.ObjectFromURL('http://boats.example/crew/%s' % boat['crew'])",
     ('HTTPError', 'HTTP Error 404: Not Found'),
     "if boat['crew'] is not None:"),
    ("number = str(boat['crew'])\n    url = WHARF + '/crew/' + number\n    crew = self.ask(url)",
     ('AttributeError', "'NoneType' object has no attribute '__getitem__'"), "if number != 'None':")])
def test_an_address_with_none_in_it_is_made_by_the_code(tmpdir, made, error, guard):
    source = SOURCE.replace("    metadata.tagline = boat['motto']\n",
                            "    %s\n    metadata.tagline = crew['cook']\n" % made)
    url = 'http://boats.example/crew/None'
    row = pattern(error[0], error[1], [frame('update', line_of('self.fill(', source), source=source), frame(
        'fill', line_of("crew['cook']", source), callees=[GETITEM], source=source)], preceding=[
            {'host': 'boats.example', 'status': 'failed', 'url_shape': '/crew/None', 'count': 19}], exemplars=[
                {'text': '', 'said': ["Requesting 'http://boats.example/7'", "Requesting '%s'" % url]}])
    found = look(row, tmpdir, source)
    assert (found.record['class'], found.record['family']) == ('code', 'bad address')
    assert 'crew/' in found.record['divergence_point']['candidates'][0]['text']
    fix = found.record['fixes'][0]
    assert '+    %s' % guard in found.patches[fix['id']].decode('utf-8') and fix['loss'].startswith('tagline')
    row['exemplars'][0]['said'][-1] = "Requesting 'http://boats.example/crew/7'"
    assert look(row, tmpdir, source).record['family'] != 'bad address'


def test_a_cascade_is_judged_at_its_root(tmpdir):
    root = pattern('HTTPError', 'HTTP Error 404: Not Found', wrapper='Exception when constructing media object for dbid')
    root['pattern'] = 'p1-root'
    row = pattern('AttributeError', "'NoneType' object has no attribute 'items'", [frame('update', 16)], caused_by='p1-root')
    bundles = diagnose.find_bundles(make_plug_ins(tmpdir))
    found = diagnose.diagnose(row, document(row, root), bundles, [])
    assert found.record['class'] == 'platform' and not found.patches


def test_scanner_and_server_records_are_never_patched():
    for kind, agent, cls in (('scanner', 'Plex Media Scanner', 'data'), ('log', 'Plex Media Server', 'platform')):
        assert diagnose.judge(pattern('KeyError', "'x'", [frame('fill', 23)], kind=kind, agent=agent), {}).cls == cls


# ------------------------------------------------------------------------------------------------------------- bundles
def test_find_bundles_reads_plists_as_people_leave_them(tmpdir):
    plug_ins = make_plug_ins(tmpdir, folder='Harbour.bundle-master')
    bundle = diagnose.find_bundles(plug_ins)[AGENT]
    assert bundle.policy == 'Elevated' and bundle.files == ['Contents/Code/__init__.py']
    assert 'Harbour.bundle-master' in bundle.broken()[0]


@pytest.mark.skipif(sys.platform in ('win32', 'darwin'), reason='names there are text')
def test_a_name_that_is_no_text_does_not_end_the_diagnosis(tmpdir):
    plug_ins = make_plug_ins(tmpdir)
    contents = os.path.join(logs.to_bytes(plug_ins), b'Harbour.bundle', b'Contents')
    for name in (b'Caf\xe9.txt', b'Caf\xe9.py'):
        with open(os.path.join(contents, b'Code', name), 'wb') as written:
            written.write(b'x = 1\n')
    os.mkdir(os.path.join(logs.to_bytes(plug_ins), b'Caf\xe9'))
    with open(os.path.join(contents, b'DefaultPrefs.json'), 'wb') as written:
        written.write(b'[{"id": ["a"]}, {"id": "b", "type": "bool", "default": true}]')
    bundle = diagnose.find_bundles(plug_ins)[AGENT]
    assert len(bundle.files) == 2 and bundle.preferences() == {'b': True}


def test_a_nested_copy_is_found(tmpdir):
    make_plug_ins(tmpdir, folder=os.path.join('Harbour.bundle', 'Harbour.bundle-main'))
    assert diagnose.find_bundles(str(tmpdir.join('Plug-ins')))[AGENT].folder == 'Harbour.bundle-main'
    make_plug_ins(tmpdir, folder=os.path.join('Harbour.bundle', 'Harbour.bundle'))
    bundle = diagnose.find_bundles(str(tmpdir.join('Plug-ins')))[AGENT]
    found = diagnose.diagnose(missing_motto(), {'agents': []}, {AGENT: bundle}, [])
    assert found.record['class'] == 'environment' and not found.patches     # Plex does not load it from there
    assert 'inside the folder Harbour.bundle' in found.record['no_fix_because']


def test_of_two_bundles_with_one_identifier_the_one_that_failed_is_meant(tmpdir):
    make_plug_ins(tmpdir)
    make_plug_ins(tmpdir, folder='Harbour-old.bundle')
    found = look(missing_motto(), tmpdir)
    assert found.record['bundle'] == 'Harbour.bundle' and found.record['fixes'][0]['bundle'] == 'Harbour.bundle'
    assert any('Harbour-old.bundle, too, is %s' % AGENT in sentence for sentence in found.record['evidence'])


def test_a_web_page_in_place_of_source_means_reinstall(tmpdir):
    make_plug_ins(tmpdir)
    tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code', 'yard.py').write('\n<!DOCTYPE html>\n<html></html>')
    found = look(missing_motto(), tmpdir)
    assert found.record['class'] == 'environment' and 'install' in found.record['advice'] and not found.patches


def test_a_module_that_is_missing_means_reinstall(tmpdir):
    row = pattern('ImportError', 'No module named yardbook', [frame('<module>', 1)],
                  wrapper='Exception starting plug-in')
    found = look(row, tmpdir)
    assert found.record['class'] == 'environment' and not found.patches
    tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code', 'log', 'yardbook.py').ensure()
    assert 'inside Contents/Code, from where' in look(row, tmpdir).record['no_fix_because']


def test_a_missing_folder_is_one_sentence(tmpdir):
    with pytest.raises(logs.Problem):
        diagnose.find_bundles(str(tmpdir.join('nothing')))


# ------------------------------------------------------------------------------------------------------ the true place
def test_the_place_is_found_where_the_line_is_right(tmpdir):
    point = look(missing_motto(), tmpdir).record['divergence_point']
    assert point['candidates'][0]['line'] == line_of("boat['motto']") and point['source'] == 'same'


def test_the_place_is_found_where_the_line_is_too_high(tmpdir):
    point = look(missing_motto(line_of("boat['story']")), tmpdir).record['divergence_point']
    assert point['candidates'][0]['line'] == line_of("boat['motto']")


@pytest.mark.parametrize('exception, message, callees, text', [
    ('AttributeError', "'NoneType' object has no attribute '__getitem__'", [GETITEM], "boat['yard']['name']"),
    ('AttributeError', "'NoneType' object has no attribute '__iter__'", [GETITER], "for genre in boat['genres']"),
    ('AttributeError', "'NoneType' object has no attribute 'group'", [], 'found.group(1)'),
    ('TypeError', 'expected string or buffer', [{'file': '/usr/lib/python2.7/re.py', 'function': 'search', 'text': ''}],
     "re.search('([0-9]{4})'"),
    ('KeyError', "u'yard'", [GETITEM], "boat['yard']['name']"),
])
def test_each_error_points_at_what_can_raise_it(tmpdir, exception, message, callees, text):
    row = pattern(exception, message, [frame('fill', line_of(text), callees=callees)])
    assert look(row, tmpdir).record['divergence_point']['candidates'][0]['line'] == line_of(text)


def test_different_keys_of_one_pattern_give_different_places(tmpdir):
    row = missing_motto(messages=[{'text': "'motto'", 'count': 13}, {'text': "'story'", 'count': 6}])
    row['own_frames'][1]['reported_lines'].append({'line': line_of("boat['story']"), 'text': '', 'start': None,
                                                   'count': 6})
    lines = [one['line'] for one in look(row, tmpdir).record['divergence_point']['candidates'][:2]]
    assert lines == [line_of("boat['motto']"), line_of("boat['story']")]


def test_what_went_well_just_before_cannot_be_none():
    text = "def f(a):\n  x = a.first\n  y = a.second\n  return y.third\n"
    source = diagnose.Source(text.encode('utf-8'))
    function = source.functions_named('f')[0]
    seen = diagnose.Frame('Contents/Code/x.py', 'f', [3], {}, [], [])
    places = diagnose.locate(function, seen, 'AttributeError', "'NoneType' object has no attribute 'second'")
    assert places[0].reasons == ['the same expression went well just before']


def test_a_name_that_is_not_there_fails_at_its_first_use():
    source = diagnose.Source("def f(a):\n  if not Pier.boats:\n    moor()\n  return Pier.get(a)\n".encode('utf-8'))
    seen = diagnose.Frame('Contents/Code/x.py', 'f', [9], {}, [], [])
    places = diagnose.locate(source.functions_named('f')[0], seen, 'NameError',
                             "global name 'Pier' is not defined")
    assert places[0].line == 2


def test_a_handler_that_raises_the_error_again_is_the_place():
    text = ("def f(a):\n  try:\n    return JSON.ObjectFromString(HTTP.Request(a).content)\n"
            "  except Exception as e:\n    raise e\n")
    source = diagnose.Source(text.encode('utf-8'))
    seen = diagnose.Frame('Contents/Code/x.py', 'f', [5], {}, [], [])
    places = diagnose.locate(source.functions_named('f')[0], seen, 'JSONDecodeError', "('bad', 1)")
    assert places[0].line == 5


# ------------------------------------------------------------------------ the line table, against the compiler package
def function_text(chance):
    """A made-up function with loops, branches and handlers."""
    lines = ['def f(a, b):']

    def suite(depth, room):
        for _ in range(chance.randrange(1, 4)):
            pad, kind = '  ' * depth, chance.randrange(9) if room else 0
            if kind < 2:
                lines.append('%sa.field%d = b[%d]' % (pad, len(lines), len(lines)))
            elif kind == 2:
                lines.append('%sa.call(b,\n%s       [x.y for x in b if x],\n%s       b.z and b.w or 3)' % (pad, pad,
                                                                                                           pad))
            elif kind == 3:
                lines.append('%sif a.test(%d):' % (pad, len(lines)))
                suite(depth + 1, room - 1)
                lines.append('%selif b:' % pad)
                suite(depth + 1, room - 1)
                lines.append('%selse:' % pad)
                suite(depth + 1, room - 1)
            elif kind == 4:
                lines.append('%sfor c in a.list:' % pad)
                suite(depth + 1, room - 1)
                lines.append('%s  if c: continue' % pad)
            elif kind == 5:
                lines.append('%swhile a.more():' % pad)
                suite(depth + 1, room - 1)
            elif kind == 6:
                lines.append('%stry:' % pad)
                suite(depth + 1, room - 1)
                lines.append('%sexcept (KeyError, b.Error), e:' % pad)
                suite(depth + 1, room - 1)
                lines.append('%selse:' % pad)
                suite(depth + 1, room - 1)
            elif kind == 7:
                lines.append('%stry:' % pad)
                suite(depth + 1, room - 1)
                lines.append('%sfinally:' % pad)
                suite(depth + 1, room - 1)
            else:
                lines.append('%sreturn a if b else a.other' % pad)
    suite(1, 3)
    return '\n'.join(lines) + '\n'


def predicted_lines(function):
    """{line set: lines that may be reported for it} by our table."""
    found = {}
    for order in diagnose.SandboxTable(function).orders:
        for block, high in order.items():
            for line in block.lines:
                high = max(high, line)
                found.setdefault(line, set()).add(high)
    return found


@pytest.mark.skipif(sys.version_info[0] > 2, reason='the compiler package is only in 2.7')
def test_the_line_table_predicts_what_the_compiler_package_makes(monkeypatch):
    import compiler
    from compiler import pyassem, pycodegen
    chance = random.Random(23)
    monkeypatch.setattr(diagnose, 'ORDERS', 150)
    monkeypatch.setattr(pyassem.Block, '__hash__', lambda self: self.__dict__.setdefault('h',
                                                                                         chance.randrange(1 << 30)),
                        raising=False)
    events = []
    next_line = pyassem.LineAddrTable.nextLine

    def recording(self, line):
        next_line(self, line)
        events.append((line, self.lastline))
    monkeypatch.setattr(pyassem.LineAddrTable, 'nextLine', recording)
    seen = missed = 0
    for _ in range(29):
        text = function_text(chance)
        source = diagnose.Source(text.encode('utf-8'))
        predicted = predicted_lines(source.functions_named('f')[0])
        for _ in range(3):
            del events[:]
            tree = compiler.parse(text.encode('utf-8'))
            compiler.misc.set_filename(str('f'), tree)
            pycodegen.ModuleCodeGenerator(tree).getCode()
            own = [event for event in events if event[0] > 0]
            seen += len(own)
            missed += sum(reported not in predicted.get(line, ()) for line, reported in own)
    assert seen > 1000 and missed <= 0.02 * seen, (seen, missed)


LONG = """def fill(metadata, boat):
  while boat.more():
    if boat.sails:
      metadata.title = boat.first['name']
    Log('looking for the %s' % 'crew')
    if Prefs['extras']:
      metadata.studio = boat.second['name']
    metadata.summary = boat.third['name']
  metadata.tagline = boat.last['name']
"""


RECORD = """2026-11-20 02:1%(minute)d:03,011 (7f0%(thread)d) :  INFO (__init__:9) - %(said)s
2026-11-20 02:1%(minute)d:03,013 (7f0%(thread)d) :  CRITICAL (agentkit:1095) - Exception in the update function of """ + \
    """agent named 'Harbour', called with guid 'com.plexapp.agents.harbour://%(thread)d?lang=en' (most recent call last):
  File "/plex/Framework.bundle/Contents/Resources/Versions/2/Python/Framework/api/agentkit.py", line 1093, in _update
    agent.update(obj, media, lang, **kwargs)
  File "/plex/Plug-ins/Harbour.bundle/Contents/Code/__init__.py", line %(line)d, in fill
    %(text)s
  File "/plex/Framework.bundle/Contents/Resources/Versions/2/Python/Framework/code/sandbox.py", line 108, in <lambda>
    _getitem_           = lambda x, y: x.__getitem__(y),
KeyError: 'name'

"""


def diagnosed_log(tmpdir, source, records, history=(), plist=PLIST):
    """The Diagnosis of a log, through the real aggregator. records: [(item, what it said, line, source text)]."""
    plug_ins, folder = make_plug_ins(tmpdir, source, plist=plist), tmpdir.join('Logs').ensure(dir=True)
    folder.join(AGENT + '.log').write_binary(''.join(
        RECORD % {'minute': number, 'thread': item, 'said': said, 'line': line, 'text': text}
        for number, (item, said, line, text) in enumerate(records)).encode('utf-8'))
    run_dir = str(tmpdir.join('run').ensure(dir=True))
    assert logs.main(['--logs', str(folder), '--run-dir', run_dir, '--quiet']) in (logs.DONE, logs.INCOMPLETE)
    found = logs.read_aggregate(logs.aggregate_path(run_dir, 1))
    row = [row for row in found['patterns'] if row['exception'] == 'KeyError'][0]
    return diagnose.diagnose(row, found, diagnose.find_bundles(plug_ins), list(history))


PAIR = """def fill(metadata, boat, data):
    if 'crew' in data and len(data['crew']) > 0:
        metadata.year = boat['year']
        for one in data['crew']:
            metadata.roles.add(one)
    for one in data['yards']:
        metadata.studio = one
    Log('filled')
    for one in boat['parts']:
        metadata.tags.add(one)
    if 'crew' in data and len(data['crew']) > 0:
        metadata.title = boat['year']
"""


@pytest.mark.parametrize('error, starts, said, first', [
    ("KeyError: 'year'", [[12]], None, [3]),            # what stands under the same condition went well before
    ("AttributeError: 'NoneType' object has no attribute '__iter__'", [[6]], None, [6]),    # len() of the other did
    ("AttributeError: 'NoneType' object has no attribute '__iter__'", [[9]], [], [6]),      # or 'filled' had been said
    ("AttributeError: 'NoneType' object has no attribute '__iter__'", [[9]], None, [6, 9]),
    ("AttributeError: 'NoneType' object has no attribute '__iter__'", [[6, 9]], None, [6, 9]),      # each has its line
    ("AttributeError: 'NoneType' object has no attribute '__iter__'", [[6], [9]], None, [6, 9])])
def test_what_ran_before_what_was_said_and_all_lines_tell_the_places(error, starts, said, first, monkeypatch):
    function = diagnose.Source(PAIR.encode('utf-8'), CODE.split('/', 1)[1]).functions_named('fill')[0]
    lines = [line for start in starts for line in start]
    seen = diagnose.Frame('Contents/Code/__init__.py', 'fill', lines, {}, [], [dict.fromkeys(one) for one in starts])
    monkeypatch.setattr(diagnose.SandboxTable, 'chance', lambda self, node, statement, line: (
        1.0 if len(lines) == 1 or statement.line == line else 0.001))
    row = error.split(': ')
    seen = seen._replace(callees=[GETITEM] if row[0] == 'KeyError' else [GETITER])
    places = diagnose.locate(function, seen, *row, said=() if said is None else [said])
    sure = [place.statement.line for place in places if place.confidence > 0.25]
    assert sorted(sure) == first and (len(first) > 1 or places[0].confidence > 0.8)


def test_what_the_thread_said_last_and_the_preferences_tell_the_place(tmpdir):
    tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents').ensure(dir=True).join('DefaultPrefs.json').write(
        '[{"id": "extras", "type": "bool", "default": "false"}]')
    text = 'pass                # of an older version, so the line tells nothing'
    heard = diagnosed_log(tmpdir, LONG, [(17, 'looking for the crew', 9, text)]).record['divergence_point']
    unheard = diagnosed_log(tmpdir, LONG, [(17, 'nothing that is in the code', 9, text)]).record['divergence_point']

    def sure(point, line):
        return sum(row['confidence'] for row in point['candidates'] if row['line'] == line)
    assert 2 * sure(heard, 4) < sure(unheard, 4)        # it lies before what was said, though in the same loop
    assert sure(heard, 7) < 0.1                         # a preference switches it off
    assert sure(heard, 8) > sure(unheard, 8)


LOADS = [
    "class A(object):\n  def __init__(self):\n    self._n = {'a': 1}\n\n  def up(self):\n    self._n['a'] += 1 if 3 else 4\n"
    "    return self._n\n\ndef f(a):\n  return A().up()\n",
    "_C = 3\n\ndef _g(_a=1, *_b, **_c):\n  global _C\n  _C = _C + _a\n  return _C, _b, _c\n\ndef f(a):\n"
    "  return _g(_a=a), _g(a, 5, x=7), _C\n",
    "import re as _re\n\ndef f(a):\n  re, _id, id = 1, 2, 3\n  return [_x for _x in _re.findall('[0-9]', str(a))], re, _id, id\n",
    "def f(a):\n  try:\n    return a.x\n  except AttributeError as _error:\n    return str(_error)\n",
    "def f(a):\n  found = list(_each([a, 0, 7]))\n  return sorted(found), [x for x, y in _each([a])]\n\ndef _each(many):\n"
    "  'All.'\n  for one in many:\n    if not one:\n      return\n    yield one, 1\n  yield (4, 5)\n",
    "def f(a):\n  d = {'x': a, 'y': 2}\n  d['x'] -= 1; d['y'] *= a + 1\n  if d: d['x'] += (a,\n    3)[0]\n"
    "  d['x'] <<= 2\n  return d\n"]


def load_failure(tmpdir, source):
    """The Diagnosis of a plug-in that the sandbox does not load."""
    first = diagnose.check_sandbox(diagnose.Source(source.encode('utf-8')), False, True)[0]
    row = pattern('SyntaxError', 'Line %d: %s' % first, [], kind='load', wrapper='Exception while loading code')
    return look(row, tmpdir, source)


def result_of(data, value):
    names = {}
    exec(compile(data, 'agent', 'exec', 0, True), names)
    return names['f'](value)


@pytest.mark.parametrize('source', LOADS)
def test_what_the_sandbox_does_not_load_is_written_as_it_takes_it_all_through_the_file(tmpdir, source):
    found = load_failure(tmpdir, source)
    fix = found.record['fixes'][0]
    (path, hunks), = diagnose.parse_patch(found.patches[fix['id']])
    after = diagnose.patched(source.encode('utf-8'), hunks, path)
    assert diagnose.check_sandbox(diagnose.Source(after), False, True) == []
    assert result_of(after, 3) == result_of(source.encode('utf-8'), 3)


@pytest.mark.parametrize('source', [
    "def f(a):\n  exec('a = 3')\n  return a\n", "def f(a):\n  return a.__dict__\n", "def f(a):\n  return a._hidden\n",
    "def g(a):\n  while True:\n    yield a\n", "def f(a):\n  return g(a).next()\n\ndef g(a):\n  yield a\n",
    "def g(a):\n  b = yield a\n", "def f(d):\n  d[g()] += 1\n", "import json\n\nclass E(json.JSONEncoder):\n"
    "  def _hook(self):\n    pass\n", "def f(a):\n  a._x = 3\n\ndef g(a):\n  exec('a')\n"])
def test_no_patch_where_the_file_would_not_load_all_the_same_or_mean_something_else(tmpdir, source):
    assert load_failure(tmpdir, source).patches == {}


def test_a_name_of_another_module_is_imported_but_not_in_a_circle(tmpdir):
    code = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code').ensure(dir=True)
    source = SOURCE.replace("boat['motto']", "polish(boat['motto']) + polish('')")
    line = line_of('polish(', source)
    row = pattern('NameError', "global name 'polish' is not defined", [frame('fill', line, source=source)])
    for helper, import_line, lines in (
            ('def polish(text):\n  return text\n', '', ['from brush import polish']),
            ('polish, shine = len, max\n', 'import brush\n', ["metadata.tagline = brush.polish(boat['motto']) + "
                                                              "brush.polish('')"]),
            ('STAR = 3\npolish = len\n', 'import brush\n\ndef star():\n  return STAR\n\n', [
                'return brush.STAR', "metadata.tagline = brush.polish(boat['motto']) + brush.polish('')"]),
            ('import other\n\ndef polish(text):\n  return text\n', '', [])):
        code.join('brush.py').write(helper)
        code.join('other.py').write('from __init__ import Start\n')
        text = import_line + source
        row['own_frames'][0]['reported_lines'][0]['line'] = line + len(import_line.splitlines())
        found = look(row, tmpdir, text)
        added = [one[1:].strip() for patch in found.patches.values() for one in patch.decode('utf-8').splitlines()
                 if one[0] == '+' and one[:3] != '+++']
        assert added == lines, found.record['no_fix_because']


def test_a_load_failure_is_found_in_the_file_that_the_log_does_not_name(tmpdir):
    plug_ins = make_plug_ins(tmpdir)
    bad = ('def count(names):\n  found = {}\n  for name in names:\n'
           '    found[name] = found.get(name, 0)\n    found[name] += 1\n')
    tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code', 'tally.py').write(bad)
    row = pattern('SyntaxError', 'Line 5: Augmented assignment of object items and slices is not allowed.',
                  wrapper='Exception starting plug-in', kind='start', items=0)
    found = diagnose.diagnose(row, document(row), diagnose.find_bundles(plug_ins), [])
    assert found.record['divergence_point']['file'] == 'Contents/Code/tally.py'
    assert found.record['divergence_point']['candidates'][0]['line'] == 5
    patch = list(found.patches.values())[0]
    assert b'+    found[name] = found[name] + 1' in patch
    code = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code')
    code.join('berth.py').write('import tally\nimport lock\ndef _open(boat):\n  return boat\n'
                                'def all_open(boats): return [_open(boat) for boat in boats]\n')
    code.join('unused.py').write(bad)
    code.join('tally.py').write(bad + 'import berth\n')
    for lock, risk in (('wet = True\n', 'low'), ("wet = {}\nwet.__class__ = None\n", 'high')):
        code.join('lock.py').write(lock)
        found = diagnose.diagnose(row, document(row), diagnose.find_bundles(plug_ins), [])
        fix, = found.record['fixes']
        assert [one['path'].split('/')[-1] for one in fix['files']] == ['tally.py', 'berth.py'] and fix['risk'] == risk
        assert ('lock.py breaks the rules too' in fix['why_this_rank']) == (risk == 'high')
        assert b'return [open_(boat)' in found.patches[fix['id']]


@pytest.mark.parametrize('good,bad,message,line', [
    ("  name = 'Harbour'\n", "\tname = 'Harbour'\n", 'unexpected indent', "name = 'Harbour'"),
    ("self.picture(person['id'])\n", "self.picture(person['id']\n", 'invalid syntax', "float(boat['stars'])"),
    ("  def people(self, metadata, boat):\n", "  def people(self, metadata, boat)\n", 'invalid syntax', 'def people')])
def test_a_file_that_python_refuses_is_mended_where_a_small_change_does_it(tmpdir, good, bad, message, line):
    source = SOURCE.replace(good, bad)
    exception = 'IndentationError' if 'indent' in message else 'SyntaxError'
    number = line_of(line, source)
    row = pattern(exception, message, [frame('<module>', number, source=source)], items=0, kind='load',
                  wrapper='Exception while loading code')
    found = look(row, tmpdir, source)
    fix = found.record['fixes'][0]
    hunks = diagnose.parse_patch(found.patches[fix['id']])[0][1]
    assert diagnose.patched(source.encode('utf-8'), hunks, CODE).decode('utf-8') == SOURCE
    assert fix['changed_lines'] == 1


def test_a_file_that_no_small_change_mends_says_reinstall(tmpdir):
    source = SOURCE.replace("    metadata.title = boat['title']\n", "    metadata title boat ((\n")
    row = pattern('SyntaxError', 'invalid syntax', [frame('<module>', line_of('title boat', source), source=source)],
                  items=0, kind='load', wrapper='Exception while loading code')
    record = look(row, tmpdir, source).record
    assert not record['fixes'] and 'install the bundle again' in record['no_fix_because']


ROUTES = SOURCE + '''
def Clip(url, title, summary, container=False):
  return [url, title, summary]

def Menu():
  return []

def Pier(name, depth=3):
  return Callback(Pier, name=name, width=7)

def Buoy(url, thumb, container=False):
  return Callback(Buoy, url=url, container=True)

class Tide(object):
  def turned(self, height):
    return height

  def watch(self, sea):
    def risen(height):
      return height
    sea.ask(risen, self.turned)
'''


@pytest.mark.parametrize('message,wanted', [
    ('Clip() takes at least 3 arguments (2 given)', 'def Clip(url, title, summary=None, container=False):'),
    ("Clip() got an unexpected keyword argument 'includeWaves'",
     'def Clip(url, title, summary, container=False, **kwargs):'),
    ('Buoy() takes at least 2 arguments (2 given)', '  return Callback(Buoy, url=url, container=True, thumb=thumb)'),
    ('Menu() takes no arguments (1 given)', 'def Menu(**kwargs):'),
    ('risen() takes exactly 1 argument (2 given)', '    def risen(height, *args):'),
    ('turned() takes exactly 2 arguments (3 given)', '  def turned(self, height, *args):')])
def test_what_a_request_does_not_bring_may_be_left_out(tmpdir, message, wanted):
    row = pattern('TypeError', message, kind='route', wrapper='Exception', items=0, agent=AGENT)
    found = look(row, tmpdir, ROUTES)
    assert '+' + wanted in found.patches[found.record['fixes'][0]['id']].decode('utf-8').splitlines()
    for other in ('Other() takes no arguments (1 given)', 'watch() takes exactly 2 arguments (3 given)', "Pier() got an unexpected keyword argument 'width'"):
        row = pattern('TypeError', other, kind='route', items=0, agent=AGENT)
        assert not look(row, tmpdir, ROUTES).record['fixes']


TITLES = '''class HarbourAgent(Agent.Movies):
  def update(self, metadata, media, lang):
    boat = self.fetch(metadata.id)
    for code in ['de', 'en']:
      first = boat.get(code, {})
      if first:
        metadata.title = boat['names'][code]
      else:
        metadata.summary = boat['stories'][code]
      metadata.studio = 'Yard'

  def fetch(self, number):
    return JSON.ObjectFromURL('http://boats.example/boat/' + number)
'''


def test_places_that_cannot_be_told_apart_are_guarded_together(tmpdir):
    row = pattern('KeyError', "'de'", [frame('update', line_of("metadata.studio", TITLES), source=TITLES,
                                             callees=[GETITEM])])
    found = look(row, tmpdir, TITLES)
    first = found.record['fixes'][0]
    assert 'any of the lines' in first['why_this_rank'] and first['risk'] == 'low'
    text = found.patches[first['id']].decode('utf-8')
    assert "+        if code in boat['names']:" in text and "+        if code in boat['stories']:" in text
    # what a guard puts in costs nothing either where its value is there, and a try holds all that stands in it
    for lines, counted in ((["name = boat[part]", "place = self.yards[part]", "self.note(name, place)"], 'any of the lines'), (
            ["up = boat.xpath('//i')[0]", "down = boat.xpath('//i')[1]", "metadata.rating = float(up) / float(down)"],
            'only this one exception')):
        source = TITLES[:TITLES.index("    for code")] + ''.join('    %s\n' % line for line in ['part = lang'] + lines)
        source += TITLES[TITLES.index('  def fetch') - 1:] + "\n  def note(self, *parts):\n    Log(repr(parts))\n"
        is_key = 'any' in counted
        found = look(pattern('KeyError' if is_key else 'IndexError', "'de'" if is_key else 'list index out of range', [
            frame('update', line_of(lines[2], source), source=source, callees=[GETITEM])]), tmpdir, source)
        first = found.record['fixes'][0]
        assert counted in first['why_this_rank'] and '% sure' not in first['why_this_rank'], found.record['fixes']


def test_elements_are_skipped_for_each_of_the_lines_that_fail(tmpdir):
    source = TITLES + (
        "\n  def read(self, boat):\n    for part in boat.findall('part'):\n      if self.flat:\n"
        "        year, number = 0, 0\n"
        "      else:\n        year = int(part.find('year').text)\n        number = int(part.find('number').text)\n"
        "      for one in part:\n" + "        self.keep(year, number, one.text)\n" * 11 +
        "\n  def keep(self, year, number, text):\n    if year not in self.boats:\n      self.boats[year] = {}\n"
        "    self.boats[year][number] = text\n")
    row = pattern('AttributeError', "'NoneType' object has no attribute 'text'", [
        frame('read', line_of("for one in part", source), source=source)])
    found = look(row, tmpdir, source)
    text = found.patches[found.record['fixes'][0]['id']].decode('utf-8')
    assert text.count('+          continue') == 2, text


def test_a_person_without_a_name_is_left_out(tmpdir):
    source = SOURCE + ("\n\ndef crew_of(boat, found):\n  for row in boat['crew']:\n    sailor = Sailor()\n"
                       "    sailor.name = row['name']\n    sailor.rank = row.get('rank')\n"
                       "    found.people.append(sailor)\n")
    row = pattern('KeyError', "'name'", [frame('crew_of', line_of('sailor.name', source), source=source,
                                               callees=[GETITEM])])
    found = look(row, tmpdir, source)
    assert found.record['fixes'][0]['template'] == 'skip element', found.record['fixes'][0]


def test_a_function_without_another_answer_leaves_it_to_its_caller(tmpdir):
    source = 'import days\n' + SOURCE.replace(
        "metadata.tagline = boat['motto']", "metadata.tagline = days.day_of(boat['day']).strftime('%Y')")
    tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code', 'days.py').write(
        "def day_of(text, form='%Y-%m-%d'):\n    return datetime(*time.strptime(text, form)[:3])\n", ensure=True)
    row = pattern('ValueError', "time data 'May' does not match format '%Y-%m-%d'", [
        frame('fill', line_of('days.day_of', source), source=source),
        frame('day_of', 2, 'return datetime(*time.strptime(text, form)[:3])', file=CODE.replace('__init__', 'days'))])
    found = look(row, tmpdir, source)
    text = found.patches[found.record['fixes'][0]['id']].decode('utf-8')
    assert '+    try:' in text and '+    except ValueError as error:' in text and "+      metadata.tagl" in text, text
    point = found.record['divergence_point']
    assert (point['function'], point['candidates'][0]['line']) == ('day_of', 2)
    assert any('has nothing that it could answer instead' in one for one in found.record['evidence'])


def test_statements_of_one_line_are_moved_in_as_they_are(tmpdir):
    source = SOURCE.replace("metadata.genres.clear()", "metadata.genres.clear(); note = boat['note'].strip()").replace(
        "    for genre in", "    metadata.title_sort = note.lower(); metadata.tags.add(note)\n    for genre in", 1)
    changed = ['-    metadata.genres.clear(); note = ', '-    metadata.title_sort = ', '+    metadata.genres.clear()',
               "+    if boat['note'] is not None:", "+      note = boat['note'].strip()",
               '+      metadata.title_sort = note.lower(); metadata.tags.add(note)', '+    else:', '+      Log(']
    row = pattern('AttributeError', "'NoneType' object has no attribute 'strip'", [
        frame('fill', line_of("boat['note']", source), source=source)])
    found = look(row, tmpdir, source)
    lines = found.patches[found.record['fixes'][0]['id']].decode('utf-8').splitlines()[3:]
    lines = [line for line in lines if line[0] in '+-']
    assert len(lines) == len(changed) and all(line.startswith(one) for line, one in zip(lines, changed)), lines


CONFESSES = """
def strip_marks(text):
    return re.sub('<[^>]+>', '', text)

def update(metadata, boat):
    try:
        metadata.title = boat['title']
    except Exception, error:
        Log.Error('No title for %s (%s): [%s] ', metadata.id, boat, error.message)
    master = None
    try:
        master = boat['masters'][0].strip()
        metadata.directors.clear()
        director = metadata.directors.new()
        director.name = master
    except Exception as e:
        Log.Error('No master for %s (%s): [%s] ', metadata.id, boat, e.message)
    try:
        metadata.summary = strip_marks(boat['story'])
        metadata.tagline = boat['motto']
    except Exception as e:
        Log('[harbour] Story failed, Exception: "' + str(e) + '"')
    try:
        metadata.rating = float(boat['stars'])
    except ValueError as e:
        Log('stars: {0} for {1}'.format(e, boat))
"""


def said_line(message, line, level='ERROR'):
    text = '2026-02-03 21:14:07,123 (7f00) :  %s (__init__:%d) - %s' % (level, line, message)
    return pattern(None, message, [], kind='log', wrapper='', exemplars=[{'text': text, 'said': []}])


@pytest.mark.parametrize('message,line,function,text,family', [
    ('No master for 17 (x): [list index out of range]', 17, 'update', "boat['masters'][0]", 'empty list'),
    ('No title for 17 (x): [title]', 9, None, None, None),
    ("No title for 17 (x): ['title']", 9, None, None, None),
    ('[harbour] Story failed, Exception: "expected string or buffer"', 22, 'strip_marks', 're.sub', 'wrong kind'),
    ('stars: could not convert string to float: Grade 4.5 for x', 26, 'update', 'float(', 'wrong number or date')])
def test_an_error_that_the_agent_caught_and_logged_in_one_line(tmpdir, message, line, function, text, family):
    found = look(said_line(message, line), tmpdir, CONFESSES)
    if message.endswith("['title']"):
        assert found.record['family'] == 'missing key' and found.record['divergence_point']['candidates'][0]['line'] == 7
        return
    if function is None:
        assert 'does not say which error it was; it arose in line 7 of ' in found.record['no_fix_because']
        return
    point = found.record['divergence_point']
    assert point['function'] == function and text in point['candidates'][0]['text']
    assert found.record['family'] == family and found.record['message'] == message
    assert found.record['fixes'] and 'caught it and wrote this line' in ' '.join(found.record['evidence'])
    patched = found.patches[found.record['fixes'][0]['id']].decode('utf-8')
    if function == 'strip_marks':
        assert 'text is None' in patched
    elif family == 'empty list':                # no director without a name is made
        assert re.search(r"\+ {8}if boat\['masters'\]:\n(\+ {12}.*\n){4}", patched)
    else:
        assert r"re.findall(r'-?\d*\.?\d+(?:[eE][-+]?\d+)?', '%s' % boat['stars']) or [boat['stars']])[0])" in patched


SILENT = """BOAT = 'http://boats.example/boat/%s'
CREW = BOAT + '/crew'

def update(metadata):
  try:
    page = HTML.ElementFromURL(BOAT % metadata.id)
    metadata.title = page.xpath('//h1')[0].text
    metadata.studio = page.xpath('//b')[0].text
    metadata.tagline = page.xpath('//i')[0].text
    metadata.summary = read(page).strip()
  except Exception as e:
    Log.Debug(repr(e))
  try:
    page = HTML.ElementFromURL(CREW % metadata.id)
    metadata.writers.add(page.xpath('//b')[0].text)
  except Exception as e:
    Log.Debug(repr(e))

def read(page):
  try:
    boat = {'name': page.get('name')}
    Log('name: %s', boat['name'])
    boat['year'] = re.compile('[0-9]+').search(page.get('built')).group()
    return boat
  except Exception as e:
    Log('No boat: ' + str(e))
"""


def test_what_was_asked_for_last_tells_which_try_wrote_an_error_without_words(tmpdir):
    def told(asked, message="IndexError('list index out of range',)", line=17, history=()):
        row = said_line(message, line, 'DEBUG')     # as reported for both: lines are too high, if anything
        row['exemplars'][0]['said'] = asked
        return look(row, tmpdir, SILENT, history)
    crew = told(["Requesting 'http://boats.example/boat/7'", "Requesting 'http://boats.example/boat/7/crew'"])
    assert [row['line'] for row in crew.record['divergence_point']['candidates']] == [15]
    asked = ["Requesting 'http://boats.example/boat/7'"]
    boat = told(asked)
    assert [row['line'] for row in boat.record['divergence_point']['candidates']][:3] == [8, 9, 7]
    assert '8 and 9' in boat.record['fixes'][0]['why_this_rank']
    probe = boat.record['fixes'][-1]
    assert probe['kind'] == 'probe'
    said = ['probe: line 9 raised (%s)' % probe['probed']['version']]
    assert told(asked + said).record['divergence_point']['candidates'][0]['confidence'] > 0.9
    lost = told(['name: x'], "No boat: 'NoneType' object has no attribute 'group'", 25)
    assert 're.compile' in lost.patches[lost.record['fixes'][0]['id']].decode('utf-8')      # read() answers nothing at all


HANDED = """def run(jobs):
  for job, args in jobs:
    try:
      job(*args)
    except Exception as e:
      Log(e)

def pictures(page, found):
  cover = page.get('cover')
  if cover is not None and len(cover) > 3 and near():
    found.append(cover)

def near():
  return len(Prefs['near']) > 0

def update(metadata):
  run([(pictures, ('boats', []))])
  later(pictures, [])
"""


def test_an_error_in_a_function_that_was_handed_over_is_found_there(tmpdir):
    found = look(said_line("object of type 'NoneType' has no len()", 6), tmpdir, HANDED)
    assert found.record['divergence_point']['candidates'][0]['line'] == 14
    assert "len(Prefs['near'] or '')" in found.patches[found.record['fixes'][0]['id']].decode('utf-8')


def test_a_function_that_was_imported_for_it_is_called(tmpdir):
    code = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code').ensure(dir=True)
    code.join('boats.py').write('def look(results, media, lang):\n  pass\n\ndef fill(metadata, media):\n  pass\n')
    source = ('def search(results, media, lang):\n  from boats import look\n  look(results, media, lang)\n\n'
              'def update(metadata, media):\n  from boats import fill\n  look(metadata, media)\n')
    row = pattern('NameError', "global name 'look' is not defined", [frame('update', 7, source=source)])
    found = look(row, tmpdir, source)
    assert b'+  fill(metadata, media)' in found.patches[found.record['fixes'][0]['id']] and len(found.patches) == 1


def test_where_two_functions_can_have_raised_what_was_logged_there_is_no_guess(tmpdir):
    source = CONFESSES.replace("boat['motto']", 'marks_of(boat)') + """
def marks_of(boat):
    return re.findall('#', boat['motto'])
"""
    row = said_line('[harbour] Story failed, Exception: "expected string or buffer"', 22)
    lines = line_of('re.sub(', source), line_of("re.findall('#'", source)
    assert look(row, tmpdir, source).record['no_fix_because'] == 'the log does not say which of these failed: ' + (
        ', '.join('line %d of Contents/Code/__init__.py' % line for line in lines))


def test_what_a_base_class_logs_of_its_subclasses_is_found_in_the_one_that_the_record_names(tmpdir):
    code = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code').ensure(dir=True)
    code.join('wharf.py').write("""
class Wharf(object):
    def fill(self, metadata):
        try:
            self.read(metadata, self.load())
        except Exception as e:
            tell(self.tag, 'fill', e)
""")
    berth = """
class %s(Wharf):
    tag = 'Harbour.%s'

    def read(self, metadata, boat):
        metadata.tagline = boat['motto'].upper()
"""
    code.join('east.py').write(berth % ('East', 'East'))
    code.join('west.py').write(berth % ('West', 'West'))
    code.join('crane.py').write("def read(boat):\n    return boat['motto'].upper()\n")
    source = SOURCE + "\ndef tell(tag, what, error):\n  Log('[%s] %s: %s' % (tag, what, error))\n"
    row = said_line("[Harbour.West] fill: 'NoneType' object has no attribute 'upper'", 3)
    found = look(row, tmpdir, source)
    point = found.record['divergence_point']
    assert (point['file'], point['candidates'][0]['line']) == ('Contents/Code/west.py', 6) and found.record['fixes']


def test_an_error_that_is_raised_again_is_mended_where_it_came_from(tmpdir):
    source = CONFESSES.replace("Log.Error('No master for %s (%s): [%s] ', metadata.id, boat, e.message)",
                               "Log('No master')\n        raise e")
    row = pattern('IndexError', 'list index out of range', [frame('update', line_of('raise e', source), 'raise e',
                                                                  source=source)])
    found = look(row, tmpdir, source)
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of("boat['masters'][0]", source)
    assert 'raised it again' in ' '.join(found.record['evidence']) and found.record['fixes'][0]['risk'] == 'low'


def test_an_error_of_the_provider_that_the_agent_logs_is_no_defect(tmpdir):
    found = look(said_line('[harbour] Story failed, Exception: "HTTP Error 503: Service Unavailable"', 22), tmpdir,
                 CONFESSES)
    assert found.record['class'] == 'upstream' and not found.record['fixes']


def test_a_file_that_python_2_cannot_read_is_mended_or_named(tmpdir):
    line = line_of("boat['motto']")
    bad = SOURCE.replace("boat['motto']", "boat.get('motto' boat, '')")
    row = pattern('SyntaxError', 'invalid syntax', [frame('<module>', line, "metadata.tagline = boat.get('motto'")], items=0,
                  wrapper='Exception while loading code', kind='load')
    found = diagnose.diagnose(row, document(row), diagnose.find_bundles(make_plug_ins(tmpdir, bad)), [])
    assert [fix['template'] for fix in found.record['fixes']] == ['readable again']
    assert b"+    metadata.tagline = boat.get('motto', boat, '')" in list(found.patches.values())[0]
    worse = SOURCE.replace("boat['motto']", "boat['motto'")
    found = diagnose.diagnose(row, document(row), diagnose.find_bundles(make_plug_ins(tmpdir, worse.replace(
        'metadata.year =', 'metadata.year ! ='))), [])
    assert not found.patches and 'line %d' % line in found.record['no_fix_because'] and 'Python 2' in found.record[
        'no_fix_because']


def test_a_name_that_the_sandbox_refuses_in_two_files_is_written_out(tmpdir):
    plug_ins = make_plug_ins(tmpdir, "from version import __version__\n\nVERSION = __version__\n" + SOURCE)
    tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code', 'version.py').write("__version__ = '1.1'\n")
    row = pattern('SyntaxError', 'Line 3: "__version__" is an invalid variable name because it starts with "_"',
                  wrapper='Exception while loading code', kind='load', items=0)
    found = diagnose.diagnose(row, document(row), diagnose.find_bundles(plug_ins), [])
    assert found.record['divergence_point']['candidates'][0]['line'] == 3
    patch = found.patches[found.record['fixes'][0]['id']]
    assert b"-from version import __version__" in patch and b"+VERSION = '1.1'" in patch


def test_a_misspelt_module_is_no_broken_copy(tmpdir):
    for name, cls in (('jsno', 'code'), ('harbourlib', 'environment')):
        source = 'import %s\n' % name + SOURCE.replace('re.search', 'json.loads')
        row = pattern('ImportError', 'No module named %s' % name, [frame('<module>', 1, source=source)], items=0, kind='start')
        found = look(row, tmpdir, source)
        assert found.record['class'] == cls and bool(found.patches) == (cls == 'code'), name


def test_a_module_that_the_bundle_has_under_another_name_is_imported_by_that_in_all_files(tmpdir):
    code = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code').ensure(dir=True)
    code.join('sailcloths.py').write('def polish(text):\n  return text\n')
    code.join('deck.py').write('from sailcloth import polish\n')
    for used, cls in (('polish', 'code'), ('varnish', 'environment')):
        source = 'import re, sailcloth\n' + SOURCE.replace("boat['motto']", "sailcloth.%s(boat['motto'])" % used)
        row = pattern('ImportError', 'No module named sailcloth', [frame('<module>', 1, source=source)], items=0,
                      kind='start')
        found = look(row, tmpdir, source)
        assert found.record['class'] == cls
        added = [line[1:] for patch in found.patches.values() for line in patch.decode('utf-8').splitlines()
                 if line[0] == '+' and line[:3] != '+++']
        assert added == ['import re, sailcloths as sailcloth', 'from sailcloths import polish'] * (cls == 'code')


@pytest.mark.parametrize('line, call, caught, added', [
    ('import wharf', 'wharf.master_of(boat)', 'wharf.NoMaster', ''), ('import wharf as quay', 'quay.master_of(boat)',
                                                                      'quay.NoMaster', ''),
    ('from wharf import master_of', 'master_of(boat)', 'NoMaster', 'from wharf import master_of, NoMaster'),
    ('from wharf.men import master_of', 'master_of(boat)', 'NoMaster', 'from wharf.men import master_of, NoMaster'),
    ('from wharf import men', 'men.master_of(boat)', 'men.NoMaster', ''), ('import crane', 'crane.lift(boat)', None, '')])
def test_an_exception_of_a_module_of_the_bundle_is_caught_by_its_name(tmpdir, line, call, caught, added):
    shared = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Libraries', 'Shared', 'wharf').ensure(dir=True)
    shared.join('__init__.py').write('from men import NoMaster, master_of\n')
    shared.join('men.py').write('class NoMaster(Exception):\n  pass\n\ndef master_of(boat):\n  raise NoMaster(boat)\n')
    source = line + '\n' + SOURCE.replace("boat['motto']", call)
    row = pattern('NoMaster', 'nobody', [frame('fill', line_of(call, source), source=source, callees=[
        {'file': 'Libraries/Shared/wharf/men.py', 'function': 'master_of', 'text': 'raise NoMaster(boat)'}])])
    found = look(row, tmpdir, source)
    if caught is None:
        assert not found.record['fixes']
        return
    patch = found.patches[found.record['fixes'][0]['id']].decode('utf-8')
    assert '+    except %s as error:\n' % caught in patch and ('+%s\n' % added in patch if added else
                                                              patch.count('@@ -') == 1)


@pytest.mark.parametrize('head, tail, error, wanted', [
    ('except KeyError:', "Log('No motto: %s' % e)", ('NameError', "global name 'e' is not defined"),
     '    except KeyError as e:'),
    ('except:', "Log('No motto: ' + str(err))", ('NameError', "global name 'err' is not defined"),
     '    except BaseException as err:'),
    ('except KeyError as e:', "Log('No motto: ' + e)",
     ('TypeError', "cannot concatenate 'str' and 'exceptions.KeyError' objects"), "      Log('No motto: ' + str(e))"),
    ('finally:', 'metadata.studio = note', ('UnboundLocalError',
                                            "local variable 'note' referenced before assignment"), None)])
def test_what_goes_wrong_while_an_error_is_handled_hides_that(tmpdir, head, tail, error, wanted):
    source = SOURCE.replace("    metadata.tagline = boat['motto']\n", (
        "    try:\n      metadata.tagline = boat['motto']\n      note = 'x'\n    %s\n      %s\n" % (head, tail)))
    found = look(pattern(error[0], error[1], [frame('fill', line_of(tail, source), source=source)]), tmpdir, source)
    assert 'at line %d, so another error came first' % line_of(head, source) in ' '.join(found.record['evidence'])
    if wanted:
        patch = found.patches[found.record['fixes'][0]['id']].decode('utf-8')
        assert [line for line in patch.splitlines() if line[0] == '+'][1:] == ['+' + wanted]
        return
    first = pattern(error[0], error[1], [frame('fill', line_of(tail, source), source=source)])
    behind = dict(missing_motto(line_of("boat['motto']", source)), pattern='p1-behind')
    history = [{'id': 'a', 'pattern': 'p1-harbour', 'function': 'fill', 'template': 'initialise first', 'further': 5,
                'decision': 'ROLLBACK', 'exception': error[0]}]
    bundles = diagnose.find_bundles(make_plug_ins(tmpdir, source))
    found = diagnose.diagnose(first, document(first, behind), bundles, history)
    fix = found.record['fixes'][0]          # a patch that was rolled back has shown what the finally hides
    assert fix['pattern'] == 'p1-harbour' and found.record['hides'] == 'p1-behind'
    assert "'motto' in boat" in found.patches[fix['id']].decode('utf-8')


def test_a_part_of_a_module_that_python_2_lacks_is_no_echo_of_a_failed_request(tmpdir):
    source = 'import urllib\n' + SOURCE.replace("boat['motto']", "urllib.parse.quote(boat['motto'])")
    line = line_of('urllib.parse', source)
    row = pattern('AttributeError', "'module' object has no attribute 'parse'", [frame('fill', line, source=source)],
                  preceding=[{'host': 'boats.example', 'status': 401, 'count': 19, 'url_shape': '/boat/<n>'}])
    found = look(row, tmpdir, source)
    assert found.record['class'] == 'code' and b'urllib.quote(boat' in found.patches[
        found.record['fixes'][0]['id']]


HANDLED = '''import re

class HarbourAgent(Agent.Movies):
  def update(self, metadata, media, lang):
    url = 'http://boats.example/%s' % metadata.id
    try:
      page = HTML.ElementFromURL(url)
      metadata.title = page.xpath('//h1')[0].text
      found = re.search('by (.*)', metadata.title)
      metadata.studio = found.group(1)
      self.pictures(page, metadata)
    except Exception, problem:
      Log.Error('No data for boat %s (%s) [%s] ', metadata.id, url, problem.message)
    try:
      stars = float(page.xpath('//b')[0].text)
      metadata.rating = stars * 2
    except Exception as e:
      Log('No stars for boat {} - {}'.format(metadata.id, e))
'''


def test_an_error_that_the_agent_logged_itself_is_found_in_what_its_handler_guards(tmpdir):
    def told(message, source=HANDLED):
        row = pattern(None, message, kind='log', wrapper='', bundle=None)
        return look(row, tmpdir, source)
    found = told("No data for boat 4711 (http://boats.example/4711) ['NoneType' object has no attribute 'group']")
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of('found.group', HANDLED)
    patch = found.patches[found.record['fixes'][0]['id']]
    assert b'found' in patch and 'line %d' % line_of('except Exception, problem', HANDLED) in ' '.join(
        found.record['evidence'])
    found = told('No stars for boat 4711 - could not convert string to float: n/a')
    assert not found.patches and 'goes on without it' in found.record['no_fix_because']
    assert found.record['class'] == 'noise'
    found = told('No stars for boat 4711 - could not convert string to float: n/a', HANDLED.replace(
        "      stars = float(page.xpath('//b')[0].text)\n      metadata.rating = stars * 2\n",
        "      if Prefs['stars']:\n        metadata.rating = float(page.xpath('//b')[0].text)\n"
        "        metadata.tagline = url\n"))
    assert found.record['class'] == 'code' and found.patches    # the tagline, beside it, is lost with it
    sank = told('No data for boat 4711 (http://boats.example/4711) [it sank]')
    assert not sank.patches and 'does not say which error' in sank.record['no_fix_because']
    assert 'names no line' in told("No data for ship 4711 (x) ['NoneType' object has no attribute 'group']").record[
        'no_fix_because']
    twice = HANDLED + HANDLED.split('\n\n', 1)[1].replace('HarbourAgent', 'OtherAgent')
    assert 'names no line' in told("No data for boat 7 (x) ['NoneType' object has no attribute 'group']",
                                   twice).record['no_fix_because']


def test_a_field_that_an_object_of_the_framework_refuses_is_found(tmpdir):
    source = SOURCE.replace("role.name = person['name']", "role.actor = person['name']")
    line = line_of("role.photo", source)
    row = pattern('AttributeError', "'RecordObject' object has no attribute named 'actor'", [
        frame('people', line, source=source, callees=[{'file': 'Framework/modelling/attributes.py',
                                                       'function': '__setattr__', 'text': ''}])])
    found = look(row, tmpdir, source)
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of('role.actor', source)
    assert b"+      role.name = person['name']" in found.patches[found.record['fixes'][0]['id']]


# -------------------------------------------------------------------------------------------------------- version drift
def test_an_updated_bundle_is_followed_by_the_function_name(tmpdir):
    row = missing_motto()
    found = look(row, tmpdir, '# a new first line\n# and another\n' + SOURCE)
    assert found.record['divergence_point']['source'] == 'moved'
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of("boat['motto']") + 2
    assert found.record['fixes']


def test_of_two_functions_of_one_name_the_one_that_holds_what_the_log_quotes_is_meant(tmpdir):
    other = SOURCE.replace('class HarbourAgent', 'class PierAgent').replace("boat['motto']", "boat['name']")
    found = look(missing_motto(), tmpdir, other + SOURCE)
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of("boat['motto']", other + SOURCE)


def test_a_record_that_breaks_off_says_so_and_no_more(tmpdir):
    for frames in ([frame('update', 9), frame('fill', line_of("boat['motto']"), callees=[GETITEM])], []):
        row = pattern(None, '', frames)
        found = look(row, tmpdir.mkdir('%d' % len(frames)))
        assert found.record['family'] == 'cut record' and not found.patches
        assert 'breaks off' in found.record['no_fix_because'] and 'cut off' in diagnose.report_text(
            {'iteration': 1, 'made': '', 'aggregate': '', 'patterns': [found.record]})


def test_a_global_name_that_another_function_makes_is_missing_where_that_did_not_come_so_far(tmpdir):
    source = SOURCE.replace('class HarbourAgent', '''def Start():
  global BOATS
  BOATS = 0

class HarbourAgent''', 1).replace('  def update(self, metadata, media, lang):\n', '''  def update(self, metadata, media, lang):
    global BOATS
    BOATS += 1
''', 1)
    row = pattern('NameError', "global name 'BOATS' is not defined",
                  [frame('update', line_of('BOATS += 1', source), source=source)])
    found = look(row, tmpdir, source)
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of('BOATS += 1', source)
    assert not found.patches and found.record['no_fix_because'].startswith('Start makes it')


def test_a_part_of_a_path_that_is_none_is_told_by_what_join_asks_it_for(tmpdir):
    source = SOURCE.replace('  def picture(self, number):\n', '''  def picture(self, number):
    folder = os.path.join(Prefs['harbour'], 'faces')
    folder = os.path.join(folder, Prefs['pier'], 'small')
    folder = os.path.join(folder, 'round')
''')
    callee = {'file': 'posixpath.py', 'function': 'join', 'text': "if b.startswith('/'):"}
    for asked, text in (('startswith', "Prefs['pier']"), ('endswith', "Prefs['harbour']")):
        row = pattern('AttributeError', "'NoneType' object has no attribute '%s'" % asked, [frame(
            'picture', line_of("'round'", source), callees=[callee], source=source)])
        found = look(row, tmpdir.mkdir(asked), source)
        assert found.record['divergence_point']['candidates'][0]['line'] == line_of(text, source)
        assert found.record['suspect'] == text


def test_a_function_that_is_gone_was_changed_upstream(tmpdir):
    found = look(missing_motto(), tmpdir, SOURCE.replace('def fill(', 'def fill_in('))
    assert 'changed upstream' in found.record['no_fix_because'] and not found.patches


def test_a_statement_that_is_gone_was_changed_upstream(tmpdir):
    found = look(missing_motto(), tmpdir, SOURCE.replace("boat['motto']", "boat.get('motto')"))
    assert 'changed upstream' in found.record['no_fix_because'] and not found.patches


def test_without_bundles_the_place_comes_from_the_log_alone():
    found = look(missing_motto())
    assert found.record['divergence_point']['function'] == 'fill' and not found.patches
    assert 'not at hand' in found.record['no_fix_because']


LAST = '''class HarbourAgent(Agent.Movies):
    name = 'Harbour'

    def update(self, metadata, media, lang):
        boat = JSON.ObjectFromURL('http://harbour.example/%s' % metadata.id)
        metadata.title = boat['title']
        self.paint(metadata, boat)
        LATER

    def paint(self, metadata, boat):
        url = boat['picture']
        small = boat['picture_small']
        metadata.posters[url] = Proxy.Preview(HTTP.Request(small).content)
'''


@pytest.mark.parametrize('more, gains', [
    ({}, False), ({'LATER': "metadata.summary = boat['plot']"}, True), ({'LATER': "Log('done')"}, False)])
def test_a_fix_behind_which_nothing_is_filled_in_promises_nothing(more, gains, tmpdir):
    source = LAST.replace('LATER', more.get('LATER', 'return'))
    row = pattern(message="'picture'", frames=[
        frame('update', line_of('self.paint(metadata', source), source=source),
        frame('paint', line_of("boat['picture']", source), callees=[GETITEM], source=source)])
    predicted = look(row, tmpdir, source).record['fixes'][0]['predicted']
    assert (predicted['success_percent'] >= 50) == gains
    assert ('gain nothing' in predicted['sentence']) != gains


def test_what_takes_the_answer_of_the_caller_is_not_lost_with_a_part_of_it(tmpdir):
    source = SOURCE[:SOURCE.index('    boat = self.fetch')] + (
        "    boat = Boat(metadata.id)\n    metadata.title = boat.name\n    metadata.summary = boat.story\n\n"
        "class Boat(object):\n  def __init__(self, row):\n    self.story = words_of(row)\n    self.name = row\n\n"
        "def words_of(text):\n  return re.sub('<.*?>', '', text)\n")
    row = pattern('TypeError', 'expected string or buffer', [
        frame(name, line_of(text, source), source=source) for name, text in (
        ('update', 'Boat(metadata.id)'), ('__init__', 'words_of(row)'), ('words_of', 're.sub'))])
    first = look(row, tmpdir, source).record['fixes'][0]
    assert first['template'] == 'early return' and 'gain nothing' not in first['predicted']['sentence'], first


TWO = '''class HarbourAgent(Agent.Movies):
    name = 'Harbour'

    def update(self, metadata, media, lang):
        boat = JSON.ObjectFromURL('http://harbour.example/%s' % metadata.id)
        metadata.title = boat['motto']
        metadata.studio = boat['yard']
        metadata.summary = boat['plot']
'''


@pytest.mark.parametrize('behind', ['p1-behind', 'p1-harbour'])
def test_what_the_items_failed_with_behind_a_fix_is_mended_together_with_it(behind, tmpdir):
    row = pattern(frames=[frame('update', line_of("boat['motto']", TWO), callees=[GETITEM], source=TWO)])
    plug_ins, run_dir = make_plug_ins(tmpdir, TWO), tmpdir.ensure('runs', '2026-11-21T033000Z', dir=True)
    bundles = diagnose.find_bundles(plug_ins)
    first = diagnose.diagnose(row, document(row), bundles, [])
    fix = first.record['fixes'][0]
    run_dir.ensure('fixes', fix['id'] + '.patch').write_binary(first.patches[fix['id']])
    half = diagnose.Patched(bundles[AGENT], first.patches[fix['id']]).data('Contents/Code/__init__.py').decode('utf-8')
    then = pattern(message="'yard'", frames=[frame('update', line_of("boat['yard']", half), callees=[GETITEM], source=half)],
                   pattern=behind)
    aggregate = logs.aggregate_path(str(run_dir), 3, True)
    logs.write_json(aggregate, document(then), logs.AGGREGATE_SCHEMA)
    tried = {'id': fix['id'], 'pattern': row['pattern'], 'decision': 'ROLLBACK', 'further': 11, 'measured': 11,
             'template': fix['template'], 'function': 'update', 'run': run_dir.basename, 'home_run': run_dir.basename,
             'iteration': 3, 'summary': fix['summary'], 'loss': fix['loss'], 'risk': 'low'}
    found = diagnose.diagnose(row, document(row), bundles, [tried])
    patch, = diagnose.mend_together(row, found.record, bundles, [tried], str(run_dir)).values()
    both = found.record['fixes'][0]
    (path, hunks), = diagnose.parse_patch(patch)
    after = diagnose.patched(TWO.encode('utf-8'), hunks, path).decode('utf-8')
    assert 'title' in both['loss'] and 'studio' in both['loss']
    assert after.count('Log(') >= 2 and both['files'][0]['sha256_after'] == diagnose.sha256(after.encode('utf-8'))
    assert 'yard' in found.record['evidence'][-1] and found.record.get('hides') == (behind if behind != row['pattern'] else None)
    twin = TWO.replace("'yard'", "'dock'") + '\n' + TWO       # the patch fits the copy alone, and the first one fails
    there = diagnose.find_bundles(make_plug_ins(tmpdir.mkdir('twin'), twin + '\n'))
    look_again = diagnose.diagnose(row, document(row), there, [tried])
    assert look_again.record['divergence_point']['candidates'][0]['line'] == line_of("boat['motto']", TWO)
    assert diagnose.Patched(there[AGENT], first.patches[fix['id']]).changed
    assert diagnose.mend_together(row, look_again.record, there, [tried], str(run_dir)) == {}
    watched = dict(tried, id='other', decision='MONITOR')
    assert diagnose.mend_together(row, found.record, bundles, [tried, watched], str(run_dir)) == {}
    for change in ({'echo_of': 'p1-other'}, {'items': [None]}):
        logs.write_json(aggregate, document(dict(then, **change)), logs.AGGREGATE_SCHEMA)
        assert diagnose.mend_together(row, found.record, bundles, [tried], str(run_dir)) == {}
    tmpdir.join('runs').remove()
    assert diagnose.mend_together(row, found.record, bundles, [tried], str(run_dir)) == {}


def test_functions_out_of_a_table_and_arguments_in_a_list_are_looked_into(tmpdir):
    source = TWO.replace('JSON.ObjectFromURL(', "READERS['boat'](").replace(
        "boat['motto']", "os.path.join(*boat['motto'])")
    row = pattern(exception='TypeError', message="'NoneType' object has no attribute '__getitem__'",
                  frames=[frame('update', line_of("boat['motto']", source), source=source)])
    assert source != TWO and look(row, tmpdir, source).record['fixes']


# ------------------------------------------------------------------------------------------------------- fixes, history
def test_a_fix_has_all_that_later_phases_read(tmpdir):
    found = look(missing_motto(), tmpdir)
    fix = found.record['fixes'][0]
    assert set('id kind template file line function patch bundle agent pattern predicted risk loss why_this_rank '
               'changed_lines files'.split()) <= set(fix)
    assert fix['file'] == CODE and fix['kind'] == 'fix' and fix['changed_lines'] <= diagnose.MAX_CHANGED_LINES
    assert fix['predicted']['items'] == 19 and 0 < fix['predicted']['success_percent'] <= 100
    before_bytes = SOURCE.encode('utf-8')
    assert fix['files'][0]['sha256_before'] == diagnose.sha256(before_bytes)
    (path, hunks), = diagnose.parse_patch(found.patches[fix['id']])
    assert path == CODE
    assert diagnose.sha256(diagnose.patched(before_bytes, hunks, path)) == fix['files'][0]['sha256_after']


def test_ids_are_stable_when_lines_move(tmpdir):
    first = [fix['id'] for fix in look(missing_motto(), tmpdir.mkdir('a')).record['fixes']]
    second = [fix['id'] for fix in look(missing_motto(), tmpdir.mkdir('b'), '# moved\n' + SOURCE).record['fixes']]
    assert first and first == second


def test_the_same_change_at_two_places_is_two_fixes():
    before = b'a = 1\nb = 2\nc = 3\ny = x[0]\nd = 4\ne = 5\nf = 6\n' * 2
    names = []
    for count in (0, 1):
        head, first, second = before.partition(b'f = 6\n')
        head, second = (head, second.replace(b'x[0]', b'x[1]')) if count else (head.replace(b'x[0]', b'x[1]'), second)
        patch = diagnose.unified_diff('A.bundle/x.py', before, head + first + second)
        names.append(diagnose.fix_id('index guard', patch, before))
    assert len(set(names)) == 2


@pytest.mark.parametrize('size', [9, 260])
def test_a_patch_changes_what_was_edited_and_no_more_in_a_long_file_too(size):
    chance = random.Random(size)
    for _ in range(60):
        old = [chance.choice(['\n', '    return None\n', 'line %d\n' % at]) for at in range(size)]
        new, at = list(old), chance.randrange(size)
        for at in (at, chance.choice([at, chance.randrange(size)])):
            new[at:at + 2] = chance.choice([['    ' + line for line in new[at:at + 2]], ['if x:\n', '    return None\n'] +
                                            new[at:at + 2], [], new[at:at + 1] * 2])
        before, after = (''.join(lines).encode('ascii') for lines in (old, new))
        patch = diagnose.unified_diff('a.bundle/x', before, after)
        assert diagnose.changed_lines(patch) <= 8
        for _, hunks in implement_fix.parse_patch(patch) if patch else ():
            assert implement_fix.apply_hunks(before, hunks, 'x') == after


def test_only_the_statements_that_a_patch_changes_are_read_again():
    source = diagnose.Source(b'def a():\n    x = 1\n\nclass B:\n    def b(self):\n        u = 1\n        v = 2\n'
                             b'        if v:\n            y = 3\n        w = 4\n\nz = 5\n')
    at = [source.text.index(text) for text in ('1', '3', '5')]
    edits = [(one, one + 1, '9') for one in at]
    parts = diagnose.changed_parts(source, edits[:2])
    assert [part.partition(b'def ')[2] for part in parts] == [
        b'a():\n    x = 9\n', b'b(self):\n        v = 2\n        if v:\n            y = 9\n\n']
    in_front, behind = source.text.index('        w = '), source.text.index('w = 4') + 5
    assert diagnose.changed_parts(source, [(in_front, in_front, '        else:\n            y = 0\n')])[0].endswith(
        b'y = 3\n        else:\n            y = 0\n        w = 4\n')
    assert diagnose.changed_parts(source, [(behind, behind, '5')])[0].endswith(b'y = 3\n        w = 45\n')
    header = source.text.index('self')
    assert b'class Around:\n    def b(me):\n        u = 1\n' in diagnose.changed_parts(
        source, [(header, header + 4, 'me')])[0]
    assert diagnose.changed_parts(source, edits) is None
    assert diagnose.changed_parts(diagnose.Source(b"x = 'open\n"), [(0, 1, 'y')]) is None
    printed = diagnose.Source(b'from __future__ import print_function\ndef a(x):\n    print(x, file=x)\n')
    assert diagnose.changed_parts(printed, [(printed.text.index('x):'), printed.text.index('):'), 'y')]) is None


def test_a_name_with_a_blank_is_ended_as_patch_wants_it():
    patch = diagnose.unified_diff('My Agent.bundle/Contents/Code/__init__.py', b'a\n', b'b\n')
    assert patch.startswith(b'--- a/My Agent.bundle/Contents/Code/__init__.py\t\n')
    assert diagnose.parse_patch(patch)[0][0] == 'My Agent.bundle/Contents/Code/__init__.py'


@pytest.mark.parametrize('decision', ['ROLLBACK', 'UNDONE'])
def test_a_fix_that_was_taken_out_is_never_offered_again(tmpdir, decision):
    first = look(missing_motto(), tmpdir.mkdir('a')).record['fixes']
    row = {'id': first[0]['id'], 'pattern': 'p1-harbour', 'template': first[0]['template'], 'decision': decision,
           'exception': 'KeyError'}
    second = look(missing_motto(), tmpdir.mkdir('b'), history=[row]).record['fixes']
    assert second and first[0]['id'] not in [fix['id'] for fix in second]
    other = missing_motto()
    other['pattern'] = 'p1-other'
    assert first[0]['id'] in [fix['id'] for fix in look(other, tmpdir.mkdir('c'), history=[row]).record['fixes']]


@pytest.mark.parametrize('further', [3, 0])
def test_a_fix_after_which_the_items_failed_further_on_comes_again_with_the_next_place(tmpdir, further):
    alone = look(missing_motto(), tmpdir.mkdir('a')).record['fixes'][0]
    assert alone['predicted']['fields'] == ['summary', 'year'] and alone['loss'].startswith('tagline stays')
    row = missing_motto(messages=[{'text': "'motto'", 'count': 13}, {'text': "'story'", 'count': 6}])
    row['own_frames'][1]['reported_lines'].append({'line': line_of("boat['story']"), 'text': '', 'start': None,
                                                   'count': 6})
    found = look(row, tmpdir.mkdir('b'), history=[{
        'id': alone['id'], 'pattern': 'p1-harbour', 'template': alone['template'], 'function': 'fill', 'decision':
        'ROLLBACK', 'exception': 'KeyError', 'further': further}])
    fix = found.record['fixes'][0]
    assert (b"'story' in boat" in found.patches[fix['id']] and b"'motto' in boat" in found.patches[fix['id']] and
            'at each of the lines' in fix['why_this_rank']) == bool(further)


def test_after_a_fix_that_the_same_error_outlived_the_places_behind_it_count_as_much():
    places = [diagnose.Place(None, None, line, sure, [], '') for line, sure in ((3, .98), (5, .015), (7, .005))]
    row = {'pattern': 'p1-harbour', 'function': 'fill', 'decision': 'ROLLBACK', 'further': 2}
    for history, wanted in (([row], [.5, .375, .125]), ([dict(row, function='update'), dict(row, further=0)],
                                                        [.98, .015, .005])):
        found = diagnose.with_those_behind(places, history, 'p1-harbour', 'fill')
        assert [place.confidence for place in found] == wanted
    assert len(diagnose.with_those_behind(places[:1], [row], 'p1-harbour', 'fill')) == 1


def test_what_only_a_fix_on_trial_has_brought_to_light_is_not_diagnosed_for_itself():
    row = {'id': 'a', 'agent': AGENT, 'decision': 'ROLLBACK', 'live': '2026-11-21T03:00:05.123456Z', 'time': '2026-11-21T03:01:00Z'}
    seen = {'pattern': 'p1-yard', 'agent': AGENT, 'first_seen': '2026-11-21T03:00:09Z', 'last_seen': '2026-11-21T03:00:40Z',
            'exemplars': [{'time': '2026-11-21T03:00:10Z'}]}
    options = diagnose.build_parser().parse_args([])
    chosen = [len(diagnose.chosen_patterns({'patterns': [pattern]}, options, [history])) for pattern, history in (
        (seen, row), (seen, dict(row, decision='KEEP')), (seen, dict(row, live=None)), (seen, dict(row, agent='another')),
        (dict(seen, last_seen='2026-11-21T04:00:00Z'), row), (dict(seen, first_seen=None), row),
        (dict(seen, exemplars=[{'time': '2026-11-21T02:00:00Z'}]), row))]
    assert chosen == [0, 1, 1, 1, 1, 1, 1]


def test_verdicts_of_earlier_runs_move_the_ranking(tmpdir):
    first = look(missing_motto(), tmpdir.mkdir('a')).record['fixes']
    best = first[0]['template']
    rows = [{'id': 'x%d' % number, 'pattern': 'p1-elsewhere', 'template': best, 'exception': 'KeyError',
             'decision': 'ROLLBACK'} for number in range(7)]
    second = look(missing_motto(), tmpdir.mkdir('b'), history=rows).record['fixes']
    assert second[0]['template'] != best
    assert any('earlier verdicts' in fix['why_this_rank'] for fix in second)


def test_history_is_written_and_read(tmpdir):
    assert diagnose.read_fix_history(str(tmpdir)) == []
    diagnose.write_fix_history(str(tmpdir), [{'id': 'a', 'decision': 'KEEP'}])
    assert diagnose.read_fix_history(str(tmpdir)) == [{'id': 'a', 'decision': 'KEEP'}]


def test_diffs_keep_every_byte():
    before_bytes = b'a\r\nb\xff\r\nc'
    after = b'a\r\nB\xff\r\nc2'
    patch = diagnose.unified_diff('X.bundle/x.py', before_bytes, after)
    (path, hunks), = diagnose.parse_patch(patch)
    assert path == 'X.bundle/x.py' and patch.count(b'No newline at end') == 2
    assert diagnose.patched(before_bytes, hunks, path) == after
    (path, hunks), = diagnose.parse_patch(diagnose.unified_diff('X.bundle/x.py', b'a\nb\r', b'A\nb\r'))
    assert diagnose.patched(b'a\nb\r', hunks, path) == b'A\nb\r'


LATER = '9999-01-01T00:00:00Z'         # than what the log begins with
PROBED = """def fill(metadata, boat):
  while boat.more():
    if boat.kind:
      metadata.title = boat.first['name']
    metadata.summary = boat.second['name']
  metadata.tagline = boat.third['name']
"""


def test_a_probe_is_offered_where_the_place_is_not_sure_and_settles_it(tmpdir, monkeypatch):
    text = 'pass                # of an older version, so the line tells nothing'
    broken = [(17, 'hello', 6, text)]
    with monkeypatch.context() as patched:      # before what is most likely wrong it stands first
        patched.setattr(diagnose, 'at_every_place', lambda rows, places: [])
        patched.setattr(diagnose, 'GUESSED_BELOW', 101)
        assert diagnosed_log(tmpdir, PROBED, broken).record['fixes'][0]['kind'] == 'probe'
    found = diagnosed_log(tmpdir, PROBED, broken)
    assert found.record['fixes'][-1]['kind'] == 'probe' and 'has not run' not in found.record['fixes'][-1]['why_this_rank']
    assert found.record['confidence'] < diagnose.PROBE_BELOW
    probes = [fix for fix in found.record['fixes'] if fix['kind'] == 'probe']
    patch = found.patches[probes[0]['id']].decode('utf-8')
    assert len(probes) == 1 and probes[0]['changed_lines'] <= 12
    assert patch.count('; raise\n') == patch.count('try: ') >= 2
    tried = [{'id': probes[0]['id'], 'pattern': found.record['pattern'], 'template': 'probe', 'decision': 'PROBED',
              'evidence': True, 'probed': probes[0]['probed'], 'time': LATER}]
    said = 'probe: line 5 raised (%s)' % probes[0]['probed']['version']
    assert said in patch

    spoken = broken + [(19, 'hello', 6, text), (23, 'hello', 6, text), (17, said, 7, 'raise')]
    settled = diagnosed_log(tmpdir, PROBED, spoken, tried)
    assert settled.record['divergence_point']['candidates'][0]['line'] == 5 and settled.record['confidence'] > 0.95
    assert settled.record['divergence_point']['source'] == 'same'
    assert settled.record['fixes'] and all(fix['kind'] == 'fix' and fix['line'] == 5 for fix in settled.record['fixes'])
    older = diagnosed_log(tmpdir, PROBED + '# a newer version\n', spoken, tried)       # where line 5 may be another one
    assert older.record['confidence'] == found.record['confidence']


def test_a_probe_that_stays_silent_counts_against_the_lines_that_it_watched(tmpdir):
    broken = [(17, 'hello', 6, 'pass                # of an older version, so the line tells nothing')]
    found = diagnosed_log(tmpdir, PROBED, broken)
    lines = [row['line'] for row in found.record['divergence_point']['candidates']]
    probe, = [fix for fix in found.record['fixes'] if fix['kind'] == 'probe']
    assert sorted(lines) == [4, 5, 6] == probe['probed']['lines']
    tried = {'id': probe['id'], 'pattern': found.record['pattern'], 'template': 'probe', 'decision': 'PROBED',
             'evidence': True, 'probed': dict(probe['probed'], lines=[4, 5]), 'time': LATER}

    two_silent = diagnosed_log(tmpdir, PROBED, broken, [tried])
    assert two_silent.record['divergence_point']['candidates'][0]['line'] == 6
    assert two_silent.record['confidence'] > .8
    assert 'a probe watched lines 4 and 5, and none of them failed' in ' '.join(two_silent.record['evidence_against'])
    assert all(fix['kind'] == 'fix' and fix['line'] == 6 for fix in two_silent.record['fixes'])

    all_silent = diagnosed_log(tmpdir, PROBED, broken, [dict(tried, probed=probe['probed'])])
    assert not all_silent.record['fixes'] and 'watched lines 4, 5 and 6' in all_silent.record['no_fix_because']

    for nothing_learned in (dict(tried, evidence=False), dict(tried, probed=None), dict(tried, time='2001-02-03T04:05:06Z'),
                            dict(tried, probed=dict(probe['probed'], version='of another'))):
        again = diagnosed_log(tmpdir, PROBED, broken, [nothing_learned])
        assert again.record['fixes'][-1]['id'] == probe['id'], nothing_learned


def test_a_probe_does_not_watch_what_the_code_catches_itself(tmpdir):
    source = PROBED + "  try:\n    metadata.studio = boat.fourth['name']\n  except KeyError:\n    pass\n"
    broken = [(17, 'hello', 10, 'pass                # of an older version, so the line tells nothing')]
    found = diagnosed_log(tmpdir, source, broken)
    probe, = [fix for fix in found.record['fixes'] if fix['kind'] == 'probe']
    assert probe['probed']['lines'] == [4, 5, 6]


HEADERS = """def fill(metadata, boat):
    title = 'none'
    if boat.get('kind'):
        title = 'kind'
    elif boat['name'] == 'Ann':
        title = 'Ann'
    while boat['crew']:
        title += boat['crew'].pop()
    with room(boat['yard']) as room_there:
        title += room_there
    for one in parts_of(boat['parts']):
        title += one
    metadata.title = title
"""


@pytest.mark.parametrize('missing', ['name', 'yard', 'parts', None])
def test_a_probe_watches_headers_and_changes_nothing_else(missing, tmpdir):
    source = diagnose.Source(HEADERS.encode('utf-8'), 'Contents/Code/__init__.py')
    function = source.functions_named('fill')[0]
    frame_there = diagnose.Frame('Contents/Code/__init__.py', 'fill', [13], {}, [GETITEM], [])
    row = pattern('KeyError', "'%s'" % missing, [])
    places = [diagnose.Place(node, node.test if node.kind in ('If', 'While') else node.iter if node.kind == 'For' else
                             node.context_expr, node.line, 0.25, [], '') for node in diagnose.statements(function)
              if node.kind in ('If', 'While', 'With', 'For') and node.line > 3]
    bundle = diagnose.find_bundles(make_plug_ins(tmpdir, HEADERS))[AGENT]
    scene = diagnose.Scene(row, bundle, [], source, frame_there, function, places)
    record, patch = diagnose.probe_for(scene)
    assert record['probed']['lines'] == [5, 9, 11]
    (_, hunks), = diagnose.parse_patch(patch)
    patched = diagnose.patched(source.data, hunks, 'x').decode('utf-8')
    outcomes = []
    for text in (HEADERS, patched):
        said, boat = [], {'name': 'Ann', 'crew': ['b', 'c'], 'yard': 'y', 'parts': 'pq'}
        boat.pop(missing, None)
        names = {'Log': said.append, 'parts_of': list, 'room': Room}
        exec(compile(text, 'agent', 'exec'), names)
        metadata = Room('')
        try:
            names['fill'](metadata, boat)
        except KeyError as error:
            said.append(str(error))
        outcomes.append((metadata.__dict__, said[-1:], said[:-1]))
    assert outcomes[0][:2] == outcomes[1][:2]
    line = {'name': 5, 'yard': 9, 'parts': 11}.get(missing)
    assert [one.split(' raised')[0] for one in outcomes[1][2]] == (['probe: line %d' % line] if line else [])


@pytest.mark.parametrize('missing, line', [('crew', 2), ('parts', 4), ('yard', None)])
def test_a_probe_asks_what_a_loop_goes_through(missing, line, tmpdir):
    text = ("def fill(boat):\n  for one in boat['crew']:\n    one.strip()\n  for one in parts_of(boat,\n"
            "                      'parts'):\n    one.strip()\n  boat['yard'].strip()\n")
    source = diagnose.Source(text.encode('utf-8'), 'Contents/Code/__init__.py')
    function, message = source.functions_named('fill')[0], "'NoneType' object has no attribute '__iter__'"
    row = pattern('AttributeError', message, [])
    places = [diagnose.Place(node, node, node.line, 0.4, [], message) for node in function.body[:2]]
    scene = diagnose.Scene(row, diagnose.find_bundles(make_plug_ins(tmpdir, text))[AGENT], [], source, diagnose.Frame(
        'Contents/Code/__init__.py', 'fill', [7], {}, [], []), function, places)
    (_, hunks), = diagnose.parse_patch(diagnose.probe_for(scene)[1])
    said, boat = [], {'crew': ['Ann'], 'parts': [], 'yard': 'y'}
    boat[missing] = None
    names = {'Log': said.append, 'parts_of': dict.get}
    exec(compile(diagnose.patched(source.data, hunks, 'x').decode('utf-8'), 'agent', 'exec'), names)
    with pytest.raises((TypeError, AttributeError)):
        names['fill'](boat)
    assert [one.split(' raised')[0] for one in said] == (['probe: line %d' % line] if line else [])


class Room(object):
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self.name

    def __exit__(self, *_):
        pass


def test_no_probe_in_a_plug_in_that_logs_no_information(tmpdir):
    broken = [(17, 'hello', 6, 'pass                # of an older version, so the line tells nothing')]
    terse = PLIST.replace('<dict>', '<dict><key>PlexPluginLogLevel</key><string>Error</string>')
    for plist, probes in ((PLIST, 1), (terse, 0)):
        record = diagnosed_log(tmpdir, PROBED, broken, plist=plist).record
        assert len([fix for fix in record['fixes'] if fix['kind'] == 'probe']) == probes


def test_lines_that_a_patch_of_ours_has_moved_are_left_out(tmpdir):
    row = missing_motto()
    patched = [{'line': 31, 'text': 'a line of the patch', 'start': '2026-11-21T10:00:00Z', 'count': 3}]
    at_first = look(row, tmpdir).record
    row['own_frames'][-1]['reported_lines'] += patched
    then = look(row, tmpdir).record
    assert then['divergence_point']['source'] == 'same' and then['confidence'] == at_first['confidence']
    assert 'bundle was changed' not in ' '.join(then['evidence_against'])


# --------------------------------------------------------------------------------------------------------- the command
def run_script(*arguments):
    process = subprocess.Popen([sys.executable, os.path.join(ROOT, 'diagnose_from_report.py')] + list(arguments),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, error = process.communicate()
    return process.returncode, out.decode('utf-8'), error.decode('utf-8')


def start_run(tmpdir, *patterns):
    run_dir = tmpdir.join('run').ensure(dir=True)
    logs.write_json(logs.aggregate_path(str(run_dir), 1), document(*patterns), logs.AGGREGATE_SCHEMA)
    return str(run_dir), make_plug_ins(tmpdir)


def test_the_command_writes_the_report_and_the_patches(tmpdir):
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    code, out, error = run_script('--run-dir', run_dir, '--plug-ins', plug_ins)
    assert (code, error) == (0, '') and all(len(line) <= 80 for line in out.splitlines()[:-1])
    report = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))
    fix = report['patterns'][0]['fixes'][0]
    assert os.path.exists(os.path.join(run_dir, fix['patch']))
    with io.open(diagnose.diagnosis_path(run_dir, '.md'), encoding='utf-8') as source:
        text = source.read()
    assert not re.search(r'^(```|~~~|    |\t)', text, re.M)
    assert [heading for heading in re.findall(r'^### (\d)', text, re.M)] == list('123456')
    assert report['patterns'][0]['test_plan'] == {
        'mode': 'refresh', 'items': missing_motto()['items'], 'possible': [],
        'healthy': [{'guid': '%s://97' % AGENT, 'rating_key': '97'}]}


@pytest.mark.parametrize('evidence', [[], ['it is so']])
def test_advice_stands_one_line_below_what_is_there(evidence):
    lines = diagnose.cause_text({'hypothesis': 'h', 'cause': [], 'divergence_point': None, 'count': 1, 'evidence': evidence,
                                 'evidence_against': [], 'advice': 'look'})
    assert lines == ['h', ''] + (['- for: it is so', ''] if evidence else []) + ['What to do: look.']


def test_a_folder_without_any_bundle_is_most_likely_the_wrong_one(tmpdir):
    run_dir, _ = start_run(tmpdir, missing_motto())
    code, out, error = run_script('--run-dir', run_dir, '--plug-ins', str(tmpdir.mkdir('empty')))
    assert (code, out) == (4, '') and 'no bundle is in' in error and error.count('\n') == 1


def test_no_fix_for_any_pattern_is_exit_6(tmpdir):
    run_dir, plug_ins = start_run(tmpdir, pattern('HTTPError', 'HTTP Error 403: Forbidden', [frame('fill', 23)]))
    assert run_script('--run-dir', run_dir, '--plug-ins', plug_ins, '--quiet')[:2] == (6, '')


def test_the_report_of_an_earlier_iteration_is_kept(tmpdir):
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    run_script('--run-dir', run_dir, '--plug-ins', plug_ins)
    os.rename(logs.aggregate_path(run_dir, 1), logs.aggregate_path(run_dir, 2))
    run_script('--run-dir', run_dir, '--plug-ins', plug_ins, '--iteration', '2')
    assert os.path.exists(os.path.join(run_dir, 'diagnostic_report_iteration_1.json'))
    assert os.path.exists(os.path.join(run_dir, 'diagnostic_report_iteration_1.md'))
    assert diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))['iteration'] == 2


def test_without_an_aggregate_one_sentence_says_what_to_do(tmpdir):
    code, out, error = run_script('--run-dir', str(tmpdir), '--plug-ins', str(tmpdir))
    assert code == 4 and error.count('\n') == 1 and 'aggregate_plex_logs.py' in error


def test_adopt_takes_a_persons_patch(tmpdir):
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    run_script('--run-dir', run_dir, '--plug-ins', plug_ins)
    changed = SOURCE.replace("boat['motto']", "boat.get('motto') or ''")
    patch = tmpdir.join('my.patch')
    patch.write_binary(diagnose.unified_diff(CODE, SOURCE.encode('utf-8'), changed.encode('utf-8')))
    code, out, error = run_script('--run-dir', run_dir, '--plug-ins', plug_ins, '--adopt', str(patch), '--pattern',
                                  'p1-harbour')
    assert (code, error) == (0, '')
    fix = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))['patterns'][0]['fixes'][0]
    assert fix['kind'] == 'adopted' and fix['id'] in out
    assert os.path.exists(os.path.join(run_dir, fix['patch']))


@pytest.mark.parametrize('change, word', [
    (lambda text: text.replace("boat['motto']", 'boat._motto'), 'refused'),
    (lambda text: text.replace("boat['motto']", 'boat[['), 'refused'),
])
def test_adopt_refuses_what_would_not_load(tmpdir, change, word):
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    run_script('--run-dir', run_dir, '--plug-ins', plug_ins)
    patch = tmpdir.join('my.patch')
    patch.write_binary(diagnose.unified_diff(CODE, SOURCE.encode('utf-8'), change(SOURCE).encode('utf-8')))
    code, out, error = run_script('--run-dir', run_dir, '--plug-ins', plug_ins, '--adopt', str(patch), '--pattern',
                                  'p1-harbour')
    assert code == 5 and word in error and error.count('\n') == 1


def test_adopt_refuses_what_does_not_fit_or_lies_outside(tmpdir):
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    run_script('--run-dir', run_dir, '--plug-ins', plug_ins)
    for text in ('--- a/%s\n+++ b/%s\n@@ -1,1 +1,1 @@\n-import os\n+import sys\n' % (CODE, CODE),
                 '--- a/../x.py\n+++ b/../x.py\n@@ -1,1 +1,1 @@\n-a\n+b\n', 'no patch at all\n'):
        patch = tmpdir.join('my.patch')
        patch.write(text)
        code, out, error = run_script('--run-dir', run_dir, '--plug-ins', plug_ins, '--adopt', str(patch),
                                      '--pattern', 'p1-harbour')
        assert code == 5 and error.count('\n') == 1


# ------------------------------------------------------------------------- patches as people have them
ADOPTED = SOURCE.replace("boat['motto']", "boat.get('motto') or ''")


def diff_of(after=ADOPTED, path=CODE, **more):
    lines = [text.splitlines(True) for text in (more.pop('before', SOURCE), after)]
    return ''.join(difflib.unified_diff(lines[0], lines[1], more.pop('old', 'a/' + path), more.pop('new', 'b/' + path),
                                        **more)).encode('utf-8')


def as_mail(patch):
    """What git format-patch writes around a patch."""
    return (b'From 0123 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: [PATCH] Motto\n\n- a list\n---\n'
            b' x.py | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\ndiff --git a/x b/x\nindex 1..2 100644\n'
            + patch + b'-- \n2.39.2\n\n')


def without_blanks(patch):
    return b'\n'.join(line.rstrip() if line == b' ' else line for line in patch.split(b'\n'))


PATCHES = {
    'git': diff_of(), 'plain': diff_of(old=CODE + '.orig\t2020-01-01', new=CODE + '\t2020-01-02'),
    'mail': as_mail(diff_of()), 'mnemonic': diff_of(old='i/' + CODE, new='w/' + CODE),
    'crlf': diff_of().replace(b'\n', b'\r\n'), 'utf-16': diff_of().decode('utf-8').encode('utf-16'),
    'marked': b'\xef\xbb\xbf' + diff_of(), 'pasted': diff_of().rstrip(b'\n'), 'blanks': without_blanks(diff_of()),
    'in the bundle': diff_of(path='Contents/Code/__init__.py'), 'in Contents': diff_of(path='Code/__init__.py'),
    'in Code': diff_of(old='__init__.py', new='__init__.py'), 'absolute': diff_of(old='/srv/old/' + CODE, new='/srv/' + CODE),
    'windows': diff_of(new='C:\\Plug-ins\\' + CODE.replace('/', '\\')), 'no context': diff_of(n=0),
    'moved': diff_of('# one\n' + ADOPTED, before='# one\n' + SOURCE)}


def adopt(tmpdir, patch, capsys):
    """(exit code, stderr, what the adopted patch makes of the file)."""
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    words = ['--run-dir', run_dir, '--plug-ins', plug_ins]
    assert diagnose.main(words + ['--quiet']) == 0
    tmpdir.join('my own.patch').write_binary(patch)
    code = diagnose.main(words + ['--adopt', str(tmpdir.join('my own.patch')), '--pattern', 'p1-harbour'])
    out, error = capsys.readouterr()
    made = None
    if code == 0:
        fix = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))['patterns'][0]['fixes'][0]
        assert fix['kind'] == 'adopted' and fix['id'] in out
        with io.open(os.path.join(run_dir, fix['patch']), 'rb') as source:
            (path, hunks), = diagnose.parse_patch(source.read())
        assert path == CODE
        made = diagnose.patched(SOURCE.encode('utf-8'), hunks, path).decode('utf-8')
        assert diagnose.sha256(made.encode('utf-8')) == fix['files'][0]['sha256_after']
    return code, error, made


@pytest.mark.parametrize('name', sorted(PATCHES))
def test_a_persons_patch_is_taken_however_it_was_made(tmpdir, name, capsys):
    assert adopt(tmpdir, PATCHES[name], capsys) == (0, '', ADOPTED)


@pytest.mark.parametrize('patch, words', [
    (diff_of(old='/dev/null', path='Harbour.bundle/Contents/Code/new.py'), 'makes'),
    (diff_of(new='/dev/null'), 'removes'), (diff_of(path='Harbour.bundle/Contents/Code/new.py'), 'is none of'),
    (b'diff --git a/x b/y\nrename from x\nrename to y\n' + diff_of(), 'renames'),
    (diff_of('{}\n', before='[]\n', path='Harbour.bundle/Contents/DefaultPrefs.json'), 'is none of'),
    (diff_of(path='Harbour.bundle/Contents/Code/../../../../x.py'), 'is none of'),
    (diff_of(path='Other.bundle/Contents/Libraries/x.py'), 'is none of'),
    (diff_of(SOURCE), 'changes nothing'), (diff_of()[:-40] + b'@@ -1,9 +1,9 @@\n-x\n', 'damaged'),
    (diff_of(ADOPTED.replace("boat['story']", 'old'), before=SOURCE.replace("boat['story']", 'old')), 'does not fit'),
    (diff_of('# one\n' + ADOPTED, before='# one\n' + SOURCE, n=0), 'does not fit'),
    (b'\x00\xff' * 99, 'changes nothing'), (b'', 'changes nothing'),
])
def test_what_is_no_change_of_the_agents_files_is_refused_in_one_sentence(tmpdir, patch, words, capsys):
    code, error, _ = adopt(tmpdir, patch, capsys)
    assert code == 5 and words in error and error.count('\n') == 1, error


def test_a_patch_for_what_a_fix_in_place_has_ended_is_refused_with_that_fix(tmpdir, capsys):
    assert adopt(tmpdir, diff_of(), capsys)[0] == 0
    run_dir = str(tmpdir.join('run'))
    found = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))
    found.update(patterns=[], ended=[{'pattern': 'p1-harbour', 'agent': AGENT, 'exception': 'KeyError', 'fix': 'none-guard-7'}])
    logs.write_json(diagnose.diagnosis_path(run_dir), found, diagnose.DIAGNOSIS_SCHEMA)
    assert diagnose.main(['--run-dir', run_dir, '--plug-ins', str(tmpdir.join('Plug-ins')), '--adopt', str(tmpdir.join(
        'my own.patch')), '--pattern', 'p1-harbour']) == 2
    assert 'since fix none-guard-7 for it is in place; take that one out' in capsys.readouterr()[1]


def test_the_line_ends_of_a_file_are_kept_whatever_those_of_the_patch():
    before, after = b'a\r\nb\r\nc\r\n', b'a\r\nB\r\nc\r\n'
    patch = diagnose.unified_diff('x', before, after)
    for ends in (patch, patch.replace(b'\r\n', b'\n')):
        (_, hunks), = diagnose.parse_patch(ends)
        assert diagnose.patched(before, hunks, 'x') == after


def test_a_name_that_git_wrote_in_octal_is_read():
    assert diagnose.path_in_patch(b'+++ "b/Caf\\303\\251.bundle/a \\"b\\".py"\n') == 'Caf\xe9.bundle/a "b".py'


def processor_seconds():
    """What this process has used: other processes of a busy machine do not count."""
    return (getattr(time, 'process_time', None) or time.clock)()


def test_two_hundred_patterns_over_two_hundred_modules_take_under_ten_seconds(tmpdir):
    plug_ins = make_plug_ins(tmpdir)
    code = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code')
    rows = []
    for number in range(200):
        code.join('yard%d.py' % number).write(SOURCE)
        name = 'Harbour.bundle/Contents/Code/yard%d.py' % number
        row = pattern(frames=[frame('fill', line_of("boat['motto']"), callees=[GETITEM], file=name)])
        row['pattern'] = 'p1-%d' % number
        rows.append(row)
    bundles = diagnose.find_bundles(plug_ins)
    whole = document(*rows)
    start = processor_seconds()
    fixed = sum(bool(diagnose.diagnose(row, whole, bundles, []).record['fixes']) for row in rows)
    assert fixed == 200 and processor_seconds() - start < 10


MODULE = """def one(row):
  title = row['name'].strip()
  return {'name': title, 'year': row['year']}

def two(row):
  found = {'name': row['name'], 'year': row['year']}
  return {'year': found['name'], 'name': found['year']}
"""


@pytest.mark.parametrize('modules, times', [(20, 1), (1, 20)])
def test_keys_that_all_of_a_bundle_uses_are_not_followed_from_each_use_to_each_other(tmpdir, monkeypatch, modules,
                                                                                     times):
    make_plug_ins(tmpdir)
    code, real, counted = tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code'), diagnose.effect, []
    for number in range(modules):
        code.join('yard%d.py' % number).write(''.join(MODULE.replace('one', 'one%d' % at) for at in range(times)))
    row = pattern('AttributeError', "'NoneType' object has no attribute 'strip'", [
        frame('one0', 2, file='Harbour.bundle/Contents/Code/yard0.py', source=MODULE)])
    monkeypatch.setattr(diagnose, 'effect', lambda *given: counted.append(1) or real(*given))
    found = diagnose.diagnose(row, document(row), diagnose.find_bundles(str(tmpdir.join('Plug-ins'))), [])
    assert found.record['fixes'] and len(counted) < 5000, len(counted)     # (all with all: tens of thousands)


def test_a_module_that_only_holds_the_same_words_is_not_read(tmpdir, monkeypatch):
    plug_ins, real, read = make_plug_ins(tmpdir), diagnose.parsed, []
    for number in range(5):
        tmpdir.join('Plug-ins', 'Harbour.bundle', 'Contents', 'Code', 'yard%d.py' % number).write(
            "def look%d(page):\n  node = PAGE.find(page)\n  return node.text\n" % number)
    row = pattern('AttributeError', "'NoneType' object has no attribute 'text'", [
        frame('look3', 3, 'return node.text', file='Harbour.bundle/Contents/Code/yard3.py')])
    monkeypatch.setattr(diagnose, 'parsed', lambda data, name: read.append(name) or real(data, name))
    found = diagnose.diagnose(row, document(row), diagnose.find_bundles(plug_ins), [])
    assert found.record['fixes'] and read == ['Contents/Code/yard3.py']


def test_json_goes_to_stdout(tmpdir):
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    code, out, error = run_script('--run-dir', run_dir, '--plug-ins', plug_ins, '--json')
    assert code == 0 and json.loads(out)['patterns'][0]['class'] == 'code'


def test_a_pattern_whose_fix_is_in_place_waits_for_what_that_brings():
    rows = [{'id': 'a', 'pattern': 'p', 'decision': 'ROLLBACK', 'time': '1'},
            {'id': 'b', 'pattern': 'p', 'decision': 'MONITOR', 'time': '2'}]
    assert diagnose.standing_fix(rows, 'p')['id'] == 'b'
    assert diagnose.standing_fix(rows, 'other') is None
    assert diagnose.standing_fix(rows + [dict(rows[1], decision='ROLLBACK')], 'p') is None


# -------------------------------------------------------------------------------- what the agent caught and logged itself
CATCHING = """class HarbourAgent(Agent.Movies):
  name = 'Harbour'

  def update(self, metadata, media, lang):
    boat = JSON.ObjectFromURL('http://boats.example/boat/' + metadata.id)
    metadata.title = boat['title']
    try:
      self.details(metadata, boat)
    except Exception as problem:
      Log.Error('Could not read the details of %s: %s' % (metadata.id, problem))
    if not metadata.posters:
      Log.Error('There is no picture of boat {}'.format(metadata.id))
    try:
      metadata.studio = boat['yard']
      metadata.tagline = boat['motto']
    except:
      Log.Error('The words of the boat are lost')
    try:
      metadata.summary = boat['story'].strip()
      metadata.rating = float(boat['stars'])
    except:
      Log.Error('No story of the boat: %s' % traceback.format_exc())
    try:
      metadata.year = boat['years'][0]
    except:
      Log.Exception('No year of the boat')

  def details(self, metadata, boat):
    launched = re.search('([0-9]{4})', boat['launched']).group(1)
    metadata.originally_available_at = Datetime.ParseDate(launched)
    for person in boat['crew']:
      metadata.directors.add(person['name'])
"""


def told(text, number=19, **more):
    more.setdefault('messages', [{'text': text, 'count': number}])
    return pattern('', text, kind='log', wrapper='', **more)


def test_an_error_in_one_line_is_followed_into_what_was_tried(tmpdir):
    text = "Could not read the details of 4711: 'NoneType' object has no attribute 'group'"
    found = look(told(text), tmpdir, CATCHING)
    point = found.record['divergence_point']
    assert (point['function'], point['candidates'][0]['line']) == ('details', line_of('launched = ', CATCHING))
    assert found.record['class'] == 'code' and found.record['fixes'] and found.record['message'] == text
    assert any('caught it and wrote this line' in sentence for sentence in found.record['evidence'])


@pytest.mark.parametrize('tail, line', [("'crew'", "boat['crew']"), ("'launched'", "boat['launched']")])
def test_a_missing_key_in_one_line_is_known_by_where_the_error_stands(tmpdir, tail, line):
    at_top = "\ntry:\n  import moorings\nexcept ImportError as e:\n  note('no moorings', e)\n"    # in no function
    found = look(told('Could not read the details of 4711: ' + tail), tmpdir, CATCHING + at_top)
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of(line, CATCHING)


def test_an_outage_in_one_line_is_upstream(tmpdir):
    found = look(told('Could not read the details of 4711: HTTP Error 503: Service Unavailable'), tmpdir, CATCHING)
    assert found.record['class'] == 'upstream' and found.patches == {}


def test_a_check_of_the_agents_own_is_no_error_to_mend(tmpdir):
    found = look(told('There is no picture of boat 4711'), tmpdir, CATCHING)
    assert found.patches == {} and found.record['divergence_point']['candidates'][0]['line'] == line_of(
        'There is no picture', CATCHING)
    assert 'itself reports this' in found.record['no_fix_because'] and found.record['class'] == 'data'


NO_PICTURE = "Log.Error('There is no picture of boat {}'.format(metadata.id))\n"


@pytest.mark.parametrize('source', [
    CATCHING.replace(NO_PICTURE, 'pass\n').replace("Log.Exception('No year of the boat')", 'self.fail(metadata)') +
    '\n  def fail(self, metadata):\n    ' + NO_PICTURE,
    CATCHING.replace('    if not metadata.posters:', '    try: x = boat["x"]\n    except KeyError: x = None\n    if not x:'),
    CATCHING.replace('    for person', '    try: x = boat["x"]\n    except KeyError: return\n    for person')])
def test_a_check_behind_an_except_that_says_nothing_stays_a_defect_of_the_code(tmpdir, source):
    found = look(told('There is no picture of boat 4711'), tmpdir, source)
    assert found.patches == {} and found.record['class'] == 'code'
    assert any('can hide the error behind it' in sentence for sentence in found.record['evidence'])


def test_an_error_that_is_not_named_is_only_narrowed_down(tmpdir):
    found = look(told('The words of the boat are lost'), tmpdir, CATCHING)
    assert found.patches == {}
    assert 'lines %d to %d' % (line_of("boat['yard']", CATCHING), line_of("boat['motto']", CATCHING)) in \
        found.record['no_fix_because']


def test_words_of_somebody_else_are_not_looked_for_in_the_code(tmpdir):
    found = look(told('Something quite different went wrong'), tmpdir, CATCHING)
    assert found.record['divergence_point'] is None and found.patches == {}


def test_a_traceback_that_the_agent_logged_arose_where_it_was_caught(tmpdir):
    """metadata.title stands first, but an error there would have reached the framework."""
    row = pattern('KeyError', "'title'", [frame('update', line_of('No year of the boat', CATCHING), callees=[GETITEM],
                                                source=CATCHING)], kind='log', wrapper='')
    for name, line in (('title', "boat['title']"), ('story', "boat['story']")):
        row = dict(row, message="'%s'" % name)
        found = look(row, tmpdir.mkdir(name), CATCHING)
        sure = [one['confidence'] for one in found.record['divergence_point']['candidates']]
        assert found.record['divergence_point']['candidates'][0]['line'] == line_of(line, CATCHING), sure
    row = dict(row, exception='AttributeError', message="'NoneType' object has no attribute '__getitem__'",
               exemplars=[{'text': '2026-11-20 21:00:06,318 (7f4c) :  ERROR (__init__:21) - No year of the boat (most '
                                   'recent call last):'}])
    found = look(row, tmpdir.mkdir('none'), CATCHING)
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of("boat['years']", CATCHING)


def test_a_quoted_line_is_found_where_it_stands_now(tmpdir):
    """Two lines can have raised it; the log quotes the second, which has moved since."""
    source = CATCHING.replace("  name = 'Harbour'\n", "  name = 'Harbour'\n  version = 3\n\n")
    frames = [frame('details', line_of("person['name']", CATCHING), callees=[GETITEM], source=CATCHING)]
    row = pattern('AttributeError', "'NoneType' object has no attribute '__getitem__'", frames)
    found = look(row, tmpdir, source)
    assert found.record['divergence_point']['source'] == 'moved'
    assert found.record['divergence_point']['candidates'][0]['line'] == line_of("person['name']", source)


def test_what_a_patch_itself_logs_is_known_by_its_fixed_words():
    patch = b"""--- a/A.bundle/Contents/Code/__init__.py
+++ b/A.bundle/Contents/Code/__init__.py
@@ -1,3 +1,5 @@
 Log('No title')
-    self.Log('Studio: %s', name)
+    try: self.Log('Studio: %s', name)
+    except KeyError as error: Log('No studio: %r' % error)
+        Log.Info('No title'); Log("nothing was found")
+        Log('%s', name)
"""
    assert diagnose.words_logged(patch) == ['No studio: ', 'nothing was found']


@pytest.mark.parametrize('name, count, left', [
    ('GUARDS', 1, True), ('guarded_ways', 1, False), ('mend', 1, False), ('judge', 0, False)])
def test_a_bug_in_a_rule_costs_that_rule_and_looks_like_a_bug(tmpdir, monkeypatch, capsys, name, count, left):
    def fails(*_words):
        raise ZeroDivisionError('of our own')
    run_dir, plug_ins = start_run(tmpdir, missing_motto())
    words = ['--run-dir', run_dir, '--plug-ins', plug_ins, '--quiet']
    monkeypatch.setattr(diagnose, name, (fails,) + tuple(diagnose.GUARDS) if name == 'GUARDS' else fails)
    assert diagnose.main(words) == logs.INCOMPLETE
    del diagnose.BUGS[:]
    err = capsys.readouterr()[1]
    assert 'Traceback' in err and 'of our own' in err and 'report the bug' in err.splitlines()[-1]
    found = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))['patterns']
    assert len(found) == count and [bool(row['fixes']) for row in found] == [left] * count
    assert all(row['fixes'] or row['no_fix_because'] == diagnose.OWN_BUG for row in found)


@pytest.mark.parametrize('top, count', [([], 12), (['--top', '11'], 11)])
def test_what_cannot_be_mended_hides_neither_what_can_nor_what_it_follows_from(tmpdir, top, count):
    others = [dict(pattern('HTTPError', 'HTTP Error 503: Service Unavailable'), pattern='p1-%02d' % number)
              for number in range(12)]
    follows = pattern(None, 'Error received reading configuration for %s' % AGENT, pattern='p1-pipe', kind='server', wrapper=None)
    cause = pattern('ImportError', 'No module named anchors', pattern='p1-load', kind='load', items=0)
    run_dir, plug_ins = start_run(tmpdir, *([follows] + others + [cause, missing_motto()]))
    diagnose.main(['--run-dir', run_dir, '--plug-ins', plug_ins, '--quiet'] + top)
    found = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))['patterns']
    assert len(found) == count and 'p1-load first' in found[0]['advice']
    assert top or [row['pattern'] for row in found[-2:]] == ['p1-load', 'p1-harbour'] and found[-1]['fixes']


def test_a_rule_without_an_end_costs_its_pattern_only(tmpdir, monkeypatch, capsys):
    def endless(case, found):
        while case.message == "'motto'":
            pass
        return ()
    other = dict(pattern(message="'launched'", frames=[frame('update', line_of('self.fill(metadata')),
                                                   frame('fill', line_of("boat['launched']"), callees=[GETITEM])]),
                 pattern='p1-other')
    run_dir, plug_ins = start_run(tmpdir, missing_motto(), other)
    monkeypatch.setattr(diagnose, 'SPECIAL_WAYS', (('', endless),) + diagnose.SPECIAL_WAYS)
    monkeypatch.setattr(diagnose, 'LONGEST_SEARCH', 1)
    assert diagnose.main(['--run-dir', run_dir, '--plug-ins', plug_ins, '--quiet']) == logs.INCOMPLETE
    del diagnose.BUGS[:]
    assert 'pattern p1-harbour: no end after 1 s' in capsys.readouterr()[1]
    first, second = diagnose.read_diagnosis(diagnose.diagnosis_path(run_dir))['patterns']
    assert first['fixes'] == [] and first['no_fix_because'] == diagnose.TOO_LONG and second['fixes']


BOXES = """
from time import strftime

def update(metadata, page):
  walk(metadata, page)

def walk(metadata, node):
  for child in node:
    if child.tag == 'box':
      walk(metadata, child)
    else:
      wide, high = [int(x) for x in child.get('size', '').split('x')]
      metadata.genres.add(wide)

def day(stamp):
  return strftime('%Y', float(stamp))

def boat(ask, number):
  row = ask(number)
  return row[3] + row[4]

def split(line):
  head, tail = line.split(':')
  head = head.strip()
  return head, tail
"""


def test_a_function_that_calls_itself_is_mended_where_the_innermost_call_failed(tmpdir):
    inner = frame('walk', line_of('walk(metadata, child)', BOXES), source=BOXES)
    inner['reported_lines'] += frame('walk', line_of('wide, high', BOXES), source=BOXES)['reported_lines']
    found = look(pattern('ValueError', 'need more than 1 value to unpack', [
        frame('update', line_of('  walk(metadata, page)', BOXES), source=BOXES), inner]), tmpdir, BOXES).record
    assert [row['line'] for row in found['divergence_point']['candidates']] == [line_of('wide, high', BOXES)]
    assert found['fixes'][0]['line'] == line_of('wide, high', BOXES)


def test_a_function_does_not_call_itself_where_it_calls_a_method_of_its_name(tmpdir):
    lines = frame('split', line_of("line.split(':')", BOXES), source=BOXES)
    lines['reported_lines'] += frame('split', line_of('head = head.strip', BOXES), source=BOXES)['reported_lines']
    found = look(pattern('ValueError', 'too many values to unpack', [lines]), tmpdir, BOXES).record
    assert found['divergence_point']['candidates'][0]['line'] == line_of("line.split(':')", BOXES)
    assert not any('too high' in sentence for sentence in found['evidence'])


def test_strftime_may_stand_alone(tmpdir):
    del diagnose.BUGS[:]
    assert look(pattern('ValueError', 'could not convert string to float: ', [
        frame('day', line_of('return strftime', BOXES), source=BOXES)]), tmpdir, BOXES).record['fixes']
    assert not diagnose.BUGS


def test_who_calls_what_asks_a_dict_for_its_parts_by_number_does_not_go_on_without(tmpdir):
    source = BOXES.replace('  walk(metadata, page)', '  metadata.title = boat(page.ask, 7)')
    assert look(pattern('KeyError', '3', [
        frame('update', line_of('boat(page.ask', source), source=source),
        frame('boat', line_of('row[3]', source), callees=[GETITEM], source=source)]), tmpdir, source).record['fixes'] == []
