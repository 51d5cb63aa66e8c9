#!/usr/bin/env bats
# scripts/debian-sections on package lists made here; what apt does is not tested.

bats_require_minimum_version 1.5.0

setup() {
    [ -x /usr/lib/apt/apt-helper ] || skip "no apt on this machine"
    lists=$BATS_TEST_TMPDIR/lists
    out=$BATS_TEST_TMPDIR/out
    mkdir "$lists"
    packages=$lists/host_debian_dists_bookworm_main_binary-amd64_Packages
    translations=$lists/host_debian_dists_bookworm_main_i18n_Translation-en
    printf 'Origin: Debian\nCodename: bookworm\nVersion: 12.1\n' \
        >"$lists/host_debian_dists_bookworm_InRelease"
}

# package NAME SECTION TITLE TEXT [SOURCE]: TEXT's lines are the long description's.
package() {
    local md5=$1-md5
    printf 'Package: %s\n' "$1" >>"$packages"
    [ $# -lt 5 ] || printf 'Source: %s\n' "$5" >>"$packages"
    printf 'Section: %s\nDescription: %s\nDescription-md5: %s\n\n' "$2" "$3" "$md5" >>"$packages"
    { printf 'Package: %s\nDescription-md5: %s\nDescription-en: %s\n' "$1" "$md5" "$3"
        printf '%s\n' "$4" | sed 's/^/ /'
        echo; } >>"$translations"
}

packages() {
    local i
    for ((i = 1; i <= $2; i++)); do
        package "$1-$i" "$1" "title $i" "About $1, number $i."
    done
}

sections() {
    run --separate-stderr "$MUSTER_SOURCE_DIR/scripts/debian-sections" --lists "$lists" --output "$out"
}

row_of() {
    grep -h "^$1," "$out/train.csv" "$out/test.csv"
}

@test "classes of a hundred rows are kept, a fifth of each held out" {
    packages games 110
    packages math 100
    packages mail 99
    packages libs 120
    sections
    [ "$status" -eq 0 ]
    [ "$(grep -c ',games$' "$out/train.csv")" -eq 88 ]
    [ "$(grep -c ',games$' "$out/test.csv")" -eq 22 ]
    [ "$(grep -c ',math$' "$out/test.csv")" -eq 20 ]
    [ "$(grep -cE ',(mail|libs)$' "$out/train.csv")" -eq 0 ]
    [ "$(head -n 1 "$out/train.csv")" = "id,title,description,tag" ]
    [[ $output == *"2 classes"* ]]
    [ "$(wc -l <"$out/train.txt")" -eq 168 ] # texts alone, of the training rows alone
    grep -qxF "$(sed -n 2p "$out/train.csv" | python3 -c 'import csv, sys
row = next(csv.reader(sys.stdin)); print(row[1], row[2])')" "$out/train.txt"
    [ -z "$(comm -12 <(sort "$out/train.csv") <(sort "$out/test.csv") | grep -v ^id,)" ]
}

@test "the same packages in another order give the same bytes" {
    packages games 101
    sections
    cp -r "$out" "$out.first"
    tac "$packages" | awk 'NF{s=$0"\n"s; next} {if(s!="")printf "%s\n", s; s=""} END{printf "%s\n", s}' >"$packages.new"
    mv "$packages.new" "$packages"
    [ "$(grep -m1 ^Package: "$packages")" = "Package: games-101" ]
    sections
    cmp "$out/train.csv" "$out.first/train.csv"
    cmp "$out/test.csv" "$out.first/test.csv"
}

@test "a source has one row, a description stands once" {
    packages games 100
    package aa-data games "data" "Pictures and sounds." one-source
    package zz-game games "the game" "The game itself." one-source
    package other games "copy" "ABOUT GAMES, number 7."
    sections
    [ "$(row_of one-source)" = "one-source,data,Pictures and sounds.,games" ]
    [ "$(cat "$out/train.csv" "$out/test.csv" | grep -ci 'about games, number 7\.,\|"about games, number 7\."')" -eq 1 ]
}

@test "paragraphs are joined, boilerplate goes where something else remains" {
    packages games 100
    package chess games 'Chess, "the" game' "Plays chess
over the net.
.
This package contains the pictures."
    package only games "only" "This metapackage pulls in all."
    sections
    [ "$(row_of chess)" = 'chess,"Chess, ""the"" game",Plays chess over the net.,games' ]
    [ "$(row_of only)" = "only,only,This metapackage pulls in all.,games" ]
}

@test "a very long description is cut between words" {
    packages games 100
    package long games "long" "$(yes 'naïve' | head -n 500 | tr '\n' ' ')"
    sections
    row=$(row_of long)
    [ "$(wc -c <<<"$row")" -le 2022 ]
    [[ $row == *"naïve,games" ]]
}

@test "compressed lists are read" {
    packages games 100
    gzip "$translations"
    sections
    [ "$status" -eq 0 ]
    [ "$(wc -l <"$out/test.csv")" -eq 21 ]
}

@test "lists without descriptions are refused with a hint" {
    packages games 100
    rm "$translations"
    sections
    [ "$status" -eq 1 ]
    [[ $stderr == *"no English descriptions"*"hint:"* ]]
    [ ! -e "$out/train.csv" ]
}

@test "with --tags: all frequent tags of a package, packages without tags left out" {
    packages games 100
    sed -i 's/^Section: games$/&\nTag: role::program, interface::{text-mode,x11},\n use::gameplaying, role::program/' \
        "$packages"
    package plain games "plain" "It has no tags."
    package rare games "rare" "It has a rare one too."
    sed -i '/^Package: rare$/a Tag: suite::rare, role::program' "$packages"
    run --separate-stderr "$MUSTER_SOURCE_DIR/scripts/debian-sections" --tags --lists "$lists" \
        --output "$out"
    [ "$status" -eq 0 ]
    [ "$(head -n 1 "$out/train.csv")" = "id,title,description,tags" ]
    [ "$(row_of games-7)" = 'games-7,title 7,"About games, number 7.",interface::text-mode|interface::x11|role::program|use::gameplaying' ]
    [ "$(row_of rare)" = "rare,rare,It has a rare one too.,role::program" ]
    [ -z "$(row_of plain)" ]
    [ "$(cat "$out/train.csv" "$out/test.csv" | wc -l)" -eq 103 ]
    [[ $output == *"4 tags"* ]]
}
