//! What the help of each command ends with. A test parses every example.

pub(super) const VALIDATE: &str = "\
Examples:
  calico-mesos-install validate inventory.toml
  calico-mesos-install validate clusters/demo.toml
  calico-mesos-install validate clusters/demo.toml --json
  calico-mesos-install validate clusters/demo.toml --hosts

Each mistake is shown with its file, line and column, and with what to write instead. Exit status 2 where there is one.";

pub(super) const RENDER: &str = "\
Examples:
  calico-mesos-install render inventory.toml --out rendered
  calico-mesos-install render clusters/demo.toml --out rendered

The same inventory gives the same bytes: keep the folder in version control and see what a change of the inventory
changes on every host.";

pub(super) const BUILD: &str = "\
Examples:
  calico-mesos-install build --release lab
  calico-mesos-install build --release lab zookeeper etcd
  calico-mesos-install build --release 0.28 --source mesos=/srv/mesos.git --out /srv/repository

What was built before from the same inputs is not built again.";

pub(super) const PLAN: &str = "\
Examples:
  calico-mesos-install plan inventory.toml
  calico-mesos-install plan inventory.toml --limit '@agent,!agent-1'
  calico-mesos-install plan inventory.toml --out agreed.json
  calico-mesos-install plan inventory.toml --json --detailed-exitcode

Nothing is changed. `apply --plan agreed.json` later does exactly what was shown, or refuses.";

pub(super) const APPLY: &str = "\
Examples:
  calico-mesos-install apply inventory.toml
  calico-mesos-install apply inventory.toml --yes --limit 'master-*'
  calico-mesos-install apply inventory.toml --yes --plan agreed.json
  calico-mesos-install apply inventory.toml --yes --json --log-file apply.jsonl

A terminal is asked before anything is changed. Run it again after an interruption: it goes on where it stopped.
`report last` shows the run afterwards.";

pub(super) const RESET: &str = "\
Examples:
  calico-mesos-install reset inventory.toml --limit agent-3
  calico-mesos-install reset inventory.toml --yes --purge-data

What the tool did not put there stays. Data stays too, unless --purge-data says otherwise.";

pub(super) const ROLLBACK: &str = "\
Examples:
  calico-mesos-install rollback inventory.toml --list
  calico-mesos-install rollback inventory.toml
  calico-mesos-install rollback inventory.toml --to 20260601T120000 --yes";

pub(super) const STATUS: &str = "\
Examples:
  calico-mesos-install status inventory.toml
  calico-mesos-install status inventory.toml --limit @master --json";

pub(super) const VERIFY: &str = "\
Examples:
  calico-mesos-install verify inventory.toml
  calico-mesos-install verify inventory.toml --json
  calico-mesos-install verify inventory.toml --tasks --junit verify.xml

--tasks changes the cluster for a while: it launches applications below /verify-tasks and removes them again, after
Ctrl-C too. A second Ctrl-C ends at once and leaves them.

Exit status 1 where something does not hold.";

pub(super) const APPS: &str = "\
Examples:
  calico-mesos-install apps render inventory.toml --names
  calico-mesos-install apps launch inventory.toml stars
  calico-mesos-install apps list inventory.toml
  calico-mesos-install apps remove inventory.toml stars";

pub(super) const APPS_RENDER: &str = "\
Examples:
  calico-mesos-install apps render inventory.toml --names
  calico-mesos-install apps render inventory.toml stars
  calico-mesos-install apps render inventory.toml --out apps";

pub(super) const APPS_LAUNCH: &str = "\
Examples:
  calico-mesos-install apps launch inventory.toml stars
  calico-mesos-install apps launch inventory.toml stars-docker";

pub(super) const APPS_LIST: &str = "\
Examples:
  calico-mesos-install apps list inventory.toml
  calico-mesos-install apps list inventory.toml --json";

pub(super) const APPS_REMOVE: &str = "\
Examples:
  calico-mesos-install apps remove inventory.toml stars";

pub(super) const LAB: &str = "\
Examples:
  calico-mesos-install lab up --masters 1 --agents 2
  calico-mesos-install lab status
  calico-mesos-install lab ssh agent-1 -- systemctl --failed
  calico-mesos-install lab cut agent-2
  calico-mesos-install lab mend
  calico-mesos-install lab down

The hosts are containers of this machine that boot systemd. `.lab/inventory.toml` is their inventory.";

pub(super) const LAB_UP: &str = "\
Examples:
  calico-mesos-install lab up
  calico-mesos-install lab up --masters 3 --agents 5 --subnet 172.24.198.0/24 --dir other-lab";

pub(super) const LAB_DOWN: &str = "\
Examples:
  calico-mesos-install lab down
  calico-mesos-install lab down --dir other-lab";

pub(super) const LAB_STATUS: &str = "\
Examples:
  calico-mesos-install lab status
  calico-mesos-install lab status --json";

pub(super) const LAB_SSH: &str = "\
Examples:
  calico-mesos-install lab ssh master-1
  calico-mesos-install lab ssh agent-1 -- journalctl -u mesos-slave
  calico-mesos-install lab ssh agent-1 --user deploy";

pub(super) const LAB_REBOOT: &str = "\
Examples:
  calico-mesos-install lab reboot agent-1";

pub(super) const LAB_CUT: &str = "\
Examples:
  calico-mesos-install lab cut agent-1

The host goes on running; `lab mend` brings it back.";

pub(super) const LAB_MEND: &str = "\
Examples:
  calico-mesos-install lab mend agent-1
  calico-mesos-install lab mend";

pub(super) const LAB_IMAGE: &str = "\
Examples:
  calico-mesos-install lab image
  calico-mesos-install lab image --image-cache /var/tmp/lab";

pub(super) const COMPLETIONS: &str = "\
Examples:
  calico-mesos-install completions bash > ~/.local/share/bash-completion/completions/calico-mesos-install
  calico-mesos-install completions zsh > ~/.zfunc/_calico-mesos-install
  calico-mesos-install completions fish > ~/.config/fish/completions/calico-mesos-install.fish";

pub(super) const MAN: &str = "\
Examples:
  calico-mesos-install man --out /usr/local/share/man/man1
  calico-mesos-install man --out man";
