//! Right programs that look like wrong ones (`c/right*.c`) under `rsipc run --check`: they end
//! well, and nothing is said of them.

mod common;

use common::{Place, Way, library_dir, program, rsipc};

fn is_silent(source: &str, exercise: &str) {
    let place = Place::new(exercise);
    let output = rsipc(&["run", "--check=fatal", "--patience=1", "--"])
        .arg(program(&format!("{source}.c"), Way::Glibc))
        .args([exercise, "right"])
        .env("RSIPC_LIB", library_dir())
        .env("RSIPC_DIR", place.path())
        .output()
        .expect("it ends in time");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{exercise}:\n{talk}");
    assert!(!talk.contains("rsipc check"), "{exercise}:\n{talk}");
}

macro_rules! exercises {
    ($($source:literal: $($exercise:ident)+;)+) => {
        $($(
            #[test]
            fn $exercise() {
                is_silent($source, stringify!($exercise));
            }
        )+)+
    };
}

exercises! {
    "right": readers_and_threads readers_and_processes inherited_lock handed_on handler_posts
        handler_counts handler_kept_out drained;
    "right_orders": gate philosophers tried_before turnstiles bounded_buffer shown
        taken_by_one;
    "right_queues": sent_later sent_by_another sent_in_pieces woken_once received_by_another
        handler_receives undone set_of_readers failed_post;
    "right_memory": left_to_a_child not_for_all_children ring_buffer
        starts_with_a_semaphore;
}
