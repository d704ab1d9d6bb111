//! An app's definition: what Marathon would refuse is refused here, with everything that is wrong at once.

use serde::Serialize;
use serde_json::Value;

use crate::diagnostic::quantity;

/// A definition that Marathon accepts, as far as can be known without it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AppDefinition(Value);

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{app} has {}:\n{}", quantity(.wrong.len(), "mistake"), .wrong.join("\n"))]
pub struct BadDefinition {
    /// The app, as far as it has a name.
    app: String,
    /// `path: what is wrong` of each.
    wrong: Vec<String>,
}

impl AppDefinition {
    /// Its id, with `/` in front.
    pub fn id(&self) -> String {
        let id = self.0["id"].as_str().unwrap_or_default();
        format!("/{}", id.trim_matches('/'))
    }

    /// How many tasks it wants.
    pub fn instances(&self) -> u64 {
        self.0["instances"].as_u64().unwrap_or(1)
    }

    /// The definition on one line.
    pub fn to_line(&self) -> String {
        self.0.to_string()
    }

    /// The definition for people.
    pub fn to_text(&self) -> String {
        format!("{:#}\n", self.0)
    }
}

impl TryFrom<Value> for AppDefinition {
    type Error = BadDefinition;

    fn try_from(app: Value) -> Result<Self, Self::Error> {
        let mut judge = Judge { wrong: Vec::new() };
        judge.app(&app);
        if judge.wrong.is_empty() {
            return Ok(Self(app));
        }
        let name = app["id"]
            .as_str()
            .map_or_else(|| "an app without an id".to_owned(), |id| format!("the app {id}"));
        Err(BadDefinition { app: name, wrong: judge.wrong })
    }
}

struct Judge {
    wrong: Vec<String>,
}

impl Judge {
    fn wrong(&mut self, path: &str, why: impl AsRef<str>) {
        self.wrong.push(format!("  {path}: {}", why.as_ref()));
    }

    fn app(&mut self, app: &Value) {
        let Some(fields) = app.as_object() else { return self.wrong("/", "an app is a JSON object") };
        for key in fields.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let near = crate::diagnostic::closest(key, KEYS.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            self.wrong(&format!("/{key}"), format!("Marathon knows no such key{hint}"));
        }
        self.id(&app["id"]);
        for key in ["cpus", "mem", "disk", "instances"] {
            let value = &app[key];
            let whole = key != "instances" || value.as_u64().is_some();
            if !value.is_null() && (!whole || value.as_f64().is_none_or(|number| number < 0.0)) {
                let number = if key == "instances" { "a whole number" } else { "a number" };
                self.wrong(&format!("/{key}"), format!("must be {number}, 0 or more, not {value}"));
            }
        }
        for key in ["cmd", "user"] {
            if !app[key].is_null() && !app[key].is_string() {
                self.wrong(&format!("/{key}"), "must be a text");
            }
        }
        for key in ["env", "labels", "container", "ipAddress"] {
            if !app[key].is_null() && !app[key].is_object() {
                self.wrong(&format!("/{key}"), "must be an object");
            }
        }
        for key in ["args", "constraints", "ports", "portDefinitions", "networks", "healthChecks"] {
            if !app[key].is_null() && !app[key].is_array() {
                self.wrong(&format!("/{key}"), "must be a list");
            }
        }
        let is_set = |key: &str| match &app[key] {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            _ => false,
        };
        match (is_set("cmd"), is_set("args"), is_set("container")) {
            (true, true, _) => self.wrong("/", "has both `cmd` and `args`; Marathon takes one of them"),
            (false, false, false) => self.wrong("/", "needs `cmd`, `args` or a `container`"),
            _ => {}
        }
        if !app["ipAddress"].is_null() && (is_set("ports") || is_set("portDefinitions")) {
            self.wrong(
                "/",
                "has an `ipAddress` and ports of its host; name its ports in `ipAddress.discovery`",
            );
        }
        self.container(&app["container"]);
        self.discovery(&app["ipAddress"]["discovery"]["ports"]);
    }

    fn id(&mut self, id: &Value) {
        let Some(text) = id.as_str().map(|id| id.trim_matches('/')).filter(|id| !id.is_empty()) else {
            return self.wrong("/id", "is missing: write for example \"/shop/web\"");
        };
        let good = |label: &str| {
            let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        };
        for part in text.split('/').filter(|part| !part.split('.').all(good)) {
            let allowed = "lower-case letters, digits and inner `-` and `.`";
            self.wrong("/id", format!("`{part}` cannot be a part of an id: use {allowed}"));
        }
    }

