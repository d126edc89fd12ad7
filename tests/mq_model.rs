//! The programs of tests/c/model/: queues against a model, under reentrant handlers, and closed,
//! forked and lost to exec in mid-call. Each runs on the kernel's queues where those can do it,
//! then on the library.

mod support;

use std::path::Path;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use support::{Way, command, compile, run_bounded};

/// The ways in which a run is tried.
const WAYS: [Way; 4] = Way::ALL;

/// Far beyond what any run takes: it only bounds a hang.
const BOUND: Duration = Duration::from_secs(90);

struct Run {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    length: Length,
}

/// How long a run is.
enum Length {
    /// As its arguments say.
    Fixed,
    /// As its arguments say, and beyond the limits of the kernel's queues.
    Ours,
    /// This many seconds when preloaded, and one second in the other ways.
    Seconds(u32),
}

const fn run(
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    length: Length,
) -> Run {
    Run { name, program, arguments, length }
}

const RUNS: &[Run] = &[
    run("order_in_a_queue_of_1", "mq_model", &["1", "64", "100000", "1"], Length::Fixed),
    run("order_in_a_queue_of_10", "mq_model", &["10", "512", "400000", "2"], Length::Fixed),
    run("order_in_a_queue_of_1000", "mq_model", &["1000", "512", "400000", "3"], Length::Ours),
    run("order_in_a_queue_of_65536", "mq_model", &["65536", "128", "1500000", "4"], Length::Ours),
    run(
        "exchange_through_a_queue_of_1",
        "mq_exchange",
        &["1", "64", "3000", "1", "at-once"],
        Length::Fixed,
    ),
    run(
        "exchange_through_a_queue_of_10",
        "mq_exchange",
        &["10", "8192", "5000", "2", "at-once"],
        Length::Fixed,
    ),
    run(
        "exchange_through_a_full_queue_of_10",
        "mq_exchange",
        &["10", "64", "10000", "5", "when-full"],
        Length::Fixed,
    ),
    run(
        "exchange_through_a_queue_of_1000",
        "mq_exchange",
        &["1000", "512", "20000", "3", "at-once"],
        Length::Ours,
    ),
    run(
        "exchange_through_a_queue_of_65536",
        "mq_exchange",
        &["65536", "64", "40000", "4", "when-full"],
        Length::Ours,
    ),
    run("handlers_that_return", "mq_reentrant", &["return"], Length::Seconds(10)),
    run("handlers_that_jump_out", "mq_reentrant", &["jump"], Length::Seconds(10)),
    run("close_in_mid_call", "mq_close_race", &["hammer"], Length::Seconds(3)),
    run("reuse_of_a_number", "mq_close_race", &["reuse"], Length::Seconds(3)),
    run("fork_in_mid_call", "mq_close_race", &["fork"], Length::Seconds(3)),
    run("exec_in_mid_call", "mq_close_race", &["exec"], Length::Seconds(3)),
];

fn main() {
    let trials =
        RUNS.iter().flat_map(|run| WAYS.iter().filter_map(|&way| trial(run, way))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(run: &'static Run, way: Way) -> Option<Trial> {
    let mut arguments: Vec<String> = run.arguments.iter().map(ToString::to_string).collect();
    match run.length {
        Length::Ours if way == Way::Glibc => return None,
        Length::Fixed | Length::Ours => {}
        Length::Seconds(preloaded) => {
            let seconds = if way == Way::Preload { preloaded } else { 1 };
            arguments.push(seconds.to_string());
        }
    }
    Some(Trial::test(format!("{}::{way}", run.name), move || execute(run.program, &arguments, way)))
}

fn execute(program: &str, arguments: &[String], way: Way) -> Result<(), Failed> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/model").join(program);
    let mut command = command(&compile(&source.with_extension("c"), way), way);
    command.args(arguments);
    let output = run_bounded(command, BOUND);
    if output.success() {
        Ok(())
    } else {
        Err(format!("{program} {}: {}\n{}", arguments.join(" "), output.ended, output.stderr)
            .into())
    }
}
