# -*- coding: utf-8 -*-
#
# Altbau: needs a library that its user never installed
#
import pictures_of_houses


class AltbauAgent(Agent.Movies):
    name = 'Altbau'
    languages = ['en']

    def search(self, results, media, lang):
        pass

    def update(self, metadata, media, lang):
        pass
