# -*- coding: utf-8 -*-
"""What the aggregator makes of logs: grammar, fingerprints, items, windows, rotations, odd input, what it writes."""
from __future__ import absolute_import, division, print_function, unicode_literals

import base64
import errno
import gzip
import io
import json
import os
import subprocess
import sys
import time
import zipfile

import pytest

import aggregate_plex_logs as logs

AGENT = 'com.plexapp.agents.example'
BUNDLE = '/var/lib/plexmediaserver/Library/Application Support/Plex Media Server/Plug-ins/Example.bundle/Contents/Code/'
FRAMEWORK = ('/usr/lib/plexmediaserver/Resources/Plug-ins-%s/Framework.bundle/Contents/Resources/Versions/2/Python/'
             'Framework/')
# the arguments of _AgentKit:UpdateMetadata for com.plexapp.agents.example://4711?lang=en, item 42 (PLEX.md 4)
PAYLOAD = ('Y2VyZWFsMQoxCmRpY3QKMTAKczIKZW5zNApsYW5nYjFzNQpmb3JjZWIwczgKcGVyaW9kaWNzMgo0MnM0CmRiaWRpMApzNwp2ZXJzaW9ubn'
           'MxMApwYXJlbnRHVUlEbnM4'
           'CnBhcmVudElEczUKTW92aWVzMTAKbWVkaWFfdHlwZXM0MQpjb20ucGxleGFwcC5hZ2VudHMuZXhhbXBsZTovLzQ3MTE@bGFuZz1lbnM0Cm'
           'd1aWRzNAo0NzExczIKaWRyMAo_')
GUID = 'com.plexapp.agents.example://4711?lang=en'


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv(str('TZ'), str('UTC'))
    if hasattr(logs.time, 'tzset'):
        logs.time.tzset()


def record(second, text, level='DEBUG', place='runtime:717', thread='7f4ccbff8b38', minute=14):
    return '2026-02-03 21:%02d:%02d,318 (%s) :  %s (%s) - %s\n' % (minute, second, thread, level, place, text)


def traceback_record(second, function='fill', line=120, error="KeyError: 'title'", build='c67dce28e',
                     source="title = page['title']",
                     guid=GUID, place='agentkit:1095', own=BUNDLE, thread='7f4ccbff8b38', minute=14):
    return record(second, "Exception in the update function of agent named 'Example', called with guid '%s' (most "
                          "recent call last):\n"
                  '  File "%sapi/agentkit.py", line 1093, in _update\n'
                  '    agent.update(obj, media, lang, **kwargs)\n'
                  '  File "%s__init__.py", line 88, in update\n'
                  '    self.fill(metadata, page)\n'
                  '  File "%s__init__.py", line %d, in %s\n'
                  '    %s\n'
                  '  File "%scode/sandbox.py", line 108, in <lambda>\n'
                  '    _getitem_           = lambda x, y: x.__getitem__(y),\n'
                  '%s\n' % (guid, FRAMEWORK % build, own, own, line, function, source, FRAMEWORK % build, error),
                  'CRITICAL', place, thread, minute)


def call(second, thread='7f4ccbff8b38', minute=14):
    return record(second, 'Handling request GET '
                          '/:/plugins/%s/messaging/function/X0FnZW50S2l0OlVwZGF0ZU1ldGFkYXRh/Y2VyZWFsMQoxCmxpc3QKMApyM'
                          'Ao_/%s'
                  % (AGENT, PAYLOAD), thread=thread, minute=minute)


def answer(second, thread='7f4ccbff8b38', minute=14):
    return record(second, 'Response: [200] str, 16 bytes', place='runtime:924', thread=thread, minute=minute)


def start(second, minute=14):
    return record(second, 'Starting framework core - Version: 2.6.3, Build: 2b1b51d (Thu Aug 26 08:46:10 UTC 2021)',
                  'INFO', 'core:349', minute=minute)


def put(folder, name, text):
    path = os.path.join(str(folder), name)
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with io.open(path, 'wb') as out:
        out.write(text if isinstance(text, bytes) else text.encode('utf-8'))
    return path


def plug_in_log(folder, text, suffix=''):
    return put(folder, 'PMS Plugin Logs/%s.log%s' % (AGENT, suffix), text)


def events(*paths, **more):
    return logs.read_events([str(path) for path in paths], **more)[0]


def patterns(*paths, **more):
    document = logs.aggregate([str(path) for path in paths], **more)
    return [row for row in document['patterns'] if not row['noise']]


# ---------------------------------------------------------------------------------------------------- grammar and items
def test_traceback_is_one_event_with_its_item_and_frames(tmpdir):
    plug_in_log(tmpdir, start(1) + call(2) + traceback_record(3) + '\n' + answer(4))
    event, = events(tmpdir)
    assert (event['agent'], event['level'], event['kind'], event['exception'], event['message']) == (AGENT, 'CRITICAL',
                                                                                                     'update',
                                                                                                     'KeyError',
                                                                                                     "'title'")
    assert (event['guid'], event['rating_key'], event['line']) == (GUID, '42', 3)
    assert [(frame['file'], frame['function'], frame['line']) for frame in event['own_frames']] == [
        ('Example.bundle/Contents/Code/__init__.py', 'update', 88), ('Example.bundle/Contents/Code/__init__.py',
                                                                     'fill', 120)]
    assert event['time'] == 1770153243.318


def test_item_of_a_record_that_names_none_is_that_of_its_request(tmpdir):
    plug_in_log(tmpdir, call(1) + call(1, '7f00').replace('4711', '4711')
                + record(2, 'no poster', 'ERROR', '__init__:3') + answer(3)
                + record(4, 'no theme', 'ERROR', '__init__:3'))
    first, second = events(tmpdir)
    assert (first['guid'], first['rating_key'], first['call']) == (GUID, '42', 'update')
    assert (second['guid'], second['rating_key'], second['call']) == (None, None, 'update')
    assert second['possible'] == [{'guid': GUID, 'rating_key': '42'}]      # a thread's, while the other request runs


def test_what_a_thread_logs_belongs_to_the_request_that_can_have_made_it(tmpdir):
    def call_of(second, item):
        data = base64.b64decode(PAYLOAD.replace('@', '/').replace('_', '=')).replace(b's2\n42', b's2\n4%d' % item)
        data = base64.b64encode(data).replace(b'/', b'@').replace(b'=', b'_')
        return call(second, 'a%d' % item).replace(PAYLOAD, data.decode('ascii'))

    def raised(second, wrapper, thread='f0'):
        text = "Exception in %s (most recent call last):\n  File \"%s__init__.py\", line 9, in f\n    x\nKeyError: 'x'\n"
        return record(second, text % (wrapper, BUNDLE), 'CRITICAL', 'runtime:298', thread)
    made, tasks, done = "Created a thread named 'f'", 'Starting a parallel task set named p with 3 tasks', (
        'Parallel task set p ended')
    story = [
        call_of(2, 2) + record(3, tasks, thread='a2') + call_of(4, 3), (raised(5, 'task thread'), '42', None),
        record(6, tasks, thread='a3'), (raised(7, 'task thread'), None, '42 43'),
        record(8, done, thread='a2'), (raised(8, 'task thread'), None, '42 43'),        # it may have been its last one
        (raised(9, 'task thread'), '43', None),
        record(10, made, thread='a2'), (raised(11, "thread named 'f'", 'f1'), '42', None),
        record(12, made, thread='a3'), (raised(13, "thread named 'f'", 'f2'), '43', None),     # the other has failed
        record(14, made, thread='a3') + record(15, made, thread='a2'),
        (raised(16, "thread named 'f'", 'f3'), None, '42 43'), (record(17, 'lost', 'ERROR', thread='f4'), None, '42 43'),
        answer(18, 'a2'), (record(19, 'lost', 'ERROR', thread='f4'), None, '43'),
        record(20, tasks, thread='a3') + start(21), (raised(22, 'task thread'), None, '')]      # that process is gone
    plug_in_log(tmpdir, start(1) + ''.join(part if isinstance(part, type('')) else part[0] for part in story))
    assert [(event['rating_key'], ' '.join(item['rating_key'] for item in event['possible'])) for event in events(tmpdir)
            ] == [(key, key if possible is None else possible) for _, key, possible in (part for part in story if isinstance(part, tuple))]
    rows = dict((row['wrapper'], row) for row in patterns(tmpdir))
    assert [[item['rating_key'] for item in rows['Exception in task thread'][name]]
            for name in ('items', 'possible_items')] == [['42', '43'], []]
    assert [(row['items'], [item['rating_key'] for item in row['possible_items']]) for row in patterns(tmpdir)
            if row['message'] == 'lost'] == [([], ['43', '42'])]


def test_many_threads_are_looked_for_as_one_is(tmpdir, monkeypatch):
    monkeypatch.setattr(logs, 'CHUNK', 24000)
    text = ''
    for number in range(700):
        second, kind = number % 60, number * number % 7
        thread = '7f%02x' % (number * 31 % 23)
        text += call(second, thread) if kind < 2 else answer(second, thread) if kind == 2 else ''
        text += record(second, 'lost %d' % number, 'ERROR', thread='7f%02x' % (number * 17 % 23))
        text += start(second) if number == 450 else ''
    plug_in_log(tmpdir, text)
    found = []
    for few in (0, 10 ** 9):
        monkeypatch.setattr(logs.Piece, 'FEW', few)
        found.append([(event['rating_key'], event['possible']) for event in events(tmpdir)])
    assert found[0] == found[1] and 40 < sum(key is not None for key, _ in found[0]) < 650


@pytest.mark.parametrize('between', [3, logs.CHUNK + 3])
def test_a_request_ends_with_its_process_also_where_the_thread_number_comes_again(tmpdir, between):
    plug_in_log(tmpdir, call(1, 'a1') + start(2) + record(3, 'x' * between, thread='b2') + record(4, 'lost', 'ERROR',
                                                                                              thread='a1'))
    event, = events(tmpdir)
    assert (event['guid'], event['rating_key'], event['possible']) == (None, None, [])


def test_search_names_the_rating_key_and_the_system_log_the_guid(tmpdir):
    plug_in_log(tmpdir, record(2, "Exception in the search function of agent named 'Example', called with keyword "
                                  "arguments "
                                  "{'name': 'X', 'id': '287'} (most recent call last):\n"
                                  '  File "%s__init__.py", line 9, in search\n    x[0]\nIndexError: list index out of '
                                  'range\n' % BUNDLE, 'CRITICAL'))
    put(tmpdir, 'PMS Plugin Logs/com.plexapp.system.log', record(1,
                                                                 'Acquiring GUID mutex for %s (287) (count is now 1)'
                                                                 % GUID))
    pattern, = patterns(tmpdir)
    assert pattern['kind'] == 'search' and pattern['items'] == [{'guid': GUID, 'rating_key': '287'}]


