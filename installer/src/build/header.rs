//! What rpm says of RPM files.

use camino::{Utf8Path, Utf8PathBuf};

use super::BuildError;
use super::requires::requires;
use crate::model::{Digest, Nevra};
use crate::process::{self, ProcessError};
use crate::repository::{BuiltPackage, SourceRpm};

const DOING: &str = "reading the headers of the built RPMs";

/// What the header of an RPM says.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) nevra: Nevra,
    /// rpm's `SHA1HEADER`: of the part that a signature does not change.
    pub(super) sha1: String,
    pub(super) license: String,
}

/// The headers of RPMs, in the order of `files`.
pub(super) fn read(files: &[Utf8PathBuf]) -> Result<Vec<Header>, BuildError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let format = "%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\\t%{SHA1HEADER}\\t%{LICENSE}\\n";
    let mut rpm = process::program("rpm");
    rpm.args(["-qp", "--nosignature", "--qf", format]).args(files);
    let mut headers = Vec::new();
    for line in process::capture(&mut rpm, DOING)?.lines() {
        let parse = || {
            let mut fields = line.split('\t');
            let (nevra, sha1, license) = (fields.next()?, fields.next()?, fields.next()?);
            Some(Header { nevra: nevra.parse().ok()?, sha1: sha1.to_owned(), license: license.to_owned() })
        };
        headers.push(parse().ok_or_else(|| ProcessError::Failed {
            program: "rpm".to_owned(),
            doing: DOING.to_owned(),
            status: "an answer that was not understood".to_owned(),
            stderr: line.to_owned(),
        })?);
    }
    Ok(headers)
}

/// The binary RPMs of a folder as a manifest describes them, sorted by identity.
pub(super) fn describe(folder: &Utf8Path) -> Result<Vec<BuiltPackage>, BuildError> {
    let files = rpms(folder)?;
    let mut packages = Vec::new();
    let headers = read(&files)?;
    let names: Vec<_> = headers.iter().map(|header| header.nevra.name.clone()).collect();
    let required = requires(&files, &names)?;
    for ((path, header), requires) in files.iter().zip(headers).zip(required) {
        let (size, sha256) = measure(path)?;
        packages.push(BuiltPackage {
            nevra: header.nevra,
            file: path.file_name().unwrap_or_default().into(),
            size,
            sha256,
            header_sha1: header.sha1,
            license: header.license,
            programs: programs(path)?,
            requires,
        });
    }
    packages.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    Ok(packages)
}

/// The files of a built RPM that can be executed, and its links.
fn programs(file: &Utf8Path) -> Result<Vec<String>, BuildError> {
    let mut rpm = process::program("rpm");
    rpm.args(["-qp", "--nosignature", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]"]).arg(file);
    let text = process::capture(&mut rpm, "reading which files the built RPMs have")?;
    let named = text.lines().filter_map(|line| {
        let (mode, path) = line.split_once(' ')?;
        let is_program = mode.starts_with('l') || (mode.starts_with('-') && mode.contains('x'));
        (is_program && path.starts_with('/')).then(|| path.to_owned())
    });
    Ok(named.collect())
}

/// A source RPM of a repository, `file` relative to `folder`.
pub(super) fn describe_source(folder: &Utf8Path, file: &Utf8Path) -> Result<SourceRpm, BuildError> {
    let path = folder.join(file);
    let (size, sha256) = measure(&path)?;
    let header = read(std::slice::from_ref(&path))?.pop();
    let header_sha1 = header.map(|header| header.sha1).unwrap_or_default();
    Ok(SourceRpm { file: file.to_owned(), size, sha256, header_sha1 })
}

/// The files right in a folder whose names end in `.rpm`, sorted.
pub(super) fn rpms(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, BuildError> {
    let io = |source| BuildError::io(format!("reading {folder}"), source);
    let mut files = Vec::new();
    for entry in folder.read_dir_utf8().map_err(io)? {
        let path = entry.map_err(io)?.into_path();
        if path.extension() == Some("rpm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn measure(path: &Utf8Path) -> Result<(u64, Digest), BuildError> {
    let measure = || -> std::io::Result<_> {
        let file = fs_err::File::open(path)?;
        Ok((file.metadata()?.len(), Digest::of_reader(file)?))
    };
    measure().map_err(|source| BuildError::io(format!("reading {path}"), source))
}
