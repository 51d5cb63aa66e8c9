# A store of runs that were never trained. `make_run ID NAME LR LOSS...` adds one to the
# folder mlruns, ID being two hex digits, a loss for each step; `fill_store` makes four of
# them and copies them into muster.db.
EXPERIMENT=12
NEWT=a2000000000000000000000000000000

make_run() {
    local id=$1$(printf '0%.0s' {1..30}) name=$2 lr=$3 dir step=0 loss
    dir=mlruns/$EXPERIMENT/$id
    shift 3
    mkdir -p "$dir"/{metrics,params,tags,artifacts}
    printf '%s\n' "artifact_uri: $PWD/$dir/artifacts" "end_time: 1700000$((10#${name//[!0-9]/} % 10))60000" \
        "entry_point_name: ''" "experiment_id: '$EXPERIMENT'" 'lifecycle_stage: active' "run_name: $name" \
        "run_id: $id" "run_uuid: $id" "source_name: ''" 'source_type: 4' "source_version: ''" \
        "start_time: 1700000$((10#${name//[!0-9]/} % 10))00000" 'status: 3' 'tags: []' 'user_id: x' >"$dir/meta.yaml"
    for loss in "$@"; do
        echo "$((1700000000000 + step * 1000)) $loss $step" >>"$dir/metrics/val_loss"
        step=$((step + 1))
    done
    printf %s "$lr" >"$dir/params/train.lr"
    printf lite >"$dir/params/model.arch"
    printf %s "$name" >"$dir/tags/mlflow.runName"
}

fill_store() {
    mkdir -p mlruns/0 mlruns/$EXPERIMENT
    printf 'artifact_location: ./mlruns/0\nexperiment_id: 0\nlifecycle_stage: active\nname: Default\n' >mlruns/0/meta.yaml
    printf "artifact_location: $PWD/mlruns/%s\nexperiment_id: '%s'\nlifecycle_stage: active\nname: news\n" \
        $EXPERIMENT $EXPERIMENT >mlruns/$EXPERIMENT/meta.yaml
    make_run a1 owl-1 0.1 0.9 0.5 0.4
    make_run a2 newt-2 0.01 0.8 0.3 0.2
    echo weights >mlruns/$EXPERIMENT/$NEWT/artifacts/model.txt
    make_run b3 hare-3 0.1 0.7 0.6 NaN
    make_run c4 crow-4 1 0.9 0.8 0.75 0.7
    "$MUSTER" store copy mlruns sqlite:///muster.db >/dev/null
}

# on_terminal COLUMNS ROWS COMMAND...: runs it on a terminal of that size and leaves what
# it wrote in $out, without carriage returns. Keys come from standard input.
on_terminal() {
    out=$(/usr/bin/python3 "$TREE/tests/cli/on_terminal" "$@") && code=0 || code=$?
}
