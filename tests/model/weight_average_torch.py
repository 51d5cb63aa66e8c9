#!/usr/bin/python3
"""Compares moving averages of weights with torch.optim.swa_utils.AveragedModel, which
averages every weight in every step, in double precision.

    weight_average_torch.py FOLDER

FOLDER/decays.json: {NAME: decay}
FOLDER/steps.safetensors: weights.NAME [T + 1, n], before the first and after every step;
average.NAME [T, n], what C made of them.

Exit code 0 equal, 1 different, 77 no PyTorch here.
"""
import json
import sys

try:
    import torch
    from torch.optim.swa_utils import AveragedModel

    from oracle_parts import read_safetensors
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


class Weights(torch.nn.Module):
    def __init__(self, values):
        super().__init__()
        self.values = torch.nn.Parameter(values.clone())


def largest_error(decay, weights, averages):
    """Of all steps, relative to the largest weight."""

    def average(old, new, n):  # n: how many were averaged, the first weights included
        t = int(n)
        kept = min(decay, (1 + t) / (10 + t))
        return kept * old + (1 - kept) * new

    model = Weights(weights[0])
    averaged = AveragedModel(model, avg_fn=average)
    averaged.update_parameters(model)  # takes the first weights as they are
    worst = 0
    for now, ours in zip(weights[1:], averages):
        model.values.data.copy_(now)
        averaged.update_parameters(model)
        error = (ours - averaged.module.values.data).abs().max() / now.abs().max()
        worst = max(worst, error.item())
    return worst


def main():
    folder = sys.argv[1]
    tensors = read_safetensors(folder + "/steps.safetensors")
    with open(folder + "/decays.json") as file:
        decays = json.load(file)
    wrong = 0
    for name, decay in decays.items():
        error = largest_error(decay, tensors["weights." + name].double(),
                              tensors["average." + name].double())
        if not error <= 5e-7:
            print(f"{name}: off by {error:.3g}")
            wrong += 1
    print(f"{len(decays)} averages compared, {wrong} different")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
