#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Feed the aggregator damaged logs: no exception, no endless loop, no record lost that was whole.

Usage:
  fuzz_aggregate.py [--cases N] [--seed N]

Each case is a few log records, most of them damaged (bytes changed, lines cut, doubled, joined, records spliced into
each other, random bytes), around one that is whole. Prints the case that fails, and ends with 1. The same seed gives
the same cases on each Python.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import aggregate_plex_logs as logs

FRAMES = ('  File "/usr/lib/plexmediaserver/Resources/Plug-ins-c67dce28e/Framework.bundle/Contents/Resources/Versions/'
          '2/Python/Framework/api/'
          'agentkit.py", line 1093, in _update\n    agent.update(obj, media, lang, **kwargs)\n'
          '  File "/var/lib/Plex Media Server/Plug-ins/Example.bundle/Contents/Code/__init__.py", line 88, in '
          'update\n    self.fill(page)\n'
          '  File "C:\\Users\\x\\Plug-ins\\Example.bundle\\Contents\\Code\\sites.py", line 12, in <lambda.7>\n')
WHOLE = ("2026-02-03 21:14:07,318 (7f4c) :  CRITICAL (agentkit:1095) - Exception in the update function of agent "
         "named 'Example', called with guid "
         "'com.plexapp.agents.example://4711?lang=en' (most recent call last):\n" + FRAMES
         + "    return page['whole']\nKeyError: 'whole'\n\n").encode('utf-8')
RECORDS = [text.encode('utf-8') for text in (
    '2026-02-03 21:14:07,318 (7f4c) :  DEBUG (runtime:717) - Handling request GET '
    '/:/plugins/com.plexapp.agents.example/messaging/function/'
    'X0FnZW50S2l0OlVwZGF0ZU1ldGFkYXRh/Y2VyZWFsMQoxCmxpc3QKMApyMAo_/Y2VyZWFsMQoxCmRpY3QKMQpzMgplbnM0CmxhbmdyMAo_\n',
    '2026-02-03 21:14:08,318 (7f4c) :  DEBUG (runtime:924) - Response: [200] str, 16 bytes\n',
    "2026-02-03 21:14:09,318 (-490f4450) :  ERROR (networking:197) - Error opening URL "
    "'https://x.example/1?token=abc'\n",
    '2026-02-03 21:14:09,318 (7f4c) :  CRITICAL (core:569) - Exception while loading code (most recent call last):\n'
    + FRAMES +
    '  File "/x/Example.bundle/Contents/Code/a.py", line 3\n    return x\n         ^\nSyntaxError: invalid syntax\n\n',
    '2026-02-03 21:14:09,318 (7f4c) :  DEBUG (a:1) - Traceback (most recent call last):\n' + FRAMES
    + 'ApiError: it said:\n<html>\n  File "x.cgi", line 1, in y\n\n',
    'Feb 03, 2026 21:14:07.318 [0x7f4c] ERROR - [Req#1f] HTTP error requesting GET https://x.example (7, no)\n',
    'Feb 03, 2026 21:14:07 [10816] WARN - NAT-PMP/UPnP: mapping\n', 'Feb 01, 2024 10:00:00.123 [10816] Fehler \u2014 '
                                                                    'kaputt\n',
    '> 2026-02-03 21:14:07,318 (7f4c) : ERROR (a:1) - quoted \u5343\u3068\n', 'Traceback (most recent call last):\n'
    + FRAMES + 'error: bad\n',
    '```\n', 'ERROR: common.load() - no\n', '\n', '2026-02-03 21:14:07,318 - 1f3c - ERROR: own\n')]


processor_time = getattr(time, 'process_time', None) or time.clock


class Dice(object):
    """A small generator of numbers that is the same on each Python (Mersenne sequences are not, across 2 and 3)."""

    def __init__(self, seed):
        self.state = (seed * 2654435761 + 88172645463325252) & 0xffffffffffffffff

    def roll(self, sides):
        self.state ^= (self.state << 13) & 0xffffffffffffffff
        self.state ^= self.state >> 7
        self.state ^= (self.state << 17) & 0xffffffffffffffff
        return (self.state >> 11) % sides


