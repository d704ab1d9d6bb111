//! A session over SSH: commands as root, uploads, downloads.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::exchange::{self, Broken, Finished, Patience};
use super::link::Link;
use super::options::{Limits, human};
use super::route::Endpoint;
use super::sudo::Elevation;
use crate::model::HostPath;
use crate::transport::{Command, Held, Output, Session, TransportError, Upload};

/// Copies standard input behind the `$2` bytes that file `$1` has; a new file is root's only.
const APPEND: &str = r#"umask 077
if [ "$2" = 0 ]; then
    if [ -f "$1" ]; then chmod 600 -- "$1" || exit; fi
    exec cat > "$1"
fi
size=$(wc -c < "$1") || exit
if [ "$size" -ne "$2" ]; then
    echo "the file holds $size bytes, not $2" >&2
    exit 1
fi
exec cat >> "$1""#;

/// Transfers show their progress and are limited by silence; this only keeps them from being endless.
const TRANSFER_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Lines of what a failed transfer said that its message repeats.
const LAST_LINES: usize = 5;

/// A logged-in connection to one host.
pub(super) struct SshSession {
    /// Channels of commands that run until the session ends. First, so that they go before the link does.
    held: Vec<ssh2::Channel>,
    /// Nothing once the connection was given up.
    link: Option<Link>,
    endpoint: Endpoint,
    elevation: Elevation,
    limits: Limits,
}

impl SshSession {
    pub(super) fn new(link: Link, endpoint: Endpoint, elevation: Elevation, limits: Limits) -> Self {
        Self { link: Some(link), endpoint, elevation, limits, held: Vec::new() }
    }

    /// The link, unless an earlier error broke it.
    fn link(&self) -> Result<&Link, TransportError> {
        self.link.as_ref().ok_or_else(|| {
            TransportError::broken(format!(
                "the connection to {} was given up after an earlier error\nconnect again",
                self.endpoint.place()
            ))
        })
    }

    /// Runs `command`, feeding it `input` and sending what it writes to `stdout`.
    fn exchange(
        &mut self,
        command: &Command,
        input: &mut dyn Read,
        stdout: &mut dyn Write,
        limit: Duration,
    ) -> Result<Finished, TransportError> {
        let link = self.link()?;
        let preamble = self.elevation.preamble();
        let mut input = preamble.expose_secret().as_bytes().chain(input);
        let patience = Patience { limit, silence: self.limits.silence };
        exchange::run(link, &self.elevation.line(command), &mut input, stdout, patience).map_err(|broken| {
            // What the command would still send cannot be told from the next one's answer.
            self.link = None;
            self.broken(command, broken, patience)
        })
    }

    fn broken(&self, command: &Command, broken: Broken, patience: Patience) -> TransportError {
        let (what, place) = (command.summary(), self.endpoint.place());
        match broken {
            Broken::Limit => TransportError::broken(format!(
                "`{what}` on {place} took longer than {} and was given up; it may still be running there\n\
                 see with `ps` on the host what it is waiting for, then run this again",
                human(patience.limit)
            )),
            Broken::Silence => TransportError::broken(format!(
                "`{what}` on {place}: nothing was heard for {}; the host may be gone or the command stuck\n\
                 look whether the host is up, and with `ps` what the command is waiting for, then run this again",
                human(patience.silence)
            )),
            Broken::Lost(error) => TransportError::broken(format!(
                "the connection to {place} was lost during `{what}`\n\
                 look whether the host is up and what its sshd says, then run this again"
            ))
            .caused_by(error),
            Broken::Refused(error) => TransportError::broken(format!(
                "{place} does not run `{what}`\n\
                 look for a ForceCommand, a shell that refuses logins, or MaxSessions in its sshd_config"
            ))
            .caused_by(error),
            Broken::Input(error) => TransportError::broken(format!(
                "cannot read here what is to be sent to {place}\nmake the file readable"
            ))
            .caused_by(error),
            Broken::Output(error) => TransportError::broken(format!(
                "cannot write here what {place} sends\nlook for a full disk on this machine"
            ))
            .caused_by(error),
        }
    }

