//! `/components`: named bundles of sensors of one device.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Map;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, omittable, required};
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::value::ShownRow;
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, no_content, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{ComponentSpec, Document, DocumentContent, DocumentKind, DocumentSpec};
use crate::domain::{DeviceId, Error, Principal, Result};

const COLLECTION: &str = "/api/v1/components";
const ONE: &str = "/api/v1/components/{id}";
const KIND: DocumentKind = DocumentKind::Component;
/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Component");
    let body = || schema::reference("ComponentBody");
    let list_doc = paged(Doc::new("listComponents", "List components"))
        .query("deviceId", id(), "Only components of this device.")
        .answers(200, "A page of components.", page_of("Component"));
    let create_doc = Doc::new("createComponent", "Create a component")
        .body(body())
        .answers(201, "The component that was created.", row())
        .with_header("Location", schema::string(), "Path of the component.");
    let get_doc =
        Doc::new("getComponent", "Get a component").answers(200, "The component as it is stored.", row());
    let put_doc = Doc::new("replaceComponent", "Replace a component")
        .about("`deviceId` is fixed, and `key` while the component has sensors.")
        .body(body())
        .answers(200, "The component as it is stored.", row());
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
        schemas: vec![
            schemas::view::<ComponentRow>("Component"),
            schemas::body::<ComponentRow>("ComponentBody"),
        ],
    }
}

/// A component as shown, with the id of its device in APIs.
pub struct ComponentRow {
    stamp: Stamp,
    device: Uuid,
    spec: ComponentSpec,
}

impl MkNoun for ComponentRow {
    fn blank() -> Self {
        let spec = ComponentSpec {
            device: DeviceId(0),
            key: String::new(),
            name: String::new(),
            sensor_profile: None,
            metadata: Map::new(),
        };
        ComponentRow { stamp: Stamp::BLANK, device: Uuid::nil(), spec }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ComponentSpec { device: _, key, name, sensor_profile, metadata } = &mut self.spec;
        let (word, title) = (|| schema::pattern("^[A-Za-z0-9_-]{1,64}$"), || schema::text(1, 255));
        self.stamp.visit_id(visitor);
        let about = "Device of the component; it cannot be changed.";
        visitor.visit(required("deviceId", about, id).looked_up(), &mut self.device);
        let about = "Key of the component, unique on the device; keys of its sensors follow it in readings.";
        visitor.visit(required("key", about, word), key);
        visitor.visit(required("name", "Name of the component for people.", title), name);
        let about = "Profile of the component's readings; null without one.";
        visitor.visit(omittable("sensorProfileId", about, || nullable(id())), sensor_profile);
        let about = "Data of the user's own about the component, at most 16 KiB as JSON.";
        visitor.visit(omittable("metadata", about, schema::map), metadata);
        self.stamp.visit_times(visitor);
    }
}

impl ComponentRow {
    fn new(app: &App, who: &Principal, row: &Document) -> Result<Self> {
        let spec = row.component().ok_or_else(|| Error::internal("a component is of another kind"))?.clone();
        let device = app.devices.device(who, spec.device)?.aliases.uuid;
        Ok(ComponentRow { stamp: Stamp::of(row), device, spec })
    }
}

fn view(app: &App, who: &Principal, row: &Document) -> Result<ShownRow> {
    ComponentRow::new(app, who, row).map(ShownRow::new)
}

/// `GET /components`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(&sort::sortable::<ComponentRow>())?);
    let rows = documents::of_device(&app, who, KIND, &query)?;
    let key = |row: &Arc<Document>, property: &str| {
        documents::key(row, property, || ComponentRow::new(&app, who, row).ok())
    };
    let page = page.of(rows, key, |row| row.uuid);
    // A component that was deleted with its device a moment ago is left out.
    let content = page.content.iter().filter_map(|row| view(&app, who, row).ok()).collect();
    Ok(ok(super::page::Page::<ShownRow> { content, page: page.page }))
}

/// `POST /components`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.documents.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.documents.create_document(who, DocumentSpec::Component(spec)).await?;
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
    let row = app.mk.sensors.replace_component(who, *id, spec).await.map_err(named)?;
    Ok(ok(view(&app, who, &row).map_err(named)?))
}

/// `DELETE /components/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.mk.sensors.delete_component(&caller.principal, *id).await;
    deleted.map_err(documents::named(KIND, *id))?;
    Ok(no_content())
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<ComponentSpec, MkError> {
    let device = documents::device_of_body(app, who, &mut fields);
    let spec = ComponentSpec {
        // Without a device there is a problem, and the reading ends with it.
        device: device.map_or(DeviceId(0), |device| device.id),
        ..read_row::<ComponentRow>(&mut fields).spec
    };
    if let Some(profile) = spec.sensor_profile
        && app.documents.document(who, DocumentKind::SensorProfile, profile).is_err()
    {
        fields.problem("sensorProfileId", "does not exist");
    }
    fields.finish(spec.problems())?;
    Ok(spec)
}
