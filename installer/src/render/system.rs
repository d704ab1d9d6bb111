//! What a host's own system must be like, of all its roles together.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cluster::ClusterHost;
use crate::desired::{MODULES_FILE, ManagedFile, SYSCTL_FILE, SystemSetting};
use crate::model::{HostPath, Mode, RoleName, VarName};
use crate::roles::{Role, SysctlValue};

/// The settings of a host, each once: the kernel's first, since parameters come with modules.
pub(super) fn settings(host: &ClusterHost, roles: &[&Role]) -> Vec<SystemSetting> {
    let is_on = |name: &VarName| host.vars.get(name).and_then(serde_json::Value::as_bool) == Some(true);
    let mut settings: Vec<SystemSetting> = Vec::new();
    let mut add = |setting: SystemSetting| {
        if !settings.contains(&setting) {
            settings.push(setting);
        }
    };
    for role in roles {
        let wanted =
            role.system.modules.iter().filter(|module| module.when.as_ref().is_none_or(|name| is_on(name)));
        wanted.for_each(|module| add(SystemSetting::Module { name: module.name.clone() }));
    }
    for sysctl in roles.iter().flat_map(|role| &role.system.sysctls) {
        let value = match &sysctl.value.value {
            SysctlValue::Number(number) => Some(number.to_string()),
            SysctlValue::Var(name) => host.vars.get(name).map(ToString::to_string),
        };
        value.into_iter().for_each(|value| add(SystemSetting::Sysctl { key: sysctl.key.clone(), value }));
    }
    for port in roles.iter().flat_map(|role| &role.ports) {
        let ports = host.ports(&port.port).into_iter();
        ports.for_each(|ports| add(SystemSetting::Port { ports, protocol: port.protocol.to_string() }));
    }
    for role in roles {
        let used = role.system.protocols.iter().filter(|it| it.when.as_ref().is_none_or(|name| is_on(name)));
        used.for_each(|protocol| add(SystemSetting::Protocol { number: protocol.number }));
        let labels = role.system.labels.iter();
        labels.for_each(|label| {
            add(SystemSetting::Label { path: label.path.clone(), kind: label.kind.clone() })
        });
        if role.system.permissive.as_ref().is_some_and(|name| is_on(name)) {
            add(SystemSetting::Permissive);
        }
    }
    settings
}

/// The files by which the kernel's settings are there after the next start as well. No unit reads them: the settings
/// are in effect without.
pub(super) fn files(settings: &[SystemSetting], roles: &[&Role]) -> BTreeMap<HostPath, ManagedFile> {
    let (mut modules, mut sysctls) = (String::new(), String::new());
    for setting in settings {
        // Writing into a string cannot fail.
        let _ = match setting {
            SystemSetting::Module { name } => writeln!(modules, "{name}"),
            SystemSetting::Sysctl { key, value } => writeln!(sysctls, "{key} = {value}"),
            _ => Ok(()),
        };
    }
    let names = |wants: fn(&Role) -> bool| -> Vec<RoleName> {
        roles.iter().filter(|role| wants(role)).map(|role| role.name.clone()).collect()
    };
    let all = [
        (MODULES_FILE, modules, names(|role| !role.system.modules.is_empty())),
        (SYSCTL_FILE, sysctls, names(|role| !role.system.sysctls.is_empty())),
    ];
    let wanted = all.into_iter().filter(|(_, lines, _)| !lines.is_empty());
    let files = wanted.filter_map(|(path, lines, roles)| Some((path.parse().ok()?, file(&lines, roles))));
    files.collect()
}

fn file(lines: &str, roles: Vec<RoleName>) -> ManagedFile {
    ManagedFile {
        content: format!("# Written by calico-mesos-install: change the inventory, not this file.\n{lines}")
            .into(),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: Mode::PUBLIC,
        roles,
        secret: false,
        note: None,
        only_with: None,
    }
}
