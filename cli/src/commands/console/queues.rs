//! `mq_open` and the others.

use rsipc_core::os::Errno;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::posix::mq::{self, Attributes, How, Incoming, Outgoing, Task, Transferred};

use super::arguments::{Arguments, OPEN_FLAGS};
use super::call::{Answer, Result, Sleepy, Step};
use super::command::{Command, Family};
use super::notice;
use super::session::{OpenQueue, Session};
use crate::objects::open_queue::this_thread;
use crate::output::escape;

pub const COMMANDS: &[Command] = &[
    Command {
        name: "mq_open",
        family: Family::Queues,
        arguments: "NAME [FLAGS [MODE [MAXMSG MSGSIZE]]]",
        summary: "open a queue; O_CREAT creates it",
        more: "FLAGS: O_RDONLY, O_WRONLY or O_RDWR, with O_CREAT, O_EXCL, O_NONBLOCK. MODE (0600), MAXMSG and MSGSIZE \
               are those of a new one. It returns a descriptor; in the console NAME stands for the last one.",
        example: "mq_open /q O_RDWR|O_CREAT 0600 10 8192",
        failure: "-1",
        run: open,
    },
    Command {
        name: "mq_send",
        family: Family::Queues,
        arguments: "MQ TEXT [PRIORITY] [&]",
        summary: "send a message; sleep while the queue is full",
        more: "MQ is a descriptor, or the name that it was opened with. Messages of a higher PRIORITY (0 to 32767) are \
               received first. $'\\377\\n' stands for bytes that cannot be typed.",
        example: "mq_send /q 'hello there' 5",
        failure: "-1",
        run: |session, arguments| send(session, arguments, |_| Ok(None)),
    },
    Command {
        name: "mq_receive",
        family: Family::Queues,
        arguments: "MQ [SIZE] [&]",
        summary: "receive the next message; sleep while there is none",
        more: "SIZE is the size of the buffer; by default, the queue's msgsize.",
        example: "mq_receive /q",
        failure: "-1",
        run: |session, arguments| receive(session, arguments, |_| Ok(None)),
    },
    Command {
        name: "mq_timedsend",
        family: Family::Queues,
        arguments: "MQ TEXT PRIORITY TIME [&]",
        summary: "send a message; sleep until TIME at most",
        more: "TIME: 2s or 500ms from now, or @SECONDS, an absolute time of CLOCK_REALTIME, as the call takes it.",
        example: "mq_timedsend /q hello 0 2s",
        failure: "-1",
        run: |session, arguments| send(session, arguments, until),
    },
    Command {
        name: "mq_timedreceive",
        family: Family::Queues,
        arguments: "MQ TIME [SIZE] [&]",
        summary: "receive the next message; sleep until TIME at most",
        more: "TIME as for mq_timedsend.",
        example: "mq_timedreceive /q 500ms",
        failure: "-1",
        run: |session, arguments| receive(session, arguments, until),
    },
    Command {
        name: "mq_getattr",
        family: Family::Queues,
        arguments: "MQ",
        summary: "print the sizes, the number of messages, and O_NONBLOCK",
        more: "",
        example: "mq_getattr /q",
        failure: "-1",
        run: get_attributes,
    },
    Command {
        name: "mq_setattr",
        family: Family::Queues,
        arguments: "MQ FLAGS",
        summary: "set O_NONBLOCK, or clear it with 0",
        more: "No other flag can be changed. With O_NONBLOCK, no call on this descriptor sleeps.",
        example: "mq_setattr /q O_NONBLOCK",
        failure: "-1",
        run: set_attributes,
    },
    Command {
        name: "mq_notify",
        family: Family::Queues,
        arguments: "MQ [SIGEV_SIGNAL [SIGNAL] | SIGEV_THREAD | SIGEV_NONE | NULL]",
        summary: "be notified when a message arrives in the empty queue",
        more: "Once: then it is to be called again. One process at a time; NULL ends the registration. The console says \
               so when the signal (SIGUSR1) comes, or the thread runs.",
        example: "mq_notify /q SIGEV_SIGNAL SIGUSR1",
        failure: "-1",
        run: notify,
    },
    Command {
        name: "mq_close",
        family: Family::Queues,
        arguments: "MQ",
        summary: "close a descriptor, and end this process's registration",
        more: "The queue stays, with its messages.",
        example: "mq_close /q",
        failure: "-1",
        run: close,
    },
    Command {
        name: "mq_unlink",
        family: Family::Queues,
        arguments: "NAME",
        summary: "remove the name; processes that have it open keep it",
        more: "",
        example: "mq_unlink /q",
        failure: "-1",
        run: unlink,
    },
];

