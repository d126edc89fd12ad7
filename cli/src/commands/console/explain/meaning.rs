//! A row of the tables of errors.

use rsipc_core::os::Errno;

/// What one error means for some calls.
pub struct Meaning {
    pub error: Errno,
    pub calls: &'static [&'static str],
    pub words: &'static str,
    pub advice: &'static str,
}

/// For the tables.
pub const fn row(
    error: Errno,
    calls: &'static [&'static str],
    words: &'static str,
    advice: &'static str,
) -> Meaning {
    Meaning { error, calls, words, advice }
}
