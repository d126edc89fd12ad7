//! The order of the libraries that are preloaded.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What the names of libraries begin with that have to stand in front of librsipc: sanitizers,
/// which refuse to start otherwise, and libfaketime, which translates the times that the program
/// gives.
const IN_FRONT: [&[u8]; 6] =
    [b"libasan", b"libhwasan", b"liblsan", b"libtsan", b"libubsan", b"libfaketime"];

/// The libraries that are preloaded already, and these, which are in front of most others.
pub fn list(libraries: &OsStr) -> OsString {
    let before = env::var_os("LD_PRELOAD").unwrap_or_default();
    let others = before.as_bytes().split(|&byte| byte == b':' || byte == b' ');
    let others = others.filter(|name| !name.is_empty());
    let (first, last): (Vec<_>, Vec<_>) = others.partition(|name| is_in_front(name));
    let all = [first, vec![libraries.as_bytes()], last].concat();
    OsStr::from_bytes(&all.join(&b':')).to_owned()
}

fn is_in_front(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    IN_FRONT.iter().any(|beginning| name.starts_with(beginning))
}
