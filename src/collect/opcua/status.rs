//! Status codes and timestamps of values. Pure.

use opcua::types::{DataValue, DateTime, StatusCode};

use super::variant;
use crate::collect::device_value::Sample;
use crate::domain::Micros;
use crate::domain::reading::Quality;

/// Difference between OPC UA's epoch, 1601, and 1970, in ticks of 100 ns.
const TICKS_TO_UNIX: i64 = 116_444_736_000_000_000;

/// Quality of a value with this status, from the two top bits. The reserved fourth value counts as bad.
pub fn quality(status: StatusCode) -> Quality {
    match status.bits() >> 30 {
        0 => Quality::Good,
        1 => Quality::Uncertain,
        _ => Quality::Bad,
    }
}

/// Describes a status by name, code and meaning, without the info bits of a single value.
pub fn status_text(status: StatusCode) -> String {
    let code = status.bits() & 0xFFFF_0000;
    let plain = StatusCode::from(code);
    match plain.sub_code().name() {
        "Invalid" => format!("status {code:08X}"),
        name => {
            let meaning = plain.sub_code().description().trim().trim_end_matches('.');
            format!("{name} ({code:08X}): {meaning}")
        }
    }
}

/// Whether a status means that a call or its answer is too large, so that a smaller one may work.
pub fn is_limit(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadTooManyOperations
            | StatusCode::BadTooManyMonitoredItems
            | StatusCode::BadRequestTooLarge
            | StatusCode::BadResponseTooLarge
            | StatusCode::BadEncodingLimitsExceeded
            | StatusCode::BadTcpMessageTooLarge
            | StatusCode::BadTcpNotEnoughResources
            | StatusCode::BadOutOfMemory
    )
}

/// Whether a connection that ended so may have ended by the values of a message: they are too large together, or one of them
/// cannot be decoded.
pub fn is_of_values(status: StatusCode) -> bool {
    is_limit(status) || status == StatusCode::BadDecodingError
}

/// Whether a status of a value says that there is no such node.
pub fn is_unknown_node(status: StatusCode) -> bool {
    let plain = StatusCode::from(status.bits() & 0xFFFF_0000);
    matches!(plain, StatusCode::BadNodeIdUnknown | StatusCode::BadNodeIdInvalid)
}

/// A time in microseconds; `None` for the first and the last time of OPC UA, which mean no time, and for times before
/// 1970.
pub fn micros(time: DateTime) -> Option<Micros> {
    let ticks = time.checked_ticks();
    if ticks >= DateTime::endtimes_ticks() {
        return None;
    }
    Some(Micros((ticks - TICKS_TO_UNIX) / 10)).filter(|time| time.0 > 0)
}

/// Name of the data type of a value, as its server sent it; `None` without a value.
pub fn data_type(value: &DataValue) -> Option<String> {
    value.value.as_ref().and_then(|held| held.scalar_type_id()).map(|held| held.to_string())
}

/// Converts a value to a sample; without a status it is good.
///
/// # Errors
/// A message, for a bad status and for a value that cannot be represented.
pub fn sample(value: &DataValue) -> Result<Sample, String> {
    let status = value.status.unwrap_or(StatusCode::Good);
    let quality = quality(status);
    if quality == Quality::Bad {
        return Err(status_text(status));
    }
    let variant = value.value.as_ref().ok_or("the server sends no value")?;
    let content = variant::decode(variant)?;
    let source_time = value.source_timestamp.and_then(micros);
    Ok(Sample { value: content, quality, source_time, is_historical: false })
}

#[cfg(test)]
mod tests {
    use opcua::types::Variant;

    use super::*;
    use crate::collect::device_value::DeviceValue;
    use crate::collect::numeric_value::NumericValue;

    #[test]
    fn the_top_bits_are_the_quality() {
        for (bits, expected) in [
            (0x0000_0000, Quality::Good),
            (0x0000_0480, Quality::Good),
            (0x00A9_0000, Quality::Good),
            (0x4090_0000, Quality::Uncertain),
            (0x8034_0000, Quality::Bad),
            (0xC000_0000, Quality::Bad),
        ] {
            assert_eq!(quality(StatusCode::from(bits)), expected, "{bits:08X}");
        }
    }

    #[test]
    fn a_status_is_told_in_words() {
        for (bits, expected) in [
            (
                0x8034_0000,
                "BadNodeIdUnknown (80340000): The node id refers to a node that does not exist in the server address \
                 space",
            ),
            (
                0x4090_0480,
                "UncertainLastUsableValue (40900000): Whatever was updating this value has stopped doing so",
            ),
            (0x8FFF_0000, "status 8FFF0000"),
        ] {
            assert_eq!(status_text(StatusCode::from(bits)), expected);
        }
    }

    #[test]
    fn times_are_microseconds_or_none() {
        for (time, expected) in [
            (DateTime::ymd_hms_nano(2026, 4, 28, 12, 0, 0, 123_456_700), Some(1_777_377_600_123_456)),
            (DateTime::ymd(1970, 1, 1), None),
            (DateTime::ymd(1969, 12, 31), None),
            (DateTime::null(), None),
            (DateTime::endtimes(), None),
            (DateTime::from(i64::MAX), None),
            (DateTime::from(i64::MIN), None),
        ] {
            assert_eq!(micros(time), expected.map(Micros), "{time}");
        }
    }

    #[test]
    fn a_bad_status_has_no_value_and_none_is_good() {
        let value = |status: Option<u32>, value| DataValue {
            value,
            status: status.map(StatusCode::from),
            source_timestamp: Some(DateTime::ymd(2026, 4, 28)),
            ..DataValue::null()
        };
        let seven = || Some(Variant::Int32(7));
        let of = |quality| Sample {
            value: DeviceValue::Number(NumericValue::Int(7)),
            quality,
            source_time: Some(Micros(1_777_334_400_000_000)),
            is_historical: false,
        };
        assert_eq!(sample(&value(None, seven())), Ok(of(Quality::Good)));
        assert_eq!(sample(&value(Some(0x4090_0000), seven())), Ok(of(Quality::Uncertain)));
        assert!(
            sample(&value(Some(0x808C_0000), seven()))
                .unwrap_err()
                .starts_with("BadSensorFailure (808C0000)")
        );
        assert_eq!(sample(&value(None, None)), Err("the server sends no value".to_owned()));
    }
}
