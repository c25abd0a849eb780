#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Group the errors in Plex's logs into patterns, and tell which items each hits.

Reads:   the Logs folder of a Plex Media Server, log files (also .gz), a zip,
         a pasted traceback or standard input; with --resume an earlier
         aggregate
Writes:  aggregated_logs_iteration_N.txt and .json in the run directory (with
         --logs alone: only the report on stdout); with --events one JSON line
         per error event

Usage:
  aggregate_plex_logs.py [--logs PATH ...] [--run-dir DIR] [options]

Examples:
  aggregate_plex_logs.py --logs ~/Downloads/Logs       # a bare folder
  aggregate_plex_logs.py --logs paste.txt              # one traceback
  aggregate_plex_logs.py --since 24h                   # this server's last day
  aggregate_plex_logs.py --resume EARLIER.json         # what came since then

Exit codes:
  0 done   2 usage   3 incomplete   4 nothing to read   130 interrupted
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import binascii
import bisect
import collections
import errno
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
import time
import zlib

try:
    import six
    import future                               # its parts are imported where they are used: they take 15 ms
except ImportError as missing:                  # the one thing a newcomer is sure to meet; it must not look like a bug
    sys.stderr.write('%s: %s; install the packages: python -m pip install six future\n'
                     % (os.path.basename(sys.argv[0]), missing))
    sys.exit(4)

__version__ = '1.0'

# --------------------------------------------------------------------------------------------------------- exit codes
DONE, BUG, USAGE, INCOMPLETE, NO_ENVIRONMENT, UNSAFE, NEGATIVE, LOCKED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 75, 130


class Regex(object):
    """What re.compile() gives, compiled when it is first used: every script imports these tables, few use most of them,
    and compiling took a quarter of the start of a script.
    """

    PARTS = ('match', 'search', 'sub', 'findall', 'finditer', 'split', 'groups')

    def __init__(self, pattern):
        self.pattern = pattern

    def __getattr__(self, name):
        if name not in self.PARTS:              # copy and pickle ask for others
            raise AttributeError(name)
        compiled = re.compile(self.pattern)
        for part in self.PARTS:
            setattr(self, part, getattr(compiled, part))
        return getattr(self, name)


class Problem(Exception):
    """Something a user can cause or mend: one sentence that says what to do, and an exit code."""

    def __init__(self, sentence, code=NO_ENVIRONMENT):
        Exception.__init__(self, sentence)
        self.sentence = sentence
        self.code = code


def raise_clean(problem):
    """Raise an exception that explains another one and takes its place (without "during handling of ...")."""
    from future.utils import raise_from
    raise_from(problem, None)


# ------------------------------------------------------------------------------------------- text at the edge, and time
def to_text(value):
    """Text of bytes (UTF-8, bad bytes replaced) or of text; the only way in."""
    if not isinstance(value, bytes):
        return six.text_type(value)
    if six.PY2:                                 # which takes halves of a pair for letters, and counts bad bytes its way
        value = HALF_LETTER.sub(b'\xff\xff\xff', value) if b'\xed' in value else value
        try:
            return value.decode('utf-8')
        except UnicodeDecodeError:
            value = UTF_8.sub(lambda found: found.group(1) or b'\xef\xbf\xbd', value)
    return value.decode('utf-8', 'replace')


# of bytes: what is UTF-8, or as much as belongs together of what is not, which is one letter that cannot be read
THREE, FOUR = (br'(?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef][\x80-\xbf])',
               br'(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])')      # how letters of so many bytes begin
UTF_8 = Regex(br'((?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|' + THREE + br'[\x80-\xbf]|' + FOUR + br'[\x80-\xbf]{2})+)|'
              + THREE + b'|' + FOUR + br'[\x80-\xbf]?|[\x80-\xff]')
HALF_LETTER = Regex(br'\xed[\xa0-\xbf][\x80-\xbf]')


def to_bytes(value):
    """UTF-8 bytes of text or of bytes (what cannot be one, as in names of files on 3, is '?'); the only way out."""
    return value if isinstance(value, bytes) else value.encode('utf-8', 'replace')


def walkable(path):
    """A path as os.walk() and os.listdir() bear it: bytes on 2.7, which ends at the first name that is no text there.
    """
    return to_bytes(path) if six.PY2 and os.name != 'nt' else to_text(path)


def utc_text(seconds=None):
    """'2026-11-22T10:30:00Z' for seconds since the epoch (default: now)."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() if seconds is None else seconds))


# For durations: a clock that somebody sets must not hang or end anything. 2.7 has a steady one too, outside Windows.
seconds_now = getattr(time, 'monotonic', None) or (lambda: os.times()[4] if os.name == 'posix' else time.time())
ISO_PARTS = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))


def utc_seconds(text):
    """Seconds since the epoch of what utc_text() wrote; ValueError for anything else."""
    if not re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$', text):
        raise ValueError('%s is no time' % text)
    return epoch_seconds(*(int(text[low:high]) for low, high in ISO_PARTS))


def epoch_seconds(year, month, day, hour=0, minute=0, second=0):
    """Seconds since the epoch of a UTC date and time; ValueError for a date that cannot be, or is before the epoch.

    As calendar.timegm, whose import costs a tenth of a script's start.
    """
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 62 and year >= 1970):
        raise ValueError('no such time')
    shifted = year - (month < 3)
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400       # of the years, which begin in March
    days += (153 * ((month + 9) % 12) + 2) // 5 + day - 719469
    return 86400 * days + 3600 * hour + 60 * minute + second


# ----------------------------------------------------------------------------------------------------------- artifacts
def sync_folder(folder):
    """Make renames in this folder survive a power cut; a no-op where folders cannot be opened (Windows)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as problem:                  # some network file systems refuse to sync a folder
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


KNOWN_SECRETS = set()               # this server's own tokens: no text that is written or shown holds one, bare or not


def learn_secret(value):
    value = to_text(value or '').strip()
    if len(value) >= 8:
        KNOWN_SECRETS.add(value)


def learn_secrets_of(plex_home):
    """Know the tokens that lie in a server's folder (PLEX.md 5.2)."""
    for name, shape in (('Preferences.xml', br'Token="([^"]+)"'), ('.LocalAdminToken', br'(\S+)')):
        try:
            with io.open(os.path.join(plex_home, name), 'rb') as source:
                for value in re.findall(shape, source.read(2 ** 20)):
                    learn_secret(value)
        except (IOError, OSError):
            pass


def without_secrets(text):
    """Text, or bytes, in which no known token stands."""
    kind = to_bytes if isinstance(text, bytes) else to_text
    for secret in KNOWN_SECRETS:
        text = text.replace(kind(secret), kind('<token>'))
    return text


CONTROLS = Regex('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]')


def for_people(text):
    """Text to be shown: without known tokens, and without the signs by which a line of a log could steer a terminal."""
    return without_secrets(CONTROLS.sub('\ufffd', text))


WRITING = '.writing-'               # how the names of files begin that are not whole yet


def write_file(path, data, mode=0o644, alone=True):
    """Put bytes or text at path so that a reader sees the old file or the whole new one, also after a power cut.

    Bytes are written as they are, text as for_people(). alone: else the caller syncs the folder, once for many files.
    The temporary file stands beside the target (another folder may be another volume). A link is followed, so that
    what it points to changes, not the link. Errors: OSError, with nothing left behind.
    """
    import tempfile
    data = for_people(data) if isinstance(data, six.text_type) else data
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    handle, temporary = tempfile.mkstemp(prefix=WRITING, dir=folder)
    try:
        with os.fdopen(handle, 'wb') as out:
            out.write(to_bytes(data))
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, mode)
        if os.name == 'nt' and six.PY2 and os.path.exists(path):    # 2.7 on Windows cannot rename over a file
            os.remove(path)
        (os.rename if six.PY2 else os.replace)(temporary, path)
    except BaseException as problem:
        if os.path.exists(temporary):
            os.remove(temporary)
        name_file(problem, path)
        raise
    if alone:
        sync_folder(folder)


def name_file(problem, path):
    """A full disk does not say of itself which one it is."""
    if isinstance(problem, EnvironmentError) and problem.errno and not problem.filename:
        problem.filename = path


def write_json(path, document, schema):
    """Write a dict as JSON with its schema number, sorted keys and UTF-8 text."""
    write_file(path, b''.join(to_bytes(without_secrets(to_text(piece)))
                              for piece in json_pieces(dict(document, schema=schema))))


def json_pieces(document, ascii_only=False):
    """A dict as JSON, in pieces: one line per member, and one per entry of a member that is a list, so that grep and
    diff can work with it. json's own indent takes twice as long on 3.11, where it does not use the encoder in C.
    """
    encode = json.JSONEncoder(sort_keys=True, ensure_ascii=ascii_only, separators=(', ', ': ')).encode
    for place, name in enumerate(sorted(document)):
        value = document[name]
        yield '%s%s: ' % (',\n ' if place else '{\n ', encode(name))
        if value and isinstance(value, list):
            for number, entry in enumerate(value):
                yield ',\n  ' if number else '[\n  '
                yield encode(entry)
            yield '\n ]'
        else:
            yield encode(value)
    yield '\n}\n'


STRING = six.text_type


def fits(value, shape):
    """Has a JSON value a shape: a type, something that match()es a text, [shape of every entry], {name: shape}?

    More names may be there; one written 'name?' may be absent or null.
    """
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            value.get(name[:-1]) is None or fits(value[name[:-1]], below) if name.endswith('?') else
            name in value and fits(value[name], below) for name, below in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(entry, shape[0]) for entry in value)
    if hasattr(shape, 'match'):
        return isinstance(value, STRING) and bool(shape.match(value))
    return isinstance(value, shape)


def read_json(path, schema, made_by, shape=dict):
    """The dict that write_json wrote. Problem (one sentence) where it is missing, damaged or of a newer schema."""
    try:
        with io.open(path, encoding='utf-8') as source:
            document = json.load(source)
    except (IOError, OSError) as problem:
        raise_clean(Problem('%s cannot be read (%s); run %s first' % (path, problem.strerror, made_by)))
    except ValueError:
        raise_clean(Problem('%s is not whole JSON; run %s again' % (path, made_by)))
    if not isinstance(document, dict) or not isinstance(document.get('schema'), int):
        raise Problem('%s has no schema number, so it is not from %s; run %s again' % (path, made_by, made_by))
    if document['schema'] > schema:
        raise Problem('%s has schema %d, this version knows %d; update the whole folder of scripts'
                      % (path, document['schema'], schema))
    if not fits(document, shape):
        raise Problem('%s is damaged; run %s again' % (path, made_by))
    return document


# -------------------------------------------------------------------------------------------------- the command's edge
def say(text, stream=None):
    """Print a line of text on a terminal, pipe or file of any encoding (LC_ALL=C has ASCII only)."""
    stream, text = stream or sys.stdout, for_people(to_text(text))
    encoding = getattr(stream, 'encoding', None) or 'utf-8'
    if six.PY2:
        stream.write((text + '\n').encode(encoding, 'replace'))
    else:
        stream.write((text + '\n').encode(encoding, 'replace').decode(encoding))


def warn(script, sentence):
    """One line on stderr."""
    say('%s: %s' % (script, sentence), sys.stderr)


def parser_for(doc, script):
    """An argparse parser whose --help is the script's own docstring followed by its options, as wide as that: to ask
    for the terminal's width costs 2 ms at each start, with or without --help.
    """
    parser = argparse.ArgumentParser(prog=script, description=doc, usage=argparse.SUPPRESS, add_help=True,
                                     formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=78))
    parser.add_argument('--version', action='version', version='%s %s' % (script, __version__))
    return parser


SHARED_OPTIONS = {
    '--run-dir': dict(metavar='DIR', help='the run directory (default: the newest under runs/)'),
    '--iteration': dict(metavar='N', type=int, help='default: the current one in loop_state.json, else 1'),
    '--plex-home': dict(metavar='DIR', help='the "Plex Media Server" folder with Logs, Plug-ins, Plug-in Support '
                                            '(default: PLEX_HOME, else found for this system)'),
    '--plex-url': dict(metavar='URL', help='default: PLEX_URL, else http://127.0.0.1:32400'),
    '--token-file': dict(metavar='FILE', help="default: PLEX_TOKEN, else the server's own Preferences.xml"),
    '--python27': dict(metavar='PATH', help='the interpreter that validates agent source (default: PLEX_PYTHON27, '
                                            'else searched)'),
    '--dry-run': dict(action='store_true', help='change nothing, show what would change'),
    '--quiet': dict(action='store_true', help='nothing on stdout when all went well (cron)'),
    '--json': dict(action='store_true', help='the result on stdout as JSON'),
}


def add_shared_options(parser, *names):
    """Add options that mean the same in all scripts; names as in SHARED_OPTIONS."""
    for name in names:
        parser.add_argument(name, **SHARED_OPTIONS[name])


def text_options(options):
    """The options with text values: 2.7's argparse leaves them as the bytes of the command line."""
    for name, value in vars(options).items():
        if isinstance(value, bytes):
            setattr(options, name, to_text(value))
        elif isinstance(value, list):
            setattr(options, name, [to_text(word) if isinstance(word, bytes) else word for word in value])
    return options


def on_signals(what):
    """'stop': a stopped service, a closed terminal or a time-out in cron ends the run as Ctrl-C does; or 'ignore', or
    'die'.
    """
    import signal

    def stop(number, frame):
        raise KeyboardInterrupt
    handler = {'stop': stop, 'ignore': signal.SIG_IGN, 'die': signal.SIG_DFL}[what]
    for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
        number = getattr(signal, name, None)
        if number is not None and (name != 'SIGHUP' or signal.getsignal(number) != signal.SIG_IGN):     # nohup
            signal.signal(number, handler)


def open_what_is_closed():
    """A service or `>&-` may leave a script without standard streams, whose numbers the next files would get."""
    for number, (name, mode) in enumerate((('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w'))):
        try:
            os.fstat(number)
        except OSError:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def run_script(run, parser, argv=None):
    """Call run(options) and turn whatever happens into an exit code: the one place where errors meet the user."""
    script = parser.prog
    open_what_is_closed()
    try:
        options = text_options(parser.parse_args(argv))
    except SystemExit as stop:
        return stop.code or DONE
    try:
        on_signals('stop')
        code = run(options) or DONE
        sys.stdout.flush()
        return code
    except Problem as problem:
        warn(script, problem.sentence)
        return problem.code
    except KeyboardInterrupt:
        warn(script, 'interrupted; nothing half written was left behind')
        return INTERRUPTED
    except UnicodeEncodeError as problem:       # 2.7 and 3.6 name files in the locale's encoding
        if (sys.getfilesystemencoding() or 'ascii').lower() in ('ascii', 'us-ascii', 'ansi_x3.4-1968'):
            warn(script, 'this locale cannot name %s; set LC_ALL=C.UTF-8 and run it again' % problem.object)
            return NO_ENVIRONMENT
        raise
    except (IOError, OSError) as problem:
        if problem.errno == errno.EPIPE:        # `| head` has seen enough
            sys.stdout = io.open(os.devnull, 'w')
            return DONE
        if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            what = to_text(problem.filename or 'a file cannot be written')
            if os.path.basename(what).startswith(WRITING):      # what write_file() tried to make first
                what = os.path.dirname(what)
            warn(script, '%s: %s; %s' % (what, to_text(problem.strerror), 'make room there' if problem.errno in (
                errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else 'give this user the rights to it'))
            return NO_ENVIRONMENT
        print_bug()
        return BUG
    except Exception:                           # a bug must look like a bug, and like nothing else
        print_bug()
        return BUG


def print_bug():
    """The traceback of the exception being handled, on stderr."""
    import traceback
    traceback.print_exc()


# -------------------------------------------------------------------------------------------------- the run directory
RUNS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'runs')
RUN_NAME = Regex(r'\d{4}-\d\d-\d\dT\d{6}Z$')


def find_run_dir(option):
    """The folder named by --run-dir, else the newest under runs/. Problem where there is none."""
    if option:
        if not os.path.isdir(option):
            raise Problem('there is no run directory %s; make it, or leave --run-dir out' % option)
        if any(RUN_NAME.match(name) for name in os.listdir(option)):
            raise Problem('%s holds runs and is none itself; name one of them' % option)
        return option
    names = sorted(name for name in (os.listdir(RUNS) if os.path.isdir(RUNS) else ())
                   if name[:2] == '20' and os.path.isdir(os.path.join(RUNS, name)))
    if not names:
        raise Problem('there is no run under %s; start one with loop_coordinator.py, or name a folder with --run-dir'
                      % RUNS)
    return os.path.join(RUNS, names[-1])


def current_iteration(run_dir, option):
    """--iteration, else the one in loop_state.json, else 1."""
    if option is not None:
        if option < 1:
            raise Problem('--iteration counts from 1', USAGE)
        return option
    try:
        with io.open(os.path.join(run_dir, 'loop_state.json'), encoding='utf-8') as source:
            return max(1, int(json.load(source).get('iteration', 1)))
    except (IOError, OSError, ValueError, TypeError, AttributeError):
        return 1


# -------------------------------------------------------------------------------------------------- grammar of the logs
# Two grammars (PLEX.md 2.1 and 2.6). Bytes, since whole logs are searched and only error records are decoded.
#   plug-in: 2026-02-03 21:14:07,318 (7f4ccbff8b38) :  CRITICAL (agentkit:1095) - message
#   server:  Feb 03, 2026 21:14:07.318 [140535242312504] ERROR - message; on Windows :318 until about 2014
PLUG_IN, SERVER, TEXT = 'plug-in', 'server', 'text'
HEADER = {
    PLUG_IN: Regex(br'(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:,(\d{3}))? (?:- \S+ +)?\((-?[0-9a-fA-F]+)\) :  '
                   br'(DEBUG|INFO|WARNING|ERROR|CRITICAL) \(([^():\n]*):?(\d*)\) - '),
    SERVER: Regex(br'([A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d:\d\d)(?:[.:](\d{3}))? \[((?:0x)?[0-9a-fA-F]+)\] '
                  br'(ERROR|WARN|INFO|DEBUG|VERBOSE)() - '),
}
STAMP = {PLUG_IN: Regex(br'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[, ]'),
         SERVER: Regex(br'[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d:\d\d[.: ]')}
NEXT_RECORD = dict((grammar, Regex(br'\n(?=' + STAMP[grammar].pattern + b')')) for grammar in STAMP)
# In a plug-in's log also ' ERROR' is looked for: it is both the level and how agents begin an error that they report
# below WARNING, as is a traceback there, and so are Python's own words for the errors that agents catch most.
# Each costs a pass over the log. A bare NoneType is none: the framework logs it at every call ("[200] NoneType").
# What to look for: from which byte on (strstr jumps to where the first two bytes stand, so these should be rare in
# logs: it finds '] ERROR - ' at a tenth of the speed), and how far behind the beginning of the whole the level stands.
PYTHON_NEEDLES = ((b"'NoneType'", 0, 0), (b"' object has no attribute '", 3, 0), (b'index out of range', 5, 0),
                  (b'referenced before assignment', 11, 0), (b"' is not defined", 1, 0), (b' string or ', 0, 0))
NEEDLES = {PLUG_IN: ((b') :  CRITICAL (', 5, 5), (b') :  WARNING (', 5, 5),
                     (b'Traceback (most recent call last):', 0, 0)) + PYTHON_NEEDLES,
           SERVER: ((b'] ERROR - ', 2, 2), (b'] WARN - ', 2, 2))}
