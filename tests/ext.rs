//! What `<rsipc.h>` has beyond the standard: each case of `tests/c/ext/`, linked shared and static.

mod support;

use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::cases::{Case, SECONDS, SKIPPED, cases_in};
use support::{Ended, Way, command, compile, run_bounded};

/// The ways in which a program finds these functions by itself.
const LINKED: [Way; 2] = [Way::Shared, Way::Static];

fn main() {
    let trials = cases_in("tests/c/ext", Way::Shared)
        .into_iter()
        .flat_map(|case| LINKED.map(|way| trial(case.clone(), way)))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(case: Case, way: Way) -> Trial {
    let name = format!("{}::{}::{way}", case.file, case.name);
    Trial::ignorable_test(name, move || {
        let mut program = command(&compile(&case.source, way), way);
        program.arg(&case.name).env("CHECK_SECONDS", SECONDS.to_string());
        let output = run_bounded(program, Duration::from_secs(SECONDS + 10));
        match output.ended {
            Ended::Exit(0) => Ok(Completion::Completed),
            Ended::Exit(SKIPPED) => Ok(Completion::ignored_with(output.stderr)),
            ended => Err(Failed::from(format!("{ended}\n{}", output.stderr))),
        }
    })
}
