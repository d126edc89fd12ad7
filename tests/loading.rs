//! How the library gets into a program: what calls it before it is initialised, what unloads it,
//! and what has no loader.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Ended, Output, Scratch, Way, command, library_dir, run_bounded};

const BOUND: Duration = Duration::from_mins(2);

fn ends_well(output: &Output) {
    assert_eq!(output.ended, Ended::Exit(0), "{}", output.stderr);
}

/// The program of early.c and late.c, linked with `libraries`; what it writes to standard error.
fn early(name: &str, libraries: &[&str], way: Way) -> String {
    let scratch = Scratch::new(name);
    scratch.link_library();
    scratch.compile("loading/early.c", "libearly.so", &["-shared", "-fPIC", "-lrt"]);
    let (search, path) = (scratch.option("-L"), scratch.option("-Wl,--no-as-needed,-rpath,"));
    let program =
        scratch.compile("loading/late.c", "late", &[&[&*search, &*path], libraries].concat());
    let mut run = command(&program, way);
    run.env("RSIPC_VERBOSE", "1");
    let output = run_bounded(run, BOUND);
    ends_well(&output);
    output.stderr
}

/// The order in which things were said.
fn is_said_in_order(text: &str, parts: &[&str]) -> bool {
    let places: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

#[test]
fn another_librarys_constructor_calls_on_plain_glibc() {
    assert_eq!(early("early-glibc", &["-learly", "-lrt"], Way::Glibc), "early\nmain\n");
}

#[test]
fn another_librarys_constructor_calls_before_ours() {
    let said = early("early-preload", &["-learly", "-lrt"], Way::Preload);
    assert!(is_said_in_order(&said, &["early\n", "active", "main\n"]), "{said}");
}

#[test]
fn another_librarys_constructor_calls_a_library_that_the_program_is_linked_with() {
    for libraries in [["-lrsipc", "-learly"], ["-learly", "-lrsipc"]] {
        let said = early("early-shared", &libraries, Way::Shared);
        assert!(
            is_said_in_order(&said, &["early\n", "main\n"]) && said.contains("active"),
            "{said}"
        );
    }
}

/// The archive exports from the program what a library needs of it.
#[test]
fn another_librarys_constructor_calls_the_archive_in_the_program() {
    let libraries = [&["-learly", "-Wl,-u,mq_open", "-rdynamic"][..], &archive()].concat();
    let said = early("early-static", &libraries, Way::Static);
    assert!(is_said_in_order(&said, &["early\n", "active", "main\n"]), "{said}");
}

/// What a program of Debian 11 asks for, with the versions of today's C library in the way.
#[cfg(target_arch = "x86_64")]
#[test]
fn programs_of_older_c_libraries_are_served() {
    let scratch = Scratch::new("old");
    let program = scratch.compile("loading/old.c", "old", &["-lrt"]);
    let objects = scratch.path("objects");
    std::fs::create_dir(&objects).expect("a directory can be made");
    let mut run = command(&program, Way::Preload);
    run.env("RSIPC_DIR", &objects);
    let output = run_bounded(run, BOUND);
    ends_well(&output);
    // Semaphore, object, and the two files of a queue.
    assert_eq!(output.stdout, "4\n");
    assert_eq!(std::fs::read_dir(&objects).expect("it is there").count(), 0);
}

/// The table of docs/preload.md: no more can be reached, and no less is.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_preload_reaches_callers_that_look_up_the_name_alone() {
    let scratch = Scratch::new("handles");
    let program = scratch.compile("loading/handles.c", "handles", &["-ldl", "-lrt"]);
    let output = run_bounded(command(&program, Way::Preload), BOUND);
    ends_well(&output);
    let ours =
        ["linked", "RTLD_DEFAULT", "RTLD_NEXT", "dlopen(NULL)"].map(|how| format!("{how}: ours\n"));
    let others =
        ["dlopen(libc)", "dlopen(librt)", "dlvsym"].map(|how| format!("{how}: the C library's\n"));
    assert_eq!(output.stdout, (ours.concat() + &others.concat()));
}

