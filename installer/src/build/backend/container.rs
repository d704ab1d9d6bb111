//! rpmbuild in a container of podman or docker: an image with what the builds need, and no network in the build.

use camino::Utf8Path;

use super::{CommandLine, Task, defines, macros_at};
use crate::build::distro::{Container, Distro};
use crate::model::Digest;

/// What runs containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::build) enum Engine {
    /// podman.
    Podman,
    /// docker.
    Docker,
}

impl Engine {
    /// Both, the one that needs no daemon first.
    pub(in crate::build) const ALL: [Self; 2] = [Self::Podman, Self::Docker];

    /// Its program.
    pub(in crate::build) fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }
}

/// Where the build's folder is inside the container.
const TOPDIR: &str = "/builddir";

/// How the image is made that has everything `packages` names: its name, the command that tells its identity when
/// it is there, and the one that makes it.
pub(in crate::build) fn prepare_image(
    engine: Engine,
    distro: &Distro,
    container: &Container,
    packages: &[String],
    folder: &Utf8Path,
) -> (String, CommandLine, CommandLine) {
    let mut file = format!("FROM {}\n", container.image);
    for command in &container.prepare {
        file.push_str(&format!("RUN {command}\n"));
    }
    file.push_str(&format!("RUN {} {}\n", distro.install, packages.join(" ")));
    let name = format!("calico-mesos-install/{}:{}", distro.id, Digest::of(&file).short());
    let inspect =
        CommandLine::new(&[engine.program(), "image", "inspect", "--format", "{{.Id}}", &name], folder);
    let path = folder.join("Containerfile");
    let mut build = CommandLine::new(
        &[engine.program(), "build", "--tag", &name, "--file", path.as_str(), folder.as_str()],
        folder,
    );
    build.file = Some((path, file));
    (name, inspect, build)
}

/// The command that builds in a container.
pub(super) fn command(engine: Engine, image: &str, user: (u32, u32), task: &Task<'_>) -> CommandLine {
    let volume = format!("{}:{TOPDIR}:Z", task.topdir);
    let epoch = format!("SOURCE_DATE_EPOCH={}", task.epoch);
    let home = format!("HOME={TOPDIR}");
    let mut words =
        vec![engine.program(), "run", "--rm", "--network=none", "--volume", &volume, "--workdir", TOPDIR];
    // podman maps root inside to the user outside; docker has to be told.
    let owner = format!("{}:{}", user.0, user.1);
    if engine == Engine::Docker && user.0 != 0 {
        words.extend(["--user", &owner]);
    }
    for variable in [epoch.as_str(), home.as_str(), "LC_ALL=C.UTF-8", "TZ=UTC"] {
        words.extend(["--env", variable]);
    }
    words.extend([image, "rpmbuild"]);
    let mut line = CommandLine::new(&words, task.topdir);
    let macros = macros_at(task, TOPDIR);
    line.arguments.extend(defines(macros.iter().map(|(name, value)| (name.as_str(), value.clone()))));
    line.arguments.extend(["-bb".to_owned(), format!("{TOPDIR}/SPECS/{}.spec", task.package)]);
    line
}

#[cfg(test)]
mod tests {
    use super::super::tests::{shown, task};
    use super::*;
    use crate::data::Data;

    #[test]
    fn the_container_has_the_folder_and_no_network() {
        let macros = [("_libdir".to_owned(), "/usr/lib64".to_owned())];
        let line = command(Engine::Podman, "calico-mesos-install/el8:1", (1000, 1000), &task(&macros));
        insta::assert_snapshot!(shown(&line), @"
        in /out/.work/mesos
        podman
        run
        --rm
        --network=none
        --volume
        /out/.work/mesos:/builddir:Z
        --workdir
        /builddir
        --env
        SOURCE_DATE_EPOCH=1464739200
        --env
        HOME=/builddir
        --env
        LC_ALL=C.UTF-8
        --env
        TZ=UTC
        calico-mesos-install/el8:1
        rpmbuild
        --define
        _topdir /builddir
        --define
        _tmppath /builddir/tmp
        --define
        needs_root /builddir/root
        --define
        reproducible_flags -ffile-prefix-map=/builddir=/usr/src
        --define
        _libdir /usr/lib64
        -bb
        /builddir/SPECS/mesos.spec
        ");
        let docker = command(Engine::Docker, "i", (1000, 100), &task(&macros));
        let at = docker.arguments.iter().position(|word| word == "--user").unwrap();
        assert_eq!(docker.arguments[at + 1], "1000:100");
        assert!(
            !command(Engine::Docker, "i", (0, 0), &task(&macros)).arguments.contains(&"--user".to_owned())
        );
    }

    #[test]
    fn the_image_has_what_the_builds_need() {
        let distro = Distro::load(&Data::built_in(), "debian12").unwrap();
        let packages = ["g++".to_owned(), "rpm".to_owned()];
        let container = distro.container.clone().unwrap();
        let (name, inspect, build) =
            prepare_image(Engine::Podman, &distro, &container, &packages, Utf8Path::new("/scratch"));
        insta::assert_snapshot!(format!("{name}\n{}{}", shown(&inspect), shown(&build)), @"
        calico-mesos-install/debian12:b265f991b43f
        in /scratch
        podman
        image
        inspect
        --format
        {{.Id}}
        calico-mesos-install/debian12:b265f991b43f
        in /scratch
        podman
        build
        --tag
        calico-mesos-install/debian12:b265f991b43f
        --file
        /scratch/Containerfile
        /scratch
        -- /scratch/Containerfile
        FROM docker.io/library/debian:12
        RUN apt-get update
        RUN apt-get install -y g++ rpm
        ");
    }
}
