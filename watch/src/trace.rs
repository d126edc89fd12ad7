//! A call as a line of JSON.

use std::fmt::Write;

use libc::{mq_attr, sembuf, timespec};
use watch_run::calls::{Argument, CALLS, number};
use watch_run::tables::{Tables, mode};

use crate::call::Call;
use crate::chaos::trimmed;
use crate::line::Line;
use crate::next::number;
use crate::{peek, records, run, system, who};

/// The names of errors that these calls have.
const ERRORS: [(i32, &str); 30] = [
    (libc::EACCES, "EACCES"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::EBADF, "EBADF"),
    (libc::EBADMSG, "EBADMSG"),
    (libc::EBUSY, "EBUSY"),
    (libc::E2BIG, "E2BIG"),
    (libc::EEXIST, "EEXIST"),
    (libc::EFAULT, "EFAULT"),
    (libc::EFBIG, "EFBIG"),
    (libc::EIDRM, "EIDRM"),
    (libc::EINTR, "EINTR"),
    (libc::EINVAL, "EINVAL"),
    (libc::EISDIR, "EISDIR"),
    (libc::ELOOP, "ELOOP"),
    (libc::EMFILE, "EMFILE"),
    (libc::EMSGSIZE, "EMSGSIZE"),
    (libc::ENAMETOOLONG, "ENAMETOOLONG"),
    (libc::ENFILE, "ENFILE"),
    (libc::ENOENT, "ENOENT"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::ENOMSG, "ENOMSG"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::ENOTSUP, "ENOTSUP"),
    (libc::EOVERFLOW, "EOVERFLOW"),
    (libc::EPERM, "EPERM"),
    (libc::ERANGE, "ERANGE"),
    (libc::EROFS, "EROFS"),
    (libc::ESRCH, "ESRCH"),
    (libc::ETIMEDOUT, "ETIMEDOUT"),
];

/// Records a call that has returned, or was cancelled. Out of line, as it needs much stack.
#[inline(never)]
pub fn record(run: &Tables, call: &Call) {
    let mut line = Line::new();
    line.put(format_args!(
        r#"{{"record":"call","pid":{},"tid":{},"program":"#,
        who::pid(),
        who::tid()
    ));
    line.put_string(trimmed(&system::name()));
    line.put(format_args!(
        r#","began":{},"ended":{},"call":"{}","arguments":["#,
        call.began,
        call.ended,
        call.name()
    ));
    put_arguments(&mut line, call);
    line.push(b"],\"object\":");
    put_object(run, &mut line, call);
    put_result(&mut line, call);
    if run::has_mode(run, mode::CHAOS) {
        line.put(format_args!(",\"decision\":\"{:016x}\"", call.decision));
    }
    line.push(b"}");
    records::call(run, &mut line);
}

fn put_object(run: &Tables, line: &mut Line, call: &Call) {
    let name = call.object().and_then(|index| {
        run::with_book(run, |book| {
            let object = book.objects[index];
            (object.name, object.name_length)
        })
    });
    match name {
        Some((name, length)) => line.put_string(&name[..usize::from(length)]),
        None => line.push(b"null"),
    }
}

