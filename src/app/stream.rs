//! Streams: catalog rows, the rules that depend on their device, and the last value.

use std::sync::Arc;

use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use crate::collect;
use crate::domain::companion::Companion;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::generator::Generator;
use crate::domain::reading::Reading;
use crate::domain::stream::{Stream, StreamFilter, StreamKind, StreamSpec};
use crate::domain::{DeviceId, Error, FieldError, Principal, Resource, Result, Scope, StreamId};
use crate::store::Store;

/// Streams and their newest readings.
pub struct Streams {
    pub(super) store: Arc<Store>,
    states: CollectorStates,
}

impl Streams {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone(), states: parts.states.clone() }
    }

    /// Returns the streams the principal sees, by id.
    pub fn streams(&self, principal: &Principal, filter: &StreamFilter) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams.streams(principal, filter))
    }

    /// Returns a stream; `NotFound` when it is absent or not visible.
    pub fn stream(&self, principal: &Principal, id: StreamId) -> Result<Arc<Stream>> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().streams.stream(principal, id)
    }

    /// Returns the stream of a device with this channel.
    pub fn stream_by_channel(
        &self,
        principal: &Principal,
        device: DeviceId,
        channel: i32,
    ) -> Result<Arc<Stream>> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().streams.stream_by_channel(principal, device, channel)
    }

    /// Returns the stream of a device with this pin.
    pub fn stream_by_pin(&self, principal: &Principal, device: DeviceId, pin: i32) -> Result<Arc<Stream>> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().streams.stream_by_pin(principal, device, pin)
    }

    /// Returns the stream for a principal that may change it.
    pub fn stream_to_change(&self, principal: &Principal, id: StreamId) -> Result<Arc<Stream>> {
        principal.require(Scope::write(Resource::Data))?;
        self.store.catalog().streams.stream(principal, id)
    }

    /// Returns the newest reading that has a value.
    pub fn latest_valued_reading(&self, principal: &Principal, id: StreamId) -> Option<Reading> {
        self.store.latest(principal, id)?.valued
    }

    /// Returns the kind of a stream's values, or `None` once it is deleted.
    pub fn kind_of(&self, id: StreamId) -> Option<StreamKind> {
        self.store.catalog().streams.stream_write_info(id).map(|entry| entry.kind)
    }

    /// Returns every problem of a stream as it would be stored, except names that are already taken.
    pub fn stream_problems(&self, principal: &Principal, spec: &StreamSpec) -> Vec<FieldError> {
        let catalog = self.store.catalog();
        let mut found = match catalog.devices.device(principal, spec.device) {
            Ok(device) => problems_on(&device.spec, spec),
            Err(_) => {
                let mut found = spec.problems();
                found.push(no_such_row("device", spec.device));
                found
            }
        };
        if let Some(group) = spec.group
            && catalog.groups.group(principal, group).is_err()
        {
            found.push(no_such_row("group", group));
        }
        found
    }

    /// Creates a stream and tells the collector of its device; `LimitReached` beyond the organization's quota.
    pub async fn create_stream(&self, principal: &Principal, spec: StreamSpec) -> Result<Arc<Stream>> {
        principal.require(Scope::write(Resource::Data))?;
        Error::check(self.stream_problems(principal, &spec))?;
        let stream = self.store.catalog().streams.create_stream(principal, spec).await?;
        self.states.tell_collectors(stream.spec.device);
        Ok(stream)
    }

    /// Changes a stream as it is stored at that moment. `change` may be called on a copy first, and must not change
    /// the device.
    pub async fn update_stream(
        &self,
        principal: &Principal,
        id: StreamId,
        change: impl Fn(&mut StreamSpec) + Send + Sync,
    ) -> Result<Arc<Stream>> {
        let current = self.stream_to_change(principal, id)?;
        let mut changed = current.spec.clone();
        change(&mut changed);
        check_same_device(current.spec.device, changed.device)?;
        Error::check(self.stream_problems(principal, &changed))?;
        let stream = self.store.catalog().streams.update_stream(principal, id, |spec| change(spec)).await?;
        self.states.tell_collectors(stream.spec.device);
        Ok(stream)
    }

    /// Deletes a stream, and the stream with the metadata of its readings. Its readings disappear from every answer at
    /// once.
    pub async fn delete_stream(&self, principal: &Principal, id: StreamId) -> Result<()> {
        let stream = self.stream_to_change(principal, id)?;
        let (catalog, name) = (self.store.catalog(), Companion::metadata_name(&stream));
        let metadata = catalog.streams.stream_of_device(principal, stream.spec.device, &name).ok();
        let metadata = metadata.filter(|found| Companion::of(&found.spec) == Some(Companion::Metadata));
        catalog.streams.delete_stream(principal, id).await?;
        self.store.forget(&[id]);
        if let Some(metadata) = metadata {
            catalog.streams.delete_stream(principal, metadata.id).await?;
            self.store.forget(&[metadata.id]);
        }
        self.states.tell_collectors(stream.spec.device);
        Ok(())
    }
}

fn check_same_device(current: DeviceId, changed: DeviceId) -> Result<()> {
    if current == changed { Ok(()) } else { Err(Error::field("device", "This field may not be changed.")) }
}

/// Returns every problem of a stream of this device, except those of the rows it refers to.
pub(super) fn problems_on(device: &DeviceSpec, spec: &StreamSpec) -> Vec<FieldError> {
    let mut found = spec.problems();
    found.extend(path_problem(device, spec));
    found.extend(kind_problem(device, spec));
    if device.has_registers() {
        found.extend(collect::check_word_order(device, spec).err());
    }
    if device.protocol == Protocol::Virtual {
        found.extend(generator_problem(device, spec));
    }
    found
}

/// Returns the problem of the stream's generator, if it has one.
fn generator_problem(device: &DeviceSpec, spec: &StreamSpec) -> Option<FieldError> {
    match Generator::from_metadata(&device.metadata, &spec.metadata) {
        Ok(generator) => generator.and_then(|generator| generator.check(spec.kind).err()),
        Err(problem) => Some(problem),
    }
}

/// Returns the problem of the stream's path under the device's protocol.
fn path_problem(device: &DeviceSpec, spec: &StreamSpec) -> Option<FieldError> {
    let protocol = device.protocol;
    if !protocol.has_streams() {
        return Some(FieldError::new("device", "Device protocol has no data streams."));
    }
    if spec.path.is_empty() {
        return protocol.needs_path().then(|| FieldError::new("path", "This field is required."));
    }
    // The paths of a gateway's streams are its own: no address of this server's collector.
    if protocol.has_registers() && !device.has_registers() {
        return None;
    }
    collect::check_path(protocol, &spec.path).err()
}

/// Returns the problem of the type of a stream that has an address on the device.
fn kind_problem(device: &DeviceSpec, spec: &StreamSpec) -> Option<FieldError> {
    if spec.path.is_empty() || !device.has_registers() {
        return None;
    }
    collect::check_kind(device.protocol, &spec.path, spec.kind).err()
}

pub(super) fn no_such_row(field: &'static str, id: impl std::fmt::Display) -> FieldError {
    FieldError::new(field, format!("Invalid pk \"{id}\" - object does not exist."))
}
