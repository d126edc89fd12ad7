//! `rsipc ls`: every object, in a table or as JSON.

use clap::Args;
use serde::Serialize;

use crate::failure::{Result, reason};
use crate::objects::{self, Kind, State};
use crate::output::escape;
use crate::output::json;
use crate::output::style::{Style, Tone};
use crate::output::table::{Align, Cell, Table};
use crate::output::user::Users;
use crate::output::{amount, print, time, warn};
use crate::report::Report;
use crate::survey::{Entry, Survey};

/// List the objects: what they hold, who has them, who waits for them
#[derive(Args)]
pub struct Options {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
    /// Only objects of these kinds
    kinds: Vec<Kind>,
}

/// Objects for programs.
#[derive(Serialize)]
pub struct Listing {
    directory: String,
    /// Processes that could not be looked into.
    unseen_processes: usize,
    objects: Vec<Report>,
}

impl Listing {
    pub fn of(survey: &Survey) -> Self {
        Self {
            directory: objects::directory().to_string_lossy().into_owned(),
            unseen_processes: survey.unseen,
            objects: survey.entries.iter().map(|entry| Report::of(entry, survey)).collect(),
        }
    }
}

/// Of the holders in a table; the others are counted.
const SHOWN_HOLDERS: usize = 3;

pub fn run(options: &Options) -> Result<()> {
    let mut survey = Survey::take()?;
    if !options.kinds.is_empty() {
        survey.entries.retain(|entry| options.kinds.contains(&entry.object.kind()));
    }
    if options.json {
        return json::print_document(Listing::of(&survey));
    }
    print(table(&survey).render(Style::of_stdout()))?;
    if !survey.is_complete() && !survey.entries.is_empty() {
        warn(survey.what_is_hidden());
    }
    Ok(())
}

/// All objects, as a table.
pub fn overview() -> Result<Table> {
    Survey::take().map(|survey| table(&survey))
}

fn table(survey: &Survey) -> Table {
    let mut table = Table::new([
        ("KIND", Align::Left),
        ("NAME", Align::Left),
        ("OWNER", Align::Left),
        ("MODE", Align::Right),
        ("SIZE", Align::Right),
        ("AGE", Align::Right),
        ("STATE", Align::Right),
        ("WAITERS", Align::Right),
        ("HOLDERS", Align::Left),
        ("NOTE", Align::Left),
    ]);
    let mut users = Users::default();
    for entry in &survey.entries {
        table.push(row(entry, survey, &mut users));
    }
    table
}

fn row(entry: &Entry, survey: &Survey, users: &mut Users) -> [Cell; 10] {
    let object = &entry.object;
    let unknown = || "?".to_owned();
    let metadata = object.metadata.as_ref();
    [
        object.kind().name().into(),
        object.shown_name().into(),
        metadata.map_or_else(unknown, |metadata| users.name(metadata.uid).to_owned()).into(),
        object.mode().map_or_else(unknown, |mode| format!("{mode:04o}")).into(),
        metadata.map_or_else(unknown, |metadata| amount::short(metadata.size)).into(),
        metadata.map_or_else(unknown, |metadata| time::short(time::since(metadata.created))).into(),
        state(&object.state),
        waiters(entry, survey),
        holders(entry, survey).into(),
        note(entry, survey),
    ]
}

/// The value of a semaphore; of a queue how many messages it has and may have.
pub fn state(state: &State) -> Cell {
    match state {
        State::Sem(Ok(semaphore)) => semaphore.value.to_string().into(),
        State::Mq(Ok(queue)) => format!("{}/{}", queue.messages, queue.max_messages).into(),
        State::Sem(Err(_)) | State::Mq(Err(_)) => Cell::new("?", Tone::Bad),
        State::Shm => Cell::new("-", Tone::Faint),
    }
}

pub fn waiters(entry: &Entry, survey: &Survey) -> Cell {
    let count = entry.waiters.len();
    match (count, entry.knows_all_waiters(survey)) {
        (0, true) => Cell::new("0", Tone::Faint),
        (0, false) => Cell::new("?", Tone::Faint),
        (_, true) => Cell::new(count.to_string(), Tone::Notable),
        (_, false) => Cell::new(format!("{count}?"), Tone::Notable),
    }
}

pub fn holders(entry: &Entry, survey: &Survey) -> String {
    let mut shown: Vec<String> = entry
        .holders
        .iter()
        .take(SHOWN_HOLDERS)
        .map(|holder| format!("{}:{}", escape::word(survey.program(holder.pid)), holder.pid))
        .collect();
    if entry.holders.len() > SHOWN_HOLDERS {
        shown.push(format!("+{}", entry.holders.len() - SHOWN_HOLDERS));
    }
    match entry.is_stale(survey) {
        Some(true) => "-".to_owned(),
        None => "?".to_owned(),
        Some(false) => shown.join(","),
    }
}

pub fn note(entry: &Entry, survey: &Survey) -> Cell {
    let object = &entry.object;
    if let State::Sem(Err(error)) | State::Mq(Err(error)) = &object.state {
        return Cell::new(reason(error), Tone::Bad);
    }
    if object.unlinked {
        return Cell::new("unlinked", Tone::Notable);
    }
    let Some(metadata) = &object.metadata else { return "".into() };
    let idle = time::short(time::since(metadata.last_use));
    match entry.is_stale(survey) {
        Some(true) => Cell::new(format!("stale, last used {idle} ago"), Tone::Notable),
        None => Cell::new(format!("stale?, last used {idle} ago"), Tone::Faint),
        Some(false) => "".into(),
    }
}
