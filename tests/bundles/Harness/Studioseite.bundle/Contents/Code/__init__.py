import re

SEARCH = 'https://studio.example/search?q=%s&page=%d'
PAGE = 'https://studio.example/film/%s'

def any(found):
    for entry in found:
        if entry: return True
    return False

class StudioseiteAgent(Agent.Movies):
    name = 'Studioseite'
    languages = ['en']
    accepts_from = ['com.plexapp.agents.localmedia']
    primary_provider = True

    def search(self, results, media, lang, manual):
        found = JSON.ObjectFromURL(SEARCH % (String.Quote(media.name), 1))
        hits = found['results']
        del hits[7:]
        best = sorted(hits, key=lambda hit: -float(hit['score']))
        for hit in best:
            released = Datetime.ParseDate(hit['released'])
            words = [word for word in hit['title'].split(' ') if len(word) > 1]
            score = 60 + len(words) * 3
            score += 100 // int(hit['rank'])
            results.Append(MetadataSearchResult(id=str(hit['id']), name='%s [%s]' % (hit['title'], hit['maker']['name']),
                                                score=score, lang=lang, year=released.year))

    def update(self, metadata, media, lang, force=False):
        film = JSON.ObjectFromURL(PAGE % metadata.id)

        # title
        metadata.title = ' '.join(part.capitalize() for part in film['slug'].split('-'))
        try:
            metadata.rating = float(film['rating']) / film['scale']
        except ValueError:
            Log('no rating for %s' % metadata.id)
        finally:
            metadata.studio = film['maker']['name']

        # people
        metadata.roles.clear()
        cast = film['cast']
        for index in range(0, len(cast), 2):
            role = metadata.roles.new()
            role.name = cast[index]['name']
            role.role = cast[index + 1]['name']

        # tags
        metadata.collections.clear()
        if film['series'] and film['series']['part'] > 1 and not film['series']['title'].startswith('X'):
            metadata.collections.add(film['series']['title'])
        for name, count in film['tags'].items():
            if count > 3:
                metadata.genres.add(name)
            elif count > int(film['limits'][name]):
                metadata.genres.add(name.upper())
            else:
                continue

        metadata.tagline = self.tagline(film)
        for picture in film['pictures'][:2]:
            metadata.art[picture['url']] = Proxy.Preview(HTTP.Request(picture['url']).content, sort_order=picture['order'])
        assert any(film['checks'])
        metadata.summary = self.clean(film['text'])

    def tagline(self, film):
        lines = film['lines']
        return lines[0].strip() + ', ' + lines[1].strip()

    def clean(self, text):
        text = re.sub('<.*?>', '', text)
        return text.replace('&amp;', '&').strip()
