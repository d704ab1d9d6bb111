//! Which sample applications there are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::MarathonVersion;
use crate::data::Data;
use crate::diagnostic::{Mistake, Mistakes, Source, Typed, suggestion};
use crate::inventory::Containerizer;
use crate::render::Template;

/// The folder of the samples.
const FOLDER: &str = "templates/apps";

/// All samples with their templates.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(super) samples: Vec<Sample>,
    pub(super) templates: BTreeMap<String, Template>,
    pub(super) probe: String,
}

/// One sample, as `apps.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Its name, that of its template.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// The containerizer that it is for; any where there is none.
    #[serde(default, deserialize_with = "containerizer")]
    pub containerizer: Option<Containerizer>,
    /// The first Marathon that can run it.
    pub since: Option<MarathonVersion>,
    /// The first Marathon that no longer can.
    pub until: Option<MarathonVersion>,
    /// Why others cannot.
    #[serde(default)]
    pub because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    apps: Vec<Sample>,
}

fn containerizer<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Containerizer>, D::Error> {
    let word = String::deserialize(from)?;
    let known = Containerizer::WORDS.iter().find(|(known, _)| *known == word);
    let words = Containerizer::WORDS.map(|(known, _)| known).join(" or ");
    known
        .map(|(_, containerizer)| Some(*containerizer))
        .ok_or_else(|| serde::de::Error::custom(format!("`{word}` is not a containerizer: {words}")))
}

impl Sample {
    /// Whether it runs with this Marathon; why not otherwise.
    pub(super) fn fits(&self, version: MarathonVersion) -> Result<(), String> {
        let early = self.since.is_some_and(|since| version < since);
        let late = self.until.is_some_and(|until| version >= until);
        if early || late {
            return Err(format!("Marathon {version} cannot run `{}`: {}", self.name, self.because));
        }
        Ok(())
    }

    /// Whether `wanted` means this sample: its name, or its name without the containerizer.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let suffix = self.containerizer.map(|containerizer| format!("-{containerizer}")).unwrap_or_default();
        self.name == wanted || self.name.strip_suffix(&suffix) == Some(wanted)
    }
}

impl Catalogue {
    /// Reads the samples and parses their templates.
    ///
    /// # Errors
    /// All mistakes in them.
    pub fn load(data: &Data) -> Result<Self, Mistakes> {
        let missing = |path: &str| {
            Mistakes::from(
                Mistake::new(
                    &Source::new(path, "").place(0..0),
                    format!("there is no {path}, or it is not a text"),
                )
                .help("the sample applications need it"),
            )
        };
        let text = |path: String| data.text(&path).map_err(|_| missing(&path));
        let listed = text(format!("{FOLDER}/apps.toml"))?;
        let Typed { value: File { apps }, .. } = Typed::<File>::read(&listed)?;
        let mut parts = BTreeMap::new();
        for name in data.stems(FOLDER, ".tera").map(|stem| format!("{stem}.tera")) {
            parts.insert(name.clone(), text(format!("{FOLDER}/{name}"))?);
        }
        let mut mistakes = Mistakes::new();
        let mut templates = BTreeMap::new();
        let mut names = BTreeSet::new();
        for sample in &apps {
            if !names.insert(&sample.name) {
                let place = listed.place(0..0);
                mistakes.push(
                    Mistake::new(&place, format!("`{}` is listed twice", sample.name))
                        .help("remove one of them"),
                );
            }
            for (extension, must) in [("json", true), ("policy", false)] {
                let path = format!("{FOLDER}/{}.{extension}", sample.name);
                match data.text(&path) {
                    Ok(source) => match Template::parse_with(&source, parts.clone()) {
                        Ok(template) => {
                            drop(templates.insert(format!("{}.{extension}", sample.name), template))
                        }
                        Err(mistake) => mistakes.push(mistake),
                    },
                    Err(_) if must => mistakes.extend(missing(&path)),
                    Err(_) => {}
                }
            }
        }
        let probe = text(format!("{FOLDER}/probe.py"))?.text().to_owned();
        mistakes.or(Self { samples: apps, templates, probe })
    }

    /// A command for a task that tells whom it reaches.
    pub fn probe_command(&self) -> String {
        super::probe_command(&self.probe)
    }

    /// All samples, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter()
    }

    /// The samples that the names mean, of those for one of the containerizers; all of them where there are no
    /// names.
    ///
    /// # Errors
    /// A name that means none, with what it might have meant.
    pub fn pick(
        &self,
        names: &[String],
        containerizers: &BTreeSet<Containerizer>,
    ) -> Result<Vec<&Sample>, UnknownSample> {
        let fits =
            |sample: &&Sample| sample.containerizer.is_none_or(|wanted| containerizers.contains(&wanted));
        if names.is_empty() {
            return Ok(self.samples.iter().filter(fits).collect());
        }
        let mut picked: Vec<&Sample> = Vec::new();
        for name in names {
            let meant: Vec<&Sample> = self.samples.iter().filter(|sample| sample.is(name)).collect();
            let usable = meant.iter().copied().filter(|sample| fits(sample));
            let before = picked.len();
            picked.extend(usable);
            if picked.len() == before {
                return Err(match meant.first() {
                    Some(sample) => UnknownSample(format!(
                        "`{name}` is for the containerizer {}, which the inventory does not have",
                        sample.containerizer.map(|wanted| wanted.to_string()).unwrap_or_default()
                    )),
                    None => {
                        let names = self.samples.iter().filter(fits).map(|sample| sample.name.as_str());
                        UnknownSample(format!(
                            "there is no sample application `{name}`\n{}",
                            suggestion(name, "samples", names)
                        ))
                    }
                });
            }
        }
        picked.dedup();
        Ok(picked)
    }
}

/// A name means no sample; the text says why, and what it might have meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownSample(String);
