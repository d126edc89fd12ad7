//! What can be wrong, and the manual page that says why.

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// An unnamed semaphore is used that nobody has made.
    Uninitialised,
    /// One is used after `sem_destroy`.
    Destroyed,
    /// A named one is used after `sem_close`.
    Closed,
    /// There is no memory at its address.
    Unmapped,
    /// It is destroyed while somebody waits.
    DestroyedWhileAwaited,
    /// Its memory goes while somebody waits.
    UnmappedWhileAwaited,
    /// It is for all processes, but lies in private memory; or it is for one, and another uses it.
    NotShared,
    /// A lock is posted by who has not taken it.
    ForeignPost,
    /// The value has reached its maximum.
    Overflow,
    /// Two locks are taken in both orders.
    LockOrder,
    /// A queue is not as it was asked for.
    OtherAttributes,
    /// A message was not sent, and is given up.
    MessageLost,
    /// `sem_getvalue` decides what is done.
    DecidedByValue,
    /// A signal handler waits.
    InHandler,
    /// What is not open is closed or used.
    NotOpen,
    /// A duration is given where a time is wanted, so that it has passed.
    PastLimit,
    /// What was opened several times is not closed as often.
    OpenedOften,
    /// An heir that never uses a queue keeps it.
    KeptOpen,
    /// Messages came after the only notification.
    NotifiedOnce,
    /// A unit is gone with who took it.
    NotGivenBack,
    /// A name is left.
    NeverUnlinked,
    /// An object of System V is left.
    NeverRemoved,
    /// Messages are left.
    Unread,
    /// Processes wait for each other, or for nobody.
    Deadlock,
}

use Kind::{
    Closed, Deadlock, DecidedByValue, Destroyed, DestroyedWhileAwaited, ForeignPost, InHandler,
    KeptOpen, LockOrder, MessageLost, NeverRemoved, NeverUnlinked, NotGivenBack, NotOpen,
    NotShared, NotifiedOnce, OpenedOften, OtherAttributes, Overflow, PastLimit, Uninitialised,
    Unmapped, UnmappedWhileAwaited, Unread,
};

