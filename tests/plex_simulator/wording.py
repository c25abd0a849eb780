# -*- coding: utf-8 -*-
"""Exceptions in the words of CPython 2.7, whatever interpreter runs the simulated Plex.

Plex runs agents with Python 2.7; a log must therefore say "global name 'x' is not defined" also where CPython 3.13 runs
the agent. What cannot be said from the exception alone (which of two types a comparison refuses) is left as it is.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import re

import six

from .records import python2_repr

CLASS_NAMES = {'ModuleNotFoundError': 'ImportError', 'RecursionError': 'RuntimeError', 'FileNotFoundError': 'IOError',
               'PermissionError': 'IOError', 'IsADirectoryError': 'IOError', 'TimeoutError': 'timeout',
               'RemoteDisconnected': 'BadStatusLine', 'ConnectionResetError': 'error',
               'ConnectionRefusedError': 'error', 'Refused': 'SyntaxError'}

REWORDED = [(re.compile(pattern), words) for pattern, words in (
    (r"^cannot access local variable '(\w+)' where it is not associated with a value$",
     r"local variable '\1' referenced before assignment"),
    (r"^cannot access free variable '(\w+)' where.*",
     r"free variable '\1' referenced before assignment in enclosing scope"),
    (r"^int\(\) argument must be a string.*, not '?([\w.]+)'?$",
     r"int() argument must be a string or a number, not '\1'"),
    (r"^float\(\) argument must be a string.*", "float() argument must be a string or a number"),
    (r"^could not convert string to float: '(.*)'$", r"could not convert string to float: \1"),
    (r'^can only concatenate str \(not "(\w+)"\) to str$', r"cannot concatenate 'str' and '\1' objects"),
    (r"^must be str, not (\w+)$", r"cannot concatenate 'str' and '\1' objects"),
    (r"^too many values to unpack \(expected \d+.*\)$", "too many values to unpack"),
    (r"^not enough values to unpack \(expected \d+, got 1\)$", "need more than 1 value to unpack"),
    (r"^not enough values to unpack \(expected \d+, got (\d+)\)$", r"need more than \1 values to unpack"),
    (r"^(?:[\w.<>]+\.)?(\w+)\(\) takes 1 positional argument but (\d+) (?:was|were) given$",
     r"\1() takes exactly 1 argument (\2 given)"),
    (r"^(?:[\w.<>]+\.)?(\w+)\(\) takes (\d+) positional arguments but (\d+) (?:was|were) given$",
     r"\1() takes exactly \2 arguments (\3 given)"),
    (r"^(?:[\w.<>]+\.)?(\w+)\(\) got an unexpected keyword argument '(\w+)'.*$",
     r"\1() got an unexpected keyword argument '\2'"),
    (r"^sequence item (\d+): expected str instance, (\w+) found$", r"sequence item \1: expected string, \2 found"),
    (r"^(max|min)\(\) iterable argument is empty$", r"\1() arg is an empty sequence"),
    (r"^(?:integer )?(?:division|modulo|division or modulo) by zero$", "integer division or modulo by zero"),
    (r"^expected string or bytes-like object.*", "expected string or buffer"),
    (r"^%(\w) format: a real number is required, not (\w+)$", r"%\1 format: a number is required, not \2"),
    (r"^No module named '(?:[\w.]+\.)?(\w+)'.*$", r"No module named \1"),
    (r"^cannot import name '(\w+)'.*$", r"cannot import name \1"),
    (r"^'utf-8' codec can't", "'utf8' codec can't"),
    (r"^('\w+' codec can't encode characters? )'", r"\1u'"),
    (r"^'(\w+)' object cannot be interpreted as an integer$", r"an integer is required"),
    (r"^module '\w+' has no attribute '(\w+)'.*$", r"'module' object has no attribute '\1'"),
    (r"^maximum recursion depth exceeded.*$", "maximum recursion depth exceeded"),
)]


def class_name(kind):
    """The class name as the log shows it: no module, 2.7's name."""
    if kind.__name__ == 'error' or kind is OSError and six.PY2:
        return kind.__name__
    return CLASS_NAMES.get(kind.__name__, kind.__name__)


def message_of(problem, in_function=True):
    """The text after 'Type: ', '' where there is none. in_function: False for code at the top of a module."""
    if isinstance(problem, KeyError) and len(problem.args) == 1:
        return python2_repr(problem.args[0])
    if type(problem).__name__ == 'RemoteDisconnected':
        return "''"
    try:
        text = six.text_type(problem)
    except UnicodeError:                        # Python 2: an exception of bytes that are not ASCII
        text = bytes(problem).decode('utf-8', 'replace')
    if six.PY2:
        return text
    if isinstance(problem, UnicodeEncodeError):
        text = text.encode('ascii', 'backslashreplace').decode('ascii')
    if isinstance(problem, ValueError) and text.startswith('invalid literal for int'):
        text = text.encode('ascii', 'backslashreplace').decode('ascii')
    if isinstance(problem, NameError) and not isinstance(problem, UnboundLocalError):
        return re.sub(r"^name '(\w+)' is not defined.*", (r"global name '\1' is not defined" if in_function
                                                          else r"name '\1' is not defined"), text)
    for pattern, words in REWORDED:
        changed, count = pattern.subn(words, text)
        if count:
            return changed
    return text


def last_line(problem, in_function=True):
    """'Type: message', or the bare 'Type' of an exception without text."""
    text = message_of(problem, in_function)
    name = class_name(type(problem))
    return '%s: %s' % (name, text) if text else name
