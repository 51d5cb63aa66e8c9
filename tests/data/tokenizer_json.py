"""Does tokenizer.json say what our cleaning does? Follows it step by step, as the Hugging
Face library documents the steps, and compares the ids with ours.

usage: tokenizer_json.py TOKENIZER_DUMP SOURCE_DIR

Characters whose case folding is more than lower-casing are left out of the texts: the
format has no case folding, which is the one known difference.
"""
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unicodedata

CLEANINGS = ['none', 'basic', 'punctuation', 'madewithml', 'nfkc,strip_accents,lowercase,whitespace',
             'urls,emails,lowercase,numbers,punctuation,whitespace',
             'lowercase,stopwords:english,punctuation,whitespace']


def char_class(letter):
    """The characters of \\p{L}, \\p{N} or \\p{M} as ranges inside a bracket."""
    ranges, start = '', None
    for code in range(0x110001):
        inside = code < 0x110000 and unicodedata.category(chr(code))[0] == letter
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            ranges += f'\\U{start:08x}-\\U{code - 1:08x}'
            start = None
    return ranges


CLASSES = {letter: char_class(letter) for letter in 'LNM'}


def compiled(pattern):
    out, inside = '', False
    for piece in re.findall(r'\\p\{.\}|\\.|.', pattern, re.DOTALL):
        if piece.startswith('\\p'):
            out += CLASSES[piece[3]] if inside else f'[{CLASSES[piece[3]]}]'
        else:
            inside = piece == '[' or inside and piece != ']'
            out += piece
    return re.compile(out)


def normalizer(step):
    if step['type'] in ('NFC', 'NFD', 'NFKC'):
        return lambda text: unicodedata.normalize(step['type'], text)
    if step['type'] == 'StripAccents':
        return lambda text: ''.join(c for c in text if unicodedata.category(c) != 'Mn')
    if step['type'] == 'Lowercase':
        return str.lower
    if step['type'] == 'Strip':
        return str.strip
    assert step['type'] == 'Replace', step
    pattern, content = compiled(step['pattern']['Regex']), step['content']
    return lambda text: pattern.sub(content, text)


def pre_tokenizer(step):
    if step['type'] == 'WhitespaceSplit':
        return str.split
    assert step['type'] == 'Split' and step['behavior'] == 'Removed' and step['invert'], step
    return compiled(step['pattern']['Regex']).findall


def tokenizer(path):
    with open(path, encoding='utf-8') as file:
        rules = json.load(file)
    steps = [normalizer(s) for s in (rules['normalizer'] or {'normalizers': []})['normalizers']]
    split, vocab = pre_tokenizer(rules['pre_tokenizer']), rules['model']['vocab']
    unknown = vocab[rules['model']['unk_token']]
    assert rules['model']['type'] == 'WordLevel'
    assert sorted(vocab.values()) == list(range(len(vocab)))

    def encode(text):
        for step in steps:
            text = step(text)
        return [vocab.get(word, unknown) for word in split(text)]
    return encode


def simple(char):
    """Folding it is lower-casing it, whatever else happens to it."""
    nfkc = unicodedata.normalize('NFKC', char)
    return nfkc.lower() == unicodedata.normalize('NFKC', nfkc.casefold())


def generated(rng):
    chars = [c for c in 'aAbeéÄñ中文가हिन्दी\u0301\ufe0f\u20e3😀1२²½ⅷ_-.,\'"()—…\u00a0\u2028ﬁ'
             if simple(c)]
    words = [''.join(rng.choices(chars, k=rng.randrange(1, 6))) for _ in range(80)]
    words += ['The', 'not', "don't", 'https://a.b', 'http', 'the_a', 'C++', 'Learning', 'learning']
    return [''.join(word + rng.choice([' ', ' ', ' ', '', '. ', '\t', '\u2003'])
                    for word in rng.choices(words, k=rng.randrange(12))) for _ in range(1500)]


def check(dump, cleaning, texts):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'texts.csv')
        with open(path, 'w', encoding='utf-8', newline='') as file:
            csv.writer(file).writerows([['text', 'id']] + [[t, i] for i, t in enumerate(texts)])
        out = subprocess.run([dump, path, folder, cleaning], check=True,
                             capture_output=True, text=True).stdout
        encode = tokenizer(os.path.join(folder, 'tokenizer.json'))
        with open(os.path.join(folder, 'tokenizer_config.json'), encoding='utf-8') as file:
            assert json.load(file)['unk_token'] == '[UNK]'
    known = 0
    for text, line in zip(texts, out.split('\n')):
        ours = [int(row) for row in line.split()]
        if ours != encode(text):
            sys.exit(f'{cleaning} differs:\n{text!r}\nours {ours}\nfile {encode(text)}')
        known += sum(row > 1 for row in ours)
    assert known > 1000, 'hardly any word is known, nothing was compared'


def main():
    texts = generated(random.Random(3))
    for cleaning in CLEANINGS:
        check(sys.argv[1], cleaning, texts)
    print(f'{len(texts)} texts, {len(CLEANINGS)} ways of cleaning: tokenizer.json says the same')


main()
