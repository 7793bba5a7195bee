//! `/devices`: the devices of the organization.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, omittable, read_only, required};
use super::noun::reader::read_over;
use super::noun::stamp::Stamp;
use super::noun::{schemas, sort};
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::mk::device::{DeviceOverview, PlatformDevice};
use crate::domain::device::Protocol;
use crate::domain::platform_status::PlatformStatus;
use crate::domain::{FieldError, Micros};

const COLLECTION: &str = "/api/v1/devices";
const ONE: &str = "/api/v1/devices/{id}";

/// The operations.
pub fn section() -> Section {
    const WORDS: NounWords = NounWords::new("Device", "device", "devices");
    let [list_doc, create_doc, get_doc, put_doc, delete_doc] = WORDS.describe([
        paged(Doc::new("listDevices", "List devices"))
            .query("status", schema::choice_of::<PlatformStatus>(), "Only devices in this state.")
            .query("siteId", id(), "Only devices at this site.")
            .query("groupId", id(), "Group that the device is in.")
            .query("tag", schema::string(), "Tag; of several a device has to carry all.")
            .query("deviceProfileId", id(), "Only devices of this profile.")
            .query("q", schema::string(), "Part of the name, in any case."),
        Doc::new("createDevice", "Create a virtual device")
            .about("A physical device comes from a registration token. `status` is ignored."),
        Doc::new("getDevice", "Get a device"),
        Doc::new("replaceDevice", "Replace a device"),
        Doc::new("deleteDevice", "Delete a device with its sensors and readings"),
    ]);
    let patch_doc =
        Doc::new("patchDevice", "Change the given fields of a device").body(schema::reference("DevicePatch"));
    Section {
        name: "Devices",
        about: "Devices with their status, tags and place. They are the devices of all other interfaces too.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list_devices, list_doc),
            Endpoint::post(COLLECTION, create_device, create_doc),
            Endpoint::get(ONE, device, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::patch(ONE, patch, WORDS.stored(patch_doc)),
            Endpoint::delete(ONE, delete, delete_doc),
        ],
        schemas: vec![
            schemas::view::<DeviceRow>("Device"),
            schemas::body::<DeviceRow>("DeviceBody"),
            schemas::patch::<DeviceRow>("DevicePatch"),
            ("Location", super::location::schema()),
        ],
    }
}

/// A device as shown.
#[derive(Default)]
pub struct DeviceRow {
    stamp: Stamp,
    spec: PlatformDevice,
    is_virtual: bool,
    firmware_version: Option<String>,
    certificate_serial: Option<String>,
    last_seen: Option<Micros>,
}

impl MkNoun for DeviceRow {
    fn blank() -> Self {
        DeviceRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let PlatformDevice { name, status, device_profile, site, groups, tags, location, metadata } =
            &mut self.spec;
        let (uuid, text) = (|| nullable(id()), || nullable(schema::string()));
        self.stamp.visit_id(visitor);
        let about = "Name of the device, unique in the organization.";
        visitor.visit(required("name", about, || schema::text(1, 100)), name);
        let about = "State of the device; a body without it keeps the state.";
        visitor.visit(omittable("status", about, schema::choice_of::<PlatformStatus>), status);
        let about = "Whether the device exists only on this server, without a machine behind it.";
        visitor.visit(read_only("isVirtual", about, schema::boolean), &mut self.is_virtual);
        visitor.visit(
            omittable("deviceProfileId", "Profile of the device; null without one.", uuid),
            device_profile,
        );
        visitor.visit(omittable("siteId", "Site of the device; null without one.", uuid), site);
        let about = "Groups of the device; a response also lists those by its tags.";
        visitor.visit(omittable("groupIds", about, || schema::list(id())), groups);
        let about = "Words that mark the device, at most 50 of 1 to 255 characters.";
        visitor.visit(omittable("tags", about, || schema::list_of(schema::text(1, 255), 0, 50)), tags);
        let about = "Position of the device on the earth.";
        visitor.visit(omittable("location", about, || nullable(schema::reference("Location"))), location);
        let about = "Data of the user's own about the device, at most 16 KiB as JSON.";
        visitor.visit(omittable("metadata", about, schema::map), metadata);
        let about = "Version of the firmware that the device reported last; null without a report.";
        visitor.visit(read_only("firmwareVersion", about, text), &mut self.firmware_version);
        let about = "Serial number of the device's certificate, as hexadecimal digits; null without one.";
        visitor.visit(read_only("certificateSerial", about, text), &mut self.certificate_serial);
        let about = "Time at which the device was heard of last, ISO-8601 in UTC; null if it was not.";
        visitor.visit(read_only("lastSeenAt", about, || nullable(schema::time())), &mut self.last_seen);
        self.stamp.visit_times(visitor);
    }
}

impl From<&DeviceOverview> for DeviceRow {
    fn from(overview: &DeviceOverview) -> Self {
        let DeviceOverview { device, status, collector, site, device_profile, certificate_serial, groups } =
            overview;
        let spec = PlatformDevice {
            status: Some(*status),
            device_profile: *device_profile,
            site: *site,
            groups: groups.clone(),
            ..PlatformDevice::of(device)
        };
        DeviceRow {
            stamp: Stamp {
                id: device.aliases.uuid,
                created_at: device.created_at,
                updated_at: device.updated_at,
            },
            spec,
            is_virtual: device.spec.protocol == Protocol::Virtual,
            firmware_version: device.topology.firmware_version.clone(),
            certificate_serial: certificate_serial.clone(),
            last_seen: collector.last_seen,
        }
    }
}

