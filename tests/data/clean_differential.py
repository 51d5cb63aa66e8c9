"""Compares cleaning with Python: `madewithml` with the course's clean_text, byte for byte;
`basic` and `punctuation` with their definition in unicodedata and re; steps, alone and in
lists, with re, unicodedata and html.

usage: clean_differential.py CLEAN_DUMP SOURCE_DIR

Texts are generated; those of the course's data set are added when it is there
(datasets/madewithml, or the folder in MUSTER_MADEWITHML).
"""
import csv
import html
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


# ---- steps ----

def strip_accents(text):
    parts = unicodedata.normalize('NFD', text)
    return unicodedata.normalize('NFC', ''.join(c for c in parts if unicodedata.category(c) != 'Mn'))


def decode_entity(match):
    entity = match.group()
    if entity[1] == '#':
        code = int(entity[3:-1], 16) if entity[2] in 'xX' else int(entity[2:-1])
        valid = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
        return chr(code) if valid else entity
    return html.unescape(entity)


def strip_html(text):
    pattern = (r'<!--[\s\S]*?-->|<[A-Za-z/!?][^>]*>|&(?:amp|lt|gt|quot|apos|nbsp);'
               r'|&#[0-9]{1,8};|&#[xX][0-9a-fA-F]{1,8};')
    return re.sub(pattern, lambda m: ' ' if m.group()[0] == '<' else decode_entity(m), text)


def in_word(char):
    return char == '_' or unicodedata.category(char)[0] in 'LNM'


def lowercase(text):
    """Character by character; the one long lower case, that of İ, is a plain i."""
    return ''.join('i' if c == 'İ' else c.lower() for c in text)


def remove_numbers(text):
    def check(match):
        around = text[max(match.start() - 1, 0):match.start()] + text[match.end():match.end() + 1]
        return match.group() if any(map(in_word, around)) else ' '
    return re.sub(r'[0-9]+(?:[.,][0-9]+)*', check, text)


def remove_stop_words(text):
    out, i = '', 0
    while i < len(text):
        end = i
        while end < len(text) and (in_word(text[end]) or (
                text[end] == "'" and end > i and end + 1 < len(text) and in_word(text[end + 1]))):
            end += 1
        if end == i:
            out += text[i]
            i += 1
        else:
            out += '' if lowercase(text[i:end]) in STOPWORDS else text[i:end]
            i = end
    return out


STEPS = {
    'lowercase': lowercase,
    'strip_accents': strip_accents,
    'nfc': lambda text: unicodedata.normalize('NFC', text),
    'nfkc': lambda text: unicodedata.normalize('NFKC', text),
    'urls': lambda text: re.sub(r'(?i:(?<![\w\u0300-\u036f\u093f\u094d\ufe0f\u20e3])(?:https?://|www\.))\S*', ' ', text),
    'emails': lambda text: re.sub(r'[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+', ' ', text),
    'numbers': remove_numbers,
    'html': strip_html,
    'punctuation': lambda text: ''.join(
        c if c.isspace() or unicodedata.category(c)[0] in 'LNM' else ' ' for c in text),
    'whitespace': lambda text: ' '.join(text.split()),
    'stopwords:english': remove_stop_words,
}
LISTS = ['html,urls,emails,lowercase,numbers,whitespace', 'nfkc,strip_accents,lowercase,whitespace',
         'urls,stopwords:english,whitespace', 'lowercase,numbers,nfc']


def step_reference(steps):
    def clean(text):
        for step in steps.split(','):
            text = STEPS[step](text)
        return text
    return clean


def marked_up(rng):
    pieces = ['<b>', '</b>', '<a href="x y">', '< 3', '<', '>', '&amp;', '&lt;', '&#233;', '&#xE9;', '&#0;', '&x;', '&',
              '<!-- a > b -->', '<!--', 'me@x.org', 'a.b+c@d-e.co.uk', '@', 'x@y', 'a@b..c', 'http://x.y/z?a=b', 'https://',
              'www.a.de', 'xwww.b', 'WWW.C', '3.14', '1,000.5', '12', 'a1', '5th', '7.', ',8', "don't", 'The', 'NOT', 'cat',
              'é', 'e\u0301', 'ﬁ', '²', 'ÀÉ', '中文', '—', '_', '…']
    gaps = [' ', ' ', '', '\n', '\u00a0', '.', ', ', '-']
    return ''.join(rng.choice(pieces) + rng.choice(gaps) for _ in range(rng.randrange(10)))


def course_texts(source_dir):
    folders = [os.environ.get('MUSTER_MADEWITHML'), os.path.join(source_dir, 'datasets/madewithml'),
               os.path.join(source_dir, '../shared/data/madewithml')]
    for folder in filter(None, folders):
        texts = []
        for name in 'dataset.csv', 'holdout.csv':
            path = os.path.join(folder, name)
            if os.path.exists(path):
                with open(path, encoding='utf-8', newline='') as file:
                    texts += [row['title'] + ' ' + row['description'] for row in csv.DictReader(file)]
        if texts:
            return texts
    print('skipped: the course\'s texts are not there')
    return []


def run(dump, how, texts):
    source = ''.join(text + '\x03' for text in texts).encode()
    out = subprocess.run([dump, how], input=source, check=True, capture_output=True).stdout
    return out.decode().split('\x03')[:-1]


def main():
    rng = random.Random(11)
    texts = [generated(rng) for _ in range(12000)] + course_texts(sys.argv[2])
    texts += [marked_up(rng) for _ in range(8000)]
    references = {'madewithml': clean_text,
                  'basic': lambda text: words(text, False),
                  'punctuation': lambda text: words(text, True),
                  'none': lambda text: text}
    for steps in [step for step in STEPS if step != 'punctuation'] + ['punctuation,whitespace'] + LISTS:
        references[steps] = step_reference(steps)
    for how, reference in references.items():
        ours = run(sys.argv[1], how, texts)
        assert len(ours) == len(texts)
        for text, got in zip(texts, ours):
            if got != reference(text):
                sys.exit(f'{how} differs:\n{text!r}\nours   {got!r}\npython {reference(text)!r}')
    print(f'{len(texts)} texts, {len(references)} ways of cleaning: the same')


main()
