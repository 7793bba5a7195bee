//! A body: its symbols and its series.

use super::series::Series;
use super::version::Version;
use crate::app::ingest::protobuf::{Fields, MessageError, text};

/// Maximum symbols of a request. Each takes 16 bytes here, and two in the body.
const MAX_SYMBOLS: usize = 1_000_000;

/// `Request.symbols` of 2.0.
const SYMBOLS: u32 = 4;

/// A request whose symbols are known.
#[derive(Debug)]
pub struct Request<'a> {
    version: Version,
    body: &'a [u8],
    /// Texts that the labels of 2.0 refer to; none in 1.0.
    symbols: Vec<&'a str>,
}

impl<'a> Request<'a> {
    /// Reads the symbols of a body, which may lie behind its series.
    ///
    /// # Errors
    /// A damaged body, more than a million symbols, and a first symbol that is not empty, as 2.0 demands.
    pub fn open(version: Version, body: &'a [u8]) -> Result<Self, MessageError> {
        let mut symbols = Vec::new();
        if version == Version::V2 {
            for symbol in Fields::of(body, SYMBOLS) {
                if symbols.len() == MAX_SYMBOLS {
                    return Err(format!("the request has more than {MAX_SYMBOLS} symbols").into());
                }
                symbols.push(text(symbol?)?);
            }
            if symbols.first().is_some_and(|first| !first.is_empty()) {
                return Err("the first symbol is not empty".into());
            }
        }
        Ok(Self { version, body, symbols })
    }

    /// Iterates over the series.
    pub fn series(&self) -> impl Iterator<Item = Result<Series<'a, '_>, MessageError>> {
        let series_field = match self.version {
            Version::V1 => 1,
            Version::V2 => 5,
        };
        Fields::of(self.body, series_field)
            .map(|message| Ok(Series { version: self.version, message: message?, symbols: &self.symbols }))
    }

    /// Counts the readings that the request makes, and finds damage of samples and histograms.
    ///
    /// # Errors
    /// A damaged body.
    pub fn count_readings(&self) -> Result<usize, MessageError> {
        let mut count = 0;
        for series in self.series() {
            for point in series?.points() {
                count += point?.value.reading_count();
            }
        }
        Ok(count)
    }

    /// Estimates the memory of the symbols, bytes.
    pub fn symbol_bytes(&self) -> usize {
        self.symbols.capacity() * size_of::<&str>()
    }
}
