//! The data that builds read: everything below `specs/`, built into the program or from a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use include_dir::{Dir, DirEntry, include_dir};
use walkdir::WalkDir;

use super::BuildError;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../specs");

/// The files below `specs/` by their path relative to it.
#[derive(Debug, Clone)]
pub struct SpecFiles(BTreeMap<Utf8PathBuf, Cow<'static, [u8]>>);

impl SpecFiles {
    /// The files that are built into the program.
    pub fn embedded() -> Self {
        let mut files = BTreeMap::new();
        collect(&EMBEDDED, &mut files);
        Self(files)
    }

    /// The built-in files, those below `folder` in their place where there are any.
    ///
    /// # Errors
    /// A file that cannot be read, or whose name is not UTF-8.
    pub fn with_folder(folder: &Utf8Path) -> Result<Self, BuildError> {
        let mut files = Self::embedded();
        files.0.extend(read_folder(folder)?);
        Ok(files)
    }

    /// Files given in memory, for tests.
    #[cfg(test)]
    pub fn from_memory(files: &[(&str, &str)]) -> Self {
        Self(
            files
                .iter()
                .map(|(path, text)| (Utf8PathBuf::from(*path), Cow::Owned(text.as_bytes().to_vec())))
                .collect(),
        )
    }

    /// The bytes of one file.
    pub fn get(&self, path: impl AsRef<Utf8Path>) -> Option<&[u8]> {
        self.0.get(path.as_ref()).map(AsRef::as_ref)
    }

    /// The text of one file; `None` when there is none.
    ///
    /// # Errors
    /// The file is not UTF-8.
    pub fn text(&self, path: impl AsRef<Utf8Path>) -> Result<Option<&str>, BuildError> {
        let path = path.as_ref();
        let text = self.get(path).map(std::str::from_utf8).transpose();
        text.map_err(|_| BuildError::Data { file: path.to_owned(), problem: "is not UTF-8 text".to_owned() })
    }

    /// The files below `folder`, by their path relative to it.
    pub fn below<'a>(&'a self, folder: &'a Utf8Path) -> impl Iterator<Item = (&'a Utf8Path, &'a [u8])> {
        self.0.iter().filter_map(move |(path, bytes)| Some((path.strip_prefix(folder).ok()?, bytes.as_ref())))
    }

    /// The stems of the files with `extension` right inside `folder`, sorted.
    pub fn stems(&self, folder: &str, extension: &str) -> Vec<String> {
        self.below(Utf8Path::new(folder))
            .filter(|(path, _)| path.components().count() == 1)
            .filter_map(|(path, _)| path.as_str().strip_suffix(extension))
            .map(str::to_owned)
            .collect()
    }
}

fn collect(dir: &Dir<'static>, files: &mut BTreeMap<Utf8PathBuf, Cow<'static, [u8]>>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, files),
            DirEntry::File(file) => {
                if let Some(path) = file.path().to_str().filter(|path| is_data(path)) {
                    files.insert(Utf8PathBuf::from(path), Cow::Borrowed(file.contents()));
                }
            }
        }
    }
}

fn read_folder(folder: &Utf8Path) -> Result<BTreeMap<Utf8PathBuf, Cow<'static, [u8]>>, BuildError> {
    let mut files = BTreeMap::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|source| {
            BuildError::io(format!("reading the folder {folder}"), std::io::Error::from(source))
        })?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = Utf8Path::from_path(entry.path()).ok_or_else(|| BuildError::Data {
            file: folder.to_owned(),
            problem: format!("holds a file whose name is not UTF-8: {}", entry.path().display()),
        })?;
        let relative = path.strip_prefix(folder).unwrap_or(path);
        if is_data(relative.as_str()) {
            let bytes =
                fs_err::read(path).map_err(|source| BuildError::io(format!("reading {path}"), source))?;
            files.insert(relative.to_owned(), Cow::Owned(bytes));
        }
    }
    Ok(files)
}

/// Editors' backups and hidden files are nobody's data.
fn is_data(path: &str) -> bool {
    !path.ends_with('~') && !path.split('/').any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_built_in_files_and_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("releases")).unwrap();
        fs_err::write(root.join("releases/own.toml"), "x").unwrap();
        fs_err::write(root.join("releases/own.toml~"), "backup").unwrap();
        fs_err::write(root.join("etcd.spec.tera"), "mine").unwrap();
        let files = SpecFiles::with_folder(root).unwrap();
        assert_eq!(files.text("etcd.spec.tera").unwrap(), Some("mine"));
        assert_eq!(files.stems("releases", ".toml"), ["lab", "own"]);
        assert!(files.get("zookeeper.spec.tera").is_some());
        assert!(files.get("releases/own.toml~").is_none());
    }
}
