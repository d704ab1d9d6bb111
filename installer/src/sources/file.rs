//! A source as a build gets it: a file for rpmbuild's `SOURCES`.

use std::io::BufWriter;

use camino::{Utf8Path, Utf8PathBuf};

use super::SourceError;
use super::archive::{Archive, Entry};
use crate::model::Digest;

/// One file for rpmbuild's `SOURCES`.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Its name there, as the spec names it.
    pub name: String,
    /// What identifies its content.
    pub digest: Digest,
    /// Where it comes from, for bills of materials.
    pub origin: Origin,
    pub(super) content: Content,
}

/// Where a source comes from, in terms of the world and not of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `git+URL@COMMIT`, an address, `deb:NAME=VERSION`, `specs/PATH`, or `file:NAME` for what the operator gave.
    pub uri: String,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A file on this machine.
    File(Utf8PathBuf),
    /// Files of which a tar archive is made, below one folder of this name.
    Tree {
        /// The folder's name in the archive.
        top: String,
        /// The files, in the order in which the archive has them.
        files: Vec<TreeFile>,
    },
}

/// A file of a folder.
#[derive(Debug, Clone)]
pub(super) struct TreeFile {
    /// Its path in the folder.
    pub(super) path: Utf8PathBuf,
    /// Its content.
    pub(super) content: TreeContent,
}

impl TreeFile {
    /// Its length in bytes.
    fn size(&self) -> u64 {
        match &self.content {
            TreeContent::Bytes { bytes, .. } => bytes.len() as u64,
            TreeContent::Link(_) => 0,
        }
    }
}

/// What a file of a folder has in it.
#[derive(Debug, Clone)]
pub(super) enum TreeContent {
    /// Bytes.
    Bytes {
        /// Whether the file may be executed.
        executable: bool,
        /// Them.
        bytes: Vec<u8>,
    },
    /// It leads elsewhere.
    Link(String),
}

impl SourceFile {
    /// Its length in bytes, before an archive is made of a folder; 0 where it cannot be told.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Content::Tree { files, .. } => files.iter().map(TreeFile::size).sum(),
        }
    }

    /// Puts the file into `folder`; an archive is made the same, byte for byte, every time.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn place(&self, folder: &Utf8Path, epoch: u64) -> Result<(), SourceError> {
        let target = folder.join(&self.name);
        match &self.content {
            Content::File(path) => {
                fs_err::copy(path, &target)
                    .map_err(|source| SourceError::io(format!("copying {path} to {target}"), source))?;
            }
            Content::Tree { top, files } => {
                write_tree(&target, top, files, epoch)
                    .map_err(|source| SourceError::io(format!("making {target}"), source))?;
            }
        }
        Ok(())
    }

    /// Where the file lies on this machine; nowhere when it is made of a folder.
    pub fn path(&self) -> Option<&Utf8Path> {
        match &self.content {
            Content::File(path) => Some(path),
            Content::Tree { .. } => None,
        }
    }
}

fn write_tree(target: &Utf8Path, top: &str, files: &[TreeFile], epoch: u64) -> std::io::Result<()> {
    let mut archive = Archive::new(BufWriter::new(fs_err::File::create(target)?), epoch);
    for file in files {
        let path = Utf8Path::new(top).join(&file.path);
        let entry = match &file.content {
            TreeContent::Bytes { executable, bytes } => {
                Entry::File { executable: *executable, size: bytes.len() as u64, content: bytes.as_slice() }
            }
            TreeContent::Link(target) => Entry::Link { target: target.clone() },
        };
        archive.add(&path, entry)?;
    }
    archive.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    Ok(())
}
