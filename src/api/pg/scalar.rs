//! Single values in PostgreSQL's text and binary formats.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, IntervalMonthDayNanoArray, StringArray, Time64NanosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use bytes::{Buf, Bytes};
use pgwire::api::Type;
use uuid::Uuid;

use super::types::{self, UTC};
use crate::app::sql::{canonical_uuid, readable_time};

/// PostgreSQL's epoch, 2000-01-01, as microseconds and days since 1970-01-01.
const PG_EPOCH_US: i64 = 946_684_800_000_000;
const PG_EPOCH_DAYS: i32 = 10_957;

/// Returns a text in the form of which a cast makes a value of the type; `None` for a text that is none.
pub fn readable<'a>(text: &'a str, declared: &Type, target: &DataType) -> Option<Cow<'a, str>> {
    match *declared {
        Type::UUID => canonical_uuid(text).map(Cow::Owned),
        _ => readable_time(text, target),
    }
}

/// Decodes the text format as an array of one row; `None` if the text is not a value of the type.
pub fn from_text(text: &str, declared: &Type) -> Option<ArrayRef> {
    let target = &types::arrow_type(declared)?;
    if *target == DataType::Binary {
        let bytes = hex::decode(text.strip_prefix("\\x")?).ok()?;
        return Some(Arc::new(BinaryArray::from_vec(vec![&bytes])));
    }
    let text = readable(text, declared, target)?;
    let text: ArrayRef = Arc::new(StringArray::from(vec![&*text]));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&text, target, &strict).ok()
}

/// Decodes the binary format as an array of one row; `None` if the bytes are not such a value. Lengths must be exact: a
/// longer or shorter value is of another type.
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
            Arc::new(Date32Array::from(vec![days(bytes.get_i32())?]))
        }
        Type::TIME => {
            has(8)?;
            Arc::new(Time64NanosecondArray::from(vec![bytes.get_i64().checked_mul(1000)?]))
        }
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            has(8)?;
            let times = TimestampMicrosecondArray::from(vec![micros(bytes.get_i64())?]);
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

/// Converts days since PostgreSQL's epoch to those since 1970; `None` for `-infinity` and `infinity`, its smallest and largest numbers.
fn days(since_epoch: i32) -> Option<i32> {
    (since_epoch != i32::MIN).then(|| since_epoch.checked_add(PG_EPOCH_DAYS))?
}

/// Converts microseconds as `days` does days.
fn micros(since_epoch: i64) -> Option<i64> {
    (since_epoch != i64::MIN).then(|| since_epoch.checked_add(PG_EPOCH_US))?
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
