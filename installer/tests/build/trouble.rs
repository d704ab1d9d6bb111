//! What goes wrong on the machine that builds: it is killed, full, or lacks something.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::tool::{self, Data, Tool};

/// Waits until `done` holds; fails when that takes longer than half a minute.
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < limit, "{what} took too long");
        std::thread::yield_now();
    }
}

#[test]
fn a_killed_build_leaves_the_repository_whole_and_nobody_at_work() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    assert_eq!(tool.build_json(&[]).status, 0);
    let digests = tool::digests(&tool.set());
    data.write("lab/top/readme.txt", "changed\n");
    let endless = Data::TOP.replace("%install", "%install\necho $$ endless; exec sleep 987654");
    data.write("top.spec.tera", &endless);
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::TERM] {
        let mut command = tool.command();
        command.args(["--release", "tiny", "--out", tool.out().as_str(), "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at_work = lines.any(|line| line.unwrap().contains("\"%install\""));
        assert!(at_work, "the build came to %install");
        let asleep = || tool::run("pgrep", &["-f", "sleep 987654"], &tool.folder).stdout;
        wait_until("the step", || !asleep().is_empty());
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        if signal == rustix::process::Signal::TERM {
            assert_eq!(status.code(), Some(130));
        }
        wait_until("the end of the build's processes", || asleep().is_empty());
        assert_eq!(digests, tool::digests(&tool.set()), "the old repository is whole");
    }
    data.write("top.spec.tera", Data::TOP);
    let after = tool.build_json(&[]);
    assert_eq!(after.names("package-built"), ["top"], "{}", after.stderr);
}

#[test]
fn a_disk_that_is_too_small_is_found_before_anything_is_built() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let disk = tool.folder.join("disk");
    fs_err::create_dir(&disk).unwrap();
    // Mounted where only this command and the tool see it.
    let script = format!(
        "mount -t tmpfs -o size=4m none {disk} && exec {} --data {} build --release tiny --out {disk}",
        env!("CARGO_BIN_EXE_calico-mesos-install"),
        data.folder
    );
    let full = tool::run("unshare", &["--mount", "sh", "-c", &script], &tool.folder);
    assert_eq!(full.status, 2, "{}", full.stderr);
    assert!(full.stderr.contains("has room for") && full.stderr.contains("--out"), "{}", full.stderr);
}

#[test]
fn a_failed_build_says_in_which_step_and_what_is_missing() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let compile = "%build\necho '#include <nlohmann/nothing.hpp>' >x.cpp\ng++ -c x.cpp\n%install";
    data.write("base.spec.tera", &Data::base().replace("%install", compile));
    let failed = tool.build(&["--release", "tiny", "--out", tool.out().as_str()]);
    assert_eq!(failed.status, 1, "{}", failed.stderr);
    for said in ["failed in %build", "fatal error", "apt-file search nlohmann/nothing.hpp"] {
        assert!(failed.stderr.contains(said), "{said}: {}", failed.stderr);
    }
}

#[test]
fn a_damaged_repository_is_mended_with_what_is_whole() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    tool.build_json(&[]);
    let set = tool.set();
    let digests = tool::digests(&set);
    fs_err::remove_file(set.join("repodata/repomd.xml")).unwrap();
    fs_err::write(set.join("sbom/top.spdx.json"), "{}").unwrap();
    let mended = tool.build_json(&[]);
    assert_eq!(mended.names("package-unchanged"), ["base", "top"], "{}", mended.stderr);
    assert_eq!(digests, tool::digests(&set));
    fs_err::remove_file(set.join("SRPMS/base-1-1.src.rpm")).unwrap();
    assert_eq!(tool.build_json(&[]).names("package-built"), ["base"]);
    assert_eq!(digests, tool::digests(&set));
}

#[test]
fn the_build_has_no_network() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let look = "%install\ntest -z \"$(grep -v -e lo: -e face -e Inter /proc/net/dev)\"";
    data.write("base.spec.tera", &Data::base().replace("%install", look));
    let built = tool.build_json(&[]);
    assert_eq!(built.status, 0, "{}{}", built.stderr, built.stdout);
}
