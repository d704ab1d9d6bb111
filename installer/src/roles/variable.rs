//! Variables: their types, and what may be written for them.

use serde_json::Value as Json;

use crate::diagnostic::{Kind, Mistake, Mistakes, Place, Spanned, TableReader, Value, list, parse_duration};
use crate::model::{HostPath, PortRange, RoleName};

/// A variable that a role declares.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The role that declares it.
    pub role: RoleName,
    /// Where it is declared.
    pub place: Place,
    /// What it is for, in a sentence.
    pub description: String,
    /// What may be written for it.
    pub kind: VarKind,
    /// Whether hosts may differ in it.
    pub scope: Scope,
    /// Its value where the inventory gives none; the inventory must give one where there is no default.
    pub default: Option<Json>,
    /// The only texts allowed, for strings; all where there are none.
    pub choices: Vec<String>,
    /// The least number allowed.
    pub min: Option<i64>,
    /// The greatest number allowed.
    pub max: Option<i64>,
}

/// Whether hosts may differ in a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Each host can have a value of its own.
    Host,
    /// All hosts must agree on it.
    Cluster,
}

/// The types of variables, and how templates see their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarKind {
    /// One line of text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// A TCP or UDP port.
    Port,
    /// TCP or UDP ports from one to another such as `"20001-29999"`; templates see their text.
    PortRange,
    /// A duration such as `"5m"`; templates see whole seconds.
    Duration,
    /// A network such as `"192.168.0.0/16"`; templates see its text.
    Cidr,
    /// An absolute path on the host.
    Path,
    /// A list of strings.
    List,
    /// A table of strings, numbers and truth values; templates see all as text.
    Map,
}

impl VarKind {
    /// The words of role files and what they mean.
    pub const WORDS: [(&'static str, VarKind); 10] = [
        ("string", Self::String),
        ("integer", Self::Integer),
        ("bool", Self::Bool),
        ("port", Self::Port),
        ("port-range", Self::PortRange),
        ("duration", Self::Duration),
        ("cidr", Self::Cidr),
        ("path", Self::Path),
        ("list", Self::List),
        ("map", Self::Map),
    ];

    fn expected(self) -> (&'static str, &'static str) {
        match self {
            Self::String => ("a string", "\"text\""),
            Self::Integer => ("a whole number", "5"),
            Self::Bool => ("true or false", "true"),
            Self::Port => ("a port", "5050"),
            Self::PortRange => ("a range of ports", "\"20001-29999\""),
            Self::Duration => ("a duration", "\"5m\""),
            Self::Cidr => ("a network", "\"192.168.0.0/16\""),
            Self::Path => ("an absolute path", "\"/var/lib/mesos\""),
            Self::List => ("a list of strings", "[\"a\", \"b\"]"),
            Self::Map => ("a table", "{ cpus = 4 }"),
        }
    }
}

impl Variable {
    /// Reads `[vars.NAME]`.
    pub(super) fn read(role: &RoleName, name: &Spanned<String>, table: TableReader<'_>) -> Option<Self> {
        let kind =
            table.need::<String>("type", "\"string\"").and_then(|_| table.choice("type", &VarKind::WORDS));
        let description = table.need::<String>("description", "\"what it is for\"");
        let scope = table
            .choice("scope", &[("host", Scope::Host), ("cluster", Scope::Cluster)])
            .map_or(Scope::Host, |scope| scope.value);
        let choices: Vec<Spanned<String>> = table.get_or("choices", Vec::new());
        let min = table.get::<i64>("min").map(|min| min.value);
        let max = table.get::<i64>("max").map(|max| max.value);
        let default = table.value("default");
        let reading = table.reading();
        table.finish();
        let mut variable = Self {
            role: role.clone(),
            place: name.place.clone(),
            description: description?.value,
            kind: kind?.value,
            scope,
            default: None,
            choices: choices.into_iter().map(|choice| choice.value).collect(),
            min,
            max,
        };
        if let Some(default) = default {
            match variable.check(&name.value, default) {
                Ok(value) => variable.default = Some(value),
                Err(mistakes) => mistakes.into_iter().for_each(|mistake| reading.push(mistake)),
            }
        }
        Some(variable)
    }

