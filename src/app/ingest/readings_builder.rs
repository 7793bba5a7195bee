//! Builds the readings of a request: finds streams by id or by name, and collects wrong rows with their numbers.

use std::collections::HashMap;
use std::sync::Arc;

use super::{kind_check, size};
use crate::app::body_memory::BodyMemoryReservation;
use crate::domain::reading::{Quality, Readings};
use crate::domain::stream::StreamKind;
use crate::domain::{Error, FieldError, Micros, Principal, Result, StreamId};
use crate::store::Store;

/// Maximum wrong rows listed in one response.
const MAX_LISTED_ERRORS: usize = 20;
/// Integers up to this are exact in an f64.
const EXACT: u64 = 1 << 53;

/// A number as sent: integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InputNumber {
    Int(i64),
    Uint(u64),
    Float(f64),
}

impl InputNumber {
    /// Returns the nearest f64, and the exact decimal where it differs.
    pub fn split(self) -> (f64, Option<Box<str>>) {
        match self {
            InputNumber::Int(i) if i.unsigned_abs() > EXACT => (i as f64, Some(i.to_string().into())),
            InputNumber::Uint(u) if u > EXACT => (u as f64, Some(u.to_string().into())),
            InputNumber::Int(i) => (i as f64, None),
            InputNumber::Uint(u) => (u as f64, None),
            InputNumber::Float(f) => (f, None),
        }
    }
}

/// The columns of one row, already converted to their types.
#[derive(Debug, Default)]
pub struct InputRow<'a> {
    pub stream_id: Option<i32>,
    pub device: Option<&'a str>,
    pub stream: Option<&'a str>,
    pub ts: Option<Micros>,
    pub value: Option<InputNumber>,
    pub text: Option<&'a str>,
    pub quality: Quality,
}

/// Collects rows until too many are wrong or the request exceeds its size.
pub struct ReadingsBuilder {
    store: Arc<Store>,
    principal: Principal,
    rows: Readings,
    text_bytes: usize,
    /// Rows so far, including wrong ones.
    seen: usize,
    wrong: Vec<FieldError>,
    by_name: HashMap<(String, String), Option<StreamId>>,
    memory: BodyMemoryReservation,
}

/// Rows that passed all checks, with the memory reserved for them.
pub struct CheckedReadings {
    pub rows: Readings,
    pub memory: BodyMemoryReservation,
}

impl ReadingsBuilder {
    /// `memory` is already reserved for the rows; it grows with them.
    pub fn new(store: Arc<Store>, principal: Principal, memory: BodyMemoryReservation) -> Self {
        Self {
            store,
            principal,
            rows: Readings::default(),
            text_bytes: 0,
            seen: 0,
            wrong: Vec::new(),
            by_name: HashMap::new(),
            memory,
        }
    }

    /// Adds the next row.
    ///
    /// # Errors
    /// `TooLarge` past the decoded size; `Invalid` once `MAX_LISTED_ERRORS` rows are wrong.
    pub fn push(&mut self, row: InputRow<'_>) -> Result<()> {
        if let Err(problem) = self.accept(row) {
            return self.refuse(problem);
        }
        self.seen += 1;
        self.check_size()
    }

    /// Adds the next row of a form in which an empty text looks like none: it is one if its stream has texts.
    ///
    /// # Errors
    /// The errors of `push`.
    pub fn push_with_empty_text(&mut self, row: InputRow<'_>) -> Result<()> {
        let stream = match (row.stream_id, row.device, row.stream) {
            (Some(id), _, _) => Some(StreamId(id)),
            (None, Some(device), Some(stream)) => self.find(device, stream).ok(),
            _ => None,
        };
        let is_text = stream.and_then(|id| self.kind(id)) == Some(StreamKind::Text);
        self.push(InputRow { text: is_text.then_some(""), ..row })
    }

    /// Records the next row as wrong.
    pub fn refuse(&mut self, problem: impl Into<String>) -> Result<()> {
        self.seen += 1;
        self.wrong.push(FieldError::new(format!("row {}", self.seen), problem));
        if self.wrong.len() < MAX_LISTED_ERRORS {
            Ok(())
        } else {
            Error::check(std::mem::take(&mut self.wrong))
        }
    }

