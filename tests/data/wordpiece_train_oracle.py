"""The vocabulary trainer against one that counts all pairs anew in every round."""
import collections
import random
import subprocess
import sys


def train(words, size, least):
    letters = sorted({letter for word in words for letter in word})
    vocab = ["[UNK]"] + letters
    pieces = {}
    for word in sorted(words, key=str.encode):
        pieces[word] = [word[0]] + ["##" + letter for letter in word[1:]]
        for piece in pieces[word]:
            if piece not in vocab:
                vocab.append(piece)
    ids = {piece: i for i, piece in enumerate(vocab)}
    while len(vocab) < size:
        pairs = collections.Counter()
        for word, list_ in pieces.items():
            for pair in zip(list_, list_[1:]):
                pairs[pair] += words[word]
        best = min(pairs, key=lambda p: (-pairs[p], ids[p[0]], ids[p[1]]), default=None)
        if best is None or pairs[best] < max(least, 1):
            break
        joined = best[0] + best[1].removeprefix("##")
        if joined not in ids:
            ids[joined] = len(vocab)
            vocab.append(joined)
        for list_ in pieces.values():
            i = 0
            while i + 1 < len(list_):
                if (list_[i], list_[i + 1]) == best:
                    list_[i:i + 2] = [joined]
                i += 1
    return vocab


rng = random.Random(4)
n = 0
for case in range(60):
    alphabet = rng.choice(["ab", "abc", "abcdefgh", "aé中😀bc"])
    words = collections.Counter()
    for _ in range(rng.randrange(1, 120)):
        word = "".join(rng.choices(alphabet, k=rng.randrange(1, 9)))
        words[word] += rng.randrange(1, rng.choice([3, 50]))
    size, least = rng.randrange(20, 200), rng.choice([0, 2, 9])
    lines = list(words.items())
    rng.shuffle(lines)
    run = subprocess.run([sys.argv[1], str(size), str(least)], check=True, text=True,
                         input="".join(f"{w} {c}\n" for w, c in lines), capture_output=True)
    expected, found = train(words, size, least), run.stdout.split("\n")[:-1]
    if expected[:size] != found[:size]:
        sys.exit(f"case {case}: {dict(words)}\nexpected {expected}\nfound    {found}")
    n += len(found)
print(f"60 vocabularies, {n} tokens the same")
