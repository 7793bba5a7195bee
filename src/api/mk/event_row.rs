//! Events and the lifecycles of alerts, as shown.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::noun::list::{FieldVisitor, MkNoun, read_only};
use super::noun::nested::NestedObject;
use super::noun::stamp::Stamp;
use super::openapi_document::id;
use crate::api::openapi::schema::{self, nullable};
use crate::app::alert::events::ShownEvent;
use crate::app::fields::shown::ShownRow;
use crate::domain::Micros;
use crate::domain::alert::{AlertLifecycle, AlertStatus, Severity};
use crate::domain::event::EventSource;

/// Description of the type.
pub const TYPE: &str = "Kind of the event, such as `alert` or `anomaly`.";
/// Description of the time.
pub const TIMESTAMP: &str = "Time of the event, as its creator gives it.";
/// Description of a field whose name means something else for commands.
pub const ACKNOWLEDGED_AT: &str = "Time at which somebody acknowledged the alert.";
/// Description of the title.
pub const EVENT_TITLE: &str = "Sentence for people that says what happened.";
/// Description of the payload.
pub const PAYLOAD: &str = "Any data of the creator, at most 64 KiB of JSON.";

impl MkNoun for AlertLifecycle {
    fn blank() -> Self {
        AlertLifecycle::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let AlertLifecycle { status, acknowledged_at, acknowledged_by, resolved_at, resolved_by, note } =
            self;
        let (moment, text) = (|| nullable(schema::time()), || nullable(schema::string()));
        let states = schema::choice_of::<AlertStatus>;
        visitor
            .visit(read_only("status", "State of the row, or HTTP status of the response.", states), status);
        visitor.visit(read_only("acknowledgedAt", ACKNOWLEDGED_AT, moment), acknowledged_at);
        let about = "Caller who acknowledged the alert: a user, or `key_` and a key.";
        visitor.visit(read_only("acknowledgedBy", about, text), acknowledged_by);
        let about = "Time at which the alert was resolved, ISO-8601 in UTC.";
        visitor.visit(read_only("resolvedAt", about, moment), resolved_at);
        let about = "Caller who resolved the alert; `system` when its condition ended.";
        visitor.visit(read_only("resolvedBy", about, text), resolved_by);
        let about = "Note that somebody wrote who acknowledged or resolved the alert.";
        visitor.visit(read_only("note", about, text), note);
    }
}

/// An event as shown. A body is read in an order of its own.
#[derive(Default)]
pub struct EventRow {
    stamp: Stamp,
    source: EventSource,
    kind: String,
    severity: Severity,
    device: Option<Uuid>,
    sensor: Option<Uuid>,
    timestamp: Micros,
    title: String,
    payload: Map<String, Value>,
    lifecycle: Option<NestedObject<AlertLifecycle>>,
}

impl MkNoun for EventRow {
    fn blank() -> Self {
        EventRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let EventRow { stamp, source, kind, severity, device, sensor, timestamp, title, payload, lifecycle } =
            self;
        let uuid = || nullable(id());
        let severities = schema::choice_of::<Severity>;
        stamp.visit_id(visitor);
        let about = "Origin of the event, such as a device or a rule.";
        visitor.visit(read_only("source", about, schema::choice_of::<EventSource>), source);
        visitor.visit(read_only("type", TYPE, schema::string), kind);
        visitor.visit(read_only("severity", "How bad the event or alert is.", severities), severity);
        let about = "UUID of the device that the row belongs to; it cannot be changed.";
        visitor.visit(read_only("deviceId", about, uuid), device);
        visitor.visit(read_only("sensorId", "UUID of the sensor that the row is about.", uuid), sensor);
        visitor.visit(read_only("timestamp", TIMESTAMP, schema::time), timestamp);
        visitor.visit(read_only("title", EVENT_TITLE, schema::string), title);
        visitor.visit(read_only("payload", PAYLOAD, schema::map), payload);
        let about = "State of the alert, with its steps; null for any other event.";
        let reference = || nullable(schema::reference("EventLifecycle"));
        visitor.visit(read_only("lifecycle", about, reference), lifecycle);
        stamp.visit_created_at(visitor);
    }
}

/// Shows an event.
pub fn view(ShownEvent { event, device, sensor }: ShownEvent) -> ShownRow {
    ShownRow::new(EventRow {
        stamp: Stamp { id: event.uuid, created_at: event.created_at, updated_at: event.created_at },
        source: event.source,
        kind: event.spec.kind,
        severity: Severity::from(event.spec.level),
        device,
        sensor,
        timestamp: event.spec.ts,
        title: event.spec.message,
        payload: event.spec.payload,
        lifecycle: event.alert.map(|alert| NestedObject(alert.lifecycle)),
    })
}
