//! The values of variables: the role's default, over it `[vars]`, over it the host's own.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::diagnostic::{Mistake, Mistakes, suggestion};
use crate::inventory::{Containerizer, Host, Inventory, VarSetting, Vars};
use crate::model::{RoleName, VarName};
use crate::roles::{Catalogue, Scope, Variable};

/// The values that hold for all hosts that have none of their own.
pub(super) struct Values(BTreeMap<VarName, Json>);

impl Values {
    /// Defaults, and `[vars]` over them.
    pub(super) fn new(inventory: &Inventory, roles: &Catalogue, mistakes: &mut Mistakes) -> Self {
        let defaults = roles
            .variables()
            .filter_map(|(name, variable)| Some((name.clone(), variable.default.clone()?)))
            .collect();
        let mut values = Self(defaults);
        values.0.extend(checked(&inventory.vars, roles, None, mistakes));
        values
    }

    /// The value that holds for the cluster as a whole.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// All values on a host.
    pub(super) fn of(
        &self,
        host: &Host,
        roles: &Catalogue,
        mistakes: &mut Mistakes,
    ) -> BTreeMap<VarName, Json> {
        let mut values = self.0.clone();
        values.extend(checked(&host.vars, roles, Some(host), mistakes));
        values
    }
}

fn checked(
    vars: &Vars,
    roles: &Catalogue,
    host: Option<&Host>,
    mistakes: &mut Mistakes,
) -> BTreeMap<VarName, Json> {
    let mut values = BTreeMap::new();
    for (name, setting) in vars {
        let Some(variable) = roles.variable(name.as_str()) else {
            let names = roles.variables().map(|(name, _)| name.as_str());
            mistakes.push(
                Mistake::new(&setting.place, format!("unknown variable `{name}`")).help(suggestion(
                    name.as_str(),
                    "variables",
                    names,
                )),
            );
            continue;
        };
        if let Some(mistake) = host.and_then(|host| misplaced(host, name, setting, variable, roles)) {
            mistakes.push(mistake);
        }
        match variable.check(name.as_str(), &setting.value) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(found) => mistakes.extend(found),
        }
    }
    values
}

/// Why a host cannot have a value of its own for the variable, if it cannot.
fn misplaced(
    host: &Host,
    name: &VarName,
    setting: &VarSetting,
    variable: &Variable,
    roles: &Catalogue,
) -> Option<Mistake> {
    if variable.scope == Scope::Cluster {
        let message = format!("all hosts must agree on `{name}`");
        return Some(Mistake::new(&setting.place, message).help("set it under `[vars]`"));
    }
    let everything = Containerizer::WORDS.map(|(_, containerizer)| containerizer).into();
    let has = |asked: &RoleName| {
        roles.with_included(asked, &everything).iter().any(|role| role.name == variable.role)
    };
    // What a role that is not there would have declared is not known.
    if host.roles.iter().any(|asked| has(&asked.value) || roles.get(asked.as_str()).is_none()) {
        return None;
    }
    let message = format!("`{name}` belongs to the role `{}`, which this host does not have", variable.role);
    Some(Mistake::new(&setting.place, message).help("remove it, or set it on hosts that have the role"))
}
