//! How long functions are.

use std::fs;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

const LINES_OF_A_FUNCTION: usize = 60;

/// The functions of this file that are too long.
pub fn of_file(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source is text");
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let functions = if file.extension().is_some_and(|ending| ending == "rs") {
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut functions = Functions::default();
        functions.visit_file(&parsed);
        functions.found
    } else {
        of_c(&text)
    };
    let long = functions.into_iter().filter(|(_, lines)| *lines > LINES_OF_A_FUNCTION);
    long.map(|(function, lines)| format!("{name}: {function}: {lines} lines")).collect()
}

#[derive(Default)]
struct Functions {
    /// Names, and how many lines from the signature to the end.
    found: Vec<(String, usize)>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.span().start().line;
        self.found.push((format!("fn {}", signature.ident), lines));
    }
}

impl Visit<'_> for Functions {
    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// In C a function is what ends with a bracket in the first column, and is neither a type nor a
/// table. It begins behind an empty line or whatever ends before it.
fn of_c(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut signature: Vec<&str> = Vec::new();
    let mut body = None;
    for (index, line) in text.lines().enumerate() {
        match body {
            None if line == "{" || (line.ends_with(") {") && !line.starts_with(['\t', ' '])) => {
                if line != "{" {
                    signature.push(line);
                }
                body = Some(index + 1 - signature.len());
            }
            None if line.is_empty() || line.starts_with('#') || line.ends_with([';', '}', '/']) => {
                signature.clear();
            }
            None => signature.push(line),
            Some(begin) if line.starts_with('}') => {
                let first = signature.first().copied().unwrap_or_default();
                found.push((first.to_owned(), index + 1 - begin));
                signature.clear();
                body = None;
            }
            Some(_) => {}
        }
    }
    found
}
