//! Readings of senders that name streams by device and series and expect those to exist: values find their streams, and
//! streams that are missing are created together, with the type of their first value.
//!
//! Unlike a body of /ingest, a request may be written in part: senders of this kind never send a refused batch again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::readings_builder::InputNumber;
use crate::domain::companion;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::reading::{Quality, Readings};
use crate::domain::stream::{Stream, StreamKind, StreamSpec};
use crate::domain::{DeviceId, Error, Kind, Micros, Principal, Result, StreamId};
use crate::store::Store;

/// Maximum refused lines described in one response.
const MAX_LISTED_LINES: usize = 20;
/// Stands for the time of a row that came without one, until its stream is known.
const NO_TIME: i64 = i64::MIN;

/// A value before it is fitted to its stream.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesValue<'a> {
    Number(InputNumber),
    Bool(bool),
    Text(&'a str),
    /// The source of the stream is gone: one reading of bad quality.
    Lost,
}

impl SeriesValue<'_> {
    /// The type of a stream whose first value this is.
    pub fn kind(&self) -> StreamKind {
        match self {
            SeriesValue::Number(InputNumber::Float(_)) | SeriesValue::Lost => StreamKind::Fp64,
            SeriesValue::Number(InputNumber::Int(_)) => StreamKind::Int64,
            SeriesValue::Number(InputNumber::Uint(_)) => StreamKind::Uint64,
            SeriesValue::Bool(_) => StreamKind::Bit,
            SeriesValue::Text(_) => StreamKind::Text,
        }
    }
}

/// Destination of the values of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesSlot {
    /// Id of the stream, or `-1 - index` of a missing one.
    id: i32,
    kind: StreamKind,
    is_scaled: bool,
}

/// Refused lines: how many, and the first of them with their reasons, in the order of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedLines {
    pub count: usize,
    pub listed: BTreeMap<u32, String>,
}

impl RefusedLines {
    /// Adds a line that was not refused before.
    pub fn add(&mut self, line: u32, problem: impl Into<String>) {
        self.count += 1;
        self.listed.insert(line, problem.into());
        if self.listed.len() > MAX_LISTED_LINES {
            self.listed.pop_last();
        }
    }
}

/// Accepted readings and refused lines of one request.
#[derive(Debug)]
pub struct SeriesReadings {
    pub readings: Readings,
    /// Line of each reading.
    pub lines: Vec<u32>,
    pub refused: RefusedLines,
    /// Devices that have streams which were missing.
    pub changed_devices: BTreeSet<DeviceId>,
}

/// Rows of a request by line, while it is read.
pub struct SeriesRows {
    store: Arc<Store>,
    principal: Principal,
    rows: Readings,
    /// Line of each row.
    lines: Vec<u32>,
    missing: Vec<(String, StreamSpec)>,
    missing_by_name: HashMap<(String, String), usize>,
    /// Maximum streams that are created.
    max_new: usize,
    pub refused: RefusedLines,
}

impl SeriesRows {
    /// Starts a request of a principal that creates at most `max_new` streams.
    pub fn new(store: Arc<Store>, principal: Principal, max_new: usize) -> Self {
        let (rows, lines, missing) = (Readings::default(), Vec::new(), Vec::new());
        let refused = RefusedLines::default();
        Self { store, principal, rows, lines, missing, missing_by_name: HashMap::new(), max_new, refused }
    }

    /// Finds the stream of a device by the names of both. One that is missing is created later, of `kind`.
    ///
    /// # Errors
    /// A name that no device or stream can have, and a stream that is missing after `max_new` others: of more new series
    /// the first are created, so that a sender with many gets on with each request.
    pub fn slot(&mut self, device: &str, stream: &str, kind: StreamKind) -> Result<SeriesSlot, String> {
        if let Ok(found) = self.store.catalog().streams.stream_by_name(&self.principal, device, stream) {
            let is_scaled = found.spec.is_scaled();
            return Ok(SeriesSlot { id: found.id.0, kind: found.spec.kind, is_scaled });
        }
        let name = (device.to_owned(), stream.to_owned());
        let index = match self.missing_by_name.get(&name) {
            Some(index) => *index,
            None if self.missing.len() == self.max_new => return Err(self.too_many_missing()),
            None => {
                let spec = StreamSpec { kind, ..StreamSpec::new(stream, DeviceId(0)) };
                check_names(device, &spec)?;
                self.missing.push((name.0.clone(), spec));
                self.missing_by_name.insert(name, self.missing.len() - 1);
                self.missing.len() - 1
            }
        };
        let id = i32::try_from(index).map_err(|_| "has too many new streams".to_owned())?;
        Ok(SeriesSlot { id: -1 - id, kind: self.missing[index].1.kind, is_scaled: false })
    }

