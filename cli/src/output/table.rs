//! Tables of text: columns as wide as their widest cell, two blanks between them, nothing after the
//! last. Where there is too little room, some columns may be cut.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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

    /// To so many columns of the terminal.
    pub fn cut(&mut self, width: usize) {
        if self.width() <= width {
            return;
        }
        let mut left = width.saturating_sub(1);
        let fits = |character: &char| {
            let rest = left.checked_sub(character.width().unwrap_or(0));
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        let cut: String = self.text.chars().take_while(fits).collect();
        self.text = cut + "\u{2026}";
    }

    /// Columns of the terminal.
    pub fn width(&self) -> usize {
        self.text.width()
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

/// A column and its heading.
#[derive(Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub align: Align,
    /// Its cells may be cut where there is too little room.
    pub may_be_cut: bool,
}

impl From<(&'static str, Align)> for Column {
    fn from((title, align): (&'static str, Align)) -> Self {
        Self { title, align, may_be_cut: false }
    }
}

pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    has_headings: bool,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    /// A table with these headings.
    pub fn new<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { columns, rows: Vec::new(), has_headings: true }
    }

    pub fn without_headings(&mut self, is_without: bool) {
        self.has_headings = !is_without;
    }

    /// Cuts cells so that the table is no wider than that. False: it cannot be.
    pub fn fit(&mut self, width: usize) -> bool {
        // No column is cut to less.
        let narrowest = (width / 4).clamp(4, 16);
        for column in (0..self.columns.len()).rev().filter(|&at| self.columns[at].may_be_cut) {
            let own = self.width(column);
            let others: usize = (0..self.columns.len()).map(|at| self.width(at) + GAP).sum();
            let excess = (others - GAP).saturating_sub(width);
            let room = own.saturating_sub(excess).max(narrowest);
            for row in &mut self.rows {
                row[column].cut(room);
            }
        }
        let whole: usize = (0..self.columns.len()).map(|at| self.width(at) + GAP).sum();
        whole - GAP <= width
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
            self.columns.iter().map(|column| Cell::new(column.title, Tone::Heading)).collect();
        let mut out = String::new();
        for row in self.has_headings.then_some(&heading).into_iter().chain(&self.rows) {
            self.render_row(row, &widths, style, &mut out);
        }
        out
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].text.width());
        let heading = if self.has_headings { self.columns[column].title.width() } else { 0 };
        cells.max().unwrap_or(0).max(heading)
    }

    fn render_row(&self, row: &[Cell], widths: &[usize], style: Style, out: &mut String) {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        for (column, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let padding = " ".repeat(widths[column] - cell.text.width());
            let painted = style.paint(cell.tone, &cell.text);
            if column > 0 {
                out.push_str("  ");
            }
            match self.columns[column].align {
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
    fn a_table_is_cut_to_fit() {
        let heading = |title, may_be_cut| Column { title, align: Align::Left, may_be_cut };
        let mut table = Table::new([heading("NAME", false), heading("NOTE", true)]);
        table.push(["/a".into(), Cell::from("a long note about it")]);
        assert!(table.fit(25));
        assert_eq!(table.render(Style::PLAIN), "NAME  NOTE\n/a    a long note about \u{2026}\n");
        table.without_headings(true);
        assert!(table.fit(10));
        assert_eq!(table.render(Style::PLAIN), "/a  a lon\u{2026}\n");
        assert!(!table.fit(5), "names are never cut, and notes not to nothing");
    }

    #[test]
    fn columns_are_as_wide_as_need_be() {
        let mut table =
            Table::new([("NAME", Align::Left), ("N", Align::Right), ("NOTE", Align::Left)]);
        table.push(["/漢字".into(), "1".into(), "".into()]);
        table.push(["/b".into(), Cell::from("200"), "stale".into()]);
        assert_eq!(table.render(Style::PLAIN), "NAME     N  NOTE\n/漢字    1\n/b     200  stale\n");
    }
}
