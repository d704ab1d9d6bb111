//! The authority's folder: its own certificate and key, and those of every host.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use fd_lock::RwLock;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use jiff::{SignedDuration, Timestamp};
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use secrecy::SecretString;

use super::authority::{self, Pair};
use super::certificate::{self, Subject};
use super::{Access, TlsError, names};
use crate::cluster::{Certificate, Cluster, ClusterHost, Credentials};
use crate::inventory::TlsGenerate;

/// Gives every host what its files in the folder hold, made or renewed where that is allowed and needed.
pub(super) fn load(
    settings: &TlsGenerate,
    cluster: &mut Cluster,
    access: Access,
    now: Timestamp,
) -> Result<(), TlsError> {
    let dir = &settings.dir;
    if access == Access::Read && !dir.is_dir() {
        return Ok(());
    }
    if !dir.is_dir() {
        fs_err::create_dir_all(dir)
            .and_then(|()| fs_err::set_permissions(dir, std::fs::Permissions::from_mode(0o700)))
            .map_err(TlsError::file(format!("making the folder {dir} for certificates")))?;
    }
    // Two runs at once must not make two authorities.
    let lock = private(&dir.join("lock"), true)?;
    let mut lock = RwLock::new(lock);
    let _held = lock.write().map_err(TlsError::file(format!("waiting for another run in {dir}")))?;

    let folder = Folder { settings, now };
    let Some(authority) = folder.authority(&cluster.name, access)? else { return Ok(()) };
    let pem = to_pem(&authority.certificate)?;
    let what = format!("the certificate of {}'s authority", cluster.name);
    let ca = described(&what, pem, &authority.certificate)?;
    for host in &mut cluster.hosts {
        host.credentials = folder.host(host, &authority, &ca, access)?;
    }
    Ok(())
}

struct Folder<'a> {
    settings: &'a TlsGenerate,
    now: Timestamp,
}

impl Folder<'_> {
    fn path(&self, name: &str) -> Utf8PathBuf {
        self.settings.dir.join(name)
    }

    /// The authority, made or with a new certificate where its own would end before that of a host.
    fn authority(&self, cluster: &str, access: Access) -> Result<Option<Pair>, TlsError> {
        let (key, pem) = (self.path("ca.key"), self.path("ca.pem"));
        let settings = self.settings;
        let failed = || TlsError::library("making the cluster's authority");
        let authority = match (read_key(&key)?, read_certificate(&pem)?) {
            (None, None) if access == Access::Read => return Ok(None),
            (None, None) => {
                let made = authority::new_authority(cluster, settings.validity, self.now).map_err(failed())?;
                self.keep(&key, &pem, &made)?;
                made
            }
            (Some(key), Some(certificate)) if certificate::belongs(&key, &certificate) => {
                Pair { certificate, key }
            }
            _ => return Err(TlsError::HalfAnAuthority { dir: settings.dir.clone() }),
        };
        let end = certificate::end(&authority.certificate).map_err(failed())?;
        if access == Access::Read || end >= self.later(settings.validity * 2) {
            return Ok(Some(authority));
        }
        let renewed = authority::authority_certificate(cluster, &authority.key, settings.validity, self.now)
            .map_err(failed())?;
        write(&pem, to_pem(&renewed)?.as_bytes())?;
        Ok(Some(Pair { certificate: renewed, key: authority.key }))
    }

    fn host(
        &self,
        host: &ClusterHost,
        authority: &Pair,
        ca: &Certificate,
        access: Access,
    ) -> Result<Option<Credentials>, TlsError> {
        let (key, pem) = (self.path(&format!("{}.key", host.name)), self.path(&format!("{}.pem", host.name)));
        let subject = Subject::host(names(host), host.address);
        let found = match (read_key(&key)?, read_certificate(&pem)?) {
            (Some(key), Some(certificate)) => Some(Pair { certificate, key }),
            _ => None,
        };
        let failed = || TlsError::library(format!("issuing the certificate of {}", host.name));
        let pair = match found {
            Some(pair) if access == Access::Read || self.is_good(&pair, &subject, authority)? => pair,
            None if access == Access::Read => return Ok(None),
            _ => {
                let issued = authority::issue(authority, &subject, self.settings.validity, self.now)
                    .map_err(failed())?;
                self.keep(&key, &pem, &issued)?;
                issued
            }
        };
        let what = format!("the certificate of {}", host.name);
        Ok(Some(Credentials {
            ca: ca.clone(),
            certificate: described(&what, to_pem(&pair.certificate)?, &pair.certificate)?,
            key: Arc::new(SecretString::from(key_to_pem(&pair.key)?)),
        }))
    }

    /// Whether a certificate can stay: it is this authority's, for all that the host is called, and not due.
    fn is_good(&self, pair: &Pair, subject: &Subject, authority: &Pair) -> Result<bool, TlsError> {
        let failed = || TlsError::library("reading a certificate");
        let end = certificate::end(&pair.certificate).map_err(failed())?;
        let chain = std::slice::from_ref(&pair.certificate);
        let authority = std::slice::from_ref(&authority.certificate);
        Ok(end > self.later(self.settings.renew_before)
            && certificate::belongs(&pair.key, &pair.certificate)
            && subject.missing(&pair.certificate).is_empty()
            && certificate::is_issued_by(chain, authority).map_err(failed())?)
    }

    fn later(&self, by: std::time::Duration) -> Timestamp {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.now.checked_add(by).unwrap_or(Timestamp::MAX)
    }

    /// The key first: a certificate whose key is missing is made again with it.
    fn keep(&self, key: &Utf8Path, pem: &Utf8Path, pair: &Pair) -> Result<(), TlsError> {
        write(key, key_to_pem(&pair.key)?.as_bytes())?;
        write(pem, to_pem(&pair.certificate)?.as_bytes())
    }
}

