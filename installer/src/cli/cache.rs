//! Where this tool caches what it can fetch or make again.

use camino::Utf8PathBuf;

const NAME: &str = "calico-mesos-install";

/// For what belongs to the user: `$XDG_CACHE_HOME`, else `~/.cache`, as the XDG base directory specification has
/// it; without a home, the system's cache.
pub(super) fn of_this_user() -> Utf8PathBuf {
    let home = absolute("HOME").map(|home| home.join(".cache"));
    folder(absolute("XDG_CACHE_HOME").or(home))
}

/// For what belongs to root, whose `HOME` may be another user's under sudo: `$XDG_CACHE_HOME`, else the system's
/// cache.
pub(super) fn of_this_machine() -> Utf8PathBuf {
    folder(absolute("XDG_CACHE_HOME"))
}

fn folder(base: Option<Utf8PathBuf>) -> Utf8PathBuf {
    base.unwrap_or_else(|| "/var/cache".into()).join(NAME)
}

/// A path from the environment; the specification says that relative ones do not count.
pub(super) fn absolute(variable: &str) -> Option<Utf8PathBuf> {
    std::env::var(variable).ok().map(Utf8PathBuf::from).filter(|path| path.is_absolute())
}
