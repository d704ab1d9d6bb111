//! What a host sees around it: whether others' names resolve there, whether their ports can be reached from there, and
//! whether its own repositories have a package.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::ParseFactsError;
use crate::model::{HostName, PackageName};
use crate::transport::Command;

const SURVEY: &str = include_str!("survey.sh");

/// What one host is asked about what is around it, in one round trip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SurveyQuery {
    /// Names that it should know.
    pub names: Vec<HostName>,
    /// Addresses and TCP ports that it should reach.
    pub ports: Vec<(IpAddr, u16)>,
    /// Packages that its own repositories should have.
    pub packages: Vec<PackageName>,
}

/// What one host answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The addresses of the names that it knows; none where it has no way to tell.
    pub names: BTreeMap<HostName, Option<Vec<IpAddr>>>,
    /// How each port answered, in the order of the query.
    pub ports: Vec<Reached>,
    /// Whether its repositories have the packages.
    pub packages: BTreeMap<PackageName, Offered>,
}

/// What came of looking for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// It can be installed.
    Yes,
    /// No repository has it.
    No,
    /// The package manager said something else.
    Unknown(String),
}

/// What came of trying to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// Somebody answered: by accepting, or by refusing because nobody listens there yet.
    Answered,
    /// Nobody answered; what the host said.
    Not(String),
    /// The host has nothing to try with, or something else came of it.
    Unknown(String),
}

impl SurveyQuery {
    /// The command that asks.
    pub fn command(&self) -> Command {
        let mut text = String::new();
        for name in &self.names {
            let _ = writeln!(text, "name\t{name}");
        }
        for (id, (address, port)) in self.ports.iter().enumerate() {
            let _ = writeln!(text, "reach\t{id}\t{address}\t{port}");
        }
        for package in &self.packages {
            let _ = writeln!(text, "package\t{package}");
        }
        Command::script::<String>(SURVEY, []).stdin(text)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.ports.is_empty() && self.packages.is_empty()
    }

    /// Reads what the script answered.
    ///
    /// # Errors
    /// An answer that was cut off.
    pub fn parse(&self, text: &str) -> Result<Survey, ParseFactsError> {
        let silent = || Reached::Unknown("it gave no answer".to_owned());
        let ports = self.ports.iter().map(|_| silent()).collect();
        let mut survey = Survey { names: BTreeMap::new(), ports, packages: BTreeMap::new() };
        let mut ended = false;
        for line in text.lines() {
            let mut fields = line.split('\t');
            let kind = fields.next().unwrap_or_default();
            match (kind, fields.next()) {
                ("resolved", Some(name)) => {
                    let addresses = fields.filter_map(|field| field.parse().ok()).collect();
                    survey.names.extend(name.parse().ok().map(|name| (name, Some(addresses))));
                }
                ("no-resolver", Some(name)) => {
                    survey.names.extend(name.parse().ok().map(|name| (name, None)))
                }
                ("reached", Some(id)) => {
                    let (status, said) =
                        (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
                    let place = id.parse().ok().and_then(|id: usize| survey.ports.get_mut(id));
                    place.into_iter().for_each(|place| *place = reached(status, said));
                }
                ("offered", Some(name)) => {
                    let (status, said) =
                        (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
                    survey.packages.extend(name.parse().ok().map(|name| (name, offered(status, said))));
                }
                ("end", None) => ended = true,
                _ => {}
            }
        }
        if ended { Ok(survey) } else { Err(ParseFactsError::Incomplete) }
    }
}

/// What bash, python, curl and nc say when they try to connect.
fn reached(status: &str, said: &str) -> Reached {
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if status == "unknown" {
        return Reached::Unknown("neither bash, python3, curl nor nc is there".to_owned());
    }
    if status == "0" || has(&["refused", "connected to", "succeeded", "open"]) {
        return Reached::Answered;
    }
    if has(&["no route"]) {
        return Reached::Not("no route to host".to_owned());
    }
    if has(&["unreachable"]) {
        return Reached::Not("the network is unreachable".to_owned());
    }
    // 124 is timeout's own, 28 curl's.
    if has(&["timed out", "timeout"]) || ["124", "28", "143"].contains(&status) {
        return Reached::Not("no answer within 3 s".to_owned());
    }
    Reached::Unknown(if said.is_empty() { format!("status {status}") } else { said.trim().to_owned() })
}

/// What dnf and yum say when they look for a package.
fn offered(status: &str, said: &str) -> Offered {
    match status {
        "0" => Offered::Yes,
        _ if said.to_lowercase().contains("no matching packages") => Offered::No,
        "124" => Offered::Unknown("no answer within 4 min".to_owned()),
        _ => Offered::Unknown(said.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command as Process, Stdio};

    use super::*;

    #[test]
    fn the_script_itself_asks_from_this_machine() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().port();
        let query = SurveyQuery {
            names: vec!["localhost".parse().unwrap(), "no-such-host.invalid".parse().unwrap()],
            ports: vec![([127, 0, 0, 1].into(), open), ([127, 0, 0, 1].into(), 1)],
            packages: Vec::new(),
        };
        let command = query.command();
        let mut child = Process::new(&command.words()[0])
            .args(&command.words()[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(command.input()).unwrap();
        let output = child.wait_with_output().unwrap();
        let survey = query.parse(&String::from_utf8(output.stdout).unwrap()).unwrap();
        assert_eq!(survey.ports, [Reached::Answered, Reached::Answered], "a refusal is an answer");
        let localhost = survey.names["localhost"].as_ref().unwrap();
        assert!(localhost.iter().any(IpAddr::is_loopback), "{localhost:?}");
        assert_eq!(survey.names["no-such-host.invalid"], Some(Vec::new()));
    }

    #[test]
    fn what_programs_say_is_understood() {
        for (status, said) in [
            ("1", "bash: connect: Connection refused bash: line 1: /dev/tcp/10.0.0.1/1: Connection refused"),
            ("1", "[Errno 111] Connection refused"),
            ("28", "* Connected to 10.0.0.1 (10.0.0.1) port 22 (#0) curl: (28) Operation timed out"),
            ("0", ""),
        ] {
            assert_eq!(reached(status, said), Reached::Answered, "{said}");
        }
        for (status, said) in [
            ("124", ""),
            ("1", "bash: connect: No route to host"),
            ("1", "bash: connect: Connection timed out"),
            ("1", "[Errno 101] Network is unreachable"),
            ("28", "curl: (28) Connection timed out after 3001 milliseconds"),
        ] {
            assert!(matches!(reached(status, said), Reached::Not(_)), "{said}");
        }
        assert!(matches!(reached("unknown", ""), Reached::Unknown(_)));
        assert!(matches!(reached("2", "bash: cannot do that"), Reached::Unknown(_)));
        // dnf 4, dnf 5, yum.
        for said in ["Error: No matching Packages to list", "No matching packages to list"] {
            assert_eq!(offered("1", said), Offered::No);
        }
        assert_eq!(offered("0", "Available Packages mesos.x86_64 0.28.2-1 site"), Offered::Yes);
        let down = "Error: Failed to download metadata for repo 'site'";
        assert_eq!(offered("1", down), Offered::Unknown(down.to_owned()));
    }
}
