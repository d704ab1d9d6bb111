//! One tunnel: bytes from a local socket to a channel and back.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use rustix::event::PollFlags;

use super::pump::Place;
use crate::transport::ssh::link::{Call, Link};

/// As much as libssh2 sends in a few packets.
const BUFFER: usize = 64 * 1024;

/// How far a tunnel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// One end is gone; the channel is being closed.
    Closing,
    Closed,
}

/// Bytes on their way in one direction.
struct Buffer {
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER], begin: 0, end: 0 }
    }

    /// What is to be passed on.
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.begin..self.end).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    /// Fills the empty buffer by means of `read`; how many bytes it gave, if it did not have to wait.
    fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<Option<usize>, E>,
    ) -> Result<Option<usize>, E> {
        let count = read(&mut self.bytes)?;
        (self.begin, self.end) = (0, count.unwrap_or(0));
        Ok(count)
    }
}

/// A channel of the jump host's session and the socket that stands for it.
pub(super) struct Tunnel {
    number: u64,
    channel: ssh2::Channel,
    socket: UnixStream,
    outward: Buffer,
    inward: Buffer,
    state: State,
    _place: Place,
}

impl Tunnel {
    /// A tunnel between `channel` and `socket`.
    ///
    /// # Errors
    /// The socket cannot be used without blocking.
    pub(super) fn new(
        number: u64,
        channel: ssh2::Channel,
        socket: UnixStream,
        place: Place,
    ) -> std::io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (outward, inward) = (Buffer::new(), Buffer::new());
        Ok(Self { number, channel, socket, outward, inward, state: State::Open, _place: place })
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// What to wait for on the socket; nothing when only the jump host's side can go on.
    pub(super) fn interest(&self) -> Option<PollFlags> {
        let mut interest = PollFlags::empty();
        if self.outward.is_empty() {
            interest |= PollFlags::IN;
        }
        if !self.inward.is_empty() {
            interest |= PollFlags::OUT;
        }
        (self.state == State::Open && !interest.is_empty()).then_some(interest)
    }

    /// Whether libssh2 holds bytes for the socket already, so that the connection stays silent.
    pub(super) fn has_queued(&self) -> bool {
        self.state == State::Open && self.inward.is_empty() && self.channel.read_window().available > 0
    }

    /// Moves what can be moved; whether that was anything.
    ///
    /// # Errors
    /// The jump host's connection is lost, for all tunnels.
    pub(super) fn advance(&mut self, link: &Link) -> std::io::Result<bool> {
        let mut moved = false;
        if self.state == State::Open {
            moved |= self.outward(link)?;
        }
        if self.state == State::Open {
            moved |= self.inward(link)?;
        }
        if self.state == State::Closing {
            moved |= self.close(link)?;
        }
        Ok(moved)
    }

    /// From the socket to the channel.
    fn outward(&mut self, link: &Link) -> std::io::Result<bool> {
        let mut moved = false;
        if self.outward.is_empty() {
            let mut socket = &self.socket;
            match self.outward.fill(|buffer| unless_waiting(socket.read(buffer))) {
                Ok(None) => {}
                Ok(Some(1..)) => moved = true,
                Ok(Some(0)) | Err(_) => self.state = State::Closing,
            }
        }
        while !self.outward.is_empty() {
            match self.write(link)? {
                Some(count @ 1..) => {
                    self.outward.begin += count;
                    moved = true;
                }
                _ => break,
            }
        }
        Ok(moved)
    }

    fn write(&mut self, link: &Link) -> std::io::Result<Option<usize>> {
        let (channel, rest) = (&mut self.channel, self.outward.rest());
        link.attempt_io(Call::Write(self.number), || channel.write(rest))
    }

    /// From the channel to the socket.
    fn inward(&mut self, link: &Link) -> std::io::Result<bool> {
        let mut moved = false;
        loop {
            if self.inward.is_empty() {
                if self.channel.eof() {
                    self.state = State::Closing;
                    return Ok(true);
                }
                let channel = &mut self.channel;
                let read = self
                    .inward
                    .fill(|buffer| link.attempt_io(Call::Read(self.number), || channel.read(buffer)))?;
                if read.unwrap_or(0) == 0 {
                    return Ok(moved || self.channel.eof());
                }
                moved = true;
            }
            let mut socket = &self.socket;
            match unless_waiting(socket.write(self.inward.rest())) {
                Ok(Some(count)) => {
                    self.inward.begin += count;
                    moved = true;
                }
                Ok(None) => return Ok(moved),
                Err(_) => {
                    self.state = State::Closing;
                    return Ok(true);
                }
            }
        }
    }

    /// Completes what is half sent, for all others wait for it, and closes the channel.
    fn close(&mut self, link: &Link) -> std::io::Result<bool> {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        match link.half_sent() {
            Some(Call::Write(number)) if number == self.number => {
                self.write(link)?;
            }
            Some(Call::Read(number)) if number == self.number => {
                let channel = &mut self.channel;
                link.attempt(Call::Read(number), || channel.adjust_receive_window(0, false))?;
            }
            _ => {}
        }
        let channel = &mut self.channel;
        if link.attempt(Call::Close(self.number), || channel.close())?.is_some() {
            self.state = State::Closed;
        }
        Ok(self.state == State::Closed)
    }
}

/// Nothing where the call would have had to wait.
fn unless_waiting(result: std::io::Result<usize>) -> std::io::Result<Option<usize>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        other => other.map(Some),
    }
}
