#!/usr/bin/env bats
# The learning-rate finder from the command line.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
}

@test "lr-find: a suggestion, a curve, a tagged run, no weights" {
    run_muster lr-find tiny.yaml
    [ "$code" -eq 0 ] || { show; false; }
    grep -q "^suggested train.lr: [0-9.]*e-0[1-4]$" <<<"$out"
    grep -q "●" <<<"$out"
    dir=$(artifacts .)
    head -n 1 "$dir/lr_find.csv" | grep -qx "step,lr,loss,smoothed_loss"
    [ "$(wc -l <"$dir/lr_find.csv")" -gt 50 ]
    /usr/bin/python3 -c 'import sys, xml.dom.minidom
xml.dom.minidom.parse(sys.argv[1])' "$dir/lr_find.svg"
    grep -q "<circle" "$dir/lr_find.svg"
    [ -z "$(find mlartifacts -name '*.safetensors')" ]
    [ "$(status_of .)" = FINISHED ]
    [ "$(sqlite3 muster.db "SELECT value FROM tags WHERE key = 'muster.purpose'")" = lr_find ]
}

@test "lr-find: the smoothed column is the corrected running mean of the losses" {
    run_muster lr-find tiny.yaml --steps 30
    /usr/bin/python3 - "$(artifacts .)/lr_find.csv" <<'END'
import csv, math, sys
mean = 0
rows = list(csv.DictReader(open(sys.argv[1])))
for i, row in enumerate(rows):
    mean = 0.9 * mean + 0.1 * float(row["loss"])
    assert math.isclose(mean / (1 - 0.9 ** (i + 1)), float(row["smoothed_loss"]), rel_tol=1e-9)
    assert math.isclose(float(row["lr"]), 1e-6 * 1e6 ** (i / 29), rel_tol=1e-9)
END
}

@test "lr-find: the same curve on two ranks" {
    run_muster lr-find tiny.yaml
    in_folder "$BATS_TEST_TMPDIR/two"
    run_muster lr-find tiny.yaml --ranks 2 --json
    [ "$code" -eq 0 ] || { show; false; }
    json '1e-4 < d["suggested_lr"] < 1 and d["diverged"]'
    cmp "$(artifacts ../run)/lr_find.csv" "$(artifacts .)/lr_find.csv"
}

@test "lr-find: a loss that never falls, and wrong options" {
    run_muster lr-find tiny.yaml --min 100 --max 1000
    fails_with=$code
    [ "$fails_with" -eq 1 ] || { show; false; }
    grep -q "^muster: error: no learning rate can be suggested from" <<<"$err"
    [ "$(status_of .)" = FAILED ]
    run_muster lr-find tiny.yaml --min 1 --max 0.1
    [ "$code" -eq 2 ]
    run_muster lr-find
    [ "$code" -eq 2 ]
    run_muster lr-find tiny.yaml train.lr=0
    [ "$code" -eq 3 ]
}
