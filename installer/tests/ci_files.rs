//! The files below `docs/ci/` are what their platforms expect, and their commands are the tool's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use calico_mesos_install::cli::Cli;
use calico_mesos_install::data::Data;
use clap::Parser as _;
use serde_yaml_ng::Value;

fn read(name: &str) -> Value {
    let path = format!("{}/../docs/ci/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_yaml_ng::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<String> {
    list.as_sequence().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Every command of the tool in scripts, parsed as the tool does; how many there were.
fn parse_commands(scripts: &[String]) -> usize {
    let mut parsed = 0;
    for line in scripts.join("\n").replace("\\\n", " ").lines() {
        let Some(at) = line.find("calico-mesos-install build") else { continue };
        let command = line[at..].split(" | ").next().unwrap();
        let command = command.replace("${{ matrix.distro }}", "debian12");
        let words = shlex::split(&command).expect(line);
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{line}\n{error}");
        }
        parsed += 1;
    }
    parsed
}

/// The distributions of a matrix are the profiles of the tool.
fn assert_profiles(distros: &Value) {
    let data = Data::built_in();
    let known: Vec<_> = data.stems("specs/distros", ".toml").collect();
    assert_eq!(texts(distros), known);
}

#[test]
fn github_actions() {
    let file = read("github.yml");
    // YAML 1.1 takes `on` for true.
    let on = file.get("on").or_else(|| file.get(Value::Bool(true))).unwrap();
    assert!(on.get("pull_request").is_some() && on.get("push").is_some());
    let job = &file["jobs"]["packages"];
    assert!(job["runs-on"].is_string() && job["timeout-minutes"].is_number());
    assert_profiles(&job["strategy"]["matrix"]["distro"]);
    let steps = job["steps"].as_sequence().unwrap();
    for step in steps {
        let kinds = ["uses", "run"].into_iter().filter(|kind| step.get(*kind).is_some()).count();
        assert_eq!(kinds, 1, "{step:?}");
        let known = ["name", "uses", "run", "with", "if", "env"];
        for key in step.as_mapping().unwrap().keys() {
            assert!(known.contains(&key.as_str().unwrap()), "{key:?}");
        }
    }
    let uses: Vec<&str> = steps.iter().filter_map(|step| step["uses"].as_str()).collect();
    for action in ["actions/checkout@", "actions/cache@", "actions/upload-artifact@"] {
        assert!(uses.iter().any(|used| used.starts_with(action)), "{action}");
    }
    let runs: Vec<String> = steps.iter().filter_map(|step| Some(step["run"].as_str()?.to_owned())).collect();
    assert_eq!(parse_commands(&runs), 2);
    assert!(!runs.iter().any(|run| run.contains("secrets.")), "a secret in a script ends up in the log");
}

#[test]
fn gitlab() {
    let file = read("gitlab.yml");
    let stages = texts(&file["stages"]);
    let jobs = file
        .as_mapping()
        .unwrap()
        .iter()
        .filter(|(name, _)| !["stages", "variables"].contains(&name.as_str().unwrap()));
    let mut scripts = Vec::new();
    for (name, job) in jobs {
        assert!(stages.contains(&job["stage"].as_str().unwrap().to_owned()), "{name:?}");
        assert!(job["image"].is_string(), "{name:?}");
        for key in ["before_script", "script"] {
            scripts.extend(job.get(key).map(texts).unwrap_or_default());
        }
    }
    let packages = &file["packages"];
    assert_profiles(&packages["parallel"]["matrix"][0]["DISTRO"]);
    assert_eq!(packages["artifacts"]["reports"]["junit"], "junit.xml");
    assert!(texts(&packages["cache"]["paths"]).contains(&"dist".to_owned()));
    assert_eq!(parse_commands(&scripts), 2);
}
