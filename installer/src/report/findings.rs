//! What the checks before a run found, for people.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use crate::checks::{Finding, Level};

/// The findings as text: each with its check, the hosts that it concerns, what was seen and what to do. What is the
/// same on several hosts is shown once.
pub fn show_findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    let same = |a: &Finding, b: &Finding| {
        (&a.name, a.level, &a.seen, &a.remedy) == (&b.name, b.level, &b.seen, &b.remedy)
    };
    for (at, finding) in findings.iter().enumerate() {
        if findings[..at].iter().any(|earlier| same(earlier, finding)) {
            continue;
        }
        let alike = findings.iter().filter(|other| same(other, finding));
        let hosts: Vec<&str> = alike.filter_map(|other| Some(other.host.as_ref()?.as_str())).collect();
        let mark = match finding.level {
            None => "✓".green().to_string(),
            Some(Level::Warn) => "!".yellow().to_string(),
            Some(Level::Fail) => "✗".red().to_string(),
        };
        let hosts = if hosts.is_empty() { String::new() } else { format!(" {}", hosts.join(", ")) };
        let _ = writeln!(text, "{mark} {}{hosts}: {}", finding.name.bold(), finding.seen);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "    {remedy}");
        }
    }
    text
}
