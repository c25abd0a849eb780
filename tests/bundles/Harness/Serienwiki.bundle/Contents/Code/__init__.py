import re

BASE = "https://serien.example/"

class SerienwikiAgent(Agent.TV_Shows):
	name = "Serienwiki"
	languages = ["de"]
	primary_provider = True

	def search(self, results, media, lang, manual=False):
		page = XML.ElementFromURL(BASE + "suche/" + String.Quote(media.show))
		for hit in page.findall("hit"):
			title = hit.find("title").text
			year = int(hit.get("year"))
			score = 100 - abs(len(title) - len(media.show))
			if media.year and int(media.year) != year:
				score = score - 13
			results.Append(MetadataSearchResult(id=hit.get("id"), name=title, year=year, score=score, lang=lang))

	def update(self, metadata, media, lang):
		page = XML.ElementFromURL(BASE + metadata.id)
		metadata.title = page.find("title").text
		metadata.summary = page.findtext("plot").strip()
		metadata.studio = page.find("network").find("name").text
		metadata.duration = int(page.findtext("runtime")) * 60000
		metadata.rating = float(page.findtext("rating").replace(",", "."))
		metadata.originally_available_at = Datetime.ParseDate(page.findtext("aired")).date()

		metadata.genres.clear()
		for genre in page.findtext("genres").split("|"):
			if genre: metadata.genres.add(genre)

		first, last = page.findtext("years").split("-")
		metadata.tagline = "%s bis %s" % (first, last)

		for season in media.seasons:
			for episode in media.seasons[season].episodes:
				entry = self.entry(page, season, episode)
				found = metadata.seasons[season].episodes[episode]
				found.title = entry.find("title").text
				found.summary = entry.findtext("plot")
				found.absolute_index = int(entry.get("number"))

		metadata.content_rating = re.search("FSK ([0-9]+)", page.findtext("fsk")).group(1)

	def entry(self, page, season, episode):
		for entry in page.findall("episode"):
			if entry.get("season") == season and entry.get("episode") == episode:
				return entry
