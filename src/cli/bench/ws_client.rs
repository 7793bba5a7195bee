//! Client of graphql-transport-ws, written by hand, because a library's cost would be measured too.

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use serde::Deserialize;
use serde_json::json;

use crate::domain::{Error, Result};

/// One subscription to readings, on its own connection.
pub struct SubscriptionClient {
    socket: BufReader<TcpStream>,
    text: Vec<u8>,
}

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

const OPCODE_TEXT: u8 = 1;
const OPCODE_PING: u8 = 9;
const OPCODE_PONG: u8 = 10;

fn broken(e: std::io::Error) -> Error {
    Error::unavailable("a subscription failed").with_source(e)
}

impl SubscriptionClient {
    /// Connects and subscribes to everything; no value written after it returns is missed. `arguments` are those of the
    /// `values` field, in brackets, or empty.
    pub async fn open(address: &str, key: &str, arguments: &str) -> Result<SubscriptionClient> {
        let socket = TcpStream::connect(address).await.map_err(broken)?;
        socket.set_nodelay(true).map_err(broken)?;
        let mut feed =
            SubscriptionClient { socket: BufReader::with_capacity(1 << 16, socket), text: Vec::new() };
        // The nonce of the specification's own example: nothing here is secret or cached.
        let hello = format!(
            "GET /graphql/ws HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        );
        feed.socket.write_all(hello.as_bytes()).await.map_err(broken)?;
        feed.head().await?;
        feed.send_frame(OPCODE_TEXT, br#"{"type":"connection_init"}"#).await?;
        let query =
            format!("subscription {{ values{arguments} {{ readings {{ streamRowId ts value }} cursor }} }}");
        let subscribe = json!({"type": "subscribe", "id": "1", "payload": {"query": query}}).to_string();
        feed.expect("connection_ack").await?;
        feed.send_frame(OPCODE_TEXT, subscribe.as_bytes()).await?;
        feed.expect("next").await?;
        Ok(feed)
    }

    /// Returns the values of the next message.
    pub async fn next(&mut self) -> Result<Vec<f64>> {
        self.receive().await?;
        let next: Next = serde_json::from_slice(&self.text).map_err(|_| self.odd())?;
        Ok(next.payload.data.values.readings.into_iter().map(|reading| reading.value).collect())
    }

    async fn expect(&mut self, kind: &str) -> Result<()> {
        self.receive().await?;
        let message: Message = serde_json::from_slice(&self.text).map_err(|_| self.odd())?;
        let has_errors = message.payload.is_some_and(|payload| payload.get("errors").is_some());
        if message.kind == kind && !has_errors { Ok(()) } else { Err(self.odd()) }
    }

    fn odd(&self) -> Error {
        Error::unavailable(format!("unexpected message: {}", String::from_utf8_lossy(&self.text)))
    }

    /// Reads to the end of the response to the upgrade, which must be 101.
    async fn head(&mut self) -> Result<()> {
        self.text.clear();
        while !self.text.ends_with(b"\r\n\r\n") {
            self.text.push(self.socket.read_u8().await.map_err(broken)?);
        }
        if self.text.starts_with(b"HTTP/1.1 101") { Ok(()) } else { Err(self.odd()) }
    }

    /// Reads the next text message and answers pings. The server sends each message in one frame.
    async fn receive(&mut self) -> Result<()> {
        loop {
            let (first, second) = (self.byte().await?, self.byte().await?);
            let length = match second & 0x7f {
                126 => u64::from(self.socket.read_u16().await.map_err(broken)?),
                127 => self.socket.read_u64().await.map_err(broken)?,
                length => u64::from(length),
            };
            let length = usize::try_from(length).map_err(|_| self.odd())?;
            self.text.resize(length, 0);
            self.socket.read_exact(&mut self.text).await.map_err(broken)?;
            match first & 0x0f {
                OPCODE_TEXT => return Ok(()),
                OPCODE_PING => {
                    let text = std::mem::take(&mut self.text);
                    self.send_frame(OPCODE_PONG, &text).await?;
                }
                _ => return Err(self.odd()),
            }
        }
    }

    async fn byte(&mut self) -> Result<u8> {
        self.socket.read_u8().await.map_err(broken)
    }

    /// Sends one frame, masked with zeros: the protocol demands a mask, with any bytes.
    async fn send_frame(&mut self, kind: u8, text: &[u8]) -> Result<()> {
        let mut frame = vec![0x80 | kind];
        match u16::try_from(text.len()) {
            Ok(length) if length < 126 => frame.push(0x80 | text.len() as u8),
            Ok(length) => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
            Err(_) => return Err(Error::internal("the message is too long for one frame")),
        }
        frame.extend([0; 4]);
        frame.extend(text);
        self.socket.write_all(&frame).await.map_err(broken)
    }
}
