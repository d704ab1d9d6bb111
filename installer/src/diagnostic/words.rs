//! Words for messages: lists, quantities, "did you mean".

/// The candidate that `word` was probably meant to be, if one is close enough.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What to write instead of `word`: the candidate that was probably meant, or all that there are.
/// `what` names the candidates, for example "roles".
pub fn suggestion<'a>(word: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    candidates.sort_unstable();
    candidates.dedup();
    // The number nearest to another says nothing.
    let is_word = word.contains(|c: char| c.is_alphabetic());
    match closest(word, candidates.iter().copied()).filter(|_| is_word) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None if candidates.is_empty() => format!("there are no {what}"),
        None => format!("the {what} are {}", list(candidates)),
    }
}

/// `a`, `b` and `c`, each in backquotes.
pub fn list<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match words.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 host`, `2 hosts`.
pub fn quantity(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// An error with all its causes, a line each.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n  because: {error}"));
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        let roles = ["master", "agent", "zookeeper"];
        assert_eq!(suggestion("mastre", "roles", roles), "did you mean `master`?");
        assert_eq!(suggestion("Agents", "roles", roles), "did you mean `agent`?");
        assert_eq!(suggestion("web", "roles", roles), "the roles are `agent`, `master` and `zookeeper`");
        assert_eq!(suggestion("web", "roles", []), "there are no roles");
    }
}