PYTHON_WORDS = tuple(words for words, _, _ in PYTHON_NEEDLES[:-1]) + (b' string or buffer', b' string or a number')
SEVERE = (b'ERROR', b'CRITICAL', b'WARNING', b'WARN')
LEVELS = dict((level, to_text(level)) for level in SEVERE + (b'INFO', b'DEBUG', b'VERBOSE'))
START_MARK = b'Starting framework core - Version: '
HANDLING, RESPONSE = b' - Handling request ', b' - Response: ['
SEARCH_NAME, UPDATE_NAME = b'X0FnZW50S2l0OlNlYXJjaA__', b'X0FnZW50S2l0OlVwZGF0ZU1ldGFkYXRh'
MONTHS = dict((name, number + 1) for number, name in
              enumerate(b'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split()))
SYSTEM = 'com.plexapp.system'

# Wrapper messages of the framework (FRAMEWORK.md 2): start of the message, the kind of call, and which words of the
# message name the wrapper (the rest is data).
WRAPPERS = [
    ('Exception in the search function of agent named', 'search'),
    ('Exception in the update function of agent named', 'update'),
    ('Exception when constructing media object', 'media'), ('Exception finding an agent for type', 'search'),
    ('Exception while loading code', 'load'), ('Exception starting plug-in', 'start'), ('Exception starting', 'start'),
    ('Exception when calling function', 'call'), ('Exception in thread named', 'thread'),
    ('Exception in task thread', 'thread'),
    ('Exception in _process_function_call', 'route'), ('Exception matching route for path', 'route'),
    ('Exception serializing', 'model'), ('Exception deserializing', 'model'), ('Exception reading file', 'storage'),
    ('Exception writing to', 'storage'), ('Exception loading', 'preferences'),
    ('Exception getting hosted resource hashes', 'platform'), ('Exception in update for', 'system'),
    ('Exception in update request handler', 'system'), ('Exception performing search in', 'system'),
    ('Exception notifying the media server', 'system'), ('Exception updating', 'model'),
    ('Error in Python: ', 'scanner'), ('Error loading shared code', 'load'), ('Error loading services', 'load'),
]

# The functions of the framework that stand outermost then
FRAMEWORK_ENTRIES = {
    ('agentkit.py', '_search'): ('Exception in the search function of agent named', 'search'),
    ('agentkit.py', '_update'): ('Exception in the update function of agent named', 'update'),
    ('core.py', 'load_code'): ('Exception while loading code', 'load'),
    ('core.py', 'start'): ('Exception starting plug-in', 'start'),
    ('runtime.py', 'handle_request'): ('Exception', 'route'),
    ('runtime.py', '_start_thread'): ('Exception in thread named', 'thread'),
    ('messaging.py', '_process_function_call'): ('Exception in _process_function_call', 'route'),
}

# Noise is data: what the record starts with (in which grammar), why it is harmless, when it is not. First match counts.
Noise = collections.namedtuple('Noise', 'grammar text what harmless unless')
NOISE = [Noise(*row) for row in [
    (PLUG_IN, r'Cannot read model from ', 'first update of an item',
          "the agent's folder in the metadata bundle does not exist before its first update",
          'it repeats for an item after "Serializing to" for the same item'),
    (PLUG_IN, r"Function named '[^']*' couldn't be found in the current environment", 'optional function missing',
          'Start and ValidatePrefs are optional', 'the agent does define that function'),
    (PLUG_IN, r"Error opening URL '[^']*/:/plugins/com\.plexapp\.system/resourceHashes'", 'start-up race',
          'the System plug-in does not answer yet when this one starts', 'it goes on after the start'),
    (PLUG_IN, r'Exception getting hosted resource hashes', 'start-up race',
          'the System plug-in does not answer yet when this one starts', 'it goes on after the start'),
    (PLUG_IN, r"Error opening URL 'http://127\.0\.0\.1:32400/?(?:servers)?'|Exception in thread named 'refresh_servers'"
              r'|Unable to load services from system\.|Unable to retrieve the machine identifier or server version',
          'start-up race', 'the server does not answer yet when the System plug-in starts',
          'it goes on after the start'),
    (PLUG_IN, r"Error opening URL '[^']*/:/plugins/com\.plexapp\.system/messaging/function/"
              r"X0J1bmRsZVNlcnZpY2U6QWxsU2VydmljZXM_/",         # _BundleService:AllServices
          'start-up race', 'a plug-in that starts asks the System plug-in for its services before it answers',
          'it goes on after the start'),
    (PLUG_IN, r'Exception matching route for path "/system/appstore/|Could not find route matching /system/appstore/',
          'plug-in store', 'a player asks for the store of plug-ins, which is gone', 'never'),
    (PLUG_IN, r'Private handlers are no longer supported', 'old call of the framework',
          'the System plug-in makes it at each start', 'never'),
    (PLUG_IN, r'Exception matching route for path "/" |Could not find route matching /:/plugins/[\w.-]+(?=\r?\n)',
          'only woken', 'the System plug-in asks for the first page of a plug-in to see it start, and not all have one',
          'the agent stays unknown'),
    (PLUG_IN, r'Error parsing with lxml, falling back to soupparser', 'malformed page, recovered',
          'the second parser took over', 'an exception follows on the same thread'),
    (PLUG_IN, r'No cookie jar found', 'no cookies yet', 'the jar is written later', 'never'),
    (PLUG_IN, r'We seem to be missing the hash for media item ', 'file not hashed yet',
          'the server has not computed the hash of a file, which only subtitle searches need',
          'an agent for subtitles finds nothing'),
    (PLUG_IN, r'The \S+ (?:function|property|class|method) is deprecated', 'old call of the framework',
          'the framework still does what it asks for', 'never'),
    (PLUG_IN, r"Exception in thread named '_handle_request' [^\n]*\n(?:[ \t][^\n]*\n)*  File [^\n]{1,300}httpserver\.py"
              r"\W[^\n]{1,20} in _finish_request\r?\n(?:    [^\n]*\n)?AttributeError: 'NoneType' object has no "
              r"attribute 'header",
          'answer ended twice', 'a race in the web server of the framework, when the answer has been sent already',
          'whoever asked got no answer'),
    (SERVER, r'JobManager: Could not find job for handle', 'finished job asked for again', 'the job had ended',
     'never'),
    (SERVER, r'NAT-PMP/UPnP', 'remote access', 'port mapping has nothing to do with metadata', 'never'),
    (SERVER, r'(?:\[EventSourceClient[^\]\s]*\] )?NAT: (?:PMP|UPnP)\b', 'remote access',
     'port mapping has nothing to do with metadata', 'never'),
    (SERVER, r'ClientProfileExtra: missing or invalid type parameter', 'client profile',
     'a player sent an odd profile', 'never'),
    (SERVER, r'Unknown metadata type: folder', 'folder view', 'a player browsed by folder', 'never'),
    (SERVER, r'.{0,40}protocol is shutdown', 'client went away', 'a player closed its connection', 'never'),
    (SERVER, r'\[CreditsDetectionManager\]', 'credits detection', 'analysis of video, not metadata', 'never'),
    (SERVER, r'BufferingLineReader: failed to read line', 'reader closed', 'credits detection emits it',
          'a plug-in dies within the same second'),
    (SERVER, r'(?:\[MetadataAgentManager/getAgent\] )?Unable to find metadata agent provider for identifier '
                  r"'(?:library|iva)'", 'agent registry', 'library and iva are no agents', 'never'),
]]
NOISE_RULES = dict((grammar, [row for row in NOISE if row.grammar == grammar]) for grammar in (PLUG_IN, SERVER))
# matched against bytes, before anything is decoded: most records of a log are noise
ANY_NOISE = dict((grammar, Regex(br'(?:\[[^\]\s]*#[^\]\s]*\] ?)*(?:'
                                 + b'|'.join(b'(' + to_bytes(row.text) + b')' for row in
                  NOISE_RULES[grammar]) + b')')) for grammar in NOISE_RULES)
# a header and, where there is one, the noise behind it: its groups come after those of the header
HEADER_AND_NOISE = dict((grammar, Regex(HEADER[grammar].pattern + b'(?:' + ANY_NOISE[grammar].pattern + b')?'))
                        for grammar in ANY_NOISE)


# ------------------------------------------------------------------------------------------------------------ redaction
EMAIL = Regex(r'(?i)(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b')
# (words of which one must stand in the text in lower case, rule for the text in lower case, which group to hide, what
# to put). The words save most of the time, and so does lower case: a rule that ignores case is three times as slow.
# A rule begins with a letter, and looks back for the border of the word afterwards: ten times as fast as \b in front.
# what stands in quotes goes to their end, unless they end a text of the source: 'token=' + token + '&x='
KEYWORD_VALUE = (r'(?:%(?:25)?3[ad](?:%(?:25)?20|\+)?|\\?[\'"]?\s?[:=]\s?(?:u?\\?[\'"])?)'
                 r'(?!none\b|null\b|\$|<|%20|u?\\?[\'"])'
                 r'((?<=")[\w!#*@^~-][^"\n]*(?="(?!\w))|(?<=\')[\w!#*@^~-][^\'\n]*(?=\'(?!\w))|[^\s&\'",;<>()]+)')
SECRET_NAME = r'(?:token|api[_-]?key|access[_-]?key|secret|passw(?:or)?d|pwd)'
SECRET_RULES = [
    # a keyword and a value: X-Plex-Token=..., api-key: ..., 'password': u'...'
    (('token', 'key', 'secret', 'passw', 'pwd'),
     Regex(SECRET_NAME + KEYWORD_VALUE), '<secret>'),
    (('</',), Regex(r'%s>([^<>\s]+)(?=</[\w:-]*%s>)' % (SECRET_NAME, SECRET_NAME)), '<secret>'),
    (('pin',), Regex(r'pin(?<!\wpin)' + KEYWORD_VALUE), '<secret>'),
    (('pass=', 'pass%3d'), Regex(r'pass(?<![a-z0-9]pass)(?:=|%3d)(?!<)([^\s&\'",;<>()]+)'), '<secret>'),
    (('_user=', '_user%3d'), Regex(r'_user(?:=|%3d)(?!<)([^\s&\'",;<>()]+)'), '<user>'),
    (('sess', 'sid=', 'sig'), Regex(r'(?:sess(?:ion)?_?id|sid(?<!\wsid)|sig(?<!\wsig)|signature)='
                                    r'(?!<)([^\s&\'",;<>()]+)'), '<secret>'),
    (('cookie',), Regex(r'cookies?[\'"]?\s?[:=]\s?(?:u?[\'"])?(\{[^{}\n]*\}|[^\'"\n<]*=[^\'"\n]*)'), '<secret>'),
    (('eyj',), Regex(r'eyj(?<!\weyj)[\w-]{8,}\.eyj[\w-]{8,}(?:\.[\w-]+)?'), '<secret>'),     # a token that is JSON
    (('claim-',), Regex(r'claim-(?<!\wclaim-)([\w-]{8,})'), '<secret>'),
    # token abcdef1234567890, and one of Plex's own, of 20 signs, that happens to have letters only (one in sixty)
    (('token ', 'key ', 'password '),
     Regex(r'(?:token(?<!\wtoken)|key(?<!\wkey)|password(?<!\wpassword)) (?:is )?[\'"]?'
           r'((?=[a-z_-]*[0-9_-])[a-z0-9_-]{16,}|[a-z]{20}(?![\w-]))'), '<secret>'),
    (('bearer ', 'authorization'), Regex(r'(?:authorization[\'"]?: ?u?[\'"]?[a-z]+ |bearer )([\w.~+/=-]{8,})'),
     '<secret>'),
    (('x-plex-username', 'x-plex-client'), Regex(r'x-plex-(?:username|client-identifier)=([^\s&\'"]+)'), '<user>'),
    # some services have the key in the path: /api/v1/json/60130162/searchteams.php
    (('/json/',), Regex(r'/v\d+/json/(?=[a-z_-]*\d)([\w-]{3,})/'), '<secret>'),
    (('://',), Regex(r'://([^/\s:@\'"]+:[^/\s@\'"]+)@'), '<secret>'),
    # the name that plex.tv gives a server holds its address: 203-0-113-9.<32 hex>.plex.direct
    (('.plex.direct',), Regex(r'([0-9a-f-]+\.[0-9a-z]{32})\.plex\.direct'), '<address>'),
    # an address of version 6 that is quoted for a URL
    (('%5b',), Regex(r'%5b((?:[0-9a-f]{1,4}(?:%3a|:)){7}[0-9a-f]{1,4}'
                     r'|(?:[0-9a-f]{1,4}(?:%3a|:)){1,7}(?:(?:%3a|:)[0-9a-f]{1,4}){1,7})'), '<address>'),
    (('@', '%40'), EMAIL, '<email>'),
    (('downloaded url',), Regex(r"downloaded url '[^'\n]*' for ([^\s,;()]+)"), '<user>'),
    (('signed-in', 'token ('),                  # but not the status: refuses the token (401)
     Regex(r'(?:signed-in(?: token)?|token(?<!\wtoken)) ?\((?!\d+\))([^()\n]*)\)'), '<user>'),
    (('user ',), Regex(r'user(?<!\wuser) \d+ as (?!<)([^\n]+)'), '<user>'),
    (('user',), Regex(r'user(?:_?name|(?<!\wuser))(?: is(?=:))?(?:%3d|=(?:u?[\'"])?|[\'"]?: ?(?:u?[\'"])?| ?[\'"]| )'
                      r'(?!agent|data|defined|[<:}\]]|is:|\d+ as |u?[\'"])([^\s&\'",;<>()]+)'), '<user>'),
]
SECRET_WORDS = [(word, number) for number, (words, _, _) in enumerate(SECRET_RULES) for word in words]
# those words that hold no other one, each with all that hold it: a third fewer to look for
SECRET_ROOTS = [(root, [row for row in SECRET_WORDS if root in row[0]])
                for root in sorted(set(word for word, _ in SECRET_WORDS))
                if not any(word in root and word != root for word, _ in SECRET_WORDS)]
# also where it is quoted for a URL, once or twice (%252F203.0.113.9), and at the end of one of version 6
# (::ffff:203.0.113.9)
ADDRESS = Regex(r'(?:(?<![\w:.])::(?:[fF]{4}:)?|(?<![A-Za-z0-9.%])|(?<=%)(?![0-9a-fA-F]{2})'
                r'|(?<=%[0-9a-fA-F]{2})|(?<=%25[0-9a-fA-F]{2}))'
                r'(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9]|\.\d)'
                r'|(?<![\w:.])(?=[0-9a-fA-F:]*:[0-9a-fA-F:]*:)(?=[0-9a-fA-F:]*(?:::'
                r'|(?::[0-9a-fA-F]{1,4}){7}))[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:]|\.\d)')
# two searches are three times as fast as one for either, and three times again where they begin with no digit
ADDRESS_HINTS = [Regex(rule) for rule in (r'\.\d+\.\d+\.\d', r':[0-9a-fA-F]+:[0-9a-fA-F]+:')]
ADDRESS_USER = Regex(r'(<address>(?::\d+)?(?: \([A-Z][A-Za-z]+\))?\]? )'
                     r'\((?!(?:WAN|LAN|Subnet|Loopback|Local|Relay)\))[^()\n]+\)')
# /home/zelda, C:\Users\Zelda Q, of a NAS /volume1/homes/zelda, of a hoster /home7/zelda, and all that quoted for a URL
SLASH = r'(?:[\\/]+|%2f|%5c)'
HOME_NAME = r'(?:(?!%2f|%5c)[^\\/\s\'":<>|])+'
BEHIND_SLASH = r'%s(?:(?<=[\\/]%s)|(?<=%%2f%s)|(?<=%%5c%s))'
HOME_FOLDERS = '|'.join(BEHIND_SLASH % (4 * (word,)) + more for word, more in (
    ('home', r's?\d*'), ('users', ''), ('media', SLASH + r'(?=sd)\w+')))
NO_HOME = r'(?!<|(?:features|services|subscriptions|account)\b)'         # https://plex.tv/api/v2/server/users/features
HOME = Regex(r'(?:%s|documents(?: |%%20)and(?: |%%20)settings)%s%s(%s(?: %s){0,2}(?=%s)|%s)' % (
    HOME_FOLDERS, SLASH, NO_HOME, HOME_NAME, HOME_NAME, SLASH, HOME_NAME))    # of a text in lower case, as SECRET_RULES
HOME_WORDS = ('home', 'users', 'sd', 'documents')      # one of them stands in all that HOME finds
LOCAL = ('127.', '0.0.0.0', '255.')


def redact(text, keep_paths=False):
    """The text without tokens, passwords, e-mail and network addresses, user names and (unless keep_paths) home
    folders.

    Idempotent. 127.0.0.1 stays, since it tells that the server itself was asked.
    """
    lower = text.lower()
    for number in sorted({number for root, rows in SECRET_ROOTS if root in lower for word, number in rows
                          if word in lower}):
        _, rule, put = SECRET_RULES[number]
        hidden = hide(rule, put, lower, text)
        if hidden is not text:
            text, lower = hidden, hidden.lower()
    if may_hold_address(text):                  # the rule is slow, and most lines of a traceback hold none
        lines = text.split('\n')
        text = '\n'.join(ADDRESS.sub(hide_address, line) if may_hold_address(line) else line for line in lines)
        if '<address>' in text:
            text = ADDRESS_USER.sub(r'\1(<user>)', text)
            lower = text.lower()
    return text if keep_paths or not any(word in lower for word in HOME_WORDS) else hide(HOME, '<user>', lower, text)


def may_hold_address(text):
    return ('::' in text or text.count('.') > 2 and ADDRESS_HINTS[0].search(text)
            or text.count(':') > 6 and ADDRESS_HINTS[1].search(text))


SOURCE_SECRET = Regex(r'(?i)((?:token|api_?key|secret|passw\w*|pwd)[\'"]?\]?\s*[:=]\s*u?[\'"])([^\'"]{6,})')


def redact_source(text, keep_paths=False):
    """A line of source without what its author may have written into it. Names stay: the line has to be found again
    in its file.
    """
    if not text or not re.search(r'[\'"@/\\]', text):
        return text
    text = EMAIL.sub('<email>', SOURCE_SECRET.sub(r'\1<secret>', text))
    return text if keep_paths else hide(HOME, '<user>', text.lower(), text)


def hide(rule, put, lower, text):
    """The text with what a rule finds in its lower case (group 1, or all) replaced."""
    if len(lower) != len(text):                 # a few letters of other scripts grow in lower case
        lower = ''.join(letter if len(letter.lower()) != 1 else letter.lower() for letter in text)
    pieces, at = [], 0
    for match in rule.finditer(lower):
        begin, end = match.span(1) if rule.groups else match.span()
        pieces += [text[at:begin], put]
        at = end
    return ''.join(pieces) + text[at:] if pieces else text


def hide_address(match):
    address = match.group()
    if '.' in address:
        address = address.rpartition(':')[2]
        if any(int(part) > 255 for part in address.split('.')):
            return match.group()                # a version such as 1.40.2.8395
    return match.group() if address.startswith(LOCAL) or address == '::1' or not address.strip(':') else '<address>'


# -------------------------------------------------------------------------------------------------------- message shape
# Messages of Python itself whose quoted words are code, not data: they stay, since they tell one fault from another.
CODE_MESSAGES = Regex(
    r"(?:'[\w.]+' object|\w+ instance|type object '\w+'|'module' object|\w+ object) has no attribute '\w+'"
    r"|(?:global )?name '\w+' is not defined|(?:local|free) variable '\w+' referenced before assignment"
    r"|'\w+' object (?:is not|does not|has no|isn't|can't)\b.*|unsupported operand type.*|No module named [\w.]+"
    r"|cannot import name \w+|\w+\(\) (?:takes|got|argument).*|(?:un)?bound method \w+.*|argument of type '\w+' is "
    r"not iterable"
    r"|cannot concatenate .*|can't (?:compare|multiply|set attribute).*|coercing to Unicode: .*|Operator '.*' is not "
    r"supported"
    r"|expected string or buffer|must be .*, not \w+")
HTTP_STATUS = Regex(r'HTTP Error \d+: .*')
TIME_DATA = Regex(r"time data .* does not match format (.*)")
NO_NUMBER = Regex(r'((?:could not convert string to float|invalid literal for float\(\)): )\S')      # and what it was
URL_SHAPE = Regex(r"\b([A-Za-z][A-Za-z0-9+.-]*)://[^\s'\"<>]*[^\s'\"<>,.;:)\]]")
QUOTED = Regex(r"(?<![A-Za-z0-9])[ub]?'(?:[^'\n]|'(?=[A-Za-z0-9]))*'(?![A-Za-z0-9])"
               r'|(?<![A-Za-z0-9])[ub]?"[^"\n]*"(?![A-Za-z0-9])')
LISTED = Regex(r'\[(?:[^\[\]]*(?:<q>|,)[^\[\]]*)?\]|\{[^{}]*(?:<q>|:)[^{}]*\}|\(\s*<q>\s*(?:,\s*<q>\s*)*,?\)')
PATH_SHAPE = Regex(r"(?<![\w.<])(?:/|[A-Za-z]:[\\/])(?:(?:[^/\\\n'\"<>|:]|'(?=\w))+[/\\])+"
                   r"(?:(?:[^/\\\n'\":<>|]|'(?=\w))*?\.[A-Za-z0-9]{2,4}(?![\w.]|-\w)|[^\s/\\'\":,()<>]*)")
HOST_SHAPE = Regex(r'(?i)\b(?!com\.|tv\.plex|org\.)(?:[a-z0-9-]+\.)+(?:com|org|net|tv|io|info|me|co|de|fr|uk|ru'
                   r'|jp|us|eu|xyz|example|'
                   r'local|app|dev|cc|nl|ch|cz|pl|es|it|se|no|be)\b(?!\()')
HEX_SHAPE = Regex(r'\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'
                  r'|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}'
                  r'|[A-F0-9]{16,})\b')
NUMBER_SHAPE = Regex(r'[-+]?[0-9]+(?:[.,:][0-9]+)*')
NAME_WORD = r"[A-Z][a-z'’.][^\s,;:()\[\]\"<>]*"
ODD_WORD = r'[^\s,;:()\[\]\"<>]*[^\x00-\x7f][^\s,;:()\[\]\"<>]*'
NAME_JOINTS = r'(?: of the | of | the | and | & | - |: |, | )'
ASCII_NAMES = Regex(r'(?<=[ (=])%s(?:%s%s)*' % (NAME_WORD, NAME_JOINTS, NAME_WORD))
ODD_NAMES = Regex(r'(?<=[ (=])(?:%s|%s)(?:%s(?:%s|%s))*' % (NAME_WORD, ODD_WORD, NAME_JOINTS, NAME_WORD, ODD_WORD))
NAME_BEFORE = Regex(r'(?:^|[ ([])(?:for|of|in|from|by|to|with|on|at|named|title|called|item) $|=$|= $')
NAME_JOINT = Regex(r' (?:of|the|and) ')
ACTION = Regex(r"[A-Za-z]+(?:ing|ion|ed|'s) ")          # "Loading of <name>": the programmer's own word
ONE_NAME = Regex(r'^(\w+ing|\w+ed) ' + NAME_WORD + r'(?= <q>|[,:;]|$)')
NAME_REST = Regex(r'<name>(?:(?: of the | of | the | and | & | - |: |, | )<name>| \(<name>\)| <q>| <n>(?!\w))+')
DIGIT, DOTTED, CAPITAL = Regex(r'[0-9]'), Regex(r'\w\.[A-Za-z]'), Regex(r"[ (=][A-Z][a-z'’.]")
SECRET_WORD = Regex(r'(?i)\b(token|key|user|username|password) (?=\S*[0-9A-Z._-])[^\s,;:()<>]{4,}')
TAGS = Regex(r'(?:\[[^\]\s]*#[^\]\s]*\] ?)+')
TAG_BYTES = Regex(to_bytes(TAGS.pattern))
BAD_TEXT = Regex('[\ufffd\x00-\x08\x0b-\x1f\x7f]+')
LONGEST_SHAPE = 300
LONGEST_MESSAGE = 1000                          # cut before its data is taken out, long data would move the cut


def name_shape(match):
    """A run of capitalised words is somebody's name or a title, unless it may as well be the programmer's own words."""
    run, text = match.group(), match.string
    before, after = text[max(0, match.start() - 10):match.start()], text[match.end():match.end() + 1]
    if is_odd(run) or NAME_BEFORE.search(before):
        return '<name>'
    alone = before.endswith((': ', '- ', '(')) and (not after or after in ',;:()')
    if ' ' in run:
        joint = NAME_JOINT.search(run)
        if joint and ' ' not in run[:joint.start()] and not (alone and not ACTION.match(run)):
            return run[:joint.end()] + '<name>'
        return '<name>'
    return '<name>' if alone else run


def is_odd(text):
    """Does it hold anything but ASCII?"""
    try:
        text.encode('ascii')
    except UnicodeError:
        return True
    return False


def message_shape(text, exception=None):
    """A message with its data taken out: what stays is what the programmer wrote.

    "No results for 'Dark' (1999) on api.example.com" -> 'No results for <q> (<n>) on <host>'. A pure function of the
    text, so that a pattern is the same in each run, whatever else stands in the logs. exception: the class, for a
    message of Python's.
    """
    text = text[:LONGEST_MESSAGE].strip()
    if exception:
        if CODE_MESSAGES.match(text) or HTTP_STATUS.match(text):
            return text[:120]
        times = TIME_DATA.match(text)
        if times:
            return 'time data <q> does not match format ' + times.group(1)
        number = NO_NUMBER.match(text)
        if number:
            return number.group(1) + '<name>'
        if exception == 'XMLSyntaxError':
            text = re.sub(r'(tag mismatch: )\S+( line \d+ and )\S+,', r'\1<q>\2<q>,', text)
    odd = is_odd(text)
    if '#' in text:
        text = TAGS.sub('', text)
    if odd and '\ufffd' in text:
        text = BAD_TEXT.sub('\ufffd', text)
    if '://' in text:
        text = URL_SHAPE.sub('<url>', text)
    if '%40' in text or '@' in text and ' @ ' not in text:
        text = EMAIL.sub('<email>', text)
    if "'" in text or '"' in text:
        text = QUOTED.sub('<q>', text)
    if '[' in text or '{' in text or '(<q>' in text:
        text = LISTED.sub('<list>', text)
    if '/' in text or '\\' in text:
        text = PATH_SHAPE.sub('<path>', text)
    if 'token' in text or 'key' in text or 'user' in text or 'password' in text:
        text = SECRET_WORD.sub(r'\1 <secret>', text)
    if '.' in text or ':' in text:
        if text.count('.') > 2 or text.count(':') > 2:
            text = ADDRESS.sub('<address>', text)
            text = re.sub(r'<address> \([^()]+\)', '<address> (<user>)', text)
        if DOTTED.search(text):
            text = HOST_SHAPE.sub('<host>', text)
    if DIGIT.search(text):
        text = NUMBER_SHAPE.sub('<n>', HEX_SHAPE.sub('<hex>', text))
    if odd or CAPITAL.search(text):
        text = (ODD_NAMES if odd else ASCII_NAMES).sub(name_shape, text)
        text = ONE_NAME.sub(r'\1 <name>', text)
        if '<name>' in text:
            text = NAME_REST.sub('<name>', text)
    return text[:LONGEST_SHAPE]


# ----------------------------------------------------------------------------------------------------------- tracebacks
# function None: a file named by a SyntaxError
Frame = collections.namedtuple('Frame', 'path line function text')
Traceback = collections.namedtuple('Traceback', 'frames exception message')
FRAME_LINE = Regex(r'\s*File ["“]?([^"”\n]+?|(?<=")[^\n]+?(?=", line \d))["”]?'     # a folder's name may hold a "
                   r', line (\d+)(?:, in ([^\s;]+))?(.*)$')
ESCAPED_TRACE = Regex(r'most recent call last\):\\n +File ')
CUT_FRAME = Regex(r'\s*File(?: ["“]|$)|\s+F(?:il?)?$')
FRAME_START = Regex(r'File ["“][^"”\n]+["”], line \d+')
EXCEPTION_LINE = Regex(r'\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: ?(.*)|\s*)$')
ERROR_NAME = Regex(r'(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Warning|Exit|Interrupt|StopIteration|Mismatch'
                   r'|Failed|Failure|Timeout|timeout|'
                   r'Banned|NotFound|Unavailable|Invalid|error|Fault)$')
INLINE_ERROR = Regex(r'(?:^|\s)((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Mismatch))(?:: (.*))?$')
OWN_FILE = Regex(r'Contents[/\\]+((?:Code|Libraries|Services|Resources)[/\\].*)$')
# Markdown takes the underscores of __init__ for bold type, and the backslash before them
DAMAGED_INIT = Regex(r'(Contents[/\\]+)Code[/\\]*[_*]*init[_*]*\.py$')
SCANNER_FILE = Regex(r'Scanners(?:\.bundle[/\\]+Contents[/\\]+Resources)?[/\\]+'
                     r'((?:Movies|Series|Music|Common|Photos)[/\\].*)$')
LIBRARY_ROOT = Regex(r'.*(?:Versions/2/(?:Python/|Models/)?|python2\.7/(?:site-packages/|dist-packages/)?'
                     r'|python27\.zip/'
                     r'|Platforms/[^/]+(?:/[^/]+)?/Libraries/|Contents/Libraries/[^/]+/)')


def own_file(path):
    """'Example.bundle/Contents/Code/__init__.py' of an absolute path, or None when it is no agent's own file."""
    path = DAMAGED_INIT.sub(r'\1Code/__init__.py', path)
    match = None if 'Scanners.bundle' in path else OWN_FILE.search(path)
    if match and path[match.start() - 1:match.start()] in ('/', '\\'):
        bundle = re.split(r'[/\\]', path[:match.start()].rstrip('/\\'))[-1]
        if bundle and not bundle.startswith('Framework.bundle'):
            return bundle + '/Contents/' + match.group(1).replace('\\', '/')
    match = SCANNER_FILE.search(path)
    return 'Scanners/' + match.group(1).replace('\\', '/') if match else None


def library_file(path):
    """'Framework/code/sandbox.py', 'urllib2.py': a file of the framework or of Python without where it is installed."""
    path = path.replace('\\', '/')
    match = LIBRARY_ROOT.match(path)
    if match:
        return path[match.end():]
    return '/'.join(path.split('/')[-2:]) if path.startswith('/') or ':' in path else path


def function_name(name):
    """'<lambda>' for '<lambda.8>' (the sandbox numbers them anew at each start); the rest as it is."""
    return re.sub(r'<(lambda|genexpr)\.\d+>', r'<\1>', name) if name else name


def parse_traceback(text):
    """Traceback of a record's text, or None where there is no frame.

    Takes what pastes do to it: lost indents, blank lines between, all on one line, a missing first line, a missing end
    (then exception is None). Python 2.7 only: no chained exceptions.
    """
    if 'File ' not in text:
        return None
    if ESCAPED_TRACE.search(text):              # repr(traceback.format_exc()), on one line
        text = re.sub(r'\\(.)', lambda found: '\n' if found.group(1) == 'n' else found.group(1), text).rstrip('\n \'"')
    if any(line.find('File ') > 0 and line[:line.find('File ')].strip(' \t>|`*') for line in text.split('\n')
           if FRAME_START.search(line)):
        text = re.sub(r'[ \t]*(File ["“][^"”\n]+["”], line \d+)', r'\n  \1', text)
    lines = text.split('\n')
    frames, index, last = [], 0, None
    places = [number for number, line in enumerate(lines) if FRAME_LINE.match(line)]
    if not places:
        return None
    end = places[0]
    # the frames stand in one block; what comes after the exception line may quote frames of something else
    for here, nxt in zip(places, places[1:] + [len(lines)]):
        if here != end:
            break
        match = FRAME_LINE.match(lines[here])
        between = [line for line in lines[here + 1:nxt] if line.strip() and line.strip().strip('^~')]
        path, line, function, rest = match.group(1), int(match.group(2)), match.group(3), match.group(4).strip()
        quoted, after = (None, between) if nxt == len(lines) or len(between) > 1 else (between[0] if between else None,
                                                                                       [])
        if after:
            quoted, after = split_end(after, rest)
        if rest and not rest.startswith('('):           # all on one line: 'in update return x IndexError: list ...'
            error = INLINE_ERROR.search(rest) if nxt == len(lines) else None
            if error:
                after = [rest[error.start():].strip()] + after
                rest = rest[:error.start()].strip()
            quoted = rest or quoted
        frames.append(Frame(path, line, function_name(function), quoted.strip() if quoted else None))
        last = after
        if after:
            break
        end = nxt
    exception = message = None
    if last and not CUT_FRAME.match(last[0]):               # where the end is missing, half a frame may be left
        match = EXCEPTION_LINE.match(last[0])
        if match:
            exception, message = match.group(1).split('.')[-1], (match.group(2) or '').rstrip()
            more = '\n'.join(last[1:])
            if more:
                message = (message + '\n' + more).strip()
        else:
            message = '\n'.join(last).strip()
    return Traceback(frames, exception, message)


def split_end(lines, rest):
    """(quoted source or None, [exception line, ...]) of the non-blank lines below a frame that is the last one of its
    block.
    """
    first = lines[0]
    error = EXCEPTION_LINE.match(first)
    named = error and ERROR_NAME.match(error.group(1))
    if named and error.group(2) and len(lines) > 1:         # no line of source reads so, however far it is indented
        return None, lines
    if first.startswith('    ') and len(lines) > 1:
        return first, lines[1:]
    if named and (not first[:1].isspace() or len(lines) == 1):
        return None, lines
    if len(lines) > 1:
        second = EXCEPTION_LINE.match(lines[1])
        if second and (ERROR_NAME.match(second.group(1)) or not error):
            return first, lines[1:]
    if error and not first[:1].isspace() and (error.group(2) or error.group(1).rpartition('.')[2][:1].isupper()):
        return None, lines
    return first, lines[1:]                     # also a word alone: half a line of source


def own_chain(frames):
    """[(file, function, [Frame], [callee Frame])] of the agent's own frames, outermost first, recursion collapsed."""
    chain = []
    for frame in frames:
        name = own_file(frame.path)
        if name is None:
            if chain:
                chain[-1][3].append(frame)
        elif chain and chain[-1][:2] == (name, frame.function) and not chain[-1][3]:
            chain[-1][2].append(frame)
        else:
            chain.append((name, frame.function, [frame], []))
    return chain


# ------------------------------------------------------------------------------------------------------ what was called
def decode_call(payload):
    """The text of a remote call between Plex and a plug-in (bytes), b'' where it cannot be read.

    Base64 with / + = as @ * _, quoted for a URL (PLEX.md 4).
    """
    if payload.find(b'%') >= 0:
        payload = to_bytes(unquote(to_text(payload)))
    try:
        return binascii.a2b_base64(payload.translate(CALL_ALPHABET))
    except (ValueError, binascii.Error):
        return b''


def call_value(data, key):
    """The value of a key (as in CALL_KEYS) in a call's text, as text, or None.

    The framework's own format ("cerealizer") writes per dict the value first, then the key: s2 / en s4 / lang. Reading
    the few values that matter backwards from their keys takes a tenth of the time of reading it all.
    """
    place = data.find(key)
    if place < 0:
        return None
    begin = data.rfind(b'\n', 0, place) + 1
    value = data[begin:place]
    length = b'%d\n' % len(value)
    if data.startswith((b's' + length, b'u' + length), begin - len(length) - 1):
        return to_text(value)
    number = CALL_NUMBER.search(data, max(0, place - 24), place)
    return to_text(number.group(1)) if number else None


CALL_ALPHABET = bytes(bytearray({64: 47, 42: 43, 95: 61}.get(number, number) for number in range(256)))
CALL_NUMBER = Regex(br'i(\d+)\n$')
CALL_KEYS = dict((name, b's%d\n%s' % (len(name), to_bytes(name))) for name in ('guid', 'dbid', 'id', 'name', 'show',
                                                                              'album'))


CALL = b'/messaging/function/'                   # then name/arguments/keywords
SYSTEM_CALL = Regex(br'/system/agents/(update|search)\?(\S+)')
GUID_LINE = Regex(r"instance '([^']+://[^']+)'|with guid '([^']+://[^']+)'|update for "
                  r"(\S+://\S+)|[?&]guid=([^&\s]+)")
KEY_LINE = Regex(r'for dbid (\d+)|metadata on item (\d+)|/library/metadata/(\d+)|metadata item (\d+)|thumbnails '
                 r'for .* \((\d+)\)|\[id=(\d+)\]|for item ID (\d+)')
KEYWORD_ID = Regex(r"'id': u?'(\d+)'")
KEYWORD_GUID = Regex(r"'guid': u?'([^']+://[^']+)'")


GUID_QUOTE = b"called with guid '"


class Call(object):
    """One request that a thread handles: a search or an update of one item. data: of what is searched for, its text."""
    __slots__ = ('kind', 'guid', 'rating_key', 'data')

    def __init__(self, kind, guid=None, rating_key=None, data=b''):
        self.kind, self.guid, self.rating_key, self.data = kind, guid, rating_key, data

    @property
    def title(self):
        titles = (call_value(self.data, CALL_KEYS[name]) for name in ('name', 'show', 'album'))
        return next((text for text in titles if text), None)


def read_call(line):
    """Call of a 'Handling request' line (bytes), or None when it is about no item."""
    parts = line.partition(CALL)[2].split(b'/')
    if len(parts) > 2:
        kind = {SEARCH_NAME: 'search', UPDATE_NAME: 'update'}.get(parts[0])
        if not kind:
            return None
        data = decode_call(parts[2].split(None, 1)[0] if parts[2].strip() else b'')
        guid = call_value(data, CALL_KEYS['guid'])
        if kind == 'update':
            return Call(kind, guid, number_text(call_value(data, CALL_KEYS['dbid'])))
        return Call(kind, guid, number_text(call_value(data, CALL_KEYS['id'])), data)
    match = SYSTEM_CALL.search(line)
    if match:
        values = dict(pair.split('=', 1) for pair in to_text(match.group(2)).split('&') if '=' in pair)
        return Call(to_text(match.group(1)), unquote(values.get('guid')), number_text(values.get('id')))
    return None


def number_text(value):
    text = six.text_type(value) if value is not None else ''
    return text if text.isdigit() else None


def unquote(text):
    """Percent-decoding without urllib, whose import costs 30 ms."""
    if not text or '%' not in text:
        return text
    data = re.sub(br'%([0-9a-fA-F]{2})', lambda match: binascii.unhexlify(match.group(1)), to_bytes(text))
    return to_text(data)


# ------------------------------------------------------------------------------------------------------- where logs lie
def find_plex_home(option=None):
    """The "Plex Media Server" folder: the option, PLEX_HOME, what the server's own environment says, known places.

    Problem (names --plex-home) where there is none.
    """
    environment = text_environment()
    for name in environment:
        if re.search('PLEX_?TOKEN', name):
            learn_secret(environment[name])
    given = option or environment.get('PLEX_HOME')
    if given and not os.path.isdir(given):
        raise Problem('there is no folder %s; name the "Plex Media Server" folder with --plex-home' % given)
    for folder in [given] if given else plex_home_places(environment):
        if os.path.isdir(folder):
            learn_secrets_of(folder)
            return folder
    raise Problem('no Plex Media Server was found here; name its folder (the one with Logs and Plug-ins) with '
                  '--plex-home')


def text_environment():
    """The environment as text, which on 2.7 is bytes."""
    return dict((to_text(name), to_text(value)) for name, value in os.environ.items())


def plex_home_places(environment):
    """Folders that may be the data root, most likely first (PLEX.md 1.1)."""
    name = 'Plex Media Server'
    places = [os.path.join(environment[key], name) for key in
              ('PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR', 'PLEXLOCALAPPDATA', 'LOCALAPPDATA') if environment.get(key)]
    if environment.get('HOME'):
        places.append(os.path.join(environment['HOME'], 'Library', 'Application Support', name))
    support = '/Library/Application Support/' + name
    places += [root + support for root in ('/var/lib/plexmediaserver', '/config', '/volume1/Plex', '/home/plex',
                                           '/var/snap/plexmediaserver/common')]
    return places + [os.path.join(root, name) for root in (
        '/volume1/PlexMediaServer/AppData', '/volume1/Plex/Library', '/usr/local/plexdata',
        '/usr/local/plexdata-plexpass', '/var/db/plexdata', '/mnt/HD/HD_a2/plex_conf',
        '/apps/plexmediaserver/MediaLibrary', '/storage/emulated/0/Android/data/com.plexapp.mediaserver.smb')]


def find_log_folder(plex_home):
    """The folder with "Plex Media Server.log" and "PMS Plugin Logs": inside the data root, on macOS elsewhere."""
    places = [os.path.join(plex_home, 'Logs')]
    named = text_environment().get('PLEX_MEDIA_SERVER_LOG_DIR')
    if named:
        places.insert(0, named)
    head, name = os.path.split(os.path.abspath(plex_home))
    if os.path.basename(head) == 'Application Support':
        places.append(os.path.join(os.path.dirname(head), 'Logs', name))
    for folder in places:
        if os.path.isdir(folder):
            return folder
    raise Problem('there is no log folder at %s; name the Plex folder that has one with --plex-home'
                  % ' or '.join(places))


# An agent's identifier in a file name: free text from Info.plist, but always dotted
LOG_NAME = Regex(r'(?i)^(?P<base>.+?)(?:\.(?P<before>\d{1,2}))?\.(?:log|txt)(?:\.(?P<after>\d{1,2}))?(?:\.(?:txt'
                 r'|log))?$')
IDENTIFIER = Regex(r'(?<![A-Za-z0-9])(?:com|tv|org|net|io|me|info|dev|app|biz|edu|gg|sh|moe|xyz|uk|us|au|ca|eu|de'
                   r'|at|ch|nl|be|fr|it|es|pt|br|se|no|dk|fi|pl|cz|hu|ru|ua|jp|cn|kr|in)\.[A-Za-z0-9_-]+'
                   r'(?:\.[A-Za-z0-9_-]+)+')
SERVER_LOG = Regex(r'(?i)Plex (?:Media|Tuner|DLNA|Crash|Update|Relay|Transcod|New Transcod|Commercial|EAE)')
LEFT_OUT = Regex(r'(?i)Statistics\.log|\.(?:xml|json|jsonl|db|jpe?g|png|gif|plist|exe|dll|so|dmp|html?|pyc?|csv|tar'
                 r'|gz|tgz|bz2|7z|rar|mkv|mp4|mp3)$')


class LogFile(object):
    """One file of a log, where it lies and how to read it: plain, gzip'd, inside a zip, or bytes at hand.

    packed: the size that a zip tells of its member.
    """

    def __init__(self, path, name, member=None, data=None, packed=None):
        self.path, self.name, self.member, self.data, self.packed = path, name, member, data, packed

    def open(self):
        """A binary file object. Errors: IOError, OSError."""
        if self.data is not None:
            return io.BytesIO(self.data)
        if self.member:
            source = ZipReader(self.path, self.member)
            return GzipReader(source) if self.name.endswith('.gz') else source
        if self.name.endswith('.gz'):
            return GzipReader(io.open(self.path, 'rb'))
        return io.open(self.path, 'rb', buffering=0)

    @property
    def plain(self):
        """True where the file can be read from any place on."""
        return self.member is None and self.data is None and not self.name.endswith('.gz')

    def size(self):
        """Bytes of the text; of a .gz what its last four bytes say (of its last part, modulo 4 GB), of one that is cut
        off its own. 0 where nothing tells. Errors: IOError, OSError.
        """
        if self.data is not None or self.member:
            return len(self.data) if self.data is not None else self.packed or 0
        size = os.path.getsize(self.path)
        if self.plain or size < 18:             # a whole gzip file has a head of 10 bytes and a tail of 8
            return size
        with io.open(self.path, 'rb') as source:
            source.seek(-4, os.SEEK_END)
            told = struct.unpack('<I', source.read(4))[0]
        return told if size < told < 1032 * size else size      # deflate packs no better than that


class ZipReader(object):
    """read(size) of a member of a zip. Whatever is wrong with it is an IOError: it is what people send."""

    def __init__(self, path, member):
        import zipfile
        try:
            with zipfile.ZipFile(path) as archive:
                self.source = archive.open(member)
        except Exception as problem:            # zipfile, zlib and lzma have their own classes of errors
            raise_clean(IOError(errno.EIO, to_text(problem) or type(problem).__name__))

    def read(self, size):
        try:
            return self.source.read(size)
        except Exception as problem:
            raise_clean(IOError(errno.EIO, to_text(problem) or type(problem).__name__))

    def close(self):
        self.source.close()


CUT_OFF = 'the gzip data are cut off; what they still held was read'


class GzipReader(object):
    """read(size) of gzip'd data through zlib: twice as fast as the gzip module on 2.7, and keeps what a cut or damaged
    file still holds; then damage says what is wrong.
    """

    def __init__(self, source):
        self.source, self.machine, self.rest, self.ended = source, zlib.decompressobj(31), b'', False
        self.given, self.damage = False, None

    def read(self, size):
        out, length = [], 0
        while length < size and not self.ended:
            data = self.rest or self.source.read(1 << 16)
            self.rest = b''
            if not data:
                self.ended, self.damage = True, None if self.is_whole() else CUT_OFF
                break
            sound = self.machine.copy()
            try:
                piece = self.machine.decompress(data, size - length)
                self.rest = self.machine.unconsumed_tail
            except zlib.error as problem:
                out += self.before_the_damage(sound, data)
                self.ended = True
                if not self.given and not any(out):
                    raise_clean(IOError(errno.EIO, 'damaged gzip data: %s' % problem))
                self.damage = 'damaged gzip data (%s); what it still held was read' % problem
                break
            out.append(piece)
            self.given = True
            length += len(piece)
            if self.machine.unused_data:                    # gzip files may be several members in a row
                self.rest, self.machine = self.machine.unused_data, zlib.decompressobj(31)
        return b''.join(out)

    def is_whole(self):
        """Whether the data ended where the last member did: behind that, anything more is left over."""
        try:
            self.machine.decompress(b'\0')
        except zlib.error:                      # a member that has not begun
            return True
        return bool(self.machine.unused_data)

    def before_the_damage(self, machine, data):
        """[piece] of what a byte by byte reading gives: zlib keeps back all of a call that meets an error."""
        try:
            for at in range(len(data)):
                yield machine.decompress(data[at:at + 1])
        except zlib.error:
            pass

    def close(self):
        self.source.close()


class Ahead(object):
    """read(size) of another reader whose work is done ahead in a thread: unpacking and searching take turns on two
    cores.
    """

    def __init__(self, source):
        import threading
        from six.moves import queue
        self.source, self.pieces, self.rest, self.stopped = source, queue.Queue(8), b'', False
        # Unpacking needs the interpreter only between two pieces, and must not wait long for it then; 2.7 is quicker
        # when it is offered less often.
        self.turns = sys.getcheckinterval() if six.PY2 else sys.getswitchinterval()
        self.take_turns(1000 if six.PY2 else 0.0001)
        self.thread = threading.Thread(target=self.work)
        self.thread.daemon = True
        self.thread.start()

    def take_turns(self, interval):
        (sys.setcheckinterval if six.PY2 else sys.setswitchinterval)(interval)

    def work(self):
        try:
            while not self.stopped:
                piece = self.source.read(CHUNK)
                self.pieces.put(piece)
                if not piece:
                    return
        except Exception as problem:            # it is raised again where the data are wanted
            self.pieces.put(problem)

    def read(self, size):
        if not self.rest and self.pieces is not None:
            piece = self.pieces.get()
            if isinstance(piece, Exception):
                self.pieces = None
                raise piece
            if not piece:
                self.pieces = None
            self.rest = piece
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece

    def close(self):
        self.stopped = True
        while self.pieces is not None and self.thread.is_alive():
            try:
                self.pieces.get(True, 0.01)     # it may wait for room
            except Exception:
                continue
        self.take_turns(self.turns)
        self.source.close()


class Stream(object):
    """One log with its rotated files, oldest first."""

    def __init__(self, base, agent, grammar, files):
        self.base, self.agent, self.grammar, self.files = base, agent, grammar, files


def find_streams(paths, keep=None):
    """(streams, unread) of folders, files, zips; '-' is standard input. unread: [{'file', 'why'}].

    What is named twice, also by a link, is read once.
    """
    found, unread, seen = {}, [], set()
    for path in paths:
        path = walkable(path)
        if to_text(path) == '-':
            source = getattr(sys.stdin, 'buffer', sys.stdin)
            add_file(found, '', '(standard input)', LogFile('-', '(standard input)', data=source.read()), True)
        elif os.path.isdir(path):
            for folder, names, files in os.walk(path, onerror=lambda problem: unread.append(
                    {'file': to_text(problem.filename or ''), 'why': to_text(problem.strerror or problem)})):
                names.sort()
                for name in sorted(files, key=lambda name: (os.path.islink(os.path.join(folder, name)), name)):
                    add_path(found, unread, seen, os.path.join(folder, name), path, False)
        elif os.path.exists(path):
            add_path(found, unread, seen, path, os.path.dirname(path), True)
        else:
            raise Problem('there is no %s; name a folder, a log file, a zip or - with --logs' % to_text(path))
    streams = []
    for (folder, base), files in sorted(found.items()):
        files.sort(key=lambda row: -row[0])
        streams.append(Stream(base, agent_of(folder, base), None, [row[1] for row in files]))
    return streams, unread


def add_path(found, unread, seen, path, root, named):
    """Sort a file into its log, or the files of a zip. seen: (device, number) of the files so far."""
    name = to_text(os.path.relpath(path, root) if root else path)
    lower, data = name.lower(), None
    try:
        status = os.stat(path)
        if status.st_ino and (status.st_dev, status.st_ino) in seen:        # Windows may know no numbers
            return
        seen.add((status.st_dev, status.st_ino))
        if stat.S_ISFIFO(status.st_mode) and named:     # <(zcat ...): it can be read but once
            with io.open(path, 'rb') as source:
                data = source.read()
        elif not (named or stat.S_ISREG(status.st_mode)):
            unread.append({'file': name, 'why': 'no file that can be read'})        # to open a pipe may take for ever
            return
    except (IOError, OSError):
        pass                                    # it is tried, and named, when it is read
    if lower.endswith('.zip'):
        import zipfile
        try:
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():
                    member = to_text(info.filename)
                    if not member.endswith('/'):
                        add_file(found, os.path.dirname(member), os.path.basename(member),
                                 LogFile(path, member, info.filename, packed=info.file_size), False, unread)
        except (zipfile.BadZipfile, IOError, OSError, RuntimeError) as problem:
            unread.append({'file': name, 'why': 'not a readable zip: %s' % to_text(problem)})
        return
    add_file(found, to_text(os.path.dirname(path)), os.path.basename(name), LogFile(path, name, data=data), named,
             unread)


def add_file(found, folder, name, log, named, unread=None):
    """Sort one file into its log: by name and rotation number, or into unread with the reason."""
    bare = name[:-3] if name.lower().endswith('.gz') else name
    match = LOG_NAME.match(bare)
    if not named and (LEFT_OUT.search(bare) or bare.startswith('.')):
        if unread is not None and not bare.startswith('.'):
            unread.append({'file': log.name, 'why': 'not a log of lines'})
        return
    base, number = bare, 0
    if match:
        base, number = match.group('base'), int(match.group('before') or match.group('after') or 0)
        if match.group('before') and not SERVER_LOG.match(base):
            base, number = base + '.' + match.group('before'), int(match.group('after') or 0)
    found.setdefault((folder, base), []).append((number, log))


def agent_of(folder, base):
    """The identifier in a log's name or, for agents' own logs, in the path; None for the server's."""
    if os.path.basename(folder) == 'PMS Plugin Logs' and re.match(r'[\w-]+(?:\.[\w-]+)+$', base):
        return base
    match = IDENTIFIER.search(base)
    if match:
        return re.sub(r'\.(?:log|txt)(?![A-Za-z]).*$', '', match.group())
    match = re.search(r'Plug-in Support[/\\]Data[/\\]([^/\\]+)[/\\]', folder)
    return match.group(1) if match else None


SNIFFED, SEEN_AT_ONCE = 1 << 16, 1 << 14     # bytes looked at of what may be a paste, and of what is too long for one
LONGEST_PASTE = 1 << 20
BROKEN_FRAME = Regex(br'\n[\s>]*File "[^"\n]*\n')          # a paste wrapped at the width of somebody's terminal


def sniff(head):
    """The grammar of a log's first bytes: TEXT unless (nearly) all that looks like a header is a whole one of one
    grammar.

    Nearly, since agents quote other logs in their messages.
    """
    lines = head.split(b'\n', 60)[:60]
    if BROKEN_FRAME.search(head) or b'File &quot;' in head or b'\n```' in head or head.startswith(
            (b'```', b'File "')) or b'File "' in head and any(
            line.count(b'File "') > 1 and line.count(b'", line ') > 1 for line in lines) or b'$' in head and any(
            line.rstrip().endswith(b'$') and HEADER[PLUG_IN].match(line) for line in lines):
        return TEXT
    counts = {PLUG_IN: 0, SERVER: 0, TEXT: 0}
    for line in lines:
        if HEADER[PLUG_IN].match(line):
            counts[PLUG_IN] += 1
        elif HEADER[SERVER].match(line):
            counts[SERVER] += 1
        elif not (line[:1].isspace() and counts[PLUG_IN] + counts[SERVER]) and (
                LOOSE_HEADER.match(line[:300]) or LOOSE_SERVER.match(line[:300]) or OWN_LOG.match(line[:300])
                or TAGS_BEFORE_HEADER.search(line[:300])):
            counts[TEXT] += 1
    grammar = PLUG_IN if counts[PLUG_IN] >= counts[SERVER] else SERVER
    return grammar if counts[grammar] > 10 * (sum(counts.values()) - counts[grammar]) else TEXT


# -------------------------------------------------------------------------------------------------- pastes and own logs
# What people paste: quoted or indented, one of two spaces lost, time or thread cut off, the web console's titles
LEAD = br'[\s>|`*-]*'
LOOSE_HEADER = Regex(
    LEAD + br'(?:\d+[:\t ] *)?'
    br'(?:(?P<stamp>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:[,.](?P<ms>\d{1,6}))?Z?\s*(?:-\s+(?P<name>[\w.-]+)\s*)?'
    br'|\d\d:\d\d:\d\d[,.]\d{3}\s*)?(?:-\s*)?(?:\((?P<thread>-?[0-9a-fA-F]+)\)\s*:?\s*)?'
    br'(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\s*\((?P<place>[^()\n]*:\d+)\)\s*-?\s?')
LOOSE_SERVER = Regex(
    LEAD + br'(?:(?P<stamp>[A-Z][a-z]{2} \d{1,2}, \d{4} \d\d:\d\d:\d\d)(?:[.,:](?P<ms>\d{3}))?\s*)?'
    br'\[(?:0x)?(?P<thread>[0-9a-fA-F]+)\]\s*(?P<level>[A-Za-z]+)\s*(?:-|\xe2\x80\x94|\xe2\x80\x93)\s')
# agents' own loggers: '2017-03-02 15:06:21,700 - 1f3c - message', '... (1098/model / 229) DEBUG    message', and
# what people set logging to: '... [Name] ERROR - message', '... - name - ERROR - message', '... ERROR message'
OWN_LOG = Regex(br'[ \t]*(?P<stamp>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:[,.](?P<ms>\d{3})\d*)?Z? '
                br'(?:- (?P<thread>[0-9a-f]+) - |\([^)\n]*\) (?P<level>[A-Z]+)\s+|(?:[^(\n]{0,60}?[\[ |:-])?'
                br'(?P<named>DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)(?![\w(])\]?[ |:-]*)')
LEVEL_NAMES = {
    b'fatal': b'CRITICAL',
    b'error': b'ERROR', b'fehler': b'ERROR', b'erreur': b'ERROR', b'fout': b'ERROR', b'errore': b'ERROR',
    b'critical': b'CRITICAL', b'warn': b'WARNING', b'warning': b'WARNING', b'warnung': b'WARNING',
    b'info': b'INFO', b'debug': b'DEBUG', b'verbose': b'DEBUG'}
LOOSE_FRAME = Regex(br'[\s>|`*]*(?:\d+[:\t] *)?(File (?:"|\xe2\x80\x9c)?[^"\n]+?(?:"|\xe2\x80\x9d)?, line \d+)')
# how a traceback begins; with the framework's words before it where the record has lost its header
LOOSE_TRACE = Regex(br'[\s>|`*]*.{0,60}?Traceback \(most recent call last\)|.*\(most recent call last\):?$')
ANSWER_TAG = Regex(br'\s*</?(?:Traceback>|Response\b[^<>]*>)\s*$')     # around it, in the answer to a player
INLINE_TRACE = Regex(br'File "[^"]*", line \d+, in .*\b\w+(?:Error|Exception|Mismatch): ')
EXCEPTION_BYTES = Regex(
    br'(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Warning|Exit|Interrupt|Mismatch|timeout|error)(?::|$)')
BARE_EXCEPTION = Regex(LEAD + br'(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Mismatch): \S')
# the last three stand on the output of the server's process, or are what people copy out of its log
OWN_ERROR = Regex(LEAD + br'(?:(?:ERROR|Error|CRITICAL|Exception)\b\s*[:(-].*\w|Error (?:starting framework core for'
                         br'|loading bundle code)|Unable to find metadata agent provider for identifier \''
                         br'|Request for plug-in \[[^\]]+\] but it doesn\'t exist)|.{0,120}\bException: \'')
# what stands before each line: quoting, a table, a list, line numbers, a container's name
LINE_PREFIXES = [Regex(rule) for rule in (
    br'(?:> ?)+', br'\| ?', br'[*-] ', br'\s*\d{1,6}(?:[:.|)]\s?|\t)(?!\d)', br'[\w.-]+ +\| ?')]
# what may stand before some lines only: the journal's stamp, an editor's list of finds, grep's name of the file
ANY_PREFIX = Regex(br'\s*(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ [\w./-]+\[\d+\]: ?'
                   br'|\s*Line \d+: ?|#\d+(?:\t| ?\| ?)'
                   br'|(?:[A-Za-z]:)?(?:[\w .()-]*[/\\])*(?P<file>[\w .()-]+)\.log(?:\.\d)?[:-]'
                   br'(?:\d+:(?!\d\d:)|\d+-(?!\d\d-\d\d))?')
# a line of a paste that says which log comes next
HEADLINE = Regex(br'(?:.{0,200}?\W)?(?P<file>[\w-]+(?:[. ][\w-]+)+)\.log(?:\.\d)?[`*_"\')]*(?: file)?[ :.]*$')
# the beginning of a record in the middle of a line, where a mail has broken the lines anew
INNER_HEADER = Regex(br'(?<=\S)[ \t]+(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:- \S+ +)?\(-?[0-9a-fA-F]+\) ?: +'
                     br'[A-Z]+ \(|[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d:\d\d(?:[.:]\d{3})? \[(?:0x)?[0-9a-fA-F]+\] '
                     br'[A-Z]+ - )')
# quotes and tags that a forum has made of what was pasted
DRESSED = Regex(br'(?i)File \xe2\x80\x9c|(?:named|guid|instance) \xe2\x80[\x98\x99]|<(?:br|pre|code|p|div)\b')
TAG = Regex(br'(?i)</?(?:pre|code|p|div|span|blockquote|li|td|tr)\b[^<>\n]*>')
TAGS_BEFORE_HEADER = Regex(br'(?i)(?:</?(?:br|pre|code|p|div)\b[^<>\n]*>)+(?=%s|%s)' % (STAMP[PLUG_IN].pattern,
                                                                                    STAMP[SERVER].pattern))
END_OF_PASTE = b'\x00end'                        # what comes then is the user's, also where no line ends
NAME_COLUMN = Regex(br'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ([\w-]+(?:\.[\w-]+)+) +\(')
NO_TIME = b'2000-00-00 00:00:00,000'
MOST_OF = 0.8                                   # of the lines


def tidy_text(data):
    """(plug-in log bytes, line numbers) of a paste or of an agent's own log: each record with a whole header.

    Line numbers: for each line of the result, which line of data it came from (from 1). Records that have no header of
    their own (a bare traceback, "ERROR: ...") get one, with no time and level ERROR. Records of the server's log get
    the place (PMS:0).
    """
    for damaged, whole in ((b'\r\n', b'\n'), (b'\r', b'\n'), (b'\xc2\xa0', b' ')):
        data = data.replace(damaged, whole)
    if DRESSED.search(data):
        data = TAGS_BEFORE_HEADER.sub(b' ', re.sub(br'(?i)<br ?/?>\n?', b'\n', data))
        data = TAG.sub(b'', data.replace(b'</pre>', END_OF_PASTE))
        for damaged, whole in ((b'\xe2\x80\x98', b"'"), (b'\xe2\x80\x99', b"'"), (b'\xe2\x80\x9c', b'"'),
                               (b'\xe2\x80\x9d', b'"')):
            data = data.replace(damaged, whole)
    for damaged, whole in ((b'&quot;', b'"'), (b'&#34;', b'"'), (b'&#39;', b"'"), (b'&#x27;', b"'"), (b'&nbsp;', b' '),
                           (b'&gt;', b'>'), (b'&lt;', b'<'), (b'&amp;', b'&')):
        data = data.replace(damaged, whole)
    if data.count(b'\n') < 3 and len(data) > 500:           # all on one line
        data = re.sub(br'(?<=\S)[ \t]+(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} )', b'\n', data)
        data = INNER_HEADER.sub(b'\n', data)
    some = [line for line in data[:1 << 16].split(b'\n') if line.strip()]
    prefix = LINE_PREFIXES[0] if data.count(b'\n> ') > 2 else None
    for rule in LINE_PREFIXES:
        if sum(bool(rule.match(line)) for line in some) > MOST_OF * len(some):
            prefix = rule
            break
    cut = sum(line.rstrip().endswith(b'$') for line in some) > MOST_OF * len(some)      # less -S
    tidier = Tidier()
    for number, line in unwrapped(data.split(b'\n')):
        before = prefix.match(line) if prefix else None
        if before:
            line = line[before.end():]
        if cut:
            line = line.rstrip().rstrip(b'$')
        for place, piece in enumerate(line.split(END_OF_PASTE)):
            if place:
                tidier.inside = False
            if not place or piece.strip():
                tidier.read(number + 1, piece)
    if tidier.lines and not HEADER[PLUG_IN].match(tidier.lines[0]):
        tidier.lines.insert(0, NO_TIME + b' (0) :  INFO (paste:0) - ')
        tidier.numbers.insert(0, 1)
    return b'\n'.join(tidier.lines), tidier.numbers


class Tidier(object):
    """Gives each record of a paste the header of a plug-in's log; lines and numbers hold the result."""

    def __init__(self):
        self.lines, self.numbers, self.stamp, self.thread = [], [], NO_TIME, b'0'
        self.name = b''                         # the log that comes next, as a headline or grep has said
        # of the record being read: is it one, how many frames has it, was its exception seen, or is it mere words?
        self.inside, self.frames, self.ended, self.words = False, 0, False, False
        self.before, self.doubled = b'', False      # the line before, and whether a blank line follows each

    def read(self, number, line):
        before = ANY_PREFIX.match(line[:400])
        if before:
            line = line[before.end():]
            if before.group('file'):
                self.turn_to(before.group('file'))
        last = line.rstrip()
        closed = last.endswith(b'`') and last.strip(b' >`') and (
            last.count(b'`') % 2 or last.lstrip(b' >').startswith(b'`'))
        if closed:
            line = last.rstrip(b'`')
        short = line[:2000]
        if self.header(number, line, short) or self.server_header(number, line, short) or \
                self.own_header(number, line, short):
            pass
        elif INNER_HEADER.search(line):
            for part in INNER_HEADER.split(line):
                self.read(number, part)
        else:
            self.rest(number, line, short)
        if closed:
            self.inside = False
        self.before = line

    def turn_to(self, file):
        name = agent_of('', to_text(file).strip())
        self.name = b' - ' + to_bytes(name) if name else b''

    def put(self, number, line):
        self.lines.append(line)
        self.numbers.append(number)

    def begin(self, number, level, place, message, name=b''):
        self.put(number, self.stamp + name + b' (' + self.thread + b') :  ' + level + b' (' + place + b') - ' + message)
        self.inside, self.frames, self.words, self.doubled = True, 0, False, False
        self.ended = bool(INLINE_TRACE.search(message[:2000]))

    def header(self, number, line, short):
        match = LOOSE_HEADER.match(short)
        if match:
            if match.group('stamp'):
                milliseconds = (match.group('ms') or b'')[:3].ljust(3, b'0')
                self.stamp = match.group('stamp').replace(b'T', b' ') + b',' + milliseconds
            self.thread = match.group('thread') or b'0'
            self.begin(number, match.group('level'), match.group('place'), line[match.end():],
                       b' - ' + match.group('name') if match.group('name') else self.name)
        return match

    def server_header(self, number, line, short):
        match = LOOSE_SERVER.match(short)
        level = LEVEL_NAMES.get(match.group('level').lower()) if match else None
        if level:
            local = server_seconds(match.group('stamp') or b'')
            self.stamp, self.thread = NO_TIME, match.group('thread')
            if local is not None:
                stamp = time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(local))
                self.stamp = to_bytes(stamp) + b',' + (match.group('ms') or b'000')
            self.begin(number, level, b'PMS:0', line[match.end():])
        return level

    def own_header(self, number, line, short):
        match = OWN_LOG.match(short)
        if match:
            message = line[match.end():]
            level = LEVEL_NAMES.get((match.group('level') or match.group('named') or b'').lower(),
                                    b'ERROR' if own_error(message) else b'INFO')
            self.stamp = match.group('stamp').replace(b'T', b' ') + b',' + (match.group('ms') or b'000')
            self.thread = match.group('thread') or b'0'
            self.begin(number, level, b'own:0', message)
        return match

    def rest(self, number, line, short):
        """A line without a header: it goes on, or it is a traceback or an error of its own."""
        frame, bare = LOOSE_FRAME.match(short), line.strip()
        if ANSWER_TAG.match(short):
            self.inside = False
        elif LOOSE_TRACE.match(short) and (not self.inside or self.ended or self.frames):
            self.begin(number, b'ERROR', b'paste:0', line.lstrip(b'> \t|`*'))
        elif frame:
            if not self.inside or self.ended:
                self.begin(number, b'ERROR', b'paste:0', b'(most recent call last):')
            self.put(number, b'  ' + line[frame.start(1):])
            self.frames, self.ended = self.frames + 1, False
        elif not self.inside and own_error(bare):
            self.begin(number, b'ERROR', b'own:0', bare.lstrip(b'> \t|`*-'), self.name)
            self.inside = False
        else:
            if bare.startswith(b'```') or self.ended and not bare:
                self.inside = False             # the end of a fence, or the blank line after a traceback
            if self.frames and EXCEPTION_BYTES.match(bare):
                self.ended = True
            elif self.frames and not self.before.strip() and not self.doubled and bare and not line[:1].isspace():
                self.inside = False             # a traceback without its end, a blank line, and words
            elif not bare and LOOSE_FRAME.match(self.before[:2000]):
                self.doubled = True
            if not self.inside and bare:
                headline = HEADLINE.match(short)
                if headline:
                    self.turn_to(headline.group('file'))
                if not self.words:              # what the user says is no part of the record before
                    self.begin(number, b'INFO', b'words:0', line)
                    self.inside, self.words = False, True
                    return
            self.put(number, b' ' + line if STAMP[PLUG_IN].match(line) else line)


def unwrapped(lines):
    """[(number from 0, line)]: lines that a terminal of fixed width broke put together again."""
    width = max(len(line) for line in lines)
    full = sum(len(line) == width for line in lines)
    if not 60 <= width <= 260 or full < 3 or not BROKEN_FRAME.search(b'\n'.join(lines)):
        return list(enumerate(lines))
    out, open_line = [], False
    for number, line in enumerate(lines):
        if open_line and not LOOSE_HEADER.match(line) and not LOOSE_FRAME.match(line):
            out[-1] = (out[-1][0], out[-1][1] + line)
        else:
            out.append((number, line))
        open_line = len(line) == width
    return out


def own_error(line):
    """Is this message, of a log without levels, one of an error?"""
    return bool(OWN_ERROR.match(line[:400]) or BARE_EXCEPTION.match(line[:400]))


# --------------------------------------------------------------------------------------------------------------- time
def plug_in_seconds(stamp):
    """Seconds of '2026-02-03 21:14:07' (bytes) as if it were UTC, or None."""
    try:
        return epoch_seconds(*(int(stamp[low:high]) for low, high in ISO_PARTS))
    except ValueError:
        return None


def server_seconds(stamp):
    """Seconds of 'Feb 03, 2026 21:14:07' (bytes) as if it were UTC, or None."""
    try:
        day, rest = stamp[4:].split(b',', 1)
        rest = rest.strip()
        return epoch_seconds(int(rest[:4]), MONTHS.get(stamp[:3], 0), int(day), *(
            int(rest[low:high]) for low, high in ((5, 7), (8, 10), (11, 13))))
    except ValueError:
        return None


SECONDS = {PLUG_IN: plug_in_seconds, SERVER: server_seconds}
DAYS = {}


def local_seconds(stamp, grammar):
    """Seconds of a record's stamp (bytes) as if it were UTC, or None; its day is computed once."""
    day = DAYS.get(stamp[:-8])
    if day is None:
        if len(DAYS) > 500:
            DAYS.clear()
        day = SECONDS[grammar](stamp[:-8] + b'00:00:00')
        if day is None:
            return None
        DAYS[stamp[:-8]] = day
    hour, minute = int(stamp[-8:-6]), int(stamp[-5:-3])
    return day + 3600 * hour + 60 * minute + int(stamp[-2:]) if hour < 24 and minute < 60 else None


BANNER = Regex(br'Plex Media (?:Server|Scanner) v([\w.-]+) - (.*?) - (?:build: (.*?) - )?GMT ([+-]?\d\d:?\d\d)')


class Zone(object):
    """Local times of the logs to UTC: by the offset in the server's banner, else by this machine's zone."""

    def __init__(self, offset=None):
        self.offset, self.minutes = offset, {}

    def seconds(self, local):
        """Epoch seconds of local seconds (as if UTC)."""
        if local is None:
            return None
        if self.offset is not None:
            return local - self.offset
        minute = local // 60
        if minute not in self.minutes:
            if len(self.minutes) > 5000:
                self.minutes.clear()
            moment = time.gmtime(minute * 60)
            try:
                self.minutes[minute] = int(time.mktime(moment[:8] + (-1,)))
            except (OverflowError, ValueError):
                self.minutes[minute] = minute * 60
        return self.minutes[minute] + local % 60

    def local(self, seconds):
        """Local seconds (as if UTC) of epoch seconds."""
        if self.offset is not None:
            return seconds + self.offset
        try:
            return epoch_seconds(*time.localtime(seconds)[:6])
        except (OverflowError, ValueError, OSError):    # a damaged year that this system's calendar does not reach
            return seconds

    def words(self):
        if self.offset is None:
            return 'zone of this machine'
        hours, seconds = divmod(abs(self.offset), 3600)
        return 'UTC%s%02d:%02d' % ('-' if self.offset < 0 else '+', hours, seconds // 60)


def find_zone(streams):
    """(Zone, PMS version or None, platform or None) from the newest banner of a server log."""
    for stream in streams:
        if stream.grammar != SERVER or not SERVER_LOG.match(stream.base):
            continue
        for log in reversed(stream.files):
            try:
                source = log.open()
                head = source.read(1 << 16)
                source.close()
            except (IOError, OSError):
                continue
            for match in reversed(list(BANNER.finditer(head))):
                version, platform, _, offset = match.groups()
                digits = offset.lstrip(b'+-').replace(b':', b'')
                seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
                return Zone(-seconds if offset.startswith(b'-') else seconds), to_text(version), to_text(platform)
    return Zone(), None, None


# -------------------------------------------------------------------------------------------------- meaning of a record
FINGERPRINT = 'p1-'                             # the version of everything below that goes into a fingerprint


class Meaning(object):
    """What a record says without what is only true this time: shared by all events of a pattern."""
    __slots__ = ('pattern', 'agent', 'bundle', 'exception', 'message', 'shape', 'wrapper', 'kind', 'level', 'noise',
                 'chain', 'last')

    def __init__(self, agent, level, wrapper, kind, shape, exception=None, message=None, chain=(), last=(), noise=None,
                 bundle=None):
        self.agent, self.level, self.wrapper, self.kind, self.shape = agent, level, wrapper, kind, shape
        self.exception, self.message, self.chain, self.last, self.noise = exception, message, chain, last, noise
        self.bundle = bundle
        words = [agent or 'server', kind, exception or '', shape]
        words += ['%s:%s' % (file[file.find('/') + 1:] if '/' in file else file, function or '') for file,
                  function in chain]
        if not chain:
            words += [wrapper or ''] + list(last)
        self.pattern = FINGERPRINT + hashlib.sha1('\n'.join(words).encode('utf-8', 'replace')).hexdigest()[:12]


class Event(object):
    """One error record of a log."""
    __slots__ = ('log', 'offset', 'line', 'time', 'thread', 'level', 'meaning', 'call', 'guid', 'rating_key', 'start',
                 'record', 'block',
                 'span', 'head', 'says', 'possible')

    @property
    def text(self):
        """The first line of the message."""
        return to_text(self.head)


Block = collections.namedtuple('Block', 'frames chain key last bundle')


def wrapper_of(head):
    """(wrapper words, kind) of the first line of a record with a traceback."""
    for text, kind in WRAPPERS:
        if head.startswith(text):
            named = re.match(r"Exception (?:when calling function|in thread named) '([^']*)'", head)
            if named and kind == 'call':
                return "%s '%s'" % (text, named.group(1)), kind
            return text, kind
    if re.match(r'Exception(?: \(most recent|$)', head):
        return 'Exception', 'route'
    return '', 'log'


NO_WORDS = Regex(r'\s*(?:Traceback )?\(most recent call last\):?\s*$')


def wrapper_of_frames(frames, cut):
    """The same from the outermost frames, for a traceback whose first line is missing. cut: it has no words at all, so
    the framework's frame may be missing too.
    """
    for frame in frames[:2]:
        row = FRAMEWORK_ENTRIES.get((frame.path.replace('\\', '/').rpartition('/')[2], frame.function))
        if row:
            return row
    outermost = frames[0]
    if cut and outermost.function in ('search', 'update') and '/Contents/Code/' in (own_file(outermost.path) or ''):
        return FRAMEWORK_ENTRIES['agentkit.py', '_' + outermost.function]
    return '', 'log'


def read_block(frames):
    """Block of parsed frames: the own-code chain, its key, the innermost foreign frames, and the bundle."""
    chain = own_chain(frames)
    last = ['%s:%s' % (library_file(frame.path), frame.function) for frame in frames[-2:]]
    bundles = [file.partition('/Contents/')[0] for file, _, _, _ in chain if '/Contents/' in file]
    return Block(frames, chain, tuple((file, function) for file, function, _, _ in chain), last,
                 bundles[-1] if bundles else None)


BLOCK = Regex(br'(?:  [^\n]*\n)+')
WHOLE_FRAME = Regex(r'(?m)^  File "([^"”\n]+)", line (\d+), in (\S+)\n(?:    (?! *File )([^\n]*\n))?')
FIRST_FRAME = b'\n  File "'
LONGEST_RECORD = 1 << 16
NO_DIGITS = bytes(bytearray(48 if 48 <= number < 58 else number for number in range(256)))


LONG_HEX = Regex(br'\b0x[0a-f]{6,}\b|\b[0a-f]{8}(?:-[0a-f]{4}){3}-[0a-f]{12}\b')
PLAIN_URL = Regex(br'\bhttps?://[\w/.=?&+-]*[\w/=-]')
PLAIN_QUOTED = Regex(br"(?<![A-Za-z0-9])'[\w/][\w ./()-]*'(?![A-Za-z0-9])")
PATH_BYTES = Regex(to_bytes(PATH_SHAPE.pattern))
BEFORE_PATHS = b'\'"[{<@'               # what message_shape() takes out before it comes to paths
ASCII = bytes(bytearray(range(128)))


def line_key(raw):
    """The bytes of a one-line message with such data made alike as message_shape() takes out whatever they are.

    Equal keys mean equal shapes and agents: a line that names an agent or a bundle keeps every byte, and quotes give
    way only where they cannot pair otherwise. Asked by find(), here and wherever each record comes by: `in` of bytes
    takes four times as long on Python 3, which first tries the word as a number.
    """
    if raw.find(b'#') >= 0:
        raw = TAG_BYTES.sub(b'', raw)
    find = raw.find
    if find(b'%') >= 0 or find(b'.agents.') >= 0 or find(b'com.plexapp.') >= 0 or find(b'.bundle') >= 0:
        return raw
    key = raw.translate(NO_DIGITS)
    if len(raw) > LONGEST_SHAPE or raw.startswith(b'Exception') or raw.translate(None, ASCII):
        return key
    if key.find(b'0x') >= 0 or key.count(b'-') > 3:
        key = LONG_HEX.sub(b'0x000000', key)
    if key.find(b'://') >= 0:
        key = PLAIN_URL.sub(b'http://0', key)
    if key.count(b"'") == 2 and key.find(b'"') < 0:
        key = PLAIN_QUOTED.sub(b"'0'", key)
    elif key.find(b'/') >= 0 and key.find(b'://') < 0 and len(key.translate(None, BEFORE_PATHS)) == len(key):
        key = PATH_BYTES.sub(b'/0/0.avi', key)
    return key


SHAPES = {}


class Reader(object):
    """Turns the records of one log into events. Keeps what repeats: most records say what an earlier one said."""

    def __init__(self, agent, grammar, identifiers=()):
        self.agent, self.grammar, self.identifiers = agent, grammar, identifiers
        self.fallback = None                    # the one agent that a paste is about
        self.blocks, self.meanings, self.lines, self.noises = {}, {}, {}, {}
        self.learnt = {agent: (self.meanings, self.lines)}

    def noise(self, index, server):
        """Meaning of a record that the noise table knows, by the number of its group in ANY_NOISE."""
        rule = NOISE_RULES[SERVER if server else PLUG_IN][index - 1]
        agent = None if server else self.agent or self.fallback
        if (rule, agent) not in self.noises:
            self.noises[rule, agent] = Meaning(agent, 'WARN' if server else 'ERROR', '', 'server' if server else 'log',
                                               rule.text, message=rule.what, noise=rule)
        return self.noises[rule, agent]

    def turn_to(self, agent):
        """Read records of another agent from now on, where several stand in one log."""
        if agent != self.agent:
            self.agent = agent
            self.meanings, self.lines = self.learnt.setdefault(agent, ({}, {}))

    def read(self, data, message, end_of_line, end, level, server):
        """(Meaning, Block or None, first line as bytes, what the exception says or None) of the record with its
        message at data[message:end].
        """
        if end - end_of_line < 3:
            # the same line but for its digits has the same shape, and is told without being decoded
            raw = data[message:min(end_of_line, message + 1200)].rstrip(b'\r')
            key = line_key(raw)
            meaning = self.lines.get(key)
            if meaning is not None:
                return meaning, None, raw, None
            if raw.find(b'File "') < 0:
                meaning = self.line(to_text(raw), level, server)
                if self.agent is not None or server:
                    if len(self.lines) > 20000:
                        self.lines.clear()
                    self.lines[key] = meaning
                return meaning, None, raw, None
        head = to_text(data[message:min(end_of_line, message + 2000)]).rstrip('\r')
        if end - end_of_line > 2:
            first = data.find(FIRST_FRAME, message - 1, end)
            match = BLOCK.match(data, first + 1, end) if first >= 0 else None
            if match:
                stop = data.find(b'\n', match.end(), end)
                error = data[match.end():stop if stop >= 0 else end]
                block = self.block(match.group()) if EXCEPTION_START.match(error) else None
                if block:
                    return self.traceback(head, block, to_text(error[:2000]).strip(), level, server)
        if end - end_of_line > 2 or 'File "' in head:
            parsed = parse_traceback(to_text(data[message:min(end, message + LONGEST_RECORD)]).replace('\r', ''))
            if parsed:
                error = '%s: %s' % (parsed.exception, parsed.message) if parsed.exception else parsed.message or ''
                return self.traceback(head.partition('File "')[0], read_block(parsed.frames), error, level, server)
        return self.line(head, level, server), None, to_bytes(head), None

    def block(self, raw):
        """Block of the bytes of whole frames, None when they are not; a fault writes the same ones each time."""
        if raw not in self.blocks:
            if len(self.blocks) > 2000:
                self.blocks.clear()
            text = to_text(raw.replace(b'\r', b''))
            frames = [Frame(path, int(line), function_name(function), quoted.strip() or None)
                      for path, line, function, quoted in WHOLE_FRAME.findall(text)]
            if WHOLE_FRAME.sub('', text):
                parsed = parse_traceback(text + 'Error')
                frames = parsed.frames if parsed else None
            self.blocks[raw] = read_block(frames) if frames else None
        return self.blocks[raw]

    def traceback(self, head, block, error, level, server):
        line, _, more = error.partition('\n')
        match = EXCEPTION_LINE.match(line)
        exception, says = (match.group(1).rpartition('.')[2], (match.group(2) or '').strip()) if match else (None, line)
        if more:
            says += '\n' + more
        key = (head[:40] if block.key else head, block.key or tuple(block.last), exception, says)
        meaning = self.meanings.get(key)
        if meaning is None:
            wrapper, kind = wrapper_of(head)
            if kind == 'log':
                wrapper, kind = wrapper_of_frames(block.frames, NO_WORDS.match(head))
            shape = self.shape(says.split('\n')[0], exception)
            if kind == 'log' and not block.key:
                shape = message_shape(re.sub(r'\s*(?:Traceback )?\(most recent call last\):?', '', head)) + ' ' + shape
            if kind == 'log' and (server or 'Scanners' in block.key[0][0] if block.key else server):
                kind = 'scanner' if 'Python' in head or any('Scanners' in row[0] for row in block.key) else 'server'
            agent = self.agent
            if server or self.agent is None:
                agent = None if server else self.only_system()
                agent = agent or agent_named(head, block.bundle, () if server else self.identifiers) or \
                    scanner_named(block) or (None if server else self.fallback)
            known = (agent, wrapper, kind, shape, exception, block.key or tuple(block.last))
            meaning = self.meanings.get(known)
            if meaning is None:
                meaning = Meaning(agent, level, wrapper, kind, shape, exception, says, block.key, block.last, None,
                                  block.bundle)
                self.keep(known, meaning)
            self.keep(key, meaning)
        return meaning, block, to_bytes(head), says

    def line(self, head, level, server):
        agent = self.agent
        if server or agent is None:
            agent = None if server else self.only_system()
            agent = agent or agent_named(head, None, ()) or (None if server else self.fallback)
        key = (message_shape(head), agent)
        meaning = self.meanings.get(key)
        if meaning is None:
            wrapper, kind = ('', 'server') if server else wrapper_of(head)
            bare = None if server else BARE_ERROR.match(head)
            meaning = Meaning(agent, level, wrapper, kind, key[0], bare.group(1) if bare else None, head[bare.end():]
                              if bare else head)
            self.keep(key, meaning)
        return meaning

    def only_system(self):
        """The System plug-in where a paste is of its log: it names many agents."""
        return SYSTEM if self.fallback == SYSTEM else None

    def shape(self, text, exception):
        """message_shape() of an exception's text, which often is the same in another record."""
        if (text, exception) not in SHAPES:
            if len(SHAPES) > 5000:
                SHAPES.clear()
            SHAPES[text, exception] = message_shape(text, exception)
        return SHAPES[text, exception]

    def keep(self, key, meaning):
        if len(self.meanings) > 20000:
            self.meanings.clear()
        self.meanings[key] = meaning


BARE_ERROR = Regex(r'(?:\w+\.)*([A-Z]\w*(?:Error|Exception|Mismatch)): (?=\S)')
EXCEPTION_START = Regex(br'[A-Za-z_][\w.]*(?::|\s*$)')
QUOTED_AGENT = Regex(r"(?:^|[\[' (])((?:com\.plexapp\.(?:agents|plugins)|tv\.plex\.agents"
                     r"|org\.musicbrainz\.agents)\.[\w.-]*\w)(?=[\]' )]|\.(?!\w)|://|$)")
PLUG_IN_FOLDER = Regex(r'Plug-ins(?:-[0-9a-f]+)?[/\\]((?!Framework\.)[^/\\]+\.bundle)')
BUILT_IN = Regex(r'com\.plexapp\.agents\.(?:imdb|themoviedb|thetvdb|thetvdbdvdorder|localmedia|none|lastfm'
                 r'|plexthememusic|htbackdrops|'
                 r'opensubtitles|movieposterdb|fanarttv|musicbrainz|plexmusic)$|tv\.plex\.|org\.musicbrainz')


def agent_named(head, bundle, identifiers):
    """The identifier of the agent that a record without a telling file name is about, else its bundle's name, else
    None.

    identifiers: those that the whole paste names, most often named first.
    """
    if head.startswith('No module in '):        # the server could not load a scanner
        return head[13:].strip() or None
    quoted = QUOTED_AGENT.search(head)
    guid = re.search(r"guid'?:? u?'([\w.-]+)://", head)
    given = ([quoted.group(1)] if quoted else []) + ([guid.group(1)] if guid else []) + list(identifiers)
    primary = re.search(r"'primary_agent': u?'([\w.-]+)'", head)        # whom a contributing agent searches for
    if primary:
        given = [name for name in given if name != primary.group(1)]
    if bundle == 'System.bundle':
        return SYSTEM
    if not bundle and not given:
        named = PLUG_IN_FOLDER.search(head)
        bundle = named.group(1) if named else None
    if not bundle:
        return given[0] if given and not (guid and BUILT_IN.match(given[0])) else None
    name = re.sub(r'[^a-z0-9]', '', re.sub(r'\.bundle.*', '', bundle.lower()))
    for identifier in given:
        last = identifier.lower().rsplit('.', 1)[-1]
        words = [word for word in re.split(r'[^a-z0-9]+', last) if len(word) > 3]
        plain = re.sub(r'[^a-z0-9]', '', last)
        if plain and (plain in name or name in plain) or any(word in name for word in words):
            return identifier
    for identifier in given:
        if not BUILT_IN.match(identifier) and identifier != SYSTEM:
            return identifier
    return bundle


def scanner_named(block):
    """'Absolute Series Scanner' for a traceback with a scanner's own frames."""
    for file, _ in block.key:
        if file.startswith('Scanners/') and file.count('/') == 2:
            return re.sub(r'\.pyc?$', '', file.rsplit('/', 1)[1])
    return None


# ------------------------------------------------------------------------------------------------------------- scanning
CHUNK = 1 << 18
LARGEST = 1 << 23                               # a record longer than this is cut


def call_words(agent):
    """(how a message begins that hands a call to a plug-in, how a search goes on, how an update goes on), as bytes."""
    begins = HANDLING[3:]                       # ' - ' in front would be slow to find: see NEEDLES
    if agent == SYSTEM:
        return begins + b'GET /system/agents/', b'search?', b'update?'
    if agent is None:                           # a paste: its calls tell items, but they are not counted
        return begins, b'\n', b'\n'
    return begins + to_bytes('GET /:/plugins/%s/messaging/function/' % agent), SEARCH_NAME, UPDATE_NAME


def find_all(data, end):
    """A function from a word to its places in data[:end], ascending."""
    def places(word):
        found, place = [], data.find(word, 0, end)
        while place >= 0:
            found.append(place)
            place = data.find(word, place + 1, end)
        return found
    return places


def finders():
    """find_all, and the same by memmem(3) and strstr(3) of the C library where there is one.

    bytes.find, memmem before glibc 2.29 and strstr without AVX-512 are two to four times as slow as the quickest.
    """
    try:
        import ctypes
        library = ctypes.PyDLL(None)            # a call is too short to let other threads run
        memmem, strstr, strlen = library.memmem, library.strstr, library.strlen
    except (ImportError, AttributeError, OSError, TypeError, ValueError, MemoryError):      # other systems or libraries
        return [find_all]
    memmem.restype = strstr.restype = ctypes.c_void_p
    memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    strstr.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    strlen.argtypes, strlen.restype = [ctypes.c_void_p], ctypes.c_size_t

    def address(data):
        return ctypes.c_void_p.from_buffer(ctypes.c_char_p(data)).value

    def by_memmem(data, end):
        begin = address(data)

        def places(word):
            found, length = [], len(word)
            stop = begin + max(0, min(end, len(data)))      # data stays in memory for as long as places does
            place = memmem(begin, stop - begin, word, length)
            while place:
                found.append(place - begin)
                place = memmem(place + 1, stop - place - 1, word, length)
            return found
        return places

    def by_strstr(data, end):
        begin = address(data)
        if strlen(begin) != len(data):          # a zero byte would end the search
            return by_memmem(data, end)

        def places(word):
            found, place, last = [], strstr(begin, word), begin + min(end, len(data)) - len(word)
            while place and place <= last:
                found.append(place - begin)
                place = strstr(place + 1, word)
            return found
        return places
    return [find_all, by_memmem, by_strstr]


CHOSEN = []


def choose_finder():
    """The finder that is quickest on this machine: looking for a few words takes a quarter of the time of a
    long log with it, half without.
    """
    def seconds(finder):
        began = time.time()
        finder(sample, len(sample))(b"'NoneType'")
        return time.time() - began
    if not CHOSEN:
        sample = b"2026-01-02 03:04:05,678 (7f0) :  DEBUG (agent:9) - said: it's in order\n" * 500
        CHOSEN.append(min(finders(), key=lambda finder: min(seconds(finder) for _ in range(5))))
    return CHOSEN[0]


class Scan(object):
    """Reads one log and its rotated files, oldest first, and hands each error event to sink(event).

    since, until: local seconds (as if UTC) or None. lines: also count lines. link_noise: look up the item of noise too.
    count(meaning, first, last, number): takes noise that is only to be counted; first and last are epoch seconds of one
    day. sink gets the first one of each kind. tick(bytes read so far) is called after each piece. naming: what goes in
    front of an item's guid and rating key in this log, None when nobody asks for them.
    """

    def __init__(self, stream, zone, sink, since=None, until=None, lines=False, link_noise=False, count=None,
                 notes=None, tick=None, naming=None):
        self.stream, self.zone, self.sink, self.since, self.until = stream, zone, sink, since, until
        self.lines, self.link_noise, self.count, self.tick = lines, link_noise, count, tick
        self.naming, self.named, self.told = naming, {}, 0
        self.notes = notes if notes is not None else []
        self.grammar = stream.grammar
        self.reader = Reader(stream.agent, self.grammar)
        self.searches = self.updates = self.bytes = 0
        self.starts, self.levels, self.first, self.last = [], set(), None, None
        self.met_noise, self.quiet, self.count_at = set(), {}, LARGEST
        self.finder = choose_finder()
        self.earlier, self.requests, self.memo, self.floor, self.calls, self.start = [], [], {}, 0, {}, None
        self.looks = {}                         # pattern -> [how often the item of a thread was looked for, in vain]
        self.call_words = call_words(stream.agent)

    # ---- files
    def run(self, position=None):
        """Read everything, or what came after position. Returns the new position."""
        todo = resume(self.stream, position, self.notes) if position else [(log, 0) for log in self.stream.files]
        rest = None
        for log, offset in todo:
            try:
                if self.stream.agent is None and self.grammar == PLUG_IN and self.reader.fallback is None:
                    self.name_agent(next(chunks(log), b''))
                rest = self.file(log, offset, rest, log is not todo[-1][0])
            except (IOError, OSError) as problem:
                self.notes.append({'file': log.name, 'why': to_text(problem.strerror or problem)})
        if rest:
            self.block(rest[0], len(rest[0]), rest[1], rest[2], rest[3])
        self.count_noise()

    def file(self, log, offset, rest, more):
        """Read one file. rest: the last record of the file before it, which may go on here. Returns the same for the
        next.
        """
        source = unpacked = log.open()
        outside = b'', log, 0, 0                # what goes on in the next file began outside of the window
        try:
            self.line_count = 0
            if self.grammar == TEXT:
                source.read(offset)
                return self.text(log, source)
            stop = None
            if log.plain:
                size = os.fstat(source.fileno()).st_size
                if self.lines and offset:
                    self.line_count = count_lines(source, offset)
                if self.since is not None or self.until is not None:
                    offset, stop = self.window(source, offset, size)
                    if offset >= stop:
                        if rest:
                            source.seek(0)
                            self.join(source.read(CHUNK), rest, log)
                        return outside
                    stop = stop if stop < size else None
                    if self.lines and offset:
                        self.line_count = count_lines(source, offset)
                rest = self.plain(log, source, offset, stop, rest, more)
                return rest if stop is None else outside
            source = Ahead(source)
            return self.packed(log, source, offset, rest, more)
        finally:
            source.close()
            if getattr(unpacked, 'damage', None):
                self.notes.append({'file': log.name, 'why': unpacked.damage})

    def name_agent(self, data):
        """Learn from the text of a log whose name tells no agent which ones it is about."""
        identifiers = identifiers_in(data)
        fallback = only_agent(data, identifiers)
        if identifiers or fallback or not self.reader.identifiers:      # else what a piece before this one named
            self.reader.identifiers, self.reader.fallback = identifiers, fallback

    def plain(self, log, source, offset, stop, rest, more):
        """Chunks of a file that can be sought in: a record at the end of a chunk is read again with the next."""
        size, first = CHUNK, True
        if offset:
            self.look_before(source, offset)
        while True:
            source.seek(offset)
            data = source.read(size if stop is None else max(0, min(size, stop - offset)))
            at_end = len(data) < size
            if first:
                data_rest, first = self.join(data, rest, log), False
                if data_rest:                       # the file begins inside a record
                    offset += data_rest
                    continue
            if not data:
                return None
            if at_end and (stop is None or offset + len(data) < stop or not more):
                end = len(data)
                if more and stop is None:
                    end = self.last_record(data, len(data))
                    self.block(data, end, log, offset, self.line_count)
                    return data[end:], log, offset + end, self.line_count
                self.block(data, end, log, offset, self.line_count)
                return None
            end = self.last_record(data, len(data)) if not at_end else len(data)
            if end == 0:
                if size < LARGEST and not at_end:
                    size *= 2
                    continue
                end = len(data)
            self.block(data, end, log, offset, self.line_count)
            offset += end
            size = CHUNK
            if at_end:
                return None

    def look_before(self, source, offset):
        """Keep what stands right before a place that reading begins at: requests that began there go on behind it."""
        source.seek(max(0, offset - CHUNK))
        data = source.read(min(CHUNK, offset))
        start, places = data.rfind(START_MARK), self.finder(data, len(data))(HANDLING)
        self.earlier = [Piece(data, len(data), [place for place in places if place > start])]

    def packed(self, log, source, offset, rest, more):
        """Chunks of a file that can only be read on."""
        data, base, first = b'', 0, True
        while True:
            piece = source.read(CHUNK)
            data = data + piece if data else piece
            if base < offset:                           # --resume in the middle of a packed file
                skip = min(len(data), offset - base)
                self.line_count += data.count(b'\n', 0, skip)
                data, base = data[skip:], base + skip
                if piece and not data:
                    continue
            if first and data:
                skip, first = self.join(data, rest, log), False
                data, base = data[skip:], base + skip
            if not piece:
                end = self.last_record(data, len(data)) if more else len(data)
                self.block(data, end, log, base, self.line_count, True)
                return (data[end:], log, base + end, self.line_count) if more and end < len(data) else None
            end = self.last_record(data, len(data))
            if end == 0:
                if len(data) < LARGEST:
                    continue
                end = len(data)
            self.block(data, end, log, base, self.line_count, True)
            data, base = data[end:], base + end

    def text(self, log, source):
        """A paste or an agent's own log, brought into the plug-in grammar line by line."""
        raw, before = source.read(LONGEST_PASTE), 0
        while raw:
            more = source.read(LONGEST_PASTE)
            cut = last_loose_record(raw) if more else len(raw)
            part, raw = raw[:cut], raw[cut:] + more
            data, numbers = tidy_text(part)
            if self.stream.agent is None:
                self.name_agent(part)
            self.grammar = PLUG_IN
            self.numbers = [before + number for number in numbers]
            self.block(data, len(data), log, 0, 0, True)
            self.numbers = None
            self.grammar = TEXT
            before += part.count(b'\n')
        return None

    numbers = None

    def join(self, data, rest, log):
        """Length of the head of a file that belongs to the last record of the file before it; that record is read."""
        stamp, before = STAMP[self.grammar], self.line_count
        skip = 0
        if not stamp.match(data):
            mark = data.find(b'\n')
            while mark >= 0 and not stamp.match(data, mark + 1):
                mark = data.find(b'\n', mark + 1)
            skip = mark + 1 if mark >= 0 else 0
        if rest:
            whole = rest[0] + data[:skip]
            self.block(whole, len(whole), rest[1], rest[2], rest[3])
        elif skip and self.grammar == PLUG_IN and b'  File "' in data[:skip]:
            # the record's own beginning has been rotated away: what is left still tells the fault
            whole = NO_TIME + b' (0) :  CRITICAL (cut:0) - (most recent call last):\n' + data[:skip]
            self.block(whole, len(whole), log, 0, before)
        if self.lines:
            self.line_count = before + data.count(b'\n', 0, skip)
        return skip

    def last_record(self, data, end):
        """Where the last record of data begins, 0 when nowhere."""
        stamp = STAMP[self.grammar]
        mark = data.rfind(b'\n', 0, end)
        while mark >= 0:
            if stamp.match(data, mark + 1):
                return mark + 1
            mark = data.rfind(b'\n', 0, mark)
        return 0

    # ---- time
    def epoch(self, stamp):
        """Epoch seconds of a record's stamp, or None."""
        return self.zone.seconds(local_seconds(stamp, self.grammar))

    def window(self, source, low, high):
        """(first, last) offset of what lies between since and until, by bisection.

        The local clock may have been set back by an hour in between: then the bounds give way by as much.
        """
        def bound(moment, low, high):
            while high - low > 4096:
                middle = (low + high) // 2
                seconds, place = time_at(source, middle, high, self.grammar)
                if seconds is None or seconds >= moment:
                    high = middle
                else:
                    low = place
            return low

        def safe(moment, low, high, late):
            near = bound(moment, low, high)
            far = bound(moment + (3600 if late else -3600), low, high)
            first, last = min(near, far), max(near, far)
            step, seen = max(1, (last - first) // 48), None
            for place in range(first, last, step):
                seconds, _ = time_at(source, place, high, self.grammar)
                if seconds is not None:
                    if seen is not None and seconds < seen - 60:
                        return far
                    seen = max(seen or seconds, seconds)
            return near
        begins, _ = time_at(source, low, high, self.grammar)
        if begins is not None and self.until is not None and begins >= self.until + 3600:
            return low, low                         # most rotated files lie outside: told by one look at each end
        ends = last_time(source, low, high, self.grammar)
        if ends is not None and self.since is not None and ends < self.since - 3600:
            return low, low
        first = low
        if self.since is not None and (begins is None or begins < self.since + 3600):
            first = safe(self.since, low, high, False)
        if self.until is None or ends is not None and ends < self.until - 3600:
            return first, high
        return first, time_at(source, min(high, safe(self.until, first, high, True) + 8192), high, self.grammar)[1]

    # ---- records
    def block(self, data, end, log, offset, line, count=False):
        """Find the error records in data[:end], which begins and ends with a record."""
        find, rfind, starts_with, server = data.find, data.rfind, data.startswith, self.grammar == SERVER
        places = self.finder(data, end)
        hits, starts = [], ()
        if not server:
            self.requests = self.note_calls(data, places)
            self.piece = Piece(data, end, self.requests)
            starts = self.starts_at(data, places(START_MARK))
        if offset == 0:
            self.note_levels(data, end)
        if self.naming:
            self.note_names(data, places(self.naming))
        self.bytes += end
        if self.tick:
            self.tick(self.bytes)
        for words, rare, shift in NEEDLES[self.grammar]:
            hits += [place - rare + shift for place in places(words[rare:]) if starts_with(words, place - rare)]
        if not server:                          # the level, or how a message begins
            hits += [place + 1 for place in places(b' ERROR') if data[place - 1:place] in (b' ', b'-')]
        hits.sort()
        header_at, next_record = HEADER_AND_NOISE[self.grammar].match, NEXT_RECORD[self.grammar].search
        groups = HEADER[self.grammar].groups
        several = not server and self.stream.agent is None     # each record says which plug-in's it is
        bounded = self.since is not None or self.until is not None or self.count is None or several or self.numbers
        quiet, met_noise = self.quiet, self.met_noise
        done = counted = 0
        self.memo, self.floor = {}, 0
        count = count or self.lines
        for place in hits:
            if place < done:
                continue
            begin = rfind(b'\n', 0, place) + 1
            header = header_at(data, begin)
            if header is None or header.start(4) != place:                      # the level's word somewhere else
                begin, header = self.soft(data, place, begin, header, done)
                if header is None:
                    continue
            message, stamp, noise = header.end(), header.group(1), header.lastindex - groups
            if noise > 0:
                if noise in met_noise and not bounded:
                    key = (noise, stamp[:-9])                   # a day
                    if key in quiet:
                        quiet[key].append(stamp)
                    else:
                        quiet[key] = [stamp]
                    done = message
                    continue
                message = header.start(header.lastindex)
            local = local_seconds(stamp, self.grammar)
            if bounded and local is not None and (self.since is not None and local < self.since or
                                                  self.until is not None and local >= self.until):
                continue
            seconds = self.zone.seconds(local)
            from_server = server or header.group(5) == b'PMS'
            if from_server and not server:                                      # a record of the server's in a paste
                message = header.end(6) + len(b') - ')
                told = ANY_NOISE[SERVER].match(data, message)
                noise = told.lastindex if told else 0
            elif several:
                name = NAME_COLUMN.match(data, begin)
                name = to_text(name.group(1)) if name else SYSTEM if SYSTEM_VOICE.match(header.group(5)) else ''
                self.reader.turn_to(name if IDENTIFIER.match(name) else None)
            if noise > 0:
                met_noise.add(noise)
                noise = self.reader.noise(noise, from_server)
            else:
                noise = None
            end_of_line = find(b'\n', message, end)
            if end_of_line < 0:
                end_of_line = end
            following = next_record(data, end_of_line, end)
            done = following = following.end() if following else end
            while starts and starts[0][0] < begin:
                self.started(*starts.pop(0))
            event = Event()
            event.log, event.offset, event.start = log, offset + begin, self.start
            event.thread, event.level = header.group(3), LEVELS[header.group(4)]
            milliseconds = header.group(2)
            event.time = seconds + int(milliseconds) / 1000.0 if milliseconds and seconds is not None else seconds
            event.line = event.block = event.says = event.call = event.span = event.guid = event.rating_key = None
            event.record = (data, begin, following)
            if count:
                line += data.count(b'\n', counted, begin)
                counted = begin
                event.line = self.numbers[line] if self.numbers else line + 1
            if noise is None:
                event.meaning, event.block, event.head, event.says = self.reader.read(
                    data, message, end_of_line, following, event.level, from_server)
            else:
                event.meaning, event.head = noise, to_bytes(noise.message)
            if noise is None or self.link_noise:
                self.link(event, from_server)
            self.sink(event)
        if len(quiet) > 1000 or self.bytes > self.count_at:
            self.count_noise()
        for place, moment in starts:
            self.started(place, moment)
        if count:
            self.line_count = line + data.count(b'\n', counted, end)
        if not server:
            self.earlier = [self.piece] + self.earlier[:EARLIER - 1]
            self.piece.requests = self.requests

    def count_noise(self):
        """Hand over the noise that was only counted."""
        for (index, _), stamps in self.quiet.items():
            meaning = self.reader.noise(index, self.grammar == SERVER)
            stamps.sort()
            middle = bisect.bisect_left(stamps, self.midnight(stamps[0]))
            for part in (stamps[:middle], stamps[middle:]):
                if part:
                    first, last = (self.epoch(stamp) for stamp in (part[0], part[-1]))
                    self.count(meaning, first, last, len(part))
        self.quiet.clear()
        self.count_at = self.bytes + LARGEST

    def midnight(self, stamp):
        """The stamp at which a day of UTC begins within the local day of a stamp; the stamp itself when it is no time.
        """
        local = local_seconds(stamp[:-8] + b'00:00:00', self.grammar)
        if local is None:
            return stamp
        begins = self.zone.local(-(-self.zone.seconds(local) // 86400) * 86400) - local
        return stamp[:-8] + to_bytes('%02d:%02d:%02d' % (begins // 3600, begins // 60 % 60, begins % 60))

    def starts_at(self, data, places):
        """[(place, epoch seconds)] of the plug-in starts at these places of START_MARK."""
        headers = [(place, HEADER[PLUG_IN].match(data, data.rfind(b'\n', 0, place) + 1)) for place in places]
        return [(place, self.epoch(header.group(1))) for place, header in headers if header and header.end() == place]

    def started(self, place, moment):
        """Note a start: the requests of the process before have ended, whatever thread numbers come again."""
        self.start = moment
        self.starts.append(moment)
        if self.stream.agent is not None:       # in a paste of several, another plug-in may have started
            self.earlier, self.memo, self.floor = [], {}, place
            self.requests = [request for request in self.requests if request > place]

    def soft(self, data, place, begin, header, done):
        """(begin, header) of a record below WARNING in which the agent itself reports an error, else (0, None)."""
        if self.grammar == SERVER:
            return 0, None
        trace = data.startswith(b'T', place)
        if header is None:
            if not trace:
                return 0, None
            stamp, mark = STAMP[PLUG_IN].match, begin - 1
            while mark > done and not stamp(data, mark + 1):
                mark = data.rfind(b'\n', max(0, done - 1), mark)
            begin = mark + 1
            header = HEADER[PLUG_IN].match(data, max(0, begin))
            if header is None or begin < done:
                return 0, None
        if header.group(4) in SEVERE:
            return 0, None
        return (begin, header) if trace or header.end() == place or header.end() < place and data.startswith(
            PYTHON_WORDS, place) else (0, None)

    def note_calls(self, data, places):
        """Count the searches and updates of a piece of the log. Returns the places of all calls there."""
        mark, search, update = self.call_words
        calls, length, starts_with = places(mark), len(mark), data.startswith
        updates = searches = 0
        for place in calls:
            if starts_with(update, place + length):
                updates += 1
            elif starts_with(search, place + length):
                searches += 1
        self.updates, self.searches = self.updates + updates, self.searches + searches
        return calls

    def note_levels(self, data, end):
        form, levels = (b'] %s - ', b'DEBUG INFO WARN ERROR VERBOSE') if self.grammar == SERVER else (
            b' :  %s (', b'DEBUG INFO WARNING ERROR CRITICAL')
        for level in levels.split():
            if level not in self.levels and data.find(form % level, 0, min(end, 1 << 16)) >= 0:
                self.levels.add(level)

    # ---- items
    def note_names(self, data, places):
        """Keep what stands behind the words that name an item, with the number of its newest mention: the lines repeat,
        and which of them are wanted is known only at the end.
        """
        find, named, behind = data.find, self.named, len(self.naming)
        for number, place in enumerate(places, self.told):
            named[data[place + behind:find(b'\n', place)]] = number
        self.told += len(places)
        if len(named) > MOST_NAMED:
            newest = sorted(named, key=named.get)[MOST_NAMED // 2:]
            self.named = dict((line, named[line]) for line in newest)

    def names(self):
        """[(guid, rating key)] of the items that the log names, the newest last."""
        pairs = []
        for line in sorted(self.named, key=self.named.get):
            guid, _, key = line.partition(b' ')
            key = KEY_BEHIND.match(key)
            if key:
                pairs.append((to_text(guid), to_text(key.group(1))))
        return pairs

    def link(self, event, server):
        """Find the item of an event: in its own text, else in the request that its thread is handling."""
        head, event.possible = event.head, ()
        place = head.find(GUID_QUOTE)
        if place >= 0:
            event.guid = unquote(to_text(head[place + len(GUID_QUOTE):].partition(b"'")[0])) or None
        else:
            find = head.find
            by_guid = find(b'://') >= 0         # no item is named without one of these words
            by_key = find(b'etadata') >= 0 or find(b'dbid') >= 0 or find(b'thumbnails') >= 0 or find(b'[id=') >= 0
            text = event.text if by_guid or by_key or find(b'keyword') >= 0 else ''
            search = text and event.meaning.kind == 'search' or 'keyword arguments' in text
            keywords = KEYWORD_ID.search(text) if search else None
            if search and not keywords:         # a terminal has broken the line
                data, begin, end = event.record
                stop = data.find(FIRST_FRAME, begin, end)
                keywords = KEYWORD_ID.search(to_text(data[begin:stop if stop >= 0 else min(end, begin + 4000)]))
            if keywords:
                event.rating_key, event.guid = keywords.group(1), first_group(KEYWORD_GUID.search(text))
            else:
                if by_guid or 'guid=' in text:
                    event.guid = unquote(first_group(GUID_LINE.search(text)))
                if by_key and (event.guid is None or server):
                    event.rating_key = first_group(KEY_LINE.search(text))
        if server:
            return
        call, event.span = self.call_at(event)
        if call is None and event.guid is None and event.rating_key is None and event.meaning.noise is None:
            call = self.call_behind(event)
        event.call = call
        if call:
            if event.guid is None and (event.rating_key is None or event.rating_key == call.rating_key):
                event.guid = call.guid
            if event.rating_key is None and (event.guid is None or event.guid == call.guid):
                event.rating_key = call.rating_key

    def call(self, data, place):
        """Call of the line at this place, decoded once: the same items come again and again."""
        line = data[place:data.find(b'\n', place)]
        if line not in self.calls:
            if len(self.calls) > 4000:
                self.calls.clear()
            self.calls[line] = read_call(line)
        return self.calls[line]

    def call_at(self, event):
        """(Call or None, place of its first line or None) of the request that the event's thread is handling.

        Looks back from the event, first in its chunk, then in the earlier ones; memo holds where the last look for a
        thread ended.
        """
        data, begin, _ = event.record
        thread = event.thread
        mark = b' (' + thread + b') :'
        known, floor = self.memo.get(thread, (None, self.floor))
        span = last_handling(data, self.requests, floor, begin, mark)
        if span is not None:
            known = None if answered(data, span, begin, mark) else (self.call(data, span), (id(data), span))
        elif floor:
            known = known if known and not answered(data, floor, begin, mark) else None
        elif not self.piece.answered(mark, 0, begin):
            for piece in self.earlier:
                span = piece.last_handling(mark)
                if span is not None:
                    if not piece.answered(mark, span, piece.end):
                        known = (self.call(piece.data, span), (id(piece.data), span))
                    break
                if piece.answered(mark, 0, piece.end):
                    break
        self.memo[thread] = (known, begin)
        return known or (None, None)

    def call_behind(self, event):
        """Call that a record of one of the agent's own threads belongs to, or None; where it is not sure, one without
        an item, and event.possible: [(guid, rating_key)] of the items that were worked on. Of what is never sure, a
        part is enough.
        """
        looks = self.looks.setdefault(event.meaning.pattern, [0, 0])
        looks[0] += 1
        if (looks[1] > MOST_LOOKS or looks[0] > MOST_ITEMS) and looks[0] % (
                ONE_IN if looks[0] < ONE_IN * MOST_ITEMS else ONE_IN * ONE_IN) and not self.link_noise:
            return None
        data, begin, end = event.record
        text = data[max(0, begin - LOOKED_AT):end + LATE]
        if begin < LOOKED_AT and self.earlier:
            text = self.earlier[0].data[:self.earlier[0].end][begin - LOOKED_AT:] + text
        at = len(text) - len(data[begin:end + LATE])
        places, sure = requests_at_work(text, at, event.head)
        calls = [self.call(text, place) for place in places if place is not None]
        calls = [call for call in calls if call and (call.guid or call.rating_key)]
        event.possible = sorted(set((call.guid, call.rating_key) for call in calls), key=item_order)
        if sure and calls:
            return calls[0]
        looks[1] += 1
        return Call('update' if any(call.kind == 'update' for call in calls) else 'search') if calls else None


def item_order(pair):
    """Sort key of (guid or None, rating key or None)."""
    return pair[0] or '', pair[1] or ''


# The System plug-in names an item by both (PLEX.md), and so does the server's log where it is told of new metadata.
MUTEX, NOTIFICATION = b'Acquiring GUID mutex for ', b'Notification of new metadata for '
KEY_BEHIND = Regex(br'[\[(]?(?:id=)?(\d+)[\])\s]')      # whole: a line may still be being written
MOST_NAMED = 50000
EARLIER = 4                                     # chunks to look back for the beginning of a request
FURTHEST = 48                                   # requests of other threads in between


def last_handling(data, requests, low, high, mark):
    """Place of the newest 'Handling request' line of a thread in data[low:high], or None.

    requests: the places of all such lines of the chunk.
    """
    last = bisect.bisect_left(requests, high)
    for place in reversed(requests[max(0, last - FURTHEST):last]):
        if place < low:
            break
        if of_thread(data, place, mark):
            return place
    return None


def last_loose_record(data):
    """Where the last record of a piece of a paste or of an agent's own log begins, else its last line, else its end.
    """
    mark = data.rfind(b'\n')
    last = mark + 1 or len(data)
    for _ in range(2000):
        if mark < 0:
            break
        line = data[mark + 1:mark + 301]
        if OWN_LOG.match(line) or LOOSE_HEADER.match(line) or LOOSE_SERVER.match(line):
            return mark + 1
        mark = data.rfind(b'\n', 0, mark)
    return last


class Piece(object):
    """A piece of a log in which threads are looked for whose request is not at hand. requests: the places of all calls.

    Where many are, each line that begins or ends a request is read once for all of them.
    """

    FEW = 20

    def __init__(self, data, end, requests):
        self.data, self.end, self.requests, self.asked = data, end, requests, 0
        self.handled, self.answers, self.answer, self.places = None, {}, 0, None

    def last_handling(self, mark):
        """As the function, of the whole piece."""
        if self.asked < self.FEW:
            return last_handling(self.data, self.requests, 0, self.end, mark)
        if self.handled is None:
            last = self.requests[:bisect.bisect_left(self.requests, self.end)][-FURTHEST:]
            self.handled = dict((mark_at(self.data, place), place) for place in last)
        return self.handled.get(mark)

    def answered(self, mark, low, high):
        """As the function. high: never less than the one before."""
        self.asked += 1
        if self.asked < self.FEW:
            return answered(self.data, low, high, mark)
        if self.places is None:
            self.places = choose_finder()(self.data, self.end)(RESPONSE)
        while self.answer < len(self.places) and self.places[self.answer] < high:
            self.answers[mark_at(self.data, self.places[self.answer])] = self.places[self.answer]
            self.answer += 1
        return self.answers.get(mark, -1) >= low


def mark_at(data, place):
    """b' (thread) :' of a record of the framework's whose message begins at this place."""
    head = data[max(0, place - 64):place]
    stop = head.rfind(b') :') + 3
    return head[head.rfind(b' (', 0, stop):stop]


def answered(data, low, high, mark):
    """Did the thread answer a request in data[low:high]? Then it is free for the next."""
    place = data.find(RESPONSE, low, high)
    while place >= 0:
        if of_thread(data, place, mark):
            return True
        place = data.find(RESPONSE, place + 1, high)
    return False


def of_thread(data, place, mark):
    """Is a record of the framework's, whose message begins at this place, one of the thread? mark: b' (thread) :'."""
    low = place - 64 if place > 64 else 0       # then level and "(networking:1234)", short words
    return data.find(mark, low, place) >= 0


MOST_LOOKS, LOOKED_AT = 20, 1 << 17
LATE = 2048                                     # bytes behind a record in which a line of the same moment may stand
AT_ONCE = .2                                    # seconds by which two threads may log in another order than they work
LONGEST_THREAD = 60                             # seconds after which another thread is more likely
TASKS, TASKS_DONE = b' - Starting a parallel task set named ', b' - Parallel task set '
THREAD_MADE, TIMER_MADE = b" - Created a thread named '", b" - Scheduled a timed thread named '"
THREAD_FAILED = b" - Exception in thread named '"


class Served(object):
    """A request in a piece of a log. place: of its first line, None where that is not there; ended: of its answer;
    tasks: whether tasks of it run; tasks_done: where they ended.
    """

    def __init__(self, place=None):
        self.place, self.ended, self.tasks, self.tasks_done = place, None, False, None


def requests_at_work(text, at, head):
    """([place of the first line of a request, or None], sure) for the record at a place, of a thread of the agent's.

    Such a record names no item, but the framework logs in the thread of the request that it starts a set of tasks, that
    these have ended, and that it makes a thread. A task belongs to a request whose tasks run; a thread to one that made
    one of that name, which has not failed yet, since this thread was last known to do something else. Both go on beside
    the request, so what it logs of them may stand a little before or after where it belongs.
    """
    requests, serving, known, made, failed = [], {}, {}, [], []
    begin = max(0, text.rfind(START_MARK, 0, at))           # what an earlier process did has ended with it
    places = choose_finder()(text, len(text))
    for place, words in sorted((place, words) for words in (HANDLING, RESPONSE, TASKS, TASKS_DONE, THREAD_MADE,
                                                            TIMER_MADE, THREAD_FAILED)
                               for place in places(words)):
        header = HEADER[PLUG_IN].match(text, text.rfind(b'\n', 0, place) + 1)
        if place < begin or not header or header.end() != place + len(b' - ') or \
                place > at and words is not THREAD_MADE:
            continue
        thread = header.group(3)
        if words in (THREAD_MADE, TIMER_MADE, THREAD_FAILED):
            name = text[place + len(words):text.find(b"'", place + len(words))]
        if words is THREAD_FAILED:
            failed.append((place, name, known.get(thread, -1)))
        elif words is HANDLING or thread not in serving:
            serving[thread] = Served(place if words is HANDLING else None)
            requests.append(serving[thread])
        if words in (HANDLING, RESPONSE, THREAD_FAILED):
            known[thread] = place
        if words is RESPONSE:
            serving.pop(thread).ended = place
        elif words in (TASKS, TASKS_DONE):
            serving[thread].tasks = words is TASKS
            serving[thread].tasks_done = None if words is TASKS else place
        elif words in (THREAD_MADE, TIMER_MADE):
            made.append((place, name, serving[thread]))
    thread, moment = HEADER[PLUG_IN].match(text, at).group(3), moment_at(text, at)
    if thread in serving and serving[thread].place is not None:
        return [], False
    sure = begin > 0                            # else one that began before may be silent still
    if head.startswith(b'Exception in task thread'):
        found = [request for request in requests if request.tasks or request.tasks_done is not None
                 and moment - moment_at(text, request.tasks_done) <= AT_ONCE]
    elif head.startswith(THREAD_FAILED[3:]):
        name = head[len(THREAD_FAILED) - 3:].partition(b"'")[0]
        found, alone = makers(text, made, failed + [(at, name, known.get(thread, -1))])
        sure = alone and (sure or thread in known)
    else:
        found = []
    sure = sure and len(found) == 1
    found = found or [request for request in requests if request.ended is None
                      or moment - moment_at(text, request.ended) <= AT_ONCE] or [
        request for place, _, request in made if known.get(thread, -1) < place
        and moment - moment_at(text, place) <= LONGEST_THREAD]
    return [request.place for request in found], sure


def makers(text, made, failed):
    """([request] that may have made the thread of the last failure, is there but one).

    made: [(place, name, request)]; failed: [(place, name, place before which the thread did something else)], both in
    order. Each thread fails once: those that earlier failures account for are out.
    """
    gone, open_sets = set(), []
    for place, name, floor in failed:
        moment = moment_at(text, place)
        found = [one for one in made if one[1] == name and one not in gone and one[0] > floor and (
            one[0] < place or moment_at(text, one[0]) - moment <= AT_ONCE)]
        open_sets = [ones for ones in open_sets + [found] if ones]
        together = set(one for ones in open_sets for one in ones)
        if len(found) == 1:
            gone.update(found)
        elif len(together) <= len(open_sets):
            gone.update(together)
            open_sets = []
    recent = [one for one in found if moment - moment_at(text, one[0]) <= LONGEST_THREAD]
    return [request for _, _, request in recent or found], len(found) == 1


def moment_at(text, place):
    """Local seconds, with milliseconds, of the record that is at a place."""
    header = HEADER[PLUG_IN].match(text, text.rfind(b'\n', 0, place + 1) + 1)
    return (local_seconds(header.group(1), PLUG_IN) or 0) + int(header.group(2) or 0) / 1000.0 if header else 0


def first_group(match):
    return next((group for group in match.groups() if group), None) if match else None


def identifiers_in(data):
    """Identifiers that a paste names, most often named first; guids count least (a contributing agent logs others')."""
    counts = collections.Counter()
    for rule, weight in ((br'/:/plugins/([\w.-]+)/(?:messaging|resources|prefs)', 3),
                         (br'point for provider ([\w.-]+) in namespace', 9),
                         (br'Plug-in Support[/\\]+(?:Data|Caches)[/\\]+([\w.-]+)', 5),
                         (br"guid'?:? u?'([\w.-]+)://", 2),
                         (br'\b((?:com\.plexapp|tv\.plex|org\.\w+|com\.\w+)\.(?:agents|plugins)\.[\w-]+)', 1)):
        for name in re.findall(rule, data):
            if b'.' in name and name not in (b'com.plexapp.system',):
                counts[to_text(name)] += weight
    return [name for name, _ in sorted(counts.items(), key=lambda row: (-row[1], row[0]))]


# modules of the System plug-in, and what only it, or only another plug-in, is asked
SYSTEM_VOICE = Regex(br'(?:agent|bundle|code|flag|help|install|message|peer|player|proxy|scanner|store|stream'
                     br'|system)service$')
SYSTEM_LOG = Regex(br'\([a-z]+service:\d+\) - |' + HANDLING + br'GET /system/')
AGENT_LOG = Regex(HANDLING + br'GET /:/plugins/(?!com\.plexapp\.system/)')


def only_agent(data, identifiers):
    """The agent of a paste whose frames are of one bundle, or which names one identifier; else None."""
    bundles = set(to_text(name) for name in re.findall(br'[/\\]([^/\\"\n]+\.bundle[^/\\"\n]*)[/\\]+Contents[/\\]+(?:Co'
                                                       br'de|Libraries)', data)
                  if not name.startswith(b'Framework.bundle'))
    if SYSTEM_LOG.search(data) and bundles <= set(['System.bundle']) and not AGENT_LOG.search(data):
        return SYSTEM
    if len(bundles) == 1:
        return agent_named('', bundles.pop(), identifiers)
    return identifiers[0] if len(identifiers) == 1 and not bundles and not BUILT_IN.match(identifiers[0]) else None


def count_lines(source, end):
    """Number of line ends before an offset."""
    source.seek(0)
    count, left = 0, end
    while left > 0:
        data = source.read(min(CHUNK, left))
        if not data:
            break
        count, left = count + data.count(b'\n'), left - len(data)
    return count


def time_at(source, offset, end, grammar):
    """(local seconds, offset) of the first record at or after an offset; (None, end) when there is none."""
    place = offset
    while place < end:
        source.seek(place)
        data = source.read(min(1 << 12, max(0, end - place) + 64))
        if not data:
            break
        mark = -1 if place == 0 else data.find(b'\n')
        while mark >= 0 or place == 0 and mark == -1:
            match = STAMP[grammar].match(data, mark + 1)
            if match:
                header = HEADER[grammar].match(data, mark + 1)
                if header:
                    return local_seconds(header.group(1), grammar), place + mark + 1
            following = data.find(b'\n', mark + 1)
            if following < 0:
                break
            mark = following
        place += max(1, len(data) - 200)
    return None, end


def last_time(source, low, high, grammar):
    """Local seconds of the last record that begins in the last 64 KB of a file, or None."""
    source.seek(max(low, high - (1 << 16)))
    data = source.read(1 << 16)
    mark = data.rfind(b'\n')
    while mark >= 0:
        header = HEADER[grammar].match(data, mark + 1)
        if header:
            return local_seconds(header.group(1), grammar)
        mark = data.rfind(b'\n', 0, mark)
    return None


# ------------------------------------------------------------------------------------------------------------ positions
HEAD_BYTES = 200


def stream_position(stream):
    """Where a log ends now: the newest file that holds anything, and its size."""
    for log in reversed(stream.files):
        try:
            source = log.open()
            try:
                head = source.read(HEAD_BYTES)
                if not head:
                    continue
                if log.plain:
                    size = os.fstat(source.fileno()).st_size
                else:
                    size = len(head)
                    while True:
                        data = source.read(CHUNK)
                        if not data:
                            break
                        size += len(data)
            finally:
                source.close()
        except (IOError, OSError):
            continue
        return {'head_bytes': len(head), 'head': hashlib.sha1(head).hexdigest(), 'offset': size}
    return {'head_bytes': 0, 'head': '', 'offset': 0}


def resume(stream, position, notes):
    """[(file, offset)] of what came after a position, oldest first, through rotations."""
    mark = position.get('streams', {}).get(stream_key(stream))
    everything = [(log, 0) for log in stream.files]
    if not mark or not mark['head_bytes']:
        return everything
    for number in range(len(stream.files) - 1, -1, -1):
        log = stream.files[number]
        try:
            source = log.open()
            try:
                head = source.read(mark['head_bytes'])
                size = os.fstat(source.fileno()).st_size if log.plain else None
            finally:
                source.close()
        except (IOError, OSError):
            continue
        if len(head) == mark['head_bytes'] and hashlib.sha1(head).hexdigest() == mark['head']:
            if size is not None and size < mark['offset']:
                notes.append({'file': log.name,
                              'why': 'it has shrunk since the position was noted; read from its start'})
                return everything[number:]
            return [(log, mark['offset'])] + everything[number + 1:]
    notes.append({'file': stream.base, 'why': 'the file of the noted position has been rotated away; all that is left '
                                              'was read'})
    return everything


def stream_key(stream):
    """What a position calls a log: its name without rotation; of a file without a log's name, its path."""
    return stream.base if stream.agent or SERVER_LOG.match(stream.base) else stream.files[-1].name


def log_position(paths):
    """Where the logs end now, as a JSON-able dict, for read_events(paths, position)."""
    streams, _ = open_streams(paths)
    return {'made': utc_text(), 'streams': dict((stream_key(stream), stream_position(stream)) for stream in streams)}


def open_streams(paths):
    """(streams with their grammar, unread) of --logs paths."""
    streams, unread = find_streams([paths] if isinstance(paths, (six.text_type, bytes)) else paths)
    kept = []
    for stream in streams:
        heads, short = [], True
        for log in list(stream.files):
            try:
                source = log.open()
                try:
                    long_log = log.plain and log.size() > LONGEST_PASTE
                    head = source.read(SEEN_AT_ONCE if long_log else SNIFFED)
                    grammar = sniff(head)
                    if long_log and grammar == TEXT:
                        head += source.read(SNIFFED - len(head))
                        grammar = sniff(head)
                    heads.append((head, grammar))
                    short = short and not long_log and len(head) < SNIFFED
                finally:
                    source.close()
            except (IOError, OSError) as problem:
                unread.append({'file': log.name, 'why': to_text(problem.strerror or problem)})
                stream.files.remove(log)
        heads = [(head, grammar) for head, grammar in heads if head.strip()]
        if any(b'\0' in head[:1000] for head, _ in heads):
            unread += [{'file': log.name, 'why': 'not text'} for log in stream.files]
            continue
        if not stream.files:
            continue
        grammars = set(grammar for _, grammar in heads)
        stream.grammar = grammars.pop() if len(grammars) == 1 else TEXT if grammars else PLUG_IN
        if stream.agent is None and not SERVER_LOG.match(stream.base) and short:
            stream.grammar = TEXT               # a small file with no log's name may go on as anything
        kept.append(stream)
    return kept, unread


# ---------------------------------------------------------------------------------------------------------- aggregation
AGGREGATE_SCHEMA = 1
MOST_ITEMS, MOST_EXEMPLARS, MOST_PRECEDING, MOST_MESSAGES, MOST_LINES, MOST_BLOCKS = 500, 3, 7, 20, 60, 500
MOST_POSSIBLE, MOST_THREADS = 60, 20000
ONE_IN = 10                                     # of the records after the first few, how many one look back stands for
LONGEST_EXEMPLAR = 12000


class Pattern(object):
    """All events of one fingerprint in one log."""

    def __init__(self, meaning):
        self.meaning = meaning
        self.count = self.searches = self.updates = self.echoes = 0
        self.first = self.last = None
        self.days, self.messages, self.preceding = {}, {}, {}
        self.lines = collections.OrderedDict()  # (id of a Block, plug-in start) -> [count, Block, plug-in start]
        self.items, self.exemplars, self.causes, self.starts, self.levels = {}, [], {}, set(), {}
        self.possible = {}                      # (guid, rating key) -> how many records of threads may be of the item
        self.looked_back = self.before_fix = 0


class Tally(object):
    """The sink of a Scan: groups its events. One per log; tallies of several logs are merged by their patterns.

    fixed: {pattern: epoch seconds}; what a pattern did up to then is only counted: a fix that was kept has ended it.
    """

    def __init__(self, keep_paths=False, events=None, fixed=None):
        self.patterns, self.keep_paths, self.events, self.fixed = {}, keep_paths, events, fixed or {}
        self.latest = {}                        # thread -> (span, Pattern, time, guid) of its last error
        self.ended = {}                         # thread -> (log, offset) where its last traceback ends
        self.failed_starts = 0

    def count(self, meaning, first, last, number):
        """Count events of noise."""
        pattern = self.patterns.get(meaning.pattern)
        if pattern is None:
            pattern = self.patterns[meaning.pattern] = Pattern(meaning)
        self.note(pattern, first, number - 1)
        self.note(pattern, last)

    def note(self, pattern, moment, number=1):
        pattern.count += number
        if moment is not None:
            if pattern.first is None or moment < pattern.first:
                pattern.first = moment
            if pattern.last is None or moment > pattern.last:
                pattern.last = moment
            if number:
                day = moment // 86400
                pattern.days[day] = pattern.days.get(day, 0) + number

    def add(self, event):
        meaning = event.meaning
        pattern = self.patterns.get(meaning.pattern)
        if pattern is None:
            pattern = self.patterns[meaning.pattern] = Pattern(meaning)
        if self.events is not None:
            self.events(event)
        if meaning.wrapper in ('Exception while loading code', 'Exception starting plug-in'):
            self.failed_starts += 1
        if meaning.pattern in self.fixed and (event.time or 0) < self.fixed[meaning.pattern]:
            pattern.before_fix += 1
            return
        self.note(pattern, event.time)
        if event.guid or event.rating_key:
            key = event.rating_key or event.guid
            if key not in pattern.items or pattern.items[key][0] is None:
                pattern.items[key] = (event.guid, event.rating_key)
        elif meaning.noise is None:
            for pair in event.possible:
                pattern.possible[pair] = pattern.possible.get(pair, 0) + 1
        if meaning.noise is not None:
            if not pattern.exemplars:
                self.exemplar(pattern, event)
            return
        pattern.levels[event.level] = pattern.levels.get(event.level, 0) + 1
        kind = meaning.kind if meaning.kind in ('search', 'update') else event.call.kind if event.call else None
        if kind == 'search':
            pattern.searches += 1
        elif kind == 'update':
            pattern.updates += 1
        pattern.starts.add(event.start)
        self.cascade(pattern, event)
        if event.block is not None:
            key = (id(event.block), event.start)
            row = pattern.lines.get(key)
            if row is None:
                if len(pattern.lines) < MOST_BLOCKS:
                    pattern.lines[key] = [1, event.block, event.start]
            else:
                row[0] += 1
        if (event.block is not None or meaning.kind == 'log' and not event.head.startswith(b'Error opening URL')) and (
                pattern.looked_back < (MOST_PRECEDING if event.block is not None else 3) or not pattern.count % ONE_IN):
            pattern.looked_back += 1
            for row in set(requests_before(event, self.ended.get(event.thread))):
                pattern.preceding[row] = pattern.preceding.get(row, 0) + 1
        if event.block is not None:
            _, begin, end = event.record
            self.ended[event.thread] = event.log, event.offset + end - begin
        if event.block is not None or len(pattern.messages) < MOST_MESSAGES:
            self.message(pattern, event)
        if len(pattern.exemplars) < MOST_EXEMPLARS and all(
                row['guid'] != event.guid or row['rating_key'] != event.rating_key for row in pattern.exemplars):
            self.exemplar(pattern, event)
        elif event.block is not None and probe_spoke(event):
            self.exemplar(pattern, event)
            pattern.exemplars = probed_first(pattern.exemplars)

    def message(self, pattern, event):
        text = message_of(event)
        if text in pattern.messages:
            pattern.messages[text] += 1
        elif len(pattern.messages) < MOST_MESSAGES:
            pattern.messages[text] = 1

    def exemplar(self, pattern, event):
        data, begin, end = event.record
        text = to_text(data[begin:min(end, begin + LONGEST_EXEMPLAR)]).replace('\r\n', '\n').rstrip('\n')
        if end - begin > LONGEST_EXEMPLAR:
            text += ' ... (%d bytes)' % (end - begin)
        pattern.exemplars.append({
            'file': event.log.name, 'line': event.line, 'offset': event.offset, 'time': event.time,
            'thread': to_text(event.thread),
            'level': event.level, 'guid': event.guid, 'rating_key': event.rating_key, 'start': event.start,
            'text': redact(text, self.keep_paths),
            'said': said_before(event) if (event.block.key if event.block is not None else any(
                data.find(words, begin, end) >= 0 for words in PYTHON_WORDS)) else []})

    def cascade(self, pattern, event):
        """Join what follows from what: the same thread, the same request (or the same second where none is known)."""
        if len(self.latest) > MOST_THREADS:     # a thread for each call: few of them come again
            self.latest, self.ended = {}, {}
        before = self.latest.get(event.thread)
        self.latest[event.thread] = (event.span, pattern, event.time, event.guid)
        if not before:
            return
        span, earlier, moment, guid = before
        near = moment is not None and event.time is not None and 0 <= event.time - moment < 2
        if not (span == event.span if span and event.span else near):
            return
        if earlier is pattern:
            if event.meaning.kind in ('update', 'search') and guid == event.guid and span == event.span and span:
                pattern.echoes += 1             # an agent registered twice runs each call twice (FRAMEWORK.md 1)
        elif earlier.meaning.kind == 'media' or near and (earlier.meaning.message
                                                          or '').startswith('Error opening URL'):
            key = earlier.meaning.pattern
            pattern.causes[key] = pattern.causes.get(key, 0) + 1


def message_of(event):
    """What this event says in its own words: the exception's text, or the record's first line."""
    text = event.says if event.block is not None else event.text
    if event.meaning.kind == 'server' and '#' in text:
        text = TAGS.sub('', text)               # "[Req#1f/HCl#2] " is another one each time
    if event.block is None and event.meaning.exception:
        text = text[BARE_ERROR.match(text).end():]
    text = text[:400].rstrip(' :')
    return text[:-24].rstrip() if text.endswith('(most recent call last)') else text


URL_PARTS = Regex(r'^[a-z]+://(?:[^/@\s]*@)?([^/\s?]+)([^?\s]*)(\?.*)?$')
OWN_SERVER_URL = Regex(r'\w+://(?:127\.0\.0\.1|localhost)[:/]')
REQUESTING, URL_FAILED = b" - Requesting '", b" - Error opening URL '"


def requests_before(event, ended=None):
    """[(host, status, shape of the path)] of the last requests that the thread made before it failed, the newest first.

    ended: (log, offset) where the thread's traceback before ends, to which earlier requests belong.
    status: of the exception or of what the plug-in said about it (for the newest), 'failed' after "Error opening URL",
    'time-out', 'unreachable', else None (answered). The host is None where the request itself was not logged.
    """
    data, begin, _ = event.record
    low = max(0, begin - 65536)
    if event.span and event.span[0] == id(data):
        low = max(low, event.span[1])
    elif ended and ended[0] is event.log and ended[1] <= event.offset:
        low = max(low, begin - (event.offset - ended[1]))
    mark = b' (' + event.thread + b') :'
    asked = quoted_before(data, REQUESTING, low, begin, mark, 3)
    failed = set(url for url, _ in quoted_before(data, URL_FAILED, asked[-1][1], begin, mark, 2)) if asked else ()
    unlogged = not asked or OWN_SERVER_URL.match(asked[0][0])       # the request that failed may not have been logged
    last = status_of(event)
    told, words = (None, b'') if last else told_since(data, asked[0][1] if asked else low, begin, mark,
                                                      2 if unlogged else 32)
    rows = [(None, told, '')] if told and (unlogged or names_other_host(words, asked[0][0])) else []
    last = None if rows else last or told
    for number, (url, _) in enumerate(asked):
        host, path = host_and_path(url)
        if host:
            rows.append((host, last if number == 0 and last else 'failed' if url in failed else None, path))
    return rows[:3]


URLS = {}


def host_and_path(url):
    """(host, shape of the path) of a URL, redacted; (None, None) of what is none. The same are asked for many times."""
    if url not in URLS:
        if len(URLS) > 5000:
            URLS.clear()
        parts = URL_PARTS.match(url)
        URLS[url] = (redact_part(parts.group(1)), redact_part(NUMBER_SHAPE.sub('<n>', HEX_SHAPE.sub(
            '<hex>', parts.group(2)))[:120])) if parts else (None, None)
    return URLS[url]


TOLD = Regex(br'HTTP Error (\d{3})|(\d{3}) (?:Client|Server) Error|(timed out)|urlopen error|URLError|SSLError|'
             br'Connection (?:refused|reset|aborted)|ConnectionError|Max retries exceeded|getaddrinfo failed|'
             br'Name or service not known')
TOLD_WORDS = (b'rror', b'timed out', b'onnection ', b'Max retries', b'getaddrinfo', b'service not known')


def told_since(data, low, high, mark, most):
    """(status, record) of the last failed request that a thread tells of in data[low:high], in a line of the plug-in's
    own or in a traceback, in one of its last records (as many as most); or (None, b'').
    """
    place, end_of_record = high, NEXT_RECORD[PLUG_IN].search
    for _ in range(most):
        place = data.rfind(mark, low, place)
        if place < 0:
            break
        end = end_of_record(data, place, high)
        record = data[place:end.start() if end else high]
        found = list(TOLD.finditer(record)) if any(record.find(words) >= 0 for words in TOLD_WORDS) else ()
        if found:
            status = found[-1].group(1) or found[-1].group(2)
            return (int(status) if status else 'time-out' if found[-1].group(3) else 'unreachable'), record
    return None, b''


HOST_NAMED = Regex(br"(?:://|host=')(?:[^/@\s']*@)?([^/:'\"?\s]+)")


SITE = Regex(r'[^.]*\.?((com?|org|net|gov|edu|ac)\.[a-z]{2}|[^.]*)$')


def names_other_host(record, url):
    """Whether a record names hosts, and none of the site of a URL: by the last two parts of its name, or three where
    these are of a country: .co.uk."""
    parts = URL_PARTS.match(url)
    site = to_bytes(SITE.search(parts.group(1).split(':')[0]).group()) if parts else b''
    named = HOST_NAMED.findall(record)
    return bool(named) and not any(one.endswith(site) for one in named)


PARTS = {}


def redact_part(text, keep_paths=False):
    """redact() of a host, the shape of a path, a message: few texts, asked for many times."""
    if (text, keep_paths) not in PARTS:
        if len(PARTS) > 5000:
            PARTS.clear()
        PARTS[text, keep_paths] = redact(text, keep_paths)
    return PARTS[text, keep_paths]


SAID = Regex(br'\S+ \S+ \((-?[0-9a-f]+)\) : {1,2}\w+ +\(([^():\n]*):\d+\) - ')
FRAMEWORK_VOICES = frozenset(b'runtime model agentkit core data storage messaging accessor caching localization '
                             b'preferences services socketinterface pipeinterface words'.split())
MOST_SAID = 8


PROBE = 'probe: line '           # how a probe of diagnose_from_report.py begins its line in the log
PROBE_BYTES = to_bytes(PROBE)


def probe_spoke(event):
    """Whether a probe may have named the failing line right before a record."""
    data, begin, _ = event.record
    return data.find(PROBE_BYTES, max(0, begin - 2000), begin) >= 0


def probed_first(exemplars):
    """The exemplars to keep: those that a probe explains, the newest first, then the earliest."""
    probed = [row for row in exemplars if any(text.startswith(PROBE) for text in row['said'])]
    probed.sort(key=lambda row: -(row['time'] or 0))
    return (probed + [row for row in exemplars if row not in probed])[:MOST_EXEMPLARS]


def said_before(event):
    """What the thread itself logged, or asked a server for, last before it failed, oldest first: [text], redacted.

    The diagnosis finds the place in a long function by it.
    """
    data, begin, _ = event.record
    low = max(0, begin - 16384)
    if event.span and event.span[0] == id(data):
        low = max(low, event.span[1])
    texts, mark, place = [], b' (' + event.thread + b') :', begin
    while True:
        place = data.rfind(mark, low, place)
        if place < 0:
            break
        found = SAID.match(data, max(low, data.rfind(b'\n', low, place) + 1), begin)
        if not found or found.group(1) != event.thread or found.group(2) in FRAMEWORK_VOICES:
            continue
        if found.group(2) == b'networking' and not data.startswith(b"Requesting '", found.end()):
            continue
        line = data[found.end():data.find(b'\n', found.end())]
        texts.insert(0, redact(to_text(line[:-1] if line.endswith(b'\r') else line))[:200])
        if len(texts) == MOST_SAID:
            break
    return texts


def quoted_before(data, words, low, high, mark, most):
    """[(quoted text, place)] of a thread's newest lines with these words in data[low:high], newest first."""
    found, place = [], high
    for _ in range(4 * most):
        place = data.rfind(words, low, place)
        if place < 0:
            break
        if of_thread(data, place, mark):
            end = data.find(b"'", place + len(words))
            found.append((to_text(data[place + len(words):end]), place))
            if len(found) == most:
                break
    return found


def status_of(event):
    """HTTP status (int), 'time-out', 'unreachable' or None of the exception of an event."""
    name, message = event.meaning.exception or '', message_of(event)
    match = re.match(r'HTTP Error (\d{3})', message)
    if match:
        return int(match.group(1))
    if 'timed out' in message or name.lower() == 'timeout':
        return 'time-out'
    if name in ('URLError', 'SSLError', 'ConnectionError', 'gaierror', 'BadStatusLine'):
        return 'unreachable'
    return None


def merge(tallies):
    """{fingerprint: Pattern} of several logs."""
    patterns = {}
    for tally in tallies:
        for key, new in tally.patterns.items():
            old = patterns.get(key)
            if old is None:
                patterns[key] = new
                continue
            for name in ('count', 'searches', 'updates', 'echoes', 'looked_back', 'before_fix'):
                setattr(old, name, getattr(old, name) + getattr(new, name))
            for name in ('days', 'messages', 'preceding', 'causes', 'levels', 'possible'):
                mine = getattr(old, name)
                for word, count in getattr(new, name).items():
                    mine[word] = mine.get(word, 0) + count
            for row in new.lines.values():      # the ids of another process may be the same
                old.lines[len(old.lines)] = row
            old.items.update(new.items)
            old.starts |= new.starts
            old.exemplars = probed_first(old.exemplars + new.exemplars)
            times = [moment for moment in (old.first, new.first) if moment is not None]
            old.first = min(times) if times else None
            times = [moment for moment in (old.last, new.last) if moment is not None]
            old.last = max(times) if times else None
    return patterns


SEVERITY = {'CRITICAL': 0, 'ERROR': 1, 'WARN': 2, 'WARNING': 2, 'INFO': 3, 'DEBUG': 4, 'VERBOSE': 4}


def time_text(seconds):
    return utc_text(seconds) if seconds is not None else None


DAY_TEXTS = {}


def day_text(day):
    """A day since 1970 as 2026-11-22; most patterns were seen on the same ones."""
    if day not in DAY_TEXTS:
        DAY_TEXTS[day] = utc_text(day * 86400)[:10]
    return DAY_TEXTS[day]


def noise_text(noise):
    """A row of NOISE in words."""
    text = '%s: %s' % (noise.what, noise.harmless)
    return text if noise.unless == 'never' else '%s%s%s' % (text, SUSPICIOUS, noise.unless)


SUSPICIOUS = '; suspicious when '


def pattern_row(pattern, twins, keep_paths):
    """The JSON of one pattern. twins: {guid or rating key: (guid, rating_key)}."""
    meaning = pattern.meaning

    def clean(text):
        return redact_part(text, keep_paths) if text else text
    items = {}
    for guid, key in pattern.items.values():
        twin = twins.get(key) or twins.get(guid) or (None, None)
        guid, key = guid or twin[0], key or twin[1]
        items[key or guid] = {'guid': guid, 'rating_key': key}
    listed = [items[name] for name in sorted(items, key=lambda name: (len(name), name))]
    possible = [pair for pair in sorted(pattern.possible, key=lambda pair: (-pattern.possible[pair], item_order(pair)))
                if not any(name in items for name in pair)]
    messages = sorted(pattern.messages.items(), key=lambda row: (-row[1], row[0]))
    frames, callees = frame_rows(pattern, keep_paths)
    days = sorted(pattern.days.items())
    return {
        'pattern': meaning.pattern, 'agent': meaning.agent, 'bundle': meaning.bundle, 'kind': meaning.kind,
        'wrapper': meaning.wrapper,
        'level': min(pattern.levels or {meaning.level: 1}, key=lambda level: SEVERITY.get(level, 9)),
        'exception': meaning.exception,
        'message': clean(messages[0][0] if messages else meaning.message), 'shape': clean(meaning.shape),
        'messages': [{'text': clean(text), 'count': count} for text, count in messages[:10]],
        'own_frames': frames, 'callee_frames': callees, 'count': pattern.count, 'echoes': pattern.echoes,
        'searches': pattern.searches, 'updates': pattern.updates,
        'call': None if not pattern.searches + pattern.updates else 'search' if pattern.searches > pattern.updates
        else 'update',
        'items': listed[:MOST_ITEMS], 'items_total': len(listed),
        'possible_items': [{'guid': guid, 'rating_key': key} for guid, key in possible[:MOST_POSSIBLE]],
        'first_seen': time_text(pattern.first), 'last_seen': time_text(pattern.last),
        'days': dict((day_text(day), count) for day, count in days),
        'starts': sorted(time_text(moment) for moment in pattern.starts if moment is not None),
        'noise': noise_text(meaning.noise) if meaning.noise else None,
        'exemplars': [dict(row, time=time_text(row['time']), start=time_text(row['start']))
                      for row in pattern.exemplars],
        'preceding': [{'host': host, 'status': status, 'url_shape': shape, 'count': count} for (host, status, shape),
                      count in
                      sorted(pattern.preceding.items(), key=lambda row: (-row[1], '%s %s %s' % row[0]))[:10]],
        'looked_back': pattern.looked_back,
        'caused_by': None, 'resolved': None,
    }


def frame_rows(pattern, keep_paths):
    """(own frames with all that was reported of them, callee frames of the last one) as JSON."""
    rows, callees = [], []
    blocks = sorted(pattern.lines.values(), key=lambda row: -row[0])
    if not blocks:
        return rows, callees
    for number, (file, function) in enumerate(pattern.meaning.chain):
        reported = {}
        for count, block, start in blocks:
            for frame in block.chain[number][2]:
                key = (frame.line, frame.text, start)
                reported[key] = reported.get(key, 0) + count
        below = [frame_row(frame, keep_paths) for frame in blocks[0][1].chain[number][3]]
        lines = sorted(reported.items(), key=lambda row: (-row[1], row[0][0], row[0][2] or 0))[:MOST_LINES]
        rows.append({'file': file, 'function': function, 'callee_frames': below, 'reported_lines': [
            {'line': line, 'text': redact_source(text, keep_paths), 'start': time_text(start), 'count': count}
            for (line, text, start), count in lines]})
        callees = below
    if not rows:
        callees = [frame_row(frame, keep_paths) for frame in blocks[0][1].frames]
    return rows, callees


def frame_row(frame, keep_paths):
    return {'file': library_file(frame.path), 'function': frame.function, 'text': redact_source(frame.text, keep_paths)}


def aggregate(paths, position=None, since=None, until=None, keep_paths=False, events=None, resolved=(), jobs=None,
              progress=None):
    """The whole job: the aggregate as a dict (the JSON without its schema). events: a function that takes each
    Event. jobs: number of processes, None for as many as are worth it.
    """
    began = time.time()
    streams, unread = open_streams(paths)
    if not streams and not unread:
        raise Problem('there is no log in %s; name a folder with logs with --logs'
                      % ', '.join(to_text(path) for path in paths))
    zone, version, platform = find_zone(streams)
    bounds = (zone.local(since) if since is not None else None, zone.local(until) if until is not None else None)
    fixed = times_of_fixes(resolved)
    # the System log names all items; the server's is larger, and asked only where there is no System log
    naming = SYSTEM if any(stream.agent == SYSTEM for stream in streams) else SERVER
    work = [(stream, zone, bounds, position, keep_paths, events, fixed, naming) for stream in streams]
    results = []
    total = sum(log_size(log) for stream in streams for log in stream.files)
    jobs = jobs or worthwhile_jobs(total if bounds == (None, None) and not position else 0)
    if jobs > 1 and events is None and len(work) > 1:
        results = in_parallel(work, jobs, lambda part: progress(int(part * total), total) if progress else None)
    else:
        done = 0
        for row in work:
            results.append(scan_stream(row, lambda read: progress(done + read, total) if progress else None))
            done += results[-1]['bytes']
    if progress:
        progress(total, total)
    patterns = merge([result['tally'] for result in results])
    for result in results:
        unread += result['notes']
    twins = item_twins(results, patterns)
    rows = [pattern_row(pattern, twins, keep_paths) for _, pattern in sorted(patterns.items())]
    join_cascades(rows, patterns)
    mark_resolved(rows, fixed, patterns)
    if not position:                            # after one, the counts begin there
        count_calls_since_fixes(rows, streams, zone, since or 0, until or float('inf'))
    number_lines(rows, streams)
    covered = [moment for result in results for moment in result['covers'] if moment is not None]
    agents = agent_rows(results, rows, twins)
    shortlist = shortlist_of(rows)
    rows.sort(key=place_in_report)
    return {
        'made': utc_text(began),
        'window': {'from': time_text(since if since is not None else min(covered) if covered else None),
                   'to': time_text(until if until is not None else max(covered) if covered else None),
                   'zone': zone.words(), 'asked': {'since': time_text(since), 'until': time_text(until),
                                                   'resumed': bool(position)}},
        'server': {'version': version, 'platform': platform},
        'files': [{'file': log.name, 'log': stream.base, 'grammar': stream.grammar, 'bytes': log_size(log)}
                  for stream in streams for log in stream.files],
        'bytes': sum(result['bytes'] for result in results), 'agents': agents, 'patterns': rows, 'shortlist': shortlist,
        'events': sum(row['count'] for row in rows), 'noise_events': sum(row['count'] for row in rows if row['noise']),
        'unread': [dict((key, redact(value, keep_paths)) for key, value in row.items()) for row in unread],
        'position': {'made': utc_text(began), 'streams': dict((stream_key(result['stream']), result['position'])
                                                              for result in results)},
    }


# what is read of a row of an earlier aggregate, for fits(): other versions of this script wrote other rows
EARLIER_ROW = dict([(name + '?', STRING) for name in ('exception', 'message', 'first_seen')], **{
    'pattern': STRING, 'agent': STRING, 'level': STRING, 'kind': STRING, 'wrapper': STRING, 'count': int,
    'last_seen': Regex(r'\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z$'),
    'items_total': int, 'items': [{'guid?': STRING, 'rating_key?': STRING}], 'possible_items': [dict],
    'own_frames': [{'file': STRING, 'function?': STRING}], 'caused_by?': {'pattern': STRING, 'count': int},
    'exemplars': [dict], 'noise?': STRING, 'echo_of?': STRING, 'resolved?': {
        'fixed_at': STRING, 'came_back': bool, 'before': int}})


def with_rotated_away(document, earlier, resolved, since=None, keep_paths=False):
    """An aggregate with what is on the shortlist of an earlier one and in no log any more: each start of a plug-in
    takes its oldest log away, and each fix that is tried starts it twice. resolved: patterns that have a fix in place.
    What keeps a plug-in from starting is not among them: it shows at each later start, or is over. Nor is that of an
    agent that has no log here now, so that nothing of it could be measured.
    """
    here = set(row['pattern'] for row in list(document['patterns']) + list(resolved))
    agents = set(row['identifier'] for row in document['agents'])
    listed = earlier['shortlist'] if fits(earlier, {'shortlist': [STRING]}) else ()
    lost = [without_homes(row, keep_paths) for row in earlier['patterns'] if row['pattern'] in listed
            and row['pattern'] not in here and fits(row, EARLIER_ROW) and row['kind'] not in ('load', 'start')
            and row['agent'] in agents and utc_seconds(row['last_seen']) >= (since or 0)]
    for row in lost:
        row.update((name[:-1], None) for name in EARLIER_ROW if name.endswith('?') and name[:-1] not in row)
        row['rotated_away'] = True
    rows = sorted(document['patterns'] + lost, key=place_in_report)
    return dict(document, patterns=rows, shortlist=shortlist_of(rows)) if lost else document


def without_homes(value, keep_paths):
    """A JSON value whose texts name no home folder unless keep_paths: an earlier aggregate was perhaps to keep them."""
    if isinstance(value, dict):
        return dict((name, without_homes(below, keep_paths)) for name, below in value.items())
    if isinstance(value, list):
        return [without_homes(below, keep_paths) for below in value]
    return hide(HOME, '<user>', value.lower(), value) if isinstance(value, STRING) and not keep_paths else value


def place_in_report(row):
    return (1, (-row['count'], row['pattern'])) if row['noise'] else (0, rank(row))


def scan_stream(row, tick=None):
    """Read one log; what comes back can be sent between processes. tick(bytes read so far) is called now and then."""
    stream, zone, bounds, position, keep_paths, events, fixed, naming = row
    tally = Tally(keep_paths, events, fixed)
    notes = []
    scan = Scan(stream, zone, tally.add, bounds[0], bounds[1], lines=events is not None, link_noise=events is not None,
                count=tally.count if events is None else None, notes=notes, tick=tick,
                naming=MUTEX if naming == stream.agent == SYSTEM else NOTIFICATION if naming == SERVER and
                SERVER_LOG.match(stream.base) else None)
    mark = stream_position(stream)
    scan.run(position)
    times = [pattern.first for pattern in tally.patterns.values()] + [pattern.last
                                                                      for pattern in tally.patterns.values()]
    healthy = []
    if stream.agent and stream.grammar == PLUG_IN and stream.agent != SYSTEM and (
            bounds == (None, None) or any(not pattern.meaning.noise for pattern in tally.patterns.values())):
        healthy = healthy_calls(stream, zone)
    return {'stream': stream, 'tally': tally, 'notes': notes, 'searches': scan.searches, 'updates': scan.updates,
            'starts': len(scan.starts),
            'levels': sorted(to_text(level) for level in scan.levels), 'bytes': scan.bytes, 'position': mark,
            'healthy': healthy, 'names': scan.names(),
            'covers': times + [zone.seconds(moment) for moment in covered_by(stream)]}


def covered_by(stream):
    """[local seconds] of the first and of the last record of a log, as far as they can be read without reading it
    all.
    """
    times = []
    for log in stream.files[:1] + stream.files[-1:] if stream.grammar != TEXT else ():
        try:
            if log.plain:
                source = log.open()
                try:
                    size = os.fstat(source.fileno()).st_size
                    times += [time_at(source, 0, size, stream.grammar)[0], last_time(source, 0, size, stream.grammar)]
                finally:
                    source.close()
        except (IOError, OSError):
            continue
    return times


MUCH = 1 << 26


def worthwhile_jobs(size):
    """How many processes to use for so many bytes when nobody says: a second one takes a while to begin."""
    if size < MUCH:
        return 1
    try:
        return min(2, os.sysconf(str('SC_NPROCESSORS_ONLN')))
    except (AttributeError, ValueError, OSError):           # Windows; a system that does not count them
        return 1


def in_parallel(work, jobs, progress):
    """scan_stream of each row, in this process and in jobs - 1 others: each takes the costliest log that is left when
    it is done with one. progress(part done, from 0 to 1) is called now and then.

    By fork and pipe: to import multiprocessing and to set it up takes a fiftieth of the time of 500 MB.
    """
    import signal
    sizes = [sum(log_size(log) for log in row[0].files) for row in work]
    costs = [size * (2 if row[0].grammar == SERVER else 5) for row, size in zip(work, sizes)]   # it has fewer needles
    order = sorted(range(len(work)), key=lambda number: -costs[number])
    results, helpers = [None] * len(work), []
    try:
        queue, feed = os.pipe()
    except OSError:                             # no room for more open files
        return [scan_stream(row) for row in work]
    try:
        os.write(feed, b''.join(QUEUED.pack(number) for number in order[1:MOST_QUEUED]))
        os.close(feed)                          # or nobody would see the end of the queue
        for _ in range(min(jobs, len(work), MOST_JOBS) - 1):
            try:
                receiver, sender = os.pipe()
            except OSError:                     # no room for more open files
                break
            helpers.append((fork(), os.fdopen(receiver, 'rb')))
            if helpers[-1][0] == 0:
                scan_for_another(sender, receiver, queue, work)
            os.close(sender)                    # or the end of a killed helper would not be seen
        done, size = 0, float(sum(sizes) or 1) / jobs
        for number in taken_from(queue, order[:1]):     # whose progress is seen has the costliest
            results[number] = scan_stream(work[number], lambda read: progress(min(1, (done + read) / size)))
            done += results[number]['bytes']
        for _, receiver in helpers:
            for number, result in sent_by(receiver):
                results[number] = result
    finally:
        os.close(queue)
        for helper, receiver in helpers:
            receiver.close()
            try:
                if helper:
                    os.kill(helper, signal.SIGKILL)
                    os.waitpid(helper, 0)
            except OSError:                     # whoever started this one lets the system clear up what has ended
                pass
    # left over: what the queue had no room for, and what a helper had that was killed, perhaps for memory, or that met
    # what is met here again
    return [result or scan_stream(row) for row, result in zip(work, results)]


MOST_JOBS = 64                                  # each costs this process an open file, of which macOS allows 256
QUEUED, MOST_QUEUED = struct.Struct(str('=I')), 1000    # a pipe holds 4096 bytes wherever there is one


def taken_from(queue, first=()):
    """The number of one log after the other, each for whoever asks first: what is read of a pipe is gone."""
    for number in first:
        yield number
    while True:
        number = os.read(queue, QUEUED.size)
        if not number:
            return
        yield QUEUED.unpack(number)[0]


def sent_by(receiver):
    """[(number, result)] of a helper, up to where it was killed."""
    sent = []
    try:
        while True:
            number, result = pickle().load(receiver)
            sent.append((number, result))
    except Exception:                           # the end, or half a message
        return sent


def fork():
    """Process id of a helper, 0 in the helper itself, None where there is no room for one more, or on Windows."""
    try:
        return os.fork()
    except (OSError, AttributeError):
        return None


def pickle():
    from six.moves import cPickle               # imported by each process while the other works
    return cPickle


def scan_for_another(sender, receiver, queue, work):
    """What a helper of in_parallel() does, and all it does: send the results of what it took, or nothing where
    something stops it.
    """
    try:
        on_signals('die')                       # quietly: whoever asked for it has been told too
        os.close(receiver)                      # or it would wait for ever to be heard when its parent was killed
        with os.fdopen(sender, 'wb') as out:
            for message in [pickle().dumps((number, scan_stream(work[number])), 2) for number in taken_from(queue)]:
                out.write(message)
    finally:
        os._exit(0)


def log_size(log):
    try:
        return log.size()
    except (IOError, OSError):
        return 0


def item_twins(results, patterns):
    """{guid or rating key: (guid, rating key)} for items of which the errors give only one, from what they and the logs
    that name items by both say.
    """
    twins = {}
    for guid, key in [pair for result in results for pair in result['names']] + [
            pair for pattern in patterns.values() for pair in pattern.items.values() if pair[0] and pair[1]]:
        twins[guid] = twins[key] = (guid, key)
    return twins


def chunks(log):
    """The bytes of a log in pieces that end with a line."""
    try:
        source = log.open()
    except (IOError, OSError):
        return
    rest = b''
    try:
        while True:
            data = source.read(CHUNK)
            if not data:
                break
            data = rest + data if rest else data
            cut = data.rfind(b'\n') + 1
            if cut:
                yield data[:cut]
            rest = data[cut:]
        if rest:
            yield rest
    except (IOError, OSError):
        return
    finally:
        source.close()


TAIL, MOST_TAILS = 1 << 17, 8
MOST_HEALTHY = 30


def healthy_calls(stream, zone):
    """[{'guid', 'rating_key', 'title', 'kind'}] of the newest calls that ended without an error, newest first."""
    out, seen, bad = [], set(), set()
    tails = 0
    for log in reversed(stream.files):
        for data in tails_of(log):
            calls = spans_of(data, zone)
            bad.update(call['rating_key'] or call['guid'] for call in calls if call['failed'])
            for call in reversed(calls):
                name = call['rating_key'] or call['guid']
                if call['ended'] and name and name not in seen and name not in bad:
                    seen.add(name)
                    out.append({'guid': call['guid'], 'rating_key': call['rating_key'], 'title': call['title'],
                                'kind': call['kind']})
            tails += 1
            if len(out) >= MOST_HEALTHY or tails >= MOST_TAILS:
                return out[:MOST_HEALTHY]
    return out


def tails_of(log):
    """Pieces of a log from its end on, each of whole lines; of a packed log the whole."""
    try:
        source = log.open()
        try:
            if not log.plain:
                yield source.read(MOST_TAILS * TAIL)
                return
            end = os.fstat(source.fileno()).st_size
            while end > 0:
                begin = max(0, end - TAIL)
                source.seek(begin)
                data = source.read(end - begin)
                cut = data.find(b'\n') + 1 if begin else 0
                yield data[cut:]
                end = begin + cut if cut else begin
        finally:
            source.close()
    except (IOError, OSError):
        return


def exact_seconds(header, zone):
    """Epoch seconds, with its milliseconds, of a record of a plug-in's log by the match of its header."""
    seconds = zone.seconds(local_seconds(header.group(1), PLUG_IN))
    return seconds + int(header.group(2)) / 1000.0 if header.group(2) and seconds is not None else seconds


def spans_of(data, zone):
    """[call] of a piece of a plug-in log; call: kind guid rating_key title thread start end ended failed. One that the
    end of the plug-in cut off has an end, and has not ended.
    """
    calls, open_calls, places = [], {}, choose_finder()(data, len(data))
    for place, words in sorted((place, words) for words in (HANDLING, RESPONSE, b':  CRITICAL (', b':  ERROR (',
                                                                             b' - ' + START_MARK)
                               for place in places(words)):
        line = data.rfind(b'\n', 0, place) + 1
        header = HEADER[PLUG_IN].match(data, line)
        if not header or header.end() != place + 3 and header.start(4) != place + 3:
            continue
        thread = header.group(3)
        if words is HANDLING:
            end = data.find(b'\n', line)
            call = read_call(data[header.end():end if end >= 0 else len(data)])
            before = open_calls.pop(thread, None)
            if before:                          # its answer was not logged
                before['end'] = exact_seconds(header, zone)
            if call:
                row = {'kind': call.kind, 'guid': call.guid, 'rating_key': call.rating_key, 'title': call.title,
                       'thread': to_text(thread),
                       'start': exact_seconds(header, zone), 'end': None, 'ended': False, 'failed': False}
                open_calls[thread] = row
                calls.append(row)
        elif words.endswith(START_MARK):
            for row in open_calls.values():
                row['end'] = exact_seconds(header, zone)
            open_calls.clear()
        elif words is RESPONSE:
            row = open_calls.pop(thread, None)
            if row:
                row['ended'], row['end'] = True, exact_seconds(header, zone)
        elif thread in open_calls and not ANY_NOISE[PLUG_IN].match(data, header.end()):
            open_calls[thread]['failed'] = True
    return calls


def agent_row(name):
    return {'identifier': name, 'bundle': None, 'searches': 0, 'updates': 0, 'starts': 0, 'failed_starts': 0,
            'errors': 0, 'failed_calls': 0, 'noise': 0, 'before_fix': 0,
            'levels': [], 'healthy_items': []}


def agent_rows(results, rows, twins):
    """The JSON of the agents: how much they did, how much of it failed, what they logged."""
    agents = {}
    for result in results:
        name = result['stream'].agent
        if not name or result['stream'].grammar == SERVER:
            continue
        row = agents.setdefault(name, agent_row(name))
        for key in ('searches', 'updates', 'starts'):
            row[key] += result[key]
        row['failed_starts'] += result['tally'].failed_starts
        row['levels'] = sorted(set(row['levels']) | set(result['levels']))
        for item in result['healthy']:
            twin = twins.get(item['rating_key'])
            row['healthy_items'].append(dict(item, guid=item['guid'] or (twin[0] if twin else None)))
    for pattern in rows:
        name = pattern['agent']
        if not name:
            continue
        row = agents.setdefault(name, agent_row(name))
        row['before_fix'] += (pattern['resolved'] or {}).get('before', 0)
        if pattern['bundle'] and not row['bundle']:
            row['bundle'] = pattern['bundle']
        row['noise' if pattern['noise'] else 'errors'] += pattern['count']
        if not pattern['noise'] and not pattern['echo_of'] and pattern['level'] not in ('WARN', 'WARNING'):
            row['failed_calls'] += pattern['searches'] + pattern['updates'] - pattern['echoes']
    return [agents[name] for name in sorted(agents)]


def rank(row):
    """Sort key of patterns: distinct items first, then how recent, then how often."""
    last = utc_seconds(row['last_seen']) if row['last_seen'] else 0
    return (-row['items_total'], -last, -row['count'], row['pattern'])


def shortlist_of(rows):
    """Fingerprints worth a diagnosis, best first: an agent's errors, no noise, no warnings, no mere echoes, not
    resolved. Below the warnings there are only errors that the agent itself reports there.
    """
    worth = [row for row in rows if row['agent'] and not row['noise'] and SEVERITY.get(row['level'], 2) != 2
             and not (row['resolved'] and not row['resolved']['came_back']) and not row['echo_of']]
    return [row['pattern'] for row in sorted(worth, key=rank)]


def join_cascades(rows, patterns):
    """Fill caused_by and echo_of: a fault that mostly follows another one, a logged URL error that only heralds its
    traceback.
    """
    by_name = dict((row['pattern'], row) for row in rows)
    for row in rows:
        row['echo_of'] = None
    for row in rows:
        for name, count in sorted(patterns[row['pattern']].causes.items(), key=lambda cause: -cause[1]):
            cause = by_name.get(name)
            if not cause or 2 * count < row['count'] and 2 * count < cause['count']:
                continue
            if cause['kind'] == 'media':
                row['caused_by'] = row['caused_by'] or {'pattern': name, 'count': count}
            elif 2 * count >= cause['count'] and cause['exception'] is None:
                cause['echo_of'] = row['pattern']


def times_of_fixes(resolved):
    """{pattern: epoch seconds of its newest fix} of [{'pattern', 'fixed_at'}]; Problem for a time that is none."""
    fixed = {}
    for row in resolved:
        if row.get('fixed_at'):
            whole, _, fraction = row['fixed_at'].rstrip('Z').partition('.')
            try:
                at = utc_seconds(whole + 'Z') + float('0.%s' % (fraction or 0))
                fixed[row.get('pattern')] = max(fixed.get(row.get('pattern'), 0), at)
            except ValueError:
                raise_clean(Problem('%s is no time of a fix; write 2026-11-22T10:30:00Z' % row['fixed_at'], USAGE))
    return fixed


def mark_resolved(rows, fixed, patterns):
    """Say which patterns a kept fix has ended; one that was seen since then is back."""
    for row in rows:
        if row['pattern'] in fixed:
            row['resolved'] = {'fixed_at': utc_text(fixed[row['pattern']]), 'came_back': bool(row['count']),
                               'before': patterns[row['pattern']].before_fix}


def count_calls_since_fixes(rows, streams, zone, since, until):
    """How many searches and updates there were since the fix of each pattern that is back: what its count is out of."""
    calls = {}
    for row in rows:
        if row['resolved'] and row['resolved']['came_back']:
            if row['agent'] not in calls:
                calls[row['agent']] = [
                    (call['kind'], call['start']) for stream in streams
                    if stream.agent == row['agent'] and stream.grammar == PLUG_IN for log in stream.files
                    for data in chunks(log) for call in spans_of(data, zone)]
            begin = max(since, utc_seconds(row['resolved']['fixed_at']))
            for name, meant in (('searches', 'search'), ('updates', 'update')):
                row['resolved'][name] = sum(kind == meant and begin <= (start or 0) < until
                                            for kind, start in calls[row['agent']])


MOST_COUNTED = 1 << 24                         # bytes in which lines are counted


def number_lines(rows, streams):
    """Give exemplars their line numbers, counted afterwards: counting on the way would cost a fifth of the whole time.

    In large logs those of the patterns at the top come first; what lies too far behind has its offset only.
    """
    logs = dict((log.name, log) for stream in streams for log in stream.files)
    ranks = dict((name, rank) for rank, name in enumerate(shortlist_of(rows)))
    wanted, furthest, budget = {}, {}, MOST_COUNTED
    for row in sorted(rows, key=lambda row: ranks.get(row['pattern'], len(ranks))):
        for exemplar in row['exemplars']:
            name, offset = exemplar['file'], exemplar['offset']
            more = max(0, offset - furthest.get(name, 0))
            if exemplar['line'] is None and more <= budget:
                budget -= more
                furthest[name] = furthest.get(name, 0) + more
                wanted.setdefault(name, []).append((offset, exemplar))
    for name, places in wanted.items():
        log, count, at = logs.get(name), 1, 0
        if not log or not log.plain:
            continue
        try:
            source = log.open()
            for offset, exemplar in sorted(places, key=lambda place: place[0]):
                source.seek(at)
                while at < offset:
                    data = source.read(min(CHUNK, offset - at))
                    if not data:
                        break
                    count, at = count + data.count(b'\n'), at + len(data)
                exemplar['line'] = count
            source.close()
        except (IOError, OSError):
            continue


# ---------------------------------------------------------------------------------------------- what later phases call
def read_events(paths, position=None, since=None, until=None):
    """(events, notes): error events in time order, noise included, as dicts.

    Keys: file line time (epoch seconds or None) thread level agent pattern noise (None or the reason) guid rating_key
    possible (where both are unknown, [{'guid', 'rating_key'}] of the items that a thread may have worked for)
    exception message wrapper kind own_frames [{'file', 'function', 'line', 'text'}] call (None, 'search' or 'update')
    text (redacted record). since, until: epoch seconds. notes: [{'file', 'why'}] of what could not be read.
    """
    streams, notes = open_streams(paths)
    zone = find_zone(streams)[0]
    events = []

    def keep(event):
        meaning, block = event.meaning, event.block
        data, begin, end = event.record
        events.append({
            'file': event.log.name, 'line': event.line, 'time': event.time, 'thread': to_text(event.thread),
            'level': event.level,
            'agent': meaning.agent, 'pattern': meaning.pattern, 'noise': meaning.noise.what if meaning.noise else None,
            'guid': event.guid, 'possible': [{'guid': guid, 'rating_key': key} for guid, key in event.possible],
            'rating_key': event.rating_key, 'exception': meaning.exception, 'message': redact(message_of(event)),
            'wrapper': meaning.wrapper,
            'kind': meaning.kind, 'call': event.call.kind if event.call else None,
            'own_frames': [{'file': file, 'function': function, 'line': frames[-1].line, 'text': frames[-1].text}
                           for file, function, frames, _ in block.chain] if block else [],
            'text': redact(to_text(data[begin:min(end, begin + LONGEST_EXEMPLAR)]).replace('\r\n', '\n').rstrip('\n'))})
    for stream in streams:
        Scan(stream, zone, keep, zone.local(since) if since is not None else None, zone.local(until)
             if until is not None else None,
             lines=True, link_noise=True, notes=notes).run(position)
    order = sorted(range(len(events)), key=lambda number: (events[number]['time'] or 0, number))
    return [events[number] for number in order], notes


def read_calls(paths, position=None):
    """{agent: [{'kind', 'guid', 'rating_key', 'title', 'thread', 'start', 'end', 'ended', 'failed'}]} from plug-in
    logs, oldest first.

    kind 'search' or 'update'; start and end are epoch seconds; ended is False for a call without an answer so far;
    failed: an error record stands between. Needs a log at level DEBUG.
    """
    streams, _ = open_streams(paths)
    zone = find_zone(streams)[0]
    calls = {}
    for stream in streams:
        if stream.grammar != PLUG_IN or not stream.agent:
            continue
        data = b''.join(read_from(log, offset) for log, offset in
                        (resume(stream, position, []) if position else [(log, 0) for log in stream.files]))
        calls.setdefault(stream.agent, []).extend(spans_of(data, zone))
    return calls


def read_words(paths, words, position=None):
    """[{'time', 'thread'}] of the records of plug-in logs that begin with one of the words (texts), from a position on.

    time: epoch seconds or None.
    """
    streams, _ = open_streams(paths)
    zone, words = find_zone(streams)[0], tuple(to_bytes(word) for word in words)
    data = [read_from(log, offset) for stream in streams for log, offset in
            (resume(stream, position, []) if position else [(log, 0) for log in stream.files])]
    headers = [(HEADER[PLUG_IN].match(line), line) for piece in data for line in piece.split(b'\n')]
    return [{'time': exact_seconds(header, zone), 'thread': to_text(header.group(3))}
            for header, line in headers if header and line.startswith(words, header.end())]


def read_from(log, offset):
    """All bytes of a log after an offset; b'' where it cannot be read."""
    try:
        source = log.open()
        try:
            data = []
            while True:
                piece = source.read(CHUNK)
                if not piece:
                    return b''.join(data)[offset:]
                data.append(piece)
        finally:
            source.close()
    except (IOError, OSError):
        return b''


START_LINES = Regex(br' - (Starting framework core - Version: |Started plug-in|Entering run loop|Exception while '
                    br'loading code'
                    br'|Exception starting plug-in|Stopping plug-in)')


def plugin_starts(paths, agent, position=None):
    """[{'time', 'ok', 'error'}] of the starts of one plug-in, oldest first.

    ok: True after "Started plug-in" and "Entering run loop", False after a load or start failure (error: its last
    line), None while it is still starting. time: epoch seconds of the start's first line.
    """
    streams, _ = open_streams(paths)
    zone = find_zone(streams)[0]
    starts = []
    for stream in streams:
        if stream.agent != agent or stream.grammar != PLUG_IN:
            continue
        todo = resume(stream, position, []) if position else [(log, 0) for log in stream.files]
        data = b''.join(read_from(log, offset) for log, offset in todo)
        for match in START_LINES.finditer(data):
            line = data.rfind(b'\n', 0, match.start()) + 1
            header = HEADER[PLUG_IN].match(data, line)
            if not header or header.end() != match.start() + 3:
                continue
            what = match.group(1)
            if what.startswith(b'Starting framework'):
                starts.append({'time': exact_seconds(header, zone), 'ok': None, 'error': None, 'started': False})
            elif not starts:
                continue
            elif what == b'Started plug-in':
                starts[-1]['started'] = True
            elif what == b'Entering run loop':
                if starts[-1]['started'] and starts[-1]['ok'] is None:
                    starts[-1]['ok'] = True
            elif what.startswith(b'Exception'):
                stop = match.end()
                while True:
                    stop = data.find(b'\n', stop)
                    if stop < 0 or STAMP[PLUG_IN].match(data, stop + 1):
                        break
                    stop += 1
                text = to_text(data[header.end():stop if stop >= 0 else len(data)]).strip()
                starts[-1]['ok'], starts[-1]['error'] = False, redact(text.split('\n')[-1])
    for start in starts:
        del start['started']
    return starts


def aggregate_path(run_dir, iteration, postfix=False, suffix='.json'):
    """Where the aggregate of an iteration lies: .json for scripts, .txt for people."""
    return os.path.join(run_dir, 'aggregated_logs_iteration_%d%s%s' % (iteration, '_postfix' if postfix else '',
                                                                       suffix))


def read_aggregate(path):
    """The aggregate that this script wrote. Problem where it is missing, damaged or of a newer schema."""
    return read_json(path, AGGREGATE_SCHEMA, 'aggregate_plex_logs.py', {'patterns': [{'pattern': STRING}]})


# --------------------------------------------------------------------------------------------------------------- report
WIDTH = 80


def fit(text, width=WIDTH):
    """Text cut to a width, with '...' where something was cut."""
    text = text[:len(text) - len(text.lstrip())] + ' '.join(text.split())
    return text if len(text) <= width else text[:max(0, width - 3)] + '...'


def wrapped(text, indent, width=WIDTH, most=9):
    """[line] of a text, broken at blanks, and within a word that is longer than a line; the lines after the first are
    indented, and the last of too many is cut.

    Not textwrap: it also breaks at hyphens, of which URLs, paths and options have many, on each Python at other ones.
    """
    lead = len(text) - len(text.lstrip())
    text, lines = text[:lead] + ' '.join(text.split()), []
    while len(text) > width and len(lines) < most - 1:
        at = max(text.rfind(' ', lead, width + 1), lead)
        end = text.find(' ', at + 1)
        if at == lead or (end if end >= 0 else len(text)) - at - 1 > width - indent:
            at = width
        lines.append(text[:at].rstrip())
        text, lead = ' ' * indent + text[at:].lstrip(), indent
    return lines + [fit(text, width)]


def size_text(size):
    return '%.1f MB' % (size / 1e6) if size >= 1e5 else '%.1f KB' % (size / 1e3)


def span_text(row):
    """'2026-02-03T21:14 to 2026-02-04T08:00'; one of both where they are the same."""
    first, last = ((row[name] or '')[:16] for name in ('first_seen', 'last_seen'))
    return 'when is not logged' if not first else first if first == last else '%s to %s' % (first, last)


def count_text(number, one, many=None):
    return '%d %s' % (number, one if number == 1 else many or one + 's')


def place_text(row):
    """'Example.bundle/Contents/Code/__init__.py update' of the last own frame."""
    if not row['own_frames']:
        return ''
    frame = row['own_frames'][-1]
    return '%s in %s' % (frame['file'], frame['function'] or 'its source')


def report_lines(document, most=20):
    """The report a person reads first, as lines of at most 80 columns."""
    rows = document['patterns']
    real = [row for row in rows if not row['noise']]
    noise = [row for row in rows if row['noise']]
    window = document['window']
    lines = ['Plex logs, %s to %s (%s)' % (window['from'] or 'unknown', window['to'] or 'unknown', window['zone'])
             if window['from'] or window['to'] else 'Plex logs without times',
             '%s, %s; %s in %s, %s of known noise set apart' % (
                 count_text(len(document['files']), 'file'), size_text(document['bytes']),
                 count_text(document['events'] - document['noise_events'], 'error'), count_text(len(real), 'pattern'),
                 document['noise_events'])]
    if document['server']['version']:
        lines += wrapped('Plex Media Server %s, %s' % (document['server']['version'],
                                                       document['server']['platform']), 2)
    if document['agents']:
        lines += ['', 'Agents', '  %-38s %8s %8s %6s %6s %7s' % ('identifier', 'searches', 'updates', 'starts',
                                                                 'errors', 'failed')]
    for agent in document['agents']:
        calls = agent['searches'] + agent['updates']
        rate = '%.1f %%' % min(100, 100 * agent['failed_calls'] / calls) if calls else '-'
        lines.append('  %-38s %8d %8d %6s %6d %7s' % (
            fit(agent['identifier'], 38), agent['searches'], agent['updates'],
            '%d of %d' % (agent['starts'] - agent['failed_starts'], agent['starts']) if agent['failed_starts']
            else agent['starts'],
            agent['errors'], rate))
        if agent['before_fix']:
            lines.append('    without %s from before their fix' % count_text(agent['before_fix'], 'error'))
        if agent['levels'] and 'DEBUG' not in agent['levels']:
            lines.append('    logs only %s: calls are not counted, silence is not health' % ', '.join(agent['levels']))
    lines += ['', 'Shortlist (distinct items, then recency, then count)']
    by_name = dict((row['pattern'], row) for row in rows)
    for number, name in enumerate(document['shortlist'][:most]):
        row = by_name[name]
        lines += pattern_lines(number + 1, row)
    if not document['shortlist']:
        lines.append('  nothing: no agent reported an error that is not noise')
    if len(document['shortlist']) > most:
        lines.append('  ... and %d more, in the JSON' % (len(document['shortlist']) - most))
    listed = set(document['shortlist'])
    rest = [row for row in real if row['pattern'] not in listed]
    if rest:
        lines += ['', "Other patterns (the server's own, warnings, echoes, resolved)"]
        for row in rest[:most]:
            ended = row['resolved'] and not row['count']
            lines += wrapped('  %6d x %s%s: %s' % (
                row['resolved']['before'] if ended else row['count'], 'before its fix, ' if ended else '',
                row['agent'] or ('server' if row['kind'] in ('server', 'scanner') else 'a plug-in'), title_of(row)),
                             11, most=2)
        if len(rest) > most:
            lines.append('  ... and %d more, in the JSON' % (len(rest) - most))
    if noise:
        lines += ['', 'Known noise (counted, never ranked)']
        reasons = {}
        for row in noise:
            reasons[row['noise']] = reasons.get(row['noise'], 0) + row['count']
        for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
            harmless, _, unless = reason.partition(SUSPICIOUS)
            lines += wrapped('  %6d x %s' % (count, harmless), 11)
            if unless:
                lines += wrapped('           suspicious when %s' % unless, 11)
    if document['unread']:
        lines += ['', 'Not read']
        for row in document['unread'][:most]:
            lines += wrapped('  %s: %s' % (row['file'], row['why']), 4)
        if len(document['unread']) > most:
            lines.append('  ... and %d more, in the JSON' % (len(document['unread']) - most))
    return lines


def readable(text):
    """A message of Python 2 for people: what it wrote as \\xc3\\xbc (bytes of UTF-8) or \\u0161 is the letter again.
    ASCII stays escaped: the text was redacted as it stands, and \\u0040 would make an address of it.
    """
    def letters(found):
        made = bytes(bytearray(int(one, 16) for one in found.group()[2:].split('\\x'))).decode('utf-8', 'replace')
        return found.group() if '\ufffd' in made else made

    text = re.sub(r'(?:\\x[89a-f][0-9a-f]){2,}', letters, text)
    return re.sub(r'\\u(?!d[89a-f]|00[0-9])([0-9a-f]{4})', lambda found: six.unichr(int(found.group(1), 16)), text)


def title_of(row):
    if row['exception'] and row['message']:
        return '%s: %s' % (row['exception'], readable(row['message']))
    said = re.match(r'[^\n]*? :  [A-Z]+ \([^()\n]*\) - ([^\n]+?) \(most recent call last\)',
                    row['exemplars'][0]['text'] if row['exemplars'] else '')
    wrapper = re.sub(r'(?: of agent)? named$|[: ]+$', '', row['wrapper']) or (said.group(1) if said else 'An exception')
    return row['exception'] or row['message'] or '%s (the log ends before it says which)' % wrapper


def pattern_lines(number, row):
    lines = wrapped('%3d. %s' % (number, title_of(row)), 5, most=3)
    lines.append(fit('     %s  %s' % (row['pattern'], row['agent'])))
    if row['own_frames']:
        lines += wrapped('     at %s' % place_text(row), 8)
    possible = len(row['possible_items'])
    lines.append('     %s, %s, %s' % (count_text(row['items_total'], 'item') if row['items_total'] else
                                      '%s at work' % count_text(possible, 'item') if possible else 'no item named',
                                      count_text(row['count'], 'time'), span_text(row)))
    names = [item['rating_key'] or item['guid'] for item in row['items'][:3]]
    if names:
        more = row['items_total'] - len(names)
        lines += wrapped('     items %s%s' % (', '.join(names), ' and %d more' % more if more else ''), 8, most=3)
    if row.get('rotated_away'):
        lines.append('     in no log any more; as an earlier aggregate told it')
    if row['caused_by']:
        lines.append('     follows %s (%d times)' % (row['caused_by']['pattern'], row['caused_by']['count']))
    if row['resolved']:
        lines.append('     all since its fix at %s, %s before' % (
            row['resolved']['fixed_at'], count_text(row['resolved']['before'], 'time')))
    return lines


# ------------------------------------------------------------------------------------------------------- command line
def moment_of(text, now=None):
    """Epoch seconds of '24h', '7d', '30m', an ISO time with Z or an offset, or an ISO time or date in this machine's
    zone.
    """
    match = re.match(r'^(\d+(?:\.\d+)?)([mhdw])$', text)
    if match:
        unit = {'m': 60, 'h': 3600, 'd': 86400, 'w': 604800}[match.group(2)]
        return (now or time.time()) - float(match.group(1)) * unit
    match = re.match(r'^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$', text)
    if not match:
        raise Problem('%s is no time; write 24h, 7d or 2026-11-22T10:30:00Z' % text, USAGE)
    try:
        parts = time.strptime('%s %s%s' % (match.group(1), match.group(2) or '00:00', match.group(3) or ':00'),
                              '%Y-%m-%d %H:%M:%S')
    except ValueError:
        raise_clean(Problem('%s is no time; write 24h, 7d or 2026-11-22T10:30:00Z' % text, USAGE))
    if not match.group(4):
        return time.mktime(parts[:8] + (-1,))
    seconds = epoch_seconds(*parts[:6])
    if match.group(4) != 'Z':
        digits = match.group(4)[1:].replace(':', '')
        seconds -= (1 if match.group(4)[0] == '+' else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)
    return seconds


def build_parser():
    parser = parser_for(__doc__, 'aggregate_plex_logs.py')
    parser.add_argument('--logs', metavar='PATH', action='append', help='a folder, a log, a zip or - (repeatable; '
                                                                        'default: the '
                                                                        "server's own)")
    add_shared_options(parser, '--run-dir', '--iteration', '--plex-home')
    parser.add_argument('--postfix', action='store_true', help='write aggregated_logs_iteration_N_postfix.* (window '
                                                               'of the active test)')
    parser.add_argument('--since', metavar='TIME', help='24h, 7d or an ISO time')
    parser.add_argument('--until', metavar='TIME', help='the same')
    parser.add_argument('--resume', metavar='FILE', help='read only what came since this earlier aggregate (or log '
                                                         'position)')
    parser.add_argument('--resolved', metavar='FILE', help='JSON list of {pattern, fixed_at}: of these, what came '
                                                           'before the fix is only counted')
    parser.add_argument('--earlier', metavar='FILE', action='append', default=[],
                        help='an earlier aggregate: its patterns that no log holds any more are taken over '
                             '(repeatable, the newest first)')
    parser.add_argument('--events', metavar='FILE', help='also write one JSON line per error event')
    parser.add_argument('--keep-paths', action='store_true', help='do not shorten home folders')
    parser.add_argument('--jobs', metavar='N', type=int, help='processes (default: 2 for over 64 MB on two cores, '
                                                              'else 1)')
    add_shared_options(parser, '--quiet', '--json')
    return parser


def event_writer(out):
    """A function that writes an Event as one JSON line."""
    def write(event):
        meaning = event.meaning
        row = {'file': event.log.name, 'line': event.line, 'time': event.time, 'level': event.level,
               'agent': meaning.agent,
               'pattern': meaning.pattern, 'noise': meaning.noise.what if meaning.noise else None, 'guid': event.guid,
               'rating_key': event.rating_key}
        out.write(to_bytes(json.dumps(row, sort_keys=True)) + b'\n')
    return write


def read_list(path, what):
    try:
        with io.open(path, encoding='utf-8') as source:
            document = json.load(source)
    except (IOError, OSError) as problem:
        raise_clean(Problem('%s cannot be read (%s); name the file of %s' % (path, problem.strerror, what)))
    except ValueError:
        raise_clean(Problem('%s is not JSON; name the file of %s' % (path, what)))
    return document


class ProgressBar(object):
    """A bar on a terminal for work that takes over a second."""

    def __init__(self, stream):
        self.stream, self.began, self.drawn = stream, time.time(), None

    def __call__(self, done, total):
        """Draw it anew when it has grown. done, total: in the same unit; the bar ends when they are equal."""
        percent = 100 * min(done, total) // total if total else 100
        if percent != self.drawn and time.time() - self.began > 1:
            self.drawn = percent
            self.stream.write('\r[%-40s] %3d %%%s' % ('#' * (2 * percent // 5), percent, '\n' if done >= total else ''))
            self.stream.flush()


def run(options):
    if options.earlier and (options.resume or options.until):
        raise Problem('--earlier takes over what no log holds any more, and --resume and --until leave out some that '
                      'they hold; leave one out', USAGE)
    if options.logs:
        paths = options.logs
    else:
        paths = [find_log_folder(find_plex_home(options.plex_home))]
    position = None
    if options.resume:
        earlier = read_list(options.resume, 'an earlier aggregate')
        position = earlier.get('position', earlier) if isinstance(earlier, dict) else None
        if not fits(position, {'streams': dict}) or not fits(list(position['streams'].values()), [
                {'head_bytes': six.integer_types, 'head': STRING, 'offset': six.integer_types}]):
            raise Problem('%s holds no log position; name an aggregate of this script' % options.resume)
    resolved = read_list(options.resolved, 'resolved patterns') if options.resolved else []
    if not fits(resolved, [{'pattern': STRING, 'fixed_at?': STRING}]):
        raise Problem('%s is no list of {pattern, fixed_at}; name resolved_patterns.json of a run' % options.resolved)
    since = moment_of(options.since) if options.since else None
    until = moment_of(options.until) if options.until else None
    if since is not None and until is not None and since >= until:
        raise Problem('--until is not after --since, so nothing lies between them; turn them round', USAGE)
    if options.events and not os.path.isdir(os.path.dirname(os.path.abspath(options.events))):
        raise Problem('there is no folder for %s; make it, or name another file with --events' % options.events)
    if options.run_dir and os.path.isdir(os.path.dirname(os.path.abspath(options.run_dir))) \
            and not os.path.lexists(options.run_dir):
        os.mkdir(options.run_dir)               # by hand the loop begins here
    run_dir = find_run_dir(options.run_dir) if options.run_dir or not options.logs else None
    events = None
    if options.events:
        import tempfile
        events = tempfile.TemporaryFile()
    document = aggregate(paths, position, since, until, options.keep_paths, event_writer(events) if events else None,
                         resolved,
                         options.jobs, ProgressBar(sys.stderr) if sys.stderr.isatty() else None)
    for path in options.earlier:
        document = with_rotated_away(document, read_aggregate(path), resolved, since, options.keep_paths)
    if events:
        events.seek(0)
        write_file(options.events, without_secrets(events.read()))
    lines = report_lines(document)
    if run_dir:
        iteration = current_iteration(run_dir, options.iteration)
        write_file(aggregate_path(run_dir, iteration, options.postfix, '.txt'), '\n'.join(lines) + '\n')
        write_json(aggregate_path(run_dir, iteration, options.postfix), document, AGGREGATE_SCHEMA)
    if options.json:
        say(''.join(json_pieces(dict(document, schema=AGGREGATE_SCHEMA), True)).rstrip())
    elif not options.quiet:
        for line in lines:
            say(line)
        if run_dir:
            say('\n' + aggregate_path(run_dir, iteration, options.postfix, '.txt'))
    return INCOMPLETE if document['unread'] and not document['files'] else DONE


def main(argv=None):
    return run_script(run, build_parser(), argv)


def leave(code):
    """End the process at once: to take apart first what it has in memory takes a hundredth of the time of 500 MB."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (IOError, OSError, ValueError):  # closed or full: run_script() has told
            pass
    os._exit(code)


if __name__ == '__main__':
    leave(main())
