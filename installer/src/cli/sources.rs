//! `sources`: what releases are made from, and how it gets here.

use std::collections::BTreeMap;
use std::time::Instant;

use anstream::{eprintln, println};
use owo_colors::OwoColorize as _;
use schemars::JsonSchema;
use serde::Serialize;

use super::source_args::SourceArgs;
use super::validate::summary;
use super::{Common, Exit, Failure};
use crate::build::{Distro, Release, os_release};
use crate::data::Data;
use crate::report::{Transfers, json_line, show_table};
use crate::sources::{self, Locked, Options, Source, Wanted};

/// Arguments of `sources`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  calico-mesos-install sources list --release 0.28
  calico-mesos-install sources fetch --release 0.28")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the sources of a release: what they are, what pins them, whether they are here.
    #[command(after_long_help = "\
Examples:
  calico-mesos-install sources list --release 0.28")]
    List(Which),
    /// Fetch what is not here yet, in parallel, and verify it.
    #[command(after_long_help = "\
Examples:
  calico-mesos-install sources fetch --release 0.28
  calico-mesos-install sources fetch --release 0.28 --mirror https://mirror.example.org/mesos
  calico-mesos-install sources fetch --release 0.28 --source mesos=/srv/git/mesos.git --offline")]
    Fetch(Fetch),
    /// Record what files are of which upstream publishes no checksum.
    #[command(after_long_help = "\
Examples:
  calico-mesos-install sources lock --release 0.28
  calico-mesos-install sources lock --release 0.28 --lock sources.lock")]
    Lock(Fetch),
    /// Verify what is here against what it is pinned to; nothing is fetched.
    #[command(after_long_help = "\
Examples:
  calico-mesos-install sources verify --release 0.28")]
    Verify(Which),
}

/// Which sources are meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// The packages whose sources are meant; all of the release unless given.
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
    /// The release.
    #[arg(long)]
    release: String,
    /// The distribution profile; recognised from this machine unless given.
    #[arg(long, value_name = "PROFILE")]
    distro: Option<String>,
    #[command(flatten)]
    sources: SourceArgs,
}

#[derive(Debug, clap::Args)]
struct Fetch {
    #[command(flatten)]
    which: Which,
    /// How many sources are fetched at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    match &args.command {
        Command::List(which) => list(common, which, started),
        Command::Fetch(args) => fetch(common, args, started),
        Command::Lock(args) => lock(common, args, started),
        Command::Verify(which) => verify(common, which, started),
    }
}

/// A source of a release.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "source")]
pub(super) struct SourceLine<'a> {
    /// Its name, which `--source` takes.
    name: &'a str,
    /// The version of what is built from it.
    version: &'a str,
    /// The packages that are built from it.
    packages: Vec<&'a str>,
    /// `git`, `download`, `given`, `deb`, `folder` or `self`.
    kind: &'a str,
    /// Where it comes from, or how it is made.
    from: &'a str,
    /// What it must be; none where nothing says so yet.
    pinned: Option<&'a str>,
    /// Whether it is on this machine.
    here: bool,
}

/// Whether a source is what it must be.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "source")]
pub(super) struct VerdictLine<'a> {
    /// Its name.
    name: &'a str,
    /// Whether it is.
    ok: bool,
    /// What is wrong and what to do.
    error: Option<&'a str>,
}

/// A release on a distribution, and from where its sources may be taken.
struct Chosen {
    data: Data,
    release: Release,
    options: Options,
}

impl Chosen {
    fn load(common: &Common, which: &Which) -> Result<Self, Failure> {
        let data = common.data()?;
        let release = Release::load(&data, &which.release).map_err(Failure::usage)?;
        let distro = match &which.distro {
            Some(name) => Distro::load(&data, name),
            None => os_release().and_then(|text| Distro::recognise(&data, &text)),
        };
        let release = release.on(&distro.map_err(Failure::usage)?);
        let options = which.sources.options(common, &data)?;
        release.check_overrides(&options).map_err(Failure::usage)?;
        Ok(Self { data, release, options })
    }