    /// A transfer that the remote side ended.
    fn transfer_failed(&self, what: &str, path: &HostPath, finished: &Finished) -> TransportError {
        let said = String::from_utf8_lossy(&finished.stderr);
        let lines: Vec<&str> = said.trim().lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        let remedy = if said.contains("No space left") {
            "free space on the file system that holds it"
        } else if said.contains("bytes, not") {
            "something else has changed it: remove it"
        } else {
            "mend that on the host"
        };
        TransportError::broken(format!(
            "cannot {what} {path} on {} (exit status {}): {last}\n{remedy}, then run this again",
            self.endpoint.place(),
            finished.status,
        ))
    }
}

impl Session for SshSession {
    fn run(&mut self, command: &Command) -> Result<Output, TransportError> {
        let limit = command.time_limit().unwrap_or(self.limits.command);
        let mut stdout = Vec::new();
        let finished = self.exchange(command, &mut command.input(), &mut stdout, limit)?;
        Ok(Output { status: finished.status, stdout, stderr: finished.stderr })
    }

    fn upload(&mut self, upload: &Upload<'_>, progress: &mut dyn FnMut(u64)) -> Result<(), TransportError> {
        let local = |error: io::Error| {
            TransportError::broken(format!("cannot read {}\nmake the file readable", upload.source))
                .caused_by(error)
        };
        let mut file = fs_err::File::open(upload.source).map_err(local)?;
        let length = file.metadata().map_err(local)?.len();
        if upload.offset > length {
            return Err(TransportError::broken(format!(
                "{} holds {length} bytes, but {} bytes of it are said to be in {} on {} already\n\
                 remove the file on the host",
                upload.source,
                upload.offset,
                upload.target,
                self.endpoint.place()
            )));
        }
        file.seek(SeekFrom::Start(upload.offset)).map_err(local)?;
        let command = Command::script(APPEND, [upload.target.as_str(), &upload.offset.to_string()]);
        let mut source = Counted { file, sent: upload.offset, progress };
        let finished = self.exchange(&command, &mut source, &mut io::sink(), TRANSFER_LIMIT)?;
        if finished.status == 0 {
            Ok(())
        } else {
            Err(self.transfer_failed("write", upload.target, &finished))
        }
    }

    fn download(&mut self, source: &HostPath, into: &mut dyn Write) -> Result<u64, TransportError> {
        let command = Command::new("cat").args(["--", source.as_str()]);
        let mut counting = Counting { into, count: 0 };
        let finished = self.exchange(&command, &mut io::empty(), &mut counting, TRANSFER_LIMIT)?;
        match finished.status {
            0 => Ok(counting.count),
            _ => Err(self.transfer_failed("read", source, &finished)),
        }
    }

    fn hold(&mut self, command: &Command) -> Result<Held, TransportError> {
        let link = self.link()?;
        let preamble = self.elevation.preamble();
        let limit = command.time_limit().unwrap_or(self.limits.command);
        let patience = Patience { limit, silence: self.limits.silence };
        let mut stdout = Vec::new();
        let mut input = preamble.expose_secret().as_bytes();
        match exchange::hold(link, &self.elevation.line(command), &mut input, &mut stdout, patience) {
            Ok(exchange::Held::Holding(channel)) => {
                self.held.push(channel);
                Ok(Held::Holding)
            }
            Ok(exchange::Held::Ended(Finished { status, stderr })) => {
                Ok(Held::Ended(Output { status, stdout, stderr }))
            }
            Err(broken) => {
                self.link = None;
                Err(self.broken(command, broken, patience))
            }
        }
    }
}

/// A file that tells how much of it was sent: whoever asks for more has sent what it had.
struct Counted<'a> {
    file: fs_err::File,
    sent: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.progress)(self.sent);
        let count = self.file.read(buffer)?;
        self.sent += count as u64;
        Ok(count)
    }
}

/// Counts what is written.
struct Counting<'a> {
    into: &'a mut dyn Write,
    count: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.into.write(bytes)?;
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