impl Kind {
    /// The word for it in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Uninitialised => "uninitialised",
            Destroyed => "destroyed",
            Closed => "closed",
            Unmapped => "unmapped",
            DestroyedWhileAwaited => "destroyed-while-awaited",
            UnmappedWhileAwaited => "unmapped-while-awaited",
            NotShared => "not-shared",
            ForeignPost => "foreign-post",
            Overflow => "overflow",
            LockOrder => "lock-order",
            OtherAttributes => "other-attributes",
            MessageLost => "message-lost",
            DecidedByValue => "decided-by-value",
            InHandler => "in-handler",
            NotOpen => "not-open",
            PastLimit => "past-limit",
            OpenedOften => "opened-often",
            KeptOpen => "kept-open",
            NotifiedOnce => "notified-once",
            NotGivenBack => "not-given-back",
            NeverUnlinked => "never-unlinked",
            NeverRemoved => "never-removed",
            Unread => "unread",
            Deadlock => "deadlock",
        }
    }

    /// The one of those that may be suspected that has this number.
    #[must_use]
    pub const fn of(number: u32) -> Option<Self> {
        let mut index = 0;
        while index < Self::SUSPECTED.len() {
            if Self::SUSPECTED[index] as u32 == number {
                return Some(Self::SUSPECTED[index]);
            }
            index += 1;
        }
        None
    }

    /// Those of which later events tell whether they are mistakes.
    const SUSPECTED: [Self; 5] = [ForeignPost, LockOrder, MessageLost, InHandler, NotGivenBack];

    /// Whether it follows from what processes have done before, so that one call that is not in the
    /// book may make it untrue.
    #[must_use]
    pub const fn is_concluded(self) -> bool {
        matches!(
            self,
            Uninitialised
                | Destroyed
                | Closed
                | ForeignPost
                | LockOrder
                | MessageLost
                | NotOpen
                | OpenedOften
                | KeptOpen
                | NotifiedOnce
                | NotGivenBack
        )
    }

    /// The manual page, and what it says.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Uninitialised => {
                "sem_overview(7): an unnamed semaphore has to be initialised by sem_init before \
                 it is used"
            }
            Destroyed => {
                "sem_destroy(3): using a destroyed semaphore is undefined until sem_init \
                 initialises it again"
            }
            Closed => "sem_close(3): the process has no access to the semaphore any more",
            Unmapped => "munmap(2): the addresses of the range are invalid from then on",
            DestroyedWhileAwaited => {
                "sem_destroy(3): destroying a semaphore on which a thread is blocked is undefined"
            }
            UnmappedWhileAwaited => {
                "munmap(2), sem_destroy(3): a thread that is blocked on a semaphore needs its memory"
            }
            NotShared => {
                "sem_init(3): with pshared 0 it is for the threads of one process; for several \
                 processes pshared is not 0, and it lies in memory that they share"
            }
            ForeignPost => {
                "sem_overview(7), sem_post(3): each post increments the value, whichever thread \
                 makes it; one post too many, and the lock admits two"
            }
            Overflow => "sem_post(3): EOVERFLOW, the value would rise above SEM_VALUE_MAX",
            LockOrder => {
                "sem_wait(3): it blocks until another thread posts; two threads that take two \
                 locks in opposite orders can block each other for ever"
            }
            _ => self.why_later(),
        }
    }

    /// Of those that are about queues, the use of calls, and the end.
    const fn why_later(self) -> &'static str {
        match self {
            OtherAttributes => {
                "mq_open(3): the attributes count only if the call itself creates the queue"
            }
            MessageLost => {
                "mq_send(3), msgsnd(2): a call that fails has not sent the message; \
                 mq_receive(3): EMSGSIZE leaves it in the queue"
            }
            DecidedByValue => "sem_getvalue(3): the value may have changed before the call returns",
            InHandler => {
                "signal-safety(7): of these calls, a handler may make only sem_post; a wait in it \
                 may be for the very thread that it has interrupted"
            }
            NotOpen => {
                "sem_close(3), mq_close(3), mq_send(3), semop(2), msgsnd(2): EINVAL or EBADF for \
                 what is not open, or not open for this call"
            }
            PastLimit => {
                "sem_timedwait(3), mq_receive(3): the limit is a point in time, in seconds since \
                 the beginning of 1970; add the duration to what clock_gettime(3) says"
            }
            OpenedOften => {
                "sem_close(3), mq_close(3), shmop(2): each open takes a close to free what it took, \
                 each attach a detach"
            }
            KeptOpen => {
                "mq_unlink(3): a queue is destroyed when all processes that have it open have \
                 closed it; shmctl(2): a removed segment, when the last one has detached it; \
                 mq_overview(7), shmop(2): a child inherits what its parent has open or attached"
            }
            NotifiedOnce => {
                "mq_notify(3): a registration ends with the notification; to be notified again, \
                 register again before emptying the queue"
            }
            NotGivenBack => {
                "sem_overview(7): the value lives in the semaphore; when a process ends, what it \
                 took is not given back"
            }
            NeverUnlinked => {
                "sem_overview(7), mq_overview(7), shm_overview(7): an object lives until it is \
                 unlinked, or the system is shut down"
            }
            NeverRemoved => "svipc(7): an object of System V lives until IPC_RMID removes it",
            Unread => "mq_overview(7): messages stay in the queue until they are received",
            Deadlock => {
                "sem_wait(3), mq_receive(3), semop(2): without a timeout, the call waits until \
                 another thread wakes it"
            }
            // The others are told of above.
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_reason() {
        for number in 0..=Deadlock as u8 {
            // SAFETY: the kinds are numbered from 0 to the last one.
            let kind: Kind = unsafe { std::mem::transmute(number) };
            assert!(kind.why().contains("): "), "{}", kind.name());
        }
    }
}
