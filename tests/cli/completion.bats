# Words for the shells: what is offered, and the shells' own completion at work.
load helpers
load untrained
load runs

setup() {
    in_fresh_folder
    fill_store
    export HOME=$PWD
    mkdir bin && ln -s "$MUSTER" bin/muster
    export PATH=$PWD/bin:$PATH
}

# offers WORD...: the words offered for the last one.
offers() {
    out=$(muster __complete -- "$@" | cut -f 1) && code=0 || code=$?
}

has() {
    grep -qxF -- "$1" <<<"$out" || { show; return 1; }
}

has_not() {
    ! grep -qxF -- "$1" <<<"$out" || { show; return 1; }
}

@test "commands, options and their values" {
    offers ""
    has train && has runs && has completion && has help && has_not __complete
    offers ru
    [ "$out" = runs ] || { show; false; }
    offers runs c
    [ "$out" = compare ] || { show; false; }
    offers help runs wa
    [ "$out" = watch ] || { show; false; }
    offers runs list --s
    [ "$out" = --spark ] || { show; false; }
    offers runs plot newt-2 --x ""
    [ "$out" = "step
time
relative" ] || { show; false; }
    offers runs plot newt-2 --x=ti
    [ "$out" = --x=time ] || { show; false; }
    offers completion ""
    has fish
    offers runs list --view d
    [ "$out" = deleted ] || { show; false; }
}

@test "runs by name and id, experiments, metrics, tags, artifacts" {
    offers runs show ""
    has newt-2 && has last && has best:news
    offers runs show a
    has a1000000 && has a2000000 && has_not newt-2
    offers runs show best:
    has best:news && has best:Default && has_not last
    offers runs diff newt-2 ow
    [ "$out" = owl-1 ] || { show; false; }
    offers runs compare newt-2 owl-1 ha
    [ "$out" = hare-3 ] || { show; false; }
    offers runs best ""
    has news && has Default
    offers runs plot newt-2 --metric v
    [ "$out" = val_loss ] || { show; false; }
    offers runs list --experiment n
    [ "$out" = news ] || { show; false; }
    offers runs tag newt-2 --delete mlflow.run
    [ "$out" = mlflow.runName ] || { show; false; }
    offers artifacts get newt-2 mo
    [ "$out" = model.txt ] || { show; false; }
    offers evaluate new
    has newt-2 && has :files
    offers runs show newt-2 ""
    [ -z "$out" ] || { show; false; }
    offers runs show --tracking-uri mlruns ne
    [ "$out" = newt-2 ] || { show; false; }
    offers runs show --tracking-uri sqlite:///nowhere.db ""
    [ -z "$out" ] && [ ! -e nowhere.db ] || { show; false; }
}

@test "config keys and their values" {
    offers train ""
    has :files
    offers train tiny.yaml train.l
    has train.lr= && has train.leaves= && has :nospace && has_not model.arch=
    offers train tiny.yaml seed=1 train.optimizer=
    has train.optimizer=adamw && has_not :nospace
    offers train tiny.yaml data.shuffle=t
    [ "$out" = data.shuffle=true ] || { show; false; }
}

# in_bash LINE: what bash's completion has for the line's last word.
in_bash() {
    out=$(bash --norc --noprofile -c '
        source <(muster completion bash)
        line=$1
        COMP_LINE=$line COMP_POINT=${#line}
        '"$(cat <<'END'
# Words as readline cuts them, at blanks and at = and :.
COMP_WORDS=() word=
for ((i = 0; i < ${#line}; i++)); do
    c=${line:i:1}
    case $c in
    " ") [[ $word ]] && COMP_WORDS+=("$word"); word= ;;
    [=:]) [[ $word ]] && COMP_WORDS+=("$word"); COMP_WORDS+=("$c"); word= ;;
    *) word+=$c ;;
    esac
done
[[ $word || $line == *" " ]] && COMP_WORDS+=("$word")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_muster
printf "%s\n" "${COMPREPLY[@]}"
END
)" bash "$1") && code=0 || code=$?
}

@test "bash: the script's answers" {
    in_bash "muster runs show ne"
    [ "$out" = newt-2 ] || { show; false; }
    in_bash "muster runs show "
    has owl-1
    in_bash "muster runs show best:"
    has news && has Default
    in_bash "muster runs show best:ne"
    [ "$out" = news ] || { show; false; }
    in_bash "muster train tiny.yaml train.optimizer=ada"
    has adamw
    in_bash "muster train ti"
    [ "$out" = tiny.yaml ] || { show; false; }
    in_bash "muster runs plot newt-2 --x=rel"
    [ "$out" = relative ] || { show; false; }
}

# typed KEYS SHELL ARGS...: what a real shell shows on its terminal for keys.
typed() {
    local keys=$1
    shift
    out=$(printf '%b' "$keys" | timeout 30 /usr/bin/python3 "$TREE/tests/cli/on_terminal" 120 40 "$@") || true
}

@test "bash: keys on a terminal" {
    muster completion bash >script
    printf 'source ./script\nPS1="> "\nbind "set bell-style none"\n' >rc
    typed 'muster runs note newt-\t"found by tab"\nmuster runs show best:n\t --json | grep run_name\nexit\n' bash --noprofile --rcfile rc -i
    [ "$(muster runs note newt-2 </dev/null)" = "found by tab" ] || { show; false; }
    grep -q '"run_name": "newt-2"' <<<"$out" || { show; false; }
}

@test "zsh: keys on a terminal" {
    command -v zsh >/dev/null || skip "zsh is not installed"
    mkdir zfunc && muster completion zsh >zfunc/_muster
    printf 'fpath=(%s/zfunc $fpath)\nautoload -Uz compinit && compinit -u -D\nPS1="> "\nunsetopt beep\n' "$PWD" >.zshrc
    ZDOTDIR=$PWD typed 'muster runs note newt-\t"found by tab"\nmuster train tiny.yaml train.clip\tX\nexit\n' zsh -i
    [ "$(muster runs note newt-2 </dev/null)" = "found by tab" ] || { show; false; }
    grep -q 'train.clip_norm' <<<"$out" || { show; false; }
}

@test "fish: the answers of its own completion" {
    command -v fish >/dev/null || skip "fish is not installed"
    muster completion fish >muster.fish
    run fish -c 'source muster.fish; complete -C "muster runs show ne"; complete -C "muster runs plot newt-2 --x re"; complete -C "muster runs show best:"; complete -C "muster train ti"'
    out=$output code=$status
    grep -q "^newt-2" <<<"$out" && grep -q "^relative" <<<"$out" && grep -q "^best:news" <<<"$out" && grep -q "^tiny.yaml" <<<"$out" || { show; false; }
}

@test "a shell that is not known is told so" {
    run_muster completion tcsh
    fails 2 "expected bash, zsh or fish, found 'tcsh'"
}
