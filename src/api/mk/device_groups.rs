//! `/device-groups`: devices chosen by tags or one by one.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::Page;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::mk::device::is_member;
use crate::domain::device::{Device, DeviceFilter};
use crate::domain::document::{DeviceGroupSpec, Document, DocumentContent, DocumentKind, DocumentSpec};
use crate::domain::{Error, Principal, Result};

const COLLECTION: &str = "/api/v1/device-groups";
const ONE: &str = "/api/v1/device-groups/{id}";
const KIND: DocumentKind = DocumentKind::DeviceGroup;
const SORTABLE: &[&str] = &["createdAt", "updatedAt", "name", "description", "id"];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("DeviceGroup");
    let body = || schema::reference("DeviceGroupBody");
    let settable = vec![
        schema::required("name", schema::text(1, 255)),
        schema::omittable("description", nullable(schema::text(0, 4000))),
        schema::omittable("tags", schema::list_of(schema::text(1, 255), 0, 50)),
        schema::omittable("deviceIds", schema::list(id())),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let list_doc = paged(Doc::new("listDeviceGroups", "List device groups")).answers(
        200,
        "A page of groups.",
        page_of("DeviceGroup"),
    );
    let create_doc = Doc::new("createDeviceGroup", "Create a device group")
        .body(body())
        .answers(201, "The new group.", row())
        .with_header("Location", schema::string(), "Path of the group.");
    let get_doc = Doc::new("getDeviceGroup", "Get a device group").answers(200, "The group.", row());
    let put_doc = Doc::new("replaceDeviceGroup", "Replace a device group").body(body());
    let delete_doc = Doc::new("deleteDeviceGroup", "Delete a device group");
    Section {
        name: "Device groups",
        about: "Members are the devices that carry every tag of the group, those in its `deviceIds`, and those that name \
                the group in their `groupIds`. Responses list all of them.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc.answers(200, "The group.", row())),
            Endpoint::delete(
                ONE,
                documents::delete(KIND),
                delete_doc.answers_nothing("The group is deleted."),
            ),
        ],
        schemas: vec![("DeviceGroup", schema::view(&shown)), ("DeviceGroupBody", schema::body(&settable))],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceGroupView {
    id: Uuid,
    name: String,
    description: Option<String>,
    tags: Vec<String>,
    device_ids: Vec<Uuid>,
    created_at: String,
    updated_at: String,
}

/// Shows a group; `devices` are those that the caller sees.
fn view(devices: &[Arc<Device>], row: &Document) -> Result<DeviceGroupView> {
    let spec = row.device_group().ok_or_else(|| Error::internal("a group is of another kind"))?;
    let members = devices.iter().filter(|device| is_member(device, row));
    Ok(DeviceGroupView {
        id: row.uuid,
        name: spec.name.clone(),
        description: spec.description.clone(),
        tags: spec.tags.clone(),
        device_ids: members.map(|device| device.aliases.uuid).collect(),
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

fn all_devices(app: &App, who: &Principal) -> Result<Vec<Arc<Device>>> {
    app.devices(who, &DeviceFilter::default())
}

/// `GET /device-groups`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(SORTABLE)?);
    let key = |row: &Arc<Document>, property: &str| match property {
        "name" => row.name.as_str().into(),
        _ => documents::sort_key(row, property, || {
            row.device_group().map(|group| json!({"description": group.description}))
        }),
    };
    let page = page.of(app.documents(who, KIND)?, key, |row| row.uuid);
    let devices = all_devices(&app, who)?;
    let content = page.content.iter().map(|row| view(&devices, row)).collect::<Result<Vec<_>>>()?;
    Ok(ok(Page { content, page: page.page }))
}

/// `POST /device-groups`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.create_document(who, DocumentSpec::DeviceGroup(spec)).await?;
    Ok(created(COLLECTION, row.uuid, view(&all_devices(&app, who)?, &row)?))
}

/// `GET /device-groups/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&all_devices(&app, &caller.principal)?, &row)?))
}

/// `PUT /device-groups/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    documents::find_to_change(&app, who, KIND, *id)?;
    let group = read(&app, who, body.fields(&app).await?)?;
    let change = |spec: &mut DocumentSpec| *spec = DocumentSpec::DeviceGroup(group);
    let row = documents::update(&app, who, (KIND, *id), change).await?;
    Ok(ok(view(&all_devices(&app, who)?, &row)?))
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<DeviceGroupSpec, MkError> {
    let mut spec = DeviceGroupSpec {
        name: fields.text_or_empty("name").trim().to_owned(),
        description: fields.text("description"),
        tags: fields.texts("tags").unwrap_or_default(),
        devices: Vec::new(),
    };
    for (index, uuid) in fields.uuids("deviceIds").unwrap_or_default().into_iter().enumerate() {
        match app.device_by_uuid(who, uuid) {
            Ok(device) if spec.devices.contains(&device.id) => {}
            Ok(device) => spec.devices.push(device.id),
            Err(_) => fields.problem(&format!("deviceIds[{index}]"), "does not exist"),
        }
    }
    fields.finish(spec.problems())?;
    Ok(spec)
}
