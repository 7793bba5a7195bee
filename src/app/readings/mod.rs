//! Readings of sensors: received from devices and services, and read by time, in buckets and summarised.
//!
//! What arrives over MQTT and over HTTP takes the same path, and is written through the one write path of the store.

pub mod buckets;
mod companion;
pub mod counters;
mod duplicates;
pub mod list;
mod quarantine_queue;
mod resolver;
pub mod summary;

use std::sync::Arc;

use self::counters::ReadingCounters;
use self::quarantine_queue::QuarantineQueue;
use self::resolver::{ResolvedPayload, Resolver};
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::mk::sensor::Sensors;
use super::sql::Statements;
use crate::domain::quarantine::{Mistake, QuarantineEntry, QuarantineReason};
use crate::domain::reading_payload::MAX_MESSAGE_BYTES;
use crate::domain::reading_payload::item::{self, Payload};
use crate::domain::{Clock, DeviceId, Error, Kind, Principal, Resource, Result, Scope, device_json};
use crate::query::Engine;
use crate::store::Store;

/// Maximum readings of an answered request.
pub const MAX_READINGS: usize = 1000;
/// Maximum rows that one payload puts into quarantine; what is refused beyond shares the last one.
const MAX_ENTRIES: usize = 1000;
/// How often a payload is resolved again because a stream went, or a time expired, before it was written.
const MAX_ATTEMPTS: usize = 3;

/// Source of a payload.
#[derive(Debug, Clone, Copy)]
pub struct ReadingSource<'a> {
    /// Sender of the payload.
    pub principal: &'a Principal,
    /// The device that sends it: keys of sensors are those of this device, and sensors of others are unknown. `None` for
    /// a service, which names sensors by id.
    pub device: Option<DeviceId>,
    /// MQTT topic, or the path of the HTTP request; shown in quarantine.
    pub topic: &'a str,
    /// Whether the sender gets an answer. Then a payload that is no reading at all is refused, not quarantined, and
    /// duplicates are counted.
    pub is_answered: bool,
}

/// Outcome of the readings of a payload. Each is counted once; the values of a component are one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceivedReadings {
    /// Stored at a time at which the sensor had no value.
    pub accepted: usize,
    /// Stored in place of a value of the same time; 0 unless the sender is answered.
    pub duplicates: usize,
    /// Not accepted, kept in quarantine.
    pub quarantined: usize,
}

/// Readings of sensors, and the health reports of devices, which are kept beside them.
pub struct SensorReadings {
    pub(super) store: Arc<Store>,
    pub(super) engine: Arc<Engine>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) states: CollectorStates,
    statements: Arc<Statements>,
    sensors: Arc<Sensors>,
    pub(super) counters: Arc<ReadingCounters>,
    queue: QuarantineQueue,
}

