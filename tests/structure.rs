//! What the tree promises: no module circle, and files, functions and lines that fit in the head.
//!
//! | module | |
//! |---|---|
//! | `functions` | how long functions are |
//! | `lines` | how long files and lines are |
//! | `macros` | paths and calls in what a macro is given |
//! | `methods` | which file a called method comes from |
//! | `modules` | which module uses which, and circles of them |
//! | `reader` | what one file defines and uses |
//! | `reasons` | reasons for unsafe code |
//! | `tables` | tables of modules |

#[path = "structure/functions.rs"]
mod functions;
#[path = "structure/lines.rs"]
mod lines;
#[path = "structure/macros.rs"]
mod macros;
#[path = "structure/methods.rs"]
mod methods;
#[path = "structure/modules.rs"]
mod modules;
#[path = "structure/reader.rs"]
mod reader;
#[path = "structure/reasons.rs"]
mod reasons;
#[path = "structure/tables.rs"]
mod tables;

use std::path::{Path, PathBuf};

use modules::Crate;

/// The crates, by the main file. Each may use those before it.
const CRATES: [&str; 5] = [
    "core/src/lib.rs",
    "src/lib.rs",
    "watch/run/src/lib.rs",
    "watch/src/lib.rs",
    "cli/src/main.rs",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_module_depends_on_itself_by_way_of_others() {
    let crates = CRATES.map(|main| Crate::read(&root().join(main)));
    let circles = CRATES.iter().enumerate().flat_map(|(index, main)| {
        let circles = crates[index].circles(&crates[..index]);
        circles.into_iter().map(move |circle| format!("{main}:\n{circle}"))
    });
    let circles: Vec<String> = circles.collect();
    assert!(circles.is_empty(), "modules that depend on each other:\n{}", circles.join("\n"));
}

/// Rust and C that is ours: in git, so nothing that a build makes.
fn sources(endings: &[&str]) -> Vec<PathBuf> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_or_else(|_| Vec::new(), |output| output.stdout);
    let listed = String::from_utf8(listed).expect("names of files are text");
    let all: Vec<PathBuf> =
        listed.lines().map(|file| root().join(file)).filter(|file| file.exists()).collect();
    let of_kind = |file: &PathBuf| {
        file.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted))
    };
    let found: Vec<PathBuf> = all.into_iter().filter(of_kind).collect();
    // An archive of the sources is in no repository, and git may not be installed.
    if found.is_empty() { below(root(), endings) } else { found }
}

/// All files with these endings below a folder, but for what is built there.
fn below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["target", "vendor", ".git"].iter().any(|passed| name == *passed) {
                found.extend(below(&path, endings));
            }
        } else if path
            .extension()
            .is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn files_functions_and_lines_fit_in_the_head() {
    let files = sources(&["rs", "c", "h", "cpp"]);
    assert!(files.len() > 100, "only {} sources were found", files.len());
    let too_long_in =
        |file: &PathBuf| [lines::of_file(root(), file), functions::of_file(root(), file)];
    let too_long: Vec<String> = files.iter().flat_map(too_long_in).flatten().collect();
    assert!(too_long.is_empty(), "too long:\n{}", too_long.join("\n"));
}

#[test]
fn a_file_with_many_modules_has_a_table_of_them() {
    let wrong: Vec<String> =
        sources(&["rs"]).iter().flat_map(|file| tables::of_modules(root(), file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// So that every protocol can be modelled.
#[test]
fn the_atomics_of_the_core_come_from_one_module() {
    let core = root().join("core/src");
    let elsewhere: Vec<PathBuf> = sources(&["rs"])
        .into_iter()
        .filter(|file| file.starts_with(&core) && *file != core.join("atomic.rs"))
        .filter(|file| {
            let text = std::fs::read_to_string(file).expect("a source is text");
            ["core::sync::atomic", "std::sync::atomic"].iter().any(|path| text.contains(path))
        })
        .collect();
    assert!(elsewhere.is_empty(), "`crate::atomic` has them: {elsewhere:?}");
}

#[test]
fn each_reason_for_unsafe_code_stands_by_itself() {
    let found: Vec<String> =
        sources(&["rs"]).iter().flat_map(|file| reasons::of_file(root(), file)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
