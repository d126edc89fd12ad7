//! Files that are no queues, or not whole, under the name of one.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rsipc_core::os::Errno;
use rsipc_core::posix::mq::snapshot;
use rsipc_core::posix::mq::{self, How};

use super::thread;

const NAME: &std::ffi::CStr = c"/foreign";
const SIZES: (i64, i64) = (40, 100);

fn open(flags: i32) -> Result<(), Errno> {
    let fd = mq::open(NAME, How { flags: libc::O_RDWR | flags, mode: 0o600, sizes: Some(SIZES) })?;
    mq::close(thread(), fd)
}

/// Each is refused with an errno, by an open and by a create, and is left as it is.
pub fn are_refused() {
    let path = snapshot::path(NAME).expect("a good name");
    open(libc::O_CREAT | libc::O_EXCL).expect("a queue can be made");
    let whole = fs::read(&path).expect("it can be read");
    let changed = |at: usize, byte: u8| {
        let mut file = whole.clone();
        file[at] ^= byte;
        file
    };
    let longer = [&whole[..], &[0]].concat();
    let mut files = vec![
        vec![],
        b"x".to_vec(),
        b"a text of some length\n".repeat(500),
        vec![0; whole.len()],
        longer,
    ];
    files.extend(
        [1, 64, 300, 4095, 4096, 4097, whole.len() - 1].map(|length| whole[..length].to_vec()),
    );
    // Magic, version, the two sizes, the name and its length.
    files.extend([0, 7, 8, 11, 12, 17, 19, 32, 36, 40].map(|at| changed(at, 1)));
    files.extend([14, 15, 18, 19, 33].map(|at| changed(at, 0x80)));
    for file in files {
        fs::write(&path, &file).expect("it can be overwritten");
        refused(Errno::EINVAL, &format!("{} bytes, {:?}", file.len(), &file[..file.len().min(48)]));
        assert_eq!(fs::read(&path).ok(), Some(file), "it is as it was");
    }
    fs::write(&path, &whole).expect("it can be overwritten");
    assert_eq!(open(0), Ok(()), "what is whole is opened");

    let elsewhere = path.with_file_name("elsewhere");
    fs::rename(&path, &elsewhere).expect("it can be renamed");
    symlink(&elsewhere, &path).expect("a link can be made");
    refused(Errno(libc::ELOOP), "a symbolic link");
    fs::remove_file(&path).expect("the link can be removed");
    fs::create_dir(&path).expect("a directory can be made");
    refused(Errno(libc::EISDIR), "a directory");
    fs::remove_dir(&path).expect("the directory can be removed");
    refused_special(&path);
    assert_eq!(open(0), Err(Errno::ENOENT));
    fs::remove_file(elsewhere).expect("it can be removed");
}

fn refused(why: Errno, what: &str) {
    assert_eq!(open(0), Err(why), "{what}");
    assert_eq!(open(libc::O_CREAT), Err(why), "{what}");
    assert_ne!(open(libc::O_CREAT | libc::O_EXCL), Ok(()), "{what}");
}

/// Whose open may block, or never ends.
fn refused_special(path: &Path) {
    let c_path = CString::new(path.to_str().expect("a path in UTF-8")).expect("no zero in it");
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) }, 0);
    refused(Errno::EINVAL, "a FIFO");
    fs::remove_file(path).expect("the FIFO can be removed");
}
