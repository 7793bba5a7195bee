//! A connection of graphql-transport-ws, from its upgrade to its close.
//!
//! Each operation runs in a task of its own and waits while the client does not take its answers: at most a few of them
//! are held for a connection. A client that takes nothing for long, or is not heard of, is let go.

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

use super::delivery::Text;
use super::http::Asked;
use super::memory::Held;
use super::operation::Asker;
use super::ws::Door;
use super::ws_messages::{ClientMessage, Close, ServerMessage};
use super::{errors, weight};
use crate::app::live::standing::Watch;
use crate::domain::{Error, Kind};

/// How long a client may take to say who it is.
const INITIALISATION: Duration = Duration::from_secs(10);
/// Between two pings; half of what serve.rs lets pass without a byte.
const PING: Duration = Duration::from_secs(25);
/// How long a client may say nothing, not even a pong.
const SILENT: Duration = Duration::from_secs(60);
/// How long a client may take nothing of a message.
const STALLED: Duration = Duration::from_secs(30);
/// For the last words.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest message that a client may send, bytes.
const MESSAGE_BYTES: usize = 1 << 20;
/// The same of one that has not said who it is.
const STRANGER_BYTES: usize = 16 << 10;
/// Operations of one connection at the same time.
const OPERATIONS: usize = 100;
/// Answers waiting for the client, beside one of each operation.
const AHEAD: usize = 2;

/// Serves a connection until it ends; one that is not to be served is only closed.
pub async fn serve(socket: WebSocket, door: Result<Door, Close>) {
    let (sink, stream) = socket.split();
    let mut client = Client { sink, stream, ending: CancellationToken::new(), watch: None };
    let mut connected = None;
    let end = match door {
        Ok(door) => {
            connected = Some(door.graph.app.connected());
            client.ending = door.graph.app.ending();
            let (sender, answers) = mpsc::channel(AHEAD);
            let connection = Connection { door, asker: None, running: HashMap::new(), runs: 0, sender };
            connection.serve(&mut client, answers).await
        }
        Err(close) => End::Close(close),
    };
    if let End::Close(close) = end {
        // Nobody may be there any more to hear it.
        let _ = timeout(FAREWELL, client.close(close)).await;
    }
    drop(connected);
}

/// How a connection ends.
enum End {
    Close(Close),
    /// The client has gone, or takes nothing any more.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        End::Close(close)
    }
}

/// The other side, and what can end it at any moment.
struct Client {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    ending: CancellationToken,
    /// Of who the client is, once that is known.
    watch: Option<Watch>,
}

impl Client {
    async fn say(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        self.send(Message::text(message.to_text())).await
    }

    /// Sends a message, for as long as it may be sent and is taken.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let Client { sink, ending, watch, .. } = self;
        tokio::select! {
            biased;
            sent = timeout(STALLED, sink.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
            // Half a message is sent: there is no room for a close.
            () = ending.cancelled() => Err(End::Gone),
            _ = over(watch) => Err(End::Gone),
        }
    }

    async fn close(&mut self, close: Close) -> Result<(), axum::Error> {
        let Close { code, reason } = close;
        self.sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        // The client's own close ends it; what it says before is of no interest.
        while let Some(Ok(message)) = self.stream.next().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
        Ok(())
    }
}

/// Resolves when the client may not go on, with why.
async fn over(watch: &mut Option<Watch>) -> Error {
    match watch {
        Some(watch) => watch.ended().await,
        None => std::future::pending().await,
    }
}

struct Connection {
    door: Door,
    /// Who the client is, once it has said so.
    asker: Option<Asker>,
    running: HashMap<Arc<str>, Running>,
    /// Operations begun so far.
    runs: u64,
    sender: mpsc::Sender<Answer>,
}

/// An operation; dropping it ends it.
struct Running {
    run: u64,
    _task: AbortOnDropHandle<()>,
}

/// What an operation says.
struct Answer {
    id: Arc<str>,
    /// An id may be used again while an answer to its former operation is on its way.
    run: u64,
    text: String,
    is_last: bool,
    /// What the text takes until it is sent.
    held: Held,
}

