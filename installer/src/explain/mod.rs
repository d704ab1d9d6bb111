//! A host's installation as steps to be done by hand, in Markdown.
//!
//! Nothing is described a second time: the steps are those of the plan for a bare host, in the order of the graph,
//! with the contents of the same desired state. Pure.

mod shell;

use std::fmt::Write as _;

use crate::desired::DesiredHost;
use crate::diagnostic::quantity;
use crate::facts::CACHE_DIR;
use crate::model::HostName;
use crate::plan::{Action, Graph, HostPlan, Need, PackageChange, Step, cached_name};
use crate::repository::PackageSet;

/// What an explanation is made of.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// What every host must be like.
    pub desired: &'a [DesiredHost],
    /// The plan of every host as if it were bare, in the same order.
    pub plans: &'a [HostPlan],
    /// The order of the plans.
    pub graph: &'a Graph,
    /// Where the packages are; none where none were built.
    pub packages: Option<&'a PackageSet>,
}

impl Explanation<'_> {
    /// The steps for one host, as Markdown; empty where there is no such host.
    pub fn of(&self, host: &HostName) -> String {
        let found = self.plans.iter().position(|plan| plan.host == *host);
        let desired = self.desired.iter().find(|desired| desired.host == *host);
        let (Some(index), Some(desired)) = (found, desired) else { return String::new() };
        let mut page = Page { text: self.head(desired), number: 0, explanation: self, desired };
        for node in self.graph.nodes.iter().filter(|node| node.plan == index) {
            page.needs(&node.needs);
            let steps: Vec<&Step> =
                node.steps.iter().filter_map(|step| self.plans[index].steps.get(*step)).collect();
            // Uploads next to one another are one copy.
            for steps in steps.chunk_by(|a, b| is_upload(a) && is_upload(b)) {
                page.steps(steps);
            }
        }
        page.text
    }

    fn head(&self, desired: &DesiredHost) -> String {
        let roles: Vec<String> = desired.roles.iter().map(|role| format!("`{role}`")).collect();
        format!(
            "# {} of {} by hand\n\n\
             What `calico-mesos-install apply` does on this host, as steps for a person: {}. The roles are {}.\n\n\
             The host must run systemd and have rpm with dnf or yum. Commands are for root on `{}`, in bash, unless a \
             step says otherwise. A step is done before the next one begins.\n",
            desired.host,
            self.cluster,
            [
                quantity(desired.packages.len(), "package"),
                quantity(desired.files.len(), "file"),
                quantity(desired.units.len(), "unit"),
            ]
            .join(", "),
            roles.join(", "),
            desired.host,
        )
    }

    /// The hosts whose nodes these are.
    fn hosts(&self, nodes: &[usize]) -> String {
        let host = |node: &usize| Some(self.plans.get(self.graph.nodes.get(*node)?.plan)?.host.as_str());
        nodes.iter().filter_map(host).collect::<Vec<_>>().join(", ")
    }
}

fn is_upload(step: &Step) -> bool {
    matches!(step.action, Action::Upload { .. })
}

struct Page<'a> {
    text: String,
    number: usize,
    explanation: &'a Explanation<'a>,
    desired: &'a DesiredHost,
}

