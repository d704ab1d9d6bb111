//! `apps launch`, `apps list`, `apps remove`: what is asked of Marathon on a host of the cluster.

use std::time::{Duration, Instant};

use camino::Utf8Path;
use serde_json::Value;

use super::marathon::{Marathon, MarathonError};
use super::show::{self, Outcome};
use super::{LaunchArgs, ListArgs, RemoveArgs, rendered, version_of_release};
use crate::apps::api::{AppState, Call};
use crate::apps::{AppDefinition, Catalogue, MarathonVersion};
use crate::cli::hosts::{HostArgs, Prepared};
use crate::cli::{Common, Exit, Failure, finish};
use crate::diagnostic::with_causes;
use crate::event::{Summary, Totals};
use crate::report::show_summary;

/// The host waits so long before it asks again.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) fn launch(common: &Common, args: &LaunchArgs) -> Result<Exit, Failure> {
    // What can be refused without a host is refused before one is contacted.
    let own = args.file.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?.concat();
    let catalogue = catalogue(common)?;
    with_marathon(common, &args.hosts, "apps launch", |prepared, marathon| {
        let mut apps = own;
        if !args.samples.is_empty() {
            let version = running_version(marathon, common, prepared)?;
            let samples = rendered(&catalogue, &prepared.cluster, &args.samples, version)?;
            apps.extend(samples.into_iter().flat_map(|sample| sample.apps));
        }
        let mut launched: Vec<Outcome> = apps.iter().map(|app| put(marathon, app)).collect();
        if !args.no_wait {
            let until = Instant::now() + args.timeout;
            for (app, outcome) in apps.iter().zip(&mut launched).filter(|(_, outcome)| outcome.ok) {
                *outcome = wait(prepared, marathon, app, until);
            }
        }
        show::outcomes(common.json, &launched);
        Ok(launched.iter().filter(|outcome| !outcome.ok).count())
    })
}

pub(super) fn list(common: &Common, args: &ListArgs) -> Result<Exit, Failure> {
    with_marathon(common, &args.hosts, "apps list", |_, marathon| {
        let json = marathon.call(&Call::apps(), Duration::ZERO).map_err(failed)?;
        let apps: Vec<AppState> = json["apps"].as_array().into_iter().flatten().map(AppState::read).collect();
        show::list(common.json, &apps);
        Ok(0)
    })
}

pub(super) fn remove(common: &Common, args: &RemoveArgs) -> Result<Exit, Failure> {
    if args.apps.is_empty() {
        return Err(Failure::usage(
            "nothing is named that would be removed\nname samples or applications behind the inventory; `apps list` shows them",
        ));
    }
    let catalogue = catalogue(common)?;
    with_marathon(common, &args.hosts, "apps remove", |prepared, marathon| {
        let (ids, names): (Vec<String>, Vec<String>) =
            args.apps.iter().cloned().partition(|app| app.starts_with('/'));
        let mut ids = ids;
        if !names.is_empty() {
            let version = running_version(marathon, common, prepared)?;
            let samples = rendered(&catalogue, &prepared.cluster, &names, version)?;
            ids.extend(samples.iter().flat_map(|sample| &sample.apps).map(AppDefinition::id));
        }
        let removed: Vec<Outcome> = ids.iter().map(|id| remove_one(marathon, id)).collect();
        show::outcomes(common.json, &removed);
        Ok(removed.iter().filter(|outcome| !outcome.ok).count())
    })
}

/// Finds a Marathon that answers, does something with it that counts its failures, and ends the run.
fn with_marathon(
    common: &Common,
    args: &HostArgs,
    command: &'static str,
    work: impl FnOnce(&Prepared, &mut Marathon<'_, '_>) -> Result<usize, Failure>,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let mut prepared = Prepared::load_to_look(common, args)?;
    let cluster = &prepared.cluster;
    prepared.desired.retain(|host| cluster.host(host.host.as_str()).is_some_and(|host| host.has("marathon")));
    let reporter = common.reporter()?;
    let mut fleet = prepared.look(&reporter)?;
    reporter.flush();
    let failures = work(&prepared, &mut Marathon::find(&prepared.cluster, &mut fleet)?)?;
    let format = reporter.format();
    reporter.finish();
    let totals = match failures {
        0 => Totals { unchanged: 1, ..Totals::default() },
        _ => Totals { failed: 1, ..Totals::default() },
    };
    show_summary(format, &Summary::new(command, totals, 0, begun));
    Ok(finish::exit(&prepared, failures == 0))
}

