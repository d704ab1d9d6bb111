//! How apps are shown.

use schemars::JsonSchema;
use serde::Serialize;

use crate::apps::api::{AppState, Task};
use crate::report::{json_line, show_apps};

/// How one app ended.
pub(super) struct Outcome {
    /// `running`, `accepted`, `waiting`, `failed`, `removed`.
    pub(super) word: &'static str,
    /// The app.
    pub(super) id: String,
    /// As it is now, where it is known.
    pub(super) state: Option<AppState>,
    /// What its tasks do, or what went wrong.
    pub(super) text: String,
    /// Whether that is what was wanted.
    pub(super) ok: bool,
}

/// How one app ended.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "app")]
pub(in crate::cli) struct OutcomeLine<'a> {
    /// Its id.
    id: &'a str,
    /// `running`, `accepted`, `waiting`, `failed`, `removed`.
    outcome: &'a str,
    /// What went wrong, if it did not end as wanted.
    error: Option<&'a str>,
    /// What its tasks do, or what went wrong.
    text: &'a str,
    /// Its tasks, where they are known.
    tasks: Option<&'a [Task]>,
    /// How many tasks it wants, where that is known.
    instances: Option<u64>,
    /// How many run, where that is known.
    running: Option<u64>,
}

/// An app as it is now.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "app")]
pub(in crate::cli) struct AppLine<'a> {
    #[serde(flatten)]
    app: &'a AppState,
}

/// Shows outcomes: a JSON object each, or a line each.
pub(super) fn outcomes(json: bool, outcomes: &[Outcome]) {
    for Outcome { word, id, state, text, ok } in outcomes {
        if json {
            json_line(&OutcomeLine {
                id,
                outcome: word,
                error: (!ok).then_some(text),
                text,
                tasks: state.as_ref().map(|state| &*state.tasks),
                instances: state.as_ref().map(|state| state.instances),
                running: state.as_ref().map(|state| state.running),
            });
        } else {
            anstream::println!("{id}: {word}: {text}");
            for task in state.iter().flat_map(|state| &state.tasks) {
                let addresses: Vec<String> = task.addresses.iter().map(ToString::to_string).collect();
                anstream::println!("  {} on {} {}", task.id, task.host, addresses.join(" "));
            }
        }
    }
}

/// Shows a list of apps.
pub(super) fn list(json: bool, apps: &[AppState]) {
    if json {
        apps.iter().for_each(|app| json_line(&AppLine { app }));
    } else {
        anstream::print!("{}", show_apps(apps));
    }
}
