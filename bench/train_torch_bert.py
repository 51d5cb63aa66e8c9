#!/usr/bin/python3
"""Fine-tuning steps of BERT (Devlin et al. 2018) in PyTorch, one thread, fp32.

    bench/train_torch_bert.py CONFIG [--steps N] [--warmup N]

Embeddings of tokens, positions and segments, post-LayerNorm blocks, the pooler over the
first token, a linear head; dropout also on attention weights, as BERT has it; AdamW on all
weights, gradient norm clipped. Tokens are drawn: a step's time does not depend on which.
Sizes, batch and rates are the config's. Prints one JSON object; operations are counted as
in train_torch.py.
"""
import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F

from recipe_data import load_config

VOCABULARY, SEGMENTS, CLASSES = 30522, 2, 8


class Block(nn.Module):
    def __init__(self, hidden, heads, ff, dropout):
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.output = nn.Linear(hidden, hidden)
        self.ff_in, self.ff_out = nn.Linear(hidden, ff), nn.Linear(ff, hidden)
        self.norm1 = nn.LayerNorm(hidden, eps=1e-12)
        self.norm2 = nn.LayerNorm(hidden, eps=1e-12)

    def forward(self, x):
        n, length, hidden = x.shape
        qkv = self.qkv(x).view(n, length, 3, self.heads, hidden // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = (q / math.sqrt(hidden // self.heads)) @ k.transpose(-2, -1)
        probs = F.dropout(scores.softmax(-1), self.rate, self.training)
        mixed = (probs @ v).transpose(1, 2).reshape(n, length, hidden)
        x = self.norm1(x + F.dropout(self.output(mixed), self.rate, self.training))
        branch = self.ff_out(F.gelu(self.ff_in(x)))
        return self.norm2(x + F.dropout(branch, self.rate, self.training))


class Bert(nn.Module):
    def __init__(self, sizes, length):
        super().__init__()
        hidden, self.rate = sizes["hidden"], sizes["dropout"]
        self.token = nn.Embedding(VOCABULARY, hidden)
        self.position = nn.Parameter(torch.randn(length, hidden) * 0.02)
        self.segment = nn.Embedding(SEGMENTS, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-12)
        self.blocks = nn.ModuleList(Block(hidden, sizes["heads"], sizes["ff"], self.rate)
                                    for _ in range(sizes["layers"]))
        self.pooler, self.head = nn.Linear(hidden, hidden), nn.Linear(hidden, CLASSES)

    def forward(self, token):
        x = self.token(token) + self.position + self.segment(torch.zeros_like(token))
        x = F.dropout(self.norm(x), self.rate, self.training)
        for block in self.blocks:
            x = block(x)
        pooled = torch.tanh(self.pooler(x[:, 0]))
        return self.head(F.dropout(pooled, self.rate, self.training))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = load_config(options.config)
    sizes, train = config["model"], config["train"]
    length, batch = config["data"]["max_words"], train["batch_size"]
    model = Bert(sizes, length).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=train["lr"],
                                  weight_decay=train["weight_decay"])
    for step in range(options.warmup + options.steps):
        if step == options.warmup:
            cpu, wall = time.process_time(), time.perf_counter()
        token = torch.randint(VOCABULARY, (batch, length))
        label = torch.randint(CLASSES, (batch,))
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(token), label).backward()
        nn.utils.clip_grad_norm_(model.parameters(), train["clip_norm"])
        optimizer.step()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    hidden, tokens = sizes["hidden"], options.steps * batch * length
    flop = 3 * sizes["layers"] * tokens * (8 * hidden * hidden + 4 * hidden * sizes["ff"]
                                           + 4 * hidden * length)
    print(json.dumps({"tokens_per_s": tokens / cpu, "gflop_per_s": flop / cpu / 1e9,
                      "cpu_s": cpu, "wall_s": wall, "steps": options.steps,
                      "tokens": tokens}))


if __name__ == "__main__":
    main()
