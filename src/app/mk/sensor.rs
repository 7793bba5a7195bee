//! Sensors: the streams of a device, each under a key, alone or in a component. The name of a stream is its key, after
//! that of its component and a dot.

use std::sync::Arc;

use uuid::Uuid;

use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::app::stream::Streams;
use crate::domain::companion::Companion;
use crate::domain::document::rules::{check_key, check_optional, check_required};
use crate::domain::document::{ComponentSpec, Document, DocumentKind, DocumentSpec, ValueType};
use crate::domain::reading::Reading;
use crate::domain::stream::{AccessMode, Stream, StreamFilter, StreamSpec};
use crate::domain::{DeviceId, Error, FieldError, Kind, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Most characters of a sensor's key: with the key of its component it fits into the name of a stream.
const MAX_KEY: usize = 128;
/// Most characters of a sensor's name, which is the label of its stream.
const MAX_NAME: usize = 200;

/// Settings of a sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorSpec {
    /// UUID of the device.
    pub device: Uuid,
    /// Component of the device.
    pub component: Option<Uuid>,
    /// 1..=128 letters, digits, `_`, `-` and dots; unique in its component or device.
    pub key: String,
    /// 1..=200 characters.
    pub name: String,
    /// Fixed.
    pub value_type: ValueType,
    /// At most 32 characters.
    pub unit: Option<String>,
    pub is_writable: bool,
}

impl SensorSpec {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_key(&mut found, "key", &self.key, MAX_KEY, ".");
        check_required(&mut found, "name", &self.name, MAX_NAME);
        check_optional(&mut found, "unit", self.unit.as_deref().unwrap_or_default(), 32);
        found
    }

    /// Checks the same of new settings of a stored sensor. The key that it has already is allowed: streams of other interfaces
    /// have any text as their name.
    pub fn problems_beside(&self, stored: &Sensor) -> Vec<FieldError> {
        let mut found = self.problems();
        found.retain(|problem| problem.field != "key" || self.key != stored.key);
        found
    }
}

/// A stream as a sensor.
#[derive(Debug, Clone)]
pub struct Sensor {
    pub stream: Arc<Stream>,
    /// UUID of the device.
    pub device: Uuid,
    pub component: Option<Arc<Document>>,
    /// Name of the stream without that of the component.
    pub key: String,
    /// Newest reading that has a value.
    pub last: Option<Reading>,
}

/// Which sensors are asked for.
#[derive(Debug, Clone, Default)]
pub struct SensorFilter {
    pub device: Option<Uuid>,
    pub component: Option<Uuid>,
    pub key: Option<String>,
}

/// Sensors of devices, and the components that have them.
pub struct Sensors {
    store: Arc<Store>,
    documents: Arc<Documents>,
    streams: Arc<Streams>,
}

impl Sensors {
    pub(super) fn new(parts: &CoreParts, documents: Arc<Documents>, streams: Arc<Streams>) -> Self {
        Self { store: parts.store.clone(), documents, streams }
    }

    /// Returns the sensors that the principal sees, by id. Those of an unknown device or component are none.
    pub fn sensors(&self, principal: &Principal, filter: &SensorFilter) -> Result<Vec<Sensor>> {
        principal.require(Scope::read(Resource::Data))?;
        let catalog = self.store.catalog();
        let component =
            filter.component.map(|uuid| catalog.documents.document(principal, DocumentKind::Component, uuid));
        let Ok(component) = component.transpose() else { return Ok(Vec::new()) };
        let named =
            filter.device.map(|uuid| catalog.devices.device_by_uuid(principal, uuid).map(|device| device.id));
        let Ok(device) = named.transpose() else { return Ok(Vec::new()) };
        let of_component = component.as_ref().and_then(|component| component.spec.device());
        let streams = StreamFilter { device: device.or(of_component), ..StreamFilter::default() };
        let streams = self.streams.streams(principal, &streams)?;
        let streams = streams.into_iter().filter(|stream| Companion::of(&stream.spec).is_none());
        let sensors = streams.filter_map(|stream| self.sensor_of(principal, stream).ok());
        let wanted = |sensor: &Sensor| {
            let is_of = |uuid| sensor.component.as_ref().is_some_and(|component| component.uuid == uuid);
            filter.component.is_none_or(is_of) && filter.key.as_ref().is_none_or(|key| *key == sensor.key)
        };
        Ok(sensors.filter(wanted).collect())
    }

