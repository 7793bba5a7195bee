//! The frames of the WebSocket: what happens in a project, as `{"action", "payload"}`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::control::AnswerView;
use super::data::{MessageView, NONE};
use super::device_view::{DeviceViewer, millis};
use super::types;
use crate::app::gateway::log::LogLine;
use crate::app::gateway::session::{PARENT, STATUS, SessionEvent, SessionRecord, VERSION};
use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::message::Message;
use crate::domain::message::query::{MessageFilter, MessageOrder, MessageQuery};
use crate::domain::{DeviceId, Error, Result};

/// Members of a report that belong to the state of its session, wherever they are.
const STATUS_MEMBERS: [&str; 7] = [
    "principalIdentifier",
    "clientId",
    "ipAddress",
    "sessionIdentifier",
    "versionNumber",
    "disconnectReason",
    "clientInitiatedDisconnect",
];
/// Members that are of the device itself, which a report does not change; and that of a billing, which there is not.
const OWN_MEMBERS: [&str; 7] =
    ["subDevices", "parentDevice", "type", "protocols", "certificateId", "frequency", "plan"];
/// Version of a gateway that has not reported any.
const DEFAULT_GATE: &str = "instathings/gate:1.9.1";

#[derive(Serialize)]
struct Frame<'a, P> {
    action: &'a str,
    payload: P,
}

fn frame(action: &str, payload: impl Serialize) -> Result<String> {
    let text = serde_json::to_string(&Frame { action, payload });
    text.map_err(|e| Error::internal("a frame cannot be encoded").with_source(e))
}

