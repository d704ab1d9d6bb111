//! Local programs: git, tar, rpmbuild and the like, each in an environment of its own.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8Path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

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

/// Runs a program with both of its streams appended to `log`, and returns how it ended. `line` is told each line as
/// it is printed. When `cancel` is set the program is killed.
///
/// # Errors
/// The log cannot be written, or the program cannot be started.
pub fn watched(
    command: &mut Command,
    log: &Utf8Path,
    cancel: &AtomicBool,
    line: impl FnMut(&str),
) -> Result<ExitStatus, ProcessError> {
    let doing = format!("writing {log}");
    let failed = |command: &Command, source| not_started(command, &doing, source);
    let file = fs_err::OpenOptions::new().create(true).append(true).open(log);
    let file = file.map_err(|source| failed(command, source))?;
    let start = |command: &mut Command| -> std::io::Result<_> {
        let (reader, writer) = std::io::pipe()?;
        let child = command.stdout(writer.try_clone()?).stderr(writer).spawn();
        // The command holds the pipe's end too, and the pipe must end with the program.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok((reader, child?))
    };
    let (reader, mut child) = start(command).map_err(|source| failed(command, source))?;
    let copied = copy_lines(reader, file, &mut child, cancel, line);
    if copied.is_err() {
        // It cannot be let run where nobody reads what it says; that it has ended already is no harm.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|source| failed(command, source))?;
    copied.map_err(|source| failed(command, source))?;
    Ok(status)
}

fn copy_lines(
    mut reader: std::io::PipeReader,
    mut log: fs_err::File,
    child: &mut Child,
    cancel: &AtomicBool,
    mut line: impl FnMut(&str),
) -> std::io::Result<()> {
    const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let mut rest = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let ready = poll(&mut [PollFd::new(&reader, PollFlags::IN)], Some(&WAIT))?;
        if cancel.load(Ordering::SeqCst) {
            child.kill()?;
            return Ok(());
        }
        if ready == 0 {
            continue;
        }
        let read = reader.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        log.write_all(bytes)?;
        rest.extend_from_slice(bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = rest.drain(..=end).collect();
            line(String::from_utf8_lossy(&whole).trim_end());
        }
        if read == 0 {
            return Ok(());
        }
    }
}

fn not_started(command: &Command, doing: &str, source: std::io::Error) -> ProcessError {
    ProcessError::Start { program: name(command), doing: doing.to_owned(), source }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let log = Utf8Path::from_path(&log).unwrap();
        let mut lines = Vec::new();
        let mut command = program("sh");
        command.args(["-c", "echo one; echo two >&2; printf three; exit 3"]);
        let status =
            watched(&mut command, log, &AtomicBool::new(false), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(fs_err::read_to_string(log).unwrap(), "one\ntwo\nthree");
    }

    #[test]
    fn a_program_is_killed_when_the_run_is_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let log = Utf8Path::from_path(&log).unwrap();
        let cancel = AtomicBool::new(false);
        let mut command = program("sh");
        command.args(["-c", "echo begun; exec sleep 600"]);
        let status = watched(&mut command, log, &cancel, |_| cancel.store(true, Ordering::SeqCst)).unwrap();
        assert!(!status.success(), "{status}");
    }
}
