//! The journals of past runs, kept on the operator's machine for `report`.

use std::io::{self, ErrorKind};
use std::sync::OnceLock;

use anstream::eprintln;
use camino::{Utf8Path, Utf8PathBuf};

use super::Failure;
use crate::diagnostic::suggestion;
use crate::report::Log;

/// How many journals are kept; the oldest goes when another comes.
const KEPT: usize = 50;
const EXTENSION: &str = "jsonl";

/// A name for a run that begins now: the time, so that names sort as runs do.
pub(super) fn new_name() -> String {
    let name = jiff::Zoned::now().strftime("%Y%m%dT%H%M%S").to_string();
    let taken = |name: &str| folder().is_some_and(|folder| file(&folder, name).exists());
    // Two runs in one second; what is left of the race ends with a refusal to overwrite.
    let others = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(others).find(|name| !taken(name)).unwrap_or(name)
}

/// A journal for the run `name`, and one journal less where there are too many. A run that cannot be recorded is run
/// all the same, with a word about it. `at` gets the journal's place.
pub(super) fn journal(name: &str, at: &OnceLock<Utf8PathBuf>) -> Option<Log> {
    let folder = folder()?;
    match begin(&folder, name) {
        Ok(log) => {
            // A process has one run.
            let _ = at.set(file(&folder, name));
            Some(log)
        }
        Err(error) => {
            eprintln!("this run is not recorded for `report`: {error}");
            None
        }
    }
}

fn begin(folder: &Utf8Path, name: &str) -> io::Result<Log> {
    fs_err::create_dir_all(folder)?;
    let log = Log::create(&file(folder, name))?;
    let names = names(folder);
    for old in &names[..names.len().saturating_sub(KEPT)] {
        fs_err::remove_file(file(folder, old))?;
    }
    Ok(log)
}

/// The journal that `run` means: a file, the name of a run, or `last`.
pub(super) fn find(run: &str) -> Result<Utf8PathBuf, Failure> {
    let folder = folder();
    let names = folder.as_deref().map(names).unwrap_or_default();
    let named = match run {
        "last" => names.last().map(String::as_str),
        name => names.iter().map(String::as_str).find(|known| *known == name),
    };
    match (folder, named) {
        (Some(folder), Some(name)) => Ok(file(&folder, name)),
        _ if run != "last" && Utf8Path::new(run).is_file() => Ok(run.into()),
        _ if names.is_empty() => Err(Failure::usage(
            "no run was recorded on this machine yet\n\
             `plan`, `apply` and `verify` record theirs; a file that `--log-file` wrote can be named too.",
        )),
        _ => {
            let help = suggestion(run, "last runs", names.iter().rev().take(10).map(String::as_str));
            Err(Failure::usage(format!("there is no run `{run}`, and no file of that name\n{help}")))
        }
    }
}

/// The journals, the oldest first.
pub(super) fn all() -> Vec<Utf8PathBuf> {
    let Some(folder) = folder() else { return Vec::new() };
    names(&folder).iter().map(|name| file(&folder, name)).collect()
}

fn file(folder: &Utf8Path, name: &str) -> Utf8PathBuf {
    folder.join(format!("{name}.{EXTENSION}"))
}

/// The names of the runs in the folder, sorted; none where there is no folder.
fn names(folder: &Utf8Path) -> Vec<String> {
    let files = match folder.read_dir_utf8() {
        Ok(entries) => {
            entries.filter_map(Result::ok).map(|entry| Utf8PathBuf::from(entry.file_name())).collect()
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            eprintln!("{folder} cannot be read: {error}");
            Vec::new()
        }
    };
    let ours = files.iter().filter(|file| file.extension() == Some(EXTENSION));
    let mut names: Vec<String> = ours.filter_map(|file| Some(file.file_stem()?.to_owned())).collect();
    // `…-2` comes behind the one without a number, and `…-10` behind `…-9`.
    names.sort_by_key(|name| {
        (name.split('-').next().unwrap_or_default().to_owned(), name.len(), name.clone())
    });
    names
}

/// `$XDG_STATE_HOME`, else `~/.local/state`, as the XDG base directory specification has it; none without a home.
fn folder() -> Option<Utf8PathBuf> {
    let absolute = |variable| super::cache::absolute(variable);
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("calico-mesos-install/runs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_journals_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap().join("runs");
        for number in 0..KEPT + 3 {
            drop(begin(&folder, &format!("20160601T{number:06}")).unwrap());
        }
        assert_eq!(names(&folder).len(), KEPT);
        assert_eq!(names(&folder)[0], "20160601T000003");
        assert!(begin(&folder, &names(&folder)[0]).is_err(), "a journal is never written over");
        fs_err::write(folder.join("20160601T000003-2.jsonl"), "").unwrap();
        fs_err::write(folder.join("notes.txt"), "").unwrap();
        assert_eq!(names(&folder)[..2], ["20160601T000003", "20160601T000003-2"]);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs_err::metadata(file(&folder, "20160601T000010")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }
}
