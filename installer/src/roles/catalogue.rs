//! All roles together, checked against one another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Each, PathRef, PortRef, Role, SysctlValue, VarKind, Variable, applies};
use crate::data::Data;
use crate::diagnostic::{Mistake, Mistakes, Place, Spanned, list, suggestion};
use crate::inventory::Containerizer;
use crate::model::{RoleName, VarName};

/// All roles by name.
#[derive(Debug, Clone)]
pub struct Catalogue {
    roles: BTreeMap<RoleName, Role>,
}

impl Catalogue {
    /// Reads all `roles/*.toml`.
    ///
    /// # Errors
    /// All mistakes in all of them.
    pub fn load(data: &Data) -> Result<Self, Mistakes> {
        let mut roles = BTreeMap::new();
        let mut mistakes = Mistakes::new();
        for path in data.below("roles").filter(|path| path.extension() == Some("toml")) {
            let Ok(source) = data.text(path) else {
                let source = crate::diagnostic::Source::new(path.as_str(), "");
                mistakes
                    .push(Mistake::new(&source.place(0..0), "this is not a text").help("save it as UTF-8"));
                continue;
            };
            match path.file_stem().unwrap_or_default().parse::<RoleName>() {
                Ok(name) => {
                    let (role, found) = Role::read(name.clone(), &source);
                    mistakes.extend(found);
                    roles.insert(name, role);
                }
                Err(error) => mistakes.push(
                    Mistake::new(&source.place(0..0), "the file's name is not a role's name")
                        .help(error.allowed()),
                ),
            }
        }
        let catalogue = Self { roles };
        if mistakes.is_empty() {
            mistakes.extend(catalogue.check());
        }
        mistakes.or(catalogue)
    }

    /// The role with the name.
    pub fn get(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// All roles by name.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// The names of all roles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(RoleName::as_str)
    }

