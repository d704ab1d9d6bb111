//! Running this machine's programs, with errors that say what they said.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// A program could not be run, or failed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be started.
    #[error("running `{command}`")]
    Start {
        /// The command line.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{command}` failed ({status}):\n{output}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last lines that it wrote.
        output: String,
    },
}

/// A program of this machine and its arguments.
#[derive(Debug)]
pub(super) struct Program {
    command: Command,
    stdin: Vec<u8>,
}

impl Program {
    pub(super) fn new(program: &str) -> Self {
        let mut command = Command::new(program);
        // Answers are parsed.
        command.env("LC_ALL", "C");
        Self { command, stdin: Vec::new() }
    }

    pub(super) fn args<S: AsRef<std::ffi::OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(super) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end; returns what it wrote on standard output.
    ///
    /// # Errors
    ///
    /// It cannot be started, or its exit status is not 0.
    pub(super) fn run(self) -> Result<String, ProgramError> {
        let line = self.line();
        let output = self.output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
            Err(ProgramError::Failed {
                command: line,
                status: output.status,
                output: tail(&String::from_utf8_lossy(said), 15),
            })
        }
    }

    /// Runs it to its end, whatever its exit status.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub(super) fn output(mut self) -> Result<Output, ProgramError> {
        let line = self.line();
        let start = |source| ProgramError::Start { command: line.clone(), source };
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        let mut child = self.command.spawn().map_err(start)?;
        if let Some(mut stdin) = child.stdin.take() {
            // What is given is smaller than a pipe's buffer. A program that does not read it says why itself.
            let _ = stdin.write_all(&self.stdin);
        }
        child.wait_with_output().map_err(start)
    }

    /// The command line for messages: long arguments, which are scripts, are left out.
    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let words = words.map(|word| word.to_string_lossy());
        words
            .map(|word| if word.contains('\n') { "…".to_owned() } else { word.into_owned() })
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The last `lines` lines of a text.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_what_the_program_said() {
        let error =
            Program::new("sh").args(["-c", "echo out\necho why >&2\nexit 3"]).run().unwrap_err().to_string();
        insta::assert_snapshot!(error, @"
        `sh -c …` failed (exit status: 3):
        why
        ");
    }

    #[test]
    fn input_is_given_and_output_returned() {
        assert_eq!(Program::new("cat").stdin("abc").run().unwrap(), "abc");
    }

    #[test]
    fn a_tail_is_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }
}
