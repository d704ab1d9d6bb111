//! What a private key's file tells without its passphrase.

use camino::Utf8Path;
use secrecy::{ExposeSecret, SecretString};

use super::base64;

/// A private key as it stands in its file.
pub(super) struct KeyFile {
    pub(super) text: SecretString,
    /// It can be used only with a passphrase.
    pub(super) encrypted: bool,
    /// Its public half, where the file or the `.pub` file beside it tells.
    pub(super) public: Option<Vec<u8>>,
}

impl KeyFile {
    /// Reads `file`, which may be a public key too: then an agent has to hold the private one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(file: &Utf8Path) -> std::io::Result<Self> {
        let text = SecretString::from(fs_err::read_to_string(file)?);
        let beside =
            || fs_err::read_to_string(format!("{file}.pub")).ok().and_then(|text| public_line(&text));
        let (encrypted, public) = match inspect(text.expose_secret()) {
            Inspected::OpenSsh { encrypted, public } => (encrypted, public),
            Inspected::Public(public) => (true, Some(public)),
            Inspected::Other { encrypted } => (encrypted, beside()),
        };
        Ok(Self { text, encrypted, public })
    }
}

enum Inspected {
    OpenSsh {
        encrypted: bool,
        public: Option<Vec<u8>>,
    },
    Public(Vec<u8>),
    /// PEM, or nothing that is known: the login will tell.
    Other {
        encrypted: bool,
    },
}

fn inspect(text: &str) -> Inspected {
    const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
    const END: &str = "-----END OPENSSH PRIVATE KEY-----";
    let body = text.trim_start().strip_prefix(BEGIN).and_then(|rest| rest.split_once(END));
    if let Some(bytes) = body.and_then(|(body, _)| base64::decode(body)) {
        // Magic, cipher, key derivation and its options, number of keys, public key.
        let mut rest = bytes.strip_prefix(b"openssh-key-v1\0").unwrap_or_default();
        let cipher = field(&mut rest).unwrap_or_default();
        let _derivation = (field(&mut rest), field(&mut rest));
        rest = rest.get(4..).unwrap_or_default();
        return Inspected::OpenSsh {
            encrypted: cipher != b"none",
            public: field(&mut rest).map(<[u8]>::to_vec),
        };
    }
    match public_line(text) {
        Some(public) => Inspected::Public(public),
        None => Inspected::Other {
            encrypted: text.contains("Proc-Type: 4,ENCRYPTED")
                || text.contains("BEGIN ENCRYPTED PRIVATE KEY"),
        },
    }
}

/// A length-prefixed field, taken off the front of `rest`.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    let (field, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = behind;
    Some(field)
}

/// The key in a line such as `ssh-ed25519 AAAA… comment`.
fn public_line(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_whitespace();
    let kind = words.next()?;
    let key = base64::decode(words.next()?)?;
    (field(&mut &key[..])? == kind.as_bytes()).then_some(key)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    fn make(arguments: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("key")).unwrap();
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-f", file.as_str()])
            .args(arguments)
            .status()
            .expect("ssh-keygen is needed: apt-get install openssh-client");
        assert!(made.success());
        (folder, file)
    }

    #[test]
    fn encrypted_keys_and_public_halves_are_told_without_the_passphrase() {
        for (arguments, encrypted) in [
            (&["-t", "ed25519", "-N", ""][..], false),
            (&["-t", "ed25519", "-N", "secret"], true),
            (&["-t", "ecdsa", "-N", "secret", "-m", "PEM"], true),
            (&["-t", "ecdsa", "-N", "", "-m", "PEM"], false),
            (&["-t", "ecdsa", "-N", "secret", "-m", "PKCS8"], true),
        ] {
            let (_folder, file) = make(arguments);
            let key = KeyFile::read(&file).unwrap();
            let public = public_line(&fs_err::read_to_string(format!("{file}.pub")).unwrap());
            assert_eq!((key.encrypted, key.public), (encrypted, public), "{arguments:?}");
        }
    }

    #[test]
    fn a_public_key_needs_an_agent() {
        let (_folder, file) = make(&["-t", "ed25519", "-N", ""]);
        let key = KeyFile::read(Utf8Path::new(&format!("{file}.pub"))).unwrap();
        assert!(key.encrypted && key.public.is_some());
    }
}
