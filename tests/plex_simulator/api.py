# -*- coding: utf-8 -*-
"""The globals that the framework gives to agent code: Log, HTTP, JSON, HTML, Prefs, Agent and the rest.

What agents of the scenarios and the repairs of the suite use, with the framework's own log lines and its own faults.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import _strptime  # noqa: F401 - else 2.7 loads it at the first date, and two threads at once disturb each other
import datetime
import hashlib
import io
import json
import os
import platform
import re
import socket
import threading
import time
import unicodedata
import zlib

import six
from six.moves import http_client
from six.moves.urllib import error, parse

from . import markup, traces
from .markup import native
from .models import ProxyObject

ACCESS = 'http://127.0.0.1:32400'
DEFAULT_TIMEOUT = 20.0
CACHEABLE = ('html', 'xml', 'json', 'javascript')


class JSONDecodeError(Exception):
    """demjson's: a pair of sentence and the text from the fault on."""

    def __str__(self):
        from .records import python2_repr
        sentence, rest = self.args
        shown = python2_repr(rest)
        return native('(%s, %s)' % (python2_repr(sentence), shown if shown.startswith('u') else 'u' + shown))


# ------------------------------------------------------------------------------------------------------------------ Log
class LogKit(object):
    """Log(...): a text with its arguments; only the methods that the framework has."""

    def __init__(self, plugin):
        self.plugin_ = plugin

    def write_(self, level, fmt, arguments):
        message = traces.text_of(fmt % arguments if arguments else fmt)
        self.plugin_.log(level, traces.caller_of_api(self.plugin_.sandbox), message)

    def __call__(self, fmt, *arguments):
        self.write_('INFO', fmt, arguments)

    Info = __call__

    def Debug(self, fmt, *arguments):
        self.write_('DEBUG', fmt, arguments)

    def Warn(self, fmt, *arguments):
        self.write_('WARNING', fmt, arguments)

    def Error(self, fmt, *arguments):
        self.write_('ERROR', fmt, arguments)

    def Critical(self, fmt, *arguments):
        self.write_('CRITICAL', fmt, arguments)

    def Exception(self, fmt, *arguments):
        message = traces.text_of(fmt % arguments)           # always formatted: a bare % in the text raises
        text = traces.current_problem(self.plugin_.sandbox)
        self.plugin_.log('CRITICAL', traces.caller_of_api(self.plugin_.sandbox),
                         '%s (most recent call last):\n%s' % (message, text))

    def Stack(self):
        self.plugin_.log('DEBUG', traces.caller_of_api(self.plugin_.sandbox),
                         'Current stack:\n' + traces.stack_text(self.plugin_.sandbox))


# ----------------------------------------------------------------------------------------------------------------- HTTP
class HTTPRequest(object):
    """HTTP.Request(url): nothing happens before its content is wanted."""

    def __init__(self, plugin, url, data=None, headers=None, timeout=None, method=None, values=None, cache_time=0):
        self.cache_time = cache_time
        self.plugin_, self.url, self.method = plugin, traces.text_of(url), method
        self.data = parse.urlencode(values).encode('ascii') if values else data
        self.sent = dict(headers or {})
        self.timeout = DEFAULT_TIMEOUT if timeout is None else timeout
        self.body_ = self.received_ = None

    def load(self):
        if self.body_ is not None:
            return
        self.plugin_.check_alive()
        cached = self.cache_path()
        if cached and os.path.exists(cached) and os.stat(cached).st_mtime + self.cache_time > time.time():
            self.plugin_.log('DEBUG', ('networking', 139), "Fetching '%s' from the HTTP cache" % self.url)
            with io.open(cached, 'rb') as source:
                self.body_, self.received_ = source.read(), {}
            return
        self.plugin_.log('DEBUG', ('networking', 144), "Requesting '%s'" % self.url)
        try:
            status, reason, self.received_, body = fetch(self.plugin_, self)
        except socket.timeout:
            raise_timeout()
        except http_client.HTTPException:
            raise_dropped()
        except (IOError, OSError) as problem:
            raise_unreachable(problem)
        finally:
            self.plugin_.check_alive()
        if status >= 400:
            self.plugin_.log('ERROR', ('networking', 197), "Error opening URL '%s'" % self.url)
            raise_status(self.url, status, reason, self.received_, body)
        self.body_ = body
        if cached:
            self.keep(cached)

    def cache_path(self):
        """Where this page is kept, over restarts too; None for what is asked anew each time."""
        if not self.cache_time or self.data or self.url.startswith(ACCESS):
            return None
        digest = hashlib.sha1(self.url.encode('utf-8')).hexdigest()
        return os.path.join(self.plugin_.cache_folder, digest[:2], digest[2:] + '.content')

    def keep(self, path):
        kind = self.received_.get('content-type', '').partition(';')[0]
        if not any(word in kind for word in CACHEABLE):
            self.plugin_.log('DEBUG', ('networking', 176), "Not caching '%s' (content type '%s' not cacheable in Agent "
                             "plug-ins)" % (self.url, kind))
            return
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        with io.open(path, 'wb') as target:
            target.write(self.body_)

    @property
    def content(self):
        self.load()
        return self.body_ if six.PY2 else BodyText(self.body_)

    @property
    def headers(self):
        self.load()
        return self.received_

    def __str__(self):
        return self.content


