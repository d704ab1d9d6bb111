//! How a package was made, as an in-toto statement with SLSA's predicate of provenance, version 1.

use serde_json::{Value, json};

use crate::model::PackageName;
use crate::repository::{Manifest, PackageBuild};

/// The statement about the RPMs of one package.
pub(super) fn statement(manifest: &Manifest, package: &PackageName, build: &PackageBuild) -> Value {
    let rpms = manifest.packages.iter().filter(|built| build.rpms.contains(&built.file));
    let mut subjects: Vec<Value> = rpms.map(|rpm| subject(rpm.file.as_str(), rpm.sha256)).collect();
    subjects.extend(build.source_rpm.iter().map(|source| subject(source.file.as_str(), source.sha256)));
    let mut dependencies: Vec<Value> = build
        .sources
        .iter()
        .map(|source| json!({"name": source.name, "uri": source.uri, "digest": {"sha256": source.sha256}}))
        .collect();
    dependencies.extend(build.needs.iter().map(|(need, key)| {
        json!({"name": need, "uri": format!("calico-mesos-install:{}/{need}", manifest.release), "digest": {"sha256": key}})
    }));
    dependencies.extend(build.environment.iter().map(|(name, version)| {
        json!({"name": name, "uri": format!("pkg:generic/{name}@{version}?distro={}", manifest.distro)})
    }));
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:calico-mesos-install:rpmbuild:v1",
                "externalParameters": {
                    "release": manifest.release,
                    "distro": manifest.distro,
                    "arch": manifest.arch,
                    "package": package,
                },
                "internalParameters": {
                    "key": build.key,
                    "inputs": build.inputs,
                    "source_date_epoch": manifest.source_date_epoch,
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {
                    "id": format!("urn:calico-mesos-install:builder:{}", manifest.backend),
                    "version": {"calico-mesos-install": manifest.tool},
                },
            },
        },
    })
}

fn subject(name: &str, sha256: crate::model::Digest) -> Value {
    json!({"name": name, "digest": {"sha256": sha256}})
}
