//! WebSocket client, written by hand, because a library's cost would be measured too.

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::domain::{Error, Result};

/// A WebSocket on its own connection.
pub struct WebSocketClient {
    socket: BufReader<TcpStream>,
    text: Vec<u8>,
}

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 16;

const OPCODE_TEXT: u8 = 1;
const OPCODE_PING: u8 = 9;
const OPCODE_PONG: u8 = 10;

fn broken(e: std::io::Error) -> Error {
    Error::unavailable("a subscription failed").with_source(e)
}

/// The error for a message that the measurement does not expect.
pub fn unexpected(text: &[u8]) -> Error {
    Error::unavailable(format!("unexpected message: {}", String::from_utf8_lossy(text)))
}

impl WebSocketClient {
    /// Connects and upgrades. `head` is the rest of the request's head, one line or more.
    pub async fn open(address: &str, path: &str, head: &str) -> Result<WebSocketClient> {
        let socket = TcpStream::connect(address).await.map_err(broken)?;
        socket.set_nodelay(true).map_err(broken)?;
        let socket = BufReader::with_capacity(BUFFER_BYTES, socket);
        let mut client = WebSocketClient { socket, text: Vec::new() };
        // The nonce of the specification's own example: nothing here is secret or cached.
        let hello = format!(
            "GET {path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{head}\r\n\r\n"
        );
        client.socket.write_all(hello.as_bytes()).await.map_err(broken)?;
        client.head().await?;
        Ok(client)
    }

    /// Returns the next text message.
    pub async fn next(&mut self) -> Result<&[u8]> {
        self.receive().await?;
        Ok(&self.text)
    }

    /// Sends a text message.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        self.send_frame(OPCODE_TEXT, text.as_bytes()).await
    }

    /// Reads to the end of the response to the upgrade, which must be 101.
    async fn head(&mut self) -> Result<()> {
        self.text.clear();
        while !self.text.ends_with(b"\r\n\r\n") {
            self.text.push(self.socket.read_u8().await.map_err(broken)?);
        }
        if self.text.starts_with(b"HTTP/1.1 101") { Ok(()) } else { Err(unexpected(&self.text)) }
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
            let length = usize::try_from(length).map_err(|_| unexpected(&self.text))?;
            self.text.resize(length, 0);
            self.socket.read_exact(&mut self.text).await.map_err(broken)?;
            match first & 0x0f {
                OPCODE_TEXT => return Ok(()),
                OPCODE_PING => {
                    let text = std::mem::take(&mut self.text);
                    self.send_frame(OPCODE_PONG, &text).await?;
                }
                _ => return Err(unexpected(&self.text)),
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
