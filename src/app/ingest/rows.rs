//! Rows of a request being put together: streams found by id or by name, wrong rows collected with their numbers.

use std::collections::HashMap;
use std::sync::Arc;

use super::{kinds, size};
use crate::app::body_memory::Held;
use crate::domain::reading::{Quality, Readings};
use crate::domain::{Error, FieldError, Micros, Principal, Result, StreamId};
use crate::store::Store;

/// How many wrong rows one answer lists.
const LISTED: usize = 20;
/// Integers up to here are exact in an f64.
const EXACT: u64 = 1 << 53;

/// A number as it was written: integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Int(i64),
    Uint(u64),
    Float(f64),
}

impl Number {
    /// The nearest f64, and the exact decimal where that is another number.
    pub fn split(self) -> (f64, Option<Box<str>>) {
        match self {
            Number::Int(i) if i.unsigned_abs() > EXACT => (i as f64, Some(i.to_string().into())),
            Number::Uint(u) if u > EXACT => (u as f64, Some(u.to_string().into())),
            Number::Int(i) => (i as f64, None),
            Number::Uint(u) => (u as f64, None),
            Number::Float(f) => (f, None),
        }
    }
}

/// The columns of one row, already of their types.
#[derive(Debug, Default)]
pub struct Row<'a> {
    pub stream_id: Option<i32>,
    pub device: Option<&'a str>,
    pub stream: Option<&'a str>,
    pub ts: Option<Micros>,
    pub value: Option<Number>,
    pub text: Option<&'a str>,
    pub quality: Quality,
}

/// Collects rows until one too many is wrong or the request is over its size.
pub struct Builder {
    store: Arc<Store>,
    principal: Principal,
    rows: Readings,
    text_bytes: usize,
    /// Rows seen, wrong ones included.
    seen: usize,
    wrong: Vec<FieldError>,
    by_name: HashMap<(String, String), Option<StreamId>>,
    memory: Held,
}

/// Rows that may be written, with the memory that they hold.
pub struct Built {
    pub rows: Readings,
    pub memory: Held,
}

impl Builder {
    /// `memory` is what is held for the rows already; it grows with them.
    pub fn new(store: Arc<Store>, principal: Principal, memory: Held) -> Self {
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
    /// `TooLarge` past the decoded size; `Invalid` once `LISTED` rows are wrong.
    pub fn push(&mut self, row: Row<'_>) -> Result<()> {
        if let Err(problem) = self.accept(row) {
            return self.refuse(problem);
        }
        self.seen += 1;
        self.check_size()
    }

    /// Notes the next row as wrong.
    pub fn refuse(&mut self, problem: impl Into<String>) -> Result<()> {
        self.seen += 1;
        self.wrong.push(FieldError::new(format!("row {}", self.seen), problem));
        if self.wrong.len() < LISTED { Ok(()) } else { Error::check(std::mem::take(&mut self.wrong)) }
    }

    fn accept(&mut self, row: Row<'_>) -> Result<(), String> {
        let stream = match (row.stream_id, row.device, row.stream) {
            (Some(id), None, None) => StreamId(id),
            (None, Some(device), Some(stream)) => self.find(device, stream)?,
            (Some(_), _, _) => return Err("stream_id: give either stream_id or device and stream".to_owned()),
            _ => return Err("stream_id: is missing (or device and stream)".to_owned()),
        };
        let ts = row.ts.ok_or("ts: is missing")?;
        let (value, exact) = row.value.map_or((f64::NAN, None), Number::split);
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

    fn find(&mut self, device: &str, stream: &str) -> Result<StreamId, String> {
        let name = (device.to_owned(), stream.to_owned());
        let catalog = self.store.catalog();
        let look_up = |_: &_| catalog.stream_by_name(&self.principal, device, stream).ok().map(|s| s.id);
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

    /// Adds whole columns at once; `append` gives their number of rows.
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

    /// Rows seen so far: the number before the next row's.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Takes memory for what is made of a batch, beside the rows that there are.
    ///
    /// # Errors
    /// `Busy` when there is none.
    pub fn cover(&mut self, more: usize) -> Result<()> {
        self.memory.cover(self.held_bytes().saturating_add(more))
    }

    fn check_size(&mut self) -> Result<()> {
        size::check(self.rows.len() * size::ROW_BYTES + self.text_bytes)?;
        self.memory.cover(self.held_bytes())
    }

    /// What the rows take: their columns grow by doubling.
    fn held_bytes(&self) -> usize {
        let slots = self.rows.text.capacity() * size_of::<Option<Box<str>>>();
        self.rows.value.capacity() * size::ROW_BYTES + slots + self.text_bytes
    }

    /// The rows, if none was wrong.
    pub fn finish(mut self) -> Result<Built> {
        Error::check(std::mem::take(&mut self.wrong))?;
        kinds::check(self.store.catalog(), &self.principal, &self.rows)?;
        self.memory.shrink(self.held_bytes());
        Ok(Built { rows: self.rows, memory: self.memory })
    }
}
