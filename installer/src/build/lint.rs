//! What rpmlint says of built packages.

use camino::{Utf8Path, Utf8PathBuf};

use super::BuildError;
use crate::data::Data;
use crate::process;
use crate::repository::Lint;

/// The checks that do not fit these packages, each with its reason: for people who run rpmlint themselves, too.
const CONFIG: &str = "specs/rpmlint.toml";

/// Runs rpmlint on RPMs; nothing where it is not installed. The report is the same for the same packages.
///
/// # Errors
/// rpmlint cannot be run.
pub(super) fn lint(
    data: &Data,
    rpms: &[Utf8PathBuf],
    folder: &Utf8Path,
) -> Result<Option<String>, BuildError> {
    if !super::tools::on_path("rpmlint") {
        return Ok(None);
    }
    let config = folder.join("rpmlint.toml");
    fs_err::write(&config, data.bytes(CONFIG)?)
        .map_err(|source| BuildError::io(format!("writing {config}"), source))?;
    let mut command = process::program("rpmlint");
    command.args(["--config", config.as_str()]).args(rpms).env("HOME", folder);
    // Its status says that there are errors, which the report counts.
    let output = command.output().map_err(|source| BuildError::io("starting rpmlint", source))?;
    Ok(Some(tidy(&String::from_utf8_lossy(&output.stdout))))
}

/// The findings alone, sorted: the rest says how long it took and where its configuration is.
fn tidy(text: &str) -> String {
    let mut findings: Vec<&str> = text.lines().filter(|line| severity(line).is_some()).collect();
    findings.sort_unstable();
    findings.dedup();
    findings.iter().map(|line| format!("{line}\n")).collect()
}

/// The numbers of a report.
pub(super) fn count(report: &str) -> Lint {
    let count = |letter| report.lines().filter(|line| severity(line) == Some(letter)).count();
    Lint { errors: count('E'), warnings: count('W') }
}

/// `E` of `mesos.x86_64: E: no-binary`.
fn severity(line: &str) -> Option<char> {
    let rest = line.split_once(": ")?.1;
    ['E', 'W'].into_iter().find(|letter| rest.starts_with(&format!("{letter}: ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_its_findings() {
        let text = "==== rpmlint session starts ====\nrpmlint: 2.4.0\nconfiguration:\n    /x.toml\nchecks: 26, packages: 1\n\n\
                    b.noarch: W: no-documentation\na.x86_64: E: bad /usr\n 1 packages; has taken 1.7 s \n";
        let report = tidy(text);
        assert_eq!(report, "a.x86_64: E: bad /usr\nb.noarch: W: no-documentation\n");
        assert_eq!(count(&report), Lint { errors: 1, warnings: 1 });
    }
}