/// Function names that ISO C leaves to the program are the program's, as beside the C library.
#[test]
fn a_program_may_have_functions_of_its_own_under_names_of_system_calls() {
    let scratch = Scratch::new("names");
    let program = scratch.compile("loading/names.c", "names", &["-lrt"]);
    for way in [Way::Glibc, Way::Preload] {
        let mut run = command(&program, way);
        run.arg(std::process::id().to_string());
        ends_well(&run_bounded(run, BOUND));
    }
}

fn unload(host: &Path, library: &Path) {
    for further in [&[][..], &["busy"]] {
        let mut run = command(host, Way::Glibc);
        run.arg(library).args(further);
        ends_well(&run_bounded(run, BOUND));
    }
}

#[test]
fn the_library_can_be_unloaded_and_stays() {
    let scratch = Scratch::new("unload");
    let host = scratch.compile("loading/host.c", "host", &["-ldl", "-lrt"]);
    unload(&host, &library_dir().join("librsipc.so"));
}

#[test]
fn a_plugin_that_needs_the_library_can_be_unloaded() {
    let scratch = Scratch::new("plugin");
    scratch.link_library();
    let (search, path) = (scratch.option("-L"), scratch.option("-Wl,--no-as-needed,-rpath,"));
    scratch.compile(
        "loading/plugin.c",
        "plugin.so",
        &["-shared", "-fPIC", &search, &path, "-lrsipc"],
    );
    let host = scratch.compile("loading/host.c", "host", &["-ldl", "-lrt"]);
    unload(&host, &scratch.path("plugin.so"));
}

/// What unwinds the cancelled thread has to be found without the loader's lock, which the thread
/// that waits for it has.
#[test]
fn a_plugin_ends_its_threads_as_it_is_unloaded() {
    let scratch = Scratch::new("ending");
    let plugin = scratch.compile("loading/ending.c", "ending.so", &["-shared", "-fPIC"]);
    let host = scratch.compile("loading/unload.c", "unload", &["-ldl"]);
    for way in [Way::Glibc, Way::Preload] {
        let mut run = command(&host, way);
        run.arg(&plugin);
        let output = run_bounded(run, BOUND);
        ends_well(&output);
        assert_eq!(output.stderr, "ended\n");
    }
}

/// The archive, and what has to follow it on the command line of a linker. (Since glibc 2.34 all
/// that is in libc.)
fn archive() -> Vec<&'static str> {
    let archive: &str = library_dir().join("librsipc.a").display().to_string().leak();
    let package = include_str!("../dist/rsipc.pc.in");
    let line = package.lines().find_map(|line| line.strip_prefix("Libs.private: "));
    let libraries = line.expect("the package names its libraries").split(' ');
    [archive].into_iter().chain(libraries).collect()
}

/// Without a loader there is no way to find the C library's own `close` and `poll`.
#[test]
fn a_program_may_be_linked_wholly_statically() {
    const FILES: [&str; 10] = [
        "load_calls",
        "load_closefrom",
        "load_keys",
        "mq_cancel",
        "mq_poll",
        "mq_fd_number",
        "sem_cancel",
        "shm_open",
        "sysv_sem_credentials",
        "sysv_sem_groups",
    ];
    let scratch = Scratch::new("static");
    if !scratch.try_compile("loading/nothing.c", "nothing", &["-static"]).success() {
        eprintln!("skipped: there is no static C library here");
        return;
    }
    let libraries = [&["-static"][..], &archive()].concat();
    for file in FILES {
        let program = scratch.compile(&format!("semantics/{file}.c"), file, &libraries);
        let output = run_bounded(command(&program, Way::Static), BOUND);
        assert_eq!(output.ended, Ended::Exit(0), "{file}\n{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains(" 0 failed"), "{file}\n{}", output.stdout);
    }
    let program = scratch.compile("loading/closefrom.c", "closefrom", &libraries);
    ends_well(&run_bounded(command(&program, Way::Static), BOUND));
}
