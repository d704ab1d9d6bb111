//! TCP and UDP ports.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One port, or all from one to another, both included: `5050`, `20001-29999`, as firewalld writes them. No port is 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// The text is neither a port nor a range of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of ports: write for example `20001-29999`, the smaller number first")]
pub struct PortRangeError(String);

impl PortRange {
    /// One port; nothing where it is 0.
    pub fn one(port: u16) -> Option<Self> {
        (port != 0).then_some(Self { first: port, last: port })
    }

    /// The port, where it is only one.
    pub fn only(self) -> Option<u16> {
        (self.first == self.last).then_some(self.first)
    }

    /// Whether the port is in it.
    pub fn has(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// Whether all ports of the other are in it.
    pub fn covers(self, other: Self) -> bool {
        self.has(other.first) && self.has(other.last)
    }

    /// Whether a port is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl FromStr for PortRange {
    type Err = PortRangeError;

    fn from_str(text: &str) -> Result<Self, PortRangeError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        // `+1` is a number for Rust, and for nobody who writes ports.
        let number = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten()
        };
        match (number(first), number(last)) {
            (Some(first), Some(last)) if 0 < first && first <= last => Ok(Self { first, last }),
            _ => Err(PortRangeError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for PortRange {
    type Error = PortRangeError;

    fn try_from(text: String) -> Result<Self, PortRangeError> {
        text.parse()
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> String {
        range.to_string()
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only() {
            Some(port) => write!(f, "{port}"),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> PortRange {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_read_and_compared() {
        for (text, shown) in [("5050", "5050"), ("20001-29999", "20001-29999"), ("80-80", "80")] {
            assert_eq!(range(text).to_string(), shown);
        }
        for bad in ["", "0", "0-5", "9-8", "1-65536", "+1", "1-2-3", "1,2", "a-b", "-5", "5-"] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad}");
        }
        assert_eq!((range("7").only(), range("7-8").only(), PortRange::one(0)), (Some(7), None, None));
        assert!(range("5-9").covers(range("6-9")) && !range("5-9").covers(range("8-10")));
        assert!(range("5-9").overlaps(range("9-12")) && range("1-20").overlaps(range("5")));
        assert!(!range("5-9").overlaps(range("10-12")) && !range("10-12").overlaps(range("5-9")));
        assert!(range("5-9").has(5) && range("5-9").has(9) && !range("5-9").has(10));
    }
}
