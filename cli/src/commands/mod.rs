//! One module for each subcommand: its options, and `run`.

pub mod generate;
pub mod ls;

use crate::args::Command;
use crate::failure::Result;

/// Does what was asked for.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Ls(options) => ls::run(&options),
        Command::Generate(options) => generate::run(&options),
    }
}
