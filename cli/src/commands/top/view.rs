//! What the user has chosen to see, and what the keys change.

use std::collections::{HashMap, VecDeque};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::meter::Flow;
use super::order::Key;
use super::watch::{Seen, Snapshot};
use crate::objects::file::FileId;
use crate::survey::Entry;

/// Seconds that are remembered of each object.
const REMEMBERED: usize = 240;

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    List,
    /// The list, while a filter is typed.
    Filter,
    /// One object.
    Detail,
    Help,
}

/// What a key asks of the owner of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    Suspend,
    End,
}

/// The last one first.
pub type Track = VecDeque<Flow>;

/// See the module.
#[derive(Default)]
pub struct View {
    pub snapshot: Option<Snapshot>,
    tracks: HashMap<FileId, Track>,
    pub page: Page,
    pub sort: Key,
    pub is_reversed: bool,
    pub is_paused: bool,
    pub filter: String,
    /// Why the last look failed.
    pub trouble: Option<String>,
    chosen: Option<FileId>,
    /// Rows above the first one on the screen, and lines of a text.
    pub above: usize,
    pub lines_above: usize,
    /// Rows on the screen, as it was drawn last.
    pub room: usize,
}

impl View {
    pub fn take(&mut self, seen: Seen) {
        match seen {
            Err(failure) => self.trouble = Some(failure.to_string()),
            Ok(snapshot) => {
                self.trouble = None;
                self.remember(&snapshot);
                if !self.is_paused || self.snapshot.is_none() {
                    self.snapshot = Some(snapshot);
                }
            }
        }
    }

    fn remember(&mut self, snapshot: &Snapshot) {
        self.tracks.retain(|id, _| snapshot.flows.contains_key(id));
        for (id, flow) in &snapshot.flows {
            let track = self.tracks.entry(*id).or_default();
            track.push_front(*flow);
            track.truncate(REMEMBERED);
        }
    }

    /// Objects in the order in which they are listed.
    pub fn rows(&self) -> Vec<&Entry> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let mut rows: Vec<&Entry> =
            snapshot.survey.entries.iter().filter(|entry| self.passes(entry)).collect();
        let with_flow = |entry: &'_ Entry| self.flow(entry).unwrap_or_default();
        rows.sort_by(|a, b| self.sort.compare((a, with_flow(a)), (b, with_flow(b))));
        if self.is_reversed {
            rows.reverse();
        }
        rows
    }

    /// By a part of its name, of its kind, or of the name of a program that has it.
    fn passes(&self, entry: &Entry) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.filter.to_lowercase());
        let Some(snapshot) = &self.snapshot else { return false };
        let holds = |pid| has(&snapshot.survey.shown_program(pid));
        has(&entry.object.shown_name())
            || has(entry.object.kind().name())
            || entry.holders.iter().any(|holder| holds(holder.pid))
    }

    pub fn flow(&self, entry: &Entry) -> Option<Flow> {
        self.snapshot.as_ref()?.flows.get(&entry.object.id).copied()
    }

    /// Nothing passes through it, or it was not there before.
    pub fn track(&self, entry: &Entry) -> Option<&Track> {
        self.tracks.get(&entry.object.id)
    }

    /// The place of the chosen row among these. It stays with its object when others come and go.
    pub fn place(&self, rows: &[&Entry]) -> usize {
        rows.iter().position(|entry| Some(entry.object.id) == self.chosen).unwrap_or(0)
    }

    /// The object that is shown alone. None: it is gone.
    pub fn opened(&self) -> Option<&Entry> {
        let entries = self.snapshot.iter().flat_map(|snapshot| &snapshot.survey.entries);
        entries.into_iter().find(|entry| Some(entry.object.id) == self.chosen)
    }

    pub fn press(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Wish::End,
                KeyCode::Char('z') => Wish::Suspend,
                _ => Wish::Nothing,
            };
        }
        match self.page {
            Page::Filter => self.press_in_filter(key.code),
            Page::List => return self.press_in_list(key.code),
            Page::Detail | Page::Help => return self.press_in_text(key.code),
        }
        Wish::Nothing
    }

    fn press_in_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.page = Page::List,
            KeyCode::Esc => {
                self.filter.clear();
                self.page = Page::List;
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(character) => self.filter.push(character),
            _ => {}
        }
    }

    fn press_in_list(&mut self, key: KeyCode) -> Wish {
        match key {
            KeyCode::Char('q') => return Wish::End,
            KeyCode::Char('s') | KeyCode::Right => self.sort = self.sort.beside(1),
            KeyCode::Char('S') | KeyCode::Left => self.sort = self.sort.beside(-1),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('/') => self.page = Page::Filter,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Enter => self.open(),
            _ => self.press_anywhere(key),
        }
        if let Some(step) = step(key, self.room) {
            self.choose(step);
        }
        Wish::Nothing
    }

    fn press_in_text(&mut self, key: KeyCode) -> Wish {
        match key {
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => {
                self.page = Page::List;
            }
            _ => self.press_anywhere(key),
        }
        if let Some(step) = step(key, self.room) {
            self.lines_above = self.lines_above.saturating_add_signed(step);
        }
        Wish::Nothing
    }

    fn press_anywhere(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('?' | 'h') => (self.page, self.lines_above) = (Page::Help, 0),
            _ => {}
        }
    }

    fn open(&mut self) {
        let rows = self.rows();
        let Some(entry) = rows.get(self.place(&rows)) else { return };
        self.chosen = Some(entry.object.id);
        (self.page, self.lines_above) = (Page::Detail, 0);
    }

    fn choose(&mut self, step: isize) {
        let rows = self.rows();
        let place = self.place(&rows).saturating_add_signed(step).min(rows.len().saturating_sub(1));
        self.chosen = rows.get(place).map(|entry| entry.object.id);
    }
}

/// How far a key moves.
fn step(key: KeyCode, page: usize) -> Option<isize> {
    const FAR: isize = isize::MAX / 2;
    let page = page.max(1).cast_signed();
    match key {
        KeyCode::Down | KeyCode::Char('j') => Some(1),
        KeyCode::Up | KeyCode::Char('k') => Some(-1),
        KeyCode::PageDown => Some(page),
        KeyCode::PageUp => Some(-page),
        KeyCode::Home | KeyCode::Char('g') => Some(-FAR),
        KeyCode::End | KeyCode::Char('G') => Some(FAR),
        _ => None,
    }
}
