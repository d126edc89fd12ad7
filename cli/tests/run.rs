//! `rsipc run`: a program on the library, or why not.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Place, Way, is_root, library_dir, program, rsipc};

fn run(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = rsipc(&["run"]);
    command.args(arguments).env("RSIPC_LIB", library_dir());
    command
}

#[test]
fn a_program_runs_on_the_library() {
    let actor = program("actor.c", Way::Glibc);
    let place = Place::new("run");
    let actor = actor.to_str().unwrap();
    run(&["--", actor])
        .env("RSIPC_DIR", place.path())
        .write_stdin("sem_open /s 5\n")
        .assert()
        .success()
        .stdout("ok\n");
    assert_eq!(place.files(), ["sem.s"], "glibc knows no RSIPC_DIR");
}

#[test]
fn the_exit_status_is_that_of_the_program() {
    run(&["sh", "-c", "exit 7"]).assert().code(7);
    run(&["--", "sh", "-c", "echo out; echo talk >&2"])
        .assert()
        .success()
        .stdout("out\n")
        .stderr("talk\n");
}

#[test]
fn verbose_says_which_library_is_active() {
    let output = run(&["--verbose", "true"]).assert().success().get_output().clone();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("runs with") && talk.contains("active"), "{talk}");
    assert!(talk.contains(library_dir().to_str().unwrap()), "{talk}");
}

#[test]
fn what_is_preloaded_already_stays() {
    run(&["sh", "-c", "echo $LD_PRELOAD"])
        .env("LD_PRELOAD", "libm.so.6")
        .assert()
        .success()
        .stdout(format!(
            "{}:libm.so.6\n",
            library_dir().join("librsipc.so").canonicalize().unwrap().display()
        ));
}

/// Sanitizers refuse to start behind another library, and libfaketime is not called there.
#[test]
fn what_has_to_be_in_front_is() {
    let library = library_dir().join("librsipc.so").canonicalize().unwrap();
    run(&["--", "/bin/sh", "-c", "echo $LD_PRELOAD"])
        .env("LD_PRELOAD", "libm.so.6:/nowhere/libfaketime.so.1 libnone.so:libasan.so.99")
        .assert()
        .success()
        .stdout(format!(
            "/nowhere/libfaketime.so.1:libasan.so.99:{}:libm.so.6:libnone.so\n",
            library.display()
        ));
}

/// The command is found beside its library wherever both were put.
#[test]
fn the_library_is_found_from_the_command() {
    for layout in [("bin", "lib"), ("usr/bin", "usr/lib/x86_64-linux-gnu"), ("same", "same")] {
        let place = Place::new("installed");
        let (bin, lib) = (place.path().join(layout.0), place.path().join(layout.1));
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&lib).unwrap();
        common::copy_program(common::binary(), &bin.join("rsipc"));
        let installed = || {
            Command::new(bin.join("rsipc"))
                .args(["run", "-v", "true"])
                .env_remove("RSIPC_LIB")
                .output()
                .unwrap()
        };
        assert_eq!(installed().status.code(), Some(125), "there is none yet");
        fs::copy(library_dir().join("librsipc.so"), lib.join("librsipc.so.0")).unwrap();
        let output = installed();
        assert!(output.status.success(), "{layout:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains(lib.to_str().unwrap()));
    }
}

fn refused(path: &Path, because: &str) {
    let output = run(&["--", path.to_str().unwrap()]).assert().code(126).get_output().clone();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains(because), "{talk}");
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}

#[test]
fn static_programs_are_refused() {
    let (source, built) = (scratch("static.c"), scratch("static"));
    let uses_one = "#include <semaphore.h>\n\
                    int main(void) { sem_t s; return sem_init(&s, 0, 0) || sem_post(&s); }";
    fs::write(&source, uses_one).unwrap();
    let mut plain = Command::new("cc");
    let compiled = plain.args(["-static", "-pthread"]).arg(&source).arg("-o").arg(&built).status();
    assert!(compiled.unwrap().success(), "a static C library is there");
    refused(&built, "linked statically");
    // What the advice says works.
    let archive = library_dir().join("librsipc.a");
    let compiled = Command::new("cc")
        .arg("-static")
        .arg(&source)
        .arg(archive)
        .args(["-pthread", "-ldl", "-lrt", "-o"])
        .arg(&built)
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new(&built).env("RSIPC_VERBOSE", "1").output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && talk.contains("active"), "{output:?}");
}

