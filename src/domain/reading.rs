//! Readings: one value of one stream at one time, as a single row or in columns.

use super::named_enum::named_enum;
use super::{Micros, StreamId};

named_enum! {
    /// Trustworthiness of a reading, in the order of the stored byte.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
    #[repr(u8)]
    pub enum Quality {
        /// The value is what the source measured.
        #[default]
        Good = "good",
        /// The source itself doubts the value, for example because it is a substitute.
        Uncertain = "uncertain",
        /// The source was lost or refused the read; value and text are null.
        Bad = "bad",
    }
    display;
    listed "quality";
}

impl Quality {
    /// Decodes the stored byte; `None` for an unknown one.
    #[inline]
    pub fn from_byte(byte: u8) -> Option<Quality> {
        Quality::ALL.get(usize::from(byte)).copied()
    }
}

/// One value of one stream. A second reading at the same (stream, ts) replaces the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Stream that the value belongs to.
    pub stream: StreamId,
    /// Time of the value as its source gives it; otherwise the time of the read or of the request.
    pub ts: Micros,
    /// Finite, or null for text and bad readings.
    pub value: Option<f64>,
    /// Text, JSON, location; or the exact decimal of a 64-bit integer beyond ±2^53.
    pub text: Option<Box<str>>,
    /// How far the value can be trusted.
    pub quality: Quality,
}

impl Reading {
    /// A numeric reading of good quality.
    pub fn good(stream: StreamId, ts: Micros, value: f64) -> Self {
        Self { stream, ts, value: Some(value), text: None, quality: Quality::Good }
    }

    /// The single bad reading written to a stream when its source is lost.
    pub fn lost(stream: StreamId, ts: Micros) -> Self {
        Self { stream, ts, value: None, text: None, quality: Quality::Bad }
    }
}

/// Readings in columns of equal length, in input order: the unit of every write.
///
/// Plain vectors rather than Arrow, so that a single value costs no array builders; `store/` moves the vectors into
/// Arrow buffers without copying.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// Stream ids.
    pub stream: Vec<i32>,
    /// Microseconds since the epoch, UTC.
    pub ts: Vec<i64>,
    /// NaN stands for null: no accepted value is ever NaN.
    pub value: Vec<f64>,
    /// `Quality` as its byte.
    pub quality: Vec<u8>,
    /// Empty when no row has text, else one entry per row.
    pub text: Vec<Option<Box<str>>>,
}

impl Readings {
    /// Reserves room for `rows` rows without text.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            stream: Vec::with_capacity(rows),
            ts: Vec::with_capacity(rows),
            value: Vec::with_capacity(rows),
            quality: Vec::with_capacity(rows),
            text: Vec::new(),
        }
    }

    /// Number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Appends one row; the text column is filled up on the first row that has text.
    #[inline]
    pub fn push(&mut self, reading: Reading) {
        let Reading { stream, ts, value, text, quality } = reading;
        if text.is_some() && self.text.is_empty() {
            self.text.resize(self.len(), None);
        }
        if text.is_some() || !self.text.is_empty() {
            self.text.push(text);
        }
        self.stream.push(stream.0);
        self.ts.push(ts.0);
        self.value.push(value.unwrap_or(f64::NAN));
        self.quality.push(quality as u8);
    }

    /// Returns row `i`. Panics when `i` is out of range, as slice indexing does.
    #[inline]
    pub fn get(&self, i: usize) -> Reading {
        Reading {
            stream: StreamId(self.stream[i]),
            ts: Micros(self.ts[i]),
            value: Some(self.value[i]).filter(|v| !v.is_nan()),
            text: self.text.get(i).cloned().flatten(),
            quality: Quality::from_byte(self.quality[i]).unwrap_or(Quality::Bad),
        }
    }

    /// Iterates over the rows; each text is cloned.
    pub fn iter(&self) -> impl Iterator<Item = Reading> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Bytes held in memory, for back-pressure.
    pub fn size_bytes(&self) -> usize {
        self.len() * 21 + self.text.iter().map(|t| 16 + t.as_ref().map_or(0, |t| t.len())).sum::<usize>()
    }
}

impl FromIterator<Reading> for Readings {
    fn from_iter<I: IntoIterator<Item = Reading>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let mut all = Readings::with_capacity(rows.size_hint().0);
        rows.for_each(|r| all.push(r));
        all
    }
}
