//! A finding as a record: JSON for the command, text where there is none.

use std::fmt::{self, Write};
use std::sync::atomic::Ordering;

use watch_run::finding::Kind;
use watch_run::suspect::Suspect;
use watch_run::tables::{Book, Gap, NAME, STACK, Tables, mode};

use super::suspects::{self, Entered};
use crate::call::Call;
use crate::chaos::{mix, trimmed};
use crate::line::Line;
use crate::maps::{self, Place};
use crate::{processes, records, run, stack, system, who};

/// A short text.
#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; 300],
    used: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let length = text.len().min(self.bytes.len() - self.used);
        self.bytes[self.used..self.used + length].copy_from_slice(&text.as_bytes()[..length]);
        self.used += length;
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Finding {
    kind: Kind,
    object: Option<usize>,
    name: [u8; NAME],
    name_length: u8,
    /// Of an unnamed semaphore in this process; 0: it has none.
    address: u64,
    pid: i32,
    tid: i32,
    program: [u8; 16],
    text: Text,
    /// It is not sure yet.
    suspect: Option<Entered>,
}

/// Those of one call. More than there is room for it cannot have.
#[derive(Default)]
pub struct Findings([Option<Finding>; 3]);

impl Findings {
    pub fn add(
        &mut self,
        book: &Book,
        kind: Kind,
        object: Option<usize>,
        (pid, tid): (i32, i32),
        text: fmt::Arguments,
    ) {
        let Some(free) = self.0.iter_mut().find(|place| place.is_none()) else { return };
        let mut written = Text { bytes: [0; 300], used: 0 };
        // It never fails.
        let _ = written.write_fmt(text);
        let known = object.map(|index| book.objects[index]);
        let is_own = pid == who::pid();
        *free = Some(Finding {
            kind,
            object,
            name: known.map_or([0; NAME], |object| object.name),
            name_length: known.map_or(0, |object| object.name_length),
            address: 0,
            pid,
            tid,
            program: if is_own { system::name() } else { processes::program(book, pid) },
            text: written,
            suspect: None,
        });
    }

    /// One that is not sure yet.
    pub fn add_suspect(
        &mut self,
        book: &mut Book,
        suspect: Suspect,
        kind: Kind,
        who: (i32, i32),
        text: fmt::Arguments,
    ) {
        let Some(place) = self.0.iter().position(Option::is_none) else { return };
        let Some(entered) = suspects::enter(book, suspect) else { return };
        let object = (suspect.object as usize).checked_sub(1);
        self.add(book, kind, object, who, text);
        if let Some(finding) = &mut self.0[place] {
            finding.suspect = Some(entered);
        }
    }

    /// Reports each that has not been reported of this object. The call, if there is one, gives the
    /// stack.
    pub fn report(&self, run: &Tables, call: Option<&Call>) {
        if !run::has_mode(run, mode::CHECK) {
            return;
        }
        let is_whole = run.head.is_whole();
        for finding in self.0.iter().flatten() {
            if finding.kind.is_concluded() && !is_whole {
                continue;
            }
            if finding.suspect.is_none() && !finding.is_new(run, call) {
                continue;
            }
            // The call of another process leads to where nobody has made the mistake.
            let call = call.filter(|_| finding.pid == who::pid());
            let mut finding = *finding;
            if finding.name.starts_with(b"0x")
                && let Some(call) = call
            {
                finding.address = call.arguments[0];
            }
            if system::has_stack() {
                write(run, &finding, call);
            } else {
                run::note_missed(run, Gap::Stack);
            }
        }
    }
}

impl Finding {
    /// Counts it, if it has not been reported of this object.
    fn is_new(&self, run: &Tables, call: Option<&Call>) -> bool {
        // What has no object is known by its place.
        let site = call.map_or(0, |call| call.site as u64);
        let object = self.object.map_or(site, |index| index as u64 + 1);
        let hash = hash(self.kind, object);
        let is_new = run::with_book(run, |book| is_first(book, hash)) == Some(true);
        if is_new {
            run.head.findings.fetch_add(1, Ordering::Relaxed);
        }
        is_new
    }
}

