
# Names of the objects that are there.
function __rsipc_objects
    # Names in quotation marks, and objects without a name, cannot be typed so.
    set -l names (rsipc ls --noheadings -o name $argv 2>/dev/null | string match -rv "^[\$'#]")
    if not string match -q '/*' -- (commandline -ct)
        # Without its slash, a name that begins with a kind or a digit would mean another object.
        set names (string replace -r '^/(?!(sem|mq|shm|msg|svsem|svmsg|svshm):|[0-9])' '' -- $names)
    end
    printf '%s\n' $names
end
for command in ls stat graph clean rm
    complete -c rsipc -n "__fish_seen_subcommand_from $command" -f -a '(__rsipc_objects)'
end
for kind in sem mq shm msg
    complete -c rsipc -f -a "(__rsipc_objects $kind)" \
        -n "__fish_seen_subcommand_from $kind; and test (count (commandline -opc)) -ge 3; and not __fish_seen_subcommand_from create"
end
