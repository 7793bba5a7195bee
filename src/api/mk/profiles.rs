//! `/sensor-profiles` and `/device-profiles`: read only; packs install them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::body::Fields;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::nested::NestedNoun;
use super::noun::schemas::NamedSchema;
use super::noun::stamp::Stamp;
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::ok;
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema, nullable};
use crate::app::App;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::{ShownRow, ShownValue};
use crate::domain::document::profile::MAX_PARTS;
use crate::domain::document::{
    DeviceProfileSpec, Document, DocumentKind, ProfileComponent, ProfileField, ProfileVersion,
    SensorProfileSpec, ValueType,
};

/// The operations.
pub fn section() -> Section {
    let narrowed = |doc| {
        paged(doc)
            .query("key", schema::string(), "Only profiles with this key.")
            .query("version", schema::string(), "Only profiles of this version, such as `1.2`.")
            .query("latest", schema::boolean(), "Only the highest version of each key.")
    };
    let sensors = narrowed(Doc::new("listSensorProfiles", "List sensor profiles"));
    let devices = narrowed(Doc::new("listDeviceProfiles", "List device profiles"));
    let sensor = Doc::new("getSensorProfile", "Get a sensor profile");
    let device = Doc::new("getDeviceProfile", "Get a device profile");
    let (of_sensor, of_device) = (schema::reference("SensorProfile"), schema::reference("DeviceProfile"));
    Section {
        name: "Profiles",
        about: "Fields of the readings of a sensor, and components of a type of device. Packs install them.",
        endpoints: vec![
            Endpoint::get(
                "/api/v1/sensor-profiles",
                list_sensor_profiles,
                sensors.answers(200, "A page of profiles.", page_of("SensorProfile")),
            ),
            Endpoint::get(
                "/api/v1/sensor-profiles/{id}",
                sensor_profile,
                sensor.answers(200, "The profile as it is stored.", of_sensor),
            ),
            Endpoint::get(
                "/api/v1/device-profiles",
                list_device_profiles,
                devices.answers(200, "A page of profiles.", page_of("DeviceProfile")),
            ),
            Endpoint::get(
                "/api/v1/device-profiles/{id}",
                device_profile,
                device.answers(200, "The profile as it is stored.", of_device),
            ),
        ],
        schemas: vec![
            schemas::view::<ProfileField>("ProfileField"),
            schemas::view::<ProfileComponent>("ProfileComponent"),
            schemas::view::<SensorProfileRow>("SensorProfile"),
            schemas::view::<DeviceProfileRow>("DeviceProfile"),
        ],
    }
}

/// Schemas of the profiles in a pack.
pub fn pack_schemas() -> Vec<NamedSchema> {
    vec![
        schemas::body::<ProfileField>("PackField"),
        schemas::body::<SensorProfileRow>("PackSensorProfile"),
        schemas::body::<DeviceProfileRow>("PackDeviceProfile"),
    ]
}

fn key() -> ValueSchema {
    schema::pattern("^[A-Za-z0-9_.-]{1,128}$")
}

fn version() -> ValueSchema {
    schema::pattern("^(0|[1-9][0-9]{0,8})[.](0|[1-9][0-9]{0,8})$")
}

fn title() -> ValueSchema {
    schema::text(1, 255)
}

/// Fields in a pack.
fn pack_fields() -> ValueSchema {
    schema::list_of(schema::reference("PackField"), 0, MAX_PARTS)
}

fn shown_fields() -> ValueSchema {
    schema::list(schema::reference("ProfileField"))
}

