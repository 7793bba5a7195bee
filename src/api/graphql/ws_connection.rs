//! Connection of GraphQL subscriptions (graphql-transport-ws), from its upgrade to its close.
//!
//! A slow subscriber delays nobody: each operation runs in its own task and pauses while the client does not read.
//! Only a few responses are buffered for each connection. A client that stops reading or goes silent is disconnected.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Value;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::chunked_response::JsonChunks;
use super::memory_pool::RequestReservation;
use super::operation::OperationRunner;
use super::request::GraphqlRequest;
use super::ws_handshake::WsHandshake;
use super::ws_messages::{ClientMessage, CloseReason, ServerMessage};
use super::{errors, size_estimate};
use crate::app::live::credential::CredentialWatch;
use crate::domain::{Error, Kind};

/// Time limit for `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Ping interval; half of the idle timeout in serve.rs.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// Time without any message from the client, including pongs, before it is disconnected.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
/// Time limit for sending a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit for the final messages and the close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum message size of an authenticated client, bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Maximum message size before authentication, bytes.
const MAX_UNAUTHENTICATED_MESSAGE_BYTES: usize = 16 << 10;
/// Maximum number of concurrent operations of a connection.
const MAX_OPERATIONS: usize = 100;
/// Responses queued for the client, in addition to one of each operation.
const ANSWER_QUEUE_SIZE: usize = 2;

/// Serves a connection until it ends, or closes it at once with the given reason.
pub async fn serve(socket: WebSocket, handshake: Result<WsHandshake, CloseReason>) {
    let (sink, stream) = socket.split();
    let mut client = WsClient { sink, stream, ending: CancellationToken::new(), watch: None };
    let mut connected = None;
    let end = match handshake {
        Ok(handshake) => {
            connected = Some(handshake.graph.app.feeds.connected());
            client.ending = handshake.graph.app.feeds.ending();
            let (sender, answers) = mpsc::channel(ANSWER_QUEUE_SIZE);
            let connection =
                WsConnection { handshake, runner: None, running: HashMap::new(), runs: 0, sender };
            connection.serve(&mut client, answers).await
        }
        Err(close) => WsConnectionEnd::Close(close),
    };
    if let WsConnectionEnd::Close(close) = end {
        // An error needs no handling: the client may already be gone.
        let _ = timeout(CLOSE_TIMEOUT, client.close(close)).await;
    }
    drop(connected);
}

/// How a connection ends.
enum WsConnectionEnd {
    Close(CloseReason),
    /// The client has disconnected or stopped reading.
    Gone,
}

impl From<CloseReason> for WsConnectionEnd {
    fn from(close: CloseReason) -> Self {
        WsConnectionEnd::Close(close)
    }
}

/// The client's socket, and the signals that can end the connection at any moment.
struct WsClient {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    ending: CancellationToken,
    /// Watch on the client's credential, once authenticated.
    watch: Option<CredentialWatch>,
}

impl WsClient {
    async fn send_message(&mut self, message: &ServerMessage<'_>) -> Result<(), WsConnectionEnd> {
        self.send(Message::text(message.to_text())).await
    }

    /// Sends a message, unless the client stops reading, the server stops or access is lost.
    async fn send(&mut self, message: Message) -> Result<(), WsConnectionEnd> {
        let WsClient { sink, ending, watch, .. } = self;
        tokio::select! {
            biased;
            sent = timeout(SEND_TIMEOUT, sink.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(WsConnectionEnd::Gone),
            },
            // The message may be half sent, so no close frame can follow.
            () = ending.cancelled() => Err(WsConnectionEnd::Gone),
            _ = access_lost(watch) => Err(WsConnectionEnd::Gone),
        }
    }

    /// Sends the answer to the client's close frame.
    async fn answer_close(&mut self) {
        // An error needs no handling: the client may already be gone.
        let _ = timeout(CLOSE_TIMEOUT, self.sink.flush()).await;
    }

    async fn close(&mut self, close: CloseReason) -> Result<(), axum::Error> {
        let CloseReason { code, reason } = close;
        self.sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        // Waits for the client's close frame and ignores earlier messages.
        while let Some(Ok(message)) = self.stream.next().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
        Ok(())
    }
}

