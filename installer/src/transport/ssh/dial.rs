//! From a route to a verified, logged-in link: sockets, retries, key exchange, host key, login.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::bounded::bounded;
use super::host_key;
use super::jump::JumpHosts;
use super::known_hosts::KnownHost;
use super::link::{Call, Interrupted, Link};
use super::login::{self, Credentials, LoginError};
use super::options::human;
use super::route::Endpoint;
use crate::transport::TransportError;

/// A server that drops a connection before it greets is probably busy (sshd's MaxStartups).
const MAX_TRIES: u32 = 8;

/// The least time between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(60);

/// A host whose packets stay unanswered for so long is gone, even while a command runs silently.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// How links are made, the same for hosts and jump hosts.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) credentials: Credentials,
    pub(super) accept_new_host_keys: bool,
    /// The limit that error messages name.
    pub(super) limit: Duration,
}

impl Dialer {
    /// A link to `endpoint`, through the jump hosts of `jumps` (outermost first), by `until`.
    ///
    /// # Errors
    /// Why it cannot be had and what to do.
    pub(super) fn dial(
        &self,
        jump_hosts: &JumpHosts,
        jumps: &[Endpoint],
        endpoint: &Endpoint,
        until: Instant,
    ) -> Result<Link, TransportError> {
        let known = KnownHost::load(&endpoint.known_hosts, &endpoint.key_name.0, endpoint.key_name.1)?;
        let algorithms = host_key::preferred_algorithms(&known);
        let mut tries = 0;
        let link = loop {
            tries += 1;
            let socket = match jumps {
                [] => self.tcp(endpoint, until)?,
                _ => jump_hosts.tunnel(self, jumps, endpoint, until)?,
            };
            match self.shake_hands(socket, endpoint, &algorithms, until) {
                Ok(link) => break link,
                Err(Greeting::Dropped) if tries < MAX_TRIES && pause(tries, until) => {}
                Err(Greeting::Dropped) => {
                    return Err(TransportError::unreachable(format!(
                        "{} drops the connection before it greets ({tries} tries)\n\
                         look whether an SSH server listens there; a busy one needs a larger MaxStartups in its \
                         sshd_config",
                        endpoint.place()
                    )));
                }
                Err(Greeting::Failed(error)) => return Err(error),
            }
        };
        let through = jumps.last();
        host_key::verify(&link, &known, endpoint, through, self.accept_new_host_keys, until)?;
        match login::login(&link, endpoint, &self.credentials, until) {
            Ok(()) => Ok(link),
            Err(LoginError::Failed(error)) => Err(error),
            Err(LoginError::TimedOut) => Err(self.too_slow(endpoint, "logging in was not done")),
        }
    }

    /// A connected socket, one address of the name after the other.
    fn tcp(&self, endpoint: &Endpoint, until: Instant) -> Result<OwnedFd, TransportError> {
        let mut last = None;
        let addresses = self.resolve(endpoint, until)?;
        for (address, rest) in addresses.iter().zip((1..=addresses.len()).rev()) {
            // An address that does not answer leaves the others their share of the time.
            let share = u32::try_from(rest).unwrap_or(u32::MAX);
            let left = until.saturating_duration_since(Instant::now()) / share;
            if left.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(address, left) {
                Ok(stream) => {
                    tune(&stream);
                    return Ok(stream.into());
                }
                Err(error) => last = Some(error),
            }
        }
        let kind = last.as_ref().map(std::io::Error::kind);
        let Some(error) = last.filter(|_| kind != Some(std::io::ErrorKind::TimedOut)) else {
            return Err(self.too_slow(endpoint, "it did not answer"));
        };
        let remedy = match kind {
            Some(std::io::ErrorKind::ConnectionRefused) => {
                "nothing listens there: start the host's sshd, or correct the port".to_owned()
            }
            _ => format!("look whether the host is up and `ping {}` reaches it", endpoint.address),
        };
        Err(TransportError::unreachable(format!("cannot reach {}\n{remedy}", endpoint.place()))
            .caused_by(error))
    }

