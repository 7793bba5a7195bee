//! One-off reads and writes of a register of a device, over the connection that its poller uses too.
//!
//! Nothing is stored, unless an enabled stream has the same device and register: then the register's value after the
//! request becomes a reading of that stream, as if it had been polled.

mod array;
mod locking;

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::address::{DeviceAddress, invalid_register_message};
use super::client::DeviceEndpoint;
use super::codec::WordOrder;
use super::device_value::{DeviceValue, Sample};
use super::fault::{DeviceFault, RefusalKind};
use super::numeric_value::NumericValue;
use super::point::{DevicePoint, PointData, PointWrite};
use super::ports::CollectorPorts;
use super::registry;
use super::runtime::Collectors;
use super::shared_connection::{SharedConnection, SharedConnectionGuard};
use super::status_cell::DeviceStatusCell;
use super::write_allowlist::WriteAllowlist;
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{DeviceId, Error, FieldError, Kind, Result};

/// Field that register errors are reported under.
const REGISTER_FIELD: &str = "register";
/// Field that errors of the written value are reported under.
const VALUE_FIELD: &str = "value";

/// A register of a device and the meaning of its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRegister {
    /// The text that the caller wrote.
    register: String,
    address: DeviceAddress,
    point: DevicePoint,
}

impl ResolvedRegister {
    /// Parses a register. Without a kind a single bit is a bit, everything else uint16 or the type of its size
    /// letter; without an order it has that of the protocol.
    ///
    /// # Errors
    /// `Invalid` for the field `register`: the device has no such register (with the forms that it has), or the kind
    /// is not numeric or does not fit before the last register.
    pub fn parse(
        device: &DeviceSpec,
        register: &str,
        kind: Option<StreamKind>,
        order: Option<WordOrder>,
    ) -> Result<ResolvedRegister> {
        let address = registry::parse_address(device, register).map_err(|why| misnamed(register, why))?;
        let order = order.unwrap_or_else(|| registry::default_word_order(device.protocol));
        let point = address.point_or_default(kind, order);
        let point = point.map_err(|why| no_such_register(register, format_args!("For this type: {why}.")))?;
        Ok(ResolvedRegister { register: register.to_owned(), address, point })
    }

    /// Whether the register can be written at all; some can only be read.
    pub fn is_writable(&self) -> bool {
        self.point.is_writable()
    }

    /// Whether `metadata.writable` lists everything that a write here changes; without a list everything is allowed.
    /// A list that cannot be parsed allows nothing.
    pub fn is_write_allowed(&self, device: &DeviceSpec) -> bool {
        match WriteAllowlist::from_spec(device) {
            Ok(None) => true,
            Ok(Some(writable)) => writable.allows(&self.point),
            Err(_) => false,
        }
    }

    /// Type that the register is written as; `None` where only the device knows.
    pub fn written_kind(&self) -> Option<StreamKind> {
        self.point.written_kind()
    }

    /// Type that the register is read as; `None` where only the device knows.
    pub fn kind(&self) -> Option<StreamKind> {
        self.point.kind()
    }

    /// Says what the register holds, when it cannot hold a value; `None` when it can, or only the device knows.
    pub fn value_problem(&self, content: &DeviceValue) -> Option<String> {
        let DevicePoint::Register(point) = &self.point else { return None };
        let value_type =
            point.meaning().filter(|own| !own.is_read_only() && point.encode(content).is_none())?;
        Some(format!("The register holds {}.", value_type.describe()))
    }

    /// Whether `text` means this same register on the device.
    fn is_at(&self, device: &DeviceSpec, text: &str) -> bool {
        registry::parse_address(device, text).is_ok_and(|address| address.is_same_place(&self.address))
    }
}

impl Collectors {
    /// Reads the register's current value, once more when the connection is found closed.
    ///
    /// # Errors
    /// `Conflict` for a disabled device, `Invalid` for a register that the device does not have, `Busy` when too many
    /// requests wait for it, `Timeout` and `DeviceFault` for its failures. A stream's reading that cannot be stored
    /// is an error here too: the reading is durable when this returns.
    pub async fn read_register(&self, id: DeviceId, place: &ResolvedRegister) -> Result<DeviceValue> {
        let exchange = DirectRequest::with(self, id, place)?;
        let (value, readings) = {
            let _place_in_line = exchange.queue_permit()?;
            let mut connection = exchange.lock_connection().await?;
            let read = exchange.read(&mut connection, &place.point).await;
            let answered = read.map_err(|fault| to_api_error(fault, &place.register))?;
            let sample = place.point.decode(&answered);
            let sample =
                sample.map_err(|why| Error::new(Kind::DeviceFault, format!("Device error: {why}.")))?;
            (sample.value, exchange.readings(&mut connection, place, Some(&answered)).await)
        };
        exchange.store(readings).await?;
        Ok(value)
    }

