//! The commands that are no calls.

use std::fmt::Write;

use super::arguments::{Arguments, usage};
use super::call::{Answer, Result, Step, Trouble};
use super::command::{Command, Family};
use super::session::{Place, Session};
use super::{explain, jobs};
use crate::commands::ls;
use crate::output::escape;
use crate::output::style::Style;

pub const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        family: Family::Own,
        arguments: "[COMMAND]",
        summary: "list the commands, or explain one",
        more: "",
        example: "help sem_wait",
        failure: "",
        run: tell_help,
    },
    Command {
        name: "errno",
        family: Family::Own,
        arguments: "NAME|NUMBER",
        summary: "explain an error, for each call that can fail with it",
        more: "",
        example: "errno EAGAIN",
        failure: "",
        run: tell_errno,
    },
    Command {
        name: "list",
        family: Family::Own,
        arguments: "",
        summary: "list open objects, and calls in the background",
        more: "",
        example: "list",
        failure: "",
        run: list,
    },
    Command {
        name: "ls",
        family: Family::Own,
        arguments: "",
        summary: "list the objects of the machine, as `rsipc ls` does",
        more: "The console itself is not listed as a user of its objects.",
        example: "ls",
        failure: "",
        run: list_objects,
    },
    Command {
        name: "interrupt",
        family: Family::Own,
        arguments: "[JOB]",
        summary: "interrupt a call in the background (EINTR), or all of them",
        more: "",
        example: "interrupt 1",
        failure: "",
        run: interrupt,
    },
    Command {
        name: "wait",
        family: Family::Own,
        arguments: "",
        summary: "wait for the calls in the background",
        more: "Ctrl-C ends the waiting, not the calls.",
        example: "wait",
        failure: "-1",
        run: wait,
    },
    Command {
        name: "quit",
        family: Family::Own,
        arguments: "",
        summary: "end the console, as Ctrl-D does",
        more: "Open objects are closed. Named objects exist until they are unlinked.",
        example: "quit",
        failure: "",
        run: |_, arguments| arguments.end().map(|()| Step::End),
    },
];

fn tell_help(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.optional().map(<[u8]>::to_vec);
    arguments.end()?;
    Ok(Step::Help(name))
}

fn tell_errno(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let word = String::from_utf8_lossy(arguments.word("NAME")?);
    arguments.end()?;
    explain::named(&word)
        .map(Step::Errno)
        .ok_or_else(|| usage(format!("no call fails with {word}")))
}

fn list(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    arguments.end()?;
    let mut text = String::new();
    let mut line = |label: String, what: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{label:<20} {what}");
    };
    for (label, held) in &session.semaphores {
        let what = match &held.0 {
            Place::Named { at, opens: 1 } => format!("semaphore at {:p}", *at),
            Place::Named { at, opens } => format!("semaphore at {:p}, open {opens} times", *at),
            Place::Unnamed(_) => "semaphore without a name".to_owned(),
            Place::Mapped(_, offset) => format!("semaphore at byte {offset} of a mapping"),
        };
        line(escape::word(label), what);
    }
    for (fd, queue) in &session.queues {
        line(escape::word(&queue.label), format!("queue, mqd {fd}"));
    }
    for (fd, memory) in &session.memories {
        line(escape::word(&memory.label), format!("shared memory object, descriptor {fd}"));
    }
    for (label, mapping) in &session.mappings {
        line(
            escape::word(label),
            format!("mapping of {} bytes at {:p}", mapping.len(), mapping.at(0)),
        );
    }
    for job in session.jobs.iter().filter(|job| !job.is_over()) {
        line(format!("[{}]", job.number), format!("sleeps: {}", job.line));
    }
    if text.is_empty() {
        text.push_str("nothing is open");
    }
    Ok(Answer::text(text.trim_end()).into())
}

fn list_objects(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    arguments.end()?;
    let table =
        ls::overview().map_err(|failure| Trouble::Refused(failure.to_string(), String::new()))?;
    Ok(Answer::text(table.render(Style::of_stdout()).trim_end()).into())
}

fn interrupt(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let number = arguments.number_if_any("JOB")?;
    arguments.end()?;
    let chosen: Vec<_> = session
        .jobs
        .iter()
        .filter(|job| !job.is_over() && number.is_none_or(|number: usize| number == job.number))
        .collect();
    if chosen.is_empty() {
        let what = "there is no such call in the background".to_owned();
        return Err(Trouble::Refused(what, "`list` shows those that there are".to_owned()));
    }
    for job in chosen {
        job.interrupt();
    }
    Ok(Answer::text("").into())
}

fn wait(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    arguments.end()?;
    jobs::wait_for(&session.jobs)?;
    Ok(Answer::text("").into())
}
