//! Several processes in a cell of the table.

use crate::processes::Pid;
use crate::survey::Survey;

/// The others are counted.
const SHOWN: usize = 3;

/// The first ones by name, and how many others there are.
pub fn shown(pids: &[Pid], survey: &Survey) -> String {
    let mut shown: Vec<String> = pids
        .iter()
        .take(SHOWN)
        .map(|pid| format!("{}:{pid}", survey.shown_program(*pid)))
        .collect();
    if pids.len() > SHOWN {
        shown.push(format!("+{}", pids.len() - SHOWN));
    }
    shown.join(",")
}
