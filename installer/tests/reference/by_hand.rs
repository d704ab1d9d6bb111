//! The page that tells how to install by hand: what `explain` prints for the inventory of `init`.

use std::path::Path;
use std::process::Command;

fn tool(folder: &Path, arguments: &[&str]) -> String {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
    let output = tool.current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The page.
pub(super) fn page() -> String {
    let folder = tempfile::tempdir().unwrap();
    let inventory = tool(folder.path(), &["init"]);
    fs_err::write(folder.path().join("inventory.toml"), inventory).unwrap();
    let mut page = super::head(
        "By hand",
        "Everything that the tool does on a host can be done by a person, and is the same thing: this page is what `explain`\n\
         prints for a master and an agent of the inventory that `init` prints, with both containerizers. For your own\n\
         inventory, with the packages' versions:\n\n\
         \x20   calico-mesos-install explain inventory.toml --host agent-1\n\n\
         A host that was installed by hand from it has nothing left to do for `apply`.",
    );
    for host in ["master-1", "agent-1"] {
        page.push('\n');
        page.push_str(&deeper(&tool(folder.path(), &["explain", "inventory.toml", "--host", host])));
    }
    page
}

/// The same text with its headings a level deeper.
fn deeper(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().map(|line| {
        fenced ^= line.starts_with("```");
        let mark = if !fenced && line.starts_with('#') { "#" } else { "" };
        format!("{mark}{line}\n")
    });
    lines.collect()
}
