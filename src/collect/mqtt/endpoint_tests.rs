//! Cases of settings.

use serde_json::json;

use super::*;
use crate::domain::device::Protocol;

fn spec(host: &str, metadata: Value) -> DeviceSpec {
    let mut spec = DeviceSpec::new("line", Protocol::Mqtt);
    spec.host = host.to_owned();
    spec.metadata = metadata.as_object().cloned().unwrap();
    spec
}

#[test]
fn a_host_is_a_name_or_a_url() {
    for (host, address, uses_tls) in [
        ("broker", "broker:1883", false),
        ("broker:1884", "broker:1884", false),
        ("10.0.0.1", "10.0.0.1:1883", false),
        ("::1", "[::1]:1883", false),
        ("[::1]:1884", "[::1]:1884", false),
        ("mqtt://broker", "broker:1883", false),
        ("mqtts://broker", "broker:8883", true),
        ("mqtts://broker:443/", "broker:443", true),
    ] {
        let endpoint = MqttEndpoint::from_spec(&spec(host, json!({}))).unwrap();
        assert_eq!((endpoint.address().as_str(), endpoint.uses_tls), (address, uses_tls), "{host}");
    }
    for host in ["http://broker", "mqtt://", "mqtt://me:word@broker", "mqtt://broker/line", "a b", "broker:0"]
    {
        let error = MqttEndpoint::from_spec(&spec(host, json!({}))).unwrap_err();
        assert_eq!(error.fields[0].field, "host", "{host}");
    }
    let mut both = spec("broker:1884", json!({}));
    both.port = Some(1885);
    assert_eq!(
        MqttEndpoint::from_spec(&both).unwrap_err().fields[0].message,
        "Conflicts with port 1884 in host."
    );
}

#[test]
fn settings_are_checked_and_named() {
    for (metadata, field) in [
        (json!({"client_id": ""}), "client_id"),
        (json!({"client_id": 5}), "client_id"),
        (json!({"keep_alive": 65_536}), "keep_alive"),
        (json!({"keep_alive": -1}), "keep_alive"),
        (json!({"ca_file": "../own/cert.der"}), "ca_file"),
        (json!({"ca_file": "plant.pem"}), "ca_file"),
    ] {
        let error = MqttEndpoint::from_spec(&spec("broker", metadata.clone())).unwrap_err();
        assert_eq!(error.fields[0].field, field, "{metadata}");
    }
    for (metadata, field) in [
        (json!({"topic_filter": "a/#/b"}), "topic_filter"),
        (json!({"qos": 2}), "qos"),
        (json!({"time_pointer": "time"}), "time_pointer"),
    ] {
        let error = SubscriptionSettings::from_metadata(metadata.as_object().unwrap()).unwrap_err();
        assert_eq!(error.fields[0].field, field, "{metadata}");
    }
    let secure = spec("mqtts://broker", json!({"ca_file": "plant.pem", "keep_alive": 5, "client_id": "me"}));
    let endpoint = MqttEndpoint::from_spec(&secure).unwrap();
    assert_eq!((endpoint.ca_file.as_deref(), endpoint.keep_alive.as_secs()), (Some("plant.pem"), 5));
    assert_eq!(endpoint.client_id, "me");
}

#[test]
fn a_client_id_stays_and_is_its_devices_own() {
    let id = |spec: &DeviceSpec| MqttEndpoint::from_spec(spec).unwrap().client_id;
    let first = spec("broker", json!({}));
    let second = DeviceSpec { name: "line 2".to_owned(), ..first.clone() };
    assert_eq!(id(&first), id(&first.clone()));
    assert_ne!(id(&first), id(&second));
    assert_eq!(id(&first).len(), 22);
}

#[test]
fn a_password_needs_a_name_and_is_never_printed() {
    let mut with_login = spec("broker", json!({}));
    with_login.password = "word".to_owned();
    assert_eq!(MqttEndpoint::from_spec(&with_login).unwrap_err().fields[0].field, "username");
    with_login.username = "me".to_owned();
    let endpoint = MqttEndpoint::from_spec(&with_login).unwrap();
    assert_eq!(endpoint.login.as_ref().and_then(|login| login.password.as_deref()), Some("word"));
    assert!(!format!("{endpoint:?}").contains("word"), "{endpoint:?}");
}
