//! From the text of an `ssh_config` to its settings.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Criterion, Line, Setting, expand_home};
use crate::transport::TransportError;
use crate::transport::ssh::local_user;

/// As deep as OpenSSH follows `Include`.
const MAX_DEPTH: usize = 16;

/// Adds the settings of `file` to `lines`; `outer` is the scope of the line that included it.
pub(super) fn file(
    file: &Utf8Path,
    home: Option<&Utf8Path>,
    outer: &[Criterion],
    depth: usize,
    lines: &mut Vec<Line>,
) -> Result<(), TransportError> {
    if depth > MAX_DEPTH {
        return Err(TransportError::unreachable(format!(
            "{file} is included more than {MAX_DEPTH} files deep\nlook for an Include that leads back to itself"
        )));
    }
    let text = fs_err::read_to_string(file).map_err(|error| {
        TransportError::unreachable(format!(
            "cannot read the SSH configuration {file}\nmake it readable text, or name another one"
        ))
        .caused_by(error)
    })?;
    let mut scope = outer.to_vec();
    for (index, line) in text.lines().enumerate() {
        let Some((keyword, words)) = split(line).map_err(|problem| wrong(file, index, line, problem))? else {
            continue;
        };
        match keyword.as_str() {
            "host" => {
                scope = outer.to_vec();
                scope.push(Criterion::Names { patterns: words, negated: false });
            }
            "match" => {
                scope = outer.to_vec();
                scope.extend(match_criteria(&words));
            }
            "include" => {
                for word in &words {
                    for found in included(word, home) {
                        self::file(&found, home, &scope, depth + 1, lines)?;
                    }
                }
            }
            _ => {
                let settings =
                    settings(&keyword, &words).map_err(|problem| wrong(file, index, line, problem))?;
                lines.extend(settings.into_iter().map(|setting| Line { scope: scope.clone(), setting }));
            }
        }
    }
    Ok(())
}

fn wrong(file: &Utf8Path, index: usize, line: &str, problem: &str) -> TransportError {
    TransportError::unreachable(format!(
        "{file}:{}: `{}`: {problem}\ncorrect the line; `ssh -G HOST` shows how OpenSSH understands the file",
        index + 1,
        line.trim()
    ))
}

/// A line's keyword in lower case and its arguments; nothing for an empty line or a comment.
fn split(line: &str) -> Result<Option<(String, Vec<String>)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let end = line.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let words = words(rest)?;
    if words.is_empty() {
        return Err("the value is missing");
    }
    Ok(Some((keyword.to_ascii_lowercase(), words)))
}

/// Words separated by white space; quotes keep white space, `\` takes a quote or itself literally, and
/// a `#` that begins a word begins a comment.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        match letters.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if letters.peek().is_some_and(|next| matches!(next, '"' | '\'' | '\\')) => {
                    word.extend(letters.next());
                }
                '"' | '\'' if quote.is_none() => quote = Some(letter),
                _ if quote == Some(letter) => quote = None,
                _ if quote.is_none() && letter.is_whitespace() => break,
                _ => word.push(letter),
            }
        }
        if quote.is_some() {
            return Err("a quotation mark is missing its partner");
        }
        words.push(word);
    }
}

/// The files that an `Include` argument stands for, in order; one that matches nothing is no error.
fn included(word: &str, home: Option<&Utf8Path>) -> Vec<Utf8PathBuf> {
    let path = expand_home(word, home);
    let path = match home {
        Some(home) if path.is_relative() => home.join(".ssh").join(path),
        _ => path,
    };
    let Ok(glob) = globset::GlobBuilder::new(path.as_str()).literal_separator(true).build() else {
        return Vec::new();
    };
    let matcher = glob.compile_matcher();
    // The folder before the first wild card is as far as one need look.
    let fixed: Utf8PathBuf =
        path.components().take_while(|part| !part.as_str().contains(['*', '?', '[', '{'])).collect();
    if fixed == path {
        return if path.is_file() { vec![path] } else { Vec::new() };
    }
    let depth = path.components().count() - fixed.components().count();
    walkdir::WalkDir::new(&fixed)
        .max_depth(depth)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|entry| !entry.file_type().is_dir() && matcher.is_match(entry.path()))
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .collect()
}

/// The criteria of a `Match` line.
fn match_criteria(words: &[String]) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (negated, kind) = match word.strip_prefix('!') {
            Some(kind) => (true, kind),
            None => (false, word.as_str()),
        };
        let kind = kind.to_ascii_lowercase();
        let patterns = |text: Option<&String>| -> Vec<String> {
            text.map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        match kind.as_str() {
            "all" if !negated => {}
            "host" | "originalhost" => {
                criteria.push(Criterion::Names { patterns: patterns(words.next()), negated });
            }
            "localuser" => {
                let patterns = patterns(words.next());
                let user = local_user().unwrap_or_default();
                let holds =
                    super::pattern::list_matches(patterns.iter().map(String::as_str), &[user.as_str()]);
                if holds == negated {
                    criteria.push(Criterion::Never);
                }
            }
            _ => return vec![Criterion::Never],
        }
    }
    criteria
}

/// The settings of one line: none when the keyword is not one of ours.
fn settings(keyword: &str, words: &[String]) -> Result<Vec<Setting>, &'static str> {
    let first = words.first().cloned().unwrap_or_default();
    let setting = match keyword {
        "hostname" => Setting::HostName(first),
        "hostkeyalias" => Setting::HostKeyAlias(first),
        "user" => Setting::User(first),
        "port" => match first.parse() {
            Ok(port) if port > 0 => Setting::Port(port),
            _ => return Err("a port is a number from 1 to 65535"),
        },
        "identityfile" => {
            return Ok(words.iter().map(|word| Setting::IdentityFile(word.clone())).collect());
        }
        "identitiesonly" => match first.to_ascii_lowercase().as_str() {
            "yes" | "true" => Setting::IdentitiesOnly(true),
            "no" | "false" => Setting::IdentitiesOnly(false),
            _ => return Err("write `yes` or `no`"),
        },
        "proxyjump" if first.eq_ignore_ascii_case("none") => Setting::ProxyJump(Vec::new()),
        "proxyjump" => Setting::ProxyJump(first.split(',').map(|hop| hop.trim().to_owned()).collect()),
        "proxycommand" if first.eq_ignore_ascii_case("none") => Setting::ProxyJump(Vec::new()),
        "proxycommand" => Setting::ProxyCommand,
        "userknownhostsfile" if first.eq_ignore_ascii_case("none") => Setting::UserKnownHostsFile(Vec::new()),
        "userknownhostsfile" => Setting::UserKnownHostsFile(words.to_vec()),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![setting])
}
