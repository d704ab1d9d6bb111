//! Which node of a graph may begin: pure bookkeeping, driven by [`super::execute`].

use std::collections::VecDeque;

use crate::plan::{Graph, Need, NodeId};

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All its steps were done.
    Done,
    /// One of its steps failed.
    Failed,
    /// It never began.
    Skipped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Queued,
    Running,
    Over(Ended),
}

/// The state of every node of a graph.
pub(super) struct Schedule<'g> {
    graph: &'g Graph,
    states: Vec<State>,
    /// For each node, those whose turn may come when it is over.
    dependents: Vec<Vec<NodeId>>,
    /// For each window, the nodes that wait for room in it, in order.
    queues: Vec<VecDeque<NodeId>>,
    running: Vec<usize>,
    failures: Vec<usize>,
}

/// What became possible when a node was over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// Nodes that begin now.
    pub(super) begin: Vec<NodeId>,
    /// Nodes that never begin, with the reason.
    pub(super) skip: Vec<(NodeId, String)>,
}

impl<'g> Schedule<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut dependents = vec![Vec::new(); graph.nodes.len()];
        for (id, node) in graph.nodes.iter().enumerate() {
            let others = node.needs.iter().flat_map(|need| match need {
                Need::Over(node) => std::slice::from_ref(node),
                Need::Role { nodes, .. } | Need::Back(nodes) => nodes,
                Need::Never(_) => &[],
            });
            for before in others.chain(&node.after) {
                dependents[*before].push(id);
            }
        }
        Self {
            graph,
            states: vec![State::Waiting; graph.nodes.len()],
            dependents,
            queues: vec![VecDeque::new(); graph.windows.len()],
            running: vec![0; graph.windows.len()],
            failures: vec![0; graph.windows.len()],
        }
    }

    /// The nodes that may begin at once.
    pub(super) fn start(&mut self) -> Turn {
        let mut turn = Turn::default();
        let all: Vec<NodeId> = (0..self.graph.nodes.len()).collect();
        self.consider(all, &mut turn);
        turn
    }

    /// Records how a running node ended, and says what that makes possible.
    pub(super) fn over(&mut self, node: NodeId, ended: Ended) -> Turn {
        let mut turn = Turn::default();
        if let Some(window) = self.graph.nodes[node].window {
            self.running[window] -= 1;
            self.failures[window] += usize::from(ended == Ended::Failed);
        }
        self.states[node] = State::Over(ended);
        self.consider(self.dependents[node].clone(), &mut turn);
        turn
    }

    /// Whether every node is over.
    pub(super) fn finished(&self) -> bool {
        self.states.iter().all(|state| matches!(state, State::Over(_)))
    }

    fn consider(&mut self, nodes: Vec<NodeId>, turn: &mut Turn) {
        let mut todo = VecDeque::from(nodes);
        while let Some(id) = todo.pop_front() {
            if self.states[id] != State::Waiting {
                continue;
            }
            match self.verdict(id) {
                Verdict::Wait => {}
                Verdict::Begin => match self.graph.nodes[id].window {
                    None => self.begin(id, turn),
                    Some(window) => {
                        self.states[id] = State::Queued;
                        self.queues[window].push_back(id);
                    }
                },
                Verdict::Never(why) => {
                    self.skip(id, why, turn);
                    todo.extend(&self.dependents[id]);
                }
            }
        }
        for window in 0..self.queues.len() {
            self.open(window, turn);
        }
    }

    /// Lets queued nodes of a window begin, as far as there is room; none after too many failures.
    fn open(&mut self, window: usize, turn: &mut Turn) {
        let limit = &self.graph.windows[window];
        if self.failures[window] > limit.max_failures {
            let why = format!(
                "{} of the {} restarts before it failed, so this one is left running",
                self.failures[window], limit.role
            );
            let queued: Vec<NodeId> = self.queues[window].drain(..).collect();
            let mut dependents = Vec::new();
            for id in queued {
                self.skip(id, why.clone(), turn);
                dependents.extend(&self.dependents[id]);
            }
            if !dependents.is_empty() {
                self.consider(dependents, turn);
            }
            return;
        }
        while self.running[window] < limit.at_once {
            let Some(id) = self.queues[window].pop_front() else { break };
            self.running[window] += 1;
            self.begin(id, turn);
        }
    }

    fn begin(&mut self, id: NodeId, turn: &mut Turn) {
        self.states[id] = State::Running;
        turn.begin.push(id);
    }

    fn skip(&mut self, id: NodeId, why: String, turn: &mut Turn) {
        self.states[id] = State::Over(Ended::Skipped);
        turn.skip.push((id, why));
    }

    fn verdict(&self, id: NodeId) -> Verdict {
        let node = &self.graph.nodes[id];
        let over = |node: NodeId| match self.states[node] {
            State::Over(ended) => Some(ended),
            _ => None,
        };
        match node.after.map(over) {
            None | Some(Some(Ended::Done)) => {}
            Some(None) => return Verdict::Wait,
            Some(Some(_)) => return Verdict::Never("an earlier step of this host was not done".to_owned()),
        }
        for need in &node.needs {
            match need {
                Need::Over(node) if over(*node).is_none() => return Verdict::Wait,
                Need::Over(_) => {}
                Need::Never(why) => return Verdict::Never(why.clone()),
                Need::Back(nodes) => {
                    if nodes.iter().any(|node| !matches!(over(*node), None | Some(Ended::Done))) {
                        return Verdict::Never(
                            "another member is down and did not come back, so this one is left running"
                                .to_owned(),
                        );
                    }
                    if nodes.iter().any(|node| over(*node).is_none()) {
                        return Verdict::Wait;
                    }
                }
                Need::Role { role, nodes, at_least, hosts } => {
                    let done = nodes.iter().filter(|node| over(**node) == Some(Ended::Done)).count();
                    let open = nodes.iter().filter(|node| over(**node).is_none()).count();
                    if done + open < *at_least {
                        return Verdict::Never(format!(
                            "it needs {role}, which is not healthy on a majority of its {hosts} hosts"
                        ));
                    }
                    if done < *at_least {
                        return Verdict::Wait;
                    }
                }
            }
        }
        Verdict::Begin
    }
}

