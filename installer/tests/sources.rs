//! `sources` as a user runs it, against a web server and git repositories on this machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

#[path = "sources/server.rs"]
mod server;

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use server::{Answer, Server};

/// A folder with data files, a store and a lock of its own.
struct Place {
    folder: Utf8PathBuf,
    _temporary: tempfile::TempDir,
}

struct Finished {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    /// With a release `t` whose one package is made from `sources`, lines of TOML.
    fn new(sources: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(temporary.path().canonicalize().unwrap()).unwrap();
        let place = Self { folder, _temporary: temporary };
        let release = format!(
            "description = \"d\"\nsource_date_epoch = 1\n[packages.thing]\nversion = \"1\"\n{sources}\n"
        );
        place.write("data/specs/releases/t.toml", release.as_bytes());
        place
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    fn run(&self, verb: &str, more: &[&str]) -> Finished {
        let output = Command::new(env!("CARGO_BIN_EXE_calico-mesos-install"))
            .current_dir(&self.folder)
            .args(["--data", "data", "sources", verb, "--release", "t", "--cache", "store"])
            .args(more)
            .env_remove("http_proxy")
            .output()
            .unwrap();
        Finished {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn lock(&self) -> String {
        fs_err::read_to_string(self.folder.join("data/specs/sources.lock")).unwrap()
    }
}

fn download(url: &str) -> String {
    format!("[packages.thing.sources.thing]\nkind = \"download\"\nurl = \"{url}\"")
}

fn sha256(bytes: &[u8]) -> String {
    calico_mesos_install::model::Digest::of(bytes).to_string()
}

/// A megabyte that does not repeat itself.
fn bytes() -> Vec<u8> {
    (0_u32..1 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

#[test]
fn what_is_cut_off_goes_on_where_it_ended() {
    let server = Server::new();
    let url = server.put("/thing", Answer::Cut(bytes(), "\"one\"", 600_000));
    let place = Place::new(&format!("{}\nsha256 = \"{}\"", download(&url), sha256(&bytes())));
    let fetched = place.run("fetch", &[]);
    assert_eq!(fetched.status, 0, "{}", fetched.stderr);
    assert_eq!(server.asked(), ["/thing", "/thing bytes=600000-"]);
    let again = place.run("fetch", &["--json"]);
    assert!(again.stdout.contains("\"how\":\"store\""), "{}", again.stdout);
    assert!(again.stdout.lines().last().unwrap().contains("\"type\":\"summary\""), "{}", again.stdout);
    assert_eq!(server.asked().len(), 2, "nothing is fetched twice");
}

/// A process that is killed leaves a part; when the file was replaced meanwhile, the parts are not put together.
#[test]
fn parts_of_two_versions_are_not_put_together() {
    let server = Server::new();
    let url = server.put("/thing", Answer::File(bytes(), "\"two\""));
    let place = Place::new(&format!("{}\nsha256 = \"{}\"", download(&url), sha256(&bytes())));
    let partial = format!("store/partial/{}", sha256(url.as_bytes()));
    place.write(&partial, b"the beginning of an older version");
    place.write(&format!("{partial}.tag"), b"\"one\"");
    let fetched = place.run("fetch", &[]);
    assert_eq!(fetched.status, 0, "{}", fetched.stderr);
    assert_eq!(server.asked(), ["/thing bytes=33-"], "the server was asked to go on, and began anew");
}

#[test]
fn another_file_than_the_pinned_one_is_refused_with_both_digests() {
    let server = Server::new();
    let url = server.put("/thing", Answer::File(b"something else".to_vec(), "\"one\""));
    let pinned = sha256(b"what upstream publishes");
    let place = Place::new(&format!("{}\nsha256 = \"{pinned}\"", download(&url)));
    let fetched = place.run("fetch", &[]);
    assert_eq!(fetched.status, 1);
    for digest in [&pinned, &sha256(b"something else")] {
        assert!(fetched.stderr.contains(digest.as_str()), "{}", fetched.stderr);
    }
    assert!(!place.folder.join("store/sha256").exists(), "nothing of it is kept");
}

#[test]
fn a_lock_holds_what_was_seen_and_refuses_anything_else() {
    let server = Server::new();
    let url = server.put("/thing", Answer::File(b"first".to_vec(), "\"one\""));
    let place = Place::new(&download(&url));
    let fetched = place.run("fetch", &[]);
    assert_eq!(fetched.status, 0, "{}", fetched.stderr);
    assert!(fetched.stdout.contains("sources lock"), "what is not locked is told: {}", fetched.stdout);
    assert_eq!(place.run("verify", &[]).status, 1, "nothing says what it must be");
    assert_eq!(place.run("lock", &[]).status, 0);
    assert!(
        place.lock().contains(&sha256(b"first")) && place.lock().contains("size = 5"),
        "{}",
        place.lock()
    );
    assert_eq!(place.run("verify", &[]).status, 0);
    let before = place.lock();
    assert!(place.run("lock", &[]).stdout.contains("nothing to add"));

    server.put("/thing", Answer::File(b"second".to_vec(), "\"two\""));
    fs_err::remove_dir_all(place.folder.join("store")).unwrap();
    for verb in ["fetch", "lock"] {
        let refused = place.run(verb, &[]);
        assert_eq!(refused.status, 1);
        for digest in [sha256(b"first"), sha256(b"second")] {
            assert!(refused.stderr.contains(&digest), "{}", refused.stderr);
        }
    }
    assert_eq!(place.lock(), before);
}

#[test]
fn a_damaged_store_is_noticed_and_mended() {
    let server = Server::new();
    let url = server.put("/thing", Answer::File(b"first".to_vec(), "\"one\""));
    let place = Place::new(&format!("{}\nsha256 = \"{}\"", download(&url), sha256(b"first")));
    assert_eq!(place.run("fetch", &[]).status, 0);
    place.write(&format!("store/sha256/{}", sha256(b"first")), b"fIrst");
    let verified = place.run("verify", &[]);
    assert_eq!(verified.status, 1);
    assert!(
        verified.stdout.contains("was damaged") && verified.stdout.contains(&sha256(b"fIrst")),
        "{}",
        verified.stdout
    );
    assert_eq!(place.run("fetch", &[]).status, 0);
    assert_eq!(place.run("verify", &[]).status, 0);
}

#[test]
fn a_redirect_is_followed_and_a_missing_file_is_told_in_a_line() {
    let server = Server::new();
    server.put("/elsewhere/file", Answer::File(b"first".to_vec(), "\"one\""));
    let url = server.put("/thing", Answer::Redirect(format!("{}/elsewhere/file", server.url)));
    let place = Place::new(&download(&url));
    assert_eq!(place.run("fetch", &[]).status, 0);

    let place = Place::new(&download(&format!("{}/missing", server.url)));
    let fetched = place.run("fetch", &[]);
    assert_eq!(fetched.status, 1);
    assert!(fetched.stderr.contains("404 Not Found"), "{}", fetched.stderr);

    let place = Place::new(&download("http://127.0.0.1:1/thing"));
    let fetched = place.run("fetch", &[]);
    assert_eq!(fetched.status, 1);
    let lines: Vec<_> = fetched.stderr.lines().filter(|line| line.contains("cannot reach")).collect();
    assert_eq!(lines.len(), 1, "{}", fetched.stderr);
}

#[test]
fn mirrors_come_before_upstream_and_are_verified_too() {
    let server = Server::new();
    server.put("/mirror/thing", Answer::File(b"first".to_vec(), "\"one\""));
    let place =
        Place::new(&format!("{}\nsha256 = \"{}\"", download("http://127.0.0.1:1/thing"), sha256(b"first")));
    place.write("wrong/thing", b"second");
    fs_err::create_dir_all(place.folder.join("empty")).unwrap();
    let refused = place.run("fetch", &["--mirror", "wrong"]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("wrong/thing is not the file that is pinned"), "{}", refused.stderr);
    let mirror = format!("{}/mirror/", server.url);
    let fetched = place.run("fetch", &["--mirror", "empty", "--mirror", &mirror, "--json"]);
    assert_eq!(fetched.status, 0, "{}{}", fetched.stderr, fetched.stdout);
    assert!(fetched.stdout.contains("\"how\":\"mirror\""), "{}", fetched.stdout);
}

#[test]
fn offline_means_that_nobody_is_asked() {
    let server = Server::new();
    let url = server.put("/thing", Answer::File(b"first".to_vec(), "\"one\""));
    let place = Place::new(&download(&url));
    let refused = place.run("fetch", &["--offline"]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("--offline"), "{}", refused.stderr);
    let refused = place.run("fetch", &["--offline", "--mirror", &server.url]);
    assert_eq!(refused.status, 2, "a mirror that may not be asked: {}", refused.stderr);
    place.write("given/thing", b"mine");
    for path in ["thing=given/thing", "thing=given"] {
        assert_eq!(place.run("fetch", &["--offline", "--source", path]).status, 0, "{path}");
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn names_stay_inside_the_folder_of_sources() {
    for (source, wrong) in [
        (download("https://example.org/a/.."), "has no name"),
        (format!("{}\nfile = \"../../etc/passwd\"", download("https://example.org/a")), "has no name"),
        (download("file:///etc/passwd"), "is not an address"),
        (
            "[packages.thing.sources.\"../x\"]\nkind = \"folder\"\npath = \"lab\"".to_owned(),
            "name of a source",
        ),
        ("[packages.thing.sources.x]\nkind = \"folder\"\npath = \"../lab\"".to_owned(), "leaves the folder"),
        (
            "[packages.thing.sources.x]\nkind = \"deb\"\npackages = [\"-o=x\"]\nversion_of = \"-o=x\""
                .to_owned(),
            "names of packages",
        ),
    ] {
        let refused = Place::new(&source).run("fetch", &[]);
        assert_eq!(refused.status, 2, "{source}: {}", refused.stderr);
        assert!(refused.stderr.contains(wrong), "{source}: {}", refused.stderr);
    }
}

/// A repository with a commit in it: its folder and the commit.
fn repository(folder: &Utf8Path) -> String {
    let script = r#"
        set -eu
        export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@a
        export GIT_CONFIG_GLOBAL=/dev/null GIT_COMMITTER_DATE=@1000000000 GIT_AUTHOR_DATE=@1000000000
        git init -q work
        cd work
        mkdir -p a vendor
        echo one >a/one
        ln -s a/one link
        printf '#!/bin/sh\n' >run
        chmod 755 run
        echo big >vendor/big.tar
        printf 'a/one export-ignore\n' >.gitattributes
        git add .
        git commit -q -m first
        cd ..
        git clone -q --bare work thing.git
        git -C thing.git rev-parse HEAD
    "#;
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn git_source(url: &str, commit: &str) -> String {
    format!(
        "[packages.thing.sources.thing]\nkind = \"git\"\nurl = \"{url}\"\ncommit = \"{commit}\"\nexclude = [\"vendor\"]"
    )
}

/// The archive in the store, and what it lists.
fn archive(place: &Place) -> (String, String) {
    let file = place.folder.join("store/git").read_dir_utf8().unwrap();
    let file =
        file.map(|entry| entry.unwrap().into_path()).find(|path| path.extension() == Some("tar")).unwrap();
    let listing =
        Command::new("tar").args(["--numeric-owner", "--utc", "-tvf", file.as_str()]).output().unwrap();
    (sha256(&fs_err::read(&file).unwrap()), String::from_utf8(listing.stdout).unwrap())
}

#[test]
fn a_commit_becomes_the_same_archive_everywhere() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(temporary.path()).unwrap();
    let commit = repository(folder);
    let nowhere = git_source("https://127.0.0.1:1/thing", &commit);
    let bare = folder.join("thing.git");
    let mut digests = Vec::new();
    for (source, arguments) in [
        (nowhere.clone(), vec!["--offline".to_owned(), "--source".to_owned(), format!("thing={bare}")]),
        (
            nowhere.clone(),
            vec!["--offline".to_owned(), "--source".to_owned(), format!("thing={folder}/work")],
        ),
        (nowhere, vec!["--offline".to_owned(), "--mirror".to_owned(), folder.to_string()]),
        (git_source(bare.as_str(), &commit), Vec::new()),
    ] {
        let place = Place::new(&source);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let fetched = place.run("fetch", &arguments);
        assert_eq!(fetched.status, 0, "{arguments:?}: {}", fetched.stderr);
        let (digest, listing) = archive(&place);
        insta::allow_duplicates! {
            insta::assert_snapshot!(listing, @"
            -rw-r--r-- 0/0              20 2001-09-09 01:46 thing-1/.gitattributes
            -rw-r--r-- 0/0               4 2001-09-09 01:46 thing-1/a/one
            lrwxrwxrwx 0/0               0 2001-09-09 01:46 thing-1/link -> a/one
            -rwxr-xr-x 0/0              10 2001-09-09 01:46 thing-1/run
            ");
        }
        digests.push(digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[test]
fn a_commit_that_is_not_there_is_told() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(temporary.path()).unwrap();
    let commit = repository(folder);
    let missing = commit.replace(|c: char| c.is_ascii_digit(), "f");
    let bare = format!("thing={folder}/thing.git");
    let refused =
        Place::new(&git_source("https://127.0.0.1:1/thing", &missing)).run("fetch", &["--source", &bare]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains(&format!("has no commit {missing}")), "{}", refused.stderr);

    let unreachable = Place::new(&git_source("http://127.0.0.1:1/thing", &commit)).run("fetch", &[]);
    assert_eq!(unreachable.status, 1);
    let lines: Vec<_> = unreachable.stderr.lines().filter(|line| line.contains("cannot reach")).collect();
    assert_eq!(lines.len(), 1, "{}", unreachable.stderr);
}

/// A copy without the content of a file serves as long as that file is excluded.
#[test]
fn a_partial_copy_is_told_by_the_file_that_it_lacks() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(temporary.path()).unwrap();
    let commit = repository(folder);
    let remove = r#"rm -f "work/.git/objects/$(git -C work rev-parse "$1:$2" | sed 's|^..|&/|')""#;
    let remove = |path: &str| {
        assert!(
            Command::new("sh")
                .args(["-c", remove, "sh", &commit, path])
                .current_dir(folder)
                .status()
                .unwrap()
                .success()
        );
    };
    let given = format!("thing={folder}/work");
    let source = git_source("https://127.0.0.1:1/thing", &commit);
    remove("vendor/big.tar");
    let fetched = Place::new(&source).run("fetch", &["--source", &given]);
    assert_eq!(fetched.status, 0, "{}", fetched.stderr);
    remove("a/one");
    let refused = Place::new(&source).run("fetch", &["--source", &given]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("lacks the content of a/one"), "{}", refused.stderr);
}

#[test]
fn a_folder_or_an_archive_can_take_the_place_of_a_commit() {
    let place = Place::new(&git_source("https://127.0.0.1:1/thing", &"a".repeat(40)));
    place.write("folder/configure", b"#!/bin/sh\n");
    assert_eq!(place.run("fetch", &["--offline", "--source", "thing=folder"]).status, 0);
    for (top, status) in [("thing-1", 0), ("other", 1)] {
        place.write(&format!("{top}/file"), b"x");
        let archive = format!("{top}.tar.gz");
        assert!(
            Command::new("tar")
                .args(["-czf", &archive, top])
                .current_dir(&place.folder)
                .status()
                .unwrap()
                .success()
        );
        let given = place.run("fetch", &["--offline", "--source", &format!("thing={archive}")]);
        assert_eq!(given.status, status, "{}", given.stderr);
    }
    place.write("notes.txt", b"x");
    let refused = place.run("fetch", &["--source", "thing=notes.txt"]);
    assert!(
        refused.stderr.contains("neither a git repository nor a folder nor an archive"),
        "{}",
        refused.stderr
    );
}
