//! Is this the right host? Asked after the key exchange and before anything is told to the server.

use std::time::Instant;

use camino::Utf8Path;

use super::base64;
use super::bounded::bounded;
use super::known_hosts::{KnownHost, Place, Verdict, key_type, spelling};
use super::link::Link;
use super::route::Endpoint;
use crate::transport::{Command, TransportError};

mod record;

/// The algorithms by which a host may prove a key of each type, best first. Certificates are left out:
/// nobody here could check them.
const ALGORITHMS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

/// The host-key algorithms to ask for: those of known keys first, so that a server with several keys
/// shows the one that is known.
pub(super) fn preferred_algorithms(known: &KnownHost) -> String {
    let types = known.key_types();
    let (mut first, rest): (Vec<_>, Vec<_>) = ALGORITHMS.iter().partition(|(name, _)| types.contains(name));
    first.extend(rest);
    first.iter().map(|(_, algorithms)| *algorithms).collect::<Vec<_>>().join(",")
}

/// Verifies the key that the server has proved to have; `accept_new` records one of an unknown host.
///
/// # Errors
/// An unknown, changed or revoked key, with the commands that mend it.
pub(super) fn verify(
    link: &Link,
    known: &KnownHost,
    endpoint: &Endpoint,
    through: Option<&Endpoint>,
    accept_new: bool,
    until: Instant,
) -> Result<(), TransportError> {
    let key = link.session().host_key().map(|(key, _)| key.to_vec()).ok_or_else(|| {
        TransportError::unreachable(format!(
            "{} shows no host key\nlook whether it is an SSH server",
            endpoint.place()
        ))
    })?;
    let shown = Shown { endpoint, through, key: &key };
    match known.check(&key) {
        Verdict::Trusted => Ok(()),
        Verdict::Unknown if accept_new => shown.accept(until),
        Verdict::Unknown => Err(shown.unknown()),
        Verdict::Changed { place, same_type } => Err(shown.changed(&place, same_type)),
        Verdict::Revoked { place } => Err(shown.revoked(&place)),
    }
}

/// A key that a server showed, for messages.
struct Shown<'a> {
    endpoint: &'a Endpoint,
    through: Option<&'a Endpoint>,
    key: &'a [u8],
}

