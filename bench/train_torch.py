#!/usr/bin/python3
"""The default model in PyTorch: both branches, trained as Muster trains them.

    bench/train_torch.py CONFIG [--batching padded|bucketed] [--distinct-words] [--steps N]
    bench/train_torch.py CONFIG --epochs N

The first form measures training steps on one thread and prints one JSON object; batches
are put together before the clock starts. The second trains for N epochs and prints CPU
seconds and the weighted F1 of the test split.

PyTorch gets what helps it: EmbeddingBag with sparse gradients and SparseAdam for words and
n-grams, an EmbeddingBag with weights and sparse SGD for the TF-IDF features, one matrix
product for query, key and value; `bucketed` puts texts of like length into a batch;
`--distinct-words` computes each distinct word of a batch once, as Muster does.

A floating-point operation counts where it is in the encoder's matrix products of real
words: 3 L (8 H^2 + 4 H F + 4 H length) per word, forward and backward, padding not counted;
words likewise.
"""
import argparse
import json
import math
import os
import pickle
import random
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from recipe_data import MASK, ROOT, Encoder, digest, load_config, read_rows

BUCKET_BATCHES = 50  # batches sorted by length together


class Block(nn.Module):
    def __init__(self, hidden, heads, ff, dropout):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.output = nn.Linear(hidden, hidden)
        self.ff_in, self.ff_out = nn.Linear(hidden, ff), nn.Linear(ff, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, mask):
        n, length, hidden = x.shape
        qkv = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, hidden // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(hidden // self.heads) + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, length, hidden)
        x = x + self.dropout(self.output(mixed))
        return x + self.dropout(self.ff_out(F.gelu(self.ff_in(self.norm2(x)))))


class Model(nn.Module):
    def __init__(self, config, vocab_size, n_classes, n_features):
        super().__init__()
        model, data = config["model"], config["data"]
        hidden = model["hidden"]
        self.word = nn.Embedding(vocab_size, hidden, sparse=True)
        self.ngram = None
        if data["ngram_buckets"]:
            self.ngram = nn.EmbeddingBag(data["ngram_buckets"], hidden, mode="mean", sparse=True)
        self.position = nn.Parameter(torch.randn(data["max_words"], hidden) * 0.02)
        self.blocks = nn.ModuleList(
            Block(hidden, model["heads"], model["ff"], model["dropout"])
            for _ in range(model["layers"]))
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, n_classes)
        self.dropout = nn.Dropout(model["dropout"])
        self.pool_dropout = nn.Dropout(model["pool_dropout"])
        self.word_dropout, self.wide_dropout = model["word_dropout"], model["wide_dropout"]
        self.wide = None
        if n_features:
            self.wide = nn.EmbeddingBag(n_features, n_classes, mode="sum", sparse=True)
        self.start()

    def start(self):
        nn.init.normal_(self.word.weight, std=0.1)
        if self.ngram:
            nn.init.normal_(self.ngram.weight, std=0.1)
        if self.wide:
            nn.init.zeros_(self.wide.weight)
        for block in self.blocks:
            for part in block.qkv.weight.chunk(3):
                nn.init.xavier_uniform_(part)
            nn.init.xavier_uniform_(block.ff_in.weight)
            for linear in (block.output, block.ff_out):
                nn.init.xavier_uniform_(linear.weight, 1 / math.sqrt(2 * len(self.blocks)))
            for linear in (block.qkv, block.output, block.ff_in, block.ff_out):
                nn.init.zeros_(linear.bias)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def deep(self, batch):
        vectors = self.word(batch["row"])
        if self.ngram:
            vectors = vectors + self.ngram(batch["ngram"], batch["ngram_begin"])
        n, length = batch["real"].shape[:2]
        if batch["token"] is None:
            x = vectors.view(n, length, -1)
        else:
            x = F.embedding(batch["token"], vectors)
        if self.training and self.word_dropout:
            masked = torch.rand(x.shape[:2]) < self.word_dropout
            x = torch.where(masked[:, :, None], self.word.weight_mask(), x)
        x = self.dropout(x + self.position[:x.shape[1]])
        for block in self.blocks:
            x = block(x, batch["mask"])
        x = self.norm(x) * batch["real"]
        return self.head(self.pool_dropout(x.sum(1) / batch["length"]))

    def wide_logits(self, batch):
        values = batch["wide_value"]
        if self.training:
            values = F.dropout(values, self.wide_dropout)
        return self.wide(batch["wide_id"], batch["wide_begin"], per_sample_weights=values)


