//! The log file: every event as a line of JSON with the time before it.

use std::io::Write as _;

use camino::Utf8Path;
use jiff::Timestamp;
use serde::Serialize;

use crate::event::Event;

/// A log file that events are appended to.
pub struct Log(fs_err::File);

#[derive(Serialize)]
struct Entry<'a> {
    time: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl Log {
    /// Opens the file, which keeps what earlier runs wrote to it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(file: &Utf8Path) -> std::io::Result<Self> {
        fs_err::OpenOptions::new().create(true).append(true).open(file).map(Self)
    }

    pub(super) fn event(&mut self, event: &Event) {
        let entry = Entry { time: Timestamp::now(), event };
        // A full disk must not end a run that is changing hosts; the run itself shows what happens.
        let _ = writeln!(self.0, "{}", serde_json::to_string(&entry).unwrap_or_default());
    }
}
