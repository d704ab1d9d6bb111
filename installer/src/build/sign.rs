//! Signatures: RPMs by rpmsign, files by gpg. The key stays where gpg has it; only its public half is copied.

use camino::{Utf8Path, Utf8PathBuf};
use std::process::Command;

use super::{BuildError, tools};
use crate::process::{self, ProcessError};

/// The name of the public key in a repository.
pub(super) const PUBLIC_KEY: &str = "RPM-GPG-KEY-calico-mesos-install";

/// A key that can sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    /// The fingerprint of the primary key.
    pub(super) fingerprint: String,
}

impl Signer {
    /// Looks for the secret key that `key` names: a fingerprint, a number, a name or an address.
    ///
    /// # Errors
    /// There is none, or several, or it cannot sign.
    pub(super) fn find(key: &str) -> Result<Self, BuildError> {
        let fail = |problem: String| BuildError::Key { key: key.to_owned(), problem };
        let mut gpg = program("gpg");
        gpg.args(["--batch", "--with-colons", "--list-secret-keys", "--", key]);
        let listing = match process::capture(&mut gpg, "looking for the key") {
            Ok(listing) => listing,
            Err(ProcessError::Failed { .. }) => {
                return Err(fail(
                    "gpg has no such secret key\n\
                     Import it (gpg --import), or set GNUPGHOME to the folder that has it. `gpg --list-secret-keys` shows them."
                        .to_owned(),
                ));
            }
            Err(other) => return Err(other.into()),
        };
        match usable(&listing).as_slice() {
            [fingerprint] => Ok(Self { fingerprint: fingerprint.clone() }),
            [] => Err(fail("it has expired, was revoked, or is not for signing".to_owned())),
            several => Err(fail(format!("several keys fit; give one fingerprint: {}", several.join(", ")))),
        }
    }

    /// Signs RPMs, in place.
    ///
    /// # Errors
    /// rpmsign failed; it says why.
    pub(super) fn rpms(&self, files: &[Utf8PathBuf]) -> Result<(), BuildError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut rpmsign = program("rpmsign");
        // rpm on Debian looks for a gpg2 that is not there, and everywhere for an absolute path.
        if let Some(gpg) = tools::find("gpg") {
            rpmsign.args(["--define", &format!("__gpg {}", gpg.display())]);
        }
        rpmsign.args(["--define", &format!("_gpg_name {}", self.fingerprint), "--addsign"]).args(files);
        process::capture(&mut rpmsign, "signing the RPMs")?;
        Ok(())
    }

    /// Writes the signature of a file beside it, as `FILE.asc`.
    ///
    /// # Errors
    /// gpg failed; it says why.
    pub(super) fn file(&self, file: &Utf8Path) -> Result<(), BuildError> {
        let mut gpg = program("gpg");
        gpg.args(["--batch", "--yes", "--armor", "--detach-sign", "--local-user", &self.fingerprint]).args([
            "--output",
            &format!("{file}.asc"),
            file.as_str(),
        ]);
        process::capture(&mut gpg, &format!("signing {file}"))?;
        Ok(())
    }

    /// The public key, for those who verify.
    ///
    /// # Errors
    /// gpg failed; it says why.
    pub(super) fn public_key(&self) -> Result<String, BuildError> {
        let mut gpg = program("gpg");
        gpg.args(["--batch", "--armor", "--export", &self.fingerprint]);
        Ok(process::capture(&mut gpg, "exporting the public key")?)
    }
}

/// The fingerprints of the keys in a listing with colons that can sign now.
fn usable(listing: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut signs = false;
    for line in listing.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        match field(0) {
            // Capabilities of the whole key are in upper case; a key that is of no use has no `S` among them.
            "sec" => signs = field(11).contains('S') && !["r", "e", "d"].contains(&field(1)),
            "fpr" if signs => {
                found.push(field(9).to_owned());
                signs = false;
            }
            _ => {}
        }
    }
    found
}

/// A program that finds the user's keys.
fn program(name: &str) -> Command {
    let mut command = process::program(name);
    for kept in ["HOME", "GNUPGHOME", "GPG_TTY", "GPG_AGENT_INFO"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_can_sign_count() {
        let key = |validity: &str, capabilities: &str, fingerprint: &str| {
            format!(
                "sec:{validity}:255:22:F00:1:::u:::{capabilities}:::+::ed25519:::0:\nfpr:::::::::{fingerprint}:\n\
                 uid:u::::1::X::N::::::::::0:\nssb:u:255:18:B::::::e:::+::cv25519::\nfpr:::::::::SUB{fingerprint}:\n"
            )
        };
        assert_eq!(usable(&key("u", "scESC", "AB")), ["AB"]);
        assert_eq!(usable(&key("e", "scESC", "AB")), [""; 0]);
        assert_eq!(usable(&key("u", "eE", "AB")), [""; 0]);
        assert_eq!(usable(&(key("u", "scSC", "AB") + &key("u", "scSC", "CD"))), ["AB", "CD"]);
    }
}
