//! Names of hosts, roles, units, packages and variables.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of its kind. The text says what is wrong and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {allowed}")]
pub struct NameError {
    kind: &'static str,
    text: String,
    allowed: &'static str,
}

impl NameError {
    /// What the kind of name allows, as a sentence without its subject.
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $allowed:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { kind: $kind, text: text.to_owned(), allowed: $allowed })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A host's name in the inventory; also its host name (RFC 1123, dots allowed).
    HostName,
    "host name",
    "use letters, digits and `-`, at most 63 between dots, with a letter or digit at both ends",
    |text| text.len() <= 253 && text.split('.').all(is_label)
);

name!(
    /// A role's name: the stem of its file in `roles/`.
    RoleName,
    "role name",
    "use lower-case letters, digits and `-`, beginning with a letter",
    is_kebab
);

name!(
    /// A setting that a role keeps in a service.
    SettingName,
    "setting name",
    "use lower-case letters, digits and `-`, beginning with a letter",
    is_kebab
);

name!(
    /// A variable that a role declares.
    VarName,
    "variable name",
    "use lower-case letters, digits and `_`, beginning with a letter",
    |text| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }
);

name!(
    /// An RPM package's name.
    PackageName,
    "package name",
    "use letters, digits and `-._+`, beginning with a letter or digit",
    |text| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._+".contains(c))
    }
);

name!(
    /// A systemd unit with its suffix, for example `mesos-master.service`.
    UnitName,
    "systemd unit",
    "use letters, digits and `:-_.@\\` with a suffix such as `.service`",
    |text| {
        text.len() <= 255
            && text.rsplit_once('.').is_some_and(|(stem, suffix)| {
                !stem.is_empty()
                    && ["service", "socket", "target", "timer", "mount", "path"].contains(&suffix)
            })
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.@\\".contains(c))
    }
);

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_kebab(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_follow_rfc_1123() {
        for good in ["a", "agent-1", "agent-1.example.org", "1a"] {
            assert!(good.parse::<HostName>().is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in ["", "-a", "a-", "a_b", "a..b", "a b", "ä", long.as_str()] {
            assert!(bad.parse::<HostName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_allowed() {
        let error = "Agent One".parse::<RoleName>().unwrap_err();
        insta::assert_snapshot!(error, @"`Agent One` is not a role name: use lower-case letters, digits and `-`, beginning with a letter");
    }

    #[test]
    fn units_need_their_suffix() {
        assert!("mesos-slave.service".parse::<UnitName>().is_ok());
        assert!("mesos-slave".parse::<UnitName>().is_err());
        assert!("a b.service".parse::<UnitName>().is_err());
    }
}
