//! Semaphores in the memory of processes, in words.

use std::path::Path;

use crate::objects::memory::{Memory, Region};
use crate::output::escape;

/// `variable lock of writer`, as far as the file tells.
pub fn describe(memory: &Memory) -> String {
    let pid = memory.pid;
    match &memory.region {
        Region::Heap => format!("on the heap of {pid}"),
        Region::Stack => format!("on the stack of {pid}"),
        Region::Other => format!("in the memory of {pid}"),
        Region::Static { file, .. } => {
            let name = Path::new(file).file_name().unwrap_or_default();
            let name = escape::word(name.as_encoded_bytes());
            match memory.variable() {
                Some(variable) => format!("variable {variable} of {name}"),
                None => format!("a variable of {name}"),
            }
        }
    }
}
