//! One libssh2 session on one socket, driven without blocking.
//!
//! libssh2 keeps one lock for a whole session, so a blocking call on one channel stops every other.
//! Here nothing ever blocks inside libssh2: a call that cannot go on says so, and the socket is polled
//! with a limit.
//!
//! When the socket's buffer is full, a packet stays half sent. Until the very call that began it is
//! repeated, libssh2 refuses to send anything else, so [`Link::attempt`] remembers that call and lets
//! no other through.

use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use ssh2::BlockDirections;

/// libssh2's "would block".
const AGAIN: ssh2::ErrorCode = ssh2::ErrorCode::Session(-37);

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// The limit passed first.
    TimedOut,
    /// libssh2 says no, or the connection is gone.
    Failed(ssh2::Error),
}

/// The kinds of calls that can send, to tell a half-sent packet's call from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Opening a channel and all else that belongs to the session.
    Session,
    /// Reading either stream: both send the same window adjustments.
    Read(u64),
    Write(u64),
    /// Ending the input, or closing.
    Close(u64),
}

/// The socket of a session, kept apart so that it can be polled and cut off.
pub(super) struct Link {
    session: ssh2::Session,
    socket: OwnedFd,
    half_sent: Cell<Option<Call>>,
    /// Another thread still uses the session and will not let go of its lock.
    abandoned: Cell<bool>,
}

impl Link {
    /// A session over a connected `socket`, not yet shaken hands with.
    ///
    /// # Errors
    /// Out of memory or file descriptors.
    pub(super) fn new(socket: OwnedFd) -> Result<Self, std::io::Error> {
        let mut session = ssh2::Session::new()?;
        let copy = socket.try_clone()?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        session.set_tcp_stream(socket);
        session.set_blocking(false);
        Ok(Self { session, socket: copy, half_sent: Cell::new(None), abandoned: Cell::new(false) })
    }

    /// The session, for calls that do not send, and for threads of their own.
    pub(super) fn session(&self) -> &ssh2::Session {
        &self.session
    }

    /// The socket to be polled.
    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Leaves the session to the thread that holds its lock.
    pub(super) fn abandon(&self) {
        self.abandoned.set(true);
    }

    /// The call whose packet is half sent.
    pub(super) fn half_sent(&self) -> Option<Call> {
        self.half_sent.get()
    }

    /// Tries a call once: its result, or nothing when it has to be repeated after [`Link::poll`].
    ///
    /// # Errors
    /// What libssh2 says.
    pub(super) fn attempt<T>(
        &self,
        call: Call,
        action: impl FnOnce() -> Result<T, ssh2::Error>,
    ) -> Result<Option<T>, ssh2::Error> {
        if self.half_sent.get().is_some_and(|other| other != call) {
            return Ok(None);
        }
        let result = action();
        let blocked = matches!(&result, Err(error) if error.code() == AGAIN);
        self.half_sent.set((blocked && self.wants_to_send()).then_some(call));
        match result {
            Ok(value) => Ok(Some(value)),
            Err(_) if blocked => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same for calls of the standard library's `Read` and `Write`.
    pub(super) fn attempt_io(
        &self,
        call: Call,
        action: impl FnOnce() -> std::io::Result<usize>,
    ) -> Result<Option<usize>, std::io::Error> {
        if self.half_sent.get().is_some_and(|other| other != call) {
            return Ok(None);
        }
        let result = action();
        let blocked = matches!(&result, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        self.half_sent.set((blocked && self.wants_to_send()).then_some(call));
        match result {
            Ok(count) => Ok(Some(count)),
            Err(_) if blocked => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Repeats a call until it succeeds, fails, or `until` has passed.
    ///
    /// # Errors
    /// See [`Interrupted`].
    pub(super) fn wait<T>(
        &self,
        call: Call,
        until: Instant,
        mut action: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Interrupted> {
        loop {
            if let Some(value) = self.attempt(call, &mut action).map_err(Interrupted::Failed)? {
                return Ok(value);
            }
            if !self.poll(until) {
                return Err(Interrupted::TimedOut);
            }
        }
    }

    /// Waits until the socket is ready for what libssh2 waits for; false when `until` has passed.
    pub(super) fn poll(&self, until: Instant) -> bool {
        poll_one(&self.session, &self.socket, until)
    }

    /// What libssh2 waits for on the socket.
    pub(super) fn interest(&self) -> PollFlags {
        interest(&self.session)
    }

    fn wants_to_send(&self) -> bool {
        matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
    }
}

impl Drop for Link {
    /// Says good-bye if that costs nothing, and cuts the connection. Never blocks.
    fn drop(&mut self) {
        if !self.abandoned.get() {
            let _ = self.attempt(Call::Session, || self.session.disconnect(None, "done", None));
        }
        // libssh2 frees its memory only when it has nothing more to wait for.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }
}

fn interest(session: &ssh2::Session) -> PollFlags {
    match session.block_directions() {
        BlockDirections::Outbound => PollFlags::OUT,
        BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
        BlockDirections::Inbound | BlockDirections::None => PollFlags::IN,
    }
}

/// Repeats `action` on a session of which no [`Link`] is at hand (in a thread of its own).
///
/// # Errors
/// See [`Interrupted`].
pub(super) fn wait_on<T>(
    session: &ssh2::Session,
    socket: &OwnedFd,
    until: Instant,
    mut action: impl FnMut() -> Result<T, ssh2::Error>,
) -> Result<T, Interrupted> {
    loop {
        match action() {
            Err(error) if error.code() == AGAIN => {
                if !poll_one(session, socket, until) {
                    return Err(Interrupted::TimedOut);
                }
            }
            other => return other.map_err(Interrupted::Failed),
        }
    }
}

fn poll_one(session: &ssh2::Session, socket: &OwnedFd, until: Instant) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(socket.as_fd(), interest(session))];
    poll(&mut fds, Some(until))
}

/// poll(2) until `until`, or for ever; false when it has passed. Signals do not end it.
pub(super) fn poll(fds: &mut [PollFd<'_>], until: Option<Instant>) -> bool {
    loop {
        let timeout = match until {
            None => None,
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                Some(timespec(left))
            }
        };
        match rustix::event::poll(fds, timeout.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            // An error of poll itself shows up again, and with a better text, in the next call.
            Ok(_) | Err(_) => return true,
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
