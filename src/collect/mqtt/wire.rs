//! Packets of MQTT 3.1.1 as this client uses them. The only file of the collector that names the codec's types.
//!
//! The codec accepts some packets that the standard forbids to a broker; they are refused here. It is given whole packets, and
//! no message that is too large.

use std::io;
use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use rmqtt_codec::types::Publish;
use rmqtt_codec::v3::{Codec, Connect, ConnectAckReason, LastWill, Packet, QoS, SubscribeReturnCode};
use tokio_util::codec::{Decoder, Encoder};

use super::endpoint::MqttEndpoint;
use super::skipped_message::{FixedHeader, SkippedMessage};
use crate::domain::mqtt::topic;

/// Largest packet from a broker that is read, bytes without its header. A birth of Sparkplug with 20,000 metrics fits.
pub const MAX_PACKET_BYTES: u32 = 4 * 1024 * 1024;

/// Number of a packet that awaits its acknowledgement.
pub type PacketId = NonZeroU16;

/// A message as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    pub topic: String,
    pub payload: Result<Vec<u8>, MessageTooLarge>,
    /// Number to acknowledge; `None` for QoS 0.
    pub packet_id: Option<PacketId>,
    /// Whether the broker had kept it from before the subscription.
    pub is_retained: bool,
}

impl Publication {
    fn into_incoming(self, is_exactly_once: bool) -> Incoming {
        if is_exactly_once { Incoming::PublishExactlyOnce(self) } else { Incoming::Publish(self) }
    }
}

/// Why the payload of a message was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the message has {bytes} bytes; {} are the most", MAX_PACKET_BYTES)]
pub struct MessageTooLarge {
    /// Length of its packet without the header.
    pub bytes: u32,
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingMessage {
    pub topic: String,
    pub payload: Vec<u8>,
    /// Whether the broker acknowledges it (QoS 1).
    pub is_acknowledged: bool,
    /// Whether the broker keeps it for those who subscribe later.
    pub is_retained: bool,
}

/// Packet from a broker.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// `Err` says why the broker refuses the connection.
    ConnectAck(Result<(), &'static str>),
    /// A message with QoS 0 or 1.
    Publish(Publication),
    /// A message with QoS 2, which the broker sends until it is acknowledged and then releases.
    PublishExactlyOnce(Publication),
    /// The release of a message with QoS 2.
    PublishRelease(PacketId),
    /// A part of a message that is too large. The message follows when all of it has come.
    SkippedPart,
    PublishAck(PacketId),
    /// Which of the filters were granted.
    SubscribeAck(PacketId, Vec<bool>),
    UnsubscribeAck(PacketId),
    PingResponse,
}

/// Packet to a broker.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    Connect(Box<Connect>),
    Subscribe {
        packet_id: PacketId,
        filters: Vec<String>,
        is_acknowledged: bool,
    },
    Unsubscribe {
        packet_id: PacketId,
        filters: Vec<String>,
    },
    /// A message; one that is acknowledged has a number.
    Publish(Option<PacketId>, OutgoingMessage),
    PublishAck(PacketId),
    /// Acknowledges a message with QoS 2.
    PublishReceived(PacketId),
    /// Confirms the release of a message with QoS 2.
    PublishComplete(PacketId),
    PingRequest,
    Disconnect,
}

/// Why a connection's bytes are not read further.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Broken(String),
}

/// The codec of one connection.
pub struct MqttCodec {
    codec: Codec,
    /// The message that is too large and has not come to its end.
    skipped: Option<SkippedMessage>,
}

impl Default for MqttCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl MqttCodec {
    /// A codec at the start of a connection. It skips messages above `MAX_PACKET_BYTES` and refuses other packets above it.
    pub fn new() -> MqttCodec {
        MqttCodec { codec: Codec::new(MAX_PACKET_BYTES), skipped: None }
    }

    fn decode_packet(&mut self, bytes: &mut BytesMut) -> Result<Option<Incoming>, WireError> {
        match self.codec.decode(bytes) {
            Ok(packet) => packet.map(|(packet, _)| incoming(packet)).transpose(),
            Err(error) => Err(WireError::Broken(format!("it sent an invalid packet: {error}"))),
        }
    }

    /// Skips what has come of the message that is too large.
    fn skip(&mut self, bytes: &mut BytesMut) -> Option<Incoming> {
        let mut skipped = self.skipped.take()?;
        let part = skipped.skip(bytes);
        if !skipped.is_complete() {
            self.skipped = Some(skipped);
            return (part > 0).then_some(Incoming::SkippedPart);
        }
        let is_exactly_once = skipped.is_exactly_once;
        let publication = Publication {
            topic: skipped.topic,
            payload: Err(MessageTooLarge { bytes: skipped.bytes }),
            packet_id: skipped.packet_id,
            is_retained: skipped.is_retained,
        };
        Some(publication.into_incoming(is_exactly_once))
    }
}

impl Decoder for MqttCodec {
    type Item = Incoming;
    type Error = WireError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Incoming>, WireError> {
        if self.skipped.is_none() {
            match FixedHeader::read(bytes) {
                Some(header) if header.body_bytes > MAX_PACKET_BYTES => {
                    self.skipped = SkippedMessage::begin(header, bytes).map_err(WireError::Broken)?;
                }
                Some(header) if header.packet_bytes() > bytes.len() => {
                    bytes.reserve(header.packet_bytes() - bytes.len());
                    return Ok(None);
                }
                // The codec says what is wrong with an invalid length.
                Some(_) | None => return self.decode_packet(bytes),
            }
        }
        Ok(self.skip(bytes))
    }
}

