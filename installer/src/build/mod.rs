//! Specs and sources → RPMs, repository metadata and `build.json`.
//!
//! ```text
//! release + distribution profile → sources → rendered specs → keys → rpmbuild → publish
//! ```
//!
//! [`build`] is the table of contents. It knows nothing of hosts and inventories.

mod definition;
mod distro;
mod error;
mod event;
mod job;
mod patch;
mod publish;
mod release;
mod rpmbuild;
mod run;
mod schedule;
mod spec;
mod tools;

pub use distro::{BuildRequire, Distro, Requires};
pub use error::BuildError;
pub use event::{Event, Reason, Summary};
pub use release::{Recipe, Release, Variant};
pub use spec::{RenderedSpec, render};

use camino::Utf8Path;

use crate::data::Data;
use crate::repository::PackageSet;
use crate::sources;
use publish::Place;
use run::Run;

/// What is to be built, and where it goes.
#[derive(Debug)]
pub struct Request<'a> {
    /// The data files.
    pub data: &'a Data,
    /// The release's name.
    pub release: &'a str,
    /// The packages; all of the release when there are none.
    pub packages: &'a [String],
    /// The distribution profile; the one that matches this machine when there is none.
    pub distro: Option<&'a str>,
    /// The folder of repositories.
    pub out: &'a Utf8Path,
    /// From where sources are taken.
    pub sources: &'a sources::Options,
    /// How many packages are built at once.
    pub jobs: usize,
}

/// Builds what has changed and publishes the repository.
///
/// # Errors
/// Something is wrong with the request or the data, the machine lacks something, or a package could not be built.
pub fn build(request: &Request<'_>, observe: &(dyn Fn(Event) + Sync)) -> Result<Summary, BuildError> {
    let release = Release::load(request.data, request.release)?;
    let distro = match request.distro {
        Some(name) => Distro::load(request.data, name)?,
        None => Distro::recognise(request.data, &os_release()?)?,
    };
    let release = release.on(&distro);
    let wanted = release.select(request.packages)?;
    tools::check(&distro, wanted.iter().filter_map(|name| release.packages.get(*name)))?;
    let place = Place::lock(request.out, &release.name, &distro.id, std::env::consts::ARCH)?;
    let old = PackageSet::open(&place.folder).ok();
    let selected = release.with_dependents(&wanted, |name| {
        old.as_ref().is_some_and(|set| set.manifest.builds.contains_key(name))
    });
    let jobs = job::prepare(request, &release, &distro, &selected)?;
    let run = Run::new(&place, &release, &distro, &jobs, old.as_ref());
    run.unchanged().for_each(|package| observe(Event::PackageUnchanged { package: package.clone() }));
    if run.has_work() {
        run.build(request.jobs, observe)?;
        run.publish()?;
        observe(Event::Published { folder: place.folder.clone() });
    }
    Ok(run.summary())
}

/// `/etc/os-release` of this machine.
fn os_release() -> Result<String, BuildError> {
    fs_err::read_to_string("/etc/os-release")
        .map_err(|source| BuildError::io("recognising this machine's distribution", source))
}
