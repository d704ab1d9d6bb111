//! Running local programs of the build chain.

use std::process::{Command, Stdio};

use camino::Utf8Path;

use super::BuildError;

/// A program with an environment in which the user's own settings do not matter.
pub(super) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").stdin(Stdio::null());
    for kept in ["PATH", "http_proxy", "https_proxy", "no_proxy"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// It cannot be started, or its exit status is not 0: with what it said on standard error.
pub(super) fn capture(command: &mut Command, doing: &str) -> Result<String, BuildError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|source| BuildError::io(format!("starting `{name}` for {doing}"), source))?;
    if !output.status.success() {
        return Err(BuildError::Program {
            program: name,
            doing: doing.to_owned(),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with both of its streams appended to `log`, and returns how it ended.
pub(super) fn logged(command: &mut Command, log: &Utf8Path) -> Result<std::process::ExitStatus, BuildError> {
    let open = || -> std::io::Result<_> {
        let file = fs_err::OpenOptions::new().create(true).append(true).open(log)?.into_parts().0;
        Ok((file.try_clone()?, file))
    };
    let (stdout, stderr) =
        open().map_err(|source| BuildError::io(format!("opening the log {log}"), source))?;
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdout(stdout)
        .stderr(stderr)
        .status()
        .map_err(|source| BuildError::io(format!("starting `{name}`"), source))
}
