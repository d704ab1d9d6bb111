//! `known_hosts` files: which keys a host may have.
//!
//! Plain, hashed and `[host]:port` entries, patterns and `@revoked` count; `@cert-authority` entries do
//! not, because certificates are not asked for.

use camino::{Utf8Path, Utf8PathBuf};

use super::{base64, pattern};
use crate::transport::TransportError;

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Utf8PathBuf,
    /// Counted from 1.
    pub(super) line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One line that holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    place: Place,
    revoked: bool,
    /// The first field: names and patterns, or a hash.
    names: String,
    key_type: String,
    /// In base64, as in the file.
    key: String,
}

/// What the files say of a host's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the host's key.
    Trusted,
    /// No key of the host is known.
    Unknown,
    /// The host is known by another key: of the same type when `same_type`.
    Changed { place: Place, same_type: bool },
    /// The key is marked as no longer to be trusted.
    Revoked { place: Place },
}

/// The entries of one host.
#[derive(Debug)]
pub(super) struct KnownHost {
    entries: Vec<Entry>,
    /// Those under the bare name of a host at a port other than 22: trusted when the key is the same,
    /// but another key there means nothing, since it may be another server's.
    fallback: Vec<Entry>,
}

/// A host's name as `known_hosts` spells it.
pub(super) fn spelling(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

impl KnownHost {
    /// What `files` say of `host` at `port`. A file that does not exist is empty.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn load(files: &[Utf8PathBuf], host: &str, port: u16) -> Result<Self, TransportError> {
        let hashes = Hashes::new()?;
        let (name, bare) = (spelling(host, port), spelling(host, 22));
        let mut known = Self { entries: Vec::new(), fallback: Vec::new() };
        for file in files {
            let text = match fs_err::read(file) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(TransportError::unreachable(format!(
                        "cannot read the known hosts in {file}\nmake the file readable, or name another one"
                    ))
                    .caused_by(error));
                }
            };
            for (index, line) in text.lines().enumerate() {
                let Some(entry) = parse(file, index, line) else { continue };
                if entry.is_for(&name, &hashes) {
                    known.entries.push(entry);
                } else if port != 22 && entry.is_for(&bare, &hashes) {
                    known.fallback.push(entry);
                }
            }
        }
        Ok(known)
    }

    /// The types of the keys that are known, so that the host can be asked for one of them.
    pub(super) fn key_types(&self) -> Vec<&str> {
        let mut types = Vec::new();
        for entry in self.entries.iter().chain(&self.fallback).filter(|entry| !entry.revoked) {
            if !types.contains(&entry.key_type.as_str()) {
                types.push(entry.key_type.as_str());
            }
        }
        types
    }

    /// Whether `key`, as the server sent it, is the host's.
    pub(super) fn check(&self, key: &[u8]) -> Verdict {
        let (key_type, key) = (key_type(key), base64::encode(key));
        let same = |entry: &&Entry| entry.key.trim_end_matches('=') == key.trim_end_matches('=');
        let all = || self.entries.iter().chain(&self.fallback);
        if let Some(entry) = all().filter(same).find(|entry| entry.revoked) {
            return Verdict::Revoked { place: entry.place.clone() };
        }
        if all().any(|entry| same(&entry)) {
            return Verdict::Trusted;
        }
        let mut others = self.entries.iter().filter(|entry| !entry.revoked).peekable();
        let Some(first) = others.peek().map(|entry| entry.place.clone()) else { return Verdict::Unknown };
        match others.find(|entry| entry.key_type == key_type) {
            Some(entry) => Verdict::Changed { place: entry.place.clone(), same_type: true },
            None => Verdict::Changed { place: first, same_type: false },
        }
    }
}

impl Entry {
    fn is_for(&self, name: &str, hashes: &Hashes) -> bool {
        if self.names.starts_with("|1|") {
            return hashes.matches(&self.names, name);
        }
        let names = self.names.to_ascii_lowercase();
        pattern::list_matches(names.split(','), &[name])
    }
}

/// An entry from its line; nothing for comments, authorities and what is not an entry.
fn parse(file: &Utf8Path, index: usize, line: &str) -> Option<Entry> {
    let mut words = line.split_whitespace().peekable();
    let revoked = match words.peek()? {
        word if word.starts_with('#') => return None,
        &"@revoked" => {
            words.next();
            true
        }
        // An authority signs certificates; any marker that is not known must not be trusted either.
        word if word.starts_with('@') => return None,
        _ => false,
    };
    let (names, key_type, key) = (words.next()?, words.next()?, words.next()?);
    Some(Entry {
        place: Place { file: file.to_owned(), line: index + 1 },
        revoked,
        names: names.to_owned(),
        key_type: key_type.to_owned(),
        key: key.to_owned(),
    })
}

/// The type that a public key names in its first field.
pub(super) fn key_type(key: &[u8]) -> &str {
    let length = key.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes) as usize);
    length
        .and_then(|length| key.get(4..4 + length))
        .and_then(|name| std::str::from_utf8(name).ok())
        .unwrap_or("unknown")
}

/// Compares hashed names (`|1|salt|HMAC-SHA1`), by means of libssh2.
struct Hashes {
    session: ssh2::Session,
}

impl Hashes {
    /// A session that is never connected: libssh2 ties its known hosts to one.
    fn new() -> Result<Self, TransportError> {
        let session = ssh2::Session::new().map_err(|error| {
            TransportError::unreachable("cannot set up libssh2\nfree some memory and try again")
                .caused_by(error)
        })?;
        Ok(Self { session })
    }

