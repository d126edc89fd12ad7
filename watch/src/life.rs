//! Load, forks and the end of a process.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, ptr};

use watch_run::tables::{Gap, MAGIC, SIZE, Tables, mode};
use watch_run::{DIRECTORY, END, RECORDS_FILE, TABLES_FILE};

use crate::memory::{self, Fork};
use crate::records::{self, Places};
use crate::{book, chaos, check, heirs, processes, run, system, who};

/// Children so far, where the book could not be had.
static CHILDREN: AtomicU32 = AtomicU32::new(0);

fn setting(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty() && value != "0")
}

/// At load.
#[unsafe(no_mangle)]
extern "C" fn rsipc_watch_begin() {
    who::ask();
    let found = match setting(DIRECTORY) {
        Some(directory) => of_command(&directory),
        None => of_settings(),
    };
    let Some(tables) = found else { return };
    // SAFETY: mapped by one of the functions above, which nobody takes back.
    let run = unsafe { &*tables };
    if setting(END).is_some() {
        check::judge_end(run);
        return;
    }
    enter(run);
    // SAFETY: mapped, and never unmapped.
    unsafe { run::set(tables) };
}

/// The run of a command.
fn of_command(directory: &OsStr) -> Option<*mut Tables> {
    let below = |name: &str| {
        let mut path = directory.as_bytes().to_vec();
        path.push(b'/');
        path.extend_from_slice(name.as_bytes());
        CString::new(path).ok()
    };
    let file = system::open(&below(TABLES_FILE)?, libc::O_RDWR)?;
    let tables = map(file, libc::MAP_SHARED);
    system::close(file);
    // SAFETY: as large as the tables, as `map` has checked.
    if tables.is_some_and(|tables| unsafe { (*tables).head.magic.load(Ordering::Acquire) } != MAGIC)
    {
        return None;
    }
    records::set_places(Places { calls: below(RECORDS_FILE), findings: below(RECORDS_FILE) });
    tables
}

/// Without a command: memory that the children inherit, until they begin another program.
fn of_settings() -> Option<*mut Tables> {
    let trace = setting("RSIPC_TRACE");
    let chaos = setting("RSIPC_CHAOS").map(|value| value.to_string_lossy().into_owned());
    let mut modes = 0;
    if setting("RSIPC_CHECK").is_some() {
        modes |= mode::CHECK;
    }
    if trace.is_some() {
        modes |= mode::TRACE;
    }
    let seed = chaos.as_deref().map(|value| {
        modes |= mode::CHAOS;
        let rest = value.strip_prefix("kill").inspect(|_| modes |= mode::KILL).unwrap_or(value);
        let digits = rest.trim_start_matches(':');
        digits.parse().unwrap_or_else(|_| chaos::mix(system::now(), 0) & 0xffff_ffff)
    });
    if modes == 0 {
        return None;
    }
    let tables = map(-1, libc::MAP_SHARED | libc::MAP_ANONYMOUS)?;
    // SAFETY: just mapped, all zeros, and nobody else has it yet.
    let head = unsafe { &(*tables).head };
    head.modes.store(modes, Ordering::Relaxed);
    head.root.store(who::pid(), Ordering::Relaxed);
    head.seed.store(seed.unwrap_or(0), Ordering::Relaxed);
    head.magic.store(MAGIC, Ordering::Release);
    let calls = trace.and_then(|path| CString::new(path.into_vec()).ok());
    records::set_places(Places { calls, findings: None });
    if let Some(seed) = seed {
        let mut line = crate::line::Line::new();
        line.put(format_args!("rsipc chaos: seed {seed}\n"));
        system::write(libc::STDERR_FILENO, line.bytes());
    }
    Some(tables)
}

fn map(file: i32, flags: i32) -> Option<*mut Tables> {
    if file >= 0 {
        // SAFETY: plain data that the call fills in.
        let size = unsafe {
            let mut status: libc::stat = std::mem::zeroed();
            if libc::fstat(file, &raw mut status) != 0 {
                return None;
            }
            status.st_size
        };
        if usize::try_from(size) != Ok(SIZE) {
            return None;
        }
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, where the kernel likes it.
    let memory = unsafe { libc::mmap(ptr::null_mut(), SIZE, access, flags, file, 0) };
    (memory != libc::MAP_FAILED).then_some(memory.cast())
}

/// This process begins a program.
fn enter(run: &Tables) {
    let (pid, seed) = (who::pid(), run.head.seed.load(Ordering::Relaxed));
    let path = run::with_book(run, |book| {
        // The memory of the program that was here before is gone, and with most programs its
        // descriptors of queues.
        book::drop_handles(book, pid, |handle| !system::is_open(handle.key));
        if let Some(known) = processes::find(book, pid) {
            known.programs += 1;
            known.path = chaos::mix(known.path, u64::from(known.programs) << 32);
            known.name = system::name();
            known.is_heir = false;
            return known.path;
        }
        // Begun by vfork or posix_spawn, which tell nobody.
        let path = processes::find(book, system::parent()).map_or(seed, |parent| {
            parent.children += 1;
            chaos::mix(parent.path, u64::from(parent.children))
        });
        if !processes::add(book, pid, path, false) {
            run::note_missed(run, Gap::Processes);
        }
        path
    });
    chaos::enter(path.unwrap_or(seed));
}

/// Before a fork, in the parent. What it has now is what the child gets: when that runs, the parent
/// may have gone on.
#[unsafe(no_mangle)]
extern "C" fn rsipc_watch_fork() {
    let Some(run) = run::current() else { return };
    let errno = system::errno();
    who::ask();
    let pid = who::pid();
    let known = run::with_book(run, |book| {
        let ticket = heirs::hand_down(book, pid);
        let born = book::tick(book);
        let own = processes::find(book, pid)?;
        own.children += 1;
        Some((own.children, ticket, born))
    });
    let (number, ticket, born) = known
        .flatten()
        .unwrap_or_else(|| (CHILDREN.fetch_add(1, Ordering::Relaxed) + (1 << 16), 0, 0));
    // SAFETY: a handler that interrupts this and forks leaves its own, and then its child has them.
    let own = unsafe { memory::own() };
    let path = chaos::mix(chaos::path(), u64::from(number));
    own.fork = Fork { parent: pid, ticket, path, born };
    system::set_errno(errno);
}

/// After a fork, in the child.
#[unsafe(no_mangle)]
extern "C" fn rsipc_watch_forked() {
    let Some(run) = run::current() else { return };
    let errno = system::errno();
    who::ask();
    let Fork { parent, ticket, path, born } = memory::fork();
    chaos::enter(path);
    run::with_book(run, |book| {
        if !processes::add(book, who::pid(), path, true) {
            run::note_missed(run, Gap::Processes);
        }
        processes::set_birth(book, who::pid(), parent, born);
        let from = if ticket == 0 { parent } else { ticket };
        if !heirs::inherit(book, from, parent, who::pid()) {
            run::note_missed(run, Gap::Handles);
        }
    });
    system::set_errno(errno);
}

/// The process calls exit(3).
#[unsafe(no_mangle)]
extern "C" fn rsipc_watch_end() {
    let Some(run) = run::current() else { return };
    let errno = system::errno();
    who::ask();
    check::exit(run);
    let is_root = run.head.root.load(Ordering::Relaxed) == who::pid();
    if is_root && records::findings_are_text() {
        check::judge_end(run);
    }
    system::set_errno(errno);
}
