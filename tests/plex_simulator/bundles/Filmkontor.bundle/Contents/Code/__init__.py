# -*- coding: utf-8 -*-
#
# Filmkontor: films from films.example
#
import re
import fetch
import pick

VERSION = '1.3'

ROLE_LIMIT = 12

GENRES = {
    'Sci-Fi': 'Science Fiction',
    'Doc': 'Documentary',
    'Kids': 'Family',
}

RATINGS = {
    '0': 'de/0',
    '6': 'de/6',
    '12': 'de/12',
    '16': 'de/16',
    '18': 'de/18',
}


def Start():
    HTTP.CacheTime = 0
    Log.Info('Filmkontor %s' % VERSION)


def ValidatePrefs():
    pass


class FilmkontorAgent(Agent.Movies):
    name = 'Filmkontor'
    languages = [Locale.Language.English, Locale.Language.German]
    primary_provider = True
    accepts_from = ['com.plexapp.agents.localmedia']

    def search(self, results, media, lang, manual=False):
        title = media.name
        year = media.year
        Log.Debug('Looking for %s (%s)' % (title, year))
        page = fetch.search_page(title, year)
        for row in page.xpath('//ul[@class="hits"]/li'):
            link = row.xpath('./a')[0]
            film_id = link.get('href').split('/')[-1]
            found_year = pick.number(row.xpath('./span[@class="year"]/text()')[0])
            name = link.text
            results.Append(MetadataSearchResult(
                id=film_id,
                name=name,
                year=found_year,
                score=pick.score(title, name, year, found_year),
                lang=lang
            ))

    def update(self, metadata, media, lang, force=False):
        page = fetch.film_page(metadata.id)
        debug = Prefs['debug']

        # Names
        metadata.title = pick.text(page, '//h1/text()')
        original = pick.text(page, '//h2[@class="original"]/text()')
        if original:
            metadata.original_title = original

        # The year stands in the head line, in brackets
        year = pick.number(pick.text(page, '//span[@class="year"]/text()'))
        if year:
            metadata.year = year

        # Plot
        plot = page.xpath('//div[@id="plot"]/p/text()')[0]
        metadata.summary = plot.strip()
        if debug:
            Log.Debug('Plot of %d letters' % len(plot))

        # Facts
        studio = pick.text(page, '//dt[.="Studio"]/following-sibling::dd[1]/text()')
        if studio:
            metadata.studio = studio

        released = pick.text(page, '//dt[.="Released"]/following-sibling::dd[1]/text()')
        if released:
            metadata.originally_available_at = Datetime.ParseDate(released).date()

        age = pick.text(page, '//dt[.="Age"]/following-sibling::dd[1]/text()')
        if age in RATINGS:
            metadata.content_rating = RATINGS[age]

        points = pick.text(page, '//b[@class="points"]/text()')
        if points:
            metadata.rating = float(points.replace(',', '.'))

        # Genres
        metadata.genres.clear()
        for genre in pick.texts(page, '//ul[@class="genres"]/li/text()'):
            metadata.genres.add(GENRES.get(genre, genre))

        # People
        metadata.directors.clear()
        for name in pick.texts(page, '//ul[@class="directors"]/li/text()'):
            director = metadata.directors.new()
            director.name = name

        metadata.roles.clear()
        for row in page.xpath('//table[@class="cast"]/tr')[:ROLE_LIMIT]:
            role = metadata.roles.new()
            role.name = pick.text(row, './td[1]/text()')
            role.role = pick.text(row, './td[2]/text()')

        # Pictures
        valid = []
        for path in page.xpath('//img[@class="poster"]/@src')[:int(Prefs['posters'])]:
            url, data = fetch.picture(path)
            valid.append(url)
            if url not in metadata.posters:
                metadata.posters[url] = Proxy.Media(data, sort_order=len(valid))
        metadata.posters.validate_keys(valid)
        Log.Info('Done with %s' % metadata.title)
