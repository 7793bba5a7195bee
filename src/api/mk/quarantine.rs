//! `/admin/quarantine`: readings that were not accepted.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::events::device_of;
use super::noun::list::{FieldVisitor, MkNoun, read_only};
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::quarantine::QuarantinedReading;
use crate::domain::mk_role::MkPermission;
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{QuarantineEntry, QuarantineFilter, QuarantineReason};

const COLLECTION: &str = "/api/v1/admin/quarantine";
const ONE: &str = "/api/v1/admin/quarantine/{id}";
const TITLE: &str = "QuarantinedReading";

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("QuarantinedReading");
    let list_doc = paged(Doc::new("listQuarantine", "List quarantined readings"))
        .query("deviceId", id(), "Only readings of this device.")
        .query("reason", reasons(), "Only readings that were refused for this reason.")
        .query("from", schema::time_input(), "First time of arrival.")
        .query("to", schema::time_input(), "End, which is not included.")
        .answers(200, "A page of quarantined readings.", page_of("QuarantinedReading"));
    let get_doc = Doc::new("getQuarantined", "Get a quarantined reading").answers(
        200,
        "The refused reading with its payload.",
        row(),
    );
    let delete_doc = Doc::new("deleteQuarantined", "Delete a quarantined reading");
    Section {
        name: "Quarantine",
        about: "Readings that were not accepted, with the reason. They are kept for 30 days, and an organization's \
                oldest ones make room for new ones beyond 10,000.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc).needs(MkPermission::Manage),
            Endpoint::get(ONE, one, get_doc).needs(MkPermission::Manage),
            Endpoint::delete(ONE, delete, delete_doc.answers_nothing("The reading is deleted."))
                .needs(MkPermission::Manage),
        ],
        schemas: vec![schemas::view::<QuarantineRow>("QuarantinedReading")],
    }
}

/// A quarantined reading as shown.
struct QuarantineRow {
    /// Its time is that of the arrival.
    stamp: Stamp,
    device: Option<Uuid>,
    sensor: Option<Uuid>,
    topic: String,
    reason: QuarantineReason,
    detail: String,
    /// As JSON where it is, else as a text.
    payload: Value,
}

impl MkNoun for QuarantineRow {
    fn blank() -> Self {
        QuarantineRow {
            stamp: Stamp::default(),
            device: None,
            sensor: None,
            topic: String::new(),
            reason: QuarantineReason::Malformed,
            detail: String::new(),
            payload: Value::Null,
        }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let QuarantineRow { stamp, device, sensor, topic, reason, detail, payload } = self;
        let uuid = || nullable(id());
        stamp.visit_id(visitor);
        let about = "UUID of the device that the row belongs to; it cannot be changed.";
        visitor.visit(read_only("deviceId", about, uuid), device);
        visitor.visit(read_only("sensorId", "UUID of the sensor that the row is about.", uuid), sensor);
        let about = "MQTT topic or HTTP path that the reading was sent to.";
        visitor.visit(read_only("topic", about, schema::string), topic);
        let about = "Why the reading was refused, one of a closed set of words.";
        visitor.visit(read_only("reason", about, reasons), reason);
        let about = "The mistake, as a sentence for people.";
        visitor.visit(read_only("detail", about, schema::string), detail);
        visitor
            .visit(read_only("payload", "Payload as sent, at most 16 KiB of it.", schema::anything), payload);
        let about = "Time at which the reading arrived at the server, ISO-8601 in UTC.";
        visitor.visit(read_only("receivedAt", about, schema::time), &mut stamp.created_at);
        stamp.visit_created_at(visitor);
    }
}

fn reasons() -> ValueSchema {
    schema::choice_of::<QuarantineReason>()
}

fn view(QuarantinedReading { row, device, sensor }: QuarantinedReading) -> ShownRow {
    let QuarantineEntry { topic, reason, detail, payload, received_at, .. } = row.entry;
    let stamp = Stamp { id: row.uuid, created_at: received_at, updated_at: received_at };
    let payload = serde_json::from_str(&payload).unwrap_or(Value::String(payload));
    ShownRow::new(QuarantineRow { stamp, device, sensor, topic, reason, detail, payload })
}

async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&["createdAt", "receivedAt"])?;
    let reason = query.choice("reason", &QuarantineReason::ALL, QuarantineReason::name)?;
    let (from, to) = (query.time("from")?, query.time("to")?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(MkError::invalid_parameter("from"));
    }
    let device = device_of(&app, &caller.principal, &query)?;
    // A device that does not exist has no rows.
    if device.is_unknown() {
        return Ok(ok(page.page(Vec::<ShownRow>::new(), 0)));
    }
    let newest_first = page.sort.first().is_none_or(|order| order.is_descending);
    let cut = Pagination { offset: page.offset(), limit: page.size };
    let filter =
        QuarantineFilter { device: device.row(), reason, from, to, newest_first, after: None, page: cut };
    let (rows, total) = app.quarantine.quarantined(&caller.principal, &filter).await?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    Ok(ok(page.page(rows, total).map(view)))
}

async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.quarantine.quarantined_reading(&caller.principal, *id).await;
    Ok(ok(view(found.map_err(|error| MkError::named(error, TITLE, *id))?)))
}

async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.quarantine.delete_quarantined(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}
