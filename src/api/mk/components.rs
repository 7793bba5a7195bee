//! `/components`: named bundles of sensors of one device.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, no_content, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{ComponentSpec, Document, DocumentContent, DocumentKind, DocumentSpec};
use crate::domain::{DeviceId, Error, Principal, Result};

const COLLECTION: &str = "/api/v1/components";
const ONE: &str = "/api/v1/components/{id}";
const KIND: DocumentKind = DocumentKind::Component;
const SORTABLE: &[&str] = &["createdAt", "updatedAt", "name", "key", "deviceId", "sensorProfileId", "id"];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Component");
    let body = || schema::reference("ComponentBody");
    let settable = vec![
        schema::required("deviceId", id()),
        schema::required("key", schema::pattern("^[A-Za-z0-9_-]{1,64}$")),
        schema::required("name", schema::text(1, 255)),
        schema::omittable("sensorProfileId", nullable(id())),
        schema::omittable("metadata", schema::map()),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let list_doc = paged(Doc::new("listComponents", "List components"))
        .query("deviceId", id(), "Device.")
        .answers(200, "A page of components.", page_of("Component"));
    let create_doc = Doc::new("createComponent", "Create a component")
        .body(body())
        .answers(201, "The new component.", row())
        .with_header("Location", schema::string(), "Path of the component.");
    let get_doc = Doc::new("getComponent", "Get a component").answers(200, "The component.", row());
    let put_doc = Doc::new("replaceComponent", "Replace a component")
        .about("`deviceId` is fixed, and `key` while the component has sensors.")
        .body(body())
        .answers(200, "The component.", row());
    let delete_doc = Doc::new("deleteComponent", "Delete a component with its sensors")
        .answers_nothing("The component is deleted.");
    Section {
        name: "Components",
        about: "Named bundles of sensors of one device.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, delete, delete_doc),
        ],
        schemas: vec![("Component", schema::view(&shown)), ("ComponentBody", schema::body(&settable))],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ComponentView {
    id: Uuid,
    device_id: Uuid,
    key: String,
    name: String,
    sensor_profile_id: Option<Uuid>,
    metadata: Map<String, Value>,
    created_at: String,
    updated_at: String,
}

fn view(app: &App, who: &Principal, row: &Document) -> Result<ComponentView> {
    let spec = row.component().ok_or_else(|| Error::internal("a component is of another kind"))?.clone();
    Ok(ComponentView {
        id: row.uuid,
        device_id: app.device(who, spec.device)?.aliases.uuid,
        key: spec.key,
        name: spec.name,
        sensor_profile_id: spec.sensor_profile,
        metadata: spec.metadata,
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

/// `GET /components`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(SORTABLE)?);
    let rows = documents::of_device(&app, who, KIND, &query)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "name" => row.component().map(|component| component.name.as_str()).into(),
        "key" => row.component().map(|component| component.key.as_str()).into(),
        _ => documents::sort_key(row, property, || view(&app, who, row).ok()),
    };
    let page = page.of(rows, key, |row| row.uuid);
    // A component that was deleted with its device a moment ago is left out.
    let content = page.content.iter().filter_map(|row| view(&app, who, row).ok()).collect();
    Ok(ok(super::page::Page::<ComponentView> { content, page: page.page }))
}

/// `POST /components`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.create_document(who, DocumentSpec::Component(spec)).await?;
    Ok(created(COLLECTION, row.uuid, view(&app, who, &row)?))
}

/// `GET /components/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = documents::named(KIND, *id);
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&app, &caller.principal, &row).map_err(named)?))
}

/// `PUT /components/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    let named = documents::named(KIND, *id);
    documents::find_to_change(&app, who, KIND, *id)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.replace_component(who, *id, spec).await.map_err(named)?;
    Ok(ok(view(&app, who, &row).map_err(named)?))
}

/// `DELETE /components/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.delete_component(&caller.principal, *id).await;
    deleted.map_err(documents::named(KIND, *id))?;
    Ok(no_content())
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<ComponentSpec, MkError> {
    let device = documents::device_of_body(app, who, &mut fields);
    let spec = ComponentSpec {
        // Without a device there is a problem, and the reading ends with it.
        device: device.map_or(DeviceId(0), |device| device.id),
        key: fields.text_or_empty("key"),
        name: fields.text_or_empty("name"),
        sensor_profile: fields.uuid("sensorProfileId"),
        metadata: fields.object("metadata").unwrap_or_default(),
    };
    if let Some(profile) = spec.sensor_profile
        && app.document(who, DocumentKind::SensorProfile, profile).is_err()
    {
        fields.problem("sensorProfileId", "does not exist");
    }
    fields.finish(spec.problems())?;
    Ok(spec)
}
