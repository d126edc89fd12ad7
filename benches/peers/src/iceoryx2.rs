//! iceoryx2's publish/subscribe, measured as `benches/mq/scenarios.h` measures queues: for a fifth
//! of a second, with one line of output, nanoseconds for an operation and `-`.
//!
//! ```text
//! pair SIZE                       a message published and received in one thread, copied in and
//!                                 out as a queue does
//! pingpong one|two poll|event     64 B there and back between two processes; the receiver looks
//!                                 again and again, or sleeps until it is notified
//! handover SIZE one|two poll|event  the same of messages of this size that are not copied: both
//!                                 processes touch the first byte alone; the time for one way
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WARM: Duration = Duration::from_millis(40);
const MEASURE: Duration = Duration::from_millis(200);
const SMALL: usize = 64;
/// First byte of the message that ends the partner.
const STOP: u8 = 1;

/// One direction: both ends are of this process, or one is.
struct Channel {
    publisher: Option<Publisher<ipc::Service, [u8], ()>>,
    subscriber: Option<Subscriber<ipc::Service, [u8], ()>>,
    /// Where receivers sleep.
    notifier: Option<Notifier<ipc::Service>>,
    listener: Option<Listener<ipc::Service>>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Sends,
    Receives,
    Both,
}

impl Channel {
    fn open(
        node: &Node<ipc::Service>,
        name: &str,
        end: End,
        size: usize,
        sleeps: bool,
    ) -> Result<Self> {
        let name = ServiceName::new(name)?;
        let service = node
            .service_builder(&name)
            .publish_subscribe::<[u8]>()
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(2)
            .open_or_create()?;
        let events = node.service_builder(&name).event().open_or_create()?;
        let (sends, receives) = (end != End::Receives, end != End::Sends);
        let new_publisher = || service.publisher_builder().initial_max_slice_len(size).create();
        let new_subscriber = || service.subscriber_builder().create();
        Ok(Self {
            publisher: sends.then(new_publisher).transpose()?,
            subscriber: receives.then(new_subscriber).transpose()?,
            notifier: (sends && sleeps).then(|| events.notifier_builder().create()).transpose()?,
            listener: (receives && sleeps)
                .then(|| events.listener_builder().create())
                .transpose()?,
        })
    }

    fn send(&self, body: &[u8]) -> Result<()> {
        let publisher = self.publisher.as_ref().expect("this end sends");
        publisher.loan_slice_uninit(body.len())?.write_from_slice(body).send()?;
        if let Some(notifier) = &self.notifier {
            notifier.notify()?;
        }
        Ok(())
    }

    /// Sends a message of this size, of which the first byte alone is written.
    fn hand_over(&self, size: usize, first: u8) -> Result<()> {
        let publisher = self.publisher.as_ref().expect("this end sends");
        let mut sample = publisher.loan_slice_uninit(size)?;
        sample.payload_mut()[0].write(first);
        // SAFETY: bytes of shared memory, which hold something.
        unsafe { sample.assume_init() }.send()?;
        if let Some(notifier) = &self.notifier {
            notifier.notify()?;
        }
        Ok(())
    }

    fn receive(&mut self, body: &mut [u8]) -> Result<()> {
        self.receive_by(|sample| body.copy_from_slice(sample))
    }

    /// The first byte of a message, which stays where it is.
    fn take_over(&mut self) -> Result<u8> {
        self.receive_by(|sample| sample[0])
    }

    fn receive_by<R>(&mut self, mut look: impl FnMut(&[u8]) -> R) -> Result<R> {
        let subscriber = self.subscriber.as_ref().expect("this end receives");
        loop {
            if let Some(sample) = subscriber.receive()? {
                return Ok(look(&sample));
            }
            match &mut self.listener {
                Some(listener) => drop(listener.blocking_wait(|_| {})?),
                None => std::hint::spin_loop(),
            }
        }
    }
}

/// Restricts the caller to the first or the second processor that it may use.
fn pin(nth: usize) {
    // SAFETY: the sets are plain data of the size that is given.
    unsafe {
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size_of_val(&allowed), &mut allowed), 0);
        let mut cpus =
            (0..libc::CPU_SETSIZE as usize).filter(|&cpu| libc::CPU_ISSET(cpu, &allowed));
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpus.nth(nth).expect("there are two processors"), &mut one);
        assert_eq!(libc::sched_setaffinity(0, size_of_val(&one), &one), 0);
    }
}

