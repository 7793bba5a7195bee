//! Packets of both versions as one type, and the socket with its buffers. The only file, with encode.rs, that names the
//! codec's types.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rmqtt_codec::types::QoS;
use rmqtt_codec::version::{ProtocolVersion, VersionCodec};
use rmqtt_codec::{error::DecodeError, v3, v5};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_util::codec::Decoder;

use super::raw::{self, Inspection};
use crate::api::send_queue::{self, FLUSH_THRESHOLD_BYTES};
use crate::api::tls::Transport;
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::app::mqtt::subscribe::{RetainHandling, SubscribeRequest};
use crate::domain::mqtt::{Qos, Will};

/// Largest packet before CONNECT is accepted, bytes.
pub const MAX_CONNECT_BYTES: u32 = 16 << 10;
/// Room for one read, bytes: without it each read takes what the last packet has left of the buffer, 64 bytes or fewer.
const READ_BYTES: usize = 1 << 10;

/// Bytes of a packet that count in nobody's account: as many as before CONNECT.
const FREE_BYTES: usize = 16 << 10;
/// How long a packet may take, beside the time for its bytes.
const PACKET_TIMEOUT: Duration = Duration::from_secs(20);
/// The slowest network whose packets are waited for.
const SLOWEST_BYTES_PER_S: u64 = 1 << 10;

/// A packet from a client.
#[derive(Debug, PartialEq)]
pub enum Inbound {
    Connect(Box<Connect>),
    Publish(InboundPublish),
    PubAck(u16),
    PubRec {
        id: u16,
        is_refused: bool,
    },
    PubRel(u16),
    PubComp(u16),
    Subscribe {
        id: u16,
        requests: Vec<SubscribeRequest>,
        has_identifier: bool,
    },
    Unsubscribe {
        id: u16,
        filters: Vec<String>,
    },
    Ping,
    Disconnect {
        wants_will: bool,
        expiry_s: Option<u32>,
    },
    /// A packet that only servers send, or AUTH.
    Unexpected,
}

/// CONNECT.
#[derive(Debug, PartialEq)]
pub struct Connect {
    /// 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0.
    pub level: u8,
    pub client_id: String,
    pub is_clean: bool,
    pub keep_alive_s: u16,
    /// `u32::MAX` is for ever.
    pub expiry_s: u32,
    pub receive_max: u16,
    pub max_packet: Option<u32>,
    pub user: Option<String>,
    pub password: Option<Bytes>,
    pub will: Option<Will>,
    pub has_auth_method: bool,
}

/// PUBLISH.
#[derive(Debug, PartialEq)]
pub struct InboundPublish {
    pub topic: String,
    pub payload: Bytes,
    pub qos: Qos,
    /// 0 at QoS 0.
    pub id: u16,
    pub is_repeat: bool,
    pub is_retained: bool,
    pub has_alias: bool,
    pub has_subscription_id: bool,
}

/// Why a packet cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketError {
    TooLarge,
    Malformed,
    /// There is no memory for more of it.
    NoMemory,
}

/// The codec of a connection.
pub struct Codec {
    pub(super) version: Version,
    /// Largest packet from the client, bytes after its length.
    max_inbound: u32,
}

/// The codec of a version; none before it is known.
pub(super) enum Version {
    Unknown,
    V3(v3::Codec),
    V5(v5::Codec),
}

impl Default for Codec {
    fn default() -> Self {
        Self { version: Version::Unknown, max_inbound: MAX_CONNECT_BYTES }
    }
}

impl Codec {
    pub fn is_v5(&self) -> bool {
        matches!(self.version, Version::V5(_))
    }

    /// Sets the largest packets of both directions, once CONNECT is accepted.
    pub fn set_limits(&mut self, inbound: usize, outbound: Option<u32>) {
        self.max_inbound = u32::try_from(inbound).unwrap_or(u32::MAX);
        match &mut self.version {
            Version::Unknown => {}
            Version::V3(codec) => codec.set_max_size(self.max_inbound),
            Version::V5(codec) => {
                codec.set_max_inbound_size(self.max_inbound);
                codec.set_max_outbound_size(outbound.unwrap_or(0));
            }
        }
    }

