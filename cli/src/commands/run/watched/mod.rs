//! A watched run: `--trace`, `--check` and `--chaos`. The command stays, reads what the processes
//! of the run write down, and ends when all of them have ended.
//!
//! | module | |
//! |---|---|
//! | `age` | numbers of threads that were given to others |
//! | `children` | the program and its descendants |
//! | `heirs` | processes that may have been left a lock |
//! | `history` | what was done with a semaphore before a wait in vain |
//! | `home` | the directory of the run |
//! | `maps` | the files that memory of a process is of |
//! | `options` | what may be asked for |
//! | `records` | what the processes write down |
//! | `report` | findings as a person reads them |
//! | `shared` | memory that the processes had in common |
//! | `tracing` | the record of calls |
//! | `unlinked` | the names that semaphores had |
//! | `unset` | System V sets without values |
//! | `waits` | waits that last |

mod age;
mod children;
mod heirs;
mod history;
mod home;
mod maps;
pub mod options;
mod records;
mod report;
mod shared;
mod tracing;
mod unlinked;
mod unset;
mod waits;

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use watch_run::finding::Kind;
use watch_run::tables::{Gap, mode};
use watch_run::{DIRECTORY, END};

use super::status::OWN_FAILURE;
use crate::failure::{Failure, Result};
use crate::output::{escape, say, warn};
use crate::symbols::Symbols;
use children::Children;
use home::Home;
use options::{Chaos, Wishes};
use records::{Finding, Lines, Record};
use tracing::Trace;
use waits::Waits;

/// The exit status of a run with findings, if they are fatal.
const FOUND: i32 = 66;
/// How often the run is looked at.
const INTERVAL: Duration = Duration::from_millis(20);
/// How often its waits are.
const LOOK: Duration = Duration::from_millis(250);

/// Everything that comes of a run.
struct Watcher<'a> {
    wishes: &'a Wishes,
    home: Home,
    lines: Lines,
    trace: Option<Trace>,
    symbols: Symbols,
    waits: Waits,
    findings: u32,
    /// Some of its processes wait for ever.
    is_stuck: bool,
    /// They were killed for that.
    were_killed: bool,
    /// Findings of what they have left, which is no mistake of theirs then.
    left_by_killed: u32,
}

/// Runs the command with `preload` in the place of its LD_PRELOAD, and gives its exit status.
pub fn run(wishes: &Wishes, mut command: Command, preload: &OsStr) -> Result<i32> {
    let mut watcher = Watcher::new(wishes)?;
    command.env("LD_PRELOAD", preload).env(DIRECTORY, watcher.home.path());
    let mut children = Children::start(command)?;
    watcher.home.tables().head.root.store(children.program(), Ordering::Relaxed);
    let mut last_look = Instant::now();
    while !children.are_gone() {
        thread::sleep(INTERVAL);
        watcher.read()?;
        if wishes.check.is_some() && last_look.elapsed() >= LOOK {
            watcher.look();
            if wishes.is_fatal() && watcher.is_stuck {
                Children::end();
                watcher.were_killed = true;
            }
            last_look = Instant::now();
        }
    }
    watcher.read()?;
    watcher.judge(preload)?;
    watcher.finish(children.status())
}

impl<'a> Watcher<'a> {
    fn new(wishes: &'a Wishes) -> Result<Self> {
        let (mut modes, mut seed) = (0, 0);
        if wishes.trace.is_some() {
            modes |= mode::TRACE;
        }
        if wishes.check.is_some() {
            modes |= mode::CHECK;
        }
        if let Some(chaos) = wishes.chaos {
            let Chaos { kills, seed: wanted } = chaos.unwrap_or(Chaos { kills: false, seed: None });
            modes |= mode::CHAOS | if kills { mode::KILL } else { 0 };
            seed = wanted.unwrap_or_else(any_seed);
            let kind = if kills { "kill:" } else { "" };
            say(format!("rsipc chaos: seed {seed} (--chaos={kind}{seed} repeats it)"));
        }
        let home = Home::new(modes, seed)
            .map_err(|error| Failure::call("cannot make a directory for the run", error))?;
        let lines = home
            .records()
            .map_err(|error| Failure::call("cannot read the records of the run", error))?;
        let trace = match &wishes.trace {
            Some(file) => {
                Some(Trace::open(file.as_deref(), wishes.trace_format).map_err(|error| {
                    let file = file.as_deref().map_or(OsStr::new(""), Path::as_os_str);
                    let file = escape::word(file.as_bytes());
                    let what = format!("cannot write the record of calls, {file}");
                    Failure::call(what, error).with_status(OWN_FAILURE)
                })?)
            }
            None => None,
        };
        Ok(Self {
            wishes,
            home,
            lines: Lines::of(lines),
            trace,
            symbols: Symbols::default(),
            waits: Waits::default(),
            findings: 0,
            is_stuck: false,
            were_killed: false,
            left_by_killed: 0,
        })
    }

