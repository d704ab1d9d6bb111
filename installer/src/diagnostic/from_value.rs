//! Types that can be read from TOML values, and what is told where they cannot.

use std::time::Duration;

use super::reader::{Reading, explained, wrong_type};
use super::{Kind, Mistake, Spanned, Value, parse_duration};
use crate::model::{HostName, HostPath, Mode, PackageName, RoleName, SettingName, UnitName, VarName};

/// A type that can be read from a TOML value.
pub trait FromValue: Sized {
    /// What is expected, in words: "a string"; and several of it: "strings".
    const EXPECTED: (&'static str, &'static str);

    /// The value, or `None` after recording what is wrong with it.
    fn from_value(value: &Value, reading: &Reading) -> Option<Self>;
}

macro_rules! from_kind {
    ($type:ty, $one:literal, $many:literal, $pattern:pat => $found:expr, $help:expr) => {
        impl FromValue for $type {
            const EXPECTED: (&'static str, &'static str) = ($one, $many);

            fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
                match &value.kind {
                    $pattern => Some($found),
                    _ => {
                        let help: fn(&Value) -> String = $help;
                        reading.push(wrong_type($one, value).help(help(value)));
                        None
                    }
                }
            }
        }
    };
}

from_kind!(String, "a string", "strings", Kind::String(text) => text.clone(), |value| match &value.kind {
    Kind::List(_) => "give one text between double quotes, without `[` and `]`".to_owned(),
    Kind::Integer(Some(number)) => format!("put it between double quotes: \"{number}\""),
    Kind::Bool(flag) => format!("put it between double quotes: \"{flag}\""),
    _ => "put the text between double quotes".to_owned(),
});
from_kind!(bool, "true or false", "truth values", Kind::Bool(flag) => *flag, |_| {
    "write true or false, without quotes".to_owned()
});

macro_rules! from_integer {
    ($($type:ty),*) => {$(
        impl FromValue for $type {
            const EXPECTED: (&'static str, &'static str) = ("a number", "numbers");

            fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
                let Kind::Integer(number) = value.kind else {
                    let help = match &value.kind {
                        Kind::String(text) if text.trim().parse::<i64>().is_ok() => {
                            format!("write {}, without quotes", text.trim())
                        }
                        _ => "write a whole number, without quotes".to_owned(),
                    };
                    reading.push(wrong_type("a whole number", value).help(help));
                    return None;
                };
                let fits = number.and_then(|number| Self::try_from(number).ok());
                if fits.is_none() {
                    let number = number.map_or_else(|| "the number".to_owned(), |number| number.to_string());
                    reading.push(
                        Mistake::new(&value.place, format!("{number} is out of range"))
                            .help(format!("use a number from {} to {}", Self::MIN, Self::MAX)),
                    );
                }
                fits
            }
        }
    )*};
}
from_integer!(u8, u16, u32, i64);

macro_rules! from_text {
    ($($type:ty: $many:literal),* $(,)?) => {$(
        impl FromValue for $type {
            const EXPECTED: (&'static str, &'static str) = ("a string", $many);

            fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
                match String::from_value(value, reading)?.parse() {
                    Ok(parsed) => Some(parsed),
                    Err(error) => {
                        reading.push(explained(&value.place, &error.to_string()));
                        None
                    }
                }
            }
        }
    )*};
}
from_text!(
    HostName: "strings", RoleName: "strings", VarName: "strings", PackageName: "strings",
    UnitName: "strings", SettingName: "strings", HostPath: "strings", Mode: "strings",
);

impl FromValue for Duration {
    const EXPECTED: (&'static str, &'static str) = ("a duration such as \"10s\"", "durations");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        let Kind::String(text) = &value.kind else {
            reading.push(
                wrong_type(Self::EXPECTED.0, value)
                    .help("write a number with its unit between quotes: \"10s\", \"5m\""),
            );
            return None;
        };
        parse_duration(text).map_err(|error| reading.push(explained(&value.place, &error.to_string()))).ok()
    }
}

/// A list; what is wrong with each item is reported for itself.
impl<T: FromValue> FromValue for Vec<Spanned<T>> {
    const EXPECTED: (&'static str, &'static str) = ("a list", "lists");

    fn from_value(value: &Value, reading: &Reading) -> Option<Self> {
        let Kind::List(items) = &value.kind else {
            let expected = format!("a list of {}", T::EXPECTED.1);
            let help = match &value.kind {
                Kind::String(text) => format!("write a list, also of one: [\"{text}\"]"),
                _ => "put the values between `[` and `]`, with commas between".to_owned(),
            };
            reading.push(wrong_type(&expected, value).help(help));
            return None;
        };
        let read =
            |item: &Value| T::from_value(item, reading).map(|found| Spanned::new(found, item.place.clone()));
        Some(items.iter().filter_map(read).collect())
    }
}
