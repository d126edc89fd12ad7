//! The settings that concern System V queues: `RSIPC_MSGMAX` and `RSIPC_MSGMNB`. Plain glibc has
//! none of them.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Place, Way, command, compile, run_bounded};

const BOUND: Duration = Duration::from_mins(1);

/// The largest body that can be asked for, and space for two of them.
const LARGEST: [(&str, &str); 2] = [("RSIPC_MSGMAX", "16777216"), ("RSIPC_MSGMNB", "33554432")];

#[test]
fn without_a_setting_the_limits_are_those_of_the_kernel() {
    let sizes = ["0", "1", "8192", "8193"];
    let kernel = says(Way::Glibc, &[], &sizes);
    for way in Way::OURS {
        assert_eq!(says(way, &[], &sizes), kernel, "{way}");
        // A setting of ours means nothing to the kernel's queues.
        assert_eq!(says(Way::Glibc, &LARGEST, &sizes), kernel);
    }
}

#[test]
fn bodies_of_16_mib_arrive_whole() {
    let sizes = ["0", "8193", "65536", "1048577", "16777215", "16777216", "16777217"];
    let wanted = "msgmax 16777216, msgmnb 33554432, a new queue 33554432\n0: ok\n8193: ok\n\
                  65536: ok\n1048577: ok\n16777215: ok\n16777216: ok\n16777217: EINVAL\n";
    for way in Way::OURS {
        assert_eq!(says(way, &LARGEST, &sizes), wanted, "{way}");
    }
}

#[test]
fn a_new_queue_has_the_bytes_that_are_set() {
    let set = [("RSIPC_MSGMNB", "100")];
    for way in Way::OURS {
        let said = says(way, &set, &["100", "101"]);
        assert!(said.ends_with("a new queue 100\n100: ok\n101: EAGAIN\n"), "{way}: {said}");
    }
}

/// The checks that memory is used again, for bodies that lie in several blocks.
#[test]
fn the_memory_of_a_long_body_is_used_again() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/semantics/sysv_msg_reuse.c");
    let set = [("RSIPC_MSGMAX", "9000"), ("RSIPC_MSGMNB", "60000"), ("CHECK_SECONDS", "60")];
    let mut program = command(&compile(&source, Way::Preload), Way::Preload);
    program.envs(set);
    let output = run_bounded(program, Duration::from_mins(4));
    assert!(output.success(), "{}\n{}{}", output.ended, output.stdout, output.stderr);
}

/// What `msg_sizes` says of these sizes.
fn says(way: Way, set: &[(&str, &str)], sizes: &[&str]) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/settings/msg_sizes.c");
    let place = Place::new();
    let mut program = command(&compile(&source, way), way);
    program.args(sizes).envs(set.iter().copied()).env("RSIPC_DIR", place.path());
    let output = run_bounded(program, BOUND);
    assert!(output.success(), "{way}: {}\n{}", output.ended, output.stderr);
    output.stdout
}
