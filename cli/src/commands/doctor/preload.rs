//! Whether a preload works here.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::finding::Finding;
use crate::commands::run::{library, preload};
use crate::failure::reason;
use crate::output::escape;

pub fn check() -> Finding {
    const CHECK: &str = "preload";
    let library = match library::find() {
        Ok(library) => library,
        Err(failure) => {
            return Finding::bad(
                CHECK,
                "there is no library to preload",
                failure.to_string().replace("\n ", ";"),
            );
        }
    };
    let tried = Command::new("/bin/true")
        .env("LD_PRELOAD", preload::list(library.as_os_str()))
        .env("RSIPC_VERBOSE", "1")
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if contains(&output.stderr, b"active") => {
            Finding::good(CHECK, format!("`rsipc run` works, with {}", shown(&library)))
        }
        Ok(output) => Finding::bad(
            CHECK,
            format!(
                "{} does not load: {}",
                shown(&library),
                escape::text(output.stderr.trim_ascii())
            ),
            "build it on this machine: it may be for a newer glibc",
        ),
        Err(error) => Finding::bad(
            CHECK,
            format!("/bin/true does not run: {}", reason(&error)),
            "find out why it fails",
        ),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn shown(path: &Path) -> String {
    escape::word(path.as_os_str().as_bytes())
}
