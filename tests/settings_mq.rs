//! The settings that concern queues: `RSIPC_MQ_LIMITS=kernel`, compared with the kernel's own
//! queues on plain glibc, and a `RSIPC_DIR` with little space.

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::{Ended, Output, Place, Way, command, compile, run_bounded};

const BOUND: Duration = Duration::from_secs(50);

/// The exit status of a program that cannot do here what it is made for.
const CANNOT: i32 = 77;

/// What `mq_limits` is asked, and as which user. What root's queues take already is not known, so
/// prices are the user's.
const LIMITS: [(&str, &str); 4] =
    [("sizes", "user"), ("prices", "user"), ("numbers", "user"), ("sizes", "root")];

fn main() {
    let mut trials = Vec::new();
    for way in Way::OURS {
        for (what, who) in LIMITS {
            trials.push(Trial::ignorable_test(
                format!("kernel_limits_on_{what}_of_{who}::{way}"),
                move || same_limits(what, who, way),
            ));
        }
        trials.push(Trial::ignorable_test(format!("little_space_is_enospc::{way}"), move || {
            room(way)
        }));
    }
    trials.push(Trial::test("without_the_setting_there_are_no_such_limits", unlimited));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn same_limits(what: &str, who: &str, way: Way) -> Result<Completion, Failed> {
    if !is_root() {
        return Ok(Completion::ignored_with("only root can become a user that has no queues"));
    }
    let kernel = limits(what, who, Way::Glibc, None);
    let ours = limits(what, who, way, Some("kernel"));
    if !kernel.success() || !ours.success() {
        return Err(
            format!("{}{}{}{}", kernel.ended, kernel.stderr, ours.ended, ours.stderr).into()
        );
    }
    if kernel.stdout == ours.stdout {
        Ok(Completion::Completed)
    } else {
        Err(format!("the kernel:\n{}\nours:\n{}", kernel.stdout, ours.stdout).into())
    }
}

fn unlimited() -> Result<(), Failed> {
    if !is_root() {
        return Ok(());
    }
    let ours = limits("sizes", "user", Way::Preload, None);
    for line in
        ["11 x 10: ok", "65536 x 10: ok", "1 x 8193: ok", "1 x 16777216: ok", "65537 x 10: EINVAL"]
    {
        if !ours.stdout.lines().any(|said| said == line) {
            return Err(format!("no \"{line}\" in\n{}{}", ours.stdout, ours.stderr).into());
        }
    }
    Ok(())
}

fn limits(what: &str, who: &str, way: Way, setting: Option<&str>) -> Output {
    let place = Place::for_all_users();
    let mut run = program("mq_limits", way);
    run.args([what, who])
        .env("RSIPC_DIR", place.path())
        .envs(setting.map(|setting| ("RSIPC_MQ_LIMITS", setting)));
    run_bounded(run, BOUND)
}

fn room(way: Way) -> Result<Completion, Failed> {
    let place = Place::for_all_users();
    let mut run = program("mq_room", way);
    run.env("RSIPC_DIR", place.path());
    let output = run_bounded(run, BOUND);
    match output.ended {
        Ended::Exit(0) => Ok(Completion::Completed),
        Ended::Exit(CANNOT) => Ok(Completion::ignored_with(output.stderr.trim_end().to_owned())),
        ended => Err(format!("{ended}\n{}", output.stderr).into()),
    }
}

fn program(name: &str, way: Way) -> Command {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/settings").join(name);
    command(&compile(&source.with_extension("c"), way), way)
}

fn is_root() -> bool {
    // SAFETY: takes no arguments.
    unsafe { libc::geteuid() == 0 }
}
