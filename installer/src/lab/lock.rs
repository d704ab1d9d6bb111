//! Locks on files: held until dropped, or until this process dies.

use std::os::unix::fs::MetadataExt as _;

use camino::Utf8Path;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Error;

/// A lock; the programs that this process starts do not inherit it.
#[derive(Debug)]
pub(super) struct Lock(fs_err::File);

impl Lock {
    /// Opens the file to lock, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub(super) fn open(path: &Utf8Path) -> Result<Self, Error> {
        Ok(Self(fs_err::File::create(path).map_err(Error::io("making the file to lock"))?))
    }

    /// Takes the lock; `false` if another process holds it.
    ///
    /// # Errors
    ///
    /// The filesystem has no locks.
    pub(super) fn try_take(&self) -> Result<bool, Error> {
        match flock(self.0.file(), FlockOperation::NonBlockingLockExclusive) {
            // Its last holder may have removed the file; then it keeps nobody out.
            Ok(()) => Ok(self.is_in_place()),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Waits until the lock is free and takes it.
    ///
    /// # Errors
    ///
    /// The filesystem has no locks.
    pub(super) fn take(&self) -> Result<(), Error> {
        flock(self.0.file(), FlockOperation::LockExclusive).map_err(|error| self.failed(error))
    }

    fn is_in_place(&self) -> bool {
        let inode = |found: std::io::Result<std::fs::Metadata>| found.map(|found| found.ino()).ok();
        inode(self.0.metadata()) == inode(fs_err::metadata(self.0.path()))
    }

    fn failed(&self, error: Errno) -> Error {
        Error::io(format!("locking {}", self.0.path().display()))(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("lock");
        let (first, second) = (Lock::open(&path).unwrap(), Lock::open(&path).unwrap());
        assert!(first.try_take().unwrap());
        assert!(!second.try_take().unwrap());
        drop(first);
        assert!(second.try_take().unwrap());
    }

    #[test]
    fn a_removed_file_locks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("lock");
        let lock = Lock::open(&path).unwrap();
        fs_err::remove_file(&path).unwrap();
        assert!(!lock.try_take().unwrap());
    }
}
