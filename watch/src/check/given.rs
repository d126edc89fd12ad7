//! What a call was given that cannot be right, whatever comes later: the number of what could not
//! be opened, a queue that is open the other way, a type that no message has, a duration in the
//! place of a time.

use watch_run::calls::number;
use watch_run::finding::Kind;

use super::case::Case;
use crate::call::Call;
use crate::{next, peek, system};

/// The -1 of a call that failed, which is of no use to any of these.
fn opener(call: u64) -> Option<&'static str> {
    Some(match call {
        number::MQ_SEND | number::MQ_TIMEDSEND | number::MQ_RECEIVE | number::MQ_TIMEDRECEIVE => {
            "mq_open"
        }
        number::SEMOP | number::SEMTIMEDOP => "semget",
        number::MSGSND | number::MSGRCV => "msgget",
        number::SHMAT => "shmget",
        _ => return None,
    })
}

/// `value` is 1 if the queue is open, though not for this call.
pub fn ask_for_queue(call: &mut Call) {
    let transfers = opener(call.number) == Some("mq_open");
    if transfers && call.error == libc::EBADF {
        call.value = i32::from(next::queue(call.arguments[0]).is_some());
    }
}

pub fn before(case: &mut Case) {
    let (clock, time) = match case.call.number {
        number::SEM_TIMEDWAIT => (libc::CLOCK_REALTIME, 1),
        number::SEM_CLOCKWAIT => (next::number(case.call.arguments[1]), 2),
        number::MQ_TIMEDSEND | number::MQ_TIMEDRECEIVE => (libc::CLOCK_REALTIME, 4),
        _ => return,
    };
    if clock != libc::CLOCK_REALTIME {
        return;
    }
    let Some(time) = peek::value::<libc::timespec>(case.call.arguments[time]) else { return };
    if is_duration(time, system::clock(clock)) {
        let (seconds, rest) = (time.tv_sec, time.tv_nsec);
        let text = format_args!(
            "its time limit is {seconds}.{rest:09} s after the beginning of 1970: a duration, \
             where a time is wanted"
        );
        case.say(Kind::PastLimit, case.call.object(), text);
    }
}

/// It lies years back, within the first year that the clock counts. A limit of 0 asks on purpose
/// for no wait.
fn is_duration(time: libc::timespec, now: u64) -> bool {
    const YEAR: u64 = 365 * 24 * 3600 * 1_000_000_000;
    let is_valid = time.tv_sec >= 0 && (0..1_000_000_000).contains(&time.tv_nsec);
    let limit = system::nanoseconds(time);
    is_valid && (1..YEAR).contains(&limit) && now > 2 * YEAR
}

pub fn after(case: &mut Case) {
    let call = *case.call;
    if call.has_returned == 0 || !matches!(call.error, libc::EBADF | libc::EINVAL) {
        return;
    }
    let Some(opener) = opener(call.number) else { return };
    let name = call.name();
    if next::number(call.arguments[0]) == -1 {
        let text = format_args!("{name} of -1, which {opener} returns when it fails");
        case.say(Kind::NotOpen, None, text);
    } else if call.error == libc::EBADF && call.value == 1 {
        let way = match call.number {
            number::MQ_SEND | number::MQ_TIMEDSEND => "O_RDONLY",
            _ => "O_WRONLY",
        };
        let text = format_args!("{name} on a queue that was opened with {way}");
        case.say(Kind::NotOpen, call.object(), text);
    } else if call.number == number::MSGSND
        && let Some(kind) = peek::value::<u64>(call.arguments[1]).map(u64::cast_signed)
        && kind <= 0
    {
        let text = format_args!(
            "msgsnd failed with EINVAL: the type of the message is {kind}, and has to be above 0"
        );
        case.say(Kind::MessageLost, call.object(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_from_times() {
        let time = |tv_sec, tv_nsec| libc::timespec { tv_sec, tv_nsec };
        let now = 1_700_000_000 * 1_000_000_000;
        assert!(is_duration(time(5, 0), now));
        assert!(is_duration(time(0, 100_000_000), now));
        assert!(!is_duration(time(0, 0), now), "no wait is wanted");
        assert!(!is_duration(time(1_600_000_000, 0), now), "a time that has passed");
        assert!(!is_duration(time(5, 2_000_000_000), now), "the call fails with EINVAL");
        assert!(!is_duration(time(5, 0), 60_000_000_000), "the clock was never set");
    }
}
