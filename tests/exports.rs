//! What the library exports, in four places that have to agree: the library itself, the table in
//! `exports/table.rs`, the document `docs/compatibility.md`, and the list `dist/symbols` of `make
//! check-symbols`.
//!
//! The two files are written from the table: `RSIPC_BLESS=1 cargo test --test exports` does it.

#[path = "exports/kinds.rs"]
mod kinds;
mod support;
#[path = "exports/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use support::library_dir;
use table::FUNCTIONS;

fn names() -> BTreeSet<String> {
    FUNCTIONS.iter().map(|function| function.name.to_owned()).collect()
}

/// What `nm` says that a program can take from a library, with its version if it has one.
fn exported(library: &str) -> BTreeSet<String> {
    let library = library_dir().join(library);
    let nm = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(&library)
        .output()
        .expect("nm can be started");
    assert!(nm.status.success(), "{}", String::from_utf8_lossy(&nm.stderr));
    let lines = String::from_utf8(nm.stdout).expect("the names of symbols are ASCII");
    lines.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

fn document() -> String {
    let mut text = String::from(
        "# The functions\n\n\
         The functions that librsipc exports, and what a program may rely on. Unless a note says otherwise, a function does\n\
         what glibc 2.36 on Linux does; `glibc-behaviour.md` lists where librsipc differs from glibc.\n\n\
         A signal handler may call a function that is async-signal-safe. Two kinds of calls are exceptions, because they may\n\
         allocate memory: the first call on the descriptor of a queue that the program has not opened itself, but has from an\n\
         earlier program or another process; and, while a queue is open, `unshare` with `CLONE_FILES` and `close_range` with\n\
         `CLOSE_RANGE_UNSHARE`.\n\n\
         Written by `RSIPC_BLESS=1 cargo test --test exports` from the table in `tests/exports/table.rs`; the test compares\n\
         the table with what the library exports.\n\n\
         | function | header | family | standard | cancellation point | async-signal-safe | notes |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for f in FUNCTIONS {
        let safe = if f.signal_safe { "yes" } else { "no" };
        let (header, family, standard, point) =
            (f.header, f.family, f.standard, f.cancellation_point);
        writeln!(
            text,
            "| `{}` | `{header}` | {family} | {standard} | {point} | {safe} | {} |",
            f.name, f.notes
        )
        .expect("a string can be written to");
    }
    text
}

fn list() -> String {
    names().into_iter().map(|name| name + "\n").collect()
}

/// The file has to have this text. With `RSIPC_BLESS` set it gets it.
fn compare_or_bless(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("RSIPC_BLESS").is_some() {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    let written = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(
        written == text,
        "{file} is stale; mend it with: RSIPC_BLESS=1 cargo test --test exports"
    );
}

#[test]
fn the_library_exports_the_table_and_nothing_else() {
    let (exported, intended) = (exported("librsipc.so"), names());
    let missing: Vec<_> = intended.difference(&exported).collect();
    let extra: Vec<_> = exported.difference(&intended).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing: {missing:?}, not intended: {extra:?}"
    );
}

/// What the loader looks up for the library, in the program first.
fn looked_up() -> BTreeSet<String> {
    let readelf = Command::new("readelf")
        .args(["--relocs", "--wide"])
        .arg(library_dir().join("librsipc.so"))
        .output()
        .expect("readelf can be started");
    assert!(readelf.status.success(), "{}", String::from_utf8_lossy(&readelf.stderr));
    let lines = String::from_utf8(readelf.stdout).expect("the names of symbols are ASCII");
    let symbol = |line: &str| line.split_whitespace().nth(4).map(str::to_owned);
    let name = |symbol: String| symbol.split('@').next().map(str::to_owned);
    // Offset, information, kind, value, name: a line with fewer words has no symbol.
    let of_symbols = lines.lines().filter(|line| line.contains("R_") && !line.contains("RELATIV"));
    of_symbols.filter_map(symbol).filter_map(name).collect()
}

/// A program may have a function of its own under any name that ISO C does not reserve, and the
/// loader would give us that one. What ISO C reserves does the same in every library.
#[test]
fn the_library_needs_no_function_whose_name_is_the_programs() {
    const OF_ISO_C: [&str; 16] = [
        "abort", "calloc", "free", "fwrite", "getenv", "malloc", "memcmp", "memcpy", "memmove",
        "memset", "realloc", "stderr", "strcmp", "strlen", "memchr", "bcmp",
    ];
    // Rust's own library has these, for what this one does not do, or for data.
    const OF_RUST: [&str; 7] = [
        "environ",
        "getcwd",
        "posix_memalign",
        "program_invocation_short_name",
        "realpath",
        "secure_getenv",
        "sigaltstack",
    ];
    let looked_up = looked_up();
    assert!(looked_up.contains("malloc"), "{looked_up:?}");
    let is_the_programs = |name: &&String| {
        !["_", "pthread_", "dl"].iter().any(|prefix| name.starts_with(prefix))
            && !OF_ISO_C.contains(&name.as_str())
            && !OF_RUST.contains(&name.as_str())
    };
    let wrong: Vec<_> = looked_up.iter().filter(is_the_programs).collect();
    assert!(wrong.is_empty(), "see cbits/names.c: {wrong:?}");
}

/// All calls of the families but `rsipc_version`, and `munmap`: what it watches. It stands in front
/// of nothing else.
#[test]
fn the_watching_library_exports_the_calls_of_the_families() {
    let families = ["semaphores", "message queues", "shared memory"];
    let is_watched = |function: &&kinds::Function| {
        families.contains(&function.family) || function.family.starts_with("System V")
    };
    let mut intended: BTreeSet<String> = FUNCTIONS
        .iter()
        .filter(is_watched)
        .map(|function| function.name.to_owned())
        .chain(["munmap".to_owned()])
        .collect();
    intended.remove("rsipc_version");
    assert_eq!(exported("librsipc_watch.so"), intended);
    let list = include_str!("../dist/symbols-watch");
    assert_eq!(list.lines().map(str::to_owned).collect::<BTreeSet<_>>(), intended);
}

#[test]
fn the_document_is_the_table() {
    compare_or_bless("docs/compatibility.md", &document());
}

#[test]
fn the_list_of_symbols_is_the_table() {
    compare_or_bless("dist/symbols", &list());
}

/// Those with two underscores are for the headers of the system alone, and so are the ones that are
/// not ours.
#[test]
fn the_header_declares_them_all() {
    let header = include_str!("../include/rsipc.h");
    let foreign =
        ["waiting for descriptors", "descriptors", "descriptors as files", "credentials", "memory"];
    let ours = FUNCTIONS.iter().filter(|function| !foreign.contains(&function.family));
    for name in ours.map(|function| function.name).filter(|name| !name.starts_with("__")) {
        assert!(header.contains(&format!("{name}(")), "rsipc.h does not declare {name}");
    }
}
