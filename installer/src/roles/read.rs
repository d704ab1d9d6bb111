//! Reading one role file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Each, Include, Need, PathPattern, PathRef, PortRef, Protocol, Role, RoleFile, RoleHealth, RoleIdentity,
    RolePort, RoleSetting, RoleSystem, RoleUnit, Scope, Variable, Where,
};
use crate::desired::Probe;
use crate::diagnostic::{
    FromValue, Kind, Mistake, Mistakes, Reading, Source, Spanned, TableReader, Value, list,
};
use crate::inventory::Containerizer;
use crate::model::{HostPath, Mode, PortRange, RoleName, UnitName, VarName};

/// How long a unit may take to become healthy where its role does not say.
const PATIENCE: Duration = Duration::from_secs(60);

impl Role {
    /// Reads the file of the role `name`, as far as it can be understood.
    pub(super) fn read(name: RoleName, source: &Source) -> (Self, Mistakes) {
        let reading = Reading::new(source);
        let root = reading.root();
        let description = root.need::<String>("description", "\"what it is\"");
        let role = Self {
            place: source.place(0..0),
            description: description.map(|text| text.value).unwrap_or_default(),
            includes: root.tables("includes").into_iter().filter_map(include).collect(),
            needs: root.tables("needs").into_iter().filter_map(need).collect(),
            packages: root.get_or("packages", Vec::new()),
            optional_packages: root.get_or("optional_packages", Vec::new()),
            files: root.tables("files").into_iter().filter_map(file).collect(),
            units: root.tables("units").into_iter().filter_map(unit).collect(),
            ports: root.tables("ports").into_iter().filter_map(port).collect(),
            data: root.get_or("data", Vec::new()),
            system: RoleSystem::read(&root),
            vars: root.table("vars").map(|table| vars(&name, &table)).unwrap_or_default(),
            name,
        };
        root.finish();
        (role, reading.into_mistakes())
    }
}

fn containerizer(table: &TableReader<'_>) -> Option<Containerizer> {
    table.choice("containerizer", &Containerizer::WORDS).map(|containerizer| containerizer.value)
}

fn include(table: TableReader<'_>) -> Option<Include> {
    let role = table.need("role", "\"zookeeper\"");
    let containerizer = containerizer(&table);
    table.finish();
    Some(Include { role: role?, containerizer })
}

fn need(table: TableReader<'_>) -> Option<Need> {
    let role = table.need("role", "\"zookeeper\"");
    let on = table
        .need::<String>("on", "\"cluster\"")
        .and_then(|_| table.choice("on", &[("cluster", Where::Cluster), ("host", Where::Host)]));
    let containerizer = containerizer(&table);
    table.finish();
    Some(Need { role: role?, on: on?.value, containerizer })
}

fn file(table: TableReader<'_>) -> Option<RoleFile> {
    let template = table.need::<String>("template", "\"zookeeper/zoo.cfg\"");
    let path = table.need::<PathPattern>("path", "\"/etc/zookeeper/zoo.cfg\"");
    let each = table.get::<Each>("each");
    let owner = name_of_account(&table, "owner");
    let group = name_of_account(&table, "group");
    let mode = table.get_or("mode", Mode::PUBLIC);
    let secret = table.get_or("secret", false);
    let block = table.get::<bool>("block");
    let only_with = table.get::<UnitName>("only_with").map(|unit| unit.value);
    if let Some(block) = block.as_ref().filter(|block| block.value) {
        refuse_beside_block(&table, &block.place);
    }
    let block = block.is_some_and(|block| block.value);
    let containerizer = containerizer(&table);
    if let Some(path) = &path
        && path.has_key() != table.value("each").is_some()
    {
        let mistake = if path.has_key() {
            Mistake::new(&path.place, format!("`{}` stands for nothing", PathPattern::KEY))
                .help("say which map the file is written for: `each = \"vars.NAME\"` or `each = \"host.attributes\"`")
        } else {
            Mistake::new(&path.place, "all entries of the map would be written to one path")
                .help(format!("put `{}` into the path", PathPattern::KEY))
        };
        table.reading().push(mistake);
    }
    table.finish();
    Some(RoleFile {
        template: template?,
        path: path?,
        each,
        owner,
        group,
        mode,
        secret,
        block,
        only_with,
        containerizer,
    })
}

/// A file that others write as well keeps its owner and mode, is no secret, and is there once.
fn refuse_beside_block(table: &TableReader<'_>, place: &crate::diagnostic::Place) {
    let keys = ["each", "owner", "group", "mode", "secret", "only_with"];
    for key in keys.into_iter().filter(|key| table.value(key).is_some()) {
        table.reading().push(
            Mistake::new(place, format!("`block` and `{key}` do not go together"))
                .help("remove one: a block is a part of a file that belongs to others"),
        );
    }
}

fn name_of_account(table: &TableReader<'_>, key: &'static str) -> String {
    let Some(name) = table.get::<String>(key) else { return "root".to_owned() };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(allowed) {
        table.reading().push(
            Mistake::new(&name.place, format!("`{}` cannot be an account's name", name.value))
                .help("write a name such as \"root\""),
        );
    }
    name.value
}

fn unit(table: TableReader<'_>) -> Option<RoleUnit> {
    let name = table.need::<UnitName>("name", "\"zookeeper.service\"");
    let unit = RoleUnit {
        quorum: table.get_or("quorum", false),
        reads_roles: table.get_or("reads_roles", Vec::new()),
        packages: table.get("packages").map(|packages| packages.value),
        settings: table.tables("settings").into_iter().filter_map(setting).collect(),
        health: table.tables("health").into_iter().filter_map(health).collect(),
        patience: table.get_or("patience", PATIENCE),
        identity: table.table("identity").and_then(identity),
        containerizer: containerizer(&table),
        name: name?,
    };
    table.finish();
    Some(unit)
}

