//! Marathon's API: requests, and what its answers mean.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::{AppDefinition, MarathonVersion};

/// A request to Marathon, whichever instance is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// JSON, or nothing.
    pub body: String,
}

/// An answer that cannot be used; the text says what was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Marathon answered to {asked}: {answered}")]
pub struct ApiError {
    /// Method and path.
    asked: String,
    /// Status and message.
    answered: String,
    /// The status, 0 where there was none.
    status: u16,
}

impl ApiError {
    /// Whether Marathon says that there is no such thing.
    pub fn is_unknown(&self) -> bool {
        self.status == 404
    }
}

impl Call {
    /// What Marathon is: `/v2/info`.
    pub fn info() -> Self {
        Self::get("/v2/info")
    }

    /// All apps.
    pub fn apps() -> Self {
        Self::get("/v2/apps")
    }

    /// One app with its tasks.
    pub fn app(id: &str) -> Self {
        Self::get(&format!("/v2/apps{id}"))
    }

    /// Creates an app or brings it to its definition.
    pub fn put(app: &AppDefinition) -> Self {
        Self { method: "PUT", path: format!("/v2/apps{}", app.id()), body: app.to_line() }
    }

    /// Removes an app with its tasks.
    pub fn remove(id: &str) -> Self {
        Self { method: "DELETE", path: format!("/v2/apps{id}"), body: String::new() }
    }

    /// A group of apps.
    pub fn group(id: &str) -> Self {
        Self::get(&format!("/v2/groups{id}"))
    }

    /// Creates a group of apps or brings it to these definitions, all in one deployment.
    pub fn put_group(id: &str, apps: &[Value]) -> Self {
        Self { method: "PUT", path: format!("/v2/groups{id}"), body: json!({"apps": apps}).to_string() }
    }

    /// Removes a group with all its apps, whatever deployment of them is open.
    pub fn remove_group(id: &str) -> Self {
        Self { method: "DELETE", path: format!("/v2/groups{id}?force=true"), body: String::new() }
    }

    fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), body: String::new() }
    }

    /// The JSON of an answer, given as head and body.
    ///
    /// # Errors
    /// Another status than 2xx with Marathon's message and its details, or what is not an answer of Marathon.
    pub fn read(&self, answer: &[u8]) -> Result<Value, ApiError> {
        let fail = |status: u16, answered: String| ApiError {
            asked: format!("{} {}", self.method, self.path),
            answered,
            status,
        };
        let text = String::from_utf8_lossy(answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let Some(status) = head.split_whitespace().nth(1).and_then(|word| word.parse::<u16>().ok()) else {
            let seen: String = text.trim().chars().take(80).collect();
            return Err(fail(
                0,
                if seen.is_empty() { "nothing".to_owned() } else { format!("`{seen}`, which is not HTTP") },
            ));
        };
        let json = serde_json::from_str::<Value>(body);
        match json {
            Ok(json) if (200..300).contains(&status) => Ok(json),
            Ok(json) => Err(fail(status, format!("status {status}, {}", message(&json)))),
            Err(_) if (200..300).contains(&status) && body.trim().is_empty() => Ok(Value::Null),
            Err(_) => {
                let seen: String = body.trim().chars().take(200).collect();
                Err(fail(status, format!("status {status}, `{seen}`")))
            }
        }
    }
}

/// Marathon's message with the details of a definition that it refuses.
fn message(json: &Value) -> String {
    let mut text = json["message"].as_str().map_or_else(|| json.to_string(), ToOwned::to_owned);
    for detail in json["details"].as_array().into_iter().flatten() {
        let errors: Vec<&str> =
            detail["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        text.push_str(&format!("\n  {}: {}", detail["path"].as_str().unwrap_or("/"), errors.join(", ")));
    }
    text
}

/// What a Marathon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its version as it says it.
    pub version: String,
    /// The version as far as it decides about apps.
    pub kind: Option<MarathonVersion>,
    /// `host:port` of the leader.
    pub leader: Option<String>,
}

impl Info {
    /// Reads `/v2/info`.
    pub fn read(json: &Value) -> Self {
        let version = json["version"].as_str().unwrap_or_default().to_owned();
        Self { kind: version.parse().ok(), leader: json["leader"].as_str().map(ToOwned::to_owned), version }
    }
}

/// An app as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AppState {
    /// Its id.
    pub id: String,
    /// How many tasks it wants.
    pub instances: u64,
    /// How many run.
    pub running: u64,
    /// How many have been launched and do not run yet.
    pub staged: u64,
    /// Whether a deployment of it is open.
    pub deploying: bool,
    /// Its tasks, where they were asked for.
    pub tasks: Vec<Task>,
    /// Why its last task failed, if one did.
    pub failure: Option<String>,
}

