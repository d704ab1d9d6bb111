//! What a role wants of the host's own system: kernel modules and parameters, protocols, labels.

use super::Role;
use crate::diagnostic::{FromValue, Kind, Mistake, Reading, Spanned, TableReader, Value};
use crate::model::{HostPath, VarName};

/// What a role wants of the host's own system.
#[derive(Debug, Clone, Default)]
pub struct RoleSystem {
    /// Kernel modules that are loaded.
    pub modules: Vec<RoleModule>,
    /// Kernel parameters with their values.
    pub sysctls: Vec<RoleSysctl>,
    /// Protocols beside TCP and UDP that a firewall lets through.
    pub protocols: Vec<RoleProtocol>,
    /// Types of paths for SELinux.
    pub labels: Vec<RoleLabel>,
    /// The variable that says whether SELinux is to refuse nothing.
    pub permissive: Option<Spanned<VarName>>,
}

/// A kernel module.
#[derive(Debug, Clone)]
pub struct RoleModule {
    /// Its name.
    pub name: String,
    /// The variable of the type bool that says whether it is wanted; always where there is none.
    pub when: Option<Spanned<VarName>>,
}

/// A kernel parameter.
#[derive(Debug, Clone)]
pub struct RoleSysctl {
    /// Its name, with dots.
    pub key: String,
    /// Its value.
    pub value: Spanned<SysctlValue>,
}

/// The value of a kernel parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SysctlValue {
    /// This number.
    Number(u32),
    /// That of a variable of the type integer.
    Var(VarName),
}

/// A protocol beside TCP and UDP.
#[derive(Debug, Clone)]
pub struct RoleProtocol {
    /// Its number, as in /etc/protocols.
    pub number: u8,
    /// What it is for, in a few words.
    pub description: String,
    /// The variable of the type bool that says whether it is used; always where there is none.
    pub when: Option<Spanned<VarName>>,
}

/// The type of a path for SELinux.
#[derive(Debug, Clone)]
pub struct RoleLabel {
    /// The path.
    pub path: HostPath,
    /// The type.
    pub kind: String,
}

impl RoleSystem {
    /// Reads the keys of a role that are about the system.
    pub(super) fn read(root: &TableReader<'_>) -> Self {
        Self {
            modules: root.tables("kernel_modules").into_iter().filter_map(module).collect(),
            sysctls: root.tables("sysctls").into_iter().filter_map(sysctl).collect(),
            protocols: root.tables("protocols").into_iter().filter_map(protocol).collect(),
            labels: root.tables("selinux_labels").into_iter().filter_map(label).collect(),
            permissive: root.get("selinux_permissive"),
        }
    }
}

impl Role {
    /// The variables of the type bool that say whether something of the system is wanted.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Spanned<VarName>> {
        let system = &self.system;
        let modules = system.modules.iter().filter_map(|module| module.when.as_ref());
        let protocols = system.protocols.iter().filter_map(|protocol| protocol.when.as_ref());
        modules.chain(protocols).chain(&system.permissive)
    }
}

fn module(table: TableReader<'_>) -> Option<RoleModule> {
    let name = word(&table, "name", "\"xt_set\"");
    let when = table.get("when");
    table.finish();
    Some(RoleModule { name: name?, when })
}

fn sysctl(table: TableReader<'_>) -> Option<RoleSysctl> {
    let key = word(&table, "key", "\"net.ipv4.ip_forward\"");
    let value = table.need::<SysctlValue>("value", "1");
    table.finish();
    Some(RoleSysctl { key: key?, value: value? })
}

fn protocol(table: TableReader<'_>) -> Option<RoleProtocol> {
    let number = table.need::<u8>("number", "4");
    let description = table.need::<String>("description", "\"packets within packets\"");
    let when = table.get("when");
    table.finish();
    Some(RoleProtocol { number: number?.value, description: description?.value, when })
}

fn label(table: TableReader<'_>) -> Option<RoleLabel> {
    let path = table.need::<HostPath>("path", "\"/calico\"");
    let kind = word(&table, "type", "\"bin_t\"");
    table.finish();
    Some(RoleLabel { path: path?.value, kind: kind? })
}

/// A word as kernels and policies have them.
fn word(table: &TableReader<'_>, key: &'static str, example: &str) -> Option<String> {
    let text = table.need::<String>(key, example)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.starts_with(['-', '.']) || !text.chars().all(allowed) {
        table.reading().push(
            Mistake::new(&text.place, format!("`{}` cannot be a `{key}`", text.value))
                .help("use letters, digits and `._-`"),
        );
        return None;
    }
    Some(text.value)
}

impl FromValue for SysctlValue {
    const EXPECTED: (&'static str, &'static str) = ("a number", "numbers");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        match &value.kind {
            Kind::Integer(_) => u32::from_value(value, reading).map(Self::Number),
            _ => VarName::from_value(value, reading).map(Self::Var),
        }
    }
}
