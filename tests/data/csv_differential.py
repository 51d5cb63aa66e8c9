"""Compares the CSV reader with Python's csv module on generated nasty files.

usage: csv_differential.py CSV_DUMP

Well-formed files, written by csv.writer from nasty fields with all its quoting styles,
must give the same records; every third of them is compressed. Broken ones (random bytes out of a nasty alphabet) must give
what csv gives, or an error where ours is stricter: a quote that is never closed, text
behind a closing quote, a lone carriage return, NUL.
"""
import csv
import gzip
import io
import os
import random
import subprocess
import sys
import tempfile

csv.field_size_limit(1 << 30)
ALPHABET = ['a', 'b', ' ', ',', '"', '""', '\n', '\r\n', '\t', 'ä', '€', '\u2028', '😀', "'",
            ';', '\\', '']


def python_records(text, separator):
    text = text.removeprefix('\ufeff')
    rows = csv.reader(io.StringIO(text, newline=''), delimiter=separator)
    return [row for row in rows if row]


def our_records(dump, separator, texts):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, text in enumerate(texts):
            paths.append(os.path.join(folder, str(i)))
            content = text.encode()
            if i % 3 == 0:  # as one gzip member, or as two
                cut = len(content) // 2
                content = gzip.compress(content) if i % 2 else (
                    gzip.compress(content[:cut]) + gzip.compress(content[cut:]))
            with open(paths[-1], 'wb') as file:
                file.write(content)
        kind = 'tsv' if separator == '\t' else 'csv'
        out = subprocess.run([dump, kind, *paths], check=True, capture_output=True).stdout
    results = out.decode().split('\x03')[:-1]
    assert len(results) == len(texts)
    return results


def parse_dump(result):
    return [record.split('\x01')[:-1] for record in result.split('\x02')[:-1]]


def well_formed(rng):
    separator = rng.choice(',\t')
    rows = []
    for _ in range(rng.randrange(1, 12)):
        rows.append([''.join(rng.choices(ALPHABET, k=rng.randrange(6)))
                     for _ in range(rng.randrange(1, 6))])
    out = io.StringIO(newline='')
    csv.writer(out, delimiter=separator, lineterminator=rng.choice(['\n', '\r\n']),
               quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])).writerows(rows)
    text = out.getvalue()
    if rng.random() < 0.3:
        text = text.rstrip('\r\n') or 'x'
    if rng.random() < 0.2:
        text = '\ufeff' + text
    return separator, text


def broken(rng):
    alphabet = rng.sample(ALPHABET, rng.randrange(4, len(ALPHABET)))
    if rng.random() < 0.2:
        alphabet += ['\r', '\0']
    return ',', ''.join(rng.choices(alphabet, k=rng.randrange(40)))


def strict_error(result):
    return any(reason in result for reason in
               ('never closed', 'behind the closing quote', 'carriage return', 'NUL byte'))


def check(dump, cases, strict):
    errors = 0
    for separator in ',\t':
        texts = [text for kind, text in cases if kind == separator]
        for text, result in zip(texts, our_records(dump, separator, texts)):
            if 'ERROR' in result:
                errors += 1
                if strict or not strict_error(result):
                    sys.exit(f'refused: {result!r}\n{text!r}')
            elif parse_dump(result) != python_records(text, separator):
                sys.exit(f'differs:\n{text!r}\nours   {parse_dump(result)}\n'
                         f'python {python_records(text, separator)}')
    return errors


def main():
    rng = random.Random(7)
    good = [well_formed(rng) for _ in range(2000)]
    bad = [broken(rng) for _ in range(2000)]
    check(sys.argv[1], good, True)
    errors = check(sys.argv[1], bad, False)
    if errors == len(bad) or errors == 0:
        sys.exit('the broken files are all alike, nothing was compared')
    print(f'{len(good)} well-formed and {len(bad)} broken files agree, {errors} refused')


main()
