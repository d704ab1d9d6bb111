//! Whether what is installed, and what is going to be, go together.

use serde_json::Value as Json;

use super::{Input, Problem, Subject, at};
use crate::desired::ManagedFile;
use crate::model::{HostPath, Nevra};
use crate::plan::{Action, PackageChange};

/// The earliest Mesos that the roles' configuration is for, where the host's own package stays.
const MESOS: &str = "0.25";
/// The first Docker that knows libnetwork, and the first one that no longer knows a cluster store.
const DOCKER: (&str, &str) = ("1.9", "23");
/// The packages that Docker comes in.
const DOCKERS: [&str; 4] = ["docker", "docker-ce", "docker-engine", "moby-engine"];

/// Whether one version is before another, comparing the numbers between dots; what is no number ends a version.
pub(super) fn older(version: &str, than: &str) -> bool {
    numbers(version) < numbers(than)
}

fn numbers(version: &str) -> Vec<u64> {
    let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let mut numbers: Vec<u64> = version.split(['.', '-', '+']).map_while(number).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

impl Subject<'_> {
    fn changes(&self) -> impl Iterator<Item = &PackageChange> {
        let steps = self.plan.iter().flat_map(|plan| &plan.steps);
        steps
            .filter_map(|step| match &step.action {
                Action::Packages { changes } => Some(changes),
                _ => None,
            })
            .flatten()
    }

    /// The version of a package once the plan is executed: what is going to be installed, or what is there.
    fn version(&self, package: &str) -> Option<&str> {
        self.nevra(package).map(|nevra| nevra.version.as_str())
    }

    fn nevra(&self, package: &str) -> Option<&Nevra> {
        let to_be =
            self.changes().filter(|change| change.name().as_str() == package).find_map(PackageChange::to);
        to_be.or_else(|| self.facts.packages.get(package).map(|installed| &installed.nevra))
    }

    /// Docker's version once the plan is executed, by package or by what the program says.
    fn docker(&self) -> Option<&str> {
        DOCKERS.iter().find_map(|name| self.version(name)).or(self.facts.around.docker.as_deref())
    }

    fn wants(&self, package: &str) -> bool {
        self.desired.packages.iter().any(|wanted| wanted.name.as_str() == package)
    }
}

/// Whether an agent reads Docker's version: three numbers with dots between, and what it likes after a `-` (`Docker::version`
/// in src/docker/docker.cpp and `Version::parse` in stout, both at 0.28.2).
fn is_read_by_mesos(docker: &str) -> bool {
    let version = docker.split('.').take(3).collect::<Vec<_>>().join(".");
    let numbers = version.split('-').next().unwrap_or_default();
    numbers.split('.').all(|number| number.parse::<i32>().is_ok())
}

pub(super) fn versions(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in &input.hosts {
        let mesos = subject.version("mesos");
        if let Some(mesos) = mesos.filter(|mesos| subject.wants("mesos") && older(mesos, MESOS)) {
            let seen = format!("its Mesos is {mesos}, and {MESOS} is the earliest that the roles are for");
            let remedy =
                "Update it, or take `mesos` out of `[packages] provided` to have the release's installed.";
            problems.push(subject.fail(seen, remedy));
        }
        let marathon = subject.version("marathon").filter(|_| subject.wants("marathon"));
        if let (Some(mesos), Some(marathon)) = (mesos, marathon) {
            let least = if older(mesos, "1.0") { "0.14" } else { "1.2" };
            if older(marathon, least) {
                let seen =
                    format!("its Marathon is {marathon}, and with Mesos {mesos} it must be at least {least}");
                problems.push(subject.fail(seen, "Update Marathon, or have the release's installed."));
            }
        }
        let agent =
            subject.nevra("mesos").filter(|_| subject.host.has("mesos-agent") && subject.host.has("docker"));
        let real = agent.filter(|mesos| older(&mesos.version, "1.0") && !mesos.release.contains("standin"));
        if let (Some(mesos), Some(docker)) = (real, subject.docker())
            && !is_read_by_mesos(docker)
        {
            let seen = format!(
                "its Docker is {docker}, which an agent of Mesos {} cannot read as a version, and refuses to start",
                mesos.version
            );
            let remedy = "Install upstream's Docker, whose version is numbers and dots, or have the release's installed.";
            problems.push(subject.fail(seen, remedy));
        }
    }
    problems
}

