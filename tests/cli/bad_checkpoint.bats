#!/usr/bin/env bats
# Damaged, foreign and missing checkpoints, and places where none can be saved. Every
# command that reads one refuses with exit 5 and names the good ones beside it; a run that
# cannot be continued stays as it was.
load helpers
load trained

setup_file() {
    train_once checkpoint.num_to_keep=3
    cp -r "$(artifacts)" "$DIR/kept"
    cp muster.db "$DIR/kept.db"
}

# The run as it was, with its newest checkpoint in $newest and the one before in $older.
setup() {
    cd "$DIR" || return 1
    place=$(artifacts)
    rm -rf "$place" muster.db-wal muster.db-shm
    cp -r kept "$place"
    cp kept.db muster.db
    newest=$place/checkpoint_000002
    older=$place/checkpoint_000001
    oldest=$place/checkpoint_000000
    [ -d "$newest" ] && [ -d "$older" ]
}

sums_anew() {
    (cd "$1" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum) >sums
    mv sums "$1/SHA256SUMS"
}

sum_of() {
    sha256sum "$1" | cut -d' ' -f1
}

# damaged "ERROR" "HINT": evaluate and predict refuse the newest checkpoint so.
damaged() {
    run_muster evaluate "$newest" --no-log
    fails 5 "$1" "$2" || return 1
    run_muster predict "$newest" text --json
    fails 5 "$1" "$2" || return 1
    json 'd["error"]["code"] == "damaged" and d["error"]["exit_code"] == 5'
}

# Resuming goes on from the checkpoint before, and says why.
resumes_from_older() {
    run_muster train --resume last train.epochs=4 --ranks 2
    [ "$code" -eq 0 ] || { show; return 1; }
    grep -qxF "muster: warning: not resumable: $1" <<<"$err" || { show; return 1; }
    [ "$(wc -l <"$place/result.json")" -eq 4 ]
}

run_is_as_it_was() {
    diff -r kept "$place" && [ "$(sqlite3 muster.db 'SELECT status FROM runs')" = FINISHED ]
}

# not_resumed "ERROR" ["HINT"]: exit 5 on all ranks, and the run is as it was.
not_resumed() {
    cp -r "$place" now
    run_muster train --resume last train.epochs=4 --ranks 2
    grep -v '^muster: [0-9]* texts' <<<"$err" >filtered || true
    err=$(cat filtered)
    fails 5 "$@" || return 1
    [ "$(sqlite3 muster.db 'SELECT status FROM runs')" = FINISHED ] || return 1
    diff -r now "$place" || return 1
    rm -r now
}

@test "resumed without a config, a run goes on with all of its own values" {
    run_muster train --resume last train.epochs=4
    [ "$code" -eq 0 ] || { show; false; }
    [ "$(wc -l <"$place/result.json")" -eq 4 ]
    /usr/bin/python3 -c 'import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
a["train.epochs"] = 4
sys.exit(a != b)' kept/params.json "$place/params.json"
}

@test "zero bytes: both checksums; truncated, one bit" {
    good="good checkpoints beside it: $oldest, $older"
    file=$newest/model.safetensors
    sum=$(sum_of "$file")
    : >"$file"
    damaged "$file: checksum $sum expected, $(sum_of "$file") found" "$good"
    head -c 5000 kept/checkpoint_000002/model.safetensors >"$file"
    damaged "$file: checksum $sum expected, $(sum_of "$file") found" "$good"
    cp kept/checkpoint_000002/model.safetensors "$file"
    file=$newest/vocab.txt
    sum=$(sum_of "$file")
    printf '\x00' | dd of="$file" bs=1 seek=3 conv=notrunc 2>/dev/null
    error="$file: checksum $sum expected, $(sum_of "$file") found"
    damaged "$error" "$good"
    resumes_from_older "$error"
}

