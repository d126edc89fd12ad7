//! Compiles the C parts, names the shared library, and generates the header that `make
//! check-header` compares.

use std::env;
use std::path::PathBuf;

/// Set in the environment by `make lint`. Another compiler may have new warnings, and the library
/// must still build with it.
const STRICT: &str = "RSIPC_WARNINGS_ARE_ERRORS";

/// What `cbits/unwind.c` finds when it is needed, so that the shared library does not need
/// `libgcc_s.so.1` at load.
const UNWINDER: [&str; 11] = [
    "__gcc_personality_v0",
    "_Unwind_Backtrace",
    "_Unwind_GetDataRelBase",
    "_Unwind_GetIP",
    "_Unwind_GetIPInfo",
    "_Unwind_GetLanguageSpecificData",
    "_Unwind_GetRegionStart",
    "_Unwind_GetTextRelBase",
    "_Unwind_Resume",
    "_Unwind_SetGR",
    "_Unwind_SetIP",
];

/// Names that ISO C leaves to the program. The library calls the functions of `cbits/names.c`, so
/// that it never gets what a program has under such a name.
const NAMES_OF_PROGRAMS: [&str; 40] = [
    "clock_gettime",
    "clone",
    "closedir",
    "dirfd",
    "fallocate",
    "flock",
    "fstatvfs",
    "ftruncate64",
    "getauxval",
    "geteuid",
    "getpid",
    "getrandom",
    "getrlimit",
    "gettid",
    "getuid",
    "link",
    "linkat",
    "madvise",
    "mkfifo",
    "msync",
    "open",
    "open64",
    "opendir",
    "prctl",
    "readdir64",
    "readlink",
    "sched_getcpu",
    "sched_yield",
    "setrlimit",
    "sigaddset",
    "sigemptyset",
    "sigismember",
    "sigpending",
    "sigtimedwait",
    "stat64",
    "strnlen",
    "syscall",
    "sysconf",
    "time",
    "unlink",
];

fn main() {
    println!("cargo:rerun-if-env-changed={STRICT}");
    println!("cargo:rerun-if-changed=cbits");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src");
    compile_cbits();
    link_shared_library();
    generate_header();
}

/// `-fexceptions`: a cancelled thread unwinds through these functions.
fn compile_cbits() {
    cc::Build::new()
        .files(
            [
                "credentials",
                "control",
                "epoll",
                "file",
                "memory",
                "mqueue",
                "mqueue_ext",
                "mqueue_loan",
                "names",
                "notify",
                "poll",
                "raw",
                "raw_credentials",
                "raw_epoll",
                "raw_closefrom",
                "raw_file",
                "raw_memory",
                "real",
                "semaphore",
                "sleep",
                "socket",
                "sysv",
                "sysv_msg",
                "thread",
                "unistd",
                "unwind",
                "vectors",
            ]
            .map(|name| format!("cbits/{name}.c")),
        )
        .std("gnu11")
        .flag("-fexceptions")
        .flag("-fasynchronous-unwind-tables")
        .flag("-fvisibility=hidden")
        .flag("-fno-plt")
        .force_frame_pointer(false)
        .pic(true)
        .opt_level(2)
        .warnings_into_errors(env::var_os(STRICT).is_some())
        .extra_warnings(true)
        .compile("rsipc_cbits");
}

/// Preloading needs no SONAME, linking with `-lrsipc` does.
///
/// A plugin that is linked with us may be unloaded while queues are open, threads of ours sleep
/// and handlers for forks are installed. The library stays.
///
/// What it calls by a name that it exports itself (`close`, `mmap`) is its own function, as a
/// program may have one of that name (`-Bsymbolic-functions`); for other names see
/// [`NAMES_OF_PROGRAMS`].
fn link_shared_library() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librsipc.so.0,-z,nodelete");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    for name in UNWINDER.iter().chain(&NAMES_OF_PROGRAMS) {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap={name}");
    }
}

fn generate_header() {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let config =
        cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is readable");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in [
        "src/posix/semaphore.rs",
        "src/posix/semaphore_ext.rs",
        "src/posix/mqueue.rs",
        "src/posix/mqueue_ext.rs",
        "src/posix/mqueue_loan.rs",
        "src/posix/mman.rs",
        "src/sysv/sem.rs",
        "src/sysv/msg.rs",
        "src/sysv/shm.rs",
        "src/version.rs",
    ] {
        builder = builder.with_src(root.join(file));
    }
    builder.generate().expect("the C edge is valid Rust").write_to_file(out.join("rsipc.h"));
}
