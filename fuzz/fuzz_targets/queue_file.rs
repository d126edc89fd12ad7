//! Opens an arbitrary file as a queue, and uses it. What happens is in the body that the seeded
//! test has, too.

#![no_main]

use std::{env, fs, process};

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "some of it is for the test alone")]
#[path = "../../tests/hostile/mod.rs"]
mod hostile;

fuzz_target!(
    init: {
        if env::var_os("RSIPC_DIR").is_none() {
            let place = format!("/dev/shm/rsipc-fuzz-{}", process::id());
            fs::create_dir(&place).expect("a directory can be made");
            // SAFETY: there is no other thread yet.
            unsafe { env::set_var("RSIPC_DIR", place) };
        }
    },
    |data: &[u8]| {
        hostile::play(data);
    }
);
