import re, time

FEED = 'https://sport.example/%s.xml'

class SportplatzAgent(Agent.TV_Shows):
    name = 'Sportplatz'
    languages = ['xn', 'en']
    primary_provider = True

    def update(self, metadata, media, lang):
        feed = XML.ElementFromString(HTTP.Request(FEED % metadata.id, timeout=23).content)
        league = feed.find('league')
        metadata.title = league.get('name').split('/')[-1]
        teams = {}
        for team in league.findall('team'):
            teams[team.get('id')] = team.text.strip()
        metadata.summary = 'Home: ' + teams[feed.find('home').get('id')] + '\n' + 'Away: ' + teams[feed.find('away').get('id')]

        def points(row):
            return int(row.get('points'))

        table = sorted(league.findall('row'), key=points, reverse=True)
        metadata.studio = teams[table[0].get('id')]
        metadata.rating = float(sum_of([points(row) for row in table]) / len(feed.findall('match')))

        index = 0
        rounds = feed.findall('round')
        while rounds[index].get('done') == 'yes':
            metadata.collections.add('Round %s' % rounds[index].get('number').zfill(2))
            index = index + 1

        for season in media.seasons:
            matches = [match for match in feed.findall('match') if match.get('season') == season]
            for episode in media.seasons[season].episodes:
                match = matches[int(episode) - 1]
                played = time.strptime(match.get('date'), '%Y-%m-%d')
                if match.find('score').text != '-':
                    home, away = match.find('score').text.split(':')
                    target = metadata.seasons[season].episodes[episode]
                    target.title = '%s:%s in %s' % (home, away, played[0])
                    target.summary = ', '.join(goal.get('by').title() for goal in match.findall('goal'))
                    for guest in match.find('guests'): target.guest_stars.add(guest.get('name'))
        return self.finish(metadata, feed)

    def finish(self, metadata, feed):
        metadata.originally_available_at = Datetime.ParseDate(feed.find('start').text).date()
        metadata.content_rating = {'yes': 'A', 'no': 'B'}[feed.find('open').text]
        metadata.countries.clear()
        map(metadata.countries.add, [place.text.title() for place in feed.find('places')])
        return metadata

def sum_of(numbers):
    total = 0
    for number in numbers:
        total = total + number
    return total
