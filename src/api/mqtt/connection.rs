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
use super::encode::{AckReason, Out, Reason};
use super::wire::{In, InPublish, MqttWire, PacketError};
use crate::app::App;
use crate::app::mqtt::session::{MqttSession, SessionEvent};
use crate::app::mqtt::upkeep::SessionEnd;
use crate::app::mqtt::{MqttEnd, Publication, PublishOutcome};
use crate::domain::mqtt::Qos;
use crate::domain::mqtt::inbox::Arrival;
use crate::domain::mqtt::outbox::Delivery;

/// Messages of a client whose calls are under way.
const MAX_CALLS: usize = 256;
/// Bytes of these messages.
const MAX_CALL_BYTES: usize = 1 << 20;
/// How long the calls of a client that is gone may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(35);

/// What a connection is made of.
pub struct Parts {
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
    last_heard: Instant,
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
enum Ending {
    /// DISCONNECT.
    Goodbye { wants_will: bool, expiry_s: Option<u32> },
    /// The socket is closed or takes nothing.
    Gone,
    /// The server ends it, and says why where the version allows it.
    Told(Reason),
}

/// The end of a connection that lost its slot before its client was answered.
pub fn evicted() -> SessionEnd {
    let reason = "SERVER_INITIATED_DISCONNECT";
    SessionEnd { publishes_will: false, ends_session: false, expiry_s: None, reason }
}

impl MqttConnection {
    pub fn new(wire: MqttWire, parts: Parts) -> Self {
        let Parts { app, session, silence } = parts;
        let (last_heard, calls) = (Instant::now(), FuturesOrdered::new());
        Self { wire, app, session, silence, last_heard, calls, call_bytes: 0 }
    }

    /// Serves the client until one side ends it.
    pub async fn serve(mut self, stop: &CancellationToken) {
        let ending = loop {
            match self.step(stop).await {
                Ok(()) => {}
                Err(ending) => break ending,
            }
        };
        self.finish(ending).await;
    }

