//! A client as its broker knows it. A broker lets one connection have a client id and ends the older one
//! (MQTT 3.1.1, section 3.1.4), so two devices of one client end each other's connections for ever. Pure.

use super::endpoint::MqttEndpoint;
use crate::domain::FieldError;
use crate::domain::device::{DeviceSpec, Protocol};

/// Broker and client id of a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BrokerClient {
    /// Host and port, the host in small letters.
    address: String,
    client_id: String,
}

impl BrokerClient {
    /// `None` for a device that is no client of a broker, or whose settings are wrong.
    pub fn of_device(spec: &DeviceSpec) -> Option<BrokerClient> {
        if spec.protocol != Protocol::Mqtt || spec.host.is_empty() {
            return None;
        }
        let endpoint = MqttEndpoint::from_spec(spec).ok()?;
        let address = endpoint.address().to_lowercase();
        Some(BrokerClient { address, client_id: endpoint.client_id })
    }

    /// The problem of a second device that is this client.
    pub fn conflict(&self) -> FieldError {
        let BrokerClient { address, client_id } = self;
        let words = format!(
            "client_id: Another device is `{client_id}` at {address}. The broker would end one's connection for the other."
        );
        FieldError::new("metadata", words)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_client_is_a_broker_and_a_client_id() {
        let client = |host: &str, port: Option<u16>, client_id: Option<&str>| {
            let mut spec = DeviceSpec::new("line", Protocol::Mqtt);
            (spec.host, spec.port) = (host.to_owned(), port);
            spec.metadata.extend(client_id.map(|id| ("client_id".to_owned(), json!(id))));
            BrokerClient::of_device(&spec)
        };
        let first = client("Broker", None, Some("me"));
        assert!(first.is_some());
        for same in [("mqtt://broker:1883", None), ("broker", Some(1883))] {
            assert_eq!(client(same.0, same.1, Some("me")), first, "{same:?}");
        }
        for other in [
            client("broker", Some(1884), Some("me")),
            client("mqtts://broker", None, Some("me")),
            client("broker", None, Some("ME")),
            client("broker", None, None),
            client("", None, Some("me")),
            client("http://broker", None, Some("me")),
        ] {
            assert_ne!(other, first);
        }
        assert_eq!(BrokerClient::of_device(&DeviceSpec::new("line", Protocol::Modbus)), None);
    }
}
