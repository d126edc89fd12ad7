//! `rsipc top`: a live view of all objects.
//!
//! | module | |
//! |---|---|
//! | `draw` | the screen as a whole |
//! | `help` | the page that the question mark opens |
//! | `list` | the table of objects |
//! | `meter` | how much passes through an object |
//! | `order` | in which order objects are listed |
//! | `screen` | the terminal, taken over and given back |
//! | `theme` | colours and signs |
//! | `view` | what the user has chosen, and what the keys change |
//! | `watch` | looks again and again, in a thread of its own |

mod draw;
mod help;
mod list;
mod meter;
mod order;
mod screen;
mod theme;
mod view;
mod watch;

use std::env;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use clap::Args;
use crossterm::event::{self, KeyEvent};

use crate::failure::{Failure, Result};
use crate::output::time;
use crate::signals::{self, Blocked};
use crate::survey::Depth;
use screen::Screen;
use theme::Theme;
use view::{View, Wish};
use watch::Seen;

/// Watch objects live: their rates, their waiters, and the processes that have them open
#[derive(Args)]
pub struct Options {
    /// Time between two updates, at least 100ms
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_interval)]
    interval: Duration,
    /// Also unnamed semaphores in the memory of processes, as far as threads sleep on them
    #[arg(long)]
    private: bool,
}

fn parse_interval(text: &str) -> std::result::Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_hours(24);
    let interval = time::parse(text)?;
    let is_sensible = (SHORTEST..=LONGEST).contains(&interval);
    if is_sensible { Ok(interval) } else { Err("write a time from 100ms to 1d".to_owned()) }
}

/// What happens.
pub enum Event {
    Seen(Box<Seen>),
    Key(KeyEvent),
    Resize,
    /// The process is to end.
    Signal(i32),
    /// There will be no more keys.
    NoKeys(io::Error),
}

pub fn run(options: &Options) -> Result<()> {
    if !(io::stdout().is_terminal() && io::stdin().is_terminal())
        || env::var_os("TERM").is_none_or(|term| term == "dumb")
    {
        return Err(Failure::new("the live view needs a terminal")
            .advise("`rsipc ls` shows the objects once, `rsipc ls --json` for programs"));
    }
    let blocked = Blocked::new([libc::SIGINT, libc::SIGTERM, libc::SIGHUP]);
    let (sender, events) = mpsc::channel();
    let seen = sender.clone();
    let depth = if options.private { Depth::Memory } else { Depth::Objects };
    let take = move |look| seen.send(Event::Seen(Box::new(look))).is_ok();
    let started = watch::start(options.interval, depth, take)
        .and_then(|()| spawn(sender.clone(), move || Event::Signal(blocked.wait().si_signo)));
    started.map_err(|error| Failure::call("cannot start a thread", error))?;
    let ended_by =
        show(&events, sender).map_err(|error| Failure::call("cannot use the terminal", error))?;
    // The terminal is given back by now.
    if let Some(signal) = ended_by {
        signals::die_by(signal);
    }
    Ok(())
}

/// Sends one event after the other.
fn spawn(events: Sender<Event>, next: impl Fn() -> Event + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().spawn(move || while events.send(next()).is_ok() {})?;
    Ok(())
}

/// Until the user has enough, or a signal comes: then this is returned.
fn show(events: &Receiver<Event>, sender: Sender<Event>) -> io::Result<Option<i32>> {
    let mut screen = Screen::take_over()?;
    spawn(sender, next_key)?;
    let (theme, mut view) = (Theme::of_terminal(), View::default());
    loop {
        screen.draw(|frame| draw::draw(frame, &mut view, theme))?;
        match events.recv() {
            Ok(Event::Seen(seen)) => view.take(*seen),
            Ok(Event::Resize) => {}
            Ok(Event::Signal(signal)) => return Ok(Some(signal)),
            Ok(Event::NoKeys(error)) => return Err(error),
            Ok(Event::Key(key)) => match view.press(key) {
                Wish::Nothing => {}
                Wish::Suspend => screen.suspend()?,
                Wish::End => return Ok(None),
            },
            // All others have ended: nothing more will happen.
            Err(mpsc::RecvError) => return Ok(None),
        }
    }
}

fn next_key() -> Event {
    loop {
        match event::read() {
            Ok(event::Event::Key(key)) => return Event::Key(key),
            Ok(event::Event::Resize(..)) => return Event::Resize,
            Ok(_) => {}
            Err(error) => return Event::NoKeys(error),
        }
    }
}
