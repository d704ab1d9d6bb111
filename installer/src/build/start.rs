//! How a run begins: the back end made ready, and what the operator is told before anything is built.

use camino::Utf8Path;

use super::backend::{Backend, Builder, CommandLine, Isolation, mock_config, prepare_image};
use super::distro::Distro;
use super::environment::{self, Installed};
use super::publish::Place;
use super::release::Release;
use super::sign::Signer;
use super::{BuildError, Event, Request, job, tools};
use crate::model::PackageName;
use crate::process;
use crate::repository::PackageSet;

/// The back end that was asked for, and what is installed where it builds, as far as that is known before.
///
/// # Errors
/// It is not here, or its image cannot be made.
pub(super) fn builder(
    request: &Request<'_>,
    release: &Release,
    distro: &Distro,
    selected: &[&PackageName],
) -> Result<(Builder, Option<Installed>), BuildError> {
    match request.backend {
        Backend::Host => {
            Ok((Builder::Host(Isolation::find()), Some(Installed::ask(distro.package_manager)?)))
        }
        Backend::Mock => {
            tools::mock()?;
            Ok((Builder::Mock(mock_config(distro, std::env::consts::ARCH)?), None))
        }
        Backend::Container => container(release, distro, selected),
    }
}

/// A container's image with everything that the builds need, made unless it is there.
fn container(
    release: &Release,
    distro: &Distro,
    selected: &[&PackageName],
) -> Result<(Builder, Option<Installed>), BuildError> {
    let engine = tools::engine()?;
    let container = distro.container.as_ref().ok_or_else(|| BuildError::File {
        file: distro.file.clone(),
        problem: "has no `[container]` with an `image` to build in\n\
                  add it, or build with --backend host or mock"
            .to_owned(),
    })?;
    let recipes = selected.iter().filter_map(|name| release.packages.get(*name));
    let mut packages: Vec<String> = recipes.flat_map(|recipe| job::packages_of(recipe, distro)).collect();
    packages.sort();
    packages.dedup();
    let scratch =
        tempfile::tempdir().map_err(|source| BuildError::io("making a folder for an image", source))?;
    let folder = Utf8Path::from_path(scratch.path()).unwrap_or(Utf8Path::new("/nonexistent"));
    let (image, inspect, make) = prepare_image(engine, distro, container, &packages, folder);
    if process::capture(&mut inspect.command(), "looking for the image").is_err() {
        if let Some((path, text)) = &make.file {
            fs_err::write(path, text).map_err(|source| BuildError::io(format!("writing {path}"), source))?;
        }
        process::capture(&mut make.command(), &format!("making the image {image} to build in"))?;
    }
    let user = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let builder = Builder::Container { engine, image: image.clone(), user };
    let (program, arguments) = environment::question(distro.package_manager);
    let mut ask =
        CommandLine::new(&[engine.program(), "run", "--rm", "--network=none", &image, program], folder);
    ask.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    let text = process::capture(&mut ask.command(), "asking what the image has installed")?;
    Ok((builder, Some(Installed::read(distro.package_manager, &text))))
}

/// Packages of a signed repository are all signed, by one key.
///
/// # Errors
/// The repository is signed, and this run has no key.
pub(super) fn agree_on_signature(
    place: &Place,
    old: Option<&PackageSet>,
    signer: Option<&Signer>,
) -> Result<(), BuildError> {
    match (old.and_then(|set| set.manifest.signed_by.clone()), signer) {
        (Some(fingerprint), None) => Err(BuildError::Unsigned { folder: place.folder.clone(), fingerprint }),
        _ => Ok(()),
    }
}

/// Tells once what is not as it should be where packages are built.
pub(super) fn warn(builder: &Builder, observe: &(dyn Fn(Event) + Sync)) {
    let Builder::Host(isolation) = builder else { return };
    let warn = |message: &str| observe(Event::Warning { message: message.to_owned() });
    if rustix::process::geteuid().is_root() {
        warn(
            "packages are built as root on this machine, so a spec or makefile can change anything here: \
             build as another user, or with --backend mock or container",
        );
    }
    if *isolation == Isolation::None {
        warn(
            "the kernel allows no namespaces here, so builds can reach the network, and their processes may outlive \
             an interrupted run: build with --backend mock or container",
        );
    }
}
