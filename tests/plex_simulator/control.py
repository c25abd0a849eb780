# -*- coding: utf-8 -*-
"""The port through which a test tells the simulated Plex and its upstream to misbehave, and asks what they did.

One POST of a JSON object {"command": name, ...arguments}; the answer is a JSON object.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import time
import traceback

from .upstream import LoopbackServer


class Control(object):

    def __init__(self, server, upstream, scenario):
        self.server, self.upstream, self.scenario = server, upstream, scenario
        self.http = LoopbackServer(self.answer)

    @property
    def url(self):
        return 'http://127.0.0.1:%d' % self.http.port

    def close(self):
        self.http.close()

    def answer(self, handler):
        try:
            arguments = json.loads(handler.body.decode('utf-8') or '{}')
            result = getattr(self, 'do_' + arguments.pop('command'))(**dict(
                (str(name), value) for name, value in arguments.items()))
            handler.reply(200, json.dumps(result or {}).encode('utf-8'), 'application/json')
        except Exception:
            handler.reply(400, json.dumps({'error': traceback.format_exc()}).encode('utf-8'), 'application/json')

    def mode(self, kind, status, seconds, lasting, times=None):
        if kind is None:
            return None
        mode = {'kind': kind, 'status': status or 503}
        if seconds is not None:
            mode['seconds'] = seconds
        if lasting is not None:
            mode['until'] = time.time() + lasting
        if times is not None:
            mode['times'] = times
        return mode

    def do_pms(self, kind=None, status=None, lasting=None, times=None):
        """How clients of the media server are answered: kind 'status' (401, 503, ...) or 'drop'; None: as it should."""
        self.server.mode = self.mode(kind, status, None, lasting, times)

    def do_upstream(self, host='*', kind=None, status=None, seconds=None, lasting=None):
        """The same for a host of the net; also 'hang' and 'slow' with seconds."""
        self.upstream.modes[host] = self.mode(kind, status, seconds, lasting)
        if kind is None:
            del self.upstream.modes[host]

    def do_heal(self, ids, after=0):
        """Take the faults of these records away: at once, or when their page was asked for so many times more."""
        for record in self.scenario.records():
            if record['id'] in ids and after:
                record['heals_after'] = after
            elif record['id'] in ids:
                record['faults'].clear()

    def do_fault(self, ids, fault):
        """Give these records a fault."""
        for record in self.scenario.records():
            if record['id'] in ids:
                record['faults'].add(fault)

    def do_hang(self, paths):
        """These paths of the net never answer; an empty list: all do."""
        self.upstream.hanging = set(paths)

    def do_lock(self, rating_key, fields):
        self.server.items[rating_key].locked = set(fields)

    def do_delete(self, rating_key):
        del self.server.items[rating_key]

    def do_ingest(self, seconds):
        """How long the server takes to take over what an agent wrote."""
        self.server.ingest_seconds = seconds

    def do_state(self):
        """What was done so far: refreshes per rating key, most updates at a time, starts and state of each plug-in."""
        server = self.server
        return {'refreshes': dict((str(key), count) for key, count in server.refreshes.items()),
                'most_at_once': server.most_at_once, 'upstream_requests': self.upstream.requests,
                'plugins': dict((name, {'state': plugin.state, 'starts': plugin.starts})
                                for name, plugin in server.plugins.items()),
                'faults': dict((record['id'], sorted(record['faults'])) for record in self.scenario.records())}
