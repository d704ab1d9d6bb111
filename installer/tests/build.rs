//! `build` as a user runs it: with real rpmbuild and createrepo_c.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

#[path = "build/backends.rs"]
mod backends;
#[path = "build/cluster.rs"]
mod cluster;
#[path = "build/frameworks.rs"]
mod frameworks;
#[path = "build/itself.rs"]
mod itself;
#[path = "build/result.rs"]
mod result;
#[path = "build/tasks.rs"]
mod tasks;
#[path = "build/tool.rs"]
mod tool;
#[path = "build/trouble.rs"]
mod trouble;

use std::time::{Duration, Instant};

use cluster::Cluster;
use tool::{Data, Tool, rpm, unpack};

/// The whole release: built within a minute on a quiet machine, unchanged the second time, and what comes out works.
#[test]
fn the_lab_release_end_to_end() {
    let tool = Tool::new();
    let out = tool.folder.join("dist");
    let built = tool.build(&["--release", "lab", "--out", out.as_str(), "--json"]);
    assert_eq!(built.status, 0, "{}", built.stderr);
    let summary = built.summary();
    assert_eq!(summary["packages"]["built"], 13);
    assert_eq!(summary["changes"], 13);
    let set = out.join("lab/debian12").join(std::env::consts::ARCH);
    let arch = std::env::consts::ARCH;

    let started = Instant::now();
    let digests = tool::digests(&set);
    let again = tool.build(&["--release", "lab", "--out", out.as_str(), "--json"]);
    let took = started.elapsed();
    assert_eq!(again.summary()["packages"]["unchanged"], 13, "{}", again.stderr);
    assert_eq!(again.summary()["packages"]["built"], 0);
    // A second on a quiet machine; others may be at work on this one.
    assert!(took < Duration::from_secs(3), "a build with nothing to do took {took:?}");
    assert_eq!(digests, tool::digests(&set), "a build with nothing to do leaves every file as it is");

    let requires = rpm(&["-qp", "--requires"], &set.join(format!("net-modules-0.2.0-1.standin.{arch}.rpm")));
    assert!(requires.lines().any(|line| line == "mesos = 0.28.2"), "{requires}");
    let flags = rpm(&["-qpl"], &set.join(format!("mesos-0.28.2-1.standin.{arch}.rpm")));
    for folder in ["/etc/mesos-master", "/etc/mesos-slave"] {
        let inside = format!("{folder}/");
        let files: Vec<_> = flags.lines().filter(|line| line.starts_with(&inside)).collect();
        assert!(
            files.iter().all(|file| file.ends_with("/attributes") || file.ends_with("/resources")),
            "{files:?}"
        );
    }
    for name in ["repodata/repomd.xml", "SHA256SUMS", "build.json"] {
        assert!(set.join(name).is_file(), "{name}");
    }
    let checked = tool::run("sha256sum", &["-c", "--quiet", "SHA256SUMS"], &set);
    assert_eq!(checked.status, 0, "{}", checked.stderr);

    let reports = tool::run("grep", &["-rh", ": E: ", "rpmlint"], &set).stdout;
    assert_eq!(summary["lint"]["errors"], 0, "{reports}");
    mixed_builds_are_refused(&tool, &out, &set);

    let root = tool.folder.join("root");
    for name in ["mesos-0.28.2-1.standin", "net-modules-0.2.0-1.standin", "calico-mesos-0.1.5-1.standin"] {
        unpack(&set.join(format!("{name}.{arch}.rpm")), &root);
    }
    unpack(&set.join(format!("marathon-1.1.2-1.standin.{arch}.rpm")), &root);
    for name in ["zookeeper-3.8.0-1", "mesos-dns-0.6.0-1.standin"] {
        unpack(&set.join(format!("{name}.noarch.rpm")), &root);
    }
    let cluster = Cluster::new(&root);
    cluster.programs_say_what_they_are();
    cluster.flags_are_strict();
    cluster.modules_are_checked();
    let zookeeper = cluster.start_zookeeper();
    cluster.a_leader_is_elected_and_an_agent_registers();
    cluster.marathon_keeps_apps_without_a_master();
    cluster.tasks_run_and_outlive_restarts();
    cluster.names_are_answered();
    drop(zookeeper);
    cluster.the_plugin_speaks_the_protocol();
}

