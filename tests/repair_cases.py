# -*- coding: utf-8 -*-
"""What the agents of bundles/Harness read from upstream, whole and with one thing wrong at a time."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

GONE = object()                                 # the key is missing

PAGES = {
    ('Kinodb', 'update'): {
        'title': 'Der Film', 'names': {'original': ' The Film '}, 'plot': 'Viel geschieht.', 'year': '2013',
        'votes': {'average': '7.3'}, 'genres': [{'name': 'Drama'}, {'name': 'Krimi'}, {'name': 'Komödie'}],
        'companies': [{'name': 'Atlas'}], 'release': {'date': '2013-05-17'}, 'premiere': {'date': '2013-04-13'},
        'cast': [{'name': 'Anna', 'character': 'Eva (voice)', 'image': {'url': 'http://a'}},
                 {'name': 'Bert', 'character': 'Udo', 'image': {'url': 'http://b'}},
                 {'name': 'Cora', 'character': 'Ida', 'image': {'url': 'http://c'}}],
        'crew': [{'name': 'Dora', 'job': 'Director'}, {'name': 'Emil', 'job': 'Cutter'}],
        'countries': 'DE, AT', 'images': {'poster': 'http://p'}, 'tagline': 'Kurz'},
    ('Serienwiki', 'search'):
        '<r><hit id="11" year="2013"><title>Serie</title></hit><hit id="13" year="2017"><title>Serien</title></hit>'
        '<hit id="17" year="2019"><title>Die Serie</title></hit></r>',
    ('Serienwiki', 'update'):
        '<r><title>Serie</title><plot> Es beginnt. </plot><network><name>Kanal 7</name></network><runtime>43</runtime>'
        '<rating>7,9</rating><aired>2013-05-17</aired><genres>Drama|Krimi|</genres><years>2013-2019</years>'
        '<fsk>FSK 12</fsk>'
        '<episode season="1" episode="1" number="1"><title>Eins</title><plot>P1</plot></episode>'
        '<episode season="1" episode="2" number="2"><title>Zwei</title><plot>P2</plot></episode>'
        '<episode season="2" episode="1" number="3"><title>Drei</title><plot>P3</plot></episode>'
        '<episode season="2" episode="2" number="4"><title>Vier</title><plot>P4</plot></episode></r>',
    ('Hoerbuch', 'update'):
        '<h1> Das Buch </h1><b class="stars">3.7 Sterne</b><i>Verlag: Atlas</i><li class="voice">Anna</li>'
        '<em>Krimi</em><em>Drama</em><time>17 Mai 2013</time><u>ab 18</u><ol>Eins;Zwei</ol><s>Reihe</s><p>Text</p>',
    ('Nfolesen', 'update'):
        '<m><title>Film</title><year>2013</year><plot> Viel. </plot><source>a%20b</source>'
        '<credits count="2">Buch: Anna\nMusik: Bert</credits><set order="1">reihe eins</set>'
        '<set order="2">reihe zwei</set>'
        '<runtime>97 min</runtime><studio>Atlas</studio><company>C</company><tagline>kurz</tagline><genre>drama</genre>'
        '<genre>krimi</genre><mpaa>Rated PG</mpaa></m>',
    ('Studioseite', 'search'): {'results': [
        {'id': 11, 'title': 'Der Film', 'released': '2013-05-17', 'score': '7.1', 'rank': '3',
         'maker': {'name': 'Atlas'}},
        {'id': 13, 'title': 'Ein Film', 'released': '2017-01-13', 'score': '5.3', 'rank': '5',
         'maker': {'name': 'Bora'}},
        {'id': 17, 'title': 'Kein Film', 'released': '2019-11-02', 'score': '3.7', 'rank': '7',
         'maker': {'name': 'C'}}]},
    ('Studioseite', 'update'): {
        'slug': 'der-film', 'rating': '73', 'scale': 10, 'maker': {'name': 'Atlas'},
        'series': {'part': 2, 'title': 'Reihe'},
        'cast': [{'name': 'Anna'}, {'name': 'Eva'}, {'name': 'Bert'}, {'name': 'Udo'}],
        'tags': {'a': 5, 'b': 2, 'c': 1}, 'limits': {'b': '1', 'c': '3'}, 'lines': [' Eins ', ' Zwei '],
        'checks': [0, 1], 'text': '<p>Viel &amp; mehr</p>',
        'pictures': [{'url': 'http://a', 'order': 1}, {'url': 'http://b', 'order': 2}]},
    ('Teilmodul', 'update'): {
        'parts': [{'kind': 'title', 'text': 'Film'}, {'kind': 'plot', 'text': ' Viel. '},
                  {'kind': 'year', 'text': '2013'},
                  {'kind': 'people', 'names': ['Anna,Bert']}, {'kind': 'votes', 'list': [{'value': 3}, {'value': 7}]},
                  {'kind': 'writers', 'names': [{'last': 'Cora'}, {'last': 'Dora'}]}], 'studio': {'name': 'Atlas'}},
    ('Sportplatz', 'update'):
        '<f><league name="DE/Liga"><team id="a">Alpha</team><team id="b">Beta</team><row id="a" points="7"/>'
        '<row id="b" points="11"/></league><home id="a"/><away id="b"/><round number="1" done="yes"/>'
        '<round number="2" done="yes"/><round number="3" done="no"/>'
        '<match season="1" date="2013-05-17"><score>2:1</score><goal by="anna"/><guests><g name="G1"/></guests></match>'
        '<match season="1" date="2013-05-23"><score>0:3</score><goal by="cora"/><guests><g name="G2"/></guests></match>'
        '<match season="2" date="2013-06-01"><score>1:1</score><goal by="dora"/><guests><g name="G3"/></guests></match>'
        '<match season="2" date="2013-06-07"><score>-</score><guests/></match>'
        '<start>2013-05-01</start><open>yes</open><places><p>ulm</p><p>jena</p></places></f>',
    ('Seitenblick', 'search'):
        '<r><hit><a href="http://e/1-7.html">Der Film</a><date>am 17. Mai 2013</date></hit>'
        '<hit><a href="http://e/2-7.html">Ein Film</a><date>am 18. Mai 2014</date></hit>'
        '<hit><a href="http://e/1-9.html">Kein Film</a><date>am 19. Juni 2013</date></hit></r>',
    ('Seitenblick', 'update'):
        '<r><h1> Film </h1><p class="plot">Viel.</p><b class="studio"><a>Studio: Atlas</a></b><date>17. Mai 2013</date>'
        '<genre> Drama </genre><genre>Krimi</genre><actor><a href="/x">anna a</a><img src="http://i/1?x"/></actor>'
        '<actor><a href="/y">bert b</a><img src="http://i/2?x"/></actor><director>Dora</director><rating value="3.5"/>'
        '<length>97 min</length><series name="Die Reihe"/><gallery><img src="//g/1"/><img src="//g/2"/></gallery>'
        '<cover src="http://c"/><tag>kurz</tag><script>age=12;land=DE,AT;</script></r>',
    ('Verleih', 'search'): {'hits': [
        {'id': 1, 'title': 'Serie', 'when': '2013-01-01', 'genres': ['dr'], 'stars': '3,5'},
        {'id': 2, 'title': 'Die Serie', 'when': '2014-01-01', 'genres': ['dr'], 'stars': '3,5'},
        {'id': 3, 'title': 'Keine', 'when': '2015-01-01', 'genres': ['dr'], 'stars': '3,5'}]},
    ('Verleih', 'update'): {
        'item': {'id': 1, 'title': 'Serie', 'when': '2013-01-01', 'genres': ['dr', 'kr'], 'stars': '3,5'},
        'text': '<p>Viel</p>', 'runtime': '1h37m', 'start': '17.05.2013', 'level': 1,
        'network': {'country': 'DE', 'name': 'Kanal'},
        'banners': [{'score': 1, 'url': 'http://b1'}, {'score': 2, 'url': 'http://b2'}],
        'lands': [{'id': 1, 'name': 'DE'}, {'id': 2, 'name': 'AT'}], 'land': 2, 'span': '2013-2019',
        'cast': [{'name': 'Anna', 'part': 'eva'}, {'name': 'Bert', 'part': 'udo'}],
        'actors': [{'born': 1970}, {'born': 1980}],
        'crew': [{'job': 'director', 'name': 'D'}, {'job': 'x', 'name': 'E'}], 'votes': [3, 5],
        'episodes': [{'s': season, 'e': number, 'title': ' T%d%d' % (season, number), 'text': 'P',
                      'day': '0%d.05.2013' % number, 'stars': '7.5', 'still': ['http://s%d%d' % (season, number)]}
                     for season in (1, 2) for number in (1, 2)],
        'notes': 'alias=Reihe\nx=y', 'trivia': [{'text': 't1'}, {'text': 't2'}],
        'quotes': [{'who': 'A', 'what': 'w'}]},
    ('Kaufhaus', 'search'): {'hits': [
        {'rank': 1, 'when': 'im Mai 2013', 'date': '2013-05-01', 'id': 3, 'name': 'der film', 'label': 'A'},
        {'rank': 2, 'when': '2014', 'date': '2014-05-01', 'id': 4, 'name': 'ein film', 'label': 'B'},
        {'rank': 3, 'when': '2015', 'date': '2015-05-01', 'id': 5, 'name': 'kein film', 'label': 'C'}]},
    ('Kaufhaus', 'update'): {
        'title': 'Der Film', 'when': 'Mai 2013', 'images': [{'thumb': 'http://t'}],
        'pictures': {'front': {'url': 'http://p'}}, 'shop': {'label': ' Atlas ', 'price': '3'}, 'keywords': 'a, b',
        'release': '2013-05-17', 'facts': ['a:1', 'b:2', 'c: 3'], 'format': 'disc',
        'people': [{'first': 'Anna', 'last': 'A', 'photo': 'http://x/small/1'},
                   {'first': 'Bert', 'last': 'B', 'photo': 'http://x/small/2'}],
        'crew': [{'job': 'director', 'name': 'D'}, {'job': 'writer', 'name': 'W'}], 'runtime': '97 min',
        'rating': '7/10', 'extra': 'EX', 'tags': [{'name': 't1'}, {'name': 't2'}], 'series': {'title': 'Reihe'},
        'original': 'Film', 'quote': 'Ja', 'country': {'code': 'de'}, 'trivia': 'a%20b'},
    ('Altbestand', 'update'): {
        'title': 'Reihe:Film', 'date': '2013-05-17', 'people': [{'name': 'Anna'}, {'name': 'Bert'}],
        'ratings': [{'value': 3.0}, {'value': 7.0}], 'mature': {'flag': True}, 'text': {'long': 'Lang'},
        'short': ' Kurz ',
        'studio': {'name': 'Atlas', 'alias': 'A'}, 'facts': [{'text': 'F1'}, {'text': 'F2'}], 'keys': ['a', 'b'],
        'values': ['1', '2'], 'tags': [{'t': 'x'}, {'t': 'y'}], 'quotes': ['eins', 'zwei'],
        'poster': {'sizes': {'big': {'url': 'http://p'}}, 'best': 'big'}, 'tag': 'Ende'},
}

# (bundle, call, path of the value or text to replace, what stands there instead, fields that may stay empty then)
FAILURES = [
    ('Kinodb', 'update', 'names.original', None, 'original_title'),             # assignment, None
    ('Kinodb', 'update', 'names', GONE, 'original_title'),                      # missing key
    ('Kinodb', 'update', 'year', '', 'year'),                                   # int('')
    ('Kinodb', 'update', 'year', 'TBA', 'year'),
    ('Kinodb', 'update', 'votes.average', None, 'rating'),
    ('Kinodb', 'update', 'votes', None, 'rating'),                              # None indexed
    ('Kinodb', 'update', 'genres', GONE, 'genres'),                             # header of a for
    ('Kinodb', 'update', 'genres', None, 'genres'),
    ('Kinodb', 'update', 'genres.1.name', GONE, 'genres'),                      # one element of a loop
    ('Kinodb', 'update', 'companies', [], 'studio'),                            # index
    ('Kinodb', 'update', 'cast.1.character', None, 'roles'),
    ('Kinodb', 'update', 'cast.1.image', None, 'roles'),
    ('Kinodb', 'update', 'cast.2.image', GONE, 'roles'),
    ('Kinodb', 'update', 'release', GONE, 'originally_available_at'),           # header of an if
    ('Kinodb', 'update', 'release.date', '17/05/13', 'originally_available_at'),    # a date that is none
    ('Kinodb', 'update', 'crew.1.job', None, 'directors'),                      # comprehension
    ('Kinodb', 'update', 'countries', None, 'countries'),                       # one-line for
    ('Kinodb', 'update', 'images.poster', GONE, 'posters'),
    ('Serienwiki', 'search', 'year="2017"', '', ''),                            # search: int(None)
    ('Serienwiki', 'search', '<title>Serien</title>', '', ''),
    ('Serienwiki', 'search', '<title>Serien</title>', '<title/>', ''),
    ('Serienwiki', 'update', '<plot> Es beginnt. </plot>', '', 'summary'),      # tabs
    ('Serienwiki', 'update', '<network><name>Kanal 7</name></network>', '', 'studio'),
    ('Serienwiki', 'update', '<name>Kanal 7</name>', '', 'studio'),
    ('Serienwiki', 'update', '<runtime>43</runtime>', '<runtime/>', 'duration'),
    ('Serienwiki', 'update', '<rating>7,9</rating>', '', 'rating'),
    ('Serienwiki', 'update', '<rating>7,9</rating>', '<rating>gut</rating>', 'rating'),
    ('Serienwiki', 'update', '<aired>2013-05-17</aired>', '<aired/>', 'originally_available_at'),
    ('Serienwiki', 'update', '<genres>Drama|Krimi|</genres>', '', 'genres'),
    ('Serienwiki', 'update', '2013-2019', '2013', 'tagline'),                   # unpacking
    ('Serienwiki', 'update', 'season="2" episode="1"', 'season="2" episode="7"', 'seasons'),    # None from a method
    ('Serienwiki', 'update', 'number="3"', '', 'seasons'),
    ('Serienwiki', 'update', 'FSK 12', 'ohne', 'content_rating'),               # re.search
    ('Serienwiki', 'update', '<fsk>FSK 12</fsk>', '', 'content_rating'),        # None handed to the library
    ('Hoerbuch', 'update', '<h1> Das Buch </h1>', '', 'title'),                 # CRLF
    ('Hoerbuch', 'update', '<b class="stars">3.7 Sterne</b>', '', 'rating'),    # inside a try that catches another
    ('Hoerbuch', 'update', '<i>Verlag: Atlas</i>', '', 'studio'),
    ('Hoerbuch', 'update', '<li class="voice">Anna</li>', '', 'artist'),
    ('Hoerbuch', 'update', '<time>17 Mai 2013</time>', '', 'originally_available_at'),
    ('Hoerbuch', 'update', '17 Mai 2013', 'Mai 2013', 'originally_available_at'),
    ('Hoerbuch', 'update', '17 Mai 2013', '17 Brachet 2013', 'originally_available_at'),    # multi-line statement
    ('Hoerbuch', 'update', '<u>ab 18</u>', '<u>frei</u>', 'content_rating'),    # one-line if
    ('Hoerbuch', 'update', '<ol>Eins;Zwei</ol>', '', 'collections'),            # header of a for
    ('Hoerbuch', 'update', '<s>Reihe</s>', '', ''),                             # a crash inside a log call
    ('Nfolesen', 'update', '<title>Film</title>', '', 'title'),                 # Latin-1
    ('Nfolesen', 'update', '<plot> Viel. </plot>', '', 'summary'),
    ('Nfolesen', 'update', '<source>a%20b</source>', '', 'summary'),            # unquote(None)
    ('Nfolesen', 'update', '<credits count="2">Buch: Anna\nMusik: Bert</credits>', '<credits count="2"/>', 'writers'),
    ('Nfolesen', 'update', 'Musik: Bert', 'Musik', 'writers'),
    ('Nfolesen', 'update', 'Buch: Anna\nMusik: Bert', 'Buch: Anna', 'writers'),
    ('Nfolesen', 'update', ' count="2"', '', 'writers'),                        # range(int(None))
    ('Nfolesen', 'update', '<set order="2">reihe zwei</set>', '<set order="2"/>', 'collections'),   # generator
    ('Nfolesen', 'update', '<set order="1">reihe eins</set>', '', 'collections'),
    ('Nfolesen', 'update', '97 min', 'lang', 'duration'),                       # over two lines
    ('Nfolesen', 'update', '<runtime>97 min</runtime>', '<runtime> </runtime>', 'duration'),
    ('Nfolesen', 'update', '<studio>Atlas</studio><company>C</company>', '', 'studio'),     # conditional expression
    ('Nfolesen', 'update', '<tagline>kurz</tagline>', '', 'tagline'),           # len(None)
    ('Nfolesen', 'update', '<genre>krimi</genre>', '<genre/>', 'genres'),
    ('Nfolesen', 'update', 'Rated PG', 'PG', 'content_rating'),
    ('Studioseite', 'search', 'results', None, ''),
    ('Studioseite', 'search', 'results.1.score', None, ''),                     # lambda
    ('Studioseite', 'search', 'results.1.released', '', ''),                    # .year of None
    ('Studioseite', 'search', 'results.1.title', None, ''),                     # comprehension in a loop
    ('Studioseite', 'search', 'results.1.rank', '0', ''),                       # augmented assignment
    ('Studioseite', 'search', 'results.1.maker', None, ''),                     # deep in a call
    ('Studioseite', 'update', 'slug', None, 'title'),
    ('Studioseite', 'update', 'rating', None, 'rating'),                        # TypeError where ValueError is caught
    ('Studioseite', 'update', 'scale', 0, 'rating'),
    ('Studioseite', 'update', 'maker', GONE, 'studio'),                         # finally
    ('Studioseite', 'update', 'cast.3', GONE, 'roles'),                         # odd number of entries
    ('Studioseite', 'update', 'series.title', None, 'collections'),             # third part of a condition
    ('Studioseite', 'update', 'tags', None, 'genres'),
    ('Studioseite', 'update', 'limits.c', GONE, 'genres'),                      # elif
    ('Studioseite', 'update', 'lines', ['Eins'], 'tagline'),                    # return of a method
    ('Studioseite', 'update', 'pictures.0.order', GONE, 'art'),
    ('Studioseite', 'update', 'text', None, 'summary'),                         # two frames
    ('Teilmodul', 'update', 'parts.0', GONE, 'title'),                          # None from a helper
    ('Teilmodul', 'update', 'parts.1.text', None, 'summary'),
    ('Teilmodul', 'update', 'parts.2.text', '20xx', 'year'),
    ('Teilmodul', 'update', 'parts.3.names', [], 'directors'),                  # helper's default
    ('Teilmodul', 'update', 'parts.4.list', [], 'rating'),                      # division by zero in a helper
    ('Teilmodul', 'update', 'parts.4.list.1.value', None, 'rating'),            # += in a helper's loop
    ('Teilmodul', 'update', 'parts.5', GONE, 'writers'),                        # {}['names']
    ('Teilmodul', 'update', 'studio.name', None, 'studio'),                     # backslash continuation
    ('Sportplatz', 'update', ' name="DE/Liga"', '', 'title'),
    ('Sportplatz', 'update', '<team id="b">Beta</team>', '<team id="b"/>', 'summary studio'),
    ('Sportplatz', 'update', '<away id="b"/>', '<away id="x"/>', 'summary'),
    ('Sportplatz', 'update', ' points="11"', '', 'studio rating'),              # nested function
    ('Sportplatz', 'update', '<round number="3" done="no"/>', '', 'collections'),   # while runs off the list
    ('Sportplatz', 'update', 'number="2" done', 'done', 'collections'),
    ('Sportplatz', 'update', '<match season="1" date="2013-05-23"><score>0:3</score><goal by="cora"/>'
     '<guests><g name="G2"/></guests></match>', '', 'seasons rating'),
    ('Sportplatz', 'update', '2013-05-23', '23.5.', 'seasons'),                 # strptime
    ('Sportplatz', 'update', '2:1', 'abgesagt', 'seasons'),
    ('Sportplatz', 'update', '<goal by="cora"/>', '<goal/>', 'seasons'),
    ('Sportplatz', 'update', '<guests><g name="G2"/></guests>', '', 'seasons'),     # one-line for
    ('Sportplatz', 'update', '<start>2013-05-01</start>', '', 'originally_available_at'),
    ('Sportplatz', 'update', '<open>yes</open>', '<open>maybe</open>', 'content_rating'),
    ('Sportplatz', 'update', '<p>ulm</p>', '<p/>', 'countries'),
    ('Altbestand', 'update', 'title', 'Film', 'title'),                         # two statements on a line; BOM
    ('Altbestand', 'update', 'date', None, 'year'),                             # one-line function
    ('Altbestand', 'update', 'people.1.name', GONE, 'writers'),
    ('Altbestand', 'update', 'ratings', [], 'rating'),                          # max() of nothing
    ('Altbestand', 'update', 'mature', None, 'content_rating'),                 # one-line if
    ('Altbestand', 'update', 'short', None, 'summary'),                         # needs text to be empty, see below
    ('Altbestand', 'update', 'studio.alias', None, 'studio'),                   # elif over two lines
    ('Altbestand', 'update', 'facts', [], 'trivia'),                            # a = b = ...
    ('Altbestand', 'update', 'values.1', None, 'genres'),
    ('Altbestand', 'update', 'tags.1', {}, 'tags'),                             # comprehension for its effect
    ('Altbestand', 'update', 'quotes', [], 'quotes'),
    ('Altbestand', 'update', 'poster.best', 'huge', 'posters'),
    ('Altbestand', 'update', 'tag', GONE, 'tagline'),                           # last statement
    ('Kaufhaus', 'search', 'hits', None, ''),
    ('Kaufhaus', 'search', 'hits.1.when', 'bald', ''),
    ('Kaufhaus', 'search', 'hits.1.when', None, ''),
    ('Kaufhaus', 'search', 'hits.1.date', '', ''),
    ('Kaufhaus', 'search', 'hits.1.date', None, ''),
    ('Kaufhaus', 'search', 'hits.1.name', None, ''),
    ('Kaufhaus', 'search', 'hits.1.label', None, ''),
    ('Kaufhaus', 'search', 'hits.1.rank', GONE, ''),
    ('Kaufhaus', 'search', 'hits.1.id', GONE, ''),
    ('Kaufhaus', 'update', 'when', 'bald', 'year'),
    ('Kaufhaus', 'update', 'when', None, 'year'),
    ('Kaufhaus', 'update', 'when', GONE, 'year'),
    ('Kaufhaus', 'update', 'images', [], 'posters'),
    ('Kaufhaus', 'update', 'images.0.thumb', GONE, 'posters'),
    ('Kaufhaus', 'update', 'images', None, 'posters'),
    ('Kaufhaus', 'update', 'images.0.thumb', None, 'posters'),
    ('Kaufhaus', 'update', 'images.0.thumb', '', 'posters'),
    ('Kaufhaus', 'update', 'pictures', GONE, 'art'),
    ('Kaufhaus', 'update', 'pictures.front', None, 'art'),
    ('Kaufhaus', 'update', 'pictures', [], 'art'),
    ('Kaufhaus', 'update', 'shop', None, 'studio tagline'),
    ('Kaufhaus', 'update', 'shop.label', None, 'studio'),
    ('Kaufhaus', 'update', 'shop.price', GONE, 'tagline'),
    ('Kaufhaus', 'update', 'shop.price', None, 'tagline'),
    ('Kaufhaus', 'update', 'shop.price', 3, 'tagline'),
    ('Kaufhaus', 'update', 'shop', GONE, 'studio tagline'),
    ('Kaufhaus', 'update', 'keywords', None, 'genres'),
    ('Kaufhaus', 'update', 'keywords', GONE, 'genres'),
    ('Kaufhaus', 'update', 'release', None, 'originally_available_at'),
    ('Kaufhaus', 'update', 'release', '', 'originally_available_at'),
    ('Kaufhaus', 'update', 'release', 'x', 'originally_available_at'),
    ('Kaufhaus', 'update', 'facts.2', 'c', 'summary'),
    ('Kaufhaus', 'update', 'facts.2', GONE, 'summary'),
    ('Kaufhaus', 'update', 'facts', [], 'summary'),
    ('Kaufhaus', 'update', 'facts', None, 'summary'),
    ('Kaufhaus', 'update', 'format', 'tape', 'content_rating'),
    ('Kaufhaus', 'update', 'people.1.first', None, 'roles'),
    ('Kaufhaus', 'update', 'people.1.photo', None, 'roles'),
    ('Kaufhaus', 'update', 'people.1.photo', GONE, 'roles'),
    ('Kaufhaus', 'update', 'people', None, 'roles'),
    ('Kaufhaus', 'update', 'crew.0', GONE, 'directors'),
    ('Kaufhaus', 'update', 'crew', [], 'directors writers'),
    ('Kaufhaus', 'update', 'crew', None, 'directors writers'),
    ('Kaufhaus', 'update', 'crew.1.job', GONE, 'writers'),
    ('Kaufhaus', 'update', 'runtime', '', 'duration'),
    ('Kaufhaus', 'update', 'runtime', None, 'duration'),
    ('Kaufhaus', 'update', 'runtime', 'k.A.', 'duration'),
    ('Kaufhaus', 'update', 'runtime', '1:37', 'duration'),
    ('Kaufhaus', 'update', 'rating', '7', 'rating'),
    ('Kaufhaus', 'update', 'rating', None, 'rating'),
    ('Kaufhaus', 'update', 'rating', '7/0', 'rating'),
    ('Kaufhaus', 'update', 'rating', '-/10', 'rating'),
    ('Kaufhaus', 'update', 'extra', None, 'tags'),
    ('Kaufhaus', 'update', 'tags', GONE, 'tags'),
    ('Kaufhaus', 'update', 'tags', None, 'tags'),
    ('Kaufhaus', 'update', 'tags.0', 'x', 'tags'),
    ('Kaufhaus', 'update', 'series', None, 'collections'),
    ('Kaufhaus', 'update', 'series.title', None, 'collections'),
    ('Kaufhaus', 'update', 'series', GONE, 'collections'),
    ('Kaufhaus', 'update', 'original', 'Süß', 'original_title'),
    ('Kaufhaus', 'update', 'quote', 'Süß', 'quotes'),
    ('Kaufhaus', 'update', 'country', None, 'countries'),
    ('Kaufhaus', 'update', 'country.code', GONE, 'countries'),
    ('Kaufhaus', 'update', 'trivia', None, 'trivia'),
    ('Verleih', 'search', 'hits', None, ''),
    ('Verleih', 'search', 'hits', GONE, ''),
    ('Verleih', 'search', 'hits.1.when', None, ''),
    ('Verleih', 'search', 'hits.1.when', '', ''),
    ('Verleih', 'search', 'hits.1.when', 'bald', ''),
    ('Verleih', 'search', 'hits.1.title', None, ''),
    ('Verleih', 'search', 'hits.1.genres', None, ''),
    ('Verleih', 'search', 'hits.1.genres.0', 'zz', ''),
    ('Verleih', 'update', 'item.stars', None, 'rating'),
    ('Verleih', 'update', 'item.stars', '', 'rating'),
    ('Verleih', 'update', 'item.stars', 'n/a', 'rating'),
    ('Verleih', 'update', 'item.genres.1', 'zz', 'genres'),
    ('Verleih', 'update', 'item.genres', None, 'genres'),
    ('Verleih', 'update', 'item.genres', GONE, 'genres'),
    ('Verleih', 'update', 'text', None, 'summary'),
    ('Verleih', 'update', 'text', GONE, 'summary'),
    ('Verleih', 'update', 'runtime', '97', 'duration'),
    ('Verleih', 'update', 'runtime', None, 'duration'),
    ('Verleih', 'update', 'runtime', '', 'duration'),
    ('Verleih', 'update', 'start', 'bald', 'originally_available_at'),
    ('Verleih', 'update', 'start', None, 'originally_available_at'),
    ('Verleih', 'update', 'start', GONE, 'originally_available_at'),
    ('Verleih', 'update', 'level', 7, 'content_rating'),
    ('Verleih', 'update', 'level', None, 'content_rating'),
    ('Verleih', 'update', 'network', None, 'studio'),
    ('Verleih', 'update', 'network.name', None, 'studio'),
    ('Verleih', 'update', 'network.country', GONE, 'studio'),
    ('Verleih', 'update', 'network', GONE, 'studio'),
    ('Verleih', 'update', 'banners', [], 'posters'),
    ('Verleih', 'update', 'banners', None, 'posters'),
    ('Verleih', 'update', 'banners', GONE, 'posters'),
    ('Verleih', 'update', 'banners.1.score', GONE, 'posters'),
    ('Verleih', 'update', 'banners.1.url', None, 'posters'),
    ('Verleih', 'update', 'land', 9, 'countries'),
    ('Verleih', 'update', 'lands', None, 'countries'),
    ('Verleih', 'update', 'land', GONE, 'countries'),
    ('Verleih', 'update', 'lands.0.id', GONE, 'countries'),
    ('Verleih', 'update', 'span', '2013', 'tagline'),
    ('Verleih', 'update', 'span', '2013-', 'tagline'),
    ('Verleih', 'update', 'span', None, 'tagline'),
    ('Verleih', 'update', 'span', 'a-b-c', 'tagline'),
    ('Verleih', 'update', 'cast.1.part', None, 'roles'),
    ('Verleih', 'update', 'actors.1', GONE, 'roles'),
    ('Verleih', 'update', 'actors', [], 'roles'),
    ('Verleih', 'update', 'actors.1.born', GONE, 'roles'),
    ('Verleih', 'update', 'cast', None, 'roles'),
    ('Verleih', 'update', 'crew', None, 'directors'),
    ('Verleih', 'update', 'crew.1.job', GONE, 'directors'),
    ('Verleih', 'update', 'crew.0.name', GONE, 'directors'),
    ('Verleih', 'update', 'votes', [], 'audience_rating'),
    ('Verleih', 'update', 'votes.1', None, 'audience_rating'),
    ('Verleih', 'update', 'votes', None, 'audience_rating'),
    ('Verleih', 'update', 'episodes.1', GONE, 'seasons'),
    ('Verleih', 'update', 'episodes', [], 'seasons'),
    ('Verleih', 'update', 'episodes.1.title', None, 'seasons'),
    ('Verleih', 'update', 'episodes.1.text', None, 'seasons'),
    ('Verleih', 'update', 'episodes.1.day', '?', 'seasons'),
    ('Verleih', 'update', 'episodes.1.day', None, 'seasons'),
    ('Verleih', 'update', 'episodes.1.stars', '', 'seasons'),
    ('Verleih', 'update', 'episodes.1.stars', None, 'seasons'),
    ('Verleih', 'update', 'episodes.1.still', [], 'seasons'),
    ('Verleih', 'update', 'episodes.1.still', None, 'seasons'),
    ('Verleih', 'update', 'episodes.1.s', GONE, 'seasons'),
    ('Verleih', 'update', 'episodes.1.still.0', '', 'seasons'),
    ('Verleih', 'update', 'episodes.1.still.0', None, 'seasons'),
    ('Verleih', 'update', 'notes', 'alias', 'original_title'),
    ('Verleih', 'update', 'notes', 'alias=a=b', 'original_title'),
    ('Verleih', 'update', 'notes', None, 'original_title'),
    ('Verleih', 'update', 'trivia.1.text', None, 'trivia'),
    ('Verleih', 'update', 'trivia.1.text', GONE, 'trivia'),
    ('Verleih', 'update', 'trivia', None, 'trivia'),
    ('Verleih', 'update', 'quotes', [], 'quotes'),
    ('Verleih', 'update', 'quotes.0.who', None, 'quotes'),
    ('Verleih', 'update', 'quotes.0.what', GONE, 'quotes'),
    ('Seitenblick', 'search', '<a href="http://e/2-7.html">Ein Film</a>', '', ''),
    ('Seitenblick', 'search', ' href="http://e/2-7.html"', '', ''),
    ('Seitenblick', 'search', 'http://e/2-7.html', '/2-7', ''),
    ('Seitenblick', 'search', 'http://e/2-7.html', 'http://e/9-7.html', ''),
    ('Seitenblick', 'search', '<date>am 18. Mai 2014</date>', '', ''),
    ('Seitenblick', 'search', '18. Mai 2014', 'demnachst', ''),
    ('Seitenblick', 'search', '18. Mai 2014', '18. Brachet 2014', ''),
    ('Seitenblick', 'search', '18. Mai 2014', 'x. Mai 2014', ''),
    ('Seitenblick', 'search', '18. Mai 2014', '', ''),
    ('Seitenblick', 'update', '<h1> Film </h1>', '', 'title'),
    ('Seitenblick', 'update', '<p class="plot">Viel.</p>', '', 'summary'),
    ('Seitenblick', 'update', '<b class="studio"><a>Studio: Atlas</a></b>', '', 'studio'),
    ('Seitenblick', 'update', 'Studio: Atlas', 'Atlas', 'studio'),
    ('Seitenblick', 'update', '<a>Studio: Atlas</a>', '', 'studio'),
    ('Seitenblick', 'update', '<date>17. Mai 2013</date>', '', 'originally_available_at year'),
    ('Seitenblick', 'update', '17. Mai 2013', '2013', 'originally_available_at year'),
    ('Seitenblick', 'update', '17. Mai 2013', '17. May 2013', 'originally_available_at year'),
    ('Seitenblick', 'update', '17. Mai 2013', '0. Mai 2013', 'originally_available_at year'),
    ('Seitenblick', 'update', '<genre>Krimi</genre>', '<genre/>', 'genres'),
    ('Seitenblick', 'update', '<a href="/y">bert b</a>', '', 'roles'),
    ('Seitenblick', 'update', ' href="/y"', '', ''),
    ('Seitenblick', 'update', '<img src="http://i/2?x"/>', '', 'roles'),
    ('Seitenblick', 'update', '>bert b<', '><', 'roles'),
    ('Seitenblick', 'update', '<director>Dora</director>', '', 'directors'),
    ('Seitenblick', 'update', '<director>Dora</director>', '<director/>', 'directors'),
    ('Seitenblick', 'update', ' value="3.5"', '', 'rating'),
    ('Seitenblick', 'update', '3.5', 'n/a', 'rating'),
    ('Seitenblick', 'update', '3.5', '', 'rating'),
    ('Seitenblick', 'update', '<length>97 min</length>', '', 'duration'),
    ('Seitenblick', 'update', '97 min', '1:37', 'duration'),
    ('Seitenblick', 'update', '<series name="Die Reihe"/>', '', 'collections'),
    ('Seitenblick', 'update', ' name="Die Reihe"', '', 'collections'),
    ('Seitenblick', 'update', '<img src="//g/2"/>', '<img/>', 'posters'),
    ('Seitenblick', 'update', '<cover src="http://c"/>', '', 'posters'),
    ('Seitenblick', 'update', 'http://c"', '"', 'posters'),
    ('Seitenblick', 'update', '<tag>kurz</tag>', '', 'tagline'),
    ('Seitenblick', 'update', '<tag>kurz</tag>', '<tag/>', 'tagline'),
    ('Seitenblick', 'update', 'kurz', 'süß', 'tagline'),
    ('Seitenblick', 'update', 'age=12;', '', 'content_rating'),
    ('Seitenblick', 'update', '<script>age=12;land=DE,AT;</script>', '', 'content_rating countries'),
    ('Seitenblick', 'update', 'land=DE,AT;', '', 'countries'),
]


def broken_page(bundle, call, path, value):
    """The page of a bundle's call with the one thing of a row of FAILURES changed."""
    page = copy.deepcopy(PAGES[bundle, call])
    if not isinstance(page, dict):
        assert path in page, path
        return page.replace(path, value, 1)
    if (bundle, path) == ('Altbestand', 'short'):
        page['text'] = None
    at = page
    keys = [int(key) if key.isdigit() else key for key in path.split('.')]
    for key in keys[:-1]:
        at = at[key]
    if value is GONE:
        del at[keys[-1]]
    else:
        at[keys[-1]] = copy.deepcopy(value)
    return page
