//! Decodes payloads with bounded memory. Pure.
//!
//! An empty metric is two bytes on the wire and some hundreds in memory, so the metrics are counted before they are
//! decoded. Everything else is bounded by the size of a packet.

use prost::Message as _;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

use super::proto::Payload;

/// Metrics in one message.
pub const MAX_METRICS: usize = 20_000;
/// Bytes in the name of a metric.
pub const MAX_NAME_BYTES: usize = 1024;
/// Value of `uuid` in a payload whose body holds another payload, compressed (Eclipse Tahu).
const COMPRESSED: &str = "SPBV1.0_COMPRESSED";
/// Number of the field `metrics` of a payload.
const METRICS_TAG: u32 = 2;

/// Decodes a payload.
///
/// # Errors
/// A message: the bytes are no payload, it has too many metrics or too long a name, or it is compressed.
pub fn payload(bytes: &[u8]) -> Result<Payload, String> {
    let invalid = |error: prost::DecodeError| format!("the payload is no Sparkplug B payload: {error}");
    let metrics = count_fields(bytes, METRICS_TAG).map_err(invalid)?;
    if metrics > MAX_METRICS {
        return Err(format!("the payload has {metrics} metrics; {MAX_METRICS} are the most"));
    }
    let payload = Payload::decode(bytes).map_err(invalid)?;
    if payload.uuid.as_deref() == Some(COMPRESSED) {
        return Err("the payload is compressed; turn compression off at the edge node".to_owned());
    }
    let longest = payload.metrics.iter().filter_map(|metric| metric.name.as_ref()).map(String::len).max();
    match longest {
        Some(length) if length > MAX_NAME_BYTES => {
            Err(format!("the name of a metric has {length} bytes; {MAX_NAME_BYTES} are the most"))
        }
        _ => Ok(payload),
    }
}

/// Counts the occurrences of a length-delimited field at the top level.
fn count_fields(mut bytes: &[u8], field: u32) -> Result<usize, prost::DecodeError> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes)?;
        if tag == field && wire_type == WireType::LengthDelimited {
            count += 1;
        }
        skip_field(wire_type, tag, &mut bytes, DecodeContext::default())?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::mqtt::sparkplug::proto::Metric;

    #[test]
    fn metrics_and_names_are_bounded() {
        let empty = |count: usize| [0x12, 0].repeat(count);
        assert_eq!(payload(&empty(MAX_METRICS)).unwrap().metrics.len(), MAX_METRICS);
        let error = payload(&empty(MAX_METRICS + 1)).unwrap_err();
        assert_eq!(error, "the payload has 20001 metrics; 20000 are the most");
        let named = |length: usize| {
            let metric = Metric { name: Some("n".repeat(length)), ..Metric::default() };
            Payload { metrics: vec![metric], ..Payload::default() }.encode_to_vec()
        };
        assert!(payload(&named(MAX_NAME_BYTES)).is_ok());
        assert!(payload(&named(MAX_NAME_BYTES + 1)).unwrap_err().contains("1025 bytes"));
    }

    #[test]
    fn what_is_no_payload_says_why() {
        let compressed = Payload { uuid: Some(COMPRESSED.to_owned()), ..Payload::default() }.encode_to_vec();
        for (bytes, why) in [
            (&b"{\"value\":1}"[..], "no Sparkplug B payload"),
            (b"\x12\x7f", "no Sparkplug B payload"),
            (b"\x12\x03\x0a\x01\xff", "no Sparkplug B payload"),
            (&compressed, "turn compression off"),
        ] {
            let error = payload(bytes).unwrap_err();
            assert!(error.contains(why), "{bytes:?}: {error}");
        }
    }
}
