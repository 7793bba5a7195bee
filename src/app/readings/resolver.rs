//! Finds the sensors that the readings of a payload are of, creates those that a device reports first, and tells what is
//! wrong with the others.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{ReadingSource, SensorReadings};
use crate::domain::companion::{self, Companion};
use crate::domain::device::Device;
use crate::domain::document::{ComponentSpec, DocumentKind};
use crate::domain::quarantine::{Mistake, QuarantineEntry, QuarantineReason};
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::reading_payload::item::{ComponentReading, Item, Payload, SensorReading};
use crate::domain::reading_payload::profile::{self, FieldValue};
use crate::domain::reading_payload::value::{Content, SentValue};
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::{DeviceId, Error, Kind, Micros, Result, StreamId};

/// A payload whose readings have their streams.
#[derive(Default)]
pub(super) struct ResolvedPayload {
    /// Stored values, with the metadata of the readings.
    pub(super) readings: Readings,
    /// Stream and time of each accepted reading; of a component's, those of its first value.
    pub(super) points: Vec<(StreamId, Micros)>,
    /// Mistakes of what is not accepted.
    pub(super) refused: Vec<QuarantineEntry>,
}

/// Why a reading is not stored.
pub(super) enum Refusal {
    /// It is wrong, with the device and the stream as far as they are known.
    Mistake(Mistake, Option<DeviceId>, Option<StreamId>),
    /// Something else failed: nothing of the payload is stored.
    Failure(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Failure(error)
    }
}

/// A value with its stream, before it is stored.
pub(super) struct StreamValue {
    pub(super) stream: Arc<Stream>,
    pub(super) content: Content,
}

/// The rules by which one sender's readings find their sensors.
pub(super) struct Resolver<'a> {
    pub(super) service: &'a SensorReadings,
    pub(super) source: &'a ReadingSource<'a>,
    /// The device that sends, if one does.
    pub(super) sender: Option<Arc<Device>>,
    /// Streams of this payload by their names, so that thousands of readings of one cost one look-up.
    known: HashMap<(DeviceId, String), Arc<Stream>>,
}

impl<'a> Resolver<'a> {
    /// # Errors
    /// `NotFound` for a device that the principal may not change.
    pub(super) fn new(service: &'a SensorReadings, source: &'a ReadingSource<'a>) -> Result<Self> {
        let sender = source
            .device
            .map(|id| service.store.catalog().devices.device(source.principal, id))
            .transpose()?;
        if sender.as_ref().is_some_and(|device| !source.principal.owns_device(device.org, device.id)) {
            return Err(Error::hidden());
        }
        Ok(Self { service, source, sender, known: HashMap::new() })
    }

    /// Resolves every reading for itself.
    ///
    /// # Errors
    /// Errors of the catalog that are no fault of a reading: `Unavailable`.
    pub(super) async fn resolve(mut self, payload: &Payload<'_>) -> Result<ResolvedPayload> {
        let mut resolved = ResolvedPayload::default();
        for row in &payload.rows {
            let accepted = match &row.item {
                Ok(item) => self.accept(item, &mut resolved).await,
                Err(mistake) => Err(Refusal::Mistake(mistake.clone(), None, None)),
            };
            match accepted {
                Ok(()) => {}
                Err(Refusal::Failure(error)) => return Err(error),
                Err(Refusal::Mistake(mistake, device, stream)) => {
                    let entry = self.service.quarantine_entry(self.source, &mistake, row.text.as_bytes());
                    let device = entry.device.or(device);
                    resolved.refused.push(QuarantineEntry { device, stream, ..entry });
                }
            }
        }
        Ok(resolved)
    }

    async fn accept(&mut self, item: &Item, resolved: &mut ResolvedPayload) -> Result<(), Refusal> {
        let (values, ts, metadata) = match item {
            Item::Sensor(reading) => (self.sensor_value(reading).await?, reading.ts, &reading.metadata),
            Item::Component(reading) => {
                (self.component_values(reading).await?, reading.ts, &reading.metadata)
            }
        };
        for value in &values {
            self.check_time(&value.stream, ts)?;
        }
        let Some(first) = values.first() else { return Ok(()) };
        let mut beside = Vec::with_capacity(values.len());
        for value in &values {
            beside.extend(self.metadata_reading(&value.stream, ts, metadata).await?);
        }
        resolved.points.push((first.stream.id, ts));
        for StreamValue { stream, content: (value, text) } in values {
            let quality = Quality::Good;
            resolved.readings.push(Reading { stream: stream.id, ts, value, text, quality });
        }
        beside.into_iter().for_each(|reading| resolved.readings.push(reading));
        Ok(())
    }

