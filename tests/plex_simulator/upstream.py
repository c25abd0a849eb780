# -*- coding: utf-8 -*-
"""The net behind the agents: one loopback server for all hosts of a scenario, which can be told to misbehave."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading
import time

from six.moves import BaseHTTPServer, socketserver
from six.moves.urllib import parse

REASONS = {200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found',
           405: 'Method Not Allowed', 429: 'Too Many Requests', 500: 'Internal Server Error',
           503: 'Service Unavailable'}


class LoopbackServer(socketserver.ThreadingMixIn, BaseHTTPServer.HTTPServer):
    """answer(handler) of the owner decides what a request gets."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, answer, port=0):
        self.answer = answer
        BaseHTTPServer.HTTPServer.__init__(self, ('127.0.0.1', port), Handler)
        thread = threading.Thread(target=self.serve_forever, kwargs={'poll_interval': .02})
        thread.daemon = True
        thread.start()

    def server_bind(self):                      # HTTPServer's own asks the resolver for the name of the machine
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """A client that went away is no news."""

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPServer.BaseHTTPRequestHandler):

    protocol_version = str('HTTP/1.1')
    timeout = 30

    def handle_any(self):
        length = int(self.headers.get('Content-Length') or 0)
        self.body = self.rfile.read(length) if length else b''
        parts = parse.urlsplit(self.path)
        self.route, self.query = parts.path, dict(parse.parse_qsl(parts.query, keep_blank_values=True))
        self.server.answer(self)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def reply(self, status, body=b'', content_type='text/html; charset=utf-8', headers=()):
        """Send the whole answer in one piece: two small writes would wait for each other."""
        head = ['HTTP/1.1 %d %s' % (status, REASONS.get(status, 'Status')), 'Content-Type: ' + content_type,
                'Content-Length: %d' % len(body)] + ['%s: %s' % pair for pair in headers]
        data = '\r\n'.join(head + ['', '']).encode('latin-1')
        self.wfile.write(data + (b'' if self.command == 'HEAD' else body))
        self.wfile.flush()

    def drop(self):
        """Close the connection without an answer."""
        self.close_connection = True

    def log_message(self, *_arguments):
        pass


class Upstream(object):
    """
    sites: {host: site}, where site.answer(path, query) gives (status, content type, body bytes) or None for 404.
    modes: {host: mode}; a mode is {'kind': 'status', 'status': 503} or {'kind': 'drop'|'hang'|'slow', 'seconds': s};
    any may have 'until' (seconds since the epoch).
    """

    def __init__(self, sites, delay=0):
        self.sites, self.modes, self.delay = sites, {}, delay
        self.requests = 0
        self.hanging = set()                    # paths that never answer
        self.closing = threading.Event()
        self.server = LoopbackServer(self.answer)

    @property
    def port(self):
        return self.server.port

    def mode_of(self, host):
        mode = self.modes.get(host) or self.modes.get('*')
        if mode and mode.get('until', time.time() + 1) < time.time():
            return None
        return mode

    def answer(self, handler):
        self.requests += 1
        host = (handler.headers.get('Host') or '').partition(':')[0]
        site = self.sites.get(host)
        mode = self.mode_of(host) or {'kind': None}
        if mode['kind'] == 'drop':
            return handler.drop()
        if mode['kind'] == 'hang' or handler.path in self.hanging:
            self.closing.wait(mode.get('seconds', 600))
            return handler.drop()
        time.sleep(mode.get('seconds', self.delay))
        if mode['kind'] == 'status':
            return handler.reply(mode['status'], ('<h1>%d</h1>' % mode['status']).encode('ascii'))
        page = site.answer(handler.route, handler.query) if site else None
        status, content_type, body = page or (404, 'text/html; charset=utf-8', b'<h1>404 Not Found</h1>')
        handler.reply(status, body, content_type)

    def close(self):
        self.closing.set()
        self.server.close()