    /// The variable with the name, whichever role declares it.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.iter().find_map(|role| role.vars.get(name))
    }

    /// All variables with their names.
    pub fn variables(&self) -> impl Iterator<Item = (&VarName, &Variable)> {
        self.iter().flat_map(|role| &role.vars)
    }

    /// `role` and all roles that come with it, each after those that it includes.
    pub fn with_included(&self, role: &RoleName, containerizers: &BTreeSet<Containerizer>) -> Vec<&Role> {
        let mut found = Vec::new();
        self.collect(role, containerizers, &mut found);
        found
    }

    fn collect<'a>(
        &'a self,
        name: &RoleName,
        containerizers: &BTreeSet<Containerizer>,
        found: &mut Vec<&'a Role>,
    ) {
        let Some(role) = self.get(name.as_str()) else { return };
        if found.iter().any(|known| known.name == role.name) {
            return;
        }
        for include in &role.includes {
            if applies(include.containerizer, containerizers) {
                self.collect(&include.role, containerizers, found);
            }
        }
        found.push(role);
    }

    /// The roles whose variables `role`'s templates may use: its own, those that it includes or needs, and
    /// those whose files its units read.
    pub fn visible<'a>(&'a self, role: &'a Role) -> impl Iterator<Item = &'a Role> {
        let near = role.includes.iter().map(|include| &include.role);
        let near = near.chain(role.needs.iter().map(|need| &need.role));
        let near = near.chain(role.units.iter().flat_map(|unit| &unit.reads_roles));
        let names: BTreeSet<&RoleName> = near.map(|name| &name.value).chain([&role.name]).collect();
        names.into_iter().filter_map(|name| self.get(name.as_str()))
    }

    fn check(&self) -> Mistakes {
        let mut mistakes = Mistakes::new();
        for role in self.iter() {
            self.check_names(role, &mut mistakes);
            self.check_variables(role, &mut mistakes);
        }
        if mistakes.is_empty() {
            self.check_cycles(&mut mistakes);
        }
        mistakes
    }

    fn check_names(&self, role: &Role, mistakes: &mut Mistakes) {
        let mentioned = role.includes.iter().map(|include| &include.role);
        let mentioned = mentioned.chain(role.needs.iter().map(|need| &need.role));
        let mentioned = mentioned.chain(role.units.iter().flat_map(|unit| &unit.reads_roles));
        for name in mentioned {
            if self.get(name.as_str()).is_none() {
                mistakes.push(unknown_role(name, self.names()));
            }
        }
    }

    fn check_variables(&self, role: &Role, mistakes: &mut Mistakes) {
        for (name, variable) in &role.vars {
            let other =
                self.iter().find_map(|other| other.vars.get(name)).filter(|other| other.role != role.name);
            if let Some(other) = other {
                mistakes.push(
                    Mistake::new(
                        &variable.place,
                        format!("`{name}` is declared by the role `{}` too", other.role),
                    )
                    .also(&other.place, "the other is here")
                    .help("give one of them another name"),
                );
            }
        }
        let asked = role.units.iter().flat_map(|unit| unit.health.iter().map(|health| &health.port));
        let asked = asked.map(|port| (port, [VarKind::Port].as_slice()));
        let opened =
            role.ports.iter().map(|port| (&port.port, [VarKind::Port, VarKind::PortRange].as_slice()));
        for (port, kinds) in asked.chain(opened) {
            if let PortRef::Var(name) = &port.value {
                self.check_use(role, name, &port.place, kinds, mistakes);
            }
        }
        for folder in &role.data {
            match &folder.value {
                PathRef::Var(name) => self.check_use(role, name, &folder.place, &[VarKind::Path], mistakes),
                // Deleting one of these would take away more than one service's data.
                PathRef::Path(path) if path.as_str().split('/').count() < 4 => mistakes.push(
                    Mistake::new(&folder.place, format!("`{path}` is not a service's own folder"))
                        .help("name the folder below it that the service keeps its data in"),
                ),
                PathRef::Path(_) => {}
            }
        }
        for identity in role.units.iter().filter_map(|unit| unit.identity.as_ref()) {
            self.check_use(role, &identity.below, &identity.below.place, &[VarKind::Path], mistakes);
        }
        for when in role.conditions() {
            self.check_use(role, when, &when.place, &[VarKind::Bool], mistakes);
        }
        for sysctl in &role.system.sysctls {
            if let SysctlValue::Var(name) = &sysctl.value.value {
                self.check_use(role, name, &sysctl.value.place, &[VarKind::Integer], mistakes);
            }
        }
        for each in role.files.iter().filter_map(|file| file.each.as_ref()) {
            if let Each::Var(name) = &each.value {
                self.check_use(role, name, &each.place, &[VarKind::Map], mistakes);
            }
        }
    }

    fn check_use(
        &self,
        role: &Role,
        name: &VarName,
        place: &Place,
        kinds: &[VarKind],
        mistakes: &mut Mistakes,
    ) {
        let visible: Vec<(&VarName, &Variable)> = self.visible(role).flat_map(|role| &role.vars).collect();
        match visible.iter().find(|(known, _)| *known == name) {
            None => {
                let fitting = visible.iter().filter(|(_, variable)| kinds.contains(&variable.kind));
                let names = fitting.map(|(name, _)| name.as_str());
                mistakes.push(Mistake::new(place, format!("unknown variable `{name}`")).help(suggestion(
                    name.as_str(),
                    "variables that fit here",
                    names,
                )));
            }
            Some((_, variable)) if !kinds.contains(&variable.kind) => {
                let words = VarKind::WORDS.iter().filter(|(_, kind)| kinds.contains(kind));
                let word = words.map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
                mistakes.push(
                    Mistake::new(place, format!("`{name}` is not of the type {word}"))
                        .also(&variable.place, "it is declared here")
                        .help(format!("use a variable of the type {word}")),
                );
            }
            Some(_) => {}
        }
    }

    /// Every role must be able to come after those that it includes and needs.
    fn check_cycles(&self, mistakes: &mut Mistakes) {
        let mut done = BTreeSet::new();
        for role in self.iter() {
            self.walk(role, &mut Vec::new(), &mut done, mistakes);
        }
    }

    fn walk<'a>(
        &'a self,
        role: &'a Role,
        path: &mut Vec<&'a RoleName>,
        done: &mut BTreeSet<&'a RoleName>,
        mistakes: &mut Mistakes,
    ) {
        if done.contains(&role.name) {
            return;
        }
        path.push(&role.name);
        let next = role.includes.iter().map(|include| &include.role);
        for name in next.chain(role.needs.iter().map(|need| &need.role)) {
            if let Some(start) = path.iter().position(|on_path| **on_path == name.value) {
                let message = match &path[start..] {
                    [one] => format!("the role `{one}` needs itself"),
                    circle => {
                        let names = list(circle.iter().map(|role| role.as_str()));
                        format!("the roles {names} need one another in a circle")
                    }
                };
                mistakes
                    .push(Mistake::new(&name.place, message).help("remove one of the `includes` or `needs`"));
            } else if let Some(next) = self.get(name.as_str()) {
                self.walk(next, path, done, mistakes);
            }
        }
        path.pop();
        done.insert(&role.name);
    }
}

/// The mistake of naming a role that is not there.
pub(crate) fn unknown_role<'a>(name: &Spanned<RoleName>, roles: impl Iterator<Item = &'a str>) -> Mistake {
    Mistake::new(&name.place, format!("unknown role `{}`", name.value)).help(suggestion(
        name.as_str(),
        "roles",
        roles,
    ))
}
