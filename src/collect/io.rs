//! Direct reads and writes of one register of a device, on the connection that its poller uses too.
//!
//! Nothing is stored, unless an enabled stream has the same device and register: then what the register holds
//! afterwards is that stream's reading, as if it had been polled.

use std::sync::Arc;

use serde_json::Value as Json;
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::board::Board;
use super::client::Endpoint;
use super::codec::WordOrder;
use super::fault::{Fault, Meaning};
use super::line::{Line, Turn};
use super::point::{Answered, Change, Point};
use super::runtime::{Collectors, Ports};
use super::value::Value;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{DeviceId, Error, Kind, Result};

/// Whether single registers of such a device can be read and written by this version.
pub fn supports(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Modbus | Protocol::Melsec | Protocol::Fenet => true,
        Protocol::Opcua
        | Protocol::Http
        | Protocol::Ai
        | Protocol::Virtual
        | Protocol::File
        | Protocol::Mqtt
        | Protocol::Vnc
        | Protocol::V4l2 => false,
    }
}

/// One register of a device and what its bytes mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// As it was asked for.
    register: String,
    address: Address,
    point: Point,
}

impl Place {
    /// `None` when such a device has no such register, or the kind is no number or does not fit before the last
    /// register. Without a kind a single bit is a bit and everything else uint16.
    pub fn parse(
        device: &DeviceSpec,
        register: &str,
        kind: Option<StreamKind>,
        order: WordOrder,
    ) -> Option<Place> {
        let address = Address::parse(device, register).ok()?;
        let kind = kind.unwrap_or(address.default_kind());
        let point = address.point(kind, order).ok()?;
        Some(Place { register: register.to_owned(), address, point })
    }

    /// Some places are the device's own.
    pub fn is_writable(&self) -> bool {
        self.point.is_writable()
    }

    /// Whether the device's owner lets writes begin here: anywhere, unless `metadata.writable` lists where.
    pub fn is_allowed(&self, device: &DeviceSpec) -> bool {
        let Some(list) = device.metadata.get("writable").filter(|list| !list.is_null()) else { return true };
        let mut registers = list.as_array().into_iter().flatten().filter_map(Json::as_str);
        registers.any(|register| self.is_at(device, register))
    }

    /// Whether it holds nothing but on and off, whatever kind was asked for.
    pub fn is_bit(&self) -> bool {
        self.point.is_bit()
    }

    pub fn kind(&self) -> StreamKind {
        self.point.kind()
    }

    /// Whether a device means this very place by that text.
    fn is_at(&self, device: &DeviceSpec, text: &str) -> bool {
        Address::parse(device, text).is_ok_and(|address| address == self.address)
    }
}

impl Collectors {
    /// What a register holds now. Read again once when the connection is found closed.
    ///
    /// # Errors
    /// `Conflict` for a disabled device, `Invalid` for a register that the device does not have, `Busy` when too many
    /// wait for it, `Timeout` and `DeviceFault` for whatever it fails with. What a stream then lacks is `read_register`'s
    /// error too: the reading is durable when this returns.
    pub async fn read_register(&self, id: DeviceId, place: &Place) -> Result<Value> {
        let exchange = Exchange::new(self, id, place)?;
        let (value, readings) = {
            let _place_in_line = exchange.queue()?;
            let mut turn = exchange.turn().await?;
            let read = exchange.read(&mut turn, &place.point).await;
            let answered = read.map_err(|fault| explain(fault, &place.register))?;
            let value = place.point.decode(&answered);
            let value = value.ok_or_else(|| Error::internal("the answer does not hold the value"))?;
            (value, exchange.readings(&mut turn, place, Some(&answered)).await)
        };
        exchange.store(readings).await?;
        Ok(value)
    }

    /// Writes a register; the device has confirmed it when this returns. Nothing is ever sent twice.
    ///
    /// # Errors
    /// As `read_register`, and `Invalid` for a value that the place cannot hold. What cannot be recorded afterwards
    /// is no error: the write is done.
    pub async fn write_register(&self, id: DeviceId, place: &Place, value: Value) -> Result<()> {
        let change = place.point.encode(value).filter(|_| place.is_writable());
        let change = change.ok_or_else(|| Error::invalid("the register cannot hold this value"))?;
        let exchange = Exchange::new(self, id, place)?;
        let readings = {
            let _place_in_line = exchange.queue()?;
            let mut turn = exchange.turn().await?;
            let written = exchange.write(&mut turn, &change).await;
            written.map_err(|fault| explain(fault, &place.register))?;
            exchange.readings(&mut turn, place, None).await
        };
        if let Err(error) = exchange.store(readings).await {
            let error = error.in_full();
            tracing::error!(device = %id, register = place.register, error, "a written value is not recorded");
        }
        Ok(())
    }
}

/// One request of somebody for one device.
struct Exchange<'a> {
    ports: &'a Ports,
    board: Arc<Board>,
    line: Arc<Line>,
    device: Arc<Device>,
    streams: Vec<Arc<Stream>>,
    endpoint: Endpoint,
}

