//! Objects that are made and removed while `rsipc` looks: what is gone is not listed.

mod common;

use common::{Group, Place, Way, program};
use serde_json::Value;

const LOOKS: usize = 60;

#[test]
fn nothing_is_listed_that_is_gone() {
    let place = Place::new("fleeting");
    let start = || {
        let mut command = common::command(&program("churn.c", Way::Preload), Way::Preload);
        command.env("RSIPC_DIR", place.path());
        Group::start(command)
    };
    let _makers = [start(), start()];
    for _ in 0..LOOKS {
        let output = place.rsipc(&["ls", "--json"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
        for object in listing["objects"].as_array().unwrap() {
            assert_eq!(object["error"], Value::Null, "{object}");
        }
    }
}
