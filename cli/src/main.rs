//! `rsipc`: see, handle and explain the IPC objects of a machine.
//!
//! * `args` says what may be typed; each module of `commands` holds its own options and does one
//!   thing.
//! * `objects` reads what lies in the directory of objects, `processes` reads `/proc`, and `survey`
//!   joins the two. All three only look.
//! * `deadlock` finds who waits for ever.
//! * `output` is how things are said: data on the standard output, talk on the standard error.

mod args;
mod commands;
mod deadline;
mod deadlock;
mod failure;
mod interrupt;
mod objects;
mod output;
mod processes;
mod report;
mod signals;
mod survey;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    die_of_broken_pipes();
    // clap ends with status 2 and the usage on the standard error when the arguments make no sense.
    let arguments = args::Arguments::parse();
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            ExitCode::FAILURE
        }
    }
}

/// `rsipc ls | head -1` ends quietly, as the programs around it do.
fn die_of_broken_pipes() {
    // SAFETY: the default action is no function that could be called.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}
