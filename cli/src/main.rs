//! `rsipc`: see, handle and explain the IPC objects of a machine.
//!
//! `objects`, `processes` and `survey` only look; `commands` changes things.
//!
//! | module | |
//! |---|---|
//! | `args` | what may be typed |
//! | `commands` | one module for each subcommand |
//! | `deadline` | when a wait ends |
//! | `deadlock` | finds who waits for ever |
//! | `failure` | why a command failed, and what can be done about it |
//! | `interrupt` | Ctrl-C in the middle of a wait |
//! | `objects` | reads the directory of objects |
//! | `output` | how things are said: data on the standard output, talk on the standard error |
//! | `processes` | reads `/proc` |
//! | `report` | an object as programs read it |
//! | `signals` | signals that a thread waits for |
//! | `survey` | joins objects and processes |

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

use clap::{CommandFactory, FromArgMatches};

fn main() -> ExitCode {
    die_of_broken_pipes();
    // What the library does at load: without it a wait of ours looks now and then.
    rsipc_core::os::cpu::init();
    // clap ends with status 2 and the usage on the standard error when the arguments make no sense.
    let matches = commands::examples::add(args::Arguments::command()).get_matches();
    let arguments =
        args::Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            ExitCode::from(failure.status())
        }
    }
}

/// `rsipc ls | head -1` ends quietly, as the programs around it do.
fn die_of_broken_pipes() {
    // SAFETY: the default action is no function that could be called.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}
