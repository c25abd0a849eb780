# Kinodb: films from a JSON interface
API = 'https://api.kinodb.example/film/%s'

def Start():
    HTTP.CacheTime = CACHE_1WEEK

class KinodbAgent(Agent.Movies):
    name = 'Kinodb'
    languages = [Locale.Language.NoLanguage]
    primary_provider = True

    def update(self, metadata, media, lang):
        film = JSON.ObjectFromURL(API % metadata.id)
        metadata.title = film['title']
        metadata.original_title = film['names']['original'].strip()
        metadata.summary = film.get('plot')
        metadata.year = int(film['year'])
        metadata.rating = float(film['votes']['average'])

        metadata.genres.clear()
        for genre in film['genres']:
            metadata.genres.add(genre['name'])

        metadata.studio = film['companies'][0]['name']

        metadata.roles.clear()
        for person in film['cast']:
            role = metadata.roles.new()
            role.name = person['name']
            role.role = person['character'].replace('(voice)', '').strip()
            role.photo = person['image']['url']

        if film['release']['date']:
            metadata.originally_available_at = Datetime.ParseDate(film['release']['date']).date()
        elif film['premiere']['date']:
            metadata.originally_available_at = Datetime.ParseDate(film['premiere']['date']).date()

        metadata.directors.clear()
        for director in [person for person in film['crew'] if person['job'].lower() == 'director']:
            metadata.directors.add(director['name'])

        metadata.countries.clear()
        for country in film['countries'].split(','): metadata.countries.add(country.strip())

        poster = film['images']['poster']
        metadata.posters[poster] = Proxy.Media(HTTP.Request(poster).content)
        metadata.tagline = film.get('tagline', '')
