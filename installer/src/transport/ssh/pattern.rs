//! The patterns of `ssh_config` and `known_hosts`: `*`, `?`, and a leading `!` that excludes.

/// Whether `text` matches `pattern`, in which `*` stands for any run and `?` for any one character.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on when a run of `*` turns out to have been too short.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                p = star + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

/// Whether one of `names` matches a positive pattern of the list and none matches a negated one.
pub(super) fn list_matches<'a>(patterns: impl IntoIterator<Item = &'a str>, names: &[&str]) -> bool {
    let mut found = false;
    for pattern in patterns {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        if names.iter().any(|name| matches(pattern, name)) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abbc"), ("a*c", "ac"), ("10.0.?.*", "10.0.1.22"), ("*.a*b", "x.aab")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("?", ""), ("a*c", "abcd"), ("10.0.?.*", "10.0.11.2"), ("", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_negated_pattern_wins_and_does_not_match_by_itself() {
        assert!(list_matches(["*.org", "!b.org"], &["a.org"]));
        assert!(!list_matches(["*.org", "!b.org"], &["b.org"]));
        assert!(!list_matches(["!b.org"], &["a.org"]));
        assert!(!list_matches(["*", "!10.0.0.5"], &["agent-1", "10.0.0.5"]));
    }
}
