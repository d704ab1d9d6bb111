//! The order of work across hosts: which part of a host's plan waits for which parts of others.
//!
//! A host's steps fall into nodes: everything before its units, then for each unit its start and the wait for
//! its health. A first start and the wait are apart, because the members of an ensemble become healthy only
//! together; a restart and the wait are one node, because the next member may follow only then.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Action, HostPlan};
use crate::desired::{DesiredHost, ManagedUnit};
use crate::inventory::Rollout;
use crate::model::{HostName, RoleName, UnitName};

/// The index of a node in [`Graph::nodes`].
pub type NodeId = usize;

/// The work of a run, with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The nodes. A node's predecessor on the same host comes before it.
    pub nodes: Vec<Node>,
    /// The windows through which restarts go.
    pub windows: Vec<Window>,
}

/// Consecutive steps of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The host's index in the plans that the graph was made of.
    pub plan: usize,
    /// The steps' indices in the host's plan, in order.
    pub steps: Vec<usize>,
    /// The node of the same host that must have succeeded before.
    pub after: Option<NodeId>,
    /// What must be true of other hosts before.
    pub needs: Vec<Need>,
    /// The window that it goes through, as an index in [`Graph::windows`].
    pub window: Option<usize>,
}

/// What must be true of other hosts before a node begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A node must be over, however it ended.
    Over(NodeId),
    /// A role must be healthy on enough hosts.
    Role {
        /// The role.
        role: RoleName,
        /// The nodes that make it healthy, one a host.
        nodes: Vec<NodeId>,
        /// How many of the nodes must succeed.
        at_least: usize,
        /// How many hosts have the role in all.
        hosts: usize,
    },
    /// The members of the node's own role that are down must be back.
    Back(Vec<NodeId>),
    /// The node must not begin, for this reason.
    Never(String),
}

/// How many restarts of a role may be under way at once, and how many may fail before the rest is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The role.
    pub role: RoleName,
    /// Restarts at once.
    pub at_once: usize,
    /// Failures after which no further restart begins.
    pub max_failures: usize,
}

/// Orders the plans of all hosts that could be planned.
///
/// `desired` holds all hosts that the run is about, also those that could not be reached: a role is there for
/// others only when a majority of its hosts is healthy, and a quorum is left alone when it could not spare a member.
pub fn graph(desired: &[DesiredHost], plans: &[HostPlan], rollout: Rollout) -> Graph {
    let levels = levels(desired);
    let mut graph = Graph { nodes: Vec::new(), windows: Vec::new() };
    let mut ready_nodes: BTreeMap<(RoleName, HostName), NodeId> = BTreeMap::new();
    let mut units: Vec<(NodeId, &ManagedUnit, Phase)> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let Some(host) = desired.iter().find(|host| host.host == plan.host) else { continue };
        let mut after = None;
        let first =
            plan.steps.iter().position(|step| step.action.starts().is_some()).unwrap_or(plan.steps.len());
        if first > 0 {
            after = Some(graph.push(index, (0..first).collect(), after));
        }
        for part in parts(host, plan, &levels, |unit| Quorum::of(unit, desired, plans).is_lost()) {
            let id = graph.push(index, part.steps, after);
            after = Some(id);
            if matches!(part.phase, Phase::Wait | Phase::Roll) {
                ready_nodes.insert((part.unit.role.clone(), plan.host.clone()), id);
            }
            if part.phase == Phase::Roll {
                graph.nodes[id].window = Some(graph.window(part.unit, desired, rollout));
            }
            units.push((id, part.unit, part.phase));
        }
    }
    for (id, unit, phase) in &units {
        let peers = |wanted: Phase| {
            units
                .iter()
                .filter(move |(_, peer, phase)| peer.role == unit.role && *phase == wanted)
                .map(|peer| peer.0)
        };
        let roles = unit.needs.iter().filter_map(|role| need(role, desired, plans, &ready_nodes));
        graph.nodes[*id].needs = match phase {
            Phase::Set => roles.collect(),
            // What one host sets for all is there before any starts.
            Phase::Start => roles.chain(peers(Phase::Set).map(Need::Over)).collect(),
            // The members of an ensemble are healthy only together: wait once all have been started.
            Phase::Wait => peers(Phase::Start).map(Need::Over).collect(),
            // A running member is restarted only once those that were down are back, and if the others suffice.
            Phase::Roll if unit.quorum => {
                let refused = Quorum::of(unit, desired, plans).cannot_spare_one().map(Need::Never);
                let set = peers(Phase::Set).map(Need::Over);
                roles.chain(set).chain([Need::Back(peers(Phase::Wait).collect())]).chain(refused).collect()
            }
            Phase::Roll => roles.chain(peers(Phase::Set).map(Need::Over)).collect(),
        };
    }
    graph
}

impl Graph {
    pub(super) fn push(&mut self, plan: usize, steps: Vec<usize>, after: Option<NodeId>) -> NodeId {
        self.nodes.push(Node { plan, steps, after, needs: Vec::new(), window: None });
        self.nodes.len() - 1
    }

    /// The window for restarts of a unit: one at a time where it forms a quorum with its peers.
    fn window(&mut self, unit: &ManagedUnit, desired: &[DesiredHost], rollout: Rollout) -> usize {
        if let Some(index) = self.windows.iter().position(|window| window.role == unit.role) {
            return index;
        }
        let hosts = desired.iter().filter(|host| host.roles.contains(&unit.role)).count();
        let (at_once, max_failures) = if unit.quorum {
            (1, 0)
        } else {
            (rollout.agents_at_once.of(hosts), rollout.max_failures as usize)
        };
        self.windows.push(Window { role: unit.role.clone(), at_once, max_failures });
        self.windows.len() - 1
    }
}

