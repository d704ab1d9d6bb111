//! What every host must be like.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use super::context::{ClusterContext, HostContext, Item, RoleContext, TlsContext, visible_vars};
use super::{Shared, Template, Templates, system};
use crate::cluster::{Cluster, ClusterHost};
use crate::desired::{
    DesiredHost, DesiredPackage, HealthCheck, Identity, ManagedBlock, ManagedFile, ManagedUnit, Probe,
    Setting,
};
use crate::diagnostic::{Mistake, Mistakes, Place};
use crate::model::{HostPath, PackageName, RoleName, SettingName, UnitName};
use crate::roles::{Each, Role, RoleFile, RoleIdentity, RoleSetting, RoleUnit, Scope, Where, applies};

/// Renders all hosts, in the order of the inventory.
///
/// A file whose template renders to nothing but white space is not installed: that is how a template makes a
/// file optional. Files whose names end with `.json` are certain to be JSON.
///
/// # Errors
/// All mistakes on all hosts.
pub fn render(cluster: &Cluster, templates: &Templates) -> Result<Vec<DesiredHost>, Mistakes> {
    let context = Shared::new("cluster", &ClusterContext::new(cluster));
    let mut mistakes = Mistakes::new();
    let hosts = cluster
        .hosts
        .iter()
        .map(|host| {
            let mut work = Work {
                cluster,
                context: &context,
                host,
                templates,
                files: BTreeMap::new(),
                units: Vec::new(),
                blocks: BTreeMap::new(),
                mistakes: &mut mistakes,
            };
            work.run()
        })
        .collect();
    mistakes.or(hosts)
}

