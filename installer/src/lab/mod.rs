//! Local hosts for trying and testing: booted systemd, sshd, rpm and dnf, each with its own address.
//!
//! A host is a systemd-nspawn container: a root folder of its own over a shared base image (`image`), a network
//! namespace of its own with a cable into the lab's bridge (`network`), and control groups of its own. Everything
//! it leaves on this machine has a name derived from the lab's folder (`names`), so [`down`] needs no memory to
//! find it. This module knows nothing of what is installed on the hosts.

mod command;
mod control_group;
mod error;
mod files;
mod image;
mod inventory;
mod limits;
mod lock;
mod machine;
mod names;
mod network;
mod process;
mod program;
mod record;
mod tools;
mod up;
mod wait;

use std::net::Ipv4Addr;
use std::time::Duration;

use camino::Utf8PathBuf;

pub use command::{Down, HostStatus, Login, cut, down, login, mend, reboot, status};
pub use error::{Error, Kind};
pub use image::image;
pub use machine::Systemd;
pub use program::ProgramError;
pub use record::Role;
pub use tools::Missing;
pub use up::{Brought, DEFAULT_SUBNET, UpOptions, up};

/// What happens while a lab command works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Another run is making the base image.
    WaitingForImage,
    /// The base image is not cached and is being made.
    BuildingImage {
        /// Where it will be.
        image: Utf8PathBuf,
    },
    /// The base image is made.
    BuiltImage {
        /// How long it took.
        took: Duration,
    },
    /// A host is up: systemd has booted and, unless the host is cut off, sshd answers.
    Up {
        /// The host.
        name: String,
        /// Its address.
        address: Ipv4Addr,
        /// Whether it was running before.
        was_running: bool,
        /// How long it took.
        took: Duration,
        /// What its systemd says.
        systemd: Systemd,
    },
}

/// Who is told what happens; called from several threads.
pub trait Progress: Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Sync> Progress for F {
    fn event(&self, event: Event) {
        self(event);
    }
}
