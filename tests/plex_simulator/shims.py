# -*- coding: utf-8 -*-
"""Modules that agents import and that only Python 2 has under these names, and the bundle's own Libraries."""
from __future__ import absolute_import, division, print_function, unicode_literals

import importlib
import os
import sys
import threading
import types

import six
from six.moves import http_client, queue
from six.moves.urllib import error, parse, request

LOCK = threading.Lock()


def module_of(name, *sources, **more):
    """A module that gathers the public names of others under a name of Python 2."""
    module = types.ModuleType(str(name))
    for source in sources:
        vars(module).update((key, getattr(source, key)) for key in dir(source) if not key.startswith('_'))
    vars(module).update(more)
    return module


def python2_modules():
    if six.PY2:
        return {}
    return {'urllib2': module_of('urllib2', request, error, quote=parse.quote, unquote=parse.unquote),
            'urllib': module_of('urllib', parse, request), 'urlparse': module_of('urlparse', parse), 'Queue': queue,
            'httplib': http_client, 'StringIO': module_of('StringIO', StringIO=six.StringIO),
            'cPickle': importlib.import_module('pickle'), 'thread': importlib.import_module('_thread'),
            '__builtin__': six.moves.builtins, 'cgi': module_of('cgi', importlib.import_module('html'))}


PYTHON_2 = python2_modules()


def import_plain(name, fromlist, libraries):
    """What Python itself imports: Python 2's names first, then the bundle's Libraries/Shared (None: not to be seen)."""
    name = str(name)
    if name in PYTHON_2:
        return PYTHON_2[name]
    top = name.partition('.')[0]
    own = libraries and (os.path.isdir(os.path.join(libraries, top))
                         or os.path.isfile(os.path.join(libraries, top + '.py')))
    if not own:
        return __import__(name, fromlist=[str(item) for item in fromlist or ()])
    with LOCK:                                  # another bundle may have a library of the same name
        for key in [key for key in sys.modules if key.partition('.')[0] == top]:
            del sys.modules[key]
        sys.path.insert(0, libraries)
        try:
            return __import__(name, fromlist=[str(item) for item in fromlist or ()])
        finally:
            sys.path.remove(libraries)
