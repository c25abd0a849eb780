# -*- coding: utf-8 -*-
# Pages of the film office, one request each.

SITE = 'http://films.example'
HEADERS = {'Accept-Language': 'en'}


def film_url(film_id):
    return SITE + '/film/' + film_id


def film_page(film_id):
    return HTML.ElementFromURL(film_url(film_id), headers=HEADERS)


def search_page(title, year):
    url = SITE + '/search?q=' + String.Quote(title, usePlus=True)
    if year:
        url += '&year=' + str(year)
    return HTML.ElementFromURL(url, headers=HEADERS)


def picture(path):
    url = path if path.startswith('http') else SITE + path
    return url, HTTP.Request(url).content
