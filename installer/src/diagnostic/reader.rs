//! Strict reading of TOML tables: typed keys, and a mistake for everything that is not as expected.

use std::cell::{Cell, RefCell};

use super::{FromValue, Kind, Mistake, Mistakes, Place, Source, Spanned, Table, Value, list, suggestion};

/// One file being read: its tree, and the mistakes so far.
pub struct Reading {
    root: Table,
    mistakes: RefCell<Mistakes>,
    /// Lines with a syntax error: what else is wrong there follows from it.
    broken_lines: Vec<usize>,
    /// Whether values may be missing because of another mistake, so that absence proves nothing.
    incomplete: Cell<bool>,
}

impl Reading {
    /// Parses `source`; syntax errors are the first mistakes.
    pub fn new(source: &Source) -> Self {
        let (root, mistakes) = Table::parse(source);
        let broken_lines = mistakes.iter().map(|mistake| mistake.place.position().line).collect();
        let incomplete = Cell::new(!mistakes.is_empty());
        Self { root, mistakes: RefCell::new(mistakes), broken_lines, incomplete }
    }

    /// A reader of the document as a whole.
    pub fn root(&self) -> TableReader<'_> {
        TableReader::new(self, &self.root, "the file".to_owned())
    }

    /// Records a mistake.
    pub fn push(&self, mistake: Mistake) {
        self.incomplete.set(true);
        if !self.broken_lines.contains(&mistake.place.position().line) {
            self.mistakes.borrow_mut().push(mistake);
        }
    }

    /// Records that something is not there, unless it may only be missing because of a syntax error.
    pub fn push_missing(&self, mistake: Mistake) {
        self.incomplete.set(true);
        if self.broken_lines.is_empty() {
            self.mistakes.borrow_mut().push(mistake);
        }
    }

    /// Whether some values may be missing because of mistakes, so that nothing follows from their absence.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.get()
    }

    /// The mistakes found.
    pub fn into_mistakes(self) -> Mistakes {
        self.mistakes.into_inner()
    }
}

