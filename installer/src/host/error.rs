//! Why something could not be done on a host.

use std::fmt;

use crate::facts::ParseFactsError;
use crate::model::UnitName;
use crate::transport::{Output, TransportError};

/// How many of a command's last lines are shown.
const TAIL: usize = 12;

/// Why something could not be done on a host. The text carries the remedy.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The connection.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Another run is at work on the host.
    #[error(
        "another run holds the host's lock: {holder}\n\
         Wait for it to end. The lock goes by itself when that run's connection does.\n\
         More: docs/troubleshooting.md#another-run-holds-the-lock"
    )]
    Locked {
        /// Who holds it and since when.
        holder: String,
    },
    /// The answer about facts cannot be read.
    #[error(
        "the host's answer about its facts cannot be read\n\
         See with `ssh HOST true` whether its login scripts print something, and silence them where there is no terminal.\n\
         More: docs/troubleshooting.md#the-hosts-answer-cannot-be-read"
    )]
    Facts(#[source] ParseFactsError),
    /// A remote command failed.
    #[error(
        "`{command}` ended with status {status}{output}\nMend that on the host and run again.\n\
         More: docs/troubleshooting.md#a-command-ended-with-another-status-than-0"
    )]
    Command {
        /// The command in short, for people.
        command: String,
        /// Its exit status.
        status: i32,
        /// The last lines of what it said.
        output: Tail,
    },
    /// A package arrived with another digest.
    #[error(
        "{package} arrived damaged: the uploaded file was deleted\n\
         Run again; if it happens again, look at the host's disk and memory.\n\
         More: docs/troubleshooting.md#a-package-arrived-damaged"
    )]
    Damaged {
        /// The package.
        package: String,
    },
    /// A unit is not healthy.
    #[error(
        "{unit} {what}{journal}\nSee all of it with `journalctl -u {unit}` on the host, mend the cause and run again.\n\
         More: docs/troubleshooting.md#a-service-does-not-become-healthy"
    )]
    Unhealthy {
        /// The unit.
        unit: UnitName,
        /// What is wrong with it.
        what: String,
        /// The end of its journal.
        journal: Tail,
    },
    /// The tool itself failed.
    #[error("the tool itself failed here; what it printed says where\nPlease report that, and run again.")]
    Internal,
    /// The run was interrupted.
    #[error("interrupted\nRun the same command again to finish.")]
    Interrupted,
    /// A local file cannot be read.
    #[error("{what}")]
    Local {
        /// What was being read.
        what: String,
        /// Why it cannot be.
        #[source]
        source: std::io::Error,
    },
}

impl HostError {
    /// A command that ended with a status other than zero.
    pub(super) fn command(command: impl Into<String>, output: &Output) -> Self {
        let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        Self::Command { command: command.into(), status: output.status, output: Tail::of("it said", said) }
    }

    /// Whether the host could never be reached.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transport(error) if error.is_unreachable())
    }
}

/// The last lines of something, below a line that says what it is; empty for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tail(String);

impl Tail {
    /// The last lines of `bytes`, under the title `what`.
    pub fn of(what: &str, bytes: impl AsRef<[u8]>) -> Self {
        let text = String::from_utf8_lossy(bytes.as_ref());
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(TAIL)..];
        if last.is_empty() {
            return Self::default();
        }
        let tail: String = last.iter().map(|line| format!("\n    {line}")).collect();
        Self(format!("; {what}:{tail}"))
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