    fn accept(&mut self, row: InputRow<'_>) -> Result<(), String> {
        let stream = match (row.stream_id, row.device, row.stream) {
            (Some(id), None, None) => StreamId(id),
            (None, Some(device), Some(stream)) => self.find(device, stream)?,
            (Some(_), _, _) => return Err("stream_id: give either stream_id or device and stream".to_owned()),
            _ => return Err("stream_id: is missing (or device and stream)".to_owned()),
        };
        let ts = row.ts.ok_or("ts: is missing")?;
        let (value, exact) = row.value.map_or((f64::NAN, None), InputNumber::split);
        let exact = exact.filter(|_| self.keeps_digits(stream));
        if row.value.is_some() && !value.is_finite() {
            return Err("value: must be finite".to_owned());
        }
        let text: Option<Box<str>> = row.text.map(Box::from).or(exact);
        self.text_bytes += text.as_ref().map_or(0, |t| t.len() + 16);
        if text.is_some() && self.rows.text.is_empty() {
            self.rows.text.resize(self.rows.len(), None);
        }
        if text.is_some() || !self.rows.text.is_empty() {
            self.rows.text.push(text);
        }
        self.rows.stream.push(stream.0);
        self.rows.ts.push(ts.0);
        self.rows.value.push(value);
        self.rows.quality.push(row.quality as u8);
        Ok(())
    }

    /// Whether a stream keeps the digits of integers that an f64 rounds. All others store the nearest f64.
    fn keeps_digits(&self, id: StreamId) -> bool {
        self.kind(id).is_some_and(StreamKind::is_wide_integer)
    }

    fn kind(&self, id: StreamId) -> Option<StreamKind> {
        self.store.catalog().streams.stream(&self.principal, id).ok().map(|stream| stream.spec.kind)
    }

    fn find(&mut self, device: &str, stream: &str) -> Result<StreamId, String> {
        let name = (device.to_owned(), stream.to_owned());
        let catalog = self.store.catalog();
        let look_up =
            |_: &_| catalog.streams.stream_by_name(&self.principal, device, stream).ok().map(|s| s.id);
        let found = match self.by_name.get(&name) {
            Some(known) => *known,
            None => {
                let found = look_up(&name);
                self.by_name.insert(name, found);
                found
            }
        };
        found.ok_or_else(|| format!("stream: device `{device}` has no stream `{stream}`"))
    }

    /// Adds whole columns at once.
    pub fn extend(&mut self, columns: Readings) -> Result<()> {
        self.seen += columns.len();
        self.text_bytes += columns.text.iter().flatten().map(|t| t.len() + 16).sum::<usize>();
        if self.rows.is_empty() {
            self.rows = columns;
            return self.check_size();
        }
        let before = self.rows.len();
        if !columns.text.is_empty() || !self.rows.text.is_empty() {
            self.rows.text.resize(before, None);
            self.rows.text.extend(columns.text);
            self.rows.text.resize(before + columns.ts.len(), None);
        }
        self.rows.stream.extend(columns.stream);
        self.rows.ts.extend(columns.ts);
        self.rows.value.extend(columns.value);
        self.rows.quality.extend(columns.quality);
        self.check_size()
    }

    /// Returns the number of rows so far, which is one less than the next row's number.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Reserves memory for the conversion of a batch, beside the rows collected so far.
    ///
    /// # Errors
    /// `Busy` when the budget has none left.
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        self.memory.try_grow_to(self.held_bytes().saturating_add(more))
    }

    fn check_size(&mut self) -> Result<()> {
        size::check(self.rows.len() * size::ROW_BYTES + self.text_bytes)?;
        self.memory.try_grow_to(self.held_bytes())
    }

    /// Returns the memory of the rows; their columns grow by doubling, so capacities count.
    fn held_bytes(&self) -> usize {
        let slots = self.rows.text.capacity() * size_of::<Option<Box<str>>>();
        self.rows.value.capacity() * size::ROW_BYTES + slots + self.text_bytes
    }

    /// Returns the rows if none was wrong.
    pub fn finish(mut self) -> Result<CheckedReadings> {
        Error::check(std::mem::take(&mut self.wrong))?;
        kind_check::check(&self.store.catalog().streams, &self.principal, &self.rows)?;
        self.memory.shrink(self.held_bytes());
        Ok(CheckedReadings { rows: self.rows, memory: self.memory })
    }
}
