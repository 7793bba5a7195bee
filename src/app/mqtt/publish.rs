//! Messages from clients: each is one call of the core.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::payload::{self, Point};
use super::topics::{GatewayCall, GatewayTopic, Route};
use super::{MqttPublisher, access, retained, retained_index};
use crate::app::gateway::session::{PARENT, SessionEvent};
use crate::app::messages::document::NewDocument;
use crate::app::messages::target::{MessageTargets, SensorValue};
use crate::app::value_parsing;
use crate::domain::device::Device;
use crate::domain::mqtt::Qos;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Error, Kind, Micros, Principal, Resource, Result, Scope};

/// How long a message waits for a store that is full, before its client is sent away to try again.
const MAX_WAIT: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// A message from a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    pub topic: String,
    pub payload: Bytes,
    pub qos: Qos,
    pub is_retained: bool,
}

/// Outcome of a message.
#[derive(Debug)]
pub enum PublishOutcome {
    /// It is durable; a message of Sparkplug is handed on to the clients that are connected.
    Stored,
    /// It cannot be read and never will be: it is acknowledged, so that nobody sends it for ever.
    Malformed(Error),
    /// A quota of the organization is used up.
    QuotaExceeded(Error),
    /// The topic is not the client's.
    Forbidden(Error),
    /// It may succeed later: it must not be acknowledged.
    Unavailable(Error),
}

