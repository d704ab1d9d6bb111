//! Logging in: key file, agent, configured and usual keys, password, in this order.

use std::time::Instant;

use camino::Utf8PathBuf;
use secrecy::{ExposeSecret, SecretString};

use super::key_file::KeyFile;
use super::link::{Call, Interrupted, Link};
use super::route::Endpoint;
use crate::transport::{Command, TransportError};

mod agent;

/// What a login can be tried with beside the endpoint's keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Credentials {
    pub(super) agent: Option<Utf8PathBuf>,
    pub(super) password: Option<SecretString>,
}

/// Logs in to `endpoint`.
///
/// # Errors
/// Nothing was accepted: the text lists what was tried and what the server accepts. Or the connection
/// was lost, or `until` passed.
pub(super) fn login(
    link: &Link,
    endpoint: &Endpoint,
    credentials: &Credentials,
    until: Instant,
) -> Result<(), LoginError> {
    let attempts = Attempts { link, endpoint, credentials, until, tried: Vec::new(), locked: Vec::new() };
    attempts.all()
}

/// Why a login did not succeed.
#[derive(Debug)]
pub(super) enum LoginError {
    TimedOut,
    Failed(TransportError),
}

struct Attempts<'a> {
    link: &'a Link,
    endpoint: &'a Endpoint,
    credentials: &'a Credentials,
    until: Instant,
    /// What was tried and what became of it, a line each.
    tried: Vec<String>,
    /// Key files that need a passphrase.
    locked: Vec<Utf8PathBuf>,
}

impl Attempts<'_> {
    fn all(mut self) -> Result<(), LoginError> {
        let methods = self.methods()?;
        let Some(methods) = methods else { return Ok(()) };
        let accepts = |method: &str| methods.iter().any(|known| known == method);
        if accepts("publickey") && self.keys()? {
            return Ok(());
        }
        if let Some(password) = &self.credentials.password {
            let password = password.clone();
            if accepts("password") && self.password(&password)? {
                return Ok(());
            }
            if accepts("keyboard-interactive") && self.interactive(&password)? {
                return Ok(());
            }
        }
        Err(LoginError::Failed(self.refused(&methods)))
    }

    /// The methods that the server accepts; nothing if it wants none at all.
    fn methods(&mut self) -> Result<Option<Vec<String>>, LoginError> {
        let session = self.link.session();
        let list = self
            .link
            .wait(Call::Session, self.until, || session.auth_methods(&self.endpoint.user).map(str::to_owned));
        match list {
            Ok(list) => Ok(Some(list.split(',').map(str::to_owned).collect())),
            Err(Interrupted::Failed(_)) if session.authenticated() => Ok(None),
            Err(interrupted) => Err(self.interrupted(interrupted)),
        }
    }

    fn keys(&mut self) -> Result<bool, LoginError> {
        let mut wanted = Vec::new();
        if let Some(file) = self.endpoint.explicit_key.clone()
            && self.key_file(&file, true, &mut wanted)?
        {
            return Ok(true);
        }
        // The agent may hold the keys that the configuration names: these first, since servers count.
        let configured = self.endpoint.configured_keys.iter();
        wanted.extend(configured.filter_map(|file| KeyFile::read(file).ok().and_then(|key| key.public)));
        if self.agent(wanted)? {
            return Ok(true);
        }
        for file in self.endpoint.configured_keys.clone() {
            if self.key_file(&file, true, &mut Vec::new())? {
                return Ok(true);
            }
        }
        for file in self.endpoint.default_keys.clone() {
            if self.key_file(&file, false, &mut Vec::new())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tries a key from its file. A file that nobody `named` need not exist. The public half of one
    /// that needs a passphrase goes into `wanted`.
    fn key_file(
        &mut self,
        file: &Utf8PathBuf,
        named: bool,
        wanted: &mut Vec<Vec<u8>>,
    ) -> Result<bool, LoginError> {
        let key = match KeyFile::read(file) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if named {
                    self.tried.push(format!("key file {file}: does not exist"));
                }
                return Ok(false);
            }
            Err(error) => {
                self.tried.push(format!("key file {file}: cannot be read ({})", error.kind()));
                return Ok(false);
            }
        };
        if key.encrypted {
            wanted.extend(key.public);
            self.tried.push(format!("key file {file}: needs a passphrase"));
            self.locked.push(file.clone());
            return Ok(false);
        }
        let session = self.link.session();
        let result = self.link.wait(Call::Session, self.until, || {
            session.userauth_pubkey_memory(&self.endpoint.user, None, key.text.expose_secret(), None)
        });
        self.outcome(result, &format!("key file {file}"))
    }

    fn agent(&mut self, wanted: Vec<Vec<u8>>) -> Result<bool, LoginError> {
        let Some(socket) = self.credentials.agent.clone() else {
            self.tried.push("agent: none is running (SSH_AUTH_SOCK is not set)".to_owned());
            return Ok(false);
        };
        let work = agent::Work {
            socket: socket.clone(),
            user: self.endpoint.user.clone(),
            wanted,
            only_wanted: self.endpoint.identities_only,
            until: self.until,
        };
        match work.run(self.link) {
            Ok(agent::Answer::Accepted) => Ok(true),
            Ok(agent::Answer::Refused(what)) => {
                self.tried.push(format!("agent {socket}: {what}"));
                Ok(false)
            }
            Err(interrupted) => Err(self.interrupted(interrupted)),
        }
    }

    fn password(&mut self, password: &SecretString) -> Result<bool, LoginError> {
        let session = self.link.session();
        let result = self.link.wait(Call::Session, self.until, || {
            session.userauth_password(&self.endpoint.user, password.expose_secret())
        });
        self.outcome(result, "password")
    }

    fn interactive(&mut self, password: &SecretString) -> Result<bool, LoginError> {
        let session = self.link.session();
        let mut answers = Answers(password.clone());
        let result = self.link.wait(Call::Session, self.until, || {
            session.userauth_keyboard_interactive(&self.endpoint.user, &mut answers)
        });
        self.outcome(result, "password (keyboard-interactive)")
    }

    /// Whether a try let the user in. A refusal is noted; a lost connection is an error.
    fn outcome(&mut self, result: Result<(), Interrupted>, what: &str) -> Result<bool, LoginError> {
        match result {
            Ok(()) if self.link.session().authenticated() => Ok(true),
            Ok(()) => {
                self.tried.push(format!("{what}: accepted, but the server wants more than that"));
                Ok(false)
            }
            Err(Interrupted::Failed(error)) if is_refusal(&error) => {
                self.tried.push(format!("{what}: {}", refusal(&error)));
                Ok(false)
            }
            Err(interrupted) => Err(self.interrupted(interrupted)),
        }
    }

    fn interrupted(&self, interrupted: Interrupted) -> LoginError {
        let Interrupted::Failed(error) = interrupted else { return LoginError::TimedOut };
        LoginError::Failed(
            TransportError::unreachable(format!(
                "{} ended the connection while user `{}` was logging in; tried: {}\n\
                 see what sshd says (`journalctl -u ssh -u sshd` on the host); after too many keys it hangs up: \
                 name the right one with `identity_file`",
                self.endpoint.place(),
                self.endpoint.user,
                if self.tried.is_empty() { "nothing yet".to_owned() } else { self.tried.join("; ") },
            ))
            .caused_by(error),
        )
    }

    fn refused(&self, methods: &[String]) -> TransportError {
        let end = self.endpoint;
        let mut tried = self.tried.clone();
        if self.credentials.password.is_none() {
            tried.push("password: none was given".to_owned());
        }
        let remedy = match self.locked.first() {
            Some(file) => format!(
                "unlock the key for an agent, then try again: eval \"$(ssh-agent)\"; {}",
                Command::new("ssh-add").arg(file.as_str()).to_shell()
            ),
            None if !methods.iter().any(|method| method == "publickey") => {
                "this server accepts no keys: give a password".to_owned()
            }
            None => {
                let port = end.port.to_string();
                let user = format!("{}@{}", end.user, end.address);
                let copy = Command::new("ssh-copy-id").args(["-p", port.as_str(), user.as_str()]);
                format!(
                    "put your public key on the host with `{}`, name the right key with `identity_file`, or give \
                     a password",
                    copy.to_shell()
                )
            }
        };
        TransportError::unreachable(format!(
            "{} does not let user `{}` in; tried:\n  - {}\nthe server accepts: {}\n{remedy}",
            end.place(),
            end.user,
            tried.join("\n  - "),
            methods.join(", "),
        ))
    }
}