fn described(what: &str, pem: String, certificate: &X509) -> Result<Certificate, TlsError> {
    certificate::described(what, pem, certificate).map_err(TlsError::library("reading a certificate"))
}

fn to_pem(certificate: &X509) -> Result<String, TlsError> {
    let pem = certificate.to_pem().map_err(TlsError::library("writing a certificate"))?;
    Ok(String::from_utf8_lossy(&pem).into_owned())
}

fn key_to_pem(key: &PKey<Private>) -> Result<String, TlsError> {
    let pem = key.private_key_to_pem_pkcs8().map_err(TlsError::library("writing a key"))?;
    Ok(String::from_utf8_lossy(&pem).into_owned())
}

fn read_key(path: &Utf8Path) -> Result<Option<PKey<Private>>, TlsError> {
    let read = |bytes: &[u8]| PKey::private_key_from_pem(bytes).ok();
    read_as(path, "private key", read)
}

fn read_certificate(path: &Utf8Path) -> Result<Option<X509>, TlsError> {
    read_as(path, "certificate", |bytes| X509::from_pem(bytes).ok())
}

fn read_as<T>(
    path: &Utf8Path,
    what: &'static str,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Option<T>, TlsError> {
    match fs_err::read(path) {
        Ok(bytes) => match read(&bytes) {
            Some(value) => Ok(Some(value)),
            None => Err(TlsError::Damaged { path: path.to_owned(), what }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::file(format!("reading {path}"))(error)),
    }
}

/// A file that nobody else can read.
fn private(path: &Utf8Path, keep: bool) -> Result<fs_err::File, TlsError> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(!keep);
    options.mode(0o600);
    options.open(path).map_err(TlsError::file(format!("opening {path}")))
}

/// Writes a file as a whole or not at all, for nobody else to read.
fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), TlsError> {
    let new = Utf8PathBuf::from(format!("{path}.new"));
    // One that a killed run has left may be readable by others.
    match fs_err::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(TlsError::file(format!("removing {new}"))(error));
        }
        _ => {}
    }
    let mut file = private(&new, false)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs_err::rename(&new, path))
        .map_err(TlsError::file(format!("writing {path}")))
}
