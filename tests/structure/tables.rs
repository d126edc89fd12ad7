//! The table of modules at the top of a file that has many.

use std::fs;
use std::path::Path;

/// So many modules are seen at a glance.
const MODULES_WITHOUT_A_TABLE: usize = 6;

/// The modules that are missing in the table of this file, and the rows without a module.
pub fn of_modules(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source is text");
    let name = file.strip_prefix(root).unwrap_or(file).display();
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let modules: Vec<String> = parsed
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    if modules.len() <= MODULES_WITHOUT_A_TABLE {
        return Vec::new();
    }
    let rows: Vec<&str> = text.lines().filter_map(row).collect();
    let missing = modules.iter().filter(|module| !rows.contains(&module.as_str()));
    let missing = missing.map(|module| format!("{name}: no row for `{module}`"));
    let gone = rows.iter().filter(|row| !modules.iter().any(|module| module == *row));
    missing.chain(gone.map(|row| format!("{name}: a row for `{row}`, which is gone"))).collect()
}

/// What the row of a table is about, if the line is one.
fn row(line: &str) -> Option<&str> {
    line.strip_prefix("//! | `")?.split_once("` |").map(|(module, _)| module)
}
