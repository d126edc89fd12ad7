//! `rsipc generate man|completions DIR`: what `make install` puts beside the command. Hidden, since users need it never.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::{Failure, Result};

/// Write manual pages or shell completions, made from the definition of the arguments
#[derive(Args)]
pub struct Options {
    what: What,
    /// Directory to write to; it is made if need be
    dir: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// rsipc.1 and a page for each subcommand
    Man,
    /// For bash, zsh and fish
    Completions,
}

pub fn run(options: &Options) -> Result<()> {
    let dir = &options.dir;
    write(options.what, dir)
        .map_err(|error| Failure::call(format_args!("cannot write to {}", dir.display()), error))
}

fn write(what: What, dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    match what {
        What::Man => clap_mangen::generate_to(Arguments::command(), dir),
        What::Completions => [Shell::Bash, Shell::Zsh, Shell::Fish].into_iter().try_for_each(|shell| {
            clap_complete::generate_to(shell, &mut Arguments::command(), "rsipc", dir).map(drop)
        }),
    }
}
