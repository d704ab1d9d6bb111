//! The lab's folder: where things are in it, the keys, the inventory.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::Error;
use super::inventory::{host_table, inventory, relative};
use super::program::Program;
use super::record::{Host, Record};
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
            // An interrupted run may have added some already.
            Ok(text) => new
                .iter()
                .map(host_table)
                .fold(text, |text, host| if text.contains(&host) { text } else { text + &host }),
            Err(_) => inventory(record, &relative(self.dir(), packages)),
        };
        // Adding to an edited one does not make it the lab's own.
        if !was_edited {
            record.inventory = Some(Digest::of(&text));
        }
        write(&path, text.as_bytes(), 0o644)
    }
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

/// Makes a folder that only its owner can enter, unless it is there.
///
/// # Errors
///
/// It cannot be made.
pub(super) fn private_folder(path: &Utf8Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path).map_err(Error::io(format!("making the folder {path}")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::names::LabId;

    fn lab(dir: &Utf8Path) -> (Layout, Record) {
        let layout = Layout::of(dir).unwrap();
        let mut record = Record::new(LabId::of(layout.dir()), "172.24.197.0/24".parse().unwrap());
        record.grow(1, 1).unwrap();
        (layout, record)
    }

    fn temporary() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(fs_err::canonicalize(dir.path()).unwrap()).unwrap();
        (dir, path)
    }

    #[test]
    fn a_lab_that_grows_only_adds_to_its_inventory() {
        let (_guard, dir) = temporary();
        let (layout, mut record) = lab(&dir);
        let packages = dir.join("dist");
        layout.write_inventory(&mut record, &[], &packages).unwrap();
        let edited = fs_err::read_to_string(layout.inventory()).unwrap() + "# mine\n";
        fs_err::write(layout.inventory(), &edited).unwrap();

        record.grow(1, 2).unwrap();
        let new = record.hosts[2..].to_vec();
        for _ in 0..2 {
            layout.write_inventory(&mut record, &new, &packages).unwrap();
        }
        let text = fs_err::read_to_string(layout.inventory()).unwrap();
        assert_eq!(text, format!("{edited}{}", host_table(&new[0])));
        assert!(layout.is_edited(&record).unwrap());
    }

    #[test]
    fn what_the_lab_made_is_removed_and_nothing_else() {
        let (_guard, dir) = temporary();
        let (layout, mut record) = lab(&dir);
        layout.write_inventory(&mut record, &[], &dir).unwrap();
        layout.write_known_hosts(&record).unwrap();
        fs_err::create_dir_all(dir.join("hosts/master-1/upper")).unwrap();
        record.save(&layout.record()).unwrap();
        fs_err::write(dir.join("notes"), "mine").unwrap();
        assert_eq!(layout.remove(&record).unwrap(), None);
        let left: Vec<String> =
            dir.read_dir_utf8().unwrap().map(|e| e.unwrap().file_name().to_owned()).collect();
        assert_eq!(left, ["notes"]);
    }

    #[test]
    fn an_edited_inventory_is_kept() {
        let (_guard, dir) = temporary();
        let (layout, mut record) = lab(&dir);
        layout.write_inventory(&mut record, &[], &dir).unwrap();
        fs_err::write(layout.inventory(), "# mine").unwrap();
        let kept = layout.remove(&record).unwrap().unwrap();
        assert_eq!(fs_err::read_to_string(kept).unwrap(), "# mine");
        assert!(!layout.inventory().exists());
    }

    #[test]
    fn a_folder_with_something_in_the_way_is_refused() {
        let (_guard, dir) = temporary();
        let layout = Layout::of(&dir).unwrap();
        fs_err::write(dir.join("notes"), "").unwrap();
        layout.check_unused().unwrap();
        fs_err::write(layout.inventory(), "").unwrap();
        let error = layout.check_unused().unwrap_err().to_string();
        assert!(error.contains("holds inventory.toml, which no lab put there"), "{error}");
    }

    #[test]
    fn one_folder_has_one_name() {
        let (_guard, dir) = temporary();
        fs_err::os::unix::fs::symlink(&dir, dir.join("link")).unwrap();
        let direct = Layout::of(&dir.join("new/.lab")).unwrap();
        assert_eq!(Layout::of(&dir.join("link/new/.lab")).unwrap().dir(), direct.dir());
        assert_eq!(direct.dir(), dir.join("new/.lab"));
    }

    #[test]
    fn files_are_written_with_their_mode() {
        let (_guard, dir) = temporary();
        let layout = Layout::of(&dir).unwrap();
        let password = layout.ensure_password().unwrap();
        assert_eq!(password.len(), 32);
        assert_eq!(layout.ensure_password().unwrap(), password);
        let mode = fs_err::metadata(layout.password()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
