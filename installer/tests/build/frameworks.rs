//! Marathon and Mesos-DNS, as built.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Daemon};
use crate::tool::{finish, write};

impl Cluster {
    /// A command of Mesos-DNS, which is a script of Python's.
    pub(crate) fn mesos_dns(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("usr/bin/mesos-dns", arguments);
        command.env("PATH", "/usr/bin:/bin");
        command
    }

    pub(crate) fn start_marathon(&self, host: u8) -> Daemon {
        let (address, hostname) = (self.address(host), format!("marathon-{host}"));
        let zk = format!("zk://{}:2181/test", self.address(1));
        let (master, own) = (format!("{zk}/mesos"), format!("--zk={zk}/marathon"));
        let arguments = ["--master", &master, &own, "--http_address", &address, "--hostname", &hostname];
        self.start(&hostname, self.command("usr/libexec/marathon/marathon", &arguments))
    }

    /// A request that is answered with JSON.
    #[track_caller]
    pub(crate) fn api(&self, host: u8, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.send(host, 8080, method, path, &body.to_string()).unwrap();
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    pub(crate) fn marathon_keeps_apps_without_a_master(&self) {
        let marathon = "usr/libexec/marathon/marathon";
        self.refuses(marathon, &["--zk", "zk://h:2181/marathon"], "Required option 'master' not found");
        self.refuses(marathon, &["--mastre", "x"], "Unknown option 'mastre'");
        self.refuses(marathon, &["--master"], "needs a value");

        let first = self.start_marathon(6);
        self.until("the first instance leads", || {
            Some(self.json(6, 8080, "/v2/leader")?["leader"] == "marathon-6:8080")
        });
        let _second = self.start_marathon(7);
        self.until("the second instance follows", || {
            Some(self.json(7, 8080, "/v2/leader")?["leader"] == "marathon-6:8080")
        });
        let info = self.json(7, 8080, "/v2/info").unwrap();
        assert_eq!((&info["elected"], &info["build"]), (&false.into(), &"stand-in".into()));
        assert_eq!(self.get(6, 8080, "/ping"), Some((200, "pong".to_owned())));

        let app = json!({"id": "/stars/client", "cmd": "sleep 100", "cpus": 0.1, "mem": 64, "ipAddress": {"groups": ["a"]}});
        let (status, created) = self.api(7, "POST", "/v2/apps", &app);
        assert_eq!(
            (status, &created["id"], &created["tasksRunning"]),
            (201, &"/stars/client".into(), &0.into())
        );
        assert_eq!(self.api(6, "POST", "/v2/apps", &app).0, 409, "both instances know it");
        let (_, waiting) = self.api(6, "GET", "/v2/queue", &Value::Null);
        assert_eq!(waiting["queue"][0]["app"]["id"], "/stars/client");
        let (_, open) = self.api(6, "GET", "/v2/deployments", &Value::Null);
        assert_eq!(open[0]["affectedApps"], json!(["/stars/client"]));
        assert_eq!(self.api(6, "PUT", "/v2/apps/stars/client", &json!({"instances": 0})).0, 200);
        let (_, shown) = self.api(7, "GET", "/v2/apps/%2Fstars%2Fclient", &Value::Null);
        assert_eq!((&shown["app"]["instances"], &shown["app"]["cmd"]), (&0.into(), &"sleep 100".into()));
        self.what_marathon_refuses(&app);

        drop(first);
        self.until("the other instance leads", || {
            Some(self.json(7, 8080, "/v2/leader")?["leader"] == "marathon-7:8080")
        });
        let (_, apps) = self.api(7, "GET", "/v2/apps", &Value::Null);
        assert_eq!(apps["apps"].as_array().unwrap().len(), 1, "apps outlive an instance");
        assert_eq!(self.api(7, "DELETE", "/v2/apps/stars/client", &Value::Null).0, 200);
        assert_eq!(self.api(7, "DELETE", "/v2/apps/stars/client", &Value::Null).0, 404);
    }

    fn what_marathon_refuses(&self, app: &Value) {
        let refused = |change: Value, status: u16, text: &str| {
            let mut app = app.clone();
            for (key, value) in change.as_object().unwrap() {
                app[key] = value.clone();
            }
            let (seen, answer) = self.api(6, "POST", "/v2/apps", &app);
            assert_eq!(seen, status, "{answer}");
            assert!(answer.to_string().contains(text), "{answer} should say {text}");
        };
        refused(json!({"id": "/Stars"}), 422, "regular expression");
        refused(json!({"args": ["x"]}), 422, "either contain one of 'cmd' or 'args'");
        refused(json!({"mem": -1}), 422, "/mem");
        refused(json!({"ports": [80]}), 422, "both an IP address and ports");
        refused(json!({"constraints": [["hostname", "NEAR", "a"]]}), 422, "Invalid operator: NEAR");
        refused(json!({"constraints": [["rack", "LIKE", "("]]}), 422, "Invalid regular expression");
        refused(json!({"container": {"type": "DOCKER"}}), 422, "/container/docker");
        refused(
            json!({"container": {"type": "DOCKER", "docker": {"image": "x", "network": "USER"}}}),
            422,
            "Unknown network",
        );
        refused(
            json!({"ipAddress": {"discovery": {"ports": [{"number": 80, "name": "http", "protocol": "http"}]}}}),
            422,
            "Only 'udp' or 'tcp'",
        );
        assert_eq!(self.send(6, 8080, "POST", "/v2/apps", "{\"id\": \"a\" \"cmd\"").unwrap().0, 400);
        assert_eq!(self.send(6, 8080, "PATCH", "/v2/apps", "").unwrap().0, 405);
    }

    pub(crate) fn names_are_answered(&self) {
        let _masters = [self.start_master(2), self.start_master(3)];
        let _agent = self.start_agent("rack:a");
        let settings = json!({
            "masters": [format!("{}:5050", self.address(2)), format!("{}:5050", self.address(3))],
            "listener": self.address(8), "resolvers": [self.address(9)], "refreshSeconds": 1, "timeout": 1,
        });
        let file = self.root.join("mesos-dns.json");
        let config = format!("-config={file}");
        write(&file, &json!({"dnson": "yes", "masters": ["h:5050"]}).to_string());
        let refused = finish(&mut self.mesos_dns(&[&config]));
        assert!(
            refused.status == 1 && refused.stderr.contains("dnson has the wrong type"),
            "{}",
            refused.stderr
        );
        write(&file, &settings.to_string());
        let _daemon = self.start("mesos-dns", self.mesos_dns(&[&config]));
        self.until("names are known", || {
            Some(self.json(8, 8123, "/v1/hosts/slave.mesos")?[0]["ip"] == self.address(5).as_str())
        });
        let _marathon = self.start_marathon(6);
        let app = json!({"cmd": "exec sleep 600", "cpus": 0.1, "mem": 16});
        self.until("Marathon takes apps", || {
            Some(self.send(6, 8080, "PUT", "/v2/apps/shop/web", &app.to_string())?.0 < 300)
        });
        self.until("a task has a name", || {
            Some(self.look_up("web-shop.marathon.mesos", false) == (0, vec![self.address(5)]))
        });
        assert_eq!(self.api(6, "DELETE", "/v2/apps/shop/web", &Value::Null).0, 200);
        self.until("its name goes with it", || {
            Some(self.look_up("web-shop.marathon.mesos", true) == (3, Vec::new()))
        });
        let version = self.json(8, 8123, "/v1/version").unwrap();
        assert_eq!(
            (&version["Service"], &version["Version"]),
            (&"Mesos-DNS".into(), &"0.6.0 (stand-in)".into())
        );

        let leader = self.json(2, 5050, "/state").unwrap()["leader"].as_str().unwrap().to_owned();
        let leader = leader.trim_start_matches("master@").trim_end_matches(":5050").to_owned();
        for over_tcp in [false, true] {
            assert_eq!(self.look_up("leader.mesos", over_tcp), (0, vec![leader.clone()]));
            assert_eq!(
                self.look_up("LEADER.Mesos", over_tcp).1,
                std::slice::from_ref(&leader),
                "names have no case"
            );
            assert_eq!(self.look_up("slave.mesos", over_tcp).1, [self.address(5)]);
            assert_eq!(self.look_up("master.mesos", over_tcp).1, [self.address(2), self.address(3)]);
            assert_eq!(self.look_up("nobody.marathon.mesos", over_tcp), (3, Vec::new()), "NXDOMAIN");
        }
        assert_eq!(self.look_up("example.org", false), (2, Vec::new()), "nobody is there to be asked");
    }

    /// Asks for the addresses of a name: the status and what is answered.
    pub(crate) fn look_up(&self, name: &str, over_tcp: bool) -> (u8, Vec<String>) {
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend(label.bytes());
        }
        query.extend([0, 0, 1, 0, 1]);
        let at = (self.address(8), 53);
        let answer = if over_tcp {
            let mut stream = std::net::TcpStream::connect(at).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(&u16::try_from(query.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&query).unwrap();
            let mut size = [0; 2];
            stream.read_exact(&mut size).unwrap();
            let mut answer = vec![0; usize::from(u16::from_be_bytes(size))];
            stream.read_exact(&mut answer).unwrap();
            answer
        } else {
            let socket = std::net::UdpSocket::bind((self.address(8), 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            socket.send_to(&query, at).unwrap();
            let mut answer = vec![0; 512];
            let size = socket.recv(&mut answer).unwrap();
            answer.truncate(size);
            answer
        };
        assert_eq!(&answer[..2], &query[..2], "the answer is to this query");
        let count = usize::from(u16::from_be_bytes([answer[6], answer[7]]));
        // Every record has the name in full, which is as long as in the question.
        let record = query.len() - 12 - 4 + 10 + 4;
        let addresses = answer[query.len()..].chunks(record).take(count).map(|record| {
            let address: [u8; 4] = record[record.len() - 4..].try_into().unwrap();
            std::net::Ipv4Addr::from(address).to_string()
        });
        (answer[3] & 15, addresses.collect())
    }
}
