//! The vocabulary: names, paths, digests and package identities as types of their own.
//!
//! A value of one of these types is valid; nothing downstream checks it again. This module knows
//! nothing of any other and does no I/O.

mod digest;
mod name;
mod os_release;
mod package;
mod path;
mod port;

pub use digest::{Digest, DigestWriter, ParseDigestError};
pub use name::{HostName, NameError, PackageName, RoleName, SettingName, UnitName, VarName};
pub use os_release::OsRelease;
pub use package::{Arch, Nevra, ParseNevraError};
pub use path::{HostPath, HostPathError, Mode};
pub use port::{PortRange, PortRangeError};
