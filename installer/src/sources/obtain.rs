//! Sources are obtained here: from where the operator says, from the store, from a mirror, or from where the release
//! pins them.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::event::How;
use super::file::Content;
use super::{Event, Lock, Origin, Source, SourceError, SourceFile, Wanted, apt, commit, files, itself, tree};
use crate::data::Data;
use crate::model::Digest;

/// From where sources may be taken, the same for every source of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where fetched sources are kept.
    pub store: Utf8PathBuf,
    /// What the operator has on this machine, by the source's name: an archive, a folder, a git repository.
    pub overrides: BTreeMap<String, Utf8PathBuf>,
    /// Where to look before upstream, in this order.
    pub mirrors: Vec<Mirror>,
    /// Whether no socket may be opened.
    pub offline: bool,
    /// What files were when they were first seen.
    pub lock: Lock,
}

/// Where sources lie by their file names, and git repositories by the source's name and `.git`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A folder on this machine.
    Folder(Utf8PathBuf),
    /// An address, without `/` at its end.
    Url(String),
}

/// A source that was obtained.
#[derive(Debug, Clone)]
pub struct Obtained {
    /// Where it was found.
    pub how: How,
    /// Its files.
    pub files: Vec<SourceFile>,
}

impl Obtained {
    pub(super) fn one(how: How, file: SourceFile) -> Self {
        Self { how, files: vec![file] }
    }
}

/// How one source is obtained.
pub(super) struct Context<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) options: &'a Options,
    /// Whether a file must be what its checksum or the lock says. Otherwise what has neither is taken as it is.
    pub(super) strict: bool,
    pub(super) observe: &'a (dyn Fn(Event) + Sync),
}

/// Obtains a source for a build; nothing is fetched twice.
///
/// # Errors
/// It cannot be had, or nothing says what it must be: what to do.
pub fn obtain(data: &Data, wanted: &Wanted<'_>, options: &Options) -> Result<Vec<SourceFile>, SourceError> {
    let context = Context { wanted, options, strict: true, observe: &|_| {} };
    Ok(context.obtain(data)?.files)
}

/// Whether a source is on this machine, as far as that can be told without reading it.
pub fn is_here(wanted: &Wanted<'_>, options: &Options) -> bool {
    if let Some(path) = options.overrides.get(wanted.name) {
        return path.exists();
    }
    match wanted.source {
        Source::Deb { packages, .. } => apt::is_here(packages, &options.store),
        Source::Folder { .. } | Source::Itself {} => true,
        Source::Git { commit, exclude, .. } => {
            commit::archive_path(wanted, commit, exclude, options).exists()
        }
        Source::Download { url, sha256, .. } => {
            files::stored_path(url, *sha256, options).is_some_and(|path| path.exists())
        }
        Source::Given { file, .. } => in_a_folder(file, options).is_some(),
    }
}

/// Where a file of this name lies in a mirror that is a folder.
fn in_a_folder(file: &str, options: &Options) -> Option<Utf8PathBuf> {
    options.mirrors.iter().find_map(|mirror| match mirror {
        Mirror::Folder(folder) => Some(folder.join(file)).filter(|path| path.is_file()),
        Mirror::Url(_) => None,
    })
}

/// Compares what is on this machine with what it must be. Nothing is fetched.
///
/// # Errors
/// It is missing, or something else, or nothing says what it must be.
pub fn verify(data: &Data, wanted: &Wanted<'_>, options: &Options) -> Result<(), SourceError> {
    let options = Options { offline: true, ..options.clone() };
    if let Source::Download { url, sha256, .. } = wanted.source {
        files::verify(wanted, url, *sha256, &options)?;
    }
    obtain(data, wanted, &options).map(drop)
}