    fn container(&mut self, container: &Value) {
        if !container.is_object() {
            return;
        }
        let docker = &container["docker"];
        match container["type"].as_str() {
            Some("DOCKER") if !docker.is_object() => self.wrong("/container/docker", "is missing"),
            Some("DOCKER" | "MESOS") => {}
            _ => self.wrong("/container/type", "must be \"DOCKER\" or \"MESOS\""),
        }
        if !docker.is_object() {
            return;
        }
        if docker["image"].as_str().is_none_or(str::is_empty) {
            self.wrong("/container/docker/image", "is missing");
        }
        if !matches!(docker["network"].as_str(), None | Some("BRIDGE" | "HOST" | "NONE" | "USER")) {
            self.wrong("/container/docker/network", "must be \"BRIDGE\", \"HOST\", \"NONE\" or \"USER\"");
        }
        let parameters = docker["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (index, parameter) in parameters.iter().enumerate() {
            for key in ["key", "value"] {
                if !parameter[key].is_string() {
                    self.wrong(
                        &format!("/container/docker/parameters/{index}"),
                        format!("needs the text `{key}`"),
                    );
                }
            }
        }
    }

    fn discovery(&mut self, ports: &Value) {
        for (index, port) in ports.as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
            let path = format!("/ipAddress/discovery/ports/{index}");
            if port["number"].as_u64().is_none_or(|number| number > 65535) {
                self.wrong(&path, "needs a `number` from 0 to 65535");
            }
            if !matches!(port["protocol"].as_str(), Some("tcp" | "udp")) {
                self.wrong(&path, "needs a `protocol`: \"tcp\" or \"udp\"");
            }
            if port["name"].as_str().is_none_or(|name| !name.starts_with(|c: char| c.is_ascii_lowercase())) {
                self.wrong(&path, "needs a `name` that begins with a lower-case letter");
            }
        }
    }
}

/// The keys of an app, of all the versions that are known here.
const KEYS: [&str; 41] = [
    "acceptedResourceRoles",
    "args",
    "backoffFactor",
    "backoffSeconds",
    "check",
    "cmd",
    "constraints",
    "container",
    "cpus",
    "dependencies",
    "disk",
    "env",
    "executor",
    "fetch",
    "gpus",
    "healthChecks",
    "id",
    "instances",
    "ipAddress",
    "killSelection",
    "labels",
    "maxLaunchDelaySeconds",
    "mem",
    "networks",
    "portDefinitions",
    "ports",
    "readinessChecks",
    "requirePorts",
    "residency",
    "role",
    "secrets",
    "storeUrls",
    "taskKillGracePeriodSeconds",
    "tty",
    "unreachableStrategy",
    "upgradeStrategy",
    "uris",
    "user",
    "version",
    "versionInfo",
    "resourceLimits",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_marathon_refuses_is_refused_all_at_once() {
        let bad = AppDefinition::try_from(json!({
            "id": "/Shop/web-", "cmd": "x", "args": ["y"], "mem": -1, "instances": 1.5, "ipadress": {},
            "ipAddress": {"discovery": {"ports": [{"number": 80, "protocol": "http"}]}}, "ports": [80],
            "container": {"type": "DOCKER", "docker": {"network": "USR", "parameters": [{"key": "net", "management-ui": 1}]}},
        }));
        insta::assert_snapshot!(bad.unwrap_err(), @r#"
        the app /Shop/web- has 12 mistakes:
          /ipadress: Marathon knows no such key; did you mean `ipAddress`?
          /id: `Shop` cannot be a part of an id: use lower-case letters, digits and inner `-` and `.`
          /id: `web-` cannot be a part of an id: use lower-case letters, digits and inner `-` and `.`
          /mem: must be a number, 0 or more, not -1
          /instances: must be a whole number, 0 or more, not 1.5
          /: has both `cmd` and `args`; Marathon takes one of them
          /: has an `ipAddress` and ports of its host; name its ports in `ipAddress.discovery`
          /container/docker/image: is missing
          /container/docker/network: must be "BRIDGE", "HOST", "NONE" or "USER"
          /container/docker/parameters/0: needs the text `value`
          /ipAddress/discovery/ports/0: needs a `protocol`: "tcp" or "udp"
          /ipAddress/discovery/ports/0: needs a `name` that begins with a lower-case letter
        "#);
        for (app, wrong) in [
            (json!({"id": "x"}), "needs `cmd`"),
            (json!({"cmd": "x"}), "is missing: write for example"),
            (json!([]), "an app is a JSON object"),
            (json!({"id": "x", "container": {"type": "DOCKER"}}), "/container/docker: is missing"),
        ] {
            let error = AppDefinition::try_from(app).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
        let good = AppDefinition::try_from(json!({"id": "a/b.c", "cmd": "x", "instances": 0})).unwrap();
        assert_eq!((good.id().as_str(), good.instances()), ("/a/b.c", 0));
    }
}
