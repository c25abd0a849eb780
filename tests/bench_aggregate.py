#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Time aggregate_plex_logs.py against grep over the same logs, in pairs, and print the ratios.

Usage:
  bench_aggregate.py FOLDER [--pairs N] [--python PATH ...] [--jobs N] [--since TIME --until TIME]

FOLDER holds Logs/ as a generator of logs made it. The other side of each pair is
  find FOLDER/Logs -type f -print0 | LC_ALL=C xargs -0 grep -acE ' (ERROR|CRITICAL|WARN) '
(zcat before it for *.gz). Output goes to a file, the cache is warm, the quickest of N pairs counts: the machine may do other things.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import os
import subprocess
import sys
import tempfile
import time

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'aggregate_plex_logs.py')
GREP = ("find %s/Logs -type f ! -name '*.gz' -print0 | LC_ALL=C xargs -0 grep -acE ' (ERROR|CRITICAL|WARN) '; "
        "find %s/Logs -type f -name '*.gz' -print0 | xargs -0 -r zcat | LC_ALL=C grep -acE ' (ERROR|CRITICAL|WARN) '")


def seconds_of(command, out):
    """Wall time of a command whose output goes to a file."""
    began = time.time()
    code = subprocess.call(command, stdout=out, stderr=out, shell=not isinstance(command, list))
    if isinstance(command, list) and code:
        sys.exit('%s ended with %d' % (command[1], code))
    return time.time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('--pairs', type=int, default=5)
    parser.add_argument('--python', action='append', help='interpreters to time (default: this one)')
    parser.add_argument('--script', default=SCRIPT)
    options, more = parser.parse_known_args()
    with tempfile.TemporaryFile() as out:
        for python in options.python or [sys.executable]:
            mine, grep = [], []
            for _ in range(options.pairs):
                grep.append(seconds_of(GREP % (options.folder, options.folder), out))
                mine.append(seconds_of([python, options.script, '--logs', os.path.join(options.folder, 'Logs')] + more, out))
            print('%-34s %.2f s, grep %.2f s, ratio %.2f (median of pairs %.2f)' % (
                python[-34:], min(mine), min(grep), min(mine) / min(grep), sorted(m / g for m, g in zip(mine, grep))[len(mine) // 2]))
            sys.stdout.flush()


if __name__ == '__main__':
    main()
