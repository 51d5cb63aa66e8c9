"""What a training step costs on many ranks: a model with few numbers, fitted to what one machine
measures. Used by bench/scale, not run by itself.

A step of p ranks takes

    serial + compute / p + sum(dense floats) + sum(rows of words) + gather(logit gradients)

`serial` is what every rank does for itself (dealing the batch, the optimizer, the wide branch's
updates) and `compute` the leaves' forward and backward passes; both follow from steps on one and
on two ranks, less what their exchange costs. A message of b bytes takes latency + b / bandwidth.
The dense sum halves and doubles: 2 log2(p) messages, 2 (p - 1) / p of the gradient. Rows of words
are doubled: log2(p) messages, which grow to all rows of the batch. The logit gradients come
around from each rank in turn: p broadcasts of log2(p) messages.
"""
import math

FLOAT = 4
# Messages as their makers and common measurements have them; not measured here.
NETWORKS = {"10 Gb/s Ethernet": (30e-6, 1.1e9), "100 Gb/s InfiniBand": (2e-6, 11e9)}


def sum_seconds(ranks, n_bytes, latency, bandwidth):
    """Recursive halving and doubling."""
    return 2 * math.log2(ranks) * latency + 2 * (ranks - 1) / ranks * n_bytes / bandwidth


def rows_seconds(ranks, n_bytes, latency, bandwidth):
    """Rows double; three messages each time (how many, which, values). A rank of p holds
    about as many rows as its share of the batch has distinct words: p ** -0.7 of them
    all, as Heaps' law has it for short texts."""
    total, group = 0.0, 1
    while group < ranks:
        share = min(1.0, (group / ranks) ** 0.7)
        total += 3 * latency + share * n_bytes / bandwidth
        group *= 2
    return total


def gather_seconds(ranks, n_bytes, latency, bandwidth):
    return ranks * math.ceil(math.log2(ranks)) * latency + n_bytes / bandwidth * math.log2(ranks)


def fit_message(samples):
    """(latency, bandwidth) of [(ranks, bytes, seconds of a sum)] by least squares on relative
    error, both above zero."""
    a11 = a12 = a22 = b1 = b2 = 0.0
    for ranks, n_bytes, seconds in samples:
        x, y = 2 * math.log2(ranks) / seconds, 2 * (ranks - 1) / ranks * n_bytes / seconds
        a11, a12, a22 = a11 + x * x, a12 + x * y, a22 + y * y
        b1, b2 = b1 + x, b2 + y
    det = a11 * a22 - a12 * a12
    latency, per_byte = (b1 * a22 - b2 * a12) / det, (b2 * a11 - b1 * a12) / det
    return max(latency, 1e-8), 1 / max(per_byte, 1e-13)


class Step:
    """Of one training: sizes per step and its two measured times."""

    def __init__(self, sizes, one, two, message):
        self.sizes = sizes
        exchange = self.exchange(2, 1, *message)
        # two = serial + compute / 2 + exchange; one = serial + compute
        self.compute = min(one, max(0.0, 2 * (one - two + exchange)))
        self.serial = one - self.compute

    def exchange(self, ranks, batches, latency, bandwidth):
        """`batches`: how many times the batch has grown."""
        if ranks == 1:
            return 0.0
        rows = self.sizes["row_bytes"] * batches ** 0.7
        return (sum_seconds(ranks, self.sizes["dense_bytes"], latency, bandwidth)
                + rows_seconds(ranks, rows, latency, bandwidth)
                + gather_seconds(ranks, self.sizes["wide_bytes"] * batches, latency, bandwidth))

    def seconds(self, ranks, batches, message):
        # The wide branch's updates grow with the batch and are each rank's own; without a
        # wide branch what every rank does for itself stays. All of `serial` goes with it.
        growth = batches if self.sizes["wide_bytes"] > 0 else 1
        return (self.serial * growth + self.compute * batches / ranks
                + self.exchange(ranks, batches, *message))
