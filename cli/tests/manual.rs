//! The manual page of the command, which is made from the definition of its arguments, and the
//! Spanish one, which is written by hand: every command and every option has its place in both.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::rsipc;

type Options = BTreeSet<String>;

/// The command itself, whose path is empty, and every command below it: what `--help` prints.
fn helps() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let help = rsipc(&[&path[..], &["--help".to_owned()]].concat())
            .output()
            .expect("it ends in time")
            .stdout;
        let help = String::from_utf8(help).expect("the help is UTF-8");
        for name in subcommands(&help).unwrap_or_default() {
            open.push([&path[..], &[name]].concat());
        }
        found.insert(path.join(" "), help);
    }
    found
}

/// The names in a list of commands, if there is such a list. `help` is in each of them.
fn subcommands(help: &str) -> Option<Vec<String>> {
    let (_, below) = help.split_once("\nCommands:\n")?;
    let lines = below.lines().take_while(|line| !line.is_empty());
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    Some(names.filter(|name| *name != "help").map(str::to_owned).collect())
}

/// What the help knows: the commands that do something, each with its options.
fn commands() -> BTreeMap<String, Options> {
    let leaves = helps().into_iter().filter(|(_, help)| subcommands(help).is_none());
    leaves.map(|(path, help)| (path, options(&help))).collect()
}

/// The long options that head a line of the help, or stand behind a short one.
fn options(text: &str) -> Options {
    let heads = text.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    heads.flat_map(long_options).filter(|option| option != "--help").collect()
}

fn long_options(text: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_lowercase() || character == '-';
    let words = text.split(|character: char| !is_part(character));
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

/// What a page knows, by its headings.
fn described(page: &str) -> BTreeMap<String, Options> {
    let page = page.replace("\\-", "-").replace("\\f", " \\f");
    let sections = page
        .split("\n.SS ")
        .skip(1)
        .map(|section| section.split("\n.SH ").next().unwrap_or(section));
    let with_name = sections.filter_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        Some((heading.trim_matches('"').strip_prefix("rsipc ")?.to_owned(), text))
    });
    with_name
        .map(|(name, text)| {
            (name, long_options(text).into_iter().filter(|option| option != "--help").collect())
        })
        .collect()
}

#[test]
fn the_english_page_has_every_command_and_option() {
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("manual-{}", std::process::id()));
    let arguments = ["generate", "man", directory.to_str().expect("a path in UTF-8")];
    rsipc(&arguments).assert().success().stdout("").stderr("");
    let page = fs::read_to_string(directory.join("rsipc.1")).expect("the page is written");
    fs::remove_dir_all(&directory).expect("the directory can be removed");
    let commands = commands();
    assert!(
        commands.contains_key("ls") && commands["mq send"].contains("--priority"),
        "{commands:?}"
    );
    assert_eq!(described(&page), commands);
    assert!(
        page.contains(&format!("\"rsipc {}\"", env!("CARGO_PKG_VERSION"))) && !page.contains('@')
    );
}

#[test]
fn every_help_ends_with_an_example() {
    let helps = helps();
    for (path, help) in &helps {
        let examples = help.split_once("\nExamples:\n").map(|(_, below)| below);
        let line = format!("  rsipc {path}");
        assert!(
            examples.is_some_and(|lines| lines.lines().any(|text| text.starts_with(&line))),
            "rsipc {path} --help:\n{help}"
        );
    }
    assert!(["", "sem", "sem wait"].iter().all(|path| helps.contains_key(*path)), "{helps:?}");
    // A text of the command's own stays where there is one.
    assert!(helps[""].contains("Exit status: 0") && helps["console"].contains("Ctrl-D"));
}

#[test]
fn the_spanish_page_has_every_command_and_option() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../man/es/rsipc.1");
    let page = fs::read_to_string(page).expect("the page is there");
    assert_eq!(described(&page), commands());
}

#[test]
fn completions_are_written_for_three_shells() {
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("completions-{}", std::process::id()));
    let arguments = ["generate", "completions", directory.to_str().expect("a path in UTF-8")];
    rsipc(&arguments).assert().success().stdout("").stderr("");
    let names = ["rsipc.bash", "_rsipc", "rsipc.fish"];
    let texts = names
        .map(|name| fs::read_to_string(directory.join(name)).expect("a script for each shell"));
    fs::remove_dir_all(&directory).expect("the directory can be removed");
    for (name, text) in names.iter().zip(&texts) {
        assert!(text.contains("peek") && text.contains("older-than"), "{name}");
        assert!(!text.contains("generate"), "{name} offers what is hidden");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_said() {
    for what in ["man", "completions"] {
        let output = rsipc(&["generate", what, "/proc/none"]).assert().code(1).get_output().clone();
        assert!(String::from_utf8_lossy(&output.stderr).contains("/proc/none"));
    }
}
