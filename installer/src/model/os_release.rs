//! What a machine says of its distribution.

/// The lines of `/etc/os-release` by which a distribution is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsRelease<'a> {
    /// `ID`.
    pub id: &'a str,
    /// `ID_LIKE`: the `ID`s of what it is made from, with spaces between; empty where it says nothing.
    pub id_like: &'a str,
    /// `VERSION_ID`.
    pub version_id: &'a str,
}

impl<'a> OsRelease<'a> {
    /// Reads the file's text; what it does not say is empty.
    pub fn read(text: &'a str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\''])
        };
        Self { id: value("ID"), id_like: value("ID_LIKE"), version_id: value("VERSION_ID") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_no_part_of_a_value() {
        let text = "NAME=x\nVERSION_ID='8.10'\nID_LIKE=\"rhel centos fedora\"\nID=rocky\n";
        let expected = OsRelease { id: "rocky", id_like: "rhel centos fedora", version_id: "8.10" };
        assert_eq!(OsRelease::read(text), expected);
        assert_eq!(OsRelease::read("ID_LIKE=debian\n").id, "", "not a key of which another is the beginning");
    }
}
