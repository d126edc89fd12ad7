//! An object with its holders and waiters as programs read it (`docs/json.md`).

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::failure::reason;
use crate::objects::memory::Memory;
use crate::objects::{Kind, Object, Purpose, State, queue, semaphore};
use crate::processes::{Access, Pid};
use crate::survey::{self, Confidence, Entry, Survey};
use owner::Owner;
use set::{Set, SetOperation};
use sysv::{MessageQueue, SharedSegment, Sysv, Want};
use track::Doer;

/// Text that may hold bytes which are no UTF-8: then they are replaced, and `hex` has the exact
/// ones.
#[derive(Serialize)]
pub struct Bytes {
    text: String,
    hex: Option<String>,
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self { text: text.to_owned(), hex: None },
            Err(_) => Self {
                text: String::from_utf8_lossy(bytes).into_owned(),
                hex: Some(hexadecimal(bytes)),
            },
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

pub mod kernel;
mod owner;
mod set;
mod sysv;
mod track;

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "a document has the fields that it has")]
pub struct Report {
    kind: Kind,
    name: String,
    /// Of the name's bytes, when they are no UTF-8.
    name_hex: Option<String>,
    file: String,
    /// Of the file: `#NUMBER` is how commands are told of an object without a name. 0: it has none.
    inode: u64,
    owner: Option<Owner>,
    mode: Option<String>,
    size: Option<u64>,
    allocated: Option<u64>,
    created: Option<u64>,
    last_use: Option<u64>,
    unlinked: bool,
    /// It lies in the directory of another mount namespace, which this process is in.
    elsewhere: Option<Pid>,
    /// It is no object of its own, but in the memory of a process.
    memory: Option<Memory>,
    /// The variable that such a semaphore is, as far as the file tells.
    variable: Option<String>,
    deadlock: Option<Confidence>,
    /// Threads wait in the queue for a message, and no process that could send has it open.
    no_sender: bool,
    stale: Option<bool>,
    semaphore: Option<Semaphore>,
    queue: Option<Queue>,
    /// Of any object of System V.
    sysv: Option<Sysv>,
    set: Option<Set>,
    message_queue: Option<MessageQueue>,
    segment: Option<SharedSegment>,
    error: Option<String>,
    holders: Vec<Holder>,
    holders_known: bool,
    waiters: Vec<Waiter>,
    waiters_known: bool,
}

#[derive(Serialize)]
struct Semaphore {
    value: u32,
    registered: u32,
    /// Who uses it robustly.
    takers: Vec<Taker>,
    /// Null: nobody, or it is not recorded.
    last_taker: Option<Doer>,
    last_poster: Option<Doer>,
}

#[derive(Serialize)]
struct Taker {
    /// Null: it is gone, or in another PID namespace.
    pid: Option<u32>,
    program: Option<String>,
    /// In excess of what it has posted; below 0, the reverse.
    taken: i64,
}

#[derive(Serialize)]
struct Queue {
    sent: u64,
    received: u64,
    messages: usize,
    max_messages: usize,
    message_size: usize,
    bytes: usize,
    notify: Option<Notify>,
    kept: Vec<Kept>,
    /// Null: nobody, or it is not recorded.
    last_sender: Option<Doer>,
    last_receiver: Option<Doer>,
}

/// Loans and borrowed messages of a process.
#[derive(Serialize)]
struct Kept {
    pid: Pid,
    loans: usize,
    borrowed: usize,
}

#[derive(Serialize)]
struct Notify {
    pid: u32,
    /// A signal's number; null for a thread, or nothing.
    signal: Option<u32>,
}

#[derive(Serialize)]
struct Holder {
    pid: Pid,
    program: String,
    mapped: bool,
    descriptors: Vec<u32>,
    /// Null: unknown.
    access: Option<Access>,
    /// What it is doing; null: unknown.
    activity: Option<String>,
}

#[derive(Serialize)]
struct Waiter {
    pid: Pid,
    tid: Option<Pid>,
    program: String,
    waits_for: Purpose,
    /// Null for one that polls its descriptor.
    offset: Option<u64>,
    /// Of a set: the one that keeps it waiting, and all that it wants to do.
    semaphore: Option<u16>,
    operations: Option<Vec<SetOperation>>,
    /// Of a System V queue.
    wants: Option<Want>,
}

