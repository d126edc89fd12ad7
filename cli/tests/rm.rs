//! `rsipc rm`: objects of any kind.

mod common;

use std::os::unix::fs::PermissionsExt;

use common::sets::text;
use common::{Place, is_root, rsipc_as_nobody_in};

fn objects(place: &Place) -> Vec<String> {
    let listing = common::sets::document(place, &["ls", "--json"]);
    let objects = listing["objects"].as_array().unwrap().iter();
    let name = |object: &serde_json::Value| {
        format!("{}:{}", object["kind"].as_str().unwrap(), object["name"].as_str().unwrap())
    };
    objects.map(name).collect()
}

fn make(place: &Place) {
    for arguments in [
        &["sem", "create", "x"][..],
        &["mq", "create", "x"],
        &["shm", "create", "m", "--size", "9"],
    ] {
        place.rsipc(arguments).assert().success();
    }
    text(place, &["msg", "create", "0xa"]);
    let lines = "semget 0xa 1 IPC_CREAT\nsemget 0xb 1 IPC_CREAT\nshmget 0xc 9 IPC_CREAT\n";
    let mut console = place.rsipc(&["console"]);
    console.env("RSIPC_SYSV", "shm").write_stdin(lines).assert().success();
}

#[test]
fn several_of_all_kinds_at_once() {
    let place = Place::new("rm");
    make(&place);
    assert_eq!(objects(&place).len(), 7);
    let all = ["rm", "sem:x", "mq:/x", "m", "msg:0xa", "sem:0xa", "0xb", "-M", "0xc"];
    place.rsipc(&all).assert().success();
    assert_eq!(objects(&place), [] as [String; 0]);
    let left: Vec<String> =
        place.files().into_iter().filter(|file| file.contains("-key.")).collect();
    assert_eq!(left, [] as [String; 0], "keys are gone, too");
}

#[test]
fn what_is_not_clear_or_not_there_stays_and_the_others_go() {
    let place = Place::new("rm-unclear");
    make(&place);
    let output = place.rsipc(&["rm", "x", "0xa", "msg:77", "/m", "0xb"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "x is ambiguous: ",
        "message queue /x",
        "0x0000000a is ambiguous: ",
        "there is no System V message queue 77",
        "say which one: sem:/x or mq:/x",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let left = objects(&place);
    assert_eq!(left.len(), 5, "{left:?}");
    place.rsipc(&["rm"]).assert().code(2);
    place.rsipc(&["rm", "-Q", "0"]).assert().code(2);
}

#[test]
fn those_of_the_kernel() {
    // SAFETY: no pointers.
    let (queue, set) = unsafe {
        (libc::msgget(libc::IPC_PRIVATE, 0o600), libc::semget(libc::IPC_PRIVATE, 1, 0o600))
    };
    assert!(queue >= 0 && set >= 0);
    let place = Place::new("rm-kernel");
    place.rsipc(&["rm", &format!("msg:{queue}"), "-s", &set.to_string()]).assert().success();
    // SAFETY: these commands take no pointer.
    unsafe {
        assert_eq!(libc::msgctl(queue, libc::IPC_RMID, std::ptr::null_mut()), -1);
        assert_eq!(libc::semctl(set, 0, libc::IPC_RMID), -1);
    }
}

#[test]
fn an_ordinary_user_removes_no_object_of_others() {
    if !is_root() {
        return;
    }
    let place = Place::new("rm-nobody");
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
    let id = text(&place, &["msg", "create", "0xa", "--mode", "0666"]);
    place.rsipc(&["msg", "send", "0xa", "hello"]).assert().success();
    let nobody = |arguments: &[&str]| rsipc_as_nobody_in(place.path(), arguments);
    for target in ["msg:0xa", &format!("msg:{}", id.trim())] {
        let output = nobody(&["rm", target]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("only its owner"), "{said}");
    }
    assert_eq!(nobody(&["msg", "recv", "0xa", "--no-wait"]).stdout, b"hello");
    let own = nobody(&["msg", "create", "0xb"]);
    assert!(own.status.success(), "{}", String::from_utf8_lossy(&own.stderr));
    assert!(nobody(&["rm", "0xb"]).status.success());
    assert_eq!(objects(&place), ["svmsg:0x0000000a"]);
}
