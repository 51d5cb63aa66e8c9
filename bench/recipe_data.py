"""Reads a config's data and encodes it for PyTorch, as Muster's own data/ does for the C
model: cleaning `basic`, words with hashed character n-grams, hashed TF-IDF features.

The hash function is another one (CRC-32), so bucket numbers differ and their statistics do
not. Used by the other programs of this folder, not run by itself.
"""
import csv
import hashlib
import math
import os
import re
import unicodedata
import zlib
from collections import Counter

import numpy as np
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORD = re.compile(r"[^\W_]+")
UNK, MASK, N_SPECIAL = 0, 1, 2


def load_config(path):
    with open(path) as file:
        return yaml.safe_load(file)


def clean(text):
    """Muster's cleaning `basic`."""
    return " ".join(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def read_rows(config, split):
    """[(cleaned text, label)] of data.train or data.test."""
    data = config["data"]
    columns = data["text"] if isinstance(data["text"], list) else [data["text"]]
    rows = []
    paths = data[split] if isinstance(data[split], list) else [data[split]]
    for path in paths:
        with open(os.path.join(ROOT, path), newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                text = clean(" ".join(row[name] for name in columns))
                rows.append((text, row[data["label"]]))
    return rows


def bucket(text, n_buckets):
    return zlib.crc32(text.encode()) % n_buckets


def ngrams_of(word, data):
    if not data["ngram_buckets"]:
        return []
    marked = f"<{word}>"
    grams = {marked[i:i + n]
             for n in range(data["ngram_min"], data["ngram_max"] + 1)
             for i in range(len(marked) - n + 1)}
    return sorted({bucket(gram, data["ngram_buckets"]) for gram in grams})


def word_block(words):
    return words + [f"{a} {b}" for a, b in zip(words, words[1:])]


def char_block(words):
    return [f"<{word}>"[i:i + n] for word in words for n in range(2, 6)
            for i in range(len(word) + 3 - n)]


class Encoder:
    """Fitted on the training rows."""

    def __init__(self, config, rows):
        self.data = config["data"]
        self.labels = sorted({label for _, label in rows})
        counts = Counter(word for text, _ in rows for word in text.split())
        kept = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [w for w, n in kept if n >= self.data["min_count"]][:self.data["vocab_size"]]
        self.row = {word: i + N_SPECIAL for i, word in enumerate(kept)}
        self.vocab_size = len(kept) + N_SPECIAL
        n_blocks = {"none": 0, "words": 1, "words_chars": 2}[self.data["wide"]]
        self.blocks = [word_block, char_block][:n_blocks]
        self.df = []
        for block in self.blocks:
            df = np.zeros(self.data["wide_buckets"])
            for text, _ in rows:
                df[list(self._counts(block, text))] += 1
            self.df.append(df)
        self.n_rows = len(rows)
        self.words = {}       # word -> its number in the arrays below
        self.word_row = []
        self.word_ngrams = []

    def _counts(self, block, text):
        return Counter(bucket(gram, self.data["wide_buckets"]) for gram in block(text.split()))

    def _word(self, word):
        if word not in self.words:
            self.words[word] = len(self.words)
            self.word_row.append(self.row.get(word, UNK))
            self.word_ngrams.append(ngrams_of(word, self.data))
        return self.words[word]

    def _features(self, text):
        ids, values = [], []
        for number, block in enumerate(self.blocks):
            counts = self._counts(block, text)
            if not counts:
                continue
            columns = np.array(sorted(counts))
            value = np.array([1 + math.log(counts[c]) for c in columns])
            df = self.df[number][columns]
            value *= np.log((1 + self.n_rows) / (1 + df)) + 1
            if block is char_block:
                columns, value = columns[df >= 2], value[df >= 2]
            norm = np.linalg.norm(value)
            ids.append(columns + number * self.data["wide_buckets"])
            values.append(value / norm if norm else value)
        empty = np.zeros(0)
        return (np.concatenate(ids or [empty]).astype(np.int64),
                np.concatenate(values or [empty]).astype(np.float32))

    def encode(self, rows):
        """[(word numbers, feature ids, feature values, class)]"""
        known = {label: i for i, label in enumerate(self.labels)}
        out = []
        for text, label in rows:
            words = text.split()[:self.data["max_words"]] or [""]
            numbers = np.array([self._word(word) for word in words])
            out.append((numbers, *self._features(text), known.get(label, -1)))
        return out


def digest(config):
    """Names a cache file: changes when the data section or the files do."""
    data = config["data"]
    seen = [repr(sorted(data.items()))]
    for split in ("train", "test"):
        for path in data[split] if isinstance(data[split], list) else [data[split]]:
            stat = os.stat(os.path.join(ROOT, path))
            seen.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16]
