//! Packets for clients, in the version that each speaks.

use std::num::NonZeroU16;

use bytes::BytesMut;
use rmqtt_codec::types::{Publish, QoS};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::Encoder;

use super::wire::{Codec, MqttWire, Version};
use crate::app::mqtt::access::Grant;
use crate::app::mqtt::message::OutboundMessage;
use crate::domain::mqtt::Qos;

/// Messages that a client may send without an acknowledgement.
pub const RECEIVE_MAX: u16 = 1000;

/// A packet for a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Outbound {
    ConnRefused(Refusal),
    ConnAck(ConnAck),
    Publish {
        id: Option<u16>,
        is_repeat: bool,
        message: OutboundMessage,
    },
    PubAck(u16, AckReason),
    PubRec(u16, AckReason),
    PubRel(u16),
    /// Whether the id was known.
    PubComp(u16, bool),
    SubAck(u16, Vec<Grant>),
    UnsubAck(u16, Vec<bool>),
    Pong,
    /// 3.1.1 has none: the connection is closed without a word.
    Disconnect(DisconnectReason),
}

/// CONNACK of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnAck {
    pub is_present: bool,
    pub expiry_s: u32,
    /// Only when the server has chosen it.
    pub client_id: Option<String>,
    pub max_packet: u32,
    pub keep_alive_s: Option<u16>,
}

/// Why CONNECT is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Version,
    ClientId,
    Credentials,
    NotAuthorized,
    Unavailable,
    Quota,
    AuthMethod,
    Malformed,
}

impl Refusal {
    /// The reason in words, for the log.
    pub fn words(self) -> &'static str {
        match self {
            Refusal::Version => "the version is not served: 3.1.1 and 5.0 are",
            Refusal::ClientId => "the client id is not valid, or another device's",
            Refusal::Credentials => "the key, password or certificate is not accepted",
            Refusal::NotAuthorized => "it may not connect, or not publish its will",
            Refusal::Unavailable => "the server cannot serve it now",
            Refusal::Quota => "a quota is used up",
            Refusal::AuthMethod => "enhanced authentication is not offered",
            Refusal::Malformed => "CONNECT is not valid",
        }
    }
}

/// How a message is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckReason {
    Success,
    NotAuthorized,
    PayloadInvalid,
    QuotaExceeded,
}

/// Why the server disconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectReason {
    Malformed,
    Protocol,
    NotAuthorized,
    Busy,
    ShuttingDown,
    KeepAlive,
    TakenOver,
    TopicInvalid,
    ReceiveMaximum,
    AliasInvalid,
    TooLarge,
    Quota,
    Administrative,
    SubscriptionIdentifiers,
}

impl MqttWire {
    /// Queues a packet. Returns false for a message that is larger than its client takes: it must not be sent.
    pub fn queue(&mut self, packet: Outbound) -> bool {
        encode(&mut self.codec, packet, &mut self.outbox)
    }
}

/// Appends a packet to a buffer; see [`MqttWire::queue`].
pub fn encode(codec: &mut Codec, packet: Outbound, buffer: &mut BytesMut) -> bool {
    match &mut codec.version {
        Version::Unknown => true,
        Version::V3(codec) => match to_v3(packet) {
            Some(packet) => codec.encode(packet, buffer).is_ok(),
            None => true,
        },
        Version::V5(codec) => match to_v5(packet) {
            Some(packet) => codec.encode(packet, buffer).is_ok(),
            None => true,
        },
    }
}

fn to_qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn publish(id: Option<u16>, is_repeat: bool, message: OutboundMessage, is_v5: bool) -> Box<Publish> {
    Box::new(Publish {
        dup: is_repeat,
        retain: message.is_retained,
        qos: to_qos(message.qos),
        topic: (&*message.topic).into(),
        packet_id: id.and_then(NonZeroU16::new),
        payload: message.payload,
        properties: is_v5.then(v5::PublishProperties::default),
    })
}

