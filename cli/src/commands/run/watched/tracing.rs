//! The record of calls, in the format that was asked for.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::options::Format;
use super::records::Call;
use crate::output::escape;

/// Where the record goes.
pub struct Trace {
    out: BufWriter<Box<dyn Write>>,
    format: Format,
    /// When the first call began.
    start: Option<u64>,
    /// Processes that have been named (`Format::Chrome`).
    named: BTreeSet<i32>,
}

impl Trace {
    /// None: the standard error.
    pub fn open(file: Option<&Path>, format: Format) -> io::Result<Self> {
        let out: Box<dyn Write> = match file {
            Some(path) => Box::new(File::create(path)?),
            None => Box::new(io::stderr()),
        };
        let mut trace =
            Self { out: BufWriter::new(out), format, start: None, named: BTreeSet::new() };
        if format == Format::Chrome {
            trace.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
        }
        Ok(trace)
    }

    /// `line`: the call as it was written down.
    pub fn call(&mut self, call: &Call, line: &str) -> io::Result<()> {
        let start = *self.start.get_or_insert(call.began);
        match self.format {
            Format::Text => writeln!(self.out, "{}", text(call, start)),
            Format::Json => writeln!(self.out, "{line}"),
            Format::Chrome => self.event(call),
        }
    }

    fn event(&mut self, call: &Call) -> io::Result<()> {
        if self.named.insert(call.pid) {
            let name = serde_json::json!({
                "name": "process_name", "ph": "M", "pid": call.pid, "tid": call.tid,
                "args": {"name": call.program},
            });
            let comma = if self.named.len() > 1 { "," } else { "" };
            write!(self.out, "{comma}\n{name}")?;
        }
        let object = call.object.as_deref().map(|object| format!(" {object}"));
        let event = serde_json::json!({
            "name": format!("{}{}", call.function, object.unwrap_or_default()),
            "cat": family(&call.function),
            "ph": "X",
            "ts": microseconds(call.began),
            "dur": microseconds(call.ended.saturating_sub(call.began)),
            "pid": call.pid,
            "tid": call.tid,
            "args": {
                "arguments": call.arguments, "state": call.state,
                "result": call.result, "errno": call.errno,
            },
        });
        write!(self.out, ",\n{event}")
    }

    /// What has been written so far is there to be read.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub fn finish(mut self) -> io::Result<()> {
        if self.format == Format::Chrome {
            self.out.write_all(b"\n]}\n")?;
        }
        self.out.flush()
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format has numbers of JSON")]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

/// The category of an event.
fn family(call: &str) -> &'static str {
    match call {
        "semget" | "semop" | "semtimedop" | "semctl" => "System V semaphores",
        "msgget" | "msgsnd" | "msgrcv" | "msgctl" => "System V queues",
        "shmget" | "shmat" | "shmdt" | "shmctl" => "System V memory",
        _ if call.starts_with("sem_") => "semaphores",
        _ if call.starts_with("mq_") => "queues",
        _ => "shared memory",
    }
}

/// `seconds pid/tid program  call(arguments) = result  waited`
fn text(call: &Call, start: u64) -> String {
    let seconds = call.began.saturating_sub(start) / 1_000_000_000;
    let rest = call.began.saturating_sub(start) % 1_000_000_000 / 1000;
    let who = if call.pid == call.tid {
        call.pid.to_string()
    } else {
        format!("{}/{}", call.pid, call.tid)
    };
    let mut arguments = call.arguments.clone();
    // A name is there already.
    if let (Some(first), Some(object)) = (arguments.first_mut(), &call.object)
        && !first.starts_with('"')
        && first != object
    {
        *first = format!("{first}<{object}>");
    }
    let result = match (&call.result, &call.errno) {
        (_, Some(errno)) => format!("-1 {errno}"),
        (Some(serde_json::Value::String(text)), None) => text.clone(),
        (Some(value), None) => value.to_string(),
        (None, None) => call.state.clone(),
    };
    let waited = call.ended.saturating_sub(call.began) / 1000;
    let line = format!(
        "{seconds:4}.{rest:06} {who} {} {}({}) = {result} ({waited} us)",
        escape::word(call.program.as_bytes()),
        call.function,
        arguments.join(", ")
    );
    escape::text(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call {
            pid: 7,
            tid: 8,
            program: "p".into(),
            began: 1_000_002_000,
            ended: 1_000_005_000,
            function: "sem_wait".into(),
            arguments: vec!["0x10".into()],
            object: Some("/s".into()),
            state: "returned".into(),
            result: Some((-1).into()),
            errno: Some("EINTR".into()),
        }
    }

    #[test]
    fn a_line_to_read() {
        assert_eq!(
            text(&call(), 1_000_000_000),
            "   0.000002 7/8 p sem_wait(0x10</s>) = -1 EINTR (3 us)"
        );
    }

    #[test]
    fn events_are_one_document() {
        let path = std::env::temp_dir().join(format!("rsipc-trace-{}", std::process::id()));
        let mut trace = Trace::open(Some(&path), Format::Chrome).unwrap();
        trace.call(&call(), "").unwrap();
        trace.call(&Call { pid: 9, ..call() }, "").unwrap();
        trace.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let events = document["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 4);
        assert_eq!(events[1]["name"], "sem_wait /s");
        assert_eq!(events[1]["dur"], 3.0);
    }
}
