//! Samples, rendered for one cluster and one version of Marathon.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{AppDefinition, Catalogue, MarathonVersion, Sample};
use crate::cluster::Cluster;
use crate::diagnostic::{Mistake, Mistakes};
use crate::render::{Shape, Template};

/// Containers' addresses where no role of the cluster says otherwise: Calico's own default.
const POOL: &str = "192.168.0.0/16";

/// How the samples are rendered.
#[derive(Debug)]
pub struct Samples<'a> {
    catalogue: &'a Catalogue,
    context: Context,
}

/// One sample, rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The sample's name.
    pub name: String,
    /// Its apps.
    pub apps: Vec<AppDefinition>,
    /// The commands that let its parts talk, where it has any.
    pub policy: Option<String>,
}

/// What the templates may name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Context {
    cluster: ClusterContext,
    marathon: MarathonContext,
    pool: Pool,
    /// The domain of an app's name, `marathon.mesos`.
    domain: String,
    /// `address:port` of an etcd.
    etcd_authority: String,
    /// A command that runs the probe.
    probe: String,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct ClusterContext {
    name: String,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct MarathonContext {
    version: String,
    /// How a Docker container's network is named: `parameters`, `user` or `networks`.
    networks: String,
}

/// The network of the containers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Pool {
    network: String,
    /// Its last address that a container can have.
    last: IpAddr,
}

impl Pool {
    fn of(network: &str) -> Option<Self> {
        let network: ipnet::Ipv4Net = network.parse().ok()?;
        Some(Self { network: network.to_string(), last: network.hosts().next_back()?.into() })
    }
}

impl<'a> Samples<'a> {
    /// The samples for a cluster with this Marathon.
    pub fn new(catalogue: &'a Catalogue, cluster: &Cluster, version: MarathonVersion) -> Self {
        let text = |name: &str| {
            cluster.hosts.iter().find_map(|host| Some(host.vars.get(name)?.as_str()?.to_owned()))
        };
        let framework = text("marathon_framework_name").unwrap_or_else(|| "marathon".to_owned());
        let zone = text("mesos_dns_domain").unwrap_or_else(|| "mesos".to_owned());
        let pool = Pool::of(&text("ip_pool").unwrap_or_default()).or_else(|| Pool::of(POOL));
        let authority = cluster.hosts.iter().find_map(|host| host.etcd_authority.clone());
        let context = Context {
            cluster: ClusterContext { name: cluster.name.clone() },
            marathon: MarathonContext {
                version: version.to_string(),
                networks: version.networks().to_owned(),
            },
            pool: pool
                .unwrap_or_else(|| Pool { network: POOL.to_owned(), last: [192, 168, 255, 254].into() }),
            domain: format!("{framework}.{zone}"),
            etcd_authority: authority.unwrap_or_default(),
            probe: catalogue.probe_command(),
        };
        Self { catalogue, context }
    }

    /// Renders one sample.
    ///
    /// # Errors
    /// A mistake in its template, or a definition that Marathon would refuse.
    pub fn render(&self, sample: &Sample) -> Result<Rendered, Mistakes> {
        let policy = self.template(&format!("{}.policy", sample.name)).map(|template| self.text(template));
        let Some(template) = self.template(&format!("{}.json", sample.name)) else {
            return Ok(Rendered { name: sample.name.clone(), apps: Vec::new(), policy: None });
        };
        let text = self.text(template)?;
        let place = template.source().place(0..0);
        let wrong = |message: String| {
            Mistakes::from(
                Mistake::new(&place, message)
                    .help("correct the template: what it renders to must be apps of Marathon"),
            )
        };
        let definitions = match serde_json::from_str(&text) {
            Ok(Value::Array(apps)) => apps,
            Ok(app) => vec![app],
            Err(error) => return Err(wrong(format!("this does not render to JSON: {error}"))),
        };
        let apps = definitions.into_iter().map(AppDefinition::try_from).collect::<Result<_, _>>();
        Ok(Rendered {
            name: sample.name.clone(),
            apps: apps.map_err(|bad| wrong(bad.to_string()))?,
            policy: policy.transpose()?,
        })
    }

    fn template(&self, name: &str) -> Option<&Template> {
        self.catalogue.templates.get(name)
    }

    fn text(&self, template: &Template) -> Result<String, Mistakes> {
        template.unknown_names(&Shape::of::<Context>()).or(())?;
        Ok(template.render(&self.context)?)
    }

    /// Why the sample cannot run here; nothing where it can.
    pub fn obstacle(&self, sample: &Sample) -> Option<String> {
        let version = self.context.marathon.version.parse().ok()?;
        sample.fits(version).err()
    }
}
