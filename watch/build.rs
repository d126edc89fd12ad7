//! Compiles the functions that stand in front of the C library's.

use std::env;

/// Set in the environment by `make lint`, as for the library itself.
const STRICT: &str = "RSIPC_WARNINGS_ARE_ERRORS";

fn main() {
    println!("cargo:rerun-if-env-changed={STRICT}");
    println!("cargo:rerun-if-changed=cbits");
    // A cancelled thread unwinds through these functions.
    cc::Build::new()
        .files(["ask", "calls", "next", "life", "stack"].map(|name| format!("cbits/{name}.c")))
        .std("gnu11")
        .flag("-fexceptions")
        .flag("-fasynchronous-unwind-tables")
        .flag("-fvisibility=hidden")
        .flag("-fno-plt")
        .pic(true)
        .opt_level(2)
        .warnings_into_errors(env::var_os(STRICT).is_some())
        .extra_warnings(true)
        .compile("rsipc_watch_cbits");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librsipc_watch.so.0,-z,nodelete");
}
