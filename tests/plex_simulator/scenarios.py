# -*- coding: utf-8 -*-
"""What the simulated Plex holds: sites of the net with faults in their data, and a library of items that need them.

A record of a site names its faults ('no plot', 'bad date', ...); the page that is made of it has them. A control
command heals a record by taking them away: nothing here knows about agents' code or its repairs.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import json
import random
from xml.sax.saxutils import escape, quoteattr

from .sandbox import DRIFTING_SHARE
from .server import Item

ADJECTIVES = ('Quiet', 'Seventh', 'Broken', 'Distant', 'Painted', 'Hollow', 'Crooked', 'Silver', 'Forgotten',
              'Northern', 'Burning', 'Paper')
NOUNS = ('Harbour', 'Orchard', 'Lantern', 'Station', 'Cartographer', 'Winter', 'Café', 'Bridge', 'Garden', 'Señorita',
         'Clock', 'Island')
GENRES = ('Drama', 'Comedy', 'Thriller', 'Sci-Fi', 'Doc', 'Romance')
PEOPLE = ('Ada Holm', 'Jiří Novák', 'Maud Reyes', 'Tom Okafor', 'Lena Vogt', 'Iris Chen', 'Paul Arnaud')
STUDIOS = ('Nordlicht', 'Pinewater', 'Studio Sept', 'Blue Door')

HTML, JSON, XML = 'text/html; charset=utf-8', 'application/json; charset=utf-8', 'text/xml; charset=utf-8'
PICTURE = (200, 'image/jpeg', b'\xff\xd8\xff\xe0 a picture')


class Site(object):
    """A host of the net. records: {id: record}; a record is a dict with 'id', 'title', 'faults' (set) and data."""

    def __init__(self, host):
        self.host, self.records = host, collections.OrderedDict()

    def add(self, record_id, chance, faults=(), **more):
        """A new record with data of its own, made by the random generator `chance`."""
        number = len(self.records)
        title = '%s %s' % (ADJECTIVES[number % len(ADJECTIVES)],
                           NOUNS[(number // len(ADJECTIVES) + number) % len(NOUNS)])
        record = {
            'id': record_id, 'title': title, 'faults': set(faults), 'year': 1951 + (number * 7) % 71,
            'plot': 'The story of a %s, told %d times.' % (title.lower(), 2 + number % 5),
            'genres': chance.sample(GENRES, 2), 'cast': chance.sample(PEOPLE, 3), 'directors': chance.sample(PEOPLE, 1),
            'studio': chance.choice(STUDIOS), 'points': round(chance.uniform(3, 9), 1),
            'age': chance.choice('0 6 12 16'.split()), 'month': 1 + number % 12, 'day': 1 + number % 28}
        record.update(more)
        self.records[record_id] = record
        return record

    def answer(self, path, query):
        """(status, content type, body), or None for what is not there."""
        if path.endswith('.jpg'):
            return PICTURE
        for part in path.split('/'):
            self.pass_time(self.records.get(part))
        return self.page(path, query)

    def pass_time(self, record):
        """A record with 'heals_after' is asked once more; at nought its faults are gone."""
        if record and 'heals_after' in record:
            record['heals_after'] -= 1
            if record['heals_after'] < 0:
                record['faults'].clear()

    def find(self, text):
        """The records whose titles begin alike."""
        words = text.lower().split()
        return [record for record in self.records.values() if record['title'].lower().split()[:1] == words[:1]]


def general_fault(record):
    """An answer for the faults that any site may have, None where the page itself is to be made."""
    answers = {'404': (404, HTML, b'<h1>404 Not Found</h1>'), '500': (500, HTML, b'<h1>500</h1>'),
               'empty page': (200, HTML, b''), 'malformed': (200, JSON, b'{"name": "half an answ'),
               'banned': (403, HTML, b'<html><body><h1>403</h1><p>You are banned: too many requests</p></body></html>')}
    for fault, answer in answers.items():
        if fault in record['faults']:
            return answer
    return None


def elements(tag, values):
    return ''.join('<%s>%s</%s>' % (tag, escape(value), tag) for value in values)


class FilmOffice(Site):
    """HTML. Faults: no plot, no cast, odd year, no year in the list of hits."""

    def page(self, path, query):
        if path == '/search':
            rows = ''.join('<li><a href="/film/%s">%s</a>%s</li>' % (
                record['id'], escape(record['title']),
                '' if 'no year in hits' in record['faults'] else '<span class="year">%d</span>' % record['year'])
                for record in self.find(query.get('q', '')))
            return 200, HTML, ('<html><body><ul class="hits">%s</ul></body></html>' % rows).encode('utf-8')
        record = self.records.get(path.rpartition('/')[2])
        return record and (general_fault(record) or (200, HTML, self.film(record).encode('utf-8')))

    def film(self, record):
        plot = '' if 'no plot' in record['faults'] else '<div id="plot"><p>%s</p></div>' % escape(record['plot'])
        year = 'MCMLXX' if 'odd year' in record['faults'] else record['year']
        cast = ''.join('<tr><td>%s</td><td>Role %d</td></tr>' % (escape(name), number)
                       for number, name in enumerate(record['cast'], 1))
        return ('<html><body><h1>%s</h1><span class="year">(%s)</span>%s<dl><dt>Studio</dt><dd>%s</dd><dt>Released</dt>'
                '<dd>%d-%02d-%02d</dd><dt>Age</dt><dd>%s</dd></dl><b class="points">%s</b><ul class="genres">%s</ul>'
                '<ul class="directors">%s</ul><table class="cast">%s</table><img class="poster" src="/%s.jpg"/></body>'
                '</html>') % (escape(record['title']), year, plot, record['studio'], record['year'], record['month'],
                              record['day'], record['age'], str(record['points']).replace('.', ','),
                              elements('li', record['genres']), elements('li', record['directors']), cast, record['id'])


class SeriesBase(Site):
    """JSON. Faults: no network, bad date."""

    def page(self, path, query):
        parts = path.strip('/').split('/')[1:]
        if parts == ['search']:
            rows = [{'id': record['id'], 'name': record['title'], 'year': record['year']}
                    for record in self.find(query.get('name', ''))]
            return 200, JSON, json.dumps({'shows': rows}).encode('utf-8')
        record = self.records.get(parts[1]) if len(parts) > 1 else None
        if record is None:
            return None
        if parts[2:] == ['episodes']:
            rows = [{'season': 1, 'number': number, 'title': 'Part %d' % number,
                     'plot': 'What happened, part %d.' % number} for number in (1, 2)]
            return 200, JSON, json.dumps({'episodes': rows}).encode('utf-8')
        return general_fault(record) or (200, JSON, json.dumps(self.show(record)).encode('utf-8'))

    def show(self, record):
        day = '%d-%02d-%02d' % (record['year'], record['month'], record['day'])
        reply = {'name': record['title'], 'plot': record['plot'], 'network': record['studio'], 'country': 'Norway',
                 'first_aired': 'spring %d' % record['year'] if 'bad date' in record['faults'] else day,
                 'rating': record['points'], 'age': record['age'], 'genres': record['genres'], 'state': 'ended',
                 'cast': [{'name': name, 'role': 'Self'} for name in record['cast']],
                 'poster': 'http://series.example/%s.jpg' % record['id']}
        if 'no network' in record['faults']:
            del reply['network']
        return reply


class FilmLibrary(Site):
    """JSON. Faults: no series; new shape (all of it elsewhere in the reply)."""

    def page(self, path, query):
        if path.endswith('/search'):
            rows = [{'id': record['id'], 'title': record['title'], 'year': record['year']}
                    for record in self.find(query.get('title', ''))]
            return 200, JSON, json.dumps({'films': rows}).encode('utf-8')
        record = self.records.get(path.rpartition('/')[2])
        return record and (general_fault(record) or (200, JSON, json.dumps(self.film(record)).encode('utf-8')))

    def film(self, record):
        film = {'title': record['title'], 'plot': record['plot'], 'year': record['year'], 'studio': record['studio'],
                'premiere': '%d-%02d-%02d' % (record['year'], record['month'], record['day']), 'age': record['age'],
                'points': record['points'] * 10, 'genres': record['genres'], 'directors': record['directors'],
                'cast': [{'name': name, 'as': 'Self'} for name in record['cast']],
                'picture': 'http://kinothek.example/%s.jpg' % record['id'], 'series': {'name': 'Night Shift'}}
        if 'no series' in record['faults']:
            del film['series']
        if 'new shape' in record['faults']:
            return {'version': 2, 'data': {'attributes': film, 'id': record['id']}}
        return {'version': 1, 'film': film}


class RecordShop(Site):
    """HTML. Its faults are those of any site: it bans."""

    def page(self, path, query):
        if path == '/find':
            rows = ''.join('<a class="artist" data-id="%s">%s</a>' % (record['id'], escape(record['title']))
                           for record in self.find(query.get('artist', '')))
            return 200, HTML, ('<html><body>%s</body></html>' % rows).encode('utf-8')
        record = self.records.get(path.rpartition('/')[2])
        return record and (general_fault(record) or (200, HTML, self.artist(record).encode('utf-8')))

    def artist(self, record):
        return ('<html><body><h1>%s</h1><div class="life"><p>%s</p></div>%s<span class="country">Norway</span><ul '
                'class="similar">%s</ul><meter value="%s"></meter><img class="photo" '
                'src="http://records.example/%s.jpg"/></body></html>') % (
                    escape(record['title']), escape(record['plot']),
                    ''.join('<a class="style">%s</a>' % escape(name) for name in record['genres']),
                    elements('li', record['cast']), record['points'], record['id'])


class Archive(Site):
    """HTML in layouts. Faults: layout 3, which no reader knows."""

    def page(self, path, query):
        if path == '/find':
            rows = [{'id': record['id'], 'title': record['title'], 'year': record['year'], 'match': 97}
                    for record in self.find(query.get('title', ''))]
            return 200, JSON, json.dumps(rows).encode('utf-8')
        record = self.records.get(path.rpartition('/')[2])
        return record and (general_fault(record) or (200, HTML, self.film(record).encode('utf-8')))

    def film(self, record):
        if 'layout 3' in record['faults']:
            return '<html><body data-layout="3"><script>load(%s)</script></body></html>' % quoteattr(record['id'])
        return ('<html><body data-layout="1"><h1>%s</h1><p class="plot">%s</p><em>%d</em>%s</body></html>') % (
            escape(record['title']), escape(record['plot']), record['year'],
            ''.join('<a rel="genre">%s</a>' % escape(name) for name in record['genres']))


class Programme(Site):
    """JSON. Faults: nameless distributor, nameless original."""

    def page(self, path, query):
        if path.endswith('/find'):
            rows = [{'id': record['id'], 'title': record['title'], 'year': record['year']}
                    for record in self.find(query.get('title', ''))]
            return 200, JSON, json.dumps(rows).encode('utf-8')
        record = self.records.get(path.rpartition('/')[2])
        return record and (general_fault(record) or (200, JSON, json.dumps(self.film(record)).encode('utf-8')))

    def film(self, record):
        film = {'title': record['title'], 'plot': record['plot'], 'year': record['year'], 'age': record['age'],
                'points': record['points'], 'genres': record['genres'], 'directors': record['directors'],
                'premiere': '%d-%02d-%02d' % (record['year'], record['month'], record['day']),
                'cast': [{'who': name, 'as': 'Self'} for name in record['cast']],
                'producer': {'name': record['studio']}, 'original': {'name': record['title'].upper()},
                'distributor': {'name': 'Nordverleih'}}
        for part in ('distributor', 'original'):
            if 'nameless ' + part in record['faults']:
                del film[part]['name']
        return film


# ------------------------------------------------------------------------------------------------------------ libraries
class Scenario(object):
    """bundles: folders to install; history: (days before now, share of the library that was refreshed on that day)."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.token = self.chance.getrandbits(53)
        self.bundles, self.sections, self.items, self.sites = [], [], [], {}
        self.history = ()
        self.start_seconds, self.answer_seconds = .1, .004
        self.drifting_share = DRIFTING_SHARE    # of the statements of larger functions, reported at a later line
        self.port = 0

    def section(self, kind, title, bundle, agent):
        key = str(len(self.sections) + 1)
        self.bundles.append(bundle)
        self.sections.append({'key': key, 'type': kind, 'title': title, 'agent': agent, 'path': '/data/' + title})
        return self.sections[-1]

    def add(self, section, site, count, faults=(), **more):
        """`count` records with these faults, each with its item (a show: one season of two episodes)."""
        self.sites[site.host] = site
        for _number in range(count):
            record_id = '%s%d' % (section['title'][0].lower(), 101 + len(site.records))
            record = site.add(record_id, self.chance, faults, **more)
            rating_key = 1000 * int(section['key']) + 1 + 7 * len(site.records)
            guid = '%s://%s?lang=en' % (section['agent'], record['id'])
            name = '%s (%d)' % (record['title'], record['year'])
            path = '%s/%s/%s.mkv' % (section['path'], name, name)
            if section['type'] in ('movie', 'artist'):
                self.items.append(Item(rating_key, section['type'], section['key'], record['title'], guid,
                                       record['year'], path if section['type'] == 'movie' else None))
                continue
            show = Item(rating_key, 'show', section['key'], record['title'], guid, record['year'])
            season = Item(rating_key + 1, 'season', section['key'], 'Season 1', show.guid.replace('?', '/1?'),
                          parent=show, index='1')
            episodes = [Item(rating_key + 1 + number, 'episode', section['key'], 'Episode %d' % number,
                             show.guid.replace('?', '/1/%d?' % number), parent=season, index=str(number),
                             path=path.replace('.mkv', ' - s01e0%d.mkv' % number)) for number in (1, 2)]
            self.items.extend([show, season] + episodes)

    def records(self):
        return [record for site in self.sites.values() for record in site.records.values()]


