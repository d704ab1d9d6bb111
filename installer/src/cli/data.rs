//! Where data files come from: what is embedded, over it what the system has, over all what the operator names.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Common, Failure};
use crate::data::Data;

/// Below a prefix such as `/usr`, where the package of this tool puts its data files.
const SHARE: &str = "share/calico-mesos-install";
/// Where the administrator of this machine puts files that take the place of packaged ones.
const ETC: &str = "/etc/calico-mesos-install";

impl Common {
    /// The data files: embedded ones, over them those of `/usr/share/calico-mesos-install`, over them those of
    /// `/etc/calico-mesos-install`, over all those of `--data` and `--roles`.
    ///
    /// # Errors
    /// With status 2: a folder that cannot be read, or is none.
    pub(super) fn data(&self) -> Result<Data, Failure> {
        let program = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::try_from(path).ok());
        let system = share(program.as_deref()).into_iter().chain([ETC.into()]);
        let system: Vec<Utf8PathBuf> = system.filter(|folder| folder.is_dir()).collect();
        let mut data = Data::load_over(&system, self.data.as_deref()).map_err(Failure::usage)?;
        if let Some(folder) = &self.roles {
            data.add_roles(folder).map_err(Failure::usage)?;
        }
        Ok(data)
    }
}

/// The packaged data files of `program`, found beside it: `/usr/bin` has `/usr/share`. A program that lies anywhere
/// else must not take up the files of an installed one, which may be of another version.
fn share(program: Option<&Utf8Path>) -> Option<Utf8PathBuf> {
    let folder = program?.parent()?;
    (folder.file_name() == Some("bin")).then(|| folder.parent().map(|prefix| prefix.join(SHARE)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packaged_files_are_those_beside_the_program() {
        let of = |program: &str| share(Some(program.into())).map(Utf8PathBuf::into_string);
        assert_eq!(of("/usr/bin/calico-mesos-install").as_deref(), Some("/usr/share/calico-mesos-install"));
        assert_eq!(of("/home/me/target/debug/calico-mesos-install"), None);
        assert_eq!(share(None), None);
    }
}
