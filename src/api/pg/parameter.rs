//! Parameters of a statement: their number, and their values as bound in the protocol or given to SQL `EXECUTE`.

use arrow::array::{ArrayRef, AsArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use bytes::Bytes;
use pgwire::api::Type;

use super::array::{self, ArrayError};
use super::error::PgError;
use super::{exact_numeric, scalar, types};

/// Maximum parameters of a statement: the protocol counts them in 16 bits.
pub const MAX_PARAMETERS: usize = u16::MAX as usize;

/// Texts that are times in PostgreSQL; a statement may have all but the infinite ones (query/semantics/named_time.rs).
const NAMED_TIMES: [&str; 7] =
    ["infinity", "-infinity", "+infinity", "now", "today", "tomorrow", "yesterday"];

/// Checks the number of a statement's parameters.
///
/// # Errors
/// SQLSTATE 54023 if there are too many.
pub fn check_parameter_count(parameters: usize) -> Result<(), PgError> {
    if parameters <= MAX_PARAMETERS {
        return Ok(());
    }
    Err(PgError::Protocol("54023", format!("more than {MAX_PARAMETERS} parameters")))
}

/// Decodes a bound value as an array of one row; `number` is the parameter number for error messages. A `numeric` keeps its digits
/// where it can.
///
/// # Errors
/// SQLSTATE 0A000 for an unsupported type, 22P02 for an invalid value, 54000 for an array with too many elements.
pub fn decode_value(
    number: usize,
    declared: &Type,
    is_binary: bool,
    value: Option<&Bytes>,
) -> Result<ArrayRef, PgError> {
    let target = types::arrow_type(declared).ok_or_else(|| types::unsupported(declared.name()))?;
    let wrong =
        || PgError::Protocol("22P02", format!("the value of ${number} is no {}", types::name(declared)));
    if let (Some(element), Some(bytes)) = (types::element_type(declared), value) {
        let read = match std::str::from_utf8(bytes) {
            _ if is_binary => array::from_binary(&element, bytes.clone()),
            Ok(text) => array::from_text(&element, text),
            Err(_) => Err(ArrayError::InvalidValue),
        };
        return read.map_err(|why| match why {
            ArrayError::InvalidValue => wrong(),
            ArrayError::TooManyElements => too_many_elements(number),
        });
    }
    if *declared == Type::NUMERIC
        && let Some(exact) = value.and_then(|bytes| exact_numeric::read(bytes, is_binary))
    {
        return Ok(exact);
    }
    match value {
        None => Ok(new_null_array(&target, 1)),
        Some(bytes) if is_binary => scalar::from_binary(declared, bytes.clone()).ok_or_else(wrong),
        Some(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
            if target.is_temporal() && NAMED_TIMES.contains(&text.trim().to_ascii_lowercase().as_str()) {
                let message =
                    format!("not supported: the value of ${number} is '{text}'; send the time itself");
                return Err(PgError::Protocol("0A000", message));
            }
            scalar::from_text(text, declared).ok_or_else(wrong)
        }
    }
}

/// Casts an argument of SQL `EXECUTE`, an array of one row, to the type of its parameter.
///
/// # Errors
/// SQLSTATE 42804 for a value of another type, 54000 for an array with too many elements.
pub fn cast_argument(number: usize, wanted: &Type, value: &ArrayRef) -> Result<ArrayRef, PgError> {
    let wrong = || PgError::Protocol("42804", format!("${number} is no {}", types::name(wanted)));
    if let Some(element) = types::element_type(wanted) {
        return array::from_value(&element, value).map_err(|why| match why {
            ArrayError::InvalidValue => wrong(),
            ArrayError::TooManyElements => too_many_elements(number),
        });
    }
    let target = types::arrow_type(wanted).unwrap_or_else(|| value.data_type().clone());
    let text = value.as_string_opt::<i32>().and_then(|texts| texts.iter().next().flatten());
    if let Some(text) = text.filter(|_| target != DataType::Binary) {
        return scalar::from_text(text, wanted).ok_or_else(wrong);
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(value, &target, &strict).map_err(|_| wrong())
}

fn too_many_elements(number: usize) -> PgError {
    PgError::Protocol(
        "54000",
        format!("the array ${number} has more than {} elements", array::MAX_ARRAY_ELEMENTS),
    )
}

#[cfg(test)]
#[path = "parameter_tests.rs"]
mod tests;
