#!/usr/bin/env bats
# A training that is killed over and over, at moments that chance chooses, and resumed on
# another number of ranks each time, ends as the one that was not: byte for byte.
load helpers

CONFIG=(tiny.yaml train.epochs=24 train.batch_size=16)

setup_file() {
    in_folder "$BATS_FILE_TMPDIR/whole"
    "$MUSTER" train "${CONFIG[@]}" checkpoint.num_to_keep=2 >out 2>err
}

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
    CONFIG+=(checkpoint.num_to_keep=2)
}

is_over() {
    [ ! -e "/proc/$supervisor" ] || grep -q '^State:.*Z' "/proc/$supervisor/status"
}

at_work() {
    has_reports "$1" || is_over
}

# Starts or resumes on $1 ranks, waits for a report more than before, and kills all of it
# some hundredths of a second later.
kill_once() {
    local resume=() before
    before=$(n_reports .)
    [ "$before" -eq 0 ] || resume=(--resume last)
    start_training "${CONFIG[@]}" --ranks "$1" "${resume[@]}"
    await 60 at_work $((before + 1))
    sleep "0.$(printf %02d "$2")"
    mapfile -t pids < <(family "$supervisor")
    kill -9 "${pids[@]}" 2>/dev/null || true
    wait "$supervisor" || true
    await 20 all_gone "${pids[@]}"
}

# The store has every report, whatever was under way when the process died.
store_is_whole() {
    [ "$(sqlite3 muster.db "SELECT count(DISTINCT step) FROM metrics
        WHERE key = 'val_loss'")" -eq 24 ]
}

metrics_in_store() {
    sqlite3 "$1/muster.db" "SELECT DISTINCT step, value FROM metrics
        WHERE key = '$2' ORDER BY step"
}

@test "killed at random moments" {
    local n=4 i ranks=(2 1 4 2)
    [ -z "${MUSTER_LONG:-}" ] || n=20
    RANDOM=20240501
    for ((i = 0; i < n; i++)); do
        kill_once "${ranks[$((i % 4))]}" $((RANDOM % 30))
    done
    "$MUSTER" train "${CONFIG[@]}" --resume last --ranks 2 >out 2>err || { cat err; false; }
    same_training "$BATS_FILE_TMPDIR/whole" .
    [ "$(status_of .)" = FINISHED ]
    store_is_whole
}

@test "reports that were on their way to the store arrive when the run is resumed" {
    local resume=() code=0
    MUSTER_FAULT=checkpoint:0:kill:5 "$MUSTER" train "${CONFIG[@]}" --ranks 2 \
        >out 2>err 3>&- || code=$?
    [ $code -eq 137 ]
    # As if the process had died a tenth of a second earlier.
    sqlite3 muster.db "DELETE FROM metrics WHERE step IN (3, 4);
        UPDATE latest_metrics SET step = 2 WHERE key = 'training_iteration'"
    "$MUSTER" train "${CONFIG[@]}" --resume last >out 2>err || { cat err; false; }
    store_is_whole
    diff <(metrics_in_store . val_loss) <(metrics_in_store "$BATS_FILE_TMPDIR/whole" val_loss)
}

@test "killed inside a checkpoint, first and later" {
    local visit resume=() code
    for visit in 1 2 5; do
        code=0
        MUSTER_FAULT=checkpoint:0:kill:$visit "$MUSTER" train "${CONFIG[@]}" --ranks 2 \
            "${resume[@]}" >out 2>err 3>&- || code=$?
        [ $code -eq 137 ]
        ls -d mlartifacts/*/*/artifacts/checkpoint_*.tmp >/dev/null
        [ "$visit" -eq 1 ] && resume=(--restart last) || resume=(--resume last)
    done
    "$MUSTER" train "${CONFIG[@]}" --resume last >out 2>err || { cat err; false; }
    same_training "$BATS_FILE_TMPDIR/whole" .
    [ -z "$(ls -d mlartifacts/*/*/artifacts/checkpoint_*.tmp 2>/dev/null)" ]
    store_is_whole
}
