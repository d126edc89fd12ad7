//! What happens when the library is loaded, before the program starts.

use std::ffi::{CStr, OsStr, c_void};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rsipc_core::VERSION;
use rsipc_core::os::cpu;
use rsipc_core::os::fork::{self, Protected};
use rsipc_core::os::settings;
use rsipc_core::posix::mq;
use rsipc_core::posix::sem;
use rsipc_core::shared::thread;

#[used]
#[unsafe(link_section = ".init_array")]
static ON_LOAD: extern "C" fn() = on_load;

/// All the locks that a fork must not leave locked, in the order in which they may be taken.
static LOCKS: &[&dyn Protected] = &[&sem::REGISTRY, &mq::POOL];

extern "C" fn on_load() {
    cpu::init();
    fork::protect(LOCKS, thread::forget_threads);
    let settings = settings::get();
    if settings.verbose {
        // A program whose standard error is closed still runs.
        let _ = writeln!(
            std::io::stderr(),
            "rsipc {VERSION}: active: semaphores, shared memory, message queues; library {}; objects in {}; spin {}",
            own_path().display(),
            settings.dir.display(),
            if settings.spin { "adaptive" } else { "off" },
        );
    }
}

/// The file that this code was loaded from: the shared library, or the program that it is linked into.
fn own_path() -> &'static Path {
    // SAFETY: `found` is plain data that dladdr fills in; the name it finds lives as long as the library.
    unsafe {
        let mut found: libc::Dl_info = core::mem::zeroed();
        if libc::dladdr(on_load as *const c_void, &raw mut found) == 0 || found.dli_fname.is_null() {
            return Path::new("?");
        }
        Path::new(OsStr::from_bytes(CStr::from_ptr(found.dli_fname).to_bytes()))
    }
}
