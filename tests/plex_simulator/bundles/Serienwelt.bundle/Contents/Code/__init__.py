# -*- coding: utf-8 -*-
#
# Serienwelt: TV series from series.example
#
import client
import dates

STATES = {
    'running': 'Continuing',
    'ended': 'Ended',
}


def Start():
    Log('Serienwelt is here')


class SerienweltAgent(Agent.TV_Shows):
    name = 'Serienwelt'
    languages = [Locale.Language.English]
    primary_provider = True

    def search(self, results, media, lang, manual=False):
        wanted = media.show
        for row in client.search(wanted):
            score = 100 - String.LevenshteinDistance(wanted.lower(), row['name'].lower()) * 3
            if media.year and row.get('year') and int(media.year) != row['year']:
                score = score - 10
            results.Append(MetadataSearchResult(id=row['id'], name=row['name'], year=row.get('year'),
                                                score=score, lang=lang))
        results.Sort('score', descending=True)

    def update(self, metadata, media, lang, force=False):
        show = client.show(metadata.id)
        Log.Debug('%s: %s' % (metadata.id, show['name']))

        metadata.title = show['name']
        metadata.summary = show.get('plot') or ''

        # who shows it
        network = show['network']
        metadata.studio = network
        country = show.get('country')
        metadata.countries.clear()
        if country:
            metadata.countries.add(country)

        # when it began
        metadata.originally_available_at = dates.day(show['first_aired'])

        points = show.get('rating')
        if points is not None:
            metadata.rating = float(points)
        age = show.get('age')
        if age:
            metadata.content_rating = 'TV-%s' % age

        metadata.genres.clear()
        for genre in show.get('genres') or []:
            metadata.genres.add(genre)

        state = STATES.get(show.get('state'))
        metadata.tags.clear()
        if state:
            metadata.tags.add(state)

        metadata.roles.clear()
        for actor in show.get('cast') or []:
            role = metadata.roles.new()
            role.name = actor['name']
            role.role = actor.get('role')

        banner = show.get('poster')
        if banner:
            if banner not in metadata.posters:
                metadata.posters[banner] = Proxy.Media(HTTP.Request(banner).content, sort_order=1)

        self.fill_episodes(metadata, media)

    def fill_episodes(self, metadata, media):
        known = {}
        for row in client.episodes(metadata.id):
            known[(str(row['season']), str(row['number']))] = row
        for season in media.seasons:
            for number in media.seasons[season].episodes:
                row = known.get((str(season), str(number)))
                if row is None:
                    Log.Debug('No data for %sx%s' % (season, number))
                    continue
                episode = metadata.seasons[season].episodes[number]
                episode.title = row['title']
                episode.summary = row.get('plot') or ''
