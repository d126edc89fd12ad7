//! Runs a command within a time, with everything that it starts.

use std::fmt;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The process id it had, which is part of the names of the objects it made.
    pub pid: u32,
    pub ended: Ended,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn success(&self) -> bool {
        self.ended == Ended::Exit(0)
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Exit(i32),
    Signal(i32),
    /// It, or a process that it started and that kept its output open, was still there when the
    /// time was over.
    TimedOut,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit status {status}"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::TimedOut => f.write_str("out of time"),
        }
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

/// Runs `command` with an empty standard input in a process group of its own, until it has ended
/// and no process holds its output any more; at the end of `bound` the whole group is killed.
pub fn run_bounded(mut command: Command, bound: Duration) -> Output {
    let deadline = Instant::now() + bound;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = collect(child.stdout.take().expect("standard output is a pipe"));
    let stderr = collect(child.stderr.take().expect("standard error is a pipe"));

    let mut status = None;
    let finished = until(deadline, || {
        if status.is_none() {
            status = child.try_wait().expect("a child of ours can be waited for");
        }
        status.is_some() && stdout.is_finished() && stderr.is_finished()
    });
    let ended = match status {
        Some(status) if finished => status.into(),
        _ => {
            kill_group(&mut child);
            // One that has left the group may still hold the pipes: it is not waited for.
            until(Instant::now() + Duration::from_secs(1), || {
                stdout.is_finished() && stderr.is_finished()
            });
            Ended::TimedOut
        }
    };
    Output { pid: child.id(), ended, stdout: text(stdout), stderr: text(stderr) }
}

/// Looks every millisecond whether `done` holds; false when the time is over before.
fn until(deadline: Instant, mut done: impl FnMut() -> bool) -> bool {
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A read that fails ends the text as an end of file does; the comparison shows what is
        // missing.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    if !reader.is_finished() {
        return String::from("(output still held open)\n");
    }
    let bytes = reader.join().expect("the reader does not panic");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn kill_group(leader: &mut Child) {
    let group = i32::try_from(leader.id()).expect("a process id fits");
    // The number is still that of this group: the leader has not been waited for, or a member lives
    // on (a process id is not given out again while a group has it). SAFETY: kill(2) touches no
    // memory of this process.
    unsafe { libc::kill(-group, libc::SIGKILL) };
    let _ = leader.wait();
}
