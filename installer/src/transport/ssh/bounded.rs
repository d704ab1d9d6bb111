//! Work that cannot be given a time limit by itself: it runs in a thread that may be left behind.

use std::sync::mpsc;
use std::time::Instant;

/// Runs `work` and returns its result, or nothing when `until` passes first.
///
/// For what the system offers no limit for: resolving names, asking an agent, waiting for a lock. The
/// thread that hangs keeps what was moved into `work` until it ends.
pub(super) fn bounded<T: Send + 'static>(
    until: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("bounded".to_owned())
        .spawn(move || {
            // Nobody waits any more when the limit has passed.
            let _ = sender.send(work());
        })
        .ok()?;
    receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_result_or_nothing_in_time() {
        let soon = || Instant::now() + Duration::from_millis(50);
        assert_eq!(bounded(soon() + Duration::from_secs(10), || 7), Some(7));
        let (sender, receiver) = mpsc::channel::<()>();
        assert_eq!(bounded(soon(), move || receiver.recv()), None);
        drop(sender);
    }
}
