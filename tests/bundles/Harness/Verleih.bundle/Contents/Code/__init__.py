# -*- coding: utf-8 -*-
# Verleih: series from a lending shop
import re
import datetime
import time

BASE = 'https://verleih.example'
GENRES = {'dr': 'Drama', 'kr': 'Krimi'}
RATINGS = ['G', 'PG', 'R']

class Item:
    def __init__(self, raw):
        self.id = raw['id']
        self.title = raw['title']
        self.when = raw.get('when')
        self.stars = raw.get('stars')
        self.genres = [GENRES[code] for code in raw['genres']]

    def year(self):
        return int(self.when.split('-')[0])

    def rating(self):
        return float(self.stars.replace(',', '.'))

def parse_runtime(text):
    hours, minutes = re.match(r'(\d+)h(\d+)m', text).groups()
    return (int(hours) * 60 + int(minutes)) * 60 * 1000

def parse_day(text):
    parts = time.strptime(text, '%d.%m.%Y')
    return datetime.date(parts.tm_year, parts.tm_mon, parts.tm_mday)

def clean(text):
    text = re.sub(r'<[^>]+>', '', text)
    return text.replace('&amp;', '&').strip()

def find_by(rows, key, value):
    for row in rows:
        if row[key] == value:
            return row

def pick(rows):
    return max(rows, key=lambda row: row['score'])['url']

class VerleihAgent(Agent.TV_Shows):
    name = 'Verleih'
    languages = [Locale.Language.NoLanguage]
    primary_provider = True

    def fetch(self, ident):
        data = JSON.ObjectFromURL(BASE + '/' + str(ident))
        return data

    def search(self, results, media, lang, manual):
        wanted = String.Quote(media.show)
        page = self.fetch(wanted)
        for raw in page['hits']:
            item = Item(raw)
            title = item.title
            score = 100
            if item.year() != 2013:
                score = score - 10
            if title.lower() != media.show.lower():
                score = score - abs(len(title) - len(media.show))
            results.Append(MetadataSearchResult(id=item.id, name=title, year=item.year(), score=score, lang=lang))

    def update(self, metadata, media, lang):
        page = self.fetch(metadata.id)
        item = Item(page['item'])
        metadata.title = item.title
        metadata.rating = item.rating()
        metadata.genres.clear()
        for genre in item.genres:
            metadata.genres.add(genre)
        metadata.summary = clean(page['text'])
        metadata.duration = parse_runtime(page['runtime'])
        metadata.originally_available_at = parse_day(page['start'])
        metadata.content_rating = RATINGS[page['level']]
        if page['network']['country'] == 'DE' and len(page['network']['name']) > 1:
            metadata.studio = page['network']['name'].upper()

        banner = pick(page['banners'])
        try:
            metadata.posters[banner] = Proxy.Media(HTTP.Request(banner).content, sort_order=1)
        except IOError:
            Log('no banner')

        metadata.countries.clear()
        metadata.countries.add(find_by(page['lands'], 'id', page['land'])['name'])

        first, last = page['span'].split('-')
        metadata.tagline = '%d Jahre' % (int(last) - int(first))

        metadata.roles.clear()
        for number, person in enumerate(page['cast']):
            role = metadata.roles.new()
            role.name = person['name']
            role.role = '%s (%s)' % (person['part'].title(), page['actors'][number]['born'])

        directors = {}
        for person in page['crew']:
            if person['job'] in ('director', 'Regie'):
                directors[person['name']] = True
        metadata.directors = list(directors.keys())

        total = 0
        for vote in page['votes']:
            total += vote
        metadata.audience_rating = total / len(page['votes'])

        by_number = {}
        for row in page['episodes']:
            by_number[(row['s'], row['e'])] = row

        for s in media.seasons:
            for e in media.seasons[s].episodes:
                row = by_number[(int(s), int(e))]
                episode = metadata.seasons[s].episodes[e]
                episode.title = row['title'].strip()
                episode.summary = clean(row['text'])
                episode.originally_available_at = parse_day(row['day'])
                episode.rating = float(row['stars'])
                thumb = row['still'][0]
                if thumb not in episode.posters:
                    episode.posters[thumb] = Proxy.Preview(HTTP.Request(thumb).content, sort_order=1)

        for line in page['notes'].splitlines():
            key, value = line.split('=')
            if key == 'alias':
                metadata.original_title = value.decode('utf-8') if isinstance(value, str) else value
        metadata.trivia = ' / '.join([note['text'] for note in page['trivia']])
        metadata.quotes = page['quotes'][0]['who'] + ': ' + page['quotes'][0]['what']
