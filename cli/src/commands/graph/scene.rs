//! What there is to draw.

use crate::deadlock::Deadlock;
use crate::survey::Survey;

/// What all formats draw from.
pub struct Scene {
    pub survey: Survey,
    pub deadlocks: Vec<Deadlock>,
}
