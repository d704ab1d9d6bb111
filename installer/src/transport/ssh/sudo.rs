//! Root's rights: as the user root, or through `sudo` with or without a password.
//!
//! With a password, `sudo` reads it as the first line of its input. Whether sudo wants one at all may
//! change while a session lasts, and then that line must not become the command's input. So a guard line
//! follows, and a small shell program, already root, drops everything up to it before it becomes the
//! command. `read` takes single bytes from a pipe, so nothing behind the guard is lost.

use secrecy::{ExposeSecret, SecretString};

use crate::transport::Command;

/// The line that separates what sudo reads from what the command reads.
const GUARD: &str = "--- input of the command begins ---";

const DROP_TO_GUARD: &str =
    r#"while IFS= read -r line; do if [ "$line" = "$0" ]; then exec "$@"; fi; done; exit 126"#;

/// How a command becomes root's.
#[derive(Debug, Clone)]
pub(super) enum Elevation {
    /// The user is root already, or is to stay what it is.
    None,
    /// sudo asks for nothing.
    Free,
    /// sudo wants the user's password.
    Password(SecretString),
}

impl Elevation {
    /// The line for the user's shell.
    pub(super) fn line(&self, command: &Command) -> String {
        let prefix = match self {
            Elevation::None => return command.to_shell(),
            Elevation::Free => Command::new("sudo").args(["-n", "--"]),
            Elevation::Password(_) => {
                Command::new("sudo").args(["-S", "-k", "-p", "", "--", "sh", "-c", DROP_TO_GUARD, GUARD])
            }
        };
        prefix.args(command.words().iter().cloned()).to_shell()
    }

    /// What goes ahead of the command's own input.
    pub(super) fn preamble(&self) -> SecretString {
        match self {
            Elevation::None | Elevation::Free => SecretString::default(),
            Elevation::Password(password) => {
                SecretString::from(format!("{}\n{GUARD}\n", password.expose_secret()))
            }
        }
    }
}

/// The command that shows whether sudo gives root's rights: it prints `0`.
pub(super) fn probe() -> Command {
    Command::new("sh").args(["-c", "id -u"])
}

/// The line for the user's shell that shows whether sudo wants no password: `-k` leaves out what an
/// earlier sudo was told.
pub(super) fn free_probe_line() -> String {
    in_english(
        &Command::new("sudo").args(["-k", "-n", "--"]).args(probe().words().iter().cloned()).to_shell(),
    )
}

/// The same with the password.
pub(super) fn password_probe_line(elevation: &Elevation) -> String {
    in_english(&elevation.line(&probe()))
}

/// sudo's messages are understood in English only.
fn in_english(line: &str) -> String {
    format!("env LC_ALL=C {line}")
}

/// Why `sudo` did not give root's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    Missing,
    PasswordNeeded,
    WrongPassword,
    NotAllowed,
    NeedsTerminal,
    /// Something else: what sudo said.
    Other(String),
}

/// What became of a probe; `with_password` when one was given.
pub(super) fn judge(status: i32, stdout: &[u8], stderr: &[u8], with_password: bool) -> Result<(), Denied> {
    if status == 0 && stdout.trim_ascii() == b"0" {
        return Ok(());
    }
    let said = String::from_utf8_lossy(stderr).trim().to_owned();
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    Err(if status == 127 || (status == 126 && has(&["ermission denied"])) {
        Denied::Missing
    } else if has(&["must have a tty", "no tty present", "a terminal is required"]) && !with_password {
        if has(&["must have a tty"]) { Denied::NeedsTerminal } else { Denied::PasswordNeeded }
    } else if has(&["must have a tty"]) {
        Denied::NeedsTerminal
    } else if has(&[
        "not in the sudoers file",
        "is not allowed to",
        "may not run sudo",
        "not allowed to run sudo",
    ]) {
        Denied::NotAllowed
    } else if has(&["Sorry, try again", "incorrect password", "no password was provided"]) {
        Denied::WrongPassword
    } else if has(&["password is required"]) {
        if with_password { Denied::WrongPassword } else { Denied::PasswordNeeded }
    } else if said.is_empty() {
        Denied::Other(format!(
            "`sudo` ended with status {status} and printed `{}`",
            String::from_utf8_lossy(stdout).trim()
        ))
    } else {
        Denied::Other(said)
    })
}