impl Shown<'_> {
    /// Type and fingerprint, as OpenSSH shows them.
    fn fingerprint(&self) -> String {
        use sha2::Digest;
        format!("{} SHA256:{}", key_type(self.key), base64::encode_unpadded(&sha2::Sha256::digest(self.key)))
    }

    /// The file that new keys go into.
    fn file(&self) -> Option<&Utf8Path> {
        self.endpoint.known_hosts.first().map(|file| file.as_path())
    }

    fn unknown(&self) -> TransportError {
        let fingerprint = self.fingerprint();
        let kind = match key_type(self.key) {
            name if name.starts_with("ecdsa") => "ecdsa",
            "ssh-rsa" => "rsa",
            _ => "ed25519",
        };
        let learn = match (self.through, self.file()) {
            // ssh-keyscan cannot jump.
            (Some(jump), _) => Command::new("ssh")
                .args(["-J", &format!("{}@{}:{}", jump.user, jump.address, jump.port)])
                .args(["-p", &self.endpoint.port.to_string()])
                .arg(format!("{}@{}", self.endpoint.user, self.endpoint.address))
                .arg("true")
                .to_shell(),
            (None, file) => {
                let port = self.endpoint.port.to_string();
                let scan = Command::new("ssh-keyscan")
                    .args(["-t", kind, "-p", &port, &self.endpoint.address])
                    .to_shell();
                let file = file.map_or("KNOWN_HOSTS", Utf8Path::as_str);
                format!("{scan} >> {}", Command::new(file).to_shell())
            }
        };
        TransportError::unreachable(format!(
            "the host key of {} is not known: {fingerprint}\n\
             compare the fingerprint with what `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` prints on the \
             host itself; if it is the same, run\n  {learn}\n\
             or let --accept-new-host-keys record the keys of hosts that are seen for the first time",
            self.endpoint.place()
        ))
    }

    fn changed(&self, place: &Place, same_type: bool) -> TransportError {
        let (name, port) = &self.endpoint.key_name;
        let forget = Command::new("ssh-keygen")
            .args(["-R", &spelling(name, *port), "-f", place.file.as_str()])
            .to_shell();
        let how = if same_type { "is not the known one" } else { "is of another type than the known one" };
        TransportError::unreachable(format!(
            "the host key of {} {how}: it shows {}, but {place} has another: somebody may be listening in\n\
             ask the host's administrator whether it got a new key; only if so, forget the old one with\n  {forget}",
            self.endpoint.place(),
            self.fingerprint(),
        ))
    }

    fn revoked(&self, place: &Place) -> TransportError {
        TransportError::unreachable(format!(
            "the host key of {} is revoked: {place} says that {} must not be trusted any more\n\
             give the host a new key with `ssh-keygen -A` after removing the old one",
            self.endpoint.place(),
            self.fingerprint(),
        ))
    }

    /// Records the key, unless another one was recorded in the meantime.
    fn accept(&self, until: Instant) -> Result<(), TransportError> {
        let Some(file) = self.file().map(Utf8Path::to_owned) else {
            return Err(TransportError::unreachable(format!(
                "the host key of {} cannot be recorded: there is no file of known hosts\n\
                 name one with `known_hosts`",
                self.endpoint.place()
            )));
        };
        let (name, port) = self.endpoint.key_name.clone();
        let key = self.key.to_vec();
        let wait = file.clone();
        let verdict =
            bounded(until, move || record::record(&file, &name, port, &key)).ok_or_else(|| {
                TransportError::unreachable(format!(
                    "{wait} stayed locked by another program\nend the program that `fuser {wait}` shows"
                ))
            })??;
        match verdict {
            Verdict::Changed { place, same_type } => Err(self.changed(&place, same_type)),
            Verdict::Revoked { place } => Err(self.revoked(&place)),
            Verdict::Trusted | Verdict::Unknown => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint {
            label: "agent-1".to_owned(),
            address: "10.0.0.5".to_owned(),
            port,
            user: "root".to_owned(),
            explicit_key: None,
            configured_keys: Vec::new(),
            default_keys: Vec::new(),
            identities_only: false,
            known_hosts: vec!["/home/op/my hosts".into()],
            key_name: ("10.0.0.5".to_owned(), port),
        }
    }

    const KEY: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x01k";

    #[test]
    fn what_an_unknown_key_asks_for() {
        let shown = Shown { endpoint: &endpoint(2222), through: None, key: KEY };
        insta::assert_snapshot!(shown.unknown(), @"
        the host key of agent-1 (10.0.0.5 port 2222) is not known: ssh-ed25519 SHA256:PHdwgqARw8vUDCY6c4CtgQ6vf/kb1z7lSzi7lRO2xcg
        compare the fingerprint with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host itself; if it is the same, run
          ssh-keyscan -t ed25519 -p 2222 10.0.0.5 >> '/home/op/my hosts'
        or let --accept-new-host-keys record the keys of hosts that are seen for the first time
        ");
        let jump = Endpoint { label: "jump host gate".into(), address: "gate".into(), ..endpoint(22) };
        let shown = Shown { through: Some(&jump), ..shown };
        assert!(shown.unknown().to_string().contains("  ssh -J root@gate:22 -p 2222 root@10.0.0.5 true\n"));
    }

    #[test]
    fn what_a_changed_key_asks_for() {
        let end = endpoint(2222);
        let place = Place { file: "/home/op/my hosts".into(), line: 3 };
        let shown = Shown { endpoint: &end, through: None, key: KEY };
        insta::assert_snapshot!(shown.changed(&place, true), @"
        the host key of agent-1 (10.0.0.5 port 2222) is not the known one: it shows ssh-ed25519 SHA256:PHdwgqARw8vUDCY6c4CtgQ6vf/kb1z7lSzi7lRO2xcg, but /home/op/my hosts:3 has another: somebody may be listening in
        ask the host's administrator whether it got a new key; only if so, forget the old one with
          ssh-keygen -R '[10.0.0.5]:2222' -f '/home/op/my hosts'
        ");
        insta::assert_snapshot!(shown.revoked(&place), @"
        the host key of agent-1 (10.0.0.5 port 2222) is revoked: /home/op/my hosts:3 says that ssh-ed25519 SHA256:PHdwgqARw8vUDCY6c4CtgQ6vf/kb1z7lSzi7lRO2xcg must not be trusted any more
        give the host a new key with `ssh-keygen -A` after removing the old one
        ");
    }
}
