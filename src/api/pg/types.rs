//! Mapping between PostgreSQL and Arrow types, and decoding of bound values in text and binary format.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, IntervalMonthDayNanoArray, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use arrow_pg::datatypes::into_pg_type;
use bytes::{Buf, Bytes};
use pgwire::api::Type;
use uuid::Uuid;

use super::array::{self, ArrayError};
use super::error::PgError;

const UTC: &str = "UTC";
/// PostgreSQL's epoch, 2000-01-01, as microseconds and days since 1970-01-01.
const PG_EPOCH_US: i64 = 946_684_800_000_000;
const PG_EPOCH_DAYS: i32 = 10_957;

/// Returns the parameter type of an OID; `None` for 0 and for types that leave the choice to the server.
pub fn declared_type(oid: u32) -> Result<Option<Type>, PgError> {
    match Type::from_oid(oid) {
        _ if oid == 0 => Ok(None),
        Some(Type::UNKNOWN) => Ok(None),
        Some(known) if arrow_type(&known).is_some() => Ok(Some(known)),
        Some(other) => Err(unsupported(other.name())),
        None => Err(unsupported(&format!("number {oid}"))),
    }
}

/// Returns a type by its SQL name, such as `timestamptz`.
pub fn type_by_name(name: &str) -> Result<Type, PgError> {
    let name = name.to_ascii_lowercase();
    if let Some(element) = name.strip_suffix("[]") {
        return array::array_type(&type_by_name(element.trim_end())?).ok_or_else(|| unsupported(&name));
    }
    Ok(match name.as_str() {
        "bool" | "boolean" => Type::BOOL,
        "int2" | "smallint" => Type::INT2,
        "int" | "int4" | "integer" => Type::INT4,
        "int8" | "bigint" => Type::INT8,
        "float4" | "real" => Type::FLOAT4,
        "float8" | "double precision" => Type::FLOAT8,
        "numeric" | "decimal" => Type::NUMERIC,
        "text" | "varchar" | "character varying" => Type::TEXT,
        "date" => Type::DATE,
        "timestamp" | "timestamp without time zone" => Type::TIMESTAMP,
        "timestamptz" | "timestamp with time zone" => Type::TIMESTAMPTZ,
        "interval" => Type::INTERVAL,
        _ => return Err(unsupported(&name)),
    })
}

fn unsupported(name: &str) -> PgError {
    PgError::Protocol("0A000", format!("parameters of the type {name} are not supported"))
}

/// Returns the SQL name of a type.
pub fn name(declared: &Type) -> String {
    array::element_type(declared).map_or_else(|| declared.name().to_owned(), |of| format!("{}[]", of.name()))
}

/// Returns the Arrow type of a parameter type; `None` for unsupported types.
pub fn arrow_type(declared: &Type) -> Option<DataType> {
    if let Some(element) = array::element_type(declared) {
        return Some(DataType::new_list(arrow_type(&element)?, true));
    }
    Some(match *declared {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 | Type::NUMERIC => DataType::Float64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UUID | Type::JSON => DataType::Utf8,
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return None,
    })
}

/// Returns the PostgreSQL type advertised for a parameter of Arrow type `wanted`.
pub fn parameter_type(wanted: &DataType) -> Type {
    let exact = into_pg_type(wanted).ok().filter(|found| arrow_type(found).is_some());
    exact.unwrap_or(Type::TEXT)
}

/// Decodes a bound value as an array of one row; `number` is the parameter number for error messages.
pub fn decode_value(
    number: usize,
    declared: &Type,
    is_binary: bool,
    value: Option<&Bytes>,
) -> Result<ArrayRef, PgError> {
    let target = arrow_type(declared).ok_or_else(|| unsupported(declared.name()))?;
    let wrong = || PgError::Protocol("22P02", format!("the value of ${number} is no {}", name(declared)));
    if let (Some(element), Some(bytes)) = (array::element_type(declared), value) {
        let read = match std::str::from_utf8(bytes) {
            _ if is_binary => array::from_binary(&element, bytes.clone()),
            Ok(text) => array::from_text(&element, text),
            Err(_) => Err(ArrayError::InvalidValue),
        };
        return read.map_err(|why| match why {
            ArrayError::InvalidValue => wrong(),
            ArrayError::TooManyElements => too_many(number),
        });
    }
    match value {
        None => Ok(new_null_array(&target, 1)),
        Some(bytes) if is_binary => from_binary(declared, bytes.clone()).ok_or_else(wrong),
        Some(bytes) => {
            std::str::from_utf8(bytes).ok().and_then(|text| from_text(text, &target)).ok_or_else(wrong)
        }
    }
}