    /// The packages that are meant, as for `build`; what nobody gives is told.
    fn meant(&self, packages: &[String]) -> Vec<String> {
        let (meant, left_out) = self.release.meant(packages, &self.options);
        left_out.iter().for_each(|message| eprintln!("{} {message}", "note:".cyan()));
        meant
    }

    /// The sources, each once, with all packages that are made from it.
    fn wanted(&self, packages: &[String]) -> Result<Vec<(Wanted<'_>, String)>, Failure> {
        let mut found: BTreeMap<(&str, &str), (Wanted<'_>, String)> = BTreeMap::new();
        for wanted in self.release.sources(packages).map_err(Failure::usage)? {
            let package = wanted.package.as_str();
            found
                .entry((wanted.name, wanted.version))
                .and_modify(|(_, packages)| *packages = format!("{packages}, {package}"))
                .or_insert_with(|| (wanted.clone(), package.to_owned()));
        }
        Ok(found.into_values().collect())
    }
}

fn list(common: &Common, which: &Which, started: Instant) -> Result<Exit, Failure> {
    let chosen = Chosen::load(common, which)?;
    let wanted = chosen.wanted(&which.packages)?;
    let mut rows = Vec::new();
    for (source, packages) in &wanted {
        let (kind, from, pinned) = describe(source, &chosen.options);
        let here = sources::is_here(source, &chosen.options);
        if common.json {
            json_line(&SourceLine {
                name: source.name,
                version: source.version,
                packages: packages.split(", ").collect(),
                kind,
                from: &from,
                pinned: pinned.as_deref(),
                here,
            });
        }
        let here = if here { "yes" } else { "no" };
        let pinned = pinned.unwrap_or_else(|| "not locked".to_owned());
        rows.push([source.name.to_owned(), packages.clone(), kind.to_owned(), pinned, here.to_owned(), from]);
    }
    if common.json {
        println!("{}", summary("sources list", started, &[("sources", wanted.len())]));
    } else {
        println!("{}", show_table(["source", "packages", "kind", "pinned to", "here", "from"], rows));
    }
    Ok(Exit::Done)
}

/// Kind, origin and pin of a source, for people.
fn describe(wanted: &Wanted<'_>, options: &Options) -> (&'static str, String, Option<String>) {
    match wanted.source {
        Source::Deb { packages, version_of } => {
            let others = packages.len().saturating_sub(1);
            let from = format!("apt: {version_of} and {others} more");
            ("deb", from, Some(format!("version {}, signed", wanted.version)))
        }
        Source::Folder { path } => ("folder", format!("specs/{path}"), Some("this program".to_owned())),
        Source::Itself {} => ("self", "this program".to_owned(), Some(format!("version {}", wanted.version))),
        Source::Git { url, commit, .. } => {
            ("git", url.clone(), Some(format!("commit {}", commit.get(..12).unwrap_or(commit))))
        }
        Source::Download { url, sha256, .. } => {
            let published = sha256.map(|digest| format!("sha256 {}", digest.short()));
            let locked = || options.lock.get(url).map(|seen| format!("lock {}", seen.sha256.short()));
            ("download", url.clone(), published.or_else(locked))
        }
        Source::Given { how, .. } => ("given", how.clone(), Some("what you give".to_owned())),
    }
}

fn fetch(common: &Common, args: &Fetch, started: Instant) -> Result<Exit, Failure> {
    let chosen = Chosen::load(common, &args.which)?;
    let wanted = chosen.wanted(&chosen.meant(&args.which.packages))?;
    let sources: Vec<_> = wanted.iter().map(|(source, _)| source.clone()).collect();
    let transfers = Transfers::new(common.json);
    let results = sources::fetch(&chosen.data, &sources, &chosen.options, args.jobs.into(), &|event| {
        transfers.event(&event)
    })
    .map_err(Failure::usage)?;
    drop(transfers);
    let failed = results.iter().filter(|result| result.is_err()).count();
    let unlocked: Vec<_> = sources
        .iter()
        .filter(|source| describe(source, &chosen.options).2.is_none())
        .map(|s| s.name)
        .collect();
    if common.json {
        let counts = [("sources", results.len()), ("fetched", results.len() - failed), ("failed", failed)];
        println!("{}", summary("sources fetch", started, &counts));
    } else {
        println!("{} of {} sources are here", results.len() - failed, results.len());
        if !unlocked.is_empty() {
            println!(
                "Nothing says what these must be: {}. Record what they are: calico-mesos-install sources lock --release {}",
                unlocked.join(", "),
                args.which.release
            );
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::HostFailed })
}

fn lock(common: &Common, args: &Fetch, started: Instant) -> Result<Exit, Failure> {
    let chosen = Chosen::load(common, &args.which)?;
    let wanted = chosen.wanted(&chosen.meant(&args.which.packages))?;
    let sources: Vec<_> = wanted
        .iter()
        .filter(|(source, _)| matches!(source.source, Source::Download { sha256: None, .. }))
        .map(|(source, _)| source.clone())
        .collect();
    let transfers = Transfers::new(common.json);
    let results = sources::fetch(&chosen.data, &sources, &chosen.options, args.jobs.into(), &|event| {
        transfers.event(&event)
    })
    .map_err(Failure::usage)?;
    drop(transfers);
    let file = args.which.sources.lock_file(common);
    let mut own = args.which.sources.own_lock(common)?;
    let before = own.clone();
    let mut failed = 0;
    for (source, result) in sources.iter().zip(&results) {
        let Source::Download { url, .. } = source.source else { continue };
        let Ok(obtained) = result else {
            failed += 1;
            continue;
        };
        // What the data files lock already was verified against that.
        if chosen.options.lock.get(url).is_some() && before.get(url).is_none() {
            continue;
        }
        for found in &obtained.files {
            let size =
                found.path().and_then(|path| fs_err::metadata(path).ok()).map_or(0, |about| about.len());
            own.add(url, Locked { sha256: found.digest, size }).map_err(Failure::usage)?;
        }
    }
    let changed = own != before;
    if changed {
        write(&file, &own.text()).map_err(Failure::usage)?;
    }
    if common.json {
        let counts = [("sources", sources.len()), ("failed", failed)];
        println!("{}", summary("sources lock", started, &counts));
    } else if changed {
        println!("wrote {file}");
    } else {
        println!("{file}: nothing to add");
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::HostFailed })
}

