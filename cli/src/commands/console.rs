//! `rsipc console`: every call on semaphores, queues and memory, of POSIX and System V, as a
//! command.
//!
//! | module | |
//! |---|---|
//! | `arguments` | the words after a command, as numbers, flags, times |
//! | `call` | what a command comes to |
//! | `catalogue` | all commands |
//! | `command` | what a command is |
//! | `editor` | typing a line: history, completion |
//! | `explain` | what an error number means for a call |
//! | `help` | what the console tells of its commands |
//! | `jobs` | calls that may sleep |
//! | `keys` | keys and ids of System V |
//! | `line` | from a line to its words |
//! | `listener` | the thread that takes signals |
//! | `mapping` | a shared memory object that is mapped |
//! | `memory` | the commands on shared memory |
//! | `messages` | the commands on System V message queues |
//! | `notice` | notifications of queues |
//! | `own` | the commands that are no calls |
//! | `queues` | the commands on message queues |
//! | `segments` | the commands on System V segments |
//! | `semaphores` | the commands on semaphores |
//! | `session` | what is open, by name |
//! | `sets` | the commands on semaphore sets |
//! | `voice` | lines that come from other threads |

mod arguments;
mod call;
mod catalogue;
mod command;
mod editor;
mod explain;
mod help;
mod jobs;
mod keys;
mod line;
mod listener;
mod mapping;
mod memory;
mod messages;
mod notice;
mod own;
mod queues;
mod segments;
mod semaphores;
mod session;
mod sets;
mod voice;

use std::io::{self, BufRead, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use rsipc_core::os::Errno;

use crate::failure::{Failure, Result, from_errno, reason};
use crate::output::style::{Style, Tone};
use crate::output::{escape, say};
use arguments::Arguments;
use call::{Answer, Sleepy, Step, Trouble};
use command::Command;
use editor::{Editor, Typed};
use jobs::Job;
use session::Session;

/// Make calls by hand: a command for each call, with help and explanations of errors
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// If standard input is not a terminal: stop at the first command that fails
    #[arg(long)]
    stop: bool,
}

const AFTER_HELP: &str = "\
Type `help` for the commands. A command is a call, with its arguments: `sem_open /s O_CREAT 0600 1`,
`sem_wait /s`. Ctrl-C interrupts a call that sleeps (EINTR); Ctrl-D ends the console.

If standard input is not a terminal, each line is a command. All commands are carried out, even
after one has failed, unless --stop is given; the exit status is 1 if any command failed.";

/// Calls that failed, in whatever thread.
static FAILED: AtomicUsize = AtomicUsize::new(0);

pub fn run(options: &Options) -> Result<()> {
    let is_interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    listener::start(!is_interactive)?;
    jobs::set_up(is_interactive);
    let mut session = Session::default();
    let result =
        if is_interactive { converse(&mut session) } else { follow(&mut session, options.stop) };
    session.jobs.iter().filter(|job| !job.is_over()).for_each(Job::interrupt);
    result.and_then(|()| voice::result())
}

fn converse(session: &mut Session) -> Result<()> {
    let style = Style::of_stdout();
    let mut editor = Editor::new(style)?;
    voice::tell(
        "`help` lists the commands, Tab completes, Ctrl-C interrupts a call, Ctrl-D ends the console.",
    );
    loop {
        let labels: Vec<String> = session.labels().map(|label| editor::typed(label)).collect();
        let line = match editor.read(labels.into_iter())? {
            Typed::Line(line) => line,
            Typed::Nothing => continue,
            Typed::End => return Ok(()),
        };
        match obey(session, &line) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(complaint) => voice::tell(&complaint),
        }
    }
}

/// Lines of the standard input.
fn follow(session: &mut Session, stop: bool) -> Result<()> {
    for (line, number) in io::stdin().lock().split(b'\n').zip(1..) {
        let line = line.map_err(|error| Failure::call("cannot read standard input", error))?;
        match obey(session, &String::from_utf8_lossy(&line)) {
            Ok(true) => {}
            Ok(false) => break,
            Err(complaint) => {
                say(format!("line {number}: {complaint}"));
                if stop {
                    break;
                }
            }
        }
    }
    session.jobs.iter().filter(|job| !job.is_over()).for_each(Job::interrupt);
    match FAILED.load(Ordering::Relaxed) {
        0 => Ok(()),
        1 => Err(Failure::new("1 command failed")),
        many => Err(Failure::new(format!("{many} commands failed"))),
    }
}

