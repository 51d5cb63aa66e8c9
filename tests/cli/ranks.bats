#!/usr/bin/env bats
# `muster evaluate` and `muster predict` over ranks: the bytes of one rank.
load helpers
load trained

setup_file() {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
    train_once
    # More than one round of parts: 1,120 rows.
    head -n 1 test.csv >large.csv
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
        tail -n +2 test.csv >>large.csv
    done
}

setup() {
    cd "$DIR"
}

# All of an evaluation's JSON but when it was made.
without_time() {
    grep -v '"timestamp"' <<<"$out"
}

@test "evaluate: split and file, the same figures to the last digit on 1, 2 and 3 ranks" {
    for what in "--split val" "--data large.csv"; do
        run_muster evaluate last --no-log --json $what
        [ "$code" -eq 0 ]
        expected=$(without_time)
        for n in 2 3; do
            run_muster evaluate last --no-log --json $what --ranks $n
            [ "$code" -eq 0 ] || { show; false; }
            [ "$(without_time)" = "$expected" ]
        done
    done
}

@test "evaluate under a launcher of one's own: one report, figures added once, gates for all" {
    run_muster evaluate last --no-log
    expected=$out
    mpirun -n 2 "$MUSTER" evaluate last >out 2>err
    [ "$(cat out)" = "$expected" ]
    [ "$(sqlite3 muster.db "SELECT count(*) FROM metrics WHERE key = 'test_f1'")" -eq 1 ]
    run_muster evaluate last --no-log --min f1=0.999999 --ranks 2
    [ "$code" -eq 10 ]
    [ "$(grep -c 'f1 is 0' <<<"$err")" -eq 1 ]
}

@test "evaluate: what is wrong is told once, with the exit code of one rank" {
    run_muster evaluate best:nothing --ranks 2
    [ "$code" -eq 6 ]
    [ "$(grep -c '^muster: error' <<<"$err")" -eq 1 ]
    printf 'title,description,tag\nA,b,weather\n' >bad.csv
    run_muster evaluate last --data bad.csv --ranks 2
    [ "$code" -eq 4 ]
    [ "$(grep -c '^muster: error: bad.csv:2:1' <<<"$err")" -eq 1 ]
    run_muster evaluate last --data - --ranks 2 <test.csv
    [ "$code" -eq 2 ]
    grep -q "there is one standard input" <<<"$err"
}

@test "predict: a file, CSV and JSON, the same bytes on 1, 2 and 3 ranks" {
    for way in "2 --csv --proba" "3 --json"; do
        read -r n form <<<"$way"
        "$MUSTER" predict last --file large.csv $form >one
        [ "$(wc -l <one)" -ge 1120 ]
        "$MUSTER" predict last --file large.csv $form --ranks $n >many
        cmp one many
    done
}

@test "predict: a pipe and arguments over ranks" {
    cut -d, -f3 large.csv >texts
    "$MUSTER" predict last <texts >one
    "$MUSTER" predict last --ranks 2 <texts >many
    cmp one many
    mpirun -n 2 "$MUSTER" predict last <texts >many
    cmp one many
    run_muster predict last "The card was charged twice" "The parcel is lost" --json
    expected=$out
    run_muster predict last "The card was charged twice" "The parcel is lost" --json --ranks 3
    [ "$out" = "$expected" ]
}

@test "predict: a bad row after good ones, their answers stand" {
    head -n 4 large.csv >bad.csv
    echo 'one,"never closed' >>bad.csv
    run_muster predict last --file bad.csv
    expected=$out
    [ "$code" -eq 4 ] && [ "$(wc -l <<<"$out")" -eq 3 ]
    run_muster predict last --file bad.csv --ranks 2
    [ "$code" -eq 4 ]
    [ "$out" = "$expected" ]
    [ "$(grep -c '^muster: error: bad.csv:5' <<<"$err")" -eq 1 ] || { show; false; }
}

@test "train --evaluate on 2 ranks: the figures of evaluate" {
    "$MUSTER" train "$TREE/configs/tiny.yaml" data.train=train.csv data.test=test.csv \
        train.epochs=1 tracking.run_name=evaluated --ranks 2 --evaluate >out 2>err
    run_muster evaluate evaluated --no-log
    [[ "$(cat out)" == *"$out" ]]
}

@test "a launcher that this MPI does not know: N times rank 0 of 1 is told once" {
    for rank in 0 1; do
        env SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=$rank \
            SLURM_JOB_ID=1 "$MUSTER" evaluate last --no-log >out$rank 2>err$rank &&
            code=0 || code=$?
        [ "$code" -eq 1 ]
    done
    grep -q "srun started 2 tasks, but each sees an MPI job of one rank" err0
    grep -q "srun --mpi=pmix" err0
    [ ! -s err1 ]
}

@test "threads times ranks above the cores: a warning, and the number in the run" {
    "$MUSTER" train "$TREE/configs/tiny.yaml" data.train=train.csv data.test=test.csv \
        train.epochs=1 tracking.run_name=crowded --ranks 2 --threads 60 >out 2>err
    grep -Eq '^muster: warning: 2 ranks x 60 threads on [0-9]+ cores? of this host: they take turns$' err
    [ "$(sqlite3 muster.db "SELECT t.value FROM tags t JOIN runs r USING (run_uuid)
        WHERE r.name = 'crowded' AND t.key = 'muster.threads'")" = 60 ]
    OMP_NUM_THREADS=many run_muster train "$TREE/configs/tiny.yaml" --ranks 2
    [ "$code" -eq 2 ]
    [ "$(grep -c "^muster: error: OMP_NUM_THREADS=many: expected a number" <<<"$err")" -eq 1 ]
}
