//! An object of the kernel in words.

use super::description::{Description, count, semaphore};
use super::sysv::{ago, past, process};
use crate::objects::kernel::{self, Contents, Object};
use crate::objects::sysv::shown_key;
use crate::output::style::Style;
use crate::output::user;
use crate::processes::Pid;
use crate::survey::Survey;

pub fn describe(object: &Object, survey: &Survey, style: Style) -> String {
    let what = format!("{}, the kernel's", object.kind.describe());
    let mut out = Description::new(&object.name(), &what, style);
    if shown_key(object.key).is_some() {
        out.line("id", object.id.to_string());
    }
    describe_contents(object, survey, &mut out);
    let (user, group) = user::names(object.owner);
    out.line("owner", format!("{user}, group {group}, mode {:04o}", object.mode & 0o777));
    if object.creator != object.owner {
        let (user, group) = user::names(object.creator);
        out.line("creator", format!("{user}, group {group}"));
    }
    out.line("last use", ago(object.last_use()));
    out.line("changed", format!("{}: made, or changed by a ctl call", ago(object.changed)));
    out.text
}

fn describe_contents(object: &Object, survey: &Survey, out: &mut Description) {
    let process = |pid: Pid| process(pid, survey);
    match object.contents {
        Contents::Set { semaphores } => describe_set(object.id, semaphores, &process, out),
        Contents::Queue { messages, bytes, last_sender, last_receiver } => {
            out.line("messages", format!("{messages}, of {bytes} bytes together"));
            let [sent, received] = object.times;
            let by = |pid, time| past(pid, time, true, survey);
            out.line("sent", format!("{}, by {}", ago(sent), by(last_sender, sent)));
            out.line("received", format!("{}, by {}", ago(received), by(last_receiver, received)));
        }
        Contents::Segment { bytes, attached, creator, last_user } => {
            out.line("size", format!("{bytes} bytes"));
            out.line("attached", count(attached, "time", "times"));
            for pid in survey.attached(object) {
                out.line("open by", process(pid));
            }
            out.line("creator", past(creator, object.changed, true, survey));
            out.line("last user", past(last_user, object.last_use(), true, survey));
            if object.is_to_be_removed() {
                out.line("state", "removed: it lives until the last process detaches it");
            }
        }
    }
}

fn describe_set(id: i32, semaphores: u64, process: &impl Fn(Pid) -> String, out: &mut Description) {
    out.line("semaphores", semaphores.to_string());
    // Of one that we may not read the kernel tells no more.
    for (number, member) in kernel::members(id, semaphores).into_iter().flatten().enumerate() {
        let kernel::Member { value, pid, increase, zero } = member;
        let last = (pid != 0).then(|| process(pid));
        let text = semaphore(number, value, [increase, zero], last);
        out.line("semaphore", text);
    }
}
