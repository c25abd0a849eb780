# -*- coding: utf-8 -*-
# The archive changed the layout of its pages some times; each has its own reader.


def first(nodes):
    if nodes:
        return nodes[0]
    return None


def layout_one(page):
    return {
        'title': first(page.xpath('//h1/text()')),
        'plot': first(page.xpath('//p[@class="plot"]/text()')),
        'year': first(page.xpath('//em/text()')),
        'genres': page.xpath('//a[@rel="genre"]/text()'),
    }


def layout_two(page):
    return {
        'title': first(page.xpath('//div[@class="head"]/text()')),
        'plot': first(page.xpath('//div[@class="text"]/text()')),
        'year': first(page.xpath('//div[@class="head"]/@data-year')),
        'genres': page.xpath('//span[@class="tag"]/text()'),
    }


READERS = {'1': layout_one, '2': layout_two}


def read(page):
    version = page.xpath('//body/@data-layout')[0]
    if version not in READERS:
        raise ValueError('no reader for layout %s' % version)
    return READERS[version](page)
