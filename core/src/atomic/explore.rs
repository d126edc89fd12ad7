//! Which executions of a model are tried.
//!
//! Runs every interleaving with at most so many preemptions, for [`SECONDS`] at most: the larger
//! models have more interleavings than can be run. A model that was not exhausted says so.
//! `RSIPC_MODEL_SECONDS` sets the time of each model in seconds (0: no limit).

use std::env;
use std::time::{Duration, Instant};

use super::modelled;

/// For a model, unless the environment says otherwise.
const SECONDS: u64 = 60;
/// The models of a participant that may stop anywhere divide the time among the stops.
const STOPS: u32 = 20;
/// Executions between two looks at the clock.
const EXECUTIONS: usize = 200;

/// Tries this model.
pub fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    explore(preemptions, limit(), model);
}

/// The same for each access at which a participant may stop.
pub fn check_each_stop(preemptions: usize, model: impl Fn(usize) + Clone + Sync + Send + 'static) {
    let limit = limit().map(|limit| limit / STOPS);
    for accesses in 0.. {
        let model = model.clone();
        explore(preemptions, limit, move || model(accesses));
        if !modelled::has_stopped() {
            assert!(accesses > 1, "no thread was ever preempted");
            return;
        }
    }
}

fn limit() -> Option<Duration> {
    let wanted = env::var("RSIPC_MODEL_SECONDS").ok();
    let seconds =
        wanted.map_or(SECONDS, |wanted| wanted.parse().expect("RSIPC_MODEL_SECONDS is a number"));
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn explore(preemptions: usize, limit: Option<Duration>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.max_duration = limit;
    builder.checkpoint_interval = EXECUTIONS;
    let begun = Instant::now();
    builder.check(model);
    if let Some(limit) = limit.filter(|limit| begun.elapsed() >= *limit) {
        println!("not exhausted in {limit:?}");
    }
}
