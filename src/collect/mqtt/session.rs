//! The task that drives one connection: it reads packets into the inbox, sends requests and acknowledgements, and
//! keeps the connection alive. It ends when the client is dropped, or with a fault in the inbox.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::codec::Framed;

use super::endpoint::MqttEndpoint;
use super::inbox::{Inbox, Message};
use super::transport::{self, Link};
use super::wire::{self, Incoming, MqttCodec, Outgoing, OutgoingMessage, PacketId, Publication, WireError};
use crate::collect::client::ConnectContext;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::domain::mqtt::Qos;
use crate::domain::mqtt::inbox::{Arrival, Inbox as UnreleasedMessages};
use crate::domain::{Clock, Micros};

/// While nothing keeps the connection alive, the task still wakes this often.
const IDLE_WAKE: Duration = Duration::from_secs(3600);

type Connection = Framed<Box<dyn Link>, MqttCodec>;

/// A request to the broker, with where its answer goes.
pub enum Request {
    Subscribe {
        filters: Vec<String>,
        is_acknowledged: bool,
        granted: oneshot::Sender<Vec<bool>>,
    },
    Unsubscribe {
        filters: Vec<String>,
        done: oneshot::Sender<()>,
    },
    /// A message without acknowledgement is done once it is sent.
    Publish {
        message: OutgoingMessage,
        done: oneshot::Sender<()>,
    },
}

/// Messages that tell others that this client has gone.
pub struct DepartureMessages {
    /// Published by the broker when the connection is lost.
    pub will: OutgoingMessage,
    /// Published before an orderly end at the given time.
    pub on_close: Box<dyn Fn(Micros) -> OutgoingMessage + Send>,
}

/// Answer that is awaited.
enum PendingAck {
    Subscribe(oneshot::Sender<Vec<bool>>),
    Unsubscribe(oneshot::Sender<()>),
    Publish(oneshot::Sender<()>),
}

/// The driver of one connection.
pub struct Session {
    endpoint: MqttEndpoint,
    clock: Arc<dyn Clock>,
    connection: Connection,
    departure: Option<DepartureMessages>,
    inbox: Arc<Inbox>,
    requests: mpsc::Receiver<Request>,
    pending: HashMap<PacketId, PendingAck>,
    /// Messages with QoS 2 that have come and that the broker has not released.
    unreleased: UnreleasedMessages,
    last_packet_id: u16,
    last_sent: Instant,
    /// When the unanswered PINGREQ was sent.
    pinged_at: Option<Instant>,
}

/// Opens a connection and logs in. Each step may take the endpoint's timeout.
///
/// # Errors
/// `Unreachable` in the words of the standard when the broker does not accept the login.
async fn log_in(
    endpoint: &MqttEndpoint,
    will: Option<&OutgoingMessage>,
    context: &ConnectContext,
) -> Result<Connection, DeviceFault> {
    let (connection, outcome) = shake_hands(endpoint, will, context).await?;
    let refused =
        |words: &str| DeviceFault::Unreachable { address: endpoint.address(), reason: words.to_owned() };
    outcome.map(|()| connection).map_err(refused)
}

/// Logs in and ends the connection; the inner error is the broker's refusal in the words of the standard.
pub async fn greet(
    endpoint: &MqttEndpoint,
    context: &ConnectContext,
) -> Result<Result<(), &'static str>, DeviceFault> {
    let (mut connection, outcome) = shake_hands(endpoint, None, context).await?;
    if outcome.is_ok() {
        let farewell = timeout(endpoint.timeout, connection.send(Outgoing::Disconnect)).await;
        farewell.unwrap_or(Ok(())).map_err(|error| unopened(endpoint, error))?;
    }
    Ok(outcome)
}

/// Sends CONNECT and awaits CONNACK.
async fn shake_hands(
    endpoint: &MqttEndpoint,
    will: Option<&OutgoingMessage>,
    context: &ConnectContext,
) -> Result<(Connection, Result<(), &'static str>), DeviceFault> {
    let link = transport::open(endpoint, context).await?;
    let mut connection = Framed::new(link, MqttCodec::new());
    let exchange = async {
        connection.send(wire::connect(endpoint, will)).await?;
        connection.next().await.transpose()
    };
    let answer = match timeout(endpoint.timeout, exchange).await {
        Ok(answer) => answer.map_err(|error| unopened(endpoint, error))?,
        Err(_) => return Err(DeviceFault::Timeout { address: endpoint.address(), after: endpoint.timeout }),
    };
    match answer {
        Some(Incoming::ConnectAck(outcome)) => Ok((connection, outcome)),
        Some(_) => {
            let reason = "its first packet is no CONNACK".to_owned();
            Err(DeviceFault::Malformed { address: endpoint.address(), reason })
        }
        None => {
            let reason = "the broker closed it instead of answering".to_owned();
            Err(DeviceFault::Unreachable { address: endpoint.address(), reason })
        }
    }
}

