//! Paths and modes on a host.

use std::fmt;
use std::str::FromStr;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// An absolute, normalised path on a host: no `.`, no `..`, no double slash, no line break.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct HostPath(Utf8PathBuf);

/// The text is not an absolute, normalised path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a path on a host: it must begin with `/` and have no `.`, `..`, empty part or control character in it"
)]
pub struct HostPathError(String);

impl HostPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The path without its leading slash, to be put under a folder of this machine.
    pub fn relative(&self) -> &Utf8Path {
        self.0.strip_prefix("/").unwrap_or(&self.0)
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.file_name().unwrap_or_default()
    }
}

impl FromStr for HostPath {
    type Err = HostPathError;

    fn from_str(text: &str) -> Result<Self, HostPathError> {
        let path = Utf8Path::new(text);
        let normal = path.is_absolute()
            && path.components().skip(1).all(|c| matches!(c, Utf8Component::Normal(_)))
            && !text.contains("//")
            && !text.split('/').any(|part| part == ".")
            && (text == "/" || !text.ends_with('/'))
            && !text.chars().any(char::is_control);
        if normal { Ok(Self(path.to_owned())) } else { Err(HostPathError(text.to_owned())) }
    }
}

impl TryFrom<String> for HostPath {
    type Error = HostPathError;

    fn try_from(text: String) -> Result<Self, HostPathError> {
        text.parse()
    }
}

impl From<HostPath> for String {
    fn from(path: HostPath) -> String {
        path.0.into_string()
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

/// Permission bits of a file, `0000` to `7777`; the text is octal with four digits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(u32);

impl Mode {
    /// Readable by everyone, writable by the owner.
    pub const PUBLIC: Mode = Mode(0o644);
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        u32::from_str_radix(text, 8)
            .ok()
            .filter(|_| digits)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a mode: write it in octal, for example \"0644\""))
    }
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> String {
        mode.to_string()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_normal_absolute_paths() {
        for good in ["/", "/etc", "/etc/mesos-slave/?no-hostname_lookup", "/a b/c"] {
            assert!(good.parse::<HostPath>().is_ok(), "{good}");
        }
        for bad in ["", "etc", "/etc/", "/etc//x", "/etc/../x", "/./x", "/x/.", "/a\nb"] {
            assert!(bad.parse::<HostPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!("644".parse::<Mode>().unwrap().to_string(), "0644");
        for bad in ["", "9", "0888", "77777", "rw-r--r--", "+644"] {
            assert!(bad.parse::<Mode>().is_err(), "{bad}");
        }
    }
}
