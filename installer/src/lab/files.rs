//! The lab's folder: where things are in it, the keys, the inventory.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::Error;
use super::program::Program;
use super::record::{Host, Record, Role};
use crate::model::{Digest, HostName};

/// What a lab keeps in its folder, the record and the lock apart. Where one of these is without a lab's record,
/// somebody else put it there.
const OWN: &[&str] =
    &["hosts", "id_ed25519", "id_ed25519.pub", "inventory.toml", "known_hosts", "operator.password"];

/// Where things are in the lab's folder.
#[derive(Debug, Clone)]
pub(super) struct Layout(Utf8PathBuf);

impl Layout {
    /// The layout of the lab in `dir`, made absolute and without links, so that one lab has one name.
    ///
    /// # Errors
    ///
    /// The path is not UTF-8, or cannot be resolved.
    pub(super) fn of(dir: &Utf8Path) -> Result<Self, Error> {
        let absolute = camino::absolute_utf8(dir).map_err(Error::io(format!("resolving {dir}")))?;
        // The folder itself need not exist.
        let existing = absolute.ancestors().find(|path| path.exists()).unwrap_or(Utf8Path::new("/"));
        let rest = absolute.strip_prefix(existing).unwrap_or(Utf8Path::new(""));
        let real = fs_err::canonicalize(existing).map_err(Error::io(format!("resolving {dir}")))?;
        let real =
            Utf8PathBuf::from_path_buf(real).map_err(|path| Error::Path(path.display().to_string()))?;
        Ok(Self(if rest.as_str().is_empty() { real } else { real.join(rest) }))
    }

    pub(super) fn dir(&self) -> &Utf8Path {
        &self.0
    }

    pub(super) fn record(&self) -> Utf8PathBuf {
        self.0.join("lab.json")
    }

    pub(super) fn lock(&self) -> Utf8PathBuf {
        self.0.join("lock")
    }

    pub(super) fn inventory(&self) -> Utf8PathBuf {
        self.0.join("inventory.toml")
    }

    pub(super) fn key(&self) -> Utf8PathBuf {
        self.0.join("id_ed25519")
    }

    pub(super) fn known_hosts(&self) -> Utf8PathBuf {
        self.0.join("known_hosts")
    }

    fn password(&self) -> Utf8PathBuf {
        self.0.join("operator.password")
    }

    pub(super) fn host(&self, name: &HostName) -> Utf8PathBuf {
        self.0.join("hosts").join(name.as_str())
    }

    pub(super) fn console(&self, name: &HostName) -> Utf8PathBuf {
        self.host(name).join("console.log")
    }

    /// Refuses a folder in which something is in the lab's way.
    ///
    /// # Errors
    ///
    /// [`Error::NotEmpty`].
    pub(super) fn check_unused(&self) -> Result<(), Error> {
        match OWN.iter().find(|name| self.0.join(name).symlink_metadata().is_ok()) {
            None => Ok(()),
            Some(found) => Err(Error::NotEmpty { dir: self.0.clone(), found }),
        }
    }

    /// Removes what the lab put into its folder, and the folder if nothing else is in it. An inventory that
    /// somebody has edited is kept beside; its new path is returned.
    ///
    /// # Errors
    ///
    /// Something cannot be removed.
    pub(super) fn remove(&self, record: &Record) -> Result<Option<Utf8PathBuf>, Error> {
        let mut kept = None;
        if self.is_edited(record)? {
            let path = self.0.join("inventory.toml.edited");
            fs_err::rename(self.inventory(), &path).map_err(Error::io("keeping the edited inventory"))?;
            kept = Some(path);
        }
        // The record goes last: with it an interrupted removal can be finished.
        for name in OWN.iter().chain(&["lab.json"]) {
            let path = self.0.join(name);
            let removed = match path.symlink_metadata() {
                Ok(found) if found.is_dir() => fs_err::remove_dir_all(&path),
                Ok(_) => fs_err::remove_file(&path),
                Err(_) => Ok(()),
            };
            removed.map_err(Error::io("removing the lab's files"))?;
        }
        Ok(kept)
    }

