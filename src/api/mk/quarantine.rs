//! `/admin/quarantine`: readings that were not accepted.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{iso, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::quarantine::QuarantinedReading;
use crate::domain::Kind;
use crate::domain::mk_role::MkPermission;
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{QuarantineFilter, QuarantineReason};

const COLLECTION: &str = "/api/v1/admin/quarantine";
const ONE: &str = "/api/v1/admin/quarantine/{id}";
const TITLE: &str = "Quarantined reading";

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("QuarantinedReading");
    let reason = || schema::choice(QuarantineReason::ALL.map(QuarantineReason::name));
    let fields = [
        schema::required("id", id()),
        schema::required("deviceId", nullable(id())),
        schema::required("sensorId", nullable(id())),
        schema::required("topic", schema::string()),
        schema::required("reason", reason()),
        schema::required("detail", schema::string()),
        schema::required("payload", schema::anything()),
        schema::required("receivedAt", schema::time()),
        schema::required("createdAt", schema::time()),
    ];
    let list_doc = paged(Doc::new("listQuarantine", "List quarantined readings"))
        .query("deviceId", id(), "Only readings of this device.")
        .query("reason", reason(), "Only readings that were refused for this reason.")
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
        schemas: vec![("QuarantinedReading", schema::object(&fields))],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuarantineView {
    id: Uuid,
    device_id: Option<Uuid>,
    sensor_id: Option<Uuid>,
    topic: String,
    reason: &'static str,
    detail: String,
    /// As JSON where it is, else as a text.
    payload: Value,
    received_at: String,
    created_at: String,
}

impl From<QuarantinedReading> for QuarantineView {
    fn from(QuarantinedReading { row, device, sensor }: QuarantinedReading) -> Self {
        let arrived = iso(row.entry.received_at);
        let payload = serde_json::from_str(&row.entry.payload);
        QuarantineView {
            id: row.uuid,
            device_id: device,
            sensor_id: sensor,
            topic: row.entry.topic,
            reason: row.entry.reason.name(),
            detail: row.entry.detail,
            payload: payload.unwrap_or(Value::String(row.entry.payload)),
            received_at: arrived.clone(),
            created_at: arrived,
        }
    }
}

async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&["createdAt", "receivedAt"])?;
    let reason = query.choice("reason", &QuarantineReason::ALL, QuarantineReason::name)?;
    let (from, to) = (query.time("from")?, query.time("to")?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(MkError::invalid_parameter("from"));
    }
    let device = match query.uuid("deviceId")? {
        None => None,
        Some(uuid) => match app.devices.device_by_uuid(&caller.principal, uuid) {
            Ok(device) => Some(device.id),
            // A device that does not exist has no rows.
            Err(error) if error.kind == Kind::NotFound => {
                return Ok(ok(page.page(Vec::<QuarantineView>::new(), 0)));
            }
            Err(error) => return Err(error.into()),
        },
    };
    let newest_first = page.sort.first().is_none_or(|order| order.is_descending);
    let cut = Pagination { offset: page.offset(), limit: page.size };
    let filter = QuarantineFilter { device, reason, from, to, newest_first, after: None, page: cut };
    let (rows, total) = app.quarantine.quarantined(&caller.principal, &filter).await?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    Ok(ok(page.page(rows, total).map(QuarantineView::from)))
}

async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.quarantine.quarantined_reading(&caller.principal, *id).await;
    Ok(ok(QuarantineView::from(found.map_err(|error| MkError::named(error, TITLE, *id))?)))
}

async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.quarantine.delete_quarantined(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}
