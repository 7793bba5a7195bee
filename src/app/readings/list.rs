//! Readings by time: of one sensor, of several, and the newest one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::readings::SensorReadings;
use crate::app::sql::SqlRequest;
use crate::domain::companion::Companion;
use crate::domain::document::DocumentKind;
use crate::domain::reading::Reading;
use crate::domain::reading_payload::value::to_json;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{DeviceId, Error, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::list_query::ListQuery;
use crate::query::readings_list::ValuesQuery;
use crate::query::step;

/// Maximum readings of one sensor in a response.
pub const MAX_READINGS: usize = 10_000;
/// Maximum readings of all sensors in a response.
pub const MAX_ALL_READINGS: usize = 100_000;
/// Bytes of texts and metadata in a response, after which it is truncated: a text of another API may have a mebibyte.
const MAX_TEXT_BYTES: usize = 16 << 20;
/// Range that is read where a request names no beginning, microseconds: a day.
const DEFAULT_RANGE_US: i64 = 86_400_000_000;
/// Longest window, microseconds: 366 days.
const MAX_WINDOW_US: i64 = 366 * DEFAULT_RANGE_US;
/// Shortest window, microseconds.
const MIN_WINDOW_US: i64 = 1_000_000;

/// A range of times, not empty: the beginning is included, the end is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingSpan {
    pub from: Micros,
    pub to: Micros,
}

impl ReadingSpan {
    /// Completes a range: the end is now, the beginning a day before the end.
    ///
    /// # Errors
    /// `Invalid` for the field `from` when it is not before the end.
    pub fn new(from: Option<Micros>, to: Option<Micros>, now: Micros) -> Result<Self> {
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(Micros(to.0.saturating_sub(DEFAULT_RANGE_US).max(0)));
        if from < to { Ok(Self { from, to }) } else { Err(Error::field("from", "must be before to")) }
    }

    /// The range of an ISO-8601 duration that ends now.
    ///
    /// # Errors
    /// `Invalid` for the field `duration` unless it is one from PT1S to P366D.
    pub fn window(duration: &str, now: Micros) -> Result<Self> {
        let length = step::duration_us(duration).filter(|us| (MIN_WINDOW_US..=MAX_WINDOW_US).contains(us));
        let length = length.ok_or_else(|| {
            Error::field("duration", "must be an ISO-8601 duration from PT1S to P366D, without months")
        })?;
        Ok(Self { from: Micros(now.0.saturating_sub(length).max(0)), to: now })
    }

    pub(in crate::app) fn last(self) -> Micros {
        Micros(self.to.0.saturating_sub(1))
    }
}

/// The readings that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanQuery {
    pub span: ReadingSpan,
    pub newest_first: bool,
    pub limit: usize,
}

/// A reading as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingRow {
    pub stream: Arc<Stream>,
    pub ts: Micros,
    /// By the type of the sensor.
    pub value: Value,
    pub metadata: Map<String, Value>,
}

/// The first readings of a range.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingsPage {
    pub rows: Vec<ReadingRow>,
    /// Whether the range has more of them.
    pub is_truncated: bool,
}

/// Source of the readings of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadingsOf {
    /// One sensor.
    Sensor(Uuid),
    /// Every sensor of a device.
    Device(Uuid),
    /// Every sensor of a component.
    Component(Uuid),
}

/// A page of readings.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingPage {
    pub rows: Vec<ReadingRow>,
    /// Number of readings in the range.
    pub total: u64,
}

/// The range and the page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageQuery {
    pub span: ReadingSpan,
    pub newest_first: bool,
    pub offset: usize,
    pub limit: usize,
}

impl SensorReadings {
    /// Returns the stream of a sensor.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `NotFound`.
    pub fn sensor_stream(&self, principal: &Principal, sensor: Uuid) -> Result<Arc<Stream>> {
        principal.require(Scope::read(Resource::Value))?;
        let stream = self.store.catalog().streams.stream_by_uuid(principal, sensor)?;
        if Companion::of(&stream.spec).is_some() { Err(Error::not_found()) } else { Ok(stream) }
    }

    /// Returns the readings of a sensor in a range.
    ///
    /// # Errors
    /// The errors of [`SensorReadings::sensor_stream`]; `Busy`, `Timeout` or `TooLarge` for the limits of queries.
    pub async fn sensor_readings(
        &self,
        principal: &Principal,
        sensor: Uuid,
        query: SpanQuery,
    ) -> Result<ReadingsPage> {
        let stream = self.sensor_stream(principal, sensor)?;
        let list = ListQuery {
            streams: Some(vec![stream.id]),
            from: Some(query.span.from),
            to: Some(query.span.last()),
            newest_first: query.newest_first,
            offset: 0,
            limit: Some(query.limit.saturating_add(1)),
        };
        let (mut readings, mut is_truncated) = self.bounded_readings(principal, list).await?;
        if readings.len() > query.limit {
            readings.truncate(query.limit);
            is_truncated = true;
        }
        let rows = self.with_metadata(principal, &[stream], readings).await?;
        Ok(ReadingsPage { rows, is_truncated })
    }

