# -*- coding: utf-8 -*-
"""A simulated Plex for the demo and the tests: `with start_simulator(folder, 'small') as plex: plex.url`.

A process that serves HTTP on loopback ports and keeps a "Plex Media Server" folder. Its agents are bundles whose Python
really runs, and fails because of what a simulated net answers. Read in this order:

  scenarios.py  the sites of the net with their faults, the libraries; bundles/ holds the agents
  serve.py      the command; control.py: how a test makes it misbehave
  server.py     the media server: library, HTTP API, refreshes, restarts; upstream.py: the net
  plugin.py     one plug-in, from start to end, and the calls it serves
  sandbox.py    what agent code may not say and what it means otherwise; api.py: its globals; models.py: metadata
  traces.py     tracebacks with the framework's own frames; wording.py: in the words of Python 2.7
  records.py    the logs

What it does not do: contributing agents, notifications over web sockets, preferences over HTTP, agents written for
Python 2 alone (print statements, `except X, e`) where Python 3 runs it. What the real server does when it starts
plug-ins lazily or stops idle ones is not known well enough to be imitated.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import subprocess
import sys

import six

__test__ = False


class Simulator(object):
    """A running simulated Plex: url, token, plex_home, upstream_url, control_url, pid, control(command, ...)."""

    def __init__(self, process, ready):
        self.process = process
        for name in ('url', 'token', 'plex_home', 'upstream_url', 'control_url', 'pid'):
            setattr(self, name, ready[name])

    def control(self, command, **arguments):
        """Tell it something (the do_ methods of control.py); the answer as a dict."""
        from six.moves.urllib.request import ProxyHandler, build_opener
        data = json.dumps(dict(arguments, command=command)).encode('utf-8')
        answer = build_opener(ProxyHandler({})).open(self.control_url, data, 30).read()
        return json.loads(answer.decode('utf-8'))

    def __enter__(self):
        return self

    def __exit__(self, *_problem):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()


def start_simulator(folder, scenario='small', seed=7, max_seconds=120, python=None):
    """Start serve.py in a process of its own below `folder`; returns when it serves. It never outlives its parent."""
    command = [python or sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'serve.py'), '--root',
               six.text_type(folder), '--scenario', scenario, '--seed', str(seed), '--max-seconds', str(max_seconds)]
    if six.PY2:                                 # 2.7 would encode the folder's name as ASCII
        command = [word.encode('utf-8') if isinstance(word, six.text_type) else word for word in command]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise RuntimeError('the simulated Plex did not start (exit %s)' % process.returncode)
    return Simulator(process, json.loads(line.decode('utf-8')))
