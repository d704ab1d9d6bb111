//! The commands of an explanation.

use std::fmt::Write as _;

use crate::desired::{HealthCheck, ManagedUnit, Probe, SystemSetting};
use crate::model::HostPath;

/// A word for the shell.
pub(super) fn quoted(word: &str) -> String {
    // Only a zero byte cannot be quoted, and no path or text of a role has one.
    shlex::try_quote(word).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}

/// Writes a file with its owner, group and mode, and the folders above it.
pub(super) fn install(path: &HostPath, owner: &str, group: &str, mode: &str, content: &str) -> String {
    let path = quoted(path.as_str());
    let install = format!("install -D -o {owner} -g {group} -m {mode} /dev/stdin {path}");
    if !content.ends_with('\n') {
        return format!("printf %s {} | {install}", quoted(content));
    }
    let mut end = "END".to_owned();
    while content.lines().any(|line| line == end) {
        end.push('_');
    }
    format!("{install} <<'{end}'\n{content}{end}")
}

/// Puts a block into a file that others write as well, above all else in it, which is read before it is written.
pub(super) fn block(path: &HostPath, content: &str) -> String {
    let path = quoted(path.as_str());
    let ours = quoted(&format!("# BEGIN calico-mesos-install\n{content}# END calico-mesos-install"));
    format!(
        "before=$(cat {path} 2>/dev/null || true)\nprintf '%s\\n' {ours} \"$before\" | install -D -o root -g root -m 0644 \
         /dev/stdin {path}"
    )
}

/// Sets something of the host's own system, now and for later.
pub(super) fn set(setting: &SystemSetting) -> String {
    match setting {
        SystemSetting::Module { name } => format!("modprobe {name}"),
        SystemSetting::Sysctl { key, value } => format!("sysctl -w {}", quoted(&format!("{key}={value}"))),
        SystemSetting::Port { ports, protocol } => firewall(&format!("--add-port={ports}/{protocol}")),
        SystemSetting::Protocol { number } => firewall(&format!("--add-protocol={number}")),
        SystemSetting::Label { path, kind } => {
            let path = quoted(path.as_str());
            format!("semanage fcontext -a -t {kind} {path}'(/.*)?'\nrestorecon -R {path}")
        }
        SystemSetting::Permissive => {
            "setenforce 0\nsed -i 's/^SELINUX=enforcing/SELINUX=permissive/' /etc/selinux/config".to_owned()
        }
    }
}

fn firewall(option: &str) -> String {
    format!("firewall-cmd --permanent {option}\nfirewall-cmd {option}")
}

/// Waits for a unit as `apply` does: until it is active and every health check has its answer.
pub(super) fn until_healthy(unit: &ManagedUnit) -> String {
    let mut text = format!("until systemctl is-active --quiet {}", unit.name);
    for check in &unit.health {
        let _ = write!(text, " &&\n    {}", ask(check));
    }
    text.push_str("\ndo sleep 1; done");
    text
}

/// Whether an answer has the text in it. Mesos writes each `/` inside JSON with a backslash before it.
fn has(text: &str) -> String {
    let plain = if text.contains('/') { r"sed 's|\\/|/|g' | " } else { "" };
    format!("{plain}grep -qF {}", quoted(text))
}

fn ask(HealthCheck { address, port, probe }: &HealthCheck) -> String {
    match probe {
        Probe::Tcp => format!("(: </dev/tcp/{address}/{port}) 2>/dev/null"),
        Probe::Http { path, contains } => {
            let answer = format!("curl -fsS -m 3 {}", quoted(&format!("http://{address}:{port}{path}")));
            match contains {
                None => format!("{answer} >/dev/null"),
                Some(text) => format!("{answer} | {}", has(text)),
            }
        }
        Probe::Https { path, contains, folder } => {
            let files = format!("--cacert {folder}/ca.pem --cert {folder}/cert.pem --key {folder}/key.pem");
            let address = quoted(&format!("https://{address}:{port}{path}"));
            let answer = format!("curl -fsS -m 3 {files} {address}");
            match contains {
                None => format!("{answer} >/dev/null"),
                Some(text) => format!("{answer} | {}", has(text)),
            }
        }
        Probe::Line { send, contains } => format!(
            "(exec 3<>/dev/tcp/{address}/{port} && echo {} >&3 && timeout 3 cat <&3) 2>/dev/null | grep -qF {}",
            quoted(send),
            quoted(contains)
        ),
    }
}
