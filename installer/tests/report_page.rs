//! The page of a past run: that it says what happened, that nothing in a journal can become markup, and, in a real
//! browser, that the failed host is seen at once and the page fits a phone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use calico_mesos_install::data::Data;
use calico_mesos_install::event::{Event, HostReport, Outcome, Phase, RunBegun, RunHost};
use calico_mesos_install::facts::Facts;
use calico_mesos_install::journal::{Run, page};
use calico_mesos_install::plan::{HostPlan, plan};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

const INVENTORY: &str = r#"
[cluster]
name = "demo"
release = "lab"
containerizers = ["mesos"]

[[hosts]]
name = "master-{1..3}"
address = "10.0.0.{1..3}"
roles = ["master"]

[[hosts]]
name = "agent-{1..4}"
address = "10.0.0.{11..14}"
roles = ["agent"]
"#;

const JOURNAL: &str = "mesos-slave.service is not healthy after 90 s: it is activating (auto-restart)\n; its journal ends with:\n    Jun 01 12:00:19 agent-3 mesos-slave[412]: Failed to create a containerizer: Could not create MesosContainerizer: Could not create isolator com_mesosphere_mesos_NetworkIsolator\n    Jun 01 12:00:19 agent-3 systemd[1]: mesos-slave.service: Main process exited, code=exited, status=1/FAILURE\nSee all of it with `journalctl -u mesos-slave.service` on the host, mend the cause and run again.";

/// The journal of a run in which one agent failed and another could not be reached.
fn journal() -> String {
    let (cluster, _) = common::resolve(INVENTORY, &Data::built_in());
    let mut desired = common::rendered(INVENTORY, &Data::built_in()).unwrap();
    desired.iter_mut().flat_map(|host| &mut host.packages).for_each(|package| package.provided = true);
    let begun: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let mut lines = Vec::new();
    let mut say = |milliseconds: u64, line: Json| {
        let mut timed = json!({"time": begun + Duration::from_millis(milliseconds)});
        timed.as_object_mut().unwrap().extend(line.as_object().unwrap().clone());
        lines.push(timed.to_string());
    };
    let mut event = |milliseconds, event: Event| say(milliseconds, serde_json::to_value(event).unwrap());
    event(
        0,
        Event::Run(RunBegun {
            id: "20260601T120000".to_owned(),
            command: "apply".to_owned(),
            version: "0.1.0".to_owned(),
            by: "ops@bastion, process 1234, since 2026-06-01 12:00:00 UTC".to_owned(),
            inventory: "inventory.toml".to_owned(),
            cluster: "demo".to_owned(),
            release: "lab".to_owned(),
            hosts: cluster
                .hosts
                .iter()
                .zip(&desired)
                .map(|(host, desired)| RunHost {
                    name: host.name.clone(),
                    address: host.address,
                    roles: desired.roles.clone(),
                })
                .collect(),
        }),
    );
    event(1, Event::Phase { phase: Phase::Facts, hosts: desired.len() });
    let mut reports = Vec::new();
    for (number, host) in desired.iter().enumerate() {
        let name = host.host.clone();
        let report = |outcome, changes, error: Option<&str>| HostReport {
            name: name.clone(),
            outcome,
            changes,
            error: error.map(ToOwned::to_owned),
        };
        if name.as_str() == "agent-4" {
            let error = "10.0.0.14:22 does not answer within 10 s\nSee that the host is up and that nothing between keeps port 22 closed.";
            reports.push(report(Outcome::Unreachable, 0, Some(error)));
            continue;
        }
        event(
            120 + number as u64,
            Event::Facts { host: name.clone(), os: "Debian GNU/Linux 12 (bookworm)".to_owned() },
        );
        let HostPlan { host: _, steps, unhealthy } = plan(host, &Facts::of_bare_host(), None).unwrap();
        let count = steps.len();
        event(200, Event::Plan { plan: HostPlan { host: name.clone(), steps: steps.clone(), unhealthy } });
        let mut at = 250 + 40 * number as u64;
        for (index, step) in steps.into_iter().enumerate() {
            let text = step.action.to_string();
            let took = match text.as_str() {
                text if text.starts_with("install") => 4200,
                text if text.starts_with("wait") => 2600,
                _ => 90,
            };
            let fails = name.as_str() == "agent-3" && index + 1 == count;
            event(at, Event::StepStarted { host: name.clone(), index, step });
            at += if fails { 9000 } else { took };
            let duration = Duration::from_millis(if fails { 9000 } else { took });
            let error = fails.then(|| JOURNAL.to_owned());
            event(at, Event::StepFinished { host: name.clone(), index, step: text, duration, error });
        }
        let error = format!("wait for mesos-slave.service to be healthy: {JOURNAL}");
        reports.push(match name.as_str() {
            "agent-3" => report(Outcome::Failed, count - 1, Some(&error)),
            _ => report(Outcome::Changed, count, None),
        });
    }
    reports.into_iter().for_each(|report| event(20_000, Event::Host(report)));
    say(
        20_001,
        json!({"type": "summary", "command": "apply", "changes": 120, "duration_ms": 20_001,
               "hosts": {"changed": 5, "unchanged": 0, "failed": 1, "unreachable": 1, "skipped": 0}}),
    );
    lines.join("\n") + "\n"
}