def weight_mask(embedding):
    """The MASK row through the sparse table, so that its gradient stays sparse."""
    return embedding(torch.tensor([MASK]))


nn.Embedding.weight_mask = weight_mask


def collate(examples, encoder, distinct):
    """The tensors of one batch, padded to its longest text."""
    longest = max(len(e[0]) for e in examples)
    tokens = np.zeros((len(examples), longest), dtype=np.int64)
    length = np.array([len(e[0]) for e in examples])
    for i, (words, *_) in enumerate(examples):
        tokens[i, :len(words)] = words
    if distinct:
        words, token = np.unique(tokens, return_inverse=True)
        token = token.reshape(tokens.shape)
    else:
        words, token = tokens.reshape(-1), None
    real = np.arange(longest)[None, :] < length[:, None]
    used = np.ones(len(words), bool) if distinct else real.reshape(-1)
    ngrams = [encoder.word_ngrams[w] if u else [] for w, u in zip(words, used)]
    rows = [encoder.word_row[w] if u else 0 for w, u in zip(words, used)]
    features = [len(e[1]) for e in examples]
    mask = np.where(real, 0, -np.inf).astype(np.float32)
    return {
        "row": torch.tensor(rows),
        "ngram": torch.tensor(np.concatenate(ngrams).astype(np.int64)),
        "ngram_begin": torch.tensor(np.cumsum([0] + [len(n) for n in ngrams[:-1]])),
        "token": torch.tensor(token) if distinct else None,
        "mask": torch.tensor(mask[:, None, None, :]),
        "real": torch.tensor(real.astype(np.float32)[:, :, None]),
        "length": torch.tensor(length.astype(np.float32)[:, None]),
        "wide_id": torch.tensor(np.concatenate([e[1] for e in examples])),
        "wide_value": torch.tensor(np.concatenate([e[2] for e in examples])),
        "wide_begin": torch.tensor(np.cumsum([0] + features[:-1])),
        "label": torch.tensor([e[3] for e in examples]),
        "n_words": int(length.sum()),
        "squared_length": int((length ** 2).sum()),
    }


def batches_of(examples, size, batching, draw):
    order = list(range(len(examples)))
    draw.shuffle(order)
    if batching == "bucketed":
        pool = size * BUCKET_BATCHES
        order = [i for at in range(0, len(order), pool)
                 for i in sorted(order[at:at + pool], key=lambda i: len(examples[i][0]))]
    batches = [order[at:at + size] for at in range(0, len(order), size)]
    if batching == "bucketed":
        draw.shuffle(batches)
    return [[examples[i] for i in batch] for batch in batches]


class Trainer:
    def __init__(self, config, model, n_steps):
        train = config["train"]
        self.model, self.n_steps, self.train = model, n_steps, train
        self.done = 0
        sparse = [table.weight for table in (model.word, model.ngram) if table]
        dense = [p for name, p in model.named_parameters()
                 if name.split(".")[0] not in ("word", "ngram", "wide")]
        self.dense = dense
        matrices = [p for p in dense if p.dim() == 2 and p is not model.position]
        vectors = [p for p in dense if p.dim() != 2 or p is model.position]
        self.optimizers = [
            torch.optim.AdamW([{"params": matrices, "weight_decay": train["weight_decay"]},
                               {"params": vectors, "weight_decay": 0.0}], lr=train["lr"]),
            torch.optim.SparseAdam(sparse, lr=train["embedding_lr"])]
        if model.wide:
            rate = train["wide_lr"] * train["batch_size"] / 32
            self.optimizers.append(torch.optim.SGD([model.wide.weight], lr=rate))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["full_lr"] = group["lr"]

    def factor(self):
        warm = max(1, int(self.train["warmup"] * self.n_steps))
        if self.done < warm:
            return (self.done + 1) / warm
        share = (self.done - warm) / max(1, self.n_steps - warm)
        return 0.5 * (1 + math.cos(math.pi * min(1, share)))

    def step(self, batch):
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * self.factor()
        smoothing = self.train["label_smoothing"]
        loss = F.cross_entropy(self.model.deep(batch), batch["label"],
                               label_smoothing=smoothing)
        if self.model.wide:
            loss = loss + F.cross_entropy(self.model.wide_logits(batch), batch["label"])
        loss.backward()
        nn.utils.clip_grad_norm_(self.dense, self.train["clip_norm"])
        for optimizer in self.optimizers:
            optimizer.step()
        self.done += 1


