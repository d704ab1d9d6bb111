//! Where fetched sources are kept, by what they are and not by what they are called.
//!
//! ```text
//! STORE/sha256/<digest>       a file
//! STORE/seen/<digest>         of an address: the digest of what it last led to
//! STORE/partial/<digest>      of an address: what has arrived so far, and `.tag`: of which version of the file
//! STORE/git/NAME.git          what was fetched of a repository
//! STORE/git/NAME-…-COMMIT….tar  the archive of a commit
//! ```

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::Digest;

/// The store.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: Utf8PathBuf,
}

/// A file that lies there.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) path: Utf8PathBuf,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl Store {
    pub(super) fn new(folder: &Utf8Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The file with this digest. One that was damaged meanwhile is taken away.
    pub(super) fn find(&self, digest: Digest) -> io::Result<Option<Kept>> {
        let path = self.path(digest);
        match describe(&path) {
            Ok(kept) if kept.digest == digest => Ok(Some(kept)),
            Ok(_) => fs_err::remove_file(&path).map(|()| None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the file with this digest lies, if it is there.
    pub(super) fn path(&self, digest: Digest) -> Utf8PathBuf {
        self.folder.join("sha256").join(digest.to_string())
    }

    /// Moves `file`, which was described before, to its place.
    pub(super) fn keep(&self, file: Kept) -> io::Result<Kept> {
        let path = self.path(file.digest);
        fs_err::create_dir_all(self.folder.join("sha256"))?;
        fs_err::rename(&file.path, &path)?;
        Ok(Kept { path, ..file })
    }

    /// What an address last led to.
    pub(super) fn seen(&self, url: &str) -> Option<Digest> {
        fs_err::read_to_string(self.of_url("seen", url)).ok()?.trim().parse().ok()
    }

    /// Remembers what an address led to.
    pub(super) fn remember(&self, url: &str, digest: Digest) -> io::Result<()> {
        fs_err::create_dir_all(self.folder.join("seen"))?;
        fs_err::write(self.of_url("seen", url), format!("{digest}\n"))
    }

    /// Where what has arrived of an address is collected.
    pub(super) fn partial(&self, url: &str) -> io::Result<Utf8PathBuf> {
        fs_err::create_dir_all(self.folder.join("partial"))?;
        Ok(self.of_url("partial", url))
    }

    /// The folder for what comes from git.
    pub(super) fn git(&self) -> io::Result<Utf8PathBuf> {
        let folder = self.folder.join("git");
        fs_err::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn of_url(&self, kind: &str, url: &str) -> Utf8PathBuf {
        self.folder.join(kind).join(Digest::of(url).to_string())
    }
}

/// Digest and length of a file.
pub(super) fn describe(path: &Utf8Path) -> io::Result<Kept> {
    let file = fs_err::File::open(path)?;
    let size = file.metadata()?.len();
    Ok(Kept { path: path.to_owned(), digest: Digest::of_reader(file)?, size })
}
