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
use crate::output::escape;
use crate::output::style::{Style, Tone};
use crate::survey::Entry;

pub fn draw(frame: &mut Frame, view: &mut View, theme: Theme) {
    let [about, choice, page, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Line::from(summary(view)).style(Theme::selected()), about);
    frame.render_widget(note(view, theme, choice.width), choice);
    frame.render_widget(Line::from(keys_of(view.page)).style(theme.look(Tone::Faint)), keys);
    view.room = usize::from(page.height);
    match view.page {
        Page::List | Page::Filter => list::draw(frame, view, theme, page),
        Page::Help => text(frame, view, help::TEXT, page),
        Page::Detail => {
            let described = detail(view, theme, page);
            text(frame, view, &described, page);
        }
    }
}

fn summary(view: &View) -> String {
    let directory = escape::text(objects::directory().as_os_str().as_encoded_bytes());
    let Some(snapshot) = &view.snapshot else { return format!(" rsipc top: {directory}") };
    let count =
        |kind| snapshot.survey.entries.iter().filter(|entry| entry.object.kind() == kind).count();
    let waiters: usize = snapshot.survey.entries.iter().map(|entry| entry.waiters.len()).sum();
    let mut text = format!(" rsipc top: {directory} ");
    for kind in [Kind::Sem, Kind::Mq, Kind::Shm, Kind::Svsem, Kind::Svmsg, Kind::Svshm] {
        // Those of System V are left out where there are none, as the line may be short.
        if count(kind) > 0 || !matches!(kind, Kind::Svmsg | Kind::Svshm) {
            // Writing to a String cannot fail.
            let _ = write!(text, "  {} {}", kind.name(), count(kind));
        }
    }
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
    if let Some(trouble) = &view.trouble {
        let first = trouble.lines().next().unwrap_or_default().to_owned();
        spans.push(Span::styled(format!("   {first}"), theme.look(Tone::Bad)));
    } else if let Some(deadlock) = view.snapshot.as_ref().and_then(|now| now.deadlocks.first()) {
        let room = usize::from(width).saturating_sub(spans.iter().map(Span::width).sum());
        let text = theme.fit(&format!("   {deadlock}"), room);
        spans.push(Span::styled(text, theme.look(Tone::Bad)));
    } else if let Some(hidden) = view.snapshot.as_ref().map(|snapshot| snapshot.survey.unseen)
        && hidden > 0
    {
        let processes = if hidden == 1 { "process" } else { "processes" };
        let text = format!("   ? = unknown: {hidden} {processes} could not be inspected");
        spans.push(Span::styled(text, theme.look(Tone::Notable)));
    }
    Line::from(spans)
}

fn keys_of(page: Page) -> &'static str {
    match page {
        Page::List => " up/down choose  enter open  s sort  r reverse  / filter  ? help  q quit",
        Page::Filter => " type a part of a name, a kind or a program   enter keep   esc clear",
        Page::Detail | Page::Help => " up/down scroll  esc back to the list  space pause",
    }
}

/// A text that may be longer than the page.
fn text(frame: &mut Frame, view: &mut View, text: &str, area: Rect) {
    let most = text.lines().count().saturating_sub(usize::from(area.height));
    view.lines_above = view.lines_above.min(most);
    let lines: Vec<Line> = text.lines().skip(view.lines_above).map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines), area);
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