    /// What templates see when `value` is given to the variable `name`.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn check(&self, name: &str, value: &Value) -> Result<Json, Mistakes> {
        let wrong = || {
            let (expected, example) = self.kind.expected();
            let message = format!("`{name}` must be {expected}, not {}", describe(value));
            Mistakes::from(
                Mistake::new(&value.place, message).help(format!("write for example `{name} = {example}`")),
            )
        };
        match (self.kind, &value.kind) {
            (VarKind::String, Kind::String(text)) => {
                self.check_choice(name, text, value)?;
                line(text, value).map(Json::from)
            }
            (VarKind::Integer | VarKind::Port, Kind::Integer(Some(number))) => {
                let (least, most) =
                    if self.kind == VarKind::Port { (1, 65535) } else { (i64::MIN, i64::MAX) };
                self.check_bounds(name, *number, least, most, value)?;
                Ok(Json::from(*number))
            }
            (VarKind::Bool, Kind::Bool(flag)) => Ok(Json::from(*flag)),
            (VarKind::Duration, Kind::String(text)) => {
                let duration = parse_duration(text).map_err(|_| wrong())?;
                if duration.subsec_nanos() != 0 {
                    let mistake = Mistake::new(&value.place, format!("`{name}` counts in seconds"));
                    return Err(mistake.help("write whole seconds, for example \"1s\"").into());
                }
                let seconds = i64::try_from(duration.as_secs()).map_err(|_| wrong())?;
                self.check_bounds(name, seconds, 0, i64::MAX, value)?;
                Ok(Json::from(seconds))
            }
            (VarKind::Cidr, Kind::String(text)) => {
                let network: ipnet::IpNet = text.parse().map_err(|_| wrong())?;
                if network.addr() != network.network() {
                    let message = format!("`{text}` is an address in a network, not a network");
                    let help = format!("write `{name} = \"{}\"`", network.trunc());
                    return Err(Mistake::new(&value.place, message).help(help).into());
                }
                Ok(Json::from(network.to_string()))
            }
            (VarKind::PortRange, Kind::String(text)) => {
                let range: PortRange = text.parse().map_err(|_| wrong())?;
                Ok(Json::from(range.to_string()))
            }
            (VarKind::Path, Kind::String(text)) => {
                let path: HostPath = text.parse().map_err(|_| wrong())?;
                Ok(Json::from(path.to_string()))
            }
            (VarKind::List, Kind::List(items)) => items
                .iter()
                .map(|item| match &item.kind {
                    Kind::String(text) => line(text, item).map(Json::from),
                    _ => {
                        let message = format!("expected a string, found {}", item.describe());
                        Err(Mistake::new(&item.place, message)
                            .help("put the text between double quotes")
                            .into())
                    }
                })
                .collect(),
            (VarKind::Map, Kind::Table(table)) => table
                .entries
                .iter()
                .map(|entry| Ok((key(&entry.key)?, scalar(&entry.value)?)))
                .collect::<Result<serde_json::Map<_, _>, Mistakes>>()
                .map(Json::Object),
            _ => Err(wrong()),
        }
    }

    fn check_choice(&self, name: &str, text: &str, value: &Value) -> Result<(), Mistakes> {
        if self.choices.is_empty() || self.choices.iter().any(|choice| choice == text) {
            return Ok(());
        }
        let mistake = Mistake::new(&value.place, format!("`{name}` cannot be `{text}`"));
        Err(mistake.help(format!("use one of {}", list(&self.choices))).into())
    }

    fn check_bounds(
        &self,
        name: &str,
        number: i64,
        least: i64,
        most: i64,
        value: &Value,
    ) -> Result<(), Mistakes> {
        let (least, most) = (self.min.unwrap_or(least).max(least), self.max.unwrap_or(most).min(most));
        if (least..=most).contains(&number) {
            return Ok(());
        }
        let help = match (least, most) {
            (least, i64::MAX) => format!("use {least} or more"),
            (i64::MIN, most) => format!("use {most} or less"),
            (least, most) => format!("use {least} to {most}"),
        };
        Err(Mistake::new(&value.place, format!("`{name}` is out of range")).help(help).into())
    }
}

fn describe(value: &Value) -> String {
    match &value.kind {
        Kind::String(text) => format!("`{text}`"),
        _ => value.describe().to_owned(),
    }
}

/// A text of one line: a line break would begin a new setting in most files.
fn line(text: &str, value: &Value) -> Result<String, Mistakes> {
    if text.contains(char::is_control) {
        let mistake = Mistake::new(&value.place, "there is a line break or a control character in the text");
        return Err(mistake.help("write the text on one line").into());
    }
    Ok(text.to_owned())
}

/// A map's key becomes a file's name, or a part of a setting.
fn key(key: &Spanned<String>) -> Result<String, Mistakes> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if key.starts_with(|c: char| c.is_ascii_alphanumeric()) && key.chars().all(allowed) {
        return Ok(key.value.clone());
    }
    let mistake = Mistake::new(&key.place, format!("`{}` cannot be a key here", key.value));
    Err(mistake.help("use letters, digits and `-_.`, beginning with a letter or digit").into())
}

fn scalar(value: &Value) -> Result<Json, Mistakes> {
    match &value.kind {
        Kind::String(text) => line(text, value).map(Json::from),
        Kind::Integer(Some(number)) => Ok(Json::from(number.to_string())),
        Kind::Float(number) if number.is_finite() => Ok(Json::from(number.to_string())),
        Kind::Bool(flag) => Ok(Json::from(flag.to_string())),
        _ => {
            let message = format!("expected a string, a number, true or false, found {}", value.describe());
            Err(Mistake::new(&value.place, message).help("put the value between double quotes").into())
        }
    }
}