/// Does what a line says. False: the console is to end. An error is for the user to read.
fn obey(session: &mut Session, line: &str) -> std::result::Result<bool, String> {
    session.jobs.retain(|job| !job.is_over());
    let parsed = line::parse(line).map_err(|malformed| fail(malformed.to_string()))?;
    let Some((name, words)) = parsed.words.split_first() else { return Ok(true) };
    let command = find(name).map_err(|trouble| fail(complain(None, &trouble)))?;
    let step = (command.run)(session, &mut Arguments::new(words));
    let done = match step {
        Ok(Step::End) => return Ok(false),
        Ok(Step::Done(answer)) => Ok(answer),
        Ok(Step::Help(None)) => Ok(Answer::text(help::overview())),
        Ok(Step::Help(Some(name))) => find(&name).map(|command| Answer::text(help::of(command))),
        Ok(Step::Errno(error)) => Ok(Answer::text(help::of_error(error))),
        Ok(Step::MaySleep(sleepy)) if parsed.in_background => start(session, command, line, sleepy),
        Ok(Step::MaySleep(sleepy)) => sleep(command, sleepy),
        Err(trouble) => Err(trouble),
    };
    let answer = done.map_err(|trouble| fail(complain(Some(command), &trouble)))?;
    let text = tell(command, &answer);
    if !text.is_empty() {
        voice::tell(&text);
    }
    Ok(true)
}

fn fail(complaint: String) -> String {
    FAILED.fetch_add(1, Ordering::Relaxed);
    complaint
}

/// The command of this name.
fn find(name: &[u8]) -> call::Result<&'static Command> {
    catalogue::find(name).ok_or_else(|| {
        let advice = match catalogue::similar(name) {
            Some(command) => format!("did you mean {}? `help` lists all commands", command.name),
            None => "`help` lists all commands".to_owned(),
        };
        Trouble::Refused(format!("there is no command {}", escape::word(name)), advice)
    })
}

fn sleep(command: &Command, sleepy: Sleepy) -> call::Result<Answer> {
    if let Some(what) = sleepy.sleeps_for {
        let style = Style::of_stdout();
        let note = format!("{} sleeps until there is {what}; Ctrl-C interrupts it", command.name);
        voice::tell(&style.paint(Tone::Faint, &note));
    }
    Ok(jobs::make(0, sleepy.call)?)
}

fn start(
    session: &mut Session,
    command: &'static Command,
    line: &str,
    sleepy: Sleepy,
) -> call::Result<Answer> {
    session.last_job += 1;
    let number = session.last_job;
    let report = move |result: std::result::Result<Answer, Errno>| {
        let text = match result {
            Ok(answer) => tell(command, &answer),
            Err(error) => fail(complain(Some(command), &Trouble::Failed(error))),
        };
        voice::tell(&format!("[{number}] {text}"));
    };
    let line = line.trim().trim_end_matches('&').trim_end().to_owned();
    let started = format!("[{number}] {line}");
    let job = Job::start(number, line, sleepy.call, report).map_err(Errno::from)?;
    session.jobs.push(job);
    Ok(Answer::text(started))
}

/// `sem_getvalue = 0: value 3`
fn tell(command: &Command, answer: &Answer) -> String {
    let Some(returned) = &answer.returned else { return answer.remark.clone() };
    let colon = if answer.remark.is_empty() { "" } else { ": " };
    let returned = Style::of_stdout().paint(Tone::Good, returned);
    format!("{} = {returned}{colon}{}", command.name, answer.remark)
}

/// What went wrong, and under it what that means and what to do.
fn complain(command: Option<&Command>, trouble: &Trouble) -> String {
    let style = if io::stdin().is_terminal() { Style::of_stdout() } else { Style::of_stderr() };
    let bad = |text: &str| style.paint(Tone::Bad, text);
    match (trouble, command) {
        (Trouble::Usage(what), Some(command)) => {
            format!("{}\n  usage: {}", bad(what), help::synopsis(command))
        }
        (Trouble::Refused(what, advice), _) if !advice.is_empty() => {
            format!("{}\n  {advice}", bad(what))
        }
        (Trouble::Usage(what) | Trouble::Refused(what, _), _) => bad(what),
        (Trouble::Failed(error), command) => {
            let (call, failure) =
                command.map_or(("", "-1"), |command| (command.name, command.failure));
            let words = format!("{} ({})", explain::name(*error), reason(&from_errno(*error)));
            let first = format!("{call} = {failure}: {}", bad(&words));
            match explain::explain(call, *error) {
                Some(known) => format!("{first}\n  {}\n  {}", known.words, known.advice),
                None => first,
            }
        }
    }
}
