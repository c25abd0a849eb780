# -*- coding: utf-8 -*-
#
# Heimkino: films of an archive whose pages change
#
import re
import layouts

SITE = 'http://archive.example'


def Start():
    Log.Info('Heimkino starts')


def clean(text):
    return re.sub(' +', ' ', text or '').strip()


class HeimkinoAgent(Agent.Movies):
    name = 'Heimkino'
    languages = ['en']
    primary_provider = True

    def search(self, results, media, lang, manual=False):
        found = JSON.ObjectFromURL(SITE + '/find?title=' + String.Quote(media.name, usePlus=True))
        for row in found:
            results.Append(MetadataSearchResult(id=row['id'], name=row['title'], year=row['year'],
                                                score=row['match'], lang=lang))

    def update(self, metadata, media, lang):
        page = HTML.ElementFromURL(SITE + '/page/' + metadata.id)
        film = layouts.read(page)
        metadata.title = clean(film['title'])
        metadata.summary = clean(film['plot'])
        if film['year']:
            metadata.year = int(film['year'])
        metadata.genres.clear()
        for genre in film['genres']:
            metadata.genres.add(clean(genre))
        Log.Debug('%s: %s' % (metadata.id, metadata.title))
