//! The thread that takes the signals that are no Ctrl-C: notifications, and the request to end.

use std::ffi::c_int;
use std::mem;
use std::sync::OnceLock;

use super::{jobs, notice, voice};
use crate::failure::{Failure, Result};
use crate::output;
use crate::signals::{self, Blocked};

/// The settings of the terminal before anybody changed them.
static TERMINAL: OnceLock<libc::termios> = OnceLock::new();

/// To be called before there is another thread, since these signals are blocked in all of them.
/// Nobody is asked when SIGINT `ends_too`.
pub fn start(ends_too: bool) -> Result<()> {
    remember_terminal();
    let mut ends = vec![libc::SIGTERM, libc::SIGHUP];
    if ends_too {
        ends.push(libc::SIGINT);
    }
    let caught = (1..=libc::SIGRTMAX()).filter(|signal| notice::is_caught(*signal));
    let blocked = Blocked::new(caught.chain(ends.iter().copied()));
    let listen = move || {
        loop {
            let info = blocked.wait();
            if ends.contains(&info.si_signo) {
                end_by(info.si_signo);
            } else {
                voice::tell(&notice::describe(&info));
            }
        }
    };
    std::thread::Builder::new()
        .spawn(listen)
        .map(drop)
        .map_err(|error| Failure::call("cannot start a thread", error))
}

fn remember_terminal() {
    // SAFETY: plain data, filled in by the call if it succeeds.
    let mut settings: libc::termios = unsafe { mem::zeroed() };
    // SAFETY: valid for writing.
    if unsafe { libc::tcgetattr(0, &raw mut settings) } == 0 {
        let _ = TERMINAL.set(settings);
    }
}

/// Takes all waits back, gives the terminal back, and ends the process as if the signal had not
/// been caught.
fn end_by(signal: c_int) {
    jobs::end_all();
    if let Some(settings) = TERMINAL.get() {
        // SAFETY: the settings are those that the terminal had.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, settings) };
        // Not on the line that was being typed.
        let _ = output::print("\n");
    }
    signals::die_by(signal);
}
