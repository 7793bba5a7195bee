//! Whether rows fit the kinds of their streams: an integer kind takes integers of its range, where nothing scales them.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::domain::reading::Readings;
use crate::domain::{Error, FieldError, Principal, Result, StreamId};
use crate::store::catalog::Catalog;

/// How many wrong rows one answer lists.
const LISTED: usize = 20;
/// Integers up to here are exact in an f64; larger ones come with their digits.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a stream takes: the name of its kind and the range of it; nothing where any number will do.
type Taken = Option<(&'static str, RangeInclusive<i128>)>;

/// # Errors
/// `Invalid` with one field `row N` for each wrong row, at most `LISTED` of them.
pub fn check(catalog: &Catalog, principal: &Principal, rows: &Readings) -> Result<()> {
    let mut known: HashMap<i32, Taken> = HashMap::new();
    let mut last: Option<(i32, Taken)> = None;
    let mut wrong = Vec::new();
    for (i, (stream, value)) in rows.stream.iter().zip(&rows.value).enumerate() {
        // Rows of one stream mostly come together.
        if last.as_ref().is_none_or(|(same, _)| same != stream) {
            let taken = known.entry(*stream).or_insert_with(|| taken(catalog, principal, StreamId(*stream)));
            last = Some((*stream, taken.clone()));
        }
        let Some((_, Some((kind, range)))) = &last else { continue };
        // A row without a value is judged with the rest of it, when it is written.
        let text = rows.text.get(i).and_then(Option::as_deref);
        if value.is_nan() || fits(range, *value, text) {
            continue;
        }
        let message = format!(
            "value: must be an integer from {} to {}; the stream is {kind}",
            range.start(),
            range.end()
        );
        wrong.push(FieldError::new(format!("row {}", i + 1), message));
        if wrong.len() == LISTED {
            break;
        }
    }
    Error::check(wrong)
}

fn taken(catalog: &Catalog, principal: &Principal, id: StreamId) -> Taken {
    let stream = catalog.stream(principal, id).ok()?;
    let is_scaled = stream.spec.scale != 1.0 || stream.spec.offset != 0.0;
    let range = stream.spec.kind.integer_range().filter(|_| !is_scaled)?;
    Some((stream.spec.kind.name(), range))
}

fn fits(range: &RangeInclusive<i128>, value: f64, text: Option<&str>) -> bool {
    if let Some(digits) = text {
        // Text that is no number at all is judged with the rest of the row.
        return digits.parse::<i128>().map_or(true, |exact| range.contains(&exact));
    }
    // A number that large which came without its digits was rounded: at the very edge it may have been beyond.
    let is_edge = value.abs() > EXACT && value as i128 == *range.start();
    value.fract() == 0.0 && range.contains(&(value as i128)) && !is_edge
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stream::StreamKind;

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
