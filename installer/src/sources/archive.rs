//! Tar archives that are the same, byte for byte, whenever and by whomever they are made.

use std::io::{self, Read, Write};

use camino::Utf8Path;

/// What one name in an archive stands for.
pub(super) enum Entry<R> {
    /// A file of so many bytes.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// Its length in bytes.
        size: u64,
        /// Its content.
        content: R,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: String,
    },
}

/// An archive that is being written. Whoever writes it adds the entries in an order of its own making.
pub(super) struct Archive<W: Write> {
    tar: tar::Builder<W>,
    mtime: u64,
}

impl<W: Write> Archive<W> {
    /// Begins an archive whose entries all have the time stamp `mtime`, in seconds since 1970.
    pub(super) fn new(file: W, mtime: u64) -> Self {
        Self { tar: tar::Builder::new(file), mtime }
    }

    /// Adds an entry. Owner and group are root, and of the mode only the right to execute is kept.
    ///
    /// # Errors
    /// The path is absolute or has `..` in it, or the disk says no.
    pub(super) fn add<R: Read>(&mut self, path: &Utf8Path, entry: Entry<R>) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(self.mtime);
        header.set_uid(0);
        header.set_gid(0);
        match entry {
            Entry::File { executable, size, content } => {
                header.set_size(size);
                header.set_mode(if executable { 0o755 } else { 0o644 });
                self.tar.append_data(&mut header, path, content)
            }
            Entry::Link { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                header.set_mode(0o777);
                self.tar.append_link(&mut header, path, target)
            }
        }
    }

    /// Writes the end of the archive.
    ///
    /// # Errors
    /// The disk says no.
    pub(super) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }
}