@test "no SHA256SUMS, a file that is gone" {
    rm "$newest/tokenizer.json"
    damaged "$newest/tokenizer.json: missing, but listed in SHA256SUMS" \
        "good checkpoints beside it: $oldest, $older"
    rm "$newest/SHA256SUMS"
    damaged "$newest: has no SHA256SUMS" \
        "a checkpoint without one was never completed, or is no checkpoint; good checkpoints beside it: $oldest, $older"
    resumes_from_older "$newest: has no SHA256SUMS"
}

@test "a newer format: says which is read" {
    sed -i 's/"format_version": 1/"format_version": 2/' "$newest/muster.json"
    sums_anew "$newest"
    error="$newest/muster.json: format_version 2, this program reads 1"
    damaged "$error" "it was written by a newer version of Muster; good checkpoints beside it: $oldest, $older"
    resumes_from_older "$error"
}

@test "all are damaged: exit 5, also with --resume=auto, which never begins afresh then" {
    for c in "$oldest" "$older" "$newest"; do
        sum=$(sum_of "$c/vocab.txt")
        : >"$c/vocab.txt"
    done
    error="$newest/vocab.txt: checksum $sum expected, $(sum_of "$newest/vocab.txt") found"
    run_muster evaluate "$newest" --no-log
    fails 5 "$error"
    ! grep -q hint <<<"$err"
    sqlite3 muster.db "UPDATE runs SET status = 'FAILED'"
    for how in last auto; do
        run_muster train "$TREE/configs/tiny.yaml" --resume=$how data.train=train.csv \
            data.test=test.csv
        [ "$code" -eq 5 ]
        [ "$(grep '^muster: error' <<<"$err")" = "muster: error: $error" ]
        grep -qxF "  hint: the run has no other checkpoint to resume from; start a new run" <<<"$err"
        [ "$(sqlite3 muster.db 'SELECT count(*) FROM runs')" -eq 1 ]
    done
}