impl MkNoun for ProfileField {
    fn blank() -> Self {
        ProfileField::new("", ValueType::Double)
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ProfileField { name, value_type, unit, min, max, required: is_required, writable, array_size } =
            self;
        let text = || nullable(schema::string());
        let types = schema::choice_of::<ValueType>;
        let (label, number) = (|| nullable(schema::text(0, 32)), || nullable(schema::number()));
        let (size, count) = (|| nullable(schema::integer(1, 1024)), || nullable(schema::count()));
        let about = "Name of the field, unique in the profile.";
        visitor.visit(required("name", about, key).returned_as(schema::string), name);
        visitor.visit(required("valueType", "Type of the field's values.", types), value_type);
        let about = "Engineering unit of the values; null without one.";
        visitor.visit(omittable("unit", about, label).returned_as(text), unit);
        let about = "Smallest value of a number, in its unit; null without one.";
        visitor.visit(omittable("min", about, number), min);
        let about = "Largest value of a number, in its unit; null without one.";
        visitor.visit(omittable("max", about, number), max);
        let about = "Whether every reading must have a value of the field.";
        visitor.visit(optional("required", about, schema::boolean), is_required);
        let about = "Whether a configuration may set the field of the device.";
        visitor.visit(optional("writable", about, schema::boolean), writable);
        let about = "Number of elements of a field that is an array; null for any other.";
        visitor.visit(omittable("arraySize", about, size).returned_as(count), array_size);
    }
}

impl NestedNoun for ProfileField {
    const MOST: usize = MAX_PARTS;
}

impl MkNoun for ProfileComponent {
    fn blank() -> Self {
        ProfileComponent::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ProfileComponent { key, name, sensor_profile_key, sensor_profile_version } = self;
        let text = schema::string;
        visitor.visit(required("key", "Key of the component on its device.", text), key);
        visitor.visit(required("name", "Name of the component for people.", text), name);
        let about = "Key of the component's sensor profile.";
        visitor.visit(required("sensorProfileKey", about, text), sensor_profile_key);
        let about = "Version of the component's sensor profile.";
        visitor.visit(required("sensorProfileVersion", about, text), sensor_profile_version);
    }
}

impl NestedNoun for ProfileComponent {
    const MOST: usize = MAX_PARTS;
}

impl ShowValue for ProfileVersion {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(self.to_string().into())
    }
}

/// Versions are sorted by their numbers: 1.10 comes after 1.9.
impl FieldType for ProfileVersion {
    const RULES_REQUIRE_IT: bool = true;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        let text = fields.text_or_empty(name);
        if text.trim().is_empty() {
            fields.problem(name, "must not be blank");
            return None;
        }
        let read = text.parse().ok();
        if read.is_none() {
            fields.problem(name, "must be a version such as 1.2");
        }
        read
    }

    fn sort_key(&mut self) -> SortKey {
        SortKey::Whole(i64::from(self.major) << 32 | i64::from(self.minor))
    }
}

/// A sensor profile as shown, also in a pack.
#[derive(Default)]
pub struct SensorProfileRow {
    stamp: Stamp,
    pub spec: SensorProfileSpec,
}

impl MkNoun for SensorProfileRow {
    fn blank() -> Self {
        SensorProfileRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let SensorProfileSpec { key: word, name, version: number, fields, pack } = &mut self.spec;
        self.stamp.visit_id(visitor);
        visit_identity(visitor, word, name, number);
        let about = "Fields of a reading, in their order.";
        visitor.visit(required("fields", about, pack_fields).returned_as(shown_fields), fields);
        visit_pack(visitor, pack);
        self.stamp.visit_created_at(visitor);
    }
}

/// A device profile as shown, also in a pack.
#[derive(Default)]
pub struct DeviceProfileRow {
    stamp: Stamp,
    pub spec: DeviceProfileSpec,
}

impl MkNoun for DeviceProfileRow {
    fn blank() -> Self {
        DeviceProfileRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let DeviceProfileSpec { key: word, name, version: number, components, writable_fields, pack } =
            &mut self.spec;
        let parts = || schema::list_of(schema::reference("ProfileComponent"), 0, MAX_PARTS);
        let shown_parts = || schema::list(schema::reference("ProfileComponent"));
        self.stamp.visit_id(visitor);
        visit_identity(visitor, word, name, number);
        let about = "Components of a device of this type.";
        visitor.visit(omittable("components", about, parts).returned_as(shown_parts), components);
        let about = "Fields that a configuration of the device may set.";
        let fields = omittable("writableFields", about, pack_fields).returned_as(shown_fields);
        visitor.visit(fields, writable_fields);
        visit_pack(visitor, pack);
        self.stamp.visit_created_at(visitor);
    }
}

