//! What a certificate says: whom it is for, by whom, until when.

use std::net::IpAddr;

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref, X509StoreContext};

use super::{LOCAL_ADDRESS, LOCAL_NAME};
use crate::cluster::Certificate;

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    /// Names.
    pub(super) names: Vec<String>,
    /// Addresses.
    pub(super) addresses: Vec<IpAddr>,
}

impl Subject {
    /// A host with these names and this address, and what it calls itself.
    pub(super) fn host(names: Vec<String>, address: IpAddr) -> Self {
        let local = Some(LOCAL_NAME.to_owned());
        Self { names: names.into_iter().chain(local).collect(), addresses: vec![address, LOCAL_ADDRESS] }
    }

    /// Those of its names and addresses that the certificate is not for.
    pub(super) fn missing(&self, certificate: &X509Ref) -> Vec<String> {
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for entry in certificate.subject_alt_names().iter().flatten() {
            names.extend(entry.dnsname().map(str::to_ascii_lowercase));
            addresses.extend(entry.ipaddress().and_then(address));
        }
        let is_for = |name: &str| {
            let name = name.to_ascii_lowercase();
            // `*` stands for one label.
            let wild = name.split_once('.').map(|(_, domain)| format!("*.{domain}"));
            names.iter().any(|known| *known == name || Some(known) == wild.as_ref())
        };
        let names = self.names.iter().filter(|name| !is_for(name)).cloned();
        let addresses = self.addresses.iter().filter(|wanted| !addresses.contains(wanted));
        names.chain(addresses.map(ToString::to_string)).collect()
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

/// When it ends.
pub(super) fn end(certificate: &X509Ref) -> Result<Timestamp, ErrorStack> {
    moment(certificate.not_after())
}

/// When it begins.
pub(super) fn beginning(certificate: &X509Ref) -> Result<Timestamp, ErrorStack> {
    moment(certificate.not_before())
}

fn moment(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}

/// Whether the key is that of the certificate.
pub(super) fn belongs(key: &PKey<Private>, certificate: &X509Ref) -> bool {
    certificate.public_key().is_ok_and(|public| public.public_eq(key))
}

/// Whether one of the authorities has issued the first certificate, perhaps by way of the others. Times are looked at
/// apart from this, since they have a remedy of their own.
pub(super) fn is_issued_by(chain: &[X509], authorities: &[X509]) -> Result<bool, ErrorStack> {
    let Some((first, others)) = chain.split_first() else { return Ok(false) };
    let mut store = X509StoreBuilder::new()?;
    for authority in authorities {
        store.add_cert(authority.clone())?;
    }
    store.set_flags(openssl::x509::verify::X509VerifyFlags::NO_CHECK_TIME)?;
    let mut between = Stack::new()?;
    for certificate in others {
        between.push(certificate.clone())?;
    }
    X509StoreContext::new()?.init(&store.build(), first, &between, |context| context.verify_cert())
}

/// The certificate with what people should know of it.
pub(super) fn described(what: &str, pem: String, certificate: &X509Ref) -> Result<Certificate, ErrorStack> {
    let fingerprint = certificate.digest(MessageDigest::sha256())?;
    let pairs: Vec<String> = fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
    let until = end(certificate)?.strftime("%Y-%m-%d %H:%M UTC");
    let note = format!("{what}, SHA-256 {}, valid until {until}", pairs.join(":"));
    Ok(Certificate { pem, note })
}

/// Whether two files with certificates of authorities have none in common: nobody who trusts the one alone believes what
/// the other issued. A certificate that was renewed with its key is the same authority. A file that holds no certificate
/// is trusted by nobody, and so is no other authority.
pub fn is_other_authority(one: &[u8], another: &[u8]) -> bool {
    let (Ok(one), Ok(another)) = (X509::stack_from_pem(one), X509::stack_from_pem(another)) else {
        return false;
    };
    let keys = |certificates: &[X509]| {
        certificates.iter().filter_map(|certificate| certificate.public_key().ok()).collect::<Vec<_>>()
    };
    let (one, another) = (keys(&one), keys(&another));
    !one.is_empty() && !one.iter().any(|key| another.iter().any(|other| key.public_eq(other)))
}