@test "NaN weights: tensor and index" {
    printf '\x00\x00\xc0\x7f' | dd of="$newest/model.safetensors" bs=1 conv=notrunc \
        seek=$(($(stat -c %s "$newest/model.safetensors") - 4)) 2>/dev/null
    sums_anew "$newest"
    run_muster evaluate "$newest" --no-log
    [ "$code" -eq 5 ]
    error=$(sed -n 's/^muster: error: //p' <<<"$err")
    [[ $error =~ ^$newest/model\.safetensors:\ tensor\ \"wide\.[a-z.]+\"\ holds\ NaN\ at\ index\ [0-9]+$ ]]
    damaged "$error" "good checkpoints beside it: $oldest, $older"
    not_resumed "$error" "good checkpoints beside it: $oldest, $older"
}

@test "a header that claims 2^60 bytes, weights cut off behind fitting checksums" {
    file=$newest/model.safetensors
    size=$(stat -c %s "$file")
    printf '\x00\x00\x00\x00\x00\x00\x00\x10' | dd of="$file" bs=1 conv=notrunc 2>/dev/null
    sums_anew "$newest"
    error="$file: offset 0: the header claims 1152921504606846976 bytes, the file has $size"
    damaged "$error" "good checkpoints beside it: $oldest, $older"
    not_resumed "$error" "good checkpoints beside it: $oldest, $older"
    cp kept/checkpoint_000002/model.safetensors "$file"
    truncate -s $((size - 100)) "$file"
    sums_anew "$newest"
    run_muster evaluate "$newest" --no-log
    [ "$code" -eq 5 ]
    grep -q "error: $file: tensor \"[a-z.]*\": bytes [0-9]* to [0-9]*, but the file has [0-9]* bytes of data" <<<"$err"
}

@test "another model's vocabulary and classes" {
    sed -i '$d' "$newest/vocab.txt"
    sums_anew "$newest"
    run_muster evaluate "$newest" --no-log
    [ "$code" -eq 5 ] || { show; false; }
    cp kept/checkpoint_000002/vocab.txt "$newest"
    /usr/bin/python3 - "$newest/muster.json" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
labels = d["preprocessor"]["labels"]
labels.append("zoo")
json.dump(d, open(sys.argv[1], "w"))
END
    sums_anew "$newest"
    run_muster evaluate "$newest" --no-log
    [ "$code" -eq 5 ] || { show; false; }
    [[ $(head -n 1 <<<"$err") == *"4 classes in config.json, 5 in muster.json" ]] || { show; false; }
}

@test "another shape than the config asks for: exit 5, the tensor, the run untouched" {
    not_resumed_with() {
        run_muster train "$TREE/configs/tiny.yaml" data.train=train.csv data.test=test.csv \
            --resume last --ranks 2 "$@"
        [ "$code" -eq 5 ]
    }
    not_resumed_with model.ff=65
    grep -qF "$newest: made with model.ff 64, expected 65 (tensor \"encoder.layer.0.ff.in.weight\": [64, 32], expected [65, 32])" <<<"$err"
    run_is_as_it_was
}

@test "pickles are refused by name" {
    rm "$newest/model.safetensors" "$newest/SHA256SUMS"
    for name in pytorch_model.bin model.pt; do
        printf '\x80\x02}q\x00.' >"$newest/$name"
        run_muster evaluate "$newest" --no-log
        [ "$code" -eq 5 ]
        grep -q "^muster: error: $newest/$name: pickle-based weights are not loaded, since loading them runs code$" <<<"$err"
        rm "$newest/$name"
    done
}

@test "nothing to resume: exit 6, no run" {
    rm -r "$oldest" "$older" "$newest"
    run_muster train --resume last
    fails 6 "$place: no checkpoint to resume from" \
        "start a new run, or use --resume=auto to allow a fresh start"
    run_muster evaluate last
    [ "$code" -eq 6 ]
    mkdir -p none && cd none
    run_muster train "$TREE/configs/tiny.yaml" --resume last
    [ "$code" -eq 6 ]
    [ -z "$(ls)" ]
}

@test "a read-only result folder: exit 1, the reason, and the run has failed" {
    mount -t tmpfs -o size=8m tmpfs /mnt 2>/dev/null && umount /mnt || skip "mounts need root"
    cp -r "$place" copy
    mount -t tmpfs -o size=8m tmpfs "$place"
    cp -r copy/. "$place"
    mount -o remount,ro "$place"
    code=0
    out=$("$MUSTER" train --resume last train.epochs=5 2>stderr) || code=$?
    err=$(cat stderr)
    umount "$place"
    [ "$code" -eq 1 ] || { show; false; }
    grep -q "Read-only file system" stderr
    [ "$(sqlite3 muster.db 'SELECT status FROM runs')" = FAILED ]
}

@test "a full disk: tried again, older ones whole, bytes needed and free, exit 1" {
    mount -t tmpfs -o size=8m tmpfs /mnt 2>/dev/null && umount /mnt || skip "mounts need root"
    cp -r "$place" copy2
    mount -t tmpfs -o size=8m tmpfs "$place"
    cp -r copy2/. "$place"
    head -c 9M /dev/zero >"$place/filler" 2>/dev/null || true
    truncate -s -65536 "$place/filler" # room for reports, not for weights
    code=0
    out=$("$MUSTER" train --resume last train.epochs=5 2>stderr) || code=$?
    err=$(cat stderr)
    whole=yes
    (cd "$newest" && sha256sum --quiet -c SHA256SUMS) || whole=no
    left=$(find "$place" -name '*.tmp')
    umount "$place"
    [ "$code" -eq 1 ] || { show; false; }
    [ $whole = yes ] && [ -z "$left" ]
    [ "$(grep -c 'checkpoint not saved, older ones are kept: .*bytes needed, .* free' stderr)" -eq 2 ] || { show; false; }
}
