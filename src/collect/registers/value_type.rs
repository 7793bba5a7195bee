//! Types of values in registers, as an address may name them after the register: `hr:100:bcd16`. Pure.

use std::fmt;
use std::ops::RangeInclusive;

use super::bcd::MAX_S5TIME_MS;
use super::s7_string::S7StringForm;
use crate::domain::Micros;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;
use crate::domain::time::{Day, MICROS_PER_SECOND};

/// Integers up to this magnitude are exact as fp64.
const EXACT_FP64: i128 = 1 << 53;
/// Integers up to this magnitude are exact as fp32.
const EXACT_FP32: i128 = 1 << 24;
/// 1990-01-01, the first date of S7.
const FIRST_DATE: Day = Day(7305);
/// The last millisecond of a day.
const MAX_TIME_OF_DAY_MS: i128 = 86_399_999;
/// Longest text of a fixed number of characters. The protocols have lower limits.
const MAX_TEXT: u16 = 2000;

/// Type of a value in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterType {
    /// A bit or number of the type that a stream has too.
    Plain(StreamKind),
    /// A signed integer of 8 bits.
    Int8,
    /// An integer of three or six bytes.
    Integer { bytes: u8, is_signed: bool },
    /// Four decimal digits in 16 bits.
    Bcd16,
    /// Eight decimal digits in 32 bits.
    Bcd32,
    /// A duration of S7 in 16 bits: three decimal digits and a time base. The value is in milliseconds.
    S5Time,
    /// A date of S7: days since 1990 in 16 bits.
    Date,
    /// A time of S7 in milliseconds since midnight, in 32 bits.
    TimeOfDay,
    /// Seconds since 1970 in 32 bits.
    EpochSeconds,
    /// Milliseconds since 1970 in 64 bits.
    EpochMilliseconds,
    /// A date and time of S7 in 12 bytes.
    Dtl,
    /// A date and time of S7 in 8 bytes of decimal digits.
    DateAndTime,
    /// A date and time of S7 (LDT): nanoseconds since 1970 in 64 bits.
    Ldt,
    /// A text of this many bytes, filled up with NUL or blanks.
    Text(u16),
    /// A text of S7 that was declared with this many characters, after its two lengths.
    S7String(S7StringForm, u16),
    /// So many values of a type without a length, one after the other.
    Array(&'static RegisterType, u16),
}

/// Cells of a type, before their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawContent {
    /// A number.
    Number(StreamKind),
    /// An unsigned integer of so many bytes, which no stream has.
    Integer(u8),
    /// Bytes, as many.
    Bytes(u16),
}

