//! Writes a number by a pattern.

use super::decimal_digits::DecimalDigits;
use super::pattern::{Item, NumberPattern, SignPlace};

impl NumberPattern {
    /// Writes an integer or a decimal given as `-12.50`.
    pub fn write_decimal(&self, text: &str) -> String {
        let number = DecimalDigits::parse(text);
        if self.is_scientific {
            let (mantissa, exponent) = number.scientific(self.fraction);
            return self.scientific(&mantissa, exponent);
        }
        self.write(number.rounded(self.fraction))
    }

    /// Writes a number with at most some significant digits.
    pub fn write_float(&self, number: f64, significant: usize) -> String {
        if !number.is_finite() {
            return self.write_word(number, significant);
        }
        if self.is_scientific {
            let text = format!("{number:.*e}", self.fraction);
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            return self.scientific(&DecimalDigits::parse(mantissa), exponent.parse().unwrap_or_default());
        }
        self.write(DecimalDigits::of_float(number, self.fraction, significant))
    }

    /// Writes what is no number, or infinite: as a word where it fits, and with a sign in place of each digit else.
    fn write_word(&self, number: f64, significant: usize) -> String {
        let hashes = |count| "#".repeat(count);
        if self.is_scientific {
            let point = if self.has_point { "." } else { "#" };
            return format!(" {}{point}{}", hashes(self.whole), hashes(self.fraction + 4));
        }
        let word = if number.is_nan() { "NaN" } else { "Infinity" };
        let (whole, fraction) = match word.len() <= self.whole {
            true => (word.to_owned(), String::new()),
            false => (hashes(self.whole), hashes(self.fraction.min(significant.saturating_sub(word.len())))),
        };
        NumberWriter::new(self, &DecimalDigits { is_negative: number < 0.0, whole, fraction }).write()
    }

    fn scientific(&self, mantissa: &DecimalDigits, exponent: i32) -> String {
        let sign = if mantissa.is_negative { '-' } else { ' ' };
        let point = if self.fraction > 0 { "." } else { "" };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        let (whole, fraction) = (&mantissa.whole, &mantissa.fraction);
        format!("{sign}{whole}{point}{fraction}e{exponent_sign}{:02}", exponent.unsigned_abs())
    }

    fn write(&self, mut number: DecimalDigits) -> String {
        if number.whole.len() > self.whole {
            number.whole = "#".repeat(self.whole);
            number.fraction = "#".repeat(number.fraction.len());
        }
        NumberWriter::new(self, &number).write()
    }
}

/// A number that is being written.
struct NumberWriter<'a> {
    pattern: &'a NumberPattern,
    number: &'a DecimalDigits,
    out: String,
    /// Digits of the pattern before the first one of the number.
    padding: usize,
    /// Digits after the point that are not left out at the end; all of them without `FM`.
    relevant: usize,
    /// Whether the digit before the point is a zero that nothing asks for.
    hides_zero: bool,
    needs_sign: bool,
    /// Whether the last digit was written, so that a separator may follow.
    is_within: bool,
    /// The next digit or point.
    place: usize,
}

impl<'a> NumberWriter<'a> {
    fn new(pattern: &'a NumberPattern, number: &'a DecimalDigits) -> Self {
        let least = pattern.up_to_zero.saturating_sub(pattern.whole).min(number.fraction.len());
        let relevant = match pattern.is_trimmed {
            true => number.fraction.trim_end_matches('0').len().max(least),
            false => number.fraction.len(),
        };
        Self {
            pattern,
            number,
            out: String::new(),
            padding: pattern.whole.saturating_sub(number.whole.len()),
            relevant,
            hides_zero: pattern.first_zero.is_none() && pattern.fraction > 0 && number.whole == "0",
            needs_sign: true,
            is_within: false,
            place: 0,
        }
    }

    fn write(mut self) -> String {
        let places = self.pattern.whole + self.pattern.fraction + usize::from(self.pattern.has_point);
        for item in &self.pattern.items {
            match item {
                Item::Nine | Item::Zero | Item::Point => {
                    self.digit(item);
                    self.place += 1;
                    if self.place == places {
                        self.close();
                    }
                }
                Item::Group => match self.is_within {
                    true => self.out.push(','),
                    false => self.blank(),
                },
                Item::Minus => self.sign_if(self.number.is_negative),
                Item::Plus => self.sign_if(!self.number.is_negative),
                Item::Sign => self.out.push(self.sign()),
                Item::Ordinal { is_upper } => self.ordinal(*is_upper),
                Item::Text(text) => self.out.push_str(text),
                Item::AnchoredSign => {}
            }
        }
        self.out
    }

    fn digit(&mut self, item: &Item) {
        self.is_within = false;
        let (place, pattern) = (self.place, self.pattern);
        let is_after_zero = pattern.first_zero.is_some_and(|first| first <= place);
        let is_hidden = self.hides_zero && place == self.padding && *item != Item::Point;
        let is_cut = pattern.is_trimmed && pattern.has_point && self.relevant == 0;
        if (place >= self.padding || is_after_zero) && (!is_hidden || is_cut) {
            self.open();
        }
        let number = self.number;
        let after_point = place.checked_sub(pattern.whole + 1);
        match (item, after_point) {
            // A number without a fraction has no point, but signs in place of digits do.
            (Item::Point, _) if number.fraction.is_empty() && number.whole.starts_with(|c| c != '#') => {}
            (Item::Point, _) => self.out.push('.'),
            (_, None) if place < self.padding => match is_after_zero {
                true => self.push('0'),
                false => self.blank(),
            },
            (_, None) if is_hidden => match is_cut {
                true => self.out.push('0'),
                false => self.blank(),
            },
            (_, None) => {
                let digit = number.whole.as_bytes().get(place - self.padding).copied();
                digit.into_iter().for_each(|digit| self.push(digit.into()));
            }
            (Item::Nine, Some(at)) if at >= self.relevant => {}
            (_, Some(at)) => {
                let digit = number.fraction.as_bytes().get(at).copied();
                digit.into_iter().for_each(|digit| self.push(digit.into()));
            }
        }
    }

