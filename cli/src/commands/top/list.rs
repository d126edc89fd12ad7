//! The table of objects.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style as Look;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Row, Table};

use super::meter::{Flow, Rate};
use super::order::Key;
use super::theme::{Theme, short_rate};
use super::view::View;
use crate::commands::ls;
use crate::objects::State;
use crate::output::style::Tone;
use crate::output::user::Users;
use crate::output::{amount, table};
use crate::survey::{Confidence, Entry, Survey};

/// Below this, the columns that one can do without are left out.
const WIDE: u16 = 120;

/// A column: what it shows, and how wide it is in a narrow and in a wide terminal.
struct Column {
    title: &'static str,
    key: Option<Key>,
    narrow: Option<Constraint>,
    wide: Constraint,
    is_right: bool,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Kind,
    Name,
    Owner,
    Mode,
    Size,
    State,
    Into,
    Out,
    Waiters,
    /// How many.
    HolderCount,
    /// Who.
    Holders,
    Activity,
    Note,
}

const fn column(
    title: &'static str,
    what: What,
    key: Option<Key>,
    narrow: Option<Constraint>,
    wide: Constraint,
    is_right: bool,
) -> Column {
    Column { title, key, narrow, wide, is_right, what }
}

const fn cells(count: u16) -> Constraint {
    Constraint::Length(count)
}

const COLUMNS: [Column; 13] = [
    column("KIND", What::Kind, Some(Key::Kind), Some(cells(5)), cells(5), false),
    column(
        "NAME",
        What::Name,
        Some(Key::Name),
        Some(Constraint::Min(8)),
        Constraint::Fill(3),
        false,
    ),
    column("OWNER", What::Owner, None, None, cells(10), false),
    column("MODE", What::Mode, None, None, cells(4), true),
    column("SIZE", What::Size, None, None, cells(7), true),
    column("STATE", What::State, Some(Key::State), Some(cells(9)), cells(12), true),
    column("IN/s", What::Into, Some(Key::Into), Some(cells(7)), cells(8), true),
    column("OUT/s", What::Out, Some(Key::Out), Some(cells(7)), cells(8), true),
    column("WAIT", What::Waiters, Some(Key::Waiters), Some(cells(4)), cells(4), true),
    column("OPEN", What::HolderCount, Some(Key::Holders), Some(cells(4)), cells(4), true),
    column("OPEN BY", What::Holders, None, None, Constraint::Fill(3), false),
    column("ACTIVITY", What::Activity, None, Some(cells(14)), cells(32), false),
    column("NOTE", What::Note, None, None, Constraint::Fill(2), false),
];

/// The first ones are the first to be left out where not even a narrow list has room.
const DISPENSABLE: [What; 5] =
    [What::Activity, What::Out, What::Into, What::HolderCount, What::Kind];

/// The columns that have room.
fn columns_for(width: u16) -> Vec<(&'static Column, Constraint)> {
    let is_wide = width >= WIDE;
    let mut columns: Vec<(&Column, Constraint)> = COLUMNS
        .iter()
        .filter_map(|column| Some((column, if is_wide { column.wide } else { column.narrow? })))
        .collect();
    let least = |(_, constraint): &(&Column, Constraint)| match constraint {
        Constraint::Length(cells) | Constraint::Min(cells) => cells + 1,
        _ => 1,
    };
    for what in DISPENSABLE {
        if columns.iter().map(least).sum::<u16>() > width + 1 {
            columns.retain(|(column, _)| column.what != what);
        }
    }
    columns
}