#[test]
fn the_page_says_what_happened() {
    let run = Run::read(&journal()).unwrap();
    assert_eq!((run.verdict(), run.hosts.len()), ("failed", 7));
    let failed: Vec<&str> = run.failed().map(|host| host.name.as_str()).collect();
    assert_eq!(failed, ["agent-3", "agent-4"]);
    let agent = &run.hosts[3];
    assert!(agent.steps.iter().all(|step| step.begun.is_some() && step.duration.is_some()));
    let html = page(&run).unwrap();
    for what in [
        "1 failed",
        "Could not create isolator",
        "does not answer within 10 s",
        "+zk:&#x2F;&#x2F;10.0.0.1",
        "master-1",
    ] {
        assert!(html.contains(what) || html.contains(&what.replace("&#x2F;", "/")), "{what}");
    }
    // Diffs may name addresses; nothing that a browser would follow or run by itself.
    for remote in ["<script", "<link", "<img", "<iframe", "src=", "@import", "url(", "href=\"http"] {
        assert!(!html.contains(remote), "{remote}");
    }
}

#[test]
fn a_run_that_did_not_come_to_its_end_says_so() {
    let whole = journal();
    let lines: Vec<&str> = whole.lines().collect();
    let cut = lines[..lines.len() / 2].join("\n") + "\n{\"time\":\"2026-06-01T12:00:1";
    let run = Run::read(&cut).unwrap();
    assert_eq!(run.verdict(), "broken off");
    assert!(page(&run).unwrap().contains("has no end"));
    assert!(Run::read("").is_err() && Run::read("{\"type\":\"facts\"}").is_err());
    // Of several runs in one log file the last one counts.
    let two = format!("{whole}{}", whole.replace("20260601T120000", "20260602T120000"));
    assert_eq!(Run::read(&two).unwrap().begun.id, "20260602T120000");
}

#[test]
fn nothing_in_a_journal_becomes_markup() {
    let evil = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>";
    let mut text = String::new();
    for line in journal().lines() {
        let mut line: Json = serde_json::from_str(line).unwrap();
        spoil(&mut line, evil);
        text.push_str(&format!("{line}\n"));
    }
    let check = json!({"type": "check", "name": evil, "host": evil, "ok": false, "seen": evil});
    text.push_str(&format!("{check}\n{}\n", json!({"type": "error", "message": evil, "exit": 4})));
    let run = Run::read(&text).unwrap();
    assert_eq!(run.begun.cluster, format!("demo{evil}"));
    let html = page(&run).unwrap();
    assert!(html.matches("&lt;script&gt;").count() > 50);
    assert!(!html.contains("<script") && !html.contains("<img"));
    // Inside of a tag, a text can only be a value in quotes, which it cannot end.
    let tags = html.split('<').skip(1).filter_map(|tag| tag.split('>').next());
    for tag in tags.filter(|tag| tag.contains("alert")) {
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains("alert"), "{tag}");
    }
}

/// Puts `evil` behind every text that people or hosts write.
fn spoil(value: &mut Json, evil: &str) {
    const FREE: [&str; 10] =
        ["cluster", "command", "by", "inventory", "release", "version", "os", "reason", "error", "diff"];
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                match value {
                    Json::String(text) if FREE.contains(&key.as_str()) => text.push_str(evil),
                    value => spoil(value, evil),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| spoil(item, evil)),
        _ => {}
    }
}

/// What the page measures about itself, put into its title; a page of ours has no script.
const MEASURE: &str = r#"<script>
const error = document.querySelector("article.bad pre").getBoundingClientRect();
document.title = JSON.stringify({
  top: error.top, bottom: error.bottom, height: innerHeight, wide: innerWidth,
  scroll: document.documentElement.scrollWidth,
  small: [...document.querySelectorAll("a, summary")].filter(e => e.getBoundingClientRect().height < 20).length,
});
</script></body>"#;

#[test]
fn a_browser_shows_the_failed_host_at_once_and_a_phone_shows_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let html = page(&Run::read(&journal()).unwrap()).unwrap();
    let measured =
        html.replace("default-src 'none'", "default-src 'unsafe-inline'").replace("</body>", MEASURE);
    assert_ne!(html, measured);
    let file = folder.path().join("run.html");
    fs_err::write(&file, measured).unwrap();
    for (width, height) in [(1280, 800), (390, 844)] {
        let seen = seen_by_chromium(&file, folder.path(), width, height);
        let number = |key: &str| seen[key].as_f64().unwrap();
        assert!(number("scroll") <= number("wide"), "{width}: the page can be scrolled sideways: {seen}");
        if width == 1280 {
            assert!(
                number("top") >= 0.0 && number("bottom") <= number("height"),
                "the error is not in view: {seen}"
            );
        }
    }
}

/// What a page of the given size says in its title.
fn seen_by_chromium(file: &Path, folder: &Path, width: u32, height: u32) -> Json {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", folder.join(format!("profile-{width}")).display()))
        .arg(format!("--window-size={width},{height}"))
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "chromium cannot be run: {error}\nInstall it: apt-get install chromium (scripts/setup does)"
            )
        });
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    let title = title.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(&title.replace("&quot;", "\"")).unwrap_or_else(|error| panic!("{error}: {title}"))
}
