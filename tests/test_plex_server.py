# -*- coding: utf-8 -*-
"""The HTTP interface of implement_fix.py against stubs that answer well, badly, late, or not at all."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import socket
import threading
import time
from argparse import Namespace

import pytest

import implement_fix as fix
from aggregate_plex_logs import Problem
from implement_rig import TOKEN, Stub, write

SECTIONS = '''<MediaContainer size="2">
<Directory key="3" type="show" title="Anim\u00e9" agent="com.plexapp.agents.sample" language="en" refreshing="1">
<Location id="5" path="/data/anime"/><Location id="7" path="/data/more"/></Directory>
<Directory key="5"/></MediaContainer>'''
ITEM = '''<MediaContainer size="1" librarySectionID="3"><Directory ratingKey="371" guid="com.plexapp.agents.sample://17?lang=en"
type="show" title="Example" summary="" year="2014" thumb="/library/metadata/371/thumb/1770000001" updatedAt="1770000001"
leafCount="13"><Genre tag="Action"/><Genre tag="Drama"/><Role tag="A"/><Field locked="1" name="title"/>
<Field locked="0" name="summary"/></Directory></MediaContainer>'''
TREE = '''<MediaContainer><MetadataItem id="371" refreshedAt="1770000007" updatedAt="1770000005"><MetadataItem id="372"
refreshedAt="11"/></MetadataItem></MediaContainer>'''
ACTIVITIES = '''<MediaContainer size="3"><Activity uuid="a" type="library.update.item.metadata" title="Refreshing" progress="31">
<Context key="/library/metadata/371"/></Activity><Activity uuid="b" type="library.update.section" progress="-1">
<Context librarySectionID="3"/></Activity><Activity uuid="c"/></MediaContainer>'''


def server(stub, **how):
    how.setdefault('patience', 0)
    return fix.PlexServer(stub.url, TOKEN, **how)


def test_an_item_is_read_with_what_it_has_and_without_what_it_lacks():
    with Stub(answers={'/library/metadata/371': (200, ITEM), '/library/metadata/373': (200, '<MediaContainer/>')}) as stub:
        item = server(stub).item('371')
        assert item == {
            'rating_key': '371', 'guid': 'com.plexapp.agents.sample://17?lang=en', 'type': 'show', 'title': 'Example',
            'section_key': '3', 'locked': ['title'], 'updated_at': 1770000001,
            'fields': {'title': 'Example', 'year': '2014', 'thumb': 1, 'leafCount': '13', 'Genre': 2, 'Role': 1}}
        assert server(stub).item('373') is None
        assert server(stub).item('379') is None             # 404
        assert stub.seen[0] == 'GET /library/metadata/371?skipRefresh=1&checkFiles=0'


def test_everything_tolerates_missing_attributes():
    empty = (200, '<MediaContainer><Directory/><Video ratingKey="7"/><Activity/><Plugin/><SearchResult score="x"/></MediaContainer>')
    paths = ['/identity', '/library/sections', '/library/sections/1/all', '/library/metadata/1/tree', '/activities',
             '/library/sections/1/timeline', '/:/plugins', '/library/metadata/1/matches']
    with Stub(answers=dict((path, empty) for path in paths)) as stub:
        plex = server(stub)
        assert plex.identity() == {'machine_identifier': None, 'version': None}
        assert plex.sections()[0]['agent'] is None and plex.sections()[0]['locations'] == []
        assert [row['rating_key'] for row in plex.items('1')] == ['7']
        assert plex.tree_times('1') == {'refreshed_at': None, 'updated_at': None}
        assert plex.activities()[0]['rating_key'] is None
        assert plex.update_queue_size('1') is None
        assert plex.plugins() == [{'identifier': None, 'state': None}]
        assert plex.matches('1') == [{'guid': None, 'name': None, 'year': None, 'score': None}]


def test_sections_tree_and_activities():
    with Stub(answers={'/library/sections': (200, SECTIONS), '/library/metadata/371/tree': (200, TREE),
                       '/activities': (200, ACTIVITIES),
                       '/library/sections/3/timeline': (200, '<MediaContainer updateQueueSize="7"/>')}) as stub:
        plex = server(stub)
        first, second = plex.sections()
        assert (first['title'], first['refreshing'], first['locations']) == ('Anim\u00e9', True, ['/data/anime', '/data/more'])
        assert second['refreshing'] is False
        assert plex.tree_times('371') == {'refreshed_at': 1770000007, 'updated_at': 1770000005}
        assert [(row['uuid'], row['rating_key'], row['progress']) for row in plex.activities()] == [
            ('a', '371', 31), ('b', None, -1), ('c', None, None)]
        assert plex.update_queue_size('3') == 7
        assert plex.update_queue_size('5') is None          # 404


def test_a_long_section_is_read_page_by_page(monkeypatch):
    monkeypatch.setattr(fix, 'PAGE', 5)

    def page(handler):
        start = int(handler.headers['X-Plex-Container-Start'])
        rows = ''.join('<Video ratingKey="%d"/>' % key for key in range(start, min(start + 5, 13)))
        return 200, '<MediaContainer totalSize="13">%s</MediaContainer>' % rows
    with Stub(answers={'/library/sections/3/all': page}) as stub:
        assert [row['rating_key'] for row in server(stub).items('3', 2)] == [str(number) for number in range(13)]
        assert len(stub.seen) == 3 and stub.seen[0].endswith('?type=2')


def test_what_changes_the_server_is_put_and_quoted():
    answers = dict((path, (200, '')) for path in ('/library/metadata/7/refresh', '/log'))
    with Stub(answers=answers) as stub:
        plex = server(stub)
        plex.refresh(7)
        plex.write_log_mark('caf\u00e9 & more')
        assert stub.seen[0] == 'PUT /library/metadata/7/refresh?force=1'
        assert stub.seen[1].startswith('PUT /log?') and 'caf%C3%A9+%26+more' in stub.seen[1]
        with pytest.raises(fix.ServerError):
            plex.restart_plugin('../../evil?x=1')
        assert stub.seen[2] == 'GET /:/plugins/..%2F..%2Fevil%3Fx%3D1/restart'


def test_the_token_travels_in_its_header_only():
    with Stub(answers={'/identity': (200, '<MediaContainer version="1"/>')}) as stub:
        server(stub).identity()
        assert stub.headers[0]['x-plex-token'] == TOKEN
        assert TOKEN not in stub.seen[0]
        fix.PlexServer(stub.url, None, patience=0).identity()
        assert 'x-plex-token' not in stub.headers[1]


@pytest.mark.parametrize('status, words', [(401, '--token-file'), (403, '--token-file'), (404, '404'), (500, '500'),
                                           (503, 'starting')])
def test_a_refusal_is_one_sentence_with_its_status(status, words):
    with Stub(answers={'/identity': (status, '<html>%s</html>' % TOKEN)}) as stub:
        with pytest.raises(fix.ServerError) as refusal:
            server(stub).identity()
        assert refusal.value.status == status and refusal.value.code == 4
        assert words in refusal.value.sentence and TOKEN not in refusal.value.sentence


def test_a_redirect_to_another_server_is_refused_and_gets_no_token():
    with Stub(answers={'/identity': (200, '<MediaContainer/>')}) as other:
        away = (302, '', {'Location': other.url + '/identity'})
        with Stub(answers={'/identity': away, '/x': (302, '', {'Location': '/y'}), '/y': (200, '<a/>')}) as stub:
            with pytest.raises(fix.ServerError) as refusal:
                server(stub).identity()
            assert other.seen == [] and '--plex-url' in refusal.value.sentence
            assert server(stub)._xml('GET', '/x').tag == 'a'     # on the same server it is followed


@pytest.mark.parametrize('body', ['<MediaContainer', 'hello', '', '<?xml version="1.0" encoding="klingon"?><a/>'])
def test_an_answer_that_is_not_xml_is_one_sentence(body):
    with Stub(answers={'/identity': (200, body)}) as stub:
        with pytest.raises(fix.ServerError) as refusal:
            server(stub).identity()
        assert 'XML' in refusal.value.sentence


def silent_server(answer):
    """A listener that takes one connection and sends these bytes, then waits 5 s (or closes at once for None)."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(3)

    def serve():
        connection = listener.accept()[0]
        if answer is not None:
            connection.recv(4096)
            connection.sendall(answer)
            time.sleep(5)
        connection.close()
    thread = threading.Thread(target=serve)
    thread.daemon = True
    thread.start()
    return 'http://127.0.0.1:%d' % listener.getsockname()[1], listener


