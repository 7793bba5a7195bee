//! `GET /device/v1/devices/{id}/data`: the messages of a device, the newest first.

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::value::RawValue;

use super::device_view::millis;
use super::{Answer, Cloud, ProjectCaller, data_query};
use crate::domain::message::query::{MessageFilter, MessageOrder, MessageQuery};
use crate::domain::message::{Message, MessageContent};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Result};

/// Stands for a certificate or a gateway where there is none.
pub const NONE: &str = "N/A";

/// A page of messages.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView {
    data: Vec<MessageView>,
    total_items: u64,
}

/// A message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// Milliseconds since 1970.
    ts: i64,
    device_id: String,
    data: Box<RawValue>,
    /// Seconds since 1970.
    ttl: i64,
    principal: String,
    id: String,
    client_id: String,
}

impl MessageView {
    /// A message of the device with this key, which is said to last `ttl_s` seconds.
    ///
    /// # Errors
    /// `Unavailable` when the payload is no JSON, which only damage can cause.
    pub fn new(message: &Message, device_key: &str, ttl_s: i64) -> Result<Self> {
        let damaged = |e| Error::unavailable("the payload of a stored message is no JSON").with_source(e);
        let named = |text: &str| if text.is_empty() { NONE.to_owned() } else { text.to_owned() };
        let (principal, client) = match &message.content {
            MessageContent::Stored(stored) => (stored.principal.as_str(), stored.client.as_str()),
            MessageContent::Derived => ("", ""),
        };
        Ok(MessageView {
            ts: millis(message.ts),
            device_id: device_key.to_owned(),
            data: RawValue::from_string(message.document_payload()).map_err(damaged)?,
            ttl: message.ts.0.div_euclid(MICROS_PER_SECOND).saturating_add(ttl_s),
            principal: named(principal),
            id: message.uuid().to_string(),
            client_id: named(client),
        })
    }
}

/// Returns a page of the messages of a device. Without an end these are the ones up to now, so that the first is the newest: one whose
/// time is ahead of the clock comes when its time has come.
///
/// # Errors
/// 400 naming every wrong parameter; 404 when there is no such device.
pub async fn list(cloud: &Cloud, caller: &ProjectCaller, id: &str, query: &str) -> Answer {
    let query = data_query::parse(query)?;
    let device = cloud.device(caller, id)?;
    let filter = MessageFilter {
        devices: Some(vec![device.id]),
        from: query.from,
        to: query.to.or_else(|| Some(cloud.app.messages.latest_time())),
        status: None,
        derives: true,
    };
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let wanted = MessageQuery { filter, order: MessageOrder::NewestFirst, offset, limit: query.limit };
    let page = cloud.app.messages.messages(&caller.principal, wanted).await?;
    let ttl_s = cloud.app.settings().compat.instathings.message_ttl_s();
    let view = |message: &Message| MessageView::new(message, &device.aliases.key, ttl_s);
    let data = page.messages.iter().map(view).collect::<Result<Vec<_>>>()?;
    Ok(Json(PageView { data, total_items: page.total }).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{MessageFormat, StoredMessage};
    use crate::domain::{DeviceId, Micros};

    #[test]
    fn a_message_is_shown_as_in_the_documentation() {
        let stored = StoredMessage {
            uuid: uuid::Uuid::from_u128(0x99f8_5da2_aabf_4bcd_9c42_3804_bde1_cd61),
            device: DeviceId(1),
            ts: Micros(1_579_597_755_184_999),
            received_at: Micros(0),
            status: "ONLINE".to_owned(),
            payload: r#"{"value":33,"isVirtualData":true}"#.to_owned(),
            format: MessageFormat::Document,
            principal: "9a5e".to_owned(),
            client: String::new(),
            sensor_count: 2,
        };
        let (device, ts) = (stored.device, stored.ts);
        let message = Message { device, ts, content: MessageContent::Stored(stored), sensors: Vec::new() };
        let view = MessageView::new(&message, "A1Owj4Eu", 86_400).unwrap();
        assert_eq!(
            serde_json::to_string(&view).unwrap(),
            r#"{"ts":1579597755184,"deviceId":"A1Owj4Eu","data":{"value":33,"isVirtualData":true},"ttl":1579684155,"principal":"9a5e","id":"99f85da2-aabf-4bcd-9c42-3804bde1cd61","clientId":"N/A"}"#
        );
    }
}
