# -*- coding: utf-8 -*-
"""The metadata objects that update() fills: typed attributes, and the Info.xml files they are kept in.

A model is read from its file before update() and written after it, also when update() raised: what was set before the
fault stays.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import datetime
import hashlib
import io
import os
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import six

from .markup import native
from .sandbox import FrameworkException, kind_of

FOLDERS = {'Movie': 'Movies', 'TV_Show': 'TV Shows', 'Artist': 'Artists', 'Album': 'Albums'}
COMMON = dict(genres=set, tags=set, collections=set, duration=int, rating=float, audience_rating=float,
              rating_image=str, audience_rating_image=str, original_title=str, title_sort=str, rating_count=int,
              title=str, summary=str, originally_available_at=datetime.date, studio=str, content_rating=str,
              countries=set, reviews=set, posters=dict, art=dict, banners=dict, themes=dict,
              roles='person', similar=set)
EPISODE = dict(title=str, summary=str, originally_available_at=datetime.date, rating=float, duration=int,
               absolute_index=int, content_rating=str, writers='person', directors='person', producers='person',
               guest_stars='person', thumbs=dict)
SEASON = dict(summary=str, posters=dict, banners=dict, art=dict, episodes=EPISODE)
TEMPLATES = {
    'Movie': dict(COMMON, year=int, tagline=str, trivia=str, quotes=str, content_rating_age=int, writers='person',
                  directors='person', producers='person', chapters=set),
    'TV_Show': dict(COMMON, seasons=SEASON),
    'Artist': dict(COMMON),
    'Album': dict(COMMON, producers=set),
}
CHILD_NAMES = {'seasons': 'Season', 'episodes': 'Episode'}
PERSON = dict(photo=str, role=str, name=str)


class AttributeTypeMismatch(Exception):
    """The framework's own: its text is a pair of code and sentence."""

    def __init__(self, sentence):
        Exception.__init__(self, native('(2101, "%s")' % sentence))


class ProxyObject(object):
    """Proxy.Media(data), Proxy.Preview(data): what a poster must be."""

    def __init__(self, data, sort_order=None, ext=None):
        self.data, self.sort_order, self.ext = data, sort_order, ext


def convert(value, kind):
    """The value as it is kept; AttributeTypeMismatch where the framework refuses it."""
    if value is None:
        return None
    if kind is str:
        return native(value) if isinstance(value, six.text_type) else value if isinstance(value, bytes) else str(value)
    wanted = six.integer_types[:1] if kind is int else (kind,)
    if isinstance(value, wanted) and not (kind is float and isinstance(value, bool)):
        return value
    raise AttributeTypeMismatch("Provided content of type '%s' is not of the required type '%s'."
                                % (kind_of(value), kind.__name__))


class Container(object):
    """A set attribute of plain values."""

    def __init__(self):
        self.items = []

    def add(self, value):
        self.items.append(convert(value, str))

    def clear(self):
        del self.items[:]

    def __iter__(self):
        return iter(list(self.items))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index] if 0 <= index < len(self.items) else None


class People(Container):
    """roles, directors, ...: new() gives a record to fill."""

    def new(self):
        self.items.append(Record(PERSON))
        return self.items[-1]


class Proxies(object):
    """posters, art, ...: URL -> Proxy object; known pictures survive until validate_keys."""

    def __init__(self):
        self.items = {}

    def __setitem__(self, url, proxy):
        if not isinstance(proxy, ProxyObject):
            raise FrameworkException("Incorrect value type (<type '%s'>): Must be a Proxy object." % kind_of(proxy))
        self.items[url] = proxy

    def __getitem__(self, url):
        return self.items[url]

    def __delitem__(self, url):
        del self.items[url]

    def __contains__(self, url):
        return url in self.items

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(list(self.items))

    def keys(self):
        return list(self.items)

    def validate_keys(self, keys):
        for url in list(self.items):
            if url not in keys:
                del self.items[url]


