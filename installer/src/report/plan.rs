//! A plan for people: each host with its steps, the reasons, and the diffs.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use crate::plan::{Action, HostPlan};

/// The plans as text; hosts with nothing to do are left out, and hosts with the same steps are shown once.
pub fn show_plan(plans: &[HostPlan]) -> String {
    let mut text = String::new();
    let mut shown: Vec<&HostPlan> = Vec::new();
    for plan in plans.iter().filter(|plan| !plan.steps.is_empty()) {
        if shown.iter().any(|earlier| earlier.steps == plan.steps) {
            continue;
        }
        let same: Vec<&str> =
            plans.iter().filter(|other| other.steps == plan.steps).map(|other| other.host.as_str()).collect();
        shown.push(plan);
        let _ = writeln!(text, "{}", same.join(", ").bold());
        for step in &plan.steps {
            let mark = match &step.action {
                Action::RemoveFile { .. }
                | Action::RemoveBlock { .. }
                | Action::UnsetSystem { .. }
                | Action::Stop { .. }
                | Action::PurgeData { .. }
                | Action::Forget => "-".red().to_string(),
                Action::Upload { .. } | Action::AwaitHealthy { .. } => "·".dimmed().to_string(),
                Action::Restart { .. } | Action::Reload { .. } | Action::ReloadSystemd => {
                    "↻".yellow().to_string()
                }
                _ => "+".green().to_string(),
            };
            let _ = writeln!(text, "  {mark} {} {}", step.action, format!("({})", step.reason).dimmed());
            match &step.action {
                Action::WriteFile { diff: Some(diff), .. } | Action::WriteBlock { diff: Some(diff), .. } => {
                    text.push_str(&coloured(diff))
                }
                Action::WriteFile { backup: true, .. } | Action::RemoveFile { backup: true, .. } => {
                    let _ = writeln!(text, "      what is there now is kept as a backup");
                }
                _ => {}
            }
        }
        text.push('\n');
    }
    text
}

fn coloured(diff: &str) -> String {
    let mut text = String::new();
    for line in diff.lines() {
        let line = match line.as_bytes().first() {
            Some(b'+') => line.green().to_string(),
            Some(b'-') => line.red().to_string(),
            Some(b'@') => line.cyan().to_string(),
            _ => line.to_owned(),
        };
        let _ = writeln!(text, "      {line}");
    }
    text
}
