//! Parses a pattern of a number.

use datafusion::common::exec_err;
use datafusion::error::Result;

/// Maximum length of a pattern in bytes, which bounds what is written by it.
const MAX_BYTES: usize = 1_000;
/// Parts of a pattern, for messages.
const KNOWN: &str = "9, 0, `.` or D, `,` or G, S, SG, MI, PL, PR, FM, TH and EEEE";
/// Words of PostgreSQL's patterns that are not supported here: the currency, Roman numerals, a shift of the point, and those that
/// PostgreSQL itself does not support.
const REFUSED: [&str; 6] = ["RN", "SP", "L", "V", "B", "C"];

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `9`: a digit that is blank where it says nothing.
    Nine,
    /// `0`: a digit in any case.
    Zero,
    Point,
    Group,
    /// `S`, for reading.
    AnchoredSign,
    /// `MI`.
    Minus,
    /// `PL`.
    Plus,
    /// `SG`.
    Sign,
    /// `TH` or `th`.
    Ordinal {
        is_upper: bool,
    },
    Text(String),
}

/// Place of the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignPlace {
    /// Before the first digit: a minus, or a blank.
    First,
    /// `S` before the digits: a sign in any case.
    Before,
    /// `S` after the digits.
    After,
    /// `PR`: negative numbers in angle brackets.
    Brackets,
    /// `MI` or `SG` alone has the sign.
    Apart,
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    pub items: Vec<Item>,
    /// Digits before the point.
    pub whole: usize,
    /// Digits after it.
    pub fraction: usize,
    pub has_point: bool,
    /// Place of the first `0` among the digits, if it is before the point.
    pub first_zero: Option<usize>,
    /// Digits up to the last `0`.
    pub up_to_zero: usize,
    /// `FM`: no blanks, and no zeros at the end that only a `9` asks for.
    pub is_trimmed: bool,
    /// `EEEE`.
    pub is_scientific: bool,
    pub sign: SignPlace,
    /// Whether a sign may follow the digits that are read.
    pub has_sign: bool,
}

impl NumberPattern {
    /// Parses a pattern for a function. Text in double quotes and what is no letter stands for itself.
    ///
    /// # Errors
    /// A part that is not understood, with its place.
    pub fn parse(function: &str, text: &str) -> Result<NumberPattern> {
        if text.len() > MAX_BYTES {
            return exec_err!("{function}: the pattern is longer than {MAX_BYTES} bytes");
        }
        let mut parser = PatternParser { function, text, ..PatternParser::default() };
        let mut rest = text;
        while !rest.is_empty() {
            rest = parser.next(rest)?;
        }
        Ok(parser.finish())
    }
}

/// A pattern as far as it is parsed.
#[derive(Default)]
struct PatternParser<'a> {
    function: &'a str,
    text: &'a str,
    items: Vec<Item>,
    whole: usize,
    fraction: usize,
    has_point: bool,
    first_zero: Option<usize>,
    up_to_zero: usize,
    is_trimmed: bool,
    is_scientific: bool,
    has_minus: bool,
    has_plus: bool,
    has_brackets: bool,
    /// Digits before the `S`, and whether it comes after the point.
    anchored: Option<(usize, bool)>,
}

