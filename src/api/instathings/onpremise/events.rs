//! The events that tell clients of a message: three packets each, encoded once for all sessions.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::outbox::PacketBatch;
use super::packet::EVENT_PREFIX;
use super::wire::iso_millis;
use crate::app::onpremise::{DeviceMessage, MessageEvent};
use crate::domain::{Error, Result};

/// Argument of the event `data`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataEvent<'a> {
    device_id: &'a str,
    payload: &'a RawValue,
    ts: &'a str,
}

/// Argument of the event `status`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusEvent<'a> {
    payload: &'a RawValue,
    device_id: &'a str,
    ts: &'a str,
}

/// Argument of the event that has the name of the device.
#[derive(Serialize)]
struct DeviceEvent<'a> {
    action: &'static str,
    payload: &'a RawValue,
    ts: &'a str,
}

/// Encodes the packets of these events in the order of the vendor's gateway: of all devices, of the device, the payload
/// alone.
///
/// # Errors
/// `Internal` for a payload that cannot be written as JSON.
pub fn encode(events: &[MessageEvent]) -> Result<Arc<PacketBatch>> {
    let mut packets = Vec::with_capacity(events.len() * 3);
    for event in events {
        let (action, message) = match event {
            MessageEvent::Data(message) => ("data", message),
            MessageEvent::Status(message) => ("status", message),
        };
        let DeviceMessage { device_key, ts, payload, .. } = message;
        let (device_id, time) = (&**device_key, iso_millis(*ts));
        let ts = time.as_str();
        packets.push(match event {
            MessageEvent::Data(_) => packet("data", &DataEvent { device_id, payload, ts }),
            MessageEvent::Status(_) => packet("status", &StatusEvent { payload, device_id, ts }),
        }?);
        packets.push(packet(device_id, &DeviceEvent { action, payload, ts })?);
        packets.push(packet(&format!("{action}_{device_id}"), payload)?);
    }
    Ok(PacketBatch::new(packets))
}

fn packet(name: &str, argument: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(&(name, argument));
    let json = json.map_err(|e| Error::internal("an event cannot be encoded").with_source(e))?;
    Ok(format!("{EVENT_PREFIX}{}", escape_astral(json)))
}

/// Escapes characters of two UTF-16 units, which JSON has in strings only. Some clients count the length of a packet in
/// characters, others in UTF-16 units: without such characters both agree.
fn escape_astral(json: String) -> String {
    if json.chars().all(|c| c.len_utf16() == 1) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        let mut units = [0; 2];
        match c.encode_utf16(&mut units) {
            [high, low] => escaped.push_str(&format!("\\u{high:04x}\\u{low:04x}")),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::instathings::onpremise::outbox::Outbox;
    use crate::domain::Micros;

    fn message(payload: &str) -> DeviceMessage {
        DeviceMessage {
            uuid: uuid::Uuid::nil(),
            device_key: "9s9WdonY9".into(),
            ts: Micros(1_777_377_600_000_999),
            payload: RawValue::from_string(payload.to_owned()).unwrap(),
        }
    }

    #[test]
    fn each_event_is_three_packets_in_order() {
        let rows = [
            (
                MessageEvent::Data(message(r#"{"Motor RPM":1200.5}"#)),
                [
                    r#"42["data",{"deviceId":"9s9WdonY9","payload":{"Motor RPM":1200.5},"ts":"2026-04-28T12:00:00.000Z"}]"#,
                    r#"42["9s9WdonY9",{"action":"data","payload":{"Motor RPM":1200.5},"ts":"2026-04-28T12:00:00.000Z"}]"#,
                    r#"42["data_9s9WdonY9",{"Motor RPM":1200.5}]"#,
                ],
            ),
            (
                MessageEvent::Status(message(r#"{"big":18446744073709551615}"#)),
                [
                    r#"42["status",{"payload":{"big":18446744073709551615},"deviceId":"9s9WdonY9","ts":"2026-04-28T12:00:00.000Z"}]"#,
                    r#"42["9s9WdonY9",{"action":"status","payload":{"big":18446744073709551615},"ts":"2026-04-28T12:00:00.000Z"}]"#,
                    r#"42["status_9s9WdonY9",{"big":18446744073709551615}]"#,
                ],
            ),
        ];
        for (event, expected) in rows {
            let mut outbox = Outbox::default();
            outbox.push_shared(&encode(&[event]).unwrap()).unwrap();
            let packets: Vec<_> =
                outbox.take(usize::MAX).iter().map(|packet| packet.as_str().to_owned()).collect();
            assert_eq!(packets, expected);
        }
    }

    #[test]
    fn characters_of_two_units_are_escaped() {
        let rows =
            [(r#"{"a":"é€"}"#, r#"{"a":"é€"}"#), (r#"{"😀":"x😀"}"#, r#"{"\ud83d\ude00":"x\ud83d\ude00"}"#)];
        for (json, expected) in rows {
            assert_eq!(escape_astral(json.to_owned()), expected);
            let (a, b): (serde_json::Value, serde_json::Value) =
                (serde_json::from_str(json).unwrap(), serde_json::from_str(expected).unwrap());
            assert_eq!(a, b);
        }
    }
}