/// Answers every question that hides what is typed with the password.
struct Answers(SecretString);

impl ssh2::KeyboardInteractivePrompt for Answers {
    fn prompt<'a>(&mut self, _: &str, _: &str, prompts: &[ssh2::Prompt<'a>]) -> Vec<String> {
        let answer = |prompt: &ssh2::Prompt<'a>| match prompt.echo {
            true => String::new(),
            false => self.0.expose_secret().to_owned(),
        };
        prompts.iter().map(answer).collect()
    }
}

/// Whether the server, or the key itself, said no, as opposed to a lost connection.
fn is_refusal(error: &ssh2::Error) -> bool {
    // libssh2 gives a connection that ends while it waits for the answer the code of a refusal.
    if error.message().starts_with("Waiting for") {
        return false;
    }
    // FILE, AUTHENTICATION_FAILED, PUBLICKEY_UNVERIFIED, METHOD_NOT_SUPPORTED, PASSWORD_EXPIRED,
    // AGENT_PROTOCOL, KEYFILE_AUTH_FAILED, ALGO_UNSUPPORTED, PUBLICKEY_PROTOCOL
    [-16, -18, -19, -33, -15, -42, -48, -51, -36].map(ssh2::ErrorCode::Session).contains(&error.code())
}

fn refusal(error: &ssh2::Error) -> String {
    match error.code() {
        _ if error.message().starts_with("Callback") => "the agent does not sign with it".to_owned(),
        ssh2::ErrorCode::Session(-18 | -19) => "refused by the server".to_owned(),
        _ => format!("cannot be used ({})", error.message()),
    }
}
