//! What is kept in services and not in files.

use serde::{Deserialize, Serialize};

/// A setting as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingFacts {
    /// What reading it printed, without white space around it.
    Value(String),
    /// It could not be read, and this is the exit status of the script that tried: its service may not be there yet.
    Unreadable(i32),
}
