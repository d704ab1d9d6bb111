//! Upstream sources: archives and files by checksum, git by commit, folders, the distribution's packages.
//!
//! ```text
//! what a release pins (Source) → override | store | mirror | upstream → SourceFile, verified → rpmbuild's SOURCES
//! ```
//!
//! It knows nothing of specs and of how packages are built.

mod apt;
mod archive;
mod error;
mod file;
mod git;
mod obtain;
mod source;

pub use error::SourceError;
pub use file::{Origin, SourceFile};
pub use obtain::{Options, obtain};
pub use source::{Source, Wanted};
