//! One template: parsed, its names checked, rendered.

use serde::Serialize;
use tera::{Delimiters, Error, ErrorKind, Kwargs, State, Tera, TeraResult, Value};

use super::{Shape, names};
use crate::diagnostic::{Mistake, Mistakes, Source};

/// The name that the template has inside its own engine.
const NAME: &str = "template";

/// A template in Tera's language with the delimiters `{{ }}`, `[% %]` and `[# #]`: Tera's own collide with RPM
/// macros and with shell.
///
/// Nothing is escaped, since nothing is HTML. Templates do not include one another. The filter `json` writes
/// a value as JSON.
#[derive(Clone)]
pub struct Template {
    source: Source,
    tera: Tera,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// Its syntax error.
    pub fn parse(source: &Source) -> Result<Self, Mistake> {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        tera.register_filter("json", json);
        let added =
            tera.set_delimiters(delimiters()).and_then(|()| tera.add_raw_template(NAME, source.text()));
        match added {
            Ok(()) => Ok(Self { source: source.clone(), tera }),
            Err(error) => Err(mistake(source, &error)),
        }
    }

    /// The names in it that a context of the shape does not have. Tera itself takes an unknown name in a
    /// condition for false.
    pub fn unknown_names(&self, shape: &Shape) -> Mistakes {
        names::check(&self.source, shape)
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
            .map_err(|error| mistake(&self.source, &error))
    }

    /// Its text.
    pub fn source(&self) -> &Source {
        &self.source
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
        write!(f, "Template({})", self.source.name())
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

fn mistake(source: &Source, error: &Error) -> Mistake {
    let (ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report)) = error.kind() else {
        return from_report(source, &error.to_string());
    };
    let syntax = matches!(error.kind(), ErrorKind::SyntaxError(_));
    let help = if syntax {
        "values are written `{{ name }}`, blocks `[% if … %]` … `[% endif %]`, comments `[# … #]`"
    } else {
        "use a name of the context, with filters that fit its type"
    };
    Mistake::new(&source.place(report.span().range.clone()), format!("template: {}", report.message()))
        .help(help)
}

/// Some errors, for example an unknown filter, are only told as text: `error: …`, then a line with the place.
fn from_report(source: &Source, report: &str) -> Mistake {
    let message = report.lines().next().unwrap_or(report).trim_start_matches("error: ");
    let place = report.lines().find_map(|line| {
        let mut numbers = line.split_once(&format!("--> {NAME}:"))?.1.split(':').map(str::parse::<usize>);
        let (line, column) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let start: usize = source.text().split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        let within = source.text()[start..].char_indices().nth(column.checked_sub(1)?)?.0;
        Some(source.place(start + within..start + within + 1))
    });
    Mistake::new(&place.unwrap_or_else(|| source.place(0..0)), format!("template: {message}"))
        .help("use a name that Tera knows, with the arguments that it takes")
}
