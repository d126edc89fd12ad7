//! `make install` into a DESTDIR: what a program needs is there, and `make uninstall` takes all of
//! it away again.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Ended, library_dir, run_bounded};

const BOUND: Duration = Duration::from_mins(1);
/// `make install` builds what is not built yet, the command for example.
const BOUND_OF_MAKE: Duration = Duration::from_mins(15);
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A place to install into, which goes away with the test.
struct Stage {
    destdir: PathBuf,
    prefix: &'static str,
}

impl Stage {
    /// Does not exist yet.
    fn new(name: &str) -> Self {
        Self::with_prefix(name, "/opt/rsipc")
    }

    fn with_prefix(name: &str, prefix: &'static str) -> Self {
        let destdir =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        Self { destdir, prefix }
    }

    fn make(&self, target: &str) {
        let mut make = Command::new("make");
        make.arg("-C")
            .arg(env!("CARGO_MANIFEST_DIR"))
            .arg(target)
            .arg(format!("PREFIX={}", self.prefix));
        make.arg(format!("DESTDIR={}", self.destdir.display()));
        make.arg(format!("BUILD={}", library_dir().display()));
        // The flags of a `make test` around this are not meant for it.
        make.env_remove("MAKEFLAGS").env_remove("MFLAGS");
        let output = run_bounded(make, BOUND_OF_MAKE);
        assert!(
            output.success(),
            "make {target}: {}\n{}{}",
            output.ended,
            output.stdout,
            output.stderr
        );
    }

    /// Where the file of this installed path is.
    fn path(&self, installed: &str) -> PathBuf {
        self.destdir.join(installed.trim_start_matches('/'))
    }

    fn installed(&self, below_prefix: &str) -> PathBuf {
        self.path(self.prefix).join(below_prefix)
    }

    /// A field of rsipc.pc, with its variables put in and its paths led to the stage.
    fn package(&self, field: &str) -> Vec<String> {
        let file = self.installed("lib/pkgconfig/rsipc.pc");
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(": "))
            .unwrap_or_else(|| panic!("no {field} in:\n{text}"))
            .to_owned();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            line = line.replace(&format!("${{{name}}}"), value);
        }
        line.split_whitespace().map(|word| self.lead_here(word)).collect()
    }

    fn lead_here(&self, flag: &str) -> String {
        match flag.split_at_checked(2) {
            Some((kind @ ("-L" | "-I"), path)) => format!("{kind}{}", self.path(path).display()),
            _ => flag.to_owned(),
        }
    }

    /// Compiles the program with these flags for the linker, runs it, and gives what it says on
    /// standard error.
    fn compile_and_run(&self, libraries: &[String]) -> String {
        let program = self.destdir.with_extension("program");
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(&program);
        compiler.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/install/program.c"));
        compiler.args(self.package("Cflags")).args(libraries);
        let compiled = run_bounded(compiler, BOUND);
        assert!(compiled.success(), "{}", compiled.stderr);

        let mut command = Command::new(&program);
        command.env("LD_LIBRARY_PATH", self.installed("lib")).env("RSIPC_VERBOSE", "1");
        let output = run_bounded(command, BOUND);
        fs::remove_file(&program).expect("the program can be removed");
        assert_eq!(output.ended, Ended::Exit(0), "{}", output.stderr);
        assert_eq!(output.stdout, format!("rsipc {VERSION}, value 1\n"));
        output.stderr
    }

    /// What the installed command prints, on both streams, when all is well.
    fn rsipc(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.installed("bin/rsipc"));
        command.args(arguments).env_remove("RSIPC_LIB").env_remove("LD_PRELOAD");
        let output = run_bounded(command, BOUND);
        assert!(output.success(), "rsipc {arguments:?}: {}\n{}", output.ended, output.stderr);
        output.stdout + &output.stderr
    }

    /// All there is in the stage.
    fn contents(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.destdir.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory).expect("a directory can be read") {
                let entry = entry.expect("a directory can be read");
                if entry.file_type().expect("an entry has a type").is_dir() {
                    open.push(entry.path());
                }
                found.insert(entry.path());
            }
        }
        found
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Gone already, if the test was successful.
        let _ = fs::remove_dir_all(&self.destdir);
    }
}