/// `None` for what version 3.1.1 does not have, and for the id 0, which no packet has.
fn to_v3(packet: Outbound) -> Option<v3::Packet> {
    use v3::{ConnectAck, ConnectAckReason as Code, Packet, SubscribeReturnCode};
    let ack = |return_code, session_present| Packet::ConnectAck(ConnectAck { return_code, session_present });
    let number = NonZeroU16::new;
    Some(match packet {
        Outbound::ConnRefused(refusal) => ack(
            match refusal {
                Refusal::Version => Code::UnacceptableProtocolVersion,
                Refusal::ClientId => Code::IdentifierRejected,
                Refusal::Credentials => Code::BadUserNameOrPassword,
                Refusal::NotAuthorized | Refusal::AuthMethod => Code::NotAuthorized,
                Refusal::Unavailable | Refusal::Quota => Code::ServiceUnavailable,
                Refusal::Malformed => return None,
            },
            false,
        ),
        Outbound::ConnAck(accepted) => ack(Code::ConnectionAccepted, accepted.is_present),
        Outbound::Publish { id, is_repeat, message } => {
            Packet::Publish(publish(id, is_repeat, message, false))
        }
        Outbound::PubAck(id, _) => Packet::PublishAck { packet_id: number(id)? },
        Outbound::PubRec(id, _) => Packet::PublishReceived { packet_id: number(id)? },
        Outbound::PubRel(id) => Packet::PublishRelease { packet_id: number(id)? },
        Outbound::PubComp(id, _) => Packet::PublishComplete { packet_id: number(id)? },
        Outbound::SubAck(id, grants) => {
            let status = grants.into_iter().map(|grant| match grant {
                Grant::Granted(qos) => SubscribeReturnCode::Success(to_qos(qos)),
                Grant::NotAuthorized
                | Grant::Malformed
                | Grant::Shared
                | Grant::TooMany
                | Grant::Unavailable => SubscribeReturnCode::Failure,
            });
            Packet::SubscribeAck { packet_id: number(id)?, status: status.collect() }
        }
        Outbound::UnsubAck(id, _) => Packet::UnsubscribeAck { packet_id: number(id)? },
        Outbound::Pong => Packet::PingResponse,
        Outbound::Disconnect(_) => return None,
    })
}

fn to_v5(packet: Outbound) -> Option<v5::Packet> {
    use v5::{Disconnect, Packet, PublishAck2, PublishAck2Reason, SubscribeAck, UnsubscribeAck};
    let number = NonZeroU16::new;
    let release = |packet_id, reason_code| PublishAck2 { packet_id, reason_code, ..PublishAck2::default() };
    Some(match packet {
        Outbound::ConnRefused(refusal) => {
            Packet::from(v5::ConnectAck { reason_code: refusal_code(refusal), ..v5::ConnectAck::default() })
        }
        Outbound::ConnAck(accepted) => Packet::from(connack(accepted)),
        Outbound::Publish { id, is_repeat, message } => {
            Packet::Publish(publish(id, is_repeat, message, true))
        }
        Outbound::PubAck(id, reason) => Packet::PublishAck(puback(number(id)?, reason)),
        Outbound::PubRec(id, reason) => Packet::PublishReceived(puback(number(id)?, reason)),
        Outbound::PubRel(id) => Packet::PublishRelease(release(number(id)?, PublishAck2Reason::Success)),
        Outbound::PubComp(id, is_known) => {
            let code =
                if is_known { PublishAck2Reason::Success } else { PublishAck2Reason::PacketIdNotFound };
            Packet::PublishComplete(release(number(id)?, code))
        }
        Outbound::SubAck(id, grants) => Packet::SubscribeAck(SubscribeAck {
            packet_id: number(id)?,
            properties: Vec::new(),
            reason_string: None,
            status: grants.into_iter().map(grant_code).collect(),
        }),
        Outbound::UnsubAck(id, were_there) => {
            use v5::UnsubscribeAckReason::{NoSubscriptionExisted, Success};
            let status = were_there.into_iter().map(|was| if was { Success } else { NoSubscriptionExisted });
            Packet::UnsubscribeAck(UnsubscribeAck {
                packet_id: number(id)?,
                properties: Vec::new(),
                reason_string: None,
                status: status.collect(),
            })
        }
        Outbound::Pong => Packet::PingResponse,
        Outbound::Disconnect(reason) => Packet::Disconnect(Disconnect::new(disconnect_code(reason))),
    })
}

