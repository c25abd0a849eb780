# -*- coding: utf-8 -*-
"""A Plug-ins folder, a run directory and a stub of the server, for the tests of implement_fix.py.

The stub answers on loopback; a restart of the plug-in writes its start into the plug-in's log as the framework does: it
comes up unless its entry file holds the word in Stub.poison. It is no model of Plex (tests/plex_simulator is).
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import subprocess
import sys
import threading
import time

from six.moves.BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer

import aggregate_plex_logs as logs
import diagnose_from_report as diagnose
import implement_fix

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AGENT = 'com.plexapp.agents.sample'
ENTRY = 'Sample.bundle/Contents/Code/__init__.py'
TOKEN = 'sEcReT-tok3n-17'
PLIST = '''<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleIdentifier</key><string>%s</string>
<key>PlexPluginCodePolicy</key><string>%s</string>
</dict></plist>
'''
CODE = '''# -*- coding: utf-8 -*-
def Start():
    Log('up')


class SampleAgent(Agent.Movies):
    name = 'Sample'
    languages = ['en']

    def search(self, results, media, lang):
        page = HTML.ElementFromURL('http://upstream/%s' % media.name)
        for row in page.xpath('//a'):
            results.Append(MetadataSearchResult(id=row.get('href'), score=89))

    def update(self, metadata, media, lang):
        data = JSON.ObjectFromURL('http://upstream/item/%s' % metadata.id)
        metadata.title = data['title']
        metadata.summary = data['plot']
        metadata.year = int(data['year'])
        metadata.studio = data['studio']['name']
'''
STARTED = '''{t} (7f1) :  INFO (core:349) - Starting framework core - Version: 2.6.3, Build: fb6452e (Thu)
{t} (7f1) :  DEBUG (core:560) - Loading plug-in code
'''
CAME_UP = '''{t} (7f1) :  INFO (core:611) - Started plug-in
{t} (7f1) :  INFO (pipeinterface:25) - Entering run loop
'''
DID_NOT = '''{t} (7f1) :  CRITICAL (core:569) - Exception while loading code (most recent call last):
  File "/x/Framework.bundle/Contents/Resources/Versions/2/Python/Framework/core.py", line 563, in load_code
SyntaxError: Line 5: "_x" is an invalid variable name because it starts with "_"

'''


def write(path, data):
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with io.open(path, 'wb') as out:
        out.write(logs.to_bytes(data))


def read(path):
    with io.open(path, 'rb') as source:
        return source.read()


class Rig(object):
    """Folders below one root: home ("Plex Media Server"), plug_ins, runs, run_dir, and the bundle Sample.bundle in it."""

    def __init__(self, root, policy='Standard'):
        self.root = root
        self.home = os.path.join(root, 'Plex Media Server')
        self.plug_ins = os.path.join(self.home, 'Plug-ins')
        self.log = os.path.join(self.home, 'Logs', 'PMS Plugin Logs', AGENT + '.log')
        write(os.path.join(self.plug_ins, 'Sample.bundle', 'Contents', 'Info.plist'), PLIST % (AGENT, policy))
        write(os.path.join(self.plug_ins, *ENTRY.split('/')), CODE)
        write(os.path.join(self.home, 'Preferences.xml'), '<Preferences PlexOnlineToken="%s"/>' % TOKEN)
        write(self.log, '')
        self.runs = os.path.join(root, 'runs')
        self.run_dir = self.new_run('2026-11-22T103000Z')
        self.url = 'http://127.0.0.1:9'             # nothing listens there
        self.fixes = {}
        self.python27 = None

    def new_run(self, name):
        path = os.path.join(self.runs, name)
        os.makedirs(os.path.join(path, 'fixes'))
        return path

    def path(self, name=ENTRY):
        return os.path.join(self.plug_ins, *name.split('/'))

    def content(self, name=ENTRY):
        return read(self.path(name))

    def offer(self, fix_id, edits, run_dir=None, **facts):
        """Put a fix that replaces texts into the diagnosis: edits {path: [(old, new)]}, against the files in place."""
        run_dir = run_dir or self.run_dir
        patch, files = b'', []
        for path, pairs in sorted(edits.items()):
            before = after = self.content(path)
            for old, new in pairs:
                assert logs.to_bytes(old) in after, old
                after = after.replace(logs.to_bytes(old), logs.to_bytes(new), 1)
            patch += diagnose.unified_diff(path, before, after)
            files.append({'path': path, 'sha256_before': diagnose.sha256(before), 'sha256_after': diagnose.sha256(after)})
        write(diagnose.fix_patch_path(run_dir, fix_id), patch)
        fix = {'id': fix_id, 'kind': 'fix', 'template': 'key_default', 'patch': 'fixes/%s.patch' % fix_id, 'files': files,
               'file': files[0]['path'], 'line': 1, 'bundle': 'Sample.bundle', 'agent': AGENT, 'pattern': 'p17', 'risk': 'low',
               'predicted': {'items': 23, 'success_percent': 79, 'fields': ['summary'], 'sentence': '18 of 23 will work'}}
        fix.update(facts)
        self.fixes.setdefault(run_dir, []).append(fix)
        logs.write_json(diagnose.diagnosis_path(run_dir), {'patterns': [{'pattern': 'p17', 'fixes': self.fixes[run_dir]}]},
                        diagnose.DIAGNOSIS_SCHEMA)
        return after

    def words(self, *words, **how):
        """Arguments that make implement_fix.py work on this rig; how: run_dir."""
        words = list(words) + ['--run-dir', how.get('run_dir', self.run_dir), '--plex-home', self.home, '--plex-url', self.url]
        return words + (['--python27', self.python27] if self.python27 else [])

    def main(self, *words, **how):
        """The exit code of implement_fix.main() in this process."""
        return implement_fix.main(self.words(*words, **how))

    def command(self, *words, **how):
        """The words of a command line that works on this rig."""
        return [sys.executable, os.path.join(ROOT, 'implement_fix.py')] + self.words(*words, **how)

    def call(self, *words, **how):
        """-> (exit code, stdout, stderr) of implement_fix.py; how: run_dir, env, line."""
        environment = dict(how.get('env', os.environ))
        for name in ('PLEX_HOME', 'PLEX_URL', 'PLEX_TOKEN', 'PLEX_PYTHON27'):
            if 'env' not in how:
                environment.pop(str(name), None)
        line = how.get('line') or self.command(*words, **how)
        process = subprocess.Popen([str(word) if isinstance(word, str) else word.encode('utf-8') for word in line],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        out, err = process.communicate()
        return process.returncode, out.decode('utf-8'), err.decode('utf-8')


class Stub(object):
    """An HTTP server on loopback for `with`; sets rig.url. answers: {path: (status, body)} or a function of the handler."""

    def __init__(self, rig=None, answers=(), silent=False, poison=b'poison'):
        self.rig, self.answers, self.silent, self.poison = rig, dict(answers), silent, poison
        self.address = '127.0.0.1', 0
        self.seen, self.headers, self.starts = [], [], 0

    def __enter__(self):
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                path = self.path.split('?')[0]
                stub.seen.append('%s %s' % (self.command, self.path))
                stub.headers.append(dict((name.lower(), value) for name, value in self.headers.items()))
                given = stub.answers.get(path)
                if callable(given):
                    given = given(self)
                if given is None and stub.rig and path == '/:/plugins/%s/restart' % AGENT:
                    if not stub.silent:
                        stub.start_plug_in()
                    given = 200, ''
                status, body = (given or (404, '<html/>'))[:2]
                body = body if isinstance(body, bytes) else body.encode('utf-8')
                self.send_response(status)
                for name, value in (given[2] if given and len(given) > 2 else {}).items():
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = HTTPServer(self.address, Handler)
        self.url = 'http://127.0.0.1:%d' % self.server.server_address[1]
        if self.rig:
            self.rig.url = self.url
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': .01})
        self.thread.daemon = True
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def start_plug_in(self):
        """Rotate the log and write a start, as the framework does."""
        self.starts += 1
        log = self.rig.log
        if os.path.exists(log):
            os.rename(log, log + '.1')
        now = time.time()
        stamp = time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now)) + ',%03d' % (now % 1 * 1000)
        failed = self.poison in self.rig.content()
        write(log, (STARTED + (DID_NOT if failed else CAME_UP)).replace('{t}', stamp))
