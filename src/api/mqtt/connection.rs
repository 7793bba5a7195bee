//! A connection: packets in, their calls side by side, acknowledgements in the order of the packets, messages out.
//!
//! A message is acknowledged when its call is done. While too many are under way nothing is read: TCP holds the client
//! back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::check;
use super::encode::{AckReason, DisconnectReason, Outbound};
use super::inbound::{Inbound, InboundPublish};
use super::wire::{MqttWire, PacketError};
use crate::app::App;
use crate::app::mqtt::session::{MqttSession, SessionEvent};
use crate::app::mqtt::session_end::MqttSessionEnd;
use crate::app::mqtt::{Publication, PublishOutcome, SessionEviction};
use crate::domain::mqtt::Qos;
use crate::domain::mqtt::inbox::Arrival;
use crate::domain::mqtt::outbox::Delivery;

/// Messages of a client whose calls are under way.
const MAX_CALLS: usize = 256;
/// Bytes of these messages.
const MAX_CALL_BYTES: usize = 1 << 20;
/// How long the calls of a client that is gone may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(35);

/// Parts of a connection.
pub struct ConnectionContext {
    pub app: Arc<App>,
    pub session: MqttSession,
    /// How long the client may be silent.
    pub silence: Option<Duration>,
}

/// A connection with an accepted client.
pub struct MqttConnection {
    wire: MqttWire,
    app: Arc<App>,
    session: MqttSession,
    silence: Option<Duration>,
    last_read: Instant,
    calls: FuturesOrdered<Call>,
    call_bytes: usize,
}

type Call = Pin<Box<dyn Future<Output = FinishedCall> + Send>>;

/// A message whose call is done.
struct FinishedCall {
    qos: Qos,
    id: u16,
    bytes: usize,
    arrived: Instant,
    outcome: PublishOutcome,
}

/// Why a connection ends.
#[derive(Clone, Copy)]
enum ConnectionEnd {
    /// DISCONNECT.
    ByClient { wants_will: bool, expiry_s: Option<u32> },
    /// The socket is closed or takes nothing.
    Lost,
    /// The server ends it, and says why where the version allows it.
    ByServer(DisconnectReason),
}

/// The end of a connection that lost its slot before its client was answered.
pub fn eviction() -> MqttSessionEnd {
    let reason = "SERVER_INITIATED_DISCONNECT";
    MqttSessionEnd { publishes_will: false, ends_session: false, expiry_s: None, reason }
}

impl MqttConnection {
    /// Creates the connection of an accepted client, whose CONNACK is queued in `wire`.
    pub fn new(wire: MqttWire, parts: ConnectionContext) -> Self {
        let ConnectionContext { app, session, silence } = parts;
        let (last_read, calls) = (Instant::now(), FuturesOrdered::new());
        Self { wire, app, session, silence, last_read, calls, call_bytes: 0 }
    }

    /// Serves the client until one side ends it.
    pub async fn serve(mut self: Box<Self>, stop: &CancellationToken) {
        let ending = loop {
            match self.step(stop).await {
                Ok(()) => {}
                Err(ending) => break ending,
            }
        };
        Box::pin(self.finish(ending)).await;
    }

