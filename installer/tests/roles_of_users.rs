//! Roles and templates that users add: that they work, and what is told about mistakes in them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod common;

use std::collections::BTreeSet;

use calico_mesos_install::data::Data;
use calico_mesos_install::render::Templates;
use calico_mesos_install::roles::Catalogue;

const INVENTORY: &str = r#"
[cluster]
name = "demo"
release = "lab"
containerizers = ["mesos"]

[[hosts]]
name = "master-1"
address = "10.0.0.1"
roles = ["master", "web"]
"#;

fn with(files: &[(&str, &str)]) -> Data {
    let mut data = Data::built_in();
    for (path, text) in files {
        data.insert(*path, *text);
    }
    data
}

/// What is told about a role `web` and its template `web/conf`.
fn told(role: &str, template: &str) -> String {
    let role = format!("description = \"A web server\"\n{role}");
    let data = with(&[("roles/web.toml", &role), ("templates/web/conf", template)]);
    let mistakes = match Catalogue::load(&data) {
        Err(mistakes) => mistakes,
        Ok(roles) => match Templates::load(&data, &roles).map(|_| common::rendered(INVENTORY, &data)) {
            Err(mistakes) | Ok(Err(mistakes)) => mistakes,
            Ok(Ok(_)) => return "no mistakes".to_owned(),
        },
    };
    mistakes.to_string().lines().map(without_place).collect::<Vec<_>>().join("\n")
}

/// Where in a built-in role something is changes with that role, and means nothing here.
fn without_place(line: &str) -> String {
    let built_in = |rest: &&str| !rest.starts_with("web.toml");
    match line.split_once("see: roles/").filter(|(_, rest)| built_in(rest)) {
        None => line.to_owned(),
        Some((indent, rest)) => {
            let (file, words) = (rest.split(':').next().unwrap(), rest.rsplit(": ").next().unwrap());
            format!("{indent}see: roles/{file}: {words}")
        }
    }
}

const FILE: &str = "[[files]]\ntemplate = \"web/conf\"\npath = \"/etc/web.conf\"\n";

#[test]
fn a_role_is_a_file_and_no_rust() {
    let role = r#"
description = "A web server"
packages = ["nginx"]

[[needs]]
role = "mesos-master"
on = "cluster"

[[files]]
template = "web/conf"
path = "/etc/web.conf"
mode = "0600"
secret = true

[[units]]
name = "web.service"

[[units.health]]
kind = "http"
port = "web_port"
path = "/"

[[ports]]
port = "web_port"
description = "everyone"

[vars.web_port]
type = "port"
default = 80
description = "Where it listens"
"#;
    let template = "[# every master #][% for host in cluster.hosts %][% if \"mesos-master\" in host.roles %]proxy {{ host.address }}:{{ vars.mesos_master_port }} -> {{ vars.web_port }}\n[% endif %][% endfor %]";
    let data = with(&[("roles/web.toml", role), ("templates/web/conf", template)]);
    let hosts = common::rendered(INVENTORY, &data).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (_, file) = hosts[0].files.iter().find(|(path, _)| path.as_str() == "/etc/web.conf").unwrap();
    assert_eq!(&*file.content, "proxy 10.0.0.1:5050 -> 80\n");
    assert!(file.secret);
    let unit = hosts[0].units.last().unwrap();
    assert_eq!(
        (unit.name.as_str(), unit.needs[0].as_str(), unit.health[0].port),
        ("web.service", "mesos-master", 80)
    );
}

#[test]
fn all_built_in_templates_are_used_and_all_are_right() {
    let data = Data::built_in();
    let roles = Catalogue::load(&data).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let templates = Templates::load(&data, &roles).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let used: BTreeSet<String> = templates.names().map(|name| format!("templates/{name}")).collect();
    // The sample applications are no roles' files; `tests/apps.rs` renders all of them.
    let of_roles = data.below("templates").filter(|path| !path.starts_with("templates/apps"));
    let there: BTreeSet<String> = of_roles.map(ToString::to_string).collect();
    assert_eq!(there, used);
}

