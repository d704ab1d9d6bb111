//! Control groups: each host's systemd needs a part of the tree for itself.
//!
//! systemd-nspawn, told to keep to the control group that it was started in, makes the host's groups below that.
//! Two hosts started from one group would share them, and stopping a unit in one would stop it in the other.
//! The same holds for every controller of version 1, whose groups Docker and Mesos make by themselves: with groups
//! of its own in each, a host cannot touch what another one runs.
//! The groups are made below the one that this process is in, so that its limits hold for the hosts, too.

use std::io::ErrorKind;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use walkdir::WalkDir;

use super::Error;
use super::names::LabId;
use super::wait::{self, Seen};

/// A hierarchy: where it is mounted, and where this process is in it.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    mount: Utf8PathBuf,
    own: Utf8PathBuf,
    /// Whether it is one of version 1.
    is_old: bool,
}

/// Makes the host's control groups and returns them.
///
/// # Errors
///
/// They cannot be made.
pub(super) fn make(id: &LabId, host: &str) -> Result<Vec<Utf8PathBuf>, Error> {
    let mut groups = Vec::new();
    for hierarchy in hierarchies()? {
        let group = hierarchy.own.join(id.control_group()).join(host);
        fs_err::create_dir_all(&group).map_err(Error::io("making a control group"))?;
        if hierarchy.is_old {
            allot(&hierarchy.own, &group)?;
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Allots the processors and memory nodes of the group `from` to the groups below it down to `to`: a group of
/// version 1's controller `cpuset` has none at first, and takes no process without.
fn allot(from: &Utf8Path, to: &Utf8Path) -> Result<(), Error> {
    let all: Vec<&Utf8Path> = to.ancestors().take_while(|group| *group != from).collect();
    for group in all.into_iter().rev() {
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let (path, above) = (group.join(file), group.parent().map(|parent| parent.join(file)));
            let doing = || Error::io("allotting processors to a control group");
            let is_empty =
                |path: &Utf8Path| fs_err::read_to_string(path).is_ok_and(|text| text.trim().is_empty());
            if let Some(above) = above.filter(|_| is_empty(&path)) {
                let value = fs_err::read_to_string(above).map_err(doing())?;
                fs_err::write(path, value).map_err(doing())?;
            }
        }
    }
    Ok(())
}

/// Removes the lab's control groups, wherever they are: `lab up` may have run in another group than this process.
///
/// # Errors
///
/// One of them still has processes.
pub(super) fn remove(id: &LabId) -> Result<(), Error> {
    for hierarchy in hierarchies()? {
        let tops = WalkDir::new(&hierarchy.mount)
            .into_iter()
            .filter_entry(|entry| entry.file_type().is_dir())
            .flatten()
            .filter(|entry| entry.file_name() == id.control_group())
            .map(|entry| entry.into_path());
        for top in tops.collect::<Vec<_>>() {
            let folders = WalkDir::new(&top).contents_first(true).into_iter().flatten();
            for folder in folders.filter(|entry| entry.file_type().is_dir()) {
                remove_when_empty(folder.path())?;
            }
        }
    }
    Ok(())
}

/// Removes a group as soon as its last process is gone: killed ones take a moment.
fn remove_when_empty(group: &std::path::Path) -> Result<(), Error> {
    let what = format!("the last process of {} to end", group.display());
    let remedy = "its number is in the file cgroup.procs there; run the command again when it has ended";
    wait::until(
        &what,
        remedy,
        Duration::from_millis(20),
        Duration::from_secs(20),
        || match fs_err::remove_dir(group) {
            Ok(()) => Ok(Seen::Done(())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Seen::Done(())),
            Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(Seen::NotYet(error.to_string())),
            Err(error) => Err(Error::io("removing a control group")(error)),
        },
    )
}

/// All hierarchies: the unified one, and those of version 1, one a controller and systemd's own.
fn hierarchies() -> Result<Vec<Hierarchy>, Error> {
    let read = |path| fs_err::read_to_string(path).map_err(Error::io("looking for control groups"));
    Ok(parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?))
}

fn parse(mounts: &str, memberships: &str) -> Vec<Hierarchy> {
    // A line of the first: `ID PARENT MAJOR:MINOR ROOT MOUNT OPTIONS [FIELDS…] - TYPE SOURCE SUPER-OPTIONS`.
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mounts.lines() {
        let Some((place, kind)) = line.split_once(" - ") else { continue };
        let (mut place, mut kind) = (place.split(' ').skip(3), kind.split(' '));
        let (Some(root), Some(mount)) = (place.next(), place.next()) else { continue };
        let (Some(kind), Some(options)) = (kind.next(), kind.nth(1)) else { continue };
        // A line of the second: `NUMBER:CONTROLLERS:PATH`; the unified hierarchy has none, the others have theirs among
        // their options too.
        let is_this = |controllers: &str| match kind {
            "cgroup2" => controllers.is_empty(),
            "cgroup" => {
                !controllers.is_empty()
                    && controllers.split(',').all(|one| options.split(',').any(|o| o == one))
            }
            _ => false,
        };
        let membership = memberships.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            is_this(controllers).then_some(path)
        });
        let Some(own) = membership.and_then(|path| Utf8Path::new(path).strip_prefix(root).ok()) else {
            continue;
        };
        let mount = Utf8PathBuf::from(mount);
        if found.iter().all(|hierarchy| hierarchy.mount != mount) {
            found.push(Hierarchy { own: mount.join(own), mount, is_old: kind == "cgroup" });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(mounts: &str, memberships: &str) -> Vec<String> {
        parse(mounts, memberships).iter().map(|h| format!("{} {}", h.mount, h.own)).collect()
    }

    #[test]
    fn version_1_with_a_unified_hierarchy_beside_it() {
        let mounts = "\
36 25 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
37 25 0:31 / /sys/fs/cgroup/systemd rw,relatime shared:5 - cgroup cgroup rw,name=systemd
38 25 0:32 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw";
        let memberships = "9:name=systemd:/\n4:memory:/jobs/1\n0::/a/b";
        assert_eq!(
            show(mounts, memberships),
            [
                "/sys/fs/cgroup/memory /sys/fs/cgroup/memory/jobs/1",
                "/sys/fs/cgroup/systemd /sys/fs/cgroup/systemd/",
                "/sys/fs/cgroup/unified /sys/fs/cgroup/unified/a/b"
            ]
        );
    }

    #[test]
    fn version_2_alone() {
        let mounts = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        assert_eq!(
            show(mounts, "0::/user.slice/user-0.slice/session-1.scope"),
            ["/sys/fs/cgroup /sys/fs/cgroup/user.slice/user-0.slice/session-1.scope"]
        );
    }
}