    async fn sensor_value(&mut self, reading: &SensorReading) -> Result<Vec<StreamValue>, Refusal> {
        let stream = match sensor_uuid(&reading.sensor) {
            Some(uuid) => self.stream_by_uuid(uuid)?,
            None => self.stream_by_key(reading).await?,
        };
        self.check_active(stream.spec.device, Some(stream.id))?;
        let content = reading.value.fit("value", &stream.spec);
        let content = content.map_err(|mistake| of_stream(mistake, &stream))?;
        Ok(vec![StreamValue { stream, content }])
    }

    async fn component_values(&mut self, reading: &ComponentReading) -> Result<Vec<StreamValue>, Refusal> {
        let component = self.component(&reading.component)?;
        self.check_active(component.device, None)?;
        let of_component = |mistake| Refusal::Mistake(mistake, Some(component.device), None);
        let profile = component.sensor_profile.and_then(|uuid| {
            let catalog = self.service.store.catalog();
            catalog.documents.document(self.source.principal, DocumentKind::SensorProfile, uuid).ok()
        });
        let profile = profile.as_ref().and_then(|document| document.sensor_profile()).ok_or_else(|| {
            let message = "the component has no sensor profile";
            of_component(Mistake::new(QuarantineReason::MissingProfile, "componentId", message))
        })?;
        let checked = profile::check(&profile.fields, &reading.values).map_err(of_component)?;
        let mut values = Vec::with_capacity(checked.len());
        for FieldValue { key, field, value } in checked {
            let spec = StreamSpec {
                kind: field.value_type.stream_kind(),
                unit: field.unit.clone().unwrap_or_default(),
                label: Some(key.clone()),
                ..StreamSpec::new(format!("{}{key}", component.stream_prefix()), component.device)
            };
            let stream = self.stream_or_new(spec, Some(&value)).await?;
            let content = value.fit(&format!("values.{key}"), &stream.spec);
            let content = content.map_err(|mistake| of_stream(mistake, &stream))?;
            values.push(StreamValue { stream, content });
        }
        Ok(values)
    }

    /// The component with an id, or with a key on the device that sends.
    fn component(&self, name: &str) -> Result<ComponentSpec, Refusal> {
        let (catalog, principal) = (self.service.store.catalog(), self.source.principal);
        let own = self.sender.as_ref().map(|device| device.id);
        let by_key = || {
            let unique = format!("{}/{name}", own?);
            catalog.documents.document_by_name(principal, DocumentKind::Component, &unique)
        };
        let document = match sensor_uuid(name) {
            Some(uuid) => catalog.documents.document(principal, DocumentKind::Component, uuid).ok(),
            None => by_key(),
        };
        let component = document.as_ref().and_then(|document| document.component());
        let component = component.filter(|component| own.is_none_or(|device| component.device == device));
        component
            .cloned()
            .ok_or_else(|| unknown("componentId", format!("there is no component `{name}`"), own))
    }

    fn stream_by_uuid(&self, uuid: Uuid) -> Result<Arc<Stream>, Refusal> {
        let own = self.sender.as_ref().map(|device| device.id);
        let found = self.service.store.catalog().streams.stream_by_uuid(self.source.principal, uuid).ok();
        let found = found.filter(|stream| Companion::of(&stream.spec).is_none());
        let found = found.filter(|stream| own.is_none_or(|device| stream.spec.device == device));
        found.ok_or_else(|| unknown("sensorId", format!("there is no sensor `{uuid}`"), own))
    }

    async fn stream_by_key(&mut self, reading: &SensorReading) -> Result<Arc<Stream>, Refusal> {
        let device = match (&self.sender, &reading.device) {
            (Some(device), _) => device.clone(),
            (None, Some(id)) => self.named_device(id)?,
            (None, None) => {
                let message = "a key needs its device: send the id of the sensor, or deviceId too";
                return Err(unknown("sensorId", message.to_owned(), None));
            }
        };
        self.check_active(device.id, None)?;
        if reading.sensor.starts_with(companion::MARK) {
            let message = format!("a key does not begin with `{}`", companion::MARK);
            return Err(unknown("sensorId", message, Some(device.id)));
        }
        let spec = StreamSpec {
            kind: reading.value.value_type().stream_kind(),
            ..StreamSpec::new(reading.sensor.as_str(), device.id)
        };
        self.stream_or_new(spec, Some(&reading.value)).await
    }

    fn named_device(&self, id: &str) -> Result<Arc<Device>, Refusal> {
        let device = Uuid::try_parse(id).ok().and_then(|uuid| {
            self.service.store.catalog().devices.device_by_uuid(self.source.principal, uuid).ok()
        });
        device.ok_or_else(|| unknown("deviceId", format!("there is no device `{id}`"), None))
    }

