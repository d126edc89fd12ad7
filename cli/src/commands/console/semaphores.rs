//! `sem_open` and the others.

use std::sync::Arc;

use rsipc_core::os::Errno;
use rsipc_core::os::clock::Clock;
use rsipc_core::os::futex::Scope;
use rsipc_core::posix::sem::{self, Open, Patience, Semaphore};

use super::arguments::{Arguments, OPEN_FLAGS, usage};
use super::call::{Answer, Result, Sleepy, Step, Trouble};
use super::command::{Command, Family};
use super::session::{Held, Label, Place, Session, is_in_use};
use crate::objects::open_queue::this_thread;
use crate::output::escape;

const NAMED: &str = "a name with its slash, such as /s";

pub const COMMANDS: &[Command] = &[
    Command {
        name: "sem_open",
        family: Family::Semaphores,
        arguments: "NAME [FLAGS [MODE [VALUE]]]",
        summary: "open a named semaphore; O_CREAT creates it",
        more: "FLAGS: 0, O_CREAT, O_CREAT|O_EXCL. MODE and VALUE are those of a new one: 0600 and 0. From then on NAME \
               stands for the semaphore. The same semaphore has the same address, however often it is opened.",
        example: "sem_open /s O_CREAT 0600 1",
        failure: "SEM_FAILED",
        run: open,
    },
    Command {
        name: "sem_init",
        family: Family::Semaphores,
        arguments: "SEM PSHARED VALUE",
        summary: "initialise an unnamed semaphore",
        more: "SEM is a word that you choose, for one in the memory of the console, or /m:64 for byte 64 of the mapped \
               object /m, where other processes can reach it. PSHARED: 0 = for the threads of this \
               process, 1 = for other processes, too.",
        example: "sem_init s 0 1",
        failure: "-1",
        run: init,
    },
    Command {
        name: "sem_wait",
        family: Family::Semaphores,
        arguments: "SEM [&]",
        summary: "decrement the value; sleep while it is 0",
        more: "Ctrl-C interrupts the sleep. With &, a thread of its own makes the call.",
        example: "sem_wait /s",
        failure: "-1",
        run: |session, arguments| wait(session, arguments, |_| Ok(Patience::Unlimited)),
    },
    Command {
        name: "sem_trywait",
        family: Family::Semaphores,
        arguments: "SEM",
        summary: "decrement the value if it is above 0; never sleep",
        more: "",
        example: "sem_trywait /s",
        failure: "-1",
        run: try_wait,
    },
    Command {
        name: "sem_timedwait",
        family: Family::Semaphores,
        arguments: "SEM TIME [&]",
        summary: "decrement the value; sleep until TIME at most",
        more: "TIME: 2s or 500ms from now, or @SECONDS, an absolute time of CLOCK_REALTIME, as the call takes it.",
        example: "sem_timedwait /s 2s",
        failure: "-1",
        run: |session, arguments| wait(session, arguments, |rest| until(rest, Clock::Realtime)),
    },
    Command {
        name: "sem_clockwait",
        family: Family::Semaphores,
        arguments: "SEM CLOCK TIME [&]",
        summary: "the same, on a clock of your choice",
        more: "CLOCK: CLOCK_REALTIME, or CLOCK_MONOTONIC, which cannot be set.",
        example: "sem_clockwait /s CLOCK_MONOTONIC 2s",
        failure: "-1",
        run: |session, arguments| wait(session, arguments, until_on_clock),
    },
    Command {
        name: "sem_post",
        family: Family::Semaphores,
        arguments: "SEM",
        summary: "increment the value, which wakes a waiter",
        more: "",
        example: "sem_post /s",
        failure: "-1",
        run: post,
    },
    Command {
        name: "sem_getvalue",
        family: Family::Semaphores,
        arguments: "SEM",
        summary: "print the value",
        more: "With RSIPC_SEM_GETVALUE=waiters a semaphore with the value 0 shows minus the number of its waiters.",
        example: "sem_getvalue /s",
        failure: "-1",
        run: get_value,
    },
    Command {
        name: "sem_close",
        family: Family::Semaphores,
        arguments: "SEM",
        summary: "undo one sem_open",
        more: "The semaphore stays as it is, for others and for the next sem_open.",
        example: "sem_close /s",
        failure: "-1",
        run: close,
    },
    Command {
        name: "sem_unlink",
        family: Family::Semaphores,
        arguments: "NAME",
        summary: "remove the name; processes that have it open keep it",
        more: "",
        example: "sem_unlink /s",
        failure: "-1",
        run: unlink,
    },
    Command {
        name: "sem_destroy",
        family: Family::Semaphores,
        arguments: "SEM",
        summary: "destroy an unnamed semaphore",
        more: "",
        example: "sem_destroy s",
        failure: "-1",
        run: destroy,
    },
];

fn open(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.name()?;
    let flags = arguments.flags(OPEN_FLAGS)?;
    let how = if flags & libc::O_CREAT == 0 {
        Open::Existing
    } else {
        let (mode, value) = (arguments.mode_or(0o600)?, arguments.number_or("VALUE", 0)?);
        Open::OrCreate { mode, value, exclusive: flags & libc::O_EXCL != 0 }
    };
    arguments.end()?;
    let at = sem::open(&name, how)?;
    let (label, opens) = remember(session, name.as_bytes(), at);
    let remark = match (label == name.as_bytes(), opens) {
        (true, 1) => String::new(),
        (true, _) => format!("open {opens} times, at one address"),
        (false, _) => format!("a new semaphore: here it is {}", escape::word(&label)),
    };
    Ok(Answer::returned(format_args!("{at:p}"), remark).into())
}