class BodyText(str):
    """What Python 2 has as a byte string of a page: text to look at, bytes to hash and to save."""

    def __new__(cls, body):
        text = str.__new__(cls, body.decode('utf-8', 'replace'))
        text.body = body
        return text


def fetch(plugin, request):
    """(status, reason, headers, body) from the simulated net; its hosts are in plugin.hosts, no other exists."""
    parts = parse.urlsplit(request.url)
    port = plugin.port_of(parts.hostname, parts.port)
    path = (parts.path or '/') + ('?' + parts.query if parts.query else '')
    path = parse.quote(path.encode('utf-8'), safe=b'%/:=&?~#+!$,;\'@()*[]' if six.PY2 else "%/:=&?~#+!$,;'@()*[]")
    connection = http_client.HTTPConnection('127.0.0.1', port, timeout=request.timeout)
    try:
        headers = dict(request.sent, Host=parts.netloc, **{'User-Agent': 'PlexMediaServer/1.32.8', 'Accept': '*/*'})
        if parts.hostname == '127.0.0.1':
            headers['X-Plex-Token'] = plugin.token
        connection.request(str(request.method or ('POST' if request.data else 'GET')), str(path), request.data,
                           dict((str(name), str(value)) for name, value in headers.items()))
        answer = connection.getresponse()
        received = dict((name.lower(), native(value)) for name, value in answer.getheaders())
        return answer.status, answer.reason, received, answer.read()
    finally:
        connection.close()


# Each of these stands for the frames of urllib2 and httplib that a real traceback has (see traces.FRAMES)
def raise_status(url, status, reason, headers, body):
    raise error.HTTPError(url, status, reason, headers, io.BytesIO(body))


def raise_timeout():
    raise socket.timeout('timed out')


def raise_dropped():
    raise http_client.BadStatusLine(native(''))


def raise_unreachable(problem):
    raise error.URLError(native('[Errno %s] %s' % (problem.errno, problem.strerror)))


class HTTPKit(object):
    """HTTP: requests and the settings that agents make."""

    def __init__(self, plugin):
        self.plugin_ = plugin
        self.CacheTime, self.Headers = 0, {}

    def make_(self, url, values, headers, cache_time, timeout, data, method):
        return HTTPRequest(self.plugin_, url, data, dict(self.Headers, **(headers or {})), timeout, method, values,
                           self.CacheTime if cache_time is None else cache_time)

    def Request(self, url, values=None, headers=None, cacheTime=None, encoding=None, errors=None, timeout=None,
                immediate=False, sleep=0, data=None, method=None, follow_redirects=True):
        request = self.make_(url, values, headers, cacheTime, timeout, data, method)
        if immediate:
            immediately(request)
        if sleep:
            time.sleep(min(sleep, .01))
        return request

    def ClearCache(self):
        pass

    def ClearCookies(self):
        pass


