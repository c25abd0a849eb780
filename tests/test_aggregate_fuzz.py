# -*- coding: utf-8 -*-
"""A small run of fuzz_aggregate.py; the large one is by hand."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fuzz_aggregate


def test_damaged_logs():
    assert fuzz_aggregate.run(2003, 7) is None
