//! What ipcs(1) tells of the objects of System V: times, processes, makers, sums and limits.

use std::fs;

use clap::Args;
use rsipc_core::sysv::msg;
use rsipc_core::sysv::shm::SIZE_MAX;
use serde_json::json;

use crate::failure::Result;
use crate::objects::Kind;
use crate::objects::sysv::{Account, Contents, shown_key};
use crate::output::style::Style;
use crate::output::table::{Align, Table};
use crate::output::user::Users;
use crate::output::{print, time};
use crate::processes::Pid;
use crate::survey::Survey;

/// Instead of the table of all objects.
#[derive(Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "options, of which one is given")]
pub struct Aspect {
    /// System V objects: the times of their last use and change, as `ipcs -t`
    #[arg(long, short)]
    times: bool,
    /// System V objects: the processes that last used them, as `ipcs -p`
    #[arg(long, short)]
    pids: bool,
    /// System V objects: their creators and owners, as `ipcs -c`
    #[arg(long, short)]
    creators: bool,
    /// System V objects: their number and contents in total, as `ipcs -u`
    #[arg(long, short = 'u')]
    summary: bool,
    /// The limits of System V objects, as `ipcs -l`
    #[arg(long, short)]
    limits: bool,
}

impl Aspect {
    /// Whether one of them was asked for.
    pub fn is_any(&self) -> bool {
        self.times || self.pids || self.creators || self.summary || self.limits
    }
}

/// An object, and whether the kernel has it.
type Known = (Account, bool);

fn kinds(is_asked: impl Fn(Kind) -> bool) -> impl Iterator<Item = Kind> {
    [Kind::Svmsg, Kind::Svsem, Kind::Svshm].into_iter().filter(move |kind| is_asked(*kind))
}

fn known(survey: &Survey) -> Vec<Known> {
    let ours = survey.entries.iter().filter_map(|entry| Some((entry.object.account()?, false)));
    ours.chain(survey.kernel.iter().map(|object| (object.clone(), true))).collect()
}

/// Sums or limits for programs. None: neither was asked for.
pub fn numbers(
    aspect: &Aspect,
    is_asked: impl Fn(Kind) -> bool,
    survey: &Survey,
) -> Option<serde_json::Value> {
    let known = known(survey);
    if aspect.summary {
        let sums = kinds(is_asked).flat_map(|kind| {
            let its = known.iter().filter(|(account, _)| account.kind == kind);
            let named = move |(sum, whose): ([u64; 3], &str)| {
                let contents = match kind {
                    Kind::Svsem => json!({ "semaphores": sum[1] }),
                    Kind::Svmsg => json!({ "messages": sum[1], "bytes": sum[2] }),
                    _ => json!({ "attached": sum[1], "bytes": sum[2] }),
                };
                json!({ "kind": kind, "of": whose, "objects": sum[0], "contents": contents })
            };
            sums(its).into_iter().zip(OWNERS).map(named)
        });
        return Some(json!({ "summary": sums.collect::<Vec<_>>() }));
    }
    aspect.limits.then(|| {
        let limits = kinds(is_asked).flat_map(|kind| {
            let named = move |(what, ours, kernels): Limit| {
                json!({ "kind": kind, "limit": what, "librsipc": ours, "kernel": kernels })
            };
            limits_of(kind).into_iter().map(named)
        });
        json!({ "limits": limits.collect::<Vec<_>>() })
    })
}

/// Who has the objects that are summed up.
const OWNERS: [&str; 2] = ["librsipc", "kernel"];

