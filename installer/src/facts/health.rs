//! What is wrong with units: systemd's view first, then the answers of their health checks.

use super::{Answer, Facts, Health, UnitFacts, judge};
use crate::desired::ManagedUnit;

/// Every unit of `units` with what is wrong with it, or nothing where it is active and all its checks pass.
///
/// The facts must have been asked for these units' checks, in their order.
pub fn problems<'a>(units: &'a [ManagedUnit], facts: &Facts) -> Vec<(&'a ManagedUnit, Option<String>)> {
    let mut answers = facts.answers.iter();
    units
        .iter()
        .map(|unit| {
            let answers: Vec<&Answer> = answers.by_ref().take(unit.health.len()).collect();
            (unit, problem(unit, facts.units.get(&unit.name), &answers))
        })
        .collect()
}

fn problem(unit: &ManagedUnit, now: Option<&UnitFacts>, answers: &[&Answer]) -> Option<String> {
    match now {
        None => Some("it is not known to systemd".to_owned()),
        Some(now) if now.load == "not-found" => Some("it is not installed".to_owned()),
        Some(now) if !now.is_running() => Some(format!("it is {} ({})", now.active, now.sub)),
        Some(_) => unit.health.iter().zip(answers).find_map(|(check, answer)| match judge(check, answer) {
            Health::Healthy => None,
            Health::Unhealthy(why) => Some(why),
        }),
    }
}

impl UnitFacts {
    /// Whether the unit does its work, as far as systemd knows.
    pub fn is_running(&self) -> bool {
        self.active == "active" || self.active == "reloading"
    }
}
