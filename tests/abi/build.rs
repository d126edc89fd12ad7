//! Has ctest write the tests: from the Rust file that names the items, a C file that asks the
//! headers the same questions, and the Rust that compares the answers.

use std::path::{Path, PathBuf};
use std::{env, fs};

use ctest::TestGenerator;

/// Of the library.
const ROOT: &str = "../..";

/// What the file of `cbits` refers to of another crate, for ctest, which reads one file alone.
const LIBC: &str = "mod libc { pub struct timespec { pub tv_sec: i64, pub tv_nsec: i64 } }\n";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    cbits(&out);
    abi();
}

fn generator(headers: &[&str]) -> TestGenerator {
    let mut generator = TestGenerator::new();
    generator.edition(2024).flag("-std=gnu11").define("_GNU_SOURCE", None);
    for folder in ["cbits", "include"] {
        println!("cargo:rerun-if-changed={ROOT}/{folder}");
        generator.include(Path::new(ROOT).join(folder));
    }
    for header in headers {
        generator.header(header);
    }
    generator
}

/// `core/src/cbits.rs` and the headers of `cbits/`.
fn cbits(out: &Path) {
    let source = format!("{ROOT}/core/src/cbits.rs");
    println!("cargo:rerun-if-changed={source}");
    let text = fs::read_to_string(source).expect("core/src/cbits.rs can be read");
    let alone = out.join("cbits_alone.rs");
    fs::write(&alone, text + LIBC).expect("OUT_DIR can be written to");
    let mut generator = generator(&["rsipc_cbits.h", "concern.h"]);
    generator.rename_struct_ty(|name| Some(structure_of_cbits(name)));
    generator.rename_constant(|constant| Some(format!("RSIPC_{}", constant.ident())));
    ctest::generate_test(&mut generator, alone, "cbits_test.rs")
        .expect("ctest can compare core/src/cbits.rs with the headers");
}

fn structure_of_cbits(name: &str) -> String {
    let ours = match name {
        "WaitV" => "waitv",
        "Sleep" => "sleep",
        "WaitStorage" => "wait",
        "MqWaitStorage" => "mq_wait",
        "WaitKind" => "wait_kind",
        "MqMessage" => "mq_message",
        "MqSend" => "mq_send",
        "MqReceive" => "mq_receive",
        "DutyStorage" => "duty",
        "Closing" => "closing",
        "Moved" => "moved",
        of_the_system => return format!("struct {of_the_system}"),
    };
    format!("struct rsipc_{ours}")
}

/// `names.rs`, and the headers of the system behind our own.
fn abi() {
    println!("cargo:rerun-if-changed=names.rs");
    let mut generator = generator(&[
        "rsipc.h",
        "limits.h",
        "poll.h",
        "pthread.h",
        "signal.h",
        "sys/epoll.h",
        "sys/ipc.h",
        "sys/select.h",
        "sys/msg.h",
        "sys/sem.h",
        "sys/shm.h",
        "sys/socket.h",
        "sys/stat.h",
        "unistd.h",
    ]);
    generator.skip_alias(|alias| alias.ident() == "Opaque");
    generator.rename_type(|name| (name == "Semaphore").then(|| "sem_t".into()));
    // Atomic fields and a member of unknown length cross no call by value.
    generator.skip_roundtrip(|name| ["Semaphore", "cmsghdr"].contains(&name));
    // Newer versions of glibc have a `mode_t` there; `libc` has its lower half, and padding.
    generator.skip_struct_field(|structure, field| {
        structure.ident() == "ipc_perm" && field.ident() == "mode"
    });
    // `libc` names the largest member of the union in its place.
    generator.rename_struct_field(|structure, field| {
        let is_of_union = structure.ident() == "epoll_event" && field.ident() == "u64";
        is_of_union.then(|| "data.u64".into())
    });
    ctest::generate_test(&mut generator, "names.rs", "abi_test.rs")
        .expect("ctest can compare names.rs with the headers");
}