def damage(data, dice):
    """A record with one to four things done to it."""
    for _ in range(1 + dice.roll(4)):
        if not data:
            break
        what, place, other = dice.roll(9), dice.roll(len(data)), dice.roll(len(data))
        low, high = min(place, other), max(place, other)
        if what == 0:
            data = data[:place] + bytes(bytearray([dice.roll(256)])) + data[place + 1:]
        elif what == 1:
            data = data[:low] + data[high:]
        elif what == 2:
            data = data[:place]
        elif what == 3:
            data = data[:low] + data[low:high] * 2 + data[high:]
        elif what == 4:
            splice = RECORDS[dice.roll(len(RECORDS))]
            data = data[:place] + splice[dice.roll(len(splice)):] + data[place:]
        elif what == 5:
            data = data.replace(*[(b'\n', b' '), (b'\n', b'\r\n'), (b'  ', b' '), (b'"', b''), (b':', b''),
                                  (b'\n', b'\n\n'), (b'(', b'(('),
                                  (b'\n    ', b'\n')][dice.roll(8)])
        elif what == 6:
            data = data[:place] + bytes(bytearray(dice.roll(256) for _ in range(dice.roll(40)))) + data[place:]
        elif what == 7:
            data = data[place:]
        else:
            data = data[:place] + [b'\0', b'\n', b'\r', b'\xff\xfe', b'{', b"'", b'File "', b'[' * 50,
                                   b'2026-02-03 '][dice.roll(9)] + data[place:]
    return data


def case(number, seed):
    """(bytes of a log, place of the whole record in it or None)."""
    dice = Dice(seed * 1000003 + number + 1)
    dice.roll(2)
    parts = [damage(RECORDS[dice.roll(len(RECORDS))], dice) for _ in range(1 + dice.roll(4))]
    if dice.roll(8) == 0:
        return b''.join(parts), False
    parts[dice.roll(len(parts))] = b'\n' + WHOLE
    # damage that cuts the end of a line must not reach into the record after it
    return b''.join(part if part.endswith(b'\n') else part + b'\n' for part in parts), True


def patterns_in(data, name):
    """{fingerprint: count} of a log, through all that a real one goes through; also what pattern rows and reports are
    made of.
    """
    log = logs.LogFile(name, name, data=data)
    stream = logs.Stream(name, 'com.plexapp.agents.example', logs.sniff(data[:65536]), [log])
    tally = logs.Tally()
    logs.Scan(stream, logs.Zone(None if len(data) % 2 else 0), tally.add, count=tally.count).run()
    for pattern in tally.patterns.values():
        logs.pattern_row(pattern, {}, False)
    return dict((key, pattern.count) for key, pattern in tally.patterns.items())


def run(cases, seed, slowest=2.0):
    """Number of the first case that fails and why, or None."""
    whole, = patterns_in(WHOLE, 'x.log')
    for number in range(cases):
        data, is_whole = case(number, seed)
        began = processor_time()
        try:
            found = patterns_in(data, 'x.log')
        except Exception:
            return number, data, 'exception'
        if processor_time() - began > slowest:
            return number, data, 'took %.1f s' % (processor_time() - began)
        if is_whole and b'\0' not in data[:1000] and whole not in found:
            return number, data, 'lost the whole record'
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', type=int, default=10000)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    began = time.time()
    failed = run(options.cases, options.seed)
    if failed:
        print('case %d of seed %d: %s\n%r' % (failed[0], options.seed, failed[2], failed[1]))
        if failed[2] == 'exception':
            patterns_in(failed[1], 'x.log')
        return 1
    print('%d cases of seed %d in %.0f s: all well' % (options.cases, options.seed, time.time() - began))
    return 0


if __name__ == '__main__':
    sys.exit(main())
