//! Which RPMs of a repository want which others of it.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::BuildError;
use crate::model::PackageName;
use crate::process;

/// The packages among `names` that each RPM of `files` requires, by name or by anything else that they provide. Both
/// are in the same order.
///
/// # Errors
/// rpm cannot read one of the files.
pub(super) fn requires(
    files: &[Utf8PathBuf],
    names: &[PackageName],
) -> Result<Vec<BTreeSet<PackageName>>, BuildError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut rpm = process::program("rpm");
    rpm.args(["-qp", "--nosignature", "--qf"])
        .arg("[provides %{PROVIDENAME}\\n][requires %{REQUIRENAME}\\n]\\n")
        .args(files);
    Ok(among(&process::capture(&mut rpm, "reading what the built RPMs require")?, names))
}

/// `answer` has a paragraph a package.
fn among(answer: &str, names: &[PackageName]) -> Vec<BTreeSet<PackageName>> {
    let paragraphs: Vec<_> = answer.split("\n\n").zip(names).collect();
    let mut providers: BTreeMap<&str, &PackageName> = BTreeMap::new();
    for (paragraph, name) in &paragraphs {
        let provided = paragraph.lines().filter_map(|line| line.strip_prefix("provides "));
        providers.extend(provided.map(|capability| (capability, *name)));
    }
    let required = paragraphs.iter().map(|(paragraph, name)| {
        let wanted = paragraph.lines().filter_map(|line| line.strip_prefix("requires "));
        let found = wanted.filter_map(|capability| providers.get(capability).copied());
        found.filter(|provider| provider != name).cloned().collect()
    });
    required.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_leads_to_whom_provides_it() {
        let answer = "provides mesos\nprovides libmesos.so()(64bit)\nrequires glog\nrequires /bin/sh\n\n\
                      provides glog\n\n\
                      provides module\nrequires module\nrequires libmesos.so()(64bit)\n\n";
        let names: Vec<PackageName> = ["mesos", "glog", "module"].map(|name| name.parse().unwrap()).into();
        let found = among(answer, &names);
        let found: Vec<Vec<_>> =
            found.iter().map(|set| set.iter().map(PackageName::as_str).collect()).collect();
        assert_eq!(found, [vec!["glog"], vec![], vec!["mesos"]]);
    }
}
