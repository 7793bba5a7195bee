//! `POST /ingest/facts`: OpenSynaptic facts become messages and readings.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::NewMessage;
use super::target::{MessageTargets, SensorValue};
use crate::app::gateway::event::GatewayEvent;
use crate::app::messages::Messages;
use crate::domain::message::fact::Fact;
use crate::domain::message::{MessageFormat, MessageSensor};
use crate::domain::reading::Readings;
use crate::domain::{Error, FieldError, Principal, Resource, Result, Scope, device_json};

/// Maximum facts of one request.
pub const MAX_FACTS: usize = 10_000;

impl Messages {
    /// Stores facts as messages, and their values as readings of the streams named after the sensors, all or none.
    /// Returns the ids of the messages in the order of the facts. Devices and streams that are new are created, and stay
    /// when the write fails. A fact without a time gets that of its arrival, later than any that its streams were given before:
    /// each stream keeps the values of all facts that arrive together.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; `Invalid` naming the fact (counted from 1) and its member, or when
    /// the body is neither an object nor an array of objects; `TooLarge` beyond [`MAX_FACTS`]; as `Store::write`.
    pub async fn post_facts(&self, principal: &Principal, body: &[u8]) -> Result<Vec<Uuid>> {
        principal.require(Scope::write(Resource::Value))?;
        self.store_facts(principal, parse(body)?).await
    }

    /// Like [`post_facts`](Self::post_facts) for facts as a device publishes them, which need not be strict JSON.
    ///
    /// # Errors
    /// The errors of [`post_facts`](Self::post_facts).
    pub async fn post_device_facts(&self, principal: &Principal, payload: &[u8]) -> Result<Vec<Uuid>> {
        principal.require(Scope::write(Resource::Value))?;
        let payload = device_json::trimmed(payload);
        let facts = parse(payload).or_else(|error| match device_json::rewrite(payload) {
            Some(rewritten) => parse(&rewritten),
            None => Err(error),
        })?;
        self.store_facts(principal, facts).await
    }

    async fn store_facts(&self, principal: &Principal, facts: Vec<(Fact, String)>) -> Result<Vec<Uuid>> {
        let mut targets = MessageTargets::new(self, principal);
        let (mut messages, mut readings) = (Vec::with_capacity(facts.len()), Readings::default());
        for (number, (fact, payload)) in (1_usize..).zip(facts) {
            let device = targets.device(fact.device.trim()).await.map_err(|e| in_fact(number, e))?;
            let numbers: Vec<_> = fact.sensors.iter().filter_map(reading_value).collect();
            let values = numbers.iter().map(|(sensor, value)| SensorValue {
                name: &sensor.id,
                value,
                unit: sensor.unit.as_deref(),
            });
            let stored = targets.readings(device.id, fact.ts, values.collect(), &mut readings).await;
            let ts = stored.map_err(|e| in_fact(number, e))?;
            messages.push(NewMessage {
                device: device.id,
                ts,
                status: fact.status,
                payload,
                format: MessageFormat::Fact,
                principal: String::new(),
                client: String::new(),
                sensor_count: fact.sensors.len(),
            });
        }
        self.store_messages(principal, messages, readings).await
    }

    /// Writes messages with their readings, and tells those who follow.
    pub(super) async fn store_messages(
        &self,
        principal: &Principal,
        messages: Vec<NewMessage>,
        readings: Readings,
    ) -> Result<Vec<Uuid>> {
        let messages = self.received(messages);
        let expected = self.hub.expect_messages(&messages);
        let written = self.store.write_messages(principal, &messages, readings).await;
        written.inspect_err(|_| self.hub.forget_messages(&expected))?;
        let ids = messages.iter().map(|message| message.uuid).collect();
        for message in messages {
            self.hub.send(principal.org, GatewayEvent::Message(Arc::new(message)));
        }
        Ok(ids)
    }
}

/// The value of a sensor as a reading: a number or a truth value. A number in a text is a number.
fn reading_value(sensor: &MessageSensor) -> Option<(&MessageSensor, Value)> {
    let number = sensor.value.clone()?;
    let value = if sensor.json.is_boolean() { sensor.json.clone() } else { Value::Number(number) };
    Some((sensor, value))
}

/// Reads one fact or an array of facts, each with its text as sent.
fn parse(body: &[u8]) -> Result<Vec<(Fact, String)>> {
    let malformed = |e: serde_json::Error| Error::invalid(format!("the body is no JSON: {e}"));
    let body: &RawValue = serde_json::from_slice(body).map_err(malformed)?;
    let facts: Vec<&RawValue> = match body.get().starts_with('[') {
        true => serde_json::from_str(body.get()).map_err(malformed)?,
        false => vec![body],
    };
    if facts.len() > MAX_FACTS {
        return Err(Error::too_large(format!("a request has at most {MAX_FACTS} facts")));
    }
    (1..).zip(facts).map(|(number, fact)| read(fact).map_err(|e| in_fact(number, e))).collect()
}

fn read(fact: &RawValue) -> Result<(Fact, String)> {
    let members: Map<String, Value> = serde_json::from_str(fact.get()).map_err(|error| {
        // An object may hold a number beyond 64-bit floating point, or be nested too deep.
        let problem = match fact.get().starts_with('{') {
            true => format!("cannot be read as JSON: {error}"),
            false => "a fact is a JSON object".to_owned(),
        };
        Error::field("non_field_errors", problem)
    })?;
    Ok((Fact::read(&members)?, fact.get().to_owned()))
}

/// Names the fact that an error is about.
fn in_fact(number: usize, error: Error) -> Error {
    let named = |problem: FieldError| {
        FieldError::new(format!("fact {number}"), format!("{}: {}", problem.field, problem.message))
    };
    match error.fields.is_empty() {
        true => error,
        false => Error::fields(error.fields.into_iter().map(named).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fact_and_many_are_read_as_they_were_sent() {
        for (body, expected) in [
            (r#" {"id":"a", "s1_v":1} "#, vec![("a", r#"{"id":"a", "s1_v":1}"#)]),
            ("[]", vec![]),
            (r#"[{"id":"b"},{}]"#, vec![("b", r#"{"id":"b"}"#), ("UNKNOWN", "{}")]),
        ] {
            let found = parse(body.as_bytes()).unwrap();
            let found: Vec<_> =
                found.iter().map(|(fact, text)| (fact.device.as_str(), text.as_str())).collect();
            assert_eq!(found, expected, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_number() {
        let many = format!("[{}]", vec!["{}"; MAX_FACTS + 1].join(","));
        for (body, expected) in [
            ("", "the body is no JSON"),
            ("7", "fact 1: non_field_errors: a fact is a JSON object"),
            ("[{},[]]", "fact 2: non_field_errors: a fact is a JSON object"),
            (r#"[{},{},{"t":"x"}]"#, "fact 3: t: must be epoch seconds"),
            (r#"{"s1_v":1e400}"#, "fact 1: non_field_errors: cannot be read as JSON: number out of range"),
            (&many, "a request has at most 10000 facts"),
        ] {
            let error = parse(body.as_bytes()).unwrap_err();
            assert!(error.message.contains(expected), "{expected}: {}", error.message);
        }
    }
}
