//! Who took from a semaphore last, and who posted last, as programs read it.

use rsipc_core::posix::sem::track::{self, Track};
use serde::Serialize;

use crate::processes::Pid;
use crate::survey::Survey;

#[derive(Serialize)]
pub struct Doer {
    pid: Pid,
    /// When it did so.
    program: Option<String>,
    /// By now. Null: it has ended, or that cannot be seen.
    program_now: Option<String>,
    /// In seconds since 1970.
    time: u64,
    /// Null: that cannot be seen.
    ended: Option<bool>,
}

/// The last taker and the last poster.
pub fn doers(track: Option<&Track>, survey: &Survey) -> (Option<Doer>, Option<Doer>) {
    let doer = |doer: &Option<track::Doer>| {
        let doer = doer.as_ref()?;
        let pid = doer.pid.cast_signed();
        Some(Doer {
            pid,
            program: doer.program.as_ref().map(|name| name.to_string_lossy().into_owned()),
            program_now: survey
                .program_since(pid, doer.when)
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            time: doer.when,
            ended: survey.has_ended(pid, doer.when),
        })
    };
    track.map_or((None, None), |track| (doer(&track.taker), doer(&track.poster)))
}
