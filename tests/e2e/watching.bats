# What a run keeps of the machine and of what its ranks print.
load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    in_folder run
}

count() {
    sqlite3 muster.db "SELECT count(DISTINCT key) FROM metrics WHERE key LIKE '$1'"
}

@test "system metrics are points of the run, and a log is kept for each rank" {
    start_training tiny.yaml --ranks 2 tracking.system_metrics_interval=0.05 \
        callbacks.tensorboard=yes
    ended_with 0
    [ "$(count 'system/%')" -eq 8 ]
    [ "$(sqlite3 muster.db "SELECT value BETWEEN 0 AND 100 FROM latest_metrics
        WHERE key = 'system/cpu_utilization_percentage'")" -eq 1 ]
    logs="$(artifacts .)/logs"
    # All that was shown, but in which order is the reader's to guess.
    diff <(sort out err) <(sort "$logs/rank-0.log")
    [ -e "$logs/rank-1.log" ]
    /usr/bin/python3 "$MUSTER_SOURCE_DIR/tests/trainer/event_file_decode.py" \
        "$(artifacts .)"/events.out.tfevents.* >events
    grep -q system/cpu_utilization_percentage events
    grep -q val_loss events
}

@test "neither where the config says so" {
    start_training tiny.yaml train.epochs=2 tracking.system_metrics=no tracking.console=no \
        tracking.system_metrics_interval=0.05
    ended_with 0
    [ "$(count 'system/%')" -eq 0 ]
    [ ! -e "$(artifacts .)/logs" ]
    [ -z "$(ls "$(artifacts .)" | grep tfevents)" ]
}

@test "a terminal stays one; the log has the lines as they ended" {
    run script -qec "$MUSTER train tiny.yaml train.epochs=20 --ranks 2" /dev/null
    [ "$status" -eq 0 ]
    grep -q $'\repoch' <<<"$output"
    log="$(artifacts .)/logs/rank-0.log"
    [ "$(grep -c $'[\r\033]' "$log")" -eq 0 ]
    grep -q "^ *20  " "$log"
    grep -q "results and checkpoints" "$log"
}
