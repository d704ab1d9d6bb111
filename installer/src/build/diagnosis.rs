//! What is usually missing when a build fails, guessed from its log.

use super::distro::{Distro, PackageManager};

/// What to do about a failed build: at most a few lines, each a guess that the log gives reason for.
pub(super) fn diagnose(log: &str, distro: &Distro) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let mut patch = Patch::default();
    for line in log.lines() {
        let hint = patch
            .read(line)
            .or_else(|| {
                missing_header(line).map(|header| install(distro, header, &format!("/usr/include/{header}")))
            })
            .or_else(|| {
                missing_library(line).map(|name| {
                    install(distro, &format!("lib{name}"), &format!("{}/lib{name}.so", distro.libdir))
                })
            })
            .or_else(|| missing_program(line).map(|name| install(distro, name, &format!("/usr/bin/{name}"))))
            .or_else(|| other(line));
        if let Some(hint) = hint
            && !hints.contains(&hint)
        {
            hints.push(hint);
        }
    }
    hints.truncate(5);
    hints
}

/// `x.cpp:1:10: fatal error: sasl/sasl.h: No such file or directory`.
fn missing_header(line: &str) -> Option<&str> {
    let header = line.split_once("fatal error: ")?.1.strip_suffix(": No such file or directory")?;
    (!header.contains(char::is_whitespace)).then_some(header)
}

/// `/usr/bin/ld: cannot find -lsasl2: No such file or directory`.
fn missing_library(line: &str) -> Option<&str> {
    let name = line.split_once("cannot find -l")?.1.split([':', ' ']).next()?;
    (!name.is_empty()).then_some(name)
}

/// `/bin/sh: 3: autoreconf: not found`, `x: line 3: autoreconf: command not found`, `make: g++: No such file or
/// directory`.
fn missing_program(line: &str) -> Option<&str> {
    let start = line
        .strip_suffix(": command not found")
        .or_else(|| {
            line.strip_suffix(": not found").filter(|rest| rest.contains("sh: ") || rest.contains("rpm-tmp"))
        })
        .or_else(|| line.strip_prefix("make: ")?.strip_suffix(": No such file or directory"))?;
    let name = start.rsplit(": ").next()?.trim();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    plain.then_some(name)
}

fn other(line: &str) -> Option<String> {
    if line.contains("No space left on device") {
        return Some("the disk is full: free some space, or build on another one with --out".to_owned());
    }
    if line.contains("Killed signal terminated program") || line.contains("virtual memory exhausted") {
        return Some(
            "a compiler ran out of memory: give --jobs 1, or --memory with less than there is".to_owned(),
        );
    }
    let error = line.strip_prefix("configure: error: ")?;
    Some(format!("configure says: {}", error.trim()))
}

/// `install: …` for what brings a file, from the profile; else the command that finds out.
fn install(distro: &Distro, what: &str, path: &str) -> String {
    let suffix = path.rsplit_once("/usr/include/").map_or(path, |(_, header)| header);
    let brings = |require: &super::distro::BuildRequire| {
        let file = require.file.as_ref().is_some_and(|file| {
            let file = file.as_str();
            file == path || file.ends_with(&format!("/{suffix}"))
        });
        file || require.program.as_deref() == Some(what)
    };
    match distro.build_requires.values().find(|require| brings(require)) {
        Some(require) => format!("`{what}` is missing; install: {} {}", distro.install, require.package),
        None => {
            let search = match distro.package_manager {
                PackageManager::Rpm => format!("dnf provides '*/{suffix}'"),
                PackageManager::Dpkg => format!("apt-file search {suffix}"),
            };
            format!("`{what}` is missing; find the package that brings it: {search}")
        }
    }
}

/// A patch that does not apply: its name, the file, the hunk.
#[derive(Default)]
struct Patch<'a> {
    name: Option<&'a str>,
    file: Option<&'a str>,
}

impl<'a> Patch<'a> {
    fn read(&mut self, line: &'a str) -> Option<String> {
        if let Some(rest) = line.trim_start_matches("+ echo ").trim_matches('\'').strip_prefix("Patch #") {
            self.name = rest.split_once('(').and_then(|(_, name)| name.split(')').next());
        }
        if let Some(file) = line.strip_prefix("patching file ") {
            self.file = Some(file.trim_matches('\''));
        }
        let hunk = line.strip_prefix("Hunk #")?.split_once(" FAILED at ");
        let (number, at) = hunk?;
        Some(format!(
            "the patch {} does not apply: its hunk {number} does not fit {} at line {}",
            self.name.unwrap_or("(see the log)"),
            self.file.unwrap_or("the file"),
            at.trim_end_matches('.')
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;

    fn hints(log: &str) -> String {
        diagnose(log, &Distro::load(&Data::built_in(), "debian12").unwrap()).join("\n")
    }

    #[test]
    fn what_is_missing_is_named_with_what_brings_it() {
        let log = "a.cpp:1:10: fatal error: nlohmann/json.hpp: No such file or directory\n\
                   b.cpp:1:10: fatal error: nlohmann/json.hpp: No such file or directory\n\
                   c.cpp:2:10: fatal error: sasl/nothing.h: No such file or directory\n\
                   /usr/bin/ld: cannot find -lnothing: No such file or directory\n\
                   /var/tmp/rpm-tmp.x: 31: no-such-program: not found\n\
                   make: g++: No such file or directory\n";
        insta::assert_snapshot!(hints(log), @"
        `nlohmann/json.hpp` is missing; install: apt-get install -y nlohmann-json3-dev
        `sasl/nothing.h` is missing; find the package that brings it: apt-file search sasl/nothing.h
        `libnothing` is missing; find the package that brings it: apt-file search /usr/lib64/libnothing.so
        `no-such-program` is missing; find the package that brings it: apt-file search /usr/bin/no-such-program
        `g++` is missing; install: apt-get install -y g++
        ");
    }

    #[test]
    fn a_patch_that_does_not_apply_is_named_with_file_and_hunk() {
        let log = "+ echo 'Patch #1 (no-build-date.patch):'\nPatch #1 (no-build-date.patch):\npatching file src/Makefile.am\n\
                   Hunk #2 FAILED at 113.\n1 out of 2 hunks FAILED -- saving rejects to file src/Makefile.am.rej\n";
        insta::assert_snapshot!(hints(log), @"the patch no-build-date.patch does not apply: its hunk 2 does not fit src/Makefile.am at line 113");
    }

    #[test]
    fn the_machine_may_be_at_fault() {
        let log = "cc1plus: fatal error: write error: No space left on device\n\
                   g++: fatal error: Killed signal terminated program cc1plus\nconfigure: error: cannot find libz\n";
        insta::assert_snapshot!(hints(log), @"
        the disk is full: free some space, or build on another one with --out
        a compiler ran out of memory: give --jobs 1, or --memory with less than there is
        configure says: cannot find libz
        ");
        assert_eq!(hints("everything is fine\n+ exit 0\n"), "");
    }
}
