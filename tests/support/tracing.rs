//! What strace sees of a program of `tests/c`, and what it lets happen to its system calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Way, command, compile, run_bounded};

const BOUND: Duration = Duration::from_mins(1);

/// The names of the calls in a trace: `PID NAME(ARGUMENTS) = RESULT`.
pub fn calls(trace: &str) -> impl Iterator<Item = &str> {
    trace.lines().filter_map(|line| {
        let call = line.split_once(' ')?.1.trim_start();
        Some(call.split_once('(')?.0)
    })
}

/// All system calls of a program of tests/c, which says this at the end, and of whatever it starts.
pub fn trace_of(source: &str, way: Way, says: &str) -> String {
    trace_with(source, way, &[], &[], says)
}

/// The same with settings of the library, and with options of strace.
pub fn trace_with(
    source: &str,
    way: Way,
    settings: &[(&str, &str)],
    options: &[&str],
    says: &str,
) -> String {
    let program = compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(source), way);
    let log = Log::new(way);
    let mut traced = command(&program, way);
    traced.envs(settings.iter().copied());
    let output = run_bounded(under_strace(&traced, &log.0, options), BOUND);
    assert!(output.success() && output.stdout == says, "{}\n{}", output.ended, output.stderr);
    fs::read_to_string(&log.0).expect("strace has written what it saw")
}

/// The command, traced. What is in its environment is not for strace itself.
fn under_strace(command: &Command, log: &Path, options: &[&str]) -> Command {
    assert!(Command::new("strace").arg("-V").output().is_ok(), "strace is missing: install it");
    let mut strace = Command::new("strace");
    strace.args(options).arg("-f").arg("-o").arg(log);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.arg("-E").arg([name, value].join("=".as_ref())),
            None => strace.env_remove(name),
        };
    }
    strace.arg("--").arg(command.get_program()).args(command.get_args());
    strace
}

/// A file that goes when the test is over.
struct Log(PathBuf);

impl Log {
    fn new(way: Way) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(
            Path::new(env!("CARGO_TARGET_TMPDIR"))
                .join(format!("strace.{}.{number}.{way}", process::id())),
        )
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // What is left over lies in a directory for such things.
        let _ = fs::remove_file(&self.0);
    }
}
