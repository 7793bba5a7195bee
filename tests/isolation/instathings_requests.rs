//! Requests of the Instathings cloud about a device, with the placeholders of `requests.rs`.

use super::requests::{Request, get, send};

/// Reads of the Instathings cloud. This list and the next are for two tokens, because each has a budget of requests.
pub fn instathings() -> Vec<Request> {
    [
        "/device/v1/devices/{key}",
        "/device/v1/devices/{key}/data",
        "/device/v1/devices/{key}/data?start=0&perPage=100",
        "/device/v1/devices/{key}/gate/logs",
        "/device/v1/control/{request}/fetch",
        "/device/v1/control/{command}/fetch",
        "/device/v1/types/{product}",
        "/device/v1/devices/{device}",
        "/device/v1/devices/{uuid}",
        "/device/v1/devices/{external}",
        "/device/v1/devices/{external}/data",
    ]
    .map(get)
    .into()
}

/// Changes in the Instathings cloud.
pub fn instathings_changes() -> Vec<Request> {
    vec![
        send("PATCH", "/device/v1/devices/{key}", r#"{"name":"x"}"#),
        send("POST", "/device/v1/devices", r#"{"name":"x","parentDevice":"{key}"}"#),
        send("POST", "/device/v1/devices", r#"{"name":"x","parentDevice":"{uuid}"}"#),
        send("POST", "/device/v1/devices", r#"{"name":"x","type":"{product}"}"#),
        send("POST", "/device/v1/control/{key}/set", r#"{"state":"ON"}"#),
        send("POST", "/device/v1/control/{key}/status", ""),
        send("POST", "/devices/{key}/credentials/certificate", ""),
        send("GET", "/device/v1/devices/{key}/credentials/certificate", ""),
        send("DELETE", "/devices/{key}/subDevice/subDevices/{key}", ""),
        send("DELETE", "/device/v1/devices/{key}", ""),
    ]
}