def test_server_log(tmpdir):
    put(tmpdir, 'Plex Media Server.log',
        'Feb 03, 2026 21:14:07.318 [0x7f00] INFO - Plex Media Server v1.40.2.8395-c67dce28e - Ubuntu PC x86_64 - '
        'build: linux-x86_64 debian - GMT -04:00\n'
        "Feb 03, 2026 21:14:07.318 [10816] WARN - [Req#1f] Request for plug-in [com.plexapp.agents.gone] but it "
        "doesn't exist.\n"
        'Feb 03, 2026 21:14:08 [140535242312504] ERROR - Exception caught while attempting to match metadata on item '
        '23331: Error parsing file\n'
        'Feb 03, 2026 21:14:09.318 [10816] WARN - NAT-PMP/UPnP: mapping failed\n'
        'Feb 03, 2026 21:14:09.318 [10816] WARN - [EventSourceClient/pubsub] NAT: PMP, got an error: no.\n'
        'Feb 03, 2026 21:14:10.318 [10816] ERROR - [Req#6e] MetadataAgentPostProcessor: primary provider '
        'tv.plex.agents.custom.boats failed to return a result for item ID 84\n'
        'Feb 03, 2026 21:14:10.318 [10816] WARN - [Req#6e] MetadataAgentPostProcessor: error refreshing metadata '
        'for tv.plex.agents.custom.boats://boat-9\n')
    gone, match, noise, port, item, refresh = events(tmpdir)
    assert port['noise'] and item['rating_key'] == '84'
    assert item['agent'] == refresh['agent'] == 'tv.plex.agents.custom.boats'
    assert (gone['agent'], gone['level']) == ('com.plexapp.agents.gone', 'WARN')
    assert match['rating_key'] == '23331' and noise['noise']
    assert gone['time'] - match['time'] == pytest.approx(-0.682)
    assert match['time'] == logs.utc_seconds('2026-02-04T01:14:08Z')
    old, = events(put(tmpdir, 'old.log', 'Dec 07, 2014 10:59:06:483 [12524] ERROR - We got an error scanning in P:/Boats\n'))
    assert old['time'] == logs.utc_seconds('2014-12-07T10:59:06Z') + 0.483


def test_text_that_only_looks_like_an_error_is_none(tmpdir):
    plug_in_log(tmpdir, record(1, "Title match: 'Human ERROR in CRITICAL' - WARNING")
                + record(2, 'quoted:\n    2026-01-01 00:00:00,000 (7f00) :  ERROR (fake:1) - x\n'))
    assert events(tmpdir) == []


@pytest.mark.parametrize('text', ['ERROR: common.load() - issue loading url', 'Traceback (most recent call last):\n'
                                  '  File "%sa.py", line 3, in f\n    x\nValueError: y' % BUNDLE])
def test_errors_that_agents_log_below_warning(tmpdir, text):
    plug_in_log(tmpdir, record(1, 'fine') + record(2, text) + record(3, 'fine'))
    event, = events(tmpdir)
    assert event['level'] == 'DEBUG' and event['line'] == 2


@pytest.mark.parametrize('text', [
    "No boat: 'NoneType' object has no attribute 'get'", 'masters: list index out of range',
    "Could not: int() argument must be a string or a number, not 'NoneType'",
    '[boats] coercing to Unicode: need string or buffer, NoneType found', 'Could not: expected string or buffer',
    "Exception: global name 'guid' is not defined", "Error : local variable 'a' referenced before assignment, line : 7",
    "Error : 'str' object has no attribute 'items', line nr : 7"])
def test_errors_in_the_words_of_python_count_at_any_level(tmpdir, text):
    plug_in_log(tmpdir, record(1, 'Harbour 7 is open', place='__init__:9') + record(2, text) + record(3, 'fine'))
    event, = events(tmpdir)
    assert event['level'] == 'DEBUG' and event['line'] == 2
    document = logs.aggregate([str(tmpdir)])
    row, = document['patterns']
    assert document['shortlist'] == [row['pattern']] and row['exemplars'][0]['said'] == ['Harbour 7 is open']


def test_errors_below_warning_and_starts_are_found_anywhere_in_a_large_log(tmpdir):
    filler = record(1, 'Fetching ' + 97 * 'x') * 4001
    assert len(filler) > logs.CHUNK
    plug_in_log(tmpdir, 13 * (filler + start(2) + record(3, 'ERROR: no page') + filler))
    document = logs.aggregate([str(tmpdir)])
    assert document['events'] == 13 and document['agents'][0]['starts'] == 13


@pytest.mark.parametrize('one, other, same', [
    ("Missing 'Dark 2' in 0x7f4ccbff8b38", "Missing 'Heat (1995)' in 0x9fa4b5997a63", True),
    ('Failed: https://a.example/b?c=1 (7)', 'Failed: https://longer.example/x/y.jpg (9)', True),
    ('No file /a/b (1)/x.mkv at 7', 'No file /c/d e/y.avi at 9', True), ('In [/a/b]', 'In [/a/c]', False),
    ("can't open 'a' or 'b'", "can't open 'c' or 'd'", False), ("Missing 'Dark'", "Missing 'Dark", False),
    ('for com.plexapp.agents.a1', 'for com.plexapp.agents.a2', False), ('token 0x1', 'token 0x7f4ccbff8b38', False)])
def test_lines_with_equal_keys_have_equal_shapes(one, other, same):
    assert (logs.line_key(one.encode('utf-8')) == logs.line_key(other.encode('utf-8'))) is same
    if same:
        assert logs.message_shape(one) == logs.message_shape(other)


# ---------------------------------------------------------------------------------------------------------- fingerprint
def one(tmpdir, name, text):
    folder = tmpdir.mkdir(name)
    plug_in_log(folder, text)
    row, = patterns(folder)
    return row['pattern']


def test_fingerprint_is_the_same_over_lines_versions_platforms_and_values(tmpdir):
    same = one(tmpdir, 'a', traceback_record(3))
    assert same == one(tmpdir, 'b', traceback_record(3, line=311, source='return None', build='1e5ff713d',
                                                     place='agentkit:1078'))
    assert same == one(tmpdir, 'c', traceback_record(9, error="KeyError: 'other'", guid=GUID.replace('4711', '12'),
                                                     thread='1f34', minute=58))
    windows = traceback_record(3, own='C:/Users/Joe/AppData/Local/Plex Media '
                                      'Server/Plug-ins/Example.bundle/Contents/Code/', place='core:574')
    head, rest = windows.split('\n', 1)
    assert same == one(tmpdir, 'd', (head + '\n' + rest.replace('/', '\\')).replace('\n', '\r\n'))


def test_fingerprint_tells_apart_what_differs(tmpdir):
    texts = [traceback_record(3), traceback_record(3, function='tags'), traceback_record(3, error='IndexError: list in'
                                                                                                  'dex out of range'),
             traceback_record(3, error="AttributeError: 'NoneType' object has no attribute 'text'"),
             traceback_record(3, error="AttributeError: 'NoneType' object has no attribute 'title'"),
             traceback_record(3, error='HTTPError: HTTP Error 403: Forbidden'),
             traceback_record(3, error='HTTPError: HTTP Error 404: Not Found')]
    plug_in_log(tmpdir, ''.join(texts))
    assert len(patterns(tmpdir)) == len(texts)


def test_fingerprint_does_not_depend_on_the_order_of_files(tmpdir):
    first, second = tmpdir.mkdir('1'), tmpdir.mkdir('2')
    plug_in_log(first, traceback_record(3))
    put(first, 'PMS Plugin Logs/com.plexapp.agents.other.log', traceback_record(4, function='tags'))
    plug_in_log(second, traceback_record(4))
    names = sorted(row['pattern'] for row in patterns(first))
    assert patterns(second)[0]['pattern'] in names
    assert names == sorted(row['pattern'] for row in patterns(os.path.join(str(first), 'PMS Plugin Logs',
                                                                           'com.plexapp.agents.other.log'),
                                                              os.path.join(str(first), 'PMS Plugin Logs', AGENT
                                                                           + '.log')))


