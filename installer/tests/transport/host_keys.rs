//! Host keys: who is talked to.

use std::process::Command;
use std::sync::Barrier;

use calico_mesos_install::transport::Connector;
use calico_mesos_install::transport::ssh::{SshConnector, SshOptions};
use camino::Utf8PathBuf;

use super::server::{Folder, Server, connect, key_pair, openssh, plain, public, refusal};

fn with_known_hosts(server: &Server, text: &str) -> (SshOptions, Utf8PathBuf) {
    let file = server.folder.write("other hosts", text);
    (SshOptions { known_hosts: vec![file.clone()], ..server.options() }, file)
}

fn run(shell: &str) {
    assert!(Command::new("sh").args(["-c", shell]).output().unwrap().status.success(), "{shell}");
}

/// The command that a message tells the operator to run.
fn remedy(text: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix("  ")).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn an_unknown_key_is_refused_until_the_remedy_was_run() {
    let server = Server::start();
    let (options, file) = with_known_hosts(&server, "");
    let text = refusal(options.clone());
    let fingerprint = openssh("ssh-keygen", &["-lf", server.folder.path.join("host_ed25519.pub").as_str()]);
    assert!(text.contains(fingerprint.split(' ').nth(1).unwrap()), "{text}");
    assert!(text.contains("host (127.0.0.1 port") && text.contains("--accept-new-host-keys"), "{text}");
    assert!(fs_err::read(&file).unwrap().is_empty());
    assert!(!server.log().contains("Accepted"), "logged in before the key was verified");
    run(&remedy(&text));
    connect(options).unwrap();
}

#[test]
fn a_changed_key_is_refused_until_the_remedy_was_run() {
    let server = Server::start();
    let other = public(&key_pair(&server.folder, "other", "ed25519", ""));
    let (options, file) = with_known_hosts(&server, &format!("# one\n[127.0.0.1]:{} {other}", server.port));
    let options = SshOptions { accept_new_host_keys: true, ..options };
    let text = refusal(options.clone());
    assert!(
        text.contains("somebody may be listening") && text.contains(&format!("{file}:2 has another")),
        "{text}"
    );
    assert!(!server.log().contains("Accepted"));
    run(&remedy(&text));
    connect(options).unwrap();
    assert!(fs_err::read_to_string(&file).unwrap().contains(&server.host_key("ed25519")));
}

#[test]
fn hashed_entries_are_found() {
    let server = Server::start();
    let (options, file) =
        with_known_hosts(&server, &format!("[127.0.0.1]:{} {}\n", server.port, server.host_key("ed25519")));
    openssh("ssh-keygen", &["-q", "-H", "-f", file.as_str()]);
    assert!(!fs_err::read_to_string(&file).unwrap().contains("127.0.0.1"));
    connect(options).unwrap();
}

#[test]
fn the_server_is_asked_for_the_key_that_is_known() {
    let server = Server::run("", &["ed25519", "ecdsa", "rsa"], |config| {
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", config.as_str()]);
        command
    });
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let line = format!("[127.0.0.1]:{} {}\n", server.port, server.host_key(kind));
        connect(with_known_hosts(&server, &line).0).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[test]
fn another_type_of_key_is_no_way_around_a_known_one() {
    let server = Server::start();
    let other = public(&key_pair(&server.folder, "other", "ecdsa", ""));
    let (options, _) = with_known_hosts(&server, &format!("[127.0.0.1]:{} {other}", server.port));
    let text = refusal(SshOptions { accept_new_host_keys: true, ..options });
    assert!(text.contains("of another type than the known one"), "{text}");
}

#[test]
fn revoked_keys_are_refused_and_authorities_trust_nothing() {
    let server = Server::start();
    let key = server.host_key("ed25519");
    let line = format!("[127.0.0.1]:{} {key}\n", server.port);
    let text = refusal(with_known_hosts(&server, &format!("{line}@revoked * {key}\n")).0);
    assert!(text.contains("revoked") && text.contains(":2 says"), "{text}");
    let text = refusal(with_known_hosts(&server, &format!("@cert-authority {line}")).0);
    assert!(text.contains("is not known"), "{text}");
}

#[test]
fn thirty_two_at_once_record_each_new_key_once() {
    let servers = [Server::start(), Server::start()];
    let folder = Folder::new();
    let file = folder.path.join("new/known_hosts");
    let names: Vec<String> = (0..32).map(|index| format!("host-{index}")).collect();
    let targets =
        names.iter().zip(servers.iter().cycle()).map(|(name, server)| (name.as_str(), server.target()));
    let options =
        SshOptions { accept_new_host_keys: true, known_hosts: vec![file.clone()], ..plain(targets) };
    let mut connector = SshConnector::new(options.clone()).unwrap();
    let barrier = Barrier::new(names.len());
    std::thread::scope(|scope| {
        for name in &names {
            let (connector, barrier) = (&connector, &barrier);
            scope.spawn(move || {
                barrier.wait();
                connector.connect(&name.parse().unwrap()).unwrap();
            });
        }
    });
    let text = fs_err::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    connector = SshConnector::new(SshOptions { accept_new_host_keys: false, ..options }).unwrap();
    for name in &names {
        connector.connect(&name.parse().unwrap()).unwrap();
    }
}
