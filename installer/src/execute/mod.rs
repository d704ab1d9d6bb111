//! Executes a plan over all hosts at once, in the order of its graph.
//!
//! This module knows nothing of SSH or terminals: it drives [`Host`]s and sends events.

mod schedule;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use schedule::{Ended, Schedule};

use crate::event::{Event, Events};
use crate::host::{Cancel, Host, HostError, Materials, StepFailed};
use crate::plan::{Action, Graph, HostPlan, Node, NodeId};

/// One host with its plan and what the plan is done with.
pub struct Task<'a> {
    /// The host, which one node uses at a time.
    pub host: Mutex<&'a mut dyn Host>,
    /// Its plan.
    pub plan: &'a HostPlan,
    /// What the plan is done with.
    pub materials: Materials<'a>,
}

/// How the plan of one host ended.
#[derive(Debug, Default)]
pub struct Executed {
    /// Steps done that changed the host.
    pub changes: usize,
    /// The step that failed and why.
    pub failed: Option<(String, HostError)>,
    /// Why its remaining steps were left alone, where none of its own failed.
    pub skipped: Option<String>,
}

/// Executes the plans of `tasks` in the order of `graph`, on at most `forks` hosts at once, and says how each ended.
///
/// A failed step ends its host's plan and skips what depends on it; all others go on.
pub fn execute(
    graph: &Graph,
    tasks: &[Task<'_>],
    forks: usize,
    cancel: &Cancel,
    events: &Events,
) -> Result<Vec<Executed>, rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(forks.clamp(1, tasks.len().max(1))).build()?;
    let mut executed: Vec<Executed> = tasks.iter().map(|_| Executed::default()).collect();
    let (over, turns) = channel::<(NodeId, NodeResult)>();
    // The scheduler is a thread of its own, so that all threads of the pool are there for hosts.
    pool.in_place_scope_fifo(|scope| {
        let mut schedule = Schedule::new(graph);
        let mut turn = schedule.start();
        loop {
            for (node, mut why) in turn.skip.drain(..) {
                if cancel.is_cancelled() {
                    "interrupted before it was its turn".clone_into(&mut why);
                }
                let host = &mut executed[graph.nodes[node].plan];
                if host.failed.is_none() && host.skipped.is_none() {
                    host.skipped = Some(why);
                }
            }
            for node in turn.begin.drain(..) {
                let (over, events) = (over.clone(), events.clone());
                scope.spawn_fifo(move |_| {
                    // A panic must end its own host only, and must be heard of: the run waits for every node.
                    let work = AssertUnwindSafe(|| run(graph, node, tasks, cancel, &events));
                    let result = catch_unwind(work).unwrap_or_else(|_| NodeResult::panicked());
                    // The receiver lives until the last node is over.
                    let _ = over.send((node, result));
                });
            }
            if schedule.finished() {
                break;
            }
            let Ok((node, result)) = turns.recv() else { break };
            let host = &mut executed[graph.nodes[node].plan];
            host.changes += result.changes;
            let ended = if result.failed.is_some() { Ended::Failed } else { Ended::Done };
            host.failed = result.failed.or(host.failed.take());
            turn = schedule.over(node, ended);
        }
    });
    Ok(executed)
}

struct NodeResult {
    changes: usize,
    failed: Option<(String, HostError)>,
}

impl NodeResult {
    fn panicked() -> Self {
        Self { changes: 0, failed: Some(("an internal step".to_owned(), HostError::Internal)) }
    }
}

/// Does the steps of one node, in order, until one fails.
fn run(graph: &Graph, node: NodeId, tasks: &[Task<'_>], cancel: &Cancel, events: &Events) -> NodeResult {
    let Node { plan: task, steps, after, .. } = &graph.nodes[node];
    let task = &tasks[*task];
    // Poisoned by a panic in an earlier node, after which this one would not begin.
    let mut host = task.host.lock().unwrap_or_else(PoisonError::into_inner);
    let mut changes = 0;
    // What this run may leave on the host must be known to a later one, however this one ends.
    if after.is_none()
        && let Err(error) = host.keep(&task.materials.intent)
    {
        return NodeResult { changes, failed: Some(("keep the receipt".to_owned(), error)) };
    }
    for batch in batches(steps, task.plan) {
        if cancel.is_cancelled() {
            let step = task.plan.steps[batch[0]].action.to_string();
            return NodeResult { changes, failed: Some((step, HostError::Interrupted)) };
        }
        match do_batch(&mut **host, batch, task, events) {
            Ok(done) => changes += done,
            Err((done, step, error)) => {
                return NodeResult { changes: changes + done, failed: Some((step, error)) };
            }
        }
    }
    NodeResult { changes, failed: None }
}

/// Does steps that belong together; how many of them changed the host, and which one failed.
fn do_batch(
    host: &mut dyn Host,
    batch: &[usize],
    task: &Task<'_>,
    events: &Events,
) -> Result<usize, (usize, String, HostError)> {
    let name = &task.plan.host;
    let actions: Vec<&Action> = batch.iter().map(|index| &task.plan.steps[*index].action).collect();
    for index in batch {
        let (host, step) = (name.clone(), task.plan.steps[*index].clone());
        events.send(Event::StepStarted { host, index: *index, step });
    }
    let begun = Instant::now();
    let result = host.perform(&actions, &task.materials, &mut |sent| {
        if let [Action::Upload { size, .. }] = actions.as_slice() {
            events.send(Event::StepProgress { host: name.clone(), index: batch[0], sent, total: *size });
        }
    });
    let finished = |position: usize, error: Option<String>| {
        let (index, step) = (batch[position], actions[position].to_string());
        events.send(Event::StepFinished {
            host: name.clone(),
            index,
            step,
            duration: begun.elapsed(),
            error,
        });
    };
    let changed = |done: usize| actions[..done].iter().filter(|action| action.changes_host()).count();
    match result {
        Ok(()) => {
            (0..batch.len()).for_each(|position| finished(position, None));
            Ok(changed(batch.len()))
        }
        Err(StepFailed { done, error }) => {
            let done = done.min(batch.len() - 1);
            (0..done).for_each(|position| finished(position, None));
            finished(done, Some(error.to_string()));
            Err((changed(done), actions[done].to_string(), error))
        }
    }
}

/// The steps of a node as they are done: files next to each other in one round trip, so are settings of the system,
/// anything else by itself.
fn batches<'a>(steps: &'a [usize], plan: &'a HostPlan) -> impl Iterator<Item = &'a [usize]> {
    let kind = |index: &usize| match plan.steps[*index].action {
        Action::WriteFile { .. }
        | Action::RemoveFile { .. }
        | Action::WriteBlock { .. }
        | Action::RemoveBlock { .. } => 1,
        Action::SetSystem { .. } | Action::UnsetSystem { .. } => 2,
        _ => 0,
    };
    steps.chunk_by(move |a, b| kind(a) != 0 && kind(a) == kind(b))
}
