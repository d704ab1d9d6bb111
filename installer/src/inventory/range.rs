//! Ranges in names and addresses: `agent-{1..3}`, `node{08..11}`.

use std::ops::Range;

/// The most hosts that one range may stand for.
const LARGEST: u64 = 10_000;

/// A text with at most one range in it. `{1..3}` stands for 1, 2 and 3; where a bound is written with
/// leading zeros (`{08..11}`), all numbers get as many digits.
///
/// More than one range in a text is refused: it could mean every combination, or both in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    range: Option<Numbers>,
    after: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    first: u64,
    last: u64,
    width: usize,
}

/// A range that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\n{help}")]
pub struct RangeError {
    /// Which bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Pattern {
    /// Reads a text with at most one range.
    ///
    /// # Errors
    /// Unbalanced braces, bounds that are not numbers, a range that goes down, is too large, or is the second.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let Some(open) = text.find(['{', '}']) else {
            return Ok(Self { before: text.to_owned(), range: None, after: String::new() });
        };
        let close = text[open..].find('}').map(|length| open + length);
        let Some(close) = close.filter(|close| *close > open) else {
            return Err(RangeError {
                span: open..text.len(),
                message: "a brace of a range is missing".to_owned(),
                help: "write a range with both braces, for example `agent-{1..3}`".to_owned(),
            });
        };
        if let Some(second) = text[close + 1..].find(['{', '}']) {
            return Err(RangeError {
                span: close + 1 + second..text.len(),
                message: "a text can have one range only".to_owned(),
                help: "write one [[hosts]] for each value of the other".to_owned(),
            });
        }
        let range = Numbers::parse(&text[open + 1..close]).map_err(|(message, help)| RangeError {
            span: open..close + 1,
            message,
            help,
        })?;
        Ok(Self { before: text[..open].to_owned(), range: Some(range), after: text[close + 1..].to_owned() })
    }

    /// How many texts it stands for.
    pub fn len(&self) -> usize {
        self.range
            .as_ref()
            .map_or(1, |range| usize::try_from(range.last - range.first + 1).unwrap_or(usize::MAX))
    }

    /// Never: a pattern stands for one text at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The texts that it stands for, in order.
    pub fn expand(&self) -> Vec<String> {
        let Self { before, range, after } = self;
        match range {
            None => vec![before.clone()],
            Some(Numbers { first, last, width }) => {
                (*first..=*last).map(|number| format!("{before}{number:0width$}{after}")).collect()
            }
        }
    }

    /// The same text with a range that begins where this one does and stands for `count` texts.
    pub fn with_len(&self, count: usize) -> Option<String> {
        let Self { before, range, after } = self;
        let Numbers { first, width, .. } = range.as_ref()?;
        let last = first + u64::try_from(count).ok()?.checked_sub(1)?;
        Some(format!("{before}{{{first:0width$}..{last:0width$}}}{after}"))
    }
}

impl Numbers {
    fn parse(text: &str) -> Result<Self, (String, String)> {
        let written = |bound: &str| !bound.is_empty() && bound.bytes().all(|byte| byte.is_ascii_digit());
        let bounds = text.split_once("..").filter(|(first, last)| written(first) && written(last));
        let Some((first, last)) = bounds else {
            return Err((
                format!("`{{{text}}}` is not a range"),
                "write two numbers with two dots between: `{1..3}`".to_owned(),
            ));
        };
        let width = [first, last]
            .into_iter()
            .filter(|bound| bound.len() > 1 && bound.starts_with('0'))
            .map(|b| b.len());
        let width = width.max().unwrap_or(0);
        let (Ok(first), Ok(last)) = (first.parse::<u64>(), last.parse::<u64>()) else {
            return Err((
                format!("`{{{text}}}` has a number that is too large"),
                "use numbers with at most 19 digits".to_owned(),
            ));
        };
        if last < first {
            return Err((
                format!("the range `{{{text}}}` goes down, so it is empty"),
                format!("write the smaller number first: `{{{last}..{first}}}`"),
            ));
        }
        if last - first >= LARGEST {
            return Err((
                format!("the range `{{{text}}}` stands for more than {LARGEST} hosts"),
                "write a smaller range".to_owned(),
            ));
        }
        Ok(Self { first, last, width })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expand(text: &str) -> Vec<String> {
        Pattern::parse(text).unwrap().expand()
    }

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(expand("a"), ["a"]);
        assert_eq!(expand("a-{1..3}.b"), ["a-1.b", "a-2.b", "a-3.b"]);
        assert_eq!(expand("{9..11}"), ["9", "10", "11"]);
        assert_eq!(expand("{09..11}"), ["09", "10", "11"]);
        assert_eq!(expand("{8..011}"), ["008", "009", "010", "011"]);
        assert_eq!(expand("{0..0}"), ["0"]);
        assert_eq!(Pattern::parse("a{07..9}").unwrap().with_len(5).unwrap(), "a{07..11}");
    }

