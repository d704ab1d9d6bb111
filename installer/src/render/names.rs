//! Which names a template uses, and whether its context has them.
//!
//! Tera reports an unknown name where its value is written out, but takes it for false in a condition. So
//! the names are read from the template's text: Tera has parsed it, hence tags can be read loosely here.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Shape;
use crate::diagnostic::{Mistake, Mistakes, Source, suggestion};

const KEYWORDS: [&str; 26] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "set_global",
    "endset",
    "filter",
    "endfilter",
    "raw",
    "endraw",
    "true",
    "false",
    "True",
    "False",
    "none",
    "None",
    "continue",
    "break",
];

/// Filters that leave the shape of a list's items as it is.
const KEEPING: [&str; 4] = ["sort", "unique", "reverse", "slice"];

/// The names in a template, and in those of the `parts` that it includes, that a context of the shape does not
/// have.
pub(super) fn check(source: &Source, parts: &BTreeMap<String, Source>, context: &Shape) -> Mistakes {
    let mut checker = Checker { source, parts, scopes: vec![Vec::new()], context, mistakes: Mistakes::new() };
    checker.text(source);
    checker.mistakes
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Text,
    Number,
    Sign,
}

#[derive(Debug, Clone)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    span: Range<usize>,
}

/// The tokens of every `{{ }}` and `[% %]`, comments and raw blocks left out.
fn tags(text: &str) -> Vec<Vec<Token<'_>>> {
    let mut tags: Vec<Vec<Token<'_>>> = Vec::new();
    let mut at = 0;
    let mut raw = false;
    while let Some((start, open)) =
        ["{{", "[%", "[#"].into_iter().filter_map(|open| Some((at + text[at..].find(open)?, open))).min()
    {
        at = start + open.len();
        if open == "[#" {
            at = text[at..].find("#]").map_or(text.len(), |end| at + end + 2);
            continue;
        }
        let (tokens, end) = tokens(text, at, if open == "{{" { "}}" } else { "%]" });
        let word = tokens.first().filter(|_| open == "[%").map_or("", |token| token.text);
        if raw && word != "endraw" {
            continue;
        }
        raw = word == "raw";
        at = end;
        tags.push(tokens);
    }
    tags
}

fn tokens<'a>(text: &'a str, from: usize, close: &str) -> (Vec<Token<'a>>, usize) {
    let mut tokens = Vec::new();
    let mut at = from;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(close) {
            return (tokens, at + close.len());
        }
        let rest = &text[at..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let (kind, length) = match c {
            '"' | '\'' | '`' => (Kind::Text, string_length(rest, c)),
            c if c.is_ascii_digit() => (Kind::Number, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            c if is_word(c) => (Kind::Name, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            _ => (Kind::Sign, c.len_utf8()),
        };
        if !c.is_whitespace() {
            tokens.push(Token { kind, text: &text[at..at + length], span: at..at + length });
        }
        at += length;
    }
    (tokens, at)
}

/// The length of the string at the beginning of `text`, quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return index + c.len_utf8();
        }
    }
    text.len()
}

struct Checker<'a> {
    source: &'a Source,
    parts: &'a BTreeMap<String, Source>,
    /// Names that the template itself introduces, innermost last.
    scopes: Vec<Vec<(String, Shape)>>,
    context: &'a Shape,
    mistakes: Mistakes,
}

impl<'a> Checker<'a> {
    fn text(&mut self, source: &'a Source) {
        let outer = std::mem::replace(&mut self.source, source);
        for tag in tags(source.text()) {
            self.tag(&tag);
        }
        self.source = outer;
    }

