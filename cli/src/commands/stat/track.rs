//! Who took from a semaphore and who posted last, who sent to a queue and who received last, in
//! words.

use std::os::unix::ffi::OsStrExt;

use rsipc_core::object::doer::Doer;
use rsipc_core::posix::mq::track::Track as QueueTrack;
use rsipc_core::posix::sem::track::Track;

use super::description::Description;
use super::sysv::ago;
use crate::objects::{Object, State, queue, semaphore};
use crate::output::escape;
use crate::survey::Survey;

/// What records it, of a semaphore of which it is not recorded.
pub fn hint(object: &Object) -> Option<String> {
    let State::Sem(Ok(semaphore)) = &object.state else { return None };
    let advice = || setting("RSIPC_SEM_TRACK", object, "who takes it");
    semaphore.track.is_none().then(advice)?
}

fn setting(name: &str, object: &Object, what: &str) -> Option<String> {
    let is_named = object.memory.is_none() && !object.name.starts_with(b"#");
    let of = object.shown_name();
    is_named.then(|| format!("{name}={of} in the environment of its processes records {what}"))
}

pub fn describe(object: &Object, state: &semaphore::State, survey: &Survey, out: &mut Description) {
    let Some(track) = &state.track else {
        return unknown(hint(object), out);
    };
    let Track { taker, poster } = track;
    for (title, doer) in [("taken", taker), ("posted", poster)] {
        last(title, doer.as_ref(), survey, out);
    }
}

pub fn describe_queue(
    object: &Object,
    state: &queue::State,
    survey: &Survey,
    out: &mut Description,
) {
    let Some(track) = &state.track else {
        return unknown(setting("RSIPC_MQ_TRACK", object, "who sends and receives"), out);
    };
    let QueueTrack { sender, receiver } = track;
    for (title, doer) in [("sent", sender), ("received", receiver)] {
        last(title, doer.as_ref(), survey, out);
    }
}

fn unknown(hint: Option<String>, out: &mut Description) {
    let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
    out.line("last user", format!("unknown{hint}"));
}

fn last(title: &'static str, doer: Option<&Doer>, survey: &Survey, out: &mut Description) {
    let text = match doer {
        Some(doer) => format!("last by {}, {}", who(doer, survey), ago(doer.when)),
        None => "by nobody since it has been tracked".to_owned(),
    };
    out.line(title, text);
}

/// `writer 4711`, `4711 (writer) of another PID namespace`, or `4711 (writer), which has ended`; of
/// one that runs another program by now `writer 4711, which was sh then`.
pub fn who(doer: &Doer, survey: &Survey) -> String {
    let pid = doer.pid.cast_signed();
    let then = doer.program.as_ref().map(|name| escape::word(name.as_bytes()));
    if !doer.is_at_home {
        let then = then.map(|then| format!(" ({then})")).unwrap_or_default();
        return format!("{pid}{then} of another PID namespace");
    }
    let now = survey.program_since(pid, doer.when).map(escape::word);
    match (survey.has_ended(pid, doer.when), now, then) {
        (Some(true), _, Some(then)) => format!("{pid} ({then}), which has ended"),
        (Some(true), _, None) => format!("{pid}, which has ended"),
        (_, Some(now), Some(then)) if now != then => format!("{now} {pid}, which was {then} then"),
        (_, Some(name), _) | (_, None, Some(name)) => format!("{name} {pid}"),
        (_, None, None) => format!("process {pid}"),
    }
}

/// Of a semaphore that nothing can be taken from: `taken last by writer 4711`.
pub fn last_taker(state: &semaphore::State, survey: &Survey) -> Option<String> {
    let taker = state.track.as_ref()?.taker.as_ref()?;
    (state.value == 0).then(|| format!("taken last by {}", who(taker, survey)))
}
