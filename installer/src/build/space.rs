//! Whether there is room for what is to be built, looked at before anything is.

use camino::Utf8Path;

use super::BuildError;
use super::job::Job;

/// How many times its sources a package takes that compiles: objects of C++ with templates are large. Mesos 0.28
/// takes 2.4 GiB with sources of 60 MiB.
const COMPILED: u64 = 40;

/// How many times its sources any other package takes: unpacked, below the build root, packed again.
const COPIED: u64 = 8;

/// What every build takes, in bytes.
const ALWAYS: u64 = 16 << 20;

/// There is room in `folder` for building `jobs`, of whose sources `size` tells the bytes.
///
/// # Errors
/// How much there is and how much is needed.
pub(super) fn check<'a>(folder: &Utf8Path, jobs: impl Iterator<Item = &'a Job>) -> Result<(), BuildError> {
    let needed = jobs
        .map(|job| {
            let sources: u64 = job.sources.iter().map(|source| source.size()).sum();
            ALWAYS + sources * if job.compiles { COMPILED } else { COPIED }
        })
        .sum();
    let stat = rustix::fs::statvfs(folder.as_std_path())
        .map_err(|error| BuildError::io(format!("asking how much room {folder} has"), error.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free >= needed {
        return Ok(());
    }
    Err(BuildError::NoSpace { folder: folder.to_owned(), free, needed })
}