def immediately(request):
    request.load()
    return request


# ------------------------------------------------------------------------------------------------------ JSON, XML, HTML
def text_of_page(body, encoding=None):
    if isinstance(body, BodyText) if not six.PY2 else False:
        body = body.body
    return body.decode(encoding or 'utf-8', 'replace') if isinstance(body, bytes) else body


def nativised(value):
    """JSON values as simplejson gives them to Python 2: str for ASCII."""
    if isinstance(value, dict):
        return dict((native(key), nativised(item)) for key, item in value.items())
    if isinstance(value, list):
        return [nativised(item) for item in value]
    return native(value)


class JSONKit(object):

    def __init__(self, plugin, http):
        self.plugin_, self.http_ = plugin, http

    def ObjectFromString(self, string, encoding=None, max_size=None):
        return json_from_string(self.plugin_, string, encoding)

    def ObjectFromURL(self, url, values=None, headers=None, cacheTime=None, encoding=None, errors=None, timeout=None,
                      sleep=0, data=None, method=None, max_size=None):
        request = json_request(self.http_.make_(url, values, headers, cacheTime, timeout, data, method))
        return json_from_url(self.plugin_, request, encoding)

    def StringFromObject(self, value):
        return native(json.dumps(value))


def json_request(request):
    return immediately(request)


def json_from_url(plugin, request, encoding):
    return json_from_string(plugin, request.content, encoding)


def json_from_string(plugin, string, encoding=None):
    text = text_of_page(string, encoding)
    try:
        return nativised(json.loads(text))
    except ValueError as problem:
        plugin.log('WARNING', ('data', 179), 'Error decoding with simplejson, using demjson instead (this will cause a '
                                             'performance hit) - %s' % problem)
    return demjson_object(text) if text.lstrip()[:1] in ('{', '[') else demjson_value(text)


def demjson_object(text):
    kind = 'object literal (dictionary)' if text.lstrip().startswith('{') else 'array literal (list)'
    raise JSONDecodeError(kind + ' is not terminated', text)


def demjson_value(text):
    raise JSONDecodeError('can not decode value', text)


class XMLKit(object):

    def __init__(self, plugin, http):
        self.plugin_, self.http_ = plugin, http

    def ElementFromString(self, string, encoding=None, max_size=None, remove_blank_text=False):
        return xml_from_string(string, encoding)

    def ElementFromURL(self, url, values=None, headers=None, cacheTime=None, encoding=None, errors=None, timeout=None,
                       sleep=0, data=None, method=None, max_size=None, remove_blank_text=False):
        request = xml_request(self.http_.make_(url, values, headers, cacheTime, timeout, data, method))
        return xml_from_url(request, encoding)

    def StringFromElement(self, element, encoding='utf8', method=None):
        return native(markup.markup_text(element))


def xml_request(request):
    return immediately(request)


def xml_from_url(request, encoding):
    return xml_from_string(request.content, encoding)


def xml_from_string(string, encoding=None):
    return markup.xml_element(text_of_page(string, encoding))


class HTMLKit(XMLKit):

    def ElementFromString(self, string, encoding=None, max_size=None):
        try:
            return lxml_fromstring(text_of_page(string, encoding))
        except markup.ParserError:
            self.plugin_.log('CRITICAL', ('data', 159),
                             'Error parsing with lxml, falling back to soupparser (most recent call last):\n%s'
                             % traces.current_problem(self.plugin_.sandbox))
            return markup.Element('html')

    def ElementFromURL(self, url, values=None, headers=None, cacheTime=None, encoding=None, errors=None, timeout=None,
                       sleep=0, data=None, method=None, max_size=None):
        request = html_request(self.http_.make_(url, values, headers, cacheTime, timeout, data, method))
        return self.ElementFromString(request.content, encoding)


def html_request(request):
    return immediately(request)


def lxml_fromstring(text):
    return markup.html_element(text)


