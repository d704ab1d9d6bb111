//! The tool as a source of its own package: the running program as a file, and the data files as an archive.

use camino::Utf8PathBuf;

use super::event::How;
use super::file::Content;
use super::obtain::{Context, Obtained, digest_of};
use super::{Origin, SourceError, SourceFile, tree};
use crate::data::Data;

/// Obtains both.
pub(super) fn obtain(context: &Context<'_>, data: &Data) -> Result<Obtained, SourceError> {
    let wanted = context.wanted;
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
        return Err(wanted.unavailable("this system does not tell where the running program is"));
    };
    let files = tree::of_data(data)?;
    let origin = || Origin { uri: format!("self:{name}@{version}") };
    let program = SourceFile {
        name: name.to_owned(),
        digest: digest_of(&program)?,
        origin: origin(),
        content: Content::File(program),
    };
    let archive = SourceFile {
        name: "data.tar".to_owned(),
        digest: tree::digest(&files),
        origin: origin(),
        content: Content::Tree { top: "data".to_owned(), files },
    };
    Ok(Obtained { how: How::Local, files: vec![program, archive] })
}