    /// Takes a packet off the buffer; `None` while it is incomplete.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Inbound>, PacketError> {
        if matches!(self.version, Version::Unknown) {
            // Whatever is no CONNECT is refused by its first bytes.
            match VersionCodec.decode(buffer).map_err(packet_error)? {
                None => return Ok(None),
                Some(ProtocolVersion::MQTT3) => self.version = Version::V3(v3::Codec::new(self.max_inbound)),
                Some(ProtocolVersion::MQTT5) => {
                    self.version = Version::V5(v5::Codec::new(self.max_inbound, 0));
                }
            }
        }
        // The codec takes off the header of a packet at once, and what follows must not be inspected as another one.
        match raw::inspect(buffer, self.is_v5(), self.max_inbound) {
            Inspection::Nothing => {}
            Inspection::Incomplete => return Ok(None),
            Inspection::ReservedBits => return Err(PacketError::Malformed),
        }
        match &mut self.version {
            Version::Unknown => Ok(None),
            Version::V3(codec) => {
                let packet = codec.decode(buffer).map_err(packet_error)?;
                Ok(packet.map(|(packet, _)| from_v3(packet)))
            }
            Version::V5(codec) => {
                raw::start_clean_without_client_id(buffer);
                let packet = codec.decode(buffer).map_err(packet_error)?;
                Ok(packet.map(|(packet, _)| from_v5(packet)))
            }
        }
    }
}

fn packet_error(error: DecodeError) -> PacketError {
    match error {
        DecodeError::MaxSizeExceeded { .. } => PacketError::TooLarge,
        _ => PacketError::Malformed,
    }
}

pub fn from_qos(qos: QoS) -> Qos {
    match qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => Qos::ExactlyOnce,
    }
}

fn from_v3(packet: v3::Packet) -> Inbound {
    use v3::Packet;
    match packet {
        Packet::Connect(connect) => Inbound::Connect(Box::new(connect_v3(*connect))),
        Packet::Publish(publish) => Inbound::Publish(in_publish(*publish)),
        Packet::PublishAck { packet_id } => Inbound::PubAck(packet_id.get()),
        Packet::PublishReceived { packet_id } => Inbound::PubRec { id: packet_id.get(), is_refused: false },
        Packet::PublishRelease { packet_id } => Inbound::PubRel(packet_id.get()),
        Packet::PublishComplete { packet_id } => Inbound::PubComp(packet_id.get()),
        Packet::Subscribe { packet_id, topic_filters } => {
            let request = |(filter, qos)| SubscribeRequest {
                filter: String::from(filter),
                qos: from_qos(qos),
                retain: RetainHandling::Always,
            };
            let requests = topic_filters.into_iter().map(request).collect();
            Inbound::Subscribe { id: packet_id.get(), requests, has_identifier: false }
        }
        Packet::Unsubscribe { packet_id, topic_filters } => {
            let filters = topic_filters.into_iter().map(String::from).collect();
            Inbound::Unsubscribe { id: packet_id.get(), filters }
        }
        Packet::PingRequest => Inbound::Ping,
        Packet::Disconnect => Inbound::Disconnect { wants_will: false, expiry_s: None },
        Packet::ConnectAck(_)
        | Packet::SubscribeAck { .. }
        | Packet::UnsubscribeAck { .. }
        | Packet::PingResponse => Inbound::Unexpected,
    }
}

fn connect_v3(connect: v3::Connect) -> Connect {
    let will = connect.last_will.map(|will| Will {
        topic: String::from(will.topic),
        payload: will.message.to_vec(),
        qos: from_qos(will.qos),
        is_retained: will.retain,
        delay_s: 0,
    });
    Connect {
        level: connect.protocol.level(),
        client_id: String::from(connect.client_id),
        is_clean: connect.clean_session,
        keep_alive_s: connect.keep_alive,
        // A session of 3.1.1 ends with its connection or never.
        expiry_s: if connect.clean_session { 0 } else { u32::MAX },
        receive_max: u16::MAX,
        max_packet: None,
        user: connect.username.map(String::from),
        password: connect.password,
        will,
        has_auth_method: false,
    }
}

