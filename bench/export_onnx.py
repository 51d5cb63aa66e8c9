#!/usr/bin/python3
"""Writes a checkpoint of `model.arch: lite` as ONNX, through PyTorch.

    bench/export_onnx.py CHECKPOINT OUT.onnx [--attention plain|fused] [--fixed]

Inputs: rows int64 [texts, tokens] of the embedding table and, unless --fixed, real int32 of
the same shape, 1 where a token is and 0 where padding is. Output: log_probs. For models
without n-grams and without a wide branch. `fused` writes attention as ONNX Runtime's own
MultiHeadAttention.
"""
import argparse
import json
import math
import os

import numpy as np
import torch
from torch.nn import functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    return {name: torch.from_numpy(np.frombuffer(data[slice(*tensor["data_offsets"])],
                                                 np.float32).reshape(tensor["shape"]).copy())
            for name, tensor in header.items() if name != "__metadata__"}


class FusedAttention(torch.autograd.Function):
    """Exists in ONNX Runtime alone; here only its shape."""

    @staticmethod
    def forward(context, q, k, v, real, heads, hidden):
        return q.clone()

    @staticmethod
    def symbolic(graph, q, k, v, real, heads, hidden):
        inputs = [q, k, v]
        if real is not None:
            no_bias = torch.zeros(3 * hidden)
            inputs += [graph.op("Constant", value_t=no_bias), real]
        out = graph.op("com.microsoft::MultiHeadAttention", *inputs, num_heads_i=heads)
        out.setType(q.type())
        return out


class Encoder(torch.nn.Module):
    def __init__(self, tensors, heads, fused):
        super().__init__()
        if {"embedding.ngram.weight", "wide.weight"} & set(tensors):
            raise SystemExit("export_onnx: error: the model has n-grams or a wide branch")
        self.heads, self.fused, self.tensors = heads, fused, tensors
        self.layers = sum(name.endswith("norm1.weight") for name in tensors)
        self.hidden = len(tensors["encoder.norm.weight"])
        for name, tensor in tensors.items():
            self.register_buffer(name.replace(".", "_"), tensor)

    def get(self, name):
        return getattr(self, name.replace(".", "_"))

    def linear(self, x, name):
        return F.linear(x, self.get(name + ".weight"), self.get(name + ".bias"))

    def norm(self, x, name):
        weight = self.get(name + ".weight")
        return F.layer_norm(x, weight.shape, weight, self.get(name + ".bias"), 1e-5)

    def attention(self, x, layer, real, mask):
        q, k, v = (self.linear(x, f"{layer}.attention.{part}")
                   for part in ("query", "key", "value"))
        hidden = self.hidden
        if self.fused:
            return FusedAttention.apply(q, k, v, real, self.heads, hidden)
        n, length = x.shape[:2]
        q, k, v = (part.view(n, length, self.heads, hidden // self.heads).transpose(1, 2)
                   for part in (q, k, v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(hidden // self.heads)
        if mask is not None:
            scores = scores + mask
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, length, hidden)

    def forward(self, rows, real=None):
        mask = weight = None
        if real is not None:
            weight = real.to(torch.float32)
            mask = (1 - weight[:, None, None, :]) * -1e9
        x = F.embedding(rows, self.get("embedding.word.weight"))
        x = x + self.get("embedding.position.weight")[:rows.shape[1]]
        for i in range(self.layers):
            layer = f"encoder.layer.{i}"
            mixed = self.attention(self.norm(x, layer + ".norm1"), layer, real, mask)
            x = x + self.linear(mixed, layer + ".attention.output")
            inner = F.gelu(self.linear(self.norm(x, layer + ".norm2"), layer + ".ff.in"))
            x = x + self.linear(inner, layer + ".ff.out")
        x = self.norm(x, "encoder.norm")
        if weight is None:
            pooled = x.mean(1)
        else:
            pooled = (x * weight[:, :, None]).sum(1) / weight.sum(1, keepdim=True)
        return self.linear(pooled, "head").log_softmax(-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--attention", choices=["plain", "fused"], default="plain")
    parser.add_argument("--fixed", action="store_true")
    options = parser.parse_args()
    with open(os.path.join(options.checkpoint, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = read_safetensors(os.path.join(options.checkpoint, "model.safetensors"))
    heads = config["num_attention_heads"]
    model = Encoder(tensors, heads, options.attention == "fused").eval()
    rows = torch.zeros(2, 7, dtype=torch.int64)
    names = ["rows"] if options.fixed else ["rows", "real"]
    inputs = (rows,) if options.fixed else (rows, torch.ones_like(rows, dtype=torch.int32))
    with torch.no_grad():
        torch.onnx.export(model, inputs, options.out, opset_version=17, input_names=names,
                          output_names=["log_probs"], custom_opsets={"com.microsoft": 1},
                          dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names})


if __name__ == "__main__":
    main()
