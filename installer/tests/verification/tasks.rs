//! Who may reach whom: the plan, and what is concluded from a cluster that does or does not keep to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use calico_mesos_install::apps::api::Call;
use calico_mesos_install::cluster::Cluster;
use calico_mesos_install::data::Data;
use calico_mesos_install::facts::{Answer, Inquiry};
use calico_mesos_install::model::HostName;
use calico_mesos_install::report::show_checks;
use calico_mesos_install::verify::tasks::{Access, AccessError, Setup, Task, plan, run};
use calico_mesos_install::verify::{Check, Level};
use serde_json::{Value, json};

use super::common;

/// A cluster whose agents route and filter, with calico-node in Docker.
fn cluster(agents: usize, containerizer: &str) -> Cluster {
    with_agents(agents, containerizer, r#"["agent", "calico-node", "docker"]"#)
}

fn with_agents(agents: usize, containerizer: &str, roles: &str) -> Cluster {
    let text = format!(
        r#"
        cluster = {{ name = "t", release = "lab", containerizers = ["{containerizer}"] }}
        packages = {{ repo = "dist", provided = ["docker"] }}
        hosts = [
            {{ name = "m1", address = "10.0.0.1", roles = ["master"] }},
            {{ name = "a{{1..{agents}}}", address = "10.0.0.{{11..{}}}", roles = {roles} }},
        ]
    "#,
        10 + agents
    );
    let (cluster, mistakes) = common::resolve(&text, &Data::built_in());
    assert!(mistakes.is_empty(), "{mistakes}");
    cluster
}

/// A cluster in memory: which tasks run, where, and who lets whom in.
struct Fake {
    info: Value,
    apps: Option<BTreeMap<String, Value>>,
    /// Whether a task reaches another, by their groups and agents; the truth unless a test says otherwise.
    reaches: fn(&Value, &Value) -> bool,
    /// The app whose task does not start.
    broken: &'static str,
    /// Whether tasks have their hosts' addresses.
    inactive: bool,
    /// The host that asks Mesos-DNS for names.
    configured: &'static str,
    /// Whether Mesos-DNS knows the tasks.
    knows: bool,
    /// Whether Marathon keeps what is to be removed.
    sticky: bool,
    /// After so many requests the operator presses Ctrl-C.
    patience: usize,
    requests: Vec<String>,
    elapsed: Duration,
}

/// What calico-mesos' profiles let through.
fn truth(from: &Value, to: &Value) -> bool {
    let groups = |app: &Value| -> Vec<String> {
        app["ipAddress"]["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group.as_str().unwrap().to_owned())
            .collect()
    };
    let (from, to) = (groups(from), groups(to));
    !from.is_empty() && (to.contains(&"public".to_owned()) || from.iter().any(|group| to.contains(group)))
}

impl Fake {
    fn new() -> Self {
        Self {
            info: json!({"version": "1.1.2"}),
            apps: None,
            reaches: truth,
            broken: "",
            inactive: false,
            configured: "",
            knows: true,
            sticky: false,
            patience: usize::MAX,
            requests: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    fn address(&self, id: &str) -> IpAddr {
        let apps = self.apps.as_ref().unwrap();
        if self.inactive {
            return if apps[id]["constraints"][0][2] == "a1" { [10, 0, 0, 11] } else { [10, 0, 0, 12] }
                .into();
        }
        let at = apps.keys().position(|other| other == id).unwrap();
        [192, 168, 0, u8::try_from(at + 1).unwrap()].into()
    }

    fn app(&self, id: &str) -> Value {
        let running = !id.ends_with(self.broken) || self.broken.is_empty();
        let tasks = json!([{"id": "t", "host": self.apps.as_ref().unwrap()[id]["constraints"][0][2],
            "ipAddresses": [{"ipAddress": self.address(id), "protocol": "IPv4"}]}]);
        let failure = json!({"host": "a1", "message": "Missing hostname"});
        json!({"id": id, "instances": 1, "tasksRunning": u8::from(running), "deployments": [],
            "tasks": if running { tasks } else { json!([]) },
            "lastTaskFailure": if running { Value::Null } else { failure }})
    }

    /// The probe's answer at an address, to whoever asks from `host`.
    fn probe(&self, host: &HostName, address: IpAddr, path: &str) -> Answer {
        let apps = self.apps.as_ref().unwrap();
        let at = |address: IpAddr| apps.iter().find(|(id, _)| self.address(id) == address).unwrap().1;
        let from = at(address);
        assert_eq!(from["constraints"][0][2], host.as_str(), "only its own host is let in");
        let targets = path.strip_prefix("/reach?").unwrap().split(',');
        let reached: serde_json::Map<String, Value> = targets
            .map(|target| {
                let to = at(target.strip_suffix(":9000").unwrap().parse().unwrap());
                (target.to_owned(), (self.reaches)(from, to).into())
            })
            .collect();
        Answer::Bytes(format!("HTTP/1.0 200 OK\r\n\r\n{}", json!({"reaches": reached})).into_bytes())
    }

    fn dns(&self, query: &[u8]) -> Answer {
        let mut answer = query.to_vec();
        answer[2] |= 0x80;
        if !self.knows {
            answer[3] |= 3;
            return Answer::Bytes(answer);
        }
        let IpAddr::V4(address) = self.address("/verify-tasks/one-a") else { panic!("not IPv4") };
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(Ipv4Addr::octets(&address));
        Answer::Bytes(answer)
    }

    fn read(call: &Call, status: u16, body: &Value) -> Result<Value, AccessError> {
        Ok(call.read(format!("HTTP/1.1 {status} X\r\n\r\n{body}").as_bytes())?)
    }
}

impl Access for Fake {
    fn marathon(&mut self, call: &Call, pause: Duration) -> Result<Value, AccessError> {
        self.elapsed += pause + Duration::from_millis(1);
        self.requests.push(format!("{} {}", call.method, call.path));
        let none = json!({"message": "no such thing"});
        match (call.method, call.path.as_str()) {
            ("GET", "/v2/info") => Self::read(call, 200, &self.info),
            ("PUT", "/v2/groups/verify-tasks") => {
                let body: Value = serde_json::from_str(&call.body).unwrap();
                let apps = body["apps"].as_array().unwrap().iter().cloned();
                self.apps = Some(apps.map(|app| (app["id"].as_str().unwrap().to_owned(), app)).collect());
                Self::read(call, 200, &json!({}))
            }
            ("DELETE", "/v2/groups/verify-tasks?force=true") | ("GET", "/v2/groups/verify-tasks") => {
                let there = self.apps.is_some();
                if call.method == "DELETE" && !self.sticky {
                    self.apps = None;
                }
                Self::read(call, if there { 200 } else { 404 }, &none)
            }
            ("GET", path) => {
                Self::read(call, 200, &json!({"app": self.app(path.strip_prefix("/v2/apps").unwrap())}))
            }
            other => panic!("{other:?} is not asked of Marathon"),
        }
    }

    fn ask(&mut self, host: &HostName, inquiries: &[Inquiry], pause: Duration) -> Vec<Answer> {
        self.elapsed += pause;
        let answer = |inquiry: &Inquiry| match inquiry {
            Inquiry::Http(request) => self.probe(host, request.address, &request.path),
            Inquiry::Datagram { bytes, .. } => self.dns(bytes),
            Inquiry::Resolvers if host.as_str() == self.configured => {
                Answer::Bytes(b"9.9.9.9\n10.0.0.1\n".to_vec())
            }
            Inquiry::Resolvers => Answer::Bytes(b"9.9.9.9\n".to_vec()),
            Inquiry::Resolve(name) => {
                assert_eq!(name, "one-a-verify-tasks.marathon.mesos");
                let found = self.knows.then(|| self.address("/verify-tasks/one-a").to_string());
                found.map_or(Answer::Nothing, |found| Answer::Bytes(found.into_bytes()))
            }
            other => panic!("{other:?} is not asked"),
        };
        inquiries.iter().map(answer).collect()
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    fn is_cancelled(&self) -> bool {
        self.requests.len() > self.patience
    }
}

fn setup(cluster: &Cluster) -> Setup<'_> {
    Setup {
        cluster,
        hosts: cluster.hosts.iter().map(|host| &host.name).collect(),
        probe: "exec probe".to_owned(),
        patience: Duration::from_secs(300),
    }
}

fn broken(checks: &[Check]) -> Vec<String> {
    checks.iter().filter(|check| !check.ok).map(|check| format!("{}: {}", check.name, check.seen)).collect()
}

/// What came of a run, and that it left nothing behind.
fn outcome(mut fake: Fake) -> (Vec<Check>, Fake) {
    let cluster = cluster(2, "mesos");
    let checks = run(&setup(&cluster), &mut fake);
    assert!(fake.apps.is_none() || fake.sticky, "something is left: {:?}", fake.requests);
    (checks, fake)
}

#[test]
fn the_plan_has_a_pair_of_every_kind() {
    let agents: [HostName; 2] = ["a1".parse().unwrap(), "a2".parse().unwrap()];
    let tasks = plan(&agents.iter().collect::<Vec<_>>());
    let pair = |fits: &dyn Fn(&Task, &Task) -> bool| {
        tasks.iter().any(|from| tasks.iter().any(|to| from.name != to.name && fits(from, to)))
    };
    let shares = |a: &Task, b: &Task| a.groups.iter().any(|group| b.groups.contains(group));
    for same_agent in [true, false] {
        for same_group in [true, false] {
            assert!(pair(&|a, b| {
                (a.agent == b.agent) == same_agent
                    && !a.groups.is_empty()
                    && !b.groups.is_empty()
                    && shares(a, b) == same_group
            }));
        }
    }
    assert!(pair(&|a, b| a.groups.len() == 2 && shares(a, b)), "several groups");
    assert!(pair(&|a, b| a.groups.is_empty() && b.groups == ["public"]), "from no group to public");
}

#[test]
fn a_cluster_that_keeps_to_its_policy_passes_and_is_left_as_it_was() {
    let (checks, fake) = outcome(Fake { configured: "a2", ..Fake::new() });
    assert_eq!(broken(&checks), Vec::<String>::new());
    let count = |name: &str, level: Level| {
        checks.iter().filter(|check| check.name == name && check.level == level).count()
    };
    assert_eq!((count("task-runs", Level::Passed), count("task-reach", Level::Passed)), (8, 56));
    assert_eq!(count("task-addresses", Level::Skipped), 2, "Marathon cannot ask for them");
    let dns: Vec<String> = checks
        .iter()
        .filter(|check| check.name == "dns-task")
        .map(|check| format!("{}: {}", check.host.as_ref().unwrap(), check.seen))
        .collect();
    let seen = "one-a-verify-tasks.marathon.mesos: 192.168.0.3, says";
    assert_eq!(dns, [format!("m1: {seen} Mesos-DNS"), format!("a2: {seen} the host's resolver")]);
    assert!(checks.iter().all(|check| calico_mesos_install::verify::NAMES.contains(&check.name)));
    let edge = |from: &str, to: &str| {
        let edges = checks.iter().filter_map(|check| check.edge.as_ref());
        edges.into_iter().find(|edge| edge.from == from && edge.to == to).unwrap().must_reach
    };
    for (from, to, must) in [
        ("one-a", "one-c", true),
        ("one-a", "one-b", true),
        ("one-a", "two-a", false),
        ("one-a", "two-b", false),
        ("both", "two-a", true),
        ("one-a", "both", true),
        ("two-b", "public", true),
        // Its group lets everything out, and nobody's group lets it in.
        ("public", "one-a", false),
        // In no group, a task gets out to its own host only.
        ("alone", "public", false),
        ("one-a", "alone", false),
    ] {
        assert_eq!(edge(from, to), must, "{from} → {to}");
    }
    assert_eq!(fake.requests[1], "DELETE /v2/groups/verify-tasks?force=true", "what an earlier run left");
}

#[test]
fn a_stand_in_is_asked_like_the_real_one() {
    let (checks, _) = outcome(Fake { info: json!({"version": "1.1.2", "build": "stand-in"}), ..Fake::new() });
    assert_eq!(broken(&checks), Vec::<String>::new());
    assert!(checks.iter().any(|check| check.name == "task-reach" && check.level == Level::Passed));
}

#[test]
fn a_wall_that_is_missing_and_one_too_many_are_found() {
    let (checks, _) = outcome(Fake { reaches: |_, _| true, ..Fake::new() });
    let found = broken(&checks);
    assert!(
        found.contains(
            &"task-reach: one-a → two-b on another agent: reached, and must be kept out: they share no group"
                .to_owned()
        )
    );
    let must_not =
        checks.iter().filter(|check| check.edge.as_ref().is_some_and(|edge| !edge.must_reach)).count();
    assert_eq!(found.len(), must_not);

    // As if the agents had no route to one another.
    let one_agent = |from: &Value, to: &Value| from["constraints"] == to["constraints"] && truth(from, to);
    let (checks, fake) = outcome(Fake { reaches: one_agent, ..Fake::new() });
    let found = broken(&checks);
    assert!(found.contains(
        &"task-reach: one-a → one-b on another agent: not reached, and must be: both are in the group verify-one"
            .to_owned()
    ));
    assert!(found.iter().all(|text| text.contains("on another agent")), "{found:?}");
    assert!(fake.elapsed > Duration::from_secs(10), "policy gets time to be in effect");
}

#[test]
fn people_see_a_table_of_who_reaches_whom() {
    let leak = |from: &Value, to: &Value| {
        truth(from, to) || (from["id"] == "/verify-tasks/two-a" && to["id"] == "/verify-tasks/one-a")
    };
    let (checks, _) = outcome(Fake { reaches: leak, ..Fake::new() });
    let shown = |checks: &[Check]| anstream::adapter::strip_str(&show_checks(checks)).to_string();
    insta::assert_snapshot!("table_of_tasks", shown(&checks));
    // What was not looked at is told once, and no table is made of it.
    let cluster = with_agents(2, "mesos", r#"["agent"]"#);
    let mut fake = Fake::new();
    insta::assert_snapshot!("table_of_tasks_skipped", shown(&run(&setup(&cluster), &mut fake)));
}

#[test]
fn a_task_that_does_not_run_fails_with_its_reason_and_what_depends_on_it() {
    let (checks, fake) = outcome(Fake { broken: "one-b", ..Fake::new() });
    let found = broken(&checks);
    assert!(
        found[0].starts_with("task-runs: one-b: 0 of 1 tasks run")
            && found[0].ends_with("on a1: Missing hostname"),
        "{found:?}"
    );
    assert_eq!(found.len(), 15, "the task, and every pair that it is of");
    assert!(found[1..].iter().all(|text| text.contains("not asked: one-b does not run")), "{found:?}");
    assert!(fake.elapsed >= Duration::from_secs(300));
}

#[test]
fn a_task_on_its_hosts_address_is_found() {
    let cluster = cluster(1, "mesos");
    let mut fake = Fake { inactive: true, reaches: |_, _| true, ..Fake::new() };
    let checks = run(&setup(&cluster), &mut fake);
    assert!(
        broken(&checks).contains(&"task-runs: one-a: it runs on its host's address 10.0.0.11".to_owned())
    );
}

#[test]
fn with_one_agent_what_needs_two_is_skipped() {
    let cluster = cluster(1, "mesos");
    let mut fake = Fake::new();
    let checks = run(&setup(&cluster), &mut fake);
    assert_eq!(broken(&checks), Vec::<String>::new());
    let of = |from: &str, to: &str| {
        checks.iter().find(|check| check.case() == Some(format!("{from} → {to}"))).unwrap().level
    };
    assert_eq!((of("one-a", "one-c"), of("one-a", "one-b")), (Level::Passed, Level::Skipped));
    assert!(fake.apps.is_none());
}

#[test]
fn where_nothing_would_be_proved_everything_is_skipped_and_nothing_launched() {
    let mesos = cluster(2, "mesos");
    let docker = cluster(2, "docker");
    let unrouted = with_agents(2, "mesos", r#"["agent"]"#);
    for (setup, info, why) in [
        (
            setup(&unrouted),
            json!({"version": "1.1.2"}),
            "not every agent that would run them has the role calico-node",
        ),
        (setup(&mesos), json!({"version": "1.5.0"}), "Marathon 1.5.0 no longer has net-groups"),
        (setup(&docker), json!({"version": "1.1.2"}), "which only the containerizer mesos has"),
    ] {
        let mut fake = Fake { info, ..Fake::new() };
        let checks = run(&setup, &mut fake);
        assert!(checks.iter().all(|check| check.level == Level::Skipped), "{checks:?}");
        assert!(checks.iter().any(|check| check.name == "dns-task"));
        assert!(checks[0].seen.contains(why), "{}", checks[0].seen);
        assert_eq!(fake.requests, ["GET /v2/info"]);
    }
}

#[test]
fn a_name_that_mesos_dns_does_not_know_is_found_once_it_had_the_time() {
    let (checks, fake) = outcome(Fake { knows: false, configured: "a1", ..Fake::new() });
    let name = "one-a-verify-tasks.marathon.mesos";
    assert_eq!(
        broken(&checks),
        [
            format!("dns-task: {name}: Mesos-DNS: NXDOMAIN: there is no such name"),
            format!("dns-task: {name}: the host's resolver: it knows no such name"),
        ]
    );
    assert!(fake.elapsed >= Duration::from_secs(90), "it reads the master's state every minute");
}

#[test]
fn what_was_launched_is_removed_after_an_interruption_too() {
    // At every point from the launch on.
    for patience in 2..14 {
        let (checks, fake) = outcome(Fake { broken: "one-b", patience, ..Fake::new() });
        let removal = fake.requests.iter().rposition(|request| request.starts_with("DELETE")).unwrap();
        let launch = fake.requests.iter().rposition(|request| request.starts_with("PUT")).unwrap();
        assert!(launch < removal, "{:?}", fake.requests);
        assert!(checks.iter().any(|check| check.name == "tasks-removed" && check.ok));
        assert!(fake.elapsed < Duration::from_secs(20), "nothing is waited for any longer");
    }
}

#[test]
fn what_marathon_does_not_let_go_of_is_told() {
    let (checks, _) = outcome(Fake { sticky: true, ..Fake::new() });
    let removed = checks.iter().find(|check| check.name == "tasks-removed").unwrap();
    assert!(!removed.ok && removed.seen.contains("still has it after 90 s"), "{}", removed.seen);
    assert!(removed.seen.contains("curl -X DELETE"), "{}", removed.seen);
}