/// Resolves with the reason when the client loses access.
async fn access_lost(watch: &mut Option<CredentialWatch>) -> Error {
    match watch {
        Some(watch) => watch.expired().await,
        None => std::future::pending().await,
    }
}

struct WsConnection {
    handshake: WsHandshake,
    /// Runner with the client's credential, once authenticated.
    runner: Option<OperationRunner>,
    running: HashMap<Arc<str>, RunningOperation>,
    /// Number of operations started so far.
    runs: u64,
    sender: mpsc::Sender<OperationMessage>,
}

/// A running operation; dropping it aborts the task.
struct RunningOperation {
    run: u64,
    _task: AbortOnDropHandle<()>,
}

/// A message of an operation to the client.
struct OperationMessage {
    id: Arc<str>,
    /// Number of the operation: its id may be reused while a response of the previous operation is queued.
    run: u64,
    text: String,
    is_last: bool,
    /// Memory of the text until it is sent.
    held: RequestReservation,
}

impl WsConnection {
    async fn serve(
        mut self,
        client: &mut WsClient,
        mut answers: mpsc::Receiver<OperationMessage>,
    ) -> WsConnectionEnd {
        let opened = Instant::now();
        let mut last_received = opened;
        let mut pings = interval_at(opened + PING_INTERVAL, PING_INTERVAL);
        loop {
            let WsClient { stream, ending, watch, .. } = client;
            let done = tokio::select! {
                biased;
                () = ending.cancelled() => return CloseReason::going_away().into(),
                error = access_lost(watch) => return self.close_with_error(client, &error).await,
                () = sleep_until(opened + INIT_TIMEOUT), if self.runner.is_none() => {
                    return CloseReason::initialisation_timeout().into();
                }
                message = stream.next() => {
                    last_received = Instant::now();
                    self.handle_message(client, message).await
                }
                Some(answer) = answers.recv() => self.forward_message(client, answer).await,
                _ = pings.tick() => match last_received.elapsed() > SILENCE_TIMEOUT {
                    true => Err(WsConnectionEnd::Gone),
                    false => client.send(Message::Ping(Default::default())).await,
                },
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn handle_message(
        &mut self,
        client: &mut WsClient,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<(), WsConnectionEnd> {
        let text = match message {
            Some(Ok(Message::Text(text))) if text.len() > self.longest() => {
                return Err(CloseReason::too_large().into());
            }
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(CloseReason::invalid("it is not a text frame").into()),
            Some(Ok(Message::Close(_))) => {
                client.answer_close().await;
                return Err(WsConnectionEnd::Gone);
            }
            Some(Err(_)) | None => return Err(WsConnectionEnd::Gone),
        };
        match ClientMessage::parse(&text)? {
            ClientMessage::ConnectionInit { .. } if self.runner.is_some() => {
                Err(CloseReason::too_many_initialisations().into())
            }
            ClientMessage::ConnectionInit { payload } => {
                let runner = self.handshake.authenticate(payload.as_ref())?;
                client.watch = Some(runner.credential.watch());
                self.runner = Some(runner);
                client.send_message(&ServerMessage::ConnectionAck).await
            }
            ClientMessage::Ping { payload } => {
                client.send_message(&ServerMessage::Pong { payload: payload.as_ref() }).await
            }
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Subscribe { id, payload } => {
                let bytes = size_estimate::json_request_bytes(text.as_bytes());
                drop(text);
                self.start_operation(client, &id, payload, bytes).await
            }
            ClientMessage::Complete { id } => {
                self.running.remove(id.as_str());
                Ok(())
            }
        }
    }

    /// Returns the current maximum size of a client message, bytes.
    fn longest(&self) -> usize {
        if self.runner.is_some() { MAX_MESSAGE_BYTES } else { MAX_UNAUTHENTICATED_MESSAGE_BYTES }
    }

    /// Starts an operation whose request needs `bytes` of memory.
    async fn start_operation(
        &mut self,
        client: &mut WsClient,
        id: &str,
        request: GraphqlRequest,
        bytes: usize,
    ) -> Result<(), WsConnectionEnd> {
        let Some(runner) = &self.runner else { return Err(CloseReason::unauthorized().into()) };
        if self.running.contains_key(id) {
            return Err(CloseReason::subscriber_exists(id).into());
        }
        if self.running.len() >= MAX_OPERATIONS {
            let message =
                format!("this connection has {MAX_OPERATIONS} operations, the maximum: complete one first");
            let refused = errors::request_error(&Error::new(Kind::Throttled, message));
            return client.send_message(&ServerMessage::Error { id, payload: &refused.errors }).await;
        }
        let reservation = runner.graph.open_reservation(&runner.credential);
        if let Err(error) = reservation.grow(bytes) {
            let refused = errors::request_error(&error);
            return client.send_message(&ServerMessage::Error { id, payload: &refused.errors }).await;
        }
        let id: Arc<str> = id.into();
        self.runs += 1;
        let run =
            OperationTask { id: id.clone(), run: self.runs, sender: self.sender.clone(), held: reservation };
        let task = tokio::spawn(run.run(runner.clone(), request));
        self.running.insert(id, RunningOperation { run: self.runs, _task: AbortOnDropHandle::new(task) });
        Ok(())
    }

    /// Forwards a message of an operation, unless the operation has ended meanwhile.
    async fn forward_message(
        &mut self,
        client: &mut WsClient,
        answer: OperationMessage,
    ) -> Result<(), WsConnectionEnd> {
        let OperationMessage { id, run, text, is_last, held: _held } = answer;
        if self.running.get(&id).is_none_or(|running| running.run != run) {
            return Ok(());
        }
        if is_last {
            self.running.remove(&id);
        }
        client.send(Message::text(text)).await
    }

    /// Sends the error to every operation and closes.
    async fn close_with_error(&mut self, client: &mut WsClient, error: &Error) -> WsConnectionEnd {
        client.watch = None;
        let why = errors::request_error(error);
        let send_errors = async {
            for (id, _) in self.running.drain() {
                client.send_message(&ServerMessage::Error { id: &id, payload: &why.errors }).await?;
            }
            Ok::<(), WsConnectionEnd>(())
        };
        match timeout(CLOSE_TIMEOUT, send_errors).await {
            Ok(Ok(())) => CloseReason::forbidden().into(),
            Ok(Err(_)) | Err(_) => WsConnectionEnd::Gone,
        }
    }
}

/// The task of a running operation.
struct OperationTask {
    id: Arc<str>,
    run: u64,
    sender: mpsc::Sender<OperationMessage>,
    held: Arc<RequestReservation>,
}

impl OperationTask {
    async fn run(self, runner: OperationRunner, request: GraphqlRequest) {
        let variables = self.held.used();
        let mut responses = runner.execute(request.into(), &self.held);
        loop {
            let next = AssertUnwindSafe(responses.next()).catch_unwind().await;
            let (text, is_last) =
                self.encode_message(next.map_err(|_| Error::internal("an operation panicked")));
            let reservation = self.held.split_off(text.len());
            self.held.shrink_to(variables);
            let answer =
                OperationMessage { id: self.id.clone(), run: self.run, text, is_last, held: reservation };
            if self.sender.send(answer).await.is_err() || is_last {
                return;
            }
        }
    }

    /// Returns the text of the next message and whether it is the last one.
    fn encode_message(&self, next: Result<Option<async_graphql::Response>, Error>) -> (String, bool) {
        let id = &*self.id;
        let refused = |error: &Error| {
            let refused = errors::request_error(error);
            (ServerMessage::Error { id, payload: &refused.errors }.to_text(), true)
        };
        match next {
            Ok(Some(response)) if response.data == Value::Null && response.is_err() => {
                (ServerMessage::Error { id, payload: &response.errors }.to_text(), true)
            }
            Ok(Some(response)) => {
                let written =
                    JsonChunks::serialize(&self.held, &ServerMessage::Next { id, payload: &response });
                drop(response);
                // The text is reserved twice while its chunks are joined to one message.
                let whole = written.and_then(|text| self.held.grow(text.size()).map(|()| text.joined()));
                whole.map_or_else(|error| refused(&error), |text| (text, false))
            }
            Ok(None) => (ServerMessage::Complete { id }.to_text(), true),
            Err(error) => refused(&error),
        }
    }
}
