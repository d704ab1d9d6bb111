//! What must hold for every distribution profile: the same specs serve all of them.

use std::collections::BTreeMap;

use camino::Utf8Path;
use similar::TextDiff;

use super::backend::{Backend, place_macros};
use super::rpmbuild::macros;
use super::{Distro, Release, RenderedSpec, render, tools};
use crate::data::Data;
use crate::model::PackageName;
use crate::process;

/// The profile that the others are compared with.
const FIRST: &str = "debian12";

fn profiles(data: &Data) -> Vec<Distro> {
    data.stems("specs/distros", ".toml").map(|name| Distro::load(data, name).unwrap()).collect()
}

fn releases(data: &Data) -> Vec<Release> {
    data.stems("specs/releases", ".toml").map(|name| Release::load(data, name).unwrap()).collect()
}

/// The specs of a release as it is on a distribution.
fn specs(data: &Data, release: &Release, distro: &Distro) -> BTreeMap<PackageName, RenderedSpec> {
    let release = release.clone().on(distro);
    let render = |name: &&PackageName| {
        ((*name).clone(), render(data, &release, distro, name, &["source".to_owned()]).unwrap())
    };
    release.select(&[]).unwrap().iter().map(render).collect()
}

/// How specs differ, a paragraph a package; those that are the same are left out.
fn differences(
    from: &BTreeMap<PackageName, RenderedSpec>,
    to: &BTreeMap<PackageName, RenderedSpec>,
) -> String {
    let mut report = String::new();
    for package in from.keys().chain(to.keys().filter(|name| !from.contains_key(*name))) {
        match (from.get(package), to.get(package)) {
            (Some(from), Some(to)) if from.text == to.text => {}
            (Some(from), Some(to)) => {
                let diff = TextDiff::from_lines(&from.text, &to.text);
                let diff = diff.unified_diff().context_radius(0).to_string();
                let lines = diff.lines().filter(|line| !line.starts_with("@@"));
                report.push_str(&format!("## {package}\n"));
                lines.for_each(|line| report.push_str(&format!("{line}\n")));
            }
            (from, _) => {
                let is = if from.is_some() { "is not built" } else { "is built as well" };
                report.push_str(&format!("## {package} {is}\n"));
            }
        }
    }
    report
}

#[test]
fn every_spec_of_every_release_on_every_distribution() {
    let data = Data::built_in();
    let first = Distro::load(&data, FIRST).unwrap();
    let last = Release::load(&data, "0.28").unwrap();
    let newest = specs(&data, &last, &first);
    let whole = newest.iter().map(|(name, spec)| format!("## {name}\n{}\n", spec.text));
    insta::assert_snapshot!("0.28", whole.collect::<String>());
    let mut older = String::new();
    for release in releases(&data).iter().filter(|release| ["0.26", "0.27"].contains(&&*release.name)) {
        older.push_str(&format!("# {} against 0.28\n", release.name));
        older.push_str(&differences(&newest, &specs(&data, release, &first)));
    }
    insta::assert_snapshot!("older", older);
    for distro in profiles(&data).iter().filter(|distro| distro.id != FIRST) {
        let mut report = String::new();
        for release in releases(&data) {
            report.push_str(&format!("# {} against {FIRST}\n", release.name));
            report.push_str(&differences(&specs(&data, &release, &first), &specs(&data, &release, distro)));
        }
        insta::assert_snapshot!(&*distro.id, report);
    }
}

/// rpm itself reads every spec, with the macros that a build defines.
#[test]
fn rpm_can_parse_every_spec() {
    let data = Data::built_in();
    let folder = tempfile::tempdir().unwrap();
    let topdir = Utf8Path::from_path(folder.path()).unwrap();
    let sources = topdir.join("SOURCES");
    fs_err::create_dir_all(&sources).unwrap();
    fs_err::write(sources.join("source"), "").unwrap();
    for distro in profiles(&data) {
        for release in releases(&data) {
            for (package, spec) in specs(&data, &release, &distro) {
                for (name, bytes) in &spec.files {
                    fs_err::write(sources.join(name), bytes).unwrap();
                }
                let file = topdir.join(format!("{package}.spec"));
                fs_err::write(&file, &spec.text).unwrap();
                let mut command = process::program("rpmspec");
                for (name, value) in place_macros(topdir.as_str()).into_iter().chain(macros(&distro, 2)) {
                    command.arg("--define").arg(format!("{name} {value}"));
                }
                command.args(["--parse", file.as_str()]).current_dir(topdir);
                let parsed = process::capture(&mut command, "parsing a spec");
                let parsed = parsed.unwrap_or_else(|error| {
                    panic!("{package} of {} on {}: {error}", release.name, distro.id)
                });
                for left in ["%{_unitdir}", "%{_libdir}", "%{needs_root}", "%{reproducible_flags}"] {
                    assert!(
                        !parsed.contains(left),
                        "{package} of {} on {} leaves {left}",
                        release.name,
                        distro.id
                    );
                }
            }
        }
    }
}