fn open(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.name()?;
    let flags = arguments.flags(OPEN_FLAGS)?;
    let mut how = How { flags, mode: 0, sizes: None };
    if flags & libc::O_CREAT != 0 {
        how.mode = arguments.mode_or(0o600)?;
        if let Some(maxmsg) = arguments.number_if_any("MAXMSG")? {
            how.sizes = Some((maxmsg, arguments.number("MSGSIZE")?));
        }
    }
    arguments.end()?;
    let fd = mq::open(&name, how)?;
    let attributes = mq::attributes(this_thread()?, fd)?;
    let queue =
        OpenQueue { label: name.as_bytes().to_vec(), message_size: attributes.geometry.msgsize };
    session.queues.insert(fd, queue);
    Ok(Answer::returned(fd, "").into())
}

type Until = fn(&mut Arguments) -> Result<Option<Deadline>>;

fn until(arguments: &mut Arguments) -> Result<Option<Deadline>> {
    arguments.deadline(Clock::Realtime).map(Some)
}

fn send(session: &mut Session, arguments: &mut Arguments, until: Until) -> Result<Step> {
    let fd = session.queue(arguments.word("MQ")?)?;
    let body = arguments.word("TEXT")?.to_vec();
    let priority = arguments.number_or("PRIORITY", 0)?;
    let deadline = until(arguments)?;
    arguments.end()?;
    let is_full = |attributes: Attributes| attributes.messages >= attributes.geometry.maxmsg;
    let call = move || {
        let message = Outgoing { body: body.as_ptr(), length: body.len(), priority };
        // SAFETY: the body lives until the call is over.
        unsafe { Task::Send(message).perform(this_thread()?, fd, deadline) }.map(|_| Answer::zero())
    };
    Ok(Step::MaySleep(Sleepy { sleeps_for: sleeps(fd, is_full, "space"), call: Box::new(call) }))
}

fn receive(session: &mut Session, arguments: &mut Arguments, until: Until) -> Result<Step> {
    let fd = session.queue(arguments.word("MQ")?)?;
    let deadline = until(arguments)?;
    let size = session.queues.get(&fd).map_or(0, |queue| queue.message_size);
    let size = arguments.number_or("SIZE", size)?;
    arguments.end()?;
    let is_empty = |attributes: Attributes| attributes.messages == 0;
    let call = move || {
        let mut body = vec![0; size.min(mq::MSGSIZE_LIMIT)];
        let room = Incoming::of(&mut body);
        // SAFETY: the room lives until the call is over.
        let done = unsafe { Task::Receive(room).perform(this_thread()?, fd, deadline) }?;
        // Nothing else comes of a receive that has not failed.
        let Transferred::Received(received) = done else { return Err(Errno::EINVAL) };
        let text = escape::text(&body[..received.length]);
        Ok(Answer::returned(received.length, format!("priority {}: {text}", received.priority)))
    };
    Ok(Step::MaySleep(Sleepy {
        sleeps_for: sleeps(fd, is_empty, "a message"),
        call: Box::new(call),
    }))
}

fn sleeps(
    fd: i32,
    must_wait: impl Fn(Attributes) -> bool,
    what: &'static str,
) -> Option<&'static str> {
    let attributes = this_thread().and_then(|thread| mq::attributes(thread, fd)).ok()?;
    (!attributes.nonblocking && must_wait(attributes)).then_some(what)
}

fn only(session: &Session, arguments: &mut Arguments) -> Result<i32> {
    let fd = session.queue(arguments.word("MQ")?)?;
    arguments.end()?;
    Ok(fd)
}

fn get_attributes(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let fd = only(session, arguments)?;
    let attributes = mq::attributes(this_thread()?, fd)?;
    Ok(Answer::returned(0, describe(attributes)).into())
}

fn describe(attributes: Attributes) -> String {
    let flags = if attributes.nonblocking { "O_NONBLOCK" } else { "0" };
    let geometry = attributes.geometry;
    format!(
        "flags {flags}, maxmsg {}, msgsize {}, curmsgs {}",
        geometry.maxmsg, geometry.msgsize, attributes.messages
    )
}

fn set_attributes(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let fd = session.queue(arguments.word("MQ")?)?;
    let flags = arguments.flags(OPEN_FLAGS)?;
    arguments.end()?;
    if flags & !libc::O_NONBLOCK != 0 {
        return Err(Errno::EINVAL.into());
    }
    let before = mq::set_nonblocking(this_thread()?, fd, flags != 0)?;
    Ok(Answer::returned(0, format!("before: {}", describe(before))).into())
}

fn notify(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let fd = session.queue(arguments.word("MQ")?)?;
    let wish = notice::wish(arguments, fd)?;
    arguments.end()?;
    mq::notify(this_thread()?, fd, wish)?;
    Ok(Answer::zero().into())
}

fn close(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let fd = only(session, arguments)?;
    mq::close(this_thread()?, fd)?;
    session.queues.remove(&fd);
    Ok(Answer::zero().into())
}

fn unlink(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.name()?;
    arguments.end()?;
    mq::unlink(&name)?;
    Ok(Answer::zero().into())
}
