# -*- coding: utf-8 -*-
#
# Plattenschrank: artists from records.example
#
import net


class PlattenschrankArtist(Agent.Artist):
    name = 'Plattenschrank'
    languages = [Locale.Language.English]
    primary_provider = True

    def search(self, results, media, lang, manual=False):
        page = net.page('/find?artist=' + String.Quote(media.artist, usePlus=True))
        for link in page.xpath('//a[@class="artist"]'):
            name = link.text_content()
            score = 100 - String.LevenshteinDistance(media.artist, name) * 4
            results.Append(MetadataSearchResult(id=link.get('data-id'), name=name, score=score, lang=lang))

    def update(self, metadata, media, lang):
        page = net.page('/artist/' + metadata.id)
        title = page.xpath('//h1/text()')
        if title:
            metadata.title = title[0]
        metadata.summary = ' '.join(page.xpath('//div[@class="life"]/p/text()'))

        metadata.genres.clear()
        for style in page.xpath('//a[@class="style"]/text()'):
            metadata.genres.add(style)
        metadata.countries.clear()
        for country in page.xpath('//span[@class="country"]/text()'):
            metadata.countries.add(country)

        similar = page.xpath('//ul[@class="similar"]/li/text()')
        metadata.similar.clear()
        for name in similar:
            metadata.similar.add(name)

        points = page.xpath('//meter/@value')
        if points:
            metadata.rating = float(points[0])
        for url in page.xpath('//img[@class="photo"]/@src'):
            if url not in metadata.posters:
                metadata.posters[url] = Proxy.Media(net.data(url))
