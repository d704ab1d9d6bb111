//! Sources: where the files come from that a package is built of.

use camino::{Utf8Path, Utf8PathBuf};

use super::release::{Recipe, Source};
use super::{BuildError, apt, process};
use crate::data::Data;
use crate::model::{Digest, PackageName};

/// One file for rpmbuild's `SOURCES`.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    /// Its name there, as the spec names it.
    pub(super) name: String,
    /// What identifies its content.
    pub(super) digest: Digest,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// A file on this machine.
    File(Utf8PathBuf),
    /// A folder of `specs/`, of which a tar archive is made with one folder of this name in it.
    Tree { top: String, files: Vec<(Utf8PathBuf, Vec<u8>)> },
}

/// Obtains every source of a package; nothing is fetched twice.
pub(super) fn obtain(
    data: &Data,
    package: &PackageName,
    recipe: &Recipe,
    cache: &Utf8Path,
) -> Result<Vec<SourceFile>, BuildError> {
    let mut obtained = Vec::new();
    for (name, source) in &recipe.sources {
        let fail = |problem: String| {
            let (package, name) = (package.clone(), name.clone());
            BuildError::Source { package, name, problem }
        };
        match source {
            Source::Deb { packages, version_of } => {
                for deb in apt::obtain(packages, cache)?.map_err(fail)? {
                    if deb.package == *version_of && deb.upstream_version() != recipe.version {
                        return Err(fail(format!(
                            "the release pins version {}, but this distribution has {version_of} {}\n\
                             Build on a machine with that version, or pin {} in the release file.",
                            recipe.version,
                            deb.version,
                            deb.upstream_version()
                        )));
                    }
                    obtained.push(SourceFile {
                        name: deb.file_name(),
                        digest: digest_of(&deb.path)?,
                        content: Content::File(deb.path),
                    });
                }
            }
            Source::Folder { path } => {
                let tree = tree(data, &format!("specs/{path}"))?;
                if tree.is_empty() {
                    return Err(fail(format!("there are no files below specs/{path}")));
                }
                let top = format!("{name}-{}", recipe.version);
                let listing: String =
                    tree.iter().map(|(path, bytes)| format!("{} {path}\n", Digest::of(bytes))).collect();
                obtained.push(SourceFile {
                    name: format!("{top}.tar"),
                    digest: Digest::of(listing),
                    content: Content::Tree { top, files: tree },
                });
            }
            Source::Git { url, commit } => {
                return Err(fail(not_fetched(&format!("commit {commit} of {url}"))));
            }
            Source::Download { url } => return Err(fail(not_fetched(url))),
        }
    }
    Ok(obtained)
}

/// The data files below `folder`, by their paths relative to it.
fn tree(data: &Data, folder: &str) -> Result<Vec<(Utf8PathBuf, Vec<u8>)>, BuildError> {
    let files = data.below(folder).filter_map(|path| Some((path, path.strip_prefix(folder).ok()?)));
    files.map(|(path, relative)| Ok((relative.to_owned(), data.bytes(path)?.to_vec()))).collect()
}

/// Upstream sources are pinned in releases, so that inventories can name them, and cannot be obtained yet.
fn not_fetched(what: &str) -> String {
    format!(
        "it is {what}, and this version of the tool builds only from the distribution's packages and from folders \
         of specs/\n\
         Build release `lab`, or point `[packages] repo` at packages of this release that were built elsewhere."
    )
}

fn digest_of(path: &Utf8Path) -> Result<Digest, BuildError> {
    let digest = || Digest::of_reader(fs_err::File::open(path)?);
    digest().map_err(|source| BuildError::io(format!("reading {path}"), source))
}

impl SourceFile {
    /// Puts the file into `folder`; an archive is made the same, byte for byte, every time.
    pub(super) fn place(&self, folder: &Utf8Path, epoch: u64) -> Result<(), BuildError> {
        let target = folder.join(&self.name);
        match &self.content {
            Content::File(path) => {
                fs_err::copy(path, &target)
                    .map_err(|source| BuildError::io(format!("copying {path} to {target}"), source))?;
            }
            Content::Tree { top, files } => {
                let scratch = folder.join(format!(".{top}"));
                write_tree(&scratch.join(top), files)
                    .map_err(|source| BuildError::io(format!("writing {scratch}"), source))?;
                let mut tar = process::program("tar");
                tar.args(["--format=gnu", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
                    .arg(format!("--mtime=@{epoch}"))
                    .args(["-C", scratch.as_str(), "-cf", target.as_str(), top]);
                process::capture(&mut tar, &format!("making {target}"))?;
                fs_err::remove_dir_all(&scratch)
                    .map_err(|source| BuildError::io(format!("removing {scratch}"), source))?;
            }
        }
        Ok(())
    }
}

fn write_tree(root: &Utf8Path, files: &[(Utf8PathBuf, Vec<u8>)]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, bytes) in files {
        let path = root.join(path);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(&path, bytes)?;
        // Built-in files have no mode of their own; what begins like a script is one.
        let mode = if bytes.starts_with(b"#!") { 0o755 } else { 0o644 };
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
