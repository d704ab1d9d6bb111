//! Why certificates cannot be had.

use std::io;

use camino::Utf8PathBuf;
use openssl::error::ErrorStack;

/// Why certificates cannot be had. The text carries the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the authority cannot be read or written.
    #[error("{what}\nMake sure that the folder of `[tls] dir` is yours to read and write.")]
    File {
        /// What was being done.
        what: String,
        /// Why it cannot be done.
        #[source]
        source: io::Error,
    },
    /// A file is not what its name says.
    #[error(
        "{path} is damaged: it holds no {what}\n\
         Take it from a backup. If there is none, delete it: a host's certificate and key are issued anew, and where the \
         authority's are lost all hosts get new ones."
    )]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// Of an authority's two files only one is there, or they do not belong together.
    #[error(
        "{dir} holds no whole authority: ca.key and ca.pem must both be there and belong together\n\
         Take the missing one from a backup. If there is none, move the folder away: all hosts then get new certificates."
    )]
    HalfAnAuthority {
        /// The authority's folder.
        dir: Utf8PathBuf,
    },
    /// The cryptographic library refused.
    #[error("{what}\nPlease report that.")]
    Library {
        /// What was being done.
        what: String,
        /// What it said.
        #[source]
        source: ErrorStack,
    },
}

impl TlsError {
    /// Says what was being done when a file could not be read or written.
    pub(super) fn file(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::File { what, source }
    }

    /// Says what was being done when the library refused.
    pub(super) fn library(what: impl Into<String>) -> impl FnOnce(ErrorStack) -> Self {
        let what = what.into();
        move |source| Self::Library { what, source }
    }
}
