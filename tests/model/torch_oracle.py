#!/usr/bin/python3
"""Compares the C model's forward pass, gradients and one optimizer step with PyTorch.

    torch_oracle.py FOLDER... [--tolerance 1e-4]

Everything here is computed from PyTorch's own parts (EmbeddingBag, a padded
TransformerEncoderLayer, CrossEntropyLoss, autograd, AdamW, Adam, SGD) in double
precision; nothing is shared with the C code but the numbers in FOLDER:

weights.safetensors   every tensor by its name in a checkpoint
batch.safetensors     text_start [n+1], token_word, word_row, ngram_begin, ngram_count, ngram,
                      wide_begin, wide_count, wide_id, label (I32), wide_value (F32)
hyper.json            heads, lr, weight_decay, betas, eps, label_smoothing, clip_norm,
                      wide_lr (for a batch of 32), wide_weight; embedding_lr (default lr),
                      class_weight [C] (default ones)
expected.safetensors  what C computed: loss_deep, loss_wide, log_probs [n, C];
                      grad.<tensor>, before clipping; after.<tensor>, after one step

The step is checked from C's own gradients: Adam divides a gradient by its size, so where
one is zero but for rounding (the key's bias), the step's sign is chance.

Exit code 0 equal, 1 different, 77 no PyTorch here.
"""
import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
from oracle_parts import NOISE, Comparison, read_safetensors, torch  # noqa: E402
from torch import nn  # noqa: E402

LAYER_NORM_EPS = 1e-5
WIDE_BATCH = 32  # the batch that wide_lr is meant for


class Deep(nn.Module):
    """Words, n-grams and positions; encoder layers; mean over the text's words; a head."""

    def __init__(self, weights, heads):
        super().__init__()
        hidden = weights["embedding.word.weight"].shape[1]
        self.word = nn.Embedding.from_pretrained(
            weights["embedding.word.weight"].clone(), freeze=False, sparse=True)
        self.ngram = None
        if "embedding.ngram.weight" in weights:
            self.ngram = nn.EmbeddingBag.from_pretrained(
                weights["embedding.ngram.weight"].clone(), freeze=False, mode="mean",
                sparse=True)
        self.position = nn.Parameter(weights["embedding.position.weight"].clone())
        n_layers = len([name for name in weights if name.endswith("attention.query.weight")])
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                hidden, heads, dim_feedforward=weights[f"{layer_name(i)}.ff.in.weight"].shape[0],
                dropout=0.0, activation="gelu", layer_norm_eps=LAYER_NORM_EPS,
                batch_first=True, norm_first=True)
            for i in range(n_layers))
        self.norm = nn.LayerNorm(hidden, eps=LAYER_NORM_EPS)
        self.head = nn.Linear(hidden, weights["head.bias"].shape[0])
        self.double()
        for tensor, parts in self.dense_parts():
            with torch.no_grad():
                tensor.copy_(torch.cat([weights[name] for name in parts]))

    def dense_parts(self):
        """Each dense parameter here with the names of the tensors it is stacked from."""
        pairs = [(self.position, ["embedding.position.weight"])]
        for i, layer in enumerate(self.layers):
            at = layer_name(i)
            attention = layer.self_attn
            three = ("query", "key", "value")
            pairs += [
                (attention.in_proj_weight, [f"{at}.attention.{p}.weight" for p in three]),
                (attention.in_proj_bias, [f"{at}.attention.{p}.bias" for p in three])]
            for ours, theirs in (("attention.output", attention.out_proj),
                                 ("ff.in", layer.linear1), ("ff.out", layer.linear2),
                                 ("norm1", layer.norm1), ("norm2", layer.norm2)):
                pairs += [(theirs.weight, [f"{at}.{ours}.weight"]),
                          (theirs.bias, [f"{at}.{ours}.bias"])]
        for ours, theirs in (("encoder.norm", self.norm), ("head", self.head)):
            pairs += [(theirs.weight, [f"{ours}.weight"]), (theirs.bias, [f"{ours}.bias"])]
        return pairs

    def tokens(self, batch):
        """[n, T, H] above the last layer, lengths [n], and which places are padding."""
        vectors = self.word(batch["word_row"])
        if self.ngram is not None:
            flat, offsets = join_slices(
                batch["ngram"], batch["ngram_begin"], batch["ngram_count"])
            vectors = vectors + self.ngram(flat, offsets)
        start = batch["text_start"].tolist()
        texts = [vectors[batch["token_word"][a:b]] + self.position[:b - a]
                 for a, b in zip(start, start[1:])]
        x = nn.utils.rnn.pad_sequence(texts, batch_first=True)
        length = torch.tensor([len(text) for text in texts])
        padding = torch.arange(x.shape[1])[None, :] >= length[:, None]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return self.norm(x), length, padding

    def forward(self, batch):
        x, length, padding = self.tokens(batch)
        x = x.masked_fill(padding[:, :, None], 0)
        return self.head(x.sum(1) / length[:, None])


