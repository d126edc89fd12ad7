//! The screen: a line about the whole, a line about the choice, the page, and a line about the
//! keys.

use std::fmt::Write;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::meter::{Flow, Rate};
use super::theme::Theme;
use super::view::{Page, View};
use super::{help, list};
use crate::commands::stat;
use crate::objects::{self, Kind};
use crate::output::style::{Style, Tone};
use crate::output::{escape, fold};
use crate::survey::Entry;

pub fn draw(frame: &mut Frame, view: &mut View, theme: Theme) {
    let [about, choice, page, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let summary = summary(view, theme, about.width);
    frame.render_widget(Line::from(summary).style(Theme::selected()), about);
    frame.render_widget(note(view, theme, choice.width), choice);
    let shown = keys_of(view.page, keys.width);
    frame.render_widget(Line::from(shown).style(theme.look(Tone::Faint)), keys);
    view.room = usize::from(page.height);
    match view.page {
        Page::List | Page::Filter => list::draw(frame, view, theme, page),
        Page::Help => text(frame, view, theme, help::TEXT, page),
        Page::Detail => {
            let described = detail(view, theme, page);
            text(frame, view, theme, &described, page);
        }
    }
}

/// The directory has the room that the numbers leave.
fn summary(view: &View, theme: Theme, width: u16) -> String {
    const TITLE: &str = " rsipc top";
    let numbers = view.snapshot.as_ref().map(|snapshot| numbers(&snapshot.survey.entries));
    let numbers = numbers.unwrap_or_default();
    let width = usize::from(width);
    let room = width.saturating_sub(TITLE.len() + ": ".len() + numbers.len());
    let directory = escape::text(objects::directory().as_os_str().as_encoded_bytes());
    let directory =
        if room < 4 { String::new() } else { format!(": {}", theme.fit(&directory, room)) };
    theme.fit(&format!("{TITLE}{directory}{numbers}"), width)
}

/// How many objects of each kind there are, and how many threads wait.
fn numbers(entries: &[Entry]) -> String {
    let mut text = " ".to_owned();
    for kind in [Kind::Sem, Kind::Mq, Kind::Shm, Kind::Svsem, Kind::Svmsg, Kind::Svshm] {
        let count = entries.iter().filter(|entry| entry.object.kind() == kind).count();
        // Those of System V are left out where there are none, as the line may be short.
        if count > 0 || !matches!(kind, Kind::Svmsg | Kind::Svshm) {
            // Writing to a String cannot fail.
            let _ = write!(text, "  {} {count}", kind.name());
        }
    }
    let waiters: usize = entries.iter().map(|entry| entry.waiters.len()).sum();
    format!("{text}   waiters {waiters}")
}

/// The filter and the order; what is wrong, or unknown.
fn note<'a>(view: &View, theme: Theme, width: u16) -> Line<'a> {
    if view.page == Page::Filter {
        return Line::from(format!(" filter: {}_", view.filter));
    }
    let mut spans = vec![Span::raw(format!(" by {}", view.sort.title()))];
    if view.is_reversed {
        spans.push(Span::raw(", reversed"));
    }
    if !view.filter.is_empty() {
        spans.push(Span::styled(format!("   filter: {}", view.filter), theme.look(Tone::Notable)));
    }
    if view.is_paused {
        spans.push(Span::styled("   paused", theme.look(Tone::Notable)));
    }
    if let Some((text, tone)) = message(view) {
        let room = usize::from(width).saturating_sub(spans.iter().map(Span::width).sum());
        spans.push(Span::styled(theme.fit(&format!("   {text}"), room), theme.look(tone)));
    }
    Line::from(spans)
}

/// What is wrong, or unknown: the worst.
fn message(view: &View) -> Option<(String, Tone)> {
    if let Some(trouble) = &view.trouble {
        return Some((trouble.lines().next().unwrap_or_default().to_owned(), Tone::Bad));
    }
    let snapshot = view.snapshot.as_ref()?;
    if let Some(deadlock) = snapshot.deadlocks.first() {
        return Some((deadlock.clone(), Tone::Bad));
    }
    let hidden = snapshot.survey.unseen;
    let processes = if hidden == 1 { "process" } else { "processes" };
    let text = format!("? = unknown: {hidden} {processes} could not be inspected");
    (hidden > 0).then_some((text, Tone::Notable))
}

/// Where there is too little room, the first ones are left out: the last ones are the way out.
fn keys_of(page: Page, width: u16) -> String {
    let mut keys: &[&str] = match page {
        Page::List => {
            &["up/down choose", "enter open", "s sort", "r reverse", "/ filter", "? help", "q quit"]
        }
        Page::Filter => &["type a part of a name, a kind or a program", "enter keep", "esc clear"],
        Page::Detail | Page::Help => &["up/down scroll", "space pause", "esc back to the list"],
    };
    loop {
        let text = format!(" {}", keys.join("  "));
        match keys.split_first() {
            Some((_, rest)) if text.len() > usize::from(width) => keys = rest,
            _ => return text,
        }
    }
}

/// A text that may be wider or longer than the page.
fn text(frame: &mut Frame, view: &mut View, theme: Theme, text: &str, area: Rect) {
    let width = usize::from(area.width);
    let folded = fold::fold(text, Some(width));
    let most = folded.lines().count().saturating_sub(usize::from(area.height));
    view.lines_above = view.lines_above.min(most);
    let lines = folded.lines().skip(view.lines_above).map(|line| theme.fit(line, width).into());
    frame.render_widget(Paragraph::new(lines.collect::<Vec<Line>>()), area);
}

/// What `rsipc stat` tells of the object, below what passes through it.
fn detail(view: &View, theme: Theme, area: Rect) -> String {
    let (Some(snapshot), Some(entry)) = (&view.snapshot, view.opened()) else {
        return "\n  The object is gone.".to_owned();
    };
    let mut text = flow(view, entry, theme, area);
    text.push_str(&stat::describe(entry, &snapshot.survey, Style::PLAIN));
    text
}

/// What passes through an object, and has passed.
fn flow(view: &View, entry: &Entry, theme: Theme, area: Rect) -> String {
    if entry.object.kind() == Kind::Sem {
        return "  in/s, out/s  unknown: a semaphore does not count its posts\n\n".to_owned();
    }
    let Some(track) = view.track(entry) else { return String::new() };
    let width = usize::from(area.width).saturating_sub(24);
    let newest = track.front().copied().unwrap_or_default();
    let line = |title: &str, direction: fn(&Flow) -> Rate| {
        let bars = theme.sparkline(track.iter().map(|flow| direction(flow).per_second), width);
        format!("  {title:<10} {:>8}  {bars}\n", list::rate(direction(&newest)))
    };
    let mark = if newest.into.is_estimate {
        "  ~ is an estimate, mostly too low: `?` says why\n"
    } else {
        ""
    };
    if newest.out.is_none() {
        return format!("{}\n", line("changes/s", |flow| flow.into));
    }
    let out = line("out/s", |flow| flow.out.unwrap_or_default());
    format!("{}{out}{mark}\n", line("in/s", |flow| flow.into))
}
