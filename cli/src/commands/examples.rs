//! What `--help` shows of each command at its end: how it is used.

use std::fmt::Write;

use clap::Command;

/// Of a command, lines to type and what they are for.
type Examples = (&'static str, &'static [(&'static str, &'static str)]);

/// The path of the command itself is empty.
const ALL: [Examples; 35] = [
    (
        "",
        &[
            ("rsipc ls", "all objects, and the processes that have them open"),
            ("rsipc run ./server --port 80", "a program on the library"),
        ],
    ),
    (
        "ls",
        &[
            ("rsipc ls", "all objects"),
            (
                "rsipc ls 'job*' --sort waiters",
                "objects whose names begin with job, most waiters first",
            ),
            ("rsipc ls mq -o name,state,open", "three columns of the queues"),
            ("rsipc ls --watch=1s", "updated every second, until Ctrl-C"),
            ("rsipc ls sem --private", "also unnamed semaphores that threads sleep on"),
        ],
    ),
    (
        "stat",
        &[
            ("rsipc stat /jobs lock", "a queue and a semaphore, for example"),
            ("rsipc stat '#20282361'", "an object without a name; `rsipc ls` shows its number"),
        ],
    ),
    ("top", &[("rsipc top --interval 500ms", "twice a second; ? explains the keys")]),
    (
        "graph",
        &[
            ("rsipc graph", "which process waits for which, and deadlocks"),
            ("rsipc graph --process 4711 --format svg", "a picture of one process and its objects"),
        ],
    ),
    (
        "clean",
        &[
            ("rsipc clean --dry-run", "what would be removed"),
            ("rsipc clean 'test-*' --older-than 0s", "what a test has just left behind"),
            ("rsipc clean --yes --older-than 1d", "without asking, for cron(8)"),
        ],
    ),
    (
        "run",
        &[
            ("rsipc run ./server --port 80", "a program with its arguments"),
            ("rsipc run --check -- ./exercise", "report wrong calls; `--` ends the options"),
            ("rsipc run --check --chaos=7 -- ./exercise", "the same with other timing, repeatable"),
            (
                "rsipc run --trace=calls.json --trace-format=chrome -- ./exercise",
                "a record of all calls; https://ui.perfetto.dev shows it as a picture",
            ),
        ],
    ),
    ("doctor", &[("rsipc doctor", "what will work here, and what to change")]),
    ("console", &[("rsipc console", "type help for a list of commands")]),
    (
        "rm",
        &[(
            "rsipc rm /jobs sem:/lock 0xbeef",
            "a queue, a semaphore, and a System V object by its key",
        )],
    ),
    (
        "sem",
        &[
            ("rsipc sem create lock --value 1 --if-missing", "a free lock"),
            (
                "rsipc sem wait lock && { backup; rsipc sem post lock; }",
                "run backup while no other process has the lock",
            ),
        ],
    ),
    ("sem create", &[("rsipc sem create lock --value 1 --if-missing", "a free lock")]),
    ("sem get", &[("rsipc sem get lock", "its value")]),
    ("sem post", &[("rsipc sem post lock", "release the lock")]),
    (
        "sem wait",
        &[("rsipc sem wait lock --timeout 5s", "take the lock, or fail after five seconds")],
    ),
    ("sem trywait", &[("rsipc sem trywait lock && echo taken", "take the lock if it is free")]),
    ("sem rm", &[("rsipc sem rm lock", "remove its name")]),
    (
        "mq",
        &[
            ("rsipc mq create jobs --if-missing", "a queue for ten messages"),
            ("rsipc mq send jobs hello", "a message; wait for space if the queue is full"),
            ("rsipc mq recv jobs", "the next message; wait for one if the queue is empty"),
        ],
    ),
    ("mq create", &[("rsipc mq create jobs --max-messages 100 --message-size 1K", "a queue")]),
    (
        "mq send",
        &[(
            "rsipc mq send jobs 'look at this' --priority 9",
            "a message that is received before less urgent ones",
        )],
    ),
    ("mq recv", &[("rsipc mq recv jobs --count 10 --lines", "ten messages, a line each")]),
    ("mq peek", &[("rsipc mq peek jobs", "the messages, which stay in the queue")]),
    (
        "mq tail",
        &[(
            "rsipc mq tail jobs --timeout 1m",
            "the messages of one minute, which stay in the queue",
        )],
    ),
    ("mq rm", &[("rsipc mq rm jobs", "remove its name")]),
    (
        "shm",
        &[
            ("rsipc shm create frame --size 64K", "64 KiB of zeros"),
            ("rsipc shm write frame < picture", "copy a file into it"),
            ("rsipc shm read frame > picture", "copy it into a file"),
        ],
    ),
    ("shm create", &[("rsipc shm create frame --size 64K", "64 KiB of zeros")]),
    (
        "shm read",
        &[("rsipc shm read frame --hex --length 256", "its first 256 bytes in hexadecimal")],
    ),
    ("shm write", &[("rsipc shm write frame --offset 4096", "standard input, from byte 4096 on")]),
    ("shm rm", &[("rsipc shm rm frame", "remove its name")]),
    (
        "msg",
        &[
            ("rsipc msg create 0xbeef", "a System V queue with this key"),
            ("rsipc msg send 0xbeef hello --type 3", "a message of type 3"),
            ("rsipc msg recv 0xbeef", "the oldest message"),
        ],
    ),
    ("msg create", &[("rsipc msg create 0xbeef", "a System V queue with this key")]),
    ("msg send", &[("rsipc msg send 0xbeef hello --type 3", "a message of type 3")]),
    ("msg recv", &[("rsipc msg recv 0xbeef --type 3", "the oldest message of that type")]),
    ("msg peek", &[("rsipc msg peek 0xbeef", "the messages, which stay in the queue")]),
    ("msg rm", &[("rsipc msg rm 0xbeef", "remove the queue and its messages")]),
];

