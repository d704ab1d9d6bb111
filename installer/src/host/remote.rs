//! A host behind a session. Every operation is one remote command, or two for an upload.

use std::time::Duration;

use jiff::Timestamp;

use super::{Host, HostError, Materials, StepFailed, await_healthy};
use crate::desired::SystemSetting;
use crate::facts::{self, Answer, CACHE_DIR, Facts, FactsQuery, Inquiry, STATE_DIR, Survey, SurveyQuery};
use crate::history::Record;
use crate::model::{Digest, HostPath, Nevra, UnitName};
use crate::plan::{self, Action, FileChange, PackageChange};
use crate::receipt::Receipt;
use crate::transport::{Command, Held, Output, Session, Upload};

/// Puts files in place.
const FILES_SCRIPT: &str = include_str!("files.sh");

/// Changes packages and proves that they changed.
const PACKAGES_SCRIPT: &str = include_str!("packages.sh");

/// Takes away what the tool kept for itself.
const FORGET_SCRIPT: &str = include_str!("forget.sh");

/// Keeps the record of a run.
const REMEMBER_SCRIPT: &str = include_str!("remember.sh");

/// How many runs can be gone back to.
const RECORDS: usize = 10;

/// Prints the records of runs.
const HISTORY_SCRIPT: &str = include_str!("history.sh");

/// Starts a unit anew.
const START_SCRIPT: &str = include_str!("start.sh");

/// Sets what the host's own system must be like.
const SYSTEM_SCRIPT: &str = include_str!("system.sh");

/// Has a unit read its files again.
const RELOAD_SCRIPT: &str = include_str!("reload.sh");

/// Stops a unit for good.
const STOP_SCRIPT: &str = include_str!("stop.sh");

/// Takes the host's lock until the session ends.
const LOCK_SCRIPT: &str = include_str!("lock.sh");

/// The exit status by which that script says that another run holds it.
const LOCK_HELD: i32 = 75;

/// Verifies a file that has arrived.
const ARRIVED_SCRIPT: &str = include_str!("arrived.sh");

/// The exit status by which that script says that the digest is another.
const ARRIVED_DAMAGED: i32 = 65;

/// A package transaction may have to fetch what packages require from slow mirrors.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(30 * 60);

/// A host that is reached through a [`Session`].
pub struct RemoteHost<'c> {
    session: Box<dyn Session>,
    /// Uploads begun by an earlier run: bytes that are there, by file name.
    partial: std::collections::BTreeMap<String, u64>,
    /// The name of this run, under which backups are kept.
    run: String,
    cancel: &'c super::Cancel,
}

impl<'c> RemoteHost<'c> {
    /// A host behind `session`; backups are kept under the name `run`.
    pub fn new(session: Box<dyn Session>, run: &str, cancel: &'c super::Cancel) -> Self {
        Self { session, partial: Default::default(), run: run.to_owned(), cancel }
    }

    /// Runs a command that must succeed; `what` is its short form for errors.
    fn run(&mut self, what: impl Into<String>, command: &Command) -> Result<Output, HostError> {
        let output = self.session.run(command)?;
        if output.success() { Ok(output) } else { Err(HostError::command(what, &output)) }
    }

    fn upload(
        &mut self,
        package: &Nevra,
        digest: Digest,
        materials: &Materials<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), HostError> {
        let built = materials.packages.and_then(|set| Some((set, set.find(&package.name)?)));
        let Some((set, built)) = built else { return Ok(()) };
        let name = plan::cached_name(digest);
        let part_name = format!("{name}.part");
        let source = set.path(built);
        let target = cache_path(&name)?;
        let part = cache_path(&part_name)?;
        // What an earlier run sent is taken up again, unless it is longer than the file can be.
        let offset = self.partial.remove(&part_name).filter(|sent| *sent <= built.size).unwrap_or(0);
        self.session.upload(&Upload { source: &source, offset, target: &part }, progress)?;
        let arguments = [digest.to_string(), part.to_string(), target.to_string()];
        let output = self.session.run(&Command::script(ARRIVED_SCRIPT, arguments))?;
        match output.status {
            0 => Ok(()),
            ARRIVED_DAMAGED => Err(HostError::Damaged { package: package.to_string() }),
            _ => Err(HostError::command(format!("verify {part}"), &output)),
        }
    }

