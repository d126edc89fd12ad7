//! Lines that come from other threads, while somebody may be typing one.

use std::sync::{Mutex, PoisonError};

use rustyline::ExternalPrinter;

use crate::output;

type Printer = Box<dyn ExternalPrinter + Send>;

static PRINTER: Mutex<Option<Printer>> = Mutex::new(None);

/// From now on what is told goes above the line that is being typed.
pub fn use_printer(printer: impl ExternalPrinter + Send + 'static) {
    *PRINTER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(printer));
}

/// Says something, from any thread.
pub fn tell(text: &str) {
    let line = format!("{text}\n");
    let mut printer = PRINTER.lock().unwrap_or_else(PoisonError::into_inner);
    let printed = match printer.as_mut() {
        Some(printer) => printer.print(line).is_ok(),
        None => output::print(line).is_ok(),
    };
    // There is nobody left to tell.
    let _ = printed;
}
