//! What can go wrong in a lab.

use std::net::Ipv4Addr;
use std::time::Duration;

use camino::Utf8PathBuf;
use ipnet::Ipv4Net;

use crate::diagnostic::with_causes;

/// Why a command on a lab could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This machine lacks what a lab is made with.
    #[error("{0}")]
    Missing(super::tools::Missing),
    /// Another run works on the same lab.
    #[error("another run is working on the lab in {dir}\nwait for it to end, then try again")]
    Locked {
        /// The lab's folder.
        dir: Utf8PathBuf,
    },
    /// There is no lab in this folder.
    #[error("there is no lab in {dir}\n`lab up --dir {dir}` makes one")]
    NoLab {
        /// The folder.
        dir: Utf8PathBuf,
    },
    /// The folder holds something that the lab would overwrite.
    #[error(
        "{dir} holds {found}, which no lab put there; a lab would overwrite it\ngive a folder of its own with --dir"
    )]
    NotEmpty {
        /// The folder.
        dir: Utf8PathBuf,
        /// The name of what is in the way.
        found: &'static str,
    },
    /// No host of the lab has this name.
    #[error("the lab in {dir} has no host `{name}`\n{help}")]
    UnknownHost {
        /// The lab's folder.
        dir: Utf8PathBuf,
        /// What was asked for.
        name: String,
        /// The name that was probably meant, or all that there are.
        help: String,
    },
    /// The host must run for this.
    #[error("{name} is not running\n`lab up --dir {dir}` boots it")]
    NotRunning {
        /// The host.
        name: String,
        /// The lab's folder.
        dir: Utf8PathBuf,
    },
    /// The lab exists with another subnet.
    #[error(
        "the lab in {dir} has the subnet {is}, not {asked}\ntake it away with `lab down --dir {dir}` first, or give another --dir"
    )]
    OtherSubnet {
        /// The lab's folder.
        dir: Utf8PathBuf,
        /// What it has.
        is: Ipv4Net,
        /// What was asked for.
        asked: Ipv4Net,
    },
    /// The subnet is in use on this machine.
    #[error(
        "the subnet {subnet} overlaps {other}, which this machine reaches through {device}\ngive another with --subnet, for example {example}"
    )]
    Overlap {
        /// What was asked for.
        subnet: Ipv4Net,
        /// What is there.
        other: Ipv4Net,
        /// The network device.
        device: String,
        /// A subnet that is free.
        example: Ipv4Net,
    },
    /// The subnet has no room for the hosts.
    #[error(
        "{subnet} has no room for {hosts} hosts: the first has the address {first}\ngive a larger one with --subnet"
    )]
    SubnetTooSmall {
        /// The subnet.
        subnet: Ipv4Net,
        /// How many hosts there would be.
        hosts: usize,
        /// The first host's address.
        first: Ipv4Addr,
    },
    /// This machine's limit on inotify instances would be exceeded.
    #[error(
        "{hosts} more hosts do not fit on this machine: it allows {limit} inotify instances, of which {used} are in use\nallow more with `sysctl -w fs.inotify.max_user_instances={enough}`, or take another lab away first"
    )]
    Inotify {
        /// How many hosts are to be booted.
        hosts: usize,
        /// How many instances there are.
        used: usize,
        /// How many there may be.
        limit: usize,
        /// What to raise the limit to.
        enough: usize,
    },
    /// A lab of no hosts.
    #[error("a lab needs at least one host\ngive --masters or --agents")]
    NoHosts,
    /// The image that a host was made from is gone.
    #[error(
        "the base image {image} of {name} is gone\n`lab down --dir {dir}` and `lab up --dir {dir}` make the lab anew"
    )]
    ImageGone {
        /// The host.
        name: String,
        /// Where the image was.
        image: Utf8PathBuf,
        /// The lab's folder.
        dir: Utf8PathBuf,
    },
    /// The base image could not be made.
    #[error(
        "making the base image failed; the end of {log}:\n{tail}\ncheck that a Debian mirror can be reached from here (--mirror gives another), and that there is 1 GB free"
    )]
    Image {
        /// The whole output.
        log: Utf8PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// A host ended while it was booting.
    #[error(
        "{name} ended while it was booting; the end of {log}:\n{tail}\nmend the cause, then `lab up` again"
    )]
    Ended {
        /// The host.
        name: String,
        /// What it wrote on its console.
        log: Utf8PathBuf,
        /// The last lines of that.
        tail: String,
    },
    /// A condition did not become true.
    #[error("waited {} s for {what}; last: {last}\n{remedy}", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// The last answer.
        last: String,
        /// For how long.
        limit: Duration,
        /// What to do next.
        remedy: String,
    },
    /// Some hosts failed.
    #[error("{}", join(.0))]
    Hosts(Vec<Error>),
    /// A program failed.
    #[error(transparent)]
    Program(#[from] super::program::ProgramError),
    /// The lab's own record cannot be understood.
    #[error(
        "{path} is not a lab's record\nif another version of this program made the lab, take it away with that version"
    )]
    Record {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A path cannot be written as text.
    #[error("the path {0} is not UTF-8\ngive another with --dir")]
    Path(String),
    /// A file or the operating system failed.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// What kind of failure it is; decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for cannot be, or something is missing.
    Usage,
    /// Another run holds the lock.
    Locked,
    /// Something failed on the way.
    Failed,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Locked { .. } => Kind::Locked,
            Error::Missing(_)
            | Error::NoLab { .. }
            | Error::NotEmpty { .. }
            | Error::UnknownHost { .. }
            | Error::NotRunning { .. }
            | Error::OtherSubnet { .. }
            | Error::Overlap { .. }
            | Error::SubnetTooSmall { .. }
            | Error::Inotify { .. }
            | Error::NoHosts
            | Error::ImageGone { .. }
            | Error::Record { .. }
            | Error::Path(_) => Kind::Usage,
            Error::Image { .. }
            | Error::Ended { .. }
            | Error::TimedOut { .. }
            | Error::Hosts(_)
            | Error::Program(_)
            | Error::Io { .. } => Kind::Failed,
        }
    }

    /// How many hosts it is the failure of; 0 if it came before any host's turn.
    pub fn failed_hosts(&self) -> usize {
        match self {
            Error::Hosts(errors) => errors.len(),
            Error::Ended { .. } | Error::TimedOut { .. } => 1,
            _ => 0,
        }
    }

    /// Puts what was being done in front of an I/O error; for [`Result::map_err`].
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let doing = doing.into();
        |source| Error::Io { doing, source }
    }
}

/// Several hosts' errors as one text, causes included, since an error has only one cause.
fn join(errors: &[Error]) -> String {
    let texts: Vec<String> = errors.iter().map(|error| with_causes(error)).collect();
    texts.join("\n")
}
