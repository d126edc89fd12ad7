//! What the processes of a run write down: a line of JSON each.

use crate::symbols::Place;
use std::fs::File;
use std::io::{self, Read};

use serde::Deserialize;

/// A line.
#[derive(Debug, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    Call(Call),
    Finding(Finding),
    Killed(Killed),
}

/// A call that has ended.
#[derive(Debug, Deserialize)]
pub struct Call {
    pub pid: i32,
    pub tid: i32,
    pub program: String,
    /// Nanoseconds of CLOCK_MONOTONIC.
    pub began: u64,
    pub ended: u64,
    #[serde(rename = "call")]
    pub function: String,
    pub arguments: Vec<String>,
    pub object: Option<String>,
    pub state: String,
    pub result: Option<serde_json::Value>,
    pub errno: Option<String>,
}

/// Something that is wrong.
#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    pub kind: String,
    pub pid: i32,
    pub tid: i32,
    pub program: String,
    pub call: Option<String>,
    pub object: String,
    pub what: String,
    pub why: String,
    /// Of a semaphore without a name: where it is in the program.
    pub variable: Option<Place>,
    pub stack: Vec<Place>,
}

/// A process that chaos has killed.
#[derive(Debug, Deserialize)]
pub struct Killed {
    pub pid: i32,
    pub when: String,
    pub call: String,
    pub program: String,
}

/// The lines of the file, as they come.
pub struct Lines {
    file: File,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
}

impl Lines {
    pub fn of(file: File) -> Self {
        Self { file, rest: Vec::new() }
    }

    /// Those that have come since the last time.
    pub fn take(&mut self) -> io::Result<Vec<String>> {
        self.file.read_to_end(&mut self.rest)?;
        let Some(end) = self.rest.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(Vec::new());
        };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        Ok(String::from_utf8_lossy(&whole).lines().map(ToOwned::to_owned).collect())
    }
}
