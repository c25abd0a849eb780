# -*- coding: utf-8 -*-
# Small helpers to take things out of a page.
import re


def text(page, path):
    nodes = page.xpath(path)
    if nodes:
        return nodes[0].strip()
    return None


def texts(page, path):
    return [node.strip() for node in page.xpath(path) if node.strip()]


def number(value):
    found = re.search('[0-9]+', value or '')
    if found:
        return int(found.group(0))
    return None


def distance(first, second):
    return String.LevenshteinDistance(first.lower(), second.lower())


def score(wanted, found, wanted_year, found_year):
    points = 100 - 4 * distance(wanted, found)
    if wanted_year and found_year:
        points = points - 5 * abs(int(wanted_year) - int(found_year))
    return max(points, 0)
