//! The files of objects, to tell whether somebody has changed them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::Place;

/// The files of a place.
pub struct Files(pub Vec<PathBuf>);

impl Files {
    pub fn of(place: &Place) -> Self {
        Self(place.files().into_iter().map(|name| place.path().join(name)).collect())
    }

    /// A FIFO cannot be read without a change.
    fn regular(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter().filter(|path| path.is_file())
    }

    pub fn bytes(&self) -> Vec<Vec<u8>> {
        self.regular().map(|path| fs::read(path).unwrap()).collect()
    }

    /// Of the last access, of the last change to the contents, of the last change; and the memory
    /// taken.
    pub fn times(&self) -> Vec<[i64; 4]> {
        let status = self.0.iter().map(|path| fs::metadata(path).unwrap());
        let facts = status.map(|status| {
            let blocks = i64::try_from(status.blocks()).unwrap();
            [status.atime_nsec(), status.mtime_nsec(), status.ctime_nsec(), blocks]
        });
        facts.collect()
    }

    /// A reader moves the time of the last access where it is older than that of the last change:
    /// now it is.
    pub fn age_last_access(&self) {
        for path in self.regular() {
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(SystemTime::now())
                .unwrap();
        }
    }
}