def films(scenario, broken, healthy):
    section = scenario.section('movie', 'Films', 'Filmkontor', 'com.plexapp.agents.filmkontor')
    site = FilmOffice('films.example')
    scenario.add(section, site, broken, ['no plot'])
    scenario.add(section, site, healthy)


def small(seed):
    """One movie agent: 7 items fail for a missing element, 5 are healthy; no history."""
    scenario = Scenario(seed)
    films(scenario, 7, 5)
    return scenario


def demo(seed):
    """Five agents and a sixth that does not start, with logs of the last days."""
    scenario = Scenario(seed)
    films(scenario, 23, 7)
    section = scenario.section('show', 'Series', 'Serienwelt', 'com.plexapp.agents.serienwelt')
    series = SeriesBase('series.example')
    scenario.add(section, series, 14, ['no network'])
    scenario.add(section, series, 9, ['no network', 'bad date'])
    scenario.add(section, series, 13, ['bad date'])
    scenario.add(section, series, 7)
    section = scenario.section('movie', 'Kino', 'Kinothek', 'com.plexapp.agents.kinothek')
    library = FilmLibrary('kinothek.example')
    scenario.add(section, library, 19, ['no series'])
    scenario.add(section, library, 7)
    section = scenario.section('artist', 'Music', 'Plattenschrank', 'com.plexapp.agents.plattenschrank')
    shop = RecordShop('records.example')
    scenario.add(section, shop, 19, ['banned'])
    scenario.add(section, shop, 5)
    section = scenario.section('movie', 'Home', 'Heimkino', 'com.plexapp.agents.heimkino')
    archive = Archive('archive.example')
    scenario.add(section, archive, 13, ['layout 3'])
    scenario.add(section, archive, 5)
    scenario.bundles.append('Altbau')
    scenario.history = ((3, 1), (2, .4), (1, .4))
    return scenario


def doubtful(seed):
    """One movie agent: 7 items fail at one of three places that look alike, and the log names a line behind them."""
    scenario = Scenario(seed)
    section = scenario.section('movie', 'Films', 'Programmheft', 'com.plexapp.agents.programmheft')
    site = Programme('programme.example')
    scenario.add(section, site, 7, ['nameless distributor'])
    scenario.add(section, site, 5)
    scenario.drifting_share = 1
    return scenario


SCENARIOS = {'small': small, 'demo': demo, 'doubtful': doubtful}
