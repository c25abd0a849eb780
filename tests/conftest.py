# -*- coding: utf-8 -*-
"""Makes the seven scripts importable also under bare `pytest`, which does not put the root on sys.path.

The scripts that tests start keep their compiled siblings: to compile all of them again at each of some 150 starts would
be a third of the time.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

import pytest

os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(autouse=True)
def no_bug_is_spared():
    """A rule that fails costs a user only itself, and a test everything."""
    import diagnose_from_report as diagnose
    yield
    found = diagnose.BUGS[:]
    del diagnose.BUGS[:]
    assert not found, found[0]
