//! Libraries that are preloaded beside ours: the order that `docs/preload.md` asks for works.
//! Each test passes over what is not installed, and says so.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Ended, Output, Scratch, library_dir, run_bounded};

const BOUND: Duration = Duration::from_mins(1);

/// What the programs say about what they have seen.
fn run(program: &Path, preloads: &[&Path], variables: &[(&str, &str)]) -> Output {
    let preloads: Vec<_> = preloads.iter().map(|path| path.display().to_string()).collect();
    // ThreadSanitizer cannot do with all addresses that the kernel may choose.
    let mut command = Command::new("setarch");
    command.arg("-R").arg("env").arg(format!("LD_PRELOAD={}", preloads.join(":"))).arg(program);
    command.envs(variables.iter().copied());
    run_bounded(command, BOUND)
}

/// Where the compiler has this library; `None` if it has none.
fn library_of_compiler(name: &str) -> Option<PathBuf> {
    let mut compiler = Command::new("gcc");
    compiler.arg(format!("-print-file-name={name}"));
    let output = run_bounded(compiler, BOUND);
    // Only the name comes back for what is not there.
    let path = PathBuf::from(output.stdout.trim());
    path.is_absolute().then(|| path.canonicalize().ok()).flatten()
}

/// The sanitizer first, so that it sees the calls and hands them on to us.
#[test]
fn thread_sanitizer_sees_what_orders_threads() {
    let scratch = Scratch::new("tsan");
    let built =
        scratch.try_compile("loading/ordered.c", "ordered", &["-g", "-fsanitize=thread", "-lrt"]);
    let sanitizer = ["libtsan.so.2", "libtsan.so.0"].into_iter().find_map(library_of_compiler);
    let (true, Some(sanitizer)) = (built.success(), sanitizer) else {
        return eprintln!("passed over: no ThreadSanitizer here\n{}", built.stderr);
    };
    std::fs::write(scratch.path("suppressions"), "called_from_lib:librsipc.so\n")
        .expect("a file can be made");
    let options = format!("suppressions={}", scratch.path("suppressions").display());
    let library = library_dir().join("librsipc.so");
    let variables = [("TSAN_OPTIONS", &*options), ("RSIPC_VERBOSE", "1")];
    let output = run(&scratch.path("ordered"), &[&sanitizer, &library], &variables);
    if output.stderr.contains("unexpected memory mapping") || output.stderr.contains("setarch") {
        return eprintln!("passed over: ThreadSanitizer does not run here\n{}", output.stderr);
    }
    assert!(output.stderr.contains("active"), "{}", output.stderr);
    assert!(!output.stderr.contains("data race"), "{}", output.stderr);
    assert_eq!((output.ended, &*output.stdout), (Ended::Exit(0), "ordered\n"), "{}", output.stderr);

    // It is at work: without the semaphore it sees the race.
    let mut racy = Command::new("setarch");
    racy.arg("-R").arg(scratch.path("ordered")).arg("racy");
    let output = run_bounded(racy, BOUND);
    assert!(output.stderr.contains("data race"), "{}", output.stderr);
}

/// What a program leaves open is not taken for lost memory at its end.
#[test]
fn leak_sanitizer_finds_no_leak() {
    let scratch = Scratch::new("lsan");
    let built =
        scratch.try_compile("loading/left.c", "left", &["-g", "-fsanitize=address", "-lrt"]);
    let sanitizer = ["libasan.so.8", "libasan.so.6"].into_iter().find_map(library_of_compiler);
    let (true, Some(sanitizer)) = (built.success(), sanitizer) else {
        return eprintln!("passed over: no AddressSanitizer here\n{}", built.stderr);
    };
    // It is at work: it finds what the program has lost.
    let mut losing = Command::new("setarch");
    losing.arg("-R").arg(scratch.path("left")).arg("leak");
    let output = run_bounded(losing, BOUND);
    if !output.stderr.contains("2000 byte(s) leaked") {
        return eprintln!("passed over: LeakSanitizer does not run here\n{}", output.stderr);
    }
    let library = library_dir().join("librsipc.so");
    let program = scratch.path("left");
    let output = run(&program, &[&sanitizer, &library], &[("RSIPC_VERBOSE", "1")]);
    assert!(output.stderr.contains("active"), "{}", output.stderr);
    assert_eq!((output.ended, &*output.stdout), (Ended::Exit(0), "left\n"), "{}", output.stderr);
}

/// The false clock first, so that it translates the times before we see them.
#[test]
fn false_clocks_are_translated() {
    let directories =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let clock = directories.iter().map(|dir| Path::new(dir).join("faketime/libfaketime.so.1"));
    let Some(clock) = clock.into_iter().find(|path| path.exists()) else {
        return eprintln!("passed over: libfaketime is not installed");
    };
    let scratch = Scratch::new("faketime");
    let program = scratch.compile("loading/later.c", "later", &["-lrt"]);
    let library = library_dir().join("librsipc.so");
    for (offset, year) in [("-3000d", "before"), ("+3000d", "after")] {
        let output =
            run(&program, &[&clock, &library], &[("FAKETIME", offset), ("RSIPC_VERBOSE", "1")]);
        assert!(output.stderr.contains("active"), "{}", output.stderr);
        assert_eq!(output.ended, Ended::Exit(0), "{}", output.stderr);
        assert_eq!(output.stdout, format!("{year}\ntimed out\n"));
    }
}