    /// Whether the inventory is not as the lab wrote it.
    fn is_edited(&self, record: &Record) -> Result<bool, Error> {
        match fs_err::read(self.inventory()) {
            Ok(bytes) => Ok(record.inventory.is_some_and(|written| written != Digest::of(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("reading the inventory")(error)),
        }
    }

    /// Makes the key pair that logs in to all hosts, unless it is there; returns the public key.
    ///
    /// # Errors
    ///
    /// `ssh-keygen` failed.
    pub(super) fn ensure_key(&self) -> Result<String, Error> {
        let (key, public) = (self.key(), self.0.join("id_ed25519.pub"));
        if !(key.exists() && public.exists()) {
            for half in [&key, &public].into_iter().filter(|path| path.exists()) {
                fs_err::remove_file(half).map_err(Error::io("removing half a key pair"))?;
            }
            Program::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "calico-mesos-install lab", "-f", key.as_str()])
                .run()?;
        }
        let text = fs_err::read_to_string(&public).map_err(Error::io("reading the public key"))?;
        Ok(text.trim().to_owned())
    }

    /// Makes the password of the hosts' user `operator`, unless it is there.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub(super) fn ensure_password(&self) -> Result<String, Error> {
        match fs_err::read_to_string(self.password()) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => {
                let password = random_id()?;
                write(&self.password(), format!("{password}\n").as_bytes(), 0o600)?;
                Ok(password)
            }
        }
    }

    /// Writes the hosts' keys.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write_known_hosts(&self, record: &Record) -> Result<(), Error> {
        let lines = record
            .hosts
            .iter()
            .filter_map(|host| Some(format!("{} {}\n", host.address, host.host_key.as_deref()?)));
        write(&self.known_hosts(), lines.collect::<String>().as_bytes(), 0o644)
    }

    /// Writes the inventory, or adds `new` hosts to the end of the one that is there, which somebody may have
    /// edited. `packages` is the folder of packages that it names.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub(super) fn write_inventory(
        &self,
        record: &mut Record,
        new: &[Host],
        packages: &Utf8Path,
    ) -> Result<(), Error> {
        let path = self.inventory();
        let was_edited = self.is_edited(record)?;
        let text = match fs_err::read_to_string(&path) {
            Ok(text) if new.is_empty() => text,
            Ok(text) => text + &new.iter().map(host_table).collect::<String>(),
            Err(_) => inventory(record, &relative(self.dir(), packages)),
        };
        // Adding to an edited one does not make it the lab's own.
        if !was_edited {
            record.inventory = Some(Digest::of(&text));
        }
        write(&path, text.as_bytes(), 0o644)
    }
}

/// The inventory of the lab; `packages` relative to its folder.
fn inventory(record: &Record, packages: &Utf8Path) -> String {
    let hosts: String = record.hosts.iter().map(host_table).collect();
    let packages = quote(packages.as_str());
    format!(
        r#"# Local hosts made by `lab up`. Change what you like: `lab up` only ever adds hosts at the end.

[cluster]
name = "lab"
release = "lab"
containerizers = ["mesos"]

[packages]
repo = {packages}

[ssh]
user = "root"
identity_file = "id_ed25519"
known_hosts = "known_hosts"
{hosts}"#
    )
}

fn host_table(host: &Host) -> String {
    let Host { name, address, .. } = host;
    let role = match host.role {
        Role::Master => "master",
        Role::Agent => "agent",
    };
    format!("\n[[hosts]]\nname = \"{name}\"\naddress = \"{address}\"\nroles = [\"{role}\"]\n")
}

/// A text as a TOML string.
fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The way from the folder `from` to `to`, both absolute.
fn relative(from: &Utf8Path, to: &Utf8Path) -> Utf8PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Utf8Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// 32 random hexadecimal digits, from the kernel.
///
/// # Errors
///
/// `/proc` is not mounted.
pub(super) fn random_id() -> Result<String, Error> {
    let text =
        fs_err::read_to_string("/proc/sys/kernel/random/uuid").map_err(Error::io("getting random digits"))?;
    Ok(text.chars().filter(char::is_ascii_hexdigit).collect())
}

/// Writes a file, whole or not at all.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn write(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let doing = || format!("writing {path}");
    let folder = path.parent().unwrap_or(Utf8Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::io(doing()))?;
    file.write_all(bytes).map_err(Error::io(doing()))?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(Error::io(doing()))?;
    file.persist(path).map_err(|error| Error::io(doing())(error.error))?;
    Ok(())
}
