//! The TOML files below `specs/` that people choose by name: releases and distribution profiles.

use serde::de::DeserializeOwned;

use super::BuildError;
use crate::data::{Data, DataError};
use crate::diagnostic::{Source, Typed};

/// Reads `specs/<folder>/<name>.toml`, which defines a `kind`.
///
/// # Errors
/// There is no such file (with the nearest name, or all that there are), or the first mistake in it.
pub(super) fn read<T: DeserializeOwned>(
    data: &Data,
    folder: &str,
    kind: &'static str,
    name: &str,
) -> Result<(Source, Typed<T>), BuildError> {
    let folder = format!("specs/{folder}");
    let source = match data.text(format!("{folder}/{name}.toml")) {
        Err(DataError::Missing(_)) => {
            return Err(BuildError::unknown(kind, name, data.stems(&folder, ".toml")));
        }
        other => other?,
    };
    let typed = Typed::read(&source)?;
    Ok((source, typed))
}