    async fn step(&mut self, stop: &CancellationToken) -> Result<(), Ending> {
        self.send_waiting();
        self.wire.flush().await.map_err(|_| Ending::Gone)?;
        let may_read = self.calls.len() < MAX_CALLS && self.call_bytes < MAX_CALL_BYTES;
        if may_read {
            match self.wire.next_packet() {
                Ok(Some(packet)) => return self.handle(packet).await,
                Ok(None) => {}
                Err(PacketError::TooLarge) => return Err(Ending::Told(Reason::TooLarge)),
                Err(PacketError::Malformed) => return Err(Ending::Told(Reason::Malformed)),
            }
        }
        // Who is held back cannot be heard.
        let deadline = self.silence.filter(|_| may_read).map(|silence| self.last_heard + silence);
        let silent = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Ending::Told(Reason::ShuttingDown)),
            Some(call) = self.calls.next(), if !self.calls.is_empty() => self.answer_all(call),
            event = self.session.next_event() => match event {
                SessionEvent::Queued => Ok(()),
                SessionEvent::End(why) => Err(Ending::Told(reason_of(why))),
            },
            read = self.wire.read_more(), if may_read => match read {
                Ok(true) => {
                    self.last_heard = Instant::now();
                    Ok(())
                }
                Ok(false) | Err(_) => Err(Ending::Gone),
            },
            () = silent => Err(Ending::Told(Reason::KeepAlive)),
        }
    }

    /// Queues what the client may be sent now.
    fn send_waiting(&mut self) {
        while self.wire.has_room() {
            let Some(delivery) = self.session.next_delivery() else { return };
            match delivery {
                Delivery::Release(id) => {
                    self.wire.queue(Out::PubRel(id));
                }
                Delivery::Publish { id, is_repeat, message } => {
                    let is_two_step = message.qos == Qos::ExactlyOnce;
                    let is_sent = self.wire.queue(Out::Publish { id, is_repeat, message });
                    if let Some(id) = id.filter(|_| !is_sent) {
                        self.app.mqtt_counters().dropped();
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

    async fn handle(&mut self, packet: In) -> Result<(), Ending> {
        self.session.hear();
        if let Some(reason) = check::packet_problem(&packet) {
            return Err(Ending::Told(reason));
        }
        match packet {
            In::Publish(publish) => return self.publish(publish).await,
            // Acknowledgements of what was not sent are a mistake without consequences.
            In::PubAck(id) => self.session.acknowledge(id).unwrap_or(()),
            In::PubRec { id, is_refused } => {
                if self.session.receive(id, is_refused).is_err() && !is_refused {
                    // The client waits for the release of a message of an earlier time.
                    self.wire.queue(Out::PubRel(id));
                }
            }
            In::PubComp(id) => self.session.complete(id).unwrap_or(()),
            In::PubRel(id) => {
                let is_known = self.session.inbox().release(id);
                self.wire.queue(Out::PubComp(id, is_known));
            }
            In::Subscribe { id, requests, .. } => {
                let grants = self.session.subscribe(requests).await;
                self.wire.queue(Out::SubAck(id, grants.map_err(|_| Ending::Told(Reason::Busy))?));
            }
            In::Unsubscribe { id, filters } => {
                let were_there = self.session.unsubscribe(&filters).await;
                self.wire.queue(Out::UnsubAck(id, were_there.map_err(|_| Ending::Told(Reason::Busy))?));
            }
            In::Ping => {
                self.wire.queue(Out::Pong);
            }
            // A session that was to end with its connection cannot be prolonged by the goodbye (section 3.14.2.2.2).
            In::Disconnect { expiry_s: Some(1..), .. } if self.session.expiry_s == 0 => {
                return Err(Ending::Told(Reason::Protocol));
            }
            In::Disconnect { wants_will, expiry_s } => return Err(Ending::Goodbye { wants_will, expiry_s }),
            In::Connect(_) | In::Unexpected => return Err(Ending::Told(Reason::Protocol)),
        }
        Ok(())
    }

    /// Begins the call of a message. Calls begin in the order of their messages, so values without a time keep this order.
    async fn publish(&mut self, publish: InPublish) -> Result<(), Ending> {
        let InPublish { topic, payload, qos, id, is_retained, .. } = publish;
        match self.session.inbox().arrive(qos, id) {
            Arrival::Store => {}
            Arrival::Ignore => return Ok(()),
            Arrival::Stored => {
                self.wire.queue(Out::PubRec(id, AckReason::Success));
                return Ok(());
            }
            Arrival::QuotaExceeded => return Err(Ending::Told(Reason::ReceiveMaximum)),
        }
        self.app.mqtt_counters().received(qos);
        let (app, who) = (self.app.clone(), self.session.principal().clone());
        let (bytes, arrived) = (topic.len() + payload.len(), Instant::now());
        self.call_bytes += bytes;
        let mut call: Call = Box::pin(async move {
            let publication = Publication { topic, payload, qos, is_retained };
            let outcome = app.mqtt_publish(&who, publication).await;
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
    fn answer_all(&mut self, first: FinishedCall) -> Result<(), Ending> {
        self.answer(first)?;
        while let Some(Some(next)) = self.calls.next().now_or_never() {
            self.answer(next)?;
        }
        Ok(())
    }

    fn answer(&mut self, call: FinishedCall) -> Result<(), Ending> {
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
                return Err(Ending::Told(Reason::NotAuthorized));
            }
            PublishOutcome::QuotaExceeded(_) if self.wire.codec.is_v5() => AckReason::QuotaExceeded,
            // Never an acknowledgement: the message must come again.
            PublishOutcome::QuotaExceeded(_) => return Err(Ending::Told(Reason::Quota)),
            PublishOutcome::Unavailable(error) => {
                if error.kind.is_our_fault() {
                    tracing::warn!(error = error.full_message(), "a message of MQTT cannot be stored");
                }
                return Err(Ending::Told(Reason::Busy));
            }
        };
        self.app.mqtt_counters().acknowledged(arrived.elapsed());
        self.acknowledge(qos, id, reason);
        Ok(())
    }

    fn acknowledge(&mut self, qos: Qos, id: u16, reason: AckReason) {
        // Version 3.1.1 has no errors: what cannot be read goes on as if it were stored. In version 5 an error ends it.
        let is_error = reason != AckReason::Success && self.wire.codec.is_v5();
        match is_error {
            true => self.session.inbox().refused(qos, id),
            false => self.session.inbox().stored(qos, id),
        }
        match qos {
            Qos::AtMostOnce => {}
            Qos::AtLeastOnce => {
                self.wire.queue(Out::PubAck(id, reason));
            }
            Qos::ExactlyOnce => {
                self.wire.queue(Out::PubRec(id, reason));
            }
        }
    }

    /// Lets the calls under way end, says goodbye and releases the session.
    async fn finish(mut self, ending: Ending) {
        let is_shutdown = matches!(ending, Ending::Told(Reason::ShuttingDown));
        if !matches!(ending, Ending::Told(Reason::NotAuthorized | Reason::Busy | Reason::Quota)) {
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
            Ending::Goodbye { wants_will, expiry_s } => SessionEnd {
                publishes_will: wants_will,
                ends_session: false,
                expiry_s,
                reason: "CLIENT_INITIATED_DISCONNECT",
            },
            Ending::Gone => SessionEnd {
                publishes_will: true,
                ends_session: false,
                expiry_s: None,
                reason: "CONNECTION_LOST",
            },
            Ending::Told(reason) => SessionEnd {
                publishes_will: !is_shutdown,
                // Values are missing from it, which the client learns by the session that is not present.
                ends_session: reason == Reason::Quota,
                expiry_s: None,
                reason: match reason {
                    Reason::KeepAlive => "MQTT_KEEP_ALIVE_TIMEOUT",
                    _ => "SERVER_INITIATED_DISCONNECT",
                },
            },
        };
        let Self { mut wire, session, .. } = self;
        session.end(end).await;
        if let Ending::Told(reason) = ending {
            wire.queue(Out::Disconnect(reason));
        }
        // A client that is gone needs no goodbye.
        wire.close().await.unwrap_or(());
    }
}

fn reason_of(why: MqttEnd) -> Reason {
    match why {
        MqttEnd::TakenOver => Reason::TakenOver,
        MqttEnd::Revoked => Reason::Administrative,
        MqttEnd::Overflow => Reason::Quota,
        MqttEnd::Unavailable => Reason::Busy,
    }
}
