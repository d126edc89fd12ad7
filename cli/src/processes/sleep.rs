//! What a thread sleeps in: `/proc/PID/task/TID/syscall`, which holds the number and the arguments
//! of its system call.

use std::ffi::c_long;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use super::condition::{SYS_FUTEX_WAIT, is_signal_wait, is_sit};
use super::pid::Pid;
use super::poll::{self, Polled};

/// A system call that a thread sleeps in, and that may have to do with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// On one or several words of its memory.
    Futex {
        words: Vec<Word>,
        /// It ends by itself, at this time of the machine's clock or later.
        until: Option<Until>,
    },
    /// For a child to end: this one, or any.
    Child(Option<Pid>),
    /// For descriptors.
    Poll(Vec<Polled>),
    /// For a signal.
    Signal,
    /// In another call that another process or the clock ends, by its number.
    Sit(c_long),
}

/// A word that is slept on while it holds the expected value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub address: u64,
    pub expected: u32,
}

/// How a sleep that ends by itself was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// `futex` with a timeout: a timed wait of glibc or of librsipc.
    Timed,
    /// A newer call with a timeout: how librsipc looks again from time to time in a wait without an
    /// end.
    Look,
}

/// Of a `struct futex_waitv`.
const WAITV_SIZE: usize = 24;
/// More the kernel does not take (`FUTEX_WAITV_MAX`).
const WAITV_MAX: usize = 128;

/// The number of the system call that this thread is in, if it is in one, and what it sleeps in, if
/// that is of these kinds.
pub fn of(pid: Pid, tid: Pid) -> io::Result<(Option<c_long>, Option<Sleep>)> {
    let line = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall"))?;
    let Some(call) = parse(&line) else { return Ok((None, None)) };
    let read = |address, bytes: &mut [u8]| {
        File::open(format!("/proc/{tid}/mem"))?.read_exact_at(bytes, address)
    };
    let sleep = match poll::Call::of(call.number) {
        Some(poll) => call.polled(poll, read, tid),
        None => call.interpret(read),
    };
    Ok((Some(call.number), sleep))
}

#[derive(Debug, PartialEq, Eq)]
struct Call {
    number: c_long,
    arguments: [u64; 6],
}

/// `202 0x7ffe8 0x80 0x0 0x0 0x0 0x0 0x7ffd 0x7f12`: number, six arguments, stack and instruction
/// pointer. `running`, or `-1` and the pointers, when the thread is in no system call.
fn parse(line: &str) -> Option<Call> {
    let mut fields = line.split_ascii_whitespace();
    let number = fields.next()?.parse().ok().filter(|number| *number >= 0)?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Call { number, arguments })
}

impl Call {
    fn interpret(&self, read: impl Fn(u64, &mut [u8]) -> io::Result<()>) -> Option<Sleep> {
        match self.number {
            // A futex call that was stopped and goes on is shown as restart_syscall, with the
            // registers it had.
            libc::SYS_futex | libc::SYS_restart_syscall => self.futex(),
            SYS_FUTEX_WAIT => Some(self.futex_wait()),
            libc::SYS_futex_waitv => self.futex_waitv(read),
            libc::SYS_wait4 => {
                let child = int(self.arguments[0]);
                Some(Sleep::Child((child > 0).then_some(child)))
            }
            libc::SYS_waitid => {
                let child = int(self.arguments[1]);
                Some(Sleep::Child(
                    (int(self.arguments[0]) == libc::P_PID.cast_signed()).then_some(child),
                ))
            }
            number if is_signal_wait(number) => Some(Sleep::Signal),
            number if is_sit(number) => Some(Sleep::Sit(number)),
            _ => None,
        }
    }

    fn polled(
        &self,
        call: poll::Call,
        read: impl Fn(u64, &mut [u8]) -> io::Result<()>,
        tid: Pid,
    ) -> Option<Sleep> {
        let [first, second, third, ..] = self.arguments;
        let polled = match call {
            poll::Call::Poll => poll::polled(first, second, read),
            poll::Call::Select => poll::selected(first, [second, third], read),
            poll::Call::Epoll => poll::interest_list(tid, int(first)),
        };
        polled.ok().map(Sleep::Poll)
    }

    fn futex(&self) -> Option<Sleep> {
        let [address, operation, expected, timeout, ..] = self.arguments;
        let command = int(operation) & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
        if !matches!(command, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET) {
            return None;
        }
        let words = vec![Word { address, expected: low_half(expected) }];
        Some(Sleep::Futex { words, until: (timeout != 0).then_some(Until::Timed) })
    }

    fn futex_waitv(&self, read: impl Fn(u64, &mut [u8]) -> io::Result<()>) -> Option<Sleep> {
        let [address, count, _, timeout, clock, _] = self.arguments;
        let count = usize::try_from(count).ok().filter(|count| *count <= WAITV_MAX)?;
        let mut bytes = vec![0; count * WAITV_SIZE];
        read(address, &mut bytes).ok()?;
        // librsipc's own sleeps are on two: the first one is only for the death of a waker.
        let of_ours = usize::from(count == 2);
        let words = bytes
            .chunks_exact(WAITV_SIZE)
            .skip(of_ours)
            .map(|entry| Word { address: u64_at(entry, 8), expected: low_half(u64_at(entry, 0)) });
        Some(Sleep::Futex { words: words.collect(), until: until(timeout, clock) })
    }

