//! `/devices`: the devices of the organization.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::Schema;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::field_type::FieldType;
use super::noun::value::ShownRow;
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::mk::device::{DeviceOverview, PlatformDevice};
use crate::domain::FieldError;
use crate::domain::device::Protocol;
use crate::domain::platform_status::PlatformStatus;
use crate::domain::topology::GeoLocation;

const COLLECTION: &str = "/api/v1/devices";
const ONE: &str = "/api/v1/devices/{id}";
const SORTABLE: &[&str] = &[
    "createdAt",
    "updatedAt",
    "lastSeenAt",
    "name",
    "status",
    "isVirtual",
    "deviceProfileId",
    "siteId",
    "firmwareVersion",
    "certificateSerial",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let list = paged(Doc::new("listDevices", "List devices"))
        .query(
            "status",
            schema::choice(PlatformStatus::ALL.map(PlatformStatus::name)),
            "Only devices in this state.",
        )
        .query("siteId", id(), "Only devices at this site.")
        .query("groupId", id(), "Group that the device is in.")
        .query("tag", schema::string(), "Tag; of several a device has to carry all.")
        .query("deviceProfileId", id(), "Only devices of this profile.")
        .query("q", schema::string(), "Part of the name, in any case.")
        .answers(200, "A page of devices.", page_of("Device"));
    let body = schema::reference("DeviceBody");
    let one = |doc: Doc| doc.answers(200, "The device as it is stored.", schema::reference("Device"));
    let create = Doc::new("createDevice", "Create a virtual device")
        .about("A physical device comes from a registration token. `status` is ignored.")
        .body(body.clone())
        .answers(201, "The device that was created.", schema::reference("Device"))
        .with_header("Location", schema::string(), "Path of the device.");
    Section {
        name: "Devices",
        about: "Devices with their status, tags and place. They are the devices of all other interfaces too.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list_devices, list),
            Endpoint::post(COLLECTION, create_device, create),
            Endpoint::get(ONE, device, one(Doc::new("getDevice", "Get a device"))),
            Endpoint::put(ONE, replace, one(Doc::new("replaceDevice", "Replace a device").body(body))),
            Endpoint::patch(
                ONE,
                patch,
                one(Doc::new("patchDevice", "Change the given fields of a device")
                    .body(schema::reference("DevicePatch"))),
            ),
            Endpoint::delete(
                ONE,
                delete,
                Doc::new("deleteDevice", "Delete a device with its sensors and readings")
                    .answers_nothing("The device is deleted."),
            ),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let time = || nullable(schema::time());
    let settable: Vec<FieldSchema> = vec![
        schema::required("name", schema::text(1, 100)),
        schema::omittable("status", schema::choice(PlatformStatus::ALL.map(PlatformStatus::name))),
        schema::omittable("deviceProfileId", nullable(id())),
        schema::omittable("siteId", nullable(id())),
        schema::omittable("groupIds", schema::list(id())),
        schema::omittable("tags", schema::list_of(schema::text(1, 255), 0, 50)),
        schema::omittable("location", nullable(schema::reference("Location"))),
        schema::omittable("metadata", schema::map()),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    shown.extend([
        schema::read_only("isVirtual", schema::boolean()),
        schema::read_only("firmwareVersion", nullable(schema::string())),
        schema::read_only("certificateSerial", nullable(schema::string())),
        schema::read_only("lastSeenAt", time()),
        schema::read_only("createdAt", schema::time()),
        schema::read_only("updatedAt", schema::time()),
    ]);
    vec![
        ("Device", schema::view(&shown)),
        ("DeviceBody", schema::body(&settable)),
        ("DevicePatch", schema::patch(&settable)),
        ("Location", super::location::schema()),
    ]
}

/// A device in a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceView {
    id: Uuid,
    name: String,
    status: &'static str,
    is_virtual: bool,
    device_profile_id: Option<Uuid>,
    site_id: Option<Uuid>,
    group_ids: Vec<Uuid>,
    tags: Vec<String>,
    location: Option<ShownRow>,
    metadata: Map<String, Value>,
    firmware_version: Option<String>,
    certificate_serial: Option<String>,
    last_seen_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<DeviceOverview> for DeviceView {
    fn from(overview: DeviceOverview) -> Self {
        let DeviceOverview { device, status, collector, site, device_profile, certificate_serial, groups } =
            overview;
        let (spec, topology) = (&device.spec, &device.topology);
        DeviceView {
            id: device.aliases.uuid,
            name: spec.name.clone(),
            status: status.name(),
            is_virtual: spec.protocol == Protocol::Virtual,
            device_profile_id: device_profile,
            site_id: site,
            group_ids: groups,
            tags: topology.tags.clone(),
            location: topology.location.map(ShownRow::new),
            metadata: spec.metadata.clone(),
            firmware_version: topology.firmware_version.clone(),
            certificate_serial,
            last_seen_at: collector.last_seen.map(iso),
            created_at: iso(device.created_at),
            updated_at: iso(device.updated_at),
        }
    }
}

/// What the list is narrowed to.
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
    let (wanted, page) = (DeviceQuery::read(&query)?, query.page(SORTABLE)?);
    let mut rows = app.device_overviews(&caller.principal)?;
    rows.retain(|row| wanted.includes(row));
    Ok(ok(page.of(rows, sort_key, |row| row.device.aliases.uuid).map(DeviceView::from)))
}

fn sort_key(row: &DeviceOverview, property: &str) -> SortKey {
    match property {
        "name" => row.device.spec.name.as_str().into(),
        "status" => row.status.name().into(),
        "isVirtual" => (row.device.spec.protocol == Protocol::Virtual).into(),
        "deviceProfileId" => row.device_profile.into(),
        "siteId" => row.site.into(),
        "firmwareVersion" => row.device.topology.firmware_version.as_deref().into(),
        "certificateSerial" => row.certificate_serial.as_deref().into(),
        "updatedAt" => row.device.updated_at.into(),
        "lastSeenAt" => row.collector.last_seen.into(),
        "id" => SortKey::Text(row.device.aliases.uuid.to_string()),
        _ => row.device.created_at.into(),
    }
}

/// `POST /devices`.
async fn create_device(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.check_may_create_device(&caller.principal)?;
    let rules = |new: &PlatformDevice| app.platform_device_problems(&caller.principal, new, None);
    let new = read(body.fields(&app).await?, PlatformDevice::default(), rules)?;
    let new = PlatformDevice { status: None, ..new };
    let made = app.create_platform_device(&caller.principal, new).await?;
    Ok(created(COLLECTION, made.device.aliases.uuid, DeviceView::from(made)))
}

/// `GET /devices/{id}`.
async fn device(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.device_overview(&caller.principal, *id).map_err(|e| MkError::named(e, "Device", *id))?;
    Ok(ok(DeviceView::from(found)))
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
    let stored = app.platform_device_to_change(&caller.principal, id).map_err(named)?;
    let start = if is_patch { PlatformDevice::of(&stored) } else { PlatformDevice::default() };
    let rules = |new: &PlatformDevice| app.platform_device_problems(&caller.principal, new, Some(&stored));
    let new = read(body.fields(app).await?, start, rules)?;
    let changed = app.replace_platform_device(&caller.principal, id, new).await.map_err(named)?;
    Ok(ok(DeviceView::from(changed)))
}

/// `DELETE /devices/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = |error| MkError::named(error, "Device", *id);
    let stored = app.platform_device_to_change(&caller.principal, *id).map_err(named)?;
    app.delete_device(&caller.principal, stored.id).await.map_err(named)?;
    Ok(no_content())
}

/// Reads a body over `start`; what is absent stays.
fn read(
    mut fields: Fields,
    start: PlatformDevice,
    rules: impl FnOnce(&PlatformDevice) -> Vec<FieldError>,
) -> Result<PlatformDevice, MkError> {
    let mut device = start;
    if fields.has("name") {
        device.name = fields.text_or_empty("name").trim().to_owned();
    }
    device.status = fields.choice("status", &PlatformStatus::ALL, PlatformStatus::name);
    if fields.has("deviceProfileId") {
        device.device_profile = fields.uuid("deviceProfileId");
    }
    if fields.has("siteId") {
        device.site = fields.uuid("siteId");
    }
    if fields.has("groupIds") {
        device.groups = fields.uuids("groupIds").unwrap_or_default();
    }
    if fields.has("tags") {
        device.tags = fields.texts("tags").unwrap_or_default();
    }
    if fields.has("location") {
        device.location = GeoLocation::read(&mut fields, "location");
    }
    if fields.has("metadata") {
        device.metadata = fields.object("metadata").unwrap_or_default();
    }
    fields.finish(rules(&device))?;
    Ok(device)
}
