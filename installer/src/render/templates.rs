//! All templates of all roles, parsed and checked before anything is rendered.

use std::collections::BTreeMap;

use super::{Template, context};
use crate::data::{Data, DataError};
use crate::diagnostic::{Mistake, Mistakes, Place, suggestion};
use crate::roles::Catalogue;

/// The templates that roles name, by their paths below `templates/`.
#[derive(Debug, Clone)]
pub struct Templates(BTreeMap<String, Template>);

impl Templates {
    /// Loads every template that a role names, and checks that each names only what its context has.
    ///
    /// # Errors
    /// All mistakes in all of them.
    pub fn load(data: &Data, roles: &Catalogue) -> Result<Self, Mistakes> {
        let mut templates = Self(BTreeMap::new());
        let mut mistakes = Mistakes::new();
        let mut broken = Vec::new();
        for role in roles.iter() {
            let of_files = role.files.iter().map(|file| (&file.template, file.each.is_some()));
            let settings = role.units.iter().flat_map(|unit| &unit.settings);
            let of_settings =
                settings.flat_map(|setting| setting.templates()).map(|template| (template, false));
            for (named, has_item) in of_files.chain(of_settings) {
                let name = named.as_str();
                if !templates.0.contains_key(name) && !broken.contains(&name) {
                    match load(data, name, &named.place) {
                        Ok(template) => drop(templates.0.insert(name.to_owned(), template)),
                        Err(mistake) => {
                            mistakes.push(mistake);
                            broken.push(name);
                        }
                    }
                }
                if let Some(template) = templates.get(name) {
                    let shape = context::shape(role, roles, has_item);
                    mistakes.extend(template.unknown_names(&shape));
                }
            }
        }
        mistakes.or(templates)
    }

    /// The template with the name.
    pub fn get(&self, name: &str) -> Option<&Template> {
        self.0.get(name)
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn load(data: &Data, name: &str, place: &Place) -> Result<Template, Mistake> {
    let source = data.text(format!("templates/{name}")).map_err(|error| match error {
        DataError::Missing(_) => {
            let names: Vec<&str> = data
                .below("templates")
                .filter_map(|path| path.strip_prefix("templates").ok())
                .map(AsRef::as_ref)
                .collect();
            Mistake::new(place, format!("there is no template `{name}`")).help(suggestion(
                name,
                "templates",
                names,
            ))
        }
        _ => Mistake::new(place, format!("the template `{name}` is not a text")).help("save it as UTF-8"),
    })?;
    Template::parse(&source)
}
