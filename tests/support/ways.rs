//! The four ways in which a C program meets the library, and where the library is.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// How a C program gets its semaphores, queues and shared memory objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Plain `cc`: glibc and the kernel. What the others are compared with.
    Glibc,
    /// The very same binary, with `LD_PRELOAD=librsipc.so`.
    Preload,
    /// Linked with `-lrsipc`.
    Shared,
    /// Linked with `librsipc.a`; the rest of the C library stays dynamic.
    Static,
}

impl Way {
    /// Every way, the reference first.
    pub const ALL: [Self; 4] = [Self::Glibc, Self::Preload, Self::Shared, Self::Static];

    /// The ways in which the library is at work.
    pub const OURS: [Self; 3] = [Self::Preload, Self::Shared, Self::Static];

    /// The name used in test names and directories.
    pub fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Preload => "preload",
            Self::Shared => "shared",
            Self::Static => "static",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// qemu-user(1), if the programs are those of another processor. It passes its own environment on,
/// and what stands in `QEMU_SET_ENV`.
const EMULATOR: &str = "RSIPC_EMULATOR";

/// A program built by [`compile`](super::compile), in an environment that holds no settings of ours
/// but the preload that `way` asks for.
pub fn command(program: &Path, way: Way) -> Command {
    let emulator = env::var_os(EMULATOR);
    let mut command = match &emulator {
        Some(emulator) => Command::new(emulator),
        None => Command::new(program),
    };
    command.args(emulator.is_some().then_some(program));
    command.env_remove("LD_PRELOAD");
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"RSIPC_") {
            command.env_remove(name);
        }
    }
    if way == Way::Preload {
        let library = library_dir().join("librsipc.so");
        if emulator.is_some() {
            command.env("QEMU_SET_ENV", format!("LD_PRELOAD={}", library.display()));
        } else {
            command.env("LD_PRELOAD", library);
        }
    }
    command
}

/// The directory of `librsipc.so` and `librsipc.a`: `RSIPC_LIBDIR`, or else the release build,
/// which is brought up to date the first time a process asks.
pub fn library_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| match env::var_os("RSIPC_LIBDIR") {
        Some(dir) => Path::new(&dir)
            .canonicalize()
            .unwrap_or_else(|error| panic!("RSIPC_LIBDIR={}: {error}", dir.display())),
        None => build_release(),
    })
}

/// The target directory of this build.
pub(super) fn target_dir() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the scratch directory of cargo lies in the target directory")
}

/// One after the other: together they would have the features of their dependencies together, too.
fn build_release() -> PathBuf {
    for package in ["rsipc", "rsipc-watch"] {
        build_library(package);
    }
    target_dir().join("release")
}

fn build_library(package: &str) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--lib", "--package", package])
        .arg("--target-dir")
        .arg(target_dir())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "the release library does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
