//! `lab`: local hosts for trying and testing.

use std::os::unix::process::CommandExt as _;
use std::time::Instant;

use anstream::{eprintln, println};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Subcommand, ValueHint};
use ipnet::Ipv4Net;
use serde_json::json;

use super::{Common, Exit, Failure, cache, examples};
use crate::lab::{self, Event, HostStatus, Kind, Systemd};

/// Arguments of `lab`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Where the lab is.
#[derive(Debug, clap::Args)]
struct Dir {
    /// The lab's folder.
    #[arg(long, value_name = "DIR", default_value = ".lab", value_hint = ValueHint::DirPath)]
    dir: Utf8PathBuf,
}

/// A host of a lab.
#[derive(Debug, clap::Args)]
struct Host {
    #[command(flatten)]
    dir: Dir,
    /// The host's name, for example `agent-1`.
    name: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the hosts and boot them; what is there already is left alone.
    #[command(after_long_help = examples::LAB_UP)]
    Up(Up),
    /// Take the hosts away with everything that is on them.
    #[command(after_long_help = examples::LAB_DOWN)]
    Down(Dir),
    /// Show how the hosts are.
    #[command(after_long_help = examples::LAB_STATUS)]
    Status(Dir),
    /// Log in to a host, or run a command on it.
    #[command(after_long_help = examples::LAB_SSH)]
    Ssh(Ssh),
    /// Reboot a host; what is on its disk stays.
    #[command(after_long_help = examples::LAB_REBOOT)]
    Reboot(Host),
    /// Sever a host's network.
    #[command(after_long_help = examples::LAB_CUT)]
    Cut(Host),
    /// Restore a host's network, or that of every host that was cut off.
    #[command(after_long_help = examples::LAB_MEND)]
    Mend(Mend),
    /// Print where the hosts' base image is; it is made if it is not there.
    #[command(after_long_help = examples::LAB_IMAGE)]
    Image(Image),
}

