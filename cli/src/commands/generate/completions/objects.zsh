
# Names of the objects that are there, and their kinds.
_rsipc_objects() {
    local -a names
    names=(${(f)"$(_call_program objects ${service:-rsipc} ls --noheadings -o name 2>/dev/null)"})
    [[ $PREFIX = /* ]] || names=(${names#/})
    compadd -a names
}