def load_encoded(config):
    """(encoder, training examples, test examples), kept under build/ between runs."""
    path = os.path.join(ROOT, "build", "bench", f"encoded-{digest(config)}.pickle")
    if os.path.exists(path):
        with open(path, "rb") as file:
            return pickle.load(file)
    rows = read_rows(config, "train")
    encoder = Encoder(config, rows)
    encoded = (encoder, encoder.encode(rows), encoder.encode(read_rows(config, "test")))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp", "wb") as file:
        pickle.dump(encoded, file)
    os.replace(path + ".tmp", path)
    return encoded


def flop_of(config, batches):
    model = config["model"]
    hidden, ff, layers = model["hidden"], model["ff"], model["layers"]
    words = sum(b["n_words"] for b in batches)
    squares = sum(b["squared_length"] for b in batches)
    return 3 * layers * ((8 * hidden * hidden + 4 * hidden * ff) * words
                         + 4 * hidden * squares)


def measure(config, encoder, examples, options):
    model = Model(config, encoder.vocab_size, len(encoder.labels), n_features(config, encoder))
    trainer = Trainer(config, model, 10 * options.steps)
    wanted = options.warmup + options.steps
    chosen = batches_of(examples, config["train"]["batch_size"], options.batching,
                        random.Random(1))
    batches = [collate(b, encoder, options.distinct_words)
               for b in (chosen * (wanted // len(chosen) + 1))[:wanted]]
    model.train()
    for batch in batches[:options.warmup]:
        trainer.step(batch)
    batches = batches[options.warmup:]
    cpu, wall = time.process_time(), time.perf_counter()
    for batch in batches:
        trainer.step(batch)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    words = sum(b["n_words"] for b in batches)
    padded = sum(b["real"].numel() for b in batches)
    flop = flop_of(config, batches)
    return {"tokens_per_s": words / cpu, "gflop_per_s": flop / cpu / 1e9, "cpu_s": cpu,
            "wall_s": wall, "steps": len(batches), "tokens": words,
            "padding": padded / words}


def n_features(config, encoder):
    return config["data"]["wide_buckets"] * len(encoder.blocks)


def train_and_test(config, encoder, examples, test, options):
    from sklearn.metrics import accuracy_score, f1_score
    size = config["train"]["batch_size"]
    model = Model(config, encoder.vocab_size, len(encoder.labels), n_features(config, encoder))
    trainer = Trainer(config, model, options.epochs * math.ceil(len(examples) / size))
    draw = random.Random(options.seed)
    start = time.process_time()
    for epoch in range(options.epochs):
        model.train()
        for batch in batches_of(examples, size, options.batching, draw):
            trainer.step(collate(batch, encoder, options.distinct_words))
        print(f"epoch {epoch + 1}: {time.process_time() - start:.1f} CPU s", file=sys.stderr)
    cpu = time.process_time() - start
    model.eval()
    share = config["model"]["wide_weight"]
    answers = []
    with torch.no_grad():
        for at in range(0, len(test), size):
            batch = collate(test[at:at + size], encoder, options.distinct_words)
            logits = model.deep(batch).log_softmax(1)
            if model.wide:
                logits = (1 - share) * logits + share * model.wide_logits(batch).log_softmax(1)
            answers += logits.argmax(1).tolist()
    truth = [e[3] for e in test]
    return {"train_cpu_s": cpu, "f1_weighted": f1_score(truth, answers, average="weighted"),
            "accuracy": accuracy_score(truth, answers)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?",
                        default=os.path.join(ROOT, "configs", "debian-sections.yaml"))
    parser.add_argument("--batching", choices=["padded", "bucketed"], default="padded")
    parser.add_argument("--distinct-words", action="store_true")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    config = load_config(options.config)
    encoder, examples, test = load_encoded(config)
    if options.epochs:
        result = train_and_test(config, encoder, examples, test, options)
    else:
        result = measure(config, encoder, examples, options)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