impl<'a> Exchange<'a> {
    fn new(collectors: &'a Collectors, id: DeviceId, place: &Place) -> Result<Exchange<'a>> {
        let ports = &*collectors.ports;
        let (device, streams) = ports.plant.device(id).ok_or_else(Error::not_found)?;
        let (board, line) = collectors.reach(id).ok_or_else(Error::not_found)?;
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        // The device may have become another since its register was understood.
        if !place.is_at(&device.spec, &place.register) {
            return Err(no_such_register(&place.register));
        }
        let endpoint = Endpoint::of(&device.spec)?;
        Ok(Exchange { ports, board, line, device, streams, endpoint })
    }

    fn queue(&self) -> Result<impl Drop + '_> {
        self.line.queue().ok_or_else(|| Error::busy("Too many requests wait for this device."))
    }

    /// The poller's request before ours may fail by its timeout, and so may somebody else's; who waits longer than
    /// that is not kept.
    async fn turn(&self) -> Result<Turn<'_>> {
        let after = self.endpoint.timeout();
        timeout(2 * after, self.line.turn()).await.map_err(|_| no_answer(after.as_secs_f64()))
    }

    /// Reads, and again when a connection that had worked is found closed: many devices close idle ones.
    async fn read(&self, turn: &mut Turn<'_>, point: &Point) -> Result<Answered, Fault> {
        let had_worked = turn.has_worked();
        match self.read_once(turn, point).await {
            Err(Fault::Closed { .. }) if had_worked => self.read_once(turn, point).await,
            read => read,
        }
    }

    async fn read_once(&self, turn: &mut Turn<'_>, point: &Point) -> Result<Answered, Fault> {
        let started = Instant::now();
        let outcome = match turn.client(&self.endpoint).await {
            Ok(client) => client.read(point).await,
            Err(fault) => Err(fault),
        };
        self.note(turn, started, outcome)
    }

    /// Writes once. Only a connection that is found closed before a byte has left is opened anew.
    async fn write(&self, turn: &mut Turn<'_>, change: &Change) -> Result<(), Fault> {
        let had_worked = turn.has_worked();
        let (is_unsent, outcome) = self.write_once(turn, change).await;
        match outcome {
            Err(Fault::Closed { .. }) if had_worked && is_unsent => self.write_once(turn, change).await.1,
            outcome => outcome,
        }
    }

    /// Also whether nothing was sent.
    async fn write_once(&self, turn: &mut Turn<'_>, change: &Change) -> (bool, Result<(), Fault>) {
        let started = Instant::now();
        let (is_unsent, outcome) = match turn.client(&self.endpoint).await {
            Ok(client) => {
                let outcome = client.write(change).await;
                (!client.has_sent(), outcome)
            }
            Err(fault) => (true, Err(fault)),
        };
        (is_unsent, self.note(turn, started, outcome))
    }

    /// Counts a request; a connection that failed is not used again.
    fn note<T>(&self, turn: &mut Turn<'_>, started: Instant, outcome: Result<T, Fault>) -> Result<T, Fault> {
        let now = self.ports.clock.now();
        match &outcome {
            Ok(_) => self.board.answered(now, started.elapsed()),
            Err(fault) => {
                self.board.failed(now, fault);
                if fault.is_loss() {
                    turn.hang_up();
                }
            }
        }
        outcome
    }

    /// What the streams of this place would have stored, scaled as they are. A stream of a wider kind than what was
    /// read is read by itself; one that cannot be read has nothing to store.
    async fn readings(&self, turn: &mut Turn<'_>, place: &Place, read: Option<&Answered>) -> Readings {
        let mut readings = Readings::default();
        let device = &self.device.spec;
        let is_here = |stream: &&Arc<Stream>| stream.spec.enabled && place.is_at(device, &stream.spec.path);
        for stream in self.streams.iter().filter(is_here) {
            let Ok(point) = Point::of(device, &stream.spec) else { continue };
            let raw = match read.and_then(|answered| point.decode(answered)) {
                Some(raw) => Ok(Some(raw)),
                None => self.read(turn, &point).await.map(|answered| point.decode(&answered)),
            };
            match raw {
                Ok(raw) => {
                    if let Some(reading) = raw.and_then(|raw| self.reading(stream, raw)) {
                        readings.push(reading);
                    }
                }
                Err(fault) => {
                    let (device, stream) = (self.device.id, stream.id);
                    tracing::warn!(%device, %stream, error = %fault, "a register was not read for its stream");
                }
            }
        }
        readings
    }

    fn reading(&self, stream: &Stream, raw: Value) -> Option<Reading> {
        raw.scaled(stream.spec.scale, stream.spec.offset).to_reading(stream.id, self.ports.clock.now())
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

/// A fault in the words of the API.
fn explain(fault: Fault, register: &str) -> Error {
    match fault {
        Fault::Refused { meaning: Meaning::NoSuchRegister | Meaning::NoSuchCount, .. } => {
            no_such_register(register)
        }
        Fault::Refused { code, .. } => {
            Error::new(Kind::DeviceFault, format!("Device error: {code:X}.")).because(fault)
        }
        Fault::Unreachable { address, reason } | Fault::Closed { address, reason } => {
            Error::new(Kind::DeviceFault, format!("Connection to {address} failed: {reason}."))
        }
        Fault::Malformed { reason, .. } => Error::new(Kind::DeviceFault, format!("Device error: {reason}.")),
        Fault::Timeout { after, .. } => no_answer(after.as_secs_f64()),
    }
}

/// For a register that cannot be, or that the device says it does not have.
pub fn no_such_register(register: &str) -> Error {
    Error::field("register", format!("Invalid register \"{register}\"."))
}

#[cfg(test)]
#[path = "io_tests.rs"]
mod tests;
