//! A commit of a git repository: out of a repository on this machine, or fetched into one.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::event::How;
use super::file::Content;
use super::git::{self, GitError, Repository};
use super::obtain::{Context, Obtained, digest_of};
use super::store::Store;
use super::{Mirror, Options, Origin, SourceError, SourceFile, tree};
use crate::model::Digest;
use crate::process;

/// The endings of archives that the operator may give in the place of a repository.
const ENDINGS: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"];

/// Obtains the files of `commit` as an archive.
pub(super) fn obtain(
    context: &Context<'_>,
    url: &str,
    commit: &str,
    exclude: &BTreeSet<Utf8PathBuf>,
) -> Result<Obtained, SourceError> {
    let wanted = Wanted { context, url, commit, exclude, store: Store::new(&context.options.store) };
    match context.options.overrides.get(context.wanted.name) {
        Some(path) => wanted.given(path),
        None => wanted.found(),
    }
}

/// Where the archive is kept. Its name says all that decides what is in it.
pub(super) fn archive_path(
    wanted: &super::Wanted<'_>,
    commit: &str,
    exclude: &BTreeSet<Utf8PathBuf>,
    options: &Options,
) -> Utf8PathBuf {
    let listing: String = exclude.iter().map(|path| format!("{path}\n")).collect();
    let without = if listing.is_empty() { "all".to_owned() } else { Digest::of(listing).short() };
    options.store.join("git").join(format!("{}-{commit}-{without}.tar", wanted.top()))
}

struct Wanted<'a> {
    context: &'a Context<'a>,
    url: &'a str,
    commit: &'a str,
    exclude: &'a BTreeSet<Utf8PathBuf>,
    store: Store,
}

