//! The programs of `examples/`, linked shared and static, do what their heads say.

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Ended, Way, command, compile, run_bounded};

#[test]
fn the_logger_logs_each_record_once_and_in_order() {
    const WORKERS: usize = 3;
    const RECORDS: usize = 500;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/logger.c");
    for way in [Way::Shared, Way::Static] {
        let mut logger = command(&compile(&source, way), way);
        logger.args([WORKERS.to_string(), RECORDS.to_string()]);
        let output = run_bounded(logger, Duration::from_mins(1));
        assert_eq!(output.ended, Ended::Exit(0), "{way}: {}", output.stderr);
        for worker in 0..WORKERS {
            let of_worker = format!("worker {worker} ");
            let logged: Vec<&str> =
                output.stdout.lines().filter(|line| line.starts_with(&of_worker)).collect();
            let sent: Vec<String> =
                (0..RECORDS).map(|record| format!("worker {worker} record {record}")).collect();
            assert_eq!(logged, sent, "{way}");
        }
        assert!(output.stderr.starts_with("1500 records in "), "{way}: {}", output.stderr);
    }
}

#[test]
fn the_jobs_are_done_although_workers_are_killed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/job_queue.c");
    for way in [Way::Shared, Way::Static] {
        let mut jobs = command(&compile(&source, way), way);
        jobs.args(["4", "400", "20"]);
        let output = run_bounded(jobs, Duration::from_mins(2));
        assert_eq!(output.ended, Ended::Exit(0), "{way}: {}{}", output.stdout, output.stderr);
        assert!(output.stdout.starts_with("400 jobs done, 20 workers killed, "), "{way}");
    }
}

#[test]
fn the_camera_loses_no_picture_whose_worker_is_killed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/camera.c");
    for way in [Way::Shared, Way::Static] {
        let mut camera = command(&compile(&source, way), way);
        camera.args(["3", "40", "15"]);
        let output = run_bounded(camera, Duration::from_mins(2));
        assert_eq!(output.ended, Ended::Exit(0), "{way}: {}", output.stderr);
        let told = "40 pictures, 15 workers killed, ";
        assert!(output.stdout.starts_with(told), "{way}: {}", output.stdout);
    }
}