/// A task of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The agent that it is on.
    pub host: String,
    /// Mesos' word for its state; none from Marathons that do not tell.
    pub state: Option<String>,
    /// Its addresses: its own, where it has any.
    pub addresses: Vec<IpAddr>,
}

impl AppState {
    /// Reads an app as `/v2/apps` lists it, or the `app` of `/v2/apps/ID`.
    pub fn read(app: &Value) -> Self {
        let number = |key: &str| app[key].as_u64().unwrap_or(0);
        let failed = &app["lastTaskFailure"];
        Self {
            id: app["id"].as_str().unwrap_or_default().to_owned(),
            instances: number("instances"),
            running: number("tasksRunning"),
            staged: number("tasksStaged"),
            deploying: app["deployments"].as_array().is_some_and(|open| !open.is_empty()),
            tasks: app["tasks"].as_array().into_iter().flatten().map(Task::read).collect(),
            failure: failed["message"].as_str().map(|message| {
                let host = failed["host"].as_str().unwrap_or("an agent");
                format!("on {host}: {message}")
            }),
        }
    }

    /// Whether it is as it was asked for.
    pub fn is_done(&self) -> bool {
        !self.deploying && self.running >= self.instances
    }

    /// What its tasks do, in a sentence.
    pub fn sentence(&self) -> String {
        let Self { instances, running, staged, .. } = self;
        let waiting = instances.saturating_sub(running + staged);
        let mut text = format!("{running} of {instances} tasks run");
        if *staged > 0 {
            text.push_str(&format!(", {staged} being started"));
        }
        if waiting > 0 {
            text.push_str(&format!(", {waiting} waiting for an agent's offer that has room for them"));
        }
        if let Some(failure) = &self.failure {
            text.push_str(&format!("; the last one that failed, {failure}"));
        }
        text
    }
}

impl Task {
    fn read(task: &Value) -> Self {
        let text = |key: &str| task[key].as_str().map(ToOwned::to_owned);
        let addresses = task["ipAddresses"].as_array().into_iter().flatten();
        Self {
            id: text("id").unwrap_or_default(),
            host: text("host").unwrap_or_default(),
            state: text("state"),
            addresses: addresses.filter_map(|address| address["ipAddress"].as_str()?.parse().ok()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &Value) -> Vec<u8> {
        format!("HTTP/1.1 {status} X\r\nA: b\r\n\r\n{body}").into_bytes()
    }

    #[test]
    fn answers_are_read_and_refusals_told_in_full() {
        let call = Call::app("/x");
        assert_eq!(call.read(&answer(200, &json!({"app": 1}))), Ok(json!({"app": 1})));
        assert_eq!(call.read(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(Value::Null));
        let wrong = json!({"message": "Object is not valid", "details": [{"path": "/id", "errors": ["must not be empty"]}]});
        let error = |answer: &[u8]| call.read(answer).unwrap_err();
        insta::assert_snapshot!(error(&answer(422, &wrong)), @r"
        Marathon answered to GET /v2/apps/x: status 422, Object is not valid
          /id: must not be empty
        ");
        insta::assert_snapshot!(error(b""), @"Marathon answered to GET /v2/apps/x: nothing");
        insta::assert_snapshot!(error(b"HTTP/1.1 502 X\r\n\r\n<html>"), @"Marathon answered to GET /v2/apps/x: status 502, `<html>`");
        assert!(error(&answer(404, &json!({"message": "no"}))).is_unknown());
    }

    #[test]
    fn states_of_apps_are_read() {
        let state = AppState::read(&json!({
            "id": "/x", "instances": 3, "tasksRunning": 1, "tasksStaged": 1, "deployments": [{"id": "d"}],
            "tasks": [{"id": "x.1", "host": "agent-1", "ipAddresses": [{"ipAddress": "192.168.0.7", "protocol": "IPv4"}]}],
            "lastTaskFailure": {"host": "agent-2", "message": "Missing hostname"},
        }));
        assert_eq!(state.tasks[0].addresses, [IpAddr::from([192, 168, 0, 7])]);
        assert!(!state.is_done());
        insta::assert_snapshot!(state.sentence(), @"1 of 3 tasks run, 1 being started, 1 waiting for an agent's offer that has room for them; the last one that failed, on agent-2: Missing hostname");
        assert!(AppState::read(&json!({"instances": 1, "tasksRunning": 1, "deployments": []})).is_done());
        let info = Info::read(&json!({"version": "1.1.2", "build": "stand-in", "leader": "m:8080"}));
        assert_eq!(info.kind, Some(MarathonVersion::new(1, 1)));
        assert_eq!(info.leader.as_deref(), Some("m:8080"));
    }
}
