//! A remote command: a program, its arguments and what it reads. Quoting happens here and nowhere else.

use std::time::Duration;

/// A program with its arguments, run as root on the host.
///
/// It is quoted for the remote shell in one place ([`Command::to_shell`]); nobody else builds shell text
/// from values. Secrets never go into arguments, which every user of the host can list: give them as
/// standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
    stdin: Vec<u8>,
    limit: Option<Duration>,
}

impl Command {
    /// A command that runs `program`.
    pub fn new(program: impl Into<String>) -> Self {
        Self { words: vec![program.into()], stdin: Vec::new(), limit: None }
    }

    /// `script`, run by the POSIX shell with `arguments` as `$1`, `$2`, …
    pub fn script<S: Into<String>>(script: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::new("sh").arg("-c").arg(script).arg("sh").args(arguments)
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.words.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// What the command reads from standard input; nothing unless given.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The longest that the command may take in all; the session's own limit unless given.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// What it reads from standard input.
    pub fn input(&self) -> &[u8] {
        &self.stdin
    }

    /// Its own time limit.
    pub fn time_limit(&self) -> Option<Duration> {
        self.limit
    }

    /// The command as one line for a POSIX shell, every word quoted.
    pub fn to_shell(&self) -> String {
        self.words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a POSIX shell must be given it.
///
/// A NUL byte cannot be part of an argument at all, so it is left out.
fn quote(word: &str) -> String {
    let word = word.replace('\0', "");
    match shlex::try_quote(&word) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => unreachable!("NUL is the only byte that cannot be quoted, and it was removed"),
    }
}