/// False: none of these was asked for.
pub fn show(aspect: &Aspect, is_asked: impl Fn(Kind) -> bool, survey: &Survey) -> Result<bool> {
    let known = known(survey);
    let of = |kind: Kind| known.iter().filter(move |(account, _)| account.kind == kind);
    let mut users = Users::default();
    let mut tables: Vec<Table> = Vec::new();
    for kind in kinds(is_asked) {
        tables.extend(match aspect {
            Aspect { times: true, .. } => Some(times(kind, of(kind))),
            Aspect { pids: true, .. } => Some(pids(kind, of(kind), survey)),
            Aspect { creators: true, .. } => Some(creators(of(kind), &mut users)),
            Aspect { summary: true, .. } => Some(summary(kind, of(kind))),
            Aspect { limits: true, .. } => Some(limits(kind)),
            _ => None,
        });
    }
    if tables.is_empty() {
        return Ok(false);
    }
    let texts: Vec<String> =
        tables.into_iter().map(|table| table.render(Style::of_stdout())).collect();
    print(texts.join("\n"))?;
    Ok(true)
}

/// Which object it is: kind, key, id, and whose.
fn begin((account, is_kernels): &Known) -> [String; 4] {
    let whose = if *is_kernels { "kernel" } else { "librsipc" };
    [
        account.kind.name().to_owned(),
        shown_key(account.key).unwrap_or_else(|| "-".to_owned()),
        account.id.to_string(),
        whose.to_owned(),
    ]
}

/// A table of objects with some more columns.
fn table<const N: usize>(titles: [&'static str; N]) -> Table {
    let mut columns = vec![
        ("KIND", Align::Left),
        ("KEY", Align::Left),
        ("ID", Align::Right),
        ("OF", Align::Left),
    ];
    columns.extend(titles.map(|title| (title, Align::Left)));
    Table::new(columns)
}

fn row<const N: usize>(known: &Known, more: [String; N]) -> Vec<crate::output::table::Cell> {
    begin(known).into_iter().chain(more).map(Into::into).collect()
}

fn times<'a>(kind: Kind, objects: impl Iterator<Item = &'a Known>) -> Table {
    let titles = match kind {
        Kind::Svsem => ["OPERATED", "", "CHANGED"],
        Kind::Svmsg => ["SENT", "RECEIVED", "CHANGED"],
        _ => ["ATTACHED", "DETACHED", "CHANGED"],
    };
    let mut table = table(titles);
    for known in objects {
        let [first, second] = known.0.times;
        let second = if kind == Kind::Svsem { String::new() } else { time::date(second) };
        table.push(row(known, [time::date(first), second, time::date(known.0.changed)]));
    }
    table
}

fn pids<'a>(kind: Kind, objects: impl Iterator<Item = &'a Known>, survey: &Survey) -> Table {
    let titles = match kind {
        Kind::Svsem => ["USED LAST BY", ""],
        Kind::Svmsg => ["SENT LAST BY", "RECEIVED LAST BY"],
        _ => ["MADE BY", "USED LAST BY"],
    };
    let shown = |pid: Pid| match pid {
        0 => "-".to_owned(),
        _ if !survey.knows(pid) => pid.to_string(),
        _ => super::processes::shown(&[pid], survey),
    };
    let mut table = table(titles);
    for known in objects {
        let pids = match known.0.contents {
            Contents::Queue { last_sender, last_receiver, .. } => [last_sender, last_receiver],
            Contents::Segment { creator, last_user, .. } => [creator, last_user],
            Contents::Set { .. } => [last_of_set(known, survey), 0],
        };
        let second = if kind == Kind::Svsem { String::new() } else { shown(pids[1]) };
        table.push(row(known, [shown(pids[0]), second]));
    }
    table
}

/// A set has a last process for each semaphore: that of the first one that has any.
fn last_of_set((account, is_kernels): &Known, survey: &Survey) -> Pid {
    if *is_kernels {
        return 0;
    }
    let sets = survey.entries.iter().filter_map(|entry| entry.object.set());
    let set = sets.into_iter().find(|set| set.id == account.id);
    let mut pids = set.into_iter().flat_map(|set| &set.members).map(|member| member.pid);
    pids.find(|pid| *pid != 0).map_or(0, u32::cast_signed)
}