    fn push(&mut self, digit: char) {
        self.out.push(digit);
        self.is_within = true;
    }

    fn blank(&mut self) {
        if !self.pattern.is_trimmed {
            self.out.push(' ');
        }
    }

    /// Writes the sign before the first digit.
    fn open(&mut self) {
        if !std::mem::take(&mut self.needs_sign) {
            return;
        }
        match (self.pattern.sign, self.number.is_negative) {
            (SignPlace::Before, _) => self.out.push(self.sign()),
            (SignPlace::After | SignPlace::Apart, _) => {}
            (SignPlace::Brackets, true) => self.out.push('<'),
            (_, true) => self.out.push('-'),
            (_, false) => self.blank(),
        }
    }

    /// Writes the sign after the last digit.
    fn close(&mut self) {
        match (self.pattern.sign, self.number.is_negative) {
            (SignPlace::After, _) => self.out.push(self.sign()),
            (SignPlace::Brackets, true) => self.out.push('>'),
            (SignPlace::Brackets, false) => self.blank(),
            _ => {}
        }
    }

    fn sign(&self) -> char {
        if self.number.is_negative { '-' } else { '+' }
    }

    fn sign_if(&mut self, is_shown: bool) {
        match is_shown {
            true => self.out.push(self.sign()),
            false => self.blank(),
        }
    }

    /// Writes the ending of an ordinal number: `st`, `nd`, `rd` or `th`.
    fn ordinal(&mut self, is_upper: bool) {
        let whole = &self.number.whole;
        if self.pattern.has_point || self.number.is_negative || whole.starts_with('#') {
            return;
        }
        let is_teen = whole.len() > 1 && whole.as_bytes()[whole.len() - 2] == b'1';
        let ending = match whole.as_bytes().last() {
            Some(b'1') if !is_teen => "st",
            Some(b'2') if !is_teen => "nd",
            Some(b'3') if !is_teen => "rd",
            _ => "th",
        };
        match is_upper {
            true => self.out.push_str(&ending.to_ascii_uppercase()),
            false => self.out.push_str(ending),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::semantics::number_text::decimal_digits::FLOAT8_DIGITS;

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn decimals_are_written_as_postgresql_writes_them() {
        for (number, pattern, expected) in [
            ("1234.567", "FM9,999.00", "1,234.57"),
            ("1234.567", "9G999G990D99", "     1,234.57"),
            ("-0.1", "99.99", "  -.10"),
            ("0.1", "0.9", " 0.1"),
            ("0", "FM9.9", "0."),
            ("0", "9.9", "  .0"),
            ("0.5", "FM9.99", ".5"),
            ("-0.5", "FM990.909", "-0.50"),
            ("485", "999MI", "485 "),
            ("-485", "FM999MI", "485-"),
            ("-485", "MI999", "-485"),
            ("1.5", "PL9.9", "+ 1.5"),
            ("-1.5", "PL9.9", " -1.5"),
            ("12", "SG9999", "+  12"),
            ("-12", "S9999", "  -12"),
            ("12", "9999S", "  12+"),
            ("-12", "999PR", " <12>"),
            ("12", "99PR", " 12 "),
            ("12", "FM99PR", "12"),
            ("148", "009999", " 000148"),
            ("148", "9,999,9", "    14,8"),
            ("12345", "999", " ###"),
            ("0.12", ".99", " .##"),
            ("12", "99\" kg\"", " 12 kg"),
            ("12.5", "99.9 %", " 12.5 %"),
            ("21", "FM99th", "21st"),
            ("112", "FM999TH", "112TH"),
            ("12345.678", "9.99EEEE", " 1.23e+04"),
            ("-0.00012", "9.9eeee", "-1.2e-04"),
            ("0", "9.9EEEE", " 0.0e+00"),
        ] {
            let pattern = NumberPattern::parse("f", pattern).unwrap();
            assert_eq!(pattern.write_decimal(number), expected, "{number} {pattern:?}");
        }
    }

    /// The right side is what PostgreSQL 15 answers for `float8`.
    #[test]
    fn floats_are_written_with_the_digits_that_they_have() {
        for (number, pattern, expected) in [
            (0.125, "FM0.00", "0.12"),
            (-1234.5, "9,999.99", "-1,234.50"),
            (0.1, "9.99999999999999999999", "  .10000000000000"),
            (1e300, "9.9EEEE", " 1.0e+300"),
            (1e300, "999", " ###"),
            (f64::NAN, "99.9", " ##.#"),
            (f64::NAN, "9999", "  NaN"),
            (f64::NEG_INFINITY, "99.9", "-##.#"),
        ] {
            let parsed = NumberPattern::parse("f", pattern).unwrap();
            assert_eq!(parsed.write_float(number, FLOAT8_DIGITS), expected, "{number} {pattern}");
        }
    }
}