impl MqttPublisher {
    /// Carries out a message of a client. A store that is full holds it back.
    pub async fn publish(&self, who: &Principal, publication: Publication) -> PublishOutcome {
        let begin = Instant::now();
        let error = loop {
            match self.carry_out(who, &publication).await {
                Ok(()) => return PublishOutcome::Stored,
                Err(error) if error.kind == Kind::Busy && begin.elapsed() < MAX_WAIT => {
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
                Err(error) => break error,
            }
        };
        match error.kind {
            Kind::Invalid | Kind::NotFound | Kind::Conflict | Kind::Gone | Kind::TooLarge => {
                self.state.counters.count_malformed();
                let caller = who.caller.to_string();
                tracing::debug!(%caller, error = error.full_message(), "a message of MQTT cannot be read");
                PublishOutcome::Malformed(error)
            }
            Kind::LimitReached => PublishOutcome::QuotaExceeded(error),
            Kind::Forbidden | Kind::Unauthenticated => {
                self.access.log_forbidden_topic(&who.caller.to_string(), &publication.topic);
                PublishOutcome::Forbidden(error)
            }
            Kind::Busy
            | Kind::Throttled
            | Kind::Timeout
            | Kind::DeviceFault
            | Kind::Unavailable
            | Kind::Internal => PublishOutcome::Unavailable(error),
        }
    }

    async fn carry_out(&self, who: &Principal, publication: &Publication) -> Result<()> {
        let Publication { topic, payload, qos, is_retained } = publication;
        match Route::parse(topic).ok_or_else(access::topic_forbidden_error)? {
            Route::Facts => self.publish_facts(who, payload).await,
            Route::Gateway(named) => self.publish_report(who, named, payload).await,
            Route::Platform(named) => self.publish_to_platform(who, named, publication).await,
            Route::Sparkplug(direction) => self.publish_to_sparkplug(who, direction, publication),
            Route::BridgeState => Ok(()),
            Route::Values { device, stream } => {
                who.require(Scope::write(Resource::Value))?;
                if *is_retained {
                    self.check_retained_room(who, topic, payload)?;
                }
                let device = self.publishing_device(who, device).await?;
                let rights = self.access.rights_on(who, &device)?;
                let topic = || retained_index::canonical_topic(&device, stream);
                let message = match *is_retained {
                    // An empty payload removes the retained message and is no value.
                    true if payload.is_empty() => return self.remove_retained(device.org, topic()).await,
                    true => Some(retained::message(&device, (topic(), &payload[..]), *qos, self.clock.now())),
                    false => None,
                };
                let message = message.map(|message| self.announce_retained(message));
                match stream {
                    Some(stream) => self.publish_points(&rights, &device, stream, payload).await?,
                    None => self.publish_samples(&rights, &device, publication).await?,
                }
                match message {
                    Some(message) => self.keep_retained(message).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// The device of a topic; an unrestricted principal's is created when it is new.
    async fn publishing_device(&self, who: &Principal, name: &str) -> Result<Arc<Device>> {
        match self.access.named_device(who, name) {
            Some(device) => Ok(device),
            None if who.is_restricted() => Err(access::topic_forbidden_error()),
            None => MessageTargets::new(&self.messages, who).device(name).await,
        }
    }

    /// A restricted client may send facts of its own devices only; another device in the payload is no error of the
    /// topic, so the message is malformed.
    async fn publish_facts(&self, who: &Principal, payload: &[u8]) -> Result<()> {
        self.messages.post_device_facts(who, payload).await.map(drop)
    }

    async fn publish_points(&self, who: &Principal, device: &Device, name: &str, bytes: &[u8]) -> Result<()> {
        let points = payload::points(bytes)?;
        let arrived = self.clock.now();
        let mut stream = self.store.catalog().streams.stream_of_device(who, device.id, name.trim()).ok();
        let mut readings = Readings::with_capacity(points.len());
        for Point { ts, value } in points {
            let target = match &stream {
                Some(known) => known.clone(),
                None => self.new_stream(who, device, name, &value).await?,
            };
            stream = Some(target.clone());
            let ts = ts.unwrap_or_else(|| self.store.assign_ts(target.id, arrived));
            readings.push(reading(&target, ts, &value)?);
        }
        self.store.write(who, readings).await.map(drop)
    }

    async fn new_stream(
        &self,
        who: &Principal,
        device: &Device,
        name: &str,
        value: &Value,
    ) -> Result<Arc<Stream>> {
        let sensor = SensorValue { name, value, unit: None };
        let made = MessageTargets::new(&self.messages, who).stream(device.id, &sensor).await?;
        let message = "there is no such stream, and only a number or a truth value creates one";
        made.ok_or_else(|| Error::field("stream", message))
    }

    async fn publish_report(&self, who: &Principal, named: GatewayTopic<'_>, bytes: &[u8]) -> Result<()> {
        let gateway =
            self.access.named_device(who, named.gateway).ok_or_else(access::topic_forbidden_error)?;
        let device = self.access.named_device(who, named.device).ok_or_else(access::topic_forbidden_error)?;
        let is_below = device.id == gateway.id || device.spec.parent_device == Some(gateway.id);
        if !is_below || !self.access.is_project(who, named.project) {
            return Err(access::topic_forbidden_error());
        }
        let rights = self.access.rights_on(who, &device)?;
        let mut members = payload::object(bytes)?;
        match named.call {
            GatewayCall::Document => {
                let certificate = self.store.catalog().provisioning.certificate_of(&rights, gateway.id);
                let document = NewDocument {
                    device: device.id,
                    ts: None,
                    document: members,
                    payload: payload::object_text(bytes)?,
                    principal: certificate.map(|found| found.fingerprint.clone()).unwrap_or_default(),
                    client: gateway.aliases.key.clone(),
                };
                self.messages.post_document(&rights, document).await.map(drop)
            }
            GatewayCall::Session(event) => {
                let is_pairing = !matches!(event, SessionEvent::Connected | SessionEvent::Disconnected);
                if is_pairing && device.id != gateway.id {
                    members.insert(PARENT.to_owned(), Value::from(gateway.aliases.key.clone()));
                }
                self.gateway.report_session(&rights, device.id, event, members).await
            }
            GatewayCall::Log => self.gateway.report_log_from_json(&rights, device.id, members),
            GatewayCall::CommandResult => {
                let id = members.remove("id").unwrap_or_default();
                let id = id.as_str().unwrap_or_default();
                let uuid = match Uuid::try_parse(id) {
                    Ok(uuid) => uuid,
                    Err(_) => self.commands.command_by_key(&rights, id)?.uuid,
                };
                let command = self.commands.command_to_report(&rights, uuid)?;
                if command.spec.device != device.id {
                    return Err(access::topic_forbidden_error());
                }
                self.gateway.report_command_from_json(&rights, uuid, members).await.map(drop)
            }
        }
    }
}

pub(super) fn reading(stream: &Stream, ts: Micros, value: &Value) -> Result<Reading> {
    let parsed = value_parsing::parse_reading_value(&stream.spec, value);
    let (value, text) = parsed.map_err(|message| Error::field("value", message))?;
    Ok(Reading { stream: stream.id, ts, value, text, quality: Quality::Good })
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
