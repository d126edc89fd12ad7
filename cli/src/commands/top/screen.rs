//! The terminal, taken over and given back as it was, whatever ends the process.

use std::io::{self, Stdout, stdout};
use std::panic;

use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// Given back when it is dropped, or when a thread panics.
pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    pub fn take_over() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
        enter()?;
        // From here on the drop gives it back.
        Terminal::new(CrosstermBackend::new(stdout())).map(Self).inspect_err(|_| give_back())
    }

    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }

    /// Ctrl-Z: the shell has the terminal until it wants us to go on.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // SAFETY: takes no memory. Not SIGTSTP, which nobody may be there to answer.
        unsafe { libc::raise(libc::SIGSTOP) };
        enter()?;
        // With nothing on it, so that everything is drawn.
        self.0 = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, Hide).inspect_err(|_| give_back())
}

/// There is nothing to be done when the terminal is gone.
fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