/// Replaces a file as a whole.
fn write(file: &camino::Utf8Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_str().is_empty());
    if let Some(folder) = folder {
        fs_err::create_dir_all(folder)?;
    }
    let scratch = tempfile::NamedTempFile::new_in(folder.unwrap_or(".".into()))?;
    fs_err::write(scratch.path(), text)?;
    scratch.persist(file)?;
    Ok(())
}

fn verify(common: &Common, which: &Which, started: Instant) -> Result<Exit, Failure> {
    let mut chosen = Chosen::load(common, which)?;
    chosen.options.offline = true;
    let wanted = chosen.wanted(&chosen.meant(&which.packages))?;
    let mut wrong = 0;
    for (source, _) in &wanted {
        let problem = sources::verify(&chosen.data, source, &chosen.options).err();
        wrong += usize::from(problem.is_some());
        let problem = problem.map(|error| crate::diagnostic::with_causes(&error));
        if common.json {
            let ok = problem.is_none();
            json_line(&VerdictLine { name: source.name, ok, error: problem.as_deref() });
        } else {
            println!("{}", problem.unwrap_or_else(|| format!("{}: as it is pinned", source.name)));
        }
    }
    if common.json {
        println!("{}", summary("sources verify", started, &[("sources", wanted.len()), ("failed", wrong)]));
    } else if wrong > 0 {
        println!(
            "{wrong} of {} sources are missing or wrong; fetch them: calico-mesos-install sources fetch --release {}",
            wanted.len(),
            which.release
        );
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::HostFailed })
}
