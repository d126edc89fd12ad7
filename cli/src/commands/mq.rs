//! `rsipc mq`: the calls on message queues.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use rsipc_core::os::Errno;
use rsipc_core::os::clock::{Clock, Deadline};
use rsipc_core::posix::mq::{self, How, MAXMSG_LIMIT, MSGSIZE_LIMIT};
use serde::Serialize;

use super::bodies::Bodies;
use super::creation::Creation;
use crate::deadline;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::objects::name::{self, Name};
use crate::objects::open_queue::OpenQueue;
use crate::objects::queue::{self, Message};
use crate::objects::target::Target;
use crate::objects::trouble::Subject;
use crate::objects::{Kind, file};
use crate::output::style::Style;
use crate::output::table::{Align, Table};
use crate::output::{self, amount, escape, json, print, time};
use crate::report::Bytes;
use crate::survey::Survey;

/// Create, use and remove message queues
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Create(Create),
    Send(Send),
    Recv(Recv),
    Peek(Peek),
    Tail(Tail),
    /// Remove queues; a process that has one open keeps it
    Rm {
        /// Names of the objects
        #[arg(required = true, value_parser = Target::parser_of_names(Kind::Mq))]
        names: Vec<Name>,
    },
}

/// Create a queue
#[derive(Args)]
struct Create {
    #[arg(value_parser = Target::parser_of_names(Kind::Mq), help = name::HELP)]
    name: Name,
    /// Capacity in messages
    #[arg(long, default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MAXMSG_LIMIT as i64))]
    max_messages: u32,
    /// Maximum length of a message in bytes, such as 8192 or 64K
    #[arg(long, default_value = "8192", value_parser = parse_message_size)]
    message_size: u64,
    #[command(flatten)]
    creation: Creation,
}

/// Send a message; sleep while the queue is full
#[derive(Args)]
struct Send {
    #[arg(value_parser = Target::parser_of_names(Kind::Mq), help = name::HELP)]
    name: Name,
    #[command(flatten)]
    bodies: Bodies,
    /// A message of higher priority is received first
    #[arg(long, short, default_value_t = 0, value_parser = parse_priority)]
    priority: u32,
    /// Give up after this time: exit status 1
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    timeout: Option<Duration>,
}

/// Receive messages; sleep while there is none
#[derive(Args)]
struct Recv {
    #[arg(value_parser = Target::parser_of_names(Kind::Mq), help = name::HELP)]
    name: Name,
    /// Number of messages
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Write a newline after each message
    #[arg(long)]
    lines: bool,
    /// Write the priority and a space in front of each message
    #[arg(long)]
    priorities: bool,
    /// Give up if no message arrives within this time: exit status 1
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    timeout: Option<Duration>,
}

/// Show the messages in the order of their receipt, and leave them in the queue
#[derive(Args)]
struct Peek {
    #[arg(value_parser = Target::parser_of_names(Kind::Mq), help = name::HELP)]
    name: Name,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

/// Show messages as they arrive, and leave them there; one that is received at once may be missed
#[derive(Args)]
struct Tail {
    #[arg(value_parser = Target::parser_of_names(Kind::Mq), help = name::HELP)]
    name: Name,
    /// Stop after this time
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    timeout: Option<Duration>,
}

fn parse_priority(text: &str) -> std::result::Result<u32, String> {
    const HIGHEST: u32 = 32767;
    text.parse()
        .ok()
        .filter(|priority| *priority <= HIGHEST)
        .ok_or_else(|| format!("a priority is a number from 0 to {HIGHEST}"))
}

fn parse_message_size(text: &str) -> std::result::Result<u64, String> {
    amount::parse(text).and_then(|size| match usize::try_from(size) {
        Ok(1..=MSGSIZE_LIMIT) => Ok(size),
        _ => Err("a message has from 1 byte to 16M".to_owned()),
    })
}

pub fn run(options: &Options) -> Result<()> {
    match &options.action {
        Action::Create(options) => create(options),
        Action::Send(options) => send(options),
        Action::Recv(options) => receive(options),
        Action::Peek(options) => peek(options),
        Action::Tail(options) => tail(options),
        Action::Rm { names } => names.iter().try_for_each(remove),
    }
}

fn subject(name: &Name) -> Subject<'_> {
    Subject { kind: Kind::Mq, name }
}

fn create(options: &Create) -> Result<()> {
    let exclusive = if options.creation.if_missing { 0 } else { libc::O_EXCL };
    let how = How {
        flags: libc::O_RDONLY | libc::O_CREAT | exclusive,
        mode: options.creation.exact_mode(),
        sizes: Some((options.max_messages.into(), options.message_size.cast_signed())),
    };
    OpenQueue::open(&options.name, how)
        .map_err(|error| subject(&options.name).failed_as("create", error))?;
    Ok(())
}

fn open(name: &Name, flags: i32) -> Result<OpenQueue> {
    OpenQueue::open(name, How { flags, mode: 0, sizes: None })
        .map_err(|error| subject(name).failed_as("open", error))
}

