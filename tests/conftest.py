# -*- coding: utf-8 -*-
"""Makes the seven scripts importable also under bare `pytest`, which does not put the root on sys.path."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