/// A type without a length, with the name that is shown, and its names in IEC 61131-3 and in other programs.
type Row = (RegisterType, &'static str, &'static [&'static str]);

static ROWS: [Row; 26] = [
    (RegisterType::Plain(StreamKind::Bit), "bit", &["bool"]),
    (RegisterType::Plain(StreamKind::Byte), "byte", &["uint8", "usint"]),
    (RegisterType::Int8, "int8", &["sint"]),
    (RegisterType::Plain(StreamKind::Int16), "int16", &["int"]),
    (RegisterType::Plain(StreamKind::Uint16), "uint16", &["uint", "word"]),
    (RegisterType::Plain(StreamKind::Int32), "int32", &["dint", "time"]),
    (RegisterType::Plain(StreamKind::Uint32), "uint32", &["udint", "dword"]),
    (RegisterType::Plain(StreamKind::Int64), "int64", &["lint"]),
    (RegisterType::Plain(StreamKind::Uint64), "uint64", &["ulint", "lword"]),
    (RegisterType::Integer { bytes: 3, is_signed: true }, "int24", &[]),
    (RegisterType::Integer { bytes: 3, is_signed: false }, "uint24", &[]),
    (RegisterType::Integer { bytes: 6, is_signed: true }, "int48", &[]),
    (RegisterType::Integer { bytes: 6, is_signed: false }, "uint48", &[]),
    (RegisterType::Plain(StreamKind::Fp16), "fp16", &["float16"]),
    (RegisterType::Plain(StreamKind::Fp32), "fp32", &["real", "float", "float32"]),
    (RegisterType::Plain(StreamKind::Fp64), "fp64", &["lreal", "double", "float64"]),
    (RegisterType::Bcd16, "bcd16", &["bcd"]),
    (RegisterType::Bcd32, "bcd32", &["lbcd"]),
    (RegisterType::EpochSeconds, "epoch_s", &[]),
    (RegisterType::EpochMilliseconds, "epoch_ms", &[]),
    (RegisterType::S5Time, "s5time", &[]),
    (RegisterType::Date, "date", &[]),
    (RegisterType::TimeOfDay, "tod", &["time_of_day"]),
    (RegisterType::Dtl, "dtl", &[]),
    (RegisterType::DateAndTime, "dt", &["date_and_time"]),
    (RegisterType::Ldt, "ldt", &["date_and_ltime"]),
];

impl RegisterType {
    /// Parses the name of a type that registers of the protocol hold, in either case; `None` for any other text.
    pub fn parse(protocol: Protocol, text: &str) -> Option<RegisterType> {
        let is_named = |name: &&str| name.eq_ignore_ascii_case(text);
        let row = ROWS.iter().find(|(_, name, others)| is_named(name) || others.iter().any(is_named));
        let found = row.map(|(found, ..)| *found).or_else(|| parse_text(protocol, text));
        found.filter(|found| found.is_of(protocol))
    }

    /// So many values of a type, one after the other; `None` for texts, whose length is a part of the type, and for arrays.
    pub fn array(element: RegisterType, count: u16) -> Option<RegisterType> {
        let row = ROWS.iter().find(|(row, ..)| *row == element);
        row.map(|(row, ..)| RegisterType::Array(row, count))
    }

    /// Whether registers of the protocol hold such values.
    pub fn is_of(self, protocol: Protocol) -> bool {
        match self {
            RegisterType::Array(element, _) => element.is_of(protocol),
            RegisterType::S5Time
            | RegisterType::Date
            | RegisterType::TimeOfDay
            | RegisterType::Dtl
            | RegisterType::DateAndTime
            | RegisterType::Ldt
            | RegisterType::S7String(..) => protocol == Protocol::S7,
            RegisterType::Plain(_)
            | RegisterType::Int8
            | RegisterType::Integer { .. }
            | RegisterType::Bcd16
            | RegisterType::Bcd32
            | RegisterType::EpochSeconds
            | RegisterType::EpochMilliseconds
            | RegisterType::Text(_) => true,
        }
    }

    /// The names of all types that registers of the protocol hold.
    pub fn names(protocol: Protocol) -> String {
        let own = ROWS.iter().filter(|(row, ..)| row.is_of(protocol)).map(|(_, name, _)| *name);
        let texts =
            if protocol == Protocol::S7 { &["text20", "string20", "wstring20"][..] } else { &["text20"] };
        own.chain(texts.iter().copied()).collect::<Vec<_>>().join(", ")
    }

    /// The content of the cells before its meaning; of an array that of each element.
    pub fn raw(self) -> RawContent {
        match self {
            RegisterType::Array(element, _) => element.raw(),
            RegisterType::Plain(kind) => RawContent::Number(kind),
            RegisterType::Int8 => RawContent::Number(StreamKind::Byte),
            RegisterType::Integer { bytes, .. } => RawContent::Integer(bytes),
            RegisterType::Bcd16 | RegisterType::S5Time | RegisterType::Date => {
                RawContent::Number(StreamKind::Uint16)
            }
            RegisterType::Bcd32 | RegisterType::TimeOfDay | RegisterType::EpochSeconds => {
                RawContent::Number(StreamKind::Uint32)
            }
            RegisterType::EpochMilliseconds | RegisterType::Ldt => RawContent::Number(StreamKind::Uint64),
            RegisterType::Dtl => RawContent::Bytes(12),
            RegisterType::DateAndTime => RawContent::Bytes(8),
            RegisterType::Text(len) => RawContent::Bytes(len),
            RegisterType::S7String(form, len) => RawContent::Bytes(form.width() * (len + 2)),
        }
    }

    /// Type of the value when none is given.
    pub fn default_kind(self) -> StreamKind {
        match self {
            RegisterType::Plain(kind) => kind,
            RegisterType::Int8 => StreamKind::Int16,
            RegisterType::Integer { bytes: ..=4, is_signed: true } => StreamKind::Int32,
            RegisterType::Integer { bytes: ..=4, is_signed: false } => StreamKind::Uint32,
            RegisterType::Integer { is_signed: true, .. } => StreamKind::Int64,
            RegisterType::Integer { is_signed: false, .. } => StreamKind::Uint64,
            RegisterType::Bcd16 => StreamKind::Uint16,
            RegisterType::Bcd32 | RegisterType::S5Time | RegisterType::TimeOfDay => StreamKind::Uint32,
            RegisterType::Date
            | RegisterType::EpochSeconds
            | RegisterType::EpochMilliseconds
            | RegisterType::Dtl
            | RegisterType::DateAndTime
            | RegisterType::Ldt
            | RegisterType::Text(_)
            | RegisterType::S7String(..) => StreamKind::Text,
            RegisterType::Array(..) => StreamKind::Json,
        }
    }

    /// Whether a stream of a kind can hold every value of this type.
    pub fn fits(self, kind: StreamKind) -> bool {
        match (self, kind) {
            (RegisterType::Text(_) | RegisterType::S7String(..), _) => kind == StreamKind::Text,
            (RegisterType::Array(..), _) => matches!(kind, StreamKind::Text | StreamKind::Json),
            (
                RegisterType::EpochMilliseconds
                | RegisterType::Dtl
                | RegisterType::DateAndTime
                | RegisterType::Ldt,
                _,
            ) => matches!(kind, StreamKind::Text | StreamKind::Fp64),
            (RegisterType::Date | RegisterType::EpochSeconds, StreamKind::Text) => true,
            (RegisterType::Plain(StreamKind::Bit), _) => kind.is_register_kind(),
            (RegisterType::Plain(own), StreamKind::Enum) => {
                matches!(own, StreamKind::Byte | StreamKind::Int16 | StreamKind::Uint16 | StreamKind::Int32)
            }
            (_, StreamKind::Enum) => self == RegisterType::Int8,
            (RegisterType::Plain(own), _) if own == kind => true,
            (RegisterType::Plain(StreamKind::Fp16), _) => matches!(kind, StreamKind::Fp32 | StreamKind::Fp64),
            (RegisterType::Plain(StreamKind::Fp32), _) => kind == StreamKind::Fp64,
            _ => self
                .integers()
                .zip(exact_integers(kind))
                .is_some_and(|(own, of_kind)| of_kind.contains(own.start()) && of_kind.contains(own.end())),
        }
    }

    /// The integers that this type holds; `None` for a type with other values.
    pub fn integers(self) -> Option<RangeInclusive<i128>> {
        match self {
            RegisterType::Plain(kind) => kind.integer_range(),
            RegisterType::Int8 => Some(i8::MIN.into()..=i8::MAX.into()),
            RegisterType::Integer { bytes, is_signed } => {
                let count = 1_i128 << (8 * u32::from(bytes));
                Some(if is_signed { -count / 2..=count / 2 - 1 } else { 0..=count - 1 })
            }
            RegisterType::Bcd16 => Some(0..=9_999),
            RegisterType::Bcd32 => Some(0..=99_999_999),
            RegisterType::S5Time => Some(0..=MAX_S5TIME_MS.into()),
            RegisterType::Date => Some(seconds_at(0)..=seconds_at(u16::MAX)),
            RegisterType::TimeOfDay => Some(0..=MAX_TIME_OF_DAY_MS),
            RegisterType::EpochSeconds => Some(0..=u32::MAX.into()),
            RegisterType::EpochMilliseconds
            | RegisterType::Dtl
            | RegisterType::DateAndTime
            | RegisterType::Ldt
            | RegisterType::Text(_)
            | RegisterType::S7String(..)
            | RegisterType::Array(..) => None,
        }
    }

    /// Says which values this type holds.
    pub fn describe(self) -> String {
        match (self, self.integers()) {
            (RegisterType::Text(len), _) => {
                format!("a text of at most {len} bytes, without NUL and without a blank at its end")
            }
            (RegisterType::S7String(form, len), _) => form.describe(len),
            (RegisterType::S5Time, _) => {
                "milliseconds with three digits: up to 9990 in steps of 10, 99900 of 100, 999000 of 1000, 9990000 of 10000"
                    .to_owned()
            }
            (_, Some(all)) => format!("whole numbers from {} to {}", all.start(), all.end()),
            (_, None) => self.to_string(),
        }
    }

    /// Whether a value of this type is read and never written: a time, or an array of times.
    pub fn is_read_only(self) -> bool {
        match self {
            RegisterType::Array(element, _) => element.is_read_only(),
            RegisterType::Date
            | RegisterType::EpochSeconds
            | RegisterType::EpochMilliseconds
            | RegisterType::Dtl
            | RegisterType::DateAndTime
            | RegisterType::Ldt => true,
            RegisterType::Plain(_)
            | RegisterType::Int8
            | RegisterType::Integer { .. }
            | RegisterType::Bcd16
            | RegisterType::Bcd32
            | RegisterType::S5Time
            | RegisterType::TimeOfDay
            | RegisterType::Text(_)
            | RegisterType::S7String(..) => false,
        }
    }
}

/// Parses `text20`, `string20` and `wstring20`, or `char20` as other programs write it.
fn parse_text(protocol: Protocol, text: &str) -> Option<RegisterType> {
    let digits_at = text.find(|c: char| c.is_ascii_digit())?;
    let (name, digits) = text.split_at(digits_at);
    let is_number = digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    let len: u16 = digits.parse().ok().filter(|len: &u16| is_number && *len > 0)?;
    let name = name.to_ascii_lowercase();
    if let Some(form) = S7StringForm::from_name(&name).filter(|_| protocol == Protocol::S7) {
        return (len <= form.max_declared()).then_some(RegisterType::S7String(form, len));
    }
    match name.as_str() {
        "text" | "char" | "string" => (len <= MAX_TEXT).then_some(RegisterType::Text(len)),
        _ => None,
    }
}

/// Midnight at the start of a date of S7, which counts days.
pub fn date_start(days: u16) -> Micros {
    Day(FIRST_DATE.0 + i32::from(days)).start()
}

/// Midnight at the start of a date of S7, in seconds since 1970.
fn seconds_at(days: u16) -> i128 {
    i128::from(date_start(days).0 / MICROS_PER_SECOND)
}

/// The integers that a number of this kind holds exactly.
fn exact_integers(kind: StreamKind) -> Option<RangeInclusive<i128>> {
    match kind {
        StreamKind::Fp64 => Some(-EXACT_FP64..=EXACT_FP64),
        StreamKind::Fp32 => Some(-EXACT_FP32..=EXACT_FP32),
        kind if kind.is_register_kind() => kind.integer_range(),
        _ => None,
    }
}

impl fmt::Display for RegisterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterType::Text(len) => write!(f, "text{len}"),
            RegisterType::S7String(form, len) => write!(f, "{}{len}", form.name()),
            RegisterType::Array(element, count) => write!(f, "{element}[{count}]"),
            _ => f.write_str(ROWS.iter().find(|(row, ..)| row == self).map_or("", |(_, name, _)| name)),
        }
    }
}

#[cfg(test)]
#[path = "value_type_tests.rs"]
mod tests;
