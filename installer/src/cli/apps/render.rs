//! `apps render`: definitions and policies, offline.

use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{RenderArgs, rendered, version_of_release};
use crate::apps::{AppDefinition, Catalogue};
use crate::cli::{Common, Exit, Failure, load, validate};
use crate::diagnostic::quantity;
use crate::report::json_line;

/// An app as Marathon takes it.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "definition")]
pub(in crate::cli) struct DefinitionLine<'a> {
    /// The sample that it belongs to.
    sample: &'a str,
    /// What is sent to Marathon.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    app: &'a AppDefinition,
}

/// A sample that fits the cluster.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "sample")]
pub(in crate::cli) struct SampleLine<'a> {
    /// Its name.
    name: &'a str,
    /// What it shows.
    description: &'a str,
}

/// The commands that let a sample's parts talk.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "policy")]
pub(in crate::cli) struct PolicyLine<'a> {
    /// The sample's name.
    sample: &'a str,
    /// The commands, a line each.
    commands: &'a str,
}

pub(super) fn run(common: &Common, args: &RenderArgs) -> Result<Exit, Failure> {
    let started = Instant::now();
    let loaded = load::load(common, &args.inventory)?;
    let data = common.data()?;
    let catalogue = Catalogue::load(&data).map_err(Failure::usage)?;
    let version = match args.marathon {
        Some(version) => version,
        None => version_of_release(&data, &loaded.inventory.release)?,
    };
    let samples = rendered(&catalogue, &loaded.cluster, &args.samples, version)?;
    if args.names {
        for sample in catalogue.iter().filter(|sample| samples.iter().any(|it| it.name == sample.name)) {
            match common.json {
                true => json_line(&SampleLine { name: &sample.name, description: &sample.description }),
                false => anstream::println!("{:16} {}", sample.name, sample.description),
            }
        }
    } else if args.policy {
        for sample in &samples {
            let Some(policy) = &sample.policy else { continue };
            match common.json {
                true => json_line(&PolicyLine { sample: &sample.name, commands: policy }),
                false => anstream::print!("{policy}"),
            }
        }
    } else if let Some(folder) = &args.out {
        for sample in &samples {
            let write = |name: String, text: &str| {
                fs_err::create_dir_all(folder)
                    .and_then(|()| fs_err::write(folder.join(name), text))
                    .map_err(|error| Failure::usage(format!("cannot write the applications: {error}")))
            };
            write(format!("{}.json", sample.name), &text(&sample.apps))?;
            if let Some(policy) = &sample.policy {
                write(format!("{}.policy", sample.name), policy)?;
            }
        }
        if !common.json {
            anstream::println!("{folder}: {} for Marathon {version}", quantity(samples.len(), "sample"));
        }
    } else if common.json {
        for sample in &samples {
            for app in &sample.apps {
                json_line(&DefinitionLine { sample: &sample.name, app });
            }
        }
    } else {
        let apps: Vec<_> = samples.iter().flat_map(|sample| sample.apps.clone()).collect();
        anstream::print!("{}", text(&apps));
    }
    if common.json {
        json_line(&validate::summary("apps render", started, &[("samples", samples.len())]));
    }
    Ok(Exit::Done)
}

/// One definition as an object, several as a list; Marathon takes an object at POST and both at PUT /v2/apps.
fn text(apps: &[crate::apps::AppDefinition]) -> String {
    match apps {
        [app] => app.to_text(),
        apps => format!("{:#}\n", json!(apps)),
    }
}