fn unopened(endpoint: &MqttEndpoint, error: WireError) -> DeviceFault {
    let address = endpoint.address();
    match error {
        WireError::Io(error) => DeviceFault::Unreachable { address, reason: describe_io_error(&error) },
        WireError::Broken(reason) => DeviceFault::Malformed { address, reason },
    }
}

impl Session {
    /// Connects. The session does nothing until it is [run](Session::run).
    pub async fn open(
        endpoint: &MqttEndpoint,
        departure: Option<DepartureMessages>,
        context: &ConnectContext,
        requests: mpsc::Receiver<Request>,
    ) -> Result<Session, DeviceFault> {
        let will = departure.as_ref().map(|messages| &messages.will);
        Ok(Session {
            connection: log_in(endpoint, will, context).await?,
            departure,
            endpoint: endpoint.clone(),
            clock: Arc::clone(&context.clock),
            inbox: Arc::default(),
            requests,
            pending: HashMap::new(),
            unreleased: UnreleasedMessages::new(u16::MAX),
            last_packet_id: 0,
            last_sent: Instant::now(),
            pinged_at: None,
        })
    }

    /// The queue that messages arrive in.
    pub fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Drives the connection until it ends or the client is dropped.
    pub async fn run(mut self) {
        loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => return self.inbox.end(self.closed("it was closed here")),
                Err(fault) => return self.inbox.end(fault),
            }
        }
    }

    /// Awaits one event; `false` once the client was dropped.
    async fn step(&mut self) -> Result<bool, DeviceFault> {
        let wake = self.next_wake();
        tokio::select! {
            packet = self.connection.next(), if self.inbox.has_room() => {
                let packet = packet.ok_or_else(|| self.closed_by_broker())?;
                let packet = packet.map_err(|error| self.fault(error))?;
                if let Some(answer) = self.accept(packet)? {
                    self.send([answer]).await?;
                }
            }
            request = self.requests.recv() => match request {
                Some(request) => self.send_request(request).await?,
                None => {
                    self.depart().await?;
                    return Ok(false);
                }
            },
            () = self.inbox.changed() => {
                let packets = self.inbox.take_acknowledged();
                if !packets.is_empty() {
                    let answers: Vec<_> = packets.into_iter().map(|id| self.acknowledge(id)).collect();
                    self.send(answers).await?;
                }
            }
            () = sleep_until(wake) => self.keep_alive().await?,
        }
        Ok(true)
    }

    /// Handles a packet; returns the answer to it.
    fn accept(&mut self, packet: Incoming) -> Result<Option<Outgoing>, DeviceFault> {
        // Any packet shows that the broker is there, also while it does not answer a ping yet.
        self.pinged_at = None;
        // An answer whose awaiter has gone is ignored.
        match packet {
            Incoming::Publish(publication) => self.queue(publication),
            Incoming::PublishExactlyOnce(publication) => return Ok(self.queue_once(publication)),
            Incoming::PublishRelease(id) => {
                self.unreleased.release(id.get());
                return Ok(Some(Outgoing::PublishComplete(id)));
            }
            Incoming::PublishAck(id) => {
                if let Some(PendingAck::Publish(done)) = self.pending.remove(&id) {
                    let _ = done.send(());
                }
            }
            Incoming::SubscribeAck(id, granted) => {
                if let Some(PendingAck::Subscribe(grants)) = self.pending.remove(&id) {
                    let _ = grants.send(granted);
                }
            }
            Incoming::UnsubscribeAck(id) => {
                if let Some(PendingAck::Unsubscribe(done)) = self.pending.remove(&id) {
                    let _ = done.send(());
                }
            }
            Incoming::PingResponse | Incoming::SkippedPart => {}
            Incoming::ConnectAck(_) => {
                let reason = "it sent a second CONNACK".to_owned();
                return Err(DeviceFault::Malformed { address: self.endpoint.address(), reason });
            }
        }
        Ok(None)
    }

    fn queue(&self, publication: Publication) {
        self.inbox.push(Message { publication, received_at: self.clock.now() });
    }

    /// Queues a message with QoS 2 unless it has come before; returns the answer to one that is stored.
    fn queue_once(&mut self, publication: Publication) -> Option<Outgoing> {
        let id = publication.packet_id?;
        match self.unreleased.arrive(Qos::ExactlyOnce, id.get()) {
            Arrival::Store => self.queue(publication),
            Arrival::Stored => return Some(Outgoing::PublishReceived(id)),
            // There are no more numbers than the quota.
            Arrival::Ignore | Arrival::QuotaExceeded => {}
        }
        None
    }

    /// The acknowledgement of a message that is stored.
    fn acknowledge(&mut self, id: PacketId) -> Outgoing {
        if !self.unreleased.is_open(id.get()) {
            return Outgoing::PublishAck(id);
        }
        self.unreleased.mark_stored(Qos::ExactlyOnce, id.get());
        Outgoing::PublishReceived(id)
    }

    /// Ends the connection in order. The broker drops the will then, so the message that says the same is published first.
    async fn depart(&mut self) -> Result<(), DeviceFault> {
        let packet_id = self.next_packet_id();
        let now = self.clock.now();
        let message = self.departure.as_ref().map(|messages| (messages.on_close)(now));
        let message =
            message.map(|message| Outgoing::Publish(message.is_acknowledged.then_some(packet_id), message));
        self.send(message.into_iter().chain([Outgoing::Disconnect])).await
    }

    async fn send_request(&mut self, request: Request) -> Result<(), DeviceFault> {
        let packet_id = self.next_packet_id();
        let (packet, pending) = match request {
            Request::Subscribe { filters, is_acknowledged, granted } => {
                (Outgoing::Subscribe { packet_id, filters, is_acknowledged }, PendingAck::Subscribe(granted))
            }
            Request::Unsubscribe { filters, done } => {
                (Outgoing::Unsubscribe { packet_id, filters }, PendingAck::Unsubscribe(done))
            }
            Request::Publish { message, done } if message.is_acknowledged => {
                (Outgoing::Publish(Some(packet_id), message), PendingAck::Publish(done))
            }
            Request::Publish { message, done } => {
                self.send([Outgoing::Publish(None, message)]).await?;
                let _ = done.send(());
                return Ok(());
            }
        };
        self.pending.insert(packet_id, pending);
        self.send([packet]).await
    }

    /// The next number. Requests are few and short, so that the one of 65,535 requests ago is answered or given up.
    fn next_packet_id(&mut self) -> PacketId {
        self.last_packet_id = self.last_packet_id.wrapping_add(1);
        PacketId::new(self.last_packet_id).unwrap_or_else(|| {
            self.last_packet_id = 1;
            PacketId::MIN
        })
    }

    /// Sends packets; a broker that takes none for the endpoint's timeout is given up.
    async fn send(&mut self, packets: impl IntoIterator<Item = Outgoing>) -> Result<(), DeviceFault> {
        let sending = async {
            for packet in packets {
                self.connection.feed(packet).await?;
            }
            self.connection.flush().await
        };
        let sent = timeout(self.endpoint.timeout, sending).await;
        self.last_sent = Instant::now();
        match sent {
            Ok(sent) => sent.map_err(|error| self.fault(error)),
            Err(_) => Err(self.no_answer()),
        }
    }

    fn next_wake(&self) -> Instant {
        let keep_alive = self.endpoint.keep_alive;
        match self.pinged_at {
            Some(at) => at + self.endpoint.timeout,
            None if keep_alive.is_zero() => Instant::now() + IDLE_WAKE,
            None => self.last_sent + keep_alive,
        }
    }

    /// Sends a ping, or ends the connection when the last one was not answered. While the inbox is full nothing is
    /// read, so that silence proves nothing.
    async fn keep_alive(&mut self) -> Result<(), DeviceFault> {
        match self.pinged_at {
            Some(_) if self.inbox.has_room() => return Err(self.no_answer()),
            None if self.endpoint.keep_alive.is_zero() => return Ok(()),
            _ => {}
        }
        self.send([Outgoing::PingRequest]).await?;
        self.pinged_at = Some(Instant::now());
        Ok(())
    }

    fn fault(&self, error: WireError) -> DeviceFault {
        match error {
            WireError::Io(error) if error.kind() == ErrorKind::ConnectionReset => self.closed_by_broker(),
            WireError::Io(error) => self.closed(&describe_io_error(&error)),
            WireError::Broken(reason) => DeviceFault::Malformed { address: self.endpoint.address(), reason },
        }
    }

    fn closed(&self, reason: &str) -> DeviceFault {
        DeviceFault::Closed { address: self.endpoint.address(), reason: reason.to_owned() }
    }

    /// MQTT 3.1.1 has no packet that tells a client why it is closed. The broker ends a connection also when another one
    /// has its client id (section 3.1.4), which is the usual cause of connections that never last.
    fn closed_by_broker(&self) -> DeviceFault {
        let id = &self.endpoint.client_id;
        self.closed(&format!(
            "closed by the broker, as when another client connects with the client id `{id}`"
        ))
    }

    fn no_answer(&self) -> DeviceFault {
        DeviceFault::Timeout { address: self.endpoint.address(), after: self.endpoint.timeout }
    }
}