fn catalogue(common: &Common) -> Result<Catalogue, Failure> {
    let data = common.data()?;
    Catalogue::load(&data).map_err(Failure::usage)
}

/// The version that runs; that of the release where it does not say one.
fn running_version(
    marathon: &Marathon<'_, '_>,
    common: &Common,
    prepared: &Prepared,
) -> Result<MarathonVersion, Failure> {
    match marathon.info.kind {
        Some(version) => Ok(version),
        None => {
            let data = common.data()?;
            version_of_release(&data, &prepared.inventory.release)
        }
    }
}

/// Definitions of the operator's own: an object or a list, refused with everything that is wrong.
fn read(file: &Utf8Path) -> Result<Vec<AppDefinition>, Failure> {
    let text = fs_err::read_to_string(file).map_err(Failure::usage)?;
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{file} is not JSON: {error}\ncorrect that place")))?;
    let apps = match json {
        Value::Array(apps) => apps,
        app => vec![app],
    };
    let read = |app| AppDefinition::try_from(app).map_err(|bad| Failure::usage(format!("{file}: {bad}")));
    apps.into_iter().map(read).collect()
}

fn put(marathon: &mut Marathon<'_, '_>, app: &AppDefinition) -> Outcome {
    match marathon.call(&Call::put(app), Duration::ZERO) {
        Ok(_) => {
            let name = marathon.name();
            let text = format!("Marathon on {name} has accepted it");
            Outcome { word: "accepted", id: app.id(), state: None, text, ok: true }
        }
        Err(error) => bad(app.id(), &error),
    }
}

fn bad(id: String, error: &MarathonError) -> Outcome {
    Outcome { word: "failed", id, state: None, text: with_causes(error), ok: false }
}

/// Waits until the tasks of an app run.
fn wait(
    prepared: &Prepared,
    marathon: &mut Marathon<'_, '_>,
    app: &AppDefinition,
    until: Instant,
) -> Outcome {
    let mut pause = Duration::ZERO;
    loop {
        let state = match marathon.call(&Call::app(&app.id()), pause) {
            Ok(json) => AppState::read(&json["app"]),
            Err(error) => return bad(app.id(), &error),
        };
        let outcome =
            |word, ok, text: String| Outcome { word, id: app.id(), state: Some(state.clone()), text, ok };
        if state.is_done() {
            return outcome("running", true, state.sentence());
        }
        let interrupted = prepared.interrupts.cancel.is_cancelled();
        if interrupted || Instant::now() >= until {
            let why = if interrupted { "interrupted" } else { "the time is over" };
            let text = format!(
                "{why}: {}\nMarathon goes on with it; `apps list` shows how far it is",
                state.sentence()
            );
            return outcome("waiting", false, text);
        }
        pause = PAUSE;
    }
}

fn remove_one(marathon: &mut Marathon<'_, '_>, id: &str) -> Outcome {
    match marathon.call(&Call::remove(id), Duration::ZERO) {
        Ok(_) => {
            let text = format!("Marathon on {} ends its tasks", marathon.name());
            Outcome { word: "removed", id: id.to_owned(), state: None, text, ok: true }
        }
        Err(error) if error.is_unknown() => {
            let text = "Marathon has no such app\n`apps list` shows those that it has".to_owned();
            Outcome { word: "failed", id: id.to_owned(), state: None, text, ok: false }
        }
        Err(error) => bad(id.to_owned(), &error),
    }
}

fn failed(error: MarathonError) -> Failure {
    Failure::new(Exit::HostFailed, error)
}