pub fn draw(frame: &mut Frame, view: &mut View, theme: Theme, area: Rect) {
    let columns = columns_for(area.width);
    let constraints: Vec<Constraint> = columns.iter().map(|(_, constraint)| *constraint).collect();
    let widths: Vec<usize> = Layout::horizontal(&constraints)
        .spacing(1)
        .split(Rect { height: 1, ..area })
        .iter()
        .map(|part| usize::from(part.width))
        .collect();
    // Below the heading.
    let room = usize::from(area.height).saturating_sub(1);
    scroll(view, room);
    let rows = view.rows();
    let place = view.place(&rows);
    let mut users = Users::default();
    let body = rows.iter().enumerate().skip(view.above).take(room).map(|(number, entry)| {
        let cells = columns.iter().zip(&widths).map(|((column, _), width)| {
            let (text, look) = cell(column.what, entry, view, theme, *width, &mut users);
            aligned(theme.fit(&text, *width), column.is_right, look)
        });
        let look = if number == place { Theme::selected() } else { Look::new() };
        Row::new(cells.collect::<Vec<_>>()).style(look)
    });
    let heading = columns.iter().map(|(column, _)| {
        let look = if column.key == Some(view.sort) { Theme::selected() } else { Look::new() };
        aligned(column.title.to_owned(), column.is_right, look)
    });
    let heading = Row::new(heading.collect::<Vec<_>>()).style(theme.look(Tone::Heading));
    let table = Table::new(body.collect::<Vec<_>>(), constraints).header(heading).column_spacing(1);
    frame.render_widget(table, area);
}

/// So that the chosen row is on the screen.
fn scroll(view: &mut View, room: usize) {
    let rows = view.rows();
    let (place, count) = (view.place(&rows), rows.len());
    let first = place.saturating_sub(room.saturating_sub(1));
    view.above = view.above.clamp(first, place.max(first)).min(count.saturating_sub(room));
    view.room = room;
}

fn aligned<'a>(text: String, is_right: bool, look: Look) -> Cell<'a> {
    let line = Line::from(text);
    Cell::from(Text::from(if is_right { line.right_aligned() } else { line })).style(look)
}

fn cell(
    what: What,
    entry: &Entry,
    view: &View,
    theme: Theme,
    width: usize,
    users: &mut Users,
) -> (String, Look) {
    let object = &entry.object;
    let plain = |text: String| (text, Look::new());
    let toned = |cell: table::Cell| (cell.text().to_owned(), theme.look(cell.tone()));
    let unknown = || "?".to_owned();
    let Some(survey) = view.snapshot.as_ref().map(|snapshot| &snapshot.survey) else {
        return plain(String::new());
    };
    match what {
        What::Kind => plain(object.kind().name().to_owned()),
        What::Name => {
            let tone = match entry.deadlock {
                None => Tone::Plain,
                Some(Confidence::Possible) => Tone::Notable,
                Some(_) => Tone::Bad,
            };
            (object.shown_name(), theme.look(tone))
        }
        What::Owner => {
            plain(object.owner().map_or_else(unknown, |(uid, _)| users.name(uid).to_owned()))
        }
        What::Mode => plain(object.mode().map_or_else(unknown, |mode| format!("{mode:04o}"))),
        What::Size => plain(object.size().map_or_else(unknown, amount::short)),
        What::State => toned(ls::state(&object.state, survey)),
        What::Into => (passing(entry, view, |flow| Some(flow.into)), Look::new()),
        What::Out => (passing(entry, view, |flow| flow.out), Look::new()),
        What::Waiters => {
            let (text, look) = toned(ls::waiters(entry, survey));
            (if entry.deadlock.is_some() { text + "!" } else { text }, look)
        }
        What::HolderCount => plain(holder_count(entry, survey)),
        What::Holders => plain(ls::holders(entry, survey)),
        What::Note => toned(ls::note(entry, survey)),
        What::Activity => {
            let track = view.track(entry).into_iter().flatten();
            let both = track.map(Flow::total);
            (theme.sparkline(both, width), theme.look(Tone::Good))
        }
    }
}

/// Nothing passes through a shared memory object, as far as anybody can tell.
fn passing(entry: &Entry, view: &View, direction: impl Fn(Flow) -> Option<Rate>) -> String {
    match (&entry.object.state, view.flow(entry)) {
        (State::Shm | State::Segment(_), _) => "-".to_owned(),
        (_, None) => "?".to_owned(),
        (_, Some(flow)) => direction(flow).map_or("-".to_owned(), rate),
    }
}

/// With a mark if it is an estimate.
pub fn rate(rate: Rate) -> String {
    let mark = if rate.is_estimate { "~" } else { "" };
    format!("{mark}{}", short_rate(rate.per_second))
}

/// A question mark where there may be more.
fn holder_count(entry: &Entry, survey: &Survey) -> String {
    match (entry.holders.len(), survey.is_complete()) {
        (count, true) => count.to_string(),
        (0, false) => "?".to_owned(),
        (count, false) => format!("{count}?"),
    }
}
