//! The watched calls, and what their arguments are.

/// What an argument is, which is how a trace shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The address of a `sem_t`.
    Semaphore,
    /// A C string.
    Name,
    /// A message queue descriptor.
    Queue,
    /// Flags of open(2).
    OpenFlags,
    /// Permission bits.
    Mode,
    /// A signed number.
    Number,
    /// An unsigned number, or a size.
    Size,
    /// The address of a `timespec`: when, or for how long.
    Time,
    /// The address of an `mq_attr`.
    Attributes,
    /// The address of a `sigevent`.
    Notification,
    /// The key of a System V object.
    Key,
    /// The id of a System V object.
    Id,
    /// Flags of semget(2), msgget(2) and shmget(2).
    GetFlags,
    /// Flags of msgsnd(2) and msgrcv(2).
    MessageFlags,
    /// The address of a `sembuf`; their number follows.
    Operations,
    /// A command of semctl(2), msgctl(2) or shmctl(2).
    Command,
    /// An address of which only the number is shown.
    Address,
}

use Argument::{
    Address, Attributes, Command, GetFlags, Id, Key, MessageFlags, Mode, Name, Notification,
    Number, OpenFlags, Operations, Queue, Semaphore, Size, Time,
};

/// A watched call.
#[derive(Debug)]
pub struct Signature {
    /// Its name in C.
    pub name: &'static str,
    /// What its arguments are, in their order.
    pub arguments: &'static [Argument],
    /// Whether it may sleep until another thread does something.
    pub waits: bool,
}

impl Signature {
    /// Whether a call with these arguments ends by itself, at a time that it was given.
    #[must_use]
    pub fn has_end(&self, arguments: &[u64]) -> bool {
        let pairs = self.arguments.iter().zip(arguments);
        pairs.into_iter().any(|(kind, &argument)| *kind == Time && argument != 0)
    }
}

const fn call(name: &'static str, arguments: &'static [Argument]) -> Signature {
    Signature { name, arguments, waits: false }
}

const fn wait(name: &'static str, arguments: &'static [Argument]) -> Signature {
    Signature { name, arguments, waits: true }
}

/// All of them; the index of one is its number. `cbits/watch.h` has the same order.
pub const CALLS: [Signature; 36] = [
    call("sem_init", &[Semaphore, Number, Size]),
    call("sem_destroy", &[Semaphore]),
    call("sem_open", &[Name, OpenFlags, Mode, Size]),
    call("sem_close", &[Semaphore]),
    call("sem_unlink", &[Name]),
    call("sem_post", &[Semaphore]),
    call("sem_trywait", &[Semaphore]),
    call("sem_getvalue", &[Semaphore, Address]),
    wait("sem_wait", &[Semaphore]),
    wait("sem_timedwait", &[Semaphore, Time]),
    wait("sem_clockwait", &[Semaphore, Number, Time]),
    call("mq_open", &[Name, OpenFlags, Mode, Attributes]),
    call("mq_close", &[Queue]),
    call("mq_unlink", &[Name]),
    call("mq_getattr", &[Queue, Address]),
    call("mq_setattr", &[Queue, Attributes, Address]),
    call("mq_notify", &[Queue, Notification]),
    wait("mq_send", &[Queue, Address, Size, Size]),
    wait("mq_timedsend", &[Queue, Address, Size, Size, Time]),
    wait("mq_receive", &[Queue, Address, Size, Address]),
    wait("mq_timedreceive", &[Queue, Address, Size, Address, Time]),
    call("shm_open", &[Name, OpenFlags, Mode]),
    call("shm_unlink", &[Name]),
    call("semget", &[Key, Number, GetFlags]),
    wait("semop", &[Id, Operations, Size]),
    wait("semtimedop", &[Id, Operations, Size, Time]),
    call("semctl", &[Id, Number, Command, Address]),
    call("msgget", &[Key, GetFlags]),
    wait("msgsnd", &[Id, Address, Size, MessageFlags]),
    wait("msgrcv", &[Id, Address, Size, Number, MessageFlags]),
    call("msgctl", &[Id, Command, Address]),
    call("shmget", &[Key, Size, GetFlags]),
    call("shmat", &[Id, Address, Number]),
    call("shmdt", &[Address]),
    call("shmctl", &[Id, Command, Address]),
    call("munmap", &[Address, Size]),
];

/// Names for the numbers, where code asks for one call.
pub mod number {
    /// The number of the call with this name.
    const fn of(name: &str) -> u64 {
        let mut index = 0;
        while index < super::CALLS.len() {
            if is_same(super::CALLS[index].name.as_bytes(), name.as_bytes()) {
                return index as u64;
            }
            index += 1;
        }
        panic!("there is no such call")
    }

    const fn is_same(one: &[u8], other: &[u8]) -> bool {
        if one.len() != other.len() {
            return false;
        }
        let mut index = 0;
        while index < one.len() {
            if one[index] != other[index] {
                return false;
            }
            index += 1;
        }
        true
    }

    macro_rules! numbers {
        ($($constant:ident $name:literal)+) => {
            $(
                #[doc = concat!("The number of `", $name, "`.")]
                pub const $constant: u64 = of($name);
            )+
        };
    }

    numbers! {
        SEM_INIT "sem_init" SEM_DESTROY "sem_destroy" SEM_OPEN "sem_open" SEM_CLOSE "sem_close"
        SEM_UNLINK "sem_unlink" SEM_POST "sem_post" SEM_TRYWAIT "sem_trywait"
        SEM_GETVALUE "sem_getvalue" SEM_WAIT "sem_wait" SEM_TIMEDWAIT "sem_timedwait"
        SEM_CLOCKWAIT "sem_clockwait" MQ_OPEN "mq_open" MQ_CLOSE "mq_close" MQ_UNLINK "mq_unlink"
        MQ_NOTIFY "mq_notify" MQ_SEND "mq_send" MQ_TIMEDSEND "mq_timedsend"
        MQ_RECEIVE "mq_receive" MQ_TIMEDRECEIVE "mq_timedreceive" SHM_OPEN "shm_open"
        SHM_UNLINK "shm_unlink" SEMGET "semget" SEMOP "semop"
        SEMTIMEDOP "semtimedop" SEMCTL "semctl"
        MSGGET "msgget" MSGSND "msgsnd" MSGRCV "msgrcv" MSGCTL "msgctl" SHMGET "shmget"
        SHMAT "shmat" SHMDT "shmdt" SHMCTL "shmctl" MUNMAP "munmap"
    }
}
