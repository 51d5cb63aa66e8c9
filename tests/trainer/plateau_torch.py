"""Learning rates of PyTorch's ReduceLROnPlateau: a line of factor, patience, least and
losses on standard input, a line of rates, each that after a loss, on standard output.
"""
import sys

try:
    import torch
except ImportError:
    sys.exit(77)

for line in sys.stdin:
    factor, patience, least, *losses = line.split()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=float(factor), patience=int(patience),
        min_lr=float(least), eps=0)
    rates = []
    for loss in losses:
        scheduler.step(float(loss))
        rates.append(repr(optimizer.param_groups[0]["lr"]))
    print(*rates)