impl Connection {
    async fn serve(mut self, client: &mut Client, mut answers: mpsc::Receiver<Answer>) -> End {
        let opened = Instant::now();
        let mut heard = opened;
        let mut pings = interval_at(opened + PING, PING);
        loop {
            let Client { stream, ending, watch, .. } = client;
            let done = tokio::select! {
                biased;
                () = ending.cancelled() => return Close::going_away().into(),
                error = over(watch) => return self.dismiss(client, &error).await,
                () = sleep_until(opened + INITIALISATION), if self.asker.is_none() => {
                    return Close::initialisation_timeout().into();
                }
                message = stream.next() => {
                    heard = Instant::now();
                    self.hear(client, message).await
                }
                Some(answer) = answers.recv() => self.answer(client, answer).await,
                _ = pings.tick() => match heard.elapsed() > SILENT {
                    true => Err(End::Gone),
                    false => client.send(Message::Ping(Default::default())).await,
                },
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn hear(
        &mut self,
        client: &mut Client,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) if text.len() > self.longest() => {
                return Err(Close::too_large().into());
            }
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(Close::invalid("it is not a text").into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        match ClientMessage::parse(&text)? {
            ClientMessage::ConnectionInit { .. } if self.asker.is_some() => {
                Err(Close::too_many_initialisations().into())
            }
            ClientMessage::ConnectionInit { payload } => {
                let asker = self.door.enter(payload.as_ref())?;
                client.watch = Some(asker.standing.watch());
                self.asker = Some(asker);
                client.say(&ServerMessage::ConnectionAck).await
            }
            ClientMessage::Ping { payload } => {
                client.say(&ServerMessage::Pong { payload: payload.as_ref() }).await
            }
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Subscribe { id, payload } => {
                let bytes = weight::of_json(text.as_bytes());
                drop(text);
                self.begin(client, &id, payload, bytes).await
            }
            ClientMessage::Complete { id } => {
                self.running.remove(id.as_str());
                Ok(())
            }
        }
    }

    /// Longest message that the client may send now, bytes.
    fn longest(&self) -> usize {
        if self.asker.is_some() { MESSAGE_BYTES } else { STRANGER_BYTES }
    }

    /// Begins an operation, whose request holds so many bytes.
    async fn begin(&mut self, client: &mut Client, id: &str, asked: Asked, bytes: usize) -> Result<(), End> {
        let Some(asker) = &self.asker else { return Err(Close::unauthorized().into()) };
        if self.running.contains_key(id) {
            return Err(Close::subscriber_exists(id).into());
        }
        if self.running.len() >= OPERATIONS {
            let message = format!("this connection has {OPERATIONS} operations, which is the most: end one");
            let refused = errors::refusal(&Error::new(Kind::Throttled, message));
            return client.say(&ServerMessage::Error { id, payload: &refused.errors }).await;
        }
        let held = asker.graph.open(&asker.standing);
        if let Err(error) = held.grow(bytes) {
            let refused = errors::refusal(&error);
            return client.say(&ServerMessage::Error { id, payload: &refused.errors }).await;
        }
        let id: Arc<str> = id.into();
        self.runs += 1;
        let run = Run { id: id.clone(), run: self.runs, sender: self.sender.clone(), held };
        let task = tokio::spawn(run.answer(asker.clone(), asked));
        self.running.insert(id, Running { run: self.runs, _task: AbortOnDropHandle::new(task) });
        Ok(())
    }

    /// Passes on what an operation says, unless that has ended meanwhile.
    async fn answer(&mut self, client: &mut Client, answer: Answer) -> Result<(), End> {
        let Answer { id, run, text, is_last, held: _held } = answer;
        if self.running.get(&id).is_none_or(|running| running.run != run) {
            return Ok(());
        }
        if is_last {
            self.running.remove(&id);
        }
        client.send(Message::text(text)).await
    }

    /// Tells every operation why it ends, and closes.
    async fn dismiss(&mut self, client: &mut Client, error: &Error) -> End {
        client.watch = None;
        let why = errors::refusal(error);
        let telling = async {
            for (id, _) in self.running.drain() {
                client.say(&ServerMessage::Error { id: &id, payload: &why.errors }).await?;
            }
            Ok::<(), End>(())
        };
        match timeout(FAREWELL, telling).await {
            Ok(Ok(())) => Close::forbidden().into(),
            Ok(Err(_)) | Err(_) => End::Gone,
        }
    }
}

/// An operation that runs.
struct Run {
    id: Arc<str>,
    run: u64,
    sender: mpsc::Sender<Answer>,
    held: Arc<Held>,
}

impl Run {
    async fn answer(self, asker: Asker, asked: Asked) {
        let variables = self.held.used();
        let mut responses = asker.ask(asked.into(), &self.held);
        loop {
            let next = AssertUnwindSafe(responses.next()).catch_unwind().await;
            let (text, is_last) = self.words(next.map_err(|_| Error::internal("an operation panicked")));
            let held = self.held.hand_on(text.len());
            self.held.keep(variables);
            let answer = Answer { id: self.id.clone(), run: self.run, text, is_last, held };
            if self.sender.send(answer).await.is_err() || is_last {
                return;
            }
        }
    }

    /// What comes next as it is said, and whether it is the last.
    fn words(&self, next: Result<Option<async_graphql::Response>, Error>) -> (String, bool) {
        let id = &*self.id;
        let refused = |error: &Error| {
            let refused = errors::refusal(error);
            (ServerMessage::Error { id, payload: &refused.errors }.to_text(), true)
        };
        match next {
            Ok(Some(response)) if response.data == Value::Null && response.is_err() => {
                (ServerMessage::Error { id, payload: &response.errors }.to_text(), true)
            }
            Ok(Some(response)) => {
                let written = Text::of(&self.held, &ServerMessage::Next { id, payload: &response });
                drop(response);
                // Once more while its pieces become one message.
                let whole = written.and_then(|text| self.held.grow(text.size()).map(|()| text.joined()));
                whole.map_or_else(|error| refused(&error), |text| (text, false))
            }
            Ok(None) => (ServerMessage::Complete { id }.to_text(), true),
            Err(error) => refused(&error),
        }
    }
}
