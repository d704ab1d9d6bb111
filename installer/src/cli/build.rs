//! `build`.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anstream::println;
use camino::Utf8PathBuf;

use super::build_show::Shown;
use super::interrupt::Interrupts;
use super::source_args::SourceArgs;
use super::{Common, Exit, Failure};
use crate::build::{self, Backend, BuildError, Event, Request, Summary};
use crate::report::Format;

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The packages to build, with what they need; all of the release unless given.
    #[arg(value_name = "PACKAGE", conflicts_with_all = ["explain", "verify"])]
    pub packages: Vec<String>,
    /// The release: which version of every component, from which source.
    #[arg(long, required_unless_present = "verify")]
    pub release: Option<String>,
    /// The distribution profile; recognised from this machine unless given.
    #[arg(long, value_name = "PROFILE")]
    pub distro: Option<String>,
    /// The folder of repositories.
    #[arg(long, value_name = "DIR", default_value = "dist", value_hint = clap::ValueHint::DirPath)]
    pub out: Utf8PathBuf,
    /// Where packages are built.
    #[arg(long, value_enum, default_value_t)]
    pub backend: BackendArg,
    /// From where sources are taken.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// How many packages are built at once; as many as there are cores and memory for unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// How much memory compilers may take, for example 8GiB; what is available unless given.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<bytesize::ByteSize>,
    /// Sign packages, metadata and manifest with this key of gpg's: a fingerprint, a name or an address.
    #[arg(long, value_name = "KEY", conflicts_with = "verify")]
    pub sign: Option<String>,
    /// Where hosts will find the folder of repositories, for the .repo file; file:///srv/calico-mesos-install
    /// unless given.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Tell why this package would be built: which of its inputs differ. Nothing is built.
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["verify", "junit"])]
    pub explain: Vec<String>,
    /// Build again what a folder of repositories has, and name what differs.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub verify: Option<Utf8PathBuf>,
    /// Write what became of every package into this file, as JUnit's XML.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub junit: Option<Utf8PathBuf>,
}

/// Where packages are built.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum BackendArg {
    /// With rpmbuild on this machine.
    #[default]
    Host,
    /// In a chroot of mock.
    Mock,
    /// In a container of podman or docker.
    Container,
}

impl From<BackendArg> for Backend {
    fn from(argument: BackendArg) -> Self {
        match argument {
            BackendArg::Host => Self::Host,
            BackendArg::Mock => Self::Mock,
            BackendArg::Container => Self::Container,
        }
    }
}

pub(super) fn run(common: &Common, args: &Args) -> Result<Exit, Failure> {
    let started = Instant::now();
    let data = common.data()?;
    let sources = args.sources.options(common, &data)?;
    let interrupts = Interrupts::listen()?;
    let cancel = interrupts.cancel.flag();
    let request = Request {
        data: &data,
        release: args.release.as_deref().unwrap_or_default(),
        packages: &args.packages,
        explain: &args.explain,
        distro: args.distro.as_deref(),
        out: &args.out,
        sources: &sources,
        backend: args.backend.into(),
        jobs: args.jobs.map(usize::from),
        memory: args.memory.map(|size| size.as_u64()),
        sign: args.sign.as_deref(),
        base_url: args.base_url.as_deref(),
        cancel: &cancel,
    };
    let shown = Mutex::new(Shown::new(Format::detect(common.json), common.log()?));
    let observe = |event: Event| shown.lock().unwrap_or_else(PoisonError::into_inner).event(event);
    let result = match &args.verify {
        Some(folder) => build::verify(&request, folder, &observe),
        None => build::build(&request, &observe),
    };
    let shown = shown.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = &args.junit {
        shown.junit(file, result.as_ref().err()).map_err(Failure::usage)?;
    }
    let (line, lint) = (summary_line(&shown, result.as_ref().ok(), started), shown.lint());
    drop(shown);
    let result = result.map_err(failure);
    if common.json {
        result.as_ref().err().into_iter().for_each(Failure::json_lines);
        println!("{line}");
    }
    let summary = result?;
    if !common.json && args.explain.is_empty() {
        show_summary(&summary, lint, started);
    }
    Ok(if summary.different > 0 { Exit::HostFailed } else { Exit::Done })
}

fn summary_line(shown: &Shown, summary: Option<&Summary>, started: Instant) -> serde_json::Value {
    let built = summary.map_or(0, |summary| summary.built);
    let (errors, warnings) = shown.lint();
    serde_json::json!({
        "type": "summary",
        "command": "build",
        "hosts": {"changed": 0, "unchanged": 0, "failed": 0, "unreachable": 0, "skipped": 0},
        "changes": built,
        "packages": {
            "built": built,
            "unchanged": summary.map_or(0, |summary| summary.unchanged),
            "failed": shown.failed(),
            "different": summary.map_or(0, |summary| summary.different),
        },
        "lint": {"errors": errors, "warnings": warnings},
        "folder": summary.map(|summary| &summary.folder),
        "duration_ms": started.elapsed().as_millis(),
    })
}

fn failure(error: BuildError) -> Failure {
    let error = match error {
        BuildError::Mistakes(found) => return Failure::usage(found),
        other => other,
    };
    let exit = match &error {
        BuildError::Locked { .. } => Exit::Locked,
        BuildError::Interrupted => Exit::Interrupted,
        error if error.is_usage() => Exit::Usage,
        _ => Exit::HostFailed,
    };
    Failure::new(exit, error)
}

fn show_summary(summary: &Summary, lint: (usize, usize), started: Instant) {
    let Summary { release, distro, folder, built, unchanged, different } = summary;
    let mut parts = vec![format!("{built} built"), format!("{unchanged} unchanged")];
    if *different > 0 {
        parts.push(format!("{different} different"));
    }
    if lint.0 > 0 {
        parts.push(format!("{} errors of rpmlint", lint.0));
    }
    anstream::eprintln!(
        "release {release} for {distro}: {}, in {:.1} s: {folder}",
        parts.join(", "),
        started.elapsed().as_secs_f64()
    );
}
