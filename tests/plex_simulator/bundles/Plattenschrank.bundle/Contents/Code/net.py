# -*- coding: utf-8 -*-
# One way to the net for all; what cannot be had is None.

SITE = 'http://records.example'


def page(path):
    try:
        return HTML.ElementFromURL(SITE + path, headers={'Referer': SITE + '/'}, timeout=10)
    except Exception as problem:
        Log.Debug('%s: %s' % (path, problem))
        return None


def data(url):
    return HTTP.Request(url, timeout=10).content
