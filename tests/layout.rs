//! A semaphore has glibc's bytes, so that programs of both libraries can meet in one. The crate
//! ctest compares the rest of the C ABI: `tests/abi`.

use rsipc_core::os::futex::Scope;
use rsipc_core::posix::sem::Semaphore;

/// The bytes that glibc gives a meaning; what follows is of no interest to it.
const GLIBCS: usize = 12;

#[test]
fn a_semaphore_has_the_bytes_of_glibcs() {
    for (pshared, scope) in [(0, Scope::Private), (1, Scope::Shared)] {
        let value = 0x0123_4567;
        let ours = Semaphore::new(value, scope).unwrap();
        // SAFETY: zeroes are a sem_t, which glibc's sem_init fills in: this program does not have
        // ours. Both are read as bytes, which all their first ones are.
        let (glibc, ours) = unsafe {
            let mut glibc: libc::sem_t = std::mem::zeroed();
            assert_eq!(libc::sem_init(&raw mut glibc, pshared, value), 0);
            let bytes: *const [u8; GLIBCS] = (&raw const glibc).cast();
            let our_bytes: *const [u8; GLIBCS] = (&raw const ours).cast();
            (*bytes, *our_bytes)
        };
        assert_eq!(glibc, ours, "pshared {pshared}");
    }
}
