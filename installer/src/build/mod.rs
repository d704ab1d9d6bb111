//! Specs and sources → RPMs, repository metadata and `build.json`.
//!
//! ```text
//! release + distribution profile → sources → rendered specs → keys → rpmbuild → publish
//! ```
//!
//! [`build`] is the table of contents. It knows nothing of hosts and inventories.

mod backend;
mod budget;
mod compatibility;
mod definition;
mod diagnosis;
mod distro;
mod environment;
mod error;
mod event;
mod explain;
mod header;
mod job;
mod kept;
mod lint;
mod metadata;
mod patch;
#[cfg(test)]
mod profiles;
mod provenance;
mod publish;
mod release;
mod requires;
mod rpmbuild;
mod run;
mod sbom;
mod schedule;
mod sign;
mod space;
mod spec;
mod start;
mod tools;
mod verify;
mod watch;

pub use backend::Backend;
pub use compatibility::Compatibility;
pub use distro::{BuildRequire, Container, Distro, PackageManager, Requires};
pub use error::{BuildError, FailedPackage};
pub use event::{Event, Reason, Summary};
pub use explain::Difference;
pub use release::{Recipe, Release, Variant};
pub use spec::{RenderedSpec, render};
pub use verify::verify;
pub use watch::{Progress, Step};

use std::sync::atomic::AtomicBool;

use camino::Utf8Path;

use crate::data::Data;
use crate::repository::PackageSet;
use crate::sources;
use job::Surroundings;
use publish::Place;
use run::{Run, Setting};
use sign::Signer;

/// What is to be built, and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The data files.
    pub data: &'a Data,
    /// The release's name.
    pub release: &'a str,
    /// The packages; all of the release when there are none.
    pub packages: &'a [String],
    /// Packages of which is told why they would be built; nothing is built then.
    pub explain: &'a [String],
    /// The distribution profile; the one that matches this machine when there is none.
    pub distro: Option<&'a str>,
    /// The folder of repositories.
    pub out: &'a Utf8Path,
    /// From where sources are taken.
    pub sources: &'a sources::Options,
    /// Where packages are built.
    pub backend: Backend,
    /// How many packages are built at once; as many as there are cores and memory for when there is none.
    pub jobs: Option<usize>,
    /// Bytes of memory that compilers may take; what is available when there is none.
    pub memory: Option<u64>,
    /// The key that signs packages and metadata, as gpg knows it.
    pub sign: Option<&'a str>,
    /// Where hosts will find the folder of repositories, for the file that tells dnf.
    pub base_url: Option<&'a str>,
    /// Ends the run when it is set.
    pub cancel: &'a AtomicBool,
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
    release.check_overrides(request.sources)?;
    let named = if request.explain.is_empty() { request.packages } else { request.explain };
    let (meant, left_out) = release.meant(named, request.sources);
    left_out.into_iter().for_each(|message| observe(Event::Note { message }));
    let wanted = release.select(&meant)?;
    let recipes = wanted.iter().filter_map(|name| release.packages.get(*name));
    tools::check(&distro, request.backend, request.sign.is_some(), recipes)?;
    let signer = request.sign.map(Signer::find).transpose()?;
    let place = Place::lock(request.out, &release.name, &distro.id, std::env::consts::ARCH)?;
    let old = PackageSet::open(&place.folder).ok();
    let selected = release.with_dependents(&wanted, |name| {
        old.as_ref().is_some_and(|set| set.manifest.builds.contains_key(name))
    });
    let (builder, installed) = start::builder(request, &release, &distro, &selected)?;
    let around = Surroundings { installed: installed.as_ref(), backend: builder.input() };
    let jobs = job::prepare(request, &release, &distro, &selected, &around)?;
    let run = Run::new(
        Setting {
            request,
            place: &place,
            release: &release,
            distro: &distro,
            builder: &builder,
            signer: signer.as_ref(),
            old: old.as_ref(),
        },
        &jobs,
    );
    if !request.explain.is_empty() {
        run.explain(request.explain, observe);
        return Ok(run.summary());
    }
    run.unchanged().for_each(|package| observe(Event::PackageUnchanged { package: package.clone() }));
    if run.must_publish() {
        start::agree_on_signature(&place, old.as_ref(), signer.as_ref())?;
        start::warn(&builder, observe);
        run.build(observe)?;
        run.publish()?;
        observe(Event::Published { folder: place.folder.clone() });
    }
    Ok(run.summary())
}

/// `/etc/os-release` of this machine.
///
/// # Errors
/// It cannot be read.
pub fn os_release() -> Result<String, BuildError> {
    fs_err::read_to_string("/etc/os-release")
        .map_err(|source| BuildError::io("recognising this machine's distribution", source))
}
