//! Checks values against the kinds of their streams: a bit takes 0 and 1, an unscaled integer stream integers within its range, an
//! unscaled float stream numbers that its type can hold.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::domain::integer::MAX_EXACT_FLOAT;
use crate::domain::reading::Readings;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, FieldError, Principal, Result, StreamId};
use crate::store::catalog::StreamCatalog;

/// Maximum wrong rows listed in one response.
const MAX_LISTED_ERRORS: usize = 20;

/// Name of a stream's kind and the values that it takes; `None` where any number is allowed.
type AllowedValues = Option<(&'static str, ValueRange)>;

/// Range of values of a kind.
#[derive(Debug, Clone)]
enum ValueRange {
    /// 0 and 1; `true` and `false` have become these.
    Bit,
    Integers(RangeInclusive<i128>),
    /// Up to this, of either sign.
    Floats(f64),
}

impl ValueRange {
    fn contains(&self, value: f64, text: Option<&str>) -> bool {
        match self {
            ValueRange::Bit => value == 0.0 || value == 1.0,
            ValueRange::Integers(range) => fits(range, value, text),
            ValueRange::Floats(largest) => value.abs() <= *largest,
        }
    }

    fn describe(&self) -> String {
        match self {
            ValueRange::Bit => "must be 0 or 1".to_owned(),
            ValueRange::Integers(range) => {
                format!("must be an integer from {} to {}", range.start(), range.end())
            }
            ValueRange::Floats(largest) => format!("must be a number from -{largest:?} to {largest:?}"),
        }
    }
}

/// # Errors
/// `Invalid` with one field `row N` for each wrong row, at most `MAX_LISTED_ERRORS` of them.
pub fn check(catalog: &StreamCatalog, principal: &Principal, rows: &Readings) -> Result<()> {
    let mut known: HashMap<i32, AllowedValues> = HashMap::new();
    let mut last: Option<(i32, AllowedValues)> = None;
    let mut wrong = Vec::new();
    for (i, (stream, value)) in rows.stream.iter().zip(&rows.value).enumerate() {
        // Rows of one stream mostly come together.
        if last.as_ref().is_none_or(|(same, _)| same != stream) {
            let taken =
                known.entry(*stream).or_insert_with(|| allowed_values(catalog, principal, StreamId(*stream)));
            last = Some((*stream, taken.clone()));
        }
        let Some((_, Some((kind, range)))) = &last else { continue };
        // A row without a value is checked with the rest of the row when it is written.
        let text = rows.text.get(i).and_then(Option::as_deref);
        if value.is_nan() || range.contains(*value, text) {
            continue;
        }
        let message = format!("value: {}; the stream is {kind}", range.describe());
        wrong.push(FieldError::new(format!("row {}", i + 1), message));
        if wrong.len() == MAX_LISTED_ERRORS {
            break;
        }
    }
    Error::check(wrong)
}

fn allowed_values(catalog: &StreamCatalog, principal: &Principal, id: StreamId) -> AllowedValues {
    let stream = catalog.stream(principal, id).ok()?;
    let kind = stream.spec.kind;
    if kind == StreamKind::Bit {
        return Some((kind.name(), ValueRange::Bit));
    }
    if stream.spec.is_scaled() {
        return None;
    }
    let range = kind.integer_range().map(ValueRange::Integers);
    Some((kind.name(), range.or_else(|| kind.largest_float().map(ValueRange::Floats))?))
}

fn fits(range: &RangeInclusive<i128>, value: f64, text: Option<&str>) -> bool {
    if let Some(digits) = text {
        // Text that is not a number is checked with the rest of the row.
        return digits.parse::<i128>().map_or(true, |exact| range.contains(&exact));
    }
    // A number this large without its digits was rounded: at the edge of the range it may have been beyond it.
    let is_edge = value.abs() > MAX_EXACT_FLOAT && value as i128 == *range.start();
    value.fract() == 0.0 && range.contains(&(value as i128)) && !is_edge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_0_or_1() {
        for (value, expected) in
            [(0.0, true), (-0.0, true), (1.0, true), (2.0, false), (-1.0, false), (0.5, false)]
        {
            assert_eq!(ValueRange::Bit.contains(value, None), expected, "{value}");
        }
    }

    #[test]
    fn integers_of_the_range_fit() {
        for (kind, value, text, expected) in [
            (StreamKind::Int16, 32_767.0, None, true),
            (StreamKind::Int16, 32_768.0, None, false),
            (StreamKind::Int16, 1.5, None, false),
            (StreamKind::Byte, -1.0, None, false),
            (StreamKind::Uint32, 4_294_967_295.0, None, true),
            (StreamKind::Int64, 1e18, None, true),
            (StreamKind::Int64, -9.223_372_036_854_776e18, Some("-9223372036854775808"), true),
            (StreamKind::Int64, -9.223_372_036_854_776e18, None, false),
            (StreamKind::Int64, 9.223_372_036_854_776e18, None, false),
            (StreamKind::Int64, 9.3e18, Some("9300000000000000000"), false),
            (StreamKind::Uint64, 1.8446744073709552e19, Some("18446744073709551615"), true),
            (StreamKind::Uint64, 1.8446744073709552e19, None, false),
            (StreamKind::Uint64, -9.0e17, Some("-900000000000000000"), false),
        ] {
            let range = kind.integer_range().unwrap();
            assert_eq!(fits(&range, value, text), expected, "{kind} {value} {text:?}");
        }
    }
}
