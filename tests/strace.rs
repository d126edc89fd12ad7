//! What the kernel is asked for, as strace sees it: a program on the library makes no system call
//! on the kernel's queues, of both kinds, and sets of semaphores, and none on its segments if they
//! are to be ours.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use support::tracing::{calls, trace_of, trace_with};
use support::{Way, library_dir};

/// What the kernel has of its own, and the library makes no call on.
struct Kind {
    /// A program of tests/c that makes each call. It says "done".
    source: &'static str,
    /// How the names of the system calls begin.
    prefix: &'static str,
    /// The calls themselves.
    calls: &'static [&'static str],
    /// The setting that the kernel is left alone with.
    setting: &'static [(&'static str, &'static str)],
    /// Threads of the program, its children and the library, at least.
    threads: usize,
}

const QUEUES: Kind = Kind {
    source: "trace/mq_calls.c",
    prefix: "mq_",
    calls: &[
        "mq_getsetattr",
        "mq_notify",
        "mq_open",
        "mq_timedreceive",
        "mq_timedsend",
        "mq_unlink",
    ],
    setting: &[],
    threads: 4,
};

const SETS: Kind = Kind {
    source: "trace/sem_calls.c",
    prefix: "sem",
    calls: &["semctl", "semget", "semtimedop"],
    setting: &[],
    threads: 3,
};

const SYSV_QUEUES: Kind = Kind {
    source: "trace/msg_calls.c",
    prefix: "msg",
    calls: &["msgctl", "msgget", "msgrcv", "msgsnd"],
    threads: 4,
    setting: &[],
};

