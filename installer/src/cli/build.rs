//! `build`.

use std::sync::Mutex;
use std::time::Instant;

use anstream::{eprintln, println};
use camino::Utf8PathBuf;
use owo_colors::OwoColorize as _;

use super::source_args::SourceArgs;
use super::{Common, Exit, Failure, mistakes};
use crate::build::{self, BuildError, Event, Reason, Request, Summary};

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The packages to build, with what they need; all of the release unless given.
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
    /// The release: which version of every component, from which source.
    #[arg(long)]
    pub release: String,
    /// The distribution profile; recognised from this machine unless given.
    #[arg(long, value_name = "PROFILE")]
    pub distro: Option<String>,
    /// The folder of repositories.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: Utf8PathBuf,
    /// From where sources are taken.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// How many packages are built at once.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    let data = common.data()?;
    let sources = args.sources.options();
    let request = Request {
        data: &data,
        release: &args.release,
        packages: &args.packages,
        distro: args.distro.as_deref(),
        out: &args.out,
        sources: &sources,
        jobs: args.jobs.into(),
    };
    let failed = Mutex::new(0_usize);
    let observe = |event: Event| {
        if matches!(event, Event::PackageFailed { .. } | Event::PackageSkipped { .. }) {
            *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        }
        show(common, &event);
    };
    let result = build::build(&request, &observe);
    let failed = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if common.json {
        if let Err(BuildError::Mistakes(found)) = &result {
            mistakes::print_json(found);
        }
        let summary = result.as_ref().ok();
        let built = summary.map_or(0, |summary| summary.built);
        let line = serde_json::json!({
            "type": "summary",
            "command": "build",
            "hosts": {"changed": 0, "unchanged": 0, "failed": 0, "unreachable": 0, "skipped": 0},
            "changes": built,
            "packages": {"built": built, "unchanged": summary.map_or(0, |s| s.unchanged), "failed": failed},
            "folder": summary.map(|summary| &summary.folder),
            "duration_ms": started.elapsed().as_millis(),
        });
        println!("{line}");
    }
    let summary = result.map_err(failure)?;
    if !common.json {
        show_summary(&summary, started);
    }
    Ok(Exit::Done)
}

fn failure(error: BuildError) -> Failure {
    let error = match error {
        BuildError::Mistakes(found) => return Failure::usage(found),
        other => other,
    };
    let exit = match &error {
        BuildError::Locked { .. } => Exit::Locked,
        error if error.is_usage() => Exit::Usage,
        _ => Exit::HostFailed,
    };
    Failure::new(exit, error)
}

fn show(common: &Common, event: &Event) {
    if common.json {
        if let Ok(line) = serde_json::to_string(event) {
            println!("{line}");
        }
        return;
    }
    match event {
        Event::PackageStarted { package, reason } => {
            let reason = match reason {
                Reason::New => "not in the repository",
                Reason::Changed => "changed since it was built",
                Reason::Damaged => "the repository's file is missing or damaged",
            };
            eprintln!("building  {package} ({reason})");
        }
        Event::PackageBuilt { package, rpms, duration_ms } => {
            let rpms = rpms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let seconds = format!("{}.{} s", duration_ms / 1000, duration_ms % 1000 / 100);
            eprintln!("{}     {package}: {rpms} ({seconds})", "built".green());
        }
        Event::PackageUnchanged { package } => eprintln!("unchanged {package}"),
        Event::PackageFailed { package, error, .. } => eprintln!("{}    {package}: {error}", "failed".red()),
        Event::PackageSkipped { package, failed } => {
            eprintln!("{}   {package}: it needs {failed}, which failed", "skipped".yellow());
        }
        Event::Published { folder } => eprintln!("published {folder}"),
    }
}

fn show_summary(summary: &Summary, started: Instant) {
    let Summary { release, distro, folder, built, unchanged } = summary;
    eprintln!(
        "release {release} for {distro}: {built} built, {unchanged} unchanged, in {:.1} s: {folder}",
        started.elapsed().as_secs_f64()
    );
}
