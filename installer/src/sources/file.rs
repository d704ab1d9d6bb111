//! A source as a build gets it: a file for rpmbuild's `SOURCES`.

use camino::{Utf8Path, Utf8PathBuf};

use super::SourceError;
use crate::model::Digest;
use crate::process;

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
    /// `git+URL@COMMIT`, an address, `deb:NAME=VERSION` or `specs/PATH`.
    pub uri: String,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A file on this machine.
    File(Utf8PathBuf),
    /// A folder of `specs/`, of which a tar archive is made with one folder of this name in it.
    Tree {
        /// The folder's name in the archive.
        top: String,
        /// The files, by their path in the folder.
        files: Vec<(Utf8PathBuf, Vec<u8>)>,
    },
}

impl SourceFile {
    /// Its length in bytes, before an archive is made of a folder; 0 where it cannot be told.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Content::Tree { files, .. } => files.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
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
                let scratch = folder.join(format!(".{top}"));
                write_tree(&scratch.join(top), files)
                    .map_err(|source| SourceError::io(format!("writing {scratch}"), source))?;
                let mut tar = process::program("tar");
                tar.args(["--format=gnu", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
                    // Whatever the umask made of folders.
                    .arg("--mode=u+rw,go=rX")
                    .arg(format!("--mtime=@{epoch}"))
                    .args(["-C", scratch.as_str(), "-cf", target.as_str(), top]);
                process::capture(&mut tar, &format!("making {target}"))?;
                fs_err::remove_dir_all(&scratch)
                    .map_err(|source| SourceError::io(format!("removing {scratch}"), source))?;
            }
        }
        Ok(())
    }
}

fn write_tree(root: &Utf8Path, files: &[(Utf8PathBuf, Vec<u8>)]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, bytes) in files {
        let path = root.join(path);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(&path, bytes)?;
        // Built-in files have no mode of their own; what begins like a script is one.
        let mode = if bytes.starts_with(b"#!") { 0o755 } else { 0o644 };
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
