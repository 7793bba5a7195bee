//! What a query node asks of the owner of the lake, the one node that collects and writes: rows that are not in the lake yet, and
//! the states of devices and of the clients of its MQTT broker.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::device::DeviceStatus;
use super::mqtt::status::SessionStatus;
use super::{DeviceId, OrgId};

/// Where the owner answers a `TailRequest`.
pub const TAIL_PATH: &str = "/cluster/tail";

/// What a query node asks the owner for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailRequest {
    /// Whose rows.
    pub org: OrgId,
    /// Whether the newest reading of each stream is wanted.
    pub newest: bool,
    /// Whether the states of devices and of MQTT sessions are wanted.
    pub states: bool,
}

impl TailRequest {
    /// Asks for what a statement may need. A table is read only where its name is in the text.
    pub fn for_statement(org: OrgId, text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let states = text.contains("device") || text.contains("mqtt_sessions");
        TailRequest { org, newest: text.contains("latest"), states }
    }

    /// Asks for rows alone.
    pub fn for_rows(org: OrgId) -> Self {
        TailRequest { org, newest: false, states: false }
    }
}

/// The states of one organization's devices and clients at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OwnerStates {
    /// By device.
    pub devices: HashMap<DeviceId, DeviceStatus>,
    /// The sessions of all clients, by owner and client id.
    pub sessions: Vec<SessionStatus>,
}
