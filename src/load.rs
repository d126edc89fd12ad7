//! What happens when the library is loaded, before the program starts.
//!
//! Other libraries are often initialised before this one, and may already call it then. So no
//! module may depend on what is done here: each does it by itself at the first use (settings,
//! locks), or does without it until then (`os::cpu`, `cbits/real.c`).

use std::ffi::{CStr, OsStr, c_void};
use std::io::Write;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rsipc_core::VERSION;
use rsipc_core::os::cpu;
use rsipc_core::os::description;
use rsipc_core::os::errno::preserved;
use rsipc_core::os::fork;
use rsipc_core::os::settings::{self, Memory};
use rsipc_core::os::wiped;
use rsipc_core::posix::mq;
use rsipc_core::posix::sem::ledger::uses;
use rsipc_core::shared::{presence, thread};

use crate::thread::rsipc_thread_slot;

#[used]
#[unsafe(link_section = ".init_array")]
static ON_LOAD: extern "C" fn() = on_load;

#[used]
#[unsafe(link_section = ".fini_array")]
static ON_EXIT: extern "C" fn() = on_exit;

extern "C" fn on_exit() {
    presence::leave();
    uses::leave();
}

extern "C" fn on_load() {
    cpu::init();
    thread::find_slots_with(rsipc_thread_slot);
    fork::first_in_child(wiped::wipe);
    fork::first_in_child(presence::leave_parent);
    fork::install();
    preserved(|| description::look_at_inherited(note_inherited));
    let settings = settings::get();
    if settings.verbose {
        let sysv = &settings.sysv;
        let if_ours = |is_ours, family| if is_ours { family } else { "" };
        // A program whose standard error is closed still runs.
        let _ = writeln!(
            std::io::stderr(),
            "rsipc {VERSION}: active: semaphores, shared memory, message queues{}{}{}; library {}; objects in {}; spin {}",
            if_ours(sysv.semaphores, ", System V semaphores"),
            if_ours(sysv.queues, ", System V message queues"),
            if_ours(sysv.memory == Memory::Ours, ", System V shared memory"),
            own_path().display(),
            settings.dir.display(),
            if settings.spin { "adaptive" } else { "off" },
        );
    }
}

/// The program has been started with a descriptor that the library has opened.
fn note_inherited(fd: RawFd, magic: i32) {
    mq::note_inherited(magic);
    presence::note_inherited(fd, magic);
}

/// The file that this code was loaded from: the shared library, or the program that it is linked
/// into.
fn own_path() -> &'static Path {
    // SAFETY: `found` is plain data that dladdr fills in; the name it finds lives as long as the
    // library.
    unsafe {
        let mut found: libc::Dl_info = core::mem::zeroed();
        if libc::dladdr(on_load as *const c_void, &raw mut found) == 0 || found.dli_fname.is_null()
        {
            return Path::new("?");
        }
        Path::new(OsStr::from_bytes(CStr::from_ptr(found.dli_fname).to_bytes()))
    }
}
