//! The table again and again, until the user has enough.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::failure::Result;
use crate::output::{print, terminal, time};

/// What `--watch` may be given.
pub fn parse(text: &str) -> std::result::Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    let interval = time::parse(text)?;
    if interval >= SHORTEST {
        Ok(interval)
    } else {
        Err("write a time of at least 100ms".to_owned())
    }
}

/// On a terminal each look takes the place of the one before; elsewhere they follow each other,
/// with an empty line in between.
///
/// A look is a table, and what stands below it.
pub fn again(interval: Duration, look: impl Fn() -> Result<(String, String)>) -> Result<()> {
    // Home, and what was below goes: the screen does not flicker as it would when it is emptied.
    const HOME: &str = "\x1b[H";
    const REST: &str = "\x1b[J";
    const LINE: &str = "\x1b[K\n";
    let is_terminal = io::stdout().is_terminal();
    if is_terminal {
        print(format!("{HOME}{REST}"))?;
    }
    loop {
        let (table, below) = look()?;
        if is_terminal {
            print([HOME, &fitted(&table, &below, height()).join(LINE), LINE, REST].concat())?;
        } else {
            print(format!("{table}{below}\n"))?;
        }
        std::thread::sleep(interval);
    }
}

/// As many lines of the table as find room, with a line that counts the others.
fn fitted<'t>(table: &'t str, below: &'t str, height: usize) -> Vec<Cow<'t, str>> {
    let mut lines: Vec<Cow<str>> = table.lines().map(Cow::from).collect();
    let room = height.saturating_sub(below.lines().count());
    if lines.len() > room {
        let shown = room.saturating_sub(1);
        let more = lines.len() - shown;
        lines.truncate(shown);
        lines.push(format!("{more} more; `rsipc ls` shows them all").into());
    }
    lines.extend(below.lines().map(Cow::from));
    lines
}

/// Lines that find room, and leave one for the cursor.
fn height() -> usize {
    let rows = terminal::size().map_or(24, |(_, rows)| rows);
    rows.saturating_sub(1).max(1)
}
