//! Who has an object open, for what, and who has used it last.

mod common;

use common::sets::{document, operator, text};
use common::{Place, eventually};
use serde_json::json;

#[test]
fn a_queue_tells_who_has_it_open_to_send_and_who_to_receive() {
    let place = Place::new("openers");
    place.rsipc(&["mq", "create", "q", "--message-size", "64"]).assert().success();
    let (mut receiver, mut sender, mut both) = (place.actor(), place.actor(), place.actor());
    receiver.does("mq_open_r /q");
    sender.does("mq_open_w /q");
    both.does("mq_open /q");
    let told = text(&place, &["stat", "q"]);
    for (actor, how) in
        [(&receiver, "to receive only"), (&sender, "to send only"), (&both, "to receive and send")]
    {
        let line = told.lines().find(|line| line.contains(&format!(" {}: ", actor.pid()))).unwrap();
        assert!(line.starts_with("  open by ") && line.contains(how), "{line}");
        assert!(line.ends_with("; in read"), "what it is doing: {line}");
    }
    let object = &document(&place, &["ls", "--json"])["objects"][0];
    let access = |pid: u32| {
        let holders = object["holders"].as_array().unwrap();
        holders.iter().find(|holder| holder["pid"] == pid).unwrap()["access"].clone()
    };
    assert_eq!(access(receiver.pid()), json!({ "read": true, "write": false }));
    assert_eq!(access(sender.pid()), json!({ "read": false, "write": true }));
    // The library knows its queue by its descriptor as before.
    sender.does("mq_send /q x");
    receiver.does("mq_receive /q");
}

#[test]
fn a_queue_tells_how_many_messages_went_in_and_out() {
    let place = Place::new("in-out");
    place.rsipc(&["mq", "create", "q"]).assert().success();
    for _ in 0..3 {
        place.rsipc(&["mq", "send", "q", "x"]).assert().success();
    }
    place.rsipc(&["mq", "recv", "q"]).assert().success();
    let told = text(&place, &["stat", "q"]);
    assert!(told.contains("in         3 messages sent\n"), "{told}");
    assert!(told.contains("out        1 message received\n"), "{told}");
    assert!(told.contains("last user  unknown"), "nothing records it: {told}");
    let queue = &document(&place, &["ls", "--json"])["objects"][0]["queue"];
    assert_eq!((&queue["sent"], &queue["received"]), (&json!(3), &json!(1)));
}

#[test]
fn who_used_it_last_is_said_to_have_ended_when_it_has() {
    let place = Place::new("ended");
    place.rsipc(&["msg", "create", "0xbeef"]).assert().success();
    place.rsipc(&["msg", "send", "0xbeef", "x"]).assert().success();
    let told = text(&place, &["stat", "0xbeef"]);
    let line = told.lines().find(|line| line.starts_with("  sent ")).unwrap();
    assert!(line.ends_with(", which has ended"), "{line}");
    let mut one = operator(&place);
    one.does("get a1 1");
    one.does("op a1 0:+1");
    let last = |place: &Place| {
        let told = text(place, &["stat", "0xa1"]);
        told.lines().find(|line| line.starts_with("  semaphore ")).unwrap().to_owned()
    };
    let line = last(&place);
    assert!(line.ends_with(&format!(" {}", one.pid())), "it lives: {line}");
    let pid = one.pid();
    one.kill();
    let line = eventually(|| last(&place), |line| line.contains("ended"));
    assert!(line.contains(&format!("last used by {pid}, which has ended")), "{line}");
}

#[test]
fn what_is_held_is_called_open() {
    let place = Place::new("open-by");
    let mut actor = place.actor();
    actor.does("shm_open /m 4096");
    let table = text(&place, &["ls"]);
    assert!(table.lines().next().unwrap().contains("OPEN BY") && !table.contains("HOLDER"));
    let told = text(&place, &["stat", "m"]);
    assert!(
        told.contains("mapped, and open as ") && told.contains(", to read and write"),
        "{told}"
    );
    assert!(
        told.contains("4096 bytes, 4096 bytes allocated") || told.contains("0 bytes allocated")
    );
    assert!(text(&place, &["graph"]).contains("open by "), "in the graph as well");
}
