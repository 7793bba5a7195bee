//! One connection of the simulated broker. Whatever is no valid packet here ends it.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use rmqtt_codec::types::Publish;
use rmqtt_codec::v3::{Codec, Connect, ConnectAck, ConnectAckReason, Packet, QoS, SubscribeReturnCode};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::codec::Framed;

use super::broker::{Attachment, Broker, Delivery, Next};
use super::topics;
use crate::domain::mqtt::filter::TopicFilter;
use crate::domain::mqtt::topic;
use crate::sim::plant::Plant;

const MAX_PACKET_BYTES: u32 = 256 * 1024;
/// Time for CONNECT, and for a client to take a packet.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keep alive of a client that wants none.
const NO_KEEP_ALIVE: Duration = Duration::from_secs(24 * 3600);

type Connection = Framed<TcpStream, Codec>;

/// One connection with its session.
struct SimulatedConnection {
    connection: Connection,
    broker: Arc<Mutex<Broker>>,
    plant: Arc<Mutex<Plant>>,
    attachment: Attachment,
    /// Longest silence of the client: one and a half keep alives.
    silence: Duration,
}

/// Serves a connection until it ends; `None` when it did not end in order.
pub async fn converse(stream: TcpStream, broker: Arc<Mutex<Broker>>, plant: Arc<Mutex<Plant>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut connection = Framed::new(stream, Codec::new(MAX_PACKET_BYTES));
    let Packet::Connect(connect) = receive(&mut connection, PATIENCE).await? else { return None };
    let (attachment, code) = attach(&broker, &connect);
    let session_present = attachment.as_ref().is_some_and(|attachment| attachment.is_resumed);
    send(&mut connection, Packet::ConnectAck(ConnectAck { return_code: code, session_present })).await?;
    let silence = match connect.keep_alive {
        0 => NO_KEEP_ALIVE,
        seconds => Duration::from_secs(seconds.into()).mul_f64(1.5),
    };
    let mut conversation =
        SimulatedConnection { connection, broker, plant, attachment: attachment?, silence };
    let ended = conversation.run().await;
    conversation.broker.lock().detach(&conversation.attachment);
    ended
}

fn attach(broker: &Mutex<Broker>, connect: &Connect) -> (Option<Attachment>, ConnectAckReason) {
    if connect.client_id.is_empty() {
        return (None, ConnectAckReason::IdentifierRejected);
    }
    match broker.lock().attach(&connect.client_id, connect.clean_session) {
        Some(attachment) => (Some(attachment), ConnectAckReason::ConnectionAccepted),
        None => (None, ConnectAckReason::ServiceUnavailable),
    }
}

async fn receive(connection: &mut Connection, patience: Duration) -> Option<Packet> {
    let (packet, _) = timeout(patience, connection.next()).await.ok()??.ok()?;
    Some(packet)
}

async fn send(connection: &mut Connection, packet: Packet) -> Option<()> {
    timeout(PATIENCE, connection.send(packet)).await.ok()?.ok()
}

impl SimulatedConnection {
    async fn run(&mut self) -> Option<()> {
        let wake = Arc::clone(&self.attachment.wake);
        let mut heard_at = Instant::now();
        loop {
            tokio::select! {
                packet = self.connection.next() => {
                    heard_at = Instant::now();
                    let (packet, _) = packet?.ok()?;
                    if matches!(packet, Packet::Disconnect) {
                        return Some(());
                    }
                    self.answer(packet).await?;
                }
                () = wake.notified() => {}
                () = sleep_until(heard_at + self.silence) => return None,
            }
            self.deliver().await?;
        }
    }

    /// Sends what waits, until it has to wait for acknowledgements.
    async fn deliver(&mut self) -> Option<()> {
        loop {
            let next = self.broker.lock().next(&self.attachment);
            match next {
                Next::Send(delivery) => send(&mut self.connection, to_packet(delivery)).await?,
                Next::Wait => return Some(()),
                Next::TakenOver => return None,
            }
        }
    }

    async fn answer(&mut self, packet: Packet) -> Option<()> {
        match packet {
            Packet::Publish(message) => self.take(*message).await,
            Packet::PublishAck { packet_id } => {
                self.broker.lock().acknowledge(&self.attachment, packet_id);
                Some(())
            }
            Packet::Subscribe { packet_id, topic_filters } => {
                // The answer precedes the retained messages: they are sent after this packet is done.
                let status = topic_filters.iter().map(|(filter, qos)| self.subscribe(filter, *qos)).collect();
                send(&mut self.connection, Packet::SubscribeAck { packet_id, status }).await
            }
            Packet::Unsubscribe { packet_id, topic_filters } => {
                for filter in topic_filters.iter().filter_map(|filter| TopicFilter::parse(filter).ok()) {
                    self.broker.lock().unsubscribe(&self.attachment, &filter);
                }
                send(&mut self.connection, Packet::UnsubscribeAck { packet_id }).await
            }
            Packet::PingRequest => send(&mut self.connection, Packet::PingResponse).await,
            _ => None,
        }
    }

    fn subscribe(&self, filter: &str, qos: QoS) -> SubscribeReturnCode {
        let Ok(filter) = TopicFilter::parse(filter) else { return SubscribeReturnCode::Failure };
        let is_acknowledged = qos != QoS::AtMostOnce;
        match self.broker.lock().subscribe(&self.attachment, filter, is_acknowledged) {
            true if is_acknowledged => SubscribeReturnCode::Success(QoS::AtLeastOnce),
            true => SubscribeReturnCode::Success(QoS::AtMostOnce),
            false => SubscribeReturnCode::Failure,
        }
    }

    /// Takes a client's message, with QoS 0 or 1.
    async fn take(&mut self, message: Publish) -> Option<()> {
        if topic::name_problem(&message.topic).is_some() || message.qos == QoS::ExactlyOnce {
            return None;
        }
        topics::apply(&mut self.plant.lock(), &message.topic, &message.payload);
        // A copy: the payload is a part of the read buffer.
        let payload = message.payload.to_vec().into();
        self.broker.lock().publish(&message.topic, payload, message.retain);
        match message.packet_id {
            Some(packet_id) => send(&mut self.connection, Packet::PublishAck { packet_id }).await,
            None => Some(()),
        }
    }
}

fn to_packet(delivery: Delivery) -> Packet {
    let qos = if delivery.is_acknowledged { QoS::AtLeastOnce } else { QoS::AtMostOnce };
    Packet::Publish(Box::new(Publish {
        dup: delivery.is_repeated,
        retain: delivery.is_retained,
        qos,
        topic: (&*delivery.topic).into(),
        packet_id: delivery.packet_id,
        payload: delivery.payload,
        properties: None,
    }))
}
