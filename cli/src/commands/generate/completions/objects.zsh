
# Names of the objects that are there; for a command of one kind, such as `sem`, those of that kind.
_rsipc_objects() {
    local -a names
    # As in ":complete:rsipc-sem-command-post:".
    local kind=${${curcontext##*:rsipc-}%%-command-*}
    [[ $kind = (sem|mq|shm|msg) ]] || kind=
    names=(${(f)"$(_call_program objects ${service:-rsipc} ls --noheadings -o name $kind 2>/dev/null)"})
    if [[ $PREFIX != /* ]]; then
        # Without its slash, a name that begins with a kind or a digit would mean another object.
        local -a all=($names)
        local name
        names=()
        for name in $all; do
            [[ $name = /(sem|mq|shm|msg|svsem|svmsg|svshm):* || $name = /[0-9]* ]] || name=${name#/}
            names+=($name)
        done
    fi
    compadd -a names
}