/// Visits what names a profile of either kind.
fn visit_identity(
    visitor: &mut impl FieldVisitor,
    word: &mut String,
    name: &mut String,
    number: &mut ProfileVersion,
) {
    let about = "Key of the profile, unique with its version.";
    visitor.visit(required("key", about, key).returned_as(schema::string), word);
    let about = "Name of the profile for people.";
    visitor.visit(required("name", about, title).returned_as(schema::string), name);
    let about = "Version of the profile, with a major and a minor number.";
    visitor.visit(required("version", about, version).returned_as(schema::string), number);
}

fn visit_pack(visitor: &mut impl FieldVisitor, pack: &mut Option<Uuid>) {
    let about = "Pack that installed the profile.";
    visitor.visit(read_only("packId", about, || nullable(id())), pack);
}

fn sensor_row(row: &Document) -> Option<SensorProfileRow> {
    Some(SensorProfileRow { stamp: Stamp::of(row), spec: row.sensor_profile()?.clone() })
}

fn device_row(row: &Document) -> Option<DeviceProfileRow> {
    Some(DeviceProfileRow { stamp: Stamp::of(row), spec: row.device_profile()?.clone() })
}

/// Shows a sensor profile; `None` for a document of another kind.
pub fn sensor_view(row: &Document) -> Option<ShownRow> {
    sensor_row(row).map(ShownRow::new)
}

/// Shows a device profile; `None` for a document of another kind.
pub fn device_view(row: &Document) -> Option<ShownRow> {
    device_row(row).map(ShownRow::new)
}

/// `GET /sensor-profiles`.
async fn list_sensor_profiles(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    list(&caller, &app, &query, DocumentKind::SensorProfile, sensor_row)
}

/// `GET /sensor-profiles/{id}`.
async fn sensor_profile(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    one(&caller, &app, *id, DocumentKind::SensorProfile, sensor_row)
}

/// `GET /device-profiles`.
async fn list_device_profiles(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    list(&caller, &app, &query, DocumentKind::DeviceProfile, device_row)
}

/// `GET /device-profiles/{id}`.
async fn device_profile(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    one(&caller, &app, *id, DocumentKind::DeviceProfile, device_row)
}

fn one<N: MkNoun>(
    caller: &MkCaller,
    app: &App,
    id: Uuid,
    kind: DocumentKind,
    noun: fn(&Document) -> Option<N>,
) -> Answer {
    let row = documents::find(app, &caller.principal, kind, id)?;
    Ok(ok(noun(&row).map(ShownRow::new)))
}

fn list<N: MkNoun>(
    caller: &MkCaller,
    app: &App,
    query: &Query,
    kind: DocumentKind,
    noun: fn(&Document) -> Option<N>,
) -> Answer {
    let page = query.page(&sort::sortable::<N>())?;
    let version = query.text("version").map(str::parse::<ProfileVersion>).transpose();
    let version = version.map_err(|_| MkError::invalid_parameter("version"))?;
    let is_latest = query.boolean("latest")?.unwrap_or(false);
    let mut rows = app.documents.documents(&caller.principal, kind)?;
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
    let key = |row: &Arc<Document>, property: &str| documents::key(row, property, || noun(row));
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| noun(&row).map(ShownRow::new))))
}

/// Key and version of a profile of either kind.
fn identity(row: &Document) -> Option<(&str, ProfileVersion)> {
    let of_sensor = row.sensor_profile().map(|profile| (profile.key.as_str(), profile.version));
    of_sensor.or_else(|| row.device_profile().map(|profile| (profile.key.as_str(), profile.version)))
}