impl Context<'_> {
    pub(super) fn obtain(&self, data: &Data) -> Result<Obtained, SourceError> {
        match self.wanted.source {
            Source::Deb { packages, version_of } => self.debs(packages, version_of),
            Source::Folder { path } => Ok(Obtained::one(How::Local, self.folder(data, path)?)),
            Source::Itself {} => itself::obtain(self, data),
            Source::Git { url, commit, exclude, .. } => commit::obtain(self, url, commit, exclude),
            Source::Download { url, sha256, file } => files::obtain(self, url, *sha256, file.as_deref()),
            Source::Given { file, how } => self.given(file, how),
        }
    }

    fn given(&self, file: &str, how: &str) -> Result<Obtained, SourceError> {
        let (wanted, options) = (self.wanted, self.options);
        let path = options.overrides.get(wanted.name).cloned().or_else(|| in_a_folder(file, options));
        let path = path.filter(|path| path.is_file()).ok_or_else(|| {
            wanted.unavailable(format!(
                "upstream offers no such file, so it has to be given. Make it and name it:\n  {how}\n  \
                 --source {}={file}",
                wanted.name
            ))
        })?;
        let digest = digest_of(&path)?;
        let origin = Origin { uri: format!("file:{file}") };
        let content = Content::File(path);
        Ok(Obtained::one(How::Local, SourceFile { name: file.to_owned(), digest, origin, content }))
    }

    fn debs(&self, packages: &BTreeSet<String>, version_of: &str) -> Result<Obtained, SourceError> {
        let wanted = self.wanted;
        let found = apt::obtain(packages, &self.options.store, self.options.offline)?;
        let mut files = Vec::new();
        for deb in found.map_err(|problem| wanted.unavailable(problem))? {
            if deb.package == version_of && deb.upstream_version() != wanted.version {
                return Err(wanted.unavailable(format!(
                    "the release pins version {}, but this distribution has {version_of} {}\n\
                     Build on a machine with that version, or pin {} in the release file.",
                    wanted.version,
                    deb.version,
                    deb.upstream_version()
                )));
            }
            files.push(SourceFile {
                name: deb.file_name(),
                digest: digest_of(&deb.path)?,
                origin: Origin { uri: format!("deb:{}={}", deb.package, deb.version) },
                content: Content::File(deb.path),
            });
        }
        Ok(Obtained { how: How::Store, files })
    }

    fn folder(&self, data: &Data, path: &Utf8Path) -> Result<SourceFile, SourceError> {
        let files = tree::of_data_below(data, &format!("specs/{path}"))?;
        if files.is_empty() {
            return Err(self.wanted.unavailable(format!("there are no files below specs/{path}")));
        }
        Ok(self.archive_of(files, format!("specs/{path}")))
    }

    /// The archive that will be made of the files of a folder.
    pub(super) fn archive_of(&self, files: Vec<super::file::TreeFile>, uri: String) -> SourceFile {
        SourceFile {
            name: format!("{}.tar", self.wanted.top()),
            digest: tree::digest(&files),
            origin: Origin { uri },
            content: Content::Tree { top: self.wanted.top(), files },
        }
    }

    /// Tells that this source is being fetched.
    pub(super) fn started(&self, from: &str) {
        let source = self.wanted.name.to_owned();
        (self.observe)(Event::SourceStarted { source, from: from.to_owned() });
    }
}

impl Wanted<'_> {
    /// The one folder inside an archive that is made here.
    pub(super) fn top(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    pub(super) fn unavailable(&self, problem: impl Into<String>) -> SourceError {
        let (package, name) = (self.package.clone(), self.name.to_owned());
        SourceError::Unavailable { package, name, problem: problem.into() }
    }

    pub(super) fn unreachable(&self, problem: impl Into<String>) -> SourceError {
        let (package, name) = (self.package.clone(), self.name.to_owned());
        SourceError::Unreachable { package, name, problem: problem.into() }
    }
}

pub(super) fn digest_of(path: &Utf8Path) -> Result<Digest, SourceError> {
    let digest = || Digest::of_reader(fs_err::File::open(path)?);
    digest().map_err(|source| SourceError::io(format!("reading {path}"), source))
}
