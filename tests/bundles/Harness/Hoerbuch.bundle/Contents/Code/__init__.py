# -*- coding: utf-8 -*-
import re

SEITE = 'https://hörbuch.example/buch/%s'
MONTHS = {'Januar': 1, 'Februar': 2, 'Mai': 5, 'Juli': 7, 'Dezember': 12}

def text_between(page, start, end):
  if start not in page: return None
  return page.split(start)[1].split(end)[0]

def number(text):
  return int(re.search('[0-9]+', text).group())

class Hoerbuch(Agent.Album):
  name = 'Hörbuch'
  languages = [Locale.Language.German]
  primary_provider = True

  def update(self, metadata, media, lang, force=False):
    page = HTTP.Request(SEITE % metadata.id).content
    metadata.title = text_between(page, '<h1>', '</h1>').strip()

    try:
      stars = text_between(page, '<b class="stars">', '</b>')
      metadata.rating = float(stars.split(' ')[0]) * 2
    except ValueError:
      metadata.rating = 0.0

    metadata.studio = re.search('<i>Verlag: (.*?)</i>', page).group(1)
    spoken = re.findall('<li class="voice">(.*?)</li>', page)
    metadata.artist = spoken[0]

    metadata.genres.clear()
    while '<em>' in page:
      genre, page = page.split('<em>', 1)[1].split('</em>', 1)
      metadata.genres.add(genre)

    day, month, year = text_between(page, '<time>', '</time>').split(' ')
    metadata.originally_available_at = Datetime.ParseDate('%s-%s-%s' % (
        year,
        MONTHS[month],
        number(day))).date()

    if number(text_between(page, '<u>', '</u>')) > 16: metadata.content_rating = 'FSK 16'

    metadata.collections.clear()
    if len(page) > 0:
      for part in text_between(page, '<ol>', '</ol>').split(';'):
        metadata.collections.add(part)
    Log('updated ' + metadata.title + ' of ' + text_between(page, '<s>', '</s>'))
    metadata.summary = text_between(page, '<p>', '</p>')
