use std::collections::BTreeMap;

use super::*;

fn resolve(config: &str, change: impl FnOnce(&mut SshOptions)) -> Result<Route, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8PathBuf::from_path_buf(folder.path().join("config")).unwrap();
    fs_err::write(&file, config).unwrap();
    let target = Target { address: "10.0.0.5".to_owned(), ..Target::default() };
    let mut options = SshOptions::of_this_user(BTreeMap::from([("agent-1".parse().unwrap(), target)]));
    options.home = Some("/home/op".into());
    change(&mut options);
    let config = SshConfig::load(&file, options.home.as_deref()).unwrap();
    route(&options, &config, &"agent-1".parse().unwrap()).map_err(|error| error.to_string())
}

fn places(route: &Route) -> Vec<String> {
    route
        .jumps
        .iter()
        .chain([&route.target])
        .map(|end| format!("{}@{}:{}", end.user, end.address, end.port))
        .collect()
}

#[test]
fn openssh_defaults() {
    let end = resolve("", |_| ()).unwrap().target;
    assert_eq!((end.port, Some(end.user)), (22, local_user()));
    assert_eq!(end.default_keys[0], "/home/op/.ssh/id_ed25519");
    assert_eq!(end.known_hosts, ["/home/op/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"]);
    assert_eq!(end.key_name, ("10.0.0.5".to_owned(), 22));
}

#[test]
fn the_inventory_wins_over_ssh_config() {
    let config = "Host *\n User config\n Port 1\n IdentityFile ~/k_%r_%h\n UserKnownHostsFile ~/kh /b\n";
    let end = resolve(config, |_| ()).unwrap().target;
    assert_eq!((end.port, end.user.as_str()), (1, "config"));
    assert_eq!(end.configured_keys, ["/home/op/k_config_10.0.0.5"]);
    assert_eq!(end.known_hosts, ["/home/op/kh", "/b", "/etc/ssh/ssh_known_hosts"]);
    assert!(end.default_keys.is_empty());
    let end = resolve(config, |options| {
        options.known_hosts = vec!["~/mine".into()];
        let target = options.targets.values_mut().next().unwrap();
        *target = Target {
            address: "a".to_owned(),
            port: Some(2),
            user: Some("inventory".to_owned()),
            identity_file: Some("~/own".into()),
        };
    })
    .unwrap()
    .target;
    assert_eq!((end.port, end.user.as_str()), (2, "inventory"));
    assert_eq!(end.explicit_key.as_deref(), Some(Utf8Path::new("/home/op/own")));
    assert_eq!(end.known_hosts, ["/home/op/mine"]);
}

#[test]
fn an_address_that_is_an_alias_is_followed() {
    let end = resolve("Host 10.0.0.5\n HostName %h.example\n HostKeyAlias known\n Port 7\n", |_| ())
        .unwrap()
        .target;
    assert_eq!(end.address, "10.0.0.5.example");
    assert_eq!(end.key_name, ("known".to_owned(), 22));
}

#[test]
fn chains_of_jump_hosts() {
    let config = "Host agent-*\n User t\n ProxyJump a@one:2201,two\nHost one\n HostName 192.0.2.1\n ProxyJump zero\n\
                  Host two\n User b\n ProxyJump ignored\nHost zero\n User z\n";
    let route = resolve(config, |_| ()).unwrap();
    assert_eq!(places(&route), ["z@zero:22", "a@192.0.2.1:2201", "b@two:22", "t@10.0.0.5:22"]);
    assert_eq!(route.jumps[1].place(), "jump host one (192.0.2.1 port 2201)");
}

#[test]
fn jumping_for_all_hosts_spares_the_jump_host_itself() {
    let route = resolve("Host *\n User u\n ProxyJump gate\n", |_| ()).unwrap();
    assert_eq!(places(&route), ["u@gate:22", "u@10.0.0.5:22"]);
    let route = resolve("Host agent-1\n ProxyJump none\nHost *\n User u\n ProxyJump gate\n", |_| ()).unwrap();
    assert_eq!(places(&route), ["u@10.0.0.5:22"]);
}

#[test]
fn another_port_of_the_same_machine_is_another_host() {
    let route = resolve("Host agent-1\n User u\n Port 23\n ProxyJump u@10.0.0.5:24\n", |_| ()).unwrap();
    assert_eq!(places(&route), ["u@10.0.0.5:24", "u@10.0.0.5:23"]);
}

#[test]
fn loops_and_proxy_commands_are_refused() {
    let error =
        resolve("Host 10.*\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n", |_| ()).unwrap_err();
    assert!(error.contains("through itself"), "{error}");
    let error = resolve("ProxyCommand nc %h %p\n", |_| ()).unwrap_err();
    assert!(error.contains("use `ProxyJump JUMPHOST`"), "{error}");
    let error = resolve("ProxyJump a:b\n", |_| ()).unwrap_err();
    assert!(error.contains("[USER@]HOST[:PORT]"), "{error}");
}

#[test]
fn jump_hosts_are_written_in_several_ways() {
    let parse =
        |text: &str| Hop::parse(text).map(|hop| (hop.target.user, hop.target.address, hop.target.port));
    let found =
        |user: Option<&str>, address: &str, port| Some((user.map(str::to_owned), address.to_owned(), port));
    assert_eq!(parse("a"), found(None, "a", None));
    assert_eq!(parse("u@d@a:22"), found(Some("u@d"), "a", Some(22)));
    assert_eq!(parse("ssh://u@a:22/"), found(Some("u"), "a", Some(22)));
    assert_eq!(parse("[::1]:22"), found(None, "::1", Some(22)));
    assert_eq!(parse("::1"), found(None, "::1", None));
    for wrong in ["", "@a", "u@", "a:0", "a:x", "[::1]x"] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
}
