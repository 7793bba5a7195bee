//! Dates and times in registers. Pure.
//!
//! A time of a PLC's clock (DTL, DATE_AND_TIME, LDT, DATE) has no time zone: as a text it has none either, as a number it counts
//! as UTC.

use super::bcd::decode_bcd;
use super::value_type::{RegisterType, date_start};
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::domain::Micros;
use crate::domain::stream::StreamKind;
use crate::domain::time::MICROS_PER_SECOND;

const MICROS_PER_MILLISECOND: i64 = 1000;
const NANOS_PER_MICRO: i64 = 1000;

/// A time that a stream shows as text or as seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeValue {
    at: Micros,
    form: TimeForm,
}

/// How a time is written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeForm {
    Utc,
    /// Date and time of a clock whose time zone is unknown.
    Local,
    Date,
}

impl TimeValue {
    /// Decodes milliseconds or seconds since 1970 in UTC, or the nanoseconds since then of an LDT.
    ///
    /// # Errors
    /// A message, when the time is beyond the year 2261.
    pub fn from_epoch(value_type: RegisterType, number: u64) -> Result<TimeValue, String> {
        let units = i64::try_from(number).ok();
        let micros = match value_type {
            RegisterType::Ldt => units.map(|nanoseconds| nanoseconds / NANOS_PER_MICRO),
            RegisterType::EpochSeconds => units.and_then(|seconds| seconds.checked_mul(MICROS_PER_SECOND)),
            _ => units.and_then(|milliseconds| milliseconds.checked_mul(MICROS_PER_MILLISECOND)),
        };
        let at = micros.map(Micros).filter(|at| at.is_storable());
        let at = at.ok_or_else(|| format!("{number} is no {value_type} of the years 1970 to 2261"))?;
        let form = if value_type == RegisterType::Ldt { TimeForm::Local } else { TimeForm::Utc };
        Ok(TimeValue { at, form })
    }

    /// Decodes the bytes of a DTL or DATE_AND_TIME.
    ///
    /// # Errors
    /// A message with the bytes, when they are no date and time.
    pub fn from_bytes(value_type: RegisterType, bytes: &[u8]) -> Result<TimeValue, String> {
        let at = if value_type == RegisterType::Dtl { dtl(bytes) } else { date_and_time(bytes) };
        let at = at.ok_or_else(|| format!("{} is no {value_type}", hex::encode(bytes)))?;
        Ok(TimeValue { at, form: TimeForm::Local })
    }

    /// Decodes a DATE (STEP 7): days since 1990-01-01.
    ///
    /// # Errors
    /// A message, when there are more days than 16 bits hold.
    pub fn from_days(days: u64) -> Result<TimeValue, String> {
        let days = u16::try_from(days).map_err(|_| format!("{days} is no date"))?;
        Ok(TimeValue { at: date_start(days), form: TimeForm::Date })
    }

    /// The text in ISO 8601 for a text stream, else seconds since 1970: a whole number where the time has whole seconds.
    pub fn value(self, kind: StreamKind) -> DeviceValue {
        let iso = self.at.to_iso();
        match kind {
            StreamKind::Text => DeviceValue::Text(match self.form {
                TimeForm::Utc => iso.into(),
                TimeForm::Local => iso.trim_end_matches('Z').into(),
                TimeForm::Date => self.at.day().to_string().into(),
            }),
            _ if self.at.0 % MICROS_PER_SECOND == 0 => {
                NumericValue::Int(self.at.0 / MICROS_PER_SECOND).into()
            }
            _ => NumericValue::Float(self.at.0 as f64 / MICROS_PER_SECOND as f64).into(),
        }
    }
}

/// DTL (S7-1200 system manual): year, month, day, weekday, hour, minute, second, nanoseconds.
fn dtl(bytes: &[u8]) -> Option<Micros> {
    let [year, year_low, month, day, _weekday, hour, minute, second, nanoseconds @ ..] = bytes else {
        return None;
    };
    let nanoseconds = u32::from_be_bytes(nanoseconds.try_into().ok()?);
    let year = u16::from_be_bytes([*year, *year_low]);
    let clock = [*month, *day, *hour, *minute, *second].map(u32::from);
    calendar_time(year.into(), clock, nanoseconds / 1000)
}

/// DATE_AND_TIME (STEP 7): year, month, day, hour, minute, second, and milliseconds before the weekday, all in decimal digits.
fn date_and_time(bytes: &[u8]) -> Option<Micros> {
    let digits = |byte: &u8| decode_bcd(u64::from(*byte)).ok().and_then(|number| u32::try_from(number).ok());
    let [year, month, day, hour, minute, second, fraction, last] = bytes else { return None };
    let year = digits(year)?;
    let year = if year >= 90 { 1900 + year } else { 2000 + year };
    let clock = [digits(month)?, digits(day)?, digits(hour)?, digits(minute)?, digits(second)?];
    let milliseconds = digits(fraction)? * 10 + digits(&(last >> 4))?;
    calendar_time(year, clock, milliseconds * 1000)
}

