#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Benchmark: how long `--help` of each script takes, against an interpreter that does nothing.

Usage: python tests/bench_startup.py [RUNS]      medians of RUNS (11) runs, in turn
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPTS = ('aggregate_plex_logs', 'diagnose_from_report', 'implement_fix', 'test_fix_actively', 'compare_metrics',
           'parse_test_report', 'loop_coordinator')


def seconds(words):
    began = time.time()
    with open(os.devnull, 'wb') as nowhere:
        subprocess.check_call([sys.executable] + words, stdout=nowhere)
    return time.time() - began


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    commands = [('nothing', ['-c', 'pass'])] + [
        (name, [os.path.join(ROOT, name + '.py'), '--help']) for name in SCRIPTS]
    times = dict((name, []) for name, _ in commands)
    for _ in range(runs):
        for name, words in commands:
            times[name].append(seconds(words))
    base = sorted(times['nothing'])[runs // 2]
    for name, _ in commands:
        median = sorted(times[name])[runs // 2]
        print('%-24s %6.0f ms   %5.1f times an idle start' % (name, 1000 * median, median / base))


if __name__ == '__main__':
    main()
