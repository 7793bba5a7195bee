//! The WebSocket transport: carries a session from its beginning, or takes over one that is on polling.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep, timeout};

use super::packet::{ClientPacket, MalformedPacket};
use super::registry::SharedSession;
use super::session::{CloseCause, ProbeStep};

/// Maximum size of a message, bytes: clients of this interface have little to say.
pub const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// Bytes collected before they are written to the socket.
pub const WRITE_BUFFER_BYTES: usize = 32 << 10;
/// Time limit for the client to take the packets that are sent at once.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit of an upgrade.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for the close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The client is gone, does not read, or its session has ended.
struct ConnectionLost;

/// Serves a session that begins on this WebSocket.
pub async fn serve_new(socket: WebSocket, session: Arc<SharedSession>) {
    SessionSocket::new(socket, session).serve().await;
}

/// Serves a WebSocket that was attached to a session on polling: it probes the session and takes it over.
pub async fn serve_upgrade(socket: WebSocket, session: Arc<SharedSession>) {
    let mut socket = SessionSocket::new(socket, session);
    match timeout(UPGRADE_TIMEOUT, socket.upgrade()).await {
        Ok(Ok(())) => socket.serve().await,
        Ok(Err(ConnectionLost)) | Err(_) => socket.end().await,
    }
}

struct SessionSocket {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    session: Arc<SharedSession>,
}

impl SessionSocket {
    fn new(socket: WebSocket, session: Arc<SharedSession>) -> SessionSocket {
        let (sink, stream) = socket.split();
        SessionSocket { sink, stream, session }
    }

    /// Carries the session until it ends.
    async fn serve(mut self) {
        while let Ok(()) = self.step().await {}
        self.end().await;
    }

    /// Sends what is queued, then waits for a packet of either side.
    async fn step(&mut self) -> Result<(), ConnectionLost> {
        let packets = self.session.read(|session| session.take_for_socket());
        if !packets.is_empty() {
            return self.send(packets).await;
        }
        if self.session.is_closed() {
            return Err(ConnectionLost);
        }
        tokio::select! {
            () = self.session.socket_wake.notified() => Ok(()),
            message = self.stream.next() => {
                let Some(packet) = read_packet(message)? else { return Ok(()) };
                let now = Instant::now();
                self.session.update(|session| match packet {
                    Ok(packet) => session.receive(packet, now),
                    Err(MalformedPacket) => session.close(CloseCause::MalformedPacket),
                });
                Ok(())
            }
        }
    }

    /// Sends packets, unless the client does not take them in time or the session ends meanwhile.
    async fn send(&mut self, packets: Vec<Utf8Bytes>) -> Result<(), ConnectionLost> {
        let SessionSocket { sink, session, .. } = self;
        let sending = async {
            for packet in packets {
                sink.feed(Message::Text(packet)).await?;
            }
            sink.flush().await
        };
        let session_end = async {
            while !session.is_closed() {
                session.socket_wake.notified().await;
            }
        };
        tokio::select! {
            biased;
            sent = sending => sent.map_err(|_| ConnectionLost),
            () = session_end => Err(ConnectionLost),
            () = sleep(SEND_TIMEOUT) => {
                session.update(|session| session.close(CloseCause::SlowReader));
                Err(ConnectionLost)
            }
        }
    }

    /// Answers the client's probe and waits until it takes the session over.
    async fn upgrade(&mut self) -> Result<(), ConnectionLost> {
        loop {
            let message = tokio::select! {
                biased;
                () = self.session.socket_wake.notified() => match self.session.is_closed() {
                    true => return Err(ConnectionLost),
                    false => continue,
                },
                message = self.stream.next() => message,
            };
            let Some(packet) = read_packet(message)? else { continue };
            let packet = packet.map_err(|_| ConnectionLost)?;
            match self.session.update(|session| session.probe(&packet)) {
                ProbeStep::Reply(text) => {
                    self.sink
                        .send(Message::Text(Utf8Bytes::from_static(text)))
                        .await
                        .map_err(|_| ConnectionLost)?;
                }
                ProbeStep::Upgraded => return Ok(()),
                ProbeStep::Refused => return Err(ConnectionLost),
            }
        }
    }

    /// Detaches from the session and closes. What fails here needs no handling: the client may already be gone.
    async fn end(&mut self) {
        self.session.update(|session| session.end_socket());
        let frame = CloseFrame { code: close_code::NORMAL, reason: Utf8Bytes::default() };
        let closing = async {
            if self.sink.send(Message::Close(Some(frame))).await.is_err() {
                // The client may have closed first: the answer to its frame is sent.
                return self.sink.flush().await;
            }
            // Waits for the client's close frame and ignores earlier messages.
            while let Some(Ok(message)) = self.stream.next().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
            Ok::<(), axum::Error>(())
        };
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

/// Parses a message of the client; `None` for one that belongs to the WebSocket alone.
fn read_packet(
    message: Option<Result<Message, axum::Error>>,
) -> Result<Option<Result<ClientPacket, MalformedPacket>>, ConnectionLost> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Some(ClientPacket::parse_text(&text))),
        Some(Ok(Message::Binary(bytes))) => Ok(Some(ClientPacket::parse_binary(&bytes))),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(ConnectionLost),
    }
}
