//! The tool in a folder of its own, and a small release that builds in a moment.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

/// What a finished program left behind.
pub(crate) struct Finished {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// The last line of `--json` output.
    pub(crate) fn summary(&self) -> serde_json::Value {
        let summary = self.events().pop().unwrap_or_else(|| panic!("no output; {}", self.stderr));
        assert_eq!((&summary["type"], &summary["command"]), (&"summary".into(), &"build".into()));
        summary
    }

    fn events(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The packages of the events of this type, sorted.
    pub(crate) fn names(&self, kind: &str) -> Vec<String> {
        let events = self.events();
        let named = events.iter().filter(|event| event["type"] == kind);
        let mut names: Vec<_> = named.map(|event| event["package"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// How long a package took to build.
    pub(crate) fn millis(&self, package: &str) -> u64 {
        let built =
            |event: &&serde_json::Value| event["type"] == "package-built" && event["package"] == package;
        self.events().iter().find(built).unwrap()["duration_ms"].as_u64().unwrap()
    }
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Utf8Path) -> Finished {
    finish(Command::new(program).args(arguments).current_dir(folder))
}

pub(crate) fn finish(command: &mut Command) -> Finished {
    let output = command.output().unwrap();
    Finished {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What rpm says of a package file.
pub(crate) fn rpm(arguments: &[&str], file: &Utf8Path) -> String {
    let result = finish(Command::new("rpm").args(arguments).arg(file));
    assert_eq!(result.status, 0, "{}", result.stderr);
    result.stdout
}

/// Unpacks an RPM below `root`.
pub(crate) fn unpack(rpm: &Utf8Path, root: &Utf8Path) {
    fs_err::create_dir_all(root).unwrap();
    let script = "set -e; rpm2cpio \"$1\" >package.cpio; cpio -idmu --quiet <package.cpio; rm package.cpio";
    let result = run("sh", &["-c", script, "sh", rpm.as_str()], root);
    assert_eq!(result.status, 0, "{rpm}: {}", result.stderr);
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Utf8Path, text: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// Every file below a folder with its digest and the time of its last change.
pub(crate) fn digests(folder: &Utf8Path) -> String {
    let script = "find . -type f ! -name '*.json' -printf '%p %T@\\n' | grep '\\.rpm ' | sort; \
                  find . -type f -exec sha256sum {} + | sort";
    let result = run("sh", &["-c", script], folder);
    assert!(result.stdout.contains("build.json"), "{}", result.stderr);
    result.stdout
}

/// The tool with a folder for what it makes.
pub(crate) struct Tool {
    pub(crate) folder: Utf8PathBuf,
    data: Option<Utf8PathBuf>,
    _temporary: tempfile::TempDir,
}

impl Tool {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(temporary.path().canonicalize().unwrap()).unwrap();
        Self { folder, data: None, _temporary: temporary }
    }

    pub(crate) fn with_data(data: &Data) -> Self {
        Self { data: Some(data.folder.clone()), ..Self::new() }
    }

    pub(crate) fn out(&self) -> Utf8PathBuf {
        self.folder.join("dist")
    }

    /// Where the packages of the small release are published.
    pub(crate) fn set(&self) -> Utf8PathBuf {
        self.out().join("tiny/debian12").join(std::env::consts::ARCH)
    }

    pub(crate) fn build(&self, arguments: &[&str]) -> Finished {
        finish(self.command().args(arguments))
    }

    /// Builds the small release into this tool's folder.
    pub(crate) fn build_json(&self, arguments: &[&str]) -> Finished {
        let out = self.out();
        self.build(&[&["--release", "tiny", "--out", out.as_str(), "--json"], arguments].concat())
    }

    pub(crate) fn build_with_path(&self, path: &str, arguments: &[&str]) -> Finished {
        finish(self.command().args(arguments).env("PATH", path).current_dir(&self.folder))
    }

    /// Builds the small release with `--json` and with these variables in the environment.
    pub(crate) fn build_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Finished {
        let out = self.out();
        let mut command = self.command();
        command.args(["--release", "tiny", "--out", out.as_str(), "--json"]).args(arguments);
        finish(command.envs(environment.iter().copied()))
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"));
        if let Some(data) = &self.data {
            command.args(["--data", data.as_str()]);
        }
        command.arg("build");
        command
    }
}

/// Data for a release of two small packages, `top` built with the files of `base`.
pub(crate) struct Data {
    pub(crate) folder: Utf8PathBuf,
    _temporary: tempfile::TempDir,
}

impl Data {
    pub(crate) const RELEASE: &str = r#"
description = "two small packages"
source_date_epoch = 1464739200

[packages.base]
version = "1"
sources.base = { kind = "folder", path = "lab/base" }

[packages.top]
version = "1"
needs = ["base"]
sources.top = { kind = "folder", path = "lab/top" }
"#;

    pub(crate) const TOP: &str = "Name: top\nVersion: {{ package.version }}\nRelease: {{ package.release }}\nSummary: s\n\
         License: Apache-2.0\nBuildArch: noarch\nSource0: {{ package.sources[0] }}\n%description\nd\n%prep\n\
         %setup -q\n%install\ninstall -D %{needs_root}/usr/share/base/greeting.txt %{buildroot}/usr/share/top/copy.txt\n\
         %files\n/usr/share/top\n";

    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(temporary.path().to_owned()).unwrap();
        let data = Self { folder, _temporary: temporary };
        data.write("releases/tiny.toml", Self::RELEASE);
        data.write("top.spec.tera", Self::TOP);
        data.write("base.spec.tera", &Self::base());
        data.write("lab/base/greeting.txt", "good morning\n");
        data.write("lab/top/readme.txt", "x\n");
        data
    }

    /// The template of `base`.
    pub(crate) fn base() -> String {
        let copy = "%{needs_root}/usr/share/base/greeting.txt %{buildroot}/usr/share/top/copy.txt";
        let base = Self::TOP.replace(copy, "greeting.txt %{buildroot}/usr/share/base/greeting.txt");
        base.replace("top", "base")
    }

    /// Writes a file below `specs/`.
    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.folder.join("specs").join(path), text);
    }
}