fn identity(table: TableReader<'_>) -> Option<RoleIdentity> {
    let files = table.get_or::<Vec<Spanned<String>>>("files", Vec::new());
    let below = table.need("below", "\"mesos_agent_work_dir\"");
    let forgets = table.need::<String>("forgets", "\"meta/slaves/latest\"");
    table.finish();
    let files = files.into_iter().map(|file| file.value).collect();
    Some(RoleIdentity { files, below: below?, forgets: forgets?.value })
}

fn setting(table: TableReader<'_>) -> Option<RoleSetting> {
    let name = table.need("name", "\"ip-pool\"");
    let template = |key| table.need::<String>(key, "\"calico-node/ip-pool.wanted\"");
    let (wanted, read, write) = (template("wanted"), template("read"), template("write"));
    let scope = table
        .choice("scope", &[("host", Scope::Host), ("cluster", Scope::Cluster)])
        .map_or(Scope::Host, |scope| scope.value);
    table.finish();
    Some(RoleSetting { name: name?, wanted: wanted?, read: read?, write: write?, scope })
}

fn health(table: TableReader<'_>) -> Option<RoleHealth> {
    let port = table.need::<PortRef>("port", "\"zookeeper_client_port\"");
    let kind = table
        .need::<String>("kind", "\"http\"")
        .and_then(|_| table.choice("kind", &[("tcp", "tcp"), ("http", "http"), ("line", "line")]));
    let contains = |table: &TableReader<'_>| table.get::<String>("contains").map(|text| text.value);
    let mut tls = None;
    let probe = match kind?.value {
        "http" => {
            let path = table.need::<String>("path", "\"/health\"")?;
            if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
                let mistake = Mistake::new(&path.place, format!("`{}` is not a path of a URL", path.value));
                table.reading().push(mistake.help("begin it with `/`, for example \"/health\""));
            }
            tls = table.get::<HostPath>("tls").map(|folder| folder.value);
            Probe::Http { path: path.value, contains: contains(&table) }
        }
        "line" => {
            let send = table.need::<String>("send", "\"ruok\"")?.value;
            table.need::<String>("contains", "\"imok\"")?;
            Probe::Line { send, contains: contains(&table)? }
        }
        _ => Probe::Tcp,
    };
    if let Some(Spanned { value: PortRef::Range(range), place }) = &port {
        let mistake = Mistake::new(place, format!("`{range}` are many ports, and one is asked"));
        table.reading().push(mistake.help("name the port that answers"));
    }
    table.finish();
    Some(RoleHealth { port: port?, probe, tls })
}

fn port(table: TableReader<'_>) -> Option<RolePort> {
    let port = table.need::<PortRef>("port", "\"zookeeper_client_port\"");
    let protocol = table
        .choice("protocol", &[("tcp", Protocol::Tcp), ("udp", Protocol::Udp)])
        .map_or(Protocol::Tcp, |protocol| protocol.value);
    let description = table.need::<String>("description", "\"clients\"");
    table.finish();
    Some(RolePort { port: port?, protocol, description: description?.value })
}

fn vars(role: &RoleName, table: &TableReader<'_>) -> BTreeMap<VarName, Variable> {
    let mut vars = BTreeMap::new();
    for (name, table) in table.named_tables() {
        let reading = table.reading();
        match name.parse::<VarName>() {
            Ok(parsed) => vars.extend(Variable::read(role, name, table).map(|variable| (parsed, variable))),
            Err(error) => reading.push(
                Mistake::new(&name.place, format!("`{}` is not a variable name", name.value))
                    .help(error.allowed()),
            ),
        }
    }
    vars
}

impl FromValue for PortRef {
    const EXPECTED: (&'static str, &'static str) = ("a port", "ports");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        match &value.kind {
            Kind::Integer(_) => u16::from_value(value, reading).map(Self::Number),
            Kind::String(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                let range = text.parse::<PortRange>().ok().map(Self::Range);
                if range.is_none() {
                    let mistake = Mistake::new(&value.place, format!("`{text}` is not a range of ports"));
                    let help = "write for example \"20001-29999\", the smaller number first";
                    reading.push(mistake.help(help));
                }
                range
            }
            _ => VarName::from_value(value, reading).map(Self::Var),
        }
    }
}

impl FromValue for PathRef {
    const EXPECTED: (&'static str, &'static str) = ("a path or a variable", "paths or variables");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        match &value.kind {
            Kind::String(text) if text.starts_with('/') => {
                HostPath::from_value(value, reading).map(Self::Path)
            }
            _ => VarName::from_value(value, reading).map(Self::Var),
        }
    }
}

impl FromValue for PathPattern {
    const EXPECTED: (&'static str, &'static str) = ("a string", "strings");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        HostPath::from_value(value, reading).map(Self)
    }
}

impl FromValue for Each {
    const EXPECTED: (&'static str, &'static str) = ("a string", "strings");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        let text = String::from_value(value, reading)?;
        if text == "host.attributes" {
            return Some(Self::HostAttributes);
        }
        let var = text.strip_prefix("vars.").and_then(|name| name.parse().ok());
        if var.is_none() {
            let help = format!("use {}", list(["host.attributes", "vars.NAME"]));
            reading.push(Mistake::new(&value.place, format!("`{text}` is not a map")).help(help));
        }
        var.map(Self::Var)
    }
}
