//! What every test begins with: a lab, packages, an inventory, and the tool run on them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

const TOOL: &str = env!("CARGO_BIN_EXE_calico-mesos-install");

/// Where tests keep what they share and what they leave.
fn shared() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("end-to-end")
}

/// The packages of release `lab`: built by the first test that wants them, while the others wait.
pub(crate) fn packages() -> Utf8PathBuf {
    fs_err::create_dir_all(shared()).unwrap();
    let lock = fs_err::File::create(shared().join("dist.lock")).unwrap();
    rustix::fs::flock(lock.file(), rustix::fs::FlockOperation::LockExclusive).unwrap();
    let dist = shared().join("dist");
    let output =
        Command::new(TOOL).args(["build", "--release", "lab", "--out", dist.as_str()]).output().unwrap();
    assert!(output.status.success(), "build: {}", text(&output.stderr));
    dist
}

/// A lab with its inventory; taken away at the end of the test, however that ends.
pub(crate) struct Lab {
    root: Utf8PathBuf,
    /// The third number of its subnet, 172.24.N.0/24.
    subnet: u8,
    /// The inventory of the test, which [`Lab::write`] puts in place.
    pub(crate) inventory: toml::Table,
}

impl Lab {
    /// Boots masters and agents. `name` and `subnet` tell the labs of tests apart.
    pub(crate) fn up(name: &str, subnet: u8, masters: usize, agents: usize) -> Self {
        let dist = packages();
        let root = shared().join(name);
        let lab = Self { root, subnet, inventory: toml::Table::new() };
        // What a killed test left behind.
        lab.lab(&["down"]);
        let _ = fs_err::remove_dir_all(&lab.root);
        fs_err::create_dir_all(&lab.root).unwrap();
        let (masters, agents) = (masters.to_string(), agents.to_string());
        let network = format!("172.24.{subnet}.0/24");
        let arguments = ["up", "--subnet", &network, "--masters", &masters, "--agents", &agents];
        let output = lab.lab(&arguments);
        assert!(output.status.success(), "lab up: {}", text(&output.stderr));
        lab.with_inventory(&dist)
    }

    fn with_inventory(mut self, dist: &Utf8Path) -> Self {
        let made = fs_err::read_to_string(self.dir().join("inventory.toml")).unwrap();
        self.inventory = made.parse().unwrap();
        self.set("packages", "repo", dist.as_str());
        self.set("ssh", "identity_file", self.dir().join("id_ed25519").as_str());
        self.set("ssh", "known_hosts", self.dir().join("known_hosts").as_str());
        self.write();
        self
    }

