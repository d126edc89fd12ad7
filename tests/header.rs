//! `include/rsipc.h` as compilers see it: beside the headers of the system, before and after them,
//! in several dialects of C and C++, with and without the checks of `_FORTIFY_SOURCE`. No warning
//! is allowed.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};

const DIALECTS: [(&str, &str); 6] = [
    ("cc", "gnu11"),
    ("cc", "c99"),
    ("cc", "c11"),
    ("cc", "gnu17"),
    ("c++", "gnu++17"),
    ("c++", "c++20"),
];

const ORDERS: [(&str, &str); 4] = [
    ("ours_alone", "#include <rsipc.h>\n"),
    (
        "ours_first",
        "#include <rsipc.h>\n#include <fcntl.h>\n#include <mqueue.h>\n#include <semaphore.h>\n#include <sys/mman.h>\n",
    ),
    (
        "ours_last",
        "#include <fcntl.h>\n#include <mqueue.h>\n#include <semaphore.h>\n#include <sys/mman.h>\n#include <rsipc.h>\n",
    ),
    ("ours_twice", "#include <rsipc.h>\n#include <rsipc.h>\n"),
];

const CHECKS: [(&str, &[&str]); 2] =
    [("plain", &[]), ("fortified", &["-O2", "-D_FORTIFY_SOURCE=2"])];

/// Calls one of each kind.
const PROGRAM: &str = r#"
int each(sem_t *unnamed, const struct timespec *until);
int each(sem_t *unnamed, const struct timespec *until)
{
	sem_t *named = sem_open("/name", O_CREAT, (mode_t)0600, 1u);
	struct mq_attr attributes;
	mqd_t queue = mq_open("/name", O_RDWR), made = mq_open("/name", O_RDWR | O_CREAT, (mode_t)0600, &attributes);
	if (mq_timedsend(queue, "", 0, 1, until) != 0 || mq_getattr(made, &attributes) != 0)
		return mq_notify(queue, 0);
	return sem_init(unnamed, 0, 1) + sem_timedwait(unnamed, until) + sem_close(named)
		+ (rsipc_version() == 0) + shm_open("/name", O_RDWR, 0);
}
"#;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for (compiler, dialect) in DIALECTS {
        // A machine with a compiler for C need not have one for C++.
        let missing =
            Command::new(compiler).arg("--version").stdout(Stdio::null()).status().is_err();
        for (order, includes) in ORDERS {
            for (check, flags) in CHECKS {
                let name = format!("{dialect}/{order}/{check}");
                let trial = Trial::test(name.clone(), move || {
                    compile(&name, compiler, dialect, includes, flags)
                });
                trials.push(trial.with_ignored_flag(missing));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn compile(
    name: &str,
    compiler: &str,
    dialect: &str,
    includes: &str,
    flags: &[&str],
) -> Result<(), Failed> {
    let extension = if compiler == "c++" { "cc" } else { "c" };
    let file = format!("{}-{}.{extension}", name.replace('/', "-"), std::process::id());
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    fs::write(&source, format!("{includes}{PROGRAM}"))?;
    let output = Command::new(compiler)
        .arg(format!("-std={dialect}"))
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o", "/dev/null"])
        .args(flags)
        .arg(concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include"))
        .arg(&source)
        .output()?;
    fs::remove_file(&source)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
