//! One host that is master and agent, with TLS, Docker, and a Mesos of its own that the tool leaves alone.

use std::process::Command;

use camino::Utf8PathBuf;

use crate::harness::Lab;

#[test]
fn a_host_that_is_everything_with_tls_and_a_mesos_of_its_own() {
    let mut lab = Lab::up("everything", 243, 1, 0);
    lab.set_roles("master-1", &["master", "agent"]);
    lab.set("cluster", "containerizers", vec!["docker".to_owned()]);
    lab.set("packages", "provided", vec!["mesos".to_owned()]);
    lab.set("tls", "mode", "generate");
    // Mesos is nowhere yet, and nothing would bring it.
    let refused = lab.apply().exit(4);
    assert!(refused.to_string().contains("names mesos: it is not installed"), "{refused}");
    install_mesos(&lab);
    let installed = lab.on("master-1", "rpm -q --qf '%{INSTALLTID}' mesos");

    assert_eq!(lab.apply().exit(0).totals(), [1, 0, 0, 0, 0]);
    lab.assert_runs("master-1", &["mesos-master", "mesos-slave", "docker", "calico", "etcd"], &["docker"]);
    assert_eq!(lab.on("master-1", "rpm -q --qf '%{INSTALLTID}' mesos"), installed, "it was not touched");
    let info = lab.on("master-1", "docker info 2>/dev/null");
    assert!(info.contains("Cluster Store: etcd://master-1:2379"), "{info}");
    lab.run("verify", &[]).exit(0);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);

    // The module is for that Mesos too.
    lab.set("cluster", "containerizers", vec!["mesos".to_owned(), "docker".to_owned()]);
    assert_eq!(lab.apply().exit(0).totals(), [1, 0, 0, 0, 0]);
    lab.run("verify", &[]).exit(0);
    without_the_authority(&lab);
    lab.run("plan", &["--detailed-exitcode"]).exit(0);
}

/// Installs Mesos as an operator's own repository would.
fn install_mesos(lab: &Lab) {
    let dist = Utf8PathBuf::from(lab.inventory["packages"]["repo"].as_str().unwrap());
    let packages = walkdir::WalkDir::new(dist).into_iter().map(|entry| entry.unwrap().into_path());
    let is_mesos =
        |name: &str| name.starts_with("mesos-0.") && name.ends_with(".rpm") && !name.ends_with(".src.rpm");
    let file = packages
        .into_iter()
        .find(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_mesos))
        .unwrap();
    let mut copy = Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
    copy.args(["lab", "ssh", "--dir", lab.dir().as_str(), "master-1", "--", "cat >/root/mesos.rpm"]);
    let status = copy.stdin(fs_err::File::open(file).unwrap().into_parts().0).status().unwrap();
    assert!(status.success());
    lab.on("master-1", "rpm -i /root/mesos.rpm");
}

/// The folder of the authority is not there: a run would make another one, which nobody on the host trusts.
fn without_the_authority(lab: &Lab) {
    let digests = || lab.on("master-1", "find /etc -type f | sort | xargs sha256sum");
    let before = digests();
    fs_err::rename(lab.path("tls"), lab.path("tls-kept")).unwrap();
    let refused = lab.apply().exit(4);
    assert!(refused.to_string().contains("tls-authority"), "{refused}");
    assert_eq!(digests(), before);
    fs_err::remove_dir_all(lab.path("tls")).unwrap();
    fs_err::rename(lab.path("tls-kept"), lab.path("tls")).unwrap();
}
