//! Waiting for a condition, with a limit.

use std::time::{Duration, Instant};

use super::Error;

/// What was seen when a condition was looked at.
pub(super) enum Seen<T> {
    /// It holds.
    Done(T),
    /// It does not hold yet; what is there instead, for the message.
    NotYet(String),
}

/// Looks at a condition every `interval` until it holds; gives up after `limit`.
///
/// `what` and `remedy` are for the message: "waited 60 s for WHAT; last: …", and what to do next.
///
/// # Errors
///
/// [`Error::TimedOut`], and what `look` itself fails with.
#[allow(clippy::disallowed_methods, reason = "the one place that waits: between two looks at a condition")]
pub(super) fn until<T>(
    what: &str,
    remedy: &str,
    interval: Duration,
    limit: Duration,
    mut look: impl FnMut() -> Result<Seen<T>, Error>,
) -> Result<T, Error> {
    let start = Instant::now();
    loop {
        match look()? {
            Seen::Done(value) => return Ok(value),
            Seen::NotYet(last) if start.elapsed() >= limit => {
                return Err(Error::TimedOut {
                    what: what.to_owned(),
                    last,
                    limit,
                    remedy: remedy.to_owned(),
                });
            }
            Seen::NotYet(_) => std::thread::sleep(interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[test]
    fn returns_as_soon_as_it_holds() {
        let mut looks = 0;
        let result = until("x", "y", SHORT, Duration::from_secs(60), || {
            looks += 1;
            Ok(if looks == 3 { Seen::Done(looks) } else { Seen::NotYet("no".to_owned()) })
        });
        assert_eq!(result.unwrap(), 3);
    }

    #[test]
    fn gives_up_and_says_what_was_last_seen() {
        let result: Result<(), _> =
            until("the sun", "wait for morning", SHORT, 5 * SHORT, || Ok(Seen::NotYet("dark".to_owned())));
        insta::assert_snapshot!(result.unwrap_err(), @"
        waited 0 s for the sun; last: dark
        wait for morning
        ");
    }
}
