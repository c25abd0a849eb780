import common
from helpers import join_names

class TeilmodulAgent(Agent.Movies):
    name = 'Teilmodul'
    languages = [Locale.Language.English]
    primary_provider = True

    def update(self, metadata, media, lang):
        common.fill(metadata, common.page_of(metadata.id))
        metadata.tagline = join_names(['a', 'b'])
