//! How far a client has come in the feed of live values, and the messages that stand for readings and commands.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::command::Command;
use crate::domain::command_params::CommandParams;
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::StreamKind;

/// The messages of the feed whose values the client has not all acknowledged.
#[derive(Default)]
pub(super) struct LiveProgress {
    open: VecDeque<OpenMessage>,
    last_number: u64,
    /// Cursor of the last message that was taken from the feed.
    pub fetched: Option<String>,
    /// Cursor up to which everything is acknowledged.
    pub acknowledged: Arc<Mutex<Option<String>>>,
}

struct OpenMessage {
    number: u64,
    left: usize,
    cursor: String,
}

impl LiveProgress {
    /// Progress of a session that goes on where its client had acknowledged everything.
    pub fn after(cursor: Option<String>) -> Self {
        Self { fetched: cursor.clone(), acknowledged: Arc::new(Mutex::new(cursor)), ..Self::default() }
    }

    /// Takes a message of the feed that becomes `count` messages of MQTT, and returns its number.
    pub fn fetch(&mut self, cursor: String, count: usize) -> u64 {
        self.last_number += 1;
        self.fetched = Some(cursor.clone());
        self.open.push_back(OpenMessage { number: self.last_number, left: count, cursor });
        self.advance();
        self.last_number
    }

    /// One message of MQTT that belongs to this message of the feed is done with.
    pub fn finish_one(&mut self, number: u64) {
        if let Some(open) = self.open.iter_mut().find(|open| open.number == number) {
            open.left = open.left.saturating_sub(1);
        }
        self.advance();
    }

    /// Forgets the messages of the feed after this one, which is not done with: they are fetched again.
    pub fn rewind_to(&mut self, number: u64) {
        self.open.retain(|open| open.number <= number);
        if let Some(last) = self.open.back() {
            self.fetched = Some(last.cursor.clone());
        }
    }

    fn advance(&mut self) {
        let mut reached = None;
        while self.open.front().is_some_and(|open| open.left == 0) {
            reached = self.open.pop_front().map(|open| open.cursor);
        }
        if reached.is_some() {
            *self.acknowledged.lock() = reached;
        }
    }
}

/// The payload of a reading: `{"value":21.5,"ts":"…"}`, with `quality` when it is not good.
pub(super) fn reading_payload(kind: StreamKind, reading: &Reading) -> Bytes {
    let mut members = json!({ "value": reading_value(kind, reading), "ts": reading.ts.to_iso() });
    if reading.quality != Quality::Good {
        members["quality"] = Value::from(reading.quality.name());
    }
    members.to_string().into()
}

fn reading_value(kind: StreamKind, reading: &Reading) -> Value {
    match (&reading.text, reading.value) {
        (Some(text), _) if kind == StreamKind::Text => Value::from(&**text),
        // JSON, a location, or an integer that is exact as text only.
        (Some(text), _) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(&**text)),
        (None, Some(value)) if kind == StreamKind::Bit => Value::from(value != 0.0),
        (None, Some(value)) if kind.integer_range().is_some() && value.fract() == 0.0 => {
            Value::from(value as i64)
        }
        (None, Some(value)) => Value::from(value),
        (None, None) => Value::Null,
    }
}

/// The payload of a reading as the MK platform has it: `{"sensorId","timestamp","value"}`.
pub(super) fn platform_payload(kind: StreamKind, reading: &Reading, sensor: Uuid) -> Bytes {
    let value = reading_value(kind, reading);
    json!({ "sensorId": sensor, "timestamp": reading.ts.to_iso(), "value": value }).to_string().into()
}

/// A command as it is sent. Its arguments are written as they were given.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommandPayload<'a> {
    id: Uuid,
    key: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    params: &'a CommandParams,
    timestamp: String,
    expires_at: String,
}

