//! What may be typed after `rsipc`.

use clap::{Parser, Subcommand};

use crate::commands::{
    clean, console, doctor, generate, graph, ls, mq, msg, rm, run, sem, shm, stat, top,
};

/// Inspect, use and explain POSIX and System V semaphores, message queues and shared memory.
#[derive(Parser)]
#[command(name = "rsipc", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Objects are looked for in /dev/shm, or in the directory that RSIPC_DIR names.
Exit status: 0 success, 1 failure, 2 wrong arguments.";

#[derive(Subcommand)]
pub enum Command {
    Ls(ls::Options),
    Stat(stat::Options),
    Top(top::Options),
    Sem(sem::Options),
    Mq(mq::Options),
    Shm(shm::Options),
    Msg(msg::Options),
    Rm(rm::Options),
    Graph(graph::Options),
    Clean(clean::Options),
    Run(run::Options),
    Doctor(doctor::Options),
    Console(console::Options),
    #[command(hide = true)]
    Generate(generate::Options),
}
