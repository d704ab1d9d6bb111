//! Checks of the dependencies that need no network: licences, origin, and a reason for each.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Licences that go with Apache-2.0. An expression is fine where one of its alternatives is made of these alone.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    // Only what is compiled here: for other platforms not even the manifests need to be on this machine.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--offline", "--locked", "--filter-platform", &target].map(str::to_owned);
    MetadataCommand::new().manifest_path(manifest).other_options(options).exec().unwrap()
}

#[test]
fn licences_go_with_ours() {
    let wrong: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(fits))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the expression leaves a choice that fits; `/` is the old way to write OR.
fn fits(expression: &str) -> bool {
    let allowed = |part: &str| LICENCES.contains(&part.trim().trim_matches(['(', ')']));
    let expression = expression.replace('/', " OR ");
    expression.split(" AND ").all(|all| all.split(" OR ").any(allowed))
}

#[test]
fn an_expression_fits_where_a_choice_does() {
    assert!(fits("MIT OR Apache-2.0") && fits("MIT/Apache-2.0") && fits("(MIT OR GPL-3.0) AND Unicode-3.0"));
    assert!(!fits("GPL-3.0") && !fits("MIT AND GPL-3.0"));
}

#[test]
fn everything_comes_from_the_registry() {
    for package in metadata().packages.iter().filter(|package| package.name != "calico-mesos-install") {
        let registry = package.source.as_ref().is_some_and(|source| source.is_crates_io());
        assert!(registry, "{} comes from {:?}", package.name, package.source);
    }
}

#[test]
fn every_dependency_has_a_reason_in_the_architecture() {
    let map =
        fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/architecture.md")).unwrap();
    let metadata = metadata();
    let package = metadata.packages.iter().find(|package| package.name == "calico-mesos-install").unwrap();
    let names: BTreeSet<&str> =
        package.dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
    let missing: Vec<&&str> = names.iter().filter(|name| !map.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "no reason is given for {missing:?}");
    assert!(package.dependencies.iter().all(|dependency| dependency.kind != DependencyKind::Unknown));
}

#[test]
fn every_dependency_is_used() {
    let metadata = metadata();
    let package = metadata.packages.iter().find(|package| package.name == "calico-mesos-install").unwrap();
    let code: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"))))
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .chain([concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs").into()])
        .filter_map(|path| fs_err::read_to_string(path).ok())
        .collect();
    let unused: Vec<&str> = package
        .dependencies
        .iter()
        .map(|dependency| dependency.name.as_str())
        .filter(|name| !code.contains(&format!("{}::", name.replace('-', "_"))))
        .collect();
    assert!(unused.is_empty(), "declared and never used: {unused:?}");
}
