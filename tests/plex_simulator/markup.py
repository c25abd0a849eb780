# -*- coding: utf-8 -*-
"""HTML and XML elements with the part of lxml's interface that agents use, XPath in the subset that agents write.

Text comes out as lxml gives it to Python 2: str where it is ASCII, unicode where it is not.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import six
from six.moves import html_parser

VOID = frozenset('area base br col embed hr img input link meta param source track wbr'.split())
CLOSED_BY_THE_NEXT = frozenset('li p td th tr dt dd option'.split())


class XMLSyntaxError(Exception):
    pass


class ParserError(Exception):
    pass


def native(text):
    """Text as lxml and simplejson give it to Python 2: str for ASCII."""
    if six.PY2 and isinstance(text, six.text_type):
        try:
            return text.encode('ascii')
        except UnicodeError:
            return text
    return text


class Element(object):
    """One element; `parent` is None at the root. text and tail are None or not empty."""

    def __init__(self, tag, attrib=()):
        self.tag = native(tag)
        self.attrib = dict((native(name), native(value or '')) for name, value in dict(attrib).items())
        self.children, self.parent = [], None
        self.text = self.tail = None

    def append(self, child):
        child.parent = self
        self.children.append(child)

    def add_text(self, text):
        if self.children:
            self.children[-1].tail = native((self.children[-1].tail or '') + text)
        else:
            self.text = native((self.text or '') + text)

    def get(self, name, default=None):
        return self.attrib.get(name, default)

    def getchildren(self):
        return list(self.children)

    def getparent(self):
        return self.parent

    def __iter__(self):
        return iter(self.children)

    def __len__(self):
        return len(self.children)

    def __getitem__(self, index):
        return self.children[index]

    def iterdescendants(self):
        for child in self.children:
            yield child
            for inner in child.iterdescendants():
                yield inner

    def pieces(self):
        """The texts of this element and all below, in their order."""
        if self.text:
            yield self.text
        for child in self.children:
            for piece in child.pieces():
                yield piece
            if child.tail:
                yield child.tail

    def text_content(self):
        return native(''.join(six.text_type(piece) for piece in self.pieces()))

    def find(self, path):
        found = self.findall(path)
        return found[0] if found else None

    def findall(self, path):
        return select(self, path)

    def findtext(self, path, default=None):
        found = self.find(path)
        return default if found is None else found.text or ''

    def xpath(self, path):
        return select(self, path)


# -------------------------------------------------------------------------------------------------------------- reading
class HTMLReader(html_parser.HTMLParser, object):

    def __init__(self):
        html_parser.HTMLParser.__init__(self, **({} if six.PY2 else {'convert_charrefs': True}))
        self.root = Element('html')
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        if tag == 'html':
            self.root.attrib.update((native(name), native(value or '')) for name, value in attrs)
            return
        if tag in CLOSED_BY_THE_NEXT and self.open[-1].tag == tag:
            self.open.pop()
        element = Element(tag, attrs)
        self.open[-1].append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].append(Element(tag, attrs))

    def handle_endtag(self, tag):
        names = [element.tag for element in self.open]
        if tag in names[1:]:
            del self.open[len(names) - 1 - names[::-1].index(tag):]

    def handle_data(self, data):
        self.open[-1].add_text(data)

    def handle_charref(self, name):             # Python 2 only
        number = int(name[1:], 16) if name[:1] in 'xX' else int(name)
        self.handle_data(six.unichr(number))

    def handle_entityref(self, name):           # Python 2 only
        from six.moves import html_entities
        code = html_entities.name2codepoint.get(name)
        self.handle_data(six.unichr(code) if code else '&%s;' % name)


def html_element(text):
    """The root element of HTML text; ParserError where there is nothing in it."""
    if not text.strip():
        raise ParserError('Document is empty')
    reader = HTMLReader()
    reader.feed(text)
    reader.close()
    return reader.root


def xml_element(text):
    """The root element of XML text; XMLSyntaxError in libxml2's words for the commonest faults."""
    if not text.strip():
        raise XMLSyntaxError('Document is empty, line 1, column 1')
    if not text.lstrip().startswith('<'):
        raise XMLSyntaxError("Start tag expected, '<' not found, line 1, column 1")
    try:
        return converted(ElementTree.fromstring(re.sub(r'^\s*<\?xml[^>]*\?>', '', text).encode('utf-8')))
    except ElementTree.ParseError as problem:
        line, column = problem.position
        raise XMLSyntaxError('%s, line %d, column %d' % (six.text_type(problem).partition(':')[0], line, column + 1))


def converted(node):
    element = Element(node.tag, node.attrib)
    element.text, element.tail = native(node.text) or None, native(node.tail) or None
    for child in node:
        element.append(converted(child))
    return element


def markup_text(element):
    """The element as markup, as StringFromElement gives it."""
    inside = escape(element.text or '') + ''.join(markup_text(child) for child in element.children)
    attributes = ''.join(' %s=%s' % (name, quoteattr(value)) for name, value in sorted(element.attrib.items()))
    tail = escape(element.tail or '')
    if not inside:
        return '<%s%s/>%s' % (element.tag, attributes, tail)
    return '<%s%s>%s</%s>%s' % (element.tag, attributes, inside, element.tag, tail)


# ---------------------------------------------------------------------------------------------------------------- XPath
STEP = re.compile(r'''(?P<axis>//|/|)(?P<what>following-sibling::|preceding-sibling::|)
                      (?P<name>@[\w:-]+|text\(\)|\.\.|\.|\*|[\w:-]+)''', re.X)


