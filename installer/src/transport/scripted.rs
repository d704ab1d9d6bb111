//! A connector and sessions that follow a script, for the tests of what is built on sessions.
//!
//! Every call must be the next one of the script; anything else, and a session dropped before its script
//! has ended, is a failed test.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Mutex;

use super::{Command, Connector, Held, Output, Session, TransportError, Upload};
use crate::model::{HostName, HostPath};

/// One expected call and what comes of it.
#[derive(Debug)]
pub struct Expect {
    call: Call,
    answer: Result<Output, TransportError>,
}

/// What is expected to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Run(Command),
    /// A command of which only the beginning of the line matters.
    RunLike(String),
    Upload {
        offset: u64,
        target: HostPath,
        bytes: Vec<u8>,
    },
    Download(HostPath),
    Hold(Command),
}

impl Expect {
    /// Exactly this command, input and limit included; it succeeds and prints nothing.
    pub fn run(command: Command) -> Self {
        Self::new(Call::Run(command))
    }

    /// Any command whose line for the shell begins like this.
    pub fn run_like(beginning: impl Into<String>) -> Self {
        Self::new(Call::RunLike(beginning.into()))
    }

    /// An upload that appends exactly `bytes` behind `offset`.
    pub fn upload(target: HostPath, offset: u64, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Call::Upload { offset, target, bytes: bytes.into() })
    }

    /// A download of `source`, which yields `bytes`.
    pub fn download(source: HostPath, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Call::Download(source)).prints(bytes)
    }

    /// A command that is to run until the session ends. It is left running, unless [`Expect::fails`] ends it.
    pub fn hold(command: Command) -> Self {
        Self::new(Call::Hold(command))
    }

    fn new(call: Call) -> Self {
        Self { call, answer: Ok(Output { status: 0, stdout: Vec::new(), stderr: Vec::new() }) }
    }

    /// It writes this to standard output.
    #[must_use]
    pub fn prints(mut self, stdout: impl Into<Vec<u8>>) -> Self {
        if let Ok(output) = &mut self.answer {
            output.stdout = stdout.into();
        }
        self
    }

    /// It ends with this status and message.
    #[must_use]
    pub fn fails(mut self, status: i32, stderr: impl Into<Vec<u8>>) -> Self {
        if let Ok(output) = &mut self.answer {
            output.status = status;
            output.stderr = stderr.into();
        }
        self
    }

    /// The transport breaks.
    #[must_use]
    pub fn breaks(mut self, error: TransportError) -> Self {
        self.answer = Err(error);
        self
    }
}

/// A session that answers as its script says.
#[derive(Debug)]
pub struct ScriptedSession {
    host: String,
    script: VecDeque<Expect>,
}

impl ScriptedSession {
    /// A session with `host` that expects exactly these calls.
    pub fn new(host: impl Into<String>, script: impl IntoIterator<Item = Expect>) -> Self {
        Self { host: host.into(), script: script.into_iter().collect() }
    }

    #[expect(clippy::panic, reason = "a test double that is called in the wrong way is a failed test")]
    fn next(&mut self, call: &Call) -> Result<Output, TransportError> {
        let Some(expected) = self.script.pop_front() else {
            panic!("{}: nothing more was expected, but there came {call:?}", self.host);
        };
        let same = match (&expected.call, call) {
            (Call::RunLike(beginning), Call::Run(command)) => command.to_shell().starts_with(beginning),
            (expected, call) => expected == call,
        };
        assert!(same, "{}: expected {:?}, but there came {call:?}", self.host, expected.call);
        expected.answer
    }
}

impl Drop for ScriptedSession {
    fn drop(&mut self) {
        // A test that fails already must not fail twice.
        if !std::thread::panicking() {
            assert!(self.script.is_empty(), "{}: never called: {:?}", self.host, self.script);
        }
    }
}

impl Session for ScriptedSession {
    fn run(&mut self, command: &Command) -> Result<Output, TransportError> {
        self.next(&Call::Run(command.clone()))
    }

