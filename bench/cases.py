"""The named cases of bench/train, bench/infer and bench/scaling: what each trains on, and how.

Configs and generated rows go to build/bench/cases and are the same wherever they are made.
Used by the other programs of this folder, not run by itself.
"""
import csv
import json
import os

import yaml

from recipe_data import ROOT, load_config, read_rows

FOLDER = os.path.join(ROOT, "build", "bench", "cases")
SECTIONS = os.path.join(ROOT, "configs", "debian-sections.yaml")
WORDS = 128            # of every text of `fixed`
FIXED_ROWS = {"train": 4096, "test": 1024}
FIXED_CLASSES = 8

# The bare encoder: no n-grams, no wide branch, so that both sides compute matrix products
# and attention and little else.
BARE_DATA = {"ngram_buckets": 0, "wide": "none", "val_size": 0.0}
LARGE = {"layers": 4, "hidden": 256, "heads": 4, "ff": 1024}
BERT = {"arch": "bert", "layers": 12, "hidden": 768, "heads": 12, "ff": 3072,
        "dropout": 0.1, "attention_dropout": 0.1, "pool_dropout": 0.1, "word_dropout": 0,
        "layer_norm_eps": 1e-12, "positions": 512, "vocab_rows": 30522}

# Measured steps of each side, and steps before that: a step of bert takes seconds.
CASES = {
    "default": {"steps": 150, "warmup": 10, "about": "configs/debian-sections.yaml"},
    "fixed": {"steps": 10, "warmup": 2,
              "about": "L4 H256 FF1024, 128 words a text, batch 32"},
    "sections-large": {"steps": 30, "warmup": 3,
                       "about": "L4 H256 FF1024, debian-sections' own lengths, batch 32"},
    "bert": {"steps": 3, "warmup": 1,
             "about": "BERT L12 H768 FF3072, 128 tokens a text, batch 8"},
}


def write_fixed(words):
    """Rows of exactly `words` words: debian-sections' training text, cut anew."""
    paths = {split: os.path.join(FOLDER, f"{split}-{words}.csv") for split in FIXED_ROWS}
    if all(os.path.exists(path) for path in paths.values()):
        return paths
    os.makedirs(FOLDER, exist_ok=True)
    stream = [w for text, _ in read_rows(load_config(SECTIONS), "train") for w in text.split()]
    at = 0
    for split, n in FIXED_ROWS.items():
        with open(paths[split] + ".part", "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(["text", "label"])
            for row in range(n):
                start = at % (len(stream) - words)
                out.writerow([" ".join(stream[start:start + words]),
                              f"class{row % FIXED_CLASSES}"])
                at += words
        os.replace(paths[split] + ".part", paths[split])
    return paths


def case_config(name, words=WORDS, model=None, train=None):
    """The config of a case as a dictionary; `model` and `train` change single values."""
    config = load_config(SECTIONS)
    if name != "default":
        config["data"].update(BARE_DATA)
        config["model"].update(LARGE)
        config["train"].update(batch_size=32, lr=0.0003)
    if name == "sections-large":
        config["data"]["max_words"] = 400
    if name in ("fixed", "bert"):
        config["data"].update(write_fixed(words), text=["text"], label="label",
                              max_words=words)
    if name == "bert":
        config["model"].update(BERT)
        config["data"].update(tokenizer="wordpiece", cleaning="none")
        # One core: one leaf, whose gradient needs no other beside it.
        config["train"].update(batch_size=8, leaves=1, lr=0.00003, embedding_lr=0.00003)
    config["model"].update(model or {})
    config["train"].update(train or {})
    return config


def write_config(name, config):
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"{name}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(json.loads(json.dumps(config)), file)
    return path


def case_path(name):
    return SECTIONS if name == "default" else write_config(name, case_config(name))