    fn change_packages(
        &mut self,
        changes: &[PackageChange],
        materials: &Materials<'_>,
    ) -> Result<(), HostError> {
        let mut records = String::new();
        for change in changes {
            let name = change.name();
            let (verb, digest) = match change {
                PackageChange::Remove { .. } => {
                    records.push_str(&format!("remove\t{name}\n"));
                    continue;
                }
                PackageChange::InstallProvided { .. } => {
                    records.push_str(&format!("install\t{name}\nexpect\t{name}\t-\n"));
                    continue;
                }
                PackageChange::Reinstall { digest, .. } => ("reinstall", digest),
                PackageChange::Install { digest, .. }
                | PackageChange::Upgrade { digest, .. }
                | PackageChange::Downgrade { digest, .. } => ("install", digest),
            };
            let file = cache_path(&plan::cached_name(*digest))?;
            let built = materials.packages.and_then(|set| set.find(name));
            let sha1 = built.map_or("-", |built| built.header_sha1.as_str());
            records.push_str(&format!("verify\t{digest}\t{file}\n{verb}\t{file}\nexpect\t{name}\t{sha1}\n"));
        }
        let what = changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let command = Command::script(PACKAGES_SCRIPT, [STATE_DIR])
            .args(materials.restarts.iter().map(ToString::to_string))
            .stdin(records)
            .limit(TRANSACTION_LIMIT);
        self.run(what, &command).map(drop)
    }

    fn write_files(&mut self, actions: &[&Action], materials: &Materials<'_>) -> Result<(), StepFailed> {
        let mut input = Vec::new();
        for action in actions {
            match action {
                Action::WriteFile { path, owner, group, mode, change: FileChange::Attributes, .. } => {
                    let record = format!("attributes\t0\t{mode}\t{owner}\t{group}\t0\t{path}\n");
                    input.extend(record.into_bytes());
                }
                Action::WriteFile { path, owner, group, mode, backup, .. } => {
                    let content = materials.desired.files.get(path).map_or("", |file| &file.content);
                    input.extend(write_record(path, content, &mode.to_string(), owner, group, *backup));
                }
                Action::RemoveFile { path, backup } => {
                    let record = format!("remove\t0\t-\t-\t-\t{}\t{path}\n", u8::from(*backup));
                    input.extend(record.into_bytes());
                }
                Action::WriteBlock { path, .. } => {
                    let content = materials.desired.blocks.get(path).map_or("", |block| &block.content);
                    input.extend(format!("block\t{}\t-\t-\t-\t0\t{path}\n", content.len()).into_bytes());
                    input.extend(content.as_bytes());
                }
                Action::RemoveBlock { path } => {
                    input.extend(format!("unblock\t0\t-\t-\t-\t0\t{path}\n").into_bytes());
                }
                _ => {}
            }
        }
        let command = Command::script(FILES_SCRIPT, [STATE_DIR, &self.run])
            .args(materials.restarts.iter().map(ToString::to_string))
            .stdin(input);
        let output = self.session.run(&command)?;
        match output.success() {
            true => Ok(()),
            // The script prints a line for each file that is done.
            false => Err(StepFailed {
                done: String::from_utf8_lossy(&output.stdout).lines().count(),
                error: HostError::command("put files in place", &output),
            }),
        }
    }

    /// Sets what the host's own system must be like, and takes back what it must no longer.
    fn set_system(&mut self, actions: &[&Action], materials: &Materials<'_>) -> Result<(), StepFailed> {
        let records: String = actions.iter().filter_map(|action| system_record(action)).collect();
        let script = format!("{}\n{SYSTEM_SCRIPT}", facts::ZONE_SCRIPT);
        let command = Command::script(&script, [materials.desired.address.to_string()]).stdin(records);
        let output = self.session.run(&command)?;
        match output.success() {
            true => Ok(()),
            // The script prints a line for each record that is done.
            false => Err(StepFailed {
                done: String::from_utf8_lossy(&output.stdout).lines().count(),
                error: HostError::command("set the host's own system", &output),
            }),
        }
    }

