//! What one package is built from, and the key that identifies it.

use std::collections::BTreeMap;

use super::distro::Distro;
use super::release::{Recipe, Release};
use super::spec::{self, RenderedSpec};
use super::{BuildError, Request};
use crate::model::{Digest, PackageName};
use crate::repository::PackageBuild;
use crate::sources::{self, SourceFile, Wanted};

/// Everything that one package is built from.
#[derive(Debug)]
pub(super) struct Job {
    /// The package.
    pub(super) package: PackageName,
    /// The component's version.
    pub(super) version: String,
    /// Whether it is a stand-in.
    pub(super) stand_in: bool,
    /// Its spec and the files beside it.
    pub(super) spec: RenderedSpec,
    /// Its sources.
    pub(super) sources: Vec<SourceFile>,
    /// The packages that it needs, each with its key.
    pub(super) needs: Vec<(PackageName, Digest)>,
    /// Everything that decides what comes out, by what people call it.
    pub(super) inputs: BTreeMap<String, String>,
    /// The inputs' digest: the same key, the same RPMs.
    pub(super) key: Digest,
}

/// Obtains the sources and renders the spec of each of `packages`, which must come after those that they need.
pub(super) fn prepare(
    request: &Request<'_>,
    release: &Release,
    distro: &Distro,
    packages: &[&PackageName],
) -> Result<Vec<Job>, BuildError> {
    let mut jobs: Vec<Job> = Vec::new();
    for name in packages {
        let Some(recipe) = release.packages.get(*name) else { continue };
        let mut sources = Vec::new();
        for (source_name, source) in &recipe.sources {
            let wanted = Wanted { package: name, version: &recipe.version, name: source_name, source };
            sources.extend(sources::obtain(request.data, &wanted, request.sources)?);
        }
        let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
        let needs = jobs.iter().filter(|job| recipe.needs.contains(&job.package));
        let needs: Vec<_> = needs.map(|job| (job.package.clone(), job.key)).collect();
        let spec = spec::render(request.data, release, distro, name, &names)?;
        let inputs = inputs(recipe, &spec, &sources, &needs, distro, release.source_date_epoch);
        let key = key(name, &inputs);
        jobs.push(Job {
            package: (*name).clone(),
            version: recipe.version.clone(),
            stand_in: recipe.stand_in,
            spec,
            sources,
            needs,
            inputs,
            key,
        });
    }
    Ok(jobs)
}

/// Everything that decides what comes out, by what people call it. Two builds with equal inputs yield equal RPMs.
fn inputs(
    recipe: &Recipe,
    spec: &RenderedSpec,
    sources: &[SourceFile],
    needs: &[(PackageName, Digest)],
    distro: &Distro,
    epoch: u64,
) -> BTreeMap<String, String> {
    let mut inputs = BTreeMap::new();
    let mut add = |kind: &str, name: &str, value: String| {
        inputs.insert(format!("{kind} {name}").trim_end().to_owned(), value);
    };
    add("tool", "", env!("CARGO_PKG_VERSION").to_owned());
    add("time stamp", "", epoch.to_string());
    add("version", "", recipe.version.clone());
    add("spec", "", Digest::of(&spec.text).to_string());
    spec.files.iter().for_each(|(name, bytes)| add("file", name, Digest::of(bytes).to_string()));
    sources.iter().for_each(|source| add("source", &source.name, source.digest.to_string()));
    needs.iter().for_each(|(name, key)| add("package", name.as_str(), key.to_string()));
    distro.macros.iter().for_each(|(name, value)| add("macro", name, value.clone()));
    add("macro", "_libdir", distro.libdir.clone());
    inputs
}

/// The digest of all inputs: what identifies a build.
fn key(package: &PackageName, inputs: &BTreeMap<String, String>) -> Digest {
    let lines: String = inputs.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    Digest::of(format!("{package}\n{lines}"))
}

impl Job {
    /// What `build.json` says of this package.
    pub(super) fn record(&self) -> PackageBuild {
        PackageBuild {
            version: self.version.clone(),
            stand_in: self.stand_in,
            key: self.key,
            inputs: self.inputs.clone(),
            needs: self.needs.iter().cloned().collect(),
            rpms: Vec::new(),
        }
    }
}
