//! Why a build could not be done.

use camino::Utf8PathBuf;

use crate::data::DataError;
use crate::diagnostic::{Mistake, Mistakes, suggestion};
use crate::model::PackageName;
use crate::process::ProcessError;
use crate::sources::SourceError;

/// Why a build could not be done. The text carries the remedy.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A name that does not exist.
    #[error("there is no {kind} `{name}`\n{help}")]
    Unknown {
        /// What is named.
        kind: &'static str,
        /// The name.
        name: String,
        /// The name that was probably meant, or all that exist.
        help: String,
    },
    /// This machine's distribution has no profile.
    #[error(
        "no distribution profile matches this machine (ID `{id}`, VERSION_ID `{version_id}` in /etc/os-release)\n\
         Give --distro with one of: {known}."
    )]
    UnknownMachine {
        /// `ID` of `/etc/os-release`.
        id: String,
        /// `VERSION_ID` of `/etc/os-release`.
        version_id: String,
        /// The profiles that exist.
        known: String,
    },
    /// Mistakes in a release, a profile or a template.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// A data file is missing or no text.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What a data file says cannot be used.
    #[error("{file}: {problem}")]
    File {
        /// The file, as people know it.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The build machine lacks programs or files.
    #[error("this machine lacks what the build needs: {missing}\nInstall it: {command}")]
    MissingTools {
        /// What is missing, by program or file.
        missing: String,
        /// The command that installs it.
        command: String,
    },
    /// A source cannot be had.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// rpmbuild failed.
    #[error("building `{package}` failed ({status}); the last lines of {log}:\n{tail}")]
    Package {
        /// The package.
        package: PackageName,
        /// How rpmbuild ended.
        status: String,
        /// The log.
        log: Utf8PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Some packages failed; each was reported when it happened.
    #[error("{failed} of {total} packages could not be built; what was built is kept for the next run")]
    Failed {
        /// How many failed or could not be begun because of one that failed.
        failed: usize,
        /// How many were to be built.
        total: usize,
    },
    /// Another build writes to the same folder.
    #[error("another build is writing to {folder}\nWait for it, or give another folder with --out.")]
    Locked {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// rpmbuild cannot work in such a folder.
    #[error(
        "rpmbuild cannot work below {folder}: its name has a blank, a quote or one of `%\\$,` in it\nGive another folder with --out."
    )]
    Place {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// A program of the build chain failed.
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

impl BuildError {
    pub(super) fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    /// `name` is not among `known`, the names of all of the kind.
    pub(super) fn unknown<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::Unknown { kind, name: name.to_owned(), help: suggestion(name, &format!("{kind}s"), known) }
    }

    /// Whether the request or an input is at fault, as opposed to a build that failed.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Unknown { .. }
                | Self::UnknownMachine { .. }
                | Self::Mistakes(_)
                | Self::Data(_)
                | Self::File { .. }
                | Self::MissingTools { .. }
                | Self::Source(SourceError::Unavailable { .. } | SourceError::Data(_))
                | Self::Place { .. }
        )
    }
}

impl From<Mistake> for BuildError {
    fn from(mistake: Mistake) -> Self {
        Self::Mistakes(mistake.into())
    }
}