    fn matches(&self, hash: &str, name: &str) -> bool {
        let Ok(mut hosts) = self.session.known_hosts() else { return false };
        // Only the name is compared here, so any key of a plausible length will do.
        let line = format!("{hash} ssh-ed25519 {:A<68}", "");
        hosts.read_str(&line, ssh2::KnownHostFileKind::OpenSSH).is_ok()
            && matches!(hosts.check(name, b"any"), ssh2::CheckResult::Match | ssh2::CheckResult::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str, host: &str, port: u16) -> KnownHost {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("known_hosts")).unwrap();
        fs_err::write(&file, text).unwrap();
        KnownHost::load(&[file, "/does/not/exist".into()], host, port).unwrap()
    }

    /// A public key of a type, with a body that tells it from others.
    fn key(key_type: &str, body: &str) -> Vec<u8> {
        let mut key = Vec::new();
        for field in [key_type, body] {
            key.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            key.extend(field.bytes());
        }
        key
    }

    fn line(names: &str, key_type: &str, body: &str) -> String {
        format!("{names} {key_type} {} comment\n", base64::encode(&key(key_type, body)))
    }

    fn changed(verdict: &Verdict) -> Option<(usize, bool)> {
        match verdict {
            Verdict::Changed { place, same_type } => Some((place.line, *same_type)),
            _ => None,
        }
    }

    #[test]
    fn plain_names_lists_patterns_and_ports() {
        let text = format!(
            "# comment\n\n{}{}{}",
            line("a.org,10.0.0.1", "ssh-ed25519", "one"),
            line("*.lab,!x.lab", "ssh-ed25519", "two"),
            line("[a.org]:2222", "ssh-rsa", "three"),
        );
        let one = key("ssh-ed25519", "one");
        assert_eq!(known(&text, "10.0.0.1", 22).check(&one), Verdict::Trusted);
        assert_eq!(known(&text, "A.org", 22).check(&one), Verdict::Trusted);
        assert_eq!(known(&text, "b.org", 22).check(&one), Verdict::Unknown);
        assert_eq!(known(&text, "h.lab", 22).check(&key("ssh-ed25519", "two")), Verdict::Trusted);
        assert_eq!(known(&text, "x.lab", 22).check(&key("ssh-ed25519", "two")), Verdict::Unknown);
        assert_eq!(known(&text, "a.org", 2222).check(&key("ssh-rsa", "three")), Verdict::Trusted);
        assert_eq!(changed(&known(&text, "a.org", 22).check(&key("ssh-ed25519", "two"))), Some((3, true)));
    }

    #[test]
    fn the_bare_name_helps_at_another_port_but_never_refuses_there() {
        let text = line("a", "ssh-ed25519", "one");
        assert_eq!(known(&text, "a", 2222).check(&key("ssh-ed25519", "one")), Verdict::Trusted);
        assert_eq!(known(&text, "a", 2222).check(&key("ssh-ed25519", "two")), Verdict::Unknown);
    }

    #[test]
    fn a_key_of_another_type_is_a_change_too() {
        let text = line("a", "ssh-rsa", "one");
        assert_eq!(changed(&known(&text, "a", 22).check(&key("ssh-ed25519", "x"))), Some((1, false)));
    }

    #[test]
    fn revoked_wins_and_authorities_do_not_count() {
        let text = format!(
            "{}@revoked {}@cert-authority {}",
            line("a", "ssh-ed25519", "one"),
            line("*", "ssh-ed25519", "one"),
            line("b", "ssh-ed25519", "two")
        );
        let verdict = known(&text, "a", 22).check(&key("ssh-ed25519", "one"));
        assert!(matches!(verdict, Verdict::Revoked { place: Place { line: 2, .. } }), "{verdict:?}");
        assert_eq!(known(&text, "b", 22).check(&key("ssh-ed25519", "two")), Verdict::Unknown);
    }

    #[test]
    fn hashed_names() {
        // Made by `ssh-keygen -H` from the names `[host.example]:2222` and `10.1.2.3`.
        let key = key("ssh-ed25519", "one");
        let text = [
            "nx9XEdug20+srxtfIIYlog+UTBE=|dUCZJ2xxhAXFykzfpP8aPcYIP6w=",
            "XVxmpSnTy5XsT7tGGM/vg37kbaI=|x+gx1H7GjhI0+c6ys+FBC7oFJIg=",
        ]
        .map(|hash| line(&format!("|1|{hash}"), "ssh-ed25519", "one"))
        .concat();
        assert_eq!(known(&text, "Host.example", 2222).check(&key), Verdict::Trusted);
        assert_eq!(known(&text, "host.example", 22).check(&key), Verdict::Unknown);
        assert_eq!(known(&text, "10.1.2.3", 22).check(&key), Verdict::Trusted);
        assert_eq!(known(&text, "10.1.2.4", 22).check(&key), Verdict::Unknown);
    }

    #[test]
    fn types_are_listed_once_and_without_revoked_ones() {
        let text = format!(
            "{}{}@revoked {}",
            line("a", "ssh-rsa", "1"),
            line("a", "ssh-rsa", "2"),
            line("a", "ssh-ed25519", "3")
        );
        assert_eq!(known(&text, "a", 22).key_types(), ["ssh-rsa"]);
    }
}
