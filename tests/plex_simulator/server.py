# -*- coding: utf-8 -*-
"""The media server: library, HTTP API, queue of refreshes, the System plug-in's part in them, restarts, misbehaviour.

A refresh is answered at once and done later, by at most three workers; an item that waits or is in work is not taken
twice. What an agent's code did is known only from its log: the server calls every refresh that was answered a success.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import json
import os
import shutil
import socket
import threading
import time
from xml.sax.saxutils import escape, quoteattr

import six
from six.moves.urllib.parse import quote, quote_plus, urlencode

from . import models, records
from .plugin import RUNNING, STARTING, VERSION, CallFailed, Plugin
from .upstream import LoopbackServer, REASONS

WORKERS = 3
SYSTEM = 'com.plexapp.system'
STARTING_UP = {'kind': 'status', 'status': 503}
TYPES = {'movie': 1, 'show': 2, 'season': 3, 'episode': 4, 'artist': 8, 'album': 9, 'track': 10}
MEDIA = {'movie': 'Movie', 'show': 'TV_Show', 'artist': 'Artist', 'album': 'Album'}
TAGS = {'movie': 'Video', 'episode': 'Video', 'track': 'Track'}
SINGLE = (('title', 'title'), ('original_title', 'originalTitle'), ('summary', 'summary'), ('studio', 'studio'),
          ('year', 'year'), ('originally_available_at', 'originallyAvailableAt'), ('content_rating', 'contentRating'),
          ('rating', 'rating'), ('tagline', 'tagline'))
TAGGED = (('genres', 'Genre'), ('directors', 'Director'), ('writers', 'Writer'), ('roles', 'Role'),
          ('producers', 'Producer'), ('countries', 'Country'), ('collections', 'Collection'))
PICTURES = (('posters', 'thumb'), ('thumbs', 'thumb'), ('art', 'art'), ('banners', 'banner'), ('themes', 'theme'))


class Item(object):
    """One row of the library. fields: attribute of the API -> text, number or, for tags, list of texts."""

    def __init__(self, rating_key, kind, section, title, guid=None, year=None, path=None, parent=None, index=None,
                 locked=()):
        self.rating_key, self.kind, self.section = rating_key, kind, section
        self.file_title, self.guid, self.year, self.path = title, guid or 'local://%d' % rating_key, year, path
        self.parent, self.index, self.locked = parent, index, set(locked)
        self.fields = {'title': title}
        self.children = []
        self.added_at, self.updated_at, self.refreshed_at = 1600000000 + rating_key, None, None
        if parent:
            parent.children.append(self)

    def root(self):
        """The row that the agent is asked about: the show of an episode."""
        return self.parent.root() if self.parent else self

    def take(self, values, now):
        """Take over what an agent gave; locked fields stay. True when something changed."""
        values = dict(values)
        values.setdefault('title', self.file_title)
        for name in self.locked:
            values.pop(name, None)
            if name in self.fields:
                values[name] = self.fields[name]
        self.refreshed_at = int(now)
        if values == self.fields:
            return False
        self.fields, self.updated_at = values, int(now)
        return True


def values_of(record):
    """{API name: value} of what a metadata record holds; nothing for what is empty."""
    values = {}
    for name, shown in SINGLE:
        value = getattr(record, name) if name in record.template_ else None
        if value is not None and value != '':
            values[shown] = value if isinstance(value, (int, float)) else six.text_type(
                value.decode('utf-8') if isinstance(value, bytes) else value)
    for name, shown in TAGGED:
        found = [getattr(item, 'name', item) for item in record.values_.get(name) or ()]
        found = [item.decode('utf-8') if isinstance(item, bytes) else item for item in found if item]
        if found:
            values[shown] = found
    for name, shown in PICTURES:
        if record.values_.get(name) and record.values_[name].items:
            values[shown] = True
    return values


# ------------------------------------------------------------------------------------------------------ answers as text
class Node(object):
    """An element of an answer: attributes (None is left out), children; `many`: its name in JSON (list or single)."""

    def __init__(self, tag, attributes=(), children=(), many=None, single=False):
        self.tag, self.children, self.many, self.single = tag, list(children), many or tag, single
        self.attributes = collections.OrderedDict((name, value) for name, value in attributes if value is not None)

    def xml(self):
        shown = ''.join(' %s=%s' % (name, quoteattr(six.text_type(int(value) if isinstance(value, bool) else value)))
                        for name, value in self.attributes.items())
        inside = ''.join(child.xml() for child in self.children)
        return '<%s%s>%s</%s>' % (self.tag, shown, inside, self.tag) if inside else '<%s%s/>' % (self.tag, shown)

    def json(self):
        value = collections.OrderedDict(self.attributes)
        for child in self.children:
            if child.single:
                value[child.many] = child.json()
            else:
                value.setdefault(child.many, []).append(child.json())
        return value


def container(children=(), **attributes):
    return Node('MediaContainer', [('size', len(children))] + sorted(attributes.items()), children)


class PlexServer(object):
    """
    home: the "Plex Media Server" folder; scenario: see scenarios.py. start_seconds: how long a plug-in takes to start.
    """

    def __init__(self, home, scenario, clock, upstream, seed=0):
        self.home, self.scenario, self.clock, self.upstream, self.seed = home, scenario, clock, upstream, seed
        self.token = 'sim' + format(scenario.token, '017d')
        self.machine_identifier = format(scenario.token, '040x')
        self.start_seconds, self.drifting_share = 0, scenario.drifting_share
        self.metadata_folder = os.path.join(home, 'Metadata')
        self.sections, self.items = scenario.sections, collections.OrderedDict()
        for item in scenario.items:
            self.items[item.rating_key] = item
        self.plugins, self.agent_info = collections.OrderedDict(), collections.OrderedDict()
        self.mode = dict(STARTING_UP)           # misbehaviour towards clients, see answer()
        self.ingest_seconds = 0
        self.requests, self.refreshes, self.most_at_once = 0, collections.Counter(), 0
        self.lock = threading.Condition()
        self.waiting, self.working = [], []
        self.restart_locks = collections.defaultdict(threading.Lock)
        self.closed = False
        logs = os.path.join(home, 'Logs')
        for folder in (os.path.join(logs, 'PMS Plugin Logs'), self.metadata_folder):
            if not os.path.isdir(folder):
                os.makedirs(folder)
        self.log = records.ServerLog(os.path.join(logs, 'Plex Media Server.log'), clock)
        self.system_log = records.AgentLog(os.path.join(logs, 'PMS Plugin Logs', SYSTEM + '.log'), clock)
        self.http = LoopbackServer(self.answer, scenario.port)
        for _number in range(WORKERS):
            self.in_background(self.work)

    @property
    def url(self):
        return 'http://127.0.0.1:%d' % self.http.port

    def in_background(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        thread.daemon = True
        thread.start()
        return thread

    # ----------------------------------------------------------------------------------------- what plug-ins need of it
    def port_of(self, host, port):
        """The loopback port behind a host of the scenario; no other host exists."""
        if host == '127.0.0.1' and port == 32400:
            return self.http.port
        if host not in self.upstream.sites:
            raise socket.gaierror(-2, 'Name or service not known')
        return self.upstream.port

    def update_info(self, identifier, info):
        self.agent_info[identifier] = info
        self.system('INFO', 175, 'Receiving agent info from %s: %s' % (identifier, records.python2_repr(info)))

    def system(self, level, line, message, module='agentservice'):
        self.system_log.write(level, (module, line), message)

    def system_asks(self, path):
        self.system('DEBUG', 144, "Requesting 'http://127.0.0.1:32400%s'" % path, 'networking')

    # ------------------------------------------------------------------------------------------------ start and restart
    def start(self):
        """A start of the whole server: logs roll over, then every plug-in starts."""
        for log in (self.log, self.system_log):
            log.roll_over()
        self.log.write('INFO', 'Plex Media Server v%s - Ubuntu PC x86_64 - build: linux-x86_64 debian - GMT +00:00'
                       % VERSION)
        self.system('INFO', 349, 'Starting framework core - Version: 2.6.3, Build: fb6452e '
                                 '(Wed Nov 01 17:19:55 UTC 2023)', 'core')
        self.system('INFO', 611, 'Started plug-in', 'core')
        self.system('INFO', 25, 'Entering run loop', 'pipeinterface')
        folder = os.path.join(self.home, 'Plug-ins')
        for name in sorted(os.listdir(folder)):
            if name.endswith('.bundle'):
                bundle = os.path.join(folder, name)
                plugin = Plugin(self.home, bundle, self)
                self.plugins[plugin.identifier] = self.plugins.get(plugin.identifier, plugin)
                self.start_plugin(self.plugins[plugin.identifier])

    def start_plugin(self, plugin):
        self.log.write('DEBUG', 'Starting plug-in %s.' % plugin.bundle)
        self.log.write('DEBUG', 'Starting file watcher for %s' % plugin.identifier)
        try:
            came_up = plugin.start()
        except Exception:                       # of the reader of property lists: any of several
            self.log.write('ERROR', 'Caught exception starting plugin %s (Empty or non-existant file.)' % plugin.bundle)
            return
        if came_up:
            self.log.write('DEBUG', 'Spawned plug-in %s with PID %d' % (plugin.identifier, 4999 + plugin.starts))
        else:
            self.log.write('ERROR', 'Error received reading configuration for %s' % plugin.identifier)

    def restart(self, plugin):
        with self.restart_locks[plugin.identifier]:
            self.log.write('DEBUG', 'Stopping [%s].' % plugin.identifier)
            plugin.stop()
            self.log.write('DEBUG', '[%s] Killing.' % plugin.identifier)
            self.start_plugin(plugin)

    def watch(self):
        """Restart plug-ins whose Info.plist was touched: what the real server's watcher of bundles does."""
        seen = {}
        while not self.closed:
            for identifier, plugin in list(self.plugins.items()):
                try:
                    changed = os.stat(plugin.plist_path).st_mtime
                except OSError:
                    continue
                if seen.setdefault(identifier, changed) != changed:
                    seen[identifier] = changed
                    self.in_background(self.restart, plugin)
            time.sleep(.1)

    def stop(self):
        """The end of a start(): no plug-in runs, the logs are closed."""
        for plugin in self.plugins.values():
            plugin.stop()
        self.log.close()
        self.system_log.close()

    def close(self):
        self.closed = True
        with self.lock:
            self.lock.notify_all()
        self.http.close()
        self.stop()

    # -------------------------------------------------------------------------------------------------------- refreshes
    def request_refresh(self, item, force=1):
        """What the server does on PUT .../refresh: System puts the item on its list, or says that it is there."""
        item = item.root()
        query = '/system/agents/update?' + urlencode([
            ('mediaType', TYPES[item.kind]), ('force', force), ('respectTags', 0),
            ('guid', item.guid.encode('utf-8')), ('id', item.rating_key)])
        self.log.write('DEBUG', '[%s] Sending command over HTTP (GET): %s' % (SYSTEM, query))
        self.system('DEBUG', 717, 'Handling request GET ' + query, 'runtime')
        self.system('DEBUG', 814, 'Found route matching /system/agents/update', 'runtime')
        self.system_asks('/:/plugins')
        with self.lock:
            if item in self.waiting or item in self.working:
                self.system('DEBUG', 333, 'Not adding %s to the update list because it already exists' % item.guid)
            else:
                self.system('DEBUG', 330, 'Adding %s to the update list' % item.guid)
                self.waiting.append(item)
                self.lock.notify()
        self.system('DEBUG', 924, 'Response: [200] InitiateUpdateResponse, 159 bytes', 'runtime')
        self.log.write('DEBUG', '[%s] HTTP reply status 200, with 159 bytes of content.' % SYSTEM)

    def work(self):
        while True:
            with self.lock:
                while not self.waiting and not self.closed:
                    self.lock.wait()            # without a time: Python 2 polls where there is one
                if self.closed:
                    return
                item = self.waiting.pop(0)
                self.working.append(item)
                self.most_at_once = max(self.most_at_once, len(self.working))
            try:
                self.refresh(item)
            finally:
                with self.lock:
                    self.working.remove(item)
                    self.lock.notify_all()

    def wait_until_idle(self):
        with self.lock:
            while self.waiting or self.working:
                self.lock.wait()

    def refresh(self, item):
        """System's part of one update, then the server's: take over what lies on disk, say that it is done."""
        guid, key = item.guid, item.rating_key
        agent, metadata_id, lang = split_guid(guid)
        self.refreshes[key] += 1
        self.system('DEBUG', 557, 'Acquiring GUID mutex for %s (%d) (count is now 1)' % (guid, key))
        self.system('DEBUG', 557, 'Acquired GUID mutex for %s (%d)' % (guid, key))
        self.system('INFO', 557, 'Preparing metadata for %s in %s (%s)' % (MEDIA[item.kind], agent, metadata_id))
        self.system_asks('/:/metadata/processing?id=%d' % key)
        self.system('DEBUG', 1117, "Created a thread named 'notify_processing'", 'runtime')
        success = 1
        arguments = collections.OrderedDict([
            ('lang', lang), ('force', True), ('periodic', False), ('dbid', six.text_type(key)), ('version', 0),
            ('parentGUID', None), ('parentID', None), ('media_type', MEDIA[item.kind]), ('guid', guid),
            ('id', metadata_id)])
        path = records.messaging_path(agent, '_AgentKit:UpdateMetadata', arguments)
        self.system_asks(path)
        try:
            self.call_plugin(agent, 'UpdateMetadata', arguments)
            self.combine(item, agent)
            self.system('INFO', 586, 'Metadata preparation for %s complete' % guid)
        except CallFailed:
            success = 0
            self.system('ERROR', 197, "Error opening URL 'http://127.0.0.1:32400%s'" % path, 'networking')
            self.system('CRITICAL', 589, 'Exception in update for %s (most recent call last):\nHTTPError: HTTP Error '
                                         '404: Not Found\n' % guid)
        self.system('INFO', 767, 'Bundle with guid %s has been updated - notifying the media server' % guid)
        self.system_asks('/:/metadata/notify?guid=%s&path=%s&force=1&queueSize=%d&id=%d&success=%d&async=1' % (
            quote(guid.encode('utf-8'), safe=str('')), quote_plus(models.bundle_path(MEDIA[item.kind], guid)),
            len(self.waiting), key, success))
        self.system('DEBUG', 625, 'Removing %s from the update list' % guid)
        self.system('DEBUG', 638, 'Releasing GUID mutex for %s' % guid)
        self.system('DEBUG', 644, "We're done with the mutex for %s" % guid)
        self.take_over(item, success)

    def call_plugin(self, identifier, function, arguments):
        plugin = self.plugins.get(identifier)
        if plugin is None or plugin.state not in (RUNNING, STARTING):
            self.log.write('WARN', "Request for plug-in [%s] but it doesn't exist." % identifier)
            raise CallFailed('no such plug-in')
        patience = time.time() + 10
        while plugin.state == STARTING and time.time() < patience:
            time.sleep(.02)
        return plugin.call(function, arguments)

    def combine(self, item, agent):
        """With one agent, what is combined is what it wrote."""
        folder = models.bundle_folder(self.metadata_folder, MEDIA[item.kind], item.guid)
        source, target = os.path.join(folder, agent), os.path.join(folder, '_combined')
        self.system('DEBUG', 32, 'Loading model with GUID %s' % item.guid, 'model')
        self.system('DEBUG', 234, 'Deserializing from %s' % os.path.join(source, 'Info.xml'), 'model')
        self.system_asks('/library/metadata/%d/tree' % item.rating_key)
        self.system('DEBUG', 19, '>>> Agent order: []', 'sandbox')
        if os.path.isdir(source):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)

    def take_over(self, item, success):
        guid, key = item.guid, item.rating_key
        time.sleep(self.ingest_seconds)
        self.log.write('DEBUG', 'Notification of new metadata for %s [id=%d] (success=%d) for 1 items.'
                       % (guid, key, success))
        if success and key in self.items:
            path = os.path.join(models.bundle_folder(self.metadata_folder, MEDIA[item.kind], guid), '_combined',
                                'Info.xml')
            model = models.CLASSES[MEDIA[item.kind]](MEDIA[item.kind], guid, '')
            if os.path.exists(path):
                models.read_model(model, path)
            self.take_values(item, model)
            self.log.write('DEBUG', 'Loaded metadata for %s (ID %d) in 1ms' % (item.fields['title'], key))
        self.log.write('DEBUG', 'Done with metadata update for %d' % key)

    def take_values(self, item, record):
        item.take(values_of(record), self.clock.now())
        parts = record.values_.get('seasons') or record.values_.get('episodes')
        for child in item.children:
            if parts is not None and child.index in parts:
                self.take_values(child, parts[child.index])

    def find_matches(self, item, name=None, year=None):
        """(agent, [SearchResult]) of a search by the agent of the item's section, at once; the item does not change."""
        item = item.root()
        agent = self.section_of(item)['agent']
        hints = collections.OrderedDict([('id', six.text_type(item.rating_key))])
        hints[{'movie': 'name'}.get(item.kind, item.kind)] = name or item.file_title
        if year or item.year:
            hints['year'] = six.text_type(year or item.year)
        if item.path:
            hints['filename'] = quote(item.path.encode('utf-8'), safe=str(''))
        query = [('mediaType', TYPES[item.kind]), ('identifier', agent), ('lang', 'en'), ('manual', 1)] + [
            (name, value.encode('utf-8')) for name, value in hints.items()]
        self.system('DEBUG', 717, 'Handling request GET /system/agents/search?' + urlencode(query), 'runtime')
        shown = collections.OrderedDict((name, value.encode('utf-8')) for name, value in hints.items())
        self.system('DEBUG', 814, 'Found route matching /system/agents/search', 'runtime')
        self.system_asks('/:/plugins')
        self.system('INFO', 228, 'Searching for %s in %s (%s)' % (MEDIA[item.kind], agent, records.python2_repr(shown)))
        arguments = collections.OrderedDict([('lang', 'en'), ('manual', True), ('primary', True), ('version', 0),
                                             ('kwargs', hints), ('media_type', MEDIA[item.kind])])
        self.system_asks(records.messaging_path(agent, '_AgentKit:Search', arguments))
        try:
            found = self.call_plugin(agent, 'Search', arguments) or []
        except CallFailed:
            self.system('CRITICAL', 240, 'Exception performing search in %s' % agent)
            found = []
        self.system('DEBUG', 924, 'Response: [200] MediaContainer, %d bytes' % (130 + 115 * len(found)), 'runtime')
        return agent, found

    def section_of(self, item):
        return [section for section in self.sections if section['key'] == item.section][0]

    # ------------------------------------------------------------------------------------------------------------- HTTP
    def answer(self, handler):
        """Serve one request, or misbehave: mode is {'kind': 'status'|'drop', 'status': n, 'until': s, 'times': n}."""
        if (handler.headers.get('User-Agent') or '').startswith('PlexMediaServer/'):
            return self.send(handler, *self.authorised(handler))            # a plug-in of this server asks
        with self.lock:
            self.requests += 1
            number = self.requests
        self.log.write('DEBUG', '[Req#%x] Request: [127.0.0.1:%d (Loopback)] %s %s (2 live) #%x Signed-in Token '
                       '(demo)' % (number, handler.client_address[1], handler.command, handler.route, number))
        mode = self.current_mode()
        if mode and mode['kind'] == 'drop':
            return handler.drop()
        status, node = (mode['status'], None) if mode else self.authorised(handler)
        self.log.write('DEBUG', '[Req#%x] Completed: [127.0.0.1:%d] %d %s %s (2 live) #%x 1ms' % (
            number, handler.client_address[1], status, handler.command, handler.route, number))
        return self.send(handler, status, node)

    def authorised(self, handler):
        """(status, Node or None) of a request: only /identity needs no token."""
        given = handler.headers.get('X-Plex-Token'), handler.query.get('X-Plex-Token')
        if handler.route != '/identity' and self.token not in given:
            return 401, None
        return self.route(handler)

    def current_mode(self):
        mode = self.mode
        if mode and (mode.get('until', time.time() + 1) < time.time() or mode.get('times') == 0):
            self.mode = mode = None
        if mode and 'times' in mode:
            mode['times'] -= 1
        return mode

    def send(self, handler, status, node):
        if status == 503:
            text = '<Response code="503" title="Maintenance" status="Plex Media Server is currently running database ' \
                   'migrations."/>'
            return handler.reply(503, text.encode('ascii'), 'text/xml;charset=utf-8')
        if node is None:
            title = REASONS.get(status, 'Error')
            text = '<html><head><title>%s</title></head><body><h1>%d %s</h1></body></html>' % (title, status, title)
            return handler.reply(status, text.encode('ascii'), 'text/html')
        if 'application/json' in (handler.headers.get('Accept') or ''):
            data, kind = json.dumps({node.tag: node.json()}).encode('utf-8'), 'application/json'
        else:
            data = ('<?xml version="1.0" encoding="UTF-8"?>\n' + node.xml() + '\n').encode('utf-8')
            kind = 'text/xml;charset=utf-8'
        total = node.attributes.get('totalSize')
        handler.reply(status, data, kind, [] if total is None else [('X-Plex-Container-Total-Size', total)])

    def route(self, handler):
        """(status, Node or None) of a request that may be answered."""
        parts = [part for part in handler.route.split('/') if part]
        if parts == ['identity']:
            return 200, container(claimed=True, machineIdentifier=self.machine_identifier, version=VERSION)
        if not parts:
            return 200, container(claimed=True, machineIdentifier=self.machine_identifier, version=VERSION,
                                  friendlyName='Simulated', platform='Linux', pluginHost=True)
        if parts[:2] == ['library', 'sections']:
            return self.route_sections(handler, parts[2:])
        if parts[:2] == ['library', 'metadata'] and len(parts) > 2:
            return self.route_metadata(handler, parts[2].split(','), parts[3:])
        if parts[:2] == [':', 'plugins']:
            return self.route_plugins(parts[2:])
        if parts == ['activities']:
            return 200, self.activities()
        if parts == ['system', 'agents']:
            return 200, container([Node('Agent', [('identifier', name), ('name', info[0]['name']), ('primary', True)])
                                   for name, info in self.agent_info.items() if info])
        if parts == ['log']:
            level = ('ERROR', 'WARN', 'INFO', 'DEBUG', 'VERBOSE')[int(handler.query.get('level') or 3)]
            self.log.write(level, '[%s] %s' % (handler.query.get('source') or 'unknown',
                                               handler.query.get('message') or ''))
            return 200, container()
        return 404, None

    def route_sections(self, handler, parts):
        if not parts or parts == ['all']:
            return 200, container([self.section_node(section) for section in self.sections], allowSync=False,
                                  title1='Plex Library')
        found = [section for section in self.sections if section['key'] == parts[0]]
        if not found:
            return 404, None
        section = found[0]
        if parts[1:] == ['all']:
            kind = int(handler.query.get('type') or TYPES[section['type']])
            return 200, self.page(handler, [item for item in self.items.values() if item.section == section['key']
                                            and TYPES[item.kind] == kind])
        if parts[1:] == ['refresh']:
            for item in list(self.items.values()):
                if item.section == section['key'] and item.parent is None and handler.command in ('POST', 'GET'):
                    self.request_refresh(item)
            return 200, container()
        if parts[1:] == ['timeline']:
            with self.lock:
                queued = [item for item in self.waiting + self.working if item.section == section['key']]
            return 200, container(updateQueueSize=len(queued), latestEntryTime=int(self.clock.now()))
        return 404, None

    def section_node(self, section):
        with self.lock:
            refreshing = any(item.section == section['key'] for item in self.waiting)
        return Node('Directory', [('allowSync', True), ('key', section['key']), ('type', section['type']),
                                  ('title', section['title']), ('agent', section['agent']),
                                  ('scanner', 'Plex Scanner'), ('language', 'en'), ('refreshing', refreshing),
                                  ('uuid', '0b1f-%s' % section['key']), ('updatedAt', 1600000000),
                                  ('createdAt', 1600000000), ('content', True), ('directory', True)],
                    [Node('Location', [('id', int(section['key'])), ('path', section['path'])])])

    def page(self, handler, items):
        def number(name):
            text = handler.headers.get('X-Plex-Container-' + name) or handler.query.get('X-Plex-Container-' + name)
            return int(text) if text is not None else None
        start, size = number('Start') or 0, number('Size')
        shown = items[start:] if size is None else items[start:start + size]
        node = container([self.item_node(item, False) for item in shown], allowSync=True)
        if size is not None:
            node.attributes.update(offset=start, totalSize=len(items))
        return node

    def route_metadata(self, handler, keys, parts):
        found = [self.items.get(int(key)) if key.isdigit() else None for key in keys]
        found = [item for item in found if item is not None]
        if not found:
            return 404, None
        if not parts:
            return 200, container([self.item_node(item, True) for item in found], allowSync=True,
                                  librarySectionID=int(found[0].section))
        if parts == ['tree']:
            return 200, container([self.tree_node(item) for item in found])
        if parts == ['children']:
            return 200, container([self.item_node(child, False) for child in found[0].children])
        if parts == ['refresh']:
            if handler.command != 'PUT':
                return 405, None
            for item in found:
                self.request_refresh(item)
            return 200, container(allowSync=False, identifier='com.plexapp.plugins.library')
        if parts == ['matches']:
            agent, results = self.find_matches(found[0], handler.query.get('title'), handler.query.get('year'))
            return 200, container([Node('SearchResult', [
                ('guid', '%s://%s?lang=%s' % (agent, result.id, result.lang)), ('name', result.name),
                ('year', result.year), ('score', result.score), ('lifespanEnded', False)]) for result in results])
        if parts == ['match'] and handler.command == 'PUT' and handler.query.get('guid'):
            found[0].root().guid = handler.query['guid']
            self.request_refresh(found[0])
            return 200, container()
        return 404, None

    def item_node(self, item, detail):
        """Attributes without a value are left out; a list shows less than the item itself."""
        fields = item.fields
        end = '' if TAGS.get(item.kind) else '/children'
        attributes = [('ratingKey', six.text_type(item.rating_key)),
                      ('key', '/library/metadata/%d%s' % (item.rating_key, end)), ('guid', item.guid),
                      ('type', item.kind)]
        if item.parent:
            attributes += [('parentRatingKey', six.text_type(item.parent.rating_key)), ('index', int(item.index))]
        attributes += [(shown, fields.get(shown)) for _name, shown in SINGLE if shown != 'summary']
        attributes.append(('summary', fields.get('summary', '')))
        for shown in sorted(set(shown for _name, shown in PICTURES)):
            if fields.get(shown):
                path = '/library/metadata/%d/%s/%d' % (item.rating_key, shown, item.updated_at or 0)
                attributes.append((shown, path))
        if item.children:
            leaves = [leaf for child in item.children for leaf in child.children or [child]]
            attributes += [('leafCount', len(leaves)), ('childCount', len(item.children))]
        attributes += [('addedAt', item.added_at), ('updatedAt', item.updated_at)]
        children = [Node(shown, [('tag', tag)]) for _name, shown in TAGGED for tag in fields.get(shown, ())]
        if item.path:
            children.insert(0, Node('Media', [('id', item.rating_key)], [Node('Part', [('file', item.path)])]))
        if detail:
            children += [Node('Field', [('locked', True), ('name', name)]) for name in sorted(item.locked)]
        return Node(TAGS.get(item.kind, 'Directory'), attributes, children, 'Metadata')

    def tree_node(self, item):
        media = [Node('MediaItem', [], [Node('MediaPart', [
            ('id', item.rating_key), ('file', item.path), ('hash', format(item.rating_key, '040x')),
            ('size', 700000001), ('duration', 5400000)])])] if item.path else []
        return Node('MetadataItem', [
            ('id', item.rating_key), ('title', item.fields['title']), ('guid', item.guid), ('index', item.index),
            ('originallyAvailableAt', item.fields.get('originallyAvailableAt')), ('addedAt', item.added_at),
            ('refreshedAt', item.refreshed_at)], media + [self.tree_node(child) for child in item.children])

    def activities(self):
        with self.lock:
            items = [(item, 'working') for item in self.working] + [(item, 'waiting') for item in self.waiting]
        return container([Node('Activity', [
            ('uuid', 'a-%d-%d' % (item.rating_key, self.refreshes[item.rating_key])),
            ('type', 'library.update.item.metadata'), ('cancellable', False), ('userID', 1),
            ('title', 'Refreshing metadata'), ('subtitle', item.fields['title']), ('progress', 50 if state == 'working'
                                                                                  else 0)],
            [Node('Context', [('key', '/library/metadata/%d' % item.rating_key),
                              ('librarySectionID', item.section)], single=True)])
                          for item, state in items])

    def route_plugins(self, parts):
        if not parts:
            rows = [(SYSTEM, 0)] + [(name, int(plugin.state != RUNNING)) for name, plugin in self.plugins.items()]
            return 200, container([Node('Plugin', [('identifier', name), ('title', name), ('type', 'Agent'),
                                                   ('state', state)]) for name, state in rows])
        plugin = self.plugins.get(parts[0])
        if plugin is None:
            return 404, None
        if parts[1:] == ['restart']:
            self.in_background(self.restart, plugin)
            return 200, container()
        if plugin.state not in (RUNNING, STARTING):
            self.log.write('WARN', "Request for plug-in [%s] but it doesn't exist." % plugin.identifier)
            return 404, None
        return (200, container(identifier=plugin.identifier)) if len(parts) == 1 else (404, None)


def split_guid(guid):
    """(agent, metadata id, language) of agent://id?lang=xx."""
    agent, _colon, rest = guid.partition('://')
    metadata_id, _mark, query = rest.rpartition('?lang=')
    return agent, metadata_id or rest, query if metadata_id else 'xn'


def preferences_xml(token, machine_identifier):
    """Preferences.xml, where clients on the same machine find the token."""
    return ('<?xml version="1.0" encoding="utf-8"?>\n<Preferences MachineIdentifier="%s" ProcessedMachineIdentifier="%s" '
            'FriendlyName="Simulated" PlexOnlineToken="%s" AcceptedEULA="1"/>\n') % (
                escape('simulated'), machine_identifier, token)
