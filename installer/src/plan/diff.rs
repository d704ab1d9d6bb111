//! Unified diffs of files.

use similar::TextDiff;

use crate::model::HostPath;

/// What changes between two contents of a file, as a unified diff; none where one of them is not text.
pub fn unified_diff(path: &HostPath, old: Option<&[u8]>, new: &str) -> Option<String> {
    let old_text = std::str::from_utf8(old.unwrap_or_default()).ok()?;
    if old_text.contains('\0') {
        return None;
    }
    let name = path.as_str();
    let before = if old.is_some() { format!("a{name}") } else { "/dev/null".to_owned() };
    let diff = TextDiff::from_lines(old_text, new);
    Some(diff.unified_diff().context_radius(3).header(&before, &format!("b{name}")).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_names_the_file_and_shows_lines() {
        let path = "/etc/mesos/zk".parse().unwrap();
        insta::assert_snapshot!(unified_diff(&path, Some(b"a\nb\n"), "a\nc\n").unwrap(), @r"
        --- a/etc/mesos/zk
        +++ b/etc/mesos/zk
        @@ -1,2 +1,2 @@
         a
        -b
        +c
        ");
        insta::assert_snapshot!(unified_diff(&path, None, "a\n").unwrap(), @r"
        --- /dev/null
        +++ b/etc/mesos/zk
        @@ -0,0 +1 @@
        +a
        ");
        assert_eq!(unified_diff(&path, Some(&[0, 255]), "a\n"), None);
    }
}
