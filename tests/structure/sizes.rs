//! How long files, functions and lines are.

use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const LINES_OF_A_FILE: usize = 400;
const LINES_OF_A_FUNCTION: usize = 60;
const COLUMNS: usize = 100;
/// In C, as the kernel writes it.
const TAB: usize = 8;

/// All files with these endings below a folder, but for what is built there.
pub fn below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
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

/// What is too long in this file.
pub fn of_file(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source is text");
    let name = file.strip_prefix(root).unwrap_or(file).display();
    let count = text.lines().count();
    let mut found = Vec::new();
    if count > LINES_OF_A_FILE {
        found.push(format!("{name}: {count} lines"));
    }
    for (number, line) in text.lines().enumerate() {
        let columns = columns(line);
        if columns > COLUMNS && !is_in_one_piece(line) {
            found.push(format!("{name}:{}: {columns} columns", number + 1));
        }
    }
    found
}

fn columns(line: &str) -> usize {
    line.chars().fold(0, |columns, character| match character {
        '\t' => (columns / TAB + 1) * TAB,
        _ => columns + 1,
    })
}

/// Text for people, and a row of a table, which no line break can part.
fn is_in_one_piece(line: &str) -> bool {
    let is_row = |line: &str| line.starts_with("//! |") || line.starts_with("/// |");
    line.contains('"') || line.ends_with('\\') || is_row(line.trim_start())
}

/// The functions of this file that are too long.
pub fn of_functions(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source is text");
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut functions = Functions { name, found: Vec::new() };
    functions.visit_file(&parsed);
    functions.found
}

struct Functions {
    name: String,
    found: Vec<String>,
}

impl Functions {
    fn look(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.span().start().line;
        if lines > LINES_OF_A_FUNCTION {
            self.found.push(format!("{}: fn {}: {lines} lines", self.name, signature.ident));
        }
    }
}

impl Visit<'_> for Functions {
    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.look(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.look(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}
