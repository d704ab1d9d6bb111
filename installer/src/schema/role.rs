//! The schema of role files.

#![expect(dead_code, reason = "the types say what the keys are; only their schemas are used")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value as Json;

use super::vars;
use crate::inventory::Containerizer;
use crate::roles::VarKind;

/// A role of calico-mesos-install: what a host must have for it. Its name is the stem of its file.
#[derive(JsonSchema)]
#[schemars(title = "role", deny_unknown_fields)]
struct RoleFile {
    /// What the role is, in a sentence.
    #[schemars(extend("examples" = ["What it is"]))]
    description: String,
    /// RPMs that it installs.
    packages: Option<Vec<String>>,
    /// RPM packages that are installed where the repository has them.
    optional_packages: Option<Vec<String>>,
    /// Roles that come with it, in the order in which they are installed.
    includes: Option<Vec<Include>>,
    /// Roles that it cannot do without.
    needs: Option<Vec<Need>>,
    /// Files that it writes.
    files: Option<Vec<File>>,
    /// Units that it runs, in the order in which they are started.
    units: Option<Vec<Unit>>,
    /// Ports that its services listen on. Two services of a host cannot have the same.
    ports: Option<Vec<Port>>,
    /// Folders that its services keep data in, which only `reset --purge-data` deletes: paths, or names of variables of
    /// the type path.
    data: Option<Vec<String>>,
    /// Kernel modules that are loaded, now and at boot; not where the host is a container.
    kernel_modules: Option<Vec<KernelModule>>,
    /// Kernel parameters, set now and at boot.
    sysctls: Option<Vec<KernelParameter>>,
    /// Protocols beside TCP and UDP that firewalld lets through, where it runs.
    protocols: Option<Vec<FirewallProtocol>>,
    /// Types of paths for SELinux, where there is one.
    selinux_labels: Option<Vec<SelinuxLabel>>,
    /// The variable of the type bool that says whether SELinux is to refuse nothing.
    selinux_permissive: Option<String>,
    /// Variables that it declares. No two roles declare the same.
    vars: Option<BTreeMap<String, Variable>>,
}

/// A kernel module.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct KernelModule {
    /// Its name.
    #[schemars(extend("examples" = ["xt_set"]))]
    name: String,
    /// The variable of the type bool that says whether it is wanted; always unless given.
    when: Option<String>,
}

/// A kernel parameter.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct KernelParameter {
    /// Its name, with dots.
    #[schemars(extend("examples" = ["net.ipv4.ip_forward"]))]
    key: String,
    /// A number, or the name of a variable of the type integer.
    #[schemars(extend("examples" = [1]))]
    value: PortName,
}

/// A protocol beside TCP and UDP.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FirewallProtocol {
    /// Its number, as in /etc/protocols.
    #[schemars(extend("examples" = [4]))]
    number: u8,
    /// What it is for, in a few words.
    #[schemars(extend("examples" = ["packets within packets"]))]
    description: String,
    /// The variable of the type bool that says whether it is used; always unless given.
    when: Option<String>,
}

/// The type of a path, and of all below it, for SELinux.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SelinuxLabel {
    /// The path.
    #[schemars(extend("pattern" = "^/", "examples" = ["/calico"]))]
    path: String,
    /// The type.
    #[schemars(rename = "type", extend("examples" = ["bin_t"]))]
    kind: String,
}

/// A role that comes with this one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Include {
    /// The role.
    #[schemars(extend("examples" = ["zookeeper"]))]
    role: String,
    /// Only with this containerizer.
    containerizer: Option<Containerizer>,
}

/// A role that this one cannot do without.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Need {
    /// The role.
    #[schemars(extend("examples" = ["zookeeper"]))]
    role: String,
    /// Where it must be: on the same `host`, or on some host of the `cluster` and healthy on all of them before a
    /// unit that needs it starts.
    #[schemars(extend("enum" = ["cluster", "host"]))]
    on: String,
    /// Only with this containerizer.
    containerizer: Option<Containerizer>,
}

/// A file that the role writes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct File {
    /// The template, relative to `templates/`. What comes out as nothing but white space is not installed; what ends
    /// with `.json` must come out as JSON.
    #[schemars(extend("examples" = ["zookeeper/zoo.cfg"]))]
    template: String,
    /// The path on the host; with `each`, `{{ item.key }}` in it stands for the entry's key.
    #[schemars(extend("pattern" = "^/", "examples" = ["/etc/zookeeper/zoo.cfg"]))]
    path: String,
    /// Writes the file once for each entry of a map: `host.attributes`, or `vars.NAME` of the type map.
    #[schemars(extend("pattern" = r"^(host\.attributes|vars\.[a-z][a-z0-9_]*)$"))]
    each: Option<String>,
    /// The owner.
    #[schemars(extend("default" = "root"))]
    owner: Option<String>,
    /// The group.
    #[schemars(extend("default" = "root"))]
    group: Option<String>,
    /// The permissions.
    #[schemars(extend("default" = "0644", "pattern" = "^[0-7]{4}$"))]
    mode: Option<String>,
    /// Whether the content is never shown.
    #[schemars(extend("default" = false))]
    secret: Option<bool>,
    /// Whether it is only a block in a file that others write as well, such as /etc/hosts. What is around it stays.
    #[schemars(extend("default" = false))]
    block: Option<bool>,
    /// A unit of the host's own that must run for the file to be wanted; it is reloaded after a change.
    #[schemars(extend("examples" = ["NetworkManager.service"]))]
    only_with: Option<String>,
    /// Only with this containerizer.
    containerizer: Option<Containerizer>,
}

