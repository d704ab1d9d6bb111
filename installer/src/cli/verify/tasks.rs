//! `verify --tasks`: Marathon and the hosts, reached through the run's sessions.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::apps::Catalogue;
use crate::apps::api::Call;
use crate::cli::apps::marathon::{self, Marathon, MarathonError};
use crate::cli::hosts::Prepared;
use crate::cli::{Common, Failure};
use crate::cluster::Cluster;
use crate::diagnostic::with_causes;
use crate::facts::{Answer, Inquiry};
use crate::fleet::{Fleet, Member};
use crate::host::Cancel;
use crate::model::HostName;
use crate::verify::Check;
use crate::verify::tasks::{self, Access, AccessError, Setup};

/// Launches the tasks, checks, and removes them.
pub(super) fn run(
    common: &Common,
    prepared: &Prepared,
    fleet: &mut Fleet<'_>,
    patience: Duration,
) -> Result<Vec<Check>, Failure> {
    let data = common.data()?;
    let catalogue = Catalogue::load(&data).map_err(Failure::usage)?;
    let cluster = &prepared.cluster;
    let answering = fleet.members.iter().filter(|member| member.state.is_ok());
    let hosts: Vec<&HostName> =
        answering.filter_map(|member| Some(&cluster.host(member.name().as_str())?.name)).collect();
    let setup = Setup { cluster, hosts, probe: catalogue.probe_command(), patience };
    let (on, port) = {
        let marathon = match Marathon::find(cluster, fleet) {
            Ok(marathon) => marathon,
            Err(failure) => return Ok(vec![Check::new("task-runs", None, false, failure.line().message)]),
        };
        (marathon.name().clone(), marathon.port())
    };
    let cancel = &prepared.interrupts.cancel;
    let mut access = OnFleet { cluster, fleet, on, port, cancel, begun: Instant::now() };
    Ok(tasks::run(&setup, &mut access))
}

/// The hosts of the run, one of which has the Marathon that is asked.
struct OnFleet<'x, 'f> {
    cluster: &'x Cluster,
    fleet: &'x mut Fleet<'f>,
    on: HostName,
    port: u16,
    cancel: &'x Cancel,
    begun: Instant,
}

impl<'f> OnFleet<'_, 'f> {
    fn member(&mut self, name: &HostName) -> Option<&mut Member<'f>> {
        self.fleet.members.iter_mut().find(|member| member.name() == name)
    }
}

impl Access for OnFleet<'_, '_> {
    fn marathon(&mut self, call: &Call, pause: Duration) -> Result<Value, AccessError> {
        let (on, port, cluster) = (self.on.clone(), self.port, self.cluster);
        let gone = || AccessError::Host(format!("{on} does not answer any longer"));
        let host = cluster.host(on.as_str()).ok_or_else(gone)?;
        let known = self.member(&on).and_then(|member| member.state.as_mut().ok()).ok_or_else(gone)?;
        marathon::call(known.host.as_mut(), host, port, call, pause).map_err(|error| match error {
            MarathonError::Api(error) => AccessError::Api(error),
            MarathonError::Host(error) => AccessError::Host(with_causes(&error)),
        })
    }

    fn ask(&mut self, host: &HostName, inquiries: &[Inquiry], pause: Duration) -> Vec<Answer> {
        let known = self.member(host).and_then(|member| member.state.as_mut().ok());
        let answers = known.and_then(|known| known.host.ask(inquiries, pause).ok());
        // A host that cannot be asked has answered nothing, which the checks tell.
        answers.unwrap_or_else(|| vec![Answer::Nothing; inquiries.len()])
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
