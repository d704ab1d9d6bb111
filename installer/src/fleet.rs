//! The hosts of one run: connected, locked where they are going to be changed, and asked for facts, all at once.

use rayon::prelude::*;

use crate::desired::DesiredHost;
use crate::event::{Event, Events, Phase};
use crate::facts::{Facts, FactsQuery};
use crate::host::{Cancel, Host, HostError, RemoteHost};
use crate::model::HostName;
use crate::transport::Connector;

/// What a run needs to reach hosts.
pub struct Reach<'a> {
    /// Opens sessions.
    pub connector: &'a dyn Connector,
    /// The run's name, under which backups are kept.
    pub run: &'a str,
    /// Who takes the hosts' locks; none where hosts are only looked at.
    pub lock: Option<&'a str>,
    /// How many hosts are worked on at once.
    pub forks: usize,
    /// Asks the run to end.
    pub cancel: &'a Cancel,
    /// Where events go.
    pub events: Events,
}

/// The hosts of a run, in the order of the inventory.
pub struct Fleet<'a> {
    /// The hosts.
    pub members: Vec<Member<'a>>,
}

/// A host of a run.
pub struct Member<'a> {
    /// What it must be like.
    pub desired: &'a DesiredHost,
    /// The host with its facts, or why it cannot be used.
    pub state: Result<Known<'a>, HostError>,
}

/// A host that answered.
pub struct Known<'a> {
    /// The host.
    pub host: Box<dyn Host + 'a>,
    /// What it is like.
    pub facts: Facts,
}

impl Member<'_> {
    /// The host's name.
    pub fn name(&self) -> &HostName {
        &self.desired.host
    }

    /// Its facts, where it answered.
    pub fn facts(&self) -> Option<&Facts> {
        self.state.as_ref().ok().map(|known| &known.facts)
    }
}

impl<'a> Fleet<'a> {
    /// Connects to all hosts at once and asks them for facts. A host that does not answer keeps none of the others
    /// from being used.
    ///
    /// # Errors
    /// Only when no threads can be had.
    pub fn gather(hosts: &'a [DesiredHost], reach: &Reach<'a>) -> Result<Self, rayon::ThreadPoolBuildError> {
        reach.events.send(Event::Phase { phase: Phase::Facts, hosts: hosts.len() });
        let members = in_pool(reach.forks, || {
            // One host a task, so that none waits behind a slow one that happens to be in the same chunk.
            hosts
                .par_iter()
                .with_max_len(1)
                .map(|desired| Member { desired, state: connect(desired, reach) })
                .collect()
        })?;
        Ok(Self { members })
    }

    /// Asks those members again that `which` picks, and keeps their new facts.
    ///
    /// # Errors
    /// Only when no threads can be had.
    pub fn gather_again(
        &mut self,
        which: impl Fn(&HostName) -> bool + Sync,
        reach: &Reach<'a>,
    ) -> Result<(), rayon::ThreadPoolBuildError> {
        let mut picked: Vec<&mut Member<'a>> =
            self.members.iter_mut().filter(|member| which(&member.desired.host)).collect();
        if picked.is_empty() {
            return Ok(());
        }
        reach.events.send(Event::Phase { phase: Phase::Confirm, hosts: picked.len() });
        in_pool(reach.forks, || {
            picked.par_iter_mut().with_max_len(1).for_each(|member| {
                let Ok(known) = &mut member.state else { return };
                match known.host.facts(&FactsQuery::about(member.desired)) {
                    Ok(facts) => {
                        report_facts(member.desired, &facts, &reach.events);
                        known.facts = facts;
                    }
                    Err(error) => member.state = Err(error),
                }
            });
        })
    }

    /// Does something with every member, on at most `forks` at once.
    ///
    /// # Errors
    /// Only when no threads can be had.
    pub fn on_all<T: Send>(
        &mut self,
        forks: usize,
        work: impl Fn(&mut Member<'a>) -> T + Send + Sync,
    ) -> Result<Vec<T>, rayon::ThreadPoolBuildError> {
        in_pool(forks, || self.members.par_iter_mut().with_max_len(1).map(&work).collect())
    }
}

fn connect<'a>(desired: &DesiredHost, reach: &Reach<'a>) -> Result<Known<'a>, HostError> {
    if reach.cancel.is_cancelled() {
        return Err(HostError::Interrupted);
    }
    let session = reach.connector.connect(&desired.host)?;
    let mut host = RemoteHost::new(session, reach.run, reach.cancel);
    if let Some(holder) = reach.lock {
        host.lock(holder)?;
    }
    let facts = host.facts(&FactsQuery::about(desired))?;
    report_facts(desired, &facts, &reach.events);
    Ok(Known { host: Box::new(host), facts })
}

fn report_facts(desired: &DesiredHost, facts: &Facts, events: &Events) {
    events.send(Event::Facts { host: desired.host.clone(), os: facts.os_name.clone() });
}

fn in_pool<T: Send>(forks: usize, work: impl FnOnce() -> T + Send) -> Result<T, rayon::ThreadPoolBuildError> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(forks.max(1)).build()?.install(work))
}
