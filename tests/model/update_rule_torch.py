#!/usr/bin/python3
"""Compares several steps of every update rule with torch.optim, in double precision.

    update_rule_torch.py FOLDER

FOLDER/rules.json: [{"name", "kind", "lr", "decay", "momentum", "betas", "eps"}]
FOLDER/steps.safetensors: start [n]; grad [T, n]; after.NAME [n], what C made of it.

Exit code 0 equal, 1 different, 77 no PyTorch here.
"""
import json
import sys

try:
    import torch

    from oracle_parts import read_safetensors
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def optimizer(rule, weights):
    lr, decay = rule["lr"], rule["decay"]
    if rule["kind"] == "sgd":
        return torch.optim.SGD([weights], lr, momentum=rule["momentum"], weight_decay=decay)
    if rule["kind"] == "adagrad":
        return torch.optim.Adagrad([weights], lr, eps=rule["eps"], weight_decay=decay)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[rule["kind"]]
    return kind([weights], lr, betas=rule["betas"], eps=rule["eps"], weight_decay=decay)


def main():
    folder = sys.argv[1]
    tensors = read_safetensors(folder + "/steps.safetensors")
    with open(folder + "/rules.json") as file:
        rules = json.load(file)
    wrong = 0
    for rule in rules:
        weights = tensors["start"].double().requires_grad_()
        step = optimizer(rule, weights)
        for grad in tensors["grad"].double():
            weights.grad = grad.clone()
            step.step()
        ours = tensors["after." + rule["name"]].double()
        error = (ours - weights.detach()).abs().max().item()
        if not error <= 2e-6:
            print(f"{rule['name']}: off by {error:.3g}")
            wrong += 1
    print(f"{len(rules)} rules compared, {wrong} different")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
