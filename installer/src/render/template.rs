//! One template: parsed, its names checked, rendered.

use std::collections::BTreeMap;

use serde::Serialize;
use tera::{Delimiters, Error, ErrorKind, Kwargs, State, Tera, TeraResult, Value};

use super::{Shape, names};
use crate::diagnostic::{Mistake, Mistakes, Place, Source};

/// The name that the template has inside its own engine.
const NAME: &str = "template";

/// A template in Tera's language with the delimiters `{{ }}`, `[% %]` and `[# #]`: Tera's own collide with RPM
/// macros and with shell.
///
/// Nothing is escaped, since nothing is HTML. A template includes only the parts that it was parsed with. The
/// filter `json` writes a value as JSON.
#[derive(Clone)]
pub struct Template {
    texts: Texts,
    tera: Tera,
}

/// The texts that an error may be in.
#[derive(Clone)]
struct Texts {
    main: Source,
    /// What the template may include, by the names that it writes.
    parts: BTreeMap<String, Source>,
}

impl Template {
    /// Parses a template that includes no others.
    ///
    /// # Errors
    /// Its syntax error.
    pub fn parse(source: &Source) -> Result<Self, Mistake> {
        Self::parse_with(source, BTreeMap::new())
    }

    /// Parses a template that may include `parts`, by the names that they have here.
    ///
    /// # Errors
    /// Its syntax error, or that of a part; a part that it includes and that is not there.
    pub fn parse_with(source: &Source, parts: BTreeMap<String, Source>) -> Result<Self, Mistake> {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        tera.register_filter("json", json);
        let texts = Texts { main: source.clone(), parts };
        let added = tera.set_delimiters(delimiters()).and_then(|()| tera.add_raw_templates(texts.iter()));
        match added {
            Ok(()) => Ok(Self { texts, tera }),
            Err(error) => Err(texts.mistake(&error)),
        }
    }

    /// The names in it, and in what it includes, that a context of the shape does not have. Tera itself takes
    /// an unknown name in a condition for false.
    pub fn unknown_names(&self, shape: &Shape) -> Mistakes {
        names::check(&self.texts.main, &self.texts.parts, shape)
    }

    /// Renders it. `context` must be written as a map.
    ///
    /// # Errors
    /// What went wrong, and where in the template.
    pub fn render(&self, context: &impl Serialize) -> Result<String, Mistake> {
        self.render_beside(context, &[])
    }

    /// Renders it with values beside the context that are the same for many templates.
    ///
    /// # Errors
    /// What went wrong, and where in the template.
    pub fn render_beside(&self, context: &impl Serialize, beside: &[&Shared]) -> Result<String, Mistake> {
        tera::Context::from_serialize(context)
            .and_then(|mut context| {
                for Shared { name, value } in beside {
                    context.insert_value(*name, value.clone());
                }
                self.tera.render(NAME, &context)
            })
            .map_err(|error| self.texts.mistake(&error))
    }

    /// Its text.
    pub fn source(&self) -> &Source {
        &self.texts.main
    }
}

/// A value of the context that is the same for many templates, and is cheap to give to each.
#[derive(Debug, Clone)]
pub struct Shared {
    name: &'static str,
    value: Value,
}

impl Shared {
    /// `value` under `name`.
    pub fn new(name: &'static str, value: &impl Serialize) -> Self {
        // What cannot be written at all is told as an unknown name by the template that uses it.
        Self { name, value: Value::try_from_serializable(value).unwrap_or_else(|_| Value::undefined()) }
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({})", self.texts.main.name())
    }
}

fn delimiters() -> Delimiters {
    Delimiters {
        block_start: "[%".into(),
        block_end: "%]".into(),
        variable_start: "{{".into(),
        variable_end: "}}".into(),
        comment_start: "[#".into(),
        comment_end: "#]".into(),
    }
}

/// The filter `json`: any value as JSON on one line.
fn json(value: Value, _: Kwargs, _: &State) -> TeraResult<String> {
    serde_json::to_string(&value)
        .map_err(|error| Error::message(format!("cannot be written as JSON: {error}")))
}