    /// An included template sees the names of the place that it is included at; its own end with it. Tera has
    /// refused names that are no parts, and circles.
    fn include(&mut self, tokens: &[Token<'_>]) {
        let name = tokens.get(1).map_or("", |token| token.text).trim_matches(['"', '\'', '`']);
        if let Some(part) = self.parts.get(name) {
            let depth = self.scopes.len();
            self.scopes.push(Vec::new());
            self.text(part);
            self.scopes.truncate(depth);
        }
    }

    fn tag(&mut self, tokens: &[Token<'_>]) {
        // `[%-` begins with a sign that controls white space.
        let tokens = match tokens.first() {
            Some(first) if first.text == "-" => &tokens[1..],
            _ => tokens,
        };
        let Some(first) = tokens.first() else { return };
        match first.text {
            "for" => self.begin_for(tokens),
            "endfor" => {
                if self.scopes.len() > 1 {
                    self.scopes.pop();
                }
            }
            "set" | "set_global" => {
                self.expression(&tokens[2.min(tokens.len())..]);
                if let Some(name) = tokens.get(1) {
                    self.introduce(name.text, Shape::Any);
                }
            }
            "include" => self.include(tokens),
            "filter" => self.expression(&tokens[2.min(tokens.len())..]),
            _ => self.expression(tokens),
        }
    }

    /// `for item in list`, `for key, value in map`.
    fn begin_for(&mut self, tokens: &[Token<'_>]) {
        let Some(position) = tokens.iter().position(|token| token.text == "in") else { return };
        let over = &tokens[position + 1..];
        self.expression(over);
        let whole = self.shape_of(over);
        let names: Vec<&str> = tokens[1..position]
            .iter()
            .filter(|token| token.kind == Kind::Name)
            .map(|token| token.text)
            .collect();
        let item = match whole {
            Shape::List(item) | Shape::Map(item) => *item,
            Shape::Record(_) | Shape::Scalar | Shape::Any => Shape::Any,
        };
        let mut scope = vec![("loop".to_owned(), Shape::Any)];
        match names.as_slice() {
            [key, value] => {
                scope.push(((*key).to_owned(), Shape::Scalar));
                scope.push(((*value).to_owned(), item));
            }
            names => scope.extend(names.iter().map(|name| ((*name).to_owned(), item.clone()))),
        }
        self.scopes.push(scope);
    }

    /// The shape of an expression that is a path, perhaps with filters that keep the shape; else nothing is
    /// known of it.
    fn shape_of(&mut self, tokens: &[Token<'_>]) -> Shape {
        let Some(first) = tokens.first().filter(|token| token.kind == Kind::Name) else { return Shape::Any };
        let Some(root) = self.lookup(first.text) else { return Shape::Any };
        let before = self.mistakes.len();
        let (shape, used) = self.follow(root, tokens, 0);
        self.mistakes.truncate(before);
        let mut rest = tokens[used..].iter();
        while let Some(token) = rest.next() {
            let keeps = token.text == "|" && rest.next().is_some_and(|filter| KEEPING.contains(&filter.text));
            if token.text == "-" {
                continue;
            }
            if !keeps {
                return Shape::Any;
            }
        }
        shape
    }

    fn introduce(&mut self, name: &str, shape: Shape) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((name.to_owned(), shape));
        }
    }

    fn lookup(&self, name: &str) -> Option<Shape> {
        let local =
            self.scopes.iter().rev().flat_map(|scope| scope.iter().rev()).find(|(known, _)| known == name);
        match (local, self.context) {
            (Some((_, shape)), _) => Some(shape.clone()),
            (None, Shape::Record(keys)) => keys.get(name).cloned(),
            (None, _) => Some(Shape::Any),
        }
    }

    fn expression(&mut self, tokens: &[Token<'_>]) {
        let mark = self.scopes.last().map_or(0, Vec::len);
        // `[x for x in list]`: the name comes before it is introduced.
        for window in tokens.windows(3) {
            if window[0].text == "for" {
                for token in window[1..].iter().filter(|token| token.kind == Kind::Name && token.text != "in")
                {
                    self.introduce(token.text, Shape::Any);
                }
            }
        }
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token.kind {
                Kind::Name if self.is_name_of_value(tokens, at) => self.path(tokens, at),
                _ => at + 1,
            };
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.truncate(mark);
        }
    }

    /// Whether the name stands for a value, and not for a filter, a test, a function or an argument.
    fn is_name_of_value(&self, tokens: &[Token<'_>], at: usize) -> bool {
        let text =
            |index: Option<usize>| index.and_then(|index| tokens.get(index)).map_or("", |token| token.text);
        let (before, after) = (text(at.checked_sub(1)), text(Some(at + 1)));
        let test = before == "is" || (before == "not" && text(at.checked_sub(2)) == "is");
        let argument = after == "=" && text(Some(at + 2)) != "=";
        !KEYWORDS.contains(&tokens[at].text) && before != "|" && !test && after != "(" && !argument
    }

    /// Checks the path that begins at the name, and returns where it ends.
    fn path(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let name = &tokens[at];
        match self.lookup(name.text) {
            Some(root) => at + self.follow(root, &tokens[at..], 0).1,
            None => {
                let locals = self.scopes.iter().flatten().map(|(name, _)| name.clone());
                let mut known: Vec<String> = locals.collect();
                if let Shape::Record(keys) = self.context {
                    known.extend(keys.keys().cloned());
                }
                self.unknown(name, name.text, known.iter().map(String::as_str));
                self.follow(Shape::Any, &tokens[at..], 0).1 + at
            }
        }
    }

    /// Follows `.name`, `?.name` and `["name"]` from the first token on; returns the shape that they lead to and
    /// how many tokens they take.
    fn follow(&mut self, mut shape: Shape, tokens: &[Token<'_>], start: usize) -> (Shape, usize) {
        let mut at = start + 1;
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        loop {
            if text(at) == "?" && [".", "["].contains(&text(at + 1)) {
                at += 1;
            }
            match (text(at), tokens.get(at + 1)) {
                (".", Some(name)) if name.kind != Kind::Sign => {
                    shape = self.step(shape, name, name.text);
                    at += 2;
                }
                ("[", Some(key)) if key.kind == Kind::Text && text(at + 2) == "]" => {
                    let inner = &key.text[1..key.text.len().saturating_sub(1).max(1)];
                    shape = self.step(shape, key, inner);
                    at += 3;
                }
                ("[", Some(_)) => {
                    let mut depth = 0_usize;
                    let length = tokens[at..].iter().position(|token| {
                        match token.text {
                            "[" => depth += 1,
                            "]" => depth -= 1,
                            _ => {}
                        }
                        depth == 0
                    });
                    let end = length.map_or(tokens.len(), |length| at + length);
                    self.expression(&tokens[at + 1..end]);
                    shape = match shape {
                        Shape::List(item) | Shape::Map(item) => *item,
                        _ => Shape::Any,
                    };
                    at = (end + 1).min(tokens.len());
                }
                _ => return (shape, at),
            }
        }
    }

    fn step(&mut self, shape: Shape, token: &Token<'_>, key: &str) -> Shape {
        match shape {
            Shape::Record(mut keys) => keys.remove(key).unwrap_or_else(|| {
                self.unknown(token, key, keys.keys().map(String::as_str));
                Shape::Any
            }),
            Shape::Map(value) => *value,
            Shape::List(item) if token.kind == Kind::Number => *item,
            Shape::Scalar | Shape::List(_) => {
                self.unknown(token, key, []);
                Shape::Any
            }
            Shape::Any => Shape::Any,
        }
    }

    fn unknown<'n>(&mut self, token: &Token<'_>, name: &str, known: impl IntoIterator<Item = &'n str>) {
        self.mistakes.push(
            Mistake::new(&self.source.place(token.span.clone()), format!("template: unknown name `{name}`"))
                .help(suggestion(name, "names here", known)),
        );
    }
}
