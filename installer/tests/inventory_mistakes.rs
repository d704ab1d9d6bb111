//! Everything that can be wrong with an inventory, and what the operator is told. One text each, so that no
//! mistake hides another; and one text with many, to see that none does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod common;

use calico_mesos_install::data::Data;

const HEAD: &str = r#"[cluster]
name = "demo"
release = "lab"
containerizers = ["mesos"]
"#;

const MASTER: &str = r#"
[[hosts]]
name = "master-1"
address = "10.0.0.1"
roles = ["master"]
"#;

fn agent(lines: &str) -> String {
    format!(
        "{HEAD}{MASTER}\n[[hosts]]\nname = \"agent-1\"\naddress = \"10.0.0.2\"\nroles = [\"agent\"]\n{lines}"
    )
}

fn host(name: &str, address: &str, roles: &str) -> String {
    format!("\n[[hosts]]\nname = {name}\naddress = {address}\nroles = {roles}\n")
}

fn told(text: &str) -> String {
    let (_, mistakes) = common::resolve(text, &Data::built_in());
    mistakes.to_string()
}

/// What is wrong, and an inventory with it.
fn table() -> Vec<(&'static str, String)> {
    let with = |more: &str| format!("{HEAD}{more}{MASTER}");
    let hosts = |more: &str| format!("{HEAD}{MASTER}{more}");
    vec![
        ("nothing at all", String::new()),
        ("a syntax error", with("name \"x\"\n")),
        ("an unknown table", with("[shh]\nuser = \"root\"\n")),
        ("an unknown key", with("[ssh]\nusr = \"root\"\n")),
        ("an unknown key that is like none", with("[rollout]\nzzz = 1\n")),
        ("a wrong type", with("[ssh]\nport = \"22\"\n")),
        ("a list that is none", agent("").replace("[\"agent\"]", "\"agent\"")),
        ("a port out of range", with("[ssh]\nport = 70000\n")),
        ("a port 0", with("[ssh]\nport = 0\n")),
        ("a duration without a unit", with("[ssh]\nconnect_timeout = \"10\"\n")),
        ("no time at all", with("[ssh]\nconnect_timeout = \"0s\"\n")),
        ("another user's home", with("[ssh]\nidentity_file = \"~bob/key\"\n")),
        ("an unknown way to root", with("[ssh]\nbecome = \"su\"\n")),
        ("no forks", with("[rollout]\nforks = 0\n")),
        ("a share above all", with("[rollout]\nagents_at_once = \"120%\"\n")),
        ("a share that is none", with("[rollout]\nagents_at_once = \"some\"\n")),
        ("a missing key", agent("").replace("name = \"demo\"\n", "")),
        ("a bad cluster name", agent("").replace("\"demo\"", "\"demo;rm\"")),
        ("an unknown containerizer", agent("").replace("[\"mesos\"]", "[\"mesos\", \"dokcer\"]")),
        ("no containerizer", agent("").replace("[\"mesos\"]", "[]")),
        ("a containerizer twice", agent("").replace("[\"mesos\"]", "[\"mesos\", \"mesos\"]")),
        ("a package that nothing installs", with("[packages]\nprovided = [\"dockr\"]\n")),
        ("an unknown role", hosts(&host("\"a\"", "\"10.0.0.2\"", "[\"agnet\"]"))),
        ("a role twice", hosts(&host("\"a\"", "\"10.0.0.2\"", "[\"agent\", \"agent\"]"))),
        ("no role", hosts(&host("\"a\"", "\"10.0.0.2\"", "[]"))),
        ("no hosts", HEAD.to_owned()),
        ("a bad host name", hosts(&host("\"agent_{1..2}\"", "\"10.0.0.{2..3}\"", "[\"agent\"]"))),
        ("an address that is a name", hosts(&host("\"a\"", "\"a.example.org\"", "[\"agent\"]"))),
        ("an IPv6 address", hosts(&host("\"a\"", "\"fd00::1\"", "[\"agent\"]"))),
        ("an address of no host", hosts(&host("\"a\"", "\"0.0.0.0\"", "[\"agent\"]"))),
        ("an address that runs over", hosts(&host("\"a-{1..3}\"", "\"10.0.0.{254..256}\"", "[\"agent\"]"))),
        ("two hosts of one name", hosts(&host("\"Master-1\"", "\"10.0.0.2\"", "[\"agent\"]"))),
        (
            "two hosts of one name but for its case",
            format!("{HEAD}{}{MASTER}", host("\"MASTER-1\"", "\"10.0.0.2\"", "[\"agent\"]")),
        ),
        ("two hosts of one address", hosts(&host("\"a\"", "\"10.0.0.1\"", "[\"agent\"]"))),
        ("ranges that overlap", hosts(&host("\"master-{1..3}\"", "\"10.0.0.{1..3}\"", "[\"agent\"]"))),
        ("ranges of different lengths", hosts(&host("\"a-{1..3}\"", "\"10.0.0.{2..3}\"", "[\"agent\"]"))),
        ("a range and none", hosts(&host("\"a-{1..3}\"", "\"10.0.0.2\"", "[\"agent\"]"))),
        ("a range that goes down", hosts(&host("\"a-{3..1}\"", "\"10.0.0.{2..4}\"", "[\"agent\"]"))),
        ("a range without end", hosts(&host("\"a-{1..}\"", "\"10.0.0.2\"", "[\"agent\"]"))),
        ("two ranges", hosts(&host("\"r{1..2}-{1..2}\"", "\"10.0.0.{2..5}\"", "[\"agent\"]"))),
        ("a range beyond measure", hosts(&host("\"a-{1..99999}\"", "\"10.0.0.2\"", "[\"agent\"]"))),
        ("an even number of masters", hosts(&host("\"m\"", "\"10.0.0.2\"", "[\"master\"]"))),
        ("an even number of ZooKeepers", hosts(&host("\"z\"", "\"10.0.0.2\"", "[\"zookeeper\"]"))),
        ("no master", format!("{HEAD}{}", host("\"a\"", "\"10.0.0.2\"", "[\"agent\"]"))),
        ("a containerizer without what it needs", hosts(&host("\"a\"", "\"10.0.0.2\"", "[\"mesos-agent\"]"))),
        ("an unknown variable", with("[vars]\nzookeeper_client_prot = 1\n")),
        ("a variable of another type", with("[vars]\nzookeeper_client_port = \"high\"\n")),
        ("a variable out of range", with("[vars]\nzookeeper_tick_time = 5\n")),
        ("a network that is an address", with("[vars]\nip_pool = \"192.168.7.1/16\"\n")),
        ("a relative path", with("[vars]\nmesos_log_dir = \"log\"\n")),
        ("a text of two lines", with("[vars]\ndocker_daemon = \"a\\nb\"\n")),
        ("a list of anything", with("[vars]\nmesos_agent_isolation = [1]\n")),
        ("a key that escapes", with("[vars]\nmesos_agent_flags = { \"../x\" = 1 }\n")),
        ("one port for two", with("[vars]\nmesos_master_port = 2181\n")),
        ("a cluster's variable for one host", agent("vars = { mesos_zk_path = \"/x\" }\n")),
        ("a variable of a role that is not there", agent("vars = { etcd_snapshot_count = 5 }\n")),
        ("attributes that nobody reads", format!("{HEAD}{MASTER}attributes = {{ rack = \"a\" }}\n")),
        ("an attribute that Mesos cannot take", agent("attributes = { rack = \"a;b\" }\n")),
        ("an attribute that is a list", agent("attributes = { rack = [1] }\n")),
        ("an attribute's name", agent("attributes = { \"a/b\" = 1 }\n")),
        ("an unknown SSH key of a host", agent("ssh = { prot = 22 }\n")),
        ("an address without quotes", agent("").replace("\"10.0.0.2\"", "10.0.0.2")),
        ("a name without quotes", agent("").replace("\"agent-1\"", "agent-1")),
        ("a number for a name", agent("").replace("\"agent-1\"", "1")),
        ("an address with a port", agent("").replace("\"10.0.0.2\"", "\"10.0.0.2:22\"")),
        ("an address with a mask", agent("").replace("\"10.0.0.2\"", "\"10.0.0.2/24\"")),
        ("an address out of range", agent("").replace("\"10.0.0.2\"", "\"10.0.0.300\"")),
        ("one host as a table", format!("{HEAD}\n[hosts]\nname = \"a\"\n")),
        ("a table that is a list", with("").replace("[cluster]", "[[cluster]]")),
        ("a quote that does not end", agent("").replace("\"agent-1\"", "\"agent-1")),
        ("a key twice", agent("name = \"agent-2\"\n")),
        ("an unknown release", agent("").replace("\"lab\"", "\"0.82\"")),
        ("a table as a value", with("[ssh]\nuser = { name = \"root\" }\n")),
        (
            "two mistakes at once",
            agent("").replace("\"10.0.0.2\"", "\"10.0.0.1\"").replace("[\"agent\"]", "[\"agnet\"]"),
        ),
    ]
}

