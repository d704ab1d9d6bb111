//! Keys that an agent holds.
//!
//! An agent may wait for a person to touch a token, and a forwarded one may be gone: nothing bounds that,
//! so it is asked in a thread that can be left behind.

use std::time::Instant;

use camino::Utf8PathBuf;

use super::{is_refusal, refusal};
use crate::transport::ssh::bounded::bounded;
use crate::transport::ssh::link::{Interrupted, Link, wait_on};

/// What became of the agent's keys.
pub(super) enum Answer {
    Accepted,
    /// None was accepted: why.
    Refused(String),
}

/// What the thread needs to know.
pub(super) struct Work {
    pub(super) socket: Utf8PathBuf,
    pub(super) user: String,
    /// Public halves of the keys to be tried first.
    pub(super) wanted: Vec<Vec<u8>>,
    /// No other key may be offered.
    pub(super) only_wanted: bool,
    pub(super) until: Instant,
}

impl Work {
    /// Tries the agent's keys, one after the other.
    ///
    /// # Errors
    /// The connection was lost, or the limit passed.
    pub(super) fn run(self, link: &Link) -> Result<Answer, Interrupted> {
        let (session, until) = (link.session().clone(), self.until);
        let socket = link.socket().try_clone().map_err(|_| Interrupted::TimedOut)?;
        bounded(until, move || self.try_keys(&session, &socket)).unwrap_or_else(|| {
            link.abandon();
            Err(Interrupted::TimedOut)
        })
    }

    fn try_keys(self, session: &ssh2::Session, socket: &std::os::fd::OwnedFd) -> Result<Answer, Interrupted> {
        let listed = session.agent().and_then(|mut agent| {
            agent.set_identity_path(self.socket.as_std_path())?;
            agent.connect()?;
            agent.list_identities()?;
            let keys = agent.identities()?;
            Ok((agent, keys))
        });
        let (agent, mut keys) = match listed {
            Ok(listed) => listed,
            Err(error) => return Ok(Answer::Refused(format!("does not answer ({})", error.message()))),
        };
        let rank = |key: &ssh2::PublicKey| self.wanted.iter().position(|wanted| wanted == key.blob());
        let held = keys.len();
        if self.only_wanted {
            keys.retain(|key| rank(key).is_some());
        }
        keys.sort_by_key(|key| rank(key).unwrap_or(usize::MAX));
        let mut reasons = Vec::new();
        for key in &keys {
            match wait_on(session, socket, self.until, || agent.userauth(&self.user, key)) {
                Ok(()) if session.authenticated() => return Ok(Answer::Accepted),
                Ok(()) => reasons.push(format!("{}: accepted, but the server wants more", key.comment())),
                Err(Interrupted::Failed(error)) if is_refusal(&error) => {
                    reasons.push(format!("{}: {}", key.comment(), refusal(&error)));
                }
                Err(interrupted) => return Err(interrupted),
            }
        }
        Ok(Answer::Refused(match (held, keys.len()) {
            (0, _) => "holds no key".to_owned(),
            (held, 0) => format!("holds none of the keys that may be offered ({held} others)"),
            _ => reasons.join(", "),
        }))
    }
}
