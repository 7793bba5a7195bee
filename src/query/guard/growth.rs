//! Estimates how many bytes a scalar function makes of its arguments, and how long it takes.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;

use crate::domain::Error;
use crate::query::byte_size;

/// Maximum product of the lengths of two compared texts: some tenths of a second.
const MAX_LEVENSHTEIN_CELLS: usize = 100_000_000;

/// Bytes per row beside its value: offsets, validity and the rounding of builders.
const ROW_BYTES: usize = 64;

/// Returns an upper bound of the bytes that a function makes of `rows` rows.
pub fn result_bytes(name: &str, args: &[ColumnarValue], rows: usize) -> usize {
    let sizes: Vec<ArgumentSize> = args.iter().map(|value| ArgumentSize::of(value, rows)).collect();
    let all = sizes.iter().map(|size| size.total).fold(0, usize::saturating_add);
    let of = |i: usize| sizes.get(i).copied().unwrap_or_default();
    let grown = match name {
        "replace" => {
            let matches = of(0).total / of(1).shortest.max(1) + rows;
            matches.saturating_mul(of(2).longest).saturating_add(of(0).total)
        }
        "regexp_replace" => {
            let inserted = (of(0).total + rows).saturating_mul(of(2).longest);
            let groups = of(0).total.saturating_mul(group_references(args.get(2)));
            inserted.saturating_add(groups).saturating_add(of(0).total)
        }
        "array_replace" | "array_replace_n" | "array_replace_all" => {
            of(0).elements.saturating_mul(of(2).longest).saturating_add(all)
        }
        "array_to_string" => {
            let each = of(1).longest + of(2).longest + ROW_BYTES;
            of(0).elements.saturating_mul(each).saturating_add(all)
        }
        "concat_ws" => {
            let separators = rows.saturating_mul(args.len()).saturating_add(all_elements(&sizes));
            separators.saturating_mul(of(0).longest).saturating_add(all)
        }
        "string_to_array" => all.saturating_mul(24),
        "to_char" => all.saturating_mul(16),
        _ if is_linear(name) => all,
        _ => all.saturating_mul(8),
    };
    grown.saturating_add(rows.saturating_mul(ROW_BYTES))
}

/// Whether a function copies its arguments at most once.
fn is_linear(name: &str) -> bool {
    const LINEAR: [&str; 16] = [
        "||",
        "btrim",
        "concat",
        "left",
        "ltrim",
        "make_array",
        "nullif",
        "overlay",
        "reverse",
        "right",
        "rtrim",
        "split_part",
        "struct",
        "named_struct",
        "substr",
        "substr_index",
    ];
    LINEAR.contains(&name)
}

/// Whether a function caches state for each distinct argument of a batch and so must be called with one row at a time:
/// a compiled regular expression takes megabytes.
pub fn needs_single_rows(name: &str, args: &[ColumnarValue]) -> bool {
    name.starts_with("regexp_") && matches!(args.get(1), Some(ColumnarValue::Array(_)))
}

/// Checks that a function ends in reasonable time.
///
/// # Errors
/// `TooLarge` for arguments that would take the function minutes.
pub fn check_work(name: &str, args: &[ColumnarValue]) -> Result<()> {
    if name != "levenshtein" {
        return Ok(());
    }
    let longest = |i: usize| args.get(i).map_or(0, |value| ArgumentSize::of(value, 1).longest);
    if longest(0).saturating_mul(longest(1)) <= MAX_LEVENSHTEIN_CELLS {
        return Ok(());
    }
    let message = "`levenshtein` takes texts whose lengths multiplied are at most 100,000,000".to_owned();
    Err(DataFusionError::External(Box::new(Error::too_large(message))))
}

/// Returns the maximum number of references to match groups in a replacement.
fn group_references(replacement: Option<&ColumnarValue>) -> usize {
    let signs = |text: &str| text.bytes().filter(|b| matches!(b, b'\\' | b'$')).count();
    match replacement {
        Some(ColumnarValue::Scalar(scalar)) => scalar.try_as_str().flatten().map_or(0, signs),
        Some(ColumnarValue::Array(array)) => ArgumentSize::of_array(array).longest,
        None => 0,
    }
}

fn all_elements(sizes: &[ArgumentSize]) -> usize {
    sizes.iter().map(|size| size.elements).sum()
}

/// Size of an argument over all rows.
#[derive(Debug, Clone, Copy, Default)]
struct ArgumentSize {
    /// Bytes of all rows.
    total: usize,
    /// Bytes of the longest row.
    longest: usize,
    shortest: usize,
    /// Elements of all lists.
    elements: usize,
}

impl ArgumentSize {
    fn of(value: &ColumnarValue, rows: usize) -> ArgumentSize {
        match value {
            ColumnarValue::Array(array) => ArgumentSize::of_array(array),
            ColumnarValue::Scalar(scalar) => match scalar.to_array() {
                Ok(array) => {
                    let one = ArgumentSize::of_array(&array);
                    let (total, elements) =
                        (one.total.saturating_mul(rows), one.elements.saturating_mul(rows));
                    ArgumentSize { total, elements, ..one }
                }
                // A scalar without an array form has negligible size.
                Err(_) => ArgumentSize::default(),
            },
        }
    }

    fn of_array(array: &dyn Array) -> ArgumentSize {
        let total = byte_size::of_values(array);
        let (shortest, longest) = extent(array).unwrap_or((0, total));
        ArgumentSize { total, longest, shortest, elements: elements(array) }
    }
}

/// Returns the lengths of the shortest and the longest text; `None` for other types.
fn extent(array: &dyn Array) -> Option<(usize, usize)> {
    let lengths: Box<dyn Iterator<Item = usize> + '_> = match array.data_type() {
        DataType::Utf8 => Box::new(array.as_string::<i32>().offsets().lengths()),
        DataType::LargeUtf8 => Box::new(array.as_string::<i64>().offsets().lengths()),
        DataType::Utf8View => Box::new(array.as_string_view().lengths().map(|n| n as usize)),
        _ => return None,
    };
    Some(lengths.fold((usize::MAX, 0), |(short, long), n| (short.min(n), long.max(n))))
}

fn elements(array: &dyn Array) -> usize {
    match array.data_type() {
        DataType::List(_) => {
            let offsets = array.as_list::<i32>().value_offsets();
            (offsets[array.len()] - offsets[0]) as usize
        }
        DataType::LargeList(_) => {
            let offsets = array.as_list::<i64>().value_offsets();
            (offsets[array.len()] - offsets[0]) as usize
        }
        _ => 0,
    }
}
