#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Group the errors in Plex's logs into patterns, and say which library items each one hits.

Reads:   the Logs folder of a Plex Media Server, a file, a zip or standard input
Writes:  aggregated_logs_iteration_N.txt and .json in the run directory

Usage:
  aggregate_plex_logs.py [--logs PATH ...] [--run-dir DIR] [options]

Examples:
  aggregate_plex_logs.py --logs ~/Downloads/Logs          # a bare folder
  aggregate_plex_logs.py --since 24h                      # this server's last day

Exit codes:
  0 done   2 usage   3 incomplete   4 nothing to read   130 interrupted
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import calendar
import errno
import io
import json
import os
import sys
import tempfile
import time
import traceback

try:
    import six
    from future.utils import raise_from
except ImportError as missing:                  # the one thing a newcomer is sure to meet; it must not look like a bug
    sys.stderr.write('%s: %s; install the packages: python -m pip install six future\n'
                     % (os.path.basename(sys.argv[0]), missing))
    sys.exit(4)

__version__ = '1.0'

# --------------------------------------------------------------------------------------------------------- exit codes
DONE, BUG, USAGE, INCOMPLETE, NO_ENVIRONMENT, UNSAFE, NEGATIVE, LOCKED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 75, 130


class Problem(Exception):
    """Something a user can cause or mend: one sentence that says what to do, and an exit code."""

    def __init__(self, sentence, code=NO_ENVIRONMENT):
        Exception.__init__(self, sentence)
        self.sentence = sentence
        self.code = code


# ------------------------------------------------------------------------------------------- text at the edge, and time
def to_text(value):
    """Text of bytes (UTF-8, bad bytes replaced) or of text; the only way in."""
    return value.decode('utf-8', 'replace') if isinstance(value, bytes) else six.text_type(value)


def to_bytes(value):
    """UTF-8 bytes of text or of bytes; the only way out."""
    return value if isinstance(value, bytes) else value.encode('utf-8')


def utc_text(seconds=None):
    """'2026-11-22T10:30:00Z' for seconds since the epoch (default: now)."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() if seconds is None else seconds))


def utc_seconds(text):
    """Seconds since the epoch of what utc_text() wrote; ValueError for anything else."""
    return calendar.timegm(time.strptime(text, '%Y-%m-%dT%H:%M:%SZ'))


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


def write_file(path, data, mode=0o644):
    """Put bytes or text at path so that a reader sees the old file or the whole new one, also after a power cut.

    The temporary file stands beside the target (another folder may be another volume). A link is followed, so that
    what it points to changes, not the link. Errors: OSError, with nothing left behind.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    handle, temporary = tempfile.mkstemp(prefix='.writing-', dir=folder)
    try:
        with os.fdopen(handle, 'wb') as out:
            out.write(to_bytes(data))
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, mode)
        if os.name == 'nt' and six.PY2 and os.path.exists(path):    # 2.7 on Windows cannot rename over a file
            os.remove(path)
        (os.rename if six.PY2 else os.replace)(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
    sync_folder(folder)


def write_json(path, document, schema):
    """Write a dict as JSON with its schema number, sorted keys and UTF-8 text."""
    text = json.dumps(dict(document, schema=schema), sort_keys=True, indent=2, ensure_ascii=False,
                      separators=(',', ': '))
    write_file(path, to_bytes(text) + b'\n')


def read_json(path, schema, made_by):
    """The dict that write_json wrote. Problem (one sentence) where it is missing, damaged or of a newer schema."""
    try:
        with io.open(path, encoding='utf-8') as source:
            document = json.load(source)
    except (IOError, OSError) as problem:
        raise_from(Problem('%s cannot be read (%s); run %s first' % (path, problem.strerror, made_by)), None)
    except ValueError:
        raise_from(Problem('%s is not whole JSON; run %s again' % (path, made_by)), None)
    if not isinstance(document, dict) or not isinstance(document.get('schema'), int):
        raise Problem('%s has no schema number, so it is not from %s; run %s again' % (path, made_by, made_by))
    if document['schema'] > schema:
        raise Problem('%s has schema %d, this version knows %d; update the whole folder of scripts'
                      % (path, document['schema'], schema))
    return document


# -------------------------------------------------------------------------------------------------- the command's edge
def say(text, stream=None):
    """Print a line of text on a terminal, pipe or file of any encoding (LC_ALL=C has ASCII only)."""
    stream = stream or sys.stdout
    encoding = getattr(stream, 'encoding', None) or 'utf-8'
    if six.PY2:
        stream.write((text + '\n').encode('ascii' if encoding.upper() in ('ANSI_X3.4-1968', 'US-ASCII') else encoding,
                                          'replace'))
    else:
        stream.write((text + '\n').encode(encoding, 'replace').decode(encoding))


def warn(script, sentence):
    """One line on stderr."""
    say('%s: %s' % (script, sentence), sys.stderr)


def parser_for(doc, script):
    """An argparse parser whose --help is the script's own docstring followed by its options."""
    parser = argparse.ArgumentParser(prog=script, description=doc, usage=argparse.SUPPRESS, add_help=True,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
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


def run_script(run, parser, argv=None):
    """Call run(options) and turn whatever happens into an exit code: the one place where errors meet the user."""
    script = parser.prog
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return stop.code or DONE
    try:
        code = run(options) or DONE
        sys.stdout.flush()
        return code
    except Problem as problem:
        warn(script, problem.sentence)
        return problem.code
    except KeyboardInterrupt:
        warn(script, 'interrupted; nothing half written was left behind')
        return INTERRUPTED
    except (IOError, OSError) as problem:
        if problem.errno == errno.EPIPE:        # `| head` has seen enough
            sys.stdout = io.open(os.devnull, 'w')
            return DONE
        if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            warn(script, '%s: %s' % (to_text(problem.filename or 'writing'), to_text(problem.strerror)))
            return NO_ENVIRONMENT
        traceback.print_exc()
        return BUG
    except Exception:                           # a bug must look like a bug, and like nothing else
        traceback.print_exc()
        return BUG


# -------------------------------------------------------------------------------------------------- the run directory
RUNS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'runs')


def find_run_dir(option):
    """The folder named by --run-dir, else the newest under runs/. Problem where there is none."""
    if option:
        if not os.path.isdir(option):
            raise Problem('there is no run directory %s; make it, or leave --run-dir out' % option)
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


# ------------------------------------------------------------------------------------------------------- command line
def build_parser():
    parser = parser_for(__doc__, 'aggregate_plex_logs.py')
    add_shared_options(parser, '--run-dir', '--iteration', '--plex-home', '--quiet', '--json')
    return parser


def run(options):
    raise Problem('not built yet')


def main(argv=None):
    return run_script(run, build_parser(), argv)


if __name__ == '__main__':
    sys.exit(main())