    /// Returns the newest reading of a sensor that has a value; `None` before the first.
    ///
    /// # Errors
    /// The errors of [`SensorReadings::sensor_readings`].
    pub async fn latest_sensor_reading(
        &self,
        principal: &Principal,
        sensor: Uuid,
    ) -> Result<Option<ReadingRow>> {
        let stream = self.sensor_stream(principal, sensor)?;
        let newest = self.store.latest(principal, stream.id).and_then(|latest| latest.valued);
        let Some(newest) = newest else { return Ok(None) };
        Ok(self.with_metadata(principal, &[stream], vec![newest]).await?.into_iter().next())
    }

    /// Returns a page of the readings of sensors in a range.
    ///
    /// # Errors
    /// The errors of [`SensorReadings::sensor_readings`]; `NotFound` for a sensor, component or device that is not visible; `TooLarge` for a
    /// page with too long texts.
    pub async fn readings_page(
        &self,
        principal: &Principal,
        of: &ReadingsOf,
        query: PageQuery,
    ) -> Result<ReadingPage> {
        let streams = self.streams_of(principal, of)?;
        if streams.is_empty() {
            return Ok(ReadingPage { rows: Vec::new(), total: 0 });
        }
        let ids: Vec<StreamId> = streams.iter().map(|stream| stream.id).collect();
        let total = self.count_within(principal, &ids, query.span).await?;
        let list = ListQuery {
            streams: Some(ids),
            from: Some(query.span.from),
            to: Some(query.span.last()),
            newest_first: query.newest_first,
            offset: query.offset,
            limit: Some(query.limit),
        };
        let readings = match u64::try_from(query.offset).is_ok_and(|offset| offset < total) {
            true => match self.bounded_readings(principal, list).await? {
                (readings, false) => readings,
                // A page without its last rows would look whole.
                (_, true) => {
                    return Err(Error::too_large("the texts of the page are too long: ask for fewer rows"));
                }
            },
            false => Vec::new(),
        };
        Ok(ReadingPage { rows: self.with_metadata(principal, &streams, readings).await?, total })
    }

    /// The visible streams of a sensor, device or component, without companions.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `NotFound`.
    pub(in crate::app) fn streams_of(
        &self,
        principal: &Principal,
        of: &ReadingsOf,
    ) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Value))?;
        let catalog = self.store.catalog();
        match of {
            ReadingsOf::Sensor(sensor) => Ok(vec![self.sensor_stream(principal, *sensor)?]),
            ReadingsOf::Device(device) => {
                let device = catalog.devices.device_by_uuid(principal, *device)?.id;
                Ok(self.own_streams(principal, device))
            }
            ReadingsOf::Component(component) => {
                let component = catalog.documents.document(principal, DocumentKind::Component, *component)?;
                Ok(self.sensors.component_streams(principal, &component))
            }
        }
    }

    /// The visible streams of a device, without companions.
    pub(in crate::app) fn own_streams(&self, principal: &Principal, device: DeviceId) -> Vec<Arc<Stream>> {
        let filter = StreamFilter { device: Some(device), ..StreamFilter::default() };
        let mut streams = self.store.catalog().streams.streams(principal, &filter);
        streams.retain(|stream| Companion::of(&stream.spec).is_none());
        streams
    }

    pub(in crate::app) async fn count_within(
        &self,
        principal: &Principal,
        streams: &[StreamId],
        span: ReadingSpan,
    ) -> Result<u64> {
        let ids = streams.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ");
        let query = format!(
            "SELECT count(*) FROM readings WHERE stream_id IN ({ids}) AND ts >= $from AND ts < $to \
             AND quality <> 'bad'"
        );
        let params = json!({"from": span.from.to_iso(), "to": span.to.to_iso()});
        let answer = self.statements.sql(principal, SqlRequest { query, params }).await?;
        let batches: Vec<_> = answer.batches.try_collect().await?;
        let counts = batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec());
        Ok(counts.map(|count| u64::try_from(count).unwrap_or(0)).sum())
    }

    /// Reads a list as far as its texts fit into a response; returns also whether they did not.
    async fn bounded_readings(&self, principal: &Principal, list: ListQuery) -> Result<(Vec<Reading>, bool)> {
        let mut batches = self.engine.values(principal, ValuesQuery { list, include_bad: false }).await?;
        let (mut readings, mut bytes) = (Vec::new(), 0_usize);
        while let Some(rows) = batches.try_next().await? {
            for reading in rows.iter() {
                bytes += reading.text.as_ref().map_or(0, |text| text.len());
                if bytes > MAX_TEXT_BYTES && !readings.is_empty() {
                    return Ok((readings, true));
                }
                readings.push(reading);
            }
        }
        Ok((readings, false))
    }

    async fn with_metadata(
        &self,
        principal: &Principal,
        streams: &[Arc<Stream>],
        readings: Vec<Reading>,
    ) -> Result<Vec<ReadingRow>> {
        let times = readings.iter().map(|reading| reading.ts);
        let Some(range) = times.clone().min().zip(times.max()) else { return Ok(Vec::new()) };
        let mut metadata = self.metadata_within(principal, streams, range).await?;
        let streams: HashMap<StreamId, &Arc<Stream>> =
            streams.iter().map(|stream| (stream.id, stream)).collect();
        let row = |reading: Reading| {
            let stream = Arc::clone(streams.get(&reading.stream)?);
            let value = to_json(stream.spec.kind, reading.value, reading.text.as_deref());
            let metadata = metadata.remove(&(reading.stream, reading.ts)).unwrap_or_default();
            Some(ReadingRow { stream, ts: reading.ts, value, metadata })
        };
        Ok(readings.into_iter().filter_map(row).collect())
    }
}
