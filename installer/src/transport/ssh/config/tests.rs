use super::*;

fn config(text: &str) -> SshConfig {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8PathBuf::from_path_buf(folder.path().join("config")).unwrap();
    fs_err::write(&file, text).unwrap();
    SshConfig::load(&file, None).unwrap()
}

fn failure(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8PathBuf::from_path_buf(folder.path().join("config")).unwrap();
    fs_err::write(&file, text).unwrap();
    SshConfig::load(&file, None).unwrap_err().to_string().replace(file.as_str(), "CONFIG")
}

#[test]
fn the_first_value_wins_across_blocks_and_within_one() {
    let config = config(
        "User early\nHost a\n  Port 1\n  Port 2\n  User late\n  IdentityFile one\nHost *\n  Port 3\n  \
         IdentityFile two\n",
    );
    let found = config.lookup(&["a"], "a");
    assert_eq!(found.port, Some(1));
    assert_eq!(found.user.as_deref(), Some("early"));
    assert_eq!(found.identity_files, ["one", "two"]);
    assert_eq!(config.lookup(&["b"], "b").port, Some(3));
}

#[test]
fn a_block_matches_by_inventory_name_or_by_address() {
    let config = config(
        "Host 10.0.0.*\n User by-address\nHost agent-1\n User by-name\n Port 2222\nHost * !10.0.0.5\n \
         IdentityFile other\n",
    );
    let found = config.lookup(&["agent-1", "10.0.0.5"], "10.0.0.5");
    assert_eq!(found.user.as_deref(), Some("by-address"));
    assert_eq!(found.port, Some(2222));
    assert!(found.identity_files.is_empty());
}

#[test]
fn an_alias_that_is_called_like_a_host_does_not_move_it() {
    let config = config("Host agent-1\n HostName 192.0.2.1\nHost inner\n HostName 192.0.2.2\n");
    assert_eq!(config.lookup(&["agent-1", "10.0.0.5"], "10.0.0.5").host_name, None);
    assert_eq!(config.lookup(&["agent-2", "inner"], "inner").host_name.as_deref(), Some("192.0.2.2"));
}

#[test]
fn spellings() {
    let config = config(
        "# a comment\n\nhost=\"a\" 'b c'\n\tPORT = 22 # ssh\n  User a#b\n  UserKnownHostsFile \"/a b\" ~/c\n  \
         ProxyJump u@x:1,y\n  IdentitiesOnly yes\n  AddKeysToAgent ask\n  SomethingNew 1\n",
    );
    let found = config.lookup(&["b c"], "");
    assert_eq!(found.port, Some(22));
    assert_eq!(found.user.as_deref(), Some("a#b"));
    assert_eq!(found.known_hosts, Some(vec!["/a b".to_owned(), "~/c".to_owned()]));
    assert_eq!(found.proxy, Some(Proxy::Jump(vec!["u@x:1".to_owned(), "y".to_owned()])));
    assert_eq!(found.identities_only, Some(true));
}

#[test]
fn none_is_a_decision_too() {
    let config = config(
        "Host a\n ProxyJump none\n UserKnownHostsFile none\nHost *\n ProxyJump b\n ProxyCommand nc\nHost c\n \
         ProxyJump x",
    );
    let found = config.lookup(&["a"], "a");
    assert_eq!(found.proxy, Some(Proxy::Jump(Vec::new())));
    assert_eq!(found.known_hosts, Some(Vec::new()));
    assert_eq!(config.lookup(&["c"], "c").proxy, Some(Proxy::Jump(vec!["b".to_owned()])));
}

#[test]
fn a_proxy_command_is_noticed() {
    assert_eq!(config("ProxyCommand nc %h %p").lookup(&["a"], "a").proxy, Some(Proxy::Command));
}

#[test]
fn match_blocks_end_the_block_before_them() {
    let config = config(
        "Host a\n User one\nMatch exec true\n Port 9\nMatch host a,b\n Port 10\nMatch all\n IdentityFile i\n",
    );
    let found = config.lookup(&["a"], "a");
    assert_eq!((found.port, found.identity_files.len()), (Some(10), 1));
    assert_eq!(config.lookup(&["c"], "c").port, None);
}

#[test]
fn included_files_count_where_they_stand_and_only_for_the_block_they_stand_in() {
    let folder = tempfile::tempdir().unwrap();
    let home = Utf8Path::from_path(folder.path()).unwrap();
    fs_err::create_dir_all(home.join(".ssh/conf.d")).unwrap();
    fs_err::write(home.join(".ssh/conf.d/b.conf"), "Port 2\nHost inner\n User inner\n").unwrap();
    fs_err::write(home.join(".ssh/conf.d/a.conf"), "Port 1\n").unwrap();
    fs_err::write(home.join(".ssh/conf.d/c.txt"), "Port 9\n").unwrap();
    let file = home.join(".ssh/config");
    fs_err::write(&file, "Host x inner\n Include conf.d/*.conf\n User outer\nHost *\n Port 7\n").unwrap();
    let config = SshConfig::load(&file, Some(home)).unwrap();
    let found = config.lookup(&["x"], "x");
    assert_eq!((found.port, found.user.as_deref()), (Some(1), Some("outer")));
    assert_eq!(config.lookup(&["inner"], "inner").user.as_deref(), Some("inner"));
    assert_eq!(config.lookup(&["y"], "y").port, Some(7));
}

#[test]
fn an_include_that_leads_back_to_itself_ends() {
    let folder = tempfile::tempdir().unwrap();
    let home = Utf8Path::from_path(folder.path()).unwrap();
    let file = home.join("config");
    fs_err::write(&file, format!("Include {file}\n")).unwrap();
    let error = SshConfig::load(&file, Some(home)).unwrap_err().to_string();
    assert!(error.contains("leads back to itself"), "{error}");
}

#[test]
fn mistakes_are_shown_with_their_line() {
    insta::assert_snapshot!(failure("Host a\n  Port ssh\n"), @"
    CONFIG:2: `Port ssh`: a port is a number from 1 to 65535
    correct the line; `ssh -G HOST` shows how OpenSSH understands the file
    ");
    insta::assert_snapshot!(failure("User \"a\n"), @r#"
    CONFIG:1: `User "a`: a quotation mark is missing its partner
    correct the line; `ssh -G HOST` shows how OpenSSH understands the file
    "#);
}
