//! Notifications of queues: how one asks for them, and what the console says when one comes.

use std::ffi::{c_int, c_void};
use std::{ptr, thread};

use rsipc_core::os::Errno;
use rsipc_core::posix::mq::{Duty, Start, Wish};

use super::arguments::{Arguments, usage};
use super::call::{Result, Trouble};
use super::voice;
use crate::output::user;

/// `SI_MESGQ` of asm-generic/siginfo.h: a message has come into an empty queue.
const SI_MESGQ: i32 = -3;

/// The rest of `mq_notify MQ …`. None = the registration is to end.
pub fn wish(arguments: &mut Arguments, fd: i32) -> Result<Option<Wish>> {
    let value = fd.cast_unsigned() as usize;
    match arguments.optional().unwrap_or(b"SIGEV_SIGNAL") {
        b"NULL" => Ok(None),
        b"SIGEV_NONE" => Ok(Some(Wish::Nothing)),
        b"SIGEV_SIGNAL" => Ok(Some(Wish::Signal {
            signo: signal(arguments)?.cast_unsigned(),
            value: value as u64,
        })),
        b"SIGEV_THREAD" => Ok(Some(Wish::Thread(Start {
            notification: ptr::without_provenance_mut(value),
            start,
        }))),
        _ => Err(usage("give SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_NONE or NULL".to_owned())),
    }
}

/// Starts the thread of SIGEV_THREAD.
unsafe extern "C" fn start(fd: *mut c_void, duty: *const Duty) -> c_int {
    let fd = fd.addr();
    // SAFETY: the caller gives the duty of this thread.
    let duty = unsafe { *duty };
    let run = move || {
        let is_due = duty.wait().is_some();
        duty.finish();
        if is_due {
            voice::tell(&format!(
                "notification of mqd {fd}: the thread runs; a message arrived in the empty queue"
            ));
        }
    };
    let started = thread::Builder::new().name("notification".to_owned()).spawn(run);
    started.map_or(libc::EAGAIN, |_| 0)
}

/// The signals that the console waits for.
pub fn is_caught(signal: i32) -> bool {
    matches!(signal, libc::SIGUSR1 | libc::SIGUSR2)
        || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&signal)
}

fn signal(arguments: &mut Arguments) -> Result<i32> {
    let Some(word) = arguments.optional() else { return Ok(libc::SIGUSR1) };
    let text = String::from_utf8_lossy(word);
    let number = match &*text {
        "SIGUSR1" => Some(libc::SIGUSR1),
        "SIGUSR2" => Some(libc::SIGUSR2),
        other => match other.strip_prefix("SIGRTMIN") {
            Some("") => Some(libc::SIGRTMIN()),
            Some(more) => more
                .strip_prefix('+')
                .and_then(|n| n.parse().ok())
                .map(|n: i32| libc::SIGRTMIN() + n),
            None => other.parse().ok(),
        },
    };
    let number = number
        .ok_or_else(|| usage(format!("SIGNAL {text}: write SIGUSR1, SIGUSR2 or SIGRTMIN+1")))?;
    // As the call does.
    if !(0..=64).contains(&number) {
        return Err(Errno::EINVAL.into());
    }
    if number != 0 && !is_caught(number) {
        let what = format!("the console does not catch signal {number}, which would end it");
        return Err(Trouble::Refused(what, "use SIGUSR1, SIGUSR2 or SIGRTMIN".to_owned()));
    }
    Ok(number)
}

/// Of a signal that came.
pub fn describe(info: &libc::siginfo_t) -> String {
    let signal = match info.si_signo {
        libc::SIGUSR1 => "SIGUSR1".to_owned(),
        libc::SIGUSR2 => "SIGUSR2".to_owned(),
        number => format!("signal {number}"),
    };
    // SAFETY: all signals that the console waits for carry process and user, and a value, be it 0.
    let (pid, uid, value) =
        unsafe { (info.si_pid(), info.si_uid(), info.si_value().sival_ptr.addr()) };
    let user = user::user(uid).unwrap_or_else(|| uid.to_string());
    if info.si_code == SI_MESGQ {
        return format!(
            "notification of mqd {value}: {signal}; process {pid} of {user} sent a message to the empty queue"
        );
    }
    format!("{signal} came from process {pid} of {user}")
}
