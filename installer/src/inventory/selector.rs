//! Which hosts a run is about: `--limit agent-*,@master,!agent-7`.

use std::collections::BTreeSet;
use std::str::FromStr;

use globset::{Glob, GlobMatcher};

use crate::diagnostic::{closest, list};
use crate::model::{HostName, RoleName};

/// Hosts by name, by glob, or by role (`@role`), with commas between; `!` in front takes hosts away.
/// When everything takes away, it begins with all hosts.
#[derive(Debug, Clone)]
pub struct Selector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    text: String,
    takes_away: bool,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Role(String),
    Names(GlobMatcher),
}

/// A selector that cannot be understood, or part of which is about no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// There is nothing between two commas.
    #[error("the selector `{0}` has an empty part\nwrite names, globs or @roles with commas between")]
    Empty(String),
    /// A glob with a syntax error.
    #[error("`{text}` is not a glob: {why}\nuse `*`, `?`, `[abc]` or `{{a,b}}`")]
    BadGlob {
        /// The part of the selector.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A part that is about no host.
    #[error("no host is meant by `{text}`\n{help}")]
    Unknown {
        /// The part of the selector.
        text: String,
        /// What there is instead.
        help: String,
    },
    /// All parts together leave no host.
    #[error("the selector `{0}` leaves no host\ntake away less")]
    Nothing(String),
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut terms = Vec::new();
        for part in split(text) {
            let part = part.trim();
            let (takes_away, rest) = match part.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, part),
            };
            if rest.is_empty() || rest == "@" {
                return Err(SelectorError::Empty(text.to_owned()));
            }
            let what = match rest.strip_prefix('@') {
                Some(role) => What::Role(role.to_owned()),
                None => What::Names(
                    Glob::new(rest)
                        .map_err(|error| SelectorError::BadGlob {
                            text: rest.to_owned(),
                            why: error.kind().to_string(),
                        })?
                        .compile_matcher(),
                ),
            };
            terms.push(Term { text: rest.to_owned(), takes_away, what });
        }
        Ok(Self { terms })
    }
}

/// The parts between commas; commas inside `{a,b}` belong to the glob.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

impl Selector {
    /// The hosts that are meant, of `hosts` with all their roles.
    ///
    /// # Errors
    /// When a part is about no host, or no host is left.
    pub fn select<'a>(
        &self,
        hosts: impl IntoIterator<Item = (&'a HostName, &'a [RoleName])>,
    ) -> Result<BTreeSet<HostName>, SelectorError> {
        let hosts: Vec<_> = hosts.into_iter().collect();
        let mut selected = BTreeSet::new();
        if self.terms.iter().all(|term| term.takes_away) {
            selected.extend(hosts.iter().map(|(name, _)| (*name).clone()));
        }
        for term in &self.terms {
            let meant: Vec<&HostName> =
                hosts.iter().filter(|(name, roles)| term.means(name, roles)).map(|(name, _)| *name).collect();
            if meant.is_empty() {
                return Err(SelectorError::Unknown { text: term.text.clone(), help: term.help(&hosts) });
            }
            for name in meant {
                if term.takes_away {
                    selected.remove(name);
                } else {
                    selected.insert(name.clone());
                }
            }
        }
        if selected.is_empty() { Err(SelectorError::Nothing(self.text())) } else { Ok(selected) }
    }

    fn text(&self) -> String {
        let part = |term: &Term| format!("{}{}", if term.takes_away { "!" } else { "" }, term.text);
        self.terms.iter().map(part).collect::<Vec<_>>().join(",")
    }
}

impl Term {
    fn means(&self, name: &HostName, roles: &[RoleName]) -> bool {
        match &self.what {
            What::Role(role) => roles.iter().any(|has| has.as_str() == role),
            What::Names(glob) => glob.is_match(name.as_str()),
        }
    }

    fn help(&self, hosts: &[(&HostName, &[RoleName])]) -> String {
        let roles: BTreeSet<&str> =
            hosts.iter().flat_map(|(_, roles)| roles.iter().map(RoleName::as_str)).collect();
        let names: Vec<&str> = hosts.iter().map(|(name, _)| name.as_str()).collect();
        match &self.what {
            What::Role(role) => match closest(role, roles.iter().copied()) {
                Some(role) => format!("did you mean `@{role}`?"),
                None => format!("the roles in this cluster are {}", list(roles)),
            },
            What::Names(_) if roles.contains(self.text.as_str()) => {
                format!("`{}` is a role: write `@{}`", self.text, self.text)
            }
            What::Names(_) => match closest(&self.text, names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if names.len() <= 12 => format!("the hosts are {}", list(names)),
                None => format!(
                    "there are {} hosts, from `{}` to `{}`",
                    names.len(),
                    names[0],
                    names[names.len() - 1]
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(text: &str) -> Result<Vec<String>, String> {
        let role = |name: &str| name.parse::<RoleName>().unwrap();
        let hosts: Vec<(HostName, Vec<RoleName>)> = [
            ("master-1", vec![role("master"), role("zookeeper")]),
            ("agent-1", vec![role("agent")]),
            ("agent-2", vec![role("agent")]),
            ("both", vec![role("agent"), role("master")]),
        ]
        .map(|(name, roles)| (name.parse().unwrap(), roles))
        .into();
        let selector: Selector = text.parse().map_err(|error: SelectorError| error.to_string())?;
        let selected = selector.select(hosts.iter().map(|(name, roles)| (name, roles.as_slice())));
        selected
            .map(|names| names.iter().map(ToString::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_globs_roles_and_exclusions() {
        assert_eq!(select("agent-1").unwrap(), ["agent-1"]);
        assert_eq!(select("agent-*").unwrap(), ["agent-1", "agent-2"]);
        assert_eq!(select("@master").unwrap(), ["both", "master-1"]);
        assert_eq!(select("agent-{1,2}, @zookeeper").unwrap(), ["agent-1", "agent-2", "master-1"]);
        assert_eq!(select("@agent,!both").unwrap(), ["agent-1", "agent-2"]);
        assert_eq!(select("!@agent").unwrap(), ["master-1"]);
    }

    #[test]
    fn what_means_no_host_is_refused() {
        let texts = [
            "agnet-1",
            "web",
            "@agnet",
            "@web",
            "agent",
            "x-*",
            "",
            "a,,b",
            "@",
            "[",
            "!*",
            "agent-1,!agent-*",
        ];
        let refusals = texts.map(|text| select(text).unwrap_err().replace('\n', " → "));
        insta::assert_snapshot!(refusals.join("\n"), @r"
        no host is meant by `agnet-1` → did you mean `agent-1`?
        no host is meant by `web` → the hosts are `master-1`, `agent-1`, `agent-2` and `both`
        no host is meant by `@agnet` → did you mean `@agent`?
        no host is meant by `@web` → the roles in this cluster are `agent`, `master` and `zookeeper`
        no host is meant by `agent` → `agent` is a role: write `@agent`
        no host is meant by `x-*` → the hosts are `master-1`, `agent-1`, `agent-2` and `both`
        the selector `` has an empty part → write names, globs or @roles with commas between
        the selector `a,,b` has an empty part → write names, globs or @roles with commas between
        the selector `@` has an empty part → write names, globs or @roles with commas between
        `[` is not a glob: unclosed character class; missing ']' → use `*`, `?`, `[abc]` or `{a,b}`
        the selector `!*` leaves no host → take away less
        the selector `agent-1,!agent-*` leaves no host → take away less
        ");
    }
}
