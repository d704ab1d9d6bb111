//! `render`: every file of every host below a folder.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;
use std::{fs, io};

use anstream::println;
use camino::{Utf8Path, Utf8PathBuf};

use super::{Common, Exit, Failure, load, validate};
use crate::desired::{DesiredHost, ManagedBlock};
use crate::diagnostic::quantity;
use crate::model::{HostPath, Mode};

/// The file that marks a folder as one that `render` made.
const MARK: &str = ".made-by-calico-mesos-install-render";
const MARK_TEXT: &str = "`calico-mesos-install render` made this folder and replaces it as a whole.\n";

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The inventory.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    inventory: Utf8PathBuf,
    /// The folder that gets `<host>/<path>` for every file; made, or replaced if an earlier `render` made it.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Utf8PathBuf,
}

/// The folder cannot be written.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "{0} is not empty, and no earlier `render` made it\nname another folder, or empty this one yourself"
    )]
    Foreign(Utf8PathBuf),
    #[error(
        "cannot write the rendered files to {folder}\nmake sure that you may write there and that the disk has room"
    )]
    Io { folder: Utf8PathBuf, source: io::Error },
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    let loaded = load::load(common, &args.inventory)?;
    write(&loaded.hosts, &args.out).map_err(Failure::usage)?;
    let (hosts, files) = (loaded.hosts.len(), loaded.hosts.iter().map(|host| host.files.len()).sum());
    if common.json {
        println!("{}", validate::summary("render", started, &[("files", files)]));
    } else {
        println!("{}: {} of {}", args.out, quantity(files, "file"), quantity(hosts, "host"));
    }
    Ok(Exit::Done)
}

/// Writes the files beside `out`, and puts them in its place only when all are there.
fn write(hosts: &[DesiredHost], out: &Utf8Path) -> Result<(), Error> {
    let failed = |source| Error::Io { folder: out.to_owned(), source };
    let replaces = is_there(out)?;
    // A link stays a link: what it leads to is replaced.
    let out = if replaces { &out.canonicalize_utf8().map_err(failed)? } else { out };
    let parent = match out.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    fs_err::create_dir_all(parent).map_err(failed)?;
    let work = tempfile::Builder::new()
        .prefix(".render-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(parent)
        .map_err(failed)?;
    let new =
        Utf8Path::from_path(work.path()).ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    write_all(hosts, new).map_err(failed)?;
    if replaces {
        exchange(new, out).map_err(failed)?;
        // What is in the temporary folder now is the old one; it goes away with its handle.
        work.close().map_err(failed)
    } else {
        fs_err::rename(new, out).map_err(failed)?;
        let _gone = work.keep();
        Ok(())
    }
}

/// Whether there is something to be replaced.
fn is_there(out: &Utf8Path) -> Result<bool, Error> {
    let failed = |source| Error::Io { folder: out.to_owned(), source };
    match fs_err::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(error)),
        Ok(mut entries) => {
            let empty = entries.next().is_none();
            if empty || out.join(MARK).is_file() { Ok(true) } else { Err(Error::Foreign(out.to_owned())) }
        }
    }
}

fn write_all(hosts: &[DesiredHost], folder: &Utf8Path) -> io::Result<()> {
    fs_err::write(folder.join(MARK), MARK_TEXT)?;
    for host in hosts {
        let root = folder.join(host.host.as_str());
        fs_err::create_dir_all(&root)?;
        for (path, block) in &host.blocks {
            write_block(&root, path, block)?;
        }
        for (path, file) in &host.files {
            let target = root.join(path.relative());
            if let Some(parent) = target.parent() {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::write(&target, file.content.as_bytes())?;
            fs_err::set_permissions(&target, permissions(file.mode)?)?;
        }
    }
    Ok(())
}

/// A block lies beside the name of the file that it goes into, since only the host knows the rest of that.
fn write_block(root: &Utf8Path, path: &HostPath, block: &ManagedBlock) -> io::Result<()> {
    let target = Utf8PathBuf::from(format!("{}.block", root.join(path.relative())));
    if let Some(parent) = target.parent() {
        fs_err::create_dir_all(parent)?;
    }
    fs_err::write(target, block.content.as_bytes())
}

fn permissions(mode: Mode) -> io::Result<fs::Permissions> {
    let bits = u32::from_str_radix(&mode.to_string(), 8).map_err(io::Error::other)?;
    Ok(fs::Permissions::from_mode(bits))
}

/// Puts `new` in the place of `old` and the other way round, in one step where the file system can.
fn exchange(new: &Utf8Path, old: &Utf8Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new.as_std_path(), CWD, old.as_std_path(), RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            let aside = Utf8PathBuf::from(format!("{new}.old"));
            fs_err::rename(old, &aside)?;
            fs_err::rename(new, old)?;
            fs_err::rename(&aside, new)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::desired::ManagedFile;

    fn hosts(files: &[(&str, &str)]) -> Vec<DesiredHost> {
        let file = |content: &str| ManagedFile {
            content: content.into(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            mode: "0640".parse().unwrap(),
            roles: Vec::new(),
            secret: false,
            note: None,
            only_with: None,
        };
        vec![DesiredHost {
            host: "a".parse().unwrap(),
            roles: Vec::new(),
            packages: Vec::new(),
            files: files
                .iter()
                .map(|(path, content)| (path.parse().unwrap(), file(content)))
                .collect::<BTreeMap<_, _>>(),
            units: Vec::new(),
            address: [10, 0, 0, 1].into(),
            blocks: BTreeMap::new(),
            system: Vec::new(),
        }]
    }

    fn tree(folder: &Utf8Path) -> Vec<String> {
        let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().is_file());
        files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_earlier_render_is_replaced_as_a_whole() {
        let base = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(base.path()).unwrap();
        let out = base.join("deep/out");
        write(&hosts(&[("/etc/x", "1"), ("/etc/y", "2")]), &out).unwrap();
        assert_eq!(tree(&out), [MARK, "a/etc/x", "a/etc/y"]);
        let mode = fs_err::metadata(out.join("a/etc/x")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
        write(&hosts(&[("/etc/z", "3")]), &out).unwrap();
        assert_eq!(tree(&out), [MARK, "a/etc/z"]);
        assert_eq!(
            tree(base),
            ["deep/out/.made-by-calico-mesos-install-render", "deep/out/a/etc/z"],
            "nothing is left over"
        );
    }

    #[test]
    fn a_foreign_folder_is_refused_and_an_empty_one_is_not() {
        let base = tempfile::tempdir().unwrap();
        let out = Utf8Path::from_path(base.path()).unwrap().join("out");
        fs_err::create_dir(&out).unwrap();
        write(&hosts(&[]), &out).unwrap();
        fs_err::remove_file(out.join(MARK)).unwrap();
        fs_err::write(out.join("mine"), "precious").unwrap();
        assert!(matches!(write(&hosts(&[]), &out), Err(Error::Foreign(_))));
        assert_eq!(tree(&out), ["mine"]);
    }
}
