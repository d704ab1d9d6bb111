//! Mistakes for people (with the line that they are in, on a terminal) and for scripts (as JSON).

use std::fmt;
use std::io::IsTerminal as _;

use anstream::{eprint, eprintln};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use owo_colors::OwoColorize as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::{Mistake, Mistakes, quantity};
use crate::report::json_line;

/// Shows mistakes on standard error: drawn on a terminal, plain elsewhere and with NO_COLOR.
pub(super) fn show(mistakes: &Mistakes) {
    let plain =
        !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    for mistake in mistakes.iter() {
        if plain {
            eprintln!("{mistake}");
        } else {
            eprint!("{}", drawn(mistake));
        }
    }
    eprintln!("{} {}; nothing was contacted", "error:".red().bold(), quantity(mistakes.len(), "mistake"));
}

/// A mistake in a file that people write.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename = "mistake")]
pub(super) struct MistakeLine<'a> {
    /// The file.
    file: &'a str,
    /// The line, counted from 1.
    line: usize,
    /// The column, counted from 1 in characters.
    column: usize,
    /// What is wrong.
    message: &'a str,
    /// What to write or do instead.
    help: Option<&'a str>,
}

/// Prints one JSON object a mistake.
pub(super) fn print_json(mistakes: &Mistakes) {
    for mistake in mistakes.iter() {
        let position = mistake.place.position();
        json_line(&MistakeLine {
            file: mistake.place.source().name(),
            line: position.line,
            column: position.column,
            message: &mistake.message,
            help: mistake.help.as_deref(),
        });
    }
}

fn drawn(mistake: &Mistake) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode());
    match handler.render_report(&mut text, &Drawn::new(mistake)) {
        Ok(()) => text,
        Err(_) => format!("{mistake}\n"),
    }
}

/// A mistake as miette wants it.
#[derive(Debug)]
struct Drawn<'a> {
    mistake: &'a Mistake,
    source: NamedSource<String>,
}

impl<'a> Drawn<'a> {
    fn new(mistake: &'a Mistake) -> Self {
        let source = mistake.place.source();
        Self { mistake, source: NamedSource::new(source.name(), source.text().to_owned()) }
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistake.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let elsewhere = self.mistake.related.iter().filter(|related| !self.is_here(related));
        let mut lines: Vec<String> =
            elsewhere.map(|related| format!("see {}: {}", related.place, related.label)).collect();
        lines.extend(self.mistake.help.clone());
        if lines.is_empty() { None } else { Some(Box::new(lines.join("\n"))) }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = LabeledSpan::new_primary_with_span(
            Some(self.mistake.label.clone().unwrap_or_else(|| "here".to_owned())),
            self.mistake.place.span(),
        );
        let related = self.mistake.related.iter().filter(|related| self.is_here(related));
        let related = related
            .map(|related| LabeledSpan::new_with_span(Some(related.label.clone()), related.place.span()));
        Some(Box::new(std::iter::once(here).chain(related)))
    }
}

impl Drawn<'_> {
    fn is_here(&self, related: &crate::diagnostic::Related) -> bool {
        related.place.source() == self.mistake.place.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn a_terminal_sees_the_line_and_every_place_in_it() {
        let source = Source::new("x.toml", "[cluster]\nname = \"a\"\nname = \"b\"\n");
        let mistake = Mistake::new(&source.place(21..25), "`name` is there twice")
            .also(&source.place(10..14), "the first is here")
            .help("remove one");
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        let mut text = String::new();
        handler.render_report(&mut text, &Drawn::new(&mistake)).unwrap();
        insta::assert_snapshot!(text, @r#"
         × `name` is there twice
          ╭─[x.toml:3:1]
        1 │ [cluster]
        2 │ name = "a"
          · ──┬─
          ·   ╰── the first is here
        3 │ name = "b"
          · ──┬─
          ·   ╰── here
          ╰────
         help: remove one
        "#);
    }
}
