//! Mistakes in files that people write: place, cause and remedy, and many of them at once.
//!
//! This module knows TOML and how to point into a text; it does not know what any file means.
//! Readers collect every mistake they meet and go on, so that one run shows all of them.

mod duration;
mod from_value;
mod mistake;
mod reader;
mod source;
mod typed;
mod value;
mod words;

pub use duration::{DurationError, elapsed, parse_duration, write_duration};
pub use from_value::FromValue;
pub use mistake::{Mistake, Mistakes, Related};
pub use reader::{Reading, TableReader};
pub use source::{Place, Position, Source, Spanned};
pub use typed::Typed;
pub use value::{Entry, Kind, Table, Value};
pub use words::{closest, list, quantity, suggestion, with_causes};