pub(super) fn downgrade(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in &input.hosts {
        let ours = subject.facts.receipt.as_ref().map(|receipt| &receipt.packages);
        for change in subject.changes() {
            let PackageChange::Downgrade { from, to, .. } = change else { continue };
            // What an earlier run installed may go back: the inventory names an earlier release.
            if ours.and_then(|packages| packages.get(&from.name)) == Some(from) {
                continue;
            }
            let seen = format!(
                "{} {} was not installed by this tool and would go back to {}",
                from.name,
                from.evr(),
                to.evr()
            );
            let remedy = format!(
                "Take a release that is not older, or keep it with `[packages] provided = [\"{}\"]`. \
                 To go back all the same, add `--skip-check downgrade`.",
                from.name
            );
            problems.push(subject.fail(seen, remedy));
        }
    }
    problems
}

pub(super) fn cluster_store(input: &Input<'_>) -> Vec<Problem> {
    let (first, last) = DOCKER;
    let problem = |subject: &Subject<'_>| {
        let docker = subject.docker()?;
        let why = if older(docker, first) {
            "does not know one yet"
        } else if !older(docker, last) {
            "no longer knows one"
        } else {
            return None;
        };
        let seen = format!("its Docker is {docker}: Calico's networks need a cluster store, and it {why}");
        Some(subject.fail(seen, "Install a Docker from 1.9 to 20.10 there."))
    };
    input.hosts.iter().filter(|subject| subject.host.has("docker")).filter_map(problem).collect()
}

pub(super) fn module_version(input: &Input<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subject in input.hosts.iter().filter(|subject| subject.host.has("net-modules")) {
        let mesos = subject.version("mesos");
        let of_set = subject.packages.filter(|_| {
            subject
                .desired
                .packages
                .iter()
                .any(|wanted| wanted.name.as_str() == "net-modules" && !wanted.provided)
        });
        if let Some(set) = of_set {
            match set.built_with("net-modules", "mesos") {
                Some(Ok(built)) if mesos.is_some_and(|mesos| mesos != built) => {
                    let seen = format!(
                        "the repository's net-modules was built for Mesos {built}, and the host's Mesos would be {}",
                        mesos.unwrap_or_default()
                    );
                    problems.push(subject.fail(
                        seen,
                        "Build net-modules for that Mesos, or take the repository's Mesos as well.",
                    ));
                }
                Some(Err(())) => {
                    let seen =
                        "the repository's net-modules was built with another Mesos than the repository's";
                    problems.push(
                        subject.fail(seen, "Build both again: calico-mesos-install build mesos net-modules"),
                    );
                }
                _ => {}
            }
        }
        // An agent that is restarted before the packages are changed would not load a module of another Mesos.
        let installed = subject.facts.around.mesos_for.get("net-modules");
        let beside = subject.facts.packages.get("mesos").map(|mesos| mesos.nevra.version.as_str()).or(mesos);
        if let (Some(built), Some(beside)) = (installed, beside)
            && !is_version(built, beside)
        {
            let seen = format!(
                "the installed net-modules was built for Mesos {built}, and the host's Mesos is {beside}"
            );
            let remedy =
                "Remove it (`rpm -e net-modules`) and run again: the one that fits is installed then.";
            problems.push(subject.fail(seen, remedy));
        }
    }
    problems
}

/// Whether what an RPM requires, `[epoch:]version[-release]`, is this version.
fn is_version(required: &str, version: &str) -> bool {
    let required = required.split_once(':').map_or(required, |(_, rest)| rest);
    required.split('-').next() == Some(version)
}

