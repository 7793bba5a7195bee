//! Values of the types whose cells hold a number or bytes with another meaning. Pure.

use super::bcd::{decode_bcd, decode_s5time, encode_bcd, encode_s5time};
use super::text::{decode_fixed, encode_fixed};
use super::time_value::TimeValue;
use super::value_type::RegisterType;
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;

/// The value that a number in the cells means, for a stream of a kind.
///
/// # Errors
/// A message: the number is none of this type.
pub fn of_number(
    value_type: RegisterType,
    number: NumericValue,
    kind: StreamKind,
) -> Result<DeviceValue, String> {
    let NumericValue::Uint(raw) = number else { return Ok(number.into()) };
    let uint = |number| DeviceValue::Number(NumericValue::Uint(number));
    match value_type {
        RegisterType::Int8 => Ok(NumericValue::Int(i64::from(raw as u8 as i8)).into()),
        RegisterType::Integer { bytes, is_signed: true } => {
            let unused = 64 - 8 * u32::from(bytes);
            Ok(NumericValue::Int((raw << unused) as i64 >> unused).into())
        }
        RegisterType::Bcd16 | RegisterType::Bcd32 => decode_bcd(raw).map(uint),
        RegisterType::S5Time => decode_s5time(raw).map(uint),
        RegisterType::TimeOfDay => time_of_day(raw).map(uint),
        RegisterType::Date => TimeValue::from_days(raw).map(|time| time.value(kind)),
        RegisterType::EpochSeconds | RegisterType::EpochMilliseconds | RegisterType::Ldt => {
            TimeValue::from_epoch(value_type, raw).map(|time| time.value(kind))
        }
        RegisterType::Plain(_)
        | RegisterType::Integer { is_signed: false, .. }
        | RegisterType::Dtl
        | RegisterType::DateAndTime
        | RegisterType::Text(_)
        | RegisterType::S7String(..)
        | RegisterType::Array(..) => Ok(number.into()),
    }
}

/// Milliseconds since midnight.
fn time_of_day(raw: u64) -> Result<u64, String> {
    let is_of_day = RegisterType::TimeOfDay.integers().is_some_and(|all| all.contains(&i128::from(raw)));
    is_of_day.then_some(raw).ok_or_else(|| format!("{raw} milliseconds are more than a day and no tod"))
}

/// The value of bytes, for a stream of a kind.
///
/// # Errors
/// A message: the bytes are no value of this type.
pub fn of_bytes(value_type: RegisterType, bytes: &[u8], kind: StreamKind) -> Result<DeviceValue, String> {
    match value_type {
        RegisterType::S7String(form, declared) => form.decode(declared, bytes).map(DeviceValue::Text),
        RegisterType::Dtl | RegisterType::DateAndTime => {
            TimeValue::from_bytes(value_type, bytes).map(|time| time.value(kind))
        }
        _ => Ok(DeviceValue::Text(decode_fixed(bytes))),
    }
}

/// The number in the cells that means a value; `None` when the type cannot hold it.
pub fn to_number(value_type: RegisterType, value: NumericValue) -> Option<NumericValue> {
    let whole =
        value.to_integer().filter(|whole| value_type.integers().is_some_and(|all| all.contains(whole)))?;
    let raw = match value_type {
        RegisterType::Int8 => u64::from(i8::try_from(whole).ok()? as u8),
        RegisterType::Integer { .. } => i64::try_from(whole).ok()? as u64,
        RegisterType::Bcd16 | RegisterType::Bcd32 => encode_bcd(u64::try_from(whole).ok()?)?,
        RegisterType::S5Time => encode_s5time(u64::try_from(whole).ok()?)?,
        RegisterType::TimeOfDay => u64::try_from(whole).ok()?,
        _ => return None,
    };
    Some(NumericValue::Uint(raw))
}

/// The bytes of a text for a device of a protocol; `None` when the type cannot hold it.
pub fn to_bytes(protocol: Protocol, value_type: RegisterType, value: &DeviceValue) -> Option<Vec<u8>> {
    match (value_type, value) {
        (RegisterType::Text(len), DeviceValue::Text(text)) => encode_fixed(protocol, len, text),
        (RegisterType::S7String(form, declared), DeviceValue::Text(text)) => form.encode(declared, text),
        _ => None,
    }
}
