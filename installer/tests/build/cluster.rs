//! The programs of the built packages, run from where they were unpacked, with a real ZooKeeper.
//!
//! Every daemon listens on an address of its own in 127.0.0.0/8, with the ports that it always has.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::tool::{Finished, finish, write};

/// The unpacked packages.
pub(crate) struct Cluster {
    pub(crate) root: Utf8PathBuf,
    /// The first three parts of the addresses: another test process has others.
    network: String,
}

/// A daemon that ends with the test.
pub(crate) struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Cluster {
    pub(crate) fn new(root: &Utf8Path) -> Self {
        let id = std::process::id();
        Self { root: root.to_owned(), network: format!("127.{}.{}", 100 + id / 250 % 100, id % 250) }
    }

    pub(crate) fn address(&self, host: u8) -> String {
        format!("{}.{host}", self.network)
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.root.join(program));
        command.args(arguments).env_clear().env("LD_LIBRARY_PATH", self.root.join("usr/lib64"));
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Finished {
        finish(&mut self.command(program, arguments))
    }

    pub(crate) fn start(&self, name: &str, mut command: Command) -> Daemon {
        let log = fs_err::File::create(self.root.join(format!("{name}.log"))).unwrap().into_parts().0;
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        Daemon(command.spawn().unwrap())
    }

    /// Starts a daemon that must refuse: its status must be 1, and what it says must contain `text`.
    pub(crate) fn refuses(&self, program: &str, arguments: &[&str], text: &str) {
        let result = self.run(program, arguments);
        assert_eq!(result.status, 1, "{arguments:?}: {}", result.stderr);
        assert!(result.stderr.contains(text), "{arguments:?} should say {text:?}:\n{}", result.stderr);
    }

    pub(crate) fn programs_say_what_they_are(&self) {
        for program in [
            "usr/sbin/mesos-master",
            "usr/sbin/mesos-slave",
            "usr/bin/mesos-resolve",
            "usr/libexec/mesos/mesos-executor",
        ] {
            let version = self.run(program, &["--version"]);
            assert_eq!(version.status, 0);
            assert!(
                version.stdout.contains("0.28.2") && version.stdout.contains("stand-in"),
                "{}",
                version.stdout
            );
        }
        let marathon = self.run("usr/libexec/marathon/marathon", &["--version"]);
        assert_eq!(marathon.stdout, "marathon 1.1.2 (stand-in)\n");
        assert_eq!(finish(&mut self.mesos_dns(&["-version"])).stdout, "0.6.0 (stand-in)\n");
        let version = self.run("calico/calico_mesos", &["--version"]);
        assert!(version.stdout.contains("0.1.5 (stand-in"), "{}", version.stdout);
    }

    pub(crate) fn flags_are_strict(&self) {
        let (master, slave) = ("usr/sbin/mesos-master", "usr/sbin/mesos-slave");
        let work = format!("--work_dir={}", self.root.join("refused"));
        self.refuses(master, &["--quorum.rpmsave=1"], "unknown flag 'quorum.rpmsave'");
        self.refuses(master, &["--no-quorum"], "not boolean");
        self.refuses(master, &["--quorum=1", "--quorum=1"], "more than once");
        self.refuses(master, &["--quorum"], "needs a value");
        self.refuses(master, &["--ip=localhost"], "not an IPv4 address");
        self.refuses(master, &["--zk=zk://h:2181/mesos", &work], "--quorum is required");
        self.refuses(master, &["--zk=zk://h:2181", &work, "--quorum=1"], "has no path");
        self.refuses(slave, &[&work], "--master is required");
        self.refuses(slave, &["--containerizers=mesos,dokcer"], "not a list of mesos, docker, external");
        self.refuses(slave, &["--master=h:5050", &work, "--attributes=rack"], "not key:value");
        let busy = std::net::TcpListener::bind((self.address(9), 5050)).unwrap();
        let ip = format!("--ip={}", self.address(9));
        self.refuses(
            master,
            &[&ip, &work, "--registry=in_memory"],
            &format!("bind {}:5050", self.address(9)),
        );
        drop(busy);
        // Variables of others are no flags, and those that are can be wrong.
        let mut command = self.command(master, &["--version"]);
        let result = finish(command.env("MESOS_NATIVE_JAVA_LIBRARY", "/x").env("MESOS_PORT", "no"));
        assert_eq!(result.status, 1);
        assert!(result.stderr.contains("flag 'port'"), "{}", result.stderr);
    }

    pub(crate) fn modules_are_checked(&self) {
        let work = format!("--work_dir={}", self.root.join("refused"));
        let isolation = "--isolation=cgroups/cpu,com_mesosphere_mesos_NetworkIsolator";
        let refuses = |modules: &str, text: &str| {
            let modules = format!("--modules={modules}");
            self.refuses("usr/sbin/mesos-slave", &["--master=h:5050", &work, isolation, &modules], text);
        };
        self.refuses("usr/sbin/mesos-slave", &["--master=h:5050", &work, isolation], "unsupported isolator");
        let hooks = "--hooks=com_mesosphere_mesos_NetworkHook";
        self.refuses("usr/sbin/mesos-slave", &["--master=h:5050", &work, hooks], "no hook");
        refuses("{\"libraries\": [}", "not JSON");
        refuses("{\"librarys\": []}", "unknown key 'librarys'");
        refuses("{\"libraries\": [{\"modules\": []}]}", "neither 'file' nor 'name'");
        refuses("{\"libraries\": [{\"file\": \"/no/such.so\"}]}", "Error opening library '/no/such.so'");
        refuses("/no/such.json", "cannot read /no/such.json");
        let good = self.modules("usr/lib64/mesos/libmesos_network_isolator.so", "/bin/true");
        refuses(&good.replace("_NetworkHook", "_NoHook"), "has no module 'com_mesosphere_mesos_NoHook'");
        refuses(&good.replace("ipam_command", "ipam"), "ipam_command is not given");

        // The library of another version, as a build of net-modules for it would be.
        let library =
            fs_err::read(self.root.join("usr/lib64/mesos/libmesos_network_isolator-0.1.so")).unwrap();
        let other = replace(&library, b"0.28.2\0", b"0.28.1\0");
        fs_err::write(self.root.join("other.so"), other).unwrap();
        refuses(
            &self.modules("other.so", "/bin/true"),
            "compiled against Mesos 0.28.1, but this is Mesos 0.28.2",
        );
    }

    fn modules(&self, library: &str, command: &str) -> String {
        let modules = fs_err::read_to_string(self.root.join("calico/modules.json")).unwrap();
        modules
            .replace("/usr/lib64/mesos/libmesos_network_isolator.so", self.root.join(library).as_str())
            .replace("/calico/calico_mesos", command)
    }

    pub(crate) fn start_zookeeper(&self) -> Daemon {
        let config = self.root.join("zoo.cfg");
        let data = self.root.join("zookeeper-data");
        fs_err::create_dir_all(&data).unwrap();
        let address = self.address(1);
        write(
            &config,
            &format!("tickTime=500\ndataDir={data}\nclientPort=2181\nclientPortAddress={address}\n"),
        );
        let wrapper = fs_err::read_to_string(self.root.join("usr/bin/zookeeper-server")).unwrap();
        let jars = self.root.join("usr/share/zookeeper");
        write(&self.root.join("zookeeper-server"), &wrapper.replace("/usr/share/zookeeper", jars.as_str()));
        let mut command = Command::new("sh");
        command.arg(self.root.join("zookeeper-server")).arg(&config).env("JVMFLAGS", "-Xmx128m");
        self.start("zookeeper", command)
    }

    pub(crate) fn start_master(&self, host: u8) -> Daemon {
        let flags = [
            format!("--zk=zk://{}:2181/test/mesos", self.address(1)),
            format!("--ip={}", self.address(host)),
            format!("--work_dir={}", self.root.join(format!("master-{host}"))),
            format!("--hostname=master-{host}"),
            "--quorum=2".to_owned(),
            "--zk_session_timeout=3secs".to_owned(),
            "--slave_ping_timeout=500ms".to_owned(),
        ];
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let mut command = self.command("usr/sbin/mesos-master", &flags);
        command.env("MESOS_CLUSTER", "demo");
        self.start(&format!("master-{host}"), command)
    }

    pub(crate) fn start_agent(&self, attributes: &str) -> Daemon {
        let modules = self.modules("usr/lib64/mesos/libmesos_network_isolator.so", "/no/such/command");
        write(&self.root.join("modules.json"), &modules);
        let flags = [
            format!("--master=zk://{}:2181/test/mesos", self.address(1)),
            format!("--ip={}", self.address(5)),
            format!("--work_dir={}", self.root.join("agent")),
            "--hostname=agent".to_owned(),
            format!("--attributes={attributes}"),
            format!("--modules=file://{}/modules.json", self.root),
            "--isolation=cgroups/cpu,com_mesosphere_mesos_NetworkIsolator".to_owned(),
            "--hooks=com_mesosphere_mesos_NetworkHook".to_owned(),
            format!("--launcher_dir={}", self.root.join("usr/libexec/mesos")),
            "--no-systemd_enable_support".to_owned(),
            "--registration_backoff_factor=200ms".to_owned(),
        ];
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        self.start("agent", self.command("usr/sbin/mesos-slave", &flags))
    }

    pub(crate) fn get(&self, host: u8, port: u16, path: &str) -> Option<(u16, String)> {
        self.send(host, port, "GET", path, "")
    }

    /// An HTTP request and its answer: status and body.
    pub(crate) fn send(
        &self,
        host: u8,
        port: u16,
        method: &str,
        path: &str,
        body: &str,
    ) -> Option<(u16, String)> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect((self.address(host), port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    pub(crate) fn json(&self, host: u8, port: u16, path: &str) -> Option<Value> {
        let (status, body) = self.get(host, port, path)?;
        (status == 200).then(|| serde_json::from_str(&body).unwrap())
    }

    /// Asks until the answer is right, at most half a minute.
    pub(crate) fn until(&self, what: &str, right: impl Fn() -> Option<bool>) {
        let started = Instant::now();
        while right() != Some(true) {
            if started.elapsed() > Duration::from_secs(30) {
                let tail = |name: &str| fs_err::read_to_string(self.root.join(name)).unwrap_or_default();
                let logs: String =
                    ["master-2.log", "master-3.log", "agent.log", "marathon-6.log", "mesos-dns.log"]
                        .map(tail)
                        .concat();
                panic!("{what}: not within 30 s\n{logs}");
            }
            pause();
        }
    }

    pub(crate) fn metric(&self, host: u8, port: u16, name: &str) -> Option<f64> {
        self.json(host, port, "/metrics/snapshot")?[name].as_f64()
    }

    pub(crate) fn a_leader_is_elected_and_an_agent_registers(&self) {
        let first = self.start_master(2);
        self.until("the first master leads", || Some(self.metric(2, 5050, "master/elected")? == 1.0));
        assert_eq!(self.metric(2, 5050, "registrar/registry_size_bytes"), None, "one of two is no quorum");
        let _second = self.start_master(3);
        self.until("the quorum is there", || {
            Some(self.metric(2, 5050, "registrar/registry_size_bytes").is_some())
        });
        let agent = self.start_agent("rack:a");
        self.until("the agent is registered", || Some(self.metric(5, 5051, "slave/registered")? == 1.0));

        let state = self.json(2, 5050, "/master/state.json").unwrap();
        let leader = format!("master@{}:5050", self.address(2));
        assert_eq!((&state["leader"], &state["activated_slaves"]), (&leader.clone().into(), &1.into()));
        assert_eq!((&state["cluster"], &state["version"]), (&"demo".into(), &"0.28.2".into()));
        let slave = &state["slaves"][0];
        assert_eq!((&slave["attributes"]["rack"], &slave["active"]), (&"a".into(), &true.into()));
        let other = self.json(3, 5050, "/state").unwrap();
        assert_eq!((&other["leader"], &other["activated_slaves"]), (&leader.into(), &0.into()));
        assert_eq!(self.metric(3, 5050, "master/elected"), Some(0.0));
        assert_eq!(self.get(2, 5050, "/health"), Some((200, String::new())));
        assert_eq!(self.get(2, 5050, "/nothing").unwrap().0, 404);
        assert_eq!(self.json(5, 5051, "/version").unwrap()["build"], "stand-in");
        let resolved =
            self.run("usr/bin/mesos-resolve", &[&format!("zk://{}:2181/test/mesos", self.address(1))]);
        assert_eq!(resolved.stdout.trim(), format!("{}:5050", self.address(2)));

        let agent_state = self.json(5, 5051, "/state").unwrap();
        assert_eq!(agent_state["master_hostname"], "master-2");
        let modules = agent_state["modules"].as_array().unwrap();
        let isolator = modules.iter().find(|module| module["kind"] == "Isolator").unwrap();
        assert_eq!(isolator["active"], false, "its command is missing: {isolator}");
        let id = agent_state["id"].as_str().unwrap().to_owned();

        drop(first);
        self.until("the other master leads", || Some(self.metric(3, 5050, "master/elected")? == 1.0));
        let _third = self.start_master(4);
        self.until("the agent has followed", || Some(self.metric(3, 5050, "master/slaves_active")? == 1.0));
        assert_eq!(self.json(3, 5050, "/state").unwrap()["slaves"][0]["id"], id.as_str());

        drop(agent);
        self.until("a silent agent is dropped", || {
            Some(self.metric(3, 5050, "master/slave_removals")? == 1.0)
        });
        let mut changed = self.start_agent("rack:b");
        assert_eq!(changed.0.wait().unwrap().code(), Some(1));
        let log = fs_err::read_to_string(self.root.join("agent.log")).unwrap();
        assert!(log.contains("Incompatible agent info: attributes"), "{log}");
        let _agent = self.start_agent("rack:a");
        self.until("the agent is back", || Some(self.metric(3, 5050, "master/slaves_active")? == 1.0));
        assert_eq!(self.json(5, 5051, "/state").unwrap()["id"], id.as_str(), "it keeps its identity");
    }

    pub(crate) fn the_plugin_speaks_the_protocol(&self) {
        let call = |text: &str| -> Value {
            use std::io::Write as _;
            let mut command = self.command("calico/calico_mesos", &[]);
            // Nobody listens there.
            command.env("ETCD_AUTHORITY", format!("{}:9", self.address(9)));
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // A call that is too long is not read to its end.
            let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
            serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
        };
        let allocate =
            r#"{"command":"allocate","args":{"hostname":"h","num_ipv4":1,"num_ipv6":0,"uid":"a"}}"#;
        assert!(call(allocate)["error"].as_str().unwrap().contains("No more machines in the cluster"));
        let six = allocate.replace("\"num_ipv6\":0", "\"num_ipv6\":1");
        assert!(call(&six)["error"].as_str().unwrap().contains("no IPv6"));
        let isolate = r#"{"command":"isolate","args":{"hostname":"h","container_id":"c","pid":1,"ipv4_addrs":["10.9.0.1"]}}"#;
        for (key, whole) in [
            ("hostname", r#""hostname":"h","#),
            ("container_id", r#""container_id":"c","#),
            ("pid", r#""pid":1,"#),
        ] {
            assert_eq!(call(&isolate.replace(whole, ""))["error"], format!("Missing {key}"));
        }
        assert!(
            call(&isolate.replace("9.0.1", "9"))["error"].as_str().unwrap().contains("not an IPv4 address")
        );
        for (wrong, said) in [
            ("", "JSON object"),
            ("[]", "JSON object"),
            ("{}", "Missing command"),
            (r#"{"command":"dance","args":{}}"#, "Unknown command: 'dance'"),
            (r#"{"command":"release","args":{}}"#, "either uid or ips"),
            (&" ".repeat(50_000), "longer than 40 KB"),
        ] {
            assert!(call(wrong)["error"].as_str().unwrap().contains(said), "{wrong:.40}");
        }
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// A moment between two questions.
#[allow(clippy::disallowed_methods, reason = "the programs under test cannot be waited for in any other way")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}