impl SensorReadings {
    pub(super) fn new(parts: &CoreParts, statements: Arc<Statements>, sensors: Arc<Sensors>) -> Self {
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            statements,
            sensors,
            counters: Arc::default(),
            queue: QuarantineQueue::default(),
        }
    }

    /// Stores the readings of a payload, durable on return, all of them in one write. Sensors that a device reports
    /// first are created. What is not accepted is in quarantine, durable as well, and delays nothing else.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; `NotFound` for a device that is not visible; as `Store::write` for
    /// `Busy` and `Unavailable`: nothing is acknowledged, and the payload may be sent again. For a sender that is
    /// answered also `Invalid` for a body that is no reading or more than [`MAX_READINGS`], and `TooLarge`.
    pub async fn receive_readings(
        &self,
        source: &ReadingSource<'_>,
        payload: &[u8],
    ) -> Result<ReceivedReadings> {
        source.principal.require(Scope::write(Resource::Value))?;
        let rewritten;
        let mut parsed = parse(source, payload);
        // A number that is none costs its reading, not the message. Senders that are answered send strict JSON.
        if parsed.is_err()
            && !source.is_answered
            && let Some(strict) = device_json::rewrite(payload)
        {
            rewritten = strict;
            parsed = parse(source, &rewritten);
        }
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(refusal) if source.is_answered => return Err(refusal.into_error()),
            Err(refusal) => {
                let entry = self.quarantine_entry(source, &refusal.0, payload);
                self.keep_in_quarantine(source.principal, vec![entry]).await?;
                return Ok(ReceivedReadings { quarantined: 1, ..ReceivedReadings::default() });
            }
        };
        let (resolved, duplicates) = self.store_readings(source, &parsed).await?;
        let ResolvedPayload { points, refused, .. } = resolved;
        let quarantined = refused.len();
        if quarantined > 0 {
            self.keep_in_quarantine(source.principal, bounded(refused)).await?;
        }
        let accepted = points.len() - duplicates;
        self.counters.count_stored(accepted, duplicates);
        Ok(ReceivedReadings { accepted, duplicates, quarantined })
    }

    async fn store_readings(
        &self,
        source: &ReadingSource<'_>,
        parsed: &Payload<'_>,
    ) -> Result<(ResolvedPayload, usize)> {
        let mut attempts = 0;
        loop {
            let mut resolved = Resolver::new(self, source)?.resolve(parsed).await?;
            let duplicates = match source.is_answered {
                true => self.count_duplicates(source.principal, &resolved.points).await?,
                false => 0,
            };
            let rows = std::mem::take(&mut resolved.readings);
            attempts += 1;
            match self.store.write(source.principal, rows).await {
                Ok(_) => return Ok((resolved, duplicates)),
                // A stream was deleted, or a time expired, after the row was checked: it is found wrong now.
                Err(error) if error.kind == Kind::Invalid && attempts < MAX_ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn quarantine_entry(
        &self,
        source: &ReadingSource<'_>,
        mistake: &Mistake,
        payload: &[u8],
    ) -> QuarantineEntry {
        let entry = QuarantineEntry::new(mistake, source.topic, payload, self.clock.now());
        QuarantineEntry { device: source.device, ..entry }
    }

    /// Keeps what was not accepted where people find it, and counts it.
    pub(in crate::app) async fn keep_in_quarantine(
        &self,
        principal: &Principal,
        entries: Vec<QuarantineEntry>,
    ) -> Result<()> {
        let reasons: Vec<QuarantineReason> = entries.iter().map(|entry| entry.reason).collect();
        self.queue.store(&self.store.catalog().quarantine, principal, entries).await?;
        reasons.into_iter().for_each(|reason| self.counters.count_quarantined(reason));
        Ok(())
    }
}

/// Why a payload is refused as a whole.
struct PayloadRefusal(Mistake);

impl PayloadRefusal {
    /// The error for a sender that is answered, in the words of the platform.
    fn into_error(self) -> Error {
        let Mistake { reason, members } = self.0;
        let is_whole = members.iter().all(|member| member.field == "payload");
        let message = members.iter().map(|member| member.message.clone()).collect::<Vec<_>>().join("; ");
        match reason {
            QuarantineReason::TooLarge if is_whole => Error::too_large(format!("the body {message}")),
            _ if is_whole => Error::invalid("Malformed request body").with_source(message),
            _ => Error::fields(members),
        }
    }
}

/// Reads a payload. For a sender that gets an answer, one malformed reading refuses the payload.
fn parse<'a>(source: &ReadingSource<'_>, payload: &'a [u8]) -> Result<Payload<'a>, PayloadRefusal> {
    let refusal = |reason, message: String| PayloadRefusal(Mistake::new(reason, "payload", message));
    if payload.len() > MAX_MESSAGE_BYTES {
        let message = format!("has {} bytes; at most {MAX_MESSAGE_BYTES} are accepted", payload.len());
        return Err(refusal(QuarantineReason::TooLarge, message));
    }
    let parsed = item::parse(payload).map_err(PayloadRefusal)?;
    if !source.is_answered {
        return Ok(parsed);
    }
    if parsed.rows.len() > MAX_READINGS {
        let message = format!("size must be between 0 and {MAX_READINGS}");
        return Err(PayloadRefusal(Mistake::new(QuarantineReason::TooLarge, "readings", message)));
    }
    if let (false, [row]) = (parsed.is_array, parsed.rows.as_slice())
        && let Err(mistake) = &row.item
        && mistake.reason == QuarantineReason::Malformed
    {
        return Err(PayloadRefusal(mistake.clone()));
    }
    Ok(parsed)
}

/// Joins what exceeds the rows that one payload may take in quarantine.
fn bounded(mut refused: Vec<QuarantineEntry>) -> Vec<QuarantineEntry> {
    let more = refused.len().saturating_sub(MAX_ENTRIES);
    refused.truncate(MAX_ENTRIES);
    if let Some(last) = refused.last_mut().filter(|_| more > 0) {
        last.detail = format!("{}; {more} further readings of this message are refused too", last.detail);
    }
    refused
}

#[cfg(test)]
mod tests;