/// The time of a date and month, day, hour, minute and second; `None` when there is none, or it is not of the years 1970 to 2261.
fn calendar_time(year: u32, [month, day, hour, minute, second]: [u32; 5], micros: u32) -> Option<Micros> {
    if i64::from(micros) >= MICROS_PER_SECOND {
        return None;
    }
    Micros::parse(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value_type: RegisterType, bytes: &str, kind: StreamKind) -> Result<String, String> {
        let bytes = hex::decode(bytes.replace(' ', "")).unwrap();
        TimeValue::from_bytes(value_type, &bytes).map(|time| time.value(kind).to_string())
    }

    /// The examples of Siemens: DTL#2008-12-16-20:30:20.250 and DT#1993-12-25-08:12:34.567.
    #[test]
    fn dates_and_times_are_read_from_their_bytes() {
        use RegisterType::{DateAndTime, Dtl};
        for (value_type, bytes, text, seconds) in [
            (Dtl, "07d8 0c 10 03 14 1e 14 0ee6b280", "2008-12-16T20:30:20.250000", "1229459420.25"),
            (Dtl, "07b2 01 01 05 00 00 00 00000000", "1970-01-01T00:00:00", "0"),
            (DateAndTime, "93 12 25 08 12 34 56 77", "1993-12-25T08:12:34.567000", "756807154.567"),
            (DateAndTime, "89 12 31 23 59 59 00 07", "2089-12-31T23:59:59", "3786911999"),
        ] {
            assert_eq!(read(value_type, bytes, StreamKind::Text), Ok(text.to_owned()), "{bytes}");
            assert_eq!(read(value_type, bytes, StreamKind::Fp64), Ok(seconds.to_owned()), "{bytes}");
        }
    }

    #[test]
    fn bytes_that_are_no_date_are_refused() {
        use RegisterType::{DateAndTime, Dtl};
        for (value_type, bytes) in [
            (Dtl, "0000 00 00 00 00 00 00 00000000"),
            (Dtl, "07d8 0d 10 03 14 1e 14 0ee6b280"),
            (Dtl, "07d8 0c 10 03 18 1e 14 0ee6b280"),
            (Dtl, "07d8 02 1e 03 14 1e 14 0ee6b280"),
            (Dtl, "07d8 0c 10 03 14 1e 14 ffffffff"),
            (DateAndTime, "93 1a 25 08 12 34 56 77"),
            (DateAndTime, "93 13 25 08 12 34 56 77"),
            (DateAndTime, "00 00 00 00 00 00 00 00"),
            (DateAndTime, "ff ff ff ff ff ff ff ff"),
        ] {
            let why = format!("{} is no {value_type}", bytes.replace(' ', ""));
            assert_eq!(read(value_type, bytes, StreamKind::Text), Err(why));
        }
    }

    /// The limits of Siemens: D#1990-01-01 is W#16#0000, D#2169-06-06 is W#16#FFFF.
    #[test]
    fn a_date_counts_days_since_1990() {
        for (days, text, seconds) in [
            (0, "1990-01-01", "631152000"),
            (7304, "2009-12-31", "1262217600"),
            (65_535, "2169-06-06", "6293376000"),
        ] {
            let date = TimeValue::from_days(days).unwrap();
            assert_eq!(date.value(StreamKind::Text).to_string(), text);
            assert_eq!(date.value(StreamKind::Int64).to_string(), seconds);
        }
        assert!(TimeValue::from_days(65_536).is_err());
    }

    /// The limits of Siemens: LDT#1970-01-01-00:00:00 is 16#0, LDT#2262-04-11-23:47:16.854775807 is 16#7FFF_FFFF_FFFF_FFFF.
    #[test]
    fn an_ldt_counts_nanoseconds_since_1970_and_has_no_time_zone() {
        for (number, text, seconds) in [
            (0, "1970-01-01T00:00:00", "0"),
            (1_229_459_420_250_000_999, "2008-12-16T20:30:20.250000", "1229459420.25"),
            (9_214_646_399_000_000_000, "2261-12-31T23:59:59", "9214646399"),
        ] {
            let time = TimeValue::from_epoch(RegisterType::Ldt, number).unwrap();
            assert_eq!(time.value(StreamKind::Text).to_string(), text, "{number}");
            assert_eq!(time.value(StreamKind::Fp64).to_string(), seconds, "{number}");
        }
        for number in [9_214_646_400_000_000_000, i64::MAX as u64, u64::MAX] {
            let why = format!("{number} is no ldt of the years 1970 to 2261");
            assert_eq!(TimeValue::from_epoch(RegisterType::Ldt, number), Err(why));
        }
    }

    #[test]
    fn times_of_the_epoch_are_utc() {
        use RegisterType::{EpochMilliseconds, EpochSeconds};
        for (value_type, number, text, seconds) in [
            (EpochSeconds, 1_700_000_000, "2023-11-14T22:13:20Z", "1700000000"),
            (EpochMilliseconds, 1_700_000_000_123, "2023-11-14T22:13:20.123000Z", "1700000000.123"),
        ] {
            let time = TimeValue::from_epoch(value_type, number).unwrap();
            assert_eq!(time.value(StreamKind::Text).to_string(), text);
            assert_eq!(time.value(StreamKind::Fp64).to_string(), seconds);
        }
        assert!(TimeValue::from_epoch(EpochMilliseconds, u64::MAX).is_err());
        assert!(TimeValue::from_epoch(EpochMilliseconds, 9_214_646_400_000).is_err());
    }
}
