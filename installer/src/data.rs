//! The data files, `roles/`, `templates/` and `specs/`: embedded in the program, or from a folder.
//!
//! What is in them is for others to read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use include_dir::{Dir, include_dir};

use crate::diagnostic::Source;

static ROLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../roles");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates");
static SPECS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../specs");

/// The folders that data files are in.
const FOLDERS: [&str; 3] = ["roles", "templates", "specs"];

/// All data files by their paths, for example `roles/zookeeper.toml`.
#[derive(Debug, Clone)]
pub struct Data {
    files: BTreeMap<Utf8PathBuf, File>,
}

#[derive(Debug, Clone)]
struct File {
    /// The path as people know it.
    name: String,
    bytes: Cow<'static, [u8]>,
}

/// A data file that is missing or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The folder is not one with data files in it.
    #[error("{0} has none of the folders `roles`, `templates` and `specs`\nname the folder that they are in")]
    NotData(Utf8PathBuf),
    /// The folder is not one with role files in it.
    #[error("{0} has no role files\nname the folder that holds files such as `web.toml`")]
    NoRoles(Utf8PathBuf),
    /// There is no such data file.
    #[error("there is no data file {0}")]
    Missing(Utf8PathBuf),
    /// A text was expected.
    #[error("{0} is not a text in UTF-8\nsave it as UTF-8")]
    NotText(String),
    /// The disk says no.
    #[error("cannot read the data files in {folder}\nname a folder that is there and that you may read")]
    Unreadable {
        /// The folder.
        folder: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Data {
    /// The data files that the program was built with.
    pub fn built_in() -> Self {
        let mut files = BTreeMap::new();
        for (folder, dir) in FOLDERS.into_iter().zip([&ROLES, &TEMPLATES, &SPECS]) {
            embed(folder, dir, &mut files);
        }
        Self { files }
    }

    /// The built-in data files; those in `folder`, if one is given, take the place of those with the same path
    /// or come in addition. Files whose names begin with `.` or end with `~` are left out.
    ///
    /// # Errors
    /// When the folder is not one with data files, or cannot be read.
    pub fn load(folder: Option<&Utf8Path>) -> Result<Self, DataError> {
        Self::load_over(&[], folder)
    }

    /// The same, with the files of the folders `system`, the weakest first, between the built-in ones and those of
    /// `folder`. A system's folder may have nothing in it.
    ///
    /// # Errors
    /// When `folder` is not one with data files, or one of them cannot be read.
    pub fn load_over(system: &[Utf8PathBuf], folder: Option<&Utf8Path>) -> Result<Self, DataError> {
        let mut data = Self::built_in();
        for folder in system {
            data.read_all(folder)?;
        }
        if let Some(folder) = folder {
            if !FOLDERS.iter().any(|name| folder.join(name).is_dir()) {
                return Err(DataError::NotData(folder.to_owned()));
            }
            data.read_all(folder)?;
        }
        Ok(data)
    }

    fn read_all(&mut self, folder: &Utf8Path) -> Result<(), DataError> {
        for name in FOLDERS {
            self.read(folder, Utf8Path::new(name))
                .map_err(|source| DataError::Unreadable { folder: folder.to_owned(), source })?;
        }
        Ok(())
    }

    /// The paths of all files, sorted.
    pub fn all(&self) -> impl Iterator<Item = &Utf8Path> {
        self.files.keys().map(Utf8PathBuf::as_path)
    }

    /// Adds the role files right inside `folder`, and the templates in a folder `templates` inside or beside it. They
    /// take the place of those with the same path or come in addition.
    ///
    /// # Errors
    /// When the folder has no role files, or cannot be read.
    pub fn add_roles(&mut self, folder: &Utf8Path) -> Result<(), DataError> {
        let unreadable = |source| DataError::Unreadable { folder: folder.to_owned(), source };
        let absolute = camino::absolute_utf8(folder).map_err(unreadable)?;
        let beside = absolute.parent().filter(|parent| parent.join("templates").is_dir());
        for base in beside.into_iter().chain([folder]) {
            self.read(base, Utf8Path::new("templates")).map_err(unreadable)?;
        }
        let mut found = false;
        for entry in folder.read_dir_utf8().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if is_data(name) && name.ends_with(".toml") && entry.path().is_file() {
                let bytes = Cow::Owned(fs_err::read(entry.path()).map_err(unreadable)?);
                let file = File { name: entry.path().to_string(), bytes };
                self.files.insert(Utf8Path::new("roles").join(name), file);
                found = true;
            }
        }
        if found { Ok(()) } else { Err(DataError::NoRoles(folder.to_owned())) }
    }

    /// Adds a file, or takes the place of one with the same path.
    pub fn insert(&mut self, path: impl Into<Utf8PathBuf>, text: impl Into<String>) {
        let path = path.into();
        let file = File { name: path.to_string(), bytes: Cow::Owned(text.into().into_bytes()) };
        self.files.insert(path, file);
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &Utf8Path) {
        self.files.remove(path);
    }

    /// The paths of all files below `folder`, sorted.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &Utf8Path> {
        self.files.keys().map(Utf8PathBuf::as_path).filter(move |path| path.starts_with(folder))
    }

    /// The names of the files right inside `folder` that end with `extension`, without it, sorted: `lab` for
    /// `specs/releases/lab.toml`.
    pub fn stems(&self, folder: &str, extension: &str) -> impl Iterator<Item = &str> {
        self.below(folder)
            .filter(move |path| path.parent().is_some_and(|parent| parent == folder))
            .filter_map(move |path| path.file_name()?.strip_suffix(extension))
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn bytes(&self, path: impl AsRef<Utf8Path>) -> Result<&[u8], DataError> {
        self.file(path.as_ref()).map(|file| file.bytes.as_ref())
    }

    /// A file's text, with the name under which people know it.
    ///
    /// # Errors
    /// When there is no such file, or it is not UTF-8.
    pub fn text(&self, path: impl AsRef<Utf8Path>) -> Result<Source, DataError> {
        let file = self.file(path.as_ref())?;
        let text = std::str::from_utf8(&file.bytes).map_err(|_| DataError::NotText(file.name.clone()))?;
        Ok(Source::new(&file.name, text))
    }

    fn file(&self, path: &Utf8Path) -> Result<&File, DataError> {
        self.files.get(path).ok_or_else(|| DataError::Missing(path.to_owned()))
    }

    fn read(&mut self, base: &Utf8Path, relative: &Utf8Path) -> io::Result<()> {
        let folder = base.join(relative);
        if !folder.is_dir() {
            return Ok(());
        }
        for entry in folder.read_dir_utf8()? {
            let entry = entry?;
            let name = entry.file_name();
            if !is_data(name) {
                continue;
            }
            let relative = relative.join(name);
            if entry.path().is_dir() {
                self.read(base, &relative)?;
            } else {
                let bytes = Cow::Owned(fs_err::read(entry.path())?);
                self.files.insert(relative, File { name: entry.path().to_string(), bytes });
            }
        }
        Ok(())
    }
}

