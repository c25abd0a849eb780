# -*- coding: utf-8 -*-
#
# Kinothek: films from the interface of a film library
#
import mapping

API = 'http://kinothek.example/v1'


def Start():
    HTTP.CacheTime = 0
    HTTP.Headers['Accept'] = 'application/json'


def film_of(film_id):
    reply = JSON.ObjectFromURL(API + '/film/' + film_id)
    Log.Debug('Reply with %d keys' % len(reply))
    return reply.get('film') or {}


class KinothekAgent(Agent.Movies):
    name = 'Kinothek'
    languages = ['en', 'de']
    primary_provider = True
    fallback_agent = None

    def search(self, results, media, lang):
        reply = JSON.ObjectFromURL(API + '/search?title=' + String.Quote(media.name, usePlus=True))
        for row in reply.get('films') or []:
            score = 100 - String.LevenshteinDistance(media.name, row['title']) * 5
            results.Append(MetadataSearchResult(id=str(row['id']), name=row['title'], year=row.get('year'),
                                                score=score, lang=lang))

    def update(self, metadata, media, lang, force=False):
        film = film_of(metadata.id)

        mapping.plain_fields(metadata, film)
        year = film.get('year')
        if year:
            metadata.year = int(year)
        day = film.get('premiere')
        if day:
            metadata.originally_available_at = Datetime.ParseDate(day).date()
        points = film.get('points')
        if points:
            metadata.rating = float(points) / 10

        genres = film.get('genres') or []
        if genres:
            metadata.genres.clear()
            for genre in genres:
                metadata.genres.add(genre)

        if film.get('directors'):
            mapping.people(metadata.directors, film.get('directors'))
        if film.get('writers'):
            mapping.people(metadata.writers, film.get('writers'))
        if film.get('cast'):
            metadata.roles.clear()
            for row in film.get('cast'):
                role = metadata.roles.new()
                role.name = row.get('name')
                role.role = row.get('as')

        picture = film.get('picture')
        if picture and picture not in metadata.posters:
            metadata.posters[picture] = Proxy.Media(HTTP.Request(picture).content)

        # a film of a series says so
        series = film['series']
        metadata.tagline = series['name']
        Log.Info('%s is up to date' % metadata.id)
