# Altbestand: one line bodies, chained calls, odd layout
def GetYear(d): return int(d['date'][:4])
def Names(d): return [x['name'] for x in d['people']]
def Best(d): return max(d['ratings'], key=lambda r: r['value'])['value']

class Altbestand(Agent.Movies):
  name, languages, primary_provider = 'Altbestand', ['en'], True

  def update(self, metadata, media, lang):
    d = JSON.ObjectFromURL('https://alt.example/' + metadata.id); metadata.title = d['title'].split(':')[1]
    metadata.year = GetYear(d)
    if d['mature']['flag']: metadata.content_rating = 'R'
    for n in Names(d): metadata.writers.add(n)
    metadata.rating = Best(d); metadata.summary = d['text'] and d['text']['long'] or d['short'].strip()
    if not d['studio']:
      metadata.studio = ''
    elif d['studio']['name'] == 'None' or \
         d['studio']['alias'].lower() == 'none': metadata.studio = None
    else: metadata.studio = d['studio']['name']
    a = b = d['facts'][0]['text']
    metadata.trivia = a + b if len(d['facts']) > 1 else d['facts'][1]['text']
    for k, v in zip(d['keys'], d['values']): metadata.genres.add(k + ' ' + v)
    metadata.tags.clear(); [metadata.tags.add(t['t']) for t in d['tags']]
    metadata.quotes = {'first': d['quotes'][0].title(), 'last': d['quotes'][-1].title()}
    url = d['poster']['sizes'][d['poster']['best']]['url']
    if url not in metadata.posters: metadata.posters[url] = Proxy.Media(HTTP.Request(url).content)
    metadata.tagline = d['tag']
