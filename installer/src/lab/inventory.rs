//! The inventory that a lab writes.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::record::{Host, Record};

/// The inventory of the lab; `packages` relative to its folder.
pub(super) fn inventory(record: &Record, packages: &Utf8Path) -> String {
    let hosts: String = record.hosts.iter().map(host_table).collect();
    let packages = quote(packages.as_str());
    format!(
        r#"# Local hosts made by `lab up`. Change what you like: `lab up` only ever adds hosts at the end.

[cluster]
name = "lab"
release = "lab"
containerizers = ["mesos"]

[packages]
repo = {packages}

[ssh]
user = "root"
identity_file = "id_ed25519"
known_hosts = "known_hosts"
{hosts}"#
    )
}

/// The host's part of the inventory.
pub(super) fn host_table(host: &Host) -> String {
    let Host { name, address, .. } = host;
    let role = host.role.as_str();
    format!("\n[[hosts]]\nname = \"{name}\"\naddress = \"{address}\"\nroles = [\"{role}\"]\n")
}

/// A text as a TOML string.
fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The way from the folder `from` to `to`, both absolute.
pub(super) fn relative(from: &Utf8Path, to: &Utf8Path) -> Utf8PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Utf8Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::names::LabId;

    #[test]
    fn hosts_are_named_one_by_one() {
        let mut record = Record::new(LabId::of(Utf8Path::new("/x")), "172.24.197.0/24".parse().unwrap());
        record.grow(1, 1).unwrap();
        insta::assert_snapshot!(inventory(&record, Utf8Path::new("../dist")), @r#"
        # Local hosts made by `lab up`. Change what you like: `lab up` only ever adds hosts at the end.

        [cluster]
        name = "lab"
        release = "lab"
        containerizers = ["mesos"]

        [packages]
        repo = "../dist"

        [ssh]
        user = "root"
        identity_file = "id_ed25519"
        known_hosts = "known_hosts"

        [[hosts]]
        name = "master-1"
        address = "172.24.197.101"
        roles = ["master"]

        [[hosts]]
        name = "agent-1"
        address = "172.24.197.102"
        roles = ["agent"]
        "#);
    }

    #[test]
    fn odd_paths_are_quoted() {
        let mut record = Record::new(LabId::of(Utf8Path::new("/x")), "172.24.197.0/24".parse().unwrap());
        record.grow(1, 0).unwrap();
        let odd = "a \"b\" \\c";
        let table: toml::Table = inventory(&record, Utf8Path::new(odd)).parse().unwrap();
        assert_eq!(table["packages"]["repo"].as_str(), Some(odd));
    }

    #[test]
    fn relative_paths() {
        let way = |from: &str, to: &str| relative(Utf8Path::new(from), Utf8Path::new(to)).into_string();
        assert_eq!(way("/x/.lab", "/x/dist"), "../dist");
        assert_eq!(way("/x", "/x/dist"), "dist");
        assert_eq!(way("/tmp/lab", "/home/me/dist"), "../../home/me/dist");
    }
}
