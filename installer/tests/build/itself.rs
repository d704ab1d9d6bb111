//! The tool's own package, made by the tool: the program with its man pages, completions and data files.

use std::process::Command;

use super::tool::{Tool, rpm, unpack};

#[test]
fn the_tool_packages_itself() {
    let tool = Tool::new();
    let out = tool.out();
    let built = tool.build(&["--release", "lab", "calico-mesos-install", "--out", out.as_str(), "--json"]);
    assert_eq!(built.status, 0, "{}", built.stderr);
    assert_eq!(built.names("package-built"), ["calico-mesos-install"]);
    let arch = std::env::consts::ARCH;
    let package = format!("calico-mesos-install-{}-1.{arch}.rpm", env!("CARGO_PKG_VERSION"));
    let package = out.join("lab/debian12").join(arch).join(package);
    let files = rpm(&["-qlp"], &package);
    for file in [
        "/usr/bin/calico-mesos-install",
        "/usr/share/man/man1/calico-mesos-install-apply.1",
        "/usr/share/man/man1/calico-mesos-install-lab-up.1",
        "/usr/share/bash-completion/completions/calico-mesos-install",
        "/usr/share/zsh/site-functions/_calico-mesos-install",
        "/usr/share/fish/vendor_completions.d/calico-mesos-install.fish",
        "/usr/share/calico-mesos-install/roles/zookeeper.toml",
        "/usr/share/calico-mesos-install/templates/zookeeper/zoo.cfg",
        "/usr/share/calico-mesos-install/specs/mesos.spec.tera",
        "/etc/calico-mesos-install",
    ] {
        assert!(files.lines().any(|line| line.trim_end_matches(".gz") == file), "no {file} in\n{files}");
    }
    let needs = rpm(&["-qp", "--requires"], &package);
    assert!(needs.contains("libc.so.6") && !needs.contains("/bin/sh"), "{needs}");

    // What comes out of the package works, and takes its roles from beside itself.
    let root = tool.folder.join("root");
    unpack(&package, &root);
    let role = root.join("usr/share/calico-mesos-install/roles/packaged.toml");
    fs_err::write(role, "description = \"a role of the package\"\n").unwrap();
    let inventory = tool.folder.join("inventory.toml");
    let text = "[cluster]\nname = \"a\"\nrelease = \"lab\"\ncontainerizers = [\"mesos\"]\n\
                [[hosts]]\nname = \"a\"\naddress = \"10.0.0.1\"\nroles = [\"master\", \"packaged\"]\n";
    fs_err::write(&inventory, text).unwrap();
    let program = root.join("usr/bin/calico-mesos-install");
    let output = Command::new(program).args(["validate", inventory.as_str()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
