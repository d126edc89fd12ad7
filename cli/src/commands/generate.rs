//! `rsipc generate man|completions DIR`: what `make install` puts beside the command. Hidden, since
//! users need it never.

mod completions;
mod manual;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueEnum};

use crate::failure::{Failure, Result};

/// Write the manual page or shell completions, made from the definition of the arguments
#[derive(Args)]
pub struct Options {
    what: What,
    /// Directory to write to; it is made if need be
    dir: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// rsipc.1
    Man,
    /// For bash, zsh and fish
    Completions,
}

/// `whole` is the command with all its subcommands.
pub fn run(options: &Options, whole: Command) -> Result<()> {
    let dir = &options.dir;
    write(options.what, whole, dir)
        .map_err(|error| Failure::call(format_args!("cannot write to {}", dir.display()), error))
}

fn write(what: What, whole: Command, dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    match what {
        What::Man => fs::write(dir.join("rsipc.1"), manual::page(whole)?),
        What::Completions => completions::write(&mut shown(&whole), dir),
    }
}

/// Completions would offer hidden commands too.
fn shown(whole: &Command) -> Command {
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("rsipc").version(env!("CARGO_PKG_VERSION")).subcommands(shown)
}
