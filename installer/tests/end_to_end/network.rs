//! The network that the stand-ins of Calico make: who reaches whom on two hosts, by Docker's networks and by net-groups.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::harness::Lab;

const AGENTS: [&str; 2] = ["agent-1", "agent-2"];

/// What the scripts of this test share: containers of an image with nothing but folders, programs of the host in them.
const PRELUDE: &str = r#"
set -e
export $(grep ^ETCD_ /etc/sysconfig/calico)
etcd() { curl -sS "http://$ETCD_AUTHORITY/v2/keys/$1?recursive=true"; }
container() { docker run -d --name "$1" --net "$2" -v /usr:/usr:ro tiny python3 -m http.server 8000 >/dev/null; }
address() { etcd calico/v1/host | grep -o "192[.]168[.][0-9.]*/32"; }
plugin() { printf '{"command":"%s","args":%s}' "$1" "$2" | /calico/calico_mesos; }
field() { python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
# A task: a process with a network of its own, which the plugin connects. $1: its name, $2: its groups in JSON
task() {
    unshare --net python3 -m http.server 8000 >/dev/null 2>&1 &
    pid=$!
    until [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
    host=$(hostname)
    ip=$(plugin allocate "{\"hostname\":\"$host\",\"uid\":\"$1\",\"num_ipv4\":1,\"num_ipv6\":0}" | field "['ipv4'][0]")
    plugin isolate "{\"hostname\":\"$host\",\"container_id\":\"$1\",\"pid\":$pid,\"ipv4_addrs\":[\"$ip\"],\"netgroups\":$2}" \
        | grep -q '"error":null'
    mkdir -p /run/tasks
    echo "$pid" >"/run/tasks/$1"
    echo "$ip"
}
# Says which of the addresses answer.
PROBE='
import socket, sys, threading
def ask(address):
    try:
        socket.create_connection((address, 8000), 1).close()
        reached.append(address)
    except OSError:
        pass
reached = []
threads = [threading.Thread(target=ask, args=(address,)) for address in sys.argv[1:]]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(" ".join(reached))
'
# $1: who asks, $2: the addresses
ask_from() {
    case $1 in
    host) python3 -c "$PROBE" $2 ;;
    *) nsenter -t "$(cat /run/tasks/$1 2>/dev/null || docker inspect -f '{{.State.Pid}}' "$1")" -n python3 -c "$PROBE" $2 ;;
    esac
}
"#;

/// The lab, and who of it has which address.
struct Network {
    lab: Lab,
    /// Name → agent and address.
    members: BTreeMap<&'static str, (&'static str, String)>,
}

#[test]
fn who_reaches_whom() {
    let mut lab = Lab::up("network", 241, 1, 2);
    lab.set("cluster", "containerizers", vec!["mesos".to_owned(), "docker".to_owned()]);
    lab.set("vars", "mesos_master_flags", toml::toml! { zk_session_timeout = "40secs" });
    lab.set("vars", "ip_pool_nat_outgoing", true);
    lab.apply().exit(0);
    let mut network = Network { lab, members: BTreeMap::new() };
    for agent in AGENTS {
        network.on(agent, "cd $(mktemp -d); mkdir usr; for f in bin lib lib64 sbin; do ln -s usr/$f $f; done; tar -c . | docker import - tiny");
    }
    network.networks_of_docker();
    network.rules_open_and_close();
    network.the_host_has_its_own_traffic();
    network.what_ended_is_taken_away();
    network.groups_of_tasks();
    network.addresses_belong_to_one();
    network.a_task_is_cleaned_up_after_its_process();
    network.lab.run("plan", &["--detailed-exitcode"]).exit(0);
    network.lab.run("verify", &[]).exit(0);
}

impl Network {
    #[track_caller]
    fn on(&self, agent: &str, script: &str) -> String {
        self.lab.on(agent, &format!("{PRELUDE}\n{script}"))
    }

    /// A container in a network of Docker's.
    fn container(&mut self, agent: &'static str, name: &'static str, network: &str) {
        let inspect = "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'";
        let address = self.on(agent, &format!("container {name} {network}; {inspect} {name}"));
        self.members.insert(name, (agent, address));
    }