fn view(overview: DeviceOverview) -> ShownRow {
    ShownRow::new(DeviceRow::from(&overview))
}

/// Filters of the list.
struct DeviceQuery {
    status: Option<PlatformStatus>,
    site: Option<Uuid>,
    group: Option<Uuid>,
    tags: Vec<String>,
    profile: Option<Uuid>,
    /// In lower case.
    part: Option<String>,
}

impl DeviceQuery {
    fn read(query: &Query) -> Result<Self, MkError> {
        Ok(Self {
            status: query.choice("status", &PlatformStatus::ALL, PlatformStatus::name)?,
            site: query.uuid("siteId")?,
            group: query.uuid("groupId")?,
            tags: query.all("tag").map(str::to_owned).collect(),
            profile: query.uuid("deviceProfileId")?,
            part: query.text("q").map(str::to_lowercase),
        })
    }

    fn includes(&self, row: &DeviceOverview) -> bool {
        let topology = &row.device.topology;
        self.status.is_none_or(|status| status == row.status)
            && self.site.is_none_or(|site| row.site == Some(site))
            && self.group.is_none_or(|group| row.groups.contains(&group))
            && self.tags.iter().all(|tag| topology.tags.contains(tag))
            && self.profile.is_none_or(|profile| row.device_profile == Some(profile))
            && self.part.as_ref().is_none_or(|part| row.device.spec.name.to_lowercase().contains(part))
    }
}

/// `GET /devices`.
async fn list_devices(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (wanted, page) = (DeviceQuery::read(&query)?, query.page(&sort::sortable::<DeviceRow>())?);
    let mut rows = app.mk.devices.device_overviews(&caller.principal)?;
    rows.retain(|row| wanted.includes(row));
    Ok(ok(page.of(rows, sort_key, |row| row.device.aliases.uuid).map(view)))
}

fn sort_key(row: &DeviceOverview, property: &str) -> SortKey {
    match property {
        "createdAt" => row.device.created_at.into(),
        // What lists are sorted by most often needs no copy of the row.
        "name" => row.device.spec.name.as_str().into(),
        _ => sort::sort_key(DeviceRow::from(row), property),
    }
}

/// `POST /devices`.
async fn create_device(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.devices.check_may_create_device(&caller.principal)?;
    let rules = |new: &PlatformDevice| app.mk.devices.platform_device_problems(&caller.principal, new, None);
    let new = read(body.fields(&app).await?, PlatformDevice::default(), rules)?;
    let new = PlatformDevice { status: None, ..new };
    let made = app.mk.devices.create_platform_device(&caller.principal, new).await?;
    Ok(created(COLLECTION, made.device.aliases.uuid, view(made)))
}

/// `GET /devices/{id}`.
async fn device(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app
        .mk
        .devices
        .device_overview(&caller.principal, *id)
        .map_err(|e| MkError::named(e, "Device", *id))?;
    Ok(ok(view(found)))
}

/// `PUT /devices/{id}`: absent fields get their defaults; an absent status stays.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    change(&caller, &app, *id, body, false).await
}

/// `PATCH /devices/{id}`: absent fields stay.
async fn patch(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    change(&caller, &app, *id, body, true).await
}

async fn change(caller: &MkCaller, app: &App, id: Uuid, body: JsonBody, is_patch: bool) -> Answer {
    let named = |error| MkError::named(error, "Device", id);
    let stored = app.mk.devices.platform_device_to_change(&caller.principal, id).map_err(named)?;
    let start = if is_patch { PlatformDevice::of(&stored) } else { PlatformDevice::default() };
    let base = is_patch.then(|| start.clone());
    let rules =
        |new: &PlatformDevice| app.mk.devices.platform_device_problems(&caller.principal, new, Some(&stored));
    let new = read(body.fields(app).await?, start, rules)?;
    let (devices, who) = (&app.mk.devices, &caller.principal);
    let changed = match base {
        Some(base) => devices.update_platform_device(who, id, base, new).await,
        None => devices.replace_shown_device(who, id, new).await,
    };
    Ok(ok(view(changed.map_err(named)?)))
}

/// `DELETE /devices/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = |error| MkError::named(error, "Device", *id);
    let stored = app.mk.devices.platform_device_to_change(&caller.principal, *id).map_err(named)?;
    app.devices.delete_device(&caller.principal, stored.id).await.map_err(named)?;
    Ok(no_content())
}

/// Reads a body over `start`; what is absent stays.
fn read(
    mut fields: Fields,
    start: PlatformDevice,
    rules: impl FnOnce(&PlatformDevice) -> Vec<FieldError>,
) -> Result<PlatformDevice, MkError> {
    let is_named = fields.has("name");
    let mut device = read_over(&mut fields, DeviceRow { spec: start, ..DeviceRow::blank() }).spec;
    if is_named {
        device.name = device.name.trim().to_owned();
    }
    fields.finish(rules(&device))?;
    Ok(device)
}
