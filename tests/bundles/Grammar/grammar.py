# -*- coding: utf-8 -*-
"""Every construct of Python 2.7, in the style of an agent. Never run: tests read it with the suite's own reader."""
import os, sys as system
import urllib.parse as parse, lxml.etree
from . import helpers
from .. import up, other as another
from .models.movie import Movie
from os.path import (join, exists as there,
                     basename,)
from string import *

API = 'https://api.example.org/3/%s' ; PAGE = 17; EMPTY = ()
ESCAPES = '\x41\101\n\'\"\\\q\
joined' "two" 'three' u'vier \u00e9 \U0001F3AC \N{EM DASH}' ur'raw \u00e9 \d' r'\d+\'' b'bytes' br'\x' UR"x" Ur'''y
z''' """long "quoted" text"""
HIGH = 'caf\xc3\xa9' '\xff'
LATE = 'Amélie – ein Film' + u'Amélie'
NUMBERS = [0, 7, 0777, 0o17, 0x1F, 0XffL, 0b101, 23L, 1.5, .5, 5., 1e10, 1.E-3, 2j, .5J, 99999999999999999999, -1, - 2,
           -3 ** 2, -(4), +5, ~6, -1.5.real, -7L, --8, 0L, 00]

def plain(): pass
def full((c, (d, e)), (f), a, b=1, *args, **kwargs): return a, b
def stars(*args): return
def keys(**kwargs): return (yield)
def doc(self, media=None, (x, y)=(1, 2)):
    'docstring'; x = 1
    global API, PAGE
    exec 'x = 1'
    exec 'x = 1' in {}
    exec 'x = 1' in {}, locals()
    exec('x', {})
    exec('x', {}, {})
    yield
    z = yield a, b
    yield (yield 1)
    z += yield 2

@route('/video/x')
@decorators.lock.held
@named(name=1, *args)
def decorated(): pass

class Old: name = 'Old'
class Empty(): pass
@decorator
class Agent(Agent.Movies, object):
    languages = [Locale.Language.English, 'xx']

    def search(self, results, media, lang, manual=False):
        for index, result in enumerate(self.find(media.name)[:10]): results.Append(result)
        else: Log('nothing')
        while True:
            if not results: break
            elif len(results) > 3 and lang == 'en' or manual: continue
            elif results is None: pass
            else:
                return
        else:
            pass
        if a: b; c
        if a: b
        elif c: d
        elif e:
            f
        else: g

    def update(self, metadata, media, lang):
        try: page = HTTP.Request(API % metadata.id, headers={'Accept': '*/*'}).content
        except (IOError, Ex.HTTPError), error: Log('%s' % error)
        except ValueError as error:
            raise
        except KeyError, (code, text): raise ValueError, 'x'
        except: raise ValueError, 'x', system.exc_info()[2]
        else: pass
        finally:
            del page, a[1], a[1:2], a.b, (c, d), [e]
        try:
            x
        finally: y
        with open(a) as handle, lock, named as (b, c): pass
        with lock:
            print
            print 'a',
            print 'a', 'b'
            print >>system.stderr
            print >>system.stderr, 'a',
            print >>system.stderr, 'a', b
            print ('a'), b
            print (a)
        assert a
        assert a, 'text'
        raise
        raise E
        raise E(a)

def expressions():
    a = b = c, = d
    (a, b), [c, d] = e.f, g[0] = h
    a += 1; a -= 1; a *= 1; a /= 1; a //= 1; a %= 1; a **= 1; a >>= 1; a <<= 1; a &= 1; a ^= 1; a |= 1
    a.b += 1; a[1] += 1; a[1:2] += 1,
    a or b or c and d and not e
    (a or b) or (c and d)
    not not a
    a < b <= c != d <> e == f >= g > h is i is not j in k not in l
    (a < b) < c
    a + b - c * d / e // f % g ** h ** -i << j >> k & l ^ m | n
    (a + b) * (c - (d))
    -a ** -b
    a if b else c if d else e
    (a if b else c) if d else e
    lambda: 0
    lambda x, (y, z), w=1, *args, **kw: x if y else lambda: z
    lambda *args: args
    lambda **kw: kw
    `a`, `a, b`
    [], [1], [1, 2,], (), (1,), (1, 2), (1), {}, {1}, {1, 2,}, {1: 2}, {1: 2, 3: 4,}
    [x for x in y], [x for x in 1, 2, 3], [x for x, in y if z if w for v in u if lambda: t]
    [x for x in y if (lambda q: q)(x)], [(x, y) for x, y in zip(a, b)], [[z for z in w] for w in v]
    (x for x in y), {x for x in y if z}, {k: v for k, v in items for w in k}
    f(x for x in y), f((x for x in y), 1), f((x) for x in y)
    f(), f(a), f(a,), f(a, b=1), f(*a), f(**k), f(a, b=1, *c, **d), f(*a, b=1), f(*a, b=1, **c)
    a.b.c(d)(e)[f].g[1:2](h)
    a[1], a[1,], a[1, 2], a[:], a[1:], a[:2], a[1:2], a[1:2:3], a[::2], a[..., 1], a[...], a[1:2, 3], a[1:2,]
    a['key']["other"][u'third']
    a  .  b  ( c )  [ d ]
    ((a)), ((a).b), (a)(b), ((a)[b])
    a = yield_ = 1 \
        + 2 + \
        (3 +        # comment inside
         4)
    ('multi'
     'line' %
     (a,
      b))
    'text %s' % a.b if a else 'none'
    x = 1if a else 2
    print"no space"

def tabs():
	if a:
	        b
	if a:
		c
        d = 1   # eight blanks are one tab
    
    # a comment at an odd place
	return a;

class Last:
    def method(self):
        return [x
                for x in self.y
                if x]
if __name__ == '__main__': Last()
# the file ends without a newline