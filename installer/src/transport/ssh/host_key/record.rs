//! Adding a new key to a file of known hosts, safe against other threads and programs.

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

use camino::Utf8Path;

use crate::transport::TransportError;
use crate::transport::ssh::base64;
use crate::transport::ssh::known_hosts::{KnownHost, Verdict, key_type, spelling};

/// Appends `key` for `name` at `port` to `file`, which is made where it does not exist, unless the file
/// has a key for that host by now. Returns what it said before.
///
/// # Errors
/// Reading or writing the file.
pub(super) fn record(file: &Utf8Path, name: &str, port: u16, key: &[u8]) -> Result<Verdict, TransportError> {
    let failed = |error: std::io::Error| {
        TransportError::unreachable(format!(
            "cannot record a host key in {file}\nmake the file writable, or name another one with `known_hosts`"
        ))
        .caused_by(error)
    };
    let mut lock = fd_lock::RwLock::new(open(file).map_err(failed)?);
    loop {
        let mut guard = lock.write().map_err(failed)?;
        // A program may have put a new file in its place while this one waited (as `ssh-keygen -R` does).
        let current = match fs_err::metadata(file) {
            Ok(current) => (current.dev(), current.ino()),
            Err(_) => (0, 0),
        };
        let locked = guard.metadata().map_err(failed)?;
        if (locked.dev(), locked.ino()) != current {
            drop(guard);
            lock = fd_lock::RwLock::new(open(file).map_err(failed)?);
            continue;
        }
        let verdict = KnownHost::load(&[file.to_owned()], name, port)?.check(key);
        if verdict == Verdict::Unknown {
            append(&mut guard, name, port, key).map_err(failed)?;
        }
        return Ok(verdict);
    }
}

fn open(file: &Utf8Path) -> std::io::Result<fs_err::File> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_str().is_empty() && !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut options = fs_err::OpenOptions::new();
    options.options_mut().mode(0o600);
    options.read(true).append(true).create(true).open(file)
}

/// One write of one line, behind a line break if the last line lacks one.
fn append(file: &mut fs_err::File, name: &str, port: u16, key: &[u8]) -> std::io::Result<()> {
    let mut last = *b"\n";
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let separator = if last == *b"\n" { "" } else { "\n" };
    let line = format!("{separator}{} {} {}\n", spelling(name, port), key_type(key), base64::encode(key));
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    const ONE: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x01a";
    const TWO: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x01b";

    #[test]
    fn keys_are_added_once_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("new/known_hosts")).unwrap();
        assert_eq!(record(&file, "a", 22, ONE).unwrap(), Verdict::Unknown);
        assert_eq!(record(&file, "a", 22, ONE).unwrap(), Verdict::Trusted);
        assert!(matches!(record(&file, "a", 22, TWO).unwrap(), Verdict::Changed { .. }));
        assert_eq!(record(&file, "a", 2222, TWO).unwrap(), Verdict::Unknown);
        assert_eq!(fs_err::read_to_string(&file).unwrap().lines().count(), 2);
        assert_eq!(fs_err::metadata(&file).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_last_line_without_an_end_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("known_hosts")).unwrap();
        fs_err::write(&file, "# mine").unwrap();
        record(&file, "a", 22, ONE).unwrap();
        assert!(fs_err::read_to_string(&file).unwrap().starts_with("# mine\na ssh-ed25519 "));
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("known_hosts")).unwrap();
        std::thread::scope(|scope| {
            for index in 0..32 {
                let file = &file;
                scope.spawn(move || {
                    record(file, &format!("host-{index}"), 22, ONE).unwrap();
                    record(file, "shared", 22, if index % 2 == 0 { ONE } else { TWO }).unwrap();
                });
            }
        });
        let text = fs_err::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 33, "{text}");
        assert!(text.lines().all(|line| line.split(' ').count() == 3), "{text}");
    }
}
