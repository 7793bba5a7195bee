//! Reads a number by a pattern.

use datafusion::common::exec_err;
use datafusion::error::Result;

use super::pattern::{Item, NumberPattern, SignPlace};

/// Maximum digits of a pattern that numbers are read by.
pub const MAX_DIGITS: usize = 38;

impl NumberPattern {
    /// Parses a pattern by which numbers are read.
    ///
    /// # Errors
    /// A pattern that is not understood, has EEEE, or more digits than a number holds.
    pub fn for_reading(function: &str, text: &str) -> Result<NumberPattern> {
        let pattern = NumberPattern::parse(function, text)?;
        if pattern.is_scientific {
            return exec_err!("{function}: the pattern `{text}`: EEEE is not supported for reading");
        }
        match pattern.whole + pattern.fraction {
            0 => exec_err!("{function}: the pattern `{text}` has no digits"),
            digits if digits > MAX_DIGITS => {
                exec_err!("{function}: the pattern `{text}` has {digits} digits; {MAX_DIGITS} are the most")
            }
            _ => Ok(pattern),
        }
    }

    /// Reads a number; the result counts units of its last digit after the point.
    ///
    /// # Errors
    /// A text without a number, or with more digits before the point than the pattern has.
    pub fn read(&self, function: &str, text: &str) -> Result<i128> {
        let mut reader = NumberReader::of(self, text);
        for item in &self.items {
            reader.take(item);
        }
        if self.items.contains(&Item::AnchoredSign) {
            reader.sign();
        }
        let whole = reader.whole.trim_start_matches('0');
        if reader.whole.is_empty() && reader.fraction.is_empty() {
            return exec_err!("{function}: there is no number in `{text}`");
        }
        if whole.len() > self.whole {
            let most = self.whole;
            return exec_err!(
                "{function}: `{text}` has more than {most} digits before the point, as the pattern has"
            );
        }
        let digits = format!("{whole}{:0<width$}", reader.fraction, width = self.fraction);
        // Up to 38 digits fit.
        let units: i128 = digits.parse().unwrap_or_default();
        Ok(if reader.is_negative == Some(true) { -units } else { units })
    }
}

/// A text that is being read.
struct NumberReader<'a> {
    pattern: &'a NumberPattern,
    rest: &'a str,
    is_negative: Option<bool>,
    whole: String,
    fraction: String,
    has_point: bool,
}

impl<'a> NumberReader<'a> {
    fn of(pattern: &'a NumberPattern, rest: &'a str) -> Self {
        let (whole, fraction) = (String::new(), String::new());
        Self { pattern, rest, is_negative: None, whole, fraction, has_point: false }
    }

    /// Takes what stands in the place of an item.
    fn take(&mut self, item: &Item) {
        match item {
            Item::Nine | Item::Zero | Item::Point => self.digit(),
            Item::Group => self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest),
            Item::AnchoredSign | Item::Minus | Item::Plus | Item::Sign => {
                let is_number = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
                if !self.sign() && !self.rest.starts_with(is_number) {
                    self.skip(1);
                }
            }
            Item::Ordinal { .. } => self.skip(2),
            Item::Text(text) => self.skip(text.chars().count()),
        }
    }

    /// Takes a digit or the point, with a blank and the sign before it.
    fn digit(&mut self) {
        self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        let is_first = self.whole.is_empty() && self.fraction.is_empty() && !self.has_point;
        if is_first && !self.sign() && self.pattern.sign == SignPlace::Brackets && self.rest.starts_with('<')
        {
            self.is_negative = Some(true);
            self.skip(1);
        }
        if self.has_point && self.fraction.len() == self.pattern.fraction {
            return;
        }
        match self.rest.chars().next() {
            Some(digit) if digit.is_ascii_digit() && self.has_point => self.fraction.push(digit),
            Some(digit) if digit.is_ascii_digit() => self.whole.push(digit),
            Some('.') if self.pattern.has_point && !self.has_point => self.has_point = true,
            Some('-' | '+') if !is_first && self.pattern.has_sign && self.sign() => return,
            _ => {}
        }
        self.skip(1);
    }

    /// Takes a sign, if there is one and none before.
    fn sign(&mut self) -> bool {
        let is_negative = match self.rest.chars().next() {
            Some('-') => true,
            Some('+') => false,
            _ => return false,
        };
        if self.is_negative.is_some() {
            return false;
        }
        self.is_negative = Some(is_negative);
        self.skip(1);
        true
    }

    fn skip(&mut self, chars: usize) {
        self.rest = self.rest.char_indices().nth(chars).map_or("", |(at, _)| &self.rest[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn numbers_are_read_as_postgresql_reads_them() {
        for (text, pattern, expected) in [
            ("12,454.8-", "99G999D9S", -124_548),
            ("-34,338,492.654", "99G999G999D999", -34_338_492_654),
            ("27,267.99-", "S99G099.09", -2_726_799),
            ("1234.5", "9G999D9", 12_345),
            (" -12 ", "999", -12),
            ("$1,5", "\"$\"9,9", 15),
            ("<12>", "99PR", -12),
            ("12x", "99", 12),
            ("1.999", "9.9", 19),
            (".5", "9.9", 5),
            ("5-", "9MI", -5),
            ("12-", "99", 12),
            ("3rd", "9th", 3),
            ("a12", "999", 12),
            ("123,456", "999999", 12_345),
            ("1-2", "9-9", 12),
        ] {
            let pattern = NumberPattern::for_reading("f", pattern).unwrap();
            assert_eq!(pattern.read("f", text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_is_refused() {
        let pattern = NumberPattern::for_reading("f", "99.9").unwrap();
        for (text, why) in [("abc", "no number in `abc`"), ("", "no number"), ("1234", "more than 2 digits")]
        {
            assert!(pattern.read("f", text).unwrap_err().to_string().contains(why), "{text}");
        }
        for (pattern, why) in [("9EEEE", "EEEE"), ("x", "`x`"), ("S", "no digits"), ("", "no digits")] {
            let message = NumberPattern::for_reading("f", pattern).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
        let (most, more) = ("9".repeat(38), "9".repeat(39));
        assert!(NumberPattern::for_reading("f", &more).is_err());
        let pattern = NumberPattern::for_reading("f", &most).unwrap();
        assert_eq!(pattern.read("f", &most).unwrap(), 10_i128.pow(38) - 1);
    }
}
