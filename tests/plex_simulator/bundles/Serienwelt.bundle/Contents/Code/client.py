# -*- coding: utf-8 -*-
# The JSON interface of series.example.

API = 'http://series.example/api/'


def get(path):
    return JSON.ObjectFromURL(API + path, headers={'Accept': 'application/json'})


def show(show_id):
    return get('show/' + show_id)


def episodes(show_id):
    reply = get('show/' + show_id + '/episodes')
    return reply.get('episodes') or []


def search(name):
    return get('search?name=' + String.Quote(name, usePlus=True)).get('shows') or []
