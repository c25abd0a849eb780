# -*- coding: utf-8 -*-
"""A simulated Plex for the demo and the tests: `with start_simulator(folder, 'small') as plex: plex.url`."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import subprocess
import sys

__test__ = False


class Simulator(object):
    """A running simulated Plex: url, token, plex_home, upstream_url, control_url, pid, control(command, ...)."""

    def __init__(self, process, ready):
        self.process = process
        for name in ('url', 'token', 'plex_home', 'upstream_url', 'control_url', 'pid'):
            setattr(self, name, ready[name])

    def control(self, command, **arguments):
        """Tell it something (see control.py); the answer as a dict."""
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
               str(folder), '--scenario', scenario, '--seed', str(seed), '--max-seconds', str(max_seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise RuntimeError('the simulated Plex did not start (exit %s)' % process.returncode)
    return Simulator(process, json.loads(line.decode('utf-8')))