# ------------------------------------------------------------------------------------------------- texts, dates, hashes
class StringKit(object):

    def Quote(self, text, usePlus=False):
        data = text.encode('utf-8') if isinstance(text, six.text_type) else text
        return (parse.quote_plus if usePlus else parse.quote)(data)

    def Unquote(self, text, usePlus=False):
        return (parse.unquote_plus if usePlus else parse.unquote)(text)

    def URLEncode(self, text):
        return parse.quote(text)

    def StripTags(self, text):
        return re.sub(r'<[^<>]+>', '', text)

    def StripDiacritics(self, text):
        plain = unicodedata.normalize('NFKD', traces.text_of(text))
        return native(''.join(letter for letter in plain if not unicodedata.combining(letter)))

    def LevenshteinDistance(self, first, second):
        row = list(range(len(second) + 1))
        for place, left in enumerate(first, 1):
            above, row[0] = row[0], place
            for column, right in enumerate(second, 1):
                above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (left != right))
        return row[-1]

    def DecodeHTMLEntities(self, text):
        return native(markup.html_element('<p>%s</p>' % text).text_content())


class DatetimeKit(object):

    def ParseDate(self, date, fmt=None):
        if not date:
            return None
        return datetime.datetime.strptime(date, fmt) if fmt else parse_date(date)

    def Now(self):
        return datetime.datetime.now()

    def UTCNow(self):
        return datetime.datetime.utcfromtimestamp(time.time())

    def FromTimestamp(self, stamp):
        return datetime.datetime.fromtimestamp(stamp)

    def TimestampFromDatetime(self, moment):
        return int(time.mktime(moment.timetuple()))

    def Delta(self, **parts):
        return datetime.timedelta(**parts)


def parse_date(date):
    for fmt in ('%Y-%m-%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%dT%H:%M:%SZ', '%d %B %Y', '%B %d, %Y',
                '%d %b %Y', '%b %d, %Y', '%d.%m.%Y', '%m/%d/%Y', '%Y%m%d', '%B %Y', '%Y'):
        try:
            return datetime.datetime.strptime(date.strip(), fmt)
        except ValueError:
            pass
    raise ValueError('unknown string format')


class HashKit(object):

    def hash_(self, name, data):
        return native(hashlib.new(name, data if isinstance(data, bytes) else data.encode('utf-8')).hexdigest())

    def MD5(self, data):
        return self.hash_('md5', data)

    def SHA1(self, data):
        return self.hash_('sha1', data)

    def CRC32(self, data):
        return native('%08x' % (zlib.crc32(data if isinstance(data, bytes) else data.encode('utf-8')) & 0xffffffff))


class Language(object):
    """Locale.Language."""


for name_, code_ in (('English', 'en'), ('German', 'de'), ('French', 'fr'), ('Spanish', 'es'), ('Italian', 'it'),
                     ('Japanese', 'ja'), ('Dutch', 'nl'), ('Swedish', 'sv'), ('NoLanguage', 'xn'), ('Unknown', 'xx')):
    setattr(Language, name_, native(code_))
LANGUAGE_CODES = frozenset('en de fr es it ja nl sv xn xx pt ru zh ko pl da no fi cs hu el tr he ar'.split())


class LocaleKit(object):
    Language = Language
    DefaultLocale = native('en-us')

    def LocalString(self, key):
        return key