fn creators<'a>(objects: impl Iterator<Item = &'a Known>, users: &mut Users) -> Table {
    let mut table = table(["MODE", "MADE BY", "GROUP", "OWNER", "GROUP"]);
    for known in objects {
        let Account { owner, creator, mode, .. } = known.0;
        let mode = format!("{:04o}", mode & 0o777);
        let [made, own] = [creator, owner].map(|(uid, gid)| {
            (users.name(uid).to_owned(), crate::output::user::names((uid, gid)).1)
        });
        table.push(row(known, [mode, made.0, made.1, own.0, own.1]));
    }
    table
}

/// Of ours and of the kernel's.
fn summary<'a>(kind: Kind, objects: impl Iterator<Item = &'a Known>) -> Table {
    let titles = match kind {
        Kind::Svsem => ["SETS", "SEMAPHORES", ""],
        Kind::Svmsg => ["QUEUES", "MESSAGES", "BYTES"],
        _ => ["SEGMENTS", "ATTACHED", "BYTES"],
    };
    let sums = sums(objects);
    let mut columns = vec![("KIND", Align::Left), ("OF", Align::Left)];
    columns.extend(titles.map(|title| (title, Align::Right)));
    let mut table = Table::new(columns);
    for (sum, whose) in sums.into_iter().zip(OWNERS) {
        let last = if kind == Kind::Svsem { String::new() } else { sum[2].to_string() };
        let cells = [
            kind.name().to_owned(),
            whose.to_owned(),
            sum[0].to_string(),
            sum[1].to_string(),
            last,
        ];
        table.push(cells.map(Into::into));
    }
    table
}

/// How many there are, and what is in them: of ours and of the kernel's.
fn sums<'a>(objects: impl Iterator<Item = &'a Known>) -> [[u64; 3]; 2] {
    let mut sums = [[0_u64; 3]; 2];
    for (account, is_kernels) in objects {
        let sum = &mut sums[usize::from(*is_kernels)];
        let more = match account.contents {
            Contents::Set { semaphores } => [semaphores, 0],
            Contents::Queue { messages, bytes, .. } => [messages, bytes],
            Contents::Segment { bytes, attached, .. } => [attached, bytes],
        };
        sum[0] += 1;
        sum[1] = sum[1].saturating_add(more[0]);
        sum[2] = sum[2].saturating_add(more[1]);
    }
    sums
}

/// Of ours and of the kernel's.
fn limits(kind: Kind) -> Table {
    let mut table = Table::new([
        ("KIND", Align::Left),
        ("LIMIT", Align::Left),
        ("LIBRSIPC", Align::Right),
        ("KERNEL", Align::Right),
    ]);
    for (what, ours, kernels) in limits_of(kind) {
        let kernels = kernels.unwrap_or_else(|| "-".to_owned());
        table.push([kind.name().to_owned(), what.to_owned(), ours, kernels].map(Into::into));
    }
    table
}

/// What is limited, to how much with us, and with the kernel.
type Limit = (&'static str, String, Option<String>);

fn limits_of(kind: Kind) -> Vec<Limit> {
    let new = msg::of_new_queues();
    let room = "as the directory has space".to_owned();
    match kind {
        Kind::Svmsg => vec![
            ("queues", room, setting("msgmni", 0)),
            ("bytes of a message", new.message.to_string(), setting("msgmax", 0)),
            ("bytes of a new queue", new.queue.to_string(), setting("msgmnb", 0)),
        ],
        Kind::Svsem => vec![
            ("sets", room, setting("sem", 3)),
            ("semaphores of a set", "32000".to_owned(), setting("sem", 0)),
            ("operations of a call", "500".to_owned(), setting("sem", 2)),
            ("value of a semaphore", "32767".to_owned(), Some("32767".to_owned())),
        ],
        _ => vec![
            ("segments", room, setting("shmmni", 0)),
            ("bytes of a segment", SIZE_MAX.to_string(), setting("shmmax", 0)),
            ("pages of all segments", "-".to_owned(), setting("shmall", 0)),
        ],
    }
}

/// A number of those in a file of the kernel. None: it has no System V.
fn setting(file: &str, place: usize) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/sys/kernel/{file}")).ok()?;
    text.split_ascii_whitespace().nth(place).map(str::to_owned)
}
