//! Writes requests of Prometheus' remote write. A wrong sample is refused alone, because its sender never sends it again.
//!
//! A series' device is its label `instance`. Its stream is the name of the metric, followed by the other labels but `job`,
//! sorted: `http_requests_total,code=200`. A native histogram has two streams, `…_count` and `…_sum`. Devices and streams
//! that are missing are created.

use bytes::Bytes;

use super::readings_builder::InputNumber;
use super::remote_write::request::Request;
use super::remote_write::series::{Point, PointValue, is_stale};
use super::remote_write::version::Version;
use super::series_name::{MAX_LABELS, stream_name};
use super::series_rows::{RefusedLines, SeriesRows, SeriesSlot, SeriesValue};
use super::series_write::{SERIES_DECODED_BYTES, SeriesOutcome, reading_bytes};
use super::{INLINE_BYTES, snappy};
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::app::bulk_work;
use crate::app::ingest::Ingest;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope};

/// Label with the name of the metric.
const METRIC_LABEL: &str = "__name__";
/// Label that names the device.
const DEVICE_LABEL: &str = "instance";
/// Label that is no part of a stream's name: the job of a scraped target says nothing that its instance does not.
const JOB_LABEL: &str = "job";

/// Parameters of a request besides its body.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    pub version: Version,
    /// Device of the series without an instance.
    pub default_device: Option<String>,
}

/// Outcome of the samples of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampleOutcome {
    /// Samples and histograms that are durable now.
    pub samples: usize,
    pub histograms: usize,
    /// Samples and histograms by their position in the request, from 1.
    pub refused: RefusedLines,
}

impl Ingest {
    /// Writes the samples of a body, which is a block of Snappy; those that are wrong are in the outcome.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` and `TooLarge` for a body of which nothing is written; `Busy` and `Unavailable`, when the
    /// same request may succeed later.
    pub async fn write_samples(
        &self,
        principal: &Principal,
        request: SampleRequest,
        block: Bytes,
    ) -> Result<SampleOutcome> {
        principal.require(Scope::write(Resource::Value))?;
        let arrived = self.clock.now();
        let length = snappy::decoded_len(&block, SERIES_DECODED_BYTES)?;
        let mut memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
        memory.grow_to(length).await?;
        let max_new = self.settings.max_new_streams;
        let rows = SeriesRows::new(self.store.clone(), principal.clone(), max_new);
        let read = move || -> Result<(ReadSamples, BodyMemoryReservation)> {
            let body = snappy::decode(&block)?;
            let damaged = |problem| Error::invalid(format!("the body is damaged: {problem}"));
            let opened = Request::open(request.version, &body).map_err(damaged)?;
            let readings = reading_bytes(opened.count_readings().map_err(damaged)?)?;
            memory.try_grow_to(length + opened.symbol_bytes() + readings)?;
            let mut read = ReadSamples { rows, count: 0, histograms: Vec::new() };
            read.add_all(&opened, request.default_device.as_deref()).map_err(damaged)?;
            Ok((read, memory))
        };
        let (read, _memory) = bulk_work::run(length <= INLINE_BYTES, read).await??;
        let ReadSamples { rows, histograms, .. } = read;
        let SeriesOutcome { lines, refused } = self.write_series(principal, rows, arrived, false).await?;
        let of_histograms = lines.iter().filter(|line| histograms.binary_search(line).is_ok()).count();
        let samples = lines.len() - of_histograms;
        let histograms = of_histograms / HISTOGRAM_SUFFIXES.len();
        Ok(SampleOutcome { samples, histograms, refused })
    }
}

/// Suffixes of the two streams of a native histogram.
const HISTOGRAM_SUFFIXES: [&str; 2] = ["_count", "_sum"];

/// Samples of a request while it is read. Samples and histograms are counted together: each is a line.
struct ReadSamples {
    rows: SeriesRows,
    count: u32,
    /// Samples that are histograms, ascending.
    histograms: Vec<u32>,
}

impl ReadSamples {
    fn add_all(
        &mut self,
        request: &Request<'_>,
        default_device: Option<&str>,
    ) -> Result<(), super::protobuf::MessageError> {
        let mut labels = Vec::new();
        for series in request.series() {
            let series = series?;
            series.labels(&mut labels)?;
            let mut target = SeriesTarget::new(&mut labels, default_device);
            for point in series.points() {
                let point = point?;
                self.count = self.count.saturating_add(1);
                let before = self.rows.row_count();
                let added = match &mut target {
                    Ok(target) => target.add(&mut self.rows, self.count, point),
                    Err(problem) => Err(problem.clone()),
                };
                match (added, point.value) {
                    (Err(problem), _) => self.rows.refuse_line(self.count, before, problem),
                    (Ok(()), PointValue::Histogram { .. }) => self.histograms.push(self.count),
                    (Ok(()), PointValue::Sample(_)) => {}
                }
            }
        }
        Ok(())
    }
}

