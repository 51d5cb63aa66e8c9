# Runs beside each other, the best of them, and one that goes on.
load helpers
load untrained
load runs

setup() {
    in_fresh_folder
    fill_store
}

@test "compare: what differs, and the best marked" {
    run_muster runs compare owl-1 newt-2 hare-3
    [ "$code" -eq 0 ] || { show; false; }
    grep -qE "^param +owl-1 +newt-2 +hare-3$" <<<"$out" || { show; false; }
    grep -qE "^train.lr +0.1 +0.01 +0.1$" <<<"$out" || { show; false; }
    ! grep -q "model.arch" <<<"$out" || { show; false; }
    grep -qF "1 params are the same (--all)" <<<"$out" || { show; false; }
    grep -qE "^val_loss +0.4 +\* 0.2 +NaN$" <<<"$out" || { show; false; }
    run_muster runs compare owl-1 newt-2 --all
    grep -qE "^model.arch +lite +lite$" <<<"$out" || { show; false; }
    on_terminal 100 40 "$MUSTER" runs compare owl-1 newt-2
    grep -q $'\033\\[1;32m0.2' <<<"$out" || { show; false; }
    run_muster runs compare owl-1 best:news --json
    json 'd["params"] == {"train.lr": ["0.1", "0.01"]} and d["metrics"]["val_loss"]["best"] == [d["runs"][1]["run_id"]]'
    run_muster runs compare owl-1 newt-2 --csv
    grep -q "^metric,val_loss,0.4,0.2" <<<"$out" || { show; false; }
    run_muster runs compare owl-1
    [ "$code" -eq 2 ] || { show; false; }
}

@test "diff: as CSV, cut on a narrow terminal" {
    run_muster runs diff owl-1 newt-2 --csv
    grep -q "^params,train.lr,0.1,0.01" <<<"$out" || { show; false; }
    sqlite3 muster.db "INSERT INTO params VALUES ('long', '$(printf 'x%.0s' {1..200})', '$NEWT')"
    NO_COLOR=1 on_terminal 60 40 "$MUSTER" runs diff owl-1 newt-2
    [ "$(wc -L <<<"$out")" -le 60 ] && grep -q "x…" <<<"$out" || { show; false; }
}

@test "best: by a metric, smallest or largest" {
    run_muster runs best news
    [ "$code" -eq 0 ] || { show; false; }
    [ "$(awk 'NR > 2 { print $1 }' <<<"$out" | paste -sd ' ')" = "newt-2 owl-1 crow-4" ] || { show; false; }
    run_muster runs best news --max -n 1 --json
    json 'd["order"] == "max" and [r["run_name"] for r in d["runs"]] == ["crow-4"]'
    run_muster runs best nwes
    fails 6 "there is no experiment 'nwes' in sqlite:///$PWD/muster.db" "did you mean news?"
    run_muster runs best news --metric val_f1
    [ "$code" -eq 6 ] || { show; false; }
    run_muster runs best news --min --max
    fails 2 "--min and --max exclude each other"
}

@test "watch: lines until the run ends" {
    run_muster runs watch newt-2
    [ "$code" -eq 0 ] || { show; false; }
    [ "$out" = "step 0  val_loss 0.8
step 1  val_loss 0.3
step 2  val_loss 0.2" ] || { show; false; }
    grep -q "newt-2 (a2000000) finished after 1m 00s" <<<"$err" || { show; false; }
    run_muster runs watch newt-2 --json
    [ "$(tail -n 1 <<<"$out")" = '{"step": 2, "metrics": {"val_loss": 0.2}}' ] || { show; false; }
    sqlite3 muster.db "UPDATE runs SET status = 'FAILED' WHERE name = 'owl-1'"
    run_muster runs watch owl-1
    fails 1 "run owl-1 (a1000000) is FAILED"
    NO_COLOR=1 on_terminal 100 30 "$MUSTER" runs watch newt-2
    grep -q "val_loss  *0.2" <<<"$out" && grep -q "⠉" <<<"$out" || { show; false; }
}

@test "watch: a run that goes on is followed, without a name too" {
    sqlite3 muster.db "UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE name = 'hare-3'"
    "$MUSTER" runs watch --interval 0.1 >watched 2>ended &
    watcher=$!
    for _ in {1..100}; do grep -q "step 1" watched && break; sleep 0.1; done
    sqlite3 muster.db "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) SELECT 'val_loss', 0.11, 1700000009000, 7, 0, run_uuid FROM runs WHERE name = 'hare-3'"
    for _ in {1..100}; do grep -q "step 7" watched && break; sleep 0.1; done
    sqlite3 muster.db "UPDATE runs SET status = 'FINISHED', end_time = start_time + 5000 WHERE name = 'hare-3'"
    wait $watcher
    [ "$(tail -n 1 watched)" = "step 7  val_loss 0.11" ] || { cat watched >&2; false; }
    grep -q "finished after 5" ended || { cat ended >&2; false; }
}