/// The work for one host.
struct Work<'a> {
    cluster: &'a Cluster,
    context: &'a Shared,
    host: &'a ClusterHost,
    templates: &'a Templates,
    /// The files so far, each with the place of the role file that asks for it.
    files: BTreeMap<HostPath, (ManagedFile, &'a Place)>,
    units: Vec<(ManagedUnit, &'a Place)>,
    blocks: BTreeMap<HostPath, ManagedBlock>,
    mistakes: &'a mut Mistakes,
}

impl<'a> Work<'a> {
    fn run(&mut self) -> DesiredHost {
        let roles: Vec<&'a Role> =
            self.host.roles.iter().filter_map(|name| self.cluster.roles.get(name.as_str())).collect();
        let wanted = &self.cluster.containerizers;
        let mut packages: BTreeMap<&PackageName, Vec<RoleName>> = BTreeMap::new();
        for role in &roles {
            for package in role.all_packages() {
                packages.entry(&package.value).or_default().push(role.name.clone());
            }
            for file in role.files.iter().filter(|file| applies(file.containerizer, wanted)) {
                self.file(role, file);
            }
        }
        let packages: Vec<DesiredPackage> = packages
            .into_iter()
            .map(|(name, wanted_by)| DesiredPackage {
                name: name.clone(),
                roles: wanted_by,
                provided: self.cluster.provided.contains(name),
                optional: !roles.iter().any(|role| role.packages.iter().any(|wanted| wanted.value == *name)),
            })
            .collect();
        for role in &roles {
            for unit in role.units.iter().filter(|unit| applies(unit.containerizer, wanted)) {
                self.unit(role, unit, &roles, &packages);
            }
        }
        let system = system::settings(self.host, &roles);
        let of_system = system::files(&system, &roles);
        DesiredHost {
            host: self.host.name.clone(),
            roles: roles.iter().map(|role| role.name.clone()).collect(),
            packages,
            files: std::mem::take(&mut self.files)
                .into_iter()
                .map(|(path, (file, _))| (path, file))
                .chain(of_system)
                .collect(),
            units: self.units.drain(..).map(|(unit, _)| unit).collect(),
            address: self.host.address,
            blocks: std::mem::take(&mut self.blocks),
            system,
        }
    }

    fn applies(&self, containerizer: Option<crate::inventory::Containerizer>) -> bool {
        applies(containerizer, &self.cluster.containerizers)
    }

    fn file(&mut self, role: &'a Role, file: &'a RoleFile) {
        let Some(template) = self.templates.get(&file.template) else { return };
        let items: Vec<Option<Item<'a>>> = match file.each.as_ref().map(|each| &each.value) {
            None => vec![None],
            Some(Each::HostAttributes) => {
                self.host.attributes.iter().map(|(key, value)| Some(Item { key, value })).collect()
            }
            Some(Each::Var(name)) => {
                let map = self.host.vars.get(name).and_then(serde_json::Value::as_object);
                let entries = map.into_iter().flatten();
                entries
                    .map(|(key, value)| Some(Item { key, value: value.as_str().unwrap_or_default() }))
                    .collect()
            }
        };
        for item in items {
            let path = match item {
                None => Ok(file.path.as_path().clone()),
                Some(item) => file.path.with_key(item.key),
            };
            let done = path
                .map_err(|error| Mistake::new(&file.path.place, error.to_string()))
                .and_then(|path| Ok((self.content(role, template, &path, item)?, path)));
            match done {
                Ok((content, path)) if file.block && !content.trim().is_empty() => {
                    self.add_to_block(role, path, content.trim_start());
                }
                Ok((content, path)) if !content.trim().is_empty() => self.install(role, file, path, content),
                Ok(_) => {}
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
    }

    fn content(
        &self,
        role: &Role,
        template: &Template,
        path: &HostPath,
        item: Option<Item<'_>>,
    ) -> Result<String, Mistake> {
        let context = RoleContext {
            host: HostContext::new(self.host),
            tls: TlsContext::new(self.host, self.cluster.tls),
            vars: visible_vars(role, &self.cluster.roles, self.host),
            item,
        };
        let content = template.render_beside(&context, &[self.context])?;
        if path.file_name().ends_with(".json") && !content.trim().is_empty() {
            serde_json::from_str::<serde_json::Value>(&content)
                .map_err(|error| not_json(template, self.host, &content, &error))?;
        }
        Ok(content)
    }

    /// Roles that write into one file each add their lines to one block.
    fn add_to_block(&mut self, role: &Role, path: HostPath, content: &str) {
        let empty = || ManagedBlock { content: "".into(), roles: Vec::new() };
        let block = self.blocks.entry(path).or_insert_with(empty);
        block.content = format!("{}{}\n", block.content, content.trim_end()).into();
        block.roles.push(role.name.clone());
    }

    fn install(&mut self, role: &Role, file: &'a RoleFile, path: HostPath, content: String) {
        let note = match self.note(&content, file.secret) {
            Ok(note) => note,
            Err(Leak) => {
                self.mistakes.push(
                    Mistake::new(
                        &file.path.place,
                        format!("{path} has the host's key in it and is no secret"),
                    )
                    .help("add `secret = true` and a mode such as \"0600\""),
                );
                return;
            }
        };
        let mut new = ManagedFile {
            content: content.into(),
            owner: file.owner.clone(),
            group: file.group.clone(),
            mode: file.mode,
            roles: vec![role.name.clone()],
            secret: file.secret,
            note,
            only_with: file.only_with.clone(),
        };
        let Some((old, place)) = self.files.get_mut(&path) else {
            self.files.insert(path, (new, &file.path.place));
            return;
        };
        std::mem::swap(&mut new.roles, &mut old.roles);
        let same = new == *old;
        std::mem::swap(&mut new.roles, &mut old.roles);
        if same {
            old.roles.extend(new.roles);
        } else {
            let roles = format!("`{}` and `{}`", old.roles.last().unwrap_or(&role.name), role.name);
            self.mistakes.push(
                Mistake::new(
                    &file.path.place,
                    format!("{path} is written twice, and differently, by {roles}"),
                )
                .also(place, "the other is here")
                .help("write it in one role and name that role in `includes` or `needs` of the other"),
            );
        }
    }

    /// What people should know of a file that holds something of what the host proves itself with.
    fn note(&self, content: &str, secret: bool) -> Result<Option<String>, Leak> {
        let Some(credentials) = &self.host.credentials else { return Ok(None) };
        let holds = |pem: &str| content.contains(pem.trim());
        let certificate = &credentials.certificate;
        Ok(match holds(credentials.key.expose_secret()) {
            true if !secret => return Err(Leak),
            true => Some(format!("with the key of {}", certificate.note)),
            false if holds(&certificate.pem) => Some(certificate.note.clone()),
            false if holds(&credentials.ca.pem) => Some(credentials.ca.note.clone()),
            false => None,
        })
    }

    fn unit(
        &mut self,
        role: &'a Role,
        unit: &'a RoleUnit,
        on_host: &[&'a Role],
        installed: &[DesiredPackage],
    ) {
        let read: Vec<&Role> = on_host
            .iter()
            .copied()
            .filter(|other| {
                other.name == role.name || unit.reads_roles.iter().any(|name| name.value == other.name)
            })
            .collect();
        let is_read =
            |file: &ManagedFile| file.roles.iter().any(|name| read.iter().any(|role| role.name == *name));
        let reads =
            self.files.iter().filter(|(_, (file, _))| is_read(file)).map(|(path, _)| path.clone()).collect();
        let own_first =
            std::iter::once(role).chain(read.iter().copied().filter(|other| other.name != role.name));
        let packages: Vec<PackageName> = match &unit.packages {
            Some(packages) => packages.iter().map(|name| name.value.clone()).collect(),
            None => own_first.flat_map(Role::all_packages).map(|name| name.value.clone()).collect(),
        };
        let done = ManagedUnit {
            name: unit.name.value.clone(),
            role: role.name.clone(),
            packages: packages
                .into_iter()
                .filter(|name| installed.iter().any(|it| it.name == *name))
                .collect(),
            reads,
            needs: self.needs(role, &read),
            quorum: unit.quorum,
            settings: unit.settings.iter().filter_map(|setting| self.setting(role, setting)).collect(),
            health: unit.health.iter().filter_map(|health| self.health(health)).collect(),
            patience: unit.patience,
            identity: unit.identity.as_ref().and_then(|identity| self.identity(identity)),
        };
        let same = |name: &UnitName| *name == done.name;
        if let Some((other, place)) = self.units.iter().find(|(other, _)| same(&other.name)) {
            self.mistakes.push(
                Mistake::new(
                    &unit.name.place,
                    format!("`{}` and `{}` both run {}", other.role, role.name, other.name),
                )
                .also(place, "the other is here")
                .help("run it in one role and name that role in `needs` of the other"),
            );
        }
        self.units.push((done, &unit.name.place));
    }

    /// The roles with units that must be healthy everywhere before a unit that reads the files of `read`
    /// starts.
    fn needs(&self, own: &Role, read: &[&Role]) -> Vec<RoleName> {
        let mut needs: Vec<RoleName> = Vec::new();
        for need in read.iter().flat_map(|role| &role.needs) {
            if need.on != Where::Cluster || !self.applies(need.containerizer) {
                continue;
            }
            for role in self.cluster.roles.with_included(&need.role, &self.cluster.containerizers) {
                if !role.units.is_empty() && role.name != own.name && !needs.contains(&role.name) {
                    needs.push(role.name.clone());
                }
            }
        }
        needs
    }

    fn identity(&self, identity: &RoleIdentity) -> Option<Identity> {
        let folder = self.host.vars.get(&identity.below.value).and_then(serde_json::Value::as_str)?;
        let kept_in = format!("{folder}/{}", identity.forgets).parse().ok()?;
        Some(Identity { files: identity.files.clone(), kept_in })
    }

    /// A setting of the whole cluster is the affair of the role's first host in the inventory.
    fn setting(&mut self, role: &Role, setting: &RoleSetting) -> Option<Setting> {
        let first = self.cluster.with_role(role.name.as_str()).next();
        if setting.scope == Scope::Cluster && first.is_some_and(|first| first.name != self.host.name) {
            return None;
        }
        let wanted = self.text(role, &setting.wanted)?.trim().to_owned();
        let (read, write) = (self.text(role, &setting.read)?, self.text(role, &setting.write)?);
        if wanted.is_empty() {
            return None;
        }
        let name: SettingName = setting.name.value.clone();
        Some(Setting { name, wanted, read, write })
    }

    fn text(&mut self, role: &Role, name: &str) -> Option<String> {
        let template = self.templates.get(name)?;
        let context = RoleContext {
            host: HostContext::new(self.host),
            tls: TlsContext::new(self.host, self.cluster.tls),
            vars: visible_vars(role, &self.cluster.roles, self.host),
            item: None,
        };
        match template.render_beside(&context, &[self.context]) {
            Ok(text) => Some(text),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    fn health(&self, health: &crate::roles::RoleHealth) -> Option<HealthCheck> {
        let port = self.host.ports(&health.port)?.only()?;
        let probe = match (&health.probe, &health.tls) {
            // Where a role's files for TLS are not written, its service speaks without.
            (Probe::Http { path, contains }, Some(folder)) if self.has_credentials_in(folder) => {
                Probe::Https { path: path.clone(), contains: contains.clone(), folder: folder.clone() }
            }
            (probe, _) => probe.clone(),
        };
        Some(HealthCheck { address: self.host.address, port, probe })
    }

    fn has_credentials_in(&self, folder: &HostPath) -> bool {
        let path = format!("{folder}/ca.pem");
        self.files.keys().any(|known| known.as_str() == path)
    }
}

/// A key in a file that is no secret.
struct Leak;

fn not_json(template: &Template, host: &ClusterHost, content: &str, error: &serde_json::Error) -> Mistake {
    let line = content.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().trim();
    let source = template.source();
    // Where the line stands in the template as it is, its place can be told.
    let place = match source.text().match_indices(line).collect::<Vec<_>>().as_slice() {
        [(start, _)] if !line.is_empty() => source.place(*start..start + line.len()),
        _ => source.place(0..0),
    };
    let place_in_file = format!("line {}, column {}", error.line(), error.column());
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or(&why);
    Mistake::new(&place, format!("for {} this is not JSON: {why} ({place_in_file}: `{line}`)", host.name))
        .help("write values with the filter `json`: {{ name | json }}")
}
