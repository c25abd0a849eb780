# shared by search and update

def page_of(identifier):
    return JSON.ObjectFromURL('https://teil.example/%s' % identifier)

def find_part(page, kind):
    for part in page['parts']:
        if part['kind'] == kind:
            return part

def first(found, default=None):
    return found[0] if found else default

def fill(metadata, page):
    metadata.title = find_part(page, 'title')['text']
    metadata.summary = find_part(page, 'plot')['text'].strip()
    metadata.year = int(find_part(page, 'year')['text'])
    for name in first(find_part(page, 'people')['names']).split(','):
        metadata.directors.add(name)
    rating = getattr(metadata, 'rating', None)
    if rating is None:
        metadata.rating = average(find_part(page, 'votes')['list'])
    writers = find_part(page, 'writers') or {}
    metadata.writers.clear()
    for writer in writers['names']:
        metadata.writers.add(type(writer).__name__ + ' ' + writer['last'])
    metadata.studio = page['studio']['name'] \
        .upper()

def average(votes):
    total = 0
    for vote in votes:
        total += vote['value']
    return float(total) / len(votes)