#[test]
fn mistakes_in_templates() {
    let file = |template: &str| told(FILE, template);
    let table = [
        ("a name that is not there", file("x = {{ host.nmae }}")),
        ("in a condition, where Tera takes it for false", file("[% if vars.web_prot %]x[% endif %]")),
        (
            "below a list",
            file("[% for server in cluster.zookeeper.servers %]{{ server.adress }}[% endfor %]"),
        ),
        ("outside of its loop", file("[% for a in cluster.hosts %]x[% endfor %]{{ a.name }}")),
        ("in a filter's argument", file("{{ host.name | replace(from=hots, to=\"\") }}")),
        ("a variable of a role that is far away", file("{{ vars.mesos_master_port }}")),
        ("an item without each", file("{{ item.key }}")),
        ("a part of a text", file("{{ host.name.first }}")),
        ("a block without its end", file("[% if host.name %]x")),
        ("a filter that is not there", file("{{ host.name | shout }}")),
        ("a filter that does not fit", file("{{ host.name | join(sep=\",\") }}")),
        ("no such template", told(&FILE.replace("web/conf", "web/cnf"), "x")),
    ];
    insta::assert_snapshot!(table.map(|(what, told)| format!("# {what}\n{told}\n")).join("\n"), @r"
        # a name that is not there
        templates/web/conf:1:13: template: unknown name `nmae`
          help: did you mean `name`?

        # in a condition, where Tera takes it for false
        templates/web/conf:1:12: template: unknown name `web_prot`
          help: there are no names here

        # below a list
        templates/web/conf:1:56: template: unknown name `adress`
          help: did you mean `address`?

        # outside of its loop
        templates/web/conf:1:45: template: unknown name `a`
          help: the names here are `cluster`, `host`, `tls` and `vars`

        # in a filter's argument
        templates/web/conf:1:29: template: unknown name `hots`
          help: did you mean `host`?

        # a variable of a role that is far away
        templates/web/conf:1:9: template: unknown name `mesos_master_port`
          help: there are no names here

        # an item without each
        templates/web/conf:1:4: template: unknown name `item`
          help: the names here are `cluster`, `host`, `tls` and `vars`

        # a part of a text
        templates/web/conf:1:14: template: unknown name `first`
          help: there are no names here

        # a block without its end
        templates/web/conf:1:19: template: Unexpected end of input
          help: values are written `{{ name }}`, blocks `[% if … %]` … `[% endif %]`, comments `[# … #]`

        # a filter that is not there
        templates/web/conf:1:16: template: Unknown filter `shout`
          help: use a name that Tera knows, with the arguments that it takes

        # a filter that does not fit
        templates/web/conf:1:4: template: Invalid type for the value, expected `&[Value]` but got `string`
          help: use a name of the context, with filters that fit its type

        # no such template
        roles/web.toml:3:12: there is no template `web/cnf`
          help: did you mean `web/conf`?
        ");
}

#[test]
fn what_templates_may_name() {
    for template in [
        "{{ host.name }} {{ host[\"name\"] }} {{ host.attributes.rack | default(value=\"none\") }}",
        "[% for key, value in host.attributes %]{{ key }}={{ value | upper }}[% endfor %]",
        "[% set hosts = cluster.hosts %][% for h in hosts %]{{ h.name }}{{ loop.index }}[% endfor %]",
        "[% for h in cluster.hosts | reverse %]{{ h.name }}[% if not loop.last %],[% endif %][% endfor %]",
        "{{ cluster.hosts[0].name }} {{ cluster.mesos.quorum + 1 }}",
        "[% if host.name is starting_with(pat=\"m\") and not host.zookeeper_id == 0 %]yes[% endif %]",
        "[# {{ nothing.here }} #][% raw %]{{ nothing }}[% endraw %]",
        "{{ \"}} \\\" {{ nothing\" }} ${#shell[@]} %{rpm}",
    ] {
        assert_eq!(told(FILE, template), "no mistakes", "{template}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let role = FILE.replace("/etc/web.conf", "/etc/web.json");
    insta::assert_snapshot!(told(&role, "{\n  \"name\": {{ host.name }}\n}\n"), @r#"
        templates/web/conf:1:1: for master-1 this is not JSON: expected value (line 2, column 11: `"name": master-1`)
          help: write values with the filter `json`: {{ name | json }}
        "#);
    assert_eq!(told(&role, "{\n  \"name\": {{ host.name | json }}\n}\n"), "no mistakes");
}

#[test]
fn white_space_is_no_file() {
    let data = with(&[
        ("roles/web.toml", &format!("description = \"A web server\"\n{FILE}")),
        ("templates/web/conf", "[% if cluster.name == \"another\" %]x[% endif %]\n"),
    ]);
    let hosts = common::rendered(INVENTORY, &data).unwrap();
    assert!(hosts[0].files.keys().all(|path| path.as_str() != "/etc/web.conf"));
}

#[test]
fn mistakes_in_roles() {
    let role = |role: &str| told(role, "x");
    let table = [
        ("an unknown key", role("pakages = [\"x\"]")),
        ("an unknown key of a file", role(&format!("{FILE}onwer = \"root\"\n"))),
        ("a relative path", role(&FILE.replace("/etc/web.conf", "etc/web.conf"))),
        ("a bad mode", role(&format!("{FILE}mode = \"rw\"\n"))),
        ("an unknown role", role("[[includes]]\nrole = \"zokeeper\"\n")),
        ("a need without a place", role("[[needs]]\nrole = \"etcd\"\n")),
        ("a circle", role("[[needs]]\nrole = \"web\"\non = \"cluster\"\n")),
        ("a variable of another role", role("[vars.ip_pool]\ntype = \"string\"\ndescription = \"x\"\n")),
        ("an unknown type", role("[vars.x]\ntype = \"prot\"\ndescription = \"x\"\n")),
        (
            "a default of another type",
            role("[vars.x]\ntype = \"port\"\ndefault = \"x\"\ndescription = \"x\"\n"),
        ),
        ("an unknown port", role("[[ports]]\nport = \"web_port\"\ndescription = \"x\"\n")),
        (
            "a port that is none",
            role(
                "[[ports]]\nport = \"x\"\ndescription = \"x\"\n[vars.x]\ntype = \"integer\"\ndescription = \"x\"\n",
            ),
        ),
        ("a range from the wrong end", role("[[ports]]\nport = \"9-8\"\ndescription = \"x\"\n")),
        (
            "a range that is asked",
            role(
                "[[units]]\nname = \"web.service\"\n[[units.health]]\nkind = \"tcp\"\nport = \"8000-8009\"\n",
            ),
        ),
        (
            "a range variable that is asked",
            role(
                "[[units]]\nname = \"web.service\"\n[[units.health]]\nkind = \"tcp\"\nport = \"x\"\n[vars.x]\ntype = \"port-range\"\ndescription = \"x\"\n",
            ),
        ),
        (
            "a range that is none",
            role("[vars.x]\ntype = \"port-range\"\ndefault = \"0-8\"\ndescription = \"x\"\n"),
        ),
        ("a range that another's port is in", role("[[ports]]\nport = \"5000-5100\"\ndescription = \"x\"\n")),
        ("a range that nothing is in", role("[[ports]]\nport = \"20001-29999\"\ndescription = \"x\"\n")),
        ("a map that is none", role(&format!("{FILE}each = \"vars.x\"\n"))),
        ("one path for all of a map", role(&format!("{FILE}each = \"host.attributes\"\n"))),
        ("a key of nothing", role(&FILE.replace("web.conf", "{{ item.key }}"))),
        ("a file that another role writes", role(&FILE.replace("/etc/web.conf", "/etc/mesos/zk"))),
        ("a unit that another role runs", role("[[units]]\nname = \"etcd.service\"\n")),
        ("a check without a kind", role("[[units]]\nname = \"web.service\"\n[[units.health]]\nport = 80\n")),
        ("a variable without a value", role("[vars.x]\ntype = \"string\"\ndescription = \"The password\"\n")),
    ];
    insta::assert_snapshot!(table.map(|(what, told)| format!("# {what}\n{told}\n")).join("\n"), @r#"
        # an unknown key
        roles/web.toml:2:1: unknown key `pakages` in the file
          help: did you mean `packages`?

        # an unknown key of a file
        roles/web.toml:5:1: unknown key `onwer` in [[files]]
          help: did you mean `owner`?

        # a relative path
        roles/web.toml:4:8: `etc/web.conf` is not a path on a host
          help: it must begin with `/` and have no `.`, `..`, empty part or control character in it

        # a bad mode
        roles/web.toml:5:8: `rw` is not a mode
          help: write it in octal, for example "0644"

        # an unknown role
        roles/web.toml:3:8: unknown role `zokeeper`
          help: did you mean `zookeeper`?

        # a need without a place
        roles/web.toml:2:1: `on` is missing in [[needs]]
          help: add `on = "cluster"`

        # a circle
        roles/web.toml:3:8: the role `web` needs itself
          help: remove one of the `includes` or `needs`

        # a variable of another role
        roles/web.toml:2:7: `ip_pool` is declared by the role `calico-node` too
          see: roles/calico-node.toml: the other is here
          help: give one of them another name

        # an unknown type
        roles/web.toml:3:8: `type` cannot be `prot`
          help: did you mean `port`?

        # a default of another type
        roles/web.toml:4:11: `x` must be a port, not `x`
          help: write for example `x = 5050`

        # an unknown port
        roles/web.toml:3:8: unknown variable `web_port`
          help: there are no variables that fit here

        # a port that is none
        roles/web.toml:3:8: `x` is not of the type port or port-range
          see: roles/web.toml:5:7: it is declared here
          help: use a variable of the type port or port-range

        # a range from the wrong end
        roles/web.toml:3:8: `9-8` is not a range of ports
          help: write for example "20001-29999", the smaller number first

        # a range that is asked
        roles/web.toml:6:8: `8000-8009` are many ports, and one is asked
          help: name the port that answers

        # a range variable that is asked
        roles/web.toml:6:8: `x` is not of the type port
          see: roles/web.toml:7:7: it is declared here
          help: use a variable of the type port

        # a range that is none
        roles/web.toml:4:11: `x` must be a range of ports, not `0-8`
          help: write for example `x = "20001-29999"`

        # a range that another's port is in
        inventory.toml:10:20: `web` and `mesos-master` would both listen on port 5050/tcp
          help: give a variable another value, for example `mesos_master_port`

        # a range that nothing is in
        no mistakes

        # a map that is none
        roles/web.toml:4:8: all entries of the map would be written to one path
          help: put `{{ item.key }}` into the path

        # one path for all of a map
        roles/web.toml:4:8: all entries of the map would be written to one path
          help: put `{{ item.key }}` into the path

        # a key of nothing
        roles/web.toml:4:8: `{{ item.key }}` stands for nothing
          help: say which map the file is written for: `each = "vars.NAME"` or `each = "host.attributes"`

        # a file that another role writes
        roles/web.toml:4:8: /etc/mesos/zk is written twice, and differently, by `mesos` and `web`
          see: roles/mesos.toml: the other is here
          help: write it in one role and name that role in `includes` or `needs` of the other

        # a unit that another role runs
        roles/web.toml:3:8: `etcd` and `web` both run etcd.service
          see: roles/etcd.toml: the other is here
          help: run it in one role and name that role in `needs` of the other

        # a check without a kind
        roles/web.toml:4:1: `kind` is missing in [[health]]
          help: add `kind = "http"`

        # a variable without a value
        inventory.toml:10:20: `web` needs a value for the variable `x`
          see: roles/web.toml:2:7: The password
          help: add `x = …` under `[vars]`
        "#);
}