impl<'a> PatternParser<'a> {
    /// Takes the next part; returns what follows it.
    fn next(&mut self, rest: &'a str) -> Result<&'a str> {
        if let Some(text) = rest.strip_prefix('"') {
            return Ok(self.quoted(text));
        }
        if let Some(after) = rest.strip_prefix("\\\"") {
            self.items.push(Item::Text("\"".to_owned()));
            return Ok(after);
        }
        const WORDS: [&str; 12] = ["EEEE", "MI", "PL", "PR", "SG", "FM", "TH", "9", "0", "S", "D", "G"];
        let is_refused = |word: &&str| strip(rest, word).is_some();
        if let Some(word) = REFUSED.iter().find(|word| is_refused(word)) {
            return self.refuse(format!("{word} is not supported"));
        }
        if let Some((word, after)) = WORDS.iter().find_map(|word| Some((*word, strip(rest, word)?))) {
            if self.is_scientific {
                return self.refuse("EEEE must be the last part".to_owned());
            }
            self.word(word, rest.starts_with(word))?;
            return Ok(after);
        }
        let Some(first) = rest.chars().next() else { return Ok(rest) };
        match first {
            '.' => self.word("D", true)?,
            ',' => self.word("G", true)?,
            letter if letter.is_ascii_alphabetic() => {
                return self.refuse(format!("nothing is known at `{rest}`"));
            }
            other => self.items.push(Item::Text(other.to_string())),
        }
        Ok(&rest[first.len_utf8()..])
    }

    /// Takes text up to a double quote. A backslash stands before a quote that is part of it.
    fn quoted(&mut self, rest: &'a str) -> &'a str {
        let (mut text, mut is_escaped) = (String::new(), false);
        for (at, c) in rest.char_indices() {
            match c {
                '"' if !is_escaped => {
                    self.items.push(Item::Text(text));
                    return &rest[at + 1..];
                }
                '\\' if !is_escaped => is_escaped = true,
                c => {
                    text.push(c);
                    is_escaped = false;
                }
            }
        }
        self.items.push(Item::Text(text));
        ""
    }

    fn word(&mut self, word: &str, is_upper: bool) -> Result<()> {
        let has_others = self.has_minus || self.has_plus || self.has_brackets;
        match word {
            "9" | "0" if self.has_brackets => return self.refuse("PR must be after the digits".to_owned()),
            "9" => self.digit(Item::Nine),
            "0" => self.digit(Item::Zero),
            "D" if self.has_point => return self.refuse("there are several points".to_owned()),
            "D" => {
                self.has_point = true;
                self.items.push(Item::Point);
            }
            "G" => self.items.push(Item::Group),
            "FM" => self.is_trimmed = true,
            "TH" => self.items.push(Item::Ordinal { is_upper }),
            "S" if self.anchored.is_some() || has_others => return self.refuse_signs(),
            "S" => {
                self.anchored = Some((self.whole, self.has_point));
                self.items.push(Item::AnchoredSign);
            }
            "EEEE" if self.anchored.is_some() || has_others || self.is_trimmed => {
                return self.refuse("EEEE goes with digits and a point only".to_owned());
            }
            "EEEE" => self.is_scientific = true,
            "PR" if self.anchored.is_some() || self.has_minus || self.has_plus => return self.refuse_signs(),
            "PR" => self.has_brackets = true,
            _ if self.anchored.is_some() => return self.refuse_signs(),
            sign => {
                self.has_minus |= sign != "PL";
                self.has_plus |= sign != "MI";
                self.items.push(match sign {
                    "MI" => Item::Minus,
                    "PL" => Item::Plus,
                    _ => Item::Sign,
                });
            }
        }
        Ok(())
    }

    fn digit(&mut self, item: Item) {
        let place = self.whole + self.fraction;
        match self.has_point {
            true => self.fraction += 1,
            false => self.whole += 1,
        }
        if item == Item::Zero {
            self.up_to_zero = place + 1;
            if !self.has_point && self.first_zero.is_none() {
                self.first_zero = Some(place);
            }
        }
        self.items.push(item);
    }

    fn refuse_signs<T>(&self) -> Result<T> {
        self.refuse("S does not go with another S, MI, PL, SG or PR, nor PR with a sign before it".to_owned())
    }

    fn refuse<T>(&self, why: String) -> Result<T> {
        let PatternParser { function, text, .. } = self;
        exec_err!("{function}: the pattern `{text}`: {why}; there are {KNOWN}, and text in double quotes")
    }

    fn finish(self) -> NumberPattern {
        let sign = match self.anchored {
            Some((digits, is_after_point)) if is_after_point || digits == self.whole => SignPlace::After,
            Some(_) => SignPlace::Before,
            None if self.has_minus => SignPlace::Apart,
            None if self.has_brackets && !self.has_plus => SignPlace::Brackets,
            None => SignPlace::First,
        };
        NumberPattern {
            items: self.items,
            whole: self.whole,
            fraction: self.fraction,
            has_point: self.has_point,
            first_zero: self.first_zero,
            up_to_zero: self.up_to_zero,
            is_trimmed: self.is_trimmed,
            is_scientific: self.is_scientific,
            sign,
            has_sign: self.anchored.is_some() || self.has_minus || self.has_plus,
        }
    }
}

/// Returns the rest of a text behind a word in capitals or in small letters.
fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.strip_prefix(word).or_else(|| text.strip_prefix(&word.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_where_digits_and_signs_are() {
        let parsed = NumberPattern::parse("f", "FM9G990D00").unwrap();
        assert_eq!((parsed.whole, parsed.fraction, parsed.first_zero, parsed.up_to_zero), (4, 2, Some(3), 6));
        assert!(parsed.is_trimmed && parsed.has_point && !parsed.has_sign);
        for (text, sign) in [
            ("99", SignPlace::First),
            ("S99", SignPlace::Before),
            ("99S", SignPlace::After),
            ("99MI", SignPlace::Apart),
            ("99pl", SignPlace::First),
            ("99pr", SignPlace::Brackets),
        ] {
            assert_eq!(NumberPattern::parse("f", text).unwrap().sign, sign, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, why) in [
            ("99x9", "nothing is known at `x9`"),
            ("L99", "L is not supported"),
            ("rn", "RN is not supported"),
            ("99V9", "V is not supported"),
            ("9.9.9", "several points"),
            ("S99S", "S does not go with"),
            ("MI9S", "S does not go with"),
            ("PR99", "PR must be after the digits"),
            ("9EEEE9", "EEEE must be the last"),
            ("FM9EEEE", "EEEE goes with digits"),
        ] {
            let message = NumberPattern::parse("f", text).unwrap_err().to_string();
            assert!(
                message.contains(why) && message.contains(&format!("f: the pattern `{text}`")),
                "{message}"
            );
        }
        assert!(NumberPattern::parse("f", &"9".repeat(1_001)).is_err());
    }
}