fn from_v5(packet: v5::Packet) -> Inbound {
    use v5::{DisconnectReasonCode, Packet, PublishAckReason};
    match packet {
        Packet::Connect(connect) => Inbound::Connect(Box::new(connect_v5(*connect))),
        Packet::Publish(publish) => Inbound::Publish(in_publish(*publish)),
        Packet::PublishAck(ack) => Inbound::PubAck(ack.packet_id.get()),
        Packet::PublishReceived(ack) => {
            let is_taken = matches!(
                ack.reason_code,
                PublishAckReason::Success | PublishAckReason::NoMatchingSubscribers
            );
            Inbound::PubRec { id: ack.packet_id.get(), is_refused: !is_taken }
        }
        Packet::PublishRelease(ack) => Inbound::PubRel(ack.packet_id.get()),
        Packet::PublishComplete(ack) => Inbound::PubComp(ack.packet_id.get()),
        Packet::Subscribe(subscribe) => {
            let request = |(filter, options): (_, v5::SubscriptionOptions)| SubscribeRequest {
                filter: String::from(filter),
                qos: from_qos(options.qos),
                retain: match options.retain_handling {
                    v5::RetainHandling::AtSubscribe => RetainHandling::Always,
                    v5::RetainHandling::AtSubscribeNew => RetainHandling::IfNew,
                    v5::RetainHandling::NoAtSubscribe => RetainHandling::Never,
                },
            };
            let requests = subscribe.topic_filters.into_iter().map(request).collect();
            let has_identifier = subscribe.id.is_some();
            Inbound::Subscribe { id: subscribe.packet_id.get(), requests, has_identifier }
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters = unsubscribe.topic_filters.into_iter().map(String::from).collect();
            Inbound::Unsubscribe { id: unsubscribe.packet_id.get(), filters }
        }
        Packet::PingRequest => Inbound::Ping,
        Packet::Disconnect(disconnect) => Inbound::Disconnect {
            wants_will: disconnect.reason_code != DisconnectReasonCode::NormalDisconnection,
            expiry_s: disconnect.session_expiry_interval_secs,
        },
        Packet::ConnectAck(_)
        | Packet::SubscribeAck(_)
        | Packet::UnsubscribeAck(_)
        | Packet::PingResponse
        | Packet::Auth(_) => Inbound::Unexpected,
    }
}

fn connect_v5(connect: v5::Connect) -> Connect {
    let will = connect.last_will.map(|will| Will {
        topic: String::from(will.topic),
        payload: will.message.to_vec(),
        qos: from_qos(will.qos),
        is_retained: will.retain,
        delay_s: will.will_delay_interval_sec.unwrap_or(0),
    });
    Connect {
        level: 5,
        client_id: String::from(connect.client_id),
        is_clean: connect.clean_start,
        keep_alive_s: connect.keep_alive,
        expiry_s: connect.session_expiry_interval_secs,
        receive_max: connect.receive_max.map_or(u16::MAX, std::num::NonZeroU16::get),
        max_packet: connect.max_packet_size.map(std::num::NonZeroU32::get),
        user: connect.username.map(String::from),
        password: connect.password,
        will,
        has_auth_method: connect.auth_method.is_some(),
    }
}

fn in_publish(publish: rmqtt_codec::types::Publish) -> InboundPublish {
    let properties = publish.properties.as_ref();
    InboundPublish {
        has_alias: properties.is_some_and(|known| known.topic_alias.is_some()),
        has_subscription_id: properties.is_some_and(|known| !known.subscription_ids.is_empty()),
        topic: String::from(publish.topic),
        payload: publish.payload,
        qos: from_qos(publish.qos),
        id: publish.packet_id.map_or(0, std::num::NonZeroU16::get),
        is_repeat: publish.dup,
        is_retained: publish.retain,
    }
}

/// Socket of a client: bytes received and not yet parsed, packets queued and not yet sent.
pub struct MqttWire {
    pub io: Transport,
    pub codec: Codec,
    inbox: BytesMut,
    /// Memory of a packet that is longer than [`FREE_BYTES`], in the account of bodies.
    memory: BodyMemoryReservation,
    /// When the packet that is not complete began.
    begun: Option<Instant>,
    pub(super) outbox: BytesMut,
}

impl MqttWire {
    pub fn new(io: Transport) -> Self {
        Self {
            io,
            codec: Codec::default(),
            inbox: BytesMut::new(),
            memory: BodyMemoryReservation::empty(MemoryHolder::Anonymous(None)),
            begun: None,
            outbox: BytesMut::new(),
        }
    }

    /// Sets whose memory long packets take from now on.
    pub fn set_memory_holder(&mut self, holder: MemoryHolder) {
        self.memory = BodyMemoryReservation::empty(holder);
    }

    /// Takes a packet that was read completely.
    pub fn next_packet(&mut self) -> Result<Option<Inbound>, PacketError> {
        let packet = self.codec.decode(&mut self.inbox)?;
        if packet.is_some() || self.inbox.is_empty() {
            self.begun = None;
            self.memory.shrink(0);
            return Ok(packet);
        }
        self.begun.get_or_insert_with(Instant::now);
        if self.inbox.len() > FREE_BYTES && self.memory.try_grow_to(self.inbox.len()).is_err() {
            return Err(PacketError::NoMemory);
        }
        Ok(None)
    }

