//! `/device-groups`: devices chosen by tags or one by one.

use std::sync::Arc;

use uuid::Uuid;

use super::body::Fields;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::list::{FieldVisitor, MkNoun, omittable, required};
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::page::SortKey;
use super::problem::MkError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::mk::device::is_member;
use crate::domain::device::{Device, DeviceFilter};
use crate::domain::document::{DeviceGroupSpec, Document, DocumentContent, DocumentKind};
use crate::domain::{Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listDeviceGroups", "List device groups")),
        Doc::new("createDeviceGroup", "Create a device group"),
        Doc::new("getDeviceGroup", "Get a device group"),
        Doc::new("replaceDeviceGroup", "Replace a device group"),
        Doc::new("deleteDeviceGroup", "Delete a device group"),
    ];
    Section {
        name: "Device groups",
        about: "Members are the devices that carry every tag of the group, those in its `deviceIds`, and those that name \
                the group in their `groupIds`. Responses list all of them.",
        endpoints: endpoints::<DeviceGroupRow>(docs),
        schemas: vec![
            schemas::view::<DeviceGroupRow>("DeviceGroup"),
            schemas::body::<DeviceGroupRow>("DeviceGroupBody"),
        ],
    }
}

/// A group as shown.
#[derive(Default)]
pub struct DeviceGroupRow {
    stamp: Stamp,
    spec: DeviceGroupSpec,
    members: Vec<Uuid>,
}

impl MkNoun for DeviceGroupRow {
    fn blank() -> Self {
        DeviceGroupRow::default()
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
    /// Converts a group; `devices` are those that the caller sees.
    fn new(row: &Document, devices: &[Arc<Device>]) -> Result<Self> {
        let members = devices.iter().filter(|device| is_member(device, row));
        Ok(DeviceGroupRow {
            stamp: Stamp::of(row),
            spec: documents::content(row.device_group())?,
            members: members.map(|device| device.aliases.uuid).collect(),
        })
    }
}

impl DocumentNoun for DeviceGroupRow {
    type Content = DeviceGroupSpec;
    const KIND: DocumentKind = DocumentKind::DeviceGroup;
    const COLLECTION: &'static str = "/api/v1/device-groups";
    const ONE: &'static str = "/api/v1/device-groups/{id}";
    const WORDS: NounWords = NounWords::new("DeviceGroup", "group", "groups");

    fn converter(app: &App, who: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        let devices = app.devices.devices(who, &DeviceFilter::default())?;
        Ok(move |row: &Document| DeviceGroupRow::new(row, &devices))
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

    async fn replace(app: &App, who: &Principal, id: Uuid, new: DeviceGroupSpec) -> Result<Arc<Document>> {
        app.mk.devices.replace_shown_group(who, id, new).await
    }

    // Lists are not sorted by members: those of the groups of other pages are not looked for.
    fn sort_key(_: &impl Fn(&Document) -> Result<Self>, document: &Document, property: &str) -> SortKey {
        documents::key(document, property, || DeviceGroupRow::new(document, &[]).ok())
    }
}
