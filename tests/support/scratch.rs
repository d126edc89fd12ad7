//! A place for programs and libraries that are linked together in ways of their own.

use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::Duration;

use super::run::{Output, run_bounded};
use super::ways::library_dir;

/// For the compiler.
const BOUND: Duration = Duration::from_mins(2);

/// A directory for what one test compiles, which goes away with it.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new one. `name` is not used by another test.
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", process::id()));
        std::fs::create_dir_all(&path).expect("a directory can be made");
        Self(path)
    }

    /// The file of this name.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Compiles a file of tests/c with these further arguments.
    pub fn compile(&self, source: &str, to: &str, arguments: &[&str]) -> PathBuf {
        let output = self.try_compile(source, to, arguments);
        assert!(output.success(), "{source}: {}", output.stderr);
        self.path(to)
    }

    /// The same, which may fail.
    pub fn try_compile(&self, source: &str, to: &str, arguments: &[&str]) -> Output {
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        compiler.args(["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O2", "-pthread"]);
        compiler.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(source));
        compiler.arg("-o").arg(self.path(to)).args(arguments);
        run_bounded(compiler, BOUND)
    }

    /// As the linker and the loader want to find the library.
    pub fn link_library(&self) {
        for name in ["librsipc.so", "librsipc.so.0"] {
            std::os::unix::fs::symlink(library_dir().join("librsipc.so"), self.path(name))
                .expect("a symbolic link can be made");
        }
    }

    /// An option of the compiler with the path of the directory at its end.
    pub fn option(&self, option: &str) -> String {
        format!("{option}{}", self.0.display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
