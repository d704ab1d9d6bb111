//! A file by its address: verified against its checksum or the lock, wherever it comes from.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::download::{DownloadError, agent, download};
use super::event::{Event, How};
use super::file::Content;
use super::obtain::{Context, Obtained};
use super::source::file_name;
use super::store::{Kept, Store, describe};
use super::{Mirror, Options, Origin, SourceError, SourceFile};
use crate::model::Digest;

/// Obtains the file of `url`.
pub(super) fn obtain(
    context: &Context<'_>,
    url: &str,
    sha256: Option<Digest>,
    file: Option<&str>,
) -> Result<Obtained, SourceError> {
    let options = context.options;
    let name = file_name(url, file);
    let expected = sha256.or_else(|| options.lock.get(url).map(|locked| locked.sha256));
    let wanted = Wanted { context, url, name, expected, store: Store::new(&options.store) };
    if let Some(path) = options.overrides.get(context.wanted.name) {
        return wanted.given(path);
    }
    if expected.is_none() && context.strict {
        return Err(context.wanted.unavailable(format!(
            "nothing says what {url} must be: upstream publishes no checksum, and none is locked\n\
             Record what is there, once you trust it: calico-mesos-install sources lock --release NAME"
        )));
    }
    if let Some(kept) = wanted.stored().map_err(|error| wanted.io(error))? {
        return Ok(wanted.obtained(How::Store, kept.path, kept.digest));
    }
    wanted.fetch()
}

/// Where the file would lie in the store; nowhere when nothing says what it is.
pub(super) fn stored_path(url: &str, sha256: Option<Digest>, options: &Options) -> Option<Utf8PathBuf> {
    let store = Store::new(&options.store);
    let locked = options.lock.get(url).map(|locked| locked.sha256);
    sha256.or(locked).or_else(|| store.seen(url)).map(|digest| store.path(digest))
}

/// Whether the file in the store, if there is one, is what it must be.
pub(super) fn verify(
    wanted: &super::Wanted<'_>,
    url: &str,
    sha256: Option<Digest>,
    options: &Options,
) -> Result<(), SourceError> {
    let Some(path) = stored_path(url, sha256, options).filter(|path| path.exists()) else { return Ok(()) };
    let found = describe(&path).map_err(|error| SourceError::io(format!("reading {path}"), error))?;
    let expected = path.file_name().unwrap_or_default();
    if found.digest.to_string() == expected {
        return Ok(());
    }
    Err(wanted.unavailable(format!(
        "{path} was damaged\n  expected SHA-256 {expected}\n  found    SHA-256 {}\nFetch it again: calico-mesos-install sources fetch",
        found.digest
    )))
}

struct Wanted<'a> {
    context: &'a Context<'a>,
    url: &'a str,
    name: &'a str,
    expected: Option<Digest>,
    store: Store,
}

