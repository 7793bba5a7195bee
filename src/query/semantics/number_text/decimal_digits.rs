//! Digits of a number in decimal notation, with exact rounding.

/// Significant digits of a `float8` that are written at most.
pub const FLOAT8_DIGITS: usize = 15;
/// Significant digits of a `float4` that are written at most.
pub const FLOAT4_DIGITS: usize = 6;

/// A number in decimal notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalDigits {
    pub is_negative: bool,
    /// Digits before the point without zeros at their beginning, but one.
    pub whole: String,
    /// Digits after the point.
    pub fraction: String,
}

impl DecimalDigits {
    /// Reads `-12.50`.
    pub fn parse(text: &str) -> DecimalDigits {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        DecimalDigits { is_negative, whole: whole.to_owned(), fraction: fraction.to_owned() }
    }

    /// Returns a finite number with some digits after the point; fewer where it has no more than `significant`.
    pub fn of_float(number: f64, fraction: usize, significant: usize) -> DecimalDigits {
        let whole = format!("{:.0}", number.abs()).len();
        let fraction = fraction.min(significant.saturating_sub(whole));
        DecimalDigits::parse(&format!("{number:.fraction$}"))
    }

    /// Returns the number with so many digits after the point, rounded half away from zero.
    pub fn rounded(&self, digits: usize) -> DecimalDigits {
        let kept = self.fraction.get(..digits).unwrap_or(&self.fraction);
        let mut all = format!("{}{kept}{}", self.whole, "0".repeat(digits - kept.len())).into_bytes();
        let is_up = self.fraction.as_bytes().get(digits).is_some_and(|next| *next >= b'5');
        if is_up && increment(&mut all) {
            all.insert(0, b'1');
        }
        let is_zero = all.iter().all(|digit| *digit == b'0');
        let text: String = all.into_iter().map(char::from).collect();
        let (whole, fraction) = text.split_at(text.len() - digits);
        let is_negative = self.is_negative && !is_zero;
        DecimalDigits { is_negative, whole: whole.to_owned(), fraction: fraction.to_owned() }
    }

    /// Returns the number as one digit, a point and more digits, with the power of ten, such as `1.50` and 3.
    pub fn scientific(&self, digits: usize) -> (DecimalDigits, i32) {
        let all = format!("{}{}", self.whole, self.fraction);
        let significant = all.trim_start_matches('0');
        let Some(first) = significant.get(..1) else { return (self.rounded(digits), 0) };
        let exponent = self.whole.len() as i32 - (all.len() - significant.len()) as i32 - 1;
        let mantissa = DecimalDigits {
            is_negative: self.is_negative,
            whole: first.to_owned(),
            fraction: significant[1..].to_owned(),
        };
        let rounded = mantissa.rounded(digits);
        // 9.96 became 10.0.
        match rounded.whole.strip_suffix('0').filter(|whole| !whole.is_empty()) {
            Some(_) => {
                let whole = "1".to_owned();
                (DecimalDigits { whole, ..rounded }, exponent + 1)
            }
            None => (rounded, exponent),
        }
    }
}

/// Adds one to the last of some digits; whether the first one overflowed.
fn increment(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: &DecimalDigits) -> String {
        format!("{}{}.{}", if number.is_negative { "-" } else { "" }, number.whole, number.fraction)
    }

    #[test]
    fn digits_are_rounded_half_away_from_zero() {
        for (text, digits, expected) in [
            ("0.125", 2, "0.13"),
            ("-9.995", 2, "-10.00"),
            ("007", 1, "7.0"),
            ("-0.001", 1, "0.0"),
            ("99.5", 0, "100."),
        ] {
            assert_eq!(shown(&DecimalDigits::parse(text).rounded(digits)), expected, "{text}");
        }
        assert_eq!(shown(&DecimalDigits::of_float(0.1, 20, FLOAT8_DIGITS)), "0.10000000000000");
        assert_eq!(shown(&DecimalDigits::of_float(0.125, 2, FLOAT8_DIGITS)), "0.12");
    }

    #[test]
    fn scientific_notation_has_one_digit_before_the_point() {
        for (text, digits, expected) in [
            ("12345.678", 2, ("1.23", 4)),
            ("0.00996", 1, ("1.0", -2)),
            ("-999", 1, ("-1.0", 3)),
            ("0", 1, ("0.0", 0)),
        ] {
            let (mantissa, exponent) = DecimalDigits::parse(text).scientific(digits);
            assert_eq!((shown(&mantissa).as_str(), exponent), expected, "{text}");
        }
    }
}