const SEGMENTS: Kind = Kind {
    source: "trace/shm_calls.c",
    prefix: "shm",
    calls: &["shmat", "shmctl", "shmdt", "shmget"],
    setting: &[("RSIPC_SYSV", "shm")],
    threads: 2,
};

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_preloaded_program_makes_no_call_on_the_kernels_queues() {
    QUEUES.makes_no_call(Way::Preload);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_preloaded_program_makes_no_call_on_the_kernels_sets() {
    SETS.makes_no_call(Way::Preload);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_preloaded_program_makes_no_call_on_the_kernels_sysv_queues() {
    SYSV_QUEUES.makes_no_call(Way::Preload);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_preloaded_program_makes_no_call_on_the_kernels_segments() {
    SEGMENTS.makes_no_call(Way::Preload);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_shared_makes_no_call_on_the_kernels_queues() {
    QUEUES.makes_no_call(Way::Shared);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_shared_makes_no_call_on_the_kernels_sets() {
    SETS.makes_no_call(Way::Shared);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_shared_makes_no_call_on_the_kernels_sysv_queues() {
    SYSV_QUEUES.makes_no_call(Way::Shared);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_shared_makes_no_call_on_the_kernels_segments() {
    SEGMENTS.makes_no_call(Way::Shared);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_static_makes_no_call_on_the_kernels_queues() {
    QUEUES.makes_no_call(Way::Static);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_static_makes_no_call_on_the_kernels_sets() {
    SETS.makes_no_call(Way::Static);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_static_makes_no_call_on_the_kernels_sysv_queues() {
    SYSV_QUEUES.makes_no_call(Way::Static);
}

#[test]
#[ignore = "needs strace: make test-strace"]
fn a_program_linked_static_makes_no_call_on_the_kernels_segments() {
    SEGMENTS.makes_no_call(Way::Static);
}

/// The same programs, so the tests above can fail.
#[test]
#[ignore = "needs strace: make test-strace"]
fn on_plain_glibc_each_kind_of_call_is_seen() {
    for kind in [QUEUES, SETS, SYSV_QUEUES, SEGMENTS] {
        let seen = kind.calls_in(&kind.trace(Way::Glibc));
        assert_eq!(seen, kind.calls.iter().map(ToString::to_string).collect());
    }
}

/// Most programs that are preloaded never call us. For them nothing is done but what the loader
/// does, and one look for queues that the program has been started with: a poll that does not wait,
/// and a question about each descriptor that is open.
#[test]
#[ignore = "needs strace: make test-strace"]
fn loading_asks_the_kernel_only_for_inherited_queues() {
    for way in Way::ALL {
        let trace = trace_of("loading/nothing.c", way, "");
        // The loader's last call takes away its cache, and the program begins with getppid.
        let loaded = trace
            .lines()
            .skip_while(|line| !line.contains("arch_prctl(") && !line.contains("set_tid_address("));
        let calls: Vec<&str> = loaded
            .skip_while(|line| !line.contains("munmap("))
            .skip(1)
            .take_while(|line| !line.contains("getppid()"))
            .collect();
        let (looks, questions): (Vec<&str>, Vec<&str>) =
            calls.iter().partition(|line| line.contains(" ppoll("));
        // The linker takes nothing from the archive for a program that calls none of it.
        let is_loaded = matches!(way, Way::Preload | Way::Shared);
        assert_eq!(looks.len(), usize::from(is_loaded), "{way}\n{trace}");
        assert!(looks.iter().all(|line| line.contains("{tv_sec=0, tv_nsec=0}")), "{way}\n{trace}");
        assert!(questions.iter().all(|line| line.contains("F_GETSIG")), "{way}\n{trace}");
        assert!(trace.contains("getppid()"), "{way}\n{trace}");
    }
}

/// Until the program says that it is over, by getppid(2), each waiter has gone to sleep; perhaps
/// for a moment before that, as another one of them was in the middle of its own look. A waiter
/// that looked once a second would have slept six times.
#[test]
#[ignore = "needs strace: make test-strace"]
fn idle_waiters_make_no_system_call() {
    const WAITERS: usize = 100;
    let trace = trace_of("trace/idle.c", Way::Preload, "done\n");
    let (idle, _) = trace.split_once("getppid(").expect("the program comes to its end");
    let mut sleeps = BTreeMap::<&str, usize>::new();
    for line in idle.lines().filter(|line| !line.contains("resumed>")) {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        if call.trim_start().starts_with("futex_waitv(") || call.contains("FUTEX_WAIT") {
            *sleeps.entry(pid).or_default() += 1;
        }
    }
    assert_eq!(sleeps.len(), WAITERS, "{sleeps:?}");
    assert!(sleeps.values().all(|sleeps| *sleeps <= 3), "{sleeps:?}");
}

/// Of the second queue of a process, and of one that it has already. design.md 3.6 says what each
/// call is for.
#[test]
#[ignore = "needs strace: make test-strace"]
fn opening_a_queue_takes_few_system_calls() {
    const TO_CREATE: usize = 15;
    const TO_OPEN: usize = 10;
    let trace = trace_of("trace/open.c", Way::Preload, "done\n");
    let parts: Vec<Vec<&str>> = trace.split("getppid(").map(|part| calls(part).collect()).collect();
    let [_, creating, opening, _] = &parts[..] else { panic!("{trace}") };
    assert!(creating.contains(&"fallocate") && creating.len() <= TO_CREATE, "{creating:?}");
    assert!(opening.contains(&"mmap") && opening.len() <= TO_OPEN, "{opening:?}");
}

/// Of the second set of a process. design.md 4.4 says what each call is for.
#[test]
#[ignore = "needs strace: make test-strace"]
fn creating_and_removing_a_set_takes_few_system_calls() {
    const WITHOUT_KEY: usize = 15;
    const WITH_KEY: usize = 33;
    const TO_SET: usize = 5;
    let trace = trace_of("trace/create.c", Way::Preload, "done\n");
    let parts: Vec<Vec<&str>> = trace.split("getppid(").map(|part| calls(part).collect()).collect();
    let [_, private, keyed, setting, _] = &parts[..] else { panic!("{trace}") };
    let is_made = |calls: &[&str]| calls.contains(&"fallocate") && calls.contains(&"unlinkat");
    assert!(is_made(private) && private.len() <= WITHOUT_KEY, "{private:?}");
    assert!(is_made(keyed) && keyed.len() <= WITH_KEY, "{keyed:?}");
    assert!(setting.contains(&"geteuid") && setting.len() <= TO_SET, "{setting:?}");
}

/// A container's filter is no reason to do without what tells of deaths, nor to keep memory.
#[test]
#[ignore = "needs strace: make test-strace"]
fn a_filter_of_a_container_changes_neither_sleep_nor_removal() {
    let trace = trace_of("trace/contained.c", Way::Preload, "done\n");
    let Some((_, contained)) = trace.split_once("getppid(") else {
        println!("skipped: there can be no container here");
        return;
    };
    assert!(contained.contains("futex_waitv("), "{contained}");
    assert!(contained.contains("MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0"), "{contained}");
}

/// The tmpfs of older kernels ends fallocate(2) for any signal. Here each other call is ended so.
#[test]
#[ignore = "needs strace: make test-strace"]
fn an_object_is_made_although_a_signal_interrupts_its_reservation() {
    let (ours, inject) = (("RSIPC_SYSV", "sem,msg,shm"), "inject=fallocate:error=EINTR:when=1+2");
    let trace = trace_with("trace/reserve.c", Way::Preload, &[ours], &["-e", inject], "done\n");
    assert!(trace.matches("EINTR (").count() >= 4, "{trace}");
}

/// Such as one that comes together with the end of a sleep that ends for another reason.
#[test]
#[ignore = "needs strace: make test-strace"]
fn a_signal_ends_a_wait_that_goes_on_after_a_sleep() {
    struck("futex_waitv:error=EAGAIN:signal=SIGUSR1:when=1");
}

/// The thread holds signals back then, and has asked which ones have come.
#[test]
#[ignore = "needs strace: make test-strace"]
fn a_signal_ends_a_wait_that_is_about_to_sleep() {
    struck("rt_sigpending:signal=SIGUSR1:when=1");
}

fn struck(beside: &str) {
    let inject = format!("inject={beside}");
    let trace = trace_with("trace/struck.c", Way::Preload, &[], &["-e", &inject], "done\n");
    assert!(trace.matches("--- SIGUSR1").count() >= 3, "{trace}");
}

/// The locks of a process go with its table of descriptors. Here the library's thread is late to
/// leave that to the program.
#[test]
#[ignore = "needs strace: make test-strace"]
fn adjustments_are_kept_by_a_program_that_leaves_its_table_of_descriptors_at_once() {
    let inject = "inject=close_range:delay_enter=300ms:when=1";
    let trace = trace_with("trace/table.c", Way::Preload, &[], &["-e", inject], "done\n");
    assert!(trace.contains("(DELAYED)"), "{trace}");
}

/// A program that waits for another one to make an object asks for its key again and again.
#[test]
#[ignore = "needs strace: make test-strace"]
fn a_look_for_a_missing_key_takes_one_system_call() {
    const LOOKS: usize = 100;
    let place = Place::new();
    let settings = [("RSIPC_DIR", place.0.to_str().expect("a path in UTF-8"))];
    let trace = trace_with("trace/missing.c", Way::Preload, &settings, &[], "done\n");
    let parts: Vec<Vec<&str>> = trace.split("getppid(").map(|part| calls(part).collect()).collect();
    let [_, looks, _] = &parts[..] else { panic!("{trace}") };
    assert_eq!(looks.len(), LOOKS, "{looks:?}");
}

/// What is in the set of an epoll is not read from /proc as long as the program has told.
#[test]
#[ignore = "needs strace: make test-strace"]
fn an_epoll_of_queues_with_the_same_data_takes_few_system_calls() {
    const WAITS: usize = 128;
    const EACH: usize = 2;
    let trace = trace_of("trace/epoll.c", Way::Preload, "done\n");
    let parts: Vec<Vec<&str>> = trace.split("getppid(").map(|part| calls(part).collect()).collect();
    let [_, waiting, _] = &parts[..] else { panic!("{trace}") };
    let waits = waiting.iter().filter(|call| **call == "epoll_wait").count();
    assert!(waits >= WAITS && waiting.len() <= EACH * WAITS, "{waiting:?}");
}

/// Before and after each call its hooks block the signals, unblock them, and ask which thread they
/// are in.
#[test]
#[ignore = "needs strace: make test-strace"]
fn a_checked_call_takes_few_system_calls() {
    const CALLS: usize = 200;
    const EACH: usize = 6;
    let library = |name: &str| library_dir().join(name).display().to_string();
    let preload = format!("{}:{}", library("librsipc_watch.so"), library("librsipc.so"));
    let settings = [("LD_PRELOAD", preload.as_str()), ("RSIPC_CHECK", "1")];
    let trace = trace_with("trace/checked.c", Way::Glibc, &settings, &[], "done\n");
    let parts: Vec<Vec<&str>> = trace.split("getppid(").map(|part| calls(part).collect()).collect();
    // The hooks ask for the parent as well, once, at load.
    let [.., checked, _] = &parts[..] else { panic!("{trace}") };
    let count = |name: &str| checked.iter().filter(|call| **call == name).count();
    assert!(count("gettid") >= CALLS && checked.len() <= EACH * CALLS, "{checked:?}");
}

impl Kind {
    fn makes_no_call(&self, way: Way) {
        let trace = self.trace(way);
        // The child, and the helper threads of the library, were traced, too.
        let threads: BTreeSet<&str> =
            trace.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(threads.len() >= self.threads, "{trace}");
        assert_eq!(self.calls_in(&trace), BTreeSet::new(), "{way}");
    }

    fn calls_in(&self, trace: &str) -> BTreeSet<String> {
        calls(trace).filter(|call| call.starts_with(self.prefix)).map(str::to_owned).collect()
    }

    /// All system calls of the program and of whatever it starts.
    fn trace(&self, way: Way) -> String {
        trace_with(self.source, way, self.setting, &[], "done\n")
    }
}

/// A directory that goes when the test is over.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let place =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("strace.{}", process::id()));
        fs::create_dir(&place).expect("the name is free");
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left over lies in a directory for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
