//! `rsipc ls`: every object, in a table or as JSON.

mod kernel;
mod processes;

use clap::Args;
use serde::Serialize;

use crate::failure::{Result, reason};
use crate::objects::set::{self, Snapshot};
use crate::objects::{self, Kind, State};
use crate::output::json;
use crate::output::style::{Style, Tone};
use crate::output::table::{Align, Cell, Table};
use crate::output::user::Users;
use crate::output::{amount, print, time, warn};
use crate::processes::Pid;
use crate::report::Report;
use crate::report::kernel::KernelReport;
use crate::survey::{Entry, Survey};
use processes::shown;

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
    /// Those of System V that the kernel has.
    kernel: Vec<KernelReport>,
}

impl Listing {
    pub fn of(survey: &Survey) -> Self {
        Self {
            directory: objects::directory().to_string_lossy().into_owned(),
            unseen_processes: survey.unseen,
            objects: survey.entries.iter().map(|entry| Report::of(entry, survey)).collect(),
            kernel: survey.kernel.iter().map(|object| KernelReport::of(object, survey)).collect(),
        }
    }
}

pub fn run(options: &Options) -> Result<()> {
    let mut survey = Survey::take()?;
    if !options.kinds.is_empty() {
        survey.entries.retain(|entry| options.kinds.contains(&entry.object.kind()));
        survey.kernel.retain(|object| options.kinds.contains(&object.kind));
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
    for object in &survey.kernel {
        table.push(kernel::row(object, survey, &mut users));
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
        object.owner().map_or_else(unknown, |(uid, _)| users.name(uid).to_owned()).into(),
        object.mode().map_or_else(unknown, |mode| format!("{mode:04o}")).into(),
        metadata.map_or_else(unknown, |metadata| amount::short(metadata.size)).into(),
        metadata.map_or_else(unknown, |metadata| time::short(time::since(metadata.created))).into(),
        state(&object.state),
        waiters(entry, survey),
        holders(entry, survey).into(),
        note(entry, survey),
    ]
}

/// Values of a set are shown in so many columns.
const VALUES: usize = 12;

/// The value of a semaphore; of a queue how many messages it has and may have; the values of a set.
pub fn state(state: &State) -> Cell {
    match state {
        State::Sem(Ok(semaphore)) => semaphore.value.to_string().into(),
        State::Mq(Ok(queue)) => format!("{}/{}", queue.messages, queue.max_messages).into(),
        State::Set(Ok(set)) => set::shown_values(set, VALUES).into(),
        State::Sem(Err(_)) | State::Mq(Err(_)) | State::Set(Err(_)) => Cell::new("?", Tone::Bad),
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
    let pids: Vec<Pid> = entry.holders.iter().map(|holder| holder.pid).collect();
    if !pids.is_empty() {
        return shown(&pids, survey);
    }
    if survey.is_complete() { "-".to_owned() } else { "?".to_owned() }
}

pub fn note(entry: &Entry, survey: &Survey) -> Cell {
    let object = &entry.object;
    if let Some(error) = object.state.error() {
        return Cell::new(reason(error), Tone::Bad);
    }
    let own = object.set().map(|set| note_of_set(set, survey)).unwrap_or_default();
    let (general, tone) = general_note(entry, survey);
    let tone = if object.set().and_then(set::trouble).is_some() { Tone::Notable } else { tone };
    let parts: Vec<String> = own.into_iter().chain(general).collect();
    Cell::new(parts.join("; "), tone)
}

/// Of any object.
fn general_note(entry: &Entry, survey: &Survey) -> (Option<String>, Tone) {
    if entry.object.unlinked {
        return (Some("unlinked".to_owned()), Tone::Notable);
    }
    let Some(metadata) = &entry.object.metadata else { return (None, Tone::Plain) };
    let idle = time::short(time::since(metadata.last_use));
    match entry.is_stale(survey) {
        Some(true) => (Some(format!("stale, last used {idle} ago")), Tone::Notable),
        None => (Some(format!("stale?, last used {idle} ago")), Tone::Faint),
        Some(false) => (None, Tone::Plain),
    }
}

/// Its id if that is not its name, what is wrong with it, and who will give back what.
fn note_of_set(set: &Snapshot, survey: &Survey) -> Vec<String> {
    let id = set::shown_key(set.key).map(|_| format!("id {}", set.id));
    let trouble = set::trouble(set).map(str::to_owned);
    let mut pids: Vec<Pid> = set::living(set)
        .filter(|adjustment| adjustment.amount > 0)
        .filter_map(|adjustment| Some(adjustment.pid?.cast_signed()))
        .collect();
    pids.dedup();
    let held = (!pids.is_empty()).then(|| format!("held by undo: {}", shown(&pids, survey)));
    [id, trouble, held].into_iter().flatten().collect()
}