    /// Adds one value of a line. A line that turns out to be wrong is taken back by [`Self::refuse_line`].
    ///
    /// # Errors
    /// A value that does not fit the type of the stream.
    pub fn push(
        &mut self,
        line: u32,
        slot: SeriesSlot,
        ts: Option<Micros>,
        value: &SeriesValue<'_>,
    ) -> Result<(), String> {
        let (number, text) = fit(value, slot)?;
        if text.is_some() && self.rows.text.is_empty() {
            self.rows.text.resize(self.rows.len(), None);
        }
        if text.is_some() || !self.rows.text.is_empty() {
            self.rows.text.push(text);
        }
        let quality = if *value == SeriesValue::Lost { Quality::Bad } else { Quality::Good };
        self.rows.stream.push(slot.id);
        self.rows.ts.push(ts.map_or(NO_TIME, |ts| ts.0));
        self.rows.value.push(number);
        self.rows.quality.push(quality as u8);
        self.lines.push(line);
        Ok(())
    }

    /// Refuses a line, with the values of it that were added so far: those after row `from`.
    pub fn refuse_line(&mut self, line: u32, from: usize, problem: impl Into<String>) {
        self.rows.stream.truncate(from);
        self.rows.ts.truncate(from);
        self.rows.value.truncate(from);
        self.rows.quality.truncate(from);
        self.rows.text.truncate(from);
        self.lines.truncate(from);
        self.refused.add(line, problem);
    }

    /// Returns the number of rows so far.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Creates the missing streams and checks every row.
    ///
    /// # Errors
    /// Errors of the catalog that are no fault of a line: `Unavailable`.
    pub async fn finish(mut self, arrived: Micros) -> Result<SeriesReadings> {
        let created = self.create_missing().await?;
        let mut problems: BTreeMap<u32, String> = BTreeMap::new();
        for row in 0..self.rows.len() {
            let id = self.rows.stream[row];
            if id < 0 {
                match &created[(-1 - id) as usize] {
                    Ok(stream) => self.rows.stream[row] = stream.id.0,
                    Err(problem) => {
                        problems.entry(self.lines[row]).or_insert_with(|| problem.clone());
                        continue;
                    }
                }
            }
            if self.rows.ts[row] == NO_TIME {
                let stream = StreamId(self.rows.stream[row]);
                self.rows.ts[row] = self.store.assign_ts(stream, arrived).0;
            }
        }
        for (row, problem) in self.store.row_problems(&self.principal, &self.rows) {
            let stream =
                self.store.catalog().streams.stream(&self.principal, StreamId(self.rows.stream[row]));
            let problem = || match stream {
                Ok(stream) => format!("`{}`: {problem}", stream.spec.name),
                Err(_) => problem.to_string(),
            };
            problems.entry(self.lines[row]).or_insert_with(problem);
        }
        if !problems.is_empty() {
            let is_kept: Vec<bool> = self.lines.iter().map(|line| !problems.contains_key(line)).collect();
            retain_rows(&mut self.rows, &is_kept);
            retain(&mut self.lines, &is_kept);
            problems.into_iter().for_each(|(line, problem)| self.refused.add(line, problem));
        }
        let changed_devices = created.iter().flatten().map(|stream| stream.spec.device).collect();
        let Self { rows: readings, lines, refused, .. } = self;
        Ok(SeriesReadings { readings, lines, refused, changed_devices })
    }

    fn too_many_missing(&self) -> String {
        let max_new = self.max_new;
        format!("has a new series beyond the {max_new} that one request creates (`ingest.max_new_streams`)")
    }

