//! What a build leaves: the same bytes for everybody, bills of materials, provenance, signatures.

use std::process::Command;

use camino::Utf8Path;
use serde_json::Value;

use crate::tool::{self, Data, Tool, rpm};

fn json(path: &Utf8Path) -> Value {
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

/// A folder with a key pair that signs, and gpg's agent for it.
pub(crate) struct Keys {
    pub(crate) home: tempfile::TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let keys = Self { home: tempfile::tempdir().unwrap() };
        let key = "Packages <packages@example.org>";
        let made = keys.gpg(&["--passphrase", "", "--quick-gen-key", key, "rsa2048", "sign", "never"]);
        assert_eq!(made.status, 0, "{}", made.stderr);
        keys
    }

    fn gpg(&self, arguments: &[&str]) -> tool::Finished {
        let mut gpg = Command::new("gpg");
        tool::finish(gpg.args(["--batch"]).args(arguments).env("GNUPGHOME", self.home.path()))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let mut agent = Command::new("gpgconf");
        let _ = agent.args(["--kill", "all"]).env("GNUPGHOME", self.home.path()).status();
    }
}

#[test]
fn another_user_in_another_folder_makes_the_same_packages() {
    let data = Data::new();
    let (one, other) = (Tool::with_data(&data), Tool::with_data(&data));
    one.build_json(&[]);
    // The user `nobody`, who has no home and another umask.
    let everybody = |path: &Utf8Path| tool::run("chmod", &["-R", "a+rX", path.as_str()], &other.folder);
    everybody(&data.folder);
    assert_eq!(tool::run("chown", &["nobody", other.folder.as_str()], &other.folder).status, 0);
    let program = other.folder.join("tool");
    fs_err::copy(env!("CARGO_BIN_EXE_calico-mesos-install"), &program).unwrap();
    let script = format!(
        "umask 077; HOME=/nonexistent exec {program} --data {} build --release tiny --out {} --cache {}",
        data.folder,
        other.out(),
        other.folder.join("cache")
    );
    let arguments =
        ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", "sh", "-c", script.as_str()];
    let built = tool::run("setpriv", &arguments, &other.folder);
    assert_eq!(built.status, 0, "{}", built.stderr);
    assert!(!built.stderr.contains("as root"), "{}", built.stderr);
    for file in
        ["top-1-1.noarch.rpm", "base-1-1.noarch.rpm", "SRPMS/top-1-1.src.rpm", "SRPMS/base-1-1.src.rpm"]
    {
        let read = |tool: &Tool| fs_err::read(tool.set().join(file)).unwrap();
        assert!(read(&one) == read(&other), "{file} differs");
    }
}

#[test]
fn bills_of_materials_and_provenance_say_what_was_built_from_what() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    tool.build_json(&[]);
    let set = tool.set();
    let manifest = json(&set.join("build.json"));
    let digest = |file: &str| {
        let text = tool::run("sha256sum", &[file], &set).stdout;
        text.split(' ').next().unwrap().to_owned()
    };
    let bill = json(&set.join("sbom/top.spdx.json"));
    for key in ["spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"] {
        assert!(!bill[key].is_null(), "SPDX 2.3 requires `{key}`");
    }
    assert_eq!((&bill["spdxVersion"], &bill["dataLicense"]), (&"SPDX-2.3".into(), &"CC0-1.0".into()));
    assert_eq!(bill["creationInfo"]["created"], "2016-06-01T00:00:00Z");
    let packages = bill["packages"].as_array().unwrap();
    let mut ids = std::collections::BTreeSet::from(["SPDXRef-DOCUMENT"]);
    for package in packages {
        for key in ["SPDXID", "name", "downloadLocation"] {
            assert!(package[key].is_string(), "SPDX 2.3 requires `{key}` of {package}");
        }
        let id = package["SPDXID"].as_str().unwrap();
        assert!(ids.insert(id), "{id} twice");
        let rest = id.strip_prefix("SPDXRef-").unwrap();
        assert!(rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'), "{id}");
    }
    for relation in bill["relationships"].as_array().unwrap() {
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(relation[end].as_str().unwrap()), "{relation}");
        }
    }
    let own = packages.iter().find(|package| package["name"] == "top").unwrap();
    assert_eq!(own["checksums"][0]["checksumValue"], digest("top-1-1.noarch.rpm"));
    assert!(packages.iter().any(|package| package["name"] == "base"), "what it was built with");
    assert!(packages.iter().any(|package| package["name"] == "rpm"), "and the tools");

    let statement = json(&set.join("provenance/top.intoto.json"));
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let subjects = statement["subject"].as_array().unwrap();
    assert_eq!(subjects.len(), 2, "the RPM and the source RPM");
    for subject in subjects {
        assert_eq!(subject["digest"]["sha256"], digest(subject["name"].as_str().unwrap()));
    }
    let definition = &statement["predicate"]["buildDefinition"];
    assert!(definition["buildType"].is_string() && definition["externalParameters"]["package"] == "top");
    assert!(statement["predicate"]["runDetails"]["builder"]["id"].is_string());
    let resolved = definition["resolvedDependencies"].as_array().unwrap();
    let source = resolved.iter().find(|part| part["uri"] == "specs/lab/top").unwrap();
    assert_eq!(source["digest"]["sha256"], manifest["builds"]["top"]["sources"][0]["sha256"]);
}