#[test]
fn each_mistake_has_place_cause_and_remedy() {
    let table = table();
    let told: String = table.iter().map(|(what, text)| format!("# {what}\n{}\n\n", told(text))).collect();
    for (what, text) in &table {
        assert!(!common::resolve(text, &Data::built_in()).1.is_empty(), "{what}");
    }
    insta::assert_snapshot!(told);
}

/// Words that only programmers know: names of types, and what libraries say of them.
const JARGON: [&str; 22] = [
    "u8",
    "u16",
    "u32",
    "u64",
    "usize",
    "i64",
    "f64",
    "bool",
    "Vec",
    "Option",
    "String",
    "str",
    "BTreeMap",
    "HashMap",
    "struct",
    "enum",
    "variant",
    "deserialize",
    "expected struct",
    "None",
    "Some",
    "tuple",
];

#[test]
fn every_mistake_is_told_on_one_screen_in_the_operators_words() {
    let table = table();
    assert!(table.len() >= 20);
    for (what, text) in table {
        let (_, mistakes) = common::resolve(&text, &Data::built_in());
        for mistake in mistakes.iter() {
            assert!(
                mistake.help.as_ref().is_some_and(|help| !help.is_empty()),
                "{what}: no remedy: {mistake}"
            );
            assert!(!mistake.message.is_empty() && mistake.place.position().line > 0, "{what}");
        }
        let told = mistakes.to_string();
        assert!(told.lines().count() <= 24, "{what}: more than a screen:\n{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 160), "{what}: a line is too long:\n{told}");
        let words: Vec<&str> = told.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        for word in JARGON {
            assert!(!words.contains(&word) && !told.contains("std::"), "{what}: `{word}` in:\n{told}");
        }
    }
}

#[test]
fn one_run_shows_all_of_them() {
    let text = r#"
[cluster]
name = "demo"
release = "lab"
containerizers = ["mesos"]
colour = "red"

[vars]
ip_pool = "192.168.7.1/16"
mesos_log_dri = "/x"

[[hosts]]
name = "agent-{1..2}"
address = "10.0.0.{1..3}"
roles = ["agnet"]

[[hosts]]
name = "b"
address = "10.0.0.300"
roles = ["master"]
attributes = { rack = 1 }
broken

[[hosts]]
name = "c"
address = "10.0.0.9"
roles = ["mastre"]
vars = { mesos_agent_port = true }
"#;
    insta::assert_snapshot!(told(text), @r#"
        inventory.toml:6:1: unknown key `colour` in [cluster]
          help: the keys here are `containerizers`, `name` and `release`
        inventory.toml:9:11: `192.168.7.1/16` is an address in a network, not a network
          help: write `ip_pool = "192.168.0.0/16"`
        inventory.toml:10:1: unknown variable `mesos_log_dri`
          help: did you mean `mesos_log_dir`?
        inventory.toml:14:11: 3 addresses for 2 names
          see: inventory.toml:13:8: the name is here
          help: write `address = "10.0.0.{1..2}"`, or change the name
        inventory.toml:15:10: unknown role `agnet`
          help: did you mean `agent`?
        inventory.toml:17:1: attributes are given to a host that has no use for them
          help: remove them: they are for `mesos-agent`
        inventory.toml:19:11: `10.0.0.300` is not an IPv4 address
          help: write four numbers from 0 to 255, for example "172.24.197.101"
        inventory.toml:22:7: not TOML: key with no value
          help: write `key = value`, one to a line; texts between double quotes, lists between `[` and `]`
        inventory.toml:27:10: unknown role `mastre`
          help: did you mean `master`?
        inventory.toml:28:29: `mesos_agent_port` must be a port, not true or false
          help: write for example `mesos_agent_port = 5050`
        "#);
}
