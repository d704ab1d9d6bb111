//! Passwords and sudo, with users of the test's own.
//!
//! sshd runs in a mount namespace in which the user database and sudo's rules are the test's, so this
//! machine's stay as they are. That takes root.

use std::process::Command;

use calico_mesos_install::model::HostPath;
use calico_mesos_install::transport::ssh::{Become, SshOptions};
use calico_mesos_install::transport::{Command as Remote, Upload};
use secrecy::SecretString;

use super::commands::noise;
use super::server::{Folder, Server, connect, openssh, refusal, user};

const PASSWORD: &str = "it's a $ecret";

/// A server with the user `tester`, whom these rules of sudo's hold for.
fn server(settings: &str, rules: &str) -> Server {
    assert_eq!(user(), "root", "run these tests as root: they make a mount namespace");
    assert!(std::path::Path::new("/usr/bin/sudo").exists(), "sudo is needed: apt-get install sudo openssl");
    let folder = Folder::new();
    let hash = openssh("openssl", &["passwd", "-6", PASSWORD]);
    let extended = |file: &str, line: &str| {
        folder.write(
            file.trim_start_matches("/etc/"),
            format!("{}{line}\n", fs_err::read_to_string(file).unwrap()),
        )
    };
    extended("/etc/passwd", "tester:x:54321:54321::/tmp:/bin/sh");
    extended("/etc/group", "tester:x:54321:");
    extended("/etc/shadow", &format!("tester:{}:20000:0:99999:7:::", hash.trim()));
    folder.write("sudoers", format!("Defaults !fqdn\n{rules}\n"));
    let script = "cd \"$1\"; chmod 755 .; chmod 440 sudoers
        for file in passwd group shadow sudoers; do mount --bind $file /etc/$file || exit; done
        exec /usr/sbin/sshd -D -e -f \"$2\"";
    let server = Server::run(settings, &["ed25519"], |config| {
        // Settings and keys are read by the user as well.
        let keys = config.parent().unwrap();
        openssh("chmod", &["755", keys.as_str()]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--", "sh", "-ec", script, "sh", folder.path.as_str(), config.as_str()]);
        command
    });
    // The mounts keep the files alive.
    drop(folder);
    server
}

fn options(server: &Server, password: Option<&str>) -> SshOptions {
    let mut options = server.options();
    options.targets.values_mut().for_each(|target| target.user = Some("tester".to_owned()));
    options.elevation = Become::Sudo { password: password.map(SecretString::from) };
    options
}

#[test]
fn sudo_without_a_password() {
    let server = server("", "tester ALL=(ALL) NOPASSWD: ALL");
    for password in [None, Some(PASSWORD)] {
        let mut session = connect(options(&server, password)).unwrap();
        let output = session.run(&Remote::script("id -u; cat", Vec::<String>::new()).stdin("input")).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\ninput");
    }
}

#[test]
fn sudo_with_a_password() {
    let server = server("", "tester ALL=(ALL) ALL");
    let mut session = connect(options(&server, Some(PASSWORD))).unwrap();
    let input = noise(1_000_000);
    for _ in 0..2 {
        let output = session.run(&Remote::new("cat").stdin(input.clone())).unwrap();
        assert!(output.stdout == input && output.stderr.is_empty());
    }
    let output = session.run(&Remote::new("id").arg("-u")).unwrap();
    assert_eq!((output.status, &output.stdout[..]), (0, &b"0\n"[..]));
    assert_eq!(session.run(&Remote::script("exit 7", Vec::<String>::new())).unwrap().status, 7);

    let source = server.folder.write("source", &input);
    let target: HostPath = server.folder.path.join("target").as_str().parse().unwrap();
    session.upload(&Upload { source: &source, offset: 0, target: &target }, &mut |_| ()).unwrap();
    assert!(fs_err::read(target.as_str()).unwrap() == input);

    // Neither the process list nor sshd's log has seen it.
    let processes = session.run(&Remote::new("ps").arg("axww")).unwrap();
    assert!(!String::from_utf8_lossy(&processes.stdout).contains("ecret"));
    assert!(!server.log().contains("ecret"));
}

#[test]
fn sudo_that_says_no() {
    let server = server("", "tester ALL=(ALL) ALL");
    let text = refusal(options(&server, None));
    assert!(text.contains("sudo wants a password and none was given"), "{text}");
    let text = refusal(options(&server, Some("wrong")));
    assert!(text.contains("sudo does not accept the password"), "{text}");
}

#[test]
fn a_user_without_rights() {
    let server = server("", "");
    let text = refusal(options(&server, Some(PASSWORD)));
    assert!(text.contains("sudo does not allow it") && text.contains("/etc/sudoers.d/tester"), "{text}");
}

#[test]
fn sudo_that_insists_on_a_terminal() {
    let server = server("", "Defaults requiretty\ntester ALL=(ALL) NOPASSWD: ALL");
    let text = refusal(options(&server, None));
    assert!(text.contains("!requiretty"), "{text}");
}

#[test]
fn a_login_with_a_password() {
    let server = server("PasswordAuthentication yes", "tester ALL=(ALL) NOPASSWD: ALL");
    let with = |password: &str| {
        let mut options = options(&server, None);
        options.targets.values_mut().for_each(|target| target.identity_file = None);
        SshOptions { password: Some(SecretString::from(password)), ..options }
    };
    let mut session = connect(with(PASSWORD)).unwrap();
    assert_eq!(session.run(&Remote::new("id").arg("-u")).unwrap().stdout, b"0\n");
    let text = refusal(with("wrong"));
    assert!(text.contains("- password: refused by the server"), "{text}");
    assert!(text.contains("the server accepts: publickey, password"), "{text}");
}

#[test]
fn root_is_root_without_a_question() {
    let server = Server::start();
    let mut options = server.options();
    options.elevation = Become::Sudo { password: None };
    options.targets.values_mut().for_each(|target| target.user = Some("root".to_owned()));
    drop(connect(options).unwrap());
    assert!(!server.log().contains("Starting session"));
}