    /// Writes a register; the device has confirmed it when this returns. Nothing is ever sent twice.
    ///
    /// # Errors
    /// The errors of `read_register`, and `Invalid` for a value that the register cannot hold, such as a text that is longer than the
    /// device has it declared. A failure to store the stream's reading afterwards is not an error: the write is done.
    pub async fn write_register(
        &self,
        id: DeviceId,
        place: &ResolvedRegister,
        content: impl Into<DeviceValue>,
    ) -> Result<()> {
        let change = place.point.encode(content).filter(|_| place.is_writable());
        let change = change.ok_or_else(|| Error::invalid("the register cannot hold this value"))?;
        let exchange = DirectRequest::with(self, id, place)?;
        let readings = {
            let _place_in_line = exchange.queue_permit()?;
            let (lock, mut connection) = exchange.lock_for_write(&self.write_locks).await?;
            exchange.check_declared_length(&mut connection, place, &change).await?;
            let written = exchange.write(&mut connection, &change).await;
            drop(lock);
            written.map_err(|fault| to_api_error(fault, &place.register))?;
            exchange.readings(&mut connection, place, None).await
        };
        if let Err(error) = exchange.store(readings).await {
            let error = error.full_message();
            tracing::error!(device = %id, register = place.register, error, "a written value was not stored");
        }
        Ok(())
    }
}

/// A caller's request to one device.
pub(super) struct DirectRequest<'a> {
    ports: &'a CollectorPorts,
    status: Arc<DeviceStatusCell>,
    connection: Arc<SharedConnection>,
    device: Arc<Device>,
    streams: Vec<Arc<Stream>>,
    pub(super) endpoint: Arc<dyn DeviceEndpoint>,
}

