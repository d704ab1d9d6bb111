//! Checks in the form of JUnit. Source: the schema of Apache Ant's JUnit task, which CI systems read.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Check, Level};

/// All checks as one test suite.
pub fn junit(checks: &[Check], took: Duration) -> String {
    let count = |level: Level| checks.iter().filter(|check| check.level == level).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"verify\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" errors=\"0\" time=\"{:.3}\">\n",
        checks.len(),
        count(Level::Failed),
        count(Level::Skipped),
        took.as_secs_f64()
    );
    for check in checks {
        let of = check.host.as_ref().map_or_else(|| "cluster".to_owned(), ToString::to_string);
        let name =
            check.case().map_or_else(|| check.name.to_owned(), |case| format!("{} {case}", check.name));
        let seen = escaped(&check.seen);
        let inner = match check.level {
            Level::Passed => format!("<system-out>{seen}</system-out>"),
            Level::Failed => format!("<failure message=\"{}\">{seen}</failure>", escaped(check.name)),
            Level::Skipped => format!("<skipped message=\"{seen}\"/>"),
        };
        let _ = writeln!(
            text,
            "  <testcase classname=\"{}\" name=\"{}\">{inner}</testcase>",
            escaped(&of),
            escaped(&name)
        );
    }
    text.push_str("</testsuite>\n");
    text
}

/// Text as XML must have it; what XML cannot have at all is left out.
fn escaped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_become_test_cases() {
        let host = || Some("agent-1".parse().unwrap());
        let checks = [
            Check::new("no-drift", host(), true, "as the inventory says".to_owned()),
            Check::new("dns-leader", host(), false, "<\"a\" & b>\x07".to_owned()),
            Check::skipped("bgp-established", None, "alone".to_owned()),
            Check::new("task-runs", host(), true, "it runs".to_owned()).of_task("one-a"),
        ];
        insta::assert_snapshot!(junit(&checks, Duration::from_millis(1500)), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="verify" tests="4" failures="1" skipped="1" errors="0" time="1.500">
          <testcase classname="agent-1" name="no-drift"><system-out>as the inventory says</system-out></testcase>
          <testcase classname="agent-1" name="dns-leader"><failure message="dns-leader">&lt;&quot;a&quot; &amp; b&gt;</failure></testcase>
          <testcase classname="cluster" name="bgp-established"><skipped message="alone"/></testcase>
          <testcase classname="agent-1" name="task-runs one-a"><system-out>it runs</system-out></testcase>
        </testsuite>
        "#);
    }
}
