//! Reads the answer of the script in `gather.sh`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use jiff::Timestamp;

use super::Facts;
use super::around::Reader;
use super::{
    Answer, Around, FactsQuery, FileFacts, InstalledPackage, PackageManager, SettingFacts, System, UnitFacts,
};
use crate::model::{HostPath, Mode, Nevra, UnitName};
use crate::receipt::Receipt;

/// The answer of a host is not what the script prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFactsError {
    /// A record cannot be read.
    #[error("the record `{record}` cannot be read: {why}")]
    Record {
        /// The record, abbreviated.
        record: String,
        /// What is wrong with it.
        why: String,
    },
    /// The script did not come to its end.
    #[error("the answer is incomplete: the last record is missing")]
    Incomplete,
}

/// Reads what the script answered to `query`.
///
/// # Errors
/// A record that cannot be read, or an answer that was cut off.
pub fn parse(query: &FactsQuery, text: &str) -> Result<Facts, ParseFactsError> {
    let mut facts = Facts {
        hostname: String::new(),
        machine_id: String::new(),
        kernel: String::new(),
        arch: String::new(),
        init: String::new(),
        os_id: String::new(),
        os_like: String::new(),
        os_version: String::new(),
        os_name: String::new(),
        manager: None,
        rpm: false,
        fault: None,
        pending: BTreeSet::new(),
        clock: Timestamp::UNIX_EPOCH,
        clock_end: Timestamp::UNIX_EPOCH,
        offset: None,
        memory: 0,
        free: BTreeMap::new(),
        packages: BTreeMap::new(),
        files: BTreeMap::new(),
        units: BTreeMap::new(),
        cache: BTreeMap::new(),
        blocks: BTreeMap::new(),
        system: System::default(),
        receipt: None,
        around: Around::default(),
        settings: BTreeMap::new(),
        answers: vec![Answer::Nothing; query.probes.len()],
    };
    let mut properties: Vec<(&str, &str)> = Vec::new();
    let mut around = Reader::default();
    let mut ended = false;
    for record in text.lines() {
        let mut fields = Fields { record, rest: record.split('\t') };
        match fields.text() {
            "clock" => facts.clock = fields.seconds()?,
            "hostname" => facts.hostname = fields.text().to_owned(),
            "machine-id" => facts.machine_id = fields.text().to_owned(),
            "kernel" => {
                facts.kernel = fields.text().to_owned();
                facts.arch = fields.text().to_owned();
            }
            "init" => facts.init = fields.text().to_owned(),
            "os" => {
                let field = match fields.text() {
                    "ID" => &mut facts.os_id,
                    "ID_LIKE" => &mut facts.os_like,
                    "VERSION_ID" => &mut facts.os_version,
                    "PRETTY_NAME" => &mut facts.os_name,
                    _ => continue,
                };
                *field = fields.text().trim_matches(['"', '\'']).to_owned();
            }
            "memory" => facts.memory = fields.parsed::<u64>()? * 1024,
            "manager" => {
                facts.manager = match fields.text() {
                    "dnf" => Some(PackageManager::Dnf),
                    _ => Some(PackageManager::Yum),
                }
            }
            "rpm" => facts.rpm = true,
            "fault" => facts.fault = Some(fields.text().to_owned()),
            "pending" => facts.pending.extend(fields.text().parse::<UnitName>().ok()),
            "free" => {
                let kib: u64 = fields.parsed()?;
                facts.free.insert(fields.text().to_owned(), kib * 1024);
            }
            "cached" => {
                let size = fields.parsed()?;
                let name = fields.text().rsplit('/').next().unwrap_or_default().to_owned();
                facts.cache.insert(name, size);
            }
            "receipt" => facts.receipt = Receipt::from_text(&fields.bytes()?),
            "package" => {
                let package = fields.package()?;
                facts.packages.insert(package.nevra.name.clone(), package);
            }
            "stat" => {
                let file = fields.stat()?;
                facts.files.insert(fields.parsed()?, file);
            }
            "digest" => {
                let digest = fields.parsed()?;
                let path: HostPath = fields.parsed()?;
                if let Some(file) = facts.files.get_mut(&path) {
                    file.digest = Some(digest);
                }
            }
            "content" => {
                let path: HostPath = fields.parsed()?;
                let bytes = fields.bytes()?;
                if let Some(file) = facts.files.get_mut(&path) {
                    file.content = Some(bytes);
                }
            }
            "show" => match fields.text().split_once('=') {
                Some(property) => properties.push(property),
                None => unit(&mut facts.units, &mut properties),
            },
            "probe" => {
                let id: usize = fields.parsed()?;
                let answered = fields.text() == "ok";
                let bytes = fields.bytes()?;
                if let (true, Some(answer)) = (answered, facts.answers.get_mut(id)) {
                    *answer = Answer::Bytes(bytes);
                }
            }
            "setting" => {
                let name = fields.parsed()?;
                let setting = match fields.parsed()? {
                    0 => SettingFacts::Value(String::from_utf8_lossy(&fields.bytes()?).trim().to_owned()),
                    status => SettingFacts::Unreadable(status),
                };
                facts.settings.insert(name, setting);
            }
            "end" => {
                ended = true;
                facts.clock_end = fields.seconds().unwrap_or(facts.clock);
            }
            "block" => {
                let path = fields.parsed()?;
                facts.blocks.insert(path, fields.bytes()?);
            }
            kind @ ("container" | "loaded" | "sysctl" | "label" | "unknown-type" | "enforcing"
            | "firewall" | "now" | "permanent") => {
                facts.system.record(kind, fields.text(), fields.text(), fields.text());
            }
            // A shell may print what it likes at login; only our records count.
            kind => {
                if let Some((_, rest)) = record.split_once('\t') {
                    around.record(kind, rest);
                }
            }
        }
    }
    unit(&mut facts.units, &mut properties);
    facts.around = around.end();
    if ended { Ok(facts) } else { Err(ParseFactsError::Incomplete) }
}

