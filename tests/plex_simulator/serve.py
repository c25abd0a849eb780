#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Serve a simulated Plex on loopback ports until it is told to stop.

Usage:
  serve.py --root DIR [--scenario NAME] [--port 0] [--seed N] [--max-seconds S]

Makes DIR/Plex Media Server, prints one line of JSON when ready (url, token, plex_home, upstream_url, control_url, pid)
and ends on SIGTERM, SIGINT, the end of its standard input, or after --max-seconds.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import io
import json
import os
import shutil
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from plex_simulator.control import Control  # noqa: E402
from plex_simulator.records import Clock  # noqa: E402
from plex_simulator.scenarios import SCENARIOS  # noqa: E402
from plex_simulator.server import PlexServer, preferences_xml  # noqa: E402
from plex_simulator.upstream import Upstream  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
DAY = 86400


def install(home, scenario, server):
    """The folders that a real server has, with the scenario's bundles in Plug-ins."""
    for folder in ('Plug-ins', 'Plug-in Support/Preferences', 'Plug-in Support/Data', 'Metadata',
                   'Logs/PMS Plugin Logs'):
        path = os.path.join(home, *folder.split('/'))
        if not os.path.isdir(path):
            os.makedirs(path)
    for name in scenario.bundles:
        target = os.path.join(home, 'Plug-ins', name + '.bundle')
        if not os.path.isdir(target):
            shutil.copytree(os.path.join(HERE, 'bundles', name + '.bundle'), target)
    with io.open(os.path.join(home, 'Preferences.xml'), 'w', encoding='utf-8') as target:
        target.write(preferences_xml(server.token, server.machine_identifier))


def live_history(server, scenario, clock):
    """Make the logs of past days by living them: start, refresh a share of the library, seconds between two items."""
    for days, share in scenario.history:
        clock.shift = -days * DAY - scenario.chance.randint(0, 9999)
        server.start()
        for item in scenario.items:
            if item.parent is None and scenario.chance.random() < share:
                server.request_refresh(item)
                server.wait_until_idle()
                clock.shift += scenario.chance.uniform(3, 29)
        server.stop()
    clock.shift = 0


class Stopped(Exception):
    """By a signal."""


def wait_for_the_end(seconds):
    """Until SIGTERM or SIGINT, the end of standard input, or so many seconds."""
    over = threading.Event()

    def read_to_the_end():
        try:
            while sys.stdin.readline():
                pass
        except (IOError, OSError, ValueError):
            pass
        over.set()

    def listen(handler):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handler)

    def stop(_number, _frame):                  # over.set() would wait for ever for the lock that over.wait() may hold
        listen(signal.SIG_IGN)
        raise Stopped

    reader = threading.Thread(target=read_to_the_end)
    reader.daemon = True
    reader.start()
    end = time.time() + seconds
    try:
        listen(stop)
        while time.time() < end and not over.wait(.2):
            pass
        listen(signal.SIG_IGN)                  # what comes now must not break off the clean-up
    except Stopped:
        pass


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', required=True, help='where "Plex Media Server" is made')
    parser.add_argument('--scenario', choices=sorted(SCENARIOS), default='small')
    parser.add_argument('--port', type=int, default=0, help='0: any free one')
    parser.add_argument('--seed', type=int, default=7, help='of all that is chance: data, token, misreported lines')
    parser.add_argument('--max-seconds', type=float, default=600)
    options = parser.parse_args(argv)
    root = options.root.decode('utf-8') if isinstance(options.root, bytes) else options.root
    home = os.path.join(os.path.abspath(root), 'Plex Media Server')
    if not hasattr(sys, 'setdefaultencoding') and sys.version_info[0] == 2:
        reload(sys)  # noqa: F821 - Plex's own bootstrap does this, and agents rely on it
        sys.setdefaultencoding('utf-8')
    scenario = SCENARIOS[options.scenario](options.seed)
    scenario.port = options.port
    clock = Clock()
    upstream = Upstream(scenario.sites)
    server = PlexServer(home, scenario, clock, upstream, options.seed)
    control = Control(server, upstream, scenario)
    try:
        install(home, scenario, server)
        live_history(server, scenario, clock)
        server.start()
        server.mode = None
        server.start_seconds, upstream.delay = scenario.start_seconds, scenario.answer_seconds
        server.in_background(server.watch)
        ready = {'url': server.url, 'token': server.token, 'plex_home': home, 'control_url': control.url,
                 'upstream_url': 'http://127.0.0.1:%d' % upstream.port, 'pid': os.getpid()}
        sys.stdout.write(str(json.dumps(ready, sort_keys=True)) + str('\n'))
        sys.stdout.flush()
        sys.stdout = sys.stderr                 # what agents print goes where the real plug-ins' prints go
        wait_for_the_end(options.max_seconds)
    finally:
        control.close()
        server.close()
        upstream.close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
