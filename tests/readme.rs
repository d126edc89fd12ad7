//! What the README says about the library, as far as a machine can tell whether it is true.

use std::collections::BTreeSet;
use std::process::Command;
use std::{env, fs};

fn file(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + name;
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pieces of `text` that stand between `before` and `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> BTreeSet<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split_once(after))
        .map(|(piece, _)| piece)
        .collect()
}

/// The section below the heading.
fn section<'a>(readme: &'a str, heading: &str) -> &'a str {
    let (_, below) =
        readme.split_once(&format!("\n## {heading}\n")).expect("there is such a section");
    below.split_once("\n## ").map_or(below, |(section, _)| section)
}

#[test]
fn every_setting_is_documented_and_no_other() {
    let readme = file("README.md");
    let documented = between(section(&readme, "Settings"), "\n| `", "` |");
    let source = file("core/src/os/settings.rs");
    let read = between(&source, "c\"RSIPC_", "\"").into_iter().map(|name| format!("RSIPC_{name}"));
    assert_eq!(documented, read.collect::<BTreeSet<_>>().iter().map(String::as_str).collect());
}

#[test]
fn every_function_is_named_and_no_other() {
    let readme = file("README.md");
    let documented = between(section(&readme, "Functions"), " `", "`");
    let symbols = file("dist/symbols");
    for name in symbols.lines().filter(|name| !name.starts_with("__")) {
        assert!(documented.contains(name), "the README does not name {name}");
    }
    // Besides the functions only headers stand in that form.
    for name in documented.into_iter().filter(|name| !name.starts_with('<')) {
        assert!(
            symbols.lines().any(|symbol| symbol == name),
            "{name} is no function of the library"
        );
    }
}

#[test]
fn the_crates_in_the_library_are_listed() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tree = Command::new(cargo);
    tree.args(["tree", "--package=rsipc", "--edges=normal", "--prefix=none", "--format={p}"]);
    let output =
        tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names of crates are ASCII");
    let linked: BTreeSet<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let linked: Vec<_> = linked.into_iter().filter(|name| !name.starts_with("rsipc")).collect();

    let readme = file("README.md");
    let size = section(&readme, "Size and cost");
    let sentence = format!("crates linked into it: {}.", linked.join(", "));
    assert!(size.contains(&sentence), "the section should say: {sentence}");
}

#[test]
fn the_tests_of_each_claim_exist() {
    let readme = file("README.md");
    let folders = ["tests/c/semantics", "tests/c/storm"].map(|folder| {
        let sources = fs::read_dir(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR")))
            .expect("the folder is there");
        sources.map(|source| source.expect("it can be read").path())
    });
    let sources: Vec<_> = folders.into_iter().flatten().collect();
    // Where the claims are, how the names of their tests begin, and how many there are at least.
    for (heading, family, count) in
        [("What you get beyond the kernel's queues", "mq_", 9), ("System V semaphores", "sysv_", 9)]
    {
        let claims = section(&readme, heading);
        let named = between(claims, &format!("`{family}"), "`").into_iter();
        let named: Vec<_> = named.map(|name| format!("{family}{name}")).collect();
        assert!(named.len() >= count, "{named:?}");
        for name in named {
            let is_program = sources
                .iter()
                .any(|source| source.file_stem().is_some_and(|stem| stem == name.as_str()));
            let is_case = || {
                let case = [format!("({name})"), format!("({name},")];
                sources
                    .iter()
                    .filter_map(|source| fs::read_to_string(source).ok())
                    .any(|text| case.iter().any(|case| text.contains(case)))
            };
            assert!(is_program || is_case(), "there is no test {name}");
        }
    }
}

/// In the file that describes the tests, and in no other place, one learns what a folder is for.
#[test]
fn all_tests_are_described() {
    let description = file("tests/README.md");
    let entries = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).expect("tests/");
    for entry in entries.map(|entry| entry.expect("a directory can be read")) {
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let is_folder = entry.file_type().expect("an entry has a type").is_dir();
        let wanted = if is_folder { format!("`{name}/`") } else { format!("`{name}`") };
        if name != "README.md" {
            assert!(description.contains(&wanted), "tests/README.md does not tell of {name}");
        }
    }
}
