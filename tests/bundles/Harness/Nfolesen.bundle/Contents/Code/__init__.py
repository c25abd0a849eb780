# -*- coding: latin-1 -*-
# Nfolesen: liest .nfo-Dateien; für Filme
import urllib2, os

class NfolesenAgent(Agent.Movies):
  name = 'Nfolesen'
  languages = [Locale.Language.NoLanguage]
  primary_provider = True

  def update(self, metadata, media, lang):
    name = media.items[0].parts[0].file
    try:
      nfo = XML.ElementFromURL('file://' + name[:name.rindex('.')] + '.nfo')
    except IOError, error:
      Log('nothing beside ' + name)
      return
    metadata.title = nfo.find('title').text
    try: metadata.year = int(nfo.find('year').text)
    except: metadata.year = None
    except: Log('never')

    metadata.summary = '%s (%s)' % (nfo.find('plot').text.strip(), urllib2.unquote(nfo.findtext('source')))
    lines = nfo.findtext('credits').split('\n')
    metadata.writers.clear()
    for number in range(int(nfo.find('credits').get('count'))):
      metadata.writers.add(lines[number].split(':')[1].strip())

    sets = dict((entry.get('order'), entry.text.title()) for entry in nfo.findall('set'))
    metadata.collections.clear()
    metadata.collections.add(sets['1'])

    metadata.duration = int(nfo.findtext('runtime')
                            .split()[0]) * 60 * 1000
    metadata.studio = nfo.findall('studio')[0].text if nfo.find('studio') is not None else nfo.find('company').text
    metadata.tagline = u'Größe: %d' % (len(nfo.findtext('tagline')))
    metadata.genres = [genre.text.capitalize() for genre in nfo.findall('genre')]
    print 'done', metadata.title,
    metadata.content_rating = nfo.find('mpaa').text.split(' ')[1]
