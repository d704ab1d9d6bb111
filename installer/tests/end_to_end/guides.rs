//! The guides, followed: every block that a document marks with `<!-- lab -->`, in the order of the book.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

use crate::harness::packages;
use crate::page;

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");

/// The hosts' network; the guides have the default one, which somebody may be using.
const SUBNET: &str = "172.24.238.0/24";

/// The folder in which the guides are followed; its lab is taken away however the test ends.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("guides-").tempdir().unwrap();
        let desk = Self { folder };
        let root = desk.root();
        std::os::unix::fs::symlink(packages(), root.join("dist")).unwrap();
        // The tool as a reader has it, but for the network.
        fs_err::create_dir(root.join("bin")).unwrap();
        let script = format!(
            "#!/bin/sh\nif [ \"${{1:-}} ${{2:-}}\" = 'lab up' ]; then\n  shift 2\n  exec {TOOL} lab up --subnet {SUBNET} \"$@\"\nfi\nexec {TOOL} \"$@\"\n"
        );
        let tool = root.join("bin/calico-mesos-install");
        fs_err::write(&tool, script).unwrap();
        fs_err::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        desk
    }

    fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::process::Command::new(TOOL).args(["lab", "down"]).current_dir(self.root()).output();
    }
}

#[test]
fn the_guides_lead_where_they_say() {
    let desk = Desk::new();
    let mut commands = 0;
    for page in page::book() {
        let blocks = page.blocks.iter();
        for block in blocks.filter(|block| block.kind == "console" && block.marker.as_deref() == Some("lab"))
        {
            for shown in block.shown() {
                page::run(
                    &page,
                    block,
                    &shown,
                    desk.root().as_std_path(),
                    desk.root().join("bin").as_std_path(),
                );
                commands += 1;
            }
        }
    }
    assert!(commands > 10, "only {commands} commands are marked");
}
