//! What the tests of the command stand on: the real binary, and C programs that take part, plain
//! and preloaded.

// Each test crate compiles its own copy of this module and needs only a part of it.
#![allow(dead_code, unused_imports, missing_docs)]

#[path = "../../../tests/support/mod.rs"]
mod support;

pub mod files;
pub mod sets;
pub mod terminal;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub use support::{Ended, Way, command, library_dir, run_bounded};

/// Longer nothing may take.
pub const BOUND: Duration = Duration::from_mins(1);

/// `rsipc` with arguments, in an environment without settings.
pub fn rsipc<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(unbounded(arguments));
    command.timeout(BOUND);
    command
}

/// The same, for [`run_bounded`].
pub fn unbounded<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"RSIPC_"))
    {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rsipc"))
}

/// What `rsipc` prints as JSON.
pub fn json(arguments: &[&str]) -> Value {
    let output = rsipc(arguments).output().expect("it ends in time");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

/// The object of this name and kind, in what `ls` says now.
pub fn listed(kind: &str, name: &str) -> Value {
    let listing = json(&["ls", "--json", kind]);
    let objects = listing["objects"].as_array().expect("a list of objects");
    objects.iter().find(|object| object["name"] == name).cloned().unwrap_or(Value::Null)
}

/// The processes of a list.
pub fn pids(list: &Value) -> BTreeSet<u64> {
    let pid = |entry: &Value| entry["pid"].as_u64().expect("a pid");
    list.as_array().expect("a list").iter().map(pid).collect()
}

/// Looks every few milliseconds until the answer is the right one. Panics with the last answer when
/// it never is.
pub fn eventually<T: std::fmt::Debug>(
    mut ask: impl FnMut() -> T,
    is_right: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        let answer = ask();
        if is_right(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {answer:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A name that no other test uses, with its slash.
pub fn unique(what: &str) -> String {
    format!("/rsipc-cli-{}-{what}", std::process::id())
}

/// The program of this source.
pub fn program(source: &str, way: Way) -> PathBuf {
    support::compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(source), way)
}

/// A process that does as it is told (`c/actor.c`), and is killed when it is dropped.
pub struct Actor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Actor {
    pub fn new(way: Way) -> Self {
        Self::start(command(&program("actor.c", way), way))
    }

    /// With another directory of objects, or as another user.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the actor can be started");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Does a line, and waits until that is done.
    pub fn does(&mut self, line: &str) {
        self.begins(line);
        assert_eq!(self.answer(), "ok", "{line}");
    }

    /// Begins to do a line, which may sleep.
    pub fn begins(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the actor lives");
    }

    /// Of a line that has begun.
    pub fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("the actor lives");
        answer.trim_end().to_owned()
    }

    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.end();
    }
}

/// A program with its children, in a process group that is killed when this is dropped.
pub struct Group(Child);

impl Group {
    pub fn start(mut command: Command) -> Self {
        Self(
            command
                .stdin(Stdio::null())
                .process_group(0)
                .spawn()
                .expect("the program can be started"),
        )
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).expect("a process id fits");
        // SAFETY: kill(2) touches no memory; the number is the group's as long as its leader has
        // not been waited for.
        unsafe { libc::kill(-group, libc::SIGKILL) };
        let _ = self.0.wait();
    }
}

/// Objects that are removed at the end, whatever happens.
pub struct Cleanup(Vec<PathBuf>);

impl Cleanup {
    /// The files of these objects, in /dev/shm.
    pub fn of(names: &[(&str, &str)]) -> Self {
        let file = |(kind, name): &(&str, &str)| {
            let prefix = match *kind {
                "sem" => "sem.",
                "mq" => "rsipc-mq.",
                _ => "",
            };
            Path::new("/dev/shm").join(format!("{prefix}{}", name.trim_start_matches('/')))
        };
        Self(names.iter().map(file).collect())
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        for file in &self.0 {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match name.strip_prefix("rsipc-mq.") {
                // It has a FIFO too.
                Some(queue) => drop(rsipc(&["mq", "rm", queue]).output()),
                None => drop(std::fs::remove_file(file)),
            }
        }
    }
}

/// A directory of objects of its own, empty at first and removed at the end.
pub struct Place(PathBuf);

impl Place {
    pub fn new(what: &str) -> Self {
        let path = PathBuf::from(format!("/dev/shm{}", unique(what)));
        std::fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `rsipc` on this directory.
    pub fn rsipc<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> assert_cmd::Command {
        let mut command = rsipc(arguments);
        command.env("RSIPC_DIR", &self.0);
        command
    }

    /// A preloaded actor on this directory.
    pub fn actor(&self) -> Actor {
        self.actor_with(&[])
    }

    /// The same, with these settings.
    pub fn actor_with(&self, settings: &[(&str, &str)]) -> Actor {
        let mut command = command(&program("actor.c", Way::Preload), Way::Preload);
        command.env("RSIPC_DIR", &self.0).envs(settings.iter().copied());
        Actor::start(command)
    }

    /// Names of the files in it.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("it can be read");
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether this is the superuser, who can take other users' places.
pub fn is_root() -> bool {
    // SAFETY: takes no arguments.
    unsafe { libc::geteuid() == 0 }
}

/// By another process: while a file is open for writing in this one, a child that another thread
/// starts at that moment has it open too, and then it cannot be run.
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().expect("cp can be started");
    assert!(copied.success(), "{} is copied", from.display());
}

/// `rsipc` as the user nobody. The binary must be where that user can read it.
pub fn rsipc_as_nobody(arguments: &[&str]) -> std::process::Output {
    rsipc_as_nobody_in(Path::new("/dev/shm"), arguments)
}

/// The same, on this directory of objects.
pub fn rsipc_as_nobody_in(directory: &Path, arguments: &[&str]) -> std::process::Output {
    as_nobody(directory, |mut command| command.args(arguments).output().expect("nobody can run it"))
}

/// `rsipc` for the user nobody, who cannot run it any more when this is over.
pub fn as_nobody<T>(directory: &Path, run: impl FnOnce(Command) -> T) -> T {
    const NOBODY: u32 = 65534;
    // A copy: the way to the build directory may be closed to others.
    let copy = std::env::temp_dir().join(format!(
        "rsipc-nobody-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    copy_program(binary(), &copy);
    let mut command = Command::new(&copy);
    command.env("RSIPC_DIR", directory).current_dir("/").uid(NOBODY).gid(NOBODY);
    let result = run(command);
    std::fs::remove_file(&copy).expect("the copy can be removed");
    result
}