fn send(options: &Send) -> Result<()> {
    let queue = open(&options.name, libc::O_WRONLY)?;
    interrupt::end_waits();
    options.bodies.each(|body| {
        queue
            .send(body, options.priority, end_of(options.timeout))
            .map_err(|error| not_sent(options, &queue, body.len(), error))
    })
}

/// On the clock of the timed calls on queues.
fn end_of(timeout: Option<Duration>) -> Option<Deadline> {
    timeout.map(|timeout| deadline::after(Clock::Realtime, timeout))
}

fn not_sent(options: &Send, queue: &OpenQueue, length: usize, error: Errno) -> Failure {
    let name = options.name.shown();
    match (error, options.timeout) {
        (Errno::ETIMEDOUT, Some(timeout)) => {
            Failure::new(format!("no space became free in {name} within {timeout:?}"))
                .advise(format!("`rsipc stat {name}` shows who receives from it"))
        }
        (Errno::EMSGSIZE, _) => Failure::new(format!(
            "a message of {length} bytes is too large for {name}, which takes {}",
            queue.message_size()
        ))
        .advise("`rsipc mq create --message-size` creates a queue for larger messages"),
        _ => subject(&options.name).failed_as("send to", error),
    }
}

fn receive(options: &Recv) -> Result<()> {
    output::check()?;
    let queue = open(&options.name, libc::O_RDONLY)?;
    interrupt::end_waits();
    for _ in 0..options.count {
        let received =
            queue.receive(end_of(options.timeout)).map_err(|error| not_received(options, error))?;
        let priority =
            if options.priorities { format!("{} ", received.priority) } else { String::new() };
        let end: &[u8] = if options.lines { b"\n" } else { b"" };
        print([priority.as_bytes(), &received.body, end].concat())?;
        received.take().map_err(|error| not_received(options, error))?;
    }
    Ok(())
}

fn not_received(options: &Recv, error: Errno) -> Failure {
    let name = options.name.shown();
    match (error, options.timeout) {
        (Errno::ETIMEDOUT, Some(timeout)) => {
            Failure::new(format!("no message arrived in {name} within {timeout:?}"))
                .advise(format!("`rsipc stat {name}` shows who has it"))
        }
        _ => subject(&options.name).failed_as("receive from", error),
    }
}

#[derive(Serialize)]
struct Peeked {
    queue: String,
    messages: Vec<PeekedMessage>,
}

#[derive(Serialize)]
struct PeekedMessage {
    priority: u32,
    bytes: usize,
    body: Bytes,
}

fn peek(options: &Peek) -> Result<()> {
    let messages = look(&options.name)?;
    if options.json {
        let messages = messages.iter().map(|message| PeekedMessage {
            priority: message.priority,
            bytes: message.body.len(),
            body: Bytes::from(message.body.as_slice()),
        });
        let queue = String::from_utf8_lossy(options.name.bytes()).into_owned();
        return json::print_document(Peeked { queue, messages: messages.collect() });
    }
    let mut table =
        Table::new([("PRIORITY", Align::Right), ("BYTES", Align::Right), ("MESSAGE", Align::Left)]);
    for message in &messages {
        table.push([
            message.priority.to_string().into(),
            message.body.len().to_string().into(),
            escape::text(&message.body).into(),
        ]);
    }
    print(table.render(Style::of_stdout()))
}

/// How often the queue is looked at. Nothing can be asked to tell of a message without a change to
/// the queue.
const TAIL_EVERY: Duration = Duration::from_millis(20);

fn tail(options: &Tail) -> Result<()> {
    let start = Instant::now();
    // By key and body: a message that takes the place of one that was received may have the key of
    // that.
    let mut seen: HashSet<(u64, Vec<u8>)> = HashSet::new();
    loop {
        let messages = look(&options.name)?;
        let mut in_order: Vec<&Message> = messages.iter().collect();
        in_order.sort_by_key(|message| message.number);
        for message in in_order {
            if !seen.contains(&(message.key, message.body.clone())) {
                print(format!("{} {}\n", message.priority, escape::text(&message.body)))?;
            }
        }
        seen = messages.into_iter().map(|message| (message.key, message.body)).collect();
        if options.timeout.is_some_and(|timeout| start.elapsed() >= timeout) {
            return Ok(());
        }
        std::thread::sleep(TAIL_EVERY);
    }
}

fn look(name: &Name) -> Result<Vec<Message>> {
    let path = queue::path(name).map_err(|error| subject(name).failed_as("open", error))?;
    let file = match file::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Survey::way_to_unlinked(Kind::Mq, name)?.map_or(Err(error), File::open)
        }
        decided => decided,
    };
    file.and_then(|file| queue::peek(&file)).map_err(|error| subject(name).failed("read", error))
}

fn remove(name: &Name) -> Result<()> {
    mq::unlink(name.c_str()).map_err(|error| subject(name).failed_as("remove", error))
}
