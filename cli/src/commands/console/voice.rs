//! Lines that come from other threads, while the user may be typing one.

use std::sync::{Mutex, PoisonError};

use rustyline::ExternalPrinter;

use crate::failure::{Failure, Result};
use crate::output;

type Printer = Box<dyn ExternalPrinter + Send>;

static PRINTER: Mutex<Option<Printer>> = Mutex::new(None);
/// Why the first of the lines that were lost was.
static FAILURE: Mutex<Option<Failure>> = Mutex::new(None);

/// From now on what is told goes above the line that is being typed.
pub fn use_printer(printer: impl ExternalPrinter + Send + 'static) {
    *PRINTER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(printer));
}

/// Says something, from any thread.
pub fn tell(text: &str) {
    let line = format!("{text}\n");
    let mut printer = PRINTER.lock().unwrap_or_else(PoisonError::into_inner);
    match printer.as_mut() {
        // There is nobody left to tell, if it fails: the terminal is gone.
        Some(printer) => drop(printer.print(line)),
        None => {
            if let Err(failure) = output::print(line) {
                FAILURE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
            }
        }
    }
}

/// Fails if something could not be said.
pub fn result() -> Result<()> {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}
