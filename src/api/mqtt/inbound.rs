//! Packets from clients as one type for both versions. Only this file, wire.rs and encode.rs name the codec's types.

use bytes::Bytes;
use rmqtt_codec::types::QoS;
use rmqtt_codec::{v3, v5};

use crate::app::mqtt::subscribe::{RetainHandling, SubscribeRequest};
use crate::domain::mqtt::{Qos, Will};

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

fn from_qos(qos: QoS) -> Qos {
    match qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => Qos::ExactlyOnce,
    }
}

pub(super) fn from_v3(packet: v3::Packet) -> Inbound {
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

pub(super) fn from_v5(packet: v5::Packet) -> Inbound {
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
