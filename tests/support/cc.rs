//! Compiles a C file, once per content and way, also when several test processes want it at once.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::UNIX_EPOCH;

use super::ways::{Way, library_dir, target_dir};

const FLAGS: [&str; 7] =
    ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread"];

/// Before glibc 2.34 queues and shared memory were in librt, dlsym in libdl; since then these are
/// empty.
const LIBRARIES: [&str; 2] = ["-lrt", "-ldl"];

/// The program made from `source` in this way. Panics with what the compiler says if it cannot be
/// made.
///
/// The result is kept under `target/c-tests/`, named by a hash of everything that goes into it, so
/// a changed header, flag or archive gives a new program and an unchanged one costs nothing.
pub fn compile(source: &Path, way: Way) -> PathBuf {
    type Once = Arc<OnceLock<PathBuf>>;
    static BUILT: Mutex<Option<HashMap<(PathBuf, Link), Once>>> = Mutex::new(None);

    let link = Link::of(way);
    let once = {
        let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (source.to_path_buf(), link);
        Arc::clone(built.get_or_insert_default().entry(key).or_default())
    };
    once.get_or_init(|| build(source, link)).clone()
}

/// How a program is linked. A preloaded program is a plain one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Link {
    Plain,
    Shared,
    Static,
}

impl Link {
    fn of(way: Way) -> Self {
        match way {
            Way::Glibc | Way::Preload => Self::Plain,
            Way::Shared => Self::Shared,
            Way::Static => Self::Static,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Shared => "shared",
            Self::Static => "static",
        }
    }

    /// What follows the source on the command line of the compiler.
    fn arguments(self) -> Vec<OsString> {
        match self {
            Self::Plain => Vec::new(),
            Self::Shared => {
                let dir = loader_dir();
                let mut rpath = OsString::from("-Wl,--no-as-needed,-rpath,");
                rpath.push(&dir);
                let mut search = OsString::from("-L");
                search.push(&dir);
                vec![search, rpath, "-lrsipc".into()]
            }
            Self::Static => vec![library_dir().join("librsipc.a").into()],
        }
    }
}

/// `CC` is the one of cargo, too; a compiler for another processor is for the C programs alone.
fn compiler_name() -> OsString {
    let names = ["RSIPC_TEST_CC", "CC"];
    names.into_iter().find_map(env::var_os).unwrap_or_else(|| "cc".into())
}

fn compiler() -> Command {
    let mut command = Command::new(compiler_name());
    command.args(FLAGS);
    // For <rsipc.h>.
    command.arg(concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include"));
    command
}

fn build(source: &Path, link: Link) -> PathBuf {
    let arguments = link.arguments();
    let dir = target_dir().join("c-tests").join(link.name());
    fs::create_dir_all(&dir).expect("the directory for programs can be made");

    let stem = source.file_stem().expect("a source has a name").display();
    let program = dir.join(format!("{stem}-{:016x}", fingerprint(source, link, &arguments)));
    if !program.exists() {
        let temporary = temporary_beside(&program);
        run(compiler().arg(source).arg("-o").arg(&temporary).args(&arguments).args(LIBRARIES));
        fs::rename(&temporary, &program).expect("a finished program can be renamed");
    }
    program
}

/// A number that changes when the program would.
fn fingerprint(source: &Path, link: Link, arguments: &[OsString]) -> u64 {
    let mut hasher = DefaultHasher::new();
    // The preprocessed text is the source with all of its headers.
    run(compiler().arg("-E").arg(source)).hash(&mut hasher);
    FLAGS.hash(&mut hasher);
    compiler_name().hash(&mut hasher);
    arguments.hash(&mut hasher);
    if link == Link::Static {
        let archive = library_dir().join("librsipc.a");
        let status =
            archive.metadata().unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
        let changed = status.modified().expect("files have a time of change");
        (status.len(), changed.duration_since(UNIX_EPOCH).ok()).hash(&mut hasher);
    }
    hasher.finish()
}

/// A directory with the shared library under both of its names: the one that `-lrsipc` finds and
/// the SONAME that the loader looks for, which a cargo build directory does not hold.
fn loader_dir() -> PathBuf {
    let library = library_dir().join("librsipc.so");
    let mut hasher = DefaultHasher::new();
    library.hash(&mut hasher);
    let dir = target_dir().join("c-tests").join(format!("lib-{:016x}", hasher.finish()));
    fs::create_dir_all(&dir).expect("the directory for the library can be made");
    for name in ["librsipc.so".to_owned(), soname(&library)] {
        let temporary = temporary_beside(&dir.join(&name));
        symlink(&library, &temporary).expect("a symbolic link can be made");
        fs::rename(&temporary, dir.join(&name)).expect("a symbolic link can be renamed");
    }
    dir
}

fn soname(library: &Path) -> String {
    let dynamic = run(Command::new("readelf").arg("-dW").arg(library).env("LC_ALL", "C"));
    let text = String::from_utf8_lossy(&dynamic);
    text.lines()
        .find(|line| line.contains("(SONAME)"))
        .and_then(|line| line.split(['[', ']']).nth(1))
        .unwrap_or("librsipc.so")
        .to_owned()
}

/// A name that no other thread or process uses.
fn temporary_beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    name.into()
}

/// Standard output of a tool that must succeed.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error: io::Error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
