//! `rsipc doctor`: checks the place it runs in, and says in plain words what will work and what to
//! change.
//!
//! | module | |
//! |---|---|
//! | `calls` | tries each family once |
//! | `features` | what the C library and newer kernels offer |
//! | `finding` | what a check comes to |
//! | `kernel` | what the kernel offers, and the limits in force |
//! | `place` | the directory of objects |
//! | `preload` | whether a preload works |
//! | `settings` | the settings in the environment |
//! | `values` | values that are not what they seem to be |

mod calls;
mod features;
mod finding;
mod kernel;
mod place;
mod preload;
mod settings;
mod values;

use clap::Args;
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::style::Style;
use crate::output::{json, print_folded};
use finding::{Finding, Verdict};

/// Check this machine: what will work, and what to change
#[derive(Args)]
pub struct Options {
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Diagnosis {
    findings: Vec<Finding>,
}

pub fn run(options: &Options) -> Result<()> {
    let mut findings = place::check();
    findings.extend(calls::check());
    findings.extend(kernel::check());
    findings.extend(features::check());
    findings.push(preload::check());
    findings.extend(settings::check());
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if options.json {
        json::print_document(Diagnosis { findings })?;
    } else {
        let style = Style::of_stdout();
        print_folded(&findings.iter().map(|finding| finding.lines(style)).collect::<String>())?;
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::new("1 check found something that will not work")),
        _ => Err(Failure::new(format!("{bad} checks found something that will not work"))),
    }
}
