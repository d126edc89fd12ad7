//! How things are said: data on the standard output, talk on the standard error.
//!
//! | module | |
//! |---|---|
//! | `amount` | amounts of memory |
//! | `escape` | bytes that others chose, made harmless |
//! | `fold` | long lines for a terminal |
//! | `hex` | bytes in hexadecimal |
//! | `inherited` | standard descriptors as they were left to this process |
//! | `json` | documents for programs |
//! | `progress` | how far long work has come |
//! | `style` | colours |
//! | `table` | tables of text |
//! | `terminal` | how large the terminal is |
//! | `time` | lengths of time |
//! | `user` | names of users and groups |

pub mod amount;
pub mod escape;
pub mod fold;
pub mod hex;
pub mod inherited;
pub mod json;
pub mod progress;
pub mod style;
pub mod table;
pub mod terminal;
pub mod time;
pub mod user;

use std::io::{self, BufWriter, Write};

use crate::failure::{Failure, Result};
use style::{Style, Tone};

/// Writes data.
pub fn print(data: impl AsRef<[u8]>) -> Result<()> {
    write(|out| out.write_all(data.as_ref())).map_err(not_written)
}

/// Lines to read: on a terminal they are folded to its width.
pub fn print_folded(text: &str) -> Result<()> {
    print(fold::fold(text, terminal::size().map(|(columns, _)| columns)))
}

/// Writes data piece by piece.
pub fn write(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    inherited::check_stdout()?;
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()
}

/// Fails if nothing can be written at all: to be asked before what is to be shown is taken out of
/// an object.
pub fn check() -> Result<()> {
    inherited::check_stdout().map_err(not_written)
}

fn not_written(error: io::Error) -> Failure {
    Failure::call("cannot write to standard output", error)
}

/// Says something to the person at the terminal, in lines that fit into it.
pub fn say(text: impl AsRef<str>) {
    let text = fold::fold(text.as_ref(), terminal::width_of_stderr());
    // There is nobody left to tell when the standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why the command failed.
pub fn complain(failure: &Failure) {
    let style = Style::of_stderr();
    say(format!("{} {failure}", style.paint(Tone::Bad, "rsipc:")));
}

/// Says something that the user should know, although the command goes on.
pub fn warn(text: impl AsRef<str>) {
    let style = Style::of_stderr();
    say(format!("{} {}", style.paint(Tone::Notable, "rsipc: note:"), text.as_ref()));
}
