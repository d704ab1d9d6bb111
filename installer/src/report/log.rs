//! The log file and the journal of a run: every event as a line of JSON with the time before it.

use std::io::Write as _;

use camino::Utf8Path;
use jiff::Timestamp;
use serde::Serialize;

/// A file that events are appended to.
pub struct Log(fs_err::File);

#[derive(Serialize)]
struct Entry<'a, T> {
    time: Timestamp,
    #[serde(flatten)]
    line: &'a T,
}

impl Log {
    /// Opens the file, which keeps what earlier runs wrote to it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(file: &Utf8Path) -> std::io::Result<Self> {
        fs_err::OpenOptions::new().create(true).append(true).open(file).map(Self)
    }

    /// Makes a file that is not there yet, for its owner only: diffs may show what only root may read on the hosts.
    ///
    /// # Errors
    /// There is one already, or none can be made.
    pub fn create(file: &Utf8Path) -> std::io::Result<Self> {
        let mut options = fs_err::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(options.options_mut(), 0o600);
        options.open(file).map(Self)
    }

    /// Appends a line with the time.
    pub fn line(&mut self, line: &impl Serialize) {
        let entry = Entry { time: Timestamp::now(), line };
        // A full disk must not end a run that is changing hosts; the run itself shows what happens.
        let _ = writeln!(self.0, "{}", serde_json::to_string(&entry).unwrap_or_default());
    }
}
