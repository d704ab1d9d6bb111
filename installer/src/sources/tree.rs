//! Folders → the files of an archive.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use std::os::unix::fs::PermissionsExt as _;

use super::file::{TreeContent, TreeFile};
use crate::data::{Data, DataError};
use crate::model::Digest;

/// All data files, in the order of their paths.
pub(super) fn of_data(data: &Data) -> Result<Vec<TreeFile>, DataError> {
    data.all().map(|path| of_data_file(data, path, path)).collect()
}

/// The data files below `folder`, in the order of their paths, which are relative to it.
pub(super) fn of_data_below(data: &Data, folder: &str) -> Result<Vec<TreeFile>, DataError> {
    let files = data.below(folder).filter_map(|path| Some((path, path.strip_prefix(folder).ok()?)));
    files.map(|(path, relative)| of_data_file(data, path, relative)).collect()
}

fn of_data_file(data: &Data, path: &Utf8Path, relative: &Utf8Path) -> Result<TreeFile, DataError> {
    let bytes = data.bytes(path)?.to_vec();
    // Built-in files have no mode of their own; what begins like a script is one.
    let executable = bytes.starts_with(b"#!");
    Ok(TreeFile { path: relative.to_owned(), content: TreeContent::Bytes { executable, bytes } })
}

/// Everything below `folder`, in the order of the paths; what git keeps there for itself is left out.
pub(super) fn of_folder(folder: &Utf8Path) -> io::Result<Vec<TreeFile>> {
    let mut files = Vec::new();
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(io::Error::other)?;
        let path = Utf8PathBuf::from_path_buf(entry.path().to_owned())
            .map_err(|path| io::Error::other(format!("{} is no text", path.display())))?;
        let content = if entry.file_type().is_symlink() {
            TreeContent::Link(path.read_link_utf8()?.into_string())
        } else if entry.file_type().is_file() {
            let executable = fs_err::metadata(&path)?.permissions().mode() & 0o100 != 0;
            TreeContent::Bytes { executable, bytes: fs_err::read(&path)? }
        } else {
            continue;
        };
        let path = path.strip_prefix(folder).map_err(io::Error::other)?.to_owned();
        files.push(TreeFile { path, content });
    }
    files.sort_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
    Ok(files)
}

/// What identifies the files.
pub(super) fn digest(files: &[TreeFile]) -> Digest {
    let line = |TreeFile { path, content }: &TreeFile| match content {
        TreeContent::Bytes { executable, bytes } => {
            format!("{} {} {path}\n", if *executable { "x" } else { "-" }, Digest::of(bytes))
        }
        TreeContent::Link(target) => format!("l {} {path}\n", Digest::of(target)),
    };
    Digest::of(files.iter().map(line).collect::<String>())
}