class Children(object):
    """seasons and episodes: indexed by number or text, made when first asked for."""

    def __init__(self, template):
        self.template, self.items = template, {}

    def __getitem__(self, index):
        index = native(six.text_type(index))
        if index not in self.items:
            self.items[index] = Record(self.template)
        return self.items[index]

    def __contains__(self, index):
        return native(six.text_type(index)) in self.items

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.items)

    def keys(self):
        return sorted(self.items)


def empty(kind):
    """A fresh attribute of a kind, None for a single value."""
    if isinstance(kind, dict):
        return Children(kind)
    return {set: Container, 'person': People, dict: Proxies}.get(kind, lambda: None)()


class Record(object):
    """A set of typed attributes: a person, a season, an episode, or a whole model."""

    def __init__(self, template):
        object.__setattr__(self, 'template_', template)
        object.__setattr__(self, 'values_', dict((name, empty(kind)) for name, kind in template.items()))

    def __getattr__(self, name):
        try:
            return object.__getattribute__(self, 'values_')[name]
        except KeyError:
            return missing_attribute(self, name)

    def __setattr__(self, name, value):
        kind = self.template_.get(name)
        if kind is None:
            unknown_attribute(self, name)
        if kind in (set, 'person') and isinstance(value, list):
            self.values_[name].clear()
            for item in value:
                self.values_[name].add(item)
        elif kind in (set, 'person'):
            set_set()
        elif kind is dict or isinstance(kind, dict):
            set_map()
        else:
            self.values_[name] = set_value(value, kind)


# Each of these is a frame of the framework's attributes.py in a traceback (see traces.FRAMES)
def missing_attribute(record, name):
    raise AttributeError("'%s' object has no attribute '%s'" % (type(record).__name__, name))


def unknown_attribute(record, name):
    raise AttributeError("'%s' object has no attribute named '%s'" % (type(record).__name__, name))


def set_set():
    set_container()


def set_map():
    set_container()


def set_container():
    raise FrameworkException("Container-type attributes can't be assigned directly.")


def set_value(value, kind):
    return convert(value, kind)


class Model(Record):
    """The metadata of one item by one agent."""

    def __init__(self, kind, guid, metadata_id):
        Record.__init__(self, TEMPLATES[kind])
        object.__setattr__(self, 'kind_', kind)
        object.__setattr__(self, 'guid', guid)
        object.__setattr__(self, 'id', metadata_id)

    def __setattr__(self, name, value):
        if name == 'id':
            object.__setattr__(self, 'id', value)
        else:
            Record.__setattr__(self, name, value)


# The class name shows in messages ("'Movie' object has no attribute 'x'")
CLASSES = dict((kind, type(str(kind), (Model,), {})) for kind in TEMPLATES)


# ----------------------------------------------------------------------------------------------------------------- disk
def bundle_folder(metadata_folder, kind, guid):
    """Where the metadata of a guid lies: <Movies|...>/h/ash.bundle/Contents with the guid's SHA-1."""
    return os.path.join(metadata_folder, bundle_path(kind, guid), 'Contents')


def bundle_path(kind, guid):
    digest = sha1(guid)
    return os.path.join(FOLDERS[kind], digest[0], digest[1:] + '.bundle')


def xml_lines(name, record, indent, attributes=''):
    """The lines of a record's element; attributes without a value are empty elements, as in real files."""
    inside = []
    for key in sorted(record.template_):
        kind, value = record.template_[key], record.values_[key]
        if isinstance(value, (Container, Proxies, Children)):
            inside += container_lines(key, kind, value, indent + '  ')
        elif value is None:
            inside.append('%s  <%s/>' % (indent, key))
        else:
            text = value.decode('utf-8') if isinstance(value, bytes) else six.text_type(value)
            inside.append('%s  <%s>%s</%s>' % (indent, key, escape(text), key))
    return ['%s<%s%s>' % (indent, name, attributes)] + inside + ['%s</%s>' % (indent, name)]


