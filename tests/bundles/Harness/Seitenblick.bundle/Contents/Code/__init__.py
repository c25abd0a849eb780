# -*- coding: utf-8 -*-
# Seitenblick: films from the pages of a magazine
import re
import siteScene

def Start():
    HTTP.CacheTime = CACHE_1WEEK

class SeitenblickAgent(Agent.Movies):
    name = 'Seitenblick'
    languages = [Locale.Language.NoLanguage]
    primary_provider = True

    def search(self, results, media, lang, manual):
        title = media.name
        siteScene.search(results, title, lang)

    def update(self, metadata, media, lang):
        siteScene.update(metadata, str(metadata.id))