/// Modules that were compiled against another Mesos than the one beside them never reach a host.
fn mixed_builds_are_refused(tool: &Tool, out: &camino::Utf8Path, set: &camino::Utf8Path) {
    let inventory = tool.folder.join("inventory.toml");
    tool::write(
        &inventory,
        &format!(
            "[cluster]\nname = \"demo\"\nrelease = \"lab\"\ncontainerizers = [\"mesos\"]\n[packages]\nrepo = \"{out}\"\n\
             [ssh]\nuser = \"root\"\n[[hosts]]\nname = \"master-1\"\naddress = \"127.99.0.1\"\nroles = [\"master\"]\n"
        ),
    );
    let plan = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
        tool::finish(command.args(["plan", inventory.as_str()]).args(arguments))
    };
    assert_ne!(plan(&[]).status, 4);
    let manifest = set.join("build.json");
    let whole = fs_err::read_to_string(&manifest).unwrap();
    let mut mixed: serde_json::Value = serde_json::from_str(&whole).unwrap();
    mixed["builds"]["mesos"]["key"] = "0".repeat(64).into();
    fs_err::write(&manifest, mixed.to_string()).unwrap();
    let refused = plan(&[]);
    assert_eq!(refused.status, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("net-modules was built with another mesos"), "{}", refused.stderr);
    assert_ne!(plan(&["--allow-mixed-builds"]).status, 4);
    fs_err::write(&manifest, whole).unwrap();
}

#[test]
fn what_changes_is_built_again_with_what_needs_it() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let first = tool.build_json(&[]);
    assert_eq!(first.names("package-built"), ["base", "top"]);
    assert_eq!(tool.build_json(&[]).names("package-unchanged"), ["base", "top"]);

    data.write("lab/base/greeting.txt", "good evening\n");
    let changed = tool.build_json(&["base"]);
    assert_eq!(
        changed.names("package-built"),
        ["base", "top"],
        "what was built with the old one is no longer good"
    );

    let top = tool.set().join("top-1-1.noarch.rpm");
    fs_err::write(&top, "flipped").unwrap();
    let damaged = tool.build_json(&[]);
    assert_eq!(damaged.names("package-built"), ["top"]);
    assert!(damaged.stdout.contains("\"reason\":\"damaged\""), "{}", damaged.stdout);
    assert_eq!(rpm(&["-qp"], &top).trim(), "top-1-1.noarch");
}

#[test]
fn two_folders_hold_the_same_bytes() {
    let data = Data::new();
    let (one, other) = (Tool::with_data(&data), Tool::with_data(&data));
    one.build_json(&[]);
    let later = other.build_json(&["--jobs", "1"]);
    assert_eq!(later.status, 0, "{}", later.stderr);
    assert_eq!(tool::digests(&one.set()), tool::digests(&other.set()));
}

#[test]
fn a_failed_build_shows_its_log_and_leaves_the_repository_whole() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    assert_eq!(tool.build_json(&[]).status, 0);
    let digests = tool::digests(&tool.set());
    data.write("lab/base/greeting.txt", "changed\n");
    data.write("top.spec.tera", &Data::TOP.replace("%install", "%install\necho the disk is on fire; exit 7"));
    let failed = tool.build(&["--release", "tiny", "--out", tool.out().as_str()]);
    assert_eq!(failed.status, 1, "{}", failed.stderr);
    assert!(failed.stderr.contains("the disk is on fire"), "{}", failed.stderr);
    assert!(failed.stderr.contains("logs-"), "{}", failed.stderr);
    assert_eq!(digests, tool::digests(&tool.set()), "the old repository is whole");

    data.write("top.spec.tera", Data::TOP);
    let mended = tool.build_json(&[]);
    assert_eq!(mended.status, 0, "{}", mended.stderr);
    assert!(mended.millis("base") < 1000, "what was built is kept: {}", mended.stdout);
    assert_ne!(digests, tool::digests(&tool.set()));
    let parent = tool.set().parent().unwrap().to_owned();
    let left: Vec<_> = parent.read_dir_utf8().unwrap().map(|e| e.unwrap().file_name().to_owned()).collect();
    assert!(!left.iter().any(|name| name.starts_with(".work")), "{left:?}");
}

