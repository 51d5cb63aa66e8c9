# The files of a run: listed, fetched, added, and nothing outside of them.
load helpers
load untrained
load runs

setup() {
    in_fresh_folder
    fill_store
    home=$PWD/mlartifacts/1/$NEWT/artifacts
    mkdir -p "$home/plots/deep"
    head -c 2500 /dev/zero >"$home/plots/deep/curve.bin"
}

@test "ls: a tree with sizes, as JSON and CSV too" {
    run_muster artifacts ls newt-2
    [ "$code" -eq 0 ] || { show; false; }
    [ "$out" = "artifact              size
--------------  ----------
model.txt          8 bytes
plots/              2.5 kB
  deep/             2.5 kB
    curve.bin       2.5 kB
--------------  ----------
                    2.5 kB" ] || [ "$(grep -c 'kB\|bytes' <<<"$out")" -eq 5 ] || { show; false; }
    run_muster artifacts ls newt-2 plots --json
    json '[(a["path"], a["is_dir"], a["size"]) for a in d["artifacts"]] == [("plots/deep", True, 2500), ("plots/deep/curve.bin", False, 2500)]'
    run_muster artifacts ls newt-2 --csv
    grep -q "^model.txt,false,8" <<<"$out" || { show; false; }
    run_muster artifacts ls owl-1
    [ "$code" -eq 0 ] && grep -q "has no artifacts" <<<"$err" || { show; false; }
}

@test "get: a file, a folder, everything, and what is there stays" {
    run_muster artifacts get newt-2 model.txt
    [ "$out" = model.txt ] && [ "$(cat model.txt)" = weights ] || { show; false; }
    echo changed >>model.txt
    [ "$(cat "$home/model.txt")" = weights ]
    run_muster artifacts get newt-2 model.txt
    fails 2 "model.txt is there already" "add --force to write over it, or name another place with --out"
    run_muster artifacts get newt-2 model.txt --force
    [ "$(cat model.txt)" = weights ] || { show; false; }
    mkdir here
    run_muster artifacts get best:news plots -o here
    [ "$(stat -c %s here/plots/deep/curve.bin)" = 2500 ] || { show; false; }
    run_muster artifacts get newt-2
    [ "$out" = artifacts-a2000000 ] && [ -f artifacts-a2000000/plots/deep/curve.bin ] || { show; false; }
    run_muster artifacts get newt-2 model.txt -o -
    [ "$out" = weights ] || { show; false; }
    run_muster artifacts get newt-2 nothing.txt
    [ "$code" -eq 6 ] || { show; false; }
}

@test "put: a file, a folder, under another name" {
    echo words >notes.md
    run_muster artifacts put newt-2 notes.md
    [ "$out" = notes.md ] && [ "$(cat "$home/notes.md")" = words ] || { show; false; }
    echo more >>notes.md
    [ "$(cat "$home/notes.md")" = words ]
    mkdir -p box/inner && echo 1 >box/inner/one && ln -s /etc/passwd box/link
    run_muster artifacts put newt-2 box kept/here
    [ "$(cat "$home/kept/here/inner/one")" = 1 ] && [ ! -e "$home/kept/here/link" ] || { show; false; }
    run_muster artifacts put newt-2 nowhere
    [ "$code" -eq 6 ] || { show; false; }
    "$MUSTER" runs rm newt-2 --yes >/dev/null
    run_muster artifacts put newt-2 notes.md
    fails 2 "run newt-2 (a2000000) is deleted"
}

@test "nothing outside a run's folder is read, listed or written" {
    echo secret >"mlartifacts/1/$NEWT/secret"
    for name in ../secret plots/../../secret /etc/passwd plots//deep . .. plots/. "./model.txt"; do
        run_muster artifacts get newt-2 "$name" -o stolen
        [ "$code" -eq 2 ] && [ ! -e stolen ] || { echo "$name" >&2; show; false; }
        run_muster artifacts ls newt-2 "$name"
        [ "$code" -eq 2 ] || { echo "$name" >&2; show; false; }
        run_muster artifacts put newt-2 train.csv "$name"
        [ "$code" -eq 2 ] || { echo "$name" >&2; show; false; }
    done
    [ "$(cat "mlartifacts/1/$NEWT/secret")" = secret ]
    ln -s "$PWD/mlartifacts/1/$NEWT" "$home/up" && ln -s ../secret "$home/link" && mkfifo "$home/pipe"
    for name in up/secret link up pipe; do
        run_muster artifacts get newt-2 "$name" -o stolen
        [ "$code" -eq 2 ] && [ ! -e stolen ] || { echo "$name" >&2; show; false; }
        run_muster artifacts get newt-2 "$name" -o -
        [ "$code" -eq 2 ] && [ -z "$out" ] || { echo "$name" >&2; show; false; }
    done
    run_muster artifacts ls newt-2 up
    [ "$code" -eq 2 ] || { show; false; }
    run_muster artifacts put newt-2 train.csv up/secret
    [ "$code" -eq 2 ] && [ "$(cat "mlartifacts/1/$NEWT/secret")" = secret ] || { show; false; }
    run_muster artifacts put newt-2 train.csv link
    [ "$(cat "mlartifacts/1/$NEWT/secret")" = secret ] || { show; false; }
    run_muster artifacts ls newt-2 --json
    json '"up" not in [a["path"] for a in d["artifacts"]] and not any("secret" in a["path"] for a in d["artifacts"])'
}
