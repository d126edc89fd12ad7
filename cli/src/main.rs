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
//! | `elf` | how a program is loaded |
//! | `failure` | why a command failed, and what can be done about it |
//! | `interrupt` | Ctrl-C in the middle of a wait |
//! | `objects` | reads the directory of objects |
//! | `output` | how things are said: data on the standard output, talk on the standard error |
//! | `processes` | reads `/proc` |
//! | `report` | an object as programs read it |
//! | `signals` | signals that a thread waits for |
//! | `survey` | joins objects and processes |
//! | `symbols` | names of functions and variables |

mod args;
mod commands;
mod deadline;
mod deadlock;
mod elf;
mod failure;
mod interrupt;
mod objects;
mod output;
mod processes;
mod report;
mod signals;
mod survey;
mod symbols;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use output::style::Style;

fn main() -> ExitCode {
    output::inherited::restore_broken_pipes();
    // What the library does at load: without it a wait of ours looks now and then.
    rsipc_core::os::cpu::init();
    let matches = commands::examples::add(args::Arguments::command()).try_get_matches();
    let arguments = matches.and_then(|matches| args::Arguments::from_arg_matches(&matches));
    let done = match arguments {
        Ok(arguments) => commands::run(arguments.command),
        // Help was asked for.
        Err(text) if !text.use_stderr() => output::print(help(&text)),
        // Status 2, and the usage on the standard error: the arguments make no sense.
        Err(error) => error.exit(),
    };
    // As the library does when a program ends.
    rsipc_core::shared::presence::leave();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            ExitCode::from(failure.status())
        }
    }
}

/// As clap would print it, which says nothing of errors.
fn help(text: &clap::Error) -> String {
    let text = text.render();
    if Style::of_stdout().is_coloured() { text.ansi().to_string() } else { text.to_string() }
}
