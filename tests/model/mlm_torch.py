#!/usr/bin/python3
"""Compares lite's masked language model with PyTorch: logits, loss and every gradient.

    mlm_torch.py FOLDER...

The encoder is torch_oracle.py's; above it BERT's head with lite's names. FOLDER holds
weights.safetensors, batch.safetensors (as for torch_oracle.py, and hidden_at [M],
hidden_label [M]: tokens of the batch and the rows of the word table asked for), hyper.json
(heads) and expected.safetensors, what C computed: logits [M, V], loss [1], grad.<tensor>.

Exit code 0 equal, 1 different, 77 no PyTorch here.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
from oracle_parts import NOISE, Comparison, read_safetensors, torch  # noqa: E402
from torch_oracle import LAYER_NORM_EPS, Deep, split_like  # noqa: E402

TOLERANCE = 1e-4
HEAD = ("mlm.bias", "mlm.transform.dense.weight", "mlm.transform.dense.bias",
        "mlm.transform.norm.weight", "mlm.transform.norm.bias")


def predict(deep, head, batch):
    """logits [M, V]"""
    f = torch.nn.functional
    x, _, padding = deep.tokens(batch)
    x = x[~padding][batch["hidden_at"]]
    bias, dense, dense_bias, weight, norm_bias = head
    x = f.gelu(f.linear(x, dense, dense_bias))
    x = f.layer_norm(x, (x.shape[1],), weight, norm_bias, LAYER_NORM_EPS)
    return x @ deep.word.weight.T + bias


def gradient_of(tensor):
    if tensor.grad is None:
        return torch.zeros_like(tensor)
    return tensor.grad.to_dense() if tensor.grad.is_sparse else tensor.grad


def gradients(deep, head, weights):
    out = {"embedding.word.weight": gradient_of(deep.word.weight)}
    if deep.ngram is not None:
        out["embedding.ngram.weight"] = gradient_of(deep.ngram.weight)
    for tensor, parts in deep.dense_parts():
        if not parts[0].startswith("head."):
            out.update(split_like(gradient_of(tensor), parts, weights))
    out.update((name, gradient_of(tensor)) for name, tensor in zip(HEAD, head))
    return out


def check_folder(folder):
    def read(name):
        return {key: tensor.double() if tensor.is_floating_point() else tensor.long()
                for key, tensor in read_safetensors(os.path.join(folder, name)).items()}

    weights, batch, expected = (read(f"{name}.safetensors")
                                for name in ("weights", "batch", "expected"))
    with open(os.path.join(folder, "hyper.json")) as file:
        heads = json.load(file)["heads"]
    hidden = weights["embedding.word.weight"].shape[1]
    classifier = {"head.weight": torch.zeros(1, hidden).double(),
                  "head.bias": torch.zeros(1).double()}
    deep = Deep({**weights, **classifier}, heads)
    head = [weights[name].clone().requires_grad_() for name in HEAD]
    logits = predict(deep, head, batch)
    loss = torch.nn.functional.cross_entropy(logits, batch["hidden_label"])
    loss.backward()

    compare = Comparison(TOLERANCE)
    compare.check("logits", expected.get("logits"), logits.detach())
    compare.check("loss", expected.get("loss"), loss.detach())
    found = gradients(deep, head, weights)
    largest = max(float(tensor.abs().max()) for tensor in found.values())
    for name in weights:
        compare.check(f"grad.{name}", expected.get(f"grad.{name}"), found[name],
                      floor=NOISE * largest)
    print(f"{folder}: {compare.n} tensors compared, {compare.failures} different")
    return compare.failures


def main():
    torch.set_num_threads(1)
    return 1 if sum(check_folder(folder) for folder in sys.argv[1:]) else 0


if __name__ == "__main__":
    sys.exit(main())
