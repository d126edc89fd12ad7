//! How far long work has come: for a person at a terminal, on the standard error.

use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

use super::amount;

/// Shorter work is over before anybody asks.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks of the user.
const INTERVAL: Duration = Duration::from_millis(200);

/// Work that goes on in steps. What is shown of it is gone when this is dropped.
pub struct Progress {
    total: Option<u64>,
    done: u64,
    shown: fn(u64) -> String,
    is_seen: bool,
    /// The time to show it next. None: nobody would see it.
    due: Option<Instant>,
}

impl Progress {
    /// Of objects, or whatever is counted.
    pub fn of_count(total: usize) -> Self {
        Self::new(Some(total as u64), |count| count.to_string())
    }

    /// None: it is not known how many there will be.
    pub fn of_bytes(total: Option<u64>) -> Self {
        Self::new(total, amount::short)
    }

    fn new(total: Option<u64>, shown: fn(u64) -> String) -> Self {
        let due = io::stderr().is_terminal().then(|| Instant::now() + PATIENCE);
        Self { total, done: 0, shown, is_seen: false, due }
    }

    /// Where the standard output goes to the terminal, what is written there shows how far it is.
    pub fn beside_output(mut self) -> Self {
        self.due = self.due.filter(|_| !io::stdout().is_terminal());
        self
    }

    pub fn advance(&mut self, by: u64) {
        self.done += by;
        let Some(due) = self.due else { return };
        let now = Instant::now();
        if now >= due {
            self.due = Some(now + INTERVAL);
            self.is_seen = true;
            // There is nobody left to tell when the standard error is gone.
            let _ = write!(io::stderr().lock(), "\r{}\x1b[K", self.line());
        }
    }

    fn line(&self) -> String {
        let done = (self.shown)(self.done);
        match self.total.filter(|total| *total > 0) {
            Some(total) => {
                let percent = u128::from(self.done.min(total)) * 100 / u128::from(total);
                format!("{done} of {}, {percent}%", (self.shown)(total))
            }
            None => done,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_seen {
            let _ = io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}

/// Reads, and tells how much has been read.
pub struct Counted<R> {
    from: R,
    progress: Progress,
}

impl<R: Read> Counted<R> {
    /// In pieces that are worth a system call.
    pub fn new(from: R, progress: Progress) -> BufReader<Self> {
        const PIECE: usize = 1 << 16;
        BufReader::with_capacity(PIECE, Self { from, progress })
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.progress.advance(length as u64);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_much_of_how_much() {
        let progress = |total| Progress { done: 512, ..Progress::of_bytes(total) };
        assert_eq!(progress(Some(2048)).line(), "512 of 2048, 25%");
        assert_eq!(progress(None).line(), "512");
        assert_eq!(progress(Some(0)).line(), "512");
    }
}