impl Wanted<'_> {
    /// What the operator gives: a repository, a folder, or an archive.
    fn given(&self, path: &Utf8Path) -> Result<Obtained, SourceError> {
        if let Some(repository) = Repository::open(path) {
            return self.archive(&repository, How::Local);
        }
        if path.is_dir() {
            let files =
                tree::of_folder(path).map_err(|source| SourceError::io(format!("reading {path}"), source))?;
            let uri = format!("file:{}", self.context.wanted.name);
            return Ok(Obtained::one(How::Local, self.context.archive_of(files, uri)));
        }
        self.given_archive(path)
    }

    fn given_archive(&self, path: &Utf8Path) -> Result<Obtained, SourceError> {
        let wanted = self.context.wanted;
        let ending =
            ENDINGS.into_iter().filter(|ending| path.as_str().ends_with(ending)).max_by_key(|e| e.len());
        let Some(ending) = ending.filter(|_| path.is_file()) else {
            return Err(wanted.unavailable(format!(
                "{path} is neither a git repository nor a folder nor an archive ({})",
                ENDINGS.join(", ")
            )));
        };
        let mut tar = process::program("tar");
        tar.args(["-tf", path.as_str()]);
        let listing = process::capture(&mut tar, &format!("listing {path}"))?;
        let top = wanted.top();
        let inside =
            |name: &str| name.strip_prefix(&top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(name) = listing.lines().find(|name| !inside(name)) {
            return Err(wanted.unavailable(format!(
                "{path} has {name} in it, but everything in it must be below one folder {top}"
            )));
        }
        Ok(Obtained::one(
            How::Local,
            SourceFile {
                name: format!("{top}{ending}"),
                digest: digest_of(path)?,
                origin: Origin { uri: format!("file:{}", wanted.name) },
                content: Content::File(path.to_owned()),
            },
        ))
    }

    /// From the store, from a mirror, or from upstream.
    fn found(&self) -> Result<Obtained, SourceError> {
        let (context, name) = (self.context, self.context.wanted.name);
        let folder = self.folder()?;
        if self.archive_path()?.exists() {
            return self.file(How::Store);
        }
        let own = folder.join(format!("{name}.git"));
        if let Some(repository) = Repository::open(&own)
            && self.has(&repository)?
        {
            return self.archive(&repository, How::Store);
        }
        let mut failed = Vec::new();
        for mirror in &context.options.mirrors {
            match mirror {
                Mirror::Folder(folder) => {
                    let path = folder.join(format!("{name}.git"));
                    match Repository::open(&path) {
                        Some(repository) if self.has(&repository)? => {
                            return self.archive(&repository, How::Mirror);
                        }
                        Some(_) => failed.push(format!("{path} has no commit {}", self.commit)),
                        None => failed.push(format!("{folder} has no {name}.git")),
                    }
                }
                Mirror::Url(_) if context.options.offline => {}
                Mirror::Url(mirror) => match self.fetch(&own, &format!("{mirror}/{name}.git"))? {
                    Ok(repository) => return self.archive(&repository, How::Mirror),
                    Err(problem) => failed.push(problem),
                },
            }
        }
        if context.options.offline {
            failed.push(format!(
                "commit {} of {} is not in the store {}, and --offline keeps it from being fetched",
                self.commit, self.url, context.options.store
            ));
            return Err(context.wanted.unavailable(failed.join("; ")));
        }
        match self.fetch(&own, self.url)? {
            Ok(repository) => self.archive(&repository, How::Upstream),
            Err(problem) => {
                failed.push(problem);
                Err(context.wanted.unreachable(failed.join("; ")))
            }
        }
    }

    /// The inner error says why `from` does not deliver.
    fn fetch<'r>(
        &self,
        own: &'r Utf8Path,
        from: &str,
    ) -> Result<Result<Repository<'r>, String>, SourceError> {
        self.context.started(from);
        match git::fetch(own, from, self.commit) {
            Ok(repository) => Ok(Ok(repository)),
            Err(GitError::Problem(problem)) => Ok(Err(format!("cannot reach {from}: {problem}"))),
            Err(error) => Err(self.error(error, own)),
        }
    }

    fn has(&self, repository: &Repository<'_>) -> Result<bool, SourceError> {
        repository.has(self.commit).map_err(|error| self.error(error, repository.path()))
    }

    fn archive(&self, repository: &Repository<'_>, how: How) -> Result<Obtained, SourceError> {
        let tar = self.archive_path()?;
        if !tar.exists() {
            repository
                .archive(self.commit, &self.context.wanted.top(), self.exclude, &tar)
                .map_err(|error| self.error(error, repository.path()))?;
        }
        self.file(how)
    }

    fn file(&self, how: How) -> Result<Obtained, SourceError> {
        let path = self.archive_path()?;
        let digest = self.intact(&path)?;
        Ok(Obtained::one(
            how,
            SourceFile {
                name: format!("{}.tar", self.context.wanted.top()),
                digest,
                origin: Origin { uri: format!("git+{}@{}", self.url, self.commit) },
                content: Content::File(path),
            },
        ))
    }

    /// The digest of an archive, which must be what it was when it was made.
    fn intact(&self, path: &Utf8Path) -> Result<Digest, SourceError> {
        let (digest, note) = (digest_of(path)?, path.with_extension("sha256"));
        match fs_err::read_to_string(&note) {
            Ok(text) if text.trim() != digest.to_string() => {
                let _ = fs_err::remove_file(path);
                let _ = fs_err::remove_file(&note);
                Err(self.context.wanted.unavailable(format!(
                    "{path} was damaged: its SHA-256 was {}, and is {digest}\nIt was deleted; the next run makes it again.",
                    text.trim()
                )))
            }
            Ok(_) => Ok(digest),
            Err(_) => match fs_err::write(&note, format!("{digest}\n")) {
                Ok(()) => Ok(digest),
                Err(error) => Err(SourceError::io(format!("writing {note}"), error)),
            },
        }
    }

    fn archive_path(&self) -> Result<Utf8PathBuf, SourceError> {
        self.folder()?;
        Ok(archive_path(self.context.wanted, self.commit, self.exclude, self.context.options))
    }

    fn folder(&self) -> Result<Utf8PathBuf, SourceError> {
        let store = &self.context.options.store;
        self.store.git().map_err(|source| SourceError::io(format!("making a folder in {store}"), source))
    }

    fn error(&self, error: GitError, repository: &Utf8Path) -> SourceError {
        match error {
            GitError::Problem(problem) => self.context.wanted.unavailable(problem),
            GitError::Process(error) => error.into(),
            GitError::Io(error) => {
                SourceError::io(format!("making an archive of {} of {repository}", self.commit), error)
            }
        }
    }
}