def test_sandbox_lambdas_and_recursion(tmpdir):
    chain = ''.join('  File "%sa.py", line %d, in walk\n    return self.walk()\n' % (BUNDLE, line)
                    for line in (5, 5, 7))
    text = ("Exception in thread named 'x' (most recent call last):\n"
            '%s  File "%sa.py", line 3, in <lambda.%d>\n    x\nRuntimeError: deep')
    plug_in_log(tmpdir, record(1, text % (chain, BUNDLE, 8), 'CRITICAL')
                + record(2, text % (chain[:len(chain) // 3], BUNDLE, 91), 'CRITICAL'))
    row, = patterns(tmpdir)
    assert [frame['function'] for frame in row['own_frames']] == ['walk', '<lambda>'] and row['count'] == 2
    assert {line['line'] for line in row['own_frames'][0]['reported_lines']} == {5, 7}


def test_reported_lines_are_kept_per_start(tmpdir):
    plug_in_log(tmpdir, start(1) + traceback_record(2, line=861, source='x = 1')
                + traceback_record(3, line=861, source='x = 1'), '.1')
    plug_in_log(tmpdir, start(1, minute=20) + traceback_record(2, line=1055, source='y = 2', minute=20))
    row, = patterns(tmpdir)
    assert [(line['line'], line['text'], line['start'], line['count']) for line in row['own_frames'][-1]['reported_lin'
                                                                                                         'es']] == [
        (861, 'x = 1', '2026-02-03T21:14:01Z', 2), (1055, 'y = 2', '2026-02-03T21:20:01Z', 1)]
    assert row['own_frames'][-1]['callee_frames'] == [
        {'file': 'Framework/code/sandbox.py', 'function': '<lambda>', 'text': '_getitem_           = lambda x, y: '
                                                                              'x.__getitem__(y),'}]


@pytest.mark.parametrize('text,shape', [
    ("No results for 'Dark' (1999) on api.example.com", 'No results for <q> (<n>) on <host>'),
    ("Couldn't load /mnt/TV Shows/Bob's Show (2001)/a.b.mkv: no", "Couldn't load <path>: no"),
    ("Twice [/mnt/A & B/11 I Don't Know (feat. C).mp3], but we'll go on", "Twice [<path>], but we'll go on"),
    ('Could not read /mnt/A.2021.x264-B[c].mkv (-2)', 'Could not read <path> (<n>)'),
    ('Error refreshing item Boats (1999) (no)', 'Error refreshing item <name> (<n>) (no)'),
    ('Skipping Dark Night, Pt. 3: score 5 below threshold 9', 'Skipping <name>: score <n> below threshold <n>'),
    ('[Req#1f/HCl#2] HTTP error requesting GET https://x.example/a?b=1 (7, x)',
     'HTTP error requesting GET <url> (<n>, x)'),
    ('Quota exceeded for key aB3aB3aB3aB3aB3aB3aB (a.b@c.example)', 'Quota exceeded for key <secret> (<email>)'),
    ('Failed to read 千と千尋の神隠し', 'Failed to read <name>'),
    ('Failed to parse the page', 'Failed to parse the page'),
    ('No tags in it: Ghost of the North', 'No tags in it: <name>'), ('No value (Ghost of the North)', 'No value (<name>)'),
    ('No value: Loading of Dark', 'No value: Loading of <name>'),
    ('Tag \ufffd\u06f5 of stream 7', 'Tag <name> of stream <n>'),        # no digit of ASCII's, on any Python
])
def test_message_shape(text, shape):
    assert logs.message_shape(text) == shape


def test_what_is_no_number_is_data():
    for text in ('could not convert string to float: ', 'invalid literal for float(): '):
        assert set(logs.message_shape(text + data, 'ValueError') for data in ('N/A', 'Ghost 9', 'tba', '7,5', '(?)', 'Dark')
                   ) == set([text + '<name>'])


def test_where_a_long_message_is_cut_does_not_depend_on_its_data():
    shapes = set(logs.message_shape("Exception analyzing '/tv/%s.mkv' (Could not parse /tv/%s.mkv (error=-2): gone)"
                                    % (number * 'Harbour.', number * 'Harbour.')) for number in range(1, 40))
    assert shapes == {'Exception analyzing <q> (Could not parse <path> (error=<n>): gone)'}


@pytest.mark.parametrize('text, lines', [
    ('  1. ' + 'a' * 100, ['  1. ' + 'a' * 75, '     ' + 'a' * 25]), ('  9 x b:', ['  9 x b:']),
    ('  6 x b: GET ' + 'c-' * 40 + 'd', ['  6 x b: GET ' + 'c-' * 33 + 'c', '     -' + 'c-' * 6 + 'd']),
    ('  7 x ' + 'ab-cd ' * 30 + 'f', ['  7 x ' + 'ab-cd ' * 11 + 'ab-cd', '     ' + 'ab-cd ' * 12 + '...'])])
def test_lines_break_at_blanks_and_in_words_that_are_too_long(text, lines):
    assert logs.wrapped(text, 5, most=2) == [line.rstrip() for line in lines]


# ------------------------------------------------------------------------------------------------------------ redaction
@pytest.mark.parametrize('text,secret', [
    ('GET /library?X-Plex-Token=abcDEF_12-3&x=1', 'abcDEF_12-3'), ("api_key: 'k3y'", 'k3y'),
    ('{"password": "pa55"}', 'pa55'),
    ('Bad token aBc4-23_abcdeFGHijkl from me', 'aBc4-23_abcdeFGHijkl'),
    ('Bad token aBcDeFghIjKlMnOpqRsT from me', 'aBcDeFghIjKlMnOpqRsT'),
    ("the token is 'aBcDeFghIjKlMnOpqRsT'", 'aBcDeFghIjKlMnOpqRsT'),
    ('Authorization: Bearer abcdefgh12345', 'abcdefgh12345'),
    ('Request: [203.0.113.9:65125 (Subnet)] GET / Signed-in Token (alice) (Firefox)', 'alice'),
    ('from 203.0.113.9', '203.0.113.9'),
    ('from 2001:db8:77::1c', '2001:db8:77::1c'), ('mail a.b+c@d.example', 'a.b+c@d.example'),
    ('a%40d.example', 'a%40d.example'),
    ('Denying access to 10.1.2.3 (zelda): GET', 'zelda'), ('/home/zelda/x', 'zelda'),
    ('C:\\Users\\Zelda Q\\x', 'Zelda'),
    ('https://zelda:pa55@x.example/', 'pa55'), ('İİ token=SeCrEt', 'SeCrEt'), ('smb://zelda:pa55@nas/x', 'pa55'),
    ("headers {'X-Api-Key': u'k3yk3y'}", 'k3yk3y'), ('x-search-api-key=k3yk3y', 'k3yk3y'), ('api_key%3Dk3y&x', 'k3y'),
    ('token%3A%20k3yk3y', 'k3yk3y'), ("'Authorization': 'Basic emVsZGE6cGE1NQ=='", 'emVsZGE6'),
    ("'Cookie': 'a=k3y; b=c'", 'k3y'), ("cookies={'a': 'k3y'}", 'k3y'), ('?PHPSESSID=k3yk3y&x=1', 'k3yk3y'),
    ('PLEX_CLAIM=claim-k3yk3yk3yk3y', 'k3yk3y'), ("'username': u'zelda'", 'zelda'), ('user_name=zelda', 'zelda'),
    ('User is: zelda', 'zelda'), ('<MediaContainer myPlexUsername="zelda" size="1">', 'zelda'),
    ('Auth: authenticated user 1 as Zelda Q', 'Zelda'), ('Token (zelda q) (Firefox)', 'zelda'),
    ('Request: [::ffff:203.0.113.9:57684 (WAN)] GET', '113'), ('http%3A%2F%2F203.0.113.9%3A80%2F', '203.0.113.9'),
    ('https://203-0-113-9.0123456789abcdef0123456789abcdef.plex.direct:32400/', '203-0-113-9'),
    ('C:\\Users\\Zelda Q\\x', 'Q'), ("u'C:\\\\Users\\\\Zelda Q\\\\x'", 'Q'),
    ('C%3A%5CUsers%5CZelda%20Q%5Cx', 'Zelda'),
    ('%2Fhome%2Fzelda%2Fx', 'zelda'), ('/volume1/homes/zelda/x', 'zelda'), ('/home7/zelda/x', 'zelda'),
    ('http://x.example/api/v1/json/60130162/all.php', '60130162'),
    ('Error parsing HTTP request: PROBE_203.0.113.9_32400', '203.0.113.9'),
    ('https://198-51-100-7.k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3.plex.direct:32400/', '198-51-100-7'),
    ('/prefs/set?boats_user=zelda&host=x', 'zelda'), ('/get.php?pass=pa55&x', 'pa55'), ('boats_pass%3Dpa55', 'pa55'),
    ('/media/sdb1/zelda/x', 'zelda'), ('Documents and Settings\\Zelda Q\\x', 'Q'),
    ('x%408.8.4.4', '8.8.4.4'), ('a%3D203.0.113.9', '203'), ('a%25203.0.113.9', '203.'), ('a%253D203.0.113.9', '203'),
    ('%5B2001%3Adb8%3A77%3A%3A1c%5D', 'db8'), ('%5B2001:db8:77:1:2:3:4:1c%5D', 'db8'),
    ('password: u8k3yk3y', '8k3yk3y'), ('user: ursula', 'ursula'), ('X-Plex-Token%253Dk3yk3y&', 'k3yk3y'),
    ('<authentication-token>k3yk3y</authentication-token>', 'k3yk3y'), ('\\"token\\": \\"k3yk3y\\"', 'k3yk3y'),
    ("'password': u'not k3y'", 'k3y'), ('Bad eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMiJ9.c2lnbmVk', 'zdWIi'),
])
def test_redact(text, secret):
    clean = logs.redact(text)
    assert secret not in clean and logs.redact(clean) == clean


def test_bytes_that_are_no_text_are_the_same_letters_on_each_python():
    for data, text in ((b'a\xe2\x82', 'a\ufffd'), (b'\xf0\x9f\x98b', '\ufffdb'), (b'\xed\xa0\x80', 3 * '\ufffd'),
                       (b'\xf4\x90c', 2 * '\ufffd' + 'c'), (b'\xc0\xafd', 2 * '\ufffd' + 'd'),
                       (b'\xed\x95\x9c', '\ud55c'),
                       (b'\xf5\x80\x80\x80\xe2\x82\xac\xe2', 4 * '\ufffd' + '\u20ac\ufffd')):
        assert logs.to_text(data) == text


def test_items_that_a_thread_may_have_worked_for_stand_in_the_same_order_on_each_python():
    pattern = logs.Pattern(logs.Meaning(AGENT, 'CRITICAL', 'Exception in thread named', 'thread', 'no', 'KeyError', 'no'))
    pattern.possible.update({('b', '2'): 1, (None, '3'): 1, ('a', None): 1})
    row = logs.pattern_row(pattern, {}, False)
    assert [item['guid'] for item in row['possible_items']] == [None, 'a', 'b']


def test_redact_leaves_the_rest():
    for text in ('127.0.0.1:32400 1.40.2.8395-c67dce28e', "KeyError: 'key'", "global name 'user' is not defined",
                 '/var/lib/plexmediaserver/x', 'https://plex.tv/api/v2/server/users/features', '[::ffff:127.0.0.1:5000 (Loopback)]', 'Loaded HTTP cookies',
                 '%2F127.0.0.1%3A32400', "'token': None", 'the home is /etc/x', '/media/movies/x',
                 'No cookie jar found', 'the server refuses the token (401)', "Prefs['username'] + 'x'",
                 "'?token=' + token + '&key=' + key", '%5B21:14:07%5D', 'bypass=1', '%5B%3A%3A1%5D%20127.0.0.1'):
        assert logs.redact(text) == text
    assert logs.redact('/home/zelda/x', keep_paths=True) == '/home/zelda/x'


# ----------------------------------------------------------------------------------------- windows, rotations, resuming
def test_rotated_files_are_one_stream_and_a_cut_traceback_is_joined(tmpdir):
    whole = call(1) + traceback_record(2)
    cut = whole.index('    self.fill')
    plug_in_log(tmpdir, whole[:cut], '.1')
    plug_in_log(tmpdir, whole[cut:] + '\n' + answer(3))
    event, = events(tmpdir)
    assert event['exception'] == 'KeyError' and event['file'].endswith('.log.1') and event['rating_key'] == '42'


def test_lines_are_counted_per_file(tmpdir):
    for number, suffix in ((3, ''), (7, '.1'), (5, '.2')):
        plug_in_log(tmpdir, record(1, 'x') * number + record(2, 'broken', 'ERROR', 'a:1'), suffix)
    assert [event['line'] for event in events(tmpdir)] == [6, 8, 4]


def test_since_and_until(tmpdir):
    text = ''.join(record(second, 'x' * 300, minute=minute) + record(second, 'failed to do it', 'ERROR', 'a:1',
                                                                     minute=minute)
                   for minute in range(60) for second in range(0, 60, 2))
    plug_in_log(tmpdir, text)
    low, high = logs.utc_seconds('2026-02-03T21:20:01Z'), logs.utc_seconds('2026-02-03T21:30:00Z')
    found = events(tmpdir, since=low, until=high)
    assert len(found) == 299 and found[0]['time'] >= low and found[-1]['time'] < high
    assert found[0]['line'] == text[:text.index('21:20:02')].count('\n') + 2


@pytest.mark.parametrize('suffix', ['.1', '.1.gz'])
@pytest.mark.parametrize('cut', ['2026-02-03 21:14:09', '    self.fill'])
def test_a_window_that_ends_or_begins_at_a_rotation_holds_its_records_once(tmpdir, suffix, cut):
    text = record(0, 'x' * 300) * 60
    text += call(1) + traceback_record(2) + record(9, 'x', 'ERROR') + record(5, 'y', 'ERROR').replace('02-03', '02-04')
    cut = text.index(cut)
    path = plug_in_log(tmpdir, text[:cut], suffix)
    if suffix.endswith('.gz'):
        with gzip.open(path, 'wb') as out:
            out.write(text[:cut].encode('utf-8'))
    plug_in_log(tmpdir, text[cut:])
    middle = logs.utc_seconds('2026-02-04T00:00:00Z')
    assert [event['exception'] or event['message'] for event in events(tmpdir, since=middle)] == ['y']
    assert events(tmpdir, until=logs.utc_seconds('2026-02-03T21:13:59Z')) == []
    before = events(tmpdir, until=middle)
    assert [event['exception'] or event['message'] for event in before] == ['KeyError', 'x']
    assert before[0]['rating_key'] == '42' and before[0]['file'].endswith(suffix)
    plug_in_log(tmpdir, record(5, 'y', 'ERROR').replace('02-03', '02-05'))
    assert len(events(tmpdir, until=middle)) == 1


def test_clock_set_back_loses_nothing(tmpdir):
    def hour(number):
        return ''.join('2026-10-25 0%d:%02d:%02d,000 (7f) :  %s (a:1) - nothing found here\n'
                       % (number, minute, second, level)
                       for minute in range(60) for second in range(0, 60, 3) for level in ('DEBUG', 'ERROR'))
    plug_in_log(tmpdir, hour(0) + hour(1) + hour(2) + hour(2) + hour(3) + hour(4))
    low, high = logs.utc_seconds('2026-10-25T02:10:00Z'), logs.utc_seconds('2026-10-25T02:20:00Z')
    assert len(events(tmpdir, since=low, until=high)) == 2 * 200


def test_resume_through_rotations(tmpdir):
    first = plug_in_log(tmpdir, start(1) + traceback_record(2))
    position = json.loads(json.dumps(logs.log_position([str(tmpdir)])))
    assert events(tmpdir, position=position) == []
    with io.open(first, 'ab') as out:
        out.write(traceback_record(3, function='tags').encode('utf-8'))
    assert [event['own_frames'][-1]['function'] for event in events(tmpdir, position=position)] == ['tags']
    os.rename(first, first + '.1')
    plug_in_log(tmpdir, start(5) + traceback_record(6, function='late'))
    assert [event['own_frames'][-1]['function'] for event in events(tmpdir, position=position)] == ['tags', 'late']
    os.remove(first + '.1')
    found, notes = logs.read_events([str(tmpdir)], position=position)
    assert [event['own_frames'][-1]['function'] for event in found] == ['late'] and 'rotated away' in notes[0]['why']


def test_resume_before_there_was_a_log(tmpdir):
    tmpdir.mkdir('PMS Plugin Logs')
    put(tmpdir, 'Plex Media Server.log', '')
    position = logs.log_position([str(tmpdir)])
    plug_in_log(tmpdir, traceback_record(2))
    assert len(events(tmpdir, position=position)) == 1


def test_a_traceback_without_its_first_lines_is_of_the_same_pattern(tmpdir):
    whole = traceback_record(3)
    lines = whole.splitlines(True)
    for number, text in enumerate((whole, ''.join(lines[1:]), ''.join(lines[3:]), 'Traceback (most recent call last):\n'
                                   + ''.join(lines[3:]))):
        plug_in_log(tmpdir.mkdir('%d' % number), text + '\n' + start(9))
    assert [row['count'] for row in patterns(tmpdir)] == [4]


def test_starts(tmpdir):
    good = start(1) + record(2, 'Started plug-in', 'INFO') + record(3, 'Entering run loop', 'INFO')
    bad = start(4) + record(5, 'Exception while loading code (most recent call last):\n  File "x/core.py", line 5, in '
                               'load_code\n    y\n'
                               'SyntaxError: Line 315: no\n', 'CRITICAL', 'core:569')
    plug_in_log(tmpdir, good, '.2')
    plug_in_log(tmpdir, bad, '.1')
    plug_in_log(tmpdir, start(9))
    rows = logs.plugin_starts([str(tmpdir)], AGENT)
    assert [(row['ok'], row['error']) for row in rows] == [(True, None), (False, 'SyntaxError: Line 315: no'),
                                                           (None, None)]
    agent, = logs.aggregate([str(tmpdir)])['agents']
    assert (agent['starts'], agent['failed_starts']) == (3, 1)


def test_calls(tmpdir):
    plug_in_log(tmpdir, call(1) + answer(3) + call(5) + traceback_record(6) + answer(7) + call(8))
    rows = logs.read_calls([str(tmpdir)])[AGENT]
    assert [(row['kind'], row['guid'], row['rating_key'], row['ended'], row['failed']) for row in rows] == [
        ('update', GUID, '42', True, False), ('update', GUID, '42', True, True), ('update', GUID, '42', False, False)]
    assert rows[0]['end'] - rows[0]['start'] == 2 and rows[0]['end'] % 1        # to the millisecond, as events are


# --------------------------------------------------------------------------------------------------- cascades and noise
def test_missing_tree_causes_the_fault_after_it(tmpdir):
    tree = record(2, 'Exception when constructing media object for dbid 42 (most recent call last):\n  File '
                     '"%sapi/agentkit.py", line 680, in Tree\n'
                     '    x\nHTTPError: HTTP Error 404: Not Found\n' % (FRAMEWORK % 'c67dce28e'), 'CRITICAL',
                     'agentkit:1078')
    plug_in_log(tmpdir, ''.join(call(1, minute=minute) + tree.replace('21:14', '21:%d' % minute)
                                + traceback_record(3,
                                                   error="AttributeError: 'NoneType' object has no attribute 'items'",
                                                   minute=minute)
                                + answer(4, minute=minute) for minute in range(10, 17)))
    rows = dict((row['kind'], row) for row in patterns(tmpdir))
    assert rows['update']['caused_by'] == {'pattern': rows['media']['pattern'], 'count': 7}
    assert rows['media']['items'] == [{'guid': GUID, 'rating_key': '42'}]


def test_fault_logged_twice_in_one_call_is_an_echo(tmpdir):
    plug_in_log(tmpdir, call(1) + traceback_record(2) + traceback_record(3) + answer(4))
    row, = patterns(tmpdir)
    assert (row['count'], row['echoes']) == (2, 1)


def test_noise_is_set_apart(tmpdir):
    plug_in_log(tmpdir, record(1, 'Cannot read model from /x/Metadata/y', 'ERROR') * 5
                + record(2, "Function named 'Start' couldn't be found in the current environment", 'CRITICAL')
                + record(2, 'We seem to be missing the hash for media item [/x/y.mkv]', 'ERROR') * 3
                + record(2, 'Could not find route matching /:/plugins/%s' % AGENT, 'ERROR') * 2
                + traceback_record(3))
    document = logs.aggregate([str(tmpdir)])
    assert [row['count'] for row in document['patterns'] if row['noise']] == [5, 3, 2, 1]
    assert document['noise_events'] == 11
    assert document['shortlist'] == [row['pattern'] for row in document['patterns'] if not row['noise']]


def test_what_the_system_plug_in_says_at_each_start_is_noise(tmpdir):
    frames = ' (most recent call last):\n  File "%scomponents/runtime.py", line 1126, in f\n    f()\n%%s\n' % (
        FRAMEWORK % 'c67dce28e')
    said = ["Error opening URL 'http://127.0.0.1:32400'", "Error opening URL 'http://127.0.0.1:32400/servers'",
            "Exception in thread named 'refresh_servers'" + frames % 'HTTPError: HTTP Error 503: Service Unavailable',
            "Private handlers are no longer supported; couldn't register <bound method A.b of <c.A object at 0x7f00>>",
            'Unable to load services from system. Loading from the current bundle only.',
            'Unable to retrieve the machine identifier or server version.',
            "Error opening URL 'http://127.0.0.1:32400/:/plugins/com.plexapp.system/messaging/function/"
            "X0J1bmRsZVNlcnZpY2U6QWxsU2VydmljZXM_/x'", 'Could not find route matching /system/appstore/updates',
            'Exception matching route for path "/system/appstore/updates"' + frames % 'FrameworkException: No route found',
            'Exception matching route for path "/"' + frames % "FrameworkException: No route found matching '/'"]
    real = ["Error opening URL 'http://127.0.0.1:32400/servers/9'", 'Could not find route matching /system/boats',
            "Error opening URL 'http://127.0.0.1:32400/:/plugins/com.plexapp.system/messaging/function/X0J1/x'",
            'Could not find route matching /video/boats/7',
            'Exception matching route for path "/video/boats/7"' + frames % 'FrameworkException: No route found']
    put(tmpdir, 'PMS Plugin Logs/com.plexapp.system.log', ''.join(record(1, text, 'ERROR') for text in said + real))
    assert [bool(event['noise']) for event in events(tmpdir)] == [True] * len(said) + [False] * len(real)


@pytest.mark.parametrize('end', ['\n', '\r\n'])
def test_an_answer_that_ended_twice_is_noise_and_a_fault_in_a_handler_is_none(tmpdir, end):
    head = "Exception in thread named '_handle_request' (most recent call last):\n  File \"%scomponents/runtime.py\", line " \
        '1126, in _start_thread\n    f(*args, **kwargs)\n' % (FRAMEWORK % 'c67dce28e')
    race = head + ('  File "/x/tornado/httpserver.py", line 272, in _finish_request\n    connection_header = self._request.'
                   "headers.get()\nAttributeError: 'NoneType' object has no attribute 'headers'\n")
    fault = head + '  File "%s", line 7, in show\n    x.headers\n' % (BUNDLE + '__init__.py') + race.splitlines(True)[-1]
    long = head + '  File httpserver.py _finish_request' + 3000 * 'httpserver.py _finish_request' + '\n'
    plug_in_log(tmpdir, ''.join(record(second, text, 'CRITICAL', 'runtime:1128') for second, text in enumerate(
        [race, fault, race])).replace('\n', end))
    found = logs.aggregate([str(tmpdir)])['patterns']
    begun = time.time()
    assert not logs.ANY_NOISE[logs.PLUG_IN].match(long.encode('ascii')) and time.time() < begun + 0.2
    assert sorted((row['noise'] is not None, row['count']) for row in found) == [(False, 1), (True, 2)]


def test_resolved_pattern_is_left_out_until_it_comes_back(tmpdir):
    plug_in_log(tmpdir, traceback_record(3))
    name = patterns(tmpdir)[0]['pattern']
    late = logs.aggregate([str(tmpdir)], resolved=[{'pattern': name, 'fixed_at': '2026-03-01T00:00:00Z'}])
    early = logs.aggregate([str(tmpdir)], resolved=[{'pattern': name, 'fixed_at': '2026-01-01T00:00:00Z'}])
    assert late['shortlist'] == [] and early['shortlist'] == [name]
    assert any('all since its fix' in line for line in logs.report_lines(early))
    assert any('1 x before its fix, ' + AGENT in line for line in logs.report_lines(late))


def test_what_was_rotated_away_since_an_earlier_aggregate_is_taken_over(tmpdir):
    plug_in_log(tmpdir, traceback_record(3))
    earlier = json.loads(json.dumps(logs.aggregate([str(tmpdir)])))
    moment = logs.utc_seconds(earlier['patterns'][0]['last_seen'])
    name, now = earlier['shortlist'][0], dict(earlier, patterns=[], shortlist=[])
    rows = [logs.with_rotated_away(now, earlier, resolved, since)['shortlist'] for resolved, since in (
        ([], None), ([], moment), ([], moment + 1), ([{'pattern': name}], None))]
    assert rows == [[name], [name], [], []]
    assert logs.with_rotated_away(earlier, earlier, []) == earlier
    row = dict(earlier['patterns'][0], message='no /home/jane/a')
    texts = [json.dumps(logs.with_rotated_away(now, dict(earlier, patterns=[row]), [], None, keep)) for keep in (0, 1)]
    assert ['jane' in text for text in texts] == [False, True]
    assert logs.with_rotated_away(now, json.loads(texts[1]), [], None, True) == json.loads(texts[1])    # the next night
    assert logs.with_rotated_away(now, dict(earlier, patterns=[dict(row, kind='load')]), []) == now
    assert logs.with_rotated_away(dict(now, agents=[]), earlier, []) == dict(now, agents=[])
    for field in row:                           # of another version of the script, or damaged
        for other in (dict((key, row[key]) for key in row if key != field), dict(row, **{field: 5.5})):
            if field != 'pattern':
                assert logs.report_lines(logs.with_rotated_away(now, dict(earlier, patterns=[other]), []))


@pytest.mark.parametrize('option, text', [
    ('--resolved', '[{"pattern": "p1-1", "fixed_at": 5}]'), ('--resolved', '5'), ('--resolved', '[{"fixed_at": "now"}]'),
    ('--resume', '{"streams": {"a": 5}}'), ('--resume', '[]')])
def test_what_is_no_list_of_fixes_or_no_position_is_one_sentence(tmpdir, capsys, option, text):
    plug_in_log(tmpdir, traceback_record(3))
    given = tmpdir.join('given.json')
    given.write(text)
    assert logs.main(['--logs', str(tmpdir), option, str(given)]) == 4
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1) and 'given.json' in err


@pytest.mark.parametrize('option', ['--resume', '--until'])
def test_what_leaves_out_some_of_the_logs_cannot_tell_what_none_holds_any_more(option):
    assert logs.main(['--earlier', 'a', option, 'b']) == 2


@pytest.mark.parametrize('words, code, says', [
    ('--since 2026-11-24 --until 2026-11-23', 2, '--until is not after --since'),
    ('--events no/where', 4, 'there is no folder for no/where; make it')])
def test_what_can_come_to_nothing_is_said_before_anything_is_read(capsys, words, code, says):
    assert logs.main(['--logs', 'none'] + words.split()) == code
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1) and says in err


def test_the_folder_of_all_runs_is_none_itself(tmpdir):
    run_dir = str(tmpdir.mkdir('2026-11-22T103000Z'))
    assert logs.find_run_dir(run_dir) == run_dir
    with pytest.raises(logs.Problem, match='holds runs and is none itself'):
        logs.find_run_dir(str(tmpdir))


@pytest.mark.parametrize('number, says', [
    (errno.EACCES, 'give this user the rights to it'), (errno.ENOSPC, 'make room there')])
def test_a_file_that_cannot_be_written_is_named_as_the_user_knows_it(tmpdir, capsys, number, says):
    def run(options):
        raise IOError(number, 'No way', str(tmpdir.join('.writing-x7')))
    assert logs.run_script(run, logs.build_parser(), []) == 4
    assert capsys.readouterr() == ('', 'aggregate_plex_logs.py: %s: No way; %s\n' % (tmpdir, says))


def test_of_a_pattern_that_is_back_only_what_came_since_its_fix_is_told(tmpdir):
    plug_in_log(tmpdir, call(2) + traceback_record(3, guid=AGENT + '://1?lang=en') + answer(4) + call(40)
                + traceback_record(40, guid=AGENT + '://2') + answer(41) + call(42) + answer(43))
    row = patterns(tmpdir)[0]
    fixed = row['last_seen'].replace('Z', '.3Z')
    document = logs.aggregate([str(tmpdir)], resolved=[{'pattern': row['pattern'], 'fixed_at': fixed}])
    row, = document['patterns']
    assert (row['count'], row['items_total'], row['resolved']['before'], row['resolved']['updates']) == (1, 1, 1, 2)
    assert '    without 1 error from before their fix' in logs.report_lines(document)
    assert row['items'][0]['guid'] == AGENT + '://2' and row['first_seen'] == row['last_seen']


def test_what_stood_before(tmpdir):
    plug_in_log(tmpdir, call(1) + record(2, "Requesting 'https://api.example.com/v1/item/77?key=s3'",
                                         place='networking:144')
                + record(2, "Error opening URL 'https://api.example.com/v1/item/77?key=s3'", 'ERROR', 'networking:197')
                + traceback_record(3, error='HTTPError: HTTP Error 404: Not Found') + answer(4))
    row = [row for row in patterns(tmpdir) if row['exception']][0]
    assert row['preceding'] == [{'host': 'api.example.com', 'status': 404, 'url_shape': '/v<n>/item/<n>', 'count': 1}]


def test_shortlist_is_by_items_not_by_lines(tmpdir):
    plug_in_log(tmpdir, ''.join(traceback_record(2, function='often') for _ in range(23))
                + ''.join(traceback_record(3, function='wide', guid=GUID.replace('4711', str(number)))
                          for number in range(7)))
    document = logs.aggregate([str(tmpdir)])
    rows = dict((row['pattern'], row) for row in document['patterns'])
    assert [rows[name]['own_frames'][-1]['function'] for name in document['shortlist']] == ['wide', 'often']
    assert rows[document['shortlist'][0]]['items_total'] == 7


def test_healthy_items_and_rates(tmpdir):
    plug_in_log(tmpdir, call(1) + answer(2))
    agent, = logs.aggregate([str(tmpdir)])['agents']
    assert agent['healthy_items'] == [{'guid': GUID, 'rating_key': '42', 'title': None, 'kind': 'update'}]
    assert (agent['updates'], agent['searches'], agent['levels']) == (1, 0, ['DEBUG'])


def test_a_call_that_fails_once_is_one_failed_call(tmpdir):
    """Its traceback, the failed request that the framework logs beside it, and a warning are three records."""
    text = ''
    for minute in range(7):
        text += call(1, minute=minute)
        if minute < 3:
            text += (record(2, "Error opening URL 'https://x.example/1'", 'ERROR', 'networking:197', minute=minute) +
                     record(2, 'slow today', 'WARNING', minute=minute) +
                     traceback_record(3, error='HTTPError: HTTP Error 503: Service Unavailable', minute=minute))
        text += answer(4, minute=minute)
    plug_in_log(tmpdir, text)
    document = logs.aggregate([str(tmpdir)])
    agent, = document['agents']
    assert (agent['updates'], agent['failed_calls'], agent['errors']) == (7, 3, 9)
    assert any(line.endswith('42.9 %') for line in logs.report_lines(document))


# ------------------------------------------------------------------------------------------------------------ odd input
def test_gzip_zip_and_standard_input_give_the_same(tmpdir):
    text = (start(1) + call(2) + traceback_record(3)).encode('utf-8')
    name = patterns(os.path.dirname(plug_in_log(tmpdir.mkdir('plain'), text)))[0]['pattern']
    packed = os.path.join(str(tmpdir.mkdir('gz')), AGENT + '.log.1.gz')
    out = gzip.open(packed, 'wb')
    out.write(text)
    out.close()
    archive = os.path.join(str(tmpdir), 'logs.zip')
    with zipfile.ZipFile(archive, 'w') as out:
        out.writestr('Logs/PMS Plugin Logs/%s.log' % AGENT, text)
        out.writestr('Logs/x.xml', b'<x/>')
    assert patterns(packed)[0]['pattern'] == patterns(archive)[0]['pattern'] == name
    command = [sys.executable, logs.__file__.replace('.pyc', '.py'), '--logs', '-', '--json']
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    document = json.loads(process.communicate(text)[0].decode('utf-8'))
    row, = [row for row in document['patterns'] if not row['noise']]
    assert row['exception'] == 'KeyError' and row['agent'] == AGENT


@pytest.mark.parametrize('data', [b'', b'\n', b'\x00' * 5000, b'\xff\xfe\xfd' * 99, b'x' * 3000000,
                                  b'2026-02-03 21:14:07,318 (7f) :  ERROR (a:1) - ',
                                  b'PK\x03\x04 no zip', b'\x1f\x8b\x08 no gzip'],
                         ids='nothing end zeros bytes line head zip gzip'.split())
@pytest.mark.parametrize('name', [AGENT + '.log', 'Plex Media Server.log', 'paste.txt', AGENT + '.log.gz', 'x.zip'])
def test_odd_files_never_stop_the_rest(tmpdir, data, name):
    put(tmpdir, 'odd/' + name, data)
    plug_in_log(tmpdir, traceback_record(3))
    assert 'KeyError' in [row['exception'] for row in patterns(tmpdir)]


@pytest.mark.parametrize('name', ['%s.log' % AGENT, 'com.plexapp.system.log', 'Plex Media Server.log'])
def test_a_zip_that_is_damaged_behind_its_beginning_gives_what_could_be_read(tmpdir, name):
    archive = tmpdir.join('logs.zip')
    with zipfile.ZipFile(str(archive), 'w') as out:
        out.writestr(name, (traceback_record(3) * 2000).encode('utf-8'))
    data = bytearray(archive.read('rb'))
    data[-300:-250] = b'x' * 50
    archive.write_binary(bytes(data))
    document = logs.aggregate([str(archive)])
    assert [row['exception'] for row in document['patterns'] if not row['noise']] == ['KeyError']
    assert len(document['unread']) == 1 and logs.read_words([str(archive)], ['KeyError']) == []


def test_names_that_are_not_utf_8_and_the_tail_of_a_cut_gzip_stop_nothing(tmpdir):
    folder = logs.to_bytes(str(tmpdir))
    with open(os.path.join(folder, b'com.plexapp.agents.\xff.log'), 'wb') as out:
        out.write(traceback_record(3).encode('utf-8'))
    with gzip.open(str(tmpdir.join('b.log.gz')), 'wb') as out:
        out.write(traceback_record(4).encode('utf-8') * 50)
    whole = tmpdir.join('b.log.gz').read('rb')
    tmpdir.join('b.log.gz').write_binary(whole[:-12] + b'\xff' * 4)
    document = logs.aggregate([str(tmpdir)])
    assert len(document['files']) == 2 and sum(row['bytes'] for row in document['files']) < 5000
    logs.write_json(str(tmpdir.join('aggregate.json')), document, 1)


@pytest.mark.parametrize('data, number, why', [
    ([b'head', b'\0' * 8], 50, 'data check'), ([b'head'], 50, 'cut off'), ([b'whole'], 50, None),
    ([b'whole', b'whole'], 100, None), ([b'whole', b'garbage'], 50, 'header')])
@pytest.mark.parametrize('name', [AGENT + '.log.gz', 'b.log.gz'])
def test_what_a_damaged_gzip_still_holds_is_read_and_the_damage_told(tmpdir, name, data, number, why):
    path = tmpdir.join(name)
    with gzip.open(str(path), 'wb') as out:
        out.write(traceback_record(4).encode('utf-8') * 50)
    whole = path.read('rb')
    path.write_binary(b''.join({b'whole': whole, b'head': whole[:-8]}.get(part, part) for part in data))
    document = logs.aggregate([str(tmpdir)])
    assert sum(row['count'] for row in document['patterns']) == number
    assert [why in row['why'] for row in document['unread']] == [True] * bool(why)


def test_long_line_and_bad_bytes(tmpdir):
    plug_in_log(tmpdir, record(1, 'Unexpected page: ' + '<div class="ERROR">x</div>' * 60000, 'ERROR',
                               'a:1').encode('utf-8')
                + b'2026-02-03 21:14:07,318 (7f) :  ERROR (a:1) - bad \xff\xfe bytes\n'
                + traceback_record(9).encode('utf-8'))
    found = events(tmpdir)
    assert [event['line'] for event in found] == [2, 1, 3] or [event['line'] for event in found] == [1, 2, 3]
    assert all(len(event['text']) < 20000 for event in found)


def test_no_line_of_a_log_steers_the_terminal(tmpdir, capsys):
    plug_in_log(tmpdir, record(1, 'a page with \x1b]0;title\x07 and \x1b[2J in it', 'ERROR', 'a:1'))
    assert logs.main(['--logs', str(tmpdir), '--run-dir', str(tmpdir.join('run'))]) == 0
    shown = capsys.readouterr()[0] + io.open(str(tmpdir.join('run', 'aggregated_logs_iteration_1.txt')), encoding='utf-8').read()
    assert 'in it' in shown and '\x1b' not in shown and '\x07' not in shown


def test_half_last_line(tmpdir):
    plug_in_log(tmpdir, traceback_record(3) + '2026-02-03 21:14:07,318 (7f4ccbff8b38) :  DEBUG (netw')
    assert len(events(tmpdir)) == 1


@pytest.mark.skipif(os.name != 'posix', reason='links and pipes')
def test_what_is_named_twice_is_read_once_and_no_pipe_is_waited_for(tmpdir):
    path = plug_in_log(tmpdir, traceback_record(2))
    os.symlink(path, os.path.join(os.path.dirname(path), 'a.log'))
    os.symlink(str(tmpdir), str(tmpdir.join('loop')))
    os.mkfifo(str(tmpdir.join('pipe.log')))
    document = logs.aggregate([str(tmpdir), str(tmpdir.join('loop')), path])
    assert document['events'] == 1 and [row['file'] for row in document['files']] == ['PMS Plugin Logs/%s.log' % AGENT]
    assert [row['file'] for row in document['unread']] == ['pipe.log']
    with io.open(path, 'rb') as source:
        writer = subprocess.Popen(['sh', '-c', 'cat > %s' % tmpdir.join('pipe.log')], stdin=source)
    assert logs.aggregate([str(tmpdir.join('pipe.log'))])['events'] == 1 and writer.wait() == 0


def test_unreadable_file_is_named(tmpdir):
    path = put(tmpdir, 'Plex Media Server.log', 'x')
    plug_in_log(tmpdir, traceback_record(3))
    os.remove(path)
    os.symlink(os.path.join(str(tmpdir), 'gone'), path)
    document = logs.aggregate([str(tmpdir)])
    assert document['unread'][0]['file'] == 'Plex Media Server.log' and len(document['shortlist']) == 1


def test_other_kinds_of_files_are_named_and_left_out(tmpdir):
    put(tmpdir, 'Plex Transcoder Statistics.log', '<xml> ERROR </xml>')
    put(tmpdir, 'picture.jpg', b'\xff\xd8')
    plug_in_log(tmpdir, traceback_record(3))
    document = logs.aggregate([str(tmpdir)])
    assert sorted(row['file'] for row in document['unread']) == ['Plex Transcoder Statistics.log', 'picture.jpg']


def test_no_logs_is_a_problem():
    with pytest.raises(logs.Problem) as caught:
        logs.aggregate(['/nowhere/at/all'])
    assert '--logs' in caught.value.sentence


def test_known_places_and_option(tmpdir, monkeypatch):
    monkeypatch.setattr(logs, 'plex_home_places', lambda environment: [])
    monkeypatch.delenv(str('PLEX_HOME'), raising=False)
    with pytest.raises(logs.Problem) as caught:
        logs.find_plex_home(None)
    assert '--plex-home' in caught.value.sentence
    home = tmpdir.mkdir('Library').mkdir('Application Support').mkdir('Plex Media Server')
    folder = tmpdir.join('Library').mkdir('Logs').mkdir('Plex Media Server')
    assert logs.find_plex_home(str(home)) == str(home)
    assert os.path.samefile(logs.find_log_folder(str(home)), str(folder))


# --------------------------------------------------------------------------------------------------------------- pastes
WHOLE = traceback_record(3).rstrip('\n')
BODY = WHOLE.split('\n', 1)[1]


@pytest.mark.parametrize('text', [
    'It fails:\n\n```\n%s\n```\nthanks' % WHOLE, '\n'.join('> ' + line for line in WHOLE.split('\n')),
    '\n'.join(line.strip() for line in WHOLE.split('\n')), ' '.join(line.strip() for line in WHOLE.split('\n')),
    '\n\n'.join(WHOLE.split('\n')), '\n'.join('    ' + line for line in WHOLE.split('\n')), WHOLE.replace(':  ', ': '),
    WHOLE.split(' :  ', 1)[1], BODY, 'Traceback (most recent call last):\n' + BODY, WHOLE.replace('\n', '\r\n'),
    WHOLE.replace('"', '&quot;'),
    '\n'.join(line[at:at + 80] for line in WHOLE.split('\n') for at in range(0, len(line), 80)),
    '\n'.join('%4d: %s' % (number + 99, line) for number, line in enumerate(WHOLE.split('\n'))),
    '\n'.join('| ' + line for line in WHOLE.split('\n')),
    '\n'.join('* ' + line for line in WHOLE.split('\n')), '\n'.join(line + '$' for line in WHOLE.split('\n')),
    WHOLE.replace('  ', '\u00a0 '),
    WHOLE.replace('File "', 'File \u201c').replace('", line', '\u201d, line'),
    WHOLE.replace('File "', 'File ').replace('", line', ', line'),
    WHOLE.replace('File "', 'File "/my "box"'), WHOLE.replace('__init__', '**init**'),
    WHOLE.replace('/__init__', '__init__'), WHOLE.replace('2026-02-03 ', ''),
    WHOLE.replace(',318', ''),
    '\n'.join('Sep 11 21:45:22 nas sh[2801]: ' + line.strip() for line in WHOLE.split('\n')),
    'I see: Traceback (most recent call last):\n' + BODY, BODY + '\n\nand that is all',
    'I see:\n`%s`\nHas anybody else?' % WHOLE, '``` ' + WHOLE.split(' :  ', 1)[1] + '```\nand that is all',
    'The log:\n' + '\n'.join('./%s.log:%s' % (AGENT, line) for line in WHOLE.split('\n')),
    '\n'.join('%s.log.1-%d-%s' % (AGENT, number, line) for number, line in enumerate(WHOLE.split('\n'))),
    '\n'.join('\tLine %d: %s' % (number, line) for number, line in enumerate(WHOLE.split('\n'))),
    '\n'.join('plex_1  | ' + line for line in WHOLE.split('\n')),
    'I see\n' + '\n'.join('#%d\t%s' % (number, line) for number, line in enumerate(WHOLE.split('\n'))) + '\n\nso on',
    '<pre>%s</pre>' % WHOLE.replace("'", '&#39;').replace('\n', '<br>\n'),
    WHOLE.replace(" '", ' \u2018').replace("'\n", '\u2019\n').replace("' (", '\u2019 ('),
    'Signed-in ' + WHOLE, record(1, 'x') + 'words of a mail ' + WHOLE,
    'Exception in the update function of agent named ' + WHOLE.split(' agent named ', 1)[1],
    '<Response code="2000" status="x">\n<Traceback>\nTraceback (most recent call last): ' + ' '.join(
        line.strip() for line in BODY.split('\n')) + '\n</Traceback>\n</Response>',
    '<p>I see</p><pre><code>%s</code></pre><p>and thanks</p>' % record(1, "it's on\n" + WHOLE).replace("'", '&#x27;'),
], ids='fenced quoted flush one-line spaced indented one-space no-time no-header standard crlf entities wrapped '
       'numbered table list dollar nbsp smart '
       'bare inch bold glued time-only no-ms journal words tail ticks fence-in-line grep grep-context editor compose hash '
       'html curly mail-first mail no-level answer forum'.split())
def test_damaged_pastes(tmpdir, text):
    event, = events(put(tmpdir, 'paste.txt', text))
    assert (event['exception'], event['message']) == ('KeyError', "'title'")
    assert event['agent'] in (AGENT, 'Example.bundle')
    assert [(frame['file'], frame['function'], frame['line'], frame['text']) for frame in event['own_frames']] == [
        ('Example.bundle/Contents/Code/__init__.py', 'update', 88, 'self.fill(metadata, page)'),
        ('Example.bundle/Contents/Code/__init__.py', 'fill', 120, "title = page['title']")]


def test_an_exception_that_is_indented_as_far_as_its_frames():
    space = 40 * ' '
    found = logs.parse_traceback('ERROR: thrown\n%sTraceback (most recent call last):\n%s  File "/a/b.py", line 7, in f\n'
                                 '%sKeyError: 1\n%s-->End<--' % (4 * (space,)))
    assert (found.exception, found.message.split()) == ('KeyError', ['1', '-->End<--'])
    half = logs.parse_traceback(BODY[:BODY.index('    self')] + 'self')
    assert (half.exception, half.frames[-1].text) == (None, 'self')


@pytest.mark.parametrize('left', ['F', 'Fil', 'File', 'File "/config/Pl'])
def test_half_a_frame_is_no_exception(left):
    assert logs.parse_traceback(BODY[:BODY.index('KeyError')] + '  ' + left).exception is None


def test_a_trace_that_was_logged_by_repr():
    found = logs.parse_traceback("No rows: 'Traceback (most recent call last):\\n  File \"/p/Example.bundle/Contents/Code/"
                                 "a.py\", line 7, in rows\\n    x = y[\\'k\\']\\nKeyError: \\'k\\'\\n'")
    assert (found.frames[0].function, found.frames[0].text, found.exception) == ('rows', "x = y['k']", 'KeyError')


def test_several_records_in_one_paste(tmpdir):
    other = BODY.replace("KeyError: 'title'", 'IndexError: list index out of range')
    found = events(put(tmpdir, 'paste.md', '# Bug\n```\n%s\n```\nand\n\n%s\n%s\n\nIn the end:\n\nTypeError: foo() '
                                           'takes 2 arguments\n' % (WHOLE, BODY, other)))
    assert [(event['exception'], event['message']) for event in found] == [
        ('KeyError', "'title'"), ('KeyError', "'title'"), ('IndexError', 'list index out of range'),
        ('TypeError', 'foo() takes 2 arguments')]
    assert found[0]['kind'] == found[1]['kind'] == 'update'


def test_a_paste_whose_lines_are_indented_and_words_that_say_no_error(tmpdir):
    found = events(put(tmpdir, 'paste.md', 'Here is the Exception:\n\nException:\n\n    Feb 03 21:14:08 nas sh[2]: Error loading '
                                           'bundle code.\n    2026-02-03 21:14:07 WARNING No boats\n'))
    assert [event['message'] for event in found] == ['Error loading bundle code.', 'No boats']
    titled, = events(put(tmpdir, 'list.md', 'Fixed:\n- KeyError: 7 at the start\n'))
    assert (titled['exception'], titled['message']) == ('KeyError', '7 at the start')


def test_words_around_a_record_are_no_part_of_it(tmpdir):
    found = events(put(tmpdir, 'paste.md', 'Plex:\n`%s`\nDid I get the token right?\n\nERROR: no page\nWhy?\n' % WHOLE))
    assert [event['text'].split('\n')[-1] for event in found] == ["KeyError: 'title'", found[1]['text']]
    assert found[1]['text'].endswith(' - ERROR: no page')
    cut, = events(put(tmpdir, 'cut.txt', BODY.rsplit('\n', 1)[0] + '\n\nI am no expert.\n'))
    assert (cut['exception'], cut['message']) == (None, '')
    line = ' '.join(text.strip() for text in WHOLE.split('\n'))
    one, = events(put(tmpdir, 'one.txt', 'I see\n\n%s\n\nIt is 1.2.\n\nHelp\n' % line))
    assert (one['exception'], one['message']) == ('KeyError', "'title'")


def test_message_of_several_lines_in_a_paste(tmpdir):
    event, = events(put(tmpdir, 'x.txt', '\n'.join(line.strip() for line in WHOLE.split('\n')) + '\nand more\n'))
    assert (event['exception'], event['message']) == ('KeyError', "'title'\nand more")


def test_headerless_record_keeps_its_item(tmpdir):
    words = "Exception in the %s function of agent named 'Example', called with %s (most recent call last):\n" + BODY
    broken = words.replace('_update', '_search') % ('search', "keyword arguments {'name': 'x',\n'id': '4711'}")
    assert events(put(tmpdir, 'c.txt', record(1, broken, 'CRITICAL')))[0]['rating_key'] == '4711'
    first, = events(put(tmpdir, 'a.txt', words % ('update', "guid '%s'" % GUID)))
    second, = events(put(tmpdir, 'b.txt', words.replace('_update', '_search')[40:] % (
        "keyword arguments {'name': 'x', 'id': '4711'}",)))
    assert first['guid'] == GUID
    assert (second['kind'], second['rating_key']) == ('search', '4711')


@pytest.mark.parametrize('form', [
    '[Example Scanner] %s - ', '- example.scanner - %s - ', '%s ', '[%s] ', '%s: '],
    ids='bracket dashes plain level-in-bracket colon'.split())
def test_logging_of_other_forms(tmpdir, form):
    put(tmpdir, 'scan.log', ''.join('2026-02-03 21:14:07,318 %s%s\n' % (form % level, text) for level, text in [
        ('INFO', 'begin'), ('ERROR', 'no page'), ('WARNING', 'slow'), ('DEBUG', 'end')]))
    found = events(tmpdir)
    assert [(event['level'], event['message'], event['line']) for event in found] == [
        ('ERROR', 'no page', 2), ('WARNING', 'slow', 3)]


def test_output_of_the_servers_process(tmpdir):
    put(tmpdir, 'journal.txt', 'I see\n\nMay 09 12:26:52 nas systemd[1]: Started Plex Media Server.\n'
        'May 09 12:26:57 nas sh[21407]: Error starting framework core for /x/Plug-ins/Example.bundle.\nAny idea?\n')
    event, = events(tmpdir)
    assert (event['agent'], event['message'][:29]) == ('Example.bundle', 'Error starting framework core')
    found = events(put(tmpdir, 'one.md', "`Unable to find metadata agent provider for identifier '%s'`\n" % AGENT))
    assert found[0]['agent'] == AGENT


def test_loggers_are_no_agents(tmpdir):
    line = '2026-02-03 21:14:07,318 - %s (7f4c) :  ERROR (%s:12) - no answer\n'
    found = events(put(tmpdir, 'paste.txt', line % ('example.http', 'example.http') + line % (AGENT, 'core')
                       + line % ('com.plexapp.agents.other', 'core') + line % (AGENT, 'core')))
    assert [event['agent'] for event in found] == [None, AGENT, 'com.plexapp.agents.other', AGENT]
    assert len(set(event['pattern'] for event in found)) == 3


def test_log_of_the_system_plug_in(tmpdir):
    found = events(put(tmpdir, 'paste.txt', record(1, 'Handling request GET /system/agents/attribution') + record(
        2, 'Exception reading file /x/Plug-ins/Other.bundle/Contents/Info.plist', 'CRITICAL', 'storage:60') + record(
        3, "Exception performing search in '%s'" % AGENT, 'CRITICAL', 'agentservice:9')))
    assert [event['agent'] for event in found] == [logs.SYSTEM] * 2
    mixed = events(put(
        tmpdir, 'mixed.txt', '%s.log:\n\n' % AGENT + traceback_record(3) + '\n`%s.log`\n' % logs.SYSTEM +
        record(4, 'it went wrong', 'ERROR', 'networking:1') + '\n\nPlex Media Server.log:\n' +
        "Feb 03, 2026 21:14:07 [0x7f4c] ERROR - Error received reading configuration for %s\n" % AGENT))
    assert [event['agent'] for event in mixed] == [AGENT, logs.SYSTEM, AGENT]


def test_record_of_the_server_without_its_time(tmpdir):
    found = events(put(tmpdir, 'x.md', 'I get\n\n[14152] ERROR - [Req#1/PhotoTranscoder] Metadata request failed\n'
                                       '[see] it\n'))
    assert [(event['level'], event['time'], event['line']) for event in found] == [('ERROR', None, 3)]


def test_noise_in_a_paste(tmpdir):
    server = 'Feb 03, 2026 21:14:%02d.318 [0x7f4c] %s - %s\n'
    path = put(tmpdir, 'paste.txt', 'I see\n\n' + server % (1, 'WARN', 'JobManager: Could not find job for handle 1') +
               server % (2, 'ERROR', '[Req#12] BufferingLineReader: failed to read line (error: -1)') + server % (
                   3, 'ERROR', 'Cannot read model from x'))
    assert [event['noise'] for event in events(path)] == ['finished job asked for again', 'reader closed', None]
    assert logs.aggregate([path])['noise_events'] == 2
    line = '2026-02-03 21:14:07,318 - %s (7f4c) :  ERROR (model:205) - Cannot read model from /x\n'
    path = put(tmpdir, 'console.txt', (line % AGENT + line % 'com.plexapp.agents.other') * 3)
    assert sorted((row['agent'], row['count']) for row in logs.aggregate([path])['patterns']) == [
        (AGENT, 3), ('com.plexapp.agents.other', 3)]


def test_contributing_agent_is_not_the_primary_one(tmpdir):
    text = traceback_record(3).replace("update function of agent named 'Example', called with guid '%s'" % GUID, (
        "search function of agent named 'Minor', called with keyword arguments {'id': '7', 'guid': '%s', "
        "'primary_agent': '%s'}" % (GUID, AGENT))).replace('Example.bundle', 'Minor.bundle')
    event, = events(put(tmpdir, 'paste.txt', text))
    assert (event['agent'], event['rating_key'], event['guid']) == ('Minor.bundle', '7', GUID)


def test_any_identifier_names_a_plug_ins_log(tmpdir):
    put(tmpdir, 'PMS Plugin Logs/house.example.agent.log', traceback_record(3))
    put(tmpdir, 'dev.example.agent.log', traceback_record(3))
    assert sorted(event['agent'] for event in events(tmpdir)) == ['dev.example.agent', 'house.example.agent']


def report(path):
    return logs.report_lines(logs.aggregate([path]))


def test_report_says_what_a_paste_lacks(tmpdir):
    assert events(put(tmpdir, 'file.txt', BODY.rsplit('\n', 1)[0] + '\n  File'))[0]['exception'] is None
    cut = report(put(tmpdir, 'cut.txt', BODY.rsplit('\n', 1)[0] + '\n  File "/var/lib/plexmedia\n'))
    assert cut[0] == 'Plex logs without times' and '0.9 KB' in cut[1]
    assert '  1. Exception in the update function (the log ends before it says which)' in cut
    assert '     no item named, 1 time, when is not logged' in cut
    lines = report(put(tmpdir, 'long.txt', WHOLE.replace("'title'", "'%s'" % ' '.join(['word'] * 60))))
    assert [line for line in lines if 'word' in line][0].startswith("  1. KeyError: 'word word")
    assert [line for line in lines if 'word' in line][2].endswith('...') and max(len(line) for line in lines) <= 80
    assert '     1 item, 1 time, 2026-02-03T21:14' in lines and '     items %s' % GUID in lines
    bare = report(put(tmpdir, 'bare.txt', record(1, "Exception adding bundle 'x' (most recent call last):", 'ERROR')))
    assert "  %6d x a plug-in: Exception adding bundle 'x'" % 1 in bare
    cut = report(put(tmpdir, 'cut.txt', record(1, "Exception adding bundle 'x' (most recent call last):\n  File \"/a/b.py\","
                                                  ' line 7, in f\n', 'ERROR')))
    assert "  %6d x a plug-in: Exception adding bundle 'x' (the log ends before it says" % 1 in cut
    empty = report(put(tmpdir, 'empty.txt', record(1, 'all is well', 'INFO')))
    assert 'Agents' not in empty and '  nothing: no agent reported an error that is not noise' in empty


def test_scanner_that_does_not_load(tmpdir):
    event, = events(put(tmpdir, 'Plex Media Scanner.log',
                        'Feb 03, 2020 21:14:07.318 [0x7f4c] ERROR - No module in Own Scanner\n'))
    assert event['agent'] == 'Own Scanner'


def test_scanner_among_the_bundled_ones(tmpdir):
    event, = events(put(tmpdir, 'x.txt', 'Error in Python: Looking up module:\nTraceback (most recent call last):\n'
                        '  File "/x/Plug-ins-1/Scanners.bundle/Contents/Resources/Series/Own Scanner.py", line 4, in '
                        '<module>\n    import x\nImportError: No module named x\n'))
    assert (event['agent'], event['kind']) == ('Own Scanner', 'scanner')


def test_scanner_traceback(tmpdir):
    put(tmpdir, 'Plex Media Scanner.log', 'Feb 03, 2020 21:14:07.318 [0x7f4c] ERROR - Error in Python: Running '
                                          'scanner:\n'
        'Traceback (most recent call last):\n  File "/x/Plex Media Server/Scanners/Series/Own Scanner.py", line 349, '
        'in Scan\n    re.compile(y)\n'
        '  File "/usr/lib/python2.7/re.py", line 190, in compile\n    return z\nerror: bad character range\n'
        'Feb 03, 2020 21:14:07.400 [0x7f4c] DEBUG - next\n')
    event, = events(tmpdir)
    assert (event['agent'], event['kind'], event['exception']) == ('Own Scanner', 'scanner', 'error')
    assert event['own_frames'][0]['file'] == 'Scanners/Series/Own Scanner.py'


def test_a_long_log_of_an_agents_own_is_cut_between_its_records(tmpdir, monkeypatch):
    for name in ('LONGEST_PASTE', 'LARGEST'):
        monkeypatch.setattr(logs, name, 20000)
    text = ''.join('2026-02-03 21:14:%02d,100 - 1f3c - %s\n' % (second % 60, 'looking at it ' * 6) + (
        traceback_record(5) if second % 7 == 0 else '') for second in range(1400))
    path = put(tmpdir, 'Plug-in Support/Data/%s/DataItems/_Logs/_root_.agent.log' % AGENT, text)
    document = logs.aggregate([path])
    assert [(row['exception'], row['count']) for row in document['patterns']] == [('KeyError', 200)]


def test_own_log_of_an_agent(tmpdir):
    put(tmpdir, 'Plug-in Support/Data/%s/DataItems/_Logs/Series/Show.agent-update.log' % AGENT,
        '=' * 157 + '\nSearch()\nERROR: common.load() - issue loading url: https://x.example/1, Exception: \'HTTP '
                    'Error 404: Not Found\'\nfine\n')
    event, = events(tmpdir)
    assert (event['agent'], event['line']) == (AGENT, 3)


# ------------------------------------------------------------------------------------------------------------ artifacts
def test_artifacts(tmpdir):
    folder = tmpdir.mkdir('Logs')
    plug_in_log(folder, call(1) + traceback_record(3) + record(4, 'token aBc4-23_abcdeFGHijkl of zelda@mail.example',
                                                               'ERROR', 'a:1'))
    run = str(tmpdir.mkdir('run'))
    code = logs.main(['--logs', str(folder), '--run-dir', run, '--iteration', '3', '--events',
                      os.path.join(run, 'e.jsonl'), '--quiet'])
    assert code == 0
    assert sorted(os.listdir(run)) == ['aggregated_logs_iteration_3.json', 'aggregated_logs_iteration_3.txt', 'e.jsonl']
    document = logs.read_aggregate(logs.aggregate_path(run, 3))
    assert document['schema'] == logs.AGGREGATE_SCHEMA and len(document['shortlist']) == 2
    assert {'window', 'files', 'agents', 'patterns', 'shortlist', 'unread'} <= set(document)
    for name in os.listdir(run):
        with io.open(os.path.join(run, name), encoding='utf-8') as source:
            text = source.read()
        assert 'aBc4-23' not in text and 'zelda' not in text
        if name.endswith('.txt'):
            assert max(len(line) for line in text.split('\n')) <= 80
    with io.open(os.path.join(run, 'e.jsonl'), encoding='utf-8') as source:
        assert [json.loads(line)['line'] for line in source] == [2, 13]
    assert logs.main(['--logs', str(folder), '--run-dir', run, '--iteration', '4', '--resume',
                      logs.aggregate_path(run, 3), '--quiet']) == 0
    assert logs.read_aggregate(logs.aggregate_path(run, 4))['patterns'] == []


def test_sizes_of_packed_logs_are_those_of_their_text(tmpdir):
    text = traceback_record(4).encode('utf-8') * 50
    with gzip.open(str(tmpdir.join('a.log.gz')), 'wb') as out:
        out.write(text)
    with zipfile.ZipFile(str(tmpdir.join('b.zip')), 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('com.plexapp.agents.b.log', text)
    tmpdir.join('c.log').write_binary(text)
    streams, _ = logs.find_streams([str(tmpdir)])
    assert [log.size() for stream in streams for log in stream.files] == [len(text)] * 3


def slow_here(monkeypatch):
    """Leave the helpers of this process time to take a log too: each takes the next one when it can."""
    scan, here = logs.scan_stream, os.getpid()

    def scan_stream(row, tick=None):
        if os.getpid() == here:
            time.sleep(.3)
        return scan(row, tick)
    monkeypatch.setattr(logs, 'scan_stream', scan_stream)


@pytest.mark.parametrize('jobs', [2, 3])
@pytest.mark.parametrize('sent', [None, b'', b'\0\0\1\0half'])
def test_jobs_give_the_same_also_where_a_helper_is_killed(tmpdir, monkeypatch, jobs, sent):
    plug_in_log(tmpdir, call(1) + traceback_record(3))
    for name, function in (('other', 'tags'), ('third', 'roles'), ('fourth', 'art')):
        put(tmpdir, 'PMS Plugin Logs/com.plexapp.agents.%s.log' % name, traceback_record(4, function=function))
    alone = logs.aggregate([str(tmpdir)], jobs=1)
    slow_here(monkeypatch)
    taken = str(tmpdir.join('taken'))

    def killed(sender, receiver, queue, work):
        with open(taken, 'ab') as out:
            out.write(os.read(queue, logs.QUEUED.size))
        os.write(sender, sent)
        os._exit(0)
    if sent is not None:
        monkeypatch.setattr(logs, 'scan_for_another', killed)
    both = logs.aggregate([str(tmpdir)], jobs=jobs)
    assert alone['patterns'] == both['patterns'] and alone['agents'] == both['agents']
    assert sent is None or os.path.getsize(taken) == (jobs - 1) * logs.QUEUED.size      # what they took was lost


def test_each_log_is_read_by_one_of_the_processes(tmpdir, monkeypatch):
    for number in range(7):
        put(tmpdir, 'PMS Plugin Logs/com.plexapp.agents.a%d.log' % number, traceback_record(4))
    scan, read = logs.scan_stream, str(tmpdir.mkdir('read').join('by'))

    def scan_stream(row, tick=None):
        with open(read, 'a') as out:
            out.write('%s %d\n' % (row[0].base, os.getpid()))
        time.sleep(.1)
        return scan(row, tick)
    monkeypatch.setattr(logs, 'scan_stream', scan_stream)
    document = logs.aggregate([str(tmpdir.join('PMS Plugin Logs'))], jobs=2)
    with open(read) as source:
        rows = [line.split() for line in source]
    assert len(rows) == len(set(name for name, _ in rows)) == len(document['agents']) == 7
    assert len(set(process for _, process in rows)) == 2


def test_more_logs_than_a_queue_holds_are_all_read(tmpdir, monkeypatch):
    for number in range(5):
        put(tmpdir, 'PMS Plugin Logs/com.plexapp.agents.a%d.log' % number, traceback_record(4))
    monkeypatch.setattr(logs, 'MOST_QUEUED', 2)
    assert len(logs.aggregate([str(tmpdir)], jobs=2)['agents']) == 5


@pytest.mark.parametrize('pipes', [0, 1, 2])
def test_no_room_for_open_files_only_costs_helpers(tmpdir, monkeypatch, pipes):
    for name in 'abc':
        put(tmpdir, 'PMS Plugin Logs/com.plexapp.agents.%s.log' % name, traceback_record(4))
    make, made = os.pipe, []

    def pipe():
        if len(made) == pipes:
            raise OSError(errno.EMFILE, 'Too many open files')
        made.append(1)
        return make()
    monkeypatch.setattr(os, 'pipe', pipe)
    document = logs.aggregate([str(tmpdir)], jobs=3)
    assert len(document['agents']) == 3 and not document['unread'] and len(made) == pipes


@pytest.mark.skipif(os.name != 'posix', reason='a shell closes the streams')
def test_closed_streams_are_as_good_as_empty_ones(tmpdir):
    plug_in_log(tmpdir, traceback_record(4))
    command = '%s %s --logs %s --logs - <&- >&- 2>&-' % (sys.executable, logs.__file__.replace('.pyc', '.py'), tmpdir)
    assert subprocess.call(['sh', '-c', command]) == 0


def test_what_stops_a_helper_stops_the_aggregation(tmpdir, monkeypatch):
    here = os.getpid()

    def scan_stream(row, tick=None):
        if os.getpid() != here or not tick:     # a helper, and this process when it tries what that had taken
            raise ValueError(row[0].base)
        time.sleep(.3)
        return {'bytes': 0}
    for name in 'ab':
        put(tmpdir, 'PMS Plugin Logs/com.plexapp.agents.%s.log' % name, traceback_record(4))
    monkeypatch.setattr(logs, 'scan_stream', scan_stream)
    with pytest.raises(ValueError):
        logs.aggregate([str(tmpdir)], jobs=2)


@pytest.mark.parametrize('text,seconds', [('24h', 100 * 86400 - 86400), ('7d', 93 * 86400), ('30m', 100 * 86400 - 1800),
                                          ('1970-01-02T00:00:00Z', 86400), ('1970-01-02T01:00+01:00', 86400),
                                          ('1970-01-02', 86400)])
def test_moments(text, seconds):
    assert logs.moment_of(text, now=100 * 86400) == seconds


@pytest.mark.parametrize('text', ['soon', '2026-13-01', '5x', ''])
def test_no_moment(text):
    with pytest.raises(logs.Problem):
        logs.moment_of(text)


def test_epoch_seconds():
    import calendar
    for day in range(0, 40000, 13):
        moment = logs.time.gmtime(day * 86400 + 3723)
        assert logs.epoch_seconds(*moment[:6]) == calendar.timegm(moment)


@pytest.mark.parametrize('word', [b' ERROR', b'aa', b'aXbXc' * 60])
@pytest.mark.parametrize('begin', [b' ERROR\0 ERRORaaaaa', b' ERROR ERRORaaaaa'])
def test_all_ways_of_finding_give_the_same_places(word, begin):
    data = begin + word * 3 + b'x' * 5000 + word[:-1] + b'\n' + word
    for end in (0, 1, len(word), 17, 2000, len(data) - 1, len(data), len(data) + 9):
        expected = [place for place in range(len(data)) if data[place:min(end, len(data))].startswith(word)]
        for finder in logs.finders():
            assert finder(data, end)(word) == expected


def test_noise_on_both_sides_of_midnight_is_counted_on_its_day(tmpdir, monkeypatch):
    """A day of UTC ends in the middle of an hour where the clock is half an hour off."""
    monkeypatch.setenv(str('TZ'), str('XXX-05:30'))
    if not hasattr(logs.time, 'tzset'):
        pytest.skip('this system cannot change its zone')
    logs.time.tzset()
    lines = ['2026-02-03 05:%02d:00,000 (7f4c) :  ERROR (model:205) - Cannot read model from /x\n' % minute
             for minute in (10, 20, 29, 30, 31)]
    path = tmpdir.join('com.plexapp.agents.example.log')
    path.write(''.join(lines))
    noise, = logs.aggregate([str(path)])['patterns']
    assert noise['days'] == {'2026-02-02': 3, '2026-02-03': 2}
    assert (noise['first_seen'], noise['last_seen']) == ('2026-02-02T23:40:00Z', '2026-02-03T00:01:00Z')


def test_request_tags_of_the_server_are_no_part_of_a_message(tmpdir):
    lines = ['Feb 03, 2026 21:14:%02d.318 [10816] ERROR - [Req#%x/HCl#%x] HTTP/1.1 (0.2s) 500 response from POST '
             'http://192.168.1.20:8080/library/metadata/matches' % (second, second, second + 7) for second in range(23)]
    path = tmpdir.join('Plex Media Server.log')
    path.write('\n'.join(lines) + '\n')
    row, = logs.aggregate([str(path)])['patterns']
    assert row['messages'] == [{'text': 'HTTP/1.1 (0.2s) 500 response from POST '
                                        'http://<address>:8080/library/metadata/matches', 'count': 23}]


@pytest.mark.parametrize('jobs', [1, 2])
def test_progress_grows_to_the_end(tmpdir, jobs):
    for name in ('a', 'b'):
        tmpdir.join('com.plexapp.agents.%s.log' % name).write(record(7, 'nothing') * 9001)
    seen = []
    logs.aggregate([str(tmpdir)], jobs=jobs, progress=lambda done, total: seen.append((done, total)))
    total = sum(path.size() for path in tmpdir.listdir())
    assert seen == sorted(seen) and seen[-1] == (total, total) and len(seen) > 2


def test_bar_is_drawn_after_a_second_and_ends_its_line(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(logs.time, 'time', lambda: now[0])
    out = io.StringIO()
    bar = logs.ProgressBar(out)
    bar(1, 23)
    assert out.getvalue() == ''
    now[0] += 1.5
    for done in (7, 7, 23):
        bar(done, 23)
    assert out.getvalue() == '\r[%-40s]  30 %%\r[%s] 100 %%\n' % ('#' * 12, '#' * 40)


def test_damaged_year_is_no_time(tmpdir):
    """2.7 cannot write a year before 1900."""
    path = tmpdir.join('com.plexapp.agents.example.log')
    path.write(record(7, 'kept', 'ERROR') + record(8, 'kept', 'ERROR').replace('2026', '1026') + record(9, 'x', 'INFO'))
    row, = logs.aggregate([str(path)])['patterns']
    assert (row['count'], row['first_seen'], row['last_seen']) == (2, '2026-02-03T21:14:07Z', '2026-02-03T21:14:07Z')


def test_requests_before_are_counted_by_record(tmpdir):
    """An outage that hits every item is seen at every record looked at, however few they are."""
    lines = []
    for number in range(23):
        url = "'https://api.example.com/v2/item/%d'" % number
        lines += [record(3, 'Requesting ' + url, minute=number), record(4, 'Error opening URL ' + url, 'ERROR',
                                                                        'networking:197', minute=number),
                  traceback_record(5, guid=GUID.replace('4711', str(number)), minute=number)]
    path = tmpdir.join(AGENT + '.log')
    path.write(''.join(lines))
    row = [one for one in logs.aggregate([str(path)])['patterns'] if one['exception']][0]
    assert row['count'] == 23 and row['looked_back'] == 9       # the first seven, the tenth and the twentieth
    assert row['preceding'] == [{'host': 'api.example.com', 'status': 'failed', 'url_shape': '/v<n>/item/<n>',
                                 'count': 9}]


def test_a_failed_request_that_the_plug_in_tells_of_itself_counts(tmpdir):
    url = "'https://api.example.com/v1/item/77'"
    own = ['<urlopen error [Errno -2] Name or service not known>', 'HTTP Error 503: Service Unavailable', '404 Client Error',
           'timed out']
    for number, text in enumerate(own):
        for asked, host in ((record(2, 'Requesting ' + url, place='networking:144'), 'api.example.com'), ('', None)):
            folder = tmpdir.mkdir('%d%s' % (number, host))
            plug_in_log(folder, call(1) + asked + record(3, 'No page: ' + text, 'ERROR', '__init__:7')
                        + traceback_record(4) + answer(5))
            row = [one for one in patterns(folder) if one['exception']][0]
            assert [(one['host'], one['status']) for one in row['preceding']] == [
                (host, ['unreachable', 503, 404, 'time-out'][number])]
    folder = tmpdir.mkdir('other')
    plug_in_log(folder, call(1) + record(2, 'Requesting ' + url, place='networking:144') + record(
        3, "Pool(host='faces.example.org', port=80): Max retries exceeded", 'ERROR', '__init__:7') + traceback_record(4))
    row = [one for one in patterns(folder) if one['exception']][0]      # the one that was asked has answered
    assert [(one['host'], one['status']) for one in row['preceding']] == [(None, 'unreachable'), ('api.example.com', None)]
    assert [logs.names_other_host(b'://%s/x failed' % host, 'http://www.example.co.uk/') for host in (
        b'api.example.co.uk', b'www.example2.co.uk', b'example.com')] == [False, True, True]


def test_escaped_letters_are_letters_for_people():
    assert logs.readable(r"'/films/Caf\xc3\xa9 \u0160 \x41 \xe9 \xc3'") == '\'/films/Caf\xe9 \u0160 \\x41 \\xe9 \\xc3\''
    assert logs.readable(r'ada\u0040example.org\u000a\u0085') == r'ada\u0040example.org\u000a\u0085'     # as redacted


def test_pieces_of_a_log_are_let_go(tmpdir, monkeypatch):
    """What a thread's last error was must not keep the piece of the log that it stood in: memory stays flat."""
    monkeypatch.setattr(logs, 'CHUNK', 1 << 12)
    text = ''.join(traceback_record(number % 60, thread='%x' % (number + 4096), guid=GUID.replace('4711', str(number)))
                   for number in range(97))
    path = tmpdir.join(AGENT + '.log')
    path.write(text)
    stream = logs.Stream(AGENT, AGENT, logs.PLUG_IN, [logs.LogFile(str(path), 'x.log')])
    tally = logs.Tally()
    scan = logs.Scan(stream, logs.Zone(0), tally.add, count=tally.count)
    scan.run()
    scan.earlier = []
    held = [one for row in (list(tally.ended.values()) + list(tally.latest.values())) for one in row
            if isinstance(one, bytes) and len(one) > 1000]
    assert len(tally.ended) == 97 and held == []


def test_a_year_beyond_the_calendar_of_the_system_stops_nothing(tmpdir, monkeypatch):
    def localtime(seconds=None):
        raise OverflowError('timestamp out of range')
    monkeypatch.setattr(logs.time, 'localtime', localtime)
    plug_in_log(tmpdir, (record(1, 'Cannot read model from /x', 'ERROR', 'model:205') * 7).replace('2026-', '9026-'))
    noise, = logs.aggregate([str(tmpdir)])['patterns']
    assert noise['noise'] and noise['count'] == 7