enum Verdict {
    Wait,
    Begin,
    Never(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::{Node, Window};

    fn node(after: Option<NodeId>, needs: Vec<Need>, window: Option<usize>) -> Node {
        Node { plan: 0, steps: vec![0], after, needs, window }
    }

    fn role(nodes: Vec<NodeId>, at_least: usize) -> Need {
        let hosts = nodes.len();
        Need::Role { role: "zookeeper".parse().unwrap(), nodes, at_least, hosts }
    }

    fn window(at_once: usize, max_failures: usize) -> Window {
        Window { role: "mesos-agent".parse().unwrap(), at_once, max_failures }
    }

    #[test]
    fn a_majority_is_enough_and_is_not_waited_past() {
        let nodes = vec![
            node(None, vec![], None),
            node(None, vec![], None),
            node(None, vec![], None),
            node(None, vec![role(vec![0, 1, 2], 2)], None),
        ];
        let graph = Graph { nodes, windows: vec![] };
        let mut schedule = Schedule::new(&graph);
        assert_eq!(schedule.start().begin, [0, 1, 2]);
        assert_eq!(schedule.over(0, Ended::Failed), Turn::default());
        assert_eq!(schedule.over(1, Ended::Done), Turn::default());
        assert_eq!(schedule.over(2, Ended::Done).begin, [3]);
    }

    #[test]
    fn what_can_no_longer_be_reached_is_skipped_with_all_that_follows() {
        let nodes = vec![
            node(None, vec![], None),
            node(None, vec![role(vec![0], 1)], None),
            node(Some(1), vec![], None),
        ];
        let graph = Graph { nodes, windows: vec![] };
        let mut schedule = Schedule::new(&graph);
        assert_eq!(schedule.start().begin, [0]);
        let turn = schedule.over(0, Ended::Failed);
        assert_eq!(turn.skip.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
        insta::assert_snapshot!(turn.skip[0].1, @"it needs zookeeper, which is not healthy on a majority of its 1 hosts");
        assert!(schedule.finished());
    }

    #[test]
    fn a_window_slides_and_closes_after_too_many_failures() {
        let nodes = (0..5).map(|_| node(None, vec![], Some(0))).collect();
        let graph = Graph { nodes, windows: vec![window(2, 1)] };
        let mut schedule = Schedule::new(&graph);
        assert_eq!(schedule.start().begin, [0, 1]);
        // The second is slow; the others go past it.
        assert_eq!(schedule.over(0, Ended::Done).begin, [2]);
        assert_eq!(schedule.over(2, Ended::Failed).begin, [3]);
        let turn = schedule.over(3, Ended::Failed);
        assert_eq!((turn.begin.as_slice(), turn.skip.len()), (&[][..], 1));
        schedule.over(1, Ended::Done);
        assert!(schedule.finished());
    }

    proptest! {
        /// Whatever fails, every node ends, none begins before what it needs, and no window is exceeded.
        #[test]
        fn every_run_ends(
            shape in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<prop::sample::Index>(), 0..3), any::<bool>()), 1..30),
            fails in prop::collection::vec(any::<bool>(), 30),
            at_once in 1..4_usize,
        ) {
            let nodes: Vec<Node> = shape.iter().enumerate().map(|(id, (chained, needs, windowed))| {
                let needs = needs.iter().filter(|_| id > 0).map(|need| role(vec![need.index(id)], 1)).collect();
                node(chained.then(|| id.checked_sub(1)).flatten(), needs, windowed.then_some(0))
            }).collect();
            let graph = Graph { nodes, windows: vec![window(at_once, 1)] };
            let mut schedule = Schedule::new(&graph);
            let mut running: Vec<NodeId> = schedule.start().begin;
            let mut done = vec![false; graph.nodes.len()];
            while let Some(id) = running.pop() {
                let windowed = running.iter().chain([&id]).filter(|id| graph.nodes[**id].window.is_some()).count();
                prop_assert!(windowed <= at_once);
                prop_assert!(graph.nodes[id].after.is_none_or(|before| done[before]));
                done[id] = !fails[id];
                let turn = schedule.over(id, if fails[id] { Ended::Failed } else { Ended::Done });
                running.extend(turn.begin);
            }
            prop_assert!(schedule.finished());
        }
    }
}