pub(super) fn module_files(input: &Input<'_>) -> Vec<Problem> {
    input.hosts.iter().flat_map(of_modules).collect()
}

/// Looks for everything that the host's module configuration names.
fn of_modules(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, file) in &subject.desired.files {
        for wanted in named_files(path, file) {
            let Found::Nowhere { certain } = find(subject, &wanted) else { continue };
            let seen = format!("{path} names {wanted}, which is in no package and no file of the host");
            let remedy = "Correct the path in `[vars]` (`calico_mesos_command`, `net_modules_library`), or add the package \
                          that has it to a role.";
            problems.push(if certain {
                subject.fail(seen, remedy)
            } else {
                let seen = format!(
                    "{path} names {wanted}, and not all of the host's packages say which files they have"
                );
                subject
                    .warn(seen, "Build the packages again, so that build.json says it, or look on the host.")
            });
        }
    }
    problems
}

enum Found {
    Somewhere,
    Nowhere { certain: bool },
}

/// Whether a package that is going to be on the host, or a file that the tool writes, is at a path.
fn find(subject: &Subject<'_>, wanted: &str) -> Found {
    if at(&subject.desired.files, wanted).is_some() {
        return Found::Somewhere;
    }
    let mut certain = true;
    for package in &subject.desired.packages {
        let built = subject.packages.filter(|_| !package.provided).and_then(|set| set.find(&package.name));
        match built.map(|built| built.programs.as_slice()) {
            Some(programs) if programs.iter().any(|program| program.as_str() == wanted) => {
                return Found::Somewhere;
            }
            // Builds of earlier versions of the tool did not write it down.
            None | Some([]) if package.provided || is_silent(subject) => certain = false,
            _ => {}
        }
    }
    Found::Nowhere { certain }
}

/// Whether no package of the set says which files it has.
fn is_silent(subject: &Subject<'_>) -> bool {
    subject.packages.is_none_or(|set| set.manifest.packages.iter().all(|built| built.programs.is_empty()))
}

/// The libraries and commands that a module configuration of Mesos names; nothing for any other file.
fn named_files(path: &HostPath, file: &ManagedFile) -> Vec<String> {
    let is_json = path.as_str().ends_with(".json");
    let Some(json) = is_json.then(|| serde_json::from_str::<Json>(&file.content).ok()).flatten() else {
        return Vec::new();
    };
    let mut named = Vec::new();
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    for library in json["libraries"].as_array().into_iter().flatten() {
        named.extend(text(library.get("file")));
        let modules = library["modules"].as_array().into_iter().flatten();
        for parameter in modules.flat_map(|module| module["parameters"].as_array().into_iter().flatten()) {
            if parameter["key"].as_str().is_some_and(|key| key.ends_with("_command")) {
                named.extend(text(parameter.get("value")));
            }
        }
    }
    named.sort();
    named.dedup();
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (a, b) in [
            ("1.9", "1.10"),
            ("20.10.24+dfsg1", "23"),
            ("0.28.2", "1.0"),
            ("3.8", "3.10.0"),
            ("2.6.23-x", "2.6.24"),
        ] {
            assert!(older(a, b) && !older(b, a), "{a} {b}");
        }
        assert!(!older("23.0.0", "23") && !older("23", "23.0"));
        assert!(is_version("0.28.2", "0.28.2") && is_version("0:0.28.2-1", "0.28.2"));
        assert!(!is_version("0.28.1", "0.28.2") && !is_version("0.28.21", "0.28.2"));
    }

    #[test]
    fn an_agent_reads_only_numbers_as_docker_s_version() {
        for read in ["20.10.24", "1.9", "17.05.0-ce", "1.8.2.fc22"] {
            assert!(is_read_by_mesos(read), "{read}");
        }
        for not in ["20.10.24+dfsg1", "dev", "1.x"] {
            assert!(!is_read_by_mesos(not), "{not}");
        }
    }
}