impl Denied {
    /// What is wrong and, after a line break, what to do.
    pub(super) fn text(&self, user: &str, host: &str) -> String {
        match self {
            Denied::Missing => format!(
                "user `{user}` cannot become root on {host}: `sudo` is not there\n\
                 install sudo on the host, or log in as root (`user = \"root\"`)"
            ),
            Denied::PasswordNeeded => format!(
                "user `{user}` cannot become root on {host}: sudo wants a password and none was given\n\
                 give it with `-K`, in `[ssh] become_password_file` or in CALICO_MESOS_INSTALL_BECOME_PASSWORD, or put \
                 `{user} ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/{user}"
            ),
            Denied::WrongPassword => format!(
                "user `{user}` cannot become root on {host}: sudo does not accept the password\n\
                 give the password with which `{user}` can run `sudo -k true` on that host"
            ),
            Denied::NotAllowed => format!(
                "user `{user}` cannot become root on {host}: sudo does not allow it\n\
                 put `{user} ALL=(ALL) ALL` into /etc/sudoers.d/{user} (see `visudo`), or log in as root"
            ),
            Denied::NeedsTerminal => format!(
                "user `{user}` cannot become root on {host}: sudo insists on a terminal\n\
                 put `Defaults:{user} !requiretty` into /etc/sudoers.d/{user}"
            ),
            Denied::Other(said) => format!(
                "user `{user}` cannot become root on {host}: {said}\n\
                 make `sudo id -u` print 0 for `{user}` on that host, or log in as root"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_the_shell() {
        let command = Command::new("printf").args(["%s", "a b"]);
        insta::assert_snapshot!(Elevation::None.line(&command), @"printf '%s' 'a b'");
        insta::assert_snapshot!(Elevation::Free.line(&command), @"sudo -n -- printf '%s' 'a b'");
        let password = Elevation::Password(SecretString::from("secret"));
        insta::assert_snapshot!(password.line(&command), @r#"sudo -S -k -p '' -- sh -c 'while IFS= read -r line; do if [ "$line" = "$0" ]; then exec "$@"; fi; done; exit 126' '--- input of the command begins ---' printf '%s' 'a b'"#);
        assert!(!password.line(&command).contains("secret"));
        assert!(!format!("{password:?}").contains("secret"));
    }

    #[test]
    fn the_guard_keeps_the_password_from_the_command_whether_sudo_reads_it_or_not() {
        for sudo in ["read -r password; ", ""] {
            let script = format!("{sudo}exec sh -c '{DROP_TO_GUARD}' '{GUARD}' cat");
            let mut child = std::process::Command::new("sh")
                .args(["-c", &script])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let preamble = Elevation::Password(SecretString::from("secret")).preamble();
            let input = format!("{}first\nsecret\n{GUARD}\nlast", preamble.expose_secret());
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("first\nsecret\n{GUARD}\nlast"));
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let free = |status, stderr: &str| judge(status, b"", stderr.as_bytes(), false);
        let with = |stderr: &str| judge(1, b"", stderr.as_bytes(), true);
        assert_eq!(judge(0, b"0\n", b"", false), Ok(()));
        assert_eq!(free(127, "env: 'sudo': No such file or directory"), Err(Denied::Missing));
        assert_eq!(free(1, "sudo: a password is required"), Err(Denied::PasswordNeeded));
        assert_eq!(free(1, "sudo: a terminal is required to read the password"), Err(Denied::PasswordNeeded));
        assert_eq!(free(1, "sudo: sorry, you must have a tty to run sudo"), Err(Denied::NeedsTerminal));
        assert_eq!(with("bob is not in the sudoers file."), Err(Denied::NotAllowed));
        assert_eq!(with("Sorry, user bob is not allowed to execute '/bin/sh'"), Err(Denied::NotAllowed));
        assert_eq!(
            with("Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt"),
            Err(Denied::WrongPassword)
        );
        assert_eq!(with("sudo: 3 incorrect password attempts"), Err(Denied::WrongPassword));
        assert_eq!(free(1, "sudo: unknown uid"), Err(Denied::Other("sudo: unknown uid".to_owned())));
        assert!(matches!(judge(0, b"1000\n", b"", false), Err(Denied::Other(_))));
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        for denied in [
            Denied::Missing,
            Denied::PasswordNeeded,
            Denied::WrongPassword,
            Denied::NotAllowed,
            Denied::NeedsTerminal,
            Denied::Other("x".to_owned()),
        ] {
            let text = denied.text("bob", "agent-1");
            assert!(text.contains("agent-1") && text.lines().count() == 2, "{text}");
        }
    }
}
