//! Client of graphql-transport-ws.

use serde::Deserialize;
use serde_json::json;

use super::ws_client::{WebSocketClient, unexpected};
use crate::domain::Result;

/// One subscription to readings, on its own connection.
pub struct SubscriptionClient(WebSocketClient);

/// The part of a message that is decoded.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    payload: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Next {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    values: Values,
}

#[derive(Deserialize)]
struct Values {
    readings: Vec<ReadingValue>,
}

#[derive(Deserialize)]
struct ReadingValue {
    value: f64,
}

impl SubscriptionClient {
    /// Connects and subscribes to everything; no value written after it returns is missed. `arguments` are those of the
    /// `values` field, in brackets, or empty.
    pub async fn open(address: &str, key: &str, arguments: &str) -> Result<SubscriptionClient> {
        let head = format!("Host: bench\r\nX-API-Key: {key}\r\nSec-WebSocket-Protocol: graphql-transport-ws");
        let mut feed = SubscriptionClient(WebSocketClient::open(address, "/graphql/ws", &head).await?);
        feed.0.send(r#"{"type":"connection_init"}"#).await?;
        let query =
            format!("subscription {{ values{arguments} {{ readings {{ streamRowId ts value }} cursor }} }}");
        let subscribe = json!({"type": "subscribe", "id": "1", "payload": {"query": query}}).to_string();
        feed.expect("connection_ack").await?;
        feed.0.send(&subscribe).await?;
        feed.expect("next").await?;
        Ok(feed)
    }

    /// Returns the values of the next message.
    pub async fn next(&mut self) -> Result<Vec<f64>> {
        let text = self.0.next().await?;
        let next: Next = serde_json::from_slice(text).map_err(|_| unexpected(text))?;
        Ok(next.payload.data.values.readings.into_iter().map(|reading| reading.value).collect())
    }

    async fn expect(&mut self, kind: &str) -> Result<()> {
        let text = self.0.next().await?;
        let message: Message = serde_json::from_slice(text).map_err(|_| unexpected(text))?;
        let has_errors = message.payload.is_some_and(|payload| payload.get("errors").is_some());
        if message.kind == kind && !has_errors { Ok(()) } else { Err(unexpected(text)) }
    }
}