#[test]
fn a_program_finds_what_it_needs() {
    let stage = Stage::new("install-use");
    stage.make("install");
    for file in [
        "lib/librsipc.a",
        "include/rsipc.h",
        "lib/librsipc.so",
        "lib/librsipc_watch.so.0",
        "lib/cmake/rsipc/rsipc-config.cmake",
        "lib/cmake/rsipc/rsipc-config-version.cmake",
    ] {
        assert!(stage.installed(file).is_file(), "{file}");
    }
    let link = |name: &str| fs::read_link(stage.installed(name)).expect("a symbolic link");
    assert_eq!(link("lib/librsipc.so"), Path::new("librsipc.so.0"));
    assert_eq!(link("lib/librsipc.so.0"), Path::new(&format!("librsipc.so.{VERSION}")));
    assert_eq!(stage.package("Version"), [VERSION]);

    // The loader goes by the SONAME.
    let said = stage.compile_and_run(&stage.package("Libs"));
    let soname = stage.installed("lib/librsipc.so.0");
    assert!(said.contains(&format!("library {};", soname.display())), "{said}");

    // Linked with the archive, the program itself is the library.
    let archive = vec![stage.installed("lib/librsipc.a").display().to_string()];
    let said = stage.compile_and_run(&[archive, stage.package("Libs.private")].concat());
    assert!(said.contains("install-use") && !said.contains("librsipc.so"), "{said}");
}

/// Wherever it was installed, the command runs a program on the library that was installed with it.
#[test]
fn the_command_finds_its_library() {
    for (name, prefix) in
        [("install-opt", "/opt/rsipc"), ("install-usr", "/usr"), ("install-root", "/")]
    {
        let stage = Stage::with_prefix(name, prefix);
        stage.make("install");
        let library = stage.installed(&format!("lib/librsipc.so.{VERSION}"));
        let said = stage.rsipc(&["run", "--verbose", "--", "true"]);
        assert!(said.contains(&format!("library {};", library.display())), "{said}");
        assert_eq!(stage.rsipc(&["--version"]), format!("rsipc {VERSION}\n"));
        stage.make("uninstall");
        assert!(!stage.destdir.exists(), "left: {:?}", stage.contents());
    }
}

#[test]
fn manual_pages_and_completions_are_where_they_are_looked_for() {
    let stage = Stage::new("install-pages");
    stage.make("install");
    let text = |path: &str| {
        let path = stage.installed(&format!("share/{path}"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    for language in ["", "es/"] {
        for (page, section) in [
            ("rsipc", 1),
            ("rsipc_sem", 3),
            ("rsipc_mq", 3),
            ("rsipc_shm", 3),
            ("rsipc_sysv_sem", 3),
            ("rsipc_sysv_shm", 3),
            ("rsipc_ext", 3),
            ("rsipc_version", 3),
            ("rsipc", 7),
        ] {
            let page = text(&format!("man/{language}man{section}/{page}.{section}"));
            assert!(page.contains("\n.TH RSIPC") || page.starts_with(".TH RSIPC"), "{page}");
            assert!(!page.contains("@VERSION@"), "{page}");
        }
    }
    // Pages of the distribution stay as they are.
    let is_ours = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rsipc"))
    };
    let pages =
        stage.contents().into_iter().filter(|path| path.starts_with(stage.installed("share/man")));
    assert!(pages.filter(|path| path.is_file()).all(|path| is_ours(&path)));

    for script in [
        "bash-completion/completions/rsipc",
        "zsh/site-functions/_rsipc",
        "fish/vendor_completions.d/rsipc.fish",
    ] {
        assert!(text(script).contains("rsipc"), "{script}");
    }
}

#[test]
fn uninstall_leaves_nothing_behind() {
    let stage = Stage::new("install-fresh");
    stage.make("install");
    // Once more, over the first.
    stage.make("install");
    stage.make("uninstall");
    assert!(!stage.destdir.exists(), "left: {:?}", stage.contents());
}

#[test]
fn uninstall_leaves_what_is_not_ours() {
    let stage = Stage::new("install-shared");
    // An empty directory that was there before, and a neighbour.
    fs::create_dir_all(stage.installed("include")).expect("a directory can be made");
    fs::create_dir_all(stage.installed("lib")).expect("a directory can be made");
    fs::write(stage.installed("lib/libother.so"), "").expect("a file can be made");
    let before = stage.contents();
    stage.make("install");
    assert!(stage.contents().len() > before.len());
    stage.make("uninstall");
    assert_eq!(stage.contents(), before);
    // Nothing to do is no failure.
    stage.make("uninstall");
    assert_eq!(stage.contents(), before);
}
