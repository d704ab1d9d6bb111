//! Exit statuses, and how a failed command explains itself.

use std::error::Error;
use std::process::ExitCode;

use anstream::eprintln;
use owo_colors::OwoColorize as _;
use schemars::JsonSchema;
use serde::Serialize;

use super::mistakes;
use crate::diagnostic::{Mistakes, with_causes};
use crate::report::json_line;

/// How a command ended; the numbers are part of the contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// At least one host failed.
    HostFailed = 1,
    /// Usage, inventory or a missing input.
    Usage = 2,
    /// Changes are pending (`plan --detailed-exitcode`).
    ChangesPending = 3,
    /// A check refused before anything was changed.
    Refused = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::HostFailed,
        Self::Usage,
        Self::ChangesPending,
        Self::Refused,
        Self::Locked,
        Self::Interrupted,
    ];

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::HostFailed => "at least one host failed",
            Self::Usage => "usage, inventory or a missing input",
            Self::ChangesPending => "changes pending (plan --detailed-exitcode)",
            Self::Refused => "refused before anything was changed",
            Self::Locked => "another run holds the lock",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The command could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename = "error")]
pub(super) struct ErrorLine {
    /// What was being done, what is wrong and what to do next.
    pub message: String,
    /// The exit status.
    pub exit: u8,
}

/// A command that could not do its work: the exit status and the error that says why.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// Ends with `exit`, because of `error`.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, error: error.into() }
    }

    /// Ends with status 2: usage, inventory or a missing input.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// The error as an event.
    pub(in crate::cli) fn line(&self) -> ErrorLine {
        ErrorLine { message: with_causes(self.error.as_ref()), exit: self.exit as u8 }
    }

    /// Prints the error as JSON events: each mistake, or one `{"type":"error","message":…,"exit":N}`.
    pub(super) fn json_lines(&self) {
        match self.error.downcast_ref::<Mistakes>() {
            Some(found) => mistakes::print_json(found),
            None => json_line(&self.line()),
        }
    }

    /// Prints the error with its causes and returns the exit status.
    pub fn show(self) -> ExitCode {
        if let Some(mistakes) = self.error.downcast_ref::<Mistakes>() {
            mistakes::show(mistakes);
            return self.exit.into();
        }
        eprintln!("{} {}", "error:".red().bold(), with_causes(self.error.as_ref()));
        self.exit.into()
    }
}
