# bash completion for muster

# The words up to the cursor, of which bash has cut some at = and :, in $words.
_muster_words() {
    local rest=${COMP_LINE:0:COMP_POINT} word trimmed i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        if [[ $i -gt $COMP_CWORD-1 && ${#trimmed} -lt ${#word} ]]; then
            word=$trimmed
        fi
        if [[ $i -gt 0 && ${#trimmed} -eq ${#rest} && ( -n $rest || -z $word ) ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
    done
}

_muster() {
    local words current line cut files= nospace=
    _muster_words
    current=${words[${#words[@]}-1]}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :files) files=yes ;;
        :nospace) nospace=yes ;;
        *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <("${words[0]/#\~/$HOME}" __complete -- "${words[@]:1}" 2>/dev/null)
    # What stands before the last = or : is no part of the word that bash replaces.
    cut=
    if [[ $current == *[=:]* ]]; then
        cut=${current%"${current##*[=:]}"}
        COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    fi
    if [[ $files ]]; then
        while IFS= read -r line; do
            COMPREPLY+=("$line")
        done < <(compgen -f -- "${current#"$cut"}")
        compopt -o filenames 2>/dev/null
    fi
    if [[ $nospace ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F _muster muster