fn from_text(text: &str, target: &DataType) -> Option<ArrayRef> {
    if *target == DataType::Binary {
        let bytes = hex::decode(text.strip_prefix("\\x")?).ok()?;
        return Some(Arc::new(BinaryArray::from_vec(vec![&bytes])));
    }
    let text: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&text, target, &strict).ok()
}

/// The error for an array with too many elements.
pub fn too_many(number: usize) -> PgError {
    PgError::Protocol(
        "54000",
        format!("the array ${number} has more than {} elements", array::MAX_ARRAY_ELEMENTS),
    )
}

/// Decodes a scalar in binary format. Lengths must be exact: a longer or shorter value is of another type.
pub fn from_binary(declared: &Type, mut bytes: Bytes) -> Option<ArrayRef> {
    let has = |length: usize| (bytes.len() == length).then_some(());
    Some(match *declared {
        Type::BOOL => {
            has(1)?;
            Arc::new(BooleanArray::from(vec![bytes.get_u8() != 0]))
        }
        Type::INT2 => {
            has(2)?;
            Arc::new(Int16Array::from(vec![bytes.get_i16()]))
        }
        Type::INT4 => {
            has(4)?;
            Arc::new(Int32Array::from(vec![bytes.get_i32()]))
        }
        Type::OID => {
            has(4)?;
            Arc::new(Int64Array::from(vec![i64::from(bytes.get_u32())]))
        }
        Type::INT8 => {
            has(8)?;
            Arc::new(Int64Array::from(vec![bytes.get_i64()]))
        }
        Type::FLOAT4 => {
            has(4)?;
            Arc::new(Float32Array::from(vec![bytes.get_f32()]))
        }
        Type::FLOAT8 => {
            has(8)?;
            Arc::new(Float64Array::from(vec![bytes.get_f64()]))
        }
        Type::NUMERIC => Arc::new(Float64Array::from(vec![numeric(bytes)?])),
        Type::BYTEA => Arc::new(BinaryArray::from_vec(vec![&bytes])),
        Type::UUID => {
            let uuid = Uuid::from_slice(&bytes).ok()?;
            Arc::new(StringArray::from(vec![uuid.to_string()]))
        }
        Type::DATE => {
            has(4)?;
            Arc::new(Date32Array::from(vec![bytes.get_i32().checked_add(PG_EPOCH_DAYS)?]))
        }
        Type::TIME => {
            has(8)?;
            Arc::new(Time64MicrosecondArray::from(vec![bytes.get_i64()]))
        }
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            has(8)?;
            let times = TimestampMicrosecondArray::from(vec![bytes.get_i64().checked_add(PG_EPOCH_US)?]);
            let zone = (*declared == Type::TIMESTAMPTZ).then_some(UTC);
            Arc::new(times.with_timezone_opt(zone))
        }
        Type::INTERVAL => {
            has(16)?;
            let nanoseconds = bytes.get_i64().checked_mul(1000)?;
            let (days, months) = (bytes.get_i32(), bytes.get_i32());
            let interval = IntervalMonthDayNano::new(months, days, nanoseconds);
            Arc::new(IntervalMonthDayNanoArray::from(vec![interval]))
        }
        _ => Arc::new(StringArray::from(vec![std::str::from_utf8(&bytes).ok()?])),
    })
}

/// Decodes a binary `numeric`, whose base-10,000 digits start at `weight`, to the nearest double.
fn numeric(mut bytes: Bytes) -> Option<f64> {
    if bytes.len() < 8 {
        return None;
    }
    let (count, weight, sign, _scale) = (bytes.get_u16(), bytes.get_i16(), bytes.get_u16(), bytes.get_u16());
    if bytes.len() != usize::from(count) * 2 {
        return None;
    }
    match sign {
        0xc000 => return Some(f64::NAN),
        0xd000 => return Some(f64::INFINITY),
        0xf000 => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // By way of decimal text, which the standard library parses to the nearest double.
    let mut text = String::from(if sign == 0x4000 { "-0" } else { "0" });
    for _ in 0..count {
        let digit = bytes.get_u16();
        if digit > 9999 {
            return None;
        }
        text.push_str(&format!("{digit:04}"));
    }
    let exponent = 4 * (i32::from(weight) + 1 - i32::from(count));
    format!("{text}e{exponent}").parse().ok()
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
