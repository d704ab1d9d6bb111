//! Options that say from where sources are taken, the same for every command that needs sources.

use camino::Utf8PathBuf;

use super::cache;
use crate::sources::Options;

/// From where sources are taken.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// Where fetched sources are kept [default: $XDG_CACHE_HOME/calico-mesos-install].
    #[arg(long, value_name = "DIR", env = "CALICO_MESOS_INSTALL_CACHE")]
    pub cache: Option<Utf8PathBuf>,
    /// Take a source from this machine: an archive, a folder, a git repository.
    #[arg(long = "source", value_name = "NAME=PATH", value_parser = named_path)]
    pub sources: Vec<(String, Utf8PathBuf)>,
}

impl SourceArgs {
    /// The options in the terms of those who obtain sources.
    pub(super) fn options(&self) -> Options {
        Options {
            store: self.cache.clone().unwrap_or_else(cache::of_this_user),
            overrides: self.sources.iter().cloned().collect(),
        }
    }
}

fn named_path(text: &str) -> Result<(String, Utf8PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("give the source's name and where it is: --source mesos=/srv/mesos.git".to_owned()),
    }
}