impl Page<'_> {
    /// Writing into a string cannot fail.
    fn line(&mut self, text: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{text}");
    }

    fn heading(&mut self, text: &str) {
        self.number += 1;
        let number = self.number;
        self.line(format_args!("\n## {number}. {text}\n"));
    }

    fn block(&mut self, commands: &str) {
        // A fence longer than any inside.
        let longest = commands.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(3.max(longest + 1));
        self.line(format_args!("{fence}sh\n{}\n{fence}", commands.trim_end_matches('\n')));
    }

    /// What must be true of other hosts first.
    fn needs(&mut self, needs: &[Need]) {
        let mut peers = Vec::new();
        for need in needs {
            match need {
                Need::Role { role, nodes, at_least, hosts } => {
                    let names = self.explanation.hosts(nodes);
                    self.heading(&format!("Wait for `{role}`"));
                    self.line(format_args!(
                        "What follows needs `{role}` to be healthy on {at_least} of {}: {names}. Go on once their own \
                         pages have got that far.",
                        quantity(*hosts, "host"),
                    ));
                }
                Need::Over(node) => peers.push(*node),
                // A bare host restarts nothing, so nothing has to be back before.
                Need::Back(_) | Need::Never(_) => {}
            }
        }
        if peers.len() > 1 {
            let names = self.explanation.hosts(&peers);
            self.heading("Wait for the others of the ensemble");
            self.line(format_args!(
                "They become healthy only together. Go on once they are started on all of {names}."
            ));
        }
    }

    fn steps(&mut self, steps: &[&Step]) {
        let Some(first) = steps.first() else { return };
        match &first.action {
            Action::Upload { .. } => self.uploads(steps),
            Action::Packages { changes } => self.packages(changes),
            Action::WriteFile { path, owner, group, mode, .. } => {
                let file = self.desired.files.get(path);
                self.heading(&format!("Write `{path}`"));
                match file {
                    Some(file) if !file.secret => {
                        self.line(format_args!("Owner {owner}, group {group}, mode {mode}.\n"));
                        let command = shell::install(path, owner, group, &mode.to_string(), &file.content);
                        self.block(&command);
                    }
                    _ => {
                        self.line(format_args!(
                            "Its content is a secret, which is not shown here: `calico-mesos-install render` writes it \
                             on your own machine, to `{}{path}` below the folder that you name. Copy that file to the \
                             host. Owner {owner}, group {group}, mode {mode}.\n",
                            self.desired.host
                        ));
                        self.block(&format!("chown {owner}:{group} {path}\nchmod {mode} {path}"));
                    }
                }
            }
            Action::ReloadSystemd => {
                self.heading("Have systemd read its units");
                self.block("systemctl daemon-reload");
            }
            Action::Set { unit, setting, to, .. } => {
                let managed = self.desired.units.iter().find(|managed| managed.name == *unit);
                let settings = managed.into_iter().flat_map(|managed| &managed.settings);
                self.heading(&format!("Set `{setting}` to `{to}`"));
                for wanted in settings.filter(|wanted| wanted.name == *setting) {
                    self.block(&format!("sh -s -- <<'SETTING'\n{}\nSETTING", wanted.write.trim_end()));
                }
            }
            Action::Enable { unit } => {
                self.heading(&format!("Have `{unit}` started at every boot"));
                self.block(&format!("systemctl enable {unit}"));
            }
            Action::Start { unit } => {
                self.heading(&format!("Start `{unit}`"));
                self.block(&format!("systemctl start {unit}"));
            }
            Action::AwaitHealthy { unit } => {
                let Some(managed) = self.desired.units.iter().find(|managed| managed.name == *unit) else {
                    return;
                };
                self.heading(&format!("Wait until `{unit}` is healthy"));
                let patience = crate::diagnostic::write_duration(managed.patience);
                self.line(format_args!(
                    "It may take {patience}. If it takes longer: `journalctl -u {unit}`.\n"
                ));
                self.block(&shell::until_healthy(managed));
            }
            Action::WriteBlock { path, .. } => {
                let content = self.desired.blocks.get(path).map_or("", |block| &block.content);
                self.heading(&format!("Put the cluster's lines into `{path}`"));
                self.line("Above all else in it; what is there already stays.\n");
                self.block(&shell::block(path, content));
            }
            Action::SetSystem { setting } => {
                self.heading(&format!("Set {setting}"));
                self.block(&shell::set(setting));
            }
            Action::Reload { unit } => {
                self.heading(&format!("Have `{unit}` read its files again"));
                self.block(&format!("systemctl reload-or-restart {unit}"));
            }
            // Nothing of a bare host is restarted, stopped or removed.
            other => {
                self.heading(&other.to_string());
            }
        }
    }

    fn uploads(&mut self, steps: &[&Step]) {
        self.heading("Copy the packages to the host");
        self.line("On the machine where they were built. The folder belongs to root, and the names are the checksums.\n");
        let host = &self.desired.host;
        let mut commands = format!("ssh root@{host} install -d -m 0755 {CACHE_DIR}\n");
        for step in steps {
            let Action::Upload { package, digest, .. } = &step.action else { continue };
            let built = self.explanation.packages.and_then(|set| Some(set.path(set.find(&package.name)?)));
            let from = built.map_or_else(|| format!("{package}.rpm"), |path| path.to_string());
            let _ = writeln!(
                commands,
                "scp {} root@{host}:{CACHE_DIR}/{}",
                shell::quoted(&from),
                cached_name(*digest)
            );
        }
        self.block(&commands);
    }

    fn packages(&mut self, changes: &[PackageChange]) {
        self.heading("Install the packages");
        self.line("With yum where there is no dnf.\n");
        let mut check = String::new();
        let mut install = "dnf -y install".to_owned();
        let mut names = Vec::new();
        for change in changes {
            match change {
                // A bare host has nothing to be removed.
                PackageChange::Remove { .. } => continue,
                PackageChange::InstallProvided { name } => {
                    let _ = write!(install, " \\\n    {name}");
                }
                PackageChange::Install { to, digest }
                | PackageChange::Upgrade { to, digest, .. }
                | PackageChange::Downgrade { to, digest, .. }
                | PackageChange::Reinstall { to, digest } => {
                    let file = format!("{CACHE_DIR}/{}", cached_name(*digest));
                    let _ = writeln!(check, "echo '{digest}  {file}' | sha256sum -c  # {to}");
                    let _ = write!(install, " \\\n    {file}");
                }
            }
            names.push(change.name().as_str());
        }
        self.block(&format!("{check}{install}\nrpm -q {}", names.join(" ")));
    }
}
