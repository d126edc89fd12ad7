//! `rsipc ls`: every object, in a table or as JSON.

mod ipcs;
mod kernel;
mod processes;

use clap::Args;
use serde::Serialize;

use crate::deadlock;
use crate::failure::{Result, reason};
use crate::objects::set::{self, Snapshot};
use crate::objects::sysv::{Common, shown_key};
use crate::objects::{self, Kind, State};
use crate::output::json;
use crate::output::style::{Style, Tone};
use crate::output::table::{Align, Cell, Table};
use crate::output::user::Users;
use crate::output::{amount, print, time, warn};
use crate::processes::Pid;
use crate::report::Report;
use crate::report::kernel::KernelReport;
use crate::survey::{Confidence, Entry, Survey};
use processes::shown;

/// List the objects: what they hold, who has them, who waits for them
#[derive(Args)]
pub struct Options {
    /// Print JSON for programs
    #[arg(long, conflicts_with = "Aspect")]
    json: bool,
    #[command(flatten)]
    aspect: ipcs::Aspect,
    /// Only objects of these kinds: sem and shm are those of System V, too, and msg is svmsg
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
    let (mut survey, _) = deadlock::look()?;
    let kinds = with_sysv(&options.kinds);
    if !kinds.is_empty() {
        survey.entries.retain(|entry| kinds.contains(&entry.object.kind()));
        survey.kernel.retain(|object| kinds.contains(&object.kind));
    }
    if ipcs::show(&options.aspect, &kinds, &survey)? {
        return Ok(());
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

/// Who asks for semaphores, or for shared memory, is shown those of System V, too.
fn with_sysv(kinds: &[Kind]) -> Vec<Kind> {
    let more = kinds.iter().filter_map(|kind| match kind {
        Kind::Sem => Some(Kind::Svsem),
        Kind::Shm => Some(Kind::Svshm),
        _ => None,
    });
    kinds.iter().copied().chain(more).collect()
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
        ("OPEN BY", Align::Left),
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

/// The value of a semaphore; of a queue how many messages it has and may have; the values of a set;
/// how often a segment is attached.
pub fn state(state: &State) -> Cell {
    match state {
        State::Sem(Ok(semaphore)) => semaphore.value.to_string().into(),
        State::Mq(Ok(queue)) => format!("{}/{}", queue.messages, queue.max_messages).into(),
        State::Set(Ok(set)) => set::shown_values(set, VALUES).into(),
        State::Messages(Ok(queue)) => queue.description.amount.messages.to_string().into(),
        State::Segment(Ok(segment)) => format!("{} att", segment.attached.len()).into(),
        state if state.error().is_some() => Cell::new("?", Tone::Bad),
        _ => Cell::new("-", Tone::Faint),
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
    let common = object.common();
    let own = common.map(|common| note_of_sysv(&common)).unwrap_or_default();
    let held = object.set().and_then(|set| note_of_set(set, survey));
    let (general, tone) = general_note(entry, survey);
    let is_notable = common.is_some_and(|common| common.trouble().is_some());
    let tone = if is_notable { Tone::Notable } else { tone };
    let (stuck, tone) = match entry.deadlock {
        None => (None, tone),
        Some(Confidence::Possible) => (Some("deadlock?".to_owned()), Tone::Notable),
        Some(_) => (Some("deadlock".to_owned()), Tone::Bad),
    };
    let parts: Vec<String> = stuck.into_iter().chain(own).chain(held).chain(general).collect();
    Cell::new(parts.join("; "), tone)
}

/// Of any object.
fn general_note(entry: &Entry, survey: &Survey) -> (Option<String>, Tone) {
    if entry.object.unlinked {
        let called = match entry.object.name.starts_with(b"#") {
            true => "unlinked".to_owned(),
            false => format!("unlinked: #{}", entry.object.id.inode),
        };
        return (Some(called), Tone::Notable);
    }
    if let Some(pid) = entry.object.elsewhere {
        return (Some(format!("in the mount namespace of {pid}")), Tone::Plain);
    }
    let Some(metadata) = &entry.object.metadata else { return (None, Tone::Plain) };
    let idle = time::short(time::since(metadata.last_use));
    match entry.is_stale(survey) {
        Some(true) => (Some(format!("stale, last used {idle} ago")), Tone::Notable),
        None => (Some(format!("stale?, last used {idle} ago")), Tone::Faint),
        Some(false) => (None, Tone::Plain),
    }
}

/// Its id if that is not its name, and what is wrong with it.
fn note_of_sysv(common: &Common) -> Vec<String> {
    let id = shown_key(common.key).map(|_| format!("id {}", common.id));
    let goes = (common.is_removed() && common.trouble().is_none())
        .then(|| "goes with the last that detaches it".to_owned());
    let trouble = common.trouble().map(str::to_owned);
    [id, goes, trouble].into_iter().flatten().collect()
}

/// Who will give back what.
fn note_of_set(set: &Snapshot, survey: &Survey) -> Option<String> {
    let mut pids: Vec<Pid> = set::living(set)
        .filter(|adjustment| adjustment.amount > 0)
        .filter_map(|adjustment| Some(adjustment.pid?.cast_signed()))
        .collect();
    pids.dedup();
    (!pids.is_empty()).then(|| format!("held by undo: {}", shown(&pids, survey)))
}
