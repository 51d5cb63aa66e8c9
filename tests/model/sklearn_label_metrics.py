"""Scores of several labels a text, by scikit-learn, for tests/model/test_label_answer.c.

In, per task: "N C", then two lines per text: C numbers 0 or 1 (its labels), C log-odds;
then one line of C thresholds.
Out: one number per line, in the order the test reads them."""
import sys

import numpy as np
from sklearn.metrics import (accuracy_score, f1_score, hamming_loss, log_loss,
                             multilabel_confusion_matrix,
                             precision_recall_fscore_support)


def probabilities(log_odds):
    return np.where(log_odds < 0, np.exp(-abs(log_odds)), 1) / (1 + np.exp(-abs(log_odds)))


def best_thresholds(y_true, p):
    """Of 0.01 ... 0.99 those of the best F1, nearest to 0.5, then the smaller one."""
    scores = [f1_score(y_true, p >= k / 100, average=None, zero_division=0)
              for k in range(1, 100)]
    best = [max((scores[k - 1][c], -abs(k - 50), -k) for k in range(1, 100))
            for c in range(y_true.shape[1])]
    return [-k / 100 for _, _, k in best]


def scores(y_true, p, thresholds):
    y_pred = (p >= thresholds).astype(int)
    out = [accuracy_score(y_true, y_pred), hamming_loss(y_true, y_pred)]
    for average in ("weighted", "macro", "micro", "samples"):
        out += precision_recall_fscore_support(y_true, y_pred, average=average,
                                               zero_division=0)[:3]
    for part in precision_recall_fscore_support(y_true, y_pred, average=None,
                                                zero_division=0):
        out += list(part)
    out += list(multilabel_confusion_matrix(y_true, y_pred)[:, 1, 1])
    # Binary cross-entropy: the mean of every label's log_loss.
    out.append(np.mean([log_loss(y_true[:, c], p[:, c], labels=[0, 1], eps=1e-300)
                        for c in range(y_true.shape[1])]))
    return out + best_thresholds(y_true, p)


for head in sys.stdin:
    n, n_labels = map(int, head.split())
    rows = np.array([sys.stdin.readline().split() for _ in range(2 * n)], dtype=np.float64)
    thresholds = np.array(sys.stdin.readline().split(), dtype=np.float64)
    assert rows.shape == (2 * n, n_labels)
    for x in scores(rows[0::2].astype(int), probabilities(rows[1::2]), thresholds):
        print(repr(float(x)))
