//! Processes that could still help, but do not have the object, or cannot be seen.

use std::fs;

use super::doubt::Doubt;
use super::place::Sleeper;
use crate::objects::{Kind, Object, Purpose};
use crate::processes::Pid;
use crate::survey::Survey;

/// Bits of a class of users.
const READ: u32 = 4;
const WRITE: u32 = 2;

/// Each queue that a process may open anew, if all of these only wait for a message of one.
///
/// Servers without a client wait like that, and so do receivers whose last sender has ended: what
/// is there does not tell them apart.
pub fn anew(sleepers: &[Sleeper], survey: &Survey) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for sleeper in sleepers {
        let object = survey.object(sleeper.place.file).filter(|object| is_named_queue(object));
        if object.is_none() || sleeper.purpose(survey) != Some(Purpose::Message) {
            return Vec::new();
        }
        let doubt = Doubt::Anew { file: sleeper.place.file };
        if !doubts.contains(&doubt) {
            doubts.push(doubt);
        }
    }
    doubts
}

fn is_named_queue(object: &Object) -> bool {
    match object.kind() {
        Kind::Mq => !object.unlinked,
        Kind::Svmsg => {
            object.common().is_some_and(|common| common.key != 0 && common.trouble().is_none())
        }
        _ => false,
    }
}

/// How many processes could not be inspected and may open what these sleep in.
pub fn unseen(sleepers: &[Sleeper], survey: &Survey) -> Option<Doubt> {
    if survey.is_complete() {
        return None;
    }
    let unseen = survey.processes.values().filter(|process| !process.is_seen());
    let may_help = |user: &User| {
        sleepers.iter().any(|sleeper| {
            let needed = if sleeper.purpose(survey) == Some(Purpose::Space) { READ } else { WRITE };
            let object = survey.object(sleeper.place.file);
            object.is_some_and(|object| user.may_open(object, needed))
        })
    };
    let users = unseen.filter_map(|process| User::of(process.pid));
    let processes = users.filter(may_help).count();
    (processes > 0).then_some(Doubt::Unseen { processes })
}

/// As which a process opens files.
#[derive(Debug)]
struct User {
    uid: u32,
    groups: Vec<u32>,
}

impl User {
    /// None: it has ended.
    fn of(pid: Pid) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self::parse(&status))
    }

    fn parse(status: &str) -> Self {
        let numbers = |title: &str| -> Vec<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(title));
            let fields = line.unwrap_or("").split_ascii_whitespace();
            fields.filter_map(|field| field.parse().ok()).collect()
        };
        // Real, effective, saved, and for files.
        let effective = |title| numbers(title).get(1).copied().unwrap_or(0);
        let mut groups = numbers("Groups:");
        groups.push(effective("Gid:"));
        Self { uid: effective("Uid:"), groups }
    }

    /// By the bits of the object. That root may open everything does not count: it would have to
    /// reach for another user's object. Neither do processes of the caller that hide from it: they
    /// keep its keys and passwords.
    fn may_open(&self, object: &Object, needed: u32) -> bool {
        let is_within = object.memory.is_some();
        let Some(((uid, gid), mode)) = object.owner().zip(object.mode()) else {
            return !is_within;
        };
        // SAFETY: takes no arguments, and only asks.
        let own = unsafe { libc::geteuid() };
        let class = match () {
            () if self.uid == uid => mode >> 6,
            () if self.groups.contains(&gid) => mode >> 3,
            () => mode,
        };
        !is_within && class & needed != 0 && self.uid != own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_processes() {
        let user = User::parse("Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n");
        assert_eq!((user.uid, user.groups), (2, vec![9, 10, 6]));
    }
}