# ------------------------------------------------------------------------------------------- preferences, Dict, storage
class PrefsKit(object):
    """Prefs[...]: the user's file, made at first use, over the defaults of the bundle; an enum is kept as its index."""

    def __init__(self, plugin):
        self.plugin_, self.values_, self.lock_ = plugin, None, threading.Lock()
        self.path_ = os.path.join(plugin.home, 'Plug-in Support', 'Preferences', plugin.identifier + '.xml')

    def load_(self):
        self.values_, settings = {}, []
        defaults = os.path.join(self.plugin_.bundle, 'Contents', 'DefaultPrefs.json')
        if os.path.exists(defaults):
            with io.open(defaults, encoding='utf-8') as source:
                settings = json.load(source)
            self.plugin_.log('DEBUG', ('preferences', 258), 'Loaded preferences from DefaultPrefs.json')
        kept = self.user_values_(settings)
        for setting in settings:
            self.values_[setting['id']] = decoded_setting(setting, kept.get(setting['id']))

    def user_values_(self, settings):
        if os.path.exists(self.path_):
            with io.open(self.path_, encoding='utf-8') as source:
                root = markup.xml_element(source.read())
            self.plugin_.log('DEBUG', ('preferences', 178), 'Loaded the user preferences for %s'
                             % self.plugin_.identifier)
            return dict((child.tag, child.text or '') for child in root)
        self.plugin_.log('INFO', ('preferences', 161), 'No user preferences file exists')
        root = markup.Element('PluginPreferences')
        for setting in settings:
            child = markup.Element(setting['id'])
            child.text = encoded_setting(setting)
            root.append(child)
        with io.open(self.path_, 'w', encoding='utf-8') as target:
            target.write("<?xml version='1.0' encoding='utf-8'?>\n" + markup.markup_text(root) + '\n')
        self.plugin_.log('DEBUG', ('preferences', 198), 'Saved the user preferences')
        return {}

    def __getitem__(self, name):
        with self.lock_:                        # three updates may ask for the first time at once
            if self.values_ is None:
                self.load_()
        return preference(self.values_, name)


def encoded_setting(setting):
    """The default as text of the file."""
    if setting['type'] == 'enum':
        return '%d' % setting['values'].index(setting['default'])
    return setting.get('default') or ''


def decoded_setting(setting, text):
    """The value of a setting from the file's text, None: there is none."""
    text = encoded_setting(setting) if text is None else text
    if setting['type'] == 'bool':
        return text == 'true'
    return native(setting['values'][int(text)] if setting['type'] == 'enum' else text)


def preference(values, name):
    if name not in values:
        raise KeyError("No preference named '%s' found." % name)
    return values[name]


class DictKit(object):
    """Dict[...]: kept over restarts; a key that is not there is None."""

    def __init__(self, plugin):
        self.plugin_, self.path_ = plugin, os.path.join(plugin.data_folder, 'Dict.json')
        self.values_ = {}
        if os.path.exists(self.path_):
            with io.open(self.path_, encoding='utf-8') as source:
                self.values_ = nativised(json.load(source))

    def __getitem__(self, key):
        return self.values_.get(key)

    def __setitem__(self, key, value):
        self.values_[key] = value

    def __delitem__(self, key):
        del self.values_[key]

    def __contains__(self, key):
        return key in self.values_

    def __iter__(self):
        return iter(self.values_)

    def Save(self):
        with io.open(self.path_, 'w', encoding='utf-8') as target:
            target.write(six.text_type(json.dumps(self.values_)))


class DataKit(object):
    """Data: files of the plug-in's own."""

    def __init__(self, plugin):
        self.folder_ = os.path.join(plugin.data_folder, 'DataItems')
        if not os.path.isdir(self.folder_):
            os.makedirs(self.folder_)

    def Exists(self, item):
        return os.path.exists(os.path.join(self.folder_, item))

    def Save(self, item, data):
        with io.open(os.path.join(self.folder_, item), 'wb') as target:
            target.write(data if isinstance(data, bytes) else data.encode('utf-8'))

    def Load(self, item):
        if not self.Exists(item):
            return None
        with io.open(os.path.join(self.folder_, item), 'rb') as source:
            data = source.read()
        return data if six.PY2 else data.decode('utf-8')


class Storage(object):
    """Core.storage: load() logs what goes wrong and returns None."""

    def __init__(self, plugin):
        self.plugin_ = plugin

    def load(self, path, binary=True):
        try:
            with io.open(path, 'rb') as source:
                data = source.read()
            return data if six.PY2 else data.decode('utf-8', 'replace')
        except Exception:
            self.plugin_.log('CRITICAL', ('storage', 60), 'Exception reading file %s (most recent call last):\n%s'
                             % (traces.text_of(path), traces.current_problem(self.plugin_.sandbox)))

    def save(self, path, data):
        with io.open(path, 'wb') as target:
            target.write(data if isinstance(data, bytes) else data.encode('utf-8'))

    def join_path(self, *parts):
        return os.path.join(*parts)

    def file_exists(self, path):
        return os.path.exists(path)

    def dir_exists(self, path):
        return os.path.isdir(path)

    def list_dir(self, path):
        return sorted(os.listdir(path))


