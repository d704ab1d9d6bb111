//! Reading the inventory from disk: the only part of this module that touches files.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Inventory, Parsed, Surroundings};
use crate::diagnostic::{Mistake, Mistakes, Source};

/// The inventory cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no inventory {path}\nmake one with `calico-mesos-install init > {path}`")]
    Missing {
        /// The path that was given.
        path: Utf8PathBuf,
    },
    /// It is there, but cannot be read.
    #[error("cannot read the inventory {path}\nmake sure that it is a text file that you may read")]
    Unreadable {
        /// The path that was given.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads the inventory at `path`, whose relative paths begin at its folder. `home` is what `~` stands for.
/// Mistakes in it, missing key files included, are part of the result.
///
/// # Errors
/// When there is no file, or none that can be read.
pub fn load(path: &Utf8Path, home: Option<&Utf8Path>) -> Result<Parsed, LoadError> {
    let text = fs_err::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LoadError::Missing { path: path.to_owned() },
        _ => LoadError::Unreadable { path: path.to_owned(), source },
    })?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    let folder = camino::absolute_utf8(folder).unwrap_or_else(|_| folder.to_owned());
    let around = Surroundings { folder, home: home.map(ToOwned::to_owned) };
    let mut parsed = Parsed::new(&Source::new(path.as_str(), text), &around);
    parsed.mistakes.extend(check_files(&parsed.inventory));
    Ok(parsed)
}

/// The files of this machine that the inventory names and that are not there.
pub fn check_files(inventory: &Inventory) -> Mistakes {
    let mut mistakes = Mistakes::new();
    let all = std::iter::once(&inventory.ssh).chain(inventory.hosts.iter().map(|host| &host.ssh));
    for ssh in all {
        let make =
            |path: &Utf8Path| format!("make a key with `ssh-keygen -t ed25519 -f {path}`, or name another");
        for (what, file, help) in [
            ("identity file", &ssh.identity_file, make as fn(&Utf8Path) -> String),
            ("password file", &ssh.become_password_file, |_| {
                "make it, readable by you only, or leave it out".into()
            }),
        ] {
            if let Some(file) = file
                && !fs_err::metadata(&file.value).is_ok_and(|metadata| metadata.is_file())
            {
                let message = format!("there is no {what} {}", file.value);
                mistakes.push(Mistake::new(&file.place, message).help(help(&file.value)));
            }
        }
    }
    mistakes.sorted()
}