/// Reads the keys of one table. Call [`TableReader::finish`] at the end: it reports unknown keys.
pub struct TableReader<'a> {
    reading: &'a Reading,
    table: &'a Table,
    what: String,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> TableReader<'a> {
    fn new(reading: &'a Reading, table: &'a Table, what: String) -> Self {
        Self { reading, table, what, known: RefCell::default() }
    }

    /// Where the table begins.
    pub fn place(&self) -> &'a Place {
        &self.table.place
    }

    /// The file that is being read, for mistakes of one's own.
    pub fn reading(&self) -> &'a Reading {
        self.reading
    }

    /// The raw value of `key`.
    pub fn value(&self, key: &'static str) -> Option<&'a Value> {
        self.known.borrow_mut().push(key);
        self.table.get(key).map(|entry| &entry.value)
    }

    /// The value of `key`, if it is there and right.
    pub fn get<T: FromValue>(&self, key: &'static str) -> Option<Spanned<T>> {
        let value = self.value(key)?;
        T::from_value(value, self.reading).map(|found| Spanned::new(found, value.place.clone()))
    }

    /// The value of `key`, or `default`.
    pub fn get_or<T: FromValue>(&self, key: &'static str, default: T) -> T {
        self.get(key).map_or(default, |spanned| spanned.value)
    }

    /// The value of `key`, which must be there. `example` is a value as it could be written.
    pub fn need<T: FromValue>(&self, key: &'static str, example: &str) -> Option<Spanned<T>> {
        if self.value(key).is_none() {
            self.reading.push_missing(
                Mistake::new(&self.table.place, format!("`{key}` is missing in {}", self.what))
                    .help(format!("add `{key} = {example}`")),
            );
        }
        self.get(key)
    }

    /// The value of `key` that `parse` makes of its text. The error's text is cause and remedy, with `: `
    /// between.
    pub fn parsed<T, E: std::fmt::Display>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        let text = self.get::<String>(key)?;
        match parse(&text) {
            Ok(value) => Some(Spanned::new(value, text.place)),
            Err(error) => {
                self.reading.push(explained(&text.place, &error.to_string()));
                None
            }
        }
    }

    /// The value of `key`, one of a few words, each with its meaning.
    pub fn choice<T: Clone>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.get::<String>(key)?;
        match choices.iter().find(|(word, _)| *word == text.value) {
            Some((_, value)) => Some(Spanned::new(value.clone(), text.place)),
            None => {
                let words = || choices.iter().map(|(word, _)| *word);
                self.reading.push(
                    Mistake::new(&text.place, format!("`{key}` cannot be `{}`", text.value))
                        .label(format!("expected {}", list(words())))
                        .help(suggestion(&text, "choices", words())),
                );
                None
            }
        }
    }

    /// A reader of the table below `key`.
    pub fn table(&self, key: &'static str) -> Option<TableReader<'a>> {
        let value = self.value(key)?;
        match &value.kind {
            Kind::Table(table) => Some(TableReader::new(self.reading, table, format!("[{key}]"))),
            _ => {
                self.reading
                    .push(wrong_type("a table", value).help(format!("write `[{key}]` above its keys")));
                None
            }
        }
    }

    /// A reader of the table below `key`, which must be there.
    pub fn need_table(&self, key: &'static str) -> Option<TableReader<'a>> {
        if self.value(key).is_none() {
            self.reading.push_missing(
                Mistake::new(&self.table.place, format!("[{key}] is missing in {}", self.what))
                    .help(format!("add a table `[{key}]`")),
            );
        }
        self.table(key)
    }

    /// Readers of the tables in the list below `key`, none where it is not there.
    pub fn tables(&self, key: &'static str) -> Vec<TableReader<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let reader = |table| TableReader::new(self.reading, table, format!("[[{key}]]"));
        let help = format!("write `[[{key}]]` above the keys of each");
        let Kind::List(items) = &value.kind else {
            self.reading.push(wrong_type("a list of tables", value).help(help));
            return Vec::new();
        };
        let mut readers = Vec::new();
        for item in items {
            match &item.kind {
                Kind::Table(table) => readers.push(reader(table)),
                _ => self.reading.push(wrong_type("a table", item).help(&help)),
            }
        }
        readers
    }

    /// Readers of the tables in a table whose keys are free, for example `[vars.NAME]`, with their keys.
    pub fn named_tables(&self) -> Vec<(&'a Spanned<String>, TableReader<'a>)> {
        let mut readers = Vec::new();
        for entry in &self.table.entries {
            match &entry.value.kind {
                Kind::Table(table) => {
                    let what = format!("`{}`", entry.key.value);
                    readers.push((&entry.key, TableReader::new(self.reading, table, what)));
                }
                _ => self.reading.push(wrong_type("a table", &entry.value)),
            }
        }
        readers
    }

    /// All entries of a table whose keys are free, for example `[vars]`.
    pub fn entries(&self) -> &'a [super::Entry] {
        &self.table.entries
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for entry in &self.table.entries {
            let key = &entry.key;
            if !known.contains(&key.as_str()) {
                self.reading.push(
                    Mistake::new(&key.place, format!("unknown key `{}` in {}", key.value, self.what))
                        .help(suggestion(key, "keys here", known.iter().copied())),
                );
            }
        }
    }
}

/// A mistake out of an error's text that has cause and remedy with `: ` between.
pub(super) fn explained(place: &Place, text: &str) -> Mistake {
    match text.rsplit_once(": ") {
        Some((cause, remedy)) => Mistake::new(place, cause).help(remedy),
        None => Mistake::new(place, text),
    }
}