/// A unit that the role runs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Unit {
    /// Its name.
    #[schemars(extend("examples" = ["zookeeper.service"]))]
    name: String,
    /// Whether only one host at a time may restart it, because it forms a quorum with its peers.
    #[schemars(extend("default" = false))]
    quorum: Option<bool>,
    /// Roles whose files it reads besides its own role's, where they are on the same host.
    reads_roles: Option<Vec<String>>,
    /// The packages a change of which restarts it, the first being that whose version is shown; those of its role and
    /// of the roles that it reads unless given.
    packages: Option<Vec<String>>,
    /// What must be set in a service before it starts.
    settings: Option<Vec<Setting>>,
    /// What shows that it is healthy, besides being active.
    health: Option<Vec<Health>>,
    /// How long it may take from its start to being healthy.
    #[schemars(extend("default" = "60s", "pattern" = vars::DURATION))]
    patience: Option<String>,
    /// What its service takes for its own and keeps from one start to the next: started with anything else, it refuses.
    identity: Option<Identity>,
    /// Only with this containerizer.
    containerizer: Option<Containerizer>,
}

/// What a service takes for its own. When it changes, what the service keeps of it is removed, and the plan says so.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Identity {
    /// The files that say it, and folders of them, with a `/` at their ends.
    #[schemars(extend("examples" = ["/etc/mesos-slave/attributes/"]))]
    files: Option<Vec<String>>,
    /// The variable with the folder below which the service keeps it.
    #[schemars(extend("examples" = ["mesos_agent_work_dir"]))]
    below: String,
    /// The path below that folder that must go for the service to begin anew.
    #[schemars(extend("examples" = ["meta/slaves/latest"]))]
    forgets: String,
}

/// Something that is kept in a service and not in a file of the host.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Setting {
    /// Its name.
    #[schemars(extend("examples" = ["ip-pool"]))]
    name: String,
    /// The template of what reading it prints when it is as it should be; where it comes out as nothing but white
    /// space, the setting is left alone.
    #[schemars(extend("examples" = ["calico-node/ip-pool.wanted"]))]
    wanted: String,
    /// The template of a shell script that prints what it is now, and fails where that cannot be told.
    #[schemars(extend("examples" = ["calico-node/ip-pool.read"]))]
    read: String,
    /// The template of a shell script that sets it; its first argument is what an earlier run set.
    #[schemars(extend("examples" = ["calico-node/ip-pool.write"]))]
    write: String,
    /// Whether each `host` sets its own, or the role's first host in the inventory sets it for the `cluster`.
    #[schemars(extend("default" = "host", "enum" = ["host", "cluster"]))]
    scope: Option<String>,
}

/// A question to a port of the unit, asked on its host, and what a healthy unit answers.
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Health {
    /// The port accepts a connection.
    Tcp {
        /// The port.
        port: PortName,
    },
    /// `GET path` answers with status 200.
    Http {
        /// The port.
        port: PortName,
        /// The path of the URL.
        #[schemars(extend("pattern" = r"^/\S*$", "examples" = ["/health"]))]
        path: String,
        /// Text that the body must contain.
        contains: Option<String>,
        /// The folder of the files `ca.pem`, `cert.pem` and `key.pem` with which it is asked over TLS, where the
        /// role writes them.
        #[schemars(extend("examples" = ["/etc/etcd/tls"]))]
        tls: Option<String>,
    },
    /// A line sent as it is is answered with a text.
    Line {
        /// The port.
        port: PortName,
        /// The text that is sent.
        #[schemars(extend("examples" = ["ruok"]))]
        send: String,
        /// Text that the answer must contain.
        #[schemars(extend("examples" = ["imok"]))]
        contains: String,
    },
}

/// A port by its number, or the name of a variable of the type port.
#[derive(JsonSchema)]
#[schemars(untagged, extend("examples" = [8080]))]
enum PortName {
    /// The number.
    Number(u16),
    /// The variable.
    Variable(String),
}

/// A port that the role's services listen on, or a range of ports.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Port {
    /// The port; for a range of them a text such as "20001-29999", or the name of a variable of the type port-range.
    port: PortName,
    /// Its protocol.
    #[schemars(extend("default" = "tcp", "enum" = ["tcp", "udp"]))]
    protocol: Option<String>,
    /// What it is for, in a few words.
    #[schemars(extend("examples" = ["clients"]))]
    description: String,
}

/// A variable that the role declares.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Variable {
    /// What may be written for it.
    #[schemars(rename = "type", extend("enum" = VarKind::WORDS.map(|(word, _)| word)))]
    kind: String,
    /// What it is for, in a sentence.
    #[schemars(extend("examples" = ["What it is for"]))]
    description: String,
    /// Its value where the inventory gives none; without it the inventory must give one.
    default: Option<Json>,
    /// Whether each `host` can have a value of its own, or all hosts of the `cluster` must agree.
    #[schemars(extend("default" = "host", "enum" = ["host", "cluster"]))]
    scope: Option<String>,
    /// The only texts allowed.
    choices: Option<Vec<String>>,
    /// The least number allowed.
    min: Option<i64>,
    /// The greatest number allowed.
    max: Option<i64>,
}

/// The schema of role files.
pub fn role() -> Json {
    super::of::<RoleFile>()
}