    /// The folder of the test itself, beside the lab's.
    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        self.root.join(name)
    }

    /// The lab's folder.
    pub(crate) fn dir(&self) -> Utf8PathBuf {
        self.path("lab")
    }

    /// The address of the host at a place: 101 is the first.
    pub(crate) fn address(&self, place: u8) -> String {
        format!("172.24.{}.{place}", self.subnet)
    }

    /// Changes a key of the inventory.
    pub(crate) fn set(&mut self, table: &str, key: &str, value: impl Into<toml::Value>) {
        let table = self.inventory.entry(table).or_insert_with(|| toml::Table::new().into());
        table.as_table_mut().unwrap().insert(key.to_owned(), value.into());
        self.write();
    }

    /// Gives a host of the inventory these roles.
    pub(crate) fn set_roles(&mut self, host: &str, roles: &[&str]) {
        let hosts = self.inventory["hosts"].as_array_mut().unwrap();
        let host = hosts.iter_mut().find(|known| known["name"].as_str() == Some(host)).unwrap();
        host.as_table_mut().unwrap().insert("roles".to_owned(), roles.to_vec().into());
        self.write();
    }

    fn write(&self) {
        fs_err::write(self.file(), self.inventory.to_string()).unwrap();
    }

    fn file(&self) -> Utf8PathBuf {
        self.path("inventory.toml")
    }

    /// Runs `lab VERB …`.
    pub(crate) fn lab(&self, arguments: &[&str]) -> Output {
        let (verb, rest) = arguments.split_first().unwrap();
        let dir = self.dir();
        let mut command = Command::new(TOOL);
        command.args(["lab", verb, "--dir", dir.as_str()]).args(rest).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Runs a shell script on a host by plain ssh, and returns its status and what it printed.
    pub(crate) fn try_on(&self, host: &str, script: &str) -> (i32, String) {
        let output = self.lab(&["ssh", host, "--", script]);
        let said = text(&output.stdout) + &text(&output.stderr);
        (output.status.code().unwrap(), said.trim().to_owned())
    }

    /// Runs a shell script on a host that must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn on(&self, host: &str, script: &str) -> String {
        let (status, said) = self.try_on(host, script);
        assert_eq!(status, 0, "{host}: {script}\n{said}");
        said
    }

    /// A command of the tool on the inventory, with `--json`.
    pub(crate) fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut tool = Command::new(TOOL);
        tool.args([command, self.file().as_str(), "--json"]).args(arguments).stdin(Stdio::null());
        tool
    }

    /// Runs a command of the tool on the inventory.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Run {
        Run::of(self.command(command, arguments))
    }

    /// Runs `apps VERB` for applications.
    pub(crate) fn apps(&self, verb: &str, apps: &[&str]) -> Run {
        let mut tool = Command::new(TOOL);
        tool.args(["apps", verb, self.file().as_str(), "--json"]).args(apps).stdin(Stdio::null());
        Run::of(tool)
    }

    /// Runs `apply --yes`.
    pub(crate) fn apply(&self) -> Run {
        self.run("apply", &["--yes"])
    }

    /// Starts `apply --yes`, to be watched.
    pub(crate) fn begin(&self) -> Running {
        let mut child =
            self.command("apply", &["--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines, events: Vec::new() }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let output = self.lab(&["down"]);
        if std::thread::panicking() {
            return;
        }
        assert!(output.status.success(), "lab down: {}", text(&output.stderr));
        let _ = fs_err::remove_dir_all(&self.root);
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command to its end.
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        let events = text(&output.stdout).lines().map(event).collect();
        Self { status: output.status.code().unwrap_or(-1), events, stderr: text(&output.stderr) }
    }

    /// The run, if it ended with this status.
    #[track_caller]
    pub(crate) fn exit(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The hosts of the summary in this order: changed, unchanged, failed, unreachable, skipped.
    #[track_caller]
    pub(crate) fn totals(&self) -> [u64; 5] {
        let summary = self.events.last().unwrap_or_else(|| panic!("no event: {self}"));
        assert_eq!(summary["type"], "summary", "the last line is the summary: {self}");
        ["changed", "unchanged", "failed", "unreachable", "skipped"]
            .map(|outcome| summary["hosts"][outcome].as_u64().unwrap())
    }

    /// The last line about a host.
    #[track_caller]
    pub(crate) fn host(&self, name: &str) -> &Value {
        let mut lines = self.events.iter().filter(|event| event["type"] == "host" && event["name"] == name);
        lines.next().unwrap_or_else(|| panic!("nothing about {name}: {self}"))
    }

    /// How the run ended for a host.
    #[track_caller]
    pub(crate) fn outcome(&self, name: &str) -> &str {
        self.host(name)["outcome"].as_str().unwrap()
    }

    /// What the run says went wrong on a host.
    #[track_caller]
    pub(crate) fn error(&self, name: &str) -> &str {
        self.host(name)["error"].as_str().unwrap_or_else(|| panic!("no error on {name}: {self}"))
    }

    /// Fails unless a check found something wrong with a host; `parts` must be in what was seen or in the remedy.
    #[track_caller]
    pub(crate) fn assert_check(&self, name: &str, host: &str, parts: &[&str]) {
        let mut checks = self.events.iter().filter(|event| event["type"] == "check" && event["ok"] == false);
        let found = checks.find(|check| check["name"] == name && check["host"] == host);
        let found = found.unwrap_or_else(|| panic!("the check {name} says nothing of {host}: {self}"));
        let said = format!("{} {}", found["seen"], found["remedy"]);
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in what {name} says of {host}: {said}");
        }
    }

    /// The steps that were planned for a host, each as its action and what it is about.
    #[track_caller]
    pub(crate) fn planned(&self, host: &str) -> Vec<String> {
        let mut plans = self.events.iter().filter(|event| event["type"] == "plan" && event["host"] == host);
        let plan = plans.next().unwrap_or_else(|| panic!("no plan of {host}: {self}"));
        plan["steps"].as_array().unwrap().iter().map(step).collect()
    }

    /// Where among the events this one is: a step's beginning by its action, its end by its words.
    #[track_caller]
    pub(crate) fn position(&self, kind: &str, host: &str, what: &str) -> usize {
        let found = self.events.iter().position(|event| {
            let words = event["step"].as_str().or(event["action"].as_str()).unwrap_or_default();
            event["type"] == kind && event["host"] == host && words.starts_with(what)
        });
        found.unwrap_or_else(|| panic!("no {kind} of {what} on {host}: {self}"))
    }

    /// The steps that were begun, each as host, action and what it is about, in order.
    pub(crate) fn started(&self) -> Vec<String> {
        let started = self.events.iter().filter(|event| event["type"] == "step-started");
        started.map(|event| format!("{} {}", event["host"].as_str().unwrap(), step(event))).collect()
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "status {}", self.status)?;
        let telling = |event: &&Value| {
            ["host", "summary", "check"].iter().any(|kind| event["type"] == *kind)
                || !event["error"].is_null()
        };
        for event in self.events.iter().filter(telling) {
            writeln!(f, "{event}")?;
        }
        write!(f, "{}", self.stderr)
    }
}

/// An `apply` at work.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    events: Vec<Value>,
}

impl Running {
    /// Reads events until one fits, and returns whether one did before the run ended.
    pub(crate) fn until(&mut self, mut fits: impl FnMut(&Value) -> bool) -> bool {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            let event = event(line.trim_end());
            line.clear();
            let found = fits(&event);
            self.events.push(event);
            if found {
                return true;
            }
        }
        false
    }

    /// Ends the process at once, as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends the process what Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Run {
        self.until(|_| false);
        let output = self.child.wait_with_output().unwrap();
        Run { status: output.status.code().unwrap_or(-1), events: self.events, stderr: text(&output.stderr) }
    }
}

fn event(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"))
}

/// A step in short: its action and what it is about.
fn step(step: &Value) -> String {
    let about = ["path", "unit"].iter().find_map(|key| step[*key].as_str());
    let action = step["action"].as_str().unwrap();
    about.map_or_else(|| action.to_owned(), |about| format!("{action} {about}"))
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