/// The members of a unit that forms a quorum.
struct Quorum<'a> {
    role: &'a RoleName,
    /// Hosts that have the unit.
    members: usize,
    /// Those that are healthy now.
    healthy: usize,
    /// Those that could not be reached or planned.
    gone: usize,
}

impl<'a> Quorum<'a> {
    fn of(unit: &'a ManagedUnit, desired: &[DesiredHost], plans: &[HostPlan]) -> Self {
        let members = desired.iter().filter(|host| host.units.iter().any(|other| other.name == unit.name));
        let mut quorum = Self { role: &unit.role, members: 0, healthy: 0, gone: 0 };
        for host in members {
            quorum.members += 1;
            match plans.iter().find(|plan| plan.host == host.host) {
                None => quorum.gone += 1,
                Some(plan) => quorum.healthy += usize::from(!plan.unhealthy.contains(&unit.name)),
            }
        }
        quorum
    }

    fn majority(&self) -> usize {
        self.members / 2 + 1
    }

    /// Whether there is no quorum to be kept: then all members restart at once, since one alone cannot recover.
    fn is_lost(&self) -> bool {
        self.healthy < self.majority()
    }

    /// Why no member may be restarted; nothing where the others are a majority, or where there are no others.
    fn cannot_spare_one(&self) -> Option<String> {
        let Self { role, members, gone, .. } = self;
        let left = members - gone;
        (*members > 1 && left <= self.majority()).then(|| {
            format!(
                "{gone} of the {members} {role} hosts cannot be used, and while another one restarts the rest would be \
                 no majority: bring back what is missing first"
            )
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Set,
    Start,
    Wait,
    Roll,
}

struct Part<'a> {
    unit: &'a ManagedUnit,
    phase: Phase,
    steps: Vec<usize>,
}

/// A host's unit steps as parts, in an order that agrees on all hosts: first what others need.
fn parts<'a>(
    host: &'a DesiredHost,
    plan: &HostPlan,
    levels: &BTreeMap<&RoleName, usize>,
    quorum_is_lost: impl Fn(&ManagedUnit) -> bool,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for unit in &host.units {
        let steps = steps_of(plan, &unit.name);
        let is_set = |step: &usize| matches!(plan.steps[*step].action, Action::Set { .. });
        let (sets, steps): (Vec<usize>, Vec<usize>) = steps.partition(is_set);
        if !sets.is_empty() {
            parts.push(Part { unit, phase: Phase::Set, steps: sets });
        }
        let restarts = steps.iter().any(|step| matches!(plan.steps[*step].action, Action::Restart { .. }));
        let is_wait = |step: &usize| matches!(plan.steps[*step].action, Action::AwaitHealthy { .. });
        let (waits, starts): (Vec<usize>, Vec<usize>) = steps.iter().copied().partition(is_wait);
        if restarts && !(unit.quorum && quorum_is_lost(unit)) {
            parts.push(Part { unit, phase: Phase::Roll, steps });
            continue;
        }
        for (phase, steps) in [(Phase::Start, starts), (Phase::Wait, waits)] {
            if !steps.is_empty() {
                parts.push(Part { unit, phase, steps });
            }
        }
    }
    parts.sort_by_key(|part| (levels.get(&part.unit.role).copied().unwrap_or(0), part.phase));
    parts
}

/// The steps of a unit, which a plan keeps together.
fn steps_of(plan: &HostPlan, unit: &UnitName) -> Range<usize> {
    let of_unit = |step: &super::Step| step.action.starts() == Some(unit);
    let start = plan.steps.iter().position(of_unit).unwrap_or(0);
    start..start + plan.steps.iter().filter(|step| of_unit(step)).count()
}

/// How many needs lie below each role, at the longest.
pub(super) fn levels(desired: &[DesiredHost]) -> BTreeMap<&RoleName, usize> {
    let mut levels: BTreeMap<&RoleName, usize> = BTreeMap::new();
    let units: Vec<&ManagedUnit> = desired.iter().flat_map(|host| &host.units).collect();
    // Needs have no cycles (the roles were checked), so as many rounds as roles are enough.
    for _ in 0..units.len() {
        let mut changed = false;
        for unit in &units {
            let level =
                unit.needs.iter().filter_map(|role| levels.get(role)).max().map_or(0, |level| level + 1);
            changed |= levels.insert(&unit.role, level) != Some(level);
        }
        if !changed {
            break;
        }
    }
    levels
}

/// What `role` must still reach before others may rely on it; nothing where it is there already.
fn need(
    role: &RoleName,
    desired: &[DesiredHost],
    plans: &[HostPlan],
    ready: &BTreeMap<(RoleName, HostName), NodeId>,
) -> Option<Need> {
    let serving = |host: &&DesiredHost| host.units.iter().any(|unit| unit.role == *role);
    let hosts: Vec<&HostName> = desired.iter().filter(serving).map(|host| &host.host).collect();
    let mut nodes = Vec::new();
    let mut healthy = 0;
    for host in &hosts {
        match ready.get(&(role.clone(), (*host).clone())) {
            Some(node) => nodes.push(*node),
            None => healthy += usize::from(plans.iter().any(|plan| plan.host == **host)),
        }
    }
    let majority = hosts.len() / 2 + 1;
    let at_least = if hosts.is_empty() { 0 } else { majority.saturating_sub(healthy) };
    (at_least > 0).then(|| Need::Role { role: role.clone(), nodes, at_least, hosts: hosts.len() })
}
