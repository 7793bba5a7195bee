//! `/device-groups`: devices chosen by tags or one by one.

use std::sync::Arc;

use axum::extract::State;
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
use super::page::Page;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, ok};
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
/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("DeviceGroup");
    let body = || schema::reference("DeviceGroupBody");
    let list_doc = paged(Doc::new("listDeviceGroups", "List device groups")).answers(
        200,
        "A page of groups.",
        page_of("DeviceGroup"),
    );
    let create_doc = Doc::new("createDeviceGroup", "Create a device group")
        .body(body())
        .answers(201, "The group that was created.", row())
        .with_header("Location", schema::string(), "Path of the group.");
    let get_doc =
        Doc::new("getDeviceGroup", "Get a device group").answers(200, "The group as it is stored.", row());
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
            Endpoint::put(ONE, replace, put_doc.answers(200, "The group as it is stored.", row())),
            Endpoint::delete(
                ONE,
                documents::delete(KIND),
                delete_doc.answers_nothing("The group is deleted."),
            ),
        ],
        schemas: vec![
            schemas::view::<DeviceGroupRow>("DeviceGroup"),
            schemas::body::<DeviceGroupRow>("DeviceGroupBody"),
        ],
    }
}

/// A group as shown.
pub struct DeviceGroupRow {
    stamp: Stamp,
    spec: DeviceGroupSpec,
    members: Vec<Uuid>,
}

impl MkNoun for DeviceGroupRow {
    fn blank() -> Self {
        DeviceGroupRow { stamp: Stamp::BLANK, spec: DeviceGroupSpec::default(), members: Vec::new() }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let DeviceGroupSpec { name, description, tags, devices: _ } = &mut self.spec;
        let (title, text) = (|| schema::text(1, 255), || nullable(schema::text(0, 4000)));
        let tag_list = || schema::list_of(schema::text(1, 255), 0, 50);
        let ids = || schema::list(id());
        self.stamp.visit_id(visitor);
        visitor.visit(required("name", "Name of the group, unique in the organization.", title), name);
        visitor.visit(omittable("description", "Description of the group, free text.", text), description);
        let about = "Tags of the group; a device that carries all of them is a member.";
        visitor.visit(omittable("tags", about, tag_list), tags);
        let about = "Devices that are members one by one; a response lists every member.";
        visitor.visit(omittable("deviceIds", about, ids).looked_up(), &mut self.members);
        self.stamp.visit_times(visitor);
    }
}

impl DeviceGroupRow {
    fn new(row: &Document) -> Option<Self> {
        Some(DeviceGroupRow { stamp: Stamp::of(row), spec: row.device_group()?.clone(), members: Vec::new() })
    }
}

/// Shows a group; `devices` are those that the caller sees.
fn view(devices: &[Arc<Device>], row: &Document) -> Result<ShownRow> {
    let group = DeviceGroupRow::new(row).ok_or_else(|| Error::internal("a group is of another kind"))?;
    let members = devices.iter().filter(|device| is_member(device, row));
    let members = members.map(|device| device.aliases.uuid).collect();
    Ok(ShownRow::new(DeviceGroupRow { members, ..group }))
}

fn all_devices(app: &App, who: &Principal) -> Result<Vec<Arc<Device>>> {
    app.devices.devices(who, &DeviceFilter::default())
}

/// `GET /device-groups`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(&sort::sortable::<DeviceGroupRow>())?);
    let key =
        |row: &Arc<Document>, property: &str| documents::key(row, property, || DeviceGroupRow::new(row));
    let page = page.of(app.documents.documents(who, KIND)?, key, |row| row.uuid);
    let devices = all_devices(&app, who)?;
    let content = page.content.iter().map(|row| view(&devices, row)).collect::<Result<Vec<_>>>()?;
    Ok(ok(Page { content, page: page.page }))
}

/// `POST /device-groups`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.documents.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.documents.create_document(who, DocumentSpec::DeviceGroup(spec)).await?;
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
    let mut spec = read_row::<DeviceGroupRow>(&mut fields).spec;
    spec.name = spec.name.trim().to_owned();
    for (index, uuid) in fields.uuids("deviceIds").unwrap_or_default().into_iter().enumerate() {
        match app.devices.device_by_uuid(who, uuid) {
            Ok(device) if spec.devices.contains(&device.id) => {}
            Ok(device) => spec.devices.push(device.id),
            Err(_) => fields.problem(&format!("deviceIds[{index}]"), "does not exist"),
        }
    }
    fields.finish(spec.problems())?;
    Ok(spec)
}
