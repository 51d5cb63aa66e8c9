#!/usr/bin/env bats
# scripts/install-deps among programs that only write down what they were asked.

bats_require_minimum_version 1.5.0

setup() {
    bin=$BATS_TEST_TMPDIR/bin
    log=$BATS_TEST_TMPDIR/log
    mkdir "$bin"
    : >"$log"
    for tool in bash cat env grep mktemp rm; do
        ln -s "$(command -v $tool)" "$bin/$tool"
    done
    fake dpkg-query 'case " $MISSING " in *" ${@: -1} "*) exit 1 ;; esac; printf installed'
    fake apt-get 'echo "apt-get $*" >>"$LOG"; [ "$1" != "$APT_FAILS_AT" ] || { echo "E: no room"; exit 100; }'
    fake sudo 'echo sudo >>"$LOG"; exec "$@"'
    fake id 'echo "$FAKE_UID"'
}

fake() {
    printf '#!/bin/bash\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

install_deps() {
    run --separate-stderr env -i PATH="$bin" LOG="$log" MISSING="${MISSING:-}" \
        FAKE_UID="${FAKE_UID:-0}" APT_FAILS_AT="${APT_FAILS_AT:-}" \
        "$bin/bash" "$MUSTER_SOURCE_DIR/scripts/install-deps" "$@"
}

@test "with everything there nothing is installed" {
    install_deps --tests
    [ "$status" -eq 0 ]
    [[ $stderr == "All "*" Debian packages are there." ]]
    [ ! -s "$log" ]
}

@test "root gets just what is missing, after an update" {
    MISSING="ninja-build libyaml-dev" install_deps
    [ "$status" -eq 0 ]
    [[ $stderr == *"Installing 2 Debian packages with apt-get:"* ]]
    [ "$(cat "$log")" = "apt-get update
apt-get install --yes --no-install-recommends ninja-build libyaml-dev" ]
}

@test "others go through sudo" {
    MISSING=cmake FAKE_UID=1000 install_deps
    [ "$status" -eq 0 ]
    [[ $stderr == *"with sudo apt-get:"* ]]
    [ "$(sed -n 1p "$log")" = sudo ]
    [ "$(tail -n 1 "$log")" = "apt-get install --yes --no-install-recommends cmake" ]
}

@test "without sudo the command for root is told" {
    rm "$bin/sudo"
    MISSING=cmake FAKE_UID=1000 install_deps
    [ "$status" -eq 1 ]
    [[ $stderr == *"run as root: apt-get install cmake"* ]]
    [ ! -s "$log" ]
}

@test "packages of the tests come with --tests alone" {
    MISSING="bats python3-torch" install_deps
    [ "$status" -eq 0 ]
    [ ! -s "$log" ]
    MISSING="bats python3-torch" install_deps --tests
    [[ $(tail -n 1 "$log") == *" bats python3-torch" ]]
}

@test "what apt said is shown when it fails" {
    MISSING=cmake APT_FAILS_AT=install install_deps
    [ "$status" -eq 1 ]
    [[ $stderr == *"E: no room"*"error: apt-get install failed"* ]]
}

@test "another system gets the list and a failure" {
    rm "$bin/apt-get"
    MISSING=cmake install_deps
    [ "$status" -eq 1 ]
    [[ $stderr == *"not a Debian system"*libopenmpi-dev*libssl-dev* ]]
    [[ $stderr != *libcmocka-dev* ]]
}

@test "--list prints names and does nothing" {
    MISSING=cmake install_deps --list
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = cmake ]
    [ ! -s "$log" ]
}

@test "an unknown option is a wrong command line" {
    install_deps --test
    [ "$status" -eq 2 ]
}
