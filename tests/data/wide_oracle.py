"""Compares the wide features with scikit-learn's TfidfVectorizer and with their definition.

usage: wide_oracle.py WIDE_DUMP SOURCE_DIR

With 4 million buckets hardly anything collides, so on training texts the values of a text
must be scikit-learn's, block by block; where buckets do collide, and for words that
training never saw, the definition decides: it is computed here over hashed features.
"""
import collections
import csv
import math
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

from sklearn.feature_extraction.text import TfidfVectorizer

BUCKETS = 1 << 22
MASK = (1 << 64) - 1


def hash_bytes(seed, data):
    h = 0xcbf29ce484222325 ^ (seed * 0x9E3779B97F4A7C15 & MASK)
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 & MASK
    h ^= h >> 33
    h = h * 0xff51afd7ed558ccd & MASK
    h ^= h >> 33
    h = h * 0xc4ceb9fe1a85ec53 & MASK
    return h ^ (h >> 33)


def words_of(text):
    return re.findall('[a-z0-9]+', text.lower())


def word_features(text):
    hashes = [hash_bytes(0, word.encode()) for word in words_of(text)]
    pairs = [hash_bytes(2, struct.pack('<QQ', a, b)) for a, b in zip(hashes, hashes[1:])]
    return collections.Counter(h % BUCKETS for h in hashes + pairs)


def char_features(text):
    grams = []
    for word in words_of(text):
        padded = f' {word} '
        for n in range(2, 6):
            grams += [padded[i:i + n] for i in range(len(padded) - n + 1)]
    return collections.Counter(BUCKETS + hash_bytes(3, gram.encode()) % BUCKETS for gram in grams)


def defined_values(n, df, counts_of_text, min_df):
    values = {bucket: (1 + math.log(tf)) * (math.log((1 + n) / (1 + df[bucket])) + 1)
              for bucket, tf in counts_of_text.items() if df[bucket] >= min_df}
    norm = math.sqrt(sum(value * value for value in values.values()))
    return {bucket: value / norm for bucket, value in values.items()}


def generated(rng):
    words = [''.join(rng.choices('abcdeo', k=rng.randrange(1, 8))) for _ in range(60)]
    return [' '.join(rng.choices(words, k=rng.randrange(0, 40))) for _ in range(120)]


def tiny(source_dir):
    with open(os.path.join(source_dir, 'tests/data/tiny/train.csv'), newline='') as file:
        return [row['title'] + ' ' + row['description'] for row in csv.DictReader(file)]


def dumped(dump, train, test):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, texts in (('train.csv', train), ('test.csv', test)):
            paths.append(os.path.join(folder, name))
            with open(paths[-1], 'w', newline='') as file:
                csv.writer(file).writerows([['text', 'id']] + [[t, i] for i, t in enumerate(texts)])
        out = subprocess.run([dump, *paths], check=True, capture_output=True, text=True).stdout
    rows = []
    for line in out.splitlines():
        pairs = [pair.split(':') for pair in line.split()]
        ids = [int(bucket) for bucket, _ in pairs]
        assert ids == sorted(set(ids)), 'ids are not ascending'
        rows.append({int(bucket): float(value) for bucket, value in pairs})
    return rows


def expect_close(ours, theirs, what):
    if len(ours) != len(theirs) or any(abs(a - b) > 2e-6 for a, b in zip(ours, theirs)):
        sys.exit(f'{what} differs:\nours {ours}\ntheirs {theirs}')


def check_definition(train, test, rows):
    for features, min_df, what in ((word_features, 1, 'words'), (char_features, 2, 'characters')):
        df = collections.Counter(bucket for text in train for bucket in features(text))
        for text, row in zip(test, rows):
            expected = defined_values(len(train), df, features(text), min_df)
            ours = {b: v for b, v in row.items() if (b >= BUCKETS) == (features is char_features)}
            assert ours.keys() == expected.keys(), f'{what}: other features in {text!r}'
            keys = sorted(ours)
            expect_close([ours[k] for k in keys], [expected[k] for k in keys], f'{what} of {text!r}')


def check_scikit_learn(train, test, rows):
    """Texts whose features do not collide have the same values, sorted; most are so."""
    common = dict(sublinear_tf=True, lowercase=True)
    blocks = (TfidfVectorizer(ngram_range=(1, 2), token_pattern='[a-z0-9]+', **common),
              TfidfVectorizer(analyzer='char_wb', ngram_range=(2, 5), min_df=2, **common,
                              preprocessor=lambda text: ' '.join(words_of(text))))
    same = total = 0
    for block, vectorizer in enumerate(blocks):
        matrix = vectorizer.fit(train).transform(test)
        for i, row in enumerate(rows):
            ours = sorted(v for b, v in row.items() if (b >= BUCKETS) == (block == 1))
            theirs = sorted(matrix[i].data)
            total += 1
            same += len(ours) == len(theirs) and all(
                abs(a - b) < 2e-6 for a, b in zip(ours, theirs))
    if same < 0.9 * total:
        sys.exit(f'only {same} of {total} vectors are scikit-learn\'s')
    return f'{same} of {total} vectors are scikit-learn\'s (the others hold a collision)'


def main():
    rng = random.Random(5)
    for texts in (generated(rng), tiny(sys.argv[2])):
        unseen = [text + ' zebra quux ' + text[:9] for text in texts[:30]]
        for asked in (unseen, texts):
            rows = dumped(sys.argv[1], texts, asked)
            check_definition(texts, asked, rows)
            print(check_scikit_learn(texts, asked, rows))


main()
