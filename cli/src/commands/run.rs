//! `rsipc run`: a program, unchanged, on the library.

pub mod library;
mod program;
mod status;
mod watched;

use std::env;
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
    let list = preload(library.as_os_str());
    if options.wishes.is_watched() {
        let mut watching = library::watching(&library)?.into_os_string();
        watching.push(":");
        watching.push(list);
        process::exit(watched::run(&options.wishes, command, &watching)?);
    }
    command.env("LD_PRELOAD", list);
    // Returns only if it fails.
    let error = command.exec();
    let what = format!("cannot run {}", shown(program.as_os_str()));
    Err(Failure::call(what, error).with_status(NOT_RUN))
}

/// In front of what is preloaded already.
pub fn preload(library: &OsStr) -> OsString {
    let mut list = library.to_owned();
    if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        list.push(":");
        list.push(others);
    }
    list
}

fn shown(name: &OsStr) -> String {
    escape::word(name.as_bytes())
}