    #[test]
    fn what_is_not_a_range_is_refused_with_its_place() {
        let refusal = |text: &str| {
            let error = Pattern::parse(text).unwrap_err();
            format!("{} → `{}`", error.to_string().replace('\n', "; "), &text[error.span])
        };
        let texts = [
            "a{1..3",
            "a}1",
            "a}{1..2}",
            "a{}",
            "a{3}",
            "a{..}",
            "a{1..x}",
            "a{-1..2}",
            "a{3..1}",
            "a{3..2}",
            "a{1..10001}",
            "a{1..99999999999999999999}",
            "r{1..2}n{1..2}",
        ];
        insta::assert_snapshot!(texts.map(refusal).join("\n"), @r"
        a brace of a range is missing; write a range with both braces, for example `agent-{1..3}` → `{1..3`
        a brace of a range is missing; write a range with both braces, for example `agent-{1..3}` → `}1`
        a brace of a range is missing; write a range with both braces, for example `agent-{1..3}` → `}{1..2}`
        `{}` is not a range; write two numbers with two dots between: `{1..3}` → `{}`
        `{3}` is not a range; write two numbers with two dots between: `{1..3}` → `{3}`
        `{..}` is not a range; write two numbers with two dots between: `{1..3}` → `{..}`
        `{1..x}` is not a range; write two numbers with two dots between: `{1..3}` → `{1..x}`
        `{-1..2}` is not a range; write two numbers with two dots between: `{1..3}` → `{-1..2}`
        the range `{3..1}` goes down, so it is empty; write the smaller number first: `{1..3}` → `{3..1}`
        the range `{3..2}` goes down, so it is empty; write the smaller number first: `{2..3}` → `{3..2}`
        the range `{1..10001}` stands for more than 10000 hosts; write a smaller range → `{1..10001}`
        `{1..99999999999999999999}` has a number that is too large; use numbers with at most 19 digits → `{1..99999999999999999999}`
        a text can have one range only; write one [[hosts]] for each value of the other → `{1..2}`
        ");
        assert_eq!(expand("a{1..10000}").len(), 10_000);
    }

    proptest! {
        #[test]
        fn as_many_texts_as_numbers_all_different(first in 0u64..100_000, count in 1u64..300, width in 0usize..8) {
            let last = first + count - 1;
            let pattern = Pattern::parse(&format!("n{{{first:0width$}..{last}}}x")).unwrap();
            let texts = pattern.expand();
            prop_assert_eq!(texts.len() as u64, count);
            prop_assert_eq!(pattern.len(), texts.len());
            for (index, text) in texts.iter().enumerate() {
                let number = text.strip_prefix('n').and_then(|text| text.strip_suffix('x')).unwrap();
                prop_assert_eq!(number.parse::<u64>().unwrap(), first + index as u64);
            }
            let again = pattern.with_len(texts.len()).unwrap();
            prop_assert_eq!(Pattern::parse(&again).unwrap().expand(), texts);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a{}.0-9x]{0,12}") {
            if let Err(error) = Pattern::parse(&text) {
                prop_assert!(text.get(error.span).is_some());
            }
        }
    }
}