    /// Returns the stream of a device with the name of `spec`; creates it as `spec` says when there is none. With a
    /// value, none is created that could not hold it.
    pub(super) async fn stream_or_new(
        &mut self,
        spec: StreamSpec,
        value: Option<&SentValue>,
    ) -> Result<Arc<Stream>, Refusal> {
        let (catalog, principal, device) = (self.service.store.catalog(), self.source.principal, spec.device);
        let place = (device, spec.name.clone());
        if let Some(known) = self.known.get(&place) {
            return Ok(known.clone());
        }
        let existing = catalog.streams.stream_of_device(principal, device, &spec.name);
        let stream = match existing {
            Ok(stream) => stream,
            Err(error) if error.kind == Kind::NotFound => {
                if let Some(value) = value {
                    value
                        .fit("value", &spec)
                        .map_err(|mistake| Refusal::Mistake(mistake, Some(device), None))?;
                }
                self.create(spec).await?
            }
            Err(error) => return Err(error.into()),
        };
        self.known.insert(place, stream.clone());
        Ok(stream)
    }

    async fn create(&self, spec: StreamSpec) -> Result<Arc<Stream>, Refusal> {
        let (catalog, principal) = (self.service.store.catalog(), self.source.principal);
        let (device, name) = (spec.device, spec.name.clone());
        match catalog.streams.create_stream(principal, spec).await {
            Ok(stream) => {
                self.service.states.tell_collectors(device);
                Ok(stream)
            }
            // Another request may have created it meanwhile.
            Err(error) if error.kind == Kind::Invalid => catalog
                .streams
                .stream_of_device(principal, device, &name)
                .map_err(|_| unknown("sensorId", error.full_message(), Some(device))),
            Err(error) if matches!(error.kind, Kind::LimitReached | Kind::NotFound | Kind::Forbidden) => {
                Err(unknown("sensorId", error.message.to_string(), Some(device)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the metadata of a reading as a reading of the stream's companion. A reading without metadata takes that of
    /// an earlier one at the same time away.
    async fn metadata_reading(
        &mut self,
        stream: &Arc<Stream>,
        ts: Micros,
        metadata: &Map<String, Value>,
    ) -> Result<Option<Reading>, Refusal> {
        let name = Companion::metadata_name(stream);
        if metadata.is_empty() {
            let (catalog, principal) = (self.service.store.catalog(), self.source.principal);
            let companion = catalog.streams.stream_of_device(principal, stream.spec.device, &name).ok();
            let newest =
                companion.and_then(|companion| self.service.store.newest_by_time(principal, companion.id));
            let replaced = newest.filter(|newest| newest.ts >= ts);
            return Ok(replaced.map(|newest| Reading::lost(newest.stream, ts)));
        }
        let spec = Companion::Metadata.spec(name, stream.spec.device);
        let companion = self.stream_or_new(spec, None).await?;
        if Companion::of(&companion.spec) != Some(Companion::Metadata) {
            let message =
                format!("cannot be stored: `{}` is another sensor of the device", companion.spec.name);
            let mistake = Mistake::new(QuarantineReason::Malformed, "metadata", message);
            return Err(of_stream(mistake, stream));
        }
        let text = Some(serde_json::to_string(metadata).map_err(damaged)?.into());
        Ok(Some(Reading { stream: companion.id, ts, value: None, text, quality: Quality::Good }))
    }

    /// Refuses readings of a device that is switched off.
    fn check_active(&self, device: DeviceId, stream: Option<StreamId>) -> Result<(), Refusal> {
        let is_active = match &self.sender {
            Some(sender) if sender.id == device => sender.spec.enabled,
            _ => self.service.store.catalog().devices.device(self.source.principal, device)?.spec.enabled,
        };
        if is_active {
            return Ok(());
        }
        let mistake = Mistake::new(QuarantineReason::DeviceInactive, "device", "the device is INACTIVE");
        Err(Refusal::Mistake(mistake, Some(device), stream))
    }

    fn check_time(&self, stream: &Arc<Stream>, ts: Micros) -> Result<(), Refusal> {
        let (oldest, newest) =
            (self.service.store.oldest_writable(stream.id), self.service.store.newest_writable());
        let message = if ts > newest {
            format!("`{ts}` lies too far in the future; the latest accepted is {newest}")
        } else if ts < oldest {
            format!("`{ts}` lies before {oldest}: nothing older is kept")
        } else {
            return Ok(());
        };
        Err(of_stream(Mistake::new(QuarantineReason::OutOfRange, "timestamp", message), stream))
    }
}

/// A text of the form of a sensor's id; a key of another form may have the same digits.
fn sensor_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

pub(super) fn of_stream(mistake: Mistake, stream: &Arc<Stream>) -> Refusal {
    Refusal::Mistake(mistake, Some(stream.spec.device), Some(stream.id))
}

fn unknown(member: &'static str, message: String, device: Option<DeviceId>) -> Refusal {
    Refusal::Mistake(Mistake::new(QuarantineReason::UnknownSensor, member, message), device, None)
}

fn damaged(e: serde_json::Error) -> Refusal {
    Refusal::Failure(Error::internal("metadata could not be written as JSON").with_source(e))
}
