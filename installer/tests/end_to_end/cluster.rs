//! What is true of a working cluster, asked by plain ssh and not by the tool.

use serde_json::Value;

use crate::harness::Lab;

/// The units of a master.
pub(crate) const MASTER_UNITS: [&str; 5] = ["zookeeper", "etcd", "mesos-master", "marathon", "mesos-dns"];

impl Lab {
    /// Asks a service by HTTP, on the host itself.
    #[track_caller]
    pub(crate) fn http(&self, host: &str, port: u16, path: &str) -> String {
        let address = format!("$(hostname -I | cut -d ' ' -f 1):{port}");
        self.on(host, &format!("curl -sS -m 10 http://{address}{path}"))
    }

    /// The hosts that have registered with the elected master, by name.
    #[track_caller]
    pub(crate) fn registered_agents(&self, masters: usize) -> Vec<String> {
        for master in 1..=masters {
            let state: Value =
                serde_json::from_str(&self.http(&format!("master-{master}"), 5050, "/state")).unwrap();
            let mut agents: Vec<String> = state["slaves"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|agent| agent["active"] == true)
                .map(|agent| agent["hostname"].as_str().unwrap().to_owned())
                .collect();
            if !agents.is_empty() {
                agents.sort();
                return agents;
            }
        }
        Vec::new()
    }

    /// What the ZooKeeper server of a host is: `leader`, `follower` or `standalone`.
    #[track_caller]
    pub(crate) fn zookeeper_state(&self, host: &str) -> String {
        let script = "exec 3<>/dev/tcp/$(hostname -I | cut -d ' ' -f 1)/2181; echo mntr >&3; \
                      timeout 5 cat <&3 | sed -n 's/^zk_server_state[[:space:]]*//p'";
        self.on(host, &format!("bash -c '{}'", script.replace('\'', r"'\''")))
    }

    /// Fails unless the units are active on the host and the packages are there.
    #[track_caller]
    pub(crate) fn assert_runs(&self, host: &str, units: &[&str], packages: &[&str]) {
        let active = self.on(host, &format!("systemctl is-active {}", units.join(" ")));
        assert_eq!(active, vec!["active"; units.len()].join("\n"), "{units:?} on {host}");
        self.on(host, &format!("rpm -q {} && rpm -V --nofiles {}", packages.join(" "), packages.join(" ")));
    }

    /// When a unit was started, and as which process: the same as long as nobody restarts it.
    #[track_caller]
    pub(crate) fn started(&self, host: &str, unit: &str) -> String {
        self.on(
            host,
            &format!("systemctl show --value -p ActiveEnterTimestampMonotonic -p MainPID {unit} | xargs"),
        )
    }
}
