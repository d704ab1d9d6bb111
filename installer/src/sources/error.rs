//! Why a source cannot be had.

use crate::data::DataError;
use crate::model::PackageName;
use crate::process::ProcessError;

/// Why a source cannot be had. The text carries the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// What is pinned, or what an option names, cannot be had.
    #[error("source `{name}` of package `{package}`: {problem}")]
    Unavailable {
        /// The package.
        package: PackageName,
        /// The source's name in the release.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Nobody who has it can be reached.
    #[error("source `{name}` of package `{package}`: {problem}")]
    Unreachable {
        /// The package.
        package: PackageName,
        /// The source's name in the release.
        name: String,
        /// Who was asked, and what became of it; in one line.
        problem: String,
    },
    /// A data file is missing or no text.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A program failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Reading or writing on this machine failed.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl SourceError {
    pub(super) fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }
}
