//! What a repository has beside its RPMs.
//!
//! ```text
//! repodata/            for dnf and yum; source RPMs have their own in SRPMS/
//! *.repo               for /etc/yum.repos.d
//! sbom/                an SPDX document a package
//! provenance/          an in-toto statement a package
//! rpmlint/             a report a package
//! build.json           what was built from what
//! SHA256SUMS           of all of it
//! *.asc, RPM-GPG-KEY-… signatures and the public key, where it is signed
//! ```

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use serde_json::Value;

use super::sign::{PUBLIC_KEY, Signer};
use super::{BuildError, provenance, sbom};
use crate::model::Digest;
use crate::process;
use crate::repository::Manifest;

/// The folder of source RPMs, which is a repository of its own.
pub(super) const SOURCES: &str = "SRPMS";

/// The file with the digest of every other one.
pub(super) const SUMS: &str = "SHA256SUMS";

/// Writes everything that a repository has beside its RPMs.
pub(super) fn write(
    stage: &Utf8Path,
    manifest: &Manifest,
    signer: Option<&Signer>,
    base_url: Option<&str>,
) -> Result<(), BuildError> {
    let io = |source| BuildError::io(format!("writing {stage}"), source);
    for (package, build) in &manifest.builds {
        let document = sbom::document(manifest, package, build);
        json(&stage.join("sbom").join(format!("{package}.spdx.json")), &document).map_err(io)?;
        let statement = provenance::statement(manifest, package, build);
        json(&stage.join("provenance").join(format!("{package}.intoto.json")), &statement).map_err(io)?;
    }
    let epoch = manifest.source_date_epoch;
    createrepo(stage, epoch, &["--excludes", &format!("{SOURCES}/*")])?;
    createrepo(&stage.join(SOURCES), epoch, &[])?;
    if let Some(signer) = signer {
        fs::write(stage.join(PUBLIC_KEY), signer.public_key()?).map_err(io)?;
        signer.file(&stage.join("repodata/repomd.xml"))?;
        signer.file(&stage.join(SOURCES).join("repodata/repomd.xml"))?;
    }
    let id = format!("calico-mesos-install-{}", manifest.release);
    let text = repo_file(manifest, &id, base_url, signer.is_some());
    fs::write(stage.join(format!("{id}.repo")), text).map_err(io)?;
    let build = serde_json::to_value(manifest).map_err(|error| io(error.into()))?;
    json(&stage.join("build.json"), &build).map_err(io)?;
    fs::write(stage.join(SUMS), sums(stage).map_err(io)?).map_err(io)?;
    if let Some(signer) = signer {
        signer.file(&stage.join("build.json"))?;
        signer.file(&stage.join(SUMS))?;
    }
    Ok(())
}

fn json(file: &Utf8Path, value: &Value) -> std::io::Result<()> {
    file.parent().map(fs::create_dir_all).transpose()?;
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    fs::write(file, text)
}

fn createrepo(folder: &Utf8Path, epoch: u64, more: &[&str]) -> Result<(), BuildError> {
    let mut createrepo = process::program("createrepo_c");
    createrepo
        .args(["--quiet", "--no-database", "--set-timestamp-to-revision", "--revision", &epoch.to_string()])
        .args(more)
        .arg(folder);
    process::capture(&mut createrepo, "writing the repository's metadata")?;
    Ok(())
}

/// The file for `/etc/yum.repos.d`, for dnf and for yum of EL 7.
fn repo_file(manifest: &Manifest, id: &str, base_url: Option<&str>, signed: bool) -> String {
    let place = format!("{}/{}/{}", manifest.release, manifest.distro, manifest.arch);
    let url = match base_url {
        Some(base) => format!("{}/{place}", base.trim_end_matches('/')),
        None => format!("file:///srv/calico-mesos-install/{place}"),
    };
    let section = |id: &str, what: &str, url: &str, enabled: u8| {
        let mut text = format!(
            "[{id}]\nname=Mesos with Calico, release {}{what}\nbaseurl={url}\nenabled={enabled}\n",
            manifest.release
        );
        text.push_str(&match signed {
            true => format!(
                "gpgcheck=1\nrepo_gpgcheck=1\ngpgkey={}/{PUBLIC_KEY}\n",
                url.trim_end_matches(&format!("/{SOURCES}"))
            ),
            false => "# Build with --sign to have signatures to check.\ngpgcheck=0\n".to_owned(),
        });
        text
    };
    let sources = section(&format!("{id}-source"), ", sources", &format!("{url}/{SOURCES}"), 0);
    format!("{}\n{sources}", section(id, "", &url, 1))
}

/// A line for every file below `stage`, as `sha256sum --check` reads it.
fn sums(stage: &Utf8Path) -> std::io::Result<String> {
    let mut lines = Vec::new();
    for entry in walkdir::WalkDir::new(stage).sort_by_file_name() {
        let entry = entry?;
        let path = Utf8PathBuf::from_path_buf(entry.path().to_owned());
        if let (true, Ok(path)) = (entry.file_type().is_file(), path) {
            let name = path.strip_prefix(stage).unwrap_or(&path);
            lines.push(format!("{}  {name}\n", Digest::of_reader(fs::File::open(&path)?)?));
        }
    }
    Ok(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = r#"{"release": "lab", "distro": "el8", "arch": "x86_64", "packages": []}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_file_for_yum_checks_signatures_where_there_are_any() {
        let text = repo_file(&manifest(), "x", Some("https://packages.example.org/"), true);
        insta::assert_snapshot!(text, @"
        [x]
        name=Mesos with Calico, release lab
        baseurl=https://packages.example.org/lab/el8/x86_64
        enabled=1
        gpgcheck=1
        repo_gpgcheck=1
        gpgkey=https://packages.example.org/lab/el8/x86_64/RPM-GPG-KEY-calico-mesos-install

        [x-source]
        name=Mesos with Calico, release lab, sources
        baseurl=https://packages.example.org/lab/el8/x86_64/SRPMS
        enabled=0
        gpgcheck=1
        repo_gpgcheck=1
        gpgkey=https://packages.example.org/lab/el8/x86_64/RPM-GPG-KEY-calico-mesos-install
        ");
        let plain = repo_file(&manifest(), "x", None, false);
        assert!(plain.contains("baseurl=file:///srv/calico-mesos-install/lab/el8/x86_64\n"), "{plain}");
        assert!(plain.contains("gpgcheck=0") && !plain.contains("gpgkey"), "{plain}");
    }
}
