//! What is installed on a machine that builds: the versions of the build requirements, and of all that they stand on.
//!
//! A compiler is a package that is nearly empty and needs one that is not. So not only the packages that the
//! profile names count, but everything that they depend on.

use std::collections::{BTreeMap, BTreeSet};

use super::BuildError;
use super::distro::PackageManager;
use crate::process;

/// Versions by the name of the package: `gcc-12` is `12.2.0-14`, with rpm `8.5.0-18.el8.x86_64`.
pub(super) type Environment = BTreeMap<String, String>;

/// The packages that are installed on a machine.
#[derive(Debug, Default)]
pub(super) struct Installed {
    packages: BTreeMap<String, Package>,
    /// What packages provide beside their own name.
    providers: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Package {
    version: String,
    needs: Vec<String>,
}

impl Installed {
    /// Asks the package manager of this machine.
    pub(super) fn ask(manager: PackageManager) -> Result<Self, BuildError> {
        let (program, arguments) = question(manager);
        let mut command = process::program(program);
        let text = process::capture(command.args(arguments), "asking for the versions of what is installed")?;
        Ok(Self::read(manager, &text))
    }

    /// Reads the answer to [`question`].
    pub(super) fn read(manager: PackageManager, text: &str) -> Self {
        match manager {
            PackageManager::Dpkg => Self::read_dpkg(text),
            PackageManager::Rpm => Self::read_rpm(text),
        }
    }

    fn read_dpkg(text: &str) -> Self {
        let mut installed = Self::default();
        for line in text.lines() {
            let mut fields = line.split('\t');
            let [Some(name), Some("installed"), Some(version)] =
                [fields.next(), fields.next(), fields.next()]
            else {
                continue;
            };
            let names = |field: Option<&str>| -> Vec<String> {
                field.unwrap_or_default().split([',', '|']).filter_map(dpkg_name).collect()
            };
            let provides = names(fields.next());
            let package = Package { version: version.to_owned(), needs: names(fields.next()) };
            installed.add(name, package, provides);
        }
        installed
    }

    fn read_rpm(text: &str) -> Self {
        let mut installed = Self::default();
        for package in text.split("P\t").skip(1) {
            let mut lines = package.lines();
            let Some((name, version)) = lines.next().and_then(|line| line.split_once('\t')) else { continue };
            let (mut needs, mut provides) = (Vec::new(), Vec::new());
            for line in lines {
                match line.split_once('\t') {
                    Some(("R", need)) => needs.push(need.to_owned()),
                    Some(("V", capability)) => provides.push(capability.to_owned()),
                    _ => {}
                }
            }
            installed.add(name, Package { version: version.to_owned(), needs }, provides);
        }
        installed
    }

    fn add(&mut self, name: &str, package: Package, provides: Vec<String>) {
        for capability in provides {
            self.providers.entry(capability).or_default().insert(name.to_owned());
        }
        self.packages.insert(name.to_owned(), package);
    }

    /// The packages of these names and all that they depend on, as far as they are installed.
    pub(super) fn closure<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> Environment {
        let mut found = Environment::new();
        let mut open: Vec<&str> = names.into_iter().collect();
        let mut asked = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !asked.insert(name) {
                continue;
            }
            match self.packages.get(name) {
                Some(package) => {
                    found.insert(name.to_owned(), package.version.clone());
                    open.extend(package.needs.iter().map(String::as_str));
                }
                None => open.extend(self.providers.get(name).into_iter().flatten().map(String::as_str)),
            }
        }
        found
    }
}

/// The command that tells everything that is installed, for [`Installed::read`].
pub(super) fn question(manager: PackageManager) -> (&'static str, &'static [&'static str]) {
    match manager {
        PackageManager::Dpkg => (
            "dpkg-query",
            &[
                "--show",
                "--showformat",
                "${Package}\\t${db:Status-Status}\\t${Version}\\t${Provides}\\t${Pre-Depends},${Depends}\\n",
            ],
        ),
        PackageManager::Rpm => (
            "rpm",
            &[
                "--query",
                "--all",
                "--queryformat",
                "P\\t%{NAME}\\t%{VERSION}-%{RELEASE}.%{ARCH}\\n[R\\t%{REQUIRENAME}\\n][V\\t%{PROVIDENAME}\\n]",
            ],
        ),
    }
}

/// `libc6` of `libc6:amd64 (>= 2.36)`.
fn dpkg_name(dependency: &str) -> Option<String> {
    let name = dependency.split(['(', ':']).next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_brings_all_that_it_stands_on() {
        let text = "g++\tinstalled\t4:12.2.0-3\tc++-compiler\tg++-12 (>= 12.2.0-1~), gcc:any | clang\n\
                    g++-12\tinstalled\t12.2.0-14\t\tlibc6-dev (>= 2.13-0ubuntu6)\n\
                    libc6-dev\tinstalled\t2.36-9\tlibc-dev (= 2.36-9)\t\n\
                    clang\tconfig-files\t1\t\t\n\
                    vim\tinstalled\t9\t\tlibc-dev\n";
        let installed = Installed::read(PackageManager::Dpkg, text);
        let names = |roots: &[&str]| installed.closure(roots.iter().copied()).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&["g++", "no-such"]), ["g++", "g++-12", "libc6-dev"]);
        assert_eq!(names(&["c++-compiler"]).len(), 3, "by what it provides");
        assert_eq!(names(&["vim"]), ["libc6-dev", "vim"]);
        assert_eq!(installed.closure(["g++-12"])["g++-12"], "12.2.0-14");
    }

    #[test]
    fn rpm_is_read_too() {
        let text = "P\tgcc-c++\t8.5.0-18.el8.x86_64\nR\tlibstdc++ = 8\nR\tgcc\nR\tlibc.so.6()(64bit)\nV\tg++\n\
                    P\tgcc\t8.5.0-18.el8.x86_64\nV\tgcc\nP\tglibc\t2.28-225.el8.x86_64\nV\tlibc.so.6()(64bit)\n";
        let installed = Installed::read(PackageManager::Rpm, text);
        let found = installed.closure(["g++"]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["gcc", "gcc-c++", "glibc"]);
        assert_eq!(found["glibc"], "2.28-225.el8.x86_64");
    }
}
