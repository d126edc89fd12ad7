//! The calls of the System V headers.

mod sem;
mod sem_control;
