//! The columns of the table: which ones, in which order, and what the rows are sorted by.

use std::cmp::Reverse;

use clap::ValueEnum;

use crate::output::table::{Align, Cell, Column as Heading};

/// How many there are.
pub const COUNT: usize = 10;

/// In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Column {
    Kind,
    Name,
    Owner,
    Mode,
    Size,
    Age,
    State,
    Waiters,
    #[value(name = "open")]
    OpenBy,
    Note,
}

impl Column {
    pub const ALL: [Self; COUNT] = [
        Self::Kind,
        Self::Name,
        Self::Owner,
        Self::Mode,
        Self::Size,
        Self::Age,
        Self::State,
        Self::Waiters,
        Self::OpenBy,
        Self::Note,
    ];

    /// Those that one can do without are left out first where there is too little room.
    pub fn heading(self) -> Heading {
        let (title, align) = match self {
            Self::Kind => ("KIND", Align::Left),
            Self::Name => ("NAME", Align::Left),
            Self::Owner => ("OWNER", Align::Left),
            Self::Mode => ("MODE", Align::Right),
            Self::Size => ("SIZE", Align::Right),
            Self::Age => ("AGE", Align::Right),
            Self::State => ("STATE", Align::Right),
            Self::Waiters => ("WAITERS", Align::Right),
            Self::OpenBy => ("OPEN BY", Align::Left),
            Self::Note => ("NOTE", Align::Left),
        };
        Heading { title, align, may_be_cut: matches!(self, Self::OpenBy | Self::Note) }
    }

    /// The first ones are the first to be left out in a narrow terminal.
    pub const DISPENSABLE: [Self; 7] =
        [Self::Mode, Self::Owner, Self::Age, Self::Size, Self::OpenBy, Self::Kind, Self::Note];
}

/// A row, with the numbers behind its cells.
pub struct Row {
    pub cells: [Cell; COUNT],
    pub numbers: Numbers,
}

/// What rows are sorted by, the largest first.
#[derive(Default)]
pub struct Numbers {
    pub size: u64,
    /// In seconds.
    pub age: u64,
    pub level: u64,
    pub waiters: usize,
    pub openers: usize,
}

/// By the numbers of a column, the largest first, or by its text, from A to Z.
pub fn sort(rows: &mut [Row], column: Column, is_reversed: bool) {
    let by_number: Option<fn(&Row) -> u64> = match column {
        Column::Size => Some(|row| row.numbers.size),
        Column::Age => Some(|row| row.numbers.age),
        Column::State => Some(|row| row.numbers.level),
        Column::Waiters => Some(|row| row.numbers.waiters as u64),
        Column::OpenBy => Some(|row| row.numbers.openers as u64),
        Column::Kind | Column::Name | Column::Owner | Column::Mode | Column::Note => None,
    };
    match by_number {
        Some(number) => rows.sort_by_key(|row| Reverse(number(row))),
        None => rows.sort_by(|a, b| {
            let text = |row: &Row| row.cells[column as usize].text().to_owned();
            text(a).cmp(&text(b))
        }),
    }
    if is_reversed {
        rows.reverse();
    }
}
