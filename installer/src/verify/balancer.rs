//! Whether marathon-lb has taken up the applications that it is to serve.
//!
//! Source: `config()` and `get_apps()` of marathon-lb 1.3.1. A backend is called after the application's id and its
//! service port, `shop_web_20005`; there is none as long as no task runs.

use serde_json::Value;

use super::judge::{answer, json};
use super::{Answers, Check, Topic, hosts};
use crate::cluster::{Cluster, ClusterHost};

const NAME: &str = "marathon-lb-apps";

pub(super) fn checks(cluster: &Cluster, answers: &Answers) -> Vec<Check> {
    let apps = hosts(cluster, answers, "marathon")
        .find_map(|host| answer(answers, &host.name, Topic::MarathonApps).and_then(json));
    hosts(cluster, answers, "marathon-lb").map(|host| of_host(host, apps.as_ref(), answers)).collect()
}

fn of_host(host: &ClusterHost, apps: Option<&Value>, answers: &Answers) -> Check {
    let check = |ok, seen: String| Check::of(NAME, host, ok, seen);
    let config = match answer(answers, &host.name, Topic::BalancerConfig).map(|answer| answer.body()) {
        Some(Ok(config)) => config,
        Some(Err(why)) => return check(false, format!("/_haproxy_getconfig: {why}")),
        None => return check(false, "/_haproxy_getconfig: no answer".to_owned()),
    };
    let Some(apps) = apps else {
        return Check::skipped(
            NAME,
            Some(host),
            "no Marathon that was asked says which there are".to_owned(),
        );
    };
    let groups: Vec<&str> = host
        .vars
        .get("marathon_lb_groups")
        .and_then(Value::as_array)
        .map(|groups| groups.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let wanted: Vec<&Value> =
        apps["apps"].as_array().into_iter().flatten().filter(|app| is_served(app, &groups)).collect();
    if wanted.is_empty() {
        let why = format!("no application with a task is in its groups {}", groups.join(", "));
        return Check::skipped(NAME, Some(host), why);
    }
    let lacks: Vec<&str> =
        wanted.iter().filter_map(|app| app["id"].as_str()).filter(|id| !has(&config, id)).collect();
    match lacks.is_empty() {
        true => check(true, format!("HAProxy has a backend for each of {} applications", wanted.len())),
        false => check(false, format!("HAProxy has no backend for {}", lacks.join(", "))),
    }
}

/// Whether the application is in one of the groups and has what a backend is made of.
fn is_served(app: &Value, groups: &[&str]) -> bool {
    let labels = app["labels"].as_object();
    // Ports can be in groups of their own: `HAPROXY_0_GROUP`.
    let of_app = labels.into_iter().flatten().filter(|(key, _)| {
        let number = key.strip_prefix("HAPROXY_").and_then(|key| key.strip_suffix("GROUP"));
        number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit() || c == '_'))
    });
    let mut named = of_app.filter_map(|(_, value)| value.as_str()).flat_map(|names| names.split(','));
    let in_group = groups.contains(&"*") || named.any(|name| groups.contains(&name.trim()));
    let some = |list: &Value| list.as_array().is_some_and(|items| !items.is_empty());
    let has_port =
        some(&app["ports"]) || some(&app["portDefinitions"]) || some(&app["ipAddress"]["discovery"]["ports"]);
    // Not yet healthy, or part of a deployment that marathon-lb joins under another name: nothing can be said of it.
    let settled = !some(&app["healthChecks"]) && app["labels"]["HAPROXY_DEPLOYMENT_GROUP"].is_null();
    let has_address = |task: &Value| app["ipAddress"].is_null() || some(&task["ipAddresses"]);
    in_group
        && has_port
        && settled
        && app["tasks"].as_array().is_some_and(|tasks| tasks.iter().any(has_address))
}

/// Whether a line is `backend NAME_PORT`.
fn has(config: &str, id: &str) -> bool {
    let name = id.trim_start_matches('/').replace('/', "_");
    config.lines().filter_map(|line| line.trim().strip_prefix("backend ")).any(|backend| {
        let port = backend.trim().strip_prefix(&name).and_then(|rest| rest.strip_prefix('_'));
        port.is_some_and(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
    })
}