impl DeviceViewer<'_> {
    /// The frame of a message; `None` when its device was deleted meanwhile.
    pub fn data_frame(&self, message: &Message) -> Result<Option<String>> {
        let Ok(device) = self.app.devices.device(self.who, message.device) else { return Ok(None) };
        let ttl_s = self.app.settings().compat.instathings.message_ttl_s();
        frame("data", MessageView::new(message, &device.aliases.key, ttl_s)?).map(Some)
    }

    /// The frame of an answer; `None` when its device was deleted meanwhile.
    pub fn answer_frame(&self, command: &Command) -> Result<Option<String>> {
        let Ok(device) = self.app.devices.device(self.who, command.spec.device) else { return Ok(None) };
        frame("status", AnswerView::new(command, self.project, &device)).map(Some)
    }

    /// The frame of lines of a log; `None` when the device was deleted meanwhile.
    pub fn log_frame(&self, id: DeviceId, container: &str, lines: &[LogLine]) -> Result<Option<String>> {
        let Ok(device) = self.app.devices.device(self.who, id) else { return Ok(None) };
        let line = |line: &LogLine| json!({"message": line.message, "type": line.kind.name(), "timestamp": millis(line.ts)});
        let logs: Vec<Value> = lines.iter().map(line).collect();
        let payload = json!({"logs": logs, "deviceId": device.aliases.key, "containerName": container});
        frame("log", payload).map(Some)
    }

    /// The frames of a report: two when a gateway has connected.
    pub async fn session_frames(&self, record: &SessionRecord) -> Result<Vec<String>> {
        let action = record.event.name();
        match record.event {
            SessionEvent::Connected => {
                let mut payload = self.gateway_payload(record).await?;
                let version = payload.remove(VERSION);
                let connected = frame(action, &payload)?;
                payload.insert(VERSION.to_owned(), version.unwrap_or_default());
                Ok(vec![connected, frame("software_version", &payload)?])
            }
            SessionEvent::Disconnected => Ok(vec![frame(action, self.gateway_payload(record).await?)?]),
            SessionEvent::Discovering | SessionEvent::Paired | SessionEvent::NotPaired => {
                Ok(vec![frame(action, self.pairing_payload(record)?)?])
            }
            SessionEvent::InstallationSucceeded | SessionEvent::InstallationFailed => {
                Ok(vec![frame(action, json!({"event": self.installation(record)}))?])
            }
        }
    }

    /// The device, with what its gateway has reported. What the core knows goes before that.
    async fn gateway_payload(&self, record: &SessionRecord) -> Result<Map<String, Value>> {
        let current = self.app.devices.device(self.who, record.device);
        let device = current.as_ref().unwrap_or(&record.subject);
        let view = serde_json::to_value(self.listed(device)?);
        let view = view.map_err(|e| Error::internal("a device is no JSON").with_source(e))?;
        let mut payload = record.payload.clone();
        let reported = payload.remove(STATUS);
        let mut status = reported.and_then(into_object).unwrap_or_default();
        for name in STATUS_MEMBERS {
            if let Some(value) = payload.remove(name) {
                status.entry(name).or_insert(value);
            }
        }
        for name in OWN_MEMBERS {
            payload.remove(name);
        }
        payload.extend(into_object(view).unwrap_or_default());
        payload.entry("subDevices").or_insert_with(|| json!([]));
        payload.entry(VERSION).or_insert_with(|| json!({"gate": DEFAULT_GATE}));
        let mut stats = json!({"ingestion": self.count_messages(device.id).await?});
        if let (Some(stats), Some(Value::Object(reported))) = (stats.as_object_mut(), payload.remove("stats"))
        {
            stats.extend(reported);
        }
        payload.insert("stats".to_owned(), stats);
        let certificate = payload.get("certificateId").cloned().unwrap_or_else(|| NONE.into());
        status.entry("principalIdentifier").or_insert(certificate);
        status.insert("clientId".to_owned(), device.aliases.key.as_str().into());
        status.insert("eventType".to_owned(), record.event.name().into());
        status.entry("versionNumber").or_insert_with(|| 0.into());
        status.entry("timestamp").or_insert_with(|| millis(record.ts).into());
        if record.event == SessionEvent::Disconnected {
            status.entry("disconnectReason").or_insert_with(|| "CONNECTION_LOST".into());
            status.entry("clientInitiatedDisconnect").or_insert(Value::Bool(false));
        }
        payload.insert(STATUS.to_owned(), Value::Object(status));
        Ok(payload)
    }

    async fn count_messages(&self, device: DeviceId) -> Result<u64> {
        let filter =
            MessageFilter { devices: Some(vec![device]), from: None, to: None, status: None, derives: false };
        let query = MessageQuery { filter, order: MessageOrder::NewestFirst, offset: 0, limit: 0 };
        Ok(self.app.messages.messages(self.who, query).await?.total)
    }

    fn pairing_payload(&self, record: &SessionRecord) -> Result<Map<String, Value>> {
        let device: &Device = &record.subject;
        // A gateway that was deleted with the device is known from the report alone.
        let parent = self.parent_key(device).map(Value::from);
        let parent = parent.or_else(|| record.payload.get(PARENT).cloned());
        let members = [
            ("projectId", Some(self.project.into())),
            ("ts", Some(millis(device.created_at).into())),
            (STATUS, Some(json!({"eventType": record.event.name()}))),
            (PARENT, parent),
            ("id", Some(device.aliases.key.as_str().into())),
            ("env", Some(self.app.settings().compat.instathings.env.name().into())),
            ("isGateway", Some(Value::Bool(false))),
            ("name", Some(device.spec.shared_name().into())),
            ("type", types::id_of(self.app.products.product_of(device)?.as_ref()).map(Value::from)),
        ];
        let known = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(known.collect())
    }

    /// Returns a gateway's report of an installation, completed with defaults.
    fn installation(&self, record: &SessionRecord) -> Map<String, Value> {
        let is_success = record.event == SessionEvent::InstallationSucceeded;
        let mut event = record.payload.clone();
        let defaults = [
            ("dt_install", json!(millis(record.ts))),
            ("protocol", json!("")),
            ("protocolId", json!("")),
            ("exitStatus", json!(i32::from(!is_success))),
            ("stdout", json!("")),
            ("stderr", json!("")),
            ("versions", json!({})),
            ("newContainers", json!([])),
        ];
        for (name, value) in defaults {
            event.entry(name).or_insert(value);
        }
        event.insert("installationSuccess".to_owned(), Value::Bool(is_success));
        event.insert("projectId".to_owned(), self.project.into());
        event.insert("deviceId".to_owned(), record.subject.aliases.key.as_str().into());
        event
    }
}

fn into_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