impl Report {
    pub fn of(entry: &Entry, survey: &Survey) -> Self {
        let object = &entry.object;
        let metadata = object.metadata.as_ref();
        let Bytes { text: name, hex: name_hex } = Bytes::from(object.name.as_slice());
        let program = |pid| String::from_utf8_lossy(survey.program(pid)).into_owned();
        let (semaphore, queue) = state(object, survey);
        let trouble = object.common().and_then(|common| common.trouble());
        Self {
            kind: object.kind(),
            name,
            name_hex,
            file: String::from_utf8_lossy(object.path.as_os_str().as_bytes()).into_owned(),
            inode: if object.memory.is_some() { 0 } else { object.id.inode },
            owner: object.owner().map(Owner::of),
            mode: object.mode().map(|mode| format!("{mode:04o}")),
            size: metadata.map(|metadata| metadata.size),
            allocated: object.allocated(),
            created: metadata.map(|metadata| unix_time(metadata.created)),
            last_use: metadata.map(|metadata| unix_time(metadata.last_use)),
            unlinked: object.unlinked,
            elsewhere: object.elsewhere,
            memory: object.memory.clone(),
            variable: object.memory.as_ref().and_then(Memory::variable),
            deadlock: entry.deadlock,
            no_sender: entry.has_no_sender,
            stale: entry.is_stale(survey),
            semaphore,
            queue,
            sysv: sysv_of(object),
            set: object.set().map(|set| Set::of(set, trouble, survey)),
            message_queue: object.messages().map(MessageQueue::of),
            segment: object.segment().map(SharedSegment::of),
            error: object.state.error().map(reason),
            holders: entry.holders.iter().map(|holder| Holder::of(holder, survey)).collect(),
            holders_known: survey.is_complete(),
            waiters: entry
                .waiters
                .iter()
                .map(|waiter| Waiter {
                    pid: waiter.pid,
                    tid: waiter.tid,
                    program: program(waiter.pid),
                    waits_for: waiter.purpose,
                    offset: waiter.offset,
                    semaphore: waiter.wish.as_ref().map(|wish| wish.member),
                    operations: waiter.wish.as_ref().map(SetOperation::all),
                    wants: waiter.wanted.map(Want::from),
                })
                .collect(),
            waiters_known: entry.knows_all_waiters(survey),
        }
    }
}

impl Holder {
    fn of(holder: &survey::Holder, survey: &Survey) -> Self {
        Self {
            pid: holder.pid,
            program: String::from_utf8_lossy(survey.program(holder.pid)).into_owned(),
            mapped: holder.mapped,
            descriptors: holder.descriptors.clone(),
            access: holder.access,
            activity: survey.activity(holder.pid).map(str::to_owned),
        }
    }
}

fn sysv_of(object: &Object) -> Option<Sysv> {
    Some(Sysv::of(&object.common()?, &object.account()?))
}

fn state(object: &Object, survey: &Survey) -> (Option<Semaphore>, Option<Queue>) {
    match &object.state {
        State::Sem(Ok(state)) => {
            let takers = semaphore::takers(&object.path, state).into_iter().map(|taker| Taker {
                pid: taker.pid,
                program: taker.pid.map(|pid| {
                    String::from_utf8_lossy(survey.program(pid.cast_signed())).into_owned()
                }),
                taken: taker.taken,
            });
            let semaphore::State { value, registered, .. } = *state;
            let takers = takers.collect();
            let track = state.track.as_ref();
            let last_taker = Doer::of(track.and_then(|track| track.taker.as_ref()), survey);
            let last_poster = Doer::of(track.and_then(|track| track.poster.as_ref()), survey);
            (Some(Semaphore { value, registered, takers, last_taker, last_poster }), None)
        }
        State::Mq(Ok(queue)) => (None, Some(Queue::of(queue, survey))),
        _ => (None, None),
    }
}

impl Queue {
    fn of(queue: &queue::State, survey: &Survey) -> Self {
        let track = queue.track.as_ref();
        Self {
            sent: queue.sent,
            received: queue.received(),
            messages: queue.messages,
            max_messages: queue.max_messages,
            message_size: queue.message_size,
            bytes: queue.bytes,
            notify: queue.notify.map(|registered| Notify {
                pid: registered.pid,
                signal: (registered.how == libc::SIGEV_SIGNAL.cast_unsigned())
                    .then_some(registered.signal),
            }),
            kept: queue.kept.iter().map(Kept::from).collect(),
            last_sender: Doer::of(track.and_then(|track| track.sender.as_ref()), survey),
            last_receiver: Doer::of(track.and_then(|track| track.receiver.as_ref()), survey),
        }
    }
}

impl From<&queue::Kept> for Kept {
    fn from(&queue::Kept { pid, loans, borrowed }: &queue::Kept) -> Self {
        Self { pid: pid.cast_signed(), loans, borrowed }
    }
}

/// In seconds; one before 1970 is 0.
fn unix_time(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