    /// A task in net-groups.
    fn task(&mut self, agent: &'static str, name: &'static str, groups: &[&str]) {
        let address = self.on(agent, &format!("task {name} '{}'", serde_json::json!(groups)));
        self.members.insert(name, (agent, address));
    }

    /// Everybody's line: who of the others is reached, `host` being what an agent itself reaches.
    fn seen(&self) -> BTreeMap<String, Vec<&'static str>> {
        let all: Vec<&str> = self.members.values().map(|(_, address)| address.as_str()).collect();
        let ask = |agent: &'static str| {
            let own = self.members.iter().filter(|(_, member)| member.0 == agent).map(|(name, _)| *name);
            let asking: Vec<&str> = own.chain(["host"]).collect();
            let mut script = "cd $(mktemp -d)\n".to_owned();
            for name in &asking {
                writeln!(script, "ask_from {name} '{}' >{name} &", all.join(" ")).unwrap();
            }
            let lines = self.on(agent, &format!("{script}wait\ncat {}\necho .", asking.join(" ")));
            let reached = |line: &str, name: &str| {
                let there = self.members.iter().filter(|(other, _)| **other != name);
                there
                    .filter(|(_, member)| line.split(' ').any(|one| one == member.1))
                    .map(|(other, _)| *other)
                    .collect()
            };
            let lines = asking.iter().zip(lines.lines()).map(|(name, line)| {
                ((if *name == "host" { agent } else { name }).to_owned(), reached(line, name))
            });
            lines.collect::<Vec<_>>()
        };
        std::thread::scope(|scope| {
            let hosts = AGENTS.map(|agent| scope.spawn(move || ask(agent)));
            hosts.into_iter().flat_map(|host| host.join().unwrap()).collect()
        })
    }

    /// Waits until all see what they must and no more.
    #[track_caller]
    fn assert_seen(&self, wanted: &[(&str, &[&str])]) {
        let wanted: BTreeMap<String, Vec<&str>> =
            wanted.iter().map(|(name, others)| ((*name).to_owned(), others.to_vec())).collect();
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let seen = self.seen();
            if seen == wanted {
                return;
            }
            assert!(Instant::now() < until, "{seen:#?}\nbut must be\n{wanted:#?}\n{:?}", self.members);
        }
    }

    fn networks_of_docker(&mut self) {
        for network in ["red", "blue"] {
            self.on(
                "agent-1",
                &format!("docker network create --driver calico --ipam-driver calico {network}"),
            );
        }
        self.container("agent-1", "blue-1", "blue");
        self.container("agent-1", "red-1", "red");
        self.container("agent-1", "red-2", "red");
        self.container("agent-2", "blue-3", "blue");
        self.container("agent-2", "red-3", "red");
        self.assert_seen(&[
            ("agent-1", &["blue-1", "red-1", "red-2"]),
            ("agent-2", &["blue-3", "red-3"]),
            ("blue-1", &["blue-3"]),
            ("blue-3", &["blue-1"]),
            ("red-1", &["red-2", "red-3"]),
            ("red-2", &["red-1", "red-3"]),
            ("red-3", &["red-1", "red-2"]),
        ]);
    }

    fn rules_open_and_close(&self) {
        // A profile is called by the name of its network, and so is a tag.
        self.on(
            "agent-2",
            "calicoctl profile blue rule add inbound allow tcp from tag red to ports 7000,7990:8010",
        );
        assert!(self.on("agent-1", "calicoctl profile blue rule show").contains(r#""src_tag":"red""#));
        self.assert_seen(&[
            ("agent-1", &["blue-1", "red-1", "red-2"]),
            ("agent-2", &["blue-3", "red-3"]),
            ("blue-1", &["blue-3"]),
            ("blue-3", &["blue-1"]),
            ("red-1", &["blue-1", "blue-3", "red-2", "red-3"]),
            ("red-2", &["blue-1", "blue-3", "red-1", "red-3"]),
            ("red-3", &["blue-1", "blue-3", "red-1", "red-2"]),
        ]);
        let other = self.lab.address(103);
        self.on(
            "agent-1",
            &format!(
                "calicoctl profile blue rule remove inbound 2
                calicoctl profile red rule add inbound allow tcp from cidr {other}/32 to ports 8000
                calicoctl profile red rule add outbound --at=1 deny to cidr {}/32",
                self.members["red-1"].1
            ),
        );
        self.assert_seen(&[
            ("agent-1", &["blue-1", "red-1", "red-2"]),
            ("agent-2", &["blue-3", "red-1", "red-2", "red-3"]),
            ("blue-1", &["blue-3"]),
            ("blue-3", &["blue-1"]),
            ("red-1", &["red-2", "red-3"]),
            ("red-2", &["red-3"]),
            ("red-3", &["red-2"]),
        ]);
        self.on(
            "agent-1",
            "calicoctl profile red rule remove outbound 1; calicoctl profile red rule remove inbound 2",
        );
    }

    /// Docker's bridge, and what leaves the pool: under the address of the host.
    fn the_host_has_its_own_traffic(&self) {
        let master = self.lab.address(101);
        let said = self.on(
            "agent-1",
            "container plain bridge
            plain=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' plain)
            curl -sSf --retry 20 --retry-delay 0 --retry-all-errors -o /dev/null http://$plain:8000
            docker rm -f plain >/dev/null
            docker exec calico-node /usr/sbin/nft list table ip calico
            docker exec calico-node /usr/sbin/nft list tables",
        );
        assert!(said.contains("masquerade") && said.contains("table ip filter"), "{said}");
        // Only a connection that comes from the host's address finds its way back.
        let probe = format!(
            "nsenter -t $(docker inspect -f '{{{{.State.Pid}}}}' red-1) -n curl -sS -m 5 -o /dev/null -w '%{{http_code}}' http://{master}:5050/health"
        );
        assert_eq!(self.on("agent-1", &probe), "200");
    }

    fn what_ended_is_taken_away(&mut self) {
        let (_, gone) = self.members.remove("red-3").unwrap();
        // What a node put in place stays when it ends.
        self.on("agent-1", "systemctl stop calico");
        self.on("agent-2", "docker rm -f red-3");
        let routes = self.on("agent-1", "ip route show proto bird");
        assert!(routes.contains(&format!("{gone} via {}", self.lab.address(103))), "{routes}");
        self.assert_seen(&[
            ("agent-1", &["blue-1", "red-1", "red-2"]),
            ("agent-2", &["blue-3"]),
            ("blue-1", &["blue-3"]),
            ("blue-3", &["blue-1"]),
            ("red-1", &["red-2"]),
            ("red-2", &["red-1"]),
        ]);
        // What is no longer so goes when it starts again, and what somebody else put there does not.
        self.on("agent-1", "ip route add 192.168.99.0/24 dev eth0; systemctl start calico");
        for agent in AGENTS {
            self.on(
                agent,
                &format!(
                    "for _ in $(seq 100); do ip route | grep -q '^{gone} ' || exit 0; sleep 0.1; done; exit 1"
                ),
            );
        }
        self.on("agent-1", "ip route del 192.168.99.0/24 dev eth0");
        assert!(!self.on("agent-1", "etcd calico").contains(&format!("{gone}/32")));
        assert!(!self.on("agent-1", "etcd calico/ipam").contains(&format!("/{gone}\"")));
        for (agent, names) in [("agent-1", "blue-1 red-1 red-2"), ("agent-2", "blue-3")] {
            self.on(agent, &format!("docker rm -f {names} >/dev/null; ! ip -o link | grep ': cali'"));
        }
        self.members.clear();
        self.on("agent-1", "docker network rm red blue; ! etcd calico/v1/policy | grep src_tag");
    }

    /// As `verify --tasks` wants it.
    fn groups_of_tasks(&mut self) {
        self.task("agent-1", "one-a", &["one"]);
        self.task("agent-2", "one-b", &["one"]);
        self.task("agent-1", "two-a", &["two"]);
        self.task("agent-2", "both", &["one", "two"]);
        self.task("agent-1", "public", &["public"]);
        self.task("agent-2", "alone", &[]);
        self.assert_seen(&[
            ("agent-1", &["one-a", "public", "two-a"]),
            ("agent-2", &["alone", "both", "one-b", "public"]),
            ("alone", &[]),
            ("both", &["one-a", "one-b", "public", "two-a"]),
            ("one-a", &["both", "one-b", "public"]),
            ("one-b", &["both", "one-a", "public"]),
            ("public", &[]),
            ("two-a", &["both", "public"]),
        ]);
        let profiles = self.on("agent-1", "calicoctl profile show");
        for name in ["default_agent-1", "default_agent-2", "ng_one", "ng_two", "public"] {
            assert!(profiles.contains(&format!(" {name} ")), "{profiles}");
        }
        // A task gets out to its own host, and to no other.
        for (host, reaches) in [(103, true), (102, false)] {
            let address = self.lab.address(host);
            let ask = format!(
                "nsenter -t $(cat /run/tasks/alone) -n curl -sS -m 2 -o /dev/null http://{address}:5051/health"
            );
            assert_eq!(self.lab.try_on("agent-2", &ask).0 == 0, reaches, "{address}");
        }
    }

    fn addresses_belong_to_one(&self) {
        let all: std::collections::BTreeSet<_> = self.members.values().map(|(_, address)| address).collect();
        assert_eq!(all.len(), self.members.len());
        let taken = &self.members["one-a"].1;
        let reserve = |address: &str| {
            let args = format!(r#"{{"hostname":"agent-2","uid":"r","ipv4_addrs":["{address}"]}}"#);
            self.on("agent-2", &format!("plugin reserve '{args}'"))
        };
        assert!(reserve(taken).contains("already in use"));
        assert!(reserve("10.1.1.1").contains("in none of the pools"));
        assert_eq!(reserve("192.168.7.7"), r#"{"error":null}"#);
        self.on(
            "agent-1",
            r#"plugin release '{"uid":"r"}' | grep null; ! etcd calico/ipam | grep 192.168.7.7"#,
        );
        // Both at once, many times: none gets what the other has.
        let many = "for i in 1 2 3 4 5 6; do plugin allocate '{\"hostname\":\"h\",\"uid\":\"many\",\"num_ipv4\":4,\"num_ipv6\":0}' | field \"['ipv4']\"; done";
        let given = std::thread::scope(|scope| {
            let hosts = AGENTS.map(|agent| scope.spawn(move || self.on(agent, many)));
            hosts.map(|host| host.join().unwrap()).join("\n")
        });
        let given: Vec<&str> =
            given.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|one| !one.is_empty()).collect();
        let different: std::collections::BTreeSet<_> = given.iter().collect();
        assert_eq!((given.len(), different.len()), (48, 48), "{given:?}");
        self.on("agent-1", r#"plugin release '{"uid":"many"}'"#);
    }

    fn a_task_is_cleaned_up_after_its_process(&self) {
        let (_, address) = &self.members["one-a"];
        let cleanup = r#"plugin cleanup '{"hostname":"agent-1","container_id":"one-a"}'"#;
        self.on("agent-1", "kill -9 $(cat /run/tasks/one-a); rm /run/tasks/one-a");
        assert_eq!(self.on("agent-1", cleanup), r#"{"error":null}"#);
        assert!(self.on("agent-1", cleanup).contains("No endpoint found"));
        let left = self.on("agent-1", "ip route; etcd calico/ipam; etcd calico/v1/host");
        for gone in [format!("{address} "), format!("/{address}\""), "one-a".to_owned()] {
            assert!(!left.contains(&gone), "{left}");
        }
        self.on(
            "agent-2",
            &format!(
                "for _ in $(seq 100); do ip route | grep -q '^{address} ' || exit 0; sleep 0.1; done; exit 1"
            ),
        );
        let own = r#"plugin isolate "{\"hostname\":\"h\",\"container_id\":\"c\",\"pid\":$$,\"ipv4_addrs\":[\"IP\"]}""#;
        let own = own.replace("IP", &self.members["two-a"].1);
        assert!(self.on("agent-1", &own).contains("has the network of the host"));
    }
}
