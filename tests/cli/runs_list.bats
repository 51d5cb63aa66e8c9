# Lists of runs: columns, sparklines, tables that fit, the pager.
load helpers
load untrained
load runs

setup() {
    in_fresh_folder
    fill_store
    unset NO_COLOR PAGER LESS
    export TERM=xterm
}

@test "columns are those in which the runs differ" {
    run_muster runs list
    [ "$code" -eq 0 ] || { show; false; }
    head -n 1 <<<"$out" | grep -qE "^name +id +status +age +duration +val_loss +train.lr$" || { show; false; }
    grep -qE "^newt-2 +a2000000 +FINISHED +[0-9]+d +1m 00s +0.2 +0.01$" <<<"$out" || { show; false; }
    run_muster runs list --filter "params.train.lr = '0.1'"
    ! grep -q "train.lr" <<<"$out" || { show; false; }
    run_muster runs list -n 1
    grep -q "val_loss" <<<"$out" || { show; false; }
}

@test "a list reads no history, but for sparklines" {
    run_muster runs list --no-pager
    before=$out
    sqlite3 muster.db "DELETE FROM metrics"
    run_muster runs list --no-pager
    [ "$out" = "$before" ] || { show; false; }
    run_muster runs list --spark val_loss
    ! grep -q "█" <<<"$out" || { show; false; }
}

@test "params that a run of an older program lacks are no difference, other values are" {
    sqlite3 muster.db "INSERT INTO params VALUES ('new.key', 'x', '$NEWT'), ('note', 'a', '$NEWT'), ('note', 'b', 'a1${NEWT#a2}')"
    run_muster runs list
    ! grep -q new.key <<<"$out" && grep -qE "^name .* note +train.lr$" <<<"$out" || { show; false; }
    run_muster runs compare newt-2 owl-1
    grep -qE "^new.key +x +-$" <<<"$out" || { show; false; }
}

@test "a sparkline shows a metric's way" {
    run_muster runs list --spark val_loss
    grep -E "^newt-2 " <<<"$out" | grep -q "█▂▁" || { show; false; }
    grep -E "^hare-3 " <<<"$out" | grep -q "█▁ " || { show; false; }
    run_muster runs list --columns name,spark.val_loss --order-by "metrics.val_loss ASC" -n 1
    [ "$(tail -n 1 <<<"$out")" = "newt-2  █▂▁" ] || { show; false; }
    run_muster runs list --spark val_loss --json
    fails 2 "--spark and --json exclude each other"
}

@test "a table fits its terminal and is whole in a pipe" {
    on_terminal 160 40 "$MUSTER" runs list --no-pager
    grep -q "train.lr" <<<"$out" || { show; false; }
    on_terminal 60 40 "$MUSTER" runs list --no-pager
    grep -q "(1 more column: a wider terminal shows it)" <<<"$out" || { show; false; }
    ! grep -q "train.lr" <<<"$out" || { show; false; }
    COLUMNS=40 run_muster runs list
    grep -q "train.lr" <<<"$out" || { show; false; }
}

@test "what stands in a store cannot steer a terminal" {
    sqlite3 muster.db "UPDATE runs SET name = 'red' || char(27) || '[31m' || char(155) || 'x' WHERE name = 'newt-2'"
    export NO_COLOR=1
    for command in "runs list" "runs list --csv" "runs show a200" "runs compare a200 a100" "runs plot a200 a100 -m val_loss" \
        "runs best news" "runs watch a200" "runs rename a200 ok"; do
        # shellcheck disable=SC2086
        on_terminal 120 60 "$MUSTER" $command
        grep -q "red" <<<"$out" || { echo "$command" >&2; show; false; }
        ! LC_ALL=C grep -q $'\033\\[31m\|\xc2\x9b' <<<"$out" || { echo "$command" >&2; show; false; }
    done
}

@test "colours are for terminals, unless NO_COLOR" {
    on_terminal 160 40 "$MUSTER" runs list
    grep -q $'\033\\[32mFINISHED' <<<"$out" || { show; false; }
    NO_COLOR=1 on_terminal 160 40 "$MUSTER" runs list
    ! grep -q $'\033' <<<"$out" || { show; false; }
    run_muster runs list
    ! grep -q $'\033' <<<"$out" || { show; false; }
}

@test "what is longer than the screen goes through the pager" {
    export PAGER='sed s/^/paged:/'
    on_terminal 160 5 "$MUSTER" runs list
    grep -q "^paged:.*newt-2" <<<"$out" || { show; false; }
    on_terminal 160 5 "$MUSTER" runs list --no-pager
    ! grep -q "paged:" <<<"$out" || { show; false; }
    on_terminal 160 40 "$MUSTER" runs list
    ! grep -q "paged:" <<<"$out" || { show; false; }
    PAGER=cat on_terminal 160 5 "$MUSTER" runs list
    grep -q "newt-2" <<<"$out" || { show; false; }
    PAGER=no-such-pager on_terminal 160 5 "$MUSTER" runs list
    grep -q "newt-2" <<<"$out" || { show; false; }
    PAGER='head -n 1' on_terminal 160 5 "$MUSTER" runs list
    [ "$code" -eq 0 ] || { show; false; }
    run_muster runs list
    ! grep -q "paged:" <<<"$out" || { show; false; }
}

@test "best: names a run wherever a run is named" {
    run_muster runs show best:news --json
    json 'd["run_name"] == "newt-2"'
    run_muster runs show best:news:val_loss:max --json
    json 'd["run_name"] == "crow-4"'
    run_muster runs diff best:news a100
    grep -q "train.lr  *0.01 *0.1" <<<"$out" || { show; false; }
    run_muster runs show best:news:val_lss
    fails 6 "no run of experiment 'news' has a value of val_lss" "did you mean val_loss?"
}
