//! Writes metrics of OpenTelemetry. A wrong data point is rejected alone, and its sender is told so.
//!
//! A point's device is the first attribute of its resource that the configuration names. Its stream is the name of the metric,
//! followed by the attributes of the point, sorted. A histogram has the streams `….count`, `….sum`, `….min` and `….max`; a
//! summary has one for each quantile besides. Devices and streams that are missing are created.

use bytes::Bytes;

use super::INLINE_BYTES;
use super::otlp::metrics::{Encoding, Metrics};
use super::otlp::point::{DataPoint, PointReading, PointSource, ReadingValue};
use super::readings_builder::InputNumber;
use super::series_name::stream_name;
use super::series_rows::{RefusedLines, SeriesRows, SeriesValue};
use super::series_write::reading_bytes;
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::app::bulk_work;
use crate::app::ingest::Ingest;
use crate::domain::{Micros, Principal, Resource, Result, Scope};

/// Label of the quantiles of a summary.
const QUANTILE_LABEL: &str = "quantile";

/// Parameters of a request besides its body.
#[derive(Debug, Clone)]
pub struct MetricRequest {
    pub encoding: Encoding,
    /// Device of the resources that name none.
    pub default_device: Option<String>,
}

impl Ingest {
    /// Writes the data points of a body, and returns those that are wrong, by their position in the request, from 1.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` and `TooLarge` for a body of which nothing is written; `Busy` and `Unavailable`, when the
    /// same request may succeed later.
    pub async fn write_metrics(
        &self,
        principal: &Principal,
        request: MetricRequest,
        body: Bytes,
    ) -> Result<RefusedLines> {
        principal.require(Scope::write(Resource::Value))?;
        let arrived = self.clock.now();
        let settings = self.settings.clone();
        let rows = SeriesRows::new(self.store.clone(), principal.clone(), settings.max_new_streams);
        let is_small = body.len() <= INLINE_BYTES;
        let read = move || -> Result<(SeriesRows, BodyMemoryReservation)> {
            let metrics = Metrics::open(request.encoding, &body)?;
            let mut memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
            memory.try_grow_to(reading_bytes(metrics.count_readings()?)?)?;
            let mut reader = PointReader {
                rows,
                naming: settings.device_attributes,
                default_device: request.default_device,
            };
            reader.add_all(&metrics)?;
            Ok((reader.rows, memory))
        };
        let (rows, _memory) = bulk_work::run(is_small, read).await??;
        Ok(self.write_series(principal, rows, arrived, false).await?.refused)
    }
}

/// Reads data points into rows.
struct PointReader {
    rows: SeriesRows,
    /// Attributes of a resource that name its device.
    naming: Vec<String>,
    default_device: Option<String>,
}

impl PointReader {
    fn add_all(&mut self, metrics: &Metrics<'_>) -> Result<()> {
        let naming = std::mem::take(&mut self.naming);
        let mut line: u32 = 0;
        metrics.visit(&naming, &mut |source, point| {
            line = line.saturating_add(1);
            let before = self.rows.row_count();
            if let Err(problem) = self.add(line, source, point) {
                self.rows.refuse_line(line, before, problem);
            }
        })
    }

    fn add(&mut self, line: u32, source: PointSource<'_>, point: &DataPoint<'_>) -> Result<(), String> {
        let name = stream_name(source.metric, &mut labels(point))?;
        let in_series = |problem: &str| format!("`{name}`: {problem}");
        if let Some(key) = point.composite_attribute {
            return Err(in_series(&format!("the attribute `{key}` is no text, number or boolean")));
        }
        let device = source.device.or(self.default_device.as_deref()).ok_or_else(|| {
            in_series(
                "names no device: give its resource an attribute of `ingest.device_attributes`, or the request the \
                 parameter `device`",
            )
        })?;
        let micros = i64::try_from(point.time_unix_nano / 1000).ok().filter(|micros| *micros > 0);
        let ts = Micros(micros.ok_or_else(|| in_series("has no time"))?);
        let readings = point.readings();
        if readings.is_empty() {
            return Err(in_series("has no value"));
        }
        for reading in readings {
            let value = series_value(reading.value).map_err(|problem| in_series(&problem))?;
            let stream = reading_name(source.metric, point, &reading, &name)?;
            let slot = self.rows.slot(device, &stream, value.kind())?;
            self.rows
                .push(line, slot, Some(ts), &value)
                .map_err(|problem| format!("`{stream}`: {problem}"))?;
        }
        Ok(())
    }
}

/// Returns the name of the stream of a reading; `name` is that of its point.
fn reading_name(
    metric: &str,
    point: &DataPoint<'_>,
    reading: &PointReading,
    name: &str,
) -> Result<String, String> {
    let quantile = reading.quantile.map(|quantile| quantile.to_string());
    if reading.suffix.is_empty() && quantile.is_none() {
        return Ok(name.to_owned());
    }
    let mut labels = labels(point);
    labels.extend(quantile.as_deref().map(|quantile| (QUANTILE_LABEL, quantile)));
    stream_name(&format!("{metric}{}", reading.suffix), &mut labels)
}

fn labels<'p>(point: &'p DataPoint<'_>) -> Vec<(&'p str, &'p str)> {
    point.attributes.iter().map(|(key, text)| (*key, &**text)).collect()
}

fn series_value(value: ReadingValue) -> Result<SeriesValue<'static>, String> {
    match value {
        ReadingValue::Int(number) => Ok(SeriesValue::Number(InputNumber::Int(number))),
        ReadingValue::Uint(number) => Ok(SeriesValue::Number(InputNumber::Uint(number))),
        ReadingValue::Float(number) if number.is_finite() => {
            Ok(SeriesValue::Number(InputNumber::Float(number)))
        }
        ReadingValue::Float(other) => Err(format!("{other} is no value: a finite number is expected")),
        ReadingValue::Lost => Ok(SeriesValue::Lost),
    }
}

#[cfg(test)]
#[path = "metric_write_tests.rs"]
mod tests;
