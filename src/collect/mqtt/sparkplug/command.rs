//! Messages of a host: commands to edge nodes and devices, and its own state. Pure.

use prost::Message as _;
use serde_json::json;

use super::address::{MetricSource, NodeId};
use super::birth::MetricDescription;
use super::data_type::DataType;
use super::proto::{Metric, MetricValue, Payload};
use super::topic::{command_topic, state_topic};
use super::value;
use crate::collect::device_value::DeviceValue;
use crate::collect::mqtt::wire::OutgoingMessage;
use crate::domain::Micros;

/// Name of the metric by which a host asks for a birth.
const REBIRTH: &str = "Node Control/Rebirth";

/// The command that asks an edge node for its births.
pub fn rebirth(node: &NodeId, now: Micros) -> OutgoingMessage {
    let metric = Metric {
        name: Some(REBIRTH.to_owned()),
        datatype: Some(DataType::Boolean.number()),
        timestamp: milliseconds(now),
        value: Some(MetricValue::Boolean(true)),
        ..Metric::default()
    };
    command(&MetricSource { node: node.clone(), device: None }, metric, now)
}

/// The command that sets a metric. A metric that was born with an alias is named by it alone (Sparkplug 3.0, section
/// 6.4.6).
///
/// # Errors
/// A message: the metric's type cannot hold the value.
pub fn write(
    description: &MetricDescription,
    content: &DeviceValue,
    now: Micros,
) -> Result<OutgoingMessage, String> {
    let address = &description.address;
    let metric = Metric {
        name: description.alias.is_none().then(|| address.metric.to_string()),
        alias: description.alias,
        datatype: Some(description.data_type.number()),
        timestamp: milliseconds(now),
        value: Some(value::encode(content, description.data_type)?),
        ..Metric::default()
    };
    Ok(command(&address.source, metric, now))
}

/// Section 5.9: QoS 0, not retained, without a sequence number.
fn command(source: &MetricSource, metric: Metric, now: Micros) -> OutgoingMessage {
    let payload = Payload { timestamp: milliseconds(now), metrics: vec![metric], ..Payload::default() };
    OutgoingMessage {
        topic: command_topic(source),
        payload: payload.encode_to_vec(),
        is_acknowledged: false,
        is_retained: false,
    }
}

/// The state of a host (section 6.4.26). Will and birth of one connection have the same time.
pub fn state(host_id: &str, is_online: bool, at: Micros) -> OutgoingMessage {
    let payload = json!({"online": is_online, "timestamp": milliseconds(at)});
    OutgoingMessage {
        topic: state_topic(host_id),
        payload: payload.to_string().into_bytes(),
        is_acknowledged: true,
        is_retained: true,
    }
}

/// Whether a message to the topic of a host's state says that the host is offline.
pub fn says_offline(payload: &[u8]) -> bool {
    let state: Option<serde_json::Value> = serde_json::from_slice(payload).ok();
    state.is_some_and(|state| state["online"] == false)
}

fn milliseconds(time: Micros) -> Option<u64> {
    u64::try_from(time.0 / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::mqtt::sparkplug::decode;
    use crate::collect::numeric_value::NumericValue;

    const NOW: Micros = Micros(1_777_377_600_123_456);

    fn description(text: &str, alias: Option<u64>, data_type: DataType) -> MetricDescription {
        let address = std::sync::Arc::new(text.parse().unwrap());
        MetricDescription { address, data_type, alias }
    }

    #[test]
    fn a_metric_is_set_by_its_alias_or_name() {
        let number = DeviceValue::Number(NumericValue::Int(-2));
        for (metric, topic, name, alias) in [
            (description("g/n#a/b", None, DataType::Int16), "spBv1.0/g/NCMD/n", Some("a/b"), None),
            (description("g/n/d#a", Some(0), DataType::Int16), "spBv1.0/g/DCMD/n/d", None, Some(0)),
        ] {
            let message = write(&metric, &number, NOW).unwrap();
            assert_eq!(
                (message.topic.as_str(), message.is_acknowledged, message.is_retained),
                (topic, false, false)
            );
            let payload = decode::payload(&message.payload).unwrap();
            assert_eq!((payload.seq, payload.timestamp), (None, Some(1_777_377_600_123)));
            let sent = &payload.metrics[0];
            assert_eq!((sent.name.as_deref(), sent.alias), (name, alias));
            assert_eq!((sent.datatype, &sent.value), (Some(2), &Some(MetricValue::Int(0xFFFF_FFFE))));
        }
        let refused = write(&description("g/n#a", None, DataType::Uint8), &number, NOW);
        assert_eq!(refused.unwrap_err(), "-2 is no UInt8");
    }

    #[test]
    fn a_state_is_retained_and_acknowledged() {
        let online = state("basalt", true, NOW);
        assert_eq!(online.topic, "spBv1.0/STATE/basalt");
        assert_eq!(online.payload, b"{\"online\":true,\"timestamp\":1777377600123}");
        assert!(online.is_retained && online.is_acknowledged);
        assert!(says_offline(&state("basalt", false, NOW).payload) && !says_offline(&online.payload));
        assert!(!says_offline(b"OFFLINE"));
    }
}