fn put_result(line: &mut Line, call: &Call) {
    if call.has_returned == 0 {
        line.push(br#","state":"cancelled","result":null,"errno":null"#);
        return;
    }
    let is_address = matches!(call.number, number::SEM_OPEN | number::SHMAT);
    line.push(br#","state":"returned","result":"#);
    if is_address && call.error == 0 {
        line.put(format_args!("\"{:#x}\"", call.result));
    } else {
        line.put(format_args!("{}", call.result));
    }
    match ERRORS.iter().find(|(error, _)| *error == call.error) {
        Some((_, name)) => line.put(format_args!(",\"errno\":\"{name}\"")),
        None if call.error != 0 => line.put(format_args!(",\"errno\":\"{}\"", call.error)),
        None => line.push(b",\"errno\":null"),
    }
}

/// Each argument as a string.
fn put_arguments(line: &mut Line, call: &Call) {
    let signature = &CALLS[call.index()];
    let count = optional_from(call).unwrap_or(signature.arguments.len());
    for (index, kind) in signature.arguments[..count].iter().enumerate() {
        if index > 0 {
            line.push(b",");
        }
        let mut text = Line::new();
        put_argument(&mut text, call, index, *kind);
        line.put_string(text.bytes());
    }
}

/// From which argument on the program has not passed any: what is read there is no argument.
fn optional_from(call: &Call) -> Option<usize> {
    match call.number {
        number::SEM_OPEN | number::MQ_OPEN => {
            (number(call.arguments[1]) & libc::O_CREAT == 0).then_some(2)
        }
        number::SEMCTL => matches!(
            number(call.arguments[2]),
            libc::IPC_RMID | libc::GETVAL | libc::GETPID | libc::GETNCNT | libc::GETZCNT
        )
        .then_some(3),
        _ => None,
    }
}

fn is_set_value(call: &Call) -> bool {
    call.number == number::SEMCTL && number(call.arguments[2]) == libc::SETVAL
}

fn put_argument(text: &mut Line, call: &Call, index: usize, kind: Argument) {
    let value = call.arguments[index];
    match kind {
        Argument::Name => put_name(text, value),
        Argument::OpenFlags => put_open_flags(text, number(value)),
        Argument::GetFlags => put_get_flags(text, number(value)),
        Argument::MessageFlags => put_message_flags(text, number(value)),
        Argument::Mode => text.put(format_args!("0{value:o}")),
        Argument::Number => text.put(format_args!("{}", value.cast_signed())),
        Argument::Queue | Argument::Id => text.put(format_args!("{}", number(value))),
        Argument::Size => text.put(format_args!("{value}")),
        Argument::Key if number(value) == libc::IPC_PRIVATE => text.push(b"IPC_PRIVATE"),
        Argument::Key => text.put(format_args!("{:#x}", number(value))),
        Argument::Command => put_command(text, number(value)),
        Argument::Operations => put_operations(text, value, call.arguments[index + 1]),
        Argument::Time => put_time(text, value),
        Argument::Attributes => put_attributes(text, value),
        Argument::Address if call.number == number::SEM_GETVALUE && call.has_succeeded() => {
            match peek::value::<i32>(value) {
                Some(answer) => text.put(format_args!("[{answer}]")),
                None => text.put(format_args!("{value:#x}")),
            }
        }
        // The other half of the word has not been passed.
        Argument::Address if is_set_value(call) => text.put(format_args!("{}", number(value))),
        Argument::Notification | Argument::Semaphore | Argument::Address if value == 0 => {
            text.push(b"NULL");
        }
        Argument::Notification | Argument::Semaphore | Argument::Address => {
            text.put(format_args!("{value:#x}"));
        }
    }
}

fn put_name(text: &mut Line, address: u64) {
    let mut room = [0; 256];
    match peek::string(address, &mut room) {
        Some(name) => {
            text.push(b"\"");
            text.push(name);
            text.push(b"\"");
        }
        None => text.put(format_args!("{address:#x}")),
    }
}

/// Names joined by `|`, and what is left as a number.
fn put_flags(text: &mut Line, flags: i32, names: &[(i32, &str)]) -> i32 {
    let mut left = flags;
    let mut is_first = true;
    for (flag, name) in names {
        if *flag != 0 && left & flag == *flag {
            text.put(format_args!("{}{name}", if is_first { "" } else { "|" }));
            left &= !flag;
            is_first = false;
        }
    }
    left
}

fn put_open_flags(text: &mut Line, flags: i32) {
    text.push(match flags & libc::O_ACCMODE {
        libc::O_RDONLY => b"O_RDONLY",
        libc::O_WRONLY => b"O_WRONLY",
        _ => b"O_RDWR",
    });
    let rest = flags & !libc::O_ACCMODE;
    if rest == 0 {
        return;
    }
    text.push(b"|");
    let names = [
        (libc::O_CREAT, "O_CREAT"),
        (libc::O_EXCL, "O_EXCL"),
        (libc::O_TRUNC, "O_TRUNC"),
        (libc::O_NONBLOCK, "O_NONBLOCK"),
        (libc::O_CLOEXEC, "O_CLOEXEC"),
    ];
    let left = put_flags(text, rest, &names);
    if left != 0 {
        text.put(format_args!("{}0{left:o}", if left == rest { "" } else { "|" }));
    }
}

fn put_get_flags(text: &mut Line, flags: i32) {
    let names = [(libc::IPC_CREAT, "IPC_CREAT"), (libc::IPC_EXCL, "IPC_EXCL")];
    let left = put_flags(text, flags, &names);
    text.put(format_args!("{}0{left:o}", if left == flags { "" } else { "|" }));
}

fn put_message_flags(text: &mut Line, flags: i32) {
    let names = [(libc::IPC_NOWAIT, "IPC_NOWAIT"), (libc::MSG_NOERROR, "MSG_NOERROR")];
    let left = put_flags(text, flags, &names);
    if left != 0 || flags == 0 {
        text.put(format_args!("{}0{left:o}", if left == flags { "" } else { "|" }));
    }
}

fn put_command(text: &mut Line, command: i32) {
    let known = [
        (libc::IPC_RMID, "IPC_RMID"),
        (libc::IPC_SET, "IPC_SET"),
        (libc::IPC_STAT, "IPC_STAT"),
        (libc::SETVAL, "SETVAL"),
        (libc::GETVAL, "GETVAL"),
        (libc::SETALL, "SETALL"),
        (libc::GETALL, "GETALL"),
        (libc::GETNCNT, "GETNCNT"),
        (libc::GETZCNT, "GETZCNT"),
        (libc::GETPID, "GETPID"),
    ];
    match known.iter().find(|(value, _)| *value == command) {
        Some((_, name)) => text.push(name.as_bytes()),
        None => text.put(format_args!("{command}")),
    }
}

fn put_operations(text: &mut Line, address: u64, count: u64) {
    text.push(b"[");
    for index in 0..count.min(8) {
        let place = address.wrapping_add(index * size_of::<sembuf>() as u64);
        let Some(operation) = peek::value::<sembuf>(place) else { break };
        let separator = if index > 0 { ", " } else { "" };
        text.put(format_args!("{separator}{}:{:+}", operation.sem_num, operation.sem_op));
        let flags = i32::from(operation.sem_flg);
        if flags != 0 {
            let names = [(libc::IPC_NOWAIT, "IPC_NOWAIT"), (libc::SEM_UNDO, "SEM_UNDO")];
            text.push(b":");
            put_flags(text, flags, &names);
        }
    }
    text.push(if count > 8 { b", ...]" } else { b"]" });
}

fn put_time(text: &mut Line, address: u64) {
    match peek::value::<timespec>(address) {
        Some(time) => text.put(format_args!("{}.{:09}", time.tv_sec, time.tv_nsec)),
        None if address == 0 => text.push(b"NULL"),
        None => text.put(format_args!("{address:#x}")),
    }
}

fn put_attributes(text: &mut Line, address: u64) {
    match peek::value::<mq_attr>(address) {
        Some(asked) => {
            let flags =
                if asked.mq_flags & i64::from(libc::O_NONBLOCK) != 0 { "O_NONBLOCK, " } else { "" };
            let (messages, size) = (asked.mq_maxmsg, asked.mq_msgsize);
            // It has room.
            let _ = write!(text, "{{{flags}maxmsg={messages}, msgsize={size}}}");
        }
        None if address == 0 => text.push(b"NULL"),
        None => text.put(format_args!("{address:#x}")),
    }
}
