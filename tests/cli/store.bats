# Run stores from the command line: folders beside databases, and copies between them.
load helpers
load untrained

setup() {
    in_fresh_folder
    mkdir -p mlruns/0 mlruns/12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/{metrics,params,tags,artifacts}
    printf 'artifact_location: ./mlruns/0\nexperiment_id: 0\nlifecycle_stage: active\nname: Default\n' \
        >mlruns/0/meta.yaml
    printf 'artifact_location: file:///gone/mlruns/12\nexperiment_id: %s\nlifecycle_stage: active\nname: old ones\n' \
        "'12'" >mlruns/12/meta.yaml
    run=mlruns/12/0a1b2c3d4e5f60718293a4b5c6d7e8f9
    printf '%s\n' 'artifact_uri: file:///gone/mlruns/12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/artifacts' \
        'end_time: 1550000001000' "entry_point_name: ''" "experiment_id: '12'" \
        'lifecycle_stage: active' "name: ''" 'run_uuid: 0a1b2c3d4e5f60718293a4b5c6d7e8f9' \
        'source_name: train.py' 'source_type: 4' 'source_version: 8f2a' \
        'start_time: 1550000000000' 'status: 3' 'tags: []' 'user_id: x' >$run/meta.yaml
    printf '1550000000 0.5 0\n1550000001 0.25 1\n' >$run/metrics/loss
    printf 0.1 >$run/params/lr
    printf old-owl >$run/tags/mlflow.runName
    echo weights >$run/artifacts/model.txt
}

@test "an old mlruns folder is listed, searched and shown" {
    run_muster runs list --tracking-uri mlruns --filter "metrics.loss < 0.3 OR params.lr IS NULL" --json
    [ "$code" -eq 0 ] || { show; false; }
    json 'd["runs"][0]["run_id"] == "0a1b2c3d4e5f60718293a4b5c6d7e8f9" and d["runs"][0]["experiment_name"] == "old ones"'
    MLFLOW_TRACKING_URI=file:mlruns run_muster runs show old-owl --json
    json 'd["metrics"]["loss"] == 0.25 and d["params"]["lr"] == "0.1" and d["status"] == "FINISHED"'
}

@test "store copy takes it up, artifacts too, and adds nothing the second time" {
    run_muster store copy mlruns sqlite:///new.db --json
    [ "$code" -eq 0 ] || { show; false; }
    json 'd["runs_made"] == 1 and d["files_copied"] == 1 and d["experiments_made"] == 1'
    grep -q weights mlartifacts/1/0a1b2c3d4e5f60718293a4b5c6d7e8f9/artifacts/model.txt
    [ "$(sqlite3 new.db "SELECT count(*) FROM metrics")" = 2 ]
    sqlite3 new.db .dump >before
    run_muster store copy mlruns sqlite:///new.db
    [ "$out" = "0 runs copied, 1 were there; 0 experiments made, 0 files copied" ] || { show; false; }
    sqlite3 new.db .dump >after
    cmp before after
}

@test "store copy back into folders, and a part of a store" {
    run_muster store copy mlruns sqlite:///new.db
    run_muster store copy sqlite:///new.db back --filter "metrics.loss < 0.1"
    [ "$out" = "0 runs copied, 0 were there; 0 experiments made, 0 files copied" ] || { show; false; }
    run_muster store copy sqlite:///new.db back --experiment "old ones" --no-artifacts
    [ "$out" = "1 runs copied, 0 were there; 1 experiments made, 0 files copied" ] || { show; false; }
    cmp mlruns/12/*/metrics/loss back/*/0a1b2c3d4e5f60718293a4b5c6d7e8f9/metrics/loss
}

@test "what cannot be copied is told: exit codes 1, 2, 5 and 6" {
    run_muster store copy mlruns sqlite:///new.db
    sqlite3 new.db "UPDATE params SET value = '0.2'"
    run_muster store copy mlruns sqlite:///new.db
    [ "$code" -eq 1 ] || { show; false; }
    grep -q "warning: run 0a1b2c3d (old-owl): Changing param values is not allowed" <<<"$err" || { show; false; }
    run_muster store copy mlruns mlruns
    [ "$code" -eq 2 ] || { show; false; }
    run_muster store copy mlruns sqlite:///new.db --filter "metrics.loss >"
    [ "$code" -eq 2 ] || { show; false; }
    run_muster store copy mlruns http://localhost:5000
    fails 2 "tracking URI 'http://localhost:5000': tracking servers are not supported yet"
    run_muster store copy nowhere sqlite:///new.db
    [ "$code" -eq 6 ] || { show; false; }
    mkdir other && touch other/notes.txt
    run_muster store copy mlruns other
    fails 5 "$PWD/other: a folder, but not a run store" \
        "it was left as it is; name another store with --tracking-uri"
    run_muster store copy mlruns
    [ "$code" -eq 2 ] || { show; false; }
}

@test "a training logs into a folder" {
    MLFLOW_TRACKING_URI=trained run_muster train tiny.yaml train.epochs=2
    [ "$code" -eq 0 ] || { show; false; }
    MLFLOW_TRACKING_URI=trained run_muster runs list --json
    json 'd["runs"][0]["status"] == "FINISHED" and d["runs"][0]["metrics"]["epoch"] == 1'
    MLFLOW_TRACKING_URI=trained run_muster evaluate last --split val
    [ "$code" -eq 0 ] || { show; false; }
}

@test "runs are deleted, restored, and deleted for good" {
    export MLFLOW_TRACKING_URI=mlruns
    run_muster runs delete old-owl
    fails 2 "delete run old-owl (0a1b2c3d): nobody is there to be asked" "add --yes"
    run_muster runs delete old-owl --yes
    [ "$out" = "0a1b2c3d4e5f60718293a4b5c6d7e8f9 deleted" ] || { show; false; }
    run_muster runs list --json
    json 'd["runs"] == []'
    run_muster runs restore 0a1b2c3d --json
    json 'd["restored"] == ["0a1b2c3d4e5f60718293a4b5c6d7e8f9"]'
    run_muster runs delete 0a1b2c3d nobody --yes
    [ "$code" -eq 6 ] || { show; false; }
    run_muster runs list --json
    json 'len(d["runs"]) == 1'
    run_muster runs rm 0a1b -y
    run_muster store gc </dev/null
    fails 2 "delete 1 runs and 0 experiments for good: nobody is there to be asked" "add --yes"
    run_muster store gc --dry-run
    [ "$out" = "1 runs and 0 experiments would be deleted" ] || { show; false; }
    [ -d "$run" ]
    run_muster store gc --yes
    [ "$out" = "1 runs and 0 experiments deleted" ] || { show; false; }
    [ ! -e "$run" ] && [ -d mlruns/12 ]
}
