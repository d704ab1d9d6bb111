//! A TOML document as a tree whose every node knows its place.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Mistake, Mistakes, Place, Source, Spanned};

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Value {
    /// Where it was written.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a TOML value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A string.
    String(String),
    /// A whole number; `None` where it does not fit into 64 bits.
    Integer(Option<i64>),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date, a time, or both, as it was written.
    Datetime(String),
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
}

/// A table's entries in the order of the file.
#[derive(Debug, Clone)]
pub struct Table {
    /// Where it begins; for the document as a whole, its first byte.
    pub place: Place,
    /// Its entries.
    pub entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Value,
}

impl Value {
    /// What the value is, in words: "a number", "a list".
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::String(_) => "a string",
            Kind::Integer(_) => "a number",
            Kind::Float(_) => "a number with a fraction",
            Kind::Bool(_) => "true or false",
            Kind::Datetime(_) => "a date or time",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
        }
    }

    fn read(source: &Source, value: &toml::Spanned<DeValue<'_>>) -> Self {
        let place = source.place(value.span());
        let kind = match value.get_ref() {
            DeValue::String(text) => Kind::String(text.clone().into_owned()),
            DeValue::Integer(number) => {
                Kind::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Float(number) => Kind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Kind::Bool(*flag),
            DeValue::Datetime(time) => Kind::Datetime(time.to_string()),
            DeValue::Array(items) => Kind::List(items.iter().map(|item| Self::read(source, item)).collect()),
            DeValue::Table(table) => Kind::Table(Table::read(source, place.clone(), table)),
        };
        Self { place, kind }
    }
}

impl Table {
    /// Reads a TOML document. All its syntax errors are found at once; the table holds what could be
    /// understood nevertheless.
    pub fn parse(source: &Source) -> (Self, Mistakes) {
        let mut text = source.text().to_owned();
        // By line: what follows on the same line is nearly always a consequence of the first.
        let mut mistakes: BTreeMap<usize, Mistake> = BTreeMap::new();
        loop {
            let (document, errors) = DeTable::parse_recoverable(&text);
            let mut ends: Vec<Range<usize>> = Vec::new();
            for error in errors {
                let place = source.place(error.span().unwrap_or(0..0));
                if ["key with no value", "invalid key"].iter().any(|end| error.message().starts_with(end)) {
                    ends.push(line_of(&text, place.span().start));
                }
                mistakes
                    .entry(place.position().line)
                    .or_insert_with(|| syntax_mistake(&place, error.message()));
            }
            ends.retain(|line| !text[line.clone()].trim().is_empty());
            if ends.is_empty() {
                let table = Self::read(source, source.place(0..0), document.get_ref());
                let mut all = Mistakes::new();
                all.extend(mistakes.into_values());
                return (table, all);
            }
            // The parser gives up behind such a line. Without it, the rest can be read.
            drop(document);
            for line in ends {
                let blanks = " ".repeat(line.len());
                text.replace_range(line, &blanks);
            }
        }
    }

    fn read(source: &Source, place: Place, table: &DeTable<'_>) -> Self {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: Spanned::new(key.get_ref().clone().into_owned(), source.place(key.span())),
                value: Value::read(source, value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key.place.span().start);
        Self { place, entries }
    }

    /// The entry with the key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.value == key)
    }
}

/// The line that the byte is in, without its end.
fn line_of(text: &str, offset: usize) -> Range<usize> {
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |length| offset + length);
    start..end
}

/// The parser's terse message with a remedy.
fn syntax_mistake(place: &Place, message: &str) -> Mistake {
    let rest_of_line = place.source().text()[place.span().start..].lines().next().unwrap_or_default();
    let (cause, _expected) = message.split_once(", expected").unwrap_or((message, ""));
    let (cause, help) = if cause.contains("duplicate") {
        (cause, "give every key once; entries of a list of tables begin with `[[name]]`")
    } else if cause.contains("quoted") && rest_of_line.trim().is_empty() {
        ("a value is missing", "write a value behind the `=`, or remove the line")
    } else if cause.contains("float") || cause.contains("integer") || cause.contains("number") {
        ("this is no number", "put texts, addresses too, between double quotes: address = \"10.0.0.2\"")
    } else if cause == "invalid basic string" {
        ("the text does not end", "put texts between double quotes, on one line: name = \"value\"")
    } else if cause.contains("string") {
        (cause, "put texts between double quotes, on one line: name = \"value\"")
    } else if cause.contains("array") {
        (cause, "lists are written `[1, 2]`; look for the `]` or the comma that is missing above")
    } else {
        (cause, "write `key = value`, one to a line; texts between double quotes, lists between `[` and `]`")
    };
    Mistake::new(place, format!("not TOML: {cause}")).help(help)
}