def select(element, path):
    """The elements or texts that an XPath selects: steps, //, @name, text(), .., |, and predicates (see matches)."""
    found = []
    for alternative in split_outside(path, '|'):
        found.extend(item for item in steps(element, alternative.strip()) if item not in found)
    return found


def steps(element, path):
    from_root = path.startswith('/')
    while path.startswith('/') and element.parent is not None:
        element = element.parent
    if from_root and not path.startswith('//'):
        holder = Element('')
        holder.children = [element]             # an absolute path begins above the root
        nodes = [holder]
    else:
        nodes = [element]
    position, first = 0, True
    while position < len(path):
        step = STEP.match(path, position)
        if not step:
            raise ValueError('Invalid expression')          # lxml: XPathEvalError
        position = step.end()
        predicates = []
        while path[position:position + 1] == '[':
            end = closing(path, position)
            predicates.append(path[position + 1:end].strip())
            position = end + 1
        deep = step.group('axis') == '//'
        include_self = deep and first
        nodes = one_step(nodes, deep, include_self, step.group('what'), step.group('name'), predicates)
        first = False
    return nodes


def one_step(nodes, deep, include_self, axis, name, predicates):
    result, seen = [], set()
    for node in nodes:
        bases = ([node] if not deep else [node] + list(node.iterdescendants()))
        for base in bases:
            candidates = named(base, axis, name)
            if include_self and base is node and base.tag and name in (base.tag, '*'):
                candidates = [base] + candidates
            for predicate in predicates:
                candidates = [item for index, item in enumerate(candidates, 1)
                              if matches(item, predicate, index, len(candidates))]
            for item in candidates:
                if not isinstance(item, Element):
                    result.append(item)
                elif id(item) not in seen:
                    seen.add(id(item))
                    result.append(item)
    return result


def named(base, axis, name):
    """What one step finds from one element, in document order (preceding siblings: nearest first)."""
    if name == '.':
        return [base]
    if name == '..':
        return [base.parent] if base.parent is not None else []
    if name == 'text()':
        texts = [base.text] + [child.tail for child in base.children]
        return [text for text in texts if text]
    if name.startswith('@'):
        return [base.attrib[name[1:]]] if name[1:] in base.attrib else []
    pool = base.children
    if axis:
        siblings = base.parent.children if base.parent is not None else [base]
        place = [id(item) for item in siblings].index(id(base))
        pool = siblings[place + 1:] if axis.startswith('following') else siblings[:place][::-1]
    return [child for child in pool if name in ('*', child.tag)]


def matches(item, predicate, index, count):
    """Whether an element passes a predicate: number, last(), path, path = 'x', contains(), starts-with(), not()..."""
    parts = split_outside(predicate, ' and ')
    if len(parts) > 1:
        return all(matches(item, part.strip(), index, count) for part in parts)
    parts = split_outside(predicate, ' or ')
    if len(parts) > 1:
        return any(matches(item, part.strip(), index, count) for part in parts)
    if predicate.isdigit():
        return index == int(predicate)
    if predicate == 'last()':
        return index == count
    function = re.match(r'(not|contains|starts-with)\((.*)\)$', predicate, re.S)
    if function and function.group(1) == 'not':
        return not matches(item, function.group(2).strip(), index, count)
    if function:
        left, right = [values(item, part.strip()) for part in split_outside(function.group(2), ',')]
        test = (lambda text, piece: piece in text) if function.group(1) == 'contains' else six.text_type.startswith
        return any(test(six.text_type(text), six.text_type(right[0])) for text in left[:1])
    sides = split_outside(predicate, '=')
    if len(sides) == 2:
        negated = sides[0].endswith('!')
        left, right = values(item, sides[0].rstrip('!').strip()), values(item, sides[1].strip())
        equal = any(text in right for text in left)
        return equal != negated
    return bool(select(item, predicate))


def values(item, expression):
    """The texts of an operand: a literal, normalize-space(x), or what a path selects."""
    if expression[:1] in '"\'':
        return [native(expression[1:-1])]
    inner = re.match(r'(normalize-space|string)\((.*)\)$', expression)
    if inner:
        return [native(' '.join(text.split())) for text in values(item, inner.group(2).strip() or '.')]
    return [found.text_content() if isinstance(found, Element) else found for found in select(item, expression)]


def closing(path, start):
    """The place of the bracket that closes the one at `start`."""
    depth, quote_mark = 0, ''
    for place in range(start, len(path)):
        letter = path[place]
        if quote_mark:
            quote_mark = '' if letter == quote_mark else quote_mark
        elif letter in '"\'':
            quote_mark = letter
        elif letter in '[]':
            depth += 1 if letter == '[' else -1
            if not depth:
                return place
    raise ValueError('Invalid predicate')


def split_outside(text, separator):
    """text split at a separator that stands outside of quotes and brackets."""
    parts, depth, quote_mark, start, place = [], 0, '', 0, 0
    while place < len(text):
        letter = text[place]
        if quote_mark:
            quote_mark = '' if letter == quote_mark else quote_mark
        elif letter in '"\'':
            quote_mark = letter
        elif letter in '[(':
            depth += 1
        elif letter in '])':
            depth -= 1
        elif not depth and text.startswith(separator, place):
            parts.append(text[start:place])
            place = start = place + len(separator)
            continue
        place += 1
    return parts + [text[start:]]
