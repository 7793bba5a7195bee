//! Plan of an export: its sensors, and the columns that their profiles add.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::fixed_columns::is_fixed_column;
use crate::app::export::Exports;
use crate::app::readings::list::ReadingsOf;
use crate::domain::device::DeviceFilter;
use crate::domain::document::{Document, DocumentKind, SensorProfileSpec, ValueType};
use crate::domain::export::{ExportScope, ExportSpec};
use crate::domain::stream::Stream;
use crate::domain::{Error, Principal, Result, StreamId};

/// Columns that profiles add at most; values of other fields are in the columns of their types alone.
const MAX_PROFILE_COLUMNS: usize = 256;

/// A sensor, with what is the same in each of its rows.
#[derive(Debug, Clone)]
pub struct ExportSensor {
    pub stream: Arc<Stream>,
    /// The stream with the metadata of its readings.
    pub companion: Option<StreamId>,
    /// UUID of the device.
    pub device: Uuid,
    pub component: Option<Uuid>,
    pub key: String,
    pub value_type: ValueType,
    /// Place of its column in [`ExportPlan::columns`].
    pub column: Option<usize>,
}

/// A column for a field of a profile: it repeats the values of the sensors of this field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileColumn {
    pub name: String,
    pub value_type: ValueType,
}

/// The sensors of an export, by id, and the columns of their profiles.
#[derive(Debug, Clone, Default)]
pub struct ExportPlan {
    pub sensors: Vec<ExportSensor>,
    pub columns: Vec<ProfileColumn>,
}

impl Exports {
    /// Returns what an export reads as `reader`.
    ///
    /// # Errors
    /// `NotFound` when what it is of is gone.
    pub(super) fn export_plan(&self, reader: &Principal, spec: &ExportSpec) -> Result<ExportPlan> {
        let mut streams = self.streams_of_scope(reader, spec)?;
        streams.sort_by_key(|stream| stream.id);
        let mut columns = ProfileColumns::default();
        let mut sensors = Vec::with_capacity(streams.len());
        for stream in streams {
            let companion = self.readings.metadata_companion(reader, &stream);
            let value_type = ValueType::of_stream_kind(stream.spec.kind);
            // One that was deleted this moment has no rows.
            let Ok(sensor) = self.sensors.sensor_of(reader, stream) else { continue };
            let profile = sensor.component.as_ref().and_then(|component| self.profile_of(reader, component));
            let profile = profile.as_ref().and_then(|profile| profile.sensor_profile());
            let column = profile.and_then(|profile| columns.place(profile, &sensor.key, value_type));
            sensors.push(ExportSensor {
                companion,
                device: sensor.device,
                component: sensor.component.map(|component| component.uuid),
                key: sensor.key,
                value_type,
                column,
                stream: sensor.stream,
            });
        }
        Ok(ExportPlan { sensors, columns: columns.all })
    }

    fn streams_of_scope(&self, reader: &Principal, spec: &ExportSpec) -> Result<Vec<Arc<Stream>>> {
        let scope = spec.scope;
        match spec.scope_type {
            ExportScope::Sensor => self.readings.streams_of(reader, &ReadingsOf::Sensor(scope)),
            ExportScope::Component => self.readings.streams_of(reader, &ReadingsOf::Component(scope)),
            ExportScope::Device => self.readings.streams_of(reader, &ReadingsOf::Device(scope)),
            ExportScope::Site => {
                let catalog = self.store.catalog();
                catalog.documents.document(reader, DocumentKind::Site, scope)?;
                let devices = catalog.devices.devices(reader, &DeviceFilter::default());
                let here = devices.into_iter().filter(|device| device.topology.site == Some(scope));
                Ok(here.flat_map(|device| self.readings.own_streams(reader, device.id)).collect())
            }
        }
    }

    /// Checks that what an export is of is still there.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn check_export_scope(&self, reader: &Principal, spec: &ExportSpec) -> Result<()> {
        if self.store.catalog().jobs.sees_export_scope(reader, spec) {
            return Ok(());
        }
        let (kind, id) = (spec.scope_type.name(), spec.scope);
        Err(Error { message: format!("{kind} {id} was deleted"), ..Error::not_found() })
    }

    fn profile_of(&self, reader: &Principal, component: &Document) -> Option<Arc<Document>> {
        let profile = component.component()?.sensor_profile?;
        self.store.catalog().documents.document(reader, DocumentKind::SensorProfile, profile).ok()
    }
}

/// Finds the columns of fields.
#[derive(Debug, Default)]
struct ProfileColumns {
    all: Vec<ProfileColumn>,
    by_name: HashMap<String, usize>,
}

impl ProfileColumns {
    /// Adds the columns of a profile; returns that of a sensor.
    fn place(&mut self, profile: &SensorProfileSpec, key: &str, value_type: ValueType) -> Option<usize> {
        for field in profile.fields.iter().filter(|field| field.array_size.is_none()) {
            self.put(profile, &field.name, field.value_type);
        }
        let is_field = profile.fields.iter().any(|field| {
            // The elements of an array are sensors of their own.
            let is_element = || key.strip_prefix(&field.name).is_some_and(|rest| rest.starts_with('.'));
            field.value_type == value_type
                && (field.name == key || (field.array_size.is_some() && is_element()))
        });
        if is_field { self.put(profile, key, value_type) } else { None }
    }

    /// The column of a field, under its name; where that is taken by another type, under that of its profile too.
    fn put(&mut self, profile: &SensorProfileSpec, name: &str, value_type: ValueType) -> Option<usize> {
        [name.to_owned(), format!("{}.{name}", profile.key)].into_iter().find_map(|name| {
            if is_fixed_column(&name) {
                return None;
            }
            if let Some(place) = self.by_name.get(&name).copied() {
                return self.all.get(place).filter(|column| column.value_type == value_type).map(|_| place);
            }
            if self.all.len() == MAX_PROFILE_COLUMNS {
                return None;
            }
            self.by_name.insert(name.clone(), self.all.len());
            self.all.push(ProfileColumn { name, value_type });
            Some(self.all.len() - 1)
        })
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
