//! Options that say from where sources are taken, the same for every command that needs sources.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Common, Failure, cache};
use crate::data::{Data, DataError};
use crate::diagnostic::Source;
use crate::sources::{Lock, Mirror, Options};

/// The lock that comes with the data files.
const LOCK: &str = "specs/sources.lock";

/// From where sources are taken.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// Where fetched sources are kept [default: $XDG_CACHE_HOME/calico-mesos-install].
    #[arg(long, value_name = "DIR", env = "CALICO_MESOS_INSTALL_CACHE")]
    pub cache: Option<Utf8PathBuf>,
    /// Take a source from this machine: an archive or another file, a folder, a git repository.
    #[arg(long = "source", value_name = "NAME=PATH", value_parser = named_path)]
    pub sources: Vec<(String, Utf8PathBuf)>,
    /// Look here before upstream: a folder, or an address, with files under their own names and git repositories
    /// under their sources' names. Can be given several times.
    #[arg(long = "mirror", value_name = "DIR|URL")]
    pub mirrors: Vec<String>,
    /// Open no socket: what is not on this machine is missing.
    #[arg(long)]
    pub offline: bool,
    /// What files were when they were first seen, beside what comes with the data files
    /// [default: specs/sources.lock below --data, else sources.lock].
    #[arg(long, value_name = "FILE")]
    pub lock: Option<Utf8PathBuf>,
}

impl SourceArgs {
    /// The options in the terms of those who obtain sources.
    ///
    /// # Errors
    /// With status 2: a lock that cannot be used, or options that do not go together.
    pub(super) fn options(&self, common: &Common, data: &Data) -> Result<Options, Failure> {
        let mirrors: Vec<_> = self.mirrors.iter().map(|text| mirror(text)).collect();
        if self.offline
            && let Some(Mirror::Url(url)) = mirrors.iter().find(|m| matches!(m, Mirror::Url(_)))
        {
            let text = format!(
                "--offline keeps the mirror {url} from being asked\nGive a folder, or leave one out."
            );
            return Err(Failure::usage(text));
        }
        let mut lock = match data.text(LOCK) {
            Ok(source) => Lock::parse(&source).map_err(Failure::usage)?,
            Err(DataError::Missing(_)) => Lock::default(),
            Err(error) => return Err(Failure::usage(error)),
        };
        lock.join(&self.own_lock(common)?).map_err(|changed| {
            let file = self.lock_file(common);
            Failure::usage(format!("{LOCK} and {file} differ: {changed}\nRemove the wrong one."))
        })?;
        Ok(Options {
            store: self.cache.clone().unwrap_or_else(cache::of_this_user),
            overrides: self.sources.iter().cloned().collect(),
            mirrors,
            offline: self.offline,
            lock,
        })
    }

    /// The lock of the operator's own; empty where there is none yet.
    ///
    /// # Errors
    /// With status 2: it cannot be read, or has a mistake in it.
    pub(super) fn own_lock(&self, common: &Common) -> Result<Lock, Failure> {
        let file = self.lock_file(common);
        match fs_err::read_to_string(&file) {
            Ok(text) => Lock::parse(&Source::new(file.as_str(), &text)).map_err(Failure::usage),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
            Err(error) => Err(Failure::usage(error)),
        }
    }

    /// Where the operator's own lock is, or will be.
    pub(super) fn lock_file(&self, common: &Common) -> Utf8PathBuf {
        let beside_data = || common.data.as_ref().map(|folder| folder.join(LOCK));
        self.lock.clone().or_else(beside_data).unwrap_or_else(|| Utf8Path::new("sources.lock").to_owned())
    }
}

fn mirror(text: &str) -> Mirror {
    if text.starts_with("http://") || text.starts_with("https://") {
        Mirror::Url(text.trim_end_matches('/').to_owned())
    } else {
        Mirror::Folder(text.into())
    }
}

fn named_path(text: &str) -> Result<(String, Utf8PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("give the source's name and where it is: --source mesos=/srv/mesos.git".to_owned()),
    }
}
