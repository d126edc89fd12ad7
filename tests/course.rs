//! Runs the programs of the course (`tests/c/course/`) in all four ways.
//!
//! On plain glibc a program must print what the `.out` file beside it says and leave with status 0.
//! In the other ways the library must be at work, and standard output and exit status must be those
//! of glibc. No way may leave an object or a file behind.

mod support;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use support::{Ended, Output, Way, command, compile, run_bounded};

/// Longer than the alarm that each program sets itself.
const BOUND: Duration = Duration::from_mins(1);

/// The families of programs, and whether the library carries what they need. What it does not carry
/// yet runs on plain glibc only.
const FAMILIES: [(&str, bool); 10] = [
    ("process", true),
    ("pipe", true),
    ("mapping", true),
    ("thread", true),
    ("sem", true),
    ("shm", true),
    ("mq", true),
    ("sysv_sem", true),
    ("sysv_msg", true),
    ("sysv_shm", true),
];

/// The programs of a family that is the kernel's by default run with this setting, too.
const OF_TWO_KINDS: &str = "sysv_shm";
const OURS: (&str, &str) = ("RSIPC_SYSV", "sem,msg,shm");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("every_program_is_in_the_index", check_index)];
    for way in Way::ALL {
        trials.push(Trial::test(format!("a_file_is_transferred::{way}"), move || {
            check_transfer(way)
        }));
    }
    for way in Way::OURS {
        trials.push(Trial::test(format!("waiters_can_be_counted::{way}"), move || {
            check_waiters(way)
        }));
    }
    for (family, stands) in FAMILIES {
        for source in programs(family) {
            if family == OF_TWO_KINDS {
                let program = Arc::new(Program::new(family, Some(OURS), source.clone()));
                for way in Way::OURS {
                    let program = Arc::clone(&program);
                    let name = format!("{family}/{}::{way}_ours", program.name());
                    trials.push(Trial::test(name, move || program.check(way)));
                }
            }
            let program = Arc::new(Program::new(family, None, source));
            for way in Way::ALL {
                let program = Arc::clone(&program);
                let name = format!("{family}/{}::{way}", program.name());
                let ignored = way != Way::Glibc && !stands;
                trials
                    .push(Trial::test(name, move || program.check(way)).with_ignored_flag(ignored));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

struct Program {
    family: &'static str,
    /// A setting of the library.
    setting: Option<(&'static str, &'static str)>,
    source: PathBuf,
    /// What it does on glibc, which the other ways are compared with.
    reference: OnceLock<Output>,
}

impl Program {
    fn new(
        family: &'static str,
        setting: Option<(&'static str, &'static str)>,
        source: PathBuf,
    ) -> Self {
        Self { family, setting, source, reference: OnceLock::new() }
    }

    fn name(&self) -> String {
        stem(&self.source)
    }

    fn reference(&self) -> &Output {
        self.reference.get_or_init(|| self.run(Way::Glibc))
    }

    fn run(&self, way: Way) -> Output {
        let mut command = command(&compile(&self.source, way), way);
        command.env("RSIPC_VERBOSE", "1").envs(self.setting);
        run_bounded(command, BOUND)
    }

    fn check(&self, way: Way) -> Result<(), Failed> {
        if way == Way::Glibc {
            return self.check_reference();
        }
        let output = self.run(way);
        let reference = self.reference();
        same("how it ended", &output, &reference.ended, &output.ended)?;
        same("standard output", &output, &reference.stdout, &output.stdout)?;
        nothing_left_behind(output.pid)?;
        self.library_was_at_work(way, &output)
    }

    fn check_reference(&self) -> Result<(), Failed> {
        let expected_path = self.source.with_extension("out");
        let output = self.reference();
        same("how it ended", output, &Ended::Exit(0), &output.ended)?;
        let expected = fs::read_to_string(&expected_path)
            .map_err(|error| format!("{}: {error}", expected_path.display()))?;
        same("standard output", output, &expected, &output.stdout)?;
        same("standard error", output, &String::new(), &output.stderr)?;
        nothing_left_behind(output.pid)
    }

    /// A comparison says nothing if both sides ran on glibc.
    fn library_was_at_work(&self, way: Way, output: &Output) -> Result<(), Failed> {
        let announced =
            output.stderr.lines().any(|line| line.starts_with("rsipc ") && line.contains("active"));
        match way {
            Way::Glibc => Ok(()),
            Way::Preload | Way::Shared if announced => Ok(()),
            Way::Preload | Way::Shared => {
                Err(format!("no line of the library on standard error:\n{}", output.stderr).into())
            }
            Way::Static => self.calls_are_inside(),
        }
    }

    /// Of the calls that the plain program takes from the C library, the static one brings those of
    /// our families with it.
    fn calls_are_inside(&self) -> Result<(), Failed> {
        let ours = |way| -> HashSet<String> {
            let imports = imports(&compile(&self.source, way));
            imports.into_iter().filter(|name| is_ours(name)).collect()
        };
        let plain = ours(Way::Glibc);
        let family_is_ours =
            ["sem", "shm", "mq", "sysv_sem", "sysv_msg", "sysv_shm"].contains(&self.family);
        if plain.is_empty() == family_is_ours {
            return Err(format!(
                "a program of {}/ takes {plain:?} from the C library",
                self.family
            )
            .into());
        }
        let outside: Vec<_> = ours(Way::Static).intersection(&plain).cloned().collect();
        if outside.is_empty() {
            Ok(())
        } else {
            Err(format!("still from the C library: {outside:?}").into())
        }
    }
}

/// The C files of a family, in the order of their names.
fn programs(family: &str) -> Vec<PathBuf> {
    let dir = course().join(family);
    let mut sources: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| entry.expect("a directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    sources
}

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/course")
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a source has a name").to_string_lossy().into_owned()
}

fn same<T: PartialEq + ToString>(
    what: &str,
    output: &Output,
    want: &T,
    got: &T,
) -> Result<(), Failed> {
    if want == got {
        return Ok(());
    }
    let (want, got) = (want.to_string(), got.to_string());
    Err(format!(
        "{what} differs\n--- expected\n{want}\n--- got\n{got}\n--- standard error\n{}",
        output.stderr
    )
    .into())
}

/// The names of all objects and files that a program makes have its process id in them.
fn nothing_left_behind(pid: u32) -> Result<(), Failed> {
    let mark = format!("-{pid}");
    let left: Vec<PathBuf> = ["/dev/shm", "/dev/mqueue", "/tmp"]
        .into_iter()
        .filter_map(|dir| fs::read_dir(dir).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.contains("course-") && has_number(&name, &mark)
        })
        .collect();
    if left.is_empty() { Ok(()) } else { Err(format!("left behind: {left:?}").into()) }
}

/// Whether `mark`, which ends in a number, is in `name` with no further digit behind it.
fn has_number(name: &str, mark: &str) -> bool {
    let mut rests = name.match_indices(mark).map(|(at, _)| &name[at + mark.len()..]);
    rests.any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

/// The functions that a program takes from the libraries it is linked with.
fn imports(program: &Path) -> Vec<String> {
    let output = Command::new("nm")
        .args(["-D", "--undefined-only"])
        .arg(program)
        .output()
        .expect("nm can be started");
    assert!(output.status.success(), "nm {}", program.display());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        // Newer versions add that of the symbol.
        .filter_map(|symbol| symbol.split('@').next())
        .map(ToOwned::to_owned)
        .collect()
}

fn is_ours(function: &str) -> bool {
    const NAMES: [&str; 14] = [
        "shm_open",
        "shm_unlink",
        "semget",
        "semop",
        "semtimedop",
        "semctl",
        "msgget",
        "msgsnd",
        "msgrcv",
        "msgctl",
        "shmget",
        "shmat",
        "shmdt",
        "shmctl",
    ];
    ["sem_", "mq_", "__mq_"].iter().any(|prefix| function.starts_with(prefix))
        || NAMES.contains(&function)
}

/// The transfer of a real file: the program's own source, which needs several turns.
fn check_transfer(way: Way) -> Result<(), Failed> {
    let source = course().join("shm/transfer.c");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("transfer-{way}"));
    let mut command = command(&compile(&source, way), way);
    command.arg(&source).arg(&copy);
    let output = run_bounded(command, BOUND);
    same("how it ended", &output, &Ended::Exit(0), &output.ended)?;
    let cksum = String::from_utf8(Command::new("cksum").arg(&source).output()?.stdout)?;
    let sum = cksum.split_whitespace().next().unwrap_or_default();
    if output.stdout.matches(&format!("checksum {sum}\n")).count() != 2 {
        return Err(format!("cksum says {sum}, the program\n{}", output.stdout).into());
    }
    if fs::read(&source)? == fs::read(&copy)? {
        Ok(())
    } else {
        Err("the copy is not the file".into())
    }
}

/// `RSIPC_SEM_GETVALUE=waiters` gives the answer that the notes on Minix promise.
fn check_waiters(way: Way) -> Result<(), Failed> {
    let mut command = command(&compile(&course().join("sem/sem_waiters.c"), way), way);
    command.env("RSIPC_SEM_GETVALUE", "waiters");
    let output = run_bounded(command, BOUND);
    same("how it ended", &output, &Ended::Exit(0), &output.ended)?;
    let line = output.stdout.lines().find(|line| line.contains("sleep")).unwrap_or_default();
    same("the value", &output, &"3 sleep: -3", &line)
}

fn check_index() -> Result<(), Failed> {
    let index = fs::read_to_string(course().join("../README.md"))?;
    for (family, _) in FAMILIES {
        for source in programs(family) {
            let name = stem(&source);
            if !index.contains(&format!("`{name}`")) {
                return Err(format!("tests/c/README.md does not name `{name}` of {family}/").into());
            }
        }
    }
    Ok(())
}
