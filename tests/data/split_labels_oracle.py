"""Splits of rows with several labels: against a plain account of iterative stratification
(Sechidis, Tsoumakas, Vlahavas 2011, algorithm 1) where nothing is drawn, and by what must
hold of any split where rows are drawn."""
import random
import subprocess
import sys

program = sys.argv[1]
rng = random.Random(5)
TRAIN, VAL, TEST = range(3)


def iterate(units, rows, shares):
    """Which part each unit (a list of row numbers) goes to."""
    def labels_of(unit):
        return [c for i in unit for c in rows[i]]

    n = sum(len(unit) for unit in units)
    counts = {}
    for unit in units:
        for c in labels_of(unit):
            counts[c] = counts.get(c, 0) + 1
    wants_rows = [share * n for share in shares]
    wants = [{c: share * counts[c] for c in counts} for share in shares]
    left, parts = list(range(len(units))), {}

    def deal(u, key):
        part = max(range(len(shares)), key=lambda p: (key(p), wants_rows[p], -p))
        parts[u] = part
        left.remove(u)
        wants_rows[part] -= len(units[u])
        for c in labels_of(units[u]):
            wants[part][c] -= 1

    while True:
        remaining = {}
        for u in left:
            for c in labels_of(units[u]):
                remaining[c] = remaining.get(c, 0) + 1
        if not remaining:
            break
        label = min(remaining, key=lambda c: (remaining[c], c))
        for u in [u for u in left if label in labels_of(units[u])]:
            deal(u, lambda p: wants[p][label])
    for u in list(left):
        deal(u, lambda p: 0)
    return parts


def account(case):
    """The parts of all rows when nothing is drawn."""
    rows, groups = case["rows"], case["groups"]
    units = ([[i] for i in range(len(rows))] if groups is None else
             [[i for i in range(len(rows)) if groups[i] == g]
              for g in range(max(groups) + 1)])
    part = [TRAIN] * len(rows)

    def cut(shares, chosen, to):
        here = [unit for unit in units if unit and part[unit[0]] == TRAIN]
        for u, p in iterate(here, rows, shares).items():
            if p == chosen:
                for i in here[u]:
                    part[i] = to

    if case["test"]:
        cut([1 - case["test"], case["test"]], 1, TEST)
    if case["folds"]:
        cut([1 / case["folds"]] * case["folds"], case["fold"], VAL)
    elif case["val"]:
        cut([1 - case["val"], case["val"]], 1, VAL)
    trained = {c for i, row in enumerate(rows) if part[i] == TRAIN for c in row}
    for i, row in enumerate(rows):
        if part[i] != TRAIN and not set(row) <= trained:
            for j in next(unit for unit in units if i in unit):
                part[j] = TRAIN
            trained |= set(row)
        elif part[i] == TRAIN:
            trained |= set(row)
    return part


def random_case(shuffle, grouped, n_rows=None, folds=None):
    n_labels = rng.randint(1, 12)
    n = n_rows or rng.randint(1, 150)
    weights = [rng.random() ** 2 for _ in range(n_labels)]
    rows = [sorted({c for c in range(n_labels) if rng.random() < weights[c] / 2})
            for _ in range(n)]
    groups = None
    if grouped:
        groups = [rng.randint(0, n // 3) for _ in range(n)]
    folds = folds if folds is not None else rng.choice([0, 0, 2, 3, 5])
    return {"rows": rows, "groups": groups, "labels": n_labels, "shuffle": shuffle,
            "test": rng.choice([0, 0.1, 0.2, 1 / 3]), "val": rng.choice([0, 0.1, 0.2, 0.5]),
            "folds": folds, "fold": rng.randrange(folds) if folds else 0}


def line_of(case):
    words = [repr(case["test"]), repr(case["val"]), str(case["folds"]), str(case["fold"]),
             str(int(case["shuffle"])), str(case["labels"])]
    for i, row in enumerate(case["rows"]):
        word = ",".join(map(str, row)) or "-"
        words.append(word if case["groups"] is None else f"{word}:{case['groups'][i]}")
    return " ".join(words)


def split(cases):
    run = subprocess.run([program], input="\n".join(map(line_of, cases)) + "\n",
                         capture_output=True, text=True, check=True)
    return [[int(c) for c in line] for line in run.stdout.splitlines()]


def share_of(rows, part, wanted, label):
    return (sum(label in row for row, p in zip(rows, part) if p == wanted)
            / sum(label in row for row in rows))


fixed = [random_case(False, i % 3 == 0) for i in range(400)]
for case, found in zip(fixed, split(fixed)):
    assert found == account(case), (case, found)

drawn = [random_case(True, i % 3 == 0) for i in range(300)]
first, second = split(drawn), split(drawn)
assert first == second
for case, part in zip(drawn, first):
    rows = case["rows"]
    trained = {c for row, p in zip(rows, part) if p == TRAIN for c in row}
    assert trained == {c for row in rows for c in row}
    if case["groups"]:
        assert len({(g, p) for g, p in zip(case["groups"], part)}) == len(set(case["groups"]))

# Large sets: every label has its share of the held-out rows, the rare ones too.
for case in [random_case(True, False, 1000, 0) for _ in range(20)]:
    case.update(test=0.2, val=0)
    part, = split([case])
    for label in range(case["labels"]):
        count = sum(label in row for row in case["rows"])
        if count >= 5:
            found = share_of(case["rows"], part, TEST, label)
            assert abs(found - 0.2) <= 1.5 / count + 0.01, (label, count, found)
    assert abs(part.count(TEST) - 200) <= 12, part.count(TEST)

# Folds: every row is for validation once, but for those that training cannot do without.
case = random_case(True, False, 300, 5)
case.update(test=0, fold=0)
folds = split([dict(case, fold=f) for f in range(5)])
times = [sum(part[i] == VAL for part in folds) for i in range(300)]
assert max(times) == 1 and sum(times) >= 290, sum(times)
print(f"{len(fixed)} splits as accounted for, {len(drawn)} drawn ones hold")
