//! The checks of `tests/c/semantics/`, preloaded, where the kernel refuses what older ones and
//! sandboxes do not have: `make test-poor-kernel`.

mod support;

use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::cases::{Case, SECONDS, SKIPPED, all_cases};
use support::exempt::{self, CLASSIC, Exempt};
use support::poor::Filter;
use support::{Ended, Way, compile, run_bounded};

/// Where the checks run.
struct Kernel {
    name: &'static str,
    filter: Filter,
    /// The setting that the documents ask for in such a place.
    setting: Option<(&'static str, &'static str)>,
    /// How the names of the files begin that are tried there.
    files: &'static str,
    /// Cases that do not hold there.
    exempt: &'static [Exempt],
}

fn kernels() -> [Kernel; 5] {
    let refusing = |name, error| Kernel {
        name,
        filter: Filter::refusing(error),
        setting: None,
        files: "",
        exempt: CLASSIC,
    };
    let without_system_v = |name, error| Kernel {
        name,
        filter: Filter::without_system_v(error),
        setting: None,
        files: "sysv_",
        exempt: &[],
    };
    [
        refusing("enosys", libc::ENOSYS),
        refusing("eperm", libc::EPERM),
        Kernel {
            name: "kill",
            filter: Filter::killing(),
            setting: Some(("RSIPC_FUTEX", "classic")),
            files: "",
            exempt: CLASSIC,
        },
        without_system_v("system_v_enosys", libc::ENOSYS),
        without_system_v("system_v_eperm", libc::EPERM),
    ]
}

/// Cases at a time for each processor: most of them wait for something most of their time.
const PER_PROCESSOR: usize = 3;

fn main() {
    let mut arguments = Arguments::from_args();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(PER_PROCESSOR * processors);
    let wanted = arguments.ignored || arguments.include_ignored || arguments.list;
    let trials = if wanted { trials() } else { vec![reminder()] };
    libtest_mimic::run(&arguments, trials).exit();
}

/// What stands for all of them in a run that is to be short.
fn reminder() -> Trial {
    Trial::test("poor_kernels_run_by_make_test_poor_kernel", || Ok(())).with_ignored_flag(true)
}

fn trials() -> Vec<Trial> {
    let cases = all_cases();
    let mut trials = Vec::new();
    for kernel in kernels() {
        trials.push(exempt_cases_exist(kernel.name, kernel.exempt, &cases));
        let tried = cases.iter().filter(|case| case.file.starts_with(kernel.files));
        trials.extend(tried.map(|case| trial(&kernel, case.clone())));
    }
    trials
}

fn exempt_cases_exist(place: &str, list: &[Exempt], cases: &[Case]) -> Trial {
    let found = exempt::unknown(list, cases).map_err(Failed::from);
    Trial::test(format!("exempt_cases_exist::{place}"), move || found).with_ignored_flag(true)
}

/// Of the instructions of a call that a case goes through: the kernels that it is tried on take
/// turns, so that together they try all of them.
fn share(kernel: &Kernel, case: &Case) -> String {
    let tried: Vec<&str> = kernels()
        .iter()
        .filter(|other| case.file.starts_with(other.files))
        .map(|other| other.name)
        .collect();
    let place = tried.iter().position(|name| *name == kernel.name).unwrap_or(0);
    format!("{place}/{}", tried.len())
}

fn trial(kernel: &Kernel, case: Case) -> Trial {
    let name = format!("{}::{}::{}", case.file, case.name, kernel.name);
    let reason = exempt::reason(kernel.exempt, &case);
    let (filter, setting) = (kernel.filter.clone(), kernel.setting);
    let share = share(kernel, &case);
    let body = move || match reason {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run(&case, &filter, setting, &share),
    };
    Trial::ignorable_test(name, body).with_ignored_flag(true)
}

fn run(
    case: &Case,
    filter: &Filter,
    setting: Option<(&str, &str)>,
    share: &str,
) -> Result<Completion, Failed> {
    let mut command = filter.command(&compile(&case.source, Way::Preload));
    command.arg(&case.name).env("CHECK_SECONDS", SECONDS.to_string());
    command.env("CHECK_SHARE", share).envs(setting);
    let output = run_bounded(command, Duration::from_secs(SECONDS + 10));
    let stderr = output.stderr.trim_end();
    match output.ended {
        Ended::Exit(SKIPPED) => Ok(Completion::ignored_with(stderr.lines().last().unwrap_or(""))),
        Ended::Exit(0) => Ok(Completion::Completed),
        ended => Err(Failed::from(format!("{ended}\n{stderr}"))),
    }
}
