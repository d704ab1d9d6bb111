//! `report`: a run of the past, in short or as a page.

use anstream::println;
use camino::Utf8PathBuf;

use super::{Exit, Failure, runs};
use crate::diagnostic::{elapsed, quantity};
use crate::journal::{Run, page};
use crate::report::show_runs;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  calico-mesos-install report
  calico-mesos-install report last
  calico-mesos-install report last --html run.html
  calico-mesos-install report 20260601T120000 --html run.html

`plan`, `apply`, `reset`, `rollback` and `verify` record what happens. The last 50 runs are kept below
$XDG_STATE_HOME/calico-mesos-install/runs, else below ~/.local/state, readable by you only.
The page needs no network: send it to whoever asks what happened.")]
pub struct Args {
    /// The run: its name, `last`, or a file that `--log-file` wrote. Without it the runs are listed.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    run: Option<String>,
    /// Write one page with everything about the run: topology, timeline, diffs, failures.
    #[arg(long, value_name = "FILE", requires = "run", value_hint = clap::ValueHint::FilePath)]
    html: Option<Utf8PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(name) = &args.run else {
        let runs: Vec<Run> = runs::all().iter().rev().filter_map(|file| read(file).ok()).collect();
        if runs.is_empty() {
            return runs::find("last").map(|_| Exit::Done);
        }
        anstream::print!("{}", show_runs(&runs));
        return Ok(Exit::Done);
    };
    let file = runs::find(name)?;
    let run = read(&file)?;
    let Some(out) = &args.html else {
        anstream::print!("{}", show_runs(std::slice::from_ref(&run)));
        for host in run.failed() {
            println!("\n{}: {}", host.name, host.error.as_deref().unwrap_or("no reason was recorded"));
        }
        for check in run.checks.iter().filter(|check| check.refuted()) {
            let host = check.host.as_deref().map(|host| format!(" {host}")).unwrap_or_default();
            println!("\n{}{host}: {}", check.name, check.seen);
        }
        return Ok(Exit::Done);
    };
    let html = page(&run).map_err(Failure::usage)?;
    fs_err::write(out, html).map_err(Failure::usage)?;
    println!(
        "{out}: {} of {}, {}, {} in {}",
        run.begun.command,
        run.begun.cluster,
        quantity(run.hosts.len(), "host"),
        run.verdict(),
        elapsed(run.duration)
    );
    Ok(Exit::Done)
}

fn read(file: &Utf8PathBuf) -> Result<Run, Failure> {
    let text = fs_err::read_to_string(file).map_err(Failure::usage)?;
    Run::read(&text).map_err(|error| Failure::usage(format!("{file}: {error}")))
}