#[test]
fn programs_of_another_c_library_are_refused() {
    let (source, built) = (scratch("musl.c"), scratch("musl"));
    fs::write(&source, "int main(void) { return 0; }").unwrap();
    let loader = "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1";
    let compiled =
        Command::new("cc").arg(loader).arg(&source).arg("-o").arg(&built).status().unwrap();
    assert!(compiled.success());
    refused(&built, "built for musl");
}

#[test]
fn programs_of_another_processor_are_refused() {
    let built = scratch("foreign");
    let mut bytes = fs::read("/bin/true").unwrap();
    // e_machine: one that nobody has.
    bytes[18] = 0xfe;
    fs::write(&built, bytes).unwrap();
    fs::set_permissions(&built, fs::Permissions::from_mode(0o755)).unwrap();
    refused(&built, "another processor");
}

#[test]
fn scripts_are_judged_by_their_interpreter() {
    let (script, static_script) = (scratch("script"), scratch("static-script"));
    fs::write(&script, "#!/bin/sh\necho from a script\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o4755)).unwrap();
    run(&["--", script.to_str().unwrap()]).assert().success().stdout("from a script\n");
    let interpreter = scratch("interpreter");
    let source = scratch("interpreter.c");
    fs::write(&source, "int main(void) { return 0; }").unwrap();
    assert!(
        Command::new("cc")
            .arg("-static")
            .arg(&source)
            .arg("-o")
            .arg(&interpreter)
            .status()
            .unwrap()
            .success()
    );
    fs::write(&static_script, format!("#!{}\n", interpreter.display())).unwrap();
    fs::set_permissions(&static_script, fs::Permissions::from_mode(0o755)).unwrap();
    refused(&static_script, "linked statically");
}

#[test]
fn what_is_no_program_is_refused() {
    let refused = |arguments: &[&str], status: i32, because: &str| {
        let output = run(arguments).assert().code(status).get_output().clone();
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(talk.contains(because), "{talk}");
    };
    refused(&["no-such-program-of-rsipc"], 127, "no program no-such-program-of-rsipc in PATH");
    refused(&["/etc/passwd"], 126, "not executable");
    refused(&["/etc"], 126, "/etc is a directory\n");
    refused(&["/nonexistent/x"], 127, "No such file");
    rsipc(&["run"]).assert().code(2);
    let output = rsipc(&["run", "true"])
        .env("RSIPC_LIB", "/nonexistent")
        .assert()
        .code(125)
        .get_output()
        .clone();
    assert!(String::from_utf8(output.stderr).unwrap().contains("RSIPC_LIB=/nonexistent"));
}

const NOBODY: u32 = 65534;

#[test]
fn privileged_programs_are_refused() {
    use std::os::unix::process::CommandExt;
    if !is_root() {
        eprintln!("skipped: only the superuser can make a set-user-ID program of his own");
        return;
    }
    let directory = std::env::temp_dir().join(format!("rsipc-run-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let command = directory.join("rsipc");
    common::copy_program(common::binary(), &command);
    fs::copy(library_dir().join("librsipc.so"), directory.join("librsipc.so")).unwrap();
    let try_mode = |mode| {
        let victim = directory.join(format!("victim-{mode:o}"));
        common::copy_program(Path::new("/bin/true"), &victim);
        fs::set_permissions(&victim, fs::Permissions::from_mode(mode)).unwrap();
        let mut tried = Command::new(&command);
        tried
            .arg("run")
            .arg(&victim)
            .current_dir("/")
            .env_remove("RSIPC_LIB")
            .uid(NOBODY)
            .gid(NOBODY);
        let output = tried.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (plain, set_user, set_group) = (try_mode(0o755), try_mode(0o4755), try_mode(0o2755));
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(plain, (Some(0), String::new()));
    assert!(set_user.0 == Some(126) && set_user.1.contains("set-user-ID"), "{set_user:?}");
    assert!(set_group.0 == Some(126) && set_group.1.contains("set-group-ID"), "{set_group:?}");
}
