//! `rsipc msg`: the calls on System V message queues.

use std::io;
use std::time::Duration;

use clap::{Args, Subcommand};
use rsipc_core::os::Errno;
use rsipc_core::os::clock::Clock;
use rsipc_core::sysv::msg::{self, Selector};
use serde::Serialize;

use super::bodies::Bodies;
use super::creation::Creation;
use super::rm;
use crate::deadline;
use crate::failure::{Failure, Result, from_errno};
use crate::interrupt;
use crate::objects::open_messages::{EXCEPT, OpenMessages, Patience, Received, through_signals};
use crate::objects::open_queue::this_thread;
use crate::objects::sysv::Typed;
use crate::objects::target::Target;
use crate::objects::{self, Kind, Object, file, kernel, messages};
use crate::output::style::Style;
use crate::output::table::{Align, Table};
use crate::output::{self, amount, escape, json, print, time};
use crate::report::Bytes;
use crate::signals;

/// Create, use and remove System V message queues
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

const QUEUE: &str = "Key, such as 0xbeef, or id";

#[derive(Subcommand)]
enum Action {
    Create(Create),
    Send(Send),
    Recv(Recv),
    Peek(Peek),
    /// Remove queues; a process that waits in one is woken, with an error
    Rm {
        #[arg(required = true, value_parser = Typed::parse_queue, help = QUEUE)]
        queues: Vec<Typed>,
    },
}

/// Create a queue, and print its id
#[derive(Args)]
struct Create {
    /// Key of the queue, such as 0xbeef; by default it has none (IPC_PRIVATE)
    #[arg(value_parser = parse_key)]
    key: Option<i32>,
    /// Capacity in bytes, such as 16384 or 1M
    #[arg(long, value_name = "BYTES", value_parser = amount::parse)]
    max_bytes: Option<u64>,
    #[command(flatten)]
    creation: Creation,
}

/// How long to wait.
#[derive(Args)]
struct Waiting {
    /// Do not wait; if the call would sleep, exit status 1
    #[arg(long)]
    no_wait: bool,
    /// Give up after this time: exit status 1
    #[arg(long, value_name = "TIME", value_parser = time::parse, conflicts_with = "no_wait")]
    timeout: Option<Duration>,
}

/// Send a message; sleep while there is no space for it
#[derive(Args)]
struct Send {
    #[arg(value_parser = Typed::parse_queue, help = QUEUE)]
    queue: Typed,
    #[command(flatten)]
    bodies: Bodies,
    /// Type of the message, at least 1
    #[arg(long = "type", short = 't', value_name = "TYPE", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    kind: i64,
    #[command(flatten)]
    waiting: Waiting,
}

/// Which messages, as msgrcv(2) is told.
#[derive(Args)]
struct Wanted {
    /// 0: the oldest message; positive: the oldest of this type; negative: one of the lowest type
    /// up to its absolute value
    #[arg(long = "type", short = 't', value_name = "TYPE", default_value_t = 0)]
    #[arg(allow_negative_numbers = true)]
    kind: i64,
    /// The oldest message of any other type
    #[arg(long)]
    except: bool,
}

impl Wanted {
    fn selector(&self) -> Selector {
        Selector::new(self.kind, if self.except { EXCEPT } else { 0 })
    }
}

