"""How many rows of each class a split holds out, against scikit-learn."""
import random
import subprocess
import sys
import warnings

import numpy as np
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

warnings.simplefilter("ignore")
program = sys.argv[1]
rng = random.Random(11)


def classes(rows):
    return np.repeat(np.arange(len(rows)), rows)


def has_ties(rows, share):
    """scikit-learn draws between classes of equal remainder: those are left out."""
    n = sum(rows)
    kept = n - int(np.ceil(share * n))
    exact = np.asarray(rows) / n * kept
    remainders = np.sort(exact - np.floor(exact))
    need = kept - int(np.floor(exact).sum())
    at = len(rows) - need
    return 0 < need < len(rows) and abs(remainders[at] - remainders[at - 1]) < 1e-9


lines, expected = [], []
while len(lines) < 1500:
    rows = [rng.randint(2, rng.choice([5, 50, 2000])) for _ in range(rng.randint(2, 40))]
    share = rng.choice([0.05, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.5])
    n = sum(rows)
    held = int(np.ceil(share * n))
    if held < len(rows) or n - held < len(rows) or has_ties(rows, share):
        continue
    y = classes(rows)
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=share, random_state=0)
    _, test = next(splitter.split(y, y))
    counts = np.bincount(y[test], minlength=len(rows))
    if (counts == rows).any():
        continue  # ours keeps a row of every class
    lines.append(f"counts {share!r} " + " ".join(map(str, rows)))
    expected.append(" ".join(map(str, counts)))

while len(lines) < 2000:
    folds = rng.randint(2, 12)
    rows = [rng.randint(folds, 300) for _ in range(rng.randint(2, 40))]
    y = classes(rows)
    counts = []
    for _, test in StratifiedKFold(folds).split(y, y):
        counts.extend(np.bincount(y[test], minlength=len(rows)))
    lines.append(f"folds {folds} " + " ".join(map(str, rows)))
    expected.append(" ".join(map(str, counts)))

run = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True,
                     text=True, check=True)
found = [line.strip() for line in run.stdout.splitlines()]
assert len(found) == len(expected)
for line, ours, theirs in zip(lines, found, expected):
    if ours != theirs:
        sys.exit(f"{line}\n  ours   {ours}\n  theirs {theirs}")
print(f"{len(lines)} splits with scikit-learn's counts")
