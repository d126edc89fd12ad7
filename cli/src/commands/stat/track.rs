//! Who took from a semaphore last, and who posted last, in words.

use std::os::unix::ffi::OsStrExt;

use rsipc_core::posix::sem::track::{Doer, Track};

use super::description::Description;
use super::sysv::ago;
use crate::objects::semaphore;
use crate::output::escape;
use crate::survey::Survey;

const UNRECORDED: &str = "unknown: RSIPC_SEM_TRACK records who takes and who posts";

pub fn describe(state: &semaphore::State, survey: &Survey, out: &mut Description) {
    let Some(track) = &state.track else {
        out.line("last user", UNRECORDED);
        return;
    };
    let Track { taker, poster } = track;
    for (title, doer) in [("taken", taker), ("posted", poster)] {
        let text = match doer {
            Some(doer) => format!("last by {}, {}", who(doer, survey), ago(doer.when)),
            None => "by nobody since it has been tracked".to_owned(),
        };
        out.line(title, text);
    }
}

/// `writer 4711`, or `4711 (writer), which has ended`.
pub fn who(doer: &Doer, survey: &Survey) -> String {
    let pid = doer.pid.cast_signed();
    let program = doer.program.as_ref().map(|name| escape::text(name.as_bytes()));
    match (survey.has_ended(pid, doer.when), program) {
        (Some(true), Some(program)) => format!("{pid} ({program}), which has ended"),
        (Some(true), None) => format!("{pid}, which has ended"),
        (_, Some(program)) => format!("{program} {pid}"),
        (_, None) => format!("process {pid}"),
    }
}

/// Of a semaphore that nothing can be taken from: `taken last by writer 4711`.
pub fn last_taker(state: &semaphore::State, survey: &Survey) -> Option<String> {
    let taker = state.track.as_ref()?.taker.as_ref()?;
    (state.value == 0).then(|| format!("taken last by {}", who(taker, survey)))
}
