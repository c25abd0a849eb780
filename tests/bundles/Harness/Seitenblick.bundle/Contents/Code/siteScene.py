# -*- coding: utf-8 -*-
import re
import datetime

SITES = {'1': ['Eins', 'http://eins.example'], '2': ['Zwei', 'http://zwei.example']}

class People:
    def __init__(self):
        self.table = []

    def add(self, name, photo):
        self.table.append((name, photo))

    def store(self, metadata):
        for name, photo in self.table:
            role = metadata.roles.new()
            role.name = ' '.join([word.capitalize() for word in name.split()])
            role.photo = photo.split('?')[0]

def date_from(text):
    words = text.split()
    month = {'Mai': 5, 'Juni': 6}[words[1]]
    return datetime.date(int(words[2]), month, int(words[0].rstrip('.')))

def search(results, title, lang):
    page = XML.ElementFromURL('http://eins.example/search')
    for hit in page.xpath('.//hit'):
        link = hit.xpath('./a/@href')[0]
        cur_id = link.split('/')[3].split('.')[0]
        name = hit.xpath('./a')[0].text_content().strip()
        day = hit.xpath('./date')[0].text_content().replace('am', '').strip()
        released = date_from(day)
        site = SITES[cur_id.split('-')[0]][0]
        score = 100 - abs(len(name) - len(title))
        results.Append(MetadataSearchResult(id='%s|%s' % (cur_id, site), name='%s [%s]' % (name, released.year), score=score, lang=lang))

def update(metadata, ident):
    page = XML.ElementFromURL('http://eins.example/film/' + ident)
    people = People()

    # Title
    metadata.title = page.xpath('.//h1')[0].text_content().strip()

    # Summary
    try:
        metadata.summary = page.xpath('.//p[@class="plot"]')[0].text_content().strip()
    except KeyError:
        pass

    # Studio
    metadata.studio = page.xpath('.//b[@class="studio"]/a')[0].text_content().split(':')[1].strip()

    # Release Date
    date = page.xpath('.//date')
    if date is not None:
        released = date_from(date[0].text_content())
        metadata.originally_available_at = released
        metadata.year = metadata.originally_available_at.year

    # Genres
    metadata.genres.clear()
    for link in page.xpath('.//genre'):
        name = link.text.strip().lower()
        metadata.genres.add(name)

    # Cast
    metadata.roles.clear()
    for node in page.xpath('.//actor'):
        name = node.xpath('./a')[0].text
        url = node.xpath('./a/@href')[0]
        photo = node.xpath('./img/@src')[0]
        people.add(name, photo)
    people.store(metadata)

    # Director
    metadata.directors.clear()
    director = page.xpath('.//director')[0].text
    if len(director) > 3:
        metadata.directors.add(director)

    # Rating
    rating = float(page.xpath('.//rating/@value')[0]) * 2
    metadata.rating = rating

    # Duration
    metadata.duration = int(re.search(r'(\d+) min', page.xpath('.//length')[0].text_content()).group(1)) * 60000

    # Collection
    metadata.collections.clear()
    series = page.find('series').get('name')
    if series.startswith('Die '):
        series = series[4:]
    metadata.collections.add(series)

    # Posters
    art = []
    for img in page.xpath('.//gallery/img'):
        art.append('http:' + img.get('src'))
    art.append(page.xpath('.//cover/@src')[0])
    for number, url in enumerate(art, 1):
        metadata.posters[url] = Proxy.Media(HTTP.Request(url).content, sort_order=number)

    metadata.tagline = page.xpath('.//tag')[0].text.decode('utf-8').encode('ascii', 'ignore')
    script = page.findtext('script')
    data = re.search(r'age=(\d+);', script).group(1)
    metadata.content_rating = 'FSK ' + data
    metadata.countries.clear()
    for code in script.split('land=')[1].split(';')[0].split(','):
        metadata.countries.add(code)
    return metadata
