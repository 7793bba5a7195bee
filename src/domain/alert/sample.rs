//! A reading as rules see it.

use crate::domain::Micros;

/// A reading that has a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// Its time.
    pub ts: Micros,
    /// 0 or 1 of a boolean; `None` for a text.
    pub number: Option<f64>,
    /// Text; of a whole number beyond ±2^53 its digits.
    pub text: Option<&'a str>,
}
