//! What preloading the library does to a program that needs nothing of it: nothing.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Ended, Output, Way, command, compile, library_dir, run_bounded};

const BOUND: Duration = Duration::from_mins(1);

fn run(program: &str, settings: &[(&str, &Path)]) -> Output {
    let mut command = command(Path::new(program), Way::Preload);
    command.envs(settings.iter().copied());
    run_bounded(command, BOUND)
}

/// An empty directory for the objects of one test.
fn directory(name: &str) -> PathBuf {
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir(&path).expect("a new directory can be made");
    path
}

#[test]
fn without_settings_it_is_silent() {
    let output = run("true", &[]);
    assert_eq!((output.ended, &*output.stdout, &*output.stderr), (Ended::Exit(0), "", ""));
}

#[test]
fn the_exit_status_is_that_of_the_program() {
    assert_eq!(run("false", &[]).ended, Ended::Exit(1));
}

#[test]
fn verbose_says_one_line_and_touches_no_file() {
    let objects = directory("verbose");
    let output = run("true", &[("RSIPC_VERBOSE", Path::new("1")), ("RSIPC_DIR", &objects)]);
    let expected = format!(
        "rsipc {}: active: semaphores, shared memory, message queues, System V semaphores, System V message queues; library {}; objects in {}; spin ",
        env!("CARGO_PKG_VERSION"),
        library_dir().join("librsipc.so").display(),
        objects.display(),
    );
    assert_eq!((output.ended, &*output.stdout), (Ended::Exit(0), ""));
    let line = output.stderr.strip_suffix('\n').expect("the line is complete");
    assert!(line.starts_with(&expected) && !line.contains('\n'), "{line:?}");
    // Removable only if it is still empty.
    std::fs::remove_dir(objects).expect("nothing was made in the directory");
}

#[test]
fn verbose_names_the_families_that_are_taken_over() {
    let said = |sysv| {
        run("true", &[("RSIPC_VERBOSE", Path::new("1")), ("RSIPC_SYSV", Path::new(sysv))]).stderr
    };
    assert!(said("none").contains("message queues; library"), "{}", said("none"));
    assert!(said("shm").contains("message queues, System V shared memory; library"));
}

/// `RSIPC_VERBOSE` is 1 or it is not set: no other value says anything.
#[test]
fn verbose_off_is_silent() {
    for value in ["", "0", "yes"] {
        assert_eq!(run("true", &[("RSIPC_VERBOSE", Path::new(value))]).stderr, "", "{value:?}");
    }
}

#[test]
fn a_closed_standard_error_disturbs_no_program() {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec 2>&-; LD_PRELOAD="$0" RSIPC_VERBOSE=1 sh -c 'echo out; exit 7'"#]);
    shell.arg(library_dir().join("librsipc.so"));
    let output = run_bounded(shell, BOUND);
    assert_eq!((output.ended, &*output.stdout), (Ended::Exit(7), "out\n"));
}

/// Parts of the C library, before glibc 2.34.
const PARTS: [&str; 3] = ["libpthread.so.0", "libdl.so.2", "librt.so.1"];

/// The library must not drag others into the process: whatever it needs, a C program on glibc has
/// or can share.
#[test]
fn it_needs_only_the_c_library() {
    let library = library_dir().join("librsipc.so");
    let readelf = Command::new("readelf").arg("-dW").arg(&library).env("LC_ALL", "C").output();
    let text = String::from_utf8(readelf.expect("readelf can be started").stdout)
        .expect("it speaks ASCII");
    let needed: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .filter(|name| !name.starts_with("ld-linux") && !PARTS.contains(name))
        .collect();
    assert_eq!(needed, ["libc.so.6"]);
}

/// The C library then asks for the processor otherwise, as those before glibc 2.35 do.
#[test]
fn the_fast_paths_make_no_system_call_without_rseq() {
    for name in ["sem_quiet", "mq_quiet"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/semantics");
        let program = compile(&source.join(name).with_extension("c"), Way::Preload);
        let mut command = command(&program, Way::Preload);
        command.env("GLIBC_TUNABLES", "glibc.pthread.rseq=0");
        let output = run_bounded(command, BOUND);
        assert_eq!(output.ended, Ended::Exit(0), "{}{}", output.stdout, output.stderr);
    }
}