class Wide(nn.Module):
    """A linear classifier on sparse features."""

    def __init__(self, weights):
        super().__init__()
        self.weight = nn.Parameter(weights["wide.weight"].clone().double())

    def forward(self, batch):
        columns, begin = join_slices(
            batch["wide_id"], batch["wide_begin"], batch["wide_count"])
        values, _ = join_slices(batch["wide_value"], batch["wide_begin"], batch["wide_count"])
        rows = torch.repeat_interleave(torch.arange(len(begin)), batch["wide_count"])
        features = torch.sparse_coo_tensor(
            torch.stack([rows, columns]), values, (len(begin), self.weight.shape[0]))
        return torch.sparse.mm(features, self.weight)


def layer_name(i):
    return f"encoder.layer.{i}"


def join_slices(values, begin, count):
    """The slices back to back, and where each begins in what comes out."""
    slices = [values[b:b + c] for b, c in zip(begin.tolist(), count.tolist())]
    offsets = torch.cumsum(count, 0) - count
    return torch.cat(slices) if slices else values[:0], offsets


def split_like(tensor, parts, weights):
    """A stacked tensor cut into the tensors it was made from."""
    return zip(parts, torch.split(tensor, [weights[name].shape[0] for name in parts]))


def check_forward_and_gradients(deep, wide, batch, hyper, weights, expected, compare):
    label = batch["label"]
    class_weight = None
    if "class_weight" in hyper:
        class_weight = torch.tensor(hyper["class_weight"], dtype=torch.double)
    smoothed = nn.CrossEntropyLoss(class_weight, label_smoothing=hyper["label_smoothing"])
    deep_logits = deep(batch)
    loss_deep = smoothed(deep_logits, label)
    loss_deep.backward()
    compare.check("loss_deep", expected.get("loss_deep"), loss_deep.detach())
    answer = torch.log_softmax(deep_logits.detach(), 1)
    gradients = {}
    for tensor, parts in deep.dense_parts():
        gradients.update(split_like(tensor.grad, parts, weights))
    gradients["embedding.word.weight"] = deep.word.weight.grad.to_dense()
    if deep.ngram is not None:
        gradients["embedding.ngram.weight"] = deep.ngram.weight.grad.to_dense()
    if wide is not None:
        logits = wide(batch)
        loss_wide = nn.CrossEntropyLoss(class_weight)(logits, label)
        loss_wide.backward()
        compare.check("loss_wide", expected.get("loss_wide"), loss_wide.detach())
        w = hyper["wide_weight"]
        answer = (1 - w) * answer + w * torch.log_softmax(logits.detach(), 1)
        gradients["wide.weight"] = wide.weight.grad
    compare.check("log_probs", expected.get("log_probs"), torch.log_softmax(answer, 1))
    largest = max(float(g.abs().max()) for g in gradients.values())
    for name, gradient in gradients.items():
        compare.check(f"grad.{name}", expected.get(f"grad.{name}"), gradient,
                      floor=NOISE * largest)
    return gradients


