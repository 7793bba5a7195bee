//! `GET /device/v1/protocols/{id}`: the protocols that gateways can install.

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;

use super::Answer;
use crate::domain::Error;

/// A protocol.
#[derive(Debug, Serialize)]
struct ProtocolView {
    id: &'static str,
    name: &'static str,
    slug: &'static str,
}

/// Id of the protocol that devices with HTTP have.
pub const HTTP: &str = "IuYtREd0";

const PROTOCOLS: [ProtocolView; 6] = [
    ProtocolView { id: "vRy6GTde", name: "Zigbee", slug: "zigbee" },
    ProtocolView { id: HTTP, name: "WiFi", slug: "http" },
    ProtocolView { id: "R2Jh6IhT", name: "Bluetooth", slug: "bluetooth" },
    ProtocolView { id: "knx", name: "KNX", slug: "knx" },
    ProtocolView { id: "vRy7GTde", name: "Automations", slug: "automations" },
    ProtocolView { id: "modbus", name: "Modbus", slug: "modbus" },
];

/// Returns the protocol with this id.
pub fn one(id: &str) -> Answer {
    let found = PROTOCOLS.iter().find(|protocol| protocol.id == id).ok_or_else(Error::not_found)?;
    Ok(Json(found).into_response())
}
