//! Where a package is built: on this machine, in mock's chroot, or in a container. Same spec, same result.
//!
//! The command lines are pure functions; [`super::rpmbuild`] runs them.

mod container;
mod host;
mod mock;

pub(super) use container::{Engine, prepare_image};
pub(super) use host::Isolation;

use camino::{Utf8Path, Utf8PathBuf};

use super::BuildError;
use super::distro::Distro;
use crate::process;

/// Where packages are built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backend {
    /// With rpmbuild on this machine.
    #[default]
    Host,
    /// In a chroot of mock.
    Mock,
    /// In a container of podman or docker.
    Container,
}

/// A back end that is there and ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Builder {
    /// This machine.
    Host(Isolation),
    /// mock, with its name of distribution and architecture.
    Mock(String),
    /// A container.
    Container {
        /// podman or docker.
        engine: Engine,
        /// The image with everything that the builds need.
        image: String,
        /// The user of this process, who shall own what is built.
        user: (u32, u32),
    },
}

/// What one build is told, the same for every back end.
#[derive(Debug)]
pub(super) struct Task<'a> {
    /// The package.
    pub(super) package: &'a str,
    /// rpmbuild's `_topdir` on this machine.
    pub(super) topdir: &'a Utf8Path,
    /// The source RPM.
    pub(super) source_rpm: &'a Utf8Path,
    /// The macros that do not depend on where it is built.
    pub(super) macros: &'a [(String, String)],
    /// The time stamp of everything inside the package.
    pub(super) epoch: u64,
    /// The folder of ccache, where it is used.
    pub(super) ccache: Option<&'a Ccache>,
    /// What the build needs, as the distribution's packages.
    pub(super) packages: &'a [String],
}

/// ccache on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ccache {
    /// The folder with the compilers' names in it, all of which are ccache.
    pub(super) compilers: Utf8PathBuf,
    /// Where it keeps what was compiled.
    pub(super) folder: Utf8PathBuf,
}

/// A program with its arguments, what its environment has in addition, and where it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: Utf8PathBuf,
    /// A file that it reads, by path.
    pub(super) file: Option<(Utf8PathBuf, String)>,
}

impl CommandLine {
    pub(super) fn new(words: &[&str], folder: &Utf8Path) -> Self {
        let mut words = words.iter().map(|word| (*word).to_owned());
        Self {
            program: words.next().unwrap_or_default(),
            arguments: words.collect(),
            environment: Vec::new(),
            folder: folder.to_owned(),
            file: None,
        }
    }

    /// The command, ready to be run.
    pub(super) fn command(&self) -> std::process::Command {
        let mut command = process::program(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().cloned()).current_dir(&self.folder);
        command
    }
}

impl Builder {
    /// The command that builds a package's RPMs; they come to lie below the task's `topdir`.
    pub(super) fn command(&self, task: &Task<'_>) -> CommandLine {
        match self {
            Self::Host(isolation) => host::command(*isolation, task),
            Self::Mock(config) => mock::command(config, task),
            Self::Container { engine, image, user, .. } => container::command(*engine, image, *user, task),
        }
    }

    /// What a cache key must say of it; nothing on this machine, whose packages are inputs of their own.
    pub(super) fn input(&self) -> Option<String> {
        match self {
            Self::Host(_) => None,
            Self::Mock(config) => Some(format!("mock {config}")),
            Self::Container { image, .. } => Some(format!("container {image}")),
        }
    }

    /// What people call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Host(_) => "host",
            Self::Mock(_) => "mock",
            Self::Container { engine, .. } => engine.program(),
        }
    }
}

/// mock's configuration for `distro` and `arch`.
///
/// # Errors
/// The profile has none.
pub(super) fn mock_config(distro: &Distro, arch: &str) -> Result<String, BuildError> {
    let name = distro.mock.as_ref().ok_or_else(|| BuildError::File {
        file: distro.file.clone(),
        problem: "has no `mock`, the name of the distribution in /etc/mock\n\
                  add it, or build with --backend host or container"
            .to_owned(),
    })?;
    Ok(format!("{name}-{arch}"))
}

/// `--define` for each macro.
fn defines<'a>(macros: impl IntoIterator<Item = (&'a str, String)>) -> impl Iterator<Item = String> {
    macros.into_iter().flat_map(|(name, value)| ["--define".to_owned(), format!("{name} {value}")])
}

/// The macros of a build below `topdir`: the task's, and those that say where things are.
fn macros_at(task: &Task<'_>, topdir: &str) -> Vec<(String, String)> {
    let mut macros = place_macros(topdir);
    macros.extend(task.macros.iter().cloned());
    macros
}

/// The macros that say where things are.
pub(super) fn place_macros(topdir: &str) -> Vec<(String, String)> {
    [
        ("_topdir", topdir.to_owned()),
        ("_tmppath", format!("{topdir}/tmp")),
        // Where the packages that this one needs are unpacked: `%{needs_root}/usr/include`.
        ("needs_root", format!("{topdir}/root")),
        // The same bytes wherever they are built.
        ("reproducible_flags", format!("-ffile-prefix-map={topdir}=/usr/src")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn task(macros: &[(String, String)]) -> Task<'_> {
        Task {
            package: "mesos",
            topdir: Utf8Path::new("/out/.work/mesos"),
            source_rpm: Utf8Path::new("/out/.work/mesos/SRPMS/mesos-0.28.2-1.src.rpm"),
            macros,
            epoch: 1_464_739_200,
            ccache: None,
            packages: &[],
        }
    }

    /// One word a line, as a person would type them.
    pub(super) fn shown(line: &CommandLine) -> String {
        let mut text = format!("in {}\n", line.folder);
        for (name, value) in &line.environment {
            text.push_str(&format!("{name}={value}\n"));
        }
        let words = std::iter::once(&line.program).chain(&line.arguments);
        text.push_str(&words.map(|word| format!("{word}\n")).collect::<String>());
        if let Some((path, content)) = &line.file {
            text.push_str(&format!("-- {path}\n{content}"));
        }
        text
    }
}