    fn upload(&mut self, upload: &Upload<'_>, progress: &mut dyn FnMut(u64)) -> Result<(), TransportError> {
        let bytes = fs_err::read(upload.source)
            .map_err(|error| TransportError::broken("cannot read the file to upload").caused_by(error))?;
        let behind = usize::try_from(upload.offset).ok().and_then(|offset| bytes.get(offset..));
        let call = Call::Upload {
            offset: upload.offset,
            target: upload.target.clone(),
            bytes: behind.unwrap_or_default().to_vec(),
        };
        let output = self.next(&call)?;
        progress(bytes.len() as u64);
        refused(&output)
    }

    fn download(&mut self, source: &HostPath, into: &mut dyn io::Write) -> Result<u64, TransportError> {
        let output = self.next(&Call::Download(source.clone()))?;
        refused(&output)?;
        into.write_all(&output.stdout)
            .map_err(|error| TransportError::broken("cannot write the download").caused_by(error))?;
        Ok(output.stdout.len() as u64)
    }

    fn hold(&mut self, command: &Command) -> Result<Held, TransportError> {
        let output = self.next(&Call::Hold(command.clone()))?;
        Ok(if output.success() { Held::Holding } else { Held::Ended(output) })
    }
}

fn refused(output: &Output) -> Result<(), TransportError> {
    if output.success() {
        return Ok(());
    }
    Err(TransportError::broken(String::from_utf8_lossy(&output.stderr)))
}

/// Hands out scripted sessions, one a connection, in the order in which they were added.
#[derive(Debug, Default)]
pub struct ScriptedConnector {
    sessions: Mutex<BTreeMap<HostName, VecDeque<Result<ScriptedSession, TransportError>>>>,
}

impl ScriptedConnector {
    /// A connector that knows no host yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next connection to `host` follows this script.
    #[must_use]
    pub fn session(self, host: &HostName, script: impl IntoIterator<Item = Expect>) -> Self {
        self.add(host, Ok(ScriptedSession::new(host.to_string(), script)))
    }

    /// The next connection to `host` fails.
    #[must_use]
    pub fn refuses(self, host: &HostName, error: TransportError) -> Self {
        self.add(host, Err(error))
    }

    fn add(self, host: &HostName, session: Result<ScriptedSession, TransportError>) -> Self {
        if let Ok(mut sessions) = self.sessions.lock() {
            sessions.entry(host.clone()).or_default().push_back(session);
        }
        self
    }
}

impl Connector for ScriptedConnector {
    #[expect(clippy::panic, reason = "a test double that is called in the wrong way is a failed test")]
    fn connect(&self, host: &HostName) -> Result<Box<dyn Session>, TransportError> {
        let next = self.sessions.lock().ok().and_then(|mut all| all.get_mut(host)?.pop_front());
        match next {
            Some(session) => Ok(Box::new(session?)),
            None => panic!("no connection to {host} was expected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(script: impl IntoIterator<Item = Expect>) -> Box<dyn Session> {
        let host: HostName = "agent-1".parse().unwrap();
        ScriptedConnector::new().session(&host, script).connect(&host).unwrap()
    }

    #[test]
    fn the_script_is_followed() {
        let path: HostPath = "/etc/x".parse().unwrap();
        let mut session = connector([
            Expect::run(Command::new("id")).prints("0\n"),
            Expect::run_like("rpm -q").fails(1, "not installed"),
            Expect::download(path.clone(), "bytes"),
        ]);
        assert_eq!(session.run(&Command::new("id")).unwrap().stdout, b"0\n");
        assert_eq!(session.run(&Command::new("rpm").args(["-q", "mesos"])).unwrap().status, 1);
        let mut bytes = Vec::new();
        assert_eq!(session.download(&path, &mut bytes).unwrap(), 5);
    }

    #[test]
    #[should_panic(expected = "expected Run")]
    fn another_command_fails() {
        let _ = connector([Expect::run(Command::new("id"))]).run(&Command::new("date"));
    }

    #[test]
    #[should_panic(expected = "nothing more was expected")]
    fn one_more_command_fails() {
        let _ = connector([]).run(&Command::new("date"));
    }

    #[test]
    #[should_panic(expected = "never called")]
    fn one_command_less_fails() {
        drop(connector([Expect::run(Command::new("id"))]));
    }
}
