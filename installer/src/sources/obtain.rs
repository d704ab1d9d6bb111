//! Sources are obtained here: from where a release pins them, or from where the operator says.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::file::Content;
use super::git::{GitError, Repository};
use super::{Origin, Source, SourceError, SourceFile, Wanted, apt};
use crate::data::Data;
use crate::model::Digest;

/// From where sources may be taken, the same for every source of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where fetched sources are kept.
    pub store: Utf8PathBuf,
    /// What the operator has on this machine, by the source's name: an archive, a folder, a git repository.
    pub overrides: BTreeMap<String, Utf8PathBuf>,
}

/// Obtains a source; nothing is fetched twice.
///
/// # Errors
/// It cannot be had: why, and what to do.
pub fn obtain(data: &Data, wanted: &Wanted<'_>, options: &Options) -> Result<Vec<SourceFile>, SourceError> {
    match wanted.source {
        Source::Deb { packages, version_of } => debs(wanted, packages, version_of, options),
        Source::Folder { path } => Ok(vec![folder(data, wanted, path)?]),
        Source::Itself {} => itself(data, wanted),
        Source::Git { url, commit, exclude } => Ok(vec![git(wanted, url, commit, exclude, options)?]),
        Source::Download { url, .. } => Err(wanted.unavailable(format!("{url} cannot be fetched yet"))),
    }
}

fn debs(
    wanted: &Wanted<'_>,
    packages: &BTreeSet<String>,
    version_of: &str,
    options: &Options,
) -> Result<Vec<SourceFile>, SourceError> {
    let mut files = Vec::new();
    for deb in apt::obtain(packages, &options.store)?.map_err(|problem| wanted.unavailable(problem))? {
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
    Ok(files)
}

fn folder(data: &Data, wanted: &Wanted<'_>, path: &Utf8Path) -> Result<SourceFile, SourceError> {
    let tree = tree(data, &format!("specs/{path}"))?;
    if tree.is_empty() {
        return Err(wanted.unavailable(format!("there are no files below specs/{path}")));
    }
    let listing: String =
        tree.iter().map(|(path, bytes)| format!("{} {path}\n", Digest::of(bytes))).collect();
    Ok(SourceFile {
        name: format!("{}.tar", wanted.top()),
        digest: Digest::of(listing),
        origin: Origin { uri: format!("specs/{path}") },
        content: Content::Tree { top: wanted.top(), files: tree },
    })
}

/// The running program as a file, and the data files as an archive.
fn itself(data: &Data, wanted: &Wanted<'_>) -> Result<Vec<SourceFile>, SourceError> {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    if wanted.version != version {
        return Err(wanted.unavailable(format!(
            "the release pins version {}, and this program is version {version}\n\
             Pin {version} in the release file, or build with the other program.",
            wanted.version
        )));
    }
    let program = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::try_from(path).ok());
    let Some(program) = program else {
        return Err(wanted.unavailable("this system does not tell where the running program is".to_owned()));
    };
    let files: Result<Vec<_>, SourceError> =
        data.all().map(|path| Ok((path.to_owned(), data.bytes(path)?.to_vec()))).collect();
    let files = files?;
    let listing: String =
        files.iter().map(|(path, bytes)| format!("{} {path}\n", Digest::of(bytes))).collect();
    let origin = || Origin { uri: format!("self:{name}@{version}") };
    Ok(vec![
        SourceFile {
            name: name.to_owned(),
            digest: digest_of(&program)?,
            origin: origin(),
            content: Content::File(program),
        },
        SourceFile {
            name: "data.tar".to_owned(),
            digest: Digest::of(listing),
            origin: origin(),
            content: Content::Tree { top: "data".to_owned(), files },
        },
    ])
}

fn git(
    wanted: &Wanted<'_>,
    url: &str,
    commit: &str,
    exclude: &BTreeSet<Utf8PathBuf>,
    options: &Options,
) -> Result<SourceFile, SourceError> {
    let Some(path) = options.overrides.get(wanted.name) else {
        return Err(wanted.unavailable(format!("commit {commit} of {url} cannot be fetched yet")));
    };
    let Some(repository) = Repository::open(path) else {
        return Err(wanted.unavailable(format!("{path} is no git repository")));
    };
    let folder = options.store.join("git");
    let listing: String = exclude.iter().map(|path| format!("{path}\n")).collect();
    let excluded = &Digest::of(listing).to_string()[..12];
    let tar = folder.join(format!("{}-{commit}-{excluded}.tar", wanted.top()));
    if !tar.exists() {
        fs_err::create_dir_all(&folder)
            .map_err(|source| SourceError::io(format!("making {folder}"), source))?;
        repository.archive(commit, &wanted.top(), exclude, &tar).map_err(|error| match error {
            GitError::Problem(problem) => wanted.unavailable(problem),
            GitError::Process(error) => error.into(),
            GitError::Io(error) => SourceError::io(format!("making an archive of {commit} of {path}"), error),
        })?;
    }
    Ok(SourceFile {
        name: format!("{}.tar", wanted.top()),
        digest: digest_of(&tar)?,
        origin: Origin { uri: format!("git+{url}@{commit}") },
        content: Content::File(tar),
    })
}

impl Wanted<'_> {
    /// The one folder inside an archive that is made here.
    fn top(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    fn unavailable(&self, problem: String) -> SourceError {
        SourceError::Unavailable { package: self.package.clone(), name: self.name.to_owned(), problem }
    }
}

/// The data files below `folder`, by their paths relative to it.
fn tree(data: &Data, folder: &str) -> Result<Vec<(Utf8PathBuf, Vec<u8>)>, SourceError> {
    let files = data.below(folder).filter_map(|path| Some((path, path.strip_prefix(folder).ok()?)));
    files.map(|(path, relative)| Ok((relative.to_owned(), data.bytes(path)?.to_vec()))).collect()
}

fn digest_of(path: &Utf8Path) -> Result<Digest, SourceError> {
    let digest = || Digest::of_reader(fs_err::File::open(path)?);
    digest().map_err(|source| SourceError::io(format!("reading {path}"), source))
}
