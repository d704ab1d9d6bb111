//! What happens while sources are obtained, as data.

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::model::Digest;

/// One thing that happened; with `--json` each is a line.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A source is being fetched.
    SourceStarted {
        /// The source's name.
        source: String,
        /// From where.
        from: String,
    },
    /// A part of a file has arrived.
    SourceProgress {
        /// The source's name.
        source: String,
        /// How many bytes are there.
        bytes: u64,
        /// Of how many, where the server says so.
        total: Option<u64>,
    },
    /// A source is there.
    SourceObtained {
        /// The source's name.
        source: String,
        /// Where it was found.
        how: How,
        /// Its files.
        files: Vec<ObtainedFile>,
    },
    /// A source cannot be had.
    SourceFailed {
        /// The source's name.
        source: String,
        /// What is wrong, and what to do.
        error: String,
    },
}

/// Where a source was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// In the store: fetched before.
    Store,
    /// On this machine: among the data files, or where the operator says.
    Local,
    /// In a mirror that the operator names.
    Mirror,
    /// Where the release says.
    Upstream,
}

/// A file of a source.
#[derive(Debug, Clone, Serialize)]
pub struct ObtainedFile {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub sha256: Digest,
    /// Where it lies on this machine; nowhere while it is a folder from which an archive will be made.
    pub path: Option<Utf8PathBuf>,
}
