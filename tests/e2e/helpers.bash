# What the tests of whole trainings share.
load ../cli/helpers

# Trainings stand in folders of their own, with their own store.
in_folder() {
    mkdir -p "$1" && cd "$1" || return 1
    sed "s#tests/data/#$MUSTER_SOURCE_DIR/tests/data/#" \
        "$MUSTER_SOURCE_DIR/configs/tiny.yaml" >tiny.yaml
}

# The artifact folder of the one run in a folder.
artifacts() {
    local found=("$1"/mlartifacts/*/*/artifacts)
    [ ${#found[@]} -eq 1 ] && [ -d "${found[0]}" ] || return 1
    echo "${found[0]}"
}

# Every number of result.json that does not depend on time or place.
metrics() {
    /usr/bin/python3 - "$(artifacts "$1")/result.json" <<'END'
import json, sys
place = {"timestamp", "date", "pid", "hostname", "node_ip", "trial_id"}
for line in open(sys.argv[1]):
    report = json.loads(line)
    print({key: report[key] for key in sorted(report)
           if key not in place and not key.startswith("time_")
           and not key.endswith("_since_restore")})
END
}

n_reports() {
    cat "$1"/mlartifacts/*/*/artifacts/result.json 2>/dev/null | wc -l
}

checkpoints() {
    (cd "$(artifacts "$1")" && ls -d checkpoint_*)
}

# Two trainings ended with the same checkpoints, byte for byte, and the same metrics.
same_training() {
    local name
    [ -n "$(checkpoints "$1")" ] || return 1
    diff <(checkpoints "$1") <(checkpoints "$2") || return 1
    for name in $(checkpoints "$1"); do
        diff -r "$(artifacts "$1")/$name" "$(artifacts "$2")/$name" || return 1
    done
    [ -n "$(metrics "$1")" ] || return 1
    diff <(metrics "$1") <(metrics "$2")
}

status_of() {
    sqlite3 "$1/muster.db" "SELECT status FROM runs"
}

# A training in the background of this folder, its supervisor's id in $supervisor. Shells
# start background jobs deaf to Ctrl-C.
start_training() {
    env --default-signal=INT "$MUSTER" train "$@" >out 2>err 3>&- &
    supervisor=$!
}

# await SECONDS COMMAND...: until it holds.
await() {
    local n=$(($1 * 50))
    shift
    until "$@"; do
        [ $((n -= 1)) -gt 0 ] || return 1
        sleep 0.02
    done
}

has_reports() {
    [ "$(n_reports .)" -ge "$1" ]
}

# The process ids below $1, itself included.
family() {
    ps -e -o pid=,ppid= | awk -v root="$1" '
        { parent[$1] = $2 }
        END {
            for (pid in parent) {
                for (at = pid; at in parent && at != root; at = parent[at]) { }
                if (at == root) { print pid }
            }
        }'
}

# None of these ids is a process any more.
all_gone() {
    local pid
    for pid in "$@"; do
        [ ! -e "/proc/$pid" ] || return 1
    done
}

# says "ERROR" "HINT": these two lines on stderr, notes around them or not.
says() {
    if ! grep -qxF "muster: error: $1" <<<"$err" || ! grep -qxF "  hint: $2" <<<"$err"; then
        show
        return 1
    fi
}

# The exit code of the background training.
ended_with() {
    local code=0
    wait "$supervisor" || code=$?
    if [ $code -ne "$1" ]; then
        echo "exit code $code, expected $1" >&2
        cat err >&2
        return 1
    fi
}
