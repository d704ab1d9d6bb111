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
    /// Sources cannot be had.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Sources(Vec<SourceError>),
    /// A back end was asked for that is not here.
    #[error(
        "--backend {backend} needs {programs}, which is not here\n{remedy}, or build with --backend host."
    )]
    NoBackend {
        /// The back end.
        backend: &'static str,
        /// What it needs.
        programs: &'static str,
        /// What to do.
        remedy: String,
    },
    /// There is too little room.
    #[error(
        "{folder} has room for {}, and the build may need {}\n\
         Free some space, or give a folder on another disk with --out.",
        bytesize::ByteSize(*free).display(),
        bytesize::ByteSize(*needed).display()
    )]
    NoSpace {
        /// The folder.
        folder: Utf8PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that may be needed.
        needed: u64,
    },
    /// The key cannot sign.
    #[error("nothing can be signed with the key `{key}`: {problem}")]
    Key {
        /// What was given.
        key: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The repository is signed, and what is built now would not be.
    #[error(
        "the packages in {folder} are signed by {fingerprint}, and packages without a signature cannot be among them\n\
         Give --sign {fingerprint}, or another folder with --out."
    )]
    Unsigned {
        /// The repository.
        folder: Utf8PathBuf,
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// A build that is to be verified cannot be read.
    #[error("{folder} holds no build that could be verified\n{problem}")]
    Verify {
        /// The folder.
        folder: Utf8PathBuf,
        /// Why.
        problem: String,
    },
    /// rpmbuild failed.
    #[error(transparent)]
    Package(Box<FailedPackage>),
    /// The run was interrupted.
    #[error("interrupted; what was built is kept for the next run")]
    Interrupted,
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

/// How the build of a package failed.
#[derive(Debug, thiserror::Error)]
#[error("building `{package}` failed{step} ({status}); the last lines of {log}:\n{tail}{hints}")]
pub struct FailedPackage {
    /// The package.
    pub package: PackageName,
    /// The step of the spec, as ` in %build`; empty where it did not come to one.
    pub step: String,
    /// How rpmbuild ended.
    pub status: String,
    /// The log.
    pub log: Utf8PathBuf,
    /// Its last lines.
    pub tail: String,
    /// What is usually missing, each a line.
    pub hints: String,
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
                | Self::Sources(_)
                | Self::Place { .. }
                | Self::NoBackend { .. }
                | Self::NoSpace { .. }
                | Self::Key { .. }
                | Self::Unsigned { .. }
                | Self::Verify { .. }
        )
    }
}

impl From<Mistake> for BuildError {
    fn from(mistake: Mistake) -> Self {
        Self::Mistakes(mistake.into())
    }
}
