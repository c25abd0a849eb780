# -*- coding: utf-8 -*-
"""One plug-in: a bundle whose code is compiled once per start and serves search and update calls from a few threads.

A plug-in that hangs blocks its own threads only. A stop cannot end a thread of Python: whatever the old code still
does is cut off at its next step outside (log, net, metadata), and those who waited for it are told at once.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os
import plistlib
import threading
import time
import traceback

import six
from six.moves import queue
from six.moves.urllib.parse import unquote

from . import api, models, records, traces
from .markup import native
from .sandbox import Sandbox

VERSION = '1.32.8.7639-fb6452ebf'
STOPPED, STARTING, RUNNING, FAILED = 'stopped', 'starting', 'running', 'failed'
THREADS = 6
MEDIA_TYPES = {'Movies': 'Movie', 'TV_Shows': 'TV_Show', 'Artist': 'Artist', 'Album': 'Album'}
LEVELS = {'TV_Show': (('seasons', 'index'), ('episodes', 'index')), 'Artist': (('albums', 'guid'), ('tracks', 'index')),
          'Album': (('tracks', 'index'),)}
AGENT_DEFAULTS = dict(name=None, languages=[], primary_provider=True, fallback_agent=None, accepts_from=None,
                      contributes_to=None, persist_stored_files=True, version=0)
COMPONENTS = ('runtime', 'caching', 'data', 'networking', 'localization', 'messaging', 'debugging', 'services',
              'myplex', 'notifications')


class PluginStopped(BaseException):
    """Thrown into old code that goes on after its plug-in was stopped: no `except Exception` of an agent catches it."""


class CallFailed(Exception):
    """The plug-in ended, or is not there, before it answered."""


def read_plist(path):
    with open(path, 'rb') as source:
        return plistlib.load(source) if hasattr(plistlib, 'load') else plistlib.readPlist(source)


class Plugin(object):
    """
    server: what the plug-in needs of the media server: .port_of(host, port), .update_info(identifier, info), .token,
    .clock, .seed, .drifting_share, .start_seconds, .machine_identifier, .metadata_folder.
    """

    def __init__(self, home, bundle, server):
        self.home, self.bundle, self.server = home, bundle, server
        self.plist_path = os.path.join(bundle, 'Contents', 'Info.plist')
        self.identifier = read_plist(self.plist_path)['CFBundleIdentifier']
        self.elevated = False
        self.data_folder = os.path.join(home, 'Plug-in Support', 'Data', self.identifier)
        for folder in (self.data_folder, os.path.join(home, 'Logs', 'PMS Plugin Logs')):
            if not os.path.isdir(folder):
                os.makedirs(folder)
        self.records = records.AgentLog(os.path.join(home, 'Logs', 'PMS Plugin Logs', self.identifier + '.log'),
                                        server.clock)
        self.state = STOPPED
        self.starts = 0
        self.process = None

    def start(self):
        """Start a fresh process; True when it came up. Raises what makes Info.plist unreadable."""
        self.state = FAILED
        self.elevated = read_plist(self.plist_path).get('PlexPluginCodePolicy') == 'Elevated'
        self.starts += 1
        self.state = STARTING
        self.records.roll_over()
        self.process = PluginProcess(self)
        try:
            came_up = self.process.start()
        except PluginStopped:
            return False
        self.state = RUNNING if came_up else FAILED
        return came_up

    def stop(self):
        if self.process and self.state in (RUNNING, STARTING):
            self.process.stop()
        self.state = STOPPED
        self.records.close()

    def call(self, function, arguments):
        """The result of an exposed function; CallFailed where the plug-in is not running or ends meanwhile."""
        process = self.process
        if self.state != RUNNING or process is None:
            raise CallFailed('%s is not running' % self.identifier)
        return process.call(function, arguments)


class PluginProcess(object):
    """What lives from one start of a plug-in to its end."""

    def __init__(self, plugin):
        self.plugin, self.server = plugin, plugin.server
        self.identifier, self.bundle, self.elevated = plugin.identifier, plugin.bundle, plugin.elevated
        self.home, self.data_folder, self.token = plugin.home, plugin.data_folder, plugin.server.token
        self.cache_folder = os.path.join(plugin.home, 'Plug-in Support', 'Caches', self.identifier, 'HTTP.system')
        self.alive = True
        self.agents = []
        self.requests = queue.Queue()
        self.waiting = set()
        self.local = threading.local()
        seed = '%s %s %d' % (self.server.seed, self.identifier, plugin.starts)
        self.sandbox = None
        self.sandbox = Sandbox(self.bundle, self.elevated, api.make_api(self), seed, self.server.drifting_share)

    # ------------------------------------------------------------------------------------------ what the code can reach
    def log(self, level, place, message, thread=None):
        self.check_alive()
        self.plugin.records.write(level, place, message, thread)

    def log_exception(self, place, message):
        self.log('CRITICAL', place, '%s (most recent call last):\n%s' % (message, traces.current_problem(self.sandbox)))

    def check_alive(self):
        if not self.alive:
            raise PluginStopped()

    def port_of(self, host, port):
        return self.server.port_of(host, port)

    def agent_classes(self):
        """The `Agent` of the sandbox: a class that inherits from Agent.Movies is registered when it is made."""
        process = self

        class Registering(type):
            def __init__(cls, name, bases, members):
                type.__init__(cls, name, bases, members)
                if not members.get('is_base_'):
                    process.register(cls, name)

        class Classes(object):
            pass

        for kind in MEDIA_TYPES:
            base = Registering(str(kind), (object,), dict(AGENT_DEFAULTS, is_base_=True, media_type_=MEDIA_TYPES[kind]))
            setattr(Classes, kind, base)
        return Classes

    def register(self, cls, name):
        self.log('DEBUG', ('agentkit', 1132), 'Creating new agent class called %s' % name)
        agent = cls()
        self.agents.append(agent)
        self.push_agent_info()

    def push_agent_info(self):
        info = []
        for agent in self.agents:
            bad = [code for code in agent.languages if code not in api.LANGUAGE_CODES]
            if bad:
                self.log('ERROR', ('agentkit', 917), "The agent named '%s' contains the invalid language code '%s' and "
                         "will not be exposed to the media server." % (agent.name, bad[0]))
                continue
            info.append(collections.OrderedDict([
                ('media_types', [agent.media_type_]), ('accepts_from', agent.accepts_from),
                ('fallback_agent', agent.fallback_agent), ('contributes_to', agent.contributes_to),
                ('languages', agent.languages), ('persist_stored_files', agent.persist_stored_files),
                ('version', agent.version), ('primary_provider', agent.primary_provider),
                ('prefs', os.path.exists(os.path.join(self.bundle, 'Contents', 'DefaultPrefs.json'))),
                ('name', agent.name)]))
        if info:
            self.log('DEBUG', ('agentkit', 937), 'Updating agent information: %s' % records.python2_repr(info))
            self.log('DEBUG', ('networking', 144), "Requesting '%s%s'" % (api.ACCESS, records.messaging_path(
                'com.plexapp.system', '_AgentService:UpdateInfo',
                collections.OrderedDict([('identifier', self.identifier), ('agent_info', info)]))))
            self.server.update_info(self.identifier, info)

    def create_thread(self, function, keywords):
        name = getattr(function, '__name__', 'thread')

        def run_thread():
            try:
                function(**keywords)
            except PluginStopped:
                pass
            except Exception:
                self.log_exception(('runtime', 1128), "Exception in thread named '%s'" % name)

        self.log('DEBUG', ('runtime', 1117), "Created a thread named '%s'" % name)
        thread = threading.Thread(target=run_thread)
        thread.daemon = True
        thread.start()
        return thread

    def tasks(self):
        if not hasattr(self.local, 'tasks'):
            self.local.tasks = []
        return self.local.tasks

    def run_tasks(self, name):
        """Run the tasks in threads of their own, as the framework's pool does; each says there what it raised."""
        def run_one(task):
            try:
                run_task(task)
            except PluginStopped:
                pass
            except Exception:
                self.log_exception(('runtime', 298), 'Exception in task thread')

        tasks = list(self.tasks())
        self.log('DEBUG', ('threadkit', 234), 'Starting a parallel task set named %s with %d tasks' % (name, len(tasks)))
        threads = [threading.Thread(target=run_one, args=(task,)) for task in tasks]
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            thread.join()
        self.log('DEBUG', ('threadkit', 244), 'Parallel task set %s ended' % name)
        self.check_alive()

    # --------------------------------------------------------------------------------------------------- start and stop
    def start(self):
        self.log_start()
        try:
            self.load_code()
        except Exception:
            self.log_exception(('core', 569), 'Exception while loading code')
            return False
        self.log('DEBUG', ('core', 566), 'Finished loading plug-in code')
        try:
            self.run_code()
        except Exception:
            self.log_exception(('core', 615), 'Exception starting plug-in')
            return False
        self.call_named('Start')
        self.log('INFO', ('core', 611), 'Started plug-in')
        for _number in range(THREADS):
            worker = threading.Thread(target=self.serve)
            worker.daemon = True
            worker.start()
        self.log('DEBUG', ('socketinterface', 160), 'Starting socket server')
        self.log('DEBUG', ('runtime', 1117), "Created a thread named 'start'")
        self.log('INFO', ('socketinterface', 184), 'Socket server started on port %d' % (
            40000 + sum(bytearray(self.identifier.encode('utf-8'))) % 9973 + self.plugin.starts))
        self.log('INFO', ('pipeinterface', 25), 'Entering run loop')
        self.log('DEBUG', ('runtime', 717), 'Handling request GET /:/prefixes')
        self.log('DEBUG', ('runtime', 814), 'Found route matching /:/prefixes')
        self.log('DEBUG', ('runtime', 924), 'Response: [200] MediaContainer, %d bytes' % (
            125 + len(self.identifier)))
        return True

    def log_start(self):
        """The lines of a start up to the load of the code, in their order, with the usual noise."""
        def debug(module, line, text, thread=None):
            self.log('DEBUG', (module, line), text, thread)
        cookies = os.path.join(self.data_folder, 'HTTPCookies')
        me, other, third = [threading.current_thread().ident - step * 8392704 for step in range(3)]
        self.log('INFO', ('core', 349), 'Starting framework core - Version: 2.6.3, Build: fb6452e '
                                        '(Wed Nov 01 17:19:55 UTC 2023)')
        debug('core', 361, 'Using the %s policy' % ('elevated' if self.elevated else 'standard'))
        for component in COMPONENTS:
            debug('core', 450, 'Starting %s component.' % component)
            if component == 'networking':
                if os.path.exists(cookies):
                    debug('networking', 262, 'Loaded HTTP cookies')
                else:
                    debug('networking', 266, 'No cookie jar found')
                debug('networking', 434, 'Setting the default network timeout to 20.0')
            if component == 'localization':
                self.log('INFO', ('localization', 409), 'Setting the default locale to en-us')
            if component == 'messaging':
                debug('networking', 144, "Requesting '%s/system/messaging/clear_events/%s'"
                      % (api.ACCESS, self.identifier), other)
        with open(cookies, 'a'):
            pass
        time.sleep(self.server.start_seconds)
        debug('accessor', 68, "Creating a new model access point for provider %s in namespace 'metadata'"
              % self.identifier)
        try:
            self.resource_hashes()
        except Exception:
            self.log_exception(('runtime', 1299), 'Exception getting hosted resource hashes')
        debug('runtime', 1117, "Created a thread named 'load_all_services'")
        debug('services', 265, 'Plug-in is not daemonized - loading services from system', other)
        debug('networking', 144, "Requesting '%s%s'" % (api.ACCESS, records.messaging_path(
            'com.plexapp.system', '_BundleService:AllServices', {})), other)
        debug('networking', 144, "Requesting '%s'" % api.ACCESS, third)
        debug('runtime', 1117, "Created a thread named 'get_server_info'")
        debug('core', 150, 'Finished starting framework core')
        debug('core', 560, 'Loading plug-in code')
        debug('core', 538, 'Machine identifier is %s' % self.server.machine_identifier, third)
        debug('core', 539, 'Server version is %s' % VERSION, third)
        debug('services', 362, 'Loaded services', other)
        debug('services', 438, 'No shared code to load', me)

    def resource_hashes(self):
        """The framework asks System for hashes that Plex no longer publishes; the 404 is logged at every start."""
        request = api.HTTPRequest(self, api.ACCESS + '/:/plugins/com.plexapp.system/resourceHashes', timeout=10)
        return request.content

    def load_code(self):
        self.sandbox.load_entry()

    def run_code(self):
        self.sandbox.execute()

    def call_named(self, name):
        function = self.sandbox.environment.get(name)
        if function is None:
            self.log('CRITICAL', ('sandbox', 298), "Function named '%s' couldn't be found in the current environment"
                     % name)
            return
        try:
            function()
        except PluginStopped:
            raise
        except Exception:
            self.log_exception(('sandbox', 303), "Exception when calling function '%s'" % name)

    def stop(self):
        """End the process: an orderly last line, then nothing more; all who wait are told."""
        if self.alive:
            self.log('INFO', ('pipeinterface', 87), 'Stopping plug-in')
        self.alive = False
        for call in list(self.waiting):
            call.fail()
        for _number in range(THREADS):
            self.requests.put(None)

    # ------------------------------------------------------------------------------------------------------------ calls
    def call(self, function, arguments):
        call = Call(function, arguments)
        self.waiting.add(call)
        self.requests.put(call)
        try:
            return call.wait()
        finally:
            self.waiting.discard(call)

    def serve(self):
        while self.alive:
            call = self.requests.get()
            if call is None:
                return
            try:
                call.answer(self.handle(call))
            except PluginStopped:
                return
            except Exception:                   # a fault of the simulator itself
                traceback.print_exc()
                call.fail()

    def handle(self, call):
        """Serve one request: the span of lines that real requests have; an exception of the agent stays inside."""
        path = records.messaging_path(self.identifier, '_AgentKit:' + call.function, call.arguments)
        self.log('DEBUG', ('runtime', 717), 'Handling request GET ' + path)
        self.log('DEBUG', ('runtime', 814), 'Found route matching ' + unquote(path))
        result = (self.search if call.function == 'Search' else self.update)(**call.arguments)
        self.log('DEBUG', ('runtime', 924), 'Response: [200] str, %d bytes' % (
            16 if result is None else 300 + 306 * len(result)))
        return result

    def agent_for(self, media_type):
        found = [agent for agent in self.agents if agent.media_type_ == media_type]
        return found[0] if found else None

    def tree(self, rating_key, media_type):
        request = api.HTTPRequest(self, '%s/library/metadata/%s/tree' % (api.ACCESS, rating_key))
        return MediaTree(api.markup.xml_element(api.text_of_page(request.content))[0], LEVELS.get(media_type, ()))

    def search(self, media_type, lang, manual, kwargs, version=0, primary=True):
        """[SearchResult], best first; None where the agent raised."""
        agent = self.agent_for(media_type)
        if agent is None:
            return None
        shown = collections.OrderedDict((key, value.encode('utf-8')) for key, value in kwargs.items())
        shown = records.python2_repr(shown)
        self.log('INFO', ('agentkit', 961), 'Searching for matches for ' + shown)
        results = api.Results()
        try:
            self.call_search(agent, results, kwargs, lang, manual, primary)
        except PluginStopped:
            raise
        except Exception:
            self.log_exception(('agentkit', 1018), "Exception in the search function of agent named '%s', called with "
                               "keyword arguments %s" % (agent.name, shown))
            return None
        results.Sort('year')
        results.Sort('score', descending=True)
        return list(results)

    def call_search(self, agent, results, hints, lang, manual, primary):
        media = Hints(hints)
        try:
            media.tree = self.tree(hints['id'], agent.media_type_)
        except PluginStopped:
            raise
        except Exception:
            self.log_exception(('agentkit', 643), 'Exception when constructing media object')
        agent.search(results, media, lang, **wanted(agent.search, manual=manual, primary=primary))

    def update(self, media_type, guid, id, lang, dbid=None, force=False, periodic=False, **_more):
        """Run update() and write what it set, also when it raised. The answer is None either way."""
        try:
            self.update_and_write(media_type, guid, id, lang, dbid, force, periodic)
        except PluginStopped:
            raise
        except Exception:
            self.log_exception(('agentkit', 1098), "Exception updating %s instance '%s'" % (media_type, guid))

    def update_and_write(self, media_type, guid, id, lang, dbid, force, periodic):
        agent = self.agent_for(media_type)
        if agent is None:
            return
        folder = os.path.join(models.bundle_folder(self.server.metadata_folder, media_type, guid), self.identifier)
        path = os.path.join(folder, 'Info.xml')
        model = models.CLASSES[media_type](media_type, native(guid), native(id))
        self.log('DEBUG', ('model', 32), 'Loading model with GUID %s' % guid)
        if os.path.exists(path):
            self.log('DEBUG', ('model', 234), 'Deserializing from %s' % path)
            models.read_model(model, path)
        else:
            self.log('ERROR', ('model', 205), 'Cannot read model from %s' % folder)
        media = None
        try:
            media = self.tree(dbid, media_type)
        except PluginStopped:
            raise
        except Exception:
            self.log_exception(('agentkit', 1078), 'Exception when constructing media object for dbid %s' % dbid)
        try:
            call_update(agent, model, media, native(lang), force, periodic)
        except PluginStopped:
            raise
        except Exception:
            self.log_exception(('agentkit', 1095), "Exception in the update function of agent named '%s', called with "
                               "guid '%s'" % (agent.name, guid))
        self.log('DEBUG', ('model', 229), 'Serializing to %s' % path)
        models.write_model(model, path)