/// Of every distribution it is known what the builds of real components need, and who cannot have the stand-ins.
#[test]
fn every_build_requirement_has_a_name_or_is_known_to_have_none() {
    let data = Data::built_in();
    for distro in profiles(&data) {
        for release in releases(&data) {
            let release = release.on(&distro);
            let checked = tools::check(&distro, Backend::Container, false, release.packages.values());
            let can_be_built = release.name != "lab" || distro.id == FIRST;
            let problem = checked.err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(
                !problem.contains("no package for"),
                can_be_built,
                "{} on {}",
                release.name,
                distro.id
            );
            assert!(!problem.contains("does not say"), "{problem}");
        }
    }
}

/// What hosts of these distributions say of themselves, and the profile that is for them.
#[test]
fn machines_are_recognised_by_what_they_say_of_themselves() {
    let data = Data::built_in();
    for (id, id_like, version_id, profile) in [
        ("debian", "", "12", Some("debian12")),
        ("centos", "rhel fedora", "7", Some("el7")),
        ("rhel", "fedora", "8.10", Some("el8")),
        ("rocky", "rhel centos fedora", "8.9", Some("el8")),
        ("ol", "fedora", "8.8", Some("el8")),
        // The default box of Vagrant.
        ("almalinux", "rhel centos fedora", "9.4", Some("el9")),
        ("centos", "rhel fedora", "9", Some("el9")),
        ("fedora", "", "43", Some("fedora")),
        ("rhel", "centos fedora", "10.0", None),
        ("ubuntu", "debian", "12", None),
        ("amzn", "centos rhel fedora", "2", None),
    ] {
        let text = format!("ID=\"{id}\"\nID_LIKE=\"{id_like}\"\nVERSION_ID=\"{version_id}\"\n");
        let found = Distro::recognise(&data, &text).ok().map(|distro| distro.id);
        assert_eq!(found.as_deref(), profile, "{id} {version_id}");
    }
}

/// ZooKeeper's client is the distribution's where it has one, and else what the source of Mesos carries: archive,
/// build requirement, patch and option of the configure script go together.
#[test]
fn what_a_distribution_lacks_comes_from_the_source_of_mesos() {
    let data = Data::built_in();
    for distro in profiles(&data) {
        for release in releases(&data).into_iter().filter(|release| release.name != "lab") {
            let release = release.on(&distro);
            let mesos = &release.packages["mesos"];
            let has = !distro.lacks.contains("zookeeper-c");
            let crate::sources::Source::Git { exclude, .. } = &mesos.sources["mesos"] else {
                panic!("no git")
            };
            let place = format!("{} on {}", release.name, distro.id);
            if let Some(thirdparty) = release.packages.get("mesos-thirdparty") {
                assert_eq!(thirdparty.sources, mesos.sources, "{place}: one archive for both");
            }
            assert_eq!(exclude.iter().any(|path| path.as_str().contains("zookeeper")), has, "{place}");
            assert_eq!(mesos.build_requires.contains("zookeeper-c"), has, "{place}");
            let spec =
                render(&data, &release, &distro, &"mesos".parse().unwrap(), &["s".to_owned()]).unwrap();
            assert_eq!(spec.files.contains_key("no-zookeeper-archive.patch"), has, "{place}");
            assert_eq!(spec.text.contains("--with-zookeeper"), has, "{place}");
            assert_eq!(spec.text.contains("bundled(zookeeper)"), !has, "{place}");
        }
    }
}
