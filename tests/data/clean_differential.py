"""Compares cleaning with Python: `madewithml` with the course's clean_text, byte for byte;
`basic` and `punctuation` with their definition in unicodedata and re.

usage: clean_differential.py CLEAN_DUMP SOURCE_DIR

Texts are generated; those of the course's data set are added when it is there
(datasets/madewithml, or the folder in MUSTER_MADEWITHML).
"""
import csv
import os
import random
import re
import subprocess
import sys
import unicodedata

STOPWORDS = """i me my myself we our ours ourselves you you're you've you'll you'd your yours
yourself yourselves he him his himself she she's her hers herself it it's its itself they them
their theirs themselves what which who whom this that that'll these those am is are was were be
been being have has had having do does did doing a an the and but if or because as until while of
at by for with about against between into through during before after above below to from up down
in out on off over under again further then once here there when where why how all any both each
few more most other some such no nor not only own same so than too very s t can will just don don't
should should've now d ll m o re ve y ain aren aren't couldn couldn't didn didn't doesn doesn't hadn
hadn't hasn hasn't haven haven't isn isn't ma mightn mightn't mustn mustn't needn needn't shan
shan't shouldn shouldn't wasn wasn't weren weren't won won't wouldn wouldn't""".split()


def clean_text(text, stopwords=STOPWORDS):
    """The course's function, as it stands there."""
    text = text.lower()
    pattern = re.compile(r"\b(" + r"|".join(stopwords) + r")\b\s*")
    text = pattern.sub("", text)
    text = re.sub(r"([!\"'#$%&()*\+,-./:;<=>?@\\\[\]^_`{|}~])", r" \1 ", text)
    text = re.sub("[^A-Za-z0-9]+", " ", text)
    text = re.sub(" +", " ", text)
    text = text.strip()
    text = re.sub(r"http\S+", "", text)
    return text


def fold(text):
    # NFKC of the case-folded canonical decomposition, as Unicode's toNFKC_Casefold orders it.
    folded = unicodedata.normalize('NFKD', unicodedata.normalize('NFD', text).casefold())
    return unicodedata.normalize('NFKC', folded.casefold())


def kind(char):
    category = unicodedata.category(char)[0]
    if category in 'LNM':
        return category
    return 'S' if char.isspace() else 'O'


def words(text, punctuation):
    """Runs of letters (with their marks) and digits; with punctuation each apart."""
    found, before = [], 'S'
    for char in fold(text):
        now = kind(char)
        joins = (before == 'L' if now == 'M' else
                 now in 'LN' and (before == now if punctuation else before in 'LN'))
        if joins:
            found[-1] += char
            before = before if now == 'M' else now
        elif now in 'LN' or punctuation and now != 'S':
            found.append(char)
            before = now
        else:
            before = 'S'
    return ' '.join(found)


def generated(rng):
    pieces = (STOPWORDS + [w.upper() for w in STOPWORDS[:40]] +
              ['transfer', 'Learning', 'http', 'https://x.org/a?b=c', 'HTTP://X', 'xhttpy', '_', 'a_the',
               'the_a', 'é', 'thé', 'the\u0301', 'İ', 'iİthe', '\u212a', '\u212b', 'straße', 'ﬁne', 'Ⅷ', '²', '½', 'ß', 'ŉ',
               'हिन्दी', '中文', 'ñandú', 'e\u0301', '\u0301', '\u200d', '😀', '❤\ufe0f', '1\ufe0f\u20e3', 'ǅ',
               'don\u2019t', "it's", "rock'n'roll", '3.14', 'C++', '#1', '\x1c', '\x85',
               'ΑΣ', 'ς', 'ͅ', '\u00ad', '가', '각', 'ﷺ'])
    gaps = [' ', ' ', ' ', '  ', '', '\n', '\t', '-', '.', ', ', '/', '\u00a0', '\u2028', "'", '(', '_']
    text = ''
    for _ in range(rng.randrange(12)):
        text += rng.choice(pieces) + rng.choice(gaps)
    return text


def course_texts(source_dir):
    folder = os.environ.get('MUSTER_MADEWITHML') or os.path.join(source_dir, 'datasets/madewithml')
    path = os.path.join(folder, 'dataset.csv')
    if not os.path.exists(path):
        print(f'skipped: the course\'s texts are not there ({path})')
        return []
    with open(path, encoding='utf-8', newline='') as file:
        return [row['title'] + ' ' + row['description'] for row in csv.DictReader(file)]


def run(dump, how, texts):
    source = ''.join(text + '\x03' for text in texts).encode()
    out = subprocess.run([dump, how], input=source, check=True, capture_output=True).stdout
    return out.decode().split('\x03')[:-1]


def main():
    rng = random.Random(11)
    texts = [generated(rng) for _ in range(4000)] + course_texts(sys.argv[2])
    references = {'madewithml': clean_text,
                  'basic': lambda text: words(text, False),
                  'punctuation': lambda text: words(text, True),
                  'none': lambda text: text}
    for how, reference in references.items():
        ours = run(sys.argv[1], how, texts)
        assert len(ours) == len(texts)
        for text, got in zip(texts, ours):
            if got != reference(text):
                sys.exit(f'{how} differs:\n{text!r}\nours   {got!r}\npython {reference(text)!r}')
    print(f'{len(texts)} texts, {len(references)} ways of cleaning: the same')


main()
