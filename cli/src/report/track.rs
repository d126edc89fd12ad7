//! Who did something with an object last, as programs read it.

use rsipc_core::object::doer;
use serde::Serialize;

use crate::processes::Pid;
use crate::survey::Survey;

/// A process, and when it did so.
#[derive(Serialize)]
pub struct Doer {
    pid: Pid,
    /// Its name at that time.
    program: Option<String>,
    /// By now. Null: it has ended, or that cannot be seen.
    program_now: Option<String>,
    /// In seconds since 1970.
    time: u64,
    /// Null: that cannot be seen.
    ended: Option<bool>,
}

impl Doer {
    /// Null: nobody yet, or that is not recorded.
    pub fn of(doer: Option<&doer::Doer>, survey: &Survey) -> Option<Self> {
        let doer = doer?;
        let pid = doer.pid.cast_signed();
        // In another PID namespace, another process may have the number.
        let then = doer.is_at_home.then_some(doer.when);
        Some(Self {
            pid,
            program: doer.program.as_ref().map(|name| name.to_string_lossy().into_owned()),
            program_now: then
                .and_then(|then| survey.program_since(pid, then))
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            time: doer.when,
            ended: then.and_then(|then| survey.has_ended(pid, then)),
        })
    }
}
