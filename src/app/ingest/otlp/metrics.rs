//! A body of metrics in either form.

use super::point::PointVisitor;
use super::{binary, json};
use crate::domain::{Error, Result};

/// The form of a body and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// Reads the value of `Content-Type`; `None` for every other media type.
    pub fn of_media_type(text: &str) -> Option<Encoding> {
        let media = text.split(';').next().unwrap_or_default().trim();
        [Encoding::Protobuf, Encoding::Json]
            .into_iter()
            .find(|known| media.eq_ignore_ascii_case(known.media_type()))
    }

    /// Returns the media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }
}

/// A body that can be visited more than once.
#[derive(Debug)]
pub enum Metrics<'a> {
    /// Not looked at yet.
    Protobuf(&'a [u8]),
    Json(json::Request),
}

impl<'a> Metrics<'a> {
    /// Opens a body.
    ///
    /// # Errors
    /// `Invalid` for JSON that is no request.
    pub fn open(encoding: Encoding, body: &'a [u8]) -> Result<Self> {
        match encoding {
            Encoding::Protobuf => Ok(Metrics::Protobuf(body)),
            Encoding::Json => serde_json::from_slice(body).map(Metrics::Json).map_err(|error| {
                Error::invalid(format!("the body is no ExportMetricsServiceRequest: {error}"))
            }),
        }
    }

    /// Visits every data point in the order of the body. `naming` are the attributes of a resource that name its device, the
    /// most important first.
    ///
    /// # Errors
    /// `Invalid` for a damaged body. Points before the damage were visited.
    pub fn visit(&self, naming: &[String], each: PointVisitor<'_>) -> Result<()> {
        match self {
            Metrics::Protobuf(body) => binary::visit(body, naming, each)
                .map_err(|problem| Error::invalid(format!("the body is damaged: {problem}"))),
            Metrics::Json(request) => {
                json::visit(request, naming, each);
                Ok(())
            }
        }
    }

    /// Counts the readings that the body makes.
    ///
    /// # Errors
    /// `Invalid` for a damaged body.
    pub fn count_readings(&self) -> Result<usize> {
        let mut count = 0;
        self.visit(&[], &mut |_, point| count += point.readings().len())?;
        Ok(count)
    }
}
