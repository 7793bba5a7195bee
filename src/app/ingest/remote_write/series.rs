//! A series: its labels and its points.

use super::version::Version;
use crate::app::ingest::protobuf::{FieldValue, Fields, MessageError, read_varint};
use crate::app::ingest::series_name::MAX_LABELS;

/// Bits of the NaN that says that a series has ended or its source is gone.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// A series as it lies in the body.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a, 's> {
    pub(super) version: Version,
    pub(super) message: &'a [u8],
    pub(super) symbols: &'s [&'a str],
}

/// A sample or a native histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    pub value: PointValue,
}

/// The value of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PointValue {
    Sample(f64),
    /// A native histogram without its buckets.
    Histogram {
        count: f64,
        sum: f64,
    },
}

impl PointValue {
    /// The number of readings that the value makes.
    pub fn reading_count(self) -> usize {
        match self {
            PointValue::Sample(_) => 1,
            PointValue::Histogram { .. } => 2,
        }
    }
}

/// Whether a value is the NaN that marks the end of a series.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

impl<'a> Series<'a, '_> {
    /// Replaces `labels` by those of the series that have a value: at most one more than [`MAX_LABELS`], which the caller
    /// refuses.
    ///
    /// # Errors
    /// A damaged message; in 2.0 also a reference beyond the symbols, and a name without a value.
    pub fn labels(&self, labels: &mut Vec<(&'a str, &'a str)>) -> Result<(), MessageError> {
        labels.clear();
        let mut add = |name, value: &'a str| {
            if !value.is_empty() && labels.len() <= MAX_LABELS {
                labels.push((name, value));
            }
        };
        match self.version {
            Version::V1 => self.visit(1, |label| {
                let (name, value) = read_label(label.bytes()?)?;
                add(name, value);
                Ok(())
            }),
            Version::V2 => {
                let mut name = None;
                let mut refer = |reference| {
                    let text = self.symbol(reference)?;
                    match name.take() {
                        None => name = Some(text),
                        Some(name) => add(name, text),
                    }
                    Ok(())
                };
                self.visit(1, |references| read_references(references, &mut refer))?;
                match name {
                    None => Ok(()),
                    Some(_) => Err("the labels of a series have an odd number of references".into()),
                }
            }
        }
    }

    /// Iterates over samples and histograms in the order of the body.
    pub fn points(&self) -> impl Iterator<Item = Result<Point, MessageError>> {
        let histogram_field = match self.version {
            Version::V1 => 4,
            Version::V2 => 3,
        };
        Fields::new(self.message).filter_map(move |field| match field {
            Ok((2, value)) => Some(value.bytes().and_then(read_sample)),
            Ok((number, value)) if number == histogram_field => Some(value.bytes().and_then(read_histogram)),
            Ok(_) => None,
            Err(problem) => Some(Err(problem)),
        })
    }

    /// Calls `each` with every value of a field.
    fn visit(
        &self,
        wanted: u32,
        mut each: impl FnMut(FieldValue<'a>) -> Result<(), MessageError>,
    ) -> Result<(), MessageError> {
        for field in Fields::new(self.message) {
            match field? {
                (number, value) if number == wanted => each(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn symbol(&self, reference: u64) -> Result<&'a str, MessageError> {
        let found = usize::try_from(reference).ok().and_then(|index| self.symbols.get(index));
        found.copied().ok_or_else(|| {
            let count = self.symbols.len();
            format!("a label refers to the symbol {reference}, and the request has {count} symbols").into()
        })
    }
}

/// Reads references, which may be packed into one field or have a field each.
fn read_references(
    references: FieldValue<'_>,
    each: &mut impl FnMut(u64) -> Result<(), MessageError>,
) -> Result<(), MessageError> {
    let mut packed = match references {
        FieldValue::Varint(reference) => return each(reference),
        other => other.bytes()?,
    };
    while !packed.is_empty() {
        each(read_varint(&mut packed)?)?;
    }
    Ok(())
}

fn read_label(message: &[u8]) -> Result<(&str, &str), MessageError> {
    let (mut name, mut text) = ("", "");
    for field in Fields::new(message) {
        match field? {
            (1, value) => name = value.text()?,
            (2, value) => text = value.text()?,
            _ => {}
        }
    }
    Ok((name, text))
}

/// `Sample` of both versions.
fn read_sample(message: &[u8]) -> Result<Point, MessageError> {
    let (mut sample, mut timestamp_ms) = (0.0, 0);
    for field in Fields::new(message) {
        match field? {
            (1, value) => sample = value.double()?,
            (2, value) => timestamp_ms = value.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(Point { timestamp_ms, value: PointValue::Sample(sample) })
}

/// `Histogram` of both versions: the count is an integer or a float.
fn read_histogram(message: &[u8]) -> Result<Point, MessageError> {
    let (mut count, mut sum, mut timestamp_ms) = (0.0, 0.0, 0);
    for field in Fields::new(message) {
        match field? {
            (1, value) => count = value.varint()? as f64,
            (2, value) => count = value.double()?,
            (3, value) => sum = value.double()?,
            (15, value) => timestamp_ms = value.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(Point { timestamp_ms, value: PointValue::Histogram { count, sum } })
}