#[test]
fn mistakes_are_refused_before_anything_is_built() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let out = tool.out();
    let refused = |arguments: &[&str], text: &str| {
        let result = tool.build(&[arguments, &["--out", out.as_str()]].concat());
        assert_eq!(result.status, 2, "{arguments:?}: {}", result.stderr);
        assert!(result.stderr.contains(text), "{arguments:?}: {}", result.stderr);
    };
    refused(&["--release", "tiny", "basee"], "did you mean `base`?");
    refused(&["--release", "tiyn"], "did you mean `tiny`?");
    refused(&["--release", "tiny", "--distro", "debian13"], "did you mean `debian12`?");
    // In whatever way it is built: nothing of the kind is packaged there.
    for backend in ["host", "container", "mock"] {
        refused(
            &["--release", "lab", "--distro", "el9", "--backend", backend, "etcd"],
            "Enterprise Linux 9 has no package for `dpkg-deb`",
        );
    }
    data.write("releases/tiny.toml", &Data::RELEASE.replace("needs", "nedes"));
    refused(&["--release", "tiny"], "specs/releases/tiny.toml:11:1: unknown key `nedes`");
    data.write(
        "releases/tiny.toml",
        &Data::RELEASE.replace("[\"base\"]", "[\"base\"]\nbuild_requires = [\"ox\"]"),
    );
    refused(&["--release", "tiny"], "does not say what `ox` is");
    assert!(!tool.set().exists(), "nothing was built");

    data.write("releases/tiny.toml", Data::RELEASE);
    let bare = tool.build_with_path("/nonexistent", &["--release", "tiny", "--distro", "debian12"]);
    assert_eq!(bare.status, 2, "{}", bare.stderr);
    assert!(bare.stderr.contains("apt-get install -y cpio createrepo-c rpm rpm2cpio tar"), "{}", bare.stderr);
}

#[test]
fn two_builds_do_not_write_to_one_folder() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    tool.build_json(&[]);
    let lock = tool.set().parent().unwrap().join(format!(".lock-{}", std::env::consts::ARCH));
    let held = fs_err::File::open(&lock).unwrap();
    rustix::fs::flock(held.file(), rustix::fs::FlockOperation::LockExclusive).unwrap();
    let second = tool.build_json(&[]);
    assert_eq!(second.status, 5, "{}", second.stderr);
    assert!(second.stderr.contains("another build"), "{}", second.stderr);
    drop(held);
    assert_eq!(tool.build_json(&[]).status, 0);
}

