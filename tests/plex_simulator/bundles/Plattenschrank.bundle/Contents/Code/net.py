# -*- coding: utf-8 -*-
# One way to the net for all.

SITE = 'http://records.example'


def page(path):
    return HTML.ElementFromURL(SITE + path, headers={'Referer': SITE + '/'}, timeout=10)


def data(url):
    return HTTP.Request(url, timeout=10).content