    /// Returns each missing stream as it is now, or why it was not created. Those whose values were all refused are not
    /// created.
    async fn create_missing(&self) -> Result<Vec<Result<Arc<Stream>, String>>> {
        let used: BTreeSet<i32> = self.rows.stream.iter().copied().filter(|id| *id < 0).collect();
        if used.is_empty() {
            return Ok(Vec::new());
        }
        let mut devices: BTreeMap<&str, Vec<&StreamSpec>> = BTreeMap::new();
        for (device, spec) in used.iter().rev().map(|id| &self.missing[(-1 - id) as usize]) {
            devices.entry(device).or_default().push(spec);
        }
        let all =
            Inventory { devices: devices.iter().map(|(name, specs)| self.entry(name, specs)).collect() };
        let mut refused: HashMap<&str, String> = HashMap::new();
        if self.create(&all).await?.is_some() {
            // One device that cannot have its streams must not keep others from theirs.
            for (name, specs) in &devices {
                let one = Inventory { devices: vec![self.entry(name, specs)] };
                if let Some(problem) = self.create(&one).await? {
                    refused.insert(name, problem);
                }
            }
        }
        let catalog = self.store.catalog();
        let found = self.missing.iter().map(|(device, spec)| match refused.get(device.as_str()) {
            Some(problem) => Err(problem.clone()),
            None => {
                let stream = catalog.streams.stream_by_name(&self.principal, device, &spec.name);
                stream.map_err(|error| error.full_message())
            }
        });
        Ok(found.collect())
    }

    /// Creates devices and streams in one transaction. Returns why it did not, if that is the sender's fault.
    async fn create(&self, inventory: &Inventory) -> Result<Option<String>> {
        match self.store.catalog().inventory.put_inventory(&self.principal, inventory).await {
            Ok(_) => Ok(None),
            Err(error) => match error.kind {
                Kind::Unavailable | Kind::Internal | Kind::Busy | Kind::Timeout => Err(error),
                _ => Ok(Some(format!("has a new series that cannot be created: {}", error.full_message()))),
            },
        }
    }

    fn entry(&self, device: &str, specs: &[&StreamSpec]) -> DeviceEntry {
        let exists = self.store.catalog().devices.device_by_name(&self.principal, device).is_ok();
        let streams = specs.iter().map(|spec| StreamEntry { spec: (*spec).clone(), group: None }).collect();
        DeviceEntry {
            name: device.to_owned(),
            spec: (!exists).then(|| DeviceSpec::new(device, Protocol::Http)),
            password: None,
            product: None,
            parent_device: None,
            streams,
        }
    }
}

fn check_names(device: &str, spec: &StreamSpec) -> Result<(), String> {
    if spec.name.starts_with(companion::MARK) {
        return Err(format!("the name of a stream does not begin with `{}`", companion::MARK));
    }
    let wrong = |what: &str, name: &str, error: Error| {
        let shown: String = name.chars().take(60).collect();
        format!("`{shown}` is no name of a {what}: {}", error.full_message())
    };
    Error::check(DeviceSpec::new(device, Protocol::Http).problems())
        .map_err(|error| wrong("device", device, error))?;
    Error::check(spec.problems()).map_err(|error| wrong("stream", &spec.name, error))
}

/// Returns number and text of a value as the stream stores them.
fn fit(value: &SeriesValue<'_>, slot: SeriesSlot) -> Result<(f64, Option<Box<str>>), String> {
    let kind = slot.kind;
    match value {
        SeriesValue::Lost => Ok((f64::NAN, None)),
        SeriesValue::Text(text) if kind == StreamKind::Text => Ok((f64::NAN, Some((*text).into()))),
        SeriesValue::Bool(bit) if kind == StreamKind::Bit => Ok((f64::from(u8::from(*bit)), None)),
        SeriesValue::Number(number) if kind.is_numeric() => {
            let (nearest, exact) = number.split();
            let fits = match kind.integer_range().filter(|_| !slot.is_scaled) {
                Some(range) => integer(*number).is_some_and(|integer| range.contains(&integer)),
                None => kind != StreamKind::Bit || nearest == 0.0 || nearest == 1.0,
            };
            if !fits {
                return Err(format!("the stream is {kind}, which does not hold {nearest}"));
            }
            Ok((nearest, exact.filter(|_| kind.is_wide_integer())))
        }
        other => Err(format!("the stream is {kind}, and the value is {}", other.kind())),
    }
}

/// The exact integer that a number is.
fn integer(number: InputNumber) -> Option<i128> {
    match number {
        InputNumber::Int(number) => Some(number.into()),
        InputNumber::Uint(number) => Some(number.into()),
        InputNumber::Float(number) => (number.fract() == 0.0).then_some(number as i128),
    }
}

fn retain_rows(rows: &mut Readings, is_kept: &[bool]) {
    retain(&mut rows.stream, is_kept);
    retain(&mut rows.ts, is_kept);
    retain(&mut rows.value, is_kept);
    retain(&mut rows.quality, is_kept);
    retain(&mut rows.text, is_kept);
}

fn retain<T>(column: &mut Vec<T>, is_kept: &[bool]) {
    let mut kept = is_kept.iter();
    column.retain(|_| kept.next().copied().unwrap_or(true));
}
