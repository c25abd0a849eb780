# -*- coding: utf-8 -*-
# Kaufhaus: films from a shop's JSON interface and its pages
import re
import urllib

API = 'https://api.kaufhaus.example/%s'

def Start():
    HTTP.CacheTime = CACHE_1WEEK

def first_year(text):
    found = re.search(r'(\d{4})', text)
    return int(found.group(1))

def poster_of(film):
    return film['pictures']['front']['url']

def words_of(text):
    return [word.strip() for word in text.split(',')]

def details(film):
    shop = film['shop']
    return {'label': shop['label'].strip(), 'price': shop['price']}

class KaufhausAgent(Agent.Movies):
    name = 'Kaufhaus'
    languages = [Locale.Language.NoLanguage]
    primary_provider = True

    def search(self, results, media, lang, manual):
        found = JSON.ObjectFromURL(API % 'search')
        best = sorted(found['hits'], key=lambda hit: hit['rank'])
        for hit in best:
            year = first_year(hit['when'])
            score = 100 - abs(int(hit['date'][:4]) - 2013)
            results.Append(MetadataSearchResult(id=str(hit['id']), name=hit['name'].title() + ' [' + hit['label'] + ']', year=year, score=score, lang=lang))

    def update(self, metadata, media, lang):
        film = JSON.ObjectFromURL(API % metadata.id)
        metadata.title = film['title']
        metadata.year = first_year(film['when'])
        thumb = film['images'][0]['thumb']
        metadata.posters[thumb] = Proxy.Media(HTTP.Request(thumb).content)
        poster = poster_of(film)
        if poster not in metadata.art:
            metadata.art[poster] = Proxy.Media(HTTP.Request(poster).content)
        info = details(film)
        metadata.studio = info['label']
        metadata.tagline = 'Preis: ' + info['price']

        metadata.genres.clear()
        for word in words_of(film['keywords']):
            metadata.genres.add(word)

        day = Datetime.ParseDate(film['release'])
        metadata.originally_available_at = day.date()

        line = film['facts'][2].split(':')[1].strip()
        metadata.summary = line

        if film['format'] == 'disc':
            medium = 'DVD'
        elif film['format'] == 'stream':
            medium = 'Web'
        metadata.content_rating = medium

        metadata.roles.clear()
        for person in film['people']:
            role = metadata.roles.new()
            role.name = person['first'] + ' ' + person['last']
            photo = person['photo'].replace('/small/', '/large/')
            if photo:
                role.photo = photo

        crew = {}
        for row in film['crew']:
            crew[row['job']] = row['name']
        metadata.directors.clear()
        metadata.directors.add(crew['director'])
        metadata.writers.clear()
        metadata.writers.add(crew['writer'])

        runtime = film['runtime'].split(' ')[0]
        metadata.duration = int(runtime) * 60 * 1000

        rating, votes = film['rating'].split('/')
        metadata.rating = float(rating) / float(votes)

        extra = JSON.ObjectFromURL(API % film['extra'].lower())
        metadata.tags.clear()
        for tag in extra['tags']:
            metadata.tags.add(tag['name'])

        metadata.collections.clear()
        series = film['series']
        if len(series['title']) > 2:
            metadata.collections.add(series['title'])

        name = str(film['original'])
        metadata.original_title = name
        quote = film['quote'].encode('ascii')
        metadata.quotes = quote
        metadata.countries.clear()
        metadata.countries.add(film['country']['code'].upper())
        metadata.trivia = urllib.unquote(film['trivia'])
