//! Upstream sources: archives and files by checksum, git by commit, folders, the distribution's packages.
//!
//! ```text
//! what a release pins (Source) → override | store | mirror | upstream → SourceFile, verified → rpmbuild's SOURCES
//! ```
//!
//! It knows nothing of specs and of how packages are built.

mod apt;
mod archive;
mod commit;
mod download;
mod error;
mod event;
mod fetch;
mod file;
mod files;
mod git;
mod itself;
mod lock;
mod obtain;
mod source;
mod store;
mod tree;

pub use error::SourceError;
pub use event::{Event, How, ObtainedFile};
pub use fetch::fetch;
pub use file::{Origin, SourceFile};
pub use lock::{Changed, Lock, Locked};
pub use obtain::{Mirror, Obtained, Options, is_here, obtain, verify};
pub use source::{Source, Wanted, is_file_name};
