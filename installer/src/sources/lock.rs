//! The lock: what files were when they were first seen, for those of which upstream publishes no checksum.
//!
//! ```toml
//! ["https://example.org/calico_mesos"]
//! sha256 = "…"
//! size = 12345
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Mistakes, Source, Typed};
use crate::model::Digest;

/// What was seen, by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    files: BTreeMap<String, Locked>,
}

/// What a file was when it was first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its digest.
    pub sha256: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// A file is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url} is not what it was: its SHA-256 was {was} ({was_size} bytes), and is {is} ({is_size} bytes)")]
pub struct Changed {
    /// Its address.
    pub url: String,
    was: Digest,
    was_size: u64,
    is: Digest,
    is_size: u64,
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(source: &Source) -> Result<Self, Mistakes> {
        Ok(Self { files: Typed::read(source)?.value })
    }

    /// What is locked for an address.
    pub fn get(&self, url: &str) -> Option<Locked> {
        self.files.get(url).copied()
    }

    /// Adds what was seen.
    ///
    /// # Errors
    /// Something else was seen before: both.
    pub fn add(&mut self, url: &str, seen: Locked) -> Result<(), Changed> {
        match self.files.get(url) {
            Some(before) if *before != seen => Err(Changed {
                url: url.to_owned(),
                was: before.sha256,
                was_size: before.size,
                is: seen.sha256,
                is_size: seen.size,
            }),
            _ => {
                self.files.insert(url.to_owned(), seen);
                Ok(())
            }
        }
    }

    /// Adds everything of `other`.
    ///
    /// # Errors
    /// The first address of which both say something else.
    pub fn join(&mut self, other: &Self) -> Result<(), Changed> {
        other.files.iter().try_for_each(|(url, seen)| self.add(url, *seen))
    }

    /// The lock as a file.
    pub fn text(&self) -> String {
        let mut text = "# Files of which upstream publishes no checksum, as they were when they were first seen.\n\
                        # Written by `calico-mesos-install sources lock`; whatever differs from it later is refused.\n"
            .to_owned();
        // Texts and numbers: nothing that TOML could refuse.
        text.push('\n');
        text.push_str(&toml::to_string(&self.files).unwrap_or_default());
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str) -> Locked {
        Locked { sha256: Digest::of(text), size: text.len() as u64 }
    }

    #[test]
    fn a_difference_shows_both() {
        let mut lock = Lock::default();
        lock.add("https://a.example/x", seen("old")).unwrap();
        lock.add("https://a.example/x", seen("old")).unwrap();
        let changed = lock.add("https://a.example/x", seen("newer")).unwrap_err().to_string();
        for part in ["https://a.example/x", &Digest::of("old").to_string(), &Digest::of("newer").to_string()]
        {
            assert!(changed.contains(part), "{changed}");
        }
        assert_eq!(lock.get("https://a.example/x"), Some(seen("old")), "what was seen first stays");
    }

    #[test]
    fn mistakes_in_a_lock_are_told_with_their_place() {
        let text = "[\"https://a.example/x\"]\nsha256 = \"abc\"\nsize = 1\n";
        let mistake = Lock::parse(&Source::new("sources.lock", text)).unwrap_err().to_string();
        assert!(mistake.starts_with("sources.lock:2:"), "{mistake}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(urls in proptest::collection::vec("\\PC{0,20}", 0..4)) {
            let mut lock = Lock::default();
            for url in &urls {
                lock.add(url, seen(url)).unwrap();
            }
            prop_assert_eq!(Lock::parse(&Source::new("l", lock.text())).unwrap(), lock);
        }
    }
}
