//! Names of objects, files that exist whole or not at all, and notes of who used them.

pub mod doer;
pub mod names;
pub mod pattern;
pub mod publish;
