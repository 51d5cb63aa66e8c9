# Notes, tags, names, deletion and export of runs.
load helpers
load untrained
load runs

setup() {
    in_fresh_folder
    fill_store
}

@test "note: set, from a file, shown, removed" {
    run_muster runs note newt-2 "the good one"
    [ "$out" = "$NEWT noted" ] || { show; false; }
    [ "$("$MUSTER" runs note newt-2 </dev/null)" = "the good one" ]
    [ "$(sqlite3 muster.db "SELECT value FROM tags WHERE key = 'mlflow.note.content'")" = "the good one" ]
    printf 'two\nlines\n\n' | "$MUSTER" runs note newt-2 -
    run_muster runs note newt-2 --json
    json 'd["note"] == "two\nlines"'
    run_muster runs note newt-2 ""
    [ "$out" = "$NEWT has no note" ] || { show; false; }
    [ -z "$("$MUSTER" runs note newt-2 </dev/null)" ]
    run_muster runs note newt-2 "$(head -c 9000 /dev/zero | tr '\0' x)"
    [ "$code" -eq 2 ] || { show; false; }
}

@test "note: an editor on a terminal" {
    "$MUSTER" runs note newt-2 "old" >/dev/null
    printf '#!/bin/sh\necho "new words" >>"$1"\n' >edit && chmod +x edit
    EDITOR="$PWD/edit" VISUAL= on_terminal 80 24 "$MUSTER" runs note newt-2
    [ "$code" -eq 0 ] || { show; false; }
    [ "$("$MUSTER" runs note newt-2 </dev/null)" = "oldnew words" ]
    EDITOR=false VISUAL= on_terminal 80 24 "$MUSTER" runs note newt-2
    [ "$code" -eq 1 ] && grep -q "the editor 'false' failed" <<<"$out" || { show; false; }
    [ "$("$MUSTER" runs note newt-2 </dev/null)" = "oldnew words" ]
}

@test "tag: several at once, shown, removed, all or none" {
    run_muster runs tag newt-2 owner=me "why=a = b"
    [ "$code" -eq 0 ] || { show; false; }
    grep -qE "^why +a = b$" <<<"$out" || { show; false; }
    run_muster runs tag newt-2 x=1 --delete nobody
    fails 6 "run newt-2 (a2000000) has no tag 'nobody'"
    run_muster runs tag newt-2 --delete owner --json
    json 'd["tags"]["why"] == "a = b" and "owner" not in d["tags"] and "x" not in d["tags"]'
    run_muster runs tag newt-2 owner
    fails 2 "expected KEY=VALUE, found 'owner'"
}

@test "rename: the new name is the one to be called by" {
    run_muster runs rename newt-2 baseline
    [ "$out" = "$NEWT newt-2 is now baseline" ] || { show; false; }
    run_muster runs show baseline --json
    json 'd["run_id"] == "'$NEWT'" and d["tags"]["mlflow.runName"] == "baseline"'
}

@test "rm: asks on a terminal, wants --yes elsewhere" {
    run_muster runs rm newt-2 owl-1
    fails 2 "delete 2 runs: nobody is there to be asked" "add --yes"
    on_terminal 80 24 "$MUSTER" runs rm newt-2 <<<n
    grep -qF "delete run newt-2 (a2000000)? [y/N]" <<<"$out" || { show; false; }
    ! grep -q deleted <<<"$out" || { show; false; }
    on_terminal 80 24 "$MUSTER" runs rm newt-2 <<<y
    grep -q "$NEWT deleted" <<<"$out" || { show; false; }
    run_muster runs restore newt-2
    [ "$out" = "$NEWT restored" ] || { show; false; }
    run_muster runs rm newt-2 owl-1 --yes --json
    json 'len(d["deleted"]) == 2'
}

@test "export: every point, as JSON and CSV" {
    run_muster runs export newt-2 hare-3
    [ "$code" -eq 0 ] || { show; false; }
    json '[p["value"] for p in d["runs"][0]["history"]["val_loss"]] == [0.8, 0.3, 0.2] and d["runs"][0]["run"]["params"]["train.lr"] == "0.01"'
    json 'd["runs"][1]["history"]["val_loss"][2] == {"step": 2, "timestamp": 1700000002000, "value": "NaN"}'
    run_muster runs export newt-2 --format csv --out run.csv
    [ -z "$out" ] && [ "$(wc -l <run.csv)" -eq 7 ] || { show; cat run.csv >&2; false; }
    grep -q "^$NEWT,newt-2,metric,val_loss,0.3,1,1700000001000" run.csv
    run_muster runs export newt-2 --format xml
    fails 2 "--format: expected json or csv, found 'xml'"
}
