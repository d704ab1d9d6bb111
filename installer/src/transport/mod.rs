//! Reaching a host: run a command, upload a file, download a file, and nothing else.
//!
//! This module knows nothing of Mesos, packages or plans. Everything that the installer does on a
//! host is layered on [`Session`] by [`crate::host`].

mod command;
pub mod scripted;
pub mod ssh;

pub use command::Command;

use std::io;

use camino::Utf8Path;

use crate::model::{HostName, HostPath};

/// What a finished remote command left behind. A status other than zero is a result, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit status; 128 plus the signal's number where a signal ended the command.
    pub status: i32,
    /// Everything it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether the command exited with status 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }
}

/// A connection to one host whose host key was verified and whose user is logged in.
pub trait Session: Send {
    /// Runs `command` to its end and returns its status and both of its streams, kept apart.
    ///
    /// # Errors
    /// Only when the transport failed: connection lost, or a time limit exceeded.
    fn run(&mut self, command: &Command) -> Result<Output, TransportError>;

    /// Appends `upload.source` from `upload.offset` on to the remote file `upload.target`, streaming
    /// from disk. `progress` is given the number of bytes sent so far, `offset` included.
    ///
    /// # Errors
    /// The transport's, reading the local file, or what the remote side said when it could not write.
    fn upload(&mut self, upload: &Upload<'_>, progress: &mut dyn FnMut(u64)) -> Result<(), TransportError>;

    /// Streams the remote file into `into` and returns its length in bytes.
    ///
    /// # Errors
    /// The transport's, writing into `into`, or what the remote side said when it could not read.
    fn download(&mut self, source: &HostPath, into: &mut dyn io::Write) -> Result<u64, TransportError>;

    /// Starts `command`, which says with its first line of output that it holds something, and leaves it running
    /// beside all other commands until the session ends. What it writes afterwards is dropped.
    ///
    /// # Errors
    /// The transport's.
    fn hold(&mut self, command: &Command) -> Result<Held, TransportError>;
}

/// One file on its way to a host.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The file on this machine.
    pub source: &'a Utf8Path,
    /// How many bytes the remote file holds already; sending begins behind them.
    pub offset: u64,
    /// The remote file that is appended to; it is made, readable by root only, when `offset` is 0.
    pub target: &'a HostPath,
}

/// What became of a command that was to run until the session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It wrote its first line and goes on.
    Holding,
    /// It ended.
    Ended(Output),
}

/// Opens sessions: over SSH in the product, from memory in tests.
pub trait Connector: Sync {
    /// Connects to a host, verifies its host key, logs in and makes sure of root's rights.
    ///
    /// # Errors
    /// Why the host cannot be reached or used, with what mends it.
    fn connect(&self, host: &HostName) -> Result<Box<dyn Session>, TransportError>;
}

/// Why a host could not be reached, or why a connection to it broke. The remedy is part of the text.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// What was being done and what is wrong, and after a line break what to do next.
    message: String,
    /// Whether the host was never reached (as opposed to: reached, then lost or refused).
    unreachable: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// The host could not be reached or logged in to: it was not changed.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self { message: message.into(), unreachable: true, source: None }
    }

    /// The connection broke, or a limit was exceeded, while something was being done.
    pub fn broken(message: impl Into<String>) -> Self {
        Self { message: message.into(), unreachable: false, source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the host was never reached.
    pub fn is_unreachable(&self) -> bool {
        self.unreachable
    }
}
