//! `rsipc ls`: every object, in a table or as JSON.

mod columns;
mod ipcs;
mod kernel;
mod processes;
mod watch;

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::selection::Selection;
use crate::deadlock;
use crate::failure::{Result, reason};
use crate::objects::set::{self, Snapshot};
use crate::objects::sysv::{self, Common, shown_key};
use crate::objects::{self, State};
use crate::output::json;
use crate::output::style::{Style, Tone};
use crate::output::table::{Cell, Table};
use crate::output::user::Users;
use crate::output::{amount, print, terminal, time, warn};
use crate::processes::Pid;
use crate::report::Report;
use crate::report::kernel::KernelReport;
use crate::survey::{Confidence, Depth, Entry, Survey};
use columns::{Column, Numbers, Row};
use processes::shown;

/// List the objects, their contents, their waiters, and the processes that have them open
#[derive(Args)]
pub struct Options {
    /// Print JSON for programs
    #[arg(long, conflicts_with_all = ["columns", "sort", "reverse", "noheadings", "total"])]
    json: bool,
    #[command(flatten)]
    aspect: ipcs::Aspect,
    #[command(flatten)]
    layout: Layout,
    /// Also unnamed semaphores in the memory of processes, as far as threads sleep on them
    #[arg(long)]
    private: bool,
    /// Repeat every 2s, or at this interval, until Ctrl-C
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "2s", value_parser = watch::parse)]
    #[arg(conflicts_with_all = ["json", "Aspect"])]
    watch: Option<Duration>,
    #[command(flatten)]
    selection: Selection,
}

/// How the table is laid out.
#[derive(Args, Default)]
struct Layout {
    /// Only these columns, in this order
    #[arg(long, short = 'o', value_name = "COLUMNS", value_enum, value_delimiter = ',')]
    columns: Vec<Column>,
    /// Sort by this column: numbers from the largest, text from A to Z
    #[arg(long, value_name = "COLUMN", value_enum)]
    sort: Option<Column>,
    /// Reverse the order
    #[arg(long, short)]
    reverse: bool,
    /// Omit the line of headings
    #[arg(long)]
    noheadings: bool,
    /// Add a last line with the number of objects and their memory
    #[arg(long)]
    total: bool,
}

/// Objects for programs.
#[derive(Serialize)]
pub struct Listing {
    directory: String,
    /// Processes that could not be inspected.
    unseen_processes: usize,
    objects: Vec<Report>,
    /// Those of System V that the kernel has.
    kernel: Vec<KernelReport>,
}

impl Listing {
    /// `is_of_sysv`: only objects of System V.
    pub fn of(survey: &Survey, is_of_sysv: bool) -> Self {
        let entries = survey.entries.iter();
        let entries = entries.filter(|entry| !is_of_sysv || entry.object.kind().is_sysv());
        Self {
            directory: objects::directory().to_string_lossy().into_owned(),
            unseen_processes: survey.unseen,
            objects: entries.map(|entry| Report::of(entry, survey)).collect(),
            kernel: survey.kernel.iter().map(|object| KernelReport::of(object, survey)).collect(),
        }
    }
}

pub fn run(options: &Options) -> Result<()> {
    if let Some(interval) = options.watch {
        // What has never been there does not come back, either; later one that is gone may.
        survey(options)?.1.map_err(|failure| {
            failure.advise("`rsipc ls` lists the objects; an interval is written --watch=2s")
        })?;
        return watch::again(interval, || Ok(draw(&options.layout, &survey(options)?.0)));
    }
    let (survey, found) = survey(options)?;
    if found.is_ok() || !survey.entries.is_empty() || !survey.kernel.is_empty() {
        show(options, &survey)?;
    }
    found
}

fn show(options: &Options, survey: &Survey) -> Result<()> {
    let is_asked = |kind| options.selection.has_kind(kind);
    if options.json {
        return match ipcs::numbers(&options.aspect, is_asked, survey) {
            Some(numbers) => json::print_document(numbers),
            None => json::print_document(Listing::of(survey, options.aspect.is_any())),
        };
    }
    if ipcs::show(&options.aspect, is_asked, survey)? {
        return Ok(());
    }
    let (table, below) = draw(&options.layout, survey);
    print(table + &below)?;
    if !survey.is_complete() && !survey.entries.is_empty() {
        warn(survey.what_is_hidden());
    }
    Ok(())
}

/// What is to be listed, and a failure if nothing has a name that was asked for.
fn survey(options: &Options) -> Result<(Survey, Result<()>)> {
    let depth = if options.private { Depth::Memory } else { options.selection.depth() };
    let (mut survey, _) = deadlock::look(depth)?;
    let found = options.selection.apply(&mut survey);
    Ok((survey, found))
}

/// All objects, as a table.
pub fn overview() -> Result<Table> {
    Survey::take(Depth::Objects).map(|survey| table(&Layout::default(), &survey))
}

/// The table, and the line below it.
fn draw(layout: &Layout, survey: &Survey) -> (String, String) {
    let below = if layout.total { total(survey) } else { String::new() };
    (table(layout, survey).render(Style::of_stdout()), below)
}

/// The objects, their memory, and the threads that wait in them.
fn total(survey: &Survey) -> String {
    let count = survey.entries.len() + survey.kernel.len();
    let bytes: u64 = survey.entries.iter().filter_map(|entry| entry.object.allocated()).sum();
    let waiters: usize = survey.entries.iter().map(|entry| entry.waiters.len()).sum();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (objects, threads) = (plural(count), plural(waiters));
    let bytes = amount::in_words(bytes);
    format!("{count} object{objects}, {bytes} allocated, {waiters} waiter{threads}\n")
}

