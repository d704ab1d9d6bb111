//! How apps are shown.

use serde_json::json;

use crate::apps::api::AppState;
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

/// Shows outcomes: a JSON object each, or a line each.
pub(super) fn outcomes(json: bool, outcomes: &[Outcome]) {
    for Outcome { word, id, state, text, ok } in outcomes {
        if json {
            let error = (!ok).then_some(text);
            let tasks = state.as_ref().map(|state| &state.tasks);
            let number = |of: fn(&AppState) -> u64| state.as_ref().map(of);
            json_line(&json!({
                "type": "app", "id": id, "outcome": word, "error": error, "text": text, "tasks": tasks,
                "instances": number(|state| state.instances), "running": number(|state| state.running),
            }));
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
        for app in apps {
            let mut line = json!(app);
            line["type"] = "app".into();
            json_line(&line);
        }
    } else {
        anstream::print!("{}", show_apps(apps));
    }
}