impl Wanted<'_> {
    /// What the operator gives: the file, or a folder with the file in it.
    fn given(&self, path: &Utf8Path) -> Result<Obtained, SourceError> {
        let inside = path.join(self.name);
        let path = if path.is_dir() { &inside } else { path };
        if !path.is_file() {
            return Err(self.context.wanted.unavailable(format!(
                "there is no file {path}\nName the file, or the folder that {} is in.",
                self.name
            )));
        }
        let given = describe(path).map_err(|error| self.io(error))?;
        self.check(&given, path.as_str())?;
        let mut obtained = self.obtained(How::Local, given.path, given.digest);
        if self.expected.is_none() {
            obtained.files.iter_mut().for_each(|file| file.origin.uri = format!("file:{}", self.name));
        }
        Ok(obtained)
    }

    /// What was fetched before.
    fn stored(&self) -> io::Result<Option<Kept>> {
        match self.expected.or_else(|| self.store.seen(self.url)) {
            Some(digest) => self.store.find(digest),
            None => Ok(None),
        }
    }

    /// From the first mirror that has it, else from upstream.
    fn fetch(&self) -> Result<Obtained, SourceError> {
        let options = self.context.options;
        let mut failed = Vec::new();
        for mirror in &options.mirrors {
            match mirror {
                Mirror::Folder(folder) => {
                    let path = folder.join(self.name);
                    if path.is_file() {
                        return self.copied(&path);
                    }
                    failed.push(format!("{folder} has no {}", self.name));
                }
                Mirror::Url(_) if options.offline => {}
                Mirror::Url(mirror) => {
                    match self.downloaded(&format!("{mirror}/{}", self.name), How::Mirror)? {
                        Ok(obtained) => return Ok(obtained),
                        Err(problem) => failed.push(problem),
                    }
                }
            }
        }
        if options.offline {
            failed.push(format!(
                "{} is not in the store {}, and --offline keeps it from being fetched",
                self.url, options.store
            ));
            return Err(self.context.wanted.unavailable(failed.join("; ")));
        }
        match self.downloaded(self.url, How::Upstream)? {
            Ok(obtained) => Ok(obtained),
            Err(problem) => {
                failed.push(problem);
                Err(self.context.wanted.unreachable(failed.join("; ")))
            }
        }
    }

    fn copied(&self, path: &Utf8Path) -> Result<Obtained, SourceError> {
        let copy = || {
            let partial = self.store.partial(path.as_str())?;
            fs_err::copy(path, &partial)?;
            describe(&partial)
        };
        let file = copy().map_err(|error| self.io(error))?;
        self.kept(file, path.as_str(), How::Mirror)
    }

    /// The inner error says why `from` does not deliver.
    fn downloaded(&self, from: &str, how: How) -> Result<Result<Obtained, String>, SourceError> {
        self.context.started(from);
        let partial = self.store.partial(from).map_err(|error| self.io(error))?;
        let source = self.context.wanted.name;
        let progress = |bytes, total| {
            (self.context.observe)(Event::SourceProgress { source: source.to_owned(), bytes, total });
        };
        match download(&agent(), from, &partial, &progress) {
            Ok(()) => {}
            Err(DownloadError::Io(error)) => return Err(self.io(error)),
            Err(error @ DownloadError::Status(_)) => return Ok(Err(format!("{from}: {error}"))),
            Err(error @ DownloadError::Unreachable(_)) => {
                return Ok(Err(format!("cannot reach {from}: {error}")));
            }
        }
        // The next download of this address begins from nothing.
        let _ = fs_err::remove_file(partial.with_extension("tag"));
        let file = describe(&partial).map_err(|error| self.io(error))?;
        self.kept(file, from, how).map(Ok)
    }

    /// Verifies what has arrived and moves it to its place.
    fn kept(&self, file: Kept, from: &str, how: How) -> Result<Obtained, SourceError> {
        if let Err(error) = self.check(&file, from) {
            let _ = fs_err::remove_file(&file.path);
            return Err(error);
        }
        let keep = || {
            let kept = self.store.keep(file)?;
            self.store.remember(self.url, kept.digest)?;
            Ok(kept)
        };
        let kept = keep().map_err(|error| self.io(error))?;
        Ok(self.obtained(how, kept.path, kept.digest))
    }

    fn check(&self, file: &Kept, from: &str) -> Result<(), SourceError> {
        match self.expected {
            Some(expected) if expected != file.digest => Err(self.context.wanted.unavailable(format!(
                "{from} is not the file that is pinned\n  expected SHA-256 {expected}\n  found    SHA-256 {} ({} bytes)\n\
                 Nothing was kept. If upstream replaced it and you trust the new one, change what the release or the lock says.",
                file.digest, file.size
            ))),
            _ => Ok(()),
        }
    }

    fn obtained(&self, how: How, path: Utf8PathBuf, digest: Digest) -> Obtained {
        let origin = Origin { uri: self.url.to_owned() };
        Obtained::one(
            how,
            SourceFile { name: self.name.to_owned(), digest, origin, content: Content::File(path) },
        )
    }

    fn io(&self, error: io::Error) -> SourceError {
        SourceError::io(format!("keeping {} in {}", self.url, self.context.options.store), error)
    }
}
