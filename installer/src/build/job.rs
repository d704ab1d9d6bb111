//! What one package is built from, and the key that identifies it.

use std::collections::{BTreeMap, BTreeSet};

use super::distro::{Distro, SYSTEMD_MACROS};
use super::environment::{Environment, Installed};
use super::release::{Recipe, Release};
use super::spec::{self, RenderedSpec};
use super::{BuildError, Request};
use crate::model::{Digest, PackageName};
use crate::repository::{PackageBuild, SourceRecord};
use crate::sources::{self, SourceError, SourceFile, Wanted};

/// The name of the input that stands for everything that is installed; see [`Job::environment`].
pub(super) const ENVIRONMENT: &str = "environment";

/// What every build uses, by the names of the profile: what it makes depends on their versions.
const ALWAYS: [&str; 3] = ["rpmbuild", "tar", SYSTEMD_MACROS];

/// Everything that one package is built from.
#[derive(Debug)]
pub(super) struct Job {
    /// The package.
    pub(super) package: PackageName,
    /// The component's version.
    pub(super) version: String,
    /// Whether it is a stand-in.
    pub(super) stand_in: bool,
    /// Whether anything is compiled.
    pub(super) compiles: bool,
    /// Its spec and the files beside it.
    pub(super) spec: RenderedSpec,
    /// Its sources.
    pub(super) sources: Vec<SourceFile>,
    /// The packages that it needs, each with its key.
    pub(super) needs: Vec<(PackageName, Digest)>,
    /// The distribution's packages that the build uses.
    pub(super) packages: Vec<String>,
    /// What is installed of them, and of what they stand on. Empty where that is known only after the build.
    pub(super) environment: Environment,
    /// Everything that decides what comes out, by what people call it.
    pub(super) inputs: BTreeMap<String, String>,
    /// The inputs' digest: the same key, the same RPMs.
    pub(super) key: Digest,
}

/// Where the packages are built, as far as it decides what comes out.
pub(super) struct Surroundings<'a> {
    /// What is installed on this machine; `None` when packages are built elsewhere.
    pub(super) installed: Option<&'a Installed>,
    /// What the back end says of itself.
    pub(super) backend: Option<String>,
}

/// Obtains the sources and renders the spec of each of `packages`, which must come after those that they need.
pub(super) fn prepare(
    request: &Request<'_>,
    release: &Release,
    distro: &Distro,
    packages: &[&PackageName],
    around: &Surroundings<'_>,
) -> Result<Vec<Job>, BuildError> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut obtained = obtain(request, release, packages)?;
    for name in packages {
        let Some(recipe) = release.packages.get(*name) else { continue };
        let sources = obtained.remove(name).unwrap_or_default();
        let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
        let needs = jobs.iter().filter(|job| recipe.needs.contains(&job.package));
        let needs: Vec<_> = needs.map(|job| (job.package.clone(), job.key)).collect();
        let spec = spec::render(request.data, release, distro, name, &names)?;
        let packages = packages_of(recipe, distro);
        let environment = around
            .installed
            .map(|installed| installed.closure(packages.iter().map(String::as_str)))
            .unwrap_or_default();
        let mut job = Job {
            package: (*name).clone(),
            version: recipe.version.clone(),
            stand_in: recipe.stand_in,
            compiles: recipe.build_requires.contains("c++") || recipe.build_requires.contains("make"),
            spec,
            sources,
            needs,
            packages,
            environment,
            inputs: BTreeMap::new(),
            key: Digest::of(""),
        };
        job.inputs = inputs(&job, distro, release.source_date_epoch, around.backend.clone());
        job.key = key(name, &job.inputs);
        jobs.push(job);
    }
    Ok(jobs)
}

/// The sources of each package. What cannot be had is told of all at once; who cannot be reached, of the first.
fn obtain<'a>(
    request: &Request<'_>,
    release: &Release,
    packages: &[&'a PackageName],
) -> Result<BTreeMap<&'a PackageName, Vec<SourceFile>>, BuildError> {
    let mut obtained: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut missing = Vec::new();
    for package in packages {
        let Some(recipe) = release.packages.get(*package) else { continue };
        for (name, source) in &recipe.sources {
            let wanted = Wanted { package, version: &recipe.version, name, source };
            match sources::obtain(request.data, &wanted, request.sources) {
                Ok(files) => obtained.entry(*package).or_default().extend(files),
                Err(error @ SourceError::Unavailable { .. }) => missing.push(error),
                Err(error) => return Err(error.into()),
            }
        }
    }
    match missing.len() {
        0 => Ok(obtained),
        _ => Err(BuildError::Sources(missing)),
    }
}

/// The distribution's packages that a build of `recipe` uses.
pub(super) fn packages_of(recipe: &Recipe, distro: &Distro) -> Vec<String> {
    let names = ALWAYS.into_iter().chain(recipe.build_requires.iter().map(String::as_str));
    let packages = names.filter_map(|name| distro.build_requires.get(name));
    packages.map(|require| require.package.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Everything that decides what comes out, by what people call it. Two builds with equal inputs yield equal RPMs.
fn inputs(job: &Job, distro: &Distro, epoch: u64, backend: Option<String>) -> BTreeMap<String, String> {
    let mut inputs = BTreeMap::new();
    let mut add = |kind: &str, name: &str, value: String| {
        inputs.insert(format!("{kind} {name}").trim_end().to_owned(), value);
    };
    add("tool", "", env!("CARGO_PKG_VERSION").to_owned());
    add("time stamp", "", epoch.to_string());
    add("version", "", job.version.clone());
    add("spec", "", Digest::of(&job.spec.text).to_string());
    for (name, bytes) in &job.spec.files {
        let kind = if name.ends_with(".patch") { "patch" } else { "file" };
        add(kind, name, Digest::of(bytes).to_string());
    }
    job.sources.iter().for_each(|source| add("source", &source.name, source.digest.to_string()));
    job.needs.iter().for_each(|(name, key)| add("package", name.as_str(), key.to_string()));
    distro.macros.iter().for_each(|(name, value)| add("macro", name, value.clone()));
    add("macro", "_libdir", distro.libdir.clone());
    if let Some(backend) = backend {
        add("back end", "", backend);
    }
    if !job.environment.is_empty() {
        let lines: String =
            job.environment.iter().map(|(name, version)| format!("{name} {version}\n")).collect();
        add(ENVIRONMENT, "", Digest::of(lines).to_string());
    }
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
        let sources = self.sources.iter().map(|source| SourceRecord {
            name: source.name.clone(),
            uri: source.origin.uri.clone(),
            sha256: source.digest,
        });
        let patches = self.spec.files.iter().filter(|(name, _)| name.ends_with(".patch"));
        let patches = patches.map(|(name, bytes)| SourceRecord {
            name: name.clone(),
            uri: format!("specs/patches/{}/{name}", self.package),
            sha256: Digest::of(bytes),
        });
        PackageBuild {
            stand_in: self.stand_in,
            inputs: self.inputs.clone(),
            environment: self.environment.clone(),
            sources: sources.chain(patches).collect(),
            needs: self.needs.iter().cloned().collect(),
            ..PackageBuild::new(&self.version, self.key)
        }
    }
}
