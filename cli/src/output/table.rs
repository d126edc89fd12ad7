//! Tables of text: columns as wide as their widest cell, two blanks between them, nothing after the
//! last.

use unicode_width::UnicodeWidthStr;

use super::style::{Style, Tone};

/// Where the text of a column stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A piece of text without control characters (see `escape`), and what it means.
#[derive(Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn tone(&self) -> Tone {
        self.tone
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(columns: impl Into<Vec<(&'static str, Align)>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row, which has a cell for each column.
    pub fn push(&mut self, row: impl Into<Vec<Cell>>) {
        let row = row.into();
        debug_assert_eq!(row.len(), self.columns.len(), "a cell for each column");
        self.rows.push(row);
    }

    pub fn render(&self, style: Style) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let heading: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell::new(*title, Tone::Heading)).collect();
        let mut out = String::new();
        for row in std::iter::once(&heading).chain(&self.rows) {
            self.render_row(row, &widths, style, &mut out);
        }
        out
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].text.width());
        cells.max().unwrap_or(0).max(self.columns[column].0.width())
    }

    fn render_row(&self, row: &[Cell], widths: &[usize], style: Style, out: &mut String) {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        for (column, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let padding = " ".repeat(widths[column] - cell.text.width());
            let painted = style.paint(cell.tone, &cell.text);
            if column > 0 {
                out.push_str("  ");
            }
            match self.columns[column].1 {
                Align::Right => out.extend([padding.as_str(), &painted]),
                Align::Left if Some(column) == last => out.push_str(&painted),
                Align::Left => out.extend([painted.as_str(), &padding]),
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_need_be() {
        let mut table =
            Table::new([("NAME", Align::Left), ("N", Align::Right), ("NOTE", Align::Left)]);
        table.push(["/漢字".into(), "1".into(), "".into()]);
        table.push(["/b".into(), Cell::from("200"), "stale".into()]);
        assert_eq!(table.render(Style::PLAIN), "NAME     N  NOTE\n/漢字    1\n/b     200  stale\n");
    }
}