    fn futex_wait(&self) -> Sleep {
        let [address, expected, _, _, timeout, clock] = self.arguments;
        let words = vec![Word { address, expected: low_half(expected) }];
        Sleep::Futex { words, until: until(timeout, clock) }
    }
}

/// Of the newer calls. Timed calls on queues are on CLOCK_REALTIME; looks in a wait without an end
/// are not.
fn until(timeout: u64, clock: u64) -> Option<Until> {
    let is_look = int(clock) == libc::CLOCK_MONOTONIC;
    (timeout != 0).then_some(if is_look { Until::Look } else { Until::Timed })
}

fn u64_at(bytes: &[u8], start: usize) -> u64 {
    u64::from_ne_bytes(bytes[start..start + 8].try_into().expect("eight bytes"))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the register's high half is not part of the argument"
)]
fn low_half(register: u64) -> u32 {
    register as u32
}

fn int(register: u64) -> i32 {
    low_half(register).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpret(line: &str) -> Option<Sleep> {
        parse(line)?.interpret(|_, _| Err(io::Error::other("no memory here")))
    }

    fn futex(arguments: &str) -> Option<Sleep> {
        interpret(&format!("{} {arguments} 0x0 0x0 0x7ffd 0x7f12\n", libc::SYS_futex))
    }

    #[test]
    fn a_thread_that_sleeps_on_a_word() {
        let words = vec![Word { address: 0x7fe8, expected: 0 }];
        let shared = Sleep::Futex { words: words.clone(), until: None };
        assert_eq!(futex("0x7fe8 0x189 0x0 0x0"), Some(shared.clone()));
        assert_eq!(futex("0x7fe8 0x0 0x0 0x0"), Some(shared.clone()));
        assert_eq!(futex("0x7fe8 0x80 0x0 0x0"), Some(shared));
        assert_eq!(
            futex("0x7fe8 0x189 0x0 0x7ff0"),
            Some(Sleep::Futex { words, until: Some(Until::Timed) })
        );
    }

    #[test]
    fn a_wake_is_no_sleep() {
        assert_eq!(futex("0x7fe8 0x81 0x1 0x0"), None);
    }

    #[test]
    fn the_newer_call_for_one_word() {
        let call = |clock| {
            interpret(&format!("455 0x7fe8 0x3 0xffffffff 0x2 0x7ff0 {clock} 0x7ffd 0x7f12"))
        };
        let words = vec![Word { address: 0x7fe8, expected: 3 }];
        assert_eq!(
            call("0x1"),
            Some(Sleep::Futex { words: words.clone(), until: Some(Until::Look) })
        );
        assert_eq!(call("0x0"), Some(Sleep::Futex { words, until: Some(Until::Timed) }));
    }

    #[test]
    fn a_thread_that_runs_or_does_something_else() {
        let yields = format!("{} 0x0 0x0 0x0 0x0 0x0 0x0 0x1 0x2\n", libc::SYS_sched_yield);
        for line in ["running\n", "-1 0x7ffd 0x7f12\n", &yields, ""] {
            assert_eq!(interpret(line), None, "{line}");
        }
    }

    #[test]
    fn who_sits_in_a_call() {
        for call in [libc::SYS_read, libc::SYS_accept4, libc::SYS_recvmsg, libc::SYS_nanosleep] {
            let line = format!("{call} 0x0 0x7f 0x1 0x0 0x0 0x0 0x1 0x2\n");
            assert_eq!(interpret(&line), Some(Sleep::Sit(call)), "{line}");
        }
    }

    #[test]
    fn a_sleep_beside_the_death_word_is_read_from_memory() {
        let call = Call { number: libc::SYS_futex_waitv, arguments: [0x1000, 2, 0, 0x2000, 1, 0] };
        let memory: Vec<u8> =
            [5, 0x7000, 2, 6, 0x8000, 2].into_iter().flat_map(u64::to_ne_bytes).collect();
        let sleep = call.interpret(|address, bytes| {
            assert_eq!(address, 0x1000);
            bytes.copy_from_slice(&memory);
            Ok(())
        });
        let words = vec![Word { address: 0x8000, expected: 6 }];
        assert_eq!(sleep, Some(Sleep::Futex { words, until: Some(Until::Look) }));
        let absurd = Call { arguments: [0x1000, u64::MAX, 0, 0, 0, 0], ..call };
        assert_eq!(absurd.interpret(|_, _| unreachable!()), None);
    }

    #[test]
    fn a_parent_that_waits_for_its_children() {
        let wait4 =
            |pid| interpret(&format!("{} {pid} 0x0 0x0 0x0 0x0 0x0 0x1 0x2", libc::SYS_wait4));
        assert_eq!(wait4("0x4d2"), Some(Sleep::Child(Some(1234))));
        assert_eq!(wait4("0xffffffff"), Some(Sleep::Child(None)));
    }
}
