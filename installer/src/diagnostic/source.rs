//! Texts that were read, and places in them.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A text with the name under which people know it; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    name: String,
    text: String,
}

/// Line and column of a place, both counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Source {
    /// `text`, which people know as `name` (usually its path as they typed it).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Arc::new(Inner { name: name.into(), text: text.into() }))
    }

    /// The name under which people know the text.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The place of the bytes `span`; a span beyond the text, or inside a character, is moved into it.
    pub fn place(&self, span: Range<usize>) -> Place {
        let inside = |mut offset: usize| {
            offset = offset.min(self.text().len());
            while !self.text().is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let start = inside(span.start);
        Place { span: start..inside(span.end).max(start), source: self.clone() }
    }

    fn position(&self, offset: usize) -> Position {
        let before = &self.text()[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name())
    }
}

/// Some bytes of a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    source: Source,
    span: Range<usize>,
}

impl Place {
    /// The text that the place is in.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The bytes.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where the place begins.
    pub fn position(&self) -> Position {
        self.source.position(self.span.start)
    }

    /// The place of a part of the string `value` that is written here: `range` counts its bytes. Where the
    /// string is written with escapes, so that the bytes cannot be told apart, it is the whole string.
    pub fn part_of_string(&self, value: &str, range: Range<usize>) -> Place {
        let written = &self.source.text()[self.span.clone()];
        match written.find(value).filter(|_| !value.is_empty()) {
            Some(offset) => {
                let base = self.span.start + offset;
                self.source.place(base + range.start..base + range.end)
            }
            None => self.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "{}:{line}:{column}", self.source.name())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A value and where it was written. Two are equal when their values are, wherever they are written.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T> Spanned<T> {
    /// `value`, written at `place`.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("x.toml", "a = 1\nbä = \"{1..}\"\n");
        assert_eq!(source.place(0..1).position(), Position { line: 1, column: 1 });
        assert_eq!(source.place(12..19).position(), Position { line: 2, column: 6 });
        assert_eq!(source.place(12..19).to_string(), "x.toml:2:6");
        assert_eq!(source.place(500..600).position(), Position { line: 3, column: 1 });
        assert_eq!(source.place(8..8).span(), 7..7, "inside `ä`");
    }

    #[test]
    fn a_part_of_a_string_is_found_behind_its_quotes() {
        let source = Source::new("x.toml", r#"a = "b{1..}c""#);
        let whole = source.place(4..13);
        assert_eq!(whole.part_of_string("b{1..}c", 1..6).span(), 6..11);
        assert_eq!(whole.part_of_string("another", 1..6), whole);
    }
}
