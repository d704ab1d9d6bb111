//! Jump hosts: a few connections to each, shared by all hosts behind it.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::dial::Dialer;
use super::route::Endpoint;
use crate::transport::TransportError;

mod pump;
mod tunnel;

use pump::{OpenError, Pump};

/// Opening a tunnel takes milliseconds unless its host does not answer.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// All connections to jump hosts. They end with the last session that needs them.
#[derive(Debug)]
pub(super) struct JumpHosts {
    /// By the way that leads there.
    pools: Mutex<BTreeMap<Vec<Endpoint>, Pool>>,
    changed: Condvar,
    most: usize,
}

/// The connections to one jump host.
#[derive(Debug, Default)]
struct Pool {
    pumps: Vec<Pump>,
    /// Being connected right now.
    coming: usize,
}

impl JumpHosts {
    /// At most `most` connections to each jump host, and at least one.
    pub(super) fn new(most: usize) -> Self {
        Self { pools: Mutex::default(), changed: Condvar::new(), most: most.max(1) }
    }

    /// A socket that leads to `target` through `jumps` (outermost first, not empty).
    ///
    /// # Errors
    /// The jump host cannot be used, or cannot reach the target.
    pub(super) fn tunnel(
        &self,
        dialer: &Dialer,
        jumps: &[Endpoint],
        target: &Endpoint,
        until: Instant,
    ) -> Result<OwnedFd, TransportError> {
        let Some((jump, before)) = jumps.split_last() else {
            return Err(TransportError::unreachable("a way without a jump host\nreport this as a defect"));
        };
        loop {
            let pump = match self.choose(jumps, until) {
                Choice::Existing(pump) => pump,
                Choice::New => self.connect(dialer, before, jumps, jump, until)?,
                Choice::TimedOut => return Err(dialer.too_slow(jump, "no connection to it became free")),
            };
            let opened = pump.open(&target.address, target.port, until);
            // With the lock taken once, nobody is between looking and waiting.
            drop(self.lock());
            self.changed.notify_all();
            match opened {
                Ok(socket) => return Ok(socket),
                // Its connection was lost some time ago: another one will do.
                Err(OpenError::Dead) => self.forget(jumps, &pump),
                Err(OpenError::TimedOut) => {
                    // It can open no other tunnel until the jump host gives up, but serves those it has.
                    self.forget(jumps, &pump);
                    return Err(dialer.too_slow(target, &format!("{} did not reach it", jump.label)));
                }
                Err(OpenError::Refused(error)) => {
                    return Err(TransportError::unreachable(format!(
                        "{} cannot be reached from {}\n\
                         look whether the host is up and its sshd listens on port {}, and whether the jump host \
                         allows forwarding (AllowTcpForwarding in its sshd_config)",
                        target.place(),
                        jump.place(),
                        target.port,
                    ))
                    .caused_by(error));
                }
            }
        }
    }

    /// A connection with nothing to do, else leave to make one, else the one with the least to do.
    ///
    /// A connection opens one tunnel at a time. One that has been at it for long, because a host behind
    /// it does not answer, does not count, so that dead hosts never keep others waiting.
    fn choose(&self, jumps: &[Endpoint], until: Instant) -> Choice {
        let mut pools = self.lock();
        loop {
            let pool = pools.entry(jumps.to_vec()).or_default();
            pool.pumps.retain(|pump| !pump.is_dead());
            let stuck =
                |pump: &Pump| pump.opening_since().is_some_and(|since| since.elapsed() >= STUCK_AFTER);
            let count = pool.pumps.iter().filter(|pump| !stuck(pump)).count() + pool.coming;
            let free = pool.pumps.iter().filter(|pump| pump.opening_since().is_none());
            match free.min_by_key(|pump| pump.load()) {
                Some(pump) if pump.load() == 0 || count >= self.most => {
                    pump.reserve();
                    return Choice::Existing(pump.clone());
                }
                _ if count < self.most => {
                    pool.coming += 1;
                    return Choice::New;
                }
                _ => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Choice::TimedOut;
            }
            let wait = left.min(STUCK_AFTER);
            (pools, _) = self.changed.wait_timeout(pools, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn connect(
        &self,
        dialer: &Dialer,
        before: &[Endpoint],
        jumps: &[Endpoint],
        jump: &Endpoint,
        until: Instant,
    ) -> Result<Pump, TransportError> {
        let made = dialer.dial(self, before, jump, until).and_then(|link| {
            Pump::start(link).map_err(|error| {
                TransportError::unreachable(format!(
                    "cannot serve the connection to {}\nraise this user's limits (`ulimit -n`, `ulimit -u`)",
                    jump.place()
                ))
                .caused_by(error)
            })
        });
        let mut pools = self.lock();
        let pool = pools.entry(jumps.to_vec()).or_default();
        pool.coming -= 1;
        if let Ok(pump) = &made {
            pump.reserve();
            pool.pumps.push(pump.clone());
        }
        self.changed.notify_all();
        made
    }

    fn forget(&self, jumps: &[Endpoint], dead: &Pump) {
        if let Some(pool) = self.lock().get_mut(jumps) {
            pool.pumps.retain(|pump| !pump.is(dead));
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Vec<Endpoint>, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Choice {
    Existing(Pump),
    /// The caller makes it.
    New,
    TimedOut,
}
