//! Answers of health checks, and what they mean.

use serde::{Deserialize, Serialize};

use crate::desired::{HealthCheck, Probe};

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing: connection refused, or no answer within three seconds.
    Nothing,
    /// These bytes; with HTTP, head and body.
    Bytes(Vec<u8>),
}

/// Whether a check passed, and what was seen if it did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// The answer is that of a healthy service.
    Healthy,
    /// It is not; the text says what was asked and answered.
    Unhealthy(String),
}

impl Answer {
    /// The body of an HTTP answer with status 200.
    ///
    /// # Errors
    /// What was answered instead.
    pub fn body(&self) -> Result<String, String> {
        let Self::Bytes(bytes) = self else { return Err("no answer".to_owned()) };
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        match head.split_whitespace().nth(1) {
            Some("200") => Ok(body.to_owned()),
            Some(status) => Err(format!("HTTP status {status}")),
            None => Err("an answer that is not HTTP".to_owned()),
        }
    }

    /// The whole answer as text.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// What `answer` says of the health of what `check` asked.
pub fn judge(check: &HealthCheck, answer: &Answer) -> Health {
    let HealthCheck { address, port, probe } = check;
    let seen = match (probe, answer) {
        (_, Answer::Nothing) => Err("no answer".to_owned()),
        (Probe::Tcp, Answer::Bytes(_)) => Ok(String::new()),
        (Probe::Http { .. } | Probe::Https { .. }, answer) => answer.body(),
        (Probe::Line { .. }, answer) => Ok(answer.text().unwrap_or_default()),
    };
    let (asked, wanted) = match probe {
        Probe::Tcp => (format!("tcp {address}:{port}"), None),
        Probe::Http { path, contains } => (format!("http://{address}:{port}{path}"), contains.as_deref()),
        Probe::Https { path, contains, .. } => {
            (format!("https://{address}:{port}{path}"), contains.as_deref())
        }
        Probe::Line { send, contains } => (format!("`{send}` to {address}:{port}"), Some(contains.as_str())),
    };
    match (seen, wanted) {
        (Err(seen), _) => Health::Unhealthy(format!("{asked}: {seen}")),
        // Mesos writes each `/` inside JSON with a backslash before it.
        (Ok(text), Some(wanted)) if !text.replace(r"\/", "/").contains(wanted) => {
            let seen: String = text.trim().chars().take(80).collect();
            Health::Unhealthy(format!("{asked}: `{wanted}` is not in the answer `{seen}`"))
        }
        (Ok(_), _) => Health::Healthy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(probe: Probe) -> HealthCheck {
        HealthCheck { address: [10, 0, 0, 1].into(), port: 80, probe }
    }

    fn http(contains: Option<&str>) -> HealthCheck {
        check(Probe::Http { path: "/health".to_owned(), contains: contains.map(str::to_owned) })
    }

    fn bytes(text: &str) -> Answer {
        Answer::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn http_needs_status_200_and_the_text() {
        let ok = bytes("HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"health\":\"true\"}");
        assert_eq!(judge(&http(None), &ok), Health::Healthy);
        assert_eq!(judge(&http(Some("\"true\"")), &ok), Health::Healthy);
        let Health::Unhealthy(why) = judge(&http(Some("leader")), &ok) else { panic!("must not pass") };
        insta::assert_snapshot!(why, @r#"http://10.0.0.1:80/health: `leader` is not in the answer `{"health":"true"}`"#);
        let Health::Unhealthy(why) = judge(&http(None), &bytes("HTTP/1.1 503 No\r\n\r\n")) else { panic!() };
        insta::assert_snapshot!(why, @"http://10.0.0.1:80/health: HTTP status 503");
        let metric = http(Some("\"slave/registered\":1"));
        let of_mesos = bytes("HTTP/1.1 200 OK\r\n\r\n{\"slave\\/registered\":1.0}");
        assert_eq!(judge(&metric, &of_mesos), Health::Healthy);
        // The text must be in the body, not in the head.
        assert_ne!(judge(&http(Some("A: b")), &ok), Health::Healthy);
    }

    #[test]
    fn silence_is_never_healthy() {
        for probe in [
            Probe::Tcp,
            Probe::Http { path: "/".to_owned(), contains: None },
            Probe::Line { send: "ruok".to_owned(), contains: String::new() },
        ] {
            assert_ne!(judge(&check(probe), &Answer::Nothing), Health::Healthy);
        }
    }

    #[test]
    fn a_line_is_answered_with_text() {
        let probe = check(Probe::Line { send: "ruok".to_owned(), contains: "imok".to_owned() });
        assert_eq!(judge(&probe, &bytes("imok")), Health::Healthy);
        assert_ne!(judge(&probe, &bytes("no")), Health::Healthy);
    }
}
