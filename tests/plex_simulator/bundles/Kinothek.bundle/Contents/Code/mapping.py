# -*- coding: utf-8 -*-
# From the words of the library's interface to Plex's.

PLAIN = (
    ('title', 'title'),
    ('originalTitle', 'original_title'),
    ('plot', 'summary'),
    ('tagline', 'tagline'),
    ('studio', 'studio'),
    ('age', 'content_rating'),
)


def plain_fields(metadata, film):
    for source, target in PLAIN:
        value = film.get(source)
        if not value:
            continue
        if target == 'title':
            metadata.title = value
        elif target == 'original_title':
            metadata.original_title = value
        elif target == 'summary':
            metadata.summary = value
        elif target == 'tagline':
            metadata.tagline = value
        elif target == 'studio':
            metadata.studio = value
        elif target == 'content_rating':
            metadata.content_rating = value


def people(container, names):
    container.clear()
    for name in names or []:
        person = container.new()
        person.name = name