impl<'a> DirectRequest<'a> {
    pub(super) fn new(collectors: &'a Collectors, id: DeviceId) -> Result<DirectRequest<'a>> {
        let ports = &*collectors.ports;
        let (device, streams) = ports.plant.device(id).ok_or_else(Error::not_found)?;
        let (status, connection) = collectors.status_and_connection(id).ok_or_else(Error::not_found)?;
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        let endpoint = registry::endpoint(&device.spec)?;
        Ok(DirectRequest { ports, status, connection, device, streams, endpoint })
    }

    /// A request for a register. Fails when the device has changed so that `place` is another register now.
    fn with(collectors: &'a Collectors, id: DeviceId, place: &ResolvedRegister) -> Result<DirectRequest<'a>> {
        let exchange = DirectRequest::new(collectors, id)?;
        let address = registry::parse_address(&exchange.device.spec, &place.register);
        if address.map_err(|why| misnamed(&place.register, why))? != place.address {
            return Err(no_such_register(&place.register, "The device was changed meanwhile."));
        }
        Ok(exchange)
    }

    /// Settings of the device.
    pub(super) fn spec(&self) -> &DeviceSpec {
        &self.device.spec
    }

    /// Reads, and reads again on a new connection when the connection is at fault.
    async fn read(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        point: &DevicePoint,
    ) -> Result<PointData, DeviceFault> {
        let had_worked = connection.has_worked();
        match self.read_once(connection, point).await {
            Err(fault) if fault.is_of_connection(had_worked) => self.read_once(connection, point).await,
            read => read,
        }
    }

    async fn read_once(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        point: &DevicePoint,
    ) -> Result<PointData, DeviceFault> {
        let started = Instant::now();
        let outcome = match connection.get_or_connect(&self.endpoint).await {
            Ok(client) => client.read(point).await,
            Err(fault) => Err(fault),
        };
        self.record_outcome(connection, started, outcome)
    }

    /// Checks that the device has an S7 STRING or WSTRING declared as long as the text that is written there: a longer one
    /// changes the bytes behind it.
    async fn check_declared_length(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        place: &ResolvedRegister,
        change: &PointWrite,
    ) -> Result<()> {
        let Some((point, written)) = place.point.declared_length(change) else { return Ok(()) };
        let read = self.read(connection, &point).await;
        let answered = read.map_err(|fault| to_api_error(fault, &place.register))?;
        match point.decode(&answered).map(|sample| sample.value) {
            Ok(DeviceValue::Number(NumericValue::Uint(declared))) if written <= declared => Ok(()),
            Ok(declared) => {
                Err(Error::field(VALUE_FIELD, format!("The text was declared with {declared} characters.")))
            }
            Err(why) => Err(Error::new(Kind::DeviceFault, format!("Device error: {why}."))),
        }
    }

    /// Writes once. The connection is reopened only when it is at fault before a byte was sent.
    async fn write(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        change: &PointWrite,
    ) -> Result<(), DeviceFault> {
        let had_worked = connection.has_worked();
        let (is_unsent, outcome) = self.write_once(connection, change).await;
        match outcome {
            Err(fault) if is_unsent && fault.is_of_connection(had_worked) => {
                self.write_once(connection, change).await.1
            }
            outcome => outcome,
        }
    }

    /// The flag tells whether nothing was sent.
    async fn write_once(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        change: &PointWrite,
    ) -> (bool, Result<(), DeviceFault>) {
        let started = Instant::now();
        let (is_unsent, outcome) = match connection.get_or_connect(&self.endpoint).await {
            Ok(client) => {
                let outcome = client.write(change).await;
                (!client.has_sent(), outcome)
            }
            Err(fault) => (true, Err(fault)),
        };
        (is_unsent, self.record_outcome(connection, started, outcome))
    }

    /// Counts a request; a connection that failed is not used again.
    pub(super) fn record_outcome<T>(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        started: Instant,
        outcome: Result<T, DeviceFault>,
    ) -> Result<T, DeviceFault> {
        let now = self.ports.clock.now();
        match &outcome {
            Ok(_) => self.status.record_response(now, started.elapsed()),
            Err(fault) => {
                self.status.record_fault(now, fault);
                if fault.is_connection_loss() {
                    connection.disconnect();
                }
            }
        }
        outcome
    }

    /// Readings of the streams at this register, with their scale applied. A stream of a wider kind than the value
    /// read is read separately; a stream that cannot be read has no reading.
    async fn readings(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        place: &ResolvedRegister,
        read: Option<&PointData>,
    ) -> Readings {
        let mut readings = Readings::default();
        let device = &self.device.spec;
        let is_here = |stream: &&Arc<Stream>| stream.spec.enabled && place.is_at(device, &stream.spec.path);
        for stream in self.streams.iter().filter(is_here) {
            let Ok(point) = registry::stream_point(device, &stream.spec) else { continue };
            let sample = match read.and_then(|answered| point.decode(answered).ok()) {
                Some(sample) => Ok(sample),
                None => match self.read(connection, &point).await {
                    Ok(answered) => point.decode(&answered),
                    Err(fault) => Err(fault.to_string()),
                },
            };
            match sample {
                Ok(sample) => {
                    self.reading(stream, sample).into_iter().for_each(|reading| readings.push(reading))
                }
                Err(error) => {
                    let (device, stream) = (self.device.id, stream.id);
                    tracing::warn!(%device, %stream, error, "a register was not read for its stream");
                }
            }
        }
        readings
    }

    fn reading(&self, stream: &Stream, raw: Sample) -> Option<Reading> {
        let content = raw.value.scaled(stream.spec.scale, stream.spec.offset);
        content.to_reading(stream.id, self.ports.clock.now(), raw.quality)
    }

    async fn store(&self, readings: Readings) -> Result<()> {
        if readings.is_empty() {
            return Ok(());
        }
        self.ports.sink.write(&self.device, readings).await
    }
}

fn no_answer(after_s: f64) -> Error {
    Error::new(Kind::Timeout, format!("Device did not respond within {after_s:?} s."))
}

/// Translates a fault into an API error.
pub(super) fn to_api_error(fault: DeviceFault, register: &str) -> Error {
    match fault {
        DeviceFault::Refused {
            meaning: RefusalKind::NoSuchRegister | RefusalKind::InvalidCountOrValue,
            ..
        } => no_such_register(register, format_args!("The device says: {fault}.")),
        DeviceFault::Refused { code, .. } => {
            Error::new(Kind::DeviceFault, format!("Device error: {code:X}.")).with_source(fault)
        }
        DeviceFault::Unreachable { address, reason } | DeviceFault::Closed { address, reason } => {
            Error::new(Kind::DeviceFault, format!("Connection to {address} failed: {reason}."))
        }
        DeviceFault::Malformed { reason, .. }
        | DeviceFault::Unsolicited { reason, .. }
        | DeviceFault::LimitExceeded { reason, .. } => {
            Error::new(Kind::DeviceFault, format!("Device error: {reason}."))
        }
        DeviceFault::Timeout { after, .. } => no_answer(after.as_secs_f64()),
        DeviceFault::Unsupported { .. } => fault.into(),
    }
}

/// Error for a register that cannot exist, or that the device reports as missing.
fn no_such_register(register: &str, why: impl fmt::Display) -> Error {
    let problem = FieldError::new(REGISTER_FIELD, invalid_register_message(register, "").trim_end());
    Error::fields(vec![problem.with_advice(why.to_string())])
}

/// Error for a text that names no register, from the grammar's message: a fixed sentence, and advice beside it.
fn misnamed(register: &str, message: String) -> Error {
    match message.strip_prefix(invalid_register_message(register, "").trim_end()) {
        Some(advice) => no_such_register(register, advice.trim_start()),
        None => Error::field(REGISTER_FIELD, message),
    }
}

#[cfg(test)]
#[path = "io_tests.rs"]
mod tests;
