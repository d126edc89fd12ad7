//! What `mq send` and `msg send` send: the bodies of the messages.

use std::ffi::OsString;
use std::io::{self, BufRead, Read};

use clap::Args;

use crate::failure::{Failure, Result};
use crate::output::warn;

/// An argument, or standard input as one message or many.
#[derive(Args)]
pub struct Bodies {
    /// The message; by default, standard input
    message: Option<OsString>,
    /// Send each line of standard input as a message
    #[arg(long, conflicts_with = "message")]
    lines: bool,
}

impl Bodies {
    /// Sends each by `send`, until that fails. A line is sent as soon as it has been read.
    pub fn each(&self, send: impl Fn(&[u8]) -> Result<()>) -> Result<()> {
        if let Some(message) = &self.message {
            return send(message.as_encoded_bytes());
        }
        let no_input = |error| Failure::call("cannot read standard input", error);
        let mut input = io::stdin().lock();
        if self.lines {
            let mut sent = 0;
            let sends = input.split(b'\n').try_for_each(|line| {
                send(&line.map_err(no_input)?)?;
                sent += 1;
                Ok(())
            });
            return sends.inspect_err(|_| {
                let (lines, were) = if sent == 1 { ("line", "was") } else { ("lines", "were") };
                warn(format!("{sent} {lines} {were} sent before it stopped"));
            });
        }
        let mut body = Vec::new();
        input.read_to_end(&mut body).map_err(no_input)?;
        send(&body)
    }
}
