"""Scores of the tasks on standard input, by scikit-learn.

In, per task: "N C", then one line per sample: label, prediction, C log-probabilities.
Out: one number per line, in the order tests/model/test_metrics.c reads them."""
import sys

import numpy as np
from sklearn.metrics import (accuracy_score, confusion_matrix, log_loss,
                             precision_recall_fscore_support)


def scores(y_true, y_pred, log_probs):
    classes = list(range(log_probs.shape[1]))
    out = [accuracy_score(y_true, y_pred)]
    for average in ("weighted", "macro", "micro"):
        out += precision_recall_fscore_support(y_true, y_pred, average=average,
                                               zero_division=0)[:3]
    for part in precision_recall_fscore_support(y_true, y_pred, labels=classes,
                                                zero_division=0):
        out += list(part)
    out += list(confusion_matrix(y_true, y_pred, labels=classes).ravel())
    # Rows of float32 log-probabilities sum to 1 only nearly; log_loss divides by the sum.
    p = np.exp(log_probs)
    p_sum = p.sum(axis=1)
    out.append(log_loss(y_true, p / p_sum[:, None], labels=classes)
               - np.mean(np.log(p_sum)))
    return out


for head in sys.stdin:
    n, n_classes = map(int, head.split())
    rows = np.array([sys.stdin.readline().split() for _ in range(n)], dtype=np.float64)
    assert rows.shape == (n, 2 + n_classes)
    for x in scores(rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2:]):
        print(repr(float(x)))