class CoreObject(object):
    """Core, under the Elevated policy."""

    def __init__(self, plugin):
        self.storage = Storage(plugin)
        self.identifier = native(plugin.identifier)
        self.bundle_path = plugin.bundle
        self.app_support_path = plugin.home
        self.log = LogKit(plugin)


# ----------------------------------------------------------------------------------------------------------------- rest
class SearchResult(object):

    def __init__(self, id=None, name=None, year=None, score=0, lang=None, thumb=None):
        self.id, self.name, self.year, self.score, self.lang, self.thumb = id, name, year, score, lang, thumb


class Results(list):
    """What search() appends to."""

    def Append(self, result):
        self.append(result)

    Add = Append

    def Sort(self, key, descending=False):
        self.sort(key=lambda result: (getattr(result, key) is not None, getattr(result, key)), reverse=descending)


class ProxyKit(object):

    def Media(self, data, sort_order=None, ext=None, index=None, **_more):
        return ProxyObject(data, sort_order, ext)

    Preview = Media

    def Remote(self, url, sort_order=None, ext=None):
        return ProxyObject(None, sort_order, ext)

    LocalFile = Remote


class ThreadKit(object):

    def __init__(self, plugin):
        self.plugin_ = plugin

    def Create(self, function, globalize=True, **keywords):
        return self.plugin_.create_thread(function, keywords)

    def Sleep(self, seconds):
        time.sleep(seconds)

    def Lock(self, name=None):
        return threading.RLock()


class PlatformKit(object):
    OS, CPU = native('Linux'), native('x86_64')
    OSVersion = native(platform.release())
    ServerVersion = native('1.32.8.7639-fb6452ebf')
    HasSilverlight = False


class RegexKit(object):

    def __call__(self, pattern, flags=0):
        return re.compile(pattern, flags)


class Exceptions(object):
    """Ex: what a request can raise."""
    HTTPError, URLError, SocketTimeout = error.HTTPError, error.URLError, socket.timeout
    IncompleteRead = http_client.IncompleteRead


def parallel_tools(plugin):
    """@parallelize and @task: the tasks run when the body has ended; what one raises is logged, the others go on."""
    def task(function):
        plugin.tasks().append(function)
        return function

    def parallelize(function):
        plugin.tasks()[:] = []
        function()
        plugin.run_tasks(function.__name__)
        return function

    return {'task': task, 'parallelize': parallelize}


def make_api(plugin):
    """The globals of a plug-in's code, by name."""
    http = HTTPKit(plugin)
    api = {'Log': LogKit(plugin), 'HTTP': http, 'JSON': JSONKit(plugin, http), 'XML': XMLKit(plugin, http),
           'HTML': HTMLKit(plugin, http), 'String': StringKit(), 'Datetime': DatetimeKit(), 'Hash': HashKit(),
           'Locale': LocaleKit(), 'Prefs': PrefsKit(plugin), 'Dict': DictKit(plugin), 'Data': DataKit(plugin),
           'Proxy': ProxyKit(), 'Thread': ThreadKit(plugin), 'Platform': PlatformKit(), 'Regex': RegexKit(),
           'Ex': Exceptions,
           'MetadataSearchResult': SearchResult, 'SearchResult': SearchResult, 'Agent': plugin.agent_classes(),
           'CACHE_1MINUTE': 60, 'CACHE_1HOUR': 3600, 'CACHE_1DAY': 86400, 'CACHE_1WEEK': 604800,
           'CACHE_1MONTH': 2592000}
    if plugin.elevated:
        api['Core'] = CoreObject(plugin)
    api.update(parallel_tools(plugin))
    return api