    fn systemctl(&mut self, arguments: &[&str]) -> Result<(), HostError> {
        let command = Command::new("systemctl").args(arguments.iter().copied());
        self.run(format!("systemctl {}", arguments.join(" ")), &command).map(drop)
    }

    /// Starts or restarts a unit.
    fn start(&mut self, unit: &UnitName) -> Result<(), HostError> {
        let output = self.session.run(&Command::script(START_SCRIPT, [STATE_DIR, unit.as_str()]))?;
        if output.success() {
            return Ok(());
        }
        let said = super::error::Tail::of("it said", &output.stderr);
        let journal = super::error::Tail::of("its journal ends", self.journal(unit).unwrap_or_default());
        let what = format!("could not be started: systemctl ended with status {}{said}", output.status);
        Err(HostError::Unhealthy { unit: unit.clone(), what, journal })
    }
}

impl Host for RemoteHost<'_> {
    fn lock(&mut self, holder: &str) -> Result<(), HostError> {
        let command = Command::script(LOCK_SCRIPT, [STATE_DIR, holder, CACHE_DIR]);
        match self.session.hold(&command)? {
            Held::Holding => Ok(()),
            Held::Ended(output) if output.status == LOCK_HELD => {
                let holder = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(HostError::Locked { holder })
            }
            Held::Ended(output) => Err(HostError::command("take the lock", &output)),
        }
    }

    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        let asked = Timestamp::now();
        let output = self.run("gather facts", &query.command())?;
        let answered = Timestamp::now();
        let mut facts =
            facts::parse(query, &String::from_utf8_lossy(&output.stdout)).map_err(HostError::Facts)?;
        facts.measure_clock(asked, answered);
        if query.with_receipt {
            self.partial = facts.cache.clone();
        }
        Ok(facts)
    }

    fn survey(&mut self, query: &SurveyQuery) -> Result<Survey, HostError> {
        let output = self.run("ask what is around it", &query.command())?;
        query.parse(&String::from_utf8_lossy(&output.stdout)).map_err(HostError::Facts)
    }

    fn ask(&mut self, inquiries: &[Inquiry], pause: Duration) -> Result<Vec<Answer>, HostError> {
        if inquiries.is_empty() {
            return Ok(Vec::new());
        }
        let output = self.run("ask its services", &Inquiry::command(inquiries, pause))?;
        Inquiry::answers(&String::from_utf8_lossy(&output.stdout), inquiries.len()).map_err(HostError::Facts)
    }

    fn perform(
        &mut self,
        actions: &[&Action],
        materials: &Materials<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StepFailed> {
        match actions {
            [Action::Upload { package, digest, .. }] => self.upload(package, *digest, materials, progress)?,
            [Action::Packages { changes }] => self.change_packages(changes, materials)?,
            [Action::PurgeData { folder }] => {
                let command = Command::new("rm").args(["-rf", "--one-file-system", "--", folder.as_str()]);
                self.run(format!("delete {folder}"), &command)?;
            }
            [Action::Forget] => {
                let command = Command::script(FORGET_SCRIPT, [STATE_DIR, CACHE_DIR]);
                self.run("forget what the tool kept", &command)?;
            }
            [Action::ReloadSystemd] => self.systemctl(&["daemon-reload"])?,
            [Action::Reload { unit }] => {
                let command = Command::script(RELOAD_SCRIPT, [STATE_DIR, unit.as_str()]);
                self.run(format!("reload {unit}"), &command)?;
            }
            settings if settings.iter().all(|action| system_record(action).is_some()) => {
                self.set_system(settings, materials)?;
            }
            [Action::Set { unit, setting, before, .. }] => {
                let mut units = materials.desired.units.iter();
                let settings = units.find(|wanted| wanted.name == *unit).map(|unit| &unit.settings);
                if let Some(wanted) =
                    settings.and_then(|all| all.iter().find(|wanted| wanted.name == *setting))
                {
                    let command = Command::script(&wanted.write, [before.clone().unwrap_or_default()]);
                    self.run(format!("set {setting}"), &command)?;
                }
            }
            [Action::Enable { unit }] => self.systemctl(&["enable", "--", unit.as_str()])?,
            [Action::Start { unit } | Action::Restart { unit }] => self.start(unit)?,
            [Action::Stop { unit }] => {
                let command = Command::script(STOP_SCRIPT, [STATE_DIR, unit.as_str()]);
                self.run(format!("stop and disable {unit}"), &command)?;
            }
            [Action::AwaitHealthy { unit }] => {
                let cancel = self.cancel;
                if let Some(unit) = materials.desired.units.iter().find(|wanted| wanted.name == *unit) {
                    await_healthy(self, unit, cancel)?;
                }
            }
            files => self.write_files(files, materials)?,
        }
        Ok(())
    }

    fn keep(&mut self, receipt: &Receipt) -> Result<(), HostError> {
        let path: HostPath = host_path(format!("{STATE_DIR}/receipt.json"))?;
        let input = write_record(&path, &receipt.to_text(), "0600", "root", "root", false);
        let command = Command::script(FILES_SCRIPT, [STATE_DIR, &self.run]).stdin(input);
        self.run("keep the receipt", &command).map(drop)
    }

    fn remember(&mut self, record: &Record) -> Result<(), HostError> {
        let arguments = [STATE_DIR.to_owned(), record.run.clone(), RECORDS.to_string()];
        let command = Command::script(REMEMBER_SCRIPT, arguments).stdin(record.to_text());
        self.run("keep the record of the run", &command).map(drop)
    }

    fn history(&mut self) -> Result<Vec<Record>, HostError> {
        use base64::Engine as _;
        let output = self.run("look for earlier runs", &Command::script(HISTORY_SCRIPT, [STATE_DIR]))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let decode = |line: &str| base64::prelude::BASE64_STANDARD.decode(line.trim()).ok();
        Ok(text.lines().filter_map(decode).filter_map(|bytes| Record::from_text(&bytes)).collect())
    }

    fn journal(&mut self, unit: &UnitName) -> Option<String> {
        let command = Command::new("journalctl").args([
            "--no-pager",
            "-q",
            "-n",
            "20",
            "-o",
            "cat",
            "-u",
            unit.as_str(),
        ]);
        let output = self.session.run(&command).ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned()).filter(|text| !text.trim().is_empty())
    }
}

