//! A terminal of a size of one's choice: a program runs in it, keys go in, and the screen can be
//! read.

use std::fs::File;
use std::io::{Read, Write};
use std::mem;
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::ptr;
use std::sync::{Arc, Mutex};

use super::eventually;

/// Columns and rows.
pub type Size = (NonZero<u16>, NonZero<u16>);

pub const SMALL: Size = size(80, 24);
pub const LARGE: Size = size(200, 50);

pub const fn size(columns: u16, rows: u16) -> Size {
    (NonZero::new(columns).expect("some"), NonZero::new(rows).expect("some"))
}

/// The program is killed when this is dropped.
pub struct Terminal {
    child: Child,
    keys: File,
    /// The program's side, to look at its settings.
    line: OwnedFd,
    screen: Arc<Mutex<vt100::Parser>>,
    before: Settings,
}

/// What tcgetattr(3) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    flags: [u32; 4],
    characters: Vec<u8>,
    speeds: [u32; 2],
}

impl Terminal {
    /// Runs a program, with its standard streams on the terminal.
    pub fn run(mut command: Command, size: Size) -> Self {
        let (keys, line) = open(size);
        let before = Settings::of(&line);
        let end = || Stdio::from(line.try_clone().expect("a descriptor"));
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color");
        // SAFETY: system calls, and no memory of the parent is touched.
        unsafe {
            command.pre_exec(|| {
                // A shell lets what it runs in the background ignore it.
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                let is_own = libc::setsid() >= 0 && libc::ioctl(0, libc::TIOCSCTTY, 0) == 0;
                if is_own { Ok(()) } else { Err(std::io::Error::last_os_error()) }
            });
        }
        let child = command.spawn().expect("the program can be started");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size.1, size.0, 0)));
        show(keys.try_clone().expect("a descriptor"), Arc::clone(&screen));
        Self { child, keys, line, screen, before }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// A line, and the key that ends it.
    pub fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// What is on the screen now, line by line, without blanks at the end of lines.
    pub fn screen(&self) -> String {
        self.read(vt100::Screen::contents)
    }

    /// The screen as it is, with cursor, colours and modes.
    pub fn read<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.lock().expect("nobody panics in there").screen())
    }

    /// Whether any character on it has a colour.
    pub fn is_coloured(&self) -> bool {
        self.read(|screen| {
            let (rows, columns) = screen.size();
            let mut places =
                (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
            places.any(|(row, column)| {
                screen.cell(row, column).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
            })
        })
    }

    /// Waits until the screen is right, and returns it.
    pub fn until(&self, is_right: impl Fn(&str) -> bool) -> String {
        eventually(|| Shown(self.screen()), |shown| is_right(&shown.0)).0
    }

    /// Waits until this can be read.
    pub fn shows(&self, text: &str) -> String {
        self.until(|screen| screen.contains(text))
    }

    pub fn resize(&mut self, (columns, rows): Size) {
        self.screen.lock().expect("nobody panics in there").screen_mut().set_size(rows, columns);
        let size = winsize((columns, rows));
        // SAFETY: the size is valid.
        let set = unsafe { libc::ioctl(self.keys.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(set, 0);
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) touches no memory; the child has not been waited for.
        unsafe { libc::kill(self.child.id().cast_signed(), signal) };
    }

    /// Waits for the end of the program. The terminal must be as it was before.
    pub fn ends(&mut self) -> ExitStatus {
        let status =
            eventually(|| self.child.try_wait().expect("a child"), Option::is_some).expect("ended");
        assert_eq!(
            Settings::of(&self.line),
            self.before,
            "the settings of the terminal are as they were"
        );
        // What it wrote at last may not have been read yet.
        eventually(|| self.read(modes), Vec::is_empty);
        status
    }

    /// [`Self::ends`], and the signal that ended it.
    pub fn ends_by_signal(&mut self) -> Option<i32> {
        self.ends().signal()
    }

    /// Whether the program has changed the settings.
    pub fn is_changed(&self) -> bool {
        Settings::of(&self.line) != self.before
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A screen that is legible when a test fails.
struct Shown(String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "this on the screen:\n{}", self.0)
    }
}

/// What a program must switch off that has switched it on.
fn modes(screen: &vt100::Screen) -> Vec<&'static str> {
    let modes = [
        ("alternate screen", screen.alternate_screen()),
        ("hidden cursor", screen.hide_cursor()),
        ("mouse", screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None),
        ("bracketed paste", screen.bracketed_paste()),
    ];
    modes.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
}

impl Settings {
    fn of(line: &OwnedFd) -> Self {
        // SAFETY: plain data, which the call fills in.
        let settings = unsafe {
            let mut settings: libc::termios = mem::zeroed();
            assert_eq!(libc::tcgetattr(line.as_raw_fd(), &raw mut settings), 0);
            settings
        };
        Self {
            flags: [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag],
            characters: settings.c_cc.to_vec(),
            speeds: [settings.c_ispeed, settings.c_ospeed],
        }
    }
}

fn winsize((columns, rows): Size) -> libc::winsize {
    libc::winsize { ws_row: rows.get(), ws_col: columns.get(), ws_xpixel: 0, ws_ypixel: 0 }
}

fn open(size: Size) -> (File, OwnedFd) {
    let (mut keys, mut line, size) = (0, 0, winsize(size));
    // SAFETY: all pointers are valid or NULL; the new descriptors belong to nobody else.
    unsafe {
        let opened = libc::openpty(
            &raw mut keys,
            &raw mut line,
            ptr::null_mut(),
            ptr::null(),
            &raw const size,
        );
        assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
        for fd in [keys, line] {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        (File::from_raw_fd(keys), OwnedFd::from_raw_fd(line))
    }
}

/// Ends when nobody has the program's side open any more.
fn show(mut output: File, screen: Arc<Mutex<vt100::Parser>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut bytes) {
            screen.lock().expect("nobody panics in there").process(&bytes[..length]);
        }
    });
}
