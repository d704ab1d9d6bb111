//! TOML files that serde reads into a type, with the places of their values.

use serde::de::DeserializeOwned;

use super::reader::explained;
use super::{Kind, Mistake, Mistakes, Place, Source, Table, suggestion};

/// A file's content as a type, for files that are read strictly but have no readers of their own.
#[derive(Debug, Clone)]
pub struct Typed<T> {
    /// The content.
    pub value: T,
    root: Table,
}

impl<T: DeserializeOwned> Typed<T> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// All its syntax errors; if there are none, the first thing that the type does not allow.
    pub fn read(source: &Source) -> Result<Self, Mistakes> {
        let (root, mistakes) = Table::parse(source);
        let root = mistakes.or(root)?;
        match toml::from_str(source.text()) {
            Ok(value) => Ok(Self { value, root }),
            Err(error) => {
                let place = source.place(error.span().unwrap_or(0..0));
                Err(mistake(&place, error.message()).into())
            }
        }
    }
}

impl<T> Typed<T> {
    /// Where a value was written. The path is made of keys and, inside a list, of the text of an item; it leads
    /// as far as the file has it.
    pub fn place(&self, path: &[&str]) -> &Place {
        let mut place = &self.root.place;
        let mut table = Some(&self.root);
        let mut items = None;
        for word in path {
            let found = match (table, items) {
                (Some(table), _) => table.get(word).map(|entry| &entry.value),
                (None, Some(items)) => find(items, word),
                (None, None) => None,
            };
            let Some(value) = found else { break };
            place = &value.place;
            (table, items) = match &value.kind {
                Kind::Table(table) => (Some(table), None),
                Kind::List(items) => (None, Some(items.as_slice())),
                _ => (None, None),
            };
        }
        place
    }
}

fn find<'a>(items: &'a [super::Value], word: &str) -> Option<&'a super::Value> {
    items.iter().find(|item| matches!(&item.kind, Kind::String(text) if text == word))
}

/// serde's terse message with a remedy.
fn mistake(place: &Place, message: &str) -> Mistake {
    let (cause, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let words = || expected.split('`').skip(1).step_by(2);
    if let Some(key) = quoted(cause, "unknown field ") {
        Mistake::new(place, format!("unknown key `{key}`")).help(suggestion(key, "keys here", words()))
    } else if let Some(word) = quoted(cause, "unknown variant ") {
        Mistake::new(place, format!("`{word}` is not one of the words that are known here")).help(suggestion(
            word,
            "words",
            words(),
        ))
    } else if let Some(key) = quoted(cause, "missing field ") {
        Mistake::new(place, format!("`{key}` is missing here")).help(format!("add `{key} = …`"))
    } else if expected.is_empty() {
        explained(place, cause)
    } else {
        let expected = in_toml(expected);
        let cause = match cause.strip_prefix("invalid type: ").map(found) {
            Some(found) => format!("expected {expected}, found {found}"),
            None => cause.to_owned(),
        };
        Mistake::new(place, cause).help(format!("write {expected}"))
    }
}

/// What serde expects, in the terms of the file and not of the code that reads it.
fn in_toml(expected: &str) -> &str {
    match expected.split(' ').next().unwrap_or_default() {
        "struct" | "struct," | "internally" | "adjacently" => "a table",
        "enum" | "variant" => "one of the words that are known here",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        _ if expected == "a map" => "a table",
        _ if expected == "a sequence" => "a list",
        _ if expected == "a boolean" => "true or false",
        _ => expected,
    }
}

/// What serde found: `integer `1``, `string "x"`, `map`.
fn found(what: &str) -> &'static str {
    match what.split(' ').next().unwrap_or_default() {
        "integer" => "a number",
        "floating" => "a number with a fraction",
        "boolean" => "true or false",
        "string" => "a string",
        "sequence" => "a list",
        "map" => "a table",
        _ => "something else",
    }
}

fn quoted<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    text.strip_prefix(beginning)?.strip_prefix('`')?.strip_suffix('`')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        version: String,
        #[serde(default)]
        kind: Option<Word>,
        #[serde(default)]
        package: Option<crate::model::PackageName>,
        #[serde(default)]
        parts: BTreeMap<String, Vec<String>>,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "read to be refused")]
        number: u16,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Folder,
        Git,
    }

    fn refused(text: &str) -> String {
        Typed::<Example>::read(&Source::new("x.toml", text)).unwrap_err().to_string()
    }

    #[test]
    fn what_serde_refuses_has_a_place_and_a_remedy() {
        insta::assert_snapshot!(refused("version = \"1\"\nvresion = 1\n"), @"
        x.toml:2:1: unknown key `vresion`
          help: did you mean `version`?
        ");
        insta::assert_snapshot!(refused("\n[parts]\n"), @"
        x.toml:1:1: `version` is missing here
          help: add `version = …`
        ");
        insta::assert_snapshot!(refused("version = 1\n"), @"
        x.toml:1:11: expected a string, found a number
          help: write a string
        ");
        insta::assert_snapshot!(refused("version = \"1\"\nparts = 1\n"), @"
        x.toml:2:9: expected a table, found a number
          help: write a table
        ");
        insta::assert_snapshot!(refused("version = \"1\"\n[inner]\nnumber = \"x\"\n"), @r"
        x.toml:3:10: expected a whole number, found a string
          help: write a whole number
        ");
        insta::assert_snapshot!(refused("version = \"1\"\ninner = 1\n"), @r"
        x.toml:2:9: expected a table, found a number
          help: write a table
        ");
        insta::assert_snapshot!(refused("version = \"1\"\nkind = \"gti\"\n"), @"
        x.toml:2:8: `gti` is not one of the words that are known here
          help: did you mean `git`?
        ");
        insta::assert_snapshot!(refused("version = \"1\"\npackage = \"a b\"\n"), @"
        x.toml:2:11: `a b` is not a package name
          help: use letters, digits and `-._+`, beginning with a letter or digit
        ");
        insta::assert_snapshot!(refused("version = \nkind =\n"), @"
        x.toml:1:11: not TOML: a value is missing
          help: write a value behind the `=`, or remove the line
        x.toml:2:7: not TOML: a value is missing
          help: write a value behind the `=`, or remove the line
        ");
    }

    #[test]
    fn a_place_is_found_as_far_as_the_file_has_it() {
        let source = Source::new("x.toml", "version = \"1\"\n[parts]\na = [\"b\",\n  \"c\"]\n");
        let typed = Typed::<Example>::read(&source).unwrap();
        assert_eq!(typed.value.version, "1");
        assert!(typed.value.kind.is_none() && typed.value.package.is_none() && typed.value.inner.is_none());
        assert_eq!(typed.value.parts["a"], ["b", "c"]);
        for (path, place) in [
            (&["version"][..], "x.toml:1:11"),
            (&["parts", "a", "c"], "x.toml:4:3"),
            (&["parts", "a", "d"], "x.toml:3:5"),
            (&["parts", "z"], "x.toml:2:1"),
            (&["version", "beyond"], "x.toml:1:11"),
            (&[], "x.toml:1:1"),
        ] {
            assert_eq!(typed.place(path).to_string(), place, "{path:?}");
        }
    }
}