fn puback(packet_id: NonZeroU16, reason: AckReason) -> v5::PublishAck {
    use v5::PublishAckReason as Code;
    let reason_code = match reason {
        AckReason::Success => Code::Success,
        AckReason::NotAuthorized => Code::NotAuthorized,
        AckReason::PayloadInvalid => Code::PayloadFormatInvalid,
        AckReason::QuotaExceeded => Code::QuotaExceeded,
    };
    v5::PublishAck { packet_id, reason_code, ..v5::PublishAck::default() }
}

fn connack(accepted: ConnAck) -> v5::ConnectAck {
    v5::ConnectAck {
        session_present: accepted.is_present,
        session_expiry_interval_secs: Some(accepted.expiry_s),
        receive_max: NonZeroU16::new(RECEIVE_MAX).unwrap_or(NonZeroU16::MAX),
        max_packet_size: Some(accepted.max_packet),
        assigned_client_id: accepted.client_id.map(Into::into),
        topic_alias_max: 0,
        subscription_identifiers_available: false,
        shared_subscription_available: false,
        server_keepalive_sec: accepted.keep_alive_s,
        ..v5::ConnectAck::default()
    }
}

fn refusal_code(refusal: Refusal) -> v5::ConnectAckReason {
    use v5::ConnectAckReason as Code;
    match refusal {
        Refusal::Version => Code::UnsupportedProtocolVersion,
        Refusal::ClientId => Code::ClientIdentifierNotValid,
        Refusal::Credentials => Code::BadUserNameOrPassword,
        Refusal::NotAuthorized => Code::NotAuthorized,
        Refusal::Unavailable => Code::ServerUnavailable,
        Refusal::Quota => Code::QuotaExceeded,
        Refusal::AuthMethod => Code::BadAuthenticationMethod,
        Refusal::Malformed => Code::MalformedPacket,
    }
}

fn grant_code(grant: Grant) -> v5::SubscribeAckReason {
    use v5::SubscribeAckReason as Code;
    match grant {
        Grant::Granted(Qos::AtMostOnce) => Code::GrantedQos0,
        Grant::Granted(Qos::AtLeastOnce) => Code::GrantedQos1,
        Grant::Granted(Qos::ExactlyOnce) => Code::GrantedQos2,
        Grant::NotAuthorized => Code::NotAuthorized,
        Grant::Malformed => Code::TopicFilterInvalid,
        Grant::Shared => Code::SharedSubscriptionNotSupported,
        Grant::TooMany => Code::QuotaExceeded,
        Grant::Unavailable => Code::UnspecifiedError,
    }
}

fn disconnect_code(reason: DisconnectReason) -> v5::DisconnectReasonCode {
    use v5::DisconnectReasonCode as Code;
    match reason {
        DisconnectReason::Malformed => Code::MalformedPacket,
        DisconnectReason::Protocol => Code::ProtocolError,
        DisconnectReason::NotAuthorized => Code::NotAuthorized,
        DisconnectReason::Busy => Code::ServerBusy,
        DisconnectReason::ShuttingDown => Code::ServerShuttingDown,
        DisconnectReason::KeepAlive => Code::KeepAliveTimeout,
        DisconnectReason::TakenOver => Code::SessionTakenOver,
        DisconnectReason::TopicInvalid => Code::TopicNameInvalid,
        DisconnectReason::ReceiveMaximum => Code::ReceiveMaximumExceeded,
        DisconnectReason::AliasInvalid => Code::TopicAliasInvalid,
        DisconnectReason::TooLarge => Code::PacketTooLarge,
        DisconnectReason::Quota => Code::QuotaExceeded,
        DisconnectReason::Administrative => Code::AdministrativeAction,
        DisconnectReason::SubscriptionIdentifiers => Code::SubscriptionIdentifiersNotSupported,
    }
}
