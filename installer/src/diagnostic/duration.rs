//! Durations as people write them.

use std::time::Duration;

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write numbers with units, for example \"10s\", \"5m\" or \"1h 30m\"")]
pub struct DurationError(String);

/// Reads `500ms`, `10s`, `5m`, `1h30m`, `2d`: whole numbers with units, largest first, blanks between allowed.
///
/// # Errors
/// When the text is anything else, or too long to be counted.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    parse(text).ok_or_else(|| DurationError(text.to_owned()))
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() || last_unit == u64::MAX {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let milliseconds = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        if milliseconds >= last_unit {
            return None;
        }
        last_unit = milliseconds;
        total = total.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
        rest = rest[letters..].trim_start();
    }
    Some(total)
}

/// Writes a duration as [`parse_duration`] reads it, in the largest units: `1h 30m`.
pub fn write_duration(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut parts = Vec::new();
    for (unit, milliseconds) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= milliseconds {
            parts.push(format!("{}{unit}", rest / milliseconds));
            rest %= milliseconds;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// How long something took, for people: `0.2 s`, `12.5 s`, `2 min 5 s`, `1 h 3 min`.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_no_more_digits_than_they_need() {
        let told = [0, 240, 59_900, 125_000, 3_780_000].map(|ms| elapsed(Duration::from_millis(ms)));
        assert_eq!(told, ["0.0 s", "0.2 s", "59.9 s", "2 min 5 s", "1 h 3 min"]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for milliseconds in [0, 1, 999, 1000, 61_500, 300_000, 5_400_000, 90_061_001] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(parse_duration(&write_duration(duration)), Ok(duration));
        }
        assert_eq!(write_duration(Duration::from_secs(5400)), "1h 30m");
    }

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            (" 1m 5s ", 65_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for bad in
            ["", "10", "s", "-1s", "1.5s", "5s 1m", "1s1s", "99999999999999999999s", "9999999999999999999d"]
        {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