# Functions whose frames stand for the framework's own (see traces.FRAMES)
def call_update(agent, model, media, lang, force, periodic):
    agent.update(model, media, lang, **wanted(agent.update, force=force, periodic=periodic))


def run_task(task):
    task()


def wanted(function, **arguments):
    """Those of the arguments that the function takes by name."""
    code = six.get_function_code(six.get_method_function(function))
    taken = code.co_varnames[:code.co_argcount]
    return dict((str(name), value) for name, value in arguments.items() if name in taken)


class Call(object):
    """A request on its way through a plug-in."""

    def __init__(self, function, arguments):
        self.function, self.arguments = function, arguments
        self.done = threading.Event()
        self.result, self.failed = None, False

    def answer(self, result):
        self.result = result
        self.done.set()

    def fail(self):
        self.failed = True
        self.done.set()

    def wait(self):
        self.done.wait()                        # without a time: Python 2 polls where there is one
        if self.failed:
            raise CallFailed('the plug-in ended')
        return self.result


# ----------------------------------------------------------------------------------------------- what agents get to see
class Hints(object):
    """`media` in search(): the hints as attributes (text), and through to the tree; None for what was not said."""

    def __init__(self, hints):
        self.tree = None
        for name in ('id', 'name', 'show', 'season', 'episode', 'artist', 'album', 'track', 'year', 'filename',
                     'duration', 'guid', 'openSubtitlesHash', 'primary_agent', 'primary_metadata'):
            setattr(self, name, None)
        for name, value in hints.items():       # parameters of a URL: bytes in Python 2
            setattr(self, name, value.encode('utf-8') if six.PY2 else value)

    def __getattr__(self, name):
        if name == 'tree' or not hasattr(self.tree, name):
            raise AttributeError("'%s' object has no attribute '%s'" % (type(self).__name__, name))
        return getattr(self.tree, name)


class MediaPart(object):

    def __init__(self, element):
        for name, value in element.attrib.items():
            setattr(self, name, value)
        self.streams = []


class MediaItem(object):

    def __init__(self, element):
        self.parts = [MediaPart(child) for child in element if child.tag == 'MediaPart']


class MediaTree(object):
    """`media` in update(): attributes of the tree's element, items with parts, seasons and episodes or albums."""

    def __init__(self, element, levels):
        self.title = None
        for name, value in element.attrib.items():
            setattr(self, name, value)
        if 'originallyAvailableAt' in element.attrib:
            self.originally_available_at = element.get('originallyAvailableAt')
        self.items = [MediaItem(child) for child in element if child.tag == 'MediaItem']
        self.children = [MediaTree(child, levels[1:]) for child in element if child.tag == 'MetadataItem']
        if levels:
            level, key = levels[0]
            setattr(self, level, collections.OrderedDict((getattr(child, key, None), child) for child in self.children))

    def all_parts(self):
        parts = [part for item in self.items for part in item.parts]
        for child in self.children:
            parts += child.all_parts()
        return parts
