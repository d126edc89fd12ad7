//! A thousand waits of each kind, interrupted around whole seconds after their beginning:
//! `make test-eintr`.
//!
//! The shorter checks, of every build, are `tests/c/semantics/sem_eintr.c` and `mq_eintr.c`.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Way, command, compile, run_bounded};

/// What one kind may take: eight batches of at most 8 s.
const SECONDS: u64 = 90;

fn sweep(kind: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/eintr/sweep.c");
    for way in [Way::Glibc, Way::Preload] {
        let mut program = command(&compile(&source, way), way);
        program.arg(format!("sweep_{kind}")).env("CHECK_SECONDS", SECONDS.to_string());
        let output = run_bounded(program, Duration::from_secs(SECONDS + 10));
        assert!(output.success(), "{kind} on {way}: {}\n{}", output.ended, output.stderr);
    }
}

macro_rules! kinds {
    ($($kind:ident)*) => {
        $(
            #[test]
            #[ignore = "takes half a minute: make test-eintr"]
            fn $kind() {
                sweep(stringify!($kind));
            }
        )*
    };
}

kinds! {
    sem_wait sem_wait_private
    sem_timedwait sem_timedwait_private
    sem_clockwait sem_clockwait_private
    mq_receive mq_timedreceive
    mq_send mq_timedsend
}
