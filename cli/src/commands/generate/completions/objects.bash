
# Names of the objects that are there.
_rsipc_objects() {
    local names
    names=$("$1" ls --noheadings -o name ${2:+"$2"} 2>/dev/null | grep -v '^[$#]')
    case $3 in
        /*) ;;
        # Without its slash, such a name would mean a kind, a key or an id.
        *) names=$(sed -E '\,^/((sem|mq|shm|msg|svsem|svmsg|svshm):|[0-9]),!s|^/||' <<<"$names") ;;
    esac
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$names" -- "$3")
}

_rsipc_with_objects() {
    _rsipc "$@"
    local current=${COMP_WORDS[COMP_CWORD]} kind=
    case $current in
        -* | =) return ;;
    esac
    # The value of an option is no object.
    case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}" in
        *" =" | *" -o" | *" --columns" | *" --sort" | *" --format" | *" --kind" | *" --process" | \
            *" --older-than" | *" --timeout" | *" --count" | *" --times" | *" --type" | \
            *" --priority" | *" --offset" | *" --length" | "graph -p" | "mq -p" | "msg -t") return ;;
    esac
    case ${COMP_WORDS[1]} in
        ls | stat | graph | clean | rm) ((COMP_CWORD >= 2)) || return ;;
        sem | mq | shm | msg)
            ((COMP_CWORD >= 3)) && [ "${COMP_WORDS[2]}" != create ] || return
            kind=${COMP_WORDS[1]}
            ;;
        *) return ;;
    esac
    _rsipc_objects "${COMP_WORDS[0]}" "$kind" "$current"
}

complete -F _rsipc_with_objects -o bashdefault -o default rsipc