/// Receive messages; sleep while there is none
#[derive(Args)]
struct Recv {
    #[arg(value_parser = Typed::parse_queue, help = QUEUE)]
    queue: Typed,
    #[command(flatten)]
    wanted: Wanted,
    /// Number of messages
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Write a newline after each message
    #[arg(long)]
    lines: bool,
    /// Write the type and a space in front of each message
    #[arg(long)]
    types: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Show the messages in the order of their arrival, and leave them in the queue
#[derive(Args)]
struct Peek {
    #[arg(value_parser = Typed::parse_queue, help = QUEUE)]
    queue: Typed,
    #[command(flatten)]
    wanted: Wanted,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

fn parse_key(text: &str) -> std::result::Result<i32, String> {
    match Typed::parse_queue(text) {
        Ok(Typed::Key(key) | Typed::Id(key)) if key != libc::IPC_PRIVATE => Ok(key),
        _ => Err("a key is a number such as 0xbeef, and not 0".to_owned()),
    }
}

pub fn run(options: &Options) -> Result<()> {
    match &options.action {
        Action::Create(options) => create(options),
        Action::Send(options) => send(options),
        Action::Recv(options) => receive(options),
        Action::Peek(options) => peek(options),
        Action::Rm { queues } => {
            rm::remove_all(queues.iter().map(|typed| Target::of_number(Kind::Svmsg, *typed)))
        }
    }
}

/// `cannot VERB the System V message queue 0x…: …`
fn failed(verb: &str, typed: Typed, error: Errno) -> Failure {
    let (kind, shown) = (Kind::Svmsg.describe(), typed.shown());
    match error {
        Errno::ENOENT | Errno::EINVAL => {
            let is_kernels = kernel::list()
                .iter()
                .any(|object| object.kind == Kind::Svmsg && typed.means(object.key, object.id));
            let failure = Failure::new(format!("there is no {kind} {shown}"));
            failure.advise(if is_kernels {
                "the kernel has one, which programs without librsipc use: `rsipc stat` shows it"
            } else {
                "`rsipc ls msg` lists the queues; `rsipc msg create` creates one"
            })
        }
        Errno::EIDRM => Failure::new(format!("the {kind} {shown} was removed in the meantime")),
        Errno::EEXIST => Failure::new(format!("the {kind} {shown} exists already"))
            .advise(format!("`--if-missing` accepts it, `rsipc msg rm {shown}` removes it")),
        _ => Failure::call(format_args!("cannot {verb} the {kind} {shown}"), from_errno(error)),
    }
}

fn create(options: &Create) -> Result<()> {
    let key = options.key.unwrap_or(libc::IPC_PRIVATE);
    let typed = Typed::Key(key);
    let exclusive = if options.creation.if_missing { 0 } else { libc::IPC_EXCL };
    let mode = options.creation.exact_mode().cast_signed();
    let made = this_thread().and_then(|thread| {
        let id = msg::get(thread, key, libc::IPC_CREAT | exclusive | mode)?;
        let queue = OpenMessages { id };
        options.max_bytes.map_or(Ok(()), |bytes| queue.set_bound(bytes))?;
        Ok(id)
    });
    let id = made.map_err(|error| failed("create", typed, error))?;
    print(format!("{id}\n"))
}

impl Waiting {
    fn patience(&self) -> Patience {
        match self.timeout {
            _ if self.no_wait => Patience::None,
            timeout => {
                Patience::Until(timeout.map(|timeout| deadline::after(Clock::Monotonic, timeout)))
            }
        }
    }
}

fn send(options: &Send) -> Result<()> {
    let queue =
        OpenMessages::find(options.queue).map_err(|error| failed("open", options.queue, error))?;
    interrupt::end_waits();
    options.bodies.each(|body| {
        let patience = options.waiting.patience();
        through_signals(|| queue.send(options.kind, body, patience))
            .map_err(|error| not_sent(options, body.len(), error))
    })
}

fn not_sent(options: &Send, length: usize, error: Errno) -> Failure {
    let shown = options.queue.shown();
    match (error, options.waiting.timeout) {
        (Errno::ETIMEDOUT, Some(timeout)) => {
            Failure::new(format!("no space became free in {shown} within {timeout:?}"))
                .advise(format!("`rsipc stat {shown}` shows what is in it"))
        }
        (Errno::EAGAIN, _) => Failure::new(format!("there is no space in {shown}"))
            .advise(format!("`rsipc stat {shown}` shows what is in it")),
        (Errno::E2BIG, _) => {
            Failure::new(format!("a message of {length} bytes is too long for {shown}"))
                .advise("RSIPC_MSGMAX sets the maximum length for new queues")
        }
        _ => failed("send to", options.queue, error),
    }
}

fn receive(options: &Recv) -> Result<()> {
    output::check()?;
    let queue =
        OpenMessages::find(options.queue).map_err(|error| failed("open", options.queue, error))?;
    interrupt::end_waits();
    for _ in 0..options.count {
        let patience = options.waiting.patience();
        let received = through_signals(|| queue.receive(options.wanted.selector(), patience));
        let received = received.map_err(|error| not_received(options, error))?;
        let kind = if options.types { format!("{} ", received.kind) } else { String::new() };
        let end: &[u8] = if options.lines { b"\n" } else { b"" };
        // SIGPIPE ends the command, but not before the message is in the queue again.
        signals::hold_back(libc::SIGPIPE, || {
            print([kind.as_bytes(), &received.body, end].concat())
                .map_err(|failure| put_back(queue, &received, failure))
        })?;
    }
    Ok(())
}

/// The message could not be written. To look at it first and to take it after would lose none
/// either, but another receiver may come in between, and then msgrcv takes the next one.
fn put_back(queue: OpenMessages, received: &Received, failure: Failure) -> Failure {
    let sent = through_signals(|| queue.send(received.kind, &received.body, Patience::None));
    failure.advise(match sent {
        Ok(()) => "the message is in the queue again, as its last one".to_owned(),
        Err(error) => {
            format!("the message is lost: it could not be sent again: {}", from_errno(error))
        }
    })
}

fn not_received(options: &Recv, error: Errno) -> Failure {
    let shown = options.queue.shown();
    let what = messages::shown_wanted(messages::Wanted::Message {
        selector: options.wanted.selector(),
        capacity: None,
    });
    match (error, options.waiting.timeout) {
        (Errno::ETIMEDOUT, Some(timeout)) => {
            Failure::new(format!("no message{what} arrived in {shown} within {timeout:?}"))
                .advise(format!("`rsipc stat {shown}` shows its messages and its users"))
        }
        (Errno::ENOMSG, _) => Failure::new(format!("there is no message{what} in {shown}"))
            .advise(format!("`rsipc stat {shown}` shows its messages and its users")),
        _ => failed("receive from", options.queue, error),
    }
}

#[derive(Serialize)]
struct Peeked {
    queue: String,
    messages: Vec<PeekedMessage>,
}

#[derive(Serialize)]
struct PeekedMessage {
    r#type: i64,
    bytes: usize,
    body: Bytes,
}

fn peek(options: &Peek) -> Result<()> {
    let object = find(options.queue)?;
    let seen = look(&object, options.wanted.selector());
    let seen = seen.map_err(|error| {
        let (kind, shown) = (Kind::Svmsg.describe(), options.queue.shown());
        Failure::call(format_args!("cannot read the {kind} {shown}"), error)
    })?;
    if options.json {
        let seen = seen.iter().map(|(kind, body)| PeekedMessage {
            r#type: *kind,
            bytes: body.len(),
            body: Bytes::from(body.as_slice()),
        });
        let queue = options.queue.shown();
        return json::print_document(Peeked { queue, messages: seen.collect() });
    }
    let mut table =
        Table::new([("TYPE", Align::Right), ("BYTES", Align::Right), ("MESSAGE", Align::Left)]);
    for (kind, body) in &seen {
        let cells = [kind.to_string(), body.len().to_string(), escape::text(body)];
        table.push(cells.map(Into::into));
    }
    print(table.render(Style::of_stdout()))
}

fn find(typed: Typed) -> Result<Object> {
    let mut all = objects::scan()?.into_iter();
    let name = objects::name::Name::from_text(&typed.shown());
    all.find(|object| object.kind() == Kind::Svmsg && object.is_called(&name))
        .ok_or_else(|| failed("read", typed, Errno::ENOENT))
}

/// Types and bodies. One that goes meanwhile is left out.
fn look(object: &Object, selector: Selector) -> io::Result<Vec<(i64, Vec<u8>)>> {
    let file = file::open(&object.path)?;
    let queue = messages::read(&file)?;
    let admitted = queue.messages.iter().filter(|message| selector.admits(message.kind));
    let mut seen = Vec::new();
    for message in admitted {
        let body = messages::body(&file, message)?;
        seen.extend(body.map(|body| (message.kind, body)));
    }
    Ok(seen)
}
