//! Uploads and downloads.

use std::os::unix::fs::MetadataExt;

use calico_mesos_install::model::HostPath;
use calico_mesos_install::transport::{Command, Session, Upload};
use camino::Utf8Path;

use super::commands::noise;
use super::server::Server;

fn upload(
    session: &mut dyn Session,
    source: &Utf8Path,
    offset: u64,
    target: &str,
) -> Result<Vec<u64>, String> {
    let target: HostPath = target.parse().unwrap();
    let mut steps = Vec::new();
    session
        .upload(&Upload { source, offset, target: &target }, &mut |sent| steps.push(sent))
        .map(|()| steps)
        .map_err(|error| error.to_string())
}

#[test]
fn uploads_begin_go_on_and_begin_again() {
    let server = Server::start();
    let mut session = server.session();
    let bytes = noise(3_000_001);
    let source = server.folder.write("source", &bytes);
    let target = server.folder.path.join("it's a target");
    let steps = upload(&mut *session, &source, 0, target.as_str()).unwrap();
    assert!(steps.is_sorted() && steps.first() == Some(&0) && steps.last() == Some(&3_000_001), "{steps:?}");
    assert!(fs_err::read(&target).unwrap() == bytes);
    assert_eq!(fs_err::metadata(&target).unwrap().mode() & 0o777, 0o600);

    fs_err::write(&target, &bytes[..1_000_000]).unwrap();
    let steps = upload(&mut *session, &source, 1_000_000, target.as_str()).unwrap();
    assert_eq!(steps.first(), Some(&1_000_000));
    assert!(fs_err::read(&target).unwrap() == bytes);

    fs_err::write(&target, noise(4_000_000)).unwrap();
    upload(&mut *session, &source, 0, target.as_str()).unwrap();
    assert!(fs_err::read(&target).unwrap() == bytes);
    upload(&mut *session, &source, 3_000_001, target.as_str()).unwrap();
    assert!(fs_err::read(&target).unwrap() == bytes);
}

#[test]
fn an_upload_never_appends_at_the_wrong_place() {
    let server = Server::start();
    let mut session = server.session();
    let source = server.folder.write("source", noise(1_000_000));
    let target = server.folder.write("target", b"seven b");
    for offset in [6, 8] {
        let error = upload(&mut *session, &source, offset, target.as_str()).unwrap_err();
        assert!(error.contains(&format!("the file holds 7 bytes, not {offset}")), "{error}");
        assert!(error.contains("remove it"), "{error}");
    }
    assert_eq!(fs_err::read(&target).unwrap(), b"seven b");
    let error = upload(&mut *session, &source, 1_000_001, target.as_str()).unwrap_err();
    assert!(error.contains("holds 1000000 bytes, but 1000001"), "{error}");
    let error = upload(&mut *session, Utf8Path::new("/no/such/file"), 0, target.as_str()).unwrap_err();
    assert!(error.contains("cannot read /no/such/file"), "{error}");
    assert!(session.run(&Command::new("true")).unwrap().success());
}

#[test]
fn a_full_disk_is_told() {
    let server = Server::start();
    let mut session = server.session();
    let source = server.folder.write("source", noise(20_000_000));
    for _ in 0..3 {
        let error = upload(&mut *session, &source, 0, "/dev/full").unwrap_err();
        assert!(error.contains("No space left on device") && error.contains("\nfree space"), "{error}");
    }
    let error = upload(&mut *session, &source, 0, "/no/such/folder/file").unwrap_err();
    assert!(error.contains("/no/such/folder/file"), "{error}");
    assert!(session.run(&Command::new("true")).unwrap().success());
}

#[test]
fn downloads_stream() {
    let server = Server::start();
    let mut session = server.session();
    let bytes = noise(5_000_000);
    let source: HostPath = server.folder.write("-source", &bytes).as_str().parse().unwrap();
    let mut copy = Vec::new();
    assert_eq!(session.download(&source, &mut copy).unwrap(), 5_000_000);
    assert!(copy == bytes);
    let error = session.download(&"/no/such/file".parse().unwrap(), &mut copy).unwrap_err().to_string();
    assert!(error.contains("cannot read /no/such/file on host") && error.contains("No such file"), "{error}");
    assert!(session.run(&Command::new("true")).unwrap().success());
}
