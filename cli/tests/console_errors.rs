//! The console explains each error as it comes about.

mod common;

use common::Place;

/// A call that fails, and words of its explanation.
const WRONG: &[(&str, &str, &str)] = &[
    ("mq_open / O_RDWR|O_CREAT", "ENOENT", "or the name is only a slash"),
    ("mq_open /q O_RDWR|O_CREAT 0600 65536 16777216", "ENOSPC", "messages of MSGSIZE bytes"),
    ("mq_open /old O_RDWR", "EINVAL", "no queue of this version"),
    ("mq_open /old O_RDWR|O_CREAT", "EINVAL", "no queue of this version"),
    ("mq_open /old O_RDWR|O_CREAT|O_EXCL", "EEXIST", "an object has this name already"),
    ("mq_unlink /a/b", "EACCES", "or the name has a second slash"),
    ("sem_unlink /a/b", "ENOENT", "or the name has a slash inside"),
    ("sem_open /s O_CREAT 0600 3000000000", "EINVAL", "a value from 0 to 2147483647"),
    ("semget 0xbeef 0 IPC_CREAT 0600", "EINVAL", "a new set needs at least one semaphore"),
    ("shmget 0xbeef 0 IPC_CREAT 0600", "EINVAL", "a new segment needs at least one byte"),
];

#[test]
fn the_explanation_fits_what_was_done() {
    let place = Place::new("console-errors");
    place.rsipc(&["mq", "create", "old"]).assert().success();
    let data = place.path().join("rsipc-mq.old");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[8] = 3;
    std::fs::write(&data, bytes).unwrap();
    for (call, error, words) in WRONG {
        let mut console = place.rsipc(&["console"]);
        console.env("RSIPC_SYSV", "sem,msg,shm").write_stdin(format!("{call}\n"));
        let output = console.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.contains(error) && said.contains(words), "{call}: {said}");
    }
}
