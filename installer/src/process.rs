//! Local programs: git, tar, rpmbuild and the like, each in an environment of its own.

use std::process::{Command, ExitStatus, Stdio};

use camino::Utf8Path;

/// Why a local program did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started, or its log could not be written.
    #[error("starting `{program}` for {doing} failed")]
    Start {
        /// The program.
        program: String,
        /// What it was asked to do.
        doing: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It ended with another status than 0, or its answer was not understood.
    #[error("`{program}` failed while {doing} ({status})\n{stderr}")]
    Failed {
        /// The program.
        program: String,
        /// What it was asked to do.
        doing: String,
        /// How it ended.
        status: String,
        /// What it said.
        stderr: String,
    },
}

/// A program with an environment in which the user's own settings do not matter.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").stdin(Stdio::null());
    for kept in ["PATH", "http_proxy", "https_proxy", "no_proxy"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// Runs a program to its end and returns what it printed. `doing` continues "failed while …".
///
/// # Errors
/// It cannot be started, or its exit status is not 0: with what it said on standard error.
pub fn capture(command: &mut Command, doing: &str) -> Result<String, ProcessError> {
    let output = command.output().map_err(|source| not_started(command, doing, source))?;
    if !output.status.success() {
        return Err(ProcessError::Failed {
            program: name(command),
            doing: doing.to_owned(),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with both of its streams appended to `log`, and returns how it ended.
///
/// # Errors
/// The log cannot be opened, or the program cannot be started.
pub fn logged(command: &mut Command, log: &Utf8Path) -> Result<ExitStatus, ProcessError> {
    let open = || -> std::io::Result<_> {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(log)?.into_parts().0;
        Ok((file.try_clone()?, file))
    };
    let doing = format!("writing {log}");
    let (stdout, stderr) = open().map_err(|source| not_started(command, &doing, source))?;
    command.stdout(stdout).stderr(stderr).status().map_err(|source| not_started(command, &doing, source))
}

fn not_started(command: &Command, doing: &str, source: std::io::Error) -> ProcessError {
    ProcessError::Start { program: name(command), doing: doing.to_owned(), source }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
