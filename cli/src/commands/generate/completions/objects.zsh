
# Names of the objects that are there, and their kinds.
_rsipc_objects() {
    local -a names
    names=(${(f)"$(_call_program objects ${service:-rsipc} ls --noheadings -o name 2>/dev/null)"})
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
