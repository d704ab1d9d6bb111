//! Waiting for a unit to be healthy: for the condition, with a limit, and never just for time.

use std::time::{Duration, Instant};

use super::error::Tail;
use super::{Cancel, Host, HostError};
use crate::desired::ManagedUnit;
use crate::facts::{Facts, FactsQuery, problems};

/// The pause between two looks at first, and at the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Waits until `unit` is active and all its health checks pass.
///
/// # Errors
/// When the unit failed, its patience ran out or the run was interrupted; with the end of its journal.
pub fn await_healthy(host: &mut dyn Host, unit: &ManagedUnit, cancel: &Cancel) -> Result<(), HostError> {
    let started = Instant::now();
    let (mut pause, longest) = PAUSES;
    let mut query =
        FactsQuery { units: vec![unit.name.clone()], probes: unit.health.clone(), ..FactsQuery::default() };
    loop {
        let facts = host.facts(&query)?;
        let (verdict, final_) = look(unit, &facts);
        let Some(what) = verdict else { return Ok(()) };
        if cancel.is_cancelled() {
            return Err(HostError::Interrupted);
        }
        if final_ || started.elapsed() >= unit.patience {
            let seconds = started.elapsed().as_secs();
            let what = format!("is not healthy after {seconds} s: {what}");
            let journal = Tail::of("its journal ends", host.journal(&unit.name).unwrap_or_default());
            return Err(HostError::Unhealthy { unit: unit.name.clone(), what, journal });
        }
        // The host itself pauses before it looks again, so that nothing sleeps here.
        query.pause = pause;
        pause = (pause * 2).min(longest);
    }
}

/// What is still wrong with the unit, and whether that is final.
fn look(unit: &ManagedUnit, facts: &Facts) -> (Option<String>, bool) {
    let problem = problems(std::slice::from_ref(unit), facts).into_iter().find_map(|(_, problem)| problem);
    let now = facts.units.get(&unit.name);
    (problem, now.is_none_or(|now| now.active == "failed" || now.load == "not-found"))
}