/// What `system.sh` is told of a setting; nothing where the action is no such.
fn system_record(action: &Action) -> Option<String> {
    let (setting, set) = match action {
        Action::SetSystem { setting } => (setting, true),
        Action::UnsetSystem { setting } => (setting, false),
        _ => return None,
    };
    let (open, label) = if set { ("open", "label") } else { ("close", "unlabel") };
    Some(match setting {
        SystemSetting::Module { name } => format!("module\t{name}\n"),
        SystemSetting::Sysctl { key, value } => format!("sysctl\t{key}\t{value}\n"),
        SystemSetting::Port { ports, protocol } => format!("{open}\tport\t{ports}/{protocol}\n"),
        SystemSetting::Protocol { number } => format!("{open}\tprotocol\t{number}\n"),
        SystemSetting::Label { path, kind } => format!("{label}\t{kind}\t{path}\n"),
        SystemSetting::Permissive => "permissive\n".to_owned(),
    })
}

fn write_record(
    path: &HostPath,
    content: &str,
    mode: &str,
    owner: &str,
    group: &str,
    backup: bool,
) -> Vec<u8> {
    let size = content.len();
    let mut record =
        format!("write\t{size}\t{mode}\t{owner}\t{group}\t{}\t{path}\n", u8::from(backup)).into_bytes();
    record.extend(content.as_bytes());
    record
}

fn cache_path(name: &str) -> Result<HostPath, HostError> {
    host_path(format!("{CACHE_DIR}/{name}"))
}

/// A path made of constants and digests, which cannot be refused.
fn host_path(text: String) -> Result<HostPath, HostError> {
    text.parse().map_err(|error| HostError::Local {
        what: format!("the path {text} is not one of a host"),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, error),
    })
}