@pytest.mark.parametrize('answer', [b'', b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<Medi', b'HTTP/1.1 200 OK\r\nX: '])
def test_a_server_that_falls_silent_costs_one_time_out(answer):
    url, listener = silent_server(answer)
    began = time.time()
    with pytest.raises(fix.ServerError) as refusal:
        fix.PlexServer(url, TOKEN, timeout=.3, patience=0).identity()
    assert time.time() - began < 3
    assert 'no answer in time' in refusal.value.sentence and TOKEN not in refusal.value.sentence
    listener.close()


@pytest.mark.parametrize('answer', [None, b'\x00\xff nonsense\r\n\r\n'])
def test_a_server_that_hangs_up_or_talks_nonsense_is_one_sentence(answer):
    url, listener = silent_server(answer)
    with pytest.raises(fix.ServerError):
        fix.PlexServer(url, TOKEN, timeout=.3, patience=0).identity()
    listener.close()


def test_without_a_server_the_answer_is_quick_and_names_plex_url():
    began = time.time()
    with pytest.raises(fix.ServerError) as refusal:
        fix.PlexServer('http://127.0.0.1:9', TOKEN).identity()
    assert time.time() - began < 3 and '--plex-url' in refusal.value.sentence


def test_a_server_that_is_starting_is_waited_for():
    left = [(503, '<Response code="503"/>')] * 2 + [(200, '<MediaContainer version="7"/>')]
    with Stub(answers={'/identity': lambda handler: left.pop(0)}) as stub:
        assert server(stub, patience=10).identity()['version'] == '7'


def test_a_server_that_was_there_and_restarts_is_waited_for():
    with Stub(answers={'/identity': (200, '<MediaContainer version="7"/>')}) as stub:
        plex = server(stub, patience=10)
        plex.identity()
        address = stub.server.server_address
    again = Stub(answers={'/identity': (200, '<MediaContainer version="11"/>')})

    def later():
        time.sleep(.5)
        again.address = address
        again.__enter__()
    thread = threading.Thread(target=later)
    thread.start()
    assert plex.identity()['version'] == '11'
    thread.join()
    again.__exit__()


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    monkeypatch.setenv(str('http_proxy'), str('http://127.0.0.1:9'))
    monkeypatch.setenv(str('all_proxy'), str('http://127.0.0.1:9'))
    with Stub(answers={'/identity': (200, '<MediaContainer version="1"/>')}) as stub:
        assert server(stub).identity()['version'] == '1'


@pytest.mark.parametrize('url', ['http://h:32400/?X-Plex-Token=' + TOKEN, 'http://u:%s@h:32400' % TOKEN, 'h:32400',
                                 'ftp://h', '', 'http://h:port', 'http://h\u00e9:32400', 'http://[::1', 'http://h/#' + TOKEN])
def test_an_odd_address_is_refused_without_being_repeated(url):
    with pytest.raises(Problem) as refusal:
        fix.PlexServer(url, None)
    assert '--plex-url' in refusal.value.sentence and TOKEN not in refusal.value.sentence


def options(**how):
    return Namespace(**dict({'plex_url': None, 'token_file': None, 'plex_home': None}, **how))


def test_the_token_is_looked_for_in_this_order(tmpdir, monkeypatch):
    monkeypatch.delenv(str('PLEX_TOKEN'), raising=False)
    home = str(tmpdir.mkdir('Plex Media Server'))
    assert fix.find_token(None, None) is None and fix.find_token(None, home) is None
    write(os.path.join(home, '.LocalAdminToken'), 'local-1\n')
    assert fix.find_token(None, home) == 'local-1'
    write(os.path.join(home, 'Preferences.xml'), '<Preferences PlexOnlineToken="online-2"/>')
    assert fix.find_token(None, home) == 'online-2'
    monkeypatch.setenv(str('PLEX_TOKEN'), str('environment-3'))
    assert fix.find_token(None, home) == 'environment-3'
    write(str(tmpdir.join('token')), '\ufefffile-5 \r\n')
    assert fix.find_token(str(tmpdir.join('token')), home) == 'file-5'


@pytest.mark.parametrize('text', ['', 'two words', 'line\nbreak', 'caf\u00e9', '\0', 'x' * 5000])
def test_what_is_no_token_is_refused_unseen(tmpdir, text):
    path = str(tmpdir.join('token'))
    write(path, text)
    with pytest.raises(Problem) as refusal:
        fix.find_token(path, None)
    assert '--token-file' in refusal.value.sentence and (not text or text not in refusal.value.sentence)


def test_a_token_file_that_cannot_be_read_is_named_by_its_option(tmpdir):
    with pytest.raises(Problem) as refusal:
        fix.find_token(str(tmpdir.join('gone')), None)
    assert '--token-file' in refusal.value.sentence


@pytest.mark.parametrize('text', ['<Preferences', '<Preferences/>', '', '<Preferences PlexOnlineToken="a b"/>'])
def test_damaged_preferences_give_no_token(tmpdir, text, monkeypatch):
    monkeypatch.delenv(str('PLEX_TOKEN'), raising=False)
    write(str(tmpdir.join('Preferences.xml')), text)
    assert fix.find_token(None, str(tmpdir)) is None


def test_connect_takes_address_and_token_from_where_the_options_say(tmpdir, monkeypatch):
    monkeypatch.setenv(str('PLEX_URL'), str('http://nas:32400/'))
    monkeypatch.setenv(str('PLEX_TOKEN'), str('environment-3'))
    plex = fix.connect(options(plex_home=str(tmpdir)))
    assert (plex.url, plex._token) == ('http://nas:32400', 'environment-3')
    assert fix.connect(options(plex_url='http://127.0.0.1:1')).url == 'http://127.0.0.1:1'


def test_a_token_that_the_server_made_anew_is_read_anew(tmpdir, monkeypatch):
    monkeypatch.delenv(str('PLEX_TOKEN'), raising=False)
    write(str(tmpdir.join('.LocalAdminToken')), 'old')

    def gate(handler):
        if handler.headers['X-Plex-Token'] == 'new':
            return 200, '<MediaContainer/>'
        write(str(tmpdir.join('.LocalAdminToken')), 'new')
        return 401, ''
    with Stub(answers={'/activities': gate, '/never': (401, '')}) as stub:
        plex = fix.connect(options(plex_url=stub.url, plex_home=str(tmpdir)))
        assert plex.activities() == [] and len(stub.seen) == 2
        with pytest.raises(fix.ServerError):
            plex._ask('GET', '/never')
        assert len(stub.seen) == 3


def test_the_token_is_in_no_text_that_the_object_or_its_errors_give():
    with Stub(answers={'/x': (200, 'no xml')}) as stub:
        plex = server(stub)
        with pytest.raises(fix.ServerError) as refusal:
            plex._xml('GET', '/x', [('echo', TOKEN)])
        texts = [repr(plex), str(plex), repr(refusal.value), str(refusal.value), refusal.value.sentence]
        assert not [text for text in texts if TOKEN in text]


def test_a_server_that_repeats_the_token_in_its_path_is_not_quoted():
    with Stub() as stub:
        with pytest.raises(fix.ServerError) as refusal:
            server(stub)._ask('GET', '/' + TOKEN)
        assert TOKEN not in refusal.value.sentence