/// The payload of a command.
pub(super) fn command_payload(command: &Command) -> Bytes {
    let payload = CommandPayload {
        id: command.uuid,
        key: &command.key,
        kind: &command.spec.kind,
        params: &command.spec.params,
        timestamp: command.created_at.to_iso(),
        expires_at: command.expires_at.to_iso(),
    };
    serde_json::to_vec(&payload).expect("texts and JSON always serialise").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{CommandSpec, CommandState};
    use crate::domain::{CommandId, DeviceId, Micros, OrgId, StreamId};

    #[test]
    fn arguments_of_a_command_are_sent_as_they_were_written() {
        let params = CommandParams::parse(r#"{"body":{"b":1e2,"a":12345678901234567890123}}"#).unwrap();
        let command = Command {
            id: CommandId(1),
            org: OrgId(1),
            uuid: Uuid::nil(),
            key: "abcdefghi".to_owned(),
            spec: CommandSpec { device: DeviceId(1), kind: "set".to_owned(), params },
            created_by: String::new(),
            state: CommandState::Pending,
            created_at: Micros(0),
            expires_at: Micros(60_000_000),
            sent_at: None,
            acked_at: None,
            done_at: None,
            result: Value::Null,
            error: String::new(),
        };
        let expected = concat!(
            r#"{"id":"00000000-0000-0000-0000-000000000000","key":"abcdefghi","type":"set","#,
            r#""params":{"body":{"b":1e2,"a":12345678901234567890123}},"#,
            r#""timestamp":"1970-01-01T00:00:00Z","expiresAt":"1970-01-01T00:01:00Z"}"#
        );
        assert_eq!(command_payload(&command), expected);
    }

    #[test]
    fn a_cursor_counts_when_everything_before_it_is_acknowledged() {
        let mut progress = LiveProgress::after(Some("0".to_owned()));
        let reached = |progress: &LiveProgress| progress.acknowledged.lock().clone().unwrap();
        let (one, two) = (progress.fetch("a".to_owned(), 2), progress.fetch("b".to_owned(), 1));
        progress.fetch("c".to_owned(), 0);
        progress.finish_one(two);
        assert_eq!(reached(&progress), "0");
        progress.finish_one(one);
        assert_eq!(reached(&progress), "0");
        progress.finish_one(one);
        assert_eq!(reached(&progress), "c");
        progress.fetch("d".to_owned(), 0);
        assert_eq!((reached(&progress), progress.fetched.as_deref()), ("d".to_owned(), Some("d")));
    }

    #[test]
    fn what_is_fetched_again_counts_again() {
        let mut progress = LiveProgress::after(None);
        let one = progress.fetch("a".to_owned(), 2);
        progress.fetch("b".to_owned(), 1);
        progress.fetch("c".to_owned(), 0);
        progress.rewind_to(one);
        assert_eq!(progress.fetched.as_deref(), Some("a"));
        let again = progress.fetch("b".to_owned(), 1);
        (0..2).for_each(|_| progress.finish_one(one));
        progress.finish_one(again);
        assert_eq!(progress.acknowledged.lock().as_deref(), Some("b"));
    }

    #[test]
    fn readings_are_shown_as_their_kind() {
        let noon = Micros(1_777_377_600_000_000);
        let row = |value, text: Option<&str>, quality| Reading {
            stream: StreamId(1),
            ts: noon,
            value,
            text: text.map(Into::into),
            quality,
        };
        for (kind, reading, expected) in [
            (
                StreamKind::Fp64,
                row(Some(21.5), None, Quality::Good),
                r#"{"ts":"2026-04-28T12:00:00Z","value":21.5}"#,
            ),
            (
                StreamKind::Bit,
                row(Some(1.0), None, Quality::Good),
                r#"{"ts":"2026-04-28T12:00:00Z","value":true}"#,
            ),
            (
                StreamKind::Int16,
                row(Some(7.0), None, Quality::Good),
                r#"{"ts":"2026-04-28T12:00:00Z","value":7}"#,
            ),
            (
                StreamKind::Text,
                row(None, Some("1"), Quality::Good),
                r#"{"ts":"2026-04-28T12:00:00Z","value":"1"}"#,
            ),
            (
                StreamKind::Json,
                row(None, Some("[1]"), Quality::Good),
                r#"{"ts":"2026-04-28T12:00:00Z","value":[1]}"#,
            ),
            (
                StreamKind::Fp64,
                row(None, None, Quality::Bad),
                r#"{"quality":"bad","ts":"2026-04-28T12:00:00Z","value":null}"#,
            ),
        ] {
            let found: Value = serde_json::from_slice(&reading_payload(kind, &reading)).unwrap();
            assert_eq!(found, serde_json::from_str::<Value>(expected).unwrap());
        }
    }
}
