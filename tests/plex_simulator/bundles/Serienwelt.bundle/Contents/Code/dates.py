# -*- coding: utf-8 -*-
import datetime


def day(text):
    return datetime.datetime.strptime(text, '%Y-%m-%d').date()
