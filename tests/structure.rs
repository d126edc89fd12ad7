//! What the tree promises: no module circle, and files, functions and lines that fit in the head.

#[path = "structure/modules.rs"]
mod modules;
#[path = "structure/sizes.rs"]
mod sizes;
#[path = "structure/tables.rs"]
mod tables;

use std::path::{Path, PathBuf};

use modules::Crate;

/// The crates, by the folder of their sources.
const CRATES: [(&str, &str); 5] = [
    ("rsipc_core", "core/src/lib.rs"),
    ("rsipc", "src/lib.rs"),
    ("cli", "cli/src/main.rs"),
    ("rsipc_watch", "watch/src/lib.rs"),
    ("watch_run", "watch/run/src/lib.rs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_module_depends_on_itself_by_way_of_others() {
    let circles = CRATES.iter().flat_map(|(name, main)| {
        let circles = Crate::read(&root().join(main)).circles();
        circles.into_iter().map(move |circle| format!("{name}:\n{circle}"))
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
    if found.is_empty() { sizes::below(root(), endings) } else { found }
}

#[test]
fn files_functions_and_lines_fit_in_the_head() {
    let files = sources(&["rs", "c", "h", "cpp"]);
    assert!(files.len() > 100, "only {} sources were found", files.len());
    let mut too_long: Vec<String> =
        files.iter().flat_map(|file| sizes::of_file(root(), file)).collect();
    too_long.extend(sources(&["rs"]).iter().flat_map(|file| sizes::of_functions(root(), file)));
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

/// A reason that has to be looked for elsewhere is none.
#[test]
fn each_reason_for_unsafe_code_stands_by_itself() {
    const ELSEWHERE: [&str; 5] = ["as above", "the same.", "the same;", "as in", "as before"];
    let mut found = Vec::new();
    for file in sources(&["rs"]) {
        let text = std::fs::read_to_string(&file).expect("a source is text");
        for (number, line) in text.lines().enumerate() {
            let reason = line.trim_start().strip_prefix("// SAFETY: ");
            if reason.is_some_and(|reason| ELSEWHERE.iter().any(|words| reason.starts_with(words)))
            {
                found.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
