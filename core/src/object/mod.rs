//! Names of objects, and files that exist whole or not at all.

pub mod names;
pub mod publish;