/// Adds them to the definition of the commands.
pub fn add(command: Command) -> Command {
    ALL.iter().fold(command, |command, (path, examples)| add_at(command, path, &shown(examples)))
}

/// The text follows what the command already says at its end.
fn add_at(command: Command, path: &str, text: &str) -> Command {
    if path.is_empty() {
        let own = command.get_after_help().map(|own| format!("{own}\n\n"));
        return command.after_help(own.unwrap_or_default() + text);
    }
    let (name, rest) = path.split_once(' ').unwrap_or((path, ""));
    command.mut_subcommand(name, |deeper| add_at(deeper, rest, text))
}

fn shown(examples: &[(&str, &str)]) -> String {
    examples.iter().fold("Examples:".to_owned(), |mut text, (line, purpose)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {line}\n      {purpose}");
        text
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Arguments;

    /// The path of a command, and those of all below it.
    fn paths(command: &Command, path: &str) -> Vec<String> {
        let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        let deeper =
            shown.flat_map(|sub| paths(sub, format!("{path} {}", sub.get_name()).trim_start()));
        [path.to_owned()].into_iter().chain(deeper).collect()
    }

    #[test]
    fn each_command_has_some() {
        let mut known: Vec<String> = ALL.iter().map(|(path, _)| (*path).to_owned()).collect();
        let mut all = paths(&Arguments::command(), "");
        known.sort();
        all.sort();
        assert_eq!(known, all);
    }

    #[test]
    fn they_may_be_typed_so() {
        for (line, _) in ALL.iter().flat_map(|(_, examples)| *examples) {
            // As a shell splits it; what stands in quotes has no meaning for the parser.
            let ends = [" && ", " < ", " > "].map(|end| line.find(end).unwrap_or(line.len()));
            let alone = &line[..ends.into_iter().min().unwrap()];
            let alone = alone.replace("'look at this'", "look");
            let words = alone.split(' ').map(|word| word.trim_matches('\''));
            let parsed = Arguments::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