    /// When a packet that is not complete by then is given up; `None` while there is none. Slow networks have a second for
    /// each KiB.
    pub fn packet_deadline(&self) -> Option<Instant> {
        let sent = Duration::from_secs(self.inbox.len() as u64 / SLOWEST_BYTES_PER_S);
        self.begun.map(|begun| begun + PACKET_TIMEOUT + sent)
    }

    /// Begins the time of an incomplete packet anew: the client was held back.
    pub fn restart_packet_time(&mut self) {
        self.begun = self.begun.map(|_| Instant::now());
    }

    /// Reads more bytes; false when the client has closed. Dropping the future loses nothing.
    pub async fn read_more(&mut self) -> io::Result<bool> {
        if self.inbox.is_empty() && self.inbox.capacity() > FLUSH_THRESHOLD_BYTES {
            // A rare long packet must not keep its large buffer allocated.
            self.inbox = BytesMut::new();
        }
        self.inbox.reserve(READ_BYTES);
        Ok(self.io.read_buf(&mut self.inbox).await? > 0)
    }

    /// Whether more packets may be queued before the queue is flushed.
    pub fn has_room(&self) -> bool {
        self.outbox.len() < FLUSH_THRESHOLD_BYTES
    }

    /// Sends the queued packets.
    ///
    /// # Errors
    /// `TimedOut` when the client takes no byte.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        send_queue::flush(&mut self.io, &mut self.outbox).await
    }

    /// Sends the queued packets and closes.
    pub async fn close(self) -> io::Result<()> {
        send_queue::close(self.io, self.outbox).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::app::body_memory::{BodyMemoryBudget, BodyMemoryLimits};

    const LIMITS: BodyMemoryLimits = BodyMemoryLimits {
        total: 256 << 10,
        bodies: 256 << 10,
        caller: 256 << 10,
        max_anonymous: 0,
        max_per_address: 0,
        resident_memory_limit: usize::MAX,
        wait_timeout: Duration::ZERO,
    };

    /// A connection whose client has said hello, and the client's socket.
    async fn connected() -> (MqttWire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let mut wire = MqttWire::new(Transport::Plain(socket));
        client.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a").await.unwrap();
        let packet = loop {
            assert!(wire.read_more().await.unwrap());
            if let Some(packet) = wire.next_packet().unwrap() {
                break packet;
            }
        };
        assert!(matches!(packet, Inbound::Connect(_)));
        wire.codec.set_limits(320 << 10, None);
        (wire, client)
    }

    /// Reads until so many bytes of a packet are there, or it is refused.
    async fn read_part(wire: &mut MqttWire, bytes: usize) -> Result<(), PacketError> {
        while wire.inbox.len() < bytes {
            assert!(wire.read_more().await.unwrap());
            assert_eq!(wire.next_packet()?, None, "it is not complete");
        }
        Ok(())
    }

    /// Security review 7: half-sent packets were in nobody's account, for as long as their clients liked.
    #[tokio::test]
    async fn a_packet_that_is_not_complete_counts_in_the_account_and_has_a_time() {
        let account = Arc::new(BodyMemoryBudget::new(LIMITS));
        let (mut wire, mut client) = connected().await;
        wire.memory = BodyMemoryReservation::with_budget(account.clone(), MemoryHolder::Caller(1));
        assert_eq!(wire.packet_deadline(), None);
        // PUBLISH of 300 KiB.
        let length = 300 << 10;
        let header = [0x30, 0x80, 0xE0, 0x12, 0, 1, b'a'];
        let body = vec![b' '; length - 3];
        // It ends early, when the server reads no more.
        tokio::spawn(async move {
            drop(client.write_all(&header).await);
            drop(client.write_all(&body[..290 << 10]).await);
            client
        });
        read_part(&mut wire, 100 << 10).await.unwrap();
        let deadline = wire.packet_deadline().expect("it has begun") - Instant::now();
        assert!(deadline > Duration::from_secs(60) && deadline < Duration::from_secs(320), "{deadline:?}");
        assert!(account.used() >= 100 << 10, "{} bytes", account.used());
        assert_eq!(read_part(&mut wire, 290 << 10).await, Err(PacketError::NoMemory));
        drop(wire);
        assert_eq!(account.used(), 0);
    }
}
