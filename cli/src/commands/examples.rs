//! What `--help` shows of each command at its end: how it is used.

use std::fmt::Write;

use clap::Command;

/// Of a command, lines to type and what they are for.
type Examples = (&'static str, &'static [(&'static str, &'static str)]);

const ALL: [Examples; 30] = [
    (
        "ls",
        &[
            ("rsipc ls", "all objects"),
            ("rsipc ls 'job*' --sort waiters", "those whose names begin so, busiest first"),
            ("rsipc ls mq -o name,state,open", "three columns of the queues"),
            ("rsipc ls --watch=1s", "again and again, until Ctrl-C"),
        ],
    ),
    (
        "stat",
        &[
            ("rsipc stat /jobs lock", "a queue and a semaphore, say"),
            ("rsipc stat '#20282361'", "one that is unlinked: `rsipc ls` shows its number"),
        ],
    ),
    ("top", &[("rsipc top --interval 500ms", "twice a second; ? explains the keys")]),
    (
        "graph",
        &[
            ("rsipc graph", "who waits for whom, and deadlocks by name"),
            ("rsipc graph --process 4711 --format svg", "a picture of one process and its objects"),
        ],
    ),
    (
        "clean",
        &[
            ("rsipc clean --dry-run", "what would go"),
            ("rsipc clean 'test-*' --older-than 0s", "what a test has left just now"),
            ("rsipc clean --yes --older-than 1d", "without a question, for cron(8)"),
        ],
    ),
    ("run", &[("rsipc run ./server --port 80", "a program, with its own arguments behind it")]),
    ("doctor", &[("rsipc doctor", "what will work here, and what to change")]),
    ("console", &[("rsipc console", "type help there")]),
    (
        "rm",
        &[(
            "rsipc rm /jobs sem:/lock 0xbeef",
            "a queue, a semaphore, and one of System V by its key",
        )],
    ),
    ("sem create", &[("rsipc sem create lock --value 1 --if-missing", "a lock that is free")]),
    ("sem get", &[("rsipc sem get lock", "its value")]),
    ("sem post", &[("rsipc sem post lock", "gives it back")]),
    ("sem wait", &[("rsipc sem wait lock --timeout 5s", "takes it, or fails after five seconds")]),
    ("sem trywait", &[("rsipc sem trywait lock && echo taken", "takes it if it is free")]),
    ("sem rm", &[("rsipc sem rm lock", "its name goes")]),
    ("mq create", &[("rsipc mq create jobs --max-messages 100 --message-size 1K", "a queue")]),
    (
        "mq send",
        &[("rsipc mq send jobs 'look at this' --priority 9", "before all that are less urgent")],
    ),
    ("mq recv", &[("rsipc mq recv jobs --count 10 --lines", "ten messages, a line each")]),
    ("mq peek", &[("rsipc mq peek jobs", "what is in it; it stays there")]),
    (
        "mq tail",
        &[("rsipc mq tail jobs --timeout 1m", "what comes within a minute; it stays there")],
    ),
    ("mq rm", &[("rsipc mq rm jobs", "its name goes")]),
    ("shm create", &[("rsipc shm create frame --size 64K", "zeros")]),
    (
        "shm read",
        &[("rsipc shm read frame --hex --length 256", "its first bytes, to be looked at")],
    ),
    ("shm write", &[("rsipc shm write frame --offset 4096", "the standard input, behind a page")]),
    ("shm rm", &[("rsipc shm rm frame", "its name goes")]),
    ("msg create", &[("rsipc msg create 0xbeef", "a System V queue with this key")]),
    ("msg send", &[("rsipc msg send 0xbeef hello --type 3", "a message of type 3")]),
    ("msg recv", &[("rsipc msg recv 0xbeef --type 3", "the first of that type")]),
    ("msg peek", &[("rsipc msg peek 0xbeef", "what is in it; it stays there")]),
    ("msg rm", &[("rsipc msg rm 0xbeef", "the queue goes at once")]),
];

/// Adds them to the definition of the commands.
pub fn add(command: Command) -> Command {
    ALL.iter().fold(command, |command, (path, examples)| {
        let text = shown(examples);
        match path.split_once(' ') {
            None => command.mut_subcommand(path, |leaf| leaf.after_help(text)),
            Some((family, leaf)) => command.mut_subcommand(family, |family| {
                family.mut_subcommand(leaf, |leaf| leaf.after_help(text))
            }),
        }
    })
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

    fn leaves(command: &Command, path: &str) -> Vec<String> {
        let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        let deeper: Vec<String> = shown
            .flat_map(|sub| leaves(sub, format!("{path} {}", sub.get_name()).trim_start()))
            .collect();
        if deeper.is_empty() { vec![path.to_owned()] } else { deeper }
    }

    #[test]
    fn each_command_has_some() {
        let mut known: Vec<String> = ALL.iter().map(|(path, _)| (*path).to_owned()).collect();
        let mut all = leaves(&Arguments::command(), "");
        known.sort();
        all.sort();
        assert_eq!(known, all);
    }

    #[test]
    fn they_may_be_typed_so() {
        for (line, _) in ALL.iter().flat_map(|(_, examples)| *examples) {
            // As a shell splits it; what stands in quotes has no meaning for the parser.
            let alone = line.split(" && ").next().unwrap().replace("'look at this'", "look");
            let words = alone.split(' ').map(|word| word.trim_matches('\''));
            let parsed = Arguments::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