impl Texts {
    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter().map(|(name, source)| (name.as_str(), source.text()));
        std::iter::once((NAME, self.main.text())).chain(parts)
    }

    /// The text that the engine knows by this name.
    fn named(&self, name: &str) -> &Source {
        self.parts.get(name).unwrap_or(&self.main)
    }

    fn mistake(&self, error: &Error) -> Mistake {
        let (ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report)) = error.kind() else {
            return self.told_as_text(&error.to_string());
        };
        let help = if matches!(error.kind(), ErrorKind::SyntaxError(_)) {
            "values are written `{{ name }}`, blocks `[% if … %]` … `[% endif %]`, comments `[# … #]`"
        } else {
            "use a name of the context, with filters that fit its type"
        };
        let place = self.named(report.filename()).place(report.span().range.clone());
        Mistake::new(&place, format!("template: {}", report.message())).help(help)
    }

    /// Some errors, for example an unknown filter, are only told as text: `error: …`, then a line with the
    /// place.
    fn told_as_text(&self, report: &str) -> Mistake {
        let message = report.lines().next().unwrap_or(report).trim_start_matches("error: ");
        let place = report.lines().find_map(|line| {
            let mut words = line.split_once("--> ")?.1.rsplitn(3, ':');
            let (column, line) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            at(self.named(words.next()?), line, column)
        });
        Mistake::new(&place.unwrap_or_else(|| self.main.place(0..0)), format!("template: {message}"))
            .help("use a name that Tera knows, with the arguments that it takes")
    }
}

/// The place of one character by its line and column, both counted from 1.
fn at(source: &Source, line: usize, column: usize) -> Option<Place> {
    let start: usize = source.text().split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let within = source.text()[start..].char_indices().nth(column.checked_sub(1)?)?.0;
    Some(source.place(start + within..start + within + 1))
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::*;

    #[derive(Serialize, JsonSchema)]
    struct Context {
        name: &'static str,
    }

    fn parse(text: &str, part: &str) -> Result<Template, Mistake> {
        let part = Source::new("specs/part.tera", part);
        Template::parse_with(&Source::new("specs/x.tera", text), [("part.tera".to_owned(), part)].into())
    }

    #[test]
    fn a_part_sees_the_names_of_where_it_is_included() {
        let template = parse(
            "[% set unit = name %][% include \"part.tera\" %].",
            "[% set own = 1 %][% if own == 1 %]{{ unit }}[% endif %]",
        )
        .unwrap();
        assert!(template.unknown_names(&Shape::of::<Context>()).is_empty());
        assert_eq!(template.render(&Context { name: "n" }).unwrap(), "n.");
    }

    #[test]
    fn mistakes_in_a_part_are_told_where_they_are() {
        let names = |text, part| parse(text, part).unwrap().unknown_names(&Shape::of::<Context>());
        insta::assert_snapshot!(names("[% include 'part.tera' %]{{ own }}", "\n[% set own = 1 %][% if nmae %]x[% endif %]"), @"
        specs/part.tera:2:24: template: unknown name `nmae`
          help: did you mean `name`?
        specs/x.tera:1:29: template: unknown name `own`
          help: the names here are `name`
        ");
        let refused = |text, part| parse(text, part).unwrap_err();
        insta::assert_snapshot!(refused("[% include 'part.tera' %]", "\n[% if %]"), @"
        specs/part.tera:2:7: template: Found `%}` but expected one of: integer, float, string, bool, ident, `-`, `not`, `<`, `{`, `[` or `(`
          help: values are written `{{ name }}`, blocks `[% if … %]` … `[% endif %]`, comments `[# … #]`
        ");
        insta::assert_snapshot!(refused("\n [% include 'prat.tera' %]", ""), @"
        specs/x.tera:2:13: template: Unknown template `prat.tera`
          help: use a name that Tera knows, with the arguments that it takes
        ");
        insta::assert_snapshot!(refused("[% include 'part.tera' %]", "[% include 'part.tera' %]"), @r#"
        specs/x.tera:1:1: template: Circular include detected for template 'part.tera'. Include chain: `["part.tera", "part.tera"]`
          help: use a name that Tera knows, with the arguments that it takes
        "#);
        let rendered =
            parse("[% include 'part.tera' %]", "\n{{ name.more }}").unwrap().render(&Context { name: "n" });
        insta::assert_snapshot!(rendered.unwrap_err(), @"
        specs/part.tera:2:9: template: Field `more` is not defined.
          help: use a name of the context, with filters that fit its type
        ");
    }
}