impl Encoder<Outgoing> for MqttCodec {
    type Error = WireError;

    fn encode(&mut self, packet: Outgoing, bytes: &mut BytesMut) -> Result<(), WireError> {
        let encoded = self.codec.encode(outgoing(packet), bytes);
        encoded.map_err(|error| WireError::Broken(format!("a packet to it could not be written: {error}")))
    }
}

/// The CONNECT packet of an endpoint, with the message that the broker publishes when the connection is lost.
pub fn connect(endpoint: &MqttEndpoint, will: Option<&OutgoingMessage>) -> Outgoing {
    let login = endpoint.login.as_ref();
    Outgoing::Connect(Box::new(Connect {
        clean_session: endpoint.is_temporary,
        keep_alive: u16::try_from(endpoint.keep_alive.as_secs()).unwrap_or(u16::MAX),
        client_id: endpoint.client_id.as_str().into(),
        username: login.map(|login| login.username.as_str().into()),
        password: login.and_then(|login| login.password.clone()).map(Bytes::from),
        last_will: will.map(|message| LastWill {
            qos: qos(message.is_acknowledged),
            retain: message.is_retained,
            topic: message.topic.as_str().into(),
            message: message.payload.clone().into(),
        }),
        ..Connect::default()
    }))
}

fn incoming(packet: Packet) -> Result<Incoming, WireError> {
    match packet {
        Packet::ConnectAck(ack) => Ok(Incoming::ConnectAck(judge(ack.return_code))),
        Packet::Publish(message) => publication(*message),
        Packet::PublishRelease { packet_id } => Ok(Incoming::PublishRelease(packet_id)),
        Packet::PublishAck { packet_id } => Ok(Incoming::PublishAck(packet_id)),
        Packet::SubscribeAck { packet_id, status } => {
            let is_granted = |status: &SubscribeReturnCode| matches!(status, SubscribeReturnCode::Success(_));
            Ok(Incoming::SubscribeAck(packet_id, status.iter().map(is_granted).collect()))
        }
        Packet::UnsubscribeAck { packet_id } => Ok(Incoming::UnsubscribeAck(packet_id)),
        Packet::PingResponse => Ok(Incoming::PingResponse),
        Packet::Connect(_)
        | Packet::PublishReceived { .. }
        | Packet::PublishComplete { .. }
        | Packet::Subscribe { .. }
        | Packet::Unsubscribe { .. }
        | Packet::PingRequest
        | Packet::Disconnect => {
            Err(WireError::Broken("it sent a packet that no broker sends here".to_owned()))
        }
    }
}

/// The words of the standard (MQTT 3.1.1, table 3.1).
fn judge(code: ConnectAckReason) -> Result<(), &'static str> {
    Err(match code {
        ConnectAckReason::ConnectionAccepted => return Ok(()),
        ConnectAckReason::UnacceptableProtocolVersion => "the broker does not speak MQTT 3.1.1",
        ConnectAckReason::IdentifierRejected => "the broker refuses the client id",
        ConnectAckReason::ServiceUnavailable => "the broker is not available",
        ConnectAckReason::BadUserNameOrPassword => "the broker refuses username or password",
        ConnectAckReason::NotAuthorized => "the broker does not allow this client to connect",
        ConnectAckReason::Reserved => "the broker refuses the connection without a valid reason",
    })
}

/// The payload is copied: a part of the read buffer would keep all of it alive.
fn publication(message: Publish) -> Result<Incoming, WireError> {
    if let Some(why) = topic::name_problem(&message.topic) {
        return Err(WireError::Broken(format!("it sent a message with an invalid topic: {why}")));
    }
    let publication = Publication {
        topic: message.topic.to_string(),
        payload: Ok(message.payload.to_vec()),
        packet_id: message.packet_id,
        is_retained: message.retain,
    };
    Ok(publication.into_incoming(message.qos == QoS::ExactlyOnce))
}

fn qos(is_acknowledged: bool) -> QoS {
    if is_acknowledged { QoS::AtLeastOnce } else { QoS::AtMostOnce }
}

fn outgoing(packet: Outgoing) -> Packet {
    match packet {
        Outgoing::Connect(connect) => Packet::Connect(connect),
        Outgoing::Subscribe { packet_id, filters, is_acknowledged } => {
            let qos = qos(is_acknowledged);
            let topic_filters = filters.into_iter().map(|filter| (filter.into(), qos)).collect();
            Packet::Subscribe { packet_id, topic_filters }
        }
        Outgoing::Unsubscribe { packet_id, filters } => {
            Packet::Unsubscribe { packet_id, topic_filters: filters.into_iter().map(Into::into).collect() }
        }
        Outgoing::Publish(packet_id, message) => Packet::Publish(Box::new(Publish {
            dup: false,
            retain: message.is_retained,
            qos: qos(packet_id.is_some()),
            topic: message.topic.into(),
            packet_id,
            payload: message.payload.into(),
            properties: None,
        })),
        Outgoing::PublishAck(packet_id) => Packet::PublishAck { packet_id },
        Outgoing::PublishReceived(packet_id) => Packet::PublishReceived { packet_id },
        Outgoing::PublishComplete(packet_id) => Packet::PublishComplete { packet_id },
        Outgoing::PingRequest => Packet::PingRequest,
        Outgoing::Disconnect => Packet::Disconnect,
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