pub fn hash(kind: Kind, object: u64) -> u64 {
    mix(object, kind as u64) | 1
}

/// Notes a finding; whether it is new.
pub fn is_first(book: &mut Book, hash: u64) -> bool {
    for said in &mut book.said {
        if *said == hash {
            return false;
        }
        if *said == 0 {
            *said = hash;
            return true;
        }
    }
    false
}

/// Out of line: it needs more stack than all that comes before it.
#[cold]
#[inline(never)]
fn write(run: &Tables, finding: &Finding, call: Option<&Call>) {
    let (counters, in_handler) = call.map_or(([0; STACK], false), |call| stack::take(call.site));
    let mut addresses = [0; STACK + 1];
    // The call is in front of where it returns to.
    for (address, counter) in addresses.iter_mut().zip(&counters) {
        *address = counter.saturating_sub(1);
    }
    addresses[STACK] = finding.address;
    let places = maps::places(&addresses);
    let mut line = Line::new();
    if records::findings_are_text() {
        write_text(&mut line, finding, call, &places);
    } else {
        write_json(&mut line, finding, call, &places);
    }
    match &finding.suspect {
        None => records::finding(run, &mut line),
        // A post in a handler tells of an event.
        Some(_) if in_handler && finding.kind == Kind::ForeignPost => {}
        Some(entered) => {
            run::with_book(run, |book| suspects::describe(book, *entered, line.bytes()));
        }
    }
}

fn write_text(
    line: &mut Line,
    finding: &Finding,
    call: Option<&Call>,
    places: &[Option<Place>; STACK + 1],
) {
    line.put(format_args!("rsipc check: {}: ", finding.kind.name()));
    line.push(&finding.name[..usize::from(finding.name_length)]);
    line.push(b": ");
    line.push(&finding.text.bytes[..finding.text.used]);
    line.put(format_args!("\n  by: process {} (", finding.pid));
    line.push(trimmed(&finding.program));
    line.put(format_args!("), thread {}", finding.tid));
    if let Some(call) = call {
        line.put(format_args!(", in {}", call.name()));
    }
    line.put(format_args!("\n  why: {}", finding.kind.why()));
    for place in places[..STACK].iter().flatten() {
        if !line.has_room(400) {
            break;
        }
        line.push(b"\n  at ");
        line.push(&place.path[..place.path_length]);
        line.put(format_args!("+{:#x}", place.offset));
    }
}

fn write_json(
    line: &mut Line,
    finding: &Finding,
    call: Option<&Call>,
    places: &[Option<Place>; STACK + 1],
) {
    line.put(format_args!(
        r#"{{"record":"finding","kind":"{}","pid":{},"tid":{},"program":"#,
        finding.kind.name(),
        finding.pid,
        finding.tid
    ));
    line.put_string(trimmed(&finding.program));
    match call {
        Some(call) => line.put(format_args!(r#","call":"{}","object":"#, call.name())),
        None => line.push(br#","call":null,"object":"#),
    }
    line.put_string(&finding.name[..usize::from(finding.name_length)]);
    line.push(br#","what":"#);
    line.put_string(&finding.text.bytes[..finding.text.used]);
    line.push(br#","why":"#);
    line.put_string(finding.kind.why().as_bytes());
    line.push(br#","variable":"#);
    match &places[STACK] {
        Some(place) => put_place(line, place),
        None => line.push(b"null"),
    }
    line.push(br#","stack":["#);
    let mut is_first = true;
    // A path and its escapes have room, and what ends the line.
    for place in places[..STACK].iter().flatten() {
        if !line.has_room(900) {
            break;
        }
        if !is_first {
            line.push(b",");
        }
        is_first = false;
        put_place(line, place);
    }
    line.push(b"]}");
}

fn put_place(line: &mut Line, place: &Place) {
    line.push(b"[");
    line.put_string(&place.path[..place.path_length]);
    line.put(format_args!(",{}]", place.offset));
}