def check_step(deep, wide, batch, hyper, weights, expected, gradients, compare):
    """One step of PyTorch's optimizers, from C's gradients."""
    def gradient(name):
        ours = expected.get(f"grad.{name}", gradients[name])
        return ours.double().reshape(weights[name].shape)

    dense = deep.dense_parts()
    for tensor, parts in dense:
        tensor.grad = torch.cat([gradient(name) for name in parts])
    nn.utils.clip_grad_norm_([tensor for tensor, _ in dense], hyper["clip_norm"])
    adam = {"lr": hyper["lr"], "betas": tuple(hyper["betas"]), "eps": hyper["eps"]}
    matrices = [t for t, parts in dense if t.dim() == 2 and parts[0] != "embedding.position.weight"]
    others = [t for t, _ in dense if all(t is not m for m in matrices)]
    optimizers = [torch.optim.AdamW(
        [{"params": matrices, "weight_decay": hyper["weight_decay"]},
         {"params": others, "weight_decay": 0.0}], **adam)]

    tables = {"embedding.word.weight": (deep.word.weight, batch["word_row"])}
    if deep.ngram is not None:
        flat, _ = join_slices(batch["ngram"], batch["ngram_begin"], batch["ngram_count"])
        tables["embedding.ngram.weight"] = (deep.ngram.weight, flat)
    lazy = []
    for name, (table, touched) in tables.items():
        rows = torch.unique(touched)
        some = table.detach()[rows].requires_grad_()
        some.grad = gradient(name)[rows]
        lazy.append((table, rows, some))
    adam["lr"] = hyper.get("embedding_lr", hyper["lr"])
    optimizers.append(torch.optim.Adam([some for _, _, some in lazy], **adam))
    if wide is not None:
        wide.weight.grad = gradient("wide.weight")
        lr = hyper["wide_lr"] * len(batch["label"]) / WIDE_BATCH
        optimizers.append(torch.optim.SGD(wide.parameters(), lr=lr))
    for optimizer in optimizers:
        optimizer.step()
    with torch.no_grad():
        for table, rows, some in lazy:
            table[rows] = some

    after = {name: table.detach() for name, (table, _) in tables.items()}
    for tensor, parts in dense:
        after.update(split_like(tensor.detach(), parts, weights))
    if wide is not None:
        after["wide.weight"] = wide.weight.detach()
    for name, tensor in after.items():
        before = weights[name]
        got, want = expected.get(f"after.{name}"), tensor - before
        rounding = 2.0 ** -22 * float(before.abs().max() + tensor.abs().max())
        if got is not None and got.numel() == before.numel():
            got = got.double().reshape(before.shape) - before
        compare.check(f"after.{name} - before", got, want, rounding=rounding)


def check_folder(folder, tolerance):
    def path(name):
        return os.path.join(folder, name)

    weights = {name: tensor.double()
               for name, tensor in read_safetensors(path("weights.safetensors")).items()}
    batch = {name: tensor.double() if tensor.is_floating_point() else tensor.long()
             for name, tensor in read_safetensors(path("batch.safetensors")).items()}
    expected = read_safetensors(path("expected.safetensors"))
    with open(path("hyper.json")) as file:
        hyper = json.load(file)

    compare = Comparison(tolerance)
    deep = Deep(weights, hyper["heads"])
    wide = Wide(weights) if "wide.weight" in weights else None
    gradients = check_forward_and_gradients(
        deep, wide, batch, hyper, weights, expected, compare)
    check_step(deep, wide, batch, hyper, weights, expected, gradients, compare)
    print(f"{folder}: {compare.n} tensors compared, {compare.failures} different")
    return compare.failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="+")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    failures = sum(check_folder(folder, options.tolerance) for folder in options.folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
