//! What one package is built from, and the key that identifies it.

use super::distro::Distro;
use super::release::Release;
use super::source::{self, SourceFile};
use super::spec::{self, RenderedSpec};
use super::{BuildError, Request};
use crate::model::{Digest, PackageName};
use crate::repository::PackageBuild;

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
    /// What identifies all of these: the same key, the same RPMs.
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
        let sources = source::obtain(request.data, name, recipe, request.cache)?;
        let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
        let needs = jobs.iter().filter(|job| recipe.needs.contains(&job.package));
        let needs: Vec<_> = needs.map(|job| (job.package.clone(), job.key)).collect();
        let spec = spec::render(request.data, release, distro, name, &names)?;
        let key = key(name, &spec, &sources, &needs, distro, release.source_date_epoch);
        jobs.push(Job {
            package: (*name).clone(),
            version: recipe.version.clone(),
            stand_in: recipe.stand_in,
            spec,
            sources,
            needs,
            key,
        });
    }
    Ok(jobs)
}

fn key(
    package: &PackageName,
    spec: &RenderedSpec,
    sources: &[SourceFile],
    needs: &[(PackageName, Digest)],
    distro: &Distro,
    epoch: u64,
) -> Digest {
    let mut text = format!("tool {}\nepoch {epoch}\n", env!("CARGO_PKG_VERSION"));
    let mut add =
        |kind: &str, name: &str, digest: Digest| text.push_str(&format!("{kind} {name} {digest}\n"));
    add("spec", package.as_str(), Digest::of(&spec.text));
    spec.files.iter().for_each(|(name, bytes)| add("file", name, Digest::of(bytes)));
    sources.iter().for_each(|source| add("source", &source.name, source.digest));
    needs.iter().for_each(|(name, key)| add("needs", name.as_str(), *key));
    distro.macros.iter().for_each(|(name, value)| add("macro", name, Digest::of(value)));
    add("libdir", "", Digest::of(&distro.libdir));
    Digest::of(text)
}

impl Job {
    /// What `build.json` says of this package.
    pub(super) fn record(&self) -> PackageBuild {
        PackageBuild {
            version: self.version.clone(),
            stand_in: self.stand_in,
            key: self.key,
            sources: self.sources.iter().map(|source| (source.name.clone(), source.digest)).collect(),
            needs: self.needs.iter().cloned().collect(),
            rpms: Vec::new(),
        }
    }
}
