//! `rsipc run`: a program, unchanged, on the library.

pub mod library;
pub mod preload;
mod program;
mod status;
mod watched;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{self, Command};

use clap::Args;

use crate::failure::{Failure, Result};
use crate::output::{escape, inherited, say};
use status::{NOT_RUN, OWN_FAILURE};
use watched::options::Wishes;

/// Run a program with librsipc in place of glibc's own calls
#[derive(Args)]
pub struct Options {
    /// Print which library is used, and let it report that it is active
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    wishes: Wishes,
    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM"
    )]
    command: Vec<OsString>,
}

pub fn run(options: &Options) -> Result<()> {
    let (name, arguments) = options.command.split_first().expect("clap asks for one at least");
    let program = program::find(name)?;
    program::check(&program).map_err(|failure| failure.with_status(NOT_RUN))?;
    let library = library::find().map_err(|failure| failure.with_status(OWN_FAILURE))?;
    if options.verbose {
        say(format!(
            "rsipc: {} runs with {}",
            shown(program.as_os_str()),
            shown(library.as_os_str())
        ));
    }
    let mut command = Command::new(&program);
    command.arg0(name).args(arguments);
    // SAFETY: it is async-signal-safe.
    unsafe { command.pre_exec(inherited::restore_all) };
    if options.verbose {
        command.env("RSIPC_VERBOSE", "1");
    }
    if options.wishes.is_watched() {
        let mut both = library::watching(&library)?.into_os_string();
        both.push(":");
        both.push(&library);
        process::exit(watched::run(&options.wishes, command, &preload::list(&both))?);
    }
    command.env("LD_PRELOAD", preload::list(library.as_os_str()));
    // Returns only if it fails.
    let error = command.exec();
    let what = format!("cannot run {}", shown(program.as_os_str()));
    Err(Failure::call(what, error).with_status(NOT_RUN))
}

fn shown(name: &OsStr) -> String {
    escape::word(name.as_bytes())
}
