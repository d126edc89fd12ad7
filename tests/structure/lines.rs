//! How long files and lines are.

use std::fs;
use std::ops::Range;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

const LINES_OF_A_FILE: usize = 400;
const COLUMNS: usize = 100;
/// In C, as the kernel writes it.
const TAB: usize = 8;

/// What is too long in this file.
pub fn of_file(root: &Path, file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source is text");
    let name = file.strip_prefix(root).unwrap_or(file).display();
    let count = text.lines().count();
    let mut found = Vec::new();
    if count > LINES_OF_A_FILE {
        found.push(format!("{name}: {count} lines"));
    }
    let is_long = |line: &str| columns(line) > COLUMNS && !is_row(line.trim_start());
    if text.lines().any(is_long) {
        let is_rust = file.extension().is_some_and(|ending| ending == "rs");
        let strings = if is_rust { strings_of_rust(&text) } else { strings_of_c(&text) };
        let long = text.lines().enumerate().filter(|(_, line)| is_long(line));
        for (index, line) in long.filter(|(index, _)| !is_in_one_piece(*index, &strings)) {
            found.push(format!("{name}:{}: {} columns", index + 1, columns(line)));
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

/// A row of a table, which no line break can part.
fn is_row(line: &str) -> bool {
    line.starts_with("//! |") || line.starts_with("/// |")
}

/// Index of the line, and column.
type Place = (usize, usize);

/// Text for people reaches over the limit, or ends at it, so that no break beside it helps.
fn is_in_one_piece(line: usize, strings: &[Range<Place>]) -> bool {
    strings.iter().any(|string| string.start < (line, COLUMNS) && string.end >= (line, COLUMNS))
}

fn strings_of_rust(text: &str) -> Vec<Range<Place>> {
    let tokens = text.parse().expect("a source can be read");
    let mut found = Vec::new();
    add_strings(tokens, &mut found);
    found
}

fn add_strings(tokens: TokenStream, found: &mut Vec<Range<Place>>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => add_strings(group.stream(), found),
            TokenTree::Literal(literal) => {
                let span = literal.span();
                // The text of a comment for the documentation comes as a string, too.
                let is_string = span
                    .source_text()
                    .is_some_and(|text| text.ends_with(['"', '#']) && !text.starts_with('/'));
                if is_string {
                    let place = |at: proc_macro2::LineColumn| (at.line - 1, at.column);
                    found.push(place(span.start())..place(span.end()));
                }
            }
            _ => {}
        }
    }
}

/// A string ends on its line. What stands between quotation marks in a comment counts as one.
fn strings_of_c(text: &str) -> Vec<Range<Place>> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let is_mark = |at: usize| !line[..at].ends_with('\\') && !line[..at].ends_with('\'');
        let marks = line.match_indices('"').map(|(at, _)| at).filter(|at| is_mark(*at));
        let columns: Vec<usize> = marks.map(|at| columns(&line[..at])).collect();
        found.extend(columns.chunks_exact(2).map(|pair| (index, pair[0])..(index, pair[1] + 1)));
    }
    found
}