/// Nanoseconds for one operation, after a warm-up. The clock is looked at once in `batch`.
fn measure(batch: u32, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    while begin.elapsed() < WARM {
        operation()?;
    }
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < MEASURE {
        for _ in 0..batch {
            operation()?;
        }
        count += batch;
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(count))
}

fn new_node() -> Result<Node<ipc::Service>> {
    Ok(NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create()?)
}

fn pair(size: usize) -> Result<f64> {
    pin(0);
    let node = new_node()?;
    let name = format!("rsipc-bench/{}", std::process::id());
    let mut channel = Channel::open(&node, &name, End::Both, size, false)?;
    let mut body = vec![0; size];
    measure(if size < 64 << 10 { 100 } else { 1 }, || {
        channel.send(&body)?;
        channel.receive(&mut body)
    })
}

fn names(prefix: &str) -> [String; 2] {
    ["there", "back"].map(|way| format!("{prefix}/{way}"))
}

fn start_partner(prefix: &str, places: &str, how: &str, size: usize) -> Result<Child> {
    let mut partner = Command::new(std::env::current_exe()?)
        .args(["partner", prefix, places, how, &size.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    // It is ready.
    partner.stdout.as_mut().expect("it is piped").read_exact(&mut [0])?;
    Ok(partner)
}

fn pingpong(places: &str, how: &str) -> Result<f64> {
    let (node, prefix) = (new_node()?, format!("rsipc-bench/{}", std::process::id()));
    let ([there, back], sleeps) = (names(&prefix), how == "event");
    let there = Channel::open(&node, &there, End::Sends, SMALL, sleeps)?;
    let mut back = Channel::open(&node, &back, End::Receives, SMALL, sleeps)?;
    let mut partner = start_partner(&prefix, places, how, 0)?;
    pin(0);
    let mut body = [0; SMALL];
    let ns = measure(16, || {
        there.send(&[0; SMALL])?;
        back.receive(&mut body)
    })?;
    there.send(&[STOP; SMALL])?;
    partner.wait()?;
    Ok(ns)
}

fn handover(size: usize, places: &str, how: &str) -> Result<f64> {
    let (node, prefix) = (new_node()?, format!("rsipc-bench/{}", std::process::id()));
    let ([there, back], sleeps) = (names(&prefix), how == "event");
    let there = Channel::open(&node, &there, End::Sends, size, sleeps)?;
    let mut back = Channel::open(&node, &back, End::Receives, size, sleeps)?;
    let mut partner = start_partner(&prefix, places, how, size)?;
    pin(0);
    let ns = measure(if size < 64 << 10 { 16 } else { 1 }, || {
        there.hand_over(size, 0)?;
        back.take_over().map(drop)
    })?;
    there.hand_over(size, STOP)?;
    partner.wait()?;
    Ok(ns / 2.0)
}

/// `size` = 0: messages are copied.
fn play_along(prefix: &str, places: &str, how: &str, size: usize) -> Result<()> {
    // SAFETY: no pointer.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    pin(usize::from(places == "two"));
    let (node, [there, back], sleeps) = (new_node()?, names(prefix), how == "event");
    let largest = size.max(SMALL);
    let mut there = Channel::open(&node, &there, End::Receives, largest, sleeps)?;
    let back = Channel::open(&node, &back, End::Sends, largest, sleeps)?;
    std::io::stdout().write_all(b"r")?;
    std::io::stdout().flush()?;
    let mut body = [0; SMALL];
    while size > 0 {
        if there.take_over()? == STOP {
            return Ok(());
        }
        back.hand_over(size, 0)?;
    }
    loop {
        there.receive(&mut body)?;
        if body[0] == STOP {
            return Ok(());
        }
        back.send(&body)?;
    }
}

fn main() -> Result<()> {
    set_log_level(LogLevel::Error);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ns = match words[..] {
        ["pair", size] => pair(size.parse()?)?,
        ["pingpong", places @ ("one" | "two"), how @ ("poll" | "event")] => pingpong(places, how)?,
        ["handover", size, places @ ("one" | "two"), how @ ("poll" | "event")] => {
            handover(size.parse()?, places, how)?
        }
        ["partner", prefix, places, how, size] => {
            return play_along(prefix, places, how, size.parse()?);
        }
        _ => {
            return Err(
                "usage: pair SIZE | pingpong one|two poll|event | handover SIZE one|two poll|event"
                    .into(),
            );
        }
    };
    println!("{ns:.2} -");
    Ok(())
}
