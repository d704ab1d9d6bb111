//! A bill of materials a package, in SPDX 2.3.

use serde_json::{Value, json};

use crate::model::PackageName;
use crate::repository::{Manifest, PackageBuild};

/// The SPDX document of one package: its RPMs, what they were made from, and what was there to build them with.
pub(super) fn document(manifest: &Manifest, package: &PackageName, build: &PackageBuild) -> Value {
    let rpms = manifest.packages.iter().filter(|built| build.rpms.contains(&built.file));
    let mut packages = Vec::new();
    let mut relations = Vec::new();
    let mut extracted = std::collections::BTreeSet::new();
    let source_ids: Vec<String> = build.sources.iter().map(|source| id("Source", &source.name)).collect();
    let tool_ids: Vec<String> = build.environment.keys().map(|name| id("Tool", name)).collect();
    let mut described = Vec::new();
    for rpm in rpms {
        let (own, license) = (id("Package", rpm.nevra.name.as_str()), license(&rpm.license));
        extracted.extend(license.strip_prefix("LicenseRef-").map(|_| license.clone()));
        let purl = format!(
            "pkg:rpm/calico-mesos-install/{}@{}-{}?arch={}&distro={}",
            rpm.nevra.name, rpm.nevra.version, rpm.nevra.release, rpm.nevra.arch, manifest.distro
        );
        packages.push(json!({
            "SPDXID": own,
            "name": rpm.nevra.name,
            "versionInfo": rpm.nevra.evr(),
            "packageFileName": rpm.file,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "checksums": [{"algorithm": "SHA256", "checksumValue": rpm.sha256}],
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": license,
            "copyrightText": "NOASSERTION",
            "primaryPackagePurpose": "INSTALL",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }],
        }));
        relations.push(relation("SPDXRef-DOCUMENT", "DESCRIBES", &own));
        for source in &source_ids {
            relations.push(relation(&own, "GENERATED_FROM", source));
        }
        for tool in &tool_ids {
            relations.push(relation(tool, "BUILD_DEPENDENCY_OF", &own));
        }
        described.push(own);
    }
    for need in build.needs.keys() {
        let own = id("Package", need.as_str());
        let version = manifest.builds.get(need).map(|build| build.version.as_str()).unwrap_or_default();
        packages.push(part(&own, need.as_str(), version, "NOASSERTION"));
        relations.extend(described.iter().map(|rpm| relation(&own, "BUILD_DEPENDENCY_OF", rpm)));
    }
    for (source, own) in build.sources.iter().zip(&source_ids) {
        let mut part = part(own, &source.name, &build.version, &location(&source.uri));
        part["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": source.sha256}]);
        part["sourceInfo"] = json!(source.uri);
        part["primaryPackagePurpose"] = json!("SOURCE");
        packages.push(part);
    }
    for ((name, version), own) in build.environment.iter().zip(&tool_ids) {
        packages.push(part(own, name, version, "NOASSERTION"));
    }
    let name = format!("{package}-{}", build.version);
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        // The key makes it unique: another build of the package is another document.
        "documentNamespace": format!("https://spdx.org/spdxdocs/{name}-{}", build.key),
        "creationInfo": {
            "created": created(manifest.source_date_epoch),
            "creators": [format!("Tool: calico-mesos-install-{}", manifest.tool)],
        },
        "packages": packages,
        "relationships": relations,
    });
    if !extracted.is_empty() {
        document["hasExtractedLicensingInfos"] = extracted
            .iter()
            .map(|license| json!({"licenseId": license, "extractedText": "No licence is published with the source."}))
            .collect();
    }
    document
}

fn part(id: &str, name: &str, version: &str, location: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": name,
        "versionInfo": version,
        "downloadLocation": location,
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    })
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}

/// An identifier of SPDX, which has letters, digits, `.` and `-`; everything else is written by its number, so that
/// no two names become one.
fn id(kind: &str, name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let name: String = name
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("-{:x}-", u32::from(c)) })
        .collect();
    format!("SPDXRef-{kind}-{name}")
}

/// A licence that SPDX knows or that says itself that it is none of them; anything else asserts nothing.
fn license(text: &str) -> String {
    let valid = spdx::Expression::parse(text).is_ok();
    if valid { text.to_owned() } else { "NOASSERTION".to_owned() }
}

/// An address that SPDX takes for one; where the source is no address, that is said in `sourceInfo` alone.
fn location(uri: &str) -> String {
    if uri.contains("://") { uri.to_owned() } else { "NOASSERTION".to_owned() }
}

/// The moment of the release: the same packages have the same document.
fn created(epoch: u64) -> String {
    let second = i64::try_from(epoch).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
    second.unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
