//! Texts of numbers by PostgreSQL's patterns, such as `FM999,990.00` (PostgreSQL 15, 9.8, tables 9.28 and 9.29): `to_char` of a number
//! and `to_number`, which DataFusion does not have.

mod decimal_digits;
mod pattern;
mod reader;
mod to_number;
mod writer;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::error::Result;

use decimal_digits::{FLOAT4_DIGITS, FLOAT8_DIGITS};
use pattern::NumberPattern;
pub use to_number::ToNumber;

/// Writes the numbers of a column by a pattern.
///
/// # Errors
/// A pattern that is not understood.
pub fn texts(numbers: &ArrayRef, pattern: &str) -> Result<ArrayRef> {
    let pattern = NumberPattern::parse("to_char", pattern)?;
    let mut texts = StringBuilder::new();
    match numbers.data_type() {
        DataType::Float64 => {
            for number in numbers.as_primitive::<Float64Type>() {
                texts.append_option(number.map(|number| pattern.write_float(number, FLOAT8_DIGITS)));
            }
        }
        DataType::Float16 | DataType::Float32 => {
            let numbers = cast(numbers, &DataType::Float32)?;
            for number in numbers.as_primitive::<Float32Type>() {
                texts.append_option(number.map(|number| pattern.write_float(number.into(), FLOAT4_DIGITS)));
            }
        }
        // The texts of integers and decimals have all of their digits.
        _ => {
            let plain = cast(numbers, &DataType::Utf8)?;
            for text in plain.as_string::<i32>() {
                texts.append_option(text.map(|text| pattern.write_decimal(text)));
            }
        }
    }
    Ok(Arc::new(texts.finish()))
}
