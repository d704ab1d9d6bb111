//! Builds again what a repository has, and compares: is this source that package?

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::explain::differences;
use super::{BuildError, Event, Request, Summary, build};
use crate::process;
use crate::repository::{PackageBuild, PackageSet};

/// Builds everything that the repository in `folder` has, in a folder of its own, and compares RPM by RPM.
/// Signatures are left out of it: what they are over is compared.
///
/// # Errors
/// There is no such repository, or it cannot be built.
pub fn verify(
    request: &Request<'_>,
    folder: &Utf8Path,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Summary, BuildError> {
    let old = open(folder, request)?;
    let scratch = tempfile::Builder::new().prefix("calico-mesos-install-verify-").tempdir();
    let scratch = scratch.map_err(|source| BuildError::io("making a folder to build in", source))?;
    let out = Utf8PathBuf::from_path_buf(scratch.path().to_owned())
        .map_err(|path| BuildError::Place { folder: path.to_string_lossy().into_owned().into() })?;
    let packages: Vec<String> = old.manifest.builds.keys().map(ToString::to_string).collect();
    let again = Request {
        release: &old.manifest.release,
        distro: Some(&old.manifest.distro),
        packages: &packages,
        out: &out,
        sign: None,
        ..*request
    };
    let summary = build(&again, observe)?;
    let new = PackageSet::open(&summary.folder)
        .map_err(|error| BuildError::Verify { folder: summary.folder.clone(), problem: error.to_string() })?;
    let mut different = 0;
    for (package, build) in &old.manifest.builds {
        let built = new.manifest.builds.get(package);
        for (file, compared) in compare(&old, build, &new, built)? {
            different += usize::from(!compared.is_empty());
            observe(Event::Compared { file, differences: compared });
        }
    }
    Ok(Summary { folder: old.folder, different, ..summary })
}

/// The repository in `folder`: the folder itself, or the one for the request below it.
fn open(folder: &Utf8Path, request: &Request<'_>) -> Result<PackageSet, BuildError> {
    let fail = |problem: String| BuildError::Verify { folder: folder.to_owned(), problem };
    let mut found: Vec<Utf8PathBuf> = walkdir::WalkDir::new(folder)
        .max_depth(4)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.'))
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.ok()?.into_path()).ok())
        .filter(|path| path.file_name() == Some("build.json"))
        .filter_map(|path| Some(path.parent()?.to_owned()))
        .collect();
    let wanted = |set: &Utf8PathBuf| {
        let has =
            |part: Option<&str>| part.is_none_or(|part| set.components().any(|found| found.as_str() == part));
        has(Some(request.release).filter(|release| !release.is_empty())) && has(request.distro)
    };
    if found.len() > 1 {
        found.retain(wanted);
    }
    match found.as_slice() {
        [only] => PackageSet::open(only).map_err(|error| fail(error.to_string())),
        [] => {
            Err(fail("There is no build.json in it. Give the folder that `build --out` wrote to.".to_owned()))
        }
        several => {
            let names: Vec<_> = several.iter().map(|path| format!("  {path}")).collect();
            Err(fail(format!("There are several; give one of them:\n{}", names.join("\n"))))
        }
    }
}

/// The files of one build, each with what differs.
fn compare(
    old: &PackageSet,
    build: &PackageBuild,
    new: &PackageSet,
    built: Option<&PackageBuild>,
) -> Result<Vec<(Utf8PathBuf, Vec<String>)>, BuildError> {
    let header = |set: &PackageSet, file: &Utf8PathBuf| {
        let mut packages = set.manifest.packages.iter();
        packages.find(|package| package.file == *file).map(|package| package.header_sha1.clone())
    };
    let mut files: Vec<_> =
        build.rpms.iter().map(|file| (file, header(old, file), header(new, file))).collect();
    if let Some(source) = &build.source_rpm {
        let again = built.and_then(|built| built.source_rpm.as_ref());
        let again = again.filter(|again| again.file == source.file).map(|again| again.header_sha1.clone());
        files.push((&source.file, Some(source.header_sha1.clone()), again));
    }
    let mut compared = Vec::new();
    for (file, before, after) in files {
        let mut found = match (&before, &after) {
            (Some(before), Some(after)) if before == after => Vec::new(),
            (_, Some(_)) => rpm_differences(&old.folder.join(file), &new.folder.join(file))?,
            (_, None) => vec!["was not built again".to_owned()],
        };
        if !found.is_empty() {
            let inputs = built.map(|built| differences(build, built)).unwrap_or_default();
            found.extend(inputs.iter().map(|input| format!("built from another {input}")));
        }
        // The manifest is no witness of its own folder: the file must be what it says.
        let damaged = old.manifest.packages.iter().find(|package| package.file == *file);
        found.extend(damaged.and_then(|package| old.verify(package).err()).map(|error| error.to_string()));
        compared.push((file.clone(), found));
    }
    Ok(compared)
}

