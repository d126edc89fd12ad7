//! The table again and again, until the user has enough.

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
pub fn again(interval: Duration, look: impl Fn() -> Result<String>) -> Result<()> {
    // Home, and what was below goes: the screen does not flicker as it would when it is emptied.
    const HOME: &str = "\x1b[H";
    const REST: &str = "\x1b[J";
    const LINE: &str = "\x1b[K\n";
    let is_terminal = io::stdout().is_terminal();
    if is_terminal {
        print(format!("{HOME}{REST}"))?;
    }
    loop {
        let text = look()?;
        if is_terminal {
            let lines: Vec<&str> = text.lines().take(height()).collect();
            print([HOME, &lines.join(LINE), LINE, REST].concat())?;
        } else {
            print(format!("{text}\n"))?;
        }
        std::thread::sleep(interval);
    }
}

/// Lines that find room, and leave one for the cursor.
fn height() -> usize {
    let rows = terminal::size().map_or(24, |(_, rows)| rows);
    rows.saturating_sub(1).max(1)
}