    async fn step(&mut self, stop: &CancellationToken) -> Result<(), ConnectionEnd> {
        self.send_waiting();
        self.wire.flush().await.map_err(|_| ConnectionEnd::Lost)?;
        let may_read = self.calls.len() < MAX_CALLS && self.call_bytes < MAX_CALL_BYTES;
        if may_read {
            match self.wire.next_packet() {
                Ok(Some(packet)) => return self.handle(packet).await,
                Ok(None) => {}
                Err(PacketError::TooLarge) => {
                    return Err(ConnectionEnd::ByServer(DisconnectReason::TooLarge));
                }
                Err(PacketError::Malformed | PacketError::UnknownVersion | PacketError::NoClientId) => {
                    return Err(ConnectionEnd::ByServer(DisconnectReason::Malformed));
                }
                Err(PacketError::NoMemory) => return Err(ConnectionEnd::ByServer(DisconnectReason::Busy)),
            }
        } else {
            self.wire.restart_packet_time();
        }
        // No keep-alive deadline while reading is paused: the packets of the client are not read then.
        let silence = self.silence.map(|silence| self.last_read + silence);
        let deadline = silence.into_iter().chain(self.wire.packet_deadline()).min().filter(|_| may_read);
        let silent = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(ConnectionEnd::ByServer(DisconnectReason::ShuttingDown)),
            Some(call) = self.calls.next(), if !self.calls.is_empty() => self.answer_all(call),
            event = self.session.next_event() => match event {
                SessionEvent::Queued => Ok(()),
                SessionEvent::End(why) => Err(ConnectionEnd::ByServer(reason_of(why))),
            },
            read = self.wire.read_more(), if may_read => match read {
                Ok(true) => {
                    self.last_read = Instant::now();
                    Ok(())
                }
                Ok(false) | Err(_) => Err(ConnectionEnd::Lost),
            },
            () = silent => Err(ConnectionEnd::ByServer(DisconnectReason::KeepAlive)),
        }
    }

    /// Queues what the client may be sent now.
    fn send_waiting(&mut self) {
        while self.wire.has_room() {
            let Some(delivery) = self.session.next_delivery() else { return };
            match delivery {
                Delivery::Release(id) => {
                    self.wire.queue(Outbound::PubRel(id));
                }
                Delivery::Publish { id, is_repeat, message } => {
                    let is_two_step = message.qos == Qos::ExactlyOnce;
                    let is_sent = self.wire.queue(Outbound::Publish { id, is_repeat, message });
                    if let Some(id) = id.filter(|_| !is_sent) {
                        self.app.mqtt.sessions.counters().count_dropped();
                        // [MQTT-3.1.2-25]: what is too large for the client counts as delivered.
                        let ended = if is_two_step {
                            self.session.receive(id, true)
                        } else {
                            self.session.acknowledge(id)
                        };
                        debug_assert!(ended.is_ok(), "it was just sent");
                    }
                }
            }
        }
    }

    async fn handle(&mut self, packet: Inbound) -> Result<(), ConnectionEnd> {
        self.session.record_packet();
        if let Some(reason) = check::packet_problem(&packet) {
            return Err(ConnectionEnd::ByServer(reason));
        }
        match packet {
            Inbound::Publish(publish) => return self.publish(publish).await,
            // Acknowledgements of what was not sent are a mistake without consequences.
            Inbound::PubAck(id) => self.session.acknowledge(id).unwrap_or(()),
            Inbound::PubRec { id, is_refused } => {
                if self.session.receive(id, is_refused).is_err() && !is_refused {
                    // The client waits for the release of a message of an earlier time.
                    self.wire.queue(Outbound::PubRel(id));
                }
            }
            Inbound::PubComp(id) => self.session.complete(id).unwrap_or(()),
            Inbound::PubRel(id) => {
                let is_known = self.session.inbox().release(id);
                self.wire.queue(Outbound::PubComp(id, is_known));
            }
            Inbound::Subscribe { id, requests, .. } => {
                let grants = Box::pin(self.session.subscribe(requests)).await;
                self.wire.queue(Outbound::SubAck(id, grants));
            }
            Inbound::Unsubscribe { id, filters } => {
                let were_there = Box::pin(self.session.unsubscribe(&filters)).await;
                self.wire.queue(Outbound::UnsubAck(
                    id,
                    were_there.map_err(|_| ConnectionEnd::ByServer(DisconnectReason::Busy))?,
                ));
            }
            Inbound::Ping => {
                self.wire.queue(Outbound::Pong);
            }
            // A session that was to end with its connection cannot be prolonged by the goodbye (section 3.14.2.2.2).
            Inbound::Disconnect { expiry_s: Some(1..), .. } if self.session.expiry_s == 0 => {
                return Err(ConnectionEnd::ByServer(DisconnectReason::Protocol));
            }
            Inbound::Disconnect { wants_will, expiry_s } => {
                return Err(ConnectionEnd::ByClient { wants_will, expiry_s });
            }
            Inbound::Connect(_) | Inbound::Unexpected => {
                return Err(ConnectionEnd::ByServer(DisconnectReason::Protocol));
            }
        }
        Ok(())
    }

    /// Begins the call of a message. Calls begin in the order of their messages, so values without a time keep this order.
    async fn publish(&mut self, publish: InboundPublish) -> Result<(), ConnectionEnd> {
        let InboundPublish { topic, payload, qos, id, is_retained, .. } = publish;
        match self.session.inbox().arrive(qos, id) {
            Arrival::Store => {}
            Arrival::Ignore => return Ok(()),
            Arrival::Stored => {
                self.wire.queue(Outbound::PubRec(id, AckReason::Success));
                return Ok(());
            }
            Arrival::QuotaExceeded => return Err(ConnectionEnd::ByServer(DisconnectReason::ReceiveMaximum)),
        }
        self.app.mqtt.sessions.counters().count_received(qos);
        let (app, who) = (self.app.clone(), self.session.principal().clone());
        let (bytes, arrived) = (topic.len() + payload.len(), Instant::now());
        self.call_bytes += bytes;
        let mut call: Call = Box::pin(async move {
            let publication = Publication { topic, payload, qos, is_retained };
            let outcome = app.mqtt.publisher.publish(&who, publication).await;
            FinishedCall { qos, id, bytes, arrived, outcome }
        });
        let call: Call = match call.as_mut().now_or_never() {
            // The connection ends once what came before is answered; nothing that follows is begun.
            Some(done) if matches!(done.outcome, PublishOutcome::Forbidden(_)) => {
                while let Some(earlier) = self.calls.next().await {
                    self.answer(earlier)?;
                }
                return self.answer(done);
            }
            Some(done) => Box::pin(std::future::ready(done)),
            None => call,
        };
        self.calls.push_back(call);
        Ok(())
    }

    /// Answers a call and those after it that are done too.
    fn answer_all(&mut self, first: FinishedCall) -> Result<(), ConnectionEnd> {
        self.answer(first)?;
        while let Some(Some(next)) = self.calls.next().now_or_never() {
            self.answer(next)?;
        }
        Ok(())
    }

    fn answer(&mut self, call: FinishedCall) -> Result<(), ConnectionEnd> {
        let FinishedCall { qos, id, bytes, arrived, outcome } = call;
        self.call_bytes = self.call_bytes.saturating_sub(bytes);
        let reason = match outcome {
            PublishOutcome::Stored => AckReason::Success,
            PublishOutcome::Malformed(_) => AckReason::PayloadInvalid,
            PublishOutcome::Forbidden(_) => {
                // The client may drop it. Version 3.1.1 cannot say so and just ends.
                if self.wire.codec.is_v5() {
                    self.acknowledge(qos, id, AckReason::NotAuthorized);
                }
                return Err(ConnectionEnd::ByServer(DisconnectReason::NotAuthorized));
            }
            PublishOutcome::QuotaExceeded(_) if self.wire.codec.is_v5() => AckReason::QuotaExceeded,
            // Never an acknowledgement: the message must come again.
            PublishOutcome::QuotaExceeded(_) => return Err(ConnectionEnd::ByServer(DisconnectReason::Quota)),
            PublishOutcome::Unavailable(error) => {
                if error.kind.is_our_fault() {
                    tracing::warn!(error = error.full_message(), "a message of MQTT cannot be stored");
                }
                return Err(ConnectionEnd::ByServer(DisconnectReason::Busy));
            }
        };
        self.app.mqtt.sessions.counters().record_acknowledgement(arrived.elapsed());
        self.acknowledge(qos, id, reason);
        Ok(())
    }

    fn acknowledge(&mut self, qos: Qos, id: u16, reason: AckReason) {
        // Version 3.1.1 has no errors: what cannot be read goes on as if it were stored. In version 5 an error ends it.
        let is_error = reason != AckReason::Success && self.wire.codec.is_v5();
        match is_error {
            true => self.session.inbox().mark_refused(qos, id),
            false => self.session.inbox().mark_stored(qos, id),
        }
        match qos {
            Qos::AtMostOnce => {}
            Qos::AtLeastOnce => {
                self.wire.queue(Outbound::PubAck(id, reason));
            }
            Qos::ExactlyOnce => {
                self.wire.queue(Outbound::PubRec(id, reason));
            }
        }
    }

    /// Lets the calls under way end, says goodbye and releases the session.
    async fn finish(mut self: Box<Self>, ending: ConnectionEnd) {
        let is_shutdown = matches!(ending, ConnectionEnd::ByServer(DisconnectReason::ShuttingDown));
        if !matches!(
            ending,
            ConnectionEnd::ByServer(
                DisconnectReason::NotAuthorized | DisconnectReason::Busy | DisconnectReason::Quota
            )
        ) {
            let drained = async {
                while let Some(call) = self.calls.next().await {
                    if self.answer(call).is_err() {
                        return;
                    }
                }
            };
            // What is not stored by then was not acknowledged.
            tokio::time::timeout(DRAIN_TIMEOUT, drained).await.unwrap_or(());
        }
        let end = match ending {
            ConnectionEnd::ByClient { wants_will, expiry_s } => MqttSessionEnd {
                publishes_will: wants_will,
                ends_session: false,
                expiry_s,
                reason: "CLIENT_INITIATED_DISCONNECT",
            },
            ConnectionEnd::Lost => MqttSessionEnd {
                publishes_will: true,
                ends_session: false,
                expiry_s: None,
                reason: "CONNECTION_LOST",
            },
            ConnectionEnd::ByServer(reason) => MqttSessionEnd {
                publishes_will: !is_shutdown,
                // Values are missing from it, which the client learns by the session that is not present.
                ends_session: reason == DisconnectReason::Quota,
                expiry_s: None,
                reason: match reason {
                    DisconnectReason::KeepAlive => "MQTT_KEEP_ALIVE_TIMEOUT",
                    _ => "SERVER_INITIATED_DISCONNECT",
                },
            },
        };
        let Self { mut wire, session, .. } = *self;
        session.end(end).await;
        if let ConnectionEnd::ByServer(reason) = ending {
            wire.queue(Outbound::Disconnect(reason));
        }
        // A client that is gone needs no goodbye.
        wire.close().await.unwrap_or(());
    }
}

fn reason_of(why: SessionEviction) -> DisconnectReason {
    match why {
        SessionEviction::TakenOver => DisconnectReason::TakenOver,
        SessionEviction::Revoked => DisconnectReason::Administrative,
        SessionEviction::Overflow => DisconnectReason::Quota,
        SessionEviction::Unavailable => DisconnectReason::Busy,
    }
}