fn embed(folder: &str, dir: &'static Dir<'static>, files: &mut BTreeMap<Utf8PathBuf, File>) {
    for file in dir.files() {
        let path = Utf8Path::from_path(file.path());
        if let Some(path) = path.filter(|path| path.components().all(|part| is_data(part.as_str()))) {
            let path = Utf8Path::new(folder).join(path);
            let file = File { name: path.to_string(), bytes: Cow::Borrowed(file.contents()) };
            files.insert(path, file);
        }
    }
    for dir in dir.dirs() {
        embed(folder, dir, files);
    }
}

/// Hidden files and the backups of editors are nobody's data.
fn is_data(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_the_place_of_built_in_files_and_adds_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(folder.path()).unwrap();
        assert!(matches!(Data::load(Some(base)), Err(DataError::NotData(_))));
        fs_err::create_dir_all(base.join("roles")).unwrap();
        fs_err::write(base.join("roles/zookeeper.toml"), "mine").unwrap();
        fs_err::write(base.join("roles/more.toml"), "more").unwrap();
        fs_err::write(base.join("roles/.more.toml.swp"), "junk").unwrap();
        fs_err::write(base.join("roles/more.toml~"), "backup").unwrap();
        let data = Data::load(Some(base)).unwrap();
        assert_eq!(data.text("roles/zookeeper.toml").unwrap().text(), "mine");
        assert_eq!(data.text("roles/more.toml").unwrap().name(), base.join("roles/more.toml"));
        assert!(data.bytes("roles/.more.toml.swp").is_err());
        assert!(data.bytes("roles/more.toml~").is_err());
        assert!(data.text("roles/etcd.toml").unwrap().text().contains("etcd"), "the others stay");
        assert!(data.below("roles").all(|path| path.starts_with("roles")));
    }

    #[test]
    fn the_operator_comes_before_the_administrator_and_the_administrator_before_the_package() {
        let folder = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(folder.path()).unwrap();
        for (layer, files) in [("share", &["a", "b", "c"][..]), ("etc", &["b", "c"]), ("mine", &["c"])] {
            fs_err::create_dir_all(base.join(layer).join("roles")).unwrap();
            for file in files {
                fs_err::write(base.join(layer).join(format!("roles/{file}.toml")), layer).unwrap();
            }
        }
        let system = [base.join("share"), base.join("etc"), base.join("missing")];
        let data = Data::load_over(&system, Some(&base.join("mine"))).unwrap();
        let from =
            ["a", "b", "c"].map(|name| data.text(format!("roles/{name}.toml")).unwrap().text().to_owned());
        assert_eq!(from, ["share", "etc", "mine"]);
        assert!(data.bytes("roles/zookeeper.toml").is_ok(), "what is embedded is below all of them");
    }

    #[test]
    fn roles_come_with_templates_inside_or_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(folder.path()).unwrap();
        let roles = base.join("mine");
        fs_err::create_dir_all(roles.join("templates/web")).unwrap();
        fs_err::create_dir_all(base.join("templates/web")).unwrap();
        let mut data = Data::built_in();
        assert!(matches!(data.add_roles(&roles), Err(DataError::NoRoles(_))));
        fs_err::write(roles.join("web.toml"), "web").unwrap();
        fs_err::write(roles.join("README.md"), "no role").unwrap();
        fs_err::write(base.join("templates/web/conf"), "beside").unwrap();
        fs_err::write(base.join("templates/web/other"), "other").unwrap();
        fs_err::write(roles.join("templates/web/conf"), "inside").unwrap();
        data.add_roles(&roles).unwrap();
        assert_eq!(data.text("roles/web.toml").unwrap().name(), roles.join("web.toml"));
        assert_eq!(data.text("templates/web/conf").unwrap().text(), "inside");
        assert_eq!(data.text("templates/web/other").unwrap().text(), "other");
        assert!(data.bytes("roles/README.md").is_err());
        assert!(data.bytes("roles/etcd.toml").is_ok(), "the built-in ones stay");
    }

    #[test]
    fn stems_are_those_of_files_right_inside_a_folder() {
        let mut data = Data::built_in();
        data.insert("specs/releases/own.toml", "");
        data.insert("specs/releases/own.txt", "");
        data.insert("specs/releases/old/ancient.toml", "");
        assert_eq!(
            data.stems("specs/releases", ".toml").collect::<Vec<_>>(),
            ["0.26", "0.27", "0.28", "lab", "own"]
        );
    }
}