/// Destination of the points of a series.
struct SeriesTarget<'a, 'l> {
    device: &'a str,
    metric: &'a str,
    /// The other labels.
    labels: &'l mut Vec<(&'a str, &'a str)>,
    /// Name of the stream of samples.
    name: String,
    sample: Option<SeriesSlot>,
    histogram: Option<[SeriesSlot; 2]>,
}

impl<'a, 'l> SeriesTarget<'a, 'l> {
    fn new(labels: &'l mut Vec<(&'a str, &'a str)>, default_device: Option<&'a str>) -> Result<Self, String> {
        if labels.len() > MAX_LABELS {
            return Err(format!("has more than {MAX_LABELS} labels"));
        }
        for label in [METRIC_LABEL, DEVICE_LABEL] {
            if labels.iter().filter(|(name, _)| *name == label).count() > 1 {
                return Err(format!("has the label `{label}` twice"));
            }
        }
        let find = |wanted: &str| labels.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let metric = find(METRIC_LABEL).ok_or("has no label `__name__`")?;
        let device = find(DEVICE_LABEL);
        labels.retain(|(name, _)| ![METRIC_LABEL, DEVICE_LABEL, JOB_LABEL].contains(name));
        let name = stream_name(metric, labels)?;
        let device = device.or(default_device).ok_or_else(|| {
            format!("`{name}` names no device: give it the label `instance`, or the request the parameter `device`")
        })?;
        Ok(Self { device, metric, labels, name, sample: None, histogram: None })
    }

    fn add(&mut self, rows: &mut SeriesRows, line: u32, point: Point) -> Result<(), String> {
        let in_series = |problem: String| format!("`{}`: {problem}", self.name);
        let ts = point.timestamp_ms.checked_mul(1000).map(Micros);
        let ts = ts.ok_or_else(|| in_series(format!("{} ms is no time", point.timestamp_ms)))?;
        match point.value {
            PointValue::Sample(number) => {
                let value = series_value(number).map_err(in_series)?;
                let slot = self.sample_slot(rows)?;
                rows.push(line, slot, Some(ts), &value)
                    .map_err(|problem| format!("`{}`: {problem}", self.name))
            }
            PointValue::Histogram { count, sum } => {
                let values = [series_value(count).map_err(in_series)?, series_value(sum).map_err(in_series)?];
                let slots = self.histogram_slots(rows)?;
                slots.into_iter().zip(values).try_for_each(|(slot, value)| {
                    rows.push(line, slot, Some(ts), &value)
                        .map_err(|problem| format!("`{}`: {problem}", self.name))
                })
            }
        }
    }

    fn sample_slot(&mut self, rows: &mut SeriesRows) -> Result<SeriesSlot, String> {
        if let Some(slot) = self.sample {
            return Ok(slot);
        }
        let slot = rows.slot(self.device, &self.name, StreamKind::Fp64)?;
        self.sample = Some(slot);
        Ok(slot)
    }

    fn histogram_slots(&mut self, rows: &mut SeriesRows) -> Result<[SeriesSlot; 2], String> {
        if let Some(slots) = self.histogram {
            return Ok(slots);
        }
        let mut slot = |suffix: &str| {
            let name = stream_name(&format!("{}{suffix}", self.metric), self.labels)?;
            rows.slot(self.device, &name, StreamKind::Fp64)
        };
        let [count, sum] = HISTOGRAM_SUFFIXES;
        let slots = [slot(count)?, slot(sum)?];
        self.histogram = Some(slots);
        Ok(slots)
    }
}

/// Returns the value of a sample: one NaN says that the series has ended, and no other is a value.
fn series_value(number: f64) -> Result<SeriesValue<'static>, String> {
    match number {
        stale if is_stale(stale) => Ok(SeriesValue::Lost),
        finite if finite.is_finite() => Ok(SeriesValue::Number(InputNumber::Float(finite))),
        other => Err(format!("{other} is no value: a finite number is expected")),
    }
}

#[cfg(test)]
#[path = "sample_write_tests.rs"]
mod tests;
