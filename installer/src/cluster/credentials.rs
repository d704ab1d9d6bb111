//! What a host proves itself with. Made or read elsewhere: rendering takes it as it is given.

use std::sync::Arc;

use secrecy::SecretString;

/// A host's certificate, its key, and the authority by which it and its peers are known.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The authority's certificate.
    pub ca: Certificate,
    /// The host's certificate.
    pub certificate: Certificate,
    /// The host's key, as PEM in the form PKCS #8.
    pub key: Arc<SecretString>,
}

/// A certificate, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Itself as PEM, perhaps with others behind it.
    pub pem: String,
    /// Whose it is, its fingerprint and its end.
    pub note: String,
}
