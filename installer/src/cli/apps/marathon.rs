//! Marathon, spoken to on one of its hosts through the run's session.

use std::time::Duration;

use serde_json::Value;

use crate::apps::api::{ApiError, Call, Info};
use crate::cli::Failure;
use crate::cluster::{Cluster, ClusterHost};
use crate::diagnostic::with_causes;
use crate::facts::{Answer, HttpRequest, Inquiry};
use crate::fleet::Fleet;
use crate::host::{Host, HostError};

/// One instance of Marathon that answers; any of them knows the apps of all.
pub(in crate::cli) struct Marathon<'f, 'h> {
    host: &'f mut (dyn Host + 'h),
    on: &'f ClusterHost,
    port: u16,
    /// What it is.
    pub(in crate::cli) info: Info,
}

/// Why Marathon could not be asked, or what it refused.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(in crate::cli) enum MarathonError {
    /// The host.
    Host(#[from] HostError),
    /// Marathon itself.
    Api(#[from] ApiError),
}

impl MarathonError {
    /// Whether Marathon says that there is no such app.
    pub(in crate::cli) fn is_unknown(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_unknown())
    }
}

impl<'f, 'h> Marathon<'f, 'h> {
    /// The first instance that answers, in the order of the inventory.
    ///
    /// # Errors
    /// No host with the role marathon is among those asked, or none answers: why each does not.
    pub(in crate::cli) fn find(cluster: &'f Cluster, fleet: &'f mut Fleet<'h>) -> Result<Self, Failure> {
        let mut silent = Vec::new();
        for member in &mut fleet.members {
            let Some(on) = cluster.host(member.desired.host.as_str()).filter(|host| host.has("marathon"))
            else {
                continue;
            };
            let port = on.vars.get("marathon_port").and_then(Value::as_u64);
            let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(8080);
            match &mut member.state {
                Err(error) => silent.push(format!("{}: {}", on.name, with_causes(error))),
                Ok(known) => {
                    let host = known.host.as_mut();
                    match call(host, on, port, &Call::info(), Duration::ZERO) {
                        Ok(info) => return Ok(Self { host, on, port, info: Info::read(&info) }),
                        Err(error) => silent.push(format!("{}: {}", on.name, with_causes(&error))),
                    }
                }
            }
        }
        Err(Failure::new(
            crate::cli::Exit::HostFailed,
            match silent.is_empty() {
                true => "no host of the inventory that was asked has the role `marathon`\ngive it to one, or choose others with --limit".to_owned(),
                false => format!("no Marathon answers\n{}\nlook at `status`, and at the journal of marathon.service", silent.join("\n")),
            },
        ))
    }

    /// The port that it answers on.
    pub(in crate::cli) fn port(&self) -> u16 {
        self.port
    }

    /// The host whose instance answers.
    pub(in crate::cli) fn name(&self) -> &crate::model::HostName {
        &self.on.name
    }

    /// Asks, after the host has waited for `pause`.
    ///
    /// # Errors
    /// The host's, or what Marathon refused.
    pub(in crate::cli) fn call(&mut self, call_: &Call, pause: Duration) -> Result<Value, MarathonError> {
        call(self.host, self.on, self.port, call_, pause)
    }
}

/// Asks the instance of a host, after the host has waited for `pause`.
///
/// # Errors
/// The host's, or what Marathon refused.
pub(in crate::cli) fn call(
    host: &mut (dyn Host + '_),
    on: &ClusterHost,
    port: u16,
    call: &Call,
    pause: Duration,
) -> Result<Value, MarathonError> {
    let Call { method, path, body } = call.clone();
    let request = HttpRequest { address: on.address, port, method, path, body };
    let answers = host.ask(&[Inquiry::Http(request)], pause)?;
    let bytes = match answers.first() {
        Some(Answer::Bytes(bytes)) => bytes.as_slice(),
        _ => &[],
    };
    Ok(call.read(bytes)?)
}
