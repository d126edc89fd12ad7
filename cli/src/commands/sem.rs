//! `rsipc sem`: the calls on semaphores.

use std::time::Duration;

use clap::{Args, Subcommand};
use rsipc_core::os::Errno;
use rsipc_core::os::clock::Clock;
use rsipc_core::posix::sem::{self, Open, Patience, Semaphore, VALUE_MAX};

use super::creation::Creation;
use crate::deadline;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::objects::name::{self, Name};
use crate::objects::open_queue::this_thread;
use crate::objects::open_semaphore;
use crate::objects::target::Target;
use crate::objects::trouble::Subject;
use crate::objects::{self, Kind, file, semaphore};
use crate::output::{print, time};
use crate::survey::Survey;

/// Create, use and remove semaphores
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Create a semaphore
    Create {
        #[arg(value_parser = Target::parser_of_names(Kind::Sem), help = name::HELP)]
        name: Name,
        /// Initial value
        #[arg(long, default_value_t = 0)]
        #[arg(value_parser = clap::value_parser!(u32).range(..=i64::from(VALUE_MAX)))]
        value: u32,
        #[command(flatten)]
        creation: Creation,
    },
    /// Print the value
    Get {
        #[arg(value_parser = Target::parser_of_names(Kind::Sem), help = name::HELP)]
        name: Name,
    },
    /// Increment the value, which wakes a waiter
    Post {
        #[arg(value_parser = Target::parser_of_names(Kind::Sem), help = name::HELP)]
        name: Name,
        /// Number of increments
        #[arg(long, default_value_t = 1)]
        times: u32,
    },
    /// Decrement the value; sleep while it is 0
    Wait {
        #[arg(value_parser = Target::parser_of_names(Kind::Sem), help = name::HELP)]
        name: Name,
        /// Give up after this time: exit status 1
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        timeout: Option<Duration>,
    },
    /// Decrement the value if it is above 0; otherwise exit status 1
    Trywait {
        #[arg(value_parser = Target::parser_of_names(Kind::Sem), help = name::HELP)]
        name: Name,
    },
    /// Remove semaphores; a process that has one open keeps it
    Rm {
        /// Names of the objects
        #[arg(required = true, value_parser = Target::parser_of_names(Kind::Sem))]
        names: Vec<Name>,
    },
}

pub fn run(options: &Options) -> Result<()> {
    match &options.action {
        Action::Create { name, value, creation } => create(name, *value, creation),
        Action::Get { name } => get(name),
        Action::Post { name, times } => post(name, *times),
        Action::Wait { name, timeout } => wait(name, *timeout),
        Action::Trywait { name } => try_wait(name),
        Action::Rm { names } => names.iter().try_for_each(remove),
    }
}

fn subject(name: &Name) -> Subject<'_> {
    Subject { kind: Kind::Sem, name }
}

fn create(name: &Name, value: u32, creation: &Creation) -> Result<()> {
    let how =
        Open::OrCreate { mode: creation.exact_mode(), value, exclusive: !creation.if_missing };
    sem::open(name.c_str(), how).map_err(|error| subject(name).failed_as("create", error))?;
    Ok(())
}

/// Only looks: no descriptor for writing, no mapping.
fn get(name: &Name) -> Result<()> {
    let path = objects::semaphore_path(name);
    if !path.exists()
        && let Some(link) = Survey::way_to_unlinked(Kind::Sem, name)?
    {
        let semaphore = open_semaphore::map(&link);
        let semaphore = semaphore.map_err(|error| subject(name).failed("read", error))?;
        return print(format!("{}\n", semaphore.raw_value()));
    }
    let state = file::open(&path).and_then(|file| semaphore::State::read(&file));
    let state = state.map_err(|error| subject(name).failed("read", error))?;
    print(format!("{}\n", state.value))
}

fn post(name: &Name, times: u32) -> Result<()> {
    let semaphore = open(name)?;
    for _ in 0..times {
        // SAFETY: it is mapped until this process ends.
        unsafe { Semaphore::post(semaphore, || this_thread().ok()) }.map_err(
            |error| match error {
                Errno::EOVERFLOW => {
                    Failure::new(format!("the value of {} is at its maximum", name.shown()))
                }
                other => subject(name).failed_as("post", other),
            },
        )?;
    }
    Ok(())
}

fn wait(name: &Name, timeout: Option<Duration>) -> Result<()> {
    let semaphore = open(name)?;
    let patience = match timeout {
        Some(timeout) => Patience::Until(deadline::after(Clock::Monotonic, timeout)),
        None => Patience::Unlimited,
    };
    interrupt::end_waits();
    let waited = loop {
        match semaphore.wait(patience, this_thread().ok()) {
            Err(Errno::EINTR) => interrupt::end_if_asked(),
            decided => break decided,
        }
    };
    waited.map_err(|error| match (error, timeout) {
        (Errno::ETIMEDOUT, Some(timeout)) => {
            Failure::new(format!("the value of {} stayed 0 for {timeout:?}", name.shown())).advise(
                format!("`rsipc stat {}` shows who has it open and who else waits", name.shown()),
            )
        }
        (other, _) => subject(name).failed_as("wait for", other),
    })
}

fn try_wait(name: &Name) -> Result<()> {
    if open(name)?.try_take() {
        return Ok(());
    }
    Err(Failure::new(format!("the value of {} is 0", name.shown()))
        .advise(format!("`rsipc sem wait {}` waits for a post", name.shown())))
}

fn remove(name: &Name) -> Result<()> {
    sem::unlink(name.c_str()).map_err(|error| subject(name).failed_as("remove", error))
}

/// For use, not for a look.
fn open(name: &Name) -> Result<&'static Semaphore> {
    let semaphore = sem::open(name.c_str(), Open::Existing);
    if semaphore.as_ref().is_err_and(|error| *error == Errno::ENOENT)
        && let Some(link) = Survey::way_to_unlinked(Kind::Sem, name)?
    {
        return open_semaphore::map(&link).map_err(|error| subject(name).failed("open", error));
    }
    let semaphore = semaphore.map_err(|error| subject(name).failed_as("open", error))?;
    // SAFETY: mapped until this process ends, since nobody closes it.
    Ok(unsafe { &*semaphore })
}
