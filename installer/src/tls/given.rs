//! The operator's own certificates: read, and checked for all that can be wrong with them.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use secrecy::SecretString;

use super::certificate::{self, Subject};
use super::names;
use crate::cluster::{Cluster, ClusterHost, Credentials};
use crate::diagnostic::{Mistake, Mistakes, Spanned, list};
use crate::inventory::{TLS_HOST, TlsFiles};

/// Gives every host its files, if they are right; what is wrong with them otherwise.
pub(super) fn load(files: &TlsFiles, cluster: &mut Cluster, now: Timestamp) -> Mistakes {
    let mut mistakes = Mistakes::new();
    let authorities = certificates(&files.ca, &files.ca.value, "authority's certificate", &mut mistakes);
    for host in &mut cluster.hosts {
        let mut check =
            Check { files, host, authorities: authorities.as_ref(), now, mistakes: &mut mistakes };
        host.credentials = check.run();
    }
    mistakes
}

/// Certificates with the text that they were read from.
type Read = (Vec<X509>, String);

struct Check<'a> {
    files: &'a TlsFiles,
    host: &'a ClusterHost,
    authorities: Option<&'a Read>,
    now: Timestamp,
    mistakes: &'a mut Mistakes,
}

impl Check<'_> {
    fn run(&mut self) -> Option<Credentials> {
        let files = self.files;
        let of_host =
            |path: &Utf8Path| Utf8PathBuf::from(path.as_str().replace(TLS_HOST, self.host.name.as_str()));
        let (cert, key) = (of_host(&files.cert.value), of_host(&files.key.value));
        let chain = certificates(&files.cert, &cert, "certificate", self.mistakes);
        let key = private_key(&files.key, &key, self.mistakes);
        let (chain, pem) = chain?;
        let first = chain.first()?;
        self.for_whom(&cert, first);
        self.when(&cert, first);
        self.by_whom(&cert, &chain);
        let (key, text) = key?;
        if !certificate::belongs(&key, first) {
            let message = format!("the key of {} is not that of its certificate {cert}", self.host.name);
            self.mistake(&files.key, message, "name the key that the certificate was made for");
        }
        let (authorities, ca) = self.authorities?;
        let described = |what: &str, pem: &str, certificate: &X509| {
            certificate::described(what, pem.to_owned(), certificate).ok()
        };
        Some(Credentials {
            ca: described("the authority's certificate", ca, authorities.first()?)?,
            certificate: described(&format!("the certificate of {}", self.host.name), &pem, first)?,
            key: Arc::new(text),
        })
    }

    fn mistake(&mut self, at: &Spanned<Utf8PathBuf>, message: String, help: &str) {
        self.mistakes.push(Mistake::new(&at.place, message).help(help));
    }

    fn for_whom(&mut self, path: &Utf8Path, certificate: &X509) {
        // The local names are asked for by health checks of the host alone, and those go by its address.
        let subject = Subject { names: names(self.host), addresses: vec![self.host.address] };
        let missing = subject.missing(certificate);
        if !missing.is_empty() {
            let message = format!("{path} is not for {}", list(missing));
            let help =
                "have a certificate made with that as subjectAltName: services call the host by all of them";
            self.mistake(&self.files.cert, message, help);
        }
    }

    fn when(&mut self, path: &Utf8Path, certificate: &X509) {
        let (Ok(begins), Ok(ends)) = (certificate::beginning(certificate), certificate::end(certificate))
        else {
            let message = format!("{path} does not say when it is valid");
            return self.mistake(&self.files.cert, message, "have another one made");
        };
        if ends <= self.now {
            self.mistake(&self.files.cert, format!("{path} has ended: {ends}"), "have a new one made");
        } else if begins > self.now {
            let help = "wait for that time, or see whether the clock of this machine is right";
            self.mistake(&self.files.cert, format!("{path} is only valid from {begins}"), help);
        }
    }

    fn by_whom(&mut self, path: &Utf8Path, chain: &[X509]) {
        let Some((authorities, _)) = self.authorities else { return };
        if !certificate::is_issued_by(chain, authorities).unwrap_or(false) {
            let message = format!("{path} was not issued by {}", self.files.ca.value);
            let help = "name the certificate of the authority that issued it; what lies between the two goes behind the \
                        host's own, into the same file";
            self.mistake(&self.files.cert, message, help);
        }
    }
}

fn certificates(
    at: &Spanned<Utf8PathBuf>,
    path: &Utf8Path,
    what: &str,
    mistakes: &mut Mistakes,
) -> Option<Read> {
    let text = read(at, path, what, mistakes)?;
    match X509::stack_from_pem(text.as_bytes()) {
        Ok(stack) if !stack.is_empty() => Some((stack, text)),
        _ => {
            let message = format!("{path} holds no certificate");
            mistakes.push(Mistake::new(&at.place, message).help("name a file in the form PEM"));
            None
        }
    }
}

fn private_key(
    at: &Spanned<Utf8PathBuf>,
    path: &Utf8Path,
    mistakes: &mut Mistakes,
) -> Option<(PKey<Private>, SecretString)> {
    let text = SecretString::from(read(at, path, "key", mistakes)?);
    let mut mistake = |message: String, help: &str| {
        mistakes.push(Mistake::new(&at.place, message).help(help));
    };
    // Without the callback the library would ask on the terminal.
    let key =
        PKey::private_key_from_pem_callback(secrecy::ExposeSecret::expose_secret(&text).as_bytes(), |_| {
            Ok(0)
        });
    let Ok(key) = key else {
        mistake(
            format!("{path} holds no key without a password"),
            "name a file in the form PEM, not encrypted",
        );
        return None;
    };
    // ZooKeeper reads no other form.
    match key.private_key_to_pem_pkcs8().map(String::from_utf8) {
        Ok(Ok(pem)) => Some((key, SecretString::from(pem))),
        _ => {
            mistake(format!("{path} holds a key of an unknown kind"), "use an RSA or EC key");
            None
        }
    }
}

fn read(at: &Spanned<Utf8PathBuf>, path: &Utf8Path, what: &str, mistakes: &mut Mistakes) -> Option<String> {
    match fs_err::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("there is no {what} {path}");
            mistakes.push(Mistake::new(&at.place, message).help("put it there, or name another"));
            None
        }
        Err(error) => {
            let message = format!("the {what} {path} cannot be read: {}", error.kind());
            mistakes.push(Mistake::new(&at.place, message).help("make it a text file that you may read"));
            None
        }
    }
}
