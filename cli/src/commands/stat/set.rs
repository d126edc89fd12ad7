//! A semaphore set in words.

use super::description::{Description, semaphore};
use crate::objects::set::{self, Snapshot};
use crate::output::{escape, time, user};
use crate::survey::Survey;

/// Of a set in words; `--json` has the others.
const SHOWN: usize = 64;

pub fn describe(set: &Snapshot, survey: &Survey, out: &mut Description) {
    out.line("id", set.id.to_string());
    if let Some(trouble) = set::trouble(set) {
        out.line("state", format!("{trouble}: `rsipc clean` removes it"));
    }
    for (number, member) in set.members.iter().enumerate().take(SHOWN) {
        let waiting = [member.increase as u64, member.zero as u64];
        let last = (member.pid != 0).then(|| process(member.pid, survey));
        let text = semaphore(number, member.value.into(), waiting, last);
        out.line("semaphore", text);
    }
    if set.members.len() > SHOWN {
        out.line("semaphores", format!("{}; --json has the others", set.members.len()));
    }
    describe_undo(set, survey, out);
    if set.permission.uid != set.permission.cuid || set.permission.gid != set.permission.cgid {
        let (user, group) = user::names((set.permission.cuid, set.permission.cgid));
        out.line("creator", format!("{user}, group {group}"));
    }
    let ago = |seconds| format!("{} ago", time::short(time::since_unix(seconds)));
    let operated = if set.otime == 0 { "never".to_owned() } else { ago(set.otime) };
    out.line("operated", operated);
    out.line("changed", format!("{}: made, or changed by semctl", ago(set.ctime)));
}

fn describe_undo(set: &Snapshot, survey: &Survey, out: &mut Description) {
    for adjustment in &set.adjustments {
        let what = format!("{:+} to semaphore {}", adjustment.amount, adjustment.member);
        let text = match (adjustment.pid, adjustment.has_ended) {
            (Some(pid), false) => format!("{}: {what} when it ends", process(pid, survey)),
            (Some(pid), true) => format!("{pid}, which has ended: {what} with the next operation"),
            (None, _) => format!("a process that has ended: {what} with the next operation"),
        };
        out.line("undo", text);
    }
}

fn process(pid: u32, survey: &Survey) -> String {
    format!("{} {pid}", escape::text(survey.program(pid.cast_signed())))
}
