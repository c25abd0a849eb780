# -*- coding: utf-8 -*-
"""What the simulated Plex writes: plug-in and server logs with their rotation, and the payload of the plug-in calls.

The grammars are those of real logs: plug-in records as the framework's own format string makes them, server records as
Plex Media Server writes them.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import base64
import io
import os
import threading
import time

import six
from six.moves.urllib.parse import quote

MEBIBYTE = 1048576
BACKUPS = 5
MONTHS = ('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec')


class Clock(object):
    """The time that the simulated Plex believes it is; `shift` moves it, so that a history can be made by living it."""

    def __init__(self, shift=0):
        self.shift = shift

    def now(self):
        """Seconds since the epoch."""
        return time.time() + self.shift


class RotatingLog(object):
    """A log of whole records in UTF-8 with LF; a record is never split over two files. Bytes on disk, text outside."""

    def __init__(self, path, clock, limit=MEBIBYTE):
        self.path, self.clock, self.limit = path, clock, limit
        self.lock = threading.Lock()
        self.stream = None

    def backup(self, number):
        """Where backup `number` lies: the plug-ins' X.log.1, the server's own X.1.log (ServerLog)."""
        return '%s.%d' % (self.path, number)

    def roll_over(self):
        """Make the log the first backup and begin a new one; the oldest of five backups is lost."""
        with self.lock:
            self._roll_over()

    def _roll_over(self):
        self._close()
        if not os.path.exists(self.path):
            return
        for number in range(BACKUPS, 0, -1):
            older = self.backup(number)
            newer = self.backup(number - 1) if number > 1 else self.path
            if os.path.exists(newer):
                if os.path.exists(older):
                    os.remove(older)
                os.rename(newer, older)

    def append(self, text):
        """Add one record, its own newlines included."""
        data = text.encode('utf-8')
        with self.lock:
            if self.stream is None:
                self.stream = io.open(self.path, 'ab')
            if self.stream.tell() and self.stream.tell() + len(data) >= self.limit:
                self._roll_over()
                self.stream = io.open(self.path, 'ab')
            self.stream.write(data)
            self.stream.flush()

    def _close(self):
        if self.stream is not None:
            self.stream.close()
            self.stream = None
            now = self.clock.now()
            os.utime(self.path, (now, now))

    def close(self):
        with self.lock:
            self._close()


class AgentLog(RotatingLog):
    """One plug-in's log."""

    def write(self, level, place, message, thread=None):
        """place: (module, line) as in '(agentkit:1095)'; thread: ident, default the caller's."""
        now = self.clock.now()
        self.append('%s,%03d (%x) :  %s (%s:%d) - %s\n' % (
            time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now)), now % 1 * 1000,
            threading.current_thread().ident if thread is None else thread, level, place[0], place[1], message))


class ServerLog(RotatingLog):
    """Plex Media Server.log."""

    def __init__(self, path, clock):
        RotatingLog.__init__(self, path, clock, limit=10 * MEBIBYTE)

    def backup(self, number):
        stem, extension = os.path.splitext(self.path)
        return '%s.%d%s' % (stem, number, extension)

    def write(self, level, message):
        now = self.clock.now()
        when = time.localtime(now)
        self.append('%s %02d, %d %02d:%02d:%02d.%03d [%d] %s - %s\n' % (
            MONTHS[when.tm_mon - 1], when.tm_mday, when.tm_year, when.tm_hour, when.tm_min, when.tm_sec,
            now % 1 * 1000, threading.current_thread().ident, level, message))


# ------------------------------------------------------------------------------------------------- payload of the calls
def cereal(value):
    """Bytes of the framework's wire format ("cerealizer") for lists, dicts, text, int, bool, None.

    A dict may be given as an OrderedDict or a list of pairs would be a list: order is kept. Containers are listed in
    the order in which they are met, the value of an entry stands before its key.
    """
    containers = []

    def reference(item):
        if item is None:
            return b'n'
        if isinstance(item, bool):
            return b'b1' if item else b'b0'
        if isinstance(item, six.integer_types):
            return ('i%d\n' % item).encode('ascii')
        if isinstance(item, (six.text_type, bytes)):
            data = item if isinstance(item, bytes) else item.encode('utf-8')
            return ('s%d\n' % len(data)).encode('ascii') + data
        for index, known in enumerate(containers):
            if known is item:
                break
        else:
            index = len(containers)
            containers.append(item)
        return ('r%d\n' % index).encode('ascii')

    root = reference(value)
    bodies = []
    for item in containers:                     # grows while it is read: inner containers join at the end
        if isinstance(item, dict):
            entries = [reference(value) + reference(key) for key, value in item.items()]
        else:
            entries = [reference(value) for value in item]
        bodies.append(('%d\n' % len(entries)).encode('ascii') + b''.join(entries))
    names = b''.join(b'dict\n' if isinstance(item, dict) else b'list\n' for item in containers)
    return b'cereal1\n' + ('%d\n' % len(containers)).encode('ascii') + names + b''.join(bodies) + root


def payload(data):
    """A path element of a messaging URL: base64 with the framework's own three letters, URL-quoted."""
    text = base64.b64encode(data).decode('ascii')
    return quote(text.replace('/', '@').replace('+', '*').replace('=', '_'))


def messaging_path(identifier, function, arguments):
    """The path of a call to an exposed function, e.g. '_AgentKit:UpdateMetadata', with keyword arguments."""
    return '/:/plugins/%s/messaging/function/%s/%s/%s' % (identifier, payload(function.encode('ascii')),
                                                          payload(cereal([])), payload(cereal(arguments)))


def python2_repr(value):
    """repr() as Python 2.7 shows it, whatever runs this: 'text', u'caf\\xe9', 'caf\\xc3\\xa9' of bytes, [..], 7."""
    if isinstance(value, dict):
        return '{%s}' % ', '.join('%s: %s' % (python2_repr(key), python2_repr(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        ends = '[]' if isinstance(value, list) else '()'
        comma = ',' if isinstance(value, tuple) and len(value) == 1 else ''
        return ends[0] + ', '.join(python2_repr(item) for item in value) + comma + ends[1]
    if isinstance(value, bytes):
        return repr(value).lstrip('b')
    if isinstance(value, six.text_type):
        plain = all(ord(letter) < 128 for letter in value)
        quoted = value.encode('unicode_escape').decode('ascii').replace("'", "\\'")
        if "'" in value and '"' not in value:
            return ('' if plain else 'u') + '"%s"' % quoted.replace("\\'", "'")
        return ('' if plain else 'u') + "'%s'" % quoted
    return repr(value)