#[test]
fn the_wrapper_of_marathon_turns_files_and_variables_into_options() {
    let data = calico_mesos_install::data::Data::built_in();
    let text = data.text("specs/files/marathon.tera").unwrap().text().to_owned();
    let tool = Tool::new();
    let root = &tool.folder;
    let write = |path: &str, text: &str| tool::write(&root.join(path), text);
    write("marathon", &text);
    write("show", "#!/bin/sh\nprintf '%s\\n' \"$@\" \"JAVA_OPTS=$JAVA_OPTS\"\n");
    tool::run("chmod", &["0755", "show"], root);
    write("etc/mesos/zk", "zk://10.0.0.1:2181,10.0.0.2:2181/mesos\n");
    write("etc/marathon/conf/hostname", "master 1\n");
    write("etc/marathon/conf/?disable_ha", "");
    let run = || {
        let result = std::process::Command::new("sh")
            .arg(root.join("marathon"))
            .env("MARATHON_INIT_ROOT", root)
            .env("MARATHON_INIT_PROGRAM", root.join("show"))
            .output()
            .unwrap();
        assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
        String::from_utf8(result.stdout).unwrap()
    };
    write("etc/default/marathon", "JAVA_OPTS='-Xmx1g -Dx=y'\nMARATHON_HTTP_PORT=8081\nMARATHON_APP_X=no\n");
    insta::assert_snapshot!(run(), @"
    --disable_ha
    --hostname
    master 1
    --http_port
    8081
    --master
    zk://10.0.0.1:2181,10.0.0.2:2181/mesos
    --zk
    zk://10.0.0.1:2181,10.0.0.2:2181/marathon
    JAVA_OPTS=-Xmx1g -Dx=y
    ");
    write("etc/default/marathon", "JAVA_OPTS=\nMARATHON_MASTER=zk://other/mesos\n");
    write("etc/marathon/conf/zk", "zk://own/marathon\n");
    insta::assert_snapshot!(run(), @"
    --disable_ha
    --hostname
    master 1
    --zk
    zk://own/marathon
    --master
    zk://other/mesos
    JAVA_OPTS=
    ");
}

#[test]
fn the_wrapper_turns_files_into_flags() {
    let wrapper = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/files/mesos-init-wrapper");
    let tool = Tool::new();
    let root = &tool.folder;
    let write = |path: &str, text: &str| tool::write(&root.join(path), text);
    let run = |role: &str| {
        let result = std::process::Command::new("sh")
            .args([wrapper, role])
            .env("MESOS_INIT_ROOT", root)
            .env("MESOS_INIT_PROGRAM", root.join("show"))
            .output()
            .unwrap();
        String::from_utf8(result.stdout).unwrap()
    };
    write("show", "#!/bin/sh\nprintf '%s\\n' \"$@\" \"ETCD_AUTHORITY=${ETCD_AUTHORITY:-}\"\n");
    tool::run("chmod", &["0755", "show"], root);
    write("etc/mesos/zk", "zk://10.0.0.1:2181/mesos\n");
    write("etc/default/mesos", "LOGS=/var/log/mesos\nULIMIT=\"-n 256\"\n");
    write("etc/default/mesos-slave", "ETCD_AUTHORITY=10.0.0.1:2379\nISOLATION='posix/cpu'\n");
    write("etc/mesos-slave/hostname", "agent 1\n");
    write("etc/mesos-slave/?no-switch_user", "");
    write("etc/mesos-slave/stray.rpmnew", "x\n");
    write("etc/mesos-slave/attributes/rack", "a\n");
    write("etc/mesos-slave/attributes/zone", "it's 1; or 2\n");
    write("etc/mesos-slave/resources/cpus", "4\n");
    insta::assert_snapshot!(run("slave"), @"
    --master=zk://10.0.0.1:2181/mesos
    --isolation=posix/cpu
    --log_dir=/var/log/mesos
    --no-switch_user
    --hostname=agent 1
    --stray.rpmnew=x
    --attributes=rack:a;zone:it's 1; or 2
    --resources=cpus:4
    ETCD_AUTHORITY=10.0.0.1:2379
    ");
    write("etc/default/mesos-master", "PORT=5050\nZK=`echo zk://other/mesos`\nCLUSTER=demo\nIP=10.0.0.1\n");
    insta::assert_snapshot!(run("master"), @"
    --zk=zk://other/mesos
    --port=5050
    --cluster=demo
    --ip=10.0.0.1
    --log_dir=/var/log/mesos
    ETCD_AUTHORITY=
    ");
    write("etc/default/mesos-master", "");
    write("etc/mesos-master/zk", "zk://own/mesos\n");
    insta::assert_snapshot!(run("master"), @"
    --log_dir=/var/log/mesos
    --zk=zk://own/mesos
    ETCD_AUTHORITY=
    ");
}