def container_lines(key, kind, value, indent):
    if not value.items:
        return ['%s<%s/>' % (indent, key)]
    lines = []
    if isinstance(value, Children):             # kept in files of their own, see write_children
        lines = ['%s  <item external="True" extension="xml" key=%s/>' % (indent, quoteattr(index))
                 for index in value.keys()]
    elif isinstance(value, Proxies):
        for url, proxy in sorted(value.items.items(), key=lambda pair: (pair[1].sort_order or 0, pair[0])):
            order = '' if proxy.sort_order is None else ' sort_order="%s"' % proxy.sort_order
            lines.append('%s  <item external="True" url=%s media="%s"%s/>' % (
                indent, quoteattr(url), sha1(url), order))
    else:
        for index, item in enumerate(value.items):
            position = ' index="%d"' % index
            if isinstance(item, Record):
                lines += xml_lines('item', item, indent + '  ', position)
            else:
                text = item.decode('utf-8') if isinstance(item, bytes) else six.text_type(item)
                lines.append('%s  <item%s>%s</item>' % (indent, position, escape(text)))
    return ['%s<%s>' % (indent, key)] + lines + ['%s</%s>' % (indent, key)]


def write_model(model, path):
    """Write Info.xml and what lies beside it: seasons/1.xml, seasons/1/episodes/2.xml, posters/<SHA-1 of the URL>."""
    write_record(model.kind_, model, path, ' id=%s' % quoteattr(model.id))
    write_children(model, os.path.dirname(path))
    for name, value in model.values_.items():
        for url, proxy in value.items.items() if isinstance(value, Proxies) else ():
            if proxy.data:
                data = getattr(proxy.data, 'body', proxy.data)
                write_file(os.path.join(os.path.dirname(path), name, sha1(url)),
                           data if isinstance(data, bytes) else data.encode('utf-8'))


def write_children(record, folder):
    for name, value in record.values_.items():
        for index, child in value.items.items() if isinstance(value, Children) else ():
            write_record(CHILD_NAMES[name], child, os.path.join(folder, name, index + '.xml'))
            write_children(child, os.path.join(folder, name, index))


def write_record(tag, record, path, attributes=''):
    text = "<?xml version='1.0' encoding='utf-8'?>\n" + '\n'.join(xml_lines(tag, record, '', attributes)) + '\n'
    write_file(path, text.encode('utf-8'))


def write_file(path, data):
    """Put a file in place at once, as the framework does; its folder is made."""
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    temporary = os.path.join(os.path.dirname(path), '._' + os.path.basename(path))
    with io.open(temporary, 'wb') as target:
        target.write(data)
    if os.name == 'nt' and os.path.exists(path):
        os.remove(path)
    os.rename(temporary, path)


def sha1(text):
    return hashlib.sha1(text if isinstance(text, bytes) else text.encode('utf-8')).hexdigest()


def read_model(model, path):
    object.__setattr__(model, 'id', native(read_record(model, path).get('id')))


def read_record(record, path):
    """Fill a record from its file; the root element."""
    with io.open(path, 'rb') as source:
        root = ElementTree.fromstring(source.read())
    fill(record, root, os.path.dirname(path), os.path.splitext(os.path.basename(path))[0])
    return root


def fill(record, element, folder, stem):
    for child in element:
        kind, value = record.template_.get(child.tag), record.values_.get(child.tag)
        if isinstance(value, Children):
            below = os.path.join(folder, child.tag if stem == 'Info' else os.path.join(stem, child.tag))
            for item in child:
                read_record(value[item.get('key')], os.path.join(below, item.get('key') + '.xml'))
        elif isinstance(value, Proxies):
            for item in child:
                value.items[native(item.get('url'))] = ProxyObject(None, item.get('sort_order'))
        elif isinstance(value, People):
            for item in child:
                fill(value.new(), item, folder, stem)
        elif isinstance(value, Container):
            value.items.extend(native(item.text) for item in child)
        elif child.text:
            record.values_[child.tag] = parse_value(child.text, kind)


def parse_value(text, kind):
    if kind is datetime.date:
        return datetime.datetime.strptime(text[:10], '%Y-%m-%d').date()
    return native(text) if kind is str else kind(text)