fn table(layout: &Layout, survey: &Survey) -> Table {
    let mut users = Users::default();
    let ours = survey.entries.iter().map(|entry| row(entry, survey, &mut users));
    let mut rows: Vec<Row> = ours.collect();
    rows.extend(survey.kernel.iter().map(|object| kernel::row(object, survey, &mut users)));
    if let Some(column) = layout.sort {
        columns::sort(&mut rows, column, layout.reverse);
    } else if layout.reverse {
        rows.reverse();
    }
    let width = terminal::size().map(|(columns, _)| columns);
    let asked = if layout.columns.is_empty() { &Column::ALL[..] } else { &layout.columns };
    let mut shown = asked.to_vec();
    let mut dispensable = Column::DISPENSABLE.iter().filter(|_| layout.columns.is_empty());
    loop {
        let mut table = Table::new(shown.iter().map(|column| column.heading()).collect::<Vec<_>>());
        table.without_headings(layout.noheadings);
        for Row { cells, .. } in &rows {
            table.push(
                shown.iter().map(|column| cells[*column as usize].clone()).collect::<Vec<_>>(),
            );
        }
        let fits = width.is_none_or(|width| table.fit(width));
        if fits {
            return table;
        }
        // One long name must not cost all objects their columns. A user that asks for columns gets
        // them.
        if let Some(width) = width.filter(|_| layout.columns.is_empty())
            && cut_long_names(&mut rows, width)
        {
            continue;
        }
        match dispensable.next() {
            Some(column) => shown.retain(|kept| kept != column),
            None => return table,
        }
    }
}

/// Names that take more than half of the terminal get a third of it. Whether there was one.
fn cut_long_names(rows: &mut [Row], width: usize) -> bool {
    const LEAST: usize = 20;
    let least = LEAST.min(width / 3);
    let names = rows.iter_mut().map(|row| &mut row.cells[Column::Name as usize]);
    let long = names.filter(|name| name.width() > (width / 2).max(least));
    long.map(|name| name.cut((width / 3).max(least))).count() > 0
}

fn row(entry: &Entry, survey: &Survey, users: &mut Users) -> Row {
    let object = &entry.object;
    let unknown = || if object.memory.is_some() { "-" } else { "?" }.to_owned();
    let metadata = object.metadata.as_ref();
    let age = metadata.map(|metadata| time::age(metadata.created));
    let cells = [
        object.kind().name().into(),
        object.shown_name().into(),
        object.owner().map_or_else(unknown, |(uid, _)| users.name(uid).to_owned()).into(),
        object.mode().map_or_else(unknown, |mode| format!("{mode:04o}")).into(),
        object.size().map_or_else(unknown, amount::short).into(),
        age.map_or_else(unknown, time::short).into(),
        state(&object.state, survey),
        waiters(entry, survey),
        holders(entry, survey).into(),
        note(entry, survey),
    ];
    let numbers = Numbers {
        size: object.size().unwrap_or(0),
        age: age.map_or(0, |age| age.as_secs()),
        level: object.state.level(),
        waiters: entry.waiters.len(),
        openers: entry.holders.len(),
    };
    Row { cells, numbers }
}

/// Values of a set are shown in so many columns.
const VALUES: usize = 12;

/// The value of a semaphore; of a queue how many messages it has and may have; the values of a set;
/// how often a segment is attached.
pub fn state(state: &State, survey: &Survey) -> Cell {
    match state {
        State::Sem(Ok(semaphore)) => semaphore.value.to_string().into(),
        State::Mq(Ok(queue)) => format!("{}/{}", queue.messages, queue.max_messages).into(),
        State::Set(Ok(set)) => set::shown_values(set, VALUES).into(),
        State::Messages(Ok(queue)) => queue.description.amount.messages.to_string().into(),
        State::Segment(Ok(segment)) => {
            let count = segment.attached.len() as u64;
            sysv::shown_attachments(count, survey.is_complete()).into()
        }
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
        None => (entry.has_no_sender.then(|| "no sender".to_owned()), tone),
        Some(Confidence::Possible) => (Some("deadlock?".to_owned()), Tone::Notable),
        Some(_) => (Some("deadlock".to_owned()), Tone::Bad),
    };
    let parts: Vec<String> = stuck.into_iter().chain(own).chain(held).chain(general).collect();
    Cell::new(parts.join("; "), tone)
}

/// Of any object.
fn general_note(entry: &Entry, survey: &Survey) -> (Option<String>, Tone) {
    if entry.object.unlinked {
        let called = if entry.object.name.starts_with(b"#") {
            "unlinked".to_owned()
        } else {
            format!("unlinked: #{}", entry.object.id.inode)
        };
        return (Some(called), Tone::Notable);
    }
    if let Some(pid) = entry.object.elsewhere {
        return (Some(format!("in the mount namespace of {pid}")), Tone::Plain);
    }
    if let Some(memory) = &entry.object.memory {
        return (Some(super::memory::describe(memory)), Tone::Plain);
    }
    let Some(metadata) = &entry.object.metadata else { return (None, Tone::Plain) };
    let idle = time::short(time::age(metadata.last_use));
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
        .then(|| "lives until the last process detaches it".to_owned());
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
