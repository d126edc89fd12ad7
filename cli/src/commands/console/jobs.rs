//! Calls that may sleep: in the console's own thread, or in the background, each in a thread of its
//! own.

use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rsipc_core::os::Errno;

use super::call::Answer;

/// Wakes a thread out of its sleep. By default it does nothing, and no notification of the console
/// uses it.
const WAKE: c_int = libc::SIGURG;
/// A call that is interrupted ends at once. Nobody waits longer for that.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(2);

/// A call in the background.
pub struct Job {
    pub number: usize,
    /// As it was typed.
    pub line: String,
    thread: Option<JoinHandle<()>>,
}

/// A thread that is in a call.
struct Sleeper {
    /// 0 = the console's own.
    number: usize,
    thread: libc::pthread_t,
}

static SLEEPERS: Mutex<Vec<Sleeper>> = Mutex::new(Vec::new());
/// Ctrl-C was pressed while no line was being typed.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// The process is about to end by a signal.
static ENDING: AtomicBool = AtomicBool::new(false);

extern "C" fn wake(_: c_int) {}

extern "C" fn interrupt_console(_: c_int) {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// From now on calls can be interrupted. `SIGINT` interrupts those of this thread if `by_ctrl_c`.
pub fn set_up(by_ctrl_c: bool) {
    handle(WAKE, wake);
    if by_ctrl_c {
        handle(libc::SIGINT, interrupt_console);
    }
}

fn handle(signal: c_int, handler: extern "C" fn(c_int)) {
    // SAFETY: the action is plain data that is filled in completely; the handlers do next to
    // nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

fn sleepers() -> MutexGuard<'static, Vec<Sleeper>> {
    SLEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

type Call = Box<dyn FnOnce() -> Result<Answer, Errno> + Send>;

/// Makes a call in this thread.
pub fn make(number: usize, call: Call) -> Result<Answer, Errno> {
    // SAFETY: takes no arguments.
    let thread = unsafe { libc::pthread_self() };
    INTERRUPTED.store(false, Ordering::Relaxed);
    sleepers().push(Sleeper { number, thread });
    stop_if_ending(thread);
    let result = call();
    stop_if_ending(thread);
    sleepers().retain(|sleeper| sleeper.thread != thread);
    result
}

/// Nothing more is to be done then: `listener` ends the process.
fn stop_if_ending(thread: libc::pthread_t) {
    if ENDING.load(Ordering::SeqCst) {
        sleepers().retain(|sleeper| sleeper.thread != thread);
        loop {
            std::thread::park();
        }
    }
}

/// Wakes the calls of this number, or all. False: there is none.
fn interrupt(which: Option<usize>) -> bool {
    let sleepers = sleepers();
    let mut chosen = sleepers
        .iter()
        .filter(|sleeper| which.is_none_or(|number| sleeper.number == number))
        .peekable();
    let any = chosen.peek().is_some();
    for sleeper in chosen {
        // SAFETY: a thread in the list has not ended: it takes itself off first.
        unsafe { libc::pthread_kill(sleeper.thread, WAKE) };
    }
    any
}

/// Again and again: a call that was about to sleep may have missed the first signal.
fn until_over(is_over: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_over() && start.elapsed() < PATIENCE {
        std::thread::sleep(PAUSE);
    }
}

/// Takes all waits back, since the process ends.
pub fn end_all() {
    ENDING.store(true, Ordering::SeqCst);
    until_over(|| !interrupt(None));
}

impl Job {
    /// EAGAIN when there can be no more threads.
    pub fn start(
        number: usize,
        line: String,
        call: Call,
        report: impl FnOnce(Result<Answer, Errno>) + Send + 'static,
    ) -> io::Result<Self> {
        let start = || std::thread::Builder::new().spawn(move || report(make(number, call)));
        let thread = without_signals(start)?;
        Ok(Self { number, line, thread: Some(thread) })
    }

    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub fn interrupt(&self) {
        until_over(|| {
            interrupt(Some(self.number));
            self.is_over()
        });
    }

    /// Until it is over, or has said no: false.
    fn wait_until(&self, gives_up: impl Fn() -> bool) -> bool {
        while !self.is_over() {
            if gives_up() {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }
}

/// Waits for all jobs. EINTR when Ctrl-C was pressed.
pub fn wait_for(jobs: &[Job]) -> Result<(), Errno> {
    INTERRUPTED.store(false, Ordering::Relaxed);
    let gives_up = || INTERRUPTED.swap(false, Ordering::Relaxed);
    if jobs.iter().all(|job| job.wait_until(gives_up)) { Ok(()) } else { Err(Errno::EINTR) }
}

/// A thread that is started in here gets no signal but the one that wakes it: Ctrl-C is for the
/// console's own thread.
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are valid; a new thread inherits the mask of its maker.
    unsafe {
        let (mut most, mut before): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
        libc::sigfillset(&raw mut most);
        libc::sigdelset(&raw mut most, WAKE);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const most, &raw mut before);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        started
    }
}
