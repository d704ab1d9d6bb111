//! Logging in: key files, agent, ssh_config.

use std::process::{Command, Stdio};

use calico_mesos_install::transport::ssh::{SshOptions, Target};
use calico_mesos_install::transport::{Command as Remote, TransportError};
use camino::{Utf8Path, Utf8PathBuf};

use super::server::{Folder, Running, Server, connect, key_pair, public, refusal, user};

/// An agent that holds `keys`.
struct Agent {
    socket: Utf8PathBuf,
    _process: Running,
}

impl Agent {
    fn with(folder: &Folder, keys: &[&Utf8Path]) -> Self {
        let socket = folder.path.join("agent");
        let process = Command::new("ssh-agent")
            .args(["-D", "-a", socket.as_str()])
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent is needed: apt-get install openssh-client");
        let agent = Self { socket, _process: Running(process) };
        while !agent.socket.exists() {
            std::thread::yield_now();
        }
        for key in keys {
            let mut add = Command::new("ssh-add");
            // Keys with the passphrase `secret` are unlocked by a program that answers it.
            let answer = folder.write("answer", "#!/bin/sh\necho secret\n");
            fs_err::set_permissions(&answer, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
            add.env("SSH_AUTH_SOCK", &agent.socket).env("SSH_ASKPASS", &answer);
            add.env("SSH_ASKPASS_REQUIRE", "force").arg(key);
            assert!(add.output().unwrap().status.success(), "{key}");
        }
        agent
    }
}

fn without_key(server: &Server) -> SshOptions {
    let mut options = server.options();
    options.targets.values_mut().for_each(|target| target.identity_file = None);
    options
}

fn explicit(server: &Server, key: &Utf8Path) -> SshOptions {
    let mut options = server.options();
    options.targets.values_mut().for_each(|target| target.identity_file = Some(key.to_owned()));
    options
}

fn authorize(server: &Server, key: &Utf8Path) {
    server.folder.write("authorized", public(key));
}

#[test]
fn keys_of_every_kind_and_format() {
    let server = Server::start();
    for (index, kind) in ["ed25519", "ecdsa", "rsa"].into_iter().enumerate() {
        let key = key_pair(&server.folder, &format!("key{index}"), kind, "");
        authorize(&server, &key);
        connect(explicit(&server, &key)).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[test]
fn an_agent_s_key() {
    let server = Server::start();
    let folder = Folder::new();
    let others: Vec<Utf8PathBuf> =
        (0..2).map(|index| key_pair(&folder, &format!("other{index}"), "ed25519", "")).collect();
    let agent = Agent::with(&folder, &[&others[0], &others[1], &server.client_key]);
    let options = SshOptions { agent: Some(agent.socket.clone()), ..without_key(&server) };
    connect(options.clone()).unwrap();
    authorize(&server, &key_pair(&folder, "third", "ed25519", ""));
    let text = refusal(options);
    assert!(
        text.contains("other0: refused by the server, other1: refused by the server, client: refused"),
        "{text}"
    );
}

#[test]
fn an_encrypted_key_needs_an_agent_that_holds_it() {
    let server = Server::start();
    let folder = Folder::new();
    let key = key_pair(&folder, "locked", "ed25519", "secret");
    authorize(&server, &key);
    let text = refusal(explicit(&server, &key));
    assert!(text.contains(&format!("key file {key}: needs a passphrase")), "{text}");
    assert!(text.ends_with(&format!("eval \"$(ssh-agent)\"; ssh-add {key}")), "{text}");
    // More keys than a server lets be tried: the one that is named goes first.
    let others: Vec<Utf8PathBuf> =
        (0..8).map(|index| key_pair(&folder, &format!("other{index}"), "ed25519", "")).collect();
    let mut held: Vec<&Utf8Path> = others.iter().map(Utf8PathBuf::as_path).collect();
    held.push(&key);
    let agent = Agent::with(&folder, &held);
    connect(SshOptions { agent: Some(agent.socket.clone()), ..explicit(&server, &key) }).unwrap();
    let text = refusal(SshOptions { agent: Some(agent.socket.clone()), ..without_key(&server) });
    assert!(text.contains("ended the connection while user") && text.contains("`identity_file`"), "{text}");
}

#[test]
fn a_refusal_lists_what_was_tried_and_what_is_accepted() {
    let server = Server::start();
    let folder = Folder::new();
    let key = key_pair(&folder, "unwanted", "ed25519", "");
    let broken = folder.write("broken", "not a key\n");
    let config =
        folder.write("config", format!("Host *\n IdentityFile {broken}\n IdentityFile /no/such/key\n"));
    let text = refusal(SshOptions { config: Some(config), ..explicit(&server, &key) });
    let (port, user) = (server.port, user());
    assert_eq!(
        text,
        format!(
            "host (127.0.0.1 port {port}) does not let user `{user}` in; tried:\n  - key file {key}: refused by the \
             server\n  - agent: none is running (SSH_AUTH_SOCK is not set)\n  - key file {broken}: cannot be used \
             (Unable to extract public key from private key: Unsupported private key format)\n  - key file /no/such/key: does not exist\n  - \
             password: none was given\nthe server accepts: publickey\nput your public key on the host with \
             `ssh-copy-id -p {port} {user}@127.0.0.1`, name the right key with `identity_file`, or give a password"
        )
    );
}

#[test]
fn an_agent_that_does_not_answer_does_not_hang_the_login() {
    let server = Server::start();
    let folder = Folder::new();
    let socket = folder.path.join("agent");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut options = SshOptions { agent: Some(socket), ..without_key(&server) };
    options.limits.connect = std::time::Duration::from_secs(2);
    let begin = std::time::Instant::now();
    let text = refusal(options);
    assert!(begin.elapsed() < std::time::Duration::from_secs(3));
    assert!(text.contains("logging in was not done within 2 s"), "{text}");
}

#[test]
fn ssh_config_says_what_the_inventory_leaves_out() {
    let server = Server::start();
    let folder = Folder::new();
    let key = key_pair(&folder, "mine", "ed25519", "");
    authorize(&server, &key);
    let known = server.known_hosts();
    let config = folder.write(
        "config",
        format!(
            "Host host\n  Port {}\n  User {}\n  IdentityFile ~/unused\n  IdentityFile ~/mine\n\
             Host behind\n  HostName 127.0.0.1\n  UserKnownHostsFile ~/none {known}\nHost *\n  Port 1\n",
            server.port,
            user()
        ),
    );
    let mut options = SshOptions {
        config: Some(config),
        home: Some(folder.path.clone()),
        known_hosts: Vec::new(),
        ..server.options()
    };
    let target = Target { address: "behind".to_owned(), ..Target::default() };
    options.targets.values_mut().for_each(|other| *other = target.clone());
    let mut session = connect(options).unwrap();
    assert!(session.run(&Remote::new("true")).unwrap().success());
}

#[test]
fn a_wrong_ssh_config_is_told_before_anything_else() {
    let server = Server::start();
    let config = server.folder.write("config", "Host *\nPort many\n");
    let error: TransportError =
        connect(SshOptions { config: Some(config), ..server.options() }).err().unwrap();
    assert!(error.to_string().contains("config:2: `Port many`"), "{error}");
}

#[test]
fn a_login_costs_no_more_than_it_must() {
    let server = Server::start();
    let mut session = server.session();
    session.run(&Remote::new("true")).unwrap();
    let log = server.log();
    assert_eq!(log.matches("Failed publickey").count(), 0, "{log}");
    assert_eq!(log.matches("Starting session").count(), 1, "{log}");
}
