//! The devices and streams that messages are about, created where they are new.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::Messages;
use crate::app::value_parsing;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::{Stream, StreamFilter, StreamKind, StreamSpec};
use crate::domain::validation::check_text;
use crate::domain::{DeviceId, Error, FieldError, Kind, Micros, Principal, Result};

/// Maximum length of a stream's name, characters.
pub(in crate::app) const MAX_NAME_CHARS: usize = 200;
/// Maximum length of a unit, characters.
const MAX_UNIT_CHARS: usize = 32;

/// A value of a message on its way to a stream.
pub struct SensorValue<'a> {
    /// Name of the stream.
    pub name: &'a str,
    pub value: &'a Value,
    /// Unit of a new stream.
    pub unit: Option<&'a str>,
}

/// The streams of the devices in one request, by name.
pub struct MessageTargets<'a> {
    service: &'a Messages,
    principal: &'a Principal,
    streams: HashMap<DeviceId, HashMap<String, Arc<Stream>>>,
}

impl<'a> MessageTargets<'a> {
    /// Begins a request without streams: those of a device are looked up when it is first named.
    pub fn new(service: &'a Messages, principal: &'a Principal) -> Self {
        Self { service, principal, streams: HashMap::new() }
    }

    /// Returns the device with this external id, and creates one that is only posted to when there is none.
    ///
    /// # Errors
    /// `Invalid` for the field `id` when the text cannot name a device, or the principal may not create one;
    /// `LimitReached` beyond the organization's quota.
    pub async fn device(&self, external_id: &str) -> Result<Arc<Device>> {
        let catalog = self.service.store.catalog();
        match catalog.devices.device_by_external_id(self.principal, external_id) {
            Err(error) if error.kind == Kind::NotFound => {}
            found => return found.and_then(|device| self.check_own(device, external_id)),
        }
        if self.principal.is_restricted() {
            // It could not see what it created.
            return Err(no_device(external_id));
        }
        let spec = DeviceSpec { poll_interval_s: None, ..DeviceSpec::new(external_id, Protocol::Mqtt) };
        let created = catalog.devices.create_device(self.principal, spec).await;
        match created {
            Ok(device) => {
                self.service.states.tell_collectors(device.id);
                Ok(device)
            }
            // Another request may have created it meanwhile.
            Err(error) if error.kind == Kind::Invalid => {
                catalog.devices.device_by_external_id(self.principal, external_id).map_err(|_| as_id(error))
            }
            Err(error) => Err(error),
        }
    }

    /// A message holds data of all streams of its device, so one of these is not enough.
    fn check_own(&self, device: Arc<Device>, external_id: &str) -> Result<Arc<Device>> {
        match self.principal.owns_device(device.org, device.id) {
            true => Ok(device),
            false => Err(no_device(external_id)),
        }
    }

    /// Adds the readings of a message's values, and returns the time of both. New streams are created for numbers and truth
    /// values; a text needs a stream that exists. What has no name, no value or one that its stream cannot hold stays in the
    /// message alone. A message without a time gets that of its arrival, later than any that its streams were given before: the
    /// readings of a message are known by having its time.
    ///
    /// # Errors
    /// `LimitReached` beyond the organization's quota; `Invalid` for a device that has no streams.
    pub async fn readings(
        &mut self,
        device: DeviceId,
        ts: Option<Micros>,
        values: Vec<SensorValue<'_>>,
        out: &mut Readings,
    ) -> Result<Micros> {
        let mut parsed = Vec::with_capacity(values.len());
        for sensor in values {
            let Some(stream) = self.stream(device, &sensor).await? else { continue };
            if let Ok((value, text)) = value_parsing::parse_reading_value(&stream.spec, sensor.value) {
                parsed.push((stream.id, value, text));
            }
        }
        let streams = || parsed.iter().map(|(stream, ..)| *stream).collect::<Vec<_>>();
        let ts = ts.unwrap_or_else(|| self.service.store.assign_common_millis(&streams()));
        for (stream, value, text) in parsed {
            out.push(Reading { stream, ts, value, text, quality: Quality::Good });
        }
        Ok(ts)
    }

    /// Returns the stream of a value; `None` when the value is not stored.
    pub async fn stream(
        &mut self,
        device: DeviceId,
        sensor: &SensorValue<'_>,
    ) -> Result<Option<Arc<Stream>>> {
        let name = sensor.name.trim();
        let mut problems = Vec::new();
        check_text(&mut problems, "name", name, 1, MAX_NAME_CHARS);
        if !problems.is_empty() {
            return Ok(None);
        }
        let known = self
            .streams
            .entry(device)
            .or_insert_with(|| self.service.streams_by_name(self.principal, device));
        if let Some(stream) = known.get(name) {
            return Ok(Some(stream.clone()));
        }
        let kind = match sensor.value {
            Value::Number(_) => StreamKind::Fp64,
            Value::Bool(_) => StreamKind::Bit,
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => return Ok(None),
        };
        let unit = sensor.unit.filter(|unit| unit.chars().count() <= MAX_UNIT_CHARS && !unit.contains('\0'));
        let spec =
            StreamSpec { kind, unit: unit.unwrap_or_default().to_owned(), ..StreamSpec::new(name, device) };
        let stream = self.create_stream(spec, name).await?;
        self.streams.entry(device).or_default().insert(name.to_owned(), stream.clone());
        Ok(Some(stream))
    }

    async fn create_stream(&self, spec: StreamSpec, name: &str) -> Result<Arc<Stream>> {
        let (catalog, device) = (self.service.store.catalog(), spec.device);
        match catalog.streams.create_stream(self.principal, spec).await {
            Ok(stream) => {
                self.service.states.tell_collectors(device);
                Ok(stream)
            }
            // Another request may have created it meanwhile.
            Err(error) if error.kind == Kind::Invalid => {
                self.service.streams_by_name(self.principal, device).remove(name).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

impl Messages {
    pub(in crate::app) fn streams_by_name(
        &self,
        principal: &Principal,
        device: DeviceId,
    ) -> HashMap<String, Arc<Stream>> {
        let filter = StreamFilter { device: Some(device), ..StreamFilter::default() };
        let streams = self.store.catalog().streams.streams(principal, &filter);
        streams.into_iter().map(|stream| (stream.spec.name.clone(), stream)).collect()
    }
}

fn no_device(external_id: &str) -> Error {
    Error::field("id", format!("there is no device `{external_id}`"))
}

/// Names the member of the message instead of the field of the device.
fn as_id(mut error: Error) -> Error {
    error.fields = error.fields.into_iter().map(|problem| FieldError::new("id", problem.message)).collect();
    error
}
