use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use secrecy::ExposeSecret as _;

use super::*;
use crate::cluster::Resolved;
use crate::data::Data;
use crate::diagnostic::Source;
use crate::inventory::{Parsed, Surroundings};
use crate::roles::Catalogue;

/// A moment that is long ago for openssl's own look at the clock, so that nothing may depend on that.
fn now() -> Timestamp {
    "2016-06-01T00:00:00Z".parse().unwrap()
}

fn later(hours: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_hours(hours)
}

struct Bench {
    folder: tempfile::TempDir,
    tls: String,
    address: u8,
}

impl Bench {
    fn new(tls: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), tls: tls.to_owned(), address: 4 }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).unwrap().join(name)
    }

    fn resolved(&self) -> (Inventory, Cluster) {
        let text = format!(
            "[cluster]\nname = \"demo\"\nrelease = \"lab\"\ncontainerizers = [\"mesos\"]\n[tls]\n{}\n\
             [[hosts]]\nname = \"m\"\naddress = \"10.0.0.1\"\nroles = [\"master\"]\n\
             [[hosts]]\nname = \"a.example.com\"\naddress = \"10.0.0.{}\"\nroles = [\"agent\"]\n",
            self.tls, self.address
        );
        let around = Surroundings { folder: self.path(""), home: None };
        let Parsed { inventory, mistakes } = Parsed::new(&Source::new("inventory.toml", text), &around);
        assert!(mistakes.is_empty(), "{mistakes}");
        let roles = Arc::new(Catalogue::load(&Data::built_in()).unwrap());
        let Resolved { cluster, mistakes } = Resolved::new(&inventory, roles);
        assert!(mistakes.is_empty(), "{mistakes}");
        (inventory, cluster)
    }

    fn load(&self, access: Access, now: Timestamp) -> Result<(Cluster, Mistakes), TlsError> {
        let (inventory, mut cluster) = self.resolved();
        let mistakes = load(&inventory, &mut cluster, access, now)?;
        Ok((cluster, mistakes))
    }

    fn issue(&self, now: Timestamp) -> Cluster {
        self.load(Access::Issue, now).unwrap().0
    }

    fn openssl(&self, arguments: &str) -> String {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

fn pem(cluster: &Cluster, host: &str) -> String {
    cluster.host(host).unwrap().credentials.as_ref().unwrap().certificate.pem.clone()
}

const GENERATE: &str = "mode = \"generate\"\nvalidity = \"30d\"\nrenew_before = \"10d\"";

#[test]
fn what_is_issued_is_what_services_need() {
    let bench = Bench::new(GENERATE);
    let cluster = bench.issue(now());
    assert_eq!(
        bench.openssl(&format!("verify -attime {} -CAfile tls/ca.pem tls/m.pem", now().as_second())),
        "tls/m.pem: OK\n"
    );
    let text = bench.openssl("x509 -in tls/a.example.com.pem -noout -text");
    for wanted in [
        "Issuer: CN = demo authority",
        "Subject: CN = a.example.com",
        "DNS:a.example.com, DNS:a, DNS:localhost, IP Address:10.0.0.4, IP Address:127.0.0.1",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "CA:FALSE",
        "Not After : Jul  1 00:00:00 2016 GMT",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    let credentials = cluster.host("m").unwrap().credentials.as_ref().unwrap();
    assert!(credentials.key.expose_secret().starts_with("-----BEGIN PRIVATE KEY-----"));
    let note = &credentials.certificate.note;
    assert!(note.starts_with("the certificate of m, SHA-256 "), "{note}");
    assert!(note.ends_with(", valid until 2016-07-01 00:00 UTC"), "{note}");
    let printed = bench.openssl("x509 -in tls/m.pem -noout -fingerprint -sha256");
    assert!(note.contains(printed.trim().split('=').next_back().unwrap()), "{note} {printed}");
    assert!(!format!("{cluster:?}").contains("PRIVATE KEY"), "no key is in what may be logged");
}

#[test]
fn nobody_else_can_read_what_is_kept() {
    let bench = Bench::new(GENERATE);
    bench.issue(now());
    let mode = |name: &str| fs_err::metadata(bench.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("tls"), 0o700);
    for file in ["ca.key", "m.key", "a.example.com.key"] {
        assert_eq!(mode(&format!("tls/{file}")), 0o600, "{file}");
    }
}

#[test]
fn what_is_good_stays_and_what_is_due_is_renewed() {
    let bench = Bench::new(GENERATE);
    let first = bench.issue(now());
    let again = bench.issue(later(19 * 24));
    assert_eq!(pem(&first, "m"), pem(&again, "m"));
    // Ten days before its end.
    let due = bench.load(Access::Read, later(21 * 24)).unwrap().0;
    assert_eq!(pem(&first, "m"), pem(&due, "m"), "whoever only looks renews nothing");
    let renewed = bench.issue(later(21 * 24));
    assert_ne!(pem(&first, "m"), pem(&renewed, "m"));
    let ca = |cluster: &Cluster| cluster.hosts[0].credentials.as_ref().unwrap().ca.pem.clone();
    assert_eq!(ca(&first), ca(&renewed));
}

#[test]
fn only_a_host_whose_address_changed_gets_a_new_certificate() {
    let mut bench = Bench::new(GENERATE);
    let first = bench.issue(now());
    bench.address = 5;
    let moved = bench.issue(now());
    assert_eq!(pem(&first, "m"), pem(&moved, "m"));
    assert_ne!(pem(&first, "a.example.com"), pem(&moved, "a.example.com"));
}

#[test]
fn an_authority_gets_a_new_certificate_under_which_the_old_ones_stay_good() {
    let bench = Bench::new("mode = \"generate\"\nvalidity = \"1000d\"\nrenew_before = \"1d\"");
    bench.issue(now());
    let key = fs_err::read(bench.path("tls/ca.key")).unwrap();
    let pem = fs_err::read(bench.path("tls/ca.pem")).unwrap();
    // Twelve years on.
    let time = later(12 * 365 * 24);
    fs_err::copy(bench.path("tls/m.pem"), bench.path("old.pem")).unwrap();
    bench.issue(time);
    assert_eq!(key, fs_err::read(bench.path("tls/ca.key")).unwrap());
    let renewed = fs_err::read(bench.path("tls/ca.pem")).unwrap();
    assert_ne!(pem, renewed);
    assert!(!is_other_authority(&pem, &renewed));
    bench.openssl("verify -no_check_time -CAfile tls/ca.pem old.pem");
    bench.openssl(&format!("verify -attime {} -CAfile tls/ca.pem tls/m.pem", time.as_second()));
}

#[test]
fn authorities_with_a_key_in_common_are_one() {
    let ca = |bench: &Bench| {
        bench.issue(now());
        fs_err::read(bench.path("tls/ca.pem")).unwrap()
    };
    let (one, another) = (ca(&Bench::new(GENERATE)), ca(&Bench::new(GENERATE)));
    assert!(is_other_authority(&one, &another));
    assert!(
        !is_other_authority(&one, &[another.as_slice(), &one].concat()),
        "while the one replaces the other"
    );
    assert!(!is_other_authority(b"no certificate", &one) && !is_other_authority(b"", &one));
}

#[test]
fn looking_makes_nothing() {
    let bench = Bench::new(GENERATE);
    let (cluster, mistakes) = bench.load(Access::Read, now()).unwrap();
    assert!(mistakes.is_empty() && cluster.hosts.iter().all(|host| host.credentials.is_none()));
    assert!(!bench.path("tls").exists());
}

#[test]
fn a_damaged_or_half_authority_is_never_replaced() {
    let bench = Bench::new(GENERATE);
    bench.issue(now());
    let key = fs_err::read(bench.path("tls/ca.key")).unwrap();
    fs_err::remove_file(bench.path("tls/ca.key")).unwrap();
    assert!(matches!(bench.load(Access::Issue, now()), Err(TlsError::HalfAnAuthority { .. })));
    fs_err::write(bench.path("tls/ca.key"), "not a key").unwrap();
    assert!(matches!(bench.load(Access::Issue, now()), Err(TlsError::Damaged { .. })));
    fs_err::write(bench.path("tls/ca.key"), key).unwrap();
    bench.issue(now());
}

const FILES: &str =
    "mode = \"files\"\nca = \"tls/ca.pem\"\ncert = \"tls/{host}.pem\"\nkey = \"tls/{host}.key\"";

#[test]
fn the_operators_own_files_are_taken() {
    let mut bench = Bench::new(GENERATE);
    let issued = bench.issue(now());
    bench.tls = FILES.to_owned();
    let (cluster, mistakes) = bench.load(Access::Issue, now()).unwrap();
    assert!(mistakes.is_empty(), "{mistakes}");
    assert_eq!(pem(&issued, "m"), pem(&cluster, "m"));
}

#[test]
fn all_that_is_wrong_with_the_operators_files_is_told_at_once() {
    let mut bench = Bench::new(GENERATE);
    bench.issue(now());
    // The one host has the other's certificate, and its key is not that of any.
    fs_err::copy(bench.path("tls/a.example.com.pem"), bench.path("tls/m.pem")).unwrap();
    fs_err::remove_file(bench.path("tls/a.example.com.key")).unwrap();
    // Another authority.
    bench.openssl("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -subj /CN=other");
    fs_err::rename(bench.path("other.pem"), bench.path("tls/ca.pem")).unwrap();
    bench.tls = FILES.to_owned();
    let (_, mistakes) = bench.load(Access::Read, later(31 * 24)).unwrap();
    let text = mistakes.to_string().replace(bench.path("").as_str(), "/operator/");
    insta::assert_snapshot!(text);
}
