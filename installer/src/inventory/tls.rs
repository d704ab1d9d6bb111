//! `[tls]`: whether services speak TLS, and where their certificates come from.

use std::time::Duration;

use camino::Utf8PathBuf;

use super::Surroundings;
use super::settings::path;
use crate::diagnostic::{Mistake, Place, Spanned, TableReader};

/// Where the certificates of the cluster's hosts come from.
#[derive(Debug, Clone, Default)]
pub enum Tls {
    /// There are none: services speak without TLS.
    #[default]
    Off,
    /// The tool has an authority of the cluster's own, on the operator's machine.
    Generate(Generate),
    /// The operator has them.
    Files(Files),
}

/// An authority of the cluster's own.
#[derive(Debug, Clone)]
pub struct Generate {
    /// The folder of the authority and of all that it has issued.
    pub dir: Utf8PathBuf,
    /// How long a certificate is valid.
    pub validity: Duration,
    /// How long before its end a certificate is renewed.
    pub renew_before: Duration,
    /// Where `[tls]` is written.
    pub place: Place,
}

/// The operator's own files.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate of the authority that issued the others, or several of them in one file.
    pub ca: Spanned<Utf8PathBuf>,
    /// A host's certificate, with what lies between it and the authority behind it; `{host}` stands for the
    /// host's name.
    pub cert: Spanned<Utf8PathBuf>,
    /// The key of that certificate.
    pub key: Spanned<Utf8PathBuf>,
}

/// What stands for a host's name in the paths of its files.
pub const HOST: &str = "{host}";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Off,
    Generate,
    Files,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Tls {
    /// Whether services speak TLS.
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Reads `[tls]`.
    pub(super) fn read(table: TableReader<'_>, around: &Surroundings) -> Self {
        let words = [("off", Mode::Off), ("generate", Mode::Generate), ("files", Mode::Files)];
        let mode = table.need::<String>("mode", "\"generate\"").and_then(|_| table.choice("mode", &words));
        let tls = match mode.map(|mode| mode.value) {
            Some(Mode::Generate) => Self::Generate(generate(&table, around)),
            Some(Mode::Files) => files(&table, around).map(Self::Files).unwrap_or_default(),
            // Its keys may stay for the day that it is on again.
            Some(Mode::Off) | None => {
                for key in ["dir", "validity", "renew_before", "ca", "cert", "key"] {
                    table.value(key);
                }
                Self::Off
            }
        };
        table.finish();
        tls
    }
}

fn generate(table: &TableReader<'_>, around: &Surroundings) -> Generate {
    let dir = path(table, "dir", around).map_or_else(|| around.resolve("tls"), |dir| dir.value);
    let place = table.place().clone();
    let validity = table.get::<Duration>("validity");
    let renewal = table.get::<Duration>("renew_before");
    let valid = validity.as_ref().map_or(365 * DAY, |found| found.value);
    // A certificate that is valid for a day is renewed in time as well.
    let renew_before = renewal.as_ref().map_or_else(|| (30 * DAY).min(valid / 3), |found| found.value);
    let at = renewal.as_ref().or(validity.as_ref()).map_or(&place, |found| &found.place);
    if renew_before >= valid {
        table.reading().push(
            Mistake::new(at, "a certificate would be due for renewal from its first moment")
                .help("make `renew_before` shorter than `validity`"),
        );
    }
    if valid < Duration::from_secs(60) || valid > 36_500 * DAY {
        table.reading().push(
            Mistake::new(at, "a certificate cannot be valid for that long")
                .help("write a `validity` from \"1m\" to \"36500d\", for example \"365d\""),
        );
    }
    Generate { dir, validity: valid, renew_before, place }
}

fn files(table: &TableReader<'_>, around: &Surroundings) -> Option<Files> {
    let file = |key: &'static str, example: &str| {
        table.need::<String>(key, example).and_then(|_| path(table, key, around))
    };
    let ca = file("ca", "\"ca.pem\"");
    let cert = file("cert", "\"{host}.pem\"");
    let key = file("key", "\"{host}.key\"");
    for (name, found) in [("cert", &cert), ("key", &key)] {
        if let Some(found) = found
            && !found.as_str().contains(HOST)
        {
            table.reading().push(
                Mistake::new(&found.place, format!("all hosts would have one `{name}`"))
                    .help(format!("put `{HOST}` into the path: it stands for the host's name")),
            );
        }
    }
    Some(Files { ca: ca?, cert: cert?, key: key? })
}
