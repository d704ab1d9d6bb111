//! Packages as anybody installs them: dnf, with a signed repository and nothing else of ours.

use std::process::{Child, Command, Stdio};

use crate::harness::{Lab, text};

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");

/// A program that is ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn dnf_installs_what_is_signed_and_refuses_a_flipped_byte() {
    let lab = Lab::up("signed", 222, 1, 0);
    let dist = lab.path("dist");
    let copied = Command::new("cp").args(["-r", crate::harness::packages().as_str(), dist.as_str()]).status();
    assert!(copied.unwrap().success());

    // Signed in a moment, because everything is built already.
    let keys = lab.path("gnupg");
    fs_err::create_dir_all(&keys).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).env("GNUPGHOME", &keys).output().unwrap();
        assert!(output.status.success(), "{program}: {}", text(&output.stderr));
    };
    run("chmod", &["0700", keys.as_str()]);
    let key = "Packages <packages@example.org>";
    run("gpg", &["--batch", "--passphrase", "", "--quick-gen-key", key, "rsa2048", "sign", "never"]);
    let url = format!("http://{}:8222", lab.address(1));
    let build = [
        "build",
        "--release",
        "lab",
        "--out",
        dist.as_str(),
        "--sign",
        "packages@example.org",
        "--base-url",
        &url,
    ];
    run(TOOL, &build);
    run("gpgconf", &["--kill", "all"]);

    let mut server = Command::new("python3");
    server.args(["-m", "http.server", "8222", "--bind", &lab.address(1), "--directory", dist.as_str()]);
    let _server = Server(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let place = format!("{url}/lab/debian12/{}", std::env::consts::ARCH);
    lab.on(
        "master-1",
        &format!(
            "mkdir -p /etc/yum.repos.d && curl -fsS --retry 20 --retry-connrefused --retry-delay 1 \
             -o /etc/yum.repos.d/lab.repo {place}/calico-mesos-install-lab.repo"
        ),
    );
    let install = |package: &str| {
        let only = "--disablerepo='*' --enablerepo=calico-mesos-install-lab";
        lab.try_on("master-1", &format!("dnf -y {only} install {package}"))
    };
    let (status, said) = install("etcd");
    assert_eq!(status, 0, "{said}");
    assert_eq!(lab.on("master-1", "rpm -q --qf '%{NAME}' etcd"), "etcd");
    let signature = lab.on("master-1", "rpm -q --qf '%{RSAHEADER:pgpsig}' etcd");
    assert!(signature.contains("Key ID"), "{signature}");

    // One byte of another package, with its place in the metadata mended as an attacker would.
    let set = dist.join("lab/debian12").join(std::env::consts::ARCH);
    let rpm = set.join("net-modules-0.2.0-1.standin.x86_64.rpm");
    let mut bytes = fs_err::read(&rpm).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs_err::write(&rpm, bytes).unwrap();
    let (status, said) = install("net-modules");
    assert_ne!(status, 0, "{said}");
    run("createrepo_c", &["--quiet", "--no-database", "--excludes", "SRPMS/*", set.as_str()]);
    lab.on(
        "master-1",
        "sed -i 's/repo_gpgcheck=1/repo_gpgcheck=0/' /etc/yum.repos.d/lab.repo && dnf -q clean all",
    );
    let (status, said) = install("net-modules");
    assert!(status != 0 && said.to_lowercase().contains("gpg") || said.contains("signature"), "{said}");
    lab.on("master-1", "! rpm -q net-modules");
}