    fn resolve(&self, endpoint: &Endpoint, until: Instant) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(address) = endpoint.address.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, endpoint.port)]);
        }
        let name = (endpoint.address.clone(), endpoint.port);
        let failed = || {
            TransportError::unreachable(format!(
                "no address is known for {}\ncorrect the name, or write an IP address",
                endpoint.place()
            ))
        };
        let found = bounded(until, move || name.to_socket_addrs().map(|found| found.collect::<Vec<_>>()))
            .ok_or_else(|| self.too_slow(endpoint, "its name was not resolved"))?
            .map_err(|error| failed().caused_by(error))?;
        if found.is_empty() { Err(failed()) } else { Ok(found) }
    }

    fn shake_hands(
        &self,
        socket: OwnedFd,
        endpoint: &Endpoint,
        algorithms: &str,
        until: Instant,
    ) -> Result<Link, Greeting> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Greeting::Failed(
                TransportError::unreachable(format!(
                    "cannot agree with {} on how to talk SSH\n\
                     look whether an SSH server listens there, and compare `ssh -vv` to it",
                    endpoint.place()
                ))
                .caused_by(error),
            )
        };
        let link = Link::new(socket).map_err(|error| failed(error.into()))?;
        let session = link.session();
        session.method_pref(ssh2::MethodType::HostKey, algorithms).map_err(|error| failed(error.into()))?;
        match link.wait(Call::Session, until, || session.clone().handshake()) {
            Ok(()) => Ok(link),
            Err(Interrupted::TimedOut) => {
                Err(Greeting::Failed(self.too_slow(endpoint, "the key exchange was not done")))
            }
            Err(Interrupted::Failed(error)) if is_drop(&error) => Err(Greeting::Dropped),
            Err(Interrupted::Failed(error)) => Err(failed(error.into())),
        }
    }

    /// The connection's time limit has passed while something was being waited for.
    pub(super) fn too_slow(&self, endpoint: &Endpoint, what: &str) -> TransportError {
        TransportError::unreachable(format!(
            "cannot reach {}: {what} within {}\n\
             look whether the host is up and whether a firewall lets TCP port {} through",
            endpoint.place(),
            human(self.limit),
            endpoint.port
        ))
    }
}

/// Why the key exchange did not succeed.
enum Greeting {
    Dropped,
    Failed(TransportError),
}

/// BANNER_RECV, SOCKET_SEND, SOCKET_DISCONNECT, SOCKET_RECV: the other side is gone.
fn is_drop(error: &ssh2::Error) -> bool {
    [-2, -7, -13, -43].map(ssh2::ErrorCode::Session).contains(&error.code())
}

/// No delay for small packets, and the kernel notices a host that has vanished.
fn tune(stream: &TcpStream) {
    use rustix::net::sockopt;
    // A connection without these works too.
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, DEAD_AFTER / 2);
    let _ = sockopt::set_tcp_keepintvl(stream, DEAD_AFTER / 6);
    let _ = sockopt::set_tcp_keepcnt(stream, 3);
    let _ = sockopt::set_tcp_user_timeout(stream, u32::try_from(DEAD_AFTER.as_millis()).unwrap_or(0));
}

/// Waits before the next try, longer each time and never as long as another thread; false when there is
/// no time left.
#[expect(clippy::disallowed_methods, reason = "a busy server gives no sign of when it is less busy")]
fn pause(tries: u32, until: Instant) -> bool {
    let longest = FIRST_PAUSE * 2_u32.saturating_pow(tries).min(32);
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let share = f64::from(u32::try_from(random % 1000).unwrap_or(0)) / 1000.0;
    let pause = FIRST_PAUSE + longest.mul_f64(share);
    let fits = Instant::now() + pause < until;
    if fits {
        std::thread::sleep(pause);
    }
    fits
}
