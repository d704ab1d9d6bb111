//! One mistake, and all of them.

use std::fmt;

use super::Place;

/// One mistake in a file: where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// A few words to be shown at the place itself.
    pub label: Option<String>,
    /// What to write or do instead.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
}

/// Another place that a mistake has to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where it is.
    pub place: Place,
    /// What is there, in a few words.
    pub label: String,
}

impl Mistake {
    /// The mistake `message` at `place`.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), label: None, help: None, related: Vec::new() }
    }

    /// Says what to write or do instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Puts a few words at the place itself.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Names another place that has to do with it.
    #[must_use]
    pub fn also(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.related.push(Related { place: place.clone(), label: label.into() });
        self
    }
}

/// `file:line:column: message`, then other places and the remedy on indented lines of their own.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        for Related { place, label } in &self.related {
            write!(f, "\n  see: {place}: {label}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", help.replace('\n', "\n        "))?;
        }
        Ok(())
    }
}

/// Mistakes, collected. As an error it is only ever returned with at least one in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// Adds others.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Mistake>) {
        self.0.extend(others);
    }

    /// Forgets all but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.0.truncate(count);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }

    /// `value`, unless there is a mistake: then all of them, in the order of the files, without repetitions.
    ///
    /// # Errors
    /// The mistakes.
    pub fn or<T>(self, value: T) -> Result<T, Mistakes> {
        if self.is_empty() { Ok(value) } else { Err(self.sorted()) }
    }

    /// In the order of the files and of the places in them, without repetitions. Files keep the order in
    /// which they first came up.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let mut files: Vec<String> = Vec::new();
        for mistake in &self.0 {
            let name = mistake.place.source().name();
            if !files.iter().any(|file| file == name) {
                files.push(name.to_owned());
            }
        }
        self.0.sort_by_cached_key(|mistake| {
            let file = files.iter().position(|file| file == mistake.place.source().name());
            (file, mistake.place.span().start, mistake.message.clone())
        });
        self.0.dedup();
        self
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
