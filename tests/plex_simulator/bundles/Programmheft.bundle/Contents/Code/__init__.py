# -*- coding: utf-8 -*-
#
# Programmheft: films from the programme of a distributor
#
API = 'http://programme.example/film/'


def Start():
    HTTP.CacheTime = 0


class ProgrammheftAgent(Agent.Movies):
    name = 'Programmheft'
    languages = ['en', 'de']
    primary_provider = True

    def search(self, results, media, lang):
        for row in JSON.ObjectFromURL(API + 'find?title=' + String.Quote(media.name, usePlus=True)):
            results.Append(MetadataSearchResult(id=str(row['id']), name=row['title'], year=row['year'], score=90,
                                                lang=lang))

    def update(self, metadata, media, lang, force=False):
        film = JSON.ObjectFromURL(API + metadata.id)
        metadata.title = film['title']
        metadata.summary = film['plot']
        metadata.year = film['year']

        # who made it, and who shows it
        metadata.studio = film['producer']['name']
        metadata.tagline = 'Shown by %s' % film['distributor']['name']
        metadata.original_title = film['original']['name']

        metadata.genres.clear()
        for genre in film['genres']:
            metadata.genres.add(genre)
        metadata.directors.clear()
        for name in film['directors']:
            director = metadata.directors.new()
            director.name = name
        metadata.roles.clear()
        for person in film['cast']:
            role = metadata.roles.new()
            role.name = person['who']
            role.role = person['as']

        if film['points']:
            metadata.rating = float(film['points'])
        metadata.content_rating = film['age']
        metadata.originally_available_at = Datetime.ParseDate(film['premiere']).date()
