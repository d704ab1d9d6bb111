//! What is wrong with a repository, and what to do about it.

use camino::Utf8PathBuf;

/// Why packages cannot be had from a repository. The text carries the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Nothing was built.
    #[error(
        "{folder} has no packages of release `{release}`\n\
         Build them: calico-mesos-install build --release {release} --out {folder}"
    )]
    Empty {
        /// The repository.
        folder: Utf8PathBuf,
        /// The release.
        release: String,
    },
    /// A file cannot be read.
    #[error("reading {file} failed\nBuild the packages again if it is damaged: calico-mesos-install build")]
    Read {
        /// The file.
        file: Utf8PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A `build.json` is not one.
    #[error("{file} is not a build manifest\nDelete its folder and build the packages again.")]
    Manifest {
        /// The file.
        file: Utf8PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// An RPM is not the one that was built.
    #[error(
        "{file} is not the package that was built: its {what} is {found}, but build.json says {expected}\n\
         Build it again, or copy the repository anew from where it was built."
    )]
    Differs {
        /// The RPM.
        file: Utf8PathBuf,
        /// `size` or `SHA-256`.
        what: &'static str,
        /// What was found.
        found: String,
        /// What `build.json` says.
        expected: String,
    },
    /// The packages of a set do not belong together.
    #[error(
        "the packages in {folder} are not from one build: {problem}\n\
         Build them again into that folder, or copy the repository anew from where it was built.\n\
         To install them all the same, give --allow-mixed-builds."
    )]
    Mixed {
        /// The set's folder.
        folder: Utf8PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// No set is for this host.
    #[error(
        "release `{release}` in {folder} has no packages for {host}; there are packages for {known}\n\
         Build them with the profile of that distribution: calico-mesos-install build --release {release} \
         --distro PROFILE --out {folder}"
    )]
    NoSet {
        /// The repository.
        folder: Utf8PathBuf,
        /// The release.
        release: String,
        /// The host's distribution and architecture.
        host: String,
        /// The sets that exist.
        known: String,
    },
}
