//! An authority of the cluster's own, and what it issues.

use std::time::Duration;

use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

use super::certificate::Subject;

/// RSA, because the programs of a cluster of this age know nothing else for certain.
const HOST_KEY_BITS: u32 = 2048;
/// An authority lives longer.
const AUTHORITY_KEY_BITS: u32 = 3072;
/// How long an authority's certificate is valid, if not longer for the sake of what it issues.
const AUTHORITY_VALIDITY: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// How long before now a certificate begins, for hosts whose clocks are behind.
const CLOCKS_MAY_DIFFER: Duration = Duration::from_secs(10 * 60);

/// A certificate with its key.
pub(super) struct Pair {
    pub(super) certificate: X509,
    pub(super) key: PKey<Private>,
}

/// A new authority for a cluster.
pub(super) fn new_authority(cluster: &str, validity: Duration, now: Timestamp) -> Result<Pair, ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(AUTHORITY_KEY_BITS)?)?;
    let certificate = authority_certificate(cluster, &key, validity, now)?;
    Ok(Pair { certificate, key })
}

/// A certificate for the authority's key: what it has issued before stays good under the new one.
pub(super) fn authority_certificate(
    cluster: &str,
    key: &PKey<Private>,
    validity: Duration,
    now: Timestamp,
) -> Result<X509, ErrorStack> {
    let name = name(&format!("{cluster} authority"))?;
    let mut builder = begun(&name, key, AUTHORITY_VALIDITY.max(validity * 4), now)?;
    builder.set_issuer_name(&name)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let subject_key = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(subject_key)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// A new key and a certificate for it: for a server and a client alike, since etcd's members are both to each other.
pub(super) fn issue(
    authority: &Pair,
    subject: &Subject,
    validity: Duration,
    now: Timestamp,
) -> Result<Pair, ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(HOST_KEY_BITS)?)?;
    let name = name(subject.names.first().map_or("", String::as_str))?;
    let mut builder = begun(&name, &key, validity, now)?;
    builder.set_issuer_name(authority.certificate.subject_name())?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().key_encipherment().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().server_auth().client_auth().build()?)?;
    let mut names = SubjectAlternativeName::new();
    for name in &subject.names {
        names.dns(name);
    }
    for address in &subject.addresses {
        names.ip(&address.to_string());
    }
    let context = builder.x509v3_context(Some(&authority.certificate), None);
    let names = names.build(&context)?;
    let subject_key = SubjectKeyIdentifier::new().build(&context)?;
    let authority_key = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
    for extension in [names, subject_key, authority_key] {
        builder.append_extension(extension)?;
    }
    builder.sign(&authority.key, MessageDigest::sha256())?;
    Ok(Pair { certificate: builder.build(), key })
}

fn begun(
    name: &X509Name,
    key: &PKey<Private>,
    validity: Duration,
    now: Timestamp,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(name)?;
    builder.set_pubkey(key)?;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let now = now.as_second();
    builder.set_not_before(&*Asn1Time::from_unix(now - seconds(CLOCKS_MAY_DIFFER))?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now.saturating_add(seconds(validity)))?)?;
    Ok(builder)
}

/// A distinguished name. A common name cannot have more than 64 bytes; whom a certificate is for is not read from it.
fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    let short: String = common.chars().take(64).collect();
    name.append_entry_by_nid(Nid::COMMONNAME, &short)?;
    Ok(name.build())
}