    /// Returns a sensor by the UUID of its stream.
    pub fn sensor(&self, principal: &Principal, uuid: Uuid) -> Result<Sensor> {
        principal.require(Scope::read(Resource::Data))?;
        let stream = self.store.catalog().streams.stream_by_uuid(principal, uuid)?;
        if Companion::of(&stream.spec).is_some() {
            return Err(Error::not_found());
        }
        self.sensor_of(principal, stream)
    }

    /// Returns the stream of a device that has a key, in a component or in none.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn sensor_by_key(
        &self,
        principal: &Principal,
        device: DeviceId,
        component: Option<&str>,
        key: &str,
    ) -> Result<Sensor> {
        principal.require(Scope::read(Resource::Data))?;
        let name = component.map_or_else(|| key.to_owned(), |component| format!("{component}.{key}"));
        let filter = StreamFilter { device: Some(device), name: Some(name), ..StreamFilter::default() };
        let stream = self.store.catalog().streams.streams(principal, &filter).into_iter().next();
        self.sensor_of(principal, stream.ok_or_else(Error::not_found)?)
    }

    /// Shows a stream, which the principal sees, as a sensor.
    pub fn sensor_of(&self, principal: &Principal, stream: Arc<Stream>) -> Result<Sensor> {
        let catalog = self.store.catalog();
        let device = catalog.devices.device(principal, stream.spec.device)?;
        let name = &stream.spec.name;
        let component = self.component_in(principal, device.id, name);
        let key = match (&component, name.split_once('.')) {
            (Some(_), Some((_, key))) => key.to_owned(),
            _ => name.clone(),
        };
        let last = self.streams.latest_valued_reading(principal, stream.id);
        Ok(Sensor { device: device.aliases.uuid, stream, component, key, last })
    }

    /// Returns the component with whose key and a dot the name of a stream begins.
    fn component_in(&self, principal: &Principal, device: DeviceId, name: &str) -> Option<Arc<Document>> {
        let (key, _) = name.split_once('.')?;
        let unique = format!("{device}/{key}");
        self.store.catalog().documents.document_by_name(principal, DocumentKind::Component, &unique)
    }

    /// Refuses the key of a sensor without a component that would make it one of a component.
    fn check_is_outside(&self, principal: &Principal, device: DeviceId, key: &str) -> Result<()> {
        let Some(component) = self.component_in(principal, device, key) else { return Ok(()) };
        let owner = component.component().map(|spec| spec.key.as_str()).unwrap_or_default();
        Err(Error::conflict(format!("The key '{key}' is one of the sensors of the component '{owner}'")))
    }

    /// Creates a sensor.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `Conflict` for a key that is taken, and for one that belongs to a component.
    pub async fn create_sensor(&self, principal: &Principal, new: SensorSpec) -> Result<Sensor> {
        principal.require(Scope::write(Resource::Data))?;
        Error::check(self.sensor_problems(principal, &new))?;
        let catalog = self.store.catalog();
        let device = catalog.devices.device_by_uuid(principal, new.device)?;
        let component =
            new.component.map(|uuid| catalog.documents.document(principal, DocumentKind::Component, uuid));
        let component = component.transpose()?;
        if component.is_none() {
            self.check_is_outside(principal, device.id, &new.key)?;
        }
        let key = component.as_ref().and_then(|row| row.component()).map(|component| component.key.as_str());
        if self.sensor_by_key(principal, device.id, key, &new.key).is_ok() {
            return Err(key_exists(&new.key));
        }
        let spec = StreamSpec {
            kind: new.value_type.stream_kind(),
            ..StreamSpec::new(new.stream_name(key), device.id)
        };
        let stream = self.streams.create_stream(principal, new.apply_to(spec)).await;
        self.sensor_of(principal, stream.map_err(|error| key_conflict(error, &new.key))?)
    }

    /// Returns every problem of a new sensor except a key that is taken.
    pub fn sensor_problems(&self, principal: &Principal, new: &SensorSpec) -> Vec<FieldError> {
        let (mut problems, catalog) = (new.problems(), self.store.catalog());
        let device = catalog.devices.device_by_uuid(principal, new.device).ok().map(|device| device.id);
        if device.is_none() {
            problems.push(FieldError::new("device", "does not exist"));
        }
        if let Some(uuid) = new.component {
            let component = catalog.documents.document(principal, DocumentKind::Component, uuid).ok();
            let of_device = component.and_then(|component| component.spec.device());
            if of_device.is_none() || of_device != device {
                problems.push(FieldError::new("component", "does not exist"));
            }
        }
        problems
    }

    /// Replaces the settings of a sensor.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `Conflict` for a key that is taken or belongs to a component, and for a change of
    /// what is fixed.
    pub async fn replace_sensor(&self, principal: &Principal, uuid: Uuid, new: SensorSpec) -> Result<Sensor> {
        let stored = self.sensor_to_change(principal, uuid)?;
        Error::check(new.problems_beside(&stored))?;
        let fixed = [
            ("deviceId", new.device == stored.device),
            ("componentId", new.component == stored.component.as_ref().map(|component| component.uuid)),
            ("valueType", new.value_type == ValueType::of_stream_kind(stored.stream.spec.kind)),
        ];
        if let Some((field, _)) = fixed.iter().find(|(_, is_same)| !is_same) {
            return Err(Error::conflict(format!("{field} of a sensor cannot be changed")));
        }
        if new.component.is_none() {
            self.check_is_outside(principal, stored.stream.spec.device, &new.key)?;
        }
        let component = stored.component.as_ref().and_then(|row| row.component());
        let name = new.stream_name(component.map(|component| component.key.as_str()));
        let (id, key) = (stored.stream.id, new.key.clone());
        let change = move |spec: &mut StreamSpec| {
            *spec = new.apply_to(StreamSpec { name: name.clone(), ..spec.clone() });
        };
        let changed = self.streams.update_stream(principal, id, change).await;
        self.sensor_of(principal, changed.map_err(|error| key_conflict(error, &key))?)
    }

    /// Deletes a sensor with its readings.
    pub async fn delete_sensor(&self, principal: &Principal, uuid: Uuid) -> Result<()> {
        let stored = self.sensor_to_change(principal, uuid)?;
        self.streams.delete_stream(principal, stored.stream.id).await
    }

    /// Returns a sensor for a principal that may change it.
    pub fn sensor_to_change(&self, principal: &Principal, uuid: Uuid) -> Result<Sensor> {
        principal.require(Scope::write(Resource::Data))?;
        self.sensor(principal, uuid)
    }

    /// Deletes a component with its sensors and their readings.
    ///
    /// # Errors
    /// The errors of `Documents::delete_document` and `Streams::delete_stream`. What fails before the component is gone leaves it and
    /// can be repeated.
    pub async fn delete_component(&self, principal: &Principal, uuid: Uuid) -> Result<()> {
        let stored = self.documents.document_to_change(principal, DocumentKind::Component, uuid)?;
        self.delete_component_streams(principal, &stored).await?;
        self.documents.delete_document(principal, DocumentKind::Component, uuid).await?;
        // Those that were created in the meantime go with it too.
        self.delete_component_streams(principal, &stored).await
    }

    async fn delete_component_streams(&self, principal: &Principal, component: &Document) -> Result<()> {
        for stream in self.component_streams(principal, component) {
            match self.streams.delete_stream(principal, stream.id).await {
                // Another request deleted it a moment ago.
                Err(error) if error.kind == Kind::NotFound => {}
                deleted => deleted?,
            }
        }
        Ok(())
    }

    /// Creates a component.
    ///
    /// # Errors
    /// The errors of `Documents::create_document`; `Conflict` for a key that would make sensors of the device without a component
    /// its own: they would have other keys, and be deleted with it.
    pub async fn create_component(&self, principal: &Principal, new: ComponentSpec) -> Result<Arc<Document>> {
        self.check_takes_no_sensor(principal, &new)?;
        self.documents.create_document(principal, DocumentSpec::Component(new)).await
    }

    fn check_takes_no_sensor(&self, principal: &Principal, new: &ComponentSpec) -> Result<()> {
        let prefix = new.stream_prefix();
        // The sensors of a component of this key are its own.
        let is_taken = self.component_in(principal, new.device, &prefix).is_some();
        if is_taken || self.streams_below(principal, new).is_empty() {
            return Ok(());
        }
        Err(Error::conflict(format!("Sensors without a component have keys that begin with '{prefix}'")))
    }

    /// Replaces the settings of a component.
    ///
    /// # Errors
    /// The errors of `Documents::update_document`; `Conflict` for another key while the component has sensors, because their names
    /// begin with it, and for one with which the keys of sensors without a component begin.
    pub async fn replace_component(
        &self,
        principal: &Principal,
        uuid: Uuid,
        new: ComponentSpec,
    ) -> Result<Arc<Document>> {
        let stored = self.documents.document_to_change(principal, DocumentKind::Component, uuid)?;
        let has_same_key = stored.component().is_some_and(|component| component.key == new.key);
        if !has_same_key && !self.component_streams(principal, &stored).is_empty() {
            return Err(Error::conflict("key of a component with sensors cannot be changed"));
        }
        if !has_same_key {
            self.check_takes_no_sensor(principal, &new)?;
        }
        let change = |spec: &mut DocumentSpec| *spec = DocumentSpec::Component(new);
        self.documents.update_document(principal, (DocumentKind::Component, uuid), None, change).await
    }

    /// Returns the streams of a component that the principal sees, by id.
    pub fn component_streams(&self, principal: &Principal, component: &Document) -> Vec<Arc<Stream>> {
        component.component().map(|spec| self.streams_below(principal, spec)).unwrap_or_default()
    }

    fn streams_below(&self, principal: &Principal, spec: &ComponentSpec) -> Vec<Arc<Stream>> {
        let filter = StreamFilter { device: Some(spec.device), ..StreamFilter::default() };
        let (streams, prefix) =
            (self.store.catalog().streams.streams(principal, &filter), spec.stream_prefix());
        streams.into_iter().filter(|stream| stream.spec.name.starts_with(&prefix)).collect()
    }
}

impl SensorSpec {
    fn stream_name(&self, component: Option<&str>) -> String {
        component.map_or_else(|| self.key.clone(), |component| format!("{component}.{}", self.key))
    }

    fn apply_to(&self, stream: StreamSpec) -> StreamSpec {
        let access_mode = if self.is_writable { AccessMode::ReadWrite } else { AccessMode::Read };
        let unit = self.unit.clone().unwrap_or_default();
        StreamSpec { label: Some(self.name.trim().to_owned()), unit, access_mode, ..stream }
    }
}

fn key_exists(key: &str) -> Error {
    Error::conflict(format!("A sensor with the key '{key}' exists"))
}

/// The name of a stream is the key, and one that is taken is a conflict here. It is the only rule about several fields.
fn key_conflict(error: Error, key: &str) -> Error {
    let is_taken = error.fields.iter().any(|problem| problem.field == "non_field_errors");
    if is_taken { key_exists(key).with_source(error) } else { error }
}

#[cfg(test)]
#[path = "sensor_tests.rs"]
mod tests;
