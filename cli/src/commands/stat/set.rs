//! A semaphore set in words.

use super::description::{Description, semaphore};
use super::sysv::{ago, past, process};
use crate::objects::set::Snapshot;
use crate::survey::Survey;

/// Of a set in words; `--json` has the others.
const SHOWN: usize = 64;

pub fn describe(set: &Snapshot, survey: &Survey, out: &mut Description) {
    for (number, member) in set.members.iter().enumerate().take(SHOWN) {
        let waiting = [member.increase as u64, member.zero as u64];
        let past = |pid: u32| past(pid.cast_signed(), set.otime, set.is_at_home, survey);
        let last = (member.pid != 0).then(|| past(member.pid));
        let text = semaphore(number, member.value.into(), waiting, last);
        out.line("semaphore", text);
    }
    if set.members.len() > SHOWN {
        out.line("semaphores", format!("{}; --json has the others", set.members.len()));
    }
    describe_undo(set, survey, out);
    out.line("operated", ago(set.otime));
}

fn describe_undo(set: &Snapshot, survey: &Survey, out: &mut Description) {
    for adjustment in &set.adjustments {
        let what = format!("{:+} to semaphore {}", adjustment.amount, adjustment.member);
        let text = match (adjustment.pid, adjustment.has_ended) {
            (Some(pid), false) => {
                format!("{}: {what} when it ends", process(pid.cast_signed(), survey))
            }
            (Some(pid), true) => format!("{pid}, which has ended: {what} at the next operation"),
            (None, _) => format!("a process that has ended: {what} at the next operation"),
        };
        out.line("undo", text);
    }
}
