//! Versions of Marathon, as far as they decide how an app is written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A version of Marathon: what is behind the second number changes nothing in the form of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MarathonVersion {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

/// A text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version of Marathon\nwrite it as in \"1.1.2\"")]
pub struct MarathonVersionError(String);

impl MarathonVersion {
    /// Marathon `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// How an app names the network that its Docker container is on.
    pub(super) fn networks(self) -> &'static str {
        match self {
            version if version >= Self::new(1, 5) => "networks",
            version if version >= Self::new(1, 2) => "user",
            _ => "parameters",
        }
    }
}

impl FromStr for MarathonVersion {
    type Err = MarathonVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(MarathonVersionError(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for MarathonVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for MarathonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let version = |text: &str| text.parse::<MarathonVersion>();
        assert_eq!(version("1.1.2"), Ok(MarathonVersion::new(1, 1)));
        assert_eq!(version("v1.10.0-RC1"), Ok(MarathonVersion::new(1, 10)));
        for (older, newer) in [("0.14", "1.1.2"), ("1.9", "1.10.1")] {
            assert!(version(older).unwrap() < version(newer).unwrap());
        }
        assert!(version("one").is_err() && version("1").is_err());
    }
}