/// Under its name, or, when that stands for an older semaphore whose name is gone, under another
/// one.
fn remember(session: &mut Session, name: &[u8], at: *mut Semaphore) -> (Label, usize) {
    let labels = std::iter::once(name.to_vec())
        .chain((2..).map(|n: u32| [name, format!("#{n}").as_bytes()].concat()));
    for label in labels {
        let opens = match session.semaphores.get(&label).map(|held| &held.0) {
            None => 1,
            Some(Place::Named { at: before, opens }) if *before == at => opens + 1,
            Some(_) => continue,
        };
        session.semaphores.insert(label.clone(), Arc::new(Held(Place::Named { at, opens })));
        return (label, opens);
    }
    unreachable!("there are more labels than semaphores")
}

fn init(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let label = arguments.word("SEM")?;
    let shared: i32 = arguments.number("PSHARED")?;
    let value = arguments.number("VALUE")?;
    arguments.end()?;
    if session.semaphores.contains_key(label) {
        return Err(Trouble::Refused(
            format!(
                "{} is a semaphore already, and a second sem_init has undefined behaviour",
                escape::word(label)
            ),
            "`sem_destroy` destroys it".to_owned(),
        ));
    }
    let semaphore =
        Semaphore::new(value, if shared == 0 { Scope::Private } else { Scope::Shared })?;
    let place = match session.place_in_memory(label)? {
        Some((mapping, offset)) => {
            // SAFETY: there is room for a semaphore. To use what was there before is at the user's
            // own risk, as in C.
            unsafe { mapping.at(offset).cast::<Semaphore>().write(semaphore) };
            Place::Mapped(mapping, offset)
        }
        None if label.starts_with(b"/") => {
            return Err(usage(format!(
                "SEM: a semaphore without a name, such as s; {NAMED} is for sem_open"
            )));
        }
        None => Place::Unnamed(Box::new(semaphore)),
    };
    session.semaphores.insert(label.to_vec(), Arc::new(Held(place)));
    Ok(Answer::zero().into())
}

fn wait(
    session: &mut Session,
    arguments: &mut Arguments,
    patience: impl Fn(&mut Arguments) -> Result<Patience>,
) -> Result<Step> {
    let held = session.semaphore(arguments.word("SEM")?)?;
    let patience = patience(arguments)?;
    arguments.end()?;
    let sleeps_for = (held.semaphore().raw_value() == 0).then_some("a post");
    let call = move || held.semaphore().wait(patience, this_thread().ok()).map(|()| Answer::zero());
    Ok(Step::MaySleep(Sleepy { sleeps_for, call: Box::new(call) }))
}

fn until(arguments: &mut Arguments, clock: Clock) -> Result<Patience> {
    arguments.deadline(clock).map(Patience::Until)
}

fn until_on_clock(arguments: &mut Arguments) -> Result<Patience> {
    let clock = match arguments.word("CLOCK")? {
        b"CLOCK_REALTIME" => Clock::Realtime,
        b"CLOCK_MONOTONIC" => Clock::Monotonic,
        // What the call says of any other.
        _ => return Err(Errno::EINVAL.into()),
    };
    until(arguments, clock)
}

/// The one argument of most calls.
fn only(session: &Session, arguments: &mut Arguments) -> Result<Arc<Held>> {
    let held = session.semaphore(arguments.word("SEM")?)?;
    arguments.end()?;
    Ok(held)
}

fn try_wait(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    if only(session, arguments)?.semaphore().try_take() {
        return Ok(Answer::zero().into());
    }
    Err(Errno::EAGAIN.into())
}

fn post(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let held = only(session, arguments)?;
    // SAFETY: it is held until the call is over.
    unsafe { Semaphore::post(held.semaphore(), || this_thread().ok()) }?;
    Ok(Answer::zero().into())
}

fn get_value(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let held = only(session, arguments)?;
    let semaphore = held.semaphore();
    let waits = match semaphore.waiters() {
        0 => String::new(),
        1 => ", 1 wait is registered".to_owned(),
        many => format!(", {many} waits are registered"),
    };
    Ok(Answer::returned(0, format!("value {}{waits}", semaphore.value())).into())
}

fn close(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let label = arguments.word("SEM")?;
    arguments.end()?;
    let held = session.semaphore(label)?;
    let Place::Named { at, opens } = held.0 else { return Err(Errno::EINVAL.into()) };
    drop(held);
    refuse_if_in_use(session, label, "close")?;
    sem::close(at)?;
    if opens > 1 {
        let one_less = Arc::new(Held(Place::Named { at, opens: opens - 1 }));
        session.semaphores.insert(label.to_vec(), one_less);
    } else {
        session.semaphores.remove(label);
    }
    Ok(Answer::zero().into())
}

fn refuse_if_in_use(session: &Session, label: &[u8], verb: &str) -> Result<()> {
    if !session.semaphores.get(label).is_some_and(is_in_use) {
        return Ok(());
    }
    let what = format!(
        "a call in the background sleeps on {}, so the behaviour would be undefined",
        escape::word(label)
    );
    Err(Trouble::Refused(what, format!("`interrupt` ends that call; then {verb} it")))
}

fn unlink(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.name()?;
    arguments.end()?;
    sem::unlink(&name)?;
    Ok(Answer::zero().into())
}

fn destroy(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let label = arguments.word("SEM")?;
    arguments.end()?;
    let held = session.semaphore(label)?;
    if let Place::Named { .. } = held.0 {
        let what = format!(
            "{} has a name, and sem_destroy of a named semaphore has undefined behaviour",
            escape::word(label)
        );
        return Err(Trouble::Refused(
            what,
            "`sem_close` and `sem_unlink` are for named semaphores".to_owned(),
        ));
    }
    drop(held);
    refuse_if_in_use(session, label, "destroy")?;
    session.semaphores.remove(label);
    Ok(Answer::zero().into())
}
