//! rpmbuild on this machine, cut off from the network where the kernel lets it be.

use super::{CommandLine, Task, defines, macros_at};
use crate::process;

/// What keeps a build from the network, and what ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::build) enum Isolation {
    /// Namespaces of root.
    Root,
    /// Namespaces of a user of this machine.
    User,
    /// Nothing: the kernel, or a container around this process, allows no namespaces.
    None,
}

impl Isolation {
    const ALL: [Self; 2] = [Self::Root, Self::User];

    /// The first that works on this machine.
    pub(in crate::build) fn find() -> Self {
        let works = |isolation: &Self| {
            let Some((program, arguments)) = isolation.words().split_first() else { return false };
            let mut command = process::program(program);
            process::capture(command.args(arguments).arg("true"), "looking for namespaces").is_ok()
        };
        Self::ALL.into_iter().find(works).unwrap_or(Self::None)
    }

    /// What comes before the command. All processes of a build are in one process namespace: they end with this
    /// process, however it ends, so that the next run does not find somebody at work in its folder.
    fn words(self) -> &'static [&'static str] {
        const ROOT: &[&str] = &[
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ];
        const USER: &[&str] = &[
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--user",
            "--map-current-user",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ];
        match self {
            Self::Root => ROOT,
            Self::User => USER,
            Self::None => &[],
        }
    }
}

/// The command that builds on this machine.
pub(super) fn command(isolation: Isolation, task: &Task<'_>) -> CommandLine {
    let words: Vec<&str> = isolation.words().iter().copied().chain(["rpmbuild"]).collect();
    let mut line = CommandLine::new(&words, task.topdir);
    let macros = macros_at(task, task.topdir.as_str());
    line.arguments.extend(defines(macros.iter().map(|(name, value)| (name.as_str(), value.clone()))));
    let spec = task.topdir.join("SPECS").join(format!("{}.spec", task.package));
    line.arguments.extend(["-bb".to_owned(), spec.into_string()]);
    line.environment = vec![
        ("SOURCE_DATE_EPOCH".to_owned(), task.epoch.to_string()),
        // The user's own ~/.rpmmacros and settings of ccache must not matter.
        ("HOME".to_owned(), task.topdir.to_string()),
    ];
    if let Some(ccache) = task.ccache {
        let path = std::env::var("PATH").unwrap_or_default();
        line.environment.extend([
            ("PATH".to_owned(), format!("{}:{path}", ccache.compilers)),
            ("CCACHE_DIR".to_owned(), ccache.folder.to_string()),
            // A compiler is known by its bytes: the time of its file says nothing.
            ("CCACHE_COMPILERCHECK".to_owned(), "content".to_owned()),
            ("CCACHE_NOHASHDIR".to_owned(), "1".to_owned()),
        ]);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::tests::{shown, task};
    use super::*;

    #[test]
    fn the_build_is_alone_with_its_folder() {
        let macros = [("_libdir".to_owned(), "/usr/lib64".to_owned())];
        insta::assert_snapshot!(shown(&command(Isolation::Root, &task(&macros))), @"
        in /out/.work/mesos
        SOURCE_DATE_EPOCH=1464739200
        HOME=/out/.work/mesos
        setpriv
        --pdeathsig
        KILL
        unshare
        --net
        --pid
        --fork
        --kill-child
        --mount-proc
        rpmbuild
        --define
        _topdir /out/.work/mesos
        --define
        _tmppath /out/.work/mesos/tmp
        --define
        needs_root /out/.work/mesos/root
        --define
        reproducible_flags -ffile-prefix-map=/out/.work/mesos=/usr/src
        --define
        _libdir /usr/lib64
        -bb
        /out/.work/mesos/SPECS/mesos.spec
        ");
        let user = command(Isolation::User, &task(&macros));
        assert!(user.arguments.iter().any(|word| word == "--map-current-user"), "{user:?}");
        assert_eq!(command(Isolation::None, &task(&macros)).program, "rpmbuild");
    }
}