#[test]
fn signed_packages_are_what_was_built_and_carry_one_key() {
    let data = Data::new();
    let keys = Keys::new();
    let tool = Tool::with_data(&data);
    let home = keys.home.path().to_str().unwrap();
    let build = |arguments: &[&str]| tool.build_with(&[("GNUPGHOME", home)], arguments);
    assert_eq!(build(&[]).status, 0);
    let plain = json(&tool.set().join("build.json"));

    let unknown = build(&["--sign", "nobody@example.org"]);
    assert_eq!(unknown.status, 2, "{}", unknown.stderr);
    assert!(unknown.stderr.contains("gpg --list-secret-keys"), "{}", unknown.stderr);

    let signed = build(&["--sign", "packages@example.org", "--base-url", "http://h/"]);
    assert_eq!(signed.status, 0, "{}", signed.stderr);
    assert_eq!(signed.names("package-unchanged"), ["base", "top"], "what was built is only signed");
    let set = tool.set();
    let manifest = json(&set.join("build.json"));
    assert_eq!(manifest["identity"], plain["identity"]);
    for (signed, plain) in
        manifest["packages"].as_array().unwrap().iter().zip(plain["packages"].as_array().unwrap())
    {
        assert_eq!(signed["header_sha1"], plain["header_sha1"], "hosts know it by this, signed or not");
        assert_ne!(signed["sha256"], plain["sha256"]);
    }
    // A database of its own with this key alone.
    let database = tool.folder.join("rpmdb");
    let check = |file: &str| {
        let key = set.join("RPM-GPG-KEY-calico-mesos-install");
        let script = format!(
            "rpmkeys --dbpath {database} --import {key} && rpmkeys --dbpath {database} --checksig {file}"
        );
        let checked = tool::run("sh", &["-c", &script], &set);
        (checked.status, checked.stdout)
    };
    for file in ["top-1-1.noarch.rpm", "SRPMS/base-1-1.src.rpm"] {
        let (status, said) = check(file);
        assert!(status == 0 && said.contains("digests signatures OK"), "{said}");
    }
    for file in ["repodata/repomd.xml", "SRPMS/repodata/repomd.xml", "build.json", "SHA256SUMS"] {
        let (file, signature) = (set.join(file), set.join(format!("{file}.asc")));
        let verified = keys.gpg(&["--verify", signature.as_str(), file.as_str()]);
        assert_eq!(verified.status, 0, "{}", verified.stderr);
    }
    let repo = fs_err::read_to_string(set.join("calico-mesos-install-tiny.repo")).unwrap();
    assert!(repo.contains("gpgcheck=1") && repo.contains("baseurl=http://h/tiny/debian12/"), "{repo}");
    let secret = tool::run("grep", &["-rl", "PRIVATE KEY", tool.out().as_str()], &set);
    assert_eq!(secret.stdout, "", "the secret key stays where it is");

    let again = build(&["--sign", "packages@example.org", "--base-url", "http://h/"]);
    assert!(
        again.names("published").is_empty() && !again.stdout.contains("\"published\""),
        "{}",
        again.stdout
    );
    data.write("lab/top/readme.txt", "y\n");
    let refused = build(&[]);
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("Give --sign"), "{}", refused.stderr);

    let rpm = set.join("base-1-1.noarch.rpm");
    let mut bytes = fs_err::read(&rpm).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs_err::write(&rpm, bytes).unwrap();
    assert_ne!(check("base-1-1.noarch.rpm").0, 0, "a flipped byte breaks the signature");
}

#[test]
fn a_build_is_verified_by_building_it_again() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    tool.build_json(&[]);
    let out = tool.out();
    let verify = || tool.build(&["--verify", out.as_str(), "--json"]);
    let same = verify();
    assert_eq!(same.status, 0, "{}", same.stderr);
    assert_eq!(same.summary()["packages"]["different"], 0);
    data.write("lab/base/greeting.txt", "good night\n");
    let other = verify();
    assert_eq!(other.status, 1, "{}", other.stderr);
    for said in ["/usr/share/base/greeting.txt", "built from another source base-1.tar"] {
        assert!(other.stdout.contains(said), "{said}: {}", other.stdout);
    }
    let nothing = tool.build(&["--verify", tool.folder.join("nowhere").as_str()]);
    assert_eq!(nothing.status, 2, "{}", nothing.stderr);
}

#[test]
fn why_a_package_would_be_built_is_explained_and_nothing_is_built() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    let explain = |arguments: &[&str]| tool.build_json(&[&["--explain", "top"], arguments].concat());
    assert!(explain(&[]).stdout.contains("\"reason\":\"new\""));
    assert!(!tool.set().exists());
    tool.build_json(&[]);
    assert!(explain(&[]).stdout.contains("\"reason\":null"));
    data.write("top.spec.tera", &Data::TOP.replace("Summary: s", "Summary: t"));
    let text = explain(&[]).stdout;
    assert!(text.contains("\"reason\":\"changed\"") && text.contains("\"input\":\"spec\""), "{text}");
    assert!(!text.contains("package base"), "{text}");
    let built = tool.build_json(&[]);
    assert_eq!(built.names("package-built"), ["top"], "only that one");
    assert_eq!(rpm(&["-qp", "--qf", "%{SUMMARY}"], &tool.set().join("top-1-1.noarch.rpm")), "t");
}

#[test]
fn a_junit_file_says_what_became_of_every_package() {
    let data = Data::new();
    let tool = Tool::with_data(&data);
    data.write("base.spec.tera", &Data::base().replace("%install", "%install\nexit 3"));
    let file = tool.folder.join("junit.xml");
    let failed = tool.build_json(&["--junit", file.as_str()]);
    assert_eq!(failed.status, 1, "{}", failed.stderr);
    let text = fs_err::read_to_string(&file).unwrap();
    for said in
        ["tests=\"2\"", "failures=\"1\"", "name=\"base\"", "in %install", "it needs base, which failed"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}
