//! Objects of the kernel in the table.

use super::columns::{Numbers, Row};
use super::processes::shown;
use crate::objects::kernel::{Contents, Object};
use crate::objects::sysv::{shown_attachments, shown_key};
use crate::output::amount;
use crate::output::style::Tone;
use crate::output::table::Cell;
use crate::output::time;
use crate::output::user::Users;
use crate::survey::Survey;

/// A row of the table.
pub fn row(object: &Object, survey: &Survey, users: &mut Users) -> Row {
    let faint = |text: &str| Cell::new(text, Tone::Faint);
    let size = match object.contents {
        Contents::Set { .. } => faint("-"),
        Contents::Queue { bytes, .. } | Contents::Segment { bytes, .. } => {
            amount::short(bytes).into()
        }
    };
    let (bytes, level, openers) = match object.contents {
        Contents::Set { .. } => (0, 0, 0),
        Contents::Queue { bytes, messages, .. } => (bytes, messages, 0),
        Contents::Segment { bytes, .. } => (bytes, 0, survey.attached(object).len()),
    };
    let numbers = Numbers { size: bytes, level, openers, ..Numbers::default() };
    let cells = [
        object.kind.name().into(),
        object.name().into(),
        users.name(object.owner.0).to_owned().into(),
        format!("{:04o}", object.mode & 0o777).into(),
        size,
        // The kernel does not tell when it was made.
        faint("-"),
        state(object),
        faint("?"),
        holders(object, survey),
        note(object),
    ];
    Row { cells, numbers }
}

/// The values of a set are for users with the right to read it: `rsipc stat` shows them.
fn state(object: &Object) -> Cell {
    match object.contents {
        Contents::Set { semaphores: 1 } => "1 sem".into(),
        Contents::Set { semaphores } => format!("{semaphores} sems").into(),
        Contents::Queue { messages, .. } => messages.to_string().into(),
        Contents::Segment { attached, .. } => shown_attachments(attached, true).into(),
    }
}

/// The processes that have a segment attached. Other objects are never open.
fn holders(object: &Object, survey: &Survey) -> Cell {
    let Contents::Segment { attached, .. } = object.contents else {
        return Cell::new("-", Tone::Faint);
    };
    match (survey.attached(object), attached) {
        (_, 0) => "-".into(),
        (pids, _) if pids.is_empty() => "?".into(),
        (pids, _) => shown(&pids, survey).into(),
    }
}

fn note(object: &Object) -> Cell {
    let mut parts = vec!["the kernel's".to_owned()];
    parts.extend(shown_key(object.key).map(|_| format!("id {}", object.id)));
    if object.is_to_be_removed() {
        parts.push("lives until the last process detaches it".to_owned());
    }
    if object.last_use() != 0 {
        parts.push(format!("last used {} ago", time::short(time::since_unix(object.last_use()))));
    }
    Cell::new(parts.join("; "), Tone::Faint)
}
