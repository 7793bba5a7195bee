//! `/sensor-profiles` and `/device-profiles`: read only; packs install them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::openapi::Schema;
use uuid::Uuid;

use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{
    DeviceProfileSpec, Document, DocumentKind, ProfileField, ProfileVersion, SensorProfileSpec, ValueType,
};

const SORTABLE: &[&str] = &["createdAt", "key", "name", "version", "packId", "id"];

/// The operations.
pub fn section() -> Section {
    let narrowed = |doc| {
        paged(doc)
            .query("key", schema::string(), "Key.")
            .query("version", schema::string(), "Version, such as `1.2`.")
            .query("latest", schema::boolean(), "Only the highest version of each key.")
    };
    let sensors = narrowed(Doc::new("listSensorProfiles", "List sensor profiles"));
    let devices = narrowed(Doc::new("listDeviceProfiles", "List device profiles"));
    let sensor = Doc::new("getSensorProfile", "Get a sensor profile");
    let device = Doc::new("getDeviceProfile", "Get a device profile");
    let (of_sensor, of_device) = (schema::reference("SensorProfile"), schema::reference("DeviceProfile"));
    Section {
        name: "Profiles",
        about: "What the readings of a sensor hold, and of which components a type of device consists. Packs install them.",
        endpoints: vec![
            Endpoint::get(
                "/api/v1/sensor-profiles",
                list_sensor_profiles,
                sensors.answers(200, "A page of profiles.", page_of("SensorProfile")),
            ),
            Endpoint::get(
                "/api/v1/sensor-profiles/{id}",
                sensor_profile,
                sensor.answers(200, "The profile.", of_sensor),
            ),
            Endpoint::get(
                "/api/v1/device-profiles",
                list_device_profiles,
                devices.answers(200, "A page of profiles.", page_of("DeviceProfile")),
            ),
            Endpoint::get(
                "/api/v1/device-profiles/{id}",
                device_profile,
                device.answers(200, "The profile.", of_device),
            ),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let text = |name| schema::required(name, schema::string());
    let field = [
        text("name"),
        schema::required("valueType", schema::choice(ValueType::ALL.map(ValueType::name))),
        schema::required("unit", nullable(schema::string())),
        schema::required("min", nullable(schema::number())),
        schema::required("max", nullable(schema::number())),
        schema::required("required", schema::boolean()),
        schema::required("writable", schema::boolean()),
        schema::required("arraySize", nullable(schema::count())),
    ];
    let component = ["key", "name", "sensorProfileKey", "sensorProfileVersion"].map(text);
    let fields = || schema::list(schema::reference("ProfileField"));
    let with = |more: Vec<schema::FieldSchema>| {
        let mut all = vec![schema::required("id", id()), text("key"), text("name"), text("version")];
        all.extend(more);
        all.push(schema::required("packId", nullable(id())));
        all.push(schema::required("createdAt", schema::time()));
        schema::object(&all)
    };
    vec![
        ("ProfileField", schema::object(&field)),
        ("ProfileComponent", schema::object(&component)),
        ("SensorProfile", with(vec![schema::required("fields", fields())])),
        (
            "DeviceProfile",
            with(vec![
                schema::required("components", schema::list(schema::reference("ProfileComponent"))),
                schema::required("writableFields", fields()),
            ]),
        ),
    ]
}

/// A field of a profile in a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileFieldView {
    name: String,
    value_type: &'static str,
    unit: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
    required: bool,
    writable: bool,
    array_size: Option<u32>,
}

impl From<&ProfileField> for ProfileFieldView {
    fn from(field: &ProfileField) -> Self {
        let ProfileField { name, value_type, unit, min, max, required, writable, array_size } = field.clone();
        let value_type = value_type.name();
        ProfileFieldView { name, value_type, unit, min, max, required, writable, array_size }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SensorProfileView {
    id: Uuid,
    key: String,
    name: String,
    version: String,
    fields: Vec<ProfileFieldView>,
    pack_id: Option<Uuid>,
    created_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileComponentView {
    key: String,
    name: String,
    sensor_profile_key: String,
    sensor_profile_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceProfileView {
    id: Uuid,
    key: String,
    name: String,
    version: String,
    components: Vec<ProfileComponentView>,
    writable_fields: Vec<ProfileFieldView>,
    pack_id: Option<Uuid>,
    created_at: String,
}

/// Shows a sensor profile; `None` for a document of another kind.
pub fn sensor_view(row: &Document) -> Option<SensorProfileView> {
    let SensorProfileSpec { key, name, version, fields, pack } = row.sensor_profile()?;
    Some(SensorProfileView {
        id: row.uuid,
        key: key.clone(),
        name: name.clone(),
        version: version.to_string(),
        fields: fields.iter().map(ProfileFieldView::from).collect(),
        pack_id: *pack,
        created_at: iso(row.created_at),
    })
}

/// Shows a device profile; `None` for a document of another kind.
pub fn device_view(row: &Document) -> Option<DeviceProfileView> {
    let DeviceProfileSpec { key, name, version, components, writable_fields, pack } = row.device_profile()?;
    let components = components.iter().map(|component| ProfileComponentView {
        key: component.key.clone(),
        name: component.name.clone(),
        sensor_profile_key: component.sensor_profile_key.clone(),
        sensor_profile_version: component.sensor_profile_version.to_string(),
    });
    Some(DeviceProfileView {
        id: row.uuid,
        key: key.clone(),
        name: name.clone(),
        version: version.to_string(),
        components: components.collect(),
        writable_fields: writable_fields.iter().map(ProfileFieldView::from).collect(),
        pack_id: *pack,
        created_at: iso(row.created_at),
    })
}

/// `GET /sensor-profiles`.
async fn list_sensor_profiles(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    list(&caller, &app, &query, DocumentKind::SensorProfile, sensor_view)
}

/// `GET /sensor-profiles/{id}`.
async fn sensor_profile(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    one(&caller, &app, *id, DocumentKind::SensorProfile, sensor_view)
}

/// `GET /device-profiles`.
async fn list_device_profiles(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    list(&caller, &app, &query, DocumentKind::DeviceProfile, device_view)
}

/// `GET /device-profiles/{id}`.
async fn device_profile(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    one(&caller, &app, *id, DocumentKind::DeviceProfile, device_view)
}

fn one<V: Serialize>(
    caller: &MkCaller,
    app: &App,
    id: Uuid,
    kind: DocumentKind,
    view: fn(&Document) -> Option<V>,
) -> Answer {
    let row = documents::find(app, &caller.principal, kind, id)?;
    Ok(ok(view(&row)))
}

fn list<V: Serialize>(
    caller: &MkCaller,
    app: &App,
    query: &Query,
    kind: DocumentKind,
    view: fn(&Document) -> Option<V>,
) -> Answer {
    let page = query.page(SORTABLE)?;
    let version = query.text("version").map(str::parse::<ProfileVersion>).transpose();
    let version = version.map_err(|_| MkError::invalid_parameter("version"))?;
    let is_latest = query.boolean("latest")?.unwrap_or(false);
    let mut rows = app.documents(&caller.principal, kind)?;
    let mut latest: HashMap<String, ProfileVersion> = HashMap::new();
    for (key, version) in rows.iter().filter_map(|row| identity(row)) {
        let known = latest.entry(key.to_owned()).or_insert(version);
        *known = version.max(*known);
    }
    rows.retain(|row| {
        identity(row).is_some_and(|(key, found)| {
            query.text("key").is_none_or(|wanted| wanted == key)
                && version.is_none_or(|wanted| wanted == found)
                && (!is_latest || latest.get(key) == Some(&found))
        })
    });
    let key = |row: &Arc<Document>, property: &str| match property {
        "key" => identity(row).map(|(key, _)| key).into(),
        "name" => name(row).into(),
        "version" => identity(row).map(|(_, version)| rank(version)).into(),
        _ => documents::sort_key(row, property, || view(row)),
    };
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// Key and version of a profile of either kind.
fn identity(row: &Document) -> Option<(&str, ProfileVersion)> {
    let of_sensor = row.sensor_profile().map(|profile| (profile.key.as_str(), profile.version));
    of_sensor.or_else(|| row.device_profile().map(|profile| (profile.key.as_str(), profile.version)))
}

fn name(row: &Document) -> Option<&str> {
    let of_sensor = row.sensor_profile().map(|profile| profile.name.as_str());
    of_sensor.or_else(|| row.device_profile().map(|profile| profile.name.as_str()))
}

/// Versions in their order: 1.10 comes after 1.9.
fn rank(version: ProfileVersion) -> SortKey {
    SortKey::Whole(i64::from(version.major) << 32 | i64::from(version.minor))
}
