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

    /// The command in a few words for messages: the program and the beginning of its arguments.
    pub fn summary(&self) -> String {
        const LONGEST: usize = 60;
        let mut summary = String::new();
        for word in &self.words {
            let line = word.lines().next().unwrap_or_default();
            let mut short: String = line.chars().take(LONGEST / 2).collect();
            if short.len() < word.len() {
                short.push('…');
            }
            if !summary.is_empty() {
                if summary.chars().count() + short.chars().count() > LONGEST {
                    summary.push_str(" …");
                    break;
                }
                summary.push(' ');
            }
            summary.push_str(&short);
        }
        summary
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_gets_the_words_that_were_given(words in prop::collection::vec("\\PC*|[ -~\n\t]*", 1..6)) {
            let words: Vec<String> = words.into_iter().map(|word| word.replace('\0', "")).collect();
            let line = Command::new("printf").arg("%s\\0").args(words.clone()).to_shell();
            let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            let expected: String = words.iter().map(|word| format!("{word}\0")).collect();
            prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        }
    }

    #[test]
    fn quoting() {
        let line =
            Command::new("echo").args(["plain", "", "it's", "$HOME `id`", "a\nb", "~", "x=1"]).to_shell();
        insta::assert_snapshot!(line, @r#"
        echo plain '' "it's" '$HOME `id`' 'a
        b' '~' 'x=1'
        "#);
    }

    #[test]
    fn summaries_are_short() {
        let summary = |command: &Command| command.summary();
        insta::assert_snapshot!(summary(&Command::new("rpm").args(["-q", "mesos"])), @"rpm -q mesos");
        insta::assert_snapshot!(summary(&Command::script("set -e\nid", ["a"])), @"sh -c set -e… sh a");
        insta::assert_snapshot!(summary(&Command::new("rpm").args(vec!["/var/cache/package.rpm"; 9])), @"rpm /var/cache/package.rpm /var/cache/package.rpm …");
    }
}
