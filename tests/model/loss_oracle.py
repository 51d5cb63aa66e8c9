#!/usr/bin/python3
"""Compares losses and their gradients with PyTorch's, balanced weights with scikit-learn's.

    loss_oracle.py FILE

FILE is a safetensors file of cases: K.setting [kind, gamma, smoothing, scale], K.logits
[n, C], K.label [n] or, of several labels a text, K.labels [n, C] (0 or 1), K.weight [C]
(absent: ones), and what C computed: K.loss, K.gradient [n, C]; rows [C], balanced [C] and
positive [C]. Everything here is double precision and autograd.

Exit code 0 equal, 1 different, 77 no PyTorch or scikit-learn here.
"""
import sys

from torch_oracle import read_safetensors

try:
    import numpy as np
    import torch
    from sklearn.utils.class_weight import compute_class_weight
    from torch.nn import functional as F
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

CROSS_ENTROPY, FOCAL, BCE = range(3)


def smoothed_targets(label, n_classes, smoothing):
    return F.one_hot(label, n_classes) * (1 - smoothing) + smoothing / n_classes


def focal(logits, label, weight, gamma, smoothing):
    """(1 - p_c)^gamma through the log of the other classes' sum, which autograd can take
    where p_c is 1 to the last bit."""
    log_p = torch.log_softmax(logits, 1)
    n_classes = logits.shape[1]
    others = torch.stack([log_p[:, [j for j in range(n_classes) if j != c]].logsumexp(1)
                          for c in range(n_classes)], 1)
    target = smoothed_targets(label, n_classes, smoothing) * weight
    return -(target * torch.exp(gamma * others) * log_p).sum()


def loss_of(kind, gamma, smoothing, logits, label, weight):
    if kind == CROSS_ENTROPY:
        return F.cross_entropy(logits, label, weight, reduction="sum",
                               label_smoothing=smoothing)
    if kind == FOCAL:
        return focal(logits, label, weight, gamma, smoothing)
    target = smoothed_targets(label, logits.shape[1], smoothing)
    mean = F.binary_cross_entropy_with_logits(logits, target.double(), weight)
    return mean * len(label)


def multi_label(gamma, smoothing, logits, labels, weight):
    """Binary cross-entropy is PyTorch's own; the focal loss of Lin et al. from its parts."""
    target = labels * (1 - smoothing) + smoothing / 2
    if gamma == 0:
        return F.binary_cross_entropy_with_logits(logits, target,
                                                  pos_weight=weight) * len(labels)
    log_p, log_rest = F.logsigmoid(logits), F.logsigmoid(-logits)
    loss = (weight * target * torch.exp(gamma * log_rest) * -log_p
            + (1 - target) * torch.exp(gamma * log_p) * -log_rest)
    return loss.mean() * len(labels)


def differs(name, got, want, allowed):
    worst = float((got - want).abs().max())
    if worst <= allowed:
        return 0
    print(f"different: {name}: off by {worst:.3g}, allowed {allowed:.3g}")
    return 1


def check_case(k, case):
    kind, gamma, smoothing, scale = case["setting"].double().tolist()
    logits = case["logits"].double().requires_grad_()
    weight = case.get("weight", torch.ones(logits.shape[1])).double()
    if "labels" in case:
        loss = scale * multi_label(gamma if kind == FOCAL else 0, smoothing, logits,
                                   case["labels"].double(), weight)
    else:
        loss = scale * loss_of(int(kind), gamma, smoothing, logits, case["label"].long(),
                               weight)
    loss.backward()
    name = f"case {k} {case['setting'].tolist()} {list(logits.shape)}"
    # A logit of size z has an error of z / 2^24 once a row's shift is added to it.
    noise = 4e-7 * max(10.0, float(logits.detach().abs().max()))
    size = max(1.0, float(logits.grad.abs().max()))
    return (differs(f"{name} loss", case["loss"].double(), loss.detach(),
                    3e-6 * max(1.0, abs(float(loss.detach()))))
            + differs(f"{name} gradient", case["gradient"].double(), logits.grad, noise * size))


def check_balanced(rows, balanced):
    labels = np.repeat(np.arange(len(rows)), rows.numpy())
    want = compute_class_weight("balanced", classes=np.arange(len(rows)), y=labels)
    return differs("balanced", balanced.double(), torch.from_numpy(want), 1e-6 * want.max())


def check_positive(rows, positive):
    """One against the rest: the ratio of scikit-learn's weights of the two sides."""
    n = int(rows.sum())
    want = []
    for count in rows.tolist():
        y = np.repeat([0, 1], [n - count, count])
        no, yes = compute_class_weight("balanced", classes=np.arange(2), y=y)
        want.append(yes / no)
    want = torch.tensor(want, dtype=torch.double)
    return differs("positive", positive.double(), want, 1e-6 * float(want.max()))


def main():
    tensors = read_safetensors(sys.argv[1])
    rows = tensors.pop("rows")
    failures = check_balanced(rows, tensors.pop("balanced"))
    failures += check_positive(rows, tensors.pop("positive"))
    cases = {}
    for name, tensor in tensors.items():
        number, part = name.split(".")
        cases.setdefault(int(number), {})[part] = tensor
    failures += sum(check_case(k, cases[k]) for k in sorted(cases))
    print(f"{len(cases)} losses compared, {failures} differences")
    sys.exit(1 if failures else 0)


main()
