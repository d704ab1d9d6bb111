//! The commands of an explanation.

use std::fmt::Write as _;

use crate::desired::{HealthCheck, ManagedUnit, Probe};
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

/// Waits for a unit as `apply` does: until it is active and every health check has its answer.
pub(super) fn until_healthy(unit: &ManagedUnit) -> String {
    let mut text = format!("until systemctl is-active --quiet {}", unit.name);
    for check in &unit.health {
        let _ = write!(text, " &&\n    {}", ask(check));
    }
    text.push_str("\ndo sleep 1; done");
    text
}

fn ask(HealthCheck { address, port, probe }: &HealthCheck) -> String {
    match probe {
        Probe::Tcp => format!("(: </dev/tcp/{address}/{port}) 2>/dev/null"),
        Probe::Http { path, contains } => {
            let answer = format!("curl -fsS -m 3 {}", quoted(&format!("http://{address}:{port}{path}")));
            match contains {
                None => format!("{answer} >/dev/null"),
                Some(text) => format!("{answer} | grep -qF {}", quoted(text)),
            }
        }
        Probe::Https { path, contains, folder } => {
            let files = format!("--cacert {folder}/ca.pem --cert {folder}/cert.pem --key {folder}/key.pem");
            let address = quoted(&format!("https://{address}:{port}{path}"));
            let answer = format!("curl -fsS -m 3 {files} {address}");
            match contains {
                None => format!("{answer} >/dev/null"),
                Some(text) => format!("{answer} | grep -qF {}", quoted(text)),
            }
        }
        Probe::Line { send, contains } => format!(
            "(exec 3<>/dev/tcp/{address}/{port} && echo {} >&3 && timeout 3 cat <&3) 2>/dev/null | grep -qF {}",
            quoted(send),
            quoted(contains)
        ),
    }
}