/// Which files inside two RPMs differ, and which tags of their headers.
fn rpm_differences(old: &Utf8Path, new: &Utf8Path) -> Result<Vec<String>, BuildError> {
    let files = differ("", &inside(old)?, &inside(new)?);
    let tags = differ("tag ", &tags(old)?, &tags(new)?);
    let found: Vec<String> = files.into_iter().chain(tags).collect();
    // Equal in every tag, and yet another header: then it is the order of things.
    Ok(if found.is_empty() { vec!["the header".to_owned()] } else { found })
}

fn differ(kind: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let show = |name: &String| {
        let value = |of: &BTreeMap<String, String>| {
            of.get(name).map_or_else(|| "nothing".to_owned(), |value| value.chars().take(120).collect())
        };
        format!("{kind}{name}: {} → {}", value(old), value(new))
    };
    differing.map(show).collect()
}

/// Digest, mode, owner and time of every file inside an RPM.
fn inside(rpm: &Utf8Path) -> Result<BTreeMap<String, String>, BuildError> {
    let format = "[%{FILENAMES}\\t%{FILEDIGESTS} %{FILEMODES:octal} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMTIMES} %{FILELINKTOS}\\n]";
    let text = query(rpm, &["--queryformat", format])?;
    let read = |line: &str| {
        line.split_once('\t').map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()))
    };
    Ok(text.lines().filter_map(read).collect())
}

/// The tags of an RPM's header but for those that follow from others.
fn tags(rpm: &Utf8Path) -> Result<BTreeMap<String, String>, BuildError> {
    const FOLLOW: [&str; 18] = [
        "Sigsize",
        "Sigmd5",
        "Sigpgp",
        "Siggpg",
        "Rsaheader",
        "Dsaheader",
        "Sha1header",
        "Sha256header",
        "Longsigsize",
        "Filedigests",
        "Filemtimes",
        "Filemodes",
        "Filesizes",
        "Size",
        "Archivesize",
        "Payloadsha256",
        "Payloadsha256alt",
        "Headerimmutable",
    ];
    Ok(read_tags(&query(rpm, &["--xml"])?)
        .into_iter()
        .filter(|(name, _)| !FOLLOW.contains(&&**name))
        .collect())
}

fn read_tags(xml: &str) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for part in xml.split("<rpmTag name=\"").skip(1) {
        let Some((name, rest)) = part.split_once("\">") else { continue };
        let body = rest.split("</rpmTag>").next().unwrap_or_default();
        let values = body.split(['<', '>']).skip(2).step_by(4).map(str::trim);
        tags.insert(name.to_owned(), values.collect::<Vec<_>>().join(" "));
    }
    tags
}

fn query(rpm: &Utf8Path, arguments: &[&str]) -> Result<String, BuildError> {
    let mut command = process::program("rpm");
    command.args(["--query", "--nosignature", "--package"]).args(arguments).arg(rpm);
    Ok(process::capture(&mut command, &format!("reading {rpm}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read() {
        let xml = "<rpmHeader>\n  <rpmTag name=\"Name\">\n\t<string>mesos</string>\n  </rpmTag>\n\
                   <rpmTag name=\"Dirnames\">\n\t<string>/usr</string>\n\t<string>/etc</string>\n  </rpmTag>\n</rpmHeader>\n";
        let tags = read_tags(xml);
        assert_eq!((tags["Name"].as_str(), tags["Dirnames"].as_str()), ("mesos", "/usr /etc"));
        let mut other = tags.clone();
        other.insert("Name".to_owned(), "marathon".to_owned());
        other.insert("Epoch".to_owned(), "1".to_owned());
        assert_eq!(differ("tag ", &tags, &other), ["tag Epoch: nothing → 1", "tag Name: mesos → marathon"]);
    }
}