    /// What has been written down since the last time.
    fn read(&mut self) -> Result<()> {
        let lines = self
            .lines
            .take()
            .map_err(|error| Failure::call("cannot read the records of the run", error))?;
        for line in lines {
            match serde_json::from_str(&line) {
                Ok(Record::Call(call)) => {
                    if let Some(trace) = &mut self.trace {
                        trace.call(&call, &line).map_err(not_written)?;
                    }
                }
                // They were killed before they could remove it.
                Ok(Record::Finding(finding)) if self.were_killed && is_left(&finding) => {
                    self.left_by_killed += 1;
                }
                Ok(Record::Finding(finding)) => {
                    self.findings += 1;
                    report::finding(&finding, &mut self.symbols);
                }
                Ok(Record::Killed(killed)) => report::killed(&killed),
                Err(error) => warn(format!("a record of the run is invalid: {error}")),
            }
        }
        match &mut self.trace {
            Some(trace) => trace.flush().map_err(not_written),
            None => Ok(()),
        }
    }

    /// Waits that last.
    fn look(&mut self) {
        let patience = u64::from(self.wishes.patience) * 1_000_000_000;
        for finding in self.waits.look(self.home.tables(), now(), patience) {
            self.findings += 1;
            self.is_stuck = true;
            report::finding(&finding, &mut self.symbols);
        }
    }

    /// Whether some process has found the tables.
    fn was_entered(&self) -> bool {
        let book = self.home.tables().book.get();
        // SAFETY: a place in the mapped tables, of which only the address is made.
        home::copy(unsafe { &raw const (*book).processes[0].pid }) != 0
    }

    /// What is left: another process with the same libraries looks at it.
    fn judge(&mut self, preload: &OsStr) -> Result<()> {
        if self.wishes.check.is_none() {
            return Ok(());
        }
        let own = std::env::current_exe()
            .map_err(|error| Failure::call("cannot find the rsipc program itself", error))?;
        let looked = Command::new(own)
            .arg("--version")
            .env("LD_PRELOAD", preload)
            .env(DIRECTORY, self.home.path())
            .env(END, "1")
            .env_remove("RSIPC_VERBOSE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        match looked {
            Ok(status) if status.success() => self.read(),
            Ok(status) => Err(Failure::new(format!("cannot check what is left: {status}"))),
            Err(error) => Err(Failure::call("cannot check what is left", error)),
        }
    }

    fn finish(mut self, status: i32) -> Result<i32> {
        if let Some(trace) = self.trace.take() {
            trace.finish().map_err(not_written)?;
        }
        let head = &self.home.tables().head;
        let unwritten = head.unwritten.load(Ordering::Relaxed);
        if unwritten > 0 {
            warn(format!("{unwritten} records could not be written"));
        }
        let gaps: Vec<String> = Gap::ALL
            .iter()
            .map(|&gap| (head.missed[gap as usize].load(Ordering::Relaxed), gap.reason()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, reason)| format!("{count} times {reason}"))
            .collect();
        if !gaps.is_empty() {
            let gaps = gaps.join("; ");
            warn(format!(
                "not all of the run was seen: {gaps}; what follows from earlier calls was not reported from then on"
            ));
        }
        if !self.was_entered() {
            warn("no process of the run was watched: is librsipc_watch.so of another version?");
        }
        self.say_what_is_shared(status);
        if self.left_by_killed > 0 {
            warn("the processes in the deadlock were killed; what they left is not reported");
        }
        if self.findings > 0 {
            let plural = if self.findings == 1 { "" } else { "s" };
            say(format!("rsipc check: {} finding{plural}", self.findings));
        }
        Ok(if self.findings > 0 && self.wishes.is_fatal() { FOUND } else { status })
    }

    /// The program says that its result is wrong, and no call was: the reason may be in what the
    /// calls do not show.
    fn say_what_is_shared(&self, status: i32) {
        let disturbs = matches!(self.wishes.chaos, Some(None | Some(Chaos { kills: false, .. })));
        if !disturbs || status == 0 || self.findings > 0 {
            return;
        }
        let memory = shared::describe(self.home.tables());
        if memory.is_empty() {
            return;
        }
        let mut text = format!(
            "the program ended with status {status}. If its result is wrong, look for accesses \
             without a lock to what its processes share:"
        );
        for one in memory {
            let _ = write!(text, "\n  {one}");
        }
        warn(text);
    }
}

/// Whether it is about what a process that goes on would have removed, or received.
fn is_left(finding: &Finding) -> bool {
    let is_kind = |kind: &Kind| finding.kind == kind.name();
    [Kind::NeverUnlinked, Kind::NeverRemoved, Kind::Unread, Kind::NotGivenBack].iter().any(is_kind)
}

fn not_written(error: std::io::Error) -> Failure {
    Failure::call("cannot write the record of calls", error)
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is there to be written.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// One that is easy to type.
fn any_seed() -> u64 {
    now() / 1000 % 1_000_000
}
