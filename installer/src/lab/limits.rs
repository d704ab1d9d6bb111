//! The one limit of this machine that a lab runs into: how many inotify instances a user may have.
//!
//! Every host's systemd takes some, and all hosts run as this machine's root. Beyond the limit hosts boot halfway, or
//! not at all, with nothing on their consoles; so it is looked at beforehand.

use std::os::unix::fs::MetadataExt as _;

use walkdir::WalkDir;

use super::Error;

/// How many of root's instances a booted host has: systemd three, logind one; and one to spare.
const A_HOST: usize = 5;

const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";

/// Refuses to boot more hosts than there are instances for.
///
/// # Errors
///
/// [`Error::Inotify`], or the limit cannot be read.
pub(super) fn check(hosts: usize) -> Result<(), Error> {
    let text = fs_err::read_to_string(LIMIT).map_err(Error::io("looking at this machine's limits"))?;
    let limit = text.trim().parse().unwrap_or(usize::MAX);
    compare(hosts, used(), limit)
}

fn compare(hosts: usize, used: usize, limit: usize) -> Result<(), Error> {
    let needed = used + hosts * A_HOST;
    if hosts == 0 || needed <= limit {
        return Ok(());
    }
    // Room for as much again, in round numbers.
    Err(Error::Inotify { hosts, used, limit, enough: (2 * needed).next_multiple_of(512) })
}

/// How many instances root's processes have. Other users, dbus' among them, have limits of their own.
fn used() -> usize {
    let files = WalkDir::new("/proc").min_depth(3).max_depth(3).into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        match entry.depth() {
            1 => {
                name.bytes().all(|byte| byte.is_ascii_digit())
                    && entry.metadata().is_ok_and(|process| process.uid() == 0)
            }
            2 => name == "fd",
            _ => true,
        }
    });
    let target = |file: &walkdir::DirEntry| fs_err::read_link(file.path()).unwrap_or_default();
    files.flatten().filter(|file| target(file).as_os_str() == "anon_inode:inotify").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_hosts_are_refused_with_what_helps() {
        assert!(compare(10, 78, 128).is_ok());
        assert!(compare(0, 128, 128).is_ok());
        insta::assert_snapshot!(compare(10, 79, 128).unwrap_err(), @"
        10 more hosts do not fit on this machine: it allows 128 inotify instances, of which 79 are in use
        allow more with `sysctl -w fs.inotify.max_user_instances=512`, or take another lab away first
        ");
    }

    #[test]
    fn instances_are_counted() {
        let before = used();
        // Other tests and programs come and go; of a few dozen, most are there to be counted.
        let mine: Vec<_> = (0..20)
            .filter_map(|_| rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).ok())
            .collect();
        assert!(used() + 10 >= before + mine.len());
        assert!(used() >= mine.len());
    }
}
