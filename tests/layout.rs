//! The types and constants that the library takes for granted are those of the system's headers: a
//! C file with one `_Static_assert` for each number that Rust has, and a semaphore compared with
//! glibc's byte for byte.

use std::env;
use std::ffi::c_long;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rsipc_core::os::futex::Scope;
use rsipc_core::posix::sem::{self, Semaphore};

/// A C expression and the number that it is in Rust.
struct Fact(String, i128);

/// Includes what the facts are about.
const HEADERS: &str = "#include <fcntl.h>\n#include <limits.h>\n#include <mqueue.h>\n#include <pthread.h>\n\
    #include <semaphore.h>\n#include <signal.h>\n#include <stddef.h>\n#include <sys/mman.h>\n#include <time.h>\n";

macro_rules! size {
    ($facts:ident, $c:literal, $rust:ty) => {
        $facts.push(Fact(format!("sizeof({})", $c), size_of::<$rust>() as i128));
        $facts.push(Fact(format!("_Alignof({})", $c), align_of::<$rust>() as i128));
    };
}

macro_rules! fields {
    ($facts:ident, $c:literal, $rust:ty, $($field:ident),+) => {
        size!($facts, $c, $rust);
        $(
            $facts.push(Fact(format!("offsetof({}, {})", $c, stringify!($field)), offset_of!($rust, $field) as i128));
            let size = size_of_field(|whole: $rust| whole.$field);
            $facts.push(Fact(format!("sizeof((({} *)0)->{})", $c, stringify!($field)), size as i128));
        )+
    };
}

macro_rules! constants {
    ($facts:ident, $($name:ident),+) => {
        $($facts.push(Fact(stringify!($name).into(), i128::from(libc::$name)));)+
    };
}

/// The size of what the function takes out of the whole. It is not called.
fn size_of_field<Whole, Field>(_: impl Fn(Whole) -> Field) -> usize {
    size_of::<Field>()
}

fn facts() -> Vec<Fact> {
    let mut facts = Vec::new();
    size!(facts, "sem_t", libc::sem_t);
    size!(facts, "sem_t", Semaphore);
    facts.push(Fact("sizeof(sem_t)".into(), sem::SIZE as i128));
    facts.push(Fact("SEM_VALUE_MAX".into(), sem::VALUE_MAX.into()));
    facts.push(Fact(
        "(long)SEM_FAILED".into(),
        (libc::SEM_FAILED.addr().cast_signed() as c_long).into(),
    ));
    size!(facts, "mqd_t", libc::mqd_t);
    facts.push(Fact("(mqd_t)-1 < 0".into(), i128::from(libc::mqd_t::MIN < 0)));
    fields!(facts, "struct mq_attr", libc::mq_attr, mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs);
    fields!(facts, "struct timespec", libc::timespec, tv_sec, tv_nsec);
    fields!(facts, "struct sigevent", libc::sigevent, sigev_value, sigev_signo, sigev_notify);
    size!(facts, "union sigval", libc::sigval);
    size!(facts, "pthread_attr_t", libc::pthread_attr_t);
    size!(facts, "siginfo_t", libc::siginfo_t);
    size!(facts, "mode_t", libc::mode_t);
    size!(facts, "clockid_t", libc::clockid_t);
    constants!(
        facts, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_NONBLOCK, O_CLOEXEC,
        O_NOFOLLOW
    );
    constants!(
        facts,
        CLOCK_REALTIME,
        CLOCK_MONOTONIC,
        SIGEV_NONE,
        SIGEV_SIGNAL,
        SIGEV_THREAD,
        SI_MESGQ,
        PATH_MAX
    );
    facts
}

fn assertions(facts: &[Fact]) -> String {
    let lines = facts.iter().map(|Fact(c, rust)| {
        format!("_Static_assert((long long)({c}) == {rust}LL, \"{c} is not {rust}\");\n")
    });
    HEADERS.lines().map(|line| format!("{line}\n")).chain(lines).collect()
}

fn compile(name: &str, program: &str) -> Output {
    let source: PathBuf =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.c", std::process::id()));
    fs::write(&source, program).unwrap();
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .args(["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fsyntax-only"])
        .arg(&source)
        .output()
        .unwrap();
    fs::remove_file(source).unwrap();
    output
}

#[test]
fn the_headers_agree() {
    let output = compile("layout", &assertions(&facts()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_fact_would_be_missed() {
    for wrong in 0..facts().len() {
        let mut facts = facts();
        facts[wrong].1 += 1;
        let message = format!("{} is not {}", facts[wrong].0, facts[wrong].1);
        let output = compile(&format!("layout-{wrong}"), &assertions(&facts));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(&message),
            "nobody sees that {message}"
        );
    }
}

/// The bytes that glibc gives a meaning; what follows is of no interest to it.
const GLIBCS: usize = 12;

#[test]
fn a_semaphore_has_the_bytes_of_glibcs() {
    for (pshared, scope) in [(0, Scope::Private), (1, Scope::Shared)] {
        let value = 0x0123_4567;
        let ours = Semaphore::new(value, scope).unwrap();
        // SAFETY: zeroes are a sem_t, which glibc's sem_init fills in: this program does not have
        // ours. Both are read as bytes, which all their first ones are.
        let (glibc, ours) = unsafe {
            let mut glibc: libc::sem_t = std::mem::zeroed();
            assert_eq!(libc::sem_init(&raw mut glibc, pshared, value), 0);
            let bytes: *const [u8; GLIBCS] = (&raw const glibc).cast();
            let our_bytes: *const [u8; GLIBCS] = (&raw const ours).cast();
            (*bytes, *our_bytes)
        };
        assert_eq!(glibc, ours, "pshared {pshared}");
    }
}
