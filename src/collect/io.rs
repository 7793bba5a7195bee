//! Direct reads and writes of one register of a device, on the connection that its poller uses too.
//!
//! Nothing is stored, unless an enabled stream has the same device and register: then what the register holds
//! afterwards is that stream's reading, as if it had been polled.

use std::fmt;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::address::{Address, invalid};
use super::board::Board;
use super::client::Endpoint;
use super::codec::WordOrder;
use super::content::{Content, Sample};
use super::fault::{Fault, Meaning};
use super::line::{Line, Turn};
use super::point::{Answered, Change, Point};
use super::runtime::{Collectors, Ports};
use super::writable::Writable;
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{DeviceId, Error, FieldError, Kind, Result};

/// What a register's faults are told of.
const REGISTER: &str = "register";

/// One register of a device and what its bytes mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// As it was asked for.
    register: String,
    address: Address,
    point: Point,
}

impl Place {
    /// Without a kind a single bit is a bit and everything else uint16, or what its size letter says.
    ///
    /// # Errors
    /// `Invalid`, for the field `register`: such a device has no such register, and these are the forms it has; or the
    /// kind is no number, or does not fit before the last register.
    pub fn parse(
        device: &DeviceSpec,
        register: &str,
        kind: Option<StreamKind>,
        order: WordOrder,
    ) -> Result<Place> {
        let address = Address::parse(device, register).map_err(|why| misnamed(register, why))?;
        let point = address.asked_point(kind, order);
        let point = point.map_err(|why| no_such_register(register, format_args!("For this type: {why}.")))?;
        Ok(Place { register: register.to_owned(), address, point })
    }

    /// Some places are the device's own.
    pub fn is_writable(&self) -> bool {
        self.point.is_writable()
    }

    /// Whether the device's owner lets everything be written that a write here changes: anything, unless
    /// `metadata.writable` lists what. A list that cannot be understood allows nothing.
    pub fn is_allowed(&self, device: &DeviceSpec) -> bool {
        match Writable::of(device) {
            Ok(None) => true,
            Ok(Some(writable)) => writable.allows(&self.point),
            Err(_) => false,
        }
    }

    /// What is written there; `None` where only the device knows.
    pub fn written_kind(&self) -> Option<StreamKind> {
        self.point.written_kind()
    }

    /// What it is read as; `None` where the device says it.
    pub fn kind(&self) -> Option<StreamKind> {
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
    pub async fn read_register(&self, id: DeviceId, place: &Place) -> Result<Content> {
        let exchange = Exchange::with(self, id, place)?;
        let (value, readings) = {
            let _place_in_line = exchange.queue()?;
            let mut turn = exchange.turn().await?;
            let read = exchange.read(&mut turn, &place.point).await;
            let answered = read.map_err(|fault| explain(fault, &place.register))?;
            let sample = place.point.decode(&answered);
            let sample =
                sample.map_err(|why| Error::new(Kind::DeviceFault, format!("Device error: {why}.")))?;
            (sample.content, exchange.readings(&mut turn, place, Some(&answered)).await)
        };
        exchange.store(readings).await?;
        Ok(value)
    }

    /// Writes a register; the device has confirmed it when this returns. Nothing is ever sent twice.
    ///
    /// # Errors
    /// As `read_register`, and `Invalid` for a value that the place cannot hold. What cannot be recorded afterwards
    /// is no error: the write is done.
    pub async fn write_register(
        &self,
        id: DeviceId,
        place: &Place,
        content: impl Into<Content>,
    ) -> Result<()> {
        let change = place.point.encode(content).filter(|_| place.is_writable());
        let change = change.ok_or_else(|| Error::invalid("the register cannot hold this value"))?;
        let exchange = Exchange::with(self, id, place)?;
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
pub(super) struct Exchange<'a> {
    ports: &'a Ports,
    board: Arc<Board>,
    line: Arc<Line>,
    device: Arc<Device>,
    streams: Vec<Arc<Stream>>,
    pub(super) endpoint: Endpoint,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(collectors: &'a Collectors, id: DeviceId) -> Result<Exchange<'a>> {
        let ports = &*collectors.ports;
        let (device, streams) = ports.plant.device(id).ok_or_else(Error::not_found)?;
        let (board, line) = collectors.reach(id).ok_or_else(Error::not_found)?;
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        let endpoint = Endpoint::of(&device.spec)?;
        Ok(Exchange { ports, board, line, device, streams, endpoint })
    }

    /// The same for a register. The device may have become another since it was understood.
    fn with(collectors: &'a Collectors, id: DeviceId, place: &Place) -> Result<Exchange<'a>> {
        let exchange = Exchange::new(collectors, id)?;
        let address = Address::parse(&exchange.device.spec, &place.register);
        if address.map_err(|why| misnamed(&place.register, why))? != place.address {
            return Err(no_such_register(&place.register, "The device was changed meanwhile."));
        }
        Ok(exchange)
    }

    pub(super) fn queue(&self) -> Result<impl Drop + '_> {
        self.line.queue().ok_or_else(|| Error::busy("Too many requests wait for this device."))
    }

    /// The poller's request before ours may fail by its timeout, and so may somebody else's; who waits longer than
    /// that is not kept.
    pub(super) async fn turn(&self) -> Result<Turn<'_>> {
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
    pub(super) fn note<T>(
        &self,
        turn: &mut Turn<'_>,
        started: Instant,
        outcome: Result<T, Fault>,
    ) -> Result<T, Fault> {
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
            let sample = match read.and_then(|answered| point.decode(answered).ok()) {
                Some(sample) => Ok(sample),
                None => match self.read(turn, &point).await {
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
        let content = raw.content.scaled(stream.spec.scale, stream.spec.offset);
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

/// A fault in the words of the API.
pub(super) fn explain(fault: Fault, register: &str) -> Error {
    match fault {
        Fault::Refused { meaning: Meaning::NoSuchRegister | Meaning::NoSuchCount, .. } => {
            no_such_register(register, format_args!("The device says: {fault}."))
        }
        Fault::Refused { code, .. } => {
            Error::new(Kind::DeviceFault, format!("Device error: {code:X}.")).because(fault)
        }
        Fault::Unreachable { address, reason } | Fault::Closed { address, reason } => {
            Error::new(Kind::DeviceFault, format!("Connection to {address} failed: {reason}."))
        }
        Fault::Malformed { reason, .. } => Error::new(Kind::DeviceFault, format!("Device error: {reason}.")),
        Fault::Timeout { after, .. } => no_answer(after.as_secs_f64()),
        Fault::Unfit { .. } => fault.into(),
    }
}

/// For a register that cannot be, or that the device says it does not have.
fn no_such_register(register: &str, why: impl fmt::Display) -> Error {
    let problem = FieldError::new(REGISTER, invalid(register, "").trim_end());
    Error::fields(vec![problem.advising(why.to_string())])
}

/// For a text that names no register, by what the grammar says of it: a fixed sentence, and advice beside it.
fn misnamed(register: &str, said: String) -> Error {
    match said.strip_prefix(invalid(register, "").trim_end()) {
        Some(advice) => no_such_register(register, advice.trim_start()),
        None => Error::field(REGISTER, said),
    }
}

#[cfg(test)]
#[path = "io_tests.rs"]
mod tests;