#[derive(Debug, clap::Args)]
struct Mend {
    #[command(flatten)]
    dir: Dir,
    /// The host's name; every host unless given.
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Up {
    #[command(flatten)]
    dir: Dir,
    /// How many masters there are to be at least [default: 1 in a new lab]
    #[arg(long, value_name = "N")]
    masters: Option<usize>,
    /// How many agents there are to be at least [default: 2 in a new lab]
    #[arg(long, value_name = "N")]
    agents: Option<usize>,
    /// The hosts' network; nothing else on this machine may use it [default: 172.24.197.0/24]
    #[arg(long, value_name = "CIDR")]
    subnet: Option<Ipv4Net>,
    #[command(flatten)]
    image: Image,
}

/// Where the base image is, and where it comes from.
#[derive(Debug, clap::Args)]
struct Image {
    /// Where the base image is cached [default: $XDG_CACHE_HOME or /var/cache, calico-mesos-install/lab]
    #[arg(long, value_name = "DIR")]
    image_cache: Option<Utf8PathBuf>,
    /// The Debian mirror that the base image is made from, when it is made
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

impl Image {
    fn cache(&self) -> Utf8PathBuf {
        self.image_cache.clone().unwrap_or_else(|| cache::of_this_machine().join("lab"))
    }
}

#[derive(Debug, clap::Args)]
struct Ssh {
    #[command(flatten)]
    host: Host,
    /// The user to log in as: `root`; `operator`, whose sudo asks for a password; `deploy`, whose sudo does not
    #[arg(long, short, default_value = "root", value_hint = ValueHint::Username)]
    user: String,
    /// The command to run; a shell unless given.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl From<lab::Error> for Failure {
    fn from(error: lab::Error) -> Failure {
        let exit = match error.kind() {
            Kind::Usage => Exit::Usage,
            Kind::Locked => Exit::Locked,
            Kind::Failed => Exit::HostFailed,
        };
        Failure::new(exit, error)
    }
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let output = Output { json: common.json, start: Instant::now() };
    let (name, result) = match &args.command {
        Command::Up(args) => ("up", up(&output, args)),
        Command::Down(Dir { dir }) => ("down", down(&output, dir)),
        Command::Status(Dir { dir }) => ("status", status(&output, dir)),
        // It speaks for itself.
        Command::Ssh(args) => return Err(ssh(args)?.into()),
        Command::Reboot(host) => ("reboot", reboot(&output, host)),
        Command::Cut(host) => ("cut", cut(&output, host)),
        Command::Mend(host) => ("mend", mend(&output, host)),
        Command::Image(args) => ("image", image(&output, args)),
    };
    let counts = match &result {
        Ok((changed, unchanged)) => (*changed, *unchanged, 0),
        Err(error) => (0, 0, error.failed_hosts()),
    };
    output.summary(name, counts);
    result.map(|_| Exit::Done).map_err(Failure::from)
}

/// How many hosts a command changed and how many it left as they were.
type Counts = (usize, usize);

fn reboot(output: &Output, Host { dir, name }: &Host) -> Result<Counts, lab::Error> {
    let systemd = lab::reboot(&dir.dir, name)?;
    output.host(name, true, &format!("is back, {}", describe(&systemd)));
    Ok((1, 0))
}

fn cut(output: &Output, Host { dir, name }: &Host) -> Result<Counts, lab::Error> {
    let changed = lab::cut(&dir.dir, name)?;
    output.host(name, changed, if changed { "is cut off" } else { "was cut off already" });
    Ok((usize::from(changed), usize::from(!changed)))
}

fn mend(output: &Output, Mend { dir, name }: &Mend) -> Result<Counts, lab::Error> {
    let names = match name {
        Some(name) => vec![name.clone()],
        None => lab::status(&dir.dir)?.into_iter().map(|host| host.name).collect(),
    };
    let mut counts = (0, 0);
    for name in &names {
        let changed = lab::mend(&dir.dir, name)?;
        output.host(name, changed, if changed { "is connected" } else { "was connected already" });
        counts = (counts.0 + usize::from(changed), counts.1 + usize::from(!changed));
    }
    Ok(counts)
}

fn up(output: &Output, args: &Up) -> Result<Counts, lab::Error> {
    let options = lab::UpOptions {
        dir: args.dir.dir.clone(),
        masters: args.masters,
        agents: args.agents,
        subnet: args.subnet,
        cache: args.image.cache(),
        mirror: args.image.mirror.clone(),
        packages: "dist".into(),
    };
    let brought = lab::up(&options, &|event| output.progress(&event))?;
    for (names, changed) in [(&brought.booted, true), (&brought.running, false)] {
        names.iter().for_each(|name| output.json_host(name, changed));
    }
    let (booted, running) = (brought.booted.len(), brought.running.len());
    output.text(&format!(
        "{booted} booted, {running} were running ({:.1} s); the inventory is {}",
        output.start.elapsed().as_secs_f64(),
        brought.inventory
    ));
    Ok((booted, running))
}

fn image(output: &Output, args: &Image) -> Result<Counts, lab::Error> {
    let image = lab::image(&args.cache(), args.mirror.as_deref(), &|event| output.progress(&event))?;
    if output.json {
        output.json(&json!({ "type": "image", "path": image }));
    } else {
        println!("{image}");
    }
    Ok((0, 0))
}

fn down(output: &Output, dir: &Utf8Path) -> Result<Counts, lab::Error> {
    let done = lab::down(dir)?;
    done.hosts.iter().for_each(|name| output.json_host(name, true));
    match done.hosts.len() {
        0 => output.text(&format!("there was no lab in {dir}; nothing of one is left")),
        hosts => output.text(&format!("{hosts} hosts are gone, and everything of them")),
    }
    if let Some(kept) = &done.kept_inventory {
        output.text(&format!("the inventory had been edited; it is kept as {kept}"));
    }
    Ok((done.hosts.len(), 0))
}

fn status(output: &Output, dir: &Utf8Path) -> Result<Counts, lab::Error> {
    let hosts = lab::status(dir)?;
    if output.json {
        for host in &hosts {
            output.json(&json!({
                "type": "host",
                "name": host.name,
                "address": host.address,
                "role": host.role,
                "state": state(host),
                "systemd": host.systemd.as_ref().map(|systemd| systemd.state.as_str()),
                "failed_units": host.systemd.as_ref().map_or(&[][..], |systemd| &systemd.failed_units),
            }));
        }
    } else {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(["HOST", "ADDRESS", "STATE", "SYSTEMD"]);
        for host in &hosts {
            let systemd = host.systemd.as_ref().map_or("-".to_owned(), describe);
            table.add_row([host.name.clone(), host.address.to_string(), state(host).to_owned(), systemd]);
        }
        println!("{}", table.trim_fmt());
    }
    Ok((0, hosts.len()))
}

fn state(host: &HostStatus) -> &'static str {
    match (&host.systemd, host.connected) {
        (None, _) => "stopped",
        (Some(_), true) => "running",
        (Some(_), false) => "cut",
    }
}

fn describe(systemd: &Systemd) -> String {
    if systemd.failed_units.is_empty() {
        systemd.state.clone()
    } else {
        format!("{}: {}", systemd.state, systemd.failed_units.join(", "))
    }
}

/// Becomes OpenSSH, so that its exit status is this program's; returns only if that fails.
fn ssh(args: &Ssh) -> Result<lab::Error, lab::Error> {
    let login = lab::login(&args.host.dir.dir, &args.host.name)?;
    let source = std::process::Command::new("ssh")
        .args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"])
        .args(["-o", "GlobalKnownHostsFile=none", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"])
        .arg("-o")
        .arg(format!("UserKnownHostsFile=\"{}\"", login.known_hosts))
        .arg("-i")
        .arg(login.key)
        .arg(format!("{}@{}", args.user, login.address))
        .arg("--")
        .args(&args.command)
        .exec();
    Ok(lab::ProgramError::Start { command: "ssh".to_owned(), source }.into())
}

/// Says what happens: in words on standard error, or as JSON on standard output.
struct Output {
    json: bool,
    start: Instant,
}

impl Output {
    fn progress(&self, event: &Event) {
        let line = match event {
            Event::WaitingForImage => "another run is making the base image; waiting for it".to_owned(),
            Event::BuildingImage { image } => {
                format!("making the base image {image}, once; that takes about two minutes")
            }
            Event::BuiltImage { took } => format!("made the base image in {} s", took.as_secs()),
            Event::Up { was_running: true, .. } => return,
            Event::Up { name, address, took, systemd, .. } => {
                format!("{name} is up at {address} after {:.1} s, {}", took.as_secs_f64(), describe(systemd))
            }
        };
        self.text(&line);
    }

    fn host(&self, name: &str, changed: bool, text: &str) {
        self.json_host(name, changed);
        self.text(&format!("{name} {text}"));
    }

    fn json_host(&self, name: &str, changed: bool) {
        let outcome = if changed { "changed" } else { "unchanged" };
        self.json(&json!({
            "type": "host", "name": name, "outcome": outcome, "changes": u8::from(changed), "error": null,
        }));
    }

    fn text(&self, line: &str) {
        if !self.json {
            eprintln!("{line}");
        }
    }

    fn json(&self, value: &serde_json::Value) {
        if self.json {
            println!("{value}");
        }
    }

    /// Counts of hosts: changed, unchanged, failed.
    fn summary(&self, command: &str, (changed, unchanged, failed): (usize, usize, usize)) {
        self.json(&json!({
            "type": "summary",
            "command": format!("lab {command}"),
            "hosts": {
                "changed": changed, "unchanged": unchanged, "failed": failed, "unreachable": 0, "skipped": 0,
            },
            "changes": changed,
            "duration_ms": u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }));
    }
}