pub(super) fn wrong_type(expected: &str, value: &Value) -> Mistake {
    Mistake::new(&value.place, format!("expected {expected}, found {}", value.describe()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::HostName;

    fn mistakes_of(text: &str, read: impl Fn(&TableReader<'_>)) -> String {
        let reading = Reading::new(&Source::new("x.toml", text));
        let root = reading.root();
        read(&root);
        root.finish();
        reading.into_mistakes().sorted().to_string()
    }

    #[test]
    fn every_syntax_error_is_reported_at_once() {
        let text = "a = \nb = \"x\nc 1\n[t\ne = [1, 2\n";
        insta::assert_snapshot!(mistakes_of(text, |_| ()), @r#"
        x.toml:1:5: not TOML: a value is missing
          help: write a value behind the `=`, or remove the line
        x.toml:2:7: not TOML: the text does not end
          help: put texts between double quotes, on one line: name = "value"
        x.toml:3:3: not TOML: key with no value
          help: write `key = value`, one to a line; texts between double quotes, lists between `[` and `]`
        x.toml:4:3: not TOML: unclosed table
          help: write `key = value`, one to a line; texts between double quotes, lists between `[` and `]`
        x.toml:5:10: not TOML: unclosed array
          help: lists are written `[1, 2]`; look for the `]` or the comma that is missing above
        "#);
        let twice = "[a]\nd = 1\nd = 2\n[a]\ne = 1\n";
        insta::assert_snapshot!(mistakes_of(twice, |root| assert!(root.value("a").is_some())), @r"
        x.toml:3:1: not TOML: duplicate key
          help: give every key once; entries of a list of tables begin with `[[name]]`
        x.toml:4:2: not TOML: duplicate key
          help: give every key once; entries of a list of tables begin with `[[name]]`
        ");
    }

    #[test]
    fn types_are_told_in_words() {
        let text = "s = 1\nl = 5\nm = [1, \"x\"]\nb = \"yes\"\nn = 1.5\np = 70000\nd = 10\nu = \"5 parsecs\"\nh = \"a_b\"\nt = 1\n[[tt]]\n";
        let read = |root: &TableReader<'_>| {
            root.get::<String>("s");
            root.get::<Vec<Spanned<String>>>("l");
            root.get::<Vec<Spanned<String>>>("m");
            root.get::<bool>("b");
            root.get::<u32>("n");
            root.get::<u16>("p");
            root.get::<Duration>("d");
            root.get::<Duration>("u");
            root.get::<HostName>("h");
            root.table("t");
            root.table("tt");
            root.need::<String>("name", "\"demo\"");
            root.need_table("cluster");
        };
        insta::assert_snapshot!(mistakes_of(text, read), @r#"
        x.toml:1:1: [cluster] is missing in the file
          help: add a table `[cluster]`
        x.toml:1:1: `name` is missing in the file
          help: add `name = "demo"`
        x.toml:1:5: expected a string, found a number
          help: put it between double quotes: "1"
        x.toml:2:5: expected a list of strings, found a number
          help: put the values between `[` and `]`, with commas between
        x.toml:3:6: expected a string, found a number
          help: put it between double quotes: "1"
        x.toml:4:5: expected true or false, found a string
          help: write true or false, without quotes
        x.toml:5:5: expected a whole number, found a number with a fraction
          help: write a whole number, without quotes
        x.toml:6:5: 70000 is out of range
          help: use a number from 0 to 65535
        x.toml:7:5: expected a duration such as "10s", found a number
          help: write a number with its unit between quotes: "10s", "5m"
        x.toml:8:5: `5 parsecs` is not a duration
          help: write numbers with units, for example "10s", "5m" or "1h 30m"
        x.toml:9:5: `a_b` is not a host name
          help: use letters, digits and `-`, at most 63 between dots, with a letter or digit at both ends
        x.toml:10:5: expected a table, found a number
          help: write `[t]` above its keys
        x.toml:11:1: expected a table, found a list
          help: write `[tt]` above its keys
        "#);
    }

    #[test]
    fn unknown_keys_are_told_what_was_meant() {
        let read = |root: &TableReader<'_>| {
            root.get::<String>("release");
            root.get::<String>("name");
        };
        insta::assert_snapshot!(mistakes_of("relaese = \"1\"\nx.y = 2\n", read), @r"
        x.toml:1:1: unknown key `relaese` in the file
          help: did you mean `release`?
        x.toml:2:1: unknown key `x` in the file
          help: the keys here are `name` and `release`
        ");
    }
}
