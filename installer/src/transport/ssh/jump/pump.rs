//! A thread that serves one connection to a jump host and all tunnels through it.
//!
//! libssh2 wants a socket for every session, so each tunnel ends in one half of a socket pair. The thread
//! sleeps in poll(2) until one of them, the connection, or a request for a new tunnel has something.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};

use super::tunnel::{State, Tunnel};
use crate::transport::ssh::link::{Call, Link, poll};

/// Why there is no tunnel.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The connection to the jump host is gone.
    Dead,
    TimedOut,
    /// The jump host does not, or cannot, connect there.
    Refused(Box<dyn std::error::Error + Send + Sync>),
}

/// A handle on the thread. It ends when all handles are gone and the last tunnel is closed.
#[derive(Debug, Clone)]
pub(super) struct Pump {
    requests: Sender<Request>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Wakes the thread.
    bell: UnixStream,
    dead: AtomicBool,
    /// Tunnels open or about to be.
    load: Arc<AtomicUsize>,
    /// Since when a tunnel is being opened.
    opening: Mutex<Option<Instant>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last handle is gone: the thread, which holds the other half, sees the end of the stream.
        let _ = self.bell.shutdown(std::net::Shutdown::Both);
    }
}

struct Request {
    host: String,
    port: u16,
    until: Instant,
    answer: Sender<Result<OwnedFd, OpenError>>,
}

/// One place of a connection's load; given back when dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pump {
    /// Serves `link` from a thread of its own.
    ///
    /// # Errors
    /// No more threads or file descriptors.
    pub(super) fn start(link: Link) -> std::io::Result<Self> {
        let (bell, wake) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let (requests, receiver) = channel();
        let shared = Arc::new(Shared {
            bell,
            dead: AtomicBool::new(false),
            load: Arc::default(),
            opening: Mutex::default(),
        });
        let (weak, load) = (Arc::downgrade(&shared), Arc::clone(&shared.load));
        std::thread::Builder::new().name("jump host".to_owned()).spawn(move || {
            let work = Work {
                link,
                wake,
                requests: receiver,
                waiting: VecDeque::new(),
                tunnels: Vec::new(),
                load,
                next: 1,
            };
            work.serve();
            if let Some(shared) = weak.upgrade() {
                shared.dead.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(Self { requests, shared })
    }

    /// Counts a tunnel that is about to be opened, and keeps others from being opened meanwhile.
    pub(super) fn reserve(&self) {
        self.shared.load.fetch_add(1, Ordering::Relaxed);
        *self.opening() = Some(Instant::now());
    }

    /// Since when a tunnel is being opened: libssh2 opens one at a time.
    pub(super) fn opening_since(&self) -> Option<Instant> {
        *self.opening()
    }

    fn opening(&self) -> MutexGuard<'_, Option<Instant>> {
        self.shared.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many tunnels there are.
    pub(super) fn load(&self) -> usize {
        self.shared.load.load(Ordering::Relaxed)
    }

    /// Whether the connection is lost.
    pub(super) fn is_dead(&self) -> bool {
        self.shared.dead.load(Ordering::Relaxed)
    }

    /// Whether both are handles on the same thread.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A tunnel to `host` as the jump host knows it, for the place that was reserved.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open(&self, host: &str, port: u16, until: Instant) -> Result<OwnedFd, OpenError> {
        let (answer, receiver) = channel();
        let request = Request { host: host.to_owned(), port, until, answer };
        if self.requests.send(request).is_err() {
            return Err(OpenError::Dead);
        }
        let _ = (&self.shared.bell).write(&[1]);
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(result) => {
                *self.opening() = None;
                result
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err(OpenError::TimedOut),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Err(OpenError::Dead),
        }
    }
}

/// The thread's own.
struct Work {
    link: Link,
    wake: UnixStream,
    requests: Receiver<Request>,
    /// libssh2 opens one channel at a time.
    waiting: VecDeque<(Request, Place)>,
    tunnels: Vec<Tunnel>,
    load: Arc<AtomicUsize>,
    /// Numbers tunnels, so that libssh2's calls can be told apart.
    next: u64,
}

impl Work {
    fn serve(mut self) {
        loop {
            let wanted = self.take_requests();
            let mut moved = match self.open_next() {
                Ok(moved) => moved,
                // The connection is lost. The tunnels' sockets close with this function's end.
                Err(_) => return,
            };
            for tunnel in &mut self.tunnels {
                match tunnel.advance(&self.link) {
                    Ok(any) => moved |= any,
                    Err(_) => return,
                }
            }
            self.tunnels.retain(|tunnel| tunnel.state() != State::Closed);
            if !wanted && self.tunnels.is_empty() && self.nobody_waits() {
                return;
            }
            let queued = self.link.half_sent().is_none() && self.tunnels.iter().any(Tunnel::has_queued);
            if !moved && !queued {
                self.sleep(wanted);
            }
        }
    }

    fn nobody_waits(&self) -> bool {
        let now = Instant::now();
        self.waiting.iter().all(|(request, _)| request.until <= now)
    }

    /// Takes new requests; false when there will never be another.
    fn take_requests(&mut self) -> bool {
        let mut rings = [0; 64];
        while matches!(self.wake.read(&mut rings), Ok(1..)) {}
        loop {
            match self.requests.try_recv() {
                Ok(request) => self.waiting.push_back((request, Place(Arc::clone(&self.load)))),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Goes on opening the channel for the first request; whether something came of it.
    fn open_next(&mut self) -> Result<bool, ssh2::Error> {
        let Some((request, _)) = self.waiting.front() else { return Ok(false) };
        let session = self.link.session();
        let opened = self
            .link
            .attempt(Call::Session, || session.channel_direct_tcpip(&request.host, request.port, None));
        let result = match opened {
            Ok(None) => return Ok(false),
            Ok(Some(channel)) => Ok(channel),
            // LIBSSH2_ERROR_CHANNEL_FAILURE
            Err(error) if error.code() == ssh2::ErrorCode::Session(-21) => Err(error),
            Err(error) => return Err(error),
        };
        let Some((request, place)) = self.waiting.pop_front() else { return Ok(false) };
        let answer = match result {
            Err(error) => Err(OpenError::Refused(error.into())),
            Ok(channel) => match UnixStream::pair() {
                Err(error) => Err(OpenError::Refused(error.into())),
                Ok((near, far)) => {
                    let tunnel = Tunnel::new(self.next, channel, near, place);
                    self.next += 1;
                    tunnel
                        .map(|tunnel| self.tunnels.push(tunnel))
                        .map_err(|error| OpenError::Refused(error.into()))
                        .map(|()| far.into())
                }
            },
        };
        // Whoever asked may have given up; then the other half closes here and the tunnel ends.
        let _ = request.answer.send(answer);
        Ok(true)
    }

    fn sleep(&self, wanted: bool) {
        let mut fds = vec![PollFd::from_borrowed_fd(self.link.socket().as_fd(), self.link.interest())];
        if wanted {
            fds.push(PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN));
        }
        for tunnel in &self.tunnels {
            if let Some(interest) = tunnel.interest() {
                fds.push(PollFd::from_borrowed_fd(tunnel.socket().as_fd(), interest));
            }
        }
        poll(&mut fds, None);
    }
}
