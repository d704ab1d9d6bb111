//! Variables, as role files declare them, as the properties of a table.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::diagnostic::write_duration;
use crate::roles::{Catalogue, VarKind, Variable};

/// Whole numbers with units, largest first.
pub(super) const DURATION: &str = r"^ *(\d+(ms|s|m|min|h|d) *)+$";

/// Makes `table` one that takes those variables of the roles that `which` picks, and no others.
pub(super) fn fill(table: &mut Json, roles: &Catalogue, which: impl Fn(&Variable) -> bool) {
    let picked = roles.variables().filter(|(_, variable)| which(variable));
    let properties: Map<String, Json> =
        picked.map(|(name, variable)| (name.to_string(), of(variable))).collect();
    table["properties"] = Json::Object(properties);
    table["additionalProperties"] = json!(false);
}

fn of(variable: &Variable) -> Json {
    let mut schema = match variable.kind {
        VarKind::String => json!({"type": "string"}),
        VarKind::Integer => json!({"type": "integer"}),
        VarKind::Bool => json!({"type": "boolean"}),
        VarKind::Port => json!({"type": "integer", "minimum": 1, "maximum": 65535}),
        VarKind::PortRange => json!({"type": "string", "pattern": r"^\d+(-\d+)?$"}),
        VarKind::Duration => json!({"type": "string", "pattern": DURATION}),
        VarKind::Cidr => json!({"type": "string", "pattern": r"^[0-9a-fA-F.:]+/\d+$"}),
        VarKind::Path => json!({"type": "string", "pattern": "^/"}),
        VarKind::List => json!({"type": "array", "items": {"type": "string"}}),
        VarKind::Map => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})
        }
    };
    schema["description"] = json!(variable.description);
    if !variable.choices.is_empty() {
        schema["enum"] = json!(variable.choices);
    }
    if !matches!(variable.kind, VarKind::Duration) {
        if let Some(min) = variable.min {
            schema["minimum"] = json!(min);
        }
        if let Some(max) = variable.max {
            schema["maximum"] = json!(max);
        }
    }
    if let Some(default) = &variable.default {
        schema["default"] = match (variable.kind, default.as_u64()) {
            (VarKind::Duration, Some(seconds)) => json!(write_duration(Duration::from_secs(seconds))),
            _ => default.clone(),
        };
    }
    schema
}
