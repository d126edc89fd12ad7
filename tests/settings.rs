//! The settings that concern semaphores and shared memory objects. Plain glibc has none of them.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Trial};
use support::{Way, command, compile, run_bounded};

const BOUND: Duration = Duration::from_secs(30);
const NOBODY: u32 = 65534;

const DONE: &str = "sem ok\nshm ok\n";
const ABSENT: &str = "sem ENOENT\nshm ENOENT\n";

type Check = fn(Way);

fn main() {
    let arguments = Arguments::from_args();
    let checks: [(&str, Check); 9] = [
        ("dir_holds_all_objects", dir_holds_all_objects),
        ("dir_separates_worlds", dir_separates_worlds),
        ("dir_stays_when_the_program_moves", dir_stays_when_the_program_moves),
        ("dir_that_is_missing_is_enoent", dir_that_is_missing_is_enoent),
        ("dir_not_set_is_dev_shm", dir_not_set_is_dev_shm),
        ("value_of_a_locked_one_is_zero", value_of_a_locked_one_is_zero),
        ("value_of_a_locked_one_counts_waiters", value_of_a_locked_one_counts_waiters),
        ("verbose_says_one_line", verbose_says_one_line),
        ("spin_can_be_turned_off", spin_can_be_turned_off),
    ];
    let mut trials = Vec::new();
    for (name, check) in checks {
        for way in Way::OURS {
            trials.push(Trial::test(format!("{name}::{way}"), move || {
                check(way);
                Ok(())
            }));
        }
    }
    // A preload is not for a privileged program in the first place.
    trials.push(Trial::ignorable_test("secure_programs_have_no_settings::static", || {
        Ok(secure_programs())
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

fn program(way: Way) -> PathBuf {
    compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/settings/settings.c"), way)
}

fn settings(way: Way, set: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = command(&program(way), way);
    command.args(arguments).envs(set.iter().copied());
    command
}

/// What the program prints; nothing may be on stderr.
fn prints(command: Command) -> String {
    let output = run_bounded(command, BOUND);
    assert!(output.success(), "{}\n{}", output.ended, output.stderr);
    assert_eq!(output.stderr, "");
    output.stdout
}

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("settings.{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A directory that goes when the check is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Self {
        let path = parent.join(unique());
        fs::create_dir(&path).expect("a directory can be made");
        Self(path)
    }

    fn in_target() -> Self {
        Self::new(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    fn as_setting(&self) -> (&'static str, &str) {
        ("RSIPC_DIR", self.0.to_str().expect("a path in UTF-8"))
    }

    fn entries(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .expect("a directory can be read")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over lies in a directory for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn dir_holds_all_objects(way: Way) {
    let dir = Scratch::in_target();
    let set = [dir.as_setting()];
    let name = unique();
    let run = |action| prints(settings(way, &set, &[action, &format!("/{name}")]));
    assert_eq!(run("create"), DONE);
    assert_eq!(dir.entries(), [format!("sem.{name}"), name.clone()]);
    assert_eq!(fs::metadata(dir.0.join(format!("sem.{name}"))).expect("the semaphore").len(), 32);
    assert!(!Path::new("/dev/shm").join(&name).exists());
    assert!(!Path::new("/dev/shm").join(format!("sem.{name}")).exists());
    assert_eq!(run("create"), "sem EEXIST\nshm EEXIST\n");
    assert_eq!(run("open"), DONE);
    assert_eq!(run("unlink"), DONE);
    assert_eq!(dir.entries(), [""; 0]);
}

fn dir_separates_worlds(way: Way) {
    let (here, there) = (Scratch::in_target(), Scratch::in_target());
    let name = format!("/{}", unique());
    assert_eq!(prints(settings(way, &[here.as_setting()], &["create", &name])), DONE);
    assert_eq!(prints(settings(way, &[there.as_setting()], &["open", &name])), ABSENT);
    assert_eq!(prints(settings(way, &[], &["open", &name])), ABSENT);
    assert_eq!(prints(settings(way, &[there.as_setting()], &["unlink", &name])), ABSENT);
    assert_eq!(prints(settings(way, &[here.as_setting()], &["open", &name])), DONE);
}

fn dir_stays_when_the_program_moves(way: Way) {
    let dir = Scratch::in_target();
    let name = unique();
    fs::create_dir(dir.0.join("objects")).expect("a directory can be made");
    for action in ["moved", "open", "unlink"] {
        let mut run = settings(way, &[("RSIPC_DIR", "objects")], &[action, &format!("/{name}")]);
        run.current_dir(&dir.0);
        assert_eq!(prints(run), DONE, "{action}");
    }
}

fn dir_that_is_missing_is_enoent(way: Way) {
    let set = [("RSIPC_DIR", "/no/such/directory")];
    assert_eq!(prints(settings(way, &set, &["create", "/settings"])), ABSENT);
    assert_eq!(prints(settings(way, &set, &["open", "/settings"])), ABSENT);
    assert_eq!(prints(settings(way, &set, &["unlink", "/settings"])), ABSENT);
}

fn dir_not_set_is_dev_shm(way: Way) {
    for set in [&[][..], &[("RSIPC_DIR", "")][..]] {
        let name = unique();
        let slashed = format!("/{name}");
        assert_eq!(prints(settings(way, set, &["create", &slashed])), DONE);
        assert!(Path::new("/dev/shm").join(&name).exists());
        assert!(Path::new("/dev/shm").join(format!("sem.{name}")).exists());
        assert_eq!(prints(settings(Way::Glibc, &[], &["unlink", &slashed])), DONE);
    }
}

fn value_of_a_locked_one_is_zero(way: Way) {
    let plain = "1\n0\n0\n0\n0\n0\n";
    assert_eq!(prints(settings(way, &[], &["value"])), plain);
    assert_eq!(prints(settings(way, &[("RSIPC_SEM_GETVALUE", "linux")], &["value"])), plain);
    assert_eq!(
        prints(settings(Way::Glibc, &[("RSIPC_SEM_GETVALUE", "waiters")], &["value"])),
        plain
    );
}

fn value_of_a_locked_one_counts_waiters(way: Way) {
    let set = [("RSIPC_SEM_GETVALUE", "waiters")];
    assert_eq!(prints(settings(way, &set, &["value"])), "1\n0\n-1\n-2\n-3\n0\n");
}

fn verbose_says_one_line(way: Way) {
    let dir = Scratch::in_target();
    let set = [("RSIPC_VERBOSE", "1"), dir.as_setting()];
    let output = run_bounded(settings(way, &set, &["turns"]), BOUND);
    assert!(output.success(), "{}", output.ended);
    assert_eq!(output.stdout, "done\n");
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    let code = match way {
        Way::Static => program(way),
        _ => PathBuf::from("librsipc.so"),
    };
    for part in [env!("CARGO_PKG_VERSION"), &code.to_string_lossy(), set[1].1] {
        assert!(output.stderr.contains(part), "no {part} in {}", output.stderr);
    }
    assert_eq!(prints(settings(way, &[("RSIPC_VERBOSE", "0")], &["turns"])), "done\n");
    assert_eq!(prints(settings(way, &[], &["turns"])), "done\n");
}

fn spin_can_be_turned_off(way: Way) {
    for value in ["0", "1", "", "nonsense"] {
        assert_eq!(
            prints(settings(way, &[("RSIPC_SPIN", value)], &["turns"])),
            "done\n",
            "{value}"
        );
    }
}

/// A set-user-id program runs with more rights than its user: the environment may not lead it
/// elsewhere.
fn secure_programs() -> Completion {
    // SAFETY: geteuid(2) cannot fail and touches no memory.
    if unsafe { libc::geteuid() } != 0 {
        return Completion::ignored_with(
            "only root can make a set-user-id program for another user",
        );
    }
    let place = Scratch::new(&std::env::temp_dir());
    let dir = Scratch::new(&std::env::temp_dir());
    for scratch in [&place, &dir] {
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o777)).expect("chmod");
    }
    let copy = place.0.join("settings");
    fs::copy(program(Way::Static), &copy).expect("a copy of the program");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).expect("chmod u+s");

    let run = |mode: u32, arguments: &[&str]| {
        fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).expect("chmod");
        let mut run = command(&copy, Way::Static);
        run.args(arguments).uid(NOBODY).gid(NOBODY).envs([dir.as_setting()]);
        prints(run)
    };
    if run(0o4755, &["secure"]) != "1\n" {
        return Completion::ignored_with("the temporary directory is mounted nosuid");
    }
    let name = unique();
    let slashed = format!("/{name}");
    assert_eq!(run(0o4755, &["create", &slashed]), DONE);
    assert_eq!(dir.entries(), [""; 0]);
    assert!(Path::new("/dev/shm").join(format!("sem.{name}")).exists());
    assert_eq!(run(0o4755, &["unlink", &slashed]), DONE);

    // The same program without the bit listens to its user.
    assert_eq!(run(0o755, &["create", &slashed]), DONE);
    assert_eq!(dir.entries(), [format!("sem.{name}"), name]);
    Completion::Completed
}