/// Turns the properties of one unit, as `systemctl show` prints them, into its facts.
fn unit(units: &mut BTreeMap<UnitName, UnitFacts>, properties: &mut Vec<(&str, &str)>) {
    let of = |key: &str| properties.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value);
    if let Ok(name) = of("Id").parse() {
        let facts = UnitFacts {
            load: of("LoadState").to_owned(),
            active: of("ActiveState").to_owned(),
            sub: of("SubState").to_owned(),
            enabled: of("UnitFileState").to_owned(),
            needs_reload: of("NeedDaemonReload") == "yes",
        };
        units.insert(name, facts);
    }
    properties.clear();
}

/// The fields of one record, taken from left to right.
struct Fields<'a> {
    record: &'a str,
    rest: std::str::Split<'a, char>,
}

impl<'a> Fields<'a> {
    fn text(&mut self) -> &'a str {
        self.rest.next().unwrap_or_default()
    }

    fn parsed<T: FromStr<Err: ToString>>(&mut self) -> Result<T, ParseFactsError> {
        self.text().parse().map_err(|error: T::Err| self.wrong(error))
    }

    fn seconds(&mut self) -> Result<Timestamp, ParseFactsError> {
        let seconds = self.parsed()?;
        Timestamp::from_second(seconds).map_err(|error| self.wrong(error))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, ParseFactsError> {
        use base64::Engine as _;
        let text = self.text();
        base64::prelude::BASE64_STANDARD.decode(text).map_err(|error| self.wrong(error))
    }

    fn stat(&mut self) -> Result<FileFacts, ParseFactsError> {
        let kind = self.text().to_owned();
        let mode = format!("{:0>4}", self.text()).parse::<Mode>().map_err(|error| self.wrong(error))?;
        let (owner, group) = (self.text().to_owned(), self.text().to_owned());
        Ok(FileFacts { digest: None, owner, group, mode, kind, content: None })
    }

    fn package(&mut self) -> Result<InstalledPackage, ParseFactsError> {
        let nevra = Nevra {
            name: self.parsed()?,
            epoch: self.parsed()?,
            version: self.text().to_owned(),
            release: self.text().to_owned(),
            arch: self.text().to_owned(),
        };
        Ok(InstalledPackage { nevra, header_sha1: self.text().to_owned() })
    }

    fn wrong(&self, why: impl ToString) -> ParseFactsError {
        ParseFactsError::Record { record: self.record.chars().take(120).collect(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::desired::{HealthCheck, Probe, Setting};
    use crate::model::OsRelease;

    fn setting(name: &str, read: &str) -> Setting {
        Setting { name: name.parse().unwrap(), wanted: String::new(), read: read.into(), write: "".into() }
    }

    #[test]
    fn every_record_about_the_system_is_read() {
        let text = "container\tyes\nloaded\tipip\nsysctl\ta.b\tyes\t1\nenforcing\t1\tenforcing\n\
                    unknown-type\tno_t\nlabel\t/x\tu:r:bin_t:s0\nfirewall\nnow\t1/tcp\npermanent\t2/tcp\n";
        let read = |text: &str| parse(&FactsQuery::default(), &format!("{text}end\t0\n"));
        let all = read(text).unwrap().system;
        for line in text.lines().filter(|line| *line != "firewall") {
            let without = read(&text.replace(&format!("{line}\n"), "")).unwrap().system;
            assert_ne!(without, all, "{line}");
        }
    }

    #[test]
    fn the_script_itself_answers_on_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let (same, other) = (folder.path().join("same"), folder.path().join("other file"));
        fs_err::write(&same, "same").unwrap();
        fs_err::write(&other, "other").unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            use std::io::{BufRead as _, BufReader, Write as _};
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(&stream).lines().map_while(Result::ok);
            let request: Vec<String> = request.take_while(|line| !line.is_empty()).collect();
            assert_eq!(request[0], "GET /x HTTP/1.0");
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfine").unwrap();
        });
        let path = |path: &std::path::Path| path.to_str().unwrap().parse::<HostPath>().unwrap();
        let probe = |port, probe| HealthCheck { address: [127, 0, 0, 1].into(), port, probe };
        let query = FactsQuery {
            packages: vec!["no-such-package".parse().unwrap()],
            files: BTreeMap::from([
                (path(&same), Some(crate::model::Digest::of("same"))),
                (path(&other), Some(crate::model::Digest::of("something else"))),
                ("/no/such/file".parse().unwrap(), None),
            ]),
            units: vec!["no-such.service".parse().unwrap()],
            probes: vec![
                probe(1, Probe::Tcp),
                probe(port, Probe::Http { path: "/x".to_owned(), contains: None }),
            ],
            settings: [("said", "echo ' a b '"), ("silent", "exit 7")]
                .map(|(name, read)| setting(name, read))
                .into(),
            ..FactsQuery::default()
        };
        let command = query.command();
        let mut child = Command::new(&command.words()[0])
            .args(&command.words()[1..])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), command.input()).unwrap();
        let output = child.wait_with_output().unwrap();
        let facts = parse(&query, &String::from_utf8(output.stdout).unwrap()).unwrap();

        assert!(!facts.kernel.is_empty() && !facts.arch.is_empty() && !facts.os_id.is_empty());
        assert!(facts.memory > 0 && facts.free_at("/etc/passwd").is_some_and(|free| free > 0));
        let same = &facts.files[&path(&same)];
        assert_eq!((same.digest, &same.content), (Some(crate::model::Digest::of("same")), &None));
        let other = &facts.files[&path(&other)];
        assert_eq!(other.content.as_deref(), Some(&b"other"[..]));
        assert!(!facts.files.contains_key(&"/no/such/file".parse::<HostPath>().unwrap()));
        assert_eq!(facts.settings["said"], SettingFacts::Value("a b".to_owned()));
        assert_eq!(facts.settings["silent"], SettingFacts::Unreadable(7));
        assert_eq!(facts.answers[0], Answer::Nothing);
        assert_eq!(facts.answers[1].body().as_deref(), Ok("fine"));
    }

    #[test]
    fn units_and_packages_are_read() {
        let text = "package\tmesos\t0\t0.28.2\t1\tx86_64\tabc\n\
            show\tId=mesos-slave.service\nshow\tLoadState=loaded\nshow\tActiveState=active\nshow\tSubState=running\n\
            show\tUnitFileState=enabled\nshow\tNeedDaemonReload=no\nshow\t\n\
            show\tId=etcd.service\nshow\tLoadState=not-found\npending\tetcd.service\n\
            fault\tno database\nend\n";
        let facts = parse(&FactsQuery::default(), text).unwrap();
        assert_eq!(facts.packages["mesos"].nevra.to_string(), "mesos-0.28.2-1.x86_64");
        let agent = &facts.units["mesos-slave.service"];
        assert_eq!((agent.enabled.as_str(), agent.needs_reload), ("enabled", false));
        assert_eq!(facts.units["etcd.service"].load, "not-found");
        assert!(facts.pending.contains("etcd.service"));
        assert_eq!(facts.fault.as_deref(), Some("no database"));
    }

    #[test]
    fn the_distribution_says_what_it_is_and_what_it_is_like() {
        let text = "os\tID\t\"rocky\"\nos\tID_LIKE\t\"rhel centos fedora\"\nos\tVERSION_ID\t\"9.4\"\nend\n";
        let facts = parse(&FactsQuery::default(), text).unwrap();
        let expected = OsRelease { id: "rocky", id_like: "rhel centos fedora", version_id: "9.4" };
        assert_eq!(facts.os(), expected);
    }

    #[test]
    fn an_answer_that_was_cut_off_is_refused() {
        assert_eq!(parse(&FactsQuery::default(), "rpm\tyes\n"), Err(ParseFactsError::Incomplete));
        assert!(parse(&FactsQuery::default(), "clock\tx\nend\n").is_err());
    }
}
