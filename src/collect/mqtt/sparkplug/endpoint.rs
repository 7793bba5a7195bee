//! Endpoint of a host application: the broker and the id of the host, from a device's settings. Pure.

use super::address::id_problem;
use crate::collect::mqtt::endpoint::{MqttEndpoint, text};
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// Broker and identity of a host application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparkplugEndpoint {
    /// With a session that ends with the connection (Sparkplug 3.0, section 5.2).
    pub broker: MqttEndpoint,
    /// Id in the topic of the host's state; edge nodes may be configured to wait for it.
    pub host_id: String,
}

impl SparkplugEndpoint {
    /// Builds the endpoint from a device's settings. Without `host_id` it is the client id.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<SparkplugEndpoint> {
        let broker = MqttEndpoint { is_temporary: true, ..MqttEndpoint::from_spec(spec)? };
        let host_id = text(&spec.metadata, "host_id")?.unwrap_or(&broker.client_id).to_owned();
        if let Some(why) = id_problem(&host_id) {
            return Err(Error::field("host_id", format!("{why}.")));
        }
        Ok(SparkplugEndpoint { broker, host_id })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::device::Protocol;

    #[test]
    fn a_host_id_is_set_or_the_client_id() {
        let endpoint = |metadata: serde_json::Value| {
            let mut spec = DeviceSpec::new("line", Protocol::Mqtt);
            spec.host = "broker".to_owned();
            spec.metadata = metadata.as_object().cloned().unwrap();
            SparkplugEndpoint::from_spec(&spec)
        };
        assert_eq!(endpoint(json!({"client_id": "me"})).unwrap().host_id, "me");
        let named = endpoint(json!({"client_id": "me", "host_id": "scada 1"})).unwrap();
        assert_eq!((named.host_id.as_str(), named.broker.is_temporary), ("scada 1", true));
        for metadata in [json!({"host_id": "a/b"}), json!({"host_id": ""}), json!({"host_id": 1})] {
            assert_eq!(endpoint(metadata.clone()).unwrap_err().fields[0].field, "host_id", "{metadata}");
        }
        // A client id may have characters that the id of a host may not.
        assert_eq!(endpoint(json!({"client_id": "a/b"})).unwrap_err().fields[0].field, "host_id");
    }
}
