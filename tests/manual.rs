//! The manual pages: every function and every setting has its place in them, in both languages.
//! `make lint-manual` asks formatters whether they can read them; `cli/tests/manual.rs` looks for
//! the commands.

use std::collections::BTreeSet;
use std::fs;

/// As the pages of section 3 are called, besides rsipc(7).
const FAMILIES: [&str; 7] = [
    "rsipc_sem.3",
    "rsipc_mq.3",
    "rsipc_shm.3",
    "rsipc_sysv_sem.3",
    "rsipc_sysv_msg.3",
    "rsipc_sysv_shm.3",
    "rsipc_ext.3",
];
/// English, Spanish: where the pages lie, and their headings of a synopsis and of settings.
const LANGUAGES: [(&str, &str, &str); 2] =
    [("man", "SYNOPSIS", "ENVIRONMENT"), ("man/es", "SINOPSIS", "ENTORNO")];

fn file(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + name;
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The section below the heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, below) =
        page.split_once(&format!("\n.SH {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    below.split_once("\n.SH ").map_or(below, |(section, _)| section)
}

/// What could be a name in C.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

#[test]
fn every_function_is_described() {
    let symbols = file("dist/symbols");
    for (directory, ..) in LANGUAGES {
        let pages =
            ["rsipc.7"].iter().chain(&FAMILIES).map(|page| file(&format!("{directory}/{page}")));
        // `.BR sem_open (), " sem_close" ()`: without the quotes each name stands in front of its
        // parenthesis.
        let pages = pages.collect::<String>().replace('"', "");
        let in_front = pages.split('(').filter_map(|text| words(text.trim_end()).last());
        let described: BTreeSet<&str> = in_front.collect();
        for name in symbols.lines() {
            assert!(described.contains(name), "{directory}: no page tells of {name}");
        }
    }
}

#[test]
fn no_other_function_has_a_prototype() {
    let symbols = file("dist/symbols");
    for (directory, synopsis, _) in LANGUAGES {
        let mut declared = BTreeSet::new();
        for page in FAMILIES {
            let text = file(&format!("{directory}/{page}"));
            let prototypes =
                section(&text, synopsis).lines().filter(|line| line.starts_with(".BI \""));
            let names = prototypes
                .filter_map(|line| words(line.split_once('(')?.0).last().map(str::to_owned));
            declared.extend(names);
        }
        let of_families = |name: &&str| {
            ["sem", "mq_", "msg", "shm", "__mq_", "rsipc_mq_", "rsipc_sem_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        let exported = symbols.lines().filter(of_families);
        assert_eq!(declared, exported.map(str::to_owned).collect(), "{directory}");
    }
}

#[test]
fn every_setting_is_described_and_no_other() {
    let source = file("core/src/os/settings.rs");
    let names = source.split("c\"RSIPC_").skip(1).filter_map(|rest| rest.split('"').next());
    let read: BTreeSet<String> = names.map(|name| format!("RSIPC_{name}")).collect();
    assert!(read.contains("RSIPC_DIR"), "{read:?}");
    for (directory, _, environment) in LANGUAGES {
        let page = file(&format!("{directory}/rsipc.7"));
        let tagged = section(&page, environment).split("\n.TP\n.B ").skip(1);
        let described: BTreeSet<String> =
            tagged.filter_map(|rest| rest.lines().next()).map(str::to_owned).collect();
        assert_eq!(described, read, "{directory}");
    }
}

/// A paragraph that was added in one language is missing in the other.
#[test]
fn both_languages_have_the_same_parts() {
    for page in ["rsipc.7"].iter().chain(&FAMILIES) {
        let [english, spanish] =
            LANGUAGES.map(|(directory, ..)| file(&format!("{directory}/{page}")));
        assert_eq!(parts(&english), parts(&spanish), "{page}");
    }
}

/// `make stamp` puts them there.
#[test]
fn version_and_date_are_those_of_the_release() {
    let cargo = file("Cargo.toml");
    let mut dates = cargo.lines().filter_map(|line| line.strip_prefix("date = "));
    let date = dates.next().expect("Cargo.toml has the date of the release");
    let version = format!("\n.BR {} ", env!("CARGO_PKG_VERSION"));
    for (directory, ..) in LANGUAGES {
        for page in ["rsipc.7"].iter().chain(&FAMILIES) {
            let text = file(&format!("{directory}/{page}"));
            let title = text.lines().find(|line| line.starts_with(".TH ")).expect("a title");
            assert!(title.contains(date), "{directory}/{page}: {title}");
        }
        assert!(file(&format!("{directory}/rsipc.7")).contains(&version), "{directory}/rsipc.7");
    }
}

/// Headings, paragraphs and items, without their text.
fn parts(page: &str) -> Vec<&str> {
    let macros = page.lines().filter_map(|line| line.split(' ').next());
    macros.filter(|name| [".SH", ".SS", ".TP", ".IP", ".PP", ".EX"].contains(name)).collect()
}
