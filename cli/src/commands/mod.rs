//! One module for each subcommand: its options, and `run`.
//!
//! | module | |
//! |---|---|
//! | `bodies` | the messages that are sent |
//! | `clean` | removes what no process has open |
//! | `console` | all calls, typed one by one |
//! | `creation` | what the commands that make objects share |
//! | `doctor` | checks the place that it runs in |
//! | `examples` | what `--help` shows at its end |
//! | `generate` | manual page and completions |
//! | `graph` | a picture: which process has what, and waits for which |
//! | `ls` | all objects |
//! | `memory` | semaphores in the memory of processes, in words |
//! | `mq` | the calls on message queues |
//! | `msg` | the calls on System V message queues |
//! | `rm` | removes objects of any kind |
//! | `run` | a program, unchanged, on the library |
//! | `selection` | which objects the user asks for |
//! | `sem` | the calls on semaphores |
//! | `shm` | the calls on shared memory objects, and the memory of segments |
//! | `stat` | one object, in words |
//! | `top` | all objects, live |

mod bodies;
pub mod clean;
pub mod console;
mod creation;
pub mod doctor;
pub mod examples;
pub mod generate;
pub mod graph;
pub mod ls;
mod memory;
pub mod mq;
pub mod msg;
pub mod rm;
pub mod run;
mod selection;
pub mod sem;
pub mod shm;
pub mod stat;
pub mod top;

use clap::CommandFactory;

use crate::args::{Arguments, Command};
use crate::failure::Result;

/// Does what was asked for.
pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Ls(options) => ls::run(&options),
        Command::Stat(options) => stat::run(&options),
        Command::Sem(options) => sem::run(&options),
        Command::Mq(options) => mq::run(&options),
        Command::Shm(options) => shm::run(&options),
        Command::Msg(options) => msg::run(&options),
        Command::Rm(options) => rm::run(&options),
        Command::Graph(options) => graph::run(&options),
        Command::Clean(options) => clean::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Top(options) => top::run(&options),
        Command::Console(options) => console::run(&options),
        Command::Generate(options) => generate::run(&options, Arguments::command()),
    }
}
